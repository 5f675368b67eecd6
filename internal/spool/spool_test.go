package spool

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) {
	if dir := os.Getenv("LAFIA_SPOOL_CHILD"); dir != "" {
		child(dir)
		return
	}
	goleak.VerifyTestMain(m)
}

var (
	key = []byte("0123456789abcdef0123456789abcdef")
	day = time.Date(2026, 3, 1, 8, 0, 0, 5, time.UTC)
)

func options(dir string) Options {
	return Options{Dir: dir, Node: "node-a", Key: key, Now: func() time.Time { return day }}
}

func open(t testing.TB, o Options) *Spool {
	t.Helper()
	s, err := Open(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close(context.Background()) })
	return s
}

func closeNow(t testing.TB, s *Spool) {
	t.Helper()
	if err := s.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
}

func record(contact string, n int) Record {
	return Record{Contact: []byte(contact), Kind: "run", ID: fmt.Sprintf("%s/%d", contact, n), At: day.Add(time.Duration(n) * time.Minute), Body: fmt.Appendf(nil, "body %d of %s", n, contact)}
}

func keep(t testing.TB, s *Spool, records ...Record) {
	t.Helper()
	for _, r := range records {
		if err := s.Append(context.Background(), r); err != nil {
			t.Fatal(err)
		}
	}
}

// deliverTo collects the ids that a drain delivers.
func deliverTo(out *[]string) func(context.Context, Record) error {
	return func(_ context.Context, r Record) error {
		*out = append(*out, r.ID)
		return nil
	}
}

func drained(t testing.TB, s *Spool) []string {
	t.Helper()
	var got []string
	n, err := s.Drain(context.Background(), deliverTo(&got))
	if err != nil || n != len(got) {
		t.Fatalf("drain: %d, %v", n, err)
	}
	return got
}

func wantIDs(t testing.TB, got []string, want ...string) {
	t.Helper()
	if strings.Join(got, " ") != strings.Join(want, " ") {
		t.Errorf("delivered %q, want %q", got, want)
	}
}

func names(t testing.TB, dir string) string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, e := range entries {
		out = append(out, e.Name())
	}
	return strings.Join(out, " ")
}

func TestWhatIsAppendedIsDeliveredWholeAndInOrderAlsoAfterARestart(t *testing.T) {
	for _, restart := range []bool{false, true} {
		dir := filepath.Join(t.TempDir(), "spool")
		s := open(t, options(dir))
		first := record("a", 1)
		keep(t, s, first, record("b", 1), record("a", 2), Record{}, Record{Contact: []byte("c"), Kind: "k"})
		if restart {
			closeNow(t, s)
			s = open(t, options(dir))
			if r := s.Recovered(); r.Records != 5 {
				t.Errorf("recovered %+v", r)
			}
		}
		if s.Pending() != 5 || !s.PendingFor([]byte("a")) || s.PendingFor([]byte("d")) || !s.Oldest().Equal(day) || s.Bytes() == 0 {
			t.Errorf("pending %d, oldest %v, bytes %d", s.Pending(), s.Oldest(), s.Bytes())
		}
		var got []Record
		n, err := s.Drain(t.Context(), func(_ context.Context, r Record) error { got = append(got, r); return nil })
		if n != 5 || err != nil {
			t.Fatalf("drain: %d, %v", n, err)
		}
		if g := got[0]; string(g.Contact) != "a" || g.Kind != first.Kind || g.ID != first.ID || !g.At.Equal(first.At) || string(g.Body) != string(first.Body) || !g.Spooled.Equal(day) {
			t.Errorf("got %+v", g)
		}
		if got[1].ID != "b/1" || got[2].ID != "a/2" || got[3].Kind != "" || !got[3].At.IsZero() || got[4].Kind != "k" {
			t.Errorf("order: %+v", got)
		}
		if s.Pending() != 0 || s.PendingFor([]byte("a")) || !s.Oldest().IsZero() || s.Bytes() != 0 {
			t.Errorf("after: pending %d, oldest %v, bytes %d", s.Pending(), s.Oldest(), s.Bytes())
		}
		if got := names(t, dir); got != "count "+lastName(s.Count().Last)+" lock quarantine" && got != "count lock quarantine" {
			t.Errorf("the folder holds %s", got)
		}
		wantIDs(t, drained(t, s))
	}
}

