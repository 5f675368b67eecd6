package store

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"lafia/internal/programme"
)

// Unconfirmed gives a leader's newest report by SMS that waits for her PIN, at
// most 40 days old and not corrected since, or ErrNotFound.
func (s *Store) Unconfirmed(ctx context.Context, contact []byte, group string, now time.Time) (programme.Submission, error) {
	p := programme.Submission{Kind: programme.Progress, Group: group}
	var answers []byte
	err := s.pool.QueryRow(ctx, `
select id::text, answers from submission s
where contact = $1 and grp = $2 and kind = 'progress' and not confirmed and received_at > $3
	and not exists (select from submission later where later.kind = 'progress' and later.grp = s.grp
		and later.answers ->> 'month' = s.answers ->> 'month' and later.n > s.n)
order by n desc limit 1`, contact, group, now.AddDate(0, 0, -40)).Scan(&p.ID, &answers)
	if err != nil {
		return p, fmt.Errorf("looking for a report to confirm: %w", notFound(err))
	}
	if err := json.Unmarshal(answers, &p.Answers); err != nil {
		return p, fmt.Errorf("reading a report to confirm: %w", err)
	}
	return p, nil
}

// Confirm marks a report of a contact as confirmed by her, with an event that
// nobody of the team is named in. Again changes nothing.
func (s *Store) Confirm(ctx context.Context, contact []byte, id string, now time.Time) error {
	_, err := s.pool.Exec(ctx, `
with c as (
	update submission set confirmed = true where id = $1 and contact = $2 and kind = 'progress' and not confirmed returning id, status
)
insert into submission_event (submission_id, at, from_status, to_status) select id, $3, status, status from c`, id, contact, now)
	if err != nil {
		return fmt.Errorf("confirming a report: %w", err)
	}
	return nil
}
