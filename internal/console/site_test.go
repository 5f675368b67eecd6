package console

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/gofiber/fiber/v2"
	"github.com/jackc/pgx/v5/pgxpool"
	"go.uber.org/goleak"

	"lafia/flows"
	"lafia/internal/browsertest"
	"lafia/internal/casework"
	"lafia/internal/locale"
	"lafia/internal/programme"
	"lafia/internal/screen"
	"lafia/internal/servers/serverstest"
	"lafia/internal/staff"
	"lafia/internal/store"
	"lafia/internal/vault"
	"lafia/locales"
)

func TestMain(m *testing.M) {
	serverstest.Main(withBrowser{m},
		// fasthttp keeps its clock for good, and a pool of workers for up to 10 s after it stopped.
		goleak.IgnoreAnyFunction("github.com/valyala/fasthttp.updateServerDate.func1"),
		goleak.IgnoreAnyFunction("github.com/valyala/fasthttp.(*workerPool).Start.func2"),
	)
}

// withBrowser stops the browser before leaks are looked for.
type withBrowser struct{ m *testing.M }

func (w withBrowser) Run() int {
	defer browsertest.Stop()
	return w.m.Run()
}

const password = "un mot de passe long"

// site is a console that answers on a port of loopback, with one account a role,
// named after it; officers and peace read the region ML06.
type site struct {
	url    string
	desk   *casework.Desk
	pool   *pgxpool.Pool
	ring   *vault.Ring
	now    time.Time
	serial int
}

func random(n int) []byte {
	b := make([]byte, n)
	_, _ = rand.Read(b)
	return b
}

func migrated(url string) error {
	s, err := store.Open(context.Background(), url, store.Options{})
	if err != nil {
		return err
	}
	defer s.Close()
	if err := s.Migrate(context.Background()); err != nil {
		return err
	}
	_, err = s.Pool().Exec(context.Background(), `
insert into project (code, dial, name, kind, place, region, phase, synthetic) values
  ('LAF1', '19', 'Puits de Douékiré', 'eau', 'ML0605', 'ML06', 1, true),
  ('LAF2', '27', 'Laiterie de Goundam', 'lait', 'ML0604', 'ML06', 1, true),
  ('LAF7', '76', 'Maraîchage de Gao', 'jardin', 'ML0701', 'ML07', 1, true);
insert into place (pcode, level, name, gazetteer) values ('ML060504', 3, 'Lafia', 'cod-ab-2021'), ('ML060101', 3, 'Alafia', 'cod-ab-2021')`)
	return err
}

func newSite(t *testing.T, change ...func(*Options)) *site {
	t.Helper()
	s, err := store.Open(t.Context(), serverstest.PostgresFrom(t, "migrated", migrated), store.Options{MaxConns: 4})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	dir := filepath.Join(t.TempDir(), "keys")
	if err := vault.Create(dir); err != nil {
		t.Fatal(err)
	}
	private, err := vault.NewConfidentialPair(dir)
	if err != nil {
		t.Fatal(err)
	}
	ring, err := vault.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	st := &site{pool: s.Pool(), ring: ring, now: time.Date(2026, 11, 24, 14, 32, 0, 0, time.UTC)}
	now := func() time.Time { return st.now }
	st.desk = casework.New(casework.Options{Store: s, Ring: ring, Now: now, Random: random, Phones: phones(t, st.ways())})
	names := []string{"Oumou Sangaré", "Awa Maïga", "Fatouma Touré", "Mariam Cissé", "Ibrahim Diallo", "Zeinab Haïdara", "Salif Koné"}
	for i, r := range staff.Roles {
		n := casework.NewAccount{Username: string(r), Name: names[i], Role: r, Password: password, Synthetic: true}
		if r == staff.Officer || r == staff.Peace || r == staff.Viewer {
			n.Regions = []string{"ML06"}
		}
		if r == staff.Protection {
			n.Confidential = private
		}
		if _, err := st.desk.AddAccount(t.Context(), "cli:test", n); err != nil {
			t.Fatal(err)
		}
	}
	o := Options{
		Desk: st.desk, Now: now, Random: random, Banner: true,
		Flows: flows.Files, Locales: locales.Files,
		Channels: func(context.Context) ([]Channel, error) {
			return []Channel{
				{Name: "africastalking", Adapter: "africastalking", LastAt: st.now.Add(-4 * time.Minute), Received: 312, Waiting: 3},
				{Name: "orange-bko", Adapter: "orange", LastAt: st.now.Add(-50 * time.Hour), Unreadable: 2, Refused: 41, Failed: 6},
				{Name: "infobip", Adapter: "infobip"},
			}, nil
		},
	}
	for _, c := range change {
		c(&o)
	}
	con, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	app := fiber.New(fiber.Config{Immutable: true, StrictRouting: true, CaseSensitive: true, DisableStartupMessage: true, BodyLimit: 64 << 10, ReadBufferSize: 8 << 10})
	con.Mount(app)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- app.Listener(l) }()
	t.Cleanup(func() {
		_ = app.ShutdownWithTimeout(5 * time.Second)
		<-done
	})
	st.url = "http://" + l.Addr().String()
	return st
}

