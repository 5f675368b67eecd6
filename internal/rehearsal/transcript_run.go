package rehearsal

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"

	"lafia/internal/flow"
	"lafia/internal/locale"
)

// Where transcripts stand beside the flow files. Those written by hand are
// NAME.LANGUAGE.MEDIUM.transcript; those in the folder are generated.
const (
	Generated     = "transcripts"
	transcriptEnd = ".transcript"
)

// Failure is one thing that a transcript says and the flows do not do.
type Failure struct {
	File         string   `json:"file"`
	Line         int      `json:"line,omitempty"`
	Conversation string   `json:"conversation,omitempty"`
	Text         string   `json:"problem"`
	Diff         []string `json:"diff,omitempty"` // lines that begin with "- " (the file) or "+ " (the flows)
}

// String tells a failure as compilers do, with the difference below.
func (f Failure) String() string {
	where := f.File
	if f.Line > 0 {
		where += fmt.Sprintf(":%d", f.Line)
	}
	if f.Conversation != "" {
		where += fmt.Sprintf(": %q", f.Conversation)
	}
	return strings.Join(append([]string{where + ": " + f.Text}, f.Diff...), "\n    ")
}

// Outcome is what a test of transcripts found.
type Outcome struct {
	Failures  []Failure `json:"failures"`
	ByHand    int       `json:"by_hand"`   // conversations
	Generated int       `json:"generated"` // conversations
	Screens   int       `json:"screens"`   // in all of them
}

// maxFailures bounds what is told of one file: who changed a word sees it once.
const maxFailures = 5

// Test plays every transcript in files, the flow files' folder: each screen must
// be as told, and so must what is stored. What is kept between two inputs is
// bytes, each input is taken twice, and each conversation once more from its
// inputs alone. Each screen must fit its medium, with the longest value of each
// variable too. A flow needs one transcript by hand for each language offered and
// each medium; those that are generated must be as Generate writes them.
func Test(b *flow.Book, c *locale.Catalog, w *World, files fs.FS) (Outcome, error) {
	out := Outcome{Failures: []Failure{}}
	r := newRunner(b, c, w, &out)
	if !r.measure.report.words(b, c) {
		return out, errors.New("the flows say words that no language has: lafia flows check names them")
	}
	if err := r.byHand(files); err != nil {
		return out, err
	}
	if err := r.generated(files); err != nil {
		return out, err
	}
	for _, p := range r.measure.report.Problems {
		out.Failures = append(out.Failures, Failure{File: p.File, Text: fmt.Sprintf("flow %s, state %s: %s", p.Flow, p.State, p.Text)})
	}
	return out, nil
}

type runner struct {
	player  player
	out     *Outcome
	measure measure
	seen    map[string]bool // screens that were measured
}

func newRunner(b *flow.Book, c *locale.Catalog, w *World, out *Outcome) *runner {
	return &runner{player: player{book: b, words: c, world: w}, out: out, seen: map[string]bool{},
		measure: measure{report: &Report{}, book: b, words: c, world: w, said: map[string]bool{}, segments: map[string]int{}}}
}

func (r *runner) fail(f Failure) { r.out.Failures = append(r.out.Failures, f) }

