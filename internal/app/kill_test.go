package app_test

import (
	"context"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"lafia/gateway/message"
	"lafia/internal/app"
	"lafia/internal/programme"
	"lafia/internal/servers"
	"lafia/internal/servers/serverstest"
	"lafia/internal/store/storetest"
	"lafia/internal/vault"
)

// TestAGatewayKilledInTheLastHopLosesAndDoublesNothing kills a gateway process
// at each point of the hop that finishes a run. The aggregator repeats the very
// request to the gateway that is started after it.
func TestAGatewayKilledInTheLastHopLosesAndDoublesNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for n, point := range []string{"loaded", "sent", "committed", "saved"} {
		t.Run(point, func(t *testing.T) {
			t.Parallel()
			arm := filepath.Join(t.TempDir(), "armed")
			first, url := w.gatewayProcess(t, spec{KillAt: point, Armed: arm})
			// Another run before, so that the statement is prepared on some connection and not on all.
			other := newWalk(t, programme.Tension, "ses", message.USSD, canary(50+n))
			other.play(t, newPhone(t, other.number, url).on(message.USSD), nil)

			walk := newWalk(t, programme.Feedback, languages[n%3], message.USSD, canary(60+n))
			p := newPhone(t, walk.number, url)
			walk.almost(t, p)
			must(t, os.WriteFile(arm, nil, 0o600))
			if a := p.hop(url); a.err == nil {
				t.Fatalf("the hop that is to kill got %d %q", a.status, a.body)
			}
			first.killed()
			_, url = w.gatewayProcess(t, spec{})
			p.gateways = []string{url}
			last := p.show()
			if !last.end {
				t.Fatalf("the retry got\n%s", last.text)
			}
			walk.check(t, w.record, w.ring, reference(last))
			if again := p.show(); again != last {
				t.Errorf("one more retry got\n%s\nbefore it\n%s", again.text, last.text)
			}
			walk.check(t, w.record, w.ring, reference(last))
			walk.asks(t, p.on(message.USSD), reference(last), programme.New)
		})
	}
}

// TestAnAnswerToACommitThatNeverComesIsSettledByTheSameRun takes the answer to a
// commit away: the gateway commits the same run once more by itself.
func TestAnAnswerToACommitThatNeverComesIsSettledByTheSameRun(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for n, how := range []struct {
		name string
		mode int32
	}{{"the connection is cut", swallowAndCut}, {"nothing comes any more", swallowAndStall}} {
		t.Run(how.name, func(t *testing.T) {
			t.Parallel()
			var armed atomic.Bool
			tap := &wire{armed: func() bool { return armed.Swap(false) }, hit: func(c *tapped) { c.swallow.Store(how.mode) }}
			a := w.start(t, func(o *app.Options) { o.Postgres.Dial = tap.dial })
			walk := newWalk(t, programme.Feedback, "bm", message.USSD, canary(70+n))
			p := newPhone(t, walk.number, a.URL())
			walk.almost(t, p)
			armed.Store(true)
			began := time.Now()
			last := p.show()
			if took := time.Since(began); took > 8*time.Second {
				t.Errorf("the caller waited %v", took)
			}
			if tap.hits.Load() != 1 {
				t.Fatalf("%d answers were taken away", tap.hits.Load())
			}
			row := walk.check(t, w.record, w.ring, reference(last))
			// The run was met by the second commit: it wrote, and made nothing.
			var seen int
			must(t, w.record.Pool().QueryRow(t.Context(), `select max(seen) from identity where run_id = $1`, row.ID).Scan(&seen))
			if seen != 2 {
				t.Errorf("the run was committed %d times, want twice", seen)
			}
			if again := p.show(); again != last {
				t.Errorf("a retry got\n%s", again.text)
			}
		})
	}
}

// TestAnSMSWhoseHandlingIsKilledIsAnsweredOnce kills the gateway that handles an
// acknowledged SMS: in its commit, behind it, and when the reply is on its way,
// which may then not go a second time. The job queue gives its work to another one
// when three minutes have passed; the test lets them pass in the queue's table.
func TestAnSMSWhoseHandlingIsKilledIsAnsweredOnce(t *testing.T) {
	t.Parallel()
	for n, point := range []string{"sent", "committed", "replied"} {
		t.Run(point, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			dir := t.TempDir()
			arm, sends := filepath.Join(dir, "armed"), filepath.Join(dir, "sends")
			first, url := w.gatewayProcess(t, spec{KillAt: point, Armed: arm, Sends: sends})
			walk := newWalk(t, programme.Open, "fr", message.SMS, canary(80+n))
			walk.text = canaryWords + " le moulin est gâté depuis lundi"
			p := newPhone(t, walk.number, url)
			request := p.sms(walk.text)
			must(t, os.WriteFile(arm, nil, 0o600))
			a := request(url)
			first.killed()
			if a.err == nil && a.status != http.StatusOK {
				t.Fatalf("the SMS got HTTP %d", a.status)
			}
			if _, err := w.record.Pool().Exec(t.Context(), `update river_job set attempted_at = attempted_at - interval '4 minutes' where state = 'running'`); err != nil {
				t.Fatal(err)
			}
			_, url = w.gatewayProcess(t, spec{Sends: sends})
			if a = request(url); a.err != nil || a.status != http.StatusOK { // the aggregator, which had no answer perhaps
				t.Fatalf("the retry got HTTP %d, %v", a.status, a.err)
			}
			await(t, 60*time.Second, "the reply", func() bool { return len(sentTo(sends, walk.number)) > 0 })
			await(t, 10*time.Second, "every message to be handled", func() bool {
				waiting, err := w.record.Waiting(t.Context())
				must(t, err)
				return waiting == 0
			})
			want := "sent"
			if point == "replied" {
				want = "ambiguous" // it may have arrived: it is never sent again
			}
			await(t, 60*time.Second, "the reply to be "+want, func() bool {
				out, err := storetest.Outbound(t.Context(), w.record)
				must(t, err)
				return len(out) == 1 && out[0].State == want
			})
			replies := sentTo(sends, walk.number)
			if len(replies) != 1 {
				t.Fatalf("%d replies: %q", len(replies), replies)
			}
			list, confidential := kept(t, w.record, w.ring, walk.number)
			if len(list) != 1 || confidential != 0 || list[0].Text != walk.text || list[0].Kind != programme.Open {
				t.Fatalf("kept %+v", list)
			}
			if ref := referenceForm.FindString(replies[0]); ref != list[0].Reference.String() {
				t.Fatalf("the reply has the reference %q, the row %s", ref, list[0].Reference)
			}
		})
	}
}

