package store

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"lafia/internal/audit"
)

// Node is a gateway as the others see it.
type Node struct {
	ID        string    // a UUID that it keeps as long as its spool
	BeatAt    time.Time // its last sign of life
	StoppedAt time.Time // zero while it runs, and after a crash
	// Spooled is how much lies in its spool, or came out a moment ago: a stop may be
	// among it. SpoolOldest is since when; zero with none.
	Spooled     int
	SpoolOldest time.Time
	// Keys are the check values of the office keys that it holds, Sealing the number of
	// the one that it seals under.
	Keys    [][]byte
	Sealing int
}

// StartNode notes a gateway's start and gives the last sign of life of any
// gateway before it; zero when there was none.
func (s *Store) StartNode(ctx context.Context, n Node) (time.Time, error) {
	var last *time.Time
	err := pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error {
		if err := tx.QueryRow(ctx, `select max(coalesce(stopped_at, beat_at)) from node`).Scan(&last); err != nil {
			return err
		}
		_, err := tx.Exec(ctx, `
insert into node (id, started_at, beat_at, spooled, spool_oldest, keys, sealing) values ($1, $2, $2, $3, $4, coalesce($5::bytea[], '{}'), $6)
on conflict (id) do update set started_at = excluded.started_at, beat_at = excluded.beat_at, stopped_at = null,
	spooled = excluded.spooled, spool_oldest = excluded.spool_oldest, keys = excluded.keys, sealing = excluded.sealing`,
			n.ID, n.BeatAt, n.Spooled, orNull(n.SpoolOldest), n.Keys, n.Sealing)
		return err
	})
	if err != nil {
		return time.Time{}, fmt.Errorf("noting the start of a gateway: %w", err)
	}
	if last == nil {
		return time.Time{}, nil
	}
	return *last, nil
}

// BeatNode is a gateway's sign of life. One that was forgotten is there again.
func (s *Store) BeatNode(ctx context.Context, n Node) error {
	_, err := s.pool.Exec(ctx, `
insert into node (id, started_at, beat_at, spooled, spool_oldest, keys, sealing) values ($1, $2, $2, $3, $4, coalesce($5::bytea[], '{}'), $6)
on conflict (id) do update set beat_at = excluded.beat_at, spooled = excluded.spooled, spool_oldest = excluded.spool_oldest,
	keys = excluded.keys, sealing = excluded.sealing`,
		n.ID, n.BeatAt, n.Spooled, orNull(n.SpoolOldest), n.Keys, n.Sealing)
	if err != nil {
		return fmt.Errorf("writing a gateway's sign of life: %w", err)
	}
	return nil
}

// StopNode notes a gateway's orderly end, with what its spool still holds.
func (s *Store) StopNode(ctx context.Context, n Node) error {
	_, err := s.pool.Exec(ctx, `update node set beat_at = $2, stopped_at = $2, spooled = $3, spool_oldest = $4 where id = $1`,
		n.ID, n.BeatAt, n.Spooled, orNull(n.SpoolOldest))
	if err != nil {
		return fmt.Errorf("noting the end of a gateway: %w", err)
	}
	return nil
}

// ErrAlive is in the error of forgetting a gateway that gave a sign of life
// within the last minute.
var ErrAlive = errors.New("it is alive")

// ForgetNode takes a dead gateway out of the list, so that nothing waits for its
// spool any more. ErrNotFound when there is none of that id.
func (s *Store) ForgetNode(ctx context.Context, id string, now time.Time, act audit.Draft) error {
	return s.inTx(ctx, "forgetting a gateway", func(tx pgx.Tx) error {
		var alive bool
		err := tx.QueryRow(ctx, `select stopped_at is null and beat_at > $2 from node where id::text = $1 for update`, id, now.Add(-silent)).Scan(&alive)
		switch {
		case err != nil:
			return notFound(err)
		case alive:
			return ErrAlive
		}
		if _, err = tx.Exec(ctx, `delete from node where id::text = $1`, id); err != nil {
			return err
		}
		return audited(ctx, tx, act)
	})
}

// SilentNodes lists the gateways that reminders and broadcasts wait for: those
// that left something in their spool, and those of which nobody knows
// (reliability.md 2.6).
func (s *Store) SilentNodes(ctx context.Context, now time.Time) ([]Node, error) {
	rows, err := s.pool.Query(ctx, `
select id::text, beat_at, stopped_at, spooled, spool_oldest from node
where spooled > 0 or stopped_at is null and beat_at < $1 order by beat_at`, now.Add(-silent))
	if err != nil {
		return nil, fmt.Errorf("looking for silent gateways: %w", err)
	}
	var (
		out             []Node
		n               Node
		stopped, oldest *time.Time
	)
	if _, err := pgx.ForEachRow(rows, []any{&n.ID, &n.BeatAt, &stopped, &n.Spooled, &oldest}, func() error {
		n.StoppedAt, n.SpoolOldest = time.Time{}, time.Time{}
		if stopped != nil {
			n.StoppedAt = *stopped
		}
		if oldest != nil {
			n.SpoolOldest = *oldest
		}
		out = append(out, n)
		return nil
	}); err != nil {
		return nil, fmt.Errorf("looking for silent gateways: %w", err)
	}
	return out, nil
}
