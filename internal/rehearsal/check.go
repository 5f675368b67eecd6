package rehearsal

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"lafia/internal/flow"
	"lafia/internal/gsm"
	"lafia/internal/locale"
	"lafia/internal/programme"
	"lafia/internal/screen"
)

// MaxPages is how many pages a screen may need: nobody turns more.
const MaxPages = 3

// LongestName is the longest name of a project or a group that screens must hold.
const LongestName = 40

// Report says how the flows fit phones: what must be mended, what is worth
// knowing, and a row for each flow and language.
type Report struct {
	Problems []flow.Problem `json:"problems"`
	Notes    []flow.Problem `json:"notes"`
	Rows     []Row          `json:"flows"`
}

// Row measures one flow in one language, with the longest value of each variable.
type Row struct {
	Flow     string `json:"flow"`
	Language string `json:"language"`
	Screens  int    `json:"screens"` // states that are shown
	Answers  int    `json:"answers"` // on the longest way to the end
	Longest  int    `json:"longest"` // screen by USSD, before it is paged; septets, or UCS-2 units
	Encoding string `json:"encoding"`
	At       string `json:"longest_at"` // the state that is the longest
	Pages    int    `json:"pages"`      // of a screen by USSD, at most
	Segments int    `json:"segments"`   // of a message by SMS, at most; 0: not by SMS
	Replies  int    `json:"replies"`    // segments that we send on the longest way by SMS
	Cost     int    `json:"cost"`       // what they cost, francs CFA
	Hers     int    `json:"cost_hers"`  // what her answers cost her where they are not free, francs CFA
}

// DefaultPrice is what a segment costs in Mali, in francs CFA: the regulator's
// ceiling since 1 November 2019 (context.md 6). What was agreed with an operator
// is known by its channel's config.
const DefaultPrice = 10

// visit is one screen that a caller can come to.
type visit struct {
	flow   string // whose state it is: of the flow that is called, where one is
	cursor flow.Cursor
	screen flow.Screen
	medium string
}

// Check walks every way through a book and lays each screen out in each language.
func Check(b *flow.Book, c *locale.Catalog, w *World, price int) (Report, error) {
	r := Report{Problems: []flow.Problem{}, Notes: []flow.Problem{}, Rows: []Row{}}
	if !r.words(b, c) {
		return r, nil
	}
	visits, err := everyScreen(b, w)
	if err != nil {
		return r, err
	}
	names := slices.Sorted(maps.Keys(b.Flows))
	m := measure{report: &r, book: b, words: c, said: map[string]bool{}, world: w}
	for _, name := range names {
		for _, tag := range c.Tags() {
			m.row = Row{Flow: name, Language: tag, Answers: b.Answers(name), Encoding: string(gsm.GSM7)}
			states := map[string]bool{}
			m.segments = map[string]int{}
			for _, v := range visits {
				if v.flow == name {
					states[v.cursor.State] = true
					m.screen(v, tag)
				}
			}
			m.row.Screens = len(states)
			if m.row.Segments > 0 {
				m.row.Replies = b.Weigh(name, func(state string) int { return m.segments[state] })
				m.row.Cost, m.row.Hers = m.row.Replies*price, m.row.Answers*price
			}
			r.Rows = append(r.Rows, m.row)
		}
	}
	return r, nil
}

// words refuses keys that nobody says, and notes what a language leaves to
// another. It reports whether there is something to lay out.
func (r *Report) words(b *flow.Book, c *locale.Catalog) bool {
	ok := true
	for _, name := range slices.Sorted(maps.Keys(b.Flows)) {
		f := b.Flows[name]
		used := map[string]bool{}
		for _, sn := range slices.Sorted(maps.Keys(f.States)) {
			for _, key := range f.States[sn].Uses() {
				used[key] = true
				if !c.Has(key) {
					ok = false
					r.Problems = append(r.Problems, flow.Problem{File: b.File(name), Flow: name, State: sn, Text: fmt.Sprintf("no language has the words %q", key)})
				}
			}
		}
		for _, cover := range c.Coverage() {
			var missing []string
			for _, key := range cover.Fallback {
				if used[key] {
					missing = append(missing, key)
				}
			}
			if len(missing) > 0 {
				r.Notes = append(r.Notes, flow.Problem{File: b.File(name), Flow: name,
					Text: fmt.Sprintf("%s has no words of its own for %d: %s", cover.Tag, len(missing), strings.Join(missing, ", "))})
			}
		}
	}
	return ok
}

// maxScreens bounds a walk: a book that made more would be walked in part.
const maxScreens = 20000

// callers are those whose screens differ: who leads no group, leaders of groups
// that do different things, with a report that waits or is there, and who has an
// answer or has asked to be erased.
func callers(w *World) (worlds []World) {
	leader := *w
	leader.Now = w.Now.AddDate(0, 0, 15-w.Now.Day()) // a day on which the month is asked
	leader.pending, leader.activity = true, "butter"
	stranger := leader
	stranger.stranger, stranger.pending, stranger.replied, stranger.erasing = true, false, true, true
	worlds = append(worlds, leader, stranger)
	leader.pending = false
	for _, activity := range []string{"capital", "youth", "bridge"} {
		leader.activity = activity
		worlds = append(worlds, leader)
	}
	leader.activity, leader.reported = "butter", true
	worlds = append(worlds, leader)
	leader.old = true
	return append(worlds, leader)
}

