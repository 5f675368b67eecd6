package app_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"lafia/gateway/message"
	"lafia/internal/app"
	"lafia/internal/conversation"
	"lafia/internal/programme"
	"lafia/internal/servers"
	"lafia/internal/spool"
)

// stopAtOnce keeps PostgreSQL away as `pg_ctl stop -m immediate` does, until the
// function that it gives is called. Whoever watches over it starts it again and
// again, in vain.
func stopAtOnce(t testing.TB, s *servers.Servers) (resume func()) {
	t.Helper()
	quit, done := make(chan struct{}), make(chan struct{})
	stop := func() {
		if pid, _ := s.PIDs(); pid != 0 {
			_ = syscall.Kill(pid, syscall.SIGQUIT)
		}
	}
	first, _ := s.PIDs()
	stop()
	await(t, 5*time.Second, "PostgreSQL to be gone", func() bool { pid, _ := s.PIDs(); return pid != first })
	go func() {
		defer close(done)
		for {
			select {
			case <-quit:
				return
			case <-time.After(10 * time.Millisecond):
				stop()
			}
		}
	}()
	resume = sync.OnceFunc(func() { close(quit); <-done })
	t.Cleanup(resume)
	return resume
}

func withSpool(dir string) func(*app.Options) {
	return func(o *app.Options) { o.Spool = app.SpoolOptions{Dir: dir} }
}

// metric reads one number of a gateway's /metrics.
func metric(t testing.TB, gateway, name string) int {
	t.Helper()
	res, err := caller.Get(gateway + "/metrics")
	must(t, err)
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	must(t, err)
	m := regexp.MustCompile(`(?m)^` + regexp.QuoteMeta(name) + ` ([0-9.e+]+)$`).FindSubmatch(b)
	if m == nil {
		return 0
	}
	v, err := strconv.ParseFloat(string(m[1]), 64)
	must(t, err)
	return int(v)
}

// readiness is what /readyz says.
func readiness(t testing.TB, gateway string) (status int, state map[string]any) {
	t.Helper()
	res, err := caller.Get(gateway + "/readyz")
	must(t, err)
	defer res.Body.Close()
	must(t, json.NewDecoder(res.Body).Decode(&state))
	return res.StatusCode, state
}

func awaitDrained(t testing.TB, within time.Duration, gateway string) {
	t.Helper()
	await(t, within, "the spool to be empty", func() bool {
		status, state := readiness(t, gateway)
		return status == http.StatusOK && state["postgres"] == "ok" && state["spooled"] == 0.0
	})
}

// finisher is a caller whose next hop finishes her run.
type finisher struct {
	walk
	phone *phone
	last  screen
	took  time.Duration
}

func finishers(t *testing.T, a *app.App, from, n int) []*finisher {
	t.Helper()
	var out []*finisher
	for i := range n {
		kind := []programme.Kind{programme.Feedback, programme.Tension}[i%2]
		f := &finisher{walk: newWalk(t, kind, languages[i%3], message.USSD, canary(from+i))}
		f.phone = newPhone(t, f.number, a.URL())
		f.almost(t, f.phone)
		out = append(out, f)
	}
	return out
}

func (f *finisher) finish() {
	began := time.Now()
	f.last = f.phone.show()
	f.took = time.Since(began)
}

// told reports the times of finishing hops.
func told(t *testing.T, what string, all []*finisher) (p50, p99 time.Duration) {
	var took []time.Duration
	for _, f := range all {
		took = append(took, f.took)
	}
	slices.Sort(took)
	p50, p99 = took[len(took)/2], took[min(len(took)-1, len(took)*99/100)]
	t.Logf("%s: %d finishing hops, p50 %v, p99 %v", what, len(took), p50, p99)
	return p50, p99
}

