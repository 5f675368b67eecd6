package conversation_test

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"lafia/flows"
	"lafia/internal/conversation"
	"lafia/internal/flow"
	"lafia/internal/locale"
	"lafia/internal/programme"
	"lafia/internal/staff"
	"lafia/internal/store/storetest"
	"lafia/locales"
)

const (
	dialled = "*384#"
	second  = "+22370000003" // leads PRA1 and SEL2
)

// village is a bench with more places, more projects, and a channel that says
// its code: a butter group, a savings group, and a leader of two groups.
func village(t *testing.T) *bench {
	t.Helper()
	b := newBench(t)
	ctx := context.Background()
	places := []programme.Place{
		{PCode: "ML07", Level: 1, Name: "Gao"}, {PCode: "ML0702", Level: 2, Name: "Bourem", Parent: "ML07"},
		{PCode: "ML070201", Level: 3, Name: "Bourem Inaly", Parent: "ML0702"},
		{PCode: "ML0602", Level: 2, Name: "Goundam", Parent: "ML06"}, {PCode: "ML060201", Level: 3, Name: "Goundam", Parent: "ML0602"},
	}
	for i := range 22 {
		places = append(places, programme.Place{PCode: fmt.Sprintf("ML0602%02d", i+10), Level: 3, Name: fmt.Sprintf("Kel %c", 'A'+i), Parent: "ML0602"})
	}
	must(t, b.store.PutPlaces(ctx, "test", places))
	must(t, b.store.PutProjects(ctx, []programme.Project{
		{Code: "LAF1", Dial: "107", Name: "Beurre: barattes et bidons", Place: "ML060504", Region: "ML06", Phase: 1, Kind: "butter"},
		{Code: "BOU2", Dial: "215", Name: "Petits prets", Place: "ML070201", Region: "ML07", Phase: 2, Kind: "capital"},
	}, false))
	for _, g := range []string{"PRA1", "SEL2"} {
		must(t, b.store.PutGroup(ctx, programme.Group{Code: g, Name: "Groupe " + g, Project: "BOU2", Place: "ML070201", Region: "ML07"},
			b.ring.Pseudonym(second).Bytes(), b.ring.PINHash(g, "7391"), false))
	}
	b.gateway()
	return b
}

// gateway starts a conversation that knows the village.
func (b *bench) gateway() {
	b.t.Helper()
	words, err := locale.Load(locales.Files)
	must(b.t, err)
	book, err := flow.Load(flows.Files)
	must(b.t, err)
	c := conversation.New(conversation.Options{
		Ring: b.ring, Sessions: b.sess, Store: b.store, Book: book, Words: words, Now: b.time,
		Log: slog.New(slog.DiscardHandler), Example: "107", HelpNumber: func(string) string { return "80333" },
		Channel: func(string) conversation.Channel { return conversation.Channel{Dial: dialled} },
	})
	must(b.t, c.Start(context.Background()))
	b.t.Cleanup(c.Stop)
	b.c = c
}

// tell sends one SMS, handles it, and gives its reply: "" for silence.
func (b *bench) tell(number, text string) string {
	b.t.Helper()
	before := len(b.handleAll())
	b.pass(time.Second)
	b.sms(number, fmt.Sprint(number, b.time().UnixNano()), text)
	after := b.handleAll()
	if len(after) > before+1 {
		b.t.Fatalf("%q got %d replies", text, len(after)-before)
	}
	return strings.Join(after[before:], "")
}

// talk sends one SMS after the other, and gives the last reply.
func (b *bench) talk(number string, texts ...string) (reply string) {
	b.t.Helper()
	for _, text := range texts {
		reply = b.tell(number, text)
	}
	return reply
}

func (b *bench) has(reply string, parts ...string) {
	b.t.Helper()
	for _, part := range parts {
		if !strings.Contains(reply, part) {
			b.t.Fatalf("%q is not in %q", part, reply)
		}
	}
}

// confidential counts what only focal points may read.
func (b *bench) confidential() int {
	b.t.Helper()
	rows, err := b.store.ConfidentialNewest(context.Background(), staff.Scope{Levels: []programme.Level{programme.L3}}, 50)
	must(b.t, err)
	return len(rows)
}

// last is the newest submission.
func (b *bench) last() programme.Submission {
	b.t.Helper()
	all := b.submissions()
	if len(all) == 0 {
		b.t.Fatal("nothing was kept")
	}
	return all[len(all)-1]
}

func (b *bench) wished(number, purpose string) string {
	b.t.Helper()
	given, known, err := b.store.Wished(context.Background(), b.ring.Pseudonym(number).Bytes(), purpose)
	must(b.t, err)
	switch {
	case !known:
		return ""
	case given:
		return "yes"
	}
	return "no"
}

