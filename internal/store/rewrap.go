package store

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/jackc/pgx/v5"
)

// sealedColumn is a column that holds what is sealed under an office key.
type sealedColumn struct {
	kind, table, column string
	key                 string // a unique column that it is gone through by
	before              any    // before every key
	bound, of           string // what a seal is bound to: a word, and a column behind it
	fixed               bool   // it cannot be written again
}

// sealedColumns is everything that is sealed under an office key. A test compares it
// with all columns of the database.
var sealedColumns = []sealedColumn{
	{kind: "numbers", table: "number", column: "sealed", key: "contact", before: []byte{}, bound: "number/", of: "contact"},
	{kind: "words of messages", table: "submission", column: "sealed", key: "n", before: int64(0), bound: "submission/", of: "id"},
	{kind: "notes of staff", table: "submission_event", column: "sealed_note", key: "n", before: int64(0), bound: "note/", of: "submission_id"},
	{kind: "answers", table: "answer", column: "sealed", key: "n", before: int64(0), bound: "answer/", of: "submission_id"},
	{kind: "SMS that went out", table: "outbound", column: "sealed", key: "n", before: int64(0), bound: "outbound/", of: "id"},
	{kind: "announcements", table: "broadcast", column: "sealed", key: "n", before: int64(0), bound: "broadcast/", of: "id"},
	{kind: "keys of a day's SMS", table: "inbox_key", column: "wrapped", key: "day::text", before: "", bound: "inbox-key/", of: "day"},
	{kind: "unreadable requests", table: "unreadable", column: "sealed", key: "n", before: int64(0), bound: "unreadable/", of: "channel"},
	{kind: "reasons of the audit", table: "audit", column: "reason", key: "seq", before: int64(0), fixed: true},
}

// under is the number of the office key that a column's value is sealed under, null for
// nothing. One byte of a long value is read.
func (c sealedColumn) under() string {
	return fmt.Sprintf("case when length(%[1]s) > 0 then get_byte(substring(%[1]s from 1 for 1), 0) end", c.column)
}

// boundTo is what a row's seal is bound to, behind the word.
func (c sealedColumn) boundTo() string {
	if c.of == "contact" {
		return c.of
	}
	return "convert_to(" + c.of + "::text, 'UTF8')"
}

// SealedUnder is how much of one kind is sealed under an office key.
type SealedUnder struct {
	Kind  string
	Key   int // its number
	Count int
	Fixed bool // it cannot be written again
}

// window is how many rows one statement goes through: what is rewrapped is few and far
// between when a rotation goes on, and a statement has 15 s.
const window = 2000

// SealedUnder counts what is sealed under each office key. It goes through the whole
// record, in short statements.
func (s *Store) SealedUnder(ctx context.Context) ([]SealedUnder, error) {
	var out []SealedUnder
	for _, c := range sealedColumns {
		query := fmt.Sprintf("select %[1]s, %[2]s from %[3]s where %[1]s > $1 order by %[1]s limit %[4]d", c.key, c.under(), c.table, window)
		counts := map[int]int{}
		for last := c.before; last != nil; {
			rows, err := s.pool.Query(ctx, query, last)
			if err != nil {
				return nil, fmt.Errorf("counting what is sealed, %s: %w", c.kind, err)
			}
			last = nil
			var key any
			var under *int
			if _, err := pgx.ForEachRow(rows, []any{&key, &under}, func() error {
				last = key
				if under != nil {
					counts[*under]++
				}
				return nil
			}); err != nil {
				return nil, fmt.Errorf("counting what is sealed, %s: %w", c.kind, err)
			}
		}
		for n := range 256 {
			if counts[n] > 0 {
				out = append(out, SealedUnder{c.kind, n, counts[n], c.fixed})
			}
		}
	}
	return out, nil
}

// rewrapBatch is how many rows one transaction changes: hops wait for it.
const rewrapBatch = 200

