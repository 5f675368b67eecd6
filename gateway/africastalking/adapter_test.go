package africastalking_test

import (
	"flag"
	"net/http"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/pelletier/go-toml/v2"

	"lafia/gateway/africastalking"
	"lafia/gateway/gatewaytest"
	"lafia/gateway/message"
)

var update = flag.Bool("update", false, "write the golden files")

func options() gatewaytest.Options {
	return gatewaytest.Options{
		Account:     message.Account{Settings: map[string]string{"username": "lafia", "api_key": "k"}},
		StatusField: "status",
		Update:      *update,
	}
}

func TestTheSuitePasses(t *testing.T) {
	gatewaytest.Run(t, africastalking.New(), "testdata", options())
}

func FuzzParse(f *testing.F) {
	gatewaytest.Fuzz(f, africastalking.New(), "testdata", options())
}

func TestAScreenIsConOrEndAndItsText(t *testing.T) {
	a := africastalking.New()
	for _, c := range []struct {
		reply message.Reply
		want  string
	}{
		{message.Reply{Text: "Projet LAF1\n1 Question"}, "CON Projet LAF1\n1 Question"},
		{message.Reply{Text: "Merci. Ref 4827-1936", End: true}, "END Merci. Ref 4827-1936"},
	} {
		r := a.Reply(c.reply)
		if string(r.Body) != c.want || r.Status != http.StatusOK || r.ContentType != "text/plain; charset=utf-8" {
			t.Errorf("got %d %s %q, want 200 text/plain %q", r.Status, r.ContentType, r.Body, c.want)
		}
	}
	if r := a.Ack(message.KindSMS); r.Status != http.StatusOK || len(r.Body) != 0 {
		t.Errorf("an acknowledgement is %d %q", r.Status, r.Body)
	}
}

func post(kind message.Kind, body string) message.Parsed {
	r := message.Request{
		Method: http.MethodPost,
		URL:    &url.URL{Path: "/webhooks/africastalking/" + string(kind)},
		Header: http.Header{"Content-Type": {"application/x-www-form-urlencoded; charset=UTF-8"}},
		Body:   []byte(body),
	}
	return africastalking.New().Parse(kind, r, message.Account{}, time.Time{})
}

func TestAMissingFieldIsNamed(t *testing.T) {
	for _, c := range []struct {
		kind       message.Kind
		body, want string
	}{
		{message.KindSMS, "to=36000&text=a&id=1", "from is missing"},
		{message.KindSMS, "from=%2B22370000001&text=a&id=1", "to is missing"},
		{message.KindSMS, "from=%2B22370000001&to=36000&id=1", "text is missing"},
		{message.KindSMS, "", "from is missing"},
		{message.KindSMS, "from=%28%29&to=36000&text=a&id=1", "from is no number"},
		{message.KindSMS, "from=%2B22370000001&to=36000&text=a&id=" + strings.Repeat("x", 201), "id is longer than 200 bytes"},
		{message.KindStatus, "id=1&phoneNumber=%2B22370000001", "status is missing"},
		{message.KindStatus, "status=Success", "id is missing"},
		{message.KindUSSD, "phoneNumber=%2B22370000001&text=", "sessionId is missing"},
		{message.KindUSSD, "sessionId=s&text=", "phoneNumber is missing"},
		{message.KindUSSD, "sessionId=s&phoneNumber=%2B22370000001", "text is missing"},
		{message.KindUSSD, "sessionId=s&hopsCount=2", "phoneNumber is missing"},
	} {
		if p := post(c.kind, c.body); p.Unreadable != c.want || len(p.Events) != 0 {
			t.Errorf("%s %q: %q, want %q", c.kind, c.body, p.Unreadable, c.want)
		}
	}
}

