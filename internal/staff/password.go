package staff

import (
	"context"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"golang.org/x/crypto/argon2"
)

// Argon2id's cost: the first choice of the OWASP password storage cheat sheet
// for 19 MiB (t=2, p=1), about 30 ms here. Stored hashes carry their own cost,
// so raising these leaves old ones valid.
const (
	hashPasses  = 2
	hashMemory  = 19 << 10 // KiB
	hashThreads = 1
	hashSize    = 32
	saltSize    = 16
)

// What a stored hash may ask for at most: a row that was tampered with must not
// take the machine's memory.
const (
	hashPassesMost = 8
	hashMemoryMost = 128 << 10 // KiB
)

// hashesAtOnce bounds the memory that a flood of logins can take to 2 × 19 MiB
// (reliability.md T20). Others wait in line.
const hashesAtOnce = 2

// The bounds of a password. 12 characters is above the least of ASVS 6.2.1 (8)
// since there is no second factor yet; the most keeps hashing bounded.
const (
	PasswordLeast = 12
	PasswordMost  = 256
)

// ErrPasswordShort and ErrPasswordLong say why a new password is refused.
var (
	ErrPasswordShort = fmt.Errorf("a password has at least %d characters", PasswordLeast)
	ErrPasswordLong  = fmt.Errorf("a password has at most %d characters", PasswordMost)
)

// CheckPassword judges a new password by its length alone: no rule of character
// kinds (ASVS 6.2.5).
func CheckPassword(password string) error {
	switch n := utf8.RuneCountInString(password); {
	case n < PasswordLeast:
		return ErrPasswordShort
	case n > PasswordMost:
		return ErrPasswordLong
	}
	return nil
}

// Hasher makes and checks password hashes, a few at a time.
type Hasher struct {
	turn   chan struct{}
	random func(n int) []byte
	nobody string
}

// NewHasher takes its salts from random.
func NewHasher(random func(n int) []byte) *Hasher {
	h := &Hasher{turn: make(chan struct{}, hashesAtOnce), random: random}
	// What nobody's password is checked against, so that an unknown name costs
	// what a known one costs. Its digest is random: nothing matches it.
	h.nobody = phc(hashPasses, hashMemory, hashThreads, random(saltSize), random(hashSize))
	return h
}

// Hash gives the PHC string of a password: $argon2id$v=19$m=…,t=…,p=…$salt$hash.
func (h *Hasher) Hash(ctx context.Context, password string) (string, error) {
	if err := h.wait(ctx); err != nil {
		return "", err
	}
	defer h.done()
	salt := h.random(saltSize)
	sum := argon2.IDKey([]byte(password), salt, hashPasses, hashMemory, hashThreads, hashSize)
	return phc(hashPasses, hashMemory, hashThreads, salt, sum), nil
}

// Verify reports whether the password is the one of the hash. An empty hash
// stands for an account that does not exist: it costs the same and never
// matches.
func (h *Hasher) Verify(ctx context.Context, password, hash string) (bool, error) {
	if utf8.RuneCountInString(password) > PasswordMost {
		password = "" // never right, and hashed all the same
	}
	known := hash != ""
	if !known {
		hash = h.nobody
	}
	p, err := parsePHC(hash)
	if err != nil {
		return false, err
	}
	if err := h.wait(ctx); err != nil {
		return false, err
	}
	defer h.done()
	sum := argon2.IDKey([]byte(password), p.salt, p.passes, p.memory, p.threads, uint32(len(p.sum)))
	return subtle.ConstantTimeCompare(sum, p.sum) == 1 && known && password != "", nil
}

func (h *Hasher) wait(ctx context.Context) error {
	select {
	case h.turn <- struct{}{}:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("waiting to check a password: %w", ctx.Err())
	}
}

func (h *Hasher) done() { <-h.turn }

func phc(passes, memory uint32, threads uint8, salt, sum []byte) string {
	e := base64.RawStdEncoding.EncodeToString
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version, memory, passes, threads, e(salt), e(sum))
}

type parsedHash struct {
	passes, memory uint32
	threads        uint8
	salt, sum      []byte
}

// errHash names no part of the hash: errors end up in logs.
var errHash = errors.New("a stored password hash cannot be read: set the password anew")

func parsePHC(s string) (parsedHash, error) {
	var p parsedHash
	f := strings.Split(s, "$")
	if len(f) != 6 || f[0] != "" || f[1] != "argon2id" || f[2] != fmt.Sprintf("v=%d", argon2.Version) {
		return p, errHash
	}
	if n, err := fmt.Sscanf(f[3], "m=%d,t=%d,p=%d", &p.memory, &p.passes, &p.threads); err != nil || n != 3 {
		return p, errHash
	}
	if p.passes < 1 || p.passes > hashPassesMost || p.memory < 8 || p.memory > hashMemoryMost || p.threads < 1 || p.threads > 8 {
		return p, errHash
	}
	var err error
	if p.salt, err = base64.RawStdEncoding.DecodeString(f[4]); err != nil || len(p.salt) < 8 {
		return p, errHash
	}
	if p.sum, err = base64.RawStdEncoding.DecodeString(f[5]); err != nil || len(p.sum) < 16 || len(p.sum) > 64 {
		return p, errHash
	}
	return p, nil
}