// query reads one value of the record.
func query[T any](b *bench, sql string, args ...any) (v T) {
	b.t.Helper()
	must(b.t, b.store.Pool().QueryRow(context.Background(), sql, args...).Scan(&v))
	return v
}

func TestSeveralAnswersInOneMessageGoOnFromWhereSheIs(t *testing.T) {
	b := village(t)
	french := func(number string) { b.talk(number, "langue francais") }
	for i, test := range []struct {
		before []string
		text   string
		want   string // of the reply
	}{
		{nil, "1 LAF1 3 5 1", "Langue"},
		{[]string{"menu"}, "1 1 LAF1 3", "Tres mauvais"},
		{[]string{"langue francais"}, "1 LAF1 3 5 1", "Peut-on vous repondre"},
		{[]string{"langue francais"}, "1#LAF1#3#5#1", "Peut-on vous repondre"},
		{[]string{"langue francais"}, "*1*LAF1*3#", "Tres mauvais"},
		{[]string{"langue francais", "1", "107"}, "2 5 2", "Peut-on vous repondre"},
		{[]string{"langue francais", "1", "107"}, "2#5#2", "Peut-on vous repondre"},
		{[]string{"langue francais", "1", "107"}, "2 9 2", "numero de la liste"}, // from the slip on she is asked
		{[]string{"langue francais", "1", "107", "2", "5", "2", "1"}, "2 5 2", "Merci"},
	} {
		number := fmt.Sprintf("+2237000%04d", 100+i)
		b.talk(number, test.before...)
		if got := b.tell(number, test.text); !strings.Contains(got, test.want) {
			t.Errorf("after %q, %q got %q, want %q", test.before, test.text, got, test.want)
		}
	}
	if s := b.submissions(); len(s) != 1 || s[0].Text != "2 5 2" || s[0].Answers["rating"] != "5" {
		t.Errorf("kept %+v", s)
	}
	// The answers that came before her language was known wait for it.
	b.has(b.tell("+22370000100", "1"), "Peut-on vous repondre")
	french("+22370000200")
}

func TestACommandIsDoneWhereverSheIsAndLeavesHerThere(t *testing.T) {
	b := village(t)
	for i, test := range []struct{ text, want string }{
		{"STOP", "plus de nouvelles"}, {"arret", "plus de nouvelles"}, {"stop rappels", "plus de nouvelles"}, {"START", "Pour arreter"},
		{"aide", "RAPPEL"}, {"DEME", "RAPPEL"}, {"?", "RAPPEL"}, {"EFFACER", "7 jours"}, {"effcer", "7 jours"}, {"garder", "rien n'est efface"},
		{"Garder", "rien n'est efface"}, {"bip", "Merci, message bien recu"},
		{"CONFIDENTIEL", "Merci, message bien recu"}, {"confidentiel: on me menace", "Merci, message bien recu"},
	} {
		for _, language := range []string{"", "langue francais"} {
			number := fmt.Sprintf("+22371%06d", 1000+2*i+len(language)%2)
			if language != "" {
				b.tell(number, language)
			}
			if got := b.tell(number, test.text); !strings.Contains(got, test.want) {
				t.Errorf("%q from nothing got %q", test.text, got)
			}
		}
		number := fmt.Sprintf("+22372%06d", 1000+i)
		b.talk(number, "langue francais", "1", "107", "3")
		if got := b.tell(number, test.text); !strings.Contains(got, test.want) {
			t.Errorf("%q in the middle got %q", test.text, got)
		}
		if got := b.tell(number, "2"); !strings.Contains(got, "entre les gens") {
			t.Errorf("after %q she was not where she was: %q", test.text, got)
		}
	}
}

func TestStopIsOfWhatSheSaysAndWhatSheWritesThenIsStillAnswered(t *testing.T) {
	b := village(t)
	for i, test := range []struct{ text, want string }{
		{"STOP", "broadcast reminder"}, {"stop info", "broadcast"}, {"STOP les rappels", "reminder"}, {"stop reponse", "answer"},
		{"stop tout", "broadcast reminder answer"}, {"dabila", "broadcast reminder"}, {"kayandi", "broadcast reminder"},
	} {
		number := fmt.Sprintf("+22373%06d", i)
		b.tell(number, test.text)
		var got []string
		for _, p := range []string{"broadcast", "reminder", "answer"} {
			if b.wished(number, p) == "no" {
				got = append(got, p)
			}
		}
		if strings.Join(got, " ") != test.want {
			t.Errorf("%q stops %q, want %q", test.text, got, test.want)
		}
		b.has(b.tell(number, "le moulin est gate depuis lundi"), "Merci, message bien recu")
		b.tell(number, "START")
		if b.wished(number, "broadcast") != "yes" || b.wished(number, "reminder") != "yes" {
			t.Errorf("after START: %q %q", b.wished(number, "broadcast"), b.wished(number, "reminder"))
		}
	}
	if n := len(b.submissions()); n != 7 {
		t.Errorf("%d kept", n)
	}
}

