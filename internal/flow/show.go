package flow

import "cmp"

// show builds the screen of the state she is in.
func (m *machine) show() Screen {
	s := m.state()
	if s == nil {
		m.cur = Cursor{Flow: Main, State: "menu"}
		s = m.state()
	}
	inFlow := m.cur.InFlow()
	if m.cur.Offer {
		return Screen{Hint: m.hint, Say: []Line{{Key: "help.offer"}}, Input: InputChoice, Options: yesNo(), Back: inFlow, Menu: inFlow}
	}
	out := Screen{Hint: m.hint, Say: []Line{m.ask(s)}}
	out.Back, out.Menu = inFlow, inFlow
	if m.cur.Flow == Main && len(m.cur.Path) > 0 {
		out.Back = true
	}
	if s.Kind == KindPending {
		if f, ok := m.fact(NeedPending, m.cur.Answers["group"]); ok && len(f.Items) == 0 { // it was confirmed meanwhile
			m.goTo(s.Next)
			return m.show()
		}
	}
	if s.From != "" {
		m.list(&out, s.From, "")
		return out
	}
	switch s.Kind {
	case KindLanguage:
		m.list(&out, NeedLanguages, "")
	case KindGroup:
		m.list(&out, NeedGroups, "")
	case KindMonth:
		m.list(&out, NeedMonths, "")
	case KindMenu, KindResume, KindChoice, KindRating, KindYesNo, KindConfirm:
		out.Input, out.Options = InputChoice, m.choices(s)
		if s.Kind == KindConfirm {
			out.Say = append(out.Say, m.understood()...)
		}
	case KindPending:
		out.Input, out.Options = InputChoice, m.choices(s)
		if f, ok := m.fact(NeedPending, m.cur.Answers["group"]); ok && len(f.Items) > 0 {
			out.Say[0].Args, out.Say[0].Keys = f.Args, map[string]string{"month": f.Items[0].Say.Key}
		}
	case KindPlace:
		m.showPlace(&out)
	case KindProject:
		out.Input = InputText
		if len(m.cur.Found) > 0 {
			out.Input, out.Options = InputPlace, numbered(m.cur.Found)
			out.Say[0] = Line{Key: s.Ask + ".found"}
			break
		}
		if f, ok := m.fact(NeedProject, ""); ok {
			out.Say[0].Args = merge(out.Say[0].Args, f.Args)
		}
	case KindText:
		out.Input = InputText
	case KindNumber, KindMoney:
		out.Input = InputNumber
		if m.cur.Doubt != "" {
			out.Input, out.Options = InputChoice, yesNo()
			out.Say[0] = m.sure(s)
		}
	case KindPIN, KindReference:
		out.Input = InputNumber
	case KindSay:
		out.Input, out.Options = InputChoice, m.choices(s)
		if f, ok := m.sayFact(s); ok {
			out.Say[0].Args = merge(out.Say[0].Args, f.Args)
		}
	case KindEnd, KindSubmit:
		out.Back, out.Menu = false, false
		if f, ok := m.sayFact(s); ok {
			out.Say[0].Args = merge(out.Say[0].Args, f.Args)
		}
	}
	return out
}

// ask gives the state's words, with the answers so far as their parameters.
func (m *machine) ask(s *State) Line {
	key := s.Ask
	switch {
	case m.env.Medium == "sms" && s.AskSMS != "":
		key = s.AskSMS
	case s.Simple != "" && m.cur.Misses >= 2:
		key = s.Simple
	}
	l := Line{Key: key}
	for name, label := range m.cur.Labels {
		if label.Key != "" {
			l.Keys = merge(l.Keys, map[string]string{name: label.Key})
			continue
		}
		l.Args = merge(l.Args, map[string]string{name: label.Text})
	}
	return l
}

