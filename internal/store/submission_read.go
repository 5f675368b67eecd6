package store

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"lafia/internal/programme"
	"lafia/internal/staff"
)

// SealedSubmission is a submission as it lies here: its words sealed, with the
// names of its project and place beside their codes where they are known.
type SealedSubmission struct {
	programme.Submission
	Sealed      []byte
	ProjectName string
	PlaceName   string
	Corrects    string   // the first version of the report that it corrects; "": none
	SamePhone   bool     // a correction came from the phone of that first version
	TypeExact   string   // of a tension, as staff set it; "": not set
	Reasons     []string // of a feedback, as staff set them
}

// SealedEvent is an event as it lies here. Where a number was shown or a level
// raised, its status stays.
type SealedEvent struct {
	programme.Event
	StaffID     string
	Sealed      []byte
	NumberShown bool
	Answered    bool
	LevelRaised bool
}

// SubmissionFilter narrows a list. A zero field asks for nothing.
type SubmissionFilter struct {
	Kind     programme.Kind
	Project  string
	Status   programme.Status
	Language string
}

// scoped builds the WHERE clause of every reader of submissions: what is outside
// the scope does not exist. Conditions are ours, values are parameters.
type scoped struct {
	where strings.Builder
	args  []any
}

func scopedTo(scope staff.Scope) *scoped {
	q := &scoped{}
	levels := make([]string, 0, len(scope.Levels))
	for _, l := range scope.Levels {
		levels = append(levels, string(l))
	}
	q.where.WriteString("s.level = any(")
	q.where.WriteString(q.arg(levels))
	q.where.WriteString(")")
	if len(scope.Regions) > 0 {
		// What names no place has no region: whoever may read its level sees it,
		// or nobody would answer.
		q.and("(s.region = '' or s.region = any(", scope.Regions, "))")
	}
	return q
}

func (q *scoped) arg(v any) string {
	q.args = append(q.args, v)
	return "$" + strconv.Itoa(len(q.args))
}

func (q *scoped) and(before string, v any, after string) {
	q.where.WriteString(" and " + before + q.arg(v) + after)
}

func (q *scoped) filter(f SubmissionFilter) {
	for _, c := range []struct{ column, value string }{
		{"s.kind", string(f.Kind)}, {"s.project", f.Project}, {"s.status", string(f.Status)}, {"s.language", f.Language},
	} {
		if c.value != "" {
			q.and(c.column+" = ", c.value, "")
		}
	}
}

// latest leaves out the versions of a report that a later one corrects, as far as
// the reader may see the later one. What was not finished on the phone corrects
// nothing. The levels of the scope are the first argument of every query.
func (q *scoped) latest() {
	q.where.WriteString(` and not exists (
	select from submission c where c.corrects = coalesce(s.corrects, s.id) and c.n > s.n and not c.partial and c.level = any($1))`)
}

const submissionColumns = `
s.n, s.id::text, s.kind, s.level, s.status, s.reference, s.channel, s.medium, s.language, s.project, s.place, s.region, s.grp,
s.answers, s.confirmed, s.partial, s.altered, s.synthetic, s.sent_at, s.received_at, s.sealed,
coalesce(p.name, ''), coalesce(l.name, ''), coalesce(s.corrects::text, ''),
s.corrects is not null and exists (select from submission f where f.id = s.corrects and f.contact = s.contact),
coalesce((select codes[1] from classification k where k.submission_id = s.id and k.kind = 'type' order by k.n desc limit 1), ''),
coalesce((select codes from classification k where k.submission_id = s.id and k.kind = 'reason' order by k.n desc limit 1), '{}')
from submission s left join project p on p.code = s.project left join place l on l.pcode = s.place`

