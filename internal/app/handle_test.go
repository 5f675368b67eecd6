package app

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"lafia/internal/spool"
)

func TestHandlingGivesWayWhileASpoolOfManyIsEmptied(t *testing.T) {
	many := true
	turns := newTurns(func() bool { return many })
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	var ends []func()
	for range handledBeside {
		end, err := turns.take(t.Context())
		must(t, err)
		ends = append(ends, end)
	}
	if _, err := turns.take(gone); !errors.Is(err, context.Canceled) {
		t.Errorf("one more than %d: %v", handledBeside, err)
	}
	ends[0]()
	_, err := turns.take(t.Context())
	must(t, err)
	many = false // those who have a turn keep it, and all others go on
	for range 10 * handledBeside {
		_, err := turns.take(gone)
		must(t, err)
	}
}

// TestASpoolOfManyIsOneThatIsBeingEmptied: while the record is away nobody waits
// for it in vain, nor for a few.
func TestASpoolOfManyIsOneThatIsBeingEmptied(t *testing.T) {
	var none *journal
	if none.many() {
		t.Error("a gateway without a spool has many in it")
	}
	s, err := spool.Open(spool.Options{Dir: filepath.Join(t.TempDir(), "spool"), Node: "n", Key: make([]byte, 32), Now: time.Now})
	must(t, err)
	defer s.Close(context.Background())
	j := &journal{Spool: s}
	for n := range manySpooled + 1 {
		must(t, s.Append(t.Context(), spool.Record{Contact: []byte("c"), Kind: "deed", ID: fmt.Sprint(n)}))
	}
	if j.many() {
		t.Error("many, though nobody empties it")
	}
	seen := map[bool]int{}
	j.emptying.Store(true)
	n, err := s.Drain(t.Context(), func(context.Context, spool.Record) error {
		seen[j.many()]++
		return nil
	})
	if err != nil || n != manySpooled+1 || seen[true] != 2 || seen[false] != manySpooled-1 {
		t.Errorf("%d, %v; many, and not: %v", n, err, seen)
	}
}
