package conversation

import (
	"context"
	"fmt"
	"sort"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"lafia/gateway/message"
	"lafia/internal/flow"
	"lafia/internal/programme"
	"lafia/internal/sms"
	"lafia/internal/store"
)

// maxPIN is how many wrong PINs lock a leader's report.
const maxPIN = 5

// fact answers one need of a step: from memory, seldom from the record.
func (t *trip) fact(ctx context.Context, n flow.Need) (flow.Fact, error) {
	switch n.Kind {
	case flow.NeedLanguages:
		return t.c.languages(t.who.key.Channel), nil
	case flow.NeedProject:
		return t.c.programme.findProject(n.Arg, t.c.Example, t.who.key.Medium), nil
	case flow.NeedPlaces:
		return t.c.programme.parts(n.Arg, t.contact.LastPlace), nil
	case flow.NeedPlace:
		return t.c.programme.findPlace(n.Arg), nil
	case flow.NeedGroups:
		return t.groups(ctx)
	case flow.NeedPIN:
		return t.pin(ctx, n.Arg)
	case flow.NeedPending:
		return t.pending(ctx, n.Arg)
	case flow.NeedMonths:
		return months(t.who.now), nil
	case flow.NeedReference:
		return t.status(ctx, n.Arg)
	case flow.NeedActivity:
		return t.activity(ctx, n.Arg)
	case flow.NeedReported:
		return t.reported(ctx, n.Arg)
	case flow.NeedConsent:
		return t.consent(ctx, n.Arg)
	case flow.NeedErasing:
		is, err := t.c.Store.Erasing(ctx, t.who.key.Contact[:])
		return flow.Fact{OK: is}, err
	case flow.NeedRegions:
		return t.c.regions(), nil
	case flow.NeedHelp:
		number := t.c.HelpNumber(n.Arg)
		return flow.Fact{OK: number != "", Args: map[string]string{"number": number}}, nil
	case flow.NeedCallback:
		return flow.Fact{OK: t.c.Ring.HasConfidential()}, nil
	}
	return flow.Fact{}, fmt.Errorf("a flow needs %q, which nothing answers", n.Kind)
}

func (c *Conversation) languages(channel string) flow.Fact {
	var f flow.Fact
	offered := c.Words.Offered()
	if tags := c.Channel(channel).Languages; len(tags) > 0 {
		offered = c.Words.Named(tags)
	}
	for _, l := range offered {
		f.Items = append(f.Items, flow.Item{Value: l.Tag, Say: flow.Line{Text: l.Name}})
	}
	return f
}

// regions lists the regions that have a help number of their own.
func (c *Conversation) regions() flow.Fact {
	var f flow.Fact
	for _, code := range c.Regions {
		name := c.PlaceName(code)
		if name == "" {
			name = code
		}
		f.Items = append(f.Items, flow.Item{Value: code, Say: flow.Line{Text: name}})
	}
	return f
}

// activity tells what the group of a leader does: the kind of its project.
func (t *trip) activity(ctx context.Context, group string) (flow.Fact, error) {
	leads, err := t.leaders(ctx)
	if err != nil {
		return flow.Fact{}, err
	}
	f := flow.Fact{Args: map[string]string{}}
	for _, l := range leads {
		if l.Group == group && l.Activity != "" {
			f.Args[l.Activity] = "yes"
		}
	}
	return f, nil
}

// correctable is how long after it came in a report can be corrected (context.md 4).
const correctable = 30 * 24 * time.Hour

// reported gives the report of a group's month, as it was corrected last.
func (t *trip) reported(ctx context.Context, arg string) (flow.Fact, error) {
	group, month, _ := strings.Cut(arg, "/")
	r, err := t.c.Store.ReportOf(ctx, group, month)
	if store.IsNotFound(err) {
		return flow.Fact{}, nil
	}
	if err != nil {
		return flow.Fact{}, err
	}
	f := flow.Fact{OK: true, Args: r.Answers}
	if t.who.now.Sub(r.ReceivedAt) > correctable {
		f.Args["old"] = "yes"
	}
	return f, nil
}

