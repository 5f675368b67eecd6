package fakeaggregator_test

import (
	"bytes"
	"slices"
	"strings"
	"testing"
	"time"

	"lafia/internal/fakeaggregator"
	"lafia/internal/programme"
	"lafia/internal/store"
)

// pair is a good ledger with its record, to be spoilt.
type pair struct {
	t      *testing.T
	lab    *lab
	lines  []fakeaggregator.Line
	record fakeaggregator.Record
}

// copied gives a pair of one's own.
func (p *pair) copied(t *testing.T) *pair {
	r := p.record
	r.Rows, r.Confidential, r.Identities = slices.Clone(r.Rows), slices.Clone(r.Confidential), slices.Clone(r.Identities)
	r.Inbound, r.Outbound, r.Wishes = slices.Clone(r.Inbound), slices.Clone(r.Outbound), slices.Clone(r.Wishes)
	r.Nodes, r.Plain, r.Audit.Entries = slices.Clone(r.Nodes), slices.Clone(r.Plain), slices.Clone(r.Audit.Entries)
	return &pair{t, p.lab, slices.Clone(p.lines), r}
}

func (p *pair) verify() *fakeaggregator.Report {
	return fakeaggregator.Verify(p.lines, fakeaggregator.VerifyOptions{
		World: p.lab.world, Keys: p.lab.keys, Record: &p.record, Logs: []string{p.lab.log.String()},
	})
}

// line finds a line of the ledger that a fault can be put into.
func (p *pair) line(what string, is func(l fakeaggregator.Line) bool) int {
	p.t.Helper()
	i := slices.IndexFunc(p.lines, is)
	if i < 0 {
		p.t.Fatalf("the ledger has no %s", what)
	}
	return i
}

// row finds a submission with words.
func (p *pair) row(from int, is func(r fakeaggregator.Row) bool) int {
	p.t.Helper()
	for i := from; i < len(p.record.Rows); i++ {
		if r := p.record.Rows[i]; r.Words != "" && (is == nil || is(r)) {
			return i
		}
	}
	p.t.Fatal("the record has no such row")
	return 0
}

func (p *pair) stopped() (caller int, contact []byte, after time.Duration, wall time.Time) {
	i := p.line("STOP", func(l fakeaggregator.Line) bool { return l.Stop && l.Acked })
	l := p.lines[i]
	c := p.lines[p.line("caller", func(v fakeaggregator.Line) bool {
		return v.Kind == fakeaggregator.KindCaller && v.Caller == l.Caller
	})]
	return l.Caller, p.lab.keys.Ring.Pseudonym(c.Number).Bytes(), l.At + 10*time.Second, l.Wall.Add(10 * time.Second)
}

// erased says at the end of the ledger that a caller was erased whose words are there,
// and takes out of the record what a fault leaves in; nil: nothing is taken out. It
// gives one nonce of hers.
func (p *pair) erased(gone func(r fakeaggregator.Row, contact []byte) bool) string {
	i := p.line("last screen", func(l fakeaggregator.Line) bool {
		return l.Acked && l.Ref != "" && l.Nonce != ""
	})
	l, last := p.lines[i], p.lines[len(p.lines)-1]
	p.lines = append(p.lines, fakeaggregator.Line{Kind: fakeaggregator.KindErased, Caller: l.Caller, At: last.At + time.Second, Wall: last.Wall.Add(time.Second)})
	who := p.lines[p.line("caller", func(v fakeaggregator.Line) bool {
		return v.Kind == fakeaggregator.KindCaller && v.Caller == l.Caller
	})]
	contact := p.lab.keys.Ring.Pseudonym(who.Number).Bytes()
	if gone != nil {
		p.record.Rows = slices.DeleteFunc(p.record.Rows, func(r fakeaggregator.Row) bool { return gone(r, contact) })
		p.record.Outbound = slices.DeleteFunc(p.record.Outbound, func(o fakeaggregator.Sending) bool { return bytes.Equal(o.Contact, contact) })
		p.record.Inbound = slices.DeleteFunc(p.record.Inbound, func(m store.VerifiedInbound) bool { return bytes.Equal(m.Contact, contact) })
		p.record.Wishes = slices.DeleteFunc(p.record.Wishes, func(w store.VerifiedWish) bool { return bytes.Equal(w.Contact, contact) })
	}
	return l.Nonce
}

