package audit

import (
	"bytes"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"
	"testing"
	"time"
)

var (
	first = bytes.Repeat([]byte{7}, KeySize)
	began = time.Date(2026, 11, 24, 9, 0, 0, 0, time.UTC)
)

// written is a chain of n entries, each unlike the others, with its end.
func written(n int) ([]Entry, Kept) {
	s := Start(first)
	start := s.MAC
	var list []Entry
	for i := range n {
		var e Entry
		e, s = s.Next(Entry{
			At: began.Add(time.Duration(i) * time.Second), Actor: fmt.Sprint("account ", i%7), Act: Acts[i%len(Acts)],
			Object: fmt.Sprint("message ", i), Count: i % 3, Reason: []byte(fmt.Sprint("sealed ", i)), Details: []byte(fmt.Sprint("print ", i)),
		})
		list = append(list, e)
	}
	return list, Kept{Start: start, Seq: s.Seq, MAC: s.MAC, Next: s.key}
}

func all(list []Entry) iter.Seq2[Entry, error] {
	return func(yield func(Entry, error) bool) {
		for _, e := range list {
			if !yield(e, nil) {
				return
			}
		}
	}
}

// places gives each entry the number of its place, as rows that are found by their
// numbers have them.
func places(list []Entry, at ...int) []Entry {
	for _, i := range at {
		list[i].Seq = int64(i + 1)
	}
	return list
}

func TestAChainHoldsAsItWasWritten(t *testing.T) {
	for _, n := range []int{0, 1, 200} {
		list, kept := written(n)
		r, err := Verify(first, all(list), kept, nil)
		if err != nil || r.Bad != nil || r.Entries != int64(n) || r.Head.Seq != int64(n) {
			t.Errorf("%d entries: %+v, %v", n, r, err)
		}
		paper, err := ParseHead(strings.ToUpper(r.Head.String()))
		if err != nil {
			t.Fatal(err)
		}
		if r, err := Verify(first, all(list), kept, &paper); err != nil || r.Bad != nil {
			t.Errorf("%d entries against their own head: %+v, %v", n, r, err)
		}
	}
	if r, err := Verify(first, all(nil), Kept{}, nil); err != nil || r.Bad != nil {
		t.Errorf("nothing was ever written: %+v, %v", r, err)
	}
}

// flips changes one field of an entry each.
var flips = map[string]func(e *Entry){
	"at":      func(e *Entry) { e.At = e.At.Add(time.Microsecond) },
	"actor":   func(e *Entry) { e.Actor += "x" },
	"act":     func(e *Entry) { e.Act += "x" },
	"object":  func(e *Entry) { e.Object = "" },
	"count":   func(e *Entry) { e.Count++ },
	"reason":  func(e *Entry) { e.Reason = nil },
	"details": func(e *Entry) { e.Details = append(slices.Clone(e.Details), 0) },
	"mac":     func(e *Entry) { e.MAC = slices.Clone(e.MAC); e.MAC[31] ^= 1 },
	"border": func(e *Entry) { // of two fields
		e.Actor, e.Act = e.Actor+string(e.Act[:1]), e.Act[1:]
	},
}

