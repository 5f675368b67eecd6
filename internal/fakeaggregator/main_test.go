package fakeaggregator_test

import (
	"bytes"
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"lafia/flows"
	"lafia/gateway"
	"lafia/gateway/message"
	"lafia/internal/app"
	"lafia/internal/demo"
	"lafia/internal/fakeaggregator"
	"lafia/internal/flow"
	"lafia/internal/locale"
	"lafia/internal/servers/serverstest"
	"lafia/internal/session"
	"lafia/internal/staff"
	"lafia/internal/store"
	"lafia/internal/vault"
	"lafia/locales"
)

func TestMain(m *testing.M) {
	serverstest.Main(suite{m},
		// fasthttp keeps its clock for good, and a pool of workers for up to 10 s after it stopped.
		goleak.IgnoreAnyFunction("github.com/valyala/fasthttp.updateServerDate.func1"),
		goleak.IgnoreAnyFunction("github.com/valyala/fasthttp.(*workerPool).Start.func2"),
	)
}

type suite struct{ m *testing.M }

func (s suite) Run() int {
	defer func() { _ = os.RemoveAll(shared.dir) }()
	return s.m.Run()
}

// shared is made once a run: the keys and the description of the demo that is in
// the template of databases.
var shared struct {
	once      sync.Once
	err       error
	dir       string
	programme *demo.Programme
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

const (
	help     = "80333"
	password = "un mot de passe pour essayer"
)

// log collects what gateways write.
type log struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *log) Write(p []byte) (int, error) { l.mu.Lock(); defer l.mu.Unlock(); return l.b.Write(p) }
func (l *log) String() string              { l.mu.Lock(); defer l.mu.Unlock(); return l.b.String() }

// lab is a record, its keys and sessions, and gateways on them.
type lab struct {
	t               *testing.T
	postgres, redis string
	keys            fakeaggregator.Keys
	record          *store.Store
	programme       *demo.Programme
	world           *fakeaggregator.World
	channels        []fakeaggregator.Channel
	faults          fakeaggregator.Faults
	ledger          *fakeaggregator.Ledger
	file            pages
	far             *fakeaggregator.FarEnd
	before          *proxy // stands before the far end; nil: nothing does
	log             *log
	gateways        []string
}

// pages are what a ledger is written on; they can be read meanwhile.
type pages struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (p *pages) Write(b []byte) (int, error) { p.mu.Lock(); defer p.mu.Unlock(); return p.b.Write(b) }
func (p *pages) Bytes() []byte               { p.mu.Lock(); defer p.mu.Unlock(); return bytes.Clone(p.b.Bytes()) }

func newLab(t *testing.T, faults string, wires ...string) *lab {
	t.Helper()
	l := labOn(t, serverstest.PostgresFrom(t, "demo", fill), faults, wires...)
	l.redis = serverstest.Redis(t)
	return l
}

func labOn(t *testing.T, postgres, faults string, wires ...string) *lab {
	t.Helper()
	l := &lab{t: t, postgres: postgres, programme: shared.programme, log: &log{}}
	var err error
	l.faults, err = fakeaggregator.ParseFaults(faults)
	must(t, err)
	if len(wires) == 0 {
		wires = []string{"africastalking", "external", "external-plain"}
	}
	for _, w := range wires {
		l.channels = append(l.channels, fakeaggregator.Channel{Name: w, Wire: w, Token: "dev", Service: "*384#", Short: "36000", Synthetic: true})
	}
	l.keys.Ring, err = vault.Open(filepath.Join(shared.dir, "keys"))
	must(t, err)
	l.record, err = store.Open(t.Context(), postgres, store.Options{MaxConns: 4})
	must(t, err)
	t.Cleanup(l.record.Close)
	l.keys.Confidential = l.confidential()
	l.see(l.programme.Projects[0].Dial)
	l.ledger = fakeaggregator.NewLedger(&l.file)
	l.far, err = fakeaggregator.NewFarEnd("127.0.0.1:0", l.ledger, l.faults, l.channels, 1, func() []string { return l.gateways })
	must(t, err)
	t.Cleanup(func() {
		must(t, l.far.Close())
		if t.Failed() {
			l.keep()
		}
	})
	return l
}

