package fakeaggregator

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Faults is how often each thing goes wrong: 0 never, 1 always. What "always"
// would make impossible to go on with is bounded where it happens.
type Faults struct {
	Duplicate float64 // a request is sent twice, one after the other or at once
	Both      float64 // a request is sent to two gateways at once
	Reorder   float64 // a copy of a request comes after the next one
	Delay     float64 // a request waits up to MaxDelay first
	Drop      float64 // our answer is lost: the same request comes again
	Hangup    float64 // she hangs up, with a request under way or not, and dials again
	Twice     float64 // a dial is told twice
	Session   float64 // the session's id changes in the middle
	Encoding  float64 // words come in Latin-1 where UTF-8 is due

	// Of the far end of sends. Their sum is 1 at the most.
	Throttle float64 // 429
	Error    float64 // 500, the message taken or not
	Silent   float64 // taken, and the connection cut without an answer
	Late     float64 // taken, and the answer comes after MaxDelay
	// Of receipts.
	Early     float64 // before the send is answered
	Again     float64 // twice
	Backwards float64 // delivered, and then sent

	MaxDelay time.Duration // 200 ms
}

// table names the faults as the command line does.
func (f *Faults) table() []struct {
	name  string
	value *float64
} {
	return []struct {
		name  string
		value *float64
	}{
		{"duplicate", &f.Duplicate}, {"both", &f.Both}, {"reorder", &f.Reorder}, {"delay", &f.Delay}, {"drop", &f.Drop},
		{"hangup", &f.Hangup}, {"twice", &f.Twice}, {"session", &f.Session}, {"encoding", &f.Encoding},
		{"throttle", &f.Throttle}, {"error", &f.Error}, {"silent", &f.Silent}, {"late", &f.Late},
		{"early", &f.Early}, {"again", &f.Again}, {"backwards", &f.Backwards},
	}
}

// Idle names the faults that cannot happen: those between two gateways where there
// is one, and those of sends and receipts without a far end.
func (f Faults) Idle(gateways int, farEnd bool) (names []string) {
	ofSends := false
	for _, v := range f.table() {
		ofSends = ofSends || v.name == "throttle" // the first of them
		if *v.value > 0 && (v.name == "both" && gateways < 2 || ofSends && !farEnd) {
			names = append(names, v.name)
		}
	}
	return names
}

// ParseFaults reads "duplicate=0.2,drop=0.1"; an empty text is no fault at all.
func ParseFaults(text string) (Faults, error) {
	var f Faults
	table := f.table()
	for part := range strings.SplitSeq(text, ",") {
		if part = strings.TrimSpace(part); part == "" {
			continue
		}
		name, value, _ := strings.Cut(part, "=")
		i := slices.IndexFunc(table, func(v struct {
			name  string
			value *float64
		}) bool {
			return v.name == name
		})
		p, err := strconv.ParseFloat(value, 64)
		switch {
		case i < 0:
			names := make([]string, len(table))
			for i, v := range table {
				names[i] = v.name
			}
			return f, fmt.Errorf("there is no fault %q; there are: %s", name, strings.Join(names, ", "))
		case err != nil || !(p >= 0 && p <= 1): // NaN is neither
			return f, fmt.Errorf("%s: how often is a number from 0 to 1, as %s=0.2", part, name)
		}
		*table[i].value = p
	}
	if f.Throttle+f.Error+f.Silent+f.Late > 1 {
		return f, fmt.Errorf("throttle, error, silent and late exclude each other: together they are 1 at the most")
	}
	return f, nil
}

// String writes the faults as ParseFaults reads them.
func (f Faults) String() string {
	var out []string
	for _, v := range f.table() {
		if *v.value > 0 {
			out = append(out, v.name+"="+strconv.FormatFloat(*v.value, 'g', -1, 64))
		}
	}
	if len(out) == 0 {
		return "none"
	}
	return strings.Join(out, ",")
}

func (f Faults) maxDelay() time.Duration {
	if f.MaxDelay > 0 {
		return f.MaxDelay
	}
	return 200 * time.Millisecond
}