func TestOnlyAFormPostIsRead(t *testing.T) {
	body := []byte("from=%2B22370000001&to=36000&text=a&id=1")
	for _, c := range []struct{ method, contentType, encoding, want string }{
		{"POST", "application/json", "", "Content-Type is application/json, not application/x-www-form-urlencoded"},
		{"POST", "application/json; charset=", "", "Content-Type is application/json, not application/x-www-form-urlencoded"},
		{"GET", "", "", "the method is GET, not POST"},
		{"POST", "application/x-www-form-urlencoded", "gzip", "the body is encoded: Content-Encoding is gzip"},
		{"POST", "Application/X-WWW-Form-Urlencoded ; charset=utf8", "", ""},
		{"POST", "", "", ""},
	} {
		r := message.Request{Method: c.method, URL: &url.URL{}, Header: http.Header{}, Body: body}
		r.Header.Set("Content-Type", c.contentType)
		r.Header.Set("Content-Encoding", c.encoding)
		if p := africastalking.New().Parse(message.KindSMS, r, message.Account{}, time.Time{}); p.Unreadable != c.want {
			t.Errorf("%s %s: %q, want %q", c.method, c.contentType, p.Unreadable, c.want)
		}
	}
}

func TestAChainIsReadAsItCameAndEachHopBeginsTheNext(t *testing.T) {
	before := ""
	for _, raw := range []string{"", "1", "1*", "1**2", "1**2*%C9t%E9", "1**2*%C9t%E9*%C3%A9", "1**2*%C9t%E9*%C3%A9*fran%C3%83%C2%A7ais*+x+"} {
		p := post(message.KindUSSD, "sessionId=s&phoneNumber=%2B22370000001&text="+raw)
		if p.Unreadable != "" {
			t.Fatal(p.Unreadable)
		}
		in := p.Events[0].Inbound
		if !in.Cumulative || in.Start {
			t.Error("a hop is cumulative and never marked as the start")
		}
		if !strings.HasPrefix(in.Text, before) {
			t.Errorf("%q does not begin with %q", in.Text, before)
		}
		before = in.Text
	}
	if want := "1**2*Été*é*français* x "; before != want {
		t.Errorf("got %q, want %q", before, want)
	}
}

func TestTheEndOfASessionIsKnownOnBothURLs(t *testing.T) {
	body := "date=2025-09-29+12%3A00%3A00&sessionId=ATUid_1&serviceCode=%2A384%2A42%23&phoneNumber=%2B22370000001&status=Incomplete&durationInMillis=9000&hopsCount=2&input=1*2&lastAppResponse=CON+x"
	for _, kind := range []message.Kind{message.KindUSSD, message.KindStatus} {
		for _, more := range []string{"", "&text="} {
			p := post(kind, body+more)
			if len(p.Events) != 1 || p.Events[0].End == nil || p.Events[0].End.Completed || p.Events[0].End.SessionID != "ATUid_1" {
				t.Errorf("%s: not the end of a session: %q", kind, p.Unreadable)
			}
		}
	}
}

func TestEveryStateHasItsMeaning(t *testing.T) {
	for word, want := range map[string]message.Status{
		"Sent": message.StatusSent, "Submitted": message.StatusSent, "Buffered": message.StatusSent,
		"Success": message.StatusDelivered, "success": message.StatusDelivered,
		"Failed": message.StatusFailed, "Rejected": message.StatusFailed, "AbsentSubscriber": message.StatusFailed,
		"Expired": message.StatusExpired, "Teleported": message.StatusUnknown,
	} {
		p := post(message.KindStatus, "id=ATXid_1&status="+word)
		if len(p.Events) != 1 || p.Events[0].Receipt.Status != want {
			t.Errorf("%s is not %s", word, want)
		}
	}
}

func TestADateIsReadInEveryShapeAndIsNoReasonToLoseAMessage(t *testing.T) {
	want := time.Date(2017, 5, 3, 6, 4, 45, 0, time.UTC)
	for _, date := range []string{"2017-05-03T06:04:45Z", "2017-05-03 06:04:45", "2017-05-03+06%3A04%3A45", "2017-05-03T08:04:45+02:00", "2017-05-03T06:04:45.000Z"} {
		p := post(message.KindSMS, "from=70000001&to=36000&text=a&id=1&date="+date)
		if got := p.Events[0].Inbound.SentAt; !got.Equal(want) {
			t.Errorf("%s is read as %s", date, got)
		}
	}
	for _, date := range []string{"", "yesterday", "0000-00-00 00:00:00"} {
		p := post(message.KindSMS, "from=70000001&to=36000&text=a&id=1&date="+date)
		if len(p.Events) != 1 || !p.Events[0].Inbound.SentAt.IsZero() {
			t.Errorf("%q: %s", date, p.Unreadable)
		}
	}
}

