package console

import (
	"net/http"
	"net/url"
	"strings"
	"time"

	"lafia/internal/casework"
	"lafia/internal/programme"
)

// logView is the log of messages.
type logView struct {
	page
	days    []day
	fresh   int // nobody has read them yet
	freshAt string
	filters []filter
	active  bool   // a filter is set
	clear   string // URL without filters
	older   string // URL; empty: this is the last page
	newest  string // URL; empty: this is the first page
}

// day is a day's messages, newest first.
type day struct {
	title   string
	date    string
	entries []entry
}

// entry is a message in the log.
type entry struct {
	href, reference   string
	time, stamp       string
	what, about       string // kind and its sort; project and place
	status            status
	text              string
	lang              string
	state             casework.TextState
	facts             string // what was answered, where there are no words to show
	level2, synthetic bool
	marks             []string // what a reader must know before she believes it
}

// status is a status in words, with its step of five.
type status struct {
	code, label string
	step        int
}

// filter is one choice above the log.
type filter struct {
	name, label string
	all         string
	options     []option
}

type option struct {
	value, label string
	selected     bool
}

// excerptMost is how much of a text the log shows: two lines on a phone.
const excerptMost = 140

func (c *Console) messages(v *visit) error {
	f := casework.Filter{
		Kind:     programme.Kind(cut(v.Query("kind"), 20)),
		Project:  cut(v.Query("project"), 40),
		Status:   programme.Status(cut(v.Query("status"), 20)),
		Language: cut(v.Query("language"), 20),
	}
	after := cut(v.Query("after"), 40)
	p, err := c.o.Desk.List(v.ctx, v.entry.Scope(), f, after)
	if err != nil {
		return c.failed(v, err)
	}
	list := root + "/messages"
	view := logView{
		page: c.page(v, "messages", "messages.title", listURL(list, f, after)), fresh: p.New,
		freshAt: listURL(list, casework.Filter{Status: programme.New}, ""), clear: list,
		active: f != casework.Filter{},
	}
	if v.Query("done") == "raised" {
		view.notice = "message.done.raised"
	}
	view.filters = c.filters(view.page, f, p.Projects)
	view.days = c.days(view.page, p.Messages)
	if p.Next != "" {
		view.older = listURL(list, f, p.Next)
	}
	if after != "" {
		view.newest = listURL(list, f, "")
	}
	return render(v, http.StatusOK, logPage(view))
}

// listURL is the log with a filter, from a message on.
func listURL(list string, f casework.Filter, after string) string {
	q := url.Values{}
	for _, a := range []struct{ name, value string }{
		{"kind", string(f.Kind)}, {"project", f.Project}, {"status", string(f.Status)}, {"language", f.Language}, {"after", after},
	} {
		if a.value != "" {
			q.Set(a.name, a.value)
		}
	}
	if len(q) == 0 {
		return list
	}
	return list + "?" + q.Encode()
}

var kinds = []programme.Kind{programme.Feedback, programme.Tension, programme.Progress, programme.Open}

func (c *Console) filters(p page, f casework.Filter, projects []programme.Project) []filter {
	statuses := filter{name: "status", label: p.T("filter.status"), all: p.T("filter.status.all")}
	for _, s := range programme.Statuses {
		statuses.options = append(statuses.options, option{string(s), p.status(s).label, s == f.Status})
	}
	kind := filter{name: "kind", label: p.T("filter.kind"), all: p.T("filter.kind.all")}
	for _, k := range kinds {
		kind.options = append(kind.options, option{string(k), p.T("kind." + string(k)), k == f.Kind})
	}
	project := filter{name: "project", label: p.T("filter.project"), all: p.T("filter.project.all")}
	for _, r := range projects {
		project.options = append(project.options, option{r.Code, r.Code + " · " + r.Name, r.Code == f.Project})
	}
	language := filter{name: "language", label: p.T("filter.language"), all: p.T("filter.language.all")}
	for _, l := range c.menus.words.Coverage() {
		language.options = append(language.options, option{l.Tag, l.Name, l.Tag == f.Language})
	}
	return []filter{statuses, kind, project, language}
}

// days parts messages by the day they came.
func (c *Console) days(p page, messages []casework.Message) []day {
	var days []day
	for _, m := range messages {
		date := m.ReceivedAt.UTC().Format(time.DateOnly)
		if n := len(days); n == 0 || days[n-1].date != date {
			days = append(days, day{title: p.day(m.ReceivedAt), date: date})
		}
		d := &days[len(days)-1]
		d.entries = append(d.entries, c.entry(p, m))
	}
	return days
}

func (c *Console) entry(p page, m casework.Message) entry {
	e := entry{
		href: root + "/messages/" + m.ID, reference: m.Reference.String(),
		time: clock(m.ReceivedAt), stamp: stamp(m.ReceivedAt),
		what: c.what(p, m), about: about(m), status: p.status(m.Status),
		text: excerpt(m.Text), lang: m.Language, state: m.State,
		level2: m.Level == programme.L2, synthetic: m.Synthetic, marks: p.marks(m),
	}
	if e.state != casework.TextOpen {
		e.facts = c.summary(p, m)
	}
	return e
}

// what says the kind, and for those that have one the sort within it.
func (c *Console) what(p page, m casework.Message) string {
	s := p.T("kind." + string(m.Kind))
	if m.TypeExact != "" {
		return s + " · " + c.class(p, m.Kind, m.TypeExact)
	}
	if sort := m.Answers["type"]; sort != "" {
		if word, ok := c.value(p, m.Kind, "type", sort); ok {
			s += " · " + word
		}
	}
	return s
}

func about(m casework.Message) string {
	s := m.Project
	if m.ProjectName != "" {
		s = m.ProjectName
	}
	if s == "" {
		s = m.Group
	}
	place := m.PlaceName
	if place == "" {
		place = m.Place
	}
	switch {
	case s == "":
		return place
	case place == "":
		return s
	}
	return s + ", " + place
}

// excerpt is the beginning of a text, on one line.
func excerpt(s string) string {
	short := cut(s, excerptMost)
	if len(short) == len(s) {
		return s
	}
	if i := strings.LastIndexByte(short, ' '); i > len(short)*3/4 {
		short = short[:i] // not in the middle of a word
	}
	return short + "…"
}

// languageName names a callers' language as itself.
func (c *Console) languageName(tag string) string {
	for _, l := range c.menus.words.Coverage() {
		if l.Tag == tag {
			return l.Name
		}
	}
	return tag
}
