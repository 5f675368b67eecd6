package store

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"lafia/internal/programme"
)

// Run is a finished run on its way into the record. Its words are sealed
// already; an L3 run carries nothing but its sealed body.
type Run struct {
	RunKey      []byte // identity of the run
	HopKey      []byte // identity of the hop that finished it
	ContentHMAC []byte
	Submission  programme.Submission // without Text
	Contact     []byte
	Sealed      []byte // the words, or the whole L3 body
	Altered     bool
	// DraftVersion is the session's version: a draft written before it is dead.
	DraftVersion uint64
	// Corrects is the report that this one corrects, or "".
	Corrects string
	// Completes says that its flow keeps what was left in part: a partial row of this
	// very run may be there already, and becomes whole.
	Completes bool
	// Also is what the same transaction keeps; nil: nothing.
	Also *Also
}

// Also is what a run may leave beside its row.
type Also struct {
	Language  string    // of a contact whose language the record may not have yet
	LastPlace string    // offered first the next time
	AskAgain  time.Time // when to ask about it once more; zero: never
	// NumberUntil is until when her number is kept, with her consent; zero: she gave
	// none. Number is it, sealed; nil where it is kept already, as of an SMS.
	NumberUntil time.Time
	Number      []byte
}

// Captured says what a commit found. Content is that of the first time.
type Captured struct {
	Fresh       bool
	RunID       string
	ContentHMAC []byte
}

// captureSubmission is one statement, so that it commits as a whole in one trip.
// Meeting a run that is there already it still writes (seen): an answer "already
// stored" is then as durable as the first (reliability.md fact 4).
const captureSubmission = `
with %s
	insert into identity as i (key, run_id, content_hmac, first_seen) values ($1, $2, $3, $4)
	on conflict (key) do update set seen = i.seen + 1%s
	returning i.seen = 1 as fresh, i.run_id, i.content_hmac
), hop as (
	insert into identity as i (key, run_id, content_hmac, first_seen)
	select $5, id.run_id, id.content_hmac, $4 from id
	on conflict (key) do update set seen = i.seen + 1
), draft_gone as (
	update draft set sealed = null, run_id = null, version = greatest(version, $6) where contact = $7 and channel = $8 and medium = $9
), %s
select fresh, run_id::text, content_hmac from id`

const insertSubmission = `row as (
	insert into submission (id, kind, level, reference, contact, channel, medium, language, project, place, region, grp,
		answers, sealed, confirmed, partial, altered, synthetic, sent_at, received_at, corrects)
	select $2, $10, $11, $12, $7, $8, $9, $13, $14, $15, $16, $17, $18::jsonb, $19, $20, $21, $22, $23, $24, $4, $25::uuid
	from id where fresh
)`

const insertConfidential = `row as (
	insert into confidential (id, contact, reference, sealed, received_at)
	select $2, $7, $10, $11, $4 from id where fresh
)`

// completePartial makes a run whole that was left in part and is finished after
// all: her last hop was under way when she dialled again, or came when her draft had
// ended. What staff have raised to another level meanwhile stays as it is.
const completePartial = `whole as (
	update submission set answers = $18::jsonb, sealed = $19, language = $13, project = $14, place = $15, region = $16, grp = $17,
		confirmed = $20, partial = $21, altered = altered or $22, synthetic = $23, sent_at = $24, received_at = $4, corrects = $25::uuid
	where id = $2 and contact = $7 and level = $11 and kind = $10 and partial returning 1
), id as (`

var (
	captureSubmissionSQL   = fmt.Sprintf(captureSubmission, "id as (", "", insertSubmission)
	captureConfidentialSQL = fmt.Sprintf(captureSubmission, "id as (", "", insertConfidential)
	captureWholeSQL        = fmt.Sprintf(captureSubmission, completePartial,
		", content_hmac = case when exists (select from whole) then excluded.content_hmac else i.content_hmac end", insertSubmission)
)

// Capture commits a finished run: its identity, the hop's, the row, and the end
// of its draft. The same run again changes nothing but the count of times seen.
//
// An error that IsUnknown says that the commit may or may not have happened:
// commit the very same run again.
func (s *Store) Capture(ctx context.Context, r Run) (Captured, error) {
	return s.capture(ctx, s.pool, r)
}

type querier interface {
	QueryRow(ctx context.Context, sql string, args ...any) pgx.Row
	SendBatch(ctx context.Context, b *pgx.Batch) pgx.BatchResults
}

