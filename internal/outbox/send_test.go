package outbox_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"lafia/gateway/africastalking"
	"lafia/gateway/message"
	"lafia/internal/outbox"
	"lafia/internal/store"
)

// wire is an adapter of nobody's: it posts the message's id, and takes any 200 for
// a yes.
type wire struct {
	message.Adapter
	url string
}

func (w wire) Request(m message.Outbound, _ message.Account) (message.HTTPRequest, error) {
	return message.HTTPRequest{Method: "POST", URL: w.url, Header: http.Header{"Content-Type": {"text/plain"}}, Body: []byte(m.ID)}, nil
}

func (wire) Outcome(status int, _ []byte, err error, wrote bool) message.Outcome {
	if o, decided := message.TransportOutcome(status, err, wrote); decided {
		return o
	}
	return message.Outcome{Verdict: message.Sent}
}

// provider is an HTTP server that takes messages and counts each one's calls. What
// lose tells it to lose is taken, and its answer is not given.
type provider struct {
	*httptest.Server
	mu    sync.Mutex
	calls map[string]int
	at    []time.Time
	order []string
}

func newProvider(t *testing.T, lose func(n int) bool) *provider {
	t.Helper()
	p := &provider{calls: map[string]int{}}
	p.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		p.mu.Lock()
		p.calls[string(b)]++
		p.at, p.order = append(p.at, time.Now()), append(p.order, string(b))
		n := len(p.at)
		p.mu.Unlock()
		if lose != nil && lose(n) {
			panic(http.ErrAbortHandler) // the connection is cut without an answer
		}
	}))
	t.Cleanup(p.Close)
	return p
}

// queues queues n messages of a class and gives their ids.
func (d *desk) queues(class string, n int) []string {
	d.t.Helper()
	var all []store.Outgoing
	var ids []string
	for i := range n {
		id := fmt.Sprintf("00000000-0000-8000-%04x-%012d", 0x9000+int(class[1]), i)
		all, ids = append(all, store.Outgoing{ID: id, Contact: make([]byte, 32), Channel: "at", Class: class, Sealed: []byte("Merci")}), append(ids, id)
	}
	if _, err := d.store.QueueBroadcast(context.Background(), all, d.box.Now()); err != nil {
		d.t.Fatal(err)
	}
	return ids
}

// states counts messages by state.
func (d *desk) states(class string) map[string]int {
	d.t.Helper()
	rows, err := d.store.Pool().Query(context.Background(), `select state from outbound where class = $1`, class)
	if err != nil {
		d.t.Fatal(err)
	}
	defer rows.Close()
	out := map[string]int{}
	for rows.Next() {
		var s string
		if err := rows.Scan(&s); err != nil {
			d.t.Fatal(err)
		}
		out[s]++
	}
	return out
}

