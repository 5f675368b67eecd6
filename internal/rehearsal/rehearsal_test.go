package rehearsal

import (
	"encoding/csv"
	"io/fs"
	"os"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"lafia/flows"
	"lafia/internal/flow"
	"lafia/internal/locale"
	"lafia/internal/screen"
	"lafia/locales"
)

var day = time.Date(2026, 11, 5, 8, 0, 0, 0, time.UTC)

func stage(t *testing.T) (*flow.Book, *locale.Catalog, *World) {
	t.Helper()
	b, err := flow.Load(flows.Files)
	if err != nil {
		t.Fatal(err)
	}
	c, err := locale.Load(locales.Files)
	if err != nil {
		t.Fatal(err)
	}
	w, err := NewWorld(c, day)
	if err != nil {
		t.Fatal(err)
	}
	return b, c, w
}

// play types inputs one after the other, and gives the last page.
func play(t *testing.T, walk *Walk, inputs ...string) Page {
	t.Helper()
	p, err := walk.Begin()
	for _, in := range inputs {
		if err != nil {
			t.Fatal(err)
		}
		if p.Ends {
			t.Fatalf("it ended before %q: %s", in, p.Text)
		}
		p, err = walk.Input(in)
	}
	if err != nil {
		t.Fatal(err)
	}
	if p.Units > p.Limit {
		t.Errorf("%d of %d: %q", p.Units, p.Limit, p.Text)
	}
	return p
}

func TestAWalkEndsWithWhatTheGatewayWouldStore(t *testing.T) {
	b, c, w := stage(t)
	for _, test := range []struct {
		name             string
		walk             Walk
		inputs           []string
		kind, level, has string
		text             string
	}{
		{"feedback", Walk{Medium: "ussd", Language: "fr"}, []string{"1", "101", "3", "2", "3", "2", "le moulin"}, "feedback", "L1", "project=LAF1", "le moulin"},
		{"the language first", Walk{Medium: "ussd", Flow: "feedback"}, []string{"2", "LAF2", "1", "5", "1", "1", "9"}, "feedback", "L1", "project=LAF2", ""},
		{"by SMS", Walk{Medium: "sms", Language: "ses", Flow: "tension"}, []string{"2", "Lafia", "2", "1", "1", "3", "1", "eau"}, "tension", "L1", "place=ML060504", "eau"},
		{"an option raises the level", Walk{Medium: "ussd", Language: "bm", Flow: "tension"}, []string{"6", "Lafia", "2", "9", "1", "1", "9"}, "tension", "L2", "type=G6", ""},
		{"words raise it too", Walk{Medium: "ussd", Language: "fr", Flow: "tension"}, []string{"6", "Lafia", "2", "10", "1", "2", "des armes"}, "tension", "L3", "type=G6", "des armes"},
		{"confidential", Walk{Medium: "ussd", Language: "fr", Flow: "confidential"}, []string{"1", "1", "1", "3", "1"}, "confidential", "L3", "when=evening", ""},
		{"a report", Walk{Medium: "ussd", Language: "fr", Flow: "progress"}, []string{"2", "8042", "24", "4", "24mil", "60 000", "6", "1", "1", "1", "1"}, "progress", "L1", "EPA=24000", ""},
	} {
		walk := test.walk
		walk.Book, walk.Words, walk.World = b, c, w
		p := play(t, &walk, test.inputs...)
		if !p.Ends || walk.Submission == nil {
			t.Errorf("%s: nothing is submitted, the last screen is %q", test.name, p.Text)
			continue
		}
		s := walk.Submission
		name, value, _ := strings.Cut(test.has, "=")
		if s.Kind != test.kind || s.Level != test.level || s.Text != test.text || s.Answers[name] != value {
			t.Errorf("%s: got %+v", test.name, s)
		}
		if walk.Medium == "ussd" && s.Kind != "confidential" && !strings.Contains(p.Text, s.Reference.String()) {
			t.Errorf("%s: the reference %s is not on the screen: %q", test.name, s.Reference, p.Text)
		}
	}
}

