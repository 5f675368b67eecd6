package simulation

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"runtime"
	"sync"
	"time"

	"lafia/internal/conversation"
	"lafia/internal/directory"
	"lafia/internal/flow"
	"lafia/internal/locale"
	"lafia/internal/programme"
	"lafia/internal/vault"
)

var (
	_ conversation.Record   = (*Record)(nil)
	_ conversation.Sessions = (*Sessions)(nil)
	_ conversation.Spool    = (*Journal)(nil)
)

// Options are what all seeds of a simulation share. Nothing of it is changed.
type Options struct {
	Ring  *vault.Ring // of fixed keys: ids are derived from them, and ids decide orders
	Words *locale.Catalog
	Book  *flow.Book
	// Now is the time of the bubble that the simulation runs in: it stands still
	// while anything runs.
	Now   func() time.Time
	Flaws Flaws
	Trace bool // tell every call
}

// Result is what one seed came to.
type Result struct {
	Seed       uint64
	Violations []string
	Trace      string // every call, in order, where it was asked for
	Hash       string // of the trace
	Hops       int    // requests of aggregators that were answered
	Kept       int    // things that were said and are in the record
	Crashes    int
}

// world is one seed at work. Only one of its goroutines runs at any moment: each
// sleeps until a moment that no other has, so that the order is the seed's alone.
type world struct {
	Options
	seed    uint64
	began   time.Time
	weather weather

	record   *Record
	sessions *Sessions
	gateways []*gateway
	places   *directory.Directory
	people   []*person
	busy     sync.WaitGroup // what must end before the world rests
	stop     bool
	calm     bool // nothing but the network goes wrong in this seed
	flushed  bool // Redis forgets everything at least once
	forgot   []forgot
	lags     bool // Redis loses what it had acknowledged: a session may go back

	mu         sync.Mutex
	rng        *rand.Rand
	ticks      int64
	told       bytes.Buffer
	violations []string
	hops       int
	crashes    int
	inHand     map[string]int // by contact: how many handle her messages
}

// Run runs one seed, within a bubble of testing/synctest.
func Run(o Options, seed uint64) Result {
	w := &world{Options: o, seed: seed, began: o.Now(), rng: rand.New(rand.NewPCG(seed, 0x1afa)), inHand: map[string]int{}}
	w.weather = newWeather(w)
	w.calm, w.lags, w.flushed = w.weather.calm(), w.weather.lags, w.weather.flushes > 0
	w.record, w.sessions = NewRecord(o.Flaws), NewSessions(o.Now, o.Flaws)
	w.furnish()
	for n := range 2 {
		w.gateways = append(w.gateways, &gateway{w: w, n: n, journal: NewJournal(o.Flaws)})
	}
	for _, g := range w.gateways {
		g.boot(true)
	}
	w.weather.begin(w)
	w.populate()
	w.busy.Wait()
	w.rest()
	w.check()
	sum := sha256.Sum256(w.told.Bytes())
	return Result{
		Seed: seed, Violations: w.violations, Trace: w.told.String(), Hash: hex.EncodeToString(sum[:8]),
		Hops: w.hops, Kept: len(w.record.submissions) + len(w.record.confidential), Crashes: w.crashes,
	}
}

func (w *world) furnish() {
	places := []programme.Place{
		{PCode: "ML06", Level: 1, Name: "Tombouctou"}, {PCode: "ML0605", Level: 2, Name: "Tombouctou", Parent: "ML06"},
		{PCode: "ML060504", Level: 3, Name: "Lafia", Parent: "ML0605"}, {PCode: "ML060506", Level: 3, Name: "Alafia", Parent: "ML0605"},
	}
	projects := []programme.Project{
		{Code: "LAF1", Dial: "107", Name: "Beurre", Kind: "butter", Place: "ML060504", Region: "ML06", Phase: 1},
	}
	w.record.PutProgramme(places, projects)
	w.places = directory.New(projects, places)
}

// rest lets what is under way come to its end: no faults, spools drained,
// messages handled; then a day passes, and what is left over is ended.
func (w *world) rest() {
	w.weather = weather{}
	w.note("world", "rests")
	for _, g := range w.gateways {
		g.await()
	}
	for range 120 {
		if w.idle() {
			break
		}
		w.sleep(time.Second)
	}
	for _, g := range w.gateways {
		g.shutDown()
	}
	w.stop = true
	w.sleep(26 * time.Hour)
	w.stop = false
	last := w.gateways[0]
	last.boot(false)
	last.await()
	ctx := context.Background()
	if _, err := last.p.c.Expire(ctx); err != nil {
		w.violate("old drafts could not be ended: %v", err)
	}
	if _, err := last.p.c.CloseParts(ctx); err != nil {
		w.violate("parts could not be closed: %v", err)
	}
	w.jobs()
	for range 120 {
		if w.idle() {
			break
		}
		w.sleep(time.Second)
	}
	last.shutDown()
	w.stop = true
	w.sleep(10 * time.Minute) // whatever waits for a minute of its own finds the end
}

