package conversation_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"lafia/internal/programme"
	"lafia/internal/store/storetest"
)

// care erases who is due, as the app does each minute.
func (b *bench) care() int {
	b.t.Helper()
	due, err := b.store.DueErasures(context.Background(), b.time(), 50)
	must(b.t, err)
	for _, contact := range due {
		must(b.t, b.store.Erase(context.Background(), contact, b.time()))
	}
	return len(due)
}

func TestAnErasureWaitsAnHourForAMessageThatMayCallItOff(t *testing.T) {
	b := village(t)
	b.has(b.tell(anna, "EFFACER"), "7 jours", "GARDER")
	b.written()
	b.pass(7*24*time.Hour + time.Minute)
	_, err := b.store.Pool().Exec(context.Background(), `insert into inbound (id, contact, channel, sealed, answerable, received_at) values (gen_random_uuid(), $1, 'at', '', true, $2)`,
		b.ring.Pseudonym(anna).Bytes(), b.time())
	must(b.t, err)
	if b.care() != 0 {
		t.Fatal("she was erased before it was handled")
	}
	b.pass(time.Hour)
	if b.care() != 1 {
		t.Fatal("a message that is never handled keeps her from being erased")
	}
}

func TestErasingBySMSWaitsSevenDaysAndThenLeadsToNobody(t *testing.T) {
	b := village(t)
	b.talk(anna, "langue francais", "1", "107", "3", "2", "1", "1", "canari jaune")
	b.tell(anna, "le canari est casse")
	b.tell(anna, "une femme a ete battue")
	b.has(b.tell(anna, "EFFACER"), "7 jours", "GARDER")
	b.pass(3 * 24 * time.Hour)
	b.has(b.tell(anna, "EFFACER"), "7 jours") // again does not put it off
	b.written()
	b.pass(3*24*time.Hour + 23*time.Hour)
	if b.care() != 0 || b.last().Text == "" {
		t.Fatal("erased before the seventh day")
	}
	b.pass(2 * time.Hour)
	if b.care() != 1 {
		t.Fatal("not erased on the seventh day")
	}
	all := b.submissions()
	if len(all) != 2 || all[0].Answers["type"] != "P" {
		t.Fatalf("what she said is no longer counted: %+v", all)
	}
	for _, s := range all {
		if s.Text != "" {
			t.Errorf("her words are there: %+v", s)
		}
	}
	who := b.ring.Pseudonym(anna).Bytes()
	for _, q := range []string{
		`select count(*) from number where contact = $1`, `select count(*) from submission where contact = $1`,
		`select count(*) from contact where id = $1`, `select count(*) from wish where contact = $1`, `select count(*) from wish_event where contact = $1`,
		`select count(*) from draft where contact = $1 and sealed is not null`,
	} {
		if n := query[int](b, q, who); n != 0 {
			t.Errorf("%d left by %s", n, q)
		}
	}
	if b.confidential() != 1 {
		t.Error("what lies with the focal points is theirs to end")
	}
	if b.care() != 0 {
		t.Error("erased twice")
	}
	b.has(b.tell(anna, "le moulin est gate depuis lundi"), "Merci, message bien recu")
}

func TestGarderCallsAnErasureOffAndAYesOnThePhoneHastensIt(t *testing.T) {
	b := village(t)
	b.talk(anna, "le canari est casse", "EFFACER")
	b.has(b.tell(anna, "garder"), "rien n'est efface")
	b.pass(8 * 24 * time.Hour)
	if b.care() != 0 || b.last().Text == "" {
		t.Fatal("erased all the same")
	}
	b.tell(anna, "effacer")
	p := b.phone(anna)
	p.dial("")
	p.walk("1", "7", "3", "1", "3")
	if b.last().Text != "" {
		t.Error("her yes did not erase")
	}
	b.pass(8 * 24 * time.Hour)
	if b.care() != 0 {
		t.Error("erased again, when nobody asked")
	}
}

func TestANoOnThePhoneCallsAnErasureBySMSOff(t *testing.T) {
	b := village(t)
	b.talk(anna, "le canari est casse", "EFFACER")
	p := b.phone(anna)
	p.dial("")
	p.walk("1", "7", "3", "1", "1") // no, keep
	b.pass(8 * 24 * time.Hour)
	if b.care() != 0 {
		t.Error("erased all the same")
	}
}

func TestGarderWithASlipOrAThankYouKeeps(t *testing.T) {
	b := village(t)
	for i, text := range []string{"GARDE", "garder svp", "Gardez", "garder merci", "gader", "garder tout"} {
		number := fmt.Sprintf("+22370004%03d", i)
		b.talk(number, "le canari est casse", "EFFACER", text)
		if is, err := b.store.Erasing(context.Background(), b.ring.Pseudonym(number).Bytes()); err != nil || is {
			t.Errorf("%q: what she wants to keep will be erased, %v", text, err)
		}
	}
}

// asked is a tension that she may be asked about again, told 14 days ago.
func asked(t *testing.T) *bench {
	b := village(t)
	p := b.phone(anna)
	p.dial("")
	if r := p.walk("1", "2", "1", "Lafia", "2", "1", "1", "3", "1", "on se dispute"); !r.End {
		t.Fatalf("it goes on: %s", r.Text)
	}
	if b.wished(anna, "followup") != "yes" {
		t.Fatal("she is not known to agree")
	}
	b.pass(13*24*time.Hour + 23*time.Hour)
	b.again(0)
	b.pass(2 * time.Hour)
	return b
}

