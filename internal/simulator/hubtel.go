package simulator

import (
	"encoding/hex"
	"encoding/json"
	"net/http"
	"net/url"
	"path"
	"strings"

	"lafia/gateway/message"
)

// hubtel speaks for Hubtel's USSD, in the newer shape: names and words follow
// developers.hubtel.com/docs/api-reference-prog-services and the sample
// interaction at hubtel.readme.io. Its SMS is another product.
type hubtel struct{}

func (hubtel) session(random func(int) []byte) string { return hex.EncodeToString(random(16)) }

func (hubtel) hop(hook string, h hop) message.HTTPRequest {
	kind, text, sequence := "Response", "", 1+len(h.inputs)
	if h.first {
		kind, text, sequence = "Initiation", dialledString(h), 1
	} else if n := len(h.inputs); n > 0 {
		text = h.inputs[n-1]
	}
	return postJSON(http.MethodPost, hook, hubtelBody(h, kind, text, sequence))
}

// hubtelBody is a request. Sequence grows with every hop; where something was
// dialled ahead it passes over numbers, which Hubtel itself would not.
func hubtelBody(h hop, kind, text string, sequence int) map[string]any {
	return map[string]any{
		"Mobile":      strings.TrimPrefix(h.from.Reveal(), "+"),
		"SessionId":   h.session,
		"ServiceCode": h.service,
		"Type":        kind,
		"Message":     text,
		"Operator":    "simulator",
		"Sequence":    sequence,
		"ClientState": "",
		"Platform":    "USSD",
	}
}

func (hubtel) screen(status int, body []byte) screen {
	var answer struct {
		SessionID string `json:"SessionId"`
		Type      string `json:"Type"`
		Message   string `json:"Message"`
		Label     string `json:"Label"`
		DataType  string `json:"DataType"`
		FieldType string `json:"FieldType"`
	}
	if status != http.StatusOK || json.Unmarshal(body, &answer) != nil || answer.Message == "" {
		return screen{}
	}
	if answer.Label == "" || answer.DataType == "" || answer.FieldType == "" { // mandatory: other platforms draw a form from them
		return screen{}
	}
	switch strings.ToLower(answer.Type) {
	case "response", "release":
		return screen{text: answer.Message, kind: answer.Type, live: strings.EqualFold(answer.Type, "response")}
	}
	return screen{}
}

// end is told to the one address that Hubtel knows.
func (hubtel) end(hook string, e end) (message.HTTPRequest, bool) {
	if u, err := url.Parse(hook); err == nil {
		u.Path = path.Join(path.Dir(u.Path), "ussd")
		hook = u.String()
	}
	return postJSON(http.MethodPost, hook, hubtelBody(e.hop, "Timeout", "", 2+len(e.inputs))), true
}

// sms posts what nobody reads: Hubtel hands over no SMS here.
func (hubtel) sms(hook string, _ outgoing) message.HTTPRequest {
	return postJSON(http.MethodPost, hook, map[string]any{})
}

func (hubtel) take(message.HTTPRequest, func(int) []byte) taken {
	return taken{status: http.StatusNotFound, body: []byte("there is no SMS here")}
}
