package casework

import (
	"errors"
	"slices"
	"testing"
	"time"

	"lafia/internal/programme"
	"lafia/internal/staff"
)

func TestStaffSetTheExactTypeAndTheLatestStands(t *testing.T) {
	b := newBench(t)
	who := b.account(t, staff.Peace)
	l1 := b.submit(t, programme.Submission{Kind: programme.Tension, Answers: map[string]string{"type": "G8"}})
	l2 := b.submit(t, programme.Submission{Kind: programme.Tension, Level: programme.L2})
	for _, c := range []struct {
		id      string
		codes   []string
		already bool
		want    error
	}{
		{l1, []string{"T05"}, false, nil}, {l1, []string{"T05"}, true, nil}, {l1, nil, false, nil}, {l1, nil, true, nil}, {l1, []string{"T07"}, false, nil},
		{l1, []string{"T01", "T02"}, false, ErrUnknownCode}, {l1, []string{"T23"}, false, ErrUnknownCode}, {l1, []string{"A"}, false, ErrUnknownCode},
		{l1, []string{"T18"}, false, ErrRaiseFirst}, {l2, []string{"T18"}, false, nil},
	} {
		already, err := b.Classify(t.Context(), who, Classifying{ID: c.id, Codes: c.codes})
		if already != c.already || !errors.Is(err, c.want) {
			t.Errorf("%v: already %v, %v", c.codes, already, err)
		}
	}
	r, err := b.Read(t.Context(), who.Scope(), l1)
	if err != nil || r.TypeExact != "T07" || len(r.Classifications) != 3 || r.Classifications[0].Staff != who.Name || !r.Classifications[0].At.Equal(b.now) {
		t.Errorf("%+v, %v", r.Classifications, err)
	}
	exported := map[string]string{}
	for e, err := range b.Export(t.Context(), who.Scope(), Exporting{}) {
		if err != nil {
			t.Fatal(err)
		}
		exported[e.ID] = e.Answers["type_exact"]
	}
	// What is for the focal points alone is in no export.
	if exported[l1] != "T07" || exported[l2] != "" {
		t.Errorf("exports %v", exported)
	}
}