// fault is one that a good pair is spoilt with, and the invariant that has to catch it.
type fault struct {
	name, catches string
	spoil         func(p *pair)
}

// faults wants each of them caught in a copy of a good pair.
func (p *pair) faults(t *testing.T, list []fault) {
	for _, f := range list {
		t.Run(f.name, func(t *testing.T) {
			bad := p.copied(t)
			f.spoil(bad)
			r := bad.verify()
			if !slices.ContainsFunc(r.Violations, func(v fakeaggregator.Violation) bool { return v.Invariant == f.catches }) {
				t.Errorf("not caught by %s: %v", f.catches, r.Violations)
			}
		})
	}
}

// The ten seeded faults of docs/reliability.md: what a gateway with each would
// leave behind. The checker has to catch every one, by its own invariant.
func TestTheCheckerCatchesEverySeededFault(t *testing.T) {
	l := newLab(t, "duplicate=0.3,drop=0.1")
	l.start()
	l.play(fakeaggregator.Options{Callers: 90, Mix: append(fakeaggregator.DefaultMix(), fakeaggregator.Share{Role: fakeaggregator.Stop, Weight: 8})})
	l.settled()
	good := &pair{t: t, lab: l, lines: l.lines()}
	record, err := fakeaggregator.ReadRecord(t.Context(), l.record, l.keys, good.lines)
	must(t, err)
	good.record = *record
	spooledOn(good)
	if r := good.verify(); !r.Holds() {
		t.Fatalf("the good pair is not: %v", r.Violations)
	}
	isReply := func(l fakeaggregator.Line) bool { return l.Kind == fakeaggregator.KindSend && l.Answer == "ok" }
	// a last screen with a reference, of words that a repeat asked for too
	repeated := func(p *pair) int {
		return p.line("repeat of a last hop", func(l fakeaggregator.Line) bool {
			return l.Ref != "" && l.Nonce != "" && (l.Copy == fakeaggregator.Duplicate || l.Copy == fakeaggregator.Retry)
		})
	}
	for _, m := range []struct {
		fault   string
		catches []string // one of these at least
		spoil   func(p *pair)
	}{
		{"no unique index", []string{"I2"}, func(p *pair) {
			r := p.record.Rows[p.row(0, nil)]
			r.ID = "00000000-0000-4000-8000-000000000001"
			p.record.Rows = append(p.record.Rows, r)
		}},
		{"acknowledged before it is durable", []string{"I1"}, func(p *pair) {
			i := p.row(0, nil)
			p.record.Rows = slices.Delete(p.record.Rows, i, i+1)
		}},
		{"do nothing where it should write", []string{"I7", "I1"}, func(p *pair) {
			// The second of two runs met the identity of the first, and was dropped.
			first := p.line("last screen", func(l fakeaggregator.Line) bool { return l.Ref != "" && l.Nonce != "" })
			second := p.line("second last screen", func(l fakeaggregator.Line) bool {
				return l.Ref != "" && l.Nonce != "" && l.Caller != p.lines[first].Caller
			})
			nonce := p.lines[second].Nonce
			p.record.Rows = slices.DeleteFunc(p.record.Rows, func(r fakeaggregator.Row) bool { return strings.Contains(r.Words, nonce) })
			for i, l := range p.lines {
				if l.Nonce == nonce && l.Ref != "" {
					p.lines[i].Screen = strings.ReplaceAll(l.Screen, l.Ref, p.lines[first].Ref)
					p.lines[i].Ref = p.lines[first].Ref
				}
			}
		}},
		{"random run ids", []string{"I2"}, func(p *pair) {
			// A repeat became a run of its own, with a reference and an identity of its own.
			i := repeated(p)
			nonce := p.lines[i].Nonce
			r := p.record.Rows[p.row(0, func(r fakeaggregator.Row) bool { return strings.Contains(r.Words, nonce) })]
			r.ID = "00000000-0000-4000-8000-000000000002"
			ref, key := p.lab.keys.Ring.ID("reference", []byte(r.ID)), p.lab.keys.Ring.ID("run-identity", []byte(r.ID))
			r.Reference = programme.ReferenceOf(ref.Bytes())
			p.record.Identities = append(p.record.Identities, store.VerifiedIdentity{Key: key.Bytes(), RunID: r.ID, Seen: 1})
			p.record.Rows = append(p.record.Rows, r)
		}},
		{"no compare-and-set", []string{"I6"}, func(p *pair) {
			// A late hop wrote an older session over a newer one: the next screen is one of before.
			i := p.line("third hop", func(l fakeaggregator.Line) bool {
				return l.Kind == fakeaggregator.KindHop && l.N == 3 && l.Input != "77" && l.Input != "0" && l.Copy == fakeaggregator.First && l.Screen != ""
			})
			at := p.lines[i]
			first := p.line("dial", func(l fakeaggregator.Line) bool {
				return l.Kind == fakeaggregator.KindHop && l.Session == at.Session && l.N == 0
			})
			for i, l := range p.lines {
				if l.Kind == fakeaggregator.KindHop && l.Session == at.Session && l.N == 3 {
					p.lines[i].Screen = p.lines[first].Screen
				}
			}
		}},
		{"strings that Fiber used again", []string{"I10"}, func(p *pair) {
			i := p.row(0, nil)
			j := p.row(i+1, func(r fakeaggregator.Row) bool { return !bytes.Equal(r.Contact, p.record.Rows[i].Contact) })
			p.record.Rows[i].Words, p.record.Rows[j].Words = p.record.Rows[j].Words, p.record.Rows[i].Words
		}},
		{"a POST made again by the client", []string{"I8"}, func(p *pair) {
			p.lines = append(p.lines, p.lines[p.line("send", isReply)])
		}},
		{"the wrong option", []string{"I3"}, func(p *pair) {
			i := p.row(0, func(r fakeaggregator.Row) bool { return r.Kind == programme.Feedback && r.Medium == "ussd" })
			answers := map[string]string{}
			for k, v := range p.record.Rows[i].Answers {
				answers[k] = v
			}
			if answers["rating"] = "5"; p.record.Rows[i].Answers["rating"] == "5" {
				answers["rating"] = "4"
			}
			p.record.Rows[i].Answers = answers
		}},
		{"another reference when a lost last screen is asked for again", []string{"I5", "I7"}, func(p *pair) {
			i := repeated(p)
			p.lines[i].Screen = strings.ReplaceAll(p.lines[i].Screen, p.lines[i].Ref, "0000-0000")
			p.lines[i].Ref = "0000-0000"
		}},
		{"a STOP that nobody heeds", []string{"I9"}, func(p *pair) {
			caller, contact, at, wall := p.stopped()
			p.record.Outbound = append(p.record.Outbound, fakeaggregator.Sending{Words: "Nouvelles", VerifiedOutbound: store.VerifiedOutbound{
				ID: "00000000-0000-4000-8000-000000000003", Class: "broadcast", State: "sent", Contact: contact,
				Attempts: []store.VerifiedAttempt{{Verdict: "sent", StartedAt: wall}},
			}})
			p.lines = append(p.lines, fakeaggregator.Line{Kind: fakeaggregator.KindSend, Caller: caller, At: at, Wall: wall, Text: "Nouvelles", Answer: "ok", Taken: true})
		}},
	} {
		t.Run(m.fault, func(t *testing.T) {
			p := good.copied(t)
			m.spoil(p)
			r := p.verify()
			caught := slices.ContainsFunc(r.Violations, func(v fakeaggregator.Violation) bool { return slices.Contains(m.catches, v.Invariant) })
			if !caught {
				t.Errorf("not caught by any of %v: %v", m.catches, r.Violations)
			}
			for _, v := range r.Violations {
				t.Log(v)
			}
		})
	}
	// And what the ten leave out, so that no invariant is one that holds by itself.
	good.faults(t, []fault{
		{"a row of nobody's", "I4", func(p *pair) {
			i := p.row(0, nil)
			p.record.Rows[i].Contact = make([]byte, 32)
		}},
		{"words cut short", "I4", func(p *pair) {
			i := p.row(0, nil)
			p.record.Rows[i].Words = p.record.Rows[i].Words[1:]
		}},
		{"an attempt too many", "I8", func(p *pair) {
			p.record.Outbound[0].Attempts = append(slices.Clone(p.record.Outbound[0].Attempts), store.VerifiedAttempt{Verdict: "sent"})
		}},
		{"a message that nobody marked", "I8", func(p *pair) {
			p.record.Outbound[0].State, p.record.Outbound[0].ChangedAt = "sending", p.record.At.Add(-time.Hour)
		}},
		{"words in the clear", "I11", func(p *pair) {
			p.record.Plain = append(p.record.Plain, fakeaggregator.Plain{Caller: 1, What: "words", Where: "river_job"})
		}},
		{"a message that was not written down", "I13", func(p *pair) { p.record.Inbound = p.record.Inbound[1:] }},
		{"a record that left the spool without a commit", "I13", func(p *pair) {
			s := spooledOn(p)
			s.Drained = slices.Delete(s.Drained, 6, 7) // of number 7 there is no mark
		}},
		{"a spool that says that less waits than does", "I13", func(p *pair) {
			s := spooledOn(p)
			s.Drained, s.Count.Pending = s.Drained[:5], 3
		}},
		{"a message that waits for ever", "I14", func(p *pair) {
			p.record.Inbound[0].HandledAt, p.record.Inbound[0].ReceivedAt = nil, p.record.At.Add(-2*time.Minute)
		}},
		{"a spool that is not drained", "I14", func(p *pair) { p.record.Nodes[0].Spooled = 3 }},
		{"a wild clock", "I15", func(p *pair) {
			i := p.row(0, nil)
			p.record.Rows[i].ReceivedAt = p.record.Rows[i].ReceivedAt.Add(time.Hour)
		}},
		{"a time of sending that was lost", "I15", func(p *pair) {
			i := p.row(0, func(r fakeaggregator.Row) bool { return r.Medium == "sms" })
			p.record.Rows[i].SentAt = time.Time{}
		}},
		{"a promise while all is away", "I16", func(p *pair) {
			l := p.lines[p.line("last screen", func(l fakeaggregator.Line) bool { return l.Acked && l.Copy == fakeaggregator.First })]
			p.lines = append(p.lines, fakeaggregator.Line{Kind: fakeaggregator.KindWindow, Caller: -1, Wall: l.Wall, At: l.At - time.Second, Took: l.Took + 2*time.Second, Window: "durable"})
		}},
		{"a hop that takes too long", "I17", func(p *pair) {
			p.lines[p.line("hop", func(l fakeaggregator.Line) bool { return l.Kind == fakeaggregator.KindHop })].Took = 10 * time.Second
		}},
		{"a hop that is refused", "I17", func(p *pair) {
			i := p.line("dial", func(l fakeaggregator.Line) bool { return l.Kind == fakeaggregator.KindHop && l.N == 0 })
			p.lines[i].Status, p.lines[i].Screen = 500, ""
		}},
		{"a wish that STOP did not change", "I9", func(p *pair) {
			_, contact, _, _ := p.stopped()
			p.record.At = p.record.At.Add(time.Minute)
			p.record.Wishes = slices.DeleteFunc(p.record.Wishes, func(w store.VerifiedWish) bool { return bytes.Equal(w.Contact, contact) })
		}},
		{"an erased caller's words that are there", "I18", func(p *pair) { p.erased(nil) }},
		{"an erased caller's words in a sealed column", "I18", func(p *pair) {
			nonce := p.erased(func(r fakeaggregator.Row, contact []byte) bool { return bytes.Equal(r.Contact, contact) })
			p.record.Opened = append(p.record.Opened, fakeaggregator.Opened{Table: "draft", Contact: make([]byte, 32), Words: nonce})
		}},
		{"a run that came with an identity and went", "I7", func(p *pair) {
			key := p.lab.keys.Ring.ID("run-identity", []byte("gone"))
			p.record.Identities = append(p.record.Identities, store.VerifiedIdentity{Key: key.Bytes(), RunID: "gone"})
		}},
	})
}

