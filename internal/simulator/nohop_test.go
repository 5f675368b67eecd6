package simulator

import (
	"bytes"
	"strings"
	"testing"
	"time"

	jasminadapter "lafia/gateway/jasmin"
	kanneladapter "lafia/gateway/kannel"
	lafricamobileadapter "lafia/gateway/lafricamobile"
	"lafia/gateway/message"
	mtargetadapter "lafia/gateway/mtarget"
	vonageadapter "lafia/gateway/vonage"
)

// smsOnly are the adapters whose aggregators have no USSD, and what each needs
// to send.
func smsOnly() map[string]struct {
	adapter  message.Sender
	settings map[string]string
} {
	type one = struct {
		adapter  message.Sender
		settings map[string]string
	}
	return map[string]one{
		"kannel":        {kanneladapter.New(), map[string]string{"endpoint": "http://127.0.0.1:13013/cgi-bin/sendsms", "username": "dev", "password": "dev"}},
		"jasmin":        {jasminadapter.New(), map[string]string{"username": "dev", "password": "dev"}},
		"vonage":        {vonageadapter.New(), map[string]string{"api_key": "dev", "api_secret": "dev"}},
		"mtarget":       {mtargetadapter.New(), map[string]string{"username": "dev", "password": "dev"}},
		"lafricamobile": {lafricamobileadapter.New(), map[string]string{"accountid": "dev", "password": "dev", "sender": "Lafia"}},
	}
}

func TestEachAdapterReadsWhatItsAggregatorSays(t *testing.T) {
	at := time.Date(2026, 11, 24, 10, 0, 0, 0, time.UTC)
	for name, c := range smsOnly() {
		for _, text := range []string{"AVIS LAF1\nÇa va, l'été à 5 € @ & = + % _", "Kɔnɔ ɲɛ & = + %", "", "🙂"} {
			hook := "http://127.0.0.1:1/webhooks/" + name + "/sms?token=d%26v"
			r := wires[name].sms(hook, outgoing{id: []byte("0123456789abcdef"), from: message.ParseNumber(her), to: "36000", text: text, at: at})
			account := message.Account{Settings: map[string]string{}}
			if name == "vonage" {
				account.Signatures = []message.Secret{message.NewSecret("d&v")}
			}
			p := c.adapter.Parse(message.KindSMS, asRequest(t, r), account, at.Add(time.Second))
			if p.Refused != "" || len(p.Events) != 1 {
				t.Errorf("%s: %q: %+v", name, text, p)
				continue
			}
			in := p.Events[0].Inbound
			if in.From.Reveal() != her || in.Text != text || in.ExternalID == "" || name != "mtarget" && in.To != "36000" {
				t.Errorf("%s: %q is read as %+v", name, text, in)
			}
		}
	}
}

func TestEachAggregatorTakesWhatItsAdapterSends(t *testing.T) {
	random := func(n int) []byte { return bytes.Repeat([]byte{0xA7}, n) }
	for name, c := range smsOnly() {
		for _, text := range []string{"Merci. Référence 4827-1936 & = + %", "Kɔnɔ ɲɛ 🙂"} {
			m := message.Outbound{ID: "0190a1b2-0000-7000-8000-000000000001", From: "36000", To: message.ParseNumber(her), Text: text}
			r, err := c.adapter.Request(m, message.Account{Settings: c.settings})
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			got := wires[name].take(r, random)
			if len(got.messages) != 1 || got.messages[0].To.Reveal() != her || got.messages[0].Text != text {
				t.Errorf("%s: %q is taken as %+v, %s", name, text, got.messages, got.body)
			}
			o := c.adapter.Outcome(got.status, got.body, nil, true)
			if o.Verdict != message.Sent || (o.ExternalID == "") != (name == "kannel") {
				t.Errorf("%s: %s gives %+v", name, got.body, o)
			}
		}
	}
}

func TestEachAggregatorRefusesASendWithoutItsPassword(t *testing.T) {
	random := func(n int) []byte { return make([]byte, n) }
	for name, c := range smsOnly() {
		r, err := c.adapter.Request(message.Outbound{ID: "1", From: "Lafia", To: message.ParseNumber(her), Text: "a"}, message.Account{Settings: c.settings})
		if err != nil {
			t.Fatal(err)
		}
		for _, secret := range []string{"password=dev", "api_secret=dev", `"password":"dev"`} {
			r.URL = strings.Replace(r.URL, secret, "", 1)
			r.Body = bytes.Replace(r.Body, []byte(secret), []byte(strings.Replace(secret, "dev", "", 1)), 1)
		}
		got := wires[name].take(r, random)
		o := c.adapter.Outcome(got.status, got.body, nil, true)
		if len(got.messages) != 0 || o.Verdict == message.Sent || o.Verdict == message.Ambiguous {
			t.Errorf("%s: %d %s: %+v", name, got.status, got.body, o)
		}
	}
}

func TestEachAggregatorRefusesWhatTheRealOneWould(t *testing.T) {
	random := func(n int) []byte { return make([]byte, n) }
	for name := range smsOnly() {
		for what, r := range map[string]message.HTTPRequest{
			"nothing":          {},
			"a broken address": {Method: "GET", URL: ":"},
			"another method":   {Method: "PUT", URL: "https://x.example/send"},
			"an empty form":    {Method: "POST", URL: "https://x.example/sendsms"},
			"no JSON":          {Method: "POST", URL: "https://x.example/", Body: []byte("{")},
		} {
			if got := wires[name].take(r, random); len(got.messages) != 0 || got.status == 0 {
				t.Errorf("%s takes %s: %+v", name, what, got)
			}
		}
	}
	long := "username=u&password=12345678901234567&to=22370000001&coding=0&content=a"
	for body, want := range map[string]string{long: "[password]", "foo=1": "[foo] is unknown", strings.Replace(long, "567&", "&", 1) + "&hex-content=00": "hex-content"} {
		if got := wires["jasmin"].take(postFormBody(body), random); got.status != 400 || !strings.Contains(string(got.body), want) {
			t.Errorf("%s: %s", body, got.body)
		}
	}
	got := wires["vonage"].take(postFormBody("api_key=k&api_secret=s&from=Lafia&to=22370000001&text=a%C9%9Bb&type=text"), random)
	if len(got.messages) != 1 || got.messages[0].Text != "a?b" {
		t.Errorf("a letter of unicode in a text: %+v", got.messages)
	}
}

func TestAnAggregatorWithoutUSSDLeadsACallNowhere(t *testing.T) {
	for name, c := range smsOnly() {
		w := wires[name]
		p := c.adapter.Parse(message.KindUSSD, asRequest(t, w.hop("http://127.0.0.1:1/webhooks/x/ussd?token=t&x=1", hop{})), message.Account{}, time.Time{})
		if p.Unreadable == "" || w.screen(200, []byte("Bonjour")).live || w.session(func(n int) []byte { return make([]byte, n) }) == "" {
			t.Errorf("%s: %+v", name, p)
		}
		if _, ok := w.end("", end{}); ok {
			t.Errorf("%s: an end is told", name)
		}
	}
}

func postFormBody(body string) message.HTTPRequest {
	r := postForm("https://x.example/send", nil)
	r.Body = []byte(body)
	return r
}
