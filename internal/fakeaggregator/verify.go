package fakeaggregator

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"lafia/internal/flow"
)

// Violation is something that the ledger and the record do not agree on.
type Violation struct {
	Invariant string `json:"invariant"`
	What      string `json:"what"`
	Caller    int    `json:"caller"` // by her place in the ledger; -1: nobody
	Where     string `json:"where"`
}

// String is the violation in a line, without a number or a text.
func (v Violation) String() string {
	who := "nobody"
	if v.Caller >= 0 {
		who = fmt.Sprintf("caller %d", v.Caller)
	}
	return fmt.Sprintf("%s: %s: %s (%s)", v.Invariant, who, v.What, v.Where)
}

// Unchecked is an invariant, or a part of one, that nothing was looked at for.
type Unchecked struct {
	Invariant string `json:"invariant"`
	Why       string `json:"why"`
}

// Report is what Verify found.
type Report struct {
	Violations []Violation    `json:"violations"`
	NotChecked []Unchecked    `json:"not_checked"`
	Checked    map[string]int `json:"checked"` // how many things were looked at, by invariant
	Spools     Spools         `json:"spools"`
	Summary    Summary        `json:"summary"`
}

// VerifyOptions say against what a ledger is compared. Those without a default
// must be given.
type VerifyOptions struct {
	World  *World
	Keys   Keys
	Record *Record
	// Limit is how long a hop may take outside windows: 8 s, the budget of the
	// gateway. None may take longer than Deadline: 9 s, what the shortest
	// aggregator waits less a second.
	Limit, Deadline time.Duration
	// Logs are what gateways wrote.
	Logs []string
}

// check is a verification under way.
type check struct {
	VerifyOptions
	report  Report
	lines   []Line
	callers map[int]Line
	contact map[string]int // pseudonym → caller
	owner   map[string]int // nonce → caller
	runs    map[string]Line
	hops    map[int][]turn // by caller, in order
	sms     map[int][]turn
	sends   map[int][]Line
	windows []Line
	ended   time.Time // of the ledger
	byNonce map[string][]Row
	expects map[int][]expected
	calls   map[int][]wishedCall
	blind   map[int]bool
	heard   map[int]map[string]bool // screens that she got
}

// turn is one hop or one SMS with all its copies.
type turn struct {
	first  Line
	copies []Line // those that are not late, the first among them
	late   []Line
}

// expected is a run that a replay finished.
type expected struct {
	sub      *flow.Submission
	language string
	run      int    // of the replay: what is taken up again has the same
	ref      string // "": its last screen was not heard
	nonce    string
	medium   string
	turn     turn
	partial  bool // she left it, and what she had said by then is kept
	sure     bool // it must be there
}

// wishedCall is a wish to be called back that a replay made.
type wishedCall struct {
	answers map[string]string
	turn    turn
	sure    bool // it must be there
}

// Verify compares a ledger with the record.
func Verify(ledger []Line, o VerifyOptions) *Report {
	o.Limit, o.Deadline = cmp.Or(o.Limit, 8*time.Second), cmp.Or(o.Deadline, 9*time.Second)
	c := &check{
		VerifyOptions: o, lines: ledger, callers: map[int]Line{}, contact: map[string]int{}, owner: map[string]int{}, runs: map[string]Line{},
		hops: map[int][]turn{}, sms: map[int][]turn{}, sends: map[int][]Line{}, byNonce: map[string][]Row{}, expects: map[int][]expected{}, calls: map[int][]wishedCall{},
		blind: map[int]bool{}, heard: map[int]map[string]bool{},
	}
	c.report.Checked = map[string]int{}
	c.sort()
	c.erased()
	for _, caller := range slices.Sorted(maps.Keys(c.callers)) {
		c.replayCaller(caller)
	}
	for _, f := range []func(){
		c.lost, c.doubled, c.wrong, c.unmeant, c.repeats, c.references, c.provider, c.stops, c.crossed, c.plain, c.counts, c.spooled, c.quiet, c.times, c.promises, c.prompt, c.audited,
	} {
		f()
	}
	if o.Keys.Confidential == nil {
		c.unchecked("I3", "of confidential rows: they do not open without a focal point's key; they are counted")
	}
	slices.SortStableFunc(c.report.Violations, func(a, b Violation) int {
		return cmp.Or(cmp.Compare(number(a.Invariant), number(b.Invariant)), cmp.Compare(a.Caller, b.Caller))
	})
	c.report.Summary = Summarise(ledger, o.World)
	if c.report.Violations == nil {
		c.report.Violations = []Violation{}
	}
	return &c.report
}

func number(invariant string) (n int) {
	_, _ = fmt.Sscanf(invariant, "I%d", &n)
	return n
}

