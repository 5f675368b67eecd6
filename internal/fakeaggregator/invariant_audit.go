package fakeaggregator

import (
	"context"
	"fmt"
	"iter"
	"time"

	"lafia/internal/audit"
	"lafia/internal/store"
)

// Audited is the audit as it lies in the database.
type Audited struct {
	Entries []audit.Entry
	Bad     *audit.Bad // the first entry that does not hold; nil: the chain holds
	NoKey   bool       // its first key is kept elsewhere: the chain was not checked
}

func readAudit(ctx context.Context, s *store.Store, k Keys) (Audited, error) {
	var a Audited
	err := s.ReadAudit(ctx, func(entries iter.Seq2[audit.Entry, error], end audit.Kept, sealed []byte) error {
		for e, err := range entries {
			if err != nil {
				return err
			}
			a.Entries = append(a.Entries, e)
		}
		first := k.Ring.AuditFirst()
		if first == nil {
			a.NoKey = true
			return nil
		}
		end.Next, _ = k.Ring.OpenAudit(sealed, end.Seq) // one that does not open is not the right one
		r, err := audit.Verify(first, entries, end, nil)
		a.Bad = r.Bad
		return err
	})
	return a, err
}

// AuditApart is how far an entry's time may be from the clock of the ledger: that of
// the audit from the database's, and one machine from another.
const AuditApart = 2 * time.Second

// doing is what an act and its entry have in common.
type doing struct{ act, actor, object string }

// audited is I12: one entry for each act of the ledger's staff, none that no act
// explains, in a chain that holds.
func (c *check) audited() {
	a := c.Record.Audit
	switch {
	case a.NoKey:
		c.unchecked("I12", "of the chain: its first key is kept elsewhere")
	case a.Bad != nil:
		c.violated("I12", -1, fmt.Sprintf("table audit, entry %d", a.Bad.Seq), "the chain does not hold: %s", a.Bad.What)
	}
	staff := map[string]bool{}
	acts := map[doing][]Line{}
	var order []doing
	for _, l := range c.lines {
		if l.Kind != KindStaff {
			continue
		}
		if l.Actor != audit.Guest {
			staff[l.Actor] = true
		}
		d := doing{l.Act, l.Actor, l.Object}
		if acts[d] == nil {
			order = append(order, d)
		}
		acts[d] = append(acts[d], l)
	}
	entries, foreign := c.entriesOf(staff)
	for _, d := range order {
		done, open := 0, 0
		for _, l := range acts[d] {
			c.looked("I12")
			switch {
			case l.Acked:
				done++
			case l.Status == 0 || l.Status >= 500: // nobody knows
				open++
			}
		}
		if n := len(entries[d]); n < done {
			c.violated("I12", -1, "table audit", "%d acts %s, and %d entries", done, d.act, n)
		} else if n > done+open {
			c.violated("I12", -1, fmt.Sprintf("table audit, entry %d", entries[d][n-1].Seq), "%d entries %s, and %d acts", n, d.act, done)
		}
	}
	for d, list := range entries {
		if acts[d] == nil {
			c.violated("I12", -1, fmt.Sprintf("table audit, entry %d", list[0].Seq), "an entry %s that no act of this ledger explains", d.act)
		}
	}
	if len(order) == 0 {
		c.unchecked("I12", fmt.Sprintf("of acts: this ledger has none of staff; the chain of %d entries was looked at, and that none of them is about its callers", len(a.Entries)))
	} else if foreign > 0 {
		c.unchecked("I12", fmt.Sprintf("of %d entries of its time: they are others' about others", foreign))
	}
}

// entriesOf gives the entries of the ledger's time that are by its staff or about its
// callers, and counts the rest.
func (c *check) entriesOf(staff map[string]bool) (of map[doing][]audit.Entry, foreign int) {
	about := map[string]bool{} // messages of callers, and accounts of staff
	for _, r := range c.Record.Rows {
		if _, known := c.contact[string(r.Contact)]; known {
			about[r.ID] = true
		}
	}
	for id := range staff {
		about[id] = true
	}
	of = map[doing][]audit.Entry{}
	began := c.ended
	for _, l := range c.lines {
		if l.Wall.Before(began) {
			began = l.Wall
		}
	}
	for _, e := range c.Record.Audit.Entries {
		c.looked("I12")
		switch {
		case e.At.Before(began.Add(-AuditApart)) || e.At.After(c.ended.Add(AuditApart)):
		case staff[e.Actor] || about[e.Object]:
			d := doing{string(e.Act), e.Actor, e.Object}
			of[d] = append(of[d], e)
		default:
			foreign++
		}
	}
	return of, foreign
}
