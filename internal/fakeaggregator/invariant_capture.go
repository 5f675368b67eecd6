package fakeaggregator

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"lafia/internal/programme"
)

// acked lists the acknowledgements of a caller: last screens with a reference,
// and 2xx to SMS with words.
func (c *check) acked(caller int) (refs map[string]turn, nonces map[string]turn) {
	refs, nonces = map[string]turn{}, map[string]turn{}
	for _, t := range c.hops[caller] {
		for _, l := range t.copies {
			if l.Acked && l.Ref != "" {
				refs[l.Ref] = t
				if l.Nonce != "" {
					nonces[l.Nonce] = t
				}
			}
		}
	}
	for _, t := range c.sms[caller] {
		for _, l := range t.copies {
			if l.Acked && l.Nonce != "" {
				nonces[l.Nonce] = t
			}
		}
	}
	return refs, nonces
}

// contactOf gives a caller's pseudonym.
func (c *check) contactOf(caller int) string {
	p := c.Keys.Ring.Pseudonym(c.callers[caller].Number)
	return string(p.Bytes())
}

func plainReference(ref string) string { return strings.ReplaceAll(ref, "-", "") }

// confided lists the confidential rows of a caller.
func (c *check) confided(caller int) (out []Confided) {
	contact := c.contactOf(caller)
	for _, r := range c.Record.Confidential {
		if string(r.Contact) == contact {
			out = append(out, r)
		}
	}
	return out
}

// lost is I1: every acknowledged message is there.
func (c *check) lost() {
	for caller := range c.callers {
		contact := c.contactOf(caller)
		refs, nonces := c.acked(caller)
		confided := c.confided(caller)
		for ref, t := range refs {
			c.looked("I1")
			there := slices.ContainsFunc(c.Record.Rows, func(r Row) bool {
				return string(r.Contact) == contact && string(r.Reference) == plainReference(ref)
			}) || slices.ContainsFunc(confided, func(r Confided) bool { return r.Reference == plainReference(ref) })
			if !there {
				c.violated("I1", caller, where(t.first), "she got a reference, and nothing of hers has it: lost")
			}
		}
		grave := 0
		for nonce, t := range nonces {
			c.looked("I1")
			rows := c.byNonce[nonce]
			if len(rows) > 0 {
				continue
			}
			if t.first.Kind == KindSMS && c.callers[caller].Role == Grave {
				if grave++; grave <= len(confided) {
					continue
				}
			}
			if slices.ContainsFunc(confided, func(r Confided) bool { return r.Body != nil && strings.Contains(r.Body.Text, nonce) }) {
				continue
			}
			c.violated("I1", caller, where(t.first), "what she said was acknowledged, and its words are nowhere: lost")
		}
		for _, e := range c.expects[caller] {
			if !e.partial || !e.sure {
				continue
			}
			c.looked("I1")
			there := slices.ContainsFunc(c.Record.Rows, func(r Row) bool { return string(r.Contact) == contact && c.different(r, e) == "" })
			if !there {
				c.violated("I1", caller, where(e.turn.first), "she left a %s that said enough, and it was not kept: lost", e.sub.Kind)
			}
		}
		calls := c.callRows(contact)
		for _, w := range c.calls[caller] {
			if !w.sure {
				continue
			}
			c.looked("I1")
			if !slices.ContainsFunc(calls, func(r Row) bool { return maps.Equal(r.Answers, w.answers) }) {
				c.violated("I1", caller, where(w.turn.first), "she was told that she will be called, and nothing says so: lost")
			}
		}
	}
}

// isCall reports whether a row is a wish to be called back that was made by a key.
func isCall(r Row) bool {
	return r.Kind == programme.Open && r.Medium == "ussd" && r.Answers["call"] != ""
}

// callRows lists the wishes of a caller to be called back.
func (c *check) callRows(contact string) (out []Row) {
	for _, r := range c.Record.Rows {
		if string(r.Contact) == contact && isCall(r) {
			out = append(out, r)
		}
	}
	return out
}

// wished reports whether a replay of what she keyed in asks for the call of a row.
func (c *check) wished(caller int, r Row) bool {
	return isCall(r) && r.Words == "" && slices.ContainsFunc(c.calls[caller], func(w wishedCall) bool {
		return maps.Equal(w.answers, r.Answers) && w.turn.first.Channel == r.Channel
	})
}

