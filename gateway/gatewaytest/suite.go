// Package gatewaytest is the suite that every adapter passes, from nothing but
// its testdata: what its samples mean, and that what aggregators, networks and
// attackers do to them breaks nothing.
package gatewaytest

import (
	"bytes"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"
	"unicode/utf16"
	"unicode/utf8"

	"lafia/gateway/message"
)

// Options tell the suite what samples cannot.
type Options struct {
	// Account is what samples are parsed and messages are sent with. Where the
	// adapter checks signatures, Signatures holds the secret of the samples.
	Account message.Account
	// Now is the time to judge signatures by; zero is the first second of 2026.
	Now time.Time
	// Sign puts a right signature on a request, with the secret that Account
	// holds. nil: the aggregator signs nothing, and the adapter refuses nothing.
	Sign func(*message.Request)
	// SignedInBody tells that Sign puts the signature into the body or the query
	// (Vonage) and not into a header whose name holds "signature".
	SignedInBody bool
	// StatusField is the name of the field, in form or JSON, that holds the
	// state in a delivery report; empty: the adapter has no reports.
	StatusField string
	// Update writes the golden files instead of comparing.
	Update bool
}

func (o Options) now() time.Time {
	if o.Now.IsZero() {
		return time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	}
	return o.Now
}

// changed gives r with another body, signed where signatures exist: as if the
// aggregator itself had sent it.
func (o Options) changed(r message.Request, body []byte) message.Request {
	r = clone(r)
	r.Body = body
	r.Header.Del("Content-Length")
	if o.Sign != nil {
		o.Sign(&r)
	}
	return r
}

