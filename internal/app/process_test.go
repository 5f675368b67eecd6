package app_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/url"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"lafia/gateway/message"
	"lafia/internal/app"
	"lafia/internal/demo"
	"lafia/internal/session"
	"lafia/internal/simulator"
	"lafia/internal/store"
)

// specEnv makes this binary a gateway, by the spec that it holds.
const specEnv = "LAFIA_TEST_GATEWAY"

// spec is what a gateway process runs with.
type spec struct {
	Postgres, Redis, Keys string
	Drain                 time.Duration
	// Armed is a file: once it is there, the process kills itself at KillAt.
	Armed string
	// KillAt is a point of app.Options.Point, or "sent": when the statement that
	// captures was written and its answer not read; or "replied": when the
	// aggregator has an SMS to send and its answer wasn't read.
	KillAt string
	// Sends is a file that every SMS sent is written to, a JSON line each.
	Sends string
	// Spool is the folder of its spool; "": it has none.
	Spool string
}

// die ends the process as an out-of-memory killer would.
func die() {
	_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
	select {}
}

// runGateway is the main of a gateway process. It prints its address, and drains
// on SIGTERM.
func runGateway(text string) int {
	var s spec
	if err := json.Unmarshal([]byte(text), &s); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 2
	}
	armed := func() bool { _, err := os.Stat(s.Armed); return s.Armed != "" && err == nil }
	wire := &wire{armed: armed, hit: func(*tapped) { die() }}
	o := app.Options{
		PostgresURL: s.Postgres, Redis: session.Options{Network: "unix", Addr: s.Redis}, KeysDir: s.Keys, Listen: "127.0.0.1:0",
		Channels: channels(), Transport: &sends{Simulator: newPhones(), path: s.Sends, taken: func() {
			if s.KillAt == "replied" && armed() {
				die()
			}
		}}, Drain: s.Drain,
		Spool: app.SpoolOptions{Dir: s.Spool}, HelpNumber: func(string) string { return "80333" }, Example: "101",
		Log: slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelInfo})),
		Point: func(name string) {
			if name == s.KillAt && armed() {
				die()
			}
		},
	}
	if s.KillAt == "sent" {
		o.Postgres.Dial = wire.dial
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	a := app.New(o)
	if err := a.Start(ctx); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	fmt.Println(a.URL())
	<-ctx.Done()
	end, cancel := context.WithTimeout(context.Background(), s.Drain+5*time.Second)
	defer cancel()
	if err := a.Stop(end); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

// sends writes down what is sent, so that it outlives the process.
type sends struct {
	*simulator.Simulator
	mu    sync.Mutex
	path  string
	taken func()
}

type sent struct{ To, Text string }

func (s *sends) Do(ctx context.Context, ch string, r message.HTTPRequest) (int, []byte, error, bool) {
	form, err := url.ParseQuery(string(r.Body))
	if err != nil {
		return 0, nil, err, false
	}
	line, _ := json.Marshal(sent{form.Get("to"), form.Get("message")})
	s.mu.Lock()
	defer s.mu.Unlock()
	f, err := os.OpenFile(s.path, os.O_WRONLY|os.O_APPEND|os.O_CREATE, 0o600)
	if err != nil {
		return 0, nil, err, false
	}
	defer f.Close()
	if _, err := f.Write(append(line, '\n')); err != nil {
		return 0, nil, err, false
	}
	s.taken()
	return s.Simulator.Do(ctx, ch, r)
}

// sentTo lists what was sent to a number.
func sentTo(path, number string) (texts []string) {
	b, _ := os.ReadFile(path) // not there: nothing was sent
	for line := range bytes.Lines(b) {
		var s sent
		if json.Unmarshal(line, &s) == nil && s.To == number {
			texts = append(texts, s.Text)
		}
	}
	return texts
}

// wire finds the statement that captures on its way to PostgreSQL. pgx prepares
// it once a connection, and then binds it by name.
type wire struct {
	armed func() bool
	hit   func(*tapped) // the statement was written, its answer was not read
	hits  atomic.Int32
}

type tapped struct {
	net.Conn
	w        *wire
	captures []string // names of prepared statements that capture
	swallow  atomic.Int32
}

// What becomes of the answer.
const (
	swallowAndCut   = 1 // it is read, dropped, and the connection cut
	swallowAndStall = 2 // nothing comes any more
)

func (w *wire) dial(ctx context.Context, network, addr string) (net.Conn, error) {
	c, err := new(net.Dialer).DialContext(ctx, network, addr)
	if err != nil {
		return nil, err
	}
	return &tapped{Conn: c, w: w}, nil
}

func (c *tapped) Write(b []byte) (int, error) {
	capturing := c.sees(b)
	n, err := c.Conn.Write(b)
	if capturing && err == nil && c.w.armed() {
		c.w.hits.Add(1)
		c.w.hit(c)
	}
	return n, err
}

// sees reads the messages of a write, and reports whether one runs the capture.
func (c *tapped) sees(b []byte) (capturing bool) {
	for len(b) >= 5 && b[0] != 0 { // 0: the start-up packet, which has no type
		n := int(binary.BigEndian.Uint32(b[1:5]))
		if n < 4 || len(b) < 1+n {
			return capturing
		}
		kind, body := b[0], b[5:1+n]
		b = b[1+n:]
		first, rest, _ := bytes.Cut(body, []byte{0})
		switch kind {
		case 'P':
			if bytes.Contains(rest, []byte("insert into submission (")) {
				c.captures = append(c.captures, string(first))
			}
		case 'B':
			name, _, _ := bytes.Cut(rest, []byte{0})
			capturing = capturing || slices.Contains(c.captures, string(name))
		}
	}
	return capturing
}

func (c *tapped) Read(b []byte) (int, error) {
	switch c.swallow.Load() {
	case swallowAndCut:
		if _, err := c.Conn.Read(b); err != nil {
			return 0, err
		}
		_ = c.Conn.Close()
		return 0, io.ErrUnexpectedEOF
	case swallowAndStall:
		for {
			if _, err := c.Conn.Read(b); err != nil {
				return 0, err
			}
		}
	}
	return c.Conn.Read(b)
}

// process is a program that a test runs.
type process struct {
	t      testing.TB
	cmd    *exec.Cmd
	out    *log
	errors *log
	lines  chan string
	gone   chan struct{}
	status error
}

// spawn starts a program that dies with this binary. The system ties its death
// to the thread that started it, so a goroutine keeps that thread.
func spawn(t testing.TB, env []string, path string, args ...string) *process {
	t.Helper()
	p := &process{t: t, out: &log{}, errors: &log{}, lines: make(chan string, 256), gone: make(chan struct{})}
	p.cmd = exec.Command(path, args...)
	p.cmd.Env = append(os.Environ(), env...)
	p.cmd.Stderr = p.errors
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	r, w := io.Pipe()
	p.cmd.Stdout = io.MultiWriter(p.out, w)
	started := make(chan error)
	go func() {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := p.cmd.Start()
		started <- err
		if err == nil {
			p.status = p.cmd.Wait()
		}
		_ = w.Close()
		close(p.gone)
	}()
	go func() {
		defer close(p.lines)
		for sc := bufio.NewScanner(r); sc.Scan(); {
			p.lines <- sc.Text()
		}
	}()
	must(t, <-started)
	t.Cleanup(func() { p.kill() })
	return p
}

func (p *process) kill() {
	_ = p.cmd.Process.Kill()
	<-p.gone
}

// line waits for a line of standard output that begins so.
func (p *process) line(prefix string) string {
	p.t.Helper()
	timeout := time.After(60 * time.Second)
	for {
		select {
		case l, ok := <-p.lines:
			if !ok {
				<-p.gone
				p.t.Fatalf("the process ended (%v) before it said %q:\n%s%s", p.status, prefix, p.out, p.errors)
			}
			if strings.HasPrefix(l, prefix) {
				return l
			}
		case <-timeout:
			p.t.Fatalf("the process did not say %q in a minute:\n%s%s", prefix, p.out, p.errors)
		}
	}
}

// exit waits for the end and gives the status.
func (p *process) exit(within time.Duration) int {
	p.t.Helper()
	select {
	case <-p.gone:
	case <-time.After(within):
		p.t.Fatalf("the process runs after %v:\n%s%s", within, p.out, p.errors)
	}
	var e *exec.ExitError
	if errors.As(p.status, &e) {
		return e.ExitCode()
	}
	return 0
}

// killed waits until the process has killed itself.
func (p *process) killed() {
	p.t.Helper()
	if status := p.exit(20 * time.Second); status != -1 {
		p.t.Fatalf("the process ended with %d in place of being killed:\n%s", status, p.errors)
	}
}

// gatewayProcess starts a gateway process and gives its address.
func (w *world) gatewayProcess(t testing.TB, s spec) (*process, string) {
	t.Helper()
	s.Postgres, s.Redis, s.Keys = w.postgres, w.redis, w.keys
	if s.Drain == 0 {
		s.Drain = 4 * time.Second
	}
	text, err := json.Marshal(s)
	must(t, err)
	me, err := os.Executable()
	must(t, err)
	p := spawn(t, []string{specEnv + "=" + string(text)}, me, "-test.run=^$")
	return p, p.line("http://")
}

// instance is a `lafia dev` that runs as people run it.
type instance struct {
	*process
	dir     string
	URL     string
	Logins  []struct{ User, Password, Role string }
	Leaders []demo.Leader
}

// dev starts `lafia dev` and waits until it is ready.
func dev(t testing.TB, dir string, args ...string) *instance {
	t.Helper()
	return devIn(t, nil, dir, args...)
}

// devIn is dev with more in its environment.
func devIn(t testing.TB, env []string, dir string, args ...string) *instance {
	t.Helper()
	p := spawn(t, env, program(t), append([]string{"dev", "--data", dir, "--listen", "127.0.0.1:0", "--log", "debug"}, args...)...)
	p.line("Lafia runs on this machine")
	i := &instance{process: p, dir: dir}
	b, err := os.ReadFile(filepath.Join(dir, "dev.json"))
	must(t, err)
	must(t, json.Unmarshal(b, i))
	return i
}

// end stops it as Ctrl-C does.
func (i *instance) end() {
	i.t.Helper()
	must(i.t, i.cmd.Process.Signal(syscall.SIGINT))
	if status := i.exit(15 * time.Second); status != 0 {
		i.t.Fatalf("lafia dev ended with %d:\n%s", status, i.errors)
	}
}

// base is where the servers' data are.
func (i *instance) base() string {
	var m struct{ Data string }
	b, err := os.ReadFile(filepath.Join(i.dir, "servers.json"))
	must(i.t, err)
	must(i.t, json.Unmarshal(b, &m))
	if m.Data != "" {
		return m.Data
	}
	return i.dir
}

// pidIn reads the process id that a file begins with.
func pidIn(t testing.TB, path string) int {
	t.Helper()
	b, err := os.ReadFile(path)
	must(t, err)
	first, _, _ := strings.Cut(strings.TrimSpace(string(b)), "\n")
	pid, err := strconv.Atoi(first)
	must(t, err)
	return pid
}

// servers gives the process ids of its servers, children included.
func (i *instance) servers() []int {
	i.t.Helper()
	postgres := pidIn(i.t, filepath.Join(i.base(), "pg", "postmaster.pid"))
	return append(children(postgres), postgres, pidIn(i.t, filepath.Join(i.base(), "redis", "redis.pid")))
}

// children lists the processes that a process started.
func children(parent int) (pids []int) {
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

// halt stops a process and its children from running until the function it gives
// is called.
func halt(t testing.TB, pid int) (resume func()) {
	t.Helper()
	must(t, syscall.Kill(pid, syscall.SIGSTOP)) // first: it starts no other
	all := append(children(pid), pid)
	for _, p := range all {
		_ = syscall.Kill(p, syscall.SIGSTOP)
	}
	resume = sync.OnceFunc(func() {
		for _, p := range all {
			_ = syscall.Kill(p, syscall.SIGCONT)
		}
	})
	t.Cleanup(resume)
	return resume
}

// openRecord opens the record of a world from a test's side.
func openRecord(t testing.TB, url string) *store.Store {
	t.Helper()
	s, err := store.Open(context.Background(), url, store.Options{MaxConns: 4})
	must(t, err)
	return s
}
