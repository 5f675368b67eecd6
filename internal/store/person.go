package store

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"lafia/internal/audit"
	"lafia/internal/programme"
)

// Person is what is held about a contact, as it lies here. Of what is confidential
// there is nothing in it, not even whether there is some.
type Person struct {
	Known    bool // her language, or what she named last
	Language string
	Since    time.Time // when she was first seen; zero: it is not known
	Seen     time.Time
	Place    string // P-code of the place that she named last

	Number    bool // it is in the vault
	Agreed    bool // with her consent
	KeptUntil time.Time

	Wishes   []PersonWish
	Said     int // wishes that were ever said
	Messages []PersonMessage
	Received int            // SMS of hers
	Waiting  int            // of those: not handled
	Parts    int            // of long SMS
	Sent     map[string]int // SMS to her, by state
	Drafts   int
	Asked    int      // follow-ups
	Leads    []string // groups

	Erasing  time.Time // when she is due to be erased; zero: she is not
	ErasedAt time.Time // when she was, the last time; zero: never
}

// PersonWish is what a contact last said to a purpose.
type PersonWish struct {
	Purpose string
	Given   bool
	At      time.Time
	Medium  string
}

// PersonMessage is something that a contact said, with the answers to it.
type PersonMessage struct {
	ID         string
	Reference  programme.Reference
	Kind       programme.Kind
	Level      programme.Level
	Status     programme.Status
	Channel    string
	Medium     string
	Project    string
	Place      string
	ReceivedAt time.Time
	Sealed     []byte
	Answers    []PersonAnswer
}

// PersonAnswer is an answer of staff.
type PersonAnswer struct {
	At     time.Time
	Sealed []byte
}

// Holds reports whether anything is held about her that an erasure takes away.
func (p Person) Holds() bool {
	for _, w := range p.Wishes {
		if w.Given || w.Purpose == "answer" {
			return true
		}
	}
	return p.Known || p.Number || p.Said > 0 || len(p.Messages) > 0 || p.Received > 0 || p.Parts > 0 || len(p.Sent) > 0 || p.Drafts > 0 || p.Asked > 0 || len(p.Leads) > 0
}

// PersonOf gives what is held about a contact.
func (s *Store) PersonOf(ctx context.Context, contact []byte) (Person, error) {
	p := Person{Sent: map[string]int{}}
	moment := pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly}
	err := pgx.BeginTxFunc(ctx, s.pool, moment, func(tx pgx.Tx) error {
		var language, place *string
		var since, seen, kept, due, done *time.Time
		var agreed *bool
		if err := tx.QueryRow(ctx, `
select c.language, c.last_place, c.created_at, c.seen_at, n.consent, n.keep_until, e.due_at, e.done_at,
	(select count(*) from wish_event where contact = $1)::int,
	(select count(*) from inbound where contact = $1)::int, (select count(*) from inbound where contact = $1 and handled_at is null)::int,
	(select count(*) from part p join part_set s on s.id = p.set_id where s.contact = $1)::int,
	(select count(*) from draft where contact = $1 and sealed is not null)::int, (select count(*) from followup where contact = $1)::int
from (select 1) one left join contact c on c.id = $1 left join number n on n.contact = $1 left join erasure e on e.contact = $1`, contact).
			Scan(&language, &place, &since, &seen, &agreed, &kept, &due, &done, &p.Said, &p.Received, &p.Waiting, &p.Parts, &p.Drafts, &p.Asked); err != nil {
			return err
		}
		if language != nil {
			p.Known, p.Language, p.Place, p.Since, p.Seen = true, *language, *place, *since, *seen
		}
		if agreed != nil {
			p.Number, p.Agreed, p.KeptUntil = true, *agreed, *kept
		}
		if done != nil {
			p.ErasedAt = *done
		} else if due != nil {
			p.Erasing = *due
		}
		rows, err := tx.Query(ctx, `select purpose, given, at, medium from wish where contact = $1 order by purpose`, contact)
		if err != nil {
			return err
		}
		if p.Wishes, err = pgx.CollectRows(rows, pgx.RowToStructByPos[PersonWish]); err != nil {
			return err
		}
		if rows, err = tx.Query(ctx, `select grp from leader where contact = $1 order by grp`, contact); err != nil {
			return err
		}
		if p.Leads, err = pgx.CollectRows(rows, pgx.RowTo[string]); err != nil {
			return err
		}
		if rows, err = tx.Query(ctx, `select state, count(*)::int from outbound where contact = $1 group by state`, contact); err != nil {
			return err
		}
		var state string
		var n int
		if _, err = pgx.ForEachRow(rows, []any{&state, &n}, func() error { p.Sent[state] = n; return nil }); err != nil {
			return err
		}
		return personMessages(ctx, tx, contact, &p)
	})
	if err != nil {
		return p, fmt.Errorf("reading what is held about a person: %w", err)
	}
	return p, nil
}

