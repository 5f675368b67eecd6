package store

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
)

// Delivery is what became of the messages to one operator by one channel.
type Delivery struct {
	Channel   string
	Operator  string // "": not known, or nothing was tried yet
	Messages  int    // all that were queued
	Waiting   int    // to be sent, or under way
	Sent      int    // all that went out, whatever became of it
	Delivered int
	Failed    int // refused, or stopped by a rule when an attempt was due
	Expired   int
	Unknown   int // no receipt came in time
	Ambiguous int // it may not even have been sent
	// Median and P95 are from the latest attempt to the receipt that it arrived, of
	// those that did; 0: none did.
	Median, P95 time.Duration
}

// Deliveries counts by channel and operator what became of the messages queued
// since a moment. Alerts are left out: they call a person on duty, and would tell
// how often.
func (s *Store) Deliveries(ctx context.Context, since time.Time) ([]Delivery, error) {
	rows, err := s.pool.Query(ctx, `
select channel, operator, count(*)::int, count(*) filter (where state in ('queued', 'sending'))::int,
	count(*) filter (where state not in ('queued', 'sending', 'ambiguous') and tried and (external_id is not null or state in ('sent', 'delivered', 'unknown')))::int,
	count(*) filter (where state = 'delivered')::int, count(*) filter (where state = 'failed')::int, count(*) filter (where state = 'expired')::int,
	count(*) filter (where state = 'unknown')::int, count(*) filter (where state = 'ambiguous')::int,
	coalesce(percentile_cont(0.5) within group (order by took), 0), coalesce(percentile_cont(0.95) within group (order by took), 0)
from (
	select o.channel, o.operator, o.state, o.external_id, a.at is not null as tried,
		case when o.state = 'delivered' then greatest(0, extract(epoch from o.changed_at - a.at))::float8 end as took
	from outbound o left join lateral (select max(started_at) as at from attempt where outbound_id = o.id) a on true
	where o.created_at > $1 and o.class <> 'alert'
) o group by channel, operator order by channel, operator`, since)
	if err != nil {
		return nil, fmt.Errorf("counting deliveries: %w", err)
	}
	out, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (d Delivery, err error) {
		var median, p95 float64 // seconds
		err = row.Scan(&d.Channel, &d.Operator, &d.Messages, &d.Waiting, &d.Sent, &d.Delivered, &d.Failed, &d.Expired, &d.Unknown, &d.Ambiguous, &median, &p95)
		d.Median, d.P95 = time.Duration(median*float64(time.Second)), time.Duration(p95*float64(time.Second))
		return d, err
	})
	if err != nil {
		return nil, fmt.Errorf("counting deliveries: %w", err)
	}
	return out, nil
}