// phones speak as the languages do, and one code is dialled for every channel.
func phones(t *testing.T, ways *casework.Sending) *casework.Phones {
	t.Helper()
	words, err := locale.Load(locales.Files)
	if err != nil {
		t.Fatal(err)
	}
	p := &casework.Phones{
		Say:  func(tag, key string, args map[string]string) string { return words.Words(tag).Folded(key, args) },
		Dial: func(string) string { return "*384*1#" },
		Measure: func(tag, text string) casework.Measure {
			encoding, units, parts, pages, _ := screen.Measure(text, words.Words(tag), "ussd", true)
			return casework.Measure{GSM7: encoding == "gsm7", Units: units, Pages: pages, Parts: parts}
		},
		Fold: func(tag, text string) string { return words.Words(tag).Fold(text) }, Sending: ways,
		Banned: []string{"plainte*", "police*"},
	}
	for _, l := range words.Offered() {
		p.Languages = append(p.Languages, casework.Language{Tag: l.Tag, Name: l.Name})
	}
	return p
}

// agree keeps the number of whoever sends what submit stores, and her yes or no
// to being answered.
func (s *site) agree(t *testing.T, given bool) {
	t.Helper()
	contact := make([]byte, 32)
	for _, q := range []struct {
		sql  string
		args []any
	}{
		{`insert into number (contact, sealed, consent, keep_until) values ($1, $2, true, $3) on conflict do nothing`,
			[]any{contact, s.ring.Seal([]byte("+22370000001"), "number/"+string(contact)), s.now.Add(time.Hour)}},
		{`insert into wish (contact, purpose, given, at, medium) values ($1, 'answer', $2, $3, 'ussd') on conflict (contact, purpose) do update set given = $2`,
			[]any{contact, given, s.now.Add(-24 * time.Hour)}},
	} {
		if _, err := s.pool.Exec(t.Context(), q.sql, q.args...); err != nil {
			t.Fatal(err)
		}
	}
}

// submit stores a submission as a capture would, and gives its id.
func (s *site) submit(t *testing.T, m programme.Submission) string {
	t.Helper()
	s.serial++
	id := fmt.Sprintf("00000000-0000-8000-8000-%012d", s.serial)
	def := func(v *string, d string) {
		if *v == "" {
			*v = d
		}
	}
	def((*string)(&m.Level), "L1")
	def((*string)(&m.Kind), "feedback")
	def((*string)(&m.Status), "new")
	def(&m.Language, "fr")
	def(&m.Medium, "ussd")
	def(&m.Channel, "africastalking")
	def(&m.Region, "ML06")
	def((*string)(&m.Reference), string(programme.ReferenceOf(fmt.Appendf(nil, "%08d", s.serial*7919))))
	var sealed []byte
	if m.Text != "" {
		sealed = s.ring.Seal([]byte(m.Text), "submission/"+id)
	}
	answers := []byte("{}")
	if m.Answers != nil {
		answers, _ = json.Marshal(m.Answers)
	}
	if m.ReceivedAt.IsZero() {
		m.ReceivedAt = s.now
	}
	_, err := s.pool.Exec(t.Context(), `insert into submission (id, kind, level, status, reference, contact, channel, medium, language, project, place, region, answers, sealed, synthetic, confirmed, received_at)
		values ($1::text::uuid, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17)`,
		id, string(m.Kind), string(m.Level), string(m.Status), string(m.Reference), make([]byte, 32), m.Channel, m.Medium, m.Language, m.Project, m.Place, m.Region, answers, sealed, m.Synthetic, !m.Partial, m.ReceivedAt)
	if err != nil {
		t.Fatal(err)
	}
	return id
}