func TestStaffSetTheReasonsOfAFeedback(t *testing.T) {
	b := newBench(t)
	id, who := b.submit(t, programme.Submission{Region: "ML06"}), b.account(t, staff.Officer, "ML06")
	if already, err := b.Classify(t.Context(), who, Classifying{ID: id, Codes: []string{"H", "C", "H"}}); err != nil || already {
		t.Fatal(already, err)
	}
	if already, err := b.Classify(t.Context(), who, Classifying{ID: id, Codes: []string{"C", "H"}}); err != nil || !already {
		t.Fatal(already, err)
	}
	for e, err := range b.Export(t.Context(), who.Scope(), Exporting{}) {
		if err != nil || e.Answers["reasons"] != "C H" {
			t.Errorf("exports %v, %v", e.Answers, err)
		}
	}
	for name, c := range map[string]struct {
		who  staff.Account
		id   string
		want error
	}{
		"a viewer":         {b.account(t, staff.Viewer, "ML06"), id, ErrNotFound},
		"a foreign one":    {b.account(t, staff.Officer, "ML07", "ML08"), id, ErrNotFound},
		"what is a report": {who, b.submit(t, programme.Submission{Kind: programme.Progress, Region: "ML06"}), ErrUnknownCode},
	} {
		if _, err := b.Classify(t.Context(), c.who, Classifying{ID: c.id, Codes: []string{"A"}}); !errors.Is(err, c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestALevelIsRaisedForAReasonAndNeverTwice(t *testing.T) {
	b := newBench(t)
	id, officer := b.submit(t, programme.Submission{Region: "ML06", Text: "le puits"}), b.account(t, staff.Officer, "ML06")
	if _, err := b.Raise(t.Context(), officer, Raising{ID: id, Reason: " "}); !errors.Is(err, ErrNoReason) {
		t.Error(err)
	}
	if already, err := b.Raise(t.Context(), officer, Raising{ID: id, Reason: "Deux villages."}); err != nil || already {
		t.Fatal(already, err)
	}
	if _, err := b.Raise(t.Context(), officer, Raising{ID: id, Reason: "Deux villages."}); !errors.Is(err, ErrNotFound) {
		t.Errorf("she still finds it: %v", err)
	}
	peace := b.account(t, staff.Peace, "ML06")
	r, err := b.Read(t.Context(), peace.Scope(), id)
	if err != nil || r.Level != programme.L2 || r.Text != "le puits" || r.CanRaise() || len(r.Events) != 1 || !r.Events[0].LevelRaised || r.Events[0].Note != "Deux villages." || r.Events[0].Confirms() {
		t.Errorf("%+v, %v", r, err)
	}
	if already, err := b.Raise(t.Context(), peace, Raising{ID: id, Reason: "Encore."}); err != nil || !already {
		t.Error(already, err)
	}
}

func TestOfACorrectedReportTheLatestStandsAndTheOthersAreReached(t *testing.T) {
	b := newBench(t)
	report := func(corrects string, level programme.Level, phone byte, partial bool, answers map[string]string) string {
		id := b.submit(t, programme.Submission{Kind: programme.Progress, Region: "ML06", Level: level, Answers: answers})
		contact := make([]byte, 32)
		contact[0] = phone
		b.exec(t, `update submission set corrects = nullif($2, '')::uuid, contact = $3, partial = $4 where id = $1::text::uuid`, id, corrects, contact, partial)
		return id
	}
	one := report("", programme.L1, 1, false, map[string]string{"month": "2026-10", "MEM": "24", "EPA": "24000", "EPA_first": "240000"})
	two := report(one, programme.L1, 1, false, map[string]string{"month": "2026-10", "MEM": "26", "EPA": "24000", "LAI": "20"})
	cut := report(one, programme.L1, 1, true, map[string]string{"month": "2026-10", "MEM": "27"})
	three := report(one, programme.L2, 2, false, map[string]string{"month": "2026-10", "MEM": "26", "EPA": "24000", "EQU": "4"})
	for role, want := range map[staff.Role][]string{staff.Officer: {cut, two}, staff.Peace: {three}} {
		p, err := b.List(t.Context(), staff.ScopeOf(role, []string{"ML06"}).By("test"), Filter{}, "")
		var got []string
		for _, m := range p.Messages {
			got = append(got, m.ID)
		}
		if err != nil || !slices.Equal(got, want) || p.New != len(want) {
			t.Errorf("%s lists %v, %d new, %v; want %v", role, got, p.New, err, want)
		}
	}
	r, err := b.Read(t.Context(), staff.ScopeOf(staff.Peace, nil).By("test"), one)
	if err != nil || len(r.Versions) != 4 || r.Newer() != three {
		t.Fatalf("%+v, %v", r.Versions, err)
	}
	if v := r.Versions[0]; v.ID != three || v.SamePhone || !r.Versions[2].SamePhone {
		t.Errorf("%+v", r.Versions)
	}
	if got := r.Versions[2].Changes; !slices.Equal(got, []Change{{"LAI", "", "20"}, {"MEM", "24", "26"}}) {
		t.Errorf("changes %v", got)
	}
	// An officer does not learn of a version that she may not read.
	if r, err = b.Read(t.Context(), staff.ScopeOf(staff.Officer, nil).By("test"), two); err != nil || len(r.Versions) != 3 || r.Newer() != "" {
		t.Errorf("%+v, %v", r.Versions, err)
	}
	// Amounts are withheld from a viewer in every version, as they were said first too.
	if r, err = b.Read(t.Context(), staff.ScopeOf(staff.Viewer, nil).By("test"), one); err != nil || r.Answers["EPA"] != "" || r.Answers["EPA_first"] != "" || r.Versions[0].Answers["EPA"] != "" {
		t.Errorf("%+v, %v", r.Answers, err)
	}
	corrects := map[string]string{}
	for e, err := range b.Export(t.Context(), staff.ScopeOf(staff.Peace, nil).By("test"), Exporting{}) {
		if err != nil {
			t.Fatal(err)
		}
		corrects[e.ID] = e.Corrects()
	}
	if len(corrects) != 1 || corrects[three] != one {
		t.Errorf("exports %v", corrects)
	}
}

func TestWhatWasAskedAgainAndAgreedToIsTold(t *testing.T) {
	b := newBench(t)
	id := b.submit(t, programme.Submission{Kind: programme.Tension})
	scope := staff.ScopeOf(staff.Officer, nil).By("test")
	if r, err := b.Read(t.Context(), scope, id); err != nil || r.Followup != nil || r.Consent.Known {
		t.Errorf("%+v, %v", r, err)
	}
	b.wish(t, "answer", false)
	b.exec(t, `insert into followup (submission_id, contact, channel, due_at, sent_at, said, said_at) values ($1::text::uuid, $2, 'demo', $3, $3, 'better', $4)`,
		id, make([]byte, 32), b.now, b.now.Add(time.Hour))
	r, err := b.Read(t.Context(), scope, id)
	if err != nil || r.Followup == nil || r.Followup.Said != "better" || !r.Followup.SaidAt.Equal(b.now.Add(time.Hour)) || !r.Consent.Known || r.Consent.Given || !r.Consent.At.Equal(b.now) {
		t.Errorf("%+v %+v, %v", r.Followup, r.Consent, err)
	}
}
