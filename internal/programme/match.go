package programme

import (
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// MatchKey folds text for comparing what people type with what is meant: lower
// case, accents and tones gone, the letters of Bambara and Songhay as they are
// typed on a basic phone (languages.md 1), words separated by one space.
func MatchKey(s string) string {
	var b strings.Builder
	space := false
	for _, r := range norm.NFD.String(strings.ToLower(s)) {
		var out string
		switch {
		case unicode.Is(unicode.Mn, r), r == '\'', r == '’', r == '‘', r == '`':
			continue
		case r == 'ɛ':
			out = "e"
		case r == 'ɔ':
			out = "o"
		case r == 'ɲ':
			out = "ny"
		case r == 'ŋ':
			out = "ng"
		case r == 'œ':
			out = "oe"
		case unicode.IsLetter(r), unicode.IsDigit(r):
			out = string(r)
		default:
			space = b.Len() > 0
			continue
		}
		if space {
			b.WriteByte(' ')
			space = false
		}
		b.WriteString(out)
	}
	return b.String()
}

// confidentialWords are whole words, folded, that make a text go to the focal
// points first and be lowered by a person, never the reverse (context.md 2.4).
// The list is short on purpose: it names what T17, T18, T21, T22 and X1 to X7 of
// the taxonomy are about, and nothing that ordinary disputes are told with.
var confidentialWords = words(`confidentiel confidentielle viol viole violee violees violer agression attouchement attouchements
	harcelement inceste excision esclave esclavage kidnapping kidnappe enlevement enleve enlevee djihadiste djihadistes jihadiste
	jihadistes terroriste terroristes kalachnikov arme armes fusil fusils explosion bombe suicide suicider gundo sutura`)

var confidentialPhrases = []string{
	"coup de feu", "coups de feu", "mariage force", "violence sur", "femme battue", "a ete battue",
	"abus sexuel", "fatigue de la vie", "envie de mourir",
}

func words(list string) map[string]bool {
	out := map[string]bool{}
	for _, w := range strings.Fields(list) {
		out[w] = true
	}
	return out
}

// LooksConfidential reports whether a text may be about what only protection
// focal points should read.
func LooksConfidential(text string) bool {
	k := MatchKey(text)
	for _, w := range strings.Fields(k) {
		if confidentialWords[w] {
			return true
		}
	}
	padded := " " + k + " "
	for _, p := range confidentialPhrases {
		if strings.Contains(padded, " "+p+" ") {
			return true
		}
	}
	return false
}
