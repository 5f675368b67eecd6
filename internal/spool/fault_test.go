package spool

import (
	"errors"
	"io"
	"io/fs"
	"math/rand"
	"path/filepath"
	"sync"
	"syscall"
)

// badDisk is a disk in memory that keeps apart what was written and what was
// fsynced, fails at a chosen call, and can lose its power.
//
// It is as unkind as the standards allow: what a failed fsync should have kept
// is lost for good, and a later fsync of the same file says nothing about it.
type badDisk struct {
	mu      sync.Mutex
	rng     *rand.Rand
	names   map[string]*node // as processes see it
	kept    map[string]*node // as the disk has it
	touched map[string]bool  // names whose change is not durable
	locks   map[string]bool
	calls   int
	failAt  int // 0: never
	mode    failure
	off     bool // the power is off: no call does anything
}

type failure string

const (
	once    failure = "once"
	forever failure = "for ever"
	noRoom  failure = "no room from here on"
	cut     failure = "a short write"
	power   failure = "power cut"
)

type node struct {
	data   []byte
	synced int
	lost   bool // a fsync failed
}

var (
	errDisk = errors.New("input/output error (made up)")
	errOff  = errors.New("the power is off")
)

func newBadDisk(seed int64) *badDisk {
	return &badDisk{rng: rand.New(rand.NewSource(seed)), names: map[string]*node{}, kept: map[string]*node{}, touched: map[string]bool{}, locks: map[string]bool{}}
}

// call counts one, and says how it fails.
func (d *badDisk) call(writes bool) error {
	if d.off {
		return errOff
	}
	d.calls++
	if d.failAt == 0 || d.calls < d.failAt {
		return nil
	}
	at := d.calls == d.failAt
	switch d.mode {
	case once, cut:
		if at {
			return errDisk
		}
	case forever:
		return errDisk
	case noRoom:
		if writes {
			return syscall.ENOSPC
		}
	case power:
		d.off = true
		return errOff
	}
	return nil
}

// crash takes the power away and brings it back: of what was not fsynced,
// anything may be there or not.
func (d *badDisk) crash() {
	d.mu.Lock()
	defer d.mu.Unlock()
	for name := range d.touched {
		if d.rng.Intn(2) == 0 {
			d.keep(name)
		}
	}
	d.names = map[string]*node{}
	for name, n := range d.kept {
		if len(n.data) > n.synced {
			n.data = n.data[:n.synced+d.rng.Intn(len(n.data)-n.synced+1)]
			n.synced = len(n.data)
		}
		n.lost = false
		d.names[name] = n
	}
	d.touched, d.locks = map[string]bool{}, map[string]bool{}
	d.off, d.failAt = false, 0
}

// die is a process that ends while the machine stays up.
func (d *badDisk) die() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.locks = map[string]bool{}
	d.off, d.failAt = false, 0
}

func (d *badDisk) keep(name string) {
	if n, ok := d.names[name]; ok {
		d.kept[name] = n
	} else {
		delete(d.kept, name)
	}
}

func (d *badDisk) Lock(name string) (io.Closer, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := d.call(true); err != nil {
		return nil, err
	}
	if d.locks[name] {
		return nil, ErrLocked
	}
	d.locks[name] = true
	if d.names[name] == nil {
		d.names[name] = &node{}
		d.touched[name] = true
	}
	return badLock{d, name}, nil
}

type badLock struct {
	d    *badDisk
	name string
}

func (l badLock) Close() error {
	l.d.mu.Lock()
	defer l.d.mu.Unlock()
	delete(l.d.locks, l.name)
	return nil
}

func (d *badDisk) Mkdir(string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.call(true)
}

func (d *badDisk) List(dir string) ([]FileInfo, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := d.call(false); err != nil {
		return nil, err
	}
	var out []FileInfo
	for name, n := range d.names {
		if filepath.Dir(name) == dir {
			out = append(out, FileInfo{filepath.Base(name), int64(len(n.data))})
		}
	}
	if out == nil {
		return nil, fs.ErrNotExist
	}
	return out, nil
}

func (d *badDisk) Read(name string) ([]byte, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := d.call(false); err != nil {
		return nil, err
	}
	n := d.names[name]
	if n == nil {
		return nil, fs.ErrNotExist
	}
	return append([]byte(nil), n.data...), nil
}

func (d *badDisk) Create(name string) (File, error) { return d.open(name, true) }
func (d *badDisk) Extend(name string) (File, error) { return d.open(name, false) }

func (d *badDisk) open(name string, anew bool) (File, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := d.call(true); err != nil {
		return nil, err
	}
	if anew || d.names[name] == nil {
		d.names[name] = &node{}
		d.touched[name] = true
	}
	return &badFile{d, d.names[name]}, nil
}

func (d *badDisk) Truncate(name string, size int64) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := d.call(true); err != nil {
		return err
	}
	n := d.names[name]
	n.data = n.data[:size]
	n.synced = len(n.data)
	return nil
}

func (d *badDisk) Rename(from, to string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := d.call(true); err != nil {
		return err
	}
	moved := map[string]*node{}
	for name, n := range d.names {
		if rest, below := cutDir(name, from); below {
			moved[name] = n
			delete(d.names, name)
			d.names[to+rest] = n
			d.touched[name], d.touched[to+rest] = true, true
		}
	}
	if len(moved) == 0 {
		return fs.ErrNotExist
	}
	return nil
}

func cutDir(name, dir string) (string, bool) {
	if name == dir {
		return "", true
	}
	if len(name) > len(dir) && name[:len(dir)+1] == dir+"/" {
		return name[len(dir):], true
	}
	return "", false
}

func (d *badDisk) Remove(name string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := d.call(false); err != nil {
		return err
	}
	if d.names[name] == nil {
		return fs.ErrNotExist
	}
	delete(d.names, name)
	d.touched[name] = true
	return nil
}

func (d *badDisk) SyncDir(dir string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	err := d.call(false) // names have their room already
	if d.off && d.rng.Intn(2) == 0 {
		return err // nothing was done
	}
	for name := range d.touched {
		if _, below := cutDir(name, dir); below {
			if err == nil || d.off {
				d.keep(name)
			}
			delete(d.touched, name) // after an error this change is lost, whatever a later call says
		}
	}
	return err
}

type badFile struct {
	d *badDisk
	n *node
}

func (f *badFile) Write(b []byte) (int, error) {
	f.d.mu.Lock()
	defer f.d.mu.Unlock()
	err := f.d.call(true)
	wrote := len(b)
	if err != nil {
		wrote = 0
		if f.d.mode == cut || f.d.mode == noRoom || f.d.off {
			wrote = f.d.rng.Intn(len(b))
		}
	}
	f.n.data = append(f.n.data, b[:wrote]...)
	return wrote, err
}

func (f *badFile) Sync() error {
	f.d.mu.Lock()
	defer f.d.mu.Unlock()
	err := f.d.call(true)
	switch {
	case err == nil && !f.n.lost, f.d.off && f.d.rng.Intn(2) == 0:
		f.n.synced = len(f.n.data)
	case !f.d.off:
		f.n.lost = true
	}
	return err
}

func (f *badFile) Close() error {
	f.d.mu.Lock()
	defer f.d.mu.Unlock()
	return f.d.call(false)
}
