// Package vonage speaks to Vonage's SMS API, formerly Nexmo: SMS both ways, in
// parts where they are long, delivery receipts, and signatures in five
// algorithms. The Messages API is another one.
//
// Sources: developer.vonage.com (messaging/sms: inbound-sms, delivery-receipts,
// signing-messages, troubleshooting-sms), Vonage/vonage-node-sdk babd2d8
// packages/sms, Vonage/vonage-java-sdk RequestSigning, and nyaruka/courier
// handlers/nexmo.
package vonage

import (
	"net/http"
	"strings"
	"time"

	"lafia/gateway/message"
)

// Adapter is the adapter of Vonage. It holds nothing.
type Adapter struct{}

// New gives the adapter.
func New() *Adapter { return &Adapter{} }

// Name is "vonage".
func (*Adapter) Name() string { return "vonage" }

// Parse checks the signature, then reads an SMS, a part of one, or a delivery
// receipt, by query, form or JSON, whichever the account is set to. Where both
// webhooks of an account have the same address, each is known by its fields.
//
// A call without a field is Vonage's console trying the address: it carries
// nothing that would need a signature, and means nothing.
func (*Adapter) Parse(kind message.Kind, r message.Request, a message.Account, now time.Time) message.Parsed {
	form, reason := parameters(r)
	if reason == "" && empty(form) {
		return message.Parsed{}
	}
	if refused := verify(form, a, now); refused != "" {
		if reason != "" { // whoever reads this needs to know why there was no signature to be found
			refused = reason
		}
		return message.Parsed{Refused: refused}
	}
	f := &message.Fields{Form: form, Reason: reason}
	var e message.Event
	switch {
	case reason != "":
	case kind != message.KindSMS && kind != message.KindStatus:
		f.Fail("there is no webhook of this kind")
	case blank(f, "text") && blank(f, "data") && (!blank(f, "status") || kind == message.KindStatus):
		e.Receipt = receipt(f)
	default:
		e.Inbound = sms(f)
	}
	return f.Parsed(e)
}

// empty reports whether a request has no field but those of our own address.
func empty(form message.Form) bool {
	for name := range form {
		if name != tokenName {
			return false
		}
	}
	return true
}

// blank reports whether a field has no value. Blank values may be unsigned, so
// nothing depends on whether one is there.
func blank(f *message.Fields, name string) bool { return strings.TrimSpace(f.Form[name]) == "" }

// sms reads a message, or one part of a long one, which comes by a call of its
// own and under an id of its own.
func sms(f *message.Fields) *message.Inbound {
	in := &message.Inbound{
		Medium:     message.SMS,
		From:       f.Number("msisdn"),
		To:         f.Needed("to"),
		Text:       f.Text("text"),
		ExternalID: f.Short("messageId"), // may be absent: number and text tell a repeat then
	}
	if at := readTime(f.Short("message-timestamp")); in.ExternalID != "" {
		in.SentAt = at // without an id it would make another message of a repeat
	}
	switch {
	case strings.EqualFold(f.Short("type"), "binary"):
		f.Fail("the message is binary, not text")
	case !f.Has("text") && !strings.EqualFold(f.Short("type"), "text") && !strings.EqualFold(f.Short("type"), "unicode"):
		f.Fail("text is missing") // with a type, an empty text was sent empty
	}
	p := message.Part{Ref: f.Short("concat-ref"), Index: f.Count("concat-part"), Total: f.Count("concat-total")}
	if strings.EqualFold(f.Short("concat"), "true") && p.Ref != "" && p.Index >= 1 && p.Index <= p.Total && p.Total > 1 {
		p.Ref = in.To + "/" + p.Ref // refs are short and come again, for another number of ours at least
		in.Part = &p
	}
	return in
}

// receipt reads a delivery receipt. msisdn is the receiver and to is us. A long
// message has one for each of its parts, under the part's own id.
func receipt(f *message.Fields) *message.Receipt {
	id := f.Needed("messageId")
	r := &message.Receipt{
		ExternalID: id,
		OurID:      f.Short("client-ref"),
		To:         message.ParseNumber(f.Short("msisdn")),
		Status:     statusOf(f.Needed("status")),
		At:         readTime(f.Short("message-timestamp")),
		PartID:     id,
	}
	switch r.Status {
	case message.StatusFailed, message.StatusExpired, message.StatusUnknown:
		r.Reason = f.Short("status")
		if code := f.Short("err-code"); strings.Trim(code, "0") != "" && len(code) <= 5 {
			r.Reason += " " + code
		}
		r.Reason = message.Word(r.Reason)
	}
	return r
}

// statusOf maps the words of receipts (delivery-receipts).
func statusOf(word string) message.Status {
	switch strings.ToLower(word) {
	case "accepted", "buffered":
		return message.StatusSent
	case "delivered":
		return message.StatusDelivered
	case "expired":
		return message.StatusExpired
	case "failed", "rejected":
		return message.StatusFailed
	}
	return message.StatusUnknown
}

// readTime reads message-timestamp, in UTC. It is when Vonage called, and so
// another one when it calls again.
func readTime(s string) time.Time {
	t, _ := time.Parse(time.DateTime, s)
	return t.UTC()
}

// Ack is 200 without a body. Anything but 200 and 204 is called again for 24 h.
func (*Adapter) Ack(message.Kind) message.Response {
	return message.Response{Status: http.StatusOK, ContentType: "text/plain; charset=utf-8"}
}

// Reply has no use, since the SMS API has no USSD: it is the text.
func (*Adapter) Reply(r message.Reply) message.Response { return message.ReplyWithoutUSSD(r) }
