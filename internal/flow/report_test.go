package flow_test

import (
	"encoding/xml"
	"errors"
	"io"
	"io/fs"
	"maps"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"lafia/flows"
	"lafia/internal/flow"
)

// files are our flows, with one file changed or added.
func files(t *testing.T, name, text string) fstest.MapFS {
	t.Helper()
	out := fstest.MapFS{}
	names, err := fs.Glob(flows.Files, "*.toml")
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range names {
		b, err := fs.ReadFile(flows.Files, n)
		if err != nil {
			t.Fatal(err)
		}
		out[n] = &fstest.MapFile{Data: b}
	}
	if name != "" {
		out[name] = &fstest.MapFile{Data: []byte(text)}
	}
	return out
}

func TestOurFlowsHaveNothingToMend(t *testing.T) {
	b, problems, err := flow.Check(flows.Files)
	if err != nil || b == nil || len(problems) > 0 {
		t.Fatalf("%v, %v", problems, err)
	}
	if b.File("tension") != "tension.toml" {
		t.Errorf("the tension flow stands in %q", b.File("tension"))
	}
}

func TestWhatACallerShouldNotMeetIsNamedWithItsPlace(t *testing.T) {
	feedback := func(old, new string) string {
		b, err := fs.ReadFile(flows.Files, "feedback.toml")
		if err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(string(b), old) {
			t.Fatalf("feedback.toml has no %q", old)
		}
		return strings.Replace(string(b), old, new, 1)
	}
	lone := "name = \"lone\"\nstart = \"a\"\n"
	for _, c := range []struct{ file, text, want string }{
		{"feedback.toml", feedback(`save    = "type"`, `save    = "ethnie"`), `feedback.toml: flow feedback, state type: it asks for what no flow may ask ("ethnie"`},
		{"feedback.toml", feedback(`save = "text"`, `save = "auteurs_du_vol"`), `state words: it asks for what no flow may ask ("auteurs"`},
		{"feedback.toml", feedback(`next    = "cohesion"`, `next    = "nowhere"`), `feedback.toml: flow feedback, state rating: it leads to "nowhere"`},
		{"feedback.toml", feedback(`{ value = "Q",`, `{ key = "0", value = "Q",`), "state type: option 0 takes the key away that goes back"},
		{"feedback.toml", feedback(`{ value = "Q",`, `{ if = "sunny", value = "Q",`), `option 1 is offered if "sunny", which nothing answers`},
		{"feedback.toml", feedback(`{ value = "Q",`, `{ level = "L9", value = "Q",`), `option 1 has the level "L9"`},
		{"feedback.toml", feedback(`skip = "9"`, `skip = "0"`), `state words: its skip "0" is the key that goes back`},
		{"feedback.toml", strings.Replace(feedback(`next = "done"`, `next = "rating"`), `{ value = "Q",`, `{ value = "Q", next = "done",`, 1), `state words: it can't be left`},
		{"feedback.toml", feedback(`[state.done]`, `[state.gone]`), `flow feedback: nothing leads to state "gone"`},
		{"feedback.toml", feedback(`start =`, `strat =`), `feedback.toml:6: no such key "strat"`},
		{"lone.toml", lone + "[state.a]\nkind = \"end\"\nask = \"done.thanks\"\n", "lone.toml: flow lone: no option of the main menu enters it"},
		{"lone.toml", lone + "kind = \"lone\"\nlevel = \"L1\"\n[state.a]\nkind = \"end\"\nask = \"x.y\"\n", `flow lone: it has the kind "lone", and no state submits`},
		{"lone.toml", lone + "[state.a]\nkind = \"text\"\nask = \"x.y\"\nsave = \"t\"\nnext = \"b\"\nmedia = [\"fax\"]\n[state.b]\nkind = \"end\"\nask = \"x.y\"\n", `state a: it has the medium "fax"`},
	} {
		_, problems, err := flow.Check(files(t, c.file, c.text))
		if err != nil {
			t.Fatal(err)
		}
		var all []string
		for _, p := range problems {
			all = append(all, p.String())
		}
		if !strings.Contains(strings.Join(all, "\n"), c.want) {
			t.Errorf("%q is not in:\n%s", c.want, strings.Join(all, "\n"))
		}
	}
	if _, _, err := flow.Check(fstest.MapFS{}); err == nil {
		t.Error("a folder without flows has nothing to mend")
	}
}

func TestAFlowThatAsksTooMuchIsRefused(t *testing.T) {
	b := strings.Builder{}
	b.WriteString("name = \"long\"\nkind = \"feedback\"\nlevel = \"L1\"\nstart = \"a\"\n")
	for i := range 7 {
		next := string(rune('a' + i + 1))
		b.WriteString("[state." + string(rune('a'+i)) + "]\nkind = \"text\"\nask = \"feedback.words\"\nsave = \"t" + next + "\"\nnext = \"" + next + "\"\n")
	}
	b.WriteString("[state.h]\nkind = \"submit\"\nask = \"done.thanks\"\n")
	_, problems, err := flow.Check(files(t, "long.toml", b.String()))
	if err != nil {
		t.Fatal(err)
	}
	if !slices.ContainsFunc(problems, func(p flow.Problem) bool {
		return strings.Contains(p.Text, "up to 7 answers to the end, and may take 6")
	}) {
		t.Errorf("got %v", problems)
	}
}

func TestTheLongestWayIsCountedWithoutTurningBack(t *testing.T) {
	b := book(t)
	for name, want := range map[string]int{"feedback": 6, "tension": 9, "progress": 14, "confidential": 5, "reference": 1, "answer": 1, "help": 1, "choices": 3, "none": 0} {
		if got := b.Answers(name); got != want {
			t.Errorf("%s takes %d answers, want %d", name, got, want)
		}
	}
}

func TestEveryFlowIsDrawnWithAllItsStatesAndWays(t *testing.T) {
	b := book(t)
	say := func(key string) string { return `<` + key + `> & "so"` }
	for _, name := range slices.Sorted(maps.Keys(b.Flows)) {
		g, ok := b.Graph(name)
		if !ok || len(g.Edges) == 0 {
			t.Fatalf("%s is not drawn", name)
		}
		svg := g.SVG(say)
		if err := wellFormed(svg); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		for _, want := range []string{`role="img"`, "<title", "<desc", "aria-labelledby"} {
			if !strings.Contains(svg, want) {
				t.Errorf("%s: the picture has no %s", name, want)
			}
		}
		if strings.Contains(svg, "NaN") || strings.Count(svg, "marker-end") != len(g.Edges) {
			t.Errorf("%s: %d ways are drawn, and there are %d", name, strings.Count(svg, "marker-end"), len(g.Edges))
		}
		for state := range b.Flows[name].States {
			for format, text := range map[string]string{"svg": svg, "mermaid": g.Mermaid(say), "dot": g.DOT(say)} {
				if !strings.Contains(text, state+" (") {
					t.Errorf("%s: the %s lacks state %s", name, format, state)
				}
			}
		}
		if svg != g.SVG(say) {
			t.Errorf("%s: the picture is another one each time", name)
		}
	}
	if _, ok := b.Graph("none"); ok {
		t.Error("a flow that there is not is drawn")
	}
}

func wellFormed(text string) error {
	d := xml.NewDecoder(strings.NewReader(text))
	for {
		if _, err := d.Token(); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
	}
}
