package store

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/jackc/pgx/v5"

	"lafia/internal/audit"
)

// WrongKeys lists which of the keys that this database was written with are
// other ones, or missing, among those given by their check values. A database
// without any notes them all; later an office key is noted by UseOfficeKey alone.
func (s *Store) WrongKeys(ctx context.Context, checks map[string][]byte) ([]string, error) {
	var wrong []string
	err := s.inTx(ctx, "comparing the keys with the database's", func(tx pgx.Tx) error {
		rows, err := tx.Query(ctx, `select name, value from key_check for update`)
		if err != nil {
			return err
		}
		known := map[string][]byte{}
		var name string
		var value []byte
		if _, err := pgx.ForEachRow(rows, []any{&name, &value}, func() error { known[name] = bytes.Clone(value); return nil }); err != nil {
			return err
		}
		for _, name := range slices.Sorted(maps.Keys(known)) {
			switch check, there := checks[name]; {
			case !there:
				wrong = append(wrong, fmt.Sprintf("%s.key is missing", name))
			case !bytes.Equal(check, known[name]):
				wrong = append(wrong, fmt.Sprintf("%s.key is another key", name))
			}
		}
		if len(known) > 0 {
			return nil
		}
		for name, check := range checks {
			if _, err := tx.Exec(ctx, `insert into key_check (name, value) values ($1, $2) on conflict do nothing`, name, check); err != nil {
				return err
			}
		}
		return nil
	})
	return wrong, err
}

// OfficeKey gives the number and the check value of the office key that everything
// is to be sealed under; 0 where no gateway has started yet.
func (s *Store) OfficeKey(ctx context.Context) (n int, check []byte, err error) {
	err = s.pool.QueryRow(ctx, `
select substring(name from '[0-9]+$')::int, value from key_check where name ~ '^office-[0-9]+$' order by 1 desc limit 1`).Scan(&n, &check)
	if err != nil && !errors.Is(err, pgx.ErrNoRows) {
		return 0, nil, fmt.Errorf("asking for the office key in use: %w", err)
	}
	return n, check, nil
}

// RunningNodes lists the gateways that have not stopped, those that died among them,
// the silent ones first.
func (s *Store) RunningNodes(ctx context.Context) ([]Node, error) {
	nodes, err := runningNodes(ctx, s.pool)
	if err != nil {
		return nil, fmt.Errorf("looking for running gateways: %w", err)
	}
	return nodes, nil
}

func runningNodes(ctx context.Context, q interface {
	Query(ctx context.Context, query string, args ...any) (pgx.Rows, error)
}) ([]Node, error) {
	rows, err := q.Query(ctx, `select id::text, beat_at, spooled, keys, sealing from node where stopped_at is null order by beat_at, id`)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (n Node, err error) {
		err = row.Scan(&n.ID, &n.BeatAt, &n.Spooled, &n.Keys, &n.Sealing)
		return n, err
	})
}

// Holds reports whether a gateway holds the office key of a check value.
func (n Node) Holds(check []byte) bool {
	return slices.ContainsFunc(n.Keys, func(k []byte) bool { return bytes.Equal(k, check) })
}

// ErrKeyTaken is in the error of using an office key whose number another one has.
var ErrKeyTaken = errors.New("another office key has this number")

// UseOfficeKey makes an office key, by its name and check value, the one that
// everything is sealed under from now on. Nothing is done, and those that lack it are
// given, unless every gateway that has not stopped holds it: one that starts meanwhile finds it in
// OfficeKey once its row is there.
func (s *Store) UseOfficeKey(ctx context.Context, name string, check []byte, act audit.Draft) (lacking []Node, err error) {
	err = s.inTx(ctx, "taking an office key into use", func(tx pgx.Tx) error {
		// No gateway starts, and none forgets a key, until this is done.
		if _, err := tx.Exec(ctx, `lock table node in share mode`); err != nil {
			return err
		}
		nodes, err := runningNodes(ctx, tx)
		if err != nil {
			return err
		}
		if lacking = slices.DeleteFunc(nodes, func(n Node) bool { return n.Holds(check) }); len(lacking) > 0 {
			return nil
		}
		tag, err := tx.Exec(ctx, `insert into key_check (name, value) values ($1, $2) on conflict do nothing`, name, check)
		switch {
		case err != nil:
			return err
		case tag.RowsAffected() == 0:
			return fmt.Errorf("%w: %s", ErrKeyTaken, name)
		}
		return audited(ctx, tx, act)
	})
	return lacking, err
}
