package console

import (
	"net/http"
	"strconv"
	"strings"

	"lafia/internal/translation"
)

// languageRow is how the words of a callers' language stand.
type languageRow struct {
	tag, name  string
	share      string   // what is its own, in words
	percent    int      // of it
	marks      []string // what nobody must miss: not offered, below its goal, unread
	figures    []figure
	unattested []string
}

type languagesView struct {
	page
	rows     []languageRow
	problems []string // as `lafia locales check` says them: they name files and keys
}

func (c *Console) languages(v *visit) error {
	report, err := c.menus.check()
	if err != nil {
		return c.failed(v, err)
	}
	view := languagesView{page: c.page(v, "languages", "languages.title", root+"/languages")}
	for _, l := range report.Languages {
		view.rows = append(view.rows, languageOf(view.page, l))
	}
	for _, e := range report.Problems {
		view.problems = append(view.problems, e.Error())
	}
	return render(v, http.StatusOK, languagesPage(view))
}

// languageOf counts as reviewed what no mark says is a draft, and nothing else.
func languageOf(p page, l translation.Language) languageRow {
	reviewed := l.Own - l.Draft
	unattested := "–" // no list to look them up in
	if l.Listed {
		unattested = strconv.Itoa(len(l.Unattested))
	}
	r := languageRow{
		tag: l.Tag, name: l.Name, percent: l.Percent, share: p.T("languages.own", "own", strconv.Itoa(l.Own), "total", strconv.Itoa(l.Total)),
		figures: []figure{
			{label: p.T("languages.reviewed"), value: strconv.Itoa(reviewed)},
			{label: p.T("languages.drafts"), value: strconv.Itoa(l.Draft), alarm: l.Draft > 0},
			{label: p.T("languages.fallback"), value: strconv.Itoa(l.Fallback)},
			{label: p.T("languages.unattested"), value: unattested},
		},
	}
	if !l.Offered {
		r.marks = append(r.marks, p.T("languages.hidden"))
	}
	if l.Percent < l.Goal {
		r.marks = append(r.marks, p.Count("languages.goal", l.Goal))
	}
	if reviewed == 0 {
		r.marks = append(r.marks, p.T("languages.unread"))
	}
	if n := len(l.Mixed); n > 0 {
		r.marks = append(r.marks, p.Count("languages.mixed", n))
	}
	for _, u := range l.Unattested {
		word := u.Word
		if u.Stem != "" {
			word += " (" + u.Stem + "\u00A0?)"
		}
		r.unattested = append(r.unattested, p.T("frame.colon", "label", word, "value", strings.Join(u.Keys, ", ")))
	}
	return r
}
