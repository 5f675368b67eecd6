package gateway

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"

	"github.com/gofiber/fiber/v2"

	"lafia/gateway/message"
)

// maxBody is how much of a body a webhook takes: 64 KiB (design.md, decision
// 11). The longest legitimate one is a batch of Infobip's or the end event of
// Africa's Talking with its whole chain, a few KiB each.
const maxBody = 64 << 10

// outcome is what became of a request: a metric's label and a word in the log.
type outcome string

const (
	outcomeOK         outcome = "ok"
	outcomeUnreadable outcome = "unreadable"
	outcomeFailed     outcome = "failed"   // the Handler gave an error
	outcomePanicked   outcome = "panicked" // the Handler, or an adapter, panicked
	outcomeBusy       outcome = "busy"
	outcomeRefused    outcome = "refused"
	outcomeTooLarge   outcome = "too_large"
)

// worse is the graver of two outcomes of one request.
func worse(a, b outcome) outcome {
	for _, o := range []outcome{outcomePanicked, outcomeFailed, outcomeUnreadable} {
		if a == o || b == o {
			return o
		}
	}
	return outcomeOK
}

// serve answers one webhook.
func (g *Gateway) serve(c *fiber.Ctx) error {
	start := g.o.Now()
	kind := message.Kind(c.Params("kind"))
	name := "unknown"
	ch, known := g.channels[c.Params("channel")]
	if known {
		name = ch.Name
	} else {
		ch = g.nobody
	}
	var (
		response message.Response
		out      outcome
	)
	if len(c.Request().Body()) > maxBody {
		// NewApp's app never comes here; another app may allow more.
		response, out = message.Response{Status: http.StatusRequestEntityTooLarge}, outcomeTooLarge
	} else {
		response, out = g.answer(ch, known, kind, request(c, g.o.TrustedProxies))
	}
	if response.Status == 0 {
		response.Status = http.StatusOK
	}
	took := g.o.Now().Sub(start)
	if !validKind(kind) {
		kind = "unknown" // metrics and logs repeat nothing that a stranger wrote
	}
	g.o.Metrics.observe(name, kind, out, took)
	level := slog.LevelDebug // metrics count the good ones, and a line for each that is refused would cost what it takes to serve one
	if out != outcomeOK && out != outcomeBusy {
		level = slog.LevelWarn
	}
	g.o.Log.LogAttrs(context.Background(), level, "webhook",
		slog.String("channel", name), slog.String("kind", string(kind)), slog.String("outcome", string(out)),
		slog.Int("status", response.Status), slog.Int64("ms", took.Milliseconds()))
	return write(c, response)
}

// answer takes a request from its check to its response.
func (g *Gateway) answer(ch *channel, known bool, kind message.Kind, r message.Request) (message.Response, outcome) {
	// All of these are looked at before any is acted on, so that the time to a
	// 401 does not tell which of them was wrong.
	knows, allows := ch.knows(token(r)), ch.allows(r.Remote)
	switch {
	case !known:
		return g.refuse("unknown", refusedChannel)
	case !knows:
		return g.refuse(ch.Name, refusedToken)
	case !allows:
		return g.refuse(ch.Name, refusedNetwork)
	case !validKind(kind):
		return g.refuse(ch.Name, refusedKind)
	}
	parsed := g.parse(ch, kind, r)
	if parsed.Refused != "" {
		return g.refuse(ch.Name, refusedSignature)
	}
	admission := g.admissions[kind]
	if !admission.enter(dials(parsed)) {
		g.o.Metrics.shed(kind)
		return g.busy(ch, kind, parsed)
	}
	defer admission.leave(g.o.Now())
	return g.handle(ch, kind, r, parsed)
}

// refuse is the one way to say no.
func (g *Gateway) refuse(channel string, why refusal) (message.Response, outcome) {
	g.o.Metrics.refuse(channel, why)
	return message.Response{Status: http.StatusUnauthorized}, outcomeRefused
}

// parse reads the request. An adapter does not panic; should one do so all the
// same, the request is kept raw instead of being lost.
func (g *Gateway) parse(ch *channel, kind message.Kind, r message.Request) (parsed message.Parsed) {
	defer func() {
		if p := recover(); p != nil {
			g.panicked(ch.Name, kind, p)
			parsed = message.Parsed{Unreadable: "the adapter panicked"}
		}
	}()
	return ch.Adapter.Parse(kind, r, ch.Account, g.o.Now())
}