// byHand plays what people wrote, and names what nobody wrote.
func (r *runner) byHand(files fs.FS) error {
	names, err := fs.Glob(files, "*"+transcriptEnd)
	if err != nil {
		return fmt.Errorf("looking for transcripts: %w", err)
	}
	stored := map[string]bool{} // files in which something is submitted
	have := map[string]bool{}
	for _, name := range names {
		have[name] = true
		data, err := fs.ReadFile(files, name)
		if err != nil {
			return fmt.Errorf("reading transcript %s: %w", name, err)
		}
		all, err := ParseTranscripts(name, data)
		if err != nil {
			r.fail(unparsed(name, err))
			continue
		}
		failed := 0
		for _, t := range all {
			r.out.ByHand++
			stored[name] = stored[name] || strings.HasPrefix(t.ending(), submits)
			if f, ok := r.compare(t); !ok && failed < maxFailures {
				failed++
				r.fail(f)
			}
		}
	}
	for _, want := range r.wanted(r.languages()) {
		b := r.player.book
		switch {
		case !have[want.file()]:
			r.fail(Failure{File: want.file(), Text: fmt.Sprintf("flow %s has no transcript by hand in %s by %s: write one, with what must be stored", want.flow, want.language, want.medium)})
		case b.Flows[want.flow].Submits() && !stored[want.file()]:
			r.fail(Failure{File: want.file(), Text: "no conversation ends with a submission, so what is stored is not told"})
		}
	}
	return nil
}

func (r *runner) languages() []string {
	var out []string
	for _, l := range r.player.words.Offered() {
		out = append(out, l.Tag)
	}
	return out
}

func (p part) file() string { return p.flow + "." + p.language + "." + p.medium + transcriptEnd }

// wanted lists a transcript for each flow that the menu enters, in each of
// languages and by each medium that has it.
func (r *runner) wanted(languages []string) []part {
	b := r.player.book
	menu := b.Flows[flow.Main].States["menu"]
	var out []part
	for _, name := range slices.Sorted(maps.Keys(b.Flows)) {
		i := slices.IndexFunc(menu.Options, func(o flow.Choice) bool { return o.Flow == name })
		if i < 0 && name != flow.Main {
			continue
		}
		for _, tag := range languages {
			for _, medium := range []string{"ussd", "sms"} {
				if name == flow.Main || len(menu.Options[i].Media) == 0 || slices.Contains(menu.Options[i].Media, medium) {
					out = append(out, part{flow: name, language: tag, medium: medium, scene: newScene()})
				}
			}
		}
	}
	return out
}

func unparsed(name string, err error) Failure {
	f := Failure{File: name, Text: strings.TrimPrefix(err.Error(), name+":")}
	if n, rest, ok := strings.Cut(f.Text, ": "); ok {
		if _, err := fmt.Sscan(n, &f.Line); err == nil {
			f.Text = rest
		}
	}
	return f
}

// ending tells how a conversation ends.
func (t *Transcript) ending() string {
	does := t.Turns[len(t.Turns)-1].Does
	return does[len(does)-1]
}

// compare plays a conversation, and tells the first turn that is not as it says.
func (r *runner) compare(t *Transcript) (Failure, bool) {
	fail := func(line int, diff []string, format string, args ...any) (Failure, bool) {
		return Failure{File: t.file, Line: line, Conversation: t.Title, Text: fmt.Sprintf(format, args...), Diff: diff}, false
	}
	if want := (part{flow: t.Flow, language: t.Language, medium: t.Medium}).file(); path.Base(t.file) != want {
		return fail(t.line, nil, "a conversation of flow %s in %s by %s stands in %s", t.Flow, t.Language, t.Medium, want)
	}
	if !slices.Contains(r.player.words.Tags(), t.Language) {
		return fail(t.line, nil, "there is no language %q", t.Language)
	}
	var inputs []string
	for _, turn := range t.Turns[1:] {
		inputs = append(inputs, turn.Input)
	}
	turns, err := r.player.play(t.part(), inputs, r.see(t.Language))
	for i, got := range turns {
		want := t.Turns[i]
		a, b := want.lines(), got.lines()
		if slices.Equal(masked(a), b) {
			continue
		}
		line, diff := difference(want, masked(a), b)
		what := "the first screen"
		if i > 0 {
			what = "after " + inputLine(want.Input)
		}
		if want.Mark == "" {
			return fail(want.line, diff, "%s: the screen is not told, it is this", what)
		}
		return fail(line, diff, "%s: it is told otherwise", what)
	}
	if err != nil {
		n := min(len(turns), len(t.Turns)-1)
		return fail(t.Turns[n].line, nil, "%s", err)
	}
	return Failure{}, true
}

