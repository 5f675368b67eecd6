package rehearsal

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"lafia/internal/flow"
	"lafia/internal/locale"
	"lafia/internal/screen"
)

// player plays conversations against the pure step and layout. It remembers
// nothing itself: between two inputs all is in the bytes that it gave.
type player struct {
	book  *flow.Book
	words *locale.Catalog
	world *World
}

// held is what is kept between two inputs.
type held struct {
	Cursor     flow.Cursor
	Shown      screen.Shown
	Language   string
	Consents   map[string]string
	Erasing    bool
	Submission *flow.Submission
}

// shown is what an input led to.
type shown struct {
	page  Page
	does  []string
	said  string // how it ends, if it were to end here
	at    flow.Cursor
	whole *flow.Screen // before words and pages; nil: a page was turned
	moved bool         // no page was turned
}

// turn tells it as a transcript does.
func (s shown) turn(input string) Turn {
	mark := fmt.Sprintf("%s %s %d/%d", s.page.Language, s.page.Medium, s.page.Units, s.page.Limit)
	if s.page.Pages > 1 {
		mark += fmt.Sprintf(" page %d/%d", s.page.Page, s.page.Pages)
	}
	return Turn{Input: input, Text: s.page.Text, Mark: mark, Does: s.does}
}

// part is a conversation that is to be played.
type part struct {
	flow, language, medium string
	scene                  Scene
}

// begin gives the first screen of the flow.
func (p player) begin(c part) ([]byte, shown, error) {
	h := held{Language: c.language, Consents: c.scene.Consents, Erasing: c.scene.Erasing}
	if c.scene.Caller == "new" {
		h.Language = ""
	}
	s, err := p.act(c, &h, flow.Action{Act: flow.Begin})
	if err == nil && c.flow != flow.Main {
		s, err = p.enter(c, &h)
	}
	if err != nil {
		return nil, s, err
	}
	return keep(h, s)
}

// enter takes the option of the menu that leads to the flow.
func (p player) enter(c part, h *held) (shown, error) {
	if h.Language == "" || h.Cursor.State != "menu" {
		return shown{}, fmt.Errorf("only in the flow %s may the caller be new or back", flow.Main)
	}
	menu := p.book.Flows[flow.Main].States["menu"]
	for _, o := range menu.Options {
		if o.Flow != c.flow {
			continue
		}
		if len(o.Media) > 0 && !slices.Contains(o.Media, c.medium) {
			break
		}
		return p.act(c, h, flow.Action{Act: flow.Chose, Value: o.Flow, Key: o.Key})
	}
	return shown{}, fmt.Errorf("the menu has no flow %q by %s", c.flow, c.medium)
}

// hop takes one input.
func (p player) hop(c part, kept []byte, input string) ([]byte, shown, error) {
	h, err := readHeld(kept)
	if err != nil {
		return nil, shown{}, err
	}
	if h.Shown.Ends() {
		return nil, shown{}, errors.New("the conversation ended before")
	}
	m := h.Shown.Resolve(input)
	if m.Kind == screen.Page {
		h.Shown = m.Shown
		return keep(h, p.see(c, &h))
	}
	s, err := p.act(c, &h, actionOf(m))
	if err != nil {
		return nil, s, err
	}
	return keep(h, s)
}

func readHeld(kept []byte) (held, error) {
	var h held
	if err := json.Unmarshal(kept, &h); err != nil {
		return h, fmt.Errorf("reading what was kept: %w", err)
	}
	return h, nil
}

func keep(h held, s shown) ([]byte, shown, error) {
	b, err := json.Marshal(h)
	if err != nil {
		return nil, s, fmt.Errorf("keeping a session: %w", err)
	}
	return b, s, nil
}

func (p player) act(c part, h *held, a flow.Action) (shown, error) {
	facts := newScenery(p.world, c.scene)
	facts.held = h
	env := flow.Env{Medium: c.medium, Language: h.Language, Resume: c.scene.Caller == "back"}
	res, err := step(p.book, facts, h.Cursor, a, env)
	if err != nil {
		return shown{}, err
	}
	h.Cursor = res.Cursor
	var does []string
	for _, e := range res.Effects {
		if words := h.take(e); words != "" {
			does = append(does, words)
		}
		if e.Kind == flow.Submit {
			res.Screen = withReference(res.Screen, Given.String())
		}
	}
	h.Shown = screen.Layout(res.Screen, p.words.Words(h.Language), screen.For(c.medium))
	s := p.see(c, h)
	s.does, s.whole, s.moved = does, &res.Screen, true
	return s, nil
}

// take keeps what a step asks for, and tells it.
func (h *held) take(e flow.Effect) string {
	switch e.Kind {
	case flow.Language:
		h.Language = e.Language
		return "language " + e.Language
	case flow.Submit:
		h.Submission = e.Submit
	case flow.Consent:
		consents := map[string]string{e.Purpose: yesOrNo(e.Given)}
		for k, v := range h.Consents {
			if k != e.Purpose {
				consents[k] = v
			}
		}
		h.Consents = consents
		return "consent " + e.Purpose + " " + yesOrNo(e.Given)
	case flow.Erase:
		h.Erasing = e.Given
		return "erase " + yesOrNo(e.Given)
	case flow.CallMe:
		return "callback"
	case flow.Confirm:
		return "confirmed"
	case flow.Resumed, flow.Dropped:
		return string(e.Kind)
	}
	return ""
}

func yesOrNo(is bool) string {
	if is {
		return "yes"
	}
	return "no"
}

func (p player) see(c part, h *held) shown {
	s := shown{page: pageOf(h.Shown, p.words.Words(h.Language).Tag(), c.medium), at: h.Cursor}
	switch {
	case h.Submission != nil:
		s.said = SubmissionLine(h.Submission.Kind, string(levelOf(h.Submission)), h.Submission.Answers, h.Submission.Text)
	case s.page.Ends:
		s.said = endsHere
	default:
		s.said = hungUp
	}
	return s
}

// play types inputs one after the other. Between every two of them what is kept
// is bytes, and each input is taken twice: the same input on the same bytes must
// show and keep the same. see is called with each screen.
func (p player) play(c part, inputs []string, see func(shown)) ([]Turn, error) {
	kept, s, err := p.begin(c)
	if err != nil {
		return nil, err
	}
	see(s)
	turns := []Turn{s.turn("")}
	for i, input := range inputs {
		if s.page.Ends {
			return turns, fmt.Errorf("it has ended, and %q is typed", input)
		}
		next, got, err := p.hop(c, kept, input)
		if err != nil {
			return turns, fmt.Errorf("input %d, %q: %w", i+1, input, err)
		}
		again, twice, err := p.hop(c, kept, input)
		if err != nil || !bytes.Equal(next, again) || twice.page != got.page || !slices.Equal(twice.does, got.does) {
			return turns, fmt.Errorf("input %d, %q: taken a second time it does not show and keep the same", i+1, input)
		}
		kept, s = next, got
		see(s)
		turns = append(turns, s.turn(input))
	}
	last := &turns[len(turns)-1]
	last.Does = append(slices.Clone(last.Does), s.said)
	return turns, p.replay(c, inputs, kept)
}

// replay plays the inputs alone, at once, and compares what is kept at the end.
func (p player) replay(c part, inputs []string, want []byte) error {
	kept, _, err := p.begin(c)
	for _, input := range inputs {
		if err != nil {
			return err
		}
		kept, _, err = p.hop(c, kept, input)
	}
	if err != nil {
		return err
	}
	if !bytes.Equal(kept, want) {
		return errors.New("played again from its inputs alone it ends elsewhere")
	}
	return nil
}
