package fakeaggregator

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"lafia/internal/job"
	"lafia/internal/store"
)

// mayHaveSent reports whether an answer leaves open that the message went out.
func mayHaveSent(l Line) bool { return l.Answer != "throttle" && l.Answer != "refused" }

// provider is I8: a message that goes out once at the most reaches the provider
// once at the most, and none is forgotten.
func (c *check) provider() {
	type letter struct {
		caller int
		text   string
	}
	calls := map[letter]int{}
	for caller, list := range c.sends {
		for _, l := range list {
			if mayHaveSent(l) {
				calls[letter{caller, l.Text}]++
			}
		}
	}
	rows := map[letter]int{}
	for _, o := range c.Record.Outbound {
		caller, known := c.contact[string(o.Contact)]
		if !known {
			continue
		}
		c.looked("I8")
		class, ok := job.ClassNamed(o.Class)
		rows[letter{caller, o.Words}] += max(class.Tries, 1)
		tried := 0
		for _, a := range o.Attempts {
			if a.Verdict != "retry" && a.Verdict != "rejected" {
				tried++
			}
		}
		if ok && tried > class.Tries {
			c.violated("I8", caller, "table attempt", "a %s was tried %d times, and %d may have gone out", o.Class, len(o.Attempts), tried)
		}
		switch age := c.Record.At.Sub(o.ChangedAt); {
		case o.State == "sending" && age > 2*time.Minute:
			c.violated("I8", caller, "table outbound", "a %s has been sending for %v, and nobody marked it", o.Class, age.Round(time.Second))
		case o.State == "queued" && !o.Due:
			c.violated("I8", caller, "table outbound", "a %s waits, and nothing will look for it", o.Class)
		case o.State == "queued" && c.Record.At.Sub(o.CreatedAt) > class.GiveUp:
			c.violated("I8", caller, "table outbound", "a %s waits beyond its time", o.Class)
		}
	}
	if len(calls) == 0 && len(rows) > 0 {
		c.unchecked("I8", "of what reached the provider: this play was not the far end of sends")
	}
	for l, n := range calls {
		if c.looked("I8"); l.caller >= 0 && n > rows[l] {
			c.violated("I8", l.caller, "ledger", "the provider was called %d times for a message that may go out %d times", n, rows[l])
		}
	}
	for _, l := range c.sends[-1] {
		c.violated("I8", -1, where(l), "a message to a number that no caller has")
	}
}

// stopHolds is how soon after its acknowledgement a STOP holds.
const stopHolds = 5 * time.Second

// stops is I9: nothing is sent to a phone that nobody asked for after its STOP.
func (c *check) stops() {
	for caller := range c.callers {
		contact := c.contactOf(caller)
		for _, t := range c.sms[caller] {
			stopped := time.Duration(-1)
			var wall time.Time
			for _, l := range t.copies {
				if l.Stop && l.Acked && stopped < 0 {
					stopped, wall = l.At+l.Took, l.Wall.Add(l.Took)
				}
			}
			if stopped < 0 {
				continue
			}
			c.looked("I9")
			given := map[string]bool{}
			for _, w := range c.Record.Wishes {
				if string(w.Contact) == contact {
					given[w.Purpose] = w.Given
				}
			}
			for _, purpose := range []string{"broadcast", "reminder"} {
				if yes, said := given[purpose]; (!said || yes) && c.Record.At.Sub(wall) > stopHolds {
					c.violated("I9", caller, where(t.first), "her STOP was acknowledged, and she is still down for every %s", purpose)
				}
			}
			news := map[string]bool{} // what goes out on its own
			answers := map[string]bool{}
			for _, o := range c.Record.Outbound {
				if string(o.Contact) != contact {
					continue
				}
				class, _ := job.ClassNamed(o.Class)
				if class.Purpose == "" && o.Purpose == "" {
					answers[o.Words] = true
					continue
				}
				news[o.Words] = true
				for _, a := range o.Attempts {
					if a.StartedAt.After(wall.Add(stopHolds)) {
						c.violated("I9", caller, "table attempt", "a %s was sent after her STOP", o.Class)
					}
				}
			}
			for _, l := range c.sends[caller] {
				if l.At > stopped+stopHolds && (news[l.Text] || !answers[l.Text]) {
					c.violated("I9", caller, where(l), "a message that she did not ask for, after her STOP")
				}
			}
		}
	}
}

// crossed is I10: nobody's words are with somebody else.
func (c *check) crossed() {
	foreign := func(caller int, text, where string) {
		for _, n := range noncesIn(text) {
			c.looked("I10")
			if owner, known := c.owner[n]; known && owner != caller {
				c.violated("I10", caller, where, "the words of caller %d are with her", owner)
			}
		}
	}
	for _, l := range c.lines {
		switch l.Kind {
		case KindHop, KindSMS:
			c.looked("I10")
			foreign(l.Caller, l.Screen, where(l))
			foreign(l.Caller, l.Body, where(l))
		case KindSend:
			c.looked("I10")
			foreign(l.Caller, l.Text, where(l))
		}
	}
	owner := func(contact []byte) int {
		if caller, known := c.contact[string(contact)]; known {
			return caller
		}
		return -1
	}
	for _, r := range c.Record.Rows {
		foreign(owner(r.Contact), r.Words, "table submission")
	}
	for _, r := range c.Record.Confidential {
		if r.Body != nil {
			foreign(owner(r.Contact), r.Body.Text, "table confidential")
		}
	}
	for _, o := range c.Record.Outbound {
		foreign(owner(o.Contact), o.Words, "table outbound")
	}
}

