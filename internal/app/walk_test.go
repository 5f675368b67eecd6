package app_test

import (
	"context"
	"fmt"
	"maps"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"lafia/flows"
	"lafia/gateway/message"
	"lafia/internal/flow"
	"lafia/internal/locale"
	"lafia/internal/programme"
	"lafia/internal/staff"
	"lafia/internal/store"
	"lafia/internal/vault"
	"lafia/locales"
)

// said is what a caller can read on a screen: the flows' questions, in the words
// of the languages.
type said struct {
	book  *flow.Book
	words *locale.Catalog
}

var readable = sync.OnceValues(func() (said, error) {
	words, err := locale.Load(locales.Files)
	if err != nil {
		return said{}, err
	}
	book, err := flow.Load(flows.Files)
	return said{book, words}, err
})

// walk is one conversation that somebody means to have.
type walk struct {
	kind     programme.Kind
	language string
	medium   message.Medium
	number   string
	pin      string
	group    string
	project  string // what she types for it
	list     bool   // she chooses the place from the lists, else writes its name
	text     string
	answers  map[string]string // by state: an option's value, or a number to type
	said     said
}

var languages = []string{"fr", "bm", "ses"} // 1 2 3 on the first screen (design.md 4)

var menuKey = map[programme.Kind]string{programme.Feedback: "1", programme.Tension: "2", programme.Progress: "3"}

// newWalk plans a conversation. The words hold accents, letters outside GSM-7,
// and the signs that USSD itself uses.
func newWalk(t testing.TB, kind programme.Kind, language string, medium message.Medium, number string) walk {
	t.Helper()
	s, err := readable()
	must(t, err)
	w := walk{kind: kind, language: language, medium: medium, number: number, said: s, project: "101", list: language == "fr"}
	if medium == message.SMS {
		w.project = "LAF1"
	}
	switch kind {
	case programme.Feedback:
		w.answers = map[string]string{"type": "P", "rating": "2", "cohesion": "together"}
		w.text = canaryWords + " *2* #1: la baratte est cassée à Lafia, dɛɛmɛ ŋ, kɔlɔn"
	case programme.Tension:
		w.answers = map[string]string{"type": "G2", "phase": "P2", "calm": "M1", "when": "U1", "trend": "same", "again": "no"}
		w.text = canaryWords + " l'eau du puits * 3 jours # on se fâche, ɲɔgɔn"
	case programme.Progress:
		w.answers = map[string]string{"MEM": "24", "REU": "4", "EPA": "24000", "REC": "42500", "EQU": "1", "PB": "3"}
	}
	return w
}

// added are figures of the activities: butter, savings, young people, bridges.
var added = map[string]string{"LAI": "310", "BEU": "14", "PRE": "6", "RET": "1", "JEU": "12", "FOR": "9", "GRP": "4", "ACT": "3"}

// lead makes the walk that of a leader.
func (w walk) lead(group, pin string) walk {
	w.group, w.pin = group, pin
	return w
}

func (w walk) folded(key string) string { return w.said.words.Words(w.language).Folded(key, nil) }

// shows reports whether a screen shows the words of a key, whatever stands in
// their places.
func (w walk) shows(s screen, key string) bool {
	const hole = "98989"
	args := map[string]string{}
	for _, name := range w.said.words.Placeholders(key) {
		args[name] = hole
	}
	rest := s.text
	for part := range strings.SplitSeq(w.said.words.Words(w.language).Folded(key, args), hole) {
		_, after, ok := strings.Cut(rest, part)
		if !ok {
			return false
		}
		rest = after
	}
	return true
}

// state finds the question that a screen asks: by its first option, else by its
// words.
func (w walk) state(s screen) (*flow.State, string) {
	if s.has("1 " + w.said.words.Words("fr").Fold("Français")) {
		return nil, "language"
	}
	if s.has("1 " + w.folded("menu.feedback")) {
		return nil, "menu"
	}
	if s.has("1 " + w.folded("resume.continue")) {
		return nil, "resume"
	}
	if s.has("1 "+w.folded("answer.yes")) && w.shows(s, "answer.ask") {
		return w.said.book.Flows["answer"].States["ask"], "answer"
	}
	f := w.said.book.Flows[string(w.kind)]
	if w.kind == programme.Progress && w.shows(s, "progress.pending") { // its words hold those of the confirm
		return f.States["pending"], "pending"
	}
	for name, st := range f.States {
		if (st.Kind == flow.KindChoice || st.Kind == flow.KindRating) && s.has("1 "+w.folded(st.Options[0].Say)) {
			return st, name
		}
	}
	for name, st := range f.States {
		ask := st.Ask
		if w.medium == message.SMS && st.AskSMS != "" {
			ask = st.AskSMS
		}
		if st.Kind != flow.KindChoice && st.Kind != flow.KindRating && w.shows(s, ask) {
			return st, name
		}
	}
	return nil, ""
}

