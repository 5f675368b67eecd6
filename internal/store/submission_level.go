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

// levelRaised stands in the place of the status that an event leads to, where a
// level was raised and nothing was moved.
const levelRaised = "level"

// Raising is staff's giving a submission to the peace team.
type Raising struct {
	ID           string
	StaffID      string
	SealedReason []byte
}

// RaiseLevel makes a submission of the scope L2, with an event that keeps the
// reason. raised is false for one that is L2 already, which changes nothing.
func (s *Store) RaiseLevel(ctx context.Context, scope staff.Scope, r Raising, now time.Time, act audit.Draft) (raised bool, err error) {
	if !isID(r.ID) {
		return false, fmt.Errorf("raising a level: %w", ErrNotFound)
	}
	q := scopedTo(scope)
	q.and("s.id = ", r.ID, "::text::uuid")
	lock := "select s.status, s.level from submission s where " + q.where.String() + " for update"
	const (
		update = `update submission set level = $2 where id = $1`
		event  = `
insert into submission_event (submission_id, at, staff_id, from_status, to_status, sealed_note) values ($1, $2, $3, $4, $5, $6)`
	)
	err = s.inTx(ctx, "raising a level", func(tx pgx.Tx) error {
		var status, level string
		if err := tx.QueryRow(ctx, lock, q.args...).Scan(&status, &level); err != nil {
			return notFound(err)
		}
		if level != string(programme.L1) {
			return nil
		}
		raised = true
		if _, err := tx.Exec(ctx, update, r.ID, string(programme.L2)); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, event, r.ID, now, r.StaffID, status, levelRaised, r.SealedReason); err != nil {
			return err
		}
		return audited(ctx, tx, act)
	})
	return raised, err
}
