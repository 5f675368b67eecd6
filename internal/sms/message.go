// Package sms reads what a text message says when it does not simply answer a
// menu: a command, a report, a row of answers, a wish to be called, an operator's
// own text, or words of her own. It is pure: the same text always reads the same,
// whatever its case, its accents and the spaces around it.
package sms

import (
	"slices"
	"strings"
	"unicode"

	"lafia/internal/programme"
)

// Kind is what a message is.
type Kind string

// Kinds of messages.
const (
	Empty        Kind = "empty"        // neither a letter nor a digit
	CallMe       Kind = "callme"       // a wish to be called back, and nothing else
	Operator     Kind = "operator"     // an operator's own text: never answered
	Menu         Kind = "menu"         // a greeting, or a wish for the menu
	Help         Kind = "help"         // how does this work
	Stop         Kind = "stop"         // send me no more: Purposes says of what
	Start        Kind = "start"        // send me messages again
	Erase        Kind = "erase"        // forget me
	Keep         Kind = "keep"         // do not forget me, after all
	Reference    Kind = "reference"    // what became of my message
	Language     Kind = "language"     // speak another language: Tongue may name it
	Confidential Kind = "confidential" // a wish to speak in confidence; Rest may say of what
	Reported     Kind = "report"       // a group's monthly report
	Corrected    Kind = "correction"   // a correction of one
	Answers      Kind = "answers"      // several answers in a row: "2 5 2"
	Yes          Kind = "yes"
	No           Kind = "no"
	Words        Kind = "words" // anything else: kept for staff as it is
)

// Kinds lists every kind.
var Kinds = []Kind{Empty, CallMe, Operator, Menu, Help, Stop, Start, Erase, Keep, Reference, Language, Confidential, Reported, Corrected, Answers, Yes, No, Words}

// Purposes of the messages that a programme sends.
const (
	Broadcast = "broadcast" // news to many
	Reminder  = "reminder"  // of a report that is due
	Answer    = "answer"    // that staff answered
)

// Message is what a text says.
type Message struct {
	Kind      Kind
	Purposes  []string            // Stop: what she wants no more of
	Inputs    []string            // Answers: one key or code after another
	Report    *Report             // Reported, Corrected
	Reference programme.Reference // Reference: when she wrote one that checks
	Number    string              // CallMe: the digits of the number that she wrote, if any
	Tongue    string              // Language: the tag she named, "other" for one that is not offered, "" for none
	Codes     []string            // candidates for a project's or group's code; see Nearest
	Language  string              // the language it is written in, "" where that is not sure
	Rest      string              // Confidential, Reference: what she wrote after the command
}

// Lengths beyond which a text is taken for words without being searched, so that
// reading is bounded: thirteen parts of an SMS are more than any phone sends.
const (
	maxText  = 2000 // bytes
	maxCodes = 8
)

// Read tells what a text message says. It never fails: what is nothing else is
// Words.
func Read(text string) Message {
	if len(text) > maxText {
		return Message{Kind: Words}
	}
	text = strings.TrimSpace(strings.ToValidUTF8(text, "\uFFFD"))
	key := programme.MatchKey(spaced.Replace(text))
	if key == "" {
		if strings.ContainsAny(text, "?？") {
			return Message{Kind: Help}
		}
		return Message{Kind: Empty}
	}
	words := strings.Fields(key)
	if number, ok := callMe(words); ok {
		return Message{Kind: CallMe, Number: number}
	}
	if m, ok := command(words); ok {
		return m
	}
	if m, ok := reference(text, words); ok {
		return m
	}
	if m, ok := confidential(text, words); ok {
		return m
	}
	if kind, ok := reportWord(words[0]); ok && (len(words) > 1 || kind == Corrected || words[0] == "rap" || strings.ContainsAny(words[0], "0123456789")) {
		r := ReadReport(text)
		return Message{Kind: kind, Report: &r, Codes: Codes(text)}
	}
	if inputs, ok := answers(text); ok {
		return Message{Kind: Answers, Inputs: inputs, Codes: Codes(text)}
	}
	if r, ok := positional(text); ok {
		return Message{Kind: Reported, Report: &r, Codes: Codes(text)}
	}
	if operators(text, words) {
		return Message{Kind: Operator}
	}
	m := Message{Kind: Words, Codes: Codes(text)}
	if tag, sure := GuessLanguage(text); sure {
		m.Language = tag
	}
	return m
}

