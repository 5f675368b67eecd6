package casework

import (
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"lafia/internal/programme"
	"lafia/internal/staff"
)

func TestAReaderSeesHerLevelsAndRegionsAndNothingElse(t *testing.T) {
	b := newBench(t)
	here := b.submit(t, programme.Submission{Region: "ML06", Text: "le puits"})
	foreign := b.submit(t, programme.Submission{Region: "ML07", Text: "ailleurs"})
	l2 := b.submit(t, programme.Submission{Region: "ML06", Level: programme.L2, Kind: programme.Tension, Text: "vol"})
	for _, c := range []struct {
		role staff.Role
		want []string
	}{
		{staff.Viewer, []string{here}},
		{staff.Officer, []string{here}},
		{staff.Peace, []string{l2, here}},
		{staff.Protection, nil},
		{staff.Coordinator, []string{l2, foreign, here}},
		{staff.Translator, nil},
		{staff.Administrator, []string{l2, foreign, here}},
	} {
		scope := staff.ScopeOf(c.role, []string{"ML06"}).By("test")
		p, err := b.List(t.Context(), scope, Filter{}, "")
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, m := range p.Messages {
			got = append(got, m.ID)
			if (m.State == TextOpen) != scope.Words || (m.Text != "") != scope.Words {
				t.Errorf("%s: text %q in state %d", c.role, m.Text, m.State)
			}
		}
		if !slices.Equal(got, c.want) || p.New != len(c.want) {
			t.Errorf("%s lists %v (%d new), want %v", c.role, got, p.New, c.want)
		}
		for _, id := range []string{here, foreign, l2, "00000000-0000-8000-8000-999999999999", "x", strings.Repeat("'", 36)} {
			_, err := b.Read(t.Context(), scope, id)
			if slices.Contains(c.want, id) != (err == nil) || (err != nil && !errors.Is(err, ErrNotFound)) {
				t.Errorf("%s reads %s: %v", c.role, id, err)
			}
		}
		var exported []string
		for s, err := range b.Export(t.Context(), scope, Exporting{WithText: true}) {
			if err != nil {
				t.Fatal(err)
			}
			exported = append(exported, s.ID)
			if (s.Text != "") != scope.Words {
				t.Errorf("%s exports %q", c.role, s.Text)
			}
		}
		slices.Reverse(exported)
		if !slices.Equal(exported, c.want) {
			t.Errorf("%s exports %v, want %v", c.role, exported, c.want)
		}
	}
}

func TestFiltersAndPagesMeetEveryMessageOnce(t *testing.T) {
	b := newBench(t)
	for i := range 60 {
		s := programme.Submission{Project: []string{"LAF1", "LAF2"}[i%2], Kind: programme.Feedback}
		if i%3 == 0 {
			s.Kind, s.Status = programme.Open, programme.Closed
		}
		b.submit(t, s)
	}
	scope := staff.ScopeOf(staff.Coordinator, nil).By("test")
	for _, c := range []struct {
		f    Filter
		want int
	}{
		{Filter{}, 60}, {Filter{Project: "LAF1"}, 30}, {Filter{Kind: programme.Open}, 20}, {Filter{Status: programme.New, Project: "LAF2"}, 20},
		{Filter{Language: "bm"}, 0}, {Filter{Language: "fr", Kind: programme.Feedback}, 40},
	} {
		seen := map[string]bool{}
		n := ""
		for {
			p, err := b.List(t.Context(), scope, c.f, n)
			if err != nil {
				t.Fatal(err)
			}
			for _, m := range p.Messages {
				if seen[m.ID] {
					t.Errorf("%+v: %s twice", c.f, m.ID)
				}
				seen[m.ID] = true
			}
			if n = p.Next; n == "" {
				break
			}
		}
		if len(seen) != c.want {
			t.Errorf("%+v meets %d, want %d", c.f, len(seen), c.want)
		}
	}
}

