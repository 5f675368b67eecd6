package staff

import (
	"context"
	"crypto/rand"
	"fmt"
	"strings"
	"testing"
	"time"

	"lafia/internal/programme"
)

func random(n int) []byte {
	b := make([]byte, n)
	_, _ = rand.Read(b)
	return b
}

func TestAPasswordVerifiesAgainstItsOwnHashOnly(t *testing.T) {
	h := NewHasher(random)
	phc, err := h.Hash(t.Context(), "le puits de Douekire")
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(phc, "$argon2id$v=19$m=19456,t=2,p=1$") {
		t.Fatalf("hash is %q", phc)
	}
	for password, want := range map[string]bool{"le puits de Douekire": true, "le puits de Douekiré": false, "": false} {
		got, err := h.Verify(t.Context(), password, phc)
		if err != nil || got != want {
			t.Errorf("Verify(%q) = %v, %v, want %v", password, got, err, want)
		}
	}
}

func TestAnUnknownAccountCostsTheSameAndNeverMatches(t *testing.T) {
	h := NewHasher(random)
	phc, err := h.Hash(t.Context(), "a long password here")
	if err != nil {
		t.Fatal(err)
	}
	// The shortest of a few turns, taken in alternation: other work on the
	// machine only ever adds time.
	shortest := map[string]time.Duration{}
	for range 8 {
		for _, hash := range []string{phc, ""} {
			start := time.Now()
			if ok, err := h.Verify(t.Context(), "not the password", hash); ok || err != nil {
				t.Fatalf("Verify = %v, %v", ok, err)
			}
			if took := time.Since(start); shortest[hash] == 0 || took < shortest[hash] {
				shortest[hash] = took
			}
		}
	}
	if known, unknown := shortest[phc], shortest[""]; unknown < known/2 || unknown > known*2 {
		t.Errorf("an unknown account takes %v, a known one %v", unknown, known)
	}
}

func TestAHashThatWasTamperedWithIsRefusedBeforeItTakesMemory(t *testing.T) {
	h := NewHasher(random)
	for _, bad := range []string{
		"x", "$argon2i$v=19$m=19456,t=2,p=1$AAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAA",
		"$argon2id$v=19$m=999999999,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAA",
		"$argon2id$v=19$m=19456,t=999,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAA",
		"$argon2id$v=19$m=19456,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$",
	} {
		if ok, err := h.Verify(t.Context(), "whatever it may be", bad); ok || err == nil {
			t.Errorf("Verify against %q = %v, %v", bad, ok, err)
		}
	}
}

func TestALoginFloodWaitsInLineAndGivesUpWithItsRequest(t *testing.T) {
	h := NewHasher(random)
	h.turn <- struct{}{}
	h.turn <- struct{}{}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	if _, err := h.Verify(ctx, "whatever it may be", ""); err == nil {
		t.Fatal("a third hash ran beside two")
	}
}

func TestPasswordsAreJudgedByLengthAlone(t *testing.T) {
	for password, ok := range map[string]bool{
		"short":                       false,
		"douze lettre":                true,
		"ɛɔŋɲɛɔŋɲɛɔŋɲ":                true,
		strings.Repeat("a", 256):      true,
		strings.Repeat("a", 257):      false,
		"onzelettres":                 false,
		"correct horse battery stapl": true,
	} {
		if got := CheckPassword(password) == nil; got != ok {
			t.Errorf("CheckPassword(%q) = %v, want %v", password, got, ok)
		}
	}
}

func TestASessionEndsAfterAnHourOfIdlenessOrTwelveHours(t *testing.T) {
	start := time.Date(2026, 11, 24, 8, 0, 0, 0, time.UTC)
	s, token := NewSession("id", start, random)
	if h, ok := TokenHash(token); !ok || string(h) != string(s.TokenHash) {
		t.Fatal("the token does not lead to its session")
	}
	if !s.Alive(start.Add(IdleMost-time.Second)) || s.Alive(start.Add(IdleMost)) {
		t.Error("idleness is not an hour")
	}
	s.SeenAt = start.Add(11*time.Hour + 50*time.Minute)
	if !s.Alive(start.Add(TotalMost-time.Second)) || s.Alive(start.Add(TotalMost)) {
		t.Error("the whole is not twelve hours")
	}
	if s.FormTokenMatches("") || s.FormTokenMatches(s.FormToken()+"0") || !s.FormTokenMatches(s.FormToken()) {
		t.Error("the form token matches what it should not")
	}
	if (Session{}).FormTokenMatches("") {
		t.Error("an empty session accepts an empty form token")
	}
	if _, ok := TokenHash("short"); ok {
		t.Error("a short token was taken")
	}
}

func TestEveryRoleHasAScopeThatSaysWhatItReads(t *testing.T) {
	regions := []string{"ML06"}
	for role, want := range map[Role]string{
		Viewer:        "[L1] [ML06] false",
		Officer:       "[L1] [ML06] true",
		Peace:         "[L1 L2] [ML06] true",
		Protection:    "[L3] [] true",
		Coordinator:   "[L1 L2] [] true",
		Translator:    "[] [] false",
		Administrator: "[L1 L2] [] true",
		"unknown":     "[] [] false",
	} {
		s := ScopeOf(role, regions)
		if got := fmt.Sprint(s.Levels, s.Regions, s.Words); got != want {
			t.Errorf("scope of %s is %s, want %s", role, got, want)
		}
	}
}

func TestOnlyProtectionReadsL3AndNothingElse(t *testing.T) {
	for _, r := range Roles {
		l3 := false
		for _, l := range ScopeOf(r, nil).Levels {
			l3 = l3 || l == programme.L3
		}
		if l3 != (r == Protection) {
			t.Errorf("%s reads L3: %v", r, l3)
		}
		if r.May("confidential") != (r == Protection) {
			t.Errorf("%s has the confidential page", r)
		}
	}
	if len(Protection.Menu()) != 1 {
		t.Errorf("protection's navigation is %v", Protection.Menu())
	}
}

func TestEveryRoleHasAFirstPage(t *testing.T) {
	for _, r := range Roles {
		if len(r.Menu()) == 0 {
			t.Errorf("%s has no page at all", r)
		}
	}
}

func TestHashesAndAccountsDoNotPrintSecrets(t *testing.T) {
	a := Account{ID: "1", Username: "awa", PasswordHash: "$argon2id$secret"}
	if s := fmt.Sprintf("%v %+v %#v %v", a, a, a, a.LogValue()); strings.Contains(s, "argon2id") {
		t.Errorf("printed %q", s)
	}
}