// spooledOn gives a record one more gateway, which spooled ten records: one was
// refused, one is in quarantine, and one of them came out twice over a kill -9.
func spooledOn(p *pair) *store.VerifiedSpool {
	const base = 1_700_000_000_000_000
	s := store.VerifiedSpool{Node: "00000000-0000-8000-8000-00000000000a", BeatAt: p.record.At, Count: &store.SpoolCount{
		Base: base, Last: base + 12, Refused: [][2]uint64{{base + 11, base + 12}}, Quarantined: []uint64{base + 10},
	}}
	for n := int64(1); n < 10; n++ {
		s.Drained = append(s.Drained, base+n)
	}
	p.record.Spools = append(slices.Clone(p.record.Spools), s)
	return &p.record.Spools[len(p.record.Spools)-1]
}

// I13 of the spool: what it may say, and what it must not.
func TestWhatASpoolCountsIsHeldAgainstWhatTheRecordHasOfIt(t *testing.T) {
	for _, c := range []struct {
		name      string
		change    func(p *pair, s *store.VerifiedSpool)
		violation string // "": none
		unchecked string
	}{
		{"all is there", func(*pair, *store.VerifiedSpool) {}, "", ""},
		{"one is missing", func(_ *pair, s *store.VerifiedSpool) { s.Drained = slices.Delete(s.Drained, 2, 3) },
			"10 records were spooled, 8 came out by a commit, 0 wait and 1 are in quarantine: 1 left without a commit, from number 3 to 3", ""},
		{"the last waits", func(_ *pair, s *store.VerifiedSpool) { s.Drained, s.Count.Pending = s.Drained[:8], 1 }, "", ""},
		{"it waited when that was told", func(_ *pair, s *store.VerifiedSpool) { s.Count.Pending = 3 }, "", ""},
		{"two are missing, of which one waits", func(_ *pair, s *store.VerifiedSpool) { s.Drained, s.Count.Pending = s.Drained[:7], 1 },
			"10 records were spooled, 7 came out by a commit, 1 wait and 1 are in quarantine: 1 left without a commit, from number 8 to 9", ""},
		{"what was refused came out", func(_ *pair, s *store.VerifiedSpool) { s.Drained = append(s.Drained, int64(s.Count.Last)) }, "", ""},
		{"that does not make up for another", func(_ *pair, s *store.VerifiedSpool) { s.Drained = append(s.Drained[1:], int64(s.Count.Last)) },
			"10 records were spooled, 9 came out by a commit, 0 wait and 1 are in quarantine: 1 left without a commit, from number 1 to 1", ""},
		{"one is missing where the spool is damaged", func(_ *pair, s *store.VerifiedSpool) { s.Drained, s.Count.Damaged = s.Drained[1:], 1 }, "",
			"1 stretches of it were damaged, and 1 records may have stood there"},
		{"it is silent", func(p *pair, s *store.VerifiedSpool) { s.Drained, s.BeatAt = nil, p.record.At.Add(-2*time.Minute) }, "", "it has told nothing for 2m0s"},
		{"it has stopped", func(p *pair, s *store.VerifiedSpool) {
			s.Drained, s.BeatAt, s.Stopped = s.Drained[1:], p.record.At.Add(-2*time.Minute), true
		}, "10 records were spooled, 8 came out by a commit", ""},
		{"it tells nothing", func(_ *pair, s *store.VerifiedSpool) { s.Count = nil }, "", "it tells of none"},
		{"there is no gateway", func(p *pair, _ *store.VerifiedSpool) { p.record.Spools = nil }, "", "no gateway tells of one"},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := &pair{t: t, record: fakeaggregator.Record{At: time.Now()}}
			c.change(p, spooledOn(p))
			r := fakeaggregator.Verify(nil, fakeaggregator.VerifyOptions{World: &fakeaggregator.World{}, Record: &p.record})
			var violations, unchecked []string
			for _, v := range r.Violations {
				if v.Invariant == "I13" {
					violations = append(violations, v.What)
				}
			}
			for _, u := range r.NotChecked {
				if u.Invariant == "I13" {
					unchecked = append(unchecked, u.Why)
				}
			}
			for _, side := range []struct {
				got  []string
				want string
			}{{violations, c.violation}, {unchecked, c.unchecked}} {
				if got := strings.Join(side.got, "; "); (got == "") != (side.want == "") || !strings.Contains(got, side.want) {
					t.Errorf("got %q, want %q", got, side.want)
				}
			}
		})
	}
}

func TestAViolationNamesNoNumberAndNoText(t *testing.T) {
	v := fakeaggregator.Violation{Invariant: "I1", What: "lost", Caller: 3, Where: "table submission"}
	if got := v.String(); got != "I1: caller 3: lost (table submission)" {
		t.Errorf("got %q", got)
	}
}
