package spool

import (
	"context"
	"errors"
	"fmt"
	"math/rand"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// ledger is what the outside knows: what it gave, what was acknowledged, and
// what it got.
type ledger struct {
	mu    sync.Mutex
	given map[string]string   // body by id
	acked map[string][]string // ids by contact, in order of acknowledgement
	got   map[string][]string // ids by contact, in order of first delivery
	seen  map[string]bool
	of    map[uint64]string // id by number
	wrong []string

	lives  int
	unsure bool // a number may be missing that was acknowledged to nobody
}

// clock gives the time of one more life, an hour after that of the one before.
func (l *ledger) clock() func() time.Time {
	l.lives++
	now := day.Add(time.Duration(l.lives) * time.Hour)
	return func() time.Time { return now }
}

func newLedger() *ledger {
	return &ledger{given: map[string]string{}, acked: map[string][]string{}, got: map[string][]string{}, seen: map[string]bool{}, of: map[uint64]string{}}
}

func (l *ledger) append(s *Spool, contact string, n int) {
	r := record(contact, n)
	r.Body = []byte(strings.Repeat(r.ID+" ", 1+n%7))
	l.mu.Lock()
	l.given[r.ID] = string(r.Body)
	l.mu.Unlock()
	if s.Append(context.Background(), r) == nil {
		l.mu.Lock()
		l.acked[contact] = append(l.acked[contact], r.ID)
		l.mu.Unlock()
	}
}

func (l *ledger) deliver(r Record) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if body, ok := l.given[r.ID]; !ok || body != string(r.Body) || !strings.HasPrefix(r.ID, string(r.Contact)+"/") {
		l.wrong = append(l.wrong, fmt.Sprintf("%q was never given so", r.ID))
	}
	switch id, known := l.of[r.Origin.Number]; {
	case r.Origin.Number == 0 || r.Origin.Node == "":
		l.wrong = append(l.wrong, fmt.Sprintf("%q has no number of this node", r.ID))
	case known && id != r.ID:
		l.wrong = append(l.wrong, fmt.Sprintf("%q and %q have one number", r.ID, id))
	}
	l.of[r.Origin.Number] = r.ID
	if !l.seen[r.ID] {
		l.seen[r.ID] = true
		l.got[string(r.Contact)] = append(l.got[string(r.Contact)], r.ID)
	}
}

// check holds what is promised: each acknowledged record was delivered, in
// order for its contact, and nothing else appeared.
func (l *ledger) check() error {
	if len(l.wrong) > 0 {
		return errors.New(l.wrong[0])
	}
	for contact, ids := range l.acked {
		i := 0
		for _, id := range l.got[contact] {
			if i < len(ids) && id == ids[i] {
				i++
			}
		}
		if i < len(ids) {
			return fmt.Errorf("%s was acknowledged, and not delivered in its order: acknowledged %q, delivered %q", ids[i], ids, l.got[contact])
		}
	}
	return nil
}

// counted wants each number that must have been delivered among those that were.
func (l *ledger) counted(c Count) error {
	if c.Pending != 0 || len(c.Quarantined) != 0 || c.Damaged != 0 {
		return fmt.Errorf("the count is %+v", c)
	}
	must := map[uint64]bool{}
	for n := c.Base + 1; n <= c.Last; n++ {
		must[n] = true
	}
	for n := range l.of {
		if !must[n] && n > c.Base { // else it is of before a disk so full that the count was lost
			return fmt.Errorf("number %d was delivered, and is not among %d to %d", n-c.Base, 1, c.Last-c.Base)
		}
	}
	for _, r := range c.Refused {
		for n := r[0]; n <= r[1]; n++ {
			delete(must, n)
		}
	}
	for n := range must {
		if l.of[n] == "" && !l.unsure {
			return fmt.Errorf("number %d of %d was not delivered, and was not refused: %v", n-c.Base, c.Last-c.Base, c.Refused)
		}
	}
	return nil
}

