package spool

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"sync"
	"testing"
	"time"
)

func TestLanesDeliverContactsBesideEachOtherAndEachInItsOrder(t *testing.T) {
	o := options(filepath.Join(t.TempDir(), "spool"))
	o.Lanes, o.SegmentBytes = 8, 4000
	s := open(t, o)
	const contacts, each = 20, 15
	for n := range each {
		for c := range contacts {
			keep(t, s, record(fmt.Sprint(c), n))
		}
	}
	var mu sync.Mutex
	got, now, most := map[string][]string{}, 0, 0
	deliver := func(_ context.Context, r Record) error {
		mu.Lock()
		now++
		most = max(most, now)
		mu.Unlock()
		time.Sleep(time.Millisecond)
		mu.Lock()
		defer mu.Unlock()
		now--
		switch {
		case r.ID == "3/4":
			return fmt.Errorf("%w: for the test", ErrBad)
		case r.ID == "5/7" && len(got["5"]) == 7:
			got["5"] = append(got["5"], "held")
			return errors.New("not now")
		}
		got[string(r.Contact)] = append(got[string(r.Contact)], r.ID)
		return nil
	}
	if n, err := s.Drain(t.Context(), deliver); n != contacts*each-1-(each-7) || err == nil {
		t.Fatal(n, err)
	}
	if n, err := s.Drain(t.Context(), deliver); n != each-7 || err != nil || s.Pending() != 0 || s.Quarantined() != 1 {
		t.Fatal(n, err, s.Pending(), s.Quarantined())
	}
	if most < 2 {
		t.Error("no two were delivered at a time")
	}
	for c := range contacts {
		var want []string
		for n := range each {
			switch id := fmt.Sprintf("%d/%d", c, n); id {
			case "3/4":
			case "5/7":
				want = append(want, "held", id)
			default:
				want = append(want, id)
			}
		}
		if fmt.Sprint(got[fmt.Sprint(c)]) != fmt.Sprint(want) {
			t.Errorf("contact %d got %v", c, got[fmt.Sprint(c)])
		}
	}
}
