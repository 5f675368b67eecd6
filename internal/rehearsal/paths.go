package rehearsal

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"lafia/internal/flow"
)

// Paths are the conversations that walk a flow whole: every sequence of states
// that leads to an end, every option of every screen at least once, and what a
// caller does besides: a wrong key once and twice, the offer of a call-back, a
// number that is far from the usual, back, each page, the menu.
//
// They are few because they share. The options of a screen that lead to the same
// state are taken in turn, one on each path; a list of data (places, projects) is
// taken at its ends; a detour is walked on a path once for each state, and not
// for each way that leads there. Corrections and lists do not multiply the
// sequences: each of their screens and options is in one path.

// walked is one conversation before it is said in a language.
type walked struct {
	title  string
	scene  Scene
	inputs []string
}

// turnPages is an input that turns every page of the screen, however many it has
// in a language: round to the first, or to the last where it ends.
const turnPages = "\x00pages"

// Bounds of what is generated of one flow by one medium, so that a flow file
// cannot make it endless: no flow of ours comes near them.
const (
	maxSequences = 64
	maxPaths     = 400
	maxInputs    = 40
	maxNodes     = 2000
)

// scenesOf are the scenes in which a flow's screens differ, the plainest first.
func scenesOf(b *flow.Book, name string) []Scene {
	uses := usesOf(b, name, map[string]bool{})
	out := []Scene{newScene()}
	add := func(when bool, change func(*Scene)) {
		if when {
			s := newScene()
			change(&s)
			out = append(out, s)
		}
	}
	leads := uses["group"]
	for _, activity := range []string{"butter", "capital", "youth", "bridge"} {
		add(leads, func(s *Scene) { s.Leader = activity })
	}
	add(leads, func(s *Scene) { s.Leader, s.Today = "two", firstDay().AddDate(0, 0, 19) })
	add(leads && uses["pending"], func(s *Scene) { s.Leader, s.Waiting = "butter", true })
	add(leads && uses["pin"], func(s *Scene) { s.Leader, s.Locked = "butter", true })
	for _, activity := range []string{"butter", "capital", "youth", "bridge"} {
		add(leads && uses["reported"], func(s *Scene) { s.Leader, s.Reported = activity, "yes" })
	}
	add(leads && uses["reported"], func(s *Scene) { s.Leader, s.Reported = "butter", "old" })
	add(uses["reference"], func(s *Scene) { s.Answer = true })
	add(uses["once"], func(s *Scene) { s.Consents["answer"] = yesOrNo(true) })
	add(uses["callback"], func(s *Scene) { s.Callback = false })
	add(uses["resume"], func(s *Scene) { s.Caller = "new" })
	add(uses["resume"], func(s *Scene) { s.Caller = "back" })
	return out
}

// usesOf tells what a flow, and those that it calls, ask of the world.
func usesOf(b *flow.Book, name string, out map[string]bool) map[string]bool {
	f := b.Flows[name]
	if f == nil {
		return out
	}
	for _, s := range f.States {
		out[string(s.Kind)] = true
		out["once"] = out["once"] || s.Once
		out["reported"] = out["reported"] || s.Load == flow.NeedReported
		for _, o := range s.Options {
			out[o.If] = true
		}
		if s.Kind == flow.KindCall && s.Flow != name {
			usesOf(b, s.Flow, out)
		}
	}
	return out
}

// explorer walks one flow by one medium.
type explorer struct {
	player player
	flow   string
	medium string
	decide []string // the answers by which a branch goes

	taken  map[string]bool // what was done at which state, in any scene
	erred  map[string]bool // states at which a wrong key was tried
	offers int             // call-backs that were offered
	locked bool            // in the scene that is walked no PIN is taken
	paths  []walked
}

// spot is where a caller stands as it is explored.
type spot struct {
	cursor flow.Cursor
	held   held
}

func spotOf(kept []byte, got shown, err error) (spot, error) {
	if err != nil {
		return spot{}, err
	}
	h, err := readHeld(kept)
	return spot{cursor: got.at, held: h}, err
}