// Run is the suite. dir is the adapter's testdata.
func Run(t *testing.T, a message.Adapter, dir string, o Options) {
	all := samples(t, dir)
	for i := range all {
		if o.Sign != nil && !all[i].answer && !all[i].signed {
			o.Sign(&all[i].request)
		}
	}
	parse := func(s sample, r message.Request) message.Parsed { return a.Parse(s.kind, r, o.Account, o.now()) }

	t.Run("a sample means what its golden file says", func(t *testing.T) {
		for _, s := range all {
			if s.answer {
				sender, ok := a.(message.Sender)
				if !ok {
					t.Errorf("%s is the answer to a send, which this adapter does not do", s.name)
					continue
				}
				checkGolden(t, dir, s.name, showOutcome(sender.Outcome(s.status, s.body, nil, true)), o.Update)
				continue
			}
			checkGolden(t, dir, s.name, show(parse(s, clone(s.request))), o.Update)
		}
	})

	var requests []sample
	for _, s := range all {
		if !s.answer {
			requests = append(requests, s)
		}
	}
	each := func(name string, f func(t *testing.T, s sample, want string)) {
		t.Run(name, func(t *testing.T) {
			for _, s := range requests {
				want := show(parse(s, clone(s.request)))
				f(t, s, want)
			}
		})
	}

	each("what it reads obeys the contract", func(t *testing.T, s sample, _ string) {
		checkParsed(t, s.name, s.kind, parse(s, clone(s.request)), o)
	})
	each("the same request twice means the same, and is left as it was", func(t *testing.T, s sample, want string) {
		r := clone(s.request)
		first, second := show(parse(s, r)), show(parse(s, r))
		if first != want || second != want {
			t.Errorf("%s: got\n%sthen\n%swant\n%s", s.name, first, second, want)
		}
		if !bytes.Equal(r.Body, s.request.Body) || r.URL.String() != s.request.URL.String() || render(r.Header) != render(s.request.Header) {
			t.Errorf("%s: Parse changed the request", s.name)
		}
	})
	each("many goroutines read the same", func(t *testing.T, s sample, want string) {
		var wg sync.WaitGroup
		for range 16 {
			wg.Go(func() {
				if got := show(parse(s, s.request)); got != want {
					t.Errorf("%s: got\n%swant\n%s", s.name, got, want)
				}
			})
		}
		wg.Wait()
	})
	each("what it read does not change when the request's memory is used again", func(t *testing.T, s sample, want string) {
		r := clone(s.request)
		p := parse(s, r)
		for i := range r.Body {
			r.Body[i] = 'X'
		}
		for k := range r.Header {
			r.Header[k][0] = "X"
		}
		r.URL.RawQuery = "X"
		if got := show(p); got != want {
			t.Errorf("%s: got\n%swant\n%s", s.name, got, want)
		}
	})
	each("a request that was cut anywhere breaks nothing", func(t *testing.T, s sample, _ string) {
		for cut := range s.request.Body {
			checkParsed(t, s.name, s.kind, parse(s, o.changed(s.request, s.request.Body[:cut:cut])), o)
		}
	})
	each("a byte order mark changes nothing", func(t *testing.T, s sample, want string) {
		p := parse(s, o.changed(s.request, append([]byte("\uFEFF"), s.request.Body...)))
		checkParsed(t, s.name, s.kind, p, o)
		if got := show(p); got != want && p.Unreadable == "" && parse(s, clone(s.request)).Refused == "" {
			t.Errorf("%s: got\n%swant\n%sor an unreadable request", s.name, got, want)
		}
	})
	each("a body in UTF-16 breaks nothing", func(t *testing.T, s sample, _ string) {
		for _, mark := range [][]byte{{0xFE, 0xFF}, {0xFF, 0xFE}, nil} {
			body := bytes.Clone(mark)
			for _, u := range utf16.Encode([]rune(string(s.request.Body))) {
				if len(mark) > 0 && mark[0] == 0xFF {
					body = append(body, byte(u), byte(u>>8))
				} else {
					body = append(body, byte(u>>8), byte(u))
				}
			}
			checkParsed(t, s.name, s.kind, parse(s, o.changed(s.request, body)), o)
		}
	})
	each("a NUL or a broken character anywhere is in no text", func(t *testing.T, s sample, _ string) {
		for _, bad := range []string{"\x00", "%00", `\u0000`, "\xff", "%FF", "\xc3", "%C3", `\ud800`} {
			for at := 0; at <= len(s.request.Body); at += 1 + len(s.request.Body)/64 {
				body := append(append(bytes.Clone(s.request.Body[:at]), bad...), s.request.Body[at:]...)
				checkParsed(t, s.name, s.kind, parse(s, o.changed(s.request, body)), o)
			}
		}
	})
	each("64 KiB of anything are read in time", func(t *testing.T, s sample, _ string) {
		for _, filler := range []string{"a", "&", "=", "%", "*", "\x00", "\xff", "é", "&a=", "{", "[", `{"a":`, "<a>", "0"} {
			body := bytes.Clone(s.request.Body)
			body = append(body, bytes.Repeat([]byte(filler), (64<<10-len(body))/len(filler))...)
			start := time.Now()
			p := parse(s, o.changed(s.request, body))
			// A tenth of the budget of an SMS; what is quadratic takes longer.
			if took := time.Since(start); took > 500*time.Millisecond {
				t.Errorf("%s: 64 KiB of %q took %s", s.name, filler, took)
			}
			checkParsed(t, s.name, s.kind, p, o)
		}
	})
	each("a field that nobody knows changes nothing", func(t *testing.T, s sample, want string) {
		if len(s.request.Body) == 0 || parse(s, clone(s.request)).Refused != "" {
			return
		}
		var body []byte
		if start := bytes.TrimLeft(s.request.Body, " \n\t"); len(start) > 1 && start[0] == '{' {
			body = append([]byte(`{"lafiaUnknown":{"a":[1,null,"x"]},`), start[1:]...)
			if !json.Valid(body) {
				return // the sample is no JSON itself
			}
		} else {
			body = append(bytes.Clone(s.request.Body), "&lafiaUnknown=%41+x&=&&lafia%5B%5D"...)
		}
		if got := show(parse(s, o.changed(s.request, body))); got != want {
			t.Errorf("%s: got\n%swant\n%s", s.name, got, want)
		}
	})
	if o.StatusField != "" {
		t.Run("a state that nobody knows is unknown and no error", func(t *testing.T) {
			reports := 0
			for _, s := range requests {
				if p := parse(s, clone(s.request)); len(p.Events) == 0 || p.Events[0].Receipt == nil {
					continue
				}
				reports++
				body, err := withStatus(s.request.Body, o.StatusField, "LafiaNeverSaidSo")
				if err != nil {
					t.Errorf("%s: %v", s.name, err)
					continue
				}
				p := parse(s, o.changed(s.request, body))
				checkParsed(t, s.name, s.kind, p, o)
				if p.Refused != "" || p.Unreadable != "" || len(p.Events) == 0 || p.Events[0].Receipt == nil || p.Events[0].Receipt.Status != message.StatusUnknown {
					t.Errorf("%s: got\n%s", s.name, show(p))
				}
			}
			if reports == 0 {
				t.Error("no sample is a delivery report")
			}
		})
	}
	if o.Sign == nil {
		each("where nothing is signed nothing is refused", func(t *testing.T, s sample, _ string) {
			if p := parse(s, clone(s.request)); p.Refused != "" {
				t.Errorf("%s: refused: %s", s.name, p.Refused)
			}
		})
	} else {
		each("a forged request is refused", func(t *testing.T, s sample, _ string) { forge(t, a, s, o) })
	}
	t.Run("replies and acknowledgements obey the contract", func(t *testing.T) { answers(t, a) })
	if sender, ok := a.(message.Sender); ok {
		t.Run("sending obeys the contract", func(t *testing.T) { sends(t, sender, o) })
	}
}

