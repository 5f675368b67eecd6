// Package gsm counts and writes text as the phone network does: the GSM 7-bit
// default alphabet with its extension table, UCS-2 for all else, the segments
// of a short message, and the folding that brings the languages of Mali's
// phones into the 7-bit alphabet without losing a letter.
//
// Sources: 3GPP TS 23.038 (alphabets; the former GSM 03.38), 3GPP TS 23.040
// (concatenated short messages, 9.2.3.24.1), 3GPP TS 24.090 and 23.038 5
// (USSD strings of 160 octets).
package gsm

import "unicode/utf8"

// What one message or one USSD page holds.
const (
	SMSSeptets     = 160 // a single SMS: 140 octets of 7 bits (TS 23.040 9.2.3.16)
	SMSPartSeptets = 153 // a part of a joined one: 6 octets go to its header (TS 23.040 9.2.3.24.1)
	SMSUnits       = 70  // a single SMS in UCS-2
	SMSPartUnits   = 67  // a part of a joined one in UCS-2

	USSDSeptets = 182 // 160 octets of 7 bits (TS 23.038 6.1.2.3)
	USSDUnits   = 80  // 160 octets of UCS-2

	// What aggregators promise to carry on every network, and what Lafia uses.
	USSDSafeSeptets = 160
	USSDSafeUnits   = 70
)

// The default alphabet in order of its codes, 0x00 to 0x7F (TS 23.038 6.2.1).
// 0x1B is the escape to the extension table.
const alphabet = "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞ\x1bÆæßÉ" +
	" !\"#¤%&'()*+,-./0123456789:;<=>?" +
	"¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§" +
	"¿abcdefghijklmnopqrstuvwxyzäöñüà"

// Escape is the septet that leads into the extension table.
const Escape = 0x1B

// The extension table (TS 23.038 6.2.1.1); each costs two septets.
const (
	extended      = "\f^{}\\[~]|€"
	extendedCodes = "\x0A\x14\x28\x29\x2F\x3C\x3D\x3E\x40\x65"
)

// No character of ours has these codes.
const (
	none  = 0xFF // not in the alphabet
	twice = 0x80 // set on a code of the extension table
)

var (
	// codes gives the septet of a code point below 256.
	codes = encodeTable()
	// basic and beyond give the character of a septet.
	basic, beyond = decodeTables()
)

func encodeTable() (table [256]uint8) {
	for i := range table {
		table[i] = none
	}
	code := uint8(0)
	for _, r := range alphabet {
		if r < 256 && r != Escape {
			table[r] = code
		}
		code++
	}
	for i, r := range []rune(extended) {
		if r < 256 {
			table[r] = extendedCodes[i] | twice
		}
	}
	return table
}

func decodeTables() (basic, beyond [256]rune) {
	for i := range basic {
		basic[i], beyond[i] = utf8.RuneError, utf8.RuneError
	}
	for i, r := range []rune(alphabet) {
		basic[i] = r
	}
	for i, r := range []rune(extended) {
		beyond[extendedCodes[i]] = r
	}
	return basic, beyond
}

// code gives the septet of a character, with the bit twice set when it lies in
// the extension table, or none.
func code(r rune) uint8 {
	if uint32(r) < 256 {
		return codes[r]
	}
	switch r {
	case 'Δ':
		return 0x10
	case 'Φ':
		return 0x12
	case 'Γ':
		return 0x13
	case 'Λ':
		return 0x14
	case 'Ω':
		return 0x15
	case 'Π':
		return 0x16
	case 'Ψ':
		return 0x17
	case 'Σ':
		return 0x18
	case 'Θ':
		return 0x19
	case 'Ξ':
		return 0x1A
	case '€':
		return 0x65 | twice
	}
	return none
}

// Has reports whether the 7-bit alphabet, with its extension, has the character.
func Has(r rune) bool { return code(r) != none }

