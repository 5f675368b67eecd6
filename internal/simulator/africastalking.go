package simulator

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"lafia/gateway/message"
)

// africastalking speaks for Africa's Talking. Field names and answers follow
// docs.africastalking.com (sms/notifications, sms/sending, ussd/overview).
type africastalking struct{}

// sandboxNetwork is the network code of Africa's Talking's own simulator.
const sandboxNetwork = "99999"

func (africastalking) session(random func(int) []byte) string {
	return "ATUid_" + hex.EncodeToString(random(16))
}

func (africastalking) hop(hook string, h hop) message.HTTPRequest {
	return postForm(hook, url.Values{
		"sessionId":   {h.session},
		"serviceCode": {h.service},
		"phoneNumber": {h.from.Reveal()},
		"networkCode": {sandboxNetwork},
		"text":        {strings.Join(h.inputs, "*")},
	})
}

func (africastalking) screen(status int, body []byte) screen {
	if status != http.StatusOK {
		return screen{}
	}
	for _, kind := range []string{"CON", "END"} {
		if text, ok := bytes.CutPrefix(body, []byte(kind+" ")); ok {
			return screen{text: strings.ToValidUTF8(string(text), "\uFFFD"), kind: kind, live: kind == "CON"}
		}
	}
	return screen{}
}

func (africastalking) end(hook string, e end) (message.HTTPRequest, bool) {
	return postForm(hook, url.Values{
		"date":             {e.at.UTC().Format("2006-01-02 15:04:05")},
		"sessionId":        {e.session},
		"serviceCode":      {e.service},
		"networkCode":      {sandboxNetwork},
		"phoneNumber":      {e.from.Reveal()},
		"status":           {"Incomplete"},
		"cost":             {"XOF 0.0000"},
		"durationInMillis": {strconv.FormatInt(e.took.Milliseconds(), 10)},
		"hopsCount":        {strconv.Itoa(e.hops)},
		"input":            {strings.Join(e.inputs, "*")},
		"lastAppResponse":  {string(e.last)},
	}), true
}

func (africastalking) sms(hook string, m outgoing) message.HTTPRequest {
	return postForm(hook, url.Values{
		"from":        {m.from.Reveal()},
		"to":          {m.to},
		"text":        {m.text},
		"id":          {uuid(m.id)},
		"date":        {m.at.UTC().Format("2006-01-02 15:04:05")},
		"networkCode": {sandboxNetwork},
	})
}

func (africastalking) take(r message.HTTPRequest, random func(int) []byte) taken {
	form, err := url.ParseQuery(string(r.Body))
	switch {
	case r.Header.Get("apiKey") == "":
		return taken{status: http.StatusUnauthorized, body: []byte("The supplied authentication is invalid")}
	case r.Method != http.MethodPost || err != nil:
		return taken{status: http.StatusBadRequest, body: []byte("Request is not a form")}
	}
	for _, field := range []string{"username", "to", "message"} {
		if form.Get(field) == "" {
			return taken{status: http.StatusBadRequest, body: []byte("Request is missing required form field '" + field + "'")}
		}
	}

	type recipient struct {
		StatusCode int    `json:"statusCode"`
		Number     string `json:"number"`
		Status     string `json:"status"`
		Cost       string `json:"cost"`
		MessageID  string `json:"messageId"`
	}
	var t taken
	var recipients []recipient
	for to := range strings.SplitSeq(form.Get("to"), ",") {
		number := message.ParseNumber(to)
		if !strings.HasPrefix(strings.TrimSpace(to), "+") || !number.IsPhone() {
			recipients = append(recipients, recipient{403, to, "InvalidPhoneNumber", "0", "None"})
			continue
		}
		t.messages = append(t.messages, incoming{From: form.Get("from"), To: number, Text: form.Get("message")})
		recipients = append(recipients, recipient{101, to, "Success", "XOF 0.0000", "ATXid_" + hex.EncodeToString(random(16))})
	}
	var answer struct {
		SMSMessageData struct {
			Message    string
			Recipients []recipient
		}
	}
	answer.SMSMessageData.Message = fmt.Sprintf("Sent to %d/%d Total Cost: XOF 0.0000", len(t.messages), len(recipients))
	answer.SMSMessageData.Recipients = recipients
	t.status = http.StatusCreated
	t.body, _ = json.Marshal(answer) // strings and numbers: it cannot fail
	return t
}

// postForm is a form as HTTP clients write it.
func postForm(to string, form url.Values) message.HTTPRequest {
	return message.HTTPRequest{
		Method: http.MethodPost,
		URL:    to,
		Header: http.Header{"Content-Type": {"application/x-www-form-urlencoded"}},
		Body:   []byte(form.Encode()),
	}
}

// uuid writes 16 random bytes as a version 4 UUID.
func uuid(b []byte) string {
	b = bytes.Clone(b)
	b[6] = b[6]&0x0f | 0x40
	b[8] = b[8]&0x3f | 0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:16])
}
