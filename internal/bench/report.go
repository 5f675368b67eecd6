package bench

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"
)

// Latency is what was measured of one kind of hop in one round, in milliseconds
// from the moment when each was due.
type Latency struct {
	Count int64   `json:"count"`
	P50   float64 `json:"p50_ms"`
	P99   float64 `json:"p99_ms"`
	P999  float64 `json:"p99_9_ms"`
	Max   float64 `json:"max_ms"`
}

type closedRound struct {
	HopsPerSecond float64 `json:"hops_per_second"`
	Hops          int64   `json:"hops"`
	Errors        int64   `json:"errors"`
	Took          Latency `json:"took"` // waiting for a connection is not in it
	CPU           *CPU    `json:"cpu_us_per_hop,omitempty"`
}

type openRound struct {
	Rate             float64 `json:"arrivals_per_second"`
	Sent             int     `json:"sent"`
	RepliesPerSecond float64 `json:"replies_per_second"`
	Errors           int64   `json:"errors"`
	All              Latency `json:"all"`
	Plain            Latency `json:"without_commit"`
	Finishing        Latency `json:"with_commit"`
	// SentLate is how long after its due time a hop was sent: the generator's own part.
	SentLate Latency `json:"sent_late"`
	// Admitted and Shed are those that were let in and those for whom there was no
	// room, from the moment when each was sent.
	Admitted Latency `json:"admitted"`
	Shed     Latency `json:"shed"`
	// StandingAdmitted and StandingShed are those of them that were due after the first
	// second: what comes too fast is a burst at first, and waits (gateway/admission.go).
	StandingAdmitted Latency  `json:"standing_admitted"`
	StandingShed     Latency  `json:"standing_shed"`
	Windows          []Window `json:"windows,omitempty"`
	CPU              *CPU     `json:"cpu_us_per_hop,omitempty"`
}

// Window is a quarter of a second, by when hops were due.
type Window struct {
	Shed int64   `json:"shed"`
	P99  float64 `json:"p99_ms"` // of those let in, from when they were due
}

// CPU is processor time by whom it was spent, in microseconds a hop.
type CPU struct {
	Handler   float64 `json:"handler"`
	Redis     float64 `json:"redis"`
	Postgres  float64 `json:"postgres"`
	Generator float64 `json:"generator"`
	// Others is the share of the machine, 0 to 1, that went to processes which are
	// not part of the measurement: above a few percent, the figures are too low.
	Others float64 `json:"others_share"`
}

func (c CPU) total() float64 { return c.Handler + c.Redis + c.Postgres + c.Generator }

// Round is one time through all measurements.
type Round struct {
	Kept   bool   `json:"kept"` // the first is not
	Closed sides  `json:"closed"`
	Open   opens  `json:"open"`
	Load   string `json:"load"` // the machine's, at its end
	// Others is the mean share of the machine that other processes took.
	Others float64 `json:"others_share"`
}

type sides struct {
	Gateway       closedRound `json:"gateway"` // whole conversations
	Ordinary      closedRound `json:"ordinary"`
	Bare          closedRound `json:"bare"`
	Ratio         float64     `json:"ratio"`
	OrdinaryRatio float64     `json:"ordinary_ratio"`
}

type opens struct {
	Gateway  openRound `json:"gateway"` // whole conversations
	Ordinary openRound `json:"ordinary"`
	Bare     openRound `json:"bare"`
}

// Figure is a median over rounds with its spread.
type Figure struct {
	Median float64 `json:"median"`
	Low    float64 `json:"low"`
	High   float64 `json:"high"`
}