func (t *Transcript) part() part {
	return part{flow: t.Flow, language: t.Language, medium: t.Medium, scene: t.Scene}
}

// masked writes each reference as a rehearsal gives it, so that a conversation
// that was written down elsewhere can be kept.
func masked(lines []string) []string {
	out := make([]string, len(lines))
	for i, line := range lines {
		b := []byte(line)
		for at := 0; at+9 <= len(b); at++ {
			if isReference(b[at:at+9]) && (at == 0 || !isDigit(b[at-1])) && (at+9 == len(b) || !isDigit(b[at+9])) {
				copy(b[at:], Given.String())
				at += 8
			}
		}
		out[i] = string(b)
	}
	return out
}

// isReference reports whether nine bytes are written as a reference is.
func isReference(b []byte) bool {
	for i, c := range b {
		if (i == 4) != (c == '-') || i != 4 && !isDigit(c) {
			return false
		}
	}
	return true
}

func isDigit(c byte) bool { return c >= '0' && c <= '9' }

// difference gives the lines that differ, with the line of the file at which they
// begin.
func difference(want Turn, a, b []string) (line int, diff []string) {
	n := 0
	for n < len(a) && n < len(b) && a[n] == b[n] {
		n++
	}
	return want.screen + n, changes(a[n:], b[n:])
}

// changes tells how a becomes b: the lines that only a has, and those that only b
// has, in their order. What both have is left out.
func changes(a, b []string) (out []string) {
	// common[i][j] is how many lines a[i:] and b[j:] have in common, in their order.
	common := make([][]int, len(a)+1)
	for i := range common {
		common[i] = make([]int, len(b)+1)
	}
	for i := len(a) - 1; i >= 0; i-- {
		for j := len(b) - 1; j >= 0; j-- {
			if common[i][j] = max(common[i+1][j], common[i][j+1]); a[i] == b[j] {
				common[i][j] = common[i+1][j+1] + 1
			}
		}
	}
	i, j := 0, 0
	for i < len(a) || j < len(b) {
		switch {
		case i < len(a) && j < len(b) && a[i] == b[j]:
			i, j = i+1, j+1
		case j == len(b) || i < len(a) && common[i+1][j] >= common[i][j+1]:
			out = append(out, "- "+a[i])
			i++
		default:
			out = append(out, "+ "+b[j])
			j++
		}
	}
	return out
}

// see measures each screen once, with the longest value of each variable.
func (r *runner) see(tag string) func(shown) {
	return func(s shown) {
		r.out.Screens++
		if s.page.Units > s.page.Limit {
			r.measure.report.Problems = append(r.measure.report.Problems, flow.Problem{File: r.player.book.File(s.at.Flow), Flow: s.at.Flow, State: s.at.State,
				Text: fmt.Sprintf("%s by %s: %d of %d: %q", tag, s.page.Medium, s.page.Units, s.page.Limit, s.page.Text)})
		}
		if s.whole == nil {
			return
		}
		name := cmp.Or(s.at.Sub, s.at.Flow)
		id := fmt.Sprint(tag, s.page.Medium, name, s.at.State, s.whole.Hint.Key, s.whole.Say, s.whole.Options)
		if r.seen[id] {
			return
		}
		r.seen[id] = true
		r.measure.row.Language = tag
		v := visit{flow: name, cursor: s.at, screen: *s.whole, medium: s.page.Medium}
		r.measure.screen(v, tag)
	}
}

