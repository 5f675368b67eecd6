// Package session keeps live sessions in Redis: opaque sealed bytes with a
// version and a life. It knows no flow and opens nothing. Redis persists none
// of it: what must outlive Redis is in store.
package session

import (
	"context"
	"crypto/tls"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"net"
	"strconv"
	"time"

	"github.com/redis/go-redis/v9"
)

// Options for Open.
type Options struct {
	Network  string // "unix" or "tcp"
	Addr     string
	Username string
	Password string
	DB       int
	TLS      bool // with the system's certificates
	// PoolSize bounds connections; 0 means 32.
	PoolSize int
}

// Store holds sessions.
type Store struct {
	rdb    *redis.Client
	shared shared
}

// Open connects and checks that the server answers. Deadlines of contexts are
// obeyed, which go-redis does not do by default (dependencies.md, trap 3).
func Open(ctx context.Context, o Options) (*Store, error) {
	if o.PoolSize == 0 {
		o.PoolSize = 32
	}
	var secure *tls.Config
	if o.TLS {
		host, _, _ := net.SplitHostPort(o.Addr)
		secure = &tls.Config{ServerName: host, MinVersion: tls.VersionTLS12}
	}
	redis.SetLogger(quiet{}) // its lines are not ours: errors are returned, and counted where they matter
	rdb := redis.NewClient(&redis.Options{
		TLSConfig: secure, Network: o.Network, Addr: o.Addr, Username: o.Username, Password: o.Password, DB: o.DB,
		Protocol: 2, // with 3 the client looks for pushed messages, which nobody sends, before every answer
		PoolSize: o.PoolSize, ContextTimeoutEnabled: true, DisableIdentity: true,
		DialTimeout: 200 * time.Millisecond, ReadTimeout: time.Second, WriteTimeout: time.Second,
		MaxRetries: 1, MinRetryBackoff: 5 * time.Millisecond,
	})
	s := &Store{rdb: rdb, shared: shared{rdb: rdb}}
	if err := s.Ping(ctx); err != nil {
		_ = rdb.Close()
		return nil, err
	}
	return s, nil
}

type quiet struct{}

func (quiet) Printf(context.Context, string, ...any) {}

// Hook adds a hook that sees every trip; tests count with it.
func (s *Store) Hook(h redis.Hook) { s.rdb.AddHook(h) }

// Ping reports whether the server answers.
func (s *Store) Ping(ctx context.Context) error {
	if err := s.rdb.Ping(ctx).Err(); err != nil {
		return fmt.Errorf("reaching Redis: %w", err)
	}
	return nil
}

// Policy gives Redis' maxmemory-policy: anything but noeviction can drop a
// conversation that somebody is in.
func (s *Store) Policy(ctx context.Context) (string, error) {
	m, err := s.rdb.ConfigGet(ctx, "maxmemory-policy").Result()
	if err != nil {
		return "", fmt.Errorf("asking Redis for its maxmemory-policy: %w", err)
	}
	return m["maxmemory-policy"], nil
}

// Close ends every connection.
func (s *Store) Close() error { return s.rdb.Close() }

// Key says whose session: one a person, channel and medium.
type Key struct {
	Contact [32]byte // the pseudonym
	Channel string
	Medium  string
}

// names gives the session's and the contact's key, which share a hash tag so
// that one script may touch both in a cluster.
func (k Key) names() (session, contact string) {
	tag := "{" + hex.EncodeToString(k.Contact[:]) + "}"
	return "s:" + tag + ":" + k.Channel + ":" + k.Medium, "c:" + tag
}

// Loaded is what one trip finds. Version 0 means that there is no session.
type Loaded struct {
	Version uint64
	Session []byte
	Contact []byte // nil: not cached
	// Began is when this Redis last began empty while sessions may have been
	// under way; zero when nothing can have been lost. Unknown means that Redis
	// was emptied since anyone looked.
	Began   time.Time
	Unknown bool
}

const epochKey = "epoch"

