package store

import (
	"bytes"
	"context"
	"strings"
	"testing"
	"time"

	"lafia/internal/audit"
	"lafia/internal/servers/serverstest"
)

const restoreNode = "00000000-0000-8000-8000-000000000001"

func restoreStore(t *testing.T) *Store {
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

func okay(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func number[T any](t *testing.T, s *Store, query string, args ...any) (n T) {
	t.Helper()
	okay(t, s.pool.QueryRow(context.Background(), query, args...).Scan(&n))
	return n
}

func TestBehindARestoreWhatMayHaveBeenSentIsInDoubtAndTheRestWaits(t *testing.T) {
	s := restoreStore(t)
	now := time.Date(2026, 11, 29, 9, 0, 0, 0, time.UTC)
	who := bytes.Repeat([]byte{1}, 32)
	queue := func(n, class string, at time.Time) {
		t.Helper()
		okay(t, s.QueueOutbound(t.Context(), Outgoing{ID: "00000000-0000-8000-8000-00000000000" + n, Contact: who, Channel: "a", Class: class, Sealed: []byte("words")}, at))
	}
	beat, err := s.Beat(t.Context())
	okay(t, err)
	queue("1", "reply", now)
	queue("2", "alert", now) // may come twice
	okay(t, s.NoticeRestore(t.Context(), Noticed{Node: restoreNode, Known: beat + 50, KnownAt: now.Add(time.Minute), At: now.Add(time.Hour)}))
	okay(t, s.NoticeRestore(t.Context(), Noticed{Node: restoreNode, Known: beat + 70, KnownAt: now.Add(2 * time.Minute), At: now.Add(2 * time.Hour)}))
	queue("3", "reply", now.Add(time.Hour))
	if l, err := s.Life(t.Context()); err != nil || !l.Held.Equal(now.Add(time.Hour)) {
		t.Fatal(l, err)
	}
	held := false
	if _, _, err := s.BeginAttempt(t.Context(), "00000000-0000-8000-8000-000000000003", "", func(f Facts) Decision { held = f.Restored; return Decision{} }, now); err != nil || !held {
		t.Fatal("an attempt does not know that sends are held", err)
	}
	r, err := s.OpenRestore(t.Context())
	okay(t, err)
	if r.Known != beat+70 || r.Doubtful["reply"] != 1 || r.Queued["reply"] != 1 || r.Queued["alert"] != 1 {
		t.Fatalf("%+v", r)
	}
	_, err = s.ConfirmRestore(t.Context(), RestoreConfirmation{Actor: "cli:awa", At: now.Add(3 * time.Hour), Act: audit.Draft{}})
	if err == nil {
		t.Fatal("confirmed without an entry in the audit")
	}
	if number[int](t, s, `select count(*) from restore where confirmed_at is null`) != 1 {
		t.Fatal("what was not written in the audit was done")
	}
}

func TestAnErasureLeavesNothingQueuedWaitingOrOfBefore(t *testing.T) {
	s := restoreStore(t)
	now := time.Date(2026, 11, 29, 9, 0, 0, 0, time.UTC)
	who := bytes.Repeat([]byte{1}, 32)
	ctx := t.Context()
	fill := func(n string, at time.Time) {
		t.Helper()
		for _, q := range []string{
			`insert into inbound (id, contact, channel, sealed, answerable, received_at) values ('00000000-0000-8000-8000-0000000001` + n + `', $1, 'a', 'words', true, $2)`,
			`insert into outbound (id, contact, channel, class, sealed, state, due_at, created_at, changed_at) values ('00000000-0000-8000-8000-0000000002` + n + `', $1, 'a', 'reply', 'words', 'queued', $2, $2, $2)`,
			`insert into part_set (id, key, contact, channel, total, answerable, opened_at) values ('00000000-0000-8000-8000-0000000003` + n + `', $1, $1, 'a', 2, true, $2)`,
			`insert into submission (id, kind, level, reference, contact, channel, medium, language, sealed, received_at) values ('00000000-0000-8000-8000-0000000004` + n + `', 'open', 'L1', '48271936', $1, 'a', 'sms', 'fr', 'words', $2)`,
			`insert into confidential (id, contact, reference, sealed, received_at) values ('00000000-0000-8000-8000-0000000005` + n + `', $1, '48271936', 'words', $2)`,
			`insert into number (contact, sealed, keep_until) values ($1, 'number', $2) on conflict do nothing`,
			`insert into contact (id, language, seen_at, created_at) values ($1, 'fr', $2, $2) on conflict (id) do update set seen_at = $2`,
			`insert into wish (contact, purpose, given, at, medium) values ($1, 'answer', true, $2, 'sms'), ($1, 'broadcast', false, $2, 'sms') on conflict (contact, purpose) do update set at = $2`,
		} {
			_, err := s.pool.Exec(ctx, q, who, at)
			okay(t, err)
		}
	}
	left := func() string {
		return number[string](t, s, `
select concat((select count(*) from inbound where contact = $1 or handled_at is null), (select count(*) from outbound where contact = $1 or state = 'queued'), (select count(*) from part_set where contact = $1),
	(select count(*) from submission where contact = $1), (select count(*) from number where contact = $1), (select count(*) from contact where id = $1),
	' ', (select count(*) from wish where contact = $1 and given), (select count(*) from wish where contact = $1 and not given), ' ', (select count(*) from confidential where contact = $1))`, who)
	}
	fill("01", now)
	okay(t, s.Erase(ctx, who, now.Add(time.Minute)))
	if got := left(); got != "000000 01 1" { // her STOP stays, and what is the focal points' to end
		t.Fatalf("left %s", got)
	}
	// A backup brings it back, and she has called since.
	fill("02", now)
	if late, err := s.LeftOfErased(ctx, 9); err != nil || len(late) != 1 {
		t.Fatal(late, err)
	}
	_, err := s.pool.Exec(ctx, `update confidential set received_at = $1`, now)
	okay(t, err)
	_, err = s.EraseAll(ctx, Erasure{Contact: who, At: now.Add(time.Minute), Before: true}, now.Add(time.Hour), nil)
	okay(t, err)
	if got := left(); got != "000000 01 2" {
		t.Fatalf("left behind a restore: %s", got)
	}
	fill("03", now.Add(2*time.Hour))
	if late, err := s.LeftOfErased(ctx, 9); err != nil || len(late) != 0 {
		t.Fatal("what she said since is taken for what she said before", late, err)
	}
	_, err = s.EraseAll(ctx, Erasure{Contact: who, At: now.Add(time.Minute), Before: true}, now.Add(3*time.Hour), nil)
	okay(t, err)
	if got := left(); got != "111111 11 3" {
		t.Fatalf("what she said since: %s", got)
	}
	if n := number[string](t, s, `select string_agg(state || reason, ',') from outbound where id = '00000000-0000-8000-8000-000000000201'`); !strings.Contains(n, ErasedOf) {
		t.Error(n)
	}
}
