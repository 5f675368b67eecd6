package simulator

import (
	"bytes"
	"slices"
	"strings"
	"time"

	"lafia/gateway/message"
)

// maxTyped is how much can be typed into a USSD box: a USSD string has 160
// octets, 182 characters of 7 bits (3GPP TS 23.038 6.1.2.3).
const maxTyped = 182

// note is what a phone says by itself.
type note string

const (
	quiet      note = ""
	badCode    note = "bad-code"   // dialled something that is no service here
	voice      note = "voice"      // dialled a number
	emptyReply note = "empty"      // sent nothing
	tooLong    note = "too-long"   // typed too much
	hungUp     note = "hung-up"    // dropped, and nobody told
	endTold    note = "end-told"   // dropped, and the aggregator told Lafia
	endFailed  note = "end-failed" // the telling was not taken
	noEnd      note = "no-end"     // this aggregator tells nobody
)

// call is a USSD session.
type call struct {
	hop
	channel Channel
	live    bool
	began   time.Time
	hops    int

	request message.HTTPRequest // the latest, for sending it again
	answer  answer              // to it, when it was first sent
	screen  screen
	again   *again
}

// again is what came of sending a request once more.
type again struct {
	answer    answer
	identical bool // same status, same bytes
}

// dial starts a session, as the green key does on an idle phone. A session that
// is still live is dropped, as the network would.
func (s *Simulator) dial(n message.Number, channel, code string) {
	p := s.phones.phone(n)
	p.turn.Lock()
	defer p.turn.Unlock()
	s.dialOn(p, channel, code)
}

func (s *Simulator) dialOn(p *phone, channel, code string) {
	code = strings.Map(func(r rune) rune {
		if r == ' ' || r == '\u00a0' {
			return -1
		}
		return r
	}, code)
	s.set(p, func() {
		if channel != "" {
			p.channel = channel
		}
		if code == "" {
			code = p.dialled
		}
		if code == "" {
			code = s.defaultCode(p.channel)
		}
		p.call, p.typed, p.note = nil, "", quiet
	})
	c, inputs, why := s.resolve(p.channel, code)
	if why != quiet {
		s.set(p, func() { p.note, p.typed = why, clip(code, maxTyped) })
		return
	}
	now := s.Now()
	s.set(p, func() { p.channel, p.dialled = c.Name, code })
	s.hop(p, &call{
		channel: c, live: true, began: now,
		hop: hop{session: wires[c.Adapter].session(s.Random), service: c.ServiceCode, from: p.number, inputs: inputs, first: true},
	})
}

// resolve finds whose code was dialled, the phone's own channel first, and what
// was dialled behind it.
func (s *Simulator) resolve(channel, code string) (c Channel, inputs []string, why note) {
	if strings.Trim(code, "0123456789*#") != "" || !strings.HasSuffix(code, "#") {
		if strings.Trim(code, "+0123456789") == "" {
			return Channel{}, nil, voice
		}
		return Channel{}, nil, badCode
	}
	own := func(c Channel) bool { return c.Name == channel }
	for _, wanted := range []bool{true, false} {
		for _, c := range s.channels {
			if inputs, ok := splitDial(code, c.ServiceCode); ok && own(c) == wanted {
				return c, inputs, quiet
			}
		}
	}
	return Channel{}, nil, badCode
}

// splitDial takes a service's code off what was dialled: *384*1*107# is the
// inputs 1 and 107 to *384#.
func splitDial(code, service string) (inputs []string, ok bool) {
	code, whole := strings.CutSuffix(code, "#")
	service = strings.TrimSuffix(service, "#")
	if !whole || service == "" {
		return nil, false
	}
	if code == service {
		return nil, true
	}
	tail, ok := strings.CutPrefix(code, service+"*")
	if !ok || tail == "" {
		return nil, false
	}
	return strings.Split(tail, "*"), true
}

// defaultCode is what the green key dials on a phone that dialled nothing yet.
func (s *Simulator) defaultCode(channel string) string {
	if c, ok := s.channel(channel); ok && c.ServiceCode != "" {
		return c.ServiceCode
	}
	for _, c := range s.channels {
		if c.ServiceCode != "" {
			return c.ServiceCode
		}
	}
	return ""
}

