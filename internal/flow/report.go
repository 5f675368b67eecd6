package flow

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"unicode"

	"github.com/pelletier/go-toml/v2"
)

// Problem is one thing wrong in a book, and where.
type Problem struct {
	File  string `json:"file,omitempty"`
	Flow  string `json:"flow,omitempty"`
	State string `json:"state,omitempty"`
	Text  string `json:"problem"`
}

// String tells the problem in one line, with its file, flow and state.
func (p Problem) String() string {
	var where []string
	if p.Flow != "" {
		where = append(where, "flow "+p.Flow)
	}
	if p.State != "" {
		where = append(where, "state "+p.State)
	}
	parts := []string{p.Text}
	if len(where) > 0 {
		parts = append([]string{strings.Join(where, ", ")}, parts...)
	}
	if p.File != "" {
		parts = append([]string{p.File}, parts...)
	}
	return strings.Join(parts, ": ")
}

// Check reads every *.toml at the root of fsys as Load does, and lists all that
// Load refuses and all that an author should mend before a caller meets it. The
// book is nil when Load would refuse it.
func Check(fsys fs.FS) (*Book, []Problem, error) {
	names, err := fs.Glob(fsys, "*.toml")
	if err != nil {
		return nil, nil, fmt.Errorf("looking for flow files: %w", err)
	}
	if len(names) == 0 {
		return nil, nil, errors.New("there is no flow file (*.toml)")
	}
	content := map[string]string{}
	var problems []Problem
	for _, n := range names {
		b, err := fs.ReadFile(fsys, n)
		if err != nil {
			return nil, nil, fmt.Errorf("reading flow file %s: %w", n, err)
		}
		content[n] = string(b)
		if _, err := parseFlow(n, content[n]); err != nil {
			problems = append(problems, Problem{Text: strings.ReplaceAll(err.Error(), "\n", " ")})
		}
	}
	if len(problems) > 0 {
		return nil, problems, nil
	}
	b, err := Parse(content)
	if err != nil {
		files := filesOf(content)
		for line := range strings.SplitSeq(err.Error(), "\n") {
			problems = append(problems, problemOf(line, files))
		}
		return nil, problems, nil
	}
	return b, b.careful(), nil
}

// filesOf gives the file of each flow.
func filesOf(content map[string]string) map[string]string {
	files := map[string]string{}
	for _, n := range sortedKeys(content) {
		var head struct {
			Name string `toml:"name"`
		}
		if toml.Unmarshal([]byte(content[n]), &head) == nil {
			files[head.Name] = n
		}
	}
	return files
}

// File gives the name of the file that a flow stands in.
func (b *Book) File(flow string) string { return filesOf(b.content)[flow] }

// problemOf takes a line of check apart: "flow NAME, state STATE: problem".
func problemOf(line string, files map[string]string) Problem {
	rest, ok := strings.CutPrefix(line, "flow ")
	if !ok {
		return Problem{Text: line}
	}
	end := strings.IndexAny(rest, " ,:")
	if end < 0 {
		return Problem{Text: line}
	}
	p := Problem{File: files[rest[:end]], Flow: rest[:end], Text: strings.TrimLeft(rest[end:], ": ")}
	if state, ok := strings.CutPrefix(rest[end:], ", state "); ok {
		p.State, p.Text, _ = strings.Cut(state, ": ")
	}
	return p
}

// careful finds what Load lets pass and a caller should not meet.
func (b *Book) careful() []Problem {
	files := filesOf(b.content)
	var out []Problem
	entered := b.called()
	entered[Main] = true
	for _, s := range b.Flows[Main].States {
		for _, o := range s.Options {
			entered[o.Flow] = true
		}
	}
	for _, name := range sortedKeys(b.Flows) {
		f := b.Flows[name]
		say := func(state, format string, args ...any) {
			out = append(out, Problem{files[name], name, state, fmt.Sprintf(format, args...)})
		}
		if !entered[name] {
			say("", "no option of the main menu enters it, and no flow calls it")
		}
		if f.Level != "" && !isLevel(f.Level) {
			say("", "there is no level %q", f.Level)
		}
		submits := false
		for _, s := range f.States {
			submits = submits || s.Kind == KindSubmit
		}
		if f.Kind != "" && !submits {
			say("", "it has the kind %q, and no state submits", f.Kind)
		}
		leaves := f.leaves()
		for _, sn := range sortedKeys(f.States) {
			if !leaves[sn] {
				say(sn, "it can't be left: no way from here leads to an end")
			}
			if t := f.hasty(sn); t != "" {
				say(sn, "its answer submits at once (%s): only a text or a confirm may, since a key that comes twice looks like the next one", t)
			}
			for _, text := range f.States[sn].careful(sn) {
				say(sn, "%s", text)
			}
		}
		if n, most := b.Answers(name), MostAnswers(f.Kind); n > most {
			say("", "it takes up to %d answers to the end, and may take %d", n, most)
		}
	}
	return out
}

