package spool

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
)

// FS is what the spool asks of a disk; a test gives one whose every call can
// fail. Names are paths. Errors are those of package os (fs.ErrNotExist,
// syscall.ENOSPC …).
type FS interface {
	// Lock takes the one exclusive lock that a file gives, until it is closed or
	// the process ends; ErrLocked when it is taken.
	Lock(name string) (io.Closer, error)
	// Mkdir makes a folder and what is above it, for its owner alone (0700), or
	// refuses one that is open to others.
	Mkdir(dir string) error
	// List gives the files of a folder, in no order.
	List(dir string) ([]FileInfo, error)
	Read(name string) ([]byte, error)
	// Create makes a file for its owner alone (0600), or empties it.
	Create(name string) (File, error)
	// Extend opens a file for writing at its end, and makes it if need be (0600).
	Extend(name string) (File, error)
	// Truncate cuts a file, durably.
	Truncate(name string, size int64) error
	Rename(from, to string) error
	Remove(name string) error
	// SyncDir makes what was created, renamed and removed in a folder durable.
	SyncDir(dir string) error
}

// File is a file that is being written. Sync makes what was written durable;
// its name is durable after FS.SyncDir.
type File interface {
	io.WriteCloser
	Sync() error
}

// FileInfo is a file's name without its folder, and its size in bytes.
type FileInfo struct {
	Name string
	Size int64
}

// Disk is the FS of the operating system.
type Disk struct{}

// Lock is flock(2): it holds between processes of one machine, and is gone with
// its process however that ended.
func (Disk) Lock(name string) (io.Closer, error) {
	f, err := os.OpenFile(name, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		_ = f.Close()
		if errors.Is(err, syscall.EWOULDBLOCK) {
			return nil, ErrLocked
		}
		return nil, err
	}
	return f, nil
}

// Mkdir makes or checks a folder.
func (Disk) Mkdir(dir string) error {
	if err := makeDir(filepath.Clean(dir)); err != nil {
		return err
	}
	info, err := os.Stat(dir)
	if err != nil {
		return err
	}
	if info.Mode().Perm()&0o077 != 0 {
		return fmt.Errorf("%s is open to others (%v): chmod 700 it, or name another folder", dir, info.Mode().Perm())
	}
	return nil
}

// makeDir makes each new folder's name durable: what is fsynced in a folder
// that a crash takes away is gone.
func makeDir(dir string) error {
	if _, err := os.Stat(dir); err == nil {
		return nil
	}
	parent := filepath.Dir(dir)
	if err := makeDir(parent); err != nil {
		return err
	}
	if err := os.Mkdir(dir, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	return Disk{}.SyncDir(parent)
}

// List gives the files of a folder.
func (Disk) List(dir string) ([]FileInfo, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	var out []FileInfo
	for _, e := range entries {
		info, err := e.Info()
		if errors.Is(err, fs.ErrNotExist) {
			continue // its owner removed it just now
		}
		if err != nil {
			return nil, err
		}
		if info.Mode().IsRegular() {
			out = append(out, FileInfo{e.Name(), info.Size()})
		}
	}
	return out, nil
}

// Read reads a file.
func (Disk) Read(name string) ([]byte, error) { return os.ReadFile(name) }

// Create makes or empties a file.
func (Disk) Create(name string) (File, error) {
	return os.OpenFile(name, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
}

// Extend opens a file at its end.
func (Disk) Extend(name string) (File, error) {
	return os.OpenFile(name, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
}

// Truncate cuts a file.
func (Disk) Truncate(name string, size int64) error {
	f, err := os.OpenFile(name, os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	err = f.Truncate(size)
	if err == nil {
		err = f.Sync()
	}
	return errors.Join(err, f.Close())
}

// Rename renames a file or a folder.
func (Disk) Rename(from, to string) error { return os.Rename(from, to) }

// Remove removes a file.
func (Disk) Remove(name string) error { return os.Remove(name) }

// SyncDir fsyncs a folder.
func (Disk) SyncDir(dir string) error {
	f, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

// writeWhole writes a file under a temporary name, and gives it its own once
// it is on the disk.
func writeWhole(disk FS, dir, name string, data []byte) error {
	tmp := filepath.Join(dir, name+".tmp")
	f, err := disk.Create(tmp)
	if err != nil {
		return fmt.Errorf("making %s: %w", tmp, err)
	}
	err = write(f, data)
	if err == nil {
		err = f.Sync()
	}
	if closed := f.Close(); err == nil {
		err = closed
	}
	if err == nil {
		err = disk.Rename(tmp, filepath.Join(dir, name))
	}
	if err != nil {
		_ = disk.Remove(tmp)
		return fmt.Errorf("writing %s: %w", filepath.Join(dir, name), err)
	}
	if err := disk.SyncDir(dir); err != nil {
		return fmt.Errorf("making the name of %s durable: %w", filepath.Join(dir, name), err)
	}
	return nil
}

func write(w io.Writer, data []byte) error {
	n, err := w.Write(data)
	if err == nil && n < len(data) {
		return io.ErrShortWrite
	}
	return err
}

// full says whether an error means that there is no room.
func full(err error) bool {
	return errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT)
}

func removeIfThere(disk FS, name string) error {
	if err := disk.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}
