package app_test

import (
	"fmt"
	"net/http"
	"path/filepath"
	"sync"
	"testing"
	"time"
)

// BenchmarkDrain measures how long a spool of 10,000 messages takes to reach the
// record (30 s is promised) and to be handled (60 s), and how long one of ten
// who write meanwhile, ten a second, waits to be handled.
func BenchmarkDrain(b *testing.B) {
	t := b
	const records = 10_000
	w, s := newWorldApart(t)
	for b.Loop() {
		a := w.start(t, withSpool(filepath.Join(b.TempDir(), "spool")))
		tells := func(p *phone, n int) {
			if r := p.sms(fmt.Sprint(canaryWords, " ", n))(a.URL()); r.status != http.StatusOK {
				t.Errorf("an SMS got HTTP %d, %v", r.status, r.err)
			}
		}
		resume := stopAtOnce(t, s)
		began := time.Now()
		var wg sync.WaitGroup
		for c := range 50 {
			wg.Go(func() {
				p := newPhone(t, fmt.Sprintf("+22300%06d", c), a.URL())
				for n := range records / 50 {
					tells(p, n)
				}
			})
		}
		wg.Wait()
		b.ReportMetric(records/time.Since(began).Seconds(), "spooled/s")
		resume()
		await(t, 20*time.Second, "PostgreSQL", func() bool { return w.record.Ping(t.Context()) == nil })
		began = time.Now()
		drained := make(chan struct{})
		wg.Go(func() {
			tick := time.NewTicker(100 * time.Millisecond)
			defer tick.Stop()
			for n := 0; ; n++ {
				select {
				case <-drained:
					return
				case <-tick.C:
					tells(newPhone(t, fmt.Sprintf("+22301%06d", n%10), a.URL()), n)
				}
			}
		})
		awaitDrained(t, 5*time.Minute, a.URL())
		b.ReportMetric(time.Since(began).Seconds(), "drain-s")
		b.ReportMetric(records/time.Since(began).Seconds(), "drained/s")
		await(t, 5*time.Minute, "all of the spool to be handled", func() bool {
			return w.count(t, "select count(*) from inbound where handled_at is null and received_at < $1", began) == 0
		})
		b.ReportMetric(time.Since(began).Seconds(), "handled-s")
		close(drained)
		wg.Wait()
		await(t, time.Minute, "all to be handled", func() bool { return w.count(t, "select count(*) from inbound where handled_at is null") == 0 })
		for name, part := range map[string]float64{"live-p50-ms": 0.5, "live-p95-ms": 0.95} {
			b.ReportMetric(float64(w.count(t, `
select (1000 * percentile_cont($2) within group (order by extract(epoch from handled_at - received_at)))::int from inbound where received_at >= $1`, began, part)), name)
		}
	}
}
