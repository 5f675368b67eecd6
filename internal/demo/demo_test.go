package demo

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"lafia/internal/audit"
	"lafia/internal/programme"
	"lafia/internal/servers/serverstest"
	"lafia/internal/staff"
	"lafia/internal/store"
	"lafia/internal/vault"
)

func TestMain(m *testing.M) { serverstest.Main(m) }

var now = time.Date(2026, 11, 24, 14, 30, 0, 0, time.UTC)

func random(n int) []byte {
	b := make([]byte, n)
	_, _ = rand.Read(b)
	return b
}

func fixed(string) string { return "demo-lafia-2026" }

// bench is an empty database and a folder with new keys.
type bench struct {
	*store.Store
	Options
}

func newBench(t *testing.T) *bench {
	t.Helper()
	url := serverstest.PostgresFrom(t, "migrated", func(url string) error {
		s, err := store.Open(t.Context(), url, store.Options{})
		if err != nil {
			return err
		}
		defer s.Close()
		return s.Migrate(t.Context())
	})
	s, err := store.Open(t.Context(), url, store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	b := &bench{Store: s, Options: Options{KeysDir: t.TempDir(), Now: now, Random: random, Password: fixed}}
	if err := vault.Create(b.KeysDir); err != nil {
		t.Fatal(err)
	}
	if b.Ring, err = vault.Open(b.KeysDir); err != nil {
		t.Fatal(err)
	}
	return b
}

func (b *bench) load(t *testing.T) *Programme {
	t.Helper()
	p, err := Load(t.Context(), b.Store, b.Options)
	if err != nil {
		t.Fatal(err)
	}
	b.Ring = p.Ring
	return p
}

func (b *bench) count(t *testing.T, query string, args ...any) int {
	t.Helper()
	var n int
	if err := b.Pool().QueryRow(t.Context(), query, args...).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

// dump gives every row of every table as text.
func (b *bench) dump(t *testing.T) map[string][]string {
	t.Helper()
	rows, err := b.Pool().Query(t.Context(), `select tablename::text from pg_tables where schemaname = 'public' order by 1`)
	if err != nil {
		t.Fatal(err)
	}
	var tables []string
	for rows.Next() {
		var name string
		if err := rows.Scan(&name); err != nil {
			t.Fatal(err)
		}
		tables = append(tables, name)
	}
	out := map[string][]string{}
	for _, name := range tables {
		rows, err := b.Pool().Query(t.Context(), `select t::text from "`+name+`" t order by 1`)
		if err != nil {
			t.Fatal(err)
		}
		for rows.Next() {
			var line string
			if err := rows.Scan(&line); err != nil {
				t.Fatal(err)
			}
			out[name] = append(out[name], line)
		}
		if err := rows.Err(); err != nil {
			t.Fatal(err)
		}
	}
	return out
}

// submissions opens every submission, newest first.
func (b *bench) submissions(t *testing.T) []store.SealedSubmission {
	t.Helper()
	list, err := b.SubmissionsBefore(t.Context(), staff.ScopeOf(staff.Coordinator, nil), store.SubmissionFilter{}, "", 1000)
	if err != nil {
		t.Fatal(err)
	}
	for i := range list {
		if len(list[i].Sealed) == 0 {
			continue
		}
		plain, err := b.Ring.Open(list[i].Sealed, "submission/"+list[i].ID)
		if err != nil {
			t.Fatalf("submission %s: %v", list[i].ID, err)
		}
		list[i].Text, list[i].Sealed = string(plain), nil
	}
	return list
}

func TestTheDemoIsLoadedOnceAndASecondLoadChangesNothing(t *testing.T) {
	b := newBench(t)
	start := time.Now()
	first := b.load(t)
	t.Logf("the load took %v", time.Since(start).Round(time.Millisecond))
	if !first.Loaded || first.Locked || !first.Ring.HasConfidential() {
		t.Fatalf("loaded %v, locked %v, confidential pair %v", first.Loaded, first.Locked, first.Ring.HasConfidential())
	}
	before := b.dump(t)
	b.Now = now.Add(50 * time.Hour)
	start = time.Now()
	second := b.load(t)
	t.Logf("the second load took %v", time.Since(start).Round(time.Millisecond))
	if second.Loaded || second.Locked {
		t.Errorf("the second load: loaded %v, locked %v", second.Loaded, second.Locked)
	}
	if after := b.dump(t); !reflect.DeepEqual(before, after) {
		t.Error("the second load changed rows")
	}
	first.Ring, second.Ring, first.Loaded = nil, nil, false
	if !reflect.DeepEqual(first, second) {
		t.Errorf("described differently: %v, then %v", first, second)
	}
	if n := len(before["place"]); n != 765 {
		t.Errorf("%d places", n)
	}
	if len(before["project"]) != 32 || len(before["grp"]) != 12 || len(before["leader"]) != 13 || len(before["staff"]) != 8 {
		t.Errorf("%d projects, %d groups, %d leaders, %d accounts", len(before["project"]), len(before["grp"]), len(before["leader"]), len(before["staff"]))
	}
	for _, table := range []string{"project", "grp", "leader", "staff", "submission"} {
		if n := b.count(t, `select count(*) from `+table+` where not synthetic`); n != 0 {
			t.Errorf("%d rows of %s are not marked synthetic", n, table)
		}
	}
	if n := b.count(t, `select count(*) from place where gazetteer <> $1`, Gazetteer); n != 0 {
		t.Errorf("%d places of another gazetteer", n)
	}
}

func TestTheDescriptionIsWhatDevJSONSays(t *testing.T) {
	b := newBench(t)
	p := b.load(t)
	raw, err := json.Marshal(p)
	if err != nil {
		t.Fatal(err)
	}
	var got struct {
		Logins   []map[string]string `json:"logins"`
		Leaders  []map[string]string `json:"leaders"`
		Projects []map[string]string `json:"projects"`
	}
	if err := json.Unmarshal(raw, &got); err != nil {
		t.Fatal(err)
	}
	if want := (map[string]string{"user": "viewer", "password": fixed(""), "role": "viewer"}); !reflect.DeepEqual(got.Logins[0], want) {
		t.Errorf("login %v", got.Logins[0])
	}
	if want := (map[string]string{"phone": "+22300000101", "group": "G-TOY2", "pin": "4826"}); !reflect.DeepEqual(got.Leaders[0], want) {
		t.Errorf("leader %v", got.Leaders[0])
	}
	if want := (map[string]string{"code": "LAF1", "dial": "101", "name": "Beurre: barattes et bidons"}); !reflect.DeepEqual(got.Projects[0], want) {
		t.Errorf("project %v", got.Projects[0])
	}
	for _, format := range []string{"%v", "%+v", "%#v"} {
		if s := fmt.Sprintf(format, []any{p.Logins, p.Leaders}); strings.Contains(s, fixed("")) || strings.Contains(s, "4826") || strings.Contains(s, "+223") {
			t.Errorf("%s prints %s", format, s)
		}
	}
}

func TestEveryDialCodeEndsWithItsCheckDigitAndIsItsOwn(t *testing.T) {
	d, err := readData()
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]string{}
	for _, p := range d.projects {
		if len(p.Dial) != 3 || p.Dial[2] != programme.CheckDigit(p.Dial[:2]) {
			t.Errorf("project %s has the dial code %q", p.Code, p.Dial)
		}
		if strings.HasPrefix(p.Dial, "0") || strings.HasPrefix(p.Dial, "99") {
			t.Errorf("the dial code %s of %s is like a key that goes back or turns the page", p.Dial, p.Code)
		}
		if other := seen[p.Dial]; other != "" {
			t.Errorf("%s and %s share the dial code %s", other, p.Code, p.Dial)
		}
		seen[p.Dial] = p.Code
	}
	if d.projects[0].Code != "LAF1" || d.projects[0].Dial != "101" || d.projects[31].Code != "SEG2" || d.projects[31].Dial[:2] != "41" {
		t.Error("the dial codes are not those that were given out")
	}
}

func TestEverythingIsInAKnownPlaceOfItsRegion(t *testing.T) {
	d, err := readData()
	if err != nil {
		t.Fatal(err)
	}
	levels, parents := map[string]int{}, map[string]string{}
	for _, p := range d.places {
		levels[p.PCode], parents[p.PCode] = p.Level, p.Parent
	}
	for _, p := range d.places {
		if p.Level > 0 && levels[p.Parent] != p.Level-1 {
			t.Errorf("place %s of level %d is in %q", p.PCode, p.Level, p.Parent)
		}
	}
	for _, p := range d.projects {
		if levels[p.Place] != 3 || programme.Region(p.Place) != p.Region {
			t.Errorf("project %s is in %s, region %s", p.Code, p.Place, p.Region)
		}
	}
	for _, m := range makeMonth(d, now) {
		if m.Kind == programme.Open {
			continue
		}
		if levels[m.Place] != 3 || programme.Region(m.Place) != m.Region || !slices.Contains([]string{"ML04", "ML05", "ML06"}, m.Region) {
			t.Errorf("a %s is in %q, region %q", m.Kind, m.Place, m.Region)
		}
	}
	for _, x := range d.texts {
		_, known := levels[x.about]
		if x.kind == programme.Tension && x.about != "" && !known {
			t.Errorf("a text is about %q", x.about)
		}
	}
}

func TestAGroupNameSaysNothingOfItsPlaceAndALeaderCanReport(t *testing.T) {
	b := newBench(t)
	p := b.load(t)
	groups, phones := map[string]int{}, map[string]int{}
	for _, l := range p.Leaders {
		groups[l.Group]++
		phones[l.Phone]++
		leads, err := b.Leads(t.Context(), b.Ring.Pseudonym(l.Phone).Bytes())
		if err != nil {
			t.Fatal(err)
		}
		i := slices.IndexFunc(leads, func(s store.Leader) bool { return s.Group == l.Group })
		if i < 0 || !b.Ring.PINMatches(l.Group, l.PIN, leads[i].PINHash) {
			t.Errorf("the PIN of %v does not match", l)
			continue
		}
		if want := "Groupe " + strings.TrimPrefix(l.Group, "G-"); leads[i].Name != want {
			t.Errorf("a group is called %q, want %q", leads[i].Name, want)
		}
		if !regexp.MustCompile(`^\+2230000\d{4}$`).MatchString(l.Phone) || !regexp.MustCompile(`^\d{4}$`).MatchString(l.PIN) {
			t.Errorf("%v has a phone or PIN of another form", l)
		}
	}
	if groups["G-KAB1"] != 2 || phones["+22300000104"] != 2 || len(groups) != 12 || len(phones) != 12 {
		t.Errorf("%d groups and %d phones: %v, %v", len(groups), len(phones), groups, phones)
	}
	n := b.count(t, `select count(*) from grp g join project p on p.code = g.project where p.kind not in ('capital', 'butter') or p.region <> g.region`)
	if n != 0 {
		t.Errorf("%d groups on projects of another kind or region", n)
	}
}

func TestEveryAccountLogsInAndReachesItsOwnRegions(t *testing.T) {
	b := newBench(t)
	p := b.load(t)
	h := staff.NewHasher(random)
	roles := map[staff.Role]bool{}
	three := []string{"ML06", "ML05", "ML04"}
	for _, l := range p.Logins {
		a, err := b.StaffByUsername(t.Context(), l.User)
		if err != nil {
			t.Fatal(err)
		}
		if ok, err := h.Verify(t.Context(), l.Password, string(a.PasswordHash)); !ok || err != nil {
			t.Errorf("%s does not log in: %v", l.User, err)
		}
		if !a.Active || a.Role != l.Role || !staff.ValidUsername(a.Username) {
			t.Errorf("%s is active: %v, role %s", l.User, a.Active, a.Role)
		}
		roles[a.Role] = true
		want := map[string][]string{"viewer": three, "officer": three, "peace": three, "officer-mopti": {"ML05"}}[l.User]
		if !slices.Equal(a.Regions, want) {
			t.Errorf("%s has the regions %v, want %v", l.User, a.Regions, want)
		}
		list, err := b.SubmissionsBefore(t.Context(), a.Scope(), store.SubmissionFilter{}, "", 1000)
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range list {
			if len(want) > 0 && s.Region != "" && !slices.Contains(want, s.Region) || s.Level == programme.L2 && (a.Role == staff.Viewer || a.Role == staff.Officer) {
				t.Errorf("%s sees a %s of region %q", l.User, s.Level, s.Region)
			}
		}
		sees := l.User != "protection" && l.User != "translator"
		if (len(list) > 0) != sees {
			t.Errorf("%s sees %d submissions", l.User, len(list))
		}
	}
	if len(roles) != len(staff.Roles) || len(p.Logins) != 8 {
		t.Errorf("%d logins of %d roles", len(p.Logins), len(roles))
	}
}

func TestTheFocalPointOpensEveryConfidentialMessage(t *testing.T) {
	b := newBench(t)
	b.load(t)
	a, err := b.StaffByUsername(t.Context(), "protection")
	if err != nil {
		t.Fatal(err)
	}
	private, err := vault.UnwrapPrivateKey(a.Confidential, fixed(""))
	if err != nil {
		t.Fatal(err)
	}
	rows, err := b.ConfidentialNewest(t.Context(), a.Scope(), 50)
	if err != nil || len(rows) < 3 || len(rows) > 5 {
		t.Fatalf("%d rows, %v", len(rows), err)
	}
	for _, r := range rows {
		plain, err := private.Open(r.Sealed)
		if err != nil {
			t.Fatal(err)
		}
		var body programme.ConfidentialBody
		if err := json.Unmarshal(plain, &body); err != nil {
			t.Fatal(err)
		}
		if body.Text != "" || body.Answers["when"] == "" || !strings.HasPrefix(body.Number, "+2230000") || len(body.Number) != 12 {
			t.Errorf("body %+v", body)
		}
		st, err := b.StatusByReference(t.Context(), b.Ring.Pseudonym(body.Number).Bytes(), r.Reference)
		if err != nil || st != programme.New {
			t.Errorf("by its reference it stands as %q, %v", st, err)
		}
	}
}

func TestTheMonthHasTheCountsAndWeightsOfTheContext(t *testing.T) {
	b := newBench(t)
	b.load(t)
	list := b.submissions(t)
	kinds, media, languages, statuses, levels := map[programme.Kind]int{}, map[string]int{}, map[string]int{}, map[programme.Status]int{}, map[programme.Level]int{}
	answers := map[string]int{}
	spoken := map[string]bool{}
	for i, s := range list {
		kinds[s.Kind]++
		media[s.Medium]++
		languages[s.Language]++
		statuses[s.Status]++
		levels[s.Level]++
		for k, v := range s.Answers {
			answers[string(s.Kind)+" "+k+" "+v]++
		}
		if s.Text != "" {
			if spoken[s.Text] {
				t.Errorf("said twice: %q", s.Text)
			}
			spoken[s.Text] = true
		}
		if programme.LooksConfidential(s.Text) {
			t.Errorf("looks confidential and is %s: %q", s.Level, s.Text)
		}
		if i > 0 && s.ReceivedAt.After(list[i-1].ReceivedAt) {
			t.Errorf("submission %d came before the one after it", i)
		}
		if age := now.Sub(s.ReceivedAt); age <= 0 || age > month || !awake(s.ReceivedAt) {
			t.Errorf("received at %v", s.ReceivedAt)
		}
		if (s.Medium == "sms") == s.SentAt.IsZero() || s.Channel != channel || s.Kind == programme.Open && (s.Medium != "sms" || s.Text == "") {
			t.Errorf("a %s by %s on %s, sent at %v", s.Kind, s.Medium, s.Channel, s.SentAt)
		}
		if _, ok := programme.ParseReference(string(s.Reference)); !ok {
			t.Errorf("reference %s", s.Reference)
		}
	}
	t.Logf("%v %v %v %v %v, %d with words", kinds, levels, media, languages, statuses, len(spoken))
	within := func(what string, got, low, high int) {
		t.Helper()
		if got < low || got > high {
			t.Errorf("%s: %d, want %d to %d", what, got, low, high)
		}
	}
	within("feedback", kinds[programme.Feedback], 90, 90)
	within("tensions", kinds[programme.Tension], 30, 30)
	within("reports", kinds[programme.Progress], 10, 20)
	within("open messages", kinds[programme.Open], 12, 12)
	for k, share := range map[string]float64{"P": .28, "Q": .20, "S": .18, "M": .18, "I": .09, "R": .07} {
		within("feedback "+k, answers["feedback type "+k], int(90*share), int(90*share)+1)
	}
	for k, share := range map[string]float64{"1": .05, "2": .10, "3": .25, "4": .35, "5": .25} {
		within("rating "+k, answers["feedback rating "+k], int(90*share), int(90*share)+1)
	}
	for k, share := range map[string]float64{"P1": .25, "P2": .40, "P3": .17, "P4": .13, "P5": .03, "P0": .02} {
		within("phase "+k, answers["tension phase "+k], int(30*share), int(30*share)+1)
	}
	for k, share := range map[string]float64{"G1": .21, "G2": .09, "G3": .10, "G4": .03, "G5": .30, "G6": .10, "G7": .14, "G8": .03} {
		within("group "+k, answers["tension type "+k], int(30*share), int(30*share)+1)
	}
	within("by ussd", media["ussd"], 75, 110)
	within("in French", languages["fr"], 85, 125)
	within("in Bambara", languages["bm"], 4, 30)
	within("in Songhay", languages["ses"], 8, 45)
	within("L2", levels[programme.L2], 12, 20)
	within("new", statuses[programme.New], 8, 45)
	within("answered or closed", statuses[programme.Answered]+statuses[programme.Closed], 50, 110)
	within("with words", len(spoken), 60, 90)
}

func TestAStatusIsWhatItsMovesMadeOfItAndStaffMadeThem(t *testing.T) {
	d, err := readData()
	if err != nil {
		t.Fatal(err)
	}
	newest, waiting := 0, 0
	for _, m := range makeMonth(d, now) {
		at, status := m.ReceivedAt, programme.New
		for _, e := range m.moves {
			if !e.At.After(at) || !e.At.Before(now) || e.From != status || !programme.CanMove(e.From, e.To) {
				t.Errorf("moved from %s (%s) to %s at %v, after %v", e.From, status, e.To, e.At, at)
			}
			at, status = e.At, e.To
			i := slices.IndexFunc(team, func(a staff.Account) bool { return a.Username == e.Staff })
			scope := team[i].Scope()
			if !slices.Contains(scope.Levels, m.Level) || len(scope.Regions) > 0 && !slices.Contains(scope.Regions, m.Region) {
				t.Errorf("%s moved a %s of %q", e.Staff, m.Level, m.Region)
			}
		}
		if m.Status != status || len(m.moves) > 3 {
			t.Errorf("stands as %s after moves to %s", m.Status, status)
		}
		if now.Sub(m.ReceivedAt) < 2*24*time.Hour {
			newest++
			if m.Status == programme.New {
				waiting++
			}
		}
	}
	if waiting*3 < newest*2 || waiting == 0 {
		t.Errorf("%d of the %d newest are new", waiting, newest)
	}
}

func TestEveryNoteOpens(t *testing.T) {
	b := newBench(t)
	b.load(t)
	notes := 0
	for _, s := range b.submissions(t) {
		events, err := b.EventsOf(t.Context(), staff.ScopeOf(staff.Coordinator, nil), s.ID)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range events {
			if e.Staff == "" {
				t.Errorf("moved by nobody")
			}
			if len(e.Sealed) == 0 {
				continue
			}
			if _, err := b.Ring.Open(e.Sealed, "note/"+s.ID); err != nil {
				t.Errorf("note of %s: %v", s.ID, err)
			}
			notes++
		}
	}
	if notes < 50 {
		t.Errorf("%d notes", notes)
	}
}

func TestReportsHaveTheCoreSixForAMonthThatThePhoneOffers(t *testing.T) {
	d, err := readData()
	if err != nil {
		t.Fatal(err)
	}
	bounds := map[string][2]int{"MEM": {3, 300}, "REU": {0, 31}, "EPA": {0, 10_000_000}, "REC": {0, 20_000_000}, "EQU": {1, 5}, "PB": {0, 8}}
	// Whatever the day of the month it is loaded on.
	for day := range 70 {
		at := now.AddDate(0, 0, day)
		if day%3 == 0 {
			at = at.Truncate(24 * time.Hour).Add(3 * time.Hour) // nobody is awake
		}
		seen, reports, lost := map[string]bool{}, 0, 0
		for _, m := range makeMonth(d, at) {
			if m.Kind != programme.Progress {
				continue
			}
			reports++
			of, err := time.Parse("2006-01", m.Answers["month"])
			if err != nil || of.After(m.ReceivedAt) {
				t.Fatalf("a report of %s for %q", m.ReceivedAt, m.Answers["month"])
			}
			if key := m.Group + m.Answers["month"]; seen[key] {
				t.Errorf("%s reports %s twice", m.Group, m.Answers["month"])
			} else {
				seen[key] = true
			}
			if len(m.Answers) != len(bounds)+1 {
				t.Errorf("answers %v", m.Answers)
			}
			for k, bound := range bounds {
				var v int
				if _, err := fmt.Sscan(m.Answers[k], &v); err != nil || v < bound[0] || v > bound[1] {
					t.Errorf("%s is %q", k, m.Answers[k])
				}
			}
			if m.Confirmed != (m.Medium == "ussd") || (m.Answers["EQU"] == "4") != (m.Level == programme.L2) {
				t.Errorf("a report by %s is confirmed: %v; its level is %s with %v", m.Medium, m.Confirmed, m.Level, m.Answers)
			}
			if m.Level == programme.L2 {
				lost++
			}
		}
		if reports < 10 || reports > 20 || lost != 1 {
			t.Errorf("loaded on %s: %d reports, %d of them L2", at.Format(time.DateOnly), reports, lost)
		}
	}
}

func TestTheSameMomentGivesTheSameMonth(t *testing.T) {
	d, err := readData()
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(makeMonth(d, now), makeMonth(d, now)) || !reflect.DeepEqual(makeConfidential(now), makeConfidential(now)) {
		t.Error("two months of the same moment differ")
	}
}

func TestNoPhoneNumberPINOrPasswordIsInTheDatabase(t *testing.T) {
	b := newBench(t)
	p := b.load(t)
	number := regexp.MustCompile(`\+?223\d{8}|\+?223 ?0000|\b0000\d{4}\b`)
	for table, rows := range b.dump(t) {
		for _, r := range rows {
			readable := regexp.MustCompile(`\\+x[0-9a-f]+`).ReplaceAllString(r, "") // bytes: pseudonyms, hashes and what is sealed
			readable = regexp.MustCompile(`[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f-]{17}[0-9a-f]{12}|\$argon2id\S+`).ReplaceAllString(readable, "")
			if m := number.FindString(readable); m != "" {
				t.Errorf("%s holds %q: %s", table, m, r)
			}
			if strings.Contains(r, fixed("")) {
				t.Errorf("%s holds a password", table)
			}
			for _, l := range p.Leaders {
				for _, s := range []string{l.Phone, l.Phone[1:], l.Phone[4:], fmt.Sprintf("%x", l.Phone), fmt.Sprintf("%x", l.Phone[4:])} {
					if strings.Contains(r, s) && (len(s) > 8 || strings.Contains(readable, s)) {
						t.Errorf("%s holds a leader's number: %s", table, r)
					}
				}
				if table == "leader" && strings.Contains(readable, l.PIN) {
					t.Errorf("%s holds a PIN: %s", table, r)
				}
			}
		}
	}
}

func TestAnotherPasswordIsTakenButOpensNoConfidentialKey(t *testing.T) {
	b := newBench(t)
	b.load(t)
	b.Password = func(user string) string { return "another for " + user }
	p := b.load(t)
	if p.Loaded || !p.Locked {
		t.Errorf("loaded %v, locked %v", p.Loaded, p.Locked)
	}
	h := staff.NewHasher(random)
	for _, l := range p.Logins {
		a, err := b.StaffByUsername(t.Context(), l.User)
		if err != nil {
			t.Fatal(err)
		}
		if ok, err := h.Verify(t.Context(), "another for "+l.User, string(a.PasswordHash)); !ok || err != nil {
			t.Errorf("%s does not log in: %v", l.User, err)
		}
	}
	if p = b.load(t); !p.Locked {
		t.Error("a later start does not say that the key is locked")
	}
	b.Password = fixed
	if p = b.load(t); p.Locked {
		t.Error("the first passwords do not open the key any more")
	}
}

func TestAnAccountThatIsNotTheDemosIsLeftAlone(t *testing.T) {
	b := newBench(t)
	id := "00000000-0000-8000-8000-000000000001"
	act := audit.NewChain(b.Ring, func() time.Time { return now }).Draft(audit.Entry{Actor: "cli:test", Act: audit.AccountAdd, Object: id})
	err := b.AddStaff(t.Context(), staff.Account{
		ID: id, Username: "officer", Name: "Awa", Role: staff.Viewer, PasswordHash: "x", Language: "fr", Active: true, CreatedAt: now,
	}, act)
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		p := b.load(t)
		if len(p.Logins) != 7 || slices.ContainsFunc(p.Logins, func(l Login) bool { return l.User == "officer" }) {
			t.Errorf("logins %v", p.Logins)
		}
		if a, err := b.StaffByUsername(t.Context(), "officer"); err != nil || a.Role != staff.Viewer || a.PasswordHash != "x" {
			t.Errorf("the account is %v now, %v", a, err)
		}
	}
}

