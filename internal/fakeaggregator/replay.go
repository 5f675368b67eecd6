package fakeaggregator

import (
	"errors"
	"maps"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"time"

	"lafia/internal/flow"
	"lafia/internal/screen"
)

// mostPlaces bounds where a caller may stand: more than that is no knowledge.
const mostPlaces = 32

// replay walks a caller's inputs through the flows by itself, and knows at each
// screen where she may stand. There is one place as a rule; where an answer was
// lost, or the sessions were, there may be several, and the next screen tells
// which.
type replay struct {
	world  *World
	medium string
	single bool // each request holds one input, and no number: a key pressed twice may be a repeat
	phone  *phone
	states []state
	before []state  // since the last dial that was answered, as they were: what a lost session may go back to
	older  []draft  // from before that dial, where it was behind a loss: what the record may still hold
	phones []phone  // as they were before: what the record has of her may be older than what she knows
	typed  []string // in this session, behind the code and since
	runs   int      // entered so far

	finished map[int]bool // runs that she was told have arrived

	step    pending // what was sent, and not answered yet
	begins  bool
	replied time.Time // when the screen before came
}

// state is one place where she may stand.
type state struct {
	language string
	cursor   flow.Cursor
	shown    screen.Shown
	run      int      // counts the runs that she entered; one that is taken up again is the same
	drafts   []draft  // what may be taken up again
	ahead    []string // dialled, and waiting for her language
	ended    *flow.Submission
	hinted   bool              // what she keyed in last was not understood
	commits  bool              // the step made something durable
	binds    bool              // and more than a yes or no that she can take back
	typed    string            // keyed in last in this session, where that matters
	asked    bool              // what it would have made durable was asked once more
	left     []draft           // with this step: not to be taken up again
	call     map[string]string // with this step: the answers of her wish to be called back
	late     []state           // where a hop of the session before leads, should it still come
	received bool              // and it finished what she is asked whether to go on with
	phone    phone             // as it is behind this step
}

type draft struct {
	cursor   flow.Cursor
	run      int
	language string // of what is kept of it
}

func (d draft) same(o draft) bool {
	return d.run == o.run && sameScreen(d.cursor, o.cursor)
}

// sameScreen leaves out by which screens she came: what differs shows in the next one, but
// for where she was when she was asked for her secret code once more, or to correct one
// answer.
func sameScreen(a, b flow.Cursor) bool {
	return a.Flow == b.Flow && a.State == b.State && a.Then == b.Then && a.After == b.After && maps.Equal(a.Answers, b.Answers)
}

func (d draft) equal(o draft) bool { return reflect.DeepEqual(d, o) }

type pending struct {
	tail  []string // of a dial
	input string
	pin   string
	at    time.Time
}

func newReplay(w *World, medium, wire string, leads []Leader) *replay {
	return &replay{world: w, medium: medium, single: medium == "ussd" && singleInputs(wire), finished: map[int]bool{}, phone: &phone{leads: leads, wished: map[string]bool{}, reported: map[string]bool{}, confirmed: map[string]bool{}}}
}

// dial begins a session: tail is what came behind the code. A tail that goes on
// where the inputs of a moment ago ended is the same session under another id.
func (r *replay) dial(tail []string, at time.Time) {
	n := len(r.typed)
	changed := !r.single && n > 0 && len(tail) > n && slices.Equal(tail[:n], r.typed) && !slices.ContainsFunc(r.states, func(s state) bool {
		return s.ended != nil || s.shown.Ends() || r.world.book.LevelOf(s.cursor) == "L3" ||
			s.shown.Resolve(tail[n]).Kind == screen.Wrong
	})
	r.forgetLeft()
	r.typed = slices.Clone(tail)
	if changed {
		tail = tail[n:]
	}
	r.begins, r.step = !changed, pending{tail: tail, at: at}
}

// input is what she keyed in; pin tells of a PIN whether it is "right".
func (r *replay) input(typed, pin string, at time.Time) {
	r.forgetLeft()
	r.typed = append(r.typed, typed)
	r.begins, r.step = false, pending{input: typed, pin: pin, at: at}
}

