package conversation_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"lafia/internal/programme"
	"lafia/internal/store"
)

// written stops the gateway, which writes all that is still to be written behind,
// and starts another.
func (b *bench) written() {
	b.t.Helper()
	b.c.Stop()
	b.gateway()
}

func lacks(t *testing.T, text string, parts ...string) {
	t.Helper()
	for _, part := range parts {
		if strings.Contains(text, part) {
			t.Errorf("the screen has %q:\n%s", part, text)
		}
	}
}

func TestASavedFeedbackTakesSixAnswersAndFourOfSomeoneKnownWhoDialledACode(t *testing.T) {
	b := village(t)
	p := b.phone(anna)
	p.dial("")
	p.walk("1", "1") // her language, and the menu
	answers := []string{"107", "3", "2", "1", "1", "le moulin"}
	for i, a := range answers {
		if r := p.press(a); r.End != (i == len(answers)-1) {
			t.Fatalf("after %d answers, %q: end %v\n%s", i+1, a, r.End, r.Text)
		}
	}
	b.pass(time.Hour)
	contains(t, p.dial("1*107"), "C'est:")
	answers = []string{"3", "2", "1", "le puits"}
	for i, a := range answers {
		if r := p.press(a); r.End != (i == len(answers)-1) {
			t.Fatalf("known: after %d answers, %q: end %v\n%s", i+1, a, r.End, r.Text)
		}
	}
	if s := b.submissions(); len(s) != 2 || s[1].Text != "le puits" || s[1].Project != "LAF1" {
		t.Errorf("kept %+v", s)
	}
}

func TestNothingToSayIsAKeyOfItsOwn(t *testing.T) {
	b := village(t)
	p := b.phone(anna)
	p.dial("")
	p.walk("1", "1", "107", "3", "2", "1", "1")
	contains(t, p.press("1"), "Ecrivez quelques mots") // a digit says nothing: it is the key of before, twice
	if r := p.press("9"); !r.End || b.last().Text != "" || len(b.submissions()) != 1 {
		t.Errorf("end %v, kept %+v", r.End, b.last())
	}
}

func TestWhetherWeMayAnswerIsAskedOncePerPhoneAndOutlivesRedis(t *testing.T) {
	for _, answer := range []string{"1", "2"} {
		b := village(t)
		p := b.phone(anna)
		p.dial("")
		contains(t, p.walk("1", "1", "107", "3", "2", "1"), "Peut-on vous repondre")
		p.walk(answer, "mots")
		b.written()
		for i := range 3 {
			b.pass(20 * time.Minute)
			if i > 0 {
				b.flush()
			}
			if i > 1 {
				b.gateway()
			}
			p.dial("")
			contains(t, p.walk("1", "107", "3", "2", "1"), "Ecrivez votre message")
			p.press("encore")
		}
		if want := map[string]string{"1": "yes", "2": "no"}[answer]; b.wished(anna, "answer") != want {
			t.Errorf("she is said to say %q", b.wished(anna, "answer"))
		}
		// By SMS it is the same phone.
		b.has(b.talk(anna, "menu", "1", "107", "3", "2", "1"), "Ecrivez votre message")
		// STOP of answers takes it back, and it is not asked for again.
		b.tell(anna, "stop reponse")
		b.has(b.talk(anna, "menu", "1", "107", "3", "2", "1"), "Ecrivez votre message")
		if b.wished(anna, "answer") != "no" {
			t.Error("STOP REPONSE did not take it back")
		}
	}
}

func TestThePlaceOfLastTimeStandsFirst(t *testing.T) {
	b := village(t)
	p := b.phone(anna)
	p.dial("")
	p.walk("1", "2", "1", "bourem inali", "2", "1", "1", "3", "2", "puits")
	if s := b.last(); s.Place != "ML070201" {
		t.Fatalf("kept %+v", s)
	}
	b.pass(time.Hour)
	b.written()
	b.flush()
	b.gateway()
	p.dial("")
	contains(t, p.walk("2", "1"), "1 Bourem Inaly")
	p.walk("1", "2", "1", "1", "3", "2", "puits encore")
	if s := b.last(); s.Place != "ML070201" || len(b.submissions()) != 2 {
		t.Errorf("kept %+v", s)
	}
}

