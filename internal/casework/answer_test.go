package casework

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"lafia/internal/audit"
	"lafia/internal/locale"
	"lafia/internal/programme"
	"lafia/internal/screen"
	"lafia/internal/staff"
	"lafia/internal/store"
	"lafia/internal/store/storetest"
	"lafia/locales"
)

// phones gives the desk telephones that speak as the languages do.
func (b *bench) phones(t *testing.T, dial string) {
	t.Helper()
	words, err := locale.Load(locales.Files)
	if err != nil {
		t.Fatal(err)
	}
	p := &Phones{
		Say:  func(tag, key string, args map[string]string) string { return words.Words(tag).Folded(key, args) },
		Dial: func(string) string { return dial },
		Measure: func(tag, text string) Measure {
			encoding, units, parts, pages, _ := screen.Measure(text, words.Words(tag), "ussd", true)
			return Measure{GSM7: encoding == "gsm7", Units: units, Pages: pages, Parts: parts}
		},
	}
	for _, w := range locale.Banned {
		p.Banned = append(p.Banned, strings.Fields(w.Words)...)
	}
	b.Desk.phones = p
}

// sent gives what is queued by way of answers, opened.
func (b *bench) sent(t *testing.T) []string {
	t.Helper()
	all, err := storetest.Outbound(t.Context(), b.store)
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, o := range all {
		p, err := b.ring.Open(o.Sealed, "outbound/"+o.ID)
		if err != nil || o.Class != "reply" || o.Purpose != "answer" || o.Channel != "demo" {
			t.Fatalf("%+v, %v", o, err)
		}
		out = append(out, string(p))
	}
	return out
}

const notice = "Il y a une reponse a votre message. Composez *384*1# puis 4, quand vous etes tranquille."

func TestWhatGoesBySMSFollowsTheLevelAndWhatSheAgreedTo(t *testing.T) {
	const words = "Le puits sera réparé jeudi."
	const folded = "Le puits sera réparé jeudi." // é is of the alphabet of telephones
	l1, l2 := programme.Submission{Region: "ML06"}, programme.Submission{Region: "ML06", Level: programme.L2, Kind: programme.Tension}
	yes, no := true, false
	for _, c := range []struct {
		name    string
		message programme.Submission
		given   *bool
		kept    time.Duration
		dial    string
		chosen  SMS
		plan    Plan
		sent    []string
	}{
		{"L1 that agreed gets the words", l1, &yes, time.Hour, "*384*1#", NoSMS, Plan{May: []SMS{WordsBy, NoticeBy}}, []string{folded}},
		{"L1 that agreed gets a notice where staff choose so", l1, &yes, time.Hour, "*384*1#", NoticeBy, Plan{May: []SMS{WordsBy, NoticeBy}}, []string{notice}},
		{"L2 that agreed gets a notice", l2, &yes, time.Hour, "*384*1#", NoSMS, Plan{May: []SMS{NoticeBy}}, []string{notice}},
		{"L2 gets nothing where nothing can be dialled", l2, &yes, time.Hour, "", NoSMS, Plan{Why: NoChannel}, nil},
		{"L1 gets the words there", l1, &yes, time.Hour, "", NoSMS, Plan{May: []SMS{WordsBy}}, []string{folded}},
		{"who was never asked gets nothing", l1, nil, time.Hour, "*384*1#", NoSMS, Plan{Why: NeverAsked}, nil},
		{"who said no gets nothing", l1, &no, time.Hour, "*384*1#", NoSMS, Plan{Why: Declined}, nil},
		{"whose number is over gets nothing", l1, &yes, -time.Second, "*384*1#", NoSMS, Plan{Why: NotKept}, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := newBench(t)
			b.phones(t, c.dial)
			b.keep(t, b.now.Add(c.kept))
			if c.given != nil {
				b.wish(t, "answer", *c.given)
			}
			id, who := b.submit(t, c.message), b.account(t, staff.Peace, "ML06")
			r, err := b.Read(t.Context(), who.Scope(), id)
			if err != nil || !slices.Equal(r.Plan.May, c.plan.May) || r.Plan.Why != c.plan.Why {
				t.Fatalf("plan %+v, %v", r.Plan, err)
			}
			a := Answering{ID: strings.ToUpper(id), Text: words, SMS: c.chosen, Once: "1"}
			for i, want := range []bool{false, true} { // a form that is sent twice
				if already, err := b.Answer(t.Context(), who, a); err != nil || already != want {
					t.Fatalf("time %d: already %v, %v", i+1, already, err)
				}
			}
			if got := b.sent(t); !slices.Equal(got, c.sent) {
				t.Errorf("sent %q", got)
			}
			r, err = b.Read(t.Context(), who.Scope(), id)
			if err != nil || r.Status != programme.Answered || len(r.Given) != 1 || r.Given[0].Text != words || r.Given[0].StaffID != who.ID || !r.Given[0].ReadAt.IsZero() {
				t.Fatalf("%+v, %v", r, err)
			}
			if queued := r.Given[0].Delivery == "queued"; queued != (len(c.sent) > 0) {
				t.Errorf("delivery %q", r.Given[0].Delivery)
			}
			if len(r.Events) != 1 || !r.Events[0].Answered || r.Events[0].Confirms() || r.Events[0].From != programme.New || r.Events[0].To != programme.Answered {
				t.Errorf("events %+v", r.Events)
			}
		})
	}
}

