package store

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
)

// Followup is a submission to ask about once more.
type Followup struct {
	SubmissionID string
	Contact      []byte
	Channel      string
	Language     string
}

// DueFollowups lists what is to be asked again now: ordinary submissions that are
// not settled or closed, of contacts who still agree.
func (s *Store) DueFollowups(ctx context.Context, now time.Time, most int) ([]Followup, error) {
	rows, err := s.pool.Query(ctx, `
select f.submission_id::text, f.contact, f.channel, s.language
from followup f join submission s on s.id = f.submission_id join wish w on w.contact = f.contact and w.purpose = 'followup' and w.given
where f.sent_at is null and f.due_at <= $1 and s.level = 'L1' and s.status <> 'closed' and not exists (select from restore where confirmed_at is null)
order by f.due_at limit $2`, now, most)
	if err != nil {
		return nil, fmt.Errorf("looking for follow-ups: %w", err)
	}
	out, err := pgx.CollectRows(rows, pgx.RowToStructByPos[Followup])
	if err != nil {
		return nil, fmt.Errorf("looking for follow-ups: %w", err)
	}
	return out, nil
}

// FollowupSent notes that a follow-up went out.
func (s *Store) FollowupSent(ctx context.Context, submissionID string, now time.Time) error {
	if _, err := s.pool.Exec(ctx, `update followup set sent_at = $2 where submission_id = $1 and sent_at is null`, submissionID, now); err != nil {
		return fmt.Errorf("noting a follow-up: %w", err)
	}
	return nil
}

// AnswerFollowup keeps what a contact says to the follow-up that she was sent
// since a moment and until now; false when none waits.
func (s *Store) AnswerFollowup(ctx context.Context, contact []byte, said string, since, now time.Time) (bool, error) {
	tag, err := s.pool.Exec(ctx, `
update followup set said = $2, said_at = $4
where submission_id = (
	select submission_id from followup where contact = $1 and sent_at > $3 and sent_at <= $4 and (said = '' or said_at = $4) order by sent_at desc limit 1
)`, contact, said, since, now)
	if err != nil {
		return false, fmt.Errorf("keeping the answer to a follow-up: %w", err)
	}
	return tag.RowsAffected() > 0, nil
}
