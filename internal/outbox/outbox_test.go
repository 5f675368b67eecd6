package outbox_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"lafia/gateway/africastalking"
	"lafia/gateway/message"
	"lafia/internal/outbox"
	"lafia/internal/servers/serverstest"
	"lafia/internal/store"
)

func TestMain(m *testing.M) { serverstest.Main(m) }

var now = time.Date(2026, 11, 24, 9, 0, 0, 0, time.UTC)

// opener gives what was sealed as it is: sealing is the vault's and tested there.
type opener struct{}

func (opener) OpenNumber(_, sealed []byte) (message.Number, error) {
	return message.ParseNumber(string(sealed)), nil
}
func (opener) OpenReply(_ string, sealed []byte) (string, error) { return string(sealed), nil }
func (opener) ExternalID(channel, id string) []byte              { return []byte(channel + "/" + id) }

// far is the aggregator's end: it answers as told and counts.
type far struct {
	calls  atomic.Int32
	status int
	body   string
	err    error
	wrote  bool
	during func()
}

func (f *far) Do(context.Context, string, message.HTTPRequest) (int, []byte, error, bool) {
	f.calls.Add(1)
	if f.during != nil {
		f.during()
	}
	return f.status, []byte(f.body), f.err, f.wrote
}

const taken = `{"SMSMessageData":{"Recipients":[{"statusCode":101,"number":"+22300000001","status":"Success","messageId":"ATXid_1"}]}}`

type desk struct {
	t     *testing.T
	store *store.Store
	far   *far
	box   *outbox.Outbox
	id    string
	at    time.Time // the clock
}

func newDesk(t *testing.T, f *far) *desk {
	t.Helper()
	ctx := context.Background()
	url := serverstest.PostgresFrom(t, "outbox", func(url string) error {
		s, err := store.Open(ctx, url, store.Options{MaxConns: 2})
		if err != nil {
			return err
		}
		defer s.Close()
		return s.Migrate(ctx)
	})
	s, err := store.Open(ctx, url, store.Options{MaxConns: 4})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	d := &desk{t: t, store: s, far: f, id: "00000000-0000-8000-8000-000000000001", at: now}
	contact := make([]byte, 32)
	if err := s.PutNumber(ctx, contact, []byte("+22300000001"), now.Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Pool().Exec(ctx, `insert into outbound (id, contact, channel, class, sealed, created_at, changed_at) values ($1, $2, 'at', 'reply', 'Merci', $3, $3)`,
		d.id, contact, now); err != nil {
		t.Fatal(err)
	}
	d.box = outbox.New(outbox.Options{
		Store: s, Opener: opener{}, Transport: f, Now: func() time.Time { return d.at }, Chance: func() float64 { return 1 }, Log: slog.New(slog.DiscardHandler),
		Channels: map[string]outbox.Channel{"at": {Sender: africastalking.New(), From: "36000",
			Account: message.Account{Settings: map[string]string{"username": "u", "api_key": "k"}}}},
	})
	return d
}

func (d *desk) state() string {
	d.t.Helper()
	o, err := d.store.Outbound(context.Background(), d.id)
	if err != nil {
		d.t.Fatal(err)
	}
	return o.State
}

// receipt stores a delivery report.
func (d *desk) receipt(r store.Receipt) {
	d.t.Helper()
	if r.Channel == "" {
		r.Channel = "at"
	}
	if err := d.store.Receipt(context.Background(), r, now); err != nil {
		d.t.Fatal(err)
	}
}

func (d *desk) send() {
	d.t.Helper()
	if err := d.box.Send(context.Background(), d.id); err != nil {
		d.t.Fatal(err)
	}
}

// dies begins an attempt whose gateway dies before it can tell its end.
func (d *desk) dies() {
	d.t.Helper()
	began := func(store.Facts) store.Decision {
		return store.Decision{Begin: &store.Pass{Segments: 1, DueAt: d.at.Add(45 * time.Second)}}
	}
	if a, _, err := d.store.BeginAttempt(context.Background(), d.id, "", began, d.at); a == nil || err != nil {
		d.t.Fatal(a, err)
	}
}

func (d *desk) exec(sql string, args ...any) {
	d.t.Helper()
	if _, err := d.store.Pool().Exec(context.Background(), sql, args...); err != nil {
		d.t.Fatal(err)
	}
}

func (d *desk) is(want string) {
	d.t.Helper()
	if got := d.state(); got != want {
		d.t.Fatalf("state %s, want %s", got, want)
	}
}

func TestWhatAnAttemptAmountsTo(t *testing.T) {
	for _, c := range []struct {
		name  string
		far   *far
		state string
		again bool
	}{
		{"taken", &far{status: 201, body: taken, wrote: true}, "sent", false},
		{"refused number", &far{status: 201, body: `{"SMSMessageData":{"Recipients":[{"statusCode":403,"status":"InvalidPhoneNumber"}]}}`, wrote: true}, "failed", false},
		{"connection refused", &far{err: errors.New("refused")}, "queued", true},
		{"answer lost", &far{err: io.ErrUnexpectedEOF, wrote: true}, "ambiguous", false},
		{"throttled", &far{status: 429, wrote: true}, "queued", true},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := newDesk(t, c.far)
			err := d.box.Send(context.Background(), d.id)
			if errors.Is(err, outbox.ErrAgain) != c.again || err != nil && !c.again {
				t.Fatalf("err = %v", err)
			}
			if got := d.state(); got != c.state {
				t.Fatalf("state %s, want %s", got, c.state)
			}
		})
	}
}

