package sweep_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"lafia/gateway"
	"lafia/gateway/message"
	"lafia/internal/app"
	"lafia/internal/demo"
	"lafia/internal/outbox"
	"lafia/internal/programme"
	"lafia/internal/servers/serverstest"
	"lafia/internal/session"
	"lafia/internal/staff"
	"lafia/internal/store"
	"lafia/internal/store/storetest"
	"lafia/internal/sweep"
	"lafia/internal/vault"
)

const (
	channel     = "africastalking"
	parted      = "vonage" // hands long messages over in parts
	token       = "un jeton pour essayer"
	serviceCode = "*384#"
	shortCode   = "36000"
	password    = "un mot de passe pour essayer"
)

// byClock are the goroutines that do things when their time has come.
var byClock = []string{
	"app.(*App).beat", "app.(*App).startSweep", "app.(*App).startCare", "app.(*App).startSpool",
	behind, drain, "app.(*purgeWorker).Work", "app.(*partsWorker).Work",
}

const (
	behind = "conversation.(*behind).start" // writes drafts behind the replies
	drain  = "app.(*App).EmptySpool"        // is asked for again and again
)

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// lines collects a log, from any goroutine.
type lines struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lines) Write(p []byte) (int, error) { l.mu.Lock(); defer l.mu.Unlock(); return l.b.Write(p) }
func (l *lines) String() string              { l.mu.Lock(); defer l.mu.Unlock(); return l.b.String() }

// site is what all lanes share: keys, and the template of their databases.
type site struct {
	keys string
	made *demo.Programme
}

func newSite(t testing.TB) *site { return &site{keys: filepath.Join(t.TempDir(), "keys")} }

// fill makes the tables, the keys and the demo.
func (s *site) fill(address string) error {
	ctx := context.Background()
	if err := vault.Create(s.keys); err != nil {
		return err
	}
	ring, err := vault.Open(s.keys)
	if err != nil {
		return err
	}
	r, err := store.Open(ctx, address, store.Options{MaxConns: 4})
	if err != nil {
		return err
	}
	defer r.Close()
	if err := r.Migrate(ctx); err != nil {
		return err
	}
	s.made, err = demo.Load(ctx, r, demo.Options{
		KeysDir: s.keys, Ring: ring, Now: time.Now(), Random: app.Random, Password: func(string) string { return password },
	})
	return err
}

// lane is one PostgreSQL database, one Redis, one spool and one far end, with a
// gateway on them that is started anew when it was killed. Runs on a lane follow
// one another.
type lane struct {
	t        testing.TB
	site     *site
	n        int
	postgres string
	redis    string
	spool    string
	ring     *vault.Ring
	record   *store.Store // for looking into the record
	private  *vault.PrivateKey
	log      *lines
	far      *farEnd
	serial   int
	rows     int // submissions that must be there
	// unreadable tells for a number how many requests may be kept as they came.
	unreadable map[string]int

	ahead   atomic.Int64 // of time, in nanoseconds: what was waited for
	mu      sync.Mutex
	app     *app.App
	counter *sweep.Counter
	ends    sync.WaitGroup // of killed gateways
}

func newLane(t testing.TB, s *site, n int) *lane {
	t.Helper()
	l := &lane{t: t, site: s, n: n, log: &lines{}, unreadable: map[string]int{}}
	// Nothing waits for the end of a night.
	if now := time.Now().UTC(); now.Hour() < 8 || now.Hour() > 18 {
		l.ahead.Store(int64(time.Date(now.Year(), now.Month(), now.Day()+now.Hour()/12, 10, 0, 0, 0, time.UTC).Sub(now)))
	}
	l.postgres = serverstest.PostgresFrom(t, "sweep", s.fill)
	l.redis = serverstest.Redis(t)
	l.spool = filepath.Join(t.TempDir(), "spool")
	var err error
	l.ring, err = vault.Open(s.keys)
	must(t, err)
	l.record, err = store.Open(t.Context(), l.postgres, store.Options{MaxConns: 4})
	must(t, err)
	t.Cleanup(l.record.Close)
	focal, err := l.record.StaffByUsername(t.Context(), "protection")
	must(t, err)
	l.private, err = vault.UnwrapPrivateKey(focal.Confidential, password)
	must(t, err)
	l.far = newFarEnd(t, l)
	must(t, l.start(sweep.NewCounter(byClock...)))
	t.Cleanup(func() {
		if err := l.stop(); err != nil {
			t.Error("stopping a gateway:", err)
		}
		l.ends.Wait()
	})
	return l
}

