package store

import (
	"errors"
	"testing"
	"time"

	"lafia/internal/audit"
	"lafia/internal/programme"
	"lafia/internal/servers/serverstest"
	"lafia/internal/staff"
)

// TestNoReaderOfStaffGivesAnythingToAnEmptyScope goes through every reader that
// takes a scope: who has no level has no row, whatever is asked.
func TestNoReaderOfStaffGivesAnythingToAnEmptyScope(t *testing.T) {
	s, err := Open(t.Context(), serverstest.Postgres(t), Options{MaxConns: 4})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if err := s.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	const id = "00000000-0000-8000-8000-000000000001"
	for _, sql := range []string{
		`insert into submission (id, kind, level, reference, contact, channel, medium, language, region, answers, received_at)
		 values ('` + id + `', 'feedback', 'L1', '48271936', decode(repeat('00', 32), 'hex'), 'demo', 'ussd', 'fr', 'ML06', '{"type":"P","n":5}', now())`,
		`insert into submission_event (submission_id, at, from_status, to_status) values ('` + id + `', now(), 'new', 'acknowledged')`,
		`insert into confidential (id, contact, reference, sealed, received_at) values ('` + id + `', decode(repeat('00', 32), 'hex'), '48271936', 'x', now())`,
		`insert into project (code, dial, name, kind, place, region, phase) values ('LAF1', '19', 'Puits', 'eau', 'ML0605', 'ML06', 1)`,
	} {
		if _, err := s.pool.Exec(t.Context(), sql); err != nil {
			t.Fatal(err)
		}
	}
	found := func(scope staff.Scope) map[string]int {
		n := map[string]int{}
		before, err := s.SubmissionsBefore(t.Context(), scope, SubmissionFilter{}, "", 10)
		if err != nil {
			t.Fatal(err)
		}
		after, err := s.SubmissionsAfter(t.Context(), scope, 0, 10)
		if err != nil {
			t.Fatal(err)
		}
		fresh, err := s.CountNew(t.Context(), scope)
		if err != nil {
			t.Fatal(err)
		}
		events, err := s.EventsOf(t.Context(), scope, id)
		if err != nil {
			t.Fatal(err)
		}
		projects, err := s.ProjectsOf(t.Context(), scope)
		if err != nil {
			t.Fatal(err)
		}
		confidential, err := s.ConfidentialNewest(t.Context(), scope, 10)
		if err != nil {
			t.Fatal(err)
		}
		n["before"], n["after"], n["fresh"], n["events"], n["projects"], n["confidential"] = len(before), len(after), fresh, len(events), len(projects), len(confidential)
		if _, err := s.SubmissionByID(t.Context(), scope, id); err == nil {
			n["id"] = 1
		} else if !errors.Is(err, ErrNotFound) {
			t.Fatal(err)
		}
		return n
	}
	for _, scope := range []staff.Scope{{}, {Regions: []string{"ML06"}, Words: true}} {
		for reader, n := range found(scope) {
			if n != 0 {
				t.Errorf("%s gives %d rows to %+v", reader, n, scope)
			}
		}
		if err := s.MoveSubmission(t.Context(), scope, Move{ID: id, From: programme.New, To: programme.Closed, StaffID: id}, time.Unix(0, 0), audit.Draft{}); !errors.Is(err, ErrNotFound) {
			t.Errorf("a move with %+v: %v", scope, err)
		}
	}
	for reader, n := range found(staff.ScopeOf(staff.Officer, []string{"ML06"})) {
		want := 1
		if reader == "confidential" {
			want = 0
		}
		if n != want {
			t.Errorf("%s gives an officer %d rows, want %d", reader, n, want)
		}
	}
	for reader, n := range found(staff.ScopeOf(staff.Officer, []string{"ML07"})) {
		if n != 0 {
			t.Errorf("%s gives a foreign officer %d rows", reader, n)
		}
	}
	if n := found(staff.ScopeOf(staff.Protection, nil)); n["confidential"] != 1 || n["before"] != 0 || n["id"] != 0 || n["events"] != 0 {
		t.Errorf("a focal point finds %v", n)
	}
	got, err := s.SubmissionByID(t.Context(), staff.ScopeOf(staff.Coordinator, nil), id)
	if err != nil || got.Answers["type"] != "P" || got.Answers["n"] != "5" {
		t.Errorf("answers %v, %v: a number of another program's is lost", got.Answers, err)
	}
}