// plain is I11: no words and no canary's number stand anywhere in the clear.
func (c *check) plain() {
	for range c.Record.Plain {
		c.looked("I11")
	}
	for _, p := range c.Record.Plain {
		c.violated("I11", p.Caller, "table "+p.Where, "her %s stand in the clear", p.What)
	}
	s := newSearch(c.lines)
	for _, log := range c.Logs {
		for line := range strings.Lines(log) {
			c.looked("I11")
			for _, p := range s.in("", line) {
				c.violated("I11", p.Caller, "a log", "her %s stand in a log", p.What)
			}
		}
	}
	c.looked("I11")
	if len(c.Logs) == 0 {
		c.unchecked("I11", "of logs: none was given")
	}
}

// counts is I13: what came in is handled or waits.
func (c *check) counts() {
	rows := map[int]int{}
	for _, m := range c.Record.Inbound {
		if caller, known := c.contact[string(m.Contact)]; known {
			rows[caller]++
		}
	}
	for caller := range c.callers {
		acked, posted := 0, 0
		for _, t := range c.sms[caller] {
			posted++
			for _, l := range t.copies {
				if l.Acked {
					acked++
					break
				}
			}
		}
		if posted == 0 && rows[caller] == 0 {
			continue
		}
		c.looked("I13")
		if n := rows[caller]; n < acked || n > posted {
			c.violated("I13", caller, "table inbound", "%d messages came in, %d were acknowledged and %d posted", n, acked, posted)
		}
	}
}

// toldWithin is how old what a gateway tells may be while it is alive: it does each
// 15 s, and each second while something lies in its spool.
const toldWithin = time.Minute

// spooled is I13 of the spool: each number that a gateway's spool gave to a record
// has its mark in the record, put there by the commit of what the record says, or was
// refused, or lies in quarantine, or waits. The numbers are the spool's and the marks
// are the record's, so neither can make up for the other. A record that a kill -9
// brings out twice has one mark.
func (c *check) spooled() {
	if slices.ContainsFunc(c.windows, func(w Line) bool { return w.Window == "restore" }) {
		c.unchecked("I13", "of the spool: what came out between a backup and its restore has lost its marks with the rest")
		return
	}
	if len(c.Record.Spools) == 0 {
		c.unchecked("I13", "of the spool: no gateway tells of one")
	}
	for _, s := range c.Record.Spools {
		if s.Count == nil {
			c.unchecked("I13", fmt.Sprintf("of the spool of gateway %s: it tells of none: it has none, or one whose numbers nobody told", s.Node))
			continue
		}
		if age := c.Record.At.Sub(s.BeatAt); !s.Stopped && age > toldWithin {
			c.unchecked("I13", fmt.Sprintf("of the spool of gateway %s: it has told nothing for %v", s.Node, age.Round(time.Second)))
			continue
		}
		c.spool(s)
	}
}

func (c *check) spool(s store.VerifiedSpool) {
	n := s.Count
	spared := map[uint64]bool{} // need not have come out
	for _, r := range n.Refused {
		for i := r[0]; i <= r[1]; i++ {
			spared[i] = true
		}
	}
	refused := len(spared)
	for _, i := range n.Quarantined {
		spared[i] = true
	}
	drained := map[uint64]bool{}
	for _, i := range s.Drained {
		if i := uint64(i); i > n.Base && i <= n.Last {
			drained[i] = true
		}
	}
	var missing []uint64
	for i := n.Base + 1; i <= n.Last; i++ {
		c.looked("I13")
		if !drained[i] && !spared[i] {
			missing = append(missing, i)
		}
	}
	spooled := int(n.Last-n.Base) - refused
	c.report.Spools.Gateways++
	c.report.Spools.Spooled += spooled
	c.report.Spools.Drained += len(drained)
	c.report.Spools.Pending += n.Pending
	c.report.Spools.Quarantined += len(n.Quarantined)
	// What waits at the moment that the gateway told of may have come out since.
	lost := len(missing) - n.Pending
	switch {
	case lost <= 0:
	case n.Damaged > 0:
		c.unchecked("I13", fmt.Sprintf("of the spool of gateway %s: %d stretches of it were damaged, and %d records may have stood there", s.Node, n.Damaged, lost))
	default:
		c.violated("I13", -1, "gateway "+s.Node, "%d records were spooled, %d came out by a commit, %d wait and %d are in quarantine: %d left without a commit, from number %d to %d",
			spooled, len(drained), n.Pending, len(n.Quarantined), lost, missing[0]-n.Base, missing[len(missing)-1]-n.Base)
	}
}

// quiet is I14: once all is over, nothing waits.
func (c *check) quiet() {
	for _, m := range c.Record.Inbound {
		caller, known := c.contact[string(m.Contact)]
		if !known {
			continue
		}
		c.looked("I14")
		if age := c.Record.At.Sub(m.ReceivedAt); m.HandledAt == nil && age > time.Minute {
			c.violated("I14", caller, "table inbound", "a message has waited for %v", age.Round(time.Second))
		}
	}
	for _, n := range c.Record.Nodes {
		if c.looked("I14"); n.Spooled > 0 {
			c.violated("I14", -1, "table node", "%d records lie in the spool of a gateway", n.Spooled)
		}
	}
}
