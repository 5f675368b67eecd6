package flow

import (
	"strconv"
	"strings"
)

// answer takes a choice or a typed text at the state she is in.
func (m *machine) answer(in Action) {
	s := m.state()
	switch s.Kind {
	case KindLanguage:
		m.answerLanguage(s, in)
	case KindMenu:
		m.answerMenu(s, in)
	case KindResume:
		m.answerResume(in)
	case KindChoice:
		m.answerChoice(s, in)
	case KindProject:
		m.answerProject(s, in)
	case KindPlace:
		m.answerPlace(s, in)
	case KindGroup, KindMonth:
		m.answerListed(s, in)
	case KindPIN:
		m.answerPIN(s, in)
	case KindPending:
		m.answerPending(s, in)
	case KindNumber, KindMoney:
		m.answerNumber(s, in)
	case KindText:
		m.answerText(s, in)
	case KindReference:
		m.answerReference(s, in)
	default:
		m.wrong()
	}
}

func (m *machine) answerLanguage(s *State, in Action) {
	f, ok := m.fact(NeedLanguages, "")
	if !ok {
		return
	}
	for _, it := range f.Items {
		if in.Act == Chose && it.Value == in.Value {
			m.env.Language = it.Value
			m.effect(Effect{Kind: Language, Language: it.Value})
			m.cur = Cursor{Flow: m.cur.Flow, State: s.Next}
			return
		}
	}
	m.wrong()
}

func (m *machine) answerMenu(s *State, in Action) {
	for _, o := range s.Options {
		if in.Act != Chose || o.Key != in.Key || !allowed(o.Media, m.env.Medium) {
			continue
		}
		if o.Flow != "" {
			m.enter(o.Flow)
			return
		}
		m.forward(o.State)
		return
	}
	m.wrong()
}

func (m *machine) answerResume(in Action) {
	switch {
	case in.Act != Chose:
		m.wrong()
	case in.Value == "continue":
		m.effect(Effect{Kind: Resumed})
		m.cur = Cursor{Flow: Main, State: "menu"}
	default:
		m.effect(Effect{Kind: Dropped})
		m.cur = Cursor{Flow: Main, State: "menu"}
	}
}

func (m *machine) answerChoice(s *State, in Action) {
	for _, o := range s.Options {
		if in.Act != Chose || o.Value != in.Value {
			continue
		}
		m.save(s, o.Value, Line{Key: o.Say})
		next := o.Next
		if next == "" {
			next = s.Next
		}
		m.cur.Path = append(m.cur.Path, Visit{State: m.cur.State, Level: m.cur.Level})
		if o.Level > m.cur.Level {
			m.cur.Level = o.Level
		}
		m.goTo(next)
		return
	}
	m.wrong()
}

// answerProject takes a project by its code, or lists those of the commune that
// she wrote.
func (m *machine) answerProject(s *State, in Action) {
	if in.Act == Chose {
		for _, it := range m.cur.Found {
			if it.Value == in.Value {
				m.save(s, it.Value, it.Say)
				m.forward(s.Next)
				return
			}
		}
		m.wrong()
		return
	}
	f, ok := m.fact(NeedProject, strings.ToUpper(strings.TrimSpace(in.Text)))
	switch {
	case !ok:
	case len(f.Items) == 0:
		m.wrong()
	case f.OK:
		m.save(s, f.Items[0].Value, f.Items[0].Say)
		m.forward(s.Next)
	default:
		m.cur.Found = f.Items
	}
}

// answerPlace opens a region or cercle, takes a commune, or looks a name up. By
// SMS a name that isn't found is kept as it was written: an SMS must not list
// places, and asking again costs her.
func (m *machine) answerPlace(s *State, in Action) {
	if in.Act == Chose {
		m.choosePlace(s, in.Value)
		return
	}
	f, ok := m.fact(NeedPlace, in.Text)
	switch {
	case !ok:
	case len(f.Items) == 1:
		m.takePlace(s, f.Items[0])
	case m.env.Medium == "sms":
		m.save(s, "", Line{Text: in.Text})
		m.cur.Answers[s.Save+"_text"] = in.Text
		m.forward(s.Next)
	case len(f.Items) > 1:
		m.cur.Found, m.cur.Within = f.Items, ""
	default:
		m.wrong()
	}
}

