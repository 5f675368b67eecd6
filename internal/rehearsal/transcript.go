package rehearsal

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// Transcript is one conversation as a file tells it: who calls, what she types,
// what her phone shows, and what is stored.
//
//	# feedback fr ussd: a complaint, with words
//	= answer yes
//
//	Code du projet (ex: 101), ou nom de la commune:
//	0 Retour 00 Menu
//	[fr ussd 64/160]
//	> 101
//	…
//	= submission {kind=feedback level=L1 project=LAF1 type=P text="le moulin"}
//
// The first line names the flow, the language and the medium. Lines with = before
// the first screen are facts (see Scene), those under a screen what it does. A
// line with > is what she types. A file holds as many conversations as it likes,
// and ## begins a remark between them. A line of a screen that begins with one of
// these signs has a \ before it.
//
// It begins at the first screen of the flow; the flow main begins as she dials.
type Transcript struct {
	Flow, Language, Medium, Title string

	Scene Scene
	Turns []Turn // the first has no input: what the phone shows before she types

	file string
	line int // of the header
}

// Turn is what she types, and what that shows and does.
type Turn struct {
	Input  string
	Text   string   // a page
	Mark   string   // "fr ussd 118/160 page 1/2"; empty: the screen isn't told
	Does   []string // "consent answer yes", "callback", and at last how it ends
	line   int      // of the input
	screen int      // of the first line of the page
}

// How a conversation ends, besides with a submission.
const (
	endsHere = "end"     // the last screen came, and nothing is submitted
	hungUp   = "hung up" // before the last screen
	submits  = "submission"
)

// maxTranscript bounds a file: more is no transcript that somebody reads.
const maxTranscript = 4 << 20

// ParseTranscripts reads the conversations of a file. The error names the file,
// the line, and what should stand there.
func ParseTranscripts(name string, data []byte) ([]*Transcript, error) {
	if len(data) > maxTranscript {
		return nil, fmt.Errorf("%s: it is longer than %d MiB", name, maxTranscript>>20)
	}
	p := &transcriptParser{name: name}
	text := strings.TrimSuffix(strings.ReplaceAll(string(data), "\r\n", "\n"), "\n")
	for i, line := range strings.Split(text, "\n") {
		if err := p.take(i+1, line); err != nil {
			return nil, fmt.Errorf("%s:%d: %w", name, i+1, err)
		}
	}
	if err := p.close(); err != nil {
		return nil, fmt.Errorf("%s:%d: %w", name, p.line, err)
	}
	return p.out, nil
}

// transcriptParser reads a file line by line.
type transcriptParser struct {
	name string
	out  []*Transcript
	line int

	now   *Transcript // nil before the first header
	turn  Turn
	page  []string // the lines of the screen so far
	begun bool     // something stands after the facts
}

func (p *transcriptParser) take(n int, line string) error {
	p.line = n
	switch {
	case strings.HasPrefix(line, "##"):
		if len(p.page) > 0 {
			return fmt.Errorf(`a remark stands between conversations; if the screen says this, write \%s`, line)
		}
		return nil
	case strings.HasPrefix(line, "#"):
		if err := p.close(); err != nil {
			return err
		}
		return p.header(n, line)
	case p.now == nil:
		if strings.TrimSpace(line) == "" {
			return nil
		}
		return fmt.Errorf("a conversation begins with a line like: # feedback fr ussd: a complaint")
	case strings.HasPrefix(line, ">"):
		return p.input(n, line)
	case strings.HasPrefix(line, "="):
		return p.said(line)
	case strings.HasPrefix(line, "["):
		return p.mark(line)
	}
	return p.text(n, line)
}

func (p *transcriptParser) header(n int, line string) error {
	names, title, ok := strings.Cut(strings.TrimPrefix(line, "#"), ":")
	parts, title := strings.Fields(names), strings.TrimSpace(title)
	if !ok || len(parts) != 3 || title == "" {
		return fmt.Errorf("a conversation begins with its flow, language, medium and what it is, like: # feedback fr ussd: a complaint")
	}
	if parts[2] != "ussd" && parts[2] != "sms" {
		return fmt.Errorf("the medium is ussd or sms, not %q", parts[2])
	}
	p.now = &Transcript{Flow: parts[0], Language: parts[1], Medium: parts[2], Title: title, Scene: newScene(), file: p.name, line: n}
	p.turn, p.begun = Turn{line: n, screen: n}, false
	return nil
}

func (p *transcriptParser) input(n int, line string) error {
	if err := p.endTurn(); err != nil {
		return err
	}
	p.turn = Turn{Input: strings.TrimPrefix(strings.TrimPrefix(line, ">"), " "), line: n, screen: n}
	return nil
}

