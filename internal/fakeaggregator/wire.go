package fakeaggregator

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// wire is what an aggregator says and hears, as far as callers need it. Like the
// simulator's wires it shares no code with the adapters, so that a mistake in one
// shows in the other.
type wire interface {
	// cumulative tells whether a hop carries every input so far.
	cumulative() bool
	// hop makes the request for the latest input. latin asks for broken encoding.
	hop(hook string, h hop, latin bool) request
	// screen reads the answer to a hop; not ok when it is no screen.
	screen(status int, body []byte) (text string, end, ok bool)
	sms(hook string, m outgoing, latin bool) request
	// taken reads a request to send; not ok when the aggregator would refuse it.
	taken(r *http.Request, body []byte) (to, text, client string, ok bool)
	// accepted is the answer to a send that was taken.
	accepted(own, to string) (status int, body []byte)
	// receipt makes the delivery report of a message: "sent" or "delivered".
	receipt(hook, own, to, state string) request
}

// Wires are the wire formats there are, by the names of their adapters;
// "external-plain" is an external one that numbers no hops.
func Wires() []string { return []string{"africastalking", "external", "external-plain"} }

var wires = map[string]wire{
	"africastalking": africastalking{},
	"external":       external{sequence: true},
	"external-plain": external{},
}

// singleInputs reports whether a wire tells each input alone and without a number:
// the same input twice in a row may be a repeat there.
func singleInputs(wire string) bool {
	e, ok := wires[wire].(external)
	return ok && !e.sequence
}

type request struct {
	method, url, kind string
	body              []byte
}

// hop is one request of a USSD session.
type hop struct {
	session, service, number string
	inputs                   []string
	dial                     bool
	n                        int // from 0, the dial
}

// outgoing is an SMS on its way to Lafia.
type outgoing struct {
	id, number, to, text string
	at                   time.Time
}

// hook is the address of a webhook.
func hook(gateway string, c Channel, kind string) string {
	return gateway + "/webhooks/" + url.PathEscape(c.Name) + "/" + kind + "?token=" + url.QueryEscape(c.Token)
}

// latin1 writes text in Latin-1, one byte a letter, as a careless aggregator does.
func latin1(text string) string {
	b := make([]byte, 0, len(text))
	for _, r := range text {
		b = append(b, byte(r))
	}
	return string(b)
}

func isLatin1(text string) bool {
	return strings.IndexFunc(text, func(r rune) bool { return r > 0xFF || r >= 0x80 && r < 0xA0 }) < 0
}

type africastalking struct{}

func (africastalking) cumulative() bool { return true }

func (africastalking) hop(hook string, h hop, latin bool) request {
	text := strings.Join(h.inputs, "*")
	if latin {
		text = latin1(text)
	}
	return form(hook, url.Values{
		"sessionId": {h.session}, "serviceCode": {h.service}, "phoneNumber": {h.number}, "networkCode": {"99999"}, "text": {text},
	})
}

func (africastalking) screen(status int, body []byte) (string, bool, bool) {
	if status != http.StatusOK {
		return "", false, false
	}
	if text, ok := bytes.CutPrefix(body, []byte("CON ")); ok {
		return string(text), false, true
	}
	text, ok := bytes.CutPrefix(body, []byte("END "))
	return string(text), true, ok
}

func (africastalking) sms(hook string, m outgoing, latin bool) request {
	text := m.text
	if latin {
		text = latin1(text)
	}
	return form(hook, url.Values{
		"from": {m.number}, "to": {m.to}, "text": {text}, "id": {m.id}, "date": {m.at.UTC().Format(time.DateTime)}, "networkCode": {"99999"},
	})
}

func (africastalking) taken(r *http.Request, body []byte) (to, text, client string, ok bool) {
	f, err := url.ParseQuery(string(body))
	to, text = f.Get("to"), f.Get("message")
	return to, text, "", err == nil && r.Header.Get("apiKey") != "" && f.Get("username") != "" && to != "" && text != ""
}

func (africastalking) accepted(own, to string) (int, []byte) {
	return http.StatusCreated, fmt.Appendf(nil,
		`{"SMSMessageData":{"Message":"Sent to 1/1","Recipients":[{"statusCode":101,"number":%q,"status":"Success","cost":"XOF 0.0000","messageId":%q}]}}`, to, own)
}

func (africastalking) receipt(hook, own, to, state string) request {
	words := map[string]string{"sent": "Sent", "delivered": "Success"}
	return form(hook, url.Values{"id": {own}, "status": {words[state]}, "phoneNumber": {to}, "networkCode": {"99999"}})
}

type external struct{ sequence bool }

func (external) cumulative() bool { return false }

func (e external) hop(hook string, h hop, latin bool) request {
	v := struct {
		Session  string `json:"session"`
		From     string `json:"from"`
		Code     string `json:"code"`
		Input    string `json:"input"`
		Type     string `json:"type"`
		Sequence int    `json:"sequence,omitempty"`
	}{Session: h.session, From: h.number, Code: h.service, Type: "input"}
	if e.sequence {
		v.Sequence = h.n + 1
	}
	switch {
	case h.dial:
		v.Type, v.Input = "start", strings.TrimSuffix(h.service, "#")
		for _, ahead := range h.inputs {
			v.Input += "*" + ahead
		}
		v.Input += "#"
	case len(h.inputs) > 0:
		v.Input = h.inputs[len(h.inputs)-1]
	}
	return asJSON(hook, v, latin)
}

func (external) screen(status int, body []byte) (string, bool, bool) {
	var s struct {
		Text *string `json:"text"`
		End  *bool   `json:"end"`
	}
	if status != http.StatusOK || json.Unmarshal(body, &s) != nil || s.Text == nil || s.End == nil {
		return "", false, false
	}
	return *s.Text, *s.End, true
}

func (external) sms(hook string, m outgoing, latin bool) request {
	return asJSON(hook, map[string]string{"id": m.id, "from": m.number, "to": m.to, "text": m.text, "sent_at": m.at.UTC().Format(time.RFC3339)}, latin)
}

func (external) taken(_ *http.Request, body []byte) (to, text, client string, ok bool) {
	var m struct{ ID, From, To, Text string }
	err := json.Unmarshal(body, &m)
	return m.To, m.Text, m.ID, err == nil && m.ID != "" && m.To != "" && m.Text != ""
}

func (external) accepted(own, _ string) (int, []byte) {
	return http.StatusAccepted, fmt.Appendf(nil, `{"id":%q}`, own)
}

func (external) receipt(hook, own, to, state string) request {
	return asJSON(hook, map[string]string{"id": own, "to": to, "status": state}, false)
}

func form(to string, v url.Values) request {
	return request{http.MethodPost, to, "application/x-www-form-urlencoded", []byte(v.Encode())}
}

func asJSON(to string, v any, latin bool) request {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	_ = e.Encode(v) // strings and numbers: it cannot fail
	body := bytes.TrimSpace(b.Bytes())
	if latin {
		body = []byte(latin1(string(body)))
	}
	return request{http.MethodPost, to, "application/json", body}
}

// sessionID is a session's id as an aggregator draws one.
func sessionID(salt uint64, caller, n int, part uint64) string {
	return "fake_" + hex.EncodeToString(fmt.Appendf(nil, "%d/%d/%d/%d", salt, caller, n, part))
}
