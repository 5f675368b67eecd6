package message

import (
	"strings"
	"unicode/utf8"

	"golang.org/x/text/encoding/charmap"
)

// RepairText makes text of a wire format valid UTF-8 without NUL. What is
// valid already comes back as it is, unless it is certain that UTF-8 was
// encoded twice ("franÃ§ais"). Bytes that are no UTF-8 are read as
// Windows-1252 when the text holds no UTF-8 beside them (aggregators that take
// a handset's Latin-1 for their own), else each run of them becomes one
// U+FFFD. An incomplete character at the end of what is UTF-8 otherwise is the
// mark of a cut message and becomes U+FFFD too.
//
// A repair looks at the whole of its text: repair the inputs of a cumulative
// chain one by one, so that a later one cannot change how an earlier one reads.
func RepairText(s string) string {
	if strings.IndexByte(s, 0) >= 0 {
		s = strings.ReplaceAll(s, "\x00", "")
	}
	switch {
	case isASCII(s):
	case utf8.ValidString(s):
		if once, ok := decodedTwice(s); ok {
			s = strings.ReplaceAll(once, "\x00", "")
		}
	default:
		s = repairBytes(s)
	}
	return strings.Clone(s)
}

// repairBytes reads what is not valid UTF-8.
func repairBytes(s string) string {
	if n := cutCharacter(s); n > 0 && utf8.ValidString(s[:len(s)-n]) {
		return s[:len(s)-n] + "\uFFFD"
	}
	for i := 0; i < len(s); {
		r, size := utf8.DecodeRuneInString(s[i:])
		if r >= utf8.RuneSelf && size > 1 {
			return strings.ToValidUTF8(s, "\uFFFD") // some of it is UTF-8: the rest is damage
		}
		i += size
	}
	var b strings.Builder
	for i := range len(s) {
		b.WriteRune(charmap.Windows1252.DecodeByte(s[i]))
	}
	return b.String()
}

// cutCharacter is how many bytes at the end of s begin a character that does
// not end. A lone last byte of E0 to F4 is not counted: alone it is likelier
// the é or à of Latin-1.
func cutCharacter(s string) int {
	for n := 1; n <= 3 && n <= len(s); n++ {
		c := s[len(s)-n]
		switch {
		case c >= 0x80 && c <= 0xBF:
			continue
		case n == 1 && c >= 0xC3 && c <= 0xDF,
			n == 2 && c >= 0xE0 && c <= 0xF4,
			n == 3 && c >= 0xF0 && c <= 0xF4:
			return n
		}
		return 0
	}
	return 0
}

// decodedTwice undoes a second encoding where that is certain: each character
// beyond ASCII stands for one byte, these bytes are UTF-8, what they spell is
// used in the languages of Mali, and it is not one lone pair that someone could
// have typed (É” in capitals between quotes is also an ɔ encoded twice).
func decodedTwice(s string) (string, bool) {
	b := make([]byte, 0, len(s))
	for _, r := range s {
		switch c, ok := charmap.Windows1252.EncodeRune(r); {
		case r < 0x100 && (r < 0x80 || r > 0x9F):
			b = append(b, byte(r))
		case ok:
			b = append(b, c)
		case r <= 0x9F: // a Latin-1 reader leaves C1 controls
			b = append(b, byte(r))
		default:
			return "", false
		}
	}
	if !utf8.Valid(b) {
		return "", false
	}
	evidence := 0
	for _, r := range string(b) {
		switch {
		case r < utf8.RuneSelf:
		case r >= 0xA0 && r <= 0xFF, r == '‘', r == '’', r == '“', r == '”', r == '–', r == '—', r == '…', r == '€', r == '•', r == '\u202f':
			evidence += 2 // written with Â, Ã or â before a sign: nobody does
		case strings.ContainsRune("ɛƐɔƆɲƝŋŊœŒšŠžŽẽẼ", r):
			evidence++
		default:
			return "", false
		}
	}
	return string(b), evidence >= 2
}

func isASCII(s string) bool {
	for i := range len(s) {
		if s[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}
