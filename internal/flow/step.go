package flow

import (
	"maps"
	"slices"
	"strings"
)

// Needs tells what Step must know for this input beyond the facts given: call it,
// get the facts, and call it again until it needs nothing.
func (b *Book) Needs(c Cursor, in Action, env Env, facts Facts) []Need {
	return b.Step(c, in, env, facts).Missing
}

// Step takes one input and gives the next screen. It is pure: the same arguments
// give the same result, and the cursor given is not changed.
func (b *Book) Step(c Cursor, in Action, env Env, facts Facts) Result {
	m := &machine{book: b, cur: c.clone(), env: env, facts: facts}
	m.take(in)
	if len(m.missing) > 0 {
		return Result{Missing: m.missing}
	}
	s := m.show()
	if len(m.missing) > 0 {
		return Result{Missing: m.missing}
	}
	return Result{Cursor: m.cur, Screen: s, Effects: m.effects}
}

// maxAuto bounds the states that are passed without being shown: a flow file
// that goes in a circle of them ends in the menu instead of hanging.
const maxAuto = 32

type machine struct {
	book    *Book
	cur     Cursor
	env     Env
	facts   Facts
	hint    Line
	effects []Effect
	missing []Need
}

// State gives the state that a cursor stands at, or nil.
func (b *Book) State(c Cursor) *State {
	name := c.Flow
	if c.Sub != "" {
		name = c.Sub
	}
	f := b.Flows[name]
	if f == nil {
		return nil
	}
	return f.States[c.State]
}

func (m *machine) state() *State { return m.book.State(m.cur) }

// fact gives a fact, or notes that it is missing.
func (m *machine) fact(kind, arg string) (Fact, bool) {
	n := Need{kind, arg}
	f, ok := m.facts[n]
	if !ok {
		m.missing = append(m.missing, n)
	}
	return f, ok
}

func (m *machine) effect(e Effect) { m.effects = append(m.effects, e) }

func (m *machine) take(in Action) {
	if in.Act == Begin || m.state() == nil {
		m.begin()
		return
	}
	if m.cur.Offer && in.Act != Menu && in.Act != Show {
		m.answerOffer(in)
		return
	}
	switch in.Act {
	case Show:
	case Menu:
		m.toMenu()
	case Back:
		m.back()
	case Chose, Typed:
		m.answer(in)
	default:
		m.wrong()
	}
}

func (m *machine) begin() {
	m.cur = Cursor{Flow: Main}
	switch {
	case m.env.Enter != "" && m.book.Flows[m.env.Enter] != nil:
		m.enter(m.env.Enter)
	case m.env.Language == "":
		m.cur.State = "language"
	case m.env.Resume:
		m.cur.State = "resume"
	default:
		m.cur.State = "menu"
	}
}

func (m *machine) toMenu() {
	if m.cur.InFlow() {
		m.effect(Effect{Kind: Left, Flow: m.cur.Flow})
	}
	m.cur = Cursor{Flow: Main, State: "menu"}
}

// back goes to the screen before, and takes back what was answered there.
func (m *machine) back() {
	m.cur.Misses = 0
	if m.cur.Within != "" || len(m.cur.Found) > 0 || m.cur.Doubt != "" {
		m.cur.Within, m.cur.Found, m.cur.Doubt = "", nil, ""
		return
	}
	n := len(m.cur.Path)
	if n == 0 {
		m.toMenu()
		return
	}
	v := m.cur.Path[n-1]
	m.cur.Path = m.cur.Path[:n-1]
	m.cur.State, m.cur.Level, m.cur.Sub, m.cur.Return = v.State, v.Level, v.Sub, v.Return
	m.cur.After, m.cur.Taken = "", max(m.cur.Taken-1, 0)
	if s := m.state(); s != nil && s.Save != "" {
		for _, k := range []string{s.Save, s.Save + "_text", s.Save + sureAnswer, s.Save + firstAnswer} {
			delete(m.cur.Answers, k)
		}
		delete(m.cur.Labels, s.Save)
		delete(m.cur.Labels, s.Save+fives)
	}
}

