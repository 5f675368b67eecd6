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
	b.Grow(len(s))
	space := false
	s = strings.ToLower(s)
	if !ascii(s) {
		s = norm.NFD.String(s)
	}
	for _, r := range s {
		var out string
		switch {
		case r >= 'a' && r <= 'z' || r >= '0' && r <= '9':
			if space {
				b.WriteByte(' ')
				space = false
			}
			b.WriteByte(byte(r))
			continue
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

func ascii(s string) bool {
	for i := range len(s) {
		if s[i] >= 0x80 {
			return false
		}
	}
	return true
}
