package console

import (
	"maps"
	"slices"
	"strings"

	"lafia/internal/casework"
	"lafia/internal/programme"
)

// The order in which answers are shown; any other comes after, by name. They are
// the `save` names of flows/*.toml and the codes of context.md 2.3, 3 and 4.
var answerOrder = append([]string{
	"type", "rating", "cohesion", "phase", "calm", "when", "trend", "again", "group", "month",
}, indicators()...)

// indicators are the codes of a report, in its order.
func indicators() []string {
	codes := make([]string, 0, len(programme.Indicators))
	for _, in := range programme.Indicators {
		codes = append(codes, in.Code)
	}
	return codes
}

// isAmount reports whether an answer is money.
func isAmount(name string) bool {
	in, ok := programme.IndicatorOf(name)
	return ok && in.Money
}

// facts says in words what is known of a message: its answers, then where it
// came from.
func (c *Console) facts(p page, m casework.Message) []fact {
	var facts []fact
	add := func(label, value, lang string) {
		if value != "" {
			facts = append(facts, fact{label, value, lang})
		}
	}
	project := m.Project
	if m.ProjectName != "" {
		project = m.ProjectName + " (" + m.Project + ")"
	}
	add(p.T("fact.project"), project, "")
	place := m.PlaceName
	if place == "" {
		place = m.Place
	}
	add(p.T("fact.place"), place, "")
	if m.Answers["group"] == "" {
		add(p.T("fact.group"), m.Group, "")
	}
	for _, n := range answered(m) {
		label, _ := c.label(p, m.Kind, n)
		value, coded := c.value(p, m.Kind, n, m.Answers[n])
		lang := ""
		if !coded {
			lang = m.Language
		}
		add(label, value+c.doubt(p, m, n), lang)
	}
	if m.TypeExact != "" {
		add(p.T("fact.type"), m.TypeExact+" · "+c.class(p, m.Kind, m.TypeExact), "")
	}
	add(p.T("fact.reasons"), c.classes(p, m.Kind, m.Reasons), "")
	medium := strings.ToUpper(m.Medium)
	if m.Channel != "" {
		medium += " · " + m.Channel
	}
	add(p.T("fact.channel"), medium, "")
	add(p.T("fact.language"), c.languageName(m.Language), m.Language)
	if !m.SentAt.IsZero() && m.ReceivedAt.Sub(m.SentAt) > lateAfter {
		add(p.T("fact.sent"), p.moment(m.SentAt), "")
	}
	return facts
}

// doubt says behind a value far from the usual that she was asked about it.
func (c *Console) doubt(p page, m casework.Message, name string) string {
	sure, before := casework.Doubt(m.Answers, name)
	var said []string
	if sure {
		said = append(said, p.T("fact.sure"))
	}
	if before != "" {
		value, _ := c.value(p, m.Kind, name, before)
		said = append(said, p.T("fact.first", "value", value))
	}
	if len(said) == 0 {
		return ""
	}
	return " (" + strings.Join(said, ", ") + ")"
}

// answered lists the names of a message's answers in the order they are shown.
func answered(m casework.Message) []string {
	rest := maps.Clone(m.Answers)
	for _, hidden := range []string{"project", "place", "text"} { // shown elsewhere, or the words themselves
		delete(rest, hidden)
	}
	maps.DeleteFunc(rest, func(name, _ string) bool { return casework.IsDoubt(name) }) // said behind their values
	names := slices.DeleteFunc(slices.Clone(answerOrder), func(n string) bool { _, ok := rest[n]; return !ok })
	for _, n := range slices.Sorted(maps.Keys(rest)) {
		if !slices.Contains(names, n) {
			names = append(names, n)
		}
	}
	return names
}

// summaryMost is how many answers stand in for words in the log.
const summaryMost = 4

// summary gives the first coded answers on one line. What is no code of ours
// was typed by somebody, and has its place on the message's own page; so have
// amounts, which a whole screen of groups must not show at a glance.
func (c *Console) summary(p page, m casework.Message) string {
	var parts []string
	for _, n := range answered(m) {
		label, known := c.label(p, m.Kind, n)
		value, coded := c.value(p, m.Kind, n, m.Answers[n])
		if _, number := thousands(value); !known || n == "type" || isAmount(n) || (!coded && !number) {
			continue
		}
		if parts = append(parts, p.T("frame.colon", "label", label, "value", value)); len(parts) == summaryMost {
			break
		}
	}
	return strings.Join(parts, " · ")
}

// label names an answer; false when the console has no word for it, and its own
// name stands.
func (c *Console) label(p page, kind programme.Kind, name string) (string, bool) {
	key := "answer." + string(kind) + "." + strings.ToLower(name)
	if c.catalog.Has(key) {
		return p.T(key), true
	}
	return name, false
}

// value gives a coded answer in words; false when it is no code of ours, and
// what was said stands.
func (c *Console) value(p page, kind programme.Kind, name, value string) (string, bool) {
	key := "value." + string(kind) + "." + strings.ToLower(name) + "." + strings.ToLower(value)
	if c.catalog.Has(key) {
		return p.T(key), true
	}
	if name == "month" {
		if m, ok := p.month(value); ok {
			return m, true
		}
	}
	if isAmount(name) {
		if n, ok := thousands(value); ok {
			return n + "\u00A0F\u00A0CFA", true
		}
	}
	return value, false
}

// thousands parts the digits of an amount by no-break spaces.
func thousands(s string) (string, bool) {
	if s == "" || len(s) > 15 || strings.Trim(s, "0123456789") != "" {
		return "", false
	}
	var b strings.Builder
	for i, d := range s {
		if i > 0 && (len(s)-i)%3 == 0 {
			b.WriteRune('\u00A0')
		}
		b.WriteRune(d)
	}
	return b.String(), true
}
