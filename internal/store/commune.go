package store

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"lafia/internal/audit"
	"lafia/internal/staff"
)

// inClosed is a condition on a contact, by the column that holds her: her group's
// commune is closed, or the one of her latest report.
func inClosed(contact string) string {
	return `exists (select from closed_commune k where k.pcode in (select g.place from leader l join grp g on g.code = l.grp where l.contact = ` + contact + `)
		or k.pcode = (select s.place from submission s where s.contact = ` + contact + ` order by s.n desc limit 1))`
}

// PutClosing closes a commune: from its commit on no attempt is begun to send into
// it what the class of a message does not let go there. fresh is false where it is
// closed already, which changes nothing and is no act.
func (s *Store) PutClosing(ctx context.Context, pcode string, now time.Time, act audit.Draft) (fresh bool, err error) {
	err = s.inTx(ctx, "closing a commune", func(tx pgx.Tx) error {
		tag, err := tx.Exec(ctx, `insert into closed_commune (pcode, at, actor) values ($1, $2, $3) on conflict do nothing`, pcode, now, act.Actor)
		if err != nil || tag.RowsAffected() == 0 {
			return err
		}
		fresh = true
		return audited(ctx, tx, act)
	})
	return err == nil && fresh, err
}

// DropClosing opens a commune again. What was not sent meanwhile is not sent later.
// fresh is false where it is open already, which is no act.
func (s *Store) DropClosing(ctx context.Context, pcode string, act audit.Draft) (fresh bool, err error) {
	err = s.inTx(ctx, "opening a commune", func(tx pgx.Tx) error {
		tag, err := tx.Exec(ctx, `delete from closed_commune where pcode = $1`, pcode)
		if err != nil || tag.RowsAffected() == 0 {
			return err
		}
		fresh = true
		return audited(ctx, tx, act)
	})
	return err == nil && fresh, err
}

// Closing is a commune that is closed.
type Closing struct {
	PCode  string
	Name   string // "": the gazetteer does not have it any more
	Cercle string // its name
	At     time.Time
	Actor  string // as the audit has it; "": nobody wrote who
	Staff  string // the account's name; "": it was none
}

// Closings lists the closed communes of a scope's regions, by name.
func (s *Store) Closings(ctx context.Context, scope staff.Scope) ([]Closing, error) {
	rows, err := s.pool.Query(ctx, `
select k.pcode, coalesce(p.name, ''), coalesce(c.name, ''), k.at, k.actor, coalesce(w.name, '')
from closed_commune k left join place p on p.pcode = k.pcode left join place c on c.pcode = p.parent left join staff w on w.id::text = k.actor
where cardinality($1::text[]) = 0 or left(k.pcode, 4) = any($1) order by p.name, k.pcode`, append([]string{}, scope.Regions...))
	if err != nil {
		return nil, fmt.Errorf("listing closed communes: %w", err)
	}
	out, err := pgx.CollectRows(rows, pgx.RowToStructByPos[Closing])
	if err != nil {
		return nil, fmt.Errorf("listing closed communes: %w", err)
	}
	return out, nil
}
