package sms

import (
	"slices"
	"strings"

	"lafia/internal/programme"
)

// Codes gives what in a text may be the code of a project or group, in capitals,
// most certain first: LAF1 as written, then in two parts ("laf 1", LAF-1), then
// with O for 0 and I or L for 1 (LAFL, LAFO1). Whether one exists is for Nearest
// to say.
func Codes(text string) []string {
	if len(text) > maxText {
		return nil
	}
	var sure, parted, swapped []string
	p := pieces(text)
	for i, v := range p {
		if v.num || len(v.key) > 6 {
			continue
		}
		w := strings.ToUpper(v.key)
		var next piece
		if i+1 < len(p) {
			next = p[i+1]
		}
		number := next.num && digits(next.raw) && len(next.raw) <= 2 && !strings.HasPrefix(next.raw, "00")
		switch {
		case number && next.glued && len(w) >= 2 && len(w) <= 5:
			if followed := i+2 < len(p) && p[i+2].glued && !p[i+2].num; followed {
				continue // "24mil": letters on both sides are no code
			}
			if _, known := programme.IndicatorOf(w); known {
				continue
			}
			sure = append(sure, w+strings.TrimLeft(next.raw, "0"))
			swapped = append(swapped, swaps(w, next.raw)...)
		case number && !next.glued && len(w) == 3 && !notCodes[v.key] && len(next.raw) == 1:
			if _, known := programme.IndicatorOf(w); !known {
				parted = append(parted, w+next.raw)
			}
		case !number && len(w) == 4 && (len(p) <= 2 || i > 0 && namesCode[p[i-1].key]):
			swapped = append(swapped, swaps(w, "")...)
		}
	}
	var out []string
	for _, c := range slices.Concat(sure, parted, swapped) {
		if isCode(c) && !slices.Contains(out, c) && len(out) < maxCodes {
			out = append(out, c)
		}
	}
	return out
}

// swaps reads letters at the end of a code as the digits that they look like.
func swaps(letters, number string) []string {
	n := len(letters)
	last := letters[n-1]
	if n < 3 {
		return nil
	}
	switch last {
	case 'O': // LAFO1 is LAF01, and so LAF1
		if number != "" {
			return []string{letters[:n-1] + number}
		}
	case 'I', 'L':
		if number == "" {
			return []string{letters[:n-1] + "1"}
		}
		return []string{letters[:n-1] + "1" + number}
	}
	return nil
}

// Nearest gives the known code that a candidate means: the same, else the only
// one that is one slip away and begins alike. Two that are as near are none: the
// person is asked.
func Nearest(candidate string, known []string) (string, bool) {
	c := folded(candidate)
	found := ""
	for _, k := range known {
		switch f := folded(k); {
		case f == c:
			return k, true
		case c == "" || f == "" || f[0] != c[0] || !near(c, f):
		case found != "" && found != k:
			found = "\x00"
		default:
			found = k
		}
	}
	if found == "" || found == "\x00" {
		return "", false
	}
	return found, true
}

// isCode reports whether a token looks like a code: two to five letters and one
// or two digits.
func isCode(s string) bool {
	i := 0
	for i < len(s) && (s[i] >= 'a' && s[i] <= 'z' || s[i] >= 'A' && s[i] <= 'Z') {
		i++
	}
	return i >= 2 && i <= 5 && len(s)-i >= 1 && len(s)-i <= 2 && digits(s[i:])
}

// namesCode are words that a code comes after.
var namesCode = set(`projet code groupe groupement rap rapport corr num numero`)

// notCodes are words of three letters that stand before a number in a sentence.
var notCodes = set(`les des une par ont ans aux sur vos nos mes ses moi fin jan fev avr mai mil pas est qui que ils dit car bon cfa fcf net pour vers kal non oui eau pis ces cet son mon ton tes nou ete puis avec dans aout dec nov oct jui
	sac tel bis max min moy nb num not ane jrs kgs frs lot age ann ver pdt dep ki ke misi nin`)
