package directory

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"lafia/internal/flow"
	"lafia/internal/programme"
)

func listed() *Directory {
	places := []programme.Place{
		{PCode: "ML06", Level: 1, Name: "Tombouctou"}, {PCode: "ML0605", Level: 2, Name: "Tombouctou", Parent: "ML06"},
		{PCode: "ML060504", Level: 3, Name: "Lafia", Parent: "ML0605"}, {PCode: "ML060501", Level: 3, Name: "Alafia", Parent: "ML0605"},
		{PCode: "ML060503", Level: 3, Name: "Bourem Inaly", Parent: "ML0605"}, {PCode: "ML060506", Level: 3, Name: "Tombouctou", Parent: "ML0605"},
		{PCode: "ML0604", Level: 2, Name: "Niafunké", Parent: "ML06"}, {PCode: "ML01", Level: 1, Name: "Kayes"}, {PCode: "ML0101", Level: 2, Name: "Bafoulabé", Parent: "ML01"},
	}
	for i := range 30 {
		places = append(places, programme.Place{PCode: fmt.Sprintf("ML0604%02d", i), Level: 3, Name: fmt.Sprintf("Commune %c", 'A'+i%26), Parent: "ML0604"})
	}
	return New([]programme.Project{{Code: "LAF1", Dial: "101", Name: "Beurre", Place: "ML060504", Region: "ML06", Phase: 1}, {Code: "LAF2", Dial: "117", Name: "Fonds", Place: "ML060504", Region: "ML06", Phase: 1}}, places)
}

func say(f flow.Fact) string {
	var out []string
	for _, it := range f.Items {
		out = append(out, it.Value)
	}
	return strings.Join(out, " ")
}

func TestProjectsAreFoundAsPeopleWriteThem(t *testing.T) {
	d := listed()
	for typed, want := range map[string]string{
		"LAF1": "LAF1", "laf1": "LAF1", " 101# ": "LAF1", "laf 1": "LAF1", "LAF-2": "LAF2", "LAFl": "LAF1", "LAFF1": "LAF1",
		"102": "", "XYZ9": "", "Lafia": "LAF1 LAF2", "Tombouctou": "",
	} {
		if got := say(d.FindProject(typed, "101", "ussd")); got != want {
			t.Errorf("%q found %q, want %q", typed, got, want)
		}
	}
	if got := d.FindProject("Lafia", "101", "sms").Items[0].Say.Text; got != "LAF1" {
		t.Errorf("an SMS names %q", got)
	}
}

func TestPlacesAreFoundWithSlips(t *testing.T) {
	d := listed()
	for typed, want := range map[string]string{
		"Lafia": "ML060504", "lafiya": "ML060504", "tombouctu": "ML060506", "TOMBOUCTOU": "ML060506", "bourem inali": "ML060503", "bourem": "ML060503",
		"niafunke": "ML0604", "Bafoulabé": "", "xx": "", "Gao": "",
	} {
		if got := say(d.FindPlace(typed)); got != want {
			t.Errorf("%q found %q, want %q", typed, got, want)
		}
	}
}

func TestTheLastPlaceComesFirstAndABigCercleInGroups(t *testing.T) {
	d := listed()
	if got := say(d.Parts("", "ML060504")); got != "ML060504 ML0605 ML0604" {
		t.Errorf("first list: %s", got)
	}
	if got := say(d.Parts("ML0605", "ML060504")); got != "ML060504 ML060501 ML060503 ML060506" {
		t.Errorf("a small cercle: %s", got)
	}
	groups := d.Parts("ML0604", "")
	if got := say(groups); got != "ML0604~0 ML0604~9 ML0604~18 ML0604~27" || !groups.Items[0].Open {
		t.Fatalf("a big cercle: %s", got)
	}
	var all []string
	for _, g := range groups.Items {
		for _, it := range d.Parts(g.Value, "").Items {
			all = append(all, it.Value)
		}
	}
	if len(all) != 30 || len(slices.Compact(slices.Sorted(slices.Values(all)))) != 30 {
		t.Errorf("the groups hold %d communes", len(all))
	}
	for _, wrong := range []string{"ML0604~99", "ML0604~x", "ML0604~-1", "none"} {
		if got := say(d.Parts(wrong, "")); got != "" {
			t.Errorf("%s lists %s", wrong, got)
		}
	}
}

func TestAReportIsForTheLastCompleteMonthUntilTheTenthAndThenAsked(t *testing.T) {
	for day, want := range map[int]string{1: "2026-10", 10: "2026-10", 11: "2026-10 2026-11 2026-09", 30: "2026-10 2026-11 2026-09"} {
		if got := say(Months(time.Date(2026, 11, day, 12, 0, 0, 0, time.UTC), false)); got != want {
			t.Errorf("on the %d: %s", day, got)
		}
	}
}

func TestAMonthThatIsNamedMayBeTheOneBefore(t *testing.T) {
	if got := say(Months(time.Date(2026, 11, 5, 12, 0, 0, 0, time.UTC), true)); got != "2026-10 2026-09" {
		t.Error(got)
	}
}

func TestAnEmptyDirectoryFindsNothing(t *testing.T) {
	var d *Directory
	if say(d.FindProject("LAF1", "", "ussd"))+say(d.FindPlace("Lafia"))+say(d.Parts("", ""))+d.PlaceName("ML06") != "" || d.Codes() != nil {
		t.Error("it found something")
	}
}
