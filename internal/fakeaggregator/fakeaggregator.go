// Package fakeaggregator plays thousands of callers against the webhooks of a
// gateway, and is the far end of its sends. On demand it misbehaves as
// aggregators do: it duplicates, reorders and delays requests, drops our answers,
// hangs up, dials twice, changes session ids, breaks encodings, throttles, and
// reports deliveries before the send returned. Every request and answer goes into
// a ledger; Verify compares the ledger with the record by the invariants of
// docs/reliability.md.
//
// It stands outside, where the telephones are: it has a clock and chance of its
// own, shares no code with adapters, and knows of the gateway what is public:
// flows, words and the programme.
package fakeaggregator

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"sync"
	"sync/atomic"
	"time"
)

// Channel is a channel of the gateway that callers use.
type Channel struct {
	Name      string // as in /webhooks/{channel}/…
	Wire      string // see Wires
	Token     string
	Service   string // what is dialled, as *384#
	Short     string // what SMS are written to
	Synthetic bool   // one that is not is refused
}

// Leader is a leader of a group, with her PIN.
type Leader struct {
	Number, Group, Name, PIN string
	// Pending are the answers of a report by SMS that waits for her; nil: none does.
	Pending map[string]string
}

// Options are what Run plays. Those without a default must be given.
type Options struct {
	Gateways []string  // addresses; with two and more, callers are spread over them
	Channels []Channel // callers are spread over these
	World    *World
	Ledger   *Ledger
	// Salt makes numbers, session ids and nonces those of this run alone.
	Salt uint64
	// Seed decides who does what, and which faults happen.
	Seed    uint64
	Callers int
	// Runs is how many submissions each caller means to make: 1.
	Runs int
	// For bounds the time, Hops the requests that are no copies; 0: no bound.
	For  time.Duration
	Hops int64
	// Connections is how many requests are under way at a time: 64.
	Connections int
	Faults      Faults
	Leaders     []Leader
	// Mix is the weight of each role; nil: DefaultMix.
	Mix []Share
	// FarEnd is where replies to SMS arrive. nil: no conversations by SMS are
	// played, only messages that need no reply.
	FarEnd *FarEnd
	// Patience is how long a caller waits for a screen: 15 s.
	Patience time.Duration
}

// Role is what a caller does.
type Role string

// Roles.
const (
	Feedback     Role = "feedback"
	Tension      Role = "tension"
	Confidential Role = "confidential"
	Progress     Role = "progress" // leaders alone
	Open         Role = "open"     // an SMS of free words
	Grave        Role = "grave"    // an SMS whose words are for the focal points alone
	Converse     Role = "converse" // a feedback by SMS, one question a message
	Stop         Role = "stop"     // free words, and then STOP
)

// Share is the weight of a role.
type Share struct {
	Role   Role
	Weight int
}

// DefaultMix is who calls, roughly as context.md expects: most about projects.
func DefaultMix() []Share {
	return []Share{{Feedback, 45}, {Tension, 25}, {Confidential, 6}, {Open, 10}, {Grave, 2}, {Converse, 8}, {Stop, 4}}
}

// play is a run of the whole thing.
type play struct {
	Options
	client *http.Client
	slots  chan struct{}
	hops   atomic.Int64
	until  time.Time
	led    [][]Leader // by phone: the first callers
}