// TestPostgreSQLStoppedAtOnceCostsNoReference is C5: it is gone for some seconds
// in the middle of calls and messages.
func TestPostgreSQLStoppedAtOnceCostsNoReference(t *testing.T) {
	t.Parallel()
	w, s := newWorldApart(t)
	a := w.start(t, withSpool(filepath.Join(t.TempDir(), "spool")))
	all := finishers(t, a, 0, 24)
	writer := newPhone(t, canary(90), a.URL())
	leader := newWalk(t, programme.Progress, "fr", message.USSD, w.leader(0).Phone).lead(w.leader(0).Group, w.leader(0).PIN)
	resume := stopAtOnce(t, s)
	await(t, 5*time.Second, "PostgreSQL to be away", func() bool { _, state := readiness(t, a.URL()); return state["postgres"] == "away" })
	for _, f := range all[:12] {
		f.finish()
	}
	if r := writer.sms(canaryWords + " le bac ne passe plus")(a.URL()); r.err != nil || r.status != http.StatusOK || r.body != "" {
		t.Errorf("an SMS got HTTP %d %q, %v", r.status, r.body, r.err)
	}
	// What cannot be read is kept too, and one who holds a phone gets a screen.
	if r := post(a.URL()+"/webhooks/"+channel+"/sms?token=dev", url.Values{"from": {canary(91)}, "to": {shortCode}, "id": {"91"}}); r.err != nil || r.status != http.StatusOK {
		t.Errorf("an SMS without text got HTTP %d, %v", r.status, r.err)
	}
	if r := post(a.URL()+"/webhooks/"+channel+"/ussd?token=dev", url.Values{"phoneNumber": {canary(91)}, "text": {""}}); r.err != nil || r.body != "END "+leader.folded("error.notsaved") {
		t.Errorf("a hop without a session got %q, %v", r.body, r.err)
	}
	// One who is a stranger to this gateway, and calls from the first screen on.
	stranger := newWalk(t, programme.Tension, "fr", message.USSD, canary(80))
	strange := &finisher{walk: stranger, phone: newPhone(t, stranger.number, a.URL())}
	strange.last = stranger.play(t, ussd{strange.phone}, nil)
	// What needs the record is politely put off.
	p := newPhone(t, leader.number, a.URL())
	sc := p.dial("")
	if _, name := leader.state(sc); name == "language" {
		sc = p.press("1")
	}
	if sc = p.press("3"); !sc.end || sc.text != leader.folded("error.busy") {
		t.Errorf("a leader reads\n%s", sc.text)
	}
	if status, state := readiness(t, a.URL()); status != http.StatusOK || state["postgres"] != "away" || state["spool"] != "ok" || state["degraded"] != true {
		t.Errorf("readyz says HTTP %d %v", status, state)
	}
	time.Sleep(2 * time.Second)
	for _, f := range all[12:] {
		f.finish()
	}
	if _, p99 := told(t, "PostgreSQL stopped", all); p99 > time.Second { // the goal is 300 ms on a machine that does nothing else
		t.Errorf("the slowest finishing hops took %v", p99)
	}
	all = append(all, strange)
	for _, f := range all {
		if reference(f.last) == "" || !f.last.end {
			t.Fatalf("a caller reads\n%s", f.last.text)
		}
		if again := f.phone.show(); again != f.last {
			t.Errorf("the last hop once more got\n%s", again.text)
		}
	}
	if n := metric(t, a.URL(), "lafia_spool_pending"); n < len(all) {
		t.Errorf("%d records wait, want %d at least", n, len(all))
	}
	resume()
	await(t, 20*time.Second, "PostgreSQL", func() bool { return w.record.Ping(t.Context()) == nil })
	awaitDrained(t, 10*time.Second, a.URL())
	for _, f := range all {
		f.check(t, w.record, w.ring, reference(f.last))
	}
	var unread int
	must(t, w.record.Pool().QueryRow(t.Context(), `select count(*) from unreadable where channel = $1`, channel).Scan(&unread))
	if unread != 2 {
		t.Errorf("%d requests are kept that could not be read, want 2", unread)
	}
	all[0].asks(t, ussd{all[0].phone}, reference(all[0].last), programme.New)
	if reply := writer.receive(); reference(reply) == "" {
		t.Errorf("the SMS was answered with %q", reply.text)
	}
	if list, _ := kept(t, w.record, w.ring, writer.number); len(list) != 1 {
		t.Errorf("kept of the SMS: %+v", list)
	}
	if n := metric(t, a.URL(), "lafia_spool_quarantined_total"); n != 0 {
		t.Errorf("%d in quarantine", n)
	}
}

// TestAPostgreSQLThatHangsIsWaitedForByFew is F12, slow: it answers nothing, as
// one whose disk hangs.
func TestAPostgreSQLThatHangsIsWaitedForByFew(t *testing.T) {
	t.Parallel()
	w, s := newWorldApart(t)
	a := w.start(t, withSpool(filepath.Join(t.TempDir(), "spool")))
	all := finishers(t, a, 0, 24)
	pid, _ := s.PIDs()
	resume := halt(t, pid)
	var wg sync.WaitGroup
	for _, f := range all[:3] {
		wg.Go(f.finish)
	}
	wg.Wait()
	if _, p99 := told(t, "PostgreSQL hangs, the first three", all[:3]); p99 > 8*time.Second {
		t.Errorf("a caller waited %v", p99)
	}
	for _, f := range all[3:] {
		f.finish()
	}
	if _, p99 := told(t, "PostgreSQL hangs, the others", all[3:]); p99 > 1800*time.Millisecond { // who waits for the record waits 2 s at least
		t.Errorf("a caller waited %v although PostgreSQL is known to be away", p99)
	}
	resume()
	awaitDrained(t, 15*time.Second, a.URL())
	for _, f := range all {
		f.check(t, w.record, w.ring, reference(f.last))
	}
}