// see makes what callers and the checker know; example is the project's code that
// gateways show in hints.
func (l *lab) see(example string) {
	t := l.t
	t.Helper()
	projects, err := l.record.Projects(t.Context())
	must(t, err)
	places, err := l.record.Places(t.Context())
	must(t, err)
	book, err := flow.Load(flows.Files)
	must(t, err)
	words, err := locale.Load(locales.Files)
	must(t, err)
	l.world = fakeaggregator.NewWorld(fakeaggregator.WorldOptions{
		Book: book, Words: words, Projects: projects, Places: places, Example: example, Help: help, Callback: true,
	})
}

// confidential unwraps the key of the demo's focal point.
func (l *lab) confidential() *vault.PrivateKey {
	for _, login := range l.programme.Logins {
		if login.Role != staff.Protection {
			continue
		}
		a, err := l.record.StaffByUsername(l.t.Context(), login.User)
		must(l.t, err)
		k, err := vault.UnwrapPrivateKey(a.Confidential, login.Password)
		must(l.t, err)
		return k
	}
	l.t.Fatal("the demo has no focal point")
	return nil
}

// fill makes the tables, the keys and the demo.
func fill(url string) error {
	ctx := context.Background()
	shared.once.Do(func() {
		if shared.dir, shared.err = os.MkdirTemp("", "lafia-fake-test-"); shared.err == nil {
			shared.err = vault.Create(filepath.Join(shared.dir, "keys"))
		}
	})
	if shared.err != nil {
		return shared.err
	}
	keys := filepath.Join(shared.dir, "keys")
	ring, err := vault.Open(keys)
	if err != nil {
		return err
	}
	s, err := store.Open(ctx, url, store.Options{MaxConns: 4})
	if err != nil {
		return err
	}
	defer s.Close()
	if err := s.Migrate(ctx); err != nil {
		return err
	}
	shared.programme, err = demo.Load(ctx, s, demo.Options{
		KeysDir: keys, Ring: ring, Now: time.Now(), Random: app.Random, Password: func(string) string { return password },
	})
	return err
}

// start runs a gateway in this process until the test ends.
func (l *lab) start(change ...func(*app.Options)) *app.App {
	l.t.Helper()
	var channels []gateway.Channel
	for _, c := range l.channels {
		name := c.Wire
		settings := map[string]string{"username": "dev", "api_key": "dev", "endpoint": l.far.URL(c.Name)}
		if name != "africastalking" {
			name, settings = "external", map[string]string{"send_url": l.far.URL(c.Name)}
		}
		adapter, ok := gateway.AdapterNamed(name)
		if !ok {
			l.t.Fatalf("there is no adapter %q", name)
		}
		channels = append(channels, gateway.Channel{
			Name: c.Name, Adapter: adapter, Account: message.Account{Settings: settings},
			Tokens: []message.Secret{message.NewSecret(c.Token)}, Synthetic: true, ServiceCode: c.Service, From: c.Short,
		})
	}
	o := app.Options{
		PostgresURL: l.postgres, Redis: session.Options{Network: "unix", Addr: l.redis}, KeysDir: filepath.Join(shared.dir, "keys"),
		Listen: "127.0.0.1:0", Channels: channels, Example: l.programme.Projects[0].Dial, HelpNumber: func(string) string { return help },
		Drain: 4 * time.Second, Log: slog.New(slog.NewTextHandler(l.log, &slog.HandlerOptions{Level: slog.LevelDebug})),
	}
	for _, c := range change {
		c(&o)
	}
	a := app.New(o)
	must(l.t, a.Start(l.t.Context()))
	l.t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 15*time.Second)
		defer cancel()
		if err := a.Stop(ctx); err != nil {
			l.t.Error("stopping a gateway:", err)
		}
	})
	l.gateways = append(l.gateways, a.URL())
	return a
}

// play runs callers to their end.
func (l *lab) play(o fakeaggregator.Options) {
	l.t.Helper()
	must(l.t, fakeaggregator.Run(l.t.Context(), l.filled(o)))
}

