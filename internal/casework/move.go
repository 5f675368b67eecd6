package casework

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"lafia/internal/audit"
	"lafia/internal/programme"
	"lafia/internal/staff"
	"lafia/internal/store"
)

// NoteMost is how long a note may be, in characters.
const NoteMost = 2000

// Why a move is refused.
var (
	ErrCannotMove = errors.New("a message cannot go from that status to this one")
	ErrNoteLong   = fmt.Errorf("a note has at most %d characters", NoteMost)
)

// MovedError is returned when somebody else moved the message first. Nothing was
// overwritten.
type MovedError struct {
	Status programme.Status // where it stands now
	By     string
	At     time.Time
}

// Error says who was first.
func (e *MovedError) Error() string {
	return fmt.Sprintf("the message was moved to %s by somebody else meanwhile", e.Status)
}

// Move is a change of status that staff asks for. From is the status that was
// on her screen.
type Move struct {
	ID       string
	From, To programme.Status
	Note     string
}

// Move changes a message's status, with a note if there is one. already means
// that this very move was made before, by the same person with the same note: a
// form that was sent twice.
func (d *Desk) Move(ctx context.Context, who staff.Account, m Move) (already bool, err error) {
	if !who.Role.May("message.move") {
		return false, ErrNotFound
	}
	m.Note = cleanNote(m.Note)
	if utf8.RuneCountInString(m.Note) > NoteMost {
		return false, ErrNoteLong
	}
	if !programme.CanMove(m.From, m.To) {
		return false, ErrCannotMove
	}
	m.ID = strings.ToLower(m.ID) // a note is bound to the id as it is stored
	sealed := store.Move{ID: m.ID, From: m.From, To: m.To, StaffID: who.ID}
	if m.Note != "" {
		sealed.SealedNote = d.ring.Seal([]byte(m.Note), "note/"+m.ID)
	}
	err = d.store.MoveSubmission(ctx, who.Scope(), sealed, d.now(), d.act(who.ID, audit.MessageMove, m.ID, string(m.From), string(m.To), m.Note))
	if !errors.Is(err, store.ErrMoved) {
		return false, err
	}
	r, err := d.look(ctx, who.Scope(), m.ID)
	if err != nil {
		return false, err
	}
	moved := &MovedError{Status: r.Status}
	moves := slices.DeleteFunc(slices.Clone(r.Events), func(e Event) bool { return e.From == e.To })
	if n := len(moves); n > 0 {
		last := moves[n-1]
		if last.StaffID == who.ID && last.From == m.From && last.To == m.To && last.Note == m.Note {
			return true, nil
		}
		moved.By, moved.At = last.Staff, last.At
	}
	return false, moved
}

// cleanNote keeps what was typed, with the line ends that forms send made plain
// and what is no text left out.
func cleanNote(s string) string {
	return strings.TrimSpace(strings.ToValidUTF8(strings.ReplaceAll(s, "\r\n", "\n"), "\uFFFD"))
}
