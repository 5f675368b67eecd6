// Package spool is the journal for when PostgreSQL is away: what it acknowledges
// is on this node's disk, sealed and fsynced, until it has been delivered to the
// record. It does not know what its records mean: their bodies were sealed by
// the caller, who also sees to it that a record delivered twice has one effect.
//
// A folder belongs to one process at a time:
//
//	lock                     flock(2) of the owner
//	0000000000000001.seg     records, in order of append
//	0000000000000001.done    what of them was delivered
//	count                    which numbers records have had, and what became of those that were not delivered
//	last-0000000000000001    empty: the last number of a record, when no segment has it any more
//	quarantine/*.bad         what could not be read or delivered: a line that says why, and the bytes
//
// The promises and what they are proof against are F12 to F22 and section 2.6 of
// the reliability notes: acknowledged is fsynced, a failed fsync is never
// repeated on the same file, a torn tail is cut, damage is set aside and counted,
// and what is delivered is delivered at least once, in order for each contact.
package spool

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"path/filepath"
	"sync"
	"time"
)

var (
	// ErrFull is in the error of an append for which there is no room: on the
	// disk, or under Options.MaxBytes.
	ErrFull = errors.New("the spool is full")
	// ErrUnknown is in the error of an append whose caller stopped waiting while
	// its record was being written: it may be kept, or not.
	ErrUnknown = errors.New("it is not known whether the record was kept")
	// ErrBad is what the callback of Drain wraps for a record that can never be
	// delivered; it goes to quarantine.
	ErrBad = errors.New("the record can't be delivered")
	// ErrLocked is in the error of opening or adopting a folder that a running
	// process owns.
	ErrLocked = errors.New("another process owns the folder")
	// ErrClosed is the error of a spool after Close.
	ErrClosed = errors.New("the spool is closed")
)

// Options for Open.
type Options struct {
	Dir  string // made with 0700 if it is not there; its parent must be the site's own
	Node string // this node's name, at most 64 bytes, for whoever finds the folder
	Key  []byte // the spool key, 32 bytes; the same on all nodes, so that one can adopt another's folder
	FS   FS     // nil: the disk
	Now  func() time.Time
	// GroupCommit is how long a batch waits at the most for as many records as
	// the last one had; 0 means 5 ms. A lone caller does not wait.
	GroupCommit  time.Duration
	SegmentBytes int64        // where a new segment begins; 0 means 4 MiB
	MaxBytes     int64        // segments and quarantine together; 0: no limit
	Lanes        int          // how many records Drain delivers at a time, each of another contact; 0 means 1
	Log          *slog.Logger // nil: none. No line holds a contact, an id or a body
}

// Record is what is kept. Contact, Kind and ID are sealed too.
type Record struct {
	Contact []byte // order is kept per contact
	Kind    string // says to the callback of Drain what Body is
	ID      string // with Kind, the identity downstream; may be empty
	At      time.Time
	Body    []byte // sealed by the caller; its length can be seen on the disk
	// Spooled is when the record was appended. Append sets it.
	Spooled time.Time
	// Origin is where it was appended first. Append sets it, Adopt keeps it.
	Origin Origin
}

// Origin names a record for good.
type Origin struct {
	Node   string
	Number uint64 // rises with each record of the node's folder, through all its lives; 0: written before there were numbers
}

// Recovery is what Open found of an earlier life, for a log line and a metric.
type Recovery struct {
	Records     int // to be delivered
	Torn        int // tails cut, of records that were never acknowledged (F19)
	Quarantined int // stretches and records set aside now (F20)
}

// Spool is an open journal. Its methods may be called by any number of
// goroutines.
type Spool struct {
	o         Options
	disk      FS
	log       *slog.Logger
	seal      *sealer
	lock      io.Closer
	recovered Recovery

	draining chan struct{} // holds one token: the right to drain or adopt
	wake     chan struct{} // something is queued, or the spool closes
	closing  chan struct{}
	stopped  chan struct{} // the committer has ended

	file     sync.Mutex // held while the active segment is written; taken before mu
	out      File       // the active segment's, nil when there is none
	numbered uint64     // the last number given

	counting sync.Mutex // held while the count is written; taken before mu

	mu          sync.Mutex
	closed      bool
	released    bool
	queue       []*entry
	lastBatch   int
	segments    []*segment // in order of append
	active      *segment
	next        uint64
	kept        map[[32]byte]*entry // pending or being written, by content, if this process wrote it
	contacts    map[string]int      // pending or being written
	pending     int
	used        int64 // segments and quarantine, and what is queued for them
	quarantined int
	count       Count  // without what waits
	lastKept    uint64 // the highest number that is on the disk, segments left out
	lastFile    string // whose name it is; "": it is in the count
	uncounted   bool   // the count must be written before the next number is used
}

type segment struct {
	number  uint64
	last    uint64 // the highest number in it of this node's own
	size    int64
	entries []*entry // durable, in order
	first   int      // entries before it are done
	pending int
	marks   []mark // to be written to the side file
	named   bool   // the side file's name is durable
	deaf    bool   // its side file failed: nothing more is written to it
}