// choose finds the key of an option on a screen, turning its pages.
func choose(c talk, s screen, label string) (string, screen, bool) {
	for range 9 {
		for line := range strings.SplitSeq(s.text, "\n") {
			if key, ok := strings.CutSuffix(line, " "+label); ok && regexp.MustCompile(`^\d+$`).MatchString(key) {
				return key, s, true
			}
		}
		if !strings.Contains(s.text, "\n99 ") && !strings.Contains(s.text, " 99 ") {
			break
		}
		s = c.say("99")
	}
	return "", s, false
}

// reply gives what she keys in on a screen.
func (w walk) reply(t testing.TB, c talk, s screen) string {
	t.Helper()
	st, name := w.state(s)
	option := func(label string) string {
		t.Helper()
		key, last, ok := choose(c, s, label)
		if !ok {
			t.Fatalf("%s %s %s: no option %q for %s on\n%s", w.kind, w.language, w.medium, label, name, last.text)
		}
		return key
	}
	switch name {
	case "language":
		for i, l := range languages {
			if l == w.language {
				return fmt.Sprint(i + 1)
			}
		}
	case "menu":
		return menuKey[w.kind]
	case "resume":
		return "1"
	case "":
		t.Fatalf("%s %s %s: a screen that no question of the flow is on:\n%s", w.kind, w.language, w.medium, s.text)
	}
	switch st.Kind {
	case flow.KindYesNo, flow.KindConfirm:
		switch {
		case name == "confirm":
			return "1"
		case w.answers[name] == "yes":
			return option(w.folded("answer.yes"))
		}
		return option(w.folded("answer.no"))
	case flow.KindChoice, flow.KindRating:
		switch { // somebody of her group has reported the month: she says her own figures
		case name == "again" && w.kind == programme.Progress:
			return option(w.folded("progress.correct"))
		case name == "which":
			return option(w.folded("progress.mem.short"))
		}
		want := w.answers[name]
		for _, o := range st.Options {
			if o.Value == want {
				return option(w.folded(o.Say))
			}
		}
	case flow.KindProject:
		return w.project
	case flow.KindPlace:
		if !w.list || w.medium == message.SMS {
			return "lafia"
		}
		if key, _, ok := choose(c, s, "Lafia"); ok {
			return key
		}
		return option("Tombouctou")
	case flow.KindGroup:
		return option("Groupe " + strings.TrimPrefix(w.group, "G-"))
	case flow.KindPending: // the demo's, not hers
		return option(w.folded("answer.no"))
	case flow.KindPIN:
		return w.pin
	case flow.KindMonth:
		return option(w.folded(fmt.Sprintf("month.%d", int(lastMonth().Month()))))
	case flow.KindNumber, flow.KindMoney:
		if w.answers[name] == "" { // what her group's activity adds
			w.answers[name] = added[name]
		}
		return w.answers[name]
	case flow.KindText:
		return w.text
	}
	t.Fatalf("%s %s %s: no answer to %s:\n%s", w.kind, w.language, w.medium, name, s.text)
	return ""
}

func lastMonth() time.Time {
	now := time.Now().UTC()
	return time.Date(now.Year(), now.Month()-1, 1, 0, 0, 0, 0, time.UTC)
}

// finished reports whether a screen is the last one of the walk.
func (w walk) finished(s screen) bool {
	if w.medium == message.SMS {
		return w.shows(s, "sms.ack") || w.shows(s, "progress.sms")
	}
	return s.end
}

// last tells whether the next input finishes the run.
func (w walk) last(s screen) bool {
	_, name := w.state(s)
	return name == "words" || name == "confirm"
}

// play walks until the last screen. between is called before every input; it may
// be nil.
func (w walk) play(t testing.TB, c talk, between func(s screen)) screen {
	t.Helper()
	s := c.begin()
	for range 60 {
		if w.finished(s) {
			return s
		}
		if between != nil {
			between(s)
		}
		s = c.say(w.reply(t, c, s))
	}
	t.Fatalf("%s %s %s does not end:\n%s", w.kind, w.language, w.medium, s.text)
	return s
}

// almost walks until the next input is the finishing one, and types it without
// sending it: for USSD.
func (w walk) almost(t testing.TB, p *phone) {
	t.Helper()
	c := ussd{p}
	s := c.begin()
	for range 60 {
		if w.last(s) {
			p.typed(w.reply(t, c, s))
			return
		}
		s = c.say(w.reply(t, c, s))
	}
	t.Fatalf("%s %s %s does not come to its last question:\n%s", w.kind, w.language, w.medium, s.text)
}

