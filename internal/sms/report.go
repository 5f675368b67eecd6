package sms

import (
	"slices"
	"strconv"
	"strings"
	"unicode"

	"lafia/internal/programme"
)

// Report is what a line such as "RAP LAF1 MEM 24 REU 4 EPA 24 000" says
// (context.md 4). Nothing that she wrote is dropped: every piece after the word
// RAP is in Group, Period, Values or Unknown.
type Report struct {
	Group   string   // the group's or project's code as written, "" for none
	Month   int      // 1 to 12, 0 where she named none or two
	Year    int      // 0 where she named none
	Period  string   // the month as written
	Values  []Value  // in the order she wrote them
	Unknown []string // pieces that are not guessed about
	Twice   []string // codes that came more than once
}

// Value is one figure of a report.
type Value struct {
	Code   string // of programme.Indicators
	Text   string // as written, without the code
	Number string // canonical: digits, and a point before decimals; "" when not OK
	OK     bool   // false for what could be read in two ways, or in none
}

// reportWord reports whether a first word begins a report or a correction.
func reportWord(w string) (Kind, bool) {
	switch w {
	case "rap", "rapp", "rapport", "raport", "rapports":
		return Reported, true
	case "corr", "cor", "correction", "corection", "corriger", "corrige", "corrigez":
		return Corrected, true
	}
	for _, p := range []string{"rap", "corr"} { // "rapLAF1": glued to a code
		if rest, ok := strings.CutPrefix(w, p); ok && (isCode(rest) || isGlued(rest)) {
			if p == "rap" {
				return Reported, true
			}
			return Corrected, true
		}
	}
	return "", false
}

// isGlued reports whether a word is a line without any space: codes and figures in
// turn, one pair at least behind the group's.
func isGlued(w string) bool {
	pairs, i := 0, 0
	for i < len(w) {
		from := i
		for i < len(w) && w[i] >= 'a' && w[i] <= 'z' {
			i++
		}
		letters := i - from
		from = i
		for i < len(w) && w[i] >= '0' && w[i] <= '9' {
			i++
		}
		if letters < 2 || letters > 5 || i == from {
			return false
		}
		pairs++
	}
	return pairs >= 2
}

// piece is a run of letters, or a number with the separators inside it.
type piece struct {
	raw   string
	key   string // folded letters, or the number as written
	num   bool
	glued bool // nothing stands between it and the piece before
	minus bool // a dash stands before it, after a space or another mark
	dash  bool // a dash stands before it
	at    int  // where raw begins and ends in the text
	end   int
}

// ReadReport reads a report line, with or without its first word.
func ReadReport(text string) Report {
	if len(text) > maxText {
		return Report{Unknown: []string{text}}
	}
	text = strings.ToValidUTF8(text, "\uFFFD")
	p := pieces(text)
	if len(p) > 0 && !p[0].num {
		if _, ok := reportWord(p[0].key); ok {
			p = p[1:]
		} else if rest, ok := cutWord(p[0]); ok {
			p[0] = rest
		}
	}
	var r Report
	p = r.takeGroup(p, text)
	p = r.takePeriod(p)
	if r.inOrder(p) {
		return r
	}
	r.byCode(p, text)
	r.findTwice()
	return r
}

// positional reads the form without words: a code and its six or eight figures,
// in the order of the paper sheet. It needs a figure of three digits, or the row
// could be answers to a menu.
func positional(text string) (Report, bool) {
	tokens := strings.FieldsFunc(text, func(r rune) bool { return unicode.IsSpace(r) || strings.ContainsRune(",;", r) })
	if len(tokens) < 7 || !isCode(strings.ReplaceAll(tokens[0], "-", "")) {
		return Report{}, false
	}
	long := false
	for _, t := range tokens[1:] {
		if t == "" || t[0] < '0' || t[0] > '9' {
			return Report{}, false
		}
		long = long || len(t) >= 3
	}
	r := ReadReport(text)
	return r, long
}

