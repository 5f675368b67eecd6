package casework

import (
	"context"
	"strings"
	"unicode/utf8"

	"lafia/internal/audit"
	"lafia/internal/programme"
	"lafia/internal/staff"
	"lafia/internal/store"
)

// Raising gives a message to the peace team.
type Raising struct {
	ID     string
	Reason string
}

// Raise makes an L1 message L2, for a reason in writing: from then on the peace
// team and the coordination alone read it. Nothing here lowers a level. already
// means that it is L2: a form that was sent twice.
func (d *Desk) Raise(ctx context.Context, who staff.Account, r Raising) (already bool, err error) {
	if !who.Role.May("message.raise") {
		return false, ErrNotFound
	}
	r.Reason = cleanNote(r.Reason)
	switch {
	case r.Reason == "":
		return false, ErrNoReason
	case utf8.RuneCountInString(r.Reason) > NoteMost:
		return false, ErrNoteLong
	}
	r.ID = strings.ToLower(r.ID) // a note is bound to the id as it is stored
	raised, err := d.store.RaiseLevel(ctx, who.Scope(), store.Raising{
		ID: r.ID, StaffID: who.ID, SealedReason: d.ring.Seal([]byte(r.Reason), "note/"+r.ID),
	}, d.now(), d.act(who.ID, audit.MessageRaise, r.ID, r.Reason))
	return err == nil && !raised, err
}

// CanRaise reports whether the message's level may be raised.
func (m Message) CanRaise() bool { return m.Level == programme.L1 }
