package main

import (
	"bufio"
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"time"

	"lafia/gateway"
	"lafia/gateway/message"
	"lafia/internal/app"
)

// webhookCmd is `lafia webhook`.
type webhookCmd struct {
	Parse webhookParseCmd `cmd:"" help:"Read requests of an aggregator as its channel would, one JSON object a line."`
}

// webhookParseCmd is `lafia webhook parse` (design.md 4): how an integrator
// finds out why a webhook was refused, and what it means when it was not. It
// checks form and signature, not a channel's URL token.
type webhookParseCmd struct {
	Adapter string `placeholder:"NAME" xor:"which" help:"The aggregator's adapter, such as africastalking."`
	Channel string `placeholder:"NAME" xor:"which" help:"A channel of --config: its adapter, settings and signature secrets."`
	Config  string `placeholder:"FILE" help:"With --channel: the config file."`
	Kind    string `required:"" enum:"sms,ussd,status,call" help:"Which webhook the requests came to: sms, ussd, status or call."`
}

// Help is what --help says after the options.
func (webhookParseCmd) Help() string {
	return `Each line of standard input is one request:
  {"method":"POST","url":"https://…","headers":{"Content-Type":"…"},"body":"…","body_base64":"…",
   "secret":"…","signature_algorithm":"…","at":1790000000}
body_base64 is for bodies that are no text. secret is what signatures are checked with; at is the
time, in Unix seconds, to judge their age by, now when it is left out.

Each line of standard output is what Lafia reads, in the same order:
  {"valid":true,"reason":"","messages":[{"from":"+223…","to":"…","text":"…","external_id":"…",
   "session_id":"…","status":"","sent_at":""}]}
A delivery report is a message with a status and its receiver in "to". The end of a USSD session is
valid and has no message. valid is false, with the reason in one line, for what is refused, cannot be
read, or is no request.`
}

// Run reads standard input to its end. That a request is not valid is an
// answer, in its line, and not a failure of the command.
func (c *webhookParseCmd) Run(ctx *cliContext) error {
	a, account, err := c.which()
	if err != nil {
		return err
	}
	return parseWebhooks(ctx.Stdin, ctx.Stdout, a, account, message.Kind(c.Kind), time.Now)
}

func (c *webhookParseCmd) which() (message.Adapter, message.Account, error) {
	switch {
	case c.Channel != "" && c.Config == "":
		return nil, message.Account{}, wrongUse("--channel needs the --config FILE that it stands in")
	case c.Channel != "":
		return app.ChannelOf(c.Config, c.Channel)
	case c.Adapter == "":
		return nil, message.Account{}, wrongUse("name whose requests these are: --adapter NAME, or --channel NAME --config FILE")
	}
	a, ok := gateway.AdapterNamed(c.Adapter)
	if !ok {
		names := []string{}
		for _, a := range gateway.Adapters() {
			names = append(names, a.Name())
		}
		return nil, message.Account{}, wrongUse("there is no adapter %q; there are: %s", c.Adapter, strings.Join(names, ", "))
	}
	return a, message.Account{}, nil
}

const (
	// maxWebhookLine is how long a line may be: 1 MiB, room for a body of 64 KiB
	// in whatever escaping.
	maxWebhookLine = 1 << 20
	// maxWebhookBody is what the gateway takes (design.md, decision 11).
	maxWebhookBody = 64 << 10
)

// webhookRequest is one line of input.
type webhookRequest struct {
	Method             string                `json:"method"`
	URL                string                `json:"url"`
	Headers            map[string]headerLine `json:"headers"`
	Body               string                `json:"body"`
	BodyBase64         string                `json:"body_base64"`
	Secret             string                `json:"secret"`
	SignatureAlgorithm string                `json:"signature_algorithm"`
	At                 *float64              `json:"at"`
}

// headerLine is a header's value, or several.
type headerLine []string

// UnmarshalJSON reads "value" or ["value", …].
func (h *headerLine) UnmarshalJSON(b []byte) error {
	if len(b) > 0 && b[0] == '[' {
		return json.Unmarshal(b, (*[]string)(h))
	}
	var one string
	if err := json.Unmarshal(b, &one); err != nil {
		return err
	}
	*h = headerLine{one}
	return nil
}

// webhookResult is one line of output. Numbers are shown: they are the
// integrator's own.
type webhookResult struct {
	Valid    bool             `json:"valid"`
	Reason   string           `json:"reason"`
	Messages []webhookMessage `json:"messages"`
}

type webhookMessage struct {
	From       string         `json:"from"`
	To         string         `json:"to"`
	Text       string         `json:"text"`
	ExternalID string         `json:"external_id"`
	SessionID  string         `json:"session_id"`
	Status     message.Status `json:"status"`
	SentAt     string         `json:"sent_at"`
}

