// Package androidsms speaks to SMS Gateway for Android (sms-gate): a phone with
// a SIM card of ours that sends and receives SMS, reached on the local network,
// through a server of ours, or through the app's cloud. It has no USSD.
//
// What it reads and writes is described in README.md beside it. The sources are
// the app's documentation (android-sms-gateway/docs-web docs/features/webhooks.md,
// sending-messages.md, status-tracking.md, faq), the app itself
// (capcom6/android-sms-gateway modules/webhooks, modules/receiver) and the
// server (android-sms-gateway/server handlers/messages, handlers/webhooks).
package androidsms

import (
	"net/http"
	"strings"
	"time"

	"lafia/gateway/message"
)

// Adapter is the adapter of SMS Gateway for Android. It holds nothing.
type Adapter struct{}

var (
	_ message.Sender         = (*Adapter)(nil)
	_ message.SettingChecker = (*Adapter)(nil)
	_ message.Registrar      = (*Adapter)(nil)
	_ message.Beater         = (*Adapter)(nil)
)

// New gives the adapter.
func New() *Adapter { return &Adapter{} }

// Name is "androidsms".
func (*Adapter) Name() string { return "androidsms" }

// Parse reads one event of a phone. The event says what it is, and people give
// one address for all of them, so the sms and the status address read alike.
//
// The signature is judged first, on the bytes as they came. A channel without
// signatures accepts what shows its token; CheckSettings says so.
func (*Adapter) Parse(kind message.Kind, r message.Request, a message.Account, now time.Time) message.Parsed {
	if reason := refusal(r, a.Signatures, now); reason != "" {
		return message.Parsed{Refused: reason}
	}
	switch {
	case kind != message.KindSMS && kind != message.KindStatus:
		return message.Parsed{Unreadable: "a phone's events belong to the sms address: there is no webhook of this kind"}
	case r.Method != http.MethodPost:
		return message.Parsed{Unreadable: "the method is " + message.Word(r.Method) + ", not POST"}
	}
	if e := r.Header.Get("Content-Encoding"); e != "" && !strings.EqualFold(e, "identity") {
		return message.Parsed{Unreadable: "the body is encoded: Content-Encoding is " + message.Word(e)}
	}
	return read(r.Body)
}

// Reply stands in for a screen, which a phone never asks for.
func (*Adapter) Reply(r message.Reply) message.Response { return message.ReplyWithoutUSSD(r) }

// Ack is 200 and nothing else: the app takes any 2xx and reads no body. What is
// not 2xx, 4xx too, it repeats 15 times over about 45 hours, and holds all that
// comes behind it up meanwhile (WebhookQueueProcessorWorker).
func (*Adapter) Ack(message.Kind) message.Response {
	return message.Response{Status: http.StatusOK}
}
