package casework

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"lafia/internal/programme"
	"lafia/internal/staff"
	"lafia/internal/store"
)

// doubt gives an answer by SMS to a message, and leaves its sending in doubt. It
// gives the message and the SMS.
func (b *bench) doubt(t *testing.T, m programme.Submission) (of, sms string) {
	t.Helper()
	b.phones(t, "*384*1#")
	b.keep(t, b.now.Add(time.Hour))
	b.exec(t, `insert into wish (contact, purpose, given, at, medium) values ($1, 'answer', true, $2, 'ussd') on conflict do nothing`, make([]byte, 32), b.now)
	of = b.submit(t, m)
	who := staff.Account{ID: "00000000-0000-4000-8000-0000000000cc", Role: staff.Coordinator}
	if _, err := b.Answer(t.Context(), who, Answering{ID: of, Text: "Le puits sera pret jeudi.", Once: of}); err != nil {
		t.Fatal(err)
	}
	if err := b.pool.QueryRow(t.Context(), `select outbound_id::text from answer where submission_id = $1::text::uuid`, of).Scan(&sms); err != nil {
		t.Fatal(err)
	}
	for _, state := range []string{"sending", "ambiguous"} {
		b.exec(t, `update outbound set state = $2, changed_at = $3 where id = $1::text::uuid`, sms, state, b.now)
	}
	return of, sms
}

func (b *bench) doubts(t *testing.T, who staff.Account) int {
	t.Helper()
	list, err := b.Doubts(t.Context(), who)
	if err != nil {
		t.Fatal(err)
	}
	return len(list)
}

func TestAMessageInDoubtIsSentAgainOnceHoweverOftenItIsAsked(t *testing.T) {
	b := newBench(t)
	of, sms := b.doubt(t, programme.Submission{Region: "ML06"})
	who, other := b.account(t, staff.Officer, "ML06"), b.account(t, staff.Coordinator)
	list, err := b.Doubts(t.Context(), who)
	if err != nil || len(list) != 1 || list[0].ID != sms || list[0].SubmissionID != of || list[0].Channel != "demo" || list[0].Class != "reply" || list[0].Purpose != "answer" {
		t.Fatalf("%+v, %v", list, err)
	}
	// A double click, and two people at once.
	var wg sync.WaitGroup
	var mu sync.Mutex
	fresh := 0
	for i := range 12 {
		asks := who
		if i%2 == 1 {
			asks = other
		}
		wg.Go(func() {
			already, err := b.Decide(context.Background(), asks, Deciding{ID: sms, Again: true})
			if err != nil {
				t.Error(err)
			}
			mu.Lock()
			defer mu.Unlock()
			if !already {
				fresh++
			}
		})
	}
	wg.Wait()
	if n := count(t, b, `select count(*)::int from outbound`); fresh != 1 || n != 2 {
		t.Fatalf("%d were first, %d messages", fresh, n)
	}
	sent := b.sent(t)
	if sent[0] != sent[1] || count(t, b, `select count(*)::int from river_job where kind = 'send_outbound'`) != 2 {
		t.Errorf("sent %q", sent)
	}
	if b.doubts(t, who) != 0 {
		t.Error("it is still to be decided")
	}
	_, decided, err := b.DoubtsOf(t.Context(), who.Scope(), of)
	if err != nil || len(decided) != 1 || decided[0].Again == "" || decided[0].State != "queued" || decided[0].Staff == "" {
		t.Errorf("%+v, %v", decided, err)
	}
	var first *DecidedError
	if _, err := b.Decide(t.Context(), other, Deciding{ID: sms}); !errors.As(err, &first) || !first.Again {
		t.Errorf("leaving it afterwards: %v", err)
	}
	// What went in its place may come into doubt too, and is decided for itself.
	again := decided[0].Again
	for _, state := range []string{"sending", "ambiguous"} {
		b.exec(t, `update outbound set state = $2, changed_at = $3 where id = $1::text::uuid`, again, state, b.now)
	}
	if b.doubts(t, who) != 1 {
		t.Error("the second one in doubt is in no list")
	}
	if already, err := b.Decide(t.Context(), who, Deciding{ID: again}); already || err != nil {
		t.Error(already, err)
	}
	if b.doubts(t, who) != 0 || count(t, b, `select count(*)::int from outbound`) != 2 {
		t.Error("leaving it queued something, or left it in the list")
	}
}

