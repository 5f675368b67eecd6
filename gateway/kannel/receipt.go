package kannel

import (
	"strings"

	"lafia/gateway/message"
)

// receipt reads the parameters that Request puts into dlr-url. Our own id is the
// only one that both sides know: sendsms answers with none. Which of %p and %P
// is the receiver depends on Kannel's version, so that the one that is a phone's
// number is taken, if just one is.
func receipt(f *message.Fields) *message.Receipt {
	id, value, reply := f.Needed("id"), f.Needed("status"), f.Text("reply")
	r := &message.Receipt{ExternalID: id, OurID: id, At: readTime(f.Short("ts"))}
	from, to := message.ParseNumber(f.Short("from")), message.ParseNumber(f.Short("to"))
	switch {
	case to.IsPhone() && !from.IsPhone():
		r.To = to
	case from.IsPhone() && !to.IsPhone():
		r.To = from
	}
	stat := word(reply, "stat:")
	switch value { // gw/dlr.h
	case "1":
		r.Status = message.StatusDelivered
	case "2", "16": // failed at the handset, refused by the SMSC
		r.Status = message.StatusFailed
		if strings.EqualFold(stat, "EXPIRED") {
			r.Status = message.StatusExpired
		}
	case "4", "8", "32": // buffered at the SMSC, accepted by it, intermediate
		r.Status = message.StatusSent
	default:
		r.Status = message.StatusUnknown
	}
	switch {
	case r.Status == message.StatusDelivered || r.Status == message.StatusSent:
	case stat != "":
		r.Reason = message.Word(strings.TrimSpace(stat + " " + word(reply, "err:")))
	case strings.HasPrefix(reply, "NACK/"): // NACK/0x00000045/Submit failed
		r.Reason = message.Word(reply)
	default:
		r.Reason = message.Word("receipt value " + value)
	}
	return r
}

// word is what stands behind a key of an SMPP receipt, up to the next blank. No
// more of the receipt is kept: its "text:" holds the beginning of the message.
func word(receipt, key string) string {
	_, after, found := strings.Cut(receipt, key)
	if !found {
		return ""
	}
	w, _, _ := strings.Cut(after, " ")
	return w[:min(len(w), 20)]
}
