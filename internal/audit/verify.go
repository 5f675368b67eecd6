package audit

import (
	"crypto/hmac"
	"errors"
	"fmt"
	"iter"
	"time"
)

// Kept is the end of the chain as the database keeps it for the next writer.
type Kept struct {
	Start []byte // tells the first key; nil: nothing was written yet
	Seq   int64
	MAC   []byte
	Next  []byte // the key of the next entry; nil: it does not open
}

// Bad is the first entry that is not as it was written.
type Bad struct {
	Seq  int64  `json:"seq"`
	What string `json:"what"`
}

// Error is a line for people.
func (b *Bad) Error() string { return fmt.Sprintf("entry %d: %s", b.Seq, b.What) }

// Report is what Verify found.
type Report struct {
	Entries  int64 // that hold, from the first on
	From, To time.Time
	Head     Head // behind them
	Bad      *Bad // nil: the chain holds
}

// ErrOtherKey is returned where the first key is not the one that the chain began
// with.
var ErrOtherKey = errors.New("this is not the key that the audit began with")

// Verify checks a chain by its first key: entries is it, in the order of their
// numbers, and is gone through twice where something is wrong. paper is a head that
// was written down before; nil: none. Its error is one of reading, or
// ErrOtherKey.
func Verify(first []byte, entries iter.Seq2[Entry, error], kept Kept, paper *Head) (Report, error) {
	state := Start(first)
	r := Report{Head: Head{0, state.MAC}}
	if kept.Start != nil && !hmac.Equal(kept.Start, state.MAC) || paper != nil && paper.Seq == 0 && !paper.is(state.MAC) {
		return r, ErrOtherKey
	}
	for e, err := range entries {
		if err != nil {
			return r, err
		}
		want, next := state.Next(e)
		switch {
		case e.Seq > want.Seq:
			r.Bad = &Bad{want.Seq, gap(want.Seq, e.Seq-1)}
			return r, nil
		case e.Seq < want.Seq:
			r.Bad = &Bad{e.Seq, "it is there twice"}
			return r, nil
		case !hmac.Equal(want.MAC, e.MAC):
			what, err := why(state, entries)
			r.Bad = &Bad{e.Seq, what}
			return r, err
		case paper != nil && e.Seq == paper.Seq && !paper.is(e.MAC):
			r.Bad = &Bad{e.Seq, "it is not the one of the head that was written down"}
			return r, nil
		}
		state = next
		if r.Entries == 0 {
			r.From = e.At
		}
		r.Entries, r.To, r.Head = e.Seq, e.At, Head{e.Seq, e.MAC}
	}
	r.Bad = end(state, kept, paper)
	return r, nil
}

// why tells an entry that was altered from two that stand in each other's place: the
// right one is looked for among all.
func why(state State, entries iter.Seq2[Entry, error]) (string, error) {
	for e, err := range entries {
		if err != nil {
			return "", err
		}
		at := e.Seq
		if want, _ := state.Next(e); hmac.Equal(want.MAC, e.MAC) {
			return fmt.Sprintf("it stands in the place of another: it is swapped with entry %d", at), nil
		}
	}
	return "it was altered, or written in another's place", nil
}

// end compares where the entries end with where they should.
func end(state State, kept Kept, paper *Head) *Bad {
	switch {
	case paper != nil && paper.Seq > state.Seq:
		return &Bad{state.Seq + 1, gap(state.Seq+1, paper.Seq) + ": the end was cut off"}
	case kept.Seq > state.Seq:
		return &Bad{state.Seq + 1, gap(state.Seq+1, kept.Seq) + ": the end was cut off"}
	case kept.Seq < state.Seq:
		return &Bad{kept.Seq + 1, "the database's end of the chain stands before it: it was put back"}
	case state.Seq > 0 && !hmac.Equal(kept.MAC, state.MAC):
		return &Bad{state.Seq, "the database's end of the chain is another: it was altered"}
	case kept.Start != nil && !hmac.Equal(kept.Next, state.key):
		return &Bad{state.Seq, "the key of the next entry is not the one that follows: the end of the chain was put back or altered"}
	}
	return nil
}

func gap(from, to int64) string {
	if from == to {
		return "it is missing"
	}
	return fmt.Sprintf("it is missing, with all up to %d", to)
}
