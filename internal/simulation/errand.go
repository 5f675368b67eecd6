package simulation

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"lafia/internal/flow"
	"lafia/internal/programme"
)

// say gives the words of a key as they stand on a screen: the longest stretch of
// its first line that no value is put into.
func (w *world) say(key string) string {
	m, ok := w.Words.Message("fr", key)
	if !ok {
		panic("there are no words " + key)
	}
	best := ""
	for _, line := range strings.Split(m.Other, "\n") {
		for _, piece := range strings.Split(line, "{{") {
			if _, behind, ok := strings.Cut(piece, "}}"); ok {
				piece = behind
			}
			if piece = strings.TrimSpace(piece); len(piece) > len(best) {
				best = piece
			}
		}
		if best != "" && !strings.Contains(line, "{{") {
			break
		}
	}
	return best
}

// populate lets people live in the world, each with something to say.
func (w *world) populate() {
	for n := range 2 + w.pick(2) {
		p := &person{w: w, n: n, number: fmt.Sprintf("+2237000%04d", n+1), channel: "at", finals: map[*errand]int{}}
		who := w.Ring.Pseudonym(p.number)
		p.contact = who.Bytes()
		p.manner = manner(w.pick(4))
		if p.manner == sequenced || p.manner == single {
			p.channel = "single"
		}
		for range 1 + w.pick(2) {
			p.errands = append(p.errands, w.errand(p))
		}
		w.people = append(w.people, p)
	}
	for _, p := range w.people {
		w.spawn(p.live)
	}
}

// nonce is a word that only one errand has.
func (p *person) nonce() string {
	letters := "bcdfgklmnprstvz"
	var b strings.Builder
	for range 8 {
		b.WriteByte(letters[p.w.pick(len(letters))])
	}
	return "n" + b.String()
}

func (w *world) errand(p *person) *errand {
	if p.manner == texting {
		return w.texts(p)
	}
	e := &errand{steps: []step{
		{see: w.say("language.choose"), pick: "Francais", way: true},
		{see: w.say("resume.ask"), pick: w.say([]string{"resume.continue", "resume.restart"}[w.pick(2)]), way: true},
	}}
	switch w.pick(8) {
	case 0, 1, 2:
		w.feedback(p, e)
	case 3, 4:
		w.tension(p, e)
	case 5:
		w.report(p, e)
	case 6:
		w.confide(e)
	case 7:
		w.newsOf(e)
	}
	return e
}

func (e *errand) menu(w *world, option string) {
	e.steps = append(e.steps, step{see: w.say("menu.title"), pick: w.say(option), way: true})
}

// chosen adds the choice of a state of a flow, and gives its value.
func (e *errand) chosen(w *world, picks map[string]string, f, state string) {
	s := w.Book.Flows[f].States[state]
	o := s.Options[w.pick(len(s.Options))]
	picks[state] = o.Value
	say := o.Say
	e.steps = append(e.steps, step{see: w.say(s.Ask), pick: w.say(say)})
}

func (w *world) yesNo() (value, words string) {
	if w.chance(0.5) {
		return "yes", w.say("answer.yes")
	}
	return "no", w.say("answer.no")
}

func (w *world) feedback(p *person, e *errand) {
	e.menu(w, "menu.feedback")
	picks, nonce := map[string]string{"project": "107"}, p.nonce()
	e.steps = append(e.steps, step{see: w.say("feedback.project"), write: "107"})
	for _, s := range []string{"type", "rating", "cohesion"} {
		e.chosen(w, picks, "feedback", s)
	}
	_, words := w.yesNo()
	picks["ask"] = "no"
	e.steps = append(e.steps, step{see: w.say("answer.ask"), pick: words})
	picks["words"] = "la baratte " + nonce + " fuit"
	e.steps = append(e.steps, step{see: w.say("feedback.words"), write: picks["words"], last: true})
	e.want = w.replay("feedback", picks)
	e.want.nonce = nonce
}

