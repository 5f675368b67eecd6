package store

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"lafia/internal/audit"
	"lafia/internal/programme"
	"lafia/internal/staff"
)

// Audit writes an entry that stands for itself: of reading, which is shown only
// when this has returned without an error.
func (s *Store) Audit(ctx context.Context, d audit.Draft) error {
	step, known, err := d.Known()
	if err != nil {
		return fmt.Errorf("writing the audit: %w", err)
	}
	if known {
		taken, err := takeStep(ctx, s.pool, step)
		if err != nil {
			return fmt.Errorf("writing the audit: %w", err)
		}
		if taken {
			d.Written(step)
			return nil
		}
	}
	return s.inTx(ctx, "writing the audit", func(tx pgx.Tx) error { return askAndStep(ctx, tx, d) })
}

// audited writes the entry of an act into its transaction. It comes last: from here
// until the transaction ends, every other act waits.
func audited(ctx context.Context, tx pgx.Tx, d audit.Draft) error {
	step, known, err := d.Known()
	if err != nil {
		return err
	}
	if known {
		if taken, err := takeStep(ctx, tx, step); err != nil || taken {
			if taken {
				d.Written(step)
			}
			return err
		}
	}
	return askAndStep(ctx, tx, d)
}

// askAndStep locks the end of the chain, and writes the entry behind it.
func askAndStep(ctx context.Context, tx pgx.Tx, d audit.Draft) error {
	const ask = `select seq, mac, sealed, clock_timestamp() from audit_head for update`
	var (
		seq         int64
		mac, sealed []byte
		at          time.Time
	)
	err := tx.QueryRow(ctx, ask).Scan(&seq, &mac, &sealed, &at)
	if errors.Is(err, pgx.ErrNoRows) {
		if err = beginAudit(ctx, tx, d); err == nil {
			err = tx.QueryRow(ctx, ask).Scan(&seq, &mac, &sealed, &at)
		}
	}
	if err != nil {
		return err
	}
	step, err := d.Behind(seq, mac, sealed, at)
	if err != nil {
		return err
	}
	switch taken, err := takeStep(ctx, tx, step); {
	case err != nil:
		return err
	case !taken:
		return errors.New("the audit's end moved while it was locked")
	}
	d.Written(step)
	return nil
}

// beginAudit makes the row of the chain's end, unless another writer just did.
func beginAudit(ctx context.Context, tx pgx.Tx, d audit.Draft) error {
	start, sealed, err := d.Begin()
	if err != nil {
		return err
	}
	_, err = tx.Exec(ctx, `insert into audit_head (start, seq, mac, sealed) values ($1, 0, $1, $2) on conflict do nothing`, start.MAC, sealed)
	return err
}

type execer interface {
	Exec(ctx context.Context, sql string, args ...any) (pgconn.CommandTag, error)
}

// takeStep writes an entry if the chain still ends where it was made for, and its
// time is the database's: one statement.
func takeStep(ctx context.Context, to execer, s audit.Step) (taken bool, err error) {
	const step = `
with head as (
	update audit_head set seq = $1, mac = $9, sealed = $10
	where seq = $11 and mac = $12 and $2::timestamptz between clock_timestamp() - interval '5 s' and clock_timestamp() + interval '5 s'
	returning seq)
insert into audit (seq, at, actor, act, object, count, reason, details, mac) select $1, $2, $3, $4, $5, $6, $7, $8, $9 from head`
	tag, err := to.Exec(ctx, step, s.Seq, s.At, s.Actor, string(s.Act), s.Object, s.Count, s.Reason, s.Details, s.MAC, s.Sealed, s.Before.Seq, s.Before.MAC)
	return err == nil && tag.RowsAffected() == 1, err
}

const auditColumns = `seq, at, actor, act, object, count, reason, details, mac`

func scanEntry(row pgx.CollectableRow) (audit.Entry, error) {
	var e audit.Entry
	err := row.Scan(&e.Seq, &e.At, &e.Actor, &e.Act, &e.Object, &e.Count, &e.Reason, &e.Details, &e.MAC)
	return e, err
}