func (t *trip) leaders(ctx context.Context) ([]store.Leader, error) {
	if t.leads != nil {
		return t.leads, nil
	}
	leads, err := t.c.Store.Leads(ctx, t.who.key.Contact[:])
	t.leads = leads
	return leads, err
}

func (t *trip) groups(ctx context.Context) (flow.Fact, error) {
	leads, err := t.leaders(ctx)
	if err != nil {
		return flow.Fact{}, err
	}
	var f flow.Fact
	for _, l := range leads {
		f.Items = append(f.Items, flow.Item{Value: l.Group, Say: flow.Line{Text: l.Name}})
	}
	return f, nil
}

// pin checks a PIN. A wrong one counts once a hop, so that an aggregator's
// repeats lock nobody out.
func (t *trip) pin(ctx context.Context, arg string) (flow.Fact, error) {
	group, pin, _ := strings.Cut(arg, "/")
	leads, err := t.leaders(ctx)
	if err != nil {
		return flow.Fact{}, err
	}
	for _, l := range leads {
		switch {
		case l.Group != group:
			continue
		case l.Failures >= maxPIN:
			return flow.Fact{Args: map[string]string{"locked": "yes"}}, nil
		case t.c.Ring.PINMatches(group, pin, l.PINHash):
			return flow.Fact{OK: true}, t.c.Store.PINPassed(ctx, t.who.key.Contact[:], group)
		}
		n, err := t.c.Store.PINFailed(ctx, t.who.key.Contact[:], group, t.who.hop[:])
		if err != nil {
			return flow.Fact{}, err
		}
		if n >= maxPIN {
			return flow.Fact{Args: map[string]string{"locked": "yes"}}, nil
		}
	}
	return flow.Fact{}, nil
}

// pending gives the leader's report by SMS that waits to be confirmed.
func (t *trip) pending(ctx context.Context, group string) (flow.Fact, error) {
	p, err := t.c.Store.Unconfirmed(ctx, t.who.key.Contact[:], group, t.who.now)
	if store.IsNotFound(err) {
		return flow.Fact{}, nil
	}
	if err != nil {
		return flow.Fact{}, err
	}
	month, err := time.Parse("2006-01", p.Answers["month"])
	if err != nil {
		return flow.Fact{}, nil
	}
	f := flow.Fact{Items: []flow.Item{{Value: p.ID, Say: flow.Line{Key: fmt.Sprintf("month.%d", int(month.Month()))}}}, Args: map[string]string{}}
	for _, code := range []string{"MEM", "REU", "EPA", "REC"} {
		f.Args[code] = flow.Spaced(p.Answers[code])
	}
	return f, nil
}

func (t *trip) status(ctx context.Context, typed string) (flow.Fact, error) {
	ref, ok := programme.ParseReference(typed)
	if !ok {
		return flow.Fact{}, nil
	}
	st, err := t.c.Store.StatusByReference(ctx, t.who.key.Contact[:], ref)
	if store.IsNotFound(err) {
		return flow.Fact{}, nil
	}
	if err != nil {
		return flow.Fact{}, err
	}
	f := flow.Fact{OK: true, Items: []flow.Item{{Value: string(st), Say: flow.Line{Key: "status." + string(st)}}},
		Args: map[string]string{"reference": ref.String()}}
	// By SMS no answer's words: the phone that keeps them may be searched.
	if t.who.key.Medium == string(message.SMS) {
		return f, nil
	}
	id, sealed, err := t.c.Store.AnswerTo(ctx, t.who.key.Contact[:], ref)
	if store.IsNotFound(err) {
		return f, nil
	}
	if err != nil {
		return flow.Fact{}, err
	}
	words, err := t.c.Ring.Open(sealed, "answer/"+id)
	if err != nil {
		return flow.Fact{}, fmt.Errorf("opening an answer: %w", err)
	}
	f.Args["answer"] = string(words)
	return f, nil
}

