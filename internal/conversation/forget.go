package conversation

import (
	"context"
	"sync"

	"lafia/internal/session"
)

// forget drops the session of before a finished run, and the contact, which could
// not be saved behind it: the run must not be offered again. What Redis has no room
// for it still deletes; where it is away that waits for her next hop.
func (t *trip) forget(ctx context.Context) {
	if t.before > 0 {
		t.c.overdue.put(t.who.key, t.before)
		t.c.drop(ctx, t.who.key)
	}
	t.trace(t.loaded.Version+1, nil)
}

// drop deletes the session of before a finished run, if one is overdue.
func (c *Conversation) drop(ctx context.Context, k session.Key) {
	version, there := c.overdue.version(k)
	if !there {
		return
	}
	if err := c.Sessions.Drop(ctx, k, version); err != nil {
		c.Log.Warn("a session of before a finished run stays where it was", "channel", k.Channel)
		return
	}
	c.overdue.done(k, version)
}

// overdue are sessions that must be dropped and could not be, by their versions.
type overdue struct {
	mu   sync.Mutex
	held map[session.Key]uint64
}

func (o *overdue) put(k session.Key, version uint64) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.held == nil {
		o.held = map[session.Key]uint64{}
	}
	if len(o.held) < behindMost {
		o.held[k] = version
	}
}

func (o *overdue) version(k session.Key) (uint64, bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	v, there := o.held[k]
	return v, there
}

func (o *overdue) done(k session.Key, version uint64) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.held[k] == version {
		delete(o.held, k)
	}
}
