// Package gateway is Lafia's face towards the telecoms: it takes the webhooks
// of aggregators, makes sure that they are authentic, turns them into events
// with the channel's adapter, hands these to a Handler and renders its answer.
//
// It holds no conversation, no session and no row. What it promises is: a
// request that is not authentic reaches nothing; what reaches the Handler owns
// its memory; every request is answered, whatever the Handler does; and no log
// line or metric carries a number, a text or a query string.
package gateway

import (
	"context"
	"fmt"
	"log/slog"
	"net/netip"
	"time"

	"github.com/gofiber/fiber/v2"

	"lafia/gateway/message"
)

// Handler is what stands behind the gateway. Its methods are called from many
// goroutines at once. Every value they are given owns its memory and may be
// kept; every context has a deadline that the Handler must obey, and is not
// cancelled by a caller that hangs up or by a shutdown that begins
// (dependencies.md, trap 2): a capture under way is brought to its end.
//
// Errors are logged by their class only, never by their text, since a
// database's error quotes values. An error may name its class with a method
// Class() string.
type Handler interface {
	// Hop answers one USSD hop. It always gives a reply; err (logged by class
	// only) tells what was wrong. A reply without text is replaced by the
	// gateway's FailText and ends the session.
	Hop(ctx context.Context, channel string, in message.Inbound) (message.Reply, error)
	// Receive makes an SMS durable. nil means: committed. An error means 503,
	// so that the aggregator tries again.
	Receive(ctx context.Context, channel string, in message.Inbound) error
	// Receipt makes a delivery report durable; an error means 503.
	Receipt(ctx context.Context, channel string, r message.Receipt) error
	// End tells that a USSD session is over; an error means 503.
	End(ctx context.Context, channel string, e message.SessionEnd) error
	// Unreadable keeps an authentic request that could not be read, wholly or
	// in part (design.md, decision 5). raw is the request as a file of
	// testdata has it, less its secrets; reason is one line without a number or
	// text. An error means 503, except on the USSD webhook, where the caller gets
	// a screen in any case.
	Unreadable(ctx context.Context, channel string, kind message.Kind, raw []byte, reason string) error
	// Alive notes that a channel's far end says that it is there; an error means
	// 503.
	Alive(ctx context.Context, channel string) error
}

// Channel is one way in: an account at an aggregator, or a phone of ours.
type Channel struct {
	// Name is the path segment in /webhooks/{name}/…, and the label in metrics
	// and logs.
	Name    string
	Adapter message.Adapter
	// Account is handed to the adapter with every call.
	Account message.Account
	// Tokens are the live URL tokens: one, or two while one replaces the other.
	// A channel without a token accepts nothing; an empty token matches nothing.
	Tokens []message.Secret
	// Networks are the peers allowed to post; empty: any.
	Networks []netip.Prefix

	// Synthetic marks traffic of simulators and load tests. The gateway does
	// not read it, nor the two below: they travel with the channel for those
	// behind the Handler.
	Synthetic bool
	// ServiceCode is what callers dial to reach this channel, "*384*42#".
	ServiceCode string
	// From is the sender that this channel's outbound SMS carry.
	From string
}

// Options are the parts of a Gateway. Channels and Handler are required; every
// other zero value means the default named beside it.
type Options struct {
	Channels []Channel
	Handler  Handler

	Now     func() time.Time // time.Now
	Log     *slog.Logger     // discards
	Metrics *Metrics         // counted, but registered nowhere

	// TrustedProxies are the peers whose X-Forwarded-For is believed. None.
	TrustedProxies []netip.Prefix

	// USSDBudget is the time a hop may take. 8 s: integrators quote about 10 s
	// until Africa's Talking cuts the caller off (aggregators.md 1.3).
	USSDBudget time.Duration
	// SMSBudget is the time that making an SMS, a receipt, the end of a session
	// or an unreadable request durable may take. 5 s: the shortest wait among
	// those that publish one is Twilio's 15 s (aggregators.md, rule 1), and a
	// COMMIT of unknown outcome is tried once more inside it.
	SMSBudget time.Duration

	// Limits bound how many authentic requests of each kind are with the Handler at
	// a time and how many wait for it (admission.go says why so many). Whoever finds
	// no room is told so at once: an SMS comes again, a caller reads BusyText.
	Limits Limits

	// BusyText is the last screen of a caller for whom there was no room.
	BusyText string
	// FailText is the last screen of a caller whose hop could not be read or
	// answered: it must say that nothing was kept and that she may dial again.
	FailText string
}

// The defaults of Options. The texts are plain GSM-7 of one page.
const (
	defaultUSSDBudget = 8 * time.Second
	defaultSMSBudget  = 5 * time.Second
	defaultBusyText   = "Trop d'appels en ce moment. Rien n'est enregistre. Rappelez dans quelques minutes."
	defaultFailText   = "Erreur, rien n'est enregistre. Merci de rappeler."
)

// Gateway serves the webhooks of a set of channels. It has no goroutine of its
// own and nothing to stop.
type Gateway struct {
	o        Options
	channels map[string]*channel
	// nobody stands in for a channel that does not exist, so that refusing it
	// does the same work (reliability.md T1, C15).
	nobody     *channel
	admissions map[message.Kind]*admission
}

// New makes a Gateway. It panics when a channel has no name or adapter, when
// two share a name, or when there is no Handler: configuration is checked
// before, so these are faults in the program.
func New(o Options) *Gateway {
	if o.Handler == nil {
		panic("gateway.New: no Handler")
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Metrics == nil {
		o.Metrics = NewMetrics(nil)
	}
	if o.USSDBudget <= 0 {
		o.USSDBudget = defaultUSSDBudget
	}
	if o.SMSBudget <= 0 {
		o.SMSBudget = defaultSMSBudget
	}
	if o.BusyText == "" {
		o.BusyText = defaultBusyText
	}
	if o.FailText == "" {
		o.FailText = defaultFailText
	}
	g := &Gateway{
		o:          o,
		channels:   make(map[string]*channel, len(o.Channels)),
		nobody:     newChannel(Channel{}),
		admissions: newAdmissions(o.Limits, o.Now),
	}
	for _, c := range o.Channels {
		if c.Name == "" || c.Adapter == nil {
			panic(fmt.Sprintf("gateway.New: channel %q has no name or no adapter", c.Name))
		}
		if g.channels[c.Name] != nil {
			panic(fmt.Sprintf("gateway.New: two channels are named %q", c.Name))
		}
		g.channels[c.Name] = newChannel(c)
	}
	return g
}

// Mount registers /webhooks/{channel}/{ussd|sms|status|call} (design.md 4) with
// whatever path an aggregator appends (Infobip: /session/{id}/start) and the
// methods that aggregators use: POST, GET (Kannel, Jasmin, Vonage, LAfricaMobile)
// and PUT (the end of a session at Infobip). Which of them an adapter reads is
// its own affair. HEAD, which Fiber adds to GET, is not among them.
func (g *Gateway) Mount(app *fiber.App) {
	for _, method := range []string{fiber.MethodPost, fiber.MethodGet, fiber.MethodPut} {
		app.Add(method, "/webhooks/:channel/:kind", g.serve)
		app.Add(method, "/webhooks/:channel/:kind/*", g.serve)
	}
}
