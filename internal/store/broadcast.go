package store

import (
	"context"
	"encoding/binary"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"lafia/internal/audit"
	"lafia/internal/programme"
	"lafia/internal/staff"
)

// Audience narrows whom an announcement is for: who spoke of a project, or named a
// commune. Neither: everybody of the scope.
type Audience struct{ Project, Place string }

// Listener is somebody who asked for news and can be written to.
type Listener struct {
	Contact  []byte
	Number   []byte // sealed
	Language string // "": not known
	Channel  string // where she was last heard, of those that can send
}

// listeners are the contacts w.contact who asked for news, whose number is kept, and
// who have not asked to be forgotten. Who is of a region, project or commune is told by
// L1 submissions alone: a tension makes nobody a receiver of anything. What has no
// region is nobody's here, unlike in the log.
func listeners(scope staff.Scope, a Audience, now time.Time) *scoped {
	q := &scoped{}
	q.where.WriteString(`
from wish w join number n on n.contact = w.contact and n.keep_until > ` + q.arg(now) + ` left join contact c on c.id = w.contact
where w.purpose = 'broadcast' and w.given and not exists (select from erasure e where e.contact = w.contact and e.done_at is null)`)
	if len(scope.Regions) == 0 && a == (Audience{}) {
		return q
	}
	q.where.WriteString(` and exists (select from submission s where s.contact = w.contact and s.level = 'L1'`)
	if len(scope.Regions) > 0 {
		q.and("s.region = any(", scope.Regions, ")")
	}
	if a.Project != "" {
		q.and("s.project = ", a.Project, "")
	}
	if a.Place != "" {
		q.and("s.place = ", a.Place, "")
	}
	q.where.WriteString(")")
	return q
}

// Listeners lists whom an announcement goes to by the channels given, in a fixed
// order, at most most, and counts whom it does not go to because her commune is closed.
func (s *Store) Listeners(ctx context.Context, scope staff.Scope, a Audience, channels []string, now time.Time, most int) (to []Listener, closed int, err error) {
	if !slices.Contains(scope.Levels, programme.L1) {
		return nil, 0, nil
	}
	q := listeners(scope, a, now)
	by := q.arg(channels)
	found := `(
	select w.contact, n.sealed as number, coalesce(c.language, '') as language, ` + inClosed("w.contact") + ` as closed, (
		select channel from (
			select channel, received_at from submission where contact = w.contact and channel = any(` + by + `)
			union all select channel, received_at from inbound where contact = w.contact and channel = any(` + by + `)
		) heard order by received_at desc limit 1) as channel` + q.where.String() + `
) l where channel is not null`
	if err := s.pool.QueryRow(ctx, `select count(*)::int from `+found+` and closed`, q.args...).Scan(&closed); err != nil {
		return nil, 0, fmt.Errorf("looking for who asked for news: %w", err)
	}
	rows, err := s.pool.Query(ctx, `select contact, number, language, channel from `+found+` and not closed order by contact limit `+q.arg(most), q.args...)
	if err != nil {
		return nil, 0, fmt.Errorf("looking for who asked for news: %w", err)
	}
	if to, err = pgx.CollectRows(rows, pgx.RowToStructByPos[Listener]); err != nil {
		return nil, 0, fmt.Errorf("looking for who asked for news: %w", err)
	}
	return to, closed, nil
}

// communesMost bounds the communes to choose from.
const communesMost = 300

// HeardCommunes lists the communes that L1 submissions of the scope named, by name, those
// that are closed left out.
func (s *Store) HeardCommunes(ctx context.Context, scope staff.Scope) ([]programme.Place, error) {
	if !slices.Contains(scope.Levels, programme.L1) {
		return nil, nil
	}
	q := &scoped{}
	q.where.WriteString(`s.level = 'L1'`)
	if len(scope.Regions) > 0 {
		q.and("s.region = any(", scope.Regions, ")")
	}
	query := `
select p.pcode, p.level, p.name, p.parent from place p
where p.level = 3 and p.pcode in (select s.place from submission s where ` + q.where.String() + `)
	and not exists (select from closed_commune k where k.pcode = p.pcode)
order by p.name, p.pcode limit ` + q.arg(communesMost)
	rows, err := s.pool.Query(ctx, query, q.args...)
	if err != nil {
		return nil, fmt.Errorf("listing communes: %w", err)
	}
	out, err := pgx.CollectRows(rows, pgx.RowToStructByPos[programme.Place])
	if err != nil {
		return nil, fmt.Errorf("listing communes: %w", err)
	}
	return out, nil
}

// PlaceName gives a place's name; "": it is not known.
func (s *Store) PlaceName(ctx context.Context, pcode string) (string, error) {
	var name string
	err := s.pool.QueryRow(ctx, `select coalesce((select name from place where pcode = $1), '')`, pcode).Scan(&name)
	if err != nil {
		return "", fmt.Errorf("looking for a place: %w", err)
	}
	return name, nil
}

// NewBroadcast is an announcement on its way into the record.
type NewBroadcast struct {
	ID      string // derived: the same form again is the same announcement
	Content []byte // HMAC of its words and of whom they are for, 32 bytes
	Sealed  []byte
	Audience
	Region  string
	StaffID string
}

// sameWithin is how long the same words to the same people are taken for the same
// announcement, whatever form they came with.
const sameWithin = 24 * time.Hour

