package orange

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"unicode"

	"lafia/gateway/message"
)

// sendEndpoint is the messaging API; the sender's path is appended.
const sendEndpoint = "https://api.orange.com/smsmessaging/v1"

// Request builds the POST that sends m. The sender address stands percent-encoded
// in the path and once more in the body, and the two must be equal.
func (*Adapter) Request(m message.Outbound, a message.Account) (message.HTTPRequest, error) {
	sender, ok := senderAddress(a.Settings["sender_address"])
	endpoint := strings.TrimSuffix(a.Settings["endpoint"], "/")
	switch {
	case a.Settings["sender_address"] == "":
		return message.HTTPRequest{}, errors.New("the setting sender_address is missing")
	case !ok:
		return message.HTTPRequest{}, errors.New("the setting sender_address is no number of 4 to 15 digits")
	case a.Token.IsZero():
		return message.HTTPRequest{}, errors.New("there is no token of Orange: the settings client_id and client_secret get one")
	case !m.To.IsPhone():
		return message.HTTPRequest{}, errors.New("the receiver is no number with a country code")
	case m.Text == "":
		return message.HTTPRequest{}, errors.New("the message is empty")
	case endpoint == "":
		endpoint = sendEndpoint
	case !isAddress(endpoint):
		return message.HTTPRequest{}, errors.New("the setting endpoint is no http or https address")
	}
	var body struct {
		Request struct {
			Address       string `json:"address"`
			SenderAddress string `json:"senderAddress"`
			SenderName    string `json:"senderName,omitempty"`
			Text          struct {
				Message string `json:"message"`
			} `json:"outboundSMSTextMessage"`
		} `json:"outboundSMSMessageRequest"`
	}
	body.Request.Address = "tel:" + m.To.Reveal()
	body.Request.SenderAddress = sender
	body.Request.SenderName = senderName(m.From, a.Settings["sender_name"])
	body.Request.Text.Message = m.Text
	b, err := json.Marshal(body)
	if err != nil {
		return message.HTTPRequest{}, errors.New("the message cannot be written as JSON")
	}
	return message.HTTPRequest{
		Method: http.MethodPost,
		URL:    endpoint + "/outbound/" + url.QueryEscape(sender) + "/requests",
		Header: http.Header{
			"Accept":        {"application/json"},
			"Authorization": {"Bearer " + a.Token.Reveal()},
			"Content-Type":  {"application/json"},
		},
		Body: b,
	}, nil
}

// senderAddress is the setting as Orange wants it, "tel:+2230000".
func senderAddress(s string) (string, bool) {
	s = strings.TrimPrefix(strings.ReplaceAll(s, " ", ""), "tel:")
	digits := strings.TrimPrefix(strings.TrimPrefix(s, "+"), "00")
	if len(digits) < 4 || len(digits) > 15 || strings.Trim(digits, "0123456789") != "" {
		return "", false
	}
	return "tel:+" + digits, true
}

// senderName is the channel's sender where it is a name, else the setting.
// Orange refuses a name that it has not approved; without one the phone shows
// Orange's own, so that a channel whose sender is a number gives none.
func senderName(from, setting string) string {
	if strings.ContainsFunc(from, unicode.IsLetter) {
		return from
	}
	return setting
}

func isAddress(s string) bool {
	u, err := url.Parse(s)
	return err == nil && u.Host != "" && (u.Scheme == "https" || u.Scheme == "http")
}

// Outcome judges the answer to a send.
//
//   - No answer: not sent when the request had not been written, else ambiguous.
//   - 2xx: taken; the uuid at the end of resourceURL is the message's id. An
//     answer of another shape is ambiguous.
//   - 401 is an expired or wrong token (code 42), 403 a bundle used up or expired,
//     429 the quota, 3xx somebody else's answer: surely not sent, and nothing is
//     wrong with the message. So are SVC0001, a fault in general, and POL1102, the
//     control of bundles, whatever their status is.
//   - Other 4xx are final (SVC0002 invalid input, SVC0004 no valid address).
//     5xx is ambiguous (reliability.md 2.8).
func (*Adapter) Outcome(status int, body []byte, err error, wrote bool) message.Outcome {
	switch {
	case err != nil && wrote:
		return message.Outcome{Verdict: message.Ambiguous, Reason: "no answer"}
	case err != nil:
		return message.Outcome{Verdict: message.Retry, Reason: "not connected"}
	}
	var answer answer
	readable := json.Unmarshal(utf8Of(body), &answer) == nil
	code, reason := answer.fault()
	if status >= 200 && status <= 299 {
		switch {
		case readable && code != "":
			return message.Outcome{Verdict: message.Rejected, Reason: reason}
		case readable && answer.Request != nil:
			return message.Outcome{Verdict: message.Sent, ExternalID: answer.id()}
		}
		return message.Outcome{Verdict: message.Ambiguous, Reason: "the answer could not be read"}
	}
	o := message.Outcome{Verdict: message.Rejected, Reason: strings.TrimSpace("HTTP " + strconv.Itoa(status) + " " + reason)}
	switch {
	case status >= 500 || status < 200:
		o.Verdict = message.Ambiguous
	case status < 400, status == http.StatusTooManyRequests, status == http.StatusUnauthorized, status == http.StatusForbidden,
		code == "SVC0001", code == "POL1102":
		o.Verdict = message.Retry
	}
	return o
}

// answer is what a send is answered with: the request echoed, or a fault in the
// shape of OneAPI or of Orange's gateway.
type answer struct {
	Request *struct {
		ResourceURL       text `json:"resourceURL"`
		ResourceReference struct {
			ResourceURL text `json:"resourceURL"`
		} `json:"resourceReference"`
	} `json:"outboundSMSMessageRequest"`
	Error struct {
		Service fault `json:"serviceException"`
		Policy  fault `json:"policyException"`
	} `json:"requestError"`
	Code        text `json:"code"`
	Message     text `json:"message"`
	Description text `json:"description"`
}

type fault struct {
	MessageID text `json:"messageId"`
	Text      text `json:"text"`
}

// id is the last segment of resourceURL.
func (a answer) id() string {
	resource := a.Request.ResourceURL.value
	if resource == "" {
		resource = a.Request.ResourceReference.ResourceURL.value
	}
	resource = strings.TrimSuffix(strings.TrimSpace(resource), "/")
	at := strings.LastIndexByte(resource, '/')
	if at < 0 || !strings.HasSuffix(resource[:at], "/requests") || len(resource)-at > maxField {
		return ""
	}
	return message.RepairText(resource[at+1:])
}

// fault gives the code of what went wrong, and it in words.
func (a answer) fault() (code, reason string) {
	for _, f := range []fault{a.Error.Service, a.Error.Policy, {a.Code, a.Message}} {
		if code := strings.TrimSpace(f.MessageID.value); code != "" {
			return strings.ToUpper(code), word(code + " " + f.Text.value)
		}
	}
	return "", word(a.Message.value)
}
