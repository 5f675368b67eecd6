package conversation

import (
	"context"
	"errors"
	"strings"
	"time"

	"lafia/gateway/message"
	"lafia/internal/flow"
	"lafia/internal/screen"
	"lafia/internal/session"
	"lafia/internal/store"
	"lafia/internal/vault"
)

// errMoved says that someone else saved the session meanwhile: look again.
var errMoved = errors.New("the session moved on")

// maxTries bounds how often a hop looks again after losing compare-and-set. Two
// gateways and a retry make three contenders at the most.
const maxTries = 6

// caller is a hop once the number is gone: from here on nothing else sees it.
type caller struct {
	key     session.Key
	hop     vault.ID
	session string // the aggregator's session, derived
	in      message.Inbound
	now     time.Time
	number  message.Number // only sealed into a confidential call-back
	said    time.Time      // when an SMS was sent, as far as that can be believed; else zero
	late    bool           // it was sent long before it came
	altered bool           // its id was another message's before
}

// Hop answers one USSD hop. It always gives a reply that may be shown; err tells
// what went wrong, for counting.
func (c *Conversation) Hop(ctx context.Context, channel string, in message.Inbound) (message.Reply, error) {
	who := c.caller(channel, in)
	var err error
	for range maxTries {
		var a answered
		if a, err = c.hop(ctx, who); err == nil {
			return message.Reply{SessionID: in.SessionID, From: in.From, Text: a.Text, End: a.End}, nil
		}
		if !errors.Is(err, errMoved) {
			break
		}
	}
	text := c.Words.Words("").Folded("error.notsaved", nil)
	var ns *notSaved
	var nn *notNow
	switch {
	case errors.As(err, &ns):
		text = c.Words.Words(ns.language).Folded("error.notsaved", nil)
	case errors.As(err, &nn):
		text = c.Words.Words(nn.language).Folded("error.busy", nil)
	}
	return message.Reply{SessionID: in.SessionID, From: in.From, Text: text, End: true}, err
}

func (c *Conversation) caller(channel string, in message.Inbound) caller {
	who := c.Ring.Pseudonym(in.From.Reveal())
	sid := c.Ring.ID("session", []byte(channel), who.Bytes(), []byte(in.SessionID)).UUID()
	return caller{
		key:     session.Key{Contact: who, Channel: channel, Medium: string(in.Medium)},
		hop:     c.hopKey(channel, who, in, in.Text),
		session: sid,
		in:      in,
		now:     c.Now(),
		number:  in.From,
	}
}

// hop is the trip of a keypress.
func (c *Conversation) hop(ctx context.Context, who caller) (answered, error) {
	loaded, err := c.Sessions.Load(ctx, who.key) // Redis trip 1
	if err != nil {
		return answered{}, err
	}
	c.Point("loaded")
	l, err := c.openLive(who.key, loaded.Session)
	if err != nil {
		c.Log.Error("a session does not open; the caller begins anew", "channel", who.key.Channel)
		l = nil
	}
	outlive(l, who)
	if in := who.in; !in.Cumulative && !in.Start && in.Sequence == 0 {
		who.hop = c.hopOf(who, loaded.Version, l)
	}
	switch {
	case l == nil:
	case l.ID == who.session && l.isRepeat(who.hop):
		return l.Last, nil // the very reply that it got
	case l.ID == who.session && (l.Done || l.isEarlier(who.hop) || who.in.Sequence > 0 && who.in.Sequence < l.Sequence), l.isPast(who.session):
		return l.reply(), nil
	}
	contact, known := c.openContact(who.key, loaded.Contact)
	t := &trip{c: c, who: who, loaded: loaded, contact: contact, before: loaded.Version}
	if err := t.begin(ctx, l, known); err != nil {
		return answered{}, t.later(err)
	}
	if t.replay != nil {
		return *t.replay, nil
	}
	for t.next() {
		if err := t.take(ctx); err != nil {
			return answered{}, t.later(err)
		}
	}
	if who.in.Cumulative && len(who.in.Text) >= t.live.Used { // a late hop of before takes nothing back
		c.use(t.live, who.in.Text)
	}
	t.live.close(t.who.hop, who.now)
	t.live.Sequence = who.in.Sequence
	if !t.doubled {
		t.live.Asked = false
	}
	if err := t.commit(ctx); err != nil { // only when a run finishes
		return answered{}, err
	}
	t.live.At = c.Now()                 // a repeat is known by how soon behind the reply it comes
	if err := t.save(ctx); err != nil { // Redis trip 2
		if t.finished != nil && !errors.Is(err, errMoved) {
			c.Log.Warn("a finished run's session could not be saved; the run is durable", "channel", who.key.Channel)
			return t.live.Last, nil
		}
		return answered{}, err
	}
	c.Point("saved")
	return t.live.Last, nil
}