func scanSubmission(row pgx.CollectableRow) (SealedSubmission, error) {
	var r SealedSubmission
	var answers []byte
	var sent *time.Time
	err := row.Scan(&r.N, &r.ID, &r.Kind, &r.Level, &r.Status, &r.Reference, &r.Channel, &r.Medium, &r.Language, &r.Project, &r.Place, &r.Region, &r.Group,
		&answers, &r.Confirmed, &r.Partial, &r.Altered, &r.Synthetic, &sent, &r.ReceivedAt, &r.Sealed, &r.ProjectName, &r.PlaceName,
		&r.Corrects, &r.SamePhone, &r.TypeExact, &r.Reasons)
	if err != nil {
		return r, err
	}
	if sent != nil {
		r.SentAt = *sent
	}
	if r.Answers, err = readAnswers(answers); err != nil {
		return r, fmt.Errorf("reading the answers of submission %s: %w", r.ID, err)
	}
	return r, nil
}

// readAnswers reads the answers' object. A value that is no string, as another
// program may have written, is kept as its JSON.
func readAnswers(b []byte) (map[string]string, error) {
	raw := map[string]json.RawMessage{}
	if err := json.Unmarshal(b, &raw); err != nil {
		return nil, err
	}
	out := make(map[string]string, len(raw))
	for k, v := range raw {
		var s string
		if json.Unmarshal(v, &s) != nil {
			s = string(v)
		}
		out[k] = s
	}
	return out, nil
}

func (s *Store) submissions(ctx context.Context, q *scoped, order string, limit int) ([]SealedSubmission, error) {
	query := "select " + submissionColumns + " where " + q.where.String() + " order by " + order + " limit " + q.arg(limit)
	rows, err := s.pool.Query(ctx, query, q.args...)
	if err != nil {
		return nil, fmt.Errorf("listing submissions: %w", err)
	}
	list, err := pgx.CollectRows(rows, scanSubmission)
	if err != nil {
		return nil, fmt.Errorf("listing submissions: %w", err)
	}
	return list, nil
}

// SubmissionsBefore lists the newest submissions of the scope that arrived
// before the one with this id, of reports the latest version alone; no id means
// from the newest. A page is asked for
// by id, since the distance of two orders would tell how much arrived outside
// the scope.
func (s *Store) SubmissionsBefore(ctx context.Context, scope staff.Scope, f SubmissionFilter, id string, limit int) ([]SealedSubmission, error) {
	q := scopedTo(scope)
	q.filter(f)
	q.latest()
	if id != "" {
		if !isID(id) {
			return nil, fmt.Errorf("listing submissions: %w", ErrNotFound)
		}
		q.and("s.n < (select b.n from submission b where b.id = ", id, "::text::uuid)")
	}
	return s.submissions(ctx, q, "s.n desc", limit)
}

// SubmissionsAfter lists submissions of the scope oldest first, from after
// order n, of reports the latest version alone. A row whose transaction commits while a reader is past its place is
// met by the next reading.
func (s *Store) SubmissionsAfter(ctx context.Context, scope staff.Scope, n int64, limit int) ([]SealedSubmission, error) {
	q := scopedTo(scope)
	q.and("s.n > ", n, "")
	q.latest()
	return s.submissions(ctx, q, "s.n", limit)
}

// SubmissionByID gets one submission of the scope. ErrNotFound is for a foreign
// one, a missing one and what is no id alike.
func (s *Store) SubmissionByID(ctx context.Context, scope staff.Scope, id string) (SealedSubmission, error) {
	if !isID(id) {
		return SealedSubmission{}, fmt.Errorf("reading a submission: %w", ErrNotFound)
	}
	q := scopedTo(scope)
	q.and("s.id = ", id, "::text::uuid")
	list, err := s.submissions(ctx, q, "s.n", 1)
	if err != nil {
		return SealedSubmission{}, err
	}
	if len(list) == 0 {
		return SealedSubmission{}, fmt.Errorf("reading a submission: %w", ErrNotFound)
	}
	return list[0], nil
}

