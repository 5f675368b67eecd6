package gateway

import (
	"runtime"
	"sync/atomic"
	"time"

	"lafia/gateway/message"
)

const (
	// inFlightPerCore is how many requests may be with the Handler for each core
	// (GOMAXPROCS). A hop keeps a core busy for a sixth of a millisecond and else waits
	// for servers: a dozen a core fill it. The rest is for those that wait for a slow
	// COMMIT, so that they leave room for the others, seven of eight, which need none.
	inFlightPerCore = 64
	// waitingPerSlot bounds how many wait for a slot. More than one for each could not
	// have their turn within patience.
	waitingPerSlot = 2
	// patience is how long a request waits for a slot: below the 50 ms within which
	// one that is refused must know it, and above the usual stall (a flush, a
	// collection), which nobody should be refused for.
	patience = 35 * time.Millisecond
	// standing is how long no slot may have been free before the queue is one that
	// stays, and no burst: then it only makes everyone late, and a request waits for
	// standingPatience (Nichols and Jacobson, "Controlling Queue Delay", 2012; for
	// requests, Maurer, "Fail at Scale", ACM Queue 13(8), 2015).
	standing         = 100 * time.Millisecond
	standingPatience = 5 * time.Millisecond
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

func defaultMaxInFlight() int { return inFlightPerCore * max(2, runtime.GOMAXPROCS(0)) }

// enter reports whether a request is admitted; leave must follow then. While the
// queue stands, whoever only dials is refused at once: she loses nothing by it,
// one in the midst of a conversation loses what she said.
func (a *admission) enter(dials bool) bool {
	now := a.now()
	select {
	case a.slots <- struct{}{}:
		a.free.Store(now.UnixNano())
		return true
	default:
	}
	wait := patience
	if now.UnixNano()-a.free.Load() > int64(standing) {
		if dials {
			return false
		}
		wait = standingPatience
	}
	if a.waiting.Add(1) > int64(waitingPerSlot*cap(a.slots)) {
		a.waiting.Add(-1)
		return false
	}
	defer a.waiting.Add(-1)
	late := time.NewTimer(wait)
	defer late.Stop()
	select {
	case a.slots <- struct{}{}: // in the order in which they came
		return true
	case <-late.C:
		return false
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
