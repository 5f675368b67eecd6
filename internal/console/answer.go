package console

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"net/http"
	"strconv"
	"strings"

	"lafia/internal/casework"
)

// answerForm asks for an answer. It is sent twice: once to see what she will
// meet, and once more, with seen, to give it.
type answerForm struct {
	action  string
	once    string // tells a form that was sent twice from a second answer
	text    string
	most    string
	plan    string   // what will happen, when there is no choice
	choices []option // of what is sent, where there is one
	problem string   // what is wrong, in words
	preview *preview // nil: not asked for yet
	again   bool     // there is an answer already
}

// preview is what becomes of an answer.
type preview struct {
	seen   string // the form repeats it
	sent   string // the SMS; empty: none
	size   string // of the SMS
	screen string // how she reads it under her reference
	banned string // words that should not be in an SMS
}

// answerForm gives the form of a message that this reader may answer, or nil.
func (c *Console) answerForm(v *visit, p page, r casework.Record, refused *answerForm) *answerForm {
	if !v.entry.Role.May("message.answer") || !v.entry.Scope().Words {
		return nil
	}
	f := answerForm{once: hex.EncodeToString(c.o.Random(16))}
	chosen := ""
	if refused != nil {
		f, chosen = *refused, v.form("sms")
	}
	f.action, f.most, f.again = root+"/messages/"+r.ID+"/answer", strconv.Itoa(casework.AnswerMost), len(r.Given) > 0
	switch may := r.Plan.May; len(may) {
	case 0:
		f.plan = p.T("answer.none." + string(r.Plan.Why))
	case 1:
		f.plan = p.T("answer.by." + string(may[0]))
	default:
		for i, s := range may {
			f.choices = append(f.choices, option{string(s), p.T("answer.by." + string(s)), string(s) == chosen || chosen == "" && i == 0})
		}
	}
	return &f
}

// answer shows what becomes of an answer, and gives it once that was seen.
func (c *Console) answer(v *visit) error {
	id := v.Params("id")
	p := page{words: v.words}
	f := &answerForm{text: v.form("text"), once: v.form("once")}
	if v.stale {
		f.problem = p.T("move.stale")
		return c.showMessage(v, http.StatusForbidden, refused{answer: f})
	}
	a := casework.Answering{ID: id, Text: f.text, SMS: casework.SMS(v.form("sms")), Once: f.once}
	seen, err := c.o.Desk.Preview(v.ctx, v.entry.Account, a)
	if err == nil && v.form("do") == "give" && v.form("seen") == seal(seen, a) {
		var already bool
		a.SMS, a.Warned = seen.SMS, true
		if already, err = c.o.Desk.Answer(v.ctx, v.entry.Account, a); err == nil {
			done := "answered"
			if already {
				done = "already"
			}
			return see(v, "/messages/"+id+"?done="+done+"#content")
		}
	}
	status := http.StatusUnprocessableEntity
	switch {
	case err == nil:
		status, f.preview = http.StatusOK, p.preview(seen, a)
	case errors.Is(err, casework.ErrNoAnswer):
		f.problem = p.T("answer.empty")
	case errors.Is(err, casework.ErrAnswerLong):
		f.problem = p.Count("answer.long", casework.AnswerMost)
	case errors.Is(err, casework.ErrPlanChanged):
		status, f.problem = http.StatusConflict, p.T("answer.changed")
	default:
		return c.failed(v, err)
	}
	return c.showMessage(v, status, refused{answer: f})
}

// seal tells a preview from any other: what is given is what was seen.
func seal(s casework.Preview, a casework.Answering) string {
	sum := sha256.Sum256([]byte(string(s.SMS) + "\x00" + s.Sent + "\x00" + strings.ReplaceAll(a.Text, "\r\n", "\n")))
	return hex.EncodeToString(sum[:])
}

func (p page) preview(s casework.Preview, a casework.Answering) *preview {
	out := &preview{seen: seal(s, a), sent: s.Sent, banned: strings.Join(s.Banned, ", ")}
	if s.Screen.Pages > 0 {
		out.screen = p.size(s.Screen) + " · " + p.Count("answer.pages", s.Screen.Pages)
	}
	if s.Sent != "" {
		out.size = p.size(s.Parts) + " · " + p.Count("answer.parts", s.Parts.Parts)
	}
	return out
}

func (p page) size(m casework.Measure) string {
	if m.GSM7 {
		return p.Count("answer.units.gsm7", m.Units)
	}
	return p.Count("answer.units.ucs2", m.Units)
}

// given is an answer in the history.
type given struct {
	text, lang string
	state      casework.TextState
	read       string
	sms        string
	alarm      bool // its SMS may not have arrived
}

func (p page) given(g casework.Given, lang string) *given {
	out := &given{text: g.Text, lang: lang, state: g.State, read: p.T("answer.unread"), sms: p.T("answer.sms.none"), alarm: isLost(g.Delivery)}
	if !g.ReadAt.IsZero() {
		out.read = p.T("answer.read", "when", p.moment(g.ReadAt))
	}
	if g.Delivery != "" {
		out.sms = p.T("frame.colon", "label", p.T("answer.sms."+string(g.SMS)), "value", p.T("reply."+g.Delivery))
		if !g.ChangedAt.Equal(g.At) {
			out.sms += " · " + p.moment(g.ChangedAt)
		}
	}
	return out
}
