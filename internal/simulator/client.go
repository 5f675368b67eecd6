package simulator

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"time"

	"lafia/gateway/message"
)

const (
	// patience is how long a USSD answer may take: integrators of Africa's
	// Talking quote 10 s, operators allow less.
	patience = 10 * time.Second
	// maxAnswer is how much of an answer is read: a screen has 182 characters,
	// and each phone keeps its latest one.
	maxAnswer = 8 << 10
)

// failure says why there was no answer.
type failure string

const (
	answered    failure = ""
	timedOut    failure = "timeout"
	unreachable failure = "unreachable"
)

// answer is what came back from a webhook.
type answer struct {
	status  int
	body    []byte
	took    time.Duration
	failure failure
}

// newClient makes the client that calls the webhooks: straight, without the
// environment's proxy, following nothing, and keeping no connection behind.
func newClient() *http.Client {
	return &http.Client{
		Transport:     &http.Transport{DisableKeepAlives: true},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// post makes one request of a webhook. An error's text is dropped: it would
// hold the URL, and with it the token.
func (s *Simulator) post(r message.HTTPRequest) (a answer) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	began := s.Now()
	defer func() { a.took = s.Now().Sub(began) }()

	req, err := http.NewRequestWithContext(ctx, r.Method, r.URL, bytes.NewReader(r.Body))
	if err != nil {
		return answer{failure: unreachable}
	}
	req.Header = r.Header.Clone()
	res, err := s.client.Do(req)
	if err == nil {
		defer res.Body.Close()
		a.status = res.StatusCode
		a.body, err = io.ReadAll(io.LimitReader(res.Body, maxAnswer))
	}
	switch {
	case err == nil:
	case errors.Is(err, context.DeadlineExceeded):
		a = answer{failure: timedOut}
	default:
		a = answer{failure: unreachable}
	}
	return a
}
