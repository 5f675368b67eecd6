package vault

import (
	"crypto/ecdh"
	"crypto/hpke"
	"encoding/base64"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/crypto/argon2"
)

// PublicKey is the confidential pair's public half (X25519, HPKE of RFC 9180).
// A gateway has only this half: it can seal an L3 body and never open one.
type PublicKey struct {
	key     hpke.PublicKey
	encoded string
}

// PrivateKey is the confidential pair's private half, in memory only while a
// focal point reads. It does not print.
type PrivateKey struct {
	key  hpke.PrivateKey
	seed []byte
}

// String gives a mask.
func (*PrivateKey) String() string { return "[key]" }

// GoString gives a mask.
func (*PrivateKey) GoString() string { return "[key]" }

const publicPrefix = "lafia-confidential-1 "

// confidentialInfo binds ciphertexts to this use (RFC 9180, info).
var confidentialInfo = []byte("lafia confidential v1")

// NewConfidentialPair makes a pair, writes its public half into the key folder,
// and returns the private half for wrapping. It refuses where one is already:
// what was sealed to the first pair opens with no other.
func NewConfidentialPair(dir string) (*PrivateKey, error) {
	k, err := ecdh.X25519().NewPrivateKey(randomBytes(KeySize))
	if err != nil {
		return nil, fmt.Errorf("making the confidential pair: %w", err)
	}
	priv, err := privateFrom(k.Bytes())
	if err != nil {
		return nil, err
	}
	line := publicPrefix + base64.StdEncoding.EncodeToString(k.PublicKey().Bytes())
	if err := writeNew(filepath.Join(dir, confidentialFile), line); err != nil {
		return nil, fmt.Errorf("writing the confidential public key: %w", err)
	}
	return priv, nil
}

func privateFrom(seed []byte) (*PrivateKey, error) {
	k, err := ecdh.X25519().NewPrivateKey(seed)
	if err != nil {
		return nil, fmt.Errorf("reading the confidential private key: %w", err)
	}
	h, err := hpke.NewDHKEMPrivateKey(k)
	if err != nil {
		return nil, fmt.Errorf("reading the confidential private key: %w", err)
	}
	return &PrivateKey{key: h, seed: seed}, nil
}

// ParsePublicKey reads the line of confidential.pub.
func ParsePublicKey(line string) (*PublicKey, error) {
	s, ok := strings.CutPrefix(line, publicPrefix)
	if !ok {
		return nil, errors.New("not a confidential public key")
	}
	b, err := base64.StdEncoding.DecodeString(s)
	if err != nil {
		return nil, errors.New("not a confidential public key")
	}
	p, err := ecdh.X25519().NewPublicKey(b)
	if err != nil {
		return nil, errors.New("not a confidential public key")
	}
	h, err := hpke.NewDHKEMPublicKey(p)
	if err != nil {
		return nil, errors.New("not a confidential public key")
	}
	return &PublicKey{key: h, encoded: line}, nil
}

// HasConfidential reports whether L3 can be sealed. Without the pair the
// confidential menu only gives the help number.
func (r *Ring) HasConfidential() bool { return r.confidential != nil }

// bodySizes are the sizes that L3 bodies are padded to, so that their length
// says nothing of their content (reliability.md T26).
var bodySizes = []int{512, 2048, 8192, 1 << 17}

// SealConfidential pads a body and seals it to the confidential pair.
func (r *Ring) SealConfidential(plain []byte) ([]byte, error) {
	if r.confidential == nil {
		return nil, errors.New("there is no confidential key pair")
	}
	padded, err := pad(plain)
	if err != nil {
		return nil, err
	}
	out, err := hpke.Seal(r.confidential.key, hpke.HKDFSHA256(), hpke.ChaCha20Poly1305(), confidentialInfo, padded)
	if err != nil {
		return nil, fmt.Errorf("sealing a confidential body: %w", err)
	}
	return out, nil
}

// Open opens an L3 body.
func (k *PrivateKey) Open(sealed []byte) ([]byte, error) {
	padded, err := hpke.Open(k.key, hpke.HKDFSHA256(), hpke.ChaCha20Poly1305(), confidentialInfo, sealed)
	if err != nil {
		return nil, errors.New("this confidential message opens with another key pair")
	}
	return unpad(padded)
}

func pad(plain []byte) ([]byte, error) {
	for _, size := range bodySizes {
		if len(plain)+1 <= size {
			p := make([]byte, size)
			copy(p, plain)
			p[len(plain)] = 0x80 // ISO/IEC 7816-4
			return p, nil
		}
	}
	return nil, errors.New("a confidential body is longer than 128 KiB")
}

func unpad(p []byte) ([]byte, error) {
	for i := len(p) - 1; i >= 0; i-- {
		switch p[i] {
		case 0:
		case 0x80:
			return p[:i], nil
		default:
			return nil, errors.New("a confidential body has broken padding")
		}
	}
	return nil, errors.New("a confidential body has no padding")
}

// Wrap seals the private half under a focal point's password: argon2id with
// t=3, 64 MiB, p=2 (RFC 9106's second choice with less memory, about 0.2 s).
func (k *PrivateKey) Wrap(password string) []byte {
	salt := randomBytes(16)
	return append(append([]byte{1}, salt...), newBox(wrapKey(password, salt)).seal(nil, k.seed, []byte("confidential"))...)
}

// UnwrapPrivateKey opens a wrapped private half with the password.
func UnwrapPrivateKey(wrapped []byte, password string) (*PrivateKey, error) {
	if len(wrapped) < 17 || wrapped[0] != 1 {
		return nil, errors.New("there is no confidential key for this account")
	}
	seed, err := newBox(wrapKey(password, wrapped[1:17])).open(wrapped[17:], []byte("confidential"))
	if err != nil {
		return nil, errors.New("the password does not open the confidential key")
	}
	return privateFrom(seed)
}

func wrapKey(password string, salt []byte) []byte {
	return argon2.IDKey([]byte(password), salt, 3, 64<<10, 2, KeySize)
}

// RemoveConfidentialPublic takes back a pair whose private half could not be
// stored: nothing was sealed to it yet.
func RemoveConfidentialPublic(dir string) error {
	return os.Remove(filepath.Join(dir, confidentialFile))
}
