package conversation

import (
	"context"
	"errors"
	"strings"

	"lafia/internal/flow"
	"lafia/internal/screen"
)

// next gives the next action, until there is none.
func (t *trip) next() bool {
	switch {
	case t.begun:
		t.begun = false
		t.action = flow.Action{Act: flow.Begin}
		return true
	case len(t.inputs) == 0:
		return false
	}
	if s := t.state(); s != nil && s.Kind == flow.KindText && len(t.inputs) > 1 {
		t.inputs = []string{strings.Join(t.inputs, "*")}
	}
	t.input, t.inputs = t.inputs[0], t.inputs[1:]
	if t.prefix != "" && !strings.HasSuffix(t.prefix, "*") {
		t.prefix += "*"
	}
	t.prefix += t.input
	t.action = t.resolve(t.input)
	return true
}

func (t *trip) state() *flow.State {
	return t.c.book(context.Background(), t.live.Book).State(t.live.Cursor)
}

// resolve says what an input means on the screen that she saw. A turned page
// needs no step.
func (t *trip) resolve(input string) flow.Action {
	m := t.live.Shown.Resolve(input)
	switch m.Kind {
	case screen.Page:
		t.live.Shown = m.Shown
		return flow.Action{}
	case screen.Back:
		return flow.Action{Act: flow.Back}
	case screen.Menu:
		return flow.Action{Act: flow.Menu}
	case screen.Choice:
		return flow.Action{Act: flow.Chose, Value: m.Value, Key: m.Key, Level: m.Level}
	case screen.Text:
		return flow.Action{Act: flow.Typed, Text: m.Text}
	}
	return flow.Action{Act: flow.Wrong}
}

// take lets one action happen: facts, the pure step, its effects, its screen.
func (t *trip) take(ctx context.Context) error {
	if t.action.Act == "" { // a page was turned
		return nil
	}
	if s := t.state(); s != nil && t.action.Act != flow.Begin && (s.Kind == flow.KindSubmit || s.Kind == flow.KindEnd) {
		return nil // a last screen of several pages only turns them
	}
	res, err := t.step(ctx, t.live.Cursor, t.action)
	if err != nil {
		return err
	}
	switch {
	case t.action.Act == flow.Begin:
		if t.enter == "" {
			t.ahead(res.Cursor.State)
		}
		switch {
		case t.live.Language == "":
		case t.lost:
			res.Screen.Hint = flow.Line{Key: "hint.lost"}
		case t.received:
			res.Screen.Hint = flow.Line{Key: "hint.received"}
		}
	case t.doubled && commits(res) && !onlyConsents(res):
		t.live.Asked = true // once: she presses again
		return t.show(ctx, flow.Line{})
	case t.direct && (commits(res) || t.confidential(res)):
		t.live.Lost = false
		t.inputs = nil // dialled ahead: never a commit, never the confidential flow
		return nil
	case !res.Screen.Hint.IsZero():
		t.inputs = nil // what she meant isn't known from here on: ask her
	}
	return t.apply(ctx, res)
}

// commits reports whether a step makes something durable.
func commits(res flow.Result) bool {
	for _, e := range res.Effects {
		switch e.Kind {
		case flow.Submit, flow.Confirm, flow.Consent, flow.CallMe, flow.Erase:
			return true
		}
	}
	return false
}

// onlyConsents reports whether all that a step makes durable is a yes or no that
// she can take back: it is not asked twice.
func onlyConsents(res flow.Result) bool {
	for _, k := range []flow.EffectKind{flow.Submit, flow.Confirm, flow.CallMe, flow.Erase} {
		if res.Has(k) {
			return false
		}
	}
	return true
}

func (t *trip) confidential(res flow.Result) bool {
	f := t.c.book(context.Background(), t.live.Book).Flows[res.Cursor.Flow]
	return f != nil && f.Level == "L3"
}

// maxRounds bounds how often a step asks for facts: what it needs for the answer,
// for each state that it passes over, and for the screen behind them.
const maxRounds = 16

