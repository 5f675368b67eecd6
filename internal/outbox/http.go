package outbox

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"sync/atomic"
	"time"

	"lafia/gateway/message"
)

// HTTP is the transport to real aggregators. It keeps no connection alive, since
// Go's client sends a request again by itself on one whose answer was lost
// (reliability.md fact 2), and follows no redirect.
type HTTP struct{ client *http.Client }

// NewHTTP makes the transport.
func NewHTTP() *HTTP {
	return &HTTP{client: &http.Client{
		Transport: &http.Transport{
			DisableKeepAlives: true, Proxy: http.ProxyFromEnvironment,
			TLSHandshakeTimeout: 10 * time.Second, ResponseHeaderTimeout: callTimeout,
			MaxConnsPerHost: 32, // more in flight to one aggregator is more than any rate it allows
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// Wrap puts something between the client and the network; tests put faults there.
func (h *HTTP) Wrap(f func(http.RoundTripper) http.RoundTripper) {
	h.client.Transport = f(h.client.Transport)
}

// maxAnswer bounds an aggregator's answer: the longest documented one is under 4 KiB.
const maxAnswer = 64 << 10

// Do makes one request, once.
func (h *HTTP) Do(ctx context.Context, _ string, r message.HTTPRequest) (status int, body []byte, err error, wrote bool) {
	var written atomic.Bool
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{WroteRequest: func(i httptrace.WroteRequestInfo) { written.Store(i.Err == nil) }})
	req, err := http.NewRequestWithContext(ctx, r.Method, r.URL, bytes.NewReader(r.Body))
	if err != nil {
		return 0, nil, fmt.Errorf("building the request: %w", err), false
	}
	for k, v := range r.Header {
		req.Header[k] = v
	}
	resp, err := h.client.Do(req)
	if err != nil {
		return 0, nil, err, written.Load()
	}
	defer resp.Body.Close()
	body, err = io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	return resp.StatusCode, body, err, true
}
