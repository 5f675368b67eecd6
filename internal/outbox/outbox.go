// Package outbox sends what was decided to be sent. The guard is a row in
// PostgreSQL: an attempt is committed before the request is made and its
// outcome after, so a crash between the two leaves a message that is marked
// ambiguous and not sent a second time.
package outbox

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"golang.org/x/time/rate"

	"lafia/gateway/message"
	"lafia/internal/gsm"
	"lafia/internal/store"
)

// Transport makes an adapter's request. wrote tells whether the request had been
// written when err happened: what was not written was surely not sent.
type Transport interface {
	Do(ctx context.Context, channel string, r message.HTTPRequest) (status int, body []byte, err error, wrote bool)
}

// Channel is one way out.
type Channel struct {
	Sender  message.Sender
	Account message.Account
	From    string
	Rate    float64 // segments a second; 0: no bound
}

// Opener opens what is sealed, for the moment of sending.
type Opener interface {
	OpenNumber(contact, sealed []byte) (message.Number, error)
	OpenReply(id string, sealed []byte) (string, error)
	ExternalID(channel, id string) []byte
}

// Options are the parts of an Outbox. All are needed.
type Options struct {
	Store     *store.Store
	Opener    Opener
	Channels  map[string]Channel
	Transport Transport
	Now       func() time.Time
	Log       *slog.Logger
	// Count is told each attempt's channel and verdict. May be nil.
	Count func(channel, verdict string)
}

// Outbox sends messages.
type Outbox struct {
	Options
	pace   map[string]*rate.Limiter
	tokens *tokens
}

// New makes an outbox.
func New(o Options) *Outbox {
	if o.Count == nil {
		o.Count = func(string, string) {}
	}
	b := &Outbox{Options: o, pace: map[string]*rate.Limiter{}, tokens: newTokens()}
	for name, c := range o.Channels {
		if c.Rate > 0 {
			b.pace[name] = rate.NewLimiter(rate.Limit(c.Rate), max(1, int(c.Rate)))
		}
	}
	return b
}

// giveUp is how old a reply may be when it is sent: later it makes no sense to
// its reader any more.
const giveUp = 48 * time.Hour

// callTimeout bounds one request to an aggregator, attemptTimeout all that an
// attempt does: waiting for its turn, a token and its renewal, and the request.
const (
	callTimeout    = 20 * time.Second
	attemptTimeout = 35 * time.Second
)

// ErrAgain says that a message was surely not sent and should be tried again.
var ErrAgain = errors.New("not sent, to be tried again")

// Send makes one attempt at one message. ErrAgain asks for another one later;
// nil means that there is nothing more to do.
func (o *Outbox) Send(ctx context.Context, id string, queuedAt time.Time) error {
	m, err := o.Store.Outbound(ctx, id)
	if err != nil {
		if store.IsNotFound(err) {
			return nil
		}
		return err
	}
	ok, err := o.Store.BeginAttempt(ctx, id, o.Now())
	if err != nil || !ok {
		return err
	}
	out, segments := o.attempt(ctx, m, queuedAt)
	o.Count(m.Channel, string(out.Verdict))
	state := map[message.Verdict]string{
		message.Sent: "sent", message.Rejected: "failed", message.Retry: "queued", message.Ambiguous: "ambiguous",
	}[out.Verdict]
	var external []byte
	if out.ExternalID != "" {
		external = o.Opener.ExternalID(m.Channel, out.ExternalID)
	}
	end, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	if err := o.Store.EndAttempt(end, id, store.AttemptEnd{
		Verdict: string(out.Verdict), State: state, ExternalID: external, Reason: out.Reason, Parts: out.Parts, Segments: segments,
	}, o.Now()); err != nil {
		return err
	}
	o.Log.Info("attempt to send", "channel", m.Channel, "class", m.Class, "verdict", out.Verdict, "reason", out.Reason)
	if out.Verdict == message.Retry {
		return ErrAgain
	}
	return nil
}

// attempt makes the request, and tells how many segments the text has. What
// can't be built is rejected: it would never go.
func (o *Outbox) attempt(ctx context.Context, m store.Outbound, queuedAt time.Time) (out message.Outcome, segments int) {
	reject := func(why string) (message.Outcome, int) {
		return message.Outcome{Verdict: message.Rejected, Reason: why}, 0
	}
	ch, ok := o.Channels[m.Channel]
	switch {
	case !ok || ch.Sender == nil:
		return reject("the channel is not configured or cannot send")
	case m.Number == nil:
		return reject("the number was let go")
	case o.Now().Sub(queuedAt) > giveUp:
		return reject("too old to be sent")
	}
	number, err := o.Opener.OpenNumber(m.Contact, m.Number)
	if err != nil {
		return reject("the number does not open")
	}
	text, err := o.Opener.OpenReply(m.ID, m.Sealed)
	if err != nil {
		return reject("the text does not open")
	}
	_, _, segments = gsm.Measure(text)
	ctx, cancel := context.WithTimeout(ctx, attemptTimeout)
	defer cancel()
	if err := o.wait(ctx, m.Channel, segments); err != nil {
		return message.Outcome{Verdict: message.Retry, Reason: "the channel's rate is used up"}, segments
	}
	out = o.exchange(ctx, ch, m.Channel, message.Outbound{ID: m.ID, From: ch.From, To: number, Text: text})
	if out.Verdict == "" {
		out.Verdict, out.Reason = message.Ambiguous, "the adapter gave no verdict"
	}
	return out, segments
}

// wait holds a message until its channel's rate allows its segments, at most 5 s.
func (o *Outbox) wait(ctx context.Context, channel string, segments int) error {
	l := o.pace[channel]
	if l == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	return l.WaitN(ctx, min(segments, l.Burst()))
}