// Fuzz feeds Parse with what grows from the samples.
func Fuzz(f *testing.F, a message.Adapter, dir string, o Options) {
	for _, s := range samples(f, dir) {
		if !s.answer {
			f.Add(string(s.kind), s.request.Header.Get("Content-Type"), s.request.URL.RawQuery, s.request.Body)
		}
	}
	f.Fuzz(func(t *testing.T, kind, contentType, query string, body []byte) {
		r := message.Request{
			Method: http.MethodPost,
			URL:    &url.URL{Scheme: "https", Host: "lafia.example", Path: "/webhooks/x/" + kind, RawQuery: query},
			Header: http.Header{"Content-Type": {contentType}},
			Body:   body,
		}
		r = o.changed(r, body)
		p := a.Parse(message.Kind(kind), r, o.Account, o.now())
		checkParsed(t, "fuzz", message.Kind(kind), p, o)
		if got, want := show(a.Parse(message.Kind(kind), r, o.Account, o.now())), show(p); got != want {
			t.Errorf("the same request gave\n%sand\n%s", want, got)
		}
	})
}

var number = regexp.MustCompile(`[0-9]{8}`)

// checkParsed holds what is true of every Parsed, whatever the request was.
func checkParsed(t testing.TB, name string, kind message.Kind, p message.Parsed, o Options) {
	t.Helper()
	fail := func(format string) { t.Helper(); t.Errorf("%s: "+format+"\n%s", name, show(p)) }
	if p.Refused != "" && (len(p.Events) > 0 || p.Unreadable != "") {
		fail("a refused request gave something")
	}
	if p.Refused != "" && o.Sign == nil {
		fail("refused, where nothing is signed")
	}
	for _, reason := range []string{p.Refused, p.Unreadable} {
		if strings.ContainsAny(reason, "\r\n\x00") || !utf8.ValidString(reason) || len(reason) > 300 {
			fail("a reason is one line")
		}
		if number.MatchString(reason) {
			fail("a reason holds no number")
		}
	}
	for _, e := range p.Events {
		var texts []string
		fields := 0
		if in := e.Inbound; in != nil {
			fields++
			texts = append(texts, in.From.Reveal(), in.To, in.Text, in.ExternalID, in.SessionID)
			if in.From.IsZero() {
				fail("a message is from someone")
			}
			if in.Medium != message.SMS && in.Medium != message.USSD || in.Medium == message.USSD && kind != message.KindUSSD {
				fail("a message has the medium of its webhook")
			}
			if in.Medium == message.USSD && in.SessionID == "" {
				fail("a hop has a session")
			}
			if in.Cumulative && in.Start {
				fail("a cumulative first request is known by its empty text, not by Start")
			}
			if in.SentAt.Location() != time.UTC {
				fail("times are UTC")
			}
		}
		if r := e.Receipt; r != nil {
			fields++
			texts = append(texts, r.ExternalID, r.OurID, r.To.Reveal(), string(r.Status), r.Reason)
			if r.ExternalID == "" && r.OurID == "" {
				fail("a receipt names a message")
			}
			switch r.Status {
			case message.StatusQueued, message.StatusSent, message.StatusDelivered, message.StatusFailed, message.StatusExpired, message.StatusUnknown:
			default:
				fail("a receipt has one of our states")
			}
			if r.At.Location() != time.UTC {
				fail("times are UTC")
			}
		}
		if e.End != nil {
			fields++
			texts = append(texts, e.End.From.Reveal(), e.End.SessionID)
			if e.End.SessionID == "" {
				fail("the end of a session names it")
			}
		}
		if fields != 1 {
			fail("an event is exactly one of its fields")
		}
		for _, s := range texts {
			if !utf8.ValidString(s) || strings.Contains(s, "\x00") {
				fail("text is valid UTF-8 without NUL")
			}
		}
	}
}

