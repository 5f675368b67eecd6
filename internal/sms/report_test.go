package sms_test

import (
	"fmt"
	"strings"
	"testing"
	"unicode"

	"lafia/internal/programme"
	"lafia/internal/sms"
)

func TestAReportLineIsReadInAnyOrderGluedOrSpaced(t *testing.T) {
	for _, x := range []struct{ text, want string }{
		{"RAP LAF1 MEM 24 REU 4 EPA 24000 LAI 310 BEU 14 REC 42000 EQU 1 PB 0", "LAF1 MEM=24 REU=4 EPA=24000 LAI=310 BEU=14 REC=42000 EQU=1 PB=0"},
		{"rap laf1 mem24 reu4 epa24000 lai310 beu14 rec42000 equ1 pb0", "laf1 MEM=24 REU=4 EPA=24000 LAI=310 BEU=14 REC=42000 EQU=1 PB=0"},
		{"raplaf1mem24reu4epa24000", "laf1 MEM=24 REU=4 EPA=24000"},
		{"RAP EPA 24.000 MEM 24", "EPA=24000 MEM=24"},
		{"RAP LAF1 EPA 24 000 REU 4", "LAF1 EPA=24000 REU=4"},
		{"RAP LAF1 EPA 24 000 F CFA, REU 4", "LAF1 EPA=24000 REU=4"},
		{"RAP LAF1 EPA 24mil REC 42 mille", "LAF1 EPA=24000 REC=42000"},
		{"RAP LAF1 EPA 24000f REC 42000fcfa", "LAF1 EPA=24000 REC=42000"},
		{"RAP LAF1 EPA 1 240 000 CAI 1.240.000", "LAF1 EPA=1240000 CAI=1240000"},
		{"RAP LAF1 MEM=24 REU:4 EPA - 24000", "LAF1 MEM=24 REU=4 EPA=24000"},
		{"RAP LAF1 LAI 310,5 BEU 12.5 VEN 12,50 STO 0,5", "LAF1 LAI=310.5 BEU=12.5 VEN=12.5 STO=0.5"},
		{"RAP LAF1 LAI 310 litres BEU 14kg", "LAF1 LAI=310 BEU=14"},
		{"Rapport LAF1 mars MEM 24", "LAF1 MEM=24 month 3"},
		{"RAP LAF1 03 MEM 24", "LAF1 MEM=24 month 3"},
		{"RAP LAF1 MOIS 3 MEM 24", "LAF1 MEM=24 month 3"},
		{"RAP LAF1 mars 2026 MEM 24", "LAF1 MEM=24 month 3/2026"},
		{"RAP LAF1 03/2026 MEM 24", "LAF1 MEM=24 month 3/2026"},
		{"RAP LAF1 2026-03 MEM 24", "LAF1 MEM=24 month 3/2026"},
		{"RAP LAF1 MEM 24 Février", "LAF1 MEM=24 month 2"},
		{"RAP LAF1 MOIS 13 MEM 24", "LAF1 MEM=24 ? MOIS 13"},
		{"RAP LAF1 mars MEM 24 avril", "LAF1 MEM=24 ? mars, avril"},
		{"RAP LAF1 12/03 MEM 24", "LAF1 MEM=24 ? 12, 03"},
		{"RAP G-LAF1 MEM 24", "G-LAF1 MEM=24"},
		{"rap laf 1 mem 24", "laf 1 MEM=24"},
		{"RAP LAF-1 MEM 24", "LAF-1 MEM=24"},
		{"RAP MEM 24 REU 4", "MEM=24 REU=4"},
		{"RAP LAF1 MEM 24,5", `LAF1 MEM!"24,5"`},
		{"RAP LAF1 BEU 1.500", `LAF1 BEU!"1.500"`},
		{"RAP LAF1 EPA 24ooo", `LAF1 EPA!"24ooo"`},
		{"RAP LAF1 EPA 2000 dorome", `LAF1 EPA!"2000 dorome"`},
		{"RAP LAF1 MEM 24mil", `LAF1 MEM!"24mil"`},
		{"RAP LAF1 EPA 24mil500", `LAF1 EPA!"24mil" ? 500`},
		{"RAP LAF1 MEM 24 5 REU 4", `LAF1 MEM!"24 5" REU=4`},
		{"RAP LAF1 MEM REU 4", `LAF1 MEM!"" REU=4`},
		{"RAP 24 MEM 4 REU 24000 EPA", `MEM!"4" REU!"24000" EPA!"" ? 24`},
		{"RAP LAF1 MEM 24 MEM 25", `LAF1 MEM!"24" MEM!"25" twice MEM`},
		{"RAP LAF1 MEM 24 MEM 24", `LAF1 MEM=24 MEM=24 twice MEM`},
		{"RAP LAF1 MME 24 EPAR 24000 LAIT 310", "LAF1 MEM=24 EPA=24000 LAI=310"},
		{"RAP LAF1 REV 24 XYZ 3", "LAF1 ? REV, 24, XYZ, 3"},
		{"RAP LAF1 BEN -5000 REC 10000", "LAF1 BEN=-5000 REC=10000"},
		{"RAP LAF1 BEN-5000", `LAF1 BEN!"5000"`},
		{"RAP LAF1 EPA 999999999999", `LAF1 EPA!"999999999999"`},
		{"CORR LAF1 EPA 21000", "LAF1 EPA=21000"},
		{"rapport du mois: 24 femmes 4 reunions 24000f", "? mois 24, du, femmes, 4, reunions, 24000, f"},
		{"LAF1 24 4 24000 310 14 42000 1 0", "LAF1 MEM=24 REU=4 EPA=24000 LAI=310 BEU=14 REC=42000 EQU=1 PB=0"},
		{"RAP LAF1 24 4 24.000 42000 1 0", "LAF1 MEM=24 REU=4 EPA=24000 REC=42000 EQU=1 PB=0"},
		{"RAP LAF1 24 4 24000 42000 1", "LAF1 ? 24, 4, 24000, 42000, 1"},
	} {
		if got := written(sms.ReadReport(x.text)); got != x.want {
			t.Errorf("%s\n got %s\nwant %s", x.text, got, x.want)
		}
		accounted(t, x.text, sms.ReadReport(x.text))
	}
}