// forgetLeft ends what was true of the step before alone.
func (r *replay) forgetLeft() {
	for i := range r.states {
		r.states[i].left, r.states[i].call = nil, nil
	}
}

// hear takes the screen that answers, and reports whether it is one that she can
// be shown. lost says that sessions may have been lost since her last screen.
func (r *replay) hear(text string, end, lost bool) bool {
	ref := referenceForm.FindString(text)
	var tries []func() []state
	if lost && r.begins { // what may be taken up again may be older than what she saw last
		tries = append(tries, func() []state { return r.next(doubt{}, true) })
	}
	tries = append(tries, func() []state { return r.next(doubt{}, false) })
	for _, d := range doubts {
		tries = append(tries, func() []state { return r.next(d, false) })
	}
	if lost {
		for _, d := range slices.Concat([]doubt{{}}, doubts) {
			tries = append(tries, func() []state { return r.next(d, true) }, func() []state { return r.afterLoss(d) })
		}
	}
	for _, try := range tries {
		var fit []state
		for _, s := range try() {
			if s.text(r, ref) == text && (s.shown.Ends() == end || r.medium == "sms") && !slices.ContainsFunc(fit, s.same) {
				fit = append(fit, s)
			}
		}
		if len(fit) > 0 {
			if r.begins {
				r.older = r.olderThan(lost)
				r.before = nil
			}
			r.followed(fit)
			return true
		}
	}
	return false
}

// olderThan gives what may be taken up behind a dial that was just answered, though its
// screen did not offer it: behind a loss a gateway may have died with what is newer than
// the record's draft.
func (r *replay) olderThan(lost bool) []draft {
	if !lost {
		return nil
	}
	out := r.older
	for _, s := range r.before {
		d := draft{s.cursor, s.run, s.language}
		if s.ended == nil && s.cursor.InFlow() && r.world.book.LevelOf(s.cursor) == "L1" && !slices.ContainsFunc(out, d.equal) {
			out = append(out, d)
		}
	}
	return out[max(0, len(out)-mostPlaces):]
}

// unheard is for a request whose answer never came: she may stand before it or
// behind it.
func (r *replay) unheard() {
	var to []state
	before, after := slices.Clone(r.states), r.everyNext()
	if !r.begins {
		for i := range before {
			before[i].late = lateOf(before[i].late, after)
		}
	}
	for _, s := range slices.Concat(before, after) {
		if len(to) < mostPlaces && !slices.ContainsFunc(to, s.equal) {
			to = append(to, s)
		}
	}
	r.followed(to)
}

// everyNext gives every place that the pending step can lead to, whatever the checker
// may be wrong about: no screen tells.
func (r *replay) everyNext() []state {
	from := r.runs
	out := r.next(doubt{}, false)
	most := r.runs
	for _, d := range doubts {
		r.runs = from // a run that she enters is one, whatever is in doubt
		for _, s := range r.next(d, false) {
			if !slices.ContainsFunc(out, s.equal) {
				out = append(out, s)
			}
		}
		most = max(most, r.runs)
	}
	r.runs = most
	return out
}

// lateOf gives each place once that a late hop may lead to.
func lateOf(lists ...[]state) (out []state) {
	for _, s := range slices.Concat(lists...) {
		if s.late = nil; len(out) < mostPlaces && !slices.ContainsFunc(out, s.equal) {
			out = append(out, s)
		}
	}
	return out
}

// arrived gives a place as it is once a hop of the session before has come: one
// that was under way when she dialled again is taken until she takes a step.
func (r *replay) arrived(s state) []state {
	var out []state
	for _, l := range s.late {
		now := s
		now.late, now.phone, now.drafts = nil, l.phone, nil
		switch {
		case l.ended != nil || l.shown.Ends():
			now.received = l.ended != nil && l.ended.Level == "L1"
		case l.cursor.InFlow() && r.world.book.LevelOf(l.cursor) == "L1":
			now.drafts = []draft{{l.cursor, l.run, l.language}}
		}
		out = append(out, now)
	}
	return out
}

