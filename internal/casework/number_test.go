package casework

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"lafia/flows"
	"lafia/gateway/message"
	"lafia/internal/conversation"
	"lafia/internal/flow"
	"lafia/internal/locale"
	"lafia/internal/programme"
	"lafia/internal/servers/serverstest"
	"lafia/internal/session"
	"lafia/internal/staff"
	"lafia/locales"
)

// call stores a message of somebody who asks to be called.
func (b *bench) call(t *testing.T, s programme.Submission) string {
	t.Helper()
	s.Kind, s.Answers = programme.Open, map[string]string{"call": "yes"}
	return b.submit(t, s)
}

// keep keeps the number of whoever sends what submit stores.
func (b *bench) keep(t *testing.T, until time.Time) {
	t.Helper()
	contact := make([]byte, 32)
	if err := b.store.PutNumber(t.Context(), contact, b.ring.Seal([]byte("+22370000001"), "number/"+string(contact)), until); err != nil {
		t.Fatal(err)
	}
}

// wish keeps a yes or no of whoever sends what submit stores.
func (b *bench) wish(t *testing.T, purpose string, given bool) {
	t.Helper()
	b.exec(t, `
insert into wish (contact, purpose, given, at, medium) values ($1, $2, $3, $4, 'sms')
on conflict (contact, purpose) do update set given = $3, at = $4`, make([]byte, 32), purpose, given, b.now)
}

func TestANumberIsShownForAReasonAndTheHistorySaysToWhomWhenAndWhy(t *testing.T) {
	b := newBench(t)
	b.keep(t, b.now.Add(time.Hour))
	id := b.call(t, programme.Submission{Region: "ML06", Status: programme.Acknowledged})
	who := b.account(t, staff.Officer, "ML06")
	// An address may be typed in capitals: the reason opens all the same.
	n, err := b.Number(t.Context(), who, Asking{ID: strings.ToUpper(id), Reason: " Elle demande qu'on l'appelle.\r\n"})
	if err != nil || n.Reveal() != "+22370000001" {
		t.Fatalf("%q, %v", n.Reveal(), err)
	}
	r, err := b.Read(t.Context(), who.Scope(), id)
	if err != nil || r.Callback != CanCall || r.Status != programme.Acknowledged || len(r.Events) != 1 {
		t.Fatalf("%+v, %v", r, err)
	}
	if e := r.Events[0]; !e.NumberShown || e.Confirms() || e.From != programme.Acknowledged || e.To != programme.Acknowledged ||
		e.StaffID != who.ID || e.Staff != who.Name || !e.At.Equal(b.now) || e.Note != "Elle demande qu'on l'appelle." {
		t.Errorf("event %+v", e)
	}
	if n := count(t, b, `select count(*)::int from submission_event e where position('70000001'::bytea in sealed_note) > 0
		or position('appelle'::bytea in sealed_note) > 0 or row_to_json(e)::text like '%70000001%'`); n != 0 {
		t.Error("the number or the reason lies there readable")
	}
	// A move goes on as before, and each showing is an event of its own.
	m := Move{ID: id, From: programme.Acknowledged, To: programme.InProgress, Note: "Appelée."}
	if _, err := b.Move(t.Context(), who, m); err != nil {
		t.Fatal(err)
	}
	if _, err := b.Number(t.Context(), who, Asking{ID: id, Reason: "Rappel."}); err != nil {
		t.Fatal(err)
	}
	if already, err := b.Move(t.Context(), who, m); err != nil || !already {
		t.Errorf("the same move after a showing: already %v, %v", already, err)
	}
	if r, err = b.Read(t.Context(), who.Scope(), id); err != nil || len(r.Events) != 3 || r.Events[1].NumberShown || !r.Events[2].NumberShown {
		t.Errorf("history %+v, %v", r.Events, err)
	}
}

