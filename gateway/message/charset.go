package message

import (
	"strings"
	"unicode/utf16"

	"golang.org/x/text/encoding/charmap"
)

// The GSM 7-bit default alphabet in the order of its codes, 0x00 to 0x7F; 0x1B
// leads into the extension table below (3GPP TS 23.038 6.2.1 and 6.2.1.1, once
// GSM 03.38). internal/gsm has the same tables for what we send: an adapter
// imports nothing but this package, and a test holds the two together.
const gsmAlphabet = "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞ\x1bÆæßÉ" +
	" !\"#¤%&'()*+,-./0123456789:;<=>?" +
	"¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§" +
	"¿abcdefghijklmnopqrstuvwxyzäöñüà"

const gsmEscape = 0x1B

// gsmBasic gives the character of a code.
var gsmBasic = []rune(gsmAlphabet)

func gsmExtended(c byte) (rune, bool) {
	switch c {
	case 0x0A:
		return '\f', true
	case 0x14:
		return '^', true
	case 0x28:
		return '{', true
	case 0x29:
		return '}', true
	case 0x2F:
		return '\\', true
	case 0x3C:
		return '[', true
	case 0x3D:
		return '~', true
	case 0x3E:
		return ']', true
	case 0x40:
		return '|', true
	case 0x65:
		return '€', true
	}
	return 0, false
}

// DecodeGSM reads GSM 03.38 unpacked: one septet a byte, as SMPP gateways hand
// it over undecoded. An escape before a code that the extension table lacks is
// that code of the default alphabet, two escapes are a space, a last escape is
// dropped (TS 23.038 6.2.1.1). It is not ok when a byte has its eighth bit set,
// for which U+FFFD stands: then it was not this alphabet.
func DecodeGSM(b []byte) (text string, ok bool) {
	var s strings.Builder
	s.Grow(len(b))
	ok = true
	for i := 0; i < len(b); i++ {
		c := b[i]
		if c == gsmEscape {
			if i++; i == len(b) {
				break
			}
			c = b[i]
			if r, extended := gsmExtended(c); extended {
				s.WriteRune(r)
				continue
			}
			if c == gsmEscape {
				c = ' '
			}
		}
		if c >= 0x80 {
			ok = false
			s.WriteRune('\uFFFD')
			continue
		}
		s.WriteRune(gsmBasic[c])
	}
	return s.String(), ok
}

// IsGSM reports whether the GSM 7-bit alphabet, with its extension, has every
// character of text. What it lacks has to be sent as UCS-2.
func IsGSM(text string) bool {
	for _, r := range text {
		switch {
		case r == gsmEscape:
			return false
		case strings.ContainsRune("\f^{}\\[~]|€", r):
		case !strings.ContainsRune(gsmAlphabet, r):
			return false
		}
	}
	return true
}

// DecodeUTF16BE reads UTF-16 in network order, the UCS-2 of short messages
// (TS 23.038 6.2.3) and more: characters beyond the basic plane are read too,
// since phones send them so. A byte order mark is obeyed and dropped; half a
// character is U+FFFD; NUL is dropped.
func DecodeUTF16BE(b []byte) string {
	high, low := 0, 1
	if len(b) >= 2 && b[0] == 0xFF && b[1] == 0xFE {
		high, low = 1, 0
	}
	units := make([]uint16, 0, len(b)/2)
	for ; len(b) >= 2; b = b[2:] {
		if u := uint16(b[high])<<8 | uint16(b[low]); u != 0 && (u != 0xFEFF || len(units) > 0) {
			units = append(units, u)
		}
	}
	text := string(utf16.Decode(units))
	if len(b) > 0 {
		text += "\uFFFD"
	}
	return text
}

// EncodeUTF16BE writes text in UTF-16, in network order and without a mark.
func EncodeUTF16BE(text string) []byte {
	units := utf16.Encode([]rune(text))
	b := make([]byte, 0, 2*len(units))
	for _, u := range units {
		b = append(b, byte(u>>8), byte(u))
	}
	return b
}

// DecodeCharset reads bytes in a character set named as HTTP and Kannel name
// it, in any case. Latin-1 is read as Windows-1252, which has letters where
// Latin-1 has controls, as encoding.spec.whatwg.org does. Text in UTF-8 is
// repaired (RepairText). It is not ok when the name is not known.
func DecodeCharset(b []byte, name string) (text string, ok bool) {
	switch strings.ToUpper(strings.Trim(strings.TrimSpace(name), `"`)) {
	case "UTF-8", "UTF8", "US-ASCII", "ASCII":
		return RepairText(strings.TrimPrefix(string(b), "\uFEFF")), true
	case "UTF-16BE", "UTF-16", "UTF16", "UCS-2", "UCS-2BE", "ISO-10646-UCS-2":
		return DecodeUTF16BE(b), true
	case "UTF-16LE", "UCS-2LE":
		return DecodeUTF16BE(append([]byte{0xFF, 0xFE}, b...)), true
	case "WINDOWS-1252", "CP1252", "ISO-8859-1", "LATIN1", "LATIN-1", "ISO8859-1":
		return single(charmap.Windows1252, b), true
	case "ISO-8859-15", "LATIN9", "LATIN-9":
		return single(charmap.ISO8859_15, b), true
	case "GSM", "GSM7", "GSM0338", "GSM-0338", "GSM 03.38":
		text, _ = DecodeGSM(b)
		return text, true
	}
	return "", false
}

func single(set *charmap.Charmap, b []byte) string {
	var s strings.Builder
	s.Grow(len(b))
	for _, c := range b {
		if c != 0 {
			s.WriteRune(set.DecodeByte(c))
		}
	}
	return s.String()
}
