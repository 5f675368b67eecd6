package conversation

import (
	"context"
	"slices"
	"strings"
	"time"

	"lafia/gateway/message"
	"lafia/internal/flow"
	"lafia/internal/screen"
	"lafia/internal/store"
	"lafia/internal/vault"
)

// sessionMost is the longest that an aggregator keeps a session (aggregators.md 1.3).
const sessionMost = 180 * time.Second

// outlive makes a session that ended long ago one of before, when its id comes
// again with a dial: some aggregators use ids twice.
func outlive(l *live, who caller) {
	if l != nil && l.ID == who.session && who.in.Cumulative && who.in.Text == "" && who.now.Sub(l.At) > sessionMost {
		l.ID, l.Last.Key, l.Earlier = l.ID+"/before", nil, nil
	}
}

// renamed gives a session under the id that its aggregator has changed in the
// middle (reliability.md 2.1): its cumulative text goes on where that of a moment ago
// ended. As it may be a dial with all of it behind the code as well, it makes nothing
// durable, and shows nothing of a confidential call.
func (c *Conversation) renamed(who caller, l *live) (*live, bool) {
	if l == nil || !who.in.Cumulative || l.ID == who.session || l.isPast(who.session) || l.Done || l.Used == 0 || who.now.Sub(l.At) >= sessionMost {
		return l, false
	}
	rest, ok := c.unused(l, who.in.Text)
	if !ok || rest == "" || c.book(context.Background(), l.Book).LevelOf(l.Cursor) == "L3" {
		return l, false
	}
	if next, _, _ := strings.Cut(rest, "*"); l.Shown.Resolve(next).Kind == screen.Wrong {
		return l, false // no key of her screen: all of it was dialled, by a dial that may be late
	}
	now := *l
	now.Past = append(slices.Clip(l.Past), l.ID)
	if n := len(now.Past); n > maxPast {
		now.Past = now.Past[n-maxPast:]
	}
	now.ID = who.session
	c.use(&now, who.in.Text[:l.Used])
	return &now, true
}

// begin settles where she stands and what is to be taken.
func (t *trip) begin(ctx context.Context, l *live, known bool) error {
	t.doubled = t.c.mayDouble(t.who, t.met, l)
	same := l != nil && l.ID == t.who.session
	if same {
		t.live = l
		if !known {
			t.contact.Language = l.Language
			t.fresh = true
		}
		return t.continued(ctx)
	}
	lost := t.loaded.Unknown || !t.loaded.Began.IsZero() && t.who.now.Sub(t.loaded.Began) < lostWindow
	if !known || l == nil && lost {
		back, err := t.recall(ctx, l, lost, known)
		if err != nil || back {
			return err
		}
	}
	t.dialled(l, lost && l == nil && t.c.seenRecently(t.contact, t.who.now))
	return nil
}

// lostWindow is how long after Redis began empty a session may be one that it
// lost: longer than any aggregator keeps a session (180 s).
const lostWindow = 4 * time.Minute

// seenRecently reports whether a caller may have been in a session lately. One
// that nothing is known of may have been.
func (c *Conversation) seenRecently(r remembered, now time.Time) bool {
	return r.SeenAt.IsZero() || now.Sub(r.SeenAt) < 10*time.Minute
}

// continued takes what this hop adds to a session under way.
func (t *trip) continued(ctx context.Context) error {
	in := t.who.in
	if !in.Cumulative {
		t.inputs = []string{in.Text}
		t.stepIn()
		return nil
	}
	rest, ok := t.c.unused(t.live, in.Text)
	if !ok || rest == "" {
		// A late hop of before, or a text that does not go on from what was taken.
		a := t.live.reply()
		t.replay = &a
		return nil
	}
	t.prefix = in.Text[:len(in.Text)-len(rest)]
	// More than one input where a choice is waited for: hops before this one never
	// came. At a text screen it is one input, whatever it holds (see next).
	t.inputs = strings.Split(rest, "*")
	s := t.state()
	if len(t.inputs) > 1 && (s == nil || s.Kind != flow.KindText) && t.repeated(ctx) {
		return nil
	}
	if len(t.inputs) > 1 && s != nil && s.Kind == flow.KindResume {
		// Whether she goes on she says by one key. More at once is a late copy of a call
		// whose first hops were forgotten: none of it was meant for what she left.
		t.inputs = nil
		t.stepIn()
		return t.show(ctx, flow.Line{})
	}
	// After an apology for a lost session she presses one key. More at once is what
	// was pressed before it, and late; or words that hold the sign between inputs, so
	// it is refused once.
	t.direct = t.direct || t.live.Lost && len(t.inputs) > 1
	t.stepIn()
	return nil
}