// green is the green key: it dials when no session is live, else it sends the reply.
func (s *Simulator) green(n message.Number, channel, typed string) {
	p := s.phones.phone(n)
	p.turn.Lock()
	defer p.turn.Unlock()
	c := s.current(p)
	switch {
	case c == nil || !c.live:
		s.dialOn(p, channel, typed)
	case typed == "":
		s.set(p, func() { p.note = emptyReply })
	case len([]rune(typed)) > maxTyped:
		s.set(p, func() { p.note, p.typed = tooLong, clip(typed, maxTyped) })
	default:
		next := *c
		next.inputs = append(slices.Clone(c.inputs), typed)
		next.first = false
		s.hop(p, &next)
	}
}

// hop makes the request for the latest input of a call, and shows what came.
func (s *Simulator) hop(p *phone, c *call) {
	w := wires[c.channel.Adapter]
	c.request = w.hop(s.hook(c.channel, message.KindUSSD), c.hop)
	c.answer = s.post(c.request)
	c.screen = w.screen(c.answer.status, c.answer.body)
	c.again = nil
	c.hops++
	c.live = c.screen.live
	s.Log.Debug("simulator: hop", "channel", c.channel.Name, "status", c.answer.status, "took", c.answer.took, "failure", string(c.answer.failure))
	s.set(p, func() { p.call, p.typed, p.note = c, "", quiet })
}

// sendAgain repeats the latest request to the byte, as an aggregator does that
// did not get the answer, and compares the answers.
func (s *Simulator) sendAgain(n message.Number) {
	p := s.phones.phone(n)
	p.turn.Lock()
	defer p.turn.Unlock()
	c := s.current(p)
	if c == nil {
		return
	}
	a := s.post(c.request)
	same := a.failure == answered && c.answer.failure == answered && a.status == c.answer.status && bytes.Equal(a.body, c.answer.body)
	next := *c
	next.again = &again{answer: a, identical: same}
	s.set(p, func() { p.call, p.note = &next, quiet })
}

// hangUp is the red key. A live session is dropped as a network drops one, and
// Lafia hears nothing of it, unless tell is set: then the aggregator's end event
// goes out. On an idle phone it clears the screen.
func (s *Simulator) hangUp(n message.Number, tell bool) {
	p := s.phones.phone(n)
	p.turn.Lock()
	defer p.turn.Unlock()
	c := s.current(p)
	said := quiet
	if c != nil && c.live {
		said = hungUp
		if tell {
			said = s.tellEnd(c)
		}
	}
	s.set(p, func() { p.call, p.typed, p.note = nil, "", said })
}

func (s *Simulator) tellEnd(c *call) note {
	now := s.Now()
	r, ok := wires[c.channel.Adapter].end(s.hook(c.channel, message.KindStatus), end{
		hop: c.hop, at: now, took: now.Sub(c.began), hops: c.hops, last: c.answer.body,
	})
	if !ok {
		return noEnd
	}
	if a := s.post(r); a.status/100 != 2 {
		return endFailed
	}
	return endTold
}

// key types one key of the pad, for a browser without script.
func (s *Simulator) key(n message.Number, typed string, key string) {
	p := s.phones.phone(n)
	s.set(p, func() { p.typed, p.note = clip(typed+key, maxTyped), quiet })
}

// rub takes the last character away, for a browser without script.
func (s *Simulator) rub(n message.Number, typed string) {
	p := s.phones.phone(n)
	r := []rune(typed)
	s.set(p, func() { p.typed = clip(string(r[:max(len(r)-1, 0)]), maxTyped) })
}

// current is the phone's call, which is never changed in place.
func (s *Simulator) current(p *phone) *call {
	s.phones.mu.Lock()
	defer s.phones.mu.Unlock()
	return p.call
}

// set changes a phone.
func (s *Simulator) set(p *phone, change func()) {
	s.phones.mu.Lock()
	defer s.phones.mu.Unlock()
	change()
	p.version++
}

// clip keeps the first n characters.
func clip(s string, n int) string {
	r := []rune(s)
	if len(r) <= n {
		return s
	}
	return string(r[:n])
}
