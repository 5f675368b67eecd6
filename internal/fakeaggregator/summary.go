package fakeaggregator

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"time"
)

// Summary is what a ledger holds, counted.
type Summary struct {
	Callers  int            `json:"callers"`
	Requests int            `json:"requests"` // of hops and SMS, copies included
	Hops     int            `json:"hops"`     // without copies
	SMS      int            `json:"sms"`
	Copies   map[string]int `json:"copies"`
	Lost     int            `json:"lost"` // answers that callers never got
	Acked    int            `json:"acked"`
	Runs     map[string]int `json:"runs"` // how they ended for the caller
	Finished int            `json:"finished"`
	Sends    map[string]int `json:"sends"` // by what the far end answered
	Receipts int            `json:"receipts"`
	Refused  int            `json:"refused"` // told that nothing was saved, or that too many call
	NoAnswer map[string]int `json:"no_answer"`
	Statuses map[int]int    `json:"statuses"`
	Seconds  float64        `json:"seconds"`
	P50      float64        `json:"p50_ms"` // of requests, from sent to answered
	P99      float64        `json:"p99_ms"`
	Max      float64        `json:"max_ms"`
}

// Summarise counts a ledger. The world tells what a refusal says.
func Summarise(ledger []Line, w *World) Summary {
	s := Summary{Copies: map[string]int{}, Runs: map[string]int{}, Sends: map[string]int{}, NoAnswer: map[string]int{}, Statuses: map[int]int{}}
	acked := map[string]bool{}
	var took []time.Duration
	var end time.Duration
	for _, l := range ledger {
		end = max(end, l.At+l.Took)
		switch l.Kind {
		case KindCaller:
			s.Callers++
		case KindRun:
			if l.Hearing != "" {
				s.Runs[l.Hearing]++
			}
			if l.Hearing == "acked" || l.Hearing == "told" {
				s.Finished++
			}
		case KindSend:
			s.Sends[l.Answer]++
		case KindReceipt:
			s.Receipts++
		case KindHop, KindSMS:
			if l.NoWay {
				continue
			}
			s.Requests++
			switch {
			case l.Copy != First:
				s.Copies[string(l.Copy)]++
			case l.Kind == KindHop:
				s.Hops++
			default:
				s.SMS++
			}
			if l.Lost {
				s.Lost++
			}
			if l.Error != "" {
				s.NoAnswer[l.Error]++
				continue
			}
			s.Statuses[l.Status]++
			if l.End && l.Ref == "" && isRefusal(w, l.Screen) {
				s.Refused++
			}
			took = append(took, l.Took)
			if l.Acked {
				acked[fmt.Sprint(l.Caller, "/", l.Run, "/", l.Ref, l.Own)] = true
			}
		}
	}
	s.Acked, s.Seconds = len(acked), end.Seconds()
	slices.Sort(took)
	at := func(q float64) float64 {
		if len(took) == 0 {
			return 0
		}
		return float64(took[min(int(q*float64(len(took))), len(took)-1)].Microseconds()) / 1000
	}
	s.P50, s.P99, s.Max = at(0.5), at(0.99), at(1)
	return s
}

// Print writes the summary for people.
func (s Summary) Print(w io.Writer) {
	p := func(format string, args ...any) { fmt.Fprintf(w, format+"\n", args...) }
	p("%d callers, %.1f s: %d requests (%d hops, %d SMS, the rest copies: %s)", s.Callers, s.Seconds, s.Requests, s.Hops, s.SMS, counted(s.Copies))
	p("acknowledged %d, runs: %s; answers that callers never got: %d; refusals: %d", s.Acked, counted(s.Runs), s.Lost, s.Refused)
	p("answered in p50 %.1f ms, p99 %.1f ms, at most %.1f ms; without an answer: %s", s.P50, s.P99, s.Max, counted(s.NoAnswer))
	if len(s.Sends) > 0 {
		p("sends: %s; receipts %d", counted(s.Sends), s.Receipts)
	}
}

func counted(m map[string]int) string {
	if len(m) == 0 {
		return "none"
	}
	out := ""
	for _, k := range slices.Sorted(maps.Keys(m)) {
		if out != "" {
			out += ", "
		}
		out += fmt.Sprintf("%s %d", k, m[k])
	}
	return out
}

// Spools is what went through the spools of gateways, through all their lives.
type Spools struct {
	Gateways    int `json:"gateways"` // those that tell of one
	Spooled     int `json:"spooled"`  // acknowledged
	Drained     int `json:"drained"`  // by the marks in the record
	Pending     int `json:"pending"`
	Quarantined int `json:"quarantined"`
}

// Print writes the report for people: a line a violation.
func (r *Report) Print(w io.Writer) {
	r.Summary.Print(w)
	for _, v := range r.Violations {
		fmt.Fprintln(w, v)
	}
	for _, u := range r.NotChecked {
		fmt.Fprintf(w, "not checked: %s: %s\n", u.Invariant, u.Why)
	}
	if s := r.Spools; s.Gateways > 0 {
		fmt.Fprintf(w, "spools of %d gateways: %d records went in, %d came out by a commit, %d wait, %d are in quarantine\n",
			s.Gateways, s.Spooled, s.Drained, s.Pending, s.Quarantined)
	}
	names := slices.SortedFunc(maps.Keys(r.Checked), func(a, b string) int { return number(a) - number(b) })
	fmt.Fprint(w, "checked:")
	for _, name := range names {
		fmt.Fprintf(w, " %s %d", name, r.Checked[name])
	}
	fmt.Fprintf(w, "\n%d violations\n", len(r.Violations))
}
