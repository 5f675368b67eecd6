package flow

import (
	"strconv"
	"strings"
)

// parseNumber reads a whole number as people write it on a phone: "24", "24 000",
// "24.000". It refuses to guess beyond that: "24,5" is no whole number.
func parseNumber(s string) (int64, bool) {
	s = strings.TrimSpace(s)
	if s == "" {
		return 0, false
	}
	groups := strings.FieldsFunc(s, func(r rune) bool { return r == ' ' || r == '.' || r == '\u00a0' || r == '\u202f' })
	for i, g := range groups {
		if i > 0 && len(g) != 3 || i == 0 && len(groups) > 1 && len(g) > 3 {
			return 0, false
		}
	}
	digits := strings.Join(groups, "")
	if digits == "" || len(digits) > 12 {
		return 0, false
	}
	for _, r := range digits {
		if r < '0' || r > '9' {
			return 0, false
		}
	}
	n, err := strconv.ParseInt(digits, 10, 64)
	return n, err == nil
}

// parseMoney reads francs CFA: also "24000f", "24 000 F CFA", "24mil".
func parseMoney(s string) (int64, bool) {
	s = strings.ToLower(strings.TrimSpace(s))
	for _, unit := range []string{"cfa", "fcfa", "francs", "franc", "f"} {
		s = strings.TrimSpace(strings.TrimSuffix(s, unit))
	}
	times := int64(1)
	for _, word := range []string{"mille", "mil"} {
		if t, ok := strings.CutSuffix(s, word); ok {
			s, times = strings.TrimSpace(t), 1000
			break
		}
	}
	n, ok := parseNumber(s)
	return n * times, ok
}

// decimal is a number that may have a fraction, as it is kept: "24", "12.5".
type decimal struct {
	whole    int64
	fraction string // its digits, without zeros at the end
}

func (d decimal) String() string {
	if d.fraction == "" {
		return itoa64(d.whole)
	}
	return itoa64(d.whole) + "." + d.fraction
}

func (d decimal) less(n int64) bool { return d.whole < n }
func (d decimal) more(n int64) bool { return d.whole > n || d.whole == n && d.fraction != "" }

func (d decimal) float() float64 {
	f, _ := strconv.ParseFloat(d.String(), 64) // digits and one point: it can't fail
	return f
}

// maxFraction is how many digits behind the comma mean something: litres and kilograms.
const maxFraction = 2

// parseDecimal reads a number that may have a fraction: "12,5", "12.5". A point
// with three digits behind it separates thousands.
func parseDecimal(s string) (decimal, bool) {
	s = strings.TrimSpace(s)
	if n, ok := parseNumber(s); ok {
		return decimal{whole: n}, true
	}
	i := strings.LastIndexAny(s, ",.")
	if i < 0 {
		return decimal{}, false
	}
	n, ok := parseNumber(s[:i])
	fraction := s[i+1:]
	if !ok || fraction == "" || len(fraction) > maxFraction || strings.Trim(fraction, "0123456789") != "" {
		return decimal{}, false
	}
	return decimal{n, strings.TrimRight(fraction, "0")}, true
}

// parse reads what was typed as this state's number.
func (s *State) parse(typed string) (decimal, bool) {
	switch {
	case s.Kind == KindMoney:
		n, ok := parseMoney(typed)
		return decimal{whole: n}, ok
	case s.Decimals:
		return parseDecimal(typed)
	}
	n, ok := parseNumber(typed)
	return decimal{whole: n}, ok
}

func itoa64(n int64) string { return strconv.FormatInt(n, 10) }

// Spoken writes a kept number as it is read in Mali: spaces in thousands, a
// comma before the fraction.
func Spoken(value string) string {
	whole, fraction, ok := strings.Cut(value, ".")
	if !ok {
		return Spaced(value)
	}
	return Spaced(whole) + "," + fraction
}

// Spaced writes an amount the way it is read in Mali, with a plain space: a
// no-break space is outside GSM-7.
func Spaced(digits string) string {
	if len(digits) <= 3 {
		return digits
	}
	return Spaced(digits[:len(digits)-3]) + " " + digits[len(digits)-3:]
}