func TestAWrongKeyABackKeyAndAPageKeyAreWhatTheyAreOnThePhone(t *testing.T) {
	b, c, w := stage(t)
	walk := &Walk{Book: b, Words: c, World: w, Medium: "ussd", Language: "fr"}
	if p := play(t, walk, "8"); !strings.HasPrefix(p.Text, "Tapez un numero") {
		t.Errorf("a wrong key shows %q", p.Text)
	}
	walk = &Walk{Book: b, Words: c, World: w, Medium: "ussd", Language: "fr", Flow: "tension"}
	first := play(t, walk, "1")
	second, err := walk.Input("99")
	if err != nil || first.Pages < 2 || second.Page != 2 || second.Text == first.Text {
		t.Errorf("99 shows page %d of %d, %v", second.Page, second.Pages, err)
	}
	if p, err := walk.Input("0"); err != nil || !strings.HasPrefix(p.Text, "C'est quoi") {
		t.Errorf("0 shows %q, %v", p.Text, err)
	}
	if p, err := walk.Input("00"); err != nil || !strings.HasPrefix(p.Text, "Choisissez") {
		t.Errorf("00 shows %q, %v", p.Text, err)
	}
}

func TestAFlowThatAMediumDoesNotHaveIsNotRehearsedThere(t *testing.T) {
	b, c, w := stage(t)
	walk := &Walk{Book: b, Words: c, World: w, Medium: "sms", Language: "fr", Flow: "confidential"}
	if p, err := walk.Begin(); err == nil {
		t.Errorf("the confidential flow began by SMS: %q", p.Text)
	}
}

func TestOurFlowsFitEveryPhone(t *testing.T) {
	b, c, w := stage(t)
	r, err := Check(b, c, w, DefaultPrice)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range r.Problems {
		t.Error(p)
	}
	if want := len(b.Flows) * len(c.Tags()); len(r.Rows) != want {
		t.Fatalf("%d rows, want %d", len(r.Rows), want)
	}
	for _, row := range r.Rows {
		shown := 0
		for _, s := range b.Flows[row.Flow].States {
			if s.Ask != "" {
				shown++
			}
		}
		if row.Screens != shown || row.Longest == 0 || row.Pages == 0 {
			t.Errorf("not all is walked: %+v, of %d states that are shown", row, shown)
		}
		if confidential := row.Flow == "confidential"; confidential != (row.Segments == 0) {
			t.Errorf("%s by SMS: %d segments", row.Flow, row.Segments)
		}
	}
}

// changed gives our flows or words with something replaced.
func changed(t *testing.T, fsys fs.FS, replace ...string) fstest.MapFS {
	t.Helper()
	out := fstest.MapFS{}
	r, found := strings.NewReplacer(replace...), false
	names, err := fs.Glob(fsys, "*.toml")
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range names {
		b, err := fs.ReadFile(fsys, n)
		if err != nil {
			t.Fatal(err)
		}
		text := r.Replace(string(b))
		found = found || text != string(b)
		out[n] = &fstest.MapFile{Data: []byte(text)}
	}
	if !found {
		t.Fatalf("%q changes nothing", replace)
	}
	return out
}