// doubled is I2: nothing is there more often than she finished it.
func (c *check) doubled() {
	for nonce, caller := range c.owner {
		c.looked("I2")
		runs := map[int]bool{}
		for _, e := range c.expects[caller] {
			if e.nonce == nonce {
				runs[e.run] = true
			}
		}
		most := max(len(runs), 1)
		if c.blind[caller] { // where she stood is not known: each time that she sent it may be another
			for _, t := range c.hops[caller] {
				if t.first.Nonce == nonce {
					most++
				}
			}
		}
		if n := len(c.byNonce[nonce]); n > most {
			c.violated("I2", caller, "table submission", "what she said once is there %d times, and she finished it %d times at the most: doubled", n, most)
		}
	}
	for caller := range c.callers {
		contact, left := c.contactOf(caller), map[int]bool{}
		for _, e := range c.expects[caller] {
			if e.partial {
				left[e.run] = true
			}
		}
		kept := 0
		for _, r := range c.Record.Rows {
			if string(r.Contact) != contact {
				continue
			}
			if r.Partial {
				kept++
			}
		}
		if c.looked("I2"); kept > len(left) && !c.blind[caller] {
			c.violated("I2", caller, "table submission", "%d things that she left are there, and she left %d: doubled", kept, len(left))
		}
		turns := map[time.Duration]bool{}
		for _, w := range c.calls[caller] {
			turns[w.turn.first.At] = true
		}
		if n := len(c.callRows(contact)); n > len(turns) && !c.blind[caller] {
			c.violated("I2", caller, "table submission", "%d wishes to be called back are there, and she made %d: doubled", n, len(turns))
		}
		seen := map[string]bool{}
		for _, r := range c.confided(caller) {
			if c.looked("I2"); seen[r.Reference] {
				c.violated("I2", caller, "table confidential", "a confidential message is there twice under one reference: doubled")
			}
			seen[r.Reference] = true
		}
		runs := map[int]bool{}
		for _, e := range c.expects[caller] {
			runs[e.run] = true
		}
		if n := len(c.confided(caller)); c.callers[caller].Role == Confidential && n > len(runs) && !c.blind[caller] {
			c.violated("I2", caller, "table confidential", "%d confidential messages are there, and she finished %d: doubled", n, len(runs))
		}
	}
}

// wrong is I3: what is stored is what the checker's own steps make of her inputs.
func (c *check) wrong() {
	for _, r := range c.Record.Rows {
		caller, known := c.contact[string(r.Contact)]
		if !known || c.blind[caller] {
			continue
		}
		c.looked("I3")
		if r.Closed {
			c.violated("I3", caller, "table submission", "the words do not open")
			continue
		}
		if c.isOpen(caller, r) || c.wished(caller, r) {
			continue
		}
		var about []expected
		for _, e := range c.expects[caller] {
			if e.partial != r.Partial {
				continue
			}
			if e.nonce != "" && strings.Contains(r.Words, e.nonce) || e.nonce == "" && e.sub.Kind == string(r.Kind) && (e.ref == "" || plainReference(e.ref) == string(r.Reference)) {
				about = append(about, e)
			}
		}
		switch {
		case len(about) == 0 && r.Partial:
			c.violated("I3", caller, c.row(r), "a partial %s is stored that no replay of what she keyed in leaves", r.Kind)
		case len(about) == 0:
			c.violated("I3", caller, c.row(r), "a %s is stored that no replay of what she keyed in finishes", r.Kind)
		case !slices.ContainsFunc(about, func(e expected) bool { return c.different(r, e) == "" }):
			c.violated("I3", caller, c.row(r), "a %s differs from the replay of what she keyed in: %s", r.Kind, c.different(r, about[0]))
		}
	}
	for _, r := range c.Record.Confidential {
		caller, known := c.contact[string(r.Contact)]
		if !known || r.Body == nil || c.blind[caller] || c.callers[caller].Role != Confidential {
			continue
		}
		c.looked("I3")
		same := slices.ContainsFunc(c.expects[caller], func(e expected) bool { return maps.Equal(e.sub.Answers, r.Body.Answers) })
		if !same {
			c.violated("I3", caller, "table confidential", "a confidential message differs from the replay of what she keyed in")
		}
	}
}

// isOpen reports whether a row is the open message that a caller wrote as one.
func (c *check) isOpen(caller int, r Row) bool {
	for _, n := range noncesIn(r.Words) {
		run, ok := c.runs[n]
		if ok && run.Caller == caller && r.Kind == programme.Open && r.Words == run.Text && r.Medium == "sms" {
			return true
		}
	}
	return false
}

