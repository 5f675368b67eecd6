package store

import (
	"context"
	"encoding/json"
	"fmt"
	"time"
)

// Report is a group's report of a month: the first one, and what stands now.
type Report struct {
	First      string // the id that corrections name
	ReceivedAt time.Time
	Answers    map[string]string // as they were corrected last
}

// ReportOf gives the report of a group's month, as it was corrected last, or
// ErrNotFound.
func (s *Store) ReportOf(ctx context.Context, group, month string) (Report, error) {
	var r Report
	var answers []byte
	err := s.pool.QueryRow(ctx, `
select coalesce(s.corrects, s.id)::text, coalesce(f.received_at, s.received_at), s.answers
from submission s left join submission f on f.id = s.corrects
where s.kind = 'progress' and s.grp = $1 and s.answers ->> 'month' = $2
order by s.n desc limit 1`, group, month).Scan(&r.First, &r.ReceivedAt, &answers)
	if err != nil {
		return r, fmt.Errorf("looking for a report: %w", notFound(err))
	}
	if err := json.Unmarshal(answers, &r.Answers); err != nil {
		return r, fmt.Errorf("reading a report: %w", err)
	}
	return r, nil
}
