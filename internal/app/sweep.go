package app

import (
	"context"
	"errors"
	"time"

	"lafia/internal/conversation"
	"lafia/internal/store"
)

// A job that was in hand when its gateway was killed comes back to the queue
// only after minutes. The sweep finds what waits meanwhile: at the start
// whatever there is, later what is older than any job takes. It may meet a
// worker over a message: a contact is in one hand at a time, and a message is
// sent by whoever commits the attempt first.
const (
	sweepEvery = 5 * time.Second
	sweepAfter = 15 * time.Second
	sweepMost  = 200
	// accountEvery is how many sweeps pass between two accounts of a whole day's messages.
	accountEvery = 12
)

func (a *App) startSweep() {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		tick := time.NewTicker(sweepEvery)
		defer tick.Stop()
		for n := 0; ; n++ {
			before := a.Now()
			if n > 0 {
				before = before.Add(-sweepAfter)
			}
			a.sweep(ctx, before, n == 0, n%accountEvery == 0)
			select {
			case <-tick.C:
			case <-ctx.Done():
				return
			}
		}
	}()
	a.onStop(func(context.Context) error { cancel(); <-done; return nil })
}

// Sweep looks once for all that a gateway which starts looks for. It does so by
// itself when it starts; for tests.
func (a *App) Sweep(ctx context.Context) { a.sweep(ctx, a.Now(), true, true) }

// sweep takes up what waits since before a moment. start is for what the outbox
// looks for at a start, account for the account of a whole day's messages.
func (a *App) sweep(ctx context.Context, before time.Time, start, account bool) {
	a.sweeping.Lock() // the outbox accounts one at a time
	defer a.sweeping.Unlock()
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	a.lookAtUnhandled(ctx)
	ids, err := a.store.Forgotten(ctx, before, sweepMost)
	if err != nil {
		a.swept(ctx, "looking for forgotten messages", err)
		return
	}
	for _, id := range ids {
		if err := a.handle(ctx, id); err != nil && !errors.Is(err, conversation.ErrBusy) {
			a.swept(ctx, "handling a forgotten message", err)
		}
	}
	if err := a.outbox.Sweep(ctx, start); err != nil {
		a.swept(ctx, "looking for unsent messages", err)
		return
	}
	if account {
		if err := a.outbox.Account(ctx); err != nil {
			a.swept(ctx, "accounting for sent messages", err)
		}
	}
}

func (a *App) swept(ctx context.Context, doing string, err error) {
	if ctx.Err() == nil {
		a.Log.Warn("the sweep comes again", "doing", doing, "error", store.Class(err))
	}
}
