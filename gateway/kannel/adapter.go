// Package kannel speaks to Kannel: SMS both ways and delivery reports. Kannel
// knows no fixed names of parameters: README.md beside this file says how its
// sms-service has to be written, and this package reads what that gives.
//
// Sources: pruiz/kannel cdbcfc1 (gw/urltrans.c, gw/smsbox.c, gw/dlr.h and the
// user guide, doc/userguide/userguide.xml), and nyaruka/courier handlers/kannel.
package kannel

import (
	"net/http"
	"time"

	"lafia/gateway/message"
)

// Adapter is the adapter of Kannel. It holds nothing.
type Adapter struct{}

// New gives the adapter.
func New() *Adapter { return &Adapter{} }

// Name is "kannel".
func (*Adapter) Name() string { return "kannel" }

// Parse reads an SMS or a delivery report. Kannel signs nothing, so nothing is
// refused here: the channel's token and networks are the check.
func (*Adapter) Parse(kind message.Kind, r message.Request, _ message.Account, _ time.Time) message.Parsed {
	f := &message.Fields{Form: message.ParseForm(r.URL.RawQuery)}
	var e message.Event
	switch {
	case r.Method != http.MethodGet && r.Method != http.MethodPost:
		f.Fail("the method is " + message.Word(r.Method) + ", not GET or POST")
	case kind == message.KindStatus:
		e.Receipt = receipt(f)
	case kind != message.KindSMS:
		f.Fail("there is no webhook of this kind")
	case r.Method == http.MethodGet:
		e.Inbound = fromQuery(f)
	default:
		e.Inbound = fromBody(f, r)
	}
	return f.Parsed(e)
}

const plain = "text/plain; charset=utf-8"

// Ack is 200 and an empty text: whatever stands in the body of such an answer
// goes to the caller as an SMS, and a type that is no text sends her an error
// (gw/smsbox.c, obey_request_thread and url_result_thread).
func (*Adapter) Ack(message.Kind) message.Response {
	return message.Response{Status: http.StatusOK, ContentType: plain}
}

// Reply has no use, since Kannel's sms-service has no USSD: it is the text.
func (*Adapter) Reply(r message.Reply) message.Response {
	return message.ReplyWithoutUSSD(r)
}