// different tells where a row is not what was expected: "" where it is.
func (c *check) different(r Row, e expected) string {
	want := maps.Clone(e.sub.Answers)
	if want == nil {
		want = map[string]string{}
	}
	project, place, group := want["project"], want["place"], want["group"]
	delete(want, "project")
	delete(want, "place")
	if e.sub.Kind == "progress" {
		delete(want, "group")
	} else {
		group = ""
	}
	level := programme.Level(e.sub.Level)
	switch {
	case string(r.Kind) != e.sub.Kind:
		return "the kind"
	case r.Level != level:
		return "the level"
	case r.Project != project && group == "":
		return "the project"
	case place != "" && r.Place != place:
		return "the place"
	case r.Group != group:
		return "the group"
	case r.Language != e.language:
		return "the language"
	case r.Medium != e.medium || r.Channel != e.turn.first.Channel:
		return "the channel"
	case !maps.Equal(r.Answers, want):
		return "the answers"
	case r.Words != e.sub.Text:
		return "the words"
	case r.Partial != e.partial:
		return "it is marked as partial"
	case r.Altered && !c.finishedUnheard(e):
		return "it is marked as altered"
	}
	return ""
}

// finishedUnheard reports whether she may have finished a run before, saying
// something else, and the answer never came: what she says then when she goes on
// with it is kept beside that, marked.
func (c *check) finishedUnheard(e expected) bool {
	return slices.ContainsFunc(c.expects[e.turn.first.Caller], func(o expected) bool {
		return o.run == e.run && !o.sure && !o.partial && (o.sub.Text != e.sub.Text || !maps.Equal(o.sub.Answers, e.sub.Answers))
	})
}

// unmeant is I4: every row is somebody's intention.
func (c *check) unmeant() {
	for _, r := range c.Record.Rows {
		c.looked("I4")
		caller, known := c.contact[string(r.Contact)]
		if !known && r.ReceivedAt.After(c.ended) { // of whoever called since
			continue
		}
		if !known {
			c.violated("I4", -1, "table submission", "a %s of a phone that no caller has", r.Kind)
			continue
		}
		nonces := noncesIn(r.Words)
		for _, n := range nonces {
			if run, ok := c.runs[n]; ok && run.Caller == caller && strings.TrimSpace(run.Text) != r.Words {
				c.violated("I4", caller, "table submission", "the words of a %s are not those that she meant", r.Kind)
			}
		}
		// What she left was not finished with the words that she meant: wrong looks at it.
		meant := c.wished(caller, r) || c.callers[caller].Role == Progress || r.Partial && c.callers[caller].Role == Role(r.Kind)
		if len(nonces) == 0 && !meant && !c.blind[caller] {
			c.violated("I4", caller, "table submission", "a %s that she did not mean", r.Kind)
		}
	}
	for _, r := range c.Record.Confidential {
		c.looked("I4")
		caller, known := c.contact[string(r.Contact)]
		switch {
		case !known && r.ReceivedAt.After(c.ended):
		case !known:
			c.violated("I4", -1, "table confidential", "a confidential message of a phone that no caller has")
		case c.callers[caller].Role != Confidential && c.callers[caller].Role != Grave:
			c.violated("I4", caller, "table confidential", "a confidential message that she did not mean")
		}
	}
}

// row tells which row of the record one is, for whoever looks into the ledger.
func (c *check) row(r Row) string {
	began := c.lines[0].Wall.Add(-c.lines[0].At)
	what := "table submission"
	if r.Altered {
		what += ", altered"
	}
	return fmt.Sprintf("%s, received at %v", what, r.ReceivedAt.Sub(began).Round(time.Millisecond))
}

