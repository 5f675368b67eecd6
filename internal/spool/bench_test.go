package spool

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// BenchmarkAppend measures what a caller waits for and how many are served, on
// the disk that holds TMPDIR.
func BenchmarkAppend(b *testing.B) {
	for _, callers := range []int{1, 8, 64} {
		b.Run(fmt.Sprintf("callers=%d", callers), func(b *testing.B) {
			s := open(b, options(filepath.Join(b.TempDir(), "spool")))
			took := make([]time.Duration, b.N)
			var next atomic.Int64
			var wg sync.WaitGroup
			b.ResetTimer()
			for c := range callers {
				wg.Go(func() {
					for {
						n := int(next.Add(1)) - 1
						if n >= b.N {
							return
						}
						r := Record{Contact: fmt.Appendf(nil, "%d", c), Kind: "run", ID: fmt.Sprint(n), At: day, Body: make([]byte, 400)}
						from := time.Now()
						if err := s.Append(context.Background(), r); err != nil {
							b.Error(err)
							return
						}
						took[n] = time.Since(from)
					}
				})
			}
			wg.Wait()
			b.StopTimer()
			slices.Sort(took)
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "appends/s")
			b.ReportMetric(float64(took[len(took)/2].Microseconds()), "p50-µs")
			b.ReportMetric(float64(took[len(took)*99/100].Microseconds()), "p99-µs")
		})
	}
}

// BenchmarkDrain measures how fast 10,000 records leave when committing them
// costs nothing, and how fast they are read after a restart.
func BenchmarkDrain(b *testing.B) {
	const records = 10_000
	for b.Loop() {
		b.StopTimer()
		o := options(filepath.Join(b.TempDir(), "spool"))
		s := open(b, o)
		var wg sync.WaitGroup
		for c := range 500 {
			wg.Go(func() {
				for n := range records / 500 {
					r := record(fmt.Sprint(c), n)
					r.Body = make([]byte, 400)
					keep(b, s, r)
				}
			})
		}
		wg.Wait()
		if err := s.Close(context.Background()); err != nil {
			b.Fatal(err)
		}
		from := time.Now()
		s = open(b, o)
		b.ReportMetric(float64(time.Since(from).Milliseconds()), "open-ms")
		from = time.Now()
		b.StartTimer()
		n, err := s.Drain(context.Background(), func(context.Context, Record) error { return nil })
		if n != records || err != nil {
			b.Fatal(n, err)
		}
		b.ReportMetric(records/time.Since(from).Seconds(), "records/s")
	}
}