// wrong repeats the screen with a short hint that fits what is asked; simpler the
// second time in a row, and then she is offered to be called back.
func (m *machine) wrong() {
	s := m.state()
	m.cur.Misses++
	m.hint = m.hintFor(s)
	switch {
	case m.cur.Misses < 2 || s.Kind == KindPIN:
	case m.cur.Misses > 2 && m.mayOffer():
		m.cur.Offer, m.hint = true, Line{}
	default:
		m.hint.Key += ".again"
	}
}

func (m *machine) hintFor(s *State) Line {
	if m.cur.Doubt != "" {
		return Line{Key: "hint.key"}
	}
	switch s.Kind {
	case KindProject:
		return Line{Key: "hint.project"}
	case KindPlace:
		return Line{Key: "hint.place"}
	case KindText:
		return Line{Key: "hint.text"}
	case KindPIN:
		return Line{Key: "hint.pin"}
	case KindReference:
		return Line{Key: "hint.reference"}
	case KindNumber, KindMoney:
		return Line{Key: "hint.number", Args: map[string]string{"min": Spaced(itoa64(*s.Min)), "max": Spaced(itoa64(m.most(s)))}}
	}
	return Line{Key: "hint.key"}
}

// mayOffer reports whether a call-back may be offered: never in a confidential
// flow, whose number is sealed to other people, and not before her language is known.
func (m *machine) mayOffer() bool {
	f := m.book.Flows[m.cur.Flow]
	return f != nil && f.Level != "L3" && m.env.Language != ""
}

// answerOffer takes her yes or no to being called back; either way she is again
// at the question, with what she has answered.
func (m *machine) answerOffer(in Action) {
	switch {
	case in.Act == Chose && in.Value == yes:
		m.effect(Effect{Kind: CallMe, Flow: m.cur.Flow, State: m.cur.State})
		m.hint = Line{Key: "help.called"}
	case in.Act == Chose, in.Act == Back:
	default:
		m.hint = Line{Key: "hint.key"}
		return
	}
	m.cur.Offer, m.cur.Misses = false, 0
}

func (m *machine) save(s *State, value string, label Line) {
	if s.Save == "" {
		return
	}
	if m.cur.Answers == nil {
		m.cur.Answers = map[string]string{}
	}
	m.cur.Answers[s.Save] = value
	if !label.IsZero() {
		if m.cur.Labels == nil {
			m.cur.Labels = map[string]Line{}
		}
		m.cur.Labels[s.Save] = label
	}
}

// forward goes to a state of this flow, remembering the way back, and passes
// over the states that need not be shown.
func (m *machine) forward(next string) {
	m.leave()
	m.goOn(next)
}

// leave remembers the screen that was answered, for going back.
func (m *machine) leave() {
	m.cur.Path = append(m.cur.Path, Visit{State: m.cur.State, Level: m.cur.Level, Sub: m.cur.Sub, Return: m.cur.Return})
	m.cur.Taken++
}

// goOn goes to the next state, or back to where one thing was to be corrected.
func (m *machine) goOn(next string) {
	if m.cur.After != "" {
		next, m.cur.After = m.cur.After, ""
	}
	m.goTo(next)
}

func (m *machine) goTo(next string) {
	m.cur.Within, m.cur.Found, m.cur.Doubt, m.cur.Misses = "", nil, "", 0
	for range maxAuto {
		m.cur.State = next
		s := m.state()
		if s == nil {
			m.toMenu()
			return
		}
		var on bool
		if next, on = m.pass(s); !on {
			return
		}
	}
	m.toMenu()
}

