package store

import (
	"context"
	"strings"

	"github.com/jackc/pgx/v5"
)

// UnhandledForTest lists the ids of messages that wait to be handled.
func (s *Store) UnhandledForTest(ctx context.Context) ([]string, error) {
	rows, err := s.pool.Query(ctx, `select id::text from inbound where handled_at is null order by n`)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowTo[string])
}

// OutboundForTest lists what is queued, oldest first.
func (s *Store) OutboundForTest(ctx context.Context) ([]Outbound, error) {
	rows, err := s.pool.Query(ctx, `select id::text, contact, channel, class, sealed, state, null::bytea from outbound order by n`)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowToStructByPos[Outbound])
}

// DumpForTest gives every row of every table as text.
func (s *Store) DumpForTest(ctx context.Context) (string, error) {
	rows, err := s.pool.Query(ctx, `select tablename::text from pg_tables where schemaname = 'public' order by 1`)
	if err != nil {
		return "", err
	}
	tables, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return "", err
	}
	var b strings.Builder
	for _, t := range tables {
		rows, err := s.pool.Query(ctx, `select x::text from `+pgx.Identifier{t}.Sanitize()+` x`)
		if err != nil {
			return "", err
		}
		lines, err := pgx.CollectRows(rows, pgx.RowTo[string])
		if err != nil {
			return "", err
		}
		b.WriteString(t + "\n" + strings.Join(lines, "\n") + "\n")
	}
	return b.String(), nil
}
