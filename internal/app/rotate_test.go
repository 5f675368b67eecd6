package app_test

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"lafia/gateway/message"
	"lafia/internal/app"
	"lafia/internal/audit"
	"lafia/internal/casework"
	"lafia/internal/programme"
	"lafia/internal/staff"
	"lafia/internal/vault"
)

// ownKeys gives a world a key folder of its own, a copy.
func (w *world) ownKeys(t *testing.T) {
	t.Helper()
	w.keys = copyKeys(t, w.keys)
	var err error
	w.ring, err = vault.Open(w.keys)
	must(t, err)
}

func copyKeys(t *testing.T, from string) (dir string) {
	t.Helper()
	dir = filepath.Join(t.TempDir(), "keys")
	must(t, os.Mkdir(dir, 0o700))
	files, err := os.ReadDir(from)
	must(t, err)
	for _, f := range files {
		copyKey(t, from, dir, f.Name())
	}
	return dir
}

func copyKey(t *testing.T, from, to, name string) {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(from, name))
	must(t, err)
	must(t, os.WriteFile(filepath.Join(to, name), b, 0o600))
}

// patience is how long a rotation waits for gateways that give signs of life all the time.
const patience = 2 * time.Second

// site is what a command works on.
func (w *world) site(t *testing.T) app.Site {
	t.Helper()
	config := filepath.Join(t.TempDir(), "config.toml")
	must(t, os.WriteFile(config, fmt.Appendf(nil, "[postgres]\nurl = %q\n[redis]\nurl = %q\n[keys]\ndir = %q\n", w.postgres, "unix://"+w.redis, w.keys), 0o600))
	return app.Site{Config: config}
}

// beating gives signs of life all the time until the test ends.
func beating(t *testing.T, gateways ...*app.App) {
	t.Helper()
	ctx, stop := context.WithCancel(context.Background())
	var all sync.WaitGroup
	for _, a := range gateways {
		all.Go(func() {
			for ctx.Err() == nil {
				a.Beat(context.WithoutCancel(ctx))
				time.Sleep(100 * time.Millisecond)
			}
		})
	}
	t.Cleanup(func() { stop(); all.Wait() })
}

// under counts what is sealed under an office key, and what of that is a reason of the
// audit.
func (w *world) under(t *testing.T, key int) (n, reasons int) {
	t.Helper()
	all, err := w.record.SealedUnder(t.Context())
	must(t, err)
	for _, u := range all {
		switch {
		case u.Key != key:
		case u.Fixed:
			reasons += u.Count
		default:
			n += u.Count
		}
	}
	return n, reasons
}

// words opens what a submission says.
func (w *world) words(t *testing.T, id string) (string, error) {
	t.Helper()
	var sealed []byte
	must(t, w.record.Pool().QueryRow(t.Context(), `select sealed from submission where id::text = $1`, id).Scan(&sealed))
	b, err := w.ring.Open(sealed, "submission/"+id)
	return string(b), err
}