// pass gives the state after one that is not shown; false for one that is, or
// when a fact is missing.
func (m *machine) pass(s *State) (string, bool) {
	if !allowed(s.Media, m.env.Medium) || s.Most > 0 && m.cur.Taken > s.Most {
		return s.Next, true
	}
	if s.If != "" {
		if ok, known := m.holds(s.If); known && !ok {
			return s.Next, true
		}
	}
	if s.Load != "" {
		m.load(s.Load)
	}
	if m.cur.Line {
		if next, on, done := m.passGiven(s); done {
			return next, on
		}
	}
	if s.From != "" {
		f, ok := m.fact(s.From, "")
		switch {
		case ok && len(f.Items) == 1:
			m.save(s, f.Items[0].Value, f.Items[0].Say)
			return s.Next, true
		case ok && len(f.Items) == 0:
			return s.Next, true
		}
		return "", false
	}
	switch s.Kind {
	case KindGroup:
		f, ok := m.fact(NeedGroups, "")
		switch {
		case !ok:
		case len(f.Items) == 0:
			return s.None, true
		case len(f.Items) == 1:
			m.save(s, f.Items[0].Value, f.Items[0].Say)
			return s.Next, true
		}
	case KindPending:
		f, ok := m.fact(NeedPending, m.cur.Answers["group"])
		if ok && len(f.Items) == 0 {
			return s.Next, true
		}
	case KindMonth:
		f, ok := m.fact(NeedMonths, "")
		if ok && len(f.Items) == 1 {
			m.save(s, f.Items[0].Value, f.Items[0].Say)
			return s.Next, true
		}
	case KindYesNo:
		if s.Once {
			if f, ok := m.fact(NeedConsent, s.Consent); ok && f.OK {
				return s.Next, true
			}
		}
	case KindBranch:
		return m.branch(s)
	case KindCall:
		m.cur.Sub, m.cur.Return = s.Flow, s.Next
		return m.book.Flows[s.Flow].Start, true
	case KindReturn:
		next := m.cur.Return
		m.cur.Sub, m.cur.Return = "", ""
		return next, true
	case KindSubmit:
		m.submit()
	}
	return "", false
}

// branch gives the way that a branch goes, false while a fact is missing.
func (m *machine) branch(s *State) (string, bool) {
	for _, c := range s.Cases {
		if c.If == "" {
			if slices.Contains(c.Is, m.cur.Answers[c.Answer]) {
				return c.Next, true
			}
			continue
		}
		ok, known := m.holds(c.If)
		if !known {
			return "", false
		}
		if ok {
			return c.Next, true
		}
	}
	return s.Next, true
}

// holds tells whether a condition of a flow file holds, and whether that is known:
//
//	ordinary          what is said here is for the project's team (L1)
//	activity:NAME     the group of this run does that
//	reported          a report of this run's group and month is there
//	reported:old      and it is too old to be corrected
//	agreed:PURPOSE    she has said yes to that purpose
//	any other name    the fact of that name holds
func (m *machine) holds(cond string) (ok, known bool) {
	kind, arg, _ := strings.Cut(cond, ":")
	switch kind {
	case "ordinary":
		return m.level() == "L1", true
	case NeedActivity:
		f, known := m.fact(NeedActivity, m.cur.Answers["group"])
		return f.Args[arg] != "", known
	case NeedReported:
		if m.cur.Line && arg == "" { // what a line says about a month that is reported corrects it
			return false, true
		}
		f, known := m.fact(NeedReported, m.reportKey())
		return f.OK && (arg == "" || f.Args[arg] != ""), known
	case "agreed":
		f, known := m.fact(NeedConsent, arg)
		return f.Args["given"] == yes, known
	}
	f, known := m.fact(kind, arg)
	return f.OK, known
}

func (m *machine) reportKey() string { return m.cur.Answers["group"] + "/" + m.cur.Answers["month"] }

// load takes the values of a fact as answers: a report that is to be corrected.
func (m *machine) load(name string) {
	if name != NeedReported {
		return
	}
	f, ok := m.fact(NeedReported, m.reportKey())
	if !ok || !f.OK {
		return
	}
	flow := m.book.Flows[m.cur.Flow]
	for _, name := range sortedKeys(flow.States) {
		s := flow.States[name]
		v, there := f.Args[s.Save]
		if s.Save == "" || !there {
			continue
		}
		if _, answered := m.cur.Answers[s.Save]; !answered {
			m.saveAs(s, v)
		}
		for _, o := range s.Options { // what raised the report's level raises that of its correction
			if o.Value == m.cur.Answers[s.Save] {
				m.cur.Level = max(m.cur.Level, o.Level)
			}
		}
	}
}

// passGiven takes the answer that a line gave ahead, or passes over what the
// line does not say; done is false for a state that a line has nothing to do with.
func (m *machine) passGiven(s *State) (next string, on, done bool) {
	v, given := m.cur.Given[s.Save]
	switch {
	case s.Save != "" && given:
		delete(m.cur.Given, s.Save)
		m.answer(m.givenAction(s, v))
		return "", false, true // answer went on, or it stays to ask
	case s.Kind == KindConfirm:
		return s.Next, true, true
	case s.Save != "" && (s.Kind == KindNumber || s.Kind == KindMoney || s.Kind == KindChoice || s.Kind == KindText || s.Kind == KindRating):
		return s.Next, true, true
	}
	return "", false, false
}

