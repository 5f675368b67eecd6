package app

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"lafia/internal/conversation"
	"lafia/internal/outbox"
	"lafia/internal/spool"
	"lafia/internal/store"
	"lafia/internal/vault"
)

// SpoolOptions are where a gateway keeps what it acknowledges while PostgreSQL
// is away.
type SpoolOptions struct {
	Dir      string   // of this gateway alone; "": no spool, and nothing is acknowledged then
	MaxBytes int64    // 0: no limit
	FS       spool.FS // nil: the disk
}

const (
	// drainEvery is how often the spool is looked at while something lies in it.
	drainEvery = 250 * time.Millisecond
	// drainLanes is how many commits a drain has under way: a commit is mostly a wait
	// for the database's disk, and beyond it stand the connections of hops.
	drainLanes = 8
	// recordWithin is how long the record may take to say that it is there.
	recordWithin = time.Second
	// beatEvery is how often a gateway gives a sign of life.
	beatEvery = 15 * time.Second
	// drainAgain is how long a record waits that the database did not take although
	// it is there.
	drainAgain = 5 * time.Second
	// heldAfter is how long reminders and broadcasts wait here when the record comes
	// back: by then every gateway has told what lies in its spool.
	heldAfter = beatEvery + 5*time.Second
	// drainAtStop is how long a stop tries to empty the spool.
	drainAtStop = 2 * time.Second
)

// journal is the spool of this gateway with what is told about it.
type journal struct {
	*spool.Spool
	now      func() time.Time
	maxBytes int64
	appended *prometheus.CounterVec

	mu     sync.Mutex
	failed time.Time // when the disk last refused one
	away   time.Time // when the record was seen to be away, the last time
	retry  time.Time // when a record that was not taken is tried again
	told   int       // what it said lies here

	emptying atomic.Bool // what lies in it is being given to the record
}

// openSpool takes the folder over and learns, or settles, this gateway's id,
// which stays with the folder: what died with a spool on its disk comes back
// under the same name.
func (a *App) openSpool() error {
	if a.Spool.Dir == "" {
		id := a.ring.ID("node", Random(16))
		a.node = id.UUID()
		return nil
	}
	s, node, err := takeSpool(a.ring, a.Spool, spool.Options{Now: a.Now, Log: a.Log})
	if err != nil {
		return &unusable{section: "spool", key: "dir", cause: err, do: "give the gateway a folder of its own that it can write to"}
	}
	a.node = node
	a.journal = &journal{Spool: s, now: a.Now, maxBytes: a.Spool.MaxBytes, appended: prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "lafia_spool_appended_total", Help: "Records that went to the spool, by outcome: kept, full or failed.",
	}, []string{"outcome"})}
	a.onStop(func(ctx context.Context) error {
		err := s.Close(ctx)
		if ctx.Err() != nil { // the folder is free for the next gateway once what is under way has ended
			go func() { _ = s.Close(context.WithoutCancel(ctx)) }()
		}
		return err
	})
	return a.journal.register(a.registry)
}

// takeSpool opens a spool under the node id that its folder holds.
func takeSpool(ring *vault.Ring, o SpoolOptions, opt spool.Options) (*spool.Spool, string, error) {
	key := ring.ID("spool-key")
	node, err := readNode(o.Dir)
	if errors.Is(err, fs.ErrNotExist) {
		id := ring.ID("node", Random(16))
		node, err = id.UUID(), nil
	}
	if err != nil {
		return nil, "", err
	}
	opt.Dir, opt.Node, opt.Key, opt.FS, opt.MaxBytes, opt.Lanes = o.Dir, node, key.Bytes(), o.FS, o.MaxBytes, drainLanes
	s, err := spool.Open(opt)
	if err != nil {
		return nil, "", err
	}
	if err := keepNode(o.Dir, node); err != nil {
		_ = s.Close(context.Background())
		return nil, "", err
	}
	return s, node, nil
}

// nodeFile holds a gateway's id, in the folder of its spool.
const nodeFile = "node"

var nodeID = regexp.MustCompile(`^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$`)

func readNode(dir string) (string, error) {
	b, err := os.ReadFile(filepath.Join(dir, nodeFile))
	if err != nil {
		return "", err
	}
	id := strings.TrimSpace(string(b))
	if !nodeID.MatchString(id) {
		return "", fmt.Errorf("%s holds no gateway's id: remove it, and the gateway takes a new one", filepath.Join(dir, nodeFile))
	}
	return id, nil
}

