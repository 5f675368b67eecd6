package fakeaggregator

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"lafia/internal/flow"
)

// caller is one phone. Its methods are called by its own goroutine.
type caller struct {
	*play
	n       int
	number  string
	role    Role
	leads   []Leader
	channel Channel
	chance  *rand.Rand
	replay  *replay

	run      int
	text     string // with the nonce
	nonce    string
	sessions int
	session  *session
	changed  uint64 // how often the session's id was changed
	messages int
}

// session is a USSD session of hers, as the aggregator holds it.
type session struct {
	id      string
	inputs  []string
	n       int
	end     bool
	typed   string    // last
	at      time.Time // when
	late    *copied   // comes once more, behind the next hop
	gateway int
}

// copied is a request that can be made once more.
type copied struct {
	request func(gateway int) request
	line    Line
}

// live is all that she does.
func (c *caller) live(ctx context.Context) {
	c.wait(ctx, time.Duration(c.chance.Int64N(int64(300*time.Millisecond))))
	for c.run = range c.Runs {
		if c.over(ctx) {
			return
		}
		c.means()
		heard := "gave up"
		switch c.role {
		case Open, Grave, Stop:
			heard = c.write(ctx)
		case Converse:
			heard = c.converse(ctx)
		default:
			heard = c.call(ctx)
		}
		c.Ledger.write(Line{Kind: KindRun, Caller: c.n, Run: c.run, Flow: string(c.role), Nonce: c.nonce, Text: c.text, Hearing: heard})
	}
}

// words are what callers write. None is about a danger, whose words would make
// the message one for the focal points alone.
var words = []string{
	"Merci pour les barattes, le travail avance bien",
	"Quand commence la deuxième partie?",
	"La réunion était très utile * pour tout le quartier",
	"Il manque une clé pour la porte du magasin",
	"Nous voulons plus de bidons avant la saison *2*",
	"Baara ka ɲi, an b'a fɛ ka taa ɲɛ",
}

// graveWords are for the focal points alone (context.md 5.2).
const graveWords = "Il y a eu un viol ici,"

// means settles what she will say.
func (c *caller) means() {
	c.nonce = nonceOf(c.Salt, c.n, c.run)
	text := words[c.chance.IntN(len(words))]
	switch c.role {
	case Grave:
		text = graveWords
	case Open, Stop, Converse:
		text = strings.ReplaceAll(text, "*", "")
	}
	c.text = text + " " + c.nonce
	c.Ledger.write(Line{Kind: KindRun, Caller: c.n, Run: c.run, Flow: string(c.role), Nonce: c.nonce, Text: c.text})
}

