package flow

import (
	"cmp"
	"strings"
	"unicode"
	"unicode/utf8"
)

// answer takes a choice or a typed text at the state she is in.
func (m *machine) answer(in Action) {
	s := m.state()
	if s.From != "" {
		m.answerListed(s, in, s.From)
		return
	}
	switch s.Kind {
	case KindLanguage:
		m.answerLanguage(s, in)
	case KindMenu:
		m.answerMenu(s, in)
	case KindResume:
		m.answerResume(in)
	case KindChoice, KindRating:
		m.answerChoice(s, in)
	case KindYesNo:
		m.answerYesNo(s, in)
	case KindConfirm:
		m.answerConfirm(s, in)
	case KindSay:
		m.answerSay(s, in)
	case KindProject:
		m.answerProject(s, in)
	case KindPlace:
		m.answerPlace(s, in)
	case KindGroup:
		m.answerListed(s, in, NeedGroups)
	case KindMonth:
		m.answerListed(s, in, NeedMonths)
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
		m.leave()
		m.cur.Level = max(m.cur.Level, o.Level) // the way back knows the level of before
		m.goOn(cmp.Or(o.Next, s.Next))
		if o.Then != "" {
			m.cur.After = o.Then
		}
		return
	}
	m.wrong()
}

// answerYesNo keeps a yes or no, and does what the state says that it does.
func (m *machine) answerYesNo(s *State, in Action) {
	if in.Act != Chose || in.Value != yes && in.Value != no {
		m.wrong()
		return
	}
	given := in.Value == yes
	m.save(s, in.Value, Line{Key: "answer." + in.Value})
	if s.Consent != "" {
		m.effect(Effect{Kind: Consent, Purpose: s.Consent, Given: given})
	}
	switch {
	case s.Do == DoCall && given:
		m.effect(Effect{Kind: CallMe, Flow: m.cur.Flow, State: m.cur.State})
	case s.Do == DoErase, s.Do == DoKeep && !given:
		m.effect(Effect{Kind: Erase, Given: given})
	}
	next := cmp.Or(s.Yes, s.Next)
	if !given {
		next = cmp.Or(s.No, s.Next)
	}
	m.forward(next)
}

// answerConfirm goes on when what was understood is right, and else to where it
// is corrected.
func (m *machine) answerConfirm(s *State, in Action) {
	switch {
	case in.Act == Chose && in.Value == yes:
		m.forward(s.Next)
	case in.Act == Chose && in.Value == no:
		m.forward(s.Correct)
	default:
		m.wrong()
	}
}

func (m *machine) answerSay(s *State, in Action) {
	if in.Act != Chose || s.Next == "" {
		m.wrong()
		return
	}
	m.forward(s.Next)
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

func (m *machine) answerListed(s *State, in Action, kind string) {
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

// What is kept beside a number that was far from the usual: that she said it is
// right, and what she said first.
const (
	sureAnswer  = "_sure"
	firstAnswer = "_first"
)

// answerNumber takes a number within its bounds. One that is far from the usual
// is asked about once: "is that right?".
func (m *machine) answerNumber(s *State, in Action) {
	if m.cur.Doubt != "" {
		m.answerDoubt(s, in)
		return
	}
	v, ok := s.parse(in.Text)
	if !ok || v.less(*s.Min) || v.more(m.most(s)) {
		m.wrong()
		return
	}
	if m.doubts(s, v) {
		m.cur.Doubt, m.cur.Misses = v.String(), 0
		return
	}
	m.saveAs(s, v.String())
	m.forward(s.Next)
}

func (m *machine) answerDoubt(s *State, in Action) {
	doubt := m.cur.Doubt
	switch {
	case in.Act == Chose && in.Value == yes:
		m.saveAs(s, doubt)
		m.cur.Answers[s.Save+sureAnswer] = yes
		m.forward(s.Next)
	case in.Act == Chose:
		m.put(s.Save+firstAnswer, doubt)
		m.cur.Doubt, m.cur.Misses = "", 0
	default:
		m.wrong()
	}
}

// most gives the greatest value that a number may have here.
func (m *machine) most(s *State) int64 {
	if n, ok := parseNumber(m.cur.Answers[s.MaxOf]); ok && s.MaxOf != "" && n < *s.Max {
		return n
	}
	return *s.Max
}

// doubts reports whether a value within its bounds is far from the usual.
func (m *machine) doubts(s *State, v decimal) bool {
	switch {
	case s.WarnMin != nil && v.less(*s.WarnMin), s.WarnMax != nil && v.more(*s.WarnMax):
		return true
	case s.WarnOver == nil || s.WarnOver.Per <= 0:
		return false
	}
	of, ok := parseDecimal(m.cur.Answers[s.WarnOver.Answer])
	return ok && v.float() > of.float()/s.WarnOver.Per
}

// saveAs keeps a value as its state keeps it, and how it is said to her again:
// an amount also in fives, as it is counted aloud.
func (m *machine) saveAs(s *State, value string) {
	switch s.Kind {
	case KindNumber, KindMoney:
		m.save(s, value, Line{Text: Spoken(value)})
		if n, ok := parseNumber(value); ok && s.Kind == KindMoney {
			m.cur.Labels[s.Save+fives] = Line{Text: Spaced(itoa64(n / 5))}
		}
	default:
		for _, o := range s.Options {
			if o.Value == value {
				m.save(s, value, Line{Key: o.Say})
			}
		}
	}
}

// fives ends the name of an amount counted in fives: in Bambara and Songhay money
// is counted in units of 5 F (languages.md 4), so both are shown.
const fives = "5"

func (m *machine) put(name, value string) {
	if m.cur.Answers == nil {
		m.cur.Answers = map[string]string{}
	}
	m.cur.Answers[name] = value
}

// maxText bounds her own words: a long SMS of ten parts.
const maxText = 1600

func (m *machine) answerText(s *State, in Action) {
	text := strings.TrimSpace(in.Text)
	switch {
	case text == s.Skip:
		text = ""
	case text == "", m.env.Medium == "ussd" && m.cur.Misses == 0 && isKey(text):
		m.wrong() // it may be the key of the screen before, which came twice
		return
	}
	if r := []rune(text); len(r) > maxText {
		text = string(r[:maxText])
	}
	if text != "" {
		m.save(s, text, Line{})
	}
	m.forward(s.Next)
}

// isKey reports whether a text is a key that a screen may have had, and no word:
// one or two digits, with a point or bracket behind them or not.
func isKey(text string) bool {
	digits := strings.TrimRight(text, ".) ")
	return digits != "" && utf8.RuneCountInString(digits) <= 2 && strings.TrimFunc(digits, unicode.IsDigit) == ""
}

func (m *machine) answerReference(s *State, in Action) {
	f, ok := m.fact(NeedReference, strings.TrimSpace(in.Text))
	switch {
	case !ok:
	case !f.OK:
		m.wrong()
	default:
		m.cur.Labels = map[string]Line{"status": f.Items[0].Say, "reference": {Text: f.Args["reference"]}}
		if words := f.Args["answer"]; words != "" {
			m.put("replied", yes)
			m.cur.Labels["answer"] = Line{Text: words}
		}
		m.forward(s.Next)
	}
}