// unsent is for a request that reached nobody: she stands where she stood.
func (r *replay) unsent() { r.begins, r.step = false, pending{} }

// mostBefore bounds how many places of before are kept, mostPhones how many of the
// phones of before.
const (
	mostBefore = 128
	mostPhones = 6
)

// knew keeps a phone as the record may have it.
func (r *replay) knew(p phone) {
	if slices.ContainsFunc(r.phones, p.same) {
		return
	}
	r.phones = append(r.phones, p)
	r.phones = r.phones[max(0, len(r.phones)-mostPhones):]
}

func (r *replay) followed(to []state) {
	for _, v := range r.states { // several are those that she may have stood at before, most of them
		if len(r.states) == 1 || !slices.ContainsFunc(r.before, v.equal) {
			r.before = append(r.before, v)
		}
	}
	r.before = r.before[max(0, len(r.before)-mostBefore):]
	r.states = to[:min(len(to), mostPlaces)]
	if len(r.states) == 1 && r.states[0].ended != nil {
		r.finished[r.states[0].run] = true
	}
	if len(r.states) > 0 {
		p := r.states[0].phone
		if !p.same(*r.phone) {
			r.knew(*r.phone)
		}
		r.phone = &p
	}
}

// here gives where she stands, when that is certain enough to go on.
func (r *replay) here() (state, bool) {
	if len(r.states) == 0 {
		return state{}, false
	}
	return r.states[0], true
}

func (s state) same(o state) bool {
	return s.language == o.language && s.run == o.run && sameScreen(s.cursor, o.cursor) && s.shown.Page == o.shown.Page && s.phone.same(o.phone) &&
		s.typed == o.typed && s.asked == o.asked && slices.EqualFunc(s.left, o.left, draft.same) &&
		s.received == o.received && slices.EqualFunc(s.drafts, o.drafts, draft.same)
}

// equal leaves out nothing: where a place in a list differs, say.
func (s state) equal(o state) bool { return reflect.DeepEqual(s, o) }

// same leaves out what a screen shows at once when it differs.
func (p phone) same(o phone) bool {
	return p.language == o.language && p.answer == o.answer && p.lastPlace == o.lastPlace && maps.Equal(p.confirmed, o.confirmed)
}

var referenceForm = regexp.MustCompile(`\b\d{4}-\d{4}\b`)

// hole stands where a reference will: as long as one.
const hole = "0000-0000"

func (s state) text(_ *replay, ref string) string {
	if ref == "" {
		return s.shown.Text()
	}
	return strings.ReplaceAll(s.shown.Text(), hole, ref)
}

// next gives every place that the pending step can lead to.
func (r *replay) next(d doubt, lost bool) []state {
	if r.begins {
		return r.begun(d, lost)
	}
	var out []state
	if len(r.step.tail) > 0 { // under another id
		for _, s := range r.states {
			out = append(out, r.dialledTaken(s, r.step.tail, d)...)
		}
		return out
	}
	from := slices.Clone(r.states)
	for _, s := range r.states {
		for _, a := range r.arrived(s) {
			if len(from) < 4*mostPlaces && !slices.ContainsFunc(from, a.equal) {
				from = append(from, a)
			}
		}
	}
	for _, s := range from {
		s.late = nil
		to := r.taken(s, r.step.input, r.step.pin, d)
		if may, must := r.mayRepeat(s); may && slices.ContainsFunc(to, func(s state) bool { return s.binds }) {
			out = append(out, r.onceMore(s, d)...)
			if must {
				continue
			}
		}
		for _, s := range to {
			s.asked = false
			if r.single {
				s.typed = r.step.input
			}
			out = append(out, s)
		}
	}
	return out
}

