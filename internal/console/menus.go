package console

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"sync"

	"lafia/internal/flow"
	"lafia/internal/locale"
	"lafia/internal/rehearsal"
	"lafia/internal/translation"
)

// menus are the flows that callers meet and the words of them. They change with
// the program alone, so what it takes time to learn of them is learnt once.
type menus struct {
	book    *flow.Book
	words   *locale.Catalog
	measure func() (rehearsal.Report, error)   // as `lafia flows check`
	check   func() (translation.Report, error) // as `lafia locales check`
}

func loadMenus(o Options) (*menus, error) {
	words, err := locale.Load(o.Locales)
	if err != nil {
		return nil, fmt.Errorf("reading the words of the menus: %w", err)
	}
	book, err := flow.Load(o.Flows)
	if err != nil {
		return nil, fmt.Errorf("reading the menus: %w", err)
	}
	return &menus{
		book: book, words: words,
		measure: sync.OnceValues(func() (rehearsal.Report, error) {
			world, err := rehearsal.NewWorld(words, o.Now())
			if err != nil {
				return rehearsal.Report{}, err
			}
			return rehearsal.Check(book, words, world, rehearsal.DefaultPrice)
		}),
		check: sync.OnceValues(func() (translation.Report, error) { return translation.Check(o.Locales, book) }),
	}, nil
}

// names lists the flows: the first screens, then as the book has them.
func (m *menus) names() []string {
	list := slices.Sorted(maps.Keys(m.book.Flows))
	slices.SortStableFunc(list, func(a, b string) int {
		switch flow.Main {
		case a:
			return -1
		case b:
			return 1
		}
		return 0
	})
	return list
}

// menuRow is a flow in the list.
type menuRow struct {
	title, name string
	figures     []figure
	languages   []link
}

type menusView struct {
	page
	rows     []menuRow
	problems []flow.Problem
}

func (c *Console) menuList(v *visit) error {
	report, err := c.menus.measure()
	if err != nil {
		return c.failed(v, err)
	}
	view := menusView{page: c.page(v, "menus", "menus.title", root+"/menus"), problems: report.Problems}
	for _, name := range c.menus.names() {
		r := menuRow{title: c.menuTitle(view.page, name), name: name}
		for _, l := range c.menus.words.Coverage() {
			r.languages = append(r.languages, link{label: l.Name, href: menuURL(name, l.Tag), tag: l.Tag})
		}
		screens, answers, pages := 0, 0, 0
		for _, m := range report.Rows {
			if m.Flow == name {
				screens, answers, pages = max(screens, m.Screens), max(answers, m.Answers), max(pages, m.Pages)
			}
		}
		r.figures = []figure{
			{label: view.T("menus.screens"), value: strconv.Itoa(screens)}, {label: view.T("menus.answers"), value: strconv.Itoa(answers)},
			{label: view.T("menus.pages"), value: strconv.Itoa(pages)},
		}
		view.rows = append(view.rows, r)
	}
	return render(v, http.StatusOK, menusPage(view))
}

func menuURL(flow, tag string) string { return root + "/menus/" + flow + "/" + tag }

// menuTitle names a flow in words, or by its name where we have none.
func (c *Console) menuTitle(p page, name string) string {
	if key := "menus.flow." + name; c.catalog.Has(key) {
		return p.T(key)
	}
	return name
}

// languageMeasure is a flow in one language, as it fits phones.
type languageMeasure struct {
	link
	figures []figure
	at      string // the state whose screen is the longest
}

type menuView struct {
	page
	title, name   string
	tag, language string
	picture       string // URL
	alt, words    string // what the picture is, and all that it says
	zoom          string // a class
	zooms         []link
	measures      []languageMeasure
}

// zooms are how large the picture may be shown; the first is shown unless asked.
var zooms = []string{"100", "fit", "150", "200"}

func (c *Console) menu(v *visit) error {
	g, say, ok := c.graph(v)
	if !ok {
		return c.missing(v)
	}
	report, err := c.menus.measure()
	if err != nil {
		return c.failed(v, err)
	}
	tag := v.Params("language")
	here := menuURL(g.Flow, tag)
	zoom := v.Query("zoom")
	if !slices.Contains(zooms, zoom) {
		zoom = zooms[0]
	}
	p := c.page(v, "menus", "menus.title", here+"?zoom="+zoom)
	view := menuView{
		page: p, title: c.menuTitle(p, g.Flow), name: g.Flow, tag: tag, language: c.languageName(tag),
		picture: here + "/picture.svg", words: g.Description(say), zoom: zoom,
	}
	view.alt = p.T("menus.alt", "flow", view.title, "language", view.language)
	view.page.title = view.title + ", " + view.language
	for _, z := range zooms {
		label := z + "\u00A0%"
		if z == "fit" {
			label = p.T("menus.fit")
		}
		view.zooms = append(view.zooms, link{label: label, href: here + "?zoom=" + z + "#picture", current: z == zoom})
	}
	for _, m := range report.Rows {
		if m.Flow == g.Flow {
			view.measures = append(view.measures, c.languageMeasure(p, m, m.Language == tag))
		}
	}
	return render(v, http.StatusOK, menuPage(view))
}

func (c *Console) languageMeasure(p page, m rehearsal.Row, current bool) languageMeasure {
	segments := "–"
	if m.Segments > 0 {
		segments = strconv.Itoa(m.Segments)
	}
	return languageMeasure{
		link: link{label: c.languageName(m.Language), href: menuURL(m.Flow, m.Language), tag: m.Language, current: current},
		at:   p.T("menus.at", "state", m.At),
		figures: []figure{
			{label: p.T("menus.screens"), value: strconv.Itoa(m.Screens)}, {label: p.T("menus.answers"), value: strconv.Itoa(m.Answers)},
			{label: p.T("menus.longest." + m.Encoding), value: strconv.Itoa(m.Longest)},
			{label: p.T("menus.pages"), value: strconv.Itoa(m.Pages)},
			{label: p.T("menus.segments"), value: segments},
		},
	}
}

func (c *Console) menuPicture(v *visit) error {
	g, say, ok := c.graph(v)
	if !ok {
		return c.missing(v)
	}
	return send(v, http.StatusOK, "image/svg+xml", []byte(g.SVG(say)))
}

// graph finds the flow that an address names, and what says its words.
func (c *Console) graph(v *visit) (g flow.Graph, say func(key string) string, ok bool) {
	tag := v.Params("language")
	if !slices.Contains(c.menus.words.Tags(), tag) {
		return g, nil, false
	}
	g, ok = c.menus.book.Graph(v.Params("flow"))
	return g, rehearsal.Say(c.menus.words, tag), ok
}
