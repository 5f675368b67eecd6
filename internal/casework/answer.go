package casework

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"lafia/internal/audit"
	"lafia/internal/programme"
	"lafia/internal/staff"
	"lafia/internal/store"
)

// AnswerMost is how long an answer may be, in characters: two pages of a USSD
// screen, or two SMS.
const AnswerMost = 300

// Why an answer is not kept.
var (
	ErrNoAnswer    = errors.New("an answer has words")
	ErrAnswerLong  = fmt.Errorf("an answer has at most %d characters", AnswerMost)
	ErrPlanChanged = errors.New("what may be sent of an answer is not what it was")
)

// WordsError is returned for an answer whose words should not go by SMS, until
// whoever writes it says that she has seen so.
type WordsError struct{ Words []string }

// Error says how many words there are; which they are may quote somebody.
func (e *WordsError) Error() string {
	return fmt.Sprintf("%d words of the answer should not go by SMS", len(e.Words))
}

// SMS is what is sent of an answer.
type SMS string

// What is sent of an answer (design.md, decision 8).
const (
	NoSMS    SMS = ""       // nothing: she reads it under her reference
	NoticeBy SMS = "notice" // that there is an answer, without code or words
	WordsBy  SMS = "words"  // the answer itself
)

// Silence is why nothing is sent of an answer.
type Silence string

// Why nothing is sent.
const (
	NeverAsked Silence = "asked"   // she never said whether she may be answered
	Declined   Silence = "no"      // she said no
	NotKept    Silence = "number"  // her number is kept no longer
	NoChannel  Silence = "channel" // nothing goes out, or can be dialled, where she came from
)

// Plan is what may be sent of an answer to a message. The first choice is the
// usual one; without a choice nothing is sent, and Why says why.
type Plan struct {
	May []SMS
	Why Silence
}

// Consent is what the person behind a message last said to being answered.
type Consent = store.Consent

// plan says what may be sent: words for L1 alone, and nothing without her consent.
func (d *Desk) plan(row store.SealedSubmission, c Consent, n store.SealedNumber) Plan {
	switch {
	case !c.Known:
		return Plan{Why: NeverAsked}
	case !c.Given:
		return Plan{Why: Declined}
	case n.Sealed == nil || !n.KeepUntil.After(d.now()):
		return Plan{Why: NotKept}
	case d.phones == nil:
		return Plan{Why: NoChannel}
	}
	var p Plan
	if row.Level == programme.L1 {
		p.May = append(p.May, WordsBy)
	}
	if d.phones.Dial(row.Channel) != "" {
		p.May = append(p.May, NoticeBy)
	}
	if len(p.May) == 0 {
		p.Why = NoChannel
	}
	return p
}

// Answering is an answer that staff gives.
type Answering struct {
	ID     string // of the message
	Text   string
	SMS    SMS    // one of the plan's; NoSMS: the usual one
	Once   string // of the form: the same answer with it again is none
	Warned bool   // she has seen which words should not go by SMS
}

// Preview is what becomes of an answer, before it is given.
type Preview struct {
	Plan
	SMS    SMS
	Sent   string   // the SMS's words; empty: none goes
	Parts  Measure  // of the SMS
	Screen Measure  // of what she reads under her reference
	Banned []string // words that should not go by SMS and would
}

// prepared is an answer with all that decides about it.
type prepared struct {
	Preview
	row     store.SealedSubmission
	contact []byte
}

// Preview tells what would become of an answer. It keeps nothing.
func (d *Desk) Preview(ctx context.Context, who staff.Account, a Answering) (Preview, error) {
	p, err := d.prepare(ctx, who, &a)
	return p.Preview, err
}