// generated compares what stands in the folder with what is generated now.
func (r *runner) generated(files fs.FS) error {
	all, err := r.generate()
	if err != nil {
		return err
	}
	const again = "lafia flows test --update writes them again"
	for _, name := range slices.Sorted(maps.Keys(all)) {
		data, err := fs.ReadFile(files, path.Join(Generated, name))
		switch {
		case errors.Is(err, fs.ErrNotExist):
			r.fail(Failure{File: path.Join(Generated, name), Text: "it is not there: " + again})
			continue
		case err != nil:
			return fmt.Errorf("reading transcript %s: %w", name, err)
		}
		if line, diff := firstDifference(string(data), all[name]); diff != nil {
			r.fail(Failure{File: path.Join(Generated, name), Line: line, Conversation: titleAt(all[name], line), Text: "the flows do otherwise now; if that is meant, " + again, Diff: diff})
		}
	}
	old, err := fs.Glob(files, path.Join(Generated, "*"+transcriptEnd))
	if err != nil {
		return fmt.Errorf("looking for transcripts: %w", err)
	}
	for _, name := range old {
		if _, ok := all[path.Base(name)]; !ok {
			r.fail(Failure{File: name, Text: "no flow, language and medium is called so any more: " + again})
		}
	}
	return nil
}

// firstDifference compares two files line by line: nil when they are alike.
func firstDifference(want, got string) (line int, diff []string) {
	if want == got {
		return 0, nil
	}
	a, b := strings.Split(want, "\n"), strings.Split(got, "\n")
	n := 0
	for n < len(a) && n < len(b) && a[n] == b[n] {
		n++
	}
	const around = 6
	return n + 1, changes(a[n:min(n+around, len(a))], b[n:min(n+around, len(b))])
}

// titleAt is the title of the conversation that a line of a file belongs to.
func titleAt(text string, line int) string {
	title := ""
	for i, l := range strings.Split(text, "\n") {
		if i+1 > line {
			break
		}
		if strings.HasPrefix(l, "# ") {
			_, title, _ = strings.Cut(l, ": ")
		}
	}
	return title
}

// Generate writes the conversations that walk every flow whole, by file name:
// FLOW.LANGUAGE.MEDIUM.transcript.
func Generate(b *flow.Book, c *locale.Catalog, w *World) (map[string]string, error) {
	r := newRunner(b, c, w, &Outcome{})
	return r.generate()
}

func (r *runner) generate() (map[string]string, error) {
	out := map[string]string{}
	paths := map[string][]walked{}
	for _, p := range r.wanted(r.player.words.Tags()) {
		k := p.flow + " " + p.medium
		if _, ok := paths[k]; !ok {
			found, err := pathsOf(r.player, p.flow, p.medium)
			if err != nil {
				return nil, fmt.Errorf("walking flow %s by %s: %w", p.flow, p.medium, err)
			}
			paths[k] = found
		}
		var text strings.Builder
		fmt.Fprintf(&text, "## Every path of the flow %s, written by lafia flows test --update: it proves that\n## nothing changed. What must be stored stands in %s.\n", p.flow, p.file())
		for _, one := range paths[k] {
			p.scene = one.scene
			turns, err := r.player.play(p, r.player.inputs(p, one.inputs), r.see(p.language))
			if err != nil {
				return nil, fmt.Errorf("%s, %s: %w", p.file(), one.title, err)
			}
			r.out.Generated++
			t := Transcript{Flow: p.flow, Language: p.language, Medium: p.medium, Title: one.title, Scene: one.scene, Turns: turns}
			text.WriteString("\n" + t.String())
		}
		out[p.file()] = text.String()
	}
	return out, nil
}

// inputs gives a path's inputs in a language, in which a screen may have more
// pages or less.
func (p player) inputs(c part, of []string) []string {
	var out []string
	kept, s, err := p.begin(c)
	for _, input := range of {
		if err != nil {
			break
		}
		n, typed := 1, input
		if input == turnPages {
			n, typed = s.page.Pages, "99"
			if n == 1 {
				n = 0
			}
		}
		for range n {
			if s.page.Ends {
				break
			}
			out = append(out, typed)
			if kept, s, err = p.hop(c, kept, typed); err != nil {
				break
			}
		}
	}
	return out
}