const conditions = "ordinary, activity:NAME, reported, reported:old, agreed:PURPOSE, help, callback, erasing"

// isCondition reports whether holds knows a condition.
func isCondition(cond string) bool {
	kind, arg, _ := strings.Cut(cond, ":")
	switch kind {
	case "", "ordinary", NeedHelp, NeedCallback, NeedErasing:
		return arg == ""
	case NeedActivity:
		return arg != ""
	case NeedReported:
		return arg == "" || arg == "old"
	case "agreed":
		return slices.Contains(Purposes, arg)
	}
	return false
}

func isLevel(level string) bool { return slices.Contains([]string{"L1", "L2", "L3"}, level) }

// leaves gives the states from which an end can be reached.
func (f *Flow) leaves() map[string]bool {
	out := map[string]bool{}
	for more := true; more; {
		more = false
		for name, s := range f.States {
			if out[name] {
				continue
			}
			end := s.Kind == KindEnd || s.Kind == KindSubmit || s.Kind == KindResume || s.Kind == KindReturn
			for _, o := range s.Options {
				end = end || o.Flow != ""
			}
			for _, t := range s.targets() {
				end = end || out[t]
			}
			if end {
				out[name], more = true, true
			}
		}
	}
	return out
}

// hasty gives the state that submits right behind an answer that is neither
// words nor a confirm, or "". A text's key for nothing must be none of the keys
// of the screens before it, for the same reason.
func (f *Flow) hasty(state string) string {
	s := f.States[state]
	if !s.shown() || s.Kind == KindText || s.Kind == KindConfirm {
		return ""
	}
	for _, t := range f.behind(s, map[string]bool{}) {
		switch next := f.States[t]; {
		case next.Kind == KindSubmit:
			return t
		case next.Kind == KindText && slices.ContainsFunc(s.Options, func(o Choice) bool { return o.Key == next.Skip }):
			return t + ", by its skip " + next.Skip
		}
	}
	return ""
}

// behind gives the states with a screen that an answer at s can lead to.
func (f *Flow) behind(s *State, seen map[string]bool) (out []string) {
	for _, t := range s.targets() {
		next := f.States[t]
		if next == nil || seen[t] {
			continue
		}
		seen[t] = true
		if next.shown() {
			out = append(out, t)
		}
		if !next.shown() || next.Kind == KindYesNo && (next.Once || next.If != "") || next.If != "" || next.Most > 0 {
			out = append(out, f.behind(next, seen)...)
		}
	}
	return out
}

func (s *State) careful(name string) []string {
	var out []string
	say := func(format string, args ...any) { out = append(out, fmt.Sprintf(format, args...)) }
	asked := map[string]bool{}
	for _, field := range []string{name, s.Save, s.Ask, s.AskSMS, s.Simple} {
		if word := forbiddenIn(field); word != "" && !asked[word] {
			asked[word] = true
			say("it asks for what no flow may ask (%q in %q): who somebody is, who did it, which community", word, field)
		}
	}
	media := func(of string, list []string) {
		for _, m := range list {
			if m != "ussd" && m != "sms" {
				say("%s the medium %q, which is neither ussd nor sms", of, m)
			}
		}
	}
	media("it has", s.Media)
	for _, c := range append([]Case{{If: s.If}}, s.Cases...) {
		if !isCondition(c.If) {
			say("it depends on %q, which nothing answers: there are %s", c.If, conditions)
		}
	}
	if len(s.Media) > 0 && s.Next == "" {
		say("it is not asked on every medium, so it needs next")
	}
	if s.Kind == KindText && slices.Contains(navigation, s.Skip) {
		say("its skip %q is the key that goes back, to the menu or to the next page", s.Skip)
	}
	for _, o := range s.Options {
		switch {
		case slices.Contains(navigation, o.Key):
			say("option %s takes the key away that goes back, to the menu or to the next page", o.Key)
		case strings.Trim(o.Key, "0123456789") != "":
			say("option %s has a key that is not made of digits", o.Key)
		}
		if word := forbiddenIn(o.Say); word != "" {
			say("option %s offers what no flow may ask (%q in %q)", o.Key, word, o.Say)
		}
		if !isCondition(o.If) {
			say("option %s is offered if %q, which nothing answers: there are %s", o.Key, o.If, conditions)
		}
		if o.Level != "" && !isLevel(o.Level) {
			say("option %s has the level %q, which is none", o.Key, o.Level)
		}
		media("option "+o.Key+" has", o.Media)
	}
	return out
}