func (m *machine) choosePlace(s *State, value string) {
	items := m.cur.Found
	if len(items) == 0 {
		f, ok := m.fact(NeedPlaces, m.cur.Within)
		if !ok {
			return
		}
		items = f.Items
	}
	for _, it := range items {
		if it.Value == value {
			m.takePlace(s, it)
			return
		}
	}
	m.wrong()
}

func (m *machine) takePlace(s *State, it Item) {
	if it.Open {
		m.cur.Within, m.cur.Found = it.Value, nil
		return
	}
	m.save(s, it.Value, it.Say)
	m.forward(s.Next)
}

func (m *machine) answerListed(s *State, in Action) {
	kind := NeedGroups
	if s.Kind == KindMonth {
		kind = NeedMonths
	}
	f, ok := m.fact(kind, "")
	if !ok {
		return
	}
	for _, it := range f.Items {
		if in.Act == Chose && it.Value == in.Value {
			m.save(s, it.Value, it.Say)
			m.forward(s.Next)
			return
		}
	}
	m.wrong()
}

// answerPIN checks the PIN and forgets it. The way back skips it: once given, it
// is not asked again in the run.
func (m *machine) answerPIN(s *State, in Action) {
	pin := strings.TrimSpace(in.Text)
	if len(pin) < 4 || len(pin) > 8 {
		m.wrong()
		return
	}
	f, ok := m.fact(NeedPIN, m.cur.Answers["group"]+"/"+pin)
	switch {
	case !ok:
	case f.OK:
		next := s.Next
		if m.cur.Then != "" {
			next, m.cur.Then = m.cur.Then, ""
		}
		m.cur.Path = nil
		m.goTo(next)
	case f.Args["locked"] != "":
		m.hint = Line{Key: "progress.locked"}
	default:
		m.wrong()
	}
}

// answerPending confirms the report that she sent by SMS, or goes on to a new one.
func (m *machine) answerPending(s *State, in Action) {
	f, ok := m.fact(NeedPending, m.cur.Answers["group"])
	if !ok {
		return
	}
	for _, o := range s.Options {
		if in.Act != Chose || o.Value != in.Value {
			continue
		}
		next := s.Next
		if o.Next != "" {
			next = o.Next
		}
		if o.Value == "yes" && len(f.Items) > 0 {
			m.effect(Effect{Kind: Confirm, ID: f.Items[0].Value})
		}
		m.forward(next)
		return
	}
	m.wrong()
}

func (m *machine) answerNumber(s *State, in Action) {
	parse := parseNumber
	if s.Kind == KindMoney {
		parse = parseMoney
	}
	n, ok := parse(in.Text)
	if !ok || n < *s.Min || n > *s.Max {
		m.wrong()
		return
	}
	v := strconv.FormatInt(n, 10)
	m.save(s, v, Line{Text: Spaced(v)})
	m.forward(s.Next)
}

// maxText bounds her own words: a long SMS of ten parts.
const maxText = 1600

func (m *machine) answerText(s *State, in Action) {
	text := strings.TrimSpace(in.Text)
	switch {
	case text == "":
		m.wrong()
		return
	case text == s.Skip:
		text = ""
	}
	if r := []rune(text); len(r) > maxText {
		text = string(r[:maxText])
	}
	if text != "" {
		m.save(s, text, Line{})
	}
	m.forward(s.Next)
}

func (m *machine) answerReference(s *State, in Action) {
	f, ok := m.fact(NeedReference, strings.TrimSpace(in.Text))
	switch {
	case !ok:
	case !f.OK:
		m.wrong()
	default:
		m.cur.Labels = map[string]Line{"status": f.Items[0].Say, "reference": {Text: f.Args["reference"]}}
		m.forward(s.Next)
	}
}