// Report is a whole run.
type Report struct {
	Machine  Machine  `json:"machine"`
	Settings Settings `json:"settings"`

	HopsPerSecond     Figure `json:"hops_per_second"`
	BareHopsPerSecond Figure `json:"bare_hops_per_second"`
	Ratio             Figure `json:"ratio"` // gateway ÷ bare, of saturated hops a second, within a round
	// CPURatio is bare ÷ gateway of the processor time a hop at saturation, all
	// processes together: what the ratio is where cores are the limit, and less at
	// the mercy of what else the machine does.
	CPURatio Figure  `json:"cpu_ratio"`
	Goal     float64 `json:"ratio_goal"`
	// Ordinary is the same of hops that make nothing durable.
	Ordinary Ordinary `json:"ordinary"`
	GoalP99  float64  `json:"ordinary_p99_goal"` // times the bare handler's

	Latency     Latencies `json:"latency"`
	BareLatency Latencies `json:"bare_latency"`

	Others Figure `json:"others_share"` // of the machine, during the kept rounds

	Errors   int64  `json:"errors"`
	Error    string `json:"first_error,omitempty"`
	Refused  int64  `json:"refused"` // hops for which there was no room, who were told so: no errors
	Hops     int64  `json:"hops"`
	Finished int64  `json:"acknowledged"` // conversations whose last screen carried a reference
	Rows     int64  `json:"rows"`         // submissions in the record that were not there before
	Drafts   int64  `json:"drafts"`       // in the record at the end

	Rounds []Round `json:"rounds"`
}

// Ordinary is what was measured of hops that make nothing durable: callers walk a
// feedback up to the screen before that, hang up, dial again and start again.
type Ordinary struct {
	HopsPerSecond Figure    `json:"hops_per_second"`
	Ratio         Figure    `json:"ratio"`
	CPURatio      Figure    `json:"cpu_ratio"`
	Latency       Latencies `json:"latency"`
	P99Ratio      Figure    `json:"p99_ratio"` // to the bare handler's at the same rate, within a round
}

// Latencies are medians over rounds, in milliseconds.
type Latencies struct {
	P50           Figure `json:"p50_ms"`
	P99           Figure `json:"p99_ms"`
	P999          Figure `json:"p99_9_ms"`
	Max           Figure `json:"max_ms"`
	FinishingP50  Figure `json:"with_commit_p50_ms"`
	FinishingP99  Figure `json:"with_commit_p99_ms"`
	FinishingP999 Figure `json:"with_commit_p99_9_ms"`
	SentLateP99   Figure `json:"sent_late_p99_ms"`
	RepliesASec   Figure `json:"replies_per_second"`
}

// Machine is where it was measured.
type Machine struct {
	Cores    int    `json:"cores"`
	Model    string `json:"model,omitempty"`
	System   string `json:"system"`
	Go       string `json:"go"`
	Postgres string `json:"postgres"`
	Redis    string `json:"redis"`
	Fsync    string `json:"fsync"`
	Commit   string `json:"synchronous_commit"`
	Load     string `json:"load_before"`
}

// Settings are how it was measured.
type Settings struct {
	Rounds       int     `json:"rounds"`
	Seconds      float64 `json:"seconds_per_round"`
	Connections  int     `json:"connections"`
	Callers      int     `json:"callers"`
	Rate         float64 `json:"arrivals_per_second"`
	SessionBytes int     `json:"session_bytes"` // mean of what the gateway stores; the bare handler's value
}

// Holds reports whether everything that was measured was also right.
func (r *Report) Holds() bool {
	return r.Errors == 0 && r.Rows == r.Finished && r.Finished > 0
}

func figure(rounds []Round, of func(Round) float64) Figure {
	var v []float64
	for _, r := range rounds {
		if r.Kept {
			v = append(v, of(r))
		}
	}
	return middle(v)
}

// middle is the median of values, with their spread.
func middle(v []float64) Figure {
	if len(v) == 0 {
		return Figure{}
	}
	slices.Sort(v)
	m := v[len(v)/2]
	if len(v)%2 == 0 {
		m = (v[len(v)/2-1] + m) / 2
	}
	return Figure{Median: m, Low: v[0], High: v[len(v)-1]}
}