// doing is one thing that she may do at a spot.
type doing struct {
	name  string // the same whatever she said before
	input string
}

func pathsOf(p player, name, medium string) ([]walked, error) {
	e := &explorer{player: p, flow: name, medium: medium, taken: map[string]bool{}, erred: map[string]bool{}}
	for _, s := range p.book.Flows[name].States {
		for _, c := range s.Cases {
			if c.Answer != "" && !slices.Contains(e.decide, c.Answer) {
				e.decide = append(e.decide, c.Answer)
			}
		}
	}
	slices.Sort(e.decide)
	for _, scene := range scenesOf(p.book, name) {
		e.locked = scene.Locked
		g, err := e.explore(scene)
		if err != nil {
			return nil, err
		}
		if err := e.sequences(scene, g); err != nil {
			return nil, err
		}
		if err := e.rest(scene, g); err != nil {
			return nil, err
		}
		if err := e.detours(scene, g); err != nil {
			return nil, err
		}
	}
	return e.paths, nil
}

func (e *explorer) part(s Scene) part {
	return part{flow: e.flow, language: "fr", medium: e.medium, scene: s}
}

// first is where the flow begins.
func (e *explorer) first(s Scene) (spot, error) {
	kept, got, err := e.player.begin(e.part(s))
	return spotOf(kept, got, err)
}

func (e *explorer) next(s Scene, at spot, input string) (spot, error) {
	kept, _, err := keep(at.held, shown{})
	if err != nil {
		return spot{}, err
	}
	kept, got, err := e.player.hop(e.part(s), kept, input)
	return spotOf(kept, got, err)
}

// id names a spot by what decides where the next answer leads.
func (e *explorer) id(at spot) string {
	c := at.cursor
	list := ""
	switch {
	case c.Within != "":
		list = "within"
	case len(c.Found) > 0:
		list = "found"
	}
	id := []any{c.Flow, c.Sub, c.State, c.Level, list, c.Doubt != "", c.After != "", c.Offer}
	for _, name := range e.decide {
		id = append(id, e.decides(name, c.Answers[name]))
	}
	return fmt.Sprint(id...) + at.held.Language
}

// decides gives a value only when a branch goes by it.
func (e *explorer) decides(answer, value string) string {
	for _, s := range e.player.book.Flows[e.flow].States {
		for _, c := range s.Cases {
			if c.Answer == answer && slices.Contains(c.Is, value) {
				return value
			}
		}
	}
	return ""
}

// place names the screen of a spot, whatever the scene and what was said before.
func place(at spot) string {
	c := at.cursor
	return fmt.Sprint(c.Flow, "/", c.Sub, "/", c.State, c.Doubt != "", c.Within != "", len(c.Found) > 0, c.After != "", c.Offer, c.Flow == flow.Main && at.held.Language == "")
}

// over reports whether a conversation of this flow is over.
func (e *explorer) over(at spot) bool {
	return at.held.Shown.Input == flow.InputNone || at.cursor.Flow != e.flow
}

// aside reports whether a spot is beside the way: what is there is walked once,
// and does not multiply the sequences.
func aside(at spot) bool {
	c := at.cursor
	return c.Doubt != "" || c.Within != "" || len(c.Found) > 0 || c.After != "" || c.Offer
}

// all is how many items of a list of data are each taken.
const all = 4

