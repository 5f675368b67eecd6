package casework

import (
	"errors"
	"strings"
	"sync"
	"testing"

	"lafia/internal/audit"
	"lafia/internal/programme"
	"lafia/internal/staff"
	"lafia/internal/store"
)

// report stores a leader's report by SMS, which waits to be confirmed.
func (b *bench) report(t *testing.T, s programme.Submission) string {
	t.Helper()
	s.Kind = programme.Progress
	id := b.submit(t, s)
	b.exec(t, `update submission set confirmed = false where id = $1::text::uuid`, id)
	return id
}

func TestAConfirmationIsWrittenOnceWithItsNoteSealed(t *testing.T) {
	b := newBench(t)
	id := b.report(t, programme.Submission{Status: programme.InProgress})
	who := b.account(t, staff.Officer)
	// An address may be typed in capitals: the note opens all the same.
	c := Confirmation{ID: strings.ToUpper(id), Note: "Vue avec elle.\r\nC'est le sien."}
	for i, want := range []bool{false, true, true} {
		if already, err := b.Confirm(t.Context(), who, c); err != nil || already != want {
			t.Fatalf("send %d: already %v, %v", i, already, err)
		}
	}
	r, err := b.Read(t.Context(), who.Scope(), id)
	if err != nil || !r.Confirmed || r.Waits() || r.Status != programme.InProgress || len(r.Events) != 1 {
		t.Fatalf("%+v, %v", r, err)
	}
	if e := r.Events[0]; !e.Confirms() || e.From != programme.InProgress || e.Note != "Vue avec elle.\nC'est le sien." || e.Staff != who.Name || !e.At.Equal(b.now) || e.State != TextOpen {
		t.Errorf("event %+v", e)
	}
	if n := count(t, b, `select count(*)::int from submission_event where position('elle'::bytea in sealed_note) > 0`); n != 0 {
		t.Error("the note lies there readable")
	}
	if _, err := b.Move(t.Context(), who, Move{ID: id, From: programme.InProgress, To: programme.Closed}); err != nil {
		t.Errorf("a move after it: %v", err)
	}
	if r, err = b.Read(t.Context(), who.Scope(), id); err != nil || len(r.Events) != 2 || r.Events[1].Confirms() {
		t.Errorf("a move shows as a confirmation: %+v, %v", r.Events, err)
	}
}

func TestOfTwoWhoConfirmAtOnceOneIsWrittenAndTheOtherIsTold(t *testing.T) {
	b := newBench(t)
	who := []staff.Account{b.account(t, staff.Officer), b.account(t, staff.Coordinator)}
	for range 10 {
		id := b.report(t, programme.Submission{})
		var wg sync.WaitGroup
		errs := make([]error, 2)
		for i := range who {
			wg.Go(func() { _, errs[i] = b.Confirm(t.Context(), who[i], Confirmation{ID: id, Note: who[i].Name}) })
		}
		wg.Wait()
		var told *ConfirmedError
		if (errs[0] == nil) == (errs[1] == nil) || !errors.As(errors.Join(errs...), &told) {
			t.Fatalf("errors %v", errs)
		}
		r, err := b.Read(t.Context(), who[0].Scope(), id)
		if err != nil || !r.Confirmed || len(r.Events) != 1 || told.By != r.Events[0].Staff {
			t.Fatalf("%+v %v; the second is told %+v", r, err, told)
		}
	}
}

func TestWhatItsLeaderConfirmedIsConfirmed(t *testing.T) {
	b := newBench(t)
	id, who := b.report(t, programme.Submission{}), b.account(t, staff.Officer)
	if err := b.store.Confirm(t.Context(), make([]byte, 32), id, b.now); err != nil {
		t.Fatal(err)
	}
	if already, err := b.Confirm(t.Context(), who, Confirmation{ID: id}); err != nil || !already {
		t.Errorf("already %v, %v", already, err)
	}
	var first *ConfirmedError
	if _, err := b.Confirm(t.Context(), who, Confirmation{ID: id, Note: "Vue."}); !errors.As(err, &first) || first.By != "" {
		t.Errorf("with a note: %v", err)
	}
	if n := count(t, b, `select count(*)::int from submission_event`); n != 1 { // hers, which names nobody of the team
		t.Errorf("%d events", n)
	}
}

func TestWhoMayNotConfirmMeetsNothing(t *testing.T) {
	b := newBench(t)
	id := b.report(t, programme.Submission{Region: "ML07"})
	other := b.submit(t, programme.Submission{Kind: programme.Feedback})
	for _, who := range []staff.Account{b.account(t, staff.Viewer), b.account(t, staff.Officer, "ML06"), b.account(t, staff.Protection), b.account(t, staff.Translator)} {
		if _, err := b.Confirm(t.Context(), who, Confirmation{ID: id}); !errors.Is(err, ErrNotFound) {
			t.Errorf("%s: %v", who.Role, err)
		}
	}
	who := b.account(t, staff.Coordinator)
	for _, id := range []string{other, "00000000-0000-8000-8000-999999999999", "x", strings.Repeat("'", 36)} {
		if _, err := b.Confirm(t.Context(), who, Confirmation{ID: id}); !errors.Is(err, ErrNotFound) {
			t.Errorf("%s: %v", id, err)
		}
	}
	if _, err := b.Confirm(t.Context(), who, Confirmation{ID: id, Note: strings.Repeat("é", NoteMost+1)}); !errors.Is(err, ErrNoteLong) {
		t.Errorf("a long note: %v", err)
	}
	for _, scope := range []staff.Scope{{}, {Regions: []string{"ML07"}, Words: true}} {
		if err := b.store.ConfirmReport(t.Context(), scope, store.Confirmation{ID: id, StaffID: who.ID}, b.now, b.act(who.ID, audit.MessageConfirm, id)); !errors.Is(err, ErrNotFound) {
			t.Errorf("with %+v: %v", scope, err)
		}
	}
	if n := count(t, b, `select count(*)::int from submission where not confirmed`); n != 1 {
		t.Error("it was confirmed")
	}
}
