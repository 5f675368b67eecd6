package console

import (
	"errors"
	"net/http"
	"strings"

	"lafia/internal/casework"
)

// numberForm asks why a number is to be shown. Without an address it only says
// that there is none.
type numberForm struct {
	action  string // empty: the number is kept no longer
	reason  string
	problem string // what is wrong, in words
}

// numberForm gives the form of a message whose sender can be called, or nil.
func (c *Console) numberForm(v *visit, p page, r casework.Record, refused *numberForm) *numberForm {
	if r.Callback == casework.NotAsked || !v.entry.Role.May("message.number") {
		return nil
	}
	f := numberForm{}
	if refused != nil {
		f = *refused
	}
	if r.Callback == casework.CanCall {
		f.action = root + "/messages/" + r.ID + "/number"
	}
	return &f
}

// numberView is the one page that shows a number.
type numberView struct {
	page
	number, tel string
	reference   string
	back        string
}

// number shows a number to who says why. The answer is the page itself and no
// redirect: the number is in no address and kept nowhere on the way. Sending the
// form again is another showing, and is written as one.
func (c *Console) number(v *visit) error {
	id := v.Params("id")
	form := &numberForm{reason: v.form("reason")}
	p := page{words: v.words}
	if v.stale {
		form.problem = p.T("move.stale")
		return c.showMessage(v, http.StatusForbidden, refused{number: form})
	}
	n, err := c.o.Desk.Number(v.ctx, v.entry.Account, casework.Asking{ID: id, Reason: form.reason})
	status := http.StatusUnprocessableEntity
	switch {
	case err == nil:
		return c.showNumber(v, id, n)
	case errors.Is(err, casework.ErrNoReason):
		form.problem = p.T("number.why")
	case errors.Is(err, casework.ErrNoteLong):
		form.problem = p.Count("number.long", casework.NoteMost)
	case errors.Is(err, casework.ErrNoNumber):
		status = http.StatusConflict // the page says it in the form's place
	case errors.Is(err, casework.ErrNumberShut):
		status, form.problem = http.StatusConflict, p.T("number.shut")
	default:
		return c.failed(v, err)
	}
	return c.showMessage(v, status, refused{number: form})
}

func (c *Console) showNumber(v *visit, id string, n casework.Number) error {
	back := root + "/messages/" + id
	return render(v, http.StatusOK, numberPage(numberView{
		page: c.page(v, "messages", "number.title", back), number: phone(n.Reveal()), tel: "tel:" + n.Reveal(), reference: n.Message.String(), back: back,
	}))
}

// phone writes a number as people read it aloud: one of Mali in four pairs, any
// other as it is.
func phone(e164 string) string {
	d, ok := strings.CutPrefix(e164, "+223")
	if !ok || len(d) != 8 {
		return e164
	}
	return d[:2] + "\u00A0" + d[2:4] + "\u00A0" + d[4:6] + "\u00A0" + d[6:]
}