// Run plays all callers, and returns when each is done or the time is over. What
// goes wrong between a caller and the gateway is in the ledger, not in the error.
func Run(ctx context.Context, o Options) error {
	if err := o.check(); err != nil {
		return err
	}
	p := &play{Options: o, led: byPhone(o.Leaders), slots: make(chan struct{}, o.Connections)}
	transport := &http.Transport{MaxIdleConnsPerHost: o.Connections, MaxIdleConns: 0}
	defer transport.CloseIdleConnections()
	p.client = &http.Client{
		Transport: transport, Timeout: o.Patience,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	if o.For > 0 {
		p.until = time.Now().Add(o.For)
	}
	o.Ledger.write(Line{Kind: KindPlan, Caller: -1, Example: o.World.example, Help: o.World.help, Text: fmt.Sprintf("seed %d, %d callers, faults %s", o.Seed, o.Callers, o.Faults)})
	if o.FarEnd != nil {
		o.FarEnd.tell(p)
	}
	var wg sync.WaitGroup
	for i := range o.Callers {
		c := p.caller(i)
		wg.Go(func() { c.live(ctx) })
	}
	wg.Wait()
	if o.FarEnd != nil {
		o.FarEnd.settle(ctx)
	}
	o.Ledger.write(Line{Kind: KindEnd, Caller: -1})
	return errors.Join(ctx.Err(), o.Ledger.Err())
}

func (o *Options) check() error {
	switch {
	case len(o.Gateways) == 0 || len(o.Channels) == 0 || o.World == nil || o.Ledger == nil:
		return errors.New("fakeaggregator: gateways, channels, a world and a ledger must be given")
	case o.Callers < 1:
		return errors.New("fakeaggregator: there must be one caller at least")
	}
	for _, c := range o.Channels {
		if !c.Synthetic {
			return fmt.Errorf("channel %q is not synthetic: what is played on it would stand among what people say", c.Name)
		}
		if wires[c.Wire] == nil {
			return fmt.Errorf("channel %q: there is no wire %q", c.Name, c.Wire)
		}
	}
	o.Runs = cmp.Or(o.Runs, 1)
	o.Connections = cmp.Or(o.Connections, 64)
	o.Patience = cmp.Or(o.Patience, 15*time.Second)
	if o.Mix == nil {
		o.Mix = DefaultMix()
	}
	return nil
}

// byPhone puts the groups of one leader together.
func byPhone(leaders []Leader) [][]Leader {
	var out [][]Leader
	at := map[string]int{}
	for _, l := range leaders {
		i, ok := at[l.Number]
		if !ok {
			i = len(out)
			at[l.Number], out = i, append(out, nil)
		}
		out[i] = append(out[i], l)
	}
	return out
}

// over reports whether no caller begins anything new.
func (p *play) over(ctx context.Context) bool {
	return ctx.Err() != nil || !p.until.IsZero() && time.Now().After(p.until) || p.Hops > 0 && p.hops.Load() >= p.Hops
}

// caller makes the i-th caller with her chance, which no other caller's changes.
func (p *play) caller(i int) *caller {
	chance := rand.New(rand.NewPCG(p.Seed, uint64(i)))
	c := &caller{play: p, n: i, chance: chance, number: Number(p.Salt, i), channel: p.Channels[i%len(p.Channels)]}
	c.role = p.draw(chance)
	if i < len(p.led) {
		c.leads, c.number, c.role = p.led[i], p.led[i][0].Number, Progress
	}
	c.replay = newReplay(p.World, "ussd", c.channel.Wire, c.leads)
	if c.role == Converse {
		c.replay = newReplay(p.World, "sms", c.channel.Wire, c.leads)
		if p.FarEnd == nil {
			c.role = Open
		}
	}
	p.Ledger.write(Line{Kind: KindCaller, Caller: i, Number: c.number, Role: c.role, Channel: c.channel.Name, Wire: c.channel.Wire, Leads: c.leads})
	return c
}

func (p *play) draw(chance *rand.Rand) Role {
	total := 0
	for _, s := range p.Mix {
		total += s.Weight
	}
	n := chance.IntN(max(total, 1))
	for _, s := range p.Mix {
		if n -= s.Weight; n < 0 {
			return s.Role
		}
	}
	return Feedback
}

// Number gives the number of a caller: in a block that no operator of Mali has
// given out (context.md 6), and another one for each salt.
func Number(salt uint64, i int) string {
	return fmt.Sprintf("+2239%07d", (salt*1000+uint64(i))%10_000_000)
}

// letters of nonces: no vowels, so that no word comes of them.
const letters = "bcdfghjklmnpqrstvwxz"

// nonceOf gives a word that stands in nobody else's message: who, which run of
// hers, and whose play.
func nonceOf(salt uint64, caller, run int) string {
	b := []byte(noncePrefix)
	for _, v := range []struct {
		n      uint64
		digits int
	}{{salt, 6}, {uint64(caller), 4}, {uint64(run), 2}} {
		for range v.digits {
			b = append(b, letters[v.n%uint64(len(letters))])
			v.n /= uint64(len(letters))
		}
	}
	return string(b)
}

const (
	noncePrefix = "qzx"
	nonceLength = len(noncePrefix) + 12
)

// noncesIn lists the nonces that a text holds.
func noncesIn(text string) []string {
	var out []string
	for i := 0; i+nonceLength <= len(text); i++ {
		if text[i:i+len(noncePrefix)] != noncePrefix {
			continue
		}
		word := text[i : i+nonceLength]
		if onlyLetters(word[len(noncePrefix):]) {
			out = append(out, word)
			i += nonceLength - 1
		}
	}
	return out
}

func onlyLetters(s string) bool {
	for i := range len(s) {
		found := false
		for j := range len(letters) {
			found = found || letters[j] == s[i]
		}
		if !found {
			return false
		}
	}
	return true
}
