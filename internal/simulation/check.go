package simulation

import (
	"bytes"
	"context"
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"time"

	"lafia/internal/programme"
)

// deed is what the checker reads of a record in a spool.
type deed struct {
	Run *struct {
		Submission struct {
			Reference programme.Reference
			Level     programme.Level
		}
		Contact []byte
	}
	Wishes []struct {
		Contact []byte
		Purpose string
		Given   bool
	}
	Message *struct {
		Received struct{ ContentHMAC []byte }
		Part     *struct{ ContentHMAC []byte }
	}
}

func (d deed) message(content []byte) bool {
	return d.Message != nil && (bytes.Equal(d.Message.Received.ContentHMAC, content) ||
		d.Message.Part != nil && bytes.Equal(d.Message.Part.ContentHMAC, content))
}

// spooled gives what is on the disks of all gateways, and would outlive them.
func (w *world) spooled() (out []deed) {
	for _, g := range w.gateways {
		for _, r := range g.journal.durable() {
			var d deed
			if err := json.Unmarshal(r.Body[1:], &d); err != nil {
				w.violate("a record of the spool does not parse: %v", err)
			}
			out = append(out, d)
		}
	}
	return out
}

// durable reports whether what a person was told is kept is so: in the record, or
// on a disk.
func (w *world) durable(p *person, e *errand, ref programme.Reference) bool {
	spooled := w.spooled()
	switch {
	case e.news != nil:
		given, known, _ := w.record.Wished(context.Background(), p.contact, "broadcast")
		return known && given == *e.news || slices.ContainsFunc(spooled, func(d deed) bool {
			for _, s := range d.Wishes {
				if bytes.Equal(s.Contact, p.contact) && s.Purpose == "broadcast" && s.Given == *e.news {
					return true
				}
			}
			return false
		})
	case ref != "":
		return w.record.has(p.contact, ref) || slices.ContainsFunc(spooled, func(d deed) bool {
			return d.Run != nil && bytes.Equal(d.Run.Contact, p.contact) && d.Run.Submission.Reference == ref
		})
	case e.want.kind == programme.Confidential:
		return slices.ContainsFunc(w.record.Confidentials(), func(c Confidential) bool { return bytes.Equal(c.Contact, p.contact) }) ||
			slices.ContainsFunc(spooled, func(d deed) bool {
				return d.Run != nil && bytes.Equal(d.Run.Contact, p.contact) && d.Run.Submission.Level == programme.L3
			})
	}
	return slices.ContainsFunc(w.record.Submissions(), func(s Submission) bool { return bytes.Equal(s.Contact, p.contact) }) ||
		slices.ContainsFunc(spooled, func(d deed) bool { return d.Run != nil && bytes.Equal(d.Run.Contact, p.contact) })
}

// check holds what is kept against what was said (reliability.md 2, I1 to I16).
func (w *world) check() {
	if left := w.record.Unhandled(); len(left) > 0 {
		w.violate("I13: %d messages were never handled", len(left))
	}
	for _, g := range w.gateways {
		if n := g.journal.Pending(); n > 0 {
			w.violate("I14: %d records stay in a spool", n)
		}
	}
	if id := w.record.doubled(); id != "" {
		w.violate("I8: a message is queued twice")
	}
	rows := w.record.Submissions()
	for _, p := range w.people {
		p.checkKept(rows)
		p.checkReplies()
		p.checkNews()
	}
	for _, s := range rows {
		if !slices.ContainsFunc(w.people, func(p *person) bool { return bytes.Equal(p.contact, s.Contact) }) {
			w.violate("I4: a row is nobody's")
		}
	}
}

// words opens the words of a row.
func (w *world) words(s Submission) string {
	if s.Sealed == nil {
		return ""
	}
	b, err := w.Ring.Open(s.Sealed, "submission/"+s.ID)
	if err != nil {
		w.violate("I7: the words of a row do not open: %v", err)
	}
	return string(b)
}

// checkKept holds a person's rows against her errands.
func (p *person) checkKept(rows []Submission) {
	w := p.w
	count := map[*want]int{}
	var confidential int
	refs := map[programme.Reference]int{}
	for _, s := range rows {
		if !bytes.Equal(s.Contact, p.contact) {
			continue
		}
		refs[s.Reference]++
		if wanted := p.match(s); wanted != nil {
			count[wanted]++
		}
	}
	for _, c := range w.record.Confidentials() {
		if bytes.Equal(c.Contact, p.contact) {
			refs[c.Reference]++
			confidential++
		}
	}
	for ref, n := range refs {
		if n > 1 {
			w.violate("I7: %s has %d rows with the reference %s", p, n, ref)
		}
	}
	p.checkAcks(count, refs, confidential)
	for _, e := range p.errands {
		if e.want != nil && e.want.kind != programme.Confidential && count[e.want] > p.finals[e] {
			w.violate("I2: %s finished an errand %d times, and it is kept %d times", p, p.finals[e], count[e.want])
		}
		for _, t := range e.texts {
			if t.want != nil && count[t.want] > 1 {
				w.violate("I2: a message of %s is kept %d times", p, count[t.want])
			}
		}
	}
	finals := 0
	for _, e := range p.errands {
		if e.want != nil && e.want.kind == programme.Confidential {
			finals += p.finals[e]
		}
	}
	if confidential > finals {
		w.violate("I2: %s finished %d confidential errands, and %d are kept", p, finals, confidential)
	}
}

