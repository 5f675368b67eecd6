package simulator

import (
	"encoding/json"
	"net/http"
	"net/url"
	"path"
	"strings"

	"lafia/gateway/message"
)

// infobip speaks for Infobip. SMS follows infobip.com/docs/api; USSD follows the
// tests of praekelt's vumi (transports/infobip), the only public trace of it.
type infobip struct{}

func (infobip) session(random func(int) []byte) string { return uuid(random(16)) }

func (infobip) hop(hook string, h hop) message.HTTPRequest {
	step, text := "response", ""
	if h.first {
		step, text = "start", dialledString(h)
	} else if n := len(h.inputs); n > 0 {
		text = h.inputs[n-1]
	}
	return postJSON(http.MethodPost, infobipStep(hook, h.session, step), map[string]any{
		"msisdn":    strings.TrimPrefix(h.from.Reveal(), "+"),
		"imsi":      "610010000000000",
		"shortCode": h.service,
		"optional":  "",
		"ussdGwId":  "simulator",
		"language":  nil,
		"text":      text,
	})
}

func (infobip) screen(status int, body []byte) screen {
	var menu struct {
		ShouldClose      *bool   `json:"shouldClose"`
		USSDMenu         *string `json:"ussdMenu"`
		ResponseExitCode int     `json:"responseExitCode"`
	}
	if status != http.StatusOK || json.Unmarshal(body, &menu) != nil || menu.ShouldClose == nil || menu.USSDMenu == nil || menu.ResponseExitCode != http.StatusOK {
		return screen{}
	}
	kind := "shouldClose: false"
	if *menu.ShouldClose {
		kind = "shouldClose: true"
	}
	return screen{text: *menu.USSDMenu, kind: kind, live: !*menu.ShouldClose}
}

func (infobip) end(hook string, e end) (message.HTTPRequest, bool) {
	return postJSON(http.MethodPut, infobipStep(hook, e.session, "end"), map[string]any{"reason": "user hung up", "exitCode": 1}), true
}

// infobipStep appends a step to the address of the USSD webhook, beside whichever
// webhook the hook is of.
func infobipStep(hook, session, step string) string {
	u, err := url.Parse(hook)
	if err != nil {
		return hook
	}
	u.Path = path.Join(path.Dir(u.Path), "ussd", "session", session, step)
	return u.String()
}

// dialledString is what was dialled: the code and the inputs behind it.
func dialledString(h hop) string {
	return strings.Join(append([]string{strings.TrimSuffix(h.service, "#")}, h.inputs...), "*") + "#"
}

func (infobip) sms(hook string, m outgoing) message.HTTPRequest {
	return postJSON(http.MethodPost, hook, map[string]any{
		"results": []any{map[string]any{
			"messageId":    uuid(m.id),
			"from":         strings.TrimPrefix(m.from.Reveal(), "+"),
			"to":           m.to,
			"text":         m.text,
			"cleanText":    m.text,
			"receivedAt":   m.at.UTC().Format("2006-01-02T15:04:05.000-0700"),
			"smsCount":     1 + len([]rune(m.text))/161,
			"price":        map[string]any{"pricePerMessage": 0, "currency": "XOF"},
			"callbackData": nil,
		}},
		"messageCount":        1,
		"pendingMessageCount": 0,
	})
}

// take reads both versions of the send, which name sender and text differently.
func (infobip) take(r message.HTTPRequest, random func(int) []byte) taken {
	u, err := url.Parse(r.URL)
	scheme, credentials, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	switch {
	case scheme != "App" && scheme != "Basic" || credentials == "":
		return infobipFault(http.StatusUnauthorized, "UNAUTHORIZED", "Invalid login details")
	case err != nil || r.Method != http.MethodPost || u.Path != "/sms/2/text/advanced" && u.Path != "/sms/3/messages":
		return infobipFault(http.StatusNotFound, "NOT_FOUND", "No such address")
	}
	var body struct {
		Messages []struct {
			From         string `json:"from"`
			Sender       string `json:"sender"`
			Text         string `json:"text"`
			Destinations []struct {
				To        string `json:"to"`
				MessageID string `json:"messageId"`
			} `json:"destinations"`
			Content struct {
				Text string `json:"text"`
			} `json:"content"`
		} `json:"messages"`
	}
	if json.Unmarshal(r.Body, &body) != nil || len(body.Messages) == 0 {
		return infobipFault(http.StatusBadRequest, "BAD_REQUEST", "Bad Request")
	}
	third := u.Path == "/sms/3/messages"
	var messages []incoming
	var answers []any
	for _, m := range body.Messages {
		from, text := m.From, m.Text
		if third {
			from, text = m.Sender, m.Content.Text
		}
		if text == "" || len(m.Destinations) == 0 {
			return infobipFault(http.StatusBadRequest, "BAD_REQUEST", "Bad Request")
		}
		for _, d := range m.Destinations {
			id := d.MessageID
			if id == "" {
				id = uuid(random(16))
			}
			answer := map[string]any{"to": d.To, "messageId": id, "smsCount": 1 + len([]rune(text))/161}
			if third {
				delete(answer, "to")
				answer["destination"] = d.To
			}
			if number := message.ParseNumber(d.To); number.IsPhone() && strings.Trim(d.To, "0123456789") == "" {
				messages = append(messages, incoming{From: from, To: number, Text: text})
				answer["status"] = infobipStatus(1, "PENDING", 26, "PENDING_ACCEPTED")
			} else {
				answer["status"] = infobipStatus(5, "REJECTED", 14, "REJECTED_DESTINATION")
			}
			answers = append(answers, answer)
		}
	}
	t := answerJSON(http.StatusOK, map[string]any{"bulkId": uuid(random(16)), "messages": answers})
	t.messages = messages
	return t
}

func infobipStatus(group int, groupName string, id int, name string) map[string]any {
	return map[string]any{"groupId": group, "groupName": groupName, "id": id, "name": name, "description": "simulated"}
}

func infobipFault(status int, id, words string) taken {
	return answerJSON(status, map[string]any{"requestError": map[string]any{
		"serviceException": map[string]string{"messageId": id, "text": words},
	}})
}
