package mtarget

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"unicode/utf8"

	"lafia/gateway/message"
)

const defaultEndpoint = "https://api-public.mtarget.fr/api-sms.json"

// maxText is how long a message may be: five parts of 153 characters (courier).
const maxText = 765

// Request builds the POST that sends m, whose parameters are in the query.
func (*Adapter) Request(m message.Outbound, a message.Account) (message.HTTPRequest, error) {
	user, password, endpoint := a.Settings["username"], a.Settings["password"], a.Settings["endpoint"]
	if endpoint == "" {
		endpoint = defaultEndpoint
	}
	switch {
	case user == "":
		return message.HTTPRequest{}, errors.New("the setting username is missing")
	case password == "":
		return message.HTTPRequest{}, errors.New("the setting password is missing")
	case !message.IsEndpoint(endpoint) || strings.Contains(endpoint, "?"):
		return message.HTTPRequest{}, errors.New("the setting endpoint is no http or https address without a query")
	case !m.To.IsPhone():
		return message.HTTPRequest{}, errors.New("the receiver is no number with a country code")
	case m.Text == "":
		return message.HTTPRequest{}, errors.New("the message is empty")
	case utf8.RuneCountInString(m.Text) > maxText:
		return message.HTTPRequest{}, errors.New("the message is longer than the 765 characters that MTarget takes")
	}
	q := url.Values{
		"username":     {user},
		"password":     {password},
		"msisdn":       {m.To.Reveal()},
		"msg":          {m.Text},
		"allowunicode": {"true"}, // without it letters outside the GSM alphabet are lost
		"remoteid":     {m.ID},
	}
	if id := a.Settings["serviceid"]; id != "" {
		q.Set("serviceid", id)
	}
	from := m.From
	if from == "" {
		from = a.Settings["from"]
	}
	if from != "" {
		q.Set("sender", from)
	}
	return message.HTTPRequest{Method: http.MethodPost, URL: endpoint + "?" + q.Encode(), Header: http.Header{"Accept": {"application/json"}}}, nil
}

// Outcome judges the answer by the code of its one result, which is a string. It
// comes with a 200, and with a 4xx too (courier handler_test.go).
func (*Adapter) Outcome(status int, body []byte, err error, wrote bool) message.Outcome {
	o, decided := message.TransportOutcome(status, err, wrote)
	if err != nil || status >= 500 || status == http.StatusTooManyRequests || decided && status < 400 {
		return o
	}
	var answer struct {
		Results []struct {
			Code   word   `json:"code"`
			Reason string `json:"reason"`
			Ticket string `json:"ticket"`
		} `json:"results"`
	}
	if json.Unmarshal(body, &answer) != nil || len(answer.Results) == 0 || answer.Results[0].Code == "" {
		if decided {
			return o
		}
		return message.Outcome{Verdict: message.Ambiguous, Reason: "the answer could not be read"}
	}
	r := answer.Results[0]
	ticket := message.RepairText(r.Ticket)
	if ticket == "null" || len(ticket) > message.MaxField {
		ticket = ""
	}
	switch {
	case r.Code == "0" && !decided:
		return message.Outcome{Verdict: message.Sent, ExternalID: ticket}
	case r.Code == "0":
		return o
	}
	o = message.Outcome{Verdict: message.Rejected, Reason: message.Word(string(r.Code) + " " + r.Reason)}
	if r.Code == "-12" { // invalid credential: nothing is wrong with the message
		o.Verdict = message.Retry
	}
	return o
}

// word is a code that may come without its quotes.
type word string

func (w *word) UnmarshalJSON(b []byte) error {
	var s string
	if json.Unmarshal(b, &s) == nil {
		*w = word(strings.TrimSpace(s))
		return nil
	}
	var n json.Number
	if json.Unmarshal(b, &n) == nil {
		*w = word(n.String())
	}
	return nil
}

// CheckSettings tells what a send would lack.
func (*Adapter) CheckSettings(a message.Account) (lines []string) {
	for _, name := range []string{"username", "password"} {
		if a.Settings[name] == "" {
			lines = append(lines, "the setting "+name+" is missing: no SMS can be sent; MTarget gives it at registration")
		}
	}
	if e := a.Settings["endpoint"]; e != "" && (!message.IsEndpoint(e) || strings.Contains(e, "?")) {
		lines = append(lines, "the setting endpoint is no http or https address without a query: leave it out for MTarget's own")
	}
	return lines
}

// Advice is what has to be agreed with MTarget's support.
func (*Adapter) Advice() []string {
	return []string{
		"MTarget's support sets the addresses of messages (MO) and reports (DLR): the channel's sms and status addresses, each with its token",
		"ask MTarget which addresses it calls from and set networks: it signs nothing",
		"ask MTarget whether it calls again when we do not answer; if not, have the pull API switched on, which keeps messages for a month",
		"if the account is bound to IP addresses: this server's must be among them",
	}
}
