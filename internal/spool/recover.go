package spool

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

const (
	quarantineDir = "quarantine"
	segmentEnd    = ".seg"
	doneEnd       = ".done"
	badEnd        = ".bad"
)

func segmentName(number uint64) string { return fmt.Sprintf("%016x%s", number, segmentEnd) }
func doneName(number uint64) string    { return fmt.Sprintf("%016x%s", number, doneEnd) }

// badName begins with the place that a frame was sealed for, so that it can
// still be opened by whoever finds the key or the fault.
func badName(number uint64, offset uint32) string {
	return fmt.Sprintf("%016x-%08x%s", number, offset, badEnd)
}

// numberOf reads the number of a segment, a side file or a file in quarantine.
func numberOf(name string) (uint64, bool) {
	if len(name) < 16 {
		return 0, false
	}
	n, err := strconv.ParseUint(name[:16], 16, 64)
	return n, err == nil
}

// listing is what lies in a spool's folder.
type listing struct {
	owned           bool     // it has a lock file, as every spool has
	segments        []uint64 // in order
	marked          []uint64
	leftovers       []string // of what a crash interrupted
	next            uint64   // the first number that nothing here has had
	quarantined     int
	quarantineBytes int64
	bad             map[string]bool
	last            uint64 // the highest number in a name
}

func list(disk FS, dir string) (listing, error) {
	l := listing{next: 1, bad: map[string]bool{}}
	files, err := disk.List(dir)
	if err != nil {
		return l, fmt.Errorf("listing %s: %w", dir, err)
	}
	for _, f := range files {
		n, numbered := numberOf(f.Name)
		if last, is := lastOf(f.Name); is {
			l.last = max(l.last, last)
			l.leftovers = append(l.leftovers, f.Name)
		}
		if numbered {
			l.next = max(l.next, n+1)
		}
		switch {
		case f.Name == "lock":
			l.owned = true
		case f.Name == "probe" || f.Name == "probe.tmp" || f.Name == countFile+".tmp" || numbered && strings.HasSuffix(f.Name, ".tmp"):
			l.leftovers = append(l.leftovers, f.Name)
		case f.Name == segmentName(n):
			l.segments = append(l.segments, n)
		case f.Name == doneName(n):
			l.marked = append(l.marked, n)
		}
	}
	slices.Sort(l.segments)
	bad, err := disk.List(filepath.Join(dir, quarantineDir))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return l, fmt.Errorf("listing the quarantine: %w", err)
	}
	for _, f := range bad {
		if n, numbered := numberOf(f.Name); numbered {
			l.next = max(l.next, n+1)
		}
		if strings.HasSuffix(f.Name, badEnd) {
			l.bad[f.Name] = true
			l.quarantined++
			l.quarantineBytes += f.Size
		}
	}
	return l, nil
}

// found is what a folder holds, mended.
type found struct {
	Recovery
	listing
	segments []*segment        // with something pending
	count    *counted          // nil: the folder has none
	numbers  map[string]uint64 // the highest found in segments, by node
}

// recoverDir reads a folder that is ours alone, cuts torn tails, sets aside what
// is damaged, and clears away what is done or was never finished. Stopped in the
// middle, it can be run again. fresh is the count of a folder that has none of this
// node; nil: it gets none.
func recoverDir(disk FS, dir string, seal *sealer, fresh *counted) (found, error) {
	l, err := list(disk, dir)
	if err != nil {
		return found{}, err
	}
	out := found{listing: l, numbers: map[string]uint64{}}
	var all []*segment
	for _, n := range l.segments {
		seg, err := out.mend(disk, dir, n, seal)
		if err != nil {
			return found{}, fmt.Errorf("reading segment %s: %w", segmentName(n), err)
		}
		all = append(all, seg)
		if seg.pending > 0 {
			out.segments = append(out.segments, seg)
			out.Records += seg.pending
		} else {
			out.leftovers = append(out.leftovers, segmentName(n))
		}
	}
	// Before any trace of a number goes.
	if out.count, err = settleCount(disk, dir, fresh, l.last, out.numbers, out.Quarantined); err != nil {
		return found{}, err
	}
	for _, seg := range all {
		if err := seg.flush(disk, dir); err != nil {
			return found{}, fmt.Errorf("reading segment %s: %w", segmentName(seg.number), err)
		}
	}
	for _, n := range l.marked {
		if !slices.ContainsFunc(out.segments, func(seg *segment) bool { return seg.number == n }) {
			out.leftovers = append(out.leftovers, doneName(n))
		}
	}
	for _, name := range out.leftovers {
		if err := removeIfThere(disk, filepath.Join(dir, name)); err != nil {
			return found{}, fmt.Errorf("removing %s: %w", name, err)
		}
	}
	return out, nil
}

