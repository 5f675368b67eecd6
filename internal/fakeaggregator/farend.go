package fakeaggregator

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"
)

// FarEnd is where the gateway's sends arrive: an HTTP server that answers as the
// aggregators do, with the faults of the play, and reports deliveries.
type FarEnd struct {
	Ledger   *Ledger
	Faults   Faults
	Channels []Channel
	Gateways func() []string // where receipts go; asked at each

	listener net.Listener
	server   *http.Server
	client   *http.Client
	under    sync.WaitGroup

	mu      sync.Mutex
	chance  *rand.Rand
	serial  int
	callers map[string]int
	inboxes map[string]chan string
}

// NewFarEnd listens on an address, 127.0.0.1:0 being a free port. Close ends it.
func NewFarEnd(address string, l *Ledger, f Faults, channels []Channel, seed uint64, gateways func() []string) (*FarEnd, error) {
	listener, err := net.Listen("tcp", address)
	if err != nil {
		return nil, fmt.Errorf("listening for sends: %w", err)
	}
	e := &FarEnd{
		Ledger: l, Faults: f, Channels: channels, Gateways: gateways, listener: listener,
		chance: rand.New(rand.NewPCG(seed, 1<<32)), callers: map[string]int{}, inboxes: map[string]chan string{},
		client: &http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: 10 * time.Second},
	}
	e.server = &http.Server{Handler: e, ReadHeaderTimeout: 10 * time.Second}
	go func() { _ = e.server.Serve(listener) }()
	return e, nil
}

// URL is where the sends of a channel go.
func (e *FarEnd) URL(channel string) string {
	return "http://" + e.listener.Addr().String() + "/send/" + channel
}

// Close ends it, receipts under way first.
func (e *FarEnd) Close() error {
	e.under.Wait()
	return e.server.Close()
}

// tell makes the callers of a play known.
func (e *FarEnd) tell(p *play) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for i := range p.Callers {
		e.callers[p.numberOf(i)] = i
	}
}

func (p *play) numberOf(i int) string {
	if i < len(p.led) {
		return p.led[i][0].Number
	}
	return Number(p.Salt, i)
}

// maxInbox bounds what waits for a caller: she reads each reply before she
// writes again.
const maxInbox = 64

func (e *FarEnd) inbox(number string) chan string {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.inboxes[number] == nil {
		e.inboxes[number] = make(chan string, maxInbox)
	}
	return e.inboxes[number]
}

// settle waits for receipts under way.
func (e *FarEnd) settle(ctx context.Context) {
	done := make(chan struct{})
	go func() { e.under.Wait(); close(done) }()
	select {
	case <-done:
	case <-ctx.Done():
	}
}

// maxSend bounds the body of a send.
const maxSend = 64 << 10

// ServeHTTP takes a send.
func (e *FarEnd) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	l := e.Ledger.begun(Line{Kind: KindSend, Caller: -1})
	name := strings.TrimPrefix(r.URL.Path, "/send/")
	var c Channel
	for _, v := range e.Channels {
		if v.Name == name {
			c = v
		}
	}
	body, err := io.ReadAll(io.LimitReader(r.Body, maxSend))
	wire := wires[c.Wire]
	if err != nil || wire == nil {
		w.WriteHeader(http.StatusNotFound)
		return
	}
	to, text, client, ok := wire.taken(r, body)
	if !ok {
		l.Answer, l.Status = "refused", http.StatusBadRequest
		e.note(l, 0)
		w.WriteHeader(l.Status)
		return
	}
	e.mu.Lock()
	e.serial++
	own := fmt.Sprintf("fake-%d-%d", e.Ledger.began.UnixNano(), e.serial)
	if n, known := e.callers[to]; known {
		l.Caller = n
	} else {
		l.Number = to
	}
	draw, early, again, backwards, taken := e.chance.Float64(), e.chance.Float64(), e.chance.Float64(), e.chance.Float64(), e.chance.IntN(2) == 0
	inbox := e.inboxes[to]
	e.mu.Unlock()
	l.Channel, l.Text, l.Own, l.Client, l.Taken = c.Name, text, own, client, true
	f := e.Faults
	switch {
	case draw < f.Throttle:
		l.Answer, l.Status, l.Taken = "throttle", http.StatusTooManyRequests, false
	case draw < f.Throttle+f.Error:
		l.Answer, l.Status, l.Taken = "error", http.StatusInternalServerError, taken
	case draw < f.Throttle+f.Error+f.Silent:
		l.Answer = "silent"
	case draw < f.Throttle+f.Error+f.Silent+f.Late:
		l.Answer = "late"
	default:
		l.Answer = "ok"
	}
	var answer []byte
	if l.Answer == "ok" || l.Answer == "late" {
		l.Status, answer = wire.accepted(own, to)
	}
	states := []string{"sent", "delivered"}
	if backwards < f.Backwards {
		states = []string{"delivered", "sent"}
	}
	if again < f.Again {
		states = append(states, states[len(states)-1])
	}
	e.note(l, 0)
	if l.Taken && inbox != nil {
		select {
		case inbox <- text:
		default:
		}
	}
	switch {
	case !l.Taken:
	case early < f.Early:
		e.report(c, wire, l, own, to, states)
	default:
		e.under.Add(1)
		go func() {
			defer e.under.Done()
			time.Sleep(20 * time.Millisecond)
			e.report(c, wire, l, own, to, states)
		}()
	}
	switch l.Answer {
	case "late":
		time.Sleep(f.maxDelay())
	case "silent":
		hangUp(w)
		return
	}
	if c.Wire == "africastalking" || len(answer) > 0 {
		w.Header().Set("Content-Type", "application/json")
	}
	w.WriteHeader(l.Status)
	_, _ = w.Write(answer)
}

// hangUp cuts the connection without an answer.
func hangUp(w http.ResponseWriter) {
	h, ok := w.(http.Hijacker)
	if !ok {
		return
	}
	if conn, _, err := h.Hijack(); err == nil {
		_ = conn.Close()
	}
}

func (e *FarEnd) note(l Line, took time.Duration) {
	l.Took = took
	e.Ledger.write(l)
}

// report sends the delivery reports of a message, again until each is taken.
func (e *FarEnd) report(c Channel, w wire, send Line, own, to string, states []string) {
	for i, state := range states {
		gateways := e.Gateways()
		if len(gateways) == 0 {
			return
		}
		for try := range 3 {
			l := e.Ledger.begun(Line{Kind: KindReceipt, Caller: send.Caller, Channel: c.Name, Own: own, State: state})
			status, _, err := post(context.Background(), e.client, w.receipt(hook(gateways[(i+try)%len(gateways)], c, "status"), own, to, state))
			if l.Status = status; err != nil {
				l.Error = failure(err)
			}
			e.note(l, e.Ledger.since(l))
			if err == nil && status/100 == 2 || errors.Is(err, context.Canceled) {
				break
			}
			time.Sleep(100 * time.Millisecond)
		}
	}
}
