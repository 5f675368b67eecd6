package conversation_test

import (
	"fmt"
	"maps"
	"strings"
	"testing"
	"time"

	"lafia/internal/programme"
)

// figures are a report's answers as a line of a test writes them: "MEM 24 REU 4".
func (b *bench) figures(p programme.Submission) string {
	var out []string
	for _, in := range programme.Indicators {
		if v, ok := p.Answers[in.Code]; ok {
			out = append(out, in.Code+" "+v)
		}
	}
	return strings.Join(out, " ")
}

// versions counts reports, those that were corrected since among them.
func (b *bench) versions() int {
	b.t.Helper()
	return query[int](b, `select count(*) from submission where kind = 'progress'`)
}

// epa gives the savings that a version of a report names.
func (b *bench) epa(id string) string {
	b.t.Helper()
	return query[string](b, `select answers ->> 'EPA' from submission where id = $1`, id)
}

// early is within the first ten days of a month: a line needs to name none.
func early(t *testing.T) *bench {
	b := village(t)
	b.pass(11 * 24 * time.Hour) // 5 December
	return b
}

const core = "MEM 24 REU 4 EPA 24000 LAI 310 BEU 14 REC 42000 EQU 1 PB 0"

func TestAReportInOneLineIsReadHoweverItIsWritten(t *testing.T) {
	b := early(t)
	for i, line := range []string{
		"RAP LAF1 MEM 24 REU 4 EPA 24000 LAI 310 BEU 14 REC 42000 EQU 1 PB 0",
		"rap laf1 mem24 reu4 epa24000 lai310 beu14 rec42000 equ1 pb0",
		"RAP LAF1MEM24REU4EPA24000LAI310BEU14REC42000EQU1PB0",
		"RAP LAF1 PB 0 EQU 1 REC 42.000 BEU 14 LAI 310 EPA 24 000 REU 4 MEM 24",
		"RAP MEM 24 REU 4 EPA 24mil LAI 310 BEU 14 REC 42000f EQU 1 PB 0",
		"Rap: LAF1, mem: 24, reu: 4, epa: 24.000 F, lai: 310 l, beu: 14 kg, rec: 42 000 F CFA, equ: 1, pb: 0.",
		"RAP LAF1 novembre MEM 24 REU 4 EPA 24000 LAI 310 BEU 14 REC 42000 EQU 1 PB 0",
		"LAF1 24 4 24000 310 14 42000 1 0",
		"RAP LAF1 24 4 24000 310 14 42000 1 0",
	} {
		reply := b.tell(leader, line)
		if !strings.Contains(reply, "Membres 24, reunions 4") || !strings.Contains(reply, dialled) {
			t.Errorf("%q got %q", line, reply)
			b.tell(leader, "menu")
			continue
		}
		for _, amount := range []string{"24000", "24 000", "42000", "42 000", "310", "14"} {
			if strings.Contains(strings.ReplaceAll(reply, reference(t, reply), ""), amount) {
				t.Errorf("%q is told the amount %s: %q", line, amount, reply)
			}
		}
		s := b.last()
		if b.versions() != i+1 || b.figures(s) != core || s.Group != "G1" || s.Answers["month"] != "2026-11" || s.Confirmed || s.Text != "" || s.Level != programme.L1 {
			t.Errorf("%q kept as %+v", line, s)
		}
	}
}

func TestALineGluedToItsWordIsAReport(t *testing.T) {
	b := early(t)
	b.has(b.tell(leader, "rapLAF1MEM24REU4EPA24000LAI310BEU14REC42000EQU1PB0"), "Membres 24")
}