// spaced keeps apart what MatchKey would join by dropping an apostrophe: "d'accord"
// and "d accord" are then the same two words.
var spaced = strings.NewReplacer("'", " ", "’", " ", "‘", " ", "`", " ")

// command reads the messages that are one command, with nothing around it but
// politeness. A word inside a sentence is never a command (languages.md 7).
func command(words []string) (Message, bool) {
	words = plain(words)
	if len(words) == 0 || len(words) > 5 {
		return Message{}, false
	}
	key := strings.Join(words, " ")
	if c, ok := commands[key]; ok {
		return c.message(), true
	}
	if m, ok := stopOf(words); ok {
		return m, true
	}
	if m, ok := languageOf(words); ok {
		return m, true
	}
	if len(words) == 1 {
		if c, ok := mistyped(key); ok {
			return c.message(), true
		}
	}
	return Message{}, false
}

func (c verb) message() Message {
	m := Message{Kind: c.kind, Language: c.language, Tongue: c.tongue}
	if c.kind == Stop {
		m.Purposes = []string{Broadcast, Reminder}
	}
	return m
}

// plain drops politeness at both ends, unless nothing else is there.
func plain(words []string) []string {
	from, to := 0, len(words)
	for to-from > 1 && polite[words[to-1]] {
		to--
	}
	for to-from > 1 && polite[words[from]] {
		from++
	}
	for to-from > 1 && words[to-1] == words[to-2] && len(words[to-1]) > 2 {
		to-- // "stop stop", "oui oui"
	}
	if out := words[from:to]; len(out) > 0 {
		return out
	}
	return words
}

func stopOf(words []string) (Message, bool) {
	if c, ok := commands[words[0]]; !ok || c.kind != Stop {
		return Message{}, false
	}
	for _, w := range words[1:] {
		if p, ok := purposes[w]; ok {
			return Message{Kind: Stop, Purposes: slices.Clone(p), Language: commands[words[0]].language}, true
		}
		if !small[w] {
			return Message{}, false
		}
	}
	return Message{}, false
}

// languageOf reads "LANGUE BAMBARA" and the like.
func languageOf(words []string) (Message, bool) {
	c, ok := commands[words[0]]
	if !ok || c.kind != Language || len(words) < 2 {
		return Message{}, false
	}
	named, ok := commands[strings.Join(words[1:], " ")]
	if !ok || named.kind != Language || named.tongue == "" {
		return Message{}, false
	}
	return Message{Kind: Language, Tongue: named.tongue}, true
}

// mistyped finds the command that a single word of five letters or more is one
// slip away from, unless that is a word of its own or could be two commands.
func mistyped(w string) (verb, bool) {
	var found verb
	if len(w) < 5 || ordinary[w] {
		return found, false
	}
	ok := false
	for key, c := range commands {
		if len(key) < 5 || strings.Contains(key, " ") || !near(w, key) {
			continue
		}
		if ok && (found.kind != c.kind || found.tongue != c.tongue) {
			return verb{}, false
		}
		if ok && found.language != c.language {
			c.language = ""
		}
		found, ok = c, true
	}
	return found, ok
}

// reference reads SUIVI and a reference, in either order of doubt: the word
// alone, the word and digits, or the digits alone when they check.
func reference(text string, words []string) (Message, bool) {
	words = plain(words)
	asked := 0
	for asked < len(words) && asked < 5 && (askReference[words[asked]] || asked > 0 && small[words[asked]]) {
		asked++
	}
	if asked == 0 {
		t := strings.TrimRight(text, " .!")
		if len(words) > 2 || len(words) == 2 && (len(words[0]) != 4 || len(words[1]) != 4) {
			return Message{}, false
		}
		if r, ok := programme.ParseReference(t); ok {
			return Message{Kind: Reference, Reference: r}, true
		}
		return Message{}, false
	}
	rest := words[asked:]
	if len(rest) == 0 {
		return Message{Kind: Reference}, true
	}
	joined := strings.Join(rest, " ")
	if r, ok := programme.ParseReference(joined); ok {
		return Message{Kind: Reference, Reference: r, Rest: joined}, true
	}
	if len(rest) > 2 || !strings.ContainsFunc(joined, unicode.IsDigit) || len(joined) > 12 {
		return Message{}, false
	}
	if words[0] != "suivi" && strings.ContainsFunc(joined, unicode.IsLetter) {
		return Message{}, false // "code LAF1" names a project
	}
	return Message{Kind: Reference, Rest: joined}, true
}

