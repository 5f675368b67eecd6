package fakeaggregator

import (
	"context"
	"maps"
	"slices"
	"strings"
	"time"

	"lafia/internal/store"
)

// Opened is what a sealed column of an erased caller's, or of nobody's, holds.
type Opened struct {
	Table   string
	Contact []byte
	Words   string
}

// erasedCallers gives when callers were erased, the last time.
func erasedCallers(ledger []Line) map[int]time.Time {
	out := map[int]time.Time{}
	for _, l := range ledger {
		if l.Kind == KindErased {
			out[l.Caller] = l.Wall
		}
	}
	return out
}

// readOpened opens the sealed columns that no other reader opens, where the ledger has
// an erasure.
func readOpened(ctx context.Context, s *store.Store, k Keys, ledger []Line) ([]Opened, error) {
	if len(erasedCallers(ledger)) == 0 {
		return nil, nil
	}
	var out []Opened
	var sealed []store.VerifiedSealed
	if err := s.VerifySealed(ctx, func(v store.VerifiedSealed) { sealed = append(sealed, v) }); err != nil {
		return nil, err
	}
	for _, v := range sealed {
		var plain []byte
		var err error
		switch v.Key {
		case "office":
			plain, err = k.Ring.Open(v.Sealed, v.Bound)
		case "session":
			plain, err = k.Ring.OpenSession(v.Sealed, []byte(v.Bound))
		case "inbox":
			plain, err = openInbox(ctx, s, k, v.Sealed)
		}
		if err != nil {
			plain = nil // what does not open has no words
		}
		out = append(out, Opened{v.Table, v.Contact, string(plain)})
	}
	return out, nil
}

func openInbox(ctx context.Context, s *store.Store, k Keys, sealed []byte) ([]byte, error) {
	if len(sealed) < len(time.DateOnly) {
		return nil, nil
	}
	day := string(sealed[:len(time.DateOnly)])
	wrapped, err := s.InboxKey(ctx, day)
	if err != nil {
		return nil, err
	}
	key, err := k.Ring.UnwrapInboxKey(wrapped, day)
	if err != nil {
		return nil, err
	}
	return key.Open(sealed[len(time.DateOnly):], "inbound/"+day)
}

// erased is I18: nothing is left of what an erased caller said before, but for what is
// confidential, which is the focal points' to end. Afterwards those callers are left out
// of what else is checked, and behind a restore all who called since the backup: what
// they said until then must be there, and what became of the rest is the restore's.
func (c *check) erased() {
	erased := erasedCallers(c.lines)
	if len(erased) == 0 {
		c.unchecked("I18", "nobody was erased in this play")
	}
	for caller, at := range erased {
		c.gone(caller, at)
	}
	left := maps.Clone(erased)
	for _, w := range c.windows {
		if w.Window == "restore" {
			c.restored(w, erased, left)
		}
	}
	if len(left) > 0 {
		c.leave(left)
	}
}

// gone looks for what one erased caller said before.
func (c *check) gone(caller int, at time.Time) {
	contact := c.contactOf(caller)
	said := map[string]bool{}
	_, nonces := c.acked(caller)
	for nonce, t := range nonces {
		role := c.callers[caller].Role
		if role != Confidential && role != Grave && t.first.Wall.Add(t.ends()-t.first.At).Before(at) {
			said[nonce] = true
		}
	}
	holds := func(text string) bool {
		return slices.ContainsFunc(noncesIn(text), func(n string) bool { return said[n] })
	}
	since := slices.ContainsFunc(slices.Concat(c.hops[caller], c.sms[caller]), func(t turn) bool {
		return slices.ContainsFunc(slices.Concat(t.copies, t.late), func(l Line) bool { return l.Wall.After(at.Add(-time.Second)) })
	})
	found := func(table, what string) { c.violated("I18", caller, "table "+table, "she was erased, and %s", what) }
	c.looked("I18")
	for _, r := range c.Record.Rows {
		if c.looked("I18"); holds(r.Words) || string(r.Contact) == contact && r.ReceivedAt.Before(at) {
			found("submission", "what she said before is there as hers")
		}
	}
	for _, o := range c.Record.Outbound {
		if c.looked("I18"); holds(o.Words) || string(o.Contact) == contact && o.CreatedAt.Before(at) {
			found("outbound", "a message to her of before is there")
		}
	}
	for _, m := range c.Record.Inbound {
		if c.looked("I18"); string(m.Contact) == contact && m.ReceivedAt.Before(at) {
			found("inbound", "a message of hers of before is there")
		}
	}
	for _, w := range c.Record.Wishes {
		if c.looked("I18"); string(w.Contact) == contact && w.Given && w.At.Before(at) {
			found("wish", "what she agreed to before is there")
		}
	}
	number := c.callers[caller].Number
	for _, o := range c.Record.Opened {
		c.looked("I18")
		switch {
		case holds(o.Words):
			found(o.Table, "her words of before are there")
		case since: // she has called since: her number may be there again
		case string(o.Contact) == contact, number != "" && strings.Contains(o.Words, number[max(0, len(number)-national):]):
			found(o.Table, "something of hers is there")
		}
	}
}

