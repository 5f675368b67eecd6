package app

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"lafia/gateway"
	"lafia/gateway/message"
	"lafia/internal/config"
	"lafia/internal/conversation"
	"lafia/internal/outbox"
	"lafia/internal/servers"
	"lafia/internal/store"
	"lafia/internal/vault"
)

// ErrUse is wrapped by errors that say that a command was used wrongly: a channel
// that does not exist, a number that is none.
var ErrUse = errors.New("wrong use")

func wrongUse(format string, args ...any) error {
	return fmt.Errorf("%w: "+format, append([]any{ErrUse}, args...)...)
}

// ChannelTest is what `lafia channel test` is asked.
type ChannelTest struct {
	Config  string // a config file, or
	Data    string // the folder of a dev instance
	Channel string
	To      message.Number
	Wait    time.Duration
	Step    func(ChannelStep)
}

// ChannelStep is one state that the test's message was seen in.
type ChannelStep struct {
	At     time.Time `json:"at"`
	State  string    `json:"state"`
	Reason string    `json:"reason,omitempty"` // the latest attempt's
}

// testText says nothing of a programme: it may reach the wrong person. It is
// GSM-7 and one part.
const testText = "Message d'essai. Ne repondez pas."

const (
	// beatWithin is how old the sign of life of a running gateway may be: it gives
	// one every 15 s.
	beatWithin = 45 * time.Second
	// devGrace is how long a receipt is waited for in dev, whose simulator need not
	// send any.
	devGrace = 2 * time.Second
)

// TestChannel has the running gateway send one SMS, as it sends every other, and
// follows what becomes of it. It only writes into the record: the account, the
// transport, the rate and the receipt are those of the gateway that runs, and
// what the test shows is what callers get. nil means that it arrived, or in dev,
// where no receipt need come, that the simulator has it.
func TestChannel(ctx context.Context, o ChannelTest) error {
	s, ring, adapter, err := o.open(ctx)
	if err != nil {
		return err
	}
	defer s.Close()
	if _, sends := adapter.(message.Sender); !sends {
		return wrongUse("channel %s cannot send: its adapter %s only receives", o.Channel, adapter.Name())
	}
	now := time.Now()
	switch beat, err := s.GatewayBeat(ctx); {
	case err != nil:
		return err
	case now.Sub(beat) > beatWithin:
		return errors.New("no gateway runs that would send it: start `lafia serve` (or `lafia dev`) and try again")
	}
	m := conversation.NewOutgoing(ring, o.Channel, "test", o.To, testText, Random(16), now.Add(time.Hour))
	if err := s.QueueOutbound(ctx, m, now); err != nil {
		return err
	}
	return o.follow(ctx, s, m.ID)
}

// open opens the record that the running gateway works on.
func (o ChannelTest) open(ctx context.Context) (_ *store.Store, _ *vault.Ring, a message.Adapter, err error) {
	var postgres, keys string
	if o.Data != "" {
		addr, running, err := servers.Running(o.Data)
		switch {
		case err != nil:
			return nil, nil, nil, err
		case !running:
			return nil, nil, nil, fmt.Errorf("no dev instance runs on %s: start `lafia dev --data %s`", o.Data, o.Data)
		}
		var ok bool
		if a, ok = gateway.AdapterNamed(o.Channel); !ok {
			var names []string
			for _, a := range gateway.Adapters() {
				names = append(names, a.Name())
			}
			return nil, nil, nil, wrongUse("there is no channel %q; there are: %s", o.Channel, strings.Join(names, ", "))
		}
		postgres, keys = addr.PostgresURL, filepath.Join(o.Data, "keys")
	} else {
		c, err := ReadConfig(o.Config)
		if err != nil {
			return nil, nil, nil, err
		}
		ch, err := channelNamed(c, o.Channel)
		if err != nil {
			return nil, nil, nil, err
		}
		a, _ = gateway.AdapterNamed(ch.Adapter) // Read has checked the name
		postgres, keys = c.Postgres.URL.Reveal(), c.Keys.Dir
	}
	s, err := store.Open(ctx, postgres, store.Options{MaxConns: 2})
	if err != nil {
		return nil, nil, nil, err
	}
	ring, err := openKeys(ctx, s, keys)
	if err != nil {
		s.Close()
		return nil, nil, nil, err
	}
	return s, ring, a, nil
}

func channelNamed(c *config.Config, name string) (config.Channel, error) {
	var names []string
	for _, ch := range c.Channels {
		if ch.Name == name {
			return ch, nil
		}
		names = append(names, ch.Name)
	}
	return config.Channel{}, wrongUse("there is no channel %q; there are: %s", name, strings.Join(names, ", "))
}

