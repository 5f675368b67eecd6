package gateway_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gofiber/fiber/v2"
	"github.com/prometheus/client_golang/prometheus"

	"lafia/gateway"
	"lafia/gateway/africastalking"
	"lafia/gateway/message"
)

// recorder is a Handler that keeps what it gets, as the values it got.
type recorder struct {
	mu         sync.Mutex
	inbound    []message.Inbound
	receipts   []message.Receipt
	ends       []message.SessionEnd
	unreadable []string
	raw        []byte
	alive      []string

	hop     func(context.Context, message.Inbound) (message.Reply, error)
	receive func(context.Context) error
}

func (r *recorder) keep(f func()) { r.mu.Lock(); defer r.mu.Unlock(); f() }

func (r *recorder) Hop(ctx context.Context, _ string, in message.Inbound) (message.Reply, error) {
	r.keep(func() { r.inbound = append(r.inbound, in) })
	if r.hop != nil {
		return r.hop(ctx, in)
	}
	return message.Reply{Text: "1 Francais"}, nil
}

func (r *recorder) Receive(ctx context.Context, _ string, in message.Inbound) error {
	r.keep(func() { r.inbound = append(r.inbound, in) })
	if r.receive != nil {
		return r.receive(ctx)
	}
	return nil
}

func (r *recorder) Receipt(_ context.Context, _ string, in message.Receipt) error {
	r.keep(func() { r.receipts = append(r.receipts, in) })
	return nil
}

func (r *recorder) End(_ context.Context, _ string, e message.SessionEnd) error {
	r.keep(func() { r.ends = append(r.ends, e) })
	return nil
}

func (r *recorder) Unreadable(_ context.Context, _ string, _ message.Kind, raw []byte, reason string) error {
	r.keep(func() { r.unreadable, r.raw = append(r.unreadable, reason), raw })
	return nil
}

func (r *recorder) Alive(_ context.Context, channel string) error {
	r.keep(func() { r.alive = append(r.alive, channel) })
	return nil
}

// touched tells whether anything came through.
func (r *recorder) touched() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.inbound)+len(r.receipts)+len(r.ends)+len(r.unreadable)+len(r.alive) > 0
}

// signing is an adapter that wants a header; Africa's Talking has none.
type signing struct{ *africastalking.Adapter }

func (signing) Name() string { return "signing" }

func (s signing) Parse(kind message.Kind, r message.Request, a message.Account, now time.Time) message.Parsed {
	if r.Header.Get("X-Signature") != "right" {
		return message.Parsed{Refused: "the signature is wrong"}
	}
	return s.Adapter.Parse(kind, r, a, now)
}

// panicking is an adapter with a fault.
type panicking struct{ *africastalking.Adapter }

func (panicking) Parse(message.Kind, message.Request, message.Account, time.Time) message.Parsed {
	var none map[string]int
	none["+22370000001"] = 1
	return message.Parsed{}
}

func channels() []gateway.Channel {
	at := africastalking.New()
	return []gateway.Channel{
		{Name: "at", Adapter: at, Tokens: []message.Secret{message.NewSecret("new-token"), message.NewSecret("old")}},
		{Name: "open", Adapter: at, Tokens: []message.Secret{message.NewSecret("")}},
		{Name: "fenced", Adapter: at, Tokens: []message.Secret{message.NewSecret("t")}, Networks: []netip.Prefix{netip.MustParsePrefix("198.51.100.0/24")}},
		{Name: "signed", Adapter: signing{at}, Tokens: []message.Secret{message.NewSecret("t")}},
		{Name: "broken", Adapter: panicking{at}, Tokens: []message.Secret{message.NewSecret("t")}},
	}
}

type site struct {
	url string
	log *safeBuffer
	h   *recorder
}

