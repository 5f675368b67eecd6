package app

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"lafia/internal/audit"
	"lafia/internal/store"
	"lafia/internal/vault"
)

// Rotating is what a rotation of the office keys is told.
type Rotating struct {
	Reason string
	// Finish makes no new key: it rewraps what is left under earlier ones.
	Finish bool
	// Patience is how long gateways may take to tell that they have the key; 0: a sign of
	// life and more.
	Patience time.Duration
	// Say is told what is waited for. May be nil.
	Say func(string)
}

// Rotation is what a rotation did.
type Rotation struct {
	Key       string         `json:"key"`  // the office key in use now, as its file is named without the ending
	File      string         `json:"file"` // where it lies on this machine
	Made      bool           `json:"made"` // its file was made now
	Used      bool           `json:"used"` // it was taken into use now; false: an earlier rotation was finished, or nothing was to do
	Rewrapped map[string]int `json:"rewrapped"`
	Left      []Left         `json:"left"`    // what is still under other office keys
	Spooled   int            `json:"spooled"` // records in spools, which may be under an earlier key
	// Idle are the earlier keys that nothing but reasons of the audit is under.
	Idle []string `json:"idle"`
}

// Left is what is still sealed under another office key than the one in use.
type Left struct {
	Key   string `json:"key"`
	Kind  string `json:"kind"`
	Count int    `json:"count"`
	Why   string `json:"why"`
	again bool   // another call may rewrap it
}

// Again reports whether another call with Finish may rewrap something.
func (r Rotation) Again() bool {
	return r.Spooled > 0 || slices.ContainsFunc(r.Left, func(l Left) bool { return l.again })
}

const (
	// learnedWithin is how soon a gateway that runs has told which keys it has, and
	// learned which one is in use: a sign of life, and what is in its way.
	learnedWithin = beatEvery + 10*time.Second
	// askAgain is how often a rotation looks for that.
	askAgain = 300 * time.Millisecond
	// committedWithin is how soon everything is committed that was sealed before a
	// gateway learned of another key: a commit may take 1.8 s (conversation), a message's
	// handling about as long.
	committedWithin = 3 * time.Second
	// rounds are how often the rest is gone through: rows in others' hands are few.
	rounds = 5
	// lockWithin is how long a rotation waits for another one's end: that of a killed one
	// is noticed by PostgreSQL in a moment.
	lockWithin = 5 * time.Second
)

// RotateKeys gives a site its next office key, and rewraps everything that is sealed
// under earlier ones. Gateways keep serving. Killed anywhere, it goes on when it is
// called again: a new key is made only when nothing is left to rewrap. What it did is
// given with an error too.
func RotateKeys(ctx context.Context, site Site, o Rotating) (Rotation, error) {
	if o.Say == nil {
		o.Say = func(string) {}
	}
	if o.Patience == 0 {
		o.Patience = learnedWithin
	}
	st, ring, err := site.open(ctx)
	if err != nil {
		return Rotation{}, err
	}
	defer st.Close()
	switch pending, err := st.Pending(ctx); {
	case err != nil:
		return Rotation{}, err
	case pending:
		return Rotation{}, errors.New("the database is older than this program: run `lafia migrate`, and update every gateway before its keys are rotated")
	}
	if err := checkKeys(ctx, st, ring); err != nil {
		return Rotation{}, err
	}
	dir, err := site.keysDir()
	if err != nil {
		return Rotation{}, err
	}
	r := &rotation{store: st, ring: ring, dir: dir, Rotating: o, Rotation: Rotation{Rewrapped: map[string]int{}, Left: []Left{}, Idle: []string{}}}
	here := machineClock()
	if err := hearClock(ctx, st, here); err != nil {
		return Rotation{}, err
	}
	r.now = here.Now
	for end := time.Now().Add(lockWithin); ; time.Sleep(askAgain) {
		err = st.WhileRotating(ctx, func() error { return r.run(ctx) })
		if !errors.Is(err, store.ErrRotating) {
			break
		}
		if time.Now().After(end) {
			err = errors.New("another `lafia keys rotate` works on this database: wait until it is done")
			break
		}
	}
	r.Key = vault.OfficeName(ring.Sealing())
	r.File = filepath.Join(dir, r.Key+".key")
	return r.Rotation, err
}