type state int

const (
	queued state = iota
	writing
	durable
	done
)

// entry is a record's place. Its plain text is dropped once it is durable.
type entry struct {
	contact string
	sum     [32]byte
	named   bool // has an id: the same content again is the same record
	plain   []byte
	spooled time.Time
	origin  Origin
	seg     *segment
	at      frame
	state   state
	waiters int
	settled chan struct{}
	err     error
}

// Open takes over the folder, checks that it can be written to durably, and
// reads what an earlier life left. It fails when another process has the folder
// (ErrLocked), when the disk is full (ErrFull) or can't be written, and when a
// segment was written by an unknown version.
func Open(o Options) (_ *Spool, err error) {
	seal, err := newSealer(o.Key)
	switch {
	case err != nil:
		return nil, fmt.Errorf("opening the spool: %w", err)
	case o.Dir == "" || o.Now == nil:
		return nil, errors.New("opening the spool: it needs a folder and a clock")
	case len(o.Node) > maxNode:
		return nil, fmt.Errorf("opening the spool: the node's name has %d bytes, more than %d", len(o.Node), maxNode)
	}
	if o.FS == nil {
		o.FS = Disk{}
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.GroupCommit == 0 {
		o.GroupCommit = 5 * time.Millisecond
	}
	if o.SegmentBytes == 0 {
		o.SegmentBytes = 4 << 20
	}
	o.SegmentBytes = min(o.SegmentBytes, 1<<30) // offsets have 32 bits
	o.Lanes = max(o.Lanes, 1)
	s := &Spool{o: o, disk: o.FS, log: o.Log, seal: seal,
		draining: make(chan struct{}, 1), wake: make(chan struct{}, 1), closing: make(chan struct{}), stopped: make(chan struct{}),
		kept: map[[32]byte]*entry{}, contacts: map[string]int{}}
	if s.lock, err = take(s.disk, o.Dir); err != nil {
		return nil, err
	}
	if err := s.start(); err != nil {
		_ = s.lock.Close()
		return nil, err
	}
	go s.commitAll()
	return s, nil
}

// take makes a folder ours.
func take(disk FS, dir string) (io.Closer, error) {
	for _, d := range []string{dir, filepath.Join(dir, quarantineDir)} {
		if err := disk.Mkdir(d); err != nil {
			return nil, refused(fmt.Errorf("making the spool's folder: %w", err))
		}
	}
	lock, err := disk.Lock(filepath.Join(dir, "lock"))
	if err != nil {
		return nil, fmt.Errorf("taking the spool's folder %s: %w", dir, err)
	}
	return lock, nil
}

func (s *Spool) start() error {
	if err := probe(s.disk, s.o.Dir); err != nil {
		return refused(fmt.Errorf("the spool's folder can't keep anything: %w", err))
	}
	base := uint64(max(s.o.Now().UnixMicro(), 0)) // beyond all numbers of before, if the count was lost
	found, err := recoverDir(s.disk, s.o.Dir, s.seal, &counted{Node: s.o.Node, Count: Count{Base: base, Last: base}})
	if err != nil {
		return fmt.Errorf("reading the spool: %w", err)
	}
	s.next = found.next
	s.quarantined, s.used = found.quarantined, found.quarantineBytes
	s.recovered = found.Recovery
	s.count, s.lastKept, s.numbered = found.count.Count, found.count.Last, found.count.Last
	for _, seg := range found.segments {
		s.segments = append(s.segments, seg)
		s.used += seg.size
		s.pending += seg.pending
		for _, e := range seg.entries {
			s.contacts[e.contact]++
		}
	}
	if r := s.recovered; r != (Recovery{}) {
		level := slog.LevelInfo
		if r.Quarantined > 0 {
			level = slog.LevelError
		}
		s.log.Log(context.Background(), level, "the spool holds records of an earlier life", "records", r.Records, "torn", r.Torn, "quarantined", r.Quarantined)
	}
	return nil
}

// probe writes and fsyncs a file and removes it again.
func probe(disk FS, dir string) error {
	if err := writeWhole(disk, dir, "probe", make([]byte, 4096)); err != nil {
		return err
	}
	if err := disk.Remove(filepath.Join(dir, "probe")); err != nil {
		return fmt.Errorf("removing the probe: %w", err)
	}
	return nil
}

// refused adds ErrFull to an error that means that there is no room.
func refused(err error) error {
	if full(err) {
		return fmt.Errorf("%w: %w", ErrFull, err)
	}
	return err
}

// Append keeps a record, and returns nil once it is fsynced: then it may be
// acknowledged. Callers at the same time share an fsync. A record with the
// content of one that is still pending, id and all, is that one; the same id
// with other content is kept beside it. (What an earlier life left is not
// trusted to be durable: a record like it is kept beside it too.)
//
// After any error the record must not be acknowledged. It may still turn up in
// a Drain if the error is an ErrUnknown or the disk's; with ErrFull for want of
// MaxBytes, ErrClosed, or a context that ended before writing began it does not.
func (s *Spool) Append(ctx context.Context, r Record) error {
	r.Spooled, r.Origin = s.o.Now(), Origin{Node: s.o.Node}
	e, err := s.enqueue(ctx, r)
	if err != nil {
		return err
	}
	return s.wait(ctx, e)
}

func (s *Spool) enqueue(ctx context.Context, r Record) (*entry, error) {
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("spooling a record: %w", err)
	}
	plain, content := encode(r)
	if len(plain) > maxRecord {
		return nil, fmt.Errorf("spooling a record: it has %d bytes, more than %d", len(plain), maxRecord)
	}
	if r.Origin.Number > 0 {
		content = plain[numberAt:] // adopted: another one of the same content has a number of its own
	}
	e := &entry{contact: string(r.Contact), plain: plain, spooled: r.Spooled, sum: sha256.Sum256(content), origin: r.Origin,
		named: r.ID != "", waiters: 1, settled: make(chan struct{})}
	size := e.frameSize()

	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil, ErrClosed
	}
	if same := s.kept[e.sum]; same != nil && e.named {
		same.waiters++
		return same, nil
	}
	if s.o.MaxBytes > 0 && s.used+size+maxHeaderLen > s.o.MaxBytes {
		return nil, fmt.Errorf("spooling a record: %w: %d of %d bytes are used", ErrFull, s.used, s.o.MaxBytes)
	}
	s.used += size
	s.contacts[e.contact]++
	if e.named {
		s.kept[e.sum] = e
	}
	s.queue = append(s.queue, e)
	s.poke()
	return e, nil
}

