package app

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"hash/crc32"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"lafia/internal/store"
)

// A gateway remembers outside the database what a backup of it would forget: who was
// erased, and how old the record was when it was seen last. Both files are in the folder
// of its spool, and hold no number and no word.
const (
	erasedFile = "erased" // a line for each contact, only added to
	lifeFile   = "life"   // replaced with each sign of life
)

const (
	erasedHead = "lafia erased 1"
	lifeHead   = "lafia life 1"
)

// memory is what a gateway remembers. One without a folder forgets it when it stops.
type memory struct {
	dir string

	beats sync.Mutex // one sign of life at a time: two would overtake each other

	mu     sync.Mutex
	known  int64     // the record's count of signs of life; 0: none was seen
	at     time.Time // when it was at that
	list   map[[32]byte]store.Erased
	synced store.Life // the erasures of the record, as it was when the list was last compared with it
	held   bool
}

// openMemory reads what is remembered in a folder, and begins the list where there is
// none; dir "" remembers nothing on disk.
func openMemory(dir string) (*memory, error) {
	m := &memory{dir: dir, list: map[[32]byte]store.Erased{}}
	if dir == "" {
		return m, nil
	}
	if err := addErased(dir, nil); err != nil {
		return nil, err
	}
	if err := m.reread(); err != nil {
		return nil, err
	}
	var err error
	if m.known, m.at, err = readLife(dir); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	return m, nil
}

// remembers reports whether a record was ever seen.
func (m *memory) remembers() bool { return m.beat() > 0 }

// beat is the record's count as it was seen last.
func (m *memory) beat() int64 {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.known
}

// saw remembers the record's count, which has been committed. A lower one than before
// is not remembered, and tells of an older record.
func (m *memory) saw(beat int64, now time.Time) (older bool, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if beat <= m.known {
		return true, nil
	}
	m.known, m.at = beat, now
	if m.dir == "" {
		return false, nil
	}
	return false, replaceFile(filepath.Join(m.dir, lifeFile), fmt.Appendf(nil, "%s\n%d %s\n", lifeHead, beat, now.UTC().Format(time.RFC3339Nano)))
}

// erasedAt tells when a contact was erased.
func (m *memory) erasedAt(contact []byte) (time.Time, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(m.list) == 0 || len(contact) != 32 {
		return time.Time{}, false
	}
	e, ok := m.list[[32]byte(contact)]
	return e.At, ok
}

// put adds erasures to the list, durably.
func (m *memory) put(all ...store.Erased) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	var fresh []store.Erased
	for _, e := range all {
		e.At = e.At.UTC().Truncate(time.Microsecond) // as the database keeps it
		if was, there := m.list[[32]byte(e.Contact)]; !there || was.At.Before(e.At) || e.Whole && !was.Whole || e.Stopped && !was.Stopped {
			fresh = append(fresh, e)
		}
	}
	if len(fresh) == 0 {
		return nil
	}
	if m.dir != "" {
		if err := addErased(m.dir, fresh); err != nil {
			return err
		}
	}
	for _, e := range fresh {
		learn(m.list, e)
	}
	return nil
}

// reread takes over what a command has added to the list.
func (m *memory) reread() error {
	if m.dir == "" {
		return nil
	}
	list, _, err := readErased(filepath.Join(m.dir, erasedFile))
	if err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, e := range list {
		learn(m.list, e)
	}
	return nil
}

// all gives the list.
func (m *memory) all() []store.Erased {
	m.mu.Lock()
	defer m.mu.Unlock()
	out := make([]store.Erased, 0, len(m.list))
	for _, e := range m.list {
		out = append(out, e)
	}
	return out
}

// learn adds an erasure to a list: the latest counts, with all that any says.
func learn(list map[[32]byte]store.Erased, e store.Erased) {
	k := [32]byte(e.Contact)
	was := list[k]
	if was.At.After(e.At) {
		e.At = was.At
	}
	e.Whole, e.Stopped = e.Whole || was.Whole, e.Stopped || was.Stopped
	list[k] = e
}