// settle takes the medians.
func (r *Report) settle() {
	of := func(f func(Round) float64) Figure { return figure(r.Rounds, f) }
	r.HopsPerSecond = of(func(r Round) float64 { return r.Closed.Gateway.HopsPerSecond })
	r.BareHopsPerSecond = of(func(r Round) float64 { return r.Closed.Bare.HopsPerSecond })
	r.Ratio = of(func(r Round) float64 { return r.Closed.Ratio })
	cheaper := func(side func(Round) closedRound) Figure {
		return of(func(r Round) float64 {
			if side(r).CPU == nil || r.Closed.Bare.CPU == nil {
				return 0
			}
			return r.Closed.Bare.CPU.total() / max(side(r).CPU.total(), 1)
		})
	}
	r.CPURatio = cheaper(func(r Round) closedRound { return r.Closed.Gateway })
	r.Ordinary.CPURatio = cheaper(func(r Round) closedRound { return r.Closed.Ordinary })
	r.Ordinary.HopsPerSecond = of(func(r Round) float64 { return r.Closed.Ordinary.HopsPerSecond })
	r.Ordinary.Ratio = of(func(r Round) float64 { return r.Closed.OrdinaryRatio })
	r.Ordinary.P99Ratio = of(func(r Round) float64 { return r.Open.Ordinary.All.P99 / max(r.Open.Bare.All.P99, 0.1) })
	r.Others = of(func(r Round) float64 { return r.Others })
	side := func(o func(Round) openRound) Latencies {
		return Latencies{
			P50: of(func(r Round) float64 { return o(r).All.P50 }), P99: of(func(r Round) float64 { return o(r).All.P99 }),
			P999: of(func(r Round) float64 { return o(r).All.P999 }), Max: of(func(r Round) float64 { return o(r).All.Max }),
			FinishingP50:  of(func(r Round) float64 { return o(r).Finishing.P50 }),
			FinishingP99:  of(func(r Round) float64 { return o(r).Finishing.P99 }),
			FinishingP999: of(func(r Round) float64 { return o(r).Finishing.P999 }),
			SentLateP99:   of(func(r Round) float64 { return o(r).SentLate.P99 }),
			RepliesASec:   of(func(r Round) float64 { return o(r).RepliesPerSecond }),
		}
	}
	r.Latency = side(func(r Round) openRound { return r.Open.Gateway })
	r.BareLatency = side(func(r Round) openRound { return r.Open.Bare })
	r.Ordinary.Latency = side(func(r Round) openRound { return r.Open.Ordinary })
}

// busyNote warns where the machine had other work.
func busyNote(o Figure) string {
	if o.Median < 0.05 {
		return ""
	}
	return ": the absolute figures are too low, and the ratio is uncertain; measure again on a quiet machine"
}

