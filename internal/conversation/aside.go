package conversation

import (
	"lafia/internal/session"
)

// aside is a session that a dial has taken the place of. That dial may be one that
// she gave up before, and that came late (reliability.md F6): nothing on the wire
// tells, so the session waits until she takes a step in the newer one.
type aside struct {
	Live    *live
	Version uint64 // that its latest hop left
	Turned  bool   // a hop of the one before took its place, not a dial
}

// setAside holds the session that she may be in when a dial takes its place: the
// one before or, where that one has itself seen nothing but its dial or has ended,
// the one beside it.
func (t *trip) setAside(old *live) {
	beside := old.Aside
	switch {
	case !t.ussd():
	case beside != nil && (!beside.Turned || old.Done):
		t.live.Aside = &aside{Live: beside.Live, Version: beside.Version}
	case !old.Done:
		t.live.Aside = &aside{Live: old.alone(), Version: t.loaded.Version}
	}
	if a := t.live.Aside; a != nil && t.who.now.Sub(a.Live.At) >= sessionMost {
		t.live.Aside = nil
	}
}

// alone gives a session without the one beside it.
func (l *live) alone() *live {
	if l.Aside == nil {
		return l
	}
	alone := *l
	alone.Aside = nil
	return &alone
}

// turn gives the session that a hop belongs to: the one beside, when it is of that
// one, with the newer one beside it. met is the version that it left.
func (c *Conversation) turn(who caller, loaded session.Loaded, l *live) (now *live, met uint64, turned bool) {
	if l == nil || l.Aside == nil || l.Aside.Live.ID != who.session || who.now.Sub(l.Aside.Live.At) >= sessionMost {
		return l, loaded.Version, false
	}
	back := *l.Aside.Live
	back.Past = nil
	for _, id := range append(l.Past, l.ID) {
		if id != back.ID {
			back.Past = append(back.Past, id)
		}
	}
	if n := len(back.Past); n > maxPast {
		back.Past = back.Past[n-maxPast:]
	}
	if !l.Aside.Turned { // else that hop was a late one, and she is here
		back.Aside = &aside{Live: l.alone(), Version: loaded.Version, Turned: true}
	}
	if u := back.Unfinished; u != nil && u.Run == l.Run { // it went on meanwhile
		back.Unfinished, back.Arrived = c.resumable(l, who.now), l.Done && l.Said
	}
	return &back, l.Aside.Version, true
}

// stepIn forgets the session beside once she takes a step in this one. The step
// that turned back to it is not enough: it may be the late one.
func (t *trip) stepIn() {
	if a := t.live.Aside; a != nil && (!t.turned || t.who.now.Sub(a.Live.At) >= sessionMost) {
		t.live.Aside = nil
	}
}
