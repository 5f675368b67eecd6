package mtarget_test

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
	"lafia/gateway/message"
	"lafia/gateway/mtarget"
)

var update = flag.Bool("update", false, "write the golden files")

func settings() map[string]string {
	return map[string]string{"username": "lafia", "password": "p&w", "from": "Lafia"}
}

func options() gatewaytest.Options {
	return gatewaytest.Options{Account: message.Account{Settings: settings()}, StatusField: "Status", Update: *update}
}

func TestTheSuitePasses(t *testing.T) {
	gatewaytest.Run(t, mtarget.New(), "testdata", options())
}

func FuzzParse(f *testing.F) {
	gatewaytest.Fuzz(f, mtarget.New(), "testdata", options())
}

func post(kind message.Kind, body string) message.Parsed {
	r := message.Request{Method: http.MethodPost, URL: &url.URL{}, Header: http.Header{}, Body: []byte(body)}
	return mtarget.New().Parse(kind, r, message.Account{}, time.Time{})
}

func TestAMessageAndAReportAreToldApartOnEitherAddress(t *testing.T) {
	for _, kind := range []message.Kind{message.KindSMS, message.KindStatus} {
		for body, isMessage := range map[string]bool{
			"Msisdn=+22370000001&Content=a&Status=5&MsgId=1": true,
			"Msisdn=+22370000001&Content=a&MsgId=1":          true,
			"Msisdn=+22370000001&Status=3&MsgId=1":           false,
			"MsgId=1&Status=Teleported":                      false,
			"MsgId=1&Status=3&StatusText=OK&Content=a":       false,
		} {
			p := post(kind, body)
			if len(p.Events) != 1 || (p.Events[0].Inbound != nil) != isMessage {
				t.Errorf("%s %s: a message is %v, want %v (%s)", kind, body, !isMessage, isMessage, p.Unreadable)
			}
		}
	}
	if p := post(message.KindSMS, "Msisdn=+22370000001&Content=a&Status=new&MsgId=1"); len(p.Events) != 1 || p.Events[0].Inbound == nil {
		t.Error("a message with a new Status is lost")
	}
}

func TestEveryPartHasAnIdentity(t *testing.T) {
	seen := map[string]bool{}
	for _, more := range []string{"&msglong.msgref=1", "&msglong.msgref=2", "&msglong.msgref=2&MsgId=x"} {
		in := post(message.KindSMS, "Msisdn=+22370000001&Content=ha&msglong.id=l&msglong.msgcount=2"+more).Events[0].Inbound
		key := in.Identity + "|" + in.ExternalID
		if in.Part == nil || in.Part.Ref != "l" || in.Part.Total != 2 || seen[key] || key == "|" {
			t.Errorf("%s: %+v", more, in)
		}
		seen[key] = true
	}
	for _, bad := range []string{"msglong.id=l&msglong.msgcount=0&msglong.msgref=1", "msglong.id=l&msglong.msgcount=2&msglong.msgref=3", "msglong.id=l", "msglong.id=l&msglong.msgcount=1&msglong.msgref=1"} {
		if in := post(message.KindSMS, "Msisdn=+22370000001&Content=ha&"+bad).Events[0].Inbound; in.Part != nil || in.Identity != "" {
			t.Errorf("%s is a part: %+v", bad, in.Part)
		}
	}
}

func TestWhatIsMissingIsNamed(t *testing.T) {
	for _, c := range []struct {
		kind       message.Kind
		body, want string
	}{
		{message.KindSMS, "Content=a", "Msisdn is missing"},
		{message.KindSMS, "Msisdn=+22370000001", "Content is missing"},
		{message.KindStatus, "Status=3", "MsgId is missing"},
		{message.KindStatus, "MsgId=1", "Status is missing"},
		{message.KindUSSD, "Status=5", "there is no webhook of this kind"},
	} {
		if p := post(c.kind, c.body); p.Unreadable != c.want || len(p.Events) != 0 {
			t.Errorf("%s %s: %q, want %q", c.kind, c.body, p.Unreadable, c.want)
		}
	}
}

func TestEveryStateHasItsMeaning(t *testing.T) {
	for status, want := range map[string]message.Status{
		"0": message.StatusQueued, "1": message.StatusQueued, "2": message.StatusSent, "3": message.StatusDelivered,
		"4": message.StatusFailed, "6": message.StatusFailed, "7": message.StatusUnknown, "x": message.StatusUnknown,
	} {
		p := post(message.KindStatus, "MsgId=1&RemoteId=ours&Status="+status)
		if len(p.Events) != 1 || p.Events[0].Receipt.Status != want || p.Events[0].Receipt.OurID != "ours" {
			t.Errorf("%s is not %s", status, want)
		}
	}
}

