package rehearsal

import (
	"errors"
	"fmt"
	"hash/fnv"
	"maps"

	"lafia/internal/flow"
	"lafia/internal/gsm"
	"lafia/internal/locale"
	"lafia/internal/programme"
	"lafia/internal/screen"
)

// Walk is one conversation, from the first screen to the last.
type Walk struct {
	Book     *flow.Book
	Words    *locale.Catalog
	World    *World
	Medium   string // "ussd" or "sms"
	Language string // empty: it is asked
	Flow     string // empty: the menu; else entered as soon as the language is known

	// Submission is what was submitted; nil while nothing was.
	Submission *Submission

	cursor flow.Cursor
	shown  screen.Shown
	turns  int
}

// Submission is what a finished conversation says, as the gateway would store it.
type Submission struct {
	Kind      string              `json:"kind"`
	Level     string              `json:"level"`
	Reference programme.Reference `json:"reference"`
	Answers   map[string]string   `json:"answers"`
	Text      string              `json:"text"`
}

// Page is what a phone shows.
type Page struct {
	Language string `json:"language"`
	Medium   string `json:"medium"`
	Encoding string `json:"encoding"`
	Units    int    `json:"units"` // septets, or UCS-2 units
	Limit    int    `json:"limit"`
	Page     int    `json:"page"` // from 1
	Pages    int    `json:"pages"`
	Text     string `json:"text"`
	Ends     bool   `json:"ends"`
}

// Begin gives the first screen.
func (w *Walk) Begin() (Page, error) {
	if err := w.act(flow.Action{Act: flow.Begin}); err != nil {
		return Page{}, err
	}
	if err := w.enter(); err != nil {
		return Page{}, err
	}
	return w.page(), nil
}

// Input takes what was typed, and gives the next screen.
func (w *Walk) Input(typed string) (Page, error) {
	m := w.shown.Resolve(typed)
	if m.Kind == screen.Page {
		w.shown = m.Shown
		return w.page(), nil
	}
	if err := w.act(actionOf(m)); err != nil {
		return Page{}, err
	}
	if err := w.enter(); err != nil {
		return Page{}, err
	}
	return w.page(), nil
}

// actionOf is what an input that turns no page does.
func actionOf(m screen.Move) flow.Action {
	switch m.Kind {
	case screen.Back:
		return flow.Action{Act: flow.Back}
	case screen.Menu:
		return flow.Action{Act: flow.Menu}
	case screen.Choice:
		return flow.Action{Act: flow.Chose, Value: m.Value, Key: m.Key, Level: m.Level}
	case screen.Text:
		return flow.Action{Act: flow.Typed, Text: m.Text}
	}
	return flow.Action{Act: flow.Wrong}
}

// enter goes into the flow that was asked for, once the menu is there.
func (w *Walk) enter() error {
	if w.Flow == "" || w.Flow == flow.Main || w.cursor.InFlow() || w.cursor.State != "menu" {
		return nil
	}
	want := w.Flow
	w.Flow = ""
	for _, o := range w.Book.Flows[flow.Main].States["menu"].Options {
		if o.Flow == want {
			if err := w.act(flow.Action{Act: flow.Chose, Value: o.Flow, Key: o.Key}); err != nil {
				return err
			}
			if !w.cursor.InFlow() {
				return fmt.Errorf("flow %s is not for %s", want, w.Medium)
			}
			return nil
		}
	}
	return fmt.Errorf("no option of the menu enters flow %q", want)
}

func (w *Walk) act(a flow.Action) error {
	w.turns++
	env := flow.Env{Medium: w.Medium, Language: w.Language}
	res, err := step(w.Book, w.World, w.cursor, a, env)
	if err != nil {
		return err
	}
	w.cursor = res.Cursor
	for _, e := range res.Effects {
		switch e.Kind {
		case flow.Language:
			w.Language = e.Language
		case flow.Submit:
			w.submit(e.Submit)
			res.Screen = withReference(res.Screen, w.Submission.Reference.String())
		}
	}
	w.shown = screen.Layout(res.Screen, w.Words.Words(w.Language), screen.For(w.Medium))
	return nil
}

// submit keeps what was submitted, at the level that its words may raise it to.
func (w *Walk) submit(s *flow.Submission) {
	h := fnv.New64a()
	fmt.Fprint(h, w.turns, s.Kind, s.Answers, s.Text) // derived as every reference is, and never drawn
	w.Submission = &Submission{Kind: s.Kind, Level: string(levelOf(s)), Reference: programme.ReferenceOf(h.Sum(nil)), Answers: s.Answers, Text: s.Text}
}

// levelOf is the level of what is submitted, raised by its words where they may be
// for the protection focal points alone.
func levelOf(s *flow.Submission) programme.Level {
	if programme.LooksConfidential(s.Text) {
		return programme.L3
	}
	return programme.Level(s.Level)
}

func withReference(s flow.Screen, ref string) flow.Screen {
	say := make([]flow.Line, len(s.Say))
	for i, l := range s.Say {
		args := map[string]string{"reference": ref}
		maps.Copy(args, l.Args)
		l.Args = args
		say[i] = l
	}
	s.Say = say
	return s
}

func (w *Walk) page() Page {
	return pageOf(w.shown, w.Words.Words(w.Language).Tag(), w.Medium)
}

func pageOf(shown screen.Shown, language, medium string) Page {
	text, lim := shown.Text(), screen.For(medium)
	encoding, units, _ := gsm.Measure(text)
	p := Page{Language: language, Medium: medium, Encoding: string(encoding), Units: units, Limit: lim.Septets,
		Page: shown.Page + 1, Pages: len(shown.Pages), Text: text, Ends: shown.Ends()}
	if encoding == gsm.UCS2 {
		p.Limit = lim.UCS2
	}
	return p
}

// maxRounds bounds how often a step asks for facts, as in the gateway.
const maxRounds = 16

// answers is what answers a step's needs: a World, or one with what a transcript tells.
type answers interface {
	Fact(n flow.Need, medium string) (flow.Fact, error)
}

func step(b *flow.Book, w answers, c flow.Cursor, a flow.Action, env flow.Env) (flow.Result, error) {
	facts := flow.Facts{}
	for range maxRounds {
		res := b.Step(c, a, env, facts)
		if len(res.Missing) == 0 {
			return res, nil
		}
		for _, n := range res.Missing {
			f, err := w.Fact(n, env.Medium)
			if err != nil {
				return res, err
			}
			facts[n] = f
		}
	}
	return flow.Result{}, errors.New("a step needs more facts than it may ask for")
}
