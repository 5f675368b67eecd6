package app_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"lafia/gateway/message"
)

// caller is the client of the aggregator: a connection a request, so that
// nothing is sent twice behind a test's back, and nothing is left open.
var caller = &http.Client{
	Transport: &http.Transport{DisableKeepAlives: true},
	Timeout:   20 * time.Second,
}

// answer is what a webhook said.
type answer struct {
	status int
	body   string
	err    error
}

func post(to string, form url.Values) answer {
	r, err := http.NewRequest(http.MethodPost, to, strings.NewReader(form.Encode()))
	if err != nil {
		return answer{err: err}
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	res, err := caller.Do(r)
	if err != nil {
		return answer{err: err}
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	return answer{res.StatusCode, string(body), err}
}

// delivery is how an aggregator delivers one request, once or more often. The
// answers must be one.
type delivery func(send func(gateway string) answer, gateways []string) (answer, error)

func once(send func(string) answer, gateways []string) (answer, error) { return send(gateways[0]), nil }

func twice(send func(string) answer, gateways []string) (answer, error) {
	return same(send(gateways[0]), send(gateways[0]))
}

func twiceAtOnce(send func(string) answer, gateways []string) (answer, error) {
	return atOnce(send, gateways[0], gateways[0])
}

func toTwoGateways(send func(string) answer, gateways []string) (answer, error) {
	return atOnce(send, gateways[0], gateways[1])
}

func atOnce(send func(string) answer, gateways ...string) (answer, error) {
	answers := make([]answer, len(gateways))
	var wg sync.WaitGroup
	for i, g := range gateways {
		wg.Go(func() { answers[i] = send(g) })
	}
	wg.Wait()
	return same(answers...)
}

func same(answers ...answer) (answer, error) {
	for _, a := range answers[1:] {
		if a != answers[0] {
			return a, fmt.Errorf("one request, two answers:\n%d %q %v\nand\n%d %q %v",
				answers[0].status, answers[0].body, answers[0].err, a.status, a.body, a.err)
		}
	}
	return answers[0], nil
}

// phone is a telephone on Africa's Talking and what the aggregator makes of it.
type phone struct {
	t        testing.TB
	number   string
	gateways []string
	deliver  delivery
	inbox    func(number string) []string

	session string
	text    string
	read    int // SMS read so far
}

var serial atomic.Int64

func newPhone(t testing.TB, number string, gateways ...string) *phone {
	return &phone{
		t: t, number: number, gateways: gateways, deliver: once,
		inbox: func(number string) []string { return inbox(t, gateways[0], number) },
	}
}

// hop posts the USSD session as it stands, once, to one gateway.
func (p *phone) hop(gateway string) answer {
	return post(gateway+"/webhooks/"+channel+"/ussd?token=dev", url.Values{
		"sessionId": {p.session}, "serviceCode": {serviceCode}, "phoneNumber": {p.number}, "networkCode": {"99999"}, "text": {p.text},
	})
}

// screen is what a phone shows.
type screen struct {
	text string
	end  bool
}

func (s screen) has(line string) bool {
	for l := range strings.SplitSeq(s.text, "\n") {
		if l == line {
			return true
		}
	}
	return false
}

// screenOf reads the answer to a hop.
func screenOf(a answer) (screen, error) {
	if a.err != nil {
		return screen{}, a.err
	}
	if a.status != http.StatusOK {
		return screen{}, fmt.Errorf("a hop got HTTP %d", a.status)
	}
	if text, ok := strings.CutPrefix(a.body, "CON "); ok {
		return screen{text: text}, nil
	}
	if text, ok := strings.CutPrefix(a.body, "END "); ok {
		return screen{text: text, end: true}, nil
	}
	return screen{}, fmt.Errorf("a hop got %q", a.body)
}

func (p *phone) show() screen {
	p.t.Helper()
	a, err := p.deliver(p.hop, p.gateways)
	if err != nil {
		p.t.Fatalf("hop %q: %v", p.text, err)
	}
	s, err := screenOf(a)
	if err != nil {
		p.t.Fatalf("hop %q: %v", p.text, err)
	}
	return s
}

// dial begins a USSD session.
func (p *phone) dial(ahead string) screen {
	p.t.Helper()
	p.newSession(ahead)
	return p.show()
}

func (p *phone) newSession(ahead string) {
	p.session, p.text = fmt.Sprintf("ATUid_%032x", serial.Add(1)), ahead
}

// typed adds an input to the session, without sending it.
func (p *phone) typed(input string) {
	if p.text != "" {
		p.text += "*"
	}
	p.text += input
}

// press sends an input.
func (p *phone) press(input string) screen {
	p.t.Helper()
	p.typed(input)
	return p.show()
}

// sms makes a request that hands over an SMS; every call of it repeats that one.
func (p *phone) sms(text string) func(gateway string) answer {
	form := url.Values{
		"from": {p.number}, "to": {shortCode}, "text": {text}, "id": {fmt.Sprintf("at-%d", serial.Add(1))},
		"date": {time.Now().UTC().Format(time.DateTime)}, "networkCode": {"99999"},
	}
	return func(gateway string) answer { return post(gateway+"/webhooks/"+channel+"/sms?token=dev", form) }
}

// write sends an SMS and waits for the reply.
func (p *phone) write(text string) screen {
	p.t.Helper()
	a, err := p.deliver(p.sms(text), p.gateways)
	if err != nil || a.err != nil || a.status != http.StatusOK || a.body != "" {
		p.t.Fatalf("SMS %q: %v, HTTP %d %q %v", text, err, a.status, a.body, a.err)
	}
	return p.receive()
}

// receive waits for the next SMS.
func (p *phone) receive() screen {
	p.t.Helper()
	var texts []string
	await(p.t, 30*time.Second, "a reply by SMS to "+p.number, func() bool {
		texts = p.inbox(p.number)
		return len(texts) > p.read
	})
	if n := len(texts) - p.read; n > 1 {
		p.t.Fatalf("%d replies to one SMS: %q", n, texts[p.read:])
	}
	p.read = len(texts)
	return screen{text: texts[p.read-1]}
}

// inbox asks the simulator what a phone received.
func inbox(t testing.TB, gateway, number string) []string {
	t.Helper()
	res, err := caller.Get(gateway + "/simulator/messages?phone=" + url.QueryEscape(number))
	must(t, err)
	defer res.Body.Close()
	var list []struct{ Text string }
	must(t, json.NewDecoder(res.Body).Decode(&list))
	texts := make([]string, len(list))
	for i, m := range list {
		texts[i] = m.Text
	}
	return texts
}

// talk is a conversation on one of the media: begin is how it is begun, say is
// the next thing she keys in or writes.
type talk interface {
	begin() screen
	say(string) screen
}

type ussd struct{ *phone }

func (u ussd) begin() screen           { return u.dial("") }
func (u ussd) say(input string) screen { return u.press(input) }

type sms struct{ *phone }

func (s sms) begin() screen           { return s.write("MENU") }
func (s sms) say(input string) screen { return s.write(input) }

func (p *phone) on(m message.Medium) talk {
	if m == message.SMS {
		return sms{p}
	}
	return ussd{p}
}