// Size is what one character costs: septets (0 when the 7-bit alphabet lacks
// it) and UCS-2 units (UTF-16 code units: 2 beyond the basic plane).
func Size(r rune) (septets, units int) {
	units = 1
	if r > 0xFFFF {
		units = 2
	}
	switch c := code(r); {
	case c == none:
		return 0, units
	case c&twice != 0:
		return 2, units
	default:
		return 1, units
	}
}

// Septets counts the septets of s. It is not ok when a character of s is not
// in the 7-bit alphabet.
func Septets(s string) (n int, ok bool) {
	for i := 0; i < len(s); {
		b := s[i]
		if b < utf8.RuneSelf {
			switch c := codes[b]; {
			case c == none:
				return 0, false
			case c&twice != 0:
				n += 2
			default:
				n++
			}
			i++
			continue
		}
		r, width := utf8.DecodeRuneInString(s[i:])
		septets, _ := Size(r)
		if septets == 0 {
			return 0, false
		}
		n += septets
		i += width
	}
	return n, true
}

// Units counts the UCS-2 units of s: its UTF-16 code units. A byte that is not
// UTF-8 counts as U+FFFD.
func Units(s string) (n int) {
	for _, r := range s {
		n++
		if r > 0xFFFF {
			n++
		}
	}
	return n
}

// Encoding is how the network will carry a text.
type Encoding string

// The two encodings.
const (
	GSM7 Encoding = "gsm7"
	UCS2 Encoding = "ucs2"
)

// Measure says how s goes out as an SMS: its encoding, its size in that
// encoding's units (septets, or UTF-16 code units) and its segments. Neither an
// escape and its septet nor the two halves of a surrogate pair are ever in two
// segments, so a segment may end one unit early: the parts are filled one
// character after the other, not divided. An empty text is one segment.
func Measure(s string) (encoding Encoding, units, segments int) {
	if n, ok := Septets(s); ok {
		if n <= SMSSeptets {
			return GSM7, n, 1
		}
		return GSM7, n, parts(s, SMSPartSeptets, true)
	}
	n := Units(s)
	if n <= SMSUnits {
		return UCS2, n, 1
	}
	return UCS2, n, parts(s, SMSPartUnits, false)
}

func parts(s string, capacity int, septets bool) int {
	full, used := 0, 0
	for _, r := range s {
		size, units := Size(r)
		if !septets {
			size = units
		}
		if used+size > capacity {
			full, used = full+1, 0
		}
		used += size
	}
	return full + 1
}

// Encode writes s in the 7-bit alphabet, one septet a byte (unpacked, as SMPP
// and the aggregators carry it). It is not ok when a character is missing there.
func Encode(s string) (b []byte, ok bool) {
	n, ok := Septets(s)
	if !ok {
		return nil, false
	}
	b = make([]byte, 0, n)
	for _, r := range s {
		c := code(r)
		if c&twice != 0 {
			b = append(b, Escape)
		}
		b = append(b, c&^twice)
	}
	return b, true
}

// Decode reads text of the 7-bit alphabet, one septet a byte. What the standard
// leaves open is read as it asks (TS 23.038 6.2.1.1): an escape before a code
// that the extension table lacks is that code of the default alphabet, a double
// escape is a space. It is not ok when a byte is not a septet (U+FFFD stands
// for it) or the last escape has nothing behind it (it is dropped).
func Decode(b []byte) (s string, ok bool) {
	text := make([]rune, 0, len(b))
	ok = true
	for i := 0; i < len(b); i++ {
		c := b[i]
		if c == Escape {
			if i+1 == len(b) {
				ok = false
				break
			}
			i++
			c = b[i]
			switch {
			case c == Escape:
				text = append(text, ' ')
				continue
			case beyond[c] != utf8.RuneError:
				text = append(text, beyond[c])
				continue
			}
		}
		if c >= 0x80 {
			ok = false
		}
		text = append(text, basic[c])
	}
	return string(text), ok
}
