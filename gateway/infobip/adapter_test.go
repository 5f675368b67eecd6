package infobip_test

import (
	"encoding/json"
	"flag"
	"net/http"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/pelletier/go-toml/v2"

	"lafia/gateway/gatewaytest"
	"lafia/gateway/infobip"
	"lafia/gateway/message"
)

var update = flag.Bool("update", false, "write the golden files")

func options() gatewaytest.Options {
	return gatewaytest.Options{
		Account:     message.Account{Settings: map[string]string{"api_key": "key", "base_url": "https://x.api.infobip.com"}},
		StatusField: "groupName",
		Batch:       "results",
		Update:      *update,
	}
}

func TestTheSuitePasses(t *testing.T) {
	gatewaytest.Run(t, infobip.New(), "testdata", options())
}

func FuzzParse(f *testing.F) {
	gatewaytest.Fuzz(f, infobip.New(), "testdata", options())
}

func FuzzParseOfAPath(f *testing.F) {
	f.Add("POST", "/webhooks/infobip/ussd/session/1/start", []byte(`{"msisdn":"22370000001","text":"*384#"}`))
	f.Add("PUT", "/webhooks/infobip/ussd/session/%00%ff/end", []byte(`{"exitCode":0}`))
	f.Add("GET", "/session/a%2Fb/status", []byte(``))
	f.Fuzz(func(t *testing.T, method, path string, body []byte) {
		u, err := url.ParseRequestURI(path)
		if err != nil {
			return
		}
		p := infobip.New().Parse(message.KindUSSD, message.Request{Method: method, URL: u, Header: http.Header{}, Body: body}, message.Account{}, time.Time{})
		for _, e := range p.Events {
			var ids []string
			if e.Inbound != nil {
				ids = []string{e.Inbound.SessionID, e.Inbound.Text, e.Inbound.To}
			} else if e.End != nil {
				ids = []string{e.End.SessionID}
			}
			if len(ids) == 0 || ids[0] == "" {
				t.Errorf("no session: %+v", e)
			}
			for _, id := range ids {
				if !utf8.ValidString(id) || strings.Contains(id, "\x00") {
					t.Errorf("%q is no text", id)
				}
			}
		}
	})
}

// at makes a request of a webhook, with headers as "Name: value".
func at(kind message.Kind, method, path, body string, headers ...string) message.Request {
	u, err := url.Parse("https://lafia.example/webhooks/infobip/" + string(kind) + path)
	if err != nil {
		panic(err)
	}
	r := message.Request{Method: method, URL: u, Header: http.Header{}, Body: []byte(body)}
	for _, h := range headers {
		name, value, _ := strings.Cut(h, ": ")
		r.Header.Set(name, value)
	}
	return r
}

func parse(kind message.Kind, r message.Request) message.Parsed {
	return infobip.New().Parse(kind, r, message.Account{}, time.Time{})
}

