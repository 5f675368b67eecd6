package store

import (
	"bytes"
	"sync"
	"testing"
	"time"

	"lafia/internal/servers/serverstest"
)

func TestADraftThatIsWrittenBehindAnErasureDoesNotComeBack(t *testing.T) {
	s, err := Open(t.Context(), serverstest.Postgres(t), Options{MaxConns: 8})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if err := s.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	now := time.Date(2026, 11, 24, 9, 0, 0, 0, time.UTC)
	for n := range 150 {
		who := bytes.Repeat([]byte{byte(n), 1}, 16)
		first := Trace{Contact: who, Channel: "a", Medium: "ussd", Language: "fr", Version: 1, Sealed: []byte("words"), At: now, ExpiresAt: now.Add(time.Hour)}
		if n%2 == 0 {
			if err := s.WriteBehind(t.Context(), []Trace{first}); err != nil {
				t.Fatal(err)
			}
		}
		first.Version, first.At = 2, now.Add(time.Second)
		var all sync.WaitGroup
		all.Go(func() {
			if err := s.WriteBehind(t.Context(), []Trace{first}); err != nil {
				t.Error(err)
			}
		})
		all.Go(func() {
			if err := s.Erase(t.Context(), who, now.Add(2*time.Second)); err != nil {
				t.Error(err)
			}
		})
		all.Wait()
		var left int
		if err := s.pool.QueryRow(t.Context(), `select (select count(*) from draft where contact = $1 and sealed is not null) + (select count(*) from contact where id = $1)`, who).Scan(&left); err != nil {
			t.Fatal(err)
		}
		if left > 0 {
			t.Fatalf("round %d: %d rows of one who was erased", n, left)
		}
	}
}

// TestWriteBehindKeepsTheLatestOfEachCaller writes one caller on two channels in
// one batch, then again: a contact is one row, a draft never goes back.
func TestWriteBehindKeepsTheLatestOfEachCaller(t *testing.T) {
	s, err := Open(t.Context(), serverstest.Postgres(t), Options{MaxConns: 4})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if err := s.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	now := time.Date(2026, 11, 24, 9, 0, 0, 0, time.UTC)
	anna, bintou := bytes.Repeat([]byte{1}, 32), bytes.Repeat([]byte{2}, 32)
	write := func(traces ...Trace) {
		t.Helper()
		if err := s.WriteBehind(t.Context(), traces); err != nil {
			t.Fatal(err)
		}
	}
	trace := func(who []byte, channel, language string, version uint64, at time.Time) Trace {
		return Trace{Contact: who, Channel: channel, Medium: "ussd", Language: language, Version: version, Sealed: []byte(channel), At: at, ExpiresAt: at.Add(time.Hour)}
	}
	remembered := func(who []byte, channel string) Remembered {
		t.Helper()
		r, err := s.Remember(t.Context(), who, channel, "ussd", []byte("hop"), now)
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	write(trace(bintou, "a", "", 3, now), trace(anna, "b", "bm", 5, now.Add(time.Second)), trace(anna, "a", "", 4, now), Trace{Contact: anna, Channel: "c", Medium: "ussd", Language: "", At: now})
	if r := remembered(anna, "a"); r.Contact.Language != "bm" || !r.Contact.SeenAt.Equal(now.Add(time.Second)) || r.Draft.Version != 4 {
		t.Errorf("after one batch anna is %+v", r)
	}
	if r := remembered(bintou, "a"); !r.Known || r.Contact.Language != "" || r.Draft.Version != 3 {
		t.Errorf("after one batch bintou is %+v", r)
	}
	write(trace(anna, "a", "", 3, now.Add(2*time.Second)), trace(anna, "b", "fr", 6, now.Add(3*time.Second)))
	if r := remembered(anna, "a"); r.Contact.Language != "fr" || r.Draft.Version != 4 {
		t.Errorf("an older draft came over a newer one, or the language did not change: %+v", r)
	}
	write(trace(anna, "a", "", 7, now.Add(2*time.Minute)))
	if r := remembered(anna, "a"); r.Contact.Language != "fr" || !r.Contact.SeenAt.Equal(now.Add(2*time.Minute)) || r.Draft.Version != 7 {
		t.Errorf("after two minutes anna is %+v", r)
	}
}
