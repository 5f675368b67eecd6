package store

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
)

// Facts are what the record knows of a message at the moment when it may be sent,
// read by the transaction that commits the attempt.
type Facts struct {
	State     string
	Channel   string
	Fallen    bool // it goes by another channel than it was queued for
	QueuedAt  time.Time
	Tries     int       // attempts that may have reached an aggregator
	Refusals  int       // attempts on this channel that surely did not
	StartedAt time.Time // of the latest attempt; zero: there was none
	Wish      *bool     // the receiver's latest word on the purpose; nil: none
	Leader    bool      // the receiver leads a group
	Closed    bool      // its commune is closed, its receiver's group's, or the one she last reported from
	Held      bool      // a gateway's spool is not empty, or nobody knows
	Unheard   bool      // a message of the receiver waits to be handled
	// First is the state of the message in doubt in whose place this one goes; "":
	// it goes in nobody's.
	First string
	Spent float64 // this month, FCFA
	// Restored: a backup was restored, and no person has confirmed it. Beat is the
	// record's count of signs of life.
	Restored bool
	Beat     int64
}

// Decision is what is to be done with a message.
type Decision struct {
	// Begin commits an attempt; State moves the message to a final state; Until
	// lets it wait; none of these: it is left as it is.
	Begin  *Pass
	State  string
	Until  time.Time
	DueAt  time.Time // with Until, or without a turn: when it is looked for should its job be gone
	Reason string    // without number or text
}

// Pass is what an attempt is made under.
type Pass struct {
	Operator string
	Segments int
	Cost     float64       // FCFA
	Takes    time.Duration // how long its segments take of the channel's rate; 0: no bound
	Ahead    time.Duration // how far ahead it may take its turn
	DueAt    time.Time     // when the attempt's end is looked for
}

// Attempt is an attempt that was committed.
type Attempt struct {
	N        int64     // its number
	At       time.Time // its turn
	Tries    int       // of the message before it, as Facts has them
	Refusals int
}

// NoTurn is why a message waits whose channel's rate is used up.
const NoTurn = "the channel's rate is used up"

// silent is how long a gateway may give no sign of life before nobody knows what
// lies in its spool (reliability.md 2.6).
const silent = 60 * time.Second

// factsQuery reads Facts of a message that is locked: $1 its id, $2 the purpose, $3 now,
// $4 since when a gateway is silent. What goes in another's place needs her wish to
// be answered where the other needed none.
var factsQuery = `
select o.state, o.channel, o.origin <> '', o.created_at,
	(select count(*) from attempt where outbound_id = o.id and verdict in ('started', 'ambiguous', 'sent'))::int,
	(select count(*) from attempt where outbound_id = o.id and verdict = 'retry' and channel = o.channel)::int,
	(select max(started_at) from attempt where outbound_id = o.id),
	(select given from wish where contact = o.contact and purpose = case when $2 = '' and f.state is not null then 'answer' else $2 end),
	exists (select from leader where contact = o.contact),
	exists (select from closed_commune where pcode = o.place) or ` + inClosed("o.contact") + `,
	exists (select from node where spooled > 0 or stopped_at is null and beat_at < $4),
	exists (select from inbound where contact = o.contact and handled_at is null),
	(select coalesce(sum(cost), 0) from spend where month = date_trunc('month', $3::timestamptz)::date)::float8,
	coalesce(f.state, ''),
	exists (select from restore where confirmed_at is null), (select beat from life)
from outbound o left join doubt d on d.again_id = o.id left join outbound f on f.id = d.outbound_id where o.id = $1`

// BeginAttempt commits what decide makes of the facts. The attempt is nil unless
// the message is to be sent now; then the decision tells whether anything is left
// to do. A channel whose rate is used up lets the message wait.
func (s *Store) BeginAttempt(ctx context.Context, id, purpose string, decide func(Facts) Decision, now time.Time) (*Attempt, Decision, error) {
	var (
		d     Decision
		a     *Attempt
		moved *Moved
	)
	err := s.inTx(ctx, "beginning an attempt to send", func(tx pgx.Tx) error {
		var f Facts
		var started *time.Time
		// A statement that has waited for a lock sees the locked row as it is then and
		// all else as it was before: the attempt that it waited for would be missing.
		if _, err := tx.Exec(ctx, `select from outbound where id = $1 for update`, id); err != nil {
			return err
		}
		err := tx.QueryRow(ctx, factsQuery, id, purpose, now, now.Add(-silent)).Scan(&f.State, &f.Channel, &f.Fallen, &f.QueuedAt,
			&f.Tries, &f.Refusals, &started, &f.Wish, &f.Leader, &f.Closed, &f.Held, &f.Unheard, &f.Spent, &f.First, &f.Restored, &f.Beat)
		if err != nil {
			return notFound(err)
		}
		if started != nil {
			f.StartedAt = *started
		}
		if d = decide(f); d.Begin != nil {
			if a, d, err = begin(ctx, tx, id, f, d, now); err != nil || a != nil {
				return err
			}
		}
		switch {
		case d.State != "":
			if _, err := tx.Exec(ctx, `update outbound set state = $2, reason = $3, changed_at = $4 where id = $1`, id, d.State, d.Reason, now); err != nil {
				return err
			}
			moved, err = movedFrom(ctx, tx, id, f.State)
			return err
		case !d.Until.IsZero():
			_, err = tx.Exec(ctx, `update outbound set reason = $2, due_at = $3 where id = $1`, id, d.Reason, d.DueAt)
		default: // final: nobody has to look for it any more
			_, err = tx.Exec(ctx, `update outbound set due_at = null where id = $1 and due_at < $2 and state <> 'sent'`, id, now)
		}
		return err
	})
	s.tell(err, moved)
	return a, d, err
}

