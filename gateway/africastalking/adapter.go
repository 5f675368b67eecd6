// Package africastalking speaks to Africa's Talking: SMS both ways, delivery
// reports, and USSD with its cumulative text.
//
// What it reads and writes is described in README.md beside it. The sources
// are docs.africastalking.com/sms/{notifications,deliveryreports}, the public
// copies of its USSD page, nyaruka/courier handlers/africastalking and
// instedd/nuntium africas_talking_controller.rb; where they differ, both are
// read.
package africastalking

import (
	"encoding/json"
	"errors"
	"fmt"
	"mime"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
	"unicode"

	"lafia/gateway/message"
)

// Adapter is the adapter of Africa's Talking. It holds nothing.
type Adapter struct{}

// New gives the adapter.
func New() *Adapter { return &Adapter{} }

// Name is "africastalking".
func (*Adapter) Name() string { return "africastalking" }

// Parse reads an SMS, a delivery report, a USSD hop or the end of a session.
// Africa's Talking signs nothing (courier, nuntium and ushahidi check nothing
// but the URL), so nothing is refused here: the channel's token is the check.
//
// The end of a session is known by its fields on the USSD and on the status
// URL, since people configure one URL for both.
func (*Adapter) Parse(kind message.Kind, r message.Request, _ message.Account, _ time.Time) message.Parsed {
	if reason := notForm(r); reason != "" {
		return message.Parsed{Unreadable: reason}
	}
	f := reader{form: message.ParseForm(string(r.Body))}
	var e message.Event
	switch {
	case kind == message.KindSMS:
		e.Inbound = f.sms()
	case kind != message.KindUSSD && kind != message.KindStatus:
		f.fail("there is no webhook of this kind")
	case f.isEnd():
		e.End = f.end()
	case kind == message.KindUSSD:
		e.Inbound = f.hop()
	default:
		e.Receipt = f.receipt()
	}
	if f.reason != "" {
		return message.Parsed{Unreadable: f.reason}
	}
	return message.Parsed{Events: []message.Event{e}}
}

// notForm tells why a request is no form POST, and nothing when it is one. A
// request without a content type is taken for a form: it can be nothing else.
func notForm(r message.Request) string {
	if r.Method != http.MethodPost {
		return "the method is " + word(r.Method) + ", not POST"
	}
	if e := r.Header.Get("Content-Encoding"); e != "" && !strings.EqualFold(e, "identity") {
		return "the body is encoded: Content-Encoding is " + word(e)
	}
	given := r.Header.Get("Content-Type")
	if given == "" {
		return ""
	}
	kind, _, err := mime.ParseMediaType(given)
	if err != nil {
		kind, _, _ = strings.Cut(given, ";")
		kind = strings.ToLower(strings.TrimSpace(kind))
	}
	if kind != "application/x-www-form-urlencoded" {
		return "Content-Type is " + word(kind) + ", not application/x-www-form-urlencoded"
	}
	return ""
}

// reader reads fields and keeps the first reason why it could not.
type reader struct {
	form   message.Form
	reason string
}

func (f *reader) fail(reason string) {
	if f.reason == "" {
		f.reason = reason
	}
}

// maxField bounds ids, numbers and codes. The longest that occurs is a session
// id of 38 characters; PostgreSQL indexes no more than about 2,700 bytes.
const maxField = 200

// short reads a field that is no text; "" when it is not there.
func (f *reader) short(name string) string {
	v := strings.TrimSpace(f.form.Text(name))
	if len(v) > maxField {
		f.fail(name + " is longer than " + strconv.Itoa(maxField) + " bytes")
		return ""
	}
	return v
}

// needed reads such a field that has to be there.
func (f *reader) needed(name string) string {
	v := f.short(name)
	if v == "" {
		f.fail(name + " is missing")
	}
	return v
}

func (f *reader) number(name string) message.Number {
	n := message.ParseNumber(f.needed(name))
	if n.IsZero() {
		f.fail(name + " is no number")
	}
	return n
}

func (f *reader) sms() *message.Inbound {
	in := &message.Inbound{
		Medium:     message.SMS,
		From:       f.number("from"),
		To:         f.needed("to"),
		Text:       f.form.Text("text"),
		ExternalID: f.short("id"), // may be absent: the words and "date" tell a repeat then
		SentAt:     readTime(f.short("date")),
	}
	if !f.form.Has("text") { // an empty text was sent empty
		f.fail("text is missing")
	}
	return in
}

// isEnd recognises the end of a session: it has a session and a count,
// duration or status, and no text, whereas a first hop has an empty text and
// none of them, and a delivery report has an id.
func (f *reader) isEnd() bool {
	return f.form["text"] == "" && f.form["sessionId"] != "" && f.form["id"] == "" &&
		(f.form["durationInMillis"] != "" || f.form["hopsCount"] != "" || f.form["status"] != "")
}