func (c *caller) wait(ctx context.Context, d time.Duration) {
	if d <= 0 {
		return
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
}

func (c *caller) happens(p float64) bool { return p > 0 && c.chance.Float64() < p }

// maxRedials bounds how often she dials for one message, maxSteps what she keys
// in for it.
const (
	maxRedials = 8
	maxSteps   = 90
)

// call says one thing by USSD, and tells how that ended for her.
func (c *caller) call(ctx context.Context) string {
	finishing := false // the hop that finishes was sent, and its answer is not known
	redials := 0
	c.session = nil
	for range maxSteps {
		if ctx.Err() != nil {
			return "gave up"
		}
		if c.session == nil || c.session.end {
			if redials++; redials > maxRedials || redials > 1 && c.over(ctx) {
				return "gave up"
			}
			text, ok := c.dial(ctx)
			if !ok {
				c.wait(ctx, 50*time.Millisecond)
				continue
			}
			if finishing && strings.Contains(text, c.said("hint.received")) {
				return "told"
			}
		}
		s, ok := c.replay.here()
		if !ok {
			return "gave up"
		}
		if s.ended != nil {
			return "acked"
		}
		input, pin, finishes := c.answer(s)
		if input == "" {
			return "ended"
		}
		if c.happens(c.Faults.Hangup) && c.chance.IntN(2) == 0 { // between two hops
			c.session = nil
			continue
		}
		heard, ok := c.press(ctx, s, input, pin)
		if ok && finishing && !c.session.end && strings.Contains(heard, c.said("hint.received")) {
			return "told" // of what she was asked whether to go on with
		}
		finishing = finishing || finishes && !ok
		if !ok {
			continue
		}
		if c.session.end {
			if s, _ := c.replay.here(); s.ended != nil && heard != "" {
				return "acked"
			}
			if s, _ := c.replay.here(); s.shown.Ends() {
				return "ended" // a last screen that commits nothing
			}
			c.session = nil // told that nothing was saved
		}
	}
	return "gave up"
}

func (c *caller) said(key string) string {
	s, _ := c.replay.here()
	return c.World.words.Words(s.language).Folded(key, nil)
}

// dial begins a session. ok tells that she sees a screen.
func (c *caller) dial(ctx context.Context) (text string, ok bool) {
	c.sessions++
	c.session = &session{id: sessionID(c.Salt, c.n, c.sessions, 0), gateway: c.chance.IntN(len(c.Gateways))}
	if c.role == Feedback && c.chance.IntN(6) == 0 { // the code of a project behind the service's
		c.session.inputs = []string{"1", c.World.dials[c.chance.IntN(len(c.World.dials))]}
	}
	tail := slices.Clone(c.session.inputs)
	c.replay.dial(tail, time.Now())
	return c.hop(ctx, Line{Tail: strings.Join(tail, "*")}, false)
}

// press sends an input. ok tells that she sees its screen.
func (c *caller) press(ctx context.Context, at state, input, pin string) (text string, ok bool) {
	s := c.session
	w := wires[c.channel.Wire]
	// The same input twice in a row is a retry to an aggregator without numbers.
	if singleInputs(c.channel.Wire) && input == s.typed {
		c.wait(ctx, time.Until(s.at.Add(1300*time.Millisecond)))
	}
	s.inputs = append(s.inputs, input)
	s.typed = input
	s.n++
	l := Line{N: s.n, Input: input}
	if pin != "" {
		l.Input, l.PIN = "pin", pin
	}
	late := s.late
	s.late = nil
	if w.cumulative() && at.cursor.InFlow() && c.role != Progress && c.happens(c.Faults.Session) {
		c.changed++
		s.id, s.n = sessionID(c.Salt, c.n, c.sessions, c.changed), 0
		l.N, l.Input, l.Tail = 0, "", strings.Join(s.inputs, "*")
		c.replay.dial(strings.Split(l.Tail, "*"), time.Now())
	} else {
		c.replay.input(input, pin, time.Now())
	}
	text, ok = c.hop(ctx, l, c.role != Confidential && strings.Contains(input, c.nonce))
	s.at = time.Now()
	c.replay.replied = s.at
	if late != nil {
		c.again(ctx, late)
	}
	return text, ok
}

// again makes a request once more, late; nobody waits for the answer.
func (c *caller) again(ctx context.Context, v *copied) {
	l := v.line
	l.Copy = Late
	c.ask(ctx, v.request(l.Gateway), l, false)
}

// hop makes the request of a hop, in whatever way the aggregator delivers it this
// time. l says what is special about it.
func (c *caller) hop(ctx context.Context, l Line, hasNonce bool) (text string, ok bool) {
	s, w := c.session, wires[c.channel.Wire]
	c.hops.Add(1)
	l.Kind, l.Caller, l.Run, l.Session, l.Channel, l.Gateway = KindHop, c.n, c.run, s.id, c.channel.Name, s.gateway
	if hasNonce {
		l.Nonce = c.nonce
	}
	latin := hasNonce && isLatin1(c.text) && c.happens(c.Faults.Encoding)
	h := hop{session: s.id, service: c.channel.Service, number: c.number, inputs: slices.Clone(s.inputs), dial: s.n == 0, n: s.n}
	v := &copied{line: l, request: func(gateway int) request {
		return w.hop(hook(c.Gateways[gateway], c.channel, "ussd"), h, latin)
	}}
	if c.happens(c.Faults.Delay) {
		c.wait(ctx, time.Duration(c.chance.Int64N(int64(c.Faults.maxDelay()))))
	}
	a := c.deliver(ctx, v, s.n == 0)
	if c.happens(c.Faults.Reorder) && !singleInputs(c.channel.Wire) && !a.cut {
		s.late = v
	}
	if a.lost() {
		if s.end = true; a.nobody {
			c.replay.unsent()
			return "", false
		}
		c.replay.unheard()
		return "", false
	}
	text, s.end = a.text, a.end
	if c.replay.hear(a.text, a.end, c.mayBeLost()) {
		return a.text, true
	}
	if a.end && c.isRefusal(a.text) {
		c.replay.unheard() // nothing was saved, and perhaps it was
		return "", false
	}
	// No screen that a replay gives: where she stands isn't known.
	c.Ledger.write(Line{Kind: KindHop, Caller: c.n, Run: c.run, Session: s.id, N: s.n, Screen: a.text, NoWay: true})
	c.replay.states = nil
	return "", false
}

// mayBeLost is the caller's: she goes on from whatever she sees. The checker asks
// the windows.
func (c *caller) mayBeLost() bool { return true }

// isRefusal reports whether a last screen says that nothing was saved.
func (c *caller) isRefusal(text string) bool { return isRefusal(c.World, text) }

func isRefusal(w *World, text string) bool {
	for _, tag := range append(w.words.Tags(), "") {
		for _, key := range []string{"error.notsaved", "error.busy"} {
			if text == w.words.Words(tag).Folded(key, nil) {
				return true
			}
		}
	}
	return false
}

// answered is what came of a request.
type answered struct {
	status int
	text   string
	end    bool
	screen bool
	cut    bool // she hung up meanwhile
	nobody bool // neither it nor a copy of it reached anybody
	line   Line
}

func (a answered) lost() bool { return !a.screen || a.line.Lost || a.cut }

// deliver makes one request once or more often. What it gives is what the caller
// gets to see.
func (c *caller) deliver(ctx context.Context, v *copied, dial bool) answered {
	if c.happens(c.Faults.Hangup) {
		ctx, cancel := context.WithCancel(ctx)
		defer cancel()
		defer time.AfterFunc(time.Duration(c.chance.Int64N(int64(12*time.Millisecond))), cancel).Stop()
		a := c.ask(ctx, v.request(v.line.Gateway), v.line, true)
		a.cut, a.nobody = true, a.line.Error == refused
		return a
	}
	type place struct {
		gateway int
		copy    Copy
	}
	places := []place{{v.line.Gateway, First}}
	atOnce, told := false, !singleInputs(c.channel.Wire) || v.line.Kind == KindSMS
	switch {
	case !told: // a copy that comes after 1.2 s is another press of the key to it
	case len(c.Gateways) > 1 && c.happens(c.Faults.Both):
		places, atOnce = append(places, place{(v.line.Gateway + 1) % len(c.Gateways), Both}), true
	case c.happens(c.Faults.Duplicate) || dial && c.happens(c.Faults.Twice):
		places, atOnce = append(places, place{v.line.Gateway, Duplicate}), c.chance.IntN(2) == 0
	}
	drops := 0
	for told && drops < 3 && c.happens(c.Faults.Drop) {
		drops++
	}
	nobody := true
	for try := 0; ; try++ {
		got := make([]answered, len(places))
		one := func(i int) {
			l := v.line
			if l.Gateway, l.Copy = places[i].gateway, places[i].copy; try > 0 && i == 0 {
				l.Copy = Retry
			}
			got[i] = c.ask(ctx, v.request(l.Gateway), l, try < drops)
		}
		if atOnce {
			var wg sync.WaitGroup
			for i := range places {
				wg.Go(func() { one(i) })
			}
			wg.Wait()
		} else {
			for i := range places {
				one(i)
			}
		}
		for _, a := range got {
			if !a.lost() {
				return a
			}
			nobody = nobody && a.line.Error == refused
		}
		if try >= drops || ctx.Err() != nil {
			got[0].nobody = nobody
			return got[0]
		}
		places, atOnce = places[:1], false
	}
}

// ask makes one request, and writes it down with its answer. lost says that the
// answer is not handed to the caller.
func (c *caller) ask(ctx context.Context, r request, l Line, lost bool) (a answered) {
	select {
	case c.slots <- struct{}{}:
	case <-ctx.Done():
		return a
	}
	defer func() { <-c.slots }()
	l = c.Ledger.begun(l)
	l.Lost = lost
	body, err := []byte(nil), error(nil)
	a.status, body, err = post(ctx, c.client, r)
	l.Took, l.Status = c.Ledger.since(l), a.status
	switch {
	case err != nil:
		l.Error = failure(err)
	case l.Kind == KindSMS:
		a.screen = a.status/100 == 2
		l.Acked = a.screen
		if len(body) > 0 {
			l.Body = clip(string(body))
		}
	default:
		a.text, a.end, a.screen = wires[c.channel.Wire].screen(a.status, body)
		l.Screen, l.End = a.text, a.end
		if !a.screen {
			l.Body = clip(string(body))
		}
		if ref := referenceForm.FindString(a.text); ref != "" && a.end {
			l.Ref, l.Acked = ref, true
		}
	}
	a.line = l
	c.Ledger.write(l)
	return a
}

func clip(s string) string { return s[:min(len(s), 512)] }

// refused is the failure of a request that reached nobody.
const refused = "refused"

// failure names why there was no answer. An error's text would hold the address,
// and with it the token.
func failure(err error) string {
	switch {
	case errors.Is(err, context.Canceled):
		return "cut"
	case errors.Is(err, context.DeadlineExceeded):
		return "timeout"
	case errors.Is(err, syscall.ECONNREFUSED):
		return refused
	}
	return "unreachable"
}

// maxAnswer bounds an answer: a screen in JSON, escaped.
const maxAnswer = 16 << 10

func post(ctx context.Context, client *http.Client, r request) (int, []byte, error) {
	req, err := http.NewRequestWithContext(ctx, r.method, r.url, bytes.NewReader(r.body))
	if err != nil {
		return 0, nil, err
	}
	req.Header.Set("Content-Type", r.kind)
	resp, err := client.Do(req)
	if err != nil {
		return 0, nil, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	if err != nil {
		return 0, nil, err
	}
	return resp.StatusCode, body, nil
}

// answer gives what she keys in at a place: by what its question is, and the keys
// on the screen. finishes tells that the run ends with it. "" when nothing is
// asked.
func (c *caller) answer(s state) (input, pin string, finishes bool) {
	key := func(value string) string {
		for _, o := range s.shown.Options {
			if o.Value == value {
				return o.Key
			}
		}
		return ""
	}
	anything := func() string {
		if len(s.shown.Options) == 0 {
			return ""
		}
		return s.shown.Options[c.chance.IntN(len(s.shown.Options))].Key
	}
	def := c.World.book.State(s.cursor)
	switch {
	case def == nil || s.shown.Input == flow.InputNone:
		return "", "", false
	case s.cursor.Offer:
		return key("no"), "", false
	case s.cursor.Doubt != "":
		return key("yes"), "", false
	case c.chance.IntN(40) == 0 && s.shown.Input == flow.InputChoice && s.cursor.Misses == 0 && c.replay.medium == "ussd":
		return "77", "", false // no key of this screen
	case c.chance.IntN(40) == 0 && s.shown.Back && s.shown.Input == flow.InputChoice && c.replay.medium == "ussd":
		return "0", "", false
	}
	if s.cursor.Flow == flow.Main && s.cursor.State == "menu" {
		want := string(c.role)
		if c.role == Converse {
			want = "feedback"
		}
		return key(want), "", false
	}
	switch def.Kind {
	case flow.KindResume:
		return key("continue"), "", false
	case flow.KindConfirm:
		return key("yes"), "", true
	case flow.KindProject:
		p := c.World.projects[c.World.dials[c.chance.IntN(len(c.World.dials))]]
		if c.replay.medium == "sms" {
			return p.Code, "", false
		}
		return p.Dial, "", false
	case flow.KindPIN:
		for _, l := range c.leads {
			if l.Group == s.cursor.Answers["group"] {
				return l.PIN, "right", false
			}
		}
		return "", "", false
	case flow.KindNumber, flow.KindMoney:
		return c.figure(def), "", false
	case flow.KindText:
		return c.text, "", true
	}
	switch s.cursor.State {
	case "what":
		if k := key("call"); k != "" {
			return k, "", false
		}
	case "again":
		if k := key("leave"); k != "" {
			return k, "", false
		}
	case "old": // she does not ask to be called
		if k := key("no"); k != "" && s.cursor.Flow == string(Progress) {
			return k, "", false
		}
	}
	return anything(), "", false
}

// figure gives a figure that nobody wonders at.
func (c *caller) figure(def *flow.State) string {
	low, high := int64(0), int64(10)
	if def.Min != nil {
		low = *def.Min
	}
	if def.WarnMin != nil {
		low = max(low, *def.WarnMin)
	}
	if high = low + 9; def.Kind == flow.KindMoney {
		high = low + 500
	}
	n := low + c.chance.Int64N(high-low+1)
	if def.Kind == flow.KindMoney {
		n *= 25
	}
	return strconv.FormatInt(n, 10)
}

// write sends an SMS of free words, and STOP behind it where she is one to.
func (c *caller) write(ctx context.Context) string {
	heard := "gave up"
	if c.deliverText(ctx, c.text, c.nonce, false) {
		heard = "acked"
	}
	if c.role == Stop {
		c.deliverText(ctx, "STOP", "", true)
	}
	return heard
}

// text1 sends one SMS, until it is taken or she has had enough.
func (c *caller) deliverText(ctx context.Context, text, nonce string, stop bool) bool {
	c.messages++
	c.hops.Add(1)
	at := time.Now().UTC().Truncate(time.Second)
	// It lay on the way. Not in a conversation, and not before a STOP: late messages
	// are put into the order in which they were sent.
	if (c.role == Open || c.role == Grave) && c.chance.IntN(5) == 0 {
		at = at.Add(-time.Duration(c.chance.IntN(7200)) * time.Second)
	}
	m := outgoing{id: fmt.Sprintf("fake-%d-%d-%d", c.Salt, c.n, c.messages), number: c.number, to: c.channel.Short, text: text, at: at}
	latin := isLatin1(text) && c.happens(c.Faults.Encoding)
	gateway := c.chance.IntN(len(c.Gateways))
	v := &copied{
		line: Line{Kind: KindSMS, Caller: c.n, Run: c.run, Channel: c.channel.Name, Text: text, Nonce: nonce, Own: m.id, Gateway: gateway,
			SentAt: at.Format(time.RFC3339), Stop: stop},
		request: func(g int) request { return wires[c.channel.Wire].sms(hook(c.Gateways[g], c.channel, "sms"), m, latin) },
	}
	if c.happens(c.Faults.Delay) {
		c.wait(ctx, time.Duration(c.chance.Int64N(int64(c.Faults.maxDelay()))))
	}
	// An aggregator that gets no 2xx comes again.
	for range 6 {
		a := c.deliver(ctx, v, false)
		if a.screen {
			if c.happens(c.Faults.Reorder) {
				c.wait(ctx, 20*time.Millisecond)
				c.again(ctx, v)
			}
			return true
		}
		if ctx.Err() != nil {
			return false
		}
		c.wait(ctx, 250*time.Millisecond)
	}
	return false
}

// replyWithin is how long she waits for a reply by SMS.
const replyWithin = 8 * time.Second

// menuText leads to the menu by SMS from wherever she is, and leaves what she began.
const menuText = "MENU"

// converse says one thing by SMS, a question a message.
func (c *caller) converse(ctx context.Context) string {
	inbox := c.FarEnd.inbox(c.number)
	input, finishes := menuText, false
	c.replay.dial(nil, time.Now())
	for range maxSteps {
		nonce := ""
		if finishes {
			nonce = c.nonce
		}
		if !c.deliverText(ctx, input, nonce, false) {
			return "gave up"
		}
		t := time.NewTimer(replyWithin)
		select {
		case <-ctx.Done():
		case <-t.C:
		case text := <-inbox:
			t.Stop()
			if !c.replay.hear(text, false, true) {
				c.Ledger.write(Line{Kind: KindReply, Caller: c.n, Run: c.run, Screen: text, NoWay: true})
				return "gave up"
			}
			s, _ := c.replay.here()
			if s.ended != nil {
				return "acked"
			}
			input, _, finishes = c.answer(s)
			if input == "" {
				return "ended"
			}
			c.replay.input(input, "", time.Now())
			continue
		}
		return "gave up"
	}
	return "gave up"
}
