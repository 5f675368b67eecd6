package gateway_test

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"lafia/gateway"
	"lafia/gateway/gatewaytest"
	"lafia/gateway/message"
)

// What every sample of every adapter means is tested beside it, on a request that
// a test made. Here the same bytes come over a connection, as slowly as a bad
// line brings them, through the server and its routes.
func TestEverySampleOfEveryAdapterArrivesOverASlowWireAsItIs(t *testing.T) {
	at := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	for _, a := range gateway.Adapters() {
		t.Run(a.Name(), func(t *testing.T) {
			dir := a.Name() + "/testdata"
			if files, _ := filepath.Glob(dir + "/*.http"); len(files) == 0 {
				t.Skip("its samples belong to configurations of its own (external)")
			}
			account := message.Account{Settings: map[string]string{}}
			s := start(t, &recorder{}, func(o *gateway.Options, _ *gateway.AppOptions) {
				o.Channels = []gateway.Channel{{Name: "c", Adapter: a, Account: account, Tokens: []message.Secret{message.NewSecret("t")}}}
				o.Now = func() time.Time { return at }
			})
			for name, q := range gatewaytest.Requests(t, dir) {
				kind, tail, _ := strings.Cut(strings.SplitN(q.URL.EscapedPath(), "/", 4)[3], "/")
				if tail != "" {
					tail = "/" + tail
				}
				want := a.Parse(message.Kind(kind), q, account, at)
				*s.h = recorder{}
				status := slowly(t, s, q, "/webhooks/c/"+kind+tail)
				got := message.Parsed{Refused: want.Refused, Unreadable: strings.Join(s.h.unreadable, ""), Alive: len(s.h.alive) > 0}
				switch {
				case want.Refused != "" && status != 401:
					t.Errorf("%s: refused with %d", name, status)
				case want.Refused == "" && (status < 200 || status > 299):
					t.Errorf("%s: answered with %d", name, status)
				}
				// In the order of their kinds: events of one request are of one kind, but for a
				// few that nobody compares.
				for i := range s.h.inbound {
					got.Events = append(got.Events, message.Event{Inbound: &s.h.inbound[i]})
				}
				for i := range s.h.receipts {
					got.Events = append(got.Events, message.Event{Receipt: &s.h.receipts[i]})
				}
				for i := range s.h.ends {
					got.Events = append(got.Events, message.Event{End: &s.h.ends[i]})
				}
				if g, w := gatewaytest.Show(got), gatewaytest.Show(want); g != w {
					t.Errorf("%s: over the wire it is\n%swant\n%s", name, g, w)
				}
			}
		})
	}
}

// slowly sends a request in pieces and gives the status of its answer.
func slowly(t *testing.T, s site, q message.Request, path string) int {
	t.Helper()
	var b bytes.Buffer
	if q.URL.RawQuery != "" {
		path += "?" + q.URL.RawQuery
	}
	fmt.Fprintf(&b, "%s %s HTTP/1.1\r\nHost: lafia.example\r\nLafia-Token: t\r\nConnection: close\r\n", q.Method, path)
	for name, values := range q.Header {
		if name == "Host" || name == "Content-Length" || name == "Lafia-Token" || name == "Connection" {
			continue
		}
		for _, v := range values {
			fmt.Fprintf(&b, "%s: %s\r\n", name, v)
		}
	}
	if q.Method != http.MethodGet || len(q.Body) > 0 {
		fmt.Fprintf(&b, "Content-Length: %d\r\n", len(q.Body))
	}
	b.WriteString("\r\n")
	b.Write(q.Body)
	c, err := net.Dial("tcp", strings.TrimPrefix(s.url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	for raw := b.Bytes(); len(raw) > 0; {
		n := min(len(raw), 1+b.Len()/7)
		if _, err := c.Write(raw[:n]); err != nil {
			t.Fatal(err)
		}
		raw = raw[n:]
		time.Sleep(2 * time.Millisecond)
	}
	_ = c.SetReadDeadline(time.Now().Add(10 * time.Second))
	res, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil {
		t.Fatalf("no answer: %v", err)
	}
	defer res.Body.Close()
	_, _ = io.Copy(io.Discard, res.Body)
	return res.StatusCode
}