func (s Site) keysDir() (string, error) {
	if s.Data != "" {
		return devKeys(s.Data), nil
	}
	c, err := ReadConfig(s.Config)
	if err != nil {
		return "", err
	}
	return c.Keys.Dir, nil
}

// rotation is one under way.
type rotation struct {
	store *store.Store
	ring  *vault.Ring
	dir   string
	now   func() time.Time
	Rotating
	Rotation
	closed int // rows that did not open, in the last round
}

func (r *rotation) run(ctx context.Context) error {
	if err := vault.RemoveDrafts(r.dir); err != nil {
		return err
	}
	left, err := r.left(ctx)
	if err != nil {
		return err
	}
	if left > 0 || r.Finish {
		r.Say(fmt.Sprintf("%d things are sealed under earlier office keys: they are rewrapped under %s.key", left, vault.OfficeName(r.ring.Sealing())))
		// Before anything is done: a rotation that is killed and goes on is an act each time.
		if err := r.store.Audit(ctx, r.act()); err != nil {
			return err
		}
		if err := r.rewrap(ctx); err != nil || r.Finish || len(r.Rewrapped) > 0 {
			return err
		}
	}
	if err := r.next(ctx); err != nil {
		return err
	}
	return r.rewrap(ctx)
}

func (r *rotation) act() audit.Draft {
	return commandAct(r.ring, audit.KeysRotate, vault.OfficeName(r.ring.Sealing()), r.Reason, 0)
}

// next makes the next office key and, once all gateways have it, takes it into use.
func (r *rotation) next(ctx context.Context) error {
	n, check, made, err := r.ring.NextOffice()
	if err != nil {
		return err
	}
	r.Made = made
	name := vault.OfficeName(n)
	file := filepath.Join(r.dir, name+".key")
	if made {
		r.Say(file + " is made: copy it now to the place of the keys' copies, for what is sealed from now on opens with no other")
	}
	lacking, err := r.await(ctx, "look into their key folders for "+name+".key", func(nodes []store.Node) []store.Node {
		return slices.DeleteFunc(nodes, func(n store.Node) bool { return n.Holds(check) })
	})
	if err != nil {
		return err
	}
	if len(lacking) == 0 {
		// Its own entry is sealed under it already, so that no reason of this rotation keeps
		// the earlier key.
		before, old := r.ring.Sealing(), r.ring.Checks()
		if err := r.ring.SealUnder(n, check); err != nil {
			return err
		}
		if lacking, err = r.store.UseOfficeKey(ctx, name, check, r.act()); err != nil || len(lacking) > 0 {
			_ = r.ring.SealUnder(before, old[vault.OfficeName(before)])
		}
	}
	switch {
	case errors.Is(err, store.ErrKeyTaken):
		return fmt.Errorf("this database has another %s.key, which was taken into use from another machine: put that one in the place of %s, under which nothing is sealed, and run this again", name, file)
	case err != nil:
		return err
	case len(lacking) > 0:
		return fmt.Errorf("nothing is rewrapped yet: %s; copy %s there (mode 0600, the gateway's user) in the place of one of that name, and run this again", lack(lacking, name, r.now()), file)
	}
	r.Used = true
	r.Say(name + ".key is in use")
	return nil
}

// lack says which gateways have not told that they hold a key.
func lack(nodes []store.Node, name string, now time.Time) string {
	var out []string
	for _, n := range nodes {
		if silent := now.Sub(n.BeatAt); silent > time.Minute {
			out = append(out, fmt.Sprintf("the gateway %s did not have %s.key at its last sign of life, %s ago (start it again with the key; if it is gone for good, `lafia spool adopt` its folder or `lafia spool forget` it)", n.ID, name, silent.Truncate(time.Second)))
			continue
		}
		if len(n.Keys) == 0 {
			out = append(out, fmt.Sprintf("the gateway %s runs an older program, which knows no rotation (update it)", n.ID))
			continue
		}
		out = append(out, fmt.Sprintf("the gateway %s does not have this %s.key in its key folder", n.ID, name))
	}
	return strings.Join(out, "; ")
}