func TestASendIsAFormWithTheKeyInItsHeader(t *testing.T) {
	a := africastalking.New()
	m := message.Outbound{ID: "1", To: message.ParseNumber("+22370000001"), Text: "été + 50 %"}
	settings := map[string]string{"username": "lafia", "api_key": "secret", "from": "36000"}
	r, err := a.Request(m, message.Account{Settings: settings})
	if err != nil {
		t.Fatal(err)
	}
	form, err := url.ParseQuery(string(r.Body))
	if err != nil {
		t.Fatal(err)
	}
	want := url.Values{"username": {"lafia"}, "to": {"+22370000001"}, "message": {"été + 50 %"}, "from": {"36000"}, "bulkSMSMode": {"1"}}
	if form.Encode() != want.Encode() {
		t.Errorf("got %v, want %v", form, want)
	}
	if r.URL != "https://api.africastalking.com/version1/messaging" || r.Method != "POST" ||
		r.Header.Get("apiKey") != "secret" || r.Header.Get("Accept") != "application/json" ||
		r.Header.Get("Content-Type") != "application/x-www-form-urlencoded" {
		t.Errorf("got %s %s %v", r.Method, r.URL, r.Header)
	}
	for name, c := range map[string]struct {
		settings map[string]string
		url, err string
	}{
		"the sandbox has its own address": {map[string]string{"username": "sandbox", "api_key": "k"}, "https://api.sandbox.africastalking.com/version1/messaging", ""},
		"an endpoint wins":                {map[string]string{"username": "sandbox", "api_key": "k", "endpoint": "http://127.0.0.1:1/x"}, "http://127.0.0.1:1/x", ""},
		"no user":                         {map[string]string{"api_key": "k"}, "", "the setting username is missing"},
		"no key":                          {map[string]string{"username": "u"}, "", "the setting api_key is missing"},
		"a key of two lines":              {map[string]string{"username": "u", "api_key": "k\nX: y"}, "", "the setting api_key holds a line break or control character"},
		"a bad endpoint":                  {map[string]string{"username": "u", "api_key": "k", "endpoint": "ftp://x"}, "", "the setting endpoint is no http or https address"},
	} {
		r, err := a.Request(m, message.Account{Settings: c.settings})
		if r.URL != c.url || (err == nil) != (c.err == "") || err != nil && err.Error() != c.err {
			t.Errorf("%s: %q, %v", name, r.URL, err)
		}
	}
}

func TestEveryCodeOfASendHasItsVerdict(t *testing.T) {
	a := africastalking.New()
	for code, want := range map[string]message.Verdict{
		"100": message.Sent, "101": message.Sent, "102": message.Sent, `"101"`: message.Sent,
		"401": message.Rejected, "402": message.Rejected, "403": message.Rejected, "404": message.Rejected,
		"406": message.Rejected, "409": message.Rejected, "502": message.Rejected,
		"405": message.Retry, "407": message.Retry, "500": message.Retry, "501": message.Retry,
		"777": message.Ambiguous,
	} {
		body := `{"SMSMessageData":{"Recipients":[{"statusCode":` + code + `,"status":"X","messageId":"None"}]}}`
		if o := a.Outcome(201, []byte(body), nil, true); o.Verdict != want || o.ExternalID != "" {
			t.Errorf("%s: %+v, want %s", code, o, want)
		}
	}
	for status, want := range map[int]message.Verdict{
		302: message.Retry, 400: message.Rejected, 401: message.Retry, 403: message.Retry, 404: message.Rejected,
		429: message.Retry, 500: message.Ambiguous, 503: message.Ambiguous,
	} {
		if o := a.Outcome(status, []byte("x"), nil, true); o.Verdict != want {
			t.Errorf("HTTP %d: %s, want %s", status, o.Verdict, want)
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
	if err := toml.Unmarshal(b, &sample); err != nil || len(sample.Channel) != 1 || sample.Channel[0].Adapter != "africastalking" {
		t.Fatalf("%v %v", err, sample)
	}
	settings := sample.Channel[0].Account
	for name := range settings {
		switch name {
		case "username", "api_key", "from", "endpoint":
		default:
			t.Errorf("the sample has a setting %s that nothing reads", name)
		}
	}
	m := message.Outbound{To: message.ParseNumber("+22370000001"), Text: "a"}
	if _, err := africastalking.New().Request(m, message.Account{Settings: settings}); err != nil {
		t.Error(err)
	}
}
