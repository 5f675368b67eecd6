package spool

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"
)

func TestNumbersRiseThroughAllLivesOfAFolderAndAreHeldWhenItIsEmpty(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "spool")
	var got []uint64
	base := uint64(0)
	for life := range 3 {
		s := open(t, options(dir))
		if life == 0 {
			base = s.Count().Base
		}
		for n := range 4 {
			keep(t, s, record("a", 10*life+n))
		}
		if life > 0 { // the first leaves what it has to the second
			if _, err := s.Drain(t.Context(), func(_ context.Context, r Record) error {
				if r.Origin.Node != "node-a" {
					t.Errorf("of node %q", r.Origin.Node)
				}
				got = append(got, r.Origin.Number-base)
				return nil
			}); err != nil {
				t.Fatal(err)
			}
		}
		if c := s.Count(); c.Base != base || c.Last != base+uint64(4*(life+1)) || c.Pending != 4*(1-min(life, 1)) {
			t.Errorf("life %d: %+v", life, c)
		}
		closeNow(t, s)
	}
	if want := "[1 2 3 4 5 6 7 8 9 10 11 12]"; fmt.Sprint(got) != want {
		t.Errorf("numbers %v, want %s", got, want)
	}
}

func TestWhatGoesToQuarantineIsCounted(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "spool")
	s := open(t, options(dir))
	keep(t, s, record("a", 1), record("b", 2), record("c", 3))
	if _, err := s.Drain(t.Context(), func(_ context.Context, r Record) error {
		if string(r.Contact) == "b" {
			return fmt.Errorf("%w: for a test", ErrBad)
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if c := s.Count(); c.Last-c.Base != 3 || len(c.Quarantined) != 1 || c.Quarantined[0] != c.Base+2 || c.Pending != 0 {
			t.Errorf("%+v", c)
		}
		closeNow(t, s)
		s = open(t, options(dir))
	}
}

func TestNumbersThatWereRefusedAreCountedBeforeTheNextIsUsed(t *testing.T) {
	disk := newBadDisk(1)
	o := options("/spool")
	o.FS = disk
	s := open(t, o)
	keep(t, s, record("a", 1))
	disk.mode, disk.failAt = forever, disk.calls+1
	for n := range 3 {
		if err := s.Append(t.Context(), record("a", 10+n)); !errors.Is(err, errDisk) {
			t.Fatal(err)
		}
	}
	disk.failAt = 0
	keep(t, s, record("a", 2))
	c := s.Count()
	want := [][2]uint64{{c.Base + 2, c.Base + 4}}
	if fmt.Sprint(c.Refused) != fmt.Sprint(want) || c.Last != c.Base+5 {
		t.Errorf("%+v, want %v", c, want)
	}
	kept, err := readCount(disk, "/spool")
	if err != nil || kept == nil || fmt.Sprint(kept.Refused) != fmt.Sprint(want) {
		t.Errorf("kept: %+v, %v", kept, err)
	}
}

func TestAnAdoptedRecordKeepsItsNumber(t *testing.T) {
	dead, mine := options(filepath.Join(t.TempDir(), "dead")), options(filepath.Join(t.TempDir(), "mine"))
	dead.Node = "node-b"
	d := open(t, dead)
	keep(t, d, record("a", 1), record("a", 2))
	count := d.Count()
	closeNow(t, d)
	s := open(t, mine)
	keep(t, s, record("b", 1))
	a, err := s.Adopt(t.Context(), dead.Dir)
	if err != nil || a.Count == nil || a.Count.Last != count.Last || a.Count.Base != count.Base {
		t.Fatalf("%+v, %v", a, err)
	}
	if _, err := s.Drain(t.Context(), func(_ context.Context, r Record) error {
		want := Origin{"node-b", count.Base + 1}
		switch r.ID {
		case "a/2":
			want.Number++
		case "b/1":
			want = Origin{"node-a", s.Count().Base + 1}
		}
		if r.Origin != want {
			t.Errorf("%s is %+v, want %+v", r.ID, r.Origin, want)
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	if c := s.Count(); c.Last-c.Base != 1 {
		t.Errorf("an adopted record took a number: %+v", c)
	}
}

// A spool of before there were numbers is delivered, and counts nothing.
func TestARecordWithoutANumberIsStillRead(t *testing.T) {
	o := options(filepath.Join(t.TempDir(), "spool"))
	if err := os.MkdirAll(o.Dir, 0o700); err != nil {
		t.Fatal(err)
	}
	seal, err := newSealer(o.Key)
	if err != nil {
		t.Fatal(err)
	}
	r := record("a", 1)
	r.Spooled = day
	_, content := encode(r)
	data := header{1, day, "node-a"}.encode()
	from := len(data)
	plain := append(appendTime(nil, day), content...)
	data = append(data, frameMagic...)
	data = append(data, 1)
	data = binary.BigEndian.AppendUint32(data, uint32(len(plain)+28))
	data = append(data, seal.id[:]...)
	data = binary.BigEndian.AppendUint32(data, checksum(data[from:]))
	data = seal.aead.Seal(data, nil, plain, bound(1, seal.id, 1, uint32(from)))
	data = binary.BigEndian.AppendUint32(data, checksum(data[from:]))
	if err := os.WriteFile(filepath.Join(o.Dir, segmentName(1)), data, 0o600); err != nil {
		t.Fatal(err)
	}
	s := open(t, o)
	var got []Record
	if _, err := s.Drain(t.Context(), func(_ context.Context, r Record) error { got = append(got, r); return nil }); err != nil {
		t.Fatal(err)
	}
	if len(got) != 1 || got[0].ID != r.ID || string(got[0].Body) != string(r.Body) || got[0].Origin != (Origin{}) {
		t.Errorf("got %+v", got)
	}
	if c := s.Count(); c.Last != c.Base || c.Pending != 0 {
		t.Errorf("%+v", c)
	}
}
