package app_test

import (
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"lafia/gateway/message"
	"lafia/internal/programme"
	"lafia/internal/servers"
	"lafia/internal/servers/serverstest"
)

// newWorldApart has servers of its own, which a test may stop.
func newWorldApart(t testing.TB) (*world, *servers.Servers) {
	t.Helper()
	s := serverstest.Start(t)
	w := &world{postgres: s.PostgresURL(), redis: s.RedisSocket(), keys: filepath.Join(t.TempDir(), "keys")}
	var err error
	w.programme, err = fill(w.postgres, w.keys)
	must(t, err)
	w.open(t)
	return w, s
}

// TestWhilePostgreSQLIsAwayAndThereIsNoSpoolNothingIsPromised stops PostgreSQL in
// the middle of calls: it doesn't answer, as one whose disk hangs.
func TestWhilePostgreSQLIsAwayAndThereIsNoSpoolNothingIsPromised(t *testing.T) {
	t.Parallel()
	w, s := newWorldApart(t)
	a := w.start(t)
	var walks []walk
	var phones []*phone
	for n, language := range languages {
		walk := newWalk(t, programme.Feedback, language, message.USSD, canary(n))
		p := newPhone(t, walk.number, a.URL())
		walk.almost(t, p)
		walks, phones = append(walks, walk), append(phones, p)
	}
	postgres, _ := s.PIDs()
	resume := halt(t, postgres)
	began := time.Now()
	type told struct {
		n int
		a answer
	}
	answers := make(chan told)
	writer := newPhone(t, canary(9), a.URL())
	request := writer.sms(canaryWords + " le bac ne passe plus")
	for n, p := range phones {
		go func() { answers <- told{n, p.hop(a.URL())} }()
	}
	go func() { answers <- told{-1, request(a.URL())} }()
	for range len(phones) + 1 {
		r := <-answers
		if took := time.Since(began); took > 8*time.Second {
			t.Errorf("an answer took %v", took)
		}
		if r.n < 0 {
			if r.a.status != http.StatusServiceUnavailable || r.a.body != "" {
				t.Errorf("the SMS got HTTP %d %q, %v", r.a.status, r.a.body, r.a.err)
			}
			continue
		}
		last, err := screenOf(r.a)
		must(t, err)
		if !last.end || reference(last) != "" || last.text != walks[r.n].folded("error.notsaved") {
			t.Errorf("in %s the caller reads\n%s", walks[r.n].language, last.text)
		}
	}
	// A caller who finishes nothing goes on meanwhile.
	during := newPhone(t, canary(0), a.URL())
	if s := during.dial(""); s.end {
		t.Errorf("a dial while PostgreSQL is away got\n%s", s.text)
	}
	if status, state := readiness(t, a.URL()); status != http.StatusServiceUnavailable || state["postgres"] != "away" || state["redis"] != "ok" {
		t.Errorf("readyz says HTTP %d %v", status, state)
	}
	resume()
	await(t, 20*time.Second, "the gateway to be ready again", func() bool {
		res, err := caller.Get(a.URL() + "/readyz")
		if err != nil {
			return false
		}
		_ = res.Body.Close()
		return res.StatusCode == http.StatusOK
	})
	if r := request(a.URL()); r.err != nil || r.status != http.StatusOK {
		t.Fatalf("the SMS that comes again got HTTP %d, %v", r.status, r.err)
	}
	reply := writer.receive()
	list, _ := kept(t, w.record, w.ring, writer.number)
	if len(list) != 1 || reference(reply) != list[0].Reference.String() {
		t.Errorf("kept %+v, replied %q", list, reply.text)
	}
	for n, walk := range walks {
		c := ussd{phones[n]}
		s := c.begin()
		if _, name := walk.state(s); name != "resume" {
			t.Fatalf("the next dial shows\n%s", s.text)
		}
		s = c.say("1")
		if !walk.last(s) {
			t.Fatalf("going on shows\n%s", s.text)
		}
		last := c.say(walk.reply(t, c, s))
		walk.check(t, w.record, w.ring, reference(last))
	}
}

