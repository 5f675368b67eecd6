package simulation

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"lafia/gateway/message"
	"lafia/internal/programme"
)

// manner is how an aggregator carries a caller's keys.
type manner int

const (
	cumulative manner = iota
	sequenced         // single inputs, counted
	single            // single inputs, not counted
	texting           // SMS
)

// errand is one thing that a person wants to say, with what she does at each
// screen until it is said.
type errand struct {
	steps []step
	want  *want  // what must be kept of it; nil: nothing is
	news  *bool  // or what she must have said to news
	texts []text // by SMS, instead of steps
	begun bool   // she has answered something of it: what may be gone on with is hers
	paged *step  // what she looks for on the next page
}

// step is what she does at one screen: she reads the words and presses the key
// that stands before the answer she means, or writes.
type step struct {
	see   string // words of the screen
	way   bool   // it leads there, and is no part of the errand
	pick  string // the words of the option that she means
	write string // or what she writes
	last  bool   // it finishes the errand
}

// want is what must be kept of an errand.
type want struct {
	kind    programme.Kind
	nonce   string // in her words; "": it has none
	project string
	place   string
	answers map[string]string
	text    string
}

// text is one SMS of hers.
type text struct {
	words string
	parts []string
	// waits is set where she reads the reply before she writes again.
	waits bool
	want  *want // the open message that it becomes
	news  *bool
}

// person is somebody with a phone and errands.
type person struct {
	w       *world
	n       int
	number  string
	contact []byte
	manner  manner
	channel string
	errands []*errand
	dials   int
	sent    int // messages
	presses int
	excuses int // how often she was told that something was lost
	heard   int // and how often she saw it
	asked   []request
	acks    []ack
	finals  map[*errand]int // dials in which she finished an errand, as far as she knows
	asks    bool            // by SMS she may have been asked what she has not answered: what she wrote would answer it
	news    *bool           // what she said last to news, and was told that it is kept
	newsSet bool
}

// request is one copy of a request, with what it was answered.
type request struct {
	press    int // copies of one have one
	in       message.Inbound
	from, to time.Time // when it came and when it was answered
	reply    message.Reply
	answered bool
}

// ack is a word of ours that something is kept.
type ack struct {
	errand *errand
	dial   string
	ref    programme.Reference // "": none was told
}

func (p *person) String() string { return fmt.Sprintf("person %d", p.n) }

var reference = regexp.MustCompile(`\d{4}-\d{4}`)

// live is her day.
func (p *person) live() {
	p.w.sleep(p.w.between(0, 20*time.Second))
	for _, e := range p.errands {
		if p.manner == texting {
			p.write(e)
		} else {
			p.call(e)
		}
		p.w.sleep(p.w.between(5*time.Second, 30*time.Second))
	}
}

// dialsMost is how often she dials for one errand.
const dialsMost = 4

// call dials until an errand is said, or she has had enough.
func (p *person) call(e *errand) {
	for range dialsMost {
		if p.dial(e) {
			return
		}
		p.w.sleep(p.w.between(2*time.Second, 25*time.Second))
	}
}

// hopsMost bounds a call: a network ends it after some minutes.
const hopsMost = 40

// dial is one call. It reports whether she has done what she wanted.
func (p *person) dial(e *errand) (done bool) {
	p.dials++
	in := message.Inbound{Medium: message.USSD, From: message.ParseNumber(p.number), To: "*384#", SessionID: fmt.Sprintf("s%d-%d", p.n, p.dials)}
	switch p.manner {
	case cumulative:
		in.Cumulative = true
	default:
		in.Start = true
	}
	if p.manner == sequenced {
		in.Sequence = 1
	}
	for hop := range hopsMost {
		r, ok := p.send(in)
		switch {
		case !ok:
			return false
		}
		if strings.Contains(r.Text, p.w.say("hint.lost")) {
			p.heard++
		}
		switch {
		case hop == 0 && p.finals[e] > 0 && strings.Contains(r.Text, p.w.say("hint.received")):
			p.told(e, "", "") // it is what she said the last time
			return true
		case r.End:
			return p.ended(e, r)
		case p.w.chance(p.w.weather.hangUp):
			p.w.note(p.String(), "hangs up")
			return false
		}
		key, last := p.answer(e, r.Text)
		if key == "" {
			p.w.note(p.String(), "does not know what to press at %q", r.Text)
			return false
		}
		p.w.sleep(p.w.between(2*time.Second, 7*time.Second))
		if last {
			p.finals[e]++
		}
		in = next(in, p.manner, key)
	}
	return false
}

