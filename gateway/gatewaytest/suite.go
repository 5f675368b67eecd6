// Package gatewaytest is the suite that every adapter passes, from nothing but
// its testdata: what its samples mean, and that what aggregators, networks and
// attackers do to them breaks nothing.
//
// An adapter's test is
//
//	var update = flag.Bool("update", false, "write the golden files")
//
//	func TestTheSuitePasses(t *testing.T) {
//		gatewaytest.Run(t, New(), "testdata", gatewaytest.Options{
//			Account:     message.Account{Settings: map[string]string{"api_key": "k"}},
//			StatusField: "status",
//			Update:      *update,
//		})
//	}
//
//	func FuzzParse(f *testing.F) { gatewaytest.Fuzz(f, New(), "testdata", …) }
//
// and its testdata are *.http files, raw requests and raw answers with their
// source in the first line:
//
//	sms.http           POST /webhooks/NAME/sms HTTP/1.1 …: a request. The kind is what
//	                   follows NAME: sms, ussd, status or call; a GET has its fields in
//	                   the query, a path of the aggregator's own follows the kind
//	send_sent.http     HTTP/1.1 201 Created …: an answer to a send. Among them must be
//	                   one that accepts, one that rejects for good, and one that
//	                   refuses for now
//	token_fresh.http   the same for a request for a token
//
// `go test ./gateway/NAME -update` writes beside each what it means: read that.
//
// From these the suite makes the rest: each request twice, in another order, from
// many goroutines, weeks late, cut anywhere, as UTF-16, with a byte order mark,
// with NUL and broken characters anywhere, grown to 64 KiB, with a field, a path
// and a state that nobody knows; several in one (Options.Batch); forged, under
// another secret and under two, and outside its window (Options.Sign); each
// answer cut anywhere, and the faults of networks. What an adapter does beyond
// message.Adapter (Sender, TokenSender, Registrar, SettingChecker) is found by
// assertion and asked about too. That a request arrives as it is through the
// server, slowly, is gateway's own test, for every adapter in the table.
package gatewaytest

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/url"
	"regexp"
	"slices"
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
	// Window is how far the time in a signature may be from now. It need not be
	// said: that a minute is borne and a day is not is asked of every scheme that
	// has a time in it; with Window the edges are asked too. Sign signs for Now.
	Window time.Duration
	// SignedInBody tells that Sign puts the signature into the body or the query
	// (Vonage) and not into a header whose name holds "signature".
	SignedInBody bool
	// StatusField is the name of the field, in form, query or JSON, that holds the
	// state in a delivery report; empty: the adapter has no reports.
	StatusField string
	// Batch is the name of the JSON array that holds several messages or reports
	// in one request (Infobip: "results"); empty: a request holds one.
	Batch string
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

