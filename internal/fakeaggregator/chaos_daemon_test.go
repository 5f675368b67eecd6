package fakeaggregator_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/redis/go-redis/v9"

	"lafia/internal/servers/serverstest"
)

// daemon is a server process that a scenario kills, holds and starts again, at
// once: serverstest's own are started again ever more slowly.
type daemon struct {
	t       *testing.T
	name    string
	command func() *exec.Cmd
	answers func(context.Context) error
	out     io.Writer

	mu   sync.Mutex
	cmd  *exec.Cmd
	gone chan struct{}
}

// start starts it, waits until it answers, and gives how long that took.
func (d *daemon) start() time.Duration {
	d.t.Helper()
	began := time.Now()
	d.launch()
	d.await(60 * time.Second)
	return time.Since(began)
}

// launch starts it. The system ties the death of a child to the thread that started
// it, so a goroutine keeps that thread.
func (d *daemon) launch() {
	d.t.Helper()
	cmd, gone, started := d.command(), make(chan struct{}), make(chan error)
	cmd.Stdout, cmd.Stderr = d.out, d.out
	if cmd.SysProcAttr == nil {
		cmd.SysProcAttr = &syscall.SysProcAttr{}
	}
	cmd.SysProcAttr.Pdeathsig = syscall.SIGKILL
	go func() {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := cmd.Start()
		started <- err
		if err == nil {
			_ = cmd.Wait()
		}
		close(gone)
	}()
	must(d.t, <-started)
	d.mu.Lock()
	d.cmd, d.gone = cmd, gone
	d.mu.Unlock()
}

func (d *daemon) await(within time.Duration) {
	d.t.Helper()
	var err error
	for end := time.Now().Add(within); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		err = d.answers(ctx)
		cancel()
		if err == nil {
			return
		}
		select {
		case <-d.gone:
			d.t.Fatalf("%s ended before it answered: %v\n%s", d.name, err, tail(d.out))
		default:
		}
	}
	d.t.Fatalf("%s does not answer within %v: %v\n%s", d.name, within, err, tail(d.out))
}

// tail gives the end of what was printed.
func tail(out io.Writer) string {
	text := fmt.Sprint(out)
	return text[max(0, len(text)-3000):]
}

func (d *daemon) pid() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.cmd.Process.Pid
}

// kill ends it and its children as an out-of-memory killer or a power cut does.
func (d *daemon) kill() { d.signal(syscall.SIGKILL, 0) }

// signal ends it by a signal, its children by another one.
func (d *daemon) signal(s, children syscall.Signal) {
	d.t.Helper()
	d.mu.Lock()
	gone := d.gone
	d.mu.Unlock()
	select {
	case <-gone:
		return
	default:
	}
	all := childrenOf(d.pid())
	_ = syscall.Kill(d.pid(), s)
	if s == syscall.SIGKILL {
		children = syscall.SIGKILL
	}
	for _, pid := range all {
		if children != 0 {
			_ = syscall.Kill(pid, children)
		}
	}
	select {
	case <-gone:
	case <-time.After(30 * time.Second):
		d.t.Fatalf("%s lives 30 s after signal %v", d.name, s)
	}
	for end := time.Now().Add(10 * time.Second); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		alive := false
		for _, pid := range all {
			alive = alive || syscall.Kill(pid, 0) == nil
		}
		if !alive {
			return
		}
	}
}

// hold stops it and its children from running until the function it gives is called.
func (d *daemon) hold() (resume func()) {
	d.t.Helper()
	must(d.t, syscall.Kill(d.pid(), syscall.SIGSTOP)) // first: it starts no other
	all := append(childrenOf(d.pid()), d.pid())
	for _, pid := range all {
		_ = syscall.Kill(pid, syscall.SIGSTOP)
	}
	resume = sync.OnceFunc(func() {
		for _, pid := range all {
			_ = syscall.Kill(pid, syscall.SIGCONT)
		}
	})
	d.t.Cleanup(resume)
	return resume
}

// childrenOf lists the processes that a process started.
func childrenOf(parent int) (pids []int) {
	stats, _ := filepath.Glob("/proc/[0-9]*/stat")
	for _, path := range stats {
		b, err := os.ReadFile(path)
		if err != nil {
			continue // it is gone
		}
		// pid (name) state ppid …; a name may hold anything.
		fields := strings.Fields(string(b[bytes.LastIndexByte(b, ')')+1:]))
		if len(fields) > 1 && fields[1] == strconv.Itoa(parent) {
			if pid, err := strconv.Atoi(filepath.Base(filepath.Dir(path))); err == nil {
				pids = append(pids, pid)
			}
		}
	}
	return pids
}

// programs are the servers' programs, as the house finds them.
type programs struct{ postgres, redis string }

func (p programs) pg(name string) string { return filepath.Join(filepath.Dir(p.postgres), name) }

// found asks the processes of a pair what they were started as: finding servers is
// the servers' room's alone.
func found(t *testing.T) programs {
	t.Helper()
	postgres, redis := serverstest.Start(t).PIDs()
	exe, err := os.Readlink(fmt.Sprintf("/proc/%d/exe", postgres)) // not how it was called: the other programs stand beside it
	must(t, err)
	called := func(pid int) string { // Redis is one program of several names
		b, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
		must(t, err)
		path, _, _ := strings.Cut(string(b), "\x00")
		return path
	}
	return programs{exe, called(redis)}
}

// dressed makes a command run as the servers' user where this is root.
func dressed(t *testing.T, cmd *exec.Cmd) *exec.Cmd {
	t.Helper()
	if uid, gid, root := serversUser(t); root {
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uid, Gid: gid}}
	}
	cmd.Dir = "/"
	return cmd
}