func TestAProjectsCodeAloneBeginsAndWithWordsIsKeptWithThem(t *testing.T) {
	b := village(t)
	for i, test := range []struct{ text, reply, project string }{
		{"LAF1", "C'est:", ""}, {"laf1", "C'est:", ""}, {"laf 1", "C'est:", ""}, {"LAF-1", "C'est:", ""}, {"LAFI", "C'est:", ""}, {"LAG1", "C'est:", ""},
		{"LAF1 le moulin est gate", "Merci, message bien recu", "LAF1"}, {"le projet BOU2 ne paie pas", "Merci, message bien recu", "BOU2"},
		{"ZZZ9 le moulin est gate", "Merci, message bien recu", "none"},
	} {
		number := fmt.Sprintf("+22374%06d", i)
		before := len(b.submissions())
		if got := b.tell(number, test.text); !strings.Contains(got, test.reply) {
			t.Errorf("%q got %q", test.text, got)
		}
		if test.project == "" {
			continue
		}
		want := strings.TrimSuffix(test.project, "none")
		if len(b.submissions()) != before+1 || b.last().Project != want || b.last().Text != test.text {
			t.Errorf("%q kept as %+v", test.text, b.last())
		}
	}
}

func TestAReferenceByItselfOrAfterItsWordTellsItsStatusToItsPhoneAlone(t *testing.T) {
	b := village(t)
	ref := reference(t, b.tell(anna, "le moulin est gate depuis lundi"))
	b.tell(anna, "langue francais")
	b.tell(second, "langue francais")
	for _, text := range []string{"suivi " + ref, "SUIVI: " + strings.ReplaceAll(ref, "-", ""), ref, strings.ReplaceAll(ref, "-", ""), "code " + ref} {
		b.has(b.tell(anna, text), ref, "bien recu")
		if got := b.tell(second, text); strings.Contains(got, "bien recu") || strings.Contains(got, ref) {
			t.Errorf("another phone sent %q and got %q", text, got)
		}
		b.tell(second, "menu")
	}
	b.has(b.tell(anna, "suivi"), "code de suivi")
	b.has(b.tell(anna, ref), "bien recu")
	if n := len(b.submissions()); n != 1 {
		t.Errorf("%d kept", n)
	}
}

func TestOperatorsTextsAreNotAnsweredAndNotKeptAsHers(t *testing.T) {
	b := village(t)
	for _, text := range []string{
		"Messagerie Vocale: vous avez 1 nouveau message", "Promo Orange! 100% de bonus sur toute recharge, valable jusqu'a minuit. Composez *123#",
		"Cher client, votre forfait expire demain",
	} {
		if got := b.tell(anna, text); got != "" {
			t.Errorf("%q was answered: %q", text, got)
		}
	}
	if n := len(b.submissions()) + b.confidential(); n != 0 {
		t.Errorf("%d kept", n)
	}
	if n := query[int](b, `select count(*) from unreadable`); n != 3 {
		t.Errorf("%d kept as they are", n)
	}
}

func TestWhatIsConfidentialGetsTheSameAckAsAllElse(t *testing.T) {
	b := village(t)
	shape := func(s string) string {
		return strings.Map(func(r rune) rune {
			if r >= '0' && r <= '9' {
				return '0'
			}
			return r
		}, s)
	}
	b.tell(anna, "langue francais")
	plain := shape(b.tell(anna, "le moulin est gate depuis lundi"))
	for i, text := range []string{"une femme a ete battue ici", "CONFIDENTIEL", "confidentiel mon mari me frappe", "gundo", "le chef demande de l'argent pour donner l'aide"} {
		for j, before := range [][]string{{"langue francais"}, {"langue francais", "menu"}, {"langue francais", "1", "107", "3"}} {
			number := fmt.Sprintf("+22375%06d", 10*i+j)
			b.talk(number, before...)
			n := b.confidential()
			if got := shape(b.tell(number, text)); got != plain {
				t.Errorf("after %q, %q got %q, not %q", before, text, got, plain)
			}
			if b.confidential() != n+1 {
				t.Errorf("after %q, %q is not for the focal points", before, text)
			}
		}
	}
	if n := len(b.submissions()); n != 1 {
		t.Errorf("%d are where the team reads", n)
	}
}

func TestNineAtTheMenuBySMSIsForTheFocalPoints(t *testing.T) {
	b := village(t)
	b.talk(anna, "langue francais", "menu")
	b.has(b.tell(anna, "9"), "Merci, message bien recu")
	if b.confidential() != 1 {
		t.Error("it is not for the focal points")
	}
}