// inOrder reads figures that no code names. Any other number of them would leave
// open which is which, and so would thousands parted by a space.
func (r *Report) inOrder(p []piece) bool {
	order := map[int][]string{
		6: {"MEM", "REU", "EPA", "REC", "EQU", "PB"},               // the core six
		8: {"MEM", "REU", "EPA", "LAI", "BEU", "REC", "EQU", "PB"}, // butter groups
	}[len(p)]
	if order == nil {
		return false
	}
	for _, v := range p {
		if !v.num {
			return false
		}
	}
	for i, v := range p {
		n, ok := amount(order[i], []piece{v}, nil)
		r.Values = append(r.Values, Value{Code: order[i], Text: v.raw, Number: n, OK: ok})
	}
	return true
}

// byCode reads code after code, each with what follows it.
func (r *Report) byCode(p []piece, text string) {
	stray := false // a figure before the first code: then it may be that codes follow figures
	i := 0
	for i < len(p) {
		code, ok := codeOf(p[i])
		if !ok {
			stray = stray || p[i].num && len(r.Values) == 0
			r.Unknown = append(r.Unknown, p[i].raw)
			i++
			continue
		}
		i++
		var numbers, units []piece
		for i < len(p) && p[i].num && (len(numbers) == 0 || goesOn(numbers[len(numbers)-1], p[i])) {
			numbers = append(numbers, p[i])
			i++
		}
		extra := 0 // figures that belong to no code spoil the one before them
		for i < len(p) && p[i].num {
			numbers = append(numbers, p[i])
			extra++
			i++
		}
		for i < len(p) && !p[i].num && len(numbers) > 0 && (unitWords[p[i].key] || spoils(p[i])) {
			units = append(units, p[i])
			i++
		}
		if len(units) > 0 && i < len(p) && p[i].num && p[i].glued {
			extra++ // "24mil500"
		}
		v := Value{Code: code}
		v.Text = between(append(slices.Clone(numbers), units...), text)
		if extra == 0 {
			v.Number, v.OK = amount(code, numbers, units)
		}
		r.Values = append(r.Values, v)
	}
	if n := len(r.Values); stray && n > 0 && r.Values[n-1].Text == "" {
		for i := range r.Values {
			r.Values[i].OK, r.Values[i].Number = false, ""
		}
	}
}

// between gives pieces as they were written, marks between them included, but
// for what was taken out from among them.
func between(p []piece, text string) string {
	var b strings.Builder
	for i, v := range p {
		if i > 0 {
			gap := text[p[i-1].end:v.at]
			if strings.ContainsFunc(gap, func(r rune) bool { return letter(r) || r >= '0' && r <= '9' }) {
				gap = " "
			}
			b.WriteString(gap)
		}
		b.WriteString(v.raw)
	}
	return b.String()
}

// spoils reports whether letters glued to a figure, which are neither a unit nor
// a code, make it unreadable: "24ooo".
func spoils(p piece) bool {
	_, code := codeOf(p)
	return p.glued && !code || fives[p.key]
}

// goesOn reports whether a number may be the next three digits of the one before.
func goesOn(a, b piece) bool {
	return len(b.raw) == 3 && digits(b.raw) && digits(a.raw) && len(a.raw) <= 3 && !b.dash
}

// amount reads a figure, and refuses what could be meant in two ways.
func amount(code string, numbers, units []piece) (string, bool) {
	in, ok := programme.IndicatorOf(code)
	if !ok || len(numbers) == 0 {
		return "", false
	}
	thousand := false
	for _, u := range units {
		switch {
		case u.key == "mil" || u.key == "mille" || u.key == "milles":
			if thousand || !in.Money {
				return "", false
			}
			thousand = true
		case !unitWords[u.key] || !fits(in.Unit, u.key):
			return "", false
		}
	}
	n, ok := plainNumber(in, numbers)
	if !ok {
		return "", false
	}
	if thousand {
		if !digits(n) || len(n) > 4 || len(numbers) > 1 || n == "0" {
			return "", false
		}
		n += "000"
	}
	if numbers[0].dash && code == "BEN" {
		if !numbers[0].minus {
			return "", false // "BEN-5000" may be a loss, or a dash
		}
		if n != "0" {
			n = "-" + n
		}
	}
	return n, true
}

