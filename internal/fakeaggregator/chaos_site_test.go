package fakeaggregator_test

import (
	"bytes"
	"fmt"
	"io/fs"
	"os/exec"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/fstest"
	"time"

	"github.com/redis/go-redis/v9"

	"lafia/flows"
	"lafia/gateway/message"
	"lafia/internal/app"
	"lafia/internal/clock"
	"lafia/internal/conversation"
	"lafia/internal/fakeaggregator"
	"lafia/internal/session"
)

// C4, the other half: Redis is full. No session is evicted; who begins meanwhile is
// told that nothing is saved, and doctor names a policy that would evict.
func TestRedisFull(t *testing.T) {
	p := found(t)
	l := newLab(t, "duplicate=0.05", "africastalking", "external")
	_, address := newRedis(t, p)
	l.redis = address
	rdb := redis.NewClient(&redis.Options{Addr: address, DisableIdentity: true})
	t.Cleanup(func() { _ = rdb.Close() })
	g := l.serve()
	doctor := func() string {
		out, _ := exec.Command(program(t), "doctor", "--config", g.config).CombinedOutput() // it exits 1 where something is wrong
		return string(out)
	}
	if text := doctor(); !strings.Contains(text, "ok    Redis keeps sessions") {
		t.Errorf("doctor says\n%s", text)
	}
	end := l.plays(busy(9 * time.Second))
	time.Sleep(2 * time.Second)
	l.ledger.During("redis", func() {
		must(t, rdb.ConfigSet(t.Context(), "maxmemory", "1mb").Err())
		time.Sleep(3 * time.Second)
		must(t, rdb.ConfigSet(t.Context(), "maxmemory", "256mb").Err())
	})
	end()
	must(t, rdb.ConfigSet(t.Context(), "maxmemory-policy", "allkeys-lru").Err())
	if text := doctor(); !strings.Contains(text, "fail  Redis keeps sessions") || !strings.Contains(text, "allkeys-lru") {
		t.Errorf("doctor says\n%s", text)
	}
	info, err := rdb.Info(t.Context(), "stats").Result()
	must(t, err)
	if !strings.Contains(info, "evicted_keys:0") {
		t.Error("sessions were evicted")
	}
	r := l.holds()
	t.Logf("%d refusals while Redis was full", r.Summary.Refused)
	if r.Summary.Refused == 0 {
		t.Error("nobody met a Redis that was full")
	}
}

// What she finished while Redis was full is in the record, and her session could not
// be saved: the next call must not offer her to go on with it.
func TestARunThatWasFinishedWhileRedisWasFullIsNotOfferedAgain(t *testing.T) {
	l := newLab(t, "", "africastalking")
	_, address := newRedis(t, found(t))
	rdb := redis.NewClient(&redis.Options{Addr: address, DisableIdentity: true})
	t.Cleanup(func() { _ = rdb.Close() })
	l.start(func(o *app.Options) { o.Redis = session.Options{Network: "tcp", Addr: address} })
	text := ""
	l.hop("first", text)
	for _, input := range []string{"1", "1", "101", "3", "2", "1", "2"} {
		text = strings.TrimPrefix(text+"*"+input, "*")
		l.hop("first", text)
	}
	must(t, rdb.ConfigSet(t.Context(), "maxmemory", "1mb").Err())
	text += "*le puits est sec"
	last := l.hop("first", text)
	if !strings.HasPrefix(last, "END") || !strings.Contains(last, "-") {
		t.Fatalf("the last screen is\n%s", last)
	}
	must(t, rdb.ConfigSet(t.Context(), "maxmemory", "256mb").Err())
	if again := l.hop("first", text); again != last {
		t.Errorf("a repeat of the hop that finished got\n%s", again)
	}
	if menu := l.hop("second", ""); strings.Contains(menu, "1 Continuer") {
		t.Errorf("she is offered to go on with what she has finished:\n%s", menu)
	}
}

