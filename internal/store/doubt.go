package store

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"lafia/internal/audit"
	"lafia/internal/staff"
)

// Doubt is a message of which nobody knows whether it went out, with the
// submission that it was sent for.
type Doubt struct {
	ID           string
	SubmissionID string
	Reference    string
	Channel      string
	Class        string
	Purpose      string
	QueuedAt     time.Time
	At           time.Time // since when nobody knows
}

// ofSubmission finds the submission that a message o was sent for: it is the answer
// to one, the acknowledgement of one by SMS, the question what became of one, or
// went in the place of another message. What leads to no submission is in no list:
// what was acknowledged without one may lie with the focal points.
const ofSubmission = `
join lateral (
	select a.submission_id as id from answer a where a.outbound_id = o.id
	union all select d.submission_id from doubt d where d.again_id = o.id
	union all select i.id from (
		select r.id from inbound m join submission r on r.contact = m.contact and r.received_at = m.received_at and r.channel = m.channel and r.medium = 'sms'
		where m.id = o.inbound_id
	) i
	union all select f.submission_id from followup f
		where o.purpose = 'followup' and f.contact = o.contact and f.sent_at >= o.created_at and f.sent_at < o.created_at + interval '1 minute'
	limit 1
) l on true
join submission s on s.id = l.id`

// Doubts lists the messages in doubt of the scope that nobody has decided on and
// that came into doubt since a moment, newest first.
func (s *Store) Doubts(ctx context.Context, scope staff.Scope, since time.Time, most int) ([]Doubt, error) {
	q := scopedTo(scope)
	q.and("o.changed_at > ", since, "")
	return s.doubts(ctx, q, most)
}

// DoubtsOf lists those that were sent for one submission of the scope.
func (s *Store) DoubtsOf(ctx context.Context, scope staff.Scope, submissionID string) ([]Doubt, error) {
	if !isID(submissionID) {
		return nil, fmt.Errorf("looking for messages in doubt: %w", ErrNotFound)
	}
	q := scopedTo(scope)
	q.and("s.id = ", submissionID, "::text::uuid")
	return s.doubts(ctx, q, repliesMost)
}

func (s *Store) doubts(ctx context.Context, q *scoped, most int) ([]Doubt, error) {
	query := `
select o.id::text, s.id::text, s.reference, o.channel, o.class, o.purpose, o.created_at, o.changed_at from outbound o` + ofSubmission + `
where o.state = 'ambiguous' and not exists (select from doubt d where d.outbound_id = o.id) and ` + q.where.String() + `
order by o.changed_at desc limit ` + q.arg(most)
	rows, err := s.pool.Query(ctx, query, q.args...)
	if err != nil {
		return nil, fmt.Errorf("looking for messages in doubt: %w", err)
	}
	out, err := pgx.CollectRows(rows, pgx.RowToStructByPos[Doubt])
	if err != nil {
		return nil, fmt.Errorf("looking for messages in doubt: %w", err)
	}
	return out, nil
}

// Decided is what staff decided about a message in doubt.
type Decided struct {
	At      time.Time
	StaffID string
	Staff   string // name
	Again   string // id of the message that goes in its place; "": it was left
	State   string // of that message
	Reason  string // of that message: why it is in its state
}

// DecisionsOf lists what was decided about messages that were sent for a
// submission of the scope, oldest first.
func (s *Store) DecisionsOf(ctx context.Context, scope staff.Scope, submissionID string) ([]Decided, error) {
	if !isID(submissionID) {
		return nil, fmt.Errorf("looking for what was decided: %w", ErrNotFound)
	}
	q := scopedTo(scope)
	q.and("s.id = ", submissionID, "::text::uuid")
	query := `
select d.at, coalesce(d.staff_id::text, ''), coalesce(w.name, ''), coalesce(d.again_id::text, ''), coalesce(o.state, ''), coalesce(o.reason, '')
from doubt d join submission s on s.id = d.submission_id left join staff w on w.id = d.staff_id left join outbound o on o.id = d.again_id
where ` + q.where.String() + ` order by d.at limit ` + q.arg(repliesMost)
	rows, err := s.pool.Query(ctx, query, q.args...)
	if err != nil {
		return nil, fmt.Errorf("looking for what was decided: %w", err)
	}
	out, err := pgx.CollectRows(rows, pgx.RowToStructByPos[Decided])
	if err != nil {
		return nil, fmt.Errorf("looking for what was decided: %w", err)
	}
	return out, nil
}

