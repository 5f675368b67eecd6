package app_test

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"time"

	"lafia/gateway/message"
	"lafia/internal/app"
	"lafia/internal/conversation"
)

// siteWith is what a command works on that has a folder for its spool.
func (w *world) siteWith(t *testing.T, dir string) app.Site {
	t.Helper()
	config := filepath.Join(t.TempDir(), "config.toml")
	must(t, os.WriteFile(config, fmt.Appendf(nil, "[postgres]\nurl = %q\n[redis]\nurl = %q\n[keys]\ndir = %q\n[spool]\ndir = %q\n", w.postgres, "unix://"+w.redis, w.keys, dir), 0o600))
	return app.Site{Config: config}
}

func (w *world) exec(t *testing.T, query string, args ...any) {
	t.Helper()
	_, err := w.record.Pool().Exec(t.Context(), query, args...)
	must(t, err)
}

func (w *world) held(t *testing.T) bool {
	t.Helper()
	l, err := w.record.Life(t.Context())
	must(t, err)
	return !l.Held.IsZero()
}

var quietLog = slog.New(slog.DiscardHandler)

// A record that is put back under a gateway that runs.
func TestAnOlderRecordHoldsWhatIsSentAndForgetsAgainWhoWasErased(t *testing.T) {
	w, dir := newWorld(t), filepath.Join(t.TempDir(), "spool")
	a := w.start(t, withSpool(dir))
	site := w.siteWith(t, dir)
	number := message.ParseNumber("+22370000042")
	who := w.ring.Pseudonym(number.Reveal())
	said := func(id string) {
		w.exec(t, `insert into submission (id, kind, level, reference, contact, channel, medium, language, sealed, received_at)
			values ($1, 'open', 'L1', '48271936', $2, 'africastalking', 'sms', 'fr', 'words', now() - interval '1 hour')`, id, who.Bytes())
	}
	hers := func() int { return w.count(t, `select count(*) from submission where contact = $1`, who.Bytes()) }
	said("00000000-0000-8000-8000-0000000000a1")
	e, err := app.ErasePerson(t.Context(), site, app.PersonAsked{Number: number, Reason: "letter"}, quietLog)
	must(t, err)
	if e.Gone["messages"] != 1 || hers() != 0 || e.NoSessions != nil {
		t.Fatalf("%+v", e)
	}
	if e, err = app.ErasePerson(t.Context(), site, app.PersonAsked{Number: number, Reason: "letter"}, quietLog); err != nil || len(e.Gone) != 0 || e.Before.IsZero() {
		t.Fatal(e, err)
	}
	if w.held(t) {
		t.Fatal("sends are held, and nothing was restored")
	}
	await(t, 10*time.Second, "a sign of life to be remembered", func() bool {
		_, err := os.Stat(filepath.Join(dir, "life"))
		return err == nil
	})
	w.exec(t, `delete from erasure`)
	said("00000000-0000-8000-8000-0000000000a2")
	w.exec(t, `update life set beat = 0`)
	send := func(n string) string {
		o := conversation.NewOutgoing(w.ring, channel, "test", message.ParseNumber("+22370000043"), "Bonjour", []byte(n), time.Now().Add(time.Hour))
		must(t, w.record.QueueOutbound(t.Context(), o, time.Now()))
		return o.ID
	}
	first := send("1")
	await(t, 10*time.Second, "the older record to be noticed", func() bool { return w.held(t) && hers() == 0 })
	await(t, 5*time.Second, "the metric", func() bool { return metric(t, a.URL(), "lafia_restore_held") == 1 })
	p, err := w.record.Progress(t.Context(), first)
	must(t, err)
	if p.State != "queued" || p.Attempts != 0 {
		t.Fatalf("%+v", p)
	}
	r, err := app.ConfirmRestore(t.Context(), site, app.Confirming{Reason: "disk"}, quietLog)
	must(t, err)
	if !r.Held || w.held(t) {
		t.Fatalf("%+v", r)
	}
	second := send("2")
	await(t, 10*time.Second, "a message to go out", func() bool {
		p, err := w.record.Progress(t.Context(), second)
		must(t, err)
		return p.State != "queued" && p.Attempts == 1
	})
	time.Sleep(1500 * time.Millisecond)
	if w.held(t) {
		t.Error("it holds once more")
	}
	if r, err := app.ConfirmRestore(t.Context(), site, app.Confirming{Reason: "disk"}, quietLog); err != nil || r.Held {
		t.Error(r, err)
	}
}

func TestAGatewayOnANewMachineAsksForTheListOfTheOldOne(t *testing.T) {
	w := newWorld(t)
	old, fresh := filepath.Join(t.TempDir(), "old"), filepath.Join(t.TempDir(), "new")
	for range 2 {
		a := w.start(t, withSpool(old))
		readiness(t, a.URL()) // it serves: what is stopped before is not waited for
		must(t, a.Stop(t.Context()))
	}
	if w.held(t) {
		t.Fatal("a restart is taken for a restore")
	}
	w.exec(t, `update node set beat_at = beat_at - interval '1 hour', stopped_at = stopped_at - interval '1 hour'`)
	w.start(t, withSpool(fresh))
	if !w.held(t) {
		t.Fatal("a gateway that knows nothing of the record sends")
	}
	site := w.siteWith(t, fresh)
	if _, err := app.ConfirmRestore(t.Context(), site, app.Confirming{Reason: "disk"}, quietLog); !errors.Is(err, app.ErrNoList) {
		t.Error(err)
	}
	r, err := app.ConfirmRestore(t.Context(), site, app.Confirming{Reason: "disk", Erased: []string{filepath.Join(old, "erased")}}, quietLog)
	must(t, err)
	if !r.Held || w.held(t) {
		t.Errorf("%+v", r)
	}
}
