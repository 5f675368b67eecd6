package gateway

import (
	"sync/atomic"
	"time"

	"lafia/gateway/message"
)

const (
	// defaultMaxInFlight is how many requests may be with the Handler. Not more:
	// behind it are 32 connections to Redis and 24 to PostgreSQL, and what waits for
	// one of them can't be refused any more. Not fewer: with a database that hangs, each COMMIT takes up to its time-out of 2.5 s, and of the 150 hops a second that
	// the busiest channel brings 19 commit, which hold 48.
	defaultMaxInFlight = 64
	// waitingPerSlot bounds how many wait: more than 64 slots clear within patience
	// on two cores. More would wait in vain, each with its connection.
	waitingPerSlot = 8
	// patience is how long a request waits for a slot: well below the 50 ms within
	// which one that is refused must know it, and as long as the usual stall (a flush, a
	// collection), which nobody should be refused for.
	patience = 25 * time.Millisecond
	// standing is how long no slot may have been free before the queue is one that
	// stays, and no burst. Then it only makes everyone late, and a request waits for
	// standingPatience (Nichols and Jacobson, "Controlling Queue Delay", 2012; for
	// requests, Maurer, "Fail at Scale", ACM Queue 13(8), 2015).
	standing         = 500 * time.Millisecond
	standingPatience = 5 * time.Millisecond
	// slice is what patience is counted in: when the whole machine stood still, all
	// timers are due at once, and nobody is refused for that.
	slice = 5 * time.Millisecond
)

// admission bounds how many requests are with the Handler, and how long others
// wait for it. What is admitted is brought to its end.
type admission struct {
	slots   chan struct{}
	waiting atomic.Int64
	free    atomic.Int64 // when a slot was last free, in Unix nanoseconds
	now     func() time.Time
}

func newAdmission(slots int, now func() time.Time) *admission {
	a := &admission{slots: make(chan struct{}, slots), now: now}
	a.free.Store(now().UnixNano())
	return a
}

// enter reports whether a request is admitted; leave must follow then. While the
// queue stands, whoever only dials is not let in: she loses nothing by it, one in
// the midst of a conversation loses what she said.
func (a *admission) enter(dials bool) bool {
	now := a.now()
	select {
	case a.slots <- struct{}{}:
		a.free.Store(now.UnixNano())
		return true
	default:
	}
	defer a.waiting.Add(-1)
	if a.waiting.Add(1) > int64(waitingPerSlot*cap(a.slots)) {
		return false
	}
	switch {
	case now.UnixNano()-a.free.Load() <= int64(standing):
		return a.wait(patience)
	case !dials && a.wait(standingPatience):
		return true
	}
	// What is answered at once comes again at once, and to refuse takes a core's time
	// as well: those inside would wait for those who are refused.
	time.Sleep(patience - standingPatience)
	return false
}

// wait takes a slot that becomes free within patience.
func (a *admission) wait(patience time.Duration) bool {
	late := time.NewTimer(slice)
	defer late.Stop()
	for waited := slice; ; waited += slice {
		select {
		case a.slots <- struct{}{}:
			return true
		case <-late.C:
		}
		if waited >= patience {
			return false
		}
		late.Reset(slice)
	}
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