// SealedDoubt is a message in doubt as it lies here.
type SealedDoubt struct {
	Outgoing
	State      string
	NumberKept bool
}

// DoubtByID gives a message of the scope that is, or was, in doubt.
func (s *Store) DoubtByID(ctx context.Context, scope staff.Scope, id string, now time.Time) (SealedDoubt, error) {
	var m SealedDoubt
	if !isID(id) {
		return m, fmt.Errorf("reading a message in doubt: %w", ErrNotFound)
	}
	q := scopedTo(scope)
	q.and("o.id = ", id, "::text::uuid")
	query := `
select o.id::text, o.contact, o.channel, o.class, o.purpose, o.place, o.sealed, o.state,
	exists (select from number n where n.contact = o.contact and n.keep_until > ` + q.arg(now) + `)
from outbound o` + ofSubmission + `
where (o.state = 'ambiguous' or exists (select from doubt d where d.outbound_id = o.id)
	or exists (select from outbound_event e where e.outbound_id = o.id and e.to_state = 'ambiguous')) and ` + q.where.String()
	err := s.pool.QueryRow(ctx, query, q.args...).Scan(&m.ID, &m.Contact, &m.Channel, &m.Class, &m.Purpose, &m.Place, &m.Sealed, &m.State, &m.NumberKept)
	if err != nil {
		return m, fmt.Errorf("reading a message in doubt: %w", notFound(err))
	}
	return m, nil
}

// DecidedError is in the error of deciding otherwise on what somebody has decided.
type DecidedError struct {
	By    string // name
	At    time.Time
	Again bool // another message goes in its place
}

// Error says that somebody was first.
func (e *DecidedError) Error() string {
	return "somebody else has decided about the message meanwhile"
}

// ErrSettled is in the error of deciding on a message of which it is known by now
// what became of it.
var ErrSettled = errors.New("it is known by now what became of the message")

// Deciding is what staff decide about a message in doubt.
type Deciding struct {
	ID      string
	StaffID string
	Again   *Outgoing // what goes in its place, its id derived; nil: it is left
}

// Decide decides about a message in doubt of the scope, once, and queues what goes
// in its place in the same transaction. fresh is false where the same was decided
// before, which changes nothing. A receipt for the message waits for the decision,
// or comes before it.
func (s *Store) Decide(ctx context.Context, scope staff.Scope, d Deciding, now time.Time, act audit.Draft) (fresh bool, err error) {
	if !isID(d.ID) {
		return false, fmt.Errorf("deciding about a message: %w", ErrNotFound)
	}
	q := scopedTo(scope)
	q.and("o.id = ", d.ID, "::text::uuid")
	find := `select s.id::text, o.state from outbound o` + ofSubmission + ` where ` + q.where.String()
	err = s.inTx(ctx, "deciding about a message", func(tx pgx.Tx) error {
		// Locked by a statement of its own: one that has waited for the lock sees all
		// else as it was before.
		if _, err := tx.Exec(ctx, `select from outbound where id = $1::text::uuid for update`, d.ID); err != nil {
			return err
		}
		var of, state string
		if err := tx.QueryRow(ctx, find, q.args...).Scan(&of, &state); err != nil {
			return notFound(err)
		}
		before := &DecidedError{}
		err := tx.QueryRow(ctx, `
select coalesce(w.name, ''), d.at, d.again_id is not null from doubt d left join staff w on w.id = d.staff_id where d.outbound_id = $1::text::uuid`, d.ID).
			Scan(&before.By, &before.At, &before.Again)
		switch {
		case err == nil && before.Again == (d.Again != nil):
			return nil
		case err == nil:
			return before
		case !errors.Is(err, pgx.ErrNoRows):
			return err
		case state != "ambiguous":
			return ErrSettled
		}
		again := ""
		if d.Again != nil {
			again = d.Again.ID
		}
		if _, err := tx.Exec(ctx, `insert into doubt (outbound_id, submission_id, again_id, staff_id, at) values ($1::text::uuid, $2::text::uuid, $3, $4, $5)`,
			d.ID, of, orNone(again), orNone(d.StaffID), now); err != nil {
			return err
		}
		fresh = true
		if d.Again != nil {
			if _, err = s.queue(ctx, tx, []Outgoing{*d.Again}, now); err != nil {
				return err
			}
		}
		act.Object = of
		return audited(ctx, tx, act)
	})
	return fresh, err
}
