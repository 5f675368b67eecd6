package store

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"lafia/internal/audit"
	"lafia/internal/staff"
)

// SealedNumber is a contact's number as it lies here. Whether it may be opened
// is the caller's to judge.
type SealedNumber struct {
	Contact   []byte // the seal is bound to it
	Sealed    []byte // nil: it was let go, or never came
	Agreed    bool   // her last word: she may be answered
	KeepUntil time.Time
}

// NumberOf gives what is kept of the number of whoever sent a submission of the
// scope.
func (s *Store) NumberOf(ctx context.Context, scope staff.Scope, id string) (SealedNumber, error) {
	var n SealedNumber
	if !isID(id) {
		return n, fmt.Errorf("reading the number behind a submission: %w", ErrNotFound)
	}
	q := scopedTo(scope)
	q.and("s.id = ", id, "::text::uuid")
	query := `
select s.contact, n.sealed, coalesce(w.given, false), coalesce(n.keep_until, 'epoch')
from submission s left join number n on n.contact = s.contact left join wish w on w.contact = s.contact and w.purpose = 'answer'
where ` + q.where.String()
	if err := s.pool.QueryRow(ctx, query, q.args...).Scan(&n.Contact, &n.Sealed, &n.Agreed, &n.KeepUntil); err != nil {
		return n, fmt.Errorf("reading the number behind a submission: %w", notFound(err))
	}
	return n, nil
}

// numberShown stands in the place of the status that an event leads to, where a
// number was shown and nothing was moved.
const numberShown = "number"

// Showing is staff's asking for a number.
type Showing struct {
	ID           string // of the submission
	StaffID      string
	SealedReason []byte
}

// ShowNumber writes into a submission's history that the number behind it is
// shown. ErrNotFound, with nothing written, is for a submission outside the
// scope and for a number that is kept no longer.
func (s *Store) ShowNumber(ctx context.Context, scope staff.Scope, w Showing, now time.Time, act audit.Draft) error {
	if !isID(w.ID) {
		return fmt.Errorf("writing that a number is shown: %w", ErrNotFound)
	}
	q := scopedTo(scope)
	q.and("s.id = ", w.ID, "::text::uuid")
	q.and("n.keep_until > ", now, "")
	query := "insert into submission_event (submission_id, at, staff_id, from_status, to_status, sealed_note) select s.id, " +
		q.arg(now) + ", " + q.arg(w.StaffID) + "::text::uuid, s.status, " + q.arg(numberShown) + ", " + q.arg(w.SealedReason) +
		" from submission s join number n on n.contact = s.contact where " + q.where.String()
	return s.inTx(ctx, "writing that a number is shown", func(tx pgx.Tx) error {
		switch tag, err := tx.Exec(ctx, query, q.args...); {
		case err != nil:
			return err
		case tag.RowsAffected() == 0:
			return ErrNotFound
		}
		return audited(ctx, tx, act)
	})
}