// options are as `lafia serve` makes them of a config file.
func (l *lane) options(c *sweep.Counter) app.Options {
	adapter, _ := gateway.AdapterNamed(channel)
	inParts, _ := gateway.AdapterNamed(parted)
	account := message.Account{Settings: map[string]string{"username": "lafia", "api_key": "une cle", "endpoint": l.far.server.URL}}
	transport := outbox.NewHTTP()
	transport.Wrap(c.RoundTripper)
	return app.Options{
		PostgresURL: l.postgres, Postgres: store.Options{MaxConns: 8, Dial: c.Dial, Tracer: c.Tracer()},
		Redis: session.Options{Network: "unix", Addr: l.redis}, KeysDir: l.site.keys,
		Spool: app.SpoolOptions{Dir: l.spool, FS: c.FS()}, Listen: "127.0.0.1:0", AdminListen: "127.0.0.1:0",
		Channels: []gateway.Channel{{
			Name: channel, Adapter: message.AdapterFor(adapter, account), Account: account,
			Tokens: []message.Secret{message.NewSecret(token)}, ServiceCode: serviceCode, From: shortCode,
		}, {
			Name: parted, Adapter: inParts, Tokens: []message.Secret{message.NewSecret(token)}, From: shortCode,
		}},
		Transport: transport, Example: "LAF1", HelpNumber: func(string) string { return "80333" }, Drain: 2 * time.Second, Now: l.now,
		Sending: app.Sending{Ways: map[string]app.Way{channel: {Receipts: true, Rate: 1000}}, Budget: outbox.Budget{Month: 1e9, Warn: 0.8}},
		Log:     slog.New(slog.NewTextHandler(l.log, &slog.HandlerOptions{Level: slog.LevelDebug})),
	}
}

// start starts a gateway, once.
func (l *lane) start(c *sweep.Counter) error {
	a := app.New(l.options(c))
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	if err := a.Start(ctx); err != nil {
		return err
	}
	a.Sessions().Hook(c.Hook())
	l.mu.Lock()
	defer l.mu.Unlock()
	l.app, l.counter = a, c
	return nil
}

func (l *lane) now() time.Time { return time.Now().Add(time.Duration(l.ahead.Load())) }

// pass lets time pass, signs of life included.
func (l *lane) pass(d time.Duration) {
	l.t.Helper()
	l.ahead.Add(int64(d))
	l.exec(`update node set beat_at = $1 where stopped_at is null`, l.now())
}

// stop stops the gateway in order.
func (l *lane) stop() error {
	a, _ := l.gateway()
	ctx, cancel := context.WithTimeout(context.Background(), 15*time.Second)
	defer cancel()
	return a.Stop(ctx)
}

// bury ends what is left of a killed gateway in this process.
func (l *lane) bury(a *app.App, c *sweep.Counter) {
	l.ends.Go(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 15*time.Second)
		defer cancel()
		_ = a.Stop(ctx) // all that it tries fails
	})
}

func (l *lane) gateway() (*app.App, *sweep.Counter) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.app, l.counter
}

func (l *lane) url() string { a, _ := l.gateway(); return a.URL() }

// revive starts a gateway where the last one was killed, as whoever watches over
// it does.
func (l *lane) revive() {
	l.t.Helper()
	a, c := l.gateway()
	if !c.Dead() {
		return
	}
	l.bury(a, c)
	next := sweep.NewCounter(byClock...)
	next.Take(c)
	next.Repair()
	must(l.t, l.start(next))
}

