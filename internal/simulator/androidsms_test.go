package simulator

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	adapter "lafia/gateway/androidsms"
	"lafia/gateway/message"
)

const phoneHook = "http://127.0.0.1:1/webhooks/androidsms/sms?token=d%26v"

func asRequest(t *testing.T, r message.HTTPRequest) message.Request {
	t.Helper()
	u, err := url.Parse(r.URL)
	if err != nil {
		t.Fatal(err)
	}
	return message.Request{Method: r.Method, URL: u, Header: r.Header, Body: r.Body}
}

func TestAnSMSOfThePhoneIsSignedAndReadAsItWasWritten(t *testing.T) {
	at := time.Date(2026, 11, 24, 10, 0, 0, 0, time.UTC)
	r := thePhone().sms(phoneHook, outgoing{
		id: []byte("0123456789abcdef"), from: message.ParseNumber(her), to: "36000", text: "AVIS LAF1\nÇa va & ɛ", at: at,
	})
	account := message.Account{Signatures: []message.Secret{message.NewSecret("d&v")}}
	p := adapter.New().Parse(message.KindSMS, asRequest(t, r), account, at.Add(time.Second))
	if p.Refused != "" || len(p.Events) != 1 {
		t.Fatalf("%+v", p)
	}
	in := p.Events[0].Inbound
	if in.From.Reveal() != her || in.Text != "AVIS LAF1\nÇa va & ɛ" || in.ExternalID != "63646566" || !in.SentAt.Equal(at) {
		t.Errorf("%+v", in)
	}
	late := adapter.New().Parse(message.KindSMS, asRequest(t, r), account, at.Add(time.Hour))
	if !strings.Contains(late.Refused, "old") {
		t.Errorf("an hour later: %+v", late)
	}
}

func TestAPhoneHasNoUSSDAndNobodyIsTold(t *testing.T) {
	w := thePhone()
	p := adapter.New().Parse(message.KindUSSD, asRequest(t, w.hop(phoneHook, hop{})), message.Account{}, time.Time{})
	if p.Unreadable == "" || w.screen(200, []byte("Bonjour")).live {
		t.Errorf("%+v", p)
	}
	if _, ok := w.end(phoneHook, end{}); ok {
		t.Error("an end is told")
	}
}

func TestThePhoneTakesWhatTheAdapterSends(t *testing.T) {
	m := message.Outbound{ID: "0190a1b2-0000-7000-8000-000000000001", To: message.ParseNumber(her), Text: "Merci. Référence 4827-1936"}
	r, err := adapter.New().Request(m, message.Account{Settings: map[string]string{"username": "dev", "password": "dev"}})
	if err != nil {
		t.Fatal(err)
	}
	got := thePhone().take(r, nil)
	if got.status != 202 || len(got.messages) != 1 || got.messages[0].To.Reveal() != her || got.messages[0].Text != m.Text {
		t.Errorf("%+v", got)
	}
	o := adapter.New().Outcome(got.status, got.body, nil, true)
	if o.Verdict != message.Sent || o.ExternalID != m.ID {
		t.Errorf("%+v", o)
	}
}

func TestThePhoneRefusesWhatTheRealOneWould(t *testing.T) {
	good := func() message.HTTPRequest {
		r, _ := adapter.New().Request(message.Outbound{ID: "1", To: message.ParseNumber(her), Text: "a"},
			message.Account{Settings: map[string]string{"username": "dev", "password": "dev"}})
		return r
	}
	for name, c := range map[string]struct {
		change  func(*message.HTTPRequest)
		status  int
		verdict message.Verdict
	}{
		"no password":  {func(r *message.HTTPRequest) { r.Header = http.Header{} }, 401, message.Retry},
		"another path": {func(r *message.HTTPRequest) { r.URL = "https://x/mailbox" }, 404, message.Retry},
		"no path":      {func(r *message.HTTPRequest) { r.URL = "https://x/m" }, 404, message.Retry},
		"no JSON":      {func(r *message.HTTPRequest) { r.Body = []byte("{") }, 400, message.Rejected},
		"no text":      {func(r *message.HTTPRequest) { r.Body = []byte(`{"id":"1","phoneNumbers":["` + her + `"]}`) }, 400, message.Rejected},
		"no id": {func(r *message.HTTPRequest) {
			r.Body = []byte(`{"textMessage":{"text":"a"},"phoneNumbers":["` + her + `"]}`)
		}, 400, message.Rejected},
		"a bad number": {func(r *message.HTTPRequest) {
			r.Body = []byte(`{"id":"1","textMessage":{"text":"a"},"phoneNumbers":["70000001"]}`)
		}, 400, message.Rejected},
		"nobody at all": {func(r *message.HTTPRequest) {
			r.Body = []byte(`{"id":"1","textMessage":{"text":"a"},"phoneNumbers":[]}`)
		}, 400, message.Rejected},
	} {
		r := good()
		c.change(&r)
		got := thePhone().take(r, nil)
		if got.status != c.status || len(got.messages) != 0 {
			t.Errorf("%s: %d %s", name, got.status, got.body)
		}
		if o := adapter.New().Outcome(got.status, got.body, nil, true); o.Verdict != c.verdict {
			t.Errorf("%s: %+v", name, o)
		}
	}
}

// thePhone is the wire of SMS Gateway for Android.
func thePhone() wire { return wires["androidsms"] }