func TestWhoMayHaveANumberAndWhoMayNot(t *testing.T) {
	calls := programme.Submission{Region: "ML06", Kind: programme.Open, Answers: map[string]string{"call": "yes"}}
	l2 := calls
	l2.Level = programme.L2
	silent := programme.Submission{Region: "ML06"}
	const hour = time.Hour
	for _, c := range []struct {
		name    string
		message programme.Submission
		role    staff.Role
		regions []string
		number  bool
		agreed  bool
		left    time.Duration // of the number's time
		can     Callback
		want    error
	}{
		{"she asked, an officer of her region", calls, staff.Officer, []string{"ML06"}, true, false, hour, CanCall, nil},
		{"she agreed to be answered", silent, staff.Officer, []string{"ML06"}, true, true, hour, CanCall, nil},
		{"a coordinator, of every region", calls, staff.Coordinator, nil, true, false, hour, CanCall, nil},
		{"L2, the peace team", l2, staff.Peace, []string{"ML06"}, true, false, hour, CanCall, nil},
		{"L2, an officer", l2, staff.Officer, []string{"ML06"}, true, true, hour, NotAsked, ErrNotFound},
		{"an officer of another region", calls, staff.Officer, []string{"ML07"}, true, true, hour, NotAsked, ErrNotFound},
		{"a viewer", calls, staff.Viewer, []string{"ML06"}, true, true, hour, NotAsked, ErrNotFound},
		{"a translator", calls, staff.Translator, nil, true, true, hour, NotAsked, ErrNotFound},
		{"a focal point", calls, staff.Protection, nil, true, true, hour, NotAsked, ErrNotFound},
		{"she neither asked nor agreed", silent, staff.Coordinator, nil, true, false, hour, NotAsked, ErrNotFound},
		{"she asked, no number was kept", calls, staff.Coordinator, nil, false, false, 0, NumberGone, ErrNoNumber},
		{"she asked, its time is over", calls, staff.Coordinator, nil, true, false, 0, NumberGone, ErrNoNumber},
		{"she agreed, its time is over", silent, staff.Coordinator, nil, true, true, -hour, NumberGone, ErrNoNumber},
		{"she agreed, no number was kept", silent, staff.Coordinator, nil, false, true, 0, NumberGone, ErrNoNumber},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := newBench(t)
			if c.number {
				b.keep(t, b.now.Add(c.left))
			}
			b.wish(t, "followup", true) // which is no leave to call
			if c.agreed {
				b.wish(t, "answer", true)
			}
			id, who := b.submit(t, c.message), b.account(t, c.role, c.regions...)
			n, err := b.Number(t.Context(), who, Asking{ID: id, Reason: "Elle demande."})
			if !errors.Is(err, c.want) || (c.want == nil) != (n.Reveal() != "") {
				t.Errorf("shown: %v, %v", n.Reveal() != "", err)
			}
			shown := 0
			if c.want == nil {
				shown = 1
			}
			if got := count(t, b, `select count(*)::int from submission_event`); got != shown {
				t.Errorf("%d events", got)
			}
			if r, err := b.Read(t.Context(), who.Scope(), id); err == nil && r.Callback != c.can {
				t.Errorf("callback %d, want %d", r.Callback, c.can)
			}
		})
	}
}

func TestWhoTakesHerAgreementBackIsNotCalled(t *testing.T) {
	b := newBench(t)
	b.keep(t, b.now.Add(time.Hour))
	id, who := b.submit(t, programme.Submission{}), b.account(t, staff.Coordinator)
	for _, w := range []struct {
		given bool
		want  error
	}{{true, nil}, {false, ErrNotFound}} {
		b.now = b.now.Add(time.Second)
		b.wish(t, "answer", w.given)
		if _, err := b.Number(t.Context(), who, Asking{ID: id, Reason: "Pour répondre."}); !errors.Is(err, w.want) {
			t.Errorf("after %v: %v", w.given, err)
		}
	}
}

func TestANumberWithoutAReasonOrThatDoesNotOpenIsNotShown(t *testing.T) {
	b := newBench(t)
	b.keep(t, b.now.Add(time.Hour))
	id, who := b.call(t, programme.Submission{}), b.account(t, staff.Coordinator)
	for reason, want := range map[string]error{"": ErrNoReason, " \r\n\t": ErrNoReason, strings.Repeat("é", NoteMost+1): ErrNoteLong} {
		if _, err := b.Number(t.Context(), who, Asking{ID: id, Reason: reason}); !errors.Is(err, want) {
			t.Errorf("a reason of %d bytes: %v", len(reason), err)
		}
	}
	for _, id := range []string{"00000000-0000-8000-8000-999999999999", "x", strings.Repeat("'", 36)} {
		if _, err := b.Number(t.Context(), who, Asking{ID: id, Reason: "Elle demande."}); !errors.Is(err, ErrNotFound) {
			t.Errorf("%s: %v", id, err)
		}
	}
	b.exec(t, `update number set sealed = $1`, b.ring.Seal([]byte("+22370000002"), "number/of another"))
	if _, err := b.Number(t.Context(), who, Asking{ID: id, Reason: "Elle demande."}); !errors.Is(err, ErrNumberShut) {
		t.Errorf("a number of another: %v", err)
	}
	if n := count(t, b, `select count(*)::int from submission_event`); n != 0 {
		t.Errorf("%d events", n)
	}
}

