package fakeaggregator_test

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"lafia/internal/fakeaggregator"
	"lafia/internal/vault"
)

// rotations runs `lafia keys rotate` on a site, and kills it.
type rotations struct {
	*lab
	config string
	keys   string
	bulk   int // rows that were put there so that a rotation takes a while
	killed int
}

// ownKeys copies the keys of all labs, and lets the checker open by the copy.
func (l *lab) ownKeys() (dir string) {
	l.t.Helper()
	dir = l.copyKeys(filepath.Join(shared.dir, "keys"))
	var err error
	l.keys.Ring, err = vault.Open(dir)
	must(l.t, err)
	return dir
}

func (l *lab) copyKeys(from string) (dir string) {
	l.t.Helper()
	dir = filepath.Join(l.t.TempDir(), "keys")
	must(l.t, os.Mkdir(dir, 0o700))
	files, err := os.ReadDir(from)
	must(l.t, err)
	for _, f := range files {
		l.copyKey(from, dir, f.Name())
	}
	return dir
}

func (l *lab) copyKey(from, to, name string) {
	l.t.Helper()
	b, err := os.ReadFile(filepath.Join(from, name))
	must(l.t, err)
	must(l.t, os.WriteFile(filepath.Join(to, name), b, 0o600))
}

// withKeys gives a gateway another key folder.
func (g *served) withKeys(dir string) {
	g.t.Helper()
	g.quit()
	b, err := os.ReadFile(g.config)
	must(g.t, err)
	text := strings.Replace(string(b), fmt.Sprintf("%q", filepath.Join(shared.dir, "keys")), fmt.Sprintf("%q", dir), 1)
	must(g.t, os.WriteFile(g.config, []byte(text), 0o600))
	g.start()
}

// fillUp seals rows of two kinds under the first key: notes of the demo's messages,
// and requests that could not be read, long ago.
func (r *rotations) fillUp(each int) {
	r.t.Helper()
	ctx, pool := r.t.Context(), r.record.Pool()
	rows, err := pool.Query(ctx, `select id::text from submission where synthetic order by n`)
	must(r.t, err)
	ids, err := pgx.CollectRows(rows, pgx.RowTo[string])
	must(r.t, err)
	long := time.Now().Add(-10 * 24 * time.Hour)
	words := []byte(strings.Repeat("une note sur le puits ", 8))
	_, err = pool.CopyFrom(ctx, pgx.Identifier{"submission_event"}, []string{"submission_id", "at", "from_status", "to_status", "sealed_note"},
		pgx.CopyFromSlice(each, func(i int) ([]any, error) {
			id := ids[i%len(ids)]
			return []any{id, long, "new", "new", r.lab.keys.Ring.Seal(words, "note/"+id)}, nil
		}))
	must(r.t, err)
	_, err = pool.CopyFrom(ctx, pgx.Identifier{"unreadable"}, []string{"channel", "kind", "reason", "sealed", "received_at"},
		pgx.CopyFromSlice(each, func(int) ([]any, error) {
			return []any{"bulk", "sms", "bulk", r.lab.keys.Ring.Seal(words, "unreadable/bulk"), long}, nil
		}))
	must(r.t, err)
	r.bulk = 2 * each
}

// ask asks the record for one number.
func (r *rotations) ask(query string, args ...any) (n int) {
	r.t.Helper()
	must(r.t, r.record.Pool().QueryRow(r.t.Context(), query, args...).Scan(&n))
	return n
}

// rewrapped is how much of the bulk is under the new key.
func (r *rotations) rewrapped() int {
	r.t.Helper()
	return r.ask(`select (select count(*) from submission_event where get_byte(sealed_note, 0) = 2) + (select count(*) from unreadable where get_byte(sealed, 0) = 2)`)
}

// inUse reports whether gateways are to seal under the new key.
func (r *rotations) inUse() bool {
	return r.ask(`select count(*) from key_check where name = 'office-2'`) == 1
}

func (r *rotations) command(args ...string) *exec.Cmd {
	return exec.Command(program(r.t), append([]string{"keys", "rotate", "--config", r.config, "--reason", "a laptop was lost"}, args...)...)
}

// kill runs a rotation and ends it as a power cut does once the point is reached.
func (r *rotations) kill(what string, point func() bool) {
	r.t.Helper()
	out := &log{}
	cmd := r.command()
	cmd.Stdout, cmd.Stderr = out, out
	must(r.t, cmd.Start())
	gone := make(chan error, 1)
	go func() { gone <- cmd.Wait() }()
	reached := false
	for end := time.Now().Add(60 * time.Second); !reached && time.Now().Before(end); time.Sleep(2 * time.Millisecond) {
		if reached = point(); reached {
			break
		}
		select {
		case err := <-gone:
			r.t.Errorf("it ended (%v) before %s:\n%s", err, what, out)
			return
		default:
		}
	}
	_ = cmd.Process.Kill()
	var exit *exec.ExitError
	if err := <-gone; !reached || !errors.As(err, &exit) || exit.ExitCode() != -1 {
		r.t.Errorf("it was not killed at %s (%v):\n%s", what, err, out)
		return
	}
	r.killed++
	r.t.Logf("killed at %s; %d of %d rows are rewrapped", what, r.rewrapped(), r.bulk)
}

// run runs a rotation to its end.
func (r *rotations) run(args ...string) (string, int) {
	r.t.Helper()
	out, err := r.command(args...).CombinedOutput()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		r.t.Fatal(err)
	}
	status := 0
	if exit != nil {
		status = exit.ExitCode()
	}
	return string(out), status
}

