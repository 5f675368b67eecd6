package bench

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
)

// CaptureRound is one time through ours and pgbench's.
type CaptureRound struct {
	Kept bool        `json:"kept"` // the first is not
	Ours finishRound `json:"ours"`
	// Same is what pgbench made of the same statements, transactions a second.
	Same float64 `json:"pgbench_same_per_second"`
	// Row is pgbench's best one-row INSERT, a second.
	Row       float64 `json:"pgbench_row_per_second"`
	SameRatio float64 `json:"ratio_same"`
	RowRatio  float64 `json:"ratio_row"`
	Load      string  `json:"load"` // the machine's, at its end
}

// CaptureSettings are how captures were measured.
type CaptureSettings struct {
	Rounds      int     `json:"rounds"`
	Seconds     float64 `json:"pgbench_seconds"`
	Connections int     `json:"connections"`
	Callers     int     `json:"callers_per_round"`
}

// CaptureReport is a whole run of `lafia bench capture`.
type CaptureReport struct {
	Machine  Machine         `json:"machine"`
	Settings CaptureSettings `json:"settings"`

	PerSecond Figure  `json:"captures_per_second"`
	Same      Figure  `json:"pgbench_same_per_second"`
	Row       Figure  `json:"pgbench_row_per_second"`
	SameRatio Figure  `json:"ratio_same"` // within a round
	RowRatio  Figure  `json:"ratio_row"`  // within a round
	GoalSame  float64 `json:"ratio_same_goal"`
	GoalRow   float64 `json:"ratio_row_goal"`
	P50       Figure  `json:"p50_ms"`
	P99       Figure  `json:"p99_ms"`
	Others    Figure  `json:"others_share"` // of the machine, while ours were timed

	Errors   int64  `json:"errors"`
	Error    string `json:"first_error,omitempty"`
	Finished int64  `json:"acknowledged"`
	Rows     int64  `json:"rows"`

	Rounds []CaptureRound `json:"rounds"`
}

// Holds reports whether everything that was measured was also right.
func (r *CaptureReport) Holds() bool {
	return r.Errors == 0 && r.Rows == r.Finished && r.Finished > 0
}

func (r *CaptureReport) figure(of func(CaptureRound) float64) Figure {
	var v []float64
	for _, round := range r.Rounds {
		if round.Kept {
			v = append(v, of(round))
		}
	}
	return middle(v)
}

func (r *CaptureReport) settle() {
	r.PerSecond = r.figure(func(c CaptureRound) float64 { return c.Ours.PerSecond })
	r.Same = r.figure(func(c CaptureRound) float64 { return c.Same })
	r.Row = r.figure(func(c CaptureRound) float64 { return c.Row })
	r.SameRatio = r.figure(func(c CaptureRound) float64 { return c.SameRatio })
	r.RowRatio = r.figure(func(c CaptureRound) float64 { return c.RowRatio })
	r.P50 = r.figure(func(c CaptureRound) float64 { return c.Ours.Took.P50 })
	r.P99 = r.figure(func(c CaptureRound) float64 { return c.Ours.Took.P99 })
	r.Others = r.cpu(func(c CPU) float64 { return c.Others })
}

// cpu is the median of a part of the processor time of ours.
func (r *CaptureReport) cpu(of func(CPU) float64) Figure {
	return r.figure(func(c CaptureRound) float64 {
		if c.Ours.CPU == nil {
			return 0
		}
		return of(*c.Ours.CPU)
	})
}

// Print writes the report for people.
func (r *CaptureReport) Print(out io.Writer) {
	p := func(format string, args ...any) { fmt.Fprintf(out, format+"\n", args...) }
	m, s := r.Machine, r.Settings
	p("%d cores (%s), %s, %s, PostgreSQL %s (fsync %s, synchronous_commit %s), Redis %s", m.Cores, m.Model, m.System, m.Go, m.Postgres, m.Fsync, m.Commit, m.Redis)
	p("generator, gateway, pgbench and servers share the cores; load before: %s", m.Load)
	p("other processes took %.0f %% of the machine while ours were timed (%.0f to %.0f)%s", r.Others.Median*100, r.Others.Low*100, r.Others.High*100, busyNote(r.Others))
	p("%d rounds, the first dropped where there are more; medians of the others (low to high), ratios within a round", s.Rounds)
	p("")
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	row := func(cells ...string) { fmt.Fprintln(w, strings.Join(cells, "\t")) }
	num := func(f Figure, format string) string {
		return fmt.Sprintf(format+" ("+format+" to "+format+")", f.Median, f.Low, f.High)
	}
	row(fmt.Sprintf("captures/s, %d at a time, %d a round, only the finishing hop", s.Connections, s.Callers), num(r.PerSecond, "%.0f"))
	row(fmt.Sprintf("pgbench, the same statements, %d clients, %.0f s: transactions/s", s.Connections, s.Seconds), num(r.Same, "%.0f"))
	row("pgbench, one-row INSERT, best of 16, 32 and all clients: transactions/s", num(r.Row, "%.0f"))
	row("  captures / pgbench with the same statements", fmt.Sprintf("%s, goal %.2f", num(r.SameRatio, "%.2f"), r.GoalSame))
	row("  captures / pgbench's one-row INSERT", fmt.Sprintf("%s, goal %.2f", num(r.RowRatio, "%.2f"), r.GoalRow))
	row("a finishing hop: p50 and p99", num(r.P50, "%.1f")+" ms, "+num(r.P99, "%.1f")+" ms")
	if all := r.cpu(CPU.total); all.Median > 0 {
		get := func(f func(CPU) float64) float64 { return r.cpu(f).Median }
		row("processor time a capture", fmt.Sprintf("handler %.0f, Redis %.0f, PostgreSQL %.0f, generator %.0f, all %.0f µs", get(func(c CPU) float64 { return c.Handler }),
			get(func(c CPU) float64 { return c.Redis }), get(func(c CPU) float64 { return c.Postgres }), get(func(c CPU) float64 { return c.Generator }), all.Median))
	}
	_ = w.Flush()
	p("")
	p("errors %d, conversations acknowledged %d, rows in the record %d", r.Errors, r.Finished, r.Rows)
	if r.Error != "" {
		p("the first error: %s", r.Error)
	}
	if !r.Holds() {
		p("DOES NOT HOLD: there must be no error, and a row for each acknowledged conversation")
	}
}