func TestANumberDoesNotPrint(t *testing.T) {
	n := Number{e164: "+22370000001"}
	var log bytes.Buffer
	slog.New(slog.NewTextHandler(&log, nil)).Info("x", "n", n)
	j, _ := json.Marshal(map[string]any{"n": n})
	if s := fmt.Sprintf("%v %+v %#v %s %q %d %x", n, n, n, n, n, n, n) + log.String() + string(j) + n.String() + n.GoString(); strings.Contains(s, "7000") || strings.Contains(s, "37303030") {
		t.Error("a number prints")
	}
}

// TestAPersonWhoAsksBySMSCanBeCalledAndHerReplyIsSeen goes the whole way: a
// gateway receives and handles the SMS, the desk reads what came of it.
func TestAPersonWhoAsksBySMSCanBeCalledAndHerReplyIsSeen(t *testing.T) {
	b := newBench(t)
	sessions, err := session.Open(t.Context(), session.Options{Network: "unix", Addr: serverstest.Redis(t)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = sessions.Close() })
	book, err := flow.Load(flows.Files)
	if err != nil {
		t.Fatal(err)
	}
	words, err := locale.Load(locales.Files)
	if err != nil {
		t.Fatal(err)
	}
	c := conversation.New(conversation.Options{
		Ring: b.ring, Sessions: sessions, Store: b.store, Book: book, Words: words, Now: func() time.Time { return b.now }, Log: slog.New(slog.DiscardHandler),
	})
	if err := c.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Stop)
	for i, text := range []string{"Rappelez moi svp", "Le puits est sec depuis hier."} {
		b.now = b.now.Add(time.Minute)
		if err := c.Receive(t.Context(), "demo", message.Inbound{Medium: message.SMS, From: message.ParseNumber("+22370000001"), ExternalID: fmt.Sprint(i), Text: text}); err != nil {
			t.Fatal(err)
		}
		var id string
		if err := b.pool.QueryRow(t.Context(), `select id::text from inbound where handled_at is null`).Scan(&id); err != nil {
			t.Fatal(err)
		}
		if err := c.Handle(t.Context(), id); err != nil {
			t.Fatal(err)
		}
	}
	who := b.account(t, staff.Coordinator)
	p, err := b.List(t.Context(), who.Scope(), Filter{}, "")
	if err != nil || len(p.Messages) != 2 {
		t.Fatalf("%d messages, %v", len(p.Messages), err)
	}
	b.exec(t, `update outbound set state = 'ambiguous' where n = (select max(n) from outbound)`)
	for i, want := range []struct {
		can      Callback
		err      error
		delivery string
	}{{NotAsked, ErrNotFound, "ambiguous"}, {CanCall, nil, "queued"}} {
		id := p.Messages[i].ID
		r, err := b.Read(t.Context(), who.Scope(), id)
		if err != nil || r.Callback != want.can || len(r.Replies) != 1 {
			t.Fatalf("%+v, %v", r, err)
		}
		if y := r.Replies[0]; y.Delivery != want.delivery || y.State != TextOpen || !strings.Contains(y.Text, r.Reference.String()) || y.Channel != "demo" {
			t.Errorf("reply %+v", y)
		}
		if n, err := b.Number(t.Context(), who, Asking{ID: id, Reason: "Elle demande."}); !errors.Is(err, want.err) || (err == nil && n.Reveal() != "+22370000001") {
			t.Errorf("%s: %v", p.Messages[i].Text, err)
		}
		if got, err := b.store.RepliesOf(t.Context(), staff.ScopeOf(staff.Protection, nil), id); err != nil || len(got) != 0 {
			t.Errorf("outside the scope there are %d replies, %v", len(got), err)
		}
		if v, err := b.Read(t.Context(), staff.ScopeOf(staff.Viewer, nil).By("test"), id); err != nil || v.Replies[0].State != TextWithheld || v.Replies[0].Text != "" {
			t.Errorf("a viewer reads %+v, %v", v.Replies, err)
		}
	}
	if err := b.pool.QueryRow(t.Context(), `select keep_until from number`).Scan(&b.now); err != nil {
		t.Fatal(err)
	}
	if r, err := b.Read(t.Context(), who.Scope(), p.Messages[1].ID); err != nil || r.Callback != NumberGone {
		t.Errorf("once its time is over: %d, %v", r.Callback, err)
	}
}
