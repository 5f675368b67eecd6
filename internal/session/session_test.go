package session_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"lafia/internal/servers/serverstest"
	"lafia/internal/session"
)

func TestMain(m *testing.M) { serverstest.Main(m) }

func open(t *testing.T) *session.Store {
	t.Helper()
	s, err := session.Open(context.Background(), session.Options{Network: "unix", Addr: serverstest.Redis(t)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

func TestASessionIsSavedOnlyOverTheVersionThatWasLoaded(t *testing.T) {
	ctx, s := context.Background(), open(t)
	k := session.Key{Contact: [32]byte{1}, Channel: "c", Medium: "ussd"}
	put := func(expected, version uint64, body string) bool {
		ok, err := s.Save(ctx, k, expected, session.Saved{Version: version, Session: []byte(body), Life: time.Minute, Contact: []byte("me"), ContactLife: time.Minute})
		if err != nil {
			t.Fatal(err)
		}
		return ok
	}
	if !put(0, 1, "a") || put(0, 1, "b") || !put(1, 2, "c") || put(1, 2, "d") {
		t.Fatal("compare-and-set let a wrong one through, or held a right one")
	}
	l, err := s.Load(ctx, k)
	if err != nil || l.Version != 2 || string(l.Session) != "c" || string(l.Contact) != "me" {
		t.Fatalf("loaded %+v, %v", l, err)
	}
	other := k
	other.Medium = "sms"
	if l, _ = s.Load(ctx, other); l.Version != 0 || string(l.Contact) != "me" {
		t.Fatalf("another medium of the same contact: %+v", l)
	}
}

func TestOfManySavesAtOnceOneWins(t *testing.T) {
	ctx, s := context.Background(), open(t)
	k := session.Key{Contact: [32]byte{2}}
	var wins sync.Map
	var wg sync.WaitGroup
	for i := range 32 {
		wg.Go(func() {
			ok, err := s.Save(ctx, k, 0, session.Saved{Version: 1, Session: []byte{byte(i)}, Life: time.Minute})
			if err != nil {
				t.Error(err)
			}
			if ok {
				wins.Store(i, true)
			}
		})
	}
	wg.Wait()
	n := 0
	wins.Range(func(any, any) bool { n++; return true })
	if n != 1 {
		t.Fatalf("%d saves won", n)
	}
}

func TestAnEmptiedRedisIsNoticed(t *testing.T) {
	ctx, s := context.Background(), open(t)
	k := session.Key{Contact: [32]byte{3}}
	if l, err := s.Load(ctx, k); err != nil || !l.Unknown {
		t.Fatalf("before Begin: %+v, %v", l, err)
	}
	if err := s.Begin(ctx, time.Time{}); err != nil {
		t.Fatal(err)
	}
	if err := s.Begin(ctx, time.Now()); err != nil {
		t.Fatal(err)
	}
	if l, _ := s.Load(ctx, k); l.Unknown || !l.Began.IsZero() {
		t.Fatalf("after Begin: %+v", l)
	}
}

func TestAServerThatIsAwayIsAnErrorSoon(t *testing.T) {
	ctx, cancel := context.WithTimeout(context.Background(), 500*time.Millisecond)
	defer cancel()
	began := time.Now()
	if _, err := session.Open(ctx, session.Options{Network: "unix", Addr: t.TempDir() + "/none.sock"}); err == nil {
		t.Fatal("a server that isn't there was opened")
	}
	if d := time.Since(began); d > 2*time.Second {
		t.Fatalf("it took %v", d)
	}
}
