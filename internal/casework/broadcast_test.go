package casework

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"lafia/internal/locale"
	"lafia/internal/programme"
	"lafia/internal/staff"
	"lafia/internal/store/storetest"
	"lafia/locales"
)

// ways let announcements go by the channel demo.
func (b *bench) ways(t *testing.T) *Sending {
	t.Helper()
	b.phones(t, "*384*1#")
	way := &Sending{Channels: map[string]bool{"demo": true}, Prices: map[string]float64{"demo": 20}, Budget: Budget{Month: 1000, Warn: .8}}
	way.Estimate = func(_ context.Context, to []Recipient) (Estimate, error) {
		e := Estimate{Messages: len(to), Segments: len(to), Cost: 20 * float64(len(to)), Takes: time.Minute, Ends: b.now.Add(time.Minute), Left: 1000, Bounded: true, Fits: len(to) <= 50}
		return e, nil
	}
	words, err := locale.Load(locales.Files)
	if err != nil {
		t.Fatal(err)
	}
	p := b.Desk.phones
	p.Sending, p.Fold = way, func(tag, text string) string { return words.Words(tag).Fold(text) }
	for _, l := range words.Offered() {
		p.Languages = append(p.Languages, Language{l.Tag, l.Name})
	}
	b.exec(t, `insert into place (pcode, level, name, gazetteer) values ('ML060504', 3, 'Soboundou', 'x'), ('ML070101', 3, 'Anchawadi', 'x')`)
	b.exec(t, `insert into project (code, dial, name, kind, place, region, phase) values ('LAF1', '19', 'Puits', 'eau', 'ML060504', 'ML06', 1), ('LAF7', '76', 'Jardin', 'jardin', 'ML070101', 'ML07', 1)`)
	return way
}

func contactOf(n int) []byte {
	c := make([]byte, 32)
	c[0], c[1], c[31] = 7, byte(n>>8), byte(n)
	return c
}

// listens adds somebody who said something about a project in a commune, and whether
// she wants news.
func (b *bench) listens(t *testing.T, n int, language string, level programme.Level, project, place string, wants bool) {
	t.Helper()
	c := contactOf(n)
	b.exec(t, `insert into contact (id, language, seen_at, created_at) values ($1, $2, $3, $3)`, c, language, b.now)
	b.exec(t, `insert into number (contact, sealed, consent, keep_until) values ($1, $2, true, $3)`, c, b.ring.Seal([]byte(fmt.Sprintf("+2230000%04d", n)), "number/"+string(c)), b.now.Add(time.Hour))
	b.exec(t, `insert into wish (contact, purpose, given, at, medium) values ($1, 'broadcast', $2, $3, 'sms')`, c, wants, b.now)
	id := b.submit(t, programme.Submission{Level: level, Project: project, Region: programme.Region(place)})
	b.exec(t, `update submission set contact = $2, place = $3 where id = $1::text::uuid`, id, c, place)
}

var news = map[string]string{"fr": "La réunion du groupe est jeudi matin. Pour arreter: STOP.", "bm": "Kulu ka ɲɔgɔnye alamisadon. STOP", "ses": "Marga ga ti alkamisa. STOP"}

func (b *bench) audience(t *testing.T, who staff.Account, a Audience) string {
	t.Helper()
	f, err := b.Foresee(t.Context(), who, Announcing{Audience: a, Words: news})
	if err != nil {
		return err.Error()
	}
	var by []string
	for _, w := range f.Versions {
		by = append(by, fmt.Sprintf("%s %d", w.Tag, w.Readers))
	}
	return strings.Join(by, ", ")
}

