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
// record: 30 s is promised.
func BenchmarkDrain(b *testing.B) {
	t := b
	const records = 10_000
	w, s := newWorldApart(t)
	for b.Loop() {
		a := w.start(t, withSpool(filepath.Join(b.TempDir(), "spool")))
		resume := stopAtOnce(t, s)
		began := time.Now()
		var wg sync.WaitGroup
		for c := range 50 {
			wg.Go(func() {
				p := newPhone(t, fmt.Sprintf("+22300%06d", c), a.URL())
				for n := range records / 50 {
					if r := p.sms(fmt.Sprint(canaryWords, " ", n))(a.URL()); r.status != http.StatusOK {
						t.Errorf("an SMS got HTTP %d, %v", r.status, r.err)
					}
				}
			})
		}
		wg.Wait()
		b.ReportMetric(records/time.Since(began).Seconds(), "spooled/s")
		resume()
		await(t, 20*time.Second, "PostgreSQL", func() bool { return w.record.Ping(t.Context()) == nil })
		began = time.Now()
		awaitDrained(t, 5*time.Minute, a.URL())
		b.ReportMetric(time.Since(began).Seconds(), "drain-s")
		b.ReportMetric(records/time.Since(began).Seconds(), "drained/s")
	}
}
