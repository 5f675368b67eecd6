package app_test

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"lafia/gateway"
	"lafia/gateway/message"
	"lafia/internal/app"
	"lafia/internal/browsertest"
	"lafia/internal/demo"
	"lafia/internal/servers/serverstest"
	"lafia/internal/session"
	"lafia/internal/simulator"
	"lafia/internal/store"
	"lafia/internal/vault"
)

// TestMain is also a gateway's main: tests that kill one start this binary again.
func TestMain(m *testing.M) {
	if spec := os.Getenv(specEnv); spec != "" {
		os.Exit(runGateway(spec))
	}
	// These tests wait more than they work: on two cores five at a time are done in
	// half the time.
	flag.Parse()
	if f := flag.Lookup("test.parallel"); f.Value.String() == f.DefValue && runtime.GOMAXPROCS(0) < 5 {
		_ = f.Value.Set("5")
	}
	serverstest.Main(suite{m},
		// fasthttp keeps its clock for good, and a pool of workers for up to 10 s after it stopped.
		goleak.IgnoreAnyFunction("github.com/valyala/fasthttp.updateServerDate.func1"),
		goleak.IgnoreAnyFunction("github.com/valyala/fasthttp.(*workerPool).Start.func2"),
	)
}

// suite removes what all tests of the binary share.
type suite struct{ m *testing.M }

func (s suite) Run() int {
	defer func() {
		browsertest.Stop()
		_ = os.RemoveAll(shared.dir)
	}()
	return s.m.Run()
}

// shared is made once a run: the program, and the keys and the description of
// the demo that is in the template of databases.
var shared struct {
	made      sync.Once
	err       error
	dir       string
	built     sync.Once
	buildErr  error
	programme *demo.Programme
}

func sharedDir(t testing.TB) string {
	t.Helper()
	shared.made.Do(func() { shared.dir, shared.err = os.MkdirTemp("", "lafia-app-test-") })
	must(t, shared.err)
	return shared.dir
}

// program builds lafia once and gives its path.
func program(t testing.TB) string {
	t.Helper()
	path := filepath.Join(sharedDir(t), "lafia")
	shared.built.Do(func() {
		out, err := exec.Command("go", "build", "-o", path, "lafia/cmd/lafia").CombinedOutput()
		if err != nil {
			shared.buildErr = fmt.Errorf("go build: %w\n%s", err, out)
		}
	})
	must(t, shared.buildErr)
	return path
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

const (
	channel     = "africastalking"
	serviceCode = "*384#"
	shortCode   = "36000"
	password    = "un mot de passe pour essayer"
)

// log collects what is printed, from any goroutine.
type log struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *log) Write(p []byte) (int, error) { l.mu.Lock(); defer l.mu.Unlock(); return l.b.Write(p) }
func (l *log) String() string              { l.mu.Lock(); defer l.mu.Unlock(); return l.b.String() }

// world is what gateways share: the two servers, the keys, the demo programme,
// and the telephones.
type world struct {
	postgres, redis string
	keys            string
	ring            *vault.Ring
	programme       *demo.Programme
	phones          *simulator.Simulator
	record          *store.Store // for looking into the record
	log             *log
}

// newWorld has a database and a Redis of its own.
func newWorld(t *testing.T) *world {
	t.Helper()
	keys := filepath.Join(sharedDir(t), "keys")
	url := serverstest.PostgresFrom(t, "demo", func(url string) (err error) {
		shared.programme, err = fill(url, keys)
		return err
	})
	w := &world{postgres: url, redis: serverstest.Redis(t), keys: keys, programme: shared.programme}
	w.open(t)
	return w
}

// fill makes the tables, the keys and the demo.
func fill(url, keys string) (*demo.Programme, error) {
	ctx := context.Background()
	if err := vault.Create(keys); err != nil {
		return nil, err
	}
	ring, err := vault.Open(keys)
	if err != nil {
		return nil, err
	}
	s, err := store.Open(ctx, url, store.Options{MaxConns: 4})
	if err != nil {
		return nil, err
	}
	defer s.Close()
	if err := s.Migrate(ctx); err != nil {
		return nil, err
	}
	return demo.Load(ctx, s, demo.Options{
		KeysDir: keys, Ring: ring, Now: time.Now(), Random: app.Random, Password: func(string) string { return password },
	})
}

func (w *world) open(t testing.TB) {
	t.Helper()
	var err error
	w.log = &log{}
	w.ring, err = vault.Open(w.keys)
	must(t, err)
	w.record, err = store.Open(t.Context(), w.postgres, store.Options{MaxConns: 4})
	must(t, err)
	t.Cleanup(w.record.Close)
	w.phones = newPhones()
}

func newPhones() *simulator.Simulator {
	return simulator.New(simulator.Options{
		Channels: []simulator.Channel{{
			Name: channel, Adapter: channel, Token: message.NewSecret("dev"), ServiceCode: serviceCode, ShortCode: shortCode,
		}},
		BaseURL: func() string { return "" }, Now: time.Now, Random: app.Random,
	})
}

// channels are those of `lafia dev`.
func channels() []gateway.Channel {
	adapter, _ := gateway.AdapterNamed(channel)
	return []gateway.Channel{{
		Name: channel, Adapter: adapter, Account: message.Account{Settings: map[string]string{"username": "dev", "api_key": "dev"}},
		Tokens: []message.Secret{message.NewSecret("dev")}, Synthetic: true, ServiceCode: serviceCode, From: shortCode,
	}}
}

func (w *world) options() app.Options {
	return app.Options{
		PostgresURL: w.postgres, Redis: session.Options{Network: "unix", Addr: w.redis}, KeysDir: w.keys, Listen: "127.0.0.1:0",
		Channels: channels(), Transport: w.phones, Simulator: w.phones, Banner: true, Example: w.programme.Projects[0].Dial,
		HelpNumber: func(string) string { return "80333" }, Drain: 4 * time.Second,
		Log: slog.New(slog.NewTextHandler(w.log, &slog.HandlerOptions{Level: slog.LevelDebug})),
	}
}

// start runs a gateway in this process until the test ends.
func (w *world) start(t testing.TB, change ...func(*app.Options)) *app.App {
	t.Helper()
	o := w.options()
	for _, c := range change {
		c(&o)
	}
	a := app.New(o)
	must(t, a.Start(t.Context()))
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 15*time.Second)
		defer cancel()
		if err := a.Stop(ctx); err != nil {
			t.Error("stopping a gateway:", err)
		}
	})
	return a
}

// leader gives the i-th leader of the demo.
func (w *world) leader(i int) demo.Leader { return w.programme.Leaders[i] }

// await asks until it holds.
func await(t testing.TB, within time.Duration, what string, holds func() bool) {
	t.Helper()
	for end := time.Now().Add(within); time.Now().Before(end); time.Sleep(15 * time.Millisecond) {
		if holds() {
			return
		}
	}
	t.Fatalf("waited %v for %s", within, what)
}
