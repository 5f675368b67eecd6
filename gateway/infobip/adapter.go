// Package infobip speaks to Infobip: SMS both ways in batches, delivery reports,
// and USSD sessions whose id stands in the path.
//
// What it reads and writes is described in README.md beside it. The sources are
// infobip.com/docs (receive-inbound-sms-messages,
// receive-outbound-sms-message-report, message-status-codes), nyaruka/courier
// handlers/infobip, and for USSD praekelt vumi/transports/infobip, since the
// vendor's own document of it is not public.
package infobip

import (
	"bytes"
	"encoding/json"
	"net/http"
	"time"

	"lafia/gateway/message"
)

// Adapter is the adapter of Infobip. It holds nothing.
type Adapter struct{}

var (
	_ message.Sender         = (*Adapter)(nil)
	_ message.SettingChecker = (*Adapter)(nil)
)

// New gives the adapter.
func New() *Adapter { return &Adapter{} }

// Name is "infobip".
func (*Adapter) Name() string { return "infobip" }

// Parse reads a batch of SMS, a batch of delivery reports, or one step of a USSD
// session. Where the settings tell of a user or a header that Infobip was asked to
// send, a request without the right one is refused, before anything is read.
func (*Adapter) Parse(kind message.Kind, r message.Request, a message.Account, _ time.Time) message.Parsed {
	if reason := forged(r, a); reason != "" {
		return message.Parsed{Refused: reason}
	}
	switch kind {
	case message.KindUSSD:
		return parseUSSD(r)
	case message.KindSMS, message.KindStatus:
		if r.Method != http.MethodPost {
			return message.Parsed{Unreadable: "the method is " + message.Word(r.Method) + ", not POST"}
		}
		return parseBatch(kind, r)
	}
	return message.Parsed{Unreadable: "there is no webhook of this kind"}
}

// Reply renders a screen. Infobip shows the first one of a session as a menu
// whatever shouldClose says (the vendor's text, quoted in vumi).
func (*Adapter) Reply(r message.Reply) message.Response {
	return answer(struct {
		ShouldClose      bool   `json:"shouldClose"`
		USSDMenu         string `json:"ussdMenu"`
		ResponseExitCode int    `json:"responseExitCode"`
		ResponseMessage  string `json:"responseMessage"`
	}{r.End, r.Text, http.StatusOK, ""})
}

// Ack is 200. Infobip reads the body at the end of a USSD session only.
func (*Adapter) Ack(kind message.Kind) message.Response {
	if kind != message.KindUSSD {
		return message.Response{Status: http.StatusOK}
	}
	return answer(struct {
		ResponseExitCode int    `json:"responseExitCode"`
		ResponseMessage  string `json:"responseMessage"`
	}{http.StatusOK, ""})
}

// answer writes JSON; what is no UTF-8 in it cannot occur.
func answer(v any) message.Response {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	_ = e.Encode(v) // structs of strings, numbers and truths: it cannot fail
	return message.Response{
		Status: http.StatusOK, ContentType: "application/json; charset=utf-8", Body: bytes.TrimSuffix(b.Bytes(), []byte("\n")),
	}
}
