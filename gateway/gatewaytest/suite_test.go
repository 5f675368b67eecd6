package gatewaytest_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"flag"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"lafia/gateway/gatewaytest"
	"lafia/gateway/message"
)

var update = flag.Bool("update", false, "write the golden files")

// made is an aggregator of nobody's that has everything there is: JSON in batches
// and queries, signatures with a time, parts, calls, a heartbeat, tokens and
// webhooks to register. So every check of the suite runs.
type made struct{}

const window = 5 * time.Minute

func (made) Name() string { return "made" }

// sign is over the query, the body and the time.
func sign(secret, query string, body []byte, at string) string {
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte(query + "\n"))
	mac.Write(body)
	mac.Write([]byte("\n" + at))
	return hex.EncodeToString(mac.Sum(nil))
}

func signed(r *message.Request, secret string, now time.Time) {
	at := strconv.FormatInt(now.Unix(), 10)
	r.Header.Set("X-At", at)
	r.Header.Set("X-Signature", sign(secret, withoutToken(r.URL.RawQuery), r.Body, at))
}

func withoutToken(query string) string {
	pairs := strings.Split(query, "&")
	return strings.Join(slices.DeleteFunc(pairs, func(p string) bool { return strings.HasPrefix(p, "token=") }), "&")
}

// in is one message, report, call or sign of life.
type in struct {
	From, To, Text, ID, Ref, State, What string
	Part, Of                             int
}

func (made) Parse(kind message.Kind, r message.Request, a message.Account, now time.Time) (p message.Parsed) {
	ok := false
	at := r.Header.Get("X-At")
	for _, s := range a.Signatures {
		ok = ok || !s.IsZero() && hmac.Equal([]byte(r.Header.Get("X-Signature")), []byte(sign(s.Reveal(), withoutToken(r.URL.RawQuery), r.Body, at)))
	}
	if !ok {
		return message.Parsed{Refused: "X-Signature is wrong"}
	}
	if unix, err := strconv.ParseInt(at, 10, 64); err != nil || now.Sub(time.Unix(unix, 0)).Abs() > window {
		return message.Parsed{Refused: "X-At is too far from our clock"}
	}
	if r.Method == http.MethodGet {
		f := message.ParseForm(r.URL.RawQuery)
		n, _ := strconv.Atoi(f["part"])
		of, _ := strconv.Atoi(f["of"])
		p.Events, p.Unreadable = one(kind, in{f["from"], f["to"], f["text"], f["id"], f["ref"], f["state"], f["what"], n, of}, p.Events)
		return p
	}
	var body struct {
		What    string
		Results []json.RawMessage
	}
	body.Results = nil
	if err := json.Unmarshal(r.Body, &body); err != nil {
		return message.Parsed{Unreadable: "no JSON"}
	}
	if body.What == "ping" && len(body.Results) == 0 {
		return message.Parsed{Alive: true}
	}
	if len(body.Results) == 0 {
		return message.Parsed{Unreadable: "results is missing"}
	}
	for _, raw := range body.Results {
		var v in
		reason := "a result is no object"
		if json.Unmarshal(raw, &v) == nil {
			p.Events, reason = one(kind, v, p.Events)
		}
		if p.Unreadable == "" {
			p.Unreadable = reason
		}
	}
	return p
}

// one reads one of a request.
func one(kind message.Kind, v in, events []message.Event) ([]message.Event, string) {
	from, id := message.ParseNumber(message.RepairText(v.From)), message.RepairText(v.ID)
	switch {
	case id == "":
		return events, "id is missing"
	case kind == message.KindStatus:
		status := message.StatusUnknown
		if v.State == "delivered" {
			status = message.StatusDelivered
		}
		r := message.Receipt{ExternalID: id, OurID: message.RepairText(v.Ref), Status: status}
		if v.Of > 0 && v.Of < 256 && v.Part > 0 && v.Part <= v.Of {
			r.Part, r.Parts = v.Part, v.Of
		}
		return append(events, message.Event{Receipt: &r}), ""
	case from.IsZero():
		return events, "from is missing"
	}
	m := message.Inbound{Medium: message.SMS, From: from, To: message.RepairText(v.To), ExternalID: id}
	if m.Call = kind == message.KindCall; !m.Call {
		m.Text = message.RepairText(v.Text)
		if v.Of > 1 && v.Of < 256 && v.Part > 0 && v.Part <= v.Of {
			m.Part = &message.Part{Ref: message.RepairText(v.Ref), Index: v.Part, Total: v.Of}
		}
	}
	return append(events, message.Event{Inbound: &m}), ""
}

