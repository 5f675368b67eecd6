package fakeaggregator_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"lafia/internal/fakeaggregator"
)

// chaos reports whether `make chaos` runs: more scenarios, and the others longer.
func chaos() bool { return os.Getenv("LAFIA_CHAOS") != "" }

// onlyChaos leaves a scenario to `make chaos`.
func onlyChaos(t *testing.T) {
	t.Helper()
	if !chaos() {
		t.Skip("make chaos")
	}
}

var built struct {
	once sync.Once
	path string
	err  error
}

// program builds lafia once and gives its path.
func program(t *testing.T) string {
	t.Helper()
	built.once.Do(func() {
		built.path = filepath.Join(shared.dir, "lafia")
		if out, err := exec.Command("go", "build", "-o", built.path, "lafia/cmd/lafia").CombinedOutput(); err != nil {
			built.err = fmt.Errorf("go build: %w\n%s", err, out)
		}
	})
	must(t, built.err)
	return built.path
}

// site is what a `lafia serve` of a scenario runs with.
type site struct {
	postgres, redis string // as in its config file
	spoolMiB        int
	env             []string
}

// served is a `lafia serve`, which comes back at the same address.
type served struct {
	*daemon
	url, admin, spool string
	config            string
}

// serve starts a `lafia serve` on what the lab has.
func (l *lab) serve(change ...func(*site)) *served {
	l.t.Helper()
	s := site{postgres: l.postgres, redis: "unix://" + l.redis, spoolMiB: 64}
	if strings.Contains(l.redis, ":") {
		s.redis = "redis://" + l.redis + "/0"
	}
	for _, c := range change {
		c(&s)
	}
	dir := l.t.TempDir()
	g := &served{spool: filepath.Join(dir, "spool"), config: filepath.Join(dir, "config.toml")}
	listen, admin := fmt.Sprintf("127.0.0.1:%d", freePort(l.t)), fmt.Sprintf("127.0.0.1:%d", freePort(l.t))
	g.url, g.admin = "http://"+listen, "http://"+admin
	var b strings.Builder
	p := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	p("listen = %q\nadmin_listen = %q\ndrain = \"4s\"", listen, admin)
	p("[postgres]\nurl = %q\n[redis]\nurl = %q\n[keys]\ndir = %q", s.postgres, s.redis, filepath.Join(shared.dir, "keys"))
	p("[spool]\ndir = %q\nmax_mib = %d\n[help]\nnumber = %q\n[log]\nlevel = \"debug\"", g.spool, s.spoolMiB, help)
	for i := range l.channels {
		c := &l.channels[i]
		c.Token = "a-token-of-the-chaos"
		p("[[channel]]\nname = %q\ntokens = [%q]\nservice_code = %q\nfrom = %q\nsynthetic = true\nrate_per_second = 1000", c.Name, c.Token, c.Service, c.Short)
		if c.Wire == "africastalking" {
			p("adapter = \"africastalking\"\n[channel.account]\nusername = \"dev\"\napi_key = \"dev-dev-dev\"\nendpoint = %q", l.sendTo(c.Name))
			continue
		}
		p("adapter = \"external\"\n[channel.account]\nsend_url = %q", l.sendTo(c.Name))
	}
	must(l.t, os.WriteFile(g.config, []byte(b.String()), 0o600))
	l.see("LAF1") // what `lafia serve` shows in hints
	path := program(l.t)
	g.daemon = &daemon{t: l.t, name: "lafia serve", out: l.log, answers: func(ctx context.Context) error { return ready(ctx, g.url) }}
	g.command = func() *exec.Cmd {
		cmd := exec.Command(path, "serve", "--config", g.config)
		cmd.Env = append(os.Environ(), s.env...)
		return cmd
	}
	g.start()
	l.t.Cleanup(g.kill)
	l.gateways = append(l.gateways, g.url)
	return g
}

// sendTo is where the sends of a channel go: to the far end, or to what stands
// before it.
func (l *lab) sendTo(channel string) string {
	to := l.far.URL(channel)
	if l.before == nil {
		return to
	}
	rest := strings.TrimPrefix(to, "http://")
	return "http://" + l.before.addr() + rest[strings.IndexByte(rest, '/'):]
}

// ready asks a gateway whether its servers answer.
func ready(ctx context.Context, gateway string) error {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, gateway+"/readyz", nil)
	if err != nil {
		return err
	}
	res, err := plain.Do(r)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	b, _ := io.ReadAll(res.Body)
	if res.StatusCode != http.StatusOK {
		return fmt.Errorf("%w: HTTP %d %s", errNotReady, res.StatusCode, b)
	}
	return nil
}

// plain is a client that keeps no connection.
var plain = &http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: 10 * time.Second}

// emptied waits until a gateway's spool holds nothing, and gives how long that took.
func (l *lab) emptied(within time.Duration, gateways ...*served) time.Duration {
	l.t.Helper()
	began := time.Now()
	for _, g := range gateways {
		var text string
		for {
			text = get(g.url + "/readyz")
			if strings.Contains(text, `"spooled":0`) && strings.Contains(text, `"postgres":"ok"`) {
				break
			}
			if time.Since(began) > within {
				l.t.Fatalf("after %v a gateway says %s", within, text)
			}
			time.Sleep(20 * time.Millisecond)
		}
	}
	return time.Since(began)
}

// reached waits until a gateway has its record again; its spool may be drained still.
func (l *lab) reached(g *served) {
	l.t.Helper()
	for end := time.Now().Add(30 * time.Second); !strings.Contains(get(g.url+"/readyz"), `"postgres":"ok"`); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			l.t.Fatal("a gateway does not reach its record: ", get(g.url+"/readyz"))
		}
	}
}

func get(url string) string {
	res, err := plain.Get(url)
	if err != nil {
		return err.Error()
	}
	defer res.Body.Close()
	b, _ := io.ReadAll(res.Body)
	return string(b)
}

// plays begins a play, and gives what waits for its end.
func (l *lab) plays(o fakeaggregator.Options) (end func()) {
	l.t.Helper()
	done := make(chan error, 1)
	o = l.filled(o)
	go func() { done <- fakeaggregator.Run(l.t.Context(), o) }()
	return func() { l.t.Helper(); must(l.t, <-done) }
}

// farAddress is where the far end listens.
func (l *lab) farAddress() string {
	rest := strings.TrimPrefix(l.far.URL(""), "http://")
	return rest[:strings.IndexByte(rest, '/')]
}
