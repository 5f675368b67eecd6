package jasmin

import (
	"encoding/hex"
	"errors"
	"net/http"
	"net/url"
	"strings"

	"lafia/gateway/message"
)

// localEndpoint is where Jasmin listens by default.
const localEndpoint = "http://127.0.0.1:1401/send"

// maxPassword is what Jasmin takes, though its documentation says 30 (send.py).
const maxPassword = 16

// Request builds the POST that sends m. Jasmin turns content with coding 0 from
// UTF-8 into GSM 03.38 itself; text that this lacks goes as UTF-16BE in hex, with
// coding 8. A parameter that Jasmin does not know would be refused.
func (*Adapter) Request(m message.Outbound, a message.Account) (message.HTTPRequest, error) {
	user, password, endpoint := a.Settings["username"], a.Settings["password"], a.Settings["endpoint"]
	if endpoint == "" {
		endpoint = localEndpoint
	}
	switch {
	case user == "":
		return message.HTTPRequest{}, errors.New("the setting username is missing")
	case password == "":
		return message.HTTPRequest{}, errors.New("the setting password is missing")
	case len(password) > maxPassword:
		return message.HTTPRequest{}, errors.New("the setting password is longer than the 16 characters that Jasmin takes")
	case !message.IsEndpoint(endpoint):
		return message.HTTPRequest{}, errors.New("the setting endpoint is no http or https address")
	case !m.To.IsPhone():
		return message.HTTPRequest{}, errors.New("the receiver is no number with a country code")
	case m.Text == "":
		return message.HTTPRequest{}, errors.New("the message is empty")
	}
	form := url.Values{"username": {user}, "password": {password}, "to": {strings.TrimPrefix(m.To.Reveal(), "+")}, "dlr": {"no"}}
	if message.IsGSM(m.Text) {
		form.Set("coding", "0")
		form.Set("content", m.Text)
	} else {
		form.Set("coding", "8")
		form.Set("hex-content", hex.EncodeToString(message.EncodeUTF16BE(m.Text)))
	}
	from := m.From
	if from == "" {
		from = a.Settings["from"]
	}
	if from != "" {
		form.Set("from", from)
	}
	if status := a.Settings["status_url"]; status != "" {
		form.Set("dlr", "yes")
		form.Set("dlr-level", "3")
		form.Set("dlr-method", http.MethodPost) // with GET some versions add a second "?" to the address
		form.Set("dlr-url", withOurID(status, m.ID))
	}
	return message.HTTPRequest{
		Method: http.MethodPost,
		URL:    endpoint,
		Header: http.Header{"Content-Type": {"application/x-www-form-urlencoded"}},
		Body:   []byte(form.Encode()),
	}, nil
}

func withOurID(address, id string) string {
	between := "?"
	if strings.Contains(address, "?") {
		between = "&"
	}
	return address + between + ourID + "=" + url.QueryEscape(id)
}

// Outcome judges the answer: Success "uuid" or Error "text" (send.py, errors.py).
//
//   - 403 is a wrong password, a spent balance or a throughput exceeded: nothing
//     is wrong with the message.
//   - 412 is a route that is not there, or whose connectors are not bound: it
//     comes back.
//   - 503 about the interceptor is said before anything is queued.
func (*Adapter) Outcome(status int, body []byte, err error, wrote bool) message.Outcome {
	o, decided := message.TransportOutcome(status, err, wrote)
	if err != nil {
		return o
	}
	text := strings.TrimSpace(message.RepairText(string(body[:min(len(body), 500)])))
	reason := quoted(text, "Error")
	switch {
	case !decided:
		if id := quoted(text, "Success"); id != "" && len(id) <= message.MaxField {
			return message.Outcome{Verdict: message.Sent, ExternalID: id}
		}
		if reason == "" {
			reason = "the answer could not be read"
		}
		return message.Outcome{Verdict: message.Ambiguous, Reason: message.Word(reason)}
	case status == http.StatusPreconditionFailed,
		status == http.StatusServiceUnavailable && strings.Contains(reason, "Interceptor"):
		o.Verdict = message.Retry
	}
	if reason != "" {
		o.Reason = message.Word(o.Reason + ": " + reason)
	}
	return o
}

// quoted is what stands in the quotes of an answer that begins with a word.
func quoted(text, word string) string {
	rest, ok := strings.CutPrefix(text, word)
	if !ok {
		return ""
	}
	return strings.TrimSpace(strings.Trim(strings.TrimSpace(rest), `"`))
}

// CheckSettings tells what a send, or the reading of a message, would lack.
func (*Adapter) CheckSettings(a message.Account) (lines []string) {
	for _, name := range []string{"username", "password"} {
		if a.Settings[name] == "" {
			lines = append(lines, "the setting "+name+" is missing: no SMS can be sent; it is that of a Jasmin user")
		}
	}
	if len(a.Settings["password"]) > maxPassword {
		lines = append(lines, "the setting password is longer than the 16 characters that Jasmin's code takes, whatever its documentation says")
	}
	if e := a.Settings["endpoint"]; e != "" && !message.IsEndpoint(e) {
		lines = append(lines, "the setting endpoint is no http or https address: write http://HOST:1401/send")
	}
	switch status := a.Settings["status_url"]; {
	case status == "":
		lines = append(lines, "the setting status_url is missing: no receipts come; write the channel's status address with its token")
	case !message.IsEndpoint(status):
		lines = append(lines, "the setting status_url is no http or https address")
	case !strings.Contains(status, "token="):
		lines = append(lines, "the setting status_url has no ?token=: its receipts would be refused")
	}
	if set := a.Settings["coding0"]; set != "" {
		if _, ok := message.DecodeCharset(nil, set); !ok {
			lines = append(lines, "the setting coding0 names a character set that is not known: leave it out for GSM 03.38, or write ISO-8859-1 or UTF-8")
		}
	}
	return lines
}

// Advice is what Jasmin's own configuration has to say (throwers.py).
func (*Adapter) Advice() []string {
	return []string{
		"jasmin.cfg, [deliversm-thrower] and [dlr-thrower]: max_retries = 1000000, since after the default of 3, about 90 s, an SMS or a receipt is thrown away",
		"the HTTP client connector: method POST, since with GET some versions add a second \"?\" to an address that has a token",
		"routes to Lafia: no failover route, since after its last connector an SMS stays locked until Jasmin restarts",
		"the SMPP client connector: dlr_msgid as the SMSC writes ids, else receipts are lost as DLRMapNotFound",
	}
}