func written(r sms.Report) string {
	var out []string
	if r.Group != "" {
		out = append(out, r.Group)
	}
	for _, v := range r.Values {
		if v.OK {
			out = append(out, v.Code+"="+v.Number)
		} else {
			out = append(out, fmt.Sprintf("%s!%q", v.Code, v.Text))
		}
	}
	if len(r.Twice) > 0 {
		out = append(out, "twice "+strings.Join(r.Twice, ", "))
	}
	if r.Month > 0 && r.Year > 0 {
		out = append(out, fmt.Sprintf("month %d/%d", r.Month, r.Year))
	} else if r.Month > 0 {
		out = append(out, fmt.Sprintf("month %d", r.Month))
	}
	if len(r.Unknown) > 0 {
		out = append(out, "? "+strings.Join(r.Unknown, ", "))
	}
	return strings.Join(out, " ")
}

// accounted fails when a digit that was written is nowhere in what was read.
func accounted(t *testing.T, text string, r sms.Report) {
	t.Helper()
	all := r.Group + " " + r.Period + " " + strings.Join(r.Unknown, " ")
	for _, v := range r.Values {
		all += " " + v.Text
		if v.OK == (v.Number == "") {
			t.Fatalf("%q: %+v", text, v)
		}
		if _, ok := programme.IndicatorOf(v.Code); !ok {
			t.Fatalf("%q: no indicator %s", text, v.Code)
		}
	}
	for d := '0'; d <= '9'; d++ {
		if had, has := strings.Count(text, string(d)), strings.Count(all, string(d)); had != has {
			t.Fatalf("%q: %d times %c of %d in %q", text, has, d, had, all)
		}
	}
	for _, w := range strings.FieldsFunc(text, func(c rune) bool { return !unicode.IsLetter(c) }) {
		if len(w) > 9 && !strings.Contains(all, w) && strings.Trim(strings.ToLower(w), "abcdefghijklmnopqrstuvwxyz") == "" && !strings.HasPrefix(strings.ToLower(w), "corr") {
			t.Fatalf("%q: %q is nowhere in %q", text, w, all)
		}
	}
	if r.Month < 0 || r.Month > 12 || len(r.Values) > len(text)/2+1 || len(r.Unknown) > len(text)+1 {
		t.Fatalf("%q: %+v", text, r)
	}
}

func FuzzReport(f *testing.F) {
	for _, row := range samples(f, "sample_messages.csv") {
		if row["kind"] == "report" {
			f.Add(row["text"])
		}
	}
	for _, s := range []string{"RAP mars 2026 2026 03 MEM 12,5.3", "RAP G-LAF1 mois mois 3 MOIS 99", "rapé 1 mem²4", "RAP \xff 12", "RAP ɲɲ12 BEN -0 EPA 0mil", "corrcorrection 5"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if len(text) > 2000 {
			return
		}
		accounted(t, strings.ToValidUTF8(text, "\uFFFD"), sms.ReadReport(text))
	})
}

func TestCodesAreFoundAsPeopleTypeThem(t *testing.T) {
	for text, want := range map[string]string{
		"LAF1": "LAF1", "laf 1": "LAF1", "LAF-1": "LAF1", "lafl": "LAF1", "LAFI": "LAF1", "LAFO1": "LAFO1 LAF1", "le projet laf1 est bon": "LAF1", "projet lafl": "LAF1",
		"LAF01": "LAF1", "On a vole 15 vaches": "", "les 2 villages": "", "RAP MEM 24": "", "24mil": "", "j ai un mail": "", "TBT3 et KAB1": "TBT3 KAB1",
	} {
		if got := strings.Join(sms.Codes(text), " "); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}

func TestTheNearestCodeIsTheOnlyOneASlipAway(t *testing.T) {
	known := []string{"LAF1", "LAF2", "TOY1", "KAB1", "MOP1"}
	for c, want := range map[string]string{
		"LAF1": "LAF1", "laf1": "LAF1", "TOI1": "TOY1", "KAAB1": "KAB1", "MPO1": "MOP1", "LAF3": "", "BAB1": "", "XYZ9": "", "": "", "LA1": "LAF1", "LAF": "",
	} {
		got, ok := sms.Nearest(c, known)
		if got != want || ok != (want != "") {
			t.Errorf("%q: %q, %v; want %q", c, got, ok, want)
		}
	}
}

func TestTheLanguageOfAMessageIsGuessed(t *testing.T) {
	for text, want := range map[string]string{
		"les femmes du groupe sont contentes de la formation": "fr", "bjr svp le projet c pr les femmes seulmt ou les jeune ossi": "fr",
		"An ka muso jekulu be baara la kosebe": "bm", "Mogow ko projet banna, tien don wa ?": "bm", "Mɔgɔw ka gɛlɛya bɛ yen nka min bɛ": "bm",
		"ay ga boori nda war goo": "ses", "wor ije har jow": "khq",
		"5": "", "bonjour": "", "kala": "",
	} {
		tag, sure := sms.GuessLanguage(text)
		if sure != (want != "") || sure && tag != want {
			t.Errorf("%q: %q, %v; want %q", text, tag, sure, want)
		}
	}
}
