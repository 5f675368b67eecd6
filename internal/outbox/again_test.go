package outbox_test

import (
	"strings"
	"testing"
	"time"

	"lafia/internal/outbox"
	"lafia/internal/store"
)

// TestWhatGoesInThePlaceOfOneInDoubtIsUnderEveryRule has a reply in doubt that staff
// send again: nothing stops a reply, and this one all that stops a broadcast.
func TestWhatGoesInThePlaceOfOneInDoubtIsUnderEveryRule(t *testing.T) {
	const first = "00000000-0000-8000-8000-0000000000ff"
	again := func(t *testing.T) *desk {
		d := newDesk(t, sending())
		d.exec(`insert into submission (id, kind, level, reference, contact, channel, medium, language, received_at)
			values ('00000000-0000-8000-8000-0000000000aa', 'open', 'L1', '48271936', $1, 'at', 'sms', 'fr', $2)`, make([]byte, 32), now)
		d.exec(`insert into outbound (id, contact, channel, class, sealed, state, created_at, changed_at) values ($1, $2, 'at', 'reply', 'Merci', 'ambiguous', $3, $3)`,
			first, make([]byte, 32), now)
		d.exec(`insert into doubt (outbound_id, submission_id, again_id, at) values ($1, '00000000-0000-8000-8000-0000000000aa', $2, $3)`, first, d.id, now)
		return d
	}
	t.Run("it is sent", func(t *testing.T) {
		d := again(t)
		d.send()
		d.is("sent")
	})
	for _, c := range []struct {
		name string
		set  func(*desk)
		want string
	}{
		{"she wants no answers any more", func(d *desk) { d.wishes("answer", false) }, "agree"},
		{"her commune was closed", func(d *desk) {
			d.exec(`update outbound set place = 'ML0701'`)
			d.exec(`insert into closed_commune (pcode, at) values ('ML0701', $1)`, now)
		}, "closed"},
		{"the first one is said to have gone out", func(d *desk) { d.receipt(store.Receipt{OurID: first, State: "sent"}) }, "after all"},
		{"the first one has arrived", func(d *desk) { d.receipt(store.Receipt{OurID: first, State: "delivered"}) }, "after all"},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := again(t)
			c.set(d)
			d.send()
			if d.is("failed"); d.far.calls.Load() != 0 {
				t.Error("it was sent")
			}
			if steps := d.steps(); len(steps) != 1 || !strings.Contains(steps[0], c.want) {
				t.Errorf("steps %q", steps)
			}
		})
	}
	t.Run("the first one has surely failed", func(t *testing.T) {
		d := again(t)
		d.receipt(store.Receipt{OurID: first, State: "failed"})
		d.send()
		d.is("sent")
	})
	t.Run("she wants answers", func(t *testing.T) {
		d := again(t)
		d.wishes("answer", true)
		d.send()
		d.is("sent")
	})
	t.Run("at night", func(t *testing.T) {
		d := again(t)
		d.at = time.Date(2026, 11, 24, 23, 0, 0, 0, time.UTC)
		d.waits(8*time.Hour, "quiet hours")
	})
	t.Run("the budget is spent", func(t *testing.T) {
		d := again(t)
		d.box.Prices, d.box.Budget = outbox.Prices{"at": 20}, outbox.Budget{Month: 10}
		d.waits(15*time.Minute, "the month's budget is spent")
	})
	t.Run("a stop may lie in a spool", func(t *testing.T) {
		d := again(t)
		d.exec(`insert into node (id, started_at, beat_at, spooled, spool_oldest) values (gen_random_uuid(), $1, $1, 1, $1)`, now)
		d.waits(30*time.Second, "a stop may lie in a spool")
	})
}
