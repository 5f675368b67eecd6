package programme_test

import (
	"fmt"
	"testing"

	"lafia/internal/programme"
)

func TestAReferenceIsEightDigitsWhoseLastOneChecks(t *testing.T) {
	for i := range 200 {
		r := programme.ReferenceOf([]byte{byte(i), 2, 3, 4, 5, 6, 7, byte(i * 7)})
		if len(r) != 8 || len(r.String()) != 9 || r.String()[4] != '-' {
			t.Fatalf("reference %q", r)
		}
		for _, typed := range []string{string(r), r.String(), " " + r.String() + " ", string(r[:2]) + " " + string(r[2:])} {
			if got, ok := programme.ParseReference(typed); !ok || got != r {
				t.Fatalf("%q reads as %q, %v", typed, got, ok)
			}
		}
	}
}

func TestEverySingleWrongDigitAndSwapOfNeighboursIsFound(t *testing.T) {
	for n := range 500 {
		d := fmt.Sprintf("%07d", n*19937%10_000_000)
		good := d + string(programme.CheckDigit(d))
		for i := range len(good) {
			for c := byte('0'); c <= '9'; c++ {
				bad := good[:i] + string(c) + good[i+1:]
				if _, ok := programme.ParseReference(bad); ok != (bad == good) {
					t.Fatalf("%s with digit %d as %c is taken", good, i, c)
				}
			}
			if i > 0 && good[i] != good[i-1] {
				bad := good[:i-1] + string(good[i]) + string(good[i-1]) + good[i+1:]
				if _, ok := programme.ParseReference(bad); ok {
					t.Fatalf("%s is taken for %s", bad, good)
				}
			}
		}
	}
}

func TestWhatIsNoReferenceIsRefused(t *testing.T) {
	for _, s := range []string{"", "1", "abcd-efgh", "4827-193", "4827-19366", "482７-1936", "4827/1936"} {
		if r, ok := programme.ParseReference(s); ok {
			t.Errorf("%q reads as %q", s, r)
		}
	}
}

func TestStatusesMoveForwardAndOneStepBack(t *testing.T) {
	n, a, p, w, c := programme.New, programme.Acknowledged, programme.InProgress, programme.Answered, programme.Closed
	for _, m := range []struct {
		from, to programme.Status
		want     bool
	}{
		{n, a, true}, {n, c, true}, {a, p, true}, {p, a, true}, {w, p, true}, {c, p, true},
		{a, n, false}, {w, a, false}, {c, a, false}, {c, w, false}, {n, n, false}, {"", a, false}, {n, "gone", false},
	} {
		if got := programme.CanMove(m.from, m.to); got != m.want {
			t.Errorf("%s to %s: %v", m.from, m.to, got)
		}
	}
}

func TestTextsThatMayBeConfidentialGoToFocalPointsFirst(t *testing.T) {
	for text, want := range map[string]bool{
		"une femme a été battue, elle a besoin d aide": true,
		"Des hommes avec des ARMES sont venus":         true,
		"on parle d'un viol":                           true,
		"coup de feu cette nuit":                       true,
		"le puits est a sec":                           false,
		"les eleveurs ont menace":                      false,
		"La violette de Tombouctou":                    false,
		"l'armee du salut":                             false,
		"":                                             false,
	} {
		if got := programme.LooksConfidential(text); got != want {
			t.Errorf("%q: %v", text, got)
		}
	}
}

func TestATextBeginsAtTheLevelOfWhatItSpeaksOf(t *testing.T) {
	for text, want := range map[string]programme.Level{
		"":                                          programme.L1,
		"le puits est a sec":                        programme.L1,
		"Mauvais mil, beaucoup de sable":            programme.L1,
		"les femmes se battent au puits":            programme.L1,
		"On a volé 15 vaches cette nuit":            programme.L2,
		"dispute pour la chefferie":                 programme.L2,
		"des motos ont été arrachées sur la route":  programme.L2,
		"l'agent demande de l'argent pour la liste": programme.L3,
		"lagent demand larjan pr la list":           programme.L3,
		"ARSELEMENT au bureau":                      programme.L3,
		"une fille de 13 ans va etre mariée":        programme.L3,
		"je ne veux plus vivre":                     programme.L3,
		"mine d'or":                                 programme.L1,
		"une mine sur la route":                     programme.L3,
		"engin de peche":                            programme.L1,
	} {
		if got := programme.FirstLevel(text); got != want {
			t.Errorf("%q begins at %s, want %s", text, got, want)
		}
	}
}

func FuzzFirstLevel(f *testing.F) {
	f.Add("l'agent a frappé \xff une fille")
	f.Fuzz(func(t *testing.T, text string) {
		if a, b := programme.FirstLevel(text), programme.FirstLevel(" "+text+"\n"); a != b {
			t.Fatalf("%q is %s, and with spaces %s", text, a, b)
		}
	})
}

func TestMatchingIgnoresCaseAccentsAndTheWayLettersAreTyped(t *testing.T) {
	for _, pair := range [][2]string{
		{"Diré", "dire"}, {"NIAFUNKÉ", "niafunke"}, {"Mɔgɔw", "mogow"}, {"ɲɛ", "nye"}, {"kɔ́lɔ́n", "kolon"},
		{"  deux   mots ", "deux mots"}, {"l’eau", "leau"}, {"Bourem-Inaly", "bourem inaly"},
	} {
		if got := programme.MatchKey(pair[0]); got != pair[1] {
			t.Errorf("%q folds to %q, want %q", pair[0], got, pair[1])
		}
	}
}

func TestAPlaceCodeBeginsWithItsRegion(t *testing.T) {
	if programme.Region("ML060504") != "ML06" || programme.Region("ML") != "" {
		t.Fatal("regions")
	}
}

func TestTheHigherLevelProtectsMore(t *testing.T) {
	if programme.Higher(programme.L1, programme.L2) != programme.L2 || programme.Higher(programme.L3, programme.L1) != programme.L3 {
		t.Fatal("levels")
	}
}
