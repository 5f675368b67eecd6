// Package simulator is a phone to try Lafia with, at /simulator, and the far
// end of Lafia's sends in `dev`.
//
// Towards Lafia it stands where an aggregator stands: what is dialled and
// written on a phone of the page goes to the webhooks as the very HTTP request
// that the aggregator would make, over a real connection, and what Lafia sends
// is taken as the request that the real adapter built. So the adapters are
// tried with the rest. What each aggregator says on the wire is one file here,
// behind the wire interface.
//
// Everything is in memory and goes away with the process. Neither a number nor
// a text is logged, and the browser never sees a channel's token.
package simulator

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"time"

	"lafia/gateway/message"
)

// Channel is a channel of the gateway that the phones can use.
type Channel struct {
	Name        string         // as in /webhooks/{channel}/…
	Adapter     string         // whose wire format it speaks
	Token       message.Secret // the webhooks' token
	ServiceCode string         // what is dialled, as *384#; empty: the channel has no USSD
	ShortCode   string         // what SMS are written to, as 36000; empty: it takes no SMS
}

// Phone is a number that the page suggests.
type Phone struct {
	Number message.Number
	Label  string // whose it is, in a few words; demo leaders have their group and PIN here
}

// Project is something that can be dialled directly.
type Project struct {
	Code string // as LAF1
	Name string
	Dial string // as *384*1*107#
}

// Options is what a Simulator needs of the world.
type Options struct {
	// Channels whose adapter has no wire here are left out, with a line in the log.
	Channels []Channel
	// BaseURL tells where the webhooks are, as http://127.0.0.1:8080. It is
	// asked at each request, so that it may be known after New.
	BaseURL func() string
	Now     func() time.Time
	Random  func(n int) []byte
	// Log may be nil: nothing is logged then.
	Log *slog.Logger
	// Measure counts a text for a medium, "ussd" or "sms": the encoding is gsm7
	// or ucs2, units are septets or UTF-16 units. It may be nil: nothing is
	// measured then.
	Measure func(text, medium string) (encoding string, units, segments int)
	// Phones are suggested on the page; the first one is there when it opens.
	Phones   []Phone
	Projects []Project
}

// Simulator holds the phones. Its methods may be called from any goroutine.
type Simulator struct {
	channels []Channel // those with a wire
	phones   *book
	assets   assets
	client   *http.Client
	Options
}

// New makes a simulator. BaseURL, Now and Random must be given.
func New(o Options) *Simulator {
	if o.BaseURL == nil || o.Now == nil || o.Random == nil {
		panic("simulator: BaseURL, Now and Random must be given")
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	s := &Simulator{Options: o, phones: newBook(), assets: loadAssets(), client: newClient()}
	for _, c := range o.Channels {
		if wires[c.Adapter] == nil {
			o.Log.Warn("simulator: no wire for this adapter, its channel is left out", "channel", c.Name, "adapter", c.Adapter)
			continue
		}
		s.channels = append(s.channels, c)
	}
	return s
}

// Adapters lists the adapters whose aggregator the simulator can stand in for.
func Adapters() []string {
	names := make([]string, 0, len(wires))
	for name := range wires {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// Do stands for the network in `dev`: it takes the request that the adapter of
// the channel built, reads it as the aggregator would, puts the SMS on the
// phones, and answers as the aggregator would. Its results are those that the
// outbox hands to Sender.Outcome.
func (s *Simulator) Do(ctx context.Context, channel string, r message.HTTPRequest) (status int, body []byte, err error, wrote bool) {
	if err := ctx.Err(); err != nil {
		return 0, nil, err, false
	}
	c, ok := s.channel(channel)
	if !ok {
		return 0, nil, fmt.Errorf("simulator: no channel %q that it can answer for", channel), false
	}
	t := wires[c.Adapter].take(r, s.Random)
	now := s.Now()
	for _, m := range t.messages {
		if m.From == "" {
			m.From = c.ShortCode
		}
		s.phones.receive(m, now)
	}
	s.Log.Debug("simulator: send taken", "channel", c.Name, "status", t.status, "messages", len(t.messages))
	return t.status, t.body, nil, true
}

// Received is an SMS that a phone has, from before this simulator began.
type Received struct {
	Channel string
	To      message.Number
	Text    string
	At      time.Time
}

// Remember puts messages of before on their phones, the oldest first.
func (s *Simulator) Remember(list []Received) {
	for _, m := range list {
		from := m.Channel
		if c, ok := s.channel(m.Channel); ok {
			from = c.ShortCode
		}
		s.phones.receive(incoming{To: m.To, From: from, Text: m.Text}, m.At)
	}
}

// channel finds a channel by its name.
func (s *Simulator) channel(name string) (Channel, bool) {
	for _, c := range s.channels {
		if c.Name == name {
			return c, true
		}
	}
	return Channel{}, false
}
