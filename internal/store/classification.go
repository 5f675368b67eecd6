package store

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"lafia/internal/audit"
	"lafia/internal/staff"
)

// Kinds of a classification.
const (
	ClassType   = "type"   // the exact type of a tension: one code, or none
	ClassReason = "reason" // the reasons of a feedback
)

// Classification is what staff says that a submission is about.
type Classification struct {
	SubmissionID string
	Kind         string
	Codes        []string // empty: taken back
	StaffID      string
	Staff        string // name; of what is read alone
	At           time.Time
}

// PutClassification keeps a classification of a submission of the scope. fresh is
// false where the very same codes stand already, which changes nothing.
func (s *Store) PutClassification(ctx context.Context, scope staff.Scope, c Classification, act audit.Draft) (fresh bool, err error) {
	if !isID(c.SubmissionID) {
		return false, fmt.Errorf("classifying a submission: %w", ErrNotFound)
	}
	q := scopedTo(scope)
	q.and("s.id = ", c.SubmissionID, "::text::uuid")
	lock := "select s.id from submission s where " + q.where.String() + " for update"
	const (
		latest = `select codes from classification where submission_id = $1 and kind = $2 order by n desc limit 1`
		insert = `insert into classification (submission_id, kind, codes, staff_id, at) values ($1, $2, $3, $4, $5)`
	)
	codes := c.Codes
	if codes == nil {
		codes = []string{}
	}
	err = s.inTx(ctx, "classifying a submission", func(tx pgx.Tx) error {
		if err := tx.QueryRow(ctx, lock, q.args...).Scan(nil); err != nil {
			return notFound(err)
		}
		var stands []string
		err := tx.QueryRow(ctx, latest, c.SubmissionID, c.Kind).Scan(&stands)
		if err != nil && !errors.Is(err, pgx.ErrNoRows) {
			return err
		}
		if slices.Equal(stands, codes) {
			return nil
		}
		fresh = true
		if _, err = tx.Exec(ctx, insert, c.SubmissionID, c.Kind, codes, c.StaffID, c.At); err != nil {
			return err
		}
		return audited(ctx, tx, act)
	})
	return fresh, err
}

// classificationsMost bounds the history shown: the newest are kept.
const classificationsMost = 50

// ClassificationsOf lists how a submission of the scope was classified, oldest
// first. The last of each kind stands.
func (s *Store) ClassificationsOf(ctx context.Context, scope staff.Scope, id string) ([]Classification, error) {
	if !isID(id) {
		return nil, fmt.Errorf("reading classifications: %w", ErrNotFound)
	}
	q := scopedTo(scope)
	q.and("s.id = ", id, "::text::uuid")
	query := `
select submission_id, kind, codes, staff_id, name, at from (
	select k.n, k.submission_id::text, k.kind, k.codes, coalesce(k.staff_id::text, '') as staff_id, coalesce(w.name, '') as name, k.at
	from classification k join submission s on s.id = k.submission_id left join staff w on w.id = k.staff_id
	where ` + q.where.String() + ` order by k.n desc limit ` + q.arg(classificationsMost) + `) newest order by n`
	rows, err := s.pool.Query(ctx, query, q.args...)
	if err != nil {
		return nil, fmt.Errorf("reading classifications: %w", err)
	}
	list, err := pgx.CollectRows(rows, pgx.RowToStructByPos[Classification])
	if err != nil {
		return nil, fmt.Errorf("reading classifications: %w", err)
	}
	return list, nil
}