// repeated reports whether a hop with inputs that this session never saw is known
// to the record: it finished a run before Redis forgot that, and gets its last
// screen again.
func (t *trip) repeated(ctx context.Context) bool {
	r, known := t.captured(ctx, t.who.hop)
	if !known {
		return false
	}
	ended := t.c.newLive(t.who.session, t.live.Language)
	ended.Shown = t.c.endScreen(ended, t.who.key, r)
	a := ended.reply()
	t.replay = &a
	return true
}

// captured looks in the record for a run by one of its identities: the hop that
// finished it, or the run itself. Where the record is away nothing is known.
func (t *trip) captured(ctx context.Context, identity vault.ID) (r store.Remembered, known bool) {
	err := t.ask(ctx, func(ctx context.Context) (err error) {
		r, err = t.c.Store.Remember(ctx, t.who.key.Contact[:], t.who.key.Channel, t.who.key.Medium, identity[:], t.who.now)
		return err
	})
	return r, err == nil && r.HopRunSet
}

// recall reads what the record knows of a caller whom Redis does not know well
// enough. It reports whether she is back where she was.
func (t *trip) recall(ctx context.Context, l *live, lost, cached bool) (bool, error) {
	var r store.Remembered
	err := t.ask(ctx, func(ctx context.Context) (err error) {
		r, err = t.c.Store.Remember(ctx, t.who.key.Contact[:], t.who.key.Channel, t.who.key.Medium, t.who.hop[:], t.who.now)
		return err
	})
	if err != nil {
		// The record is away: she goes on with what is known, and nothing is
		// promised until a commit.
		t.c.Log.Warn("the record is away; a caller goes on without it", "error", store.Class(err))
		if l == nil { // higher than that of the draft there, which is void from here on
			t.loaded.Version = max(t.loaded.Version, t.c.drafts.version(t.who.key), uint64(t.who.now.UnixMilli()))
		}
		return false, nil
	}
	if !cached {
		t.contact, t.fresh = rememberedOf(r.Contact), true
	}
	if l != nil {
		return false, nil
	}
	t.before = 0
	d := t.c.draftOf(t.who.key, r.Draft)
	outlive(d, t.who)
	t.loaded.Version = max(t.loaded.Version, r.Draft.Version, t.c.drafts.version(t.who.key))
	if t.who.uncounted() {
		t.who.hop = t.c.hopOf(t.who, t.loaded.Version, d) // as a repeat of it will be known
	}
	switch {
	case r.HopRunSet:
		t.again(r)
		return true, nil
	case d == nil:
		return false, nil
	case d.ID != t.who.session:
		t.spooled = d.Cursor.InFlow() && !d.Done && t.maySpool(ctx)
		t.dialled(d, lost && t.c.seenRecently(t.contact, t.who.now))
		return true, nil
	}
	if r.Contact.AnswerAt.After(d.At) { // what is taken now came before that yes or no
		t.contact.Answer = ""
	}
	t.live = d
	if d.isRepeat(t.who.hop) {
		a := d.Last
		t.replay = &a
		return true, nil
	}
	rest, ok := t.c.unused(d, t.who.in.Text)
	if !t.who.in.Cumulative || !ok || rest == "" {
		return true, t.show(ctx, flow.Line{Key: "hint.lost"})
	}
	t.prefix = t.who.in.Text[:len(t.who.in.Text)-len(rest)]
	t.inputs = strings.Split(rest, "*")
	return true, nil
}

// maySpool reports whether what she finished may lie in a spool, this gateway's or
// another's, where Redis and a gateway's memory are gone: the record would still have
// her draft of it.
func (t *trip) maySpool(ctx context.Context) bool {
	if t.c.Spool != nil && t.c.Spool.PendingFor(t.who.key.Contact[:]) {
		return true
	}
	if t.c.Elsewhere == nil {
		return false
	}
	may := false
	err := t.ask(ctx, func(ctx context.Context) (err error) {
		may, err = t.c.Elsewhere(ctx)
		return err
	})
	return may || err != nil
}

