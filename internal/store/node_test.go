package store

import (
	"testing"
	"time"

	"lafia/internal/servers/serverstest"
)

func TestWhatMayLieInOtherSpoolsIsWhatTheirGatewaysDidNotDeny(t *testing.T) {
	s, err := Open(t.Context(), serverstest.Postgres(t), Options{MaxConns: 2})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if err := s.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	const self, other = "00000000-0000-8000-8000-000000000001", "00000000-0000-8000-8000-000000000002"
	var began time.Time
	if err := s.pool.QueryRow(t.Context(), `select pg_postmaster_start_time()`).Scan(&began); err != nil {
		t.Fatal(err)
	}
	recent := time.Since(began) < 5*time.Minute
	for _, c := range []struct {
		name    string
		node    Node
		stopped bool
		may     bool
	}{
		{"it says that something lies there", Node{ID: other, BeatAt: time.Now(), Spooled: 1}, false, true},
		{"it says that nothing does", Node{ID: other, BeatAt: time.Now()}, false, false},
		{"it has said nothing since PostgreSQL started", Node{ID: other, BeatAt: began.Add(-time.Second)}, false, recent},
		{"it stopped in order before", Node{ID: other, BeatAt: began.Add(-time.Second)}, true, false},
		{"it stopped with something in it", Node{ID: other, BeatAt: began.Add(-time.Second), Spooled: 2}, true, true},
		{"it is this gateway", Node{ID: self, BeatAt: time.Now(), Spooled: 1}, false, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			if _, err := s.pool.Exec(t.Context(), `delete from node`); err != nil {
				t.Fatal(err)
			}
			if err := s.BeatNode(t.Context(), c.node); err != nil {
				t.Fatal(err)
			}
			if c.stopped {
				if err := s.StopNode(t.Context(), c.node); err != nil {
					t.Fatal(err)
				}
			}
			switch may, err := s.SpooledElsewhere(t.Context(), self); {
			case err != nil:
				t.Error(err)
			case may != c.may:
				t.Errorf("something may lie there: %v, want %v", may, c.may)
			}
		})
	}
}
