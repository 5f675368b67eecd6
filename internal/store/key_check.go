package store

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/jackc/pgx/v5"
)

// WrongKeys lists which of the keys that this database was written with are
// other ones, or missing, among those given by their check values. Keys that it
// does not know yet are noted.
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
		if len(wrong) > 0 {
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