func TestASendHasItsParametersInTheQuery(t *testing.T) {
	m := message.Outbound{ID: "0190a1b2-0000-7000-8000-000000000001", To: message.ParseNumber("+22370000001"), Text: "ɛ + 50 %"}
	s := settings()
	s["serviceid"] = "7"
	r, err := mtarget.New().Request(m, message.Account{Settings: s})
	if err != nil {
		t.Fatal(err)
	}
	u, _ := url.Parse(r.URL)
	want := url.Values{
		"username": {"lafia"}, "password": {"p&w"}, "msisdn": {"+22370000001"}, "msg": {"ɛ + 50 %"}, "allowunicode": {"true"},
		"remoteid": {"0190a1b2-0000-7000-8000-000000000001"}, "serviceid": {"7"}, "sender": {"Lafia"},
	}
	if got := u.Query(); got.Encode() != want.Encode() || u.Host != "api-public.mtarget.fr" || u.Path != "/api-sms.json" || r.Method != "POST" || len(r.Body) != 0 {
		t.Errorf("%s %s: %v, want %v", r.Method, u.Host, got, want)
	}
	m.Text = strings.Repeat("é", 766)
	if _, err := mtarget.New().Request(m, message.Account{Settings: s}); err == nil || !strings.Contains(err.Error(), "765") {
		t.Error(err)
	}
	m.Text = m.Text[2:]
	if _, err := mtarget.New().Request(m, message.Account{Settings: s}); err != nil {
		t.Error(err)
	}
}

func TestEveryCodeOfASendHasItsVerdict(t *testing.T) {
	for body, want := range map[string]message.Outcome{
		`{"results":[{"code":"0","ticket":"t"}]}`:                       {Verdict: message.Sent, ExternalID: "t"},
		`{"results":[{"code":0,"ticket":"t"}]}`:                         {Verdict: message.Sent, ExternalID: "t"},
		`{"results":[{"code":"0","ticket":"null"}]}`:                    {Verdict: message.Sent},
		`{"results":[{"code":"3","reason":"FAILED"}]}`:                  {Verdict: message.Rejected, Reason: "3 FAILED"},
		`{"results":[{"code":-12,"reason":"invalid credential"}]}`:      {Verdict: message.Retry, Reason: "-12 invalid credential"},
		`{"results":[{"code":"-9","reason":"bad number 22370000001"}]}`: {Verdict: message.Rejected, Reason: "-9 bad number #"},
		`{"results":[]}`:   {Verdict: message.Ambiguous, Reason: "the answer could not be read"},
		`{"results":[{}]}`: {Verdict: message.Ambiguous, Reason: "the answer could not be read"},
	} {
		if got := mtarget.New().Outcome(200, []byte(body), nil, true); got != want {
			t.Errorf("%s: %+v, want %+v", body, got, want)
		}
	}
	if got := mtarget.New().Outcome(403, []byte("no"), nil, true); got.Verdict != message.Retry {
		t.Errorf("%+v", got)
	}
}

func TestASettingThatIsMissingIsNamed(t *testing.T) {
	m := message.Outbound{To: message.ParseNumber("+22370000001"), Text: "a"}
	for name, value := range map[string]string{"username": "", "password": "", "endpoint": "https://x.example/?a=1"} {
		s := settings()
		s[name] = value
		if _, err := mtarget.New().Request(m, message.Account{Settings: s}); err == nil || !strings.Contains(err.Error(), "the setting "+name) {
			t.Errorf("%s: %v", name, err)
		}
		if lines := mtarget.New().CheckSettings(message.Account{Settings: s}); len(lines) != 1 || !strings.Contains(lines[0], name) {
			t.Errorf("%s: %q", name, lines)
		}
	}
	if len(mtarget.New().Advice()) == 0 {
		t.Error("no advice")
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
	if err := toml.Unmarshal(b, &sample); err != nil || len(sample.Channel) != 1 || sample.Channel[0].Adapter != "mtarget" {
		t.Fatalf("%v %v", err, sample)
	}
	a := message.Account{Settings: sample.Channel[0].Account}
	if lines := mtarget.New().CheckSettings(a); len(lines) != 0 {
		t.Error(lines)
	}
	if _, err := mtarget.New().Request(message.Outbound{To: message.ParseNumber("+22370000001"), Text: "a"}, a); err != nil {
		t.Error(err)
	}
}
