// Package translation is the translator's desk: it lays every screen of the
// flows out in a language, reports what is missing, unsigned or wrong, writes
// the words as one sheet, and takes the sheet back.
package translation

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"lafia/internal/flow"
	"lafia/internal/gsm"
	"lafia/internal/locale"
	"lafia/internal/screen"
)

// PagesMost is how many pages a screen may need on USSD.
const PagesMost = 3

// Longest are the longest values that placeholders take, by name; months and
// statuses are words, and the longest of the language are taken.
var Longest = map[string]string{
	"project":   "Fonds de roulement coop. femmes", // titles on a phone are cut at that
	"example":   "LAF1",
	"min":       "1",
	"max":       "99999999", // 8 digits: the most that an amount may have
	"MEM":       "9999",
	"REU":       "99",
	"EPA":       "99 999 999",
	"REC":       "99 999 999",
	"reference": "4827-1936",
	"value":     "99 999 999",
	"value5":    "19 999 999", // an amount counted in fives
	"n":         "99 999 999",
	"n5":        "19 999 999",
	"answer":    "Merci. Le comite du village et l'equipe du projet ont parle: le moulin est repare lundi.",
	"dial":      "*384*1234#",
	"number":    "+223 20 00 00 00",
	"count":     "9999",
}

// unknownLongest stands for a placeholder that Longest lacks.
const unknownLongest = "99 999 999"

// longest gives values for the placeholders of a message, as long as they come:
// what an answer is called is the longest of those names.
func longest(c *locale.Catalog, w *locale.Words, key string) map[string]string {
	args := map[string]string{}
	for _, name := range c.Placeholders(key) {
		switch name {
		case "month", "status":
			for _, k := range c.Keys() {
				if strings.HasPrefix(k, name+".") && len(w.Folded(k, nil)) > len(args[name]) {
					args[name] = w.Text(k, nil)
				}
			}
		case "what":
			for _, k := range c.Keys() {
				if strings.HasSuffix(k, ".short") && len(w.Folded(k, nil)) > len(args[name]) {
					args[name] = w.Text(k, nil)
				}
			}
		default:
			args[name] = cmp.Or(Longest[name], unknownLongest)
		}
	}
	return args
}

// Screen is one that a flow can show, with the longest values.
type Screen struct {
	Name  string       // flow.state, or "flow.state by SMS"
	Keys  []string     // the messages on it, what it asks first
	Shown screen.Shown // as it comes first
	Worst screen.Shown // with the longer of the hints that follow wrong keys
	Lacks bool         // no language has some of its words: its length says nothing
}

// TooLong says what is wrong with its length, "" when it is well.
func (s Screen) TooLong() string {
	switch {
	case s.Lacks:
	case s.Worst.Cut:
		return fmt.Sprintf("screen %s is too long for one page, and a screen that asks a number has one", s.Name)
	case len(s.Worst.Pages) > PagesMost:
		return fmt.Sprintf("screen %s needs %d pages, and may have %d", s.Name, len(s.Worst.Pages), PagesMost)
	}
	return ""
}

// hints are what a screen begins with after a wrong input.
var hints = map[flow.Kind]string{
	flow.KindProject: "hint.project", flow.KindPlace: "hint.place", flow.KindText: "hint.text",
	flow.KindPIN: "hint.pin", flow.KindReference: "hint.reference", flow.KindNumber: "hint.number", flow.KindMoney: "hint.number",
}

// Screens lays out every screen of a book in a language. Lists that come from
// the record (places, groups, projects) are not its words, and left out.
func Screens(book *flow.Book, c *locale.Catalog, tag string) (screens []Screen) {
	w := c.Words(tag)
	for _, name := range slices.Sorted(maps.Keys(book.Flows)) {
		f := book.Flows[name]
		for _, id := range slices.Sorted(maps.Keys(f.States)) {
			s := f.States[id]
			if s.Ask == "" {
				continue
			}
			screens = append(screens, lay(c, w, name+"."+id, name == flow.Main, s, s.Ask, "ussd"))
			if found := s.Ask + ".found"; c.Has(found) {
				screens = append(screens, lay(c, w, name+"."+id+" found", name == flow.Main, s, found, "ussd"))
			}
			if s.Simple != "" {
				screens = append(screens, lay(c, w, name+"."+id+" simple", name == flow.Main, s, s.Simple, "ussd"))
			}
			if s.AskSMS != "" {
				screens = append(screens, lay(c, w, name+"."+id+" by SMS", name == flow.Main, s, s.AskSMS, "sms"))
			}
		}
	}
	return screens
}

func lay(c *locale.Catalog, w *locale.Words, name string, main bool, s *flow.State, ask, medium string) Screen {
	line := func(key string) flow.Line { return flow.Line{Key: key, Args: longest(c, w, key)} }
	out := Screen{Name: name, Keys: []string{ask}}
	shown := flow.Screen{Say: []flow.Line{line(ask)}, Input: flow.InputChoice, Back: !main, Menu: !main}
	hint := cmp.Or(hints[s.Kind], "hint.key")
	switch s.Kind {
	case flow.KindText, flow.KindProject:
		shown.Input = flow.InputText
	case flow.KindPlace:
		shown.Input = flow.InputPlace
	case flow.KindNumber, flow.KindMoney, flow.KindPIN, flow.KindReference:
		shown.Input = flow.InputNumber
	case flow.KindSay, flow.KindEnd, flow.KindSubmit:
		shown.Input, shown.Back, shown.Menu, hint = flow.InputNone, false, false, ""
	}
	options := s.Options
	if (s.Kind == flow.KindYesNo || s.Kind == flow.KindConfirm) && len(options) == 0 {
		options = []flow.Choice{{Say: "answer.yes"}, {Say: "answer.no"}}
	}
	for i, o := range options {
		if o.Say == "" || len(o.Media) > 0 && !slices.Contains(o.Media, medium) {
			continue
		}
		key := cmp.Or(o.Key, fmt.Sprint(i+1))
		shown.Options = append(shown.Options, flow.Option{Key: key, Value: cmp.Or(o.Value, key), Say: line(o.Say), Level: o.Level})
		out.Keys = append(out.Keys, o.Say)
	}
	out.Lacks = slices.ContainsFunc(out.Keys, func(key string) bool { return !c.Has(key) })
	out.Shown = screen.Layout(shown, w, screen.For(medium))
	out.Worst = out.Shown
	for _, key := range []string{hint, hint + ".again"} {
		if !c.Has(key) || medium == "sms" {
			continue
		}
		shown.Hint = line(key)
		out.Keys = append(out.Keys, key)
		if laid := screen.Layout(shown, w, screen.For(medium)); laid.Cut || len(laid.Pages) >= len(out.Worst.Pages) && !out.Worst.Cut {
			out.Worst = laid
		}
	}
	return out
}

// measure says how a message comes to a phone in its worst case: folded, its
// size, and what it leaves of one page.
func measure(c *locale.Catalog, tag, key, text string) (folded string, units, left int, gsm7 bool) {
	w := c.Words(tag)
	if text == "" {
		text = w.Text(key, longest(c, w, key))
	} else {
		text = locale.Fill(text, longest(c, w, key))
	}
	encoding, units, _, _, folded := screen.Measure(text, w, "ussd", true)
	lim := screen.USSD()
	if encoding == string(gsm.GSM7) {
		return folded, units, lim.Septets - units, true
	}
	return folded, units, lim.UCS2 - units, false
}