// versionsMost bounds the versions of a report: one can be corrected for thirty days.
const versionsMost = 50

// VersionsOf lists the versions of a report that the scope reads, newest first, by
// the id of the first.
func (s *Store) VersionsOf(ctx context.Context, scope staff.Scope, first string) ([]SealedSubmission, error) {
	if !isID(first) {
		return nil, fmt.Errorf("reading the versions of a report: %w", ErrNotFound)
	}
	q := scopedTo(scope)
	q.and("s.kind = ", string(programme.Progress), "")
	id := q.arg(first) + "::text::uuid"
	q.where.WriteString(" and (s.id = " + id + " or s.corrects = " + id + ")")
	return s.submissions(ctx, q, "s.n desc", versionsMost)
}

// isID keeps what is no UUID from PostgreSQL, whose error would quote it.
func isID(id string) bool { return len(id) == 36 && uuid.Validate(id) == nil }

// CountNew counts the submissions of the scope that nobody has read yet.
func (s *Store) CountNew(ctx context.Context, scope staff.Scope) (int, error) {
	q := scopedTo(scope)
	q.latest()
	var n int
	// The status is in the text, so that the partial index answers.
	query := "select count(*) from submission s where s.status = 'new' and " + q.where.String()
	if err := s.pool.QueryRow(ctx, query, q.args...).Scan(&n); err != nil {
		return 0, fmt.Errorf("counting new submissions: %w", err)
	}
	return n, nil
}

// eventsMost bounds the history shown: the newest are kept.
const eventsMost = 200

// EventsOf lists what was done with a submission of the scope, oldest first.
func (s *Store) EventsOf(ctx context.Context, scope staff.Scope, id string) ([]SealedEvent, error) {
	if !isID(id) {
		return nil, fmt.Errorf("reading a history: %w", ErrNotFound)
	}
	q := scopedTo(scope)
	q.and("s.id = ", id, "::text::uuid")
	query := `
select * from (
    select e.n, e.at, coalesce(e.staff_id::text, ''), coalesce(a.name, ''), e.from_status, e.to_status, e.sealed_note
    from submission_event e join submission s on s.id = e.submission_id left join staff a on a.id = e.staff_id
    where ` + q.where.String() + ` order by e.n desc limit ` + q.arg(eventsMost) + `) newest order by n`
	rows, err := s.pool.Query(ctx, query, q.args...)
	if err != nil {
		return nil, fmt.Errorf("reading a history: %w", err)
	}
	list, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (SealedEvent, error) {
		var e SealedEvent
		var n int64
		err := row.Scan(&n, &e.At, &e.StaffID, &e.Staff, &e.From, &e.To, &e.Sealed)
		switch e.To {
		case numberShown:
			e.To, e.NumberShown = e.From, true
		case levelRaised:
			e.To, e.LevelRaised = e.From, true
		case answerGiven:
			e.To, e.Answered = programme.Answered, true
		}
		return e, err
	})
	if err != nil {
		return nil, fmt.Errorf("reading a history: %w", err)
	}
	return list, nil
}

// ProjectsOf lists the projects of the scope's regions, by code. A scope that
// reads no submission gets none.
func (s *Store) ProjectsOf(ctx context.Context, scope staff.Scope) ([]programme.Project, error) {
	if len(scope.Levels) == 0 {
		return nil, nil
	}
	regions := scope.Regions
	if regions == nil {
		regions = []string{}
	}
	const query = `
select code, dial, name, kind, place, region, phase from project
where cardinality($1::text[]) = 0 or region = any($1) order by code limit 500`
	rows, err := s.pool.Query(ctx, query, regions)
	if err != nil {
		return nil, fmt.Errorf("listing projects: %w", err)
	}
	list, err := pgx.CollectRows(rows, pgx.RowToStructByPos[programme.Project])
	if err != nil {
		return nil, fmt.Errorf("listing projects: %w", err)
	}
	return list, nil
}
