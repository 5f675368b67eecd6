package audit

import (
	"errors"
	"sync"
	"time"
)

// Errors of writing. Whatever was to be written is not done, and not shown.
var (
	ErrNoKey = errors.New("the audit has not begun, and there is no key to begin it with: `lafia keys init` makes audit.key")
	ErrActor = errors.New("an entry of the audit needs who and what")
)

// Keeper keeps the keys of a chain.
type Keeper interface {
	// AuditFirst gives the first key; nil where it is kept elsewhere.
	AuditFirst() []byte
	// SealAudit and OpenAudit seal the key of the next entry, bound to the number
	// of the last one.
	SealAudit(key []byte, seq int64) []byte
	OpenAudit(sealed []byte, seq int64) ([]byte, error)
}

// Chain remembers where a chain ends, so that an entry costs one statement: the
// database refuses it where another writer was there first. It is safe for
// concurrent use.
type Chain struct {
	keeper Keeper
	now    func() time.Time

	mu    sync.Mutex
	state State // zero: not known
}

// NewChain makes a chain. now is the program's clock: the database's takes its
// place where they are apart.
func NewChain(k Keeper, now func() time.Time) *Chain { return &Chain{keeper: k, now: now} }

// Draft is an entry on its way to its place.
type Draft struct {
	Entry
	chain *Chain
}

// Draft begins an entry, which needs an actor and an act.
func (c *Chain) Draft(e Entry) Draft { return Draft{e, c} }

// Step is an entry in its place, with the end of the chain before and behind it.
type Step struct {
	Entry
	Before State
	Sealed []byte // the key of the entry behind this one
	after  State
}

// Known places the draft behind the end that this program remembers; false where it
// remembers none.
func (d Draft) Known() (Step, bool, error) {
	if d.chain == nil || d.Actor == "" || d.Act == "" {
		return Step{}, false, ErrActor
	}
	d.chain.mu.Lock()
	state := d.chain.state
	d.chain.mu.Unlock()
	if state.key == nil {
		return Step{}, false, nil
	}
	d.At = d.chain.now()
	return d.behind(state), true, nil
}

// Behind places the draft behind the end that the database told, with its time.
func (d Draft) Behind(seq int64, mac, sealed []byte, at time.Time) (Step, error) {
	key, err := d.chain.keeper.OpenAudit(sealed, seq)
	if err != nil {
		return Step{}, err
	}
	d.At = at
	return d.behind(State{seq, mac, key}), nil
}

func (d Draft) behind(state State) Step {
	e, after := state.Next(d.Entry)
	return Step{e, state, d.chain.keeper.SealAudit(after.key, after.Seq), after}
}

// Begin gives the state before the first entry, with the sealed key of that one.
func (d Draft) Begin() (State, []byte, error) {
	first := d.chain.keeper.AuditFirst()
	if first == nil {
		return State{}, nil, ErrNoKey
	}
	s := Start(first)
	return s, d.chain.keeper.SealAudit(s.key, 0), nil
}

// Written remembers that a step was taken. That its transaction is undone later
// does no harm: the database will refuse the next step, and tell the end anew.
func (d Draft) Written(s Step) {
	d.chain.mu.Lock()
	d.chain.state = s.after
	d.chain.mu.Unlock()
}
