package conversation_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"lafia/internal/programme"
)

// expire ends old drafts, and wants so many partial submissions.
func (b *bench) expire(want int) {
	b.t.Helper()
	n, err := b.c.Expire(context.Background())
	must(b.t, err)
	if n != want {
		b.t.Fatalf("%d partial submissions, want %d", n, want)
	}
}

func TestATensionThatSaysEnoughIsKeptOnceWhenItsLifeIsOver(t *testing.T) {
	b := village(t)
	p := b.phone(anna)
	p.dial("")
	p.walk("1", "2", "1", "Lafia", "2", "1")
	b.written()
	b.expire(0)
	b.pass(10*time.Minute + 30*time.Second)
	b.expire(0)
	b.pass(time.Minute)
	b.expire(1)
	b.expire(0)
	s := b.submissions()
	if len(s) != 1 || !s[0].Partial || s[0].Kind != programme.Tension || s[0].Place != "ML060504" || s[0].Region != "ML06" || s[0].Answers["calm"] != "M1" || s[0].Level != programme.L1 {
		t.Fatalf("kept %+v", s)
	}
	b.pass(time.Minute)
	lacks(t, p.dial("").Text, "Continuer")
}

func TestOnlyATensionThatSaysEnoughIsKept(t *testing.T) {
	b := village(t)
	tests := map[string]struct {
		keys []string
		want int
	}{
		"a type alone":         {[]string{"1", "2", "1"}, 0},
		"without what goes on": {[]string{"1", "2", "1", "Lafia"}, 0},
		"with all three":       {[]string{"1", "2", "1", "Lafia", "2"}, 1},
		"for the peace team":   {[]string{"1", "2", "5", "Lafia", "2"}, 1},
		"taken back":           {[]string{"1", "2", "1", "Lafia", "2", "0"}, 0},
		"left for the menu":    {[]string{"1", "2", "1", "Lafia", "2", "00"}, 0},
		"an opinion":           {[]string{"1", "1", "107", "3", "2", "1", "1"}, 0},
		"in confidence":        {[]string{"1", "9", "1", "1", "2", "3"}, 0},
	}
	phones := map[string]*phone{}
	for name, test := range tests {
		phones[name] = b.phone(fmt.Sprintf("+22370003%03d", len(phones)))
		phones[name].dial("")
		phones[name].walk(test.keys...)
	}
	without := b.phone(leader)
	without.dial("")
	without.walk("1", "3", "4821", "1") // a report without its members
	finished := b.phone(anna)
	finished.dial("")
	if r := finished.walk("1", "2", "1", "Lafia", "6", "1", "1", "9"); !r.End {
		t.Fatalf("it goes on: %s", r.Text)
	}
	b.written()
	b.pass(26 * time.Hour)
	b.expire(2)
	for name, test := range tests {
		n := query[int](b, `select count(*) from submission where partial and contact = $1`, b.ring.Pseudonym(phones[name].number).Bytes())
		if n != test.want {
			t.Errorf("%s: %d kept", name, n)
		}
	}
	if n := query[int](b, `select count(*) from draft where sealed is not null`); n != 0 || b.confidential() != 0 || len(b.submissions()) != 3 {
		t.Errorf("%d drafts are left; %+v", n, b.submissions())
	}
}

func TestATensionBySMSWaitsADayAndItsPlaceMayBeInWords(t *testing.T) {
	b := village(t)
	b.talk(anna, "langue francais", "2", "1", "un campement sans nom", "2")
	b.written()
	b.pass(23 * time.Hour)
	b.expire(0)
	b.pass(2 * time.Hour)
	b.expire(1)
	if s := b.last(); !s.Partial || s.Text != "un campement sans nom" || s.Answers["type"] != "G1" {
		t.Errorf("kept %+v", s)
	}
}

func TestATensionTakenUpAgainAndFinishedIsNotKeptTwice(t *testing.T) {
	b := village(t)
	p := b.phone(anna)
	p.dial("")
	p.walk("1", "2", "1", "Lafia", "2", "1")
	b.written()
	b.pass(9 * time.Minute)
	p.dial("")
	if r := p.walk("1", "1", "3", "2", "puits"); !r.End {
		t.Fatalf("it goes on: %s", r.Text)
	}
	b.written()
	b.pass(time.Hour)
	b.expire(0)
	if s := b.submissions(); len(s) != 1 || s[0].Partial || s[0].Text != "puits" {
		t.Errorf("kept %+v", s)
	}
}

func TestAPartialTensionThatNamesAPlaceInConfidentialWordsGoesToTheFocalPoints(t *testing.T) {
	b := village(t)
	b.talk(anna, "langue francais", "2", "1", "la ou une femme a ete battue", "2")
	b.written()
	b.pass(26 * time.Hour)
	_, err := b.c.Expire(context.Background())
	must(t, err)
	if n := len(b.submissions()); n != 0 || b.confidential() != 1 {
		t.Errorf("the team reads %d, the focal points %d", n, b.confidential())
	}
}

func TestTwoGatewaysEndADraftOnce(t *testing.T) {
	b := village(t)
	p := b.phone(anna)
	p.dial("")
	p.walk("1", "2", "1", "Lafia", "2", "1")
	b.written()
	b.pass(12 * time.Minute)
	first := b.c
	b.gateway()
	done := make(chan error, 2)
	go func() { _, err := first.Expire(context.Background()); done <- err }()
	go func() { _, err := b.c.Expire(context.Background()); done <- err }()
	must(t, <-done)
	must(t, <-done)
	if n := len(b.submissions()); n != 1 {
		t.Errorf("%d kept", n)
	}
}

func TestACorrectionThatWasNotFinishedCorrectsNothing(t *testing.T) {
	b := village(t)
	p := b.phone(leader)
	p.dial("")
	p.walk("1", "3", "4821", "1", "24", "4", "24000", "42000", "310", "14", "1", "1", "1")
	b.pass(time.Hour)
	p.dial("")
	r := p.walk("3", "4821")
	p.walk(keyOf(t, r.Text, "octobre"), "1", "3", "999000") // she sees the sum, and hangs up
	b.written()
	b.pass(26 * time.Hour)
	_, err := b.c.Expire(context.Background())
	must(t, err)
	if s := b.submissions(); len(s) != 1 {
		t.Errorf("what she did not confirm stands now: %s, confirmed %v", b.figures(s[len(s)-1]), s[len(s)-1].Confirmed)
	}
}

func TestADraftIsUnreadableInTheRecord(t *testing.T) {
	b := village(t)
	b.talk(anna, "langue francais", "2", "1", "canari jaune", "2")
	b.written()
	if s := query[string](b, `select encode(sealed, 'escape') from draft where sealed is not null`); strings.Contains(s, "canari") {
		t.Error("the draft can be read")
	}
}
