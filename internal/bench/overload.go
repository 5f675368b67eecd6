package bench

import (
	"context"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"
)

// The goals of issue 5: whoever finds no room knows it within 50 ms, those let in
// wait no more than twice as long as at saturation, and 5 s later all is well.
const (
	goalShed     = 50.0
	goalAdmitted = 2.0
	goalRecovery = 5.0
)

const (
	overloadTimes    = 3 // what the gateway can carry, times this
	overloadMeasured = 5 * time.Second
	overloadAfter    = 8 * time.Second
)

// OverloadRound is one time through saturation, half of it, overload and what
// comes after.
type OverloadRound struct {
	Saturated closedRound `json:"saturated"`
	Half      openRound   `json:"half"` // constant arrivals, half of what it can carry
	Over      openRound   `json:"over"` // three times what it can carry
	After     openRound   `json:"after"`
	// Recovery is when the first second began in which nobody was refused, and in no
	// quarter p99 was above twice that of half and above every quarter's of half: seconds
	// after the overload. A quarter that is worse than all twenty of half comes along later
	// too, as it would without an overload.
	Recovery float64 `json:"recovery_seconds"`
	Load     string  `json:"load"`
}

// OverloadReport is a whole run of `lafia bench overload`.
type OverloadReport struct {
	Machine  Machine         `json:"machine"`
	Apart    int             `json:"generator_cores"`   // that the generator has for itself; 0: it shares those of the gateway
	Weights  string          `json:"weights,omitempty"` // of the services at the processor; "": every process has an equal turn
	Seconds  float64         `json:"seconds"`
	Rounds   []OverloadRound `json:"rounds"`
	Errors   int64           `json:"errors"`
	Error    string          `json:"first_error,omitempty"`
	Finished int64           `json:"acknowledged"`
	Rows     int64           `json:"rows"`
}

// Overload measures what becomes of callers at three times what the gateway can
// carry, for Round, and how soon all is well after it. Where there are two cores the
// generator has one of them, or a quarter of more, for itself, unless Shared: three times
// of what is carried keep a generator so busy that it would be its own pace that is
// measured.
func Overload(ctx context.Context, o Options) (report *OverloadReport, err error) {
	o.defaults()
	err = within(ctx, o, func(r *run) error {
		if err := r.startOverload(ctx); err != nil {
			return err
		}
		report, err = r.overload(ctx)
		return err
	})
	return report, err
}

func (r *run) startOverload(ctx context.Context) error {
	busy, err := busyText()
	if err != nil {
		return err
	}
	if !r.Shared {
		back, err := r.standApart()
		if err != nil {
			return err
		}
		defer back()
	}
	keys, err := r.startServers(ctx)
	if err != nil {
		return err
	}
	_, url, err := r.startGateway(ctx, keys)
	if err != nil {
		return err
	}
	if r.Groups != "" {
		if err := r.groups(r.Groups); err != nil {
			return err
		}
	}
	r.say("bringing %d callers into conversations", r.Callers)
	return r.warm(command{Target: string(ChildGateway), URL: url, Path: ussdPath, Busy: busy, Over: true})
}

// standApart keeps cores for the generator, and starts all else on the others; back
// gives this process the run of all.
func (r *run) standApart() (back func(), err error) {
	all, err := cores()
	if err != nil || len(all) < 2 {
		return func() {}, err
	}
	n := max(len(all)/4, 1)
	r.apart = all[len(all)-n:]
	return func() { _ = pin(all) }, pin(all[:len(all)-n])
}

func (r *run) overload(ctx context.Context) (*OverloadReport, error) {
	report := &OverloadReport{Machine: r.report.Machine, Apart: len(r.apart), Weights: weights(r.Groups), Seconds: r.Round.Seconds()}
	for n := range r.Rounds {
		var round OverloadRound
		res, err := r.generator.do(command{Do: "closed", Target: string(ChildGateway), Connections: r.Connections, Seconds: overloadMeasured.Seconds()})
		if err != nil {
			return nil, err
		}
		round.Saturated = *res.Closed
		carries := round.Saturated.HopsPerSecond
		for _, part := range []struct {
			into *openRound
			rate float64
			d    time.Duration
		}{
			{&round.Half, carries / 2, overloadMeasured},
			{&round.Over, carries * overloadTimes, r.Round},
			{&round.After, carries / 2, overloadAfter},
		} {
			var res result
			var err error
			cpu := r.cpu(string(ChildGateway), func() int64 {
				if res, err = r.generator.do(command{Do: "open", Target: string(ChildGateway), Rate: part.rate, Seconds: part.d.Seconds()}); err != nil {
					return 0
				}
				return int64(res.Open.Sent)
			})
			if err != nil {
				return nil, err
			}
			*part.into = *res.Open
			part.into.CPU = cpu
		}
		round.Recovery, round.Load = recovery(round.After.Windows, usual(round.Half)), load()
		round.Half.Windows, round.Over.Windows = nil, nil
		report.Rounds = append(report.Rounds, round)
		r.say("round %d of %d: saturated %.0f hops/s, p99 %.0f ms; at %.0f a second %.0f were let in, p99 %.0f ms, the others knew in %.0f ms; well after %.1f s; load %s", n+1, r.Rounds,
			carries, round.Saturated.Took.P99, round.Over.Rate, round.Over.admittedPerSecond(), round.Over.Admitted.P99, round.Over.Shed.P99, round.Recovery, round.Load)
	}
	res, err := r.generator.do(command{Do: "count", Target: string(ChildGateway)})
	if err != nil {
		return nil, err
	}
	report.Errors, report.Error, report.Finished = res.Failed, res.FirstError, res.Finished
	rows, err := r.count(ctx, "submission")
	if err != nil {
		return nil, err
	}
	report.Rows = rows - r.before
	return report, nil
}

