package store

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/riverqueue/river"

	"lafia/internal/job"
	"lafia/internal/programme"
)

// Inbound is an SMS as it came, sealed.
type Inbound struct {
	ID         string
	Contact    []byte
	Channel    string
	Sealed     []byte
	Parts      [][]byte // of a joined message, instead of Sealed; nil: a part that never came
	Partial    bool     // a part never came
	Answerable bool
	Altered    bool // its id came before, with other content or from another moment
	SentAt     time.Time
	ReceivedAt time.Time
	// More is set when it is late and another late message that could be answered
	// waits from the same contact.
	More bool
}

// Received is an SMS on its way into the record.
type Received struct {
	Inbound            // with the id of Key
	Key         []byte // identity of the message
	ContentHMAC []byte
	// Epochs are the identities, in order, of those that come with the id of a
	// message of before and are others: the first that is free, or its own, is its.
	Epochs []Identity
	// Beside is set where nothing but its words and the time it came in tell a
	// repeat: Key is that of a stretch of time then, Beside that of the one before,
	// and what is known by either is a repeat.
	Beside []byte
	// Lock holds apart what Beside may make a repeat of each other.
	Lock        int64
	Number      []byte // sealed; kept for the life of the conversation
	NumberUntil time.Time
	// HandleAt is when it is handled; zero: at once.
	HandleAt time.Time
}

// Identity is a key that something is known by, and the id that it has then.
type Identity struct {
	Key []byte
	ID  string
}

// Receive makes an SMS durable together with the job that handles it. The same
// message again changes nothing. The same id with other content, or sent at
// another moment, is kept as a message of its own (design.md, decision 2), and
// altered says so.
func (s *Store) Receive(ctx context.Context, m Received) (altered bool, err error) {
	err = s.inTx(ctx, "receiving a message", func(tx pgx.Tx) error {
		fresh, err := identifyMessage(ctx, tx, &m)
		if err != nil || !fresh {
			return err
		}
		altered = m.Altered
		if m.Number != nil {
			if _, err := tx.Exec(ctx, putNumber, m.Contact, m.Number, m.NumberUntil); err != nil {
				return err
			}
		}
		return s.insertInbound(ctx, tx, m.Inbound, m.HandleAt)
	})
	return altered && err == nil, err
}

// insertInbound inserts a message and the job that handles it.
func (s *Store) insertInbound(ctx context.Context, tx pgx.Tx, m Inbound, handleAt time.Time) error {
	if string(m.Contact) == string(nobody[:]) { // of one who was erased: nothing is left to handle
		_, err := tx.Exec(ctx, `
insert into inbound (id, contact, channel, sealed, answerable, received_at, handled_at) values ($1, $2, $3, '', false, $4, $4)`, m.ID, m.Contact, m.Channel, m.ReceivedAt)
		return err
	}
	said, late := programme.Said(m.SentAt, m.ReceivedAt)
	if m.Sealed == nil {
		m.Sealed = []byte{}
	}
	if _, err := tx.Exec(ctx, `
insert into inbound (id, contact, channel, sealed, parts, partial, answerable, altered, late, sent_at, said_at, received_at)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)`,
		m.ID, m.Contact, m.Channel, m.Sealed, m.Parts, m.Partial, m.Answerable, m.Altered, late, orNull(m.SentAt), orNull(said), m.ReceivedAt); err != nil {
		return err
	}
	priority := 1
	if late || outOfSpool(ctx) { // who writes now goes before a backlog; of one contact all are handled in order
		priority = 2
	}
	return s.insertJob(ctx, tx, job.HandleInbound{InboundID: m.ID}, river.InsertOpts{Queue: job.QueueInbound, Priority: priority, ScheduledAt: handleAt})
}

// sameMoment is how far two words of a channel on when one message was sent may
// differ.
const sameMoment = 2 * time.Minute

// identifyMessage settles under which identity a message goes into the record,
// and whether it is there already.
func identifyMessage(ctx context.Context, tx pgx.Tx, m *Received) (fresh bool, err error) {
	if mark := markOf(ctx); mark != nil {
		if _, err := tx.Exec(ctx, putMark, mark.Node, int64(mark.Number)); err != nil {
			return false, err
		}
	}
	if m.Beside != nil {
		return identifyByTime(ctx, tx, m)
	}
	epoch := Identity{m.Key, m.ID}
	for n := 0; ; n++ {
		var same bool
		if fresh, same, err = identify(ctx, tx, epoch, m.ContentHMAC, m.SentAt, m.ReceivedAt); err != nil {
			return false, err
		}
		if fresh || same || n == len(m.Epochs) {
			m.ID, m.Altered = epoch.ID, n > 0
			return fresh, nil
		}
		epoch = m.Epochs[n]
	}
}

