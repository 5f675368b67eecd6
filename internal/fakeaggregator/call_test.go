package fakeaggregator_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"lafia/internal/fakeaggregator"
	"lafia/internal/programme"
)

// No role asks to be called back, but who is asked by a screen that she did not look for
// may say yes: what is kept of it is hers, once.
func TestTheCheckerSeesWhoWishesToBeCalledBack(t *testing.T) {
	l := newLab(t, "", "africastalking")
	l.start()
	l.play(fakeaggregator.Options{Callers: 4})
	lines := l.lines()
	last := lines[len(lines)-1]
	lines = append(lines[:len(lines)-1], fakeaggregator.Line{
		Kind: fakeaggregator.KindCaller, Caller: 999, At: last.At, Wall: last.Wall, Number: "+22399000001",
		Role: fakeaggregator.Tension, Channel: "africastalking", Wire: "africastalking",
	})
	for n, text := range []string{"", "1", "1*6", "1*6*1"} { // French, help, yes
		at := last.At + time.Duration(n+1)*100*time.Millisecond
		began := time.Now()
		answer := l.hop("wishes", text)
		screen, more := strings.CutPrefix(answer, "CON ")
		lines = append(lines, fakeaggregator.Line{
			Kind: fakeaggregator.KindHop, Caller: 999, At: at, Wall: began, Took: time.Millisecond, Session: "wishes", N: n,
			Channel: "africastalking", Input: text[strings.LastIndex(text, "*")+1:], Status: 200, Screen: strings.TrimPrefix(screen, "END "), End: !more,
		})
	}
	last.At, last.Wall = last.At+time.Second, time.Now().Add(time.Second)
	lines = append(lines, last)
	l.settled()
	good := &pair{t: t, lab: l, lines: lines}
	record, err := fakeaggregator.ReadRecord(t.Context(), l.record, l.keys, lines)
	must(t, err)
	good.record = *record
	if r := good.verify(); !r.Holds() {
		t.Fatalf("the good pair is not: %v", r.Violations)
	}
	wish := slices.IndexFunc(good.record.Rows, func(r fakeaggregator.Row) bool { return r.Answers["call"] != "" })
	if wish < 0 {
		t.Fatal("nothing is kept of her wish")
	}
	good.faults(t, []fault{
		{"it is not kept", "I1", func(p *pair) { p.record.Rows = slices.Delete(p.record.Rows, wish, wish+1) }},
		{"it is kept twice", "I2", func(p *pair) {
			r := p.record.Rows[wish]
			r.ID = fmt.Sprintf("00000000-0000-4000-8000-%012d", 1)
			p.record.Rows = append(p.record.Rows, r)
		}},
		{"it is kept as made elsewhere", "I3", func(p *pair) {
			p.record.Rows[wish].Answers = map[string]string{"call": "yes", "at": "tension/calm"}
		}},
		{"words are with it that she never wrote", "I3", func(p *pair) { p.record.Rows[wish].Words = "venez" }},
		{"she never said yes", "I4", func(p *pair) {
			i := p.line("yes", func(l fakeaggregator.Line) bool { return l.Caller == 999 && l.N == 3 })
			p.lines = slices.Delete(p.lines, i, i+1)
		}},
		{"it is another's", "I3", func(p *pair) {
			other := slices.IndexFunc(p.record.Rows, func(r fakeaggregator.Row) bool { return r.Kind != programme.Open })
			p.record.Rows[wish].Contact = p.record.Rows[other].Contact
		}},
	})
}
