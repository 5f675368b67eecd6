package bench

import (
	"context"
	"log/slog"
	"path/filepath"
	"strconv"
	"sync"
	"testing"
	"time"

	"lafia/flows"
	"lafia/gateway/message"
	"lafia/internal/conversation"
	"lafia/internal/flow"
	"lafia/internal/locale"
	"lafia/internal/programme"
	"lafia/internal/servers/serverstest"
	"lafia/internal/session"
	"lafia/internal/store"
	"lafia/internal/vault"
	"lafia/locales"
)

func TestMain(m *testing.M) { serverstest.Main(m) }

// sessionsInMemory stands in for Redis, so that a benchmark counts what a hop
// itself costs.
type sessionsInMemory struct {
	mu   sync.Mutex
	held map[session.Key]session.Loaded
}

func (s *sessionsInMemory) Load(_ context.Context, k session.Key) (session.Loaded, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.held[k], nil
}

func (s *sessionsInMemory) Save(_ context.Context, k session.Key, expected uint64, v session.Saved) (bool, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	l := s.held[k]
	if l.Version != expected {
		return false, nil
	}
	l.Version, l.Session = v.Version, v.Session
	if v.Contact != nil {
		l.Contact = v.Contact
	}
	s.held[k] = l
	return true, nil
}

// forget drops the sessions and leaves what is known of the contacts.
func (s *sessionsInMemory) forget() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for k, l := range s.held {
		s.held[k] = session.Loaded{Contact: l.Contact}
	}
}

func (s *sessionsInMemory) Begin(context.Context, time.Time) error { return nil }

func (s *sessionsInMemory) Drop(context.Context, session.Key, uint64) error { return nil }

// BenchmarkHop measures the hops of whole conversations up to the one that
// commits: all of a keypress but HTTP, Redis and PostgreSQL.
func BenchmarkHop(b *testing.B) {
	ctx := context.Background()
	url := serverstest.PostgresFrom(b, "bench", func(url string) error {
		s, err := store.Open(ctx, url, store.Options{MaxConns: 2})
		if err != nil {
			return err
		}
		defer s.Close()
		return s.Migrate(ctx)
	})
	must := func(err error) {
		b.Helper()
		if err != nil {
			b.Fatal(err)
		}
	}
	s, err := store.Open(ctx, url, store.Options{})
	must(err)
	b.Cleanup(s.Close)
	must(s.PutPlaces(ctx, "test", []programme.Place{
		{PCode: "ML06", Level: 1, Name: "Tombouctou"}, {PCode: "ML0605", Level: 2, Name: "Tombouctou", Parent: "ML06"},
		{PCode: "ML060504", Level: 3, Name: "Lafia", Parent: "ML0605"},
	}))
	must(s.PutProjects(ctx, []programme.Project{{Code: "LAF1", Dial: "101", Name: "Beurre: barattes et bidons", Place: "ML060504", Region: "ML06", Phase: 1}}, false))
	keys := filepath.Join(b.TempDir(), "keys")
	must(vault.Create(keys))
	ring, err := vault.Open(keys)
	must(err)
	languages, err := locale.Load(locales.Files)
	must(err)
	book, err := flow.Load(flows.Files)
	must(err)
	sessions := &sessionsInMemory{held: map[session.Key]session.Loaded{}}
	c := conversation.New(conversation.Options{
		Ring: ring, Sessions: sessions, Store: s, Book: book, Words: languages, Now: time.Now, Log: slog.New(slog.DiscardHandler), Example: "101",
	})
	must(c.Start(ctx))
	b.Cleanup(c.Stop)

	who := message.ParseNumber("+22399000001")
	if _, err := c.Hop(ctx, "africastalking", message.Inbound{Medium: message.USSD, From: who, SessionID: "first", Cumulative: true}); err != nil {
		b.Fatal(err)
	}
	if _, err := c.Hop(ctx, "africastalking", message.Inbound{Medium: message.USSD, From: who, SessionID: "first", Text: "1", Cumulative: true}); err != nil {
		b.Fatal(err)
	}
	caller := &caller{knows: true}
	dials, size := 0, 0
	b.ReportAllocs()
	for b.Loop() {
		if dials == 0 || caller.press() { // it would commit: she dials again instead
			sessions.forget()      // else she would be asked whether to go on
			caller.dial(2 * dials) // feedback, whose keys need no more than one project
			caller.press()
			dials++
		}
		in := message.Inbound{
			Medium: message.USSD, From: who, SessionID: "ATUid_" + strconv.Itoa(dials), Text: caller.text, Cumulative: true,
		}
		r, err := c.Hop(ctx, "africastalking", in)
		if err != nil || r.End {
			b.Fatalf("hop %q: %q, %v", caller.text, r.Text, err)
		}
		for _, l := range sessions.held {
			size += len(l.Session)
		}
	}
	b.ReportMetric(float64(size)/float64(b.N), "session-bytes")
}