// identifyByTime takes a message for a repeat that is known by one of two
// stretches of time that meet. A repeat leaves its own too, so that a chain of
// them stays one message.
func identifyByTime(ctx context.Context, tx pgx.Tx, m *Received) (fresh bool, err error) {
	if _, err := tx.Exec(ctx, `select pg_advisory_xact_lock($1)`, m.Lock); err != nil {
		return false, err
	}
	tag, err := tx.Exec(ctx, `update identity set seen = seen + 1 where key = $1`, m.Beside)
	if err != nil {
		return false, err
	}
	fresh, _, err = identify(ctx, tx, Identity{m.Key, m.ID}, m.ContentHMAC, m.SentAt, m.ReceivedAt)
	return fresh && tag.RowsAffected() == 0, err
}

// identify inserts an identity, or counts one more sight of it; same tells
// whether its content is the one given and was said at the same moment, as far as
// both moments are known.
func identify(ctx context.Context, tx pgx.Tx, i Identity, content []byte, said, at time.Time) (fresh, same bool, err error) {
	var (
		first []byte
		then  *time.Time
	)
	err = tx.QueryRow(ctx, `
insert into identity as i (key, run_id, content_hmac, first_seen, said_at) values ($1, $2, $3, $4, $5)
on conflict (key) do update set seen = i.seen + 1
returning i.seen = 1, i.content_hmac, i.said_at`, i.Key, i.ID, content, at, orNull(said)).Scan(&fresh, &first, &then)
	same = string(first) == string(content)
	if same && then != nil && !said.IsZero() {
		same = said.Sub(*then).Abs() <= sameMoment
	}
	return fresh, same, err
}

// LatestSent gives the number of the latest message to a contact on a channel
// that was queued before a moment; 0: there is none.
func (s *Store) LatestSent(ctx context.Context, contact []byte, channel string, before time.Time) (n int64, err error) {
	err = s.pool.QueryRow(ctx, `
select coalesce(max(n), 0) from outbound where contact = $1 and created_at <= $3 and $2 in (channel, origin)`, contact, channel, before).Scan(&n)
	if err != nil {
		return 0, fmt.Errorf("looking for the latest message to a contact: %w", err)
	}
	return n, nil
}

func (s *Store) insertJob(ctx context.Context, tx pgx.Tx, args river.JobArgs, o river.InsertOpts) error {
	c, err := s.jobs()
	if err != nil {
		return err
	}
	o.MaxAttempts = 25
	if _, err := c.InsertManyTx(ctx, tx, []river.InsertManyParams{{Args: args, InsertOpts: &o}}); err != nil {
		return fmt.Errorf("inserting a job: %w", err)
	}
	return nil
}

// ErrBusy is returned when another worker has a contact's messages in hand.
var ErrBusy = errors.New("another worker has this contact in hand")

// ErrAgain is in the error of a handler whose contact was not as it had read her
// once it came to save: it is given the next message anew, if its hand still holds
// her. Where PostgreSQL has let her go, another worker may have handled it, and more.
var ErrAgain = errors.New("the contact has changed meanwhile")

// MostTries is how often in a row a handler is given the next message anew.
const MostTries = 5

// Hand is a worker's hold on one contact: while it lasts no other worker takes
// her messages.
type Hand struct {
	store *Store
	conn  *pgxpool.Conn
	lock  int64
	// Contact is whose messages are in hand.
	Contact []byte
}

