package app

import (
	"testing"
	"time"

	"lafia/internal/servers/serverstest"
	"lafia/internal/store"
)

func TestAnErasureThatIsDoneOrCalledOffSinceItWasLookedForIsLeftAlone(t *testing.T) {
	s, err := store.Open(t.Context(), serverstest.Postgres(t), store.Options{MaxConns: 2})
	must(t, err)
	defer s.Close()
	must(t, s.Migrate(t.Context()))
	m, err := openMemory(t.TempDir())
	must(t, err)
	a := &App{store: s, memory: m}

	asked := time.Date(2026, 11, 29, 9, 0, 0, 0, time.UTC)
	now := asked.Add(8 * 24 * time.Hour)
	done, off, due := erasedWho(1), erasedWho(2), erasedWho(3)
	for _, c := range [][]byte{done, off, due} {
		must(t, s.AskErasure(t.Context(), c, asked, now.Add(-time.Minute)))
	}
	must(t, s.Erase(t.Context(), done, now.Add(-time.Second))) // by her phone
	must(t, s.KeepContact(t.Context(), off))
	for _, c := range [][]byte{done, off, due} {
		must(t, a.eraseDue(t.Context(), c, now))
	}
	for _, c := range []struct {
		name    string
		contact []byte
		there   bool
		at      time.Time
	}{
		{"done by her phone", done, true, now.Add(-time.Second)},
		{"called off", off, false, time.Time{}},
		{"due", due, true, now},
	} {
		e, there, err := s.ErasureOf(t.Context(), c.contact)
		must(t, err)
		if there != c.there || !e.At.Equal(c.at) {
			t.Errorf("%s: it is there: %v, done at %v; want %v, %v", c.name, there, e.At, c.there, c.at)
		}
		if _, listed := m.erasedAt(c.contact); listed != (c.name == "due") {
			t.Errorf("%s: it is on the list: %v", c.name, listed)
		}
	}
}