func next(in message.Inbound, m manner, key string) message.Inbound {
	in.Start = false
	switch {
	case m != cumulative:
		in.Text = key
	case in.Text == "":
		in.Text = key
	default:
		in.Text += "*" + key
	}
	if m == sequenced {
		in.Sequence++
	}
	return in
}

// ended reads a last screen.
func (p *person) ended(e *errand, r message.Reply) bool {
	said := r.Text
	switch ref := reference.FindString(said); {
	case p.later(said):
		return false
	case ref != "":
		parsed, ok := programme.ParseReference(ref)
		if !ok {
			p.w.violate("a reference has a wrong check digit: %q", said)
		}
		p.told(e, parsed, fmt.Sprint("dial ", p.dials))
	case strings.Contains(said, p.w.say("confidential.done")), strings.Contains(said, p.w.say("choices.kept")):
		p.told(e, "", "")
	case p.mayErr():
		return false
	default:
		p.w.violate("a call ends with what no call of hers ends with: %q", said)
	}
	return true
}

// later reports whether she is told to call later, in whatever language: a copy of an
// old key may have chosen one where Redis forgot hers.
func (p *person) later(said string) bool {
	return slices.ContainsFunc([]string{"fr", "bm", "ses"}, func(language string) bool {
		words := p.w.Words.Words(language)
		return said == words.Folded("error.notsaved", nil) || said == words.Folded("error.busy", nil)
	})
}

// told notes that she was told that an errand is kept; it must be so already.
func (p *person) told(e *errand, ref programme.Reference, dial string) {
	p.w.note(p.String(), "is told that it is kept %s", ref)
	p.acks = append(p.acks, ack{e, dial, ref})
	if e.news != nil {
		p.news, p.newsSet = e.news, true
	}
	if !p.w.durable(p, e, ref) {
		p.w.violate("I16: %s is told that something is kept that is not durable", p)
	}
}

// answer gives what she presses or writes at a screen, "" where she knows nothing
// to do; last tells whether it finishes her errand.
func (p *person) answer(e *errand, screen string) (key string, last bool) {
	paged := e.paged
	e.paged = nil
	for i := range e.steps {
		s := &e.steps[i]
		if !strings.Contains(screen, s.see) && s != paged {
			continue
		}
		if s.see == p.w.say("resume.ask") && !e.begun { // it was another errand
			return optionKey(screen, p.w.say("resume.restart")), false
		}
		e.begun = e.begun || !s.way
		if s.pick == "" {
			return s.write, s.last
		}
		if key := optionKey(screen, s.pick); key != "" {
			if e.news != nil {
				p.newsSet = false // it is not known until she is told
			}
			return key, s.last
		}
		if strings.Contains(screen, p.w.say("key.next")) {
			e.paged = s
			return "99", false
		}
	}
	return "", false
}

// optionKey gives the key before an option of a screen.
func optionKey(screen, words string) string {
	for _, line := range strings.Split(screen, "\n") {
		if key, label, ok := strings.Cut(strings.TrimSpace(line), " "); ok && strings.TrimSpace(label) == words && strings.Trim(key, "0123456789") == "" {
			return key
		}
	}
	return ""
}

// patience is how long an aggregator waits for an answer.
const patience = 10 * time.Second