func TestWhatIsMissingIsNamed(t *testing.T) {
	const sms, status, ussd = message.KindSMS, message.KindStatus, message.KindUSSD
	for _, c := range []struct {
		kind               message.Kind
		method, path, body string
		want               string
	}{
		{sms, "POST", "", `{"results":[{"to":"1","text":"a","messageId":"1"}]}`, "from is missing"},
		{sms, "POST", "", `{"results":[{"from":"22370000001","text":"a","messageId":"1"}]}`, "to is missing"},
		{sms, "POST", "", `{"results":[{"from":"22370000001","to":"1","messageId":"1"}]}`, "text is missing"},
		{sms, "POST", "", `{"results":["x"]}`, "it is JSON of another shape"},
		{sms, "POST", "", `{"results":[1,2]}`, "result 1 of 2: it is JSON of another shape"},
		{sms, "POST", "", `{}`, "results is missing"},
		{sms, "GET", "", ``, "the method is GET, not POST"},
		{sms, "PUT", "", ``, "the method is PUT, not POST"},
		{status, "POST", "", `{"results":[{"messageId":"1"}]}`, "status is missing"},
		{status, "POST", "", `{"results":[{"messageId":"1","status":{}}]}`, "status.groupName is missing"},
		{status, "POST", "", `{"results":[{"status":{"groupName":"PENDING"}}]}`, "messageId is missing"},
		{ussd, "POST", "/session/1/start", `{"text":"*384#"}`, "msisdn is missing"},
		{ussd, "POST", "/session/1/response", `{"msisdn":"22370000001"}`, "text is missing"},
		{ussd, "POST", "/session/1/fly", `{}`, "the path does not end with /session/ID/start, response, end or status"},
		{ussd, "POST", "/session/start", `{}`, "the path does not end with /session/ID/start, response, end or status"},
		{ussd, "POST", "/start", `{}`, "the path does not end with /session/ID/start, response, end or status"},
		{ussd, "POST", "/session/" + strings.Repeat("1", 201) + "/start", `{}`, "the session's id is longer than 200 bytes"},
		{ussd, "GET", "/session/1/start", ``, "the method is GET, not POST or PUT"},
		{message.KindCall, "POST", "", `{}`, "there is no webhook of this kind"},
	} {
		if p := parse(c.kind, at(c.kind, c.method, c.path, c.body)); p.Unreadable != c.want || len(p.Events) != 0 {
			t.Errorf("%s %s%s %s: %q, want %q", c.method, c.kind, c.path, c.body, p.Unreadable, c.want)
		}
	}
}

func TestOneResultThatCannotBeReadCostsNoOther(t *testing.T) {
	p := parse(message.KindSMS, at(message.KindSMS, "POST", "", `{"results":[{"messageId":"1"},{"messageId":"2","from":"22370000001","to":"1","text":"a"},[]]}`))
	if len(p.Events) != 1 || p.Events[0].Inbound.ExternalID != "2" || p.Unreadable != "result 1 of 3: from is missing" {
		t.Errorf("%+v", p)
	}
}

func TestReportsAndMessagesAreToldApartOnEitherAddress(t *testing.T) {
	report := `{"results":[{"messageId":"1","status":{"groupName":"DELIVERED"}}]}`
	text := `{"results":[{"messageId":"1","from":"22370000001","to":"1","text":"a"}]}`
	for _, kind := range []message.Kind{message.KindSMS, message.KindStatus} {
		if p := parse(kind, at(kind, "POST", "", report)); len(p.Events) != 1 || p.Events[0].Receipt == nil {
			t.Errorf("%s: %+v", kind, p)
		}
		if p := parse(kind, at(kind, "POST", "", text)); len(p.Events) != 1 || p.Events[0].Inbound == nil {
			t.Errorf("%s: %+v", kind, p)
		}
	}
}

func TestEveryGroupOfAStatusHasItsState(t *testing.T) {
	for status, want := range map[string]message.Status{
		`{"groupName":"PENDING"}`:                                   message.StatusQueued,
		`{"groupName":"PENDING","name":"PENDING_ENROUTE"}`:          message.StatusSent,
		`{"groupName":"PENDING","name":"PENDING_WAITING_DELIVERY"}`: message.StatusSent,
		`{"groupName":"UNDELIVERABLE"}`:                             message.StatusFailed,
		`{"groupName":"DELIVERED"}`:                                 message.StatusDelivered,
		`{"groupName":"delivered","name":"DELIVERED_TO_HANDSET"}`:   message.StatusDelivered,
		`{"groupName":"DELIVERED","name":"DELIVERED_TO_OPERATOR"}`:  message.StatusSent,
		`{"groupName":"EXPIRED"}`:                                   message.StatusExpired,
		`{"groupName":"REJECTED"}`:                                  message.StatusFailed,
		`{"groupId":3}`:                                             message.StatusDelivered,
		`{"groupId":"1"}`:                                           message.StatusQueued,
		`{"groupId":17}`:                                            message.StatusUnknown,
		`{"groupId":3,"groupName":"DREAMT"}`:                        message.StatusUnknown,
	} {
		p := parse(message.KindStatus, at(message.KindStatus, "POST", "", `{"results":[{"messageId":"m","status":`+status+`}]}`))
		if len(p.Events) != 1 || p.Events[0].Receipt.Status != want || p.Events[0].Receipt.OurID != "m" {
			t.Errorf("%s is not %s: %+v", status, want, p)
		}
	}
}

