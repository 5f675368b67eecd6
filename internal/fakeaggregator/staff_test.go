package fakeaggregator_test

import (
	"fmt"
	"strings"
	"testing"

	"lafia/internal/fakeaggregator"
	"lafia/internal/staff"
)

// coordinator is the demo's account that reads and answers everywhere.
func (l *lab) coordinator() fakeaggregator.Staff {
	l.t.Helper()
	for _, login := range l.programme.Logins {
		if login.Role == staff.Coordinator {
			a, err := l.record.StaffByUsername(l.t.Context(), login.User)
			must(l.t, err)
			return fakeaggregator.Staff{Account: a.ID, User: login.User, Password: login.Password}
		}
	}
	l.t.Fatal("the demo has no coordinator")
	return fakeaggregator.Staff{}
}

// I12, on a real console: staff read and answer what callers said, and each act has
// its entry. Then the audit is spoilt in the database, and each is found.
func TestStaffActsAndTheAuditAgreeOneToOne(t *testing.T) {
	l := newLab(t, "", "africastalking", "external")
	a := l.start()
	l.play(fakeaggregator.Options{Callers: 30})
	must(t, fakeaggregator.PlayStaff(t.Context(), a.URL(), l.coordinator(), l.ledger))
	r := l.holds()
	acts := map[string]int{}
	for _, v := range l.lines() {
		if v.Kind == fakeaggregator.KindStaff && v.Acked {
			acts[v.Act]++
		}
	}
	for _, want := range []string{"login.refused", "login", "messages.list", "message.open", "message.move", "message.answer", "logout"} {
		if acts[want] == 0 {
			t.Errorf("nobody did %s: %v", want, acts)
		}
	}
	if r.Checked["I12"] < 20 {
		t.Errorf("I12 was asked of %d things", r.Checked["I12"])
	}
	exec := func(sql string, args ...any) {
		t.Helper()
		_, err := l.record.Pool().Exec(t.Context(), sql, args...)
		must(t, err)
	}
	exec(`alter table audit disable trigger all`)
	exec(`alter table audit_head disable trigger all`)
	exec(`create table audit_good as select * from audit`)
	exec(`create table audit_head_good as select * from audit_head`)
	for _, c := range []struct{ fault, sql, want string }{
		{"an act without its entry", `delete from audit where act = 'message.answer'`, "1 acts message.answer, and 0 entries"},
		{"an entry altered", `update audit set actor = 'cli:somebody' where act = 'message.move'`, "it was altered"},
		{"an entry too many", `insert into audit select seq + 1000, at, actor, act, object, count, reason, details, mac from audit where act = 'logout'`, "2 entries logout, and 1 acts"},
		{"two entries swapped", `update audit set seq = case act when 'login' then -1 else -2 end where act in ('login', 'logout');
			update audit a set seq = g.seq from audit_good g where (a.act, g.act) in (('login', 'logout'), ('logout', 'login'))`, "swapped"},
		{"the end cut off", `delete from audit where act = 'logout'`, "the end was cut off"},
		{"the end cut off and the head made to fit", `delete from audit where act = 'logout';
			update audit_head set seq = (select max(seq) from audit), mac = (select mac from audit order by seq desc limit 1)`, "the key of the next entry"},
	} {
		exec(c.sql)
		found := []string{}
		for _, v := range l.verify().Violations {
			if v.Invariant == "I12" {
				found = append(found, v.What)
			}
		}
		if !strings.Contains(fmt.Sprint(found), c.want) {
			t.Errorf("%s: found %q, want %q", c.fault, found, c.want)
		}
		exec(`truncate audit, audit_head; insert into audit select * from audit_good; insert into audit_head select * from audit_head_good`)
	}
	l.holds()
}

// Who plays no staff is told what was looked at, and what somebody does with the
// messages of its callers is found.
func TestAnEntryThatNoActExplainsIsFound(t *testing.T) {
	l := newLab(t, "", "external")
	a := l.start()
	l.play(fakeaggregator.Options{Callers: 6})
	r := l.holds()
	said := false
	for _, u := range r.NotChecked {
		said = said || u.Invariant == "I12" && strings.Contains(u.Why, "none of staff")
	}
	if !said {
		t.Errorf("%v", r.NotChecked)
	}
	other := fakeaggregator.NewLedger(new(strings.Builder)) // nobody reads it
	must(t, fakeaggregator.PlayStaff(t.Context(), a.URL(), l.coordinator(), other))
	if r := l.verify(); r.Holds() || r.Violations[0].Invariant != "I12" || !strings.Contains(r.Violations[0].What, "no act of this ledger explains") {
		t.Errorf("%v", r.Violations)
	}
}
