// Package vault keeps numbers and words from whoever should not have them:
// pseudonyms, derived identities, and the sealing of texts, sessions, drafts
// and numbers. Keys live in files outside the database's folder.
//
// What each key opens, and what is lost with it, stands in docs/security.md.
package vault

import (
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"golang.org/x/crypto/chacha20poly1305"
)

// KeySize is the size of every symmetric key, in bytes.
const KeySize = 32

// Ring holds the keys of a running gateway. It does not print.
type Ring struct {
	pseudonym    *macs
	ids          *macs
	session      *box
	office       *offices
	pin          *macs
	audit        *box
	auditFirst   []byte     // nil: it is kept elsewhere
	confidential *PublicKey // nil: no pair yet
	captureCheck []byte
}

// String gives a mask.
func (*Ring) String() string { return "[keys]" }

// GoString gives a mask.
func (*Ring) GoString() string { return "[keys]" }

const (
	captureFile      = "capture.key"
	confidentialFile = "confidential.pub"
)

// ErrNoKeys is returned by Open when the folder holds no keys yet.
var ErrNoKeys = errors.New("no keys")

// Open reads the keys from a folder. It never makes one: a gateway that starts
// with new keys beside old data could open none of it.
func Open(dir string) (*Ring, error) {
	capture, err := readKey(filepath.Join(dir, captureFile))
	if err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			return nil, fmt.Errorf("%w in %s: make them once with `lafia keys init --dir %s`, or put back the ones this database was written with", ErrNoKeys, dir, dir)
		}
		return nil, err
	}
	r := &Ring{}
	if r.captureCheck, err = checkOf(capture); err != nil {
		return nil, err
	}
	for label, into := range map[string]**macs{"pseudonym": &r.pseudonym, "ids": &r.ids, "pin": &r.pin} {
		k, err := derive(capture, label)
		if err != nil {
			return nil, err
		}
		*into = newMACs(k)
	}
	sk, err := derive(capture, "session")
	if err != nil {
		return nil, err
	}
	r.session = newBox(sk)
	ak, err := derive(capture, "audit")
	if err != nil {
		return nil, err
	}
	r.audit = newBox(ak)
	if r.auditFirst, err = readKey(filepath.Join(dir, auditFile)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	if r.office, err = openOffices(dir); err != nil {
		return nil, err
	}
	b, err := os.ReadFile(filepath.Join(dir, confidentialFile))
	switch {
	case errors.Is(err, fs.ErrNotExist):
	case err != nil:
		return nil, fmt.Errorf("reading the confidential public key: %w", err)
	default:
		if r.confidential, err = ParsePublicKey(strings.TrimSpace(string(b))); err != nil {
			return nil, fmt.Errorf("%s: %w", filepath.Join(dir, confidentialFile), err)
		}
	}
	return r, nil
}

// Create makes a new set of keys in a folder that has none: 0700, files 0600.
func Create(dir string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("making the key folder: %w", err)
	}
	// The capture key comes last: a folder with it is complete.
	for _, name := range []string{"office-1.key", auditFile, captureFile} {
		if err := writeNew(filepath.Join(dir, name), hex.EncodeToString(randomBytes(KeySize))); err != nil && !errors.Is(err, fs.ErrExist) {
			return fmt.Errorf("writing a new key: %w", err)
		}
	}
	return nil
}

