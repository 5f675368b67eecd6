package console

import (
	"errors"
	"net/http"
	"slices"
	"strings"

	"lafia/internal/casework"
	"lafia/internal/programme"
)

// classForm asks for the exact type of a tension, or for the reasons of a
// feedback.
type classForm struct {
	action  string
	title   string
	types   []option // of a tension
	reasons []option // of a feedback
	hint    string
	problem string
}

// raiseForm asks why a message is for the peace team.
type raiseForm struct {
	action  string
	reason  string
	problem string
}

// classForm gives the form of a message that staff may classify, or nil.
func (c *Console) classForm(v *visit, p page, r casework.Record, refused *classForm) *classForm {
	if !v.entry.Role.May("message.classify") {
		return nil
	}
	f := classForm{}
	if refused != nil {
		f = *refused
	}
	f.action, f.title = root+"/messages/"+r.ID+"/class", p.T("class.title."+string(r.Kind))
	switch r.Kind {
	case programme.Tension:
		for _, t := range casework.TypesFor(r.Level) {
			f.types = append(f.types, option{t.Code, t.Code + " · " + c.class(p, r.Kind, t.Code), t.Code == r.TypeExact})
		}
		if r.Level == programme.L1 {
			f.hint = p.T("class.raise")
		}
	case programme.Feedback:
		for _, reason := range programme.Reasons {
			f.reasons = append(f.reasons, option{reason.Code, c.class(p, r.Kind, reason.Code), slices.Contains(r.Reasons, reason.Code)})
		}
	default:
		return nil
	}
	return &f
}

// class says a code of the taxonomy in words.
func (c *Console) class(p page, kind programme.Kind, code string) string {
	name := "reason"
	if kind == programme.Tension {
		name = "type_exact"
	}
	word, _ := c.value(p, kind, name, code)
	return word
}

// classes says several codes in words.
func (c *Console) classes(p page, kind programme.Kind, codes []string) string {
	words := make([]string, 0, len(codes))
	for _, code := range codes {
		words = append(words, c.class(p, kind, code))
	}
	return strings.Join(words, " · ")
}

func (c *Console) classify(v *visit) error {
	id := v.Params("id")
	var codes []string
	for _, b := range v.Request().PostArgs().PeekMulti("code") {
		if len(b) > 0 {
			codes = append(codes, string(b))
		}
	}
	already, err := c.o.Desk.Classify(v.ctx, v.entry.Account, casework.Classifying{ID: id, Codes: codes})
	p := page{words: v.words}
	switch {
	case err == nil && already:
		return see(v, "/messages/"+id+"?done=already#content")
	case err == nil:
		return see(v, "/messages/"+id+"?done=classified#content")
	case errors.Is(err, casework.ErrUnknownCode):
		return c.showMessage(v, http.StatusUnprocessableEntity, refused{class: &classForm{problem: p.T("class.unknown")}})
	case errors.Is(err, casework.ErrRaiseFirst):
		return c.showMessage(v, http.StatusUnprocessableEntity, refused{class: &classForm{problem: p.T("class.raise")}})
	}
	return c.failed(v, err)
}

// raiseForm gives the form of a message whose level this reader may raise, or nil.
func (c *Console) raiseForm(v *visit, r casework.Record, refused *raiseForm) *raiseForm {
	if !v.entry.Role.May("message.raise") || !r.CanRaise() {
		return nil
	}
	f := raiseForm{}
	if refused != nil {
		f = *refused
	}
	f.action = root + "/messages/" + r.ID + "/level"
	return &f
}

func (c *Console) raise(v *visit) error {
	id := v.Params("id")
	f := &raiseForm{reason: v.form("reason")}
	p := page{words: v.words}
	if v.stale {
		f.problem = p.T("move.stale")
		return c.showMessage(v, http.StatusForbidden, refused{raise: f})
	}
	_, err := c.o.Desk.Raise(v.ctx, v.entry.Account, casework.Raising{ID: id, Reason: f.reason})
	switch {
	case err == nil:
		// To the log: the message may be out of her own scope by now.
		return see(v, "/messages?done=raised#content")
	case errors.Is(err, casework.ErrNoReason):
		f.problem = p.T("raise.why")
	case errors.Is(err, casework.ErrNoteLong):
		f.problem = p.Count("number.long", casework.NoteMost)
	default:
		return c.failed(v, err)
	}
	return c.showMessage(v, http.StatusUnprocessableEntity, refused{raise: f})
}