func TestATextThatDoesNotOpenIsAStateOfItsRow(t *testing.T) {
	b := newBench(t)
	good, bad := b.submit(t, programme.Submission{Text: "bon"}), b.submit(t, programme.Submission{Text: "mauvais"})
	b.exec(t, `update submission set sealed = (select sealed from submission where id = $1::text::uuid) where id = $2::text::uuid`, good, bad)
	p, err := b.List(t.Context(), staff.ScopeOf(staff.Coordinator, nil).By("test"), Filter{}, "")
	if err != nil || len(p.Messages) != 2 {
		t.Fatalf("%d messages, %v", len(p.Messages), err)
	}
	if p.Messages[0].State != TextShut || p.Messages[0].Text != "" || p.Messages[1].State != TextOpen {
		t.Errorf("states %d and %d", p.Messages[0].State, p.Messages[1].State)
	}
}

func TestAmountsAreWithheldFromWhoReadsNoWords(t *testing.T) {
	b := newBench(t)
	id := b.submit(t, programme.Submission{Kind: programme.Progress, Answers: map[string]string{"MEM": "24", "EPA": "24000", "REC": "42000"}})
	for role, want := range map[staff.Role]int{staff.Viewer: 1, staff.Officer: 3} {
		r, err := b.Read(t.Context(), staff.ScopeOf(role, nil).By("test"), id)
		if err != nil || len(r.Answers) != want {
			t.Errorf("%s reads %v, %v", role, r.Answers, err)
		}
	}
}

func TestAMoveIsWrittenOnceWithItsNoteSealed(t *testing.T) {
	b := newBench(t)
	id := b.submit(t, programme.Submission{Text: "le puits"})
	who := b.account(t, staff.Officer)
	m := Move{ID: id, From: programme.New, To: programme.Acknowledged, Note: "Vu avec le comité.\r\nÀ suivre."}
	for i, want := range []bool{false, true, true} {
		if already, err := b.Move(t.Context(), who, m); err != nil || already != want {
			t.Fatalf("send %d: already %v, %v", i, already, err)
		}
	}
	r, err := b.Read(t.Context(), who.Scope(), id)
	if err != nil || r.Status != programme.Acknowledged || len(r.Events) != 1 {
		t.Fatalf("%+v, %v", r, err)
	}
	if e := r.Events[0]; e.Note != "Vu avec le comité.\nÀ suivre." || e.Staff != who.Name || e.State != TextOpen {
		t.Errorf("event %+v", e)
	}
	if n := count(t, b, `select count(*)::int from submission_event where position('comit'::bytea in sealed_note) > 0`); n != 0 {
		t.Error("the note lies there readable")
	}
}

func TestOfTwoStaffAtOnceTheSecondIsToldAndOverwritesNothing(t *testing.T) {
	b := newBench(t)
	first, second := b.account(t, staff.Officer), b.account(t, staff.Coordinator)
	for range 10 {
		id := b.submit(t, programme.Submission{})
		var wg sync.WaitGroup
		errs := make([]error, 2)
		for i, who := range []staff.Account{first, second} {
			wg.Go(func() {
				to := []programme.Status{programme.Acknowledged, programme.Closed}[i]
				_, errs[i] = b.Move(t.Context(), who, Move{ID: id, From: programme.New, To: to})
			})
		}
		wg.Wait()
		var told *MovedError
		if (errs[0] == nil) == (errs[1] == nil) || !errors.As(errors.Join(errs...), &told) {
			t.Fatalf("errors %v", errs)
		}
		r, err := b.Read(t.Context(), first.Scope(), id)
		if err != nil || len(r.Events) != 1 || told.Status != r.Status || told.By != r.Events[0].Staff {
			t.Fatalf("%+v %v; the second is told %+v", r, err, told)
		}
	}
}

func TestWhoMayNotMoveMeetsNothing(t *testing.T) {
	b := newBench(t)
	id := b.submit(t, programme.Submission{Region: "ML07"})
	for _, who := range []staff.Account{b.account(t, staff.Viewer), b.account(t, staff.Officer, "ML06"), b.account(t, staff.Protection), b.account(t, staff.Translator)} {
		if _, err := b.Move(t.Context(), who, Move{ID: id, From: programme.New, To: programme.Closed}); !errors.Is(err, ErrNotFound) {
			t.Errorf("%s: %v", who.Role, err)
		}
	}
	who := b.account(t, staff.Coordinator)
	if _, err := b.Move(t.Context(), who, Move{ID: id, From: programme.New, To: "gone"}); !errors.Is(err, ErrCannotMove) {
		t.Errorf("an unknown status: %v", err)
	}
	if _, err := b.Move(t.Context(), who, Move{ID: id, From: programme.New, To: programme.Closed, Note: strings.Repeat("é", NoteMost+1)}); !errors.Is(err, ErrNoteLong) {
		t.Errorf("a long note: %v", err)
	}
}