// addErased adds to the list of a folder, durably, also beside a gateway that runs on
// it. It makes the list where there is none.
func addErased(dir string, all []store.Erased) error {
	path := filepath.Join(dir, erasedFile)
	err := func() error {
		f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_APPEND, 0o600)
		if err != nil {
			return err
		}
		defer f.Close()
		if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX); err != nil {
			return err
		}
		info, err := f.Stat()
		if err != nil {
			return err
		}
		var b bytes.Buffer
		if size := info.Size(); size == 0 {
			b.WriteString(erasedHead + "\n")
		} else {
			last := make([]byte, 1)
			if _, err := f.ReadAt(last, size-1); err != nil {
				return err
			}
			if last[0] != '\n' { // a line that a power cut has torn
				b.WriteByte('\n')
			}
		}
		for _, e := range all {
			b.WriteString(erasedLine(e) + "\n")
		}
		if b.Len() == 0 {
			return nil
		}
		if _, err := f.Write(b.Bytes()); err != nil {
			return err
		}
		if err := f.Sync(); err != nil {
			return err
		}
		return syncDir(dir)
	}()
	if err != nil {
		return fmt.Errorf("writing the list of who was erased: %w", err)
	}
	return nil
}

func erasedLine(e store.Erased) string {
	flags := "-"
	if e.Whole {
		flags += "w"
	}
	if e.Stopped {
		flags += "s"
	}
	line := hex.EncodeToString(e.Contact) + " " + e.At.UTC().Truncate(time.Microsecond).Format(time.RFC3339Nano) + " " + flags
	return fmt.Sprintf("%s %08x", line, crc32.ChecksumIEEE([]byte(line)))
}

// readErased reads a list; bad counts the lines that are none.
func readErased(path string) (all []store.Erased, bad int, err error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, 0, fmt.Errorf("reading the list of who was erased: %w", err)
	}
	head, rest, _ := strings.Cut(string(b), "\n")
	if head != erasedHead {
		return nil, 0, fmt.Errorf("%s is no list of who was erased: its first line is not %q", path, erasedHead)
	}
	for line := range strings.Lines(rest) {
		line = strings.TrimSuffix(line, "\n")
		if line == "" {
			continue
		}
		e, ok := parseErased(line)
		if !ok {
			bad++
			continue
		}
		all = append(all, e)
	}
	return all, bad, nil
}

func parseErased(line string) (e store.Erased, ok bool) {
	parts := strings.Split(line, " ")
	if len(parts) != 4 || fmt.Sprintf("%08x", crc32.ChecksumIEEE([]byte(strings.Join(parts[:3], " ")))) != parts[3] {
		return e, false
	}
	var err error
	if e.Contact, err = hex.DecodeString(parts[0]); err != nil || len(e.Contact) != 32 {
		return e, false
	}
	if e.At, err = time.Parse(time.RFC3339Nano, parts[1]); err != nil {
		return e, false
	}
	e.Whole, e.Stopped = strings.Contains(parts[2], "w"), strings.Contains(parts[2], "s")
	return e, true
}

func readLife(dir string) (beat int64, at time.Time, err error) {
	path := filepath.Join(dir, lifeFile)
	b, err := os.ReadFile(path)
	if err != nil {
		return 0, at, fmt.Errorf("reading how old the record was: %w", err)
	}
	lines := strings.Split(strings.TrimSpace(string(b)), "\n")
	if len(lines) == 2 && lines[0] == lifeHead {
		if n, moment, ok := strings.Cut(lines[1], " "); ok {
			beat, err = strconv.ParseInt(n, 10, 64)
			if err == nil {
				at, err = time.Parse(time.RFC3339Nano, moment)
			}
			if err == nil {
				return beat, at, nil
			}
		}
	}
	return 0, at, fmt.Errorf("%s is damaged: look whether a backup was restored since this gateway ran, then remove it", path)
}

// replaceFile replaces a file as a whole, durably.
func replaceFile(path string, content []byte) error {
	next := path + ".next"
	f, err := os.OpenFile(next, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	if _, err = f.Write(content); err == nil {
		err = f.Sync()
	}
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	if err == nil {
		err = os.Rename(next, path)
	}
	if err != nil {
		return err
	}
	return syncDir(filepath.Dir(path))
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer d.Close()
	return d.Sync()
}
