package casework

import (
	"context"
	"time"

	"lafia/internal/audit"
	"lafia/internal/staff"
	"lafia/internal/store"
)

// AboutPerson is what staff ask about the person behind a phone, by her pseudonym.
type AboutPerson struct {
	Contact  []byte
	Reason   string // why; it is sealed
	WithText bool   // her words and the answers to them too
}

// PersonFile is what is held about a person, with words where they were asked for. Of
// what is confidential there is nothing in it.
type PersonFile struct {
	store.Person
	Words map[string]Said // by the id of a message
}

// Said is what a person said, and was answered.
type Said struct {
	Text    string
	State   TextState
	Answers []string // in the order of the message's; "": one that does not open
}

// Person gives what is held about a person, to who may do all. The audit says so
// before she sees anything.
func (d *Desk) Person(ctx context.Context, who staff.Account, a AboutPerson) (PersonFile, error) {
	if who.Role != staff.Administrator {
		return PersonFile{}, ErrNotFound
	}
	p, err := d.store.PersonOf(ctx, a.Contact)
	if err != nil {
		return PersonFile{}, err
	}
	act := d.personAct(who, audit.PersonShow, a)
	act.Count = len(p.Messages)
	if err := d.store.Audit(ctx, act); err != nil {
		return PersonFile{}, err
	}
	f := PersonFile{Person: p}
	if !a.WithText {
		return f, nil
	}
	f.Words = map[string]Said{}
	all := staff.Scope{Words: true}
	for _, m := range p.Messages {
		var s Said
		s.Text, s.State = d.open(all, m.Sealed, "submission/"+m.ID)
		for _, v := range m.Answers {
			text, _ := d.open(all, v.Sealed, "answer/"+m.ID)
			s.Answers = append(s.Answers, text)
		}
		f.Words[m.ID] = s
	}
	return f, nil
}

// personAct names no person: whoever has her number and the keys can tell by the
// fingerprint that it was she.
func (d *Desk) personAct(who staff.Account, what audit.Act, a AboutPerson) audit.Draft {
	e := d.act(who.ID, what, "", string(a.Contact))
	e.Reason = d.ring.Seal([]byte(cleanNote(a.Reason)), reasonBound)
	return e
}

// PersonErased is what became of a person's data.
type PersonErased struct {
	Gone    map[string]int // what there was, by name
	Before  time.Time      // when she was erased before; zero: never
	Stopped bool           // she wants no news: that is kept
	Exports []PersonExport // taken while she was here, newest first
	Spooled int            // records in spools, which may be hers
}

// PersonExport is an export that may hold what was erased.
type PersonExport struct {
	At time.Time
	By string // the account's id, or who ran a command
}

// exportsMost bounds the exports that an erasure lists.
const exportsMost = 50

// ErasePerson erases a person at once, for who may do all. listed writes her on the list
// that is kept outside the record, before she is erased: what a backup brings back is
// erased again by it. Erasing once more does no harm.
func (d *Desk) ErasePerson(ctx context.Context, who staff.Account, a AboutPerson, listed func(store.Erased) error) (PersonErased, error) {
	if who.Role != staff.Administrator {
		return PersonErased{}, ErrNotFound
	}
	var out PersonErased
	was, _, err := d.store.ErasureOf(ctx, a.Contact)
	if err != nil {
		return out, err
	}
	p, err := d.store.PersonOf(ctx, a.Contact)
	if err != nil {
		return out, err
	}
	out.Before, out.Stopped = was.At, was.Stopped
	now := d.now().UTC().Truncate(time.Microsecond)
	if err := d.store.AskErasureNow(ctx, a.Contact, now); err != nil {
		return out, err
	}
	if err := listed(store.Erased{Contact: a.Contact, At: now, Whole: true, Stopped: was.Stopped}); err != nil {
		return out, err
	}
	act := d.personAct(who, audit.PersonErase, a)
	if out.Gone, err = d.store.EraseAll(ctx, store.Erasure{Contact: a.Contact, At: now, Whole: true}, now, &act); err != nil {
		return out, err
	}
	if out.Spooled, err = d.store.Spooled(ctx); err != nil {
		return out, err
	}
	if len(p.Messages) == 0 {
		return out, nil
	}
	entries, err := d.store.ExportsSince(ctx, p.Messages[0].ReceivedAt, exportsMost)
	for _, e := range entries {
		out.Exports = append(out.Exports, PersonExport{e.At, e.Actor})
	}
	return out, err
}