// everyScreen comes to every screen by every answer, on both media, as each of callers.
func everyScreen(b *flow.Book, w *World) ([]visit, error) {
	var out []visit
	seen := map[string]bool{}
	for _, medium := range []string{"ussd", "sms"} {
		for i, world := range callers(w) {
			for _, env := range []flow.Env{{Medium: medium}, {Medium: medium, Language: "fr", Resume: true}, {Medium: medium, Language: "fr"}} {
				if i > 0 && (env.Language == "" || env.Resume) {
					continue // the first screens are the same for all
				}
				found, err := walkAll(b, &world, env, seen)
				if err != nil {
					return nil, err
				}
				out = append(out, found...)
			}
		}
	}
	return out, nil
}

type pending struct {
	cursor flow.Cursor
	action flow.Action
}

func walkAll(b *flow.Book, w *World, env flow.Env, seen map[string]bool) ([]visit, error) {
	var out []visit
	been := map[string]bool{}
	queue := []pending{{action: flow.Action{Act: flow.Begin}}}
	for len(queue) > 0 && len(out) < maxScreens {
		next := queue[0]
		queue = queue[1:]
		res, err := step(b, w, next.cursor, next.action, env)
		if err != nil {
			return nil, fmt.Errorf("flow %s, state %s: %w", next.cursor.Flow, next.cursor.State, err)
		}
		if res.Has(flow.Submit) {
			res.Screen = withReference(res.Screen, Given.String())
		}
		at := standing(res.Cursor, env)
		id := fmt.Sprint(at, "|", res.Screen.Hint.Key, "|", len(res.Screen.Say), "|", res.Screen.Options)
		state := b.State(res.Cursor)
		if !seen[id] {
			seen[id] = true
			out = append(out, visit{flow: cmp.Or(res.Cursor.Sub, res.Cursor.Flow), cursor: res.Cursor, screen: res.Screen, medium: env.Medium})
		}
		if been[at] || res.Screen.End() {
			continue
		}
		been[at] = true
		queue = append(queue, pending{res.Cursor, flow.Action{Act: flow.Wrong}})
		if res.Cursor.Misses > 0 && !res.Cursor.Offer {
			continue // a right answer leads where it did without the wrong one
		}
		for _, o := range res.Screen.Options {
			queue = append(queue, pending{res.Cursor, flow.Action{Act: flow.Chose, Value: o.Value, Key: o.Key, Level: o.Level}})
		}
		for _, text := range typed(state, res.Cursor) {
			queue = append(queue, pending{res.Cursor, flow.Action{Act: flow.Typed, Text: text}})
		}
	}
	return out, nil
}

// standing is all of a cursor that decides where the next answer leads, and what is shown.
func standing(c flow.Cursor, env flow.Env) string {
	return fmt.Sprint([]any{env.Medium, c.Flow, c.Sub, c.State, c.Level, c.Within, len(c.Found), c.Doubt != "", c.After, c.Offer, min(c.Misses, 3)})
}

// typed lists what a caller might type at a state: what leads on, and what doesn't.
func typed(s *flow.State, c flow.Cursor) []string {
	switch s.Kind {
	case flow.KindProject:
		return []string{projects[0].Code, "Tombouctou", "zzzz"}
	case flow.KindPlace:
		return []string{"Lafia", "Tombouctou", "zzzz"}
	case flow.KindNumber, flow.KindMoney:
		return []string{strconv.FormatInt(*s.Max, 10), strconv.FormatInt(*s.Min, 10), "x"}
	case flow.KindPIN:
		for _, l := range leads {
			if c.Answers["group"] == "G-"+l.group {
				return []string{l.pin, "0000"}
			}
		}
		return []string{"0000"}
	case flow.KindText:
		return []string{"quelques mots"}
	case flow.KindReference:
		return []string{string(Given), "1"}
	}
	return nil
}

// listsData reports whether the options of a screen are not the flow's own.
func listsData(s *flow.State, shown flow.Screen) bool {
	return len(s.Options) == 0 && len(shown.Options) > 0
}

// measure lays screens out and keeps the greatest of each measure.
type measure struct {
	report *Report
	book   *flow.Book
	words  *locale.Catalog
	world  *World
	row    Row
	said   map[string]bool
	// segments are those of each state's messages by SMS, at most.
	segments map[string]int
}

func (m *measure) problem(v visit, note bool, format string, args ...any) {
	p := flow.Problem{File: m.book.File(v.flow), Flow: v.flow, State: v.cursor.State, Text: fmt.Sprintf(format, args...)}
	if m.said[p.String()] {
		return
	}
	m.said[p.String()] = true
	if note {
		m.report.Notes = append(m.report.Notes, p)
		return
	}
	m.report.Problems = append(m.report.Problems, p)
}

