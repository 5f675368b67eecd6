package store

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"lafia/internal/audit"
	"lafia/internal/programme"
	"lafia/internal/staff"
)

// AnswerTo gives the latest answer of staff to what a contact said, sealed, by
// its reference, and notes that it was read; ErrNotFound when there is none.
func (s *Store) AnswerTo(ctx context.Context, contact []byte, ref programme.Reference) (submissionID string, sealed []byte, err error) {
	err = s.pool.QueryRow(ctx, `
update answer a set read_at = coalesce(a.read_at, now())
from submission s
where s.contact = $1 and s.reference = $2 and a.submission_id = s.id
	and a.n = (select max(n) from answer where submission_id = s.id)
returning s.id::text, a.sealed`, contact, string(ref)).Scan(&submissionID, &sealed)
	if err != nil {
		return "", nil, fmt.Errorf("looking for an answer: %w", notFound(err))
	}
	return submissionID, sealed, nil
}

// answerGiven stands in the place of the status that an event leads to, where
// staff answered: the submission is answered from then on.
const answerGiven = "answer"

// NewAnswer is an answer of staff on its way into the record.
type NewAnswer struct {
	ID           string // derived: the same answer again is none
	SubmissionID string
	StaffID      string
	Level        programme.Level // of the submission, when it was decided what is sent
	Sealed       []byte
	SMS          string    // what is sent: "words", "notice" or "" for nothing
	Send         *Outgoing // nil: nothing is sent
}

// PutAnswer keeps an answer, moves its submission to answered with an event, and
// queues what is sent, in one transaction. fresh is false for an answer that is
// here already, which changes nothing and is no act. ErrMoved is for a submission whose level
// is another by now.
func (s *Store) PutAnswer(ctx context.Context, scope staff.Scope, a NewAnswer, now time.Time, act audit.Draft) (fresh bool, err error) {
	if !isID(a.SubmissionID) {
		return false, fmt.Errorf("answering a submission: %w", ErrNotFound)
	}
	q := scopedTo(scope)
	q.and("s.id = ", a.SubmissionID, "::text::uuid")
	lock := "select s.status, s.level from submission s where " + q.where.String() + " for update"
	const (
		answer = `
insert into answer (id, submission_id, at, staff_id, sealed, sms, outbound_id) values ($1, $2, $3, $4, $5, $6, $7) on conflict (id) do nothing`
		update = `update submission set status = $2 where id = $1`
		event  = `insert into submission_event (submission_id, at, staff_id, from_status, to_status) values ($1, $2, $3, $4, $5)`
	)
	err = s.inTx(ctx, "answering a submission", func(tx pgx.Tx) error {
		var status, level string
		if err := tx.QueryRow(ctx, lock, q.args...).Scan(&status, &level); err != nil {
			return notFound(err)
		}
		if level != string(a.Level) {
			return ErrMoved
		}
		var sent string
		if a.Send != nil {
			sent = a.Send.ID
		}
		tag, err := tx.Exec(ctx, answer, a.ID, a.SubmissionID, now, a.StaffID, a.Sealed, a.SMS, orNone(sent))
		if err != nil || tag.RowsAffected() == 0 {
			return err
		}
		fresh = true
		if _, err := tx.Exec(ctx, update, a.SubmissionID, string(programme.Answered)); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, event, a.SubmissionID, now, a.StaffID, status, answerGiven); err != nil {
			return err
		}
		if a.Send != nil {
			if _, err = s.queue(ctx, tx, []Outgoing{*a.Send}, now); err != nil {
				return err
			}
		}
		return audited(ctx, tx, act)
	})
	return fresh, err
}

// SealedAnswer is an answer of staff as it lies here, with how far its SMS came.
type SealedAnswer struct {
	At        time.Time
	StaffID   string
	Staff     string // name
	Sealed    []byte
	ReadAt    time.Time // on her phone; zero: not yet
	SMS       string    // what was sent: "words", "notice" or "" for nothing
	Delivery  string    // outbound.state; "": nothing was sent
	ChangedAt time.Time // of the delivery
}

// answersMost bounds the answers shown: the newest are kept.
const answersMost = 50

// AnswersOf lists the answers to a submission of the scope, oldest first.
func (s *Store) AnswersOf(ctx context.Context, scope staff.Scope, id string) ([]SealedAnswer, error) {
	if !isID(id) {
		return nil, fmt.Errorf("reading answers: %w", ErrNotFound)
	}
	q := scopedTo(scope)
	q.and("s.id = ", id, "::text::uuid")
	query := `
select at, staff_id, name, sealed, read_at, sms, state, changed_at from (
	select a.n, a.at, coalesce(a.staff_id::text, '') as staff_id, coalesce(w.name, '') as name, a.sealed, a.read_at, a.sms,
		coalesce(o.state, '') as state, o.changed_at
	from answer a join submission s on s.id = a.submission_id left join staff w on w.id = a.staff_id left join outbound o on o.id = a.outbound_id
	where ` + q.where.String() + ` order by a.n desc limit ` + q.arg(answersMost) + `) newest order by n`
	rows, err := s.pool.Query(ctx, query, q.args...)
	if err != nil {
		return nil, fmt.Errorf("reading answers: %w", err)
	}
	list, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (a SealedAnswer, err error) {
		var read, changed *time.Time
		err = row.Scan(&a.At, &a.StaffID, &a.Staff, &a.Sealed, &read, &a.SMS, &a.Delivery, &changed)
		a.ReadAt, a.ChangedAt = orZero(read), orZero(changed)
		return a, err
	})
	if err != nil {
		return nil, fmt.Errorf("reading answers: %w", err)
	}
	return list, nil
}

func orZero(t *time.Time) time.Time {
	if t == nil {
		return time.Time{}
	}
	return *t
}
