package conversation

import (
	"encoding/binary"
	"errors"
	"time"

	"lafia/internal/flow"
	"lafia/internal/screen"
)

// A session is packed by hand: as JSON, reading and writing it were almost half
// of what a hop costs (docs/performance.md), and under its seal nobody reads it
// in Redis anyway. A test fills every field and compares.
//
// packing is its first byte. A session packed otherwise is one that does not
// open; whoever changes the form takes the next number.
// It is read in the form before too: on the day of an update callers are under way.
const (
	packing       = 4
	packingBefore = 3
)

func (l *live) pack() []byte {
	p := &packer{b: make([]byte, 0, 1024)}
	p.b = append(p.b, packing)
	p.text(l.ID)
	p.text(l.Book)
	p.text(l.Language)
	p.cursor(l.Cursor)
	p.shown(l.Shown)
	p.text(l.Run)
	p.count(l.Used)
	p.bytes(l.UsedMAC)
	p.bytes(l.Last.Key)
	p.flag(l.Last.End)
	// The reply is the page on her screen, nearly always.
	same := l.Last.Text == l.Shown.Text()
	if p.flag(same); !same {
		p.text(l.Last.Text)
	}
	p.count(len(l.Earlier))
	for _, e := range l.Earlier {
		p.bytes(e)
	}
	p.texts(l.Past)
	p.texts(l.Ahead)
	p.flag(l.Unfinished != nil)
	if u := l.Unfinished; u != nil {
		p.cursor(u.Cursor)
		p.text(u.Run)
		p.text(u.Book)
		p.time(u.Until)
	}
	p.time(l.At)
	p.flag(l.Done)
	p.flag(l.Said)
	p.flag(l.Asked)
	p.count(l.Sequence)
	p.flag(l.Lost)
	p.flag(l.Arrived)
	p.count(len(l.Aside))
	for _, a := range l.Aside {
		p.b = binary.AppendUvarint(p.b, a.Version)
		p.flag(a.Turned)
		p.bytes(a.Live.alone().pack())
	}
	return p.b
}

func unpackLive(b []byte) (*live, error) {
	u := &unpacker{s: string(b)}
	form := u.byte()
	if form != packing && form != packingBefore {
		return nil, errPacked
	}
	l := &live{}
	l.ID = u.text()
	l.Book = u.text()
	l.Language = u.text()
	l.Cursor = u.cursor()
	l.Shown = u.shown()
	l.Run = u.text()
	l.Used = u.count()
	l.UsedMAC = u.bytes()
	l.Last.Key = u.bytes()
	l.Last.End = u.flag()
	if l.Last.Text = l.Shown.Text(); !u.flag() {
		l.Last.Text = u.text()
	}
	l.Earlier = list(u, u.bytes)
	l.Past = list(u, u.text)
	l.Ahead = list(u, u.text)
	if u.flag() {
		l.Unfinished = &unfinished{Cursor: u.cursor(), Run: u.text(), Book: u.text(), Until: u.time()}
	}
	l.At = u.time()
	l.Done = u.flag()
	l.Said = u.flag()
	l.Asked = u.flag()
	l.Sequence = u.count()
	if form == packingBefore {
		return l, u.end()
	}
	l.Lost, l.Arrived = u.flag(), u.flag()
	var nested error
	l.Aside = list(u, func() aside {
		a := aside{Version: u.uvarint(), Turned: u.flag()}
		var err error
		a.Live, err = unpackLive(u.bytes())
		nested = errors.Join(nested, err)
		return a
	})
	return l, errors.Join(nested, u.end())
}

func (r remembered) pack() []byte {
	p := &packer{b: make([]byte, 0, 32)}
	p.b = append(p.b, packing)
	p.text(r.Language)
	p.time(r.SeenAt)
	p.text(r.LastPlace)
	p.text(r.Answer)
	return p.b
}

func unpackRemembered(b []byte) (remembered, error) {
	u := &unpacker{s: string(b)}
	if form := u.byte(); form != packing && form != packingBefore {
		return remembered{}, errPacked
	}
	r := remembered{Language: u.text(), SeenAt: u.time(), LastPlace: u.text(), Answer: u.text()}
	return r, u.end()
}

type packer struct{ b []byte }

func (p *packer) count(n int) { p.b = binary.AppendUvarint(p.b, uint64(n)) }

func (p *packer) text(s string) {
	p.count(len(s))
	p.b = append(p.b, s...)
}

func (p *packer) bytes(b []byte) {
	p.count(len(b))
	p.b = append(p.b, b...)
}

func (p *packer) texts(list []string) {
	p.count(len(list))
	for _, s := range list {
		p.text(s)
	}
}

func (p *packer) flag(yes bool) {
	if yes {
		p.b = append(p.b, 1)
	} else {
		p.b = append(p.b, 0)
	}
}

func (p *packer) time(t time.Time) {
	if p.flag(!t.IsZero()); !t.IsZero() {
		p.b = binary.AppendVarint(p.b, t.UnixNano())
	}
}

func (p *packer) pairs(m map[string]string) {
	p.count(len(m))
	for k, v := range m {
		p.text(k)
		p.text(v)
	}
}

