package conversation

import (
	"context"
	"errors"
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
	var done *trip
	for range maxTries {
		var a answered
		if a, err = c.hop(ctx, who, &done); err == nil {
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

// hop is the trip of a keypress. done is the one before, when it finished a run, or
// asked for a call, and found its session moved.
func (c *Conversation) hop(ctx context.Context, who caller, done **trip) (answered, error) {
	c.drop(ctx, who.key)
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
	l, met, turned := c.turn(who, loaded, l)
	l, renamed := c.renamed(who, l)
	if who.uncounted() {
		who.hop = c.hopOf(who, met, l)
	}
	switch {
	case l == nil && *done != nil: // Redis forgot her session meanwhile, and the spool's record is not there yet
		return (*done).instead(ctx, loaded), nil
	case l == nil:
	case *done != nil && l.ID == who.session && !l.Done && l.isRepeat(who.hop):
		return (*done).instead(ctx, loaded), nil
	case l.ID == who.session && l.isRepeat(who.hop):
		return l.Last, nil // the very reply that it got
	case l.ID == who.session && (l.Done || l.isEarlier(who.hop) || who.in.Sequence > 0 && who.in.Sequence < l.Sequence), l.isPast(who.session):
		return l.reply(), nil
	}
	if turned && who.uncounted() {
		who.hop = c.inputKey(who, loaded.Version) // as a repeat of it will be known
	}
	contact, known := c.openContact(who.key, loaded.Contact)
	t := &trip{c: c, who: who, loaded: loaded, contact: contact, before: loaded.Version, met: met, turned: turned, direct: renamed}
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
	t.live.At = c.Now() // a repeat is known by how soon behind the reply it comes
	err = t.save(ctx)   // Redis trip 2
	if err != nil && t.finished != nil && !errors.Is(err, errMoved) {
		err = t.save(ctx) // without her session, late copies of its hops would begin one
	}
	if err != nil {
		if t.finished != nil && !errors.Is(err, errMoved) {
			c.Log.Warn("a finished run's session could not be saved; the run is durable", "channel", who.key.Channel)
			t.forget(ctx)
			return t.live.Last, nil
		}
		if t.durable() {
			*done = t
		}
		return answered{}, err
	}
	c.Point("saved")
	return t.live.Last, nil
}

// instead puts the session of what was made durable in the place of none, or of one that
// another gateway began anew for a copy of this very hop, because Redis and it knew of no
// session: she must not be asked for it again.
func (t *trip) instead(ctx context.Context, loaded session.Loaded) answered {
	t.loaded, t.before = loaded, loaded.Version
	if err := t.save(ctx); err != nil {
		t.c.Log.Warn("a session could not be saved; what she said last is durable", "channel", t.who.key.Channel)
	}
	return t.live.Last
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

// trip is one hop under way.
type trip struct {
	c       *Conversation
	who     caller
	loaded  session.Loaded
	before  uint64 // the version that is replaced
	met     uint64 // the version that her session's latest hop left
	turned  bool   // her session was beside a newer one
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
	spooled  bool         // something of hers may lie in a spool: her draft may be of what was finished
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
