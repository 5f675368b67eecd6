package outbox_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"lafia/gateway/africastalking"
	"lafia/internal/outbox"
	"lafia/internal/store"
)

// as makes the desk's message one of another class.
func (d *desk) as(class string) *desk {
	d.t.Helper()
	d.exec(`update outbound set class = $1`, class)
	return d
}

// waits sends and expects the message to wait that long, for that reason.
func (d *desk) waits(after time.Duration, why string) {
	d.t.Helper()
	var again outbox.Again
	if err := d.box.Send(context.Background(), d.id); !errors.As(err, &again) {
		d.t.Fatalf("it does not wait: %v", err)
	}
	if again.After != after || again.Reason != why {
		d.t.Fatalf("it waits %v: %s; wanted %v: %s", again.After, again.Reason, after, why)
	}
	d.is("queued")
}

func (d *desk) leads() {
	d.exec(`insert into grp (code, name, place, region) values ('G1', 'Groupe', 'ML0701', 'ML07')`)
	d.exec(`insert into leader (contact, grp, pin_hash) values ($1, 'G1', '')`, make([]byte, 32))
}

func (d *desk) wishes(purpose string, given bool) {
	d.exec(`insert into wish (contact, purpose, given, at, medium) values ($1, $2, $3, $4, 'ussd')`, make([]byte, 32), purpose, given, now)
}

func sending() *far { return &far{status: 201, body: taken, wrote: true} }

func TestWishesAndClosedCommunesAreReadWhenAMessageIsSent(t *testing.T) {
	for _, c := range []struct {
		name, class, purpose string
		set                  func(*desk)
		want                 string // a state, or why it failed
	}{
		{"a reminder to who never said a word", "reminder", "", nil, "agree"},
		{"a reminder to a leader who never said a word", "reminder", "", (*desk).leads, "sent"},
		{"a reminder to a leader who said no", "reminder", "", func(d *desk) { d.leads(); d.wishes("reminder", false) }, "agree"},
		{"a reminder to who asked for them", "reminder", "", func(d *desk) { d.wishes("reminder", true) }, "sent"},
		{"a broadcast to a leader who never said a word", "broadcast", "", (*desk).leads, "agree"},
		{"a broadcast to who asked for reminders", "broadcast", "", func(d *desk) { d.wishes("reminder", true) }, "agree"},
		{"a broadcast to who asked for it", "broadcast", "", func(d *desk) { d.wishes("broadcast", true) }, "sent"},
		{"an answer to who was not asked", "receipt", "answer", nil, "agree"},
		{"an answer to who agreed", "receipt", "answer", func(d *desk) { d.wishes("answer", true) }, "sent"},
		{"an answer to who took it back", "receipt", "answer", func(d *desk) { d.wishes("answer", false) }, "agree"},
		{"a follow-up to who only wants answers", "receipt", "followup", func(d *desk) { d.wishes("answer", true) }, "agree"},
		{"an acknowledgement", "receipt", "", nil, "sent"},
		{"a reply to who said no to everything", "reply", "", func(d *desk) {
			for _, p := range []string{"answer", "followup", "reminder", "broadcast"} {
				d.wishes(p, false)
			}
		}, "sent"},
		{"a reply into a closed commune", "reply", "", (*desk).closed, "sent"},
		{"an alert into a closed commune", "alert", "", (*desk).closed, "sent"},
		{"an acknowledgement into a closed commune", "receipt", "", (*desk).closed, "closed"},
		{"a reminder to the leader of a group in a closed commune", "reminder", "", func(d *desk) {
			d.leads()
			d.close("ML0701")
		}, "closed"},
		{"a broadcast to who reported from a closed commune", "broadcast", "", func(d *desk) {
			d.wishes("broadcast", true)
			d.exec(`insert into submission (id, kind, level, reference, contact, channel, medium, language, place, received_at)
				values (gen_random_uuid(), 'open', 'L1', '48271936', $1, 'at', 'sms', 'fr', 'ML0702', $2)`, make([]byte, 32), now)
			d.close("ML0702")
		}, "closed"},
		{"a reminder once the commune is open again", "reminder", "", func(d *desk) {
			d.leads()
			d.close("ML0701")
			d.exec(`delete from closed_commune`)
		}, "sent"},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := newDesk(t, sending()).as(c.class)
			d.exec(`update outbound set purpose = $1`, c.purpose)
			if c.set != nil {
				c.set(d)
			}
			d.send()
			p, err := d.store.Progress(context.Background(), d.id)
			if err != nil {
				t.Fatal(err)
			}
			if c.want == "sent" {
				if d.is("sent"); d.far.calls.Load() != 1 {
					t.Fatalf("%d requests", d.far.calls.Load())
				}
				return
			}
			d.is("failed")
			if steps := d.steps(); d.far.calls.Load() != 0 || p.Attempts != 0 || len(steps) != 1 || !strings.Contains(steps[0], c.want) {
				t.Fatalf("%d requests, %d attempts, %v", d.far.calls.Load(), p.Attempts, steps)
			}
		})
	}
}

