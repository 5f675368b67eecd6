package store

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"lafia/internal/audit"
	"lafia/internal/programme"
	"lafia/internal/staff"
)

// ErrMoved is returned by MoveSubmission when the submission is no longer in the
// status it is to be moved from: another was there first.
var ErrMoved = errors.New("the submission was moved meanwhile")

// Move is one change of a submission's status.
type Move struct {
	ID         string
	From, To   programme.Status
	StaffID    string
	SealedNote []byte // nil: no note
}

// MoveSubmission changes a status and writes its event in one transaction. The
// row is locked while its status is compared with the expected one, so of two
// at once the second gets ErrMoved and overwrites nothing.
func (s *Store) MoveSubmission(ctx context.Context, scope staff.Scope, m Move, now time.Time, act audit.Draft) error {
	if !isID(m.ID) {
		return fmt.Errorf("moving a submission: %w", ErrNotFound)
	}
	q := scopedTo(scope)
	q.and("s.id = ", m.ID, "::text::uuid")
	lock := "select s.status from submission s where " + q.where.String() + " for update"
	const (
		update = `update submission set status = $2 where id = $1::text::uuid`
		event  = `
insert into submission_event (submission_id, at, staff_id, from_status, to_status, sealed_note)
values ($1::text::uuid, $2, $3::text::uuid, $4, $5, $6)`
	)
	err := pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error {
		var status programme.Status
		if err := tx.QueryRow(ctx, lock, q.args...).Scan(&status); err != nil {
			return notFound(err)
		}
		if status != m.From {
			return ErrMoved
		}
		if _, err := tx.Exec(ctx, update, m.ID, string(m.To)); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, event, m.ID, now, m.StaffID, string(m.From), string(m.To), m.SealedNote); err != nil {
			return err
		}
		return audited(ctx, tx, act)
	})
	if err != nil {
		return fmt.Errorf("moving a submission: %w", err)
	}
	return nil
}
