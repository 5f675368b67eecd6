package twilio

import (
	"encoding/base64"
	"strings"

	"lafia/gateway/message"
)

// fields reads the fields of a form.
type fields struct{ message.Fields }

// sid is the message's: the names are of different ages, and mean the same.
func (f *fields) sid() string {
	for _, name := range []string{"MessageSid", "SmsSid", "SmsMessageSid"} {
		if v := f.Short(name); v != "" {
			return v
		}
	}
	f.Fail("MessageSid is missing")
	return ""
}

// sms reads a message. Its parts are joined already. A number of another network
// ("whatsapp:+…") stays as it is, a name, since an SMS would not reach it.
func (f *fields) sms() *message.Inbound {
	in := &message.Inbound{
		Medium:     message.SMS,
		From:       f.Number("From"),
		To:         f.Needed("To"),
		Text:       message.RepairText(unpack(f.Form["Body"])),
		ExternalID: f.sid(), // has to be there: a signature has no time, and the id alone tells a replay
	}
	if media := f.Short("NumMedia"); !f.Has("Body") && (media == "" || media == "0") {
		f.Fail("Body is missing") // with media it may be: an empty text then
	}
	return in
}

// minPacked is the shortest text that is taken for base64 (courier
// handlers/utils.go): shorter ones may be words.
const minPacked = 60

// unpack undoes the base64 that Twilio sometimes delivers a long message in, by
// courier's rule: no blanks, 60 characters or more, a multiple of 4, the strict
// alphabet, and at least half of it ASCII when decoded.
func unpack(s string) string {
	if len(s) < minPacked || len(s)%4 != 0 || strings.ContainsAny(s, " \t\r\n") {
		return s
	}
	b, err := base64.StdEncoding.Strict().DecodeString(s)
	if err != nil {
		return s
	}
	ascii := 0
	for _, c := range b {
		if c < 0x80 {
			ascii++
		}
	}
	if 2*ascii < len(b) {
		return s
	}
	return string(b)
}

// receipt reads a status callback. It has no time, and callbacks come in no
// order. Our id stands in the query, where Request put it.
func (f *fields) receipt(query message.Form) *message.Receipt {
	q := message.Fields{Form: query}
	given := f.Short("MessageStatus")
	if given == "" && !f.Has("MessageStatus") {
		given = f.Needed("SmsStatus")
	}
	r := &message.Receipt{
		ExternalID: f.sid(),
		OurID:      q.Short("id"),
		To:         message.ParseNumber(f.Short("To")),
		Status:     statusOf(given),
	}
	if r.Status == message.StatusFailed || r.Status == message.StatusUnknown {
		r.Reason = meaning(f.Short("ErrorCode"))
		if r.Reason == "" {
			r.Reason = message.Word(given)
		}
	}
	return r
}

// statusOf maps Twilio's words (queued, sent, delivered, read, undelivered and
// failed are in courier's table, which takes queued for sent; the rest is from
// public integrations).
func statusOf(given string) message.Status {
	switch strings.ToLower(given) {
	case "accepted", "scheduled", "queued", "sending":
		return message.StatusQueued
	case "sent":
		return message.StatusSent
	case "delivered", "read":
		return message.StatusDelivered
	case "undelivered", "failed", "canceled":
		return message.StatusFailed
	}
	return message.StatusUnknown
}

// meaning gives an error code with what it means, where we know it (courier
// errors.json, public integrations).
func meaning(code string) string {
	switch code {
	case "", "0":
		return ""
	case "20003":
		return "20003 wrong account_sid or token"
	case "20429":
		return "20429 too many requests"
	case "21211", "21614":
		return code + " no mobile number"
	case "21408":
		return "21408 the country is not enabled at Twilio"
	case "21610":
		return "21610 opted out at Twilio"
	case "21611":
		return "21611 the sender's queue is full"
	case "21612":
		return "21612 no route from this sender"
	case "30003":
		return "30003 unreachable"
	case "30005":
		return "30005 unknown number"
	case "30006":
		return "30006 landline or unreachable network"
	case "30007":
		return "30007 filtered as spam"
	}
	return message.Word(code)
}