// C11, with everybody: a gateway is put in the place of another one under load, on
// menus whose files are not the same, three times.
func TestRollingRestartsUnderLoad(t *testing.T) {
	l := newLab(t, "duplicate=0.05", "africastalking", "external")
	front := newProxy(t, "tcp", "127.0.0.1:1")
	edition := 0
	next := func() *app.App {
		edition++
		n := edition
		a := l.start(func(o *app.Options) { o.Flows = anotherEdition(t, n) })
		front.mu.Lock()
		front.address = strings.TrimPrefix(a.URL(), "http://")
		front.mu.Unlock()
		return a
	}
	old := next()
	l.gateways = []string{"http://" + front.addr()}
	end := l.plays(busy(9 * time.Second))
	for range 3 {
		time.Sleep(2 * time.Second)
		l.ledger.During("gateway", func() {
			a := next()
			l.gateways = l.gateways[:1]
			must(t, old.Stop(t.Context()))
			old = a
		})
	}
	end()
	l.holds()
}

// anotherEdition gives the program's menus in files of another content, which mean
// the same.
func anotherEdition(t *testing.T, n int) fs.FS {
	t.Helper()
	out := fstest.MapFS{}
	must(t, fs.WalkDir(flows.Files, ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := fs.ReadFile(flows.Files, path)
		if strings.HasSuffix(path, ".toml") {
			b = fmt.Appendf(slices.Clone(b), "\n# edition %d\n", n)
		}
		out[path] = &fstest.MapFile{Data: b}
		return err
	}))
	return out
}

// C23: the gateway's clock jumps by an hour and by a day, forth and back, under
// load. The clock is that of a gateway in this process.
func TestClocksThatJump(t *testing.T) {
	onlyChaos(t)
	l := newLab(t, "duplicate=0.05,drop=0.02", "africastalking", "external")
	var shift atomic.Int64
	l.start(func(o *app.Options) {
		began := time.Now()
		wall := func() time.Time { return time.Now().Add(time.Duration(shift.Load())) }
		o.Clock = clock.New(wall, func() time.Duration { return time.Since(began) })
	})
	o := busy(24 * time.Second)
	o.Leaders = []fakeaggregator.Leader{} // which months can be reported hangs on the clock
	known, err := l.record.VerifyConfidential(t.Context(), time.Now().Add(-72*time.Hour))
	must(t, err)
	end := l.plays(o)
	for _, jump := range []time.Duration{time.Hour, -2 * time.Hour, time.Hour, 24 * time.Hour, -48 * time.Hour, 24 * time.Hour} {
		time.Sleep(3 * time.Second)
		l.ledger.During("the clock", func() { shift.Add(int64(jump)); time.Sleep(500 * time.Millisecond) })
	}
	end()
	l.settled()
	lines := l.lines()
	// What was written by a wrong clock is looked for too.
	early := append([]fakeaggregator.Line{{Kind: fakeaggregator.KindPlan, Wall: time.Now().Add(-72 * time.Hour)}}, lines...)
	record, err := fakeaggregator.ReadRecord(t.Context(), l.record, l.keys, early)
	must(t, err)
	record.Confidential = slices.DeleteFunc(record.Confidential, func(c fakeaggregator.Confided) bool {
		for _, k := range known {
			if k.ID == c.ID {
				return true
			}
		}
		return false
	})
	r := fakeaggregator.Verify(lines, fakeaggregator.VerifyOptions{World: l.world, Keys: l.keys, Record: record, Logs: []string{l.log.String()}})
	var b bytes.Buffer
	r.Print(&b)
	t.Log(b.String())
	if !r.Holds() {
		t.Errorf("%d violations", len(r.Violations))
	}
}

