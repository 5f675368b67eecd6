package store

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"
)

// Contact is what Lafia remembers of a phone.
type Contact struct {
	Language  string
	SeenAt    time.Time
	LastPlace string // pcode of the place she named last
	Answer    string // "yes" or "no" to being answered; "": never asked
	AnswerAt  time.Time
}

// Draft is where a caller was, sealed.
type Draft struct {
	Version uint64
	Sealed  []byte
}

// Remembered is all that the record knows of a caller on one channel and medium.
type Remembered struct {
	Contact   Contact
	Known     bool
	Draft     Draft  // Sealed is nil without one
	HopRun    string // the run that this very hop finished already, or ""
	HopRunSet bool
	// HopConfidential: that run is for the focal points, and its last screen has no code.
	HopConfidential bool
	HopReport       map[string]string // the figures of that run, when it is a group's report
}

// Remember reads a caller's contact, her live draft, and whether the hop is the
// repeat of one that finished a run, in one trip.
func (s *Store) Remember(ctx context.Context, contact []byte, channel, medium string, hopKey []byte, now time.Time) (Remembered, error) {
	// Scalar subqueries are looked up by key; `not exists` beside an `or`, or a join that
	// may take the index of reports, reads all of the table.
	const query = `
select c.language, c.seen_at, c.last_place, w.given, w.at, d.version, d.sealed, h.run_id::text,
	exists (select from confidential k where k.id = h.run_id),
	(select case r.kind when 'progress' then r.answers end from submission r where r.id = h.run_id)
from (select 1) one
left join contact c on c.id = $1
left join wish w on w.contact = $1 and w.purpose = 'answer'
left join draft d on d.contact = $1 and d.channel = $2 and d.medium = $3
	and (d.sealed is null or d.expires_at > $5 and (select true from submission f where f.id = d.run_id) is null)
left join identity h on h.key = $4`
	var (
		r        Remembered
		language *string
		seen     *time.Time
		place    *string
		answer   *bool
		answered *time.Time
		version  *int64
		run      *string
	)
	err := s.pool.QueryRow(ctx, query, contact, channel, medium, hopKey, now).Scan(&language, &seen, &place, &answer, &answered, &version, &r.Draft.Sealed, &run, &r.HopConfidential, &r.HopReport)
	if err != nil {
		return r, fmt.Errorf("remembering a caller: %w", err)
	}
	if language != nil {
		r.Known, r.Contact = true, Contact{Language: *language, SeenAt: *seen, LastPlace: *place}
	}
	if answer != nil {
		r.Contact.Answer, r.Contact.AnswerAt = yesNo(*answer), *answered
	}
	if version != nil {
		r.Draft.Version = uint64(*version)
	}
	if run != nil {
		r.HopRun, r.HopRunSet = *run, true
	}
	return r, nil
}

func yesNo(v bool) string {
	if v {
		return "yes"
	}
	return "no"
}

// Trace is what a hop leaves behind: the contact's language and, unless the flow
// is confidential, a draft.
type Trace struct {
	Contact   []byte
	Channel   string
	Medium    string
	Language  string // "" leaves it as it is
	Version   uint64
	RunID     string // of the unfinished run, or ""
	Sealed    []byte // nil: no draft
	Ended     bool   // the conversation ended: a draft of before is void
	At        time.Time
	ExpiresAt time.Time
}

// WriteBehind stores traces, many at once, one to a caller, channel and medium. A
// draft never replaces a newer one, nor one that a commit has ended. A contact
// who is known to have been seen within a minute is left as it is: that would be
// a write for each keypress. What was before an erasure stays erased.
func (s *Store) WriteBehind(ctx context.Context, traces []Trace) error {
	traces = slices.Clone(traces)
	// Rows are locked in one order, so that two gateways never wait for each other.
	slices.SortFunc(traces, func(a, b Trace) int { return bytes.Compare(a.Contact, b.Contact) })
	b := &pgx.Batch{}
	// The table is taken before any row, though nothing is deleted: an erasure, which
	// keeps others from it, comes wholly before this or wholly behind it.
	b.Queue(`delete from draft where false`)
	queueContacts(b, traces)
	queueDrafts(b, traces)
	if err := s.pool.SendBatch(ctx, b).Close(); err != nil {
		return fmt.Errorf("writing drafts behind: %w", err)
	}
	return nil
}

func queueContacts(b *pgx.Batch, traces []Trace) {
	var (
		ids       [][]byte
		languages []string
		at        []time.Time
	)
	for _, t := range traces { // in order of contacts, who may come on several channels
		n := len(ids) - 1
		if n < 0 || !bytes.Equal(ids[n], t.Contact) {
			ids, languages, at = append(ids, t.Contact), append(languages, t.Language), append(at, t.At)
			continue
		}
		if t.Language != "" && (languages[n] == "" || !t.At.Before(at[n])) {
			languages[n] = t.Language
		}
		if t.At.After(at[n]) {
			at[n] = t.At
		}
	}
	b.Queue(`
insert into contact as c (id, language, seen_at, created_at)
select id, language, at, at from unnest($1::bytea[], $2::text[], $3::timestamptz[]) as t (id, language, at)
where not exists (
	select from contact k where k.id = t.id and t.language in ('', k.language) and k.seen_at > t.at - interval '1 minute'
) and not exists (select from erasure e where e.contact = t.id and e.done_at >= t.at)
on conflict (id) do update set seen_at = greatest(c.seen_at, excluded.seen_at),
	language = case when excluded.language = '' then c.language else excluded.language end`, ids, languages, at)
}

