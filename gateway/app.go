package gateway

import (
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"runtime"
	"strings"
	"time"

	"github.com/gofiber/fiber/v2"
)

// AppOptions shape the Fiber app. Every zero value means the default beside it.
type AppOptions struct {
	// TrustedProxies are the peers whose X-Forwarded-Proto and -Host are
	// believed, for signatures over the whole URL. None. Give the same to
	// Options.
	TrustedProxies []netip.Prefix
	Log            *slog.Logger // discards

	// ReadTimeout covers a whole request, header and body: 10 s.
	ReadTimeout time.Duration
	// WriteTimeout is 20 s, above the longest budget and a slow link.
	WriteTimeout time.Duration
	// IdleTimeout is 75 s: longer than the usual 60 s of a balancer, so that
	// it is the balancer that closes (dependencies.md 6).
	IdleTimeout time.Duration
	// BodyLimit is 64 KiB. An app that also takes uploads may ask for more;
	// webhooks keep theirs.
	BodyLimit int
}

// NewApp makes a Fiber app with the hard limits that an open port needs
// (dependencies.md 1 and 6).
func NewApp(o AppOptions) *fiber.App {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	proxies := make([]string, len(o.TrustedProxies))
	for i, p := range o.TrustedProxies {
		proxies[i] = p.String()
	}
	app := fiber.New(fiber.Config{
		// Without it every string of a request is written over by the next.
		Immutable: true,
		// A path may be part of a signature; one path, one handler.
		StrictRouting: true,
		CaseSensitive: true,

		ReadTimeout:  or(o.ReadTimeout, 10*time.Second),
		WriteTimeout: or(o.WriteTimeout, 20*time.Second),
		IdleTimeout:  or(o.IdleTimeout, 75*time.Second),
		BodyLimit:    or(o.BodyLimit, maxBody),
		// Request line and headers. Fiber's 4 KiB is tight for aggregators that put
		// the whole message into the query: Jasmin's GET has a message of ten parts
		// percent-encoded and again in hexadecimal, 1,530 × 5 bytes.
		ReadBufferSize: 16 << 10,
		// Connections. Fiber's 262,144 would each hold a buffer of 16 KiB.
		Concurrency: 10_000,

		// No ProxyHeader: with it c.IP() believes the leftmost, unchecked entry of
		// X-Forwarded-For. Without, c.IP() is the peer; clientAddr knows better.
		EnableTrustedProxyCheck: true,
		TrustedProxies:          proxies,
		EnableIPValidation:      true,

		DisableStartupMessage: true,
		ServerHeader:          "",
		ErrorHandler:          plainError,
	})
	app.Use(func(c *fiber.Ctx) (err error) {
		defer func() {
			if p := recover(); p != nil {
				// The value may hold a number or a text: its type must do.
				o.Log.Error("request panicked", "type", fmt.Sprintf("%T", p), "place", panicPlace())
				err = fiber.ErrInternalServerError
			}
		}()
		return c.Next()
	})
	return app
}

// plainError answers with the error's status and nothing else: an error's text
// may name a file, a query or a value, and Kannel would send any body to the
// caller as an SMS (aggregators.md, rule 3).
func plainError(c *fiber.Ctx, err error) error {
	status := fiber.StatusInternalServerError
	var e *fiber.Error
	if errors.As(err, &e) {
		status = e.Code
	}
	return c.Status(status).Send(nil)
}

// panicPlace is where a panic began. It is called by the deferred function that
// recovers it.
func panicPlace() string {
	pcs := make([]uintptr, 32)
	frames := runtime.CallersFrames(pcs[:runtime.Callers(2, pcs)])
	panicking := false
	for {
		f, more := frames.Next()
		switch {
		case f.Function == "runtime.gopanic":
			panicking = true
		case panicking && !strings.HasPrefix(f.Function, "runtime."):
			return fmt.Sprintf("%s:%d", f.Function, f.Line)
		}
		if !more {
			return "unknown"
		}
	}
}

func or[T comparable](value, otherwise T) T {
	var zero T
	if value == zero {
		return otherwise
	}
	return value
}