// busy answers without the Handler. It must not say that anything was taken.
func (g *Gateway) busy(ch *channel, kind message.Kind, parsed message.Parsed) (message.Response, outcome) {
	if hop := firstHop(parsed); hop != nil {
		return g.screen(ch, kind, *hop, message.Reply{Text: g.o.BusyText, End: true}), outcomeBusy
	}
	return message.Response{Status: http.StatusServiceUnavailable}, outcomeBusy
}

// handle hands every event to the Handler, in order. When one fails the others
// are tried all the same: the aggregator sends all of them again, and those
// that were kept are known by their ids then (design.md, decision 1).
func (g *Gateway) handle(ch *channel, kind message.Kind, r message.Request, parsed message.Parsed) (message.Response, outcome) {
	out := outcomeOK
	var screen *message.Response
	for _, e := range parsed.Events {
		var done outcome
		switch {
		case e.Inbound != nil && e.Inbound.Medium == message.USSD:
			var reply message.Reply
			reply, done = g.hop(ch, kind, *e.Inbound)
			s := g.screen(ch, kind, *e.Inbound, reply)
			screen = &s
		case e.Inbound != nil:
			done = g.keep(ch, kind, func(ctx context.Context) error { return g.o.Handler.Receive(ctx, ch.Name, *e.Inbound) })
		case e.Receipt != nil:
			done = g.keep(ch, kind, func(ctx context.Context) error { return g.o.Handler.Receipt(ctx, ch.Name, *e.Receipt) })
		case e.End != nil:
			done = g.keep(ch, kind, func(ctx context.Context) error { return g.o.Handler.End(ctx, ch.Name, *e.End) })
		}
		out = worse(out, done)
	}
	if parsed.Alive {
		g.o.Metrics.Alive(ch.Name, g.o.Now())
		out = worse(out, g.keep(ch, kind, func(ctx context.Context) error { return g.o.Handler.Alive(ctx, ch.Name) }))
	}
	if parsed.Unreadable != "" {
		g.o.Metrics.unreadable(ch.Name, kind)
		done := g.keep(ch, kind, func(ctx context.Context) error {
			return g.o.Handler.Unreadable(ctx, ch.Name, kind, raw(r), parsed.Unreadable)
		})
		out = worse(worse(out, outcomeUnreadable), done)
		if kind == message.KindUSSD && screen == nil {
			// Someone holds a phone: an empty answer would show her the operator's error.
			s := g.screen(ch, kind, message.Inbound{}, message.Reply{Text: g.o.FailText, End: true})
			screen = &s
		}
	}
	switch {
	case screen != nil:
		return *screen, out
	case out == outcomeFailed || out == outcomePanicked:
		return message.Response{Status: http.StatusServiceUnavailable}, out
	}
	return g.ack(ch, kind), out
}

// hop gets the answer to one hop, whatever happens.
func (g *Gateway) hop(ch *channel, kind message.Kind, in message.Inbound) (reply message.Reply, out outcome) {
	failed := message.Reply{Text: g.o.FailText, End: true}
	defer func() {
		if p := recover(); p != nil {
			g.panicked(ch.Name, kind, p)
			reply, out = failed, outcomePanicked
		}
	}()
	// Not the request's context: that one is cancelled when a shutdown begins,
	// and the capture under way with it (dependencies.md, trap 2).
	ctx, cancel := context.WithTimeout(context.Background(), g.o.USSDBudget)
	defer cancel()
	reply, err := g.o.Handler.Hop(ctx, ch.Name, in)
	out = outcomeOK
	if err != nil {
		g.failed(ch.Name, kind, err)
		out = outcomeFailed
	}
	if reply.Text == "" {
		reply, out = failed, outcomeFailed
	}
	return reply, out
}

// keep makes one thing durable, or tells that it could not.
func (g *Gateway) keep(ch *channel, kind message.Kind, do func(context.Context) error) (out outcome) {
	defer func() {
		if p := recover(); p != nil {
			g.panicked(ch.Name, kind, p)
			out = outcomePanicked
		}
	}()
	ctx, cancel := context.WithTimeout(context.Background(), g.o.SMSBudget)
	defer cancel()
	if err := do(ctx); err != nil {
		g.failed(ch.Name, kind, err)
		return outcomeFailed
	}
	return outcomeOK
}

// screen renders a reply to in.
func (g *Gateway) screen(ch *channel, kind message.Kind, in message.Inbound, reply message.Reply) (r message.Response) {
	defer func() {
		if p := recover(); p != nil {
			g.panicked(ch.Name, kind, p)
			r = message.Response{Status: http.StatusServiceUnavailable}
		}
	}()
	if reply.SessionID == "" {
		reply.SessionID = in.SessionID
	}
	if reply.From.IsZero() {
		reply.From = in.From
	}
	return ch.Adapter.Reply(reply)
}

