package fakeaggregator

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"lafia/internal/flow"
	"lafia/internal/locale"
	"lafia/internal/programme"
)

// World is what callers and the checker know of the gateway: its flows and words,
// and the programme. It answers what a step needs in its own way, so that a
// mistake of the gateway's in finding a project or a place shows.
type World struct {
	book     *flow.Book
	words    *locale.Catalog
	projects map[string]programme.Project // by dialled code
	dials    []string
	parts    map[string][]programme.Place // by parent; "": the cercles
	names    map[string]string
	example  string
	help     string
	callback bool // a confidential pair is there
}

// WorldOptions are the parts of a World. All must be given, unless said.
type WorldOptions struct {
	Book     *flow.Book
	Words    *locale.Catalog
	Projects []programme.Project // as the record lists them
	Places   []programme.Place   // as the record lists them
	Example  string              // a project's code shown in hints
	Help     string              // the help number; "": none is known
	// Callback tells whether a confidential call-back can be kept.
	Callback bool
}

// NewWorld makes a world.
func NewWorld(o WorldOptions) *World {
	w := &World{
		book: o.Book, words: o.Words, projects: map[string]programme.Project{}, parts: map[string][]programme.Place{},
		names: map[string]string{}, example: o.Example, help: o.Help, callback: o.Callback,
	}
	phase := map[string]int{}
	for _, p := range o.Projects {
		w.projects[p.Dial], w.projects[p.Code] = p, p
		w.dials = append(w.dials, p.Dial)
		if n, ok := phase[p.Region]; !ok || p.Phase < n {
			phase[p.Region] = p.Phase
		}
	}
	for _, p := range o.Places {
		w.names[p.PCode] = p.Name
		if _, ours := phase[programme.Region(p.PCode)]; !ours {
			continue
		}
		switch p.Level {
		case 2:
			w.parts[""] = append(w.parts[""], p)
		case 3:
			w.parts[p.Parent] = append(w.parts[p.Parent], p)
		}
	}
	// The regions where the programme began first, the north before the south.
	slices.SortStableFunc(w.parts[""], func(a, b programme.Place) int {
		ra, rb := programme.Region(a.PCode), programme.Region(b.PCode)
		if phase[ra] != phase[rb] {
			return phase[ra] - phase[rb]
		}
		return strings.Compare(rb, ra)
	})
	return w
}

// phone is what holds for one caller from call to call.
type phone struct {
	leads     []Leader
	language  string
	answer    string          // her yes or no to being answered; "": never asked
	wished    map[string]bool // to other purposes
	lastPlace string
	reported  map[string]bool // group/month
	confirmed map[string]bool // by group: what waited for her no longer does
}

// doubt is what the checker may be wrong about, since it hangs on what was
// durable when: another try is made with each.
type doubt struct {
	asked    bool // she has, or has not, said yes or no before
	place    bool // the place that she named last is, or is not, offered
	reported bool // a report of the month is there, or is not
	old      bool // and it is too old to be corrected
	pending  bool // her yes to a report that waits is, or is not, in the record yet
}

var doubts = []doubt{{asked: true}, {place: true}, {reported: true}, {reported: true, old: true}, {asked: true, place: true}, {pending: true}, {pending: true, reported: true}}

// Two pages of nine: a longer list of a cercle's communes is in groups.
const perGroup = 9