func TestAStepOfASessionIsReadFromItsPath(t *testing.T) {
	body := `{"msisdn":"22370000001","text":"1","shortCode":"*384#"}`
	for _, c := range []struct {
		method, path, session string
		start, end            bool
	}{
		{"POST", "/session/s1/start", "s1", true, false},
		{"PUT", "/session/s1/start/", "s1", true, false},
		{"POST", "/session/s1/response", "s1", false, false},
		{"POST", "/session/s1/Response", "s1", false, false},
		{"PUT", "/session/s1/end", "s1", false, true},
		{"POST", "/session/s1/end", "s1", false, true},
		{"POST", "/session/a%2Fb/response", "a/b", false, false},
		{"POST", "/s1/response", "s1", false, false},
	} {
		p := parse(message.KindUSSD, at(message.KindUSSD, c.method, c.path, body))
		if len(p.Events) != 1 || p.Unreadable != "" {
			t.Fatalf("%s: %+v", c.path, p)
		}
		e := p.Events[0]
		if c.end != (e.End != nil) || c.end && e.End.SessionID != c.session ||
			!c.end && (e.Inbound.SessionID != c.session || e.Inbound.Start != c.start || e.Inbound.Cumulative || e.Inbound.Text != "1") {
			t.Errorf("%s: %+v", c.path, e)
		}
	}
	if p := parse(message.KindUSSD, at(message.KindUSSD, "GET", "/session/s1/status", "")); !p.Alive || len(p.Events) != 0 || p.Unreadable != "" {
		t.Errorf("status: %+v", p)
	}
}

func TestWhatWasAgreedOnWithInfobipIsChecked(t *testing.T) {
	body := `{"results":[]}`
	user, header := map[string]string{"webhook_user": "infobip"}, map[string]string{"webhook_header": "X-Lafia"}
	basic := func(plain string) string {
		r := http.Request{Header: http.Header{}}
		name, password, _ := strings.Cut(plain, ":")
		r.SetBasicAuth(name, password)
		return "Authorization: " + r.Header.Get("Authorization")
	}
	old, now := message.NewSecret("old"), message.NewSecret("new")
	for _, c := range []struct {
		settings map[string]string
		secrets  []message.Secret
		header   string
		want     string
	}{
		{nil, nil, "", ""},
		{nil, []message.Secret{old}, "", ""},
		{user, []message.Secret{old}, basic("infobip:old"), ""},
		{user, []message.Secret{old, now}, basic("infobip:new"), ""},
		{user, []message.Secret{old}, strings.Replace(basic("infobip:old"), "Basic", "basic", 1), ""},
		{user, []message.Secret{old}, basic("infobip:new"), "the user or password is not one of the channel's signatures"},
		{user, []message.Secret{old}, basic("other:old"), "the user or password is not one of the channel's signatures"},
		{user, nil, basic("infobip:old"), "the user or password is not one of the channel's signatures"},
		{user, []message.Secret{message.NewSecret("")}, basic("infobip:"), "the user or password is not one of the channel's signatures"},
		{user, []message.Secret{old}, "", "Authorization is missing or not Basic"},
		{user, []message.Secret{old}, "Authorization: Bearer old", "Authorization is missing or not Basic"},
		{user, []message.Secret{old}, "Authorization: Basic %", "Authorization is missing or not Basic"},
		{header, []message.Secret{old, now}, "X-Lafia: new", ""},
		{header, []message.Secret{old, now}, "X-Lafia: newer", "the value of X-Lafia is not one of the channel's signatures"},
		{header, []message.Secret{old}, "", "the header X-Lafia is missing"},
		{header, []message.Secret{message.NewSecret("")}, "X-Lafia: ", "the header X-Lafia is missing"},
	} {
		r := at(message.KindSMS, "POST", "", body)
		if c.header != "" {
			r = at(message.KindSMS, "POST", "", body, c.header)
		}
		p := infobip.New().Parse(message.KindSMS, r, message.Account{Settings: c.settings, Signatures: c.secrets}, time.Time{})
		if p.Refused != c.want {
			t.Errorf("%v %q: %q, want %q", c.settings, c.header, p.Refused, c.want)
		}
	}
}

