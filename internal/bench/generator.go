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
	walk       walk
	first      int    // the number of its first caller: two targets share none
	busy       string // the last screen of who finds no room
	over       bool   // many are refused: those who dial come one by one all the same

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

	hops, finished, failed, shed atomic.Int64
	firstError                   atomic.Pointer[string]
}

func newTarget(addr, path string, w walk, callers int) *target {
	t := &target{addr: addr, path: path, walk: w, most: callers, chance: rand.New(rand.NewPCG(1, 2))}
	t.clients.New = func() any { return newClient(addr, path) }
	return t
}

// hopsAConversation is how many a conversation has, about.
const hopsAConversation = 9

// next gives the caller whose hop is due: a new conversation while there are
// too few, else anyone who has her reply. So each hop of a caller comes after
// the reply to the one before, and an arrival never waits for a caller.
func (t *target) next() *caller {
	t.mu.Lock()
	defer t.mu.Unlock()
	n := len(t.ready)
	goesOn := t.inside >= t.most
	if t.over { // too few are inside because others are refused: they don't all dial at once
		goesOn = t.chance.IntN(hopsAConversation) > 0
	}
	if goesOn && n > 0 {
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
		c = &caller{n: t.first + t.callers}
		t.callers++
	} else {
		c, t.waiting = t.waiting[0], t.waiting[1:]
	}
	if t.walk == ordinary {
		c.wander(t.conversations)
	} else {
		c.dial(t.conversations)
	}
	t.conversations++
	return c
}

// reply is what came of a hop.
type reply int

const (
	wrong reply = iota // no reply, or not the one that was due
	right
	shed // there was no room for her
)

// back takes a caller after her reply.
func (t *target) back(c *caller, last bool, got reply) {
	t.mu.Lock()
	defer t.mu.Unlock()
	switch {
	case got == shed && c.text == "": // she only dialled, and dials again another time
		t.inside--
		t.waiting = append(t.waiting, c)
	case got != right: // where she stands isn't known: she is not heard of again
		t.inside--
	case last:
		t.inside--
		if t.walk != ordinary {
			c.done()
		}
		t.waiting = append(t.waiting, c)
	default:
		t.ready = append(t.ready, c)
	}
}

// hop makes one hop of a caller. It reports whether it was the one that finishes.
func (t *target) hop(c *caller, cl *client, body []byte) (last bool, got reply, _ []byte) {
	last, got, body = t.send(c, cl, body)
	t.back(c, last, got)
	return last, got, body
}

// send makes one hop of a caller and checks the reply.
func (t *target) send(c *caller, cl *client, body []byte) (last bool, got reply, _ []byte) {
	last = c.press()
	body = c.body(body[:0])
	status, screen, err := cl.post(body)
	t.hops.Add(1)
	switch {
	case err == nil && status == http.StatusOK && expect(screen, last && t.walk == whole):
		got = right
		if last && t.walk == whole {
			t.finished.Add(1)
		}
	case err == nil && status == http.StatusOK && t.busy != "" && string(screen) == "END "+t.busy:
		got = shed
		t.shed.Add(1)
	default:
		t.failed.Add(1)
		what := fmt.Sprintf("status %d, reply %.40q, error %v, last %v, text %q", status, screen, err, last, c.text)
		t.firstError.CompareAndSwap(nil, &what)
	}
	return last, got, body
}

