package store

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"lafia/internal/staff"
)

// SealedReply is a message that answered a submission, as it lies here.
type SealedReply struct {
	ID        string
	Channel   string
	Sealed    []byte
	State     string // how far it has come: outbound.state
	CreatedAt time.Time
	ChangedAt time.Time
}

// repliesMost bounds the replies shown: one message has one.
const repliesMost = 20

// RepliesOf lists what was sent in answer to a submission of the scope, oldest
// first. A submission by SMS has the contact, channel and moment of the message
// that finished it, which tell the message.
func (s *Store) RepliesOf(ctx context.Context, scope staff.Scope, id string) ([]SealedReply, error) {
	if !isID(id) {
		return nil, fmt.Errorf("reading replies: %w", ErrNotFound)
	}
	q := scopedTo(scope)
	q.and("s.id = ", id, "::text::uuid")
	query := `
select o.id::text, o.channel, o.sealed, o.state, o.created_at, o.changed_at
from submission s
join outbound o on o.contact = s.contact and o.created_at >= s.received_at
join inbound i on i.id = o.inbound_id and i.received_at = s.received_at and i.channel = s.channel
where s.medium = 'sms' and ` + q.where.String() + ` order by o.n limit ` + q.arg(repliesMost)
	rows, err := s.pool.Query(ctx, query, q.args...)
	if err != nil {
		return nil, fmt.Errorf("reading replies: %w", err)
	}
	list, err := pgx.CollectRows(rows, pgx.RowToStructByPos[SealedReply])
	if err != nil {
		return nil, fmt.Errorf("reading replies: %w", err)
	}
	return list, nil
}
