// Package directory is the programme as flows ask for it: projects by their codes,
// a slip of the finger allowed, and places by list or by name. It is in memory, and
// does no I/O.
package directory

import (
	"fmt"
	"sort"
	"strconv"
	"strings"
	"time"

	"lafia/internal/flow"
	"lafia/internal/programme"
	"lafia/internal/sms"
)

// Directory is a programme's projects and places. It is never changed: a new one
// takes its place. A nil one is empty.
type Directory struct {
	projects map[string]programme.Project // by code and by dial
	named    []programme.Project
	codes    []string
	parts    map[string][]programme.Place // by parent; "": the first list
	places   []programme.Place            // communes and cercles of the programme's regions
	names    map[string]string            // of every place, by code
}

// New makes the directory of a programme: its projects, and of the places those in
// the regions where it works, the regions of its first phase first.
func New(projects []programme.Project, places []programme.Place) *Directory {
	d := &Directory{projects: map[string]programme.Project{}, named: projects, parts: map[string][]programme.Place{}, names: map[string]string{}}
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
	return d
}

// PlaceName gives the name of a place code, "" for one that isn't known.
func (d *Directory) PlaceName(pcode string) string {
	if d == nil {
		return ""
	}
	return d.names[pcode]
}

// Project gives a project by its printed or its dialled code.
func (d *Directory) Project(code string) (programme.Project, bool) {
	if d == nil {
		return programme.Project{}, false
	}
	p, ok := d.projects[code]
	return p, ok
}

// Names lists the names of the cercles and communes where the programme works.
func (d *Directory) Names() []string {
	var out []string
	for _, p := range d.places {
		out = append(out, p.Name)
	}
	return out
}

// Codes lists the projects' printed codes.
func (d *Directory) Codes() []string {
	if d == nil {
		return nil
	}
	return d.codes
}

// FindProject looks up what she wrote: a code, printed or dialled, or else a
// commune, whose projects are listed. An SMS lists codes alone: a name can tell
// a place.
func (d *Directory) FindProject(typed, example, medium string) flow.Fact {
	f := flow.Fact{Args: map[string]string{"example": example}}
	if typed == "" {
		return f
	}
	p, ok := d.Project(strings.ToUpper(strings.Trim(typed, " .*#")))
	if !ok {
		p, ok = d.nearProject(typed)
	}
	if ok {
		f.OK, f.Items = true, []flow.Item{{Value: p.Code, Say: flow.Line{Text: p.Name}}}
		return f
	}
	places := map[string]bool{}
	for _, it := range d.FindPlace(typed).Items {
		places[it.Value] = true
	}
	if len(places) == 0 || d == nil {
		return f
	}
	for _, p := range d.named {
		if places[p.Place] || places[cercle(p.Place)] {
			name := p.Code
			if medium != "sms" {
				name += " " + p.Name
			}
			f.Items = append(f.Items, flow.Item{Value: p.Code, Say: flow.Line{Text: name}})
		}
	}
	return f
}

// nearProject finds a project by a printed code with a slip. A dialled code has a
// check digit, so a slip in it is one that we must not guess about.
func (d *Directory) nearProject(typed string) (programme.Project, bool) {
	for _, code := range sms.Codes(typed) {
		if found, ok := sms.Nearest(code, d.Codes()); ok && IsOnlyCode(typed) {
			return d.Project(found)
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

// Parts lists what a place is made of: the place that she named last first, then
// the cercles; and of a cercle its communes, in groups by their names when they
// are more than two pages.
func (d *Directory) Parts(parent, last string) flow.Fact {
	var f flow.Fact
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

// FindPlace looks a typed name up among communes and cercles: the whole name,
// then its beginning, then a name that differs by a slip or two; case and accents
// ignored. A commune is meant before a cercle of the same name.
func (d *Directory) FindPlace(typed string) flow.Fact {
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

// IsOnlyCode reports whether a text is a project's code and nothing else: one
// word, or its letters and its digits apart.
func IsOnlyCode(text string) bool {
	words := strings.Fields(programme.MatchKey(text))
	return len(words) == 1 || len(words) == 2 && strings.Trim(words[1], "0123456789") == ""
}

// Months gives the months a report can be for: the last complete one until the
// 10th, then it is asked (context.md 4); until then also the one before, where a month
// was named.
// Mali keeps UTC all year.
func Months(now time.Time, named bool) flow.Fact {
	now = now.UTC()
	first := time.Date(now.Year(), now.Month(), 1, 0, 0, 0, 0, time.UTC)
	item := func(m time.Time) flow.Item {
		return flow.Item{Value: m.Format("2006-01"), Say: flow.Line{Key: fmt.Sprintf("month.%d", int(m.Month()))}}
	}
	last, before := item(first.AddDate(0, -1, 0)), item(first.AddDate(0, -2, 0))
	switch early := now.Day() <= 10; {
	case early && named:
		return flow.Fact{Items: []flow.Item{last, before}}
	case early:
		return flow.Fact{Items: []flow.Item{last}}
	}
	return flow.Fact{Items: []flow.Item{last, item(first), before}}
}
