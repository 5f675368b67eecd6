package spool

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

func TestTheBreakerOpensAfterThreeTimeOutsInARow(t *testing.T) {
	late, other := fmt.Errorf("committing: %w", context.DeadlineExceeded), errors.New("connection refused")
	for name, c := range map[string]struct {
		reports []error
		open    bool
	}{
		"two":                             {[]error{late, late}, false},
		"three":                           {[]error{late, late, late}, true},
		"of the network":                  {[]error{os.ErrDeadlineExceeded, os.ErrDeadlineExceeded, os.ErrDeadlineExceeded}, true},
		"a success between":               {[]error{late, late, nil, late, late}, false},
		"another error between":           {[]error{late, late, other, late, late}, false},
		"other errors alone":              {[]error{other, other, other, other}, false},
		"a success closes it":             {[]error{late, late, late, nil}, false},
		"another error does not close it": {[]error{late, late, late, other}, true},
	} {
		var b Breaker
		for _, err := range c.reports {
			b.Report(err, day)
		}
		if b.Open() != c.open || b.Allow(day) == c.open {
			t.Errorf("%s: open %v, want %v", name, b.Open(), c.open)
		}
	}
}

func TestAnOpenBreakerLetsOneThroughEachSecond(t *testing.T) {
	b := Breaker{After: 1}
	b.Report(context.DeadlineExceeded, day)
	allowed := 0
	for ms := range 3500 {
		if b.Allow(day.Add(time.Duration(ms) * time.Millisecond)) {
			allowed++
			b.Report(context.DeadlineExceeded, day.Add(time.Duration(ms)*time.Millisecond))
		}
	}
	if allowed != 3 {
		t.Errorf("%d were let through in 3.5 s, want 3", allowed)
	}
	if back := day.Add(-time.Hour); !b.Allow(back) || b.Allow(back) {
		t.Error("a clock that went back an hour does not let one through")
	}
}

func TestOfManyCallersAtOnceOneIsLetThrough(t *testing.T) {
	b := Breaker{After: 1, Probe: time.Minute}
	b.Report(context.DeadlineExceeded, day)
	var allowed atomic.Int32
	var wg sync.WaitGroup
	for range 50 {
		wg.Go(func() {
			if b.Allow(day.Add(time.Hour)) {
				allowed.Add(1)
				b.Report(context.DeadlineExceeded, day.Add(time.Hour))
			}
		})
	}
	wg.Wait()
	if allowed.Load() != 1 {
		t.Errorf("%d were let through", allowed.Load())
	}
}
