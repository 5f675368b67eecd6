package message

import "strings"

// Form is a body or query of name=value pairs, read with more tolerance than
// net/url has: a "%" that begins no escape stands for itself, ";" is no
// separator, and what cannot be right costs one value and not the whole form.
// Values are raw bytes in strings: RepairText makes text of them.
type Form map[string]string

// maxFields bounds the pairs that are read: the longest form of an aggregator
// has about 20 (Twilio).
const maxFields = 256

// ParseForm reads a form; where a name comes twice, the first one counts. A
// byte order mark before the first name is dropped.
func ParseForm(body string) Form {
	f := Form{}
	body = strings.TrimPrefix(body, "\uFEFF")
	for n := 0; body != "" && n < maxFields; n++ {
		var pair string
		pair, body, _ = strings.Cut(body, "&")
		name, value, _ := strings.Cut(pair, "=")
		name = strings.TrimSpace(unescape(name))
		if _, twice := f[name]; name != "" && !twice {
			f[name] = unescape(value)
		}
	}
	return f
}

// Has reports whether the form has that name, if only with an empty value.
func (f Form) Has(name string) bool { _, ok := f[name]; return ok }

// Text is the value of a name as repaired text.
func (f Form) Text(name string) string { return RepairText(f[name]) }

func unescape(s string) string {
	var b strings.Builder
	b.Grow(len(s))
	for i := 0; i < len(s); i++ {
		switch {
		case s[i] == '+':
			b.WriteByte(' ')
		case s[i] == '%' && i+2 < len(s) && hex(s[i+1]) >= 0 && hex(s[i+2]) >= 0:
			b.WriteByte(byte(hex(s[i+1])<<4 | hex(s[i+2])))
			i += 2
		default:
			b.WriteByte(s[i])
		}
	}
	return b.String()
}

func hex(c byte) int {
	switch {
	case c >= '0' && c <= '9':
		return int(c - '0')
	case c >= 'a' && c <= 'f':
		return int(c-'a') + 10
	case c >= 'A' && c <= 'F':
		return int(c-'A') + 10
	}
	return -1
}
