package conversation

import (
	"context"
	"fmt"
	"sort"
	"strings"
	"sync/atomic"
	"time"

	"lafia/gateway/message"
	"lafia/internal/flow"
	"lafia/internal/programme"
	"lafia/internal/store"
)

// maxPIN is how many wrong PINs lock a leader's report.
const maxPIN = 5

// fact answers one need of a step: from memory, seldom from the record.
func (t *trip) fact(ctx context.Context, n flow.Need) (flow.Fact, error) {
	switch n.Kind {
	case flow.NeedLanguages:
		return t.c.languages(), nil
	case flow.NeedProject:
		return t.c.programme.findProject(n.Arg, t.c.Example, t.who.key.Medium), nil
	case flow.NeedPlaces:
		return t.c.programme.parts(n.Arg), nil
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
	case flow.NeedHelp:
		number := t.c.HelpNumber("")
		return flow.Fact{OK: number != "", Args: map[string]string{"number": number}}, nil
	case flow.NeedCallback:
		return flow.Fact{OK: t.c.Ring.HasConfidential()}, nil
	}
	return flow.Fact{}, fmt.Errorf("a flow needs %q, which nothing answers", n.Kind)
}

func (c *Conversation) languages() flow.Fact {
	var f flow.Fact
	for _, l := range c.Words.Offered() {
		f.Items = append(f.Items, flow.Item{Value: l.Tag, Say: flow.Line{Text: l.Name}})
	}
	return f
}

func (t *trip) leaders(ctx context.Context) ([]store.Leader, error) {
	return t.c.Store.Leads(ctx, t.who.key.Contact[:])
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
	return flow.Fact{OK: true, Items: []flow.Item{{Value: string(st), Say: flow.Line{Key: "status." + string(st)}}},
		Args: map[string]string{"reference": ref.String()}}, nil
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
	parts    map[string][]programme.Place // by parent; "": the first list
	places   []programme.Place            // communes and cercles of the programme's regions
	names    map[string]string            // of every place, by code
}

func (m *memory) set(projects []programme.Project, places []programme.Place) {
	d := &directory{projects: map[string]programme.Project{}, named: projects, parts: map[string][]programme.Place{}, names: map[string]string{}}
	regions := map[string]int{}
	for _, p := range projects {
		d.projects[p.Code], d.projects[p.Dial] = p, p
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

// findProject looks up what she wrote: a code, printed or dialled, or else a
// commune, whose projects are listed. An SMS lists codes alone: a name can tell
// a place.
func (m *memory) findProject(typed, example, medium string) flow.Fact {
	f := flow.Fact{Args: map[string]string{"example": example}}
	if typed == "" {
		return f
	}
	if p, ok := m.project(strings.ToUpper(strings.Trim(typed, " .*#"))); ok {
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

func cercle(pcode string) string {
	if len(pcode) >= 6 {
		return pcode[:6]
	}
	return ""
}

func (m *memory) parts(parent string) flow.Fact {
	var f flow.Fact
	if d := m.at.Load(); d != nil {
		for _, p := range d.parts[parent] {
			f.Items = append(f.Items, placeItem(p))
		}
	}
	return f
}

// findPlace looks a typed name up among communes and cercles: the whole name,
// then its beginning, case and accents ignored. A commune is meant before a
// cercle of the same name.
func (m *memory) findPlace(typed string) flow.Fact {
	d := m.at.Load()
	want := key(typed)
	if d == nil || want == "" {
		return flow.Fact{}
	}
	for _, match := range []func(name string) bool{
		func(name string) bool { return name == want },
		func(name string) bool { return len(want) >= 4 && strings.HasPrefix(name, want) },
	} {
		for _, level := range []int{3, 2} {
			var f flow.Fact
			for _, p := range d.places {
				if p.Level == level && match(key(p.Name)) {
					f.Items = append(f.Items, placeItem(p))
				}
			}
			if len(f.Items) > 0 {
				return f
			}
		}
	}
	return flow.Fact{}
}

func placeItem(p programme.Place) flow.Item {
	return flow.Item{Value: p.PCode, Say: flow.Line{Text: p.Name}, Open: p.Level < 3}
}

// key folds a name for comparing, without the spaces that people leave out.
func key(s string) string { return strings.ReplaceAll(programme.MatchKey(s), " ", "") }
