// Package storetest looks into the record the way no part of the program does,
// for tests.
package storetest

import (
	"context"
	"strings"

	"github.com/jackc/pgx/v5"

	"lafia/internal/store"
)

// Unhandled lists the ids of messages that wait to be handled.
func Unhandled(ctx context.Context, s *store.Store) ([]string, error) {
	rows, err := s.Pool().Query(ctx, `select id::text from inbound where handled_at is null order by n`)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowTo[string])
}

// Outbound lists what is queued, oldest first.
func Outbound(ctx context.Context, s *store.Store) ([]store.Outbound, error) {
	rows, err := s.Pool().Query(ctx, `
select id::text, contact, channel, class, sealed, state, null::bytea, purpose, origin <> '', created_at from outbound order by n`)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowToStructByPos[store.Outbound])
}

// Dump gives every row of every table as text.
func Dump(ctx context.Context, s *store.Store) (string, error) {
	rows, err := s.Pool().Query(ctx, `select tablename::text from pg_tables where schemaname = 'public' order by 1`)
	if err != nil {
		return "", err
	}
	tables, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return "", err
	}
	var b strings.Builder
	for _, t := range tables {
		rows, err := s.Pool().Query(ctx, `select x::text from `+pgx.Identifier{t}.Sanitize()+` x`)
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
