package console

import (
	"net/http"
	"strconv"

	"lafia/internal/audit"
	"lafia/internal/casework"
)

// auditRow is one act of the team, in words.
type auditRow struct {
	when, stamp string
	who, what   string
	about       string // a reference, a name; empty: nothing
	href        string // of the message that it is about
	rows        string // how many it read or wrote, where that says something
	reason      string
	alarm       bool // it was refused
}

type auditView struct {
	page
	rows  []auditRow
	older string // the address of the page behind; empty: there is none
}

// audit shows who did what. An address that asks for no page shows the newest.
func (c *Console) audit(v *visit) error {
	before, err := strconv.ParseInt(v.Query("before"), 10, 64)
	if err != nil || before < 0 {
		before = 0
	}
	list, older, err := c.o.Desk.Audit(v.ctx, v.entry.Account, before)
	if err != nil {
		return c.failed(v, err)
	}
	view := auditView{page: c.page(v, "audit", "audit.title", root+"/audit")}
	if older > 0 {
		view.older = root + "/audit?before=" + strconv.FormatInt(older, 10)
	}
	for _, a := range list {
		view.rows = append(view.rows, c.auditRow(view.page, a))
	}
	return render(v, http.StatusOK, auditPage(view))
}

func (c *Console) auditRow(p page, a casework.Audited) auditRow {
	r := auditRow{when: p.moment(a.At), stamp: stamp(a.At), who: a.Who, what: string(a.Act), about: a.About, reason: a.Why}
	if key := "audit.act." + r.what; c.catalog.Has(key) {
		r.what = p.T(key)
	}
	switch {
	case a.Command:
		r.who = p.T("audit.command", "who", a.Who)
	case a.Actor == audit.Guest:
		r.who = p.T("audit.guest")
	case r.who == "":
		r.who = a.Actor
	}
	if a.Reference != "" {
		r.about, r.href = a.Reference.String(), root+"/messages/"+a.Object
	}
	if a.Count > 1 {
		r.rows = p.Count("audit.rows", a.Count)
	}
	r.alarm = a.Act == audit.LoginRefused || a.Act == audit.ConfidentialRefused
	return r
}