// start serves a gateway on a real port, where buffers are used again.
func start(t *testing.T, h *recorder, change func(*gateway.Options, *gateway.AppOptions)) site {
	t.Helper()
	log := &safeBuffer{}
	logger := slog.New(slog.NewTextHandler(log, nil))
	o := gateway.Options{Channels: channels(), Handler: h, Log: logger, FailText: "rien garde, rappelez", BusyText: "occupe"}
	a := gateway.AppOptions{Log: logger}
	if change != nil {
		change(&o, &a)
	}
	app := gateway.NewApp(a)
	gateway.New(o).Mount(app)
	app.Get("/panics", func(*fiber.Ctx) error { panic("+22370000001 said so") })
	app.Get("/fails", func(*fiber.Ctx) error { return errors.New("pq: key (+22370000001) exists") })
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- app.Listener(l) }()
	t.Cleanup(func() {
		if err := app.ShutdownWithTimeout(5 * time.Second); err != nil {
			t.Errorf("shutdown: %v", err)
		}
		if err := <-done; err != nil {
			t.Errorf("serve: %v", err)
		}
	})
	return site{"http://" + l.Addr().String(), log, h}
}

type safeBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *safeBuffer) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}
func (s *safeBuffer) String() string { s.mu.Lock(); defer s.mu.Unlock(); return s.b.String() }

func (s site) do(t *testing.T, method, path, body string, header ...string) (int, string) {
	t.Helper()
	q, err := http.NewRequest(method, s.url+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if method == http.MethodPost {
		q.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	for i := 0; i+1 < len(header); i += 2 {
		q.Header.Add(header[i], header[i+1])
	}
	r, err := http.DefaultClient.Do(q)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Body.Close()
	b, err := io.ReadAll(r.Body)
	if err != nil {
		t.Fatal(err)
	}
	return r.StatusCode, string(b)
}

const (
	sms    = "from=%2B22370000001&to=36000&text=secret+words&id=1"
	hop    = "sessionId=s&phoneNumber=%2B22370000001&serviceCode=*384*42%23&text=1*secret"
	report = "id=ATXid_1&status=Success&phoneNumber=%2B22370000001"
	end    = "sessionId=s&phoneNumber=%2B22370000001&status=Success&hopsCount=2&durationInMillis=9"
)

func TestEveryKindReachesItsHandlerAndIsAnswered(t *testing.T) {
	s := start(t, &recorder{}, nil)
	for _, c := range []struct{ path, body, want string }{
		{"/webhooks/at/sms?token=new-token", sms, ""},
		{"/webhooks/at/ussd?token=new-token", hop, "CON 1 Francais"},
		{"/webhooks/at/status?token=new-token", report, ""},
		{"/webhooks/at/ussd?token=new-token", end, ""},
		{"/webhooks/at/status?token=old", end, ""},
	} {
		if status, body := s.do(t, "POST", c.path, c.body); status != 200 || body != c.want {
			t.Errorf("%s: %d %q, want 200 %q", c.path, status, body, c.want)
		}
	}
	if len(s.h.inbound) != 2 || len(s.h.receipts) != 1 || len(s.h.ends) != 2 || len(s.h.unreadable) != 0 {
		t.Errorf("the handler got %d messages, %d receipts, %d ends, %v", len(s.h.inbound), len(s.h.receipts), len(s.h.ends), s.h.unreadable)
	}
	if in := s.h.inbound[0]; in.From.Reveal() != "+22370000001" || in.Text != "secret words" {
		t.Errorf("the SMS is %q from %q", in.Text, in.From.Reveal())
	}
}

func TestTwoThousandPostsAtOnceLeaveTwoThousandSenders(t *testing.T) {
	s := start(t, &recorder{}, nil)
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 64}}
	defer client.CloseIdleConnections()
	const posts = 2000
	work := make(chan int)
	var wg sync.WaitGroup
	for range 64 {
		wg.Go(func() {
			for i := range work {
				kind, body := "sms", fmt.Sprintf("from=%%2B2237%07d&to=36%03d&text=text+%d&id=id-%d", i, i%1000, i, i)
				if i%2 == 1 {
					kind, body = "ussd", fmt.Sprintf("phoneNumber=%%2B2237%07d&serviceCode=36%03d&text=text+%d&sessionId=id-%d", i, i%1000, i, i)
				}
				r, err := client.Post(s.url+"/webhooks/at/"+kind+"?token=old", "application/x-www-form-urlencoded", strings.NewReader(body))
				if err != nil {
					t.Error(err)
					continue
				}
				_, _ = io.Copy(io.Discard, r.Body)
				r.Body.Close()
				if r.StatusCode != 200 {
					t.Errorf("%d", r.StatusCode)
				}
			}
		})
	}
	for i := range posts {
		work <- i
	}
	close(work)
	wg.Wait()
	seen := map[string]bool{}
	for _, in := range s.h.inbound {
		var n int
		if _, err := fmt.Sscanf(in.Text, "text %d", &n); err != nil {
			t.Fatalf("the text is %q", in.Text)
		}
		from, to, id := fmt.Sprintf("+2237%07d", n), fmt.Sprintf("36%03d", n%1000), fmt.Sprintf("id-%d", n)
		if in.From.Reveal() != from || in.To != to || in.ExternalID+in.SessionID != id {
			t.Errorf("mixed: %q %q %q %q", in.From.Reveal(), in.To, in.Text, in.ExternalID+in.SessionID)
		}
		seen[in.From.Reveal()] = true
	}
	if len(seen) != posts || len(s.h.inbound) != posts {
		t.Errorf("%d senders in %d messages, want %d", len(seen), len(s.h.inbound), posts)
	}
}

