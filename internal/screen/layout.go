package screen

import (
	"maps"
	"strings"
	"unicode"
	"unicode/utf8"

	"lafia/internal/flow"
	"lafia/internal/gsm"
	"lafia/internal/locale"
)

// size is what a text costs in either encoding. Sizes add up.
type size struct {
	septets, units int
	wide           bool // a character is outside the 7-bit alphabet
	pairs          bool // a character counts twice, so a segment can end early
}

func (a size) plus(b size) size {
	return size{a.septets + b.septets, a.units + b.units, a.wide || b.wide, a.pairs || b.pairs}
}

func sizeOf(text string) (total size) {
	for _, r := range text {
		septets, units := gsm.Size(r)
		total.septets += septets
		total.units += units
		total.wide = total.wide || septets == 0
		total.pairs = total.pairs || septets == 2 || units == 2
	}
	return total
}

func sizeOfRune(r rune) size {
	septets, units := gsm.Size(r)
	return size{septets, units, septets == 0, septets == 2 || units == 2}
}

var newline = size{septets: 1, units: 1}

// fits reports whether a page can hold so much. Where a page is joined of
// segments, a character that counts twice may leave the last place of each but
// the last empty.
func (lim Limits) fits(s size) bool {
	used, most, single, part := s.septets, lim.Septets, gsm.SMSSeptets, gsm.SMSPartSeptets
	if s.wide {
		used, most, single, part = s.units, lim.UCS2, gsm.SMSUnits, gsm.SMSPartUnits
	}
	if s.pairs && used > single {
		most -= (most - 1) / part
	}
	return used <= most
}

// piece is a run of text that is placed on pages: what the screen says, one of
// its items or one of its options. Items and options move to the next page whole.
type piece struct {
	text   string
	size   size
	option bool
}

// layout is a screen on its way to pages.
type layout struct {
	pieces []piece
	hint   bool // the first piece is the hint
	lim    Limits
	last   keys // the keys on the last page, or the only one
	next   keys // those on the pages before it
}

// keys is the line of keys at the bottom, with the newline before it.
type keys struct {
	text string
	size size
}

func newLayout(s flow.Screen, w *locale.Words, lim Limits) *layout {
	l := &layout{lim: lim, pieces: make([]piece, 0, 1+len(s.Say)+len(s.Options))}
	l.add(say(s.Hint, w), false)
	l.hint = len(l.pieces) > 0
	for i, line := range s.Say {
		l.add(say(line, w), i > 0) // lines behind the first say one thing each
	}
	for _, o := range s.Options {
		l.add(strings.TrimRight(o.Key+" "+oneLine(say(o.Say, w)), " "), true)
	}
	back, menu := "key.back", "key.menu"
	if s.Input == flow.InputNumber {
		back, menu = "key.number.back", "key.number.menu"
	}
	var words, bare [3]string
	if s.Back && !s.End() {
		words[0], bare[0] = w.Folded(back, nil), bareKey(s.Input, keyBack, keyNumberBack)
	}
	if s.Menu && !s.End() {
		words[1], bare[1] = w.Folded(menu, nil), bareKey(s.Input, keyMenu, keyNumberMenu)
	}
	words[2], bare[2] = w.Folded("key.next", nil), keyNext
	// A line of keys that leaves the screen itself no room loses its words,
	// and at last its keys: a page is never longer than its limit.
	for _, words := range [][3]string{words, bare, {}} {
		l.next = keyLine(words)
		words[2] = ""
		l.last = keyLine(words)
		if lim.fits(l.next.size.plus(leastRoom)) {
			break
		}
	}
	return l
}

// leastRoom is what the keys leave to the screen, whatever the encoding.
var leastRoom = size{septets: 20, units: 20, wide: true}

func bareKey(input flow.Input, key, number string) string {
	if input == flow.InputNumber {
		return number
	}
	return key
}