// await asks until no gateway is among those that which gives, and gives the rest
// when that takes too long.
func (r *rotation) await(ctx context.Context, what string, which func([]store.Node) []store.Node) ([]store.Node, error) {
	said := false
	for end := time.Now().Add(r.Patience); ; {
		nodes, err := r.store.RunningNodes(ctx)
		if err != nil {
			return nil, err
		}
		rest := which(nodes)
		if len(rest) == 0 || time.Now().After(end) {
			return rest, nil
		}
		if !said {
			r.Say(fmt.Sprintf("waiting up to %s until the gateways %s", r.Patience, what))
			said = true
		}
		select {
		case <-time.After(askAgain):
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// rewrap rewraps everything, and once more what gateways sealed before they learned
// of the key.
func (r *rotation) rewrap(ctx context.Context) error {
	if err := r.round(ctx); err != nil {
		return err
	}
	now := r.ring.Sealing()
	late, err := r.await(ctx, "seal under "+vault.OfficeName(now)+".key", func(nodes []store.Node) []store.Node {
		return slices.DeleteFunc(nodes, func(n store.Node) bool { return n.Sealing == now || r.now().Sub(n.BeatAt) > time.Minute })
	})
	if err != nil {
		return err
	}
	for range rounds {
		select {
		case <-time.After(committedWithin):
		case <-ctx.Done():
			return ctx.Err()
		}
		if err := r.round(ctx); err != nil {
			return err
		}
		left, err := r.left(ctx)
		if err != nil {
			return err
		}
		if left <= r.closed {
			break
		}
	}
	if err := r.report(ctx); err != nil {
		return err
	}
	if len(late) > 0 {
		return fmt.Errorf("%s: see why in its log (%s.key must be in its key folder), and run this again with --finish", sealElse(late), vault.OfficeName(now))
	}
	return nil
}

func sealElse(nodes []store.Node) string {
	var out []string
	for _, n := range nodes {
		out = append(out, fmt.Sprintf("the gateway %s still seals under %s.key", n.ID, vault.OfficeName(n.Sealing)))
	}
	return strings.Join(out, "; ")
}

// round goes once through the record.
func (r *rotation) round(ctx context.Context) error {
	r.closed = 0
	done, err := r.store.Rewrap(ctx, r.ring.Sealing(), func(sealed []byte, bound string) ([]byte, error) {
		again, err := r.ring.Rewrap(sealed, bound)
		if err != nil {
			r.closed++
		}
		return again, err
	})
	for kind, n := range done {
		r.Rewrapped[kind] += n
	}
	return err
}

// left counts what could be rewrapped.
func (r *rotation) left(ctx context.Context) (n int, err error) {
	all, err := r.store.SealedUnder(ctx)
	return r.among(all), err
}

// among counts what could be rewrapped of all.
func (r *rotation) among(all []store.SealedUnder) (n int) {
	for _, u := range all {
		if !u.Fixed && u.Key != r.ring.Sealing() {
			n += u.Count
		}
	}
	return n
}

// report says what is left, and why.
func (r *rotation) report(ctx context.Context) error {
	all, err := r.store.SealedUnder(ctx)
	if err != nil {
		return err
	}
	left := r.among(all)
	r.Left, r.Idle = []Left{}, []string{}
	needed := map[int]bool{}
	for _, u := range all {
		if u.Key == r.ring.Sealing() {
			continue
		}
		l := Left{Key: vault.OfficeName(u.Key), Kind: u.Kind, Count: u.Count, Why: "the audit cannot be written again"}
		if !u.Fixed {
			needed[u.Key] = true
			if l.Why, l.again = "changed meanwhile, or came out of a spool", true; left <= r.closed {
				l.Why, l.again = "does not open: it was altered, or another key sealed it", false
			}
		}
		r.Left = append(r.Left, l)
	}
	for n := 1; n < r.ring.Sealing(); n++ {
		if !needed[n] {
			r.Idle = append(r.Idle, vault.OfficeName(n))
		}
	}
	waiting, err := r.store.SilentNodes(ctx, r.now())
	for _, n := range waiting {
		r.Spooled += n.Spooled
	}
	return err
}

// sealCheck says which running gateways do not seal under the office key in use.
func sealCheck(ctx context.Context, s *store.Store, ring *vault.Ring, at time.Time) error {
	nodes, err := s.RunningNodes(ctx)
	if err != nil {
		return err
	}
	now := ring.Sealing()
	nodes = slices.DeleteFunc(nodes, func(n store.Node) bool {
		return n.Sealing == now || n.Sealing == 0 || at.Sub(n.BeatAt) > time.Minute
	})
	if len(nodes) == 0 {
		return nil
	}
	return fmt.Errorf("%s.key is in use; %s", vault.OfficeName(now), sealElse(nodes))
}
