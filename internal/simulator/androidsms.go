package simulator

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"lafia/gateway/message"
)

// androidsms speaks for a phone with the app SMS Gateway for Android. Events and
// answers follow docs/features/webhooks.md of android-sms-gateway/docs-web and
// the server's handlers/messages. A phone has no USSD: what is dialled on its
// channel goes nowhere.
type androidsms struct{}

// phoneTime is how the app writes a moment.
const phoneTime = "2006-01-02T15:04:05.000Z07:00"

func (androidsms) session(random func(int) []byte) string { return hex.EncodeToString(random(16)) }

func (androidsms) hop(hook string, _ hop) message.HTTPRequest {
	return phoneEvent(hook, "ussd:dialled", struct{}{}, time.Time{})
}

func (androidsms) screen(int, []byte) screen { return screen{} }

func (androidsms) end(string, end) (message.HTTPRequest, bool) { return message.HTTPRequest{}, false }

func (androidsms) sms(hook string, m outgoing) message.HTTPRequest {
	return phoneEvent(hook, "sms:received", struct {
		MessageID   string  `json:"messageId"`
		Message     string  `json:"message"`
		Sender      string  `json:"sender"`
		Recipient   *string `json:"recipient"` // many SIM cards do not know their number
		SIMNumber   int     `json:"simNumber"`
		PhoneNumber string  `json:"phoneNumber"`
		ReceivedAt  string  `json:"receivedAt"`
	}{
		// The app's own is 32 bits long too.
		MessageID: hex.EncodeToString(m.id[len(m.id)-4:]), Message: m.text, Sender: m.from.Reveal(), SIMNumber: 1,
		PhoneNumber: m.from.Reveal(), ReceivedAt: m.at.UTC().Format(phoneTime),
	}, m.at)
}

func (androidsms) take(r message.HTTPRequest, _ func(int) []byte) taken {
	user, password, ok := (&http.Request{Header: r.Header}).BasicAuth()
	if !ok || user == "" || password == "" {
		return phoneAnswer(http.StatusUnauthorized, refusedSend{"Unauthorized"})
	}
	var m struct {
		ID          string `json:"id"`
		TextMessage struct {
			Text string `json:"text"`
		} `json:"textMessage"`
		PhoneNumbers []string `json:"phoneNumbers"`
		TTL          *int     `json:"ttl"`
	}
	u, err := url.Parse(r.URL)
	switch {
	case err != nil || r.Method != http.MethodPost || len(u.Path) < len("/messages") || u.Path[len(u.Path)-len("/messages"):] != "/messages":
		return phoneAnswer(http.StatusNotFound, refusedSend{"Not found"})
	case json.Unmarshal(r.Body, &m) != nil || m.TextMessage.Text == "" || len(m.PhoneNumbers) == 0 || len(m.PhoneNumbers) > 100:
		return phoneAnswer(http.StatusBadRequest, refusedSend{"Invalid request"})
	case m.ID == "" || len(m.ID) > 36 || m.TTL != nil && *m.TTL < 5:
		return phoneAnswer(http.StatusBadRequest, refusedSend{"Invalid id or ttl"})
	}
	type recipient struct {
		PhoneNumber string `json:"phoneNumber"`
		State       string `json:"state"`
	}
	answer := struct {
		ID         string      `json:"id"`
		State      string      `json:"state"`
		Recipients []recipient `json:"recipients"`
	}{ID: m.ID, State: "Pending"}
	var messages []incoming
	for _, to := range m.PhoneNumbers {
		number := message.ParseNumber(to)
		if to == "" || to[0] != '+' || !number.IsPhone() {
			return phoneAnswer(http.StatusBadRequest, refusedSend{"Invalid phone number"})
		}
		messages = append(messages, incoming{To: number, Text: m.TextMessage.Text})
		answer.Recipients = append(answer.Recipients, recipient{to, "Pending"})
	}
	t := phoneAnswer(http.StatusAccepted, answer)
	t.messages = messages
	return t
}

// refusedSend is the body of an error.
type refusedSend struct {
	Message string `json:"message"`
}

func phoneAnswer(status int, body any) (t taken) {
	t.status = status
	t.body, _ = json.Marshal(body) // strings and numbers: it cannot fail
	return t
}

// phoneEvent is an event in its envelope, signed as the app signs. The key is
// the channel's token: in `dev` both are the same secret.
func phoneEvent(hook, event string, payload any, at time.Time) message.HTTPRequest {
	body, _ := json.Marshal(struct { // strings and numbers: it cannot fail
		DeviceID  string `json:"deviceId"`
		Event     string `json:"event"`
		ID        string `json:"id"`
		WebhookID string `json:"webhookId"`
		Payload   any    `json:"payload"`
	}{"simulator", event, "simulator", "simulator", payload})
	return signedJSON(hook, body, at)
}

// signedJSON is JSON with X-Signature and X-Timestamp over body and digits.
func signedJSON(hook string, body []byte, at time.Time) message.HTTPRequest {
	var key string
	if u, err := url.Parse(hook); err == nil {
		key = u.Query().Get("token")
	}
	stamp := strconv.FormatInt(at.Unix(), 10)
	mac := hmac.New(sha256.New, []byte(key))
	mac.Write(body)
	mac.Write([]byte(stamp))
	return message.HTTPRequest{
		Method: http.MethodPost,
		URL:    hook,
		Header: http.Header{
			"Content-Type": {"application/json; charset=utf-8"},
			"X-Signature":  {hex.EncodeToString(mac.Sum(nil))},
			"X-Timestamp":  {stamp},
		},
		Body: body,
	}
}