func TestWhatIsNotAuthenticGets401AndNothingElse(t *testing.T) {
	for name, c := range map[string]struct {
		path   string
		header []string
	}{
		"no token":                            {"/webhooks/at/sms", nil},
		"an empty token":                      {"/webhooks/at/sms?token=", nil},
		"a wrong token":                       {"/webhooks/at/sms?token=new-tokeN", nil},
		"half a token":                        {"/webhooks/at/sms?token=new", nil},
		"both tokens":                         {"/webhooks/at/sms?token=new-tokenold", nil},
		"a wrong token in the header":         {"/webhooks/at/sms", []string{"Lafia-Token", "x"}},
		"a wrong header beside a right query": {"/webhooks/at/sms?token=old", []string{"Lafia-Token", "x"}},
		"the token of another channel":        {"/webhooks/at/sms?token=t", nil},
		"an unknown channel":                  {"/webhooks/nowhere/sms?token=new-token", nil},
		"an unknown channel without a token":  {"/webhooks/nowhere/sms", nil},
		"a channel of another case":           {"/webhooks/AT/sms?token=new-token", nil},
		"an unknown kind":                     {"/webhooks/at/voice?token=new-token", nil},
		"a kind of another case":              {"/webhooks/at/SMS?token=new-token", nil},
		"a channel without a live token":      {"/webhooks/open/sms?token=", nil},
		"another network":                     {"/webhooks/fenced/sms?token=t", nil},
		"a network that the caller claims":    {"/webhooks/fenced/sms?token=t", []string{"X-Forwarded-For", "198.51.100.7"}},
		"no signature":                        {"/webhooks/signed/sms?token=t", nil},
	} {
		t.Run(name, func(t *testing.T) {
			s := start(t, &recorder{}, nil)
			status, body := s.do(t, "POST", c.path, sms, c.header...)
			if status != 401 || body != "" {
				t.Errorf("%d %q, want 401 and nothing", status, body)
			}
			if s.h.touched() {
				t.Error("it reached the handler")
			}
			for _, word := range []string{"token", "nowhere", "2237", "secret", "?"} {
				if strings.Contains(s.log.String(), word) {
					t.Errorf("the log holds %q: %s", word, s.log)
				}
			}
			if strings.Count(s.log.String(), "\n") != 1 {
				t.Errorf("not one line: %s", s.log)
			}
		})
	}
}

