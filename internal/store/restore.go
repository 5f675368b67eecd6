package store

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"lafia/internal/audit"
	"lafia/internal/job"
)

// Beat raises the count of signs of life, and gives it. It has been committed: a
// record whose count is lower later is an older one.
func (s *Store) Beat(ctx context.Context) (int64, error) {
	var n int64
	if err := s.pool.QueryRow(ctx, `update life set beat = beat + 1 returning beat`).Scan(&n); err != nil {
		return 0, fmt.Errorf("counting a sign of life: %w", err)
	}
	return n, nil
}

// Life is what the record says of itself.
type Life struct {
	Beat int64
	// Held is since when nothing is sent because a backup was restored; zero: it is.
	Held time.Time
	// Backup is about when that backup was taken.
	Backup time.Time
	// Erasures counts those that are done, and LastErasure is when the latest was.
	Erasures    int
	LastErasure time.Time
}

// Life gives what the record says of itself.
func (s *Store) Life(ctx context.Context) (Life, error) {
	var l Life
	var held, backup, last *time.Time
	err := s.pool.QueryRow(ctx, `
select beat, noticed_at, backup_at, e.n, e.last
from life left join restore on confirmed_at is null,
	(select count(*)::int as n, max(done_at) as last from erasure where done_at is not null) e`).Scan(&l.Beat, &held, &backup, &l.Erasures, &last)
	if err != nil {
		return l, fmt.Errorf("asking the record how old it is: %w", err)
	}
	if held != nil {
		l.Held, l.Backup = *held, *backup
	}
	if last != nil {
		l.LastErasure = *last
	}
	return l, nil
}

// Stranger reports whether a gateway has never been seen in a record that others have
// been at work in, none of them since a moment.
func (s *Store) Stranger(ctx context.Context, node string, since time.Time) (bool, error) {
	var is bool
	err := s.pool.QueryRow(ctx, `
select (select beat > 0 from life) and not exists (select from node where id::text = $1 or beat_at > $2)`, node, since).Scan(&is)
	if err != nil {
		return false, fmt.Errorf("asking who has been at work in the record: %w", err)
	}
	return is, nil
}

// Noticed is what a gateway knows that finds an older record than it remembers.
type Noticed struct {
	Node    string
	Known   int64     // the count that it remembers; 0: it remembers nothing
	KnownAt time.Time // when it was at that
	At      time.Time
}

// NoticeRestore holds everything that is sent, until a person has confirmed. Noticed
// again, it stands.
func (s *Store) NoticeRestore(ctx context.Context, n Noticed) error {
	_, err := s.pool.Exec(ctx, `
insert into restore as r (noticed_at, node, backup_at, known, known_at, outbound, inbound)
select $1, $2::text::uuid, coalesce((select max(beat_at) from node where beat_at <= $4), $1), $3, $4,
	coalesce((select max(n) from outbound), 0), coalesce((select max(n) from inbound), 0)
on conflict ((true)) where confirmed_at is null do update set known = greatest(r.known, excluded.known), known_at = greatest(r.known_at, excluded.known_at)`,
		n.At, n.Node, n.Known, n.KnownAt)
	if err != nil {
		return fmt.Errorf("noting that a backup was restored: %w", err)
	}
	return nil
}

// Restore is a restore that waits for a person.
type Restore struct {
	NoticedAt time.Time
	Node      string    // the gateway that noticed
	BackupAt  time.Time // about when it was taken
	Known     int64     // 0: no gateway remembers the record of before
	KnownAt   time.Time // until when that was seen
	// Doubtful is what was queued in the backup and may have been sent since, by class;
	// Queued is what else waits.
	Doubtful, Queued map[string]int
	// Followups is how many people may have been asked again since.
	Followups int
	beat      int64
	outbound  int64
	inbound   int64
}

// doubtful tells of a message to send o that it may have gone out between the backup and
// its restore: it was queued in it, or answers what had come in by then. $1 and $2 are
// the numbers of the latest of these, $3 until when the record of before was seen.
const doubtful = `o.state = 'queued' and (o.n <= $1 and o.created_at <= $3
	or o.inbound_id in (select i.id from inbound i where i.n <= $2 and i.received_at <= $3))`

