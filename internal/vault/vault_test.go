package vault

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func ring(t *testing.T) (*Ring, string) {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "keys")
	if err := Create(dir); err != nil {
		t.Fatal(err)
	}
	r, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	return r, dir
}

func TestOpenNeverMakesKeys(t *testing.T) {
	_, err := Open(t.TempDir())
	if !errors.Is(err, ErrNoKeys) || !strings.Contains(err.Error(), "lafia keys init") {
		t.Fatalf("err = %v", err)
	}
}

func TestCreateTwiceKeepsTheFirstKeys(t *testing.T) {
	r, dir := ring(t)
	before := r.Pseudonym("+22300000001")
	if err := Create(dir); err != nil {
		t.Fatal(err)
	}
	again, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	if again.Pseudonym("+22300000001") != before {
		t.Fatal("the same number has another pseudonym after a second Create")
	}
}

func TestAKeyThatOthersMayReadIsRefused(t *testing.T) {
	_, dir := ring(t)
	if err := os.Chmod(filepath.Join(dir, captureFile), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(dir); err == nil || !strings.Contains(err.Error(), "chmod 600") {
		t.Fatalf("err = %v", err)
	}
}

func TestAMissingOfficeKeyIsNamed(t *testing.T) {
	_, dir := ring(t)
	if err := os.Remove(filepath.Join(dir, "office-1.key")); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(dir); err == nil || !strings.Contains(err.Error(), "office-1.key") {
		t.Fatalf("err = %v", err)
	}
}

func TestSealedWordsOpenOnlyInTheirOwnRow(t *testing.T) {
	r, _ := ring(t)
	s := r.Seal([]byte("le puits"), "submission/1")
	if p, err := r.Open(s, "submission/1"); err != nil || string(p) != "le puits" {
		t.Fatalf("open: %q, %v", p, err)
	}
	if _, err := r.Open(s, "submission/2"); err == nil {
		t.Fatal("a sealed text opened in another row")
	}
	s[len(s)-1] ^= 1
	if _, err := r.Open(s, "submission/1"); err == nil {
		t.Fatal("an altered text opened")
	}
	if bytes.Contains(s, []byte("puits")) {
		t.Fatal("the words are readable")
	}
}

func TestDerivedIdentitiesBoundTheirParts(t *testing.T) {
	r, _ := ring(t)
	if r.ID("hop", []byte("ab"), []byte("c")) == r.ID("hop", []byte("a"), []byte("bc")) {
		t.Fatal("parts run into each other")
	}
	if r.ID("hop", []byte("a")) != r.ID("hop", []byte("a")) {
		t.Fatal("the same parts gave two identities")
	}
}

func TestTheConfidentialBodyOpensWithTheFocalPointsPasswordAlone(t *testing.T) {
	r, dir := ring(t)
	if r.HasConfidential() {
		t.Fatal("a new ring has a pair")
	}
	priv, err := NewConfidentialPair(dir)
	if err != nil {
		t.Fatal(err)
	}
	wrapped := priv.Wrap("a long password")
	if r, err = Open(dir); err != nil {
		t.Fatal(err)
	}
	short, err := r.SealConfidential([]byte("a"))
	if err != nil {
		t.Fatal(err)
	}
	long, err := r.SealConfidential(bytes.Repeat([]byte("b"), 400))
	if err != nil {
		t.Fatal(err)
	}
	if len(short) != len(long) {
		t.Fatalf("sizes %d and %d tell bodies apart", len(short), len(long))
	}
	if _, err := UnwrapPrivateKey(wrapped, "another password"); err == nil {
		t.Fatal("another password opened the key")
	}
	k, err := UnwrapPrivateKey(wrapped, "a long password")
	if err != nil {
		t.Fatal(err)
	}
	if p, err := k.Open(short); err != nil || string(p) != "a" {
		t.Fatalf("open: %q, %v", p, err)
	}
	if _, err := NewConfidentialPair(dir); err == nil {
		t.Fatal("a second pair was made over the first")
	}
}

func TestKeysAndPseudonymsDoNotPrint(t *testing.T) {
	r, _ := ring(t)
	p := r.Pseudonym("+22300000001")
	for _, s := range []string{fmt.Sprint(p), fmt.Sprintf("%v %+v %#v", p, p, p), fmt.Sprint(r), fmt.Sprintf("%#v", r)} {
		if !strings.Contains(s, "[") || len(s) > 60 {
			t.Errorf("printed %q", s)
		}
	}
}