func TestWhatIsAuthenticComesThrough(t *testing.T) {
	trust := func(o *gateway.Options, a *gateway.AppOptions) {
		o.TrustedProxies = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("10.0.0.0/8")}
		a.TrustedProxies = o.TrustedProxies
	}
	for name, c := range map[string]struct {
		path   string
		header []string
		change func(*gateway.Options, *gateway.AppOptions)
	}{
		"the new token":                {"/webhooks/at/sms?token=new-token", nil, nil},
		"the old token":                {"/webhooks/at/sms?token=old", nil, nil},
		"the token among others":       {"/webhooks/at/sms?a=b&token=old&c", nil, nil},
		"the token in the header":      {"/webhooks/at/sms", []string{"Lafia-Token", "old"}, nil},
		"a header in small letters":    {"/webhooks/at/sms", []string{"lafia-token", "new-token"}, nil},
		"a signature":                  {"/webhooks/signed/sms?token=t", []string{"X-Signature", "right"}, nil},
		"a proxy's word":               {"/webhooks/fenced/sms?token=t", []string{"X-Forwarded-For", "198.51.100.7"}, trust},
		"two proxies' word":            {"/webhooks/fenced/sms?token=t", []string{"X-Forwarded-For", "203.0.113.9, 198.51.100.7, 10.1.2.3"}, trust},
		"a header a proxy":             {"/webhooks/fenced/sms?token=t", []string{"X-Forwarded-For", "198.51.100.7", "X-Forwarded-For", "10.1.2.3"}, trust},
		"an address of version 4 in 6": {"/webhooks/fenced/sms?token=t", []string{"X-Forwarded-For", "::ffff:198.51.100.7"}, trust},
	} {
		t.Run(name, func(t *testing.T) {
			s := start(t, &recorder{}, c.change)
			if status, body := s.do(t, "POST", c.path, sms, c.header...); status != 200 || body != "" || !s.h.touched() {
				t.Errorf("%d %q", status, body)
			}
		})
	}
	t.Run("what stands left of the first untrusted address is hearsay", func(t *testing.T) {
		s := start(t, &recorder{}, trust)
		if status, _ := s.do(t, "POST", "/webhooks/fenced/sms?token=t", sms, "X-Forwarded-For", "198.51.100.7, 203.0.113.9"); status != 401 || s.h.touched() {
			t.Errorf("%d", status)
		}
	})
}

func TestOtherMethodsAndPathsTellNothing(t *testing.T) {
	s := start(t, &recorder{}, nil)
	for _, c := range []struct {
		method, path string
		want         int
	}{
		{"HEAD", "/webhooks/at/sms?token=old", 405},
		{"DELETE", "/webhooks/at/sms?token=old", 405},
		{"PATCH", "/webhooks/at/sms/x?token=old", 405},
		{"OPTIONS", "/webhooks/at/sms?token=old", 405},
		{"POST", "/Webhooks/at/sms?token=old", 404},
		{"POST", "/webhooks/at?token=old", 404},
		{"GET", "/", 404},
		{"GET", "/panics", 500},
		{"GET", "/fails", 500},
	} {
		if status, body := s.do(t, c.method, c.path, sms); status != c.want || body != "" {
			t.Errorf("%s %s: %d %q, want %d and nothing", c.method, c.path, status, body, c.want)
		}
	}
	if s.h.touched() {
		t.Error("something reached the handler")
	}
	if log := s.log.String(); strings.Contains(log, "2237") || !strings.Contains(log, "type=string") || !strings.Contains(log, "gateway_test") {
		t.Errorf("a panic is logged by type and place: %s", log)
	}
}

