package conversation

import (
	"context"
	"time"

	"lafia/internal/programme"
	"lafia/internal/spool"
	"lafia/internal/store"
)

// erase erases a contact now.
func (c *Conversation) erase(ctx context.Context, contact []byte, at time.Time) error {
	if c.Erase != nil {
		return c.Erase(ctx, contact, at)
	}
	return c.Store.Erase(ctx, contact, at)
}

// since reports whether whose record of the spool this is was erased since she said it.
func (c *Conversation) since(r spool.Record) bool {
	if c.Erased == nil {
		return false
	}
	at, erased := c.Erased(r.Contact)
	return erased && !r.At.After(at)
}

// commitErased commits what is left of a deed of one who was erased since: what keeps
// a repeat from being taken for new, codes and counts, and her wish to get nothing.
func (c *Conversation) commitErased(ctx context.Context, d deed) error {
	nobody := make([]byte, 32)
	switch {
	case d.Run != nil:
		r := *d.Run
		if r.Also = nil; r.Submission.Level != programme.L3 { // that is the focal points' to end
			r.Contact, r.Sealed = nobody, nil
		}
		_, err := c.capture(ctx, r, true)
		return err
	case d.Wishes != nil:
		var no []store.Wish
		for _, w := range d.Wishes {
			if !w.Given && w.Purpose != "answer" {
				w.Words, w.Number = "", nil
				no = append(no, w)
			}
		}
		return c.Store.PutWishes(ctx, no...)
	case d.Erasure != nil:
		return nil // it is done
	case d.Message != nil:
		m := d.Message.Received
		if d.Message.Part != nil {
			m = d.Message.Part.Received
		}
		if err := c.identify(ctx, &m, *d.Message); err != nil {
			return err
		}
		m.Contact, m.Number, m.Sealed, m.SentAt = nobody, nil, nil, time.Time{}
		_, err := c.Store.Receive(ctx, m)
		return err
	}
	_, err := c.commitDeed(ctx, d, true)
	return err
}
