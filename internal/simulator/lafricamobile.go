package simulator

import (
	"encoding/hex"
	"encoding/json"
	"net/http"
	"net/url"

	"lafia/gateway/message"
)

// lafricamobile speaks for LAfricaMobile. The send follows its JSON form as
// public integrations have it; a message from a person is made up, since LAM
// publishes no shape of one.
type lafricamobile struct{ noUSSD }

func (lafricamobile) sms(hook string, m outgoing) message.HTTPRequest {
	return getQuery(hook, url.Values{"from": {m.from.Reveal()}, "to": {m.to}, "text": {m.text}, "id": {hex.EncodeToString(m.id)}})
}

func (lafricamobile) take(r message.HTTPRequest, random func(int) []byte) taken {
	var push struct {
		AccountID string              `json:"accountid"`
		Password  string              `json:"password"`
		Sender    string              `json:"sender"`
		Text      string              `json:"text"`
		To        []map[string]string `json:"to"`
	}
	say := func(text string) taken { return taken{status: http.StatusOK, body: []byte(text)} } // 200 whatever happens
	switch {
	case r.Method != http.MethodPost || json.Unmarshal(r.Body, &push) != nil:
		return say("Error: invalid JSON")
	case push.AccountID == "":
		return say("Parameter accountid is required !")
	case push.Password == "":
		return say("Parameter password is required !")
	case push.Sender == "" || len(push.Sender) > 11 || push.Sender[0] >= '0' && push.Sender[0] <= '9':
		return say("Error: invalid sender")
	case push.Text == "" || len(push.To) == 0:
		return say("Error: missing parameter")
	}
	var t taken
	for _, receiver := range push.To {
		for _, number := range receiver {
			to := message.ParseNumber(number)
			if !to.IsPhone() {
				return say("Error: invalid phone number")
			}
			t.messages = append(t.messages, incoming{From: push.Sender, To: to, Text: push.Text})
		}
	}
	t.status, t.body = http.StatusOK, []byte(hex.EncodeToString(random(7))[:13])
	return t
}
