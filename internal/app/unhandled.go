package app

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"lafia/internal/store"
)

// unhandledMost is how long a message may wait for its handling once it is
// durable and nothing is broken any more (reliability.md I14). What was spooled
// counts from when it came.
const unhandledMost = time.Minute

// unhandled is what the sweep saw last of messages that were received and not
// handled yet.
type unhandled struct {
	now     func() time.Time
	altered *prometheus.CounterVec

	mu     sync.Mutex
	count  int
	oldest time.Time // zero: there is none
	warned time.Time
}

func newUnhandled(r prometheus.Registerer, now func() time.Time) (*unhandled, error) {
	u := &unhandled{now: now, altered: prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "lafia_inbound_altered_total",
		Help: "Messages kept and marked since their id had come before with something else, by channel: its ids may have begun again.",
	}, []string{"channel"})}
	for _, c := range []prometheus.Collector{u.altered, prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "lafia_unhandled_oldest_seconds",
		Help: "How long the oldest message has waited that was received and not handled yet.",
	}, func() float64 { age, _ := u.age(); return age.Seconds() })} {
		if err := r.Register(c); err != nil {
			return nil, fmt.Errorf("registering the metrics of messages: %w", err)
		}
	}
	return u, nil
}

// age gives how long the oldest message has waited, and how many wait.
func (u *unhandled) age() (time.Duration, int) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.oldest.IsZero() {
		return 0, 0
	}
	return max(0, u.now().Sub(u.oldest)), u.count
}

// overdue says what waits for too long, "" for nothing.
func (u *unhandled) overdue() string {
	age, n := u.age()
	return overdue(age, n)
}

func overdue(age time.Duration, n int) string {
	if age <= unhandledMost {
		return ""
	}
	return fmt.Sprintf("%d messages wait to be handled, the oldest for %s", n, age.Truncate(time.Second))
}

// handled gives an error while a message waits for too long, or nobody can tell.
func handled(ctx context.Context, s *store.Store, now time.Time) error {
	n, oldest, err := s.Unhandled(ctx)
	if err != nil || n == 0 {
		return err
	}
	if late := overdue(now.Sub(oldest), n); late != "" {
		return errors.New(late)
	}
	return nil
}

// alarmEvery is how often the log repeats that something waits for too long.
const alarmEvery = time.Minute

// lookAtUnhandled notes what waits, and says so in the log when it waits for too long.
func (a *App) lookAtUnhandled(ctx context.Context) {
	n, oldest, err := a.store.Unhandled(ctx)
	if err != nil {
		a.swept(ctx, "counting unhandled messages", err)
		return
	}
	u := a.unhandled
	u.mu.Lock()
	u.count, u.oldest = n, oldest
	age := u.now().Sub(oldest)
	tell := n > 0 && age > unhandledMost && u.now().Sub(u.warned) >= alarmEvery
	if tell {
		u.warned = u.now()
	}
	u.mu.Unlock()
	if tell {
		a.Log.Error("messages are durable and not handled", "messages", n, "oldest", age.Truncate(time.Second))
	}
}