func queueDrafts(b *pgx.Batch, traces []Trace) {
	var (
		contacts, sealed  [][]byte
		channels, media   []string
		versions          []int64
		runs              []*string
		changed, expiring []time.Time
	)
	for _, t := range traces {
		if t.Sealed == nil && !t.Ended {
			continue
		}
		contacts, sealed, versions = append(contacts, t.Contact), append(sealed, t.Sealed), append(versions, int64(t.Version))
		channels, media = append(channels, t.Channel), append(media, t.Medium)
		changed, expiring = append(changed, t.At), append(expiring, t.ExpiresAt)
		var run *string
		if t.RunID != "" {
			run = &t.RunID
		}
		runs = append(runs, run)
	}
	if len(contacts) == 0 {
		return
	}
	b.Queue(`
insert into draft as d (contact, channel, medium, version, run_id, sealed, changed_at, expires_at)
select contact, channel, medium, version, run::uuid, sealed, changed, expires
from unnest($1::bytea[], $2::text[], $3::text[], $4::bigint[], $5::text[], $6::bytea[], $7::timestamptz[], $8::timestamptz[])
	as t (contact, channel, medium, version, run, sealed, changed, expires)
where not exists (select from erasure e where e.contact = t.contact and e.done_at >= t.changed)
on conflict (contact, channel, medium) do update
set version = excluded.version, run_id = excluded.run_id, sealed = excluded.sealed, changed_at = excluded.changed_at, expires_at = excluded.expires_at
where d.version < excluded.version`, contacts, channels, media, versions, runs, sealed, changed, expiring)
}

// KeepBook stores a flow book by its hash, and notes that it is served.
func (s *Store) KeepBook(ctx context.Context, hash string, content map[string]string, now time.Time) error {
	_, err := s.pool.Exec(ctx, `
insert into book (hash, content, served_at) values ($1, $2, $3)
on conflict (hash) do update set served_at = excluded.served_at`, hash, content, now)
	if err != nil {
		return fmt.Errorf("keeping a flow book: %w", err)
	}
	return nil
}

// Book gives the files of a flow book by its hash.
func (s *Store) Book(ctx context.Context, hash string) (map[string]string, error) {
	var content map[string]string
	err := s.pool.QueryRow(ctx, `select content from book where hash = $1`, hash).Scan(&content)
	if err != nil {
		return nil, fmt.Errorf("reading a flow book: %w", notFound(err))
	}
	return content, nil
}

// PutNumber keeps a sealed number until a moment, never shortening what stands.
func (s *Store) PutNumber(ctx context.Context, contact, sealed []byte, until time.Time) error {
	_, err := s.pool.Exec(ctx, putNumber, contact, sealed, until)
	if err != nil {
		return fmt.Errorf("keeping a number: %w", err)
	}
	return nil
}

const putNumber = `
insert into number as n (contact, sealed, keep_until) values ($1, $2, $3)
on conflict (contact) do update set keep_until = greatest(n.keep_until, $3)`

// Number gives a contact's sealed number, or ErrNotFound once it was let go.
func (s *Store) Number(ctx context.Context, contact []byte) ([]byte, error) {
	var b []byte
	err := s.pool.QueryRow(ctx, `select sealed from number where contact = $1`, contact).Scan(&b)
	if err != nil {
		return nil, fmt.Errorf("reading a number: %w", notFound(err))
	}
	return b, nil
}

// Leader is a group that a contact leads, with what checks her PIN.
type Leader struct {
	Group    string
	Name     string
	Region   string
	Project  string
	Place    string
	Activity string // the kind of its project
	PINHash  []byte
	Failures int
}

// Leads lists the groups that a contact leads.
func (s *Store) Leads(ctx context.Context, contact []byte) ([]Leader, error) {
	rows, err := s.pool.Query(ctx, `
select l.grp, g.name, g.region, g.project, g.place, coalesce(p.kind, ''), l.pin_hash, l.failures
from leader l join grp g on g.code = l.grp left join project p on p.code = g.project where l.contact = $1 order by l.grp`, contact)
	if err != nil {
		return nil, fmt.Errorf("looking for the groups of a leader: %w", err)
	}
	out, err := pgx.CollectRows(rows, pgx.RowToStructByPos[Leader])
	if err != nil {
		return nil, fmt.Errorf("looking for the groups of a leader: %w", err)
	}
	return out, nil
}

// PINFailed counts a wrong PIN, once a hop: a repeat of the hop is no second try.
// It gives the count.
func (s *Store) PINFailed(ctx context.Context, contact []byte, group string, hopKey []byte) (int, error) {
	var n int
	err := s.pool.QueryRow(ctx, `
update leader set failures = failures + (failed_hop is distinct from $3)::int, failed_hop = $3
where contact = $1 and grp = $2 returning failures`, contact, group, hopKey).Scan(&n)
	if err != nil {
		return 0, fmt.Errorf("counting a wrong PIN: %w", notFound(err))
	}
	return n, nil
}

// PINPassed forgets the wrong tries.
func (s *Store) PINPassed(ctx context.Context, contact []byte, group string) error {
	_, err := s.pool.Exec(ctx, `update leader set failures = 0, failed_hop = null where contact = $1 and grp = $2 and failures > 0`, contact, group)
	if err != nil {
		return fmt.Errorf("forgetting wrong PINs: %w", err)
	}
	return nil
}

// IsNotFound reports whether an error says that nothing is there.
func IsNotFound(err error) bool { return errors.Is(err, ErrNotFound) }