func TestAPlaceIsFoundByANameWithSlipsOrOfferedAmongItsNeighbours(t *testing.T) {
	b := village(t)
	for i, test := range []struct{ typed, next, place string }{
		{"Tombouctu", "Que se passe", "ML060506"}, {"TOMBOUCTOU", "Que se passe", "ML060506"}, {"Gondam", "Que se passe", "ML060201"},
		{"bourem inali", "Que se passe", "ML070201"}, {"Boureminaly", "Que se passe", "ML070201"}, {"bour", "Que se passe", "ML070201"},
		{"xyz", "Lieu pas trouve", ""}, {"kel", "Lieu pas trouve", ""}, {"Kel A", "Que se passe", "ML060210"},
	} {
		p := b.phone(fmt.Sprintf("+22370001%03d", i))
		p.dial("")
		r := p.walk("1", "2", "1", test.typed)
		if !strings.Contains(r.Text, test.next) {
			t.Errorf("%q got\n%s", test.typed, r.Text)
			continue
		}
		if test.place == "" {
			continue
		}
		p.walk("2", "1", "1", "3", "2", "puits")
		if s := b.last(); s.Place != test.place {
			t.Errorf("%q is kept as %s", test.typed, s.Place)
		}
	}
}

func TestABigCerclesCommunesComeInGroupsThatFitTwoPages(t *testing.T) {
	b := village(t)
	p := b.phone(anna)
	p.dial("")
	r := p.walk("1", "2", "1")
	key := ""
	for line := range strings.Lines(r.Text) {
		if k, name, _ := strings.Cut(strings.TrimSpace(line), " "); name == "Goundam" {
			key = k
		}
	}
	if key == "" {
		t.Fatalf("no Goundam in\n%s", r.Text)
	}
	groups := p.press(key)
	contains(t, groups, "Goundam - ")
	contains(t, p.press("2"), "Kel ")
	contains(t, p.press("0"), "Goundam") // back opens the list of before
	p.walk(key, "3", "1", "2", "1", "1", "3", "2", "puits")
	if s := b.last(); !strings.HasPrefix(s.Place, "ML0602") || s.Text != "puits" {
		t.Errorf("kept %+v", s)
	}
}

// report answers a leader's whole report from the PIN on, and gives its last screen.
func (p *phone) report(pin string, figures ...string) string {
	p.b.t.Helper()
	p.walk(pin)
	return p.walk(figures...).Text
}

func TestALeaderCorrectsHerReportOnThePhoneForThirtyDays(t *testing.T) {
	b := village(t)
	p := b.phone(leader)
	p.dial("")
	p.walk("1", "3", "4821", "1", "24", "4", "24000", "42000", "310", "14", "1", "1")
	if r := p.press("1"); !r.End {
		t.Fatalf("it goes on: %s", r.Text)
	}
	first := b.last()
	b.pass(18 * 24 * time.Hour) // 12 December: three months can be meant
	p.dial("")
	r := p.walk("3", "4821")
	contains(t, r, "octobre")
	key := keyOf(t, r.Text, "octobre")
	contains(t, p.press(key), "deja la")
	contains(t, p.press("1"), "Que faut-il corriger")
	contains(t, p.press("3"), "Epargne du mois")
	r = p.press("21000")
	contains(t, r, "21 000")
	contains(t, r, "42 000")
	if r = p.press("1"); !r.End {
		t.Fatalf("it goes on: %s", r.Text)
	}
	s := b.last()
	if b.versions() != 2 || b.epa(first.ID) != "24000" || s.Answers["EPA"] != "21000" || s.Answers["MEM"] != "24" {
		t.Fatalf("kept %+v", s)
	}
	if got := query[string](b, `select corrects::text from submission where id = $1`, s.ID); got != first.ID {
		t.Errorf("it corrects %q", got)
	}
	b.pass(13 * 24 * time.Hour) // 31 days after the first
	p.dial("")
	r = p.walk("3", "4821")
	contains(t, p.press(keyOf(t, r.Text, "octobre")), "plus de 30 jours")
	if p.press("2"); b.versions() != 2 {
		t.Errorf("kept %+v", b.last())
	}
}

