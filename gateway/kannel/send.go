package kannel

import (
	"errors"
	"net/http"
	"net/netip"
	"net/url"
	"strings"

	"lafia/gateway/message"
)

// receipts is what a dlr-url asks Kannel to fill in: the value, the SMSC's
// reply, its id, both numbers, and the time (gw/urltrans.c).
const receipts = "&status=%d&reply=%A&foreign=%F&from=%p&to=%P&ts=%T"

// dlrMask asks for every kind of receipt there is: 1 delivered, 2 failed, 4
// buffered, 8 accepted, 16 refused.
const dlrMask = "31"

// Request builds the GET of sendsms. Text that the 7-bit alphabet lacks goes out
// as UTF-16BE with coding 2. No charset is named: Kannel takes UTF-8 for coding 0
// and UTF-16BE for coding 2 by itself (user guide, sendsms "charset"), whereas
// builds without iconv refuse to recode.
func (*Adapter) Request(m message.Outbound, a message.Account) (message.HTTPRequest, error) {
	endpoint, user, password := a.Settings["endpoint"], a.Settings["username"], a.Settings["password"]
	switch {
	case endpoint == "":
		return message.HTTPRequest{}, errors.New("the setting endpoint is missing")
	case !message.IsEndpoint(endpoint):
		return message.HTTPRequest{}, errors.New("the setting endpoint is no http or https address")
	case user == "":
		return message.HTTPRequest{}, errors.New("the setting username is missing")
	case password == "":
		return message.HTTPRequest{}, errors.New("the setting password is missing")
	case !m.To.IsPhone():
		return message.HTTPRequest{}, errors.New("the receiver is no number with a country code")
	case m.Text == "":
		return message.HTTPRequest{}, errors.New("the message is empty")
	}
	q := url.Values{"username": {user}, "password": {password}, "to": {m.To.Reveal()}, "coding": {"0"}, "text": {m.Text}}
	if !message.IsGSM(m.Text) {
		q.Set("coding", "2")
		q.Set("text", string(message.EncodeUTF16BE(m.Text)))
	}
	if from := firstOf(m.From, a.Settings["from"]); from != "" {
		q.Set("from", from)
	}
	if smsc := a.Settings["smsc"]; smsc != "" {
		q.Set("smsc", smsc)
	}
	if status := a.Settings["status_url"]; status != "" {
		q.Set("dlr-mask", dlrMask)
		q.Set("dlr-url", extend(status, "id="+url.QueryEscape(m.ID)+receipts))
	}
	return message.HTTPRequest{Method: http.MethodGet, URL: extend(endpoint, q.Encode()), Header: http.Header{}}, nil
}

// Outcome judges the answer of sendsms by its status and text (gw/smsbox.c,
// smsbox_req_sendsms). It has no id of the message.
func (*Adapter) Outcome(status int, body []byte, err error, wrote bool) message.Outcome {
	text := strings.ToLower(strings.TrimSpace(message.RepairText(string(body[:min(len(body), 200)]))))
	o, decided := message.TransportOutcome(status, err, wrote)
	switch {
	case err != nil:
	case !decided && (strings.HasPrefix(text, "0:") || strings.HasPrefix(text, "3:") || strings.HasPrefix(text, "sent")):
		// "0: Accepted for delivery", "3: Queued for later delivery"; "Sent." of old versions
		o = message.Outcome{Verdict: message.Sent}
	case !decided:
		o = message.Outcome{Verdict: message.Ambiguous, Reason: "the answer could not be read"}
	case status == http.StatusForbidden && strings.Contains(text, "not routable"):
		o = message.Outcome{Verdict: message.Rejected, Reason: "not routable"}
	case status == http.StatusServiceUnavailable && strings.Contains(text, "temporal failure"):
		// Said before bearerbox took it: surely not sent.
		o = message.Outcome{Verdict: message.Retry, Reason: "temporal failure"}
	}
	return o
}

// CheckSettings tells what a send would lack.
func (k *Adapter) CheckSettings(a message.Account) (lines []string) {
	for _, name := range []string{"endpoint", "username", "password"} {
		if a.Settings[name] == "" {
			lines = append(lines, "the setting "+name+" is missing: no SMS can be sent; it is that of Kannel's group sendsms-user or smsbox")
		}
	}
	if endpoint := a.Settings["endpoint"]; endpoint != "" {
		u, err := url.Parse(endpoint)
		switch {
		case !message.IsEndpoint(endpoint):
			lines = append(lines, "the setting endpoint is no http or https address: write http://HOST:13013/cgi-bin/sendsms")
		case err == nil && u.Scheme == "http" && !private(u.Hostname()):
			lines = append(lines, "the setting endpoint goes over open networks without TLS, with the password in the address: use https or a private network")
		}
	}
	switch status := a.Settings["status_url"]; {
	case status == "":
		lines = append(lines, "the setting status_url is missing: no delivery reports come; write the channel's status address with its token")
	case !message.IsEndpoint(status):
		lines = append(lines, "the setting status_url is no http or https address")
	case strings.Contains(status, "%"):
		lines = append(lines, "the setting status_url holds a %, which Kannel would fill in: use a token of letters and digits")
	case !strings.Contains(status, "token="):
		lines = append(lines, "the setting status_url has no ?token=: its delivery reports would be refused")
	}
	return lines
}

// Advice is what Kannel's own configuration has to say (user guide; gw/smsbox.c).
func (*Adapter) Advice() []string {
	return []string{
		"group smsbox: http-request-retry = 100, since its default 0 loses an SMS, or a report, at the first failure",
		"group smsbox: http-queue-delay = 30, the seconds between two of these tries",
		"group sms-service: max-messages = 0, so that nothing that we answer is sent to the caller",
		"group sms-service: omit-empty = true, so that an empty answer is not sent as \"<Empty reply from service provider>\"",
		"group sms-service: keyword = default and catch-all = true, so that every SMS comes here",
		"group sms-service: get-url with the parameters of gateway/kannel/README.md, text=%b among them",
		"group core: sms-combine-concatenated-mo stays on (its default), so that long SMS come whole",
	}
}

// private reports whether a host is on this machine or a network of its own. A
// name without a dot is one of the local network.
func private(host string) bool {
	addr, err := netip.ParseAddr(host)
	if err != nil {
		return !strings.Contains(host, ".")
	}
	return addr.IsLoopback() || addr.IsPrivate() || addr.IsLinkLocalUnicast()
}

// extend adds parameters to an address that may have some.
func extend(address, query string) string {
	switch {
	case !strings.Contains(address, "?"):
		return address + "?" + query
	case strings.HasSuffix(address, "?"), strings.HasSuffix(address, "&"):
		return address + query
	}
	return address + "&" + query
}

func firstOf(a, b string) string {
	if a != "" {
		return a
	}
	return b
}
