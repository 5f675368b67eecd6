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

// Spaced writes an amount the way it is read in Mali, with a plain space: a
// no-break space is outside GSM-7.
func Spaced(digits string) string {
	if len(digits) <= 3 {
		return digits
	}
	return Spaced(digits[:len(digits)-3]) + " " + digits[len(digits)-3:]
}
