package flow

import (
	"strconv"
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

func (m *machine) state() *State {
	f := m.book.Flows[m.cur.Flow]
	if f == nil {
		return nil
	}
	return f.States[m.cur.State]
}

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
	if m.cur.Within != "" || len(m.cur.Found) > 0 {
		m.cur.Within, m.cur.Found = "", nil
		return
	}
	n := len(m.cur.Path)
	if n == 0 {
		m.toMenu()
		return
	}
	v := m.cur.Path[n-1]
	m.cur.Path = m.cur.Path[:n-1]
	m.cur.State, m.cur.Level = v.State, v.Level
	if s := m.state(); s != nil && s.Save != "" {
		delete(m.cur.Answers, s.Save)
		delete(m.cur.Answers, s.Save+"_text")
		delete(m.cur.Labels, s.Save)
	}
}

// wrong repeats the screen with a short hint that fits what is asked.
func (m *machine) wrong() {
	s := m.state()
	switch s.Kind {
	case KindProject:
		m.hint = Line{Key: "hint.project"}
	case KindPlace:
		m.hint = Line{Key: "hint.place"}
	case KindText:
		m.hint = Line{Key: "hint.text"}
	case KindPIN:
		m.hint = Line{Key: "hint.pin"}
	case KindReference:
		m.hint = Line{Key: "hint.reference"}
	case KindNumber, KindMoney:
		m.hint = Line{Key: "hint.number", Args: map[string]string{
			"min": Spaced(strconv.FormatInt(*s.Min, 10)), "max": Spaced(strconv.FormatInt(*s.Max, 10))}}
	default:
		m.hint = Line{Key: "hint.key"}
	}
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
	m.cur.Path = append(m.cur.Path, Visit{State: m.cur.State, Level: m.cur.Level})
	m.goTo(next)
}

func (m *machine) goTo(next string) {
	m.cur.Within, m.cur.Found = "", nil
	for range maxAuto {
		m.cur.State = next
		s := m.state()
		if s == nil {
			m.toMenu()
			return
		}
		if next = m.pass(s); next == "" {
			return
		}
	}
	m.toMenu()
}

// pass gives the state after one that is not shown, or "" for one that is.
func (m *machine) pass(s *State) string {
	if !allowed(s.Media, m.env.Medium) {
		return s.Next
	}
	switch s.Kind {
	case KindGroup:
		f, ok := m.fact(NeedGroups, "")
		switch {
		case !ok:
		case len(f.Items) == 0:
			return s.None
		case len(f.Items) == 1:
			m.save(s, f.Items[0].Value, f.Items[0].Say)
			return s.Next
		}
	case KindPending:
		f, ok := m.fact(NeedPending, m.cur.Answers["group"])
		if ok && len(f.Items) == 0 {
			return s.Next
		}
	case KindMonth:
		f, ok := m.fact(NeedMonths, "")
		if ok && len(f.Items) == 1 {
			m.save(s, f.Items[0].Value, f.Items[0].Say)
			return s.Next
		}
	case KindSubmit:
		m.submit()
	}
	return ""
}

func (m *machine) submit() {
	f := m.book.Flows[m.cur.Flow]
	sub := &Submission{Kind: f.Kind, Level: m.level(), Answers: map[string]string{}}
	for _, k := range sortedKeys(m.cur.Answers) { // a place in words comes before what happened there
		v := m.cur.Answers[k]
		if f.isText(k) {
			sub.Text = strings.TrimSpace(strings.Join([]string{sub.Text, v}, "\n"))
			continue
		}
		sub.Answers[k] = v
	}
	m.effect(Effect{Kind: Submit, Flow: f.Name, Submit: sub})
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
			c.Then, c.State = c.State, name
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