// months gives the months a report can be for: the last complete one until the
// 10th, then it is asked (context.md 4). Mali keeps UTC all year.
func months(now time.Time) flow.Fact {
	now = now.UTC()
	first := time.Date(now.Year(), now.Month(), 1, 0, 0, 0, 0, time.UTC)
	item := func(m time.Time) flow.Item {
		return flow.Item{Value: m.Format("2006-01"), Say: flow.Line{Key: fmt.Sprintf("month.%d", int(m.Month()))}}
	}
	last := item(first.AddDate(0, -1, 0))
	if now.Day() <= 10 {
		return flow.Fact{Items: []flow.Item{last}}
	}
	return flow.Fact{Items: []flow.Item{last, item(first), item(first.AddDate(0, -2, 0))}}
}

// memory is the programme as hops read it: no trip to the record.
type memory struct{ at atomic.Pointer[directory] }

type directory struct {
	projects map[string]programme.Project // by code and by dial
	named    []programme.Project
	codes    []string
	parts    map[string][]programme.Place // by parent; "": the first list
	places   []programme.Place            // communes and cercles of the programme's regions
	names    map[string]string            // of every place, by code
}

func (m *memory) set(projects []programme.Project, places []programme.Place) {
	d := &directory{projects: map[string]programme.Project{}, named: projects, parts: map[string][]programme.Place{}, names: map[string]string{}}
	regions := map[string]int{}
	for _, p := range projects {
		d.projects[p.Code], d.projects[p.Dial] = p, p
		d.codes = append(d.codes, p.Code)
		if n, ok := regions[p.Region]; !ok || p.Phase < n {
			regions[p.Region] = p.Phase
		}
	}
	for _, p := range places {
		d.names[p.PCode] = p.Name
		if _, ok := regions[programme.Region(p.PCode)]; !ok {
			continue
		}
		switch p.Level {
		case 2:
			d.parts[""] = append(d.parts[""], p)
		case 3:
			d.parts[p.Parent] = append(d.parts[p.Parent], p)
		default:
			continue
		}
		d.places = append(d.places, p)
	}
	sort.SliceStable(d.parts[""], func(i, j int) bool {
		a, b := d.parts[""][i], d.parts[""][j]
		pa, pb := regions[programme.Region(a.PCode)], regions[programme.Region(b.PCode)]
		return pa < pb || pa == pb && programme.Region(a.PCode) > programme.Region(b.PCode)
	})
	m.at.Store(d)
}

// PlaceName gives the name of a place code, "" for one that isn't known.
func (c *Conversation) PlaceName(pcode string) string {
	if d := c.programme.at.Load(); d != nil {
		return d.names[pcode]
	}
	return ""
}

func (m *memory) project(code string) (programme.Project, bool) {
	d := m.at.Load()
	if d == nil {
		return programme.Project{}, false
	}
	p, ok := d.projects[code]
	return p, ok
}

// codes lists the projects' printed codes.
func (m *memory) codes() []string {
	d := m.at.Load()
	if d == nil {
		return nil
	}
	return d.codes
}

// findProject looks up what she wrote: a code, printed or dialled, or else a
// commune, whose projects are listed. An SMS lists codes alone: a name can tell
// a place.
func (m *memory) findProject(typed, example, medium string) flow.Fact {
	f := flow.Fact{Args: map[string]string{"example": example}}
	if typed == "" {
		return f
	}
	p, ok := m.project(strings.ToUpper(strings.Trim(typed, " .*#")))
	if !ok {
		p, ok = m.nearProject(typed)
	}
	if ok {
		f.OK, f.Items = true, []flow.Item{{Value: p.Code, Say: flow.Line{Text: p.Name}}}
		return f
	}
	places := map[string]bool{}
	for _, it := range m.findPlace(typed).Items {
		places[it.Value] = true
	}
	d := m.at.Load()
	if len(places) == 0 || d == nil {
		return f
	}
	for _, p := range d.named {
		if places[p.Place] || places[cercle(p.Place)] {
			name := p.Code
			if medium != string(message.SMS) {
				name += " " + p.Name
			}
			f.Items = append(f.Items, flow.Item{Value: p.Code, Say: flow.Line{Text: name}})
		}
	}
	return f
}