// TestTheOfficeKeyIsRotatedUnderTwoRunningGateways rewraps everything that people and
// staff can seal, while they go on.
func TestTheOfficeKeyIsRotatedUnderTwoRunningGateways(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.ownKeys(t)
	one, two := w.start(t), w.start(t)
	site := w.site(t)
	beating(t, one, two)

	before := newWalk(t, programme.Feedback, "fr", message.USSD, canary(1))
	beforeRef := reference(before.play(t, newPhone(t, before.number, one.URL()).on(message.USSD), nil))
	newPhone(t, canary(33), one.URL()).write("le puits est à sec")
	if r := post(one.URL()+"/webhooks/"+channel+"/sms?token=dev", url.Values{"from": {canary(35)}, "text": {"x"}}); r.err != nil || r.status != http.StatusOK {
		t.Fatalf("an unreadable SMS got HTTP %d, %v", r.status, r.err)
	}
	sub := before.check(t, w.record, w.ring, beforeRef)
	coordinator := staff.Account{Role: staff.Coordinator}
	must(t, w.record.Pool().QueryRow(t.Context(), `select id::text from staff where role = 'coordinator' limit 1`).Scan(&coordinator.ID))
	_, err := one.Desk().Answer(t.Context(), coordinator, casework.Answering{ID: sub.ID, Text: "C'est noté, merci.", Once: "1", SMS: casework.NoSMS, Warned: true})
	must(t, err)
	announcement := "00000000-0000-4000-8000-0000000000b1"
	_, err = w.record.Pool().Exec(t.Context(), `insert into broadcast (id, content, sealed, recipients, at) values ($1, $2, $3, 1, now())`,
		announcement, make([]byte, 32), w.ring.Seal([]byte(`{}`), "broadcast/"+announcement))
	must(t, err)

	stop := make(chan struct{})
	var all sync.WaitGroup
	all.Go(func() { // conversations that go on meanwhile
		for i := 40; ; i++ {
			select {
			case <-stop:
				return
			default:
			}
			a := []*app.App{one, two}[i%2]
			newPhone(t, canary(i), a.URL()).write("le puits " + fmt.Sprint(i))
		}
	})
	r, err := app.RotateKeys(t.Context(), site, app.Rotating{Reason: "a laptop was lost"})
	close(stop)
	all.Wait()
	must(t, err)
	if r.Key != "office-2" || !r.Made || !r.Used || r.Again() || !slices.Equal(r.Idle, []string{"office-1"}) {
		t.Errorf("%+v", r)
	}
	for _, kind := range []string{"numbers", "words of messages", "notes of staff", "answers", "SMS that went out", "announcements", "keys of a day's SMS", "unreadable requests"} {
		if r.Rewrapped[kind] == 0 {
			t.Errorf("no %s were rewrapped: %v", kind, r.Rewrapped)
		}
	}
	if n, _ := w.under(t, 1); n != 0 {
		t.Errorf("%d are left under the old key", n)
	}
	if text, err := w.words(t, sub.ID); err != nil || text != before.text { // by a ring that was opened before
		t.Errorf("her words are %q, %v", text, err)
	}
	after := newWalk(t, programme.Tension, "bm", message.USSD, canary(2))
	afterRef := reference(after.play(t, newPhone(t, after.number, one.URL()).on(message.USSD), nil))
	after.check(t, w.record, w.ring, afterRef)
	after.asks(t, newPhone(t, after.number, two.URL()).on(message.USSD), afterRef, programme.New)
	if n, _ := w.under(t, 1); n != 0 {
		t.Errorf("%d are under the old key that were sealed later", n)
	}
	text, err := one.Desk().Read(t.Context(), coordinator.Scope(), sub.ID)
	must(t, err)
	if !strings.Contains(fmt.Sprintf("%+v", text), "noté") {
		t.Error("staff do not read the answer")
	}

	// The audit says it once; its reason is under the new key.
	entries, _, err := one.Desk().Audit(t.Context(), staff.Account{ID: coordinator.ID, Role: staff.Administrator}, 0)
	must(t, err)
	said := 0
	for _, e := range entries {
		if e.Act == audit.KeysRotate {
			said++
		}
	}
	if n, reasons := w.under(t, 2); said != 1 || n == 0 || reasons != 1 {
		t.Errorf("%d entries, %d reasons under the new key", said, reasons)
	}
	// One that starts now seals under it, and one without it does not start.
	three := w.start(t)
	late := newWalk(t, programme.Feedback, "ses", message.USSD, canary(3))
	late.check(t, w.record, w.ring, reference(late.play(t, newPhone(t, late.number, three.URL()).on(message.USSD), nil)))
	if n, _ := w.under(t, 1); n != 0 {
		t.Error("a gateway that starts seals under the old key")
	}
	checks, err := app.Doctor(t.Context(), site.Config)
	must(t, err)
	for _, c := range checks {
		if (strings.Contains(c.What, "keys") || strings.Contains(c.What, "office key")) && !c.OK {
			t.Errorf("doctor: %+v", c)
		}
	}
	lame := w.options()
	lame.KeysDir = copyKeys(t, w.keys)
	must(t, os.Remove(filepath.Join(lame.KeysDir, "office-2.key")))
	if err := app.New(lame).Start(t.Context()); err == nil || !strings.Contains(err.Error(), "office-2.key is missing") {
		t.Errorf("a gateway without the key: %v", err)
	}
}

// TestNothingIsRewrappedUntilEveryGatewayHasTheKey has two machines, each with its own
// copy of the keys.
func TestNothingIsRewrappedUntilEveryGatewayHasTheKey(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.ownKeys(t)
	elsewhere := copyKeys(t, w.keys)
	here := w.start(t)
	there := w.start(t, func(o *app.Options) { o.KeysDir = elsewhere })
	site := w.site(t)
	beating(t, here, there)
	_, err := app.RotateKeys(t.Context(), site, app.Rotating{Reason: "yearly", Patience: patience})
	if err == nil || !strings.Contains(err.Error(), "nothing is rewrapped yet") || !strings.Contains(err.Error(), "office-2.key") || strings.Count(err.Error(), "the gateway ") != 1 {
		t.Fatalf("err = %v", err)
	}
	if n, reasons := w.under(t, 2); n+reasons != 0 {
		t.Errorf("%d things are under a key that a gateway lacks", n+reasons)
	}
	// Neither a gateway nor a command seals under it, also one that starts with it in its
	// folder.
	third := w.start(t)
	walk := newWalk(t, programme.Feedback, "fr", message.USSD, canary(1))
	ref := reference(walk.play(t, newPhone(t, walk.number, third.URL()).on(message.USSD), nil))
	if n, _ := w.under(t, 2); n != 0 {
		t.Error("a gateway that starts seals under a key that another one lacks")
	}
	beating(t, third)
	// Another key of that name is none.
	must(t, vault.Create(filepath.Join(t.TempDir(), "other")))
	must(t, os.WriteFile(filepath.Join(elsewhere, "office-2.key"), []byte(strings.Repeat("ab", 32)+"\n"), 0o600))
	if _, err := app.RotateKeys(t.Context(), site, app.Rotating{Reason: "yearly", Patience: patience}); err == nil || !strings.Contains(err.Error(), "does not have this office-2.key") {
		t.Fatalf("err = %v", err)
	}
	copyKey(t, w.keys, elsewhere, "office-2.key")
	r, err := app.RotateKeys(t.Context(), site, app.Rotating{Reason: "yearly", Patience: patience})
	must(t, err)
	if r.Made || !r.Used || r.Key != "office-2" {
		t.Errorf("%+v", r)
	}
	walk.asks(t, newPhone(t, walk.number, there.URL()).on(message.USSD), ref, programme.New)
	if n, _ := w.under(t, 1); n != 0 {
		t.Errorf("%d are left under the old key", n)
	}
}

