package kannel_test

import (
	"flag"
	"net/http"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/pelletier/go-toml/v2"

	"lafia/gateway/gatewaytest"
	"lafia/gateway/kannel"
	"lafia/gateway/message"
)

var update = flag.Bool("update", false, "write the golden files")

func settings() map[string]string {
	return map[string]string{
		"endpoint": "http://127.0.0.1:13013/cgi-bin/sendsms", "username": "lafia", "password": "p&w",
		"from": "36000", "status_url": "https://lafia.example/webhooks/kannel/status?token=t",
	}
}

func options() gatewaytest.Options {
	return gatewaytest.Options{Account: message.Account{Settings: settings()}, StatusField: "status", Update: *update}
}

func TestTheSuitePasses(t *testing.T) {
	gatewaytest.Run(t, kannel.New(), "testdata", options())
}

func FuzzParse(f *testing.F) {
	gatewaytest.Fuzz(f, kannel.New(), "testdata", options())
}

func get(kind message.Kind, query string) message.Parsed {
	r := message.Request{Method: http.MethodGet, URL: &url.URL{Path: "/webhooks/kannel/" + string(kind), RawQuery: query}, Header: http.Header{}}
	return kannel.New().Parse(kind, r, message.Account{}, time.Time{})
}

func post(contentType string, body string, headers ...string) message.Parsed {
	r := message.Request{Method: http.MethodPost, URL: &url.URL{}, Header: http.Header{"Content-Type": {contentType}}, Body: []byte(body)}
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	return kannel.New().Parse(message.KindSMS, r, message.Account{}, time.Time{})
}

// An answer with a body would go to the caller as an SMS.
func TestAnAcknowledgementIsAnEmptyText(t *testing.T) {
	for _, kind := range []message.Kind{message.KindSMS, message.KindStatus} {
		if r := kannel.New().Ack(kind); r.Status != 200 || len(r.Body) != 0 || !strings.HasPrefix(r.ContentType, "text/plain") {
			t.Errorf("%s: %+v", kind, r)
		}
	}
}

func TestBytesAreReadInTheCharacterSetThatIsSaidOrThatOfTheCoding(t *testing.T) {
	for _, c := range []struct{ text, coding, charset, want string }{
		{"%C3%A9", "0", "UTF-8", "é"},
		{"%C3%A9", "", "", "é"},
		{"%C3%A9", "0", "%25C", "é"},
		{"%00%E9%02%5B", "2", "", "éɛ"},
		{"%00%E9%02%5B", "2", "UTF-16BE", "éɛ"},
		{"%00%2B%00+%00%25", "2", "UTF-16BE", "+ %"},
		{"%00%E9%02", "2", "UTF-16BE", "é\uFFFD"},
		{"%E9", "2", "WINDOWS-1252", "é"},
		{"%C3%A9", "2", "UTF-8", "é"},
		{"%E9+%2B", "1", "", "é +"},
		{"a%00b", "0", "UTF-8", "ab"},
		{"50%+de+plus", "0", "UTF-8", "50% de plus"},
	} {
		p := get(message.KindSMS, "id=1&from=%2B22370000001&to=36000&text="+c.text+"&coding="+c.coding+"&charset="+c.charset)
		if len(p.Events) != 1 || p.Events[0].Inbound.Text != c.want {
			t.Errorf("%s in %q/%q: %q %+v, want %q", c.text, c.coding, c.charset, p.Unreadable, p.Events, c.want)
		}
	}
}

