// Package servers runs a PostgreSQL and a Redis that belong to one data folder and to this process: what `lafia dev` and the
// tests live on. They listen on unix sockets only, in a folder that nobody else may enter, and never on TCP; a server that
// the system runs is never looked for and never touched.
//
// What lies in the data folder:
//
//	lock          held while an instance runs; a second one gets one clear error
//	servers.json  where the sockets are, and where the data is when it could not be here
//	pg, redis     the servers' own folders
//	run           their sockets
//	postgres.log, redis.log
//
// PostgreSQL refuses to run as root. Started by root, both servers run as the user postgres (else nobody), who owns pg, redis
// and run and nothing else. That user must be able to walk to them: the data folder is made 0711 then, and when a folder above
// is closed to that user, pg, redis and run go to /var/lib/lafia instead.
//
// Whatever was killed, the next start finds the data of the last commit: what is left of the old servers is ended first.
package servers

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"time"
)

const (
	// answerWithin bounds the wait for a server that lives and says nothing. One that says that it is recovering is waited for
	// as long as it says so: after a crash PostgreSQL replays up to max_wal_size.
	answerWithin = 60 * time.Second
	// leaveWithin bounds an orderly stop, and hurryWithin the harsher one after it: together below the 5 s Stop promises.
	leaveWithin = 3500 * time.Millisecond
	hurryWithin = 700 * time.Millisecond
)

// Options says what to start, and for how long it must last.
type Options struct {
	// Dir is the data folder; it is made when it is missing.
	Dir string
	// Durable keeps what was committed through a loss of power, as `lafia dev` must. False is for tests: nothing is
	// fsynced, and the cluster is copied from one that was made before on this machine.
	Durable bool
	// Log gets what a person should know; nil is silence.
	Log *slog.Logger
	// NoPostgres and NoRedis leave one of the two out, for tests that need only the other.
	NoPostgres, NoRedis bool
}

// Servers is a running pair. When one of them dies it is started again.
type Servers struct {
	place    *place
	postgres *child // nil when left out, as is redis
	redis    *child
	stop     func() error
}

// Start returns when both servers answer. The context bounds the start, not the servers' life: that ends with Stop, or with
// this process.
func Start(ctx context.Context, o Options) (_ *Servers, err error) {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if err := foreign(o.Dir); err != nil {
		return nil, err
	}
	p, err := hold(ctx, o.Dir)
	if err != nil {
		return nil, err
	}
	s := &Servers{place: p}
	s.stop = sync.OnceValue(s.stopAll)
	defer func() {
		if err != nil {
			if also := s.stop(); also != nil {
				err = fmt.Errorf("%w; %w", err, also)
			}
		}
	}()

	bins, err := findBinaries(p.wantedMajor(), !o.NoPostgres, !o.NoRedis)
	if err != nil {
		return nil, err
	}
	if err := p.settle(o.Log); err != nil {
		return nil, err
	}
	if !o.NoPostgres {
		if err := p.makeCluster(ctx, bins, o.Durable, o.Log); err != nil {
			return nil, err
		}
	}
	if err := p.remember(); err != nil {
		return nil, err
	}

	if !o.NoPostgres {
		s.postgres = newPostgres(p, bins, o)
	}
	if !o.NoRedis {
		s.redis = newRedis(p, bins, o)
	}
	// Both at once, so that the slower one decides.
	for _, c := range s.children() {
		go c.supervise()
	}
	for _, c := range s.children() {
		if err := c.awaitAnswer(ctx); err != nil {
			return nil, err
		}
	}
	if s.postgres != nil {
		if err := ensureDatabase(ctx, p.sockets); err != nil {
			return nil, err
		}
	}
	return s, nil
}

// PostgresURL is a connection string for pgx: the database lafia, the user lafia, by unix socket.
func (s *Servers) PostgresURL() string { return postgresURL(s.place.sockets, databaseName) }

// RedisSocket is the path of Redis's unix socket.
func (s *Servers) RedisSocket() string { return redisSocket(s.place.sockets) }

// PIDs are the process ids of the postmaster and of Redis as they are now, for a test that kills them; 0 is one that does
// not run.
func (s *Servers) PIDs() (postgres, redis int) { return s.postgres.currentPID(), s.redis.currentPID() }

// Stop ends both servers in order, and by force after 3.5 s; it returns in less than 5 s with both gone and the data folder
// free for another instance. Later calls return what the first did.
func (s *Servers) Stop() error { return s.stop() }

func (s *Servers) stopAll() error {
	errs := make([]error, 2)
	var both sync.WaitGroup
	for i, c := range s.children() {
		both.Go(func() { errs[i] = c.end() })
	}
	both.Wait()
	s.place.release()
	return errors.Join(errs...)
}

func (s *Servers) children() []*child {
	var all []*child
	for _, c := range []*child{s.postgres, s.redis} {
		if c != nil {
			all = append(all, c)
		}
	}
	return all
}

// Addresses is how to reach the servers of an instance.
type Addresses struct {
	// PostgresURL and RedisSocket are what the methods of Servers return.
	PostgresURL, RedisSocket string
}

// Running says how to reach the servers of the instance that runs on a data folder, in this process or in another, and false
// when none does.
func Running(dir string) (Addresses, bool, error) {
	lock, err := os.Open(filepath.Join(dir, "lock"))
	if errors.Is(err, os.ErrNotExist) {
		return Addresses{}, false, nil
	}
	if err != nil {
		return Addresses{}, false, fmt.Errorf("cannot tell whether a lafia runs on %s: %w", dir, err)
	}
	defer lock.Close()
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_SH|syscall.LOCK_NB); err == nil {
		return Addresses{}, false, nil
	}
	m, err := readMemory(dir)
	if err != nil {
		return Addresses{}, false, err
	}
	if m.Sockets == "" {
		return Addresses{}, false, fmt.Errorf("the lafia on %s is only just starting; try again", dir)
	}
	return Addresses{PostgresURL: postgresURL(m.Sockets, databaseName), RedisSocket: redisSocket(m.Sockets)}, true, nil
}

// postgresURL says all that pgx would otherwise take from the environment (PGHOST, PGPORT, PGUSER, PGDATABASE, PGSSLMODE).
func postgresURL(sockets, database string) string {
	u := url.URL{Scheme: "postgres", User: url.User(roleName), Path: "/" + database}
	u.RawQuery = url.Values{"host": {sockets}, "port": {postgresPort}, "sslmode": {"disable"}}.Encode()
	return u.String()
}
