package store

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
)

// Outbound is a message to send, sealed.
type Outbound struct {
	ID      string
	Contact []byte
	Channel string
	Class   string
	Sealed  []byte
	State   string
	Number  []byte // sealed; nil once the number was let go
}

// Outbound reads a message to send, with the number to send it to.
func (s *Store) Outbound(ctx context.Context, id string) (Outbound, error) {
	var o Outbound
	err := s.pool.QueryRow(ctx, `
select o.id::text, o.contact, o.channel, o.class, o.sealed, o.state, n.sealed
from outbound o left join number n on n.contact = o.contact where o.id = $1`, id).
		Scan(&o.ID, &o.Contact, &o.Channel, &o.Class, &o.Sealed, &o.State, &o.Number)
	if err != nil {
		return o, fmt.Errorf("reading a message to send: %w", notFound(err))
	}
	return o, nil
}

// BeginAttempt commits that a message is about to be sent. False means that it
// must not be: it was sent, or an attempt before this one never told its end,
// and the message is now marked ambiguous.
func (s *Store) BeginAttempt(ctx context.Context, id string, now time.Time) (bool, error) {
	ok := false
	err := s.inTx(ctx, "beginning an attempt to send", func(tx pgx.Tx) error {
		var state string
		if err := tx.QueryRow(ctx, `select state from outbound where id = $1 for update`, id).Scan(&state); err != nil {
			return notFound(err)
		}
		switch state {
		case "queued":
		case "sending":
			_, err := tx.Exec(ctx, `update outbound set state = 'ambiguous', changed_at = $2 where id = $1`, id, now)
			return err
		default:
			return nil
		}
		ok = true
		if _, err := tx.Exec(ctx, `update outbound set state = 'sending', changed_at = $2 where id = $1`, id, now); err != nil {
			return err
		}
		_, err := tx.Exec(ctx, `insert into attempt (outbound_id, started_at) values ($1, $2)`, id, now)
		return err
	})
	return ok, err
}

// EndAttempt stores what an attempt amounted to, and joins a receipt that came
// before the send had returned.
func (s *Store) EndAttempt(ctx context.Context, id, verdict, state string, externalID []byte, now time.Time) error {
	return s.inTx(ctx, "ending an attempt to send", func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, `
update attempt set verdict = $2, ended_at = $3
where n = (select max(n) from attempt where outbound_id = $1)`, id, verdict, now); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, `
update outbound set state = $2, external_id = coalesce($3, external_id), changed_at = $4 where id = $1 and state = 'sending'`,
			id, state, externalID, now); err != nil {
			return err
		}
		if externalID == nil {
			return nil
		}
		rows, err := tx.Query(ctx, `delete from receipt where external_id = $1 returning state`, externalID)
		if err != nil {
			return err
		}
		states, err := pgx.CollectRows(rows, pgx.RowTo[string])
		if err != nil {
			return err
		}
		for _, st := range states {
			if err := advance(ctx, tx, externalID, st, now); err != nil {
				return err
			}
		}
		return nil
	})
}

// forward is the order of delivery states: a receipt never moves a message back.
const forward = `array_position(array['queued', 'sending', 'ambiguous', 'unknown', 'sent', 'failed', 'expired', 'delivered'], %s)`

func advance(ctx context.Context, tx pgx.Tx, externalID []byte, state string, now time.Time) error {
	q := fmt.Sprintf(`update outbound set state = $2, changed_at = $3 where external_id = $1 and `+forward+` < `+forward, "state", "$2::text")
	_, err := tx.Exec(ctx, q, externalID, state, now)
	return err
}

// Receipt moves a message's delivery state forward, or keeps the receipt for a
// send that has not returned yet.
func (s *Store) Receipt(ctx context.Context, externalID []byte, state string, now time.Time) error {
	return s.inTx(ctx, "storing a receipt", func(tx pgx.Tx) error {
		var known bool
		if err := tx.QueryRow(ctx, `select exists (select from outbound where external_id = $1)`, externalID).Scan(&known); err != nil {
			return err
		}
		if !known {
			_, err := tx.Exec(ctx, `insert into receipt (external_id, state, received_at) values ($1, $2, $3)`, externalID, state, now)
			return err
		}
		return advance(ctx, tx, externalID, state, now)
	})
}

// Purge deletes what has outlived its time: numbers no longer needed, expired
// drafts, inbox keys and raw requests after 30 days, receipts that nothing
// claimed, books not served for a day, nodes gone for a month.
func (s *Store) Purge(ctx context.Context, now time.Time) error {
	month := now.AddDate(0, 0, -30)
	b := &pgx.Batch{}
	b.Queue(`delete from number where keep_until < $1 and not consent`, now)
	b.Queue(`delete from draft where expires_at < $1`, now)
	b.Queue(`delete from inbox_key where day < $1::date`, month)
	b.Queue(`delete from unreadable where received_at < $1`, month)
	b.Queue(`delete from receipt where received_at < $1`, month)
	b.Queue(`delete from book where served_at < $1`, now.Add(-48*time.Hour))
	b.Queue(`delete from node where coalesce(stopped_at, beat_at) < $1`, month)
	b.Queue(`delete from staff_session where expires_at < $1`, now)
	if err := s.pool.SendBatch(ctx, b).Close(); err != nil {
		return fmt.Errorf("deleting what has outlived its time: %w", err)
	}
	return nil
}
