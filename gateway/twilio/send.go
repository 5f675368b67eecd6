package twilio

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"lafia/gateway/message"
)

// sendEndpoint is the API of 2010; the account's path is appended.
const sendEndpoint = "https://api.twilio.com"

// maxBody is the longest message that Twilio takes, in characters.
const maxBody = 1600

// Request builds the POST that sends m. The settings are those of sample.toml.
func (*Adapter) Request(m message.Outbound, a message.Account) (message.HTTPRequest, error) {
	s := a.Settings
	account, user, password := s["account_sid"], s["api_key_sid"], s["api_key_secret"]
	if user == "" {
		user, password = account, s["auth_token"]
	}
	endpoint := strings.TrimSuffix(s["endpoint"], "/")
	from := m.From
	if from == "" {
		from = s["from"]
	}
	switch {
	case account == "":
		return message.HTTPRequest{}, errors.New("the setting account_sid is missing")
	case password == "":
		return message.HTTPRequest{}, errors.New("the setting auth_token is missing, or api_key_sid and api_key_secret")
	case from == "" && s["messaging_service_sid"] == "":
		return message.HTTPRequest{}, errors.New("the setting from is missing, or messaging_service_sid")
	case !m.To.IsPhone():
		return message.HTTPRequest{}, errors.New("the receiver is no number with a country code")
	case m.Text == "":
		return message.HTTPRequest{}, errors.New("the message is empty")
	case utf8.RuneCountInString(m.Text) > maxBody:
		return message.HTTPRequest{}, errors.New("the message has more than 1600 characters")
	case endpoint == "":
		endpoint = sendEndpoint
	case !message.IsEndpoint(endpoint):
		return message.HTTPRequest{}, errors.New("the setting endpoint is no http or https address")
	}
	form := url.Values{"To": {m.To.Reveal()}, "Body": {m.Text}}
	if service := s["messaging_service_sid"]; service != "" {
		form.Set("MessagingServiceSid", service) // it picks the sender
	} else {
		form.Set("From", from)
	}
	if callback := s["status_callback"]; callback != "" {
		address, ok := withID(callback, m.ID)
		if !ok {
			return message.HTTPRequest{}, errors.New("the setting status_callback is no http or https address")
		}
		form.Set("StatusCallback", address)
	}
	return message.HTTPRequest{
		Method: http.MethodPost,
		URL:    endpoint + "/2010-04-01/Accounts/" + url.PathEscape(account) + "/Messages.json",
		Header: http.Header{
			"Accept":        {"application/json"},
			"Authorization": {"Basic " + base64.StdEncoding.EncodeToString([]byte(user+":"+password))},
			"Content-Type":  {formType},
		},
		Body: []byte(form.Encode()),
	}, nil
}

// withID puts our id into the query of the callback's address, in the order of the
// names: Twilio has been seen to sort a query before it calls, and to sign it as it
// was given (twilio-php issue 790).
func withID(callback, id string) (string, bool) {
	u, err := url.Parse(callback)
	if err != nil || !message.IsEndpoint(callback) {
		return "", false
	}
	pairs := []string{"id=" + url.QueryEscape(id)}
	for pair := range strings.SplitSeq(u.RawQuery, "&") {
		if pair != "" {
			pairs = append(pairs, pair)
		}
	}
	slices.Sort(pairs)
	u.RawQuery = strings.Join(pairs, "&")
	return u.String(), true
}

// Outcome judges the answer to a send, as message.TransportOutcome does. 5xx and
// lost answers stay ambiguous: Twilio has no key by which a second attempt would be
// known.
//
//   - 2xx with a sid: taken, unless its status says that it failed at once. An
//     answer of another shape is ambiguous.
//   - 20429 throttles and 21611 is a full queue, whatever 4xx they come with: surely
//     not sent. 21610, a person who opted out at Twilio, is final as all others.
func (*Adapter) Outcome(status int, body []byte, err error, wrote bool) message.Outcome {
	o, decided := message.TransportOutcome(status, err, wrote)
	if err != nil {
		return o
	}
	var answer struct {
		SID       string   `json:"sid"`
		Status    any      `json:"status"` // a word, or in an error a number
		ErrorCode codeText `json:"error_code"`
		Code      codeText `json:"code"`
	}
	readable := json.Unmarshal(body, &answer) == nil
	if decided {
		code := string(answer.Code)
		o.Reason = strings.TrimSpace(o.Reason + " " + meaning(code))
		if o.Verdict == message.Rejected && (code == "20429" || code == "21611") {
			o.Verdict = message.Retry
		}
		return o
	}
	sid := strings.TrimSpace(message.RepairText(answer.SID))
	if !readable || sid == "" || len(sid) > message.MaxField {
		return message.Outcome{Verdict: message.Ambiguous, Reason: "the answer could not be read"}
	}
	if given, _ := answer.Status.(string); statusOf(given) == message.StatusFailed {
		return message.Outcome{Verdict: message.Rejected, Reason: strings.TrimSpace(message.Word(given) + " " + meaning(string(answer.ErrorCode)))}
	}
	return message.Outcome{Verdict: message.Sent, ExternalID: sid}
}

// codeText is an error's number, also in quotes. null and what is no number is "".
type codeText string

// UnmarshalJSON never fails.
func (c *codeText) UnmarshalJSON(b []byte) error {
	*c = ""
	if n, err := strconv.Atoi(strings.Trim(string(b), `"`)); err == nil {
		*c = codeText(strconv.Itoa(n))
	}
	return nil
}
