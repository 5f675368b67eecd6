// Package jasmin speaks to Jasmin: SMS both ways and receipts, over its HTTP
// client connector and its HTTP API.
//
// Sources: jookies/jasmin 0aac58e (jasmin/routing/throwers.py,
// jasmin/protocols/http/endpoints/send.py, jasmin/protocols/http/errors.py,
// misc/doc/sources/apis/http) and nyaruka/courier handlers/jasmin.
package jasmin

import (
	"net/http"
	"time"

	"lafia/gateway/message"
)

// Adapter is the adapter of Jasmin. It holds nothing.
type Adapter struct{}

// New gives the adapter.
func New() *Adapter { return &Adapter{} }

// Name is "jasmin".
func (*Adapter) Name() string { return "jasmin" }

// Parse reads an SMS or a receipt, each a form POST or a GET as the connector or
// the send asked for. Jasmin signs nothing, so nothing is refused here: the
// channel's token and networks are the check.
func (*Adapter) Parse(kind message.Kind, r message.Request, a message.Account, _ time.Time) message.Parsed {
	form, reason := message.ReadForm(r, http.MethodPost, http.MethodGet)
	f := &message.Fields{Form: form, Reason: reason}
	var e message.Event
	switch {
	case reason != "":
	case kind == message.KindSMS:
		e.Inbound = sms(f, a.Settings["coding0"])
	case kind == message.KindStatus:
		// Our own id is in the address that the send gave for receipts, whatever
		// carries the receipt itself.
		e.Receipt = receipt(f, message.ParseForm(r.URL.RawQuery).Text(ourID))
	default:
		f.Fail("there is no webhook of this kind")
	}
	return f.Parsed(e)
}

// Ack is the body that Jasmin wants to read, for messages and receipts, even for
// those that mean nothing to us: anything else is tried again a few times and
// then thrown away (throwers.py).
func (*Adapter) Ack(message.Kind) message.Response {
	return message.Response{Status: http.StatusOK, ContentType: "text/plain; charset=utf-8", Body: []byte("ACK/Jasmin")}
}

// Reply has no use, since Jasmin's HTTP connectors have no USSD: it is the text.
func (*Adapter) Reply(r message.Reply) message.Response { return message.ReplyWithoutUSSD(r) }
