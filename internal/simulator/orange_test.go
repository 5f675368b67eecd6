package simulator

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"lafia/gateway/message"
	orangeadapter "lafia/gateway/orange"
)

func sevens(n int) []byte { return []byte(strings.Repeat("7", n)) }

func TestOrangesAdapterReadsWhatOrangeSays(t *testing.T) {
	at := time.Date(2026, 11, 24, 10, 0, 0, 0, time.UTC)
	for _, text := range []string{"AVIS LAF1\nÇa va & ɛ", ""} {
		r := orange{}.sms("http://127.0.0.1:1/webhooks/orange/sms?token=d%26v", outgoing{id: sevens(16), from: message.ParseNumber(her), to: "36000", text: text, at: at})
		p := orangeadapter.New().Parse(message.KindSMS, asRequest(t, r), message.Account{}, at)
		if p.Unreadable != "" || len(p.Events) != 1 {
			t.Fatalf("%+v", p)
		}
		if in := p.Events[0].Inbound; in.From.Reveal() != her || in.To != "36000" || in.Text != text || in.ExternalID == "" || !in.SentAt.Equal(at) {
			t.Errorf("%+v", in)
		}
	}
}

func orangeAccount() message.Account {
	return message.Account{Settings: map[string]string{"client_id": "dev", "client_secret": "dev", "sender_address": "tel:+2230000", "sender_name": "LAFIA"}}
}

func TestOrangeGivesATokenAndTakesWhatIsSentWithIt(t *testing.T) {
	a, account := orangeadapter.New(), orangeAccount()
	ask, err := a.TokenRequest(account)
	if err != nil {
		t.Fatal(err)
	}
	got := orange{}.take(ask, sevens)
	token, life, err := a.ReadToken(got.status, got.body)
	if err != nil || life != time.Hour || len(got.messages) != 0 {
		t.Fatalf("%s: %v", got.body, err)
	}
	account.Token = token
	r, err := a.Request(message.Outbound{ID: "1", To: message.ParseNumber(her), Text: "Merci & ɛ"}, account)
	if err != nil {
		t.Fatal(err)
	}
	got = orange{}.take(r, sevens)
	if got.status != 201 || len(got.messages) != 1 || got.messages[0].To.Reveal() != her || got.messages[0].Text != "Merci & ɛ" || got.messages[0].From != "LAFIA" {
		t.Errorf("%+v %s", got, got.body)
	}
	if o := a.Outcome(got.status, got.body, nil, true); o.Verdict != message.Sent || len(o.ExternalID) != 36 {
		t.Errorf("%+v", o)
	}
}

func TestOrangeRefusesWhatTheRealOneWould(t *testing.T) {
	a, account := orangeadapter.New(), orangeAccount()
	account.Token = message.NewSecret("t")
	for name, c := range map[string]struct {
		change  func(*message.HTTPRequest)
		status  int
		verdict message.Verdict
	}{
		"no token":             {func(r *message.HTTPRequest) { r.Header.Del("Authorization") }, 401, message.Retry},
		"another method":       {func(r *message.HTTPRequest) { r.Method = http.MethodGet }, 405, message.Rejected},
		"a sender not escaped": {func(r *message.HTTPRequest) { r.URL = strings.Replace(r.URL, "tel%3A%2B", "tel:+", 1) }, 400, message.Rejected},
		"another sender":       {func(r *message.HTTPRequest) { r.URL = strings.Replace(r.URL, "2230000", "2230001", 1) }, 400, message.Rejected},
		"no JSON":              {func(r *message.HTTPRequest) { r.Body = []byte("{") }, 400, message.Rejected},
		"no receiver":          {func(r *message.HTTPRequest) { r.Body = []byte(strings.Replace(string(r.Body), "tel:"+her, "tel:x", 1)) }, 400, message.Rejected},
	} {
		r, err := a.Request(message.Outbound{ID: "1", To: message.ParseNumber(her), Text: "a"}, account)
		if err != nil {
			t.Fatal(err)
		}
		c.change(&r)
		got := orange{}.take(r, sevens)
		if got.status != c.status || len(got.messages) != 0 {
			t.Errorf("%s: %d %s", name, got.status, got.body)
		}
		if o := a.Outcome(got.status, got.body, nil, true); o.Verdict != c.verdict {
			t.Errorf("%s: %+v", name, o)
		}
	}
	ask, _ := a.TokenRequest(account)
	ask.Header.Del("Authorization")
	if got := (orange{}).take(ask, sevens); got.status != 401 {
		t.Errorf("a token for nobody: %d", got.status)
	}
}