func TestAScreenAndTheEndOfASessionAreAnsweredInJSON(t *testing.T) {
	a := infobip.New()
	for _, c := range []struct{ got, want string }{
		{string(a.Reply(message.Reply{Text: "Projet <1>\n1 Été & eau"}).Body), `{"shouldClose":false,"ussdMenu":"Projet <1>\n1 Été & eau","responseExitCode":200,"responseMessage":""}`},
		{string(a.Reply(message.Reply{Text: "Merci", End: true}).Body), `{"shouldClose":true,"ussdMenu":"Merci","responseExitCode":200,"responseMessage":""}`},
		{string(a.Ack(message.KindUSSD).Body), `{"responseExitCode":200,"responseMessage":""}`},
		{string(a.Ack(message.KindSMS).Body), ""},
		{string(a.Ack(message.KindStatus).Body), ""},
	} {
		if c.got != c.want {
			t.Errorf("got %s, want %s", c.got, c.want)
		}
	}
}

func outbound() message.Outbound {
	return message.Outbound{ID: "0190a1b2-0000-7000-8000-000000000001", To: message.ParseNumber("+22370000001"), Text: "été & <b>"}
}

func TestASendCarriesOurIDInBothVersions(t *testing.T) {
	for version, c := range map[string]struct{ url, body string }{
		"":  {"https://x.api.infobip.com/sms/2/text/advanced", `{"messages":[{"from":"36000","destinations":[{"to":"22370000001","messageId":"0190a1b2-0000-7000-8000-000000000001"}],"text":"été \u0026 \u003cb\u003e","notifyUrl":"https://lafia.example/r?token=t","notifyContentType":"application/json","intermediateReport":true}]}`},
		"3": {"https://x.api.infobip.com/sms/3/messages", `{"messages":[{"sender":"36000","destinations":[{"to":"22370000001","messageId":"0190a1b2-0000-7000-8000-000000000001"}],"content":{"text":"été \u0026 \u003cb\u003e"},"webhooks":{"delivery":{"url":"https://lafia.example/r?token=t","intermediateReport":true},"contentType":"application/json"}}]}`},
	} {
		s := map[string]string{"api_key": "key", "base_url": "https://x.api.infobip.com/", "api_version": version, "from": "36000", "report_url": "https://lafia.example/r?token=t"}
		r, err := infobip.New().Request(outbound(), message.Account{Settings: s})
		if err != nil {
			t.Fatal(err)
		}
		if r.URL != c.url || string(r.Body) != c.body || r.Header.Get("Authorization") != "App key" || !json.Valid(r.Body) {
			t.Errorf("%s %v\n%s\nwant\n%s", r.URL, r.Header, r.Body, c.body)
		}
	}
	m := outbound()
	m.From = "LAFIA"
	r, err := infobip.New().Request(m, message.Account{Settings: map[string]string{"username": "u", "password": "p"}})
	if err != nil || r.URL != "https://api.infobip.com/sms/2/text/advanced" || r.Header.Get("Authorization") != "Basic dTpw" ||
		strings.Contains(string(r.Body), "notify") || !strings.Contains(string(r.Body), `"from":"LAFIA"`) {
		t.Errorf("%+v %s %v", r, r.Body, err)
	}
}

func TestWhatASendLacksIsNamed(t *testing.T) {
	for want, s := range map[string]map[string]string{
		"the setting api_key is missing, or username and password":    {"username": "u"},
		"the setting api_key holds a line break or control character": {"api_key": "k\nX: y"},
		"the setting base_url is no http or https address":            {"api_key": "k", "base_url": "x.api.infobip.com"},
		"the setting report_url is no http or https address":          {"api_key": "k", "report_url": "lafia"},
		"the setting api_version is neither 2 nor 3":                  {"api_key": "k", "api_version": "4"},
	} {
		if _, err := infobip.New().Request(outbound(), message.Account{Settings: s}); err == nil || err.Error() != want {
			t.Errorf("%v, want %s", err, want)
		}
	}
	m := outbound()
	m.ID = ""
	if _, err := infobip.New().Request(m, options().Account); err == nil {
		t.Error("a message without an id is sent")
	}
}

