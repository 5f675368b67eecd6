package console

import (
	"errors"
	"net/http"

	"lafia/internal/casework"
	"lafia/internal/programme"
)

// messageView is one message.
type messageView struct {
	page
	reference string
	what      string
	stamp     string
	came      string
	status    status
	steps     []step
	text      string
	lang      string
	language  string
	state     casework.TextState
	facts     []fact
	marks     []string // what a reader must know before she believes it
	synthetic bool
	level2    bool
	history   []moment
	form      *moveForm // nil: this role moves nothing, or nothing can be moved
}

type step struct {
	status
	done, current bool
}

// fact is an answer in words. lang is set where people wrote it.
type fact struct{ label, value, lang string }

// moment is one event of the history.
type moment struct {
	when, stamp string
	from, to    status
	who         string
	note        string
	shut        bool
}

// moveForm asks for a new status. Its address ends in #move: when it comes back
// refused, a phone shows the form and not the top of the page.
type moveForm struct {
	action  string
	from    string
	choices []option
	note    string
	problem string // what is wrong, in words
	missing bool   // no status was chosen
}

func (c *Console) message(v *visit) error {
	return c.showMessage(v, http.StatusOK, nil)
}

// showMessage renders a message, with a form that was refused if there is one:
// what was typed stays.
func (c *Console) showMessage(v *visit, status int, refused *moveForm) error {
	r, err := c.o.Desk.Read(v.ctx, v.entry.Scope(), v.Params("id"))
	if err != nil {
		return c.failed(v, err)
	}
	return render(v, status, messagePage(c.messageView(v, r, refused)))
}

func (c *Console) messageView(v *visit, r casework.Record, refused *moveForm) messageView {
	here := root + "/messages/" + r.ID
	p := c.page(v, "messages", "message.title", here)
	p.title = r.Reference.String()
	if n := v.Query("done"); refused == nil && (n == "moved" || n == "already") {
		p.notice = "message.done." + n
	}
	view := messageView{
		page: p, reference: r.Reference.String(), what: c.what(p, r.Message), stamp: stamp(r.ReceivedAt), came: p.moment(r.ReceivedAt),
		status: p.status(r.Status), text: r.Text, lang: r.Language, language: c.languageName(r.Language), state: r.State,
		facts: c.facts(p, r.Message), synthetic: r.Synthetic, level2: r.Level == programme.L2,
	}
	for _, m := range []struct {
		is  bool
		key string
	}{{!r.Confirmed, "mark.unconfirmed"}, {r.Partial, "mark.partial"}, {r.Altered, "mark.altered"}} {
		if m.is {
			view.marks = append(view.marks, p.T(m.key))
		}
	}
	for _, s := range programme.Statuses {
		st := p.status(s)
		view.steps = append(view.steps, step{status: st, done: st.step <= view.status.step, current: s == r.Status})
	}
	for _, e := range r.Events {
		who := e.Staff
		if who == "" {
			who = p.T("history.program")
		}
		view.history = append(view.history, moment{
			when: p.moment(e.At), stamp: stamp(e.At), from: p.status(e.From), to: p.status(e.To),
			who: who, note: e.Note, shut: e.State == casework.TextShut,
		})
	}
	if !v.entry.Role.May("message.move") {
		return view
	}
	f := moveForm{}
	if refused != nil {
		f = *refused
	}
	f.action, f.from = here+"/status", string(r.Status)
	chosen := v.form("to")
	for _, s := range r.Moves() {
		f.choices = append(f.choices, option{string(s), p.status(s).label, refused != nil && string(s) == chosen})
	}
	view.form = &f
	return view
}

func (c *Console) move(v *visit) error {
	id := v.Params("id")
	to := v.form("to")
	refused := &moveForm{note: v.form("note")} // whole: the body is bounded, and she shortens it herself
	say := func(key string, kv ...string) string { return page{words: v.words}.T(key, kv...) }
	if v.stale {
		refused.problem = say("move.stale")
		return c.showMessage(v, http.StatusForbidden, refused)
	}
	if to == "" {
		refused.problem, refused.missing = say("move.choose"), true
		return c.showMessage(v, http.StatusUnprocessableEntity, refused)
	}
	already, err := c.o.Desk.Move(v.ctx, v.entry.Account, casework.Move{
		ID: id, From: programme.Status(v.form("from")), To: programme.Status(to), Note: v.form("note"),
	})
	var moved *casework.MovedError
	switch {
	case err == nil && already:
		return see(v, "/messages/"+id+"?done=already#content")
	case err == nil:
		return see(v, "/messages/"+id+"?done=moved#content")
	case errors.As(err, &moved):
		p := c.page(v, "", "message.title", "")
		by := moved.By
		if by == "" {
			by = p.T("history.program")
		}
		refused.problem = say("move.first", "who", by, "status", p.status(moved.Status).label)
		return c.showMessage(v, http.StatusConflict, refused)
	case errors.Is(err, casework.ErrCannotMove):
		refused.problem, refused.missing = say("move.choose"), true
		return c.showMessage(v, http.StatusUnprocessableEntity, refused)
	case errors.Is(err, casework.ErrNoteLong):
		refused.problem = page{words: v.words}.Count("move.long", casework.NoteMost)
		return c.showMessage(v, http.StatusUnprocessableEntity, refused)
	}
	return c.failed(v, err)
}

// status gives a status in words.
func (p page) status(s programme.Status) status {
	for i, v := range programme.Statuses {
		if v == s {
			return status{code: string(s), label: p.T("status." + string(s)), step: i + 1}
		}
	}
	return status{code: "unknown", label: string(s)}
}