// navigation are the keys of the screens that list options or take words.
var navigation = []string{"0", "00", "99"}

// forbiddenIn gives the word of a name or key that no flow may ask for, or "".
func forbiddenIn(name string) string {
	for _, word := range strings.FieldsFunc(unaccented.Replace(strings.ToLower(name)), func(r rune) bool { return !unicode.IsLetter(r) }) {
		if slices.Contains(forbiddenWords, word) || slices.Contains(forbiddenWords, strings.TrimSuffix(word, "s")) {
			return word
		}
	}
	return ""
}

var unaccented = strings.NewReplacer("é", "e", "è", "e", "ê", "e", "ë", "e", "à", "a", "â", "a", "î", "i", "ï", "i", "ô", "o", "û", "u", "ç", "c")

// forbiddenWords are names of fields for who somebody is, which community, and
// who did it, in French, English and Bambara. A plural's s is taken off first.
var forbiddenWords = strings.Fields(`ethnie ethnique ethnicite ethnic ethnicity tribu tribal tribe clan caste race fraction lignage lineage
	siya origine origin religion confession communaute community
	nom prenom surnom name firstname lastname surname fullname nickname patronyme togo identite identity
	auteur author agresseur aggressor attacker perpetrator coupable culprit suspect accuse accused responsable attaquant victime victim temoin witness`)

// MostAnswers is how many answers a flow of this kind may take to its end: six
// for what anybody says, more for a tension, whose place takes two, and for a
// leader's monthly report, which has what her group's activity adds.
func MostAnswers(kind string) int {
	switch kind {
	case "tension":
		return 10
	case "progress":
		return 14
	}
	return 6
}

// Answers counts the answers on the longest way through a flow, without turning
// back: a place takes two (its cercle, its commune). A group has one activity, and
// a report that is there already is not the longest way.
func (b *Book) Answers(flow string) int { return b.longest(flow, counter.answers) }

// Weigh gives the weight of the heaviest way through a flow by the media that
// carry it, where each state has a weight of its own; ways are those of Answers.
func (b *Book) Weigh(flow string, weight func(state string) int) int {
	return b.longest(flow, func(c counter, _ *State, name string) int { return weight(name) })
}

func (b *Book) longest(flow string, weigh func(c counter, s *State, name string) int) int {
	f := b.Flows[flow]
	if f == nil {
		return 0
	}
	activities := map[string]bool{"": true}
	for _, s := range f.States {
		if kind, name, _ := strings.Cut(s.If, ":"); kind == NeedActivity {
			activities[name] = true
		}
	}
	most := 0
	for name := range activities {
		c := counter{book: b, flow: f, activity: name, known: map[string]int{}, weigh: weigh}
		most = max(most, c.count(f.Start))
	}
	return most
}

// counter counts answers for a group of one activity.
type counter struct {
	book     *Book
	flow     *Flow
	activity string
	known    map[string]int
	weigh    func(c counter, s *State, name string) int
}

// count gives the weight of the way from a state to the end.
func (c counter) count(state string) int {
	const under = -1
	s := c.flow.States[state]
	if s == nil || c.known[state] == under {
		return 0 // back to a state on the way: to correct something
	}
	if n, ok := c.known[state]; ok {
		return n
	}
	c.known[state] = under
	n := 0
	if c.asked(s) {
		for _, t := range s.targets() {
			n = max(n, c.count(t))
		}
		n += c.weigh(c, s, state)
	} else {
		n = c.count(s.Next)
	}
	c.known[state] = n
	return n
}

func (c counter) asked(s *State) bool {
	kind, name, _ := strings.Cut(s.If, ":")
	switch kind {
	case NeedActivity:
		return name == c.activity
	case NeedReported:
		return false
	}
	return true
}

func (c counter) answers(s *State, _ string) int {
	switch s.Kind {
	case KindEnd, KindSubmit, KindBranch, KindReturn:
		return 0
	case KindPlace:
		return 2
	case KindCall:
		return c.book.Answers(s.Flow)
	}
	return 1
}

// Uses lists the message keys that a state shows, each once, in order.
func (s *State) Uses() []string {
	var out []string
	for _, k := range []string{s.Ask, s.AskSMS, s.Simple, s.Short} {
		if k != "" {
			out = append(out, k)
		}
	}
	if s.Kind == KindProject {
		out = append(out, s.Ask+".found")
	}
	for _, o := range s.Options {
		out = append(out, o.Say)
	}
	slices.SortFunc(out, cmp.Compare[string])
	return slices.Compact(out)
}