func (d *desk) close(pcode string) {
	d.t.Helper()
	d.exec(`insert into closed_commune (pcode, at, actor) values ($1, $2, 'cli:test')`, pcode, now)
}

func (d *desk) closed() {
	d.exec(`update outbound set place = 'ML0703'`)
	d.close("ML0703")
}

// steps are a message's transitions, "from>to reason".
func (d *desk) steps() []string {
	d.t.Helper()
	all, err := d.store.Transitions(context.Background(), d.id)
	if err != nil {
		d.t.Fatal(err)
	}
	var out []string
	for _, s := range all {
		out = append(out, strings.TrimSpace(fmt.Sprintf("%s>%s %s", s.From, s.To, s.Reason)))
	}
	return out
}

func TestRemindersAndBroadcastsWaitForTheMorning(t *testing.T) {
	evening := time.Date(2026, 11, 24, 20, 59, 59, 0, time.UTC)
	for _, c := range []struct {
		class string
		at    time.Time
		waits time.Duration
	}{
		{"reminder", evening, 0},
		{"reminder", evening.Add(time.Second), 10 * time.Hour},
		{"broadcast", evening.Add(3 * time.Hour), 7*time.Hour + time.Second},
		{"reminder", evening.Add(10 * time.Hour), time.Second},
		{"reminder", evening.Add(10*time.Hour + time.Second), 0},
		{"reply", evening.Add(4 * time.Hour), 0},
		{"receipt", evening.Add(4 * time.Hour), 0},
		{"alert", evening.Add(4 * time.Hour), 0},
	} {
		t.Run(fmt.Sprint(c.class, c.at.Format(" 15:04:05")), func(t *testing.T) {
			d := newDesk(t, sending()).as(c.class)
			d.exec(`update outbound set created_at = $1`, c.at)
			d.wishes("reminder", true)
			d.wishes("broadcast", true)
			d.at = c.at
			if c.waits > 0 {
				d.waits(c.waits, "quiet hours")
				d.at = c.at.Add(c.waits)
			}
			d.send()
			d.is("sent")
		})
	}
}

func TestWhatIsStillWaitingWhenItsTimeIsOverExpires(t *testing.T) {
	d := newDesk(t, sending()).as("reminder")
	d.leads()
	d.exec(`update outbound set created_at = $1`, now)
	d.exec(`insert into node (id, started_at, beat_at, spooled) values (gen_random_uuid(), $1, $1, 3)`, now)
	d.at = now.Add(12*time.Hour - 10*time.Second) // 20:59:50: its time is over before it is tried again
	d.waits(10*time.Second, "a stop may lie in a spool")
	d.at = now.Add(12 * time.Hour)
	d.send()
	if d.is("expired"); d.far.calls.Load() != 0 {
		t.Fatal("it was sent")
	}
}

// spool is a Holder.
type spool struct {
	held bool
	err  error
}

func (s *spool) Held(context.Context) (bool, error) { return s.held, s.err }

