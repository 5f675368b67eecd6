package flow_test

import (
	"fmt"
	"io/fs"
	"strings"
	"testing"

	"lafia/flows"
	"lafia/internal/flow"
)

// Whatever a flow file says, reading it does not panic, and what is accepted can
// be walked: every screen says something and leads on.
func FuzzAFlowFile(f *testing.F) {
	files, err := fs.Glob(flows.Files, "*.toml")
	if err != nil {
		f.Fatal(err)
	}
	rest := map[string]string{}
	for _, name := range files {
		b, err := fs.ReadFile(flows.Files, name)
		if err != nil {
			f.Fatal(err)
		}
		rest[name] = string(b)
		f.Add(string(b), "1 1 2 x 9")
	}
	f.Add("name = \"help\"\nstart = \"a\"\n[state.a]\nkind = \"number\"\nask = \"x\"\nsave = \"n\"\nnext = \"a\"\nmin = 0\nmax = 9\n", "5 5 5")
	f.Add("name = \"help\"\nstart = \"a\"\n[state.a]\nkind = \"branch\"\nnext = \"a\"\ncase = [{ if = \"ordinary\", next = \"a\" }]\n", "1")
	f.Add("name = \"help\"\nstart = \"a\"\nkind = \"x\"\nlevel = \"L1\"\n[state.a]\nkind = \"say\"\nask = \"x\"\nnext = \"b\"\n[state.b]\nkind = \"pin\"\nask = \"y\"\nnext = \"a\"\n", "1 4821 1")
	f.Add("name = \"help\"\nstart = \"a\"\n[state.a]\nkind = \"yesno\"\nask = \"x\"\nyes = \"a\"\nno = \"a\"\ndo = \"erase\"\nconsent = \"answer\"\nonce = true\nnext = \"a\"", "1 2")
	f.Fuzz(func(t *testing.T, text, keys string) {
		content := map[string]string{}
		for name, b := range rest {
			content[name] = b
		}
		// The file takes the place of the flow that it names.
		name, _, _ := strings.Cut(strings.TrimPrefix(text[strings.Index(text, "name")+1:], "ame"), "\n")
		for file := range rest {
			if flowName := strings.TrimSuffix(file, ".toml"); strings.Contains(name, flowName) {
				delete(content, file)
			}
		}
		content["fuzzed.toml"] = text
		b, err := flow.Parse(content)
		if err != nil {
			if err.Error() == "" {
				t.Error("it is refused without a word")
			}
			return
		}
		for _, flowName := range []string{"help", "main", "feedback", "tension", "progress", "reference", "choices", "confidential", "answer"} {
			if b.Flows[flowName] != nil {
				_, _ = b.Graph(flowName)
				_ = b.Answers(flowName)
			}
		}
		for flowName := range b.Flows {
			for _, medium := range []string{"ussd", "sms"} {
				w := &walk{t: t, b: b, env: flow.Env{Medium: medium, Language: "fr", Enter: flowName}}
				w.act(flow.Action{Act: flow.Begin})
				for i, k := range strings.Fields(keys) {
					if len(w.res.Screen.Say) == 0 {
						t.Fatalf("an empty screen at %+v", w.cur)
					}
					if w.res.Screen.End() || i > 12 {
						break
					}
					w.press(k)
				}
				if b.State(w.cur) == nil {
					t.Fatalf("%s: she stands nowhere: %+v", fmt.Sprint(flowName), w.cur)
				}
				_ = b.Unfinished(w.cur)
				_ = b.LevelOf(w.cur)
				_ = b.Resume(w.cur, w.env)
			}
		}
	})
}