func (t *trip) step(ctx context.Context, cur flow.Cursor, a flow.Action) (flow.Result, error) {
	b := t.c.book(ctx, t.live.Book)
	env := flow.Env{Medium: t.who.key.Medium, Language: t.live.Language, Resume: t.live.Unfinished != nil, Enter: t.enter, Given: t.given}
	facts := flow.Facts{}
	for range maxRounds {
		res := b.Step(cur, a, env, facts)
		if len(res.Missing) == 0 {
			return res, nil
		}
		for _, n := range res.Missing {
			f, err := t.fact(ctx, n)
			if err != nil {
				return res, err
			}
			facts[n] = f
		}
	}
	return flow.Result{}, errors.New("a step needs more facts than it may ask for")
}

// apply carries a step's effects out and lays its screen out.
func (t *trip) apply(ctx context.Context, res flow.Result) error {
	t.live.Cursor = res.Cursor
	var sub *flow.Submission
	for _, e := range res.Effects {
		switch e.Kind {
		case flow.Entered:
			key := t.c.hopKey(t.who.key.Channel, t.who.key.Contact, t.who.in, t.prefix)
			if !t.who.in.Cumulative {
				key = t.who.hop
			}
			t.live.Run = t.c.Ring.ID("run", key[:], []byte(e.Flow)).UUID()
			t.leave()
			t.live.Unfinished = nil
		case flow.Left:
			t.live.Run = ""
		case flow.Language:
			t.live.Language, t.contact.Language, t.fresh = e.Language, e.Language, true
			if len(t.live.Ahead) > 0 {
				t.inputs, t.direct, t.live.Ahead = t.live.Ahead, true, nil
			}
		case flow.Dropped:
			if t.arrived(ctx) {
				res.Screen.Hint = flow.Line{Key: "hint.received"}
			}
			t.live.Unfinished = nil
		case flow.Resumed:
			return t.resume(ctx)
		case flow.Submit:
			sub = e.Submit
		case flow.Confirm:
			t.confirms = e.ID
		case flow.Consent:
			t.consents(e.Purpose, e.Given)
		case flow.CallMe:
			t.calls = append(t.calls, called{e.Flow, e.State})
		case flow.Erase:
			if t.erase = "keep"; e.Given {
				t.erase = "now"
			}
		}
	}
	if sub != nil {
		return t.finish(ctx, sub, res.Screen)
	}
	t.live.Shown = t.c.layout(res.Screen, t.live.Language, t.who.key)
	return nil
}

// leave keeps what was unfinished and is not taken up: another flow is entered.
func (t *trip) leave() {
	if u := t.live.Unfinished; u != nil && t.left == nil {
		t.left = &live{Cursor: u.Cursor, Run: u.Run, Book: u.Book, Language: t.live.Language}
	}
}

// resume takes the unfinished run up again.
func (t *trip) resume(ctx context.Context) error {
	hint := flow.Line{}
	if t.arrived(ctx) {
		hint.Key = "hint.received"
	}
	u := t.live.Unfinished
	t.live.Unfinished = nil
	if u == nil {
		return t.show(ctx, hint)
	}
	t.live.Book, t.live.Run = u.Book, u.Run
	b := t.c.book(ctx, u.Book)
	t.live.Cursor = b.Resume(u.Cursor, flow.Env{Medium: t.who.key.Medium})
	return t.show(ctx, hint)
}

// arrived reports whether the run that she is asked whether to go on with was
// finished after all, by a hop that came late or whose gateway was gone before Redis
// could note it. What that run left of her is not in Redis either.
func (t *trip) arrived(ctx context.Context) bool {
	u := t.live.Unfinished
	if u == nil {
		return t.live.Arrived
	}
	r, done := t.captured(ctx, t.c.Ring.ID("run-identity", []byte(u.Run)))
	if !done {
		return false
	}
	if place := r.Contact.LastPlace; place != "" && place != t.contact.LastPlace {
		t.contact.LastPlace, t.fresh = place, true
	}
	t.live.Unfinished, t.live.Arrived = nil, !r.HopConfidential
	return t.live.Arrived
}

// show lays the current state's screen out again, with a hint.
func (t *trip) show(ctx context.Context, hint flow.Line) error {
	res, err := t.step(ctx, t.live.Cursor, flow.Action{Act: flow.Show})
	if err != nil {
		return err
	}
	t.live.Cursor = res.Cursor
	res.Screen.Hint = hint
	t.live.Shown = t.c.layout(res.Screen, t.live.Language, t.who.key)
	return nil
}
