// Package serverstest gives tests a PostgreSQL and a Redis of their own, never one that happens to be running.
//
// A package whose tests use Postgres has
//
//	func TestMain(m *testing.M) { serverstest.Main(m) }
//
// which stops the test binary's cluster, removes its data and looks for leaked goroutines. Without it the cluster dies with
// the binary, and its data is removed by the next binary that asks for one.
package serverstest

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"go.uber.org/goleak"

	"lafia/internal/servers"
)

// startWithin bounds the start of a server: a machine whose cores are all busy with other tests is slow.
const startWithin = 2 * time.Minute

// M is what Main needs of *testing.M.
type M interface{ Run() int }

// Main runs the tests, stops what Postgres started, looks for goroutines that the tests leaked, and exits.
func Main(m M, options ...goleak.Option) { os.Exit(Run(m, options...)) }

// Run is Main without the exit, for a TestMain with something else to do.
func Run(m M, options ...goleak.Option) int {
	code := m.Run()
	if err := cluster.end(); err != nil {
		fmt.Fprintln(os.Stderr, "serverstest:", err)
		code = max(code, 1)
	}
	if code == 0 {
		if err := goleak.Find(options...); err != nil {
			fmt.Fprintln(os.Stderr, "serverstest: goroutines outlive the tests:", err)
			code = 1
		}
	}
	return code
}

// Postgres returns the URL of an empty database that only this test has, dropped when the test ends. All tests of a binary
// share one cluster, with fsync off.
func Postgres(t testing.TB) string {
	t.Helper()
	return newDatabase(t, "template0")
}

// PostgresFrom is Postgres with something in it: the first call of a binary with this name has prepare fill a database (run
// the migrations, say), and every call gets a copy of it. When prepare returns it must have closed its connections.
func PostgresFrom(t testing.TB, name string, prepare func(url string) error) string {
	t.Helper()
	made, _ := templates.LoadOrStore(name, &template{database: fmt.Sprintf("template_%d", serial.Add(1))})
	tpl := made.(*template)
	tpl.once.Do(func() {
		url, err := createDatabase(t.Context(), tpl.database, "template0")
		if err == nil {
			err = prepare(url)
		}
		tpl.err = err
	})
	if tpl.err != nil {
		t.Fatalf("serverstest: preparing the database %q: %v", name, tpl.err)
	}
	return newDatabase(t, tpl.database)
}

// Redis returns the unix socket of a Redis that only this test has; it ends with the test.
func Redis(t testing.TB) string {
	t.Helper()
	return start(t, servers.Options{NoPostgres: true}).RedisSocket()
}

// Start returns a pair that only this test has, in a data folder of its own: for tests that kill servers, or that need both.
// It ends with the test.
func Start(t testing.TB) *servers.Servers {
	t.Helper()
	return start(t, servers.Options{})
}

// Dir is a folder for one test in which a PostgreSQL can run, whoever runs the test. In t.TempDir, which is closed to all but
// its owner, root's could not.
func Dir(t testing.TB) string {
	t.Helper()
	dir, remove, err := newDir()
	if err != nil {
		t.Fatal("serverstest:", err)
	}
	t.Cleanup(func() {
		if err := remove(); err != nil {
			t.Error("serverstest:", err)
		}
	})
	return dir
}

func start(t testing.TB, o servers.Options) *servers.Servers {
	t.Helper()
	o.Dir = Dir(t)
	ctx, cancel := context.WithTimeout(t.Context(), startWithin)
	defer cancel()
	s, err := servers.Start(ctx, o)
	if err != nil {
		t.Fatal("serverstest:", err)
	}
	t.Cleanup(func() {
		if err := s.Stop(); err != nil {
			t.Error("serverstest:", err)
		}
	})
	return s
}

// template is a database that PostgresFrom copies.
type template struct {
	once     sync.Once
	database string
	err      error
}

var (
	cluster   shared
	templates sync.Map // name → *template
	serial    atomic.Int64
)

// shared is the cluster of this test binary.
type shared struct {
	mu      sync.Mutex
	ended   bool
	err     error
	servers *servers.Servers
	remove  func() error
	creates sync.Mutex // PostgreSQL refuses to copy a database while another copy of it begins
}

// url starts the cluster at its first call.
func (c *shared) url() (string, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.ended {
		return "", errors.New("the tests of this binary have ended")
	}
	if c.servers == nil && c.err == nil {
		c.err = c.start()
	}
	if c.err != nil {
		return "", c.err
	}
	return c.servers.PostgresURL(), nil
}

