package casework

import (
	"errors"
	"testing"
	"time"

	"lafia/internal/staff"
)

func TestWhatBecameOfMessagesIsCountedByChannelAndOperator(t *testing.T) {
	b := newBench(t)
	way := b.ways(t)
	way.Prices = map[string]float64{"orange": 20, "demo/moov": 12.5}
	b.exec(t, `
with o as (
	insert into outbound (id, contact, channel, class, sealed, state, operator, created_at, changed_at)
	select gen_random_uuid(), $1, 'demo', class, '', state, operator, $2::timestamptz - age * interval '1 hour', $2::timestamptz - age * interval '1 hour' + took * interval '1 second'
	from (values ('reply', 'queued', '', 1, 0), ('reply', 'sent', 'orange', 1, 5), ('reply', 'delivered', 'orange', 1, 10), ('reply', 'delivered', 'orange', 1, 20), ('reply', 'delivered', 'orange', 1, 600),
		('reply', 'failed', 'orange', 1, 0), ('reply', 'expired', 'orange', 1, 0), ('reply', 'unknown', 'orange', 1, 600), ('reply', 'ambiguous', 'orange', 1, 0),
		('alert', 'delivered', 'orange', 1, 1), ('reply', 'delivered', 'moov', 30, 1)) t (class, state, operator, age, took)
	returning id, state, created_at)
insert into attempt (outbound_id, started_at, channel, verdict) select id, created_at, 'demo', 'sent' from o where state <> 'queued'`, make([]byte, 32), b.now)
	b.exec(t, `insert into spend (month, channel, operator, segments, cost) values ('2026-11-01', 'demo', 'orange', 10, 850), ('2026-10-01', 'demo', 'orange', 10, 9000)`)
	for _, r := range []staff.Role{staff.Viewer, staff.Officer, staff.Peace, staff.Protection, staff.Translator} {
		who := staff.Account{Role: r}
		if _, err := b.Sending(t.Context(), who, time.Hour); !errors.Is(err, ErrNotFound) {
			t.Errorf("%s: %v", r, err)
		}
		if list, err := b.Waited(t.Context(), who); list != nil || err != nil {
			t.Errorf("%s: %v %v", r, list, err)
		}
	}
	who := staff.Account{Role: staff.Coordinator}
	r, err := b.Sending(t.Context(), who, 24*time.Hour)
	if err != nil || len(r.Deliveries) != 2 {
		t.Fatalf("%+v, %v", r, err)
	}
	if d := r.Deliveries[0]; d.Operator != "" || d.Waiting != 1 || d.Sent != 0 {
		t.Errorf("what waits: %+v", d)
	}
	d := r.Deliveries[1]
	if d.Operator != "orange" || d.Messages != 8 || d.Sent != 5 || d.Delivered != 3 || d.Failed != 1 || d.Expired != 1 || d.Unknown != 1 || d.Ambiguous != 1 || !d.Reports {
		t.Errorf("%+v", d)
	}
	if d.Median != 20*time.Second || d.P95 != 542*time.Second {
		t.Errorf("median %v, p95 %v", d.Median, d.P95)
	}
	if r.Sum != 850 || r.Spends() != "warn" || len(r.Prices) != 2 || r.Prices[0] != (Price{"demo/moov", 12.5}) {
		t.Errorf("%+v", r)
	}
	if r, err = b.Sending(t.Context(), who, 7*24*time.Hour); err != nil || len(r.Deliveries) != 3 {
		t.Errorf("a week: %+v, %v", r.Deliveries, err)
	}
	way.Budget.Month = 800
	if r, _ = b.Sending(t.Context(), who, time.Hour); r.Spends() != "stop" {
		t.Errorf("the budget %s", r.Spends())
	}
}

func TestGatewaysThatAreWaitedForAreTold(t *testing.T) {
	b := newBench(t)
	b.exec(t, `insert into node (id, started_at, beat_at, stopped_at, spooled, spool_oldest) values
		('00000000-0000-4000-8000-000000000001', $1, $1, null, 3, $1), ('00000000-0000-4000-8000-000000000002', $1, $1, null, 0, null),
		('00000000-0000-4000-8000-000000000003', $1::timestamptz - interval '2 hours', $1::timestamptz - interval '1 hour', null, 0, null)`, b.now)
	for _, r := range []staff.Role{staff.Coordinator, staff.Administrator} {
		list, err := b.Waited(t.Context(), staff.Account{Role: r})
		if err != nil || len(list) != 2 || list[1].Spooled != 3 || list[0].Spooled != 0 {
			t.Errorf("%+v, %v", list, err)
		}
	}
}
