package store

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
)

// Wish is a yes or no of a contact to one purpose: "answer", "followup",
// "reminder" or "broadcast".
type Wish struct {
	Contact []byte
	Purpose string
	Given   bool
	At      time.Time
	Medium  string
	Words   string // what asked: the book's hash and the language
	// Number is sealed, and kept until NumberUntil with her consent; nil: what is kept
	// already is kept on.
	Number      []byte
	NumberUntil time.Time
}

// numberAfterNo is how long a number is kept for the conversation that said no.
const numberAfterNo = "14 days"

// PutWishes keeps what a contact said, with its history. The same again changes
// nothing but the moment.
func (s *Store) PutWishes(ctx context.Context, wishes ...Wish) error {
	b := &pgx.Batch{}
	for _, w := range wishes {
		b.Queue(`
insert into wish_event (contact, purpose, given, at, medium, words)
select $1, $2, $3, $4, $5, $6
where not exists (select from wish where contact = $1 and purpose = $2 and given = $3)`, w.Contact, w.Purpose, w.Given, w.At, w.Medium, w.Words)
		b.Queue(`
insert into wish as w (contact, purpose, given, at, medium, words) values ($1, $2, $3, $4, $5, $6)
on conflict (contact, purpose) do update set given = excluded.given, at = excluded.at, medium = excluded.medium, words = excluded.words
where w.at <= excluded.at`, w.Contact, w.Purpose, w.Given, w.At, w.Medium, w.Words)
		switch {
		case w.Given:
			queueConsent(b, w.Contact, w.Number, w.NumberUntil)
		case w.Purpose == "answer" && !w.Given:
			b.Queue(`update number set consent = false, keep_until = least(keep_until, $2::timestamptz + interval '`+numberAfterNo+`') where contact = $1`, w.Contact, w.At)
		}
	}
	if err := s.pool.SendBatch(ctx, b).Close(); err != nil {
		return fmt.Errorf("keeping a wish: %w", err)
	}
	return nil
}

// queueConsent keeps a number with its owner's consent; a nil one is kept already.
func queueConsent(b *pgx.Batch, contact, sealed []byte, until time.Time) {
	if sealed == nil {
		b.Queue(`update number set consent = true, keep_until = greatest(keep_until, $2) where contact = $1`, contact, until)
		return
	}
	b.Queue(`
insert into number as n (contact, sealed, consent, keep_until) values ($1, $2, true, $3)
on conflict (contact) do update set consent = true, keep_until = greatest(n.keep_until, $3)`, contact, sealed, until)
}

// Wished gives what a contact last said to a purpose: known is false when she
// never said anything.
func (s *Store) Wished(ctx context.Context, contact []byte, purpose string) (given, known bool, err error) {
	err = s.pool.QueryRow(ctx, `select given from wish where contact = $1 and purpose = $2`, contact, purpose).Scan(&given)
	if IsNotFound(notFound(err)) {
		return false, false, nil
	}
	if err != nil {
		return false, false, fmt.Errorf("reading a wish: %w", err)
	}
	return given, true, nil
}