func TestNothingOfARecordCanBeReadOnTheDiskOrInTheLog(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "spool")
	var log bytes.Buffer
	o := options(dir)
	o.Log = slog.New(slog.NewTextHandler(&log, nil))
	s := open(t, o)
	keep(t, s, Record{Contact: []byte("CANARY-1"), Kind: "CANARY-2", ID: "CANARY-3", Body: []byte("CANARY-4")})
	_, err := s.Drain(t.Context(), func(context.Context, Record) error { return fmt.Errorf("no such thing: %w", ErrBad) })
	if err != nil {
		t.Fatal(err)
	}
	keep(t, s, Record{Contact: []byte("CANARY-1"), Kind: "CANARY-2", ID: "CANARY-3", Body: []byte("CANARY-4")})
	err = filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		want := os.FileMode(0o600)
		if d.IsDir() {
			want = 0o700
		}
		if info.Mode().Perm() != want {
			t.Errorf("%s has mode %v", path, info.Mode())
		}
		if d.IsDir() {
			return nil
		}
		data, err := os.ReadFile(path)
		if strings.Contains(string(data), "CANARY") {
			t.Errorf("%s can be read", path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(log.String(), "quarantine") || strings.Contains(log.String(), "CANARY") {
		t.Errorf("the log reads %s", log.String())
	}
}

func TestATornTailIsCutOnARealDisk(t *testing.T) {
	o := options(filepath.Join(t.TempDir(), "spool"))
	s := open(t, o)
	keep(t, s, record("a", 1), record("a", 2))
	closeNow(t, s)
	path := filepath.Join(o.Dir, segmentName(1))
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(path, info.Size()-1); err != nil {
		t.Fatal(err)
	}
	if state, err := Status(o.Dir); err != nil || state.Torn != 1 || state.Pending != 1 {
		t.Errorf("status: %+v, %v", state, err)
	}
	s = open(t, o)
	if r := s.Recovered(); r != (Recovery{Records: 1, Torn: 1}) {
		t.Errorf("recovered %+v", r)
	}
	keep(t, s, record("a", 3))
	closeNow(t, s)
	s = open(t, o)
	if r := s.Recovered(); r != (Recovery{Records: 2}) {
		t.Errorf("then recovered %+v", r)
	}
	wantIDs(t, drained(t, s), "a/1", "a/3")
}

func TestAnErrorHoldsBackItsContactAlone(t *testing.T) {
	s := open(t, options(filepath.Join(t.TempDir(), "spool")))
	keep(t, s, record("a", 1), record("b", 1), record("a", 2), record("b", 2))
	away := errors.New("server away")
	var got []string
	n, err := s.Drain(t.Context(), func(_ context.Context, r Record) error {
		if r.ID == "a/1" {
			return away
		}
		got = append(got, r.ID)
		return nil
	})
	if n != 2 || !errors.Is(err, away) {
		t.Errorf("drain: %d, %v", n, err)
	}
	wantIDs(t, got, "b/1", "b/2")
	if s.Pending() != 2 || s.PendingFor([]byte("b")) {
		t.Errorf("%d pending", s.Pending())
	}
	wantIDs(t, drained(t, s), "a/1", "a/2")
}

func TestACancelledDrainStopsAndTheNextGoesOn(t *testing.T) {
	s := open(t, options(filepath.Join(t.TempDir(), "spool")))
	keep(t, s, record("a", 1), record("b", 1), record("c", 1))
	ctx, cancel := context.WithCancel(t.Context())
	n, err := s.Drain(ctx, func(_ context.Context, r Record) error {
		if r.ID == "b/1" {
			cancel()
			return ctx.Err()
		}
		return nil
	})
	if n != 1 || !errors.Is(err, context.Canceled) {
		t.Errorf("drain: %d, %v", n, err)
	}
	wantIDs(t, drained(t, s), "b/1", "c/1")
}

func TestABadRecordGoesToQuarantineWithItsReason(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "spool")
	s := open(t, options(dir))
	keep(t, s, record("a", 1), record("a", 2))
	var got []string
	n, err := s.Drain(t.Context(), func(_ context.Context, r Record) error {
		if r.ID == "a/1" {
			return fmt.Errorf("%w: kind\nunknown", ErrBad)
		}
		got = append(got, r.ID)
		return nil
	})
	if n != 1 || err != nil || s.Quarantined() != 1 || s.Pending() != 0 {
		t.Errorf("drain: %d, %v; %d in quarantine", n, err, s.Quarantined())
	}
	wantIDs(t, got, "a/2")
	reason, err := os.ReadFile(filepath.Join(dir, quarantineDir, badName(1, uint32(len(header{node: "node-a"}.encode())))))
	if err != nil || !strings.HasPrefix(string(reason), "the record can't be delivered: kind unknown\n\xF7Ls") {
		t.Errorf("the reason reads %q, %v", reason, err)
	}
	if state, err := Status(dir); err != nil || state.Quarantined != 1 || state.Reasons["the record can't be delivered: kind unknown"] != 1 {
		t.Errorf("status: %+v, %v", state, err)
	}
	closeNow(t, s)
	if s := open(t, options(dir)); s.Quarantined() != 1 || s.Pending() != 0 || s.next != 2 {
		t.Errorf("after a restart: %d in quarantine, %d pending, next %d", s.Quarantined(), s.Pending(), s.next)
	}
}

