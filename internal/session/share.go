package session

import (
	"context"
	"errors"
	"net"
	"slices"
	"sync"

	"github.com/redis/go-redis/v9"
)

// atOnce is how many trips are under way at a time. What comes meanwhile waits
// for one of them to end and then goes in one trip together, as commits share a
// flush: the more there is to do, the less each costs (docs/performance.md). Four,
// so that a quiet hour's hops wait for no other even with Redis across a network.
const atOnce = 4

// shared takes the commands of many hops to Redis. It has no goroutine: a trip is
// made by a hop that has a command in it.
type shared struct {
	rdb *redis.Client

	mu      sync.Mutex
	under   int // trips under way
	waiting []*passenger
}

// passenger is a command that waits for a trip.
type passenger struct {
	cmd  redis.Cmder
	turn chan []*passenger // those to make the trip of, oneself among them; nil: it was made
	gone bool              // who waited gave up
}

// do runs a command, alone or with others. Only without an error may the command
// be read: it may still be under way else.
func (s *shared) do(ctx context.Context, cmd redis.Cmder) error {
	s.mu.Lock()
	if s.under < atOnce {
		s.under++
		s.mu.Unlock()
		var err error
		defer func() { s.next(ctx, err) }()
		err = s.rdb.Process(ctx, cmd)
		return err
	}
	p := &passenger{cmd: cmd, turn: make(chan []*passenger, 1)}
	s.waiting = append(s.waiting, p)
	s.mu.Unlock()
	select {
	case with := <-p.turn:
		if with != nil {
			s.trip(ctx, with, p)
		}
		return cmd.Err()
	case <-ctx.Done():
		s.leave(p)
		return ctx.Err()
	}
}

// trip takes commands in one pipeline, for all of their owners.
func (s *shared) trip(ctx context.Context, with []*passenger, self *passenger) {
	var err error
	defer func() {
		s.next(ctx, err)
		arrive(with, self)
	}()
	if len(with) == 1 {
		err = s.rdb.Process(ctx, self.cmd)
		return
	}
	// The others do not hang on how long this hop may take; the time-outs of the
	// connection hold for all.
	ctx = context.WithoutCancel(ctx)
	pipe := s.rdb.Pipeline()
	for _, w := range with {
		_ = pipe.Process(ctx, w.cmd) // queues it only
	}
	_, err = pipe.Exec(ctx) // each has its own in its command
}

// arrive tells the others of a trip that it was made.
func arrive(with []*passenger, self *passenger) {
	for _, w := range with {
		if w != self {
			w.turn <- nil
		}
	}
}

// next gives the place of a trip that ended to all who wait by now. Where Redis
// stood still they have waited for it too, and are told so: each would wait once
// more by itself.
func (s *shared) next(ctx context.Context, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	with := s.waiting
	s.waiting = nil
	if !stoodStill(ctx, err) {
		s.pass(with)
		return
	}
	for _, w := range with {
		if !w.gone {
			w.cmd.SetErr(err)
		}
	}
	arrive(with, nil)
	s.under--
}

// pass hands a trip to the first who is still there, or gives its place up. The
// lock is held, so that whoever gives up sees what was handed to her.
func (s *shared) pass(with []*passenger) {
	with = slices.DeleteFunc(with, func(w *passenger) bool { return w.gone })
	if len(with) == 0 {
		s.under--
		return
	}
	with[0].turn <- with
}

// leave is for who gives up while waiting.
func (s *shared) leave(p *passenger) {
	s.mu.Lock()
	defer s.mu.Unlock()
	p.gone = true
	select {
	case with := <-p.turn:
		if with != nil {
			s.pass(with)
		}
	default:
	}
}

// stoodStill reports whether an error is that Redis did not answer in time, and
// not that the hop itself had none left.
func stoodStill(ctx context.Context, err error) bool {
	var n net.Error
	return err != nil && ctx.Err() == nil && errors.As(err, &n) && n.Timeout()
}