// restored holds the callers of before a backup against the record behind its restore,
// and adds to left whoever called since it was begun.
func (c *check) restored(w Line, erased, left map[int]time.Time) {
	for caller := range c.callers {
		all := slices.Concat(c.hops[caller], c.sms[caller])
		if !slices.ContainsFunc(all, func(t turn) bool { return t.ends() >= w.At-behindWrite }) {
			continue
		}
		left[caller] = w.Wall
		if _, gone := erased[caller]; gone {
			continue
		}
		confided := len(c.confided(caller))
		_, nonces := c.acked(caller)
		for nonce, t := range nonces {
			role := c.callers[caller].Role
			if t.ends() >= w.At-behindWrite || role == Grave || t.first.Kind == KindSMS && t.ends() >= w.At-replyWithin {
				continue // an SMS that waited in the backup is handled once more behind it
			}
			if c.looked("I1"); len(c.byNonce[nonce]) == 0 && (role != Confidential || confided == 0) {
				c.violated("I1", caller, where(t.first), "it was acknowledged before the backup, and is not there behind its restore: lost")
			}
		}
	}
}

// leave takes callers out of the ledger and the record that are compared.
func (c *check) leave(who map[int]time.Time) {
	gone := map[string]bool{string(make([]byte, 32)): true}
	for caller := range who {
		gone[c.contactOf(caller)] = true
	}
	runs := map[string]bool{} // of theirs
	for caller := range who {
		delete(c.callers, caller)
		delete(c.hops, caller)
		delete(c.sms, caller)
		delete(c.sends, caller)
	}
	r := *c.Record
	r.Rows = slices.DeleteFunc(slices.Clone(r.Rows), func(v Row) bool {
		if gone[string(v.Contact)] {
			runs[v.ID] = true
		}
		return gone[string(v.Contact)]
	})
	r.Confidential = slices.DeleteFunc(slices.Clone(r.Confidential), func(v Confided) bool {
		if gone[string(v.Contact)] {
			runs[v.ID] = true
		}
		return gone[string(v.Contact)]
	})
	r.Inbound = slices.DeleteFunc(slices.Clone(r.Inbound), func(v store.VerifiedInbound) bool {
		if gone[string(v.Contact)] {
			runs[v.ID] = true
		}
		return gone[string(v.Contact)]
	})
	r.Outbound = slices.DeleteFunc(slices.Clone(r.Outbound), func(v Sending) bool { return gone[string(v.Contact)] })
	r.Wishes = slices.DeleteFunc(slices.Clone(r.Wishes), func(v store.VerifiedWish) bool { return gone[string(v.Contact)] })
	r.Identities = slices.DeleteFunc(slices.Clone(r.Identities), func(v store.VerifiedIdentity) bool { return runs[v.RunID] })
	c.Record = &r
	c.byNonce = map[string][]Row{}
	for _, v := range r.Rows {
		for _, n := range noncesIn(v.Words) {
			c.byNonce[n] = append(c.byNonce[n], v)
		}
	}
}