func TestAnAnswerIsReadOnHerPhoneAndTheRecordSaysSo(t *testing.T) {
	b := newBench(t)
	id, who := b.submit(t, programme.Submission{}), b.account(t, staff.Coordinator)
	for _, text := range []string{"Une première réponse.", "Une deuxième."} {
		if _, err := b.Answer(t.Context(), who, Answering{ID: id, Text: text, Once: "1"}); err != nil {
			t.Fatal(err)
		}
	}
	of, sealed, err := b.store.AnswerTo(t.Context(), make([]byte, 32), "48271936")
	if err != nil || of != id {
		t.Fatal(of, err)
	}
	// As the conversation opens it.
	if words, err := b.ring.Open(sealed, "answer/"+id); err != nil || string(words) != "Une deuxième." {
		t.Errorf("%q, %v", words, err)
	}
	r, err := b.Read(t.Context(), who.Scope(), id)
	if err != nil || len(r.Given) != 2 || !r.Given[0].ReadAt.IsZero() || r.Given[1].ReadAt.IsZero() {
		t.Errorf("%+v, %v", r.Given, err)
	}
	r, err = b.Read(t.Context(), staff.ScopeOf(staff.Viewer, nil).By("test"), id)
	if err != nil || len(r.Given) != 2 || r.Given[0].Text != "" || r.Given[0].State != TextWithheld || r.Consent.Known || len(r.Plan.May) > 0 {
		t.Errorf("a viewer reads %+v, %v", r.Given, err)
	}
	if n := count(t, b, `select count(*)::int from answer where position('deux'::bytea in sealed) > 0`); n != 0 {
		t.Error("an answer lies there readable")
	}
}

