package console

import (
	"net/http"
	"strconv"
	"strings"
	"time"

	"lafia/internal/staff"
)

// channelRow is the health of a channel, in words.
type channelRow struct {
	name, adapter string
	heard, stamp  string
	silent        bool
	figures       []figure
}

// figure is a number and what it counts; alarm when somebody has to look.
type figure struct {
	label, value string
	alarm        bool
}

type channelsView struct {
	page
	rows  []channelRow
	nodes []waitedRow
}

// silentAfter is when a channel's silence is said: silence is not calm
// (context.md 0.7).
const silentAfter = 24 * time.Hour

func (c *Console) channels(v *visit) error {
	list, err := c.o.Channels(v.ctx)
	if err != nil {
		return c.failed(v, err)
	}
	view := channelsView{page: c.page(v, "channels", "channels.title", root+"/channels")}
	view.nodes = c.waited(v, view.page)
	for _, ch := range list {
		r := channelRow{name: ch.Name, adapter: ch.Adapter, silent: !ch.LastAt.IsZero() && c.o.Now().Sub(ch.LastAt) > silentAfter}
		if !ch.LastAt.IsZero() {
			r.heard, r.stamp = view.moment(ch.LastAt), stamp(ch.LastAt)
		}
		for _, f := range []struct {
			key   string
			n     int
			alarm bool
		}{
			{"channels.received", ch.Received, false}, {"channels.unreadable", ch.Unreadable, ch.Unreadable > 0},
			{"channels.refused", ch.Refused, ch.Refused > 0}, {"channels.waiting", ch.Waiting, false}, {"channels.failed", ch.Failed, ch.Failed > 0},
			{"channels.unhandled", ch.Unhandled, false}, {"channels.altered", ch.Altered, ch.Altered > 0},
		} {
			r.figures = append(r.figures, figure{label: view.T(f.key), value: strconv.Itoa(f.n), alarm: f.alarm})
		}
		view.rows = append(view.rows, r)
	}
	return render(v, http.StatusOK, channelsPage(view))
}

// accountRow is somebody of the team.
type accountRow struct {
	name, username, role, regions, language string
	closed, synthetic                       bool
}

type accountsView struct {
	page
	rows []accountRow
}

func (c *Console) accounts(v *visit) error {
	list, err := c.o.Desk.Accounts(v.ctx, v.entry.Account)
	if err != nil {
		return c.failed(v, err)
	}
	view := accountsView{page: c.page(v, "accounts", "accounts.title", root+"/accounts")}
	for _, a := range list {
		r := accountRow{
			name: a.Name, username: a.Username, role: view.T("role." + string(a.Role)), regions: c.regions(view.page, a),
			language: a.Language, closed: !a.Active, synthetic: a.Synthetic,
		}
		for _, l := range languages {
			if l.Tag == a.Language {
				r.language = l.Name
			}
		}
		view.rows = append(view.rows, r)
	}
	return render(v, http.StatusOK, accountsPage(view))
}

// regions names somebody's regions, or says that she has all.
func (c *Console) regions(p page, a staff.Account) string {
	scope := a.Scope()
	switch {
	case len(scope.Levels) == 0: // she reads no message
		return "–"
	case len(scope.Regions) == 0:
		return p.T("accounts.everywhere")
	}
	names := make([]string, len(a.Regions))
	for i, code := range a.Regions {
		if names[i] = c.o.RegionName(code); names[i] == "" {
			names[i] = code
		}
	}
	return strings.Join(names, ", ")
}
