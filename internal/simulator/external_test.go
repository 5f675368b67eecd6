package simulator

import (
	"bytes"
	"testing"
	"time"

	adapter "lafia/gateway/external"
	"lafia/gateway/message"
)

const externalHook = "http://127.0.0.1:1/webhooks/external/ussd?token=dev"

// hers is what the adapter of a channel without settings reads in r.
func hers(t *testing.T, kind message.Kind, r message.HTTPRequest) message.Event {
	t.Helper()
	p := adapter.New().Parse(kind, asRequest(t, r), message.Account{Signatures: []message.Secret{message.NewSecret("dev")}}, time.Time{})
	if len(p.Events) != 1 {
		t.Fatalf("%s: %+v", r.Body, p)
	}
	return p.Events[0]
}

func TestASessionInLafiasOwnJSONIsReadHopByHop(t *testing.T) {
	w := wires["external"]
	id := w.session(func(n int) []byte { return bytes.Repeat([]byte{7}, n) })
	from := message.ParseNumber(her)
	for _, c := range []struct {
		inputs []string
		first  bool
		want   message.Inbound
	}{
		{nil, true, message.Inbound{Start: true, Sequence: 1}},
		{[]string{"1", "107"}, true, message.Inbound{Start: true, Text: "1*107", Sequence: 3}},
		{[]string{"1"}, false, message.Inbound{Text: "1", Sequence: 2}},
		{[]string{"1", "1"}, false, message.Inbound{Text: "1", Sequence: 3}},
		{[]string{"1", "1", "Gao & <été>\"*"}, false, message.Inbound{Text: "Gao & <été>\"*", Sequence: 4}},
	} {
		c.want.Medium, c.want.From, c.want.To, c.want.SessionID = message.USSD, from, "*384#", id
		e := hers(t, message.KindUSSD, w.hop(externalHook, hop{session: id, service: "*384#", from: from, inputs: c.inputs, first: c.first}))
		if e.Inbound == nil || *e.Inbound != c.want {
			t.Errorf("%q: %+v", c.inputs, e.Inbound)
		}
	}
	r, ok := w.end(externalHook, end{hop: hop{session: id, service: "*384#", from: from}})
	for _, kind := range []message.Kind{message.KindStatus, message.KindUSSD} {
		if e := hers(t, kind, r); !ok || e.End == nil || e.End.SessionID != id || e.End.Completed {
			t.Errorf("the end on the address of %s: %+v", kind, e)
		}
	}
}

func TestAScreenInLafiasOwnJSONIsShown(t *testing.T) {
	w, a := wires["external"], adapter.New()
	for _, last := range []bool{false, true} {
		r := a.Reply(message.Reply{SessionID: "s", From: message.ParseNumber(her), Text: "Dites \"oui\"\n1 <Suite> é", End: last})
		s := w.screen(r.Status, r.Body)
		if s.text != "Dites \"oui\"\n1 <Suite> é" || s.live == last || s.kind == "" {
			t.Errorf("%s: %+v", r.Body, s)
		}
	}
	for _, body := range []string{"", "CON x", `{"text":"x"}`, `{"end":true}`, `[]`} {
		if s := w.screen(200, []byte(body)); s.live || s.kind != "" {
			t.Errorf("%s: %+v", body, s)
		}
	}
	if s := w.screen(503, []byte(`{"text":"x","end":false}`)); s.live {
		t.Errorf("an error is shown: %+v", s)
	}
}

func TestAnSMSInLafiasOwnJSONIsReadAndASendIsTaken(t *testing.T) {
	w := wires["external"]
	at := time.Date(2026, 11, 24, 10, 0, 0, 0, time.UTC)
	e := hers(t, message.KindSMS, w.sms(externalHook, outgoing{id: []byte("0123456789abcdef"), from: message.ParseNumber(her), to: "36000", text: "AVIS & ɛ\n2", at: at}))
	if in := e.Inbound; in.From.Reveal() != her || in.To != "36000" || in.Text != "AVIS & ɛ\n2" || len(in.ExternalID) != 36 || !in.SentAt.Equal(at) {
		t.Errorf("%+v", in)
	}
	m := message.Outbound{ID: "id-1", From: "36000", To: message.ParseNumber(her), Text: "Merci. Référence 4827-1936"}
	r, err := adapter.New().Request(m, message.Account{Settings: map[string]string{"send_url": "https://external.invalid/send"}})
	if err != nil {
		t.Fatal(err)
	}
	random := func(n int) []byte { return make([]byte, n) }
	got := w.take(r, random)
	if len(got.messages) != 1 || got.messages[0] != (incoming{From: "36000", To: m.To, Text: m.Text}) {
		t.Errorf("%+v", got)
	}
	if o := adapter.New().Outcome(got.status, got.body, nil, true); o.Verdict != message.Sent || len(o.ExternalID) != 32 {
		t.Errorf("%+v", o)
	}
	for _, body := range []string{"", `{"id":"1","to":"` + her + `"}`, `{"to":"` + her + `","text":"a"}`, `{"id":"1","to":"LAFIA","text":"a"}`} {
		r.Body = []byte(body)
		got := w.take(r, random)
		if o := adapter.New().Outcome(got.status, got.body, nil, true); len(got.messages) != 0 || o.Verdict != message.Rejected {
			t.Errorf("%s: %+v %+v", body, got, o)
		}
	}
}