func (s *Store) capture(ctx context.Context, q querier, r Run) (Captured, error) {
	sub := r.Submission
	args := []any{r.RunKey, sub.ID, r.ContentHMAC, sub.ReceivedAt, r.HopKey, int64(r.DraftVersion), r.Contact, sub.Channel, sub.Medium}
	query := captureConfidentialSQL
	if sub.Level == programme.L3 {
		args = append(args, string(sub.Reference), r.Sealed)
	} else {
		answers, err := json.Marshal(sub.Answers)
		if err != nil {
			return Captured{}, fmt.Errorf("writing a run's answers: %w", err)
		}
		if query = captureSubmissionSQL; r.Completes && !sub.Partial {
			query = captureWholeSQL
		}
		args = append(args, sub.Kind, sub.Level, string(sub.Reference), sub.Language, sub.Project, sub.Place, sub.Region, sub.Group,
			answers, r.Sealed, sub.Confirmed, sub.Partial, r.Altered, sub.Synthetic, orNull(sub.SentAt), orNone(r.Corrects))
	}
	var c Captured
	if m := markOf(ctx); r.Also != nil || m != nil {
		// One batch is one transaction, and one trip.
		b := &pgx.Batch{}
		b.Queue(query, args...)
		if r.Also != nil {
			r.Also.queue(b, r)
		}
		if m != nil {
			b.Queue(putMark, m.Node, int64(m.Number))
		}
		results := q.SendBatch(ctx, b)
		err := results.QueryRow().Scan(&c.Fresh, &c.RunID, &c.ContentHMAC)
		if closed := results.Close(); err == nil {
			err = closed // the commit is known only here
		}
		if err != nil {
			return Captured{}, fmt.Errorf("committing a run: %w", err)
		}
		return c, nil
	}
	if err := q.QueryRow(ctx, query, args...).Scan(&c.Fresh, &c.RunID, &c.ContentHMAC); err != nil {
		return Captured{}, fmt.Errorf("committing a run: %w", err)
	}
	return c, nil
}

func (a *Also) queue(b *pgx.Batch, r Run) {
	sub := r.Submission
	if a.Language != "" || a.LastPlace != "" {
		b.Queue(`
insert into contact as c (id, language, seen_at, created_at, last_place) values ($1, $2, $3, $3, $4)
on conflict (id) do update set seen_at = greatest(c.seen_at, excluded.seen_at),
	language = case when excluded.language = '' then c.language else excluded.language end,
	last_place = case when excluded.last_place = '' then c.last_place else excluded.last_place end`, r.Contact, a.Language, sub.ReceivedAt, a.LastPlace)
	}
	if !a.NumberUntil.IsZero() {
		queueConsent(b, r.Contact, a.Number, a.NumberUntil)
	}
	if !a.AskAgain.IsZero() && sub.Level == programme.L1 {
		b.Queue(`
insert into followup (submission_id, contact, channel, due_at)
select id, $2, $3, $4 from submission where id = $1
on conflict do nothing`, sub.ID, r.Contact, sub.Channel, a.AskAgain)
	}
}

func orNone(id string) *string {
	if id == "" {
		return nil
	}
	return &id
}

// IsUnknown reports whether an error leaves open if a commit happened: a
// time-out, a closed connection, or the server going down. Anything that is
// surely not committed may be tried again just the same, since the run's id
// makes the second time harmless.
func IsUnknown(err error) bool {
	if err == nil {
		return false
	}
	var pg *pgconn.PgError
	if errors.As(err, &pg) {
		switch pg.Code[:2] {
		case "08", "40", "53", "55", "57":
			return true
		}
		return false
	}
	return true
}

func orNull(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}

// RunOfHop gives the run that a hop finished, or ErrNotFound.
func (s *Store) RunOfHop(ctx context.Context, hopKey []byte) (string, error) {
	var id string
	err := s.pool.QueryRow(ctx, `select run_id::text from identity where key = $1`, hopKey).Scan(&id)
	if err != nil {
		return "", fmt.Errorf("looking for the run of a hop: %w", notFound(err))
	}
	return id, nil
}

// StatusByReference gives the status of what a contact said, by its reference.
// What is confidential stands as new for ever: nothing about it is told by phone.
func (s *Store) StatusByReference(ctx context.Context, contact []byte, ref programme.Reference) (programme.Status, error) {
	const query = `
select status from submission where contact = $1 and reference = $2
union all
select 'new' from confidential where contact = $1 and reference = $2
limit 1`
	var st programme.Status
	if err := s.pool.QueryRow(ctx, query, contact, string(ref)).Scan(&st); err != nil {
		return "", fmt.Errorf("looking up a reference: %w", notFound(err))
	}
	return st, nil
}