func TestRemindersWaitWhileAStopMayLieInASpool(t *testing.T) {
	const why = "a stop may lie in a spool"
	d := newDesk(t, sending()).as("reminder")
	d.leads()
	own := &spool{held: true}
	d.box.Holder = own
	d.waits(30*time.Second, why)
	own.held, own.err = false, errors.New("nobody knows")
	d.waits(30*time.Second, why)
	own.err = nil
	node := `insert into node (id, started_at, beat_at) values ('00000000-0000-8000-8000-0000000000aa', $1, $1)`
	d.exec(node, now.Add(-61*time.Second)) // silent
	d.waits(30*time.Second, why)
	d.exec(`update node set beat_at = $1, spooled = 1`, now)
	d.waits(30*time.Second, why)
	d.exec(`update node set stopped_at = $1`, now) // stopped with a spool that is not empty
	d.waits(30*time.Second, why)
	d.exec(`update outbound set class = 'reply'`)
	own.held = true
	d.send()
	d.is("sent")

	d = newDesk(t, sending()).as("reminder")
	d.leads()
	d.exec(node, now.Add(-time.Hour))
	d.exec(`update node set stopped_at = beat_at`)
	d.send()
	d.is("sent")
}

func TestRemindersWaitForAMessageThatTheirReceiverHasSent(t *testing.T) {
	const wrote = `insert into inbound (id, contact, channel, sealed, answerable, received_at) values (gen_random_uuid(), $1, 'at', '', true, $2)`
	for class, waits := range map[string]bool{"reply": false, "alert": false, "test": false, "receipt": false, "reminder": true, "broadcast": true} {
		t.Run(class, func(t *testing.T) {
			d := newDesk(t, sending()).as(class)
			d.wishes("reminder", true)
			d.wishes("broadcast", true)
			d.exec(wrote, bytes.Repeat([]byte{1}, 32), now) // another one's
			d.exec(wrote, make([]byte, 32), now)
			if waits {
				d.waits(15*time.Second, "a message of its receiver waits: it may be a stop")
				d.exec(`update inbound set handled_at = $1 where contact = $2`, now, make([]byte, 32))
			}
			d.send()
			d.is("sent")
		})
	}
}

func TestTheBudgetStopsAllButRepliesAndAlerts(t *testing.T) {
	for class, stopped := range map[string]bool{"reply": false, "alert": false, "test": false, "receipt": true, "reminder": true, "broadcast": true} {
		d := newDesk(t, sending()).as(class)
		d.wishes("reminder", true)
		d.wishes("broadcast", true)
		d.box.Prices, d.box.Budget = outbox.Prices{"at": 25}, outbox.Budget{Month: 100, Warn: 0.8}
		d.exec(`insert into spend (month, channel, operator, segments, cost) values ('2026-11-01', 'x', 'moov', 3, 76), ('2026-10-01', 'x', 'moov', 9, 900)`)
		if !stopped {
			d.send()
			d.is("sent")
			continue
		}
		d.waits(15*time.Minute, "the month's budget is spent")
		d.exec(`update spend set cost = 75 where operator = 'moov' and month = '2026-11-01'`)
		d.send()
		d.is("sent")
	}
}

func TestOnlyWhatMayHaveBeenSentIsPaidFor(t *testing.T) {
	for _, c := range []struct {
		name string
		far  *far
		want store.Spend
	}{
		{"sent", sending(), store.Spend{Channel: "at", Segments: 2, Cost: 41}},
		{"the answer was lost", &far{err: io.ErrUnexpectedEOF, wrote: true}, store.Spend{Channel: "at", Segments: 2, Cost: 41}},
		{"refused", &far{status: 400, wrote: true}, store.Spend{Channel: "at"}},
		{"throttled", &far{status: 429, wrote: true}, store.Spend{Channel: "at"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := newDesk(t, c.far)
			d.exec(`update outbound set sealed = $1`, []byte(strings.Repeat("a", 161))) // two segments
			d.box.Prices = outbox.Prices{"at": 20.5}
			_ = d.box.Send(context.Background(), d.id)
			got, err := d.store.Spending(context.Background(), now)
			if err != nil || len(got) != 1 || got[0] != c.want {
				t.Fatalf("spent %+v (%v), wanted %+v", got, err, c.want)
			}
		})
	}
	d := newDesk(t, sending()) // the aggregator makes two parts of what is one segment
	ch := d.box.Channels["at"]
	ch.Sender = counting{africastalking.New()}
	d.box.Channels["at"], d.box.Prices = ch, outbox.Prices{"at": 20.5}
	d.send()
	if got, err := d.store.Spending(context.Background(), now); err != nil || len(got) != 1 || got[0].Segments != 2 || got[0].Cost != 41 {
		t.Fatalf("spent %+v (%v)", got, err)
	}
}

