package gatewaytest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"lafia/gateway/message"
)

// sample is one file of testdata: a raw request, or a raw answer to a send.
type sample struct {
	name    string
	request message.Request // of a request
	kind    message.Kind
	signed  bool // with the signature that it came with
	answer  bool // an answer to a send: the two below
	status  int
	body    []byte
}

// samples reads dir/*.http. A file is
//
//	# source: where it was seen or documented, and when
//	# more comments
//	POST /webhooks/NAME/sms HTTP/1.1
//	Content-Type: application/x-www-form-urlencoded
//
//	the body, less one final newline
//
// The method, the path behind the kind and the query are the aggregator's own.
// The suite signs it, unless a comment is "# signed: as it came". It may also be
// an answer to a send, which begins with HTTP/1.1 201 Created; one whose file's
// name begins with "token" is the answer to a request for a token. Lines end with
// LF or CRLF. A header "Body-Encoding: quoted" says that the body is a Go string
// literal, for bytes that an editor would spoil; it is not part of the request.
func samples(t testing.TB, dir string) []sample {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*.http"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no samples in %s (%v)", dir, err)
	}
	var all []sample
	for _, file := range files {
		b, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		s, err := readSample(b)
		if err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		s.name = strings.TrimSuffix(filepath.Base(file), ".http")
		all = append(all, s)
	}
	return all
}

func readSample(b []byte) (sample, error) {
	if !bytes.HasPrefix(b, []byte("# source: ")) {
		return sample{}, fmt.Errorf("the first line is no comment that begins with \"# source: \"")
	}
	line := func() string {
		var l []byte
		l, b, _ = bytes.Cut(b, []byte("\n"))
		return strings.TrimSuffix(string(l), "\r")
	}
	first := line()
	signed := false
	for strings.HasPrefix(first, "#") {
		signed = signed || first == "# signed: as it came"
		first = line()
	}
	header := http.Header{}
	for l := line(); l != ""; l = line() {
		name, value, ok := strings.Cut(l, ":")
		if !ok {
			return sample{}, fmt.Errorf("%q is no header", l)
		}
		header.Add(name, strings.TrimSpace(value))
	}
	body := bytes.TrimSuffix(b, []byte("\n"))
	if header.Get("Body-Encoding") == "quoted" {
		header.Del("Body-Encoding")
		var s string
		if _, err := fmt.Sscanf(string(body), "%q", &s); err != nil {
			return sample{}, fmt.Errorf("quoted body: %w", err)
		}
		body = []byte(s)
	}
	s := sample{body: body, signed: signed}
	if strings.HasPrefix(first, "HTTP/") {
		s.answer = true
		_, err := fmt.Sscanf(first, "HTTP/1.1 %d", &s.status)
		return s, err
	}
	part := strings.Fields(first)
	if len(part) != 3 {
		return sample{}, fmt.Errorf("%q is no request line", first)
	}
	u, err := url.ParseRequestURI(part[1])
	if err != nil {
		return sample{}, err
	}
	segments := strings.Split(u.Path, "/") // "", "webhooks", NAME, kind, and what an aggregator appends
	if len(segments) < 4 || segments[1] != "webhooks" {
		return sample{}, fmt.Errorf("%q is no /webhooks/NAME/KIND", u.Path)
	}
	s.kind = message.Kind(segments[3])
	u.Scheme, u.Host = "https", header.Get("Host")
	s.request = message.Request{
		Method: part[0], URL: u, Header: header, Body: body, Remote: netip.MustParseAddr("192.0.2.1"),
	}
	return s, nil
}

// token reports whether it is the answer to a request for a token.
func (s sample) token() bool { return s.answer && strings.HasPrefix(s.name, "token") }

// Requests gives the requests of an adapter's testdata, by the names of their
// files, for tests that send them over a wire.
func Requests(t testing.TB, dir string) map[string]message.Request {
	t.Helper()
	out := map[string]message.Request{}
	for _, s := range samples(t, dir) {
		if !s.answer {
			out[s.name] = s.request
		}
	}
	return out
}

// Show renders what was read, numbers and all, for comparing.
func Show(p message.Parsed) string { return show(p) }

// clone is r with memory of its own.
func clone(r message.Request) message.Request {
	u := *r.URL
	r.URL, r.Header, r.Body = &u, r.Header.Clone(), bytes.Clone(r.Body)
	return r
}