// TestNoMessageIsSentTwiceThoughOneAnswerInTenIsLost sends 3,000 messages to a
// server that loses one answer in ten, by two gateways that get every job both. A
// gateway dies over one call in fifty. Alerts may be sent three times, nothing
// else twice, and in the end nothing is without a final state.
func TestNoMessageIsSentTwiceThoughOneAnswerInTenIsLost(t *testing.T) {
	p := newProvider(t, func(n int) bool { return n%10 == 0 })
	d := newDesk(t, sending())
	d.exec(`delete from outbound`)
	var clock atomic.Int64 // minutes
	var dying atomic.Int32
	network := outbox.NewHTTP()
	dies := transport(func(ctx context.Context, channel string, r message.HTTPRequest) (int, []byte, error, bool) {
		status, body, err, wrote := network.Do(ctx, channel, r)
		if dying.Add(1)%50 == 0 {
			runtime.Goexit()
		}
		return status, body, err, wrote
	})
	gateway := func() *outbox.Outbox {
		return outbox.New(outbox.Options{
			Store: d.store, Opener: opener{}, Transport: dies, Log: slog.New(slog.DiscardHandler), Chance: func() float64 { return 0 },
			Now:      func() time.Time { return now.Add(time.Duration(clock.Load()) * time.Minute) },
			Channels: map[string]outbox.Channel{"at": {Sender: wire{url: p.URL}}},
		})
	}
	d.box = gateway()
	ids := append(d.queues("reply", 2700), d.queues("alert", 300)...)
	jobs := make(chan string, 2*len(ids))
	work := func() {
		var all sync.WaitGroup
		for _, box := range []*outbox.Outbox{d.box, gateway()} {
			for _, id := range ids {
				jobs <- id
			}
			for range 2 {
				all.Go(func() {
					for more := true; more; { // a gateway that dies over a message is followed by another one
						var one sync.WaitGroup
						one.Go(func() {
							for {
								select {
								case id := <-jobs:
									if err := box.Send(context.Background(), id); err != nil && !errors.Is(err, outbox.ErrAgain) {
										t.Error(err)
									}
								default:
									more = false
									return
								}
							}
						})
						one.Wait()
					}
				})
			}
		}
		all.Wait()
	}
	for range 4 {
		work()
		clock.Add(2)
	}
	lost := 0
	for id, n := range p.calls {
		switch alert := strings.Contains(id, "-906c-"); {
		case !alert && n > 1 || n > 3:
			t.Errorf("%s was sent %d times", id, n)
		case n > 1:
			lost++
		}
	}
	replies, alerts := d.states("reply"), d.states("alert")
	if len(p.calls) != len(ids) || replies["sent"]+replies["ambiguous"] != 2700 || alerts["sent"]+alerts["ambiguous"] != 300 {
		t.Errorf("%d of %d were called; replies %v, alerts %v", len(p.calls), len(ids), replies, alerts)
	}
	if replies["ambiguous"] < 200 || lost == 0 {
		t.Errorf("too little was lost for a test: replies %v, %d alerts came again", replies, lost)
	}
}

// transport is a function as a Transport.
type transport func(context.Context, string, message.HTTPRequest) (int, []byte, error, bool)

func (f transport) Do(ctx context.Context, channel string, r message.HTTPRequest) (int, []byte, error, bool) {
	return f(ctx, channel, r)
}

// TestGatewaysShareARateAndRepliesGoFirst lets two gateways send broadcasts on a
// channel of 20 segments a second, and queues replies when all workers are busy.
func TestGatewaysShareARateAndRepliesGoFirst(t *testing.T) {
	p := newProvider(t, nil)
	d := newDesk(t, sending())
	d.exec(`delete from outbound`)
	d.wishes("broadcast", true)
	gateway := func() *outbox.Outbox {
		return outbox.New(outbox.Options{
			Store: d.store, Opener: opener{}, Transport: outbox.NewHTTP(), Log: slog.New(slog.DiscardHandler), Chance: func() float64 { return .5 },
			Now:      func() time.Time { return now.Add(time.Since(start)) },
			Channels: map[string]outbox.Channel{"at": {Sender: wire{url: p.URL}, Rate: 20}},
		})
	}
	d.box = gateway()
	bulk, replies := make(chan string, 100), d.queues("reply", 10)
	for _, id := range d.queues("broadcast", 80) {
		bulk <- id
	}
	close(bulk)
	send := func(box *outbox.Outbox, id string) {
		var again outbox.Again
		for err := box.Send(context.Background(), id); err != nil; err = box.Send(context.Background(), id) {
			if !errors.As(err, &again) {
				t.Error(err)
				return
			}
			time.Sleep(again.After)
		}
	}
	var all sync.WaitGroup
	for _, box := range []*outbox.Outbox{d.box, gateway()} {
		for range 20 {
			all.Go(func() {
				for id := range bulk {
					send(box, id)
				}
			})
		}
	}
	time.Sleep(300 * time.Millisecond)
	asked := time.Now()
	for _, id := range replies {
		all.Go(func() { send(d.box, id) })
	}
	all.Wait()
	if took := p.at[len(p.at)-1].Sub(p.at[0]); len(p.at) != 90 || took < 4200*time.Millisecond || took > 12*time.Second {
		t.Errorf("90 segments at 20 a second: %d came in %v", len(p.at), took)
	}
	for i := 20; i < len(p.at); i++ { // what a worker does between its turn and its call varies
		if d := p.at[i].Sub(p.at[i-20]); d < 300*time.Millisecond {
			t.Errorf("21 calls within %v", d)
		}
	}
	before, seen := 0, 0 // broadcasts that went between the asking and the last reply
	for i, id := range p.order {
		switch {
		case strings.Contains(id, "-9065-"):
			seen++
		case seen < len(replies) && p.at[i].After(asked):
			before++
		}
	}
	// Forty workers want to send broadcasts, and five turns is how far ahead they may be.
	if before > 20 {
		t.Errorf("ten replies waited for %d broadcasts", before)
	}
	t.Logf("ten replies waited for %d broadcasts", before)
}

