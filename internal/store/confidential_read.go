package store

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"lafia/internal/programme"
	"lafia/internal/staff"
)

// SealedConfidential is an L3 row: an order, a reference, and a body that only a
// focal point's password opens.
type SealedConfidential struct {
	ID         string
	Reference  programme.Reference
	Sealed     []byte
	ReceivedAt time.Time
}

// ConfidentialNewest lists the newest L3 rows for a scope that reads L3, and
// none for any other. No reader counts them.
func (s *Store) ConfidentialNewest(ctx context.Context, scope staff.Scope, limit int) ([]SealedConfidential, error) {
	levels := make([]string, 0, len(scope.Levels))
	for _, l := range scope.Levels {
		levels = append(levels, string(l))
	}
	const query = `
select id::text, reference, sealed, received_at from confidential
where 'L3' = any($1::text[]) order by n desc limit $2`
	rows, err := s.pool.Query(ctx, query, levels, limit)
	if err != nil {
		return nil, fmt.Errorf("listing confidential messages: %w", err)
	}
	list, err := pgx.CollectRows(rows, pgx.RowToStructByPos[SealedConfidential])
	if err != nil {
		return nil, fmt.Errorf("listing confidential messages: %w", err)
	}
	return list, nil
}