// keyOf gives the key of the option that says something.
func keyOf(t *testing.T, page, says string) string {
	t.Helper()
	for line := range strings.Lines(page) {
		if k, text, _ := strings.Cut(strings.TrimSpace(line), " "); text == says {
			return k
		}
	}
	t.Fatalf("no %q in\n%s", says, page)
	return ""
}

func TestTwoLeadersOfOneGroupEachHaveTheirPINAndOneReport(t *testing.T) {
	b := village(t)
	const other = "+22370000004"
	must(t, b.store.PutGroup(context.Background(), programme.Group{Code: "G1", Name: "Groupe 1", Project: "LAF1", Place: "ML060504", Region: "ML06"},
		b.ring.Pseudonym(other).Bytes(), b.ring.PINHash("G1", "6655"), false))
	p, q := b.phone(leader), b.phone(other)
	p.dial("")
	p.walk("1", "3", "4821", "1", "24", "4", "24000", "42000", "310", "14", "1", "1", "1")
	first := b.last()
	q.dial("")
	contains(t, q.walk("1", "3", "4821"), "Code secret faux") // not hers
	r := q.press("6655")
	contains(t, q.press(keyOf(t, r.Text, "octobre")), "deja la")
	q.walk("1", "2", "5")
	if r := q.press("1"); !r.End {
		t.Fatalf("it goes on: %s", r.Text)
	}
	if s := b.last(); b.versions() != 2 || s.Answers["REU"] != "5" || query[string](b, `select coalesce(corrects::text, '') from submission where id = $1`, s.ID) != first.ID {
		t.Errorf("kept %+v", s)
	}
}

func TestALeaderOfTwoGroupsIsAskedWhichAndEachAsksItsOwn(t *testing.T) {
	b := village(t)
	p := b.phone(second)
	p.dial("")
	contains(t, p.walk("1", "3"), "Quel groupe")
	p.walk("2", "7391", "1", "24", "4", "24000", "42000")
	p.walk("10")
	contains(t, p.press("11"), "0 a 10") // no more late loans than loans
	p.walk("2", "1", "1")
	if r := p.press("1"); !r.End {
		t.Fatalf("it goes on: %s", r.Text)
	}
	if s := b.last(); s.Group != "SEL2" || s.Answers["PRE"] != "10" || s.Answers["RET"] != "2" || s.Answers["LAI"] != "" {
		t.Errorf("kept %+v", s)
	}
}

func TestSoonAfterAnOrdinaryRunTheNextDialSaysThatItArrived(t *testing.T) {
	type run struct {
		name string
		keys []string
		said bool
	}
	for _, test := range []run{
		{"an opinion", []string{"1", "107", "3", "2", "1", "1", "mots"}, true},
		{"an ordinary tension", []string{"2", "1", "Lafia", "2", "1", "1", "3", "2", "puits"}, true},
		{"one for the peace team", []string{"2", "5", "Lafia", "2", "1", "1", "3", "puits"}, false},
		{"a confidential call", []string{"9", "1", "1", "2", "3", "1"}, false},
		{"words for the focal points", []string{"1", "107", "3", "2", "1", "1", "une femme a ete battue"}, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			b := village(t)
			p := b.phone(anna)
			p.dial("")
			p.press("1")
			last := p.walk(test.keys...)
			if !last.End {
				t.Fatalf("it goes on:\n%s", last.Text)
			}
			b.pass(9 * time.Minute)
			r := p.dial("")
			if got := strings.Contains(r.Text, "Message bien recu"); got != test.said {
				t.Errorf("told: %v\n%s", got, r.Text)
			}
			if test.said && strings.Contains(last.Text, "Votre code") {
				lacks(t, r.Text, reference(t, last.Text))
			}
			b.pass(time.Minute)
			lacks(t, p.dial("").Text, "Message bien recu") // the dial between was another session
			p.dial("")
			p.walk(test.keys...)
			b.pass(11 * time.Minute)
			lacks(t, p.dial("").Text, "Message bien recu")
		})
	}
}