func TestWhatWasSentIsNotSentAgain(t *testing.T) {
	d := newDesk(t, &far{status: 201, body: taken, wrote: true})
	for range 3 {
		if err := d.box.Send(context.Background(), d.id); err != nil {
			t.Fatal(err)
		}
	}
	if n := d.far.calls.Load(); n != 1 {
		t.Fatalf("%d requests", n)
	}
}

func TestAnAttemptThatNeverToldItsEndIsAmbiguousAndNotRepeated(t *testing.T) {
	d := newDesk(t, &far{status: 201, body: taken, wrote: true})
	d.dies()
	if err := d.box.Send(context.Background(), d.id); !errors.Is(err, outbox.ErrAgain) {
		t.Fatalf("while it may still be under way: %v", err)
	}
	d.is("sending")
	d.at = now.Add(time.Minute)
	d.send()
	if d.far.calls.Load() != 0 || d.state() != "ambiguous" {
		t.Fatalf("%d requests, state %s", d.far.calls.Load(), d.state())
	}
}

func TestReceiptsMoveForwardOnlyAndMayComeFirst(t *testing.T) {
	f := &far{status: 201, body: taken, wrote: true}
	d := newDesk(t, f)
	receipt := func(state string) {
		t.Helper()
		d.receipt(store.Receipt{ExternalID: []byte("at/ATXid_1"), State: state})
	}
	f.during = func() { receipt("delivered") } // before the send has returned
	if err := d.box.Send(context.Background(), d.id); err != nil {
		t.Fatal(err)
	}
	for _, late := range []string{"sent", "unknown", "delivered", "failed"} {
		receipt(late)
		if got := d.state(); got != "delivered" {
			t.Fatalf("after %s: %s", late, got)
		}
	}
}

func TestALostNumberOrAnOldReplyIsNotSent(t *testing.T) {
	d := newDesk(t, &far{status: 201, body: taken, wrote: true})
	d.at = now.Add(24 * time.Hour)
	d.send()
	d.is("expired")

	e := newDesk(t, d.far)
	e.exec(`delete from number`)
	e.send()
	if e.is("failed"); d.far.calls.Load() != 0 {
		t.Fatalf("%d requests", d.far.calls.Load())
	}
}

func TestTheTransportKeepsNoConnectionAndFollowsNoRedirect(t *testing.T) {
	var conns, hits atomic.Int32
	srv := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		hits.Add(1)
		if r.URL.Path == "/away" {
			http.Redirect(w, r, "/here", http.StatusFound)
			return
		}
		b, _ := io.ReadAll(r.Body)
		fmt.Fprintf(w, "%s %s", r.Header.Get("apiKey"), b)
	}))
	srv.Config.ConnState = func(_ net.Conn, st http.ConnState) {
		if st == http.StateNew {
			conns.Add(1)
		}
	}
	srv.Start()
	defer srv.Close()
	h := outbox.NewHTTP()
	req := message.HTTPRequest{Method: "POST", URL: srv.URL + "/send", Header: http.Header{"Apikey": {"k"}}, Body: []byte("x=1")}
	status, body, err, wrote := h.Do(context.Background(), "at", req)
	if err != nil || status != 200 || string(body) != "k x=1" || !wrote {
		t.Fatal(status, string(body), err, wrote)
	}
	req.URL = srv.URL + "/away"
	if status, _, _, _ = h.Do(context.Background(), "at", req); status != 302 || hits.Load() != 2 || conns.Load() != 2 {
		t.Fatalf("status %d after %d requests on %d connections", status, hits.Load(), conns.Load())
	}
	req.URL = "http://127.0.0.1:1/nobody"
	if _, _, err, wrote = h.Do(context.Background(), "at", req); err == nil || wrote {
		t.Fatal("a refused connection wrote something")
	}
}
