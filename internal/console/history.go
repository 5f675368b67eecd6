package console

import (
	"slices"

	"lafia/internal/casework"
	"lafia/internal/programme"
)

// history tells all that was done with a message, in order: moves, answers,
// classifications.
func (c *Console) history(p page, r casework.Record) []moment {
	var list []moment
	for _, e := range r.Events {
		if e.Answered && slices.ContainsFunc(r.Given, func(g casework.Given) bool { return g.At.Equal(e.At) && g.StaffID == e.StaffID }) {
			continue // the answer itself stands there
		}
		list = append(list, moment{at: e.At, what: p.event(e), who: e.Staff, note: e.Note, shut: e.State == casework.TextShut})
	}
	for _, g := range r.Given {
		list = append(list, moment{at: g.At, what: p.T("history.answered"), who: g.Staff, given: p.given(g, r.Language)})
	}
	for _, k := range r.Classifications {
		what := p.T("history.unclassified")
		if len(k.Codes) > 0 {
			what = p.T("frame.colon", "label", p.T("history.classified"), "value", c.classes(p, r.Kind, k.Codes))
		}
		list = append(list, moment{at: k.At, what: what, who: k.Staff})
	}
	return inOrder(p, list)
}

// inOrder puts the moments of a history in order, and says when each was.
func inOrder(p page, list []moment) []moment {
	slices.SortStableFunc(list, func(a, b moment) int { return a.at.Compare(b.at) })
	for i := range list {
		m := &list[i]
		m.when, m.stamp = p.moment(m.at), stamp(m.at)
		if m.who == "" {
			m.who = p.T("history.program")
		}
	}
	return list
}

func (p page) event(e casework.Event) string {
	switch {
	case e.NumberShown:
		return p.T("history.number")
	case e.LevelRaised:
		return p.T("history.raised")
	case e.Answered:
		return p.T("history.answered")
	case e.Confirms():
		return p.T("history.confirmed")
	}
	return p.T("history.to", "from", p.status(e.From).label, "to", p.status(e.To).label)
}

// marks says what a reader must know before she believes a message.
func (p page) marks(m casework.Message) []string {
	var list []string
	_, late := programme.Said(m.SentAt, m.ReceivedAt)
	for _, mark := range []struct {
		is  bool
		key string
	}{{m.Waits(), "mark.unconfirmed"}, {m.Partial, "mark.partial"}, {m.Altered, "mark.altered"}, {late, "mark.late"}, {m.Corrects != "", "mark.corrects"}} {
		if mark.is {
			list = append(list, p.T(mark.key))
		}
	}
	return list
}

// stands says how far the latest answer has come: read on her phone, else its SMS.
func (p page) stands(g casework.Given) string {
	said := p.date(g.At)
	switch {
	case !g.ReadAt.IsZero():
		said += " · " + p.T("answer.read", "when", p.moment(g.ReadAt))
	case g.Delivery != "":
		said += " · " + p.T("frame.colon", "label", "SMS", "value", p.T("reply."+g.Delivery))
	default:
		said += " · " + p.T("answer.sms.none") + " · " + p.T("answer.unread")
	}
	return said
}

// became says how far the answer has come, what was asked again, and what she agreed to.
func (c *Console) became(p page, r casework.Record) []fact {
	var facts []fact
	if n := len(r.Given); n > 0 {
		facts = append(facts, fact{label: p.T("history.answered"), value: p.stands(r.Given[n-1])})
	}
	if f := r.Followup; f != nil {
		said := p.T("followup.due", "when", p.date(f.DueAt))
		switch {
		case f.Said != "":
			said = p.T("followup.said", "said", p.T("followup."+f.Said), "when", p.moment(f.SaidAt))
		case !f.SentAt.IsZero():
			said = p.T("followup.sent", "when", p.moment(f.SentAt))
		}
		facts = append(facts, fact{label: p.T("followup.label"), value: said})
	}
	if r.Consent.Known {
		key := "consent.no"
		if r.Consent.Given {
			key = "consent.yes"
		}
		facts = append(facts, fact{label: p.T("consent.label"), value: p.T(key, "when", p.moment(r.Consent.At))})
	}
	return facts
}