// keepNode writes the id durably: with another one after a power cut, broadcasts
// would wait for a gateway that nobody knows.
func keepNode(dir, id string) error {
	if old, err := readNode(dir); err == nil && old == id {
		return nil
	}
	if err := replaceFile(filepath.Join(dir, nodeFile), []byte(id+"\n")); err != nil {
		return fmt.Errorf("keeping the gateway's id: %w", err)
	}
	return nil
}

func (j *journal) register(r *prometheus.Registry) error {
	gauge := func(name, help string, f func() float64) prometheus.Collector {
		return prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: name, Help: help}, f)
	}
	for _, c := range []prometheus.Collector{
		j.appended,
		gauge("lafia_spool_pending", "Records that wait in the spool for the database.", func() float64 { return float64(j.Pending()) }),
		gauge("lafia_spool_bytes", "What the spool takes up on the disk, in bytes.", func() float64 { return float64(j.Bytes()) }),
		gauge("lafia_spool_oldest_seconds", "How long the oldest record has waited, in seconds.", func() float64 {
			if at := j.Oldest(); !at.IsZero() {
				return j.now().Sub(at).Seconds()
			}
			return 0
		}),
		prometheus.NewCounterFunc(prometheus.CounterOpts{
			Name: "lafia_spool_quarantined_total", Help: "Records and damaged stretches in the spool's quarantine.",
		}, func() float64 { return float64(j.Quarantined()) }),
	} {
		if err := r.Register(c); err != nil {
			return fmt.Errorf("registering the spool's metrics: %w", err)
		}
	}
	return nil
}

// Append counts.
func (j *journal) Append(ctx context.Context, r spool.Record) error {
	err := j.Spool.Append(ctx, r)
	outcome := "kept"
	switch {
	case errors.Is(err, spool.ErrFull):
		outcome = "full"
	case err != nil:
		outcome = "failed"
	}
	j.appended.WithLabelValues(outcome).Inc()
	j.mu.Lock()
	defer j.mu.Unlock()
	switch outcome {
	case "failed":
		j.failed = j.now()
	case "kept":
		j.failed = time.Time{}
	}
	return err
}

// doubtedFor is how long a disk that refused a record is taken to refuse the next:
// behind a balancer that asks whether this gateway is ready nothing would come to try it.
const doubtedFor = 30 * time.Second

// takes reports whether it would keep a record, as far as is known.
func (j *journal) takes() bool {
	j.mu.Lock()
	defer j.mu.Unlock()
	const room = 8 << 10
	return !j.within(j.failed, doubtedFor) && (j.maxBytes == 0 || j.Bytes()+room <= j.maxBytes)
}

// Held tells the outbox to let reminders and broadcasts wait: a stop may lie
// here, or in the spool of a gateway that could not say so yet.
func (j *journal) Held(context.Context) (bool, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.Pending() > 0 || j.within(j.away, heldAfter), nil
}

// many reports whether the spool is being emptied and much is left in it. A gateway
// without one has nothing.
func (j *journal) many() bool { return j != nil && j.emptying.Load() && j.Pending() >= manySpooled }

// holder is what lets reminders and broadcasts wait; nil without a spool.
func (a *App) holder() outbox.Holder {
	if a.journal == nil {
		return nil
	}
	return a.journal
}

func (j *journal) within(at time.Time, d time.Duration) bool {
	return !at.IsZero() && j.now().Sub(at) < d
}

// nodeNow is what this gateway tells the others. One without a spool tells that
// nothing lies there.
func (a *App) nodeNow() store.Node {
	n := store.Node{ID: a.node, BeatAt: a.Now(), Keys: a.ring.Held(), Sealing: a.ring.Sealing()}
	if j := a.journal; j != nil {
		j.mu.Lock()
		defer j.mu.Unlock()
		n.Spooled, n.SpoolOldest = j.Pending(), j.Oldest()
		count := store.SpoolCount(j.Count())
		n.Spool = &count
	}
	return n
}

// startSpool keeps an eye on the record, and empties the spool into it.
func (a *App) startSpool() {
	if a.journal == nil {
		return
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		tick := time.NewTicker(drainEvery)
		defer tick.Stop()
		for n := 0; ; n++ {
			select {
			case <-tick.C:
			case <-ctx.Done():
				return
			}
			// Each quarter of a second with something to drain, else each second: that a
			// short absence is seen here too, and the breaker's probe.
			if n%4 == 0 || a.journal.Pending() > 0 && !a.conversation.Away() {
				a.drain(ctx)
			}
		}
	}()
	a.onStop(func(ctx context.Context) error {
		cancel()
		<-done
		return a.drainLast(ctx)
	})
}

