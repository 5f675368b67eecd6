package console

import (
	"errors"
	"net/http"
	"slices"
	"time"

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
	form      *moveForm    // nil: this role moves nothing, or nothing can be moved
	confirm   *confirmForm // nil: this role confirms nothing, or nothing waits to be confirmed
	number    *numberForm  // nil: this role calls nobody, or nobody asked to be called
	answer    *answerForm  // nil: this role answers nothing
	class     *classForm   // nil: this role classifies nothing, or there is nothing to classify
	raise     *raiseForm   // nil: this role raises no level, or it is as high as it goes here
	versions  []version    // of a report that was corrected
	newer     string       // the address of the latest version; empty: this is it
	replies   []reply
	doubts    []doubtRow // what was sent, and may not have gone
}

// acts reports whether there is anything to do.
func (v messageView) acts() bool {
	return len(v.doubts) > 0 || v.form != nil || v.confirm != nil || v.number != nil || v.answer != nil || v.class != nil || v.raise != nil
}

type step struct {
	status
	done, current bool
}

// fact is an answer in words. lang is set where people wrote it.
type fact struct{ label, value, lang string }

// moment is one thing of the history.
type moment struct {
	at          time.Time
	when, stamp string
	what        string
	who         string
	note        string
	shut        bool
	given       *given // the answer that was given
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

// confirmForm asks whether a report by SMS is its leader's.
type confirmForm struct {
	action  string
	note    string
	problem string // what is wrong, in words
}

func (c *Console) message(v *visit) error {
	return c.showMessage(v, http.StatusOK, refused{})
}

// refused holds the form that was refused, if one was.
type refused struct {
	move    *moveForm
	confirm *confirmForm
	number  *numberForm
	answer  *answerForm
	class   *classForm
	raise   *raiseForm
}

// showMessage renders a message, with a form that was refused if there is one:
// what was typed stays.
func (c *Console) showMessage(v *visit, status int, f refused) error {
	r, err := c.o.Desk.Read(v.ctx, v.entry.Scope(), v.Params("id"))
	if err != nil {
		return c.failed(v, err)
	}
	view := c.messageView(v, r, f)
	sent, err := c.sentView(v, view.page, r.ID)
	if err != nil {
		return c.failed(v, err)
	}
	view.doubts, view.history = sent.open, inOrder(view.page, append(view.history, sent.decided...))
	return render(v, status, messagePage(view))
}

// dones are what the page says was done, by its address.
var dones = []string{"moved", "already", "confirmed", "before", "answered", "classified", "again", "left"}

func (c *Console) messageView(v *visit, r casework.Record, refused refused) messageView {
	here := root + "/messages/" + r.ID
	p := c.page(v, "messages", "message.title", here)
	p.title = r.Reference.String()
	if n := v.Query("done"); v.Method() == http.MethodGet && slices.Contains(dones, n) {
		p.notice = "message.done." + n
	}
	view := messageView{
		page: p, reference: r.Reference.String(), what: c.what(p, r.Message), stamp: stamp(r.ReceivedAt), came: p.moment(r.ReceivedAt),
		status: p.status(r.Status), text: r.Text, lang: r.Language, language: c.languageName(r.Language), state: r.State,
		facts: append(c.facts(p, r.Message), c.became(p, r)...), synthetic: r.Synthetic, level2: r.Level == programme.L2,
	}
	view.marks = p.marks(r.Message)
	if newer := r.Newer(); newer != "" {
		view.newer = root + "/messages/" + newer
	}
	view.versions = c.versions(p, r)
	for _, s := range programme.Statuses {
		st := p.status(s)
		view.steps = append(view.steps, step{status: st, done: st.step <= view.status.step, current: s == r.Status})
	}
	view.history = c.history(p, r)
	view.replies = replies(p, r)
	view.number = c.numberForm(v, p, r, refused.number)
	view.answer = c.answerForm(v, p, r, refused.answer)
	view.class = c.classForm(v, p, r, refused.class)
	view.raise = c.raiseForm(v, r, refused.raise)
	switch confirm := refused.confirm; {
	case r.Waits() && v.entry.Role.May("message.confirm"):
		view.confirm = &confirmForm{}
		if confirm != nil {
			view.confirm = confirm
		}
		view.confirm.action = here + "/confirm"
	case confirm != nil: // nothing waits any more: the note goes where it can still be saved
		refused.move = &moveForm{note: confirm.note, problem: confirm.problem}
	}
	if !v.entry.Role.May("message.move") {
		return view
	}
	f := moveForm{}
	if refused.move != nil {
		f = *refused.move
	}
	f.action, f.from = here+"/status", string(r.Status)
	chosen := v.form("to")
	for _, s := range r.Moves() {
		f.choices = append(f.choices, option{string(s), p.status(s).label, refused.move != nil && string(s) == chosen})
	}
	view.form = &f
	return view
}

func (c *Console) move(v *visit) error {
	id := v.Params("id")
	to := v.form("to")
	form := &moveForm{note: v.form("note")} // whole: the body is bounded, and she shortens it herself
	say := func(key string, kv ...string) string { return page{words: v.words}.T(key, kv...) }
	if v.stale {
		form.problem = say("move.stale")
		return c.showMessage(v, http.StatusForbidden, refused{move: form})
	}
	if to == "" {
		form.problem, form.missing = say("move.choose"), true
		return c.showMessage(v, http.StatusUnprocessableEntity, refused{move: form})
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
		form.problem = say("move.first", "who", by, "status", p.status(moved.Status).label)
		return c.showMessage(v, http.StatusConflict, refused{move: form})
	case errors.Is(err, casework.ErrCannotMove):
		form.problem, form.missing = say("move.choose"), true
		return c.showMessage(v, http.StatusUnprocessableEntity, refused{move: form})
	case errors.Is(err, casework.ErrNoteLong):
		form.problem = page{words: v.words}.Count("move.long", casework.NoteMost)
		return c.showMessage(v, http.StatusUnprocessableEntity, refused{move: form})
	}
	return c.failed(v, err)
}

func (c *Console) confirm(v *visit) error {
	id := v.Params("id")
	form := &confirmForm{note: v.form("note")}
	p := page{words: v.words}
	if v.stale {
		form.problem = p.T("move.stale")
		return c.showMessage(v, http.StatusForbidden, refused{confirm: form})
	}
	before, err := c.o.Desk.Confirm(v.ctx, v.entry.Account, casework.Confirmation{ID: id, Note: form.note})
	var first *casework.ConfirmedError
	switch {
	case err == nil && before:
		return see(v, "/messages/"+id+"?done=before#content")
	case err == nil:
		return see(v, "/messages/"+id+"?done=confirmed#content")
	case errors.As(err, &first):
		by := first.By
		if by == "" {
			by = p.T("confirm.leader")
		}
		form.problem = p.T("confirm.first", "who", by)
		return c.showMessage(v, http.StatusConflict, refused{confirm: form})
	case errors.Is(err, casework.ErrNoteLong):
		form.problem = p.Count("move.long", casework.NoteMost)
		return c.showMessage(v, http.StatusUnprocessableEntity, refused{confirm: form})
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
