// Package store is Lafia's record in PostgreSQL: migrations, and one file a
// table family. It holds no rule and no clock: the moment of a thing is an
// argument, what may be seen is a staff.Scope. No number and no word is in a
// column in the clear.
package store

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/lock"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
	"github.com/riverqueue/river/rivermigrate"
)

//go:embed migrations/*.sql
var migrations embed.FS

// ErrNotFound is returned for what does not exist, and for what is outside the
// reader's scope: the two are the same.
var ErrNotFound = errors.New("not found")

// Store is the record.
type Store struct {
	pool  *pgxpool.Pool
	jobs  func() (*river.Client[pgx.Tx], error)
	moved atomic.Pointer[func(Moved)]
}

// Options for Open. Zero values are documented per field.
type Options struct {
	// MaxConns bounds the pool; 0 means 24. More than 32 loses throughput
	// (performance.md 2), and the total over nodes stays below half of
	// max_connections.
	MaxConns int32
	// Tracer sees every query; tests count trips with it. May be nil.
	Tracer pgx.QueryTracer
	// Dial replaces the network, so that tests can fault real connections. May be nil.
	Dial func(ctx context.Context, network, addr string) (net.Conn, error)
}

// Open connects and checks that the server answers.
func Open(ctx context.Context, url string, o Options) (*Store, error) {
	cfg, err := pgxpool.ParseConfig(url)
	if err != nil {
		return nil, fmt.Errorf("reading the PostgreSQL address: %w", err)
	}
	cfg.MaxConns = o.MaxConns
	if cfg.MaxConns == 0 {
		cfg.MaxConns = 24
	}
	cfg.ConnConfig.ConnectTimeout = 3 * time.Second // pgx has none by default
	cfg.ConnConfig.Tracer = o.Tracer
	if o.Dial != nil {
		cfg.ConnConfig.DialFunc = o.Dial
	}
	params := cfg.ConnConfig.RuntimeParams
	params["application_name"] = "lafia"
	params["timezone"] = "UTC"
	params["statement_timeout"] = "15000"
	params["idle_in_transaction_session_timeout"] = "20000"
	pool, err := pgxpool.NewWithConfig(ctx, cfg)
	if err != nil {
		return nil, fmt.Errorf("opening PostgreSQL: %w", err)
	}
	s := &Store{pool: pool, jobs: sync.OnceValues(func() (*river.Client[pgx.Tx], error) {
		// Inserts only. They are announced at most once in its cooldown, whose default
		// of 100 ms leaves the second of two replies to the next poll. Its own log
		// would go to standard output.
		return river.NewClient(riverpgxv5.New(pool), &river.Config{Logger: slog.New(slog.DiscardHandler), FetchCooldown: 20 * time.Millisecond})
	})}
	if err := s.Ping(ctx); err != nil {
		pool.Close()
		return nil, err
	}
	return s, nil
}

// Clock gives the time by PostgreSQL's clock.
func (s *Store) Clock(ctx context.Context) (now time.Time, err error) {
	if err := s.pool.QueryRow(ctx, `select clock_timestamp()`).Scan(&now); err != nil {
		return now, fmt.Errorf("asking PostgreSQL for the time: %w", err)
	}
	return now, nil
}

// Ping reports whether the server answers.
func (s *Store) Ping(ctx context.Context) error {
	if err := s.pool.Ping(ctx); err != nil {
		return fmt.Errorf("reaching PostgreSQL: %w", oneLine{err})
	}
	return nil
}

// DropIdle closes the connections that nobody uses. Behind a network that went
// away without a word each of them is dead, and whoever takes one next waits for
// his deadline to find that out.
func (s *Store) DropIdle(ctx context.Context) {
	for _, c := range s.pool.AcquireAllIdle(ctx) {
		// The socket first: pgx waits 15 s for a server to hear of it, and the pool makes
		// no other connection in its place meanwhile.
		_ = c.Conn().PgConn().Conn().Close()
		_ = c.Conn().Close(ctx)
		c.Release()
	}
}

// oneLine is an error told in one line: pgx lists every address it tried.
type oneLine struct{ error }

func (e oneLine) Error() string { return strings.Join(strings.Fields(e.error.Error()), " ") }
func (e oneLine) Unwrap() error { return e.error }

// Close ends every connection.
func (s *Store) Close() { s.pool.Close() }

// Pool is for River, which keeps its jobs in the same database so that a job is
// inserted by the transaction that decides it.
func (s *Store) Pool() *pgxpool.Pool { return s.pool }

// Migrate brings the database to this program's tables: ours, then River's. It
// takes a lock, so that two gateways may start at once.
func (s *Store) Migrate(ctx context.Context) error {
	db := stdlib.OpenDBFromPool(s.pool)
	defer db.Close()
	sub, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return fmt.Errorf("reading the embedded migrations: %w", err)
	}
	locker, err := lock.NewPostgresSessionLocker()
	if err != nil {
		return fmt.Errorf("preparing the migration lock: %w", err)
	}
	p, err := goose.NewProvider(goose.DialectPostgres, db, sub, goose.WithSessionLocker(locker))
	if err != nil {
		return fmt.Errorf("preparing the migrations: %w", err)
	}
	if _, err := p.Up(ctx); err != nil {
		return fmt.Errorf("migrating the database: %w", err)
	}
	r, err := rivermigrate.New(riverpgxv5.New(s.pool), nil)
	if err != nil {
		return fmt.Errorf("preparing River's migrations: %w", err)
	}
	if _, err := r.Migrate(ctx, rivermigrate.DirectionUp, nil); err != nil {
		return fmt.Errorf("migrating River's tables: %w", err)
	}
	return nil
}

// Pending reports whether migrations wait to be run.
func (s *Store) Pending(ctx context.Context) (bool, error) {
	db := stdlib.OpenDBFromPool(s.pool)
	defer db.Close()
	sub, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return false, fmt.Errorf("reading the embedded migrations: %w", err)
	}
	p, err := goose.NewProvider(goose.DialectPostgres, db, sub)
	if err != nil {
		return false, fmt.Errorf("preparing the migrations: %w", err)
	}
	pending, err := p.HasPending(ctx)
	if err != nil {
		return false, fmt.Errorf("looking for pending migrations: %w", err)
	}
	return pending, nil
}

// inTx runs f in a transaction.
func (s *Store) inTx(ctx context.Context, what string, f func(pgx.Tx) error) error {
	if err := pgx.BeginFunc(ctx, s.pool, f); err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	return nil
}

// notFound turns pgx's word for no row into ours.
func notFound(err error) error {
	if errors.Is(err, pgx.ErrNoRows) {
		return ErrNotFound
	}
	return err
}

// Class names an error for logs and metrics without its text, which can quote
// values (reliability.md fact 6).
func Class(err error) string {
	var pg *pgconn.PgError
	switch {
	case err == nil:
		return ""
	case errors.As(err, &pg):
		return "postgres-" + pg.Code
	case errors.Is(err, context.DeadlineExceeded):
		return "deadline"
	case errors.Is(err, ErrNotFound):
		return "not-found"
	}
	return "postgres-connection"
}
