package bench

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"net/url"
	"time"

	"lafia/internal/programme"
	"lafia/internal/store"
)

// The goals of issue 5: half of what pgbench makes of the same statements, and a
// tenth of its best one-row INSERT.
const (
	goalSame = 0.5
	goalRow  = 0.1
)

const (
	// played is the channel of what pgbench writes: as long as ours, and another,
	// so that rows can be counted.
	played = "pgbench-played"
	// pgbenchContacts are the callers that pgbench plays: so many that two of 64
	// clients seldom meet in one row, and no more than it makes transactions, so that
	// it touches no more pages a transaction than ours.
	pgbenchContacts = 20_000
	// drafted is how long after the last keypress its draft is surely in the record
	// (written behind within 2 s).
	drafted = 2500 * time.Millisecond
)

// finishRound is what came of callers who stood before their last screen.
type finishRound struct {
	PerSecond float64 `json:"captures_per_second"`
	Captures  int64   `json:"captures"`
	Errors    int64   `json:"errors"`
	Took      Latency `json:"took"` // closed loop: waiting for a connection is not in it
	CPU       *CPU    `json:"cpu_us_per_capture,omitempty"`
}

// Captures measures how many conversations a second are finished: callers are
// walked to their last screen beforehand, and only the hop that commits is timed.
// In the same run pgbench plays the very statements of our transactions on the
// same server, and its best one-row INSERT. Round is how long pgbench plays each.
func Captures(ctx context.Context, o Options) (report *CaptureReport, err error) {
	o.defaults()
	err = within(ctx, o, func(r *run) error {
		c := &captureRun{run: r}
		if err := c.start(ctx); err != nil {
			return err
		}
		report, err = c.measure(ctx)
		return err
	})
	return report, err
}

type captureRun struct {
	*run
	pgbench    pgbench
	begun      time.Time
	draftBytes int
	scripts    []script
}

func (r *captureRun) start(ctx context.Context) error {
	keys, err := r.startServers(ctx)
	if err != nil {
		return err
	}
	postmaster, _ := r.servers.PIDs()
	if r.pgbench.path, err = findPgbench(postmaster); err != nil {
		return err
	}
	u, err := url.Parse(r.servers.PostgresURL())
	if err != nil {
		return fmt.Errorf("reading the server's address: %w", err)
	}
	r.pgbench.dir, r.pgbench.socket, r.pgbench.port = r.dir, u.Query().Get("host"), u.Query().Get("port")
	r.pgbench.user, r.pgbench.datab = u.User.Username(), u.Path[1:]
	_, address, err := r.startGateway(ctx, keys)
	if err != nil {
		return err
	}
	r.begun = time.Now()
	_, err = r.generator.do(command{Do: "target", Target: string(ChildGateway), URL: address, Path: ussdPath, Callers: r.Callers})
	if err != nil {
		return err
	}
	return r.exec(ctx, `create table bench_row (n bigint generated always as identity primary key, body text not null)`)
}

func (r *captureRun) exec(ctx context.Context, sql string, args ...any) error {
	if _, err := r.store.Pool().Exec(ctx, sql, args...); err != nil {
		return fmt.Errorf("preparing the record: %w", err)
	}
	return nil
}

// measure goes through the rounds: ours, then pgbench, and the other way round in
// the next.
func (r *captureRun) measure(ctx context.Context) (*CaptureReport, error) {
	var rounds []CaptureRound
	for n := range r.Rounds {
		round := CaptureRound{Kept: n > 0 || r.Rounds == 1}
		if err := r.approach(ctx, n); err != nil {
			return nil, err
		}
		sides := []func() error{
			func() error { return r.ours(ctx, &round) },
			func() error { return r.theirs(ctx, &round) },
		}
		if n%2 == 1 {
			sides[0], sides[1] = sides[1], sides[0]
		}
		for _, side := range sides {
			if err := side(); err != nil {
				return nil, err
			}
		}
		round.Load = load()
		round.SameRatio = round.Ours.PerSecond / max(round.Same, 1)
		round.RowRatio = round.Ours.PerSecond / max(round.Row, 1)
		rounds = append(rounds, round)
		r.say("round %d of %d: %.0f captures/s, pgbench %.0f with the same statements and %.0f one-row INSERTs: %.2f and %.2f; load %s", n+1, r.Rounds,
			round.Ours.PerSecond, round.Same, round.Row, round.SameRatio, round.RowRatio, round.Load)
	}
	return r.settle(ctx, rounds)
}