// filled adds what all plays of a lab have in common.
func (l *lab) filled(o fakeaggregator.Options) fakeaggregator.Options {
	l.t.Helper()
	o.Gateways, o.Channels, o.World, o.Ledger, o.FarEnd, o.Faults = l.gateways, l.channels, l.world, l.ledger, l.far, l.faults
	o.Salt, o.Seed = 7, 42
	if o.Leaders == nil {
		o.Leaders = l.leaders()
	}
	return o
}

func (l *lab) leaders() (out []fakeaggregator.Leader) {
	for _, v := range l.programme.Leaders {
		lead := fakeaggregator.Leader{Number: v.Phone, Group: v.Group, Name: l.groupName(v.Phone, v.Group), PIN: v.PIN}
		waits, err := l.record.Unconfirmed(l.t.Context(), l.keys.Ring.Pseudonym(v.Phone).Bytes(), v.Group, time.Now())
		if err == nil {
			lead.Pending = waits.Answers
		} else if !store.IsNotFound(err) {
			l.t.Fatal(err)
		}
		out = append(out, lead)
	}
	return out
}

func (l *lab) groupName(phone, group string) string {
	leads, err := l.record.Leads(l.t.Context(), l.keys.Ring.Pseudonym(phone).Bytes())
	must(l.t, err)
	for _, v := range leads {
		if v.Group == group {
			return v.Name
		}
	}
	return ""
}

// settled waits until nothing is under way in the record.
func (l *lab) settled() {
	l.t.Helper()
	for end := time.Now().Add(45 * time.Second); time.Now().Before(end); time.Sleep(50 * time.Millisecond) { // a hand that was cut off is let go after 20 s
		var n int
		must(l.t, l.record.Pool().QueryRow(l.t.Context(), `
select (select count(*) from inbound where handled_at is null) + (select count(*) from outbound where state = 'sending' and changed_at > now() - interval '10 s')
	+ (select count(*) from outbound where state = 'queued' and due_at < now() + interval '30 s')
	+ (select count(*) from node where spooled > 0)`).Scan(&n))
		if n == 0 {
			return
		}
	}
	l.t.Log("something is still under way in the record")
}

// lines gives the ledger so far.
func (l *lab) lines() []fakeaggregator.Line {
	l.t.Helper()
	must(l.t, l.ledger.Close())
	lines, err := fakeaggregator.ReadLedger(bytes.NewReader(l.file.Bytes()))
	must(l.t, err)
	return lines
}

// verify compares the ledger with the record.
func (l *lab) verify() *fakeaggregator.Report {
	l.t.Helper()
	l.settled()
	lines := l.lines()
	var noticed int
	must(l.t, l.record.Pool().QueryRow(l.t.Context(), `select count(*) from restore where noticed_at >= $1`, lines[0].Wall).Scan(&noticed))
	if noticed > 0 {
		l.t.Error("a gateway took the record for a backup")
	}
	record, err := fakeaggregator.ReadRecord(l.t.Context(), l.record, l.keys, lines)
	must(l.t, err)
	return fakeaggregator.Verify(lines, fakeaggregator.VerifyOptions{World: l.world, Keys: l.keys, Record: record, Logs: []string{l.log.String()}})
}

// holds wants no violation, and shows what was found.
func (l *lab) holds() *fakeaggregator.Report {
	l.t.Helper()
	r := l.verify()
	var b bytes.Buffer
	r.Print(&b)
	l.t.Log("\n" + b.String())
	if !r.Holds() {
		l.t.Errorf("%d violations", len(r.Violations))
	}
	return r
}

// keep writes the ledger, and what gateways wrote, where LAFIA_LEDGER says, to look at it.
func (l *lab) keep() {
	if dir := os.Getenv("LAFIA_LEDGER"); dir != "" {
		name := filepath.Join(dir, filepath.Base(l.t.Name())+".jsonl")
		must(l.t, os.WriteFile(name, l.file.Bytes(), 0o600))
		must(l.t, os.WriteFile(strings.TrimSuffix(name, "jsonl")+"log", []byte(l.log.String()), 0o600))
	}
}
