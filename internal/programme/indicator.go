package programme

import (
	"math/big"
	"slices"
	"strings"
)

// Indicator is one figure of a group's monthly report.
type Indicator struct {
	Code     string
	Label    string // in French, for staff
	Unit     string // "personnes", "nombre", "FCFA", "litres", "kg" or "code"
	Min, Max int64  // beyond these a value is refused
	WarnLow  int64  // below it a value is asked about; NoWarning for none
	WarnHigh int64  // above it a value is asked about; NoWarning for none
	Decimals int    // how many may be written
	Money    bool   // never repeated in an SMS
}

// NoWarning stands where an indicator has no soft bound.
const NoWarning int64 = -1

// Indicators are the 24 figures of the programme's monthly report, in its order
// (the programme's list of indicators, indicators.csv; the bounds lean on Saving
// for Change and SAVIX). BEN may be negative: its bounds are those of REC and DEP.
var Indicators = []Indicator{
	{"MEM", "Membres actifs", "personnes", 3, 300, 8, 60, 0, false},
	{"FEM", "dont femmes", "personnes", 0, 300, NoWarning, NoWarning, 0, false},
	{"JEU", "dont moins de 35 ans", "personnes", 0, 300, NoWarning, NoWarning, 0, false},
	{"GRP", "Villages ou groupes representes", "nombre", 1, 20, NoWarning, 8, 0, false},
	{"REU", "Reunions tenues", "nombre", 0, 31, 1, 10, 0, false},
	{"PRES", "Presence moyenne", "personnes", 0, 300, NoWarning, NoWarning, 0, false},
	{"COT", "Cotisation par membre et par reunion", "FCFA", 0, 10_000, 50, 2_500, 0, true},
	{"EPA", "Epargne du mois", "FCFA", 0, 10_000_000, 0, 1_000_000, 0, true},
	{"CAI", "Argent en caisse et pretable", "FCFA", 0, 50_000_000, 0, 5_000_000, 0, true},
	{"PRE", "Prets en cours", "nombre", 0, 300, NoWarning, NoWarning, 0, false},
	{"PRV", "Montant des prets en cours", "FCFA", 0, 50_000_000, NoWarning, 5_000_000, 0, true},
	{"RET", "Prets en retard", "nombre", 0, 300, NoWarning, NoWarning, 0, false},
	{"LAI", "Lait collecte", "litres", 0, 20_000, 0, 3_000, 2, false},
	{"BEU", "Beurre produit", "kg", 0, 1_000, 0, 150, 2, false},
	{"VEN", "Beurre ou produit vendu", "kg", 0, 1_000, 0, 150, 2, false},
	{"STO", "Stock en fin de mois", "kg", 0, 1_000, NoWarning, NoWarning, 2, false},
	{"REC", "Recettes du mois", "FCFA", 0, 20_000_000, 0, 2_000_000, 0, true},
	{"DEP", "Depenses du mois", "FCFA", 0, 20_000_000, 0, 2_000_000, 0, true},
	{"BEN", "Gain du mois", "FCFA", -20_000_000, 20_000_000, NoWarning, NoWarning, 0, true},
	{"FOR", "Personnes formees", "personnes", 0, 500, 0, 100, 0, false},
	{"ACT", "Activites communes avec d'autres groupes", "nombre", 0, 31, 0, 8, 0, false},
	{"EQU", "Etat du materiel", "code", 1, 5, NoWarning, NoWarning, 0, false},
	{"PB", "Probleme principal", "code", 0, 8, NoWarning, NoWarning, 0, false},
	{"BES", "Besoin principal", "code", 0, 7, NoWarning, NoWarning, 0, false},
}

// IndicatorOf gives the indicator of a code in capitals.
func IndicatorOf(code string) (Indicator, bool) {
	for _, in := range Indicators {
		if in.Code == code {
			return in, true
		}
	}
	return Indicator{}, false
}

// Refused reports whether a value is outside its indicator's hard bounds, has
// decimals where there are none, is no number, or belongs to no indicator. Such a
// value is asked for again, alone. Values are written with a point: 12.5.
func Refused(code, value string) bool {
	in, ok := IndicatorOf(code)
	if !ok {
		return true
	}
	v, ok := number(value)
	if !ok {
		return true
	}
	_, decimals, _ := strings.Cut(value, ".")
	return len(decimals) > in.Decimals || v.Cmp(whole(in.Min)) < 0 || v.Cmp(whole(in.Max)) > 0
}