// finished runs rotations until one has nothing left to do.
func (r *rotations) finished() {
	r.t.Helper()
	for range 6 { // a spool counts as not empty for 10 s behind its last record
		out, status := r.run("--finish")
		r.t.Log("\n" + out)
		if status == 0 {
			return
		}
	}
	r.t.Error("a rotation does not come to its end")
}

// opens wants everything in the record to open by the key folder as it is now, and
// nothing but reasons of the audit to be under an earlier key.
func (r *rotations) opens() {
	r.t.Helper()
	ring, err := vault.Open(r.keys)
	must(r.t, err)
	stay, opened, closed := errors.New("it stays"), 0, 0
	_, err = r.record.Rewrap(r.t.Context(), 0, func(sealed []byte, bound string) ([]byte, error) { // under no key: everything is gone through
		if _, err := ring.Open(sealed, bound); err != nil {
			closed++
		} else {
			opened++
		}
		return nil, stay
	})
	must(r.t, err)
	all, err := r.record.SealedUnder(r.t.Context())
	must(r.t, err)
	for _, u := range all {
		if u.Key != 2 && !u.Fixed {
			r.t.Errorf("%d %s are under key %d", u.Count, u.Kind, u.Key)
		}
	}
	if closed > 0 || opened < r.bulk {
		r.t.Errorf("%d open and %d do not", opened, closed)
	}
	r.t.Logf("%d things open", opened)
}

// C30: a rotation of the office keys is killed at ten points of its course under load,
// on two machines, each with its own copy of the keys. One of them is cut off from
// PostgreSQL while the key is taken into use, and one is killed.
func TestAKeyRotationKilledAtTenPoints(t *testing.T) {
	onlyChaos(t)
	db := newPostgres(t, found(t))
	must(t, fill(db.url()))
	l := labOn(t, db.url(), "duplicate=0.05,drop=0.02", "africastalking", "external")
	l.redis = redisOf(t)
	here := l.ownKeys()
	there := l.copyKeys(here)
	wire := newProxy(t, "tcp", fmt.Sprintf("127.0.0.1:%d", db.port))
	one := l.serve()
	two := l.serve(func(s *site) { s.postgres = through(db.url(), db.port, wire) })
	one.withKeys(here)
	two.withKeys(there)
	r := &rotations{lab: l, config: one.config, keys: here}
	r.fillUp(15_000)
	end := l.plays(busy(100 * time.Second))
	time.Sleep(2 * time.Second)

	file := filepath.Join(here, "office-2.key")
	made := func() bool { _, err := os.Stat(file); return err == nil }
	after := func(d time.Duration) func() bool {
		began := time.Now()
		return func() bool { return time.Since(began) > d }
	}
	r.kill("its beginning", after(15*time.Millisecond))
	r.kill("the making of the key", made)
	r.kill("its waiting for gateways", after(3*time.Second))
	out, status := r.run()
	if status != 1 || !strings.Contains(out, "nothing is rewrapped yet") || r.inUse() || r.rewrapped() > 0 {
		t.Errorf("while a gateway lacks the key it exits %d:\n%s", status, out)
	}
	l.copyKey(here, there, "office-2.key")
	for end := time.Now().Add(30 * time.Second); r.ask(`select count(*) from node where stopped_at is null and cardinality(keys) = 2`) < 2; time.Sleep(100 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("the gateways do not tell of the key")
		}
	}
	l.ledger.During("postgres", func() {
		wire.refuse()
		time.Sleep(2 * time.Second)
		r.kill("the taking into use", r.inUse)
		time.Sleep(2 * time.Second)
		if state := get(two.url + "/readyz"); strings.Contains(state, `"spooled":0`) {
			t.Errorf("nothing is spooled under the old key: %s", state)
		}
		wire.heal()
	})
	for n, percent := range []int{10, 30, 50, 70, 90} {
		if n == 2 {
			l.ledger.During("gateway", func() { one.kill(); one.start() })
		}
		r.kill(fmt.Sprintf("%d %%", percent), func() bool { return r.rewrapped() >= r.bulk*percent/100 })
	}
	r.kill("its last round", func() bool { return r.rewrapped() >= r.bulk })
	// Under load something may lie in a spool at any moment, which it says; nothing else is
	// left.
	if out, status = r.run("--finish"); status != 0 && !strings.Contains(out, "in spools: ") || strings.Contains(out, "left under") {
		t.Errorf("a rotation does not come to its end, and exits %d:\n%s", status, out)
	}
	if r.killed != 10 {
		t.Errorf("it was killed %d times", r.killed)
	}
	end()
	l.emptied(20*time.Second, one, two)
	l.settled()
	r.finished() // with what came out of spools meanwhile
	must(t, fakeaggregator.PlayStaff(t.Context(), two.url, l.coordinator(), l.ledger))
	report := l.holds()
	r.opens()
	if n := r.ask(`select count(*) from audit where act = 'keys.rotate'`); n < 7 {
		t.Errorf("the audit has %d entries of rotations", n)
	}
	if report.Summary.Finished < 300 {
		t.Errorf("only %d finished: %v", report.Summary.Finished, report.Summary.Runs)
	}
}

// The same at three points, without load, on a site whose gateway is stopped, so that a
// rotation waits for nobody.
func TestAKeyRotationKilledOnAStoppedSite(t *testing.T) {
	l := newLab(t, "", "africastalking")
	g := l.serve()
	here := l.ownKeys()
	g.withKeys(here)
	r := &rotations{lab: l, config: g.config, keys: here}
	r.fillUp(4_000)
	g.quit()
	r.kill("the taking into use", r.inUse)
	for _, percent := range []int{30, 80} {
		r.kill(fmt.Sprintf("%d %%", percent), func() bool { return r.rewrapped() >= r.bulk*percent/100 })
	}
	r.finished()
	g.start()
	r.opens()
}
