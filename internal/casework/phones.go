package casework

import (
	"strings"
	"unicode"

	"lafia/internal/programme"
)

// Phones says how words reach a phone: the languages and channels, which casework
// does not know itself.
type Phones struct {
	// Say says a message in a language, folded as a phone shows it.
	Say func(language, key string, args map[string]string) string
	// Dial gives what is dialled for a channel, as *384*1#; "": nothing can be.
	Dial func(channel string) string
	// Measure tells how a folded text fits a phone of that language.
	Measure func(language, text string) Measure
	// Fold shows words as a phone of a language does.
	Fold func(language, text string) string
	// Languages are those that people are written to in, the source language first.
	Languages []Language
	// Sending is what sending costs and takes. nil: announcements are not made.
	Sending *Sending
	// Banned are words that no SMS says (context.md 5.3), each for itself, or for
	// what is built on it when it ends in *.
	Banned []string
}

// Language is one that people are written to in.
type Language struct{ Tag, Name string }

// Measure is how a text fits a phone.
type Measure struct {
	GSM7  bool // in the 7-bit alphabet; else its pages and parts hold less
	Units int  // septets, or UTF-16 code units
	Pages int  // of a USSD screen
	Parts int  // of an SMS
}

// banned gives the words of a text that an SMS should not say, as they were
// written: those of the list, the place that it is about, and amounts.
func (p *Phones) banned(text, place string) []string {
	list := append(strings.Fields(place), p.Banned...)
	var found []string
	words := strings.FieldsFunc(text, func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) && r != '\'' && r != '’' })
	for i, w := range words {
		if parts := strings.FieldsFunc(w, func(r rune) bool { return r == '\'' || r == '’' }); len(parts) > 0 {
			w = parts[len(parts)-1] // "l'arme"
		}
		if amount(words, i) || anyOf(list, programme.MatchKey(w)) {
			found = append(found, w)
		}
	}
	return found
}

func anyOf(list []string, word string) bool {
	for _, entry := range list {
		stem, open := strings.CutSuffix(entry, "*")
		stem = programme.MatchKey(stem)
		if word != "" && (word == stem || open && stem != "" && strings.HasPrefix(word, stem)) {
			return true
		}
	}
	return false
}

// amount reports whether a word is a sum of money: digits with francs behind.
func amount(words []string, i int) bool {
	if strings.Trim(words[i], "0123456789") != "" || i+1 == len(words) {
		return false
	}
	switch programme.MatchKey(words[i+1]) {
	case "f", "fcfa", "cfa", "franc", "francs":
		return true
	}
	return false
}
