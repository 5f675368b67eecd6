package spool

import (
	"encoding/binary"
	"fmt"
	"path/filepath"
	"time"
)

// commitAll writes batches until the spool is closed and its queue empty.
func (s *Spool) commitAll() {
	defer close(s.stopped)
	for {
		batch, more := s.batch()
		if !more {
			return
		}
		if len(batch) > 0 {
			s.commit(batch)
		}
	}
}

// batch waits for records, and takes as many as one segment holds. A batch is
// what came while the last one was fsynced, and those of its callers who are
// back within GroupCommit.
func (s *Spool) batch() (_ []*entry, more bool) {
	select {
	case <-s.wake:
	case <-s.closing:
	}
	timer := time.NewTimer(s.o.GroupCommit)
	defer timer.Stop()
	for s.worthWaiting() {
		select {
		case <-s.wake:
			continue
		case <-s.closing:
		case <-timer.C:
		}
		break
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	n, size := 0, int64(0)
	for n < len(s.queue) && (n == 0 || size+s.queue[n].frameSize() <= s.o.SegmentBytes) {
		size += s.queue[n].frameSize()
		s.queue[n].state = writing
		n++
	}
	batch := append([]*entry(nil), s.queue[:n]...)
	s.queue = append(s.queue[:0], s.queue[n:]...)
	s.lastBatch = n
	if len(s.queue) > 0 {
		s.poke()
	}
	return batch, n > 0 || !s.closed
}

func (s *Spool) worthWaiting() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.queue) > 0 && len(s.queue) < s.lastBatch
}

// commit makes a batch durable and tells its callers. After a failed write or
// fsync nothing is known about that file any more, and a second fsync of it
// could lie (reliability.md 0.11): it is closed, and the batch goes into a new
// one, once.
func (s *Spool) commit(batch []*entry) {
	s.file.Lock()
	defer s.file.Unlock()
	first := s.numbered + 1
	s.number(batch)
	err := s.write(batch)
	if err != nil {
		s.log.Error("the spool could not write; it tries a new segment", "records", len(batch), "err", err)
		err = s.write(batch)
	}
	if err != nil {
		s.log.Error("the spool refused records", "records", len(batch), "full", full(err), "err", err)
		err = refused(fmt.Errorf("spooling a record: %w", err))
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.count.Last = s.numbered
	if err != nil && first <= s.numbered {
		s.count.refuse(first, s.numbered)
		s.uncounted = true
	}
	for _, e := range batch {
		if e.err = err; err != nil {
			s.forget(e)
		} else {
			e.state = durable
			e.seg.entries = append(e.seg.entries, e)
			e.seg.pending++
			e.seg.last = max(e.seg.last, s.own(e.origin))
			s.pending++
		}
		e.plain = nil
		close(e.settled)
	}
}

// number gives each record of a batch its number; one that was adopted has it.
func (s *Spool) number(batch []*entry) {
	for _, e := range batch {
		if e.origin.Number == 0 {
			s.numbered++
			e.origin = Origin{s.o.Node, s.numbered}
			binary.BigEndian.PutUint64(e.plain[numberAt:], s.numbered)
		}
	}
}

// write appends a batch to the active segment or to a new one, and fsyncs it.
// After an error there is no active segment. The mutex of the file is held.
func (s *Spool) write(batch []*entry) error {
	size := int64(0)
	for _, e := range batch {
		size += e.frameSize()
	}
	if s.active != nil && s.active.size+size > s.o.SegmentBytes {
		if err := s.endSegment(); err != nil {
			return err
		}
	}
	seg, fresh := s.active, s.active == nil
	var buf []byte
	if fresh {
		s.mu.Lock()
		seg = &segment{number: s.next}
		s.next++
		s.mu.Unlock()
		buf = header{seg.number, s.o.Now(), s.o.Node}.encode()
	}
	for _, e := range batch {
		e.seg = seg
		buf, e.at = s.seal.appendFrame(buf, e.plain, seg.number, uint32(seg.size)+uint32(len(buf)))
	}
	if fresh {
		return s.writeFresh(seg, buf, size)
	}
	err := write(s.out, buf)
	if err == nil {
		err = s.out.Sync()
	}
	s.mu.Lock()
	seg.size += size
	if err != nil {
		s.used += size // of what may stand there, beside what is written anew
	}
	s.mu.Unlock()
	if err != nil {
		_ = s.endSegment()
		return fmt.Errorf("writing to a segment: %w", err)
	}
	return nil
}

// writeFresh begins a segment. It has its name only once its content is on the
// disk, and it is used only once its name is.
func (s *Spool) writeFresh(seg *segment, buf []byte, frames int64) error {
	// A number that was refused may not be on the disk: that must be known once one
	// beyond it is.
	s.mu.Lock()
	uncounted := s.uncounted
	s.mu.Unlock()
	if uncounted {
		if err := s.keepCount(); err != nil {
			return err
		}
	}
	name := segmentName(seg.number)
	tmp := filepath.Join(s.o.Dir, name+".tmp")
	final := filepath.Join(s.o.Dir, name)
	f, err := s.disk.Create(tmp)
	if err != nil {
		return fmt.Errorf("making a segment: %w", err)
	}
	if err = write(f, buf); err == nil {
		err = f.Sync()
	}
	if err == nil {
		err = s.disk.Rename(tmp, final)
	}
	if err != nil {
		_ = f.Close()
		_ = s.disk.Remove(tmp)
		return fmt.Errorf("writing a new segment: %w", err)
	}
	if err := s.disk.SyncDir(s.o.Dir); err != nil {
		_ = f.Close()
		_ = s.disk.Remove(final)
		return fmt.Errorf("making the name of a new segment durable: %w", err)
	}
	seg.size = int64(len(buf))
	s.mu.Lock()
	defer s.mu.Unlock()
	s.out, s.active = f, seg
	s.segments = append(s.segments, seg)
	s.used += seg.size - frames
	return nil
}

// endSegment closes the active segment, which is then only read.
func (s *Spool) endSegment() error {
	s.mu.Lock()
	f := s.out
	s.out, s.active = nil, nil
	s.mu.Unlock()
	if f == nil {
		return nil
	}
	if err := f.Close(); err != nil {
		return fmt.Errorf("closing a segment: %w", err)
	}
	return nil
}