func plainNumber(in programme.Indicator, numbers []piece) (string, bool) {
	if len(numbers) > 1 {
		if in.Decimals > 0 && len(numbers) > 2 || len(numbers) > 3 {
			return "", false
		}
		var b strings.Builder
		for _, p := range numbers {
			b.WriteString(p.raw)
		}
		return canonical(b.String())
	}
	raw := numbers[0].raw
	cut := strings.IndexAny(raw, ".,")
	if cut < 0 {
		return canonical(raw)
	}
	groups := strings.FieldsFunc(raw, func(r rune) bool { return r == '.' || r == ',' })
	threes := len(groups[0]) <= 3
	for _, g := range groups[1:] {
		threes = threes && len(g) == 3
	}
	switch {
	case in.Decimals == 0 && threes && strings.Count(raw, ".")*strings.Count(raw, ",") == 0:
		return canonical(strings.Join(groups, ""))
	case in.Decimals > 0 && len(groups) == 2 && len(groups[1]) <= in.Decimals:
		whole, ok := canonical(groups[0])
		part := strings.TrimRight(groups[1], "0")
		if part == "" {
			return whole, ok
		}
		return whole + "." + part, ok
	}
	return "", false // "24,5" of people; "1.500" kg, which may be one and a half
}

// maxDigits is more than the largest bound has.
const maxDigits = 9

func canonical(s string) (string, bool) {
	if !digits(s) || len(s) > maxDigits {
		return "", false
	}
	s = strings.TrimLeft(s, "0")
	if s == "" {
		return "0", true
	}
	return s, true
}

// unitWords may follow a figure. "mil" and "mille" are thousands, of money alone.
var unitWords = set(`f fcfa cfa fr frs franc francs xof l litre litres lt kg kgs kilo kilos mil mille milles`)

// fives are words that count money in pieces of 5 F (languages.md 0.5): such an
// amount is never converted.
var fives = set(`dorome doromew dorime drasi dala tama`)

func fits(unit, word string) bool {
	switch unit {
	case "FCFA":
		return slices.Contains([]string{"f", "fcfa", "cfa", "fr", "frs", "franc", "francs", "xof"}, word)
	case "litres":
		return slices.Contains([]string{"l", "litre", "litres", "lt"}, word)
	case "kg":
		return slices.Contains([]string{"kg", "kgs", "kilo", "kilos"}, word)
	}
	return false
}

// codeOf gives the indicator that letters name: its code, or the only one of
// three letters or more that is one slip away.
func codeOf(p piece) (string, bool) {
	if p.num {
		return "", false
	}
	w := strings.ToUpper(p.key)
	if _, ok := programme.IndicatorOf(w); ok {
		return w, true
	}
	if len(w) < 3 || len(w) > 5 || months[p.key] > 0 || unitWords[p.key] {
		return "", false
	}
	found := ""
	for _, in := range programme.Indicators {
		if len(in.Code) >= 3 && near(w, in.Code) {
			if found != "" {
				return "", false
			}
			found = in.Code
		}
	}
	return found, found != ""
}

func (r *Report) findTwice() {
	for i, v := range r.Values {
		for j := range r.Values[:i] {
			if r.Values[j].Code != v.Code {
				continue
			}
			if !slices.Contains(r.Twice, v.Code) {
				r.Twice = append(r.Twice, v.Code)
			}
			if r.Values[j].Number != v.Number { // which one is right is hers to say
				r.Values[i].OK, r.Values[j].OK = false, false
				r.Values[i].Number, r.Values[j].Number = "", ""
			}
		}
	}
}