func TestTheSameRecordAgainIsOneAndOtherContentIsAnother(t *testing.T) {
	s := open(t, options(filepath.Join(t.TempDir(), "spool")))
	r := record("a", 1)
	keep(t, s, r, r)
	other := r
	other.Body = []byte("other")
	keep(t, s, other)
	keep(t, s, Record{Contact: []byte("x"), Body: []byte("no id")}, Record{Contact: []byte("x"), Body: []byte("no id")})
	if s.Pending() != 4 {
		t.Errorf("%d pending, want 4", s.Pending())
	}
	wantIDs(t, drained(t, s), "a/1", "a/1", "", "")
	keep(t, s, r)
	if s.Pending() != 1 {
		t.Errorf("%d pending: what was delivered is no reason to drop what comes again", s.Pending())
	}
}

func TestARecordThatIsTooLargeOrTooManyIsRefused(t *testing.T) {
	o := options(filepath.Join(t.TempDir(), "spool"))
	o.MaxBytes = 1000
	s := open(t, o)
	if err := s.Append(t.Context(), Record{Body: make([]byte, maxRecord)}); err == nil || errors.Is(err, ErrFull) {
		t.Errorf("too large: %v", err)
	}
	n := 0
	for ; n < 100; n++ {
		err := s.Append(t.Context(), record("a", n))
		if errors.Is(err, ErrFull) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if n < 3 || n > 9 || s.Bytes() > o.MaxBytes {
		t.Errorf("%d records in %d of %d bytes", n, s.Bytes(), o.MaxBytes)
	}
	if got := drained(t, s); len(got) != n {
		t.Errorf("%d delivered of %d", len(got), n)
	}
	keep(t, s, record("a", 200))
}

func TestManySegmentsAreDrainedInOrderAndRemovedOneByOne(t *testing.T) {
	o := options(filepath.Join(t.TempDir(), "spool"))
	o.SegmentBytes = 500
	s := open(t, o)
	var want []string
	for n := range 40 {
		keep(t, s, record("a", n))
		want = append(want, record("a", n).ID)
	}
	state, err := Status(o.Dir)
	if err != nil || state.Pending != 40 || state.Segments < 10 || state.Node != "node-a" || !state.Since.Equal(day) || state.Bytes != s.Bytes() || state.Torn+state.Damaged+state.Quarantined != 0 {
		t.Errorf("status: %+v, %v", state, err)
	}
	stop := errors.New("stop")
	if _, err := s.Drain(t.Context(), func(_ context.Context, r Record) error {
		if r.ID == "a/20" {
			return stop
		}
		return nil
	}); !errors.Is(err, stop) {
		t.Fatal(err)
	}
	if state, err := Status(o.Dir); err != nil || state.Pending != 20 {
		t.Errorf("status: %+v, %v", state, err)
	}
	closeNow(t, s)
	wantIDs(t, drained(t, open(t, o)), want[20:]...)
}

func TestACallerThatStopsWaitingIsToldWhatIsKnown(t *testing.T) {
	disk := &slowDisk{badDisk: newBadDisk(1), at: make(chan struct{}), gate: make(chan struct{})}
	o := options("/spool")
	o.FS = disk
	s := open(t, o)
	disk.slow.Store(true)
	ctx, cancel := context.WithCancel(t.Context())
	written, queued := make(chan error), make(chan error)
	go func() { written <- s.Append(ctx, record("a", 1)) }()
	<-disk.at // its fsync hangs
	go func() { queued <- s.Append(ctx, record("a", 2)) }()
	for {
		s.mu.Lock()
		n := len(s.queue)
		s.mu.Unlock()
		if n == 1 {
			break
		}
		time.Sleep(time.Millisecond)
	}
	if err := s.Append(ctx, Record{Body: make([]byte, maxRecord)}); err == nil {
		t.Error("too large, and no error")
	}
	cancel()
	if err := <-written; !errors.Is(err, ErrUnknown) || !errors.Is(err, context.Canceled) {
		t.Errorf("being written: %v", err)
	}
	if err := <-queued; errors.Is(err, ErrUnknown) || !errors.Is(err, context.Canceled) {
		t.Errorf("queued: %v", err)
	}
	if err := s.Append(ctx, record("a", 3)); errors.Is(err, ErrUnknown) || !errors.Is(err, context.Canceled) {
		t.Errorf("ended before: %v", err)
	}
	short, done := context.WithTimeout(t.Context(), time.Millisecond)
	defer done()
	if err := s.Close(short); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("close: %v", err)
	}
	disk.slow.Store(false)
	close(disk.gate)
	closeNow(t, s)
	closeNow(t, s)
	disk.slow.Store(false)
	wantIDs(t, drained(t, open(t, o)), "a/1")
}