func TestWhoLeavesAMessageAndWhoSendsItAtOnceDecideOnce(t *testing.T) {
	b := newBench(t)
	_, sms := b.doubt(t, programme.Submission{Region: "ML06"})
	who := b.account(t, staff.Officer, "ML06")
	var wg sync.WaitGroup
	won := make(chan bool, 8)
	for i := range 8 {
		wg.Go(func() {
			already, err := b.Decide(context.Background(), who, Deciding{ID: sms, Again: i%2 == 0})
			var first *DecidedError
			if err != nil && !errors.As(err, &first) {
				t.Error(err)
			}
			if err == nil && !already {
				won <- i%2 == 0
			}
		})
	}
	wg.Wait()
	if len(won) != 1 {
		t.Fatalf("%d decided", len(won))
	}
	want := 1
	if <-won {
		want = 2
	}
	if n := count(t, b, `select count(*)::int from outbound`); n != want {
		t.Errorf("%d messages, not %d", n, want)
	}
}

func TestAReceiptThatComesBetweenSettlesTheDoubt(t *testing.T) {
	for _, state := range []string{"sent", "delivered", "failed"} {
		b := newBench(t)
		_, sms := b.doubt(t, programme.Submission{Region: "ML06"})
		who := b.account(t, staff.Officer, "ML06")
		if err := b.store.Receipt(t.Context(), store.Receipt{Channel: "demo", OurID: sms, State: state}, b.now); err != nil {
			t.Fatal(err)
		}
		if b.doubts(t, who) != 0 {
			t.Errorf("%s: it is still in the list", state)
		}
		for _, again := range []bool{true, false} {
			if _, err := b.Decide(t.Context(), who, Deciding{ID: sms, Again: again}); !errors.Is(err, ErrSettled) {
				t.Errorf("%s: %v", state, err)
			}
		}
		if n := count(t, b, `select count(*)::int from outbound`); n != 1 {
			t.Errorf("%s: %d messages", state, n)
		}
	}
}

// TestAReceiptAndADecisionAtOnceLeaveNothingHalf lets both come at the same moment,
// many times: either it is settled and nothing goes, or something goes and the
// receipt stands.
func TestAReceiptAndADecisionAtOnceLeaveNothingHalf(t *testing.T) {
	b := newBench(t)
	who := b.account(t, staff.Coordinator)
	settled := 0
	for range 20 {
		_, sms := b.doubt(t, programme.Submission{Region: "ML06"})
		var wg sync.WaitGroup
		var decided error
		wg.Go(func() { _, decided = b.Decide(context.Background(), who, Deciding{ID: sms, Again: true}) })
		wg.Go(func() {
			if err := b.store.Receipt(context.Background(), store.Receipt{Channel: "demo", OurID: sms, State: "delivered"}, b.now); err != nil {
				t.Error(err)
			}
		})
		wg.Wait()
		var state string
		var again int
		if err := b.pool.QueryRow(t.Context(), `select state, (select count(*) from doubt where outbound_id = o.id)::int from outbound o where id = $1::text::uuid`, sms).Scan(&state, &again); err != nil {
			t.Fatal(err)
		}
		switch {
		case state != "delivered":
			t.Errorf("the receipt is lost: %s", state)
		case errors.Is(decided, ErrSettled) && again == 0:
			settled++
		case decided == nil && again == 1:
		default:
			t.Errorf("%v, %d decisions", decided, again)
		}
	}
	t.Logf("%d of 20 receipts came first", settled)
}

