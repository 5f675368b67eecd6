package simulation

import (
	"bytes"
	"context"
	"maps"
	"sync"
	"time"

	"lafia/internal/session"
)

// Sessions are live sessions in memory, under the rules of session.Store.
type Sessions struct {
	flaws Flaws
	now   func() time.Time

	mu sync.Mutex
	kept
}

// kept is what a Redis holds.
type kept struct {
	sessions map[session.Key]entry
	contacts map[[32]byte]entry
	began    time.Time
	known    bool // began is
}

type entry struct {
	version uint64
	value   []byte
	until   time.Time
}

// NewSessions gives an empty one, whose lives are measured by a clock.
func NewSessions(now func() time.Time, f Flaws) *Sessions {
	return &Sessions{flaws: f, now: now, kept: kept{sessions: map[session.Key]entry{}, contacts: map[[32]byte]entry{}}}
}

func (e entry) at(now time.Time) entry {
	if !now.Before(e.until) {
		return entry{}
	}
	return e
}

// Load gives a session and its contact.
func (s *Sessions) Load(_ context.Context, k session.Key) (session.Loaded, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.now()
	live, contact := s.sessions[k].at(now), s.contacts[k.Contact].at(now)
	l := session.Loaded{Version: live.version, Session: bytes.Clone(live.value), Contact: bytes.Clone(contact.value), Unknown: !s.known}
	if s.known && !s.began.IsZero() {
		l.Began = s.began
	}
	return l, nil
}

// Save stores a session if nobody else has since the version expected.
func (s *Sessions) Save(_ context.Context, k session.Key, expected uint64, v session.Saved) (bool, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.now()
	if s.sessions[k].at(now).version != expected && !s.flaws.NoCompareAndSet {
		return false, nil
	}
	s.sessions[k] = entry{v.Version, bytes.Clone(v.Session), now.Add(v.Life)}
	if len(v.Contact) > 0 {
		s.contacts[k.Contact] = entry{value: bytes.Clone(v.Contact), until: now.Add(v.ContactLife)}
	}
	return true, nil
}

// Drop deletes a session if it still has a version, and its contact.
func (s *Sessions) Drop(_ context.Context, k session.Key, version uint64) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.sessions[k].version == version {
		delete(s.sessions, k)
		delete(s.contacts, k.Contact)
	}
	return nil
}

// Begin notes since when every session is held; what is known stands.
func (s *Sessions) Begin(_ context.Context, lost time.Time) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.known {
		s.began, s.known = lost.Truncate(time.Millisecond), true
	}
	return nil
}

// Flush forgets everything.
func (s *Sessions) Flush() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.kept = kept{sessions: map[session.Key]entry{}, contacts: map[[32]byte]entry{}}
}

// copied is what a replica holds by now.
func (s *Sessions) copied() kept {
	s.mu.Lock()
	defer s.mu.Unlock()
	return kept{maps.Clone(s.sessions), maps.Clone(s.contacts), s.began, s.known}
}

// failOver makes a replica the primary: what it had not got is gone.
func (s *Sessions) failOver(k kept) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.kept = k
}

func (s *Sessions) version(k session.Key) uint64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.sessions[k].at(s.now()).version
}