// nearProject finds a project by a printed code with a slip. A dialled code has a
// check digit, so a slip in it is one that we must not guess about.
func (m *memory) nearProject(typed string) (programme.Project, bool) {
	for _, code := range sms.Codes(typed) {
		if found, ok := sms.Nearest(code, m.codes()); ok && isOnlyCode(typed) {
			return m.project(found)
		}
	}
	return programme.Project{}, false
}

func cercle(pcode string) string {
	if len(pcode) >= 6 {
		return pcode[:6]
	}
	return ""
}

// parts lists what a place is made of: the place that she named last first, then
// the cercles; and of a cercle its communes, in groups by their names when they
// are more than two pages.
func (m *memory) parts(parent, last string) flow.Fact {
	var f flow.Fact
	d := m.at.Load()
	if d == nil {
		return f
	}
	if parent == "" && last != "" && d.names[last] != "" {
		f.Items = append(f.Items, flow.Item{Value: last, Say: flow.Line{Text: d.names[last]}})
	}
	parent, group, grouped := strings.Cut(parent, groupMark)
	list := d.parts[parent]
	switch {
	case grouped:
		from, err := strconv.Atoi(group)
		if err != nil || from < 0 || from >= len(list) {
			return f
		}
		list = list[from:min(from+perGroup, len(list))]
	case parent != "" && len(list) > 2*perGroup:
		for from := 0; from < len(list); from += perGroup {
			to := min(from+perGroup, len(list)) - 1
			f.Items = append(f.Items, flow.Item{
				Value: parent + groupMark + strconv.Itoa(from), Open: true,
				Say: flow.Line{Text: list[from].Name + " - " + list[to].Name},
			})
		}
		return f
	}
	for _, p := range list {
		f.Items = append(f.Items, placeItem(p))
	}
	return f
}

const (
	// perGroup is how many communes make a group: a page of options.
	perGroup = 9
	// groupMark stands between a cercle's code and where its group begins.
	groupMark = "~"
)

// findPlace looks a typed name up among communes and cercles: the whole name,
// then its beginning, then a name that differs by a slip or two; case and accents
// ignored. A commune is meant before a cercle of the same name.
func (m *memory) findPlace(typed string) flow.Fact {
	d := m.at.Load()
	want := key(typed)
	if d == nil || want == "" {
		return flow.Fact{}
	}
	for _, match := range []func(name string) bool{
		func(name string) bool { return name == want },
		func(name string) bool { return len(want) >= 4 && strings.HasPrefix(name, want) },
		func(name string) bool { return programme.Slips(name, want) <= slipsIn(want) },
	} {
		for _, level := range []int{3, 2} {
			var f flow.Fact
			for _, p := range d.places {
				if p.Level == level && match(key(p.Name)) {
					f.Items = append(f.Items, placeItem(p))
				}
			}
			if len(f.Items) > 0 && len(f.Items) <= 2*perGroup {
				return f
			}
		}
	}
	return flow.Fact{}
}

// slipsIn is how many slips of the finger a name of this length may hold.
func slipsIn(name string) int {
	switch {
	case len(name) < 4:
		return 0
	case len(name) < 8:
		return 1
	}
	return 2
}

func placeItem(p programme.Place) flow.Item {
	return flow.Item{Value: p.PCode, Say: flow.Line{Text: p.Name}, Open: p.Level < 3}
}

// key folds a name for comparing, without the spaces that people leave out.
func key(s string) string { return strings.ReplaceAll(programme.MatchKey(s), " ", "") }