func keyLine(words [3]string) keys {
	n := 0
	for _, word := range words {
		n += 1 + len(word)
	}
	var b strings.Builder
	b.Grow(n)
	for _, word := range words {
		if word == "" {
			continue
		}
		if b.Len() == 0 {
			b.WriteByte('\n')
		} else {
			b.WriteByte(' ')
		}
		b.WriteString(word)
	}
	return keys{b.String(), sizeOf(b.String())}
}

func say(line flow.Line, w *locale.Words) string {
	switch {
	case line.Key == "":
		return plain(w.Fold(line.Text))
	case len(line.Keys) > 0:
		args := make(map[string]string, len(line.Args)+len(line.Keys))
		maps.Copy(args, line.Args)
		for name, key := range line.Keys {
			args[name] = w.Text(key, nil)
		}
		return plain(w.Folded(line.Key, args))
	case len(line.Args) > 0:
		return plain(w.Folded(line.Key, line.Args))
	}
	return w.Folded(line.Key, nil)
}

// plain takes out of data what a phone cannot show: control characters other
// than the line feed, and bytes that are not UTF-8.
func plain(text string) string {
	clean := utf8.ValidString(text) && strings.IndexFunc(text, func(r rune) bool { return r != '\n' && unicode.IsControl(r) }) < 0
	if !clean {
		text = strings.ReplaceAll(strings.ToValidUTF8(text, "?"), "\r\n", "\n")
		text = strings.Map(func(r rune) rune {
			switch {
			case r == '\r':
				return '\n'
			case r != '\n' && unicode.IsControl(r):
				return ' '
			}
			return r
		}, text)
	}
	return strings.TrimSpace(text)
}

func oneLine(text string) string { return strings.ReplaceAll(text, "\n", " ") }

func (l *layout) add(text string, option bool) {
	if text != "" {
		l.pieces = append(l.pieces, piece{text, sizeOf(text), option})
	}
}

// join writes pieces on one page with the keys below.
func join(head string, pieces []piece, k keys) string {
	n := len(head) + len(k.text)
	for _, p := range pieces {
		n += 1 + len(p.text)
	}
	var b strings.Builder
	b.Grow(n)
	b.WriteString(head)
	for _, p := range pieces {
		if b.Len() > 0 {
			b.WriteByte('\n')
		}
		b.WriteString(p.text)
	}
	if b.Len() == 0 {
		return strings.TrimPrefix(k.text, "\n")
	}
	b.WriteString(k.text)
	return b.String()
}

func sum(pieces []piece) (total size) {
	for i, p := range pieces {
		if i > 0 {
			total = total.plus(newline)
		}
		total = total.plus(p.size)
	}
	return total
}

// pages fills one page after the other. There is always at least one.
func (l *layout) pages() []string {
	if l.lim.fits(sum(l.pieces).plus(l.last.size)) {
		return []string{join("", l.pieces, l.last)}
	}
	var pages []string
	rest := l.pieces
	for !l.lim.fits(sum(rest).plus(l.last.size)) {
		n, used := 0, l.next.size
		for n < len(rest) {
			more := used.plus(rest[n].size)
			if n > 0 {
				more = more.plus(newline)
			}
			if !l.lim.fits(more) {
				break
			}
			used, n = more, n+1
		}
		whole, part := rest[:n], ""
		rest = rest[n:]
		// Only prose is broken, or what is longer than a page.
		if len(rest) > 0 && (n == 0 || !rest[0].option) {
			room := used
			if n > 0 {
				room = room.plus(newline)
			}
			var left string
			part, left = l.split(rest[0].text, room, n == 0)
			if part != "" {
				rest = append([]piece{{left, sizeOf(left), rest[0].option}}, rest[1:]...)
				if left == "" {
					rest = rest[1:]
				}
			}
		}
		page := append([]piece(nil), whole...)
		if part != "" {
			page = append(page, piece{text: part})
		}
		if len(page) == 0 { // not even one character fits beside the keys
			rest = nil
			break
		}
		pages = append(pages, join("", page, l.next))
	}
	if len(rest) > 0 || len(pages) == 0 {
		pages = append(pages, join("", rest, l.last))
	}
	return pages
}