// EmptySpool does at once what a gateway with a spool does all the time, and gives
// how much is left in it; for tests.
func (a *App) EmptySpool(ctx context.Context) (left int) {
	a.drain(ctx)
	return a.journal.Pending()
}

// drain asks the record whether it is there, and gives it what lies in the spool.
func (a *App) drain(ctx context.Context) {
	j := a.journal
	if !a.recordAnswers(ctx) {
		return
	}
	if a.watch(ctx); j.Pending() == 0 {
		return
	}
	j.mu.Lock()
	wait := j.now().Before(j.retry)
	j.mu.Unlock()
	if wait {
		return
	}
	n, err := a.deliver(ctx)
	if n > 0 {
		if err := a.eraseLate(ctx); err != nil {
			a.cared(ctx, "erasing what came behind an erasure", err)
		}
	}
	if err != nil && !errors.Is(err, conversation.ErrAway) {
		j.mu.Lock()
		j.retry = j.now().Add(drainAgain)
		j.mu.Unlock()
	}
	switch {
	case ctx.Err() != nil:
	case err != nil:
		a.Log.Warn("the spool could not be emptied", "delivered", n, "pending", j.Pending(), "error", store.Class(err))
	default:
		a.Log.Info("the spool was emptied", "records", n)
	}
}

// deliver gives the record what lies in the spool, and stops when it is away again.
func (a *App) deliver(ctx context.Context) (int, error) {
	a.pulse(ctx) // whose records lie here may have been erased meanwhile, by another gateway or a command
	a.journal.emptying.Store(true)
	defer a.journal.emptying.Store(false)
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	n, err := a.journal.Drain(ctx, func(ctx context.Context, r spool.Record) error {
		ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
		defer cancel()
		err := deliverMarked(ctx, a.conversation, a.store, r)
		if errors.Is(err, conversation.ErrAway) {
			stop(err)
		}
		return err
	})
	if cause := context.Cause(ctx); cause != nil {
		err = cause
	}
	return n, err
}

// deliverMarked commits a record of a spool under its mark.
func deliverMarked(ctx context.Context, c *conversation.Conversation, st *store.Store, r spool.Record) error {
	m := &store.Mark{Node: r.Origin.Node, Number: r.Origin.Number}
	if err := c.Drained(store.WithMark(ctx, m), r); err != nil {
		return err
	}
	// What was committed stands: with its mark alone missing it is delivered again.
	if err := st.PutMark(ctx, m); err != nil {
		return fmt.Errorf("%w: %w", conversation.ErrAway, err)
	}
	return nil
}

// recordAnswers asks the record whether it is there: by a sign of life, which is
// a commit, while something depends on the answer.
func (a *App) recordAnswers(ctx context.Context) bool {
	ctx, cancel := context.WithTimeout(ctx, recordWithin)
	defer cancel()
	j, now := a.journal, a.nodeNow()
	j.mu.Lock()
	// For a while after it was away as well: others wait for a sign that nothing lies here.
	writes := now.Spooled > 0 || j.told != now.Spooled || a.conversation.Away() || j.within(j.away, beatEvery)
	j.mu.Unlock()
	ask := a.hearClock
	if writes {
		ask = func(ctx context.Context) error { return a.store.BeatNode(ctx, now) }
	}
	err := ask(ctx)
	if err != nil && ctx.Err() != nil && !errors.Is(ctx.Err(), context.DeadlineExceeded) {
		return false // the gateway stops
	}
	a.conversation.Heard(err)
	if errors.Is(ctx.Err(), context.DeadlineExceeded) {
		a.store.DropIdle(context.WithoutCancel(ctx)) // else one dead connection a second would be found
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	switch {
	case err != nil:
		if !j.within(j.away, beatEvery) {
			a.Log.Warn("PostgreSQL does not answer; what is acknowledged goes to the spool", "error", store.Class(err))
		}
		j.away = now.BeatAt
	case writes:
		j.told = now.Spooled
	}
	return err == nil
}

// drainLast empties the spool before a stop, or says what stays in it.
func (a *App) drainLast(ctx context.Context) error {
	if a.journal.Pending() == 0 {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, drainAtStop)
	defer cancel()
	n, err := a.deliver(ctx)
	if left := a.journal.Pending(); left > 0 {
		a.Log.Warn("records stay in the spool: start this gateway again, or let another one adopt its folder", "node", a.node, "pending", left, "delivered", n, "error", store.Class(err))
	}
	return nil
}
