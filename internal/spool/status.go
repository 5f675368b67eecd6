package spool

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"strings"
	"time"
)

// State is what a spool's folder holds, as one sees it without its key.
type State struct {
	Node        string    // who wrote the newest segment that can be read; "" when there is none
	Pending     int       // records not marked as delivered; an owner marks in batches, so a little too many
	Since       time.Time // when the oldest segment with one of them was begun; zero when none is pending
	Segments    int
	Bytes       int64 // of segments and quarantine
	Torn        int   // tails that its next start will cut
	Damaged     int   // stretches that its next start will put into quarantine
	Quarantined int
	Reasons     map[string]int // how many lie in quarantine for which reason
}

var errNoSpool = errors.New("it is no spool: it has no file named lock")

// Status reads a spool's folder and changes nothing; it needs neither the lock
// nor the key, so it can be used beside a running owner, and on the disk of a
// dead node. The error says fs.ErrNotExist when there is no such folder.
func Status(dir string) (State, error) {
	state, _, err := survey(Disk{}, dir)
	if err != nil {
		return State{}, fmt.Errorf("looking at the spool %s: %w", dir, err)
	}
	return state, nil
}

// survey also gives the ids of the keys under which pending records are sealed.
func survey(disk FS, dir string) (State, map[[8]byte]int, error) {
	keys := map[[8]byte]int{}
	l, err := list(disk, dir)
	if err != nil {
		return State{}, nil, err
	}
	if !l.owned {
		return State{}, nil, errNoSpool
	}
	state := State{Quarantined: l.quarantined, Bytes: l.quarantineBytes, Reasons: map[string]int{}}
	for name := range l.bad {
		text, err := disk.Read(filepath.Join(dir, quarantineDir, name))
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return State{}, nil, fmt.Errorf("reading the quarantine: %w", err)
		}
		reason, _, _ := strings.Cut(string(text), "\n")
		state.Reasons[reason]++
	}
	for _, n := range l.segments {
		data, sc, marks, err := readSegment(disk, dir, n)
		if errors.Is(err, fs.ErrNotExist) {
			continue // its owner was done with it just now
		}
		if err != nil {
			return State{}, nil, fmt.Errorf("reading segment %s: %w", segmentName(n), err)
		}
		state.Segments++
		state.Bytes += int64(len(data))
		if sc.headerSize > 0 {
			state.Node = sc.header.node
		}
		if sc.torn > 0 {
			state.Torn++
		}
		for _, sp := range sc.damage {
			if !marks[sp.mark()] {
				state.Damaged++
			}
		}
		for _, f := range sc.frames {
			if marks[f.mark()] {
				continue
			}
			keys[f.keyID]++
			state.Pending++
			if state.Since.IsZero() {
				state.Since = sc.header.created
			}
		}
	}
	return state, keys, nil
}

// Adoption is what Adopt took over.
type Adoption struct {
	Node        string // whose it was
	Records     int    // now ours, durably
	Torn        int    // tails cut, of records that were never acknowledged
	Quarantined int    // what could not be read, in To/quarantine, earlier finds included
	Count       *Count // of its numbers; nil: its gateway was of before there were any
	To          string // the folder's name now
}

// Adopt takes over the folder of a dead node: its pending records are appended
// to ours, after what we have, and once they are fsynced the folder is renamed
// to DIR.adopted. Downstream orders a contact's records by their times.
//
// It fails with ErrLocked while the node lives, and changes nothing when a
// record is sealed under another key or DIR.adopted exists. After any other
// error the folder keeps its name and its records, and Adopt can be called
// again: what is taken over twice is delivered twice, or once when it was still
// pending.
func (s *Spool) Adopt(ctx context.Context, dir string) (Adoption, error) {
	a, err := s.adopt(ctx, filepath.Clean(dir))
	if err != nil {
		return Adoption{}, fmt.Errorf("adopting the spool %s: %w", dir, err)
	}
	s.log.Info("a spool was adopted", "node", a.Node, "records", a.Records, "torn", a.Torn, "quarantined", a.Quarantined)
	return a, nil
}

func (s *Spool) adopt(ctx context.Context, dir string) (Adoption, error) {
	if l, err := list(s.disk, dir); err != nil {
		return Adoption{}, err
	} else if !l.owned { // taking its lock would make one
		return Adoption{}, errNoSpool
	}
	a := Adoption{To: dir + ".adopted"}
	if _, err := s.disk.List(a.To); !errors.Is(err, fs.ErrNotExist) {
		return Adoption{}, fmt.Errorf("%s is in the way: move it elsewhere", a.To)
	}
	lock, err := s.disk.Lock(filepath.Join(dir, "lock"))
	if err != nil {
		return Adoption{}, err
	}
	defer func() { _ = lock.Close() }()
	state, keys, err := survey(s.disk, dir)
	if err != nil {
		return Adoption{}, err
	}
	for id, n := range keys {
		if id != s.seal.id {
			return Adoption{}, fmt.Errorf("%d records: %w (%x, ours is %x)", n, errOtherKey, id, s.seal.id)
		}
	}
	if err := s.disk.Mkdir(filepath.Join(dir, quarantineDir)); err != nil {
		return Adoption{}, err
	}
	found, err := recoverDir(s.disk, dir, s.seal, nil)
	if err != nil {
		return Adoption{}, err
	}
	for _, seg := range found.segments {
		if err := s.takeOver(ctx, dir, seg); err != nil {
			return Adoption{}, err
		}
	}
	a.Node, a.Records, a.Torn, a.Quarantined = state.Node, found.Records, found.Torn, found.quarantined
	if found.count != nil {
		a.Count = &found.count.Count
	}
	if err := s.disk.Rename(dir, a.To); err != nil {
		return Adoption{}, err
	}
	if err := s.disk.SyncDir(filepath.Dir(dir)); err != nil {
		return Adoption{}, fmt.Errorf("renaming it durably: %w", err)
	}
	return a, nil
}

// takeOver appends the records of another folder's segment; they share fsyncs.
func (s *Spool) takeOver(ctx context.Context, dir string, seg *segment) error {
	data, err := s.disk.Read(filepath.Join(dir, segmentName(seg.number)))
	if err != nil {
		return err
	}
	var taken []*entry
	var failed error
	for _, e := range seg.entries {
		r, _, err := s.read(e, data)
		if err != nil {
			return err
		}
		mine, err := s.enqueue(ctx, r)
		if err != nil {
			failed = err
			break
		}
		taken = append(taken, mine)
	}
	for _, e := range taken {
		if err := s.wait(ctx, e); err != nil && failed == nil {
			failed = err
		}
	}
	return failed
}
