package simulator

import (
	"strings"

	"lafia/gateway/message"
)

// maxSMS is how much an SMS can say: ten parts of 153 characters. Phones of the
// kind drawn here stop at fewer.
const maxSMS = 1530

// sendSMS hands an SMS over as the aggregator does, and keeps it on the phone
// with what the webhook answered.
func (s *Simulator) sendSMS(n message.Number, channel, body string) {
	p := s.phones.phone(n)
	c, ok := s.smsChannel(channel)
	body = strings.ReplaceAll(body, "\r\n", "\n") // a form's line breaks; phones send \n
	switch {
	case !ok || strings.TrimSpace(body) == "":
		s.set(p, func() { p.smsNote = emptyReply })
		return
	case len([]rune(body)) > maxSMS:
		s.set(p, func() { p.smsNote = tooLong })
		return
	}
	// It is in the thread before it is sent: the answer by SMS may come sooner
	// than the webhook's.
	now := s.Now()
	sent := &text{mine: true, peer: c.ShortCode, body: body, at: now}
	s.set(p, func() {
		p.smsChannel, p.smsNote = c.Name, quiet
		s.phones.add(n, sent)
	})
	a := s.post(wires[c.Adapter].sms(s.hook(c, message.KindSMS), outgoing{
		id: s.Random(16), from: n, to: c.ShortCode, text: body, at: now,
	}))
	s.Log.Debug("simulator: sms", "channel", c.Name, "status", a.status, "took", a.took, "failure", string(a.failure))
	s.set(p, func() { sent.answered, sent.status = true, a.status })
}

// smsChannel is the named channel, or the first that takes SMS.
func (s *Simulator) smsChannel(name string) (Channel, bool) {
	for _, c := range s.channels {
		if c.ShortCode != "" && (name == "" || c.Name == name) {
			return c, true
		}
	}
	return Channel{}, false
}