// doings lists what she may do that the screen asks for.
func (e *explorer) doings(at spot) []doing {
	s := e.player.book.State(at.cursor)
	var out []doing
	options := at.held.Shown.Options
	data := s != nil && len(s.Options) == 0 && at.cursor.Doubt == "" && !at.cursor.Offer
	for i, o := range options {
		if data && len(options) > all && i > 0 && i < len(options)-1 {
			continue
		}
		name := "option " + o.Value
		if data {
			name = "item " + strconv.Itoa(i)
		}
		out = append(out, doing{name, o.Key})
	}
	if s == nil || at.held.Shown.Input == flow.InputChoice {
		return e.few(at, out)
	}
	add := func(name, input string) { out = append(out, doing{name, input}) }
	switch s.Kind {
	case flow.KindProject:
		if len(at.cursor.Found) == 0 {
			add("code", projects[0].Dial)
			add("place", "Tombouctou")
		}
	case flow.KindPlace:
		if at.cursor.Within == "" && len(at.cursor.Found) == 0 {
			out = slices.Insert(out, 0, doing{"name", "Lafia"})
			add("other name", "Tombouctou")
		}
	case flow.KindNumber, flow.KindMoney:
		lo, hi := *s.Min, *s.Max
		least, most := lo, hi
		if s.WarnMin != nil {
			lo = max(lo, *s.WarnMin)
		}
		if s.WarnMax != nil {
			hi = min(hi, *s.WarnMax)
		}
		if n, err := strconv.ParseInt(at.cursor.Answers[s.MaxOf], 10, 64); err == nil && s.MaxOf != "" {
			hi, most = min(hi, n), min(most, n)
		}
		add("usual", strconv.FormatInt((lo+hi)/2, 10))
		add("least", strconv.FormatInt(least, 10))
		add("most", strconv.FormatInt(most, 10))
	case flow.KindPIN:
		for _, l := range leads {
			if at.cursor.Answers["group"] == "G-"+l.group {
				add("pin "+yesOrNo(!e.locked), l.pin)
			}
		}
	case flow.KindText:
		add("words", "quelques mots")
		if s.Skip != "" {
			add("skip", s.Skip)
		}
	case flow.KindReference:
		add("reference", string(Given))
	}
	return e.few(at, out)
}

// few leaves one answer where one thing is corrected: its others were taken where
// it was asked first.
func (e *explorer) few(at spot, of []doing) []doing {
	if at.cursor.After != "" && at.cursor.Doubt == "" && len(of) > 1 {
		return of[:1]
	}
	return of
}

// graph is where each doing leads, as far as one walk knows.
type graph struct {
	start string
	spots map[string]spot
	ways  map[string][]way
}

type way struct {
	doing
	to   string
	over bool
}

func (e *explorer) explore(s Scene) (graph, error) {
	g := graph{spots: map[string]spot{}, ways: map[string][]way{}}
	at, err := e.first(s)
	if err != nil {
		return g, err
	}
	g.start = e.id(at)
	g.spots[g.start] = at
	queue := []string{g.start}
	for len(queue) > 0 && len(g.spots) < maxNodes {
		id := queue[0]
		queue = queue[1:]
		at := g.spots[id]
		if e.over(at) {
			continue
		}
		for _, d := range e.doings(at) {
			to, err := e.next(s, at, d.input)
			if err != nil {
				return g, err
			}
			if to.cursor.Misses > 0 {
				continue // it does not fit here: an SMS lists no place, say
			}
			toID := e.id(to)
			g.ways[id] = append(g.ways[id], way{d, toID, e.over(to)})
			if _, known := g.spots[toID]; !known {
				g.spots[toID] = to
				queue = append(queue, toID)
			}
		}
	}
	return g, nil
}

// sequences walks every sequence of states from the start to an end that goes
// through no state twice and makes no detour.
func (e *explorer) sequences(s Scene, g graph) error {
	found := [][]string{}
	been := map[string]bool{}
	var walk func(id string, so []string)
	walk = func(id string, so []string) {
		if len(found) >= maxSequences {
			return
		}
		so = append(slices.Clone(so), id)
		if e.over(g.spots[id]) {
			found = append(found, so)
			return
		}
		been[place(g.spots[id])] = true
		seen := map[string]bool{}
		for _, w := range g.ways[id] {
			if to := g.spots[w.to]; !seen[w.to] && !been[place(to)] && !aside(to) {
				seen[w.to] = true
				walk(w.to, so)
			}
		}
		been[place(g.spots[id])] = false
	}
	walk(g.start, nil)
	for _, so := range found {
		if err := e.walk(s, g, so); err != nil {
			return err
		}
	}
	return nil
}

