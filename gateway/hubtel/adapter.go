// Package hubtel speaks the USSD of Hubtel (formerly SMSGH): JSON with a Type of
// Initiation, Response, Release or Timeout. Hubtel serves Ghana; several West
// African gateways imitate the shape.
//
// What it reads and writes is described in README.md beside it. The sources are
// developers.hubtel.com/docs/api-reference-prog-services and hubtel.readme.io,
// Hubtel's own hubtel/programmable-services-sdk-dotnet (519754b) and, for the older
// shape, hubtel/Smsgh.UssdFramework (f16edeb).
//
// Hubtel's bulk SMS is another product, and is not covered: this adapter sends
// nothing.
package hubtel

import (
	"bytes"
	"encoding/json"
	"net/http"
	"strings"
	"time"

	"lafia/gateway/message"
)

// Adapter is the adapter of Hubtel. It holds nothing.
type Adapter struct{}

var _ message.Adapter = (*Adapter)(nil)

// New gives the adapter.
func New() *Adapter { return &Adapter{} }

// Name is "hubtel".
func (*Adapter) Name() string { return "hubtel" }

// Parse reads a hop or the end of a session. Hubtel signs nothing, so nothing is
// refused here: the channel's token and its networks are the check.
func (*Adapter) Parse(kind message.Kind, r message.Request, _ message.Account, _ time.Time) message.Parsed {
	switch {
	case kind != message.KindUSSD:
		return message.Parsed{Unreadable: "there is no webhook of this kind"}
	case r.Method != http.MethodPost:
		return message.Parsed{Unreadable: "the method is " + message.Word(r.Method) + ", not POST"}
	}
	var b body
	if reason := readJSON(r, &b); reason != "" {
		return message.Parsed{Unreadable: reason}
	}
	f := &message.Fields{Form: form(map[string]text{
		"Mobile": b.Mobile, "SessionId": b.SessionID, "ServiceCode": b.ServiceCode, "Type": b.Type, "Sequence": b.Sequence,
	})}
	given := f.Needed("Type")
	switch strings.ToLower(given) {
	case "initiation":
		return f.Parsed(message.Event{Inbound: b.hop(f, true)})
	case "response":
		if !b.Message.given {
			f.Fail("Message is missing")
		}
		return f.Parsed(message.Event{Inbound: b.hop(f, false)})
	case "release", "timeout":
		return f.Parsed(message.Event{End: b.end(f)})
	case "":
		return f.Parsed(message.Event{})
	}
	// Hubtel's older framework takes any other word for Timeout. It is taken so,
	// and kept raw: should it mean something else, that can be seen.
	p := f.Parsed(message.Event{End: b.end(f)})
	if p.Unreadable == "" {
		p.Unreadable = "Type is " + message.Word(given) + ", not Initiation, Response, Release or Timeout"
	}
	return p
}

// body is a request of either shape. Names are read in whatever case they have:
// Hubtel's own reference writes serviceCode beside Message.
type body struct {
	Mobile      text `json:"Mobile"`
	SessionID   text `json:"SessionId"`
	ServiceCode text `json:"ServiceCode"`
	Type        text `json:"Type"`
	Message     text `json:"Message"`
	// Sequence came with the newer shape, as a number or in quotes.
	Sequence text `json:"Sequence"`
}

// hop reads what was dialled, or the last input alone. A star in it is the
// caller's own.
func (b body) hop(f *message.Fields, start bool) *message.Inbound {
	return &message.Inbound{
		Medium:    message.USSD,
		From:      f.Number("Mobile"),
		To:        f.Short("ServiceCode"), // a caller is served without it too
		Text:      b.Message.value,
		SessionID: f.Needed("SessionId"),
		Start:     start,
		Sequence:  f.Count("Sequence"),
	}
}

// end reads the end of a session, which the caller, the network or time made: one
// that we close with Release is told of no more.
func (b body) end(f *message.Fields) *message.SessionEnd {
	return &message.SessionEnd{From: message.ParseNumber(f.Short("Mobile")), SessionID: f.Needed("SessionId")}
}

// screen is an answer in the newer shape. The older one has Type and Message
// alone, and its readers pass over the rest; so one answer serves both, as that of
// Hubtel's own library does.
type screen struct {
	SessionID string `json:"SessionId,omitempty"`
	Type      string `json:"Type"`
	Message   string `json:"Message"`
	Label     string `json:"Label"`
	DataType  string `json:"DataType"`
	FieldType string `json:"FieldType"`
}

// Reply renders a screen. Label, DataType and FieldType are for Hubtel's app and
// web, which draw a form from them; a phone shows Message alone. ClientState is
// left out: the session is ours to keep, and the field is no place for it.
func (*Adapter) Reply(r message.Reply) message.Response {
	s := screen{SessionID: r.SessionID, Type: "Response", Message: r.Text, DataType: "input", FieldType: "text"}
	if r.End {
		s.Type, s.DataType = "Release", "display"
	}
	s.Label, _, _ = strings.Cut(r.Text, "\n")
	return answer(s)
}

// Ack answers the end of a session with a Release that nobody is shown.
func (*Adapter) Ack(kind message.Kind) message.Response {
	if kind != message.KindUSSD {
		return message.Response{Status: http.StatusOK}
	}
	return answer(screen{Type: "Release", DataType: "display", FieldType: "text"})
}

func answer(s screen) message.Response {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	_ = e.Encode(s) // strings: it cannot fail
	return message.Response{
		Status: http.StatusOK, ContentType: "application/json; charset=utf-8", Body: bytes.TrimSuffix(b.Bytes(), []byte("\n")),
	}
}
