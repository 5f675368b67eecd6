package simulator

import (
	"testing"
	"time"

	hubteladapter "lafia/gateway/hubtel"
	"lafia/gateway/message"
)

const hubtelUSSD = "http://127.0.0.1:1/webhooks/hubtel/ussd?token=d%26v"

func TestHubtelsAdapterReadsASessionFromInitiationToTimeout(t *testing.T) {
	w, a := hubtel{}, hubteladapter.New()
	h := hop{session: w.session(sevens), service: "*713#", from: message.ParseNumber(her), first: true}
	one, two := h, h
	one.inputs, one.first = []string{"1"}, false
	two.inputs, two.first = []string{"1", "1"}, false
	for i, c := range []struct {
		h    hop
		text string
	}{{h, "*713#"}, {one, "1"}, {two, "1"}} {
		r := w.hop(hubtelUSSD, c.h)
		p := a.Parse(message.KindUSSD, asRequest(t, r), message.Account{}, time.Time{})
		if r.URL != hubtelUSSD || p.Unreadable != "" || len(p.Events) != 1 {
			t.Fatalf("%+v", p)
		}
		in := p.Events[0].Inbound
		if in.SessionID != h.session || in.From.Reveal() != her || in.To != "*713#" || in.Text != c.text || in.Start != c.h.first || in.Sequence != i+1 {
			t.Errorf("%+v", in)
		}
	}
	r, ok := w.end("http://127.0.0.1:1/webhooks/hubtel/status?token=d%26v", end{hop: two})
	p := a.Parse(message.KindUSSD, asRequest(t, r), message.Account{}, time.Time{})
	if !ok || r.URL != hubtelUSSD || len(p.Events) != 1 || p.Events[0].End == nil || p.Events[0].End.SessionID != h.session {
		t.Errorf("%s %+v", r.URL, p)
	}
}

func TestHubtelShowsWhatTheAdapterAnswers(t *testing.T) {
	a := hubteladapter.New()
	for _, end := range []bool{false, true} {
		r := a.Reply(message.Reply{SessionID: "s", Text: "Projet <1> & ɛ\n1 Oui", End: end})
		if s := (hubtel{}).screen(r.Status, r.Body); s.text != "Projet <1> & ɛ\n1 Oui" || s.live == end {
			t.Errorf("%+v", s)
		}
	}
	for body, status := range map[string]int{
		`{"Type":"Response","Message":"a","Label":"a","DataType":"input","FieldType":"text"}`: 500, "CON a": 200,
		`{"Type":"Response","Message":"a"}`:                                                    200,
		`{"Type":"AddToCart","Message":"a","Label":"a","DataType":"input","FieldType":"text"}`: 200,
		string(a.Ack(message.KindUSSD).Body):                                                   200, // nobody is shown it
	} {
		if s := (hubtel{}).screen(status, []byte(body)); s != (screen{}) {
			t.Errorf("%d %s is shown: %+v", status, body, s)
		}
	}
}

func TestHubtelHasNoSMSEitherWay(t *testing.T) {
	r := hubtel{}.sms("http://127.0.0.1:1/webhooks/hubtel/sms?token=d", outgoing{from: message.ParseNumber(her), text: "a"})
	if p := hubteladapter.New().Parse(message.KindSMS, asRequest(t, r), message.Account{}, time.Time{}); p.Unreadable == "" {
		t.Errorf("%+v", p)
	}
	if got := (hubtel{}).take(message.HTTPRequest{}, sevens); got.status != 404 || len(got.messages) != 0 {
		t.Errorf("%+v", got)
	}
}