// PutBroadcast keeps an announcement and queues all of its messages in one
// transaction: after a crash all are there, or none. fresh is false where it, or the
// same words to the same people, are there already, which changes nothing.
func (s *Store) PutBroadcast(ctx context.Context, b NewBroadcast, all []Outgoing, now time.Time, act audit.Draft) (fresh bool, err error) {
	err = s.inTx(ctx, "keeping an announcement", func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, `select pg_advisory_xact_lock($1)`, int64(binary.BigEndian.Uint64(b.Content))); err != nil {
			return err
		}
		var there bool
		if err := tx.QueryRow(ctx, `select exists (select from broadcast where id = $1::text::uuid or content = $2 and at > $3 and stopped_at is null)`,
			b.ID, b.Content, now.Add(-sameWithin)).Scan(&there); err != nil || there {
			return err
		}
		if _, err := tx.Exec(ctx, `
insert into broadcast (id, content, sealed, project, place, region, recipients, staff_id, at) values ($1::text::uuid, $2, $3, $4, $5, $6, $7, $8, $9)`,
			b.ID, b.Content, b.Sealed, b.Project, b.Place, b.Region, len(all), orNone(b.StaffID), now); err != nil {
			return err
		}
		for some := range slices.Chunk(all, queueAtOnce) {
			if _, err := s.queue(ctx, tx, some, now); err != nil {
				return err
			}
		}
		fresh = true
		return audited(ctx, tx, act)
	})
	return fresh, err
}

// Broadcast is an announcement as it lies here, with how far its messages have come.
type Broadcast struct {
	ID          string
	At          time.Time
	StaffID     string
	Staff       string // name
	Sealed      []byte
	Project     string
	ProjectName string
	Place       string
	PlaceName   string
	Region      string
	Recipients  int
	Waiting     int
	Sent        int // and nothing more is known
	Delivered   int
	Failed      int // failed and expired
	Doubtful    int // unknown and ambiguous
	StoppedAt   time.Time
}

// broadcastsOf lets who is of some regions see what was announced there, and her own.
func broadcastsOf(scope staff.Scope, staffID string) *scoped {
	q := &scoped{}
	q.where.WriteString("true")
	if len(scope.Regions) > 0 {
		q.and("(b.region = any(", scope.Regions, ") or b.staff_id = "+q.arg(staffID)+"::text::uuid)")
	}
	return q
}

// Broadcasts lists the announcements that an account of a scope may see, newest
// first, at most most.
func (s *Store) Broadcasts(ctx context.Context, scope staff.Scope, staffID string, most int) ([]Broadcast, error) {
	q := broadcastsOf(scope, staffID)
	query := `
select b.id::text, b.at, coalesce(b.staff_id::text, ''), coalesce(w.name, ''), b.sealed, b.project, coalesce(p.name, ''), b.place, coalesce(l.name, ''), b.region, b.recipients,
	m.waiting, m.sent, m.delivered, m.failed, m.doubtful, coalesce(b.stopped_at, 'epoch')
from broadcast b left join staff w on w.id = b.staff_id left join project p on p.code = b.project left join place l on l.pcode = b.place
cross join lateral (
	select count(*) filter (where state in ('queued', 'sending'))::int as waiting, count(*) filter (where state = 'sent')::int as sent,
		count(*) filter (where state = 'delivered')::int as delivered, count(*) filter (where state in ('failed', 'expired'))::int as failed,
		count(*) filter (where state in ('unknown', 'ambiguous'))::int as doubtful
	from outbound o where o.broadcast_id = b.id
) m where ` + q.where.String() + ` order by b.n desc limit ` + q.arg(most)
	rows, err := s.pool.Query(ctx, query, q.args...)
	if err != nil {
		return nil, fmt.Errorf("listing announcements: %w", err)
	}
	out, err := pgx.CollectRows(rows, pgx.RowToStructByPos[Broadcast])
	if err != nil {
		return nil, fmt.Errorf("listing announcements: %w", err)
	}
	for i := range out {
		if out[i].StoppedAt.Unix() == 0 {
			out[i].StoppedAt = time.Time{}
		}
	}
	return out, nil
}

// StopBroadcast takes back what of an announcement waits to be sent, and gives how
// many messages that were. ErrNotFound is for one that the account may not see.
func (s *Store) StopBroadcast(ctx context.Context, scope staff.Scope, staffID, id string, now time.Time, act audit.Draft) (int, error) {
	if !isID(id) {
		return 0, fmt.Errorf("stopping an announcement: %w", ErrNotFound)
	}
	q := broadcastsOf(scope, staffID)
	q.and("b.id = ", id, "::text::uuid")
	query := `update broadcast b set stopped_at = coalesce(stopped_at, ` + q.arg(now) + `) where ` + q.where.String()
	var moved []Moved
	err := s.inTx(ctx, "stopping an announcement", func(tx pgx.Tx) error {
		tag, err := tx.Exec(ctx, query, q.args...)
		if err != nil {
			return err
		}
		if tag.RowsAffected() == 0 {
			return ErrNotFound
		}
		rows, err := tx.Query(ctx, `
update outbound set state = 'failed', reason = 'staff took it back', changed_at = $2 where broadcast_id = $1::text::uuid and state = 'queued'
returning channel, class, operator, state`, id, now)
		if err != nil {
			return err
		}
		if moved, err = pgx.CollectRows(rows, pgx.RowToStructByPos[Moved]); err != nil {
			return err
		}
		act.Count = len(moved)
		return audited(ctx, tx, act)
	})
	for i := range moved {
		s.tell(err, &moved[i])
	}
	return len(moved), err
}
