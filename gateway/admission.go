package gateway

import (
	"sync/atomic"
	"time"

	"lafia/gateway/message"
)

const (
	// standing is how long a queue is a burst; then it only makes everyone late, and
	// is kept short (Nichols and Jacobson, "Controlling Queue Delay", 2012; for
	// requests, Maurer, "Fail at Scale", ACM Queue 13(8), 2015).
	standing = 500 * time.Millisecond
	// calm is how long everyone must have found a slot before the next is a burst
	// again: with too many callers somebody waits at all times.
	calm = 250 * time.Millisecond
)

// Limit bounds the requests of one kind.
type Limit struct {
	InWork   int           // with the Handler at a time
	Waiting  int           // for one of these to end; one more is refused at once
	Standing int           // instead of Waiting, while the queue is no mere burst
	Patience time.Duration // how long one waits
}

// Limits are those of each kind, apart from each other: callers do not wait for
// what an aggregator delivers in one go after a fault. One without InWork is as
// defaultLimits has it.
type Limits struct {
	USSD, SMS, Status Limit // missed calls are among the SMS
}

// defaultLimits: who waits is served in order, after (InWork + Waiting) / throughput
// at most, so Waiting bounds the wait. Patience ends it only when the servers hang.
//
// USSD, InWork: not more, since behind it are 32 connections to Redis and 24 to
// PostgreSQL; not fewer, since with a database that hangs each COMMIT takes up to its
// time-out of 2.5 s, and of the 150 hops a second that the busiest channel brings
// 19 commit, which hold 48. Waiting: a machine that stands still for a quarter of
// a second at 1,000 hops a second refuses nobody. Standing: half of InWork, so
// that whoever is let in stays below twice the latency of a busy hour.
//
// SMS and receipts wait for a COMMIT, several of which share one flush. Aggregators
// wait for seconds, and some don't come again: so these wait longer. With the SMSBudget
// of 5 s, 2 s are still below the 15 s of the most hasty (aggregators.md, rule 1).
var defaultLimits = Limits{
	USSD:   Limit{InWork: 64, Waiting: 256, Standing: 32, Patience: time.Second},
	SMS:    Limit{InWork: 128, Waiting: 512, Standing: 512, Patience: 2 * time.Second},
	Status: Limit{InWork: 128, Waiting: 512, Standing: 512, Patience: 2 * time.Second},
}

// admission bounds how many requests of a kind are with the Handler, and how many
// wait for it. What is admitted is brought to its end.
type admission struct {
	limit   Limit
	slots   chan struct{} // whoever waits to send is served first come, first served
	waiting atomic.Int64
	since   atomic.Int64 // when the queue began, in Unix nanoseconds
	last    atomic.Int64 // when somebody last found no slot
	now     func() time.Time
}

// newAdmissions gives each kind its admission.
func newAdmissions(l Limits, now func() time.Time) map[message.Kind]*admission {
	of := func(own, standard Limit) *admission {
		if own.InWork <= 0 {
			own = standard
		}
		return &admission{limit: own, slots: make(chan struct{}, own.InWork), now: now}
	}
	sms := of(l.SMS, defaultLimits.SMS)
	return map[message.Kind]*admission{
		message.KindUSSD:   of(l.USSD, defaultLimits.USSD),
		message.KindSMS:    sms,
		message.KindCall:   sms,
		message.KindStatus: of(l.Status, defaultLimits.Status),
	}
}

// enter reports whether a request is admitted; leave must follow then. Whoever only
// dials has half of the room to wait in: she loses nothing when she is refused, one
// in the midst of a conversation loses what she said.
func (a *admission) enter(dials bool) bool {
	select {
	case a.slots <- struct{}{}:
		return true
	default:
	}
	room := a.room()
	if dials {
		room /= 2
	}
	defer a.waiting.Add(-1)
	if a.waiting.Add(1) > int64(room) {
		return false
	}
	late := time.NewTimer(a.limit.Patience)
	defer late.Stop()
	select {
	case a.slots <- struct{}{}:
		return true
	case <-late.C:
		return false
	}
}

// room is how many may wait, asked by one who found no slot.
func (a *admission) room() int {
	now := a.now().UnixNano()
	if now-a.last.Swap(now) > int64(calm) {
		a.since.Store(now)
	}
	if now-a.since.Load() > int64(standing) {
		return a.limit.Standing
	}
	return a.limit.Waiting
}

func (a *admission) leave() { <-a.slots }

// dials reports whether a request begins a conversation, and does nothing else.
func dials(p message.Parsed) bool {
	if len(p.Events) != 1 || p.Events[0].Inbound == nil {
		return false
	}
	in := p.Events[0].Inbound
	return in.Medium == message.USSD && (in.Start || in.Cumulative && in.Text == "")
}