// life opens the spool and does something with it until it ends by itself or
// by a fault. It gives false when it could not be opened.
func life(disk *badDisk, l *ledger, rng *rand.Rand, from int) bool {
	o := options("/spool")
	o.FS, o.SegmentBytes, o.GroupCommit, o.Now = disk, 600, 100*time.Microsecond, l.clock()
	s, err := Open(o)
	if err != nil {
		return false
	}
	for n := from; n < from+12; n++ {
		switch rng.Intn(5) {
		case 0:
			_, _ = s.Drain(context.Background(), func(_ context.Context, r Record) error {
				if rng.Intn(6) == 0 {
					return errors.New("server away")
				}
				l.deliver(r)
				return nil
			})
		case 1: // three contacts at once share a batch, or not
			var wg sync.WaitGroup
			for _, c := range []string{"a", "b", "c"} {
				wg.Go(func() { l.append(s, c, n) })
			}
			wg.Wait()
		default:
			l.append(s, []string{"a", "b", "c"}[rng.Intn(3)], n)
		}
	}
	_ = s.Close(context.Background())
	return true
}

// last opens the spool on a sound disk and delivers what is there.
func last(disk *badDisk, l *ledger) error {
	o := options("/spool")
	o.FS, o.Now = disk, l.clock()
	s, err := Open(o)
	if err != nil {
		return err
	}
	defer func() { _ = s.Close(context.Background()) }()
	if s.Quarantined() != 0 {
		return fmt.Errorf("%d in quarantine, and the disk did no damage", s.Quarantined())
	}
	pending := s.Pending()
	n, err := s.Drain(context.Background(), func(_ context.Context, r Record) error { l.deliver(r); return nil })
	if err != nil || n != pending || s.Pending() != 0 || s.Bytes() != 0 {
		return fmt.Errorf("the last drain delivered %d of %d, %d left, %d bytes: %w", n, pending, s.Pending(), s.Bytes(), err)
	}
	if err := l.counted(s.Count()); err != nil {
		return err
	}
	return l.check()
}

// TestEveryCallOfTheDiskFailsInEveryWay runs a life of the spool again and
// again, and fails its first call of the disk, then its second, and so on; and
// then ends the process or the machine.
func TestEveryCallOfTheDiskFailsInEveryWay(t *testing.T) {
	seed := seedOf(t)
	runs := 0
	for _, mode := range []failure{once, forever, noRoom, cut, power} {
		for _, end := range []string{"process", "machine"} {
			for at := 1; ; at++ {
				disk, l := newBadDisk(seed+int64(at)), newLedger()
				disk.mode, disk.failAt = mode, at
				life(disk, l, rand.New(rand.NewSource(seed)), 0)
				reached := disk.calls >= at || disk.off
				disk.end(end)
				if err := last(disk, l); err != nil {
					t.Fatalf("call %d fails (%s), then the %s ends, seed %d: %v", at, mode, end, seed, err)
				}
				runs++
				if !reached {
					break
				}
			}
		}
	}
	t.Logf("%d runs", runs)
}

func (d *badDisk) end(how string) {
	if how == "machine" {
		d.crash()
	} else {
		d.die()
	}
}

// TestRandomLivesKeepWhatWasAcknowledged strings lives together, each with a
// fault of its own.
func TestRandomLivesKeepWhatWasAcknowledged(t *testing.T) {
	seed := seedOf(t)
	lives := 300
	if testing.Short() {
		lives = 50
	}
	for i := range lives {
		seed := seed + int64(i)
		rng := rand.New(rand.NewSource(seed))
		disk, l := newBadDisk(seed), newLedger()
		died := false
		for n := range 1 + rng.Intn(6) {
			disk.mode = []failure{once, forever, noRoom, cut, power}[rng.Intn(5)]
			disk.failAt = disk.calls + 1 + rng.Intn(120)
			life(disk, l, rng, n*100)
			end := []string{"process", "machine"}[rng.Intn(2)]
			disk.end(end)
			// What a process left without an fsync has its numbers in the next life, and may
			// be gone with the machine: nobody was promised it, and nobody can tell it apart.
			l.unsure = l.unsure || died && end == "machine"
			died = died || end == "process"
		}
		if err := last(disk, l); err != nil {
			t.Fatalf("LAFIA_SEED=%d: %v", seed, err)
		}
	}
}

// seedOf gives the seed of random tests, and prints it; LAFIA_SEED sets it.
func seedOf(t *testing.T) int64 {
	t.Helper()
	seed := time.Now().UnixNano()
	if s := os.Getenv("LAFIA_SEED"); s != "" {
		var err error
		if seed, err = strconv.ParseInt(s, 10, 64); err != nil {
			t.Fatal(err)
		}
	}
	t.Logf("LAFIA_SEED=%d", seed)
	return seed
}

