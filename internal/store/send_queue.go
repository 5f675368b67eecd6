package store

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/riverqueue/river"

	"lafia/internal/job"
)

// Outgoing is a message to send that answers no other: it is queued by a person
// or a command, not by the handling of a message. Its id is derived from what
// makes it, so that queueing it again makes no second one.
type Outgoing struct {
	ID          string
	Contact     []byte
	Channel     string
	Class       string
	Purpose     string // the wish it needs; "": its class's, which may be none
	Place       string // P-code of the commune it goes to; "": not known
	Broadcast   string // id of the announcement that it is of; "": none
	Sealed      []byte // the words
	Number      []byte // sealed; nil: the one that is kept
	NumberUntil time.Time
}

// QueueOutbound queues a message with the job that sends it.
func (s *Store) QueueOutbound(ctx context.Context, o Outgoing, now time.Time) error {
	_, err := s.QueueBroadcast(ctx, []Outgoing{o}, now)
	return err
}

// queueAtOnce is how many messages one transaction queues: enough to be quick, few
// enough for its locks to be short (performance.md 5).
const queueAtOnce = 1000

// QueueBroadcast queues many messages with their jobs, a thousand in a
// transaction, and gives how many were new. What an earlier call queued before it
// failed is not queued again.
func (s *Store) QueueBroadcast(ctx context.Context, all []Outgoing, now time.Time) (int, error) {
	queued := 0
	for some := range slices.Chunk(all, queueAtOnce) {
		n := 0
		err := s.inTx(ctx, "queueing messages", func(tx pgx.Tx) error {
			var err error
			n, err = s.queue(ctx, tx, some, now)
			return err
		})
		if err != nil {
			return queued, err
		}
		queued += n
	}
	return queued, nil
}

func (s *Store) queue(ctx context.Context, tx pgx.Tx, some []Outgoing, now time.Time) (int, error) {
	var ids, channels, names, purposes, places, broadcasts []string
	var contacts, sealed [][]byte
	var due []time.Time
	numbers := &pgx.Batch{}
	for _, o := range some {
		class, ok := job.ClassNamed(o.Class)
		if !ok {
			return 0, fmt.Errorf("there is no class %q", o.Class)
		}
		ids, contacts, channels, names = append(ids, o.ID), append(contacts, o.Contact), append(channels, o.Channel), append(names, o.Class)
		purposes, places, sealed, due = append(purposes, o.Purpose), append(places, o.Place), append(sealed, o.Sealed), append(due, class.Due(now, now))
		broadcasts = append(broadcasts, o.Broadcast)
		if o.Number != nil {
			numbers.Queue(putNumber, o.Contact, o.Number, o.NumberUntil)
		}
	}
	if numbers.Len() > 0 {
		if err := tx.SendBatch(ctx, numbers).Close(); err != nil {
			return 0, err
		}
	}
	rows, err := tx.Query(ctx, `
insert into outbound (id, contact, channel, class, purpose, place, sealed, due_at, broadcast_id, created_at, changed_at)
select id::uuid, contact, channel, class, purpose, place, sealed, due, nullif(broadcast, '')::uuid, $10, $10
from unnest($1::text[], $2::bytea[], $3::text[], $4::text[], $5::text[], $6::text[], $7::bytea[], $8::timestamptz[], $9::text[])
	with ordinality as t (id, contact, channel, class, purpose, place, sealed, due, broadcast, n)
order by n on conflict do nothing returning id::text, class`, ids, contacts, channels, names, purposes, places, sealed, due, broadcasts, now)
	if err != nil {
		return 0, err
	}
	fresh, err := pgx.CollectRows(rows, pgx.RowToStructByPos[waiting])
	if err != nil {
		return 0, err
	}
	return len(fresh), s.insertSends(ctx, tx, fresh)
}

// waiting is a message that waits for its job.
type waiting struct{ ID, Class string }

// insertSends inserts the jobs that send messages, each in the queue and with the
// priority of its class.
func (s *Store) insertSends(ctx context.Context, tx pgx.Tx, all []waiting) error {
	if len(all) == 0 {
		return nil
	}
	jobs := make([]river.InsertManyParams, 0, len(all))
	for _, w := range all {
		class, _ := job.ClassNamed(w.Class) // the table's check knows the names
		jobs = append(jobs, river.InsertManyParams{Args: job.SendOutbound{OutboundID: w.ID}, InsertOpts: &river.InsertOpts{
			Queue: class.Queue(), Priority: class.Priority, MaxAttempts: 25,
		}})
	}
	c, err := s.jobs()
	if err != nil {
		return err
	}
	if _, err := c.InsertManyTx(ctx, tx, jobs); err != nil {
		return fmt.Errorf("inserting jobs that send: %w", err)
	}
	return nil
}
