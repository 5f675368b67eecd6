package casework

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"lafia/internal/programme"
	"lafia/internal/staff"
)

// mali is a piece of a gazetteer: two communes are called Soboundou, and Gao is a
// region, a cercle and a commune.
var mali = []programme.Place{
	{PCode: "ML06", Level: 1, Name: "Tombouctou"}, {PCode: "ML07", Level: 1, Name: "Gao"},
	{PCode: "ML0605", Level: 2, Name: "Niafunké", Parent: "ML06"}, {PCode: "ML0701", Level: 2, Name: "Gao", Parent: "ML07"},
	{PCode: "ML060504", Level: 3, Name: "Soboundou", Parent: "ML0605"}, {PCode: "ML060505", Level: 3, Name: "Soboundou", Parent: "ML0605"},
	{PCode: "ML060506", Level: 3, Name: "N'Gorkou", Parent: "ML0605"}, {PCode: "ML060507", Level: 3, Name: "Sobon", Parent: "ML0605"},
	{PCode: "ML070101", Level: 3, Name: "Gao", Parent: "ML0701"}, {PCode: "ML070102", Level: 3, Name: "Anchawadi", Parent: "ML0701"},
}

func TestACommuneIsFoundByItsCodeOrWholeNameAndElseAskedAbout(t *testing.T) {
	here := []string{"ML06"}
	for _, c := range []struct {
		typed   string
		regions []string
		want    string
	}{
		{"ML060504", nil, "ML060504 Soboundou, Niafunké"},
		{" ml060505 ", here, "ML060505 Soboundou, Niafunké"},
		{"ngorkou", nil, "ML060506 N'Gorkou, Niafunké"},
		{"N’GORKOU", here, "ML060506 N'Gorkou, Niafunké"},
		{"Gao", nil, "ML070101 Gao, Gao"},
		{"Soboundou", nil, "which: ML060504 ML060505"},
		{"sob", nil, "which: ML060504 ML060505 ML060507"},
		{"anch", nil, "which: ML070102"},
		{"so", nil, ErrNoCommune.Error()},
		{"Gao", here, ErrNoCommune.Error()},
		{"ML070101", here, ErrNoCommune.Error()},
		{"Niafunke", nil, ErrNotCommune.Error()},
		{"ML0605", here, ErrNotCommune.Error()},
		{"ML06", nil, ErrNotCommune.Error()},
		{"ML07", here, ErrNoCommune.Error()},
		{"ML069999", nil, ErrNoCommune.Error()},
		{"", nil, ErrNoCommune.Error()},
		{" '-\x00", nil, ErrNoCommune.Error()},
	} {
		k, err := findCommune(mali, c.regions, c.typed)
		got := k.PCode + " " + k.Name + ", " + k.Cercle
		var which *WhichError
		switch {
		case errors.As(err, &which):
			got = "which:"
			for _, k := range which.Communes {
				got += " " + k.PCode
			}
		case err != nil:
			got = err.Error()
		}
		if got != c.want {
			t.Errorf("%q in %v: %s, not %s", c.typed, c.regions, got, c.want)
		}
	}
}

func (b *bench) gazetteer(t *testing.T) {
	t.Helper()
	if err := b.store.PutPlaces(t.Context(), "x", mali); err != nil {
		t.Fatal(err)
	}
}

func (b *bench) closed(t *testing.T, who staff.Account) string {
	t.Helper()
	list, err := b.ClosedCommunes(t.Context(), who)
	if err != nil {
		return err.Error()
	}
	var out []string
	for _, k := range list {
		out = append(out, fmt.Sprintf("%s %s, %s: %s %v", k.PCode, k.Name, k.Cercle, k.Who, k.Command))
	}
	return strings.Join(out, "; ")
}