func (w *World) fact(n flow.Need, p *phone, pin string, at time.Time, d doubt) (flow.Fact, error) {
	var f flow.Fact
	switch n.Kind {
	case flow.NeedLanguages:
		for _, l := range w.words.Offered() {
			f.Items = append(f.Items, flow.Item{Value: l.Tag, Say: flow.Line{Text: l.Name}})
		}
	case flow.NeedProject:
		f.Args = map[string]string{"example": w.example}
		if pr, ok := w.projects[strings.TrimSpace(n.Arg)]; ok {
			f.OK, f.Items = true, []flow.Item{{Value: pr.Code, Say: flow.Line{Text: pr.Name}}}
		}
	case flow.NeedPlaces:
		f.Items = w.partsOf(n.Arg, p.lastPlace, d.place)
	case flow.NeedGroups:
		for _, l := range p.leads {
			f.Items = append(f.Items, flow.Item{Value: l.Group, Say: flow.Line{Text: l.Name}})
		}
	case flow.NeedPIN:
		f.OK = pin == "right"
	case flow.NeedRegions, flow.NeedPlace, flow.NeedErasing:
	case flow.NeedActivity:
		f.Args = w.activity(n.Arg)
	case flow.NeedPending:
		for _, l := range p.leads {
			if l.Group == n.Arg && l.Pending != nil && p.confirmed[l.Group] == d.pending {
				f = pendingReport(l.Pending)
			}
		}
	case flow.NeedMonths:
		f = months(at)
	case flow.NeedReported:
		if f.OK = p.reported[n.Arg] != d.reported; f.OK {
			f.Args = map[string]string{}
			if d.old {
				f.Args["old"] = "yes"
			}
		}
	case flow.NeedHelp:
		f = flow.Fact{OK: w.help != "", Args: map[string]string{"number": w.help}}
	case flow.NeedCallback:
		f.OK = w.callback
	case flow.NeedConsent:
		known := p.wished[n.Arg]
		if n.Arg == "answer" {
			known = p.answer != ""
		}
		f.OK = known != d.asked
	default:
		return f, fmt.Errorf("a flow needs %q, which the checker does not know", n.Kind)
	}
	return f, nil
}

// pendingReport is what a leader is shown of a report that waits for her.
func pendingReport(answers map[string]string) flow.Fact {
	month, err := time.Parse("2006-01", answers["month"])
	if err != nil {
		return flow.Fact{}
	}
	f := flow.Fact{Items: []flow.Item{{Value: "pending", Say: flow.Line{Key: fmt.Sprintf("month.%d", int(month.Month()))}}}, Args: map[string]string{}}
	for _, code := range []string{"MEM", "REU", "EPA", "REC"} {
		f.Args[code] = flow.Spaced(answers[code])
	}
	return f
}

// activity tells what a group does by its project's kind: a group is named after
// its project (G-LAF1).
func (w *World) activity(group string) map[string]string {
	for _, p := range w.projects {
		if "G-"+p.Code == group && p.Kind != "" {
			return map[string]string{p.Kind: "yes"}
		}
	}
	return map[string]string{}
}

func (w *World) partsOf(parent, last string, doubted bool) []flow.Item {
	var out []flow.Item
	if parent == "" && last != "" && !doubted && w.names[last] != "" {
		out = append(out, flow.Item{Value: last, Say: flow.Line{Text: w.names[last]}})
	}
	parent, group, grouped := strings.Cut(parent, "~")
	list := w.parts[parent]
	if grouped {
		from, _ := strconv.Atoi(group)
		from = min(max(from, 0), len(list))
		list = list[from:min(from+perGroup, len(list))]
	} else if parent != "" && len(list) > 2*perGroup {
		for i, group := 0, []programme.Place(nil); i < len(list); i += perGroup {
			group = list[i:min(i+perGroup, len(list))]
			out = append(out, flow.Item{Value: fmt.Sprintf("%s~%d", parent, i), Open: true,
				Say: flow.Line{Text: group[0].Name + " - " + group[len(group)-1].Name}})
		}
		return out
	}
	for _, p := range list {
		out = append(out, flow.Item{Value: p.PCode, Say: flow.Line{Text: p.Name}, Open: p.Level < 3})
	}
	return out
}

// months are those that a report can be for: the last complete one until the 10th
// (context.md 4). Mali keeps UTC.
func months(at time.Time) flow.Fact {
	at = at.UTC()
	first := time.Date(at.Year(), at.Month(), 1, 0, 0, 0, 0, time.UTC)
	back := []int{-1}
	if at.Day() > 10 {
		back = []int{-1, 0, -2}
	}
	var f flow.Fact
	for _, n := range back {
		m := first.AddDate(0, n, 0)
		f.Items = append(f.Items, flow.Item{Value: m.Format("2006-01"), Say: flow.Line{Key: fmt.Sprintf("month.%d", int(m.Month()))}})
	}
	return f
}