// TestCommitsOfUnknownOutcomeAreMadeOnce is C6: of three answers to a capture one
// is swallowed.
func TestCommitsOfUnknownOutcomeAreMadeOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	var on atomic.Bool
	var n atomic.Int32
	tap := &wire{
		armed: func() bool { return on.Load() && n.Add(1)%10 < 4 }, // 40 %: some runs meet it twice
		hit:   func(c *tapped) { c.swallow.Store(swallowAndCut) },
	}
	a := w.start(t, withSpool(filepath.Join(t.TempDir(), "spool")), func(o *app.Options) { o.Postgres.Dial = tap.dial })
	all := finishers(t, a, 0, 40)
	on.Store(true)
	var wg sync.WaitGroup
	for i := range 4 {
		wg.Go(func() {
			for _, f := range all[i*10 : i*10+10] {
				f.finish()
			}
		})
	}
	wg.Wait()
	on.Store(false)
	spooled := metric(t, a.URL(), `lafia_spool_appended_total{outcome="kept"}`)
	t.Logf("%d answers were swallowed, %d records went to the spool", tap.hits.Load(), spooled)
	if tap.hits.Load() < 8 || spooled == 0 {
		t.Error("hardly any answer was swallowed")
	}
	awaitDrained(t, 10*time.Second, a.URL())
	for _, f := range all {
		f.check(t, w.record, w.ring, reference(f.last))
	}
}

// badDisk is a disk whose writing can fail.
type badDisk struct {
	spool.Disk
	fails *atomic.Bool
}

type badFile struct {
	spool.File
	fails *atomic.Bool
}

func (d badDisk) Create(name string) (spool.File, error) {
	f, err := d.Disk.Create(name)
	return badFile{f, d.fails}, err
}

func (f badFile) Sync() error {
	if f.fails.Load() {
		return errors.New("input/output error (made up)")
	}
	return f.File.Sync()
}

// TestWithNeitherRecordNorSpoolNothingIsPromised is C8, F17 and F18: PostgreSQL is
// away, and the spool is full, or its disk fails.
func TestWithNeitherRecordNorSpoolNothingIsPromised(t *testing.T) {
	t.Parallel()
	for _, how := range []string{"full", "fsync fails"} {
		t.Run(how, func(t *testing.T) {
			t.Parallel()
			w, s := newWorldApart(t)
			var fails atomic.Bool
			a := w.start(t, func(o *app.Options) {
				o.Spool = app.SpoolOptions{Dir: filepath.Join(t.TempDir(), "spool"), FS: badDisk{fails: &fails}}
				if how == "full" {
					o.Spool.MaxBytes = 1 << 20
				}
			})
			all := finishers(t, a, 0, 3)
			resume := stopAtOnce(t, s)
			writer := newPhone(t, canary(9), a.URL())
			acked := 0
			if how == "full" {
				for ; acked < 600; acked++ {
					if r := writer.sms(fmt.Sprint(canaryWords, " ", acked))(a.URL()); r.status != http.StatusOK {
						break
					}
				}
				if acked < 300 || acked == 600 {
					t.Errorf("a MiB took %d messages", acked)
				}
			} else {
				fails.Store(true)
			}
			if r := writer.sms(canaryWords)(a.URL()); r.status != http.StatusServiceUnavailable || r.body != "" {
				t.Errorf("an SMS got HTTP %d %q", r.status, r.body)
			}
			for _, f := range all {
				if f.finish(); !f.last.end || reference(f.last) != "" || f.last.text != f.folded("error.notsaved") {
					t.Errorf("in %s the caller reads\n%s", f.language, f.last.text)
				}
			}
			if status, state := readiness(t, a.URL()); status != http.StatusServiceUnavailable || state["spool"] != "takes nothing" {
				t.Errorf("readyz says HTTP %d %v", status, state)
			}
			fails.Store(false)
			resume()
			await(t, time.Minute, "the messages to be in the record", func() bool {
				var n int
				err := w.record.Pool().QueryRow(t.Context(), `select count(*) from inbound where contact = $1`, w.ring.Pseudonym(writer.number).Bytes()).Scan(&n)
				return err == nil && n >= acked
			})
			if how == "full" { // and is empty now
				await(t, time.Minute, "the spool to take what is said again", func() bool {
					status, state := readiness(t, a.URL())
					return status == http.StatusOK && state["spool"] == "ok"
				})
			}
			for _, f := range all { // she calls again
				c := ussd{f.phone}
				sc := f.play(t, c, nil)
				if list, _ := kept(t, w.record, w.ring, f.number); len(list) == 0 || reference(sc) == "" {
					t.Errorf("a second call ends with\n%s\nand kept is %+v", sc.text, list)
				}
			}
		})
	}
}