// notNow says that a hop needs the record, which is away: she is told to call
// later, and what she said until now stays.
type notNow struct {
	language string
	cause    error
}

func (e *notNow) Error() string { return "not now: " + e.cause.Error() }
func (e *notNow) Unwrap() error { return e.cause }

func (t *trip) later(err error) error {
	if !errors.Is(err, errAway) {
		return err
	}
	language := t.contact.Language
	if t.live != nil {
		language = t.live.Language
	}
	return &notNow{language: language, cause: err}
}

// sessionMost is the longest that an aggregator keeps a session (aggregators.md 1.3).
const sessionMost = 180 * time.Second

// outlive makes a session that ended long ago one of before, when its id comes
// again with a dial: some aggregators use ids twice.
func outlive(l *live, who caller) {
	if l != nil && l.ID == who.session && who.in.Cumulative && who.in.Text == "" && who.now.Sub(l.At) > sessionMost {
		l.ID, l.Last.Key, l.Earlier = l.ID+"/before", nil, nil
	}
}

// trip is one hop under way.
type trip struct {
	c       *Conversation
	who     caller
	loaded  session.Loaded
	before  uint64 // the version that is replaced
	live    *live
	contact remembered
	fresh   bool // the contact was read from the record: cache it

	inputs []string // what is to be taken, in order
	prefix string   // the cumulative text up to the input being taken
	direct bool     // inputs that were dialled ahead: they never commit
	begun  bool     // the first action is a beginning, not an input
	input  string
	action flow.Action
	lost   bool // Redis lost her session, and nothing else knows it

	finished *finished // the run that this hop finishes
	confirms string    // the report by SMS that this hop confirms
	corrects string    // the report that the finished one corrects
	wishes   []wish    // what she said yes or no to
	calls    []called  // her wishes to be called back
	erase    string    // "now", "later" or "keep": what she wants of what is known of her
	erased   bool
	leads    []store.Leader // of the caller, once they were asked for
	enter    string         // the flow that a line of answers is for
	given    map[string]string
	left     *live        // a run that was left and can't be offered again: kept as far as it goes
	doubled  bool         // the input may be a late repeat of the one before
	received bool         // she is told that what she said last has arrived
	open     bool         // by SMS: it is an open message, and she stays where she was
	openRun  string       // the run that she stays in
	shown    screen.Shown // the screen that she stays at
	wasDone  bool
	note     flow.Line // by SMS: the reply to a command; she stays where she was
	silent   bool      // by SMS: no reply
	guessed  string    // by SMS: the language that she wrote in
	replay   *answered // the reply is known already
	away     bool      // the record is: nothing more of this hop asks it
}

func (t *trip) ussd() bool { return t.who.key.Medium == string(message.USSD) }

