package store

import (
	"context"
	"fmt"

	"lafia/internal/programme"
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
