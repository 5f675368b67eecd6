// Package lafricamobile speaks to LAfricaMobile (LAM, LAMPUSH): sends, receipts,
// and messages from people as a contract has it, since LAM publishes no shape of
// these.
//
// Sources: developers.lafricamobile.com/docs/sms (send-as-XML-via-HTTP,
// send-via-JSON), lafricamobile.com/en/api-lampush, and public integrations
// where these are silent; README.md says which is which.
package lafricamobile

import (
	"net/http"
	"strings"
	"time"

	"lafia/gateway/message"
)

// Adapter is the adapter of LAfricaMobile. It holds nothing.
type Adapter struct{}

// New gives the adapter.
func New() *Adapter { return &Adapter{} }

// Name is "lafricamobile".
func (*Adapter) Name() string { return "lafricamobile" }

// Parse reads a receipt, which is a GET, or a message. LAM signs nothing, so
// nothing is refused here: the channel's token and networks are the check.
func (*Adapter) Parse(kind message.Kind, r message.Request, a message.Account, _ time.Time) message.Parsed {
	form, reason := message.ReadForm(r, http.MethodGet, http.MethodPost)
	f := &message.Fields{Form: form, Reason: reason}
	var e message.Event
	switch {
	case reason != "":
	case kind == message.KindSMS:
		e.Inbound = sms(f, a.Settings)
	case kind == message.KindStatus:
		e.Receipt = receipt(f)
	default:
		f.Fail("there is no webhook of this kind")
	}
	return f.Parsed(e)
}

// sms reads a message. The names of its fields are assumed, and the settings
// mo_from, mo_to, mo_text and mo_id change them to those of the contract.
func sms(f *message.Fields, settings map[string]string) *message.Inbound {
	name := func(field string) string {
		if given := settings["mo_"+field]; given != "" {
			return given
		}
		return field
	}
	in := &message.Inbound{
		Medium:     message.SMS,
		From:       f.Number(name("from")),
		To:         f.Short(name("to")),
		Text:       f.Text(name("text")),
		ExternalID: f.Short(name("id")),
	}
	if !f.Has(name("text")) { // an empty text was sent empty
		f.Fail(name("text") + " is missing")
	}
	return in
}

// receipt reads a receipt. ret_id is our own id, which Request gives for the push
// and for its one receiver alike; push_id is LAM's. The text of the message, which
// LAM puts into the query too, is not read.
func receipt(f *message.Fields) *message.Receipt {
	ours, status := f.Short("ret_id"), f.Needed("status")
	r := &message.Receipt{
		ExternalID: ours,
		OurID:      ours,
		To:         message.ParseNumber(f.Short("to")),
		Status:     statusOf(status),
	}
	if r.ExternalID == "" {
		r.ExternalID = f.Short("push_id")
	}
	if r.ExternalID == "" {
		f.Fail("ret_id and push_id are missing")
	}
	switch r.Status {
	case message.StatusFailed, message.StatusExpired, message.StatusUnknown:
		r.Reason = message.Word(status)
	}
	return r
}

// statusOf maps the states, each of which has a name and a number; which of them
// is sent is not said. Of the errors, 15 is our own credit, spent.
func statusOf(word string) message.Status {
	switch strings.ToUpper(word) {
	case "SENT", "4":
		return message.StatusSent
	case "RECEIVED", "6":
		return message.StatusDelivered
	case "ERROR_EXPIRED", "12":
		return message.StatusExpired
	case "ERROR", "2", "ERROR_NPAI", "11", "ERROR_INVOP", "13", "ERROR_NETWORK", "14", "ERROR_CREDIT", "15", "ERROR_UNKNOWN", "16":
		return message.StatusFailed
	}
	return message.StatusUnknown
}

// Ack is 200 without a body, also for what means nothing to us: whether LAM
// tries again is not known.
func (*Adapter) Ack(message.Kind) message.Response {
	return message.Response{Status: http.StatusOK, ContentType: "text/plain; charset=utf-8"}
}

// Reply has no use, since this API has no USSD: it is the text.
func (*Adapter) Reply(r message.Reply) message.Response { return message.ReplyWithoutUSSD(r) }
