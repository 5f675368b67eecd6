package app

import (
	"context"
	"fmt"
)

const (
	// handledBeside is how many messages are handled at once while this gateway gives
	// many to the record: what lies in a spool dies with its disk, what waits in the
	// record does not.
	handledBeside = 2
	// manySpooled is how many records of a spool are many. Fewer are given within a second.
	manySpooled = 256
)

// turns lets handling give way to a spool that is emptied.
type turns struct {
	many   func() bool // a spool of many is emptied
	beside chan struct{}
}

func newTurns(many func() bool) *turns {
	return &turns{many: many, beside: make(chan struct{}, handledBeside)}
}

// take waits for a turn, and gives what ends it.
func (t *turns) take(ctx context.Context) (end func(), err error) {
	if !t.many() {
		return func() {}, nil
	}
	select {
	case t.beside <- struct{}{}:
		return func() { <-t.beside }, nil
	case <-ctx.Done():
		return nil, fmt.Errorf("waiting while a spool is emptied: %w", ctx.Err())
	}
}

// handle takes what of a contact waits up to a message.
func (a *App) handle(ctx context.Context, inboundID string) error {
	end, err := a.turns.take(ctx)
	if err != nil {
		return err
	}
	defer end()
	return a.conversation.Handle(ctx, inboundID)
}