func TestALineAsksOnlyForWhatIsNotRight(t *testing.T) {
	for _, test := range []struct {
		line, asks, answer, want string
	}{
		{"RAP LAF1 MEM 500 REU 4 EPA 24000", "Nombre de membres", "24", "MEM 24 REU 4 EPA 24000"},
		{"RAP LAF1 MEM 24 REU 40 EPA 24000", "reunions du mois", "4", "MEM 24 REU 4 EPA 24000"},
		{"RAP LAF1 MEM 24 REU 4 EPA 20000000", "Epargne", "24mil", "MEM 24 REU 4 EPA 24000"},
		{"RAP LAF1 MEM 24 REU 4 EQU 7", "materiel", "1", "MEM 24 REU 4 EQU 1"},
		{"RAP LAF1 MEM 70 REU 4", "juste", "oui", "MEM 70 REU 4"},
		{"RAP LAF1 MEM 70 REU 4", "juste", "1", "MEM 70 REU 4"},
		{"RAP LAF1 MEM REU 4 EPA 24000", "Nombre de membres", "24", "MEM 24 REU 4 EPA 24000"},
		{"RAP LAF1 MEM 24 REU 4 EPA 24ooo", "Epargne", "24 000", "MEM 24 REU 4 EPA 24000"},
		{"RAP LAF1 MEM 24 REU 4 LAI 100 BEU 50", "juste", "oui", "MEM 24 REU 4 LAI 100 BEU 50"},
	} {
		t.Run(test.line, func(t *testing.T) {
			b := early(t)
			reply := b.tell(leader, test.line)
			b.has(reply, test.asks)
			if strings.Contains(reply, "20 000 000") || strings.Contains(reply, "20000000") {
				t.Errorf("the amount is said again: %q", reply)
			}
			if n := len(b.submissions()); n != 0 {
				t.Fatalf("%d kept already", n)
			}
			b.has(b.tell(leader, test.answer), "Merci")
			if s := b.submissions(); len(s) != 1 || b.figures(s[0]) != test.want {
				t.Errorf("kept %+v", s)
			}
		})
	}
}

func TestAFarNumberThatIsNotRightIsAskedAgainAndBothAreKept(t *testing.T) {
	b := early(t)
	b.has(b.tell(leader, "RAP LAF1 MEM 70 REU 4"), "juste")
	b.has(b.tell(leader, "non"), "Nombre de membres")
	b.has(b.tell(leader, "24"), "Merci")
	s := b.last()
	if s.Answers["MEM"] != "24" || s.Answers["MEM_first"] != "70" {
		t.Errorf("kept %+v", s)
	}
}

func TestWhatTheReaderRefusesToGuessIsNotGuessed(t *testing.T) {
	for _, test := range []struct{ line, asks string }{
		{"RAP LAF1 MEM 24 MEM 30 REU 4", "Nombre de membres"}, // which of the two is hers to say
		{"RAP LAF1 24 MEM 4 REU", "Nombre de membres"},        // figures before their codes
		{"RAP LAF1 MEM 24 REU 4 LAI 1.500", "Lait"},           // one and a half, or 1500
	} {
		t.Run(test.line, func(t *testing.T) {
			b := early(t)
			if reply := b.tell(leader, test.line); !strings.Contains(reply, test.asks) {
				t.Errorf("it got %q; kept %+v", reply, b.submissions())
			}
		})
	}
}

func TestALineNamesItsMonthOrIsAsked(t *testing.T) {
	b := village(t) // the 24th: three months can be meant
	reply := b.tell(leader, "RAP LAF1 MEM 24 REU 4")
	b.has(reply, "quel mois", "octobre", "novembre", "septembre")
	b.has(b.tell(leader, "1"), "Merci")
	if b.last().Answers["month"] != "2026-10" {
		t.Errorf("kept %+v", b.last())
	}
	for _, test := range []struct{ line, month string }{
		{"RAP LAF1 octobre MEM 24 REU 4", "2026-10"}, {"RAP LAF1 MEM 24 REU 4 septembre 2026", "2026-09"}, {"RAP LAF1 mois 11 MEM 24 REU 4", "2026-11"},
		{"RAP LAF1 10/2026 MEM 24 REU 4", "2026-10"}, {"RAP LAF1 okutoburu MEM 24 REU 4", "2026-10"},
	} {
		if b.has(b.tell(leader, test.line), "Merci"); b.last().Answers["month"] != test.month {
			t.Errorf("%q is for %s", test.line, b.last().Answers["month"])
		}
	}
	for _, line := range []string{"RAP LAF1 mars MEM 24 REU 4", "RAP LAF1 decembre MEM 24 REU 4", "RAP LAF1 octobre novembre MEM 24 REU 4"} {
		b := village(t)
		if b.has(b.tell(leader, line), "quel mois"); b.versions() != 0 {
			t.Errorf("%q was guessed about", line)
		}
	}
}

