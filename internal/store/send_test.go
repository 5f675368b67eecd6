package store

import (
	"bytes"
	"context"
	"fmt"
	"testing"
	"time"

	"lafia/internal/servers/serverstest"
)

func migrated(t *testing.T) *Store {
	t.Helper()
	s, err := Open(t.Context(), serverstest.Postgres(t), Options{MaxConns: 4})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	if err := s.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	return s
}

func count(t *testing.T, s *Store, query string, args ...any) int {
	t.Helper()
	var n int
	if err := s.pool.QueryRow(context.Background(), query, args...).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

// TestAContactGetsTwentyRepliesADay lets one contact write 25 times in an hour and
// once more a day later.
func TestAContactGetsTwentyRepliesADay(t *testing.T) {
	s := migrated(t)
	now := time.Date(2026, 11, 24, 9, 0, 0, 0, time.UTC)
	anna, bintou := bytes.Repeat([]byte{1}, 32), bytes.Repeat([]byte{2}, 32)
	n := 0
	write := func(who []byte, at time.Time) {
		t.Helper()
		n++
		m := Received{Inbound: Inbound{ID: fmt.Sprintf("00000000-0000-8000-8000-%012d", n), Contact: who, Channel: "at", Sealed: []byte("x"), Answerable: true, ReceivedAt: at},
			Key: bytes.Repeat([]byte{byte(n)}, 32), ContentHMAC: []byte{1}}
		if _, err := s.Receive(t.Context(), m); err != nil {
			t.Fatal(err)
		}
		hand, err := s.Take(t.Context(), m.ID)
		if err != nil {
			t.Fatal(err)
		}
		defer hand.Release()
		a := Answer{ID: fmt.Sprintf("00000000-0000-8000-8001-%012d", n), Channel: "at", Class: "reply", Sealed: []byte("y")}
		if err := hand.Handled(t.Context(), m.ID, a, at); err != nil {
			t.Fatal(err)
		}
	}
	replies := func(who []byte) int {
		return count(t, s, `select count(*) from outbound where contact = $1 and inbound_id is not null`, who)
	}
	for i := range repliesADay + 5 {
		write(anna, now.Add(time.Duration(i)*2*time.Minute))
	}
	write(bintou, now)
	if got := replies(anna); got != repliesADay {
		t.Errorf("anna got %d replies", got)
	}
	if replies(bintou) != 1 {
		t.Error("bintou got none")
	}
	if kept := count(t, s, `select count(*) from inbound where handled_at is not null`); kept != repliesADay+6 {
		t.Errorf("%d of 66 messages are kept and handled", kept)
	}
	write(anna, now.Add(24*time.Hour+time.Second)) // the first has left the day
	if got := replies(anna); got != repliesADay+1 {
		t.Errorf("a day later anna has %d replies", got)
	}
	if jobs := count(t, s, `select count(*) from river_job where kind = 'send_outbound' and queue = 'outbound' and priority = 1`); jobs != repliesADay+2 {
		t.Errorf("%d jobs for %d replies", jobs, repliesADay+2)
	}
}

// TestABroadcastIsQueuedOnceHoweverOften queues 2,500 messages, fails half way as
// it were, and queues all of them again.
func TestABroadcastIsQueuedOnceHoweverOften(t *testing.T) {
	s := migrated(t)
	now := time.Date(2026, 11, 24, 9, 0, 0, 0, time.UTC)
	var all []Outgoing
	for i := range 2500 {
		all = append(all, Outgoing{ID: fmt.Sprintf("00000000-0000-8000-8000-%012d", i), Contact: bytes.Repeat([]byte{byte(i), byte(i >> 8)}, 16),
			Channel: "at", Class: "broadcast", Place: "ML0701", Sealed: []byte("x"), Number: []byte("n"), NumberUntil: now.Add(time.Hour)})
	}
	if n, err := s.QueueBroadcast(t.Context(), all[:1200], now); err != nil || n != 1200 {
		t.Fatal(n, err)
	}
	if n, err := s.QueueBroadcast(t.Context(), all, now); err != nil || n != 1300 {
		t.Fatal(n, err)
	}
	if n, err := s.QueueBroadcast(t.Context(), all, now); err != nil || n != 0 {
		t.Fatal(n, err)
	}
	if n := count(t, s, `select count(distinct args ->> 'outbound_id') from river_job where queue = 'bulk' and priority = 4`); n != 2500 || count(t, s, `select count(*) from river_job`) != 2500 {
		t.Errorf("%d jobs", n)
	}
	if _, err := s.QueueBroadcast(t.Context(), []Outgoing{{ID: all[0].ID, Class: "spam"}}, now); err == nil {
		t.Error("a class that does not exist was queued")
	}
}

// TestWhatLostItsJobGetsAnotherOne sweeps over messages in every state.
func TestWhatLostItsJobGetsAnotherOne(t *testing.T) {
	s := migrated(t)
	now := time.Date(2026, 11, 24, 9, 0, 0, 0, time.UTC)
	put := func(n int, class string) {
		t.Helper()
		if err := s.QueueOutbound(t.Context(), Outgoing{ID: fmt.Sprintf("00000000-0000-8000-8000-%012d", n), Contact: make([]byte, 32), Channel: "at", Class: class, Sealed: []byte("x")}, now); err != nil {
			t.Fatal(err)
		}
	}
	put(1, "reply")
	put(2, "broadcast")
	requeued := func(at time.Time) int {
		t.Helper()
		n, err := s.Requeue(t.Context(), at, at, 100)
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	for _, c := range []struct {
		after time.Duration
		want  int
	}{
		{15 * time.Second, 0}, {16 * time.Second, 1}, {17 * time.Second, 0}, // it has a new job, for a minute
		{77 * time.Second, 1},
		{24*time.Hour + time.Second, 2}, // a broadcast when its time is over
	} {
		if got := requeued(now.Add(c.after)); got != c.want {
			t.Errorf("after %v %d messages get a job, not %d", c.after, got, c.want)
		}
	}
	for _, id := range []string{"1", "2"} {
		if ok, err := s.TakeBack(t.Context(), "00000000-0000-8000-8000-00000000000"+id, now); !ok || err != nil {
			t.Fatal(ok, err)
		}
	}
	if requeued(now.Add(100*time.Hour)) != 0 {
		t.Error("what is final gets a job")
	}
	if n := count(t, s, `select count(*) from outbound_event where to_state = 'failed'`); n != 2 {
		t.Errorf("%d of 2 steps are kept", n)
	}
}
