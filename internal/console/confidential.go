package console

import (
	"errors"
	"net/http"
	"strconv"

	"github.com/gofiber/fiber/v2"

	"lafia/internal/casework"
	"lafia/internal/programme"
)

// confidentialView is the page of the focal points. Its texts have no place in
// any other view, so no change of a template can show them elsewhere.
type confidentialView struct {
	page
	hasKey  bool
	opened  bool
	most    string
	rows    []confidentialRow
	problem string
}

type confidentialRow struct {
	reference, came, stamp string
	opened                 bool
	source                 string
	facts                  []fact
	text, lang             string
}

func (c *Console) confidentialView(v *visit) confidentialView {
	return confidentialView{
		page:   c.page(v, "confidential", "confidential.title", root+"/confidential"),
		hasKey: casework.HasConfidentialKey(v.entry.Account), most: strconv.Itoa(casework.ConfidentialMost),
	}
}

func (c *Console) confidentialForm(v *visit) error {
	return render(v, http.StatusOK, confidentialPage(c.confidentialView(v)))
}

// confidential opens the messages and shows them in this one answer: it is not
// kept here, no address leads to it, and browsers are told not to keep it.
func (c *Console) confidential(v *visit) error {
	view := c.confidentialView(v)
	list, err := c.o.Desk.Confidential(v.ctx, v.entry.Account, v.form("password"), v.IP())
	var wait *casework.WaitError
	switch {
	case errors.Is(err, casework.ErrCredentials):
		view.problem = view.T("confidential.wrong")
		return render(v, http.StatusForbidden, confidentialPage(view))
	case errors.Is(err, casework.ErrNoConfidentialKey):
		return render(v, http.StatusForbidden, confidentialPage(view))
	case errors.As(err, &wait):
		view.problem = view.Count("login.wait", wait.Seconds())
		v.Set(fiber.HeaderRetryAfter, strconv.Itoa(wait.Seconds()))
		return render(v, http.StatusTooManyRequests, confidentialPage(view))
	case err != nil:
		return c.failed(v, err)
	}
	view.opened = true
	for _, m := range list {
		view.rows = append(view.rows, c.confidentialRow(view.page, m))
	}
	return render(v, http.StatusOK, confidentialPage(view))
}

func (c *Console) confidentialRow(p page, m casework.Confidential) confidentialRow {
	r := confidentialRow{
		reference: m.Reference.String(), came: p.moment(m.ReceivedAt), stamp: stamp(m.ReceivedAt), opened: m.Opened,
		text: m.Body.Text, lang: m.Body.Language,
	}
	if !m.Opened {
		return r
	}
	if key := "confidential.source." + m.Body.Source; c.catalog.Has(key) {
		r.source = p.T(key)
	}
	if m.Body.Number != "" {
		r.facts = append(r.facts, fact{label: p.T("confidential.number"), value: m.Body.Number})
	}
	body := casework.Message{}
	body.Kind, body.Answers, body.Language = m.Body.Kind, m.Body.Answers, m.Body.Language
	body.Channel, body.Medium = m.Body.Channel, m.Body.Medium
	if body.Kind == "" {
		body.Kind = programme.Confidential
	}
	r.facts = append(r.facts, c.facts(p, body)...)
	return r
}