var start = time.Now()

func TestAnotherChannelTakesWhatSurelyWasNotSent(t *testing.T) {
	for _, c := range []struct {
		name  string
		class string
		far   *far
		tries int // until the other channel has it
		steps string
	}{
		{"refused", "reply", &far{status: 400, wrote: true}, 1, "queued>sending|sending>queued HTTP 400|queued>sending|sending>sent"},
		{"not connected, three times", "reply", &far{err: errors.New("refused")}, 3,
			"queued>sending|sending>queued not connected|queued>sending|sending>queued not connected|queued>sending|sending>queued not connected|queued>sending|sending>sent"},
		{"its answer was lost", "reply", &far{err: io.ErrUnexpectedEOF, wrote: true}, 0, "queued>sending|sending>ambiguous no answer"},
		{"a test of this very channel", "test", &far{status: 400, wrote: true}, 0, "queued>sending|sending>failed HTTP 400"},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := newDesk(t, c.far).as(c.class)
			d.box.Channels["second"] = outbox.Channel{Sender: africastalking.New(), Account: d.box.Channels["at"].Account, Fallback: "at"}
			ch := d.box.Channels["at"]
			ch.Fallback = "second"
			d.box.Channels["at"] = ch
			var used []string
			d.box.Transport = transport(func(ctx context.Context, channel string, r message.HTTPRequest) (int, []byte, error, bool) {
				used = append(used, channel)
				if channel == "second" {
					return 201, []byte(taken), nil, true
				}
				return c.far.Do(ctx, channel, r)
			})
			var again outbox.Again
			for errors.As(d.box.Send(context.Background(), d.id), &again) {
				d.at = d.at.Add(again.After)
			}
			if got := strings.Join(d.steps(), "|"); got != c.steps {
				t.Errorf("steps %s", got)
			}
			want := strings.TrimSpace(strings.Repeat("at ", max(1, c.tries)))
			if c.tries > 0 {
				want += " second"
			}
			if got := strings.Join(used, " "); got != want {
				t.Errorf("sent by %s, not %s", got, want)
			}
		})
	}
}

func TestAMessageGoesOnlyOneChannelFurther(t *testing.T) {
	d := newDesk(t, &far{status: 400, wrote: true})
	for name, next := range map[string]string{"at": "second", "second": "third", "third": "at"} {
		d.box.Channels[name] = outbox.Channel{Sender: africastalking.New(), Account: d.box.Channels["at"].Account, Fallback: next}
	}
	if err := d.box.Send(context.Background(), d.id); !errors.Is(err, outbox.ErrAgain) {
		t.Fatal(err)
	}
	d.send()
	if d.is("failed"); d.far.calls.Load() != 2 {
		t.Fatalf("%d requests", d.far.calls.Load())
	}
}