var referenceForm = regexp.MustCompile(`\b\d{4}-\d{4}\b`)

func reference(s screen) string { return referenceForm.FindString(s.text) }

// expected is what must be kept of the walk.
func (w walk) expected() programme.Submission {
	s := programme.Submission{
		Kind: w.kind, Level: programme.L1, Status: programme.New, Channel: channel, Medium: string(w.medium), Language: w.language,
		Place: "ML060504", Region: "ML06", Answers: maps.Clone(w.answers), Text: w.text, Confirmed: true,
	}
	switch w.kind {
	case programme.Feedback:
		s.Project = "LAF1"
	case programme.Progress:
		s.Group, s.Answers["month"] = w.group, lastMonth().Format("2006-01")
		s.Confirmed = w.medium != message.SMS
	}
	return s
}

// kept gives what the record holds of a phone, opened; and how many messages of
// the confidential table are hers.
func kept(t testing.TB, s *store.Store, ring *vault.Ring, number string) (list []programme.Submission, confidential int) {
	t.Helper()
	ctx := context.Background()
	contact := ring.Pseudonym(number).Bytes()
	rows, err := s.Pool().Query(ctx, `select id::text from submission where contact = $1 and not synthetic order by n`, contact)
	must(t, err)
	var ids []string
	for rows.Next() {
		var id string
		must(t, rows.Scan(&id))
		ids = append(ids, id)
	}
	must(t, rows.Err())
	for _, id := range ids {
		r, err := s.SubmissionByID(ctx, staff.ScopeOf(staff.Administrator, nil), id)
		must(t, err)
		sub := r.Submission
		if r.Sealed != nil {
			b, err := ring.Open(r.Sealed, "submission/"+sub.ID)
			must(t, err)
			sub.Text = string(b)
		}
		list = append(list, sub)
	}
	must(t, s.Pool().QueryRow(ctx, `select count(*) from confidential where contact = $1`, contact).Scan(&confidential))
	return list, confidential
}

// check compares what is kept with what was said, and gives it.
func (w walk) check(t testing.TB, s *store.Store, ring *vault.Ring, ref string) programme.Submission {
	t.Helper()
	list, confidential := kept(t, s, ring, w.number)
	if len(list) != 1 || confidential != 0 {
		t.Fatalf("%s %s %s: %d submissions and %d confidential ones are kept, want one", w.kind, w.language, w.medium, len(list), confidential)
	}
	got, want := list[0], w.expected()
	if w.kind == programme.Progress {
		want.Place, want.Region, want.Project = got.Place, got.Region, got.Project // of the group, which staff know
		if got.Region == "" || got.Project == "" {
			t.Errorf("a report without its group's region and project: %+v", got)
		}
	}
	for code, v := range added { // of another leader's report, which hers corrects
		if want.Answers[code] == "" && got.Answers[code] == v && want.Kind == programme.Progress {
			want.Answers[code] = v
		}
	}
	same := got.Kind == want.Kind && got.Level == want.Level && got.Status == want.Status && got.Channel == want.Channel && got.Medium == want.Medium &&
		got.Language == want.Language && got.Project == want.Project && got.Place == want.Place && got.Region == want.Region && got.Group == want.Group &&
		maps.Equal(got.Answers, want.Answers) && got.Text == want.Text && got.Confirmed == want.Confirmed && !got.Altered && !got.Partial && !got.Synthetic
	if !same {
		t.Fatalf("kept\n%+v\nwant\n%+v", got, want)
	}
	if ref == "" || got.Reference.String() != ref {
		t.Fatalf("the last screen gave the reference %q, the row has %s", ref, got.Reference)
	}
	if d := time.Since(got.ReceivedAt); d < 0 || d > 5*time.Minute {
		t.Errorf("received %v ago", d)
	}
	return got
}

// asks dials or writes 4 and a reference, and wants a status.
func (w walk) asks(t testing.TB, c talk, ref string, want programme.Status) {
	t.Helper()
	s := c.begin()
	for range 3 {
		if _, name := w.state(s); name == "menu" {
			break
		}
		s = c.say(w.reply(t, c, s))
	}
	if s = c.say("4"); !w.shows(s, "reference.ask") {
		t.Fatalf("4 in the menu shows\n%s", s.text)
	}
	s = c.say(strings.ReplaceAll(ref, "-", ""))
	if !strings.Contains(s.text, ref) || !strings.Contains(s.text, w.folded("status."+string(want))) {
		t.Fatalf("the status by phone of %s, want %s:\n%s", ref, want, s.text)
	}
}
