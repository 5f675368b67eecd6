package spool

import (
	"context"
	"errors"
	"fmt"
	"hash/maphash"
	"path/filepath"
	"sync"
)

// marksAtOnce is how many records share the fsync that marks them done. As many
// are delivered again after a crash.
const marksAtOnce = 256

// Drain delivers what was pending when it was called: in order of append, and so
// oldest first for each contact; with more than one lane, contacts go beside each
// other. The callback commits, with a commit that wrote
// (reliability.md 0.4); after nil the record is done. What a crash leaves
// unmarked is delivered again, so the effect must be idempotent by Kind and ID.
//
// An error that wraps ErrBad puts the record into quarantine, with the error's
// text as the reason: it must quote no number and no words. Any other error
// holds back the rest of that contact's records, while other contacts' go on;
// Drain then returns the first such error. To stop for all, when the server is
// away again, the callback cancels the context.
//
// n counts what was delivered, quarantine left out. Side files that can't be
// written are logged, and no error: they cost a second delivery after a
// restart. One Drain runs at a time, a second one waits; ErrClosed after Close.
func (s *Spool) Drain(ctx context.Context, deliver func(context.Context, Record) error) (n int, err error) {
	select {
	case s.draining <- struct{}{}:
	case <-s.closing:
		return 0, ErrClosed
	case <-ctx.Done():
		return 0, fmt.Errorf("draining the spool: %w", ctx.Err())
	}
	defer func() { <-s.draining }()
	select {
	case <-s.closing:
		return 0, ErrClosed
	default:
	}
	d := &drain{s: s, deliver: deliver, seed: maphash.MakeSeed(), held: map[string]bool{}}
	for _, part := range s.waiting() {
		if err := d.segment(ctx, part); err != nil {
			return d.n, err
		}
	}
	switch {
	case len(d.held) > 0:
		return d.n, fmt.Errorf("draining the spool: %d contacts are held back: %w", len(d.held), d.first)
	case d.first != nil:
		return d.n, d.first
	}
	return d.n, nil
}

// part is what of a segment is there when a drain begins.
type part struct {
	seg     *segment
	entries []*entry
}

func (s *Spool) waiting() []part {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []part
	for _, seg := range s.segments {
		seg.oldest() // moves first on
		out = append(out, part{seg, seg.entries[seg.first:]})
	}
	return out
}

// drain is one call of Drain.
type drain struct {
	s       *Spool
	deliver func(context.Context, Record) error
	seed    maphash.Seed

	mu    sync.Mutex // of what the lanes share, marks of segments too
	n     int
	held  map[string]bool // contacts whose order would break
	first error
}

func (d *drain) segment(ctx context.Context, p part) error {
	defer d.leave(p.seg)
	lanes, some := d.lanes(p)
	if err := d.stopped(ctx); err != nil || !some {
		return err
	}
	data, err := d.s.disk.Read(filepath.Join(d.s.o.Dir, segmentName(p.seg.number)))
	if err != nil {
		d.holdAll(p, fmt.Errorf("reading segment %s: %w", segmentName(p.seg.number), err))
		return nil
	}
	stopped := make([]error, len(lanes))
	var wg sync.WaitGroup
	for i, lane := range lanes {
		wg.Go(func() { stopped[i] = d.lane(ctx, lane, data) })
	}
	wg.Wait()
	for _, err := range stopped {
		if err != nil {
			return err
		}
	}
	return nil
}

// lanes deals what is to be delivered out, all of a contact's to one lane.
func (d *drain) lanes(p part) (lanes [][]*entry, some bool) {
	lanes = make([][]*entry, d.s.o.Lanes)
	for _, e := range p.entries {
		if e.state == done || d.held[e.contact] {
			continue
		}
		i := maphash.String(d.seed, e.contact) % uint64(len(lanes))
		lanes[i], some = append(lanes[i], e), true
	}
	return lanes, some
}

// lane delivers one record after the other.
func (d *drain) lane(ctx context.Context, entries []*entry, data []byte) error {
	for _, e := range entries {
		if err := d.stopped(ctx); err != nil {
			return err
		}
		d.mu.Lock()
		held := d.held[e.contact]
		d.mu.Unlock()
		if !held {
			d.record(ctx, e, data)
		}
	}
	return nil
}

func (d *drain) stopped(ctx context.Context) error {
	select {
	case <-d.s.closing:
		return ErrClosed
	case <-ctx.Done():
		return fmt.Errorf("draining the spool: %w", ctx.Err())
	default:
		return nil
	}
}