// written gives the bytes of a segment with five records, and where they begin.
func written(t *testing.T) (data []byte, starts []int) {
	t.Helper()
	o := options(filepath.Join(t.TempDir(), "spool"))
	s := open(t, o)
	for n := range 5 {
		keep(t, s, record(string(rune('a'+n)), n))
	}
	closeNow(t, s)
	data, err := os.ReadFile(filepath.Join(o.Dir, segmentName(1)))
	if err != nil {
		t.Fatal(err)
	}
	sc, err := scan(data, 1)
	if err != nil || len(sc.frames) != 5 {
		t.Fatalf("%d frames, %v", len(sc.frames), err)
	}
	for _, f := range sc.frames {
		starts = append(starts, int(f.offset))
	}
	return data, append(starts, len(data))
}

// reopened puts a segment on a disk, opens the spool twice, and gives what it
// delivers and how it went the first time.
func reopened(t *testing.T, data []byte) (got []string, r Recovery, quarantined int) {
	t.Helper()
	disk := newBadDisk(1)
	disk.names["/spool/"+segmentName(1)] = &node{data: append([]byte(nil), data...)}
	o := options("/spool")
	o.FS = disk
	s, err := Open(o)
	if err != nil {
		t.Fatal(err)
	}
	r, quarantined = s.Recovered(), s.Quarantined()
	if err := s.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	s, err = Open(o)
	if err != nil {
		t.Fatal(err)
	}
	if again := s.Recovered(); again != (Recovery{Records: r.Records}) || s.Quarantined() != quarantined {
		t.Fatalf("opened twice: first %+v, then %+v with %d in quarantine", r, again, s.Quarantined())
	}
	got = drained(t, s)
	if err := s.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	return got, r, quarantined
}

func TestATornTailIsCutAtEveryByte(t *testing.T) {
	data, starts := written(t)
	for end := range len(data) + 1 {
		whole, atEdge := 0, end == 0
		for n, start := range starts {
			if start <= end {
				whole = n
			}
			atEdge = atEdge || start == end
		}
		for _, tail := range []int{0, 50} { // and as a length without content
			if tail > 0 && !atEdge {
				continue // then it is a frame that does not match, which may be damage
			}
			got, r, quarantined := reopened(t, append(data[:end:end], make([]byte, tail)...))
			torn := 0
			if !atEdge || tail > 0 {
				torn = 1
			}
			if len(got) != whole || r.Records != whole || r.Torn != torn || quarantined != 0 {
				t.Fatalf("cut at %d of %d: %d delivered, want %d; %+v, %d in quarantine", end, len(data), len(got), whole, r, quarantined)
			}
		}
	}
}

func TestEveryFlippedByteIsCaughtAndCostsOneRecordAtTheMost(t *testing.T) {
	data, starts := written(t)
	for at := range data {
		for _, flip := range []byte{0x01, 0x80, 0xFF} {
			bad := append([]byte(nil), data...)
			bad[at] ^= flip
			hit := -1 // the header
			for n, start := range starts[:5] {
				if start <= at {
					hit = n
				}
			}
			var want []string
			for n := range 5 {
				if n != hit {
					want = append(want, record(string(rune('a'+n)), n).ID)
				}
			}
			got, r, quarantined := reopened(t, bad)
			if strings.Join(got, " ") != strings.Join(want, " ") || quarantined != 1 || r.Quarantined != 1 || r.Torn != 0 {
				t.Fatalf("byte %d ^ %#x: delivered %q, want %q; %+v, %d in quarantine", at, flip, got, want, r, quarantined)
			}
		}
	}
}

func TestAFlippedByteThatComesWhileWeRunIsCaughtToo(t *testing.T) {
	data, _ := written(t)
	disk := newBadDisk(1)
	disk.names["/spool/"+segmentName(1)] = &node{data: data}
	o := options("/spool")
	o.FS = disk
	s := open(t, o)
	data[len(data)-10] ^= 1
	if got := drained(t, s); len(got) != 4 || s.Quarantined() != 1 || s.Pending() != 0 {
		t.Errorf("%q delivered, %d in quarantine", got, s.Quarantined())
	}
}

