package conversation

import (
	"lafia/gateway/message"
	"lafia/internal/sms"
)

// callAnswer is the answer of an open message that asks to be called back.
const callAnswer = "call"

// behindService gives a message that an operator's service sent for someone its
// real sender, whose number stands in the text: the one to call back is she, and
// not the short code. She did not write herself, so she is not answered.
//
// People who cannot read, or have no credit, ask so: it is taken as a wish to be
// called back, and not as feedback (peers.md D.9). A missed call gets no reply
// either: she has only to let it ring, and an SMS to a phone that rang might
// reach whoever holds it.
func (c *Conversation) behindService(in message.Inbound) message.Inbound {
	if in.From.IsPhone() || in.Medium != message.SMS {
		return in
	}
	m := sms.Read(in.Text)
	if n := message.ParseNumber(m.Number); m.Kind == sms.CallMe && n.IsPhone() {
		in.From, in.Call = n, true
	}
	return in
}