// confidential reads a message that begins by asking for confidence.
func confidential(text string, words []string) (Message, bool) {
	w := words[0]
	if w != "confidentiel" && w != "confidentielle" && w != "confidentiellement" {
		return Message{}, false
	}
	_, rest, _ := strings.Cut(text, " ")
	return Message{Kind: Confidential, Rest: strings.TrimSpace(rest)}, true
}

// answers reads several answers in one message: every token is one or two digits
// or a project's code, parted by spaces, commas, stars, hashes or semicolons.
// Points, colons, slashes and dashes would make dates and times of them.
func answers(text string) ([]string, bool) {
	if len(text) > 8*maxInputs {
		return nil, false
	}
	tokens := strings.FieldsFunc(text, func(r rune) bool { return unicode.IsSpace(r) || strings.ContainsRune(",*#;", r) })
	if len(tokens) == 0 || len(tokens) > maxInputs {
		return nil, false
	}
	for i, t := range tokens {
		switch {
		case digits(t) && len(t) <= 2:
		case isCode(t):
			tokens[i] = strings.ToUpper(t)
		default:
			return nil, false
		}
	}
	if len(tokens) == 1 && !digits(tokens[0]) {
		return nil, false // a code by itself names a project, and answers nothing
	}
	if phone(tokens) {
		return nil, false
	}
	return tokens, true
}

// maxInputs is more than any flow asks.
const maxInputs = 12

// phone reports whether tokens are a number in pairs, as people write them: "76 12 34 56".
func phone(tokens []string) bool {
	if len(tokens) != 4 {
		return false
	}
	for _, t := range tokens {
		if len(t) != 2 || !digits(t) {
			return false
		}
	}
	return true
}

func digits(s string) bool {
	return s != "" && strings.Trim(s, "0123456789") == ""
}

// callMe reads the templates that operators send for people without credit, and
// what people write themselves. A number may follow; templates in documents write
// XX for its digits.
func callMe(words []string) (string, bool) {
	end := len(words)
	for end > 0 && strings.Trim(words[end-1], "0123456789x") == "" {
		end--
	}
	number := strings.Join(words[end:], "")
	if len(number) > 15 {
		return "", false
	}
	words = words[:end]
	for len(words) > 0 && (afterCall[words[len(words)-1]] || polite[words[len(words)-1]]) {
		words = words[:len(words)-1]
	}
	for len(words) > 0 && (polite[words[0]] || greets[words[0]]) {
		words = words[1:]
	}
	if len(words) == 0 || len(words) > 7 || !callTemplates[strings.Join(words, " ")] {
		return "", false
	}
	return strings.Trim(number, "x"), true
}

// operators reports whether a text is one that networks send by themselves. One
// sign of it is enough where no person would write so; else three are needed,
// and no word of a person's own may be there.
func operators(text string, words []string) bool {
	key := " " + strings.Join(words, " ") + " "
	for _, p := range operatorTexts {
		if strings.Contains(key, p) {
			return programme.FirstLevel(text) != programme.L3
		}
	}
	signs := 0
	for i, w := range words {
		if ownWords[w] {
			return false
		}
		if operatorSigns[w] && !slices.Contains(words[:i], w) {
			signs++
		}
	}
	if strings.Contains(text, "#") && strings.ContainsAny(text, "*") {
		signs += 2
	}
	if strings.Contains(key, " http") || strings.Contains(key, " www") {
		signs++
	}
	return signs >= 3
}

// near reports whether two words differ by one letter put in, left out, changed
// or swapped with its neighbour.
func near(a, b string) bool {
	if len(a) > len(b) {
		a, b = b, a
	}
	if len(b)-len(a) > 1 {
		return false
	}
	i := 0
	for i < len(a) && a[i] == b[i] {
		i++
	}
	if len(a) == len(b) {
		if i == len(a) || a[i+1:] == b[i+1:] {
			return true
		}
		return i+1 < len(a) && a[i] == b[i+1] && a[i+1] == b[i] && a[i+2:] == b[i+2:]
	}
	return a[i:] == b[i+1:]
}