func TestWhatDoesNotFitOrIsNotSaidIsRefused(t *testing.T) {
	for _, test := range []struct {
		name         string
		flows, words []string
		want         string
	}{
		{"a long text", nil, []string{"Ecrivez votre message.", strings.Repeat("Ecrivez votre message. ", 30)}, "feedback.toml: flow feedback, state words: fr by ussd: 6 pages, and may take 3"},
		{"a long number screen", nil, []string{"Nombre de membres:", strings.Repeat("Nombre de membres ", 12) + ":"}, "progress.toml: flow progress, state MEM: fr by ussd: too long for the one page of a number"},
		{"words that are nowhere", []string{`"feedback.rating"`, `"feedback.ratings"`}, nil, `feedback.toml: flow feedback, state rating: no language has the words "feedback.ratings"`},
		{"a variable that nothing fills", []string{`"feedback.rating"`, `"reference.status"`}, nil, `state rating: the words "reference.status" want {{.reference}}`},
		{"nothing to choose", []string{`say = "confidential.number", next = "region", if = "help"`, `say = "confidential.number", next = "region", if = "callback"`}, nil, "confidential.toml: flow confidential, state what: by ussd there may be nothing to choose"},
	} {
		var flowFiles, wordFiles fs.FS = flows.Files, locales.Files
		if test.flows != nil {
			flowFiles = changed(t, flows.Files, test.flows...)
		}
		if test.words != nil {
			wordFiles = changed(t, locales.Files, test.words...)
		}
		b, err := flow.Load(flowFiles)
		if err != nil {
			t.Fatal(err)
		}
		c, err := locale.Load(wordFiles)
		if err != nil {
			t.Fatal(err)
		}
		w, err := NewWorld(c, day)
		if err != nil {
			t.Fatal(err)
		}
		r, err := Check(b, c, w, DefaultPrice)
		if err != nil {
			t.Fatal(err)
		}
		var all []string
		for _, p := range r.Problems {
			all = append(all, p.String())
		}
		if !strings.Contains(strings.Join(all, "\n"), test.want) {
			t.Errorf("%s: %q is not in:\n%s", test.name, test.want, strings.Join(all, "\n"))
		}
	}
}

func TestTheLongestValueStandsForEachVariable(t *testing.T) {
	b, c, w := stage(t)
	m := measure{report: &Report{}, book: b, words: c, said: map[string]bool{}, world: w}
	words := c.Words("fr")
	v := visit{flow: "progress", cursor: flow.Cursor{Flow: "progress", State: "pending"}}
	l := m.stretch(v, flow.Line{Key: "progress.pending", Args: map[string]string{"MEM": "3", "REU": "0", "EPA": "0", "REC": "0"}, Keys: map[string]string{"month": "month.5"}}, words)
	text := screen.Layout(flow.Screen{Say: []flow.Line{l}}, words, screen.SMS()).Text()
	if want := "septembre: 300 membres, 31 reunions, epargne 10 000 000 F CFA, recettes 20 000 000 F CFA. C'est juste?"; text != want || len(m.report.Problems) > 0 {
		t.Errorf("got %q, %v", text, m.report.Problems)
	}
	for _, test := range []struct {
		line flow.Line
		want string
	}{
		{flow.Line{Key: "confirm.money", Args: map[string]string{"value": "0", "value5": "0"}, Keys: map[string]string{"what": "progress.epa.short"}}, "Epargne: 10 000 000 F CFA (2 000 000 x 5)"},
		{flow.Line{Key: "confirm.item", Keys: map[string]string{"what": "progress.equ.short", "value": "progress.equ.good"}}, "Materiel: Perdu ou vole"},
	} {
		if got := screen.Layout(flow.Screen{Say: []flow.Line{m.stretch(v, test.line, words)}}, words, screen.SMS()).Text(); got != test.want {
			t.Errorf("got %q, want %q", got, test.want)
		}
	}
}

func TestTheProgrammeOfARehearsalIsTheDemos(t *testing.T) {
	read := func(name string) map[string][]string {
		f, err := os.Open("../demo/data/" + name)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		r := csv.NewReader(f)
		r.Comment = '#'
		rows, err := r.ReadAll()
		if err != nil {
			t.Fatal(err)
		}
		out := map[string][]string{}
		for _, row := range rows {
			out[row[0]] = row
		}
		return out
	}
	demo := read("projects.csv")
	for _, p := range projects {
		d := demo[p.Code]
		if len(d) < 6 || p.Dial != d[1] || p.Name != d[2] || p.Place != d[4] || p.Region != d[5] {
			t.Errorf("%+v is not the demo's %v", p, d)
		}
	}
	for code, d := range demo {
		if code != "code" && len(d[2]) > LongestName {
			t.Errorf("the name of %s is longer than screens are checked with", code)
		}
	}
	leaders := read("leaders.csv")
	for _, l := range leads {
		if d := leaders[l.group]; len(d) < 3 || d[2] != l.pin {
			t.Errorf("the leader of %s is not the demo's %v", l.group, d)
		}
	}
}