func (w *world) tension(p *person, e *errand) {
	e.menu(w, "menu.tension")
	picks, nonce := map[string]string{"place": "Lafia"}, p.nonce()
	for _, s := range []string{"type", "phase", "calm", "when", "trend"} {
		e.chosen(w, picks, "tension", s)
	}
	e.steps = append(e.steps, step{see: w.say("tension.place"), write: "Lafia"})
	var words string
	picks["again"], words = w.yesNo()
	e.steps = append(e.steps, step{see: w.say("tension.again"), pick: words})
	picks["words"] = "le puits " + nonce + " est sec"
	e.steps = append(e.steps, step{see: w.say("tension.words"), write: picks["words"], last: true})
	e.want = w.replay("tension", picks)
	e.want.nonce = nonce
}

const pin = "4821"

// report is a leader's report of a month: all its numbers are within the usual.
func (w *world) report(p *person, e *errand) {
	group := fmt.Sprintf("G%d", p.n)
	_ = w.record.PutGroup(context.Background(), programme.Group{Code: group, Name: "Groupe", Project: "LAF1", Place: "ML060504", Region: "ML06"}, p.contact, w.Ring.PINHash(group, pin))
	e.menu(w, "menu.progress")
	picks := map[string]string{"pin": pin, "month": "2026-10", "confirm": "yes"}
	e.steps = append(e.steps, step{see: w.say("progress.pin"), write: pin}, step{see: w.say("progress.month"), pick: w.say("month.10")},
		step{see: w.say("progress.again"), pick: w.say("progress.correct")},
		step{see: w.say("progress.confirm"), pick: w.say("answer.yes"), last: true})
	for state, least := range map[string]int{"MEM": 10, "REU": 2, "EPA": 1000, "REC": 2000, "LAI": 600, "BEU": 5} {
		picks[state] = fmt.Sprint(least)
	}
	for _, state := range []string{"MEM", "REU", "EPA", "REC", "LAI", "BEU"} {
		n := 0
		_, _ = fmt.Sscan(picks[state], &n)
		picks[state] = fmt.Sprint(n + w.pick(8))
		e.steps = append(e.steps, step{see: w.say(w.Book.Flows["progress"].States[state].Ask), write: picks[state]})
	}
	for _, s := range []string{"EQU", "PB"} {
		e.chosen(w, picks, "progress", s)
	}
	e.want = w.replay("progress", picks)
}

func (w *world) confide(e *errand) {
	e.menu(w, "menu.confidential")
	e.steps = append(e.steps, step{see: w.say("confidential.what"), pick: w.say("confidential.call")})
	picks := map[string]string{"what": "call", "sure": "yes"}
	for _, s := range []string{"who", "day", "when"} {
		e.chosen(w, picks, "confidential", s)
	}
	e.steps = append(e.steps, step{see: w.say("confidential.sure"), pick: w.say("answer.yes"), last: true})
	e.want = w.replay("confidential", picks)
}

func (w *world) newsOf(e *errand) {
	e.menu(w, "menu.choices")
	value, words := w.yesNo()
	given := value == "yes"
	e.news = &given
	e.steps = append(e.steps, step{see: w.say("choices.which"), pick: w.say("choices.news")},
		step{see: w.say("choices.news.ask"), pick: words, last: false}, step{see: w.say("choices.reminder.ask"), pick: words, last: true})
}

// texts is an errand by SMS.
func (w *world) texts(p *person) *errand {
	open := func() text {
		nonce := p.nonce()
		t := text{words: "la pompe " + nonce + " ne marche plus depuis lundi"}
		if w.chance(0.2) {
			t.parts = []string{"la pompe " + nonce + " ne marche", " plus depuis lundi et le chef le sait"}
			t.words = strings.Join(t.parts, "")
		}
		t.want = &want{kind: programme.Open, nonce: nonce, text: t.words}
		return t
	}
	no, yes := false, true
	e := &errand{}
	kinds := 4
	if slices.ContainsFunc(p.errands, func(e *errand) bool { return len(e.steps) > 0 }) {
		kinds = 3 // she would go on with what she left
	}
	switch w.pick(kinds) {
	case 0:
		e.texts = []text{open(), open()}
	case 1:
		e.texts = []text{{words: "STOP", news: &no}, open(), {words: "START", news: &yes}}
	case 2:
		e.texts = []text{open(), {words: "START", news: &yes}, {words: "STOP", news: &no}}
	case 3:
		w.feedbackByText(p, e)
	}
	return e
}