func (made) Reply(r message.Reply) message.Response {
	b, _ := json.Marshal(r)
	return message.Response{ContentType: "application/json", Body: b}
}

func (made) Ack(message.Kind) message.Response { return message.Response{Status: 204} }

func (made) Request(m message.Outbound, a message.Account) (message.HTTPRequest, error) {
	switch {
	case a.Settings["client"] == "":
		return message.HTTPRequest{}, errors.New("the setting client is missing")
	case !m.To.IsPhone():
		return message.HTTPRequest{}, errors.New("the receiver is no number with a country code")
	}
	body, err := json.Marshal(map[string]string{"id": m.ID, "to": m.To.Reveal(), "text": m.Text})
	return message.HTTPRequest{Method: "POST", URL: "https://made.example/send", Header: http.Header{"Authorization": {"Bearer " + a.Token.Reveal()}}, Body: body}, err
}

func (made) Outcome(status int, body []byte, err error, wrote bool) message.Outcome {
	var answer struct {
		ID    string
		Parts int
	}
	switch {
	case err != nil && !wrote:
		return message.Outcome{Verdict: message.Retry, Reason: "not connected"}
	case err != nil || status >= 500:
		return message.Outcome{Verdict: message.Ambiguous}
	case status == 429 || status == 401:
		return message.Outcome{Verdict: message.Retry, Reason: "throttled"}
	case status >= 300:
		return message.Outcome{Verdict: message.Rejected, Reason: "HTTP " + strconv.Itoa(status)}
	case json.Unmarshal(body, &answer) != nil || answer.ID == "":
		return message.Outcome{Verdict: message.Ambiguous, Reason: "the answer could not be read"}
	}
	return message.Outcome{Verdict: message.Sent, ExternalID: answer.ID, Parts: answer.Parts}
}

func (made) TokenRequest(a message.Account) (message.HTTPRequest, error) {
	if a.Settings["client"] == "" {
		return message.HTTPRequest{}, errors.New("the setting client is missing")
	}
	return message.HTTPRequest{Method: "POST", URL: "https://made.example/token", Body: []byte("client=" + a.Settings["client"])}, nil
}

func (made) ReadToken(status int, body []byte) (message.Secret, time.Duration, error) {
	var answer struct {
		Token   string
		Seconds int
	}
	if status != 200 || json.Unmarshal(body, &answer) != nil || answer.Token == "" {
		return message.Secret{}, 0, errors.New("HTTP " + strconv.Itoa(status) + " without a token")
	}
	return message.NewSecret(answer.Token), time.Duration(answer.Seconds) * time.Second, nil
}

func (made) CheckSettings(a message.Account) (lines []string) {
	if a.Settings["client"] == "" {
		lines = append(lines, "account.client is missing: enter what made.example gave you")
	}
	return lines
}

func (made) Advice() []string { return []string{"retries must be on"} }

func (made) Registrations(a message.Account, address, token string) []message.HTTPRequest {
	if a.Settings["client"] == "" {
		return nil
	}
	return []message.HTTPRequest{{Method: "PUT", URL: "https://made.example/hook", Body: []byte(address + "/sms?token=" + token)}}
}

var start = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

func TestTheSuitePassesWhereEverythingIsThere(t *testing.T) {
	gatewaytest.Run(t, made{}, "testdata", gatewaytest.Options{
		Account:     message.Account{Settings: map[string]string{"client": "c"}, Signatures: []message.Secret{message.NewSecret("right")}},
		Sign:        func(r *message.Request) { signed(r, "right", start) },
		Window:      window,
		Batch:       "results",
		StatusField: "state",
		Update:      *update,
	})
}

func FuzzParse(f *testing.F) {
	gatewaytest.Fuzz(f, made{}, "testdata", gatewaytest.Options{
		Account: message.Account{Signatures: []message.Secret{message.NewSecret("right")}},
		Sign:    func(r *message.Request) { signed(r, "right", start) },
	})
}