const (
	// repeatsWithin is how late an aggregator's repeat comes at the most
	// (aggregators.md 1.3): an input like the one before is none any more then.
	repeatsWithin = 15 * time.Second
	// repeatsSurely leaves out the time that two requests took, which the gateway's
	// clock does not count as the caller's does.
	repeatsSurely = repeatsWithin - 2*time.Second
)

// mayRepeat reports whether the pending input may be taken for the repeat of the
// one before, and whether it must.
func (r *replay) mayRepeat(s state) (may, must bool) {
	if !r.single || r.begins || s.asked || r.step.input != s.typed {
		return false, false
	}
	gap := r.step.at.Sub(r.replied)
	return gap < repeatsWithin, gap < repeatsSurely
}

// onceMore shows again what is asked: an input that may be a repeat makes nothing
// durable, once.
func (r *replay) onceMore(s state, d doubt) []state {
	out := r.act(s, flow.Action{Act: flow.Show}, "", d, "")
	for i := range out {
		out[i].asked = true
	}
	return out
}

// begun gives the screens that a dial can get.
func (r *replay) begun(d doubt, lost bool) []state {
	var drafts, left []draft
	from := r.states
	if lost {
		from = slices.Concat(r.states, r.before)
	}
	var late []state
	for _, s := range r.states {
		late = lateOf(late, s.late)
	}
	from = slices.Concat(from, late)
	open := func(d draft) {
		if !slices.ContainsFunc(drafts, d.equal) {
			drafts = append(drafts, d)
		}
	}
	for _, s := range from {
		for _, d := range s.drafts {
			open(d)
		}
		switch {
		case s.ended != nil || !s.cursor.InFlow():
		case r.world.book.LevelOf(s.cursor) == "L1":
			open(draft{s.cursor, s.run, s.language})
		default: // never offered again
			left = append(left, draft{s.cursor, s.run, s.language})
			if place := s.cursor.Answers["place"]; place != "" { // what is kept of it names it
				p := s.phone
				p.lastPlace = place
				r.knew(p)
			}
		}
	}
	if lost {
		for _, d := range r.older {
			open(d)
		}
	}
	if r.medium == "sms" && !lost {
		drafts = nil // by SMS it begins with MENU, which leaves what was begun
	}
	hints := []string{"", "hint.received"}
	if lost {
		hints = append(hints, "hint.lost")
	}
	var out []state
	add := func(p phone, resume []draft, hint string) {
		s := state{language: p.language, phone: p, drafts: resume, left: left, late: late}
		for _, s := range r.act(s, flow.Action{Act: flow.Begin}, "", d, hint) {
			out = append(out, r.tailTaken(s, r.step.tail, d)...)
		}
	}
	// What holds for her phone may hang on where she stood.
	phones := []phone{*r.phone}
	for _, s := range from {
		phones = append(phones, s.phone)
	}
	if lost {
		forgotten := *r.phone
		forgotten.language = ""
		phones = append(append(phones, forgotten), r.phones...)
	}
	for i, p := range phones {
		if slices.ContainsFunc(phones[:i], p.same) {
			continue
		}
		for _, hint := range hints {
			if len(drafts) > 0 {
				add(p, drafts, hint)
			}
			add(p, nil, hint)
		}
	}
	return out
}

// tailTaken takes what was dialled behind the code: from the menu, and never to
// a commit or into the confidential flow.
func (r *replay) tailTaken(s state, tail []string, d doubt) []state {
	switch {
	case len(tail) == 0:
		return []state{s}
	case s.cursor.State == "language":
		s.ahead = tail
		return []state{s}
	case s.cursor.State != "menu":
		return []state{s}
	}
	return r.dialledTaken(s, tail, d)
}

// dialledTaken takes inputs that may have been dialled behind the code: they commit
// nothing, and lead nowhere confidential.
func (r *replay) dialledTaken(s state, tail []string, d doubt) []state {
	var done []state
	list := []state{s}
	for _, input := range tail {
		var out []state
		for _, s := range list {
			for _, to := range r.taken(s, input, "", d) {
				f := r.world.book.Flows[to.cursor.Flow]
				switch {
				case to.commits || f != nil && f.Level == "L3":
					done = append(done, s)
				case to.hinted: // what she meant isn't known from here on
					done = append(done, to)
				default:
					out = append(out, to)
				}
			}
		}
		list = out
	}
	return append(done, list...)
}