func (m *measure) screen(v visit, tag string) {
	words := m.words.Words(tag)
	s := v.screen
	s.Say = make([]flow.Line, len(v.screen.Say))
	for i, l := range v.screen.Say {
		s.Say[i] = m.stretch(v, l, words)
	}
	s.Hint = m.stretch(v, s.Hint, words)
	shown := screen.Layout(s, words, screen.For(v.medium))
	m.wayOn(v, s, shown)
	switch n := len(shown.Pages); {
	case shown.Cut:
		m.problem(v, false, "%s by %s: too long for the one page of a number", tag, v.medium)
	case n > MaxPages:
		m.problem(v, false, "%s by %s: %d pages, and may take %d", tag, v.medium, n, MaxPages)
	}
	if v.medium == "sms" {
		for _, page := range shown.Pages {
			_, _, segments := gsm.Measure(page)
			m.row.Segments = max(m.row.Segments, segments)
			m.segments[v.cursor.State] = max(m.segments[v.cursor.State], segments)
		}
		return
	}
	m.row.Pages = max(m.row.Pages, len(shown.Pages))
	whole := screen.Layout(s, words, screen.Limits{Septets: 1 << 20, UCS2: 1 << 20}).Text()
	if encoding, units, _ := gsm.Measure(whole); units > m.row.Longest {
		m.row.Longest, m.row.Encoding, m.row.At = units, string(encoding), v.cursor.State
	}
}

// wayOn refuses a screen that keeps her: none of its keys goes back, or nothing
// can be chosen.
func (m *measure) wayOn(v visit, s flow.Screen, shown screen.Shown) {
	if s.End() {
		return
	}
	if s.Input == flow.InputChoice && len(s.Options) == 0 {
		m.problem(v, false, "by %s there may be nothing to choose", v.medium)
	}
	if !v.cursor.InFlow() {
		return
	}
	back, menu := "0", "00"
	if s.Input == flow.InputNumber {
		back, menu = "00", "000"
	}
	if shown.Resolve(back).Kind != screen.Back || shown.Resolve(menu).Kind != screen.Menu {
		m.problem(v, false, "by %s there is no way back", v.medium)
	}
	for _, page := range shown.Pages {
		last := page[strings.LastIndexByte(page, '\n')+1:]
		if !slices.Contains(strings.Fields(last), back) {
			m.problem(v, false, "%s by %s: the way back is not on the screen, its words are too long", m.row.Language, v.medium)
		}
	}
}

// stretch gives a line the longest value that each of its variables may take in
// a language. A variable that nothing fills is refused.
func (m *measure) stretch(v visit, l flow.Line, words *locale.Words) flow.Line {
	if l.Key == "" {
		return l
	}
	f := m.book.Flows[v.flow]
	args := map[string]string{}
	about := shortOf(f, l.Keys["what"])
	for _, name := range m.words.Placeholders(l.Key) {
		value, filled := l.Args[name]
		if key, ok := l.Keys[name]; ok {
			value, filled = words.Text(key, nil), true
		}
		if !filled {
			m.problem(v, false, "the words %q want {{.%s}}, which may not be known there", l.Key, name)
		}
		args[name] = m.longest(f, name, value, words)
		if about == nil {
			continue
		}
		switch name {
		case "value", "n":
			args[name] = m.longest(f, about.Save, value, words)
		case "value5", "n5": // counted in fives
			args[name] = flow.Spaced(strconv.FormatInt(*about.Max/5, 10))
		}
	}
	return flow.Line{Key: l.Key, Args: args}
}

// shortOf is the state of a flow whose answer is called so when it is said again, or nil.
func shortOf(f *flow.Flow, key string) *flow.State {
	for _, s := range f.States {
		if key != "" && s.Short == key {
			return s
		}
	}
	return nil
}

// longest is the longest value of a variable: of the state that saves it, or of
// what it is known to be.
func (m *measure) longest(f *flow.Flow, name, value string, words *locale.Words) string {
	candidates := []string{value}
	if name == "status" {
		for _, s := range programme.Statuses {
			candidates = append(candidates, words.Text("status."+string(s), nil))
		}
	}
	for _, s := range f.States {
		if s.Save != name {
			continue
		}
		switch s.Kind {
		case flow.KindProject, flow.KindGroup:
			candidates = append(candidates, strings.Repeat("n", LongestName))
		case flow.KindNumber, flow.KindMoney:
			candidates = append(candidates, flow.Spaced(strconv.FormatInt(*s.Max, 10)))
		case flow.KindPlace:
			candidates = append(candidates, m.world.listed.Names()...)
		case flow.KindMonth:
			for i := range 12 {
				candidates = append(candidates, words.Text(fmt.Sprintf("month.%d", i+1), nil))
			}
		}
		for _, o := range s.Options {
			candidates = append(candidates, words.Text(o.Say, nil))
		}
	}
	return slices.MaxFunc(candidates, func(a, b string) int { return size(words.Fold(a)) - size(words.Fold(b)) })
}

func size(text string) int {
	_, units, _ := gsm.Measure(text)
	return units
}