// Run is the suite. dir is the adapter's testdata: every request that it can get
// and every answer that it can get to a send, as *.http files (see samples), and
// beside them what they mean, as *.golden files that -update writes.
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
			got := ""
			switch {
			case !s.answer:
				got = show(parse(s, clone(s.request)))
			case s.token():
				sender, ok := a.(message.TokenSender)
				if !ok {
					t.Errorf("%s is the answer to a request for a token, which this adapter does not make", s.name)
					continue
				}
				got = showToken(sender.ReadToken(s.status, s.body))
			default:
				sender, ok := a.(message.Sender)
				if !ok {
					t.Errorf("%s is the answer to a send, which this adapter does not do", s.name)
					continue
				}
				got = showOutcome(sender.Outcome(s.status, s.body, nil, true))
			}
			checkGolden(t, dir, s.name, got, o.Update)
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
	t.Run("the order of requests changes nothing", func(t *testing.T) {
		var want []string
		for _, s := range requests {
			want = append(want, show(parse(s, clone(s.request))))
		}
		for i, s := range slices.Backward(requests) {
			if got := show(parse(s, clone(s.request))); got != want[i] {
				t.Errorf("%s: read in another order it means\n%swant\n%s", s.name, got, want[i])
			}
		}
	})
	if o.Sign == nil {
		each("a request that comes weeks late means the same", func(t *testing.T, s sample, want string) {
			if got := show(a.Parse(s.kind, clone(s.request), o.Account, o.now().AddDate(0, 0, 45))); got != want {
				t.Errorf("%s: got\n%swant\n%s", s.name, got, want)
			}
		})
	}
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
		carried := []byte(carried(s.request))
		for cut := range carried {
			checkParsed(t, s.name, s.kind, parse(s, o.carrying(s.request, carried[:cut:cut])), o)
		}
	})
	each("a byte order mark changes nothing", func(t *testing.T, s sample, want string) {
		if len(s.request.Body) == 0 {
			return
		}
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
			carried := []byte(carried(s.request))
			for at := 0; at <= len(carried); at += 1 + len(carried)/64 {
				text := append(append(bytes.Clone(carried[:at]), bad...), carried[at:]...)
				checkParsed(t, s.name, s.kind, parse(s, o.carrying(s.request, text)), o)
			}
		}
	})
	each("64 KiB of anything are read in time", func(t *testing.T, s sample, _ string) {
		for _, filler := range []string{"a", "&", "=", "%", "*", "\x00", "\xff", "é", "&a=", "{", "[", `{"a":`, "<a>", "0"} {
			body := []byte(carried(s.request))
			body = append(body, bytes.Repeat([]byte(filler), (64<<10-len(body))/len(filler))...)
			start := time.Now()
			p := parse(s, o.carrying(s.request, body))
			// A tenth of the budget of an SMS; what is quadratic takes longer.
			if took := time.Since(start); took > 500*time.Millisecond {
				t.Errorf("%s: 64 KiB of %q took %s", s.name, filler, took)
			}
			checkParsed(t, s.name, s.kind, p, o)
		}
	})
	each("a field that nobody knows changes nothing", func(t *testing.T, s sample, want string) {
		if parse(s, clone(s.request)).Refused != "" {
			return
		}
		var text []byte
		switch from := []byte(carried(s.request)); carrier(s.request) {
		case carriesJSON:
			text = append([]byte(`{"lafiaUnknown":{"a":[1,null,"x"]},`), bytes.TrimLeft(from, " \n\t")[1:]...)
			if !json.Valid(text) {
				return // the sample is no JSON itself
			}
		default:
			text = append(from, "&lafiaUnknown=%41+x&=&&lafia%5B%5D"...)
		}
		if got := show(parse(s, o.carrying(s.request, text))); got != want {
			t.Errorf("%s: got\n%swant\n%s", s.name, got, want)
		}
	})
	each("a path that nobody knows breaks nothing", func(t *testing.T, s sample, _ string) {
		for _, tail := range []string{"/", "/x", "/session//start", "/session/a\x00\xff/start", "/session/" + strings.Repeat("9", 4000) + "/response", "/../.."} {
			r := clone(s.request)
			r.URL.Path, r.URL.RawPath = "/webhooks/x/"+string(s.kind)+tail, ""
			checkParsed(t, s.name, s.kind, parse(s, o.changed(r, r.Body)), o)
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
				text, err := withStatus(s.request, o.StatusField, "LafiaNeverSaidSo")
				if err != nil {
					t.Errorf("%s: %v", s.name, err)
					continue
				}
				p := parse(s, o.carrying(s.request, text))
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
	if o.Batch != "" {
		t.Run("several in one request are read in order, and a bad one costs itself alone", func(t *testing.T) { batch(t, a, requests, o) })
	}
	if o.Sign == nil {
		each("where nothing is signed nothing is refused", func(t *testing.T, s sample, _ string) {
			if p := parse(s, clone(s.request)); p.Refused != "" {
				t.Errorf("%s: refused: %s", s.name, p.Refused)
			}
		})
	} else {
		each("a forged request is refused", func(t *testing.T, s sample, _ string) { forge(t, a, s, o) })
		each("a request that is late is read where nothing says when it was signed, and refused outside its window where something does",
			func(t *testing.T, s sample, want string) { replay(t, a, s, o, want) })
	}
	t.Run("replies and acknowledgements obey the contract", func(t *testing.T) { answers(t, a) })
	if sender, ok := a.(message.Sender); ok {
		t.Run("sending obeys the contract", func(t *testing.T) { sends(t, sender, o) })
		t.Run("every end of a send has its verdict", func(t *testing.T) { ends(t, sender, all) })
	}
	if sender, ok := a.(message.TokenSender); ok {
		t.Run("tokens obey the contract", func(t *testing.T) { tokens(t, sender, o) })
	}
	if r, ok := a.(message.Registrar); ok {
		t.Run("registering webhooks obeys the contract", func(t *testing.T) { registers(t, r, o) })
	}
	if c, ok := a.(message.SettingChecker); ok {
		t.Run("what is said of settings obeys the contract", func(t *testing.T) { settings(t, c, o) })
	}
}

// Fuzz feeds Parse with what grows from the samples: every part of a request
// that a far end can choose.
func Fuzz(f *testing.F, a message.Adapter, dir string, o Options) {
	for _, s := range samples(f, dir) {
		if !s.answer {
			_, tail, _ := strings.Cut(s.request.URL.Path, "/"+string(s.kind))
			f.Add(s.request.Method, string(s.kind), tail, s.request.Header.Get("Content-Type"), s.request.URL.RawQuery, s.request.Body)
		}
	}
	f.Fuzz(func(t *testing.T, method, kind, tail, contentType, query string, body []byte) {
		r := message.Request{
			Method: method,
			URL:    &url.URL{Scheme: "https", Host: "lafia.example", Path: "/webhooks/x/" + kind + tail, RawQuery: query},
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
	if p.Alive && (len(p.Events) > 0 || p.Refused != "" || p.Unreadable != "") {
		fail("a sign of life is nothing else")
	}
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
			texts = append(texts, in.From.Reveal(), in.To, in.Text, in.ExternalID, in.SessionID, in.Identity)
			if p := in.Part; p != nil {
				texts = append(texts, p.Ref)
				if p.Index < 1 || p.Total < 2 || p.Index > p.Total || p.Total > 255 {
					fail("a part has a place from 1 to its total, and a total from 2 to 255")
				}
				if in.Medium != message.SMS || in.Call {
					fail("only an SMS has parts")
				}
			}
			if in.Call && (in.Text != "" || in.Medium != message.SMS) {
				fail("a call has the medium of an SMS and no text")
			}
			if kind == message.KindCall && !in.Call {
				fail("what comes to the webhook of calls is a call")
			}
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
			texts = append(texts, r.ExternalID, r.OurID, r.To.Reveal(), string(r.Status), r.Reason, r.PartID)
			if r.Part < 0 || r.Parts < 0 || r.Parts > 255 || r.Parts > 0 && r.Part > r.Parts {
				fail("a receipt's part has a place from 1 to the number of parts, which is 255 at most")
			}
			if r.Part > 0 && r.PartID != "" {
				fail("a receipt's part has a number or an id, not both")
			}
			if number.MatchString(r.Reason) {
				fail("a reason holds no number")
			}
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
	if carrier(good) == carriesQuery && len(good.Body) == 0 { // the signature can be over nothing else
		for i := range good.URL.RawQuery {
			if skip := tokenIn(good.URL.RawQuery); i >= skip[0] && i < skip[1] {
				continue // ours, and the gateway's affair
			}
			r := clone(good)
			q := []byte(r.URL.RawQuery)
			q[i] ^= 1
			r.URL.RawQuery = string(q)
			expect("a changed byte of the query", true, r, o.Account, o.now())
		}
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
	for _, kind := range []message.Kind{message.KindSMS, message.KindStatus, message.KindUSSD, message.KindCall} {
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
