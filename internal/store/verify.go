package store

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
)

// Readers for the checker (`lafia fakeaggregator --verify`), which compares a
// ledger of made-up callers with the record. They write nothing. They take no
// scope: what they give is sealed as it lies, and examples are left out.

// VerifiedRow is a submission with whose it is.
type VerifiedRow struct {
	SealedSubmission
	Contact []byte
}

// VerifiedConfidential is a confidential row.
type VerifiedConfidential struct {
	ID, Reference string
	Contact       []byte
	Sealed        []byte
	ReceivedAt    time.Time
}

// VerifiedIdentity is an entry of the table of identities.
type VerifiedIdentity struct {
	Key   []byte
	RunID string
	Seen  int
}

// VerifiedInbound is an SMS as it came.
type VerifiedInbound struct {
	ID, Channel string
	Contact     []byte
	SentAt      *time.Time
	ReceivedAt  time.Time
	HandledAt   *time.Time
}

// VerifiedOutbound is a message to send, with its attempts by their verdicts.
type VerifiedOutbound struct {
	ID, Channel, Class, Purpose, State string
	Contact, Sealed                    []byte
	CreatedAt, ChangedAt               time.Time
	Due                                bool // something will look for it
	Attempts                           []VerifiedAttempt
}

// VerifiedAttempt is one attempt to send.
type VerifiedAttempt struct {
	Verdict   string
	StartedAt time.Time
}

// VerifiedWish is what a contact last said to a purpose.
type VerifiedWish struct {
	Contact []byte
	Purpose string
	Given   bool
	At      time.Time
}

// VerifiedNode is a gateway, with what lies in its spool.
type VerifiedNode struct {
	ID      string
	Spooled int
	BeatAt  time.Time
	Stopped bool
}

// VerifySubmissions lists what arrived since a moment, oldest first.
func (s *Store) VerifySubmissions(ctx context.Context, since time.Time) ([]VerifiedRow, error) {
	return verified(ctx, s, `select s.contact, `+submissionColumns+` where not s.synthetic and s.received_at >= $1 order by s.n`, since,
		func(row pgx.CollectableRow) (VerifiedRow, error) {
			var v VerifiedRow
			r, err := scanSubmission(behind{row, &v.Contact})
			v.SealedSubmission = r
			return v, err
		})
}

// behind reads one column before those that a scan is for.
type behind struct {
	pgx.CollectableRow
	first any
}

// Scan reads the first column apart.
func (b behind) Scan(dest ...any) error {
	return b.CollectableRow.Scan(append([]any{b.first}, dest...)...)
}

// VerifyConfidential lists confidential rows since a moment.
func (s *Store) VerifyConfidential(ctx context.Context, since time.Time) ([]VerifiedConfidential, error) {
	return verified(ctx, s, `select id::text, reference::text, contact, sealed, received_at from confidential where received_at >= $1 order by n`, since,
		pgx.RowToStructByPos[VerifiedConfidential])
}

// VerifyIdentities lists identities first seen since a moment.
func (s *Store) VerifyIdentities(ctx context.Context, since time.Time) ([]VerifiedIdentity, error) {
	return verified(ctx, s, `select key, run_id::text, seen from identity where first_seen >= $1`, since, pgx.RowToStructByPos[VerifiedIdentity])
}

// VerifyInbound lists SMS received since a moment.
func (s *Store) VerifyInbound(ctx context.Context, since time.Time) ([]VerifiedInbound, error) {
	return verified(ctx, s, `select id::text, channel, contact, sent_at, received_at, handled_at from inbound where received_at >= $1 order by n`, since,
		pgx.RowToStructByPos[VerifiedInbound])
}

// VerifyOutbound lists messages to send made since a moment, with their attempts.
func (s *Store) VerifyOutbound(ctx context.Context, since time.Time) ([]VerifiedOutbound, error) {
	type attempt struct {
		ID        string
		Verdict   string
		StartedAt time.Time
	}
	attempts, err := verified(ctx, s, `
select a.outbound_id::text, a.verdict, a.started_at from attempt a join outbound o on o.id = a.outbound_id where o.created_at >= $1 order by a.n`, since,
		pgx.RowToStructByPos[attempt])
	if err != nil {
		return nil, err
	}
	of := map[string][]VerifiedAttempt{}
	for _, a := range attempts {
		of[a.ID] = append(of[a.ID], VerifiedAttempt{a.Verdict, a.StartedAt})
	}
	return verified(ctx, s, `
select id::text, channel, class, purpose, state, contact, sealed, created_at, changed_at, due_at is not null from outbound where created_at >= $1 order by n`, since,
		func(row pgx.CollectableRow) (VerifiedOutbound, error) {
			var v VerifiedOutbound
			err := row.Scan(&v.ID, &v.Channel, &v.Class, &v.Purpose, &v.State, &v.Contact, &v.Sealed, &v.CreatedAt, &v.ChangedAt, &v.Due)
			v.Attempts = of[v.ID]
			return v, err
		})
}

// VerifyWishes lists wishes said since a moment.
func (s *Store) VerifyWishes(ctx context.Context, since time.Time) ([]VerifiedWish, error) {
	return verified(ctx, s, `select contact, purpose, given, at from wish where at >= $1`, since, pgx.RowToStructByPos[VerifiedWish])
}

// VerifyKnown reports whether a contact has called before: her language is kept.
func (s *Store) VerifyKnown(ctx context.Context, contact []byte) (known bool, err error) {
	err = s.pool.QueryRow(ctx, `select exists (select from contact where id = $1 and language <> '')`, contact).Scan(&known)
	if err != nil {
		return false, fmt.Errorf("reading for the checker: %w", err)
	}
	return known, nil
}

// VerifyNodes lists gateways that gave a sign of life since a moment.
func (s *Store) VerifyNodes(ctx context.Context, since time.Time) ([]VerifiedNode, error) {
	return verified(ctx, s, `select id::text, spooled, beat_at, stopped_at is not null from node where beat_at >= $1`, since,
		pgx.RowToStructByPos[VerifiedNode])
}

// VerifyText hands over every row of every table, one by one, as text. It is how
// the checker looks for what must be nowhere.
func (s *Store) VerifyText(ctx context.Context, row func(table, text string)) error {
	rows, err := s.pool.Query(ctx, `select tablename::text from pg_tables where schemaname = 'public' order by 1`)
	if err != nil {
		return fmt.Errorf("listing tables: %w", err)
	}
	tables, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return fmt.Errorf("listing tables: %w", err)
	}
	for _, t := range tables {
		rows, err := s.pool.Query(ctx, `select x::text from `+pgx.Identifier{t}.Sanitize()+` x`)
		if err != nil {
			return fmt.Errorf("reading %s: %w", t, err)
		}
		var text string
		if _, err := pgx.ForEachRow(rows, []any{&text}, func() error { row(t, text); return nil }); err != nil {
			return fmt.Errorf("reading %s: %w", t, err)
		}
	}
	return nil
}

func verified[T any](ctx context.Context, s *Store, query string, since time.Time, read pgx.RowToFunc[T]) ([]T, error) {
	rows, err := s.pool.Query(ctx, query, since)
	if err != nil {
		return nil, fmt.Errorf("reading for the checker: %w", err)
	}
	out, err := pgx.CollectRows(rows, read)
	if err != nil {
		return nil, fmt.Errorf("reading for the checker: %w", err)
	}
	return out, nil
}