// Take takes the contact of an inbound message in hand, or gives ErrBusy.
func (s *Store) Take(ctx context.Context, inboundID string) (*Hand, error) {
	var contact []byte
	if err := s.pool.QueryRow(ctx, `select contact from inbound where id = $1`, inboundID).Scan(&contact); err != nil {
		return nil, fmt.Errorf("looking for a message: %w", notFound(err))
	}
	conn, err := s.pool.Acquire(ctx)
	if err != nil {
		return nil, fmt.Errorf("getting a connection: %w", err)
	}
	h := &Hand{store: s, conn: conn, lock: int64(binary.BigEndian.Uint64(contact[:8])), Contact: contact}
	var ok bool
	if err := conn.QueryRow(ctx, `select pg_try_advisory_lock($1) from set_config('idle_session_timeout', $2, false)`, h.lock, handIdle).Scan(&ok); err != nil {
		_ = conn.Conn().Close(ctx) // it may have the lock
		conn.Release()
		return nil, fmt.Errorf("locking a contact: %w", err)
	}
	if !ok {
		h.free(ctx, `select set_config('idle_session_timeout', '0', false)`)
		return nil, ErrBusy
	}
	return h, nil
}

// EachWaiting takes the contact of an inbound message in hand and gives her
// unhandled messages one by one, in order, until none waits; each is marked as
// handled together with the reply that handle makes of it. ErrBusy: another worker
// has her. A message that is not there has been handled.
func (s *Store) EachWaiting(ctx context.Context, inboundID string, now func() time.Time, handle func(context.Context, Inbound) (Answer, error)) error {
	hand, err := s.Take(ctx, inboundID)
	if IsNotFound(err) {
		return nil
	}
	if err != nil {
		return err
	}
	defer hand.Release()
	for tries := 0; ; tries++ {
		m, err := hand.Next(ctx)
		if IsNotFound(err) {
			return nil
		}
		if err != nil {
			return err
		}
		a, err := handle(ctx, m)
		if errors.Is(err, ErrAgain) && tries < MostTries {
			continue
		}
		tries = -1
		if err != nil {
			return err
		}
		if err := hand.Handled(ctx, m.ID, a, now()); err != nil {
			return err
		}
	}
}

// Release lets the contact go. A connection whose lock can't be let go is
// closed, which lets it go as well.
func (h *Hand) Release() {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	h.free(ctx, `select pg_advisory_unlock($1) from set_config('idle_session_timeout', '0', false)`, h.lock)
}

// handIdle is how long PostgreSQL keeps the connection of a hand that says nothing:
// of one whose network went away it would hear for hours nothing, and hold the lock.
const handIdle = "20s"

func (h *Hand) free(ctx context.Context, query string, args ...any) {
	if _, err := h.conn.Exec(ctx, query, args...); err != nil {
		_ = h.conn.Conn().Close(ctx)
	}
	h.conn.Release()
}

// Next gives the contact's unhandled message that was said first, as far as that
// is known, or ErrNotFound.
func (h *Hand) Next(ctx context.Context) (Inbound, error) {
	var m Inbound
	var sent *time.Time
	err := h.conn.QueryRow(ctx, `
select id::text, contact, channel, sealed, parts, partial, answerable, altered, sent_at, received_at, late and exists (
	select from inbound o where o.contact = $1 and o.handled_at is null and o.late and o.answerable and o.id <> i.id)
from inbound i where contact = $1 and handled_at is null order by coalesce(said_at, received_at), n limit 1`, h.Contact).
		Scan(&m.ID, &m.Contact, &m.Channel, &m.Sealed, &m.Parts, &m.Partial, &m.Answerable, &m.Altered, &sent, &m.ReceivedAt, &m.More)
	if err != nil {
		return m, fmt.Errorf("taking the next message: %w", notFound(err))
	}
	if sent != nil {
		m.SentAt = *sent
	}
	return m, nil
}

// Answer is the reply to an inbound message, sealed. Its id is derived from the
// message's, so that a handling that is repeated makes no second one.
type Answer struct {
	ID      string
	Channel string
	Class   string
	Sealed  []byte // nil: no reply
}

// repliesADay is how many replies a contact gets within 24 hours: more is two
// machines that talk to each other, or somebody who drains the budget
// (reliability.md T32, which says 20; a report asked one question a message takes
// 16, and a leader of two groups must be able to send both).
const repliesADay = 60