// approach walks callers to their last screens, and lets their drafts arrive.
func (r *captureRun) approach(ctx context.Context, n int) error {
	r.say("round %d of %d: walking %d callers to their last screen", n+1, r.Rounds, r.Callers)
	res, err := r.generator.do(command{Do: "approach", Target: string(ChildGateway), Connections: r.Connections, Callers: r.Callers})
	if err != nil {
		return err
	}
	if res.Failed > 0 {
		return fmt.Errorf("the gateway does not answer as it should, in %d of %d hops; the first: %s", res.Failed, res.Hops, res.FirstError)
	}
	if err := wait(ctx, drafted); err != nil {
		return err
	}
	if r.draftBytes == 0 {
		const query = `select coalesce(avg(octet_length(sealed)), 0)::int from draft where channel = $1 and sealed is not null`
		if err := r.store.Pool().QueryRow(ctx, query, channel).Scan(&r.draftBytes); err != nil {
			return fmt.Errorf("looking at drafts: %w", err)
		}
	}
	return r.refill(ctx)
}

func wait(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(d):
		return nil
	}
}

// refill gives pgbench's callers what ours have when they finish: a contact and
// a draft.
func (r *captureRun) refill(ctx context.Context) error {
	for _, step := range []struct {
		sql  string
		args []any
	}{
		{`delete from draft where channel = $1`, []any{played}},
		{`insert into draft (contact, channel, medium, version, run_id, sealed, changed_at, expires_at)
select sha256(int8send(n)), $1, 'ussd', 1, md5(n::text)::uuid, $2, now(), now() + interval '10 minutes' from generate_series(1, $3::bigint) n`,
			[]any{played, random(r.draftBytes), pgbenchContacts}},
		{`insert into contact (id, language, seen_at, created_at) select sha256(int8send(n)), 'fr', now(), now() from generate_series(1, $1::bigint) n
on conflict do nothing`, []any{pgbenchContacts}},
		// Else the server would tidy up in the middle of what is timed.
		{`vacuum analyze draft, contact, submission, identity`, nil},
	} {
		if err := r.exec(ctx, step.sql, step.args...); err != nil {
			return err
		}
	}
	return nil
}

func random(n int) []byte {
	b := make([]byte, n)
	_, _ = rand.Read(b)
	return b
}

func (r *captureRun) ours(ctx context.Context, round *CaptureRound) error {
	var res result
	var err error
	c := r.cpu(string(ChildGateway), func() int64 {
		if res, err = r.generator.do(command{Do: "finish", Target: string(ChildGateway), Connections: r.Connections}); err != nil {
			return 0
		}
		return res.Finish.Captures
	})
	if err != nil {
		return err
	}
	round.Ours = *res.Finish
	round.Ours.CPU = c
	return nil
}

func (r *captureRun) theirs(ctx context.Context, round *CaptureRound) error {
	if r.scripts == nil {
		if err := r.learn(ctx); err != nil {
			return err
		}
	}
	var err error
	if round.Same, err = r.pgbench.play(ctx, r.scripts, r.Connections, r.Round); err != nil {
		return err
	}
	row := script{text: "insert into bench_row (body) values (:v1);\n", weight: 1, defines: []string{"v1=" + fmt.Sprintf("%0200d", 7)}}
	// One-row INSERTs are most with fewer clients than 64 on few cores.
	for _, clients := range []int{16, 32, r.Connections} {
		v, err := r.pgbench.play(ctx, []script{row}, clients, r.Round/2)
		if err != nil {
			return err
		}
		round.Row = max(round.Row, v)
	}
	return nil
}

// kinds are the transactions that our callers' conversations end with.
const kinds = `
select s.kind, f.submission_id is not null, count(*), (array_agg(s.id::text order by octet_length(s.answers::text) + coalesce(octet_length(s.sealed), 0)))[count(*) / 2 + 1]
from submission s left join followup f on f.submission_id = s.id
where s.channel = $1 and s.received_at >= $2
group by 1, 2 order by 1, 2`

