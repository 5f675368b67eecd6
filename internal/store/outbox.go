package store

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
)

// Outbound is a message to send, sealed.
type Outbound struct {
	ID       string
	Contact  []byte
	Channel  string
	Class    string
	Sealed   []byte
	State    string
	Number   []byte // sealed; nil once the number was let go
	Purpose  string // the wish that it needs; "": its class's
	Fallen   bool   // it goes by another channel than it was queued for
	QueuedAt time.Time
	Again    bool `db:"-"` // it goes in the place of one in doubt
}

// Outbound reads a message to send, with the number to send it to.
func (s *Store) Outbound(ctx context.Context, id string) (Outbound, error) {
	var o Outbound
	err := s.pool.QueryRow(ctx, `
select o.id::text, o.contact, o.channel, o.class, o.sealed, o.state, n.sealed, o.purpose, o.origin <> '', o.created_at,
	exists (select from doubt where again_id = o.id)
from outbound o left join number n on n.contact = o.contact where o.id = $1`, id).
		Scan(&o.ID, &o.Contact, &o.Channel, &o.Class, &o.Sealed, &o.State, &o.Number, &o.Purpose, &o.Fallen, &o.QueuedAt, &o.Again)
	if err != nil {
		return o, fmt.Errorf("reading a message to send: %w", notFound(err))
	}
	return o, nil
}

// lockExternal lets the end of an attempt and a receipt for it come one after the
// other: at the same time the receipt would find no message, and the end no
// receipt.
func lockExternal(ctx context.Context, tx pgx.Tx, externalID []byte) error {
	if len(externalID) < 8 {
		return nil
	}
	_, err := tx.Exec(ctx, `select pg_advisory_xact_lock($1)`, int64(binary.BigEndian.Uint64(externalID)))
	return err
}

// forward is the order of delivery states: a receipt never moves a message back.
// Unknown is what a message is that no receipt came for in time; a late one still
// moves it.
const forward = `array_position(array['queued', 'sending', 'ambiguous', 'sent', 'unknown', 'failed', 'expired', 'delivered'], %s)`

func advance(ctx context.Context, tx pgx.Tx, id, state string, now time.Time) error {
	q := fmt.Sprintf(`update outbound set state = $2, changed_at = $3, reason = 'receipt' where id = $1 and `+forward+` < `+forward, "state", "$2::text")
	_, err := tx.Exec(ctx, q, id, state, now)
	return err
}

// Receipt is a delivery report on its way into the record.
type Receipt struct {
	Channel    string
	OurID      string // id of the message; "": the report does not carry it
	ExternalID []byte // HMAC of the aggregator's id; nil: there is none
	State      string
	Part       []byte // HMAC of what tells the part; nil: the report is for the whole message
	Parts      int    // how many there are; 0: the report does not say
}

// Receipt moves a message's delivery state forward. It looks for the message by
// our id, then by the aggregator's, and keeps the receipt for a send that has not
// returned yet.
func (s *Store) Receipt(ctx context.Context, r Receipt, now time.Time) error {
	var moved *Moved
	err := s.inTx(ctx, "storing a receipt", func(tx pgx.Tx) error {
		var id, before string
		if r.OurID != "" {
			err := tx.QueryRow(ctx, `select id::text, state from outbound where id = $1 and channel = $2 for update`, r.OurID, r.Channel).Scan(&id, &before)
			if err != nil && !errors.Is(err, pgx.ErrNoRows) {
				return err
			}
		}
		if id == "" && r.ExternalID != nil {
			if err := lockExternal(ctx, tx, r.ExternalID); err != nil {
				return err
			}
			err := tx.QueryRow(ctx, `select id::text, state from outbound where external_id = $1 for update`, r.ExternalID).Scan(&id, &before)
			if errors.Is(err, pgx.ErrNoRows) {
				_, err = tx.Exec(ctx, `insert into receipt (external_id, state, part, parts, received_at) values ($1, $2, $3, $4, $5)`,
					r.ExternalID, r.State, r.Part, r.Parts, now)
				return err
			}
			if err != nil {
				return err
			}
		}
		if id == "" {
			return nil // nothing of ours, and no send can claim it
		}
		if err := report(ctx, tx, id, r, now); err != nil {
			return err
		}
		var err error
		moved, err = movedFrom(ctx, tx, id, before)
		return err
	})
	s.tell(err, moved)
	return err
}