// call stores a message of somebody who asks to be called, and her number until
// a moment.
func (s *site) call(t *testing.T, m programme.Submission, until time.Time) string {
	t.Helper()
	m.Kind, m.Medium, m.Answers = programme.Open, "sms", map[string]string{"call": "yes"}
	id, contact := s.submit(t, m), make([]byte, 32)
	_, err := s.pool.Exec(t.Context(), `insert into number (contact, sealed, keep_until) values ($1, $2, $3) on conflict (contact) do update set keep_until = $3`,
		contact, s.ring.Seal([]byte("+22370000001"), "number/"+string(contact)), until)
	if err != nil {
		t.Fatal(err)
	}
	return id
}

// answer stores the reply to a message by SMS, in a state of delivery.
func (s *site) answer(t *testing.T, id, state, text string) {
	t.Helper()
	s.serial++
	out := fmt.Sprintf("00000000-0000-8000-8000-%012d", s.serial)
	_, err := s.pool.Exec(t.Context(), `
with i as (insert into inbound (id, contact, channel, sealed, answerable, received_at) select gen_random_uuid(), contact, channel, '', true, received_at from submission where id = $1::text::uuid returning *)
insert into outbound (id, inbound_id, contact, channel, class, sealed, state, created_at, changed_at) select $2::text::uuid, id, contact, channel, 'reply', $3, $4, $5, $5 from i`,
		id, out, s.ring.Seal([]byte(text), "outbound/"+out), state, s.now)
	if err != nil {
		t.Fatal(err)
	}
}

// report stores a leader's report by SMS, which waits to be confirmed.
func (s *site) report(t *testing.T, m programme.Submission) string {
	t.Helper()
	m.Kind, m.Medium = programme.Progress, "sms"
	id := s.submit(t, m)
	if _, err := s.pool.Exec(t.Context(), `update submission set confirmed = false where id = $1::text::uuid`, id); err != nil {
		t.Fatal(err)
	}
	return id
}

// confide stores an L3 message.
func (s *site) confide(t *testing.T, body programme.ConfidentialBody) {
	t.Helper()
	s.serial++
	b, err := json.Marshal(body)
	if err != nil {
		t.Fatal(err)
	}
	sealed, err := s.ring.SealConfidential(b)
	if err != nil {
		t.Fatal(err)
	}
	_, err = s.pool.Exec(t.Context(), `insert into confidential (id, contact, reference, sealed, received_at) values ($1::text::uuid, $2, '48271936', $3, $4)`,
		fmt.Sprintf("00000000-0000-8000-8000-%012d", s.serial), make([]byte, 32), sealed, s.now)
	if err != nil {
		t.Fatal(err)
	}
}

// client is a browser without a browser: cookies, and no following.
type client struct {
	*http.Client
	s     *site
	token string // of the last page
}

func (s *site) client(t *testing.T) *client {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	tr := &http.Transport{}
	t.Cleanup(tr.CloseIdleConnections)
	return &client{s: s, Client: &http.Client{Jar: jar, Transport: tr, Timeout: 30 * time.Second, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}}
}

var tokenField = regexp.MustCompile(`name="token" value="([0-9a-f]+)"`)

func (c *client) do(t *testing.T, r *http.Request) (*http.Response, string) {
	t.Helper()
	res, err := c.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	if m := tokenField.FindSubmatch(b); m != nil {
		c.token = string(m[1])
	}
	return res, string(b)
}

func (c *client) get(t *testing.T, path string) (*http.Response, string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, c.s.url+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	return c.do(t, r)
}

// post sends a form with the token of the last page, unless the form has one.
func (c *client) post(t *testing.T, path string, form url.Values, header ...string) (*http.Response, string) {
	t.Helper()
	if form == nil {
		form = url.Values{}
	}
	if !form.Has("token") {
		form.Set("token", c.token)
	}
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, c.s.url+path, strings.NewReader(form.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	return c.do(t, r)
}

// as signs in as the account of a role.
func (s *site) as(t *testing.T, r staff.Role) *client {
	t.Helper()
	c := s.client(t)
	c.get(t, "/console/login")
	res, body := c.post(t, "/console/login", url.Values{"username": {string(r)}, "password": {password}})
	if res.StatusCode != http.StatusSeeOther {
		t.Fatalf("%s: login answers %d: %s", r, res.StatusCode, body)
	}
	c.get(t, res.Header.Get("Location"))
	return c
}
