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

// ErrConfirmed is returned by ConfirmReport when the report was confirmed
// before, by staff or by its leader.
var ErrConfirmed = errors.New("the report was confirmed before")

// Confirmation is staff's word that a report by SMS is its leader's.
type Confirmation struct {
	ID         string
	StaffID    string
	SealedNote []byte // nil: no note
}

// ConfirmReport confirms a report and writes its event in one transaction. The
// event leaves the status where it is, which no move does: that tells the two
// apart. What is no report is not found. The row is locked, so of two at once
// the second gets ErrConfirmed and writes nothing.
func (s *Store) ConfirmReport(ctx context.Context, scope staff.Scope, c Confirmation, now time.Time, act audit.Draft) error {
	if !isID(c.ID) {
		return fmt.Errorf("confirming a report: %w", ErrNotFound)
	}
	q := scopedTo(scope)
	q.and("s.kind = ", string(programme.Progress), "")
	q.and("s.id = ", c.ID, "::text::uuid")
	lock := "select s.status, s.confirmed from submission s where " + q.where.String() + " for update"
	const (
		update = `update submission set confirmed = true where id = $1::text::uuid`
		event  = `
insert into submission_event (submission_id, at, staff_id, from_status, to_status, sealed_note)
values ($1::text::uuid, $2, $3::text::uuid, $4, $4, $5)`
	)
	err := pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error {
		var status string
		var confirmed bool
		if err := tx.QueryRow(ctx, lock, q.args...).Scan(&status, &confirmed); err != nil {
			return notFound(err)
		}
		if confirmed {
			return ErrConfirmed
		}
		if _, err := tx.Exec(ctx, update, c.ID); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, event, c.ID, now, c.StaffID, status, c.SealedNote); err != nil {
			return err
		}
		return audited(ctx, tx, act)
	})
	if err != nil {
		return fmt.Errorf("confirming a report: %w", err)
	}
	return nil
}