func (f *reader) end() *message.SessionEnd {
	return &message.SessionEnd{
		From:      f.number("phoneNumber"),
		SessionID: f.needed("sessionId"),
		Completed: strings.EqualFold(f.short("status"), "Success"),
	}
}

func (f *reader) hop() *message.Inbound {
	in := &message.Inbound{
		Medium:     message.USSD,
		From:       f.number("phoneNumber"),
		To:         f.short("serviceCode"), // a caller is served without it too
		SessionID:  f.needed("sessionId"),
		Cumulative: true,
	}
	if !f.form.Has("text") {
		f.fail("text is missing")
	}
	// Input by input, so that the chain of one hop begins the chain of the next.
	inputs := strings.Split(f.form["text"], "*")
	for i := range inputs {
		inputs[i] = message.RepairText(inputs[i])
	}
	in.Text = strings.Join(inputs, "*")
	return in
}

func (f *reader) receipt() *message.Receipt {
	given := f.needed("status")
	r := &message.Receipt{
		ExternalID: f.needed("id"),
		To:         message.ParseNumber(f.short("phoneNumber")),
		Status:     statusOf(given),
		Reason:     word(f.short("failureReason")),
	}
	if r.Reason == "" && (r.Status == message.StatusFailed || r.Status == message.StatusUnknown) {
		r.Reason = word(given)
	}
	return r
}

// statusOf maps the words of delivery reports. "Success" is delivered here,
// though in a send answer it only means accepted. Expired is in courier's table
// and not on the page; AbsentSubscriber is taken for final.
func statusOf(word string) message.Status {
	switch strings.ToLower(word) {
	case "sent", "submitted", "buffered":
		return message.StatusSent
	case "success":
		return message.StatusDelivered
	case "failed", "rejected", "absentsubscriber":
		return message.StatusFailed
	case "expired":
		return message.StatusExpired
	}
	return message.StatusUnknown
}

// readTime reads "date", which comes in two shapes, in UTC, and with the "+" of
// a zone read as a space where the sender did not escape it. What is no time is
// no reason to lose a message: it gives the zero time.
func readTime(s string) time.Time {
	if zone := len(s) - len(" 02:00"); zone > len(time.DateOnly) && s[zone] == ' ' {
		s = s[:zone] + "+" + s[zone+1:]
	}
	for _, layout := range []string{time.RFC3339, time.DateTime, "2006-01-02T15:04:05"} {
		if t, err := time.Parse(layout, s); err == nil {
			return t.UTC()
		}
	}
	return time.Time{}
}

// Reply renders a screen: "CON " goes on, "END " closes, then the text with
// "\n" between lines. Anything but 200 would show the operator's error.
func (*Adapter) Reply(r message.Reply) message.Response {
	verb := "CON "
	if r.End {
		verb = "END "
	}
	return message.Response{Status: http.StatusOK, ContentType: plain, Body: []byte(verb + r.Text)}
}

// Ack is 200 and nothing else; Africa's Talking does not read the body.
func (*Adapter) Ack(message.Kind) message.Response {
	return message.Response{Status: http.StatusOK, ContentType: plain}
}

const plain = "text/plain; charset=utf-8"

// The endpoints that a channel without the setting "endpoint" sends to. The
// user name "sandbox" belongs to the sandbox.
const (
	liveEndpoint    = "https://api.africastalking.com/version1/messaging"
	sandboxEndpoint = "https://api.sandbox.africastalking.com/version1/messaging"
)

// Request builds the POST that sends m. The settings are those of sample.toml.
func (*Adapter) Request(m message.Outbound, a message.Account) (message.HTTPRequest, error) {
	user, key := a.Settings["username"], a.Settings["api_key"]
	endpoint := a.Settings["endpoint"]
	switch {
	case user == "":
		return message.HTTPRequest{}, errors.New("the setting username is missing")
	case key == "":
		return message.HTTPRequest{}, errors.New("the setting api_key is missing")
	case strings.ContainsFunc(key, unicode.IsControl):
		return message.HTTPRequest{}, errors.New("the setting api_key holds a line break or control character")
	case !m.To.IsPhone():
		return message.HTTPRequest{}, errors.New("the receiver is no number with a country code")
	case m.Text == "":
		return message.HTTPRequest{}, errors.New("the message is empty")
	case endpoint == "" && user == "sandbox":
		endpoint = sandboxEndpoint
	case endpoint == "":
		endpoint = liveEndpoint
	}
	if u, err := url.Parse(endpoint); err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" {
		return message.HTTPRequest{}, errors.New("the setting endpoint is no http or https address")
	}
	form := url.Values{
		"username": {user},
		"to":       {m.To.Reveal()},
		"message":  {m.Text},
		// The sender pays, not the receiver.
		"bulkSMSMode": {"1"},
	}
	from := m.From
	if from == "" {
		from = a.Settings["from"]
	}
	if from != "" { // left out: a shared route
		form.Set("from", from)
	}
	return message.HTTPRequest{
		Method: http.MethodPost,
		URL:    endpoint,
		Header: http.Header{
			"Accept":       {"application/json"},
			"Apikey":       {key},
			"Content-Type": {"application/x-www-form-urlencoded"},
		},
		Body: []byte(form.Encode()),
	}, nil
}

