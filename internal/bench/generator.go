package bench

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
)

// target is one handler under load, with the callers that are in conversation
// with it. They stay from round to round.
type target struct {
	addr, path string
	whole      bool // it holds conversations; the bare handler only goes on

	mu            sync.Mutex
	chance        *rand.Rand
	most          int       // callers in conversation at a time
	ready         []*caller // mid-conversation, their last reply is here
	waiting       []*caller // between two conversations, in order
	standing      []*caller // before their last screen, for finish
	inside        int       // in conversation: ready, or with a hop under way
	conversations int
	callers       int

	clients sync.Pool

	hops, finished, failed atomic.Int64
	firstError             atomic.Pointer[string]
}

func newTarget(addr, path string, whole bool, callers int) *target {
	t := &target{addr: addr, path: path, whole: whole, most: callers, chance: rand.New(rand.NewPCG(1, 2))}
	t.clients.New = func() any { return newClient(addr, path) }
	return t
}

// next gives the caller whose hop is due: a new conversation while there are
// too few, else anyone who has her reply. So each hop of a caller comes after
// the reply to the one before, and an arrival never waits for a caller.
func (t *target) next() *caller {
	t.mu.Lock()
	defer t.mu.Unlock()
	if n := len(t.ready); t.inside >= t.most && n > 0 {
		i := t.chance.IntN(n)
		c := t.ready[i]
		t.ready[i] = t.ready[n-1]
		t.ready = t.ready[:n-1]
		return c
	}
	t.inside++
	return t.begin()
}

func (t *target) begin() *caller {
	var c *caller
	if t.conversations%newEvery == 0 || len(t.waiting) == 0 {
		c = &caller{n: t.callers}
		t.callers++
	} else {
		c, t.waiting = t.waiting[0], t.waiting[1:]
	}
	c.dial(t.conversations)
	t.conversations++
	return c
}

// back takes a caller after her reply.
func (t *target) back(c *caller, last, ok bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	switch {
	case !ok: // where she stands isn't known: she is not heard of again
		t.inside--
	case last:
		t.inside--
		c.knows = true
		t.waiting = append(t.waiting, c)
	default:
		t.ready = append(t.ready, c)
	}
}

// hop makes one hop of a caller. It reports whether it was the one that finishes.
func (t *target) hop(c *caller, cl *client, body []byte) (last bool, _ []byte) {
	last, ok, body := t.send(c, cl, body)
	t.back(c, last, ok)
	return last, body
}

// send makes one hop of a caller and checks the reply.
func (t *target) send(c *caller, cl *client, body []byte) (last, ok bool, _ []byte) {
	last = c.press()
	body = c.body(body[:0])
	status, reply, err := cl.post(body)
	ok = err == nil && status == http.StatusOK && expect(reply, last && t.whole)
	t.hops.Add(1)
	if !ok {
		t.failed.Add(1)
		what := fmt.Sprintf("status %d, reply %.40q, error %v, last %v, text %q", status, reply, err, last, c.text)
		t.firstError.CompareAndSwap(nil, &what)
	} else if last {
		t.finished.Add(1)
	}
	return last, ok, body
}

// closed keeps a number of connections busy for a while: how many hops there
// are is all that it tells, its latencies leave waiting out.
func (t *target) closed(ctx context.Context, connections int, d time.Duration) closedRound {
	before, errors := t.hops.Load(), t.failed.Load()
	begun := time.Now()
	end := begun.Add(d)
	var wg sync.WaitGroup
	for range connections {
		wg.Go(func() {
			cl := t.clients.Get().(*client)
			defer t.clients.Put(cl)
			var body []byte
			for time.Now().Before(end) && ctx.Err() == nil {
				_, body = t.hop(t.next(), cl, body)
			}
		})
	}
	wg.Wait()
	took := time.Since(begun)
	return closedRound{HopsPerSecond: float64(t.hops.Load()-before) / took.Seconds(), Hops: t.hops.Load() - before, Errors: t.failed.Load() - errors}
}

// warm brings callers into conversations, each to another step of hers, so that
// what arrives later is an even mix of all steps.
func (t *target) warm(ctx context.Context, connections int) {
	// A conversation has about 8 hops: after as many a caller, begun one after
	// the other, all steps occur alike.
	var left atomic.Int64
	left.Store(int64(t.most) * 10)
	var wg sync.WaitGroup
	for range connections {
		wg.Go(func() {
			cl := t.clients.Get().(*client)
			defer t.clients.Put(cl)
			var body []byte
			for left.Add(-1) >= 0 && ctx.Err() == nil {
				_, body = t.hop(t.next(), cl, body)
			}
		})
	}
	wg.Wait()
}