// learn writes pgbench's scripts: each kind of transaction, as often as ours were
// that kind, with the arguments of a row of middling size.
func (r *captureRun) learn(ctx context.Context) error {
	rows, err := r.store.Pool().Query(ctx, kinds, channel, r.begun)
	if err != nil {
		return fmt.Errorf("looking at what was captured: %w", err)
	}
	defer rows.Close()
	type kind struct {
		name   string
		again  bool
		weight int
		id     string
	}
	var all []kind
	for rows.Next() {
		var k kind
		if err := rows.Scan(&k.name, &k.again, &k.weight, &k.id); err != nil {
			return fmt.Errorf("looking at what was captured: %w", err)
		}
		all = append(all, k)
	}
	if err := rows.Err(); err != nil {
		return fmt.Errorf("looking at what was captured: %w", err)
	}
	for _, k := range all {
		s, err := r.script(ctx, k.id, k.again, k.weight)
		if err != nil {
			return err
		}
		r.scripts = append(r.scripts, s)
	}
	if len(r.scripts) == 0 {
		return fmt.Errorf("nothing was captured, so that pgbench has nothing to play")
	}
	return nil
}

// script commits a run like one of the record and notes what is sent.
func (r *captureRun) script(ctx context.Context, id string, again bool, weight int) (script, error) {
	run, err := r.like(ctx, id)
	if err != nil {
		return script{}, err
	}
	if sub := run.Submission; sub.Kind == programme.Tension {
		run.Also = &store.Also{LastPlace: sub.Place}
		if again {
			run.Also.AskAgain = sub.ReceivedAt.Add(14 * 24 * time.Hour)
		}
	}
	var seen recorder
	s, err := store.Open(ctx, r.servers.PostgresURL(), store.Options{MaxConns: 1, Tracer: &seen})
	if err != nil {
		return script{}, err
	}
	defer s.Close()
	seen.sent = nil
	if _, err := s.Capture(ctx, run); err != nil {
		return script{}, err
	}
	text := func(b []byte) string { return fmt.Sprintf(`\x%x`, b) }
	return newScript(seen.sent, map[string]string{
		text(run.RunKey): "sha256(int8send(:run))", text(run.HopKey): "sha256(int8send(:hop))", text(run.Contact): "sha256(int8send(:who))",
		run.Submission.ID: "md5(:run::text)::uuid",
	}, weight)
}

// like gives a run that says what a row of the record says.
func (r *captureRun) like(ctx context.Context, id string) (store.Run, error) {
	v := store.Run{RunKey: random(32), HopKey: random(32), ContentHMAC: random(32), Contact: random(32), DraftVersion: 9}
	sub := &v.Submission
	sub.Channel, sub.Medium = played, "ussd"
	var answers []byte
	const query = `
select md5(id::text)::uuid::text, kind, level, reference, language, project, place, region, answers, sealed, confirmed, partial, altered, synthetic, received_at
from submission where id = $1::text::uuid`
	err := r.store.Pool().QueryRow(ctx, query, id).Scan(&sub.ID, &sub.Kind, &sub.Level, &sub.Reference, &sub.Language, &sub.Project, &sub.Place, &sub.Region, &answers,
		&v.Sealed, &sub.Confirmed, &sub.Partial, &v.Altered, &sub.Synthetic, &sub.ReceivedAt)
	if err == nil {
		err = json.Unmarshal(answers, &sub.Answers)
	}
	if err != nil {
		return v, fmt.Errorf("reading a row that was captured: %w", err)
	}
	return v, nil
}

// settle counts what must agree and takes the medians.
func (r *captureRun) settle(ctx context.Context, rounds []CaptureRound) (*CaptureReport, error) {
	report := &CaptureReport{
		Machine: r.report.Machine, Rounds: rounds, GoalSame: goalSame, GoalRow: goalRow,
		Settings: CaptureSettings{Rounds: r.Rounds, Seconds: r.Round.Seconds(), Connections: r.Connections, Callers: r.Callers},
	}
	res, err := r.generator.do(command{Do: "count", Target: string(ChildGateway)})
	if err != nil {
		return nil, err
	}
	report.Errors, report.Error, report.Finished = res.Failed, res.FirstError, res.Finished
	const query = `select count(*) from submission where channel = $1 and received_at >= $2`
	if err := r.store.Pool().QueryRow(ctx, query, channel, r.begun).Scan(&report.Rows); err != nil {
		return nil, fmt.Errorf("counting rows: %w", err)
	}
	report.settle()
	return report, nil
}