func TestARecordInAnotherPlaceIsNotDelivered(t *testing.T) {
	data, starts := written(t)
	head, rest := data[:starts[1]], data[starts[2]:]
	moved := append(append([]byte(nil), head...), rest...)
	got, _, quarantined := reopened(t, moved)
	wantIDs(t, got, "a/0")
	if quarantined != 3 {
		t.Errorf("%d in quarantine, want 3", quarantined)
	}
}

func TestRecordsOfAnotherKeyGoToQuarantineWithThatReason(t *testing.T) {
	o := options(filepath.Join(t.TempDir(), "spool"))
	s := open(t, o)
	keep(t, s, record("a", 1), record("a", 2))
	closeNow(t, s)
	o.Key = []byte(strings.Repeat("k", 32))
	s = open(t, o)
	if s.Pending() != 0 || s.Quarantined() != 2 {
		t.Errorf("%d pending, %d in quarantine", s.Pending(), s.Quarantined())
	}
	bad, err := filepath.Glob(filepath.Join(o.Dir, quarantineDir, "*"+badEnd))
	if err != nil || len(bad) != 2 {
		t.Fatal(bad, err)
	}
	if text, _ := os.ReadFile(bad[0]); !strings.HasPrefix(string(text), "it is sealed under another spool key\n") {
		t.Errorf("the reason reads %q", text)
	}
}

func TestAnUnknownVersionIsRefusedAndLeftAlone(t *testing.T) {
	data, starts := written(t)
	for name, at := range map[string]struct{ version, sumTo int }{
		"header": {8, starts[0] - 4},
		"record": {starts[2] + 4, starts[2] + headLen - 4},
	} {
		newer := append([]byte(nil), data...)
		newer[at.version] = 3
		from := 0
		if name == "record" {
			from = starts[2]
		}
		sum := checksum(newer[from:at.sumTo])
		copy(newer[at.sumTo:], []byte{byte(sum >> 24), byte(sum >> 16), byte(sum >> 8), byte(sum)})
		dir := filepath.Join(t.TempDir(), "spool")
		if err := os.MkdirAll(dir, 0o700); err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(dir, segmentName(1))
		if err := os.WriteFile(path, newer, 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := Open(options(dir)); err == nil || !strings.Contains(err.Error(), "format 3 is unknown here") {
			t.Errorf("%s: %v", name, err)
		}
		if _, err := Status(dir); err == nil {
			t.Errorf("%s: status sees nothing wrong", name)
		}
		if after, _ := os.ReadFile(path); string(after) != string(newer) {
			t.Errorf("%s: the segment was changed", name)
		}
	}
}

func TestDamagedMarksMarkNothing(t *testing.T) {
	var data []byte
	want := map[mark]bool{}
	for n := range uint32(5) {
		m := mark{n * 100, n * 7919}
		data = m.append(data, 3)
		want[m] = true
	}
	if got := readMarks(data, 3); len(got) != 5 || !got[mark{400, 4 * 7919}] {
		t.Errorf("got %v", got)
	}
	if got := readMarks(data, 4); len(got) != 0 {
		t.Errorf("marks of another segment count: %v", got)
	}
	for at := range data {
		bad := append([]byte(nil), data...)
		bad[at] ^= 0x10
		got := readMarks(bad, 3)
		for m := range got {
			if !want[m] {
				t.Errorf("byte %d: %v appeared", at, m)
			}
		}
		if len(got) != 4 {
			t.Errorf("byte %d: %d marks, want 4", at, len(got))
		}
		// A torn mark does not hide those that are written after it.
		if got := readMarks(append(data[:at:at], data...), 3); len(got) != 5 {
			t.Errorf("torn at %d: %d marks", at, len(got))
		}
	}
}

// FuzzScan holds that anything can be read: what comes out covers the input
// without gap or overlap, and nothing opens that was not sealed for its place.
func FuzzScan(f *testing.F) {
	seal, err := newSealer(key)
	if err != nil {
		f.Fatal(err)
	}
	b := header{1, day, "node-a"}.encode()
	for n := range 3 {
		plain, _ := encode(record("a", n))
		b, _ = seal.appendFrame(b, plain, 1, uint32(len(b)))
	}
	f.Add(b)
	f.Add(b[:len(b)-5])
	f.Add(b[20:])
	f.Add(append(append([]byte(nil), b...), b...))
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, data []byte) {
		sc, err := scan(data, 1)
		if err != nil {
			return
		}
		covered := make([]byte, len(data))
		cover := func(offset, size uint32) {
			for i := offset; i < offset+size; i++ {
				covered[i]++
			}
		}
		cover(0, sc.headerSize)
		cover(uint32(len(data))-sc.torn, sc.torn)
		for _, sp := range sc.damage {
			cover(sp.offset, sp.size)
		}
		for _, fr := range sc.frames {
			cover(fr.offset, fr.size)
			if r, err := seal.open(fr, 1); err == nil && (string(r.Contact) != "a" || r.Kind != "run") {
				t.Errorf("a record appeared: %+v", r)
			}
		}
		for i, n := range covered {
			if n != 1 {
				t.Fatalf("byte %d of %d is covered %d times: %+v", i, len(data), n, sc)
			}
		}
		_ = readMarks(data, 1)
		_, _ = decode(1, data)
		_, _ = decode(frameVersion, data)
	})
}