// again sends what is due, and wants so many.
func (b *bench) again(want int) {
	b.t.Helper()
	n, err := b.c.AskAgain(context.Background())
	must(b.t, err)
	if n != want {
		b.t.Fatalf("%d follow-ups, want %d", n, want)
	}
}

func (b *bench) outbound() []string {
	b.t.Helper()
	out, err := storetest.Outbound(context.Background(), b.store)
	must(b.t, err)
	var texts []string
	for _, o := range out {
		if len(o.Sealed) == 0 { // of one who was erased
			texts = append(texts, "")
			continue
		}
		text, err := b.c.OpenReply(o.ID, o.Sealed)
		must(b.t, err)
		texts = append(texts, text)
	}
	return texts
}

func TestAfterFourteenDaysSheIsAskedOnceAndADigitOrAYesAnswers(t *testing.T) {
	for text, want := range map[string]string{"1": "better", "2": "same", "3": "worse", "oui": "better", "3.": "worse", "Oui merci": "better"} {
		t.Run(text, func(t *testing.T) {
			b := asked(t)
			b.again(1)
			b.again(0)
			if texts := b.outbound(); len(texts) != 1 || !strings.Contains(texts[0], "1 Oui 2 Pareil 3 Moins bien") {
				t.Fatalf("sent %q", texts)
			}
			b.pass(2 * time.Hour)
			b.has(b.tell(anna, text), "Merci. A bientot")
			if got := query[string](b, `select said from followup`); got != want {
				t.Errorf("kept %q, want %q", got, want)
			}
			if n := len(b.submissions()); n != 1 {
				t.Errorf("%d kept", n)
			}
			b.has(b.tell(anna, "1"), "1 Avis") // the next is for the menu again
		})
	}
}

func TestADigitAnswersAFollowupEvenWhereAnOlderQuestionWaits(t *testing.T) {
	b := asked(t)
	b.talk(anna, "menu", "1", "107") // "C'est: 1 Une question ..."
	b.pass(time.Hour)
	b.again(1)
	b.pass(time.Hour)
	b.has(b.tell(anna, "2"), "Merci. A bientot")
	if got := query[string](b, `select said from followup`); got != "same" {
		t.Errorf("kept %q", got)
	}
	b.has(b.tell(anna, "3"), "Tres mauvais") // and her question waits still
}

func TestWordsAfterAFollowupAreKeptAndItWaitsOn(t *testing.T) {
	b := asked(t)
	b.again(1)
	b.has(b.tell(anna, "oui mais le puits est sec"), "Merci, message bien recu")
	b.has(b.tell(anna, "3"), "A bientot")
	if got := query[string](b, `select said from followup`); got != "worse" {
		t.Errorf("kept %q", got)
	}
	b.pass(15 * 24 * time.Hour)
}

func TestNobodyIsAskedAgainWhoSaidNoOrWhoseCaseIsNotOrdinary(t *testing.T) {
	for name, keys := range map[string][]string{
		"no":              {"1", "2", "1", "Lafia", "2", "1", "1", "3", "2", "on se dispute"},
		"L2":              {"1", "2", "5", "Lafia", "2", "1", "1", "3", "on a vole les betes"},
		"focal":           {"1", "2", "1", "Lafia", "2", "1", "1", "3", "1", "une femme a ete battue"},
		"settled already": {"1", "2", "1", "Lafia", "6", "1", "1", "c'est regle"},
	} {
		t.Run(name, func(t *testing.T) {
			b := village(t)
			p := b.phone(anna)
			p.dial("")
			if r := p.walk(keys...); !r.End {
				t.Fatalf("it goes on: %s", r.Text)
			}
			b.pass(15 * 24 * time.Hour)
			b.again(0)
		})
	}
}

func TestStopOfAllStopsTheFollowupToo(t *testing.T) {
	for _, text := range []string{"STOP", "stop tout"} {
		b := asked(t)
		b.tell(anna, text)
		n, err := b.c.AskAgain(context.Background())
		must(t, err)
		if n != 0 {
			t.Errorf("after %q she is asked all the same", text)
		}
	}
}

func TestAnErasedCallerIsNotAskedAgain(t *testing.T) {
	b := asked(t)
	p := b.phone(anna)
	p.dial("")
	p.walk("7", "3", "1", "3")
	b.again(0)
}

func TestAFollowupOfTwoTensionsAsksOnceForEach(t *testing.T) {
	b := village(t)
	p := b.phone(anna)
	p.dial("")
	p.walk("1", "2", "1", "Lafia", "2", "1", "1", "3", "1", "un")
	p.dial("")
	p.walk("2", "2", "Lafia", "2", "1", "1", "3", "1", "deux")
	b.pass(15 * 24 * time.Hour)
	b.again(2)
	b.again(0)
	b.talk(anna, "1", "3")
	if n := query[int](b, `select count(*) from followup where said <> ''`); n != 2 {
		t.Errorf("%d answered", n)
	}
	for _, s := range b.submissions() {
		if s.Kind != programme.Tension {
			t.Errorf("kept %+v", s)
		}
	}
}
