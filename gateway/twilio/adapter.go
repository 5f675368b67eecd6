// Package twilio speaks to Twilio's Programmable Messaging: SMS both ways and
// status callbacks, all signed.
//
// What it reads and writes is described in README.md beside it. The sources are
// twilio.com/docs (usage/webhooks: webhooks-security, webhook-shared-keys,
// webhooks-connection-overrides), twilio/twilio-go client/request_validator.go
// and its tests, and nyaruka/courier handlers/twiml.
package twilio

import (
	"net/http"
	"time"

	"lafia/gateway/message"
)

// Adapter is the adapter of Twilio. It holds nothing.
type Adapter struct{}

var (
	_ message.Sender         = (*Adapter)(nil)
	_ message.SettingChecker = (*Adapter)(nil)
)

// New gives the adapter.
func New() *Adapter { return &Adapter{} }

// Name is "twilio".
func (*Adapter) Name() string { return "twilio" }

// Parse reads an SMS or a status callback, after its signature. A signature has
// no time in it, so that a request that was overheard can be sent again for
// ever: it means the same message then, which is known by its id.
func (*Adapter) Parse(kind message.Kind, r message.Request, a message.Account, _ time.Time) message.Parsed {
	if reason := forged(r, a); reason != "" {
		return message.Parsed{Refused: reason}
	}
	form, reason := message.ReadForm(r, http.MethodPost, http.MethodGet)
	f := fields{message.Fields{Form: form, Reason: reason}}
	// A channel's token and the signature are checked before; this keeps two
	// accounts apart whose tokens both stand in the configuration.
	if ours := a.Settings["account_sid"]; ours != "" && form.Has("AccountSid") && f.Short("AccountSid") != ours {
		return message.Parsed{Refused: "AccountSid is not the account_sid of the settings"}
	}
	var e message.Event
	switch {
	case kind != message.KindSMS && kind != message.KindStatus:
		f.Fail("there is no webhook of this kind")
	case form.Has("MessageStatus"), kind == message.KindStatus && !form.Has("Body"):
		e.Receipt = f.receipt(message.ParseForm(r.URL.RawQuery))
	default:
		e.Inbound = f.sms()
	}
	return f.Parsed(e)
}

// Reply stands in for a screen: Twilio has no USSD.
func (*Adapter) Reply(r message.Reply) message.Response { return message.ReplyWithoutUSSD(r) }

// Ack is an empty TwiML document: no answer by SMS, and no warning in Twilio's
// log, as another content type would leave (12300). A status callback wants no
// document: 204.
func (*Adapter) Ack(kind message.Kind) message.Response {
	if kind == message.KindStatus {
		return message.Response{Status: http.StatusNoContent}
	}
	return message.Response{
		Status: http.StatusOK, ContentType: "text/xml; charset=utf-8",
		Body: []byte(`<?xml version="1.0" encoding="UTF-8"?><Response/>`),
	}
}
