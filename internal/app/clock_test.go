package app_test

import (
	"testing"
	"time"

	"lafia/gateway/message"
	"lafia/internal/app"
	"lafia/internal/clock"
	"lafia/internal/programme"
)

// reliability.md F22.
func TestAGatewayWhoseClockIsWrongGoesByThatOfPostgreSQL(t *testing.T) {
	w := newWorld(t)
	began := time.Now()
	for n, ahead := range []time.Duration{26 * time.Hour, -26 * time.Hour} {
		a := w.start(t, func(o *app.Options) {
			o.Clock = clock.New(func() time.Time { return time.Now().Add(ahead) }, func() time.Duration { return time.Since(began) })
		})
		walk := newWalk(t, programme.Feedback, "fr", message.USSD, canary(n))
		p := newPhone(t, walk.number, a.URL())
		last := walk.play(t, p.on(message.USSD), nil)
		kept := walk.check(t, w.record, w.ring, reference(last))
		if kept.ReceivedAt.Before(began.Add(-time.Second)) || kept.ReceivedAt.After(time.Now().Add(time.Second)) {
			t.Errorf("a clock that is %v ahead: received at %v, and it is %v", ahead, kept.ReceivedAt, time.Now())
		}
		if off := a.Clock.Offset() - ahead; off.Abs() > time.Second {
			t.Errorf("the offset of a clock that is %v ahead is %v", ahead, a.Clock.Offset())
		}
	}
}