// Rewrap goes through everything that is sealed under another office key than the one
// of a number, and puts in its place what again makes of it, told what it is bound to. A
// row that changes meanwhile, is in another's hands or cannot be opened stays as it
// is. It gives how many were rewrapped, by their kind, also with an error; it may be
// stopped anywhere and called again.
func (s *Store) Rewrap(ctx context.Context, office int, again func(sealed []byte, bound string) ([]byte, error)) (map[string]int, error) {
	done := map[string]int{}
	for _, c := range sealedColumns {
		if c.fixed {
			continue
		}
		n, err := s.rewrap(ctx, c, office, again)
		if n > 0 {
			done[c.kind] = n
		}
		if err != nil {
			return done, fmt.Errorf("rewrapping %s: %w", c.kind, err)
		}
	}
	return done, nil
}

func (s *Store) rewrap(ctx context.Context, c sealedColumn, office int, again func(sealed []byte, bound string) ([]byte, error)) (n int, err error) {
	query := fmt.Sprintf("select %[1]s, case when %[2]s <> $2 then %[3]s end, %[4]s from %[5]s where %[1]s > $1 order by %[1]s limit %[6]d",
		c.key, c.under(), c.column, c.boundTo(), c.table, window)
	for last := c.before; last != nil; {
		rows, err := s.pool.Query(ctx, query, last, office)
		if err != nil {
			return n, err
		}
		last = nil
		var old, fresh [][]byte
		var keys []any
		var key any
		var sealed, bound []byte
		if _, err := pgx.ForEachRow(rows, []any{&key, &sealed, &bound}, func() error {
			last = key
			if sealed == nil {
				return nil
			}
			b, err := again(sealed, c.bound+string(bound))
			if err != nil {
				return nil // SealedUnder shows that it is left
			}
			keys, old, fresh = append(keys, key), append(old, slices.Clone(sealed)), append(fresh, b)
			return nil
		}); err != nil {
			return n, err
		}
		for len(keys) > 0 {
			size := min(len(keys), rewrapBatch)
			m, err := s.replace(ctx, c, keys[:size], old[:size], fresh[:size])
			if n += m; err != nil {
				return n, err
			}
			keys, old, fresh = keys[size:], old[size:], fresh[size:]
		}
	}
	return n, nil
}

// replace puts new values in the place of those that are still the old ones. It waits
// for nobody: who waits for it could hold what it needs.
func (s *Store) replace(ctx context.Context, c sealedColumn, keys []any, old, fresh [][]byte) (int, error) {
	typed, kind := typedKeys(keys)
	tag, err := s.pool.Exec(ctx, fmt.Sprintf(`
with mine as (
	select u.key, u.old, u.fresh from %[1]s t join unnest($1::%[4]s[], $2::bytea[], $3::bytea[]) as u(key, old, fresh)
		on t.%[3]s = u.key and t.%[2]s = u.old
	for update of t skip locked
)
update %[1]s t set %[2]s = mine.fresh from mine where t.%[3]s = mine.key and t.%[2]s = mine.old`, c.table, c.column, c.key, kind), typed, old, fresh)
	return int(tag.RowsAffected()), err
}

// typedKeys gives keys as an array that PostgreSQL takes, and its type.
func typedKeys(keys []any) (any, string) {
	switch keys[0].(type) {
	case []byte:
		return typed[[]byte](keys), "bytea"
	case string:
		return typed[string](keys), "text"
	}
	return typed[int64](keys), "bigint"
}

func typed[T any](keys []any) []T {
	out := make([]T, len(keys))
	for i, k := range keys {
		out[i] = k.(T)
	}
	return out
}

// rotationLock is the number of the advisory lock that a rotation holds.
const rotationLock = 0x6c61666b // "lafk"

// ErrRotating is in the error of a rotation while another one is under way.
var ErrRotating = errors.New("another rotation is under way")

// WhileRotating runs f while no other rotation of this database runs.
func (s *Store) WhileRotating(ctx context.Context, f func() error) error {
	conn, err := s.pool.Acquire(ctx)
	if err != nil {
		return fmt.Errorf("reaching PostgreSQL: %w", err)
	}
	defer conn.Release()
	var mine bool
	if err := conn.QueryRow(ctx, `select pg_try_advisory_lock($1)`, rotationLock).Scan(&mine); err != nil {
		return fmt.Errorf("looking for another rotation: %w", err)
	}
	if !mine {
		return ErrRotating
	}
	defer func() { _, _ = conn.Exec(context.WithoutCancel(ctx), `select pg_advisory_unlock($1)`, rotationLock) }()
	return f()
}