// slowDisk lets fsyncs hang.
type slowDisk struct {
	*badDisk
	slow     atomic.Bool
	at, gate chan struct{}
}

func (d *slowDisk) SyncDir(dir string) error {
	if d.slow.Load() {
		d.at <- struct{}{}
		<-d.gate
	}
	return d.badDisk.SyncDir(dir)
}

func TestCallersAtTheSameTimeShareAnFsync(t *testing.T) {
	disk := &slowDisk{badDisk: newBadDisk(1), at: make(chan struct{}), gate: make(chan struct{})}
	o := options("/spool")
	o.FS = disk
	s := open(t, o)
	disk.slow.Store(true)
	var wg sync.WaitGroup
	for n := range 11 {
		wg.Go(func() { keep(t, s, record("a", n)) })
		if n == 0 {
			<-disk.at
		}
	}
	for queued := 0; queued < 10; time.Sleep(time.Millisecond) {
		s.mu.Lock()
		queued = len(s.queue)
		s.mu.Unlock()
	}
	disk.slow.Store(false)
	disk.mu.Lock()
	before := disk.calls
	disk.mu.Unlock()
	close(disk.gate)
	wg.Wait()
	if calls := disk.calls - before; calls != 3 || s.Pending() != 11 { // the folder's that hung, one write, one fsync
		t.Errorf("%d calls of the disk for ten records, want 3; %d pending", calls, s.Pending())
	}
}

