package conversation_test

import (
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"lafia/gateway/message"
)

func TestADirectDialBehindACallThatWasHungUpIsNoOtherIdOfIt(t *testing.T) {
	b := newBench(t)
	p := b.phone(anna)
	p.dial("")
	p.press("1") // French, and she hangs up
	contains(t, p.dial("1*107"), "Beurre")
}

func TestTheTailOfAFirstRequestIsTakenThoughRedisForgot(t *testing.T) {
	b := newBench(t)
	p := b.phone(anna)
	p.dial("")
	p.press("1")
	b.written()
	b.flush()
	must(t, b.sess.Begin(t.Context(), b.time()))
	b.pass(time.Minute)
	q := b.phone(anna)
	q.session = "direct"
	contains(t, q.single("*384*1*107#", true), "Beurre")
}

func TestARepeatOfAFinishingHopBehindALateDialThatRedisForgotIsKnown(t *testing.T) {
	b := newBench(t)
	p := b.phone(anna)
	p.dial("")
	last := p.walk("1", "1", "107", "3", "2", "1", "2", "mots")
	if !last.End {
		t.Fatalf("it goes on:\n%s", last.Text)
	}
	b.written()
	b.flush()
	p.late(p.session, "") // its dial once more, late
	if again := p.send(b.c); again.Text != last.Text {
		t.Fatalf("the repeat got\n%s", again.Text)
	}
	if s := b.submissions(); len(s) != 1 || strings.Contains(s[0].Text, "*") {
		t.Fatalf("kept %+v", s)
	}
}

func TestWhatWasFinishedWhereRedisCouldNotNoteItIsNotGoneOnWith(t *testing.T) {
	for _, key := range []string{"1", "2"} { // to go on, and to begin anew
		b := village(t)
		p := b.phone(anna)
		p.dial("")
		p.walk("1", "2", "1", "bourem inali", "2", "1", "1", "3", "2")
		r := redis.NewClient(&redis.Options{Network: "unix", Addr: b.redis})
		defer r.Close()
		before := map[string]string{}
		for _, k := range r.Keys(t.Context(), "*").Val() {
			if v, err := r.Get(t.Context(), k).Result(); err == nil {
				before[k] = v
			}
		}
		if last := p.press("puits"); !last.End {
			t.Fatalf("it goes on:\n%s", last.Text)
		}
		for k, v := range before { // as if nothing of it had been written
			must(t, r.Set(t.Context(), k, v, time.Hour).Err())
		}
		contains(t, p.dial(""), "1 Continuer")
		menu := p.press(key)
		contains(t, menu, "Message bien recu")
		contains(t, menu, "1 Avis")
		contains(t, p.walk("2", "2"), "1 Bourem Inaly")
		if s := b.submissions(); len(s) != 1 || s[0].Altered {
			t.Fatalf("kept %+v", s)
		}
	}
}

func TestARunThatOneGatewayKeepsWhileAnotherApologisesForItsCopyIsNotAskedForAgain(t *testing.T) {
	b := newBench(t)
	p := b.phone(anna)
	p.dial("")
	p.press("1")
	b.written()
	p.dial("") // what is known of this call is in one gateway's memory alone
	p.walk("1", "107", "3", "2", "1", "2")
	here, goOn := make(chan struct{}), make(chan struct{})
	var once sync.Once
	b.c.Point = func(point string) { // it knows where she is, and Redis does not any more
		if point == "loaded" {
			once.Do(func() { close(here); <-goOn })
		}
	}
	knows := b.c
	b.flush()
	answers := make(chan message.Reply)
	p.text += "*mots"
	q := *p
	go func() { answers <- q.send(knows) }()
	<-here
	other := b.start(nil)
	contains(t, p.send(other), "perdue")
	close(goOn)
	if last := <-answers; !last.End || !strings.Contains(last.Text, "Merci") {
		t.Fatalf("the gateway that kept it says\n%s", last.Text)
	}
	if next := p.press("1"); !next.End || !strings.Contains(next.Text, "Merci") {
		t.Fatalf("she is asked again:\n%s", next.Text)
	}
	if s := b.submissions(); len(s) != 1 {
		t.Fatalf("kept %+v", s)
	}
}

func TestOnSingleInputsARepeatIsKnownWhereRedisForgotTheSession(t *testing.T) {
	b := newBench(t)
	p := b.phone(anna)
	p.session = "s1"
	p.single("*384#", true)
	p.single("1", false)
	r := redis.NewClient(&redis.Options{Network: "unix", Addr: b.redis})
	defer r.Close()
	for _, k := range r.Keys(t.Context(), "s:*").Val() { // what is known of her stays
		must(t, r.Del(t.Context(), k).Err())
	}
	menu := p.single("1", false)
	contains(t, menu, "1 Avis")
	if again := p.single("1", false); again.Text != menu.Text {
		t.Fatalf("its repeat got\n%s", again.Text)
	}
	b.pass(20 * time.Second)
	contains(t, p.single("1", false), "Code du projet")
}
