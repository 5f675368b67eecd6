package outbox_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"lafia/gateway/message"
	"lafia/internal/outbox"
	"lafia/internal/store"
)

// oauth is an adapter of nobody's that wants a token. Its answers are "ok" for a
// send, and a token with the seconds that it lives.
type oauth struct{ message.Adapter }

func (oauth) TokenRequest(a message.Account) (message.HTTPRequest, error) {
	switch a.Settings["client"] {
	case "":
		return message.HTTPRequest{}, errors.New("the setting client is missing")
	case "none":
		return message.HTTPRequest{}, nil
	}
	return message.HTTPRequest{Method: "POST", URL: "https://far.example/token"}, nil
}

func (oauth) ReadToken(status int, body []byte) (message.Secret, time.Duration, error) {
	var token string
	var life int
	if _, err := fmt.Sscan(string(body), &token, &life); status != 200 || err != nil {
		return message.Secret{}, 0, fmt.Errorf("HTTP %d", status)
	}
	return message.NewSecret(token), time.Duration(life) * time.Second, nil
}

func (oauth) Request(m message.Outbound, a message.Account) (message.HTTPRequest, error) {
	return message.HTTPRequest{Method: "POST", URL: "https://far.example/send", Body: []byte(a.Token.Reveal())}, nil
}

func (oauth) Outcome(status int, _ []byte, err error, wrote bool) message.Outcome {
	switch {
	case err != nil && wrote:
		return message.Outcome{Verdict: message.Ambiguous}
	case err != nil || status == 401:
		return message.Outcome{Verdict: message.Retry, Reason: "refused"}
	}
	return message.Outcome{Verdict: message.Sent}
}

// bank gives tokens t1, t2, … and takes messages with those that it has not
// declared void.
type bank struct {
	mu      sync.Mutex
	drawn   int
	life    int
	void    map[string]bool
	refuse  bool // no token is good
	broken  bool // no token is given
	sends   []string
	entered chan struct{}
}

func (b *bank) Do(_ context.Context, _ string, r message.HTTPRequest) (int, []byte, error, bool) {
	if strings.HasSuffix(r.URL, "/token") && b.entered != nil {
		<-b.entered
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if strings.HasSuffix(r.URL, "/token") {
		if b.broken {
			return 0, nil, errors.New("dial https://user:geheim@far.example"), false
		}
		b.drawn++
		return 200, fmt.Appendf(nil, "geheim%d %d", b.drawn, b.life), nil, true
	}
	b.sends = append(b.sends, string(r.Body))
	if b.refuse || b.void[string(r.Body)] {
		return 401, nil, nil, true
	}
	return 200, []byte("ok"), nil, true
}

type till struct {
	*desk
	bank *bank
	log  bytes.Buffer
}

func newTill(t *testing.T, b *bank, settings map[string]string) *till {
	t.Helper()
	d := &till{desk: newDesk(t, &far{}), bank: b}
	if b.life == 0 {
		b.life = 3600
	}
	d.box = outbox.New(outbox.Options{
		Store: d.store, Opener: opener{}, Transport: b, Now: func() time.Time { return d.at }, Chance: func() float64 { return 1 }, Log: slog.New(slog.NewTextHandler(&d.log, nil)),
		Channels: map[string]outbox.Channel{"at": {Sender: oauth{}, Account: message.Account{Settings: settings}}},
	})
	return d
}

var client = map[string]string{"client": "c"}

// more queues one more message and gives its id.
func (d *till) more(n int) string {
	d.t.Helper()
	o := store.Outgoing{ID: fmt.Sprintf("00000000-0000-8000-8000-0000000001%02d", n), Contact: make([]byte, 32), Channel: "at", Class: "test",
		Sealed: []byte("Merci"), Number: []byte("+22300000001"), NumberUntil: now.Add(time.Hour)}
	if err := d.store.QueueOutbound(context.Background(), o, now); err != nil {
		d.t.Fatal(err)
	}
	return o.ID
}

func (d *till) sends(id string) error { return d.box.Send(context.Background(), id) }

func TestATokenIsFetchedOnceAndKeptForItsLifeLessAMinute(t *testing.T) {
	d := newTill(t, &bank{}, client)
	for i, after := range []time.Duration{0, time.Minute, 58 * time.Minute, 59 * time.Minute} {
		d.at = now.Add(after)
		if err := d.sends(d.more(i)); err != nil {
			t.Fatal(err)
		}
	}
	if got := strings.Join(d.bank.sends, " "); got != "geheim1 geheim1 geheim1 geheim2" {
		t.Fatalf("sent with %s", got)
	}
}

func TestManySendsAtOnceFetchOneToken(t *testing.T) {
	d := newTill(t, &bank{entered: make(chan struct{})}, client)
	var wg sync.WaitGroup
	for i := range 6 {
		id := d.more(i)
		wg.Go(func() {
			if err := d.sends(id); err != nil {
				t.Error(err)
			}
		})
	}
	d.bank.entered <- struct{}{}
	wg.Wait()
	if d.bank.drawn != 1 || len(d.bank.sends) != 6 {
		t.Fatalf("%d tokens for %d sends", d.bank.drawn, len(d.bank.sends))
	}
}

func TestARefusedTokenIsFetchedOnceMoreAndTheAttemptRepeatedOnce(t *testing.T) {
	d := newTill(t, &bank{void: map[string]bool{"geheim1": true}}, client)
	d.send()
	d.is("sent")
	if got := strings.Join(d.bank.sends, " "); got != "geheim1 geheim2" {
		t.Fatalf("sent with %s", got)
	}

	d = newTill(t, &bank{refuse: true}, client)
	if err := d.sends(d.id); !errors.Is(err, outbox.ErrAgain) {
		t.Fatal(err)
	}
	if d.is("queued"); len(d.bank.sends) != 2 || d.bank.drawn != 2 {
		t.Fatalf("%d sends, %d tokens", len(d.bank.sends), d.bank.drawn)
	}
}

func TestWithoutATokenNothingIsSentAndItIsTriedAgain(t *testing.T) {
	d := newTill(t, &bank{broken: true}, client)
	if err := d.sends(d.id); !errors.Is(err, outbox.ErrAgain) || len(d.bank.sends) != 0 {
		t.Fatalf("%v, %d sends", err, len(d.bank.sends))
	}
	d.is("queued")
	d.bank.broken = false
	d.send()
	d.is("sent")
	if log := d.log.String(); strings.Contains(log, "geheim") || strings.Contains(log, "far.example") {
		t.Fatalf("the log holds a secret: %s", log)
	}
}

func TestAMissingSettingOfATokenIsRejectedByItsName(t *testing.T) {
	d := newTill(t, &bank{}, nil)
	d.send()
	d.is("failed")
	if p, err := d.store.Progress(context.Background(), d.id); err != nil || p.Reason != "the setting client is missing" {
		t.Fatalf("%+v %v", p, err)
	}
}

func TestAnAccountThatNeedsNoTokenSendsWithoutOne(t *testing.T) {
	d := newTill(t, &bank{}, map[string]string{"client": "none"})
	d.send()
	d.is("sent")
	if d.bank.drawn != 0 || strings.Join(d.bank.sends, "") != "" {
		t.Fatalf("%d tokens, sent with %q", d.bank.drawn, d.bank.sends)
	}
}