func TestWhatIsMissingIsNamed(t *testing.T) {
	for query, want := range map[string]string{
		"to=36000&text=a":                             "from is missing",
		"from=%28%29&to=36000&text=a":                 "from is no number",
		"from=22370000001&text=a":                     "to is missing",
		"from=22370000001&to=36000":                   "text is missing",
		"from=22370000001&to=36000&text=%01&coding=1": "the message is binary (8-BIT), not text",
		"from=22370000001&to=36000&text=a&charset=X":  "the charset X is not known",
	} {
		if p := get(message.KindSMS, query); p.Unreadable != want || len(p.Events) != 0 {
			t.Errorf("%s: %q, want %q", query, p.Unreadable, want)
		}
	}
	for query, want := range map[string]string{"status=1": "id is missing", "id=1": "status is missing"} {
		if p := get(message.KindStatus, query); p.Unreadable != want {
			t.Errorf("%s: %q, want %q", query, p.Unreadable, want)
		}
	}
	if p := get(message.KindUSSD, ""); p.Unreadable != "there is no webhook of this kind" {
		t.Error(p.Unreadable)
	}
	if p := post("text/plain", "a"); !strings.HasPrefix(p.Unreadable, "the header X-Kannel-From is missing") {
		t.Error(p.Unreadable)
	}
	if p := post("text/xml", "<a/>", "X-Kannel-From", "+22370000001", "X-Kannel-To", "36000"); !strings.HasPrefix(p.Unreadable, "the body is XML") {
		t.Error(p.Unreadable)
	}
	if p := post("text/plain", "a", "X-Kannel-From", "+22370000001"); p.Unreadable != "X-Kannel-To is missing" {
		t.Error(p.Unreadable)
	}
}

func TestAMessageWithoutAnIdIsReadAllTheSame(t *testing.T) {
	p := post(`text/plain; charset="UTF-8"`, "a=b&c", "X-Kannel-From", "0022370000001", "X-Kannel-To", "36000", "X-Kannel-Time", "2026-09-21 14:13:20")
	if len(p.Events) != 1 {
		t.Fatal(p.Unreadable)
	}
	in := p.Events[0].Inbound
	if in.ExternalID != "" || in.Text != "a=b&c" || in.From.Reveal() != "+22370000001" || in.SentAt.Unix() != 1790000000 {
		t.Errorf("%+v", in)
	}
}

func TestAPartIsToldByItsHeader(t *testing.T) {
	for udh, want := range map[string]message.Part{
		"0500032A0302":             {Ref: "36000/2a", Index: 2, Total: 3},
		"060804012A0301":           {Ref: "36000/012a", Index: 1, Total: 3},
		"0B0504158200000500 ":      {},
		"0A05041582000000032A0201": {Ref: "36000/2a", Index: 1, Total: 2}, // ports before it
		"0500032A0101":             {}, "0500032A0304": {}, "0500032A0300": {}, "05000": {}, "050003": {}, "": {}, "zz": {},
	} {
		p := post("text/plain", "a", "X-Kannel-From", "22370000001", "X-Kannel-To", "36000", "X-Kannel-UDH", udh)
		if len(p.Events) != 1 {
			t.Fatal(p.Unreadable)
		}
		got := message.Part{}
		if p.Events[0].Inbound.Part != nil {
			got = *p.Events[0].Inbound.Part
		}
		if got != want {
			t.Errorf("%s: %+v, want %+v", udh, got, want)
		}
	}
}

func TestEveryReceiptValueHasItsMeaning(t *testing.T) {
	for value, want := range map[string]message.Status{
		"1": message.StatusDelivered, "2": message.StatusFailed, "4": message.StatusSent, "8": message.StatusSent,
		"16": message.StatusFailed, "32": message.StatusSent, "3": message.StatusUnknown, "64": message.StatusUnknown,
	} {
		p := get(message.KindStatus, "id=ours&status="+value)
		if len(p.Events) != 1 || p.Events[0].Receipt.Status != want || p.Events[0].Receipt.OurID != "ours" {
			t.Errorf("%s is not %s: %+v", value, want, p)
		}
	}
}

func TestAReasonHoldsNothingOfTheMessage(t *testing.T) {
	p := get(message.KindStatus, "id=ours&status=2&reply=id:1+stat:UNDELIV+err:011+text:PROTECTION+22370000009")
	if r := p.Events[0].Receipt.Reason; r != "UNDELIV 011" {
		t.Errorf("reason %q", r)
	}
}

