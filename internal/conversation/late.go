package conversation

import "time"

// at gives when something was said, as far as is known: months go by it.
func (w caller) at() time.Time {
	if w.said.IsZero() {
		return w.now
	}
	return w.said
}

// when gives when a late message was said, and else when it came: a clock that
// runs a few minutes off moves no wish before another one.
func (w caller) when() time.Time {
	if w.late {
		return w.said
	}
	return w.now
}

// stale reports whether a late message was sent before she was asked what she is
// asked now: it cannot be the answer.
func (t *trip) stale() bool { return t.who.late && t.live.At.After(t.who.said) }

// askedAt is when what is on her screen was asked: in a backlog that is gone
// through, when she sent what led there.
func (t *trip) askedAt() time.Time {
	at := t.who.when()
	if t.who.late && t.live.At.After(at) {
		return t.live.At // she stays where she was
	}
	return at
}