func TestALineSaysWhichGroupOrIsAsked(t *testing.T) {
	b := early(t)
	b.has(b.tell(second, "RAP MEM 24 REU 4"), "Quel groupe")
	b.has(b.tell(second, "2"), "Merci")
	if b.last().Group != "SEL2" {
		t.Errorf("kept for %s", b.last().Group)
	}
	for line, group := range map[string]string{"RAP PRA1 MEM 24 REU 4": "PRA1", "rap sel 2 mem 24 reu 4": "SEL2", "RAP PRA-1 MEM 24 REU 4": "PRA1"} {
		if reply := b.tell(second, line); !strings.Contains(reply, "Merci") || b.last().Group != group {
			t.Errorf("%q got %q and is kept for %s", line, reply, b.last().Group)
		}
	}
	b.has(b.tell(second, "RAP XYZ9 MEM 24 REU 4"), "Quel groupe")
}

func TestAProjectOfTwoGroupsOfHersIsNotGuessed(t *testing.T) {
	b := early(t)
	if reply := b.tell(second, "RAP BOU2 MEM 24 REU 4"); !strings.Contains(reply, "Quel groupe") {
		t.Errorf("it got %q, and is kept for %s", reply, b.last().Group)
	}
}

func TestALineOfSomeoneWhoLeadsNoGroupIsKeptAsSheWroteIt(t *testing.T) {
	b := early(t)
	for _, line := range []string{"RAP LAF1 MEM 24 REU 4", "rapport du mois: 24 femmes", "CORR LAF1 EPA 21000"} {
		b.has(b.tell(anna, line), "Merci, message bien recu")
		if s := b.last(); s.Kind != programme.Open || s.Text != line {
			t.Errorf("%q kept as %+v", line, s)
		}
	}
	b.has(b.tell(leader, "rapport du mois: pas de reunion"), "Merci, message bien recu")
	if s := b.last(); s.Kind != programme.Open {
		t.Errorf("without a figure it is kept as %+v", s)
	}
}

func TestWhatALineSaysBesideItsFiguresIsKeptInItsWords(t *testing.T) {
	b := early(t)
	for _, line := range []string{
		"RAP LAF1 MEM 24 REU 4 le moulin est gate", "RAP LAF1 MEM 24 REU 4 SOLDE 300",
	} {
		b.has(b.tell(leader, line), "Merci")
		if s := b.last(); s.Kind != programme.Progress || s.Text != line || b.figures(s) != "MEM 24 REU 4" {
			t.Errorf("%q kept as %+v", line, s)
		}
	}
	// A figure that no question asks is an answer within its bounds, and words beyond them.
	b.has(b.tell(leader, "RAP LAF1 MEM 24 REU 4 DEP 5000 BEN -2000 CAI 90000000"), "Merci")
	if s := b.last(); b.figures(s) != "MEM 24 REU 4 DEP 5000 BEN -2000" || !strings.Contains(s.Text, "CAI") {
		t.Errorf("kept as %+v", s)
	}
}

// indicators.csv raises EQU 4 alone; what PB 4 and PB 5 say is for the team to ask
// about, whose report it is.
func TestLostThingsInAReportAreForThePeaceTeam(t *testing.T) {
	b := early(t)
	for _, test := range []struct {
		figures string
		level   programme.Level
	}{{"EQU 1 PB 0", programme.L1}, {"EQU 3 PB 6", programme.L1}, {"EQU 4 PB 0", programme.L2}, {"EQU 1 PB 4", programme.L1}, {"EQU 1 PB 5", programme.L1}} {
		b.has(b.tell(leader, "RAP LAF1 MEM 24 REU 4 "+test.figures), "Merci")
		if got := b.last().Level; got != test.level {
			t.Errorf("%s is %s, want %s", test.figures, got, test.level)
		}
	}
}