// Load gets a session and its contact in one trip.
func (s *Store) Load(ctx context.Context, k Key) (Loaded, error) {
	sk, ck := k.names()
	// One command, one server: in a cluster the epoch would need the contact's tag.
	get := redis.NewSliceCmd(ctx, "mget", sk, ck, epochKey)
	if err := s.shared.do(ctx, get); err != nil {
		return Loaded{}, fmt.Errorf("loading a session: %w", err)
	}
	vals := get.Val()
	if len(vals) != 3 {
		return Loaded{}, fmt.Errorf("loading a session: Redis gave %d values of 3", len(vals))
	}
	var l Loaded
	if v, ok := vals[0].(string); ok && len(v) >= 8 {
		l.Version, l.Session = binary.BigEndian.Uint64([]byte(v[:8])), []byte(v[8:])
	}
	if v, ok := vals[1].(string); ok {
		l.Contact = []byte(v)
	}
	epoch, _ := vals[2].(string)
	ms, err := strconv.ParseInt(epoch, 10, 64)
	switch {
	case err != nil:
		l.Unknown = true
	case ms > 0:
		l.Began = time.UnixMilli(ms)
	}
	return l, nil
}

// save stores a session when it still has the version that was loaded, and the
// contact beside it. One trip; both keys have one hash tag.
const saveSource = `
local v = redis.call('GETRANGE', KEYS[1], 0, 7)
if v ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3])
if ARGV[4] ~= '' then redis.call('SET', KEYS[2], ARGV[4], 'PX', ARGV[5]) end
return 1
`

var save = redis.NewScript(saveSource)

// Saved is what to keep of a session.
type Saved struct {
	Version     uint64 // the new one: higher than the one loaded
	Session     []byte
	Life        time.Duration
	Contact     []byte // nil: as it is
	ContactLife time.Duration
}

// Save stores a session if nobody else has since the version expected. False
// means that someone did: load again. expected 0 means that there was none.
func (s *Store) Save(ctx context.Context, k Key, expected uint64, v Saved) (bool, error) {
	sk, ck := k.names()
	var was string
	if expected > 0 {
		var b [8]byte
		binary.BigEndian.PutUint64(b[:], expected)
		was = string(b[:])
	}
	value := make([]byte, 8, 8+len(v.Session))
	binary.BigEndian.PutUint64(value, v.Version)
	value = append(value, v.Session...)
	with := []any{2, sk, ck, was, value, v.Life.Milliseconds(), v.Contact, v.ContactLife.Milliseconds()}
	run := redis.NewIntCmd(ctx, append([]any{"evalsha", save.Hash()}, with...)...)
	err := s.shared.do(ctx, run)
	if redis.HasErrorPrefix(err, "NOSCRIPT") { // the first of all since Redis began
		run = redis.NewIntCmd(ctx, append([]any{"eval", saveSource}, with...)...)
		err = s.shared.do(ctx, run)
	}
	if err != nil {
		return false, fmt.Errorf("saving a session: %w", err)
	}
	return run.Val() == 1, nil
}

// drop deletes a session that still has a version, and its contact. A Redis that
// is full refuses the commands that take memory, and DEL takes none.
var drop = redis.NewScript(`
if redis.call('GETRANGE', KEYS[1], 0, 7) == ARGV[1] then redis.call('DEL', KEYS[1], KEYS[2]) end
return 0
`)

// Drop deletes a session if it still has a version, and what is cached of its
// contact with it. It needs no room in Redis.
func (s *Store) Drop(ctx context.Context, k Key, version uint64) error {
	sk, ck := k.names()
	was := binary.BigEndian.AppendUint64(nil, version)
	if err := drop.Run(ctx, s.rdb, []string{sk, ck}, was).Err(); err != nil {
		return fmt.Errorf("dropping a session: %w", err)
	}
	return nil
}

// Begin notes since when this Redis holds every session: zero when none can have
// been lost. A Redis that knows already keeps what it knows.
func (s *Store) Begin(ctx context.Context, lost time.Time) error {
	var ms int64
	if !lost.IsZero() {
		ms = lost.UnixMilli()
	}
	if err := s.rdb.SetNX(ctx, epochKey, ms, 0).Err(); err != nil {
		return fmt.Errorf("noting Redis' beginning: %w", err)
	}
	return nil
}