func (c *check) violated(invariant string, caller int, where, format string, args ...any) {
	c.report.Violations = append(c.report.Violations, Violation{invariant, fmt.Sprintf(format, args...), caller, where})
}

func (c *check) unchecked(invariant, why string) {
	c.report.NotChecked = append(c.report.NotChecked, Unchecked{invariant, why})
}

// looked counts what an invariant was asked of.
func (c *check) looked(invariant string) { c.report.Checked[invariant]++ }

// sort puts the ledger in order.
func (c *check) sort() {
	ordered := slices.Clone(c.lines)
	slices.SortStableFunc(ordered, func(a, b Line) int { return cmp.Compare(a.At, b.At) })
	at := map[string]int{} // hop or message → its place among the caller's turns
	for _, l := range ordered {
		if end := l.Wall.Add(l.Took); end.After(c.ended) {
			c.ended = end
		}
		switch l.Kind {
		case KindCaller:
			c.callers[l.Caller] = l
			p := c.Keys.Ring.Pseudonym(l.Number)
			c.contact[string(p.Bytes())] = l.Caller
		case KindRun:
			c.owner[l.Nonce], c.runs[l.Nonce] = l.Caller, l
		case KindWindow:
			c.windows = append(c.windows, l)
		case KindSend:
			c.sends[l.Caller] = append(c.sends[l.Caller], l)
		case KindHop, KindSMS:
			if l.NoWay {
				continue
			}
			list, key := c.hops, fmt.Sprintf("%d/%s/%d", l.Caller, l.Session, l.N)
			if l.Kind == KindSMS {
				list, key = c.sms, fmt.Sprintf("%d/sms/%s", l.Caller, l.Own)
			}
			i, known := at[key]
			if !known {
				i = len(list[l.Caller])
				at[key] = i
				list[l.Caller] = append(list[l.Caller], turn{first: l})
			}
			t := &list[l.Caller][i]
			if l.Copy == Late {
				t.late = append(t.late, l)
				continue
			}
			t.copies = append(t.copies, l)
			if l.Screen != "" {
				if c.heard[l.Caller] == nil {
					c.heard[l.Caller] = map[string]bool{}
				}
				c.heard[l.Caller][l.Screen] = true
			}
		}
	}
	for _, r := range c.Record.Rows {
		for _, n := range noncesIn(r.Words) {
			c.byNonce[n] = append(c.byNonce[n], r)
		}
	}
}

// screens gives the answers to a hop that are screens of a conversation, and not
// "nothing was saved".
func (c *check) screens(t turn) (out []Line) {
	for _, l := range t.copies {
		if l.Screen != "" && !(l.End && isRefusal(c.World, l.Screen)) {
			out = append(out, l)
		}
	}
	return out
}

// unsent reports whether neither it nor a copy of it reached anybody.
func (t turn) unsent() bool {
	return !slices.ContainsFunc(slices.Concat(t.copies, t.late), func(l Line) bool { return l.Error != refused })
}

func (t turn) begins() time.Duration {
	begin := t.first.At
	for _, l := range t.copies {
		begin = min(begin, l.At)
	}
	return begin
}

func (t turn) ends() time.Duration {
	end := t.first.At
	for _, l := range t.copies {
		end = max(end, l.At+l.Took)
	}
	return end
}

// behindWrite is how late a draft may be written.
const behindWrite = 2 * time.Second

// lostBetween reports whether something was away between two moments.
func (c *check) lostBetween(from, to time.Duration) bool {
	for _, w := range c.windows {
		if w.At <= to && w.At+w.Took >= from-behindWrite {
			return true
		}
	}
	return false
}

// replayCaller takes all that one caller did through the flows again.
func (c *check) replayCaller(caller int) {
	who := c.callers[caller]
	r := newReplay(c.World, "ussd", who.Wire, who.Leads)
	last := time.Duration(0)
	for _, t := range c.hops[caller] {
		if t.unsent() {
			continue
		}
		if t.first.N == 0 {
			var tail []string
			if t.first.Tail != "" {
				tail = strings.Split(t.first.Tail, "*")
			}
			r.dial(tail, t.first.Wall)
		} else {
			r.input(t.first.Input, t.first.PIN, t.first.Wall)
		}
		if t.first.PIN != "" { // the PIN itself is in no ledger
			r.step.input = strings.Repeat("0", 4)
		}
		end := t.ends()
		heard := c.screens(t)
		lost := c.lostBetween(last, end)
		last = t.first.At
		c.looked("I6")
		certain := len(r.states) == 1 && len(r.states[0].late) == 0 && len(heard) > 0 && !lost
		switch {
		case len(heard) == 0:
			r.unheard()
		case !r.hear(heard[0].Screen, heard[0].End, lost):
			c.violated("I6", caller, where(t.first), "a screen that no replay of what she keyed in gives")
			c.blind[caller] = true
			return
		}
		c.expect(caller, r, t, heard)
		c.expectCall(caller, r, t, heard)
		c.expectLeft(caller, r, t, certain)
		r.replied = t.first.Wall.Add(end - t.first.At)
	}
	if who.Role == Converse {
		c.replayMessages(caller)
	}
}

