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
	// Spool counts what went through its spool; nil: it has none, or tells nothing.
	Spool *SpoolCount
}

// SpoolCount says which numbers a spool gave to records, and which of them need not
// have come into the record: those that were refused, lie in quarantine, or wait.
type SpoolCount struct {
	Base        uint64      `json:"base"` // the number before the first
	Last        uint64      `json:"last"`
	Pending     int         `json:"pending"` // how many of them wait, at the most
	Refused     [][2]uint64 `json:"refused,omitempty"`
	Quarantined []uint64    `json:"quarantined,omitempty"`
	Damaged     int         `json:"damaged,omitempty"` // stretches of the spool's files in which numbers cannot be read
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
insert into node (id, started_at, beat_at, spooled, spool_oldest, keys, sealing, spool) values ($1, $2, $2, $3, $4, coalesce($5::bytea[], '{}'), $6, $7)
on conflict (id) do update set started_at = excluded.started_at, beat_at = excluded.beat_at, stopped_at = null,
	spooled = excluded.spooled, spool_oldest = excluded.spool_oldest, keys = excluded.keys, sealing = excluded.sealing, spool = excluded.spool`,
			n.ID, n.BeatAt, n.Spooled, orNull(n.SpoolOldest), n.Keys, n.Sealing, n.Spool)
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
insert into node (id, started_at, beat_at, spooled, spool_oldest, keys, sealing, spool) values ($1, $2, $2, $3, $4, coalesce($5::bytea[], '{}'), $6, $7)
on conflict (id) do update set beat_at = excluded.beat_at, spooled = excluded.spooled, spool_oldest = excluded.spool_oldest,
	keys = excluded.keys, sealing = excluded.sealing, spool = excluded.spool`,
		n.ID, n.BeatAt, n.Spooled, orNull(n.SpoolOldest), n.Keys, n.Sealing, n.Spool)
	if err != nil {
		return fmt.Errorf("writing a gateway's sign of life: %w", err)
	}
	return nil
}

// StopNode notes a gateway's orderly end, with what its spool still holds.
func (s *Store) StopNode(ctx context.Context, n Node) error {
	_, err := s.pool.Exec(ctx, `update node set beat_at = $2, stopped_at = $2, spooled = $3, spool_oldest = $4, spool = $5 where id = $1`,
		n.ID, n.BeatAt, n.Spooled, orNull(n.SpoolOldest), n.Spool)
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

// SpooledElsewhere reports whether the spool of another gateway than self may hold
// what the record does not know yet: it told so, or it has not given a sign of life
// since PostgreSQL started, minutes ago at the most. One that never comes again is not
// waited for longer than that.
func (s *Store) SpooledElsewhere(ctx context.Context, self string) (bool, error) {
	var may bool
	err := s.pool.QueryRow(ctx, `
select exists (select from node where id <> $1 and (spooled > 0
	or stopped_at is null and beat_at < pg_postmaster_start_time() and pg_postmaster_start_time() > now() - interval '5 minutes'))`, self).Scan(&may)
	if err != nil {
		return false, fmt.Errorf("asking what lies in other gateways' spools: %w", err)
	}
	return may, nil
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

// Mark says that what is committed under it comes out of a spool, and from which
// record there: that it does is written in the transaction of its deed, once however
// often it is delivered. One mark is of one delivery.
type Mark struct {
	Node   string // a UUID
	Number uint64 // 0: of before records had numbers; nothing is written
	put    bool
}

type markKey struct{}

// WithMark makes what is committed with the context bear a mark.
func WithMark(ctx context.Context, m *Mark) context.Context {
	return context.WithValue(ctx, markKey{}, m)
}

// markOf gives the mark that a commit must bear, or nil. It is said of the mark that
// it was put before its transaction has ended: a delivery that fails is made again,
// under a mark of its own.
func markOf(ctx context.Context) *Mark {
	m, _ := ctx.Value(markKey{}).(*Mark)
	if m == nil || m.Number == 0 {
		return nil
	}
	m.put = true
	return m
}

// outOfSpool reports whether what is committed with the context comes out of a spool.
func outOfSpool(ctx context.Context) bool {
	_, is := ctx.Value(markKey{}).(*Mark)
	return is
}

const putMark = `insert into drained (node, n) values ($1, $2) on conflict do nothing`

// PutMark writes the mark of a deed that does not write it itself. The deed is
// committed by then.
func (s *Store) PutMark(ctx context.Context, m *Mark) error {
	if m.put || m.Number == 0 {
		return nil
	}
	if _, err := s.pool.Exec(ctx, putMark, m.Node, int64(m.Number)); err != nil {
		return fmt.Errorf("counting a record of a spool: %w", err)
	}
	return nil
}

// VerifiedSpool is what a gateway tells of its spool, with what the record has of it.
type VerifiedSpool struct {
	Node    string
	BeatAt  time.Time
	Stopped bool
	Count   *SpoolCount // nil: it tells nothing
	Drained []int64     // the numbers beyond Count.Base of which the record has a mark, in order
}

// VerifySpools lists gateways that gave a sign of life since a moment. What each
// tells and what the record has of it are of one moment.
func (s *Store) VerifySpools(ctx context.Context, since time.Time) ([]VerifiedSpool, error) {
	return verified(ctx, s, `
select id::text, beat_at, stopped_at is not null, spool,
	coalesce((select array_agg(d.n order by d.n) from drained d where d.node = node.id and d.n > (spool->>'base')::bigint), '{}')
from node where beat_at >= $1 order by id`, since, pgx.RowToStructByPos[VerifiedSpool])
}
