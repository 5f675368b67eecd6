package app

import (
	"context"
	"fmt"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"lafia/internal/clock"
	"lafia/internal/store"
)

func machineClock() *clock.Clock {
	began := time.Now()
	return clock.New(time.Now, func() time.Duration { return time.Since(began) })
}

// startClock holds this machine's clock against PostgreSQL's before anything is
// done by it.
func (a *App) startClock(ctx context.Context) error {
	if err := a.registry.Register(prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "lafia_clock_offset_seconds", Help: "How far this machine's clock is ahead of PostgreSQL's; beyond 2 s PostgreSQL's is gone by.",
	}, func() float64 { return a.Clock.Offset().Seconds() })); err != nil {
		return fmt.Errorf("registering the clock's metric: %w", err)
	}
	return a.hearClock(ctx)
}

// hearClock asks PostgreSQL for the time.
func (a *App) hearClock(ctx context.Context) error {
	was := a.Clock.Wrong()
	if err := hearClock(ctx, a.store, a.Clock); err != nil {
		return err
	}
	switch wrong := a.Clock.Wrong(); {
	case wrong && !was:
		a.Log.Warn("this machine's clock is wrong; PostgreSQL's is gone by", "ahead", a.Clock.Offset().Round(time.Second).String())
	case was && !wrong:
		a.Log.Info("this machine's clock is right again")
	}
	return nil
}

func hearClock(ctx context.Context, s *store.Store, c *clock.Clock) error {
	began := time.Now()
	theirs, err := s.Clock(ctx)
	if err != nil {
		return err
	}
	c.Hear(theirs, time.Since(began))
	return nil
}

// clockCheck says of a clock that it is wrong.
func clockCheck(ctx context.Context, s *store.Store, c *clock.Clock) error {
	if err := hearClock(ctx, s, c); err != nil {
		return err
	}
	if !c.Wrong() {
		return nil
	}
	how := "ahead of"
	if c.Offset() < 0 {
		how = "behind"
	}
	return fmt.Errorf("this machine's clock is %s %s that of PostgreSQL's machine", c.Offset().Abs().Round(time.Second), how)
}