// replayMessages is replayCaller for a conversation by SMS.
func (c *check) replayMessages(caller int) {
	r := newReplay(c.World, "sms", c.callers[caller].Wire, nil)
	list := slices.DeleteFunc(slices.Clone(c.sms[caller]), turn.unsent)
	last := time.Duration(0)
	for i, t := range list {
		lost := c.lostBetween(last, t.ends()+replyWithin)
		last = t.first.At
		if i == 0 || t.first.Text == menuText {
			r.dial(nil, t.first.Wall)
		} else {
			r.input(t.first.Text, "", t.first.Wall)
		}
		until := time.Duration(1<<63 - 1)
		if i+1 < len(list) {
			until = list[i+1].first.At
		}
		var reply []Line
		for _, s := range c.sends[caller] {
			if s.Taken && s.At > t.first.At && s.At < until {
				l := t.first
				l.Screen, l.Ref = s.Text, referenceForm.FindString(s.Text)
				reply = append(reply, l)
			}
		}
		c.looked("I6")
		switch {
		case len(reply) == 0 && !lost && i+1 < len(list):
			// The answer came behind her next message, where there was one: which of them a
			// reply answers is not known any more. What she said must still be there once.
			c.blind[caller] = true
			return
		case len(reply) == 0 && !lost:
			r.unheard()
		case len(reply) > 0 && r.hear(reply[0].Screen, false, lost):
		case lost:
			// By SMS what she writes then may begin anew, or be kept as it is: from here on
			// she is not followed, and what she said must still be there once.
			c.blind[caller] = true
			return
		default:
			c.violated("I6", caller, where(t.first), "a reply that no replay of what she wrote gives")
			c.blind[caller] = true
			return
		}
		c.expect(caller, r, t, reply)
	}
}

// expect notes what the replay says was submitted with a turn.
func (c *check) expect(caller int, r *replay, t turn, heard []Line) {
	for _, s := range r.states {
		if s.ended == nil || len(heard) == 0 && slices.ContainsFunc(c.expects[caller], func(e expected) bool { return e.sub == s.ended }) {
			continue
		}
		e := expected{sub: s.ended, language: s.language, run: s.run, medium: r.medium, turn: t, sure: len(heard) > 0 && len(r.states) == 1}
		if len(heard) > 0 {
			e.ref = heard[0].Ref
		}
		if n := noncesIn(s.ended.Text); len(n) > 0 {
			e.nonce = n[0]
		}
		c.expects[caller] = append(c.expects[caller], e)
	}
}

// expectCall notes a wish to be called back, once a turn and place where she made it.
func (c *check) expectCall(caller int, r *replay, t turn, heard []Line) {
	sure := len(heard) > 0 && len(r.states) == 1
	for _, s := range r.states {
		if s.call != nil && !slices.ContainsFunc(c.calls[caller], func(w wishedCall) bool {
			return w.turn.first.At == t.first.At && maps.Equal(w.answers, s.call)
		}) {
			c.calls[caller] = append(c.calls[caller], wishedCall{s.call, t, sure})
		}
	}
}

// expectLeft notes what the replay says was left with a turn, and says enough to
// be kept. certain tells that there was one place where she may have stood, and that
// the gateway knew of it: then it must be there. Of a report that may correct one of
// before that is not known: the report stands.
func (c *check) expectLeft(caller int, r *replay, t turn, certain bool) {
	for _, s := range r.states {
		for _, l := range s.left {
			sub := r.world.book.Unfinished(l.cursor)
			if sub == nil {
				continue
			}
			e := expected{sub: sub, language: l.language, run: l.run, medium: r.medium, turn: t, partial: true, sure: certain && sub.Kind != string(Progress)}
			if n := noncesIn(sub.Text); len(n) > 0 {
				e.nonce = n[0]
			}
			c.expects[caller] = append(c.expects[caller], e)
		}
	}
}

// where names a line of the ledger.
func where(l Line) string {
	switch l.Kind {
	case KindHop:
		return fmt.Sprintf("hop %d of a session on %s at %v", l.N, l.Channel, l.At.Round(time.Millisecond))
	case KindSMS, KindSend, KindReceipt:
		return fmt.Sprintf("%s on %s at %v", l.Kind, l.Channel, l.At.Round(time.Millisecond))
	}
	return fmt.Sprintf("%s at %v", l.Kind, l.At.Round(time.Millisecond))
}

// Holds reports whether nothing was violated.
func (r *Report) Holds() bool { return len(r.Violations) == 0 }
