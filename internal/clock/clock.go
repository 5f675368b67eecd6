// Package clock tells the time on a machine whose clock may be wrong.
package clock

import (
	"sync/atomic"
	"time"
)

// Tolerance is how far the machine's clock may be from the record's and still be
// gone by: what is closer cannot be told from the way to the record and back
// (reliability.md F22).
const Tolerance = 2 * time.Second

// surely is how long an answer may have been under way to say anything of a clock.
const surely = time.Second

// Clock goes on, by time that passed, from a moment that was held against the
// record's clock. A jump of the machine's clock moves it nowhere, and gateways of
// one record go by one time. Until the record was heard it is the machine's.
type Clock struct {
	wall   func() time.Time
	passed func() time.Duration
	anchor atomic.Pointer[anchor]
}

type anchor struct {
	at     time.Time
	passed time.Duration
	offset time.Duration
}

// New gives a clock that reads the machine's by wall, and by passed how long it
// has run, whatever became of the former.
func New(wall func() time.Time, passed func() time.Duration) *Clock {
	c := &Clock{wall: wall, passed: passed}
	c.anchor.Store(&anchor{at: wall().Round(0), passed: passed()})
	return c
}

// Now gives the time, without a monotonic reading.
func (c *Clock) Now() time.Time {
	a := c.anchor.Load()
	return a.at.Add(c.passed() - a.passed)
}

// Hear takes what the record's clock said in an answer that was under way for as
// long as took. What took too long says nothing.
func (c *Clock) Hear(theirs time.Time, took time.Duration) {
	if took > surely {
		return
	}
	ours, passed := c.wall().Round(0), c.passed()
	now := theirs.Add(took / 2)
	offset := ours.Sub(now)
	if offset.Abs() <= Tolerance {
		now = ours
	}
	c.anchor.Store(&anchor{at: now.In(ours.Location()), passed: passed, offset: offset})
}

// Offset gives how far the machine's clock was ahead of the record's when that was
// heard last.
func (c *Clock) Offset() time.Duration { return c.anchor.Load().offset }

// Wrong reports whether the machine's clock is not gone by.
func (c *Clock) Wrong() bool { return c.Offset().Abs() > Tolerance }
