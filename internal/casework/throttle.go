package casework

import (
	"context"
	"fmt"
	"net/netip"
	"sync"
	"time"
)

// How guesses are slowed (reliability.md T20). The first three tries of an
// account from a network are free; from then on each waits for the one before,
// 1, 2, 4, then 8 seconds apart. It is a delay and never a lock: from another
// network the same account is not slowed, and a right password clears it. What
// bounds guessing from many networks is the hasher: two at a time.
const (
	triesFree    = 3
	delayMost    = 8 * time.Second
	triesForget  = 15 * time.Minute
	throttleMost = 10_000 // accounts × networks remembered, under 2 MB
)

// WaitError is returned when so many tries are waiting already that this one
// was not looked at.
type WaitError struct{ For time.Duration }

// Error says how long to wait.
func (e *WaitError) Error() string {
	return fmt.Sprintf("too many tries: wait %d seconds", e.Seconds())
}

// Seconds rounds the wait up.
func (e *WaitError) Seconds() int { return int((e.For + time.Second - 1) / time.Second) }

type tries struct {
	count int
	next  time.Time // when the next try may run
}

type throttle struct {
	mu   sync.Mutex
	seen map[string]tries
}

func newThrottle() *throttle { return &throttle{seen: map[string]tries{}} }

// reserve counts a try before it runs, so that many at once are slowed as much
// as many in a row, and gives how long it must wait.
func (t *throttle) reserve(key string, now time.Time) (time.Duration, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	e := t.seen[key]
	if now.Sub(e.next) > triesForget {
		e = tries{}
	}
	wait := max(0, e.next.Sub(now))
	if wait > delayMost {
		return 0, &WaitError{For: wait - delayMost}
	}
	if e.count == 0 && len(t.seen) >= throttleMost {
		t.makeRoom(now)
	}
	e.count++
	e.next = now.Add(wait + delayAfter(e.count))
	t.seen[key] = e
	return wait, nil
}

func delayAfter(count int) time.Duration {
	if count < triesFree {
		return 0
	}
	return min(time.Second<<min(count-triesFree, 10), delayMost)
}

// makeRoom forgets what is old, or else whatever comes first: a flood of names
// must not take memory.
func (t *throttle) makeRoom(now time.Time) {
	for k, e := range t.seen {
		if now.Sub(e.next) > triesForget {
			delete(t.seen, k)
		}
	}
	for k := range t.seen {
		if len(t.seen) < throttleMost {
			return
		}
		delete(t.seen, k)
	}
}

func (t *throttle) clear(key string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.seen, key)
}

// throttleKey joins an account's name with the network asking: /24 of IPv4, /64
// of IPv6, which is what one subscriber has.
func throttleKey(username, address string) string {
	network := "elsewhere"
	if a, err := netip.ParseAddr(address); err == nil {
		a = a.Unmap()
		bits := 64
		if a.Is4() {
			bits = 24
		}
		if p, err := a.Prefix(bits); err == nil {
			network = p.String()
		}
	}
	return username + "\x00" + network
}

// sleep waits, or gives up with the request.
func sleep(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return nil
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("waiting for a turn: %w", ctx.Err())
	}
}
