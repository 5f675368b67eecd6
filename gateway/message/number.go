package message

import (
	"fmt"
	"log/slog"
	"strings"
)

// Number is a sender or receiver: E.164 with its plus, a short code of 3 to 6
// digits, or an alphanumeric name. It does not print: String, GoString,
// LogValue, MarshalText and every fmt verb give a mask. Reveal gives the value.
type Number struct{ value string }

// Mask stands for any number wherever one would be printed.
const Mask = "[number]"

// ParseNumber reads a number as aggregators write them (aggregators.md rule 5):
// surrounding space is the plus of an unescaped "+223…", 00 is a plus, inner
// spaces, dots, dashes and brackets are dropped, and 8 to 15 digits that start
// with a country code get their plus. Short codes and names stay as they are.
// The zero Number means that there was nothing to read.
func ParseNumber(s string) Number {
	s = strings.TrimSpace(s)
	s = strings.TrimPrefix(s, "tel:")
	if s == "" {
		return Number{}
	}
	var digits strings.Builder
	plus := false
	for i, r := range s {
		switch {
		case r >= '0' && r <= '9':
			digits.WriteRune(r)
		case r == '+' && i == 0:
			plus = true
		case r == ' ' || r == '-' || r == '.' || r == '(' || r == ')' || r == '\u00a0' || r == '\u202f':
		default:
			return Number{value: strings.Clone(s)} // a name
		}
	}
	d := digits.String()
	if !plus && strings.HasPrefix(d, "00") && len(d) > 8 {
		plus, d = true, d[2:]
	}
	switch {
	case d == "":
		return Number{}
	case plus:
		return Number{value: "+" + d}
	case len(d) == 8 && d[0] >= '2': // Mali's closed plan of 8 digits (ITU notice 6.III.2018)
		return Number{value: "+223" + d}
	case len(d) > 8 && len(d) <= 15:
		return Number{value: "+" + d}
	}
	return Number{value: strings.Clone(d)}
}

// Reveal gives the number itself. Its callers are listed by a test.
func (n Number) Reveal() string { return n.value }

// IsZero reports whether there is no number.
func (n Number) IsZero() bool { return n.value == "" }

// IsPhone reports whether the number is a full E.164 number, which a person can
// be answered at; short codes and names cannot.
func (n Number) IsPhone() bool {
	return len(n.value) >= 9 && len(n.value) <= 16 && n.value[0] == '+'
}

// Format prints the mask for every verb, so that no %v, %s or %q shows a number.
func (n Number) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(Mask)) }

// String gives the mask.
func (n Number) String() string { return Mask }

// GoString gives the mask.
func (n Number) GoString() string { return Mask }

// LogValue gives the mask.
func (n Number) LogValue() slog.Value { return slog.StringValue(Mask) }

// MarshalText gives the mask, so that no encoder writes a number by accident.
func (n Number) MarshalText() ([]byte, error) { return []byte(Mask), nil }

// Secret is a token, password or key from configuration. It does not print.
type Secret struct{ value string }

// NewSecret wraps a secret.
func NewSecret(s string) Secret { return Secret{value: s} }

// Reveal gives the secret itself.
func (s Secret) Reveal() string { return s.value }

// IsZero reports whether there is no secret.
func (s Secret) IsZero() bool { return s.value == "" }

// Format prints the mask for every verb.
func (s Secret) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte("[secret]")) }

// String gives the mask.
func (s Secret) String() string { return "[secret]" }

// GoString gives the mask.
func (s Secret) GoString() string { return "[secret]" }

// LogValue gives the mask.
func (s Secret) LogValue() slog.Value { return slog.StringValue("[secret]") }

// MarshalText gives the mask.
func (s Secret) MarshalText() ([]byte, error) { return []byte("[secret]"), nil }

// UnmarshalText reads a secret from configuration.
func (s *Secret) UnmarshalText(b []byte) error { s.value = string(b); return nil }
