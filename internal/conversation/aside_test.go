package conversation_test

import (
	"context"
	"strings"
	"sync"
	"testing"
	"time"

	"lafia/gateway/message"
)

// late is a dial of a session that its caller gave up before.
func (p *phone) late(session, tail string) message.Reply {
	q := *p
	q.session, q.text = session, tail
	return q.send(p.b.c)
}

func TestALateDialTakesNobodysPlace(t *testing.T) {
	b := newBench(t)
	p := b.phone(anna)
	contains(t, p.dial(""), "Bamanankan")
	p.late("given up", "")
	contains(t, p.press("1"), "1 Avis")
	again := p.press("1")
	p.late("given up before", "")
	if r := p.send(b.c); r.Text != again.Text {
		t.Fatalf("the repeat of her latest hop got\n%s", r.Text)
	}
	p.walk("107", "3", "2")
	p.late("given up", "") // that dial once more, later still
	if last := p.walk("1", "1", "mots"); !last.End {
		t.Fatalf("it goes on:\n%s", last.Text)
	}
	if s := b.submissions(); len(s) != 1 || s[0].Answers["type"] != "P" || s[0].Text != "mots" || s[0].Altered {
		t.Fatalf("kept %+v", s)
	}
}

func TestALateDialTakesNobodysPlaceOnSingleInputs(t *testing.T) {
	b := newBench(t)
	p := b.phone(anna)
	press := func(session, text string, start bool) message.Reply {
		b.pass(20 * time.Second)
		p.session = session
		return p.single(text, start)
	}
	press("s1", "*384#", true)
	menu := press("s1", "1", false)
	contains(t, menu, "1 Avis")
	press("s0", "*384#", true)
	p.session = "s1"
	if r := p.single("1", false); !strings.Contains(r.Text, "Code du projet") { // a new key: her reply is 20 s old
		t.Fatalf("her key got\n%s", r.Text)
	}
	if r := p.single("1", false); !strings.Contains(r.Text, "Code du projet") { // and its repeat
		t.Fatalf("its repeat got\n%s", r.Text)
	}
	for _, k := range []string{"107", "3", "2", "1", "1", "mots"} {
		press("s1", k, false)
	}
	if s := b.submissions(); len(s) != 1 || s[0].Answers["type"] != "P" {
		t.Fatalf("kept %+v", s)
	}
}

func TestSeveralLateDialsTakeNobodysPlace(t *testing.T) {
	b := newBench(t)
	p := b.phone(anna)
	p.dial("")
	p.walk("1", "1", "107")
	contains(t, p.dial(""), "1 Continuer")
	for _, given := range []string{"up", "up before", "up"} {
		p.late("given "+given, "")
	}
	contains(t, p.press("1"), "C'est:")
	p.late("given up once more", "")
	contains(t, p.press("3"), "Tres mauvais")
	p.press("2")
	p.walk("1", "1", "mots")
	if s := b.submissions(); len(s) != 1 || s[0].Answers["type"] != "P" || s[0].Answers["rating"] != "2" || s[0].Text != "mots" {
		t.Fatalf("kept %+v", s)
	}
}

func TestALateHopOfASessionThatSheLeftDoesNotHoldHerNewOne(t *testing.T) {
	b := newBench(t)
	p := b.phone(anna)
	p.dial("")
	p.walk("1", "1", "107")
	old := *p
	contains(t, p.dial(""), "1 Continuer")
	old.press("3") // it was under way when she dialled again
	contains(t, p.press("1"), "Tres mauvais")
	if r := old.press("5"); !strings.Contains(r.Text, "Tres mauvais") { // and this one is of no use any more
		t.Fatalf("a later one of the old session got\n%s", r.Text)
	}
	p.walk("2", "1", "1", "mots")
	if s := b.submissions(); len(s) != 1 || s[0].Answers["type"] != "P" || s[0].Answers["rating"] != "2" {
		t.Fatalf("kept %+v", s)
	}
}

func TestDiallingAgainWhileTheLastHopIsUnderWayKeepsOneWholeTension(t *testing.T) {
	for _, at := range []string{"loaded", "committed"} {
		t.Run("it is held when "+at, func(t *testing.T) {
			b := newBench(t)
			p := b.phone(anna)
			p.dial("")
			p.walk("1", "2", "5", "Lafia", "2", "1", "1", "3", "2") // theft: for the peace team
			here, goOn := make(chan struct{}), make(chan struct{})
			var once sync.Once
			slow := b.start(func(point string) {
				if point == at {
					once.Do(func() { close(here); <-goOn })
				}
			})
			fast := b.start(nil)
			done := make(chan struct{})
			last := *p
			go func() {
				defer close(done)
				last.text += "*puits"
				last.send(slow)
			}()
			<-here
			p.dial("")
			close(goOn)
			<-done
			last.send(fast)
			s := b.submissions()
			if len(s) != 1 || s[0].Partial || s[0].Altered || s[0].Text != "puits" {
				t.Fatalf("kept %+v", s)
			}
		})
	}
}

func TestNothingConfidentialLiesInTheDraftOfTheSessionThatTookItsPlace(t *testing.T) {
	b := newBench(t)
	p := b.phone(anna)
	p.dial("")
	p.walk("1", "9", "1")
	p.late("another", "1*107")
	b.written()
	n := query[int](b, `select count(*) from draft where sealed is not null`)
	if n != 1 {
		t.Fatalf("%d drafts", n)
	}
	b.flush()
	b.start(nil)
	if r, err := b.c.Hop(context.Background(), "at", message.Inbound{Medium: message.USSD, From: message.ParseNumber(anna), SessionID: p.session, Text: p.text + "*1", Cumulative: true}); err != nil || strings.Contains(r.Text, "confi") {
		t.Fatalf("%v: %s", err, r.Text)
	}
}

func TestASessionWhoseIdChangesInTheMiddleGoesOn(t *testing.T) {
	b := newBench(t)
	p := b.phone(anna)
	p.dial("")
	p.walk("1", "2", "5", "Lafia", "2") // theft: for the peace team
	old := *p
	p.session = "changed"
	contains(t, p.press("1"), "2 ") // who calms it, and when
	if r := old.send(b.c); !strings.Contains(r.Text, "2 ") {
		t.Fatalf("a late hop of the old id got\n%s", r.Text)
	}
	p.walk("1", "3", "2")
	p.session = "changed again"
	if r := p.press("puits"); r.End { // it may have been dialled so: she is asked once more
		t.Fatalf("a changed id finished a run:\n%s", r.Text)
	}
	if r := p.press("puits"); !r.End {
		t.Fatalf("it goes on:\n%s", r.Text)
	}
	if s := b.submissions(); len(s) != 1 || s[0].Partial || s[0].Altered || s[0].Text != "puits" {
		t.Fatalf("kept %+v", s)
	}
	q := b.phone(leader)
	q.dial("")
	q.walk("1", "9", "1")
	q.session = "changed"
	if r := q.press("1"); !strings.Contains(r.Text, "Code du projet") { // as if all of it had been dialled
		t.Fatalf("a changed id shows a confidential call:\n%s", r.Text)
	}
}
