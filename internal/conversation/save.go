package conversation

import (
	"context"
	"time"

	"lafia/gateway/message"
	"lafia/internal/flow"
	"lafia/internal/session"
)

// lives of what Redis keeps.
const (
	ussdLife    = flow.DefaultDraftLife + time.Minute
	smsLife     = 24 * time.Hour
	contactLife = 24 * time.Hour
)

// draftLife is how long an unfinished run is kept: by SMS, one question a message,
// she has a day.
func draftLife(f *flow.Flow, medium string) time.Duration {
	if medium == string(message.SMS) {
		return max(f.Life(), smsLife)
	}
	return f.Life()
}

// save stores the session for the next hop, if nobody did meanwhile, and leaves
// its trace to be written behind.
func (t *trip) save(ctx context.Context) error {
	if t.erased {
		t.live.Language, t.live.Aside = "", nil
	}
	plain := t.live.pack()
	v := session.Saved{Version: t.loaded.Version + 1, Session: t.c.Ring.SealSession(plain, bound(t.who.key)), Life: ussdLife}
	if t.who.key.Medium == string(message.SMS) {
		v.Life = smsLife
	}
	if f := t.c.book(ctx, t.live.Book).Flows[t.live.Cursor.Flow]; f != nil && !t.live.Done {
		v.Life = max(v.Life, f.Life()+time.Minute)
	}
	if t.fresh || t.erased || t.loaded.Contact == nil {
		r := t.contact
		r.Language, r.SeenAt = t.live.Language, t.who.now
		if t.erased {
			r = remembered{SeenAt: t.who.now}
		}
		b := r.pack()
		v.Contact, v.ContactLife = t.c.Ring.SealSession(b, contactBound(t.who.key)), contactLife
	}
	ok, err := t.c.Sessions.Save(ctx, t.who.key, t.before, v)
	if err != nil {
		return err
	}
	if !ok {
		return errMoved
	}
	if t.loaded.Unknown {
		if err := t.c.Sessions.Begin(ctx, t.who.now); err != nil {
			t.c.Log.Warn("could not note that Redis began anew")
		}
	}
	if t.live.Aside != nil {
		plain = t.live.alone().pack() // what is beside it may be confidential
	}
	t.trace(v.Version, plain)
	return nil
}

// trace leaves the draft to be written behind: never of a confidential flow,
// whose draft stays at the menu that she came from.
func (t *trip) trace(version uint64, plain []byte) {
	if t.erased {
		return
	}
	tr := draft{
		key: t.who.key, language: t.live.Language, version: version, at: t.who.now,
		expires: t.who.now.Add(flow.DefaultDraftLife),
	}
	f := t.c.book(context.Background(), t.live.Book).Flows[t.live.Cursor.Flow]
	switch {
	case f == nil, t.live.Done, t.finished != nil && !t.open:
		tr.ended = true
	case f.Level == "L3":
		tr.keep = true
	default:
		tr.plain, tr.run = plain, t.live.Run
		tr.expires = t.who.now.Add(draftLife(f, t.who.key.Medium))
	}
	t.c.drafts.put(tr)
}

// draft is what a hop leaves to be written behind.
type draft struct {
	key      session.Key
	language string
	version  uint64
	run      string
	plain    []byte // nil: no draft
	ended    bool   // a draft of before is void
	keep     bool   // the draft that waits, if any, stands: she is in the confidential flow
	at       time.Time
	expires  time.Time
}