func TestAReportTakenUpAgainAsksThePINFirstAndNoWayBackLeadsPastIt(t *testing.T) {
	for _, way := range [][]string{{"00"}, {"00", "00"}, {"00", "3"}, {"1111", "00"}} {
		b := village(t)
		p := b.phone(leader)
		p.dial("")
		p.walk("1", "3", "4821", "1", "24", "4")
		b.pass(3 * time.Hour)
		contains(t, p.dial(""), "1 Continuer")
		contains(t, p.press("1"), "code secret")
		r := p.walk(way...)
		for _, shown := range []string{"membres", "reunions", "Epargne", "quel mois"} {
			if strings.Contains(r.Text, shown) {
				t.Errorf("without her PIN, %q leads to\n%s", way, r.Text)
			}
		}
	}
	b := village(t)
	p := b.phone(leader)
	p.dial("")
	p.walk("1", "3", "4821", "1", "24", "4")
	b.pass(3 * time.Hour)
	p.dial("")
	contains(t, p.walk("1", "4821"), "Epargne")
	p.walk("24000", "42000", "310", "14", "1", "1")
	if r := p.press("1"); !r.End || b.figures(b.last()) != "MEM 24 REU 4 EPA 24000 LAI 310 BEU 14 REC 42000 EQU 1 PB 0" {
		t.Errorf("end %v, kept %+v", r.End, b.last())
	}
}

func TestAfterThreeMissesACallIsOfferedAndHerAnswersAreKept(t *testing.T) {
	b := village(t)
	p := b.phone(anna)
	p.dial("")
	p.walk("1", "1", "107", "3")
	p.walk("8", "8")
	contains(t, p.press("8"), "qu'on vous appelle")
	r := p.press("1")
	contains(t, r, "C'est note, on vous appellera")
	contains(t, r, "Tres mauvais")
	for range 3 {
		if again := p.send(b.c); again.Text != r.Text {
			t.Fatalf("again:\n%s", again.Text)
		}
	}
	b.flush() // the hop comes to a gateway that knows nothing
	p.send(b.c)
	if s := b.submissions(); len(s) != 1 || s[0].Answers["call"] != "yes" || s[0].Answers["at"] != "feedback/rating" || s[0].Project != "LAF1" {
		t.Fatalf("kept %+v", s)
	}
	if _, err := b.store.Number(context.Background(), b.ring.Pseudonym(anna).Bytes()); err != nil {
		t.Errorf("nobody could call back: %v", err)
	}
	last := p.walk("2", "1", "1", "mots")
	if s := b.submissions(); !last.End || len(s) != 2 || s[1].Answers["type"] != "P" || s[1].Answers["rating"] != "2" {
		t.Errorf("kept %+v", s)
	}
}

func TestNoCallIsOfferedInConfidenceNorBeforeHerLanguageIsKnown(t *testing.T) {
	b := village(t)
	p := b.phone(anna)
	p.dial("")
	for range 6 {
		lacks(t, p.press("8").Text, "appelle?")
	}
	p.walk("1", "9", "1")
	for range 6 {
		lacks(t, p.press("8").Text, "vous appelle?")
	}
	if n := len(b.submissions()); n != 0 {
		t.Errorf("%d kept", n)
	}
}