// again gives the last screen of a run that this very hop finished before.
func (t *trip) again(r store.Remembered) {
	t.live = t.c.newLive(t.who.session, t.contact.Language)
	t.live.Shown = t.c.endScreen(t.live, t.who.key, r)
}

func (c *Conversation) newLive(id, language string) *live {
	return &live{ID: id, Book: c.Book.Hash, Language: language}
}

// anew numbers a session that nothing is known before: higher than any of hers,
// whose draft may lie in the record though Redis forgot it.
func (t *trip) anew() {
	if t.loaded.Version == 0 {
		t.loaded.Version = uint64(t.who.now.UnixMilli())
	}
}

// dialled begins a session: at the menu, at going on after a drop, or with what
// was dialled ahead.
func (t *trip) dialled(old *live, lost bool) {
	t.anew()
	if t.who.uncounted() {
		t.who.hop = t.c.inputKey(t.who, t.loaded.Version) // as a repeat of it will be known
	}
	t.live = t.c.newLive(t.who.session, t.contact.Language)
	if old != nil {
		t.live.Past = append(old.Past, old.ID)
		if n := len(t.live.Past); n > maxPast {
			t.live.Past = t.live.Past[n-maxPast:]
		}
		t.live.Unfinished = t.c.resumable(old, t.who.now)
		switch {
		case t.spooled:
			t.live.Unfinished = nil
		case t.live.Unfinished == nil && old.Cursor.InFlow() && !old.Done:
			t.left = old // it can't be offered again
		}
		t.received = old.Said && old.Done && t.who.now.Sub(old.At) < receivedWithin
		if t.live.Language == "" {
			t.live.Language = old.Language
		}
		t.setAside(old)
	}
	t.begun = true
	in := t.who.in
	tail := in.Text
	if !in.Cumulative {
		tail = dialledAhead(in)
	}
	if tail == "" {
		return
	}
	// The tail of a first request was dialled; a text that holds all so far may be
	// the middle of a call.
	if lost = lost && in.Cumulative; lost {
		t.lost, t.live.Lost = true, true
		return
	}
	t.inputs, t.direct = strings.Split(tail, "*"), true
}

// receivedWithin is how long after a finished run the next dial first says that
// it arrived: its last screen may have been lost (reliability.md 2.7).
const receivedWithin = 10 * time.Minute

// dialledAhead gives what was dialled behind the service code on an aggregator
// of single inputs, whose first request may carry all that was dialled
// (*384*1*107# behind *384#) or what came behind the code (1*107).
func dialledAhead(in message.Inbound) string {
	code, text := strings.TrimSuffix(in.To, "#"), strings.TrimSuffix(strings.TrimSpace(in.Text), "#")
	if !in.Start || text == "" {
		return ""
	}
	if tail, ok := strings.CutPrefix(text, code+"*"); ok && code != "" {
		return tail
	}
	// Some give the tail alone, and some the code without its star.
	if strings.Trim(text, "0123456789*") != "" || text[0] == '*' || text == strings.Trim(code, "*") {
		return ""
	}
	return text
}

// resumable gives the run that may be taken up again: in life, of level L1, and
// inside a flow. The caller is never told which.
func (c *Conversation) resumable(l *live, now time.Time) *unfinished {
	u := l.Unfinished
	if l.Cursor.InFlow() && !l.Done {
		b := c.book(context.Background(), l.Book)
		f := b.Flows[l.Cursor.Flow]
		if f == nil || b.LevelOf(l.Cursor) != "L1" || l.Run == "" {
			return nil
		}
		u = &unfinished{Cursor: l.Cursor, Run: l.Run, Book: l.Book, Until: l.At.Add(f.Life())}
	}
	if u == nil || !now.Before(u.Until) {
		return nil
	}
	return u
}

// ahead settles what becomes of inputs that were dialled ahead: they go on from
// the menu, wait for the language, and are void where she must first say
// whether to go on after a drop.
func (t *trip) ahead(state string) {
	switch state {
	case "menu":
	case "language":
		t.live.Ahead, t.inputs = t.inputs, nil
	default:
		t.inputs = nil
	}
}
