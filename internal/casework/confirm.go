package casework

import (
	"context"
	"errors"
	"strings"
	"time"
	"unicode/utf8"

	"lafia/internal/audit"
	"lafia/internal/programme"
	"lafia/internal/staff"
	"lafia/internal/store"
)

// ConfirmedError is returned when somebody else confirmed the report first, and
// a note came that is written nowhere.
type ConfirmedError struct {
	By string // empty: its leader, with her PIN
	At time.Time
}

// Error says that somebody was first.
func (e *ConfirmedError) Error() string { return "the report was confirmed by somebody else meanwhile" }

// Confirmation is a report that staff says is its leader's.
type Confirmation struct {
	ID   string
	Note string
}

// Waits reports whether this is a leader's report by SMS, which has no PIN, that
// nobody has confirmed.
func (m Message) Waits() bool { return m.Kind == programme.Progress && !m.Confirmed }

// Confirms reports whether the event is a confirmation: it leaves the status
// where it is, which CanMove forbids to a move.
func (e Event) Confirms() bool {
	return e.From == e.To && !e.NumberShown && !e.LevelRaised && !e.Answered
}

// Confirm marks a leader's report by SMS as confirmed, with a note if there is
// one. already means that it was confirmed before and that no note is lost: a
// form that was sent twice, or one without a note.
func (d *Desk) Confirm(ctx context.Context, who staff.Account, c Confirmation) (already bool, err error) {
	if !who.Role.May("message.confirm") {
		return false, ErrNotFound
	}
	c.Note = cleanNote(c.Note)
	if utf8.RuneCountInString(c.Note) > NoteMost {
		return false, ErrNoteLong
	}
	c.ID = strings.ToLower(c.ID) // a note is bound to the id as it is stored
	sealed := store.Confirmation{ID: c.ID, StaffID: who.ID}
	if c.Note != "" {
		sealed.SealedNote = d.ring.Seal([]byte(c.Note), "note/"+c.ID)
	}
	err = d.store.ConfirmReport(ctx, who.Scope(), sealed, d.now(), d.act(who.ID, audit.MessageConfirm, c.ID, c.Note))
	if !errors.Is(err, store.ErrConfirmed) {
		return false, err
	}
	if c.Note == "" {
		return true, nil
	}
	r, err := d.look(ctx, who.Scope(), c.ID)
	if err != nil {
		return false, err
	}
	first := &ConfirmedError{}
	for _, e := range r.Events {
		if !e.Confirms() {
			continue
		}
		if e.StaffID == who.ID && e.Note == c.Note {
			return true, nil
		}
		first.By, first.At = e.Staff, e.At
	}
	return false, first
}