func serversUser(t *testing.T) (uid, gid uint32, root bool) {
	t.Helper()
	if os.Getuid() != 0 {
		return 0, 0, false
	}
	u, err := user.Lookup("postgres")
	if err != nil {
		u, err = user.Lookup("nobody")
	}
	must(t, err)
	a, err := strconv.ParseUint(u.Uid, 10, 32)
	must(t, err)
	b, err := strconv.ParseUint(u.Gid, 10, 32)
	must(t, err)
	return uint32(a), uint32(b), true
}

// theirs makes a folder that the servers' user owns.
func theirs(t *testing.T, dir string) string {
	t.Helper()
	must(t, os.MkdirAll(dir, 0o700))
	if uid, gid, root := serversUser(t); root {
		must(t, os.Chown(dir, int(uid), int(gid)))
	}
	return dir
}

// freePort gives a TCP port of this machine that nobody has.
func freePort(t *testing.T) int {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}

// postgres is a PostgreSQL of a scenario's own, on a port.
type postgres struct {
	*daemon
	programs programs
	dir      string
	port     int
	settings []string
}

// newPostgres makes a cluster with the database lafia and starts it. Files survive
// a kill -9: only a power cut needs fsync.
func newPostgres(t *testing.T, p programs, settings ...string) *postgres {
	t.Helper()
	c := clusterIn(t, p, theirs(t, filepath.Join(serverstest.Dir(t), "pg")), settings...)
	c.run("initdb", "-D", c.dir, "-U", "lafia", "-A", "trust", "--encoding=UTF8", "--locale=C.UTF-8", "--no-instructions", "--no-sync")
	c.start()
	c.exec("postgres", "create database lafia")
	return c
}

func clusterIn(t *testing.T, p programs, dir string, settings ...string) *postgres {
	t.Helper()
	c := &postgres{programs: p, dir: dir, port: freePort(t), settings: settings}
	c.daemon = &daemon{t: t, name: "postgres", out: &log{}}
	c.command = func() *exec.Cmd {
		args := []string{"-D", c.dir, "-k", "", "-p", strconv.Itoa(c.port)}
		for _, s := range append([]string{
			"listen_addresses=127.0.0.1", "fsync=off", "full_page_writes=off", "shared_buffers=32MB", "jit=off", "max_connections=100", "timezone=UTC",
			"max_parallel_workers_per_gather=0", "max_parallel_maintenance_workers=0", "log_min_messages=fatal",
		}, c.settings...) {
			args = append(args, "-c", s)
		}
		return dressed(t, exec.Command(p.postgres, args...))
	}
	c.answers = func(ctx context.Context) error {
		conn, err := pgx.Connect(ctx, c.urlOf("postgres"))
		if err != nil {
			return err
		}
		return conn.Close(ctx)
	}
	t.Cleanup(func() {
		if c.cmd != nil {
			c.kill()
		}
	})
	return c
}

func (c *postgres) urlOf(database string) string {
	return fmt.Sprintf("postgres://lafia@127.0.0.1:%d/%s?sslmode=disable", c.port, database)
}

func (c *postgres) url() string { return c.urlOf("lafia") }

// run runs one of PostgreSQL's own programs to its end.
func (c *postgres) run(program string, args ...string) {
	c.t.Helper()
	if out, err := dressed(c.t, exec.Command(c.programs.pg(program), args...)).CombinedOutput(); err != nil {
		c.t.Fatalf("%s: %v\n%s", program, err, out)
	}
}

// exec runs one statement.
func (c *postgres) exec(database, statement string) {
	c.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 40*time.Second)
	defer cancel()
	conn, err := pgx.Connect(ctx, c.urlOf(database))
	must(c.t, err)
	defer func() { _ = conn.Close(context.Background()) }()
	_, err = conn.Exec(ctx, statement)
	must(c.t, err)
}

// ask asks for one number.
func (c *postgres) ask(query string) (n int) {
	c.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	conn, err := pgx.Connect(ctx, c.url())
	must(c.t, err)
	defer func() { _ = conn.Close(context.Background()) }()
	must(c.t, conn.QueryRow(ctx, query).Scan(&n))
	return n
}

// again starts it once more after a kill.
func (c *postgres) again() time.Duration {
	c.t.Helper()
	// PostgreSQL refuses where the number of the killed one belongs to another process
	// by now.
	_ = os.Remove(filepath.Join(c.dir, "postmaster.pid"))
	return c.start()
}

// newRedis makes a Redis of a scenario's own, on a port.
func newRedis(t *testing.T, p programs, settings ...string) (d *daemon, address string) {
	t.Helper()
	dir := theirs(t, filepath.Join(serverstest.Dir(t), "redis"))
	port := freePort(t)
	address = fmt.Sprintf("127.0.0.1:%d", port)
	client := redis.NewClient(&redis.Options{Addr: address, DisableIdentity: true, DialTimeout: 200 * time.Millisecond})
	t.Cleanup(func() { _ = client.Close() })
	d = &daemon{t: t, name: "redis", out: &log{}, answers: func(ctx context.Context) error { return client.Ping(ctx).Err() }}
	d.command = func() *exec.Cmd {
		return dressed(t, exec.Command(p.redis, append([]string{
			"--port", strconv.Itoa(port), "--bind", "127.0.0.1", "--dir", dir, "--save", "", "--appendonly", "no",
			"--maxmemory", "256mb", "--maxmemory-policy", "noeviction", "--daemonize", "no", "--loglevel", "warning",
		}, settings...)...))
	}
	d.start()
	t.Cleanup(d.kill)
	return d, address
}

// errNotReady is what /readyz says in other words.
var errNotReady = errors.New("not ready")
