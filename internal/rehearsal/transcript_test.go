package rehearsal

import (
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"lafia/flows"
)

func TestOurFlowsDoWhatTheirTranscriptsTell(t *testing.T) {
	b, c, w := stage(t)
	out, err := Test(b, c, w, flows.Files)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range out.Failures {
		t.Error(f)
	}
	if out.ByHand < 150 || out.Generated < 500 || out.Screens < 5000 {
		t.Errorf("not all was played: %+v", out)
	}
}

func TestATranscriptIsWrittenAsItIsRead(t *testing.T) {
	err := fs.WalkDir(flows.Files, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(name, transcriptEnd) {
			return err
		}
		data, err := fs.ReadFile(flows.Files, name)
		if err != nil {
			return err
		}
		all, err := ParseTranscripts(name, data)
		if err != nil {
			return err
		}
		var parts []string
		for _, t := range all {
			parts = append(parts, t.String())
		}
		text := string(data)
		for strings.HasPrefix(text, "##") { // the remark of a generated file
			_, text, _ = strings.Cut(text, "\n")
		}
		if got := strings.Join(parts, "\n"); got != strings.TrimPrefix(text, "\n") {
			t.Errorf("%s is not written as it was read", name)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestAMistakeInATranscriptIsNamedWithItsLine(t *testing.T) {
	const head = "# feedback fr ussd: a test\n\n"
	for _, test := range []struct{ text, want string }{
		{"hello", `t:1: a conversation begins with a line like`},
		{"# feedback fr: a test", `t:1: a conversation begins with its flow, language, medium`},
		{"# feedback fr ussd:", `t:1: a conversation begins with its flow`},
		{"# feedback fr mms: a test", `t:1: the medium is ussd or sms, not "mms"`},
		{"# feedback fr ussd: a test\n= caller old\n", `t:2: "caller old" is no fact: behind caller stands one of: new, known, back`},
		{"# feedback fr ussd: a test\n= weather fine\n", `t:2: "weather fine" is no fact; there are: caller`},
		{"# feedback fr ussd: a test\n= today soon\n", `t:2: "today soon" is no fact: behind today stands a day`},
		{head + "Projet\n> 1\n", `t:4: the screen has no line like [fr ussd 118/160]`},
		{head + "Projet\n[fr 118]\n", `t:4: under a screen stands its language, medium and length`},
		{head + "Projet\n[fr ussd 6/160]\nencore\n", `t:5: behind a screen stands what she types`},
		{head + "Projet\n[fr ussd 6/160]\n[fr ussd 6/160]\n", `t:5: the screen has such a line already`},
		{head + "Projet\n## remark\n", `t:4: a remark stands between conversations`},
		{head + "Projet\n[fr ussd 6/160]\n> 1\n", `t:5: the conversation "a test" does not say how it ends`},
		{head + "Projet\n[fr ussd 6/160]\n= end\n> 1\n", `t:6: nothing is typed after the end`},
		{head + "Projet\n[fr ussd 6/160]\n= end\n= end\n", `t:6: the conversation has ended a line before`},
		{head + "Projet\n[fr ussd 6/160]\n= stop\n", `t:5: "stop" is nothing that a screen does; there are: submission`},
		{head + "> 1\n= submission {kind=feedback}\n", `t:4: a submission tells its kind and its level`},
		{head + "> 1\n= submission kind=feedback\n", `t:4: a submission is told like`},
		{head + "> 1\n= submission {kind=feedback level=L1 a=1 a=2}\n", `t:4: a stands twice`},
		{head + "> 1\n= submission {kind=feedback level=L1 text=\"le moulin}\n", `t:4: the value of text: the quotes do not close`},
		{head + "> 1\n= submission {kind=feedback level=L1\n", `t:4: the value of level: there is no } at the end`},
		{head + "> 1\n= submission {kind=feedback level=L1} more\n", `t:4: "more" stands behind the submission`},
	} {
		_, err := ParseTranscripts("t", []byte(test.text))
		if err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%q:\ngot  %v\nwant %s", test.text, err, test.want)
		}
	}
}

func FuzzTranscript(f *testing.F) {
	f.Add("# feedback fr ussd: a test\n= caller new\n\n\\> Projet\n\n1 Oui\n[fr ussd 6/160 page 1/2]\n= consent answer yes\n> 1\n= submission {kind=feedback level=L1 text=\"a \\\"b\\\"\" place=\"\"}\n")
	f.Add("## remark\n# main bm sms: x\n= today 2026-11-24\n= consent news no\n\n>\n= hung up\n")
	f.Fuzz(func(t *testing.T, text string) {
		all, err := ParseTranscripts("t", []byte(text))
		if err != nil {
			if !strings.HasPrefix(err.Error(), "t:") {
				t.Fatalf("no line in %q", err)
			}
			return
		}
		for _, one := range all {
			written := one.String()
			again, err := ParseTranscripts("t", []byte(written))
			if err != nil || len(again) != 1 {
				t.Fatalf("what was written is not read: %v\n%q", err, written)
			}
			if got := again[0].String(); got != written {
				t.Fatalf("written %q\nthen    %q", written, got)
			}
		}
	})
}

// told plays our flows against one transcript, changed or not.
func told(t *testing.T, name string, change func(string) string) []Failure {
	t.Helper()
	b, c, w := stage(t)
	data, err := fs.ReadFile(flows.Files, name)
	if err != nil {
		t.Fatal(err)
	}
	all, err := ParseTranscripts(name, []byte(change(string(data))))
	if err != nil {
		t.Fatal(err)
	}
	r := newRunner(b, c, w, &Outcome{})
	for _, one := range all {
		if f, ok := r.compare(one); !ok {
			r.fail(f)
		}
	}
	return r.out.Failures
}

func TestWhatATranscriptTellsOtherwiseIsADifferenceWithItsLine(t *testing.T) {
	for _, test := range []struct{ old, new, want string }{
		{"3 Moyen\n", "3 Comme ci comme ca\n", "    - 3 Comme ci comme ca\n    + 3 Moyen"},
		{"rating=2 type=P", "rating=1 type=P", "    - = submission {"},
		{"= consent answer yes\n", "", "    + = consent answer yes"},
		{"[fr ussd 64/160]", "[fr ussd 65/160]", "    - [fr ussd 65/160]\n    + [fr ussd 64/160]"},
		{"0000-0000", "4827-1936", ""},
	} {
		changed := 0
		failures := told(t, "feedback.fr.ussd.transcript", func(s string) string {
			changed = strings.Count(s[:strings.Index(s, test.old)], "\n") + 1
			return strings.Replace(s, test.old, test.new, 1)
		})
		switch {
		case test.want == "" && len(failures) == 0:
		case len(failures) != 1 || !strings.Contains(failures[0].String(), test.want):
			t.Errorf("%q: %v", test.new, failures)
		case failures[0].Line != changed:
			t.Errorf("%q is told at line %d, and stands at %d", test.new, failures[0].Line, changed)
		}
	}
}

func TestAConversationThatGoesOnAfterItsEndIsRefused(t *testing.T) {
	failures := told(t, "help.fr.ussd.transcript", func(s string) string {
		return strings.Replace(s, "= callback\n= end\n", "= callback\n> 1\n= end\n", 1)
	})
	if len(failures) != 1 || !strings.Contains(failures[0].Text, "it has ended") {
		t.Errorf("got %v", failures)
	}
}

// notBySMS are states that nobody comes to by SMS, though no line of their own says so.
var notBySMS = map[string]bool{
	"progress/confirmed": true, // behind the PIN, which is asked by USSD alone
	"reference/reply":    true, // an answer's words stay with the team: an SMS stays on the phone
}

func TestEveryOptionOfEveryScreenIsTakenInAGeneratedPath(t *testing.T) {
	b, c, w := stage(t)
	all, err := Generate(b, c, w)
	if err != nil {
		t.Fatal(err)
	}
	p := player{book: b, words: c, world: w}
	for _, medium := range []string{"ussd", "sms"} {
		taken := map[string]bool{} // flow, state and option
		met := map[string]bool{}   // flow and state
		hints := map[string]bool{}
		for _, name := range slices.Sorted(maps.Keys(b.Flows)) {
			text, ok := all[name+".fr."+medium+transcriptEnd]
			if !ok {
				continue
			}
			conversations, err := ParseTranscripts(name, []byte(text))
			if err != nil {
				t.Fatal(err)
			}
			for _, one := range conversations {
				kept, s, err := p.begin(one.part())
				for _, turn := range one.Turns[1:] {
					h, readErr := readHeld(kept)
					if err != nil || readErr != nil {
						t.Fatal(err, readErr)
					}
					at := s.at.Flow + "/" + s.at.Sub + "/" + s.at.State
					met[at] = true
					taken[at+"/"+h.Shown.Resolve(turn.Input).Value] = true
					kept, s, err = p.hop(one.part(), kept, turn.Input)
					if s.whole != nil {
						hints[s.whole.Hint.Key] = true
					}
				}
				met[s.at.Flow+"/"+s.at.Sub+"/"+s.at.State] = true
			}
		}
		for _, name := range slices.Sorted(maps.Keys(b.Flows)) {
			f := b.Flows[name]
			at := name + "//"
			if name == "answer" {
				at = "feedback/answer/"
			}
			for _, state := range slices.Sorted(maps.Keys(f.States)) {
				s := f.States[state]
				if s.Ask == "" || len(s.Media) > 0 && !slices.Contains(s.Media, medium) || name == "confidential" && medium == "sms" {
					continue
				}
				if medium == "sms" && notBySMS[name+"/"+state] {
					continue
				}
				if !met[at+state] {
					t.Errorf("by %s no path comes to %s%s", medium, at, state)
				}
				for _, o := range s.Options {
					value := o.Value
					if o.Flow != "" || o.State != "" {
						value = o.Flow + o.State
					}
					if len(o.Media) > 0 && !slices.Contains(o.Media, medium) {
						continue
					}
					if !taken[at+state+"/"+value] {
						t.Errorf("by %s no path takes %s of %s%s", medium, value, at, state)
					}
				}
			}
		}
		for _, hint := range []string{"hint.key", "hint.key.again", "hint.number", "hint.number.again", "hint.project.again", "hint.reference.again", "help.called"} {
			if !hints[hint] {
				t.Errorf("by %s no path meets %s", medium, hint)
			}
		}
	}
}

func TestAFlowWithoutItsTranscriptsIsNamed(t *testing.T) {
	b, c, w := stage(t)
	out, err := Test(b, c, w, fstest.MapFS{
		"feedback.fr.ussd.transcript":         {Data: []byte("# feedback fr ussd: she leaves\n\n> 00\n= hung up\n")},
		"help.fr.ussd.transcript":             {Data: []byte("# feedback fr ussd: in the wrong file\n\n= hung up\n")},
		"help.fr.sms.transcript":              {Data: []byte("# help fr sms: broken\n\nAide\n> 1\n")},
		"transcripts/gone.fr.ussd.transcript": {},
	})
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, f := range out.Failures {
		all = append(all, f.String())
	}
	text := strings.Join(all, "\n")
	for _, want := range []string{
		"feedback.fr.ussd.transcript:1: \"she leaves\": the first screen: the screen is not told, it is this\n    + Code du projet",
		"feedback.fr.ussd.transcript: no conversation ends with a submission",
		"help.fr.ussd.transcript:1: \"in the wrong file\": a conversation of flow feedback in fr by ussd stands in feedback.fr.ussd.transcript",
		"help.fr.sms.transcript:4: the screen has no line like",
		"tension.ses.sms.transcript: flow tension has no transcript by hand in ses by sms",
		"transcripts/tension.ses.sms.transcript: it is not there: lafia flows test --update",
		"transcripts/gone.fr.ussd.transcript: no flow, language and medium is called so any more",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("it does not say %s", want)
		}
	}
	if strings.Contains(text, "confidential.fr.sms") {
		t.Error("a flow is wanted by a medium that does not have it")
	}
}

func TestAFileIsCheckedForWhatItTellsLast(t *testing.T) {
	line, diff := firstDifference("a\nb\nc\nd", "a\nx\nc\nd")
	if line != 2 || fmt.Sprint(diff) != "[- b + x]" {
		t.Errorf("%d %q", line, diff)
	}
	if line, diff = firstDifference("a\nb", "a\nb\nc"); line != 3 || fmt.Sprint(diff) != "[+ c]" {
		t.Errorf("%d %q", line, diff)
	}
}
