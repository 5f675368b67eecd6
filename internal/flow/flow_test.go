package flow_test

import (
	"encoding/json"
	"strings"
	"testing"

	"lafia/flows"
	"lafia/internal/flow"
)

func book(t *testing.T) *flow.Book {
	t.Helper()
	b, err := flow.Load(flows.Files)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// world answers needs as a small programme would.
func world(n flow.Need) flow.Fact {
	item := func(v string) flow.Item { return flow.Item{Value: v, Say: flow.Line{Text: v}} }
	switch n.Kind {
	case flow.NeedLanguages:
		return flow.Fact{Items: []flow.Item{item("fr"), item("bm"), item("ses")}}
	case flow.NeedProject:
		if n.Arg == "LAF1" || n.Arg == "107" {
			return flow.Fact{OK: true, Items: []flow.Item{item("LAF1")}}
		}
		return flow.Fact{Args: map[string]string{"example": "107"}}
	case flow.NeedPlaces:
		if n.Arg == "" {
			return flow.Fact{Items: []flow.Item{{Value: "ML0605", Say: flow.Line{Text: "Tombouctou"}, Open: true}}}
		}
		return flow.Fact{Items: []flow.Item{item("ML060504"), item("ML060506")}}
	case flow.NeedPlace:
		if n.Arg == "Lafia" {
			return flow.Fact{Items: []flow.Item{item("ML060504")}}
		}
		return flow.Fact{}
	case flow.NeedGroups:
		return flow.Fact{Items: []flow.Item{item("G1")}}
	case flow.NeedPIN:
		return flow.Fact{OK: n.Arg == "G1/4821"}
	case flow.NeedMonths:
		return flow.Fact{Items: []flow.Item{{Value: "2026-10", Say: flow.Line{Key: "month.10"}}, {Value: "2026-09", Say: flow.Line{Key: "month.9"}}}}
	case flow.NeedReference:
		return flow.Fact{OK: n.Arg == "48271936", Items: []flow.Item{{Value: "new", Say: flow.Line{Key: "status.new"}}}, Args: map[string]string{"reference": "4827-1936"}}
	case flow.NeedHelp:
		return flow.Fact{OK: true, Args: map[string]string{"number": "80333"}}
	case flow.NeedCallback:
		return flow.Fact{OK: true}
	case flow.NeedActivity:
		return flow.Fact{Args: map[string]string{"butter": "yes"}}
	}
	return flow.Fact{}
}

type walk struct {
	t   *testing.T
	b   *flow.Book
	cur flow.Cursor
	env flow.Env
	res flow.Result
}

// act takes one action, serialising the cursor on the way: what survives only in
// memory would be lost in production.
func (w *walk) act(a flow.Action) flow.Result {
	w.t.Helper()
	raw, err := json.Marshal(w.cur)
	if err != nil {
		w.t.Fatal(err)
	}
	var c flow.Cursor
	if err := json.Unmarshal(raw, &c); err != nil {
		w.t.Fatal(err)
	}
	facts := flow.Facts{}
	for range 12 {
		w.res = w.b.Step(c, a, w.env, facts)
		if len(w.res.Missing) == 0 {
			break
		}
		for _, n := range w.res.Missing {
			facts[n] = world(n)
		}
	}
	if len(w.res.Missing) > 0 {
		w.t.Fatalf("after twelve rounds it still needs %v", w.res.Missing)
	}
	w.cur = w.res.Cursor
	for _, e := range w.res.Effects {
		if e.Kind == flow.Language {
			w.env.Language = e.Language
		}
	}
	return w.res
}

// press answers the screen she is on: the key of an option, or typed text.
func (w *walk) press(s string) flow.Result {
	w.t.Helper()
	for _, o := range w.res.Screen.Options {
		if o.Key == s {
			return w.act(flow.Action{Act: flow.Chose, Value: o.Value, Key: o.Key, Level: o.Level})
		}
	}
	switch {
	case w.res.Screen.Input == flow.InputChoice:
		return w.act(flow.Action{Act: flow.Wrong})
	case s == "<":
		return w.act(flow.Action{Act: flow.Back})
	}
	return w.act(flow.Action{Act: flow.Typed, Text: s})
}

func start(t *testing.T, medium, language string) *walk {
	w := &walk{t: t, b: book(t), env: flow.Env{Medium: medium, Language: language}}
	w.act(flow.Action{Act: flow.Begin})
	return w
}

func TestConversationsSubmitWhatWasAnswered(t *testing.T) {
	for _, c := range []struct {
		name, medium, keys string
		want               flow.Submission
	}{
		{"feedback", "ussd", "1 107 3 2 1 1 ca_va",
			flow.Submission{Kind: "feedback", Level: "L1", Text: "ca_va", Answers: map[string]string{"project": "LAF1", "type": "P", "rating": "2", "cohesion": "together"}}},
		{"feedback without words", "sms", "1 LAF1 1 5 3 2 9",
			flow.Submission{Kind: "feedback", Level: "L1", Answers: map[string]string{"project": "LAF1", "type": "Q", "rating": "5", "cohesion": "divides"}}},
		{"tension by list", "ussd", "2 5 1 1 3 1 1 2 mots",
			flow.Submission{Kind: "tension", Level: "L2", Text: "mots", Answers: map[string]string{"type": "G5", "place": "ML060504", "phase": "P3", "when": "U1", "trend": "same", "calm": "M1"}}},
		{"a tension that is settled, by name", "ussd", "2 1 Lafia 6 9 3 9",
			flow.Submission{Kind: "tension", Level: "L1", Answers: map[string]string{"type": "G1", "place": "ML060504", "phase": "P0", "calm": "M0", "when": "U3"}}},
		{"tension at a place that no list has", "sms", "2 1 nulle_part 1 10 1 1 1 mots",
			flow.Submission{Kind: "tension", Level: "L1", Text: "nulle_part\nmots", Answers: map[string]string{"type": "G1", "place": "", "phase": "P1", "when": "U1", "trend": "up", "calm": "M9", "again": "yes"}}},
		{"progress with PIN", "ussd", "3 4821 1 24 4 24000 42.000 20 1,7 1 1 1 1",
			flow.Submission{Kind: "progress", Level: "L1", Answers: map[string]string{"group": "G1", "month": "2026-10", "MEM": "24", "REU": "4", "EPA": "24000", "REC": "42000", "LAI": "20", "BEU": "1.7", "BEU_sure": "yes", "EQU": "1", "PB": "0"}}},
		{"progress by SMS asks no PIN", "sms", "3 2 24 0 1 24mil 42000f 310 14 4 9 1",
			flow.Submission{Kind: "progress", Level: "L2", Answers: map[string]string{"group": "G1", "month": "2026-09", "MEM": "24", "REU": "0", "REU_sure": "yes", "EPA": "24000", "REC": "42000", "LAI": "310", "BEU": "14", "EQU": "4", "PB": "8"}}},
		{"confidential", "ussd", "9 1 1 1 2 1",
			flow.Submission{Kind: "confidential", Level: "L3", Answers: map[string]string{"who": "woman", "day": "soon", "when": "noon"}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := start(t, c.medium, "fr")
			for _, k := range strings.Fields(c.keys) {
				if w.res.Screen.End() {
					t.Fatalf("the conversation ended before %q", k)
				}
				w.press(k)
			}
			var got *flow.Submission
			for _, e := range w.res.Effects {
				if e.Kind == flow.Submit {
					got = e.Submit
				}
			}
			if got == nil || !w.res.Screen.End() {
				t.Fatalf("nothing was submitted; the screen is %+v", w.res.Screen)
			}
			delete(got.Answers, "confirmed")
			g, _ := json.Marshal(got)
			want, _ := json.Marshal(c.want)
			if string(g) != string(want) {
				t.Errorf("got  %s\nwant %s", g, want)
			}
		})
	}
}

func TestFirstContactChoosesTheLanguage(t *testing.T) {
	w := start(t, "ussd", "")
	if w.cur.State != "language" || len(w.res.Screen.Options) != 3 {
		t.Fatalf("first screen: %+v", w.res.Screen)
	}
	if r := w.press("2"); !r.Has(flow.Language) || w.cur.State != "menu" {
		t.Fatalf("after choosing: %+v", r)
	}
}

func TestAWrongKeyRepeatsTheScreenWithAHint(t *testing.T) {
	w := start(t, "ussd", "fr")
	before := w.res.Screen
	r := w.press("8")
	if r.Screen.Hint.Key != "hint.key" || len(r.Screen.Options) != len(before.Options) {
		t.Fatalf("screen: %+v", r.Screen)
	}
}

func TestBackTakesTheAnswerBack(t *testing.T) {
	w := start(t, "ussd", "fr")
	for _, k := range []string{"2", "5", "Lafia"} {
		w.press(k)
	}
	w.act(flow.Action{Act: flow.Back})
	if w.cur.State != "place" || w.cur.Answers["place"] != "" {
		t.Fatalf("after back: %+v", w.cur)
	}
	w.act(flow.Action{Act: flow.Back})
	if w.cur.State != "type" || w.cur.Level != "" || len(w.cur.Answers) != 0 {
		t.Fatalf("after back twice: %+v", w.cur)
	}
	w.act(flow.Action{Act: flow.Back})
	if w.cur.Flow != flow.Main || !w.res.Has(flow.Left) {
		t.Fatalf("back from the first screen: %+v", w.cur)
	}
}

func TestThePINIsInNothingThatIsKept(t *testing.T) {
	w := start(t, "ussd", "fr")
	for _, k := range []string{"3", "4821", "1", "24"} {
		w.press(k)
		raw, _ := json.Marshal(w.res)
		if strings.Contains(string(raw), "4821") {
			t.Fatalf("after %q the PIN is in %s", k, raw)
		}
	}
}

func TestConfidentialIsNotOfferedBySMS(t *testing.T) {
	w := start(t, "sms", "fr")
	for _, o := range w.res.Screen.Options {
		if o.Key == "9" {
			t.Fatal("9 is offered")
		}
	}
	if r := w.press("9"); r.Has(flow.Entered) {
		t.Fatal("9 entered a flow")
	}
}

func TestNumbersAreReadAsPeopleWriteThem(t *testing.T) {
	for in, want := range map[string]int64{"24": 24, "24 000": 24000, "24.000": 24000, "0": 0, "24000": 24000,
		"24,5": -1, "24.5": -1, "": -1, "deux": -1, "-3": -1, "2 4": -1, "24000f": -1} {
		got, ok := flow.ParseNumberForTest(in)
		if !ok {
			got = -1
		}
		if got != want {
			t.Errorf("%q: %d, want %d", in, got, want)
		}
	}
	for in, want := range map[string]int64{"24000f": 24000, "24 000 F CFA": 24000, "24mil": 24000, "24 mille": 24000, "24.000": 24000, "24,5": -1, "f": -1} {
		got, ok := flow.ParseMoneyForTest(in)
		if !ok {
			got = -1
		}
		if got != want {
			t.Errorf("%q: %d, want %d", in, got, want)
		}
	}
}

func TestABookWithDeadEndsIsRefused(t *testing.T) {
	base := map[string]string{"main.toml": `name="main"
start="menu"
[state.language]
kind="language"
ask="a"
next="menu"
[state.menu]
kind="menu"
ask="a"
options=[{key="1",flow="x",say="a"}]
[state.resume]
kind="resume"
ask="a"
options=[{value="continue",say="a"},{value="restart",say="b"}]
`}
	for text, want := range map[string]string{
		"name=\"x\"\nstart=\"a\"\n[state.a]\nkind=\"text\"\nask=\"q\"\nsave=\"s\"\nnext=\"gone\"":                       `leads to "gone"`,
		"name=\"x\"\nstart=\"a\"\n[state.a]\nkind=\"end\"\nask=\"q\"\n[state.b]\nkind=\"end\"\nask=\"q\"":               `nothing leads to state "b"`,
		"name=\"x\"\nstart=\"a\"\n[state.a]\nkind=\"dance\"\nask=\"q\"":                                                 `no such kind`,
		"name=\"x\"\nstart=\"a\"\n[state.a]\nkind=\"say\"\nask=\"q\"\nwords=\"q\"":                                      `x.toml:6: no such key`,
		"name=\"x\"\nstart=\"a\"\n[state.a]\nkind=\"number\"\nask=\"q\"\nsave=\"s\"\nnext=\"a\"":                        `min and max`,
		"name=\"x\"\nstart=\"a\"\n[state.a]\nkind=\"submit\"\nask=\"q\"":                                                `kind and level`,
		"name=\"x\"\nstart=\"a\"\n[state.a]\nkind=\"choice\"\nask=\"q\"\nsave=\"s\"\noptions=[{value=\"1\",say=\"a\"}]": `leads nowhere`,
	} {
		files := map[string]string{"main.toml": base["main.toml"], "x.toml": text}
		if _, err := flow.Parse(files); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("want %q, got %v", want, err)
		}
	}
}

func FuzzNoInputLeavesACallerNowhere(f *testing.F) {
	f.Add("1 107 3 2 1 x", "ussd")
	f.Add("9 1 < 0 00 2 5 Lafia", "sms")
	b, err := flow.Load(flows.Files)
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, keys, medium string) {
		if medium != "sms" {
			medium = "ussd"
		}
		w := &walk{t: t, b: b, env: flow.Env{Medium: medium, Language: "fr"}}
		w.act(flow.Action{Act: flow.Begin})
		for i, k := range strings.Split(keys, " ") {
			if w.res.Screen.End() || i > 60 {
				return
			}
			w.press(k)
			if len(w.res.Screen.Say) == 0 {
				t.Fatalf("an empty screen at %+v", w.cur)
			}
		}
	})
}
