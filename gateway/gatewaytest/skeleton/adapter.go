// Package skeleton speaks to an aggregator that does not exist: SMS both ways,
// delivery reports, and USSD. It is what a new adapter begins as; CONTRIBUTING.md
// has the recipe.
//
// Sources: say here which pages and which code were read, and when. What is not in
// one of them is assumed, and README.md says so.
package skeleton

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"time"

	"lafia/gateway/message"
)

// Adapter is the adapter. It holds nothing: what changes is in message.Account.
type Adapter struct{}

// New gives the adapter.
func New() *Adapter { return &Adapter{} }

// Name is "skeleton".
func (*Adapter) Name() string { return "skeleton" }

// Parse reads a form POST. Nothing is signed, so nothing is refused here; where an
// aggregator signs, the signature comes first, over the bytes as they came, and
// Parsed.Refused says in one line what is wrong with it.
//
// What is authentic and cannot be read is Unreadable: it is kept, counted, and
// answered with success, since it would come again as it is.
func (*Adapter) Parse(kind message.Kind, r message.Request, _ message.Account, _ time.Time) message.Parsed {
	form, reason := message.ReadForm(r, http.MethodPost)
	f := &message.Fields{Form: form, Reason: reason}
	var e message.Event
	switch {
	case reason != "":
	case kind == message.KindSMS:
		e.Inbound = sms(f)
	case kind == message.KindStatus:
		e.Receipt = receipt(f)
	case kind == message.KindUSSD && strings.EqualFold(f.Short("type"), "end"):
		e.End = &message.SessionEnd{From: f.Number("from"), SessionID: f.Needed("session"), Completed: f.Short("reason") == "closed"}
	case kind == message.KindUSSD:
		e.Inbound = hop(f)
	default:
		f.Fail("there is no webhook of this kind")
	}
	return f.Parsed(e)
}

// sms reads a message. An empty text is one; a text that is not there is not.
func sms(f *message.Fields) *message.Inbound {
	if !f.Has("text") {
		f.Fail("text is missing")
	}
	return &message.Inbound{
		Medium: message.SMS, From: f.Number("from"), To: f.Short("to"), Text: f.Text("text"),
		ExternalID: f.Short("id"), // what a repeat is known by; else number, text and time are
		SentAt:     when(f.Short("at")),
	}
}

// hop reads a request of a USSD session, which holds the latest input alone.
func hop(f *message.Fields) *message.Inbound {
	in := &message.Inbound{
		Medium: message.USSD, From: f.Number("from"), To: f.Short("code"), Text: f.Text("input"),
		SessionID: f.Needed("session"),
		Start:     strings.EqualFold(f.Short("type"), "start"), // its input is what was dialled
		Sequence:  f.Count("hop"),                              // tells a repeat from the same key pressed twice
	}
	if !in.Start && !f.Has("input") {
		f.Fail("input is missing")
	}
	return in
}

// receipt reads a delivery report.
func receipt(f *message.Fields) *message.Receipt {
	r := &message.Receipt{
		ExternalID: f.Needed("id"),
		OurID:      f.Short("reference"), // as Request gave it
		To:         message.ParseNumber(f.Short("to")),
		Status:     statusOf(f.Needed("status")),
		At:         when(f.Short("at")),
	}
	if r.Status == message.StatusFailed || r.Status == message.StatusUnknown {
		r.Reason = message.Word(f.Text("status") + " " + f.Text("reason"))
	}
	return r
}

// statusOf maps the aggregator's words. A word that nobody knows is unknown, and
// no error: to refuse it would bring it again and again.
func statusOf(word string) message.Status {
	switch strings.ToUpper(word) {
	case "ACCEPTED":
		return message.StatusQueued
	case "SENT":
		return message.StatusSent
	case "DELIVERED":
		return message.StatusDelivered
	case "FAILED", "REJECTED":
		return message.StatusFailed
	case "EXPIRED":
		return message.StatusExpired
	}
	return message.StatusUnknown
}

