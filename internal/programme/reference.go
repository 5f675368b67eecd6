package programme

import (
	"fmt"
	"strings"
)

// Reference is what a person can say aloud to ask for news: eight digits, the
// last one a check digit, shown as 4827-1936. It opens nothing without the
// phone that it was given to.
type Reference string

// ReferenceOf makes the reference of a run from the first eight bytes of
// HMAC(run id): seven digits and their check digit. The same run always has the
// same reference.
func ReferenceOf(mac []byte) Reference {
	var v uint64
	for _, b := range mac[:8] {
		v = v<<8 | uint64(b)
	}
	d := fmt.Sprintf("%07d", v%10_000_000)
	return Reference(d + string(CheckDigit(d)))
}

// ParseReference reads a reference as people type it, with or without the dash
// or spaces, and refuses a wrong check digit.
func ParseReference(s string) (Reference, bool) {
	var b strings.Builder
	for _, r := range s {
		switch {
		case r >= '0' && r <= '9':
			b.WriteRune(r)
		case r == '-' || r == ' ' || r == '.':
		default:
			return "", false
		}
	}
	d := b.String()
	if len(d) != 8 || CheckDigit(d[:7]) != d[7] {
		return "", false
	}
	return Reference(d), true
}

// String shows the reference as it is printed: 4827-1936.
func (r Reference) String() string {
	if len(r) != 8 {
		return string(r)
	}
	return string(r[:4]) + "-" + string(r[4:])
}

// damm is the quasigroup of H. Michael Damm's thesis (2004), of order 10: it
// finds every single wrong digit and every swap of neighbours.
var damm = [10][10]byte{
	{0, 3, 1, 7, 5, 9, 8, 6, 4, 2},
	{7, 0, 9, 2, 1, 5, 4, 8, 6, 3},
	{4, 2, 0, 6, 8, 7, 1, 3, 5, 9},
	{1, 7, 5, 0, 9, 8, 3, 4, 2, 6},
	{6, 1, 2, 3, 0, 4, 5, 9, 7, 8},
	{3, 6, 7, 4, 2, 0, 9, 5, 8, 1},
	{5, 8, 6, 9, 7, 2, 0, 1, 3, 4},
	{8, 9, 4, 5, 3, 6, 2, 0, 1, 7},
	{9, 4, 3, 8, 6, 1, 7, 2, 0, 5},
	{2, 5, 8, 1, 4, 3, 6, 7, 9, 0},
}

// CheckDigit gives Damm's check digit of a string of digits. Project codes on
// the phone and references both end with it.
func CheckDigit(digits string) byte {
	var c byte
	for i := range len(digits) {
		c = damm[c][digits[i]-'0']
	}
	return '0' + c
}