// auditPage bounds what a reading of the whole chain holds in memory.
const auditPage = 2000

// ReadAudit hands over the whole chain, in its order and as it lies, with its end as
// it is kept for the next writer and the sealed key of the next entry: all of one
// moment. Nothing was written yet where the end's Start is nil.
func (s *Store) ReadAudit(ctx context.Context, read func(entries iter.Seq2[audit.Entry, error], end audit.Kept, sealed []byte) error) error {
	moment := pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly}
	return pgx.BeginTxFunc(ctx, s.pool, moment, func(tx pgx.Tx) error {
		var end audit.Kept
		var sealed []byte
		err := tx.QueryRow(ctx, auditEnd).Scan(&end.Start, &end.Seq, &end.MAC, &sealed)
		if err != nil && !errors.Is(err, pgx.ErrNoRows) {
			return fmt.Errorf("reading the end of the audit: %w", err)
		}
		return read(auditEntries(ctx, tx), end, sealed)
	})
}

const auditEnd = `select start, seq, mac, sealed from audit_head`

// auditEntries ends at the first error.
func auditEntries(ctx context.Context, tx pgx.Tx) iter.Seq2[audit.Entry, error] {
	return func(yield func(audit.Entry, error) bool) {
		for after := int64(-1) << 62; ; {
			rows, err := tx.Query(ctx, `select `+auditColumns+` from audit where seq > $1 order by seq limit $2`, after, auditPage)
			var page []audit.Entry
			if err == nil {
				page, err = pgx.CollectRows(rows, scanEntry)
			}
			if err != nil {
				yield(audit.Entry{}, fmt.Errorf("reading the audit: %w", err))
				return
			}
			for _, e := range page {
				if !yield(e, nil) {
					return
				}
				after = e.Seq
			}
			if len(page) < auditPage {
				return
			}
		}
	}
}

// AuditBefore lists the newest entries below a number, newest first; 0 asks from the
// newest.
func (s *Store) AuditBefore(ctx context.Context, seq int64, limit int) ([]audit.Entry, error) {
	rows, err := s.pool.Query(ctx, `select `+auditColumns+` from audit where $1 = 0 or seq < $1 order by seq desc limit $2`, seq, limit)
	if err != nil {
		return nil, fmt.Errorf("reading the audit: %w", err)
	}
	list, err := pgx.CollectRows(rows, scanEntry)
	if err != nil {
		return nil, fmt.Errorf("reading the audit: %w", err)
	}
	return list, nil
}

// AuditEnd gives the end of the chain as it is kept for the next writer; its Start is
// nil where nothing was written yet.
func (s *Store) AuditEnd(ctx context.Context) (end audit.Kept, err error) {
	err = s.pool.QueryRow(ctx, auditEnd).Scan(&end.Start, &end.Seq, &end.MAC, nil)
	if err != nil && !errors.Is(err, pgx.ErrNoRows) {
		return audit.Kept{}, fmt.Errorf("reading the end of the audit: %w", err)
	}
	return end, nil
}

// ReferencesOf gives the references of those submissions of the scope that are among
// some ids.
func (s *Store) ReferencesOf(ctx context.Context, scope staff.Scope, ids []string) (map[string]programme.Reference, error) {
	q := scopedTo(scope)
	q.and("s.id = any(", ids, "::uuid[])")
	rows, err := s.pool.Query(ctx, `select s.id::text, s.reference from submission s where `+q.where.String(), q.args...)
	if err != nil {
		return nil, fmt.Errorf("reading references: %w", err)
	}
	of := map[string]programme.Reference{}
	var id string
	var ref programme.Reference
	if _, err := pgx.ForEachRow(rows, []any{&id, &ref}, func() error { of[id] = ref; return nil }); err != nil {
		return nil, fmt.Errorf("reading references: %w", err)
	}
	return of, nil
}
