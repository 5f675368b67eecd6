package androidsms

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"unicode"

	"lafia/gateway/message"
)

// cloudEndpoint is where the app's own cloud is, for a channel without the
// setting "endpoint".
const cloudEndpoint = "https://api.sms-gate.app/3rdparty/v1"

// validity is how long a phone that is away may take to send a message: a day.
// A reply that is older says nothing any more, and the cloud refuses all others
// once the oldest one that waits is as old as that (the vendor's blog,
// 2026-05-06).
const validity = 24 * 60 * 60

// maxID is how long an id of ours may be (client-go, Message).
const maxID = 36

// access is where the phone is and who we are there.
type access struct {
	endpoint, authorization string
	sim                     int
}

// settings reads those of sample.toml. The error names the setting.
func settings(a message.Account) (access, error) {
	s := access{endpoint: strings.TrimRight(a.Settings["endpoint"], "/")}
	if s.endpoint == "" {
		s.endpoint = cloudEndpoint
	}
	user, password := a.Settings["username"], a.Settings["password"]
	switch {
	case !message.IsEndpoint(s.endpoint) || strings.ContainsAny(s.endpoint, "?#"):
		return s, errors.New("the setting endpoint is no http or https address")
	case user == "":
		return s, errors.New("the setting username is missing")
	case password == "":
		return s, errors.New("the setting password is missing")
	case strings.ContainsFunc(user, func(r rune) bool { return r == ':' || unicode.IsControl(r) }):
		return s, errors.New("the setting username holds a colon, line break or control character")
	case strings.ContainsFunc(password, unicode.IsControl):
		return s, errors.New("the setting password holds a line break or control character")
	}
	if sim := a.Settings["sim"]; sim != "" {
		var err error
		if s.sim, err = strconv.Atoi(sim); err != nil || s.sim < 1 || s.sim > 3 {
			return s, errors.New("the setting sim is not 1, 2 or 3")
		}
	}
	s.authorization = "Basic " + base64.StdEncoding.EncodeToString([]byte(user+":"+password))
	return s, nil
}

// post is a request with a JSON body.
func (s access) post(path string, body any) message.HTTPRequest {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	_ = e.Encode(body) // strings and numbers: it cannot fail
	return message.HTTPRequest{
		Method: http.MethodPost,
		URL:    s.endpoint + path,
		Header: http.Header{
			"Accept":        {"application/json"},
			"Authorization": {s.authorization},
			"Content-Type":  {"application/json"},
		},
		Body: bytes.TrimSuffix(b.Bytes(), []byte("\n")),
	}
}

// Request builds the POST that puts m into the phone's queue
// (docs/features/sending-messages.md). Its id is ours, so that a second attempt
// is answered 409 and not sent twice, and receipts name it. The sender is the
// SIM's own number: m.From is not used.
func (*Adapter) Request(m message.Outbound, a message.Account) (message.HTTPRequest, error) {
	s, err := settings(a)
	switch {
	case err != nil:
		return message.HTTPRequest{}, err
	case !m.To.IsPhone():
		return message.HTTPRequest{}, errors.New("the receiver is no number with a country code")
	case m.Text == "":
		return message.HTTPRequest{}, errors.New("the message is empty")
	case m.ID == "" || len(m.ID) > maxID:
		return message.HTTPRequest{}, errors.New("the message's id is empty or longer than 36 characters")
	}
	type text struct {
		Text string `json:"text"`
	}
	return s.post("/messages", struct {
		ID      string   `json:"id"`
		Message text     `json:"textMessage"`
		To      []string `json:"phoneNumbers"`
		SIM     int      `json:"simNumber,omitempty"` // left out: the phone's own choice
		TTL     int      `json:"ttl"`
		Report  bool     `json:"withDeliveryReport"`
	}{m.ID, text{m.Text}, []string{m.To.Reveal()}, s.sim, validity, true}), nil
}

// Outcome judges the answer to a send, beyond what is the same everywhere
// (message.TransportOutcome):
//
//   - 2xx with the message: the phone has it or will get it, unless its state is
//     final. A 2xx that holds no message is somebody else's answer: ambiguous.
//   - 409: this id is known, so an earlier attempt arrived (server:
//     ErrMessageAlreadyExists).
//   - 503 with JSON: the queue is full, or its oldest message older than a day
//     (ErrQueueLimitExceeded); it was not taken. Another 503 is a proxy's.
//   - 404 and 405 are a wrong endpoint: nothing is wrong with the message.
func (*Adapter) Outcome(status int, body []byte, err error, wrote bool) message.Outcome {
	o, decided := message.TransportOutcome(status, err, wrote)
	switch {
	case !decided:
		return judge(body)
	case err != nil:
	case status == http.StatusConflict:
		return message.Outcome{Verdict: message.Sent, Reason: "it was there already"}
	case status == http.StatusNotFound, status == http.StatusMethodNotAllowed:
		o.Verdict = message.Retry
	case status == http.StatusServiceUnavailable:
		var said struct {
			Message text `json:"message"`
		}
		if json.Unmarshal(body, &said) == nil {
			o.Verdict = message.Retry
			o.Reason = strings.TrimSuffix(o.Reason+": "+message.Word(string(said.Message)), ": ")
		}
	}
	return o
}

// judge reads the message in a 2xx answer: {"id","state","recipients":[{"state","error"}]}.
func judge(body []byte) message.Outcome {
	var m struct {
		ID         text `json:"id"`
		State      text `json:"state"`
		Recipients []struct {
			Error text `json:"error"`
		} `json:"recipients"`
	}
	if err := json.Unmarshal(body, &m); err != nil || m.ID == "" || len(m.ID) > message.MaxField {
		return message.Outcome{Verdict: message.Ambiguous, Reason: "the answer could not be read"}
	}
	switch statusOf(string(m.State)) {
	case message.StatusFailed:
		o := message.Outcome{Verdict: message.Rejected, Reason: message.Word(string(m.State))}
		if len(m.Recipients) > 0 && m.Recipients[0].Error != "" {
			o.Reason = message.Word(string(m.Recipients[0].Error))
		}
		return o
	default: // a state that nobody knows is one of a message that was taken
		return message.Outcome{Verdict: message.Sent, ExternalID: string(m.ID)}
	}
}

// statusOf maps the states of a message (docs/features/status-tracking.md).
func statusOf(state string) message.Status {
	switch state {
	case "Pending", "Processed":
		return message.StatusQueued
	case "Sent":
		return message.StatusSent
	case "Delivered":
		return message.StatusDelivered
	case "Failed", "Cancelled":
		return message.StatusFailed
	}
	return message.StatusUnknown
}