// begin takes a turn at the channel's rate and commits the attempt. Without a turn
// the attempt is nil, and the decision is to wait.
func begin(ctx context.Context, tx pgx.Tx, id string, f Facts, d Decision, now time.Time) (*Attempt, Decision, error) {
	p := d.Begin
	a := &Attempt{At: now, Tries: f.Tries, Refusals: f.Refusals}
	if p.Takes > 0 {
		at, free, err := takeTurn(ctx, tx, f.Channel, p, now)
		if err != nil {
			return nil, d, err
		}
		if !free {
			return nil, Decision{Until: at, DueAt: d.DueAt, Reason: NoTurn}, nil
		}
		a.At = at
	}
	if _, err := tx.Exec(ctx, `update outbound set state = 'sending', reason = '', operator = $2, changed_at = $3, due_at = $4 where id = $1`,
		id, p.Operator, now, p.DueAt); err != nil {
		return nil, d, err
	}
	if err := tx.QueryRow(ctx, `
insert into attempt (outbound_id, started_at, channel, operator, segments, cost) values ($1, $2, $3, $4, $5, $6) returning n`,
		id, now, f.Channel, p.Operator, p.Segments, p.Cost).Scan(&a.N); err != nil {
		return nil, d, err
	}
	_, err := tx.Exec(ctx, `
insert into spend as s (month, channel, operator, segments, cost) values (date_trunc('month', $1::timestamptz)::date, $2, $3, $4, $5)
on conflict (month, channel, operator) do update set segments = s.segments + excluded.segments, cost = s.cost + excluded.cost`,
		now, f.Channel, p.Operator, p.Segments, p.Cost)
	return a, d, err
}

// takeTurn takes the next turn at a channel's rate, which all gateways share: the
// row says when the channel is free again. Not free: at is when to come again.
func takeTurn(ctx context.Context, tx pgx.Tx, channel string, p *Pass, now time.Time) (at time.Time, free bool, err error) {
	err = tx.QueryRow(ctx, `
insert into pace as p (channel, free_at) values ($1, $2::timestamptz + $3::interval)
on conflict (channel) do update set free_at = greatest(p.free_at, $2::timestamptz) + $3::interval where p.free_at <= $2::timestamptz + $4::interval
returning free_at - $3::interval`, channel, now, p.Takes, p.Ahead).Scan(&at)
	if !errors.Is(err, pgx.ErrNoRows) {
		return at, err == nil, err
	}
	err = tx.QueryRow(ctx, `select free_at - $2::interval from pace where channel = $1`, channel, p.Ahead).Scan(&at)
	return at, false, err
}

// AttemptEnd is what an attempt to send amounted to.
type AttemptEnd struct {
	N          int64 // the attempt's number
	Verdict    string
	State      string    // the message's state, unless a receipt moved it meanwhile
	Channel    string    // what it goes by from now on; "": as before
	DueAt      time.Time // when it is looked for, should its job or its receipt not come; zero: never
	ExternalID []byte    // HMAC of the aggregator's id; nil: it gave none
	Reason     string    // without number or text
	Parts      int       // how many the aggregator says it made; 0: it does not say
	Segments   int       // how many the text makes by our own measure
	Free       bool      // it surely was not sent: it costs nothing
}