func TestNobodyDecidesAboutWhatSheDoesNotRead(t *testing.T) {
	b := newBench(t)
	_, l1 := b.doubt(t, programme.Submission{Region: "ML06"})
	_, l2 := b.doubt(t, programme.Submission{Region: "ML06", Level: programme.L2, Kind: programme.Tension})
	for _, c := range []struct {
		name   string
		who    staff.Account
		sees   int
		l1, l2 bool
	}{
		{"viewer", b.account(t, staff.Viewer, "ML06"), -1, false, false},
		{"protection", b.account(t, staff.Protection), -1, false, false},
		{"translator", b.account(t, staff.Translator), -1, false, false},
		{"officer elsewhere", b.account(t, staff.Officer, "ML07", "ML05"), 0, false, false},
		{"officer", b.account(t, staff.Officer, "ML06"), 1, true, false},
		{"peace", b.account(t, staff.Peace, "ML06"), 2, true, true},
	} {
		if list, err := b.Doubts(t.Context(), c.who); c.sees >= 0 && (err != nil || len(list) != c.sees) || c.sees < 0 && !errors.Is(err, ErrNotFound) {
			t.Errorf("%s sees %d, %v", c.name, len(list), err)
		}
		for id, may := range map[string]bool{l1: c.l1, l2: c.l2} {
			if _, err := b.Decide(t.Context(), c.who, Deciding{ID: id}); may != (err == nil) || !may && !errors.Is(err, ErrNotFound) {
				t.Errorf("%s: %v", c.name, err)
			}
		}
		b.exec(t, `delete from doubt`)
	}
	administrator := b.account(t, staff.Administrator)
	for _, id := range []string{"x", "00000000-0000-8000-8000-999999999999"} {
		if _, err := b.Decide(t.Context(), administrator, Deciding{ID: id, Again: true}); !errors.Is(err, ErrNotFound) {
			t.Errorf("%s: %v", id, err)
		}
	}
}

func TestWhatCannotBeSentAgainIsLeft(t *testing.T) {
	b := newBench(t)
	_, sms := b.doubt(t, programme.Submission{Region: "ML06"})
	who := b.account(t, staff.Officer, "ML06")
	b.exec(t, `update number set keep_until = $1`, b.now)
	if _, err := b.Decide(t.Context(), who, Deciding{ID: sms, Again: true}); !errors.Is(err, ErrNoNumber) {
		t.Error(err)
	}
	b.exec(t, `update number set keep_until = $1`, b.now.Add(time.Hour))
	b.exec(t, `update outbound set sealed = ''`) // as an erasure leaves it
	if _, err := b.Decide(t.Context(), who, Deciding{ID: sms, Again: true}); !errors.Is(err, ErrTextGone) {
		t.Error(err)
	}
	if already, err := b.Decide(t.Context(), who, Deciding{ID: sms}); already || err != nil {
		t.Error(already, err)
	}
}

// TestWhatBelongsToNoMessageIsInNoList has replies in doubt to messages of the focal
// points and to commands: a list of them would tell of the former.
func TestWhatBelongsToNoMessageIsInNoList(t *testing.T) {
	b := newBench(t)
	b.exec(t, `insert into inbound (id, contact, channel, sealed, answerable, received_at) values ('00000000-0000-8000-8000-0000000000aa', $1, 'demo', '', true, $2)`, make([]byte, 32), b.now)
	b.exec(t, `insert into outbound (id, inbound_id, contact, channel, class, sealed, state, created_at, changed_at)
		values ('00000000-0000-8000-8000-0000000000bb', '00000000-0000-8000-8000-0000000000aa', $1, 'demo', 'reply', 'x', 'ambiguous', $2, $2)`, make([]byte, 32), b.now)
	who := b.account(t, staff.Administrator)
	if b.doubts(t, who) != 0 {
		t.Error("it is listed")
	}
	if _, err := b.Decide(t.Context(), who, Deciding{ID: "00000000-0000-8000-8000-0000000000bb", Again: true}); !errors.Is(err, ErrNotFound) {
		t.Error(err)
	}
	// The acknowledgement of a message that the team reads is.
	id := b.submit(t, programme.Submission{Kind: programme.Open})
	b.exec(t, `update submission set medium = 'sms' where id = $1::text::uuid`, id)
	if b.doubts(t, who) != 1 {
		t.Error("the acknowledgement of an open message is not listed")
	}
}