// TestAStopInTheSpoolHoldsABroadcast is C10: she says no more news while
// PostgreSQL is away, and a broadcast is due in the moment in which it is back.
func TestAStopInTheSpoolHoldsABroadcast(t *testing.T) {
	t.Parallel()
	w, s := newWorldApart(t)
	// In the morning, whatever the time is: not in quiet hours.
	shift := time.Date(2000, 1, 1, 10, 0, 0, 0, time.UTC).Sub(time.Date(2000, 1, 1, time.Now().UTC().Hour(), 0, 0, 0, time.UTC))
	now := func() time.Time { return time.Now().Add(shift) }
	a := w.start(t, withSpool(filepath.Join(t.TempDir(), "spool")), func(o *app.Options) { o.Now = now })
	byPhone, bySMS, other := newPhone(t, canary(1), a.URL()), newPhone(t, canary(2), a.URL()), newPhone(t, canary(3), a.URL())
	everyone := []*phone{byPhone, bySMS, other}
	for _, p := range everyone {
		p.dial("")
		for _, key := range []string{"1", "7", "2", "1", "1"} { // news, and reminders
			p.press(key)
		}
	}
	wanted := func(want bool) (n int) {
		must(t, w.record.Pool().QueryRow(t.Context(), `select count(*) from wish where purpose = 'broadcast' and given = $1`, want).Scan(&n))
		return n
	}
	await(t, 5*time.Second, "all three to want news", func() bool { return wanted(true) == 3 })

	resume := stopAtOnce(t, s)
	await(t, 5*time.Second, "PostgreSQL to be away", func() bool { _, state := readiness(t, a.URL()); return state["postgres"] == "away" })
	byPhone.dial("")
	for _, key := range []string{"7", "2", "2", "2"} {
		byPhone.press(key)
	}
	stop := url.Values{"from": {bySMS.number}, "to": {shortCode}, "text": {"STOP"}, "id": {"stop"}, "date": {now().UTC().Format(time.DateTime)}}
	if r := post(a.URL()+"/webhooks/"+channel+"/sms?token=dev", stop); r.status != http.StatusOK {
		t.Fatalf("STOP got HTTP %d", r.status)
	}
	if n := metric(t, a.URL(), "lafia_spool_pending"); n < 2 {
		t.Fatalf("%d records are in the spool", n)
	}
	resume()
	queued := map[string]bool{}
	await(t, 20*time.Second, "the broadcast to be queued", func() bool {
		for _, p := range everyone {
			o := conversation.NewOutgoing(w.ring, channel, "broadcast", message.ParseNumber(p.number), "Bonjour", []byte(p.number), now().Add(time.Hour))
			if !queued[p.number] && w.record.QueueOutbound(t.Context(), o, now()) == nil {
				queued[p.number] = true
			}
		}
		return len(queued) == 3
	})
	await(t, 15*time.Second, "both to want no news", func() bool { return wanted(false) == 2 })
	time.Sleep(time.Second)
	var attempts, waiting int
	must(t, w.record.Pool().QueryRow(t.Context(), `
select (select count(*) from attempt a join outbound o on o.id = a.outbound_id where o.class = 'broadcast'),
	(select count(*) from outbound where class = 'broadcast' and state = 'queued')`).Scan(&attempts, &waiting))
	if attempts != 0 {
		t.Errorf("%d attempts were made to send a broadcast", attempts)
	}
	// Hers who did not say no waits too: what lies in the spool of another gateway is not known yet.
	if waiting == 0 {
		t.Error("no broadcast waits")
	}
}

