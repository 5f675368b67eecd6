package spool

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"strings"
)

// Count tells of each number that a folder gave to a record whether it must have
// been delivered: all beyond Base up to Last must, but for those that were refused,
// lie in quarantine, or wait. It knows nothing of what was delivered, so that it can
// be held against the record's own count (I13 of docs/reliability.md).
type Count struct {
	Base        uint64      `json:"base"` // the number before the first
	Last        uint64      `json:"last"`
	Pending     int         `json:"pending"`               // how many of them wait, at the most
	Refused     [][2]uint64 `json:"refused,omitempty"`     // from, to: never acknowledged; after a restart they may turn up
	Quarantined []uint64    `json:"quarantined,omitempty"` // that could not be delivered
	Damaged     int         `json:"damaged,omitempty"`     // stretches in which records of unknown numbers were
}

// refuse notes that a row of numbers was given and not acknowledged.
func (c *Count) refuse(from, to uint64) {
	if n := len(c.Refused); n > 0 && c.Refused[n-1][1]+1 == from {
		c.Refused[n-1][1] = to
		return
	}
	c.Refused = append(c.Refused, [2]uint64{from, to})
}

// countFile holds the count, in the spool's folder. Its Last is that of when it was
// written: the highest number is there, in a segment, or in a name (lastName).
const countFile = "count"

type counted struct {
	Node string `json:"node"`
	Count
}

// readCount gives nil where there is no count that can be read: a new one begins
// beyond all numbers of the old one.
func readCount(disk FS, dir string) (*counted, error) {
	b, err := disk.Read(filepath.Join(dir, countFile))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("reading the count: %w", err)
	}
	var c counted
	if json.Unmarshal(b, &c) != nil {
		return nil, nil
	}
	return &c, nil
}

// settleCount brings a folder's count up to what its segments hold. fresh is what
// one without begins with, or one whose node has another name now; nil: it stays
// without.
func settleCount(disk FS, dir string, fresh *counted, named uint64, numbers map[string]uint64, damaged int) (*counted, error) {
	before, err := readCount(disk, dir)
	if err != nil {
		return nil, err
	}
	c := before
	if fresh != nil && (before == nil || before.Node != fresh.Node) {
		c = fresh
	}
	if c == nil {
		return nil, nil
	}
	now := *c
	found := numbers[now.Node]
	if c == before {
		found = max(found, named)
	}
	if now.Base < found {
		now.Last = max(now.Last, found)
	}
	now.Damaged += damaged
	if before != nil && reflect.DeepEqual(now, *before) {
		return &now, nil
	}
	return &now, writeCount(disk, dir, now)
}

func writeCount(disk FS, dir string, c counted) error {
	c.Pending = 0
	b, err := json.Marshal(c)
	if err != nil {
		return fmt.Errorf("writing the count: %w", err)
	}
	return writeWhole(disk, dir, countFile, append(b, '\n'))
}

// Count gives the folder's count as it is now.
func (s *Spool) Count() Count {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.counted()
	c.Pending = s.pending
	return c
}

// counted gives a copy; mu is held.
func (s *Spool) counted() Count {
	c := s.count
	c.Refused = slices.Clone(c.Refused)
	c.Quarantined = slices.Clone(c.Quarantined)
	return c
}

// own gives the number of a record that is this folder's, else 0.
func (s *Spool) own(o Origin) uint64 {
	if o.Node != s.o.Node {
		return 0
	}
	return o.Number
}

// keepCount writes the count durably.
func (s *Spool) keepCount() error {
	s.counting.Lock()
	defer s.counting.Unlock()
	s.mu.Lock()
	c := s.counted()
	s.mu.Unlock()
	if err := writeCount(s.disk, s.o.Dir, counted{s.o.Node, c}); err != nil {
		return fmt.Errorf("keeping the count: %w", err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.uncounted = s.uncounted && !slices.Equal(s.count.Refused, c.Refused)
	return nil
}

// keepLast makes the highest number durable before its segment goes.
func (s *Spool) keepLast(n uint64) error {
	name := filepath.Join(s.o.Dir, lastName(n))
	f, err := s.disk.Create(name)
	if full(err) {
		return s.forgetCount()
	}
	if err != nil {
		return err
	}
	if err := errors.Join(f.Close(), s.disk.SyncDir(s.o.Dir)); err != nil {
		return err
	}
	s.mu.Lock()
	before := s.lastFile
	s.lastFile, s.lastKept = name, n
	s.mu.Unlock()
	if before != "" {
		_ = s.disk.Remove(before) // else the next start does it
	}
	return nil
}

// forgetCount takes the count off a disk that is too full to hold the last number:
// it is there again before the next number is used, or else a start begins beyond
// all numbers of now.
func (s *Spool) forgetCount() error {
	s.mu.Lock()
	s.uncounted = true
	s.mu.Unlock()
	if err := removeIfThere(s.disk, filepath.Join(s.o.Dir, countFile)); err != nil {
		return err
	}
	return s.disk.SyncDir(s.o.Dir)
}

// countQuarantined notes that a record is not delivered.
func (s *Spool) countQuarantined(o Origin) error {
	n := s.own(o)
	if n == 0 {
		return nil
	}
	s.mu.Lock()
	if !slices.Contains(s.count.Quarantined, n) {
		s.count.Quarantined = append(s.count.Quarantined, n)
	}
	s.mu.Unlock()
	return s.keepCount()
}

// lastName is an empty file's, which is there once no segment has the highest number
// any more. It takes the least room, on a disk that may be full.
func lastName(n uint64) string { return fmt.Sprintf("last-%016x", n) }

func lastOf(name string) (uint64, bool) {
	hex, is := strings.CutPrefix(name, "last-")
	if !is {
		return 0, false
	}
	n, err := strconv.ParseUint(hex, 16, 64)
	return n, err == nil
}

// highest reports whether no other trace on the disk has as high a number of this
// folder's own as a segment.
func (s *Spool) highest(seg *segment) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, other := range s.segments {
		if other != seg && other.last >= seg.last {
			return false
		}
	}
	return seg.last > s.lastKept
}