// sure asks whether a number is right. An SMS, which stays on the phone, does not
// repeat it.
func (m *machine) sure(s *State) Line {
	if m.env.Medium == "sms" {
		return Line{Key: "number.sure.sms", Keys: map[string]string{"what": cmp.Or(s.Short, s.Ask)}}
	}
	l := Line{Key: "number.sure", Args: map[string]string{"n": Spoken(m.cur.Doubt)}, Keys: map[string]string{"what": cmp.Or(s.Short, s.Ask)}}
	if n, ok := parseNumber(m.cur.Doubt); ok && s.Kind == KindMoney {
		l.Key, l.Args["n5"] = "money.sure", Spaced(itoa64(n/5))
	}
	return l
}

// understood says what was answered, each answer by its name; by SMS not those
// that are private.
func (m *machine) understood() []Line {
	f := m.book.Flows[m.cur.Flow]
	var out []Line
	for _, name := range f.order {
		s := f.States[name]
		label, ok := m.cur.Labels[s.Save]
		if s.Short == "" || !ok || s.Private && m.env.Medium == "sms" {
			continue
		}
		l := Line{Key: "confirm.item", Keys: map[string]string{"what": s.Short}}
		switch {
		case label.Key != "":
			l.Keys["value"] = label.Key
		case s.Kind == KindMoney:
			l.Key, l.Args = "confirm.money", map[string]string{"value": label.Text, "value5": m.cur.Labels[s.Save+fives].Text}
		default:
			l.Args = map[string]string{"value": label.Text}
		}
		out = append(out, l)
	}
	return out
}

func yesNo() []Option {
	return []Option{{Key: "1", Value: yes, Say: Line{Key: "answer.yes"}}, {Key: "2", Value: no, Say: Line{Key: "answer.no"}}}
}

// sayFact gives the facts that a closing screen shows: the help number.
func (m *machine) sayFact(s *State) (Fact, bool) {
	if (s.Kind == KindEnd || s.Kind == KindSay) && m.book.Flows[m.cur.Flow].Level == "L3" {
		return m.fact(NeedHelp, m.cur.Answers["region"])
	}
	return Fact{}, false
}

func (m *machine) list(out *Screen, kind, arg string) {
	out.Input = InputChoice
	f, ok := m.fact(kind, arg)
	if !ok {
		return
	}
	out.Options = numbered(f.Items)
}

func (m *machine) choices(s *State) []Option {
	var out []Option
	for _, o := range s.Options {
		if !allowed(o.Media, m.env.Medium) {
			continue
		}
		if o.If != "" {
			if ok, known := m.holds(o.If); !known || !ok {
				continue
			}
		}
		key := o.Key
		if o.counted { // no number is left out where an option is
			key = itoa(len(out) + 1)
		}
		out = append(out, Option{Key: key, Value: value(o), Say: Line{Key: o.Say}, Level: o.Level})
	}
	return out
}

func value(o Choice) string {
	switch {
	case o.Value != "":
		return o.Value
	case o.Flow != "":
		return o.Flow
	}
	return o.State
}

// showPlace lists what is open, or the matches of what she wrote. An SMS lists
// no place: it stays on the phone.
func (m *machine) showPlace(out *Screen) {
	if m.env.Medium == "sms" {
		out.Input = InputText
		return
	}
	out.Input = InputPlace
	if len(m.cur.Found) > 0 {
		out.Options = numbered(m.cur.Found)
		return
	}
	if f, ok := m.fact(NeedPlaces, m.cur.Within); ok {
		out.Options = numbered(f.Items)
	}
}

func numbered(items []Item) []Option {
	out := make([]Option, len(items))
	for i, it := range items {
		out[i] = Option{Key: itoa(i + 1), Value: it.Value, Say: it.Say}
	}
	return out
}

func itoa(n int) string {
	if n < 10 {
		return string(rune('0' + n))
	}
	return itoa(n/10) + string(rune('0'+n%10))
}

func merge(a, b map[string]string) map[string]string {
	if len(b) == 0 {
		return a
	}
	out := make(map[string]string, len(a)+len(b))
	for k, v := range a {
		out[k] = v
	}
	for k, v := range b {
		out[k] = v
	}
	return out
}
