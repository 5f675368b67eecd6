package app

import (
	"context"
	"errors"
	"time"

	"lafia/internal/conversation"
	"lafia/internal/outbox"
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
)

func (a *App) startSweep(out *outbox.Outbox) {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		tick := time.NewTicker(sweepEvery)
		defer tick.Stop()
		for age := time.Duration(0); ; age = sweepAfter {
			a.sweep(ctx, out, a.Now().Add(-age))
			select {
			case <-tick.C:
			case <-ctx.Done():
				return
			}
		}
	}()
	a.onStop(func(context.Context) error { cancel(); <-done; return nil })
}

func (a *App) sweep(ctx context.Context, out *outbox.Outbox, before time.Time) {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	ids, err := a.store.Forgotten(ctx, before, sweepMost)
	if err != nil {
		a.swept(ctx, "looking for forgotten messages", err)
		return
	}
	for _, id := range ids {
		if err := a.conversation.Handle(ctx, id); err != nil && !errors.Is(err, conversation.ErrBusy) {
			a.swept(ctx, "handling a forgotten message", err)
		}
	}
	unsent, err := a.store.Unsent(ctx, before, sweepMost)
	if err != nil {
		a.swept(ctx, "looking for unsent messages", err)
		return
	}
	for id, queued := range unsent {
		if err := out.Send(ctx, id, queued); err != nil && !errors.Is(err, outbox.ErrAgain) {
			a.swept(ctx, "sending a forgotten message", err)
		}
	}
}

func (a *App) swept(ctx context.Context, doing string, err error) {
	if ctx.Err() == nil {
		a.Log.Warn("the sweep comes again", "doing", doing, "error", store.Class(err))
	}
}
