package store

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
)

// AskErasure notes that a contact asks to be erased when due comes. An earlier
// day of before stands.
func (s *Store) AskErasure(ctx context.Context, contact []byte, asked, due time.Time) error {
	_, err := s.pool.Exec(ctx, `
insert into erasure as e (contact, asked_at, due_at) values ($1, $2, $3)
on conflict (contact) do update set asked_at = excluded.asked_at, done_at = null,
	due_at = case when e.done_at is null then least(e.due_at, excluded.due_at) else excluded.due_at end`, contact, asked, due)
	if err != nil {
		return fmt.Errorf("noting an erasure: %w", err)
	}
	return nil
}

// KeepContact calls an erasure off that is not done yet.
func (s *Store) KeepContact(ctx context.Context, contact []byte) error {
	if _, err := s.pool.Exec(ctx, `delete from erasure where contact = $1 and done_at is null`, contact); err != nil {
		return fmt.Errorf("calling an erasure off: %w", err)
	}
	return nil
}

// Erasing reports whether a contact has asked to be erased and is not yet.
func (s *Store) Erasing(ctx context.Context, contact []byte) (bool, error) {
	var is bool
	err := s.pool.QueryRow(ctx, `select exists (select from erasure where contact = $1 and done_at is null)`, contact).Scan(&is)
	if err != nil {
		return false, fmt.Errorf("looking for an erasure: %w", err)
	}
	return is, nil
}

// DueErasures lists whose day has come.
func (s *Store) DueErasures(ctx context.Context, now time.Time, most int) ([][]byte, error) {
	rows, err := s.pool.Query(ctx, `select contact from erasure where done_at is null and due_at <= $1 order by due_at limit $2`, now, most)
	if err != nil {
		return nil, fmt.Errorf("looking for due erasures: %w", err)
	}
	out, err := pgx.CollectRows(rows, pgx.RowTo[[]byte])
	if err != nil {
		return nil, fmt.Errorf("looking for due erasures: %w", err)
	}
	return out, nil
}

// Erase takes a contact out of the record: her number, her words and answers to
// them, what she agreed to, where she was. What she said stays as codes and
// counts that lead to nobody; a mark of her wish stays, so that what a backup
// brings back is erased again. What lies with the protection focal points
// (confidential) is theirs to end: it is sealed to them alone, and whoever holds
// her phone must not be able to destroy it.
func (s *Store) Erase(ctx context.Context, contact []byte, now time.Time) error {
	return s.inTx(ctx, "erasing a contact", func(tx pgx.Tx) error {
		// What is written behind meanwhile waits, and then sees that she was erased: else
		// a draft of a moment ago could come back.
		if _, err := tx.Exec(ctx, `lock table draft in share row exclusive mode`); err != nil {
			return err
		}
		for _, q := range []string{
			`delete from number where contact = $1`,
			`delete from contact where id = $1`,
			`update draft set sealed = null, run_id = null where contact = $1`,
			`delete from wish where contact = $1`,
			`delete from wish_event where contact = $1`,
			`delete from followup where contact = $1`,
			`delete from answer where submission_id in (select id from submission where contact = $1)`,
			`update submission_event set sealed_note = null where submission_id in (select id from submission where contact = $1)`,
			`update inbound set sealed = '', parts = null where contact = $1 and handled_at is not null`,
			`update outbound set sealed = '' where contact = $1 and state not in ('queued', 'sending')`,
			// A leader's reports are her group's: they keep their numbers, not her.
			`update submission set sealed = null, contact = '\x` + zeros + `' where contact = $1`,
		} {
			if _, err := tx.Exec(ctx, q, contact); err != nil {
				return err
			}
		}
		_, err := tx.Exec(ctx, `
insert into erasure (contact, asked_at, due_at, done_at) values ($1, $2, $2, $2)
on conflict (contact) do update set done_at = excluded.done_at`, contact, now)
		return err
	})
}

const zeros = "0000000000000000000000000000000000000000000000000000000000000000"