// maxTaken bounds how many of the latest keys a session is taken on by behind a loss.
const maxTaken = 3

// afterLoss gives what a session that was lost may be answered with: where she
// was at some moment before, with an apology.
func (r *replay) afterLoss(d doubt) []state {
	var out []state
	from := slices.Concat(r.states, r.before)
	for _, s := range r.states { // the place that the record knows of may be an older one
		for _, p := range r.phones {
			if p.lastPlace != s.phone.lastPlace {
				s.phone.lastPlace = p.lastPlace
				from = append(from, s)
			}
		}
	}
	for _, s := range from {
		for _, hint := range []string{"hint.lost", ""} {
			out = append(out, r.act(s, flow.Action{Act: flow.Show}, "", d, hint)...)
		}
		// Or she is taken on from there, by a text that holds all she keyed in; as far as
		// the first key that is none there.
		for _, typed := range r.typed[max(0, len(r.typed)-maxTaken):] {
			for _, to := range r.taken(s, typed, "", d) {
				if to.hinted {
					out = append(out, to)
				}
			}
		}
		for _, to := range r.taken(s, r.step.input, r.step.pin, d) {
			out = append(out, to)
			if to.ended == nil {
				if to.commits { // what she said holds, and where she stood is shown anew
					as := s
					as.phone = to.phone
					out = append(out, r.act(as, flow.Action{Act: flow.Show}, "", d, "hint.lost")...)
				}
				continue
			}
			// All that is known by then is that it was committed, and perhaps her language.
			for _, language := range []string{to.language, ""} {
				as := to
				as.language = language
				as = r.lay(as, flow.Screen{Say: []flow.Line{{Key: r.thanks(to)}}}, "")
				as.language = to.language
				out = append(out, as)
			}
		}
	}
	begun := *r
	begun.begins, begun.step.tail = true, nil
	return append(out, begun.begun(d, true)...)
}

// thanks is the last screen of a run whose flow is no longer known.
func (r *replay) thanks(s state) string {
	switch {
	case r.medium == "sms":
		return "sms.ack"
	case s.ended.Level == "L3":
		return "confidential.done"
	}
	return "done.thanks"
}

// taken gives where an input leads from one place.
func (r *replay) taken(s state, typed, pin string, d doubt) []state {
	if def := r.world.book.State(s.cursor); def != nil && (def.Kind == flow.KindEnd || def.Kind == flow.KindSubmit) {
		if m := s.shown.Resolve(typed); m.Kind == screen.Page { // a last screen only turns its pages
			s.shown = m.Shown
		}
		return []state{s}
	}
	a := flow.Action{Act: flow.Wrong}
	if s.shown.Input == flow.InputText && r.medium == "sms" {
		typed = strings.TrimSpace(typed)
	}
	switch m := s.shown.Resolve(typed); m.Kind {
	case screen.Page:
		s.shown = m.Shown
		return []state{s}
	case screen.Back:
		a.Act = flow.Back
	case screen.Menu:
		a.Act = flow.Menu
	case screen.Choice:
		a = flow.Action{Act: flow.Chose, Value: m.Value, Key: m.Key, Level: m.Level}
	case screen.Text:
		a = flow.Action{Act: flow.Typed, Text: m.Text}
	}
	return r.act(s, a, pin, d, "")
}

