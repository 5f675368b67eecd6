package casework

import (
	"context"
	"errors"
	"strconv"
	"strings"
	"time"

	"lafia/internal/audit"
	"lafia/internal/staff"
	"lafia/internal/store"
)

// Why a message in doubt is not sent again.
var (
	// ErrSettled says that it is known by now what became of it.
	ErrSettled = store.ErrSettled
	// ErrTextGone says that its words are kept no longer, or do not open.
	ErrTextGone = errors.New("the words of the message are kept no longer")
)

// DecidedError is returned when somebody else decided otherwise first.
type DecidedError = store.DecidedError

// Uncertain is a message of which nobody knows whether it went out.
type Uncertain = store.Doubt

// Decided is what was decided about one.
type Decided = store.Decided

const (
	// doubtsMost bounds the list: a screen of them is a day's work.
	doubtsMost = 100
	// doubtsWithin is how old a doubt may be that is still worth deciding: what was
	// answered longer ago is asked about by a person.
	doubtsWithin = 30 * 24 * time.Hour
)

// Doubts lists the messages in doubt that were sent for submissions which the account reads,
// newest first. Who may not decide about them gets none.
func (d *Desk) Doubts(ctx context.Context, who staff.Account) ([]Uncertain, error) {
	if !who.Role.May("doubts") {
		return nil, ErrNotFound
	}
	return d.store.Doubts(ctx, who.Scope(), d.now().Add(-doubtsWithin), doubtsMost)
}

// DoubtsOf lists those of one submission, with what was decided about others of it.
func (d *Desk) DoubtsOf(ctx context.Context, scope staff.Scope, id string) ([]Uncertain, []Decided, error) {
	open, err := d.store.DoubtsOf(ctx, scope, id)
	if err != nil {
		return nil, nil, err
	}
	decided, err := d.store.DecisionsOf(ctx, scope, id)
	return open, decided, err
}

// Deciding is what staff decide about a message in doubt.
type Deciding struct {
	ID    string // of the message that was sent, not of the submission
	Again bool   // the same words go once more; else it is left
}

// Decide sends the words of a message in doubt once more, or leaves it. However
// often it is asked, and by how many, one message goes in the place of the first:
// its id is made of that one's. It goes under every rule there is when it is sent,
// and not at all if the first turns out to have gone. already means that the same
// was decided before.
func (d *Desk) Decide(ctx context.Context, who staff.Account, c Deciding) (already bool, err error) {
	if !who.Role.May("doubt") {
		return false, ErrNotFound
	}
	c.ID = strings.ToLower(c.ID)
	first, err := d.store.DoubtByID(ctx, who.Scope(), c.ID, d.now())
	if err != nil {
		return false, err
	}
	decision := store.Deciding{ID: c.ID, StaffID: who.ID}
	if c.Again {
		again, err := d.again(first)
		if err != nil {
			return false, err
		}
		decision.Again = &again
	}
	fresh, err := d.store.Decide(ctx, who.Scope(), decision, d.now(), d.act(who.ID, audit.MessageDecide, "", c.ID, strconv.FormatBool(c.Again)))
	return err == nil && !fresh, err
}

// again makes the message that goes in the place of the first.
func (d *Desk) again(first store.SealedDoubt) (store.Outgoing, error) {
	again := first.Outgoing
	if !first.NumberKept && first.State == "ambiguous" {
		return again, ErrNoNumber
	}
	text, err := d.ring.Open(first.Sealed, "outbound/"+first.ID)
	if err != nil || len(text) == 0 {
		return again, ErrTextGone
	}
	again.ID = d.ring.ID("outbound", []byte("again"), []byte(first.ID)).UUID()
	again.Sealed = d.ring.Seal(text, "outbound/"+again.ID)
	return again, nil
}