// farEnd is the aggregator: it takes what is sent, and reports that it arrived.
type farEnd struct {
	lane   *lane
	server *httptest.Server
	client *http.Client
	under  sync.WaitGroup

	mu     sync.Mutex
	serial int
	taken  map[string][]string // texts by number
	refuse map[string]bool     // numbers whose next message is refused for now
	busy   int
}

func newFarEnd(t testing.TB, l *lane) *farEnd {
	e := &farEnd{lane: l, taken: map[string][]string{}, refuse: map[string]bool{}, client: &http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: 10 * time.Second}}
	e.server = httptest.NewServer(e)
	t.Cleanup(func() { e.under.Wait(); e.server.Close() })
	return e
}

// ServeHTTP takes an SMS.
func (e *farEnd) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	form, bad := url.ParseQuery(string(body))
	if err != nil || bad != nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	to := form.Get("to")
	e.mu.Lock()
	if e.refuse[to] {
		delete(e.refuse, to)
		e.mu.Unlock()
		w.WriteHeader(http.StatusTooManyRequests)
		return
	}
	e.serial++
	id := fmt.Sprintf("ATXid_%d_%d", e.lane.n, e.serial)
	e.taken[to] = append(e.taken[to], form.Get("message"))
	e.busy++
	e.mu.Unlock()
	e.under.Go(func() { e.report(id, to) })
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(http.StatusCreated)
	_ = json.NewEncoder(w).Encode(map[string]any{"SMSMessageData": map[string]any{
		"Message": "Sent to 1/1", "Recipients": []any{map[string]any{"statusCode": 101, "number": to, "status": "Success", "messageId": id}},
	}})
}

// report hands a receipt over until it is taken.
func (e *farEnd) report(id, to string) {
	defer func() { e.mu.Lock(); e.busy--; e.mu.Unlock() }()
	form := url.Values{"id": {id}, "status": {"Success"}, "phoneNumber": {to}, "networkCode": {"61002"}}
	for range 500 {
		time.Sleep(10 * time.Millisecond)
		if a := e.lane.post(e.client, channel, "status", form); a.err == nil && a.status >= 200 && a.status < 300 {
			return
		}
	}
	e.lane.t.Error("a receipt was not taken in 500 tries")
}

func (e *farEnd) to(number string) []string {
	e.mu.Lock()
	defer e.mu.Unlock()
	return append([]string(nil), e.taken[number]...)
}

// refuses refuses the next message to a number for now.
func (e *farEnd) refuses(number string) { e.mu.Lock(); defer e.mu.Unlock(); e.refuse[number] = true }

func (e *farEnd) idle() bool { _, all := e.sent(); return all }

// sent counts the messages it took, and reports whether all receipts were taken too.
func (e *farEnd) sent() (messages int, all bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.serial, e.busy == 0
}

// answer is what a webhook said.
type answer struct {
	status int
	body   string
	err    error
}

func (a answer) ok() bool { return a.err == nil && a.status >= 200 && a.status < 300 }

var errDied = errors.New("the gateway died before its answer was there")

