package casework

import (
	"context"
	"time"

	"lafia/internal/staff"
)

// Reply is a message that was sent in answer to another, as far as it came.
type Reply struct {
	Channel   string
	Delivery  string // queued, sending, sent, delivered, failed, expired, unknown, ambiguous
	Text      string
	State     TextState
	QueuedAt  time.Time
	ChangedAt time.Time
}

func (d *Desk) replies(ctx context.Context, scope staff.Scope, id string) ([]Reply, error) {
	rows, err := d.store.RepliesOf(ctx, scope, id)
	if err != nil {
		return nil, err
	}
	var list []Reply
	for _, o := range rows {
		r := Reply{Channel: o.Channel, Delivery: o.State, QueuedAt: o.CreatedAt, ChangedAt: o.ChangedAt}
		r.Text, r.State = d.open(scope, o.Sealed, "outbound/"+o.ID)
		list = append(list, r)
	}
	return list, nil
}