func (p *packer) line(l flow.Line) {
	p.text(l.Key)
	p.pairs(l.Args)
	p.pairs(l.Keys)
	p.text(l.Text)
}

func (p *packer) cursor(c flow.Cursor) {
	p.text(c.Flow)
	p.text(c.State)
	p.pairs(c.Answers)
	p.count(len(c.Labels))
	for k, l := range c.Labels {
		p.text(k)
		p.line(l)
	}
	p.text(c.Level)
	p.count(len(c.Path))
	for _, v := range c.Path {
		p.text(v.State)
		p.text(v.Level)
		p.text(v.Sub)
		p.text(v.Return)
	}
	p.text(c.Within)
	p.count(len(c.Found))
	for _, it := range c.Found {
		p.text(it.Value)
		p.line(it.Say)
		p.flag(it.Open)
	}
	p.text(c.Then)
	p.text(c.Sub)
	p.text(c.Return)
	p.text(c.After)
	p.text(c.Doubt)
	p.count(c.Misses)
	p.flag(c.Offer)
	p.count(c.Taken)
	p.pairs(c.Given)
	p.flag(c.Line)
}

func (p *packer) shown(s screen.Shown) {
	p.texts(s.Pages)
	p.count(s.Page)
	p.count(len(s.Options))
	for _, o := range s.Options {
		p.text(o.Key)
		p.text(o.Value)
		p.text(o.Level)
	}
	p.text(string(s.Input))
	p.flag(s.Back)
	p.flag(s.Menu)
}

var errPacked = errors.New("it was packed by another version of this program")

// unpacker reads what packer wrote. Its strings share one copy of it. After a
// mistake it gives zeros, and end tells.
type unpacker struct {
	s   string
	bad bool
}

func (u *unpacker) end() error {
	if u.bad || u.s != "" {
		return errPacked
	}
	return nil
}

func (u *unpacker) byte() byte {
	if u.s == "" {
		u.bad = true
		return 0
	}
	b := u.s[0]
	u.s = u.s[1:]
	return b
}

func (u *unpacker) uvarint() uint64 {
	var v uint64
	for shift := 0; shift < 64; shift += 7 {
		b := u.byte()
		v |= uint64(b&0x7f) << shift
		if b < 0x80 {
			return v
		}
	}
	u.bad = true
	return 0
}

// count reads a number that is no larger than what could follow; the numbers
// that stand for themselves (a page, a length of text) are small.
func (u *unpacker) count() int {
	n := u.uvarint()
	if n > 1<<20 {
		u.bad = true
		return 0
	}
	return int(n)
}

func (u *unpacker) text() string {
	n := u.count()
	if n > len(u.s) {
		u.bad, u.s = true, ""
		return ""
	}
	t := u.s[:n]
	u.s = u.s[n:]
	return t
}

func (u *unpacker) bytes() []byte {
	t := u.text()
	if t == "" {
		return nil
	}
	return []byte(t)
}

func (u *unpacker) flag() bool { return u.byte() != 0 }

func (u *unpacker) time() time.Time {
	if !u.flag() {
		return time.Time{}
	}
	v := u.uvarint() // zigzag, as AppendVarint writes
	return time.Unix(0, int64(v>>1)^-int64(v&1)).UTC()
}

// list reads a list; nil when it is empty. Each item is a byte at least.
func list[T any](u *unpacker, item func() T) []T {
	n := u.count()
	if n == 0 || n > len(u.s) {
		u.bad = u.bad || n > 0
		return nil
	}
	out := make([]T, n)
	for i := range out {
		out[i] = item()
	}
	return out
}

func dict[T any](u *unpacker, item func() T) map[string]T {
	n := u.count()
	if n == 0 || n > len(u.s) {
		u.bad = u.bad || n > 0
		return nil
	}
	out := make(map[string]T, n)
	for range n {
		k := u.text()
		out[k] = item()
	}
	return out
}

func (u *unpacker) line() flow.Line {
	return flow.Line{Key: u.text(), Args: dict(u, u.text), Keys: dict(u, u.text), Text: u.text()}
}

func (u *unpacker) cursor() flow.Cursor {
	return flow.Cursor{
		Flow: u.text(), State: u.text(), Answers: dict(u, u.text), Labels: dict(u, u.line), Level: u.text(),
		Path: list(u, func() flow.Visit {
			return flow.Visit{State: u.text(), Level: u.text(), Sub: u.text(), Return: u.text()}
		}),
		Within: u.text(),
		Found:  list(u, func() flow.Item { return flow.Item{Value: u.text(), Say: u.line(), Open: u.flag()} }),
		Then:   u.text(), Sub: u.text(), Return: u.text(), After: u.text(), Doubt: u.text(), Misses: u.count(), Offer: u.flag(), Taken: u.count(),
		Given: dict(u, u.text), Line: u.flag(),
	}
}

func (u *unpacker) shown() screen.Shown {
	return screen.Shown{
		Pages: list(u, u.text), Page: u.count(),
		Options: list(u, func() screen.Option { return screen.Option{Key: u.text(), Value: u.text(), Level: u.text()} }),
		Input:   flow.Input(u.text()), Back: u.flag(), Menu: u.flag(),
	}
}