func TestEveryStepIsKeptAndNoneLeadsBack(t *testing.T) {
	f := &far{status: 429, wrote: true}
	d := newDesk(t, f)
	_ = d.box.Send(context.Background(), d.id)
	f.status, f.body = 201, taken
	d.at = now.Add(time.Minute)
	d.send()
	d.receipt(store.Receipt{ExternalID: []byte("at/ATXid_1"), State: "delivered"})
	d.receipt(store.Receipt{ExternalID: []byte("at/ATXid_1"), State: "delivered"})
	d.receipt(store.Receipt{ExternalID: []byte("at/ATXid_1"), State: "sent"})
	want := []string{"queued>sending", "sending>queued HTTP 429", "queued>sending", "sending>sent", "sent>delivered receipt"}
	if got := d.steps(); strings.Join(got, "|") != strings.Join(want, "|") {
		t.Fatalf("steps %q, wanted %q", got, want)
	}
	for _, back := range []string{"queued", "sending", "ambiguous", "sent", "unknown", "failed", "expired"} {
		if _, err := d.store.Pool().Exec(context.Background(), `update outbound set state = $1`, back); err == nil {
			t.Errorf("a delivered message went back to %s", back)
		}
	}
}

func TestAMessageWithoutAReceiptBecomesUnknownWhereReceiptsAreGiven(t *testing.T) {
	for _, receipts := range []bool{true, false} {
		d := newDesk(t, sending())
		ch := d.box.Channels["at"]
		ch.Receipts = receipts
		d.box.Channels["at"] = ch
		d.send()
		d.at = now.Add(10 * time.Minute)
		d.sweep()
		d.is("sent")
		d.at = now.Add(10*time.Minute + time.Second)
		d.sweep()
		if !receipts {
			d.is("sent")
			continue
		}
		d.is("unknown")
		d.receipt(store.Receipt{ExternalID: []byte("at/ATXid_1"), State: "sent"})
		d.is("unknown")
		d.receipt(store.Receipt{ExternalID: []byte("at/ATXid_1"), State: "delivered"})
		d.is("delivered")
	}
}

func (d *desk) sweep() {
	d.t.Helper()
	if err := d.box.Sweep(context.Background(), false); err != nil {
		d.t.Fatal(err)
	}
}

func TestAnAlertIsTriedThreeTimesAndThenShown(t *testing.T) {
	d := newDesk(t, &far{err: io.ErrUnexpectedEOF, wrote: true}).as("alert")
	for _, after := range []time.Duration{5 * time.Second, 10 * time.Second} {
		d.waits(after, "no answer")
		d.at = d.at.Add(after)
	}
	d.send()
	if d.is("ambiguous"); d.far.calls.Load() != 3 {
		t.Fatalf("%d requests", d.far.calls.Load())
	}

	// A gateway that died over one counts as a try.
	d = newDesk(t, sending()).as("alert")
	d.dies()
	d.at = now.Add(time.Minute)
	d.send()
	if d.is("sent"); d.far.calls.Load() != 1 {
		t.Fatalf("%d requests", d.far.calls.Load())
	}
}

func TestAttemptsThatDidNotSendComeLaterAndLaterUntilTheTimeIsOver(t *testing.T) {
	d := newDesk(t, &far{err: errors.New("refused")})
	last := time.Duration(0)
	for n := 0; ; n++ {
		var again outbox.Again
		err := d.box.Send(context.Background(), d.id)
		if err == nil {
			break
		}
		if !errors.As(err, &again) || again.After < last && again.After != 10*time.Minute && d.at.Add(again.After).Before(now.Add(24*time.Hour)) || n > 300 {
			t.Fatalf("attempt %d: %v after %v", n, err, last)
		}
		last, d.at = again.After, d.at.Add(again.After)
	}
	if d.is("expired"); d.at.Sub(now) > 24*time.Hour+10*time.Minute {
		t.Fatalf("it expired after %v", d.at.Sub(now))
	}
}