func (e *entry) frameSize() int64 { return int64(len(e.plain) + frameExtra) }

func (s *Spool) poke() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

func (s *Spool) wait(ctx context.Context, e *entry) error {
	select {
	case <-e.settled:
		return e.err
	case <-ctx.Done():
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	e.waiters--
	switch {
	case e.state == durable || e.state == done || e.err != nil:
		return e.err
	case e.state == writing || e.waiters > 0:
		return fmt.Errorf("spooling a record: %w: %w", ErrUnknown, ctx.Err())
	}
	for i, q := range s.queue {
		if q == e {
			s.queue = append(s.queue[:i], s.queue[i+1:]...)
			break
		}
	}
	s.forget(e)
	return fmt.Errorf("spooling a record: %w", ctx.Err())
}

// forget takes a record that was not kept out of the index; mu is held.
func (s *Spool) forget(e *entry) {
	s.used -= e.frameSize()
	s.drop(e)
}

// drop takes a record that is not pending any more out of the index; mu is
// held.
func (s *Spool) drop(e *entry) {
	if s.kept[e.sum] == e {
		delete(s.kept, e.sum)
	}
	if s.contacts[e.contact]--; s.contacts[e.contact] == 0 {
		delete(s.contacts, e.contact)
	}
}

// Pending is how many acknowledged records have not been delivered.
func (s *Spool) Pending() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.pending
}

// PendingFor says whether anything of a contact's is waiting, or being written:
// then what comes next from her must be spooled too, or it overtakes.
func (s *Spool) PendingFor(contact []byte) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.contacts[string(contact)] > 0
}

// Oldest is when the first record that is still pending was appended (not its
// At, which a late message has days ago); zero when none is.
func (s *Spool) Oldest() time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, seg := range s.segments {
		if e := seg.oldest(); e != nil {
			return e.spooled
		}
	}
	return time.Time{}
}

func (seg *segment) oldest() *entry {
	for seg.first < len(seg.entries) && seg.entries[seg.first].state == done {
		seg.first++
	}
	if seg.first == len(seg.entries) {
		return nil
	}
	return seg.entries[seg.first]
}

// Bytes is what segments and quarantine take up, what is being written
// included.
func (s *Spool) Bytes() int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.used
}

// Quarantined is how many records and damaged stretches lie in quarantine,
// those of earlier lives included. Anything but 0 is an alarm.
func (s *Spool) Quarantined() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.quarantined
}

// Recovered is what Open found.
func (s *Spool) Recovered() Recovery { return s.recovered }

// Close refuses new records, writes what is queued, lets a running Drain end
// after its record, and gives the folder free. When ctx ends first, the folder
// stays ours: Close may be called again.
func (s *Spool) Close(ctx context.Context) error {
	s.mu.Lock()
	if s.released {
		s.mu.Unlock()
		return nil
	}
	if !s.closed {
		s.closed = true
		close(s.closing)
	}
	s.mu.Unlock()
	select {
	case <-s.stopped:
	case <-ctx.Done():
		return fmt.Errorf("closing the spool: %w", ctx.Err())
	}
	select {
	case s.draining <- struct{}{}:
	case <-ctx.Done():
		return fmt.Errorf("closing the spool: %w", ctx.Err())
	}
	defer func() { <-s.draining }()
	s.file.Lock()
	defer s.file.Unlock()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.released {
		return nil
	}
	s.released = true
	var err error
	if s.out != nil {
		err = s.out.Close() // everything acknowledged in it is fsynced
		s.out, s.active = nil, nil
	}
	return errors.Join(err, s.lock.Close())
}
