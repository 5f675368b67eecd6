package casework

import (
	"context"

	"lafia/internal/programme"
	"lafia/internal/staff"
)

// Event is one move in a message's history.
type Event struct {
	programme.Event
	StaffID     string
	State       TextState // of the note
	NumberShown bool      // not moved: its number was shown, and the note is the reason
}

// Record is one message with its history and the replies to it, oldest first.
type Record struct {
	Message
	Events  []Event
	Replies []Reply
	Callback
}

// Moves lists the statuses that this message may be moved to, in their order.
func (r Record) Moves() []programme.Status {
	var list []programme.Status
	for _, s := range programme.Statuses {
		if programme.CanMove(r.Status, s) {
			list = append(list, s)
		}
	}
	return list
}

// Read gives one message of the scope.
func (d *Desk) Read(ctx context.Context, scope staff.Scope, id string) (Record, error) {
	row, err := d.store.SubmissionByID(ctx, scope, id)
	if err != nil {
		return Record{}, err
	}
	r := Record{Message: d.message(scope, row)}
	events, err := d.store.EventsOf(ctx, scope, id)
	if err != nil {
		return Record{}, err
	}
	for _, e := range events {
		note, state := d.open(scope, e.Sealed, "note/"+row.ID)
		e.Note = note
		r.Events = append(r.Events, Event{Event: e.Event, StaffID: e.StaffID, State: state, NumberShown: e.NumberShown})
	}
	if r.Replies, err = d.replies(ctx, scope, id); err != nil {
		return Record{}, err
	}
	if r.Callback, _, err = d.callback(ctx, scope, row); err != nil {
		return Record{}, err
	}
	return r, nil
}