// forge changes what a signature covers, and the signature.
func forge(t *testing.T, a message.Adapter, s sample, o Options) {
	t.Helper()
	expect := func(what string, refused bool, r message.Request, acc message.Account, now time.Time) {
		t.Helper()
		if p := a.Parse(s.kind, r, acc, now); (p.Refused != "") != refused {
			t.Errorf("%s: %s: refused is %v, want %v\n%s", s.name, what, !refused, refused, show(p))
		}
	}
	good := o.changed(s.request, bytes.Clone(s.request.Body))
	with := func(secrets ...message.Secret) message.Account {
		acc := o.Account
		acc.Signatures = secrets
		return acc
	}
	right, wrong := o.Account.Signatures[0], message.NewSecret("wrong")
	expect("as signed", false, good, o.Account, o.now())
	expect("no secret", true, good, with(), o.now())
	expect("an empty secret", true, good, with(message.NewSecret("")), o.now())
	expect("another secret", true, good, with(wrong), o.now())
	expect("the old and the new secret", false, good, with(wrong, right), o.now())
	for i := range good.Body {
		r := clone(good)
		r.Body[i] ^= 1
		expect("a changed byte", true, r, o.Account, o.now())
	}
	signed := false
	for name := range good.Header {
		if !strings.Contains(strings.ToLower(name), "signature") {
			continue
		}
		signed = true
		r := clone(good)
		r.Header.Set(name, "forged")
		expect("another "+name, true, r, o.Account, o.now())
		r.Header.Del(name)
		expect("no "+name, true, r, o.Account, o.now())
		r.Header.Set(name, "")
		expect("an empty "+name, true, r, o.Account, o.now())
	}
	if !signed && !o.SignedInBody {
		t.Errorf("%s: Sign set no header whose name holds \"signature\"", s.name)
	}
}

// answers checks Reply and Ack.
func answers(t *testing.T, a message.Adapter) {
	t.Helper()
	if n := a.Name(); n == "" || strings.ToLower(n) != n || strings.ContainsAny(n, " /") {
		t.Errorf("the name %q is not lower case without spaces", n)
	}
	for _, kind := range []message.Kind{message.KindSMS, message.KindStatus, message.KindUSSD} {
		if r := a.Ack(kind); r.Status != 0 && (r.Status < 200 || r.Status > 299) {
			t.Errorf("Ack(%s) has status %d", kind, r.Status)
		}
		if render(a.Ack(kind)) != render(a.Ack(kind)) {
			t.Errorf("Ack(%s) is not the same twice", kind)
		}
	}
	screen := message.Reply{SessionID: "s1", From: message.ParseNumber("+22370000001"), Text: "Merci.\n1 Suite"}
	end := screen
	end.End = true
	on, off := a.Reply(screen), a.Reply(end)
	for _, r := range []message.Response{on, off} {
		if r.Status != 0 && r.Status != http.StatusOK {
			t.Errorf("a screen has status %d", r.Status)
		}
		if r.ContentType == "" {
			t.Error("a screen has no content type")
		}
		if !bytes.Contains(r.Body, []byte("Merci.")) {
			t.Error("a screen does not hold its text")
		}
	}
	if render(on) == render(off) {
		t.Error("the last screen is not told from others")
	}
	if render(a.Reply(screen)) != render(on) {
		t.Error("a screen is not the same twice")
	}
}

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

// withStatus puts a word into a field of a form or JSON body.
func withStatus(body []byte, field, word string) ([]byte, error) {
	var v any
	if json.Unmarshal(body, &v) == nil {
		if !replace(v, field, word) {
			return nil, errors.New("no field " + field)
		}
		return json.Marshal(v)
	}
	form, err := url.ParseQuery(string(body))
	if err != nil {
		return nil, err
	}
	if !form.Has(field) {
		return nil, errors.New("no field " + field)
	}
	form.Set(field, word)
	return []byte(form.Encode()), nil
}

func replace(v any, field, word string) (found bool) {
	switch v := v.(type) {
	case map[string]any:
		for k := range v {
			if _, text := v[k].(string); text && k == field {
				v[k], found = word, true
			} else {
				found = replace(v[k], field, word) || found
			}
		}
	case []any:
		for i := range v {
			found = replace(v[i], field, word) || found
		}
	}
	return found
}