// closed keeps a number of connections busy for a while: it tells how many hops
// there are. Its latencies leave waiting for a connection out.
func (t *target) closed(ctx context.Context, connections int, d time.Duration) closedRound {
	before, errors, took := t.hops.Load(), t.failed.Load(), histogram()
	var mu sync.Mutex
	begun := time.Now()
	end := begun.Add(d)
	var wg sync.WaitGroup
	for range connections {
		wg.Go(func() {
			cl := t.clients.Get().(*client)
			defer t.clients.Put(cl)
			var body []byte
			for at := time.Now(); at.Before(end) && ctx.Err() == nil; {
				_, _, body = t.hop(t.next(), cl, body)
				now := time.Now()
				mu.Lock()
				record(took, now.Sub(at))
				mu.Unlock()
				at = now
			}
		})
	}
	wg.Wait()
	return closedRound{
		HopsPerSecond: float64(t.hops.Load()-before) / time.Since(begun).Seconds(), Hops: t.hops.Load() - before,
		Errors: t.failed.Load() - errors, Took: latencies(took),
	}
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
				_, _, body = t.hop(t.next(), cl, body)
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
				got := right
				for got == right && c.before() > 1 {
					_, got, body = t.send(c, cl, body)
				}
				if got == right {
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
				var got reply
				_, got, body = t.send(c, cl, body)
				mu.Lock()
				record(took, time.Since(at))
				if got == right {
					c.done()
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
	m := newMeasured()
	errors := t.failed.Load()
	var mu sync.Mutex
	var wg sync.WaitGroup
	begun := time.Now()
	for range senders {
		wg.Go(func() {
			cl := t.clients.Get().(*client)
			defer t.clients.Put(cl)
			var body []byte
			for at := range due {
				sent := time.Now()
				var last bool
				var got reply
				last, got, body = t.hop(t.next(), cl, body)
				now := time.Now()
				mu.Lock()
				m.add(at.Sub(begun), sent.Sub(at), now.Sub(at), last, got)
				mu.Unlock()
			}
		})
	}
	sent := t.arrivals(ctx, begun, rate, n, due)
	close(due)
	wg.Wait()
	took := time.Since(begun)
	r := m.round()
	r.Rate, r.Sent, r.RepliesPerSecond, r.Errors = rate, sent, float64(sent)/took.Seconds(), t.failed.Load()-errors
	return r
}

// measured is what an open loop counts.
type measured struct {
	all, plain, capture, late *hdrhistogram.Histogram
	admitted, shed            *hdrhistogram.Histogram    // from when they were sent
	standing                  [2]*hdrhistogram.Histogram // of these, due after burst: let in, refused
	windows                   []window
}

// window is a quarter of a second of an open loop, by when hops were due.
type window struct {
	shed int64
	took *hdrhistogram.Histogram
}

const windowLength = 250 * time.Millisecond

// burst is the time at the beginning that is counted apart: for 500 ms a queue may be
// long (gateway/admission.go), and who joined it last is served within as much.
const burst = time.Second

func newMeasured() *measured {
	return &measured{all: histogram(), plain: histogram(), capture: histogram(), late: histogram(), admitted: histogram(), shed: histogram(), standing: [2]*hdrhistogram.Histogram{histogram(), histogram()}}
}

// add counts a hop: when it was due, how late it was sent, and how long its reply
// took from when it was due.
func (m *measured) add(due, late, took time.Duration, last bool, got reply) {
	record(m.all, took)
	record(m.late, late)
	if last {
		record(m.capture, took)
	} else {
		record(m.plain, took)
	}
	i := int(due / windowLength)
	for len(m.windows) <= i {
		m.windows = append(m.windows, window{took: hdrhistogram.New(1, 60_000_000, 2)})
	}
	if got == shed {
		record(m.shed, took-late)
		if due >= burst {
			record(m.standing[1], took-late)
		}
		m.windows[i].shed++
		return
	}
	record(m.admitted, took-late)
	if due >= burst {
		record(m.standing[0], took-late)
	}
	record(m.windows[i].took, took)
}

func (m *measured) round() openRound {
	r := openRound{All: latencies(m.all), Plain: latencies(m.plain), Finishing: latencies(m.capture), SentLate: latencies(m.late)}
	r.Admitted, r.Shed = latencies(m.admitted), latencies(m.shed)
	r.StandingAdmitted, r.StandingShed = latencies(m.standing[0]), latencies(m.standing[1])
	for _, w := range m.windows {
		r.Windows = append(r.Windows, Window{Shed: w.shed, P99: float64(w.took.ValueAtQuantile(99)) / 1000})
	}
	return r
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
