package infobip

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"unicode"

	"lafia/gateway/message"
)

// baseURL is Infobip's common host; an account has its own, on its home page.
const baseURL = "https://api.infobip.com"

// maxMessageID is the longest messageId (public integrations).
const maxMessageID = 200

type destination struct {
	To        string `json:"to"`
	MessageID string `json:"messageId"`
}

// advanced is a message of POST /sms/2/text/advanced.
type advanced struct {
	From               string        `json:"from,omitempty"`
	Destinations       []destination `json:"destinations"`
	Text               string        `json:"text"`
	NotifyURL          string        `json:"notifyUrl,omitempty"`
	NotifyContentType  string        `json:"notifyContentType,omitempty"`
	IntermediateReport bool          `json:"intermediateReport,omitempty"`
}

// third is a message of POST /sms/3/messages. The webhooks beyond delivery.url
// are from public integrations.
type third struct {
	Sender       string        `json:"sender,omitempty"`
	Destinations []destination `json:"destinations"`
	Content      struct {
		Text string `json:"text"`
	} `json:"content"`
	Webhooks *webhooks `json:"webhooks,omitempty"`
}

type webhooks struct {
	Delivery struct {
		URL                string `json:"url"`
		IntermediateReport bool   `json:"intermediateReport"`
	} `json:"delivery"`
	ContentType string `json:"contentType"`
}

// Request builds the POST that sends m, with our id as messageId, so that a
// report names it even if it comes before the answer to the send.
func (*Adapter) Request(m message.Outbound, a message.Account) (message.HTTPRequest, error) {
	s := a.Settings
	authorization := authorizationOf(s)
	base := strings.TrimSuffix(s["base_url"], "/")
	switch {
	case authorization == "":
		return message.HTTPRequest{}, errors.New("the setting api_key is missing, or username and password")
	case strings.ContainsFunc(authorization, unicode.IsControl):
		return message.HTTPRequest{}, errors.New("the setting api_key holds a line break or control character")
	case base == "":
		base = baseURL
	case !message.IsEndpoint(base):
		return message.HTTPRequest{}, errors.New("the setting base_url is no http or https address")
	}
	report := s["report_url"]
	switch {
	case report != "" && !message.IsEndpoint(report):
		return message.HTTPRequest{}, errors.New("the setting report_url is no http or https address")
	case !m.To.IsPhone():
		return message.HTTPRequest{}, errors.New("the receiver is no number with a country code")
	case m.Text == "":
		return message.HTTPRequest{}, errors.New("the message is empty")
	case m.ID == "" || len(m.ID) > maxMessageID:
		return message.HTTPRequest{}, errors.New("the message has no id of ours")
	}
	from := m.From
	if from == "" {
		from = s["from"]
	}
	from = strings.TrimPrefix(from, "+")
	to := []destination{{To: strings.TrimPrefix(m.To.Reveal(), "+"), MessageID: m.ID}}
	var path string
	var one any
	switch s["api_version"] {
	case "", "2":
		path = "/sms/2/text/advanced"
		b := advanced{From: from, Destinations: to, Text: m.Text}
		if report != "" {
			b.NotifyURL, b.NotifyContentType, b.IntermediateReport = report, "application/json", true
		}
		one = b
	case "3":
		path = "/sms/3/messages"
		b := third{Sender: from, Destinations: to}
		b.Content.Text = m.Text
		if report != "" {
			b.Webhooks = &webhooks{ContentType: "application/json"}
			b.Webhooks.Delivery.URL, b.Webhooks.Delivery.IntermediateReport = report, true
		}
		one = b
	default:
		return message.HTTPRequest{}, errors.New("the setting api_version is neither 2 nor 3")
	}
	body, err := json.Marshal(map[string][]any{"messages": {one}})
	if err != nil {
		return message.HTTPRequest{}, errors.New("the message cannot be written as JSON")
	}
	return message.HTTPRequest{
		Method: http.MethodPost,
		URL:    base + path,
		Header: http.Header{
			"Accept":        {"application/json"},
			"Authorization": {authorization},
			"Content-Type":  {"application/json"},
		},
		Body: body,
	}, nil
}

// authorizationOf is "App KEY", or Basic for an account that has no key.
func authorizationOf(s map[string]string) string {
	switch {
	case s["api_key"] != "":
		return "App " + s["api_key"]
	case s["username"] != "" && s["password"] != "":
		return "Basic " + base64.StdEncoding.EncodeToString([]byte(s["username"]+":"+s["password"]))
	}
	return ""
}

// Outcome judges the answer to a send, as message.TransportOutcome does. In a 2xx
// the status of the one message decides: pending or delivered is taken (courier);
// rejected for want of credit, or by a fault of Infobip's, is surely not sent and
// may be tried again; an id that was there before means that an earlier attempt
// had been taken, whose answer we lost. An answer of another shape is ambiguous.
func (*Adapter) Outcome(status int, body []byte, err error, wrote bool) message.Outcome {
	o, decided := message.TransportOutcome(status, err, wrote)
	if err != nil {
		return o
	}
	var answer sendAnswer
	readable := json.Unmarshal(utf8Of(body), &answer) == nil
	switch {
	case decided:
		fault := answer.Error.Service
		o.Reason = message.Word(o.Reason + " " + fault.MessageID.value + " " + fault.Text.value)
		return o
	case !readable || len(answer.Messages) == 0:
		return message.Outcome{Verdict: message.Ambiguous, Reason: "the answer could not be read"}
	}
	return judge(answer.Messages[0])
}

type sendAnswer struct {
	Messages []sent `json:"messages"`
	Error    struct {
		Service struct {
			MessageID text `json:"messageId"`
			Text      text `json:"text"`
		} `json:"serviceException"`
	} `json:"requestError"`
}

type sent struct {
	MessageID text `json:"messageId"`
	Status    code `json:"status"`
}

func judge(m sent) message.Outcome {
	name := strings.ToUpper(strings.TrimSpace(m.Status.Name.value))
	o := message.Outcome{Reason: message.Word(name)}
	if o.Reason == "" {
		o.Reason = message.Word(m.Status.GroupName.value + " " + m.Status.GroupID.value)
	}
	switch name {
	case "REJECTED_DUPLICATE_MESSAGE_ID":
		o.Verdict = message.Sent
	case "REJECTED_NOT_ENOUGH_CREDITS", "REJECTED_PREPAID_PACKAGE_EXPIRED", "REJECTED_SYSTEM_ERROR":
		o.Verdict = message.Retry
		return o
	default:
		switch statusOf(m.Status) {
		case message.StatusQueued, message.StatusSent, message.StatusDelivered:
			o.Verdict, o.Reason = message.Sent, ""
		case message.StatusFailed, message.StatusExpired:
			o.Verdict = message.Rejected
			return o
		default:
			o.Verdict = message.Ambiguous
		}
	}
	if id := strings.TrimSpace(m.MessageID.value); len(id) <= message.MaxField {
		o.ExternalID = id
	}
	return o
}
