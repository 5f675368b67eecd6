// Package sessionsuite holds whatever keeps live sessions to what a conversation
// relies on: the sessions in Redis, and those in memory of the simulation.
package sessionsuite

import (
	"context"
	"testing"
	"time"

	"lafia/internal/session"
)

// Sessions is what is tried.
type Sessions interface {
	Load(ctx context.Context, k session.Key) (session.Loaded, error)
	Save(ctx context.Context, k session.Key, expected uint64, v session.Saved) (bool, error)
	Drop(ctx context.Context, k session.Key, version uint64) error
	Begin(ctx context.Context, lost time.Time) error
}

// Subject is one of them, with what only a test does.
type Subject struct {
	Sessions
	Flush func()
	Pass  func(time.Duration) // lets time go by
}

const life = 200 * time.Millisecond

// Run tries a subject. open gives an empty one.
func Run(t *testing.T, open func(t *testing.T) Subject) {
	for _, b := range behaviours {
		t.Run(b.name, func(t *testing.T) { b.holds(&suite{t, open(t), t.Context()}) })
	}
}

type suite struct {
	*testing.T
	Subject
	ctx context.Context
}

var anna = session.Key{Contact: [32]byte{1}, Channel: "a", Medium: "ussd"}

func (s *suite) load(k session.Key) session.Loaded {
	s.Helper()
	l, err := s.Load(s.ctx, k)
	if err != nil {
		s.Fatal(err)
	}
	return l
}

func (s *suite) save(k session.Key, expected, version uint64, body, contact string) bool {
	s.Helper()
	v := session.Saved{Version: version, Session: []byte(body), Life: time.Hour, ContactLife: time.Hour}
	if contact != "" {
		v.Contact = []byte(contact)
	}
	ok, err := s.Save(s.ctx, k, expected, v)
	if err != nil {
		s.Fatal(err)
	}
	return ok
}

func (s *suite) is(what string, got, want any) {
	s.Helper()
	if got != want {
		s.Fatalf("%s: got %v, want %v", what, got, want)
	}
}

var behaviours = []struct {
	name  string
	holds func(s *suite)
}{
	{"a session is saved over the version that was loaded alone", func(s *suite) {
		s.is("none", s.load(anna).Version, uint64(0))
		s.is("the first", s.save(anna, 0, 1, "one", "me"), true)
		s.is("a second first", s.save(anna, 0, 1, "other", ""), false)
		s.is("the next", s.save(anna, 1, 7, "two", ""), true)
		s.is("an old one", s.save(anna, 1, 2, "old", "you"), false)
		s.is("a version that never was", s.save(anna, 9, 10, "none", ""), false)
		l := s.load(anna)
		s.is("session", string(l.Session), "two")
		s.is("version", l.Version, uint64(7))
		s.is("contact", string(l.Contact), "me")
	}},
	{"a contact has one session a channel and medium, and is one", func(s *suite) {
		sms, elsewhere := anna, anna
		sms.Medium, elsewhere.Channel = "sms", "b"
		s.save(anna, 0, 1, "one", "me")
		s.is("another medium", s.load(sms).Version, uint64(0))
		s.is("its contact", string(s.load(sms).Contact), "me")
		s.is("another channel", s.load(elsewhere).Version, uint64(0))
		s.is("somebody else", string(s.load(session.Key{Contact: [32]byte{2}, Channel: "a", Medium: "ussd"}).Contact), "")
	}},
	{"a session lives as long as it is told", func(s *suite) {
		ok, err := s.Save(s.ctx, anna, 0, session.Saved{Version: 3, Session: []byte("one"), Life: life, Contact: []byte("me"), ContactLife: time.Hour})
		if err != nil || !ok {
			s.Fatal(ok, err)
		}
		s.is("alive", s.load(anna).Version, uint64(3))
		s.Pass(life + 50*time.Millisecond)
		l := s.load(anna)
		s.is("gone", l.Version, uint64(0))
		s.is("its bytes", len(l.Session), 0)
		s.is("the contact outlives it", string(l.Contact), "me")
		s.is("what is gone has no version", s.save(anna, 3, 4, "two", ""), false)
		s.is("and begins anew", s.save(anna, 0, 4, "two", ""), true)
	}},
	{"a save gives a new life", func(s *suite) {
		for i := range 3 {
			ok, err := s.Save(s.ctx, anna, uint64(i), session.Saved{Version: uint64(i + 1), Session: []byte("x"), Life: life})
			if err != nil || !ok {
				s.Fatal(i, ok, err)
			}
			s.Pass(life / 2)
		}
		s.is("alive", s.load(anna).Version, uint64(3))
	}},
	{"a session is dropped at the version that was loaded alone", func(s *suite) {
		drop := func(version uint64) {
			if err := s.Drop(s.ctx, anna, version); err != nil {
				s.Fatal(err)
			}
		}
		drop(1)
		s.save(anna, 0, 3, "one", "me")
		drop(2)
		s.is("at another one it stays", s.load(anna).Version, uint64(3))
		s.is("its contact as well", string(s.load(anna).Contact), "me")
		drop(3)
		l := s.load(anna)
		s.is("gone", l.Version, uint64(0))
		s.is("with its contact", len(l.Contact), 0)
		s.is("and begins anew", s.save(anna, 0, 4, "two", ""), true)
	}},
	{"that everything was forgotten is noticed, and noted once", func(s *suite) {
		lost := time.Date(2026, 11, 24, 9, 0, 0, 0, time.UTC)
		begin := func(at time.Time) {
			if err := s.Begin(s.ctx, at); err != nil {
				s.Fatal(err)
			}
		}
		s.is("nobody looked", s.load(anna).Unknown, true)
		begin(time.Time{})
		begin(lost)
		l := s.load(anna)
		s.is("nothing can be lost", []any{l.Unknown, l.Began.IsZero()}[0], false)
		s.is("began", l.Began.IsZero(), true)
		s.save(anna, 0, 5, "one", "me")
		s.Flush()
		l = s.load(anna)
		s.is("forgotten", l.Unknown && l.Version == 0 && l.Contact == nil, true)
		begin(lost)
		begin(lost.Add(time.Hour))
		l = s.load(anna)
		s.is("since", l.Began.Equal(lost) && !l.Unknown, true)
		s.is("a version of before is none", s.save(anna, 5, 6, "two", ""), false)
	}},
	{"of many saves at once one wins", func(s *suite) {
		won := make(chan bool, 16)
		for i := range cap(won) {
			go func() {
				ok, err := s.Save(s.ctx, anna, 0, session.Saved{Version: 1, Session: []byte{byte(i)}, Life: time.Hour})
				won <- ok && err == nil
			}()
		}
		n := 0
		for range cap(won) {
			if <-won {
				n++
			}
		}
		s.is("winners", n, 1)
	}},
}