func TestASendAsksForReceiptsUnderOurId(t *testing.T) {
	m := message.Outbound{ID: "0190a1b2-0000-7000-8000-000000000001", To: message.ParseNumber("+22370000001"), Text: "été + 50 %"}
	r, err := kannel.New().Request(m, message.Account{Settings: settings()})
	if err != nil {
		t.Fatal(err)
	}
	u, err := url.Parse(r.URL)
	if err != nil || r.Method != "GET" || len(r.Body) != 0 {
		t.Fatalf("%s %v", r.Method, err)
	}
	want := url.Values{
		"username": {"lafia"}, "password": {"p&w"}, "from": {"36000"}, "to": {"+22370000001"}, "text": {"été + 50 %"}, "coding": {"0"},
		"dlr-mask": {"31"},
		"dlr-url":  {"https://lafia.example/webhooks/kannel/status?token=t&id=0190a1b2-0000-7000-8000-000000000001&status=%d&reply=%A&foreign=%F&from=%p&to=%P&ts=%T"},
	}
	if got := u.Query(); got.Encode() != want.Encode() {
		t.Errorf("got %v, want %v", got, want)
	}
	if !strings.Contains(r.URL, "status%3D%25d") {
		t.Error("the codes of the dlr-url are not escaped twice: Kannel would fill them in at once")
	}
	m.Text = "ɛ 🙂"
	r, _ = kannel.New().Request(m, message.Account{Settings: map[string]string{
		"endpoint": "http://smsbox:13013/cgi-bin/sendsms?x=1", "username": "u", "password": "p", "smsc": "orange"}})
	u, _ = url.Parse(r.URL)
	q := u.Query()
	if q.Get("coding") != "2" || message.DecodeUTF16BE([]byte(q.Get("text"))) != m.Text || q.Has("charset") || q.Has("dlr-url") || q.Has("from") || q.Get("smsc") != "orange" || q.Get("x") != "1" {
		t.Errorf("%v", q)
	}
}

func TestASettingThatIsMissingIsNamed(t *testing.T) {
	m := message.Outbound{To: message.ParseNumber("+22370000001"), Text: "a"}
	for _, name := range []string{"endpoint", "username", "password"} {
		s := settings()
		delete(s, name)
		if _, err := kannel.New().Request(m, message.Account{Settings: s}); err == nil || err.Error() != "the setting "+name+" is missing" {
			t.Errorf("%s: %v", name, err)
		}
		if lines := kannel.New().CheckSettings(message.Account{Settings: s}); len(lines) != 1 || !strings.Contains(lines[0], name) {
			t.Errorf("%s: %q", name, lines)
		}
	}
	for name, c := range map[string]struct{ key, value, line string }{
		"right":                  {"from", "36000", ""},
		"no receipts":            {"status_url", "", "status_url is missing"},
		"receipts refused":       {"status_url", "https://lafia.example/webhooks/kannel/status", "no ?token="},
		"a code in the token":    {"status_url", "https://lafia.example/webhooks/kannel/status?token=%20a", "holds a %"},
		"no address":             {"status_url", "lafia.example", "no http or https"},
		"a password in the open": {"endpoint", "http://192.0.2.1:13013/cgi-bin/sendsms", "without TLS"},
		"a private network":      {"endpoint", "http://10.0.0.5:13013/cgi-bin/sendsms", ""},
		"a name of the network":  {"endpoint", "http://smsbox:13013/cgi-bin/sendsms", ""},
	} {
		s := settings()
		s[c.key] = c.value
		lines := strings.Join(kannel.New().CheckSettings(message.Account{Settings: s}), "\n")
		if (lines == "") != (c.line == "") || !strings.Contains(lines, c.line) {
			t.Errorf("%s: %q, want %q", name, lines, c.line)
		}
	}
	advice := strings.Join(kannel.New().Advice(), "\n")
	for _, want := range []string{"http-request-retry = 100", "http-queue-delay", "max-messages = 0", "omit-empty", "catch-all"} {
		if !strings.Contains(advice, want) {
			t.Errorf("no advice on %s", want)
		}
	}
}

func TestTheSampleHoldsTheSettingsOfASend(t *testing.T) {
	b, err := os.ReadFile("sample.toml")
	if err != nil {
		t.Fatal(err)
	}
	var sample struct {
		Channel []struct {
			Adapter string
			Account map[string]string
		}
	}
	if err := toml.Unmarshal(b, &sample); err != nil || len(sample.Channel) != 1 || sample.Channel[0].Adapter != "kannel" {
		t.Fatalf("%v %v", err, sample)
	}
	a := message.Account{Settings: sample.Channel[0].Account}
	if lines := kannel.New().CheckSettings(a); len(lines) != 0 {
		t.Error(lines)
	}
	if _, err := kannel.New().Request(message.Outbound{To: message.ParseNumber("+22370000001"), Text: "a"}, a); err != nil {
		t.Error(err)
	}
}