func (d *drain) record(ctx context.Context, e *entry, data []byte) {
	r, raw, err := d.s.read(e, data)
	if err == nil {
		if err = d.deliver(ctx, r); err == nil {
			d.finish(e, 1)
			return
		}
		if !errors.Is(err, ErrBad) {
			d.hold(e, err)
			return
		}
	}
	if err := d.s.setAside(e, raw, err.Error()); err != nil {
		d.hold(e, err)
		return
	}
	d.finish(e, 0)
}

func (d *drain) finish(e *entry, delivered int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.s.finish(e)
	d.n += delivered
}

func (d *drain) hold(e *entry, err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.held[e.contact] = true
	if d.first == nil {
		d.first = err
	}
}

func (d *drain) holdAll(p part, err error) {
	for _, e := range p.entries {
		if e.state != done {
			d.hold(e, err)
		}
	}
}

// leave marks what was done in a segment, or removes it when that is all.
func (d *drain) leave(seg *segment) {
	if err := d.s.leave(seg); err != nil && d.first == nil {
		d.first = err
	}
}

// read opens a record at its place; raw is what stands there.
func (s *Spool) read(e *entry, data []byte) (r Record, raw []byte, err error) {
	from := min(int(e.at.offset), len(data))
	raw = data[from:min(from+int(e.at.size), len(data))]
	f, verdict := readFrame(data[:from+len(raw)], from)
	if verdict != whole || f.crc != e.at.crc {
		return Record{}, raw, errors.New("it was damaged after it was written")
	}
	r, err = s.seal.open(f, e.seg.number)
	return r, raw, err
}

func (s *Spool) setAside(e *entry, raw []byte, why string) error {
	size, err := quarantine(s.disk, s.o.Dir, e.seg.number, e.at.offset, raw, why)
	if err != nil {
		return err
	}
	s.log.Error("a record of the spool went to quarantine", "file", badName(e.seg.number, e.at.offset))
	if err := s.countQuarantined(e.origin); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.quarantined++
	s.used += size
	return nil
}

// finish marks a record done, in memory; the side file follows in batches.
func (s *Spool) finish(e *entry) {
	s.mu.Lock()
	e.state = done
	e.seg.pending--
	s.pending--
	s.drop(e)
	s.mu.Unlock()
	e.seg.marks = append(e.seg.marks, e.at.mark())
	if len(e.seg.marks) >= marksAtOnce {
		s.flush(e.seg)
	}
}

// flush writes marks. A side file that failed is left alone from then on.
func (s *Spool) flush(seg *segment) {
	if seg.deaf {
		seg.marks = nil
		return
	}
	if err := seg.flush(s.disk, s.o.Dir); err != nil {
		seg.deaf, seg.marks = true, nil
		s.log.Warn("the spool can't mark what it delivered: it will deliver it again after a restart", "err", err)
	}
}

// leave removes a segment of which everything is done, or marks what is.
func (s *Spool) leave(seg *segment) error {
	s.file.Lock()
	s.mu.Lock()
	left, active := seg.pending > 0, seg == s.active
	s.mu.Unlock()
	if left {
		s.file.Unlock()
		s.flush(seg)
		return nil
	}
	var err error
	if active {
		err = s.endSegment()
	}
	s.file.Unlock()
	if err != nil {
		s.log.Warn("the spool could not close a segment", "err", err)
	}
	if err := s.remove(seg); err != nil {
		s.flush(seg) // the next Drain tries again
		return err
	}
	return nil
}

// remove deletes a segment, its records first: a side file alone harms nothing.
func (s *Spool) remove(seg *segment) error {
	path := filepath.Join(s.o.Dir, segmentName(seg.number))
	if s.highest(seg) {
		if err := s.keepLast(seg.last); err != nil {
			return fmt.Errorf("keeping the last number: %w", err)
		}
	}
	if err := removeIfThere(s.disk, path); err != nil {
		return fmt.Errorf("removing a segment that is done: %w", err)
	}
	if err := removeIfThere(s.disk, filepath.Join(s.o.Dir, doneName(seg.number))); err != nil {
		return fmt.Errorf("removing what marks a segment as done: %w", err)
	}
	if err := s.disk.SyncDir(s.o.Dir); err != nil {
		return fmt.Errorf("removing a segment durably: %w", err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for i, other := range s.segments {
		if other == seg {
			s.segments = append(s.segments[:i:i], s.segments[i+1:]...)
			break
		}
	}
	s.used -= seg.size
	return nil
}