func TestEveryStatusOfASendHasItsVerdict(t *testing.T) {
	for status, want := range map[string]message.Verdict{
		`{"groupId":1}`: message.Sent, `{"groupId":3}`: message.Sent, `{"groupId":2}`: message.Rejected, `{"groupId":5}`: message.Rejected,
		`{"groupId":4}`: message.Rejected, `{}`: message.Ambiguous, `{"groupId":9}`: message.Ambiguous,
		`{"groupId":5,"name":"REJECTED_NOT_ENOUGH_CREDITS"}`:      message.Retry,
		`{"groupId":5,"name":"REJECTED_PREPAID_PACKAGE_EXPIRED"}`: message.Retry,
		`{"groupId":5,"name":"REJECTED_SYSTEM_ERROR"}`:            message.Retry,
		`{"groupId":5,"name":"REJECTED_DUPLICATE_MESSAGE_ID"}`:    message.Sent,
	} {
		o := infobip.New().Outcome(200, []byte(`{"messages":[{"messageId":"m","status":`+status+`}]}`), nil, true)
		if o.Verdict != want || (o.ExternalID == "m") != (want == message.Sent || want == message.Ambiguous) {
			t.Errorf("%s: %+v, want %s", status, o, want)
		}
	}
	for status, want := range map[int]message.Verdict{302: message.Retry, 400: message.Rejected, 401: message.Retry, 403: message.Retry, 404: message.Rejected, 429: message.Retry, 500: message.Ambiguous} {
		if o := infobip.New().Outcome(status, nil, nil, true); o.Verdict != want {
			t.Errorf("HTTP %d: %+v", status, o)
		}
	}
}

func TestTheSampleHoldsEverySettingAndNothingIsLeftToMend(t *testing.T) {
	b, err := os.ReadFile("sample.toml")
	if err != nil {
		t.Fatal(err)
	}
	var sample struct {
		Channel []struct {
			Adapter    string
			Signatures []message.Secret
			Account    map[string]string
		}
	}
	if err := toml.Unmarshal(b, &sample); err != nil || len(sample.Channel) != 1 || sample.Channel[0].Adapter != "infobip" {
		t.Fatalf("%v %v", err, sample)
	}
	for name := range sample.Channel[0].Account {
		switch name {
		case "api_key", "base_url", "username", "password", "from", "report_url", "api_version", "webhook_user", "webhook_header":
		default:
			t.Errorf("the sample has a setting %s that nothing reads", name)
		}
	}
	a := message.Account{Settings: sample.Channel[0].Account, Signatures: sample.Channel[0].Signatures}
	if _, err := infobip.New().Request(outbound(), a); err != nil {
		t.Error(err)
	}
	if mend := infobip.New().CheckSettings(a); len(mend) != 0 {
		t.Errorf("%q", mend)
	}
}

func TestWhatIsToMendIsSaidOneByOne(t *testing.T) {
	one := []message.Secret{message.NewSecret("s")}
	for _, c := range []struct {
		account message.Account
		want    int
	}{
		{message.Account{}, 2},
		{message.Account{Settings: map[string]string{"api_key": "k", "base_url": "x", "report_url": "http://h/r", "api_version": "1"}}, 3},
		{message.Account{Settings: map[string]string{"api_key": "k", "base_url": "https://x", "webhook_user": "u", "webhook_header": "h"}, Signatures: one}, 1},
		{message.Account{Settings: map[string]string{"api_key": "k", "base_url": "https://x", "webhook_user": "u"}}, 1},
		{message.Account{Settings: map[string]string{"api_key": "k", "base_url": "https://x"}, Signatures: one}, 1},
	} {
		if mend := infobip.New().CheckSettings(c.account); len(mend) != c.want {
			t.Errorf("%+v: %q", c.account.Settings, mend)
		}
	}
	if len(infobip.New().Advice()) == 0 {
		t.Error("there is no advice")
	}
}