// onePage lays out a number screen, where 99 is a number and turns no page:
// what doesn't fit is cut, the hint first, the keys never.
func (l *layout) onePage() (pages []string, cut bool) {
	if l.lim.fits(sum(l.pieces).plus(l.last.size)) {
		return []string{join("", l.pieces, l.last)}, false
	}
	body := l.pieces
	if l.hint {
		body = body[1:]
		room := sum(body).plus(newline).plus(l.last.size)
		if l.lim.fits(room) {
			hint, _ := l.split(l.pieces[0].text, room, false)
			if hint != "" {
				body = append([]piece{{text: hint}}, body...)
			}
			return []string{join("", body, l.last)}, true
		}
	}
	part, _ := l.split(join("", body, keys{}), l.last.size, true)
	return []string{join("", []piece{{text: part}}, l.last)}, true
}

// split cuts off the start of text that fits on a page where room is taken
// already: between words, never in a number or a code. When a word is longer
// than a page, must, for an empty page, asks that it be broken where that hurts
// least: not in a number, then not in a character that is made of several (a
// letter and its mark, an emoji and its colour), then anywhere.
func (l *layout) split(text string, room size, must bool) (part, rest string) {
	end := len(text)
	for i, r := range text {
		room = room.plus(sizeOfRune(r))
		if !l.lim.fits(room) {
			end = i
			break
		}
	}
	if end == len(text) {
		return text, ""
	}
	least := breakWord
	if must {
		least = breakAnywhere
	}
	for kind := breakWord; kind >= least; kind-- {
		for i := end; i > 0; i-- {
			if !utf8.RuneStart(text[i]) || breakAt(text, i) < kind {
				continue
			}
			part = strings.TrimRight(text[:i], " \n")
			if part != "" {
				return part, strings.TrimLeft(text[i:], " \n")
			}
		}
	}
	return "", text
}

// How good a place to break a text is, from the worst.
const (
	breakAnywhere = iota // between any two characters
	breakCluster         // not within what is shown as one character
	breakInNumber        // at a space within a number
	breakInWord          // within a word, and not in a number
	breakWord            // at a space or the end of a line
)

// breakAt judges the place before the byte i of text.
func breakAt(text string, i int) int {
	before, _ := utf8.DecodeLastRuneInString(text[:i])
	after, _ := utf8.DecodeRuneInString(text[i:])
	if after == '\n' || before == '\n' {
		return breakWord
	}
	if after == ' ' {
		left, _ := utf8.DecodeLastRuneInString(strings.TrimRight(text[:i], " "))
		right, _ := utf8.DecodeRuneInString(strings.TrimLeft(text[i:], " "))
		// "25 000", "76 12 34 56", and the unit behind an amount: "25 000 F".
		if unicode.IsDigit(left) && (unicode.IsDigit(right) || right == 'F') {
			return breakInNumber
		}
		return breakWord
	}
	if !clusterEnds(before, after) {
		return breakAnywhere
	}
	if numeric(before) && numeric(after) || before == ' ' {
		return breakCluster
	}
	return breakInWord
}

// numeric reports whether a character can be part of a number, a code or what
// one dials: 4827-1936, 1,5, *384*1#, +223.
func numeric(r rune) bool { return unicode.IsDigit(r) || strings.ContainsRune("-.,:/*#+", r) }

// clusterEnds reports whether a and b, side by side, are shown as two
// characters (the cases of Unicode Standard Annex 29 that phones show).
func clusterEnds(a, b rune) bool {
	const joiner = '\u200D'
	switch {
	case a == joiner, b == joiner:
		return false
	case unicode.In(b, unicode.M): // marks and variation selectors
		return false
	case b >= 0x1F3FB && b <= 0x1F3FF: // skin colours
		return false
	case b >= 0xE0020 && b <= 0xE007F: // tags, of flags
		return false
	case isRegional(a) && isRegional(b): // a flag is two; a row of flags stays together
		return false
	}
	return true
}

func isRegional(r rune) bool { return r >= 0x1F1E6 && r <= 0x1F1FF }