// Doubts gives the codes, in the order of the report, whose values should be
// asked about ("is that right?"): beyond a soft bound, or against one another by
// the cross rules of indicators.csv. A value that is no number is left to
// Refused. VEN is asked about whenever it is above BEU: what was in stock before
// is not in the report.
func Doubts(values map[string]string) []string {
	var out []string
	has := map[string]*big.Rat{}
	for code, text := range values {
		if v, ok := number(text); ok {
			has[code] = v
		}
	}
	for _, in := range Indicators {
		v := has[in.Code]
		if v != nil && (beyond(in, v) || crossed(in.Code, v, has)) {
			out = append(out, in.Code)
		}
	}
	return out
}

// Changes gives the codes whose values differ so much from last month's that they
// should be asked about: members by more than half, cash down by more than 60 %,
// and a stock that is not last month's plus what was made less what was sold,
// give or take a fifth.
func Changes(last, values map[string]string) []string {
	var out []string
	was := func(code string) *big.Rat { v, _ := number(last[code]); return v }
	is := func(code string) *big.Rat { v, _ := number(values[code]); return v }
	if a, b := was("MEM"), is("MEM"); a != nil && b != nil && apart(b, a).Cmp(times(a, 1, 2)) > 0 {
		out = append(out, "MEM")
	}
	if a, b := was("CAI"), is("CAI"); a != nil && b != nil && b.Cmp(times(a, 2, 5)) < 0 {
		out = append(out, "CAI")
	}
	if a, b, made, sold := was("STO"), is("STO"), is("BEU"), is("VEN"); a != nil && b != nil && made != nil && sold != nil {
		want := new(big.Rat).Sub(new(big.Rat).Add(a, made), sold)
		if apart(b, want).Cmp(times(new(big.Rat).Abs(want), 1, 5)) > 0 {
			out = append(out, "STO")
		}
	}
	return out
}

func beyond(in Indicator, v *big.Rat) bool {
	return in.WarnLow != NoWarning && v.Cmp(whole(in.WarnLow)) < 0 || in.WarnHigh != NoWarning && v.Cmp(whole(in.WarnHigh)) > 0
}

func crossed(code string, v *big.Rat, has map[string]*big.Rat) bool {
	above := func(other string) bool { return has[other] != nil && v.Cmp(has[other]) > 0 }
	switch code {
	case "FEM", "JEU", "PRES", "PRE":
		return above("MEM")
	case "RET":
		return above("PRE")
	case "VEN":
		return above("BEU")
	case "PRV":
		return has["PRE"] != nil && has["PRE"].Sign() == 0 && v.Sign() != 0
	case "BEU": // about 20 l of cow's milk make 1 kg; 12 leaves room for goats
		return has["LAI"] != nil && v.Cmp(times(has["LAI"], 1, 12)) > 0
	case "EPA":
		if cot, reu, pres := has["COT"], has["REU"], has["PRES"]; cot != nil && reu != nil && pres != nil {
			due := new(big.Rat).Mul(new(big.Rat).Mul(cot, reu), pres)
			return v.Cmp(times(due, 3, 10)) < 0 || v.Cmp(times(due, 3, 1)) > 0
		}
	case "REC": // 500 to 10 000 F CFA a kilogram
		if ven := has["VEN"]; ven != nil && ven.Sign() > 0 {
			return v.Cmp(times(ven, 500, 1)) < 0 || v.Cmp(times(ven, 10_000, 1)) > 0
		}
	case "BEN":
		if rec, dep := has["REC"], has["DEP"]; rec != nil && dep != nil {
			return v.Cmp(new(big.Rat).Sub(rec, dep)) != 0
		}
	}
	return false
}

// number reads a canonical decimal. What is longer than any bound is refused
// before arithmetic sees it.
func number(s string) (*big.Rat, bool) {
	if s == "" || len(s) > 20 || strings.ContainsFunc(s, func(r rune) bool { return !slices.Contains([]rune("0123456789.-"), r) }) {
		return nil, false
	}
	return new(big.Rat).SetString(s)
}

func whole(n int64) *big.Rat { return new(big.Rat).SetInt64(n) }

func times(v *big.Rat, by, over int64) *big.Rat { return new(big.Rat).Mul(v, big.NewRat(by, over)) }

func apart(a, b *big.Rat) *big.Rat { d := new(big.Rat).Sub(a, b); return d.Abs(d) }
