package programme_test

import (
	"slices"
	"strings"
	"testing"

	"lafia/internal/programme"
)

func TestTheReportHasTwentyFourFigures(t *testing.T) {
	if n := len(programme.Indicators); n != 24 {
		t.Fatalf("%d indicators", n)
	}
	seen := map[string]bool{}
	for _, in := range programme.Indicators {
		if seen[in.Code] || in.Label == "" || in.Min > in.Max || in.Money != (in.Unit == "FCFA") || (in.Decimals > 0) != (in.Unit == "kg" || in.Unit == "litres") {
			t.Errorf("%+v", in)
		}
		seen[in.Code] = true
	}
}

func TestAValueOutsideItsBoundsIsRefused(t *testing.T) {
	for _, x := range []struct {
		code, value string
		want        bool
	}{
		{"MEM", "24", false}, {"MEM", "3", false}, {"MEM", "2", true}, {"MEM", "301", true}, {"MEM", "24.5", true}, {"MEM", "", true},
		{"REU", "31", false}, {"REU", "45", true}, {"BEU", "12.5", false}, {"BEU", "12.555", true}, {"EPA", "10000000", false},
		{"EPA", "10000001", true}, {"EPA", "-1", true}, {"BEN", "-5000", false}, {"EQU", "6", true}, {"EQU", "0", true}, {"PB", "0", false},
		{"XYZ", "1", true}, {"MEM", "1e9", true}, {"MEM", "1/2", true}, {"MEM", strings.Repeat("9", 400), true},
	} {
		if got := programme.Refused(x.code, x.value); got != x.want {
			t.Errorf("%s %s: refused is %v", x.code, x.value, got)
		}
	}
}

func TestValuesThatContradictOneAnotherAreAskedAbout(t *testing.T) {
	for text, want := range map[string]string{
		"MEM 24 REU 4 EPA 24000 LAI 310 BEU 14 REC 42000 EQU 1 PB 0": "",
		"MEM 240":                          "MEM",
		"MEM 24 FEM 25 JEU 30 PRES 24":     "FEM JEU",
		"REU 0":                            "REU",
		"BEU 60 LAI 310":                   "BEU",
		"VEN 40 BEU 14":                    "VEN",
		"PRE 0 PRV 5000":                   "PRV",
		"PRE 3 RET 4":                      "RET",
		"COT 100 REU 4 PRES 20 EPA 8000":   "",
		"COT 100 REU 4 PRES 20 EPA 80000":  "EPA",
		"VEN 10 REC 400":                   "REC",
		"REC 42000 DEP 12000 BEN 30000":    "",
		"REC 42000 DEP 12000 BEN 3000":     "BEN",
		"REC 12000 DEP 42000 BEN -30000":   "",
		"MEM x REU ?":                      "",
		"COT 20 EPA 2000000 GRP 9 ACT 12":  "GRP COT EPA ACT",
		"MEM 24 PRE 30 LAI 12.5 BEU 1.041": "PRE",
	} {
		if got := strings.Join(programme.Doubts(pairs(text)), " "); got != want {
			t.Errorf("%s: asked about %q, want %q", text, got, want)
		}
	}
}

func TestABigChangeSinceLastMonthIsAskedAbout(t *testing.T) {
	for _, x := range []struct{ last, now, want string }{
		{"MEM 24", "MEM 36", ""}, {"MEM 24", "MEM 37", "MEM"}, {"MEM 24", "MEM 11", "MEM"},
		{"CAI 100000", "CAI 40000", ""}, {"CAI 100000", "CAI 39999", "CAI"},
		{"STO 10", "STO 12 BEU 14 VEN 12", ""}, {"STO 10", "STO 2 BEU 14 VEN 12", "STO"}, {"", "MEM 24", ""},
	} {
		if got := programme.Changes(pairs(x.last), pairs(x.now)); !slices.Equal(got, strings.Fields(x.want)) {
			t.Errorf("%s to %s: %v", x.last, x.now, got)
		}
	}
}

func pairs(s string) map[string]string {
	out := map[string]string{}
	f := strings.Fields(s)
	for i := 0; i+1 < len(f); i += 2 {
		out[f[i]] = f[i+1]
	}
	return out
}