// TestDamageIsSetAsideOnceHoweverOftenThatIsInterrupted fails every call of the
// disk while a damaged segment is taken in.
func TestDamageIsSetAsideOnceHoweverOftenThatIsInterrupted(t *testing.T) {
	data, starts := written(t)
	data[starts[2]-1] ^= 1
	data = append(data, data[starts[0]:starts[0]+30]...)
	seed := seedOf(t)
	for _, mode := range []failure{once, cut, noRoom, power} {
		for _, end := range []string{"process", "machine"} {
			for at := 1; ; at++ {
				disk := newBadDisk(seed + int64(at))
				disk.names["/spool/"+segmentName(1)] = &node{data: append([]byte(nil), data...), synced: len(data)}
				disk.keep("/spool/" + segmentName(1))
				disk.mode, disk.failAt = mode, at
				o := options("/spool")
				o.FS = disk
				if s, err := Open(o); err == nil {
					_ = s.Close(t.Context())
				}
				reached := disk.calls >= at || disk.off
				disk.end(end)
				s, err := Open(o)
				if err != nil {
					t.Fatal(err)
				}
				if got := drained(t, s); strings.Join(got, " ") != "a/0 c/2 d/3 e/4" || s.Quarantined() != 1 {
					t.Fatalf("call %d fails (%s), the %s ends, seed %d: %q delivered, %d in quarantine", at, mode, end, seed, got, s.Quarantined())
				}
				if err := s.Close(t.Context()); err != nil {
					t.Fatal(err)
				}
				if !reached {
					break
				}
			}
		}
	}
}

// TestAnAdoptionThatIsInterruptedCanBeRepeated fails every call of the disk
// while a folder is adopted, ends the process, and adopts again.
func TestAnAdoptionThatIsInterruptedCanBeRepeated(t *testing.T) {
	seed := seedOf(t)
	for _, mode := range []failure{once, forever, noRoom, cut} {
		for at := 1; ; at++ {
			disk, l := newBadDisk(seed+int64(at)), newLedger()
			dead, mine := options("/dead"), options("/mine")
			dead.FS, dead.SegmentBytes, mine.FS, mine.SegmentBytes = disk, 600, disk, 400
			d := open(t, dead)
			for n := range 7 {
				l.append(d, "a", n)
			}
			closeNow(t, d)
			s := open(t, mine)
			disk.mode, disk.failAt = mode, disk.calls+at
			_, first := s.Adopt(t.Context(), "/dead")
			reached := disk.calls >= disk.failAt
			_ = s.Close(t.Context())
			disk.die()
			s = open(t, mine)
			if _, err := disk.List("/dead"); err == nil {
				if first == nil {
					t.Fatalf("call %d fails (%s): adopted, and the folder is still there", at, mode)
				}
				if _, err := s.Adopt(t.Context(), "/dead"); err != nil {
					t.Fatalf("call %d fails (%s): again: %v", at, mode, err)
				}
			}
			if _, err := s.Drain(t.Context(), func(_ context.Context, r Record) error { l.deliver(r); return nil }); err != nil {
				t.Fatal(err)
			}
			if err := l.check(); err != nil || len(l.acked["a"]) != 7 {
				t.Fatalf("call %d fails (%s), seed %d: %v", at, mode, seed, err)
			}
			closeNow(t, s)
			if !reached {
				break
			}
		}
	}
}
