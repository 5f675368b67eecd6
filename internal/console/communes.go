package console

import (
	"errors"
	"net/http"
	"strings"

	"lafia/internal/casework"
)

// closingForm asks which commune to close.
type closingForm struct {
	typed   string
	choices []option // more than one may be meant; nil: a name is asked for
	problem string
}

// closingRow is a commune that is closed.
type closingRow struct {
	pcode       string
	name, about string
	when, stamp string
	who         string
}

type communesView struct {
	form closingForm
	rows []closingRow
	none string // said where there are no rows
}

// communes shows which communes are closed to what the programme sends.
func (c *Console) communes(v *visit, p page, f closingForm) (communesView, error) {
	list, err := c.o.Desk.ClosedCommunes(v.ctx, v.entry.Account)
	if err != nil {
		return communesView{}, err
	}
	view := communesView{form: f, none: p.T("communes.none")}
	if len(v.entry.Scope().Regions) > 0 {
		view.none = p.T("communes.none.regions", "regions", c.regions(p, v.entry.Account))
	}
	for _, k := range list {
		r := closingRow{pcode: k.PCode, name: k.Name, about: p.aboutCommune(k.Commune), when: p.moment(k.At), stamp: stamp(k.At), who: k.Who}
		if r.name == "" {
			r.name = k.PCode
		}
		if k.Command {
			r.who = p.T("audit.command", "who", k.Who)
		}
		view.rows = append(view.rows, r)
	}
	return view, nil
}

// aboutCommune tells a commune from others of its name.
func (p page) aboutCommune(k casework.Commune) string {
	if k.Cercle == "" {
		return k.PCode
	}
	return p.T("communes.cercle", "cercle", k.Cercle) + " · " + k.PCode
}

// switchCommune closes a commune, or opens it again.
func (c *Console) switchCommune(v *visit, do string) error {
	p := page{words: v.words, now: c.o.Now().UTC()}
	f := closingForm{typed: cut(strings.TrimSpace(v.form("commune")), 60)}
	if v.stale {
		f.problem = p.T("communes.problem.stale")
		return c.showBroadcasts(v, http.StatusForbidden, c.freshBroadcast(), f)
	}
	turn, done, before := c.o.Desk.CloseCommune, "closed", "wasclosed"
	if do == "open" {
		turn, done, before = c.o.Desk.OpenCommune, "opened", "wasopen"
	}
	_, already, err := turn(v.ctx, v.entry.Account, casework.Switching{Commune: f.typed})
	var which *casework.WhichError
	switch {
	case err == nil:
		if already {
			done = before
		}
		return see(v, "/broadcasts?done="+done+"#content")
	case errors.As(err, &which):
		f.problem = p.T("communes.problem.which", "typed", f.typed)
		for _, k := range which.Communes {
			f.choices = append(f.choices, option{k.PCode, k.Name + " · " + p.aboutCommune(k), false})
		}
	case errors.Is(err, casework.ErrNotCommune):
		f.problem = p.T("communes.problem.above", "typed", f.typed)
	case errors.Is(err, casework.ErrNoCommune):
		key := "communes.problem.none"
		if len(v.entry.Scope().Regions) > 0 {
			key = "communes.problem.none.regions"
		}
		f.problem = p.T(key, "typed", f.typed)
	default:
		return c.failed(v, err)
	}
	return c.showBroadcasts(v, http.StatusUnprocessableEntity, c.freshBroadcast(), f)
}
