package store

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"
)

// ReceivedPart is one part of a long message on its way into the record. ID, Key
// and ContentHMAC are the part's own.
type ReceivedPart struct {
	Received
	Set   []byte // HMAC of channel, contact and the sender's reference
	Index int    // from 1
	Total int
	// Nameless is set where neither an id nor a time tells a repeat of the part
	// from another one: the same words at the same place within RepeatWithin are
	// a repeat then, also of a message that is whole already.
	Nameless     bool
	RepeatWithin time.Duration
}

// ReceivePart makes one part durable. The part that completes its message joins
// it, in the same transaction, and leaves a message with the job that handles
// it: whichever gateways the parts came to, and in whatever order.
//
// A part goes into the open set of its reference that lacks it; where there are
// several, into the one whose parts came nearest to it in time. Where there is
// none, the reference is used again: another set is opened.
//
// altered says that the part's id came before with something else, as Receive does.
func (s *Store) ReceivePart(ctx context.Context, p ReceivedPart) (altered bool, err error) {
	err = s.inTx(ctx, "receiving a part", func(tx pgx.Tx) error {
		if err := lockSet(ctx, tx, p.Set); err != nil {
			return err
		}
		fresh, err := identifyMessage(ctx, tx, &p.Received)
		if err != nil || !fresh {
			return err
		}
		// An SMSC that delivers a part twice gives it two ids (Kannel's %I): the same
		// words at the same place of a message that waits are a repeat.
		repeat := false
		if err := tx.QueryRow(ctx, `
select exists (select from part_set s join part p on p.set_id = s.id
	where s.key = $1 and s.total = $2 and p.idx = $3 and p.content_hmac = $4 and (s.closed_at is null or $5 and p.received_at > $6))`,
			p.Set, p.Total, p.Index, p.ContentHMAC, p.Nameless, p.ReceivedAt.Add(-p.RepeatWithin)).Scan(&repeat); err != nil || repeat {
			return err
		}
		if p.Number != nil {
			if _, err := tx.Exec(ctx, putNumber, p.Contact, p.Number, p.NumberUntil); err != nil {
				return err
			}
		}
		altered = p.Altered
		set, err := openSet(ctx, tx, p)
		if err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, `
insert into part (set_id, idx, content_hmac, sealed, altered, sent_at, received_at) values ($1, $2, $3, $4, $5, $6, $7)`,
			set, p.Index, p.ContentHMAC, p.Sealed, p.Altered, orNull(p.SentAt), p.ReceivedAt); err != nil {
			return err
		}
		whole := false
		if err := tx.QueryRow(ctx, `select count(*) = $2 from part where set_id = $1`, set, p.Total).Scan(&whole); err != nil || !whole {
			return err
		}
		return s.closeSet(ctx, tx, set, p.ReceivedAt, p.HandleAt)
	})
	return altered && err == nil, err
}

// lockSet lets the parts of one reference come one after the other.
func lockSet(ctx context.Context, tx pgx.Tx, key []byte) error {
	_, err := tx.Exec(ctx, `select pg_advisory_xact_lock($1)`, int64(binary.BigEndian.Uint64(key[:8])))
	return err
}

// openSet gives the set that a part belongs to, opened where there is none.
func openSet(ctx context.Context, tx pgx.Tx, p ReceivedPart) (string, error) {
	at := p.SentAt
	if at.IsZero() {
		at = p.ReceivedAt
	}
	var id string
	err := tx.QueryRow(ctx, `
select s.id::text from part_set s
where s.key = $1 and s.total = $2 and s.closed_at is null and not exists (select from part where set_id = s.id and idx = $3)
order by (select min(abs(extract(epoch from coalesce(sent_at, received_at) - $4::timestamptz))) from part where set_id = s.id), s.opened_at, s.id
limit 1`, p.Set, p.Total, p.Index, at).Scan(&id)
	if !errors.Is(err, pgx.ErrNoRows) {
		return id, err
	}
	_, err = tx.Exec(ctx, `
insert into part_set (id, key, contact, channel, total, answerable, opened_at) values ($1, $2, $3, $4, $5, $6, $7)`,
		p.ID, p.Set, p.Contact, p.Channel, p.Total, p.Answerable, p.ReceivedAt)
	return p.ID, err
}

