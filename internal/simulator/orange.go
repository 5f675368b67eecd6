package simulator

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"

	"lafia/gateway/message"
)

// orange speaks for Orange's SMS API. Names and answers follow
// developer.orange.com/apis/sms/getting-started and sms-bf.
type orange struct{ noUSSD }

func (orange) sms(hook string, m outgoing) message.HTTPRequest {
	return postJSON(http.MethodPost, hook, map[string]any{"inboundSMSMessageNotification": map[string]any{
		"callbackData": "",
		"inboundSMSMessage": map[string]string{
			"senderAddress":      "tel:" + m.from.Reveal(),
			"destinationAddress": "tel:" + m.to,
			"message":            m.text,
			"messageId":          uuid(m.id),
			"dateTime":           m.at.UTC().Format("2006-01-02T15:04:05Z"),
		},
	}})
}

// take gives a token for any client, and takes a send that shows one.
func (orange) take(r message.HTTPRequest, random func(int) []byte) taken {
	u, err := url.Parse(r.URL)
	if err != nil || r.Method != http.MethodPost {
		return orangeFault(http.StatusMethodNotAllowed, "code", 61, "Method not allowed")
	}
	scheme, credentials, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if strings.HasSuffix(u.Path, "/token") {
		if scheme != "Basic" || credentials == "" || string(r.Body) != "grant_type=client_credentials" {
			return answerJSON(http.StatusUnauthorized, map[string]string{"error": "invalid_client"})
		}
		return answerJSON(http.StatusOK, map[string]string{"token_type": "Bearer", "access_token": uuid(random(16)), "expires_in": "3600"})
	}
	if scheme != "Bearer" || credentials == "" {
		return orangeFault(http.StatusUnauthorized, "code", 41, "Invalid credentials")
	}
	var body struct {
		Request struct {
			Address       string `json:"address"`
			SenderAddress string `json:"senderAddress"`
			SenderName    string `json:"senderName"`
			Text          struct {
				Message string `json:"message"`
			} `json:"outboundSMSTextMessage"`
		} `json:"outboundSMSMessageRequest"`
	}
	// Not decoded: the sender has to come percent-encoded.
	_, sender, _ := strings.Cut(u.EscapedPath(), "/outbound/")
	sender, _, whole := strings.Cut(sender, "/requests")
	if json.Unmarshal(r.Body, &body) != nil || !whole || sender != url.QueryEscape(body.Request.SenderAddress) || body.Request.Text.Message == "" {
		return orangeFault(http.StatusBadRequest, "serviceException", "SVC0002", "Invalid input value for message part %1")
	}
	to, tel := strings.CutPrefix(body.Request.Address, "tel:+")
	number := message.ParseNumber("+" + to)
	if !tel || !number.IsPhone() {
		return orangeFault(http.StatusBadRequest, "serviceException", "SVC0004", "No valid addresses provided in message part %1")
	}
	t := answerJSON(http.StatusCreated, map[string]any{"outboundSMSMessageRequest": map[string]any{
		"address":                []string{body.Request.Address},
		"senderAddress":          body.Request.SenderAddress,
		"senderName":             body.Request.SenderName,
		"outboundSMSTextMessage": map[string]string{"message": body.Request.Text.Message},
		"resourceURL":            "https://api.orange.com/smsmessaging/v1/outbound/" + body.Request.SenderAddress + "/requests/" + uuid(random(16)),
	}})
	t.messages = []incoming{{From: body.Request.SenderName, To: number, Text: body.Request.Text.Message}}
	return t
}

// orangeFault is a fault in OneAPI's shape, or with "code" in that of Orange's
// gateway.
func orangeFault(status int, kind string, code any, words string) taken {
	if kind == "code" {
		return answerJSON(status, map[string]any{"code": code, "message": words, "description": words})
	}
	return answerJSON(status, map[string]any{"requestError": map[string]any{
		kind: map[string]any{"messageId": code, "text": words, "variables": []string{}},
	}})
}

// postJSON is JSON as HTTP clients write it.
func postJSON(method, to string, body any) message.HTTPRequest {
	b, _ := json.Marshal(body) // strings, numbers and truths: it cannot fail
	return message.HTTPRequest{Method: method, URL: to, Header: http.Header{"Content-Type": {"application/json"}}, Body: b}
}

// answerJSON is an answer without messages.
func answerJSON(status int, body any) taken {
	b, _ := json.Marshal(body) // as above
	return taken{status: status, body: b}
}