// send carries a request through the network: it may come twice or late, and its
// reply may be lost.
func (p *person) send(in message.Inbound) (message.Reply, bool) {
	w := p.w
	p.presses++
	press := p.presses
	answer := make(chan message.Reply, 3)
	lost, again := w.chance(w.weather.lost), p.manner == single && w.chance(w.weather.twice)
	w.spawn(func() {
		began := w.Now()
		r, ok := p.deliver(press, in, w.between(5*time.Millisecond, 300*time.Millisecond))
		if again && ok && !r.End && w.Now().Sub(began) < 500*time.Millisecond {
			// Settled before she is answered: from there on she too draws from the seed.
			wait := w.between(0, 500*time.Millisecond)
			w.spawn(func() { p.deliver(press, in, wait) })
		}
		if ok && !lost {
			answer <- r
		}
	})
	if w.chance(w.weather.twice) {
		p.repeat(press, in)
	}
	timer := time.NewTimer(w.wake(patience))
	defer timer.Stop()
	select {
	case r := <-answer:
		return r, true
	case <-timer.C:
		w.note(p.String(), "gets no answer")
	}
	if p.manner == single || w.chance(0.5) { // a single input that comes again later is an input (reliability.md 2.1)
		return message.Reply{}, false
	}
	r, ok := p.deliver(press, in, w.between(5*time.Millisecond, 300*time.Millisecond))
	return r, ok
}

// repeat sends a request again beside the first: at once, or as late as its
// aggregator may. Without a count only one that comes at once is known for a
// repeat.
func (p *person) repeat(press int, in message.Inbound) {
	w := p.w
	from, to := 5*time.Millisecond, 900*time.Millisecond
	if w.chance(w.weather.late) && p.manner != single {
		to = 40 * time.Second
	}
	w.spawn(func() { p.deliver(press, in, w.between(from, to)) })
}

// deliver brings one copy of a request to a gateway.
func (p *person) deliver(press int, in message.Inbound, after time.Duration) (message.Reply, bool) {
	w := p.w
	w.sleep(after)
	g := w.anyone()
	if g == nil {
		w.note(p.String(), "reaches nobody")
		return message.Reply{}, false
	}
	q := request{press: press, in: in, from: w.Now()}
	w.note(p.String(), "%s gets %s %q seq %d", g, in.SessionID, in.Text, in.Sequence)
	r, err, ok := g.hop(p.channel, in)
	q.to, q.reply, q.answered = w.Now(), r, ok
	p.asked = append(p.asked, q)
	if !ok {
		w.note(p.String(), "%s died of it", g)
		return r, false
	}
	w.locked(func() { w.hops++ })
	w.note(p.String(), "is shown %q end %v (%v)", r.Text, r.End, err)
	p.sees(r.Text)
	if strings.Contains(r.Text, w.say("hint.lost")) {
		p.excuses++
	}
	return r, true
}

// unaware reports whether what was lost may have been told to nobody: the apology
// went to a repeat of her request. What she presses then is read on the screen
// before, where only single keys are sent.
func (p *person) unaware() bool { return p.manner != cumulative && p.excuses != p.heard }

// sees looks for what is somebody else's.
func (p *person) sees(shown string) {
	for _, other := range p.w.people {
		if other == p {
			continue
		}
		for _, e := range other.errands {
			for _, nonce := range e.nonces() {
				if strings.Contains(shown, nonce) {
					p.w.violate("I10: %s is shown words of %s", p, other)
				}
			}
		}
		for _, a := range other.acks {
			if a.ref != "" && strings.Contains(shown, a.ref.String()) {
				p.w.violate("I10: %s is shown a reference of %s", p, other)
			}
		}
	}
}

func (e *errand) nonces() (out []string) {
	if e.want != nil && e.want.nonce != "" {
		out = append(out, e.want.nonce)
	}
	for _, t := range e.texts {
		if t.want != nil {
			out = append(out, t.want.nonce)
		}
	}
	return out
}

// write sends the messages of an errand, one after the other.
func (p *person) write(e *errand) {
	if p.asks || len(e.steps) > 0 && !p.waitForReply() {
		return
	}
	p.asks = len(e.steps) > 0
	for i := range e.texts {
		t := &e.texts[i]
		if !p.text(e, t) {
			return
		}
		if t.waits && !p.waitForReply() {
			return
		}
		p.w.sleep(p.w.between(time.Second, 12*time.Second))
	}
	if len(e.steps) > 0 {
		p.converse(e)
	}
}