// closeSet makes a message of the parts that are there. Its words stay sealed as
// they came; it stands where its last part came.
func (s *Store) closeSet(ctx context.Context, tx pgx.Tx, set string, now, handleAt time.Time) error {
	var (
		m     Inbound
		total int
	)
	err := tx.QueryRow(ctx, `
update part_set set closed_at = $2 where id = $1 and closed_at is null
returning id::text, contact, channel, total, answerable`, set, now).Scan(&m.ID, &m.Contact, &m.Channel, &total, &m.Answerable)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil // it was closed meanwhile
	}
	if err != nil {
		return err
	}
	rows, err := tx.Query(ctx, `select idx, sealed, altered, sent_at, received_at from part where set_id = $1`, set)
	if err != nil {
		return err
	}
	parts := make([][]byte, total)
	var (
		idx      int
		sealed   []byte
		altered  bool
		sent     *time.Time
		received time.Time
	)
	if _, err := pgx.ForEachRow(rows, []any{&idx, &sealed, &altered, &sent, &received}, func() error {
		parts[idx-1] = slices.Clone(sealed)
		m.Altered = m.Altered || altered
		if sent != nil && (m.SentAt.IsZero() || sent.Before(m.SentAt)) {
			m.SentAt = *sent
		}
		if received.After(m.ReceivedAt) {
			m.ReceivedAt = received
		}
		return nil
	}); err != nil {
		return err
	}
	m.Parts, m.Partial = parts, slices.ContainsFunc(parts, func(b []byte) bool { return b == nil })
	if _, err := tx.Exec(ctx, `update part set sealed = '' where set_id = $1`, set); err != nil {
		return err
	}
	return s.insertInbound(ctx, tx, m, handleAt)
}

// maxStale bounds how many incomplete messages are closed at a time.
const maxStale = 500

// CloseStaleParts makes messages of the sets that were opened before a moment
// and never became whole, and tells how many. A set that holds nothing but parts
// of a message that was joined is a repeat of it, and makes none.
func (s *Store) CloseStaleParts(ctx context.Context, before, now time.Time) (int, error) {
	rows, err := s.pool.Query(ctx, `select id::text, key from part_set where closed_at is null and opened_at < $1 order by opened_at limit $2`, before, maxStale)
	if err != nil {
		return 0, fmt.Errorf("looking for incomplete messages: %w", err)
	}
	type set struct {
		ID  string
		Key []byte
	}
	sets, err := pgx.CollectRows(rows, pgx.RowToStructByPos[set])
	if err != nil {
		return 0, fmt.Errorf("looking for incomplete messages: %w", err)
	}
	closed := 0
	for _, st := range sets {
		err := s.inTx(ctx, "closing an incomplete message", func(tx pgx.Tx) error {
			if err := lockSet(ctx, tx, st.Key); err != nil {
				return err
			}
			tag, err := tx.Exec(ctx, repeated, st.ID, now)
			if err != nil || tag.RowsAffected() > 0 {
				return err
			}
			closed++
			return s.closeSet(ctx, tx, st.ID, now, time.Time{})
		})
		if err != nil {
			return 0, err
		}
	}
	return closed, nil
}

// repeated closes a set whose every part stands, with the same words at the same
// place, in one other set of its reference that was joined.
const repeated = `
update part_set s set closed_at = $2 where s.id = $1 and s.closed_at is null and exists (
	select from part_set o where o.key = s.key and o.total = s.total and o.closed_at is not null
	and not exists (select from part p where p.set_id = s.id
		and not exists (select from part q where q.set_id = o.id and q.idx = p.idx and q.content_hmac = p.content_hmac)))`