func TestAnAnnouncementGoesToWhoAskedForNewsWithinTheScopeOfWhoMakesIt(t *testing.T) {
	b := newBench(t)
	b.ways(t)
	b.listens(t, 1, "fr", programme.L1, "LAF1", "ML060504", true)
	b.listens(t, 2, "bm", programme.L1, "LAF1", "ML060504", true)
	b.listens(t, 3, "ses", programme.L1, "LAF7", "ML070101", true)
	b.listens(t, 4, "khq", programme.L1, "LAF1", "ML060504", false) // said STOP
	b.listens(t, 5, "fr", programme.L2, "LAF1", "ML060504", true)   // a tension alone
	b.listens(t, 6, "fr", programme.L1, "LAF1", "ML060504", true)   // number let go
	b.exec(t, `update number set keep_until = $1 where contact = $2`, b.now, contactOf(6))
	b.listens(t, 7, "fr", programme.L1, "LAF1", "ML060504", true) // asked to be forgotten
	b.exec(t, `insert into erasure (contact, asked_at, due_at) values ($1, $2, $2)`, contactOf(7), b.now)
	b.listens(t, 8, "fr", programme.L1, "LAF1", "ML060504", true) // heard where nothing can be sent
	b.exec(t, `update submission set channel = 'silent' where contact = $1`, contactOf(8))
	officer, all := b.account(t, staff.Officer, "ML06"), b.account(t, staff.Coordinator)
	for _, c := range []struct {
		name string
		who  staff.Account
		a    Audience
		want string
	}{
		{"everybody", all, Audience{}, "fr 2, bm 1, ses 1"},
		{"a region's", officer, Audience{}, "fr 1, bm 1, ses 0"},
		{"a project", all, Audience{Project: "LAF7"}, "fr 0, bm 0, ses 1"},
		{"a commune", officer, Audience{Place: "ML060504"}, "fr 1, bm 1, ses 0"},
		{"a project elsewhere", officer, Audience{Project: "LAF7"}, ErrNotFound.Error()},
		{"a commune elsewhere", officer, Audience{Place: "ML070101"}, ErrNotFound.Error()},
		{"both", all, Audience{Project: "LAF1", Place: "ML060504"}, ErrNotFound.Error()},
		{"the peace team's", b.account(t, staff.Peace, "ML06"), Audience{}, ErrNotFound.Error()},
		{"a viewer's", b.account(t, staff.Viewer, "ML06"), Audience{}, ErrNotFound.Error()},
	} {
		if got := b.audience(t, c.who, c.a); got != c.want {
			t.Errorf("%s: %s, not %s", c.name, got, c.want)
		}
	}
	b.exec(t, `insert into closed_commune (pcode, at) values ('ML060504', $1)`, b.now)
	if got := b.audience(t, officer, Audience{Place: "ML060504"}); got != ErrNotFound.Error() {
		t.Errorf("a closed commune: %s", got)
	}
}

func TestAnAnnouncementIsMadeOnceHoweverOftenItIsConfirmed(t *testing.T) {
	b := newBench(t)
	b.ways(t)
	for i := range 40 {
		b.listens(t, i, []string{"fr", "bm", "ses", ""}[i%4], programme.L1, "LAF1", "ML060504", true)
	}
	who, other := b.account(t, staff.Officer, "ML06"), b.account(t, staff.Officer, "ML06", "ML07")
	a := Announcing{Audience: Audience{Project: "LAF1"}, Words: news, Once: "form"}
	var wg sync.WaitGroup
	fresh := make(chan bool, 8)
	for range 8 {
		wg.Go(func() {
			already, err := b.Announce(context.Background(), who, a)
			if err != nil {
				t.Error(err)
			}
			if !already {
				fresh <- true
			}
		})
	}
	wg.Wait()
	if len(fresh) != 1 {
		t.Fatalf("%d made it", len(fresh))
	}
	a.Once = "another form" // another tab
	if already, err := b.Announce(t.Context(), who, a); !already || err != nil {
		t.Error(already, err)
	}
	all, err := storetest.Outbound(t.Context(), b.store)
	if err != nil || len(all) != 40 {
		t.Fatalf("%d messages, %v", len(all), err)
	}
	seen := map[string]int{}
	for _, o := range all {
		text, err := b.ring.Open(o.Sealed, "outbound/"+o.ID)
		if err != nil || o.Class != "broadcast" || o.Channel != "demo" {
			t.Fatalf("%+v, %v", o, err)
		}
		seen[string(text)]++
	}
	if len(seen) != 3 || seen["La réunion du groupe est jeudi matin. Pour arreter: STOP."] != 20 || seen["Kulu ka nyògònye alamisadon. STOP"] != 10 {
		t.Errorf("%v", seen)
	}
	if n := count(t, b, `select count(*)::int from river_job where queue = 'bulk' and priority = 4`); n != 40 {
		t.Errorf("%d jobs", n)
	}
	list, _, err := b.Announced(t.Context(), who)
	if err != nil || len(list) != 1 || list[0].Waiting != 40 || list[0].Recipients != 40 || list[0].Text != news["fr"] || list[0].Project != "LAF1" {
		t.Fatalf("%+v, %v", list, err)
	}
	// Of a region alone; and who may not see it stops nothing.
	b.exec(t, `update broadcast set region = 'ML05'`)
	if list, _, err := b.Announced(t.Context(), other); err != nil || len(list) != 0 {
		t.Errorf("another region sees %d, %v", len(list), err)
	}
	if _, err := b.StopAnnouncing(t.Context(), other, list[0].ID); !errors.Is(err, ErrNotFound) {
		t.Error(err)
	}
	b.exec(t, `update outbound set state = 'sending' where n = (select min(n) from outbound)`)
	if n, err := b.StopAnnouncing(t.Context(), who, list[0].ID); n != 39 || err != nil {
		t.Errorf("%d stopped, %v", n, err)
	}
	if n, err := b.StopAnnouncing(t.Context(), who, list[0].ID); n != 0 || err != nil {
		t.Errorf("%d stopped again, %v", n, err)
	}
	// What was stopped may be said again.
	if already, err := b.Announce(t.Context(), who, a); already || err != nil {
		t.Error(already, err)
	}
}