// converse answers what she is asked, message by message.
func (p *person) converse(e *errand) {
	for range hopsMost {
		replies := p.w.record.Outbound(p.contact)
		if len(replies) == 0 {
			return
		}
		o := replies[len(replies)-1]
		plain, err := p.w.Ring.Open(o.Sealed, "outbound/"+o.ID)
		if err != nil {
			p.w.violate("a reply does not open: %v", err)
			return
		}
		if ref := reference.FindString(string(plain)); ref != "" {
			parsed, _ := programme.ParseReference(ref)
			p.told(e, parsed, fmt.Sprint("text ", p.sent))
			p.asks = false
			return
		}
		words, last := p.answer(e, string(plain))
		if words == "" {
			p.w.note(p.String(), "does not know what to write to %q", plain)
			return
		}
		if last {
			p.finals[e]++
		}
		if !p.text(e, &text{words: words}) || !p.waitForReply() {
			return
		}
		p.w.sleep(p.w.between(time.Second, 8*time.Second))
	}
}

// waitForReply waits until all that she wrote is answered.
func (p *person) waitForReply() bool {
	for range 60 {
		if len(p.w.record.Outbound(p.contact)) >= p.sent {
			for _, o := range p.w.record.Outbound(p.contact) {
				if plain, err := p.w.Ring.Open(o.Sealed, "outbound/"+o.ID); err == nil {
					p.sees(string(plain))
				}
			}
			return true
		}
		p.w.sleep(time.Second)
	}
	return false
}

// textsMost is how often an aggregator sends a message that is not taken.
const textsMost = 8

// text sends one message, in parts where it has some, until each is taken.
func (p *person) text(e *errand, t *text) bool {
	p.sent++
	if t.news != nil {
		p.newsSet = false
	}
	words, sent := t.parts, p.w.Now()
	if len(words) == 0 {
		words = []string{t.words}
	}
	taken := true
	for i, some := range words {
		in := message.Inbound{
			Medium: message.SMS, From: message.ParseNumber(p.number), To: "38400", Text: some, SentAt: sent,
			ExternalID: fmt.Sprintf("m%d-%d-%d", p.n, p.sent, i),
		}
		if len(words) > 1 {
			in.Part = &message.Part{Ref: fmt.Sprint(p.sent), Index: i + 1, Total: len(words)}
		}
		taken = p.carry(in, t.news != nil) && taken
	}
	if !taken {
		return false
	}
	if t.want != nil {
		p.acks = append(p.acks, ack{errand: &errand{want: t.want}})
	}
	if t.news != nil {
		p.news, p.newsSet = t.news, true
	}
	return true
}

// carry brings one message to a gateway until it is taken. A wish does not come
// again behind the next one: a repeat of it that comes to another gateway while
// the first lies in a spool counts from when it came (docs/reliability.md).
func (p *person) carry(in message.Inbound, wish bool) bool {
	w := p.w
	if w.chance(w.weather.twice) && !wish {
		w.spawn(func() { w.sleep(w.between(0, 20*time.Second)); p.hand(in) })
	}
	for range textsMost {
		w.sleep(w.between(5*time.Millisecond, 800*time.Millisecond))
		if p.hand(in) {
			return true
		}
		w.sleep(w.between(2*time.Second, 15*time.Second))
	}
	return false
}

// hand gives a message to a gateway; true: it was acknowledged, and is durable.
func (p *person) hand(in message.Inbound) bool {
	w := p.w
	g := w.anyone()
	if g == nil {
		return false
	}
	w.note(p.String(), "%s gets %q", g, in.Text)
	err, ok := g.receive(p.channel, in)
	w.note(p.String(), "%s says %v %v", g, ok, err)
	if !ok || err != nil {
		return false
	}
	w.locked(func() { w.hops++ })
	content := w.Ring.ID("content", []byte(in.Text))
	if !w.record.Received(content[:]) && !slices.ContainsFunc(w.spooled(), func(d deed) bool { return d.message(content[:]) }) {
		w.violate("I16: a message of %s was acknowledged that is not durable", p)
	}
	if w.chance(w.weather.lost) {
		return false
	}
	return true
}
