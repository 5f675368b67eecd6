package flow

// show builds the screen of the state she is in.
func (m *machine) show() Screen {
	s := m.state()
	if s == nil {
		m.cur = Cursor{Flow: Main, State: "menu"}
		s = m.state()
	}
	out := Screen{Hint: m.hint, Say: []Line{m.ask(s)}}
	inFlow := m.cur.InFlow()
	out.Back, out.Menu = inFlow, inFlow
	if m.cur.Flow == Main && len(m.cur.Path) > 0 {
		out.Back = true
	}
	switch s.Kind {
	case KindLanguage:
		m.list(&out, NeedLanguages, "")
	case KindGroup:
		m.list(&out, NeedGroups, "")
	case KindMonth:
		m.list(&out, NeedMonths, "")
	case KindMenu, KindResume, KindChoice:
		out.Input, out.Options = InputChoice, m.choices(s)
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
	case KindNumber, KindMoney, KindPIN, KindReference:
		out.Input = InputNumber
	case KindSay, KindSubmit:
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
	if m.env.Medium == "sms" && s.AskSMS != "" {
		key = s.AskSMS
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

// sayFact gives the facts that a closing screen shows: the help number.
func (m *machine) sayFact(s *State) (Fact, bool) {
	if s.Kind == KindSay && m.book.Flows[m.cur.Flow].Level == "L3" {
		return m.fact(NeedHelp, "")
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
			f, ok := m.fact(o.If, "")
			if !ok || !f.OK {
				continue
			}
		}
		out = append(out, Option{Key: o.Key, Value: value(o), Say: Line{Key: o.Say}, Level: o.Level})
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