// C32: a commune is closed under load: nothing of the programme is sent into it any
// more, and everything into another one.
func TestACommuneClosedUnderLoad(t *testing.T) {
	onlyChaos(t)
	const (
		closed, open = "ML060504", "ML060201"
		class        = "receipt"
	)
	l := newLab(t, "duplicate=0.05", "africastalking", "external")
	g := l.serve()
	o := busy(11 * time.Second)
	o.Mix = []fakeaggregator.Share{{Role: fakeaggregator.Feedback, Weight: 3}, {Role: fakeaggregator.Tension, Weight: 2}, {Role: fakeaggregator.Open, Weight: 1}}
	end := l.plays(o)
	time.Sleep(time.Second)
	queue := func(n int, place string) {
		number := fakeaggregator.Number(7, 40+n%10) // of callers who lead no group
		o := conversation.NewOutgoing(l.keys.Ring, "external", class, message.ParseNumber(number), fmt.Sprintf("Bonjour, message %d", n), fmt.Append(nil, n), time.Now().Add(time.Hour))
		o.Place = place
		must(t, l.record.QueueOutbound(t.Context(), o, time.Now()))
	}
	n := 0
	for began := time.Now(); time.Since(began) < 4*time.Second; n += 2 {
		queue(n, closed)
		queue(n+1, open)
	}
	before := time.Now()
	if out, err := exec.Command(program(t), "commune", "close", closed, "--config", g.config).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	at := time.Now()
	for began := time.Now(); time.Since(began) < 3*time.Second; n += 2 {
		queue(n, closed)
		queue(n+1, open)
	}
	end()
	l.settled()
	count := func(query string, args ...any) (n int) {
		must(t, l.record.Pool().QueryRow(t.Context(), query, args...).Scan(&n))
		return n
	}
	const sent = `select count(*) from attempt a join outbound o on o.id = a.outbound_id where o.class = $1 and o.place = $2`
	into, elsewhere := count(sent, class, closed), count(sent, class, open)
	after := count(sent+` and a.started_at > $3`, class, closed, at)
	refused := count(`select count(*) from outbound where class = $1 and place = $2 and state = 'failed'`, class, closed)
	t.Logf("closed in %v; sent into it %d before and %d after; %d were not sent; %d into another commune", at.Sub(before), into-after, after, refused, elsewhere)
	if after > 0 || into == 0 || refused == 0 || elsewhere < n/2*9/10 {
		t.Error("the closing did not hold, or held too much")
	}
	l.holds()
}

// C31 with everybody: a gateway dies with a spool, and another one adopts it by the
// command.
func TestTheSpoolOfADeadGatewayIsAdoptedByCommand(t *testing.T) {
	onlyChaos(t)
	db := newPostgres(t, found(t))
	must(t, fill(db.url()))
	l := labOn(t, db.url(), "duplicate=0.05", "africastalking", "external")
	l.redis = redisOf(t)
	dies, lives := l.serve(), l.serve()
	end := l.plays(busy(10 * time.Second))
	time.Sleep(2 * time.Second)
	pending := ""
	l.ledger.During("postgres", func() {
		db.kill()
		time.Sleep(3 * time.Second)
		dies.kill() // for good: its callers find nobody
		out, err := exec.Command(program(t), "spool", "status", "--json", "--config", dies.config).CombinedOutput()
		if err != nil {
			t.Errorf("spool status: %v %s", err, out)
		}
		pending = string(out)
		db.again()
		began := time.Now()
		out, err = exec.Command(program(t), "spool", "adopt", "--config", lives.config, dies.spool).CombinedOutput()
		t.Logf("adopted in %v: %s", time.Since(began), out)
		must(t, err)
		end()
	})
	l.await(10 * time.Second)
	l.emptied(20*time.Second, lives)
	r := l.holds()
	if r.Spools.Gateways != 2 {
		t.Errorf("%d spools were counted, want that of the dead gateway too", r.Spools.Gateways)
	}
	l.losesAMark(r)
	t.Logf("the dead gateway's spool: %s", pending)
}
