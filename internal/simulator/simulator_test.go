package simulator

import (
	"encoding/binary"
	"encoding/json"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gofiber/fiber/v2"

	"lafia/gateway/message"
)

// lab is a simulator beside webhooks that only echo, on a real listener.
type lab struct {
	*Simulator
	t   *testing.T
	url string
	log *strings.Builder

	mu       sync.Mutex
	requests []request
	reply    func(r request) (int, string) // of the ussd webhook
}

// request is what a webhook got.
type request struct {
	path, token, contentType, body string
	form                           url.Values
}

func newLab(t *testing.T) *lab {
	t.Helper()
	l := &lab{t: t, log: &strings.Builder{}, reply: func(r request) (int, string) { return 200, "CON " + r.form.Get("text") }}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l.url = "http://" + listener.Addr().String()
	now, drawn := time.Date(2026, 11, 24, 10, 0, 0, 0, time.UTC), uint64(0)
	l.Simulator = New(Options{
		Channels: []Channel{
			{Name: "africastalking", Adapter: "africastalking", Token: message.NewSecret("d&v"), ServiceCode: "*384#", ShortCode: "36000"},
			{Name: "other", Adapter: "africastalking", Token: message.NewSecret("dev"), ServiceCode: "*385*7#", ShortCode: "36001"},
			{Name: "strange", Adapter: "unheard-of"},
		},
		BaseURL: func() string { return l.url },
		Now: func() time.Time {
			l.mu.Lock()
			defer l.mu.Unlock()
			now = now.Add(time.Millisecond)
			return now
		},
		Random: func(n int) []byte {
			l.mu.Lock()
			defer l.mu.Unlock()
			drawn++
			b := make([]byte, n)
			binary.BigEndian.PutUint64(b[n-8:], drawn)
			return b
		},
		Log: slog.New(slog.NewTextHandler(l.log, &slog.HandlerOptions{Level: slog.LevelDebug})),
		Measure: func(text, medium string) (string, int, int) {
			return "gsm7", len(text), 1 + len(text)/161
		},
		Phones:   []Phone{{message.ParseNumber("+22370000001"), "Nouvel appelant"}, {message.ParseNumber("+22370000002"), "Aminata"}},
		Projects: []Project{{Code: "LAF1", Name: "Forage", Dial: "*384*1*107#"}},
	})
	app := fiber.New(fiber.Config{StrictRouting: true, CaseSensitive: true, Immutable: true, DisableStartupMessage: true})
	l.Mount(app)
	app.Post("/webhooks/:channel/:kind", func(c *fiber.Ctx) error {
		r := request{path: c.Path(), token: c.Query("token"), contentType: c.Get("Content-Type"), body: string(c.Body())}
		r.form, _ = url.ParseQuery(r.body)
		l.mu.Lock()
		l.requests = append(l.requests, r)
		reply := l.reply
		l.mu.Unlock()
		if c.Params("kind") != "ussd" {
			return c.SendStatus(200)
		}
		status, body := reply(r)
		return c.Status(status).SendString(body)
	})
	done := make(chan struct{})
	go func() { defer close(done); _ = app.Listener(listener) }()
	t.Cleanup(func() { _ = app.ShutdownWithTimeout(5 * time.Second); <-done })
	l.get("/simulator/messages") // once it answers, it can be shut down
	return l
}

// got is what the webhooks got so far.
func (l *lab) got() []request {
	l.mu.Lock()
	defer l.mu.Unlock()
	return append([]request(nil), l.requests...)
}

func (l *lab) last() request {
	l.t.Helper()
	all := l.got()
	if len(all) == 0 {
		l.t.Fatal("no webhook was called")
	}
	return all[len(all)-1]
}

func (l *lab) answers(status int, body string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.reply = func(request) (int, string) { return status, body }
}

// do posts a form as a program does, and reads what the phone shows.
func (l *lab) do(path string, pairs ...string) (s shown) {
	l.t.Helper()
	res := l.post(path, http.Header{"Accept": {"application/json"}}, pairs...)
	if res.StatusCode != 200 {
		l.t.Fatalf("%s answered %d: %s", path, res.StatusCode, read(l.t, res))
	}
	if err := json.NewDecoder(res.Body).Decode(&s); err != nil {
		l.t.Fatal(err)
	}
	return s
}

// post posts a form, following no redirect.
func (l *lab) post(path string, h http.Header, pairs ...string) *http.Response {
	l.t.Helper()
	r := postForm(l.url+path, values(pairs...))
	req, err := http.NewRequest(r.Method, r.URL, strings.NewReader(string(r.Body)))
	if err != nil {
		l.t.Fatal(err)
	}
	req.Header = r.Header
	for k, v := range h {
		req.Header[k] = v
	}
	return l.send(req)
}

func (l *lab) get(path string) *http.Response {
	l.t.Helper()
	req, err := http.NewRequest(http.MethodGet, l.url+path, nil)
	if err != nil {
		l.t.Fatal(err)
	}
	return l.send(req)
}

func (l *lab) send(req *http.Request) *http.Response {
	l.t.Helper()
	res, err := newClient().Do(req)
	if err != nil {
		l.t.Fatal(err)
	}
	l.t.Cleanup(func() { res.Body.Close() })
	return res
}

func read(t *testing.T, res *http.Response) string {
	t.Helper()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func values(pairs ...string) url.Values {
	v := url.Values{}
	for i := 0; i < len(pairs); i += 2 {
		v.Add(pairs[i], pairs[i+1])
	}
	return v
}

const (
	her  = "+22370000001"
	his  = "+22370000002"
	dial = "/simulator/dial"
	keys = "/simulator/press"
)
