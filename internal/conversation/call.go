package conversation

import (
	"strings"
	"unicode"

	"lafia/gateway/message"
	"lafia/internal/programme"
)

// callAnswer is the answer of an open message that asks to be called back.
const callAnswer = "call"

// callTemplates are the whole texts that ask to be called, folded by MatchKey;
// what may follow is a number. The first three are what operators in Mali send
// for people without credit (yeleman/douentza, event_type_from_message: Orange's
// two and Malitel's); the others are how people write it themselves.
//
// People who cannot read, or have no credit, ask so: it is taken as a wish to be
// called back, and not as feedback (peers.md D.9). An operator's service gets no
// reply, since it has no number; a missed call gets none either: she has only to
// let it ring, and an SMS to a phone that rang might reach whoever holds it. Who
// writes the words herself gets the acknowledgement that every open message gets.
var callTemplates = []string{
	"peux tu me rappeler au numero suivant",
	"peux tu recharger mon compte",
	"rappellez moi sil vous plait au numero suivant",
	"rappelle moi", "rappelez moi", "rappellez moi", "rappel moi", "rappeler moi",
	"rappelle moi stp", "rappelez moi svp", "rappellez moi svp", "rappelle moi svp", "rappelle moi sil te plait",
	"rappelez moi sil vous plait", "rappellez moi sil vous plait", "svp rappelez moi", "bip", "bipe", "beep",
}

// asksForCall reports whether a text is nothing but a wish to be called.
func asksForCall(text string) bool {
	_, ok := callTail(text)
	return ok
}

// callTail gives what follows the words that ask to be called: a number, or
// nothing. Templates in documents write XX for its digits.
func callTail(text string) (string, bool) {
	key := programme.MatchKey(text)
	for _, t := range callTemplates {
		tail, ok := strings.CutPrefix(key, t)
		if ok && (tail == "" || tail[0] == ' ') && strings.TrimLeft(tail, " 0123456789x") == "" && len(tail) <= 24 {
			return strings.TrimSpace(tail), true
		}
	}
	return "", false
}

// behindService gives a message that an operator's service sent for someone its
// real sender, whose number stands in the text: the one to call back is she, and
// not the short code. She did not write herself, so she is not answered.
func (c *Conversation) behindService(in message.Inbound) message.Inbound {
	if in.From.IsPhone() || in.Medium != message.SMS {
		return in
	}
	tail, ok := callTail(in.Text)
	if !ok {
		return in
	}
	digits := strings.Map(func(r rune) rune {
		if unicode.IsDigit(r) {
			return r
		}
		return -1
	}, tail)
	if n := message.ParseNumber(digits); n.IsPhone() {
		in.From, in.Call = n, true
	}
	return in
}
