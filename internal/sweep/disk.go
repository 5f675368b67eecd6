package sweep

import (
	"io"
	"syscall"

	"lafia/internal/spool"
)

// FS is the disk of a spool.
func (c *Counter) FS() spool.FS { return disk{c: c} }

type disk struct {
	under spool.Disk
	c     *Counter
}

// errDisk is what Linux says of a disk that fails.
const errDisk = syscall.EIO

// do makes one call on the disk.
func (d disk) do(what string, call func() error) error {
	f := d.c.at(Disk, what)
	if f == fail {
		return errDisk
	}
	err := call()
	if f == lose {
		return errDisk
	}
	return err
}

func (d disk) Lock(name string) (lock io.Closer, err error) {
	err = d.do("lock", func() (err error) { lock, err = d.under.Lock(name); return err })
	if lock == nil {
		return nil, err
	}
	l := &held{Closer: lock, c: d.c}
	if err != nil {
		_ = lock.Close() // whoever asked never has it
		return nil, err
	}
	d.c.open(l)
	return l, nil
}

// held is a lock, which a killed process lets go.
type held struct {
	io.Closer
	c *Counter
}

func (l *held) Close() error {
	l.c.close(l)
	return l.Closer.Close()
}

func (d disk) Mkdir(dir string) error {
	return d.do("mkdir", func() error { return d.under.Mkdir(dir) })
}

func (d disk) List(dir string) (list []spool.FileInfo, err error) {
	err = d.do("list", func() (err error) { list, err = d.under.List(dir); return err })
	return list, err
}

func (d disk) Read(name string) (b []byte, err error) {
	err = d.do("read", func() (err error) { b, err = d.under.Read(name); return err })
	return b, err
}

func (d disk) Create(name string) (spool.File, error) { return d.file("create", name, d.under.Create) }
func (d disk) Extend(name string) (spool.File, error) { return d.file("extend", name, d.under.Extend) }

func (d disk) file(what, name string, open func(string) (spool.File, error)) (f spool.File, err error) {
	err = d.do(what, func() (err error) { f, err = open(name); return err })
	if err != nil {
		if f != nil {
			_ = f.Close()
		}
		return nil, err
	}
	return file{f, d}, nil
}

func (d disk) Truncate(name string, size int64) error {
	return d.do("truncate", func() error { return d.under.Truncate(name, size) })
}

func (d disk) Rename(from, to string) error {
	return d.do("rename", func() error { return d.under.Rename(from, to) })
}

func (d disk) Remove(name string) error {
	return d.do("remove", func() error { return d.under.Remove(name) })
}

func (d disk) SyncDir(dir string) error {
	return d.do("fsync of a folder", func() error { return d.under.SyncDir(dir) })
}

type file struct {
	under spool.File
	d     disk
}

func (f file) Write(b []byte) (n int, err error) {
	err = f.d.do("write", func() (err error) { n, err = f.under.Write(b); return err })
	return n, err
}

func (f file) Sync() error { return f.d.do("fsync", f.under.Sync) }

// Close closes in any case: the process keeps no file open by failing to close it.
func (f file) Close() error {
	fault := f.d.c.at(Disk, "close")
	err := f.under.Close()
	if fault != none {
		return errDisk
	}
	return err
}
