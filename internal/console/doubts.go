package console

import (
	"errors"
	"net/http"
	"slices"

	"lafia/internal/casework"
)

// doubtRow is a message of which nobody knows whether it went out.
type doubtRow struct {
	action      string
	back        string // where the answer leads: a path below the console
	what        string
	channel     string
	when, stamp string
	href        string // of the submission
	reference   string
}

type doubtsView struct {
	page
	rows    []doubtRow
	problem string
}

// doubtDones are what the pages say was decided, by their address.
var doubtDones = []string{"again", "left", "already"}

func (c *Console) doubts(v *visit) error { return c.showDoubts(v, http.StatusOK, "") }

func (c *Console) showDoubts(v *visit, status int, problem string) error {
	list, err := c.o.Desk.Doubts(v.ctx, v.entry.Account)
	if err != nil {
		return c.failed(v, err)
	}
	view := doubtsView{page: c.page(v, "doubts", "doubts.title", root+"/doubts"), problem: problem}
	if n := v.Query("done"); v.Method() == http.MethodGet && slices.Contains(doubtDones, n) {
		view.notice = "doubts.done." + n
	}
	for _, d := range list {
		view.rows = append(view.rows, view.doubt(d, "/doubts"))
	}
	return render(v, status, doubtsPage(view))
}

func (p page) doubt(d casework.Uncertain, back string) doubtRow {
	what := "doubts.what." + d.Class
	if d.Purpose != "" {
		what = "doubts.what." + d.Purpose
	}
	ref := d.Reference
	if len(ref) == 8 {
		ref = ref[:4] + "-" + ref[4:]
	}
	return doubtRow{
		action: root + "/doubts/" + d.ID, back: back, what: p.T(what), channel: d.Channel, when: p.moment(d.At), stamp: stamp(d.At),
		href: root + "/messages/" + d.SubmissionID, reference: ref,
	}
}

// decide sends a message in doubt again, or leaves it.
func (c *Console) decide(v *visit) error {
	p := page{words: v.words, now: c.o.Now().UTC()}
	back := "/doubts"
	if b := v.form("back"); localPath(root + b) {
		back = b
	}
	do := v.form("do")
	if do != "again" && do != "left" {
		return c.showDoubts(v, http.StatusUnprocessableEntity, p.T("doubts.choose"))
	}
	already, err := c.o.Desk.Decide(v.ctx, v.entry.Account, casework.Deciding{ID: v.Params("doubt"), Again: do == "again"})
	var first *casework.DecidedError
	switch {
	case err == nil && already:
		do = "already"
	case err == nil:
	case errors.As(err, &first):
		who := first.By
		if who == "" {
			who = p.T("history.program")
		}
		key := "doubts.first.left"
		if first.Again {
			key = "doubts.first.again"
		}
		return c.showDoubts(v, http.StatusConflict, p.T(key, "who", who, "when", p.moment(first.At)))
	case errors.Is(err, casework.ErrSettled):
		return c.showDoubts(v, http.StatusConflict, p.T("doubts.settled"))
	case errors.Is(err, casework.ErrNoNumber):
		return c.showDoubts(v, http.StatusConflict, p.T("doubts.number"))
	case errors.Is(err, casework.ErrTextGone):
		return c.showDoubts(v, http.StatusConflict, p.T("doubts.text"))
	default:
		return c.failed(v, err)
	}
	return see(v, back+"?done="+do+"#content")
}

// sentView is what is to be decided, and was, about what was sent for a message.
type sentView struct {
	open    []doubtRow // none: nothing is in doubt, or this role decides nothing
	decided []moment
}

func (c *Console) sentView(v *visit, p page, id string) (sentView, error) {
	var view sentView
	open, decided, err := c.o.Desk.DoubtsOf(v.ctx, v.entry.Scope(), id)
	if err != nil {
		return view, err
	}
	if v.entry.Role.May("doubt") {
		for _, d := range open {
			view.open = append(view.open, p.doubt(d, "/messages/"+id))
		}
	}
	for _, d := range decided {
		m := moment{at: d.At, who: d.Staff, what: p.T("doubts.decided.left")}
		if d.Again != "" {
			m.what = p.T("frame.colon", "label", p.T("doubts.decided.again"), "value", p.became(d))
		}
		view.decided = append(view.decided, m)
	}
	return view, nil
}

// firstWent is why a message was not sent that was to go in the place of another:
// the outbox's words.
const firstWent = "the first one went after all"

func (p page) became(d casework.Decided) string {
	if d.State == "failed" && d.Reason == firstWent {
		return p.T("doubts.became.first")
	}
	return p.T("reply." + d.State)
}