func (d *Desk) prepare(ctx context.Context, who staff.Account, a *Answering) (prepared, error) {
	var p prepared
	if !who.Role.May("message.answer") {
		return p, ErrNotFound
	}
	a.ID = strings.ToLower(a.ID) // an answer is bound to the id as it is stored
	var err error
	if p.row, err = d.store.SubmissionByID(ctx, who.Scope(), a.ID); err != nil {
		return p, err
	}
	if p.row.Level != programme.L1 && p.row.Level != programme.L2 || !who.Scope().Words {
		return p, ErrNotFound
	}
	a.Text = cleanNote(a.Text)
	switch {
	case a.Text == "":
		return p, ErrNoAnswer
	case utf8.RuneCountInString(a.Text) > AnswerMost:
		return p, ErrAnswerLong
	}
	consent, err := d.store.ConsentOf(ctx, who.Scope(), a.ID)
	if err != nil {
		return p, err
	}
	number, err := d.store.NumberOf(ctx, who.Scope(), a.ID)
	if err != nil {
		return p, err
	}
	p.Plan, p.contact = d.plan(p.row, consent, number), number.Contact
	switch {
	case a.SMS == NoSMS && len(p.May) > 0:
		p.SMS = p.May[0]
	case a.SMS != NoSMS && !slices.Contains(p.May, a.SMS):
		return p, ErrPlanChanged
	default:
		p.SMS = a.SMS
	}
	d.foresee(&p, a.Text)
	return p, nil
}

// foresee says what she will meet: on her screen, and by SMS.
func (d *Desk) foresee(p *prepared, text string) {
	if d.phones == nil {
		return
	}
	lang := p.row.Language
	say := func(key string, args map[string]string) string { return d.phones.Say(lang, key, args) }
	p.Screen = d.phones.Measure(lang, say("reference.reply", map[string]string{"reference": p.row.Reference.String(), "answer": text}))
	switch p.SMS {
	case WordsBy:
		p.Sent = say("sms.answer.words", map[string]string{"answer": text})
		p.Banned = d.phones.banned(text, p.row.PlaceName)
	case NoticeBy:
		p.Sent = say("sms.answer", map[string]string{"dial": d.phones.Dial(p.row.Channel)})
	default:
		return
	}
	p.Parts = d.phones.Measure(lang, p.Sent)
}

// Answer gives an answer: it is kept to be read under the message's reference,
// the message is answered from then on, and what the plan allows goes by SMS, in
// the language of the message. already means that this very answer was given
// before: a form that was sent twice.
func (d *Desk) Answer(ctx context.Context, who staff.Account, a Answering) (already bool, err error) {
	p, err := d.prepare(ctx, who, &a)
	if err != nil {
		return false, err
	}
	if len(p.Banned) > 0 && !a.Warned {
		return false, &WordsError{p.Banned}
	}
	id := d.ring.ID("answer", []byte(a.ID), []byte(who.ID), []byte(a.Once), []byte(a.Text)).UUID()
	n := store.NewAnswer{
		ID: id, SubmissionID: a.ID, StaffID: who.ID, Level: p.row.Level, SMS: string(p.SMS),
		Sealed: d.ring.Seal([]byte(a.Text), "answer/"+a.ID),
	}
	if p.Sent != "" {
		out := d.ring.ID("outbound", []byte("answer"), []byte(id)).UUID()
		n.Send = &store.Outgoing{
			ID: out, Contact: p.contact, Channel: p.row.Channel, Class: "reply", Purpose: "answer", Place: p.row.Place,
			Sealed: d.ring.Seal([]byte(p.Sent), "outbound/"+out),
		}
	}
	fresh, err := d.store.PutAnswer(ctx, who.Scope(), n, d.now(), d.act(who.ID, audit.MessageAnswer, a.ID, id, n.SMS))
	if errors.Is(err, store.ErrMoved) {
		return false, ErrPlanChanged
	}
	return err == nil && !fresh, err
}

// Given is an answer that was given, as a reader gets it.
type Given struct {
	At        time.Time
	StaffID   string
	Staff     string // name
	Text      string
	State     TextState
	ReadAt    time.Time // on her phone; zero: not yet
	SMS       SMS
	Delivery  string // of the SMS, as of a Reply; "": none was sent
	ChangedAt time.Time
}

func (d *Desk) given(ctx context.Context, scope staff.Scope, id string) ([]Given, error) {
	rows, err := d.store.AnswersOf(ctx, scope, id)
	if err != nil {
		return nil, err
	}
	var list []Given
	for _, r := range rows {
		g := Given{At: r.At, StaffID: r.StaffID, Staff: r.Staff, ReadAt: r.ReadAt, SMS: SMS(r.SMS), Delivery: r.Delivery, ChangedAt: r.ChangedAt}
		g.Text, g.State = d.open(scope, r.Sealed, "answer/"+id)
		list = append(list, g)
	}
	return list, nil
}
