// Package outbox sends what was decided to be sent. The guard is a row in
// PostgreSQL: an attempt is committed before the request is made and its
// outcome after, so a crash between the two leaves a message that is marked
// ambiguous and not sent a second time. What may stop a message (a wish, a closed
// commune, the budget, the hour) is read by the transaction that commits the
// attempt.
package outbox

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"lafia/gateway/message"
	"lafia/internal/gsm"
	"lafia/internal/job"
	"lafia/internal/store"
)

// Transport makes an adapter's request. wrote tells whether the request had been
// written when err happened: what was not written was surely not sent.
type Transport interface {
	Do(ctx context.Context, channel string, r message.HTTPRequest) (status int, body []byte, err error, wrote bool)
}

// Channel is one way out.
type Channel struct {
	Sender   message.Sender
	Account  message.Account
	From     string
	Rate     float64 // segments a second, of all gateways together; 0: no bound
	Fallback string  // the channel that takes what this one surely did not send; "": none
	Receipts bool    // it reports deliveries: a message without a report becomes unknown
}

// Opener opens what is sealed, for the moment of sending.
type Opener interface {
	OpenNumber(contact, sealed []byte) (message.Number, error)
	OpenReply(id string, sealed []byte) (string, error)
	ExternalID(channel, id string) []byte
}

// Holder tells whether a stop may lie in this gateway's spool, where the record
// does not see it yet: reminders and broadcasts wait then.
type Holder interface {
	Held(ctx context.Context) (bool, error)
}

// Options are the parts of an Outbox. All are needed unless they say otherwise.
type Options struct {
	Store     *store.Store
	Opener    Opener
	Channels  map[string]Channel
	Transport Transport
	Now       func() time.Time
	// Chance gives a number from 0 up to 1, which spreads attempts that come again.
	Chance func() float64
	Log    *slog.Logger
	// Operator tells the operator of a number, "" where it is not known. nil: none is.
	Operator func(message.Number) string
	// Prices and Budget are what sending costs and may cost. Zero: nothing, no bound.
	Prices Prices
	Budget Budget
	// Holder is this gateway's spool. nil: it has none.
	Holder Holder
	// Remembered gives the record's count of signs of life as this gateway saw it last:
	// one that has a lower one is a backup's. nil: none is remembered.
	Remembered func() int64
	// Metrics count. May be nil.
	Metrics *Metrics
}

// Outbox sends messages.
type Outbox struct {
	Options
	tokens *tokens
	warned time.Time // the month whose budget was warned of
}

// New makes an outbox. From then on the store's moves are counted.
func New(o Options) *Outbox {
	if o.Operator == nil {
		o.Operator = func(message.Number) string { return "" }
	}
	if o.Metrics != nil {
		o.Store.OnMove(o.Metrics.move)
	}
	return &Outbox{Options: o, tokens: newTokens()}
}

const (
	// callTimeout bounds one request to an aggregator.
	callTimeout = 20 * time.Second
	// attemptTimeout bounds all that an attempt does: waiting for its turn, a token
	// and its renewal, and the request.
	attemptTimeout = 35 * time.Second
	// endTimeout bounds storing what an attempt amounted to.
	endTimeout = 5 * time.Second
	// lostAfter is when an attempt that has not told its end never will.
	lostAfter = attemptTimeout + 2*endTimeout
	// receiptAfter is how long a receipt is waited for (reliability.md 2.8).
	receiptAfter = 10 * time.Minute
	// turnTimeout bounds how long a worker waits for a turn on a busy channel.
	turnTimeout = 5 * time.Second
)

// ErrAgain says that a message was not sent, and is to be tried again.
var ErrAgain = errors.New("not sent, to be tried again")

// Again is ErrAgain with its time.
type Again struct {
	After  time.Duration
	Reason string // without number or text
}

// Error tells the reason.
func (a Again) Error() string { return fmt.Sprintf("%v after %v: %s", ErrAgain, a.After, a.Reason) }

// Is says that it is an ErrAgain.
func (a Again) Is(target error) bool { return target == ErrAgain }

// letter is a message opened, on the channel that it goes by.
type letter struct {
	channel  string
	class    job.Class
	number   message.Number
	text     string
	segments int
	operator string
	bad      string // why it can never be sent; "": it can
}