// references is I7: a run has one reference, which is the one that its id gives. Seven
// digits of two runs of one phone may be alike by chance (design.md, decision 6: no
// index makes them unique); then each of the two gives them, and both are in the record.
func (c *check) references() {
	type key struct {
		caller int
		ref    string
	}
	rows := map[key]int{}
	identities := map[string]bool{}
	runs := map[string]bool{}
	for _, i := range c.Record.Identities {
		identities[string(i.Key)] = true
		runs[i.RunID] = true
	}
	// What else was said under a run's id is kept beside it, marked, under its reference:
	// wrong says whether that may be.
	beside := map[key]bool{}
	for _, r := range c.Record.Rows {
		if caller, known := c.contact[string(r.Contact)]; known && !r.Altered {
			beside[key{caller, string(r.Reference)}] = true
		}
	}
	each := func(where, id, ref, contact string, altered bool) {
		delete(runs, id)
		caller, known := c.contact[contact]
		if !known {
			return
		}
		c.looked("I7")
		rows[key{caller, ref}]++
		mac := c.Keys.Ring.ID("reference", []byte(id))
		switch {
		case altered && !beside[key{caller, ref}]:
			c.violated("I7", caller, where, "a reference that no run beside it has")
		case !altered && string(programme.ReferenceOf(mac.Bytes())) != ref:
			c.violated("I7", caller, where, "a reference that its run does not give")
		}
		identity := c.Keys.Ring.ID("run-identity", []byte(id))
		if !identities[string(identity.Bytes())] {
			c.violated("I7", caller, "table identity", "a run without an identity: nothing would know it again")
		}
	}
	for _, r := range c.Record.Rows {
		each(c.row(r), r.ID, string(r.Reference), string(r.Contact), r.Altered)
	}
	for _, r := range c.Record.Confidential {
		each("table confidential", r.ID, r.Reference, string(r.Contact), false)
	}
	for _, r := range c.Record.Inbound { // the identities of messages name those
		delete(runs, r.ID)
	}
	for range runs {
		c.violated("I7", -1, "table identity", "an identity whose run is not there: what came with it was dropped")
	}
	for caller := range c.callers {
		of := map[string]map[string]bool{} // words → references
		by := map[string]map[string]bool{} // reference → words
		for _, t := range c.hops[caller] {
			seen := map[string]bool{}
			for _, l := range append(slices.Clone(t.copies), t.late...) {
				if l.Ref == "" {
					continue
				}
				c.looked("I7")
				if l.Copy != Late {
					seen[l.Ref] = true
				}
				if l.Nonce == "" || l.Copy == Late {
					continue
				}
				for _, m := range []struct {
					in    map[string]map[string]bool
					a, b_ string
				}{{of, l.Nonce, l.Ref}, {by, l.Ref, l.Nonce}} {
					if m.in[m.a] == nil {
						m.in[m.a] = map[string]bool{}
					}
					m.in[m.a][m.b_] = true
				}
			}
			if len(seen) > 1 {
				c.violated("I7", caller, where(t.first), "one hop, and %d references", len(seen))
			}
		}
		for range by {
			c.looked("I7")
		}
		for ref, words := range by {
			if len(words) > max(1, rows[key{caller, plainReference(ref)}]) {
				c.violated("I7", caller, "ledger", "one reference for %d things that she said", len(words))
			}
		}
	}
}

// times is I15: when a message was sent is kept, and when it came in is right.
func (c *check) times() {
	posted := map[string][]Line{}
	for _, list := range []map[int][]turn{c.hops, c.sms} {
		for _, turns := range list {
			for _, t := range turns {
				for _, l := range t.copies {
					if l.Nonce != "" {
						posted[l.Nonce] = append(posted[l.Nonce], l)
					}
				}
			}
		}
	}
	for _, r := range c.Record.Rows {
		caller, known := c.contact[string(r.Contact)]
		if !known || !r.Partial { // what was left is received when she is seen to have left it
			continue
		}
		c.looked("I15")
		if !slices.ContainsFunc(c.hops[caller], func(t turn) bool {
			return !r.ReceivedAt.Before(t.first.Wall.Add(-time.Second)) && !r.ReceivedAt.After(t.first.Wall.Add(t.ends()-t.first.At+time.Second))
		}) {
			c.violated("I15", caller, "table submission", "what she left was received at a moment at which she sent nothing")
		}
	}
	for nonce, lines := range posted {
		for _, r := range c.byNonce[nonce] {
			if r.Partial {
				continue
			}
			c.looked("I15")
			if !slices.ContainsFunc(lines, func(l Line) bool {
				return !r.ReceivedAt.Before(l.Wall.Add(-time.Second)) && !r.ReceivedAt.After(l.Wall.Add(l.Took+time.Second))
			}) {
				c.violated("I15", c.owner[nonce], "table submission", "it was received at a moment at which she sent nothing")
			}
			if r.Medium != "sms" {
				continue
			}
			sent, err := time.Parse(time.RFC3339, lines[0].SentAt)
			if err == nil && !r.SentAt.Equal(sent) {
				c.violated("I15", c.owner[nonce], "table submission", "it is not kept when it was sent")
			}
		}
	}
}
