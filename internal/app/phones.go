package app

import (
	"strings"

	"lafia/internal/casework"
	"lafia/internal/locale"
	"lafia/internal/screen"
)

// phones tells the desk how answers reach people: the languages, what is dialled
// for each channel, and how a text fits a screen. nil before the conversation has
// started.
func (a *App) phones() *casework.Phones {
	c := a.conversation
	if c == nil {
		return nil
	}
	p := &casework.Phones{
		Say:  func(tag, key string, args map[string]string) string { return c.Words.Words(tag).Folded(key, args) },
		Dial: func(channel string) string { return c.Channel(channel).Dial },
		Measure: func(tag, text string) casework.Measure {
			encoding, units, parts, pages, _ := screen.Measure(text, c.Words.Words(tag), "ussd", true)
			return casework.Measure{GSM7: encoding == "gsm7", Units: units, Pages: pages, Parts: parts}
		},
	}
	p.Sending = a.sending()
	p.Fold = func(tag, text string) string { return c.Words.Words(tag).Fold(text) }
	for _, l := range c.Words.Offered() {
		p.Languages = append(p.Languages, casework.Language{Tag: l.Tag, Name: l.Name})
	}
	for _, b := range locale.Banned {
		p.Banned = append(p.Banned, strings.Fields(b.Words)...)
	}
	return p
}
