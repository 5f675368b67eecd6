package simulator

import (
	"strings"
	"testing"
	"time"

	infobipadapter "lafia/gateway/infobip"
	"lafia/gateway/message"
)

const infobipUSSD = "http://127.0.0.1:1/webhooks/infobip/ussd?token=d%26v"

func TestInfobipsSessionIsInItsPathFromStartToEnd(t *testing.T) {
	w, a := infobip{}, infobipadapter.New()
	h := hop{session: w.session(sevens), service: "*384#", from: message.ParseNumber(her), inputs: []string{"1", "107"}, first: true}
	typed := h
	typed.inputs, typed.first = append(typed.inputs, "Gao & co*"), false
	for _, c := range []struct {
		h     hop
		text  string
		start bool
	}{{h, "*384*1*107#", true}, {typed, "Gao & co*", false}} {
		r := w.hop(infobipUSSD, c.h)
		p := a.Parse(message.KindUSSD, asRequest(t, r), message.Account{}, time.Time{})
		if p.Unreadable != "" || len(p.Events) != 1 {
			t.Fatalf("%s: %+v", r.URL, p)
		}
		in := p.Events[0].Inbound
		if in.SessionID != h.session || in.From.Reveal() != her || in.To != "*384#" || in.Text != c.text || in.Start != c.start || !strings.HasSuffix(r.URL, "?token=d%26v") {
			t.Errorf("%s: %+v", r.URL, in)
		}
	}
	// The simulator's end goes out by the status webhook; Infobip has none for it.
	r, ok := w.end("http://127.0.0.1:1/webhooks/infobip/status?token=d%26v", end{hop: typed})
	p := a.Parse(message.KindUSSD, asRequest(t, r), message.Account{}, time.Time{})
	if want := "http://127.0.0.1:1/webhooks/infobip/ussd/session/" + h.session + "/end?token=d%26v"; !ok || r.URL != want || r.Method != "PUT" {
		t.Errorf("%s %s, want %s", r.Method, r.URL, want)
	}
	if len(p.Events) != 1 || p.Events[0].End == nil || p.Events[0].End.SessionID != h.session || p.Events[0].End.Completed {
		t.Errorf("%+v", p)
	}
}

func TestInfobipShowsWhatTheAdapterAnswers(t *testing.T) {
	a := infobipadapter.New()
	for _, end := range []bool{false, true} {
		r := a.Reply(message.Reply{SessionID: "s", Text: "Projet <1> & ɛ\n1 Oui", End: end})
		if s := (infobip{}).screen(r.Status, r.Body); s.text != "Projet <1> & ɛ\n1 Oui" || s.live == end || s.kind == "" {
			t.Errorf("%+v", s)
		}
	}
	for body, status := range map[string]int{
		`{"shouldClose":false,"ussdMenu":"a","responseExitCode":200}`: 503, `{"responseExitCode":400,"responseMessage":"x"}`: 200,
		`{"shouldClose":false,"ussdMenu":"a","responseExitCode":400}`: 200, "CON a": 200, `{"ussdMenu":"a","responseExitCode":200}`: 200,
	} {
		if s := (infobip{}).screen(status, []byte(body)); s != (screen{}) {
			t.Errorf("%d %s is shown: %+v", status, body, s)
		}
	}
}

func TestInfobipsAdapterReadsWhatInfobipSays(t *testing.T) {
	at := time.Date(2026, 11, 24, 10, 0, 0, 5e6, time.UTC)
	r := infobip{}.sms("http://127.0.0.1:1/webhooks/infobip/sms?token=d", outgoing{id: sevens(16), from: message.ParseNumber(her), to: "36000", text: "Ça va & ɛ", at: at})
	p := infobipadapter.New().Parse(message.KindSMS, asRequest(t, r), message.Account{}, at)
	if p.Unreadable != "" || len(p.Events) != 1 {
		t.Fatalf("%+v", p)
	}
	if in := p.Events[0].Inbound; in.From.Reveal() != her || in.To != "36000" || in.Text != "Ça va & ɛ" || in.ExternalID == "" || !in.SentAt.Equal(at) {
		t.Errorf("%+v", in)
	}
}

func TestInfobipTakesWhatTheAdapterSendsInBothVersions(t *testing.T) {
	a := infobipadapter.New()
	for _, version := range []string{"2", "3"} {
		m := message.Outbound{ID: "0190a1b2-0000-7000-8000-000000000001", From: "LAFIA", To: message.ParseNumber(her), Text: "Merci & ɛ"}
		r, err := a.Request(m, message.Account{Settings: map[string]string{"api_key": "dev", "api_version": version}})
		if err != nil {
			t.Fatal(err)
		}
		got := infobip{}.take(r, sevens)
		if len(got.messages) != 1 || got.messages[0].To.Reveal() != her || got.messages[0].Text != m.Text || got.messages[0].From != "LAFIA" {
			t.Errorf("%+v %s", got.messages, got.body)
		}
		if o := a.Outcome(got.status, got.body, nil, true); o.Verdict != message.Sent || o.ExternalID != m.ID {
			t.Errorf("%+v", o)
		}
		for name, c := range map[string]struct {
			change  func(*message.HTTPRequest)
			status  int
			verdict message.Verdict
		}{
			"no key":          {func(r *message.HTTPRequest) { r.Header.Del("Authorization") }, 401, message.Retry},
			"another address": {func(r *message.HTTPRequest) { r.URL = "https://api.infobip.com/sms/1" }, 404, message.Rejected},
			"no JSON":         {func(r *message.HTTPRequest) { r.Body = []byte("{") }, 400, message.Rejected},
			"no text":         {func(r *message.HTTPRequest) { r.Body = []byte(strings.Replace(string(r.Body), `"text"`, `"t"`, 1)) }, 400, message.Rejected},
			"a bad number":    {func(r *message.HTTPRequest) { r.Body = []byte(strings.Replace(string(r.Body), her[1:], "x", 1)) }, 200, message.Rejected},
		} {
			r, _ := a.Request(m, message.Account{Settings: map[string]string{"api_key": "dev", "api_version": version}})
			c.change(&r)
			got := infobip{}.take(r, sevens)
			if o := a.Outcome(got.status, got.body, nil, true); got.status != c.status || len(got.messages) != 0 || o.Verdict != c.verdict {
				t.Errorf("%s: %d %s %+v", name, got.status, got.body, o)
			}
		}
	}
}