// when reads a moment; one that cannot be read is no reason to lose a message.
func when(s string) time.Time {
	t, err := time.Parse(time.RFC3339, s)
	if err != nil {
		return time.Time{}
	}
	return t.UTC()
}

// Reply is a screen: its first word says whether the session goes on.
func (*Adapter) Reply(r message.Reply) message.Response {
	word := "MORE "
	if r.End {
		word = "LAST "
	}
	return message.Response{Status: http.StatusOK, ContentType: "text/plain; charset=utf-8", Body: []byte(word + r.Text)}
}

// Ack is what the aggregator wants to hear, to the letter: some throw a message
// away, or send the answer to the caller, when it is another.
func (*Adapter) Ack(message.Kind) message.Response {
	return message.Response{Status: http.StatusOK, ContentType: "text/plain; charset=utf-8", Body: []byte("OK")}
}

const defaultEndpoint = "https://api.skeleton.example/send"

// Request builds the request that sends m. An error names a setting and holds no
// number and no text.
func (*Adapter) Request(m message.Outbound, a message.Account) (message.HTTPRequest, error) {
	key, endpoint, from := a.Settings["api_key"], a.Settings["endpoint"], m.From
	if endpoint == "" {
		endpoint = defaultEndpoint
	}
	if from == "" {
		from = a.Settings["from"]
	}
	switch {
	case key == "":
		return message.HTTPRequest{}, errors.New("the setting api_key is missing")
	case !message.IsEndpoint(endpoint):
		return message.HTTPRequest{}, errors.New("the setting endpoint is no http or https address")
	case !m.To.IsPhone():
		return message.HTTPRequest{}, errors.New("the receiver is no number with a country code")
	}
	form := url.Values{"reference": {m.ID}, "to": {m.To.Reveal()}, "from": {from}, "text": {m.Text}}
	return message.HTTPRequest{
		Method: http.MethodPost, URL: endpoint, Body: []byte(form.Encode()),
		Header: http.Header{"Content-Type": {"application/x-www-form-urlencoded"}, "Authorization": {"Bearer " + key}},
	}, nil
}

// Outcome judges the answer. What is the same everywhere is judged by
// TransportOutcome; the rest is whether a 2xx says yes, no or nothing. What may
// have been sent is ambiguous, and is not sent again.
func (*Adapter) Outcome(status int, body []byte, err error, wrote bool) message.Outcome {
	if o, decided := message.TransportOutcome(status, err, wrote); decided {
		return o
	}
	var answer struct{ ID, Error string }
	switch {
	case json.Unmarshal(body, &answer) != nil, answer.ID == "" && answer.Error == "", len(answer.ID) > message.MaxField:
		return message.Outcome{Verdict: message.Ambiguous, Reason: "the answer could not be read"}
	case answer.Error == "no credit": // nothing is wrong with the message
		return message.Outcome{Verdict: message.Retry, Reason: message.Word(answer.Error)}
	case answer.Error != "":
		return message.Outcome{Verdict: message.Rejected, Reason: message.Word(answer.Error)}
	}
	return message.Outcome{Verdict: message.Sent, ExternalID: message.RepairText(answer.ID)}
}

// CheckSettings tells what a send would lack, one line each.
func (*Adapter) CheckSettings(a message.Account) (lines []string) {
	if a.Settings["api_key"] == "" {
		lines = append(lines, "the setting api_key is missing: no SMS can be sent; it is on the page of your account")
	}
	if e := a.Settings["endpoint"]; e != "" && !message.IsEndpoint(e) {
		lines = append(lines, "the setting endpoint is no http or https address: leave it out for the aggregator's own")
	}
	return lines
}

// Advice is what has to be set at the aggregator and cannot be seen from here.
func (*Adapter) Advice() []string {
	return []string{"retries must be on: what we do not answer within 15 s has to come again"}
}