// askedSince tells of a follow-up that it may have been asked between the backup, $1,
// and $2.
const askedSince = `sent_at is null and due_at between $1::timestamptz - interval '2 minutes' and $2`

// OpenRestore gives the restore that waits for a person; ErrNotFound: none does.
func (s *Store) OpenRestore(ctx context.Context) (Restore, error) {
	var r Restore
	err := pgx.BeginTxFunc(ctx, s.pool, pgx.TxOptions{AccessMode: pgx.ReadOnly}, func(tx pgx.Tx) (err error) {
		r, err = openRestore(ctx, tx, "")
		return err
	})
	if err != nil {
		return r, fmt.Errorf("reading what was restored: %w", err)
	}
	return r, nil
}

func openRestore(ctx context.Context, tx pgx.Tx, lock string) (Restore, error) {
	r := Restore{Doubtful: map[string]int{}, Queued: map[string]int{}}
	err := tx.QueryRow(ctx, `
select noticed_at, node::text, backup_at, known, known_at, outbound, inbound, (select beat from life) from restore where confirmed_at is null`+lock).
		Scan(&r.NoticedAt, &r.Node, &r.BackupAt, &r.Known, &r.KnownAt, &r.outbound, &r.inbound, &r.beat)
	if err != nil {
		return r, notFound(err)
	}
	rows, err := tx.Query(ctx, `select o.class, `+doubtful+`, count(*)::int from outbound o where o.state = 'queued' group by 1, 2`, r.outbound, r.inbound, r.KnownAt)
	if err != nil {
		return r, err
	}
	var class string
	var maybe bool
	var n int
	if _, err := pgx.ForEachRow(rows, []any{&class, &maybe, &n}, func() error {
		if maybe && onceAtMost(class) {
			r.Doubtful[class] += n
		} else {
			r.Queued[class] += n
		}
		return nil
	}); err != nil {
		return r, err
	}
	return r, tx.QueryRow(ctx, `select count(*)::int from followup where `+askedSince, r.BackupAt, r.KnownAt).Scan(&r.Followups)
}

func onceAtMost(class string) bool {
	c, ok := job.ClassNamed(class)
	return ok && c.Tries == 1
}

// MaySince is why a message is in doubt that was queued in a backup.
const MaySince = "a backup was restored: it may have been sent since that was taken"

// RestoreConfirmation is a person's word that what was restored may send again.
type RestoreConfirmation struct {
	Actor string
	At    time.Time
	Act   audit.Draft
}

// ConfirmRestore lets sends go on. What may have been sent since the backup, and may go
// out once at the most, is in doubt from then on and does not go out by itself. The
// count of signs of life goes beyond all that any gateway remembers. ErrNotFound:
// nothing waits for it.
func (s *Store) ConfirmRestore(ctx context.Context, c RestoreConfirmation) (Restore, error) {
	var r Restore
	var moved []Moved
	err := s.inTx(ctx, "confirming a restore", func(tx pgx.Tx) error {
		var err error
		if r, err = openRestore(ctx, tx, " for update"); err != nil {
			return err
		}
		var once []string
		for _, name := range job.ClassNames() {
			if onceAtMost(name) {
				once = append(once, name)
			}
		}
		rows, err := tx.Query(ctx, `
update outbound o set state = 'ambiguous', reason = '`+MaySince+`', changed_at = $4 where o.class = any($5) and `+doubtful+` returning channel, class, operator, state`,
			r.outbound, r.inbound, r.KnownAt, c.At, once)
		if err != nil {
			return err
		}
		if moved, err = pgx.CollectRows(rows, pgx.RowToStructByPos[Moved]); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, `update followup set sent_at = $3 where `+askedSince, r.BackupAt, r.KnownAt, c.At); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, `update life set beat = (greatest(beat, $1) / $2 + 1) * $2`, r.Known, turn); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, `update restore set confirmed_at = $1, actor = $2 where confirmed_at is null`, c.At, c.Actor); err != nil {
			return err
		}
		c.Act.Count = len(moved)
		return audited(ctx, tx, c.Act)
	})
	for i := range moved {
		s.tell(err, &moved[i])
	}
	return r, err
}

// turn is how many signs of life a record may give between two restores: a gateway
// gives at most two a second, so these are more than ten years of ten gateways.
const turn = 10_000_000_000