// post makes one request of an aggregator.
func (l *lane) post(client *http.Client, channel, kind string, form url.Values) answer {
	a, c := l.gateway()
	r, err := http.NewRequest(http.MethodPost, a.URL()+"/webhooks/"+channel+"/"+kind+"?token="+url.QueryEscape(token), strings.NewReader(form.Encode()))
	if err != nil {
		return answer{err: err}
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	res, err := client.Do(r)
	if err != nil {
		return answer{err: err}
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if c.Dead() {
		return answer{err: errDied}
	}
	return answer{res.StatusCode, string(body), err}
}

// submissions gives what the record holds of a number, opened.
func (l *lane) submissions(number string) []programme.Submission {
	l.t.Helper()
	ctx := context.Background()
	ids := l.strings(`select id::text from submission where contact = $1 order by n`, l.ring.Pseudonym(number).Bytes())
	var list []programme.Submission
	for _, id := range ids {
		r, err := l.record.SubmissionByID(ctx, staff.ScopeOf(staff.Administrator, nil), id)
		must(l.t, err)
		if r.Sealed != nil {
			b, err := l.ring.Open(r.Sealed, "submission/"+id)
			must(l.t, err)
			r.Submission.Text = string(b)
		}
		list = append(list, r.Submission)
	}
	return list
}

// confidential gives the confidential bodies of a number, opened.
func (l *lane) confidential(number string) []programme.ConfidentialBody {
	l.t.Helper()
	rows, err := l.record.Pool().Query(context.Background(), `select sealed from confidential where contact = $1`, l.ring.Pseudonym(number).Bytes())
	must(l.t, err)
	defer rows.Close()
	var list []programme.ConfidentialBody
	for rows.Next() {
		var sealed []byte
		must(l.t, rows.Scan(&sealed))
		b, err := l.private.Open(sealed)
		must(l.t, err)
		var body programme.ConfidentialBody
		must(l.t, json.Unmarshal(b, &body))
		list = append(list, body)
	}
	must(l.t, rows.Err())
	return list
}

// unreadOf counts by number the requests that are kept as they came, opened.
func (l *lane) unreadOf() map[string]int {
	l.t.Helper()
	out := map[string]int{}
	for _, sealed := range l.strings(`select encode(sealed, 'hex') from unreadable`) {
		b, err := hex.DecodeString(sealed)
		must(l.t, err)
		raw, err := l.ring.Open(b, "unreadable/"+channel)
		must(l.t, err)
		out["+"+numberForm.FindString(string(raw))]++
	}
	return out
}

// numberForm is a run's number without its sign.
var numberForm = regexp.MustCompile(`2237\d{7}`)

func (l *lane) strings(query string, args ...any) (out []string) {
	l.t.Helper()
	rows, err := l.record.Pool().Query(context.Background(), query, args...)
	must(l.t, err)
	defer rows.Close()
	for rows.Next() {
		var s string
		must(l.t, rows.Scan(&s))
		out = append(out, s)
	}
	must(l.t, rows.Err())
	return out
}

func (l *lane) count(query string, args ...any) (n int) {
	l.t.Helper()
	must(l.t, l.record.Pool().QueryRow(context.Background(), query, args...).Scan(&n))
	return n
}

func (l *lane) exec(query string, args ...any) {
	l.t.Helper()
	_, err := l.record.Pool().Exec(context.Background(), query, args...)
	must(l.t, err)
}

// leaks looks for what must be nowhere in the clear: the words and the numbers of
// all runs, in every table, in Redis, in the spool and in the log.
func (l *lane) leaks() {
	l.t.Helper()
	dump, err := storetest.Dump(context.Background(), l.record)
	must(l.t, err)
	rdb := redis.NewClient(&redis.Options{Network: "unix", Addr: l.redis, Protocol: 2, DisableIdentity: true})
	defer rdb.Close()
	var cache strings.Builder
	keys, err := rdb.Keys(context.Background(), "*").Result()
	must(l.t, err)
	for _, k := range keys {
		cache.WriteString(k + "\n" + rdb.Get(context.Background(), k).Val() + "\n")
	}
	spooled := string(filesOf(l.t, l.spool))
	for where, text := range map[string]string{"the tables": dump, "Redis": cache.String(), "the spool": spooled, "the log": l.log.String()} {
		if text == "" {
			l.t.Errorf("there is nothing in %s", where)
		}
		for _, needle := range []string{words, fmt.Sprintf("2237%d00", l.n)} {
			for how, form := range map[string]string{"as it is": needle, "in hex": hex.EncodeToString([]byte(needle)), "in base64": base64.RawStdEncoding.EncodeToString([]byte(needle))[2 : len(needle)/3*4-2]} {
				if n := strings.Count(text, form); n > 0 {
					l.t.Errorf("%q is in %s %s, %d times", needle, where, how, n)
				}
			}
		}
	}
}

// filesOf reads all that lies in the spool.
func filesOf(t testing.TB, dir string) []byte {
	t.Helper()
	var all []byte
	err := filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := os.ReadFile(path)
		all = append(append(all, path...), b...)
		return err
	})
	must(t, err)
	return all
}