// The shapes of a golden file: events with their numbers shown.
type (
	goldenParsed struct {
		Events     []goldenEvent `json:"events"`
		Alive      bool          `json:"alive,omitempty"`
		Refused    string        `json:"refused,omitempty"`
		Unreadable string        `json:"unreadable,omitempty"`
	}
	goldenEvent struct {
		Inbound *goldenInbound `json:"inbound,omitempty"`
		Receipt *goldenReceipt `json:"receipt,omitempty"`
		End     *goldenEnd     `json:"end,omitempty"`
	}
	goldenInbound struct {
		Medium     message.Medium `json:"medium"`
		From       string         `json:"from"`
		To         string         `json:"to"`
		Text       string         `json:"text"`
		ExternalID string         `json:"external_id,omitempty"`
		Identity   string         `json:"identity,omitempty"`
		Part       *goldenPart    `json:"part,omitempty"`
		Call       bool           `json:"call,omitempty"`
		SessionID  string         `json:"session_id,omitempty"`
		Cumulative bool           `json:"cumulative,omitempty"`
		Start      bool           `json:"start,omitempty"`
		Sequence   int            `json:"sequence,omitempty"`
		SentAt     *time.Time     `json:"sent_at,omitempty"`
	}
	goldenPart struct {
		Ref   string `json:"ref"`
		Index int    `json:"index"`
		Total int    `json:"total"`
	}
	goldenReceipt struct {
		ExternalID string         `json:"external_id"`
		OurID      string         `json:"our_id,omitempty"`
		To         string         `json:"to"`
		Status     message.Status `json:"status"`
		Reason     string         `json:"reason,omitempty"`
		At         *time.Time     `json:"at,omitempty"`
		Part       int            `json:"part,omitempty"`
		Parts      int            `json:"parts,omitempty"`
		PartID     string         `json:"part_id,omitempty"`
	}
	goldenEnd struct {
		From      string `json:"from"`
		SessionID string `json:"session_id"`
		Completed bool   `json:"completed"`
	}
	goldenOutcome struct {
		Verdict    message.Verdict `json:"verdict"`
		ExternalID string          `json:"external_id,omitempty"`
		Reason     string          `json:"reason,omitempty"`
		Parts      int             `json:"parts,omitempty"`
	}
)

// show renders what was parsed, numbers and all, so that two of them can be
// compared after their memory was written over.
func show(p message.Parsed) string {
	g := goldenParsed{Events: []goldenEvent{}, Alive: p.Alive, Refused: p.Refused, Unreadable: p.Unreadable}
	for _, e := range p.Events {
		var s goldenEvent
		if in := e.Inbound; in != nil {
			s.Inbound = &goldenInbound{
				Medium: in.Medium, From: in.From.Reveal(), To: in.To, Text: in.Text, ExternalID: in.ExternalID,
				Identity: in.Identity, Part: (*goldenPart)(in.Part), Call: in.Call,
				SessionID: in.SessionID, Cumulative: in.Cumulative, Start: in.Start, Sequence: in.Sequence, SentAt: when(in.SentAt),
			}
		}
		if r := e.Receipt; r != nil {
			s.Receipt = &goldenReceipt{
				ExternalID: r.ExternalID, OurID: r.OurID, To: r.To.Reveal(), Status: r.Status, Reason: r.Reason, At: when(r.At),
				Part: r.Part, Parts: r.Parts, PartID: r.PartID,
			}
		}
		if end := e.End; end != nil {
			s.End = &goldenEnd{From: end.From.Reveal(), SessionID: end.SessionID, Completed: end.Completed}
		}
		g.Events = append(g.Events, s)
	}
	return render(g)
}

// showEvents renders the events alone, one after the other.
func showEvents(p message.Parsed) string {
	var b strings.Builder
	for _, e := range p.Events {
		b.WriteString(show(message.Parsed{Events: []message.Event{e}}))
	}
	return b.String()
}

func showToken(token message.Secret, life time.Duration, err error) string {
	g := struct {
		Token string `json:"token,omitempty"`
		Life  string `json:"life,omitempty"`
		Error string `json:"error,omitempty"`
	}{Token: token.Reveal()}
	if err != nil {
		g.Error = err.Error()
	} else {
		g.Life = life.String()
	}
	return render(g)
}

func showOutcome(o message.Outcome) string { return render(goldenOutcome(o)) }

func render(v any) string {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(v); err != nil {
		return err.Error()
	}
	return b.String()
}

func when(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}

// checkGolden compares with the file beside the sample, or writes it.
func checkGolden(t *testing.T, dir, name, got string, update bool) {
	t.Helper()
	file := filepath.Join(dir, name+".golden")
	if update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatalf("%v; run with -update and read what it writes", err)
	}
	if got != string(want) {
		t.Errorf("%s: got\n%swant\n%s", file, got, want)
	}
}