// begin settles where she stands and what is to be taken.
func (t *trip) begin(ctx context.Context, l *live, known bool) error {
	t.doubled = t.c.mayDouble(t.who, t.loaded.Version, l)
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
	return nil
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
	if in := t.who.in; !in.Cumulative && !in.Start && in.Sequence == 0 {
		t.who.hop = t.c.hopOf(t.who, t.loaded.Version, d) // as a repeat of it will be known
	}
	switch {
	case r.HopRunSet:
		t.again(r)
		return true, nil
	case d == nil:
		return false, nil
	case d.ID != t.who.session:
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

// again gives the last screen of a run that this very hop finished before.
func (t *trip) again(r store.Remembered) {
	t.live = t.c.newLive(t.who.session, t.contact.Language)
	t.live.Shown = t.c.endScreen(t.live, t.who.key, r)
}

func (c *Conversation) newLive(id, language string) *live {
	return &live{ID: id, Book: c.Book.Hash, Language: language}
}

// dialled begins a session: at the menu, at going on after a drop, or with what
// was dialled ahead.
func (t *trip) dialled(old *live, lost bool) {
	t.live = t.c.newLive(t.who.session, t.contact.Language)
	if old != nil {
		t.live.Past = append(old.Past, old.ID)
		if n := len(t.live.Past); n > maxPast {
			t.live.Past = t.live.Past[n-maxPast:]
		}
		t.live.Unfinished = t.c.resumable(old, t.who.now)
		if t.live.Unfinished == nil && old.Cursor.InFlow() && !old.Done {
			t.left = old // it can't be offered again
		}
		t.received = old.Said && old.Done && t.who.now.Sub(old.At) < receivedWithin
		if t.live.Language == "" {
			t.live.Language = old.Language
		}
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
	if t.lost = lost; lost {
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

// next gives the next action, until there is none.
func (t *trip) next() bool {
	switch {
	case t.begun:
		t.begun = false
		t.action = flow.Action{Act: flow.Begin}
		return true
	case len(t.inputs) == 0:
		return false
	}
	if s := t.state(); s != nil && s.Kind == flow.KindText && len(t.inputs) > 1 {
		t.inputs = []string{strings.Join(t.inputs, "*")}
	}
	t.input, t.inputs = t.inputs[0], t.inputs[1:]
	if t.prefix != "" && !strings.HasSuffix(t.prefix, "*") {
		t.prefix += "*"
	}
	t.prefix += t.input
	t.action = t.resolve(t.input)
	return true
}

func (t *trip) state() *flow.State {
	return t.c.book(context.Background(), t.live.Book).State(t.live.Cursor)
}

// resolve says what an input means on the screen that she saw. A turned page
// needs no step.
func (t *trip) resolve(input string) flow.Action {
	m := t.live.Shown.Resolve(input)
	switch m.Kind {
	case screen.Page:
		t.live.Shown = m.Shown
		return flow.Action{}
	case screen.Back:
		return flow.Action{Act: flow.Back}
	case screen.Menu:
		return flow.Action{Act: flow.Menu}
	case screen.Choice:
		return flow.Action{Act: flow.Chose, Value: m.Value, Key: m.Key, Level: m.Level}
	case screen.Text:
		return flow.Action{Act: flow.Typed, Text: m.Text}
	}
	return flow.Action{Act: flow.Wrong}
}

// take lets one action happen: facts, the pure step, its effects, its screen.
func (t *trip) take(ctx context.Context) error {
	if t.action.Act == "" { // a page was turned
		return nil
	}
	if s := t.state(); s != nil && t.action.Act != flow.Begin && (s.Kind == flow.KindSubmit || s.Kind == flow.KindEnd) {
		return nil // a last screen of several pages only turns them
	}
	res, err := t.step(ctx, t.live.Cursor, t.action)
	if err != nil {
		return err
	}
	switch {
	case t.action.Act == flow.Begin:
		if t.enter == "" {
			t.ahead(res.Cursor.State)
		}
		switch {
		case t.live.Language == "":
		case t.lost:
			res.Screen.Hint = flow.Line{Key: "hint.lost"}
		case t.received:
			res.Screen.Hint = flow.Line{Key: "hint.received"}
		}
	case t.doubled && commits(res) && !onlyConsents(res):
		t.live.Asked = true // once: she presses again
		return t.show(ctx, flow.Line{})
	case t.direct && (commits(res) || t.confidential(res)):
		t.inputs = nil // dialled ahead: never a commit, never the confidential flow
		return nil
	case !res.Screen.Hint.IsZero():
		t.inputs = nil // what she meant isn't known from here on: ask her
	}
	return t.apply(ctx, res)
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

// commits reports whether a step makes something durable.
func commits(res flow.Result) bool {
	for _, e := range res.Effects {
		switch e.Kind {
		case flow.Submit, flow.Confirm, flow.Consent, flow.CallMe, flow.Erase:
			return true
		}
	}
	return false
}

// onlyConsents reports whether all that a step makes durable is a yes or no that
// she can take back: it is not asked twice.
func onlyConsents(res flow.Result) bool {
	for _, k := range []flow.EffectKind{flow.Submit, flow.Confirm, flow.CallMe, flow.Erase} {
		if res.Has(k) {
			return false
		}
	}
	return true
}

func (t *trip) confidential(res flow.Result) bool {
	f := t.c.book(context.Background(), t.live.Book).Flows[res.Cursor.Flow]
	return f != nil && f.Level == "L3"
}

// maxRounds bounds how often a step asks for facts: what it needs for the answer,
// for each state that it passes over, and for the screen behind them.
const maxRounds = 16

func (t *trip) step(ctx context.Context, cur flow.Cursor, a flow.Action) (flow.Result, error) {
	b := t.c.book(ctx, t.live.Book)
	env := flow.Env{Medium: t.who.key.Medium, Language: t.live.Language, Resume: t.live.Unfinished != nil, Enter: t.enter, Given: t.given}
	facts := flow.Facts{}
	for range maxRounds {
		res := b.Step(cur, a, env, facts)
		if len(res.Missing) == 0 {
			return res, nil
		}
		for _, n := range res.Missing {
			f, err := t.fact(ctx, n)
			if err != nil {
				return res, err
			}
			facts[n] = f
		}
	}
	return flow.Result{}, errors.New("a step needs more facts than it may ask for")
}

// apply carries a step's effects out and lays its screen out.
func (t *trip) apply(ctx context.Context, res flow.Result) error {
	t.live.Cursor = res.Cursor
	var sub *flow.Submission
	for _, e := range res.Effects {
		switch e.Kind {
		case flow.Entered:
			key := t.c.hopKey(t.who.key.Channel, t.who.key.Contact, t.who.in, t.prefix)
			if !t.who.in.Cumulative {
				key = t.who.hop
			}
			t.live.Run = t.c.Ring.ID("run", key[:], []byte(e.Flow)).UUID()
			t.leave()
			t.live.Unfinished = nil
		case flow.Left:
			t.live.Run = ""
		case flow.Language:
			t.live.Language, t.contact.Language, t.fresh = e.Language, e.Language, true
			if len(t.live.Ahead) > 0 {
				t.inputs, t.direct, t.live.Ahead = t.live.Ahead, true, nil
			}
		case flow.Dropped:
			t.live.Unfinished = nil
		case flow.Resumed:
			return t.resume(ctx)
		case flow.Submit:
			sub = e.Submit
		case flow.Confirm:
			t.confirms = e.ID
		case flow.Consent:
			t.consents(e.Purpose, e.Given)
		case flow.CallMe:
			t.calls = append(t.calls, called{e.Flow, e.State})
		case flow.Erase:
			if t.erase = "keep"; e.Given {
				t.erase = "now"
			}
		}
	}
	if sub != nil {
		return t.finish(ctx, sub, res.Screen)
	}
	t.live.Shown = t.c.layout(res.Screen, t.live.Language, t.who.key)
	return nil
}

// leave keeps what was unfinished and is not taken up: another flow is entered.
func (t *trip) leave() {
	if u := t.live.Unfinished; u != nil && t.left == nil {
		t.left = &live{Cursor: u.Cursor, Run: u.Run, Book: u.Book, Language: t.live.Language}
	}
}

// resume takes the unfinished run up again.
func (t *trip) resume(ctx context.Context) error {
	u := t.live.Unfinished
	t.live.Unfinished = nil
	if u == nil {
		return t.show(ctx, flow.Line{})
	}
	t.live.Book, t.live.Run = u.Book, u.Run
	b := t.c.book(ctx, u.Book)
	t.live.Cursor = b.Resume(u.Cursor, flow.Env{Medium: t.who.key.Medium})
	return t.show(ctx, flow.Line{})
}

// show lays the current state's screen out again, with a hint.
func (t *trip) show(ctx context.Context, hint flow.Line) error {
	res, err := t.step(ctx, t.live.Cursor, flow.Action{Act: flow.Show})
	if err != nil {
		return err
	}
	t.live.Cursor = res.Cursor
	res.Screen.Hint = hint
	t.live.Shown = t.c.layout(res.Screen, t.live.Language, t.who.key)
	return nil
}

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
		t.live.Language = ""
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
