package store

import (
	"context"
	"net"
	"os"
	"sync"
	"testing"
	"time"

	"lafia/internal/servers/serverstest"
)

// deaf is a connection whose other end can be made to vanish without a word: what
// is written goes nowhere, and nothing comes back until the deadline.
type deaf struct {
	net.Conn
	gone chan struct{} // closed: it is deaf

	mu       sync.Mutex
	deadline time.Time
	closed   bool
	moved    chan struct{} // closed when one of them changes
}

func (d *deaf) is() bool {
	select {
	case <-d.gone:
		return true
	default:
		return false
	}
}

func (d *deaf) Write(b []byte) (int, error) {
	if d.is() {
		return len(b), nil
	}
	return d.Conn.Write(b)
}

func (d *deaf) Read(b []byte) (int, error) {
	for d.is() {
		d.mu.Lock()
		at, closed, moved := d.deadline, d.closed, d.moved
		d.mu.Unlock()
		if closed {
			return 0, net.ErrClosed
		}
		var late <-chan time.Time
		if !at.IsZero() {
			late = time.After(time.Until(at))
		}
		select {
		case <-late:
			return 0, os.ErrDeadlineExceeded
		case <-moved:
		}
	}
	return d.Conn.Read(b)
}

func (d *deaf) SetDeadline(at time.Time) error {
	d.change(func() { d.deadline = at })
	return d.Conn.SetDeadline(at)
}

func (d *deaf) Close() error {
	d.change(func() { d.closed = true })
	return d.Conn.Close()
}

func (d *deaf) change(f func()) {
	d.mu.Lock()
	defer d.mu.Unlock()
	f()
	close(d.moved)
	d.moved = make(chan struct{})
}

// A firewall that forgot its connections drops what comes on them. Each of a pool's
// is found dead by whoever takes it, after all of the time that he has.
func TestDeadConnectionsAreDroppedTogether(t *testing.T) {
	const conns = 6
	for _, drop := range []bool{false, true} {
		gone := make(chan struct{})
		var all sync.Map
		s, err := Open(t.Context(), serverstest.Postgres(t), Options{MaxConns: conns, Dial: func(ctx context.Context, network, addr string) (net.Conn, error) {
			c, err := new(net.Dialer).DialContext(ctx, network, addr)
			if err != nil {
				return nil, err
			}
			mine := gone
			select {
			case <-gone: // a new one is heard
				mine = make(chan struct{})
			default:
			}
			d := &deaf{Conn: c, gone: mine, moved: make(chan struct{})}
			all.Store(d, nil)
			return d, nil
		}})
		if err != nil {
			t.Fatal(err)
		}
		var held []interface{ Release() }
		for range conns {
			c, err := s.pool.Acquire(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			held = append(held, c)
		}
		for _, c := range held {
			c.Release()
		}
		close(gone)
		ask := func() error {
			ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
			defer cancel()
			_, err := s.Clock(ctx)
			return err
		}
		asked := 1
		for ; ask() != nil && asked < conns; asked++ {
			if drop {
				s.DropIdle(t.Context())
			}
		}
		if want := map[bool]int{true: 2, false: conns}[drop]; asked != want {
			t.Errorf("dropping %v: asked %d times, want %d", drop, asked, want)
		}
		all.Range(func(d, _ any) bool { _ = d.(*deaf).Close(); return true }) // else the pool waits 15 s for the dead
		s.Close()
	}
}
