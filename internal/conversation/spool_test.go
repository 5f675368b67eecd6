package conversation_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"lafia/flows"
	"lafia/gateway/message"
	"lafia/internal/conversation"
	"lafia/internal/flow"
	"lafia/internal/locale"
	"lafia/internal/programme"
	"lafia/internal/spool"
	"lafia/internal/store"
	"lafia/locales"
)

// gate stands between a conversation and its PostgreSQL.
type gate struct {
	mu    sync.Mutex
	how   string // "": open; "refused": nobody listens; "hangs": nothing comes back
	conns map[*gated]bool
}

type gated struct {
	net.Conn
	g *gate
}

func (g *gate) dial(ctx context.Context, network, addr string) (net.Conn, error) {
	if g.is() == "refused" {
		return nil, errors.New("connection refused")
	}
	c, err := new(net.Dialer).DialContext(ctx, network, addr)
	if err != nil {
		return nil, err
	}
	k := &gated{c, g}
	g.mu.Lock()
	defer g.mu.Unlock()
	g.conns[k] = true
	return k, nil
}

func (g *gate) is() string { g.mu.Lock(); defer g.mu.Unlock(); return g.how }

func (g *gate) set(how string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.how = how
	for c := range g.conns {
		if how != "hangs" {
			_ = c.Close()
			delete(g.conns, c)
		}
	}
}

// Write loses what is written to a record that hangs.
func (c *gated) Write(b []byte) (int, error) {
	if c.g.is() == "hangs" {
		return len(b), nil
	}
	return c.Conn.Write(b)
}

// spooling is a bench whose conversation has a spool, and whose record can go
// away.
type spooling struct {
	*bench
	gate  *gate
	spool *spool.Spool
	dir   string

	elsewhere func(context.Context) (bool, error) // what other gateways' spools may hold; nil: there are none
}

func newSpooling(t *testing.T) *spooling {
	b := newBench(t)
	s := &spooling{bench: b, gate: &gate{conns: map[*gated]bool{}}, dir: filepath.Join(t.TempDir(), "spool")}
	b.open(store.Options{Dial: s.gate.dial})
	key := b.ring.ID("spool-key")
	var err error
	s.spool, err = spool.Open(spool.Options{Dir: s.dir, Node: "test", Key: key.Bytes(), Now: time.Now})
	must(t, err)
	t.Cleanup(func() { _ = s.spool.Close(context.Background()) })
	s.restart()
	t.Cleanup(func() { s.gate.set("") }) // first: what is written behind needs the record
	return s
}

// restart starts a gateway that knows what is on the disk and in its servers.
func (s *spooling) restart() {
	s.t.Helper()
	words, err := locale.Load(locales.Files)
	must(s.t, err)
	book, err := flow.Load(flows.Files)
	must(s.t, err)
	s.c = conversation.New(conversation.Options{
		Ring: s.ring, Sessions: s.sess, Store: s.store, Book: book, Words: words, Now: s.time, Spool: s.spool, Elsewhere: s.elsewhere,
		Log: slog.New(slog.DiscardHandler), Example: "107", HelpNumber: func(string) string { return "80333" }, Commit: 300 * time.Millisecond,
	})
	must(s.t, s.c.Start(context.Background()))
	s.t.Cleanup(s.c.Stop)
}