func TestTwoWhoSendTheSameFormAtOnceGiveOneAnswer(t *testing.T) {
	b := newBench(t)
	b.phones(t, "*384*1#")
	b.keep(t, b.now.Add(time.Hour))
	b.wish(t, "answer", true)
	id, who := b.submit(t, programme.Submission{}), b.account(t, staff.Officer)
	done := make(chan error)
	for range 4 {
		go func() {
			_, err := b.Answer(t.Context(), who, Answering{ID: id, Text: "Oui.", Once: "x"})
			done <- err
		}()
	}
	for range 4 {
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
	if len(b.sent(t)) != 1 || count(t, b, `select count(*)::int from answer`) != 1 || count(t, b, `select count(*)::int from submission_event`) != 1 {
		t.Error("it is there more than once")
	}
}

func TestWordsThatShouldNotGoBySMSAreToldBeforeTheyGo(t *testing.T) {
	b := newBench(t)
	b.phones(t, "*384*1#")
	b.keep(t, b.now.Add(time.Hour))
	b.wish(t, "answer", true)
	b.exec(t, `insert into place (pcode, level, name, gazetteer) values ('ML060504', 3, 'Bourem Inaly', 'cod-ab-2021')`)
	id, who := b.submit(t, programme.Submission{}), b.account(t, staff.Officer)
	b.exec(t, `update submission set place = 'ML060504'`)
	a := Answering{ID: id, Text: "Votre plainte à Bourem : l'AMSS paie 5000 F, et la Police vient. La paix !", Once: "1"}
	p, err := b.Preview(t.Context(), who, a)
	if want := []string{"plainte", "Bourem", "AMSS", "5000", "Police", "paix"}; err != nil || !slices.Equal(p.Banned, want) {
		t.Errorf("%q, %v", p.Banned, err)
	}
	var words *WordsError
	if _, err := b.Answer(t.Context(), who, a); !errors.As(err, &words) || strings.Contains(err.Error(), "Police") || count(t, b, `select count(*)::int from answer`) != 0 {
		t.Errorf("%v", err)
	}
	// A notice has no words of hers, and who has seen them may send them.
	a.SMS = NoticeBy
	if p, err := b.Preview(t.Context(), who, a); err != nil || len(p.Banned) > 0 || p.Sent != notice {
		t.Errorf("%+v, %v", p, err)
	}
	a.SMS, a.Warned = WordsBy, true
	if _, err := b.Answer(t.Context(), who, a); err != nil || len(b.sent(t)) != 1 {
		t.Error(err)
	}
}

func TestAPreviewMeasuresWhatThePhoneShowsAndKeepsNothing(t *testing.T) {
	b := newBench(t)
	b.phones(t, "*384*1#")
	b.keep(t, b.now.Add(time.Hour))
	b.wish(t, "answer", true)
	id, who := b.submit(t, programme.Submission{}), b.account(t, staff.Officer)
	for _, c := range []struct {
		text         string
		gsm7         bool
		pages, parts int
	}{
		{"Oui.", true, 1, 1},
		{strings.Repeat("abcdefghi ", 30)[:299], true, 2, 2},
		{"L’œuvre « à côté » est finie…", true, 1, 1},
		{"Пожалуйста", false, 1, 1},
	} {
		p, err := b.Preview(t.Context(), who, Answering{ID: id, Text: c.text})
		if err != nil || p.Screen.GSM7 != c.gsm7 || p.Screen.Pages != c.pages || p.Parts.Parts != c.parts {
			t.Errorf("%q: %+v, %v", c.text, p, err)
		}
	}
	if n := count(t, b, `select count(*)::int from answer`) + len(b.sent(t)); n != 0 {
		t.Error("something is kept")
	}
}

func TestARefusedAnswerKeepsNothing(t *testing.T) {
	b := newBench(t)
	b.phones(t, "*384*1#")
	here, foreign := b.submit(t, programme.Submission{Region: "ML06"}), b.submit(t, programme.Submission{Region: "ML07"})
	l2 := b.submit(t, programme.Submission{Region: "ML06", Level: programme.L2})
	officer := b.account(t, staff.Officer, "ML06")
	for name, c := range map[string]struct {
		who  staff.Account
		a    Answering
		want error
	}{
		"of a viewer":         {b.account(t, staff.Viewer), Answering{ID: here, Text: "x"}, ErrNotFound},
		"of a focal point":    {b.account(t, staff.Protection), Answering{ID: here, Text: "x"}, ErrNotFound},
		"of a translator":     {b.account(t, staff.Translator), Answering{ID: here, Text: "x"}, ErrNotFound},
		"of a foreign region": {officer, Answering{ID: foreign, Text: "x"}, ErrNotFound},
		"above her level":     {officer, Answering{ID: l2, Text: "x"}, ErrNotFound},
		"without words":       {officer, Answering{ID: here, Text: " \r\n"}, ErrNoAnswer},
		"too long":            {officer, Answering{ID: here, Text: strings.Repeat("é", AnswerMost+1)}, ErrAnswerLong},
		"by what may not go":  {officer, Answering{ID: here, Text: "x", SMS: WordsBy}, ErrPlanChanged},
	} {
		if _, err := b.Answer(t.Context(), c.who, c.a); !errors.Is(err, c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if n := count(t, b, `select count(*)::int from answer`) + count(t, b, `select count(*)::int from submission_event`) + len(b.sent(t)); n != 0 {
		t.Error("something is kept")
	}
	// A level that was raised since she looked: the words stay here.
	if _, err := b.store.PutAnswer(t.Context(), staff.ScopeOf(staff.Coordinator, nil), store.NewAnswer{
		ID: here, SubmissionID: l2, StaffID: officer.ID, Level: programme.L1, Sealed: []byte{1},
	}, b.now, b.act(officer.ID, audit.MessageAnswer, l2)); !errors.Is(err, store.ErrMoved) {
		t.Errorf("%v", err)
	}
}
