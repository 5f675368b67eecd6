package locale

import (
	"bufio"
	"bytes"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// Attested are words of a language that somebody printed before us, without
// their meanings (see NOTICE beside the lists). A word that is in none may be
// right: whoever reviews looks at it first.
type Attested map[string]bool

// LoadAttested reads words/TAG.txt of fsys: a word and the letters of its
// sources a line, # for comments. Without such a file the language has no list,
// and the answer is nil.
func LoadAttested(fsys fs.FS, tag string) (Attested, error) {
	data, err := fs.ReadFile(fsys, "words/"+tag+".txt")
	if err != nil {
		if _, missing := fs.Stat(fsys, "words/"+tag+".txt"); missing != nil {
			return nil, nil
		}
		return nil, err
	}
	list := Attested{}
	lines := bufio.NewScanner(bytes.NewReader(data))
	for n := 1; lines.Scan(); n++ {
		line := strings.TrimSpace(lines.Text())
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		word, sources, _ := strings.Cut(line, " ")
		if sources == "" {
			return nil, fmt.Errorf("words/%s.txt:%d: %s has no source", tag, n, word)
		}
		list[attestedForm(word)] = true
	}
	return list, lines.Err()
}

// attestedForm is how words are compared here: composed, in lower case, without
// the marks of tones, which ordinary writing leaves out (languages.md 1). The
// tilde of Songhai is no tone.
func attestedForm(word string) string {
	var b strings.Builder
	for _, r := range norm.NFC.String(strings.ToLower(norm.NFC.String(word))) {
		if r == 'š' || r == 'ž' { // their caron is no tone
			b.WriteRune(r)
			continue
		}
		for _, part := range norm.NFD.String(string(r)) {
			switch part {
			case '\u0300', '\u0301', '\u0302', '\u030C': // grave, acute, circumflex, caron
			default:
				b.WriteRune(part)
			}
		}
	}
	return norm.NFC.String(b.String())
}

// neutral are words of every language's screens: the unit of money, the message
// itself, the sign of a product, and the keywords that are typed as they stand.
var neutral = map[string]bool{"f": true, "cfa": true, "sms": true, "x": true, "menu": true, "start": true, "stop": true, "garder": true, "rappel": true}

// elided are what a vowel was dropped from before an apostrophe: b'a, k'a, y'a,
// t'a, m'a, n'a (languages.md 1 has them from the corpora).
var elided = map[string]bool{"b": true, "k": true, "y": true, "t": true, "m": true, "n": true}

// Missing lists the words of a text that the list does not attest, each once, in order.
func (a Attested) Missing(text string) (words []string) {
	for _, word := range strings.FieldsFunc(placeholder.ReplaceAllString(text, " "), func(r rune) bool {
		return !unicode.IsLetter(r) && !unicode.IsMark(r) && r != '\'' && r != '’' && r != '-'
	}) {
		word = strings.Trim(strings.ToLower(strings.ReplaceAll(word, "’", "'")), "'-")
		if word == "" || a.has(attestedForm(word)) || slices.Contains(words, word) {
			continue
		}
		words = append(words, word)
	}
	return words
}

func (a Attested) has(word string) bool {
	if a[word] || neutral[word] {
		return true
	}
	first, rest, contracted := strings.Cut(word, "'")
	return contracted && elided[first] && a.has(rest)
}

// endings are regular in the language: the plural and the perfective of Bambara,
// the plural and the definite of Songhai, and what verbs take in both
// (languages.md 5 and 6 have examples of each).
var endings = map[string][]string{
	"bm":  {"w", "ra", "la", "na", "len", "nen", "li", "ni", "ba"},
	"ses": {"ey", "wey", "oo", "woo", "yoo", "y", "di", "andi", "ante", "nte"},
	"khq": {"ey", "oo", "di"},
}

// Stem is the attested word that a word may be built on by an ending of its
// language, "" without one.
func (a Attested) Stem(tag, word string) string {
	best := ""
	word = attestedForm(word)
	for _, ending := range endings[tag] {
		stem, ok := strings.CutSuffix(word, ending)
		if !ok {
			continue
		}
		for _, vowel := range []string{"", "o", "u", "a", "i", "e"} { // the definite takes the last vowel's place
			if candidate := stem + vowel; len([]rune(stem)) > 1 && a[candidate] && len(candidate) > len(best) {
				best = candidate
			}
		}
	}
	return best
}
