package orange

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
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
	case !message.IsEndpoint(endpoint):
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

// Outcome judges the answer to a send, as message.TransportOutcome does: 401 is an
// expired or wrong token (code 42), 403 a bundle used up or expired, 429 the quota.
//
//   - SVC0001, a fault in general, and POL1102, the control of bundles, are surely
//     not sent and nobody's fault, whatever 4xx they come with. SVC0002, invalid
//     input, and SVC0004, no valid address, are final.
//   - 2xx: taken; the uuid at the end of resourceURL is the message's id. An
//     answer of another shape is ambiguous.
func (*Adapter) Outcome(status int, body []byte, err error, wrote bool) message.Outcome {
	o, decided := message.TransportOutcome(status, err, wrote)
	if err != nil {
		return o
	}
	var answer answer
	readable := json.Unmarshal(utf8Of(body), &answer) == nil
	code, reason := answer.fault()
	switch {
	case decided:
		o.Reason = strings.TrimSpace(o.Reason + " " + reason)
		if o.Verdict == message.Rejected && (code == "SVC0001" || code == "POL1102") {
			o.Verdict = message.Retry
		}
		return o
	case readable && code != "":
		return message.Outcome{Verdict: message.Rejected, Reason: reason}
	case readable && answer.Request != nil:
		return message.Outcome{Verdict: message.Sent, ExternalID: answer.id()}
	}
	return message.Outcome{Verdict: message.Ambiguous, Reason: "the answer could not be read"}
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
	if at < 0 || !strings.HasSuffix(resource[:at], "/requests") || len(resource)-at > message.MaxField {
		return ""
	}
	return message.RepairText(resource[at+1:])
}

// fault gives the code of what went wrong, and it in words.
func (a answer) fault() (code, reason string) {
	for _, f := range []fault{a.Error.Service, a.Error.Policy, {a.Code, a.Message}} {
		if code := strings.TrimSpace(f.MessageID.value); code != "" {
			return strings.ToUpper(code), message.Word(code + " " + f.Text.value)
		}
	}
	return "", message.Word(a.Message.value)
}