func TestAClosedSpoolSaysSo(t *testing.T) {
	s := open(t, options(filepath.Join(t.TempDir(), "spool")))
	closeNow(t, s)
	if err := s.Append(t.Context(), record("a", 1)); !errors.Is(err, ErrClosed) {
		t.Errorf("append: %v", err)
	}
	if _, err := s.Drain(t.Context(), nil); !errors.Is(err, ErrClosed) {
		t.Errorf("drain: %v", err)
	}
}

func TestWrongOptionsAreRefused(t *testing.T) {
	good := options(filepath.Join(t.TempDir(), "spool"))
	for name, change := range map[string]func(*Options){
		"a short key":     func(o *Options) { o.Key = key[:16] },
		"no folder":       func(o *Options) { o.Dir = "" },
		"no clock":        func(o *Options) { o.Now = nil },
		"a long name":     func(o *Options) { o.Node = strings.Repeat("n", 65) },
		"an open folder":  func(o *Options) { o.Dir = t.TempDir(); _ = os.Chmod(o.Dir, 0o755) },
		"a file as a dir": func(o *Options) { o.Dir = filepath.Join(t.TempDir(), "f"); _ = os.WriteFile(o.Dir, nil, 0o600) },
	} {
		o := good
		change(&o)
		if _, err := Open(o); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

func TestAFullDiskIsSaidSo(t *testing.T) {
	disk := newBadDisk(1)
	o := options("/spool")
	o.FS = disk
	s := open(t, o)
	keep(t, s, record("a", 1))
	disk.mode, disk.failAt = noRoom, disk.calls+1
	for range 3 {
		if err := s.Append(t.Context(), record("a", 2)); !errors.Is(err, ErrFull) {
			t.Errorf("append: %v", err)
		}
	}
	// Delivering what is there needs no room, and makes some.
	wantIDs(t, drained(t, s), "a/1")
	disk.failAt = 0
	keep(t, s, record("a", 3))
	closeNow(t, s)
	disk.mode, disk.failAt = noRoom, disk.calls+1
	if _, err := Open(o); !errors.Is(err, ErrFull) {
		t.Errorf("open: %v", err)
	}
	disk.failAt = 0
	if got := drained(t, open(t, o)); got[len(got)-1] != "a/3" {
		t.Errorf("got %q", got)
	}
}

func TestDevFullIsAFullDisk(t *testing.T) {
	f, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
	if err != nil {
		t.Skip("no /dev/full here")
	}
	defer func() { _ = f.Close() }()
	if err := write(f, []byte("x")); !errors.Is(refused(err), ErrFull) || !errors.Is(err, syscall.ENOSPC) {
		t.Errorf("got %v", err)
	}
}

func TestManyCallersAtOnceLoseNothing(t *testing.T) {
	o := options(filepath.Join(t.TempDir(), "spool"))
	o.SegmentBytes = 4 << 10
	s := open(t, o)
	const callers, each = 16, 20
	got := map[string][]string{}
	deliver := func(_ context.Context, r Record) error {
		got[string(r.Contact)] = append(got[string(r.Contact)], r.ID)
		return nil
	}
	stop, drains := make(chan struct{}), make(chan error)
	go func() {
		var failed error
		for {
			select {
			case <-stop:
				drains <- failed
				return
			default:
			}
			if _, err := s.Drain(context.Background(), deliver); err != nil {
				failed = err
			}
			s.Pending()
			s.Oldest()
			s.Bytes()
			if _, err := Status(o.Dir); err != nil {
				failed = err
			}
		}
	}()
	var wg sync.WaitGroup
	for c := range callers {
		wg.Go(func() {
			for n := range each {
				if err := s.Append(context.Background(), record(fmt.Sprint(c), n)); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	close(stop)
	if err := <-drains; err != nil {
		t.Fatal(err)
	}
	if _, err := s.Drain(t.Context(), deliver); err != nil {
		t.Fatal(err)
	}
	for c := range callers {
		var want []string
		for n := range each {
			want = append(want, record(fmt.Sprint(c), n).ID)
		}
		wantIDs(t, got[fmt.Sprint(c)], want...)
	}
	if s.Pending() != 0 || s.Bytes() != 0 {
		t.Errorf("%d pending, %d bytes", s.Pending(), s.Bytes())
	}
}

func TestTwoProcessesNeverShareAFolder(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "spool")
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), "LAFIA_SPOOL_CHILD="+dir)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	buf := make([]byte, 16)
	n, err := out.Read(buf)
	if err != nil || string(buf[:n]) != "kept\n" {
		_ = cmd.Process.Kill()
		t.Fatalf("the other process says %q, %v", buf[:n], err)
	}
	if _, err := Open(options(dir)); !errors.Is(err, ErrLocked) {
		t.Errorf("open: %v", err)
	}
	mine := open(t, options(filepath.Join(filepath.Dir(dir), "mine")))
	if _, err := mine.Adopt(t.Context(), dir); !errors.Is(err, ErrLocked) {
		t.Errorf("adopt: %v", err)
	}
	if state, err := Status(dir); err != nil || state.Pending != 1 {
		t.Errorf("status beside its owner: %+v, %v", state, err)
	}
	_ = cmd.Process.Kill()
	_ = cmd.Wait()
	wantIDs(t, drained(t, open(t, options(dir))), "a/1")
}

// child owns a folder until it is killed.
func child(dir string) {
	s, err := Open(options(dir))
	if err == nil {
		err = s.Append(context.Background(), record("a", 1))
	}
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println("kept")
	time.Sleep(time.Minute)
}

func TestADeadNodesFolderIsAdopted(t *testing.T) {
	root := t.TempDir()
	dead := options(filepath.Join(root, "dead"))
	dead.Node, dead.SegmentBytes = "node-b", 400
	d := open(t, dead)
	for n := range 10 {
		keep(t, d, record("b", n))
	}
	closeNow(t, d)

	other := options(filepath.Join(root, "other"))
	other.Key = []byte(strings.Repeat("k", 32))
	if _, err := open(t, other).Adopt(t.Context(), dead.Dir); !errors.Is(err, errOtherKey) {
		t.Errorf("with another key: %v", err)
	}
	s := open(t, options(filepath.Join(root, "mine")))
	keep(t, s, record("a", 1))
	if _, err := s.Adopt(t.Context(), filepath.Join(root, "nowhere")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("nowhere: %v", err)
	}
	if _, err := s.Adopt(t.Context(), root); !errors.Is(err, errNoSpool) {
		t.Errorf("a folder that is no spool: %v", err)
	}
	if _, err := Status(root); !errors.Is(err, errNoSpool) {
		t.Errorf("status of a folder that is no spool: %v", err)
	}
	if _, err := s.Adopt(t.Context(), filepath.Join(root, "mine")); !errors.Is(err, ErrLocked) {
		t.Errorf("itself: %v", err)
	}
	a, err := s.Adopt(t.Context(), dead.Dir+"/")
	if err != nil || a.Count == nil || a.Count.Last-a.Count.Base != 10 || a.Node != "node-b" || a.Records != 10 || a.Torn+a.Quarantined != 0 || a.To != dead.Dir+".adopted" {
		t.Fatalf("adopt: %+v, %v", a, err)
	}
	if _, err := os.Stat(dead.Dir); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the folder is still there: %v", err)
	}
	closeNow(t, s)
	want := []string{"a/1"}
	for n := range 10 {
		want = append(want, record("b", n).ID)
	}
	s = open(t, options(filepath.Join(root, "mine")))
	wantIDs(t, drained(t, s), want...)
	d = open(t, dead) // the node is back, with an empty folder
	keep(t, d, record("b", 11))
	closeNow(t, d)
	if _, err := s.Adopt(t.Context(), dead.Dir); err == nil || !strings.Contains(err.Error(), "in the way") {
		t.Errorf("again: %v", err)
	}
}