// route is a walk under way.
type route struct {
	e      *explorer
	scene  Scene
	at     spot
	inputs []string
	states []string // those that were come to
	fresh  bool     // it did something that none did before
}

func (e *explorer) setOut(s Scene) (*route, error) {
	at, err := e.first(s)
	return &route{e: e, scene: s, at: at, states: []string{at.cursor.State}}, err
}

func (r *route) do(input string) error {
	r.inputs = append(r.inputs, input)
	if input == turnPages {
		return nil
	}
	to, err := r.e.next(r.scene, r.at, input)
	if err != nil {
		return err
	}
	if to.cursor.State != r.at.cursor.State {
		r.states = append(r.states, to.cursor.State)
	}
	r.at = to
	return nil
}

// take does one thing, and marks it as done.
func (r *route) take(d doing) error {
	k := key(r.at, d.name)
	r.fresh, r.e.taken[k] = r.fresh || !r.e.taken[k], true
	return r.do(d.input)
}

func (r *route) on() bool { return !r.e.over(r.at) && len(r.inputs) < maxInputs }

// maxTitle is how long the states of a path are told; more is hard to read.
const maxTitle = 90

// end keeps a route as a path, unless another did all that it does.
func (r *route) end(what string) {
	if !r.fresh {
		return
	}
	r.inputs = append(r.inputs, turnPages)
	title := strings.Join(r.states, " ")
	if len(title) > maxTitle {
		title = title[:strings.LastIndexByte(title[:maxTitle], ' ')] + " …"
	}
	r.e.paths = append(r.e.paths, walked{title: fmt.Sprintf("%s %d, %s", what, len(r.e.paths)+1, title), scene: r.scene, inputs: r.inputs})
}

// key names what is done at a screen.
func key(at spot, name string) string { return place(at) + "|" + name }

// walk goes a sequence, taking at each screen an option that none took yet. A
// sequence of states that was walked in another scene is not walked again when
// nothing on it is new.
func (e *explorer) walk(s Scene, g graph, so []string) error {
	r, err := e.setOut(s)
	if err != nil {
		return err
	}
	var states []string
	for _, id := range so {
		states = append(states, place(g.spots[id]))
	}
	k := strings.Join(states, ">")
	r.fresh, e.taken[k] = !e.taken[k], true
	for i := 0; i+1 < len(so) && r.on(); i++ {
		d := e.choice(r.at, g.ways[so[i]], so[i+1])
		if d == nil {
			break
		}
		if err := r.take(*d); err != nil {
			return err
		}
	}
	r.end("path")
	return nil
}

// choice gives one of the ways to a spot: the first that none took yet, else the
// first.
func (e *explorer) choice(at spot, ways []way, to string) *doing {
	var out *doing
	for _, w := range ways {
		if w.to != to {
			continue
		}
		d := e.live(at, w.name)
		if d != nil && (out == nil || !e.taken[key(at, d.name)]) {
			out = d
		}
		if out != nil && !e.taken[key(at, out.name)] {
			break
		}
	}
	return out
}

// live gives a doing as it is done with what was said on this way.
func (e *explorer) live(at spot, name string) *doing {
	for _, d := range e.doings(at) {
		if d.name == name {
			return &d
		}
	}
	return nil
}

// rest walks what no sequence took: options that are left, numbers far from the
// usual, lists, corrections.
func (e *explorer) rest(s Scene, g graph) error {
	for len(e.paths) < maxPaths {
		r, err := e.setOut(s)
		if err != nil {
			return err
		}
		for r.on() {
			d := e.towards(g, r.at, func(at spot, w way) bool { return !e.taken[key(at, w.name)] })
			if d == nil {
				break
			}
			if err := r.take(*d); err != nil {
				return err
			}
		}
		if !r.fresh {
			return nil
		}
		r.end("path")
	}
	return nil
}

