package gsm

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// Table is what one language adds to the common folding: a character and what
// is written for it in the 7-bit alphabet. The nil Table adds nothing.
type Table map[rune]string

// Check reports the first entry that would make folding lose something or not
// come to rest: an ASCII character, nothing to write, or something to write
// that is itself outside the 7-bit alphabet or folded again.
func (t Table) Check() error {
	for _, from := range slices.Sorted(maps.Keys(t)) {
		to := t[from]
		if from < utf8.RuneSelf {
			return fmt.Errorf("%q is ASCII: it needs no folding", from)
		}
		if to == "" {
			return fmt.Errorf("%q would be deleted", from)
		}
		if !norm.NFC.IsNormalString(string(from)) {
			return fmt.Errorf("%q is never seen: text is composed (NFC) before it is folded", from)
		}
		if _, ok := Septets(to); !ok {
			return fmt.Errorf("%q: %q is not in the 7-bit alphabet", from, to)
		}
		for _, r := range to {
			if _, again := t[r]; again {
				return fmt.Errorf("%q: %q is folded itself", from, r)
			}
		}
	}
	return nil
}

// Fold writes s with the letters of the 7-bit alphabet where a usual spelling
// has them: composed (NFC), then the language's table, then the common one,
// which is good French, Bambara and Songhai alike (the spelling of before 1982
// for the open vowels: languages.md 2). It never deletes a letter: what has no
// mapping stays, and the text is then UCS-2. Folding what is folded changes
// nothing. Text that needs nothing is returned as it is.
//
//	ɛ ɔ        è ò; capitals E O, the alphabet lacks È Ò
//	ɲ ŋ        ny, ng; ŋ is n before g and k
//	š ž        s z before e and i, else sh j
//	ã ẽ õ      a e o
//	ç â ê ë …  the letter without its mark; œ oe
//	’ “ « … –  ' " " ... -; « » lose their inner spaces
//	U+00A0 U+202F  a space
func Fold(s string, table Table) string {
	if isASCII(s) {
		return s
	}
	for {
		folded := fold(norm.NFC.String(s), table)
		// A mark that stood on a folded letter may now stand on its base.
		if folded == s || norm.NFC.IsNormalString(folded) {
			return folded
		}
		s = folded
	}
}

func isASCII(s string) bool {
	for i := 0; i < len(s); i++ {
		if s[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

func fold(s string, table Table) string {
	var b []byte // nil until the first change
	prev := rune(0)
	for i := 0; i < len(s); {
		r, width := utf8.DecodeRuneInString(s[i:])
		to, changed := "", false
		eat := 0 // bytes behind r that go with it
		if r >= utf8.RuneSelf {
			if to, changed = table[r]; !changed {
				to, eat, changed = common(r, prev, s[i+width:])
			}
		}
		if changed && b == nil {
			b = make([]byte, 0, len(s)+8)
			b = append(b, s[:i]...)
		}
		switch {
		case changed:
			if r == '»' {
				b = trimSpaces(b)
			}
			b = append(b, to...)
		case b != nil:
			b = append(b, s[i:i+width]...)
		}
		prev = r
		i += width + eat
	}
	if b == nil {
		return s
	}
	return string(b)
}

// trimSpaces drops the spaces before a closing guillemet.
func trimSpaces(b []byte) []byte {
	for len(b) > 0 && b[len(b)-1] == ' ' {
		b = b[:len(b)-1]
	}
	return b
}

// single is the folding of one character into a text that does not depend on
// its neighbours.
func single(r rune) string {
	switch r {
	case 'ɛ':
		return "è"
	case 'ɔ':
		return "ò"
	case 'Ɛ', 'È', 'Ê', 'Ë', 'Ẽ':
		return "E"
	case 'Ɔ', 'Ò', 'Ô', 'Õ':
		return "O"
	case 'À', 'Â', 'Ã':
		return "A"
	case 'Î', 'Ï':
		return "I"
	case 'Ù', 'Û':
		return "U"
	case 'Ÿ':
		return "Y"
	case 'â', 'ã':
		return "a"
	case 'ç':
		return "c"
	case 'ê', 'ë', 'ẽ':
		return "e"
	case 'î', 'ï':
		return "i"
	case 'ô', 'õ':
		return "o"
	case 'û':
		return "u"
	case 'ÿ':
		return "y"
	case '’', '‘':
		return "'"
	case '“', '”', '»':
		return `"`
	case '…':
		return "..."
	case '–', '—':
		return "-"
	case '\u00A0', '\u202F':
		return " "
	}
	return ""
}

// common is the folding every language shares. rest is what follows r, prev
// what stood before it.
func common(r, prev rune, rest string) (to string, eat int, ok bool) {
	if to = single(r); to != "" {
		return to, 0, true
	}
	switch r {
	case '«':
		return `"`, leadingSpaces(rest), true
	case 'ɲ':
		return "ny", 0, true
	case 'œ':
		return "oe", 0, true
	case 'ŋ':
		if before(rest, "gGkK") {
			return "n", 0, true
		}
		return "ng", 0, true
	case 'š':
		if before(rest, "eiEI") {
			return "s", 0, true
		}
		return "sh", 0, true
	case 'ž':
		if before(rest, "eiEI") {
			return "z", 0, true
		}
		return "j", 0, true
	case 'Ɲ':
		return capital("Ny", "NY", prev, rest), 0, true
	case 'Œ':
		return capital("Oe", "OE", prev, rest), 0, true
	case 'Ŋ':
		if before(rest, "gGkK") {
			return "N", 0, true
		}
		return capital("Ng", "NG", prev, rest), 0, true
	case 'Š':
		if before(rest, "eiEI") {
			return "S", 0, true
		}
		return capital("Sh", "SH", prev, rest), 0, true
	case 'Ž':
		if before(rest, "eiEI") {
			return "Z", 0, true
		}
		return "J", 0, true
	}
	return "", 0, false
}

// before reports whether the next letter, its mark taken off, is one of letters.
func before(rest, letters string) bool {
	r, _ := utf8.DecodeRuneInString(rest)
	switch r {
	case 'ɛ', 'è', 'é', 'ê', 'ë', 'ẽ', 'Ɛ', 'È', 'É', 'Ê', 'Ë', 'Ẽ':
		r = 'e'
	case 'î', 'ï', 'Î', 'Ï':
		r = 'i'
	}
	return r != utf8.RuneError && strings.ContainsRune(letters, r)
}

// capital chooses between Ny and NY: a word in capitals stays one.
func capital(title, upper string, prev rune, rest string) string {
	next, _ := utf8.DecodeRuneInString(rest)
	if unicode.IsLetter(next) {
		if unicode.IsUpper(next) {
			return upper
		}
		return title
	}
	if unicode.IsUpper(prev) {
		return upper
	}
	return title
}

func leadingSpaces(s string) (n int) {
	for n < len(s) {
		r, width := utf8.DecodeRuneInString(s[n:])
		if r != ' ' && r != '\u00A0' && r != '\u202F' {
			break
		}
		n += width
	}
	return n
}
