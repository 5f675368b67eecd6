package lafricamobile

import (
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"unicode/utf8"

	"lafia/gateway/message"
)

const defaultEndpoint = "https://lamsms.lafricamobile.com/api"

// maxSender is the length of a sender (send-as-XML-via-HTTP), as of any name that
// a phone shows (TS 23.040 9.1.2.5).
const maxSender = 11

// push is the JSON form of a send. In "to" the key of the one receiver is our id
// for her (public integrations); ret_id is that of the push. Both are the same,
// so that a receipt names it whichever it carries. Times are left out: they are
// Paris time, and a reply goes at once.
type push struct {
	AccountID string              `json:"accountid"`
	Password  string              `json:"password"`
	Sender    string              `json:"sender"`
	RetID     string              `json:"ret_id"`
	RetURL    string              `json:"ret_url,omitempty"`
	Priority  string              `json:"priority"`
	Text      string              `json:"text"`
	To        []map[string]string `json:"to"`
}

// Request builds the POST that sends m.
func (*Adapter) Request(m message.Outbound, a message.Account) (message.HTTPRequest, error) {
	account, password, endpoint := a.Settings["accountid"], a.Settings["password"], a.Settings["endpoint"]
	if endpoint == "" {
		endpoint = defaultEndpoint
	}
	sender := m.From // a short code can be the channel's sender, but not LAM's
	if !isSender(sender) {
		sender = a.Settings["sender"]
	}
	switch {
	case account == "":
		return message.HTTPRequest{}, errors.New("the setting accountid is missing")
	case password == "":
		return message.HTTPRequest{}, errors.New("the setting password is missing")
	case sender == "":
		return message.HTTPRequest{}, errors.New("the setting sender is missing: LAM wants a declared name")
	case !isSender(sender):
		return message.HTTPRequest{}, errors.New("the setting sender begins with a digit or is longer than 11 characters")
	case !message.IsEndpoint(endpoint):
		return message.HTTPRequest{}, errors.New("the setting endpoint is no http or https address")
	case !m.To.IsPhone():
		return message.HTTPRequest{}, errors.New("the receiver is no number with a country code")
	case m.Text == "":
		return message.HTTPRequest{}, errors.New("the message is empty")
	case m.ID == "":
		return message.HTTPRequest{}, errors.New("the message has no id")
	}
	body, err := json.Marshal(push{
		AccountID: account, Password: password, Sender: sender,
		RetID: m.ID, RetURL: a.Settings["status_url"], Priority: "2", Text: m.Text,
		To: []map[string]string{{m.ID: m.To.Reveal()}},
	})
	if err != nil {
		return message.HTTPRequest{}, errors.New("the message cannot be written as JSON")
	}
	return message.HTTPRequest{
		Method: http.MethodPost,
		URL:    endpoint,
		Header: http.Header{"Content-Type": {"application/json"}},
		Body:   body,
	}, nil
}

func isSender(s string) bool {
	return s != "" && utf8.RuneCountInString(s) <= maxSender && (s[0] < '0' || s[0] > '9') && s[0] != '+'
}

// Outcome judges the answer, which is 200 even for a wrong password: a text that
// is a push id, or a JSON object that has one, is success; a text that tells of
// an error is none. What is neither may have been sent.
func (*Adapter) Outcome(status int, body []byte, err error, wrote bool) message.Outcome {
	if o, decided := message.TransportOutcome(status, err, wrote); decided {
		return o
	}
	text := strings.TrimSpace(message.RepairText(string(body[:min(len(body), 4096)])))
	if isPushID(text) {
		return message.Outcome{Verdict: message.Sent, ExternalID: text}
	}
	if id := idOf(text); id != "" {
		return message.Outcome{Verdict: message.Sent, ExternalID: id}
	}
	o := message.Outcome{Verdict: message.Ambiguous, Reason: "the answer could not be read"}
	low := strings.ToLower(text)
	switch {
	case strings.HasPrefix(text, "<") || text == "" || text == "{}" || text == "[]" || text == "null":
	case holds(low, "credential", "password", "accountid", "account id", "authent", "unauthor", "not allowed", "forbidden", "credit", "ip address", "hmac"):
		o.Verdict, o.Reason = message.Retry, message.Word(text) // nothing is wrong with the message
	case holds(low, "error", "invalid", "missing", "required", "failed", "not found", "too long", "denied", "refused"), strings.HasPrefix(text, "-"):
		o.Verdict, o.Reason = message.Rejected, message.Word(text)
	}
	return o
}

// isPushID reports whether a text is a push id: a number (lafricamobile.com), or
// the hexadecimal that public integrations see, such as 6a3cf950c7c60.
func isPushID(s string) bool {
	if s == "" || len(s) > 64 || strings.Trim(s, "0123456789abcdefABCDEF") != "" || strings.Trim(s, "0") == "" {
		return false
	}
	return strings.Trim(s, "0123456789") == "" || len(s) >= 8
}

// idOf is the id in a JSON answer, which some accounts get. One that tells of an
// error has none.
func idOf(text string) string {
	var answer map[string]any
	if json.Unmarshal([]byte(text), &answer) != nil || answer["error"] != nil || answer["success"] == false {
		return ""
	}
	for _, name := range []string{"push_id", "message_id", "msg_id", "transaction_id", "id"} {
		if id, ok := answer[name].(string); ok && id != "" && len(id) <= message.MaxField {
			return id
		}
	}
	return ""
}

func holds(s string, words ...string) bool {
	for _, w := range words {
		if strings.Contains(s, w) {
			return true
		}
	}
	return false
}

// CheckSettings tells what a send would lack.
func (*Adapter) CheckSettings(a message.Account) (lines []string) {
	for _, name := range []string{"accountid", "password", "sender"} {
		if a.Settings[name] == "" {
			lines = append(lines, "the setting "+name+" is missing: LAM gives it with the account, or declares it")
		}
	}
	if s := a.Settings["sender"]; s != "" && !isSender(s) {
		lines = append(lines, "the setting sender begins with a digit or is longer than 11 characters: LAM refuses it")
	}
	if e := a.Settings["endpoint"]; e != "" && !message.IsEndpoint(e) {
		lines = append(lines, "the setting endpoint is no http or https address: leave it out for LAM's own")
	} else if strings.HasPrefix(e, "http://") {
		lines = append(lines, "the setting endpoint has no TLS: the account's password goes with each send; write https")
	}
	switch s := a.Settings["status_url"]; {
	case s == "":
		lines = append(lines, "the setting status_url is missing: no receipts come; write the channel's status address with its token")
	case !message.IsEndpoint(s):
		lines = append(lines, "the setting status_url is no http or https address")
	case !strings.Contains(s, "token="):
		lines = append(lines, "the setting status_url has no ?token=: its receipts would be refused")
	}
	return lines
}

// Advice is what has to be agreed with LAM.
func (*Adapter) Advice() []string {
	return []string{
		"LAM takes sends from the addresses on its list alone: this server's must be on it",
		"the sender must be declared (about 5 working days), else \"LAM\" is shown instead",
		"receipts carry the message's text and her number in the address: the reverse proxy's access log must keep no queries",
		"messages from people: ask LAM for the names of the fields, and set mo_from, mo_to, mo_text and mo_id where they differ",
		"ask LAM how ?-parameters are added to an address that has a token, and whether a receipt that failed comes again",
	}
}