func (c *shared) start() error {
	dir, remove, err := newDir()
	if err != nil {
		return err
	}
	// Not the context of the test that happens to be the first.
	ctx, cancel := context.WithTimeout(context.Background(), startWithin)
	defer cancel()
	s, err := servers.Start(ctx, servers.Options{Dir: dir, NoRedis: true})
	if err != nil {
		return errors.Join(err, remove())
	}
	c.servers, c.remove = s, remove
	return nil
}

func (c *shared) end() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.ended = true
	if c.servers == nil {
		return nil
	}
	return errors.Join(c.servers.Stop(), c.remove())
}

func newDatabase(t testing.TB, template string) string {
	t.Helper()
	name := fmt.Sprintf("test_%d", serial.Add(1))
	url, err := createDatabase(t.Context(), name, template)
	if err != nil {
		t.Fatal("serverstest:", err)
	}
	t.Cleanup(func() {
		if err := execute(context.Background(), "DROP DATABASE "+name+" WITH (FORCE)"); err != nil {
			t.Error("serverstest:", err)
		}
	})
	return url
}

func createDatabase(ctx context.Context, name, template string) (string, error) {
	url, err := cluster.url()
	if err != nil {
		return "", err
	}
	cluster.creates.Lock()
	defer cluster.creates.Unlock()
	// With fsync off the checkpoint that FILE_COPY needs costs nothing, and the copy does not go through the WAL: half the time.
	if err := execute(ctx, "CREATE DATABASE "+name+" TEMPLATE "+template+" STRATEGY FILE_COPY"); err != nil {
		return "", err
	}
	config, err := pgx.ParseConfig(url)
	if err != nil {
		return "", err
	}
	return strings.Replace(url, "/"+config.Database+"?", "/"+name+"?", 1), nil
}

func execute(ctx context.Context, statement string) error {
	url, err := cluster.url()
	if err != nil {
		return err
	}
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		return err
	}
	_, err = conn.Exec(ctx, statement)
	return errors.Join(err, conn.Close(ctx))
}

// newDir makes a folder that a later test binary removes if this one is killed before it can.
func newDir() (dir string, remove func() error, err error) {
	mine := filepath.Join(servers.Scratch(), "lafia-test-"+strconv.Itoa(os.Getuid()))
	if err := os.Mkdir(mine, 0o711); err != nil && !errors.Is(err, os.ErrExist) {
		return "", nil, err
	}
	info, err := os.Lstat(mine)
	if err != nil {
		return "", nil, err
	}
	if stat, ok := info.Sys().(*syscall.Stat_t); !ok || int(stat.Uid) != os.Getuid() || !info.IsDir() {
		return "", nil, fmt.Errorf("%s belongs to another user: remove it", mine)
	}
	if err := os.Chmod(mine, 0o711); err != nil {
		return "", nil, err
	}
	// The outer lock is held while a folder is made and until its own lock is held; so a folder whose lock is free is left over.
	outer, err := flock(filepath.Join(mine, "lock"), syscall.LOCK_EX)
	if err != nil {
		return "", nil, err
	}
	defer outer.Close()
	leftovers, err := filepath.Glob(filepath.Join(mine, "*.lock"))
	if err != nil {
		return "", nil, err
	}
	for _, path := range leftovers {
		f, err := flock(path, syscall.LOCK_EX|syscall.LOCK_NB)
		if err != nil {
			continue // in use
		}
		// Its servers die with their binary, but perhaps not yet: what cannot be removed now is removed next time.
		if os.RemoveAll(strings.TrimSuffix(path, ".lock")) == nil {
			_ = os.Remove(path)
		}
		f.Close()
	}
	dir, err = os.MkdirTemp(mine, "")
	if err != nil {
		return "", nil, err
	}
	if err := os.Chmod(dir, 0o711); err != nil {
		return "", nil, err
	}
	held, err := flock(dir+".lock", syscall.LOCK_EX|syscall.LOCK_NB)
	if err != nil {
		return "", nil, err
	}
	return dir, func() error {
		err := errors.Join(os.RemoveAll(dir), os.Remove(dir+".lock"))
		return errors.Join(err, held.Close())
	}, nil
}

func flock(path string, how int) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(f.Fd()), how); err != nil {
		f.Close()
		return nil, fmt.Errorf("cannot lock %s: %w", path, err)
	}
	return f, nil
}