// report applies a receipt to a message that is locked. A state that nobody
// knows says nothing: the message keeps the one that it has.
func report(ctx context.Context, tx pgx.Tx, id string, r Receipt, now time.Time) error {
	if r.Parts > 0 {
		if _, err := tx.Exec(ctx, `update outbound set parts = $2 where id = $1`, id, min(r.Parts, 255)); err != nil {
			return err
		}
	}
	switch {
	case r.State == "unknown":
		return nil
	case r.Part == nil:
		if err := advance(ctx, tx, id, r.State, now); err != nil {
			return err
		}
	default:
		q := fmt.Sprintf(`
insert into outbound_part as p (outbound_id, part, state) values ($1, $2, $3)
on conflict (outbound_id, part) do update set state = excluded.state where `+forward+` < `+forward, "p.state", "excluded.state")
		if _, err := tx.Exec(ctx, q, id, r.Part, r.State); err != nil {
			return err
		}
	}
	return advanceByParts(ctx, tx, id, now)
}

// advanceByParts gives a message the state that its parts have together: failed
// or expired when one is, delivered when all are, sent when one went out. While
// nobody knows how many there are, it is sent at most.
func advanceByParts(ctx context.Context, tx pgx.Tx, id string, now time.Time) error {
	var state *string
	err := tx.QueryRow(ctx, `
select case
	when bool_or(p.state = 'failed') then 'failed'
	when bool_or(p.state = 'expired') then 'expired'
	when o.parts > 0 and count(*) filter (where p.state = 'delivered') >= o.parts then 'delivered'
	when bool_or(p.state in ('sent', 'delivered')) then 'sent'
end
from outbound o join outbound_part p on p.outbound_id = o.id where o.id = $1 group by o.id`, id).Scan(&state)
	if errors.Is(err, pgx.ErrNoRows) || err == nil && state == nil {
		return nil
	}
	if err != nil {
		return err
	}
	return advance(ctx, tx, id, *state, now)
}

// Progress is how far a message to send has come.
type Progress struct {
	State    string
	Attempts int
	Verdict  string // of the latest attempt, "" before the first
	Reason   string // of the latest attempt
}

// Progress tells how far a message to send has come.
func (s *Store) Progress(ctx context.Context, id string) (Progress, error) {
	var p Progress
	err := s.pool.QueryRow(ctx, `
select o.state, (select count(*) from attempt where outbound_id = o.id)::int, coalesce(a.verdict, ''), coalesce(a.reason, '')
from outbound o left join lateral (select verdict, reason from attempt where outbound_id = o.id order by n desc limit 1) a on true
where o.id = $1`, id).Scan(&p.State, &p.Attempts, &p.Verdict, &p.Reason)
	if err != nil {
		return p, fmt.Errorf("looking how far a message has come: %w", notFound(err))
	}
	return p, nil
}

// Purge deletes what has outlived its time: numbers no longer needed, expired
// drafts, inbox keys and raw requests after 30 days, receipts that nothing
// claimed, parts that were joined, books not served for a day, nodes gone for a month.
func (s *Store) Purge(ctx context.Context, now time.Time) error {
	month := now.AddDate(0, 0, -30)
	b := &pgx.Batch{}
	b.Queue(`delete from number where keep_until < $1 and not consent`, now)
	b.Queue(`delete from draft where expires_at < $1`, now)
	b.Queue(`delete from inbox_key where day < $1::date`, month)
	b.Queue(`delete from unreadable where received_at < $1`, month)
	b.Queue(`delete from receipt where received_at < $1`, month)
	// Longer than any gateway repeats a part: an Android phone does so for 45 h.
	b.Queue(`delete from part_set where closed_at < $1`, now.Add(-72*time.Hour))
	b.Queue(`delete from book where served_at < $1`, now.Add(-48*time.Hour))
	b.Queue(`delete from node where coalesce(stopped_at, beat_at) < $1`, month)
	b.Queue(`delete from staff_session where expires_at < $1`, now)
	if err := s.pool.SendBatch(ctx, b).Close(); err != nil {
		return fmt.Errorf("deleting what has outlived its time: %w", err)
	}
	return nil
}
