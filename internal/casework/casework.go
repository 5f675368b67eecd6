// Package casework is what staff do, one file a verb: console, api and command
// line call the same verb, so a rule is kept in one place. A verb is given who
// asks, reads through the store within her scope, and opens words through the
// vault only where the scope says so.
package casework

import (
	"strings"
	"time"

	"lafia/internal/audit"
	"lafia/internal/programme"
	"lafia/internal/staff"
	"lafia/internal/store"
	"lafia/internal/vault"
)

// ErrNotFound is returned for what does not exist and for what the asker may not
// see: she cannot tell the two apart.
var ErrNotFound = store.ErrNotFound

// Options of a Desk. All but Phones are needed.
type Options struct {
	Store  *store.Store
	Ring   *vault.Ring
	Now    func() time.Time
	Random func(n int) []byte // from a cryptographic source
	// Phones is how answers reach people. nil: nothing is sent, and an answer is
	// read under its reference alone.
	Phones *Phones
}

// Desk is where staff work. It is safe for concurrent use and keeps no word
// between two calls.
type Desk struct {
	store    *store.Store
	ring     *vault.Ring
	chain    *audit.Chain
	now      func() time.Time
	random   func(n int) []byte
	hasher   *staff.Hasher
	phones   *Phones
	throttle *throttle
	unwrap   chan struct{} // one at a time: unwrapping takes 64 MiB
}

// New makes a desk.
func New(o Options) *Desk {
	return &Desk{
		store: o.Store, ring: o.Ring, chain: audit.NewChain(o.Ring, o.Now), now: o.Now, random: o.Random, phones: o.Phones,
		hasher: staff.NewHasher(o.Random), throttle: newThrottle(), unwrap: make(chan struct{}, 1),
	}
}

// TextState says what became of words on their way to a reader.
type TextState int

// States of a text.
const (
	NoText       TextState = iota // none was given
	TextOpen                      // shown
	TextWithheld                  // the reader may not see words
	TextShut                      // it does not open: altered, or its key is missing
)

// open opens a sealed text for a scope. A text that does not open is a state of
// its row, never an error of the page.
func (d *Desk) open(scope staff.Scope, sealed []byte, bound string) (string, TextState) {
	switch {
	case len(sealed) == 0:
		return "", NoText
	case !scope.Words:
		return "", TextWithheld
	}
	p, err := d.ring.Open(sealed, bound)
	switch {
	case err != nil:
		return "", TextShut
	case len(p) == 0:
		return "", NoText
	}
	return string(p), TextOpen
}

// Message is a submission as a reader gets it.
type Message struct {
	programme.Submission
	State       TextState
	ProjectName string
	PlaceName   string
	Corrects    string   // the first version of the report that it corrects; "": none
	SamePhone   bool     // a correction came from the phone of that first version
	TypeExact   string   // of a tension, as staff set it; "": not set
	Reasons     []string // of a feedback, as staff set them
}

func (d *Desk) message(scope staff.Scope, r store.SealedSubmission) Message {
	m := Message{
		Submission: r.Submission, ProjectName: r.ProjectName, PlaceName: r.PlaceName,
		Corrects: r.Corrects, SamePhone: r.SamePhone, TypeExact: r.TypeExact, Reasons: r.Reasons,
	}
	m.Text, m.State = d.open(scope, r.Sealed, "submission/"+r.ID)
	withhold(scope, m.Answers)
	return m
}

// withhold takes amounts of money out of what a reader without words gets, also
// those that she said first: they would tell a robber where to go (context.md 4).
func withhold(scope staff.Scope, answers map[string]string) {
	if scope.Words {
		return
	}
	for name := range answers {
		if in, ok := programme.IndicatorOf(strings.TrimSuffix(name, first)); ok && in.Money {
			delete(answers, name)
		}
	}
}

// Class names an error for logs without its text, which can quote values.
func Class(err error) string { return store.Class(err) }