// Print writes the report for people.
func (r *Report) Print(out io.Writer) {
	p := func(format string, args ...any) { fmt.Fprintf(out, format+"\n", args...) }
	m, s := r.Machine, r.Settings
	kept := 0
	for _, round := range r.Rounds {
		if round.Kept {
			kept++
		}
	}
	p("%d cores (%s), %s, %s, PostgreSQL %s (fsync %s, synchronous_commit %s), Redis %s", m.Cores, m.Model, m.System, m.Go, m.Postgres, m.Fsync, m.Commit, m.Redis)
	p("generator, gateway, bare handler and servers share the cores; load before: %s", m.Load)
	if o := r.Others; o.High > 0 {
		p("other processes took %.0f %% of the machine (%.0f to %.0f)%s", o.Median*100, o.Low*100, o.High*100, busyNote(o))
	}
	p("%d rounds of %.0f s, the first dropped; medians of the other %d (low to high)", len(r.Rounds), s.Seconds, kept)
	p("whole conversations: every hop of a feedback or a tension, one in eight commits; a quarter by callers who never called before")
	p("ordinary hops: a feedback up to the screen whose answer would be durable, hung up, dialled again, started again; no hop commits")
	p("bare handler: same binary and server settings, one Redis GET, one EVALSHA compare-and-set of %d bytes, as the gateway's sessions", s.SessionBytes)
	p("")
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	row := func(cells ...string) { fmt.Fprintln(w, strings.Join(cells, "\t")) }
	num := func(f Figure, format string) string {
		return fmt.Sprintf(format+" ("+format+" to "+format+")", f.Median, f.Low, f.High)
	}
	row("", "whole conversations", "ordinary hops", "bare handler")
	row(fmt.Sprintf("saturated, %d connections: hops/s", s.Connections), num(r.HopsPerSecond, "%.0f"), num(r.Ordinary.HopsPerSecond, "%.0f"), num(r.BareHopsPerSecond, "%.0f"))
	row(fmt.Sprintf("  gateway / bare, goal %.2f", r.Goal), num(r.Ratio, "%.2f"), num(r.Ordinary.Ratio, "%.2f"), "1")
	if r.CPURatio.Median > 0 {
		row("  bare / gateway, by processor time a hop", num(r.CPURatio, "%.2f"), num(r.Ordinary.CPURatio, "%.2f"), "1")
	}
	all := func(name, format, unit string, of func(Latencies) Figure) {
		row(name, num(of(r.Latency), format)+unit, num(of(r.Ordinary.Latency), format)+unit, num(of(r.BareLatency), format)+unit)
	}
	all(fmt.Sprintf("constant %.0f hops/s, %d callers: replies/s", s.Rate, s.Callers), "%.0f", "", func(l Latencies) Figure { return l.RepliesASec })
	all("  p50", "%.1f", " ms", func(l Latencies) Figure { return l.P50 })
	all("  p99", "%.1f", " ms", func(l Latencies) Figure { return l.P99 })
	row(fmt.Sprintf("    beside the bare handler's, goal %.0f at most", r.GoalP99), "", num(r.Ordinary.P99Ratio, "%.1f"), "1")
	all("  p99.9", "%.1f", " ms", func(l Latencies) Figure { return l.P999 })
	all("  longest", "%.1f", " ms", func(l Latencies) Figure { return l.Max })
	row("  hops that commit: p50", num(r.Latency.FinishingP50, "%.1f")+" ms")
	row("  hops that commit: p99", num(r.Latency.FinishingP99, "%.1f")+" ms")
	row("  hops that commit: p99.9", num(r.Latency.FinishingP999, "%.1f")+" ms")
	all("  sent late by the generator: p99", "%.1f", " ms", func(l Latencies) Figure { return l.SentLateP99 })
	_ = w.Flush()
	r.printCPU(out)
	p("")
	p("hops %d, errors %d, refused because there was no room %d, conversations acknowledged %d, rows in the record %d", r.Hops, r.Errors, r.Refused, r.Finished, r.Rows)
	if r.Error != "" {
		p("the first error: %s", r.Error)
	}
	if !r.Holds() {
		p("DOES NOT HOLD: there must be no error, and a row for each acknowledged conversation")
	}
}

func (r *Report) printCPU(out io.Writer) {
	if len(r.Rounds) == 0 || r.Rounds[len(r.Rounds)-1].Closed.Gateway.CPU == nil {
		return
	}
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w)
	fmt.Fprintln(w, "processor time a hop, µs\thandler\tRedis\tPostgreSQL\tgenerator\tall")
	line := func(name string, of func(Round) *CPU) {
		get := func(f func(CPU) float64) float64 {
			return figure(r.Rounds, func(r Round) float64 { return f(*of(r)) }).Median
		}
		fmt.Fprintf(w, "%s\t%.0f\t%.0f\t%.0f\t%.0f\t%.0f\n", name, get(func(c CPU) float64 { return c.Handler }), get(func(c CPU) float64 { return c.Redis }),
			get(func(c CPU) float64 { return c.Postgres }), get(func(c CPU) float64 { return c.Generator }), get(CPU.total))
	}
	line("  saturated, whole conversations", func(r Round) *CPU { return r.Closed.Gateway.CPU })
	line("  saturated, ordinary hops", func(r Round) *CPU { return r.Closed.Ordinary.CPU })
	line("  saturated, bare", func(r Round) *CPU { return r.Closed.Bare.CPU })
	line("  constant, whole conversations", func(r Round) *CPU { return r.Open.Gateway.CPU })
	line("  constant, ordinary hops", func(r Round) *CPU { return r.Open.Ordinary.CPU })
	line("  constant, bare", func(r Round) *CPU { return r.Open.Bare.CPU })
	_ = w.Flush()
}