func (out *found) mend(disk FS, dir string, number uint64, seal *sealer) (*segment, error) {
	data, sc, marks, err := readSegment(disk, dir, number)
	if err != nil {
		return nil, err
	}
	seg := &segment{number: number, size: int64(len(data)) - int64(sc.torn)}
	if sc.torn > 0 {
		if err := disk.Truncate(filepath.Join(dir, segmentName(number)), seg.size); err != nil {
			return nil, fmt.Errorf("cutting the torn tail: %w", err)
		}
		out.Torn++
	}
	setAside := func(sp span) error {
		size, err := quarantine(disk, dir, number, sp.offset, data[sp.offset:sp.offset+sp.size], sp.why)
		if err != nil {
			return err
		}
		seg.marks = append(seg.marks, sp.mark())
		out.Quarantined++
		if !out.bad[badName(number, sp.offset)] { // else a crash came before its mark
			out.quarantined++
			out.quarantineBytes += size
		}
		return nil
	}
	for _, sp := range sc.damage {
		if marks[sp.mark()] {
			continue
		}
		if err := setAside(sp); err != nil {
			return nil, err
		}
	}
	for _, f := range sc.frames {
		r, err := seal.open(f, number)
		if err == nil {
			out.numbers[r.Origin.Node] = max(out.numbers[r.Origin.Node], r.Origin.Number)
			if seg.last < r.Origin.Number && r.Origin.Node == sc.header.node {
				seg.last = r.Origin.Number
			}
		}
		if marks[f.mark()] {
			continue
		}
		if err != nil {
			if err := setAside(span{f.offset, f.size, f.crc, err.Error()}); err != nil {
				return nil, err
			}
			continue
		}
		f.sealed = nil
		seg.entries = append(seg.entries, &entry{contact: string(r.Contact), spooled: r.Spooled, origin: r.Origin, seg: seg, at: f, state: durable})
		seg.pending++
	}
	return seg, nil
}

// readSegment reads a segment and then its marks: one that is made meanwhile
// is of a record that was seen.
func readSegment(disk FS, dir string, number uint64) ([]byte, scanned, map[mark]bool, error) {
	data, err := disk.Read(filepath.Join(dir, segmentName(number)))
	if err != nil {
		return nil, scanned{}, nil, err
	}
	sc, err := scan(data, number)
	if err != nil {
		return nil, scanned{}, nil, err
	}
	side, err := disk.Read(filepath.Join(dir, doneName(number)))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, scanned{}, nil, fmt.Errorf("reading what is done: %w", err)
	}
	return data, sc, readMarks(side, number), nil
}

// flush writes the marks of a segment to its side file, and fsyncs it.
func (seg *segment) flush(disk FS, dir string) error {
	if len(seg.marks) == 0 {
		return nil
	}
	var buf []byte
	for _, m := range seg.marks {
		buf = m.append(buf, seg.number)
	}
	f, err := disk.Extend(filepath.Join(dir, doneName(seg.number)))
	if err != nil {
		return fmt.Errorf("marking what is done: %w", err)
	}
	err = write(f, buf)
	if err == nil {
		err = f.Sync()
	}
	if closed := f.Close(); err == nil {
		err = closed
	}
	if err == nil && !seg.named {
		err = disk.SyncDir(dir)
	}
	if err != nil {
		return fmt.Errorf("marking what is done: %w", err)
	}
	seg.marks, seg.named = nil, true
	return nil
}

// quarantine puts bytes beside, with the reason in front, durably.
func quarantine(disk FS, dir string, number uint64, offset uint32, data []byte, why string) (size int64, err error) {
	why = strings.Map(func(r rune) rune {
		if r < ' ' {
			return ' '
		}
		return r
	}, why)
	content := append([]byte(why[:min(len(why), 200)]+"\n"), data...)
	if err := writeWhole(disk, filepath.Join(dir, quarantineDir), badName(number, offset), content); err != nil {
		return 0, fmt.Errorf("setting damage aside: %w", err)
	}
	return int64(len(content)), nil
}