func (p *person) checkAcks(count map[*want]int, refs map[programme.Reference]int, confidential int) {
	byDial := map[string]programme.Reference{}
	for _, a := range p.acks {
		wanted := a.errand.want
		switch {
		case wanted == nil: // a wish
		case wanted.kind == programme.Confidential && confidential == 0, wanted.kind != programme.Confidential && count[wanted] == 0:
			p.w.violate("I1: what %s was told is kept is not: %s %s", p, wanted.kind, wanted.nonce)
		}
		if a.ref == "" {
			continue
		}
		if refs[a.ref] != 1 {
			p.w.violate("I1: %s was told %s, of which there are %d", p, a.ref, refs[a.ref])
		}
		if was := byDial[a.dial]; was != "" && was != a.ref {
			p.w.violate("I7: %s was told %s and %s in one call", p, was, a.ref)
		}
		byDial[a.dial] = a.ref
	}
}

// match gives the errand that a row is, and says so when it is none, or other than
// she said.
func (p *person) match(s Submission) *want {
	words := p.w.words(s)
	if s.Partial && slices.ContainsFunc(p.wants(), func(wanted *want) bool { return wanted.kind == s.Kind && within(s.Answers, wanted.answers) }) {
		return nil
	}
	if s.Partial && p.mayErr() {
		return nil
	}
	for _, wanted := range p.wants() {
		if wanted.nonce == "" && wanted.kind == s.Kind && maps.Equal(wanted.answers, s.Answers) {
			return wanted
		}
	}
	for _, wanted := range p.wants() {
		if wanted.kind != s.Kind || wanted.nonce != "" && !strings.Contains(words, wanted.nonce) {
			continue
		}
		if wanted.kind != programme.Open && (!maps.Equal(wanted.answers, s.Answers) || words != wanted.text || wanted.project != s.Project && s.Kind != programme.Progress || wanted.place != s.Place && s.Kind != programme.Progress) ||
			wanted.kind == programme.Open && words != wanted.text {
			if p.mayErr() || p.manner == cumulative && p.w.forgotTwice() {
				return wanted
			}
			p.w.violate("I3: %s meant %v %q, and %v %q is kept", p, wanted.answers, wanted.text, s.Answers, words)
		}
		return wanted
	}
	for _, wanted := range p.wants() { // by SMS, what answers no question that is still open is kept as it is
		if wanted.nonce != "" && strings.Contains(words, wanted.nonce) && (p.mayErr() || p.manner == texting && s.Kind == programme.Open && !p.w.calm) {
			return wanted
		}
	}
	if p.mayErr() && s.Altered {
		return nil
	}
	p.w.violate("I4: %s never said %s %v %q (partial %v)", p, s.Kind, s.Answers, words, s.Partial)
	return nil
}

// mayErr reports whether a key or message of hers may have been read on another
// screen than the one before her, as docs/reliability.md says under what is known:
// what she said is kept then, and perhaps as the answer to the question before.
func (p *person) mayErr() bool {
	return p.w.lags || p.unaware() || p.manner == texting && p.w.flushed
}

// forgotTwice reports whether Redis forgot everything twice within a minute, and
// PostgreSQL was away at the first time: what a call keyed in since may be read as
// going on from a draft of before (docs/reliability.md, Known).
func (w *world) forgotTwice() bool {
	for _, first := range w.forgot {
		if first.away && slices.ContainsFunc(w.forgot, func(f forgot) bool { return f.at.After(first.at) && f.at.Sub(first.at) <= time.Minute }) {
			return true
		}
	}
	return false
}

func within(some, all map[string]string) bool {
	for k, v := range some {
		if all[k] != v {
			return false
		}
	}
	return true
}

func (p *person) wants() (out []*want) {
	for _, e := range p.errands {
		if e.want != nil {
			out = append(out, e.want)
		}
		for _, t := range e.texts {
			if t.want != nil {
				out = append(out, t.want)
			}
		}
	}
	return out
}

// checkReplies holds the answers to the same request against each other: byte for
// byte where nothing went wrong between them, and no other request was in work.
func (p *person) checkReplies() {
	for i, a := range p.asked {
		for _, b := range p.asked[i+1:] {
			if a.press == b.press && a.answered && b.answered && p.w.calm && p.alone(a, b) && a.reply != b.reply {
				p.w.violate("I5: the same request of %s was answered %q and %q", p, a.reply.Text, b.reply.Text)
			}
		}
	}
}

// alone reports whether no other request of a session was in work from the first
// of two until the second was answered.
func (p *person) alone(a, b request) bool {
	from, to := a.from, b.to
	if b.from.Before(from) {
		from = b.from
	}
	if a.to.After(to) {
		to = a.to
	}
	for _, q := range p.asked {
		if q.press != a.press && q.from.Before(to) && q.to.After(from) {
			return false
		}
	}
	return true
}

// checkNews holds the last word on news that she was told is kept against the
// record.
func (p *person) checkNews() {
	if !p.newsSet {
		return
	}
	given, known, _ := p.w.record.Wished(context.Background(), p.contact, "broadcast")
	if !known || given != *p.news {
		p.w.violate("I9: %s said %v to news, and kept is %v (known %v)", p, *p.news, given, known)
	}
}
