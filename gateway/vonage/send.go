package vonage

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"lafia/gateway/message"
)

const defaultEndpoint = "https://rest.nexmo.com/sms/json"

// Request builds the POST that sends m. type has to be "unicode" for letters that
// the 7-bit alphabet lacks, else they arrive as "?".
func (*Adapter) Request(m message.Outbound, a message.Account) (message.HTTPRequest, error) {
	key, secret, endpoint, from := a.Settings["api_key"], a.Settings["api_secret"], a.Settings["endpoint"], m.From
	if endpoint == "" {
		endpoint = defaultEndpoint
	}
	if from == "" {
		from = a.Settings["from"]
	}
	switch {
	case key == "":
		return message.HTTPRequest{}, errors.New("the setting api_key is missing")
	case secret == "":
		return message.HTTPRequest{}, errors.New("the setting api_secret is missing")
	case from == "":
		return message.HTTPRequest{}, errors.New("the setting from is missing: Vonage has no default sender")
	case !message.IsEndpoint(endpoint):
		return message.HTTPRequest{}, errors.New("the setting endpoint is no http or https address")
	case !m.To.IsPhone():
		return message.HTTPRequest{}, errors.New("the receiver is no number with a country code")
	case m.Text == "":
		return message.HTTPRequest{}, errors.New("the message is empty")
	}
	form := url.Values{
		"api_key":           {key},
		"api_secret":        {secret},
		"from":              {strings.TrimPrefix(from, "+")},
		"to":                {strings.TrimPrefix(m.To.Reveal(), "+")},
		"text":              {m.Text},
		"type":              {"text"},
		"status-report-req": {"1"},
		"client-ref":        {m.ID},
	}
	if !message.IsGSM(m.Text) {
		form.Set("type", "unicode")
	}
	if status := a.Settings["status_url"]; status != "" { // without it: the account's own
		form.Set("callback", status)
	}
	return message.HTTPRequest{
		Method: http.MethodPost,
		URL:    endpoint,
		Header: http.Header{"Accept": {"application/json"}, "Content-Type": {"application/x-www-form-urlencoded"}},
		Body:   []byte(form.Encode()),
	}, nil
}

// Outcome judges the answer, which is 200 whatever it says: each of "messages",
// one a part, has a status of its own.
func (*Adapter) Outcome(status int, body []byte, err error, wrote bool) message.Outcome {
	if o, decided := message.TransportOutcome(status, err, wrote); decided {
		return o
	}
	var answer struct {
		Messages []struct {
			Status    code   `json:"status"`
			MessageID string `json:"message-id"`
			ErrorText string `json:"error-text"`
		} `json:"messages"`
	}
	if err := json.Unmarshal(body, &answer); err != nil || len(answer.Messages) == 0 {
		return message.Outcome{Verdict: message.Ambiguous, Reason: "the answer could not be read"}
	}
	o := message.Outcome{Verdict: message.Sent, Parts: len(answer.Messages)}
	sent := 0
	for _, m := range answer.Messages {
		if m.Status == "0" {
			sent++
			if id := message.RepairText(m.MessageID); o.ExternalID == "" && len(id) <= message.MaxField {
				o.ExternalID = id
			}
			continue
		}
		if o.Reason == "" {
			o.Verdict = verdictOf(m.Status)
			o.Reason = strings.TrimSpace(message.Word(string(m.Status)) + " " + message.Word(m.ErrorText))
		}
	}
	if sent > 0 && sent < len(answer.Messages) {
		// She has some of it: sending it again would repeat that.
		o.Verdict = message.Ambiguous
		o.Reason = fmt.Sprintf("%d of %d parts: %s", sent, len(answer.Messages), o.Reason)
	}
	if sent == 0 {
		o.ExternalID, o.Parts = "", 0
	}
	return o
}

// verdictOf maps a status that is not 0 (troubleshooting-sms; names in courier).
func verdictOf(c code) message.Verdict {
	switch c {
	case "1", "5", // throttled, internal error
		"4", "8", "9", "10", "11", "14", "32": // credentials, account barred, quota, binds, no HTTP, signature: not the message's fault
		return message.Retry
	case "2", "3", "6", "7", "12", "15", "22", "23", "29", "33":
		// parameters, unroutable, barred, too long, sender, network code,
		// callback, not on the test list, deactivated
		return message.Rejected
	}
	return message.Ambiguous
}

// code is a status, which the API writes as a string and some SDKs as a number.
type code string

func (c *code) UnmarshalJSON(b []byte) error {
	var s string
	if json.Unmarshal(b, &s) == nil {
		*c = code(s)
		return nil
	}
	if n, err := strconv.Atoi(string(b)); err == nil {
		*c = code(strconv.Itoa(n))
	}
	return nil
}

// CheckSettings tells what a send, or the check of a signature, would lack.
func (*Adapter) CheckSettings(a message.Account) (lines []string) {
	for _, name := range []string{"api_key", "api_secret"} {
		if a.Settings[name] == "" {
			lines = append(lines, "the setting "+name+" is missing: no SMS can be sent; it is in Vonage's dashboard")
		}
	}
	if e := a.Settings["endpoint"]; e != "" && !message.IsEndpoint(e) {
		lines = append(lines, "the setting endpoint is no http or https address: leave it out for Vonage's own")
	}
	name := a.Settings["signature_algorithm"]
	if _, known := algorithmNamed(name); !known {
		lines = append(lines, "the setting signature_algorithm is not one of md5hash, md5, sha1, sha256, sha512: every request is refused")
	}
	if len(a.Signatures) == 0 {
		lines = append(lines, "the channel has no signatures: ask Vonage to sign what it sends, and write the account's signature secret there")
	}
	if w := a.Settings["timestamp_window"]; w != "" {
		if d, err := time.ParseDuration(w); err != nil || d <= 0 {
			lines = append(lines, "the setting timestamp_window is no duration, such as 5m or 25h: every request is refused")
		}
	}
	switch s := a.Settings["status_url"]; {
	case s != "" && !message.IsEndpoint(s):
		lines = append(lines, "the setting status_url is no http or https address")
	case s != "" && !strings.Contains(s, "token="):
		lines = append(lines, "the setting status_url has no ?token=: its receipts would be refused")
	}
	return lines
}

// Advice is what Vonage's dashboard has to say.
func (*Adapter) Advice() []string {
	return []string{
		"dashboard, API settings: the webhook of inbound SMS is the channel's sms address, that of delivery receipts its status address, each with its token",
		"dashboard, API settings: signed webhooks are on (Vonage's support switches them on), with the same algorithm as signature_algorithm",
		"dashboard, API settings: one default SMS setting, \"SMS API\"; the Messages API sends other requests, which are not read",
		"keep this server's clock right: a request whose timestamp is more than 5 minutes off is refused; if calls that Vonage repeats are refused so after an outage, set timestamp_window = \"25h\"",
	}
}