// takeGroup takes the code of a group from the beginning: LAF1, "laf 1", LAF-1,
// and the same with G before it.
func (r *Report) takeGroup(p []piece, text string) []piece {
	i := 0
	if i < len(p) && !p[i].num && p[i].key == "g" && i+2 < len(p) {
		i++
	}
	if i+1 >= len(p) || p[i].num || !p[i+1].num {
		return p
	}
	letters, number := p[i], p[i+1]
	_, known := programme.IndicatorOf(strings.ToUpper(letters.key))
	if known || len(letters.key) < 2 || len(letters.key) > 5 || !digits(number.raw) || len(number.raw) > 2 || months[letters.key] > 0 || notGroups[letters.key] {
		return p
	}
	if _, typo := codeOf(letters); typo && !number.glued && !number.dash && len(number.raw) > 1 {
		return p // "EPAR 24" is a figure; "laf 1" is a group, and no slip for LAI
	}
	r.Group = text[p[0].at:number.end]
	return p[i+2:]
}

var notGroups = set(`mois du de la le les des pour en au total`)

// months by name, in French and, from CLDR, in Bambara and Songhay; those of two
// letters are left out.
var months = map[string]int{
	"janvier": 1, "janv": 1, "jan": 1, "fevrier": 2, "fevr": 2, "fev": 2, "mars": 3, "avril": 4, "avr": 4, "mai": 5, "juin": 6, "juillet": 7, "juil": 7, "aout": 8,
	"septembre": 9, "sept": 9, "octobre": 10, "oct": 10, "novembre": 11, "nov": 11, "decembre": 12, "dec": 12,
	"zanwuye": 1, "feburuye": 2, "marisi": 3, "awirili": 4, "zuwen": 6, "zuluye": 7, "setanburu": 9, "okutoburu": 10, "nowanburu": 11, "desanburu": 12,
	"zanwiye": 1, "feewiriye": 2, "marsi": 3, "awiril": 4, "zuweng": 6, "zuyye": 7, "sektanbur": 9, "oktoobur": 10, "noowanbur": 11, "deesanbur": 12,
}

// takePeriod takes the month wherever it is named, and leaves every other piece:
// "mars", "mars 2026", "mois 3", and, before the first code only, 03, 03/2026 and
// 2026-03. A month that there is not, and a second one, are left as unknown.
func (r *Report) takePeriod(p []piece) []piece {
	type period struct {
		month, year int
		text        string
	}
	var found []period
	var rest []piece
	coded := false
	numbered := 0 // a bare row of numbers is figures in their order
	for _, v := range p {
		if v.num {
			numbered++
		}
	}
	row := numbered == len(p)
	for i := 0; i < len(p); i++ {
		v := p[i]
		if _, ok := codeOf(v); ok {
			coded = true
		}
		after := func(n int) (piece, bool) {
			if i+n < len(p) {
				return p[i+n], true
			}
			return piece{}, false
		}
		switch {
		case !v.num && months[v.key] > 0:
			f := period{month: months[v.key], text: v.raw}
			if n, ok := after(1); ok && year(n) > 0 {
				f.year, f.text = year(n), v.raw+" "+n.raw
				i++
			}
			found = append(found, f)
		case !v.num && v.key == "mois":
			n, ok := after(1)
			if !ok || !n.num {
				rest = append(rest, v)
				continue
			}
			m, err := strconv.Atoi(n.raw)
			f := period{text: v.raw + " " + n.raw}
			if err == nil && m >= 1 && m <= 12 && len(n.raw) <= 2 {
				f.month = m
				i++
				if y, ok := after(1); ok && year(y) > 0 {
					f.year, f.text = year(y), f.text+" "+y.raw
					i++
				}
				found = append(found, f)
				continue
			}
			r.Unknown = append(r.Unknown, f.text)
			i++
		case v.num && !coded && !row && monthDigits(v) > 0:
			f := period{month: monthDigits(v), text: v.raw}
			if n, ok := after(1); ok && year(n) > 0 {
				f.year, f.text = year(n), v.raw+" "+n.raw
				i++
			} else if ok && n.num && n.dash {
				rest = append(rest, v) // "12-03" is a day, or is not: not guessed
				continue
			}
			found = append(found, f)
		case v.num && !coded && !row && year(v) > 0:
			n, ok := after(1)
			if !ok || monthDigits(n) == 0 {
				rest = append(rest, v)
				continue
			}
			found = append(found, period{month: monthDigits(n), year: year(v), text: v.raw + " " + n.raw})
			i++
		default:
			rest = append(rest, v)
		}
	}
	same := true
	for _, f := range found {
		same = same && f.month == found[0].month && f.year == found[0].year
	}
	for i, f := range found {
		if !same {
			r.Unknown = append(r.Unknown, f.text)
			continue
		}
		r.Month, r.Year = f.month, f.year
		if i > 0 {
			r.Period += ", "
		}
		r.Period += f.text
	}
	return rest
}