// EndAttempt stores what an attempt amounted to, and joins receipts that came
// before the send had returned.
func (s *Store) EndAttempt(ctx context.Context, id string, e AttemptEnd, now time.Time) error {
	var moved *Moved
	err := s.inTx(ctx, "ending an attempt to send", func(tx pgx.Tx) error {
		if err := lockExternal(ctx, tx, e.ExternalID); err != nil {
			return err
		}
		var before string
		if err := tx.QueryRow(ctx, `select state from outbound where id = $1 for update`, id).Scan(&before); err != nil {
			return notFound(err)
		}
		if _, err := tx.Exec(ctx, `update attempt set verdict = $2, ended_at = $3, reason = left($4, 200) where n = $1`, e.N, e.Verdict, now, e.Reason); err != nil {
			return err
		}
		// What the aggregator counts goes before what the text makes. A message that
		// was given up for ambiguous meanwhile learns what became of it.
		if _, err := tx.Exec(ctx, `
update outbound set state = case when state = 'sending' or state = 'ambiguous' and $2 in ('sent', 'failed') then $2 else state end,
	external_id = coalesce($3, external_id), changed_at = $4, reason = left($7, 200), due_at = $8,
	parts = case when $5 > 0 then $5 when parts > 0 then parts else $6 end,
	origin = case when $9 = '' or origin <> '' then origin else channel end, channel = case when $9 = '' then channel else $9 end
where id = $1`, id, e.State, e.ExternalID, now, e.Parts, e.Segments, e.Reason, orNull(e.DueAt), e.Channel); err != nil {
			return err
		}
		if err := advanceByParts(ctx, tx, id, now); err != nil {
			return err
		}
		if err := joinWaiting(ctx, tx, id, e.ExternalID, now); err != nil {
			return err
		}
		if err := settleSpend(ctx, tx, e); err != nil {
			return err
		}
		var err error
		moved, err = movedFrom(ctx, tx, id, before)
		return err
	})
	s.tell(err, moved)
	return err
}

// joinWaiting applies the receipts that came before the send had returned.
func joinWaiting(ctx context.Context, tx pgx.Tx, id string, externalID []byte, now time.Time) error {
	if externalID == nil {
		return nil
	}
	rows, err := tx.Query(ctx, `delete from receipt where external_id = $1 returning state, part, parts`, externalID)
	if err != nil {
		return err
	}
	waited, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (r Receipt, err error) {
		err = row.Scan(&r.State, &r.Part, &r.Parts)
		return r, err
	})
	if err != nil {
		return err
	}
	for _, r := range waited {
		if err := report(ctx, tx, id, r, now); err != nil {
			return err
		}
	}
	return nil
}

// settleSpend corrects what an attempt was counted with: to nothing when it surely
// was not sent, to the parts that the aggregator made where it says so.
func settleSpend(ctx context.Context, tx pgx.Tx, e AttemptEnd) error {
	if !e.Free && e.Parts == 0 {
		return nil
	}
	parts := e.Parts
	if e.Free {
		parts = 0
	}
	_, err := tx.Exec(ctx, `
with was as (select date_trunc('month', started_at)::date as month, channel, operator, segments, cost from attempt where n = $1),
now as (update attempt set segments = $2, cost = cost / greatest(segments, 1) * $2 where n = $1 and segments <> $2 returning segments, cost)
update spend s set segments = s.segments - was.segments + now.segments, cost = s.cost - was.cost + now.cost
from was, now where s.month = was.month and s.channel = was.channel and s.operator = was.operator`, e.N, parts)
	return err
}

// Moved is a message that came to another state.
type Moved struct {
	Channel  string
	Class    string
	Operator string
	State    string
}

// OnMove has f told of every message that came to another state by this Store,
// once that is committed. It is for counting, and set before anything is sent.
func (s *Store) OnMove(f func(Moved)) { s.moved.Store(&f) }

func (s *Store) tell(err error, m *Moved) {
	if f := s.moved.Load(); f != nil && m != nil && err == nil {
		(*f)(*m)
	}
}

// movedFrom gives the move of a message whose state was another; nil: it is where
// it was.
func movedFrom(ctx context.Context, tx pgx.Tx, id, before string) (*Moved, error) {
	var m Moved
	if err := tx.QueryRow(ctx, `select channel, class, operator, state from outbound where id = $1`, id).
		Scan(&m.Channel, &m.Class, &m.Operator, &m.State); err != nil {
		return nil, err
	}
	if m.State == before {
		return nil, nil
	}
	return &m, nil
}

// Transition is one step of a message.
type Transition struct {
	From, To string
	At       time.Time
	Reason   string
}

// Transitions gives every step of a message, in order.
func (s *Store) Transitions(ctx context.Context, id string) ([]Transition, error) {
	rows, err := s.pool.Query(ctx, `select from_state, to_state, at, reason from outbound_event where outbound_id = $1 order by n`, id)
	if err != nil {
		return nil, fmt.Errorf("reading the steps of a message: %w", err)
	}
	out, err := pgx.CollectRows(rows, pgx.RowToStructByPos[Transition])
	if err != nil {
		return nil, fmt.Errorf("reading the steps of a message: %w", err)
	}
	return out, nil
}
