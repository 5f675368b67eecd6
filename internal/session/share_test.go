package session

import (
	"context"
	"errors"
	"net"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
)

// gate stands in for Redis: a trip is under way until it is let through.
type gate struct {
	mu    sync.Mutex
	trips []int // how many commands each carried
	pass  chan error
}

func (g *gate) trip(cmds ...redis.Cmder) error {
	g.mu.Lock()
	g.trips = append(g.trips, len(cmds))
	g.mu.Unlock()
	err := <-g.pass
	for _, c := range cmds {
		c.SetErr(err)
	}
	return err
}

func (g *gate) DialHook(redis.DialHook) redis.DialHook {
	return func(context.Context, string, string) (net.Conn, error) { return nil, errors.New("nobody dials") }
}

func (g *gate) ProcessHook(redis.ProcessHook) redis.ProcessHook {
	return func(_ context.Context, c redis.Cmder) error { return g.trip(c) }
}

func (g *gate) ProcessPipelineHook(redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return func(_ context.Context, c []redis.Cmder) error { return g.trip(c...) }
}

// sharing gives a shared whose trips are all under way, with so many who wait. Each
// caller's error comes through the channel.
func sharing(t *testing.T, waiting int) (*shared, *gate, chan error) {
	t.Helper()
	g := &gate{pass: make(chan error)}
	rdb := redis.NewClient(&redis.Options{})
	rdb.AddHook(g)
	t.Cleanup(func() { _ = rdb.Close() })
	s, done := &shared{rdb: rdb}, make(chan error, atOnce+waiting)
	for n := range atOnce + waiting {
		go func() { done <- s.do(t.Context(), redis.NewStatusCmd(t.Context(), "ping")) }()
		until(t, s, func() bool { return s.under == min(n+1, atOnce) && len(s.waiting) == max(0, n+1-atOnce) })
	}
	return s, g, done
}

func until(t *testing.T, s *shared, so func() bool) {
	t.Helper()
	for range 2000 {
		s.mu.Lock()
		ok := so()
		s.mu.Unlock()
		if ok {
			return
		}
		time.Sleep(time.Millisecond)
	}
	t.Fatal("it never came to that")
}

func collect(t *testing.T, done chan error, n int, want error) {
	t.Helper()
	for range n {
		select {
		case err := <-done:
			if !errors.Is(err, want) {
				t.Errorf("a command ended with %v, want %v", err, want)
			}
		case <-time.After(5 * time.Second):
			t.Fatal("a command never ended")
		}
	}
}

func TestWhatComesWhileTripsAreUnderWayGoesTogether(t *testing.T) {
	s, g, done := sharing(t, 20)
	for range atOnce + 1 {
		g.pass <- nil
	}
	collect(t, done, atOnce+20, nil)
	if n := len(g.trips); n != atOnce+1 || g.trips[n-1] != 20 {
		t.Errorf("the trips carried %v commands, want 20 in the last", g.trips)
	}
	until(t, s, func() bool { return s.under == 0 && len(s.waiting) == 0 })
}

func TestWhoGivesUpKeepsNobodyWaiting(t *testing.T) {
	s, g, done := sharing(t, 0)
	ctx, cancel := context.WithCancel(t.Context())
	gone := make(chan error, 1)
	go func() { gone <- s.do(ctx, redis.NewStatusCmd(ctx, "ping")) }() // the first to wait: the next trip would be hers
	until(t, s, func() bool { return len(s.waiting) == 1 })
	go func() { done <- s.do(t.Context(), redis.NewStatusCmd(t.Context(), "ping")) }()
	until(t, s, func() bool { return len(s.waiting) == 2 })
	cancel()
	collect(t, gone, 1, context.Canceled)
	for range atOnce + 1 {
		g.pass <- nil
	}
	collect(t, done, atOnce+1, nil)
	until(t, s, func() bool { return s.under == 0 })
}

// TestAHandedTripIsPassedOn: she gives up in the moment in which it became hers.
func TestAHandedTripIsPassedOn(t *testing.T) {
	s := &shared{under: 1}
	first, second := &passenger{turn: make(chan []*passenger, 1)}, &passenger{turn: make(chan []*passenger, 1)}
	s.waiting = []*passenger{first, second}
	s.next(t.Context(), nil)
	s.leave(first)
	if with := <-second.turn; len(with) != 1 || with[0] != second {
		t.Errorf("the second was handed %v", with)
	}
	s.waiting = nil
	second.turn <- []*passenger{second}
	s.leave(second)
	if s.under != 0 {
		t.Errorf("%d trips are under way and nobody makes them", s.under)
	}
}

func TestWhereRedisStandsStillNobodyWaitsTwice(t *testing.T) {
	s, g, done := sharing(t, 5)
	hangs := &net.OpError{Op: "read", Err: os.ErrDeadlineExceeded}
	g.pass <- hangs
	collect(t, done, 6, os.ErrDeadlineExceeded)
	for range atOnce - 1 {
		g.pass <- nil
	}
	collect(t, done, atOnce-1, nil)
	until(t, s, func() bool { return s.under == 0 })
}