func TestAnAnnouncementIsRefusedWithTheReason(t *testing.T) {
	b := newBench(t)
	way := b.ways(t)
	who := b.account(t, staff.Officer, "ML06")
	try := func() error {
		_, err := b.Announce(t.Context(), who, Announcing{Words: news})
		return err
	}
	if err := try(); !errors.Is(err, ErrNobody) {
		t.Error(err)
	}
	for i := range 3 {
		b.listens(t, i, "fr", programme.L1, "LAF1", "ML060504", true)
	}
	for _, c := range []struct {
		name  string
		words map[string]string
		a     Audience
		want  error
	}{
		{"a language lacks", map[string]string{"fr": "Bonjour. STOP", "bm": " ", "ses": "x"}, Audience{}, ErrNoWords},
		{"too long", map[string]string{"fr": strings.Repeat("é", BroadcastLong+1), "bm": "x", "ses": "x"}, Audience{}, ErrWordsLong},
		{"no way out in one language", map[string]string{"fr": "Bonjour. Stop: STOP", "bm": "I ni ce. STOP", "ses": "Bonjour"}, Audience{}, ErrNoWayOut},
	} {
		if _, err := b.Announce(t.Context(), who, Announcing{Audience: c.a, Words: c.words}); !errors.Is(err, c.want) {
			t.Errorf("%s: %v", c.name, err)
		}
	}
	var words *WordsError
	_, err := b.Announce(t.Context(), who, Announcing{Audience: Audience{Place: "ML060504"},
		Words: map[string]string{"fr": "Une plainte, 500 F, a Soboundou. STOP", "bm": "ONG STOP", "ses": "baani stop"}})
	if !errors.As(err, &words) || !slices.Equal(words.Words, []string{"plainte", "500", "Soboundou", "ONG", "baani"}) {
		t.Errorf("%v: %+v", err, words)
	}
	estimate := way.Estimate
	for want, change := range map[error]func(*Estimate){
		ErrOverBudget: func(e *Estimate) { e.Fits = false },
		ErrTooSlow:    func(e *Estimate) { e.Ends = b.now.Add(25 * time.Hour) },
	} {
		way.Estimate = func(ctx context.Context, to []Recipient) (Estimate, error) {
			e, err := estimate(ctx, to)
			change(&e)
			return e, err
		}
		if err := try(); !errors.Is(err, want) {
			t.Errorf("%v, not %v", err, want)
		}
	}
	way.Estimate = nil
	if err := try(); !errors.Is(err, ErrNoSending) {
		t.Error(err)
	}
	if n := count(t, b, `select count(*)::int from outbound`) + count(t, b, `select count(*)::int from broadcast`); n != 0 {
		t.Errorf("%d rows were left", n)
	}
}

func TestThousandsAreQueuedWithinTheTimeOfAPage(t *testing.T) {
	b := newBench(t)
	way := b.ways(t)
	way.Estimate = func(_ context.Context, to []Recipient) (Estimate, error) {
		return Estimate{Messages: len(to), Ends: b.now, Fits: true}, nil
	}
	b.exec(t, `insert into wish (contact, purpose, given, at, medium) select sha256(i::text::bytea), 'broadcast', true, $1, 'sms' from generate_series(1, $2::int) i`, b.now, BroadcastMost+1)
	b.exec(t, `insert into number (contact, sealed, consent, keep_until) select contact, 'x', true, $1 from wish`, b.now.Add(time.Hour))
	b.exec(t, `insert into inbound (id, contact, channel, sealed, answerable, received_at) select gen_random_uuid(), contact, 'demo', '', true, at from wish`)
	who := b.account(t, staff.Coordinator)
	if _, err := b.Announce(t.Context(), who, Announcing{Words: news}); !errors.Is(err, ErrTooMany) {
		t.Error(err)
	}
	b.exec(t, `delete from wish where contact = sha256('1')`)
	start := time.Now()
	if already, err := b.Announce(t.Context(), who, Announcing{Words: news}); already || err != nil {
		t.Fatal(already, err)
	}
	took := time.Since(start)
	t.Logf("%d queued in %v", count(t, b, `select count(*)::int from outbound`), took)
	if took > 15*time.Second {
		t.Errorf("it took %v", took)
	}
}
