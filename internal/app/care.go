package app

import (
	"context"
	"time"

	"lafia/internal/store"
)

// careEvery is how often Lafia looks for what time brings: drafts whose life is
// over, people to ask again, people to forget. None of it is urgent to a minute.
const careEvery = time.Minute

// careMost bounds the erasures of one round.
const careMost = 50

func (a *App) startCare() {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		tick := time.NewTicker(careEvery)
		defer tick.Stop()
		for {
			a.Care(ctx)
			select {
			case <-tick.C:
			case <-ctx.Done():
				return
			}
		}
	}()
	a.onStop(func(context.Context) error { cancel(); <-done; return nil })
}

// Care does what time has brought. Several gateways may do it at once: each thing
// is done once, by its id.
func (a *App) Care(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, careEvery)
	defer cancel()
	if a.journal != nil && a.journal.Pending() > 0 {
		return // what would be ended, asked or erased may be settled in the spool
	}
	a.expire(ctx)
	if _, err := a.conversation.AskAgain(ctx); err != nil {
		a.cared(ctx, "asking again", err)
	}
	if err := a.eraseLate(ctx); err != nil {
		a.cared(ctx, "erasing what came behind an erasure", err)
	}
	due, err := a.store.DueErasures(ctx, a.Now(), careMost)
	if err != nil {
		a.cared(ctx, "looking for erasures", err)
	}
	for _, contact := range due {
		if err := a.eraseDue(ctx, contact, a.Now()); err != nil {
			a.cared(ctx, "erasing a contact", err)
		}
	}
}

// expire ends old drafts, unless the run that one began may lie finished in the
// spool of another gateway: it would be kept twice, once in part.
func (a *App) expire(ctx context.Context) {
	silent, err := a.store.SilentNodes(ctx, a.Now())
	if err == nil && len(silent) == 0 {
		_, err = a.conversation.Expire(ctx)
	}
	if err != nil {
		a.cared(ctx, "ending old drafts", err)
	}
}

func (a *App) cared(ctx context.Context, doing string, err error) {
	if ctx.Err() == nil {
		a.Log.Warn("it is tried again in a minute", "doing", doing, "error", store.Class(err))
	}
}
