package jasmin

import (
	"strings"

	"lafia/gateway/message"
)

// ourID is the parameter that Request adds to the address for receipts, so that
// one that comes before the answer to the send finds its message.
const ourID = "our_id"

// receipt reads a receipt of level 1 (the SMSC's answer to the submit_sm), 2 (its
// delivery report) or 3 (both come). What it holds of the message's text is not
// read, and its times have no zone.
func receipt(f *message.Fields, ours string) *message.Receipt {
	state := f.Needed("message_status")
	r := &message.Receipt{ExternalID: f.Needed("id"), Status: statusOf(state)}
	if len(ours) <= message.MaxField {
		r.OurID = strings.TrimSpace(ours)
	}
	switch r.Status {
	case message.StatusFailed, message.StatusExpired, message.StatusUnknown:
		r.Reason = state
		if e := f.Short("err"); e != "" && len(e) <= 5 && strings.Trim(e, "0") != "" {
			r.Reason += " " + e // the network's own code
		}
		r.Reason = message.Word(r.Reason)
	}
	return r
}

// statusOf maps message_status: a command status of SMPP at level 1, the state
// of a delivery receipt at levels 2 and 3 (SMPP 3.4 5.1.3 and 5.2.28).
// Jasmin's documentation repeats those of level 1 for level 2, which its code
// does not do. "dlvrd" counts parts and "err" is a code of the network: neither
// is a state.
func statusOf(word string) message.Status {
	switch word = strings.ToUpper(word); word {
	case "ESME_ROK", "ACCEPTD", "ENROUTE":
		return message.StatusSent
	case "DELIVRD":
		return message.StatusDelivered
	case "UNDELIV", "REJECTD", "DELETED":
		return message.StatusFailed
	case "EXPIRED":
		return message.StatusExpired
	}
	if strings.HasPrefix(word, "ESME_") {
		return message.StatusFailed
	}
	return message.StatusUnknown
}