func TestStatesAndWaitsAreCounted(t *testing.T) {
	d := newDesk(t, sending())
	counted := prometheus.NewPedanticRegistry()
	m, err := outbox.NewMetrics(counted)
	if err != nil {
		t.Fatal(err)
	}
	d.box.Metrics = m
	d.box.Operator = func(message.Number) string { return "orange" }
	d.box = outbox.New(d.box.Options)
	d.at = now.Add(30 * time.Millisecond)
	d.sweep()
	d.send()
	d.receipt(store.Receipt{ExternalID: []byte("at/ATXid_1"), State: "delivered"})
	if err := d.box.Account(context.Background()); err != nil {
		t.Fatal(err)
	}
	families, err := counted.Gather()
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]float64{}
	for _, f := range families {
		for _, m := range f.GetMetric() {
			key := f.GetName()
			for _, l := range m.GetLabel() {
				key += " " + l.GetValue()
			}
			got[key] = m.GetCounter().GetValue() + m.GetGauge().GetValue() + m.GetHistogram().GetSampleSum()
		}
	}
	for key, want := range map[string]float64{
		"lafia_send_attempts_total at sent": 1, "lafia_outbound_state_total at reply sent": 1, "lafia_outbound_state_total at reply delivered": 1,
		"lafia_outbound_delivered_ratio at orange": 1, "lafia_outbound_sent_24h at orange": 1, "lafia_outbound_state_24h at orange delivered": 1, "lafia_outbound_state_24h at orange sent": 0, "lafia_outbound_delivery_seconds at orange 0.5": 0,
		"lafia_outbound_waiting reply":        1,
		"lafia_outbound_oldest_seconds reply": 0.03, "lafia_outbound_pickup_seconds reply": 0.03, "lafia_budget_used_ratio": 0,
	} {
		if value, there := got[key]; !there || value != want {
			t.Errorf("%s is %v (%v), not %v", key, value, there, want)
		}
	}
}

func TestAnEstimateIsInMoneyAndHours(t *testing.T) {
	d := newDesk(t, sending())
	d.box.Channels["at"] = outbox.Channel{Sender: africastalking.New(), Rate: 10}
	d.box.Channels["phone"] = outbox.Channel{Sender: africastalking.New(), Rate: 0.5}
	d.box.Operator = func(n message.Number) string {
		if strings.HasPrefix(n.Reveal(), "+2237") {
			return "orange"
		}
		return "moov"
	}
	d.box.Prices = outbox.Prices{"at": 25, "at/orange": 20, "moov": 12}
	d.box.Budget = outbox.Budget{Month: 250_000, Warn: .8}
	d.exec(`insert into spend (month, channel, operator, segments, cost) values ('2026-11-01', 'at', 'orange', 3, 60)`)
	var to []outbox.Recipient
	for range 3600 { // an orange one by at, a moov one by at, a moov one by phone
		to = append(to, outbox.Recipient{Channel: "at", Number: message.ParseNumber("+22370000001")}, outbox.Recipient{Channel: "at", Number: message.ParseNumber("+22360000001")},
			outbox.Recipient{Channel: "phone", Number: message.ParseNumber("+22360000001")})
	}
	to = append(to, outbox.Recipient{Channel: "phone", Number: message.ParseNumber("+22370000001")})
	d.at = time.Date(2026, 11, 24, 20, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		text string
		want outbox.Estimate
	}{
		{"Merci", outbox.Estimate{Messages: 10801, Segments: 10801, Cost: 3600 * (20 + 25 + 12), Unpriced: 1,
			Takes: 7202 * time.Second, // an hour before quiet hours, the rest from seven on
			Ends:  time.Date(2026, 11, 25, 8, 0, 2, 0, time.UTC), Left: 249_940, Bounded: true, Fits: true}},
		{strings.Repeat("a", 161), outbox.Estimate{Messages: 10801, Segments: 21602, Cost: 2 * 3600 * (20 + 25 + 12), Unpriced: 2,
			Takes: 14404 * time.Second, Ends: time.Date(2026, 11, 25, 10, 0, 4, 0, time.UTC), Left: 249_940, Bounded: true, Fits: false}},
	} {
		for i := range to {
			to[i].Text = c.text
		}
		got, err := d.box.Estimate(context.Background(), to)
		if err != nil || got != c.want {
			t.Errorf("estimated %+v (%v)\nwanted %+v", got, err, c.want)
		}
	}
}