func TestALoadThatWasCutLeavesNothingAndTheNextOneWorks(t *testing.T) {
	b := newBench(t)
	ctx, cancel := context.WithCancel(t.Context())
	given := b.Ring
	b.Password = func(user string) string {
		if user == "administrator" {
			cancel() // the pair is made, nothing is stored
		}
		return fixed(user)
	}
	if _, err := Load(ctx, b.Store, b.Options); err == nil {
		t.Fatal("a load that was cut says that it is done")
	}
	for table, rows := range b.dump(t) {
		if slices.Contains([]string{"place", "project", "grp", "leader", "staff", "submission", "submission_event", "confidential"}, table) && len(rows) > 0 {
			t.Errorf("%s has %d rows", table, len(rows))
		}
	}
	b.Ring, b.Password = given, fixed
	if p := b.load(t); !p.Loaded || !p.Ring.HasConfidential() {
		t.Errorf("the next load: loaded %v, confidential pair %v", p.Loaded, p.Ring.HasConfidential())
	}
	if p := b.load(t); p.Locked {
		t.Error("the wrapped key does not belong to the password")
	}
}

func TestPasswordsAreAskedForOneAfterTheOther(t *testing.T) {
	b := newBench(t)
	drawn := map[string]string{} // a map that two at once would break
	b.Password = func(user string) string {
		drawn[user] += "x"
		return fixed(user)
	}
	b.load(t)
	if names := slices.Sorted(maps.Keys(drawn)); !slices.Equal(names, slices.Sorted(slices.Values(Users()))) {
		t.Errorf("asked for %v", names)
	}
}