// writeNew writes a file that must not exist, and makes it durable: a key lost
// in a power cut takes what was sealed with it.
func writeNew(path, content string) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	if _, err = f.WriteString(content + "\n"); err == nil {
		err = f.Sync()
	}
	if cerr := f.Close(); err == nil {
		err = cerr
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

func readKey(path string) ([]byte, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if info.Mode().Perm()&0o077 != 0 {
		return nil, fmt.Errorf("%s can be read by others (mode %04o): run chmod 600 on it", path, info.Mode().Perm())
	}
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	k, err := hex.DecodeString(strings.TrimSpace(string(b)))
	if err != nil || len(k) != KeySize {
		return nil, fmt.Errorf("%s is not a key: want %d bytes in hex", path, KeySize)
	}
	return k, nil
}

func derive(key []byte, label string) ([]byte, error) {
	k, err := hkdf.Key(sha256.New, key, nil, "lafia/"+label, KeySize)
	if err != nil {
		return nil, fmt.Errorf("deriving the %s key: %w", label, err)
	}
	return k, nil
}

func randomBytes(n int) []byte {
	b := make([]byte, n)
	_, _ = rand.Read(b) // crypto/rand never fails since Go 1.24
	return b
}

// Pseudonym stands for a phone number everywhere but in the vault. Whoever has
// the capture key can try all numbers of Mali against it in seconds
// (reliability.md fact 7): the key is what protects, not the function.
type Pseudonym [32]byte

// Bytes gives the pseudonym as a key for storage.
func (p Pseudonym) Bytes() []byte { return p[:] }

// String gives a mask: a pseudonym is still a person.
func (Pseudonym) String() string { return "[contact]" }

// GoString gives a mask.
func (Pseudonym) GoString() string { return "[contact]" }

// Pseudonym gives the pseudonym of a number in E.164.
func (r *Ring) Pseudonym(number string) Pseudonym {
	return Pseudonym(mac(r.pseudonym, "phone", []byte(number)))
}

// ID is a derived identity: of a hop, a run, a message, a content.
type ID [32]byte

// Bytes gives the identity as a key for storage.
func (id ID) Bytes() []byte { return id[:] }

// UUID gives the first 16 bytes in the form of a UUID (version 8: custom, RFC 9562).
func (id ID) UUID() string {
	b := [16]byte(id[:16])
	b[6] = b[6]&0x0f | 0x80
	b[8] = b[8]&0x3f | 0x80
	h := hex.EncodeToString(b[:])
	return h[:8] + "-" + h[8:12] + "-" + h[12:16] + "-" + h[16:20] + "-" + h[20:]
}

// ID derives an identity from its parts. Ids are derived, never drawn, so that a
// retry, a replay and a second gateway reach the same one. Each part is bounded
// by its length, so that ("ab","c") and ("a","bc") differ.
func (r *Ring) ID(label string, parts ...[]byte) ID {
	return ID(mac(r.ids, label, parts...))
}

// macs makes HMACs under one key. What made one is used again, which leaves out
// the work on the key: half of all on a short message.
type macs struct{ idle sync.Pool }

type maker struct {
	hash hash.Hash
	in   []byte
}

func newMACs(key []byte) *macs {
	return &macs{sync.Pool{New: func() any { return &maker{hmac.New(sha256.New, key), make([]byte, 0, 512)} }}}
}

func mac(by *macs, label string, parts ...[]byte) (out [32]byte) {
	m := by.idle.Get().(*maker)
	b := binary.BigEndian.AppendUint32(m.in, uint32(len(label)))
	b = append(b, label...)
	for _, p := range parts {
		b = binary.BigEndian.AppendUint32(b, uint32(len(p)))
		b = append(b, p...)
	}
	m.hash.Reset()
	m.hash.Write(b)
	copy(out[:], m.hash.Sum(b[:0]))
	clear(b) // it held a number, a PIN or words
	by.idle.Put(m)
	return out
}

// PINHash gives what is stored of a leader's PIN. Four digits can be tried in
// no time, so the key protects it, which is not in the database.
func (r *Ring) PINHash(group, pin string) []byte {
	h := mac(r.pin, "pin", []byte(group), []byte(pin))
	return h[:]
}

// PINMatches compares in constant time.
func (r *Ring) PINMatches(group, pin string, hash []byte) bool {
	return hmac.Equal(r.PINHash(group, pin), hash)
}

type aead interface {
	Seal(dst, nonce, plaintext, additionalData []byte) []byte
	Open(dst, nonce, ciphertext, additionalData []byte) ([]byte, error)
}

// box seals with one key: XChaCha20-Poly1305, whose nonces may be random.
type box struct{ aead aead }

func newBox(key []byte) *box {
	a, err := chacha20poly1305.NewX(key)
	if err != nil {
		panic("vault: a key is not 32 bytes") // its only cause; keys are checked when read
	}
	return &box{aead: a}
}

func (b *box) seal(header, plain, bound []byte) []byte {
	out := make([]byte, len(header)+chacha20poly1305.NonceSizeX, len(header)+chacha20poly1305.NonceSizeX+len(plain)+chacha20poly1305.Overhead)
	copy(out, header)
	nonce := out[len(header):]
	_, _ = rand.Read(nonce)
	return b.aead.Seal(out, nonce, plain, bound)
}

func (b *box) open(sealed, bound []byte) ([]byte, error) {
	if len(sealed) < chacha20poly1305.NonceSizeX {
		return nil, errors.New("sealed text is too short")
	}
	n := chacha20poly1305.NonceSizeX
	p, err := b.aead.Open(nil, sealed[:n], sealed[n:], bound)
	if err != nil {
		return nil, errors.New("sealed text does not open: it was altered, moved, or sealed with another key")
	}
	return p, nil
}

// SealSession seals a session or a draft. The key comes from the capture key: a
// gateway whose office is locked still holds conversations.
func (r *Ring) SealSession(plain []byte, bound []byte) []byte {
	return r.session.seal(nil, plain, bound)
}

// OpenSession opens a session or a draft.
func (r *Ring) OpenSession(sealed []byte, bound []byte) ([]byte, error) {
	return r.session.open(sealed, bound)
}

// Seal seals words or a number under the office key in use. bound ties it to
// its row: a sealed text that is moved to another row does not open.
func (r *Ring) Seal(plain []byte, bound string) []byte {
	set := r.office.set.Load()
	return set.keys[set.sealing].box.seal([]byte{byte(set.sealing)}, plain, []byte(bound))
}

// Open opens what Seal sealed, also under another office key, and one that came into
// the folder after this gateway's start.
func (r *Ring) Open(sealed []byte, bound string) ([]byte, error) {
	if len(sealed) == 0 {
		return nil, errors.New("nothing is sealed here")
	}
	k, ok := r.office.get(UnderKey(sealed))
	if !ok {
		return nil, fmt.Errorf("office key %d is missing from the key folder: put office-%d.key back", sealed[0], sealed[0])
	}
	return k.box.open(sealed[1:], []byte(bound))
}

// InboxKey seals the SMS of one day until they are handled.
type InboxKey struct{ box *box }

// NewInboxKey makes the key of a day, and the wrapped form that is stored.
func (r *Ring) NewInboxKey(day string) (InboxKey, []byte) {
	k := randomBytes(KeySize)
	return InboxKey{newBox(k)}, r.Seal(k, "inbox-key/"+day)
}

// UnwrapInboxKey reads a stored inbox key.
func (r *Ring) UnwrapInboxKey(wrapped []byte, day string) (InboxKey, error) {
	k, err := r.Open(wrapped, "inbox-key/"+day)
	if err != nil {
		return InboxKey{}, fmt.Errorf("opening the inbox key of %s: %w", day, err)
	}
	return InboxKey{newBox(k)}, nil
}

// Seal seals an SMS as it came.
func (k InboxKey) Seal(plain []byte, bound string) []byte {
	return k.box.seal(nil, plain, []byte(bound))
}

// Open opens an SMS.
func (k InboxKey) Open(sealed []byte, bound string) ([]byte, error) {
	return k.box.open(sealed, []byte(bound))
}
