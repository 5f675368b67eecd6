package casework

import (
	"context"

	"lafia/internal/audit"
	"lafia/internal/programme"
	"lafia/internal/staff"
	"lafia/internal/store"
)

// Event is one move in a message's history.
type Event struct {
	programme.Event
	StaffID     string
	State       TextState // of the note
	NumberShown bool      // not moved: its number was shown, and the note is the reason
	LevelRaised bool      // not moved: the peace team has it, and the note is the reason
	Answered    bool      // moved by an answer
}

// Followup is what became of asking about a message once more.
type Followup = store.AskedAgain

// Record is one message with all that became of it, oldest first; its versions
// newest first.
type Record struct {
	Message
	Events          []Event
	Replies         []Reply
	Given           []Given
	Classifications []Classification
	Versions        []Version // of a report that was corrected
	Followup        *Followup // nil: nothing is asked again
	Consent         Consent   // to being answered
	Plan            Plan      // of an answer
	Callback
}

// Newer gives the id of the latest version of the report; "": this is it.
func (r Record) Newer() string {
	for _, v := range r.Versions {
		if v.Partial && v.ID != r.ID {
			continue
		}
		if v.ID == r.ID {
			return ""
		}
		return v.ID
	}
	return ""
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

// Read gives one message of the scope, and writes into the audit who opened it.
func (d *Desk) Read(ctx context.Context, scope staff.Scope, id string) (Record, error) {
	r, err := d.look(ctx, scope, id)
	if err != nil {
		return Record{}, err
	}
	if err := d.read(ctx, scope, audit.MessageOpen, r.ID, 1); err != nil {
		return Record{}, err
	}
	return r, nil
}

// look is Read without an entry, for a verb that shows nothing of it.
func (d *Desk) look(ctx context.Context, scope staff.Scope, id string) (Record, error) {
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
		r.Events = append(r.Events, Event{
			Event: e.Event, StaffID: e.StaffID, State: state, NumberShown: e.NumberShown, LevelRaised: e.LevelRaised, Answered: e.Answered,
		})
	}
	if r.Replies, err = d.replies(ctx, scope, id); err != nil {
		return Record{}, err
	}
	if r.Callback, _, err = d.callback(ctx, scope, row); err != nil {
		return Record{}, err
	}
	if r.Given, err = d.given(ctx, scope, row.ID); err != nil {
		return Record{}, err
	}
	if r.Classifications, err = d.store.ClassificationsOf(ctx, scope, row.ID); err != nil {
		return Record{}, err
	}
	if r.Versions, err = d.versions(ctx, scope, r.Message); err != nil {
		return Record{}, err
	}
	return r, d.person(ctx, scope, row, &r)
}

// person adds what the person behind a message agreed to, for who reads words.
func (d *Desk) person(ctx context.Context, scope staff.Scope, row store.SealedSubmission, r *Record) error {
	f, asked, err := d.store.FollowupOf(ctx, scope, row.ID)
	if err != nil {
		return err
	}
	if asked {
		r.Followup = &f
	}
	if !scope.Words {
		return nil
	}
	if r.Consent, err = d.store.ConsentOf(ctx, scope, row.ID); err != nil {
		return err
	}
	number, err := d.store.NumberOf(ctx, scope, row.ID)
	if err != nil {
		return err
	}
	r.Plan = d.plan(row, r.Consent, number)
	return nil
}