// follow tells each state that the message comes to, until one that is final.
func (o ChannelTest) follow(ctx context.Context, s *store.Store, id string) error {
	ctx, cancel := context.WithTimeout(ctx, o.Wait)
	defer cancel()
	var seen store.Progress
	var sentAt time.Time
	tick := time.NewTicker(200 * time.Millisecond)
	defer tick.Stop()
	for {
		p, err := s.Progress(ctx, id)
		if err != nil && ctx.Err() == nil {
			return err
		}
		if err == nil && p != seen {
			seen = p
			o.Step(ChannelStep{At: time.Now(), State: p.State, Reason: p.Reason})
		}
		switch seen.State {
		case "delivered":
			return nil
		case "failed", "expired":
			return fmt.Errorf("it was not delivered: %s", why(seen))
		case "ambiguous":
			return fmt.Errorf("it may have been sent and may not: %s", why(seen))
		case "sent":
			if sentAt.IsZero() {
				sentAt = time.Now()
			}
			if o.Data != "" && time.Since(sentAt) > devGrace {
				return nil
			}
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return o.giveUp(s, id, seen)
		}
	}
}

func why(p store.Progress) string {
	if p.Reason != "" {
		return p.Reason
	}
	return p.State
}

// giveUp says what is missing when the time is over. What still waits to be sent
// is taken back: a test that arrives tomorrow is of no use to anyone.
func (o ChannelTest) giveUp(s *store.Store, id string, p store.Progress) error {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	taken, err := s.TakeBack(ctx, id, time.Now())
	switch {
	case err != nil:
		return err
	case taken && p.Attempts == 0:
		return fmt.Errorf("it was not sent within %s: is the gateway that runs on this database at work?", o.Wait)
	case taken:
		return fmt.Errorf("it could not be sent within %s: %s", o.Wait, why(p))
	}
	return fmt.Errorf("it was sent, and no receipt came within %s: look at the address for delivery reports at the aggregator", o.Wait)
}

// Registration is one webhook that an aggregator was told of.
type Registration struct {
	Request string `json:"request"` // method and address, without what may be secret
	Status  int    `json:"status,omitempty"`
	OK      bool   `json:"ok"`
	Problem string `json:"problem,omitempty"`
}

// RegisterChannel tells a channel's aggregator the addresses of its webhooks.
// transport is the outbox's; nil is the network.
func RegisterChannel(ctx context.Context, path, name string, transport outbox.Transport) ([]Registration, error) {
	c, err := ReadConfig(path)
	if err != nil {
		return nil, err
	}
	ch, err := channelNamed(c, name)
	if err != nil {
		return nil, err
	}
	adapter, _ := gateway.AdapterNamed(ch.Adapter) // Read has checked the name
	r, ok := adapter.(message.Registrar)
	switch {
	case !ok:
		return nil, wrongUse("webhooks of %s are entered at the aggregator by hand: gateway/%s/README.md tells where", ch.Adapter, ch.Adapter)
	case c.PublicURL == "":
		return nil, fmt.Errorf("%s: public_url is not set, and without it nobody can be told where the webhooks are", path)
	}
	if s, ok := adapter.(message.SettingChecker); ok {
		if lines := s.CheckSettings(ch.Account()); len(lines) > 0 {
			return nil, fmt.Errorf("channel %s: %s", name, strings.Join(lines, "; "))
		}
	}
	if transport == nil {
		transport = outbox.NewHTTP()
	}
	requests := r.Registrations(ch.Account(), c.PublicURL+"/webhooks/"+ch.Name, ch.Tokens[0].Reveal())
	if len(requests) == 0 {
		return nil, fmt.Errorf("channel %s: a setting is missing that registering needs", name)
	}
	var out []Registration
	for _, q := range requests {
		done := Registration{Request: q.Method + " " + bare(q.URL)}
		call, cancel := context.WithTimeout(ctx, 20*time.Second)
		status, _, err, _ := transport.Do(call, name, q)
		cancel()
		switch {
		case err != nil:
			done.Problem = "no answer" // the error's text holds the whole address
		case status < 200 || status > 299:
			done.Status, done.Problem = status, fmt.Sprintf("HTTP %d", status)
		default:
			done.Status, done.OK = status, true
		}
		out = append(out, done)
	}
	return out, nil
}

// bare is an address without user, password and query.
func bare(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return ""
	}
	return (&url.URL{Scheme: u.Scheme, Host: u.Host, Path: u.Path}).String()
}

// carriers gives how each channel carries screens, with what is dialled for it.
func (a *App) carriers(tags []string) (map[string]conversation.Channel, error) {
	out := map[string]conversation.Channel{}
	for _, ch := range a.Channels {
		c := a.Screens[ch.Name]
		c.Dial = ch.ServiceCode
		for _, tag := range c.Languages {
			if !slices.Contains(tags, tag) {
				return nil, fmt.Errorf("channel %s offers the language %q, and there are: %s", ch.Name, tag, strings.Join(tags, ", "))
			}
		}
		out[ch.Name] = c
	}
	return out, nil
}
