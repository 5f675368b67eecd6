package console

import (
	"math"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"lafia/internal/casework"
)

// deliveryRow is what became of messages to one operator by one channel, in words.
type deliveryRow struct {
	channel, operator string
	share             string // of what went out that arrived; empty: nothing went out, or the channel says nothing of it
	percent           int
	silent            bool // the channel says nothing of arrivals
	figures           []figure
}

// moneyRow is a price, or what was spent.
type moneyRow struct{ label, value string }

type sendingView struct {
	page
	within []link
	rows   []deliveryRow
	budget budgetView
	spent  []moneyRow
	prices []moneyRow
}

// budgetView is the month's money.
type budgetView struct {
	spent, bound string // bound is empty without a budget
	percent      int
	state        string // a key; empty: well within
}

// periods are how far back the page looks; the first is shown unless asked.
var periods = []struct {
	name   string
	within time.Duration
}{{"24h", 24 * time.Hour}, {"7d", 7 * 24 * time.Hour}, {"30d", 30 * 24 * time.Hour}}

func (c *Console) sending(v *visit) error {
	i := max(0, slices.IndexFunc(periods, func(p struct {
		name   string
		within time.Duration
	}) bool {
		return p.name == v.Query("for")
	}))
	r, err := c.o.Desk.Sending(v.ctx, v.entry.Account, periods[i].within)
	if err != nil {
		return c.failed(v, err)
	}
	here := root + "/sending"
	view := sendingView{page: c.page(v, "sending", "sending.title", here+"?for="+periods[i].name)}
	for j, p := range periods {
		view.within = append(view.within, link{label: view.T("sending.for." + p.name), href: here + "?for=" + p.name, current: i == j})
	}
	for _, d := range r.Deliveries {
		view.rows = append(view.rows, view.delivery(d))
	}
	view.budget = view.money(r)
	for _, s := range r.Spent {
		view.spent = append(view.spent, moneyRow{view.way(s.Channel, s.Operator), francs(s.Cost) + " · " + view.segments(s.Segments)})
	}
	for _, p := range r.Prices {
		view.prices = append(view.prices, moneyRow{strings.ReplaceAll(p.For, "/", " · "), view.price(p.FCFA)})
	}
	return render(v, http.StatusOK, sendingPage(view))
}

func (p page) delivery(d casework.Delivery) deliveryRow {
	r := deliveryRow{channel: d.Channel, operator: p.operator(d.Operator), silent: !d.Reports && d.Delivered == 0}
	if d.Sent > 0 && !r.silent {
		r.percent = d.Delivered * 100 / d.Sent
		r.share = p.T("sending.share", "percent", strconv.Itoa(r.percent))
	}
	for _, f := range []struct {
		key   string
		n     int
		alarm bool
	}{
		{"sending.waiting", d.Waiting, false}, {"sending.sent", d.Sent, false}, {"sending.delivered", d.Delivered, false},
		{"sending.failed", d.Failed, d.Failed > 0}, {"sending.expired", d.Expired, d.Expired > 0},
		{"sending.unknown", d.Unknown, false}, {"sending.ambiguous", d.Ambiguous, d.Ambiguous > 0},
	} {
		r.figures = append(r.figures, figure{label: p.T(f.key), value: strconv.Itoa(f.n), alarm: f.alarm})
	}
	if d.Delivered > 0 {
		r.figures = append(r.figures, figure{label: p.T("sending.median"), value: p.took(d.Median)}, figure{label: p.T("sending.p95"), value: p.took(d.P95)})
	}
	return r
}

func (p page) operator(name string) string {
	if name == "" {
		return p.T("sending.operator.none")
	}
	return name
}

func (p page) way(channel, operator string) string { return channel + " · " + p.operator(operator) }

// money says how the month's budget stands.
func (p page) money(r casework.SendingReport) budgetView {
	b := budgetView{spent: francs(r.Sum)}
	if r.Month > 0 {
		b.bound, b.percent = francs(r.Month), min(100, int(r.Sum*100/r.Month))
	}
	if s := r.Spends(); s != "" {
		b.state = "sending.budget." + s
	}
	return b
}

// francs writes a sum in whole francs.
func francs(v float64) string {
	n, _ := thousands(strconv.FormatInt(int64(math.Round(v)), 10))
	return n + "\u00A0F\u00A0CFA"
}

// price writes what a segment costs, which may be less than a franc.
func (p page) price(v float64) string {
	s := strconv.FormatFloat(v, 'f', -1, 64)
	if p.Lang() == "fr" {
		s = strings.ReplaceAll(s, ".", ",")
	}
	return s + "\u00A0F\u00A0CFA"
}

// segments says how many SMS were counted.
func (p page) segments(n int64) string {
	s, _ := thousands(strconv.FormatInt(n, 10))
	return p.T("sending.segments", "count", s)
}

// took writes a time as people say it: to the second under a minute, to the minute
// under two hours.
func (p page) took(d time.Duration) string {
	switch {
	case d < time.Minute:
		return strconv.Itoa(int(d.Round(time.Second)/time.Second)) + "\u00A0s"
	case d < 2*time.Hour:
		return strconv.Itoa(int(d.Round(time.Minute)/time.Minute)) + "\u00A0min"
	}
	return strconv.Itoa(int(d.Round(time.Hour)/time.Hour)) + "\u00A0h"
}

// waitedRow is a gateway that reminders and announcements wait for, in words.
type waitedRow struct {
	id   string // whole, as `lafia spool forget` wants it
	text string
}

// waited tells which gateways are waited for, to who can do something about it.
func (c *Console) waited(v *visit, p page) []waitedRow {
	if v.entry == nil {
		return nil
	}
	nodes, err := c.o.Desk.Waited(v.ctx, v.entry.Account)
	if err != nil {
		c.o.Log.Error("console", "class", casework.Class(err), "doing", "looking for gateways")
		return nil
	}
	var rows []waitedRow
	for _, n := range nodes {
		key, since := "nodes.silent", n.BeatAt
		switch stopped := !n.StoppedAt.IsZero(); {
		case n.Spooled > 0 && stopped:
			key, since = "nodes.stopped", n.StoppedAt
		case n.Spooled > 0 && p.now.Sub(n.BeatAt) > time.Minute:
			key = "nodes.gone"
		case n.Spooled > 0:
			key, since = "nodes.spooled", n.SpoolOldest
		}
		rows = append(rows, waitedRow{id: n.ID, text: p.T(key, "count", strconv.Itoa(n.Spooled), "node", n.ID[:min(8, len(n.ID))], "when", p.moment(since))})
	}
	return rows
}