// idle reports whether nothing waits, neither in a spool nor in the inbox.
func (w *world) idle() bool {
	for _, g := range w.gateways {
		if g.journal.Pending() > 0 {
			return false
		}
	}
	return len(w.record.Unhandled()) == 0
}

func (w *world) locked(f func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	f()
}

// chance says yes with a probability.
func (w *world) chance(p float64) (yes bool) {
	if p > 0 {
		w.locked(func() { yes = w.rng.Float64() < p })
	}
	return yes
}

// pick gives a number below n.
func (w *world) pick(n int) (i int) {
	w.locked(func() { i = w.rng.IntN(n) })
	return i
}

// between gives a length of time.
func (w *world) between(from, to time.Duration) (d time.Duration) {
	w.locked(func() { d = from + time.Duration(w.rng.Int64N(int64(to-from)+1)) })
	return d
}

// wake gives how long to sleep to wake after d, at a moment that is nobody
// else's: a time-out that someone sets then has its own moment too, since all of
// them last whole milliseconds.
func (w *world) wake(d time.Duration) (left time.Duration) {
	w.locked(func() {
		w.ticks++
		now := w.Now()
		left = now.Add(d).Truncate(time.Millisecond).Add(time.Millisecond + time.Duration(w.ticks)).Sub(now)
	})
	return left
}

func (w *world) sleep(d time.Duration) { time.Sleep(w.wake(d)) }

// pause sleeps, unless ctx ends first.
func (w *world) pause(ctx context.Context, d time.Duration) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	t := time.NewTimer(w.wake(d))
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// begin runs f beside the others, some time from now on. The moment is settled
// before its goroutine is there.
func (w *world) begin(in time.Duration, f func()) {
	in = w.wake(in)
	go func() {
		time.Sleep(in)
		f()
	}()
}

// spawn is begin with an f that the world waits for. f may end its goroutine.
func (w *world) spawn(f func()) {
	w.busy.Add(1)
	w.begin(0, func() {
		defer w.busy.Done()
		f()
	})
}

func (w *world) note(who, format string, args ...any) {
	if !w.Trace {
		return
	}
	w.locked(func() {
		fmt.Fprintf(&w.told, "%10.4f %-12s ", w.Now().Sub(w.began).Seconds(), who)
		fmt.Fprintf(&w.told, format, args...)
		w.told.WriteByte('\n')
	})
}

// violationsMost bounds what one seed tells.
const violationsMost = 20

func (w *world) violate(format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	w.note("VIOLATION", "%s", text)
	w.locked(func() {
		if len(w.violations) < violationsMost {
			w.violations = append(w.violations, text)
		}
	})
}

// jobs starts the jobs that were inserted.
func (w *world) jobs() {
	for _, j := range w.record.TakeJobs() {
		wait := max(j.At.Sub(w.Now()), 0)
		w.begin(wait+w.between(20*time.Millisecond, 400*time.Millisecond), func() { w.work(j) })
		if w.chance(w.weather.rescued) { // River takes it for lost, and starts it again
			w.begin(wait+w.between(100*time.Millisecond, 8*time.Second), func() { w.work(j) })
		}
	}
}

// work does one job until it is done.
func (w *world) work(j Job) {
	for !w.stop {
		if p := w.anyone(); p != nil {
			if err, alive := p.handle(j.InboundID); alive && err == nil {
				return
			}
		}
		w.sleep(w.between(time.Second, 6*time.Second))
	}
}

// anyone gives a gateway that runs, or nil.
func (w *world) anyone() *process {
	var up []*process
	for _, g := range w.gateways {
		if g.p != nil && g.p.ready && !g.p.dead {
			up = append(up, g.p)
		}
	}
	if len(up) == 0 {
		return nil
	}
	return up[w.pick(len(up))]
}

// apart runs f in a goroutine of its own, which may end with its process; done
// tells whether it came to its end.
func apart(f func()) (done bool) {
	ended := make(chan bool, 1)
	go func() {
		ok := false
		defer func() { ended <- ok }()
		f()
		ok = true
	}()
	return <-ended
}

// end ends a goroutine whose process is gone.
func end() { runtime.Goexit() }