func year(p piece) int {
	if p.num && len(p.raw) == 4 && strings.HasPrefix(p.raw, "20") && digits(p.raw) && p.raw >= "2020" {
		n, _ := strconv.Atoi(p.raw)
		return n
	}
	return 0
}

// monthDigits reads 01 to 12 written with two digits.
func monthDigits(p piece) int {
	if !p.num || len(p.raw) != 2 || !digits(p.raw) {
		return 0
	}
	if n, _ := strconv.Atoi(p.raw); n >= 1 && n <= 12 {
		return n
	}
	return 0
}

// cutWord takes RAP or CORR from the letters that it is glued to.
func cutWord(p piece) (piece, bool) {
	if _, code := codeOf(p); code || len(p.raw) != len(p.key) {
		return p, false
	}
	for _, word := range []string{"rap", "corr"} {
		if rest, ok := strings.CutPrefix(p.key, word); ok && len(rest) >= 2 && len(rest) <= 5 {
			p.raw, p.key, p.at = p.raw[len(word):], rest, p.at+len(word)
			return p, true
		}
	}
	return p, false
}

// pieces cuts a text into letters and numbers. Separators inside a number stay in
// it: "24.000", "12,5".
func pieces(text string) []piece {
	out := make([]piece, 0, len(text)/4+1)
	rs := []rune(text)
	offsets := make([]int, len(rs)+1)
	for i, r := range rs {
		offsets[i+1] = offsets[i] + len(string(r))
	}
	digit := func(i int) bool { return i < len(rs) && rs[i] >= '0' && rs[i] <= '9' }
	last := -1 // where the piece before ended
	for i := 0; i < len(rs); {
		from := i
		switch {
		case digit(i):
			for digit(i) || (i < len(rs) && (rs[i] == '.' || rs[i] == ',') && digit(i+1)) {
				i++
			}
		case letter(rs[i]):
			for i < len(rs) && letter(rs[i]) {
				i++
			}
		default:
			i++
			continue
		}
		p := piece{raw: string(rs[from:i]), num: digit(from), glued: last == from, at: offsets[from], end: offsets[i]}
		p.key = p.raw
		if !p.num {
			p.key = strings.ToLower(p.raw)
			if len(p.raw) > i-from { // more than ASCII
				p.key = programme.MatchKey(p.raw)
			}
		}
		if from > 0 && rs[from-1] == '-' {
			p.dash = true
			p.minus = from > 1 && last != from-1
		}
		last = i
		if p.key != "" {
			out = append(out, p)
		}
	}
	return out
}

func letter(r rune) bool {
	return unicode.IsLetter(r) || unicode.Is(unicode.Mn, r) || unicode.IsDigit(r) && (r < '0' || r > '9')
}

// folded gives a word in capitals without accents, for codes.
func folded(s string) string { return strings.ToUpper(programme.MatchKey(s)) }

// NamesMonth reports whether a piece of a line speaks of a month, clearly or not.
func NamesMonth(piece string) bool {
	for _, w := range strings.Fields(programme.MatchKey(piece)) {
		if w == "mois" || w == "kalo" || w == "handu" || months[w] > 0 {
			return true
		}
	}
	return false
}