func TestLoginGivesOneAnswerToAllThatIsWrong(t *testing.T) {
	b := newBench(t)
	b.account(t, staff.Officer)
	b.account(t, staff.Viewer)
	b.exec(t, `update staff set active = false where role = 'viewer'`)
	for i, c := range []struct{ user, password string }{
		{"officer0", "un autre mot de passe"}, {"nobody", "un mot de passe long"}, {"viewer0", "un mot de passe long"}, {"", ""},
		{strings.Repeat("a", 1000), strings.Repeat("a", 100_000)}, {"'; drop table staff; --", "un mot de passe long"},
	} {
		if _, err := b.Login(t.Context(), c.user, c.password, "192.0.2.1"); !errors.Is(err, ErrCredentials) {
			t.Errorf("case %d: %v", i, err)
		}
	}
	e, err := b.Login(t.Context(), " Officer0 ", "un mot de passe long", "192.0.2.1")
	if err != nil {
		t.Fatal(err)
	}
	got, err := b.Session(t.Context(), e.Token)
	if err != nil || got.Username != "officer0" {
		t.Fatalf("session of %q, %v", got.Username, err)
	}
	b.now = b.now.Add(30 * time.Minute)
	if _, err := b.Session(t.Context(), e.Token); err != nil {
		t.Fatal(err)
	}
	b.now = b.now.Add(50 * time.Minute) // idle since the last use, not since the login
	if _, err := b.Session(t.Context(), e.Token); err != nil {
		t.Fatal(err)
	}
	if err := b.Logout(t.Context(), e.Token); err != nil {
		t.Fatal(err)
	}
	if _, err := b.Session(t.Context(), e.Token); !errors.Is(err, ErrNoSession) {
		t.Fatalf("after logout: %v", err)
	}
}

func TestASessionDiesOfIdlenessAndWithItsAccount(t *testing.T) {
	b := newBench(t)
	b.account(t, staff.Officer)
	login := func() string {
		e, err := b.Login(t.Context(), "officer0", "un mot de passe long", "192.0.2.1")
		if err != nil {
			t.Fatal(err)
		}
		return e.Token
	}
	token := login()
	b.now = b.now.Add(staff.IdleMost)
	if _, err := b.Session(t.Context(), token); !errors.Is(err, ErrNoSession) {
		t.Errorf("after an hour of idleness: %v", err)
	}
	token = login()
	b.exec(t, `update staff set active = false`)
	if _, err := b.Session(t.Context(), token); !errors.Is(err, ErrNoSession) {
		t.Errorf("of a closed account: %v", err)
	}
}

func TestGuessesWaitInLineButOnlyFromTheirOwnNetwork(t *testing.T) {
	th, now := newThrottle(), time.Date(2026, 11, 24, 9, 0, 0, 0, time.UTC)
	key := throttleKey("awa", "192.0.2.7")
	if key != throttleKey("awa", "192.0.2.99") || key == throttleKey("awa", "198.51.100.7") || key == throttleKey("moussa", "192.0.2.7") {
		t.Fatal("the line is not that of an account and a network")
	}
	var waits []time.Duration
	refused := 0
	for range 20 { // all at once
		w, err := th.reserve(key, now)
		var wait *WaitError
		if errors.As(err, &wait) {
			refused++
			continue
		}
		waits = append(waits, w)
	}
	if want := []time.Duration{0, 0, 0, time.Second, 3 * time.Second, 7 * time.Second}; !slices.Equal(waits, want) || refused != 14 {
		t.Errorf("waits %v, %d refused", waits, refused)
	}
	if w, err := th.reserve(throttleKey("awa", "198.51.100.7"), now); w != 0 || err != nil {
		t.Errorf("from another network: %v, %v", w, err)
	}
	if w, err := th.reserve(key, now.Add(10*time.Second)); err != nil || w > delayMost {
		t.Errorf("ten seconds later: %v, %v", w, err)
	}
	th.clear(key)
	if w, err := th.reserve(key, now); w != 0 || err != nil {
		t.Errorf("after the right password: %v, %v", w, err)
	}
	for i := range 3 * throttleMost {
		_, _ = th.reserve(strings.Repeat("x", i%50)+string(rune('0'+i%1000))+time.Duration(i).String(), now)
	}
	if len(th.seen) > throttleMost {
		t.Errorf("remembers %d", len(th.seen))
	}
}