// feedbackByText is the feedback flow by SMS: she reads each question, or knows
// them all and writes ahead.
func (w *world) feedbackByText(p *person, e *errand) {
	w.feedback(p, e)
	e.steps = append(e.steps, step{see: w.say("language.choose"), pick: "Francais", way: true})
	e.texts = []text{{words: "LAF1", waits: true}}
}

// replay is what flow.Step makes of an errand's answers, without anything around it.
func (w *world) replay(name string, picks map[string]string) *want {
	env := flow.Env{Medium: "ussd", Language: "fr", Enter: name}
	cursor, action, facts := flow.Cursor{}, flow.Action{Act: flow.Begin}, flow.Facts{}
	for range 60 {
		res := w.Book.Step(cursor, action, env, facts)
		for len(res.Missing) > 0 {
			for _, n := range res.Missing {
				facts[n] = w.fact(n)
			}
			res = w.Book.Step(cursor, action, env, facts)
		}
		cursor = res.Cursor
		for _, f := range res.Effects {
			if f.Kind == flow.Submit {
				return w.wanted(f.Submit)
			}
		}
		action = w.act(cursor, picks)
		facts = flow.Facts{}
	}
	panic("the errand does not end: " + name + " at " + cursor.State)
}

func (w *world) act(c flow.Cursor, picks map[string]string) flow.Action {
	s, v := w.Book.State(c), picks[c.State]
	switch s.Kind {
	case flow.KindProject, flow.KindText, flow.KindNumber, flow.KindMoney, flow.KindPIN:
		return flow.Action{Act: flow.Typed, Text: v}
	case flow.KindPlace:
		return flow.Action{Act: flow.Typed, Text: v}
	}
	for i, o := range s.Options {
		if o.Value == v {
			return flow.Action{Act: flow.Chose, Value: v, Key: fmt.Sprint(i + 1), Level: o.Level}
		}
	}
	return flow.Action{Act: flow.Chose, Value: v}
}

func (w *world) fact(n flow.Need) flow.Fact {
	switch n.Kind {
	case flow.NeedProject:
		return w.places.FindProject(n.Arg, "107", "ussd")
	case flow.NeedPlaces:
		return w.places.Parts(n.Arg, "")
	case flow.NeedPlace:
		return w.places.FindPlace(n.Arg)
	case flow.NeedGroups:
		return flow.Fact{Items: []flow.Item{{Value: "G", Say: flow.Line{Text: "Groupe"}}}}
	case flow.NeedMonths:
		return flow.Fact{Items: []flow.Item{{Value: "2026-10", Say: flow.Line{Key: "month.10"}}, {Value: "2026-11", Say: flow.Line{Key: "month.11"}}}}
	case flow.NeedActivity:
		return flow.Fact{Args: map[string]string{"butter": "yes"}}
	case flow.NeedPIN, flow.NeedCallback:
		return flow.Fact{OK: true}
	}
	return flow.Fact{}
}

func (w *world) wanted(s *flow.Submission) *want {
	out := &want{kind: programme.Kind(s.Kind), answers: maps.Clone(s.Answers), text: s.Text}
	if code := out.answers["project"]; code != "" {
		if pr, ok := w.places.Project(code); ok {
			out.project, out.place = pr.Code, pr.Place
		}
	}
	if place := out.answers["place"]; place != "" {
		out.place = place
	}
	for _, column := range []string{"project", "place", "group"} {
		delete(out.answers, column)
	}
	return out
}
