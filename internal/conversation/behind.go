package conversation

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"lafia/internal/session"
	"lafia/internal/store"
)

// behind writes drafts and contacts behind the replies: batched, the latest of
// each caller, within 2 s.
type behind struct {
	store Callers
	log   *slog.Logger
	seal  func(plain, bound []byte) []byte

	mu      sync.Mutex
	waiting map[session.Key]draft
	writing map[session.Key]draft // those on their way, to be found until they arrived
	quit    chan struct{}
	done    chan struct{}
}

const (
	behindEvery = time.Second // with behindSpread: written within 2 s, and not for every key of a quick caller
	// behindMost bounds what waits while the record is away: about the callers of
	// one evening. Beyond it the newest are let go: they would find the menu.
	behindMost = 50_000
	// behindBatch bounds a transaction, so that hops never wait behind one.
	behindBatch = 50
	// behindSpread is what one writing-behind is spread over, so that its work does
	// not come in bursts that hops wait for.
	behindSpread = 500 * time.Millisecond
)

func newBehind(s Callers, log *slog.Logger, seal func(plain, bound []byte) []byte) *behind {
	return &behind{store: s, log: log, seal: seal, waiting: map[session.Key]draft{}, quit: make(chan struct{}), done: make(chan struct{})}
}

func (b *behind) put(d draft) {
	b.mu.Lock()
	defer b.mu.Unlock()
	was, there := b.waiting[d.key]
	if there && was.version > d.version || !there && len(b.waiting) >= behindMost {
		return
	}
	if d.keep {
		d.plain, d.run, d.expires = was.plain, was.run, was.expires
	}
	b.waiting[d.key] = d
}

// latest gives the draft of a caller that has not arrived in the record yet.
func (b *behind) latest(k session.Key) (draft, bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if d, ok := b.waiting[k]; ok {
		return d, true
	}
	d, ok := b.writing[k]
	return d, ok
}

func (b *behind) version(k session.Key) uint64 {
	d, _ := b.latest(k)
	return d.version
}

// draftOf gives where a caller was: the draft that waits here, or the record's,
// whichever is newer; nil when neither holds anything.
func (c *Conversation) draftOf(k session.Key, stored store.Draft) *live {
	if d, ok := c.drafts.latest(k); ok && d.version > stored.Version {
		l, err := unpackLive(d.plain) // nothing, where there is no draft
		if err != nil {
			return nil
		}
		return l
	}
	l, err := c.openLive(k, stored.Sealed)
	if err != nil {
		c.Log.Error("a draft does not open", "channel", k.Channel)
		return nil
	}
	return l
}

func (b *behind) start() {
	go func() {
		defer close(b.done)
		tick := time.NewTicker(behindEvery)
		defer tick.Stop()
		for {
			select {
			case <-tick.C:
				b.flush()
			case <-b.quit:
				b.flush()
				return
			}
		}
	}()
}

func (b *behind) stop() {
	select {
	case <-b.quit:
	default:
		close(b.quit)
	}
	<-b.done
}

func (b *behind) flush() {
	b.mu.Lock()
	if len(b.waiting) == 0 {
		b.mu.Unlock()
		return
	}
	taken := b.waiting
	b.writing = taken
	b.waiting = make(map[session.Key]draft, len(taken))
	b.mu.Unlock()
	defer func() {
		b.mu.Lock()
		b.writing = nil
		b.mu.Unlock()
	}()
	traces := make([]store.Trace, 0, behindBatch)
	pause := behindSpread / time.Duration(1+len(taken)/behindBatch)
	write := func() bool {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		if err := b.store.WriteBehind(ctx, traces); err != nil {
			b.log.Warn("drafts wait: the record is away", "error", store.Class(err))
			return false
		}
		traces = traces[:0]
		b.breathe(pause)
		return true
	}
	for k, d := range taken {
		t := store.Trace{Contact: k.Contact[:], Channel: k.Channel, Medium: k.Medium, Language: d.language, Version: d.version, RunID: d.run, Ended: d.ended, At: d.at, ExpiresAt: d.expires}
		if d.plain != nil {
			t.Sealed = b.seal(d.plain, bound(k))
		}
		traces = append(traces, t)
		if len(traces) == behindBatch && !write() {
			b.putBack(taken)
			return
		}
	}
	if len(traces) > 0 && !write() {
		b.putBack(taken)
	}
}

// breathe lets hops go first between two batches, unless the gateway stops.
func (b *behind) breathe(d time.Duration) {
	select {
	case <-time.After(d):
	case <-b.quit:
	}
}

func (b *behind) putBack(taken map[session.Key]draft) {
	for _, d := range taken {
		b.put(d)
	}
}
