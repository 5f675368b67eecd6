package conversation

import (
	"slices"
	"time"

	"lafia/internal/session"
)

// aside is a session that a dial has taken the place of. That dial may be one that
// she gave up before, and that came late (reliability.md F6): nothing on the wire
// tells, so the session waits until she takes a step in the newer one. Several late
// dials may come together, when a gateway wakes up and finds them in its sockets.
type aside struct {
	Live    *live
	Version uint64 // that its latest hop left
	Turned  bool   // a hop of the one before took its place, not a dial
}

// maxAside bounds how many sessions wait beside one.
const maxAside = 3

// setAside holds the sessions that she may be in when a dial takes the place of
// the latest: that one, unless it has ended, and those beside it.
func (t *trip) setAside(old *live) {
	if !t.ussd() {
		return
	}
	var beside []aside
	if !old.Done {
		beside = append(beside, aside{Live: old.alone(), Version: t.loaded.Version})
	}
	for _, a := range old.Aside {
		a.Turned = false
		beside = append(beside, a)
	}
	t.live.Aside = alive(beside, t.who.now)
}

// alive gives the latest of those beside that an aggregator may still keep.
func alive(beside []aside, now time.Time) []aside {
	var out []aside
	for _, a := range beside {
		if now.Sub(a.Live.At) < sessionMost && len(out) < maxAside {
			out = append(out, a)
		}
	}
	return out
}

// alone gives a session without those beside it.
func (l *live) alone() *live {
	if l.Aside == nil {
		return l
	}
	alone := *l
	alone.Aside = nil
	return &alone
}

// turn gives the session that a hop belongs to: one beside, when it is of that
// one, with the newer one beside it. met is the version that it left.
func (c *Conversation) turn(who caller, loaded session.Loaded, l *live) (now *live, met uint64, turned bool) {
	if l == nil || l.ID == who.session {
		return l, loaded.Version, false
	}
	beside := alive(l.Aside, who.now)
	i := slices.IndexFunc(beside, func(a aside) bool { return a.Live.ID == who.session })
	if i < 0 {
		return l, loaded.Version, false
	}
	found := beside[i]
	back := *found.Live
	back.Past = nil
	for _, id := range append(l.Past, l.ID) {
		if id != back.ID {
			back.Past = append(back.Past, id)
		}
	}
	if n := len(back.Past); n > maxPast {
		back.Past = back.Past[n-maxPast:]
	}
	if !found.Turned { // else the hop that took its place was a late one, and she is here
		latest := aside{Live: l.alone(), Version: loaded.Version, Turned: true}
		back.Aside = append([]aside{latest}, slices.Delete(beside, i, i+1)...)
	}
	if u := back.Unfinished; u != nil && u.Run == l.Run { // it went on meanwhile
		back.Unfinished, back.Arrived = c.resumable(l, who.now), l.Done && l.Said
	}
	return &back, found.Version, true
}

// stepIn forgets the sessions beside once she takes a step in this one. The step
// that turned back to it is not enough: it may be the late one.
func (t *trip) stepIn() {
	if t.turned {
		t.live.Aside = alive(t.live.Aside, t.who.now)
		return
	}
	t.live.Aside = nil
}