// act takes one action: facts, the step, its effects, its screen.
func (r *replay) act(s state, a flow.Action, pin string, d doubt, hint string) []state {
	s.phone.wished, s.phone.reported = maps.Clone(s.phone.wished), maps.Clone(s.phone.reported)
	env := flow.Env{Medium: r.medium, Language: s.language, Resume: len(s.drafts) > 0}
	res, err := r.walk(s.cursor, a, env, &s.phone, pin, d)
	if err != nil {
		return nil
	}
	group := s.cursor.Answers["group"]
	s.cursor, s.hinted, s.commits, s.binds = res.Cursor, !res.Screen.Hint.IsZero(), false, false
	for _, e := range res.Effects {
		switch e.Kind {
		case flow.Submit, flow.Confirm, flow.CallMe, flow.Erase:
			s.commits, s.binds = true, true
		case flow.Consent:
			s.commits = true
		}
		switch e.Kind {
		case flow.Entered:
			for _, u := range s.drafts {
				s.left = append(slices.Clip(s.left), draft{u.cursor, u.run, s.language})
			}
			r.runs++
			s.run, s.drafts = r.runs, nil
		case flow.Left:
			s.run = 0
		case flow.Language:
			s.language, s.phone.language = e.Language, e.Language
			if len(s.ahead) > 0 {
				ahead := s.ahead
				s.ahead = nil
				return r.tailTaken(r.lay(s, res.Screen, hint), ahead, d)
			}
		case flow.Dropped:
			if s.received || slices.ContainsFunc(s.drafts, func(u draft) bool { return r.finished[u.run] }) {
				hint = "hint.received"
			}
			s.drafts = nil
		case flow.Resumed:
			var out []state
			for _, u := range s.drafts {
				if r.finished[u.run] { // Redis did not hear of it
					s.received = true
					continue
				}
				to := s
				to.run, to.drafts = u.run, nil
				to.cursor = r.world.book.Resume(u.cursor, env)
				out = append(out, r.act(to, flow.Action{Act: flow.Show}, "", d, hint)...)
			}
			if len(out) == 0 {
				if s.received {
					hint = "hint.received"
				}
				out = r.act(s, flow.Action{Act: flow.Show}, "", d, hint)
			}
			return out
		case flow.Consent:
			if e.Purpose != "answer" {
				s.phone.wished[e.Purpose] = true
				continue
			}
			if s.phone.answer = "no"; e.Given {
				s.phone.answer = "yes"
			}
		case flow.CallMe:
			s.call = map[string]string{"call": "yes", "at": e.Flow + "/" + e.State}
		case flow.Confirm:
			s.phone.confirmed = maps.Clone(s.phone.confirmed)
			s.phone.confirmed[group] = true
		case flow.Submit:
			s.ended = e.Submit
			if p := e.Submit.Answers["place"]; p != "" && e.Submit.Kind == "tension" {
				s.phone.lastPlace = p
			}
			if g := e.Submit.Answers["group"]; g != "" {
				s.phone.reported[g+"/"+e.Submit.Answers["month"]] = true
			}
		}
	}
	return []state{r.lay(s, res.Screen, hint)}
}

func (r *replay) lay(s state, out flow.Screen, hint string) state {
	if hint != "" {
		out.Hint = flow.Line{Key: hint}
	}
	if s.ended != nil {
		say := make([]flow.Line, len(out.Say))
		for i, l := range out.Say {
			args := map[string]string{"reference": hole}
			maps.Copy(args, l.Args)
			l.Args = args
			say[i] = l
		}
		out.Say = say
	}
	s.shown = screen.Layout(out, r.world.words.Words(s.language), screen.For(r.medium))
	return s
}

// maxRounds bounds how often a step asks for facts.
const maxRounds = 16

func (r *replay) walk(c flow.Cursor, a flow.Action, env flow.Env, p *phone, pin string, d doubt) (flow.Result, error) {
	facts := flow.Facts{}
	for range maxRounds {
		res := r.world.book.Step(c, a, env, facts)
		if len(res.Missing) == 0 {
			return res, nil
		}
		for _, n := range res.Missing {
			f, err := r.world.fact(n, p, pin, r.step.at, d)
			if err != nil {
				return res, err
			}
			facts[n] = f
		}
	}
	return flow.Result{}, errors.New("a step needs more facts than it may ask for")
}