// open opens a message.
func (o *Outbox) open(m store.Outbound) letter {
	l := letter{channel: m.Channel}
	known := false
	l.class, known = job.ClassNamed(m.Class)
	ch, ok := o.Channels[m.Channel]
	switch {
	case !known:
		l.bad = "its class is not known"
		return l
	case !ok || ch.Sender == nil:
		l.bad = "the channel is not configured or cannot send"
		return l
	case m.Number == nil:
		l.bad = "the number was let go"
		return l
	}
	var err error
	if l.number, err = o.Opener.OpenNumber(m.Contact, m.Number); err != nil {
		l.bad = "the number does not open"
		return l
	}
	if l.text, err = o.Opener.OpenReply(m.ID, m.Sealed); err != nil {
		l.bad = "the text does not open"
		return l
	}
	_, _, l.segments = gsm.Measure(l.text)
	l.operator = o.Operator(l.number)
	return l
}

// Send makes one attempt at one message, if it may be sent now. Again asks for
// another one later; nil means that there is nothing more to do.
func (o *Outbox) Send(ctx context.Context, id string) error {
	m, err := o.Store.Outbound(ctx, id)
	if err != nil {
		if store.IsNotFound(err) {
			return nil
		}
		return err
	}
	l := o.open(m)
	a, err := o.begin(ctx, m, l)
	if err != nil || a == nil {
		return err
	}
	o.Metrics.began(m, a)
	out := o.attempt(ctx, a, l, m.ID)
	o.Metrics.attempt(m.Channel, string(out.Verdict))
	return o.end(ctx, m, l, a, out)
}

// begin commits an attempt. nil without an error: the message is settled, or
// another worker has it. What comes by the thousand waits here for its turn: its
// job would only be looked at again and again.
func (o *Outbox) begin(ctx context.Context, m store.Outbound, l letter) (*store.Attempt, error) {
	held := false
	if (l.class.Waits || m.Again) && o.Holder != nil {
		h, err := o.Holder.Held(ctx)
		held = h || err != nil
	}
	purpose := m.Purpose
	if purpose == "" {
		purpose = l.class.Purpose
	}
	for waited := time.Duration(0); ; {
		now := o.Now()
		remembered := int64(0) // before the facts are read: it may rise meanwhile
		if o.Remembered != nil {
			remembered = o.Remembered()
		}
		a, d, err := o.Store.BeginAttempt(ctx, m.ID, purpose, func(f store.Facts) store.Decision {
			f.Restored = f.Restored || f.Beat < remembered
			return o.decide(f, l, purpose, held, now)
		}, now)
		if err != nil || a != nil {
			return a, err
		}
		if d.State != "" {
			o.Log.Info("a message is not sent", "channel", m.Channel, "class", m.Class, "state", d.State, "reason", d.Reason)
		}
		if d.Until.IsZero() {
			return nil, nil
		}
		after := max(0, d.Until.Sub(now))
		if l.class.Bulk && d.Reason == store.NoTurn {
			// Spread, so that the workers of all gateways do not ask at once.
			after += time.Duration(o.Chance() * float64(100*time.Millisecond))
			if waited += after; waited <= turnTimeout {
				if err := sleep(ctx, after); err != nil {
					return nil, err
				}
				continue
			}
		}
		return nil, Again{After: after, Reason: d.Reason}
	}
}

// attempt waits for the attempt's turn and makes the request.
func (o *Outbox) attempt(ctx context.Context, a *store.Attempt, l letter, id string) message.Outcome {
	ctx, cancel := context.WithTimeout(ctx, attemptTimeout)
	defer cancel()
	if err := sleep(ctx, a.At.Sub(o.Now())); err != nil {
		return message.Outcome{Verdict: message.Retry, Reason: "interrupted before its turn"}
	}
	ch := o.Channels[l.channel]
	out := o.exchange(ctx, ch, l.channel, message.Outbound{ID: id, From: ch.From, To: l.number, Text: l.text})
	if out.Verdict == "" {
		out.Verdict, out.Reason = message.Ambiguous, "the adapter gave no verdict"
	}
	return out
}

// end stores what an attempt amounted to, even when the worker is being stopped.
func (o *Outbox) end(ctx context.Context, m store.Outbound, l letter, a *store.Attempt, out message.Outcome) error {
	now := o.Now()
	e, again := o.outcome(m, l, a, out, now)
	end, cancel := context.WithTimeout(context.WithoutCancel(ctx), endTimeout)
	defer cancel()
	if err := o.Store.EndAttempt(end, m.ID, e, now); err != nil {
		return err
	}
	o.Log.Info("attempt to send", "channel", m.Channel, "class", m.Class, "verdict", out.Verdict, "reason", out.Reason)
	if again != nil {
		return *again
	}
	return nil
}

func sleep(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return ctx.Err()
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