func (r openRound) admittedPerSecond() float64 {
	return r.RepliesPerSecond * float64(r.Admitted.Count) / float64(max(r.Admitted.Count+r.Shed.Count, 1))
}

// usual is what a quarter of a second's p99 may be while all is well, in ms: twice that
// of the whole, or as much as the worst quarter had. Where p99 is next to nothing, twice
// of it is nothing too.
func usual(half openRound) float64 {
	most := max(2*half.All.P99, 10)
	for _, w := range half.Windows {
		most = max(most, w.P99)
	}
	return most
}

// recovery tells how many seconds passed until the first whole one in which nobody was
// refused and p99 was as usual in each quarter; all of them where there is none.
func recovery(windows []Window, usual float64) float64 {
	well := 0
	for i, w := range windows {
		if w.Shed > 0 || w.P99 > usual {
			well = 0
			continue
		}
		if well++; well == int(time.Second/windowLength) {
			return float64(i+1-well) * windowLength.Seconds()
		}
	}
	return float64(len(windows)) * windowLength.Seconds()
}

// refusedLater counts those who were refused though all had been well for a second.
func refusedLater(windows []Window, recovery float64) (n int64) {
	for _, w := range windows[min(int(recovery/windowLength.Seconds()), len(windows)):] {
		n += w.Shed
	}
	return n
}

// Holds reports whether everything that was measured was also right.
func (r *OverloadReport) Holds() bool {
	return r.Errors == 0 && r.Rows == r.Finished && r.Finished > 0
}

// Print writes the report for people.
func (r *OverloadReport) Print(out io.Writer) {
	p := func(format string, args ...any) { fmt.Fprintf(out, format+"\n", args...) }
	of := func(f func(OverloadRound) float64) Figure {
		v := make([]float64, len(r.Rounds))
		for i, round := range r.Rounds {
			v[i] = f(round)
		}
		return middle(v)
	}
	m := r.Machine
	p("%d cores (%s), %s, %s, PostgreSQL %s (fsync %s, synchronous_commit %s), Redis %s", m.Cores, m.Model, m.System, m.Go, m.Postgres, m.Fsync, m.Commit, m.Redis)
	if r.Apart > 0 {
		p("the generator has %d more to itself; gateway and servers share theirs; load before: %s", r.Apart, m.Load)
	} else {
		p("generator, gateway and servers share the cores; load before: %s", m.Load)
	}
	if r.Weights != "" {
		p("weights at the processor: %s", r.Weights)
	} else {
		p("every process has an equal turn at the processor: each of PostgreSQL's as much as the gateway")
	}
	p("%d rounds; medians (low to high)", len(r.Rounds))
	p("")
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	row := func(name, format string, f func(OverloadRound) float64) {
		v := of(f)
		fmt.Fprintln(w, strings.Join([]string{name, fmt.Sprintf(format+" ("+format+" to "+format+")", v.Median, v.Low, v.High)}, "\t"))
	}
	row("it can carry, hops/s (saturated, closed loop)", "%.0f", func(o OverloadRound) float64 { return o.Saturated.HopsPerSecond })
	row("  p50, ms", "%.1f", func(o OverloadRound) float64 { return o.Saturated.Took.P50 })
	row("  p99, ms", "%.1f", func(o OverloadRound) float64 { return o.Saturated.Took.P99 })
	row("at half of it, constant: p99 from when due, ms", "%.1f", func(o OverloadRound) float64 { return o.Half.All.P99 })
	row("  refused", "%.0f", func(o OverloadRound) float64 { return float64(o.Half.Shed.Count) })
	row(fmt.Sprintf("at %d times of it for %.0f s: arrivals/s", overloadTimes, r.Seconds), "%.0f", func(o OverloadRound) float64 { return o.Over.Rate })
	row("  answered, a second", "%.0f", func(o OverloadRound) float64 { return o.Over.RepliesPerSecond })
	row("  let in, a second", "%.0f", func(o OverloadRound) float64 { return o.Over.admittedPerSecond() })
	row("  let in: p50, ms", "%.1f", func(o OverloadRound) float64 { return o.Over.Admitted.P50 })
	row("  let in: p99, ms", "%.1f", func(o OverloadRound) float64 { return o.Over.Admitted.P99 })
	row("    beside that at saturation", "%.2f", func(o OverloadRound) float64 { return o.Over.Admitted.P99 / max(o.Saturated.Took.P99, 0.1) })
	row(fmt.Sprintf("    after the first second, goal %.0f", goalAdmitted), "%.2f", func(o OverloadRound) float64 { return o.Over.StandingAdmitted.P99 / max(o.Saturated.Took.P99, 0.1) })
	row("  refused: p50, ms", "%.1f", func(o OverloadRound) float64 { return o.Over.Shed.P50 })
	row(fmt.Sprintf("  refused: p99, ms, goal %.0f", goalShed), "%.1f", func(o OverloadRound) float64 { return o.Over.Shed.P99 })
	row("    after the first second, ms", "%.1f", func(o OverloadRound) float64 { return o.Over.StandingShed.P99 })
	row("  sent late by the generator: p99, ms", "%.1f", func(o OverloadRound) float64 { return o.Over.SentLate.P99 })
	row(fmt.Sprintf("back at half of it: well after, s, goal %.0f", goalRecovery), "%.2f", func(o OverloadRound) float64 { return o.Recovery })
	row("  refused after that", "%.0f", func(o OverloadRound) float64 { return float64(refusedLater(o.After.Windows, o.Recovery)) })
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
