package store

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"lafia/internal/staff"
)

// AskedAgain is what became of asking about a submission once more.
type AskedAgain struct {
	DueAt  time.Time
	SentAt time.Time // zero: not yet
	Said   string    // "better", "same", "worse" or "" for nothing yet
	SaidAt time.Time
}

// FollowupOf tells of a submission of the scope whether it is asked about once
// more; known is false where it is not.
func (s *Store) FollowupOf(ctx context.Context, scope staff.Scope, id string) (f AskedAgain, known bool, err error) {
	if !isID(id) {
		return f, false, fmt.Errorf("reading a follow-up: %w", ErrNotFound)
	}
	q := scopedTo(scope)
	q.and("s.id = ", id, "::text::uuid")
	query := `
select f.due_at, f.sent_at, f.said, f.said_at
from submission s join followup f on f.submission_id = s.id where ` + q.where.String()
	var sent, said *time.Time
	err = s.pool.QueryRow(ctx, query, q.args...).Scan(&f.DueAt, &sent, &f.Said, &said)
	if errors.Is(err, pgx.ErrNoRows) {
		return f, false, nil
	}
	if err != nil {
		return f, false, fmt.Errorf("reading a follow-up: %w", err)
	}
	f.SentAt, f.SaidAt = orZero(sent), orZero(said)
	return f, true, nil
}

// Consent is what the contact behind a submission last said to being answered.
type Consent struct {
	Known bool // she was asked, and said something
	Given bool
	At    time.Time
}

// ConsentOf tells whether the contact behind a submission of the scope agreed to
// be answered.
func (s *Store) ConsentOf(ctx context.Context, scope staff.Scope, id string) (Consent, error) {
	var c Consent
	if !isID(id) {
		return c, fmt.Errorf("reading a consent: %w", ErrNotFound)
	}
	q := scopedTo(scope)
	q.and("s.id = ", id, "::text::uuid")
	query := `
select w.given, w.at from submission s join wish w on w.contact = s.contact and w.purpose = 'answer' where ` + q.where.String()
	err := s.pool.QueryRow(ctx, query, q.args...).Scan(&c.Given, &c.At)
	if errors.Is(err, pgx.ErrNoRows) {
		return c, nil
	}
	if err != nil {
		return c, fmt.Errorf("reading a consent: %w", err)
	}
	c.Known = true
	return c, nil
}
