package simulator

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"strings"
	"time"

	"lafia/gateway/message"
)

// external speaks the JSON of a channel "external" without settings, which is
// Lafia's own: gateway/external/README.md has the shape. It signs nothing.
type external struct{}

// externalHop is a request of a USSD session, or its end.
type externalHop struct {
	Session   string  `json:"session"`
	From      string  `json:"from"`
	Code      string  `json:"code"`
	Input     *string `json:"input,omitempty"`
	Type      string  `json:"type"` // start, input or end
	Sequence  int     `json:"sequence,omitempty"`
	Completed *bool   `json:"completed,omitempty"`
}

func (external) session(random func(int) []byte) string { return hex.EncodeToString(random(16)) }

func (external) hop(hook string, h hop) message.HTTPRequest {
	r := externalHop{Session: h.session, From: h.from.Reveal(), Code: h.service, Type: "input", Sequence: len(h.inputs) + 1}
	input := ""
	switch {
	case h.first:
		// As aggregators do: the whole of what was dialled.
		r.Type = "start"
		input = strings.TrimSuffix(h.service, "#")
		for _, ahead := range h.inputs {
			input += "*" + ahead
		}
		input += "#"
	case len(h.inputs) > 0:
		input = h.inputs[len(h.inputs)-1]
	}
	r.Input = &input
	return externalPost(hook, r)
}

func (external) screen(status int, body []byte) screen {
	var s struct {
		Text *string `json:"text"`
		End  *bool   `json:"end"`
	}
	if status != http.StatusOK || json.Unmarshal(body, &s) != nil || s.Text == nil || s.End == nil {
		return screen{}
	}
	if *s.End {
		return screen{text: *s.Text, kind: "END"}
	}
	return screen{text: *s.Text, kind: "CON", live: true}
}

func (external) end(hook string, e end) (message.HTTPRequest, bool) {
	completed := false
	return externalPost(hook, externalHop{
		Session: e.session, From: e.from.Reveal(), Code: e.service, Type: "end", Completed: &completed,
	}), true
}

func (external) sms(hook string, m outgoing) message.HTTPRequest {
	return externalPost(hook, struct {
		ID     string `json:"id"`
		From   string `json:"from"`
		To     string `json:"to"`
		Text   string `json:"text"`
		SentAt string `json:"sent_at"`
	}{uuid(m.id), m.from.Reveal(), m.to, m.text, m.at.UTC().Format(time.RFC3339)})
}

func (external) take(r message.HTTPRequest, random func(int) []byte) taken {
	var m struct {
		ID   string `json:"id"`
		From string `json:"from"`
		To   string `json:"to"`
		Text string `json:"text"`
	}
	refuse := func(status int, why string) taken {
		body, _ := json.Marshal(map[string]string{"error": why}) // strings: it cannot fail
		return taken{status: status, body: body}
	}
	number := message.ParseNumber
	switch {
	case r.Method != http.MethodPost || json.Unmarshal(r.Body, &m) != nil:
		return refuse(http.StatusBadRequest, "a send is a POST of JSON")
	case m.ID == "" || m.Text == "":
		return refuse(http.StatusBadRequest, "id or text is missing")
	case !strings.HasPrefix(m.To, "+") || !number(m.To).IsPhone():
		return refuse(http.StatusUnprocessableEntity, "to is no number")
	}
	body, _ := json.Marshal(map[string]string{"id": hex.EncodeToString(random(16))}) // strings: it cannot fail
	return taken{status: http.StatusAccepted, body: body, messages: []incoming{{From: m.From, To: number(m.To), Text: m.Text}}}
}

// externalPost is JSON as its writers write it.
func externalPost(hook string, v any) message.HTTPRequest {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	_ = e.Encode(v) // strings, numbers and booleans: it cannot fail
	return message.HTTPRequest{
		Method: http.MethodPost,
		URL:    hook,
		Header: http.Header{"Content-Type": {"application/json"}},
		Body:   bytes.TrimSuffix(b.Bytes(), []byte("\n")),
	}
}