// Outcome judges the answer to a send.
//
//   - No answer: not sent when the request had not been written, else ambiguous.
//   - 429 throttles; 401 and 403 are a wrong key, 3xx is somebody else's answer:
//     surely not sent, and nothing is wrong with the message. Other 4xx are
//     final. 5xx is ambiguous (reliability.md 2.8).
//   - 2xx: the statusCode of the one recipient decides; its word does where
//     there is no code (the sandbox: nuntium). No recipient at all is a failure
//     that "Message" explains. An answer that cannot be read is ambiguous.
func (*Adapter) Outcome(status int, body []byte, err error, wrote bool) message.Outcome {
	switch {
	case err != nil && wrote:
		return message.Outcome{Verdict: message.Ambiguous, Reason: "no answer"}
	case err != nil:
		return message.Outcome{Verdict: message.Retry, Reason: "not connected"}
	case status >= 200 && status <= 299:
		return judge(body)
	}
	o := message.Outcome{Verdict: message.Rejected, Reason: "HTTP " + strconv.Itoa(status)}
	switch {
	case status >= 500 || status < 200:
		o.Verdict = message.Ambiguous
	case status < 400, status == http.StatusTooManyRequests, status == http.StatusUnauthorized, status == http.StatusForbidden:
		o.Verdict = message.Retry
	}
	return o
}

// judge reads the JSON of a 2xx answer.
func judge(body []byte) message.Outcome {
	var answer struct {
		SMSMessageData *struct {
			Message    string
			Recipients []struct {
				StatusCode code   `json:"statusCode"`
				Status     string `json:"status"`
				MessageID  string `json:"messageId"`
			}
		}
	}
	if err := json.Unmarshal(body, &answer); err != nil || answer.SMSMessageData == nil {
		return message.Outcome{Verdict: message.Ambiguous, Reason: "the answer could not be read"}
	}
	data := answer.SMSMessageData
	if len(data.Recipients) == 0 {
		return message.Outcome{Verdict: message.Rejected, Reason: word(data.Message)}
	}
	r := data.Recipients[0]
	o := message.Outcome{Verdict: verdictOf(int(r.StatusCode), r.Status), Reason: word(r.Status)}
	if id := message.RepairText(r.MessageID); o.Verdict != message.Rejected && o.Verdict != message.Retry && id != "None" && len(id) <= maxField {
		o.ExternalID = id
	}
	if o.Verdict == message.Sent {
		o.Reason = ""
	} else if r.StatusCode != 0 {
		o.Reason = strings.TrimSpace(fmt.Sprintf("%d %s", r.StatusCode, o.Reason))
	}
	return o
}

// verdictOf maps a recipient's statusCode (nuntium
// send_africas_talking_message_job.rb; 409 from public integrations), or its
// word where there is no code. What neither knows may have been sent.
func verdictOf(code int, word string) message.Verdict {
	switch code {
	case 100, 101, 102: // Processed, Sent, Queued
		return message.Sent
	case 401, 402, 403, 404, 406, 409, 502:
		// RiskHold, InvalidSenderId, InvalidPhoneNumber, UnsupportedNumberType,
		// UserInBlacklist, DoNotDisturbRejection, RejectedByGateway
		return message.Rejected
	case 405, 407, 500, 501:
		// InsufficientBalance, CouldNotRoute, InternalServerError, GatewayError
		return message.Retry
	case 0:
		switch strings.ToLower(strings.ReplaceAll(word, " ", "")) {
		case "success", "sent", "queued", "processed":
			return message.Sent
		case "riskhold", "invalidsenderid", "invalidphonenumber", "unsupportednumbertype",
			"userinblacklist", "donotdisturbrejection", "rejectedbygateway":
			return message.Rejected
		case "insufficientbalance", "couldnotroute", "internalservererror", "gatewayerror":
			return message.Retry
		}
	}
	return message.Ambiguous
}

// code is a number that may come in quotes. What is no number is 0, as if it
// were not there.
type code int

func (c *code) UnmarshalJSON(b []byte) error {
	n, _ := strconv.Atoi(strings.Trim(string(b), `"`))
	*c = code(n)
	return nil
}

// word makes the aggregator's word fit for a log line: one line of at most 80
// characters, without the digits of a number where there are six or more.
func word(s string) string {
	var b strings.Builder
	digits := ""
	flush := func() {
		if len(digits) >= 6 {
			digits = "#"
		}
		b.WriteString(digits)
		digits = ""
	}
	runes := 0
	for _, r := range message.RepairText(s) {
		if runes++; runes > 80 {
			break
		}
		if r >= '0' && r <= '9' {
			digits += string(r)
			continue
		}
		flush()
		if !unicode.IsPrint(r) {
			r = ' '
		}
		b.WriteRune(r)
	}
	flush()
	return strings.TrimSpace(b.String())
}
