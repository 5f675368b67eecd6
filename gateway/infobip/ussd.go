package infobip

import (
	"net/http"
	"net/url"
	"strings"

	"lafia/gateway/message"
)

// parseUSSD reads one step of a session. The step is the last segment of the
// path, the session's id the one before it: …/session/{id}/start. vumi's tests
// have POST for start and response, PUT for end, GET for status; each is read by
// POST and PUT, since it is the path that tells them apart.
func parseUSSD(r message.Request) message.Parsed {
	session, step := pathOf(r.URL)
	switch {
	case session == "":
		return message.Parsed{Unreadable: "the path does not end with /session/ID/start, response, end or status"}
	case len(session) > message.MaxField:
		return message.Parsed{Unreadable: "the session's id is longer than 200 bytes"}
	case step == "status": // whether we live: it names no caller, and changes nothing
		return message.Parsed{Alive: true}
	case r.Method != http.MethodPost && r.Method != http.MethodPut:
		return message.Parsed{Unreadable: "the method is " + message.Word(r.Method) + ", not POST or PUT"}
	}
	var b struct {
		MSISDN    text `json:"msisdn"`
		Text      text `json:"text"`
		ShortCode text `json:"shortCode"` // documented as mandatory, absent at times (vumi)
		ExitCode  text `json:"exitCode"`
	}
	reason := readJSON(r, &b)
	if step == "end" {
		// The path says all that matters. exitCode 0 is in vumi's sample of a
		// session that ran to its end; the table of codes is not public.
		end := &message.SessionEnd{SessionID: session, Completed: b.ExitCode.value == "0"}
		if n := message.ParseNumber(b.MSISDN.value); n.IsPhone() {
			end.From = n
		}
		return message.Parsed{Events: []message.Event{{End: end}}}
	}
	if reason != "" {
		return message.Parsed{Unreadable: reason}
	}
	f := message.Fields{Form: form(map[string]text{"msisdn": b.MSISDN, "shortCode": b.ShortCode})}
	in := &message.Inbound{
		Medium:    message.USSD,
		From:      f.Number("msisdn"),
		To:        f.Short("shortCode"),
		Text:      b.Text.value, // at the start what was dialled, then the last input alone
		SessionID: session,
		Start:     step == "start",
	}
	if !b.Text.given && !in.Start {
		f.Fail("text is missing")
	}
	return f.Parsed(message.Event{Inbound: in})
}

// pathOf gives the session's id and the step; no id when the path has none.
func pathOf(u *url.URL) (session, step string) {
	segments := strings.Split(strings.TrimSuffix(u.EscapedPath(), "/"), "/")
	n := len(segments)
	if n < 3 {
		return "", ""
	}
	switch step = strings.ToLower(segments[n-1]); step {
	case "start", "response", "end", "status":
	default:
		return "", ""
	}
	session, err := url.PathUnescape(segments[n-2])
	if err != nil || session == "ussd" || session == "session" {
		return "", ""
	}
	return strings.TrimSpace(message.RepairText(session)), step
}