// TestWhileRedisIsAwayCallersAreToldAndMessagesAreKept stops Redis.
func TestWhileRedisIsAwayCallersAreToldAndMessagesAreKept(t *testing.T) {
	t.Parallel()
	w, s := newWorldApart(t)
	a := w.start(t)
	walk := newWalk(t, programme.Tension, "fr", message.USSD, canary(0))
	p := newPhone(t, walk.number, a.URL())
	walk.almost(t, p)
	_, pid := s.PIDs()
	resume := halt(t, pid)
	began := time.Now()
	last := p.show()
	if !last.end || reference(last) != "" || last.text != walk.folded("error.notsaved") {
		t.Errorf("the caller reads\n%s", last.text)
	}
	if took := time.Since(began); took > 8*time.Second {
		t.Errorf("she waited %v", took)
	}
	writer := newPhone(t, canary(1), a.URL())
	if r := writer.sms(canaryWords + " la pompe fuit")(a.URL()); r.err != nil || r.status != http.StatusOK {
		t.Errorf("an SMS got HTTP %d, %v: it needs no Redis", r.status, r.err)
	}
	if list, _ := kept(t, w.record, w.ring, walk.number); len(list) != 0 {
		t.Errorf("kept %+v", list)
	}
	resume()
	p.deliver = once
	var next screen
	await(t, 20*time.Second, "hops to be answered again", func() bool {
		next, _ = screenOf(p.hop(a.URL())) // the aggregator repeats it, or she tries again
		return reference(next) != ""
	})
	walk.check(t, w.record, w.ring, reference(next))
	if reply := writer.receive(); reference(reply) == "" {
		t.Errorf("replied %q", reply.text)
	}
}

// TestARedisEmptiedAtAnyHopLosesNoCallerAndGuessesNothing empties Redis between
// the hops of calls and the messages of SMS conversations.
func TestARedisEmptiedAtAnyHopLosesNoCallerAndGuessesNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	a := w.start(t)
	rdb := redis.NewClient(&redis.Options{Network: "unix", Addr: w.redis, DisableIdentity: true})
	t.Cleanup(func() { _ = rdb.Close() })
	flush := func() { must(t, rdb.FlushAll(t.Context()).Err()) }

	t.Run("at once, before every single hop", func(t *testing.T) {
		for hop := range 9 {
			walk := newWalk(t, programme.Feedback, languages[hop%3], message.USSD, canary(hop))
			p := newPhone(t, walk.number, a.URL())
			n := 0
			last := walk.play(t, p.on(message.USSD), func(screen) {
				if n == hop {
					flush()
				}
				n++
			})
			walk.check(t, w.record, w.ring, reference(last))
			flush() // and behind the last one
			if again := p.show(); !again.end || reference(again) != reference(last) {
				t.Errorf("the last hop once more, after a flush, got\n%s", again.text)
			}
			walk.check(t, w.record, w.ring, reference(last))
		}
	})
	t.Run("again and again", func(t *testing.T) {
		// Drafts are in the record within 2 s: from there on no hop is lost.
		walk := newWalk(t, programme.Tension, "bm", message.USSD, canary(20))
		walk.list = true
		p := newPhone(t, walk.number, a.URL())
		s := ussd{p}.begin()
		for range 30 {
			if walk.finished(s) {
				break
			}
			time.Sleep(2100 * time.Millisecond)
			before, _ := walk.state(s)
			flush()
			s = ussd{p}.say(walk.reply(t, ussd{p}, s))
			if after, name := walk.state(s); before != nil && (name == "menu" || after == before && after != nil && after.Kind != "place") {
				t.Fatalf("the flush threw her back to %s:\n%s", name, s.text)
			}
		}
		walk.check(t, w.record, w.ring, reference(s))
	})
	t.Run("by SMS", func(t *testing.T) {
		walk := newWalk(t, programme.Tension, "ses", message.SMS, canary(30))
		p := newPhone(t, walk.number, a.URL())
		n := 0
		last := walk.play(t, p.on(message.SMS), func(screen) {
			if n++; n > 2 {
				time.Sleep(2100 * time.Millisecond)
				flush()
			}
		})
		walk.check(t, w.record, w.ring, reference(last))
	})
	t.Run("in nobody's memory", func(t *testing.T) {
		// Nothing is known of her at all: the menu or the languages, never an answer
		// that she did not give on this screen.
		flush()
		walk := newWalk(t, programme.Feedback, "fr", message.USSD, canary(40))
		p := newPhone(t, walk.number, a.URL())
		s := p.dial("1*1*101*3*2*1")
		if _, name := walk.state(s); name != "language" {
			t.Errorf("a stranger's tail got\n%s", s.text)
		}
		if list, n := kept(t, w.record, w.ring, walk.number); len(list) != 0 || n != 0 {
			t.Errorf("guessed %+v", list)
		}
	})
	if strings.Contains(w.log.String(), "panic") {
		t.Error("something panicked")
	}
}