func TestTheSecondReportOfAMonthCorrectsTheFirst(t *testing.T) {
	b := early(t)
	b.tell(leader, "RAP LAF1 "+core)
	first := b.last()
	b.pass(48 * time.Hour)
	b.has(b.tell(leader, "CORR LAF1 EPA 21000"), "Merci")
	corrected := b.last()
	want := maps.Clone(first.Answers)
	want["EPA"] = "21000"
	if b.figures(corrected) != strings.Replace(core, "EPA 24000", "EPA 21000", 1) || corrected.Answers["month"] != "2026-11" {
		t.Errorf("kept %+v, want %v", corrected, want)
	}
	if got := query[string](b, `select corrects::text from submission where id = $1`, corrected.ID); got != first.ID {
		t.Errorf("it corrects %s, not %s", got, first.ID)
	}
	if got := b.epa(first.ID); got != "24000" {
		t.Errorf("the first names %s now", got)
	}
	b.tell(leader, "RAP LAF1 MEM 25 REU 4")
	if got := query[string](b, `select corrects::text from submission where id = $1`, b.last().ID); got != first.ID {
		t.Errorf("a second line corrects %s, not %s", got, first.ID)
	}
	if got := b.figures(b.last()); !strings.HasPrefix(got, "MEM 25 REU 4 EPA 21000") {
		t.Errorf("what the line does not say is %s", got)
	}
}

func TestACorrectionKeepsTheLevelOfWhatItCorrects(t *testing.T) {
	b := early(t)
	b.tell(leader, "RAP LAF1 MEM 24 REU 4 EQU 4")
	if b.last().Level != programme.L2 {
		t.Fatalf("kept %+v", b.last())
	}
	b.tell(leader, "CORR LAF1 REU 5")
	if s := b.last(); s.Level != programme.L2 || s.Answers["EQU"] != "4" {
		t.Errorf("the correction is %s with %s", s.Level, b.figures(s))
	}
}

func TestACorrectionBySMSIsRefusedAfterThirtyDaysAsItIsByPhone(t *testing.T) {
	b := village(t)
	b.pass(-31 * 24 * time.Hour) // 24 October
	b.has(b.tell(leader, "RAP LAF1 septembre MEM 24 REU 4"), "Merci")
	b.pass(29 * 24 * time.Hour)
	b.has(b.tell(leader, "CORR LAF1 septembre REU 5"), "Merci")
	b.pass(2 * 24 * time.Hour)
	n := b.versions()
	b.has(b.tell(leader, "CORR LAF1 septembre REU 6"), "plus de 30 jours")
	if b.versions() != n {
		t.Errorf("it is kept: %+v", b.last())
	}
}

func TestAReportOfTheLastThirtyDaysCanBeCorrectedAtTheBeginningOfAMonth(t *testing.T) {
	b := village(t)
	b.has(b.tell(leader, "RAP LAF1 octobre MEM 24 REU 4"), "Merci") // 24 November
	b.pass(8 * 24 * time.Hour)                                      // 2 December
	b.has(b.tell(leader, "CORR LAF1 octobre REU 5"), "Merci")
}

func TestAReportBySMSAndItsCorrectionAreConfirmedTogether(t *testing.T) {
	b := early(t)
	b.tell(leader, "RAP LAF1 MEM 24 REU 4 EPA 24000 REC 42000")
	b.tell(leader, "CORR LAF1 EPA 21000")
	p := b.phone(leader)
	p.dial("")
	contains(t, p.walk("1", "3", "4821"), "epargne 21 000")
	contains(t, p.press("1"), "confirme")
	b.pass(time.Minute)
	p.dial("")
	if r := p.walk("3", "4821"); strings.Contains(r.Text, "24 000") {
		t.Errorf("she is asked to confirm what she corrected:\n%s", r.Text)
	}
}

func TestALineInTheMiddleOfAConversationIsAReportAllTheSame(t *testing.T) {
	b := early(t)
	for i, before := range [][]string{{"menu"}, {"1", "107"}, {"1", "107", "3", "2", "1", "2"}, {"3"}, {"RAP LAF1 MEM 500 REU 4"}} {
		b.pass(25 * time.Hour) // no phone gets more than twenty replies a day
		b.talk(leader, append([]string{"langue francais"}, before...)...)
		if reply := b.tell(leader, fmt.Sprintf("RAP LAF1 MEM 2%d REU 4", i)); !strings.Contains(reply, "Membres 2") || b.last().Answers["MEM"] != fmt.Sprintf("2%d", i) {
			t.Errorf("after %q it got %q and kept %+v", before, reply, b.last())
		}
	}
}
