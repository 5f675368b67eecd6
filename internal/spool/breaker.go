package spool

import (
	"context"
	"errors"
	"sync"
	"time"
)

// Breaker spares callers the deadline of a server that is away: after some
// time-outs in a row they go straight to the spool, and one in a while is let
// through to see whether the server is back (reliability.md 2.6). Its zero value
// can be used; it may be shared by any number of goroutines.
//
//	if breaker.Allow(now) {
//		err = commit(ctx)
//		breaker.Report(err, time.Now())
//	}
type Breaker struct {
	After int           // time-outs in a row that open it; 0 means 3
	Probe time.Duration // while it is open, one caller each; 0 means 1 s

	mu    sync.Mutex
	row   int // time-outs since anything else happened
	open  bool
	tried time.Time // when the last one was let through, or it opened
}

// Allow says whether the server may be asked now. A caller that got true says
// with Report how it went.
func (b *Breaker) Allow(now time.Time) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if !b.open {
		return true
	}
	probe := b.Probe
	if probe == 0 {
		probe = time.Second
	}
	// A clock that went back must not close the door for as long (F22).
	if since := now.Sub(b.tried); since >= 0 && since < probe {
		return false
	}
	b.tried = now
	return true
}

// Report says how asking went. Nil closes the breaker. Of errors only time-outs
// count, because only they cost their caller the deadline; an open breaker
// stays open after any error. An error that the server itself answered says
// that it is there: report nil for it.
func (b *Breaker) Report(err error, now time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if err == nil {
		b.row, b.open = 0, false
		return
	}
	if b.open {
		return
	}
	if !timedOut(err) {
		b.row = 0
		return
	}
	b.row++
	after := b.After
	if after == 0 {
		after = 3
	}
	if b.row >= after {
		b.open, b.tried = true, now
	}
}

// Open says whether callers go straight to the spool.
func (b *Breaker) Open() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.open
}

func timedOut(err error) bool {
	var t interface{ Timeout() bool }
	return errors.Is(err, context.DeadlineExceeded) || errors.As(err, &t) && t.Timeout()
}
