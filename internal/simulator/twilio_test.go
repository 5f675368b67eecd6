package simulator

import (
	"strings"
	"testing"
	"time"

	"lafia/gateway/message"
	twilioadapter "lafia/gateway/twilio"
)

func TestTwiliosAdapterBelievesAndReadsWhatTwilioSays(t *testing.T) {
	for _, hook := range []string{"http://127.0.0.1:1/webhooks/twilio/sms?token=d%26v", "https://lafia.example/webhooks/twilio/sms?token=d%26v"} {
		r := twilio{}.sms(hook, outgoing{id: sevens(16), from: message.ParseNumber(her), to: "36000", text: "AVIS LAF1\nÇa va & ɛ + 1", at: time.Time{}})
		account := message.Account{Signatures: []message.Secret{message.NewSecret("d&v")}}
		p := twilioadapter.New().Parse(message.KindSMS, asRequest(t, r), account, time.Time{})
		if p.Refused != "" || p.Unreadable != "" || len(p.Events) != 1 {
			t.Fatalf("%+v", p)
		}
		if in := p.Events[0].Inbound; in.From.Reveal() != her || in.To != "36000" || in.Text != "AVIS LAF1\nÇa va & ɛ + 1" || len(in.ExternalID) != 34 {
			t.Errorf("%+v", in)
		}
		r.Body = []byte(strings.Replace(string(r.Body), "AVIS", "VOIS", 1))
		if p := twilioadapter.New().Parse(message.KindSMS, asRequest(t, r), account, time.Time{}); p.Refused == "" {
			t.Error("another text is believed")
		}
	}
}

func TestTwilioTakesWhatTheAdapterSendsAndRefusesTheRest(t *testing.T) {
	a := twilioadapter.New()
	account := message.Account{Settings: map[string]string{"account_sid": "AC1", "auth_token": "dev"}}
	request := func() message.HTTPRequest {
		r, err := a.Request(message.Outbound{ID: "1", From: "+12025550100", To: message.ParseNumber(her), Text: "Merci & ɛ"}, account)
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	got := twilio{}.take(request(), sevens)
	if got.status != 201 || len(got.messages) != 1 || got.messages[0].To.Reveal() != her || got.messages[0].Text != "Merci & ɛ" || got.messages[0].From != "+12025550100" {
		t.Errorf("%+v %s", got, got.body)
	}
	if o := a.Outcome(got.status, got.body, nil, true); o.Verdict != message.Sent || len(o.ExternalID) != 34 {
		t.Errorf("%+v", o)
	}
	field := func(old, replacement string) func(*message.HTTPRequest) {
		return func(r *message.HTTPRequest) { r.Body = []byte(strings.Replace(string(r.Body), old, replacement, 1)) }
	}
	for name, c := range map[string]struct {
		change  func(*message.HTTPRequest)
		status  int
		verdict message.Verdict
	}{
		"nobody":          {func(r *message.HTTPRequest) { r.Header.Del("Authorization") }, 401, message.Retry},
		"another address": {func(r *message.HTTPRequest) { r.URL = "https://api.twilio.com/" }, 404, message.Rejected},
		"another method":  {func(r *message.HTTPRequest) { r.Method = "GET" }, 404, message.Rejected},
		"no receiver":     {field("To=", "T="), 400, message.Rejected},
		"no sender":       {field("From=", "F="), 400, message.Rejected},
		"no text":         {field("Body=", "B="), 400, message.Rejected},
		"a long text":     {field("Body=", "Body="+strings.Repeat("a", 1600)), 400, message.Rejected},
		"a bad number":    {field("To=%2B", "To="), 400, message.Rejected},
	} {
		r := request()
		c.change(&r)
		got := twilio{}.take(r, sevens)
		if o := a.Outcome(got.status, got.body, nil, true); got.status != c.status || len(got.messages) != 0 || o.Verdict != c.verdict {
			t.Errorf("%s: %d %s %+v", name, got.status, got.body, o)
		}
	}
}