func (p *transcriptParser) said(line string) error {
	words := strings.TrimSpace(strings.TrimPrefix(line, "="))
	if !p.begun {
		if err := p.now.Scene.set(words); err == nil {
			return nil
		} else if len(p.page) > 0 || !isDoing(words) {
			return err
		}
	}
	if len(p.page) > 0 {
		return p.noMark()
	}
	if p.ended() {
		return fmt.Errorf("the conversation has ended a line before")
	}
	does, err := parseDoing(words)
	if err != nil {
		return err
	}
	p.begun = true
	p.turn.Does = append(p.turn.Does, does)
	return nil
}

func (p *transcriptParser) text(n int, line string) error {
	line = strings.TrimRight(line, " \t")
	if line == "" && len(p.page) == 0 {
		return nil
	}
	if p.turn.Mark != "" || len(p.turn.Does) > 0 {
		return fmt.Errorf("behind a screen stands what she types (> 1), what that does (= …), or the next conversation (# …)")
	}
	if len(p.page) == 0 {
		p.turn.screen = n
	}
	p.begun = true
	p.page = append(p.page, strings.TrimPrefix(line, `\`))
	return nil
}

// mark reads the line under a screen, [fr ussd 118/160 page 1/2].
func (p *transcriptParser) mark(line string) error {
	mark, ok := strings.CutSuffix(strings.TrimPrefix(strings.TrimSpace(line), "["), "]")
	fields := strings.Fields(mark)
	ok = ok && (len(fields) == 3 || len(fields) == 5 && fields[3] == "page") && isShare(fields[2]) && isShare(fields[len(fields)-1])
	if !ok {
		return fmt.Errorf(`under a screen stands its language, medium and length, like: [fr ussd 118/160]; if the screen says this, write \%s`, line)
	}
	if p.turn.Mark != "" || len(p.turn.Does) > 0 {
		return fmt.Errorf("the screen has such a line already")
	}
	p.begun = true
	p.turn.Text, p.turn.Mark, p.page = strings.Join(p.page, "\n"), strings.Join(fields, " "), nil
	return nil
}

func isShare(s string) bool {
	a, b, ok := strings.Cut(s, "/")
	_, errA := strconv.ParseUint(a, 10, 32)
	_, errB := strconv.ParseUint(b, 10, 32)
	return ok && errA == nil && errB == nil
}

func (p *transcriptParser) noMark() error {
	return fmt.Errorf("the screen has no line like [fr ussd 118/160] under it")
}

func (p *transcriptParser) ended() bool {
	d := p.turn.Does
	return len(d) > 0 && isEnding(d[len(d)-1])
}

func isEnding(does string) bool {
	return does == endsHere || does == hungUp || strings.HasPrefix(does, submits+" ")
}

// endTurn takes a turn that another follows.
func (p *transcriptParser) endTurn() error {
	if len(p.page) > 0 {
		return p.noMark()
	}
	if p.ended() {
		return fmt.Errorf("nothing is typed after the end")
	}
	p.now.Turns, p.turn = append(p.now.Turns, p.turn), Turn{}
	p.begun = true
	return nil
}

// close ends the conversation before a header or the end of the file.
func (p *transcriptParser) close() error {
	if p.now == nil {
		return nil
	}
	if len(p.page) > 0 {
		return p.noMark()
	}
	if !p.ended() {
		return fmt.Errorf("the conversation %q does not say how it ends: = submission {kind=…}, = end, or = hung up", p.now.Title)
	}
	p.now.Turns = append(p.now.Turns, p.turn)
	p.out = append(p.out, p.now)
	p.now, p.turn = nil, Turn{}
	return nil
}

// String writes a conversation as its file tells it.
func (t *Transcript) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "# %s %s %s: %s\n", t.Flow, t.Language, t.Medium, t.Title)
	for _, fact := range t.Scene.facts() {
		fmt.Fprintf(&b, "= %s\n", fact)
	}
	b.WriteByte('\n')
	for i, turn := range t.Turns {
		if i > 0 {
			b.WriteString(inputLine(turn.Input) + "\n")
		}
		for _, line := range turn.lines() {
			b.WriteString(line + "\n")
		}
	}
	return b.String()
}

func inputLine(input string) string { return strings.TrimRight("> "+input, " ") }

// lines are what a turn shows and does, as a file tells them.
func (t Turn) lines() []string {
	var out []string
	if t.Mark != "" {
		for _, line := range strings.Split(t.Text, "\n") {
			out = append(out, escaped(line))
		}
		out = append(out, "["+t.Mark+"]")
	}
	for _, does := range t.Does {
		out = append(out, "= "+does)
	}
	return out
}

func escaped(line string) string {
	if line != "" && strings.ContainsRune(`>=#[\`, rune(line[0])) {
		return `\` + line
	}
	return line
}

// doings are what a turn can do, by the word that tells it, with how many words
// follow.
var doings = map[string]int{
	"language": 1,               // the phone keeps that language
	"resumed":  0, "dropped": 0, // an unfinished conversation
	"confirmed": 0, // the report by SMS is hers
	"consent":   2, // a purpose, yes or no
	"callback":  0, // she asks to be called back
	"erase":     1, // yes or no
	endsHere:    0,
}

func isDoing(words string) bool {
	word, _, _ := strings.Cut(words, " ")
	_, ok := doings[word]
	return ok || words == hungUp || word == submits
}

// parseDoing reads what a turn does, and writes it in one way.
func parseDoing(words string) (string, error) {
	fields := strings.Fields(words)
	if len(fields) == 0 {
		return "", fmt.Errorf("behind = stands what the screen does: submission {…}, %s", known())
	}
	if fields[0] == submits {
		s, err := parseSubmission(strings.TrimSpace(strings.TrimPrefix(words, submits)))
		if err != nil {
			return "", err
		}
		return s, nil
	}
	plain := strings.Join(fields, " ")
	if plain == hungUp {
		return plain, nil
	}
	if n, ok := doings[fields[0]]; !ok || n != len(fields)-1 {
		return "", fmt.Errorf("%q is nothing that a screen does; there are: submission {…}, %s", words, known())
	}
	return plain, nil
}

func known() string {
	return strings.Join(append(slices.Sorted(maps.Keys(doings)), hungUp), ", ")
}

// SubmissionLine writes what is submitted as a transcript tells it: kind and level, then each answer by its
// name, then her words.
func SubmissionLine(kind, level string, answers map[string]string, text string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s {kind=%s level=%s", submits, value(kind), value(level))
	for _, k := range slices.Sorted(maps.Keys(answers)) {
		fmt.Fprintf(&b, " %s=%s", k, value(answers[k]))
	}
	if text != "" {
		fmt.Fprintf(&b, " text=%s", strconv.Quote(text))
	}
	return b.String() + "}"
}

func value(v string) string {
	if v == "" || strings.ContainsAny(v, " {}\"=\\`") || strconv.Quote(v) != `"`+v+`"` {
		return strconv.Quote(v)
	}
	return v
}

// parseSubmission reads {kind=feedback level=L1 project=LAF1 text="two words"}, in
// any order. A reference is passed over: it differs each time.
func parseSubmission(text string) (string, error) {
	inside, ok := strings.CutPrefix(text, "{")
	if !ok {
		return "", fmt.Errorf("a submission is told like: = submission {kind=feedback level=L1 project=LAF1 text=\"le moulin\"}")
	}
	said := map[string]string{}
	for {
		inside = strings.TrimLeft(inside, " ")
		if rest, done := strings.CutPrefix(inside, "}"); done {
			if rest = strings.TrimSpace(rest); rest != "" {
				return "", fmt.Errorf("%q stands behind the submission", rest)
			}
			break
		}
		name, rest, ok := strings.Cut(inside, "=")
		if !ok || name == "" || strings.ContainsAny(name, " {}\"") {
			return "", fmt.Errorf("in a submission stands name=value, and } at its end, not %q", cmp.Or(inside, "nothing"))
		}
		v, after, err := cutValue(rest)
		if err != nil {
			return "", fmt.Errorf("the value of %s: %w", name, err)
		}
		if _, twice := said[name]; twice {
			return "", fmt.Errorf("%s stands twice in the submission", name)
		}
		said[name], inside = v, after
	}
	kind, level, words := said["kind"], said["level"], said["text"]
	if kind == "" || level == "" {
		return "", fmt.Errorf("a submission tells its kind and its level: {kind=feedback level=L1 …}")
	}
	for _, k := range []string{"kind", "level", "text", "reference"} {
		delete(said, k)
	}
	return SubmissionLine(kind, level, said, words), nil
}

func cutValue(s string) (v, rest string, err error) {
	if !strings.HasPrefix(s, `"`) {
		n := strings.IndexAny(s, " }")
		if n < 0 {
			return "", "", fmt.Errorf("there is no } at the end")
		}
		if strings.ContainsAny(s[:n], "\"={\\`") {
			return "", "", fmt.Errorf("%s needs quotes around it", s[:n])
		}
		return s[:n], s[n:], nil
	}
	quoted, err := strconv.QuotedPrefix(s)
	if err != nil {
		return "", "", fmt.Errorf("the quotes do not close")
	}
	v, err = strconv.Unquote(quoted)
	return v, s[len(quoted):], err
}
