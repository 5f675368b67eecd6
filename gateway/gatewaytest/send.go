package gatewaytest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"strings"
	"testing"
	"time"

	"lafia/gateway/message"
)

// sends checks Request and Outcome.
func sends(t *testing.T, a message.Sender, o Options) {
	t.Helper()
	m := message.Outbound{ID: "0190a1b2-0000-7000-8000-000000000001", To: message.ParseNumber("+22370000001"), Text: "Projet Lafia: été & paix + 50 % ɛɔɲŋ"}
	first, err := a.Request(m, o.Account)
	if err != nil {
		t.Fatalf("Request: %v", err)
	}
	second, _ := a.Request(m, o.Account)
	if render(first) != render(second) {
		t.Error("the same message gives two requests")
	}
	u, err := url.Parse(first.URL)
	if err != nil || u.Host == "" || first.Method == "" {
		t.Errorf("the request has no method or address (%v)", err)
	}
	bad := func(what string, m message.Outbound, acc message.Account) {
		t.Helper()
		_, err := a.Request(m, acc)
		if err == nil {
			t.Errorf("a message with %s can be sent", what)
			return
		}
		if number.MatchString(err.Error()) || strings.Contains(err.Error(), "Projet") {
			t.Errorf("the error of a message with %s holds a number or text: %v", what, err)
		}
	}
	nobody, name := m, m
	nobody.To = message.Number{}
	name.To = message.ParseNumber("LAFIA")
	bad("no receiver", nobody, o.Account)
	bad("a name for a receiver", name, o.Account)
	bad("no settings", m, message.Account{})

	down := errors.New("broken")
	for _, c := range []struct {
		what   string
		status int
		err    error
		wrote  bool
		want   message.Verdict
	}{
		{"no connection", 0, down, false, message.Retry},
		{"no answer", 0, down, true, message.Ambiguous},
		{"too many requests", 429, nil, true, message.Retry},
		{"an error of the server", 500, nil, true, message.Ambiguous},
		{"a bad gateway", 502, nil, true, message.Ambiguous},
		{"an absent service", 503, nil, true, message.Ambiguous},
		{"a gateway that waited in vain", 504, nil, true, message.Ambiguous},
		{"a bad request", 400, nil, true, message.Rejected},
	} {
		if got := a.Outcome(c.status, []byte("no"), c.err, c.wrote); got.Verdict != c.want {
			t.Errorf("%s: %s, want %s", c.what, got.Verdict, c.want)
		}
	}
	for _, body := range []string{"", "{", "null", "[]", "{}", "\xff\x00", "<html>"} {
		// It may have been sent: to send again would be to send twice.
		if got := a.Outcome(200, []byte(body), nil, true); got.Verdict == message.Retry {
			t.Errorf("an answer of %q is tried again", body)
		}
	}
}

