package store

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
)

// OldDraft is an unfinished run whose life has ended.
type OldDraft struct {
	Contact   []byte
	Channel   string
	Medium    string
	Version   int64
	RunID     string
	Sealed    []byte
	ChangedAt time.Time
}

// OldDrafts lists drafts whose life ended before a moment, the oldest first.
func (s *Store) OldDrafts(ctx context.Context, before time.Time, most int) ([]OldDraft, error) {
	rows, err := s.pool.Query(ctx, `
select contact, channel, medium, version, coalesce(run_id::text, ''), sealed, changed_at
from draft where sealed is not null and expires_at < $1 order by expires_at limit $2`, before, most)
	if err != nil {
		return nil, fmt.Errorf("looking for old drafts: %w", err)
	}
	out, err := pgx.CollectRows(rows, pgx.RowToStructByPos[OldDraft])
	if err != nil {
		return nil, fmt.Errorf("looking for old drafts: %w", err)
	}
	return out, nil
}

// DropDraft empties a draft that nobody took up meanwhile.
func (s *Store) DropDraft(ctx context.Context, d OldDraft) error {
	_, err := s.pool.Exec(ctx, `
update draft set sealed = null, run_id = null where contact = $1 and channel = $2 and medium = $3 and version = $4`, d.Contact, d.Channel, d.Medium, d.Version)
	if err != nil {
		return fmt.Errorf("dropping an old draft: %w", err)
	}
	return nil
}