// drain empties the spool, each record twice: as after a crash that came before
// its mark.
func (s *spooling) drain(want int) {
	s.t.Helper()
	n, err := s.spool.Drain(context.Background(), func(ctx context.Context, r spool.Record) error {
		for range 2 {
			if err := s.c.Drained(ctx, r); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil || n != want || s.spool.Pending() != 0 || s.spool.Quarantined() != 0 {
		s.t.Fatalf("%d records were drained, want %d; %d are left, %d in quarantine: %v", n, want, s.spool.Pending(), s.spool.Quarantined(), err)
	}
}

func (s *spooling) count(sql string, args ...any) (n int) {
	s.t.Helper()
	must(s.t, s.store.Pool().QueryRow(context.Background(), sql, args...).Scan(&n))
	return n
}

// finish answers what is still asked until the screen is the last.
func (p *phone) finish(r message.Reply) message.Reply {
	for range 8 {
		if r.End {
			return r
		}
		r = p.press("1")
	}
	return r
}

// elsewhere says what may lie in another gateway's spool.
type elsewhere struct {
	may bool
	err error
}

func TestWhatMayLieFinishedInAnotherSpoolIsNotGoneOnWith(t *testing.T) {
	for _, c := range []struct {
		name   string
		says   elsewhere
		offers bool
	}{
		{"nothing lies there", elsewhere{}, true},
		{"something may", elsewhere{may: true}, false},
		{"nobody can say", elsewhere{err: errors.New("away")}, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newSpooling(t)
			s.elsewhere = func(context.Context) (bool, error) { return c.says.may, c.says.err }
			s.restart()
			p := s.phone(anna)
			p.dial("")
			p.walk("1", "1", "107", "3")
			s.c.Stop() // her draft is written
			s.flush()
			s.restart()
			if got := strings.Contains(p.dial("").Text, "Continuer"); got != c.offers {
				t.Errorf("going on is offered: %v, want %v", got, c.offers)
			}
		})
	}
}

func TestWhatLiesFinishedInTheSpoolIsNotGoneOnWith(t *testing.T) {
	s := newSpooling(t)
	p := s.phone(anna)
	p.dial("")
	p.walk("1", "1", "107", "3", "2", "1", "2")
	s.c.Stop() // her draft is written
	s.restart()
	s.gate.set("refused")
	if last := p.press("mots"); !last.End {
		t.Fatalf("it goes on:\n%s", last.Text)
	}
	s.flush()
	s.gate.set("")
	s.restart()
	menu := p.dial("")
	contains(t, menu, "1 Avis")
	lacks(t, menu.Text, "Continuer")
	s.drain(s.spool.Pending())
	if n := s.count(`select count(*) from submission`); n != 1 {
		t.Errorf("%d are kept", n)
	}
}

func TestWhatIsDurableIsToldThoughRedisForgotMeanwhile(t *testing.T) {
	for _, c := range []struct {
		name string
		away bool // the record is, so it goes into the spool
		keys []string
		last string
	}{
		{"a run in the spool", true, []string{"1", "1", "107", "3", "2", "1", "2"}, "mots"},
		{"a run in the record", false, []string{"1", "1", "107", "3", "2", "1", "2"}, "mots"},
		{"a wish to be called in the spool", true, []string{"1", "6"}, "1"},
		{"a wish to be called in the record", false, []string{"1", "6"}, "1"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newSpooling(t)
			p := s.phone(anna)
			p.dial("")
			p.walk(c.keys...)
			if c.away {
				s.gate.set("refused")
			}
			s.c.Point = func(point string) {
				if point == "committed" {
					s.flush()
				}
			}
			last := p.press(c.last)
			if !last.End || strings.Contains(last.Text, "perdue") {
				t.Fatalf("what is durable is answered by\n%s", last.Text)
			}
			s.c.Point = func(string) {}
			if again := p.send(s.c); again != last {
				t.Errorf("a repeat got\n%s\nand not\n%s", again.Text, last.Text)
			}
			if c.away {
				s.gate.set("")
			}
			s.drain(s.spool.Pending())
			if n := s.count(`select count(*) from submission`); n != 1 {
				t.Errorf("%d are kept", n)
			}
		})
	}
}

func TestWhatIsFinishedWhileTheRecordIsAwayGetsItsReferenceAndIsKeptOnce(t *testing.T) {
	s := newSpooling(t)
	callers := map[string][]string{ // what each dials
		"feedback":     {"1", "1", "107", "3", "2"},
		"confidential": {"1", "9", "1", "1"},
		"news":         {"1", "7", "2", "2", "2"},
		"call":         {"1", "6", "1"},
	}
	phones := map[string]*phone{}
	n := 10
	for name := range callers {
		n++
		phones[name] = s.phone(fmt.Sprintf("+2237000%04d", n))
	}
	s.gate.set("refused")
	last := map[string]message.Reply{}
	for name, keys := range callers {
		p := phones[name]
		p.dial("")
		r := p.walk(keys...)
		if r = p.finish(r); !r.End {
			t.Fatalf("%s ends at\n%s", name, r.Text)
		}
		last[name] = r
		if again := p.send(s.c); again != r {
			t.Errorf("%s: a repeat got\n%s\nand not\n%s", name, again.Text, r.Text)
		}
	}
	ref := reference(t, last["feedback"].Text)
	must(t, s.c.Receive(t.Context(), "at", message.Inbound{Medium: message.SMS, From: message.ParseNumber(anna), Text: "la pompe fuit depuis lundi", ExternalID: "m1"}))
	for i, text := range []string{"le premier morceau, ", "et le second"} {
		must(t, s.c.Receive(t.Context(), "at", message.Inbound{
			Medium: message.SMS, From: message.ParseNumber(anna), Text: text, ExternalID: fmt.Sprint("p", i), Part: &message.Part{Ref: "7", Index: i + 1, Total: 2},
		}))
	}
	must(t, s.c.Receipt(t.Context(), "at", message.Receipt{ExternalID: "x1", Status: message.StatusDelivered}))
	must(t, s.c.Unreadable(t.Context(), "at", message.KindSMS, []byte(unread), "text is missing"))

	// All records have one length, whatever they are.
	files, err := filepath.Glob(filepath.Join(s.dir, "*.seg"))
	must(t, err)
	for _, f := range files {
		b, err := os.ReadFile(f)
		must(t, err)
		if bytes.Contains(b, []byte("pompe")) || bytes.Contains(b, []byte("70001")) {
			t.Error("words or a number stand in the spool")
		}
	}
	records := s.spool.Pending()
	if each := s.spool.Bytes() / int64(records); each < 2048 || each > 2300 {
		t.Errorf("%d records take %d bytes each: they differ in length", records, each)
	}

	s.gate.set("")
	s.drain(records)
	subs := s.submissions()
	if i := slices.IndexFunc(subs, func(p programme.Submission) bool { return p.Kind == programme.Feedback }); i < 0 || subs[i].Reference.String() != ref {
		t.Errorf("%s was told, and kept is %+v", ref, subs)
	}
	for sql, want := range map[string]int{
		`select count(*) from submission where kind = 'feedback'`:                               1,
		`select count(*) from submission where kind = 'open'`:                                   1, // the wish to be called
		`select count(*) from submission where altered`:                                         0,
		`select count(*) from confidential`:                                                     1,
		`select count(*) from wish where not given`:                                             2, // broadcast, reminder
		`select count(*) from inbound`:                                                          2,
		`select count(*) from river_job where kind = 'handle_inbound' and state <> 'discarded'`: 2,
		`select count(distinct external_id) from receipt`:                                       1,
		`select count(*) from unreadable`:                                                       1,
	} {
		if got := s.count(sql); got != want {
			t.Errorf("%s: %d, want %d", sql, got, want)
		}
	}
	if replies := s.handleAll(); len(replies) != 2 {
		t.Errorf("%d replies: %q", len(replies), replies)
	}
}

// unread is a request that lacks its text, as a gateway hands it over.
const unread = "POST /webhooks/at/sms HTTP/1.1\nContent-Type: application/x-www-form-urlencoded\nHost: lafia.example\nUser-Agent: at\n\nfrom=%2B22370001111&to=36000&la+pompe"

func TestWhatCannotBeReadWhileTheRecordIsAwayOutlivesARestartAndIsKeptOnceInOrder(t *testing.T) {
	s := newSpooling(t)
	large := unread + strings.Repeat("x", 64<<10)
	s.gate.set("refused")
	raws := []string{unread, large, unread}
	for _, raw := range raws {
		must(t, s.c.Unreadable(t.Context(), "at", message.KindSMS, []byte(raw), "text is missing"))
		s.pass(time.Second)
	}
	must(t, s.spool.Close(t.Context()))
	if err := s.c.Unreadable(t.Context(), "at", message.KindSMS, []byte(unread), "text is missing"); err == nil {
		t.Error("what neither the record nor a spool took is acknowledged")
	}
	key := s.ring.ID("spool-key")
	var err error
	s.spool, err = spool.Open(spool.Options{Dir: s.dir, Node: "test", Key: key.Bytes(), Now: time.Now})
	must(t, err)
	s.gate.set("")
	s.drain(len(raws))

	rows, err := s.store.Pool().Query(t.Context(), `select channel || ' ' || kind || ' ' || reason, sealed, received_at from unreadable order by n`)
	must(t, err)
	defer rows.Close()
	var before time.Time
	got := 0
	for ; rows.Next(); got++ {
		var what string
		var sealed []byte
		var at time.Time
		must(t, rows.Scan(&what, &sealed, &at))
		raw, err := s.ring.Open(sealed, "unreadable/at")
		must(t, err)
		if got >= len(raws) || what != "at sms text is missing" || string(raw) != raws[got] || !at.After(before) {
			t.Errorf("in place %d is %q of %s, %d bytes", got, what, at, len(raw))
		}
		before = at
	}
	must(t, rows.Err())
	if got != len(raws) {
		t.Errorf("%d are kept, want %d", got, len(raws))
	}
}

func TestWhatNeedsTheRecordIsAskedForLaterAndLosesNothing(t *testing.T) {
	s := newSpooling(t)
	p := s.phone(leader)
	p.dial("")
	p.press("1")
	s.gate.set("refused")
	r, err := s.hop(p, "3") // a group's report
	if err == nil || !r.End || !strings.Contains(r.Text, "occupe") {
		t.Fatalf("%v\n%s", err, r.Text)
	}
	p = s.phone(anna)
	p.dial("")
	p.walk("1", "4")
	if r, err = s.hop(p, string(programme.ReferenceOf(make([]byte, 8)))); err == nil || !r.End || !strings.Contains(r.Text, "occupe") {
		t.Fatalf("%v\n%s", err, r.Text)
	}
	s.gate.set("")
	p = s.phone(leader)
	p.dials = 5
	p.dial("")
	contains(t, p.press("3"), "secret")
}

// hop presses a key and gives the error too.
func (s *spooling) hop(p *phone, key string) (message.Reply, error) {
	p.text = strings.TrimPrefix(p.text+"*"+key, "*")
	return s.c.Hop(context.Background(), "at", message.Inbound{
		Medium: message.USSD, From: message.ParseNumber(p.number), SessionID: p.session, Text: p.text, Cumulative: true,
	})
}

func TestARecordThatHangsIsWaitedForThreeTimesAndThenByNobody(t *testing.T) {
	s := newSpooling(t)
	const callers = 6
	var phones []*phone
	for n := range callers {
		p := s.phone(fmt.Sprintf("+2237000%04d", 100+n))
		p.dial("")
		p.press("1")
		phones = append(phones, p)
	}
	s.gate.set("hangs")
	for _, p := range phones[:3] {
		p.dial("")
		if r := p.finish(p.walk("7", "2", "2", "2")); !r.End { // no news
			t.Fatal(r.Text)
		}
	}
	if !s.c.Away() {
		t.Fatal("the breaker is still closed")
	}
	began := time.Now()
	p := phones[4]
	p.dial("")
	reference(t, p.finish(p.walk("1", "107", "3", "2")).Text)
	if took := time.Since(began); took > time.Second {
		t.Errorf("a call without the record took %v", took)
	}
	s.gate.set("")
	s.c.Heard(nil)
	if s.c.Away() {
		t.Error("the record answered, and is not asked")
	}
}

func TestWhoHasSomethingInTheSpoolDoesNotOvertakeIt(t *testing.T) {
	s := newSpooling(t)
	p := s.phone(anna)
	s.gate.set("refused")
	p.dial("")
	p.walk("1", "7", "2", "2", "2")
	s.gate.set("")
	before := s.spool.Pending()
	b := s.phone(anna)
	b.dials = 9
	b.dial("")
	b.walk("7", "2", "1", "1") // now she wants news
	if after := s.spool.Pending(); before == 0 || after <= before {
		t.Fatalf("%d records before, %d behind", before, after)
	}
	s.drain(s.spool.Pending())
	if n := s.count(`select count(*) from wish where given and purpose in ('broadcast', 'reminder')`); n != 2 {
		t.Errorf("%d of her wishes are as she said last", n)
	}
}

func TestARunThatMeetsAnotherContentOnItsWayOutOfTheSpoolIsKeptBesideIt(t *testing.T) {
	s := newSpooling(t)
	s.gate.set("refused")
	p := s.phone(anna)
	p.dial("")
	r := p.finish(p.walk("1", "1", "107", "3", "2"))
	ref := reference(t, r.Text)
	// Redis forgets her, and the aggregator uses the session again: the run has the
	// same id.
	s.flush()
	must(t, s.sess.Begin(t.Context(), time.Time{}))
	p.text = ""
	p.send(s.c)
	if again := reference(t, p.finish(p.walk("1", "1", "107", "2", "2")).Text); again != ref {
		t.Fatalf("the run is another: %s and %s", ref, again)
	}
	s.gate.set("")
	s.drain(s.spool.Pending())
	if n := s.count(`select count(*) from submission where reference = $1`, strings.ReplaceAll(ref, "-", "")); n != 2 {
		t.Errorf("%d submissions of %s", n, ref)
	}
	if n := s.count(`select count(*) from submission where altered`); n != 1 {
		t.Errorf("%d are marked", n)
	}
}

func TestARecordThatCannotBeReadIsBad(t *testing.T) {
	s := newSpooling(t)
	for name, r := range map[string]spool.Record{
		"another kind":    {Kind: "other", Body: []byte("\x01{}")},
		"no body":         {Kind: "deed"},
		"another version": {Kind: "deed", Body: []byte("\x02{}")},
		"no JSON":         {Kind: "deed", Body: []byte("\x01{")},
		"says nothing":    {Kind: "deed", Body: []byte("\x01{}  ")},
		"an erasure":      {Kind: "deed", Body: []byte("\x01" + `{"Erasure":{"How":"perhaps"}}`)},
		"words elsewhere": {Kind: "deed", Body: []byte("\x01" + `{"Message":{"Words":"AAAA"}}`)},
	} {
		if err := s.c.Drained(t.Context(), r); !errors.Is(err, spool.ErrBad) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