// ends asks what becomes of a send in every way that it can end: the answers
// among the samples, and the faults of networks.
func ends(t *testing.T, a message.Sender, all []sample) {
	t.Helper()
	got := map[message.Verdict]int{}
	for _, s := range all {
		if !s.answer || s.token() {
			continue
		}
		o := a.Outcome(s.status, s.body, nil, true)
		got[o.Verdict]++
		checkOutcome(t, s.name, o)
		if again := a.Outcome(s.status, s.body, nil, true); again != o {
			t.Errorf("%s: %+v, then %+v", s.name, o, again)
		}
		for cut := range s.body {
			half := a.Outcome(s.status, s.body[:cut], io.ErrUnexpectedEOF, true)
			checkOutcome(t, s.name, half)
			if half.Verdict != message.Ambiguous {
				t.Errorf("%s: an answer whose rest was lost after %d bytes is %s, want ambiguous", s.name, cut, half.Verdict)
			}
			half = a.Outcome(s.status, s.body[:cut], nil, true)
			checkOutcome(t, s.name, half)
			if o.Verdict == message.Sent && half.Verdict == message.Retry {
				t.Errorf("%s: an answer that says sent is tried again when it is cut after %d bytes", s.name, cut)
			}
		}
	}
	for verdict, what := range map[message.Verdict]string{
		message.Sent: "accepted", message.Rejected: "rejected for good", message.Retry: "refused for now (throttled, no credit, a wrong key)",
	} {
		if got[verdict] == 0 {
			t.Errorf("no sample is the answer to a send that was %s", what)
		}
	}
	for _, c := range []struct {
		what  string
		err   error
		wrote bool
		want  message.Verdict
	}{
		{"a time-out before the request was written", context.DeadlineExceeded, false, message.Retry},
		{"a time-out after the request was written", context.DeadlineExceeded, true, message.Ambiguous},
		{"a connection refused", errors.New("connect: connection refused"), false, message.Retry},
		{"a connection reset while waiting", errors.New("read: connection reset by peer"), true, message.Ambiguous},
		{"an answer that never came", io.EOF, true, message.Ambiguous},
	} {
		err := &url.Error{Op: "Post", URL: "https://user:geheim@far.example/send?to=22370000001", Err: c.err}
		o := a.Outcome(0, nil, err, c.wrote)
		checkOutcome(t, c.what, o)
		if o.Verdict != c.want {
			t.Errorf("%s: %s, want %s", c.what, o.Verdict, c.want)
		}
		if strings.Contains(o.Reason, "geheim") {
			t.Errorf("%s: the reason quotes the address: %s", c.what, o.Reason)
		}
	}
}

// checkOutcome holds what is true of every Outcome.
func checkOutcome(t testing.TB, name string, o message.Outcome) {
	t.Helper()
	switch o.Verdict {
	case message.Sent, message.Rejected, message.Retry, message.Ambiguous:
	default:
		t.Errorf("%s: %q is no verdict", name, o.Verdict)
	}
	if o.Verdict == message.Retry && o.ExternalID != "" {
		t.Errorf("%s: what was surely not sent has an id", name)
	}
	if o.Parts < 0 || o.Parts > 255 {
		t.Errorf("%s: %d parts", name, o.Parts)
	}
	if number.MatchString(o.Reason) || strings.ContainsAny(o.Reason, "\r\n\x00") || len(o.Reason) > 300 {
		t.Errorf("%s: a reason is one line without a number: %q", name, o.Reason)
	}
}

// tokens checks TokenRequest, ReadToken, and that a send uses the token.
func tokens(t *testing.T, a message.TokenSender, o Options) {
	t.Helper()
	if _, err := a.TokenRequest(message.Account{}); err == nil {
		t.Error("a token can be asked for without settings")
	}
	ask, err := a.TokenRequest(o.Account)
	if err != nil {
		t.Fatalf("TokenRequest: %v", err)
	}
	if ask.URL == "" {
		return // this account needs none
	}
	if again, _ := a.TokenRequest(o.Account); render(again) != render(ask) {
		t.Error("the same account asks in two ways for a token")
	}
	if u, err := url.Parse(ask.URL); err != nil || u.Host == "" || ask.Method == "" {
		t.Errorf("the request for a token has no method or address (%v)", err)
	}
	account := o.Account
	account.Token = message.NewSecret("suite-token-1")
	m := message.Outbound{ID: "0190a1b2-0000-7000-8000-000000000001", To: message.ParseNumber("+22370000001"), Text: "Lafia"}
	send, err := a.Request(m, account)
	if err != nil {
		t.Fatalf("Request: %v", err)
	}
	if !strings.Contains(fmt.Sprint(send.URL, send.Header, string(send.Body)), "suite-token-1") {
		t.Error("a send does not show the token")
	}
	for _, c := range []struct {
		status int
		body   string
	}{
		{200, ""}, {200, "{"}, {200, "null"}, {200, "[]"}, {200, "{}"}, {200, "<html>geheim</html>"}, {200, `{"access_token":""}`},
		{400, `{"error":"geheim"}`}, {401, `{"access_token":"geheim","expires_in":3600}`}, {500, "geheim"}, {302, "geheim"},
	} {
		token, life, err := a.ReadToken(c.status, []byte(c.body))
		if err == nil {
			t.Errorf("%d %q gives a token that lives %s", c.status, c.body, life)
			continue
		}
		if !token.IsZero() || strings.Contains(err.Error(), "geheim") {
			t.Errorf("%d %q: an error gives no token and quotes nothing: %v", c.status, c.body, err)
		}
	}
}