// TestAGatewayKilledWithASpoolDeliversItWhenItIsStartedAgain kills it while
// PostgreSQL is away; what it was writing at that moment is torn (F19).
func TestAGatewayKilledWithASpoolDeliversItWhenItIsStartedAgain(t *testing.T) {
	t.Parallel()
	w, s := newWorldApart(t)
	dir := filepath.Join(t.TempDir(), "spool")
	first, url := w.gatewayProcess(t, spec{Spool: dir})
	var all []*finisher
	for i := range 4 {
		f := &finisher{walk: newWalk(t, programme.Tension, languages[i%3], message.USSD, canary(i))}
		f.phone = newPhone(t, f.number, url)
		f.almost(t, f.phone)
		all = append(all, f)
	}
	resume := stopAtOnce(t, s)
	for _, f := range all {
		f.finish()
	}
	must(t, first.cmd.Process.Kill())
	first.killed()
	segments, err := filepath.Glob(filepath.Join(dir, "*.seg"))
	must(t, err)
	if len(segments) == 0 {
		t.Fatal("nothing is in the spool")
	}
	written, err := os.ReadFile(segments[0])
	must(t, err)
	torn, err := os.OpenFile(segments[len(segments)-1], os.O_APPEND|os.O_WRONLY, 0o600)
	must(t, err)
	from := bytes.Index(written, []byte{0xF7, 'L', 's', 0x9B}) // a record begins
	_, err = torn.Write(written[from : from+500])
	must(t, err)
	must(t, torn.Close())
	state, err := spool.Status(dir)
	must(t, err)
	if state.Pending < len(all) || state.Torn != 1 {
		t.Errorf("the dead node's spool: %+v", state)
	}
	resume()
	await(t, 20*time.Second, "PostgreSQL", func() bool { return w.record.Ping(t.Context()) == nil })
	_, url = w.gatewayProcess(t, spec{Spool: dir})
	awaitDrained(t, 10*time.Second, url)
	for _, f := range all {
		f.check(t, w.record, w.ring, reference(f.last))
		f.phone.gateways = []string{url}
		if again := f.phone.show(); again != f.last {
			t.Errorf("the last hop once more got\n%s", again.text)
		}
	}
	var n int
	must(t, w.record.Pool().QueryRow(context.Background(), `select count(*) from node where id::text = $1`, state.Node).Scan(&n))
	if n != 1 {
		t.Error("the gateway came back under another name")
	}
}

// TestTheSpoolOfADeadGatewayIsAdopted is C31: its disk is brought to a living
// machine.
func TestTheSpoolOfADeadGatewayIsAdopted(t *testing.T) {
	t.Parallel()
	w, s := newWorldApart(t)
	dir := filepath.Join(t.TempDir(), "dead")
	dead, url := w.gatewayProcess(t, spec{Spool: dir})
	f := &finisher{walk: newWalk(t, programme.Feedback, "fr", message.USSD, canary(1))}
	f.phone = newPhone(t, f.number, url)
	f.almost(t, f.phone)
	resume := stopAtOnce(t, s)
	f.finish()
	config := filepath.Join(t.TempDir(), "config.toml")
	must(t, os.WriteFile(config, fmt.Appendf(nil, "[postgres]\nurl = %q\n[redis]\nurl = %q\n[keys]\ndir = %q\n", w.postgres, "unix://"+w.redis, w.keys), 0o600))
	site, none := app.Site{Config: config}, slog.New(slog.DiscardHandler)
	must(t, dead.cmd.Process.Kill())
	dead.killed()
	state, err := app.SpoolStatus(dir)
	must(t, err)
	resume()
	await(t, 20*time.Second, "PostgreSQL", func() bool { return w.record.Ping(t.Context()) == nil })
	if err := app.ForgetNode(t.Context(), site, state.Node, "its disk is lost", none); err == nil {
		t.Error("a gateway was forgotten that gave a sign of life a moment ago")
	}
	a, err := app.AdoptSpool(t.Context(), site, dir, none)
	if err != nil || a.Quarantined != 0 || a.Delivered != state.Pending || a.Delivered == 0 || a.Node != state.Node || a.Folder != dir+".adopted" {
		t.Fatalf("adopted %+v, %v", a, err)
	}
	f.check(t, w.record, w.ring, reference(f.last))
	if _, err := os.Stat(dir + ".taking"); err == nil {
		t.Error("what was taken is left behind")
	}
	must(t, app.ForgetNode(t.Context(), site, state.Node, "it is gone", none)) // stopped, with nothing left
	if err := app.ForgetNode(t.Context(), site, state.Node, "again", none); err == nil {
		t.Error("a gateway that is not there was forgotten")
	}
}
