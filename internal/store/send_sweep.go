package store

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
)

// again is how long a message that was given a new job is not given another.
const again = time.Minute

// Requeue gives new jobs to messages whose own is gone: they are due, and nobody
// has them in hand. It gives how many there were, at most most.
func (s *Store) Requeue(ctx context.Context, due, now time.Time, most int) (int, error) {
	n := 0
	err := s.inTx(ctx, "looking for messages without a job", func(tx pgx.Tx) error {
		rows, err := tx.Query(ctx, `
update outbound set due_at = $2::timestamptz + $3::interval where id in (
	select id from outbound where due_at < $1 and state in ('queued', 'sending') order by due_at limit $4 for update skip locked
) returning id::text, class`, due, now, again, most)
		if err != nil {
			return err
		}
		found, err := pgx.CollectRows(rows, pgx.RowToStructByPos[waiting])
		if err != nil {
			return err
		}
		n = len(found)
		return s.insertSends(ctx, tx, found)
	})
	return n, err
}

// Silent moves sent messages to unknown that no receipt came for in their time,
// at most most.
func (s *Store) Silent(ctx context.Context, now time.Time, most int) (int, error) {
	var moved []Moved
	err := s.inTx(ctx, "giving up waiting for receipts", func(tx pgx.Tx) error {
		rows, err := tx.Query(ctx, `
update outbound set state = 'unknown', reason = 'no receipt came', changed_at = $1 where id in (
	select id from outbound where due_at < $1 and state = 'sent' order by due_at limit $2 for update skip locked
) returning channel, class, operator, state`, now, most)
		if err != nil {
			return err
		}
		moved, err = pgx.CollectRows(rows, pgx.RowToStructByPos[Moved])
		return err
	})
	for i := range moved {
		s.tell(err, &moved[i])
	}
	return len(moved), err
}

// Queued is what of a class waits to be sent.
type Queued struct {
	Class  string
	Count  int
	Oldest time.Time
}

// QueuedByClass gives what waits to be sent, by class; a class of which nothing
// waits is not in it.
func (s *Store) QueuedByClass(ctx context.Context) ([]Queued, error) {
	rows, err := s.pool.Query(ctx, `select class, count(*)::int, min(created_at) from outbound where state = 'queued' group by class`)
	if err != nil {
		return nil, fmt.Errorf("counting what waits to be sent: %w", err)
	}
	out, err := pgx.CollectRows(rows, pgx.RowToStructByPos[Queued])
	if err != nil {
		return nil, fmt.Errorf("counting what waits to be sent: %w", err)
	}
	return out, nil
}

// Spend is what one month's messages to an operator by a channel cost.
type Spend struct {
	Channel  string
	Operator string
	Segments int64
	Cost     float64 // FCFA
}

// Spending gives what was spent in the month of a moment.
func (s *Store) Spending(ctx context.Context, at time.Time) ([]Spend, error) {
	rows, err := s.pool.Query(ctx, `
select channel, operator, segments, cost::float8 from spend where month = date_trunc('month', $1::timestamptz)::date order by channel, operator`, at)
	if err != nil {
		return nil, fmt.Errorf("reading what was spent: %w", err)
	}
	out, err := pgx.CollectRows(rows, pgx.RowToStructByPos[Spend])
	if err != nil {
		return nil, fmt.Errorf("reading what was spent: %w", err)
	}
	return out, nil
}