// ack renders the adapter's success.
func (g *Gateway) ack(ch *channel, kind message.Kind) (r message.Response) {
	defer func() {
		if p := recover(); p != nil {
			g.panicked(ch.Name, kind, p)
			r = message.Response{} // what is durable is durable
		}
	}()
	return ch.Adapter.Ack(kind)
}

func (g *Gateway) failed(channel string, kind message.Kind, err error) {
	g.o.Log.LogAttrs(context.Background(), slog.LevelError, "webhook failed",
		slog.String("channel", channel), slog.String("kind", string(kind)), slog.String("class", class(err)))
}

func (g *Gateway) panicked(channel string, kind message.Kind, p any) {
	g.o.Log.LogAttrs(context.Background(), slog.LevelError, "webhook panicked",
		slog.String("channel", channel), slog.String("kind", string(kind)),
		slog.String("type", fmt.Sprintf("%T", p)), slog.String("place", panicPlace()))
}

// class names an error without its text: its own word where it has one, the
// SQLSTATE of a database's error, else the type at the end of its chain.
func class(err error) string {
	var (
		named interface{ Class() string }
		sql   interface{ SQLState() string }
	)
	switch {
	case errors.As(err, &named):
		return named.Class()
	case errors.Is(err, context.DeadlineExceeded):
		return "timeout"
	case errors.Is(err, context.Canceled):
		return "cancelled"
	case errors.As(err, &sql):
		return "sqlstate " + sql.SQLState()
	}
	for {
		inner := errors.Unwrap(err)
		if inner == nil {
			return fmt.Sprintf("%T", err)
		}
		err = inner
	}
}

func validKind(k message.Kind) bool {
	return k == message.KindUSSD || k == message.KindSMS || k == message.KindStatus || k == message.KindCall
}

// raw writes a request as a file of testdata has it (gatewaytest), so that what
// could not be read can become a sample. What lets a request in is left out.
func raw(r message.Request) []byte {
	var b bytes.Buffer
	u := *r.URL
	// Byte by byte as it came: it may be what a signature is over.
	u.RawQuery = strings.Join(slices.DeleteFunc(strings.Split(u.RawQuery, "&"), func(pair string) bool {
		return pair == "token" || strings.HasPrefix(pair, "token=")
	}), "&")
	fmt.Fprintf(&b, "%s %s HTTP/1.1\n", r.Method, u.RequestURI())
	for _, name := range slices.Sorted(maps.Keys(r.Header)) {
		switch name {
		case "Lafia-Token", "Authorization", "Cookie", "Content-Length", "Connection":
			continue
		}
		for _, v := range r.Header[name] {
			fmt.Fprintf(&b, "%s: %s\n", name, v)
		}
	}
	b.WriteByte('\n')
	b.Write(r.Body)
	return b.Bytes()
}

// firstHop is the USSD hop among the events, nil when there is none.
func firstHop(p message.Parsed) *message.Inbound {
	for _, e := range p.Events {
		if e.Inbound != nil && e.Inbound.Medium == message.USSD {
			return e.Inbound
		}
	}
	return nil
}

// request copies a request out of the server's buffers, once: nothing behind
// this line sees a byte that fasthttp will write over (dependencies.md, trap 1).
func request(c *fiber.Ctx, trusted []netip.Prefix) message.Request {
	q := c.Request()
	header := make(http.Header, q.Header.Len())
	for k, v := range q.Header.All() {
		header.Add(string(k), string(v))
	}
	// As it came: Path() and OriginalURL() of Fiber are decoded or normalised,
	// and signatures are over the bytes of the sender (Twilio).
	u, err := url.ParseRequestURI(string(q.Header.RequestURI()))
	if err != nil {
		u = &url.URL{Path: string(q.URI().Path())} // no query, so no token either
	}
	u.Scheme = strings.Clone(c.Protocol())
	u.Host = strings.Clone(c.Hostname())
	var peer netip.Addr
	if p, err := netip.ParseAddrPort(c.Context().RemoteAddr().String()); err == nil {
		peer = p.Addr()
	}
	return message.Request{
		Method: strings.Clone(c.Method()),
		URL:    u,
		Header: header,
		Body:   bytes.Clone(q.Body()),
		Remote: clientAddr(peer, header.Values(fiber.HeaderXForwardedFor), trusted),
	}
}

func write(c *fiber.Ctx, r message.Response) error {
	for k, values := range r.Header {
		for _, v := range values {
			c.Response().Header.Add(k, v)
		}
	}
	if r.ContentType != "" {
		c.Set(fiber.HeaderContentType, r.ContentType)
	}
	return c.Status(r.Status).Send(r.Body)
}
