package store

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"testing"
	"time"
)

// A hand whose gateway is cut off from PostgreSQL must not hold its contact for as
// long as TCP believes in the connection.
func TestAHandThatSaysNothingIsLetGoByPostgreSQL(t *testing.T) {
	s := migrated(t)
	m := Received{
		Inbound: Inbound{ID: "00000000-0000-4000-8000-000000000001", Contact: bytes.Repeat([]byte{7}, 32), Channel: "a", ReceivedAt: time.Now(), SentAt: time.Now(), Sealed: []byte("sealed")},
		Key:     bytes.Repeat([]byte{8}, 32), ContentHMAC: bytes.Repeat([]byte{9}, 32),
	}
	if _, err := s.Receive(t.Context(), m); err != nil {
		t.Fatal(err)
	}
	idle := func(h *Hand) (v string) {
		t.Helper()
		if err := h.conn.QueryRow(t.Context(), `show idle_session_timeout`).Scan(&v); err != nil {
			t.Fatal(err)
		}
		return v
	}
	h, err := s.Take(t.Context(), m.ID)
	if err != nil {
		t.Fatal(err)
	}
	if v := idle(h); v != handIdle {
		t.Errorf("its connection may say nothing for %s", v)
	}
	if _, err := s.Take(t.Context(), m.ID); !errors.Is(err, ErrBusy) {
		t.Errorf("a second hand got %v", err)
	}
	h.Release()
	for _, c := range s.pool.AcquireAllIdle(t.Context()) { // none of the pool is cut for being idle
		if v := idle(&Hand{conn: c}); v != "0" {
			t.Errorf("a connection of the pool may say nothing for %s", v)
		}
		c.Release()
	}
	// As PostgreSQL does it of its own accord, only sooner.
	if h, err = s.Take(t.Context(), m.ID); err == nil {
		_, err = h.conn.Exec(t.Context(), `set idle_session_timeout = '50ms'`)
	}
	if err != nil {
		t.Fatal(err)
	}
	for end := time.Now().Add(10 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		second, err := s.Take(t.Context(), m.ID)
		if err == nil {
			second.Release()
			break
		}
		if time.Now().After(end) {
			t.Fatal("the lock is never let go")
		}
	}
	if err := h.Handled(t.Context(), m.ID, Answer{}, time.Now()); err == nil {
		t.Error("a hand that was let go still handles")
	}
	h.Release()
}

func TestWhoWritesNowGoesBeforeABacklog(t *testing.T) {
	s := migrated(t)
	now := time.Date(2026, 11, 29, 9, 0, 0, 0, time.UTC)
	const node = "00000000-0000-8000-8000-0000000000aa"
	for i, c := range []struct {
		name     string
		ctx      context.Context
		sent     time.Time
		priority int
	}{
		{"out of a spool", WithMark(t.Context(), &Mark{Node: node, Number: 1}), now, 2},
		{"out of a spool whose records have no numbers", WithMark(t.Context(), &Mark{Node: node}), now, 2},
		{"ten days late", t.Context(), now.AddDate(0, 0, -10), 2},
		{"now", t.Context(), now.Add(-time.Second), 1},
		{"nobody knows when", t.Context(), time.Time{}, 1},
	} {
		m := Received{
			Inbound: Inbound{ID: fmt.Sprintf("00000000-0000-8000-8000-%012d", i), Contact: bytes.Repeat([]byte{7}, 32), Channel: "a", ReceivedAt: now, SentAt: c.sent},
			Key:     bytes.Repeat([]byte{byte(i)}, 32), ContentHMAC: bytes.Repeat([]byte{9}, 32),
		}
		if _, err := s.Receive(c.ctx, m); err != nil {
			t.Fatal(c.name, err)
		}
		var got int
		if err := s.pool.QueryRow(t.Context(), `select priority from river_job where args->>'inbound_id' = $1`, m.ID).Scan(&got); err != nil || got != c.priority {
			t.Errorf("%s: priority %d, want %d (%v)", c.name, got, c.priority, err)
		}
	}
}

// A worker that was cut off while it had a message must not begin it anew behind the
// one that took it over.
func TestAHandThatLostItsContactIsGivenNothingAgain(t *testing.T) {
	s := migrated(t)
	m := Received{
		Inbound: Inbound{ID: "00000000-0000-4000-8000-000000000001", Contact: bytes.Repeat([]byte{7}, 32), Channel: "a", ReceivedAt: time.Now()},
		Key:     bytes.Repeat([]byte{8}, 32), ContentHMAC: bytes.Repeat([]byte{9}, 32),
	}
	if _, err := s.Receive(t.Context(), m); err != nil {
		t.Fatal(err)
	}
	first, second := 0, 0
	err := s.EachWaiting(t.Context(), m.ID, time.Now, func(context.Context, Inbound) (Answer, error) {
		if first++; first > 1 {
			return Answer{}, nil
		}
		if _, err := s.pool.Exec(t.Context(), `select pg_terminate_backend(pid, 5000) from pg_locks where locktype = 'advisory' and pid <> pg_backend_pid()
			and database = (select oid from pg_database where datname = current_database())`); err != nil {
			t.Fatal(err)
		}
		if err := s.EachWaiting(t.Context(), m.ID, time.Now, func(context.Context, Inbound) (Answer, error) { second++; return Answer{}, nil }); err != nil {
			t.Fatal(err)
		}
		return Answer{}, fmt.Errorf("saving: %w", ErrAgain)
	})
	if err == nil || first != 1 || second != 1 {
		t.Errorf("%v; it was handled %d times by the first and %d by the second", err, first, second)
	}
}