func TestACommuneIsClosedAndOpenedByWhoMayAnnounceInHerRegions(t *testing.T) {
	b := newBench(t)
	b.gazetteer(t)
	officer, coordinator := b.account(t, staff.Officer, "ML06"), b.account(t, staff.Coordinator)
	command := staff.Account{ID: "cli:awa", Role: staff.Administrator}
	for _, r := range []staff.Role{staff.Viewer, staff.Peace, staff.Protection, staff.Translator} {
		who := b.account(t, r, "ML06")
		_, _, err := b.CloseCommune(t.Context(), who, Switching{Commune: "ML060504"})
		_, _, open := b.OpenCommune(t.Context(), who, Switching{Commune: "ML060504"})
		if got := b.closed(t, who); !errors.Is(err, ErrNotFound) || !errors.Is(open, ErrNotFound) || got != ErrNotFound.Error() {
			t.Errorf("%s: %v, %v, %s", r, err, open, got)
		}
	}
	before := len(b.entries(t))
	for _, c := range []struct {
		name    string
		who     staff.Account
		open    bool
		commune string
		already bool
		err     error
	}{
		{"an officer closes", officer, false, "ML060504", false, nil},
		{"another closes it again", coordinator, false, "ml060504", true, nil},
		{"an officer closes elsewhere", officer, false, "ML070102", false, ErrNoCommune},
		{"a command closes elsewhere", command, false, "Anchawadi", false, nil},
		{"an officer opens elsewhere", officer, true, "ML070102", false, ErrNoCommune},
		{"an officer opens what is open", officer, true, "ML060506", true, nil},
	} {
		do := b.CloseCommune
		if c.open {
			do = b.OpenCommune
		}
		if _, already, err := do(t.Context(), c.who, Switching{Commune: c.commune, Reason: "la ligne a bougé"}); already != c.already || !errors.Is(err, c.err) {
			t.Errorf("%s: %v, %v", c.name, already, err)
		}
	}
	if got, want := b.closed(t, officer), "ML060504 Soboundou, Niafunké: "+officer.Name+" false"; got != want {
		t.Errorf("an officer is told %q, not %q", got, want)
	}
	if got := b.closed(t, coordinator); !strings.HasPrefix(got, "ML070102 Anchawadi, Gao: awa true; ML060504") {
		t.Errorf("the coordinator is told %q", got)
	}
	if n := len(b.entries(t)) - before; n != 2 {
		t.Errorf("%d entries of two acts", n)
	}
	list, _, err := b.Audit(t.Context(), b.account(t, staff.Administrator), 0)
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range list {
		if a.Act == "commune.close" && (a.Why != "la ligne a bougé" || a.About != "Soboundou (ML060504)" && a.About != "Anchawadi (ML070102)") {
			t.Errorf("%+v", a)
		}
	}
	// A new gazetteer that has the commune no more.
	b.exec(t, `delete from place where pcode = 'ML070102'`)
	if k, already, err := b.OpenCommune(t.Context(), coordinator, Switching{Commune: "ml070102"}); already || err != nil || k.PCode != "ML070102" {
		t.Errorf("%+v, %v, %v", k, already, err)
	}
}

func TestWithoutTheAuditNoCommuneIsClosedOrOpened(t *testing.T) {
	b := newBench(t)
	b.gazetteer(t)
	who := b.account(t, staff.Coordinator)
	if _, _, err := b.CloseCommune(t.Context(), who, Switching{Commune: "ML060504"}); err != nil {
		t.Fatal(err)
	}
	b.exec(t, `create function refuse() returns trigger language plpgsql as 'begin raise exception ''no''; end'`)
	b.exec(t, `create trigger refuse before insert on audit for each row execute function refuse()`)
	if _, _, err := b.CloseCommune(t.Context(), who, Switching{Commune: "ML070102"}); err == nil {
		t.Error("it was closed")
	}
	if _, _, err := b.OpenCommune(t.Context(), who, Switching{Commune: "ML060504"}); err == nil {
		t.Error("it was opened")
	}
	if n := count(t, b, `select count(*)::int from closed_commune where pcode = 'ML060504'`) + 2*count(t, b, `select count(*)::int from closed_commune where pcode = 'ML070102'`); n != 1 {
		t.Error("something is changed")
	}
}

func TestAnAnnouncementCountsWhomItLeavesOutInClosedCommunes(t *testing.T) {
	b := newBench(t)
	b.ways(t)
	b.listens(t, 1, "fr", programme.L1, "LAF1", "ML060504", true)
	b.listens(t, 2, "fr", programme.L1, "LAF1", "ML060504", true) // and speaks of elsewhere later
	b.listens(t, 3, "bm", programme.L1, "LAF7", "ML070101", true)
	b.listens(t, 4, "bm", programme.L1, "LAF7", "ML070101", true) // leads a group in the closed one
	b.listens(t, 5, "bm", programme.L1, "LAF7", "ML060504", false)
	later := b.submit(t, programme.Submission{Level: programme.L2})
	b.exec(t, `update submission set contact = $2, place = 'ML070101' where id = $1::text::uuid`, later, contactOf(2))
	b.exec(t, `insert into grp (code, name, place, region) values ('G1', 'Groupe', 'ML060504', 'ML06')`)
	b.exec(t, `insert into leader (contact, grp, pin_hash) values ($1, 'G1', '')`, contactOf(4))
	who := b.account(t, staff.Coordinator)
	if _, _, err := b.CloseCommune(t.Context(), who, Switching{Commune: "ML060504"}); err != nil {
		t.Fatal(err)
	}
	f, err := b.Foresee(t.Context(), who, Announcing{Words: news})
	if err != nil || f.Closed != 2 || f.Estimate.Messages != 2 {
		t.Errorf("%d left out, %d go, %v", f.Closed, f.Estimate.Messages, err)
	}
	if _, err := b.Announce(t.Context(), who, Announcing{Words: news, Once: "1"}); err != nil {
		t.Fatal(err)
	}
	if n := count(t, b, `select count(*)::int from outbound`); n != 2 || count(t, b, `select recipients from broadcast`) != 2 {
		t.Errorf("%d messages", n)
	}
	b.exec(t, `insert into closed_commune (pcode, at) values ('ML070101', $1)`, b.now)
	if _, err := b.Foresee(t.Context(), who, Announcing{Words: news}); !errors.Is(err, ErrAllClosed) {
		t.Error(err)
	}
}