// Handled marks a message as handled, empties it (what it said is at its level
// now), and queues its reply, in one transaction. A contact who had her replies of
// the day gets none: what she wrote is kept all the same.
func (h *Hand) Handled(ctx context.Context, inboundID string, a Answer, now time.Time) error {
	err := pgx.BeginFunc(ctx, h.conn, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, `update inbound set handled_at = $2, sealed = '', parts = null where id = $1 and handled_at is null`, inboundID, now); err != nil {
			return err
		}
		if a.Sealed == nil {
			return nil
		}
		class, ok := job.ClassNamed(a.Class)
		if !ok {
			return fmt.Errorf("there is no class %q", a.Class)
		}
		tag, err := tx.Exec(ctx, `
insert into outbound (id, inbound_id, contact, channel, class, sealed, due_at, created_at, changed_at)
select $1::uuid, $2::uuid, $3::bytea, $4, $5, $6::bytea, $8::timestamptz, $7::timestamptz, $7
where (select count(*) from outbound where contact = $3 and inbound_id is not null and created_at > $7::timestamptz - interval '24 hours') < $9
on conflict do nothing`, a.ID, inboundID, h.Contact, a.Channel, a.Class, a.Sealed, now, class.Due(now, now), repliesADay)
		if err != nil || tag.RowsAffected() == 0 {
			return err
		}
		return h.store.insertSends(ctx, tx, []waiting{{a.ID, a.Class}})
	})
	if err != nil {
		return fmt.Errorf("marking a message as handled: %w", err)
	}
	return nil
}

// InboxKey gives the stored key of a day, or ErrNotFound.
func (s *Store) InboxKey(ctx context.Context, day string) ([]byte, error) {
	var b []byte
	err := s.pool.QueryRow(ctx, `select wrapped from inbox_key where day = $1::date`, day).Scan(&b)
	if err != nil {
		return nil, fmt.Errorf("reading the inbox key of %s: %w", day, notFound(err))
	}
	return b, nil
}

// PutInboxKey stores the key of a day unless one is there, and gives the one
// that counts.
func (s *Store) PutInboxKey(ctx context.Context, day string, wrapped []byte) ([]byte, error) {
	if _, err := s.pool.Exec(ctx, `insert into inbox_key (day, wrapped) values ($1::date, $2) on conflict do nothing`, day, wrapped); err != nil {
		return nil, fmt.Errorf("storing the inbox key of %s: %w", day, err)
	}
	return s.InboxKey(ctx, day)
}

// Unreadable is an authentic request that could not be read.
type Unreadable struct {
	ID         string // keeping it again changes nothing
	Channel    string
	Kind       string // of the webhook
	Reason     string // one line without a number or text
	Sealed     []byte // the request as it came
	ReceivedAt time.Time
}

// KeepUnreadable keeps a request that could not be read, once by its id.
func (s *Store) KeepUnreadable(ctx context.Context, u Unreadable) error {
	b := &pgx.Batch{}
	b.Queue(`
insert into unreadable (id, channel, kind, reason, sealed, received_at) values ($1, $2, $3, $4, $5, $6) on conflict (id) do nothing`,
		u.ID, u.Channel, u.Kind, u.Reason, u.Sealed, u.ReceivedAt)
	if m := markOf(ctx); m != nil {
		b.Queue(putMark, m.Node, int64(m.Number))
	}
	if err := s.pool.SendBatch(ctx, b).Close(); err != nil {
		return fmt.Errorf("keeping an unreadable request: %w", err)
	}
	return nil
}

// Forgotten lists messages that were received before a moment and are not
// handled, one for each contact, oldest first: a job died with its gateway.
func (s *Store) Forgotten(ctx context.Context, before time.Time, most int) ([]string, error) {
	rows, err := s.pool.Query(ctx, `
select id::text from (
	select distinct on (contact) id, n from inbound where handled_at is null and received_at < $1 order by contact, n
) t order by n limit $2`, before, most)
	if err != nil {
		return nil, fmt.Errorf("looking for forgotten messages: %w", err)
	}
	out, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return nil, fmt.Errorf("looking for forgotten messages: %w", err)
	}
	return out, nil
}

// Waiting counts the messages that were received and not handled.
func (s *Store) Waiting(ctx context.Context) (int, error) {
	n, _, err := s.Unhandled(ctx)
	return n, err
}

// Unhandled counts the messages that were received and not handled, and gives
// when the oldest of them came; zero: there is none.
func (s *Store) Unhandled(ctx context.Context) (n int, oldest time.Time, err error) {
	var at *time.Time
	if err := s.pool.QueryRow(ctx, `select count(*), min(received_at) from inbound where handled_at is null`).Scan(&n, &at); err != nil {
		return 0, oldest, fmt.Errorf("counting waiting messages: %w", err)
	}
	if at != nil {
		oldest = *at
	}
	return n, oldest, nil
}
