package vault

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// next makes the next office key and seals under it.
func next(t *testing.T, r *Ring) int {
	t.Helper()
	n, check, _, err := r.NextOffice()
	if err != nil {
		t.Fatal(err)
	}
	if err := r.SealUnder(n, check); err != nil {
		t.Fatal(err)
	}
	return n
}

func TestANewKeyInTheFolderDoesNotSealByItself(t *testing.T) {
	r, dir := ring(t)
	n, check, made, err := r.NextOffice()
	if err != nil || n != 2 || !made {
		t.Fatalf("NextOffice: %d, %v, %v", n, made, err)
	}
	again, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range []*Ring{r, again} {
		if got := UnderKey(r.Seal([]byte("le puits"), "x")); got != 1 {
			t.Errorf("it seals under %d", got)
		}
	}
	if err := again.SealUnder(n, check); err != nil {
		t.Fatal(err)
	}
	if got := UnderKey(again.Seal([]byte("le puits"), "x")); got != 2 {
		t.Errorf("after SealUnder it seals under %d", got)
	}
}

func TestARingThatWasOpenBeforeANewKeyOpensWhatIsUnderIt(t *testing.T) {
	old, dir := ring(t)
	fresh, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	next(t, fresh)
	sealed := fresh.Seal([]byte("le puits"), "submission/1")
	if p, err := old.Open(sealed, "submission/1"); err != nil || string(p) != "le puits" {
		t.Fatalf("%q, %v", p, err)
	}
}

func TestAKeyThatIsNowhereIsLookedForOnceUntilTheFolderIsReadAgain(t *testing.T) {
	r, dir := ring(t)
	other, otherDir := ring(t)
	next(t, other)
	sealed := other.Seal([]byte("le puits"), "x")
	if _, err := r.Open(sealed, "x"); err == nil || !strings.Contains(err.Error(), "office-2.key") {
		t.Fatalf("err = %v", err)
	}
	b, err := os.ReadFile(filepath.Join(otherDir, "office-2.key"))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "office-2.key"), b, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := r.Open(sealed, "x"); err == nil {
		t.Fatal("the folder was looked into on a second miss")
	}
	if err := r.Reread(); err != nil {
		t.Fatal(err)
	}
	if _, err := r.Open(sealed, "x"); err != nil {
		t.Fatal(err)
	}
}

func TestAnotherKeyOfTheSameNumberNeverSeals(t *testing.T) {
	r, _ := ring(t)
	other, _ := ring(t)
	if _, _, _, err := r.NextOffice(); err != nil {
		t.Fatal(err)
	}
	_, check, _, err := other.NextOffice()
	if err != nil {
		t.Fatal(err)
	}
	if err := r.SealUnder(2, check); !errors.Is(err, ErrOtherKey) || !strings.Contains(err.Error(), "another key") {
		t.Errorf("err = %v", err)
	}
	if err := r.SealUnder(3, check); !errors.Is(err, ErrOtherKey) || !strings.Contains(err.Error(), "missing") {
		t.Errorf("err = %v", err)
	}
	if r.Sealing() != 1 {
		t.Errorf("it seals under %d", r.Sealing())
	}
}

func TestAFileThatIsReplacedDoesNotReplaceTheKeyThatSeals(t *testing.T) {
	r, dir := ring(t)
	sealed := r.Seal([]byte("le puits"), "x")
	if err := os.WriteFile(filepath.Join(dir, "office-1.key"), []byte(hex.EncodeToString(make([]byte, KeySize))), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := r.Reread(); err != nil {
		t.Fatal(err)
	}
	if _, err := r.Open(sealed, "x"); err != nil {
		t.Error(err)
	}
	// One that never sealed may be replaced: an operator puts the right one there.
	if _, _, _, err := r.NextOffice(); err != nil {
		t.Fatal(err)
	}
	before := r.Held()[1]
	if err := os.WriteFile(filepath.Join(dir, "office-2.key"), []byte(hex.EncodeToString(make([]byte, KeySize))), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := r.Reread(); err != nil {
		t.Fatal(err)
	}
	if bytes.Equal(r.Held()[1], before) {
		t.Error("a key that never sealed was not read again")
	}
}

func TestNextOfficeNeverReplacesAKeyAndLeavesNoDraft(t *testing.T) {
	_, dir := ring(t)
	var all sync.WaitGroup
	values := make([][]byte, 8)
	makers := make([]int, 8)
	for i := range values {
		all.Go(func() {
			r, err := Open(dir)
			if err != nil {
				t.Error(err)
				return
			}
			_, check, made, err := r.NextOffice()
			if err != nil {
				t.Error(err)
			}
			if made {
				makers[i] = 1
			}
			values[i] = check
		})
	}
	all.Wait()
	sum := 0
	for i := range values {
		sum += makers[i]
		if !bytes.Equal(values[i], values[0]) {
			t.Error("two makers hold different keys")
		}
	}
	if sum != 1 {
		t.Errorf("%d made a key", sum)
	}
	if left, _ := filepath.Glob(filepath.Join(dir, "*.new-*")); len(left) > 0 {
		t.Errorf("drafts are left: %v", left)
	}
	if err := os.WriteFile(filepath.Join(dir, "office-3.key.new-00"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := RemoveDrafts(dir); err != nil {
		t.Fatal(err)
	}
	if left, _ := filepath.Glob(filepath.Join(dir, "*.new-*")); len(left) > 0 {
		t.Errorf("drafts are left: %v", left)
	}
}

func TestRewrapKeepsTheWordsAndTheirRow(t *testing.T) {
	r, _ := ring(t)
	sealed := r.Seal([]byte("le puits"), "submission/1")
	next(t, r)
	again, err := r.Rewrap(sealed, "submission/1")
	if err != nil || UnderKey(again) != 2 {
		t.Fatalf("under %d, %v", UnderKey(again), err)
	}
	if p, err := r.Open(again, "submission/1"); err != nil || string(p) != "le puits" {
		t.Fatalf("%q, %v", p, err)
	}
	if _, err := r.Rewrap(sealed, "submission/2"); err == nil {
		t.Error("it was rewrapped for another row")
	}
}

func TestOfficeKeysAreReadSealedAndChangedAtOnce(t *testing.T) {
	r, _ := ring(t)
	var all sync.WaitGroup
	stop := make(chan struct{})
	for range 4 {
		all.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				s := r.Seal([]byte("le puits"), "x")
				if _, err := r.Open(s, "x"); err != nil {
					t.Error(err)
					return
				}
				if err := r.Reread(); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	for range 5 {
		next(t, r)
	}
	close(stop)
	all.Wait()
	if len(r.Held()) != 6 || len(r.Checks()) != 7 {
		t.Errorf("%d keys, %d checks", len(r.Held()), len(r.Checks()))
	}
	if fmt.Sprint(r) != "[keys]" {
		t.Error("it prints")
	}
}