func TestConfidentialOpensForAFocalPointAndHerPasswordOnly(t *testing.T) {
	b := newBench(t)
	body, err := json.Marshal(programme.ConfidentialBody{Source: "menu", Answers: map[string]string{"when": "morning"}, Number: "+22300000001"})
	if err != nil {
		t.Fatal(err)
	}
	sealed, err := b.ring.SealConfidential(body)
	if err != nil {
		t.Fatal(err)
	}
	insert := `insert into confidential (id, contact, reference, sealed, received_at) values ($1::text::uuid, $2, '48271936', $3, $4)`
	b.exec(t, insert, "00000000-0000-8000-8000-000000000001", make([]byte, 32), sealed, b.now)
	b.exec(t, insert, "00000000-0000-8000-8000-000000000002", make([]byte, 32), []byte("broken"), b.now)
	who := b.account(t, staff.Protection)
	list, err := b.Confidential(t.Context(), who, "un mot de passe long", "192.0.2.1")
	if err != nil || len(list) != 2 {
		t.Fatalf("%d, %v", len(list), err)
	}
	if list[0].Opened || !list[1].Opened || list[1].Body.Answers["when"] != "morning" {
		t.Errorf("%+v", list)
	}
	if _, err := b.Confidential(t.Context(), who, "un autre mot de passe", "192.0.2.1"); !errors.Is(err, ErrCredentials) {
		t.Errorf("another password: %v", err)
	}
	other := b.account(t, staff.Administrator)
	other.Confidential = who.Confidential
	if _, err := b.Confidential(t.Context(), other, "un mot de passe long", "192.0.2.1"); !errors.Is(err, ErrNotFound) {
		t.Errorf("an administrator with the key's wrapping: %v", err)
	}
	if rows, err := b.store.ConfidentialNewest(t.Context(), other.Scope(), 10); err != nil || len(rows) != 0 {
		t.Errorf("the store gives an administrator %d rows, %v", len(rows), err)
	}
}

func TestAccountsAreListedForTheAdministratorWithoutWhatOpensAnything(t *testing.T) {
	b := newBench(t)
	focal, admin := b.account(t, staff.Protection), b.account(t, staff.Administrator)
	if _, err := b.Accounts(t.Context(), focal); !errors.Is(err, ErrNotFound) {
		t.Errorf("a focal point: %v", err)
	}
	list, err := b.Accounts(t.Context(), admin)
	if err != nil || len(list) != 2 {
		t.Fatalf("%d, %v", len(list), err)
	}
	for _, a := range list {
		if a.PasswordHash != "" || a.Confidential != nil {
			t.Errorf("%s comes with a secret", a.Username)
		}
	}
}

func TestAnExportOfManyRowsComesInOrderByPages(t *testing.T) {
	b := newBench(t)
	b.exec(t, `insert into submission (id, kind, level, reference, contact, channel, medium, language, received_at)
		select gen_random_uuid(), 'open', 'L1', '48271936', decode(repeat('00', 32), 'hex'), 'demo', 'sms', 'fr', now() from generate_series(1, $1::int)`, 2*exportPage+1)
	var last int64
	n := 0
	for s, err := range b.Export(t.Context(), staff.ScopeOf(staff.Viewer, nil).By("test"), Exporting{WithText: true}) {
		if err != nil || s.N <= last {
			t.Fatalf("row %d has order %d after %d, %v", n, s.N, last, err)
		}
		last, n = s.N, n+1
	}
	if n != 2*exportPage+1 {
		t.Errorf("exported %d", n)
	}
}