// towards gives what leads from here to the nearest way that is wanted, or else
// to an end.
func (e *explorer) towards(g graph, at spot, wanted func(at spot, w way) bool) *doing {
	type step struct {
		id    string
		first *doing
	}
	var end *doing
	from := e.id(at)
	seen := map[string]bool{from: true}
	queue := []step{{id: from}}
	for len(queue) > 0 {
		now := queue[0]
		queue = queue[1:]
		for _, w := range g.ways[now.id] {
			first := now.first
			if first == nil {
				first = e.live(at, w.name)
			}
			switch {
			case first == nil:
				continue
			case wanted(g.spots[now.id], w):
				return first
			case w.over && end == nil:
				end = first
			}
			if !seen[w.to] {
				seen[w.to] = true
				queue = append(queue, step{w.to, first})
			}
		}
	}
	return end
}

// detours walks to each screen at which no detour was made yet, and at last to
// the menu.
func (e *explorer) detours(s Scene, g graph) error {
	for len(e.paths) < maxPaths {
		r, err := e.setOut(s)
		if err != nil {
			return err
		}
		left := true
		for r.on() && left {
			if k := place(r.at); !e.erred[k] {
				e.erred[k], r.fresh = true, true
				if err := e.detour(r); err != nil {
					return err
				}
			}
			left = false
			d := e.towards(g, r.at, func(_ spot, w way) bool {
				wanted := !w.over && !e.erred[place(g.spots[w.to])]
				left = left || wanted
				return wanted
			})
			if d == nil || !left {
				break
			}
			if err := r.do(d.input); err != nil {
				return err
			}
		}
		if !r.fresh {
			return nil
		}
		if _, menu := keysFor(r.at); r.at.held.Shown.Menu && !e.over(r.at) {
			if err := r.do(menu); err != nil {
				return err
			}
		}
		r.end("slips")
	}
	return nil
}

// detour does at one screen what does not lead on: it turns each page, errs twice
// (and here and there a third time), goes back and comes again.
func (e *explorer) detour(r *route) error {
	if err := r.do(turnPages); err != nil {
		return err
	}
	if err := e.err(r); err != nil {
		return err
	}
	here := e.id(r.at)
	back, _ := keysFor(r.at)
	if !r.at.held.Shown.Back || len(r.at.cursor.Path) == 0 && !aside(r.at) {
		return nil // back is the menu
	}
	if err := r.do(back); err != nil {
		return err
	}
	for _, d := range e.doings(r.at) {
		to, err := e.next(r.scene, r.at, d.input)
		if err != nil {
			return err
		}
		if e.id(to) == here {
			return r.do(d.input)
		}
	}
	return nil
}

// err types twice what does not fit. In each flow she errs twice a third time, is
// offered to be called back, and once does not want it and once does.
func (e *explorer) err(r *route) error {
	for range 2 {
		wrong, ok, err := e.wrong(r)
		if err != nil || !ok {
			return err
		}
		if err := r.do(wrong); err != nil {
			return err
		}
	}
	if e.offers == 2 {
		return nil
	}
	wrong, ok, err := e.wrong(r)
	if err != nil || !ok {
		return err
	}
	if third, err := e.next(r.scene, r.at, wrong); err != nil || !third.cursor.Offer {
		return err
	}
	e.offers++
	if err := r.do(wrong); err != nil {
		return err
	}
	return r.do(strconv.Itoa(3 - e.offers))
}

// wrong finds an input that does not fit the screen.
func (e *explorer) wrong(r *route) (string, bool, error) {
	for _, input := range []string{"77", "x", "zzzz", ""} {
		to, err := e.next(r.scene, r.at, input)
		if err != nil {
			return "", false, err
		}
		if to.cursor.Misses > r.at.cursor.Misses {
			return input, true, nil
		}
	}
	return "", false, nil
}

// keysFor are the keys for back and menu on a screen.
func keysFor(at spot) (back, menu string) {
	if at.held.Shown.Input == flow.InputNumber {
		return "00", "000"
	}
	return "0", "00"
}