func TestErasingTakesTwoDifferentKeysAndThenNothingIsLeft(t *testing.T) {
	b := village(t)
	p := b.phone(anna)
	p.dial("")
	p.walk("1", "1", "107", "3", "2", "1", "1", "canari jaune")
	b.tell(anna, "le canari est casse")
	b.written()
	b.pass(time.Hour)
	p.dial("")
	contains(t, p.walk("7", "3"), "Effacer votre numero")
	r := p.press("1")
	contains(t, r, "3 Oui, effacer")
	contains(t, p.press("1"), "C'est note")
	if b.last().Text == "" {
		t.Fatal("the same key twice erased")
	}
	p.dial("")
	p.walk("7", "3", "1")
	b.written()
	last := p.press("3")
	if !last.End {
		t.Fatalf("it goes on: %s", last.Text)
	}
	contains(t, last, "tout est efface")
	if again := p.send(b.c); again.Text != last.Text {
		t.Errorf("again: %s", again.Text)
	}
	b.written()
	for _, s := range b.submissions() {
		if s.Text != "" {
			t.Errorf("her words are there: %+v", s)
		}
	}
	for _, q := range []string{
		`select count(*) from number where contact = $1`, `select count(*) from contact where id = $1`, `select count(*) from submission where contact = $1`,
		`select count(*) from wish where contact = $1`, `select count(*) from wish_event where contact = $1`,
		`select count(*) from draft where contact = $1 and sealed is not null`, `select count(*) from inbound where contact = $1 and sealed <> ''`,
	} {
		if n := query[int](b, q, b.ring.Pseudonym(anna).Bytes()); n != 0 {
			t.Errorf("%d left by %s", n, q)
		}
	}
	if _, err := b.store.Number(context.Background(), b.ring.Pseudonym(anna).Bytes()); !store.IsNotFound(err) {
		t.Errorf("her number: %v", err)
	}
	// She is new.
	b.pass(time.Minute)
	contains(t, p.dial(""), "Bamanankan")
}

func TestWhatWaitsToBeWrittenBehindDoesNotOutliveAnErasure(t *testing.T) {
	b := village(t)
	p := b.phone(anna)
	p.dial("")
	if last := p.walk("1", "7", "3", "1", "3"); !last.End { // faster than what is written behind
		t.Fatalf("it goes on: %s", last.Text)
	}
	b.written()
	for _, q := range []string{`select count(*) from contact where id = $1`, `select count(*) from draft where contact = $1 and sealed is not null`} {
		if n := query[int](b, q, b.ring.Pseudonym(anna).Bytes()); n != 0 {
			t.Errorf("%d left by %s", n, q)
		}
	}
	b.flush()
	b.gateway()
	contains(t, p.dial(""), "Bamanankan")
}

func TestOnSingleInputsAKeyThatComesTwiceLateCommitsNothing(t *testing.T) {
	b := village(t)
	for i, keys := range [][]string{
		{"1", "107", "1", "1", "1", "1"}, {"2", "1", "Lafia", "2", "1", "1", "1", "1"}, {"9", "1", "1", "1", "1"}, {"7", "3", "1"}, {"6"},
		{"3", "4821", "1", "24", "4", "24000", "42000", "310", "14", "1", "1"}, {"1", "107", "9"},
	} {
		number := fmt.Sprintf("+22370002%03d", i)
		if slices.Contains(keys, "4821") {
			number = leader
		}
		for at := range keys {
			p := b.phone(number)
			p.session = fmt.Sprint(i, "-", at)
			p.single("*384#", true)
			b.pass(3 * time.Second)
			if at == 0 && i < 5 || number == leader && at == 0 {
				p.single("1", false)
				b.pass(3 * time.Second)
			}
			if r := p.single("", false); strings.Contains(r.Text, "Continuer") {
				p.single("2", false)
				b.pass(3 * time.Second)
			}
			before, secret := len(b.submissions()), b.confidential()
			for _, k := range keys[:at+1] {
				p.single(k, false)
				b.pass(3 * time.Second)
			}
			p.single(keys[at], false) // late: taken for a second press
			b.pass(3 * time.Second)
			if n := len(b.submissions()) - before + b.confidential() - secret; n != 0 {
				t.Errorf("%v and %q again: %d kept", keys[:at+1], keys[at], n)
			}
		}
	}
}