func personMessages(ctx context.Context, tx pgx.Tx, contact []byte, p *Person) error {
	rows, err := tx.Query(ctx, `
select id::text, reference::text, kind, level, status, channel, medium, project, place, received_at, sealed from submission where contact = $1 order by n`, contact)
	if err != nil {
		return err
	}
	if p.Messages, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) (m PersonMessage, err error) {
		err = row.Scan(&m.ID, &m.Reference, &m.Kind, &m.Level, &m.Status, &m.Channel, &m.Medium, &m.Project, &m.Place, &m.ReceivedAt, &m.Sealed)
		return m, err
	}); err != nil {
		return err
	}
	at := map[string]int{}
	for i, m := range p.Messages {
		at[m.ID] = i
	}
	if rows, err = tx.Query(ctx, `
select a.submission_id::text, a.at, a.sealed from answer a join submission s on s.id = a.submission_id where s.contact = $1 order by a.n`, contact); err != nil {
		return err
	}
	var of string
	var a PersonAnswer
	_, err = pgx.ForEachRow(rows, []any{&of, &a.At, &a.Sealed}, func() error {
		m := &p.Messages[at[of]]
		m.Answers = append(m.Answers, PersonAnswer{a.At, append([]byte(nil), a.Sealed...)})
		return nil
	})
	return err
}

// AskErasureNow notes that staff ask for a contact to be erased now.
func (s *Store) AskErasureNow(ctx context.Context, contact []byte, now time.Time) error {
	_, err := s.pool.Exec(ctx, `
insert into erasure as e (contact, asked_at, due_at, whole) values ($1, $2, $2, true)
on conflict (contact) do update set asked_at = excluded.asked_at, due_at = excluded.due_at, done_at = null, whole = true`, contact, now)
	if err != nil {
		return fmt.Errorf("noting an erasure: %w", err)
	}
	return nil
}

// ExportsSince lists the exports that were taken since a moment, newest first.
func (s *Store) ExportsSince(ctx context.Context, since time.Time, most int) ([]audit.Entry, error) {
	rows, err := s.pool.Query(ctx, `select `+auditColumns+` from audit where act = $1 and at >= $2 order by seq desc limit $3`, string(audit.Export), since, most)
	if err != nil {
		return nil, fmt.Errorf("reading the exports: %w", err)
	}
	list, err := pgx.CollectRows(rows, scanEntry)
	if err != nil {
		return nil, fmt.Errorf("reading the exports: %w", err)
	}
	return list, nil
}

// Spooled counts what gateways said to lie in their spools.
func (s *Store) Spooled(ctx context.Context) (n int, err error) {
	if err := s.pool.QueryRow(ctx, `select coalesce(sum(spooled), 0)::int from node`).Scan(&n); err != nil {
		return 0, fmt.Errorf("asking what lies in spools: %w", err)
	}
	return n, nil
}

// Unread is a request that could not be read, as it lies here.
type Unread struct {
	N          int64
	Channel    string
	Sealed     []byte
	ReceivedAt time.Time
}

// UnreadAfter lists requests that could not be read, behind a number, in order.
func (s *Store) UnreadAfter(ctx context.Context, n int64, most int) ([]Unread, error) {
	rows, err := s.pool.Query(ctx, `select n, channel, sealed, received_at from unreadable where n > $1 order by n limit $2`, n, most)
	if err != nil {
		return nil, fmt.Errorf("reading unreadable requests: %w", err)
	}
	list, err := pgx.CollectRows(rows, pgx.RowToStructByPos[Unread])
	if err != nil {
		return nil, fmt.Errorf("reading unreadable requests: %w", err)
	}
	return list, nil
}

// DropUnread deletes requests that could not be read.
func (s *Store) DropUnread(ctx context.Context, all []int64) error {
	if _, err := s.pool.Exec(ctx, `delete from unreadable where n = any($1)`, all); err != nil {
		return fmt.Errorf("deleting unreadable requests: %w", err)
	}
	return nil
}

// erasedIn are the tables whose rows an erasure empties: what was in them lies on the
// disk until the room is used again.
var erasedIn = []string{"number", "contact", "draft", "wish", "wish_event", "followup", "answer", "submission_event", "inbound", "part_set", "part", "outbound", "submission", "unreadable", "leader"}

// Vacuum makes room of what an erasure took away. Rows that an older snapshot, as of a
// backup that runs, may still see stay until autovacuum comes by.
func (s *Store) Vacuum(ctx context.Context) error {
	for _, table := range erasedIn {
		if _, err := s.pool.Exec(ctx, `vacuum `+table); err != nil {
			return fmt.Errorf("making room of what was erased: %w", err)
		}
	}
	return nil
}