func TestWordsAtAQuestionThatTakesNoneAreKept(t *testing.T) {
	b := village(t)
	for i, test := range []struct {
		where  string
		before []string
	}{
		{"a menu", []string{"menu"}}, {"a choice", []string{"1", "107"}}, {"a reference", []string{"suivi"}},
	} {
		number := fmt.Sprintf("+22376%06d", i)
		b.talk(number, append([]string{"langue francais"}, test.before...)...)
		n := len(b.submissions())
		b.tell(number, "notre puits est a sec aussi")
		if len(b.submissions()) != n+1 {
			t.Errorf("at %s her words are lost", test.where)
		}
	}
}

func TestWordsAtTheQuestionForAProjectAreKept(t *testing.T) {
	b := village(t)
	b.talk(anna, "langue francais", "1")
	b.has(b.tell(anna, "notre puits est a sec aussi"), "Merci, message bien recu")
	b.has(b.tell(anna, "LAF1"), "C'est:")
	if s := b.submissions(); len(s) != 1 || s[0].Text != "notre puits est a sec aussi" {
		t.Errorf("kept %+v", s)
	}
}

func TestAProjectsCodeAtTheMenuBeginsAsItDoesFromNothing(t *testing.T) {
	b := village(t)
	for _, code := range []string{"LAF1", "laf 1", "BOU2"} {
		b.has(b.talk(anna, "langue francais", "menu", code), "C'est:")
	}
}

func TestTheWordThatTheHelpNamesForACallIsOne(t *testing.T) {
	b := village(t)
	b.has(b.tell(anna, "aide"), "RAPPEL")
	b.has(b.tell(anna, "RAPPEL"), "Merci, message bien recu")
	if b.last().Answers["call"] != "yes" {
		t.Errorf("kept %+v", b.last())
	}
}

func TestAPlaceBySMSIsTakenAsItIsWritten(t *testing.T) {
	b := village(t)
	for i, test := range []struct{ text, place string }{
		{"Lafia", "ML060504"}, {"tombouctou", "ML060506"}, {"Tombouctu", "ML060506"}, {"GONDAM", "ML060201"}, {"bourem inali", "ML070201"},
		{"boureminaly", "ML070201"}, {"un campement sans nom", ""},
	} {
		number := fmt.Sprintf("+22377%06d", i)
		b.talk(number, "langue francais", "2", "1", test.text, "2", "1", "1", "3", "2", "on se dispute pour le puits")
		s := b.last()
		if s.Kind != programme.Tension || s.Place != test.place || test.place == "" && !strings.Contains(s.Text, test.text) {
			t.Errorf("%q kept as %+v", test.text, s)
		}
	}
}

func TestAMessageThatIsHandledTwiceGetsTheSameReplyOnce(t *testing.T) {
	b := village(t)
	for _, text := range []string{"STOP", "EFFACER", "GARDER", "LAF1", "3", "notre puits est a sec", "suivi", "menu", "9", "rap laf1 mem 24", "langue", "bip"} {
		reply := b.tell(anna, text)
		ids, err := storetest.Unhandled(context.Background(), b.store)
		must(t, err)
		if len(ids) != 0 {
			t.Fatalf("%d wait", len(ids))
		}
		before, n := len(b.handleAll()), len(b.submissions())
		id := query[string](b, `select id::text from inbound order by n desc limit 1`)
		must(t, b.c.Handle(context.Background(), id))
		if after := b.handleAll(); len(after) != before || after[len(after)-1] != reply || len(b.submissions()) != n {
			t.Errorf("%q again: %d replies, then %d", text, before, len(after))
		}
	}
}

// A number of eight digits is a reference in one case of ten by its check digit
// alone, and people write theirs.
func TestWhatSheSaysBesideATensionLosesNothingOfIt(t *testing.T) {
	number := ""
	for i := 76123450; number == ""; i++ {
		if _, ok := programme.ParseReference(fmt.Sprint(i)); ok {
			number = fmt.Sprint(i)
		}
	}
	b := village(t)
	for i, text := range []string{number, "suivi", "langue", "bonjour"} {
		who := fmt.Sprintf("+22378%06d", i)
		b.talk(who, "langue francais", "2", "1", "Lafia", "2", "1", "1", "3", "2", text) // at the question for words
	}
	b.written()
	b.pass(26 * time.Hour)
	_, err := b.c.Expire(context.Background())
	must(t, err)
	if n := len(b.submissions()); n != 4 {
		t.Errorf("of four tensions %d are kept", n)
	}
}

func TestALineThatNamesAGroupThatIsNotHersIsNotReportedForHers(t *testing.T) {
	b := village(t)
	b.tell(leader, "RAP BOU2 octobre MEM 24 REU 4") // LAF1 is hers
	if s := b.last(); s.Kind == programme.Progress && s.Project == "LAF1" {
		t.Errorf("kept as %+v", s)
	}
}