// TestAllIsKilledAfterTheAcknowledgement kills lafia, its PostgreSQL and its
// Redis at once, as a power cut would, behind an acknowledged USSD submission and
// an acknowledged SMS.
func TestAllIsKilledAfterTheAcknowledgement(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(serverstest.Dir(t), "data")
	i := dev(t, dir)
	ring, err := vault.Open(filepath.Join(dir, "keys"))
	must(t, err)
	addresses, _, err := servers.Running(dir)
	must(t, err)
	record := openRecord(t, addresses.PostgresURL)
	text := canaryWords + " le grenier est ouvert à tous"
	writer := canary(91)
	// The hold that a worker takes on a contact, so that the SMS is surely not handled yet.
	hold, err := record.Pool().Acquire(t.Context())
	must(t, err)
	contact := ring.Pseudonym(writer)
	if _, err := hold.Exec(t.Context(), `select pg_advisory_lock(('x' || encode($1::bytea, 'hex'))::bit(64)::bigint)`, contact[:8]); err != nil {
		t.Fatal(err)
	}
	p := newPhone(t, writer, i.URL)
	if a := p.sms(text)(i.URL); a.err != nil || a.status != http.StatusOK {
		t.Fatalf("the SMS got HTTP %d, %v", a.status, a.err)
	}
	walk := newWalk(t, programme.Feedback, "bm", message.USSD, canary(90))
	q := newPhone(t, walk.number, i.URL)
	walk.almost(t, q)
	last := q.show() // acknowledged: and at once
	// No job is in a worker's hands at the moment of the kill, nor on its way there:
	// that is another test's.
	quiet := false
	for range 400 {
		must(t, i.cmd.Process.Signal(syscall.SIGSTOP))
		time.Sleep(5 * time.Millisecond)
		must(t, record.Pool().QueryRow(t.Context(), `
select not exists (select from river_job where state = 'running') and not exists (
	select from pg_stat_activity where datname = current_database() and state = 'active' and pid <> pg_backend_pid())`).Scan(&quiet))
		if quiet {
			break
		}
		must(t, i.cmd.Process.Signal(syscall.SIGCONT))
		time.Sleep(7 * time.Millisecond)
	}
	if !quiet {
		t.Fatal("the job queue was never quiet")
	}
	all := append(i.servers(), i.cmd.Process.Pid)
	for _, pid := range slices.Backward(all) {
		_ = syscall.Kill(pid, syscall.SIGKILL)
	}
	<-i.gone
	hold.Release()
	record.Close()

	i = dev(t, dir)
	record = openRecord(t, mustRunning(t, dir).PostgresURL)
	defer record.Close()
	defer func() {
		if t.Failed() {
			var jobs string
			_ = record.Pool().QueryRow(context.Background(), `select coalesce(string_agg(kind || ' ' || state || ' ' || attempt || ' ' || scheduled_at, ', '), '') from river_job`).Scan(&jobs)
			t.Logf("jobs: %s\n%s", jobs, i.errors)
		}
	}()
	q.gateways, p.gateways = []string{i.URL}, []string{i.URL}
	walk.check(t, record, ring, reference(last))
	if again := q.show(); reference(again) != reference(last) || !again.end {
		t.Errorf("the retry after the restart got\n%s", again.text)
	}
	walk.check(t, record, ring, reference(last))
	walk.asks(t, q.on(message.USSD), reference(last), programme.New)

	p.inbox = func(number string) []string { return inbox(t, i.URL, number) }
	reply := p.receive()
	list, _ := kept(t, record, ring, writer)
	if len(list) != 1 || list[0].Text != text || reference(reply) != list[0].Reference.String() {
		t.Fatalf("kept %+v, replied %q", list, reply.text)
	}
	await(t, 10*time.Second, "the reply's end to be written", func() bool {
		out, err := storetest.Outbound(t.Context(), record)
		must(t, err)
		return len(out) == 1 && out[0].State == "sent"
	})
	time.Sleep(500 * time.Millisecond)
	if got := inbox(t, i.URL, writer); len(got) != 1 {
		t.Errorf("%d replies to one SMS", len(got))
	}
	if strings.Contains(i.errors.String(), "panic") {
		t.Error(i.errors)
	}
	record.Close()
	i.end()
	// The export of an instance that does not run has both.
	cmd := exec.Command(program(t), "export", "--format", "jsonl", "--data", dir)
	exported, err := cmd.Output()
	must(t, err)
	for _, ref := range []string{reference(last), reference(reply)} {
		if n := strings.Count(string(exported), `"reference":"`+ref+`"`); n != 1 {
			t.Errorf("%s is in the export %d times", ref, n)
		}
	}
}

func mustRunning(t *testing.T, dir string) servers.Addresses {
	t.Helper()
	a, running, err := servers.Running(dir)
	must(t, err)
	if !running {
		t.Fatalf("nothing runs on %s", dir)
	}
	return a
}
