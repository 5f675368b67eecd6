package fakeaggregator_test

import (
	"fmt"
	"maps"
	"slices"
	"testing"

	"lafia/internal/fakeaggregator"
	"lafia/internal/programme"
	"lafia/internal/store"
)

// Tensions of people who hang up, and keys pressed twice: what is left in the middle
// is kept as far as it says enough, once and as it was said, and what may be a repeat
// is asked once more. The checker has to see it where that does not hold.
func TestTheCheckerSeesWhatIsLeftAndWhatIsAskedOnceMore(t *testing.T) {
	l := newLab(t, "hangup=0.15", "external", "external-plain")
	l.start()
	l.play(fakeaggregator.Options{Callers: 120, Mix: []fakeaggregator.Share{
		{Role: fakeaggregator.Tension, Weight: 2}, {Role: fakeaggregator.Confidential, Weight: 1},
	}})
	l.settled()
	good := &pair{t: t, lab: l, lines: l.lines()}
	record, err := fakeaggregator.ReadRecord(t.Context(), l.record, l.keys, good.lines)
	must(t, err)
	good.record = *record
	if r := good.verify(); !r.Holds() {
		t.Fatalf("the good pair is not: %v", r.Violations)
	}
	partial := func(p *pair) int {
		i := slices.IndexFunc(p.record.Rows, func(r fakeaggregator.Row) bool { return r.Partial && r.Kind == programme.Tension })
		if i < 0 {
			t.Fatal("nobody left a tension that said enough")
		}
		return i
	}
	good.faults(t, []fault{
		{"what was left is not kept", "I1", func(p *pair) {
			partial(p)
			p.record.Rows = slices.DeleteFunc(p.record.Rows, func(r fakeaggregator.Row) bool { return r.Partial })
		}},
		{"what was left is kept twice", "I2", func(p *pair) {
			partial(p)
			for n, r := range slices.Clone(p.record.Rows) { // each of them: where one stood may not be certain
				if !r.Partial {
					continue
				}
				r.ID = fmt.Sprintf("00000000-0000-4000-8000-%012d", n)
				ref, key := p.lab.keys.Ring.ID("reference", []byte(r.ID)), p.lab.keys.Ring.ID("run-identity", []byte(r.ID))
				r.Reference = programme.ReferenceOf(ref.Bytes())
				p.record.Identities = append(p.record.Identities, store.VerifiedIdentity{Key: key.Bytes(), RunID: r.ID, Seen: 1})
				p.record.Rows = append(p.record.Rows, r)
			}
		}},
		{"what was left is kept with another answer", "I3", func(p *pair) {
			i := partial(p)
			answers := maps.Clone(p.record.Rows[i].Answers)
			if answers["phase"] = "P5"; p.record.Rows[i].Answers["phase"] == "P5" {
				answers["phase"] = "P4"
			}
			p.record.Rows[i].Answers = answers
		}},
		{"what was left is kept as if it were finished", "I3", func(p *pair) { p.record.Rows[partial(p)].Partial = false }},
		{"what was finished is kept as if it were left", "I3", func(p *pair) {
			p.record.Rows[p.row(0, func(r fakeaggregator.Row) bool { return !r.Partial })].Partial = true
		}},
		{"a key that may be a repeat commits at once", "I6", func(p *pair) {
			// She pressed what she had pressed, and was shown the same screen: only the
			// screen that came behind that one is there.
			hop := func(of fakeaggregator.Line, n int) int {
				return slices.IndexFunc(p.lines, func(l fakeaggregator.Line) bool {
					return l.Kind == fakeaggregator.KindHop && l.Caller == of.Caller && l.Session == of.Session && l.N == n && l.Copy == fakeaggregator.First
				})
			}
			i := p.line("key that was asked once more", func(l fakeaggregator.Line) bool {
				if l.Kind != fakeaggregator.KindHop || l.Channel != "external-plain" || l.N < 2 {
					return false
				}
				before, behind := hop(l, l.N-1), hop(l, l.N+1)
				return before >= 0 && behind >= 0 && p.lines[before].Input == l.Input && p.lines[before].Screen == l.Screen && p.lines[behind].End
			})
			p.lines[i].Screen, p.lines[i].End = p.lines[hop(p.lines[i], p.lines[i].N+1)].Screen, true
		}},
	})
}