func (m *machine) givenAction(s *State, v string) Action {
	switch s.Kind {
	case KindNumber, KindMoney, KindText, KindPlace, KindProject:
		return Action{Act: Typed, Text: v}
	}
	return Action{Act: Chose, Value: v, Key: v}
}

func (m *machine) submit() {
	f := m.book.Flows[m.cur.Flow]
	sub := m.said(f)
	if as := m.state().As; as != "" {
		sub.Kind = as
	}
	m.effect(Effect{Kind: Submit, Flow: f.Name, Submit: sub})
}

// Unfinished gives what an unfinished run says when its life ends, or nil when
// that is not enough to be kept (the flow's partial). What came in one line is
// always enough: it was a whole message.
func (b *Book) Unfinished(c Cursor) *Submission {
	f := b.Flows[c.Flow]
	if f == nil || len(f.Partial) == 0 {
		return nil
	}
	for _, name := range f.Partial {
		if c.Line {
			break
		}
		_, answered := c.Answers[name]
		if _, written := c.Answers[name+"_text"]; !answered && !written {
			return nil
		}
	}
	m := machine{book: b, cur: c}
	return m.said(f)
}

// said gives what was answered so far as a submission.
func (m *machine) said(f *Flow) *Submission {
	sub := &Submission{Kind: f.Kind, Level: m.level(), Answers: map[string]string{}}
	for _, k := range sortedKeys(m.cur.Answers) { // a place in words comes before what happened there
		v := m.cur.Answers[k]
		if f.isText(k) {
			sub.Text = strings.TrimSpace(strings.Join([]string{sub.Text, v}, "\n"))
			continue
		}
		sub.Answers[k] = v
	}
	for k, v := range m.cur.Given { // what a line said and nothing asks
		switch {
		case f.isText(k):
			sub.Text = strings.TrimSpace(strings.Join([]string{sub.Text, v}, "\n"))
		default:
			sub.Answers[k] = v
		}
	}
	return sub
}

// isText reports whether an answer is her own words, which are sealed.
func (f *Flow) isText(answer string) bool {
	if strings.HasSuffix(answer, "_text") {
		return true
	}
	for _, s := range f.States {
		if s.Save == answer && s.Kind == KindText {
			return true
		}
	}
	return false
}

// level gives the level of what is being said: the flow's, or what was chosen raised it to.
func (m *machine) level() string {
	f := m.book.Flows[m.cur.Flow]
	if m.cur.Level > f.Level {
		return m.cur.Level
	}
	return f.Level
}

// Resume gives the cursor with which an unfinished run is taken up again: where
// it was left, or at the PIN first where the flow asks one.
func (b *Book) Resume(c Cursor, env Env) Cursor {
	f := b.Flows[c.Flow]
	if f == nil {
		return Cursor{Flow: Main, State: "menu"}
	}
	for name, s := range f.States {
		if s.Kind == KindPIN && allowed(s.Media, env.Medium) && c.Answers["group"] != "" && c.State != name {
			c.Then, c.State, c.Path = c.State, name, nil // no way back leads past the PIN
		}
	}
	return c
}

// LevelOf gives the level of an unfinished run: drafts above L1 are never offered again.
func (b *Book) LevelOf(c Cursor) string {
	if b.Flows[c.Flow] == nil {
		return ""
	}
	m := machine{book: b, cur: c}
	return m.level()
}

func (m *machine) enter(flow string) {
	f := m.book.Flows[flow]
	m.cur = Cursor{Flow: flow, State: f.Start}
	if m.env.Enter == flow && m.env.Given != nil {
		m.cur.Given, m.cur.Line = maps.Clone(m.env.Given), true
	}
	m.effect(Effect{Kind: Entered, Flow: flow})
	m.goTo(f.Start)
}

func allowed(media []string, medium string) bool {
	if len(media) == 0 {
		return true
	}
	for _, v := range media {
		if v == medium {
			return true
		}
	}
	return false
}