// registers checks Registrations.
func registers(t *testing.T, a message.Registrar, o Options) {
	t.Helper()
	const address, token = "https://lafia.example/webhooks/x", "suite-token"
	list := a.Registrations(o.Account, address, token)
	if len(list) == 0 {
		t.Fatal("the account of the suite registers nothing")
	}
	if again := a.Registrations(o.Account, address, token); render(again) != render(list) {
		t.Error("the same account registers in two ways")
	}
	for i, r := range list {
		if u, err := url.Parse(r.URL); err != nil || u.Host == "" || r.Method == "" {
			t.Errorf("registration %d has no method or address (%v)", i+1, err)
		}
		if !strings.Contains(fmt.Sprint(r.URL, string(r.Body)), "/webhooks/x") && !strings.Contains(fmt.Sprint(r.URL, string(r.Body)), url.QueryEscape("/webhooks/x")) {
			t.Errorf("registration %d does not name the channel's address", i+1)
		}
	}
	if list := a.Registrations(message.Account{}, address, token); len(list) != 0 {
		t.Errorf("without settings %d webhooks are registered", len(list))
	}
}

// settings checks what an adapter says of settings: lines, without secrets.
func settings(t *testing.T, c message.SettingChecker, o Options) {
	t.Helper()
	for what, lines := range map[string][]string{
		"the settings of the suite": c.CheckSettings(o.Account), "no settings": c.CheckSettings(message.Account{}), "the aggregator's side": c.Advice(),
	} {
		for _, l := range lines {
			if strings.TrimSpace(l) == "" || strings.ContainsAny(l, "\r\n") {
				t.Errorf("%s: what is said is one line: %q", what, l)
			}
			for _, s := range o.Account.Signatures {
				if len(s.Reveal()) >= 8 && strings.Contains(l, s.Reveal()) { // shorter ones are words
					t.Errorf("%s: a secret is said", what)
				}
			}
		}
	}
	for _, l := range c.CheckSettings(o.Account) {
		t.Errorf("the account of the suite is whole, and yet: %s", l)
	}
	if len(c.CheckSettings(message.Account{})) == 0 {
		t.Error("nothing is said of an account without settings")
	}
}

// replay asks what becomes of a signed request that comes later than it was
// signed, or from a clock that is ahead.
func replay(t *testing.T, a message.Adapter, s sample, o Options, want string) {
	t.Helper()
	if s.signed {
		return // at whatever time it was
	}
	good := o.changed(s.request, s.request.Body)
	at := func(after time.Duration) message.Parsed {
		return a.Parse(s.kind, clone(good), o.Account, o.now().Add(after))
	}
	const weeks = 45 * 24 * time.Hour
	if at(weeks).Refused == "" { // no time is in the signature
		if o.Window > 0 {
			t.Errorf("%s: it is read 45 days after it was signed", s.name)
		}
		if got := show(at(weeks)); got != want {
			t.Errorf("%s: weeks late it means\n%swant\n%s", s.name, got, want)
		}
		return
	}
	type edge struct {
		after   time.Duration
		refused bool
	}
	edges := []edge{{0, false}, {time.Minute, false}, {-time.Minute, false}, {24 * time.Hour, true}, {-24 * time.Hour, true}}
	if o.Window > 0 {
		edges = append(edges, edge{o.Window - 2*time.Second, false}, edge{2*time.Second - o.Window, false},
			edge{o.Window + 2*time.Second, true}, edge{-o.Window - 2*time.Second, true})
	}
	for _, e := range edges {
		if p := at(e.after); (p.Refused != "") != e.refused {
			t.Errorf("%s: %s after it was signed: refused is %v, want %v", s.name, e.after, !e.refused, e.refused)
		}
	}
}