// TestARecordOfTheSpoolUnderTheOldKeyIsRewrappedWhenItHasComeOut rotates while a dead
// gateway's spool holds a report.
func TestARecordOfTheSpoolUnderTheOldKeyIsRewrappedWhenItHasComeOut(t *testing.T) {
	t.Parallel()
	w, s := newWorldApart(t)
	dir := filepath.Join(t.TempDir(), "spool")
	_, err := w.record.WrongKeys(t.Context(), w.ring.Checks()) // as a gateway does that starts
	must(t, err)
	ring, err := vault.Open(w.keys)
	must(t, err)
	_, _, _, err = ring.NextOffice() // so that the gateway tells of it at its start
	must(t, err)
	first, url := w.gatewayProcess(t, spec{Spool: dir})
	f := &finisher{walk: newWalk(t, programme.Feedback, "fr", message.USSD, canary(1))}
	f.phone = newPhone(t, f.number, url)
	f.almost(t, f.phone)
	resume := stopAtOnce(t, s)
	f.finish()
	must(t, first.cmd.Process.Kill())
	first.killed()
	resume()
	await(t, 20*time.Second, "PostgreSQL", func() bool { return w.record.Ping(t.Context()) == nil })
	_, err = w.record.Pool().Exec(t.Context(), `update node set beat_at = beat_at - interval '2 minutes'`) // it is known to be dead
	must(t, err)
	site := w.site(t)
	r, err := app.RotateKeys(t.Context(), site, app.Rotating{Reason: "yearly", Patience: patience})
	must(t, err)
	if !r.Used || r.Made {
		t.Errorf("%+v", r)
	}
	if n, _ := w.under(t, 1); n != 0 {
		t.Errorf("%d are left under the old key", n)
	}
	_, url = w.gatewayProcess(t, spec{Spool: dir})
	awaitDrained(t, 10*time.Second, url)
	f.check(t, w.record, w.ring, reference(f.last))
	if n, _ := w.under(t, 1); n == 0 {
		t.Error("what came out of the spool is not under the old key: this tests nothing")
	}
	r, err = app.RotateKeys(t.Context(), site, app.Rotating{Reason: "the rest"})
	must(t, err)
	if r.Used || r.Key != "office-2" || r.Rewrapped["words of messages"] == 0 {
		t.Errorf("%+v", r)
	}
	f.check(t, w.record, w.ring, reference(f.last))
	if n, _ := w.under(t, 1); n != 0 {
		t.Errorf("%d are left under the old key", n)
	}
	r, err = app.RotateKeys(t.Context(), site, app.Rotating{Reason: "nothing", Finish: true})
	must(t, err)
	if r.Used || len(r.Rewrapped) != 0 || r.Key != "office-2" {
		t.Errorf("%+v", r)
	}
}

// TestADeadGatewayWithoutTheKeyHoldsARotationUpUntilItIsForgotten: started again it
// could open nothing new, and what it holds in its spool is sealed.
func TestADeadGatewayWithoutTheKeyHoldsARotationUpUntilItIsForgotten(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.ownKeys(t)
	a := w.start(t)
	beating(t, a)
	const dead = "00000000-0000-8000-8000-00000000dead"
	_, err := w.record.Pool().Exec(t.Context(), `insert into node (id, started_at, beat_at, keys, sealing) values ($1, now() - interval '1 hour', now() - interval '10 minutes', $2, 1)`, dead, w.ring.Held())
	must(t, err)
	site := w.site(t)
	if _, err := app.RotateKeys(t.Context(), site, app.Rotating{Reason: "yearly", Patience: patience}); err == nil || !strings.Contains(err.Error(), dead) || !strings.Contains(err.Error(), "lafia spool forget") {
		t.Fatalf("err = %v", err)
	}
	must(t, app.ForgetNode(t.Context(), site, dead, "it is gone", slog.New(slog.DiscardHandler)))
	r, err := app.RotateKeys(t.Context(), site, app.Rotating{Reason: "yearly", Patience: patience})
	must(t, err)
	if !r.Used || r.Made {
		t.Errorf("%+v", r)
	}
}
