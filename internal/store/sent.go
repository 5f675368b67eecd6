package store

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
)

// Sent is a message that went out, with the number it went to, both sealed.
type Sent struct {
	ID      string
	Contact []byte
	Channel string
	Sealed  []byte
	Number  []byte
	At      time.Time
}

// SentLately lists the latest messages that went out, the oldest first; those
// whose number was let go are left out.
func (s *Store) SentLately(ctx context.Context, most int) ([]Sent, error) {
	rows, err := s.pool.Query(ctx, `
select id, contact, channel, sealed, number, at from (
	select o.id::text, o.contact, o.channel, o.sealed, n.sealed as number, o.changed_at as at, o.n
	from outbound o join number n on n.contact = o.contact
	where o.state in ('sent', 'delivered', 'unknown') and length(o.sealed) > 0
	order by o.n desc limit $1
) latest order by n`, most)
	if err != nil {
		return nil, fmt.Errorf("listing what was sent: %w", err)
	}
	out, err := pgx.CollectRows(rows, pgx.RowToStructByPos[Sent])
	if err != nil {
		return nil, fmt.Errorf("listing what was sent: %w", err)
	}
	return out, nil
}