// parseWebhooks answers each line of in with one line of out, in order. A line
// that is no request gets an answer too, and the next one is read. The error is
// one of reading or writing.
func parseWebhooks(in io.Reader, out io.Writer, a message.Adapter, account message.Account, kind message.Kind, now func() time.Time) error {
	r := bufio.NewReaderSize(in, 64<<10)
	w := bufio.NewWriter(out)
	encode := json.NewEncoder(w)
	encode.SetEscapeHTML(false)
	for n := 1; ; n++ {
		line, tooLong, err := readLine(r)
		if err == io.EOF {
			return w.Flush()
		}
		if err != nil {
			return errors.Join(err, w.Flush())
		}
		result := webhookResult{Reason: fmt.Sprintf("line %d: longer than 1 MiB", n)}
		if !tooLong {
			result = parseWebhook(line, n, a, account, kind, now)
		}
		if result.Messages == nil {
			result.Messages = []webhookMessage{}
		}
		if err := encode.Encode(result); err != nil {
			return err
		}
		if r.Buffered() == 0 { // whoever waits for an answer before asking again gets it
			if err := w.Flush(); err != nil {
				return err
			}
		}
	}
}

// parseWebhook answers one line.
func parseWebhook(line []byte, n int, a message.Adapter, of message.Account, kind message.Kind, now func() time.Time) webhookResult {
	bad := func(what string) webhookResult {
		return webhookResult{Reason: fmt.Sprintf("line %d: %s", n, oneLine(what))}
	}
	if len(bytes.TrimSpace(line)) == 0 {
		return bad("empty, not a JSON object")
	}
	var q webhookRequest
	if err := json.Unmarshal(line, &q); err != nil {
		return bad(err.Error())
	}
	if line = bytes.TrimSpace(line); line[0] != '{' {
		return bad("not a JSON object")
	}
	u, err := url.Parse(q.URL)
	if err != nil {
		return bad("url: " + err.Error())
	}
	body := []byte(q.Body)
	if q.BodyBase64 != "" {
		if body, err = base64.StdEncoding.DecodeString(q.BodyBase64); err != nil {
			if body, err = base64.RawStdEncoding.DecodeString(q.BodyBase64); err != nil {
				return bad("body_base64: " + err.Error())
			}
		}
	}
	if len(body) > maxWebhookBody {
		return webhookResult{Reason: "the body is larger than 64 KiB: the webhook answers 413"}
	}
	request := message.Request{
		Method: strings.ToUpper(q.Method), URL: u, Header: http.Header{}, Body: body, Remote: netip.IPv6Loopback(),
	}
	if request.Method == "" {
		request.Method = http.MethodPost
	}
	for name, values := range q.Headers {
		for _, v := range values {
			request.Header.Add(name, v)
		}
	}
	account := message.Account{Settings: map[string]string{}, Signatures: of.Signatures}
	maps.Copy(account.Settings, of.Settings)
	if q.Secret != "" {
		account.Signatures = []message.Secret{message.NewSecret(q.Secret)}
	}
	if q.SignatureAlgorithm != "" {
		account.Settings["signature_algorithm"] = q.SignatureAlgorithm
	}
	at := now()
	if q.At != nil {
		at = time.UnixMilli(int64(*q.At * 1000))
	}
	return showParsed(a.Parse(kind, request, account, at))
}

func showParsed(p message.Parsed) webhookResult {
	result := webhookResult{Valid: p.Refused == "" && p.Unreadable == "", Reason: oneLine(p.Refused + p.Unreadable)}
	for _, e := range p.Events {
		switch {
		case e.Inbound != nil:
			result.Messages = append(result.Messages, webhookMessage{
				From: e.Inbound.From.Reveal(), To: e.Inbound.To, Text: e.Inbound.Text,
				ExternalID: e.Inbound.ExternalID, SessionID: e.Inbound.SessionID, SentAt: rfc3339(e.Inbound.SentAt),
			})
		case e.Receipt != nil:
			id := e.Receipt.ExternalID
			if id == "" { // an aggregator that brings back ours alone (Kannel)
				id = e.Receipt.OurID
			}
			result.Messages = append(result.Messages, webhookMessage{
				To: e.Receipt.To.Reveal(), ExternalID: id, Status: e.Receipt.Status, SentAt: rfc3339(e.Receipt.At),
			})
		}
	}
	return result
}

// readLine reads a line without its end. One that is too long is skipped to its
// end. The last line needs no end; after it comes io.EOF.
func readLine(r *bufio.Reader) (line []byte, tooLong bool, err error) {
	for {
		part, err := r.ReadSlice('\n')
		if !tooLong {
			line = append(line, part...)
		}
		switch {
		case err == bufio.ErrBufferFull:
		case err == io.EOF && len(line) == 0:
			return nil, false, io.EOF
		case err != nil && err != io.EOF:
			return nil, false, err
		default:
			line = bytes.TrimSuffix(line, []byte("\n"))
			return line, tooLong || len(line) > maxWebhookLine, nil
		}
		if len(line) > maxWebhookLine+1 {
			line, tooLong = line[:1], true
		}
	}
}

func rfc3339(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339)
}

func oneLine(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' {
			return ' '
		}
		return r
	}, s)
}
