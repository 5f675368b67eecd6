package vault

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
)

// maxOffice is the highest number of an office key: it is one byte before what the
// key sealed.
const maxOffice = 254

// offices are the office keys of a folder, by their numbers. Which of them seals is
// settled for all gateways by the database; all others only open.
type offices struct {
	dir string
	mu  sync.Mutex // of whoever changes the set
	set atomic.Pointer[officeSet]
}

// officeSet does not change.
type officeSet struct {
	keys    map[int]officeKey
	sealing int
	// missed are numbers that were looked for in vain since the folder was read.
	missed map[int]bool
}

type officeKey struct {
	box   *box
	check []byte
}

func (o *officeSet) with(change func(*officeSet)) *officeSet {
	n := &officeSet{keys: map[int]officeKey{}, missed: map[int]bool{}, sealing: o.sealing}
	for k, v := range o.keys {
		n.keys[k] = v
	}
	for k := range o.missed {
		n.missed[k] = true
	}
	change(n)
	return n
}

func officeFile(n int) string { return fmt.Sprintf("office-%d.key", n) }

func readOffice(dir string, n int) (officeKey, error) {
	k, err := readKey(filepath.Join(dir, officeFile(n)))
	if err != nil {
		return officeKey{}, err
	}
	check, err := checkOf(k)
	return officeKey{newBox(k), check}, err
}

// openOffices reads the office keys of a folder: office-1.key and those after it
// without a gap. The first seals until SealUnder: every gateway has it.
func openOffices(dir string) (*offices, error) {
	o := &offices{dir: dir}
	o.set.Store(&officeSet{sealing: 1})
	if err := o.reread(); err != nil {
		return nil, err
	}
	if len(o.set.Load().keys) == 0 {
		return nil, fmt.Errorf("%s has %s but no %s: put it back; the words in the database open with no other", dir, captureFile, officeFile(1))
	}
	return o, nil
}

// reread reads the folder again. A key that seals or sealed stays as it was read:
// another file of its name opens nothing.
func (o *offices) reread() error {
	o.mu.Lock()
	defer o.mu.Unlock()
	old := o.set.Load()
	found := map[int]officeKey{}
	for n := 1; n <= maxOffice; n++ {
		if k, known := old.keys[n]; known && n <= old.sealing {
			found[n] = k
			continue
		}
		k, err := readOffice(o.dir, n)
		if errors.Is(err, fs.ErrNotExist) {
			if n > old.sealing {
				break
			}
			continue
		}
		if err != nil {
			return err
		}
		found[n] = k
	}
	o.set.Store(&officeSet{keys: found, sealing: old.sealing})
	return nil
}

// get gives a key, which may have come into the folder since that was read. A number
// that is not there is looked for once until the folder is read again.
func (o *offices) get(n int) (officeKey, bool) {
	set := o.set.Load()
	if k, ok := set.keys[n]; ok || set.missed[n] || n < 1 || n > maxOffice {
		return k, ok
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	set = o.set.Load()
	if k, ok := set.keys[n]; ok || set.missed[n] {
		return k, ok
	}
	k, err := readOffice(o.dir, n)
	o.set.Store(set.with(func(s *officeSet) {
		if err != nil {
			s.missed[n] = true
			return
		}
		s.keys[n] = k
	}))
	return k, err == nil
}

// Reread looks again in the key folder for office keys. One that cannot be read is
// an error, and changes nothing.
func (r *Ring) Reread() error { return r.office.reread() }

// Sealing gives the number of the office key that seals.
func (r *Ring) Sealing() int { return r.office.set.Load().sealing }

// ErrOtherKey is in the error of sealing under an office key that is missing here, or
// is another one than the database knows by its number.
var ErrOtherKey = errors.New("not the office key of this database")

// SealUnder makes an office key the one that seals, by its number and its value in
// Checks.
func (r *Ring) SealUnder(n int, check []byte) error {
	o := r.office
	k, ok := o.get(n)
	switch {
	case !ok:
		return fmt.Errorf("%w: %s is missing from %s: copy it from a machine that has it", ErrOtherKey, officeFile(n), o.dir)
	case !bytes.Equal(k.check, check):
		return fmt.Errorf("%w: %s in %s is another key: copy the right one from a machine that has it", ErrOtherKey, officeFile(n), o.dir)
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	o.set.Store(o.set.Load().with(func(s *officeSet) { s.sealing = n }))
	return nil
}

// Held gives the check values of the office keys that it holds, in their order.
func (r *Ring) Held() [][]byte {
	set := r.office.set.Load()
	var out [][]byte
	for n := 1; n <= maxOffice; n++ {
		if k, ok := set.keys[n]; ok {
			out = append(out, k.check)
		}
	}
	return out
}

// OfficeName names an office key as its file and Checks do, without the ending.
func OfficeName(n int) string { return strings.TrimSuffix(officeFile(n), ".key") }

// UnderKey gives the number of the office key that something was sealed under; 0 for
// nothing.
func UnderKey(sealed []byte) int {
	if len(sealed) == 0 {
		return 0
	}
	return int(sealed[0])
}

// NextOffice gives the office key behind the one that seals, which it makes unless it
// lies in the folder already. It does not seal by that.
func (r *Ring) NextOffice() (n int, check []byte, made bool, err error) {
	o := r.office
	n = r.Sealing() + 1
	if n > maxOffice {
		return 0, nil, false, fmt.Errorf("there have been %d office keys, and no more can be told apart", maxOffice)
	}
	path := filepath.Join(o.dir, officeFile(n))
	switch err := writeWhole(path, hex.EncodeToString(randomBytes(KeySize))); {
	case err == nil:
		made = true
	case !errors.Is(err, fs.ErrExist):
		return 0, nil, false, fmt.Errorf("writing a new office key: %w", err)
	}
	if err := r.Reread(); err != nil {
		return 0, nil, made, err
	}
	k, ok := o.get(n)
	if !ok {
		return 0, nil, made, fmt.Errorf("%s is in the folder and cannot be read", path)
	}
	return n, k.check, made, nil
}

// writeWhole writes a file that must not exist so that whoever reads the folder, also
// after a kill or a power cut, sees all of it or nothing.
func writeWhole(path, content string) error {
	if _, err := os.Lstat(path); err == nil {
		return fs.ErrExist
	}
	draft := path + ".new-" + hex.EncodeToString(randomBytes(4))
	if err := writeNew(draft, content); err != nil {
		_ = os.Remove(draft)
		return err
	}
	err := os.Link(draft, path) // unlike a rename it replaces nothing
	_ = os.Remove(draft)
	if err != nil {
		return err
	}
	return syncDir(filepath.Dir(path))
}

// RemoveDrafts removes what a killed NextOffice left of keys that nothing was sealed
// under. Nobody else may be making one.
func RemoveDrafts(dir string) error {
	drafts, err := filepath.Glob(filepath.Join(dir, "office-*.key.new-*"))
	if err != nil {
		return fmt.Errorf("looking for drafts of keys: %w", err)
	}
	for _, d := range drafts {
		if err := os.Remove(d); err != nil {
			return fmt.Errorf("removing the draft of a key: %w", err)
		}
	}
	return nil
}

// Rewrap seals anew, under the office key that seals, what was sealed under another.
func (r *Ring) Rewrap(sealed []byte, bound string) ([]byte, error) {
	plain, err := r.Open(sealed, bound)
	if err != nil {
		return nil, err
	}
	defer clear(plain)
	return r.Seal(plain, bound), nil
}