// approach walks so many callers through whole conversations up to the screen
// whose answer finishes them.
func (t *target) approach(ctx context.Context, connections, callers int) {
	var left atomic.Int64
	left.Store(int64(callers))
	var wg sync.WaitGroup
	for range connections {
		wg.Go(func() {
			cl := t.clients.Get().(*client)
			defer t.clients.Put(cl)
			var body []byte
			for left.Add(-1) >= 0 && ctx.Err() == nil {
				t.mu.Lock()
				c := t.begin()
				t.mu.Unlock()
				ok := true
				for ok && c.before() > 1 {
					_, ok, body = t.send(c, cl, body)
				}
				if ok {
					t.mu.Lock()
					t.standing = append(t.standing, c)
					t.mu.Unlock()
				}
			}
		})
	}
	wg.Wait()
}

// finish makes the last hop of every caller that stands before it.
func (t *target) finish(ctx context.Context, connections int) finishRound {
	due := make(chan *caller, len(t.standing))
	for _, c := range t.standing {
		due <- c
	}
	close(due)
	t.standing = t.standing[:0]
	took, errors := histogram(), t.failed.Load()
	done := t.finished.Load()
	var mu sync.Mutex
	var wg sync.WaitGroup
	begun := time.Now()
	for range connections {
		wg.Go(func() {
			cl := t.clients.Get().(*client)
			defer t.clients.Put(cl)
			var body []byte
			for c := range due {
				if ctx.Err() != nil {
					return
				}
				at := time.Now()
				var ok bool
				_, ok, body = t.send(c, cl, body)
				mu.Lock()
				record(took, time.Since(at))
				if ok {
					c.knows = true
					t.waiting = append(t.waiting, c)
				}
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	done = t.finished.Load() - done
	return finishRound{PerSecond: float64(done) / time.Since(begun).Seconds(), Captures: done, Errors: t.failed.Load() - errors, Took: latencies(took)}
}

// senders bounds how many hops are under way at a time in the open loop. More
// would be an overload, and then what waits here is counted from its due time
// all the same.
const senders = 512

// open sends hops at a constant rate, whatever becomes of them, and measures
// each from the moment when it was due.
func (t *target) open(ctx context.Context, rate float64, d time.Duration) openRound {
	n := int(rate * d.Seconds())
	due := make(chan time.Time, n) // never blocks: an arrival is never late because of another
	all, plain, capture, late := histogram(), histogram(), histogram(), histogram()
	errors := t.failed.Load()
	var mu sync.Mutex
	var wg sync.WaitGroup
	for range senders {
		wg.Go(func() {
			cl := t.clients.Get().(*client)
			defer t.clients.Put(cl)
			var body []byte
			for at := range due {
				lag := time.Since(at)
				var last bool
				last, body = t.hop(t.next(), cl, body)
				took := time.Since(at)
				mu.Lock()
				record(all, took)
				record(late, lag)
				if last {
					record(capture, took)
				} else {
					record(plain, took)
				}
				mu.Unlock()
			}
		})
	}
	begun := time.Now()
	sent := t.arrivals(ctx, begun, rate, n, due)
	close(due)
	wg.Wait()
	took := time.Since(begun)
	return openRound{
		Rate: rate, Sent: sent, RepliesPerSecond: float64(sent) / took.Seconds(), Errors: t.failed.Load() - errors,
		All: latencies(all), Plain: latencies(plain), Finishing: latencies(capture), SentLate: latencies(late),
	}
}

// arrivals hands out due times when they are due.
func (t *target) arrivals(ctx context.Context, begun time.Time, rate float64, n int, due chan<- time.Time) int {
	done := steady()
	defer done()
	for i := range n {
		if ctx.Err() != nil {
			return i
		}
		at := begun.Add(time.Duration(float64(i) / rate * float64(time.Second)))
		for wait := time.Until(at); wait > 0; wait = time.Until(at) {
			pause(wait)
		}
		due <- at
	}
	return n
}

// histogram counts microseconds up to a minute, to three digits.
func histogram() *hdrhistogram.Histogram { return hdrhistogram.New(1, 60_000_000, 3) }

func record(h *hdrhistogram.Histogram, d time.Duration) {
	_ = h.RecordValue(min(max(d.Microseconds(), 1), 60_000_000))
}

func latencies(h *hdrhistogram.Histogram) Latency {
	ms := func(q float64) float64 { return float64(h.ValueAtQuantile(q)) / 1000 }
	return Latency{Count: h.TotalCount(), P50: ms(50), P99: ms(99), P999: ms(99.9), Max: float64(h.Max()) / 1000}
}