// Every entry of 200 in every way: each finding names the entry and what happened.
func TestWhatIsAlteredMissingSwappedOrCutOffIsFound(t *testing.T) {
	list, kept := written(200)
	tried, found := 0, 0
	wants := func(seq int, what string, spoilt []Entry, kept Kept, paper *Head) {
		t.Helper()
		tried++
		r, err := Verify(first, all(spoilt), kept, paper)
		if err != nil || r.Bad == nil || r.Bad.Seq != int64(seq) || !strings.Contains(r.Bad.What, what) {
			t.Errorf("entry %d %s: %+v, %v", seq, what, r.Bad, err)
			return
		}
		found++
	}
	for i := range list {
		for _, flip := range flips {
			spoilt := slices.Clone(list)
			flip(&spoilt[i])
			wants(i+1, "altered", spoilt, kept, nil)
		}
		dropped := slices.Delete(slices.Clone(list), i, i+1)
		wants(i+1, "missing", dropped, kept, nil)
		if i < len(list)-1 { // dropped, and the rest moved up
			closed := slices.Clone(dropped)
			for j := i; j < len(closed); j++ {
				closed[j].Seq = int64(j + 1)
			}
			wants(i+1, "altered", closed, kept, nil)
		}
		j := (i + 1 + i%50) % len(list)
		swapped := slices.Clone(list)
		swapped[i], swapped[j] = swapped[j], swapped[i]
		wants(min(i, j)+1, "swapped", places(swapped, i, j), kept, nil)
		twice := slices.Insert(slices.Clone(list), i, list[i])
		wants(i+1, "twice", twice, kept, nil)

		cut := list[:i]
		wants(i+1, "missing", cut, kept, nil)
		// Cut off, and the kept end put back to what it was then, which a copy of the
		// database has: a head on paper alone tells.
		_, then := written(i)
		paper := Head{kept.Seq, kept.MAC}
		wants(i+1, "missing", cut, then, &paper)
		// Cut off, and the kept end made to fit without the key, which is not known.
		forged := Kept{Start: kept.Start, Seq: int64(i), MAC: kept.Start, Next: kept.Next}
		if i > 0 {
			forged.MAC = list[i-1].MAC
		}
		wants(i, "key of the next entry", cut, forged, nil)
	}
	t.Logf("%d of %d found", found, tried)
}

func TestWhoHasTodaysKeyWritesNothingBeforeIt(t *testing.T) {
	list, kept := written(100)
	_, at60 := written(60)
	// A thief of the state behind entry 60 can write 61 and on anew, which a head
	// from before tells if it is younger, and nothing up to 60.
	s := State{Seq: 60, MAC: at60.MAC, key: at60.Next}
	spoilt := slices.Clone(list)
	for i := 60; i < 100; i++ {
		e := list[i]
		e.Actor = "somebody else"
		spoilt[i], s = s.Next(e)
	}
	forged := Kept{Start: kept.Start, Seq: s.Seq, MAC: s.MAC, Next: s.key}
	if r, err := Verify(first, all(spoilt), forged, nil); err != nil || r.Bad != nil {
		t.Errorf("what a thief of the key wrote behind it is said to be found: %+v, %v", r.Bad, err)
	}
	paper := Head{80, list[79].MAC}
	if r, err := Verify(first, all(spoilt), forged, &paper); err != nil || r.Bad == nil || r.Bad.Seq != 80 {
		t.Errorf("against a head on paper: %+v, %v", r.Bad, err)
	}
	spoilt[59].Actor = "somebody else"
	if r, err := Verify(first, all(spoilt), forged, nil); err != nil || r.Bad == nil || r.Bad.Seq != 60 {
		t.Errorf("an entry before the theft: %+v, %v", r.Bad, err)
	}
}

func TestAnotherKeyIsSaidToBeOne(t *testing.T) {
	list, kept := written(3)
	other := bytes.Repeat([]byte{8}, KeySize)
	if _, err := Verify(other, all(list), kept, nil); !errors.Is(err, ErrOtherKey) {
		t.Error(err)
	}
	if _, err := Verify(first, all(nil), Kept{}, &Head{0, Start(other).MAC}); !errors.Is(err, ErrOtherKey) {
		t.Error(err)
	}
}

func TestAHeadIsReadAsItIsPrinted(t *testing.T) {
	h := Head{214, bytes.Repeat([]byte{0x9f, 0x2c}, 16)}
	if s := h.String(); s != "214:9f2c-9f2c-9f2c-9f2c-9f2c" {
		t.Error(s)
	}
	for _, s := range []string{"", "214", "214:", "x:9f2c-9f2c-9f2c-9f2c-9f2c", "214:9f2c", "-1:9f2c-9f2c-9f2c-9f2c-9f2c", "214:zf2c-9f2c-9f2c-9f2c-9f2c"} {
		if _, err := ParseHead(s); err == nil {
			t.Errorf("%q is read as a head", s)
		}
	}
}

func TestAStateDoesNotPrint(t *testing.T) {
	s := Start(first)
	if got := fmt.Sprintf("%v %+v %#v %s", s, s, s, s); strings.Contains(got, fmt.Sprintf("%x", s.key[:4])) || strings.Contains(got, fmt.Sprint(s.key[0], " ", s.key[1])) {
		t.Error(got)
	}
}