func TestABodyOver64KiBIsCutOff(t *testing.T) {
	s := start(t, &recorder{}, nil)
	pad := sms + "&x=" + strings.Repeat("a", 64<<10-len(sms)-3)
	if status, _ := s.do(t, "POST", "/webhooks/at/sms?token=old", pad); status != 200 {
		t.Errorf("64 KiB: %d", status)
	}
	wide := start(t, &recorder{}, func(_ *gateway.Options, a *gateway.AppOptions) { a.BodyLimit = 1 << 20 })
	if status, body := wide.do(t, "POST", "/webhooks/at/sms?token=old", pad+"a"); status != 413 || body != "" || wide.h.touched() {
		t.Errorf("a byte more, where the app takes uploads: %d %q", status, body)
	}
	c, err := net.Dial("tcp", strings.TrimPrefix(s.url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	fmt.Fprintf(c, "POST /webhooks/at/sms?token=old HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n", 64<<10+1)
	_ = c.SetReadDeadline(time.Now().Add(5 * time.Second))
	b, _ := io.ReadAll(c)
	if !bytes.HasPrefix(b, []byte("HTTP/1.1 413 ")) {
		t.Errorf("a byte more: %q", b)
	}
}

func TestASlowHeaderAndASlowBodyAreCutOff(t *testing.T) {
	s := start(t, &recorder{}, func(_ *gateway.Options, a *gateway.AppOptions) { a.ReadTimeout = 300 * time.Millisecond })
	for _, begun := range []string{"POST /webhooks/at/sms?token=old HT", "POST /webhooks/at/sms?token=old HTTP/1.1\r\nHost: x\r\nContent-Length: 50\r\n\r\nfrom="} {
		c, err := net.Dial("tcp", strings.TrimPrefix(s.url, "http://"))
		if err != nil {
			t.Fatal(err)
		}
		start := time.Now()
		fmt.Fprint(c, begun)
		_ = c.SetReadDeadline(start.Add(10 * time.Second))
		b, err := io.ReadAll(c)
		if took := time.Since(start); err != nil || took > 3*time.Second {
			t.Errorf("cut off after %s: %v", took, err)
		}
		if strings.Contains(string(b), " 200 ") {
			t.Errorf("got %q", b)
		}
		c.Close()
	}
}

func TestAHeaderLargerThanItsBufferIsRefusedWithoutAWord(t *testing.T) {
	s := start(t, &recorder{}, nil)
	if status, body := s.do(t, "POST", "/webhooks/at/sms?token=old", sms, "X", strings.Repeat("a", 17<<10)); status != 431 || body != "" {
		t.Errorf("%d %q", status, body)
	}
}

func TestWhatCannotBeReadIsKeptRawAndAnsweredWithSuccess(t *testing.T) {
	for _, c := range []struct{ path, want, reason string }{
		{"/webhooks/at/sms?token=old", "", "from is missing"},
		{"/webhooks/at/status?token=old", "", "status is missing"},
		{"/webhooks/at/ussd?token=old", "END rien garde, rappelez", "phoneNumber is missing"},
		{"/webhooks/broken/sms?token=t", "", "the adapter panicked"},
	} {
		s := start(t, &recorder{}, nil)
		const raw = "a=b&c=%ff"
		if status, body := s.do(t, "POST", c.path, raw); status != 200 || body != c.want {
			t.Errorf("%s: %d %q, want 200 %q", c.path, status, body, c.want)
		}
		head, body, _ := strings.Cut(string(s.h.raw), "\n\n")
		path, _, _ := strings.Cut(c.path, "?")
		if len(s.h.unreadable) != 1 || s.h.unreadable[0] != c.reason || body != raw || !strings.HasPrefix(head, "POST "+path+" HTTP/1.1\n") ||
			!strings.Contains(head, "\nContent-Type: application/x-www-form-urlencoded") {
			t.Errorf("%s: kept %q because of %q, want %q", c.path, s.h.raw, s.h.unreadable, c.reason)
		}
	}
}

// echo is an adapter that reads any request as a message whose text is what it
// was given, and a request without a query but its token as a sign of life.
type echo struct{ *africastalking.Adapter }

func (echo) Parse(kind message.Kind, r message.Request, _ message.Account, _ time.Time) message.Parsed {
	switch r.URL.Query().Get("what") {
	case "alive":
		return message.Parsed{Alive: true}
	case "unreadable":
		return message.Parsed{Unreadable: "it says so"}
	}
	return message.Parsed{Events: []message.Event{{Inbound: &message.Inbound{
		Medium: message.SMS, From: message.ParseNumber("+22370000001"), Call: kind == message.KindCall,
		Text: fmt.Sprintf("%s %s?%s %s %s", r.Method, r.URL.Path, r.URL.RawQuery, kind, r.Body),
	}}}}
}

func echoes(o *gateway.Options, _ *gateway.AppOptions) {
	o.Channels = []gateway.Channel{{Name: "e", Adapter: echo{africastalking.New()}, Tokens: []message.Secret{message.NewSecret("t")}}}
}

func TestEveryMethodAndPathThatAggregatorsUseReachesTheAdapterAsItCame(t *testing.T) {
	s := start(t, &recorder{}, echoes)
	for _, c := range []struct{ method, path, body, want string }{
		{"GET", "/webhooks/e/sms?token=t&text=%C3%A9+x", "", "GET /webhooks/e/sms?token=t&text=%C3%A9+x sms "},
		{"GET", "/webhooks/e/status?b=2&token=t&a=1", "", "GET /webhooks/e/status?b=2&token=t&a=1 status "},
		{"POST", "/webhooks/e/ussd/session/a%2Fb/start?token=t", "{}", "POST /webhooks/e/ussd/session/a/b/start?token=t ussd {}"},
		{"PUT", "/webhooks/e/ussd/session/7/end?token=t", "{}", "PUT /webhooks/e/ussd/session/7/end?token=t ussd {}"},
		{"POST", "/webhooks/e/call?token=t", "x", "POST /webhooks/e/call?token=t call x"},
		{"POST", "/webhooks/e/sms/?token=t", "x", "POST /webhooks/e/sms/?token=t sms x"},
	} {
		before := len(s.h.inbound)
		status, _ := s.do(t, c.method, c.path, c.body)
		if status != 200 || len(s.h.inbound) != before+1 {
			t.Errorf("%s %s: %d", c.method, c.path, status)
			continue
		}
		in := s.h.inbound[before]
		if in.Text != c.want || in.Call != strings.Contains(c.path, "/call") {
			t.Errorf("%s %s reached the adapter as %q", c.method, c.path, in.Text)
		}
		for _, path := range []string{strings.Replace(c.path, "token=t", "token=x", 1), strings.Replace(c.path, "/e/", "/f/", 1), strings.Replace(c.path, "token=t", "", 1)} {
			if status, body := s.do(t, c.method, path, c.body); status != 401 || body != "" || len(s.h.inbound) != before+1 {
				t.Errorf("%s %s: %d %q, want 401 and nothing", c.method, path, status, body)
			}
		}
	}
}

func TestASignOfLifeIsNotedAndAnsweredWithSuccess(t *testing.T) {
	registry := prometheus.NewRegistry()
	at := time.Unix(1790000000, 0)
	s := start(t, &recorder{}, func(o *gateway.Options, a *gateway.AppOptions) {
		echoes(o, a)
		o.Metrics, o.Now = gateway.NewMetrics(registry), func() time.Time { return at }
	})
	if status, body := s.do(t, "POST", "/webhooks/e/sms?token=t&what=alive", "{}"); status != 200 || body != "" {
		t.Errorf("%d %q", status, body)
	}
	if len(s.h.alive) != 1 || s.h.alive[0] != "e" || len(s.h.inbound)+len(s.h.unreadable) != 0 {
		t.Errorf("noted %q", s.h.alive)
	}
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		if f.GetName() == "lafia_channel_alive_timestamp_seconds" && f.GetMetric()[0].GetGauge().GetValue() == 1790000000 {
			return
		}
	}
	t.Error("no metric tells when")
}

func TestWhatIsKeptRawHasItsQueryAndNoSecret(t *testing.T) {
	s := start(t, &recorder{}, echoes)
	s.do(t, "GET", "/webhooks/e/status/x?b=%c3%a9&token=t&what=unreadable&a=1", "", "Authorization", "Basic abc", "Lafia-Token", "t", "X-Signature", "s")
	kept := string(s.h.raw)
	if !strings.HasPrefix(kept, "GET /webhooks/e/status/x?b=%c3%a9&what=unreadable&a=1 HTTP/1.1\n") || !strings.Contains(kept, "\nX-Signature: s\n") {
		t.Errorf("kept %q", kept)
	}
	for _, secret := range []string{"token", "Token", "Basic"} {
		if strings.Contains(kept, secret) {
			t.Errorf("kept a secret: %q", kept)
		}
	}
}

type named struct{}

func (named) Error() string { return "key (+22370000001) exists" }
func (named) Class() string { return "duplicate" }

func TestAHandlerThatFailsOrPanicsIsAnsweredForByTheGateway(t *testing.T) {
	fail := func(context.Context) error { return fmt.Errorf("receive +22370000001: %w", named{}) }
	crash := func(context.Context) error { panic(errors.New("+22370000001")) }
	late := func(ctx context.Context) error { <-ctx.Done(); return fmt.Errorf("secret: %w", ctx.Err()) }
	for name, c := range map[string]struct {
		h         *recorder
		body, log string
		status    int
		answer    string
	}{
		"an SMS that could not be kept": {&recorder{receive: fail}, sms, "class=duplicate", 503, ""},
		"an SMS that came too late":     {&recorder{receive: late}, sms, "class=timeout", 503, ""},
		"an SMS that broke the handler": {&recorder{receive: crash}, sms, "type=*errors.errorString place=lafia/gateway_test", 503, ""},
		"a hop that broke the handler": {&recorder{hop: func(ctx context.Context, _ message.Inbound) (message.Reply, error) {
			return message.Reply{}, crash(ctx)
		}}, hop, "type=*errors.errorString", 200, "END rien garde, rappelez"},
		"a hop without a reply": {&recorder{hop: func(ctx context.Context, _ message.Inbound) (message.Reply, error) { return message.Reply{}, late(ctx) }}, hop, "class=timeout", 200, "END rien garde, rappelez"},
		"a hop with a reply and a fault": {&recorder{hop: func(ctx context.Context, _ message.Inbound) (message.Reply, error) {
			return message.Reply{Text: "ok"}, errors.New("secret")
		}}, hop, "class=*errors.errorString", 200, "CON ok"},
	} {
		t.Run(name, func(t *testing.T) {
			s := start(t, c.h, func(o *gateway.Options, _ *gateway.AppOptions) {
				o.SMSBudget, o.USSDBudget = 50*time.Millisecond, 50*time.Millisecond
			})
			kind := "sms"
			if c.body == hop {
				kind = "ussd"
			}
			if status, body := s.do(t, "POST", "/webhooks/at/"+kind+"?token=old", c.body); status != c.status || body != c.answer {
				t.Errorf("%d %q, want %d %q", status, body, c.status, c.answer)
			}
			log := s.log.String()
			if !strings.Contains(log, c.log) || strings.Contains(log, "2237") || strings.Contains(log, "secret") {
				t.Errorf("the log does not hold %q, or more than it may: %s", c.log, log)
			}
		})
	}
}

func TestACallerOverTheLimitIsToldSoAtOnceAndAnSMSComesAgain(t *testing.T) {
	entered, leave := make(chan struct{}), make(chan struct{})
	h := &recorder{
		receive: func(context.Context) error { entered <- struct{}{}; <-leave; return nil },
		hop: func(context.Context, message.Inbound) (message.Reply, error) {
			entered <- struct{}{}
			<-leave
			return message.Reply{Text: "ok"}, nil
		},
	}
	registry := prometheus.NewRegistry()
	s := start(t, h, func(o *gateway.Options, _ *gateway.AppOptions) {
		one := gateway.Limit{InWork: 1}
		o.Limits, o.Metrics = gateway.Limits{USSD: one, SMS: one, Status: one}, gateway.NewMetrics(registry)
	})
	done := make(chan int, 2)
	for kind, form := range map[string]url.Values{
		"sms":  {"from": {"+22370000001"}, "to": {"1"}, "text": {"a"}, "id": {"1"}},
		"ussd": {"sessionId": {"S1"}, "phoneNumber": {"+22370000001"}, "serviceCode": {"*1#"}, "text": {"1"}},
	} {
		go func() {
			r, err := http.PostForm(s.url+"/webhooks/at/"+kind+"?token=old", form)
			if err != nil {
				done <- 0
				return
			}
			r.Body.Close()
			done <- r.StatusCode
		}()
		<-entered
	}
	if status, body := s.do(t, "POST", "/webhooks/at/sms?token=old", sms); status != 503 || body != "" {
		t.Errorf("an SMS: %d %q", status, body)
	}
	if status, body := s.do(t, "POST", "/webhooks/at/ussd?token=old", hop); status != 200 || body != "END occupe" {
		t.Errorf("a caller: %d %q", status, body)
	}
	if status, _ := s.do(t, "POST", "/webhooks/at/sms?token=wrong", sms); status != 401 {
		t.Errorf("a stranger: %d", status)
	}
	close(leave)
	for range 2 {
		if status := <-done; status != 200 {
			t.Errorf("one that was inside: %d", status)
		}
	}
	if got := gathered(t, registry); got["lafia_shed_total ussd"] != 1 || got["lafia_shed_total sms"] != 1 || got["lafia_shed_total status"] != 0 {
		t.Errorf("lafia_shed_total is not 1 for ussd and for sms: %v", got)
	}
	go func() { <-entered }()
	if status, body := s.do(t, "POST", "/webhooks/at/ussd?token=old", hop); status != 200 || body != "CON ok" {
		t.Errorf("afterwards: %d %q", status, body)
	}
}

func TestAShutdownDoesNotCancelWhatIsUnderWay(t *testing.T) {
	entered, result := make(chan struct{}), make(chan error, 1)
	h := &recorder{receive: func(ctx context.Context) error {
		close(entered)
		select {
		case <-ctx.Done():
			result <- ctx.Err()
		case <-time.After(300 * time.Millisecond):
			result <- nil
		}
		return nil
	}}
	app := gateway.NewApp(gateway.AppOptions{})
	gateway.New(gateway.Options{Channels: channels(), Handler: h}).Mount(app)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	go func() { _ = app.Listener(l) }()
	go func() {
		r, err := http.Post("http://"+l.Addr().String()+"/webhooks/at/sms?token=old", "application/x-www-form-urlencoded", strings.NewReader(sms))
		if err == nil {
			r.Body.Close()
		}
	}()
	<-entered
	if err := app.ShutdownWithTimeout(5 * time.Second); err != nil {
		t.Error(err)
	}
	if err := <-result; err != nil {
		t.Errorf("its context was cancelled: %v", err)
	}
}

func TestEveryAdapterIsFoundByItsName(t *testing.T) {
	seen := map[string]bool{}
	for _, a := range gateway.Adapters() {
		if seen[a.Name()] {
			t.Errorf("two adapters are named %s", a.Name())
		}
		seen[a.Name()] = true
		if found, ok := gateway.AdapterNamed(a.Name()); !ok || found.Name() != a.Name() {
			t.Errorf("%s is not found", a.Name())
		}
	}
	if _, ok := gateway.AdapterNamed("nobody"); ok {
		t.Error("an adapter that is not there is found")
	}
}
