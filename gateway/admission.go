package gateway

import (
	"slices"
	"sync"
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

	// while is how long requests are looked at before it is settled anew how many of them
	// are in work.
	while = 100 * time.Millisecond
	// fewest are in work, however long they take.
	fewest = 4
)

// Limit bounds the requests of one kind.
type Limit struct {
	InWork  int  // with the Handler at a time
	Waiting int  // for one of these to end; one more is refused at once
	Crowded Room // instead of both, while the queue is no mere burst
	// Sluggish is how long even the quickest request of a while may take where others wait;
	// 0: as long as it likes. Where all take longer, the processors may have more to do
	// than they can, refusing included, and each of a request's waits for a server ends
	// behind all of it: then fewer are let in, as long as no fewer are done for that. The
	// quickest tells this, as in the algorithm of standing: a database that is slow or
	// away leaves some quick.
	Sluggish time.Duration
	Patience time.Duration // how long one waits
}

// Room is for how many there is one.
type Room struct{ InWork, Waiting int }

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
// a second at 1,000 hops a second refuses nobody. Crowded: what those who are refused
// cost is missing to those let in, so half as many are in work, or fewer, and are done
// in less time (docs/performance.md). Sluggish: a hop that commits nothing takes 1 ms on
// a machine that has time for it.
//
// SMS and receipts wait for a COMMIT, several of which share one flush. Aggregators
// wait for seconds, and some don't come again: so these wait longer. With the SMSBudget
// of 5 s, 2 s are still below the 15 s of the most hasty (aggregators.md, rule 1).
var defaultLimits = Limits{
	USSD:   Limit{InWork: 64, Waiting: 256, Crowded: Room{InWork: 32, Waiting: 16}, Sluggish: 5 * time.Millisecond, Patience: time.Second},
	SMS:    Limit{InWork: 128, Waiting: 512, Crowded: Room{InWork: 128, Waiting: 512}, Patience: 2 * time.Second},
	Status: Limit{InWork: 128, Waiting: 512, Crowded: Room{InWork: 128, Waiting: 512}, Patience: 2 * time.Second},
}

// admission bounds how many requests of a kind are with the Handler, and how many
// wait for it. What is admitted is brought to its end.
type admission struct {
	limit Limit
	now   func() time.Time

	mu     sync.Mutex
	inWork int
	queue  []chan struct{} // who waits, in order: closed when admitted
	since  time.Time       // when the queue began
	last   time.Time       // when somebody last found no slot

	most     int           // in work where others wait; 0: as many as the limit says
	quickest time.Duration // of those done since from; 0: none was
	done     int           // since from
	before   int           // in the while before
	from     time.Time
}

// newAdmissions gives each kind its admission.
func newAdmissions(l Limits, now func() time.Time) map[message.Kind]*admission {
	of := func(own, standard Limit) *admission {
		if own.InWork <= 0 {
			own = standard
		}
		return &admission{limit: own, now: now}
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
	admitted, ok := a.join(dials)
	if admitted == nil {
		return ok
	}
	late := time.NewTimer(a.limit.Patience)
	defer late.Stop()
	select {
	case <-admitted:
		return true
	case <-late.C:
		return !a.abandon(admitted)
	}
}

// join takes a slot, or a place in the queue; this is closed when she is admitted. It
// reports whether there was either.
func (a *admission) join(dials bool) (admitted chan struct{}, ok bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	now := a.now()
	room := a.room(now)
	if len(a.queue) == 0 && a.inWork < room.InWork {
		a.inWork++
		return nil, true
	}
	if now.Sub(a.last) > calm {
		a.since = now
	}
	a.last = now
	if dials {
		room.Waiting /= 2
	}
	if len(a.queue) >= room.Waiting {
		return nil, false
	}
	admitted = make(chan struct{})
	a.queue = append(a.queue, admitted)
	return admitted, true
}

// abandon leaves the queue, and reports whether it was still in it.
func (a *admission) abandon(admitted chan struct{}) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	i := slices.Index(a.queue, admitted)
	if i < 0 {
		return false
	}
	a.queue = slices.Delete(a.queue, i, i+1)
	return true
}

// room is for how many there is one at a moment.
func (a *admission) room(now time.Time) Room {
	if !a.crowded(now) {
		return Room{a.atMost(now), a.limit.Waiting}
	}
	most, r := a.atMost(now), a.limit.Crowded
	if most < r.InWork {
		r.Waiting = max(r.Waiting*most/r.InWork, min(r.Waiting, fewest))
		r.InWork = most
	}
	return r
}

// atMost is how many are in work while no crowd bounds them further.
func (a *admission) atMost(now time.Time) int {
	if a.most == 0 || now.Sub(a.last) > calm {
		return a.limit.InWork
	}
	return a.most
}

// crowded reports whether the queue is no mere burst.
func (a *admission) crowded(now time.Time) bool {
	return now.Sub(a.last) <= calm && a.last.Sub(a.since) > standing
}

// leave gives a slot back that was taken when it began.
func (a *admission) leave(began time.Time) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.inWork--
	now := a.now()
	a.took(now, now.Sub(began))
	for room := a.room(now); len(a.queue) > 0 && a.inWork < room.InWork; a.inWork++ {
		close(a.queue[0])
		a.queue = a.queue[1:]
	}
}

// took notes how long a request was in work, and settles how many may be.
func (a *admission) took(now time.Time, d time.Duration) {
	if a.quickest == 0 || d < a.quickest {
		a.quickest = max(d, 1)
	}
	if a.done++; now.Sub(a.from) < while {
		return
	}
	most := a.atMost(now)
	switch s := a.limit.Sluggish; {
	case s == 0 || a.quickest <= s || now.Sub(a.last) > calm:
		most += 2
	case a.done < a.before*4/5: // they wait for a server, not for a processor
		most = most*4/3 + 2
	default:
		most = max(most*3/4, min(fewest, a.limit.InWork))
	}
	a.most = min(most, a.limit.InWork)
	a.from, a.quickest, a.before, a.done = now, 0, a.done, 0
}

// dials reports whether a request begins a conversation, and does nothing else.
func dials(p message.Parsed) bool {
	if len(p.Events) != 1 || p.Events[0].Inbound == nil {
		return false
	}
	in := p.Events[0].Inbound
	return in.Medium == message.USSD && (in.Start || in.Cumulative && in.Text == "")
}
