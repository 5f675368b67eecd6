package store

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"lafia/internal/audit"
)

// AskErasure notes that a contact asks to be erased when due comes. An earlier
// day of before stands, and so does an erasure that was done since she asked.
func (s *Store) AskErasure(ctx context.Context, contact []byte, asked, due time.Time) error {
	_, err := s.pool.Exec(ctx, `
insert into erasure as e (contact, asked_at, due_at) values ($1, $2, $3)
on conflict (contact) do update set asked_at = excluded.asked_at, done_at = null,
	due_at = case when e.done_at is null then least(e.due_at, excluded.due_at) else excluded.due_at end
where e.done_at is null or e.done_at < excluded.asked_at`, contact, asked, due)
	if err != nil {
		return fmt.Errorf("noting an erasure: %w", err)
	}
	return nil
}

// KeepContact calls an erasure off that is for a later day. One for at once is under
// way, and on the lists of gateways.
func (s *Store) KeepContact(ctx context.Context, contact []byte) error {
	if _, err := s.pool.Exec(ctx, `delete from erasure where contact = $1 and done_at is null and due_at > asked_at`, contact); err != nil {
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

// heardBefore is how long an erasure whose day has come waits for messages of hers
// that are not handled yet: one may call it off.
const heardBefore = time.Hour

// DueErasures lists whose day has come.
func (s *Store) DueErasures(ctx context.Context, now time.Time, most int) ([][]byte, error) {
	rows, err := s.pool.Query(ctx, `
select contact from erasure e where done_at is null and due_at <= $1 and (due_at <= greatest(asked_at, $3)
	or not exists (select from inbound where contact = e.contact and handled_at is null)) order by due_at limit $2`, now, most, now.Add(-heardBefore))
	if err != nil {
		return nil, fmt.Errorf("looking for due erasures: %w", err)
	}
	out, err := pgx.CollectRows(rows, pgx.RowTo[[]byte])
	if err != nil {
		return nil, fmt.Errorf("looking for due erasures: %w", err)
	}
	return out, nil
}

// Erasure is the wish of a contact to be forgotten, that is to be done now.
type Erasure struct {
	Contact []byte
	At      time.Time
	// Whole: staff asked for it, who may take a leader's group from her; whoever holds
	// her phone may not.
	Whole bool
	// Stopped: she wants no news and no reminders, as a list knows that the record of
	// before was copied to.
	Stopped bool
	// Before: only what is from before At is erased. She may have called since.
	Before bool
}

// Erased is who was erased, as the list outside the record has it.
type Erased struct {
	Contact []byte
	At      time.Time // zero: it is asked for, and not done
	Whole   bool
	Stopped bool
}

// Erase takes a contact out of the record, at the wish of whoever has her phone.
func (s *Store) Erase(ctx context.Context, contact []byte, now time.Time) error {
	_, err := s.EraseAll(ctx, Erasure{Contact: contact, At: now}, now, nil)
	return err
}

// ErasedOf is why a message to a contact who was erased is not sent.
const ErasedOf = "its receiver was erased"

// erasing is what an erasure does, in this order, each with the name of what it counts;
// "": it is no thing of hers. $1 the contact, $2 until when, null: for all times, $3 now.
var erasing = []struct{ name, query string }{
	{"numbers", `delete from number where contact = $1 and ($2::timestamptz is null or not (` + cameBack("$1", "$2") + `))`},
	{"", `update number set consent = exists (select from wish where contact = $1 and purpose = 'answer' and given and at > $2) where contact = $1 and $2::timestamptz is not null`},
	{"contacts", `delete from contact where id = $1 and ($2::timestamptz is null or seen_at <= $2)`},
	{"", `update contact set last_place = '' where id = $1 and created_at <= $2::timestamptz`},
	// The empty row keeps its version, so that no late write revives it.
	{"drafts", `update draft set sealed = null, run_id = null where contact = $1 and sealed is not null and ($2::timestamptz is null or changed_at <= $2)`},
	// What she does not want to get is all that is kept of her wishes.
	{"wishes", `delete from wish where contact = $1 and (given or purpose = 'answer') and ($2::timestamptz is null or at <= $2)`},
	{"", `update wish set words = '' where contact = $1 and words <> '' and ($2::timestamptz is null or at <= $2)`},
	{"wishes said before", `delete from wish_event where contact = $1 and ($2::timestamptz is null or at <= $2)`},
	{"follow-ups", `delete from followup where contact = $1 and ($2::timestamptz is null or submission_id in (select id from submission where contact = $1 and received_at <= $2))`},
	{"answers to her", `delete from answer where submission_id in (select id from submission where contact = $1 and ($2::timestamptz is null or received_at <= $2))`},
	{"notes about them", `update submission_event set sealed_note = null where sealed_note is not null
		and submission_id in (select id from submission where contact = $1 and ($2::timestamptz is null or received_at <= $2))`},
	{"SMS of hers", `update inbound set sealed = '', parts = null, contact = '\x` + zeros + `', handled_at = coalesce(handled_at, $3)
		where contact = $1 and ($2::timestamptz is null or received_at <= $2)`},
	{"parts of SMS", `delete from part_set where contact = $1 and ($2::timestamptz is null or opened_at <= $2)`},
	// One that is being sent has its words in the sender's hand: its number is gone
	// should it be tried again.
	{"SMS to her", `update outbound set sealed = '', contact = '\x` + zeros + `', place = '',
		reason = case when state in ('queued', 'ambiguous') then '` + ErasedOf + `' else reason end,
		changed_at = case when state in ('queued', 'ambiguous') then $3 else changed_at end,
		state = case when state in ('queued', 'ambiguous') then 'failed' else state end
		where contact = $1 and ($2::timestamptz is null or created_at <= $2)`},
	// A leader's reports are her group's: they keep their numbers, not her.
	{"messages", `update submission set sealed = null, contact = '\x` + zeros + `' where contact = $1 and ($2::timestamptz is null or received_at <= $2)`},
}

// cameBack tells of a contact whether she called or wrote after a moment: a number that
// is there is of then.
func cameBack(contact, after string) string {
	return strings.NewReplacer("CONTACT", contact, "AFTER", after).Replace(`
exists (select from contact where id = CONTACT and seen_at > AFTER) or exists (select from wish where contact = CONTACT and at > AFTER)
or exists (select from submission where contact = CONTACT and received_at > AFTER) or exists (select from inbound where contact = CONTACT and received_at > AFTER)
or exists (select from part_set where contact = CONTACT and opened_at > AFTER) or exists (select from confidential where contact = CONTACT and received_at > AFTER)`)
}

// EraseAll takes a contact out of the record: her number, her words and answers to
// them, what she agreed to, where she was. What she said stays as codes and
// counts that lead to nobody; a mark of her wish stays, so that what a backup
// brings back is erased again, and what she does not want to get. What lies with the
// protection focal points (confidential) is theirs to end: it is sealed to them
// alone, and whoever holds her phone must not be able to destroy it.
//
// It gives what there was, by name. act, where there is one, is written with it.
func (s *Store) EraseAll(ctx context.Context, e Erasure, now time.Time, act *audit.Draft) (map[string]int, error) {
	gone := map[string]int{}
	var until *time.Time
	if e.Before {
		until = &e.At
	}
	err := s.inTx(ctx, "erasing a contact", func(tx pgx.Tx) error {
		// What is written behind meanwhile waits, and then sees that she was erased: else
		// a draft of a moment ago could come back.
		if _, err := tx.Exec(ctx, `lock table draft in share row exclusive mode`); err != nil {
			return err
		}
		for _, do := range erasing {
			args := []any{e.Contact, until}
			if strings.Contains(do.query, "$3") {
				args = append(args, now)
			}
			tag, err := tx.Exec(ctx, do.query, args...)
			if err != nil {
				return err
			}
			if n := int(tag.RowsAffected()); do.name != "" && n > 0 {
				gone[do.name] = n
			}
		}
		if e.Whole {
			tag, err := tx.Exec(ctx, `delete from leader where contact = $1`, e.Contact)
			if err != nil {
				return err
			}
			if n := int(tag.RowsAffected()); n > 0 {
				gone["groups that she led"] = n
			}
		}
		if e.Stopped {
			if _, err := tx.Exec(ctx, `
insert into wish (contact, purpose, given, at, medium) select $1, purpose, false, $2, 'sms' from unnest(array['broadcast', 'reminder', 'followup']) purpose
on conflict do nothing`, e.Contact, e.At); err != nil {
				return err
			}
		}
		if _, err := tx.Exec(ctx, `
insert into erasure as e (contact, asked_at, due_at, done_at, whole) values ($1, $2, $2, $2, $3)
on conflict (contact) do update set done_at = greatest(e.done_at, excluded.done_at), whole = e.whole or excluded.whole`, e.Contact, e.At, e.Whole); err != nil {
			return err
		}
		if act == nil {
			return nil
		}
		for _, n := range gone {
			act.Count += n
		}
		return audited(ctx, tx, *act)
	})
	if err != nil {
		return nil, err
	}
	return gone, nil
}

const zeros = "0000000000000000000000000000000000000000000000000000000000000000"

// nobody is whom what is left of an erased contact belongs to.
var nobody [32]byte

// stoppedWish tells of a contact c.contact that she wants no news.
const stoppedWish = `exists (select from wish w where w.contact = c.contact and w.purpose in ('broadcast', 'reminder') and not w.given)`

// ErasureOf gives how it stands with a contact's erasure, and what she does not want,
// whether or not she was ever erased.
func (s *Store) ErasureOf(ctx context.Context, contact []byte) (e Erased, asked bool, err error) {
	e.Contact = contact
	var at *time.Time
	err = s.pool.QueryRow(ctx, `
select e.done_at, coalesce(e.whole, false), e.contact is not null, `+stoppedWish+` from (select $1::bytea as contact) c left join erasure e using (contact)`, contact).
		Scan(&at, &e.Whole, &asked, &e.Stopped)
	if err != nil {
		return e, false, fmt.Errorf("looking for an erasure: %w", err)
	}
	if at != nil {
		e.At = *at
	}
	return e, asked, nil
}

// Erasures lists every wish to be forgotten, done or not.
func (s *Store) Erasures(ctx context.Context) ([]Erased, error) {
	rows, err := s.pool.Query(ctx, `select c.contact, coalesce(c.done_at, 'epoch'), c.whole, `+stoppedWish+` from erasure c`)
	if err != nil {
		return nil, fmt.Errorf("reading the erasures: %w", err)
	}
	out, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (e Erased, err error) {
		err = row.Scan(&e.Contact, &e.At, &e.Whole, &e.Stopped)
		if e.At.Unix() == 0 {
			e.At = time.Time{}
		}
		return e, err
	})
	if err != nil {
		return nil, fmt.Errorf("reading the erasures: %w", err)
	}
	return out, nil
}

// LeftOfErased lists erased contacts of whom something from before their erasure came
// in since: out of a spool, or by a worker who had it in hand.
func (s *Store) LeftOfErased(ctx context.Context, most int) ([]Erased, error) {
	rows, err := s.pool.Query(ctx, `
select c.contact, c.done_at, c.whole, false from erasure c where c.done_at is not null and (
	exists (select from submission where contact = c.contact and received_at <= c.done_at)
	or exists (select from inbound where contact = c.contact and received_at <= c.done_at)
	or exists (select from outbound where contact = c.contact and created_at <= c.done_at)
	or exists (select from part_set where contact = c.contact and opened_at <= c.done_at)
	or exists (select from contact where id = c.contact and seen_at <= c.done_at)
	or exists (select from number where contact = c.contact) and not (`+cameBack("c.contact", "c.done_at")+`)
	or exists (select from wish where contact = c.contact and given and at <= c.done_at)
	or exists (select from wish_event where contact = c.contact and at <= c.done_at)
	or exists (select from draft where contact = c.contact and sealed is not null and changed_at <= c.done_at)
) limit $1`, most)
	if err != nil {
		return nil, fmt.Errorf("looking for what came behind an erasure: %w", err)
	}
	out, err := pgx.CollectRows(rows, pgx.RowToStructByPos[Erased])
	if err != nil {
		return nil, fmt.Errorf("looking for what came behind an erasure: %w", err)
	}
	return out, nil
}
