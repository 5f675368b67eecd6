// Package app wires the rooms together: a value that is started and stopped.
// Time and chance enter here; everything else is given them.
package app

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"net/netip"
	"strings"
	"sync"
	"time"

	"github.com/gofiber/fiber/v2"
	"github.com/jackc/pgx/v5"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/riverqueue/river"

	"lafia/flows"
	"lafia/gateway"
	"lafia/gateway/message"
	"lafia/internal/casework"
	"lafia/internal/clock"
	"lafia/internal/console"
	"lafia/internal/conversation"
	"lafia/internal/flow"
	"lafia/internal/locale"
	"lafia/internal/outbox"
	"lafia/internal/session"
	"lafia/internal/simulator"
	"lafia/internal/store"
	"lafia/internal/vault"
	"lafia/locales"
)

// Options are what a gateway runs with. Zero values are documented per field.
type Options struct {
	PostgresURL string
	Postgres    store.Options
	Redis       session.Options
	KeysDir     string
	Spool       SpoolOptions

	Listen      string // host:port; port 0 takes a free one
	AdminListen string // loopback; empty: /metrics is on Listen (dev)

	Channels       []gateway.Channel
	TrustedProxies []netip.Prefix
	// Transport makes the outbox's requests; nil is the network.
	Transport outbox.Transport
	// Sending is how messages go out.
	Sending Sending
	// OwnNumbers write in our name: nothing that comes from them is answered.
	OwnNumbers map[message.Number]bool
	// Migrate runs migrations at the start; without it a start with migrations
	// that wait is refused.
	Migrate bool
	// Simulator is mounted when it is not nil.
	Simulator *simulator.Simulator

	// Flows are the menus; nil: the program's own.
	Flows fs.FS

	SecureCookies bool
	Banner        bool // the console says that the data are examples
	Example       string
	HelpNumber    func(region string) string
	HelpRegions   []string // that HelpNumber has one of their own for
	// Screens tells how channels carry screens, by their names, where not as usual.
	Screens map[string]conversation.Channel

	// Drain is how long a shutdown waits for requests under way; 0 means 10 s,
	// which is longer than a hop may take.
	Drain time.Duration
	// Clock is held against PostgreSQL's; nil: the machine's.
	Clock *clock.Clock
	Now   func() time.Time // nil: by Clock
	Log   *slog.Logger
	// Point is called where tests kill the process. May be nil.
	Point func(name string)
}

// App is a running gateway with all that belongs to it.
type App struct {
	Options
	store        *store.Store
	sessions     *session.Store
	ring         *vault.Ring
	conversation *conversation.Conversation
	outbox       *outbox.Outbox
	sweeping     sync.Mutex
	jobs         *river.Client[pgx.Tx]
	web          *fiber.App
	admin        *fiber.App
	registry     *prometheus.Registry
	node         string
	journal      *journal // nil: there is no spool
	memory       *memory  // of what a backup of the record would forget
	unhandled    *unhandled
	turns        *turns
	listener     net.Listener
	quit         chan struct{}
	beating      chan struct{}
	draining     chan struct{}
	stops        []func(context.Context) error // in the order of starting
}

// New makes an App. Start starts it.
func New(o Options) *App {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Clock == nil {
		o.Clock = machineClock()
	}
	if o.Now == nil {
		o.Now = o.Clock.Now
	}
	if o.Flows == nil {
		o.Flows = flows.Files
	}
	if o.Drain == 0 {
		o.Drain = 10 * time.Second
	}
	return &App{Options: o, registry: prometheus.NewRegistry(), quit: make(chan struct{}), beating: make(chan struct{}), draining: make(chan struct{})}
}

// Random gives cryptographic chance.
func Random(n int) []byte {
	b := make([]byte, n)
	_, _ = rand.Read(b)
	return b
}

// Start returns when the gateway answers on its port, or with what is in the
// way. What was started before a failure is stopped again.
func (a *App) Start(ctx context.Context) (err error) {
	defer func() {
		if err != nil {
			stop, cancel := context.WithTimeout(context.Background(), a.Drain)
			defer cancel()
			_ = a.Stop(stop)
		}
	}()
	// The port first: it is the likeliest to be in the way, and the cheapest to ask.
	if a.listener, err = listen(a.Listen); err != nil {
		return err
	}
	if a.ring, err = vault.Open(a.KeysDir); err != nil {
		return err
	}
	if err = a.openServers(ctx); err != nil {
		return err
	}
	if err = a.startClock(ctx); err != nil {
		return err
	}
	if err = a.openSpool(); err != nil {
		return err
	}
	if err = a.openMemory(ctx); err != nil {
		return err
	}
	if err = a.startConversation(ctx); err != nil {
		return err
	}
	if err = a.startJobs(ctx); err != nil {
		return err
	}
	return a.startWeb()
}

func listen(addr string) (net.Listener, error) {
	l, err := net.Listen("tcp", addr)
	if err == nil {
		return l, nil
	}
	if strings.Contains(err.Error(), "address already in use") {
		return nil, fmt.Errorf("%s is taken by another program: stop it, or choose another port with --listen", addr)
	}
	return nil, fmt.Errorf("cannot listen on %s: %w", addr, err)
}

// unusable is a setting that cannot be used, by its section and key in a config
// file.
type unusable struct {
	section, key string
	cause        error
	do           string
}

func (e *unusable) Error() string { return e.cause.Error() }
func (e *unusable) Unwrap() error { return e.cause }

// unreachable is a server that does not answer, by its section in a config file.
type unreachable struct {
	section string
	cause   error
}

func (e *unreachable) Error() string { return e.cause.Error() }
func (e *unreachable) Unwrap() error { return e.cause }

func (a *App) openServers(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	var err error
	if a.store, err = store.Open(ctx, a.PostgresURL, a.Postgres); err != nil {
		return &unreachable{section: "postgres", cause: err}
	}
	a.onStop(func(context.Context) error { a.store.Close(); return nil })
	if a.sessions, err = session.Open(ctx, a.Redis); err != nil {
		return &unreachable{section: "redis", cause: err}
	}
	a.onStop(func(context.Context) error { return a.sessions.Close() })
	if a.Migrate {
		if err := a.store.Migrate(ctx); err != nil {
			return err
		}
		return checkKeys(ctx, a.store, a.ring)
	}
	pending, err := a.store.Pending(ctx)
	if err != nil {
		return err
	}
	if pending {
		return errors.New("the database is older than this program: run `lafia migrate`, or set postgres.migrate = true")
	}
	return checkKeys(ctx, a.store, a.ring)
}

// checkKeys refuses keys other than those that the database was written with:
// with them nothing could be read, and everything new would be under other keys
// than the rest (reliability.md F26).
func checkKeys(ctx context.Context, s *store.Store, ring *vault.Ring) error {
	wrong, err := s.WrongKeys(ctx, ring.Checks())
	if err != nil {
		return err
	}
	if len(wrong) > 0 {
		return fmt.Errorf("these are not the keys that this database was written with: %s; put the right ones into keys.dir (a backup or another gateway's machine has them), or use an empty database", strings.Join(wrong, ", "))
	}
	_, err = learnOfficeKey(ctx, s, ring)
	return err
}

func (a *App) startConversation(ctx context.Context) error {
	words, err := locale.Load(locales.Files)
	if err != nil {
		return fmt.Errorf("reading the languages: %w", err)
	}
	book, err := flow.Load(a.Flows)
	if err != nil {
		return fmt.Errorf("reading the flows: %w", err)
	}
	for _, key := range book.Words() {
		if !words.Has(key) {
			return fmt.Errorf("the flows use the words %q, which no language has", key)
		}
	}
	carriers, err := a.carriers(words.Tags())
	if err != nil {
		return err
	}
	last, err := a.store.StartNode(ctx, a.nodeNow())
	if err != nil {
		return err
	}
	// Now that the others see which keys it has: one may have been taken into use since
	// they were compared.
	if _, err := learnOfficeKey(ctx, a.store, a.ring); err != nil {
		return err
	}
	// Sessions may have been under way when Redis was emptied only if a gateway
	// was alive a moment ago.
	var lost time.Time
	if !last.IsZero() && a.Now().Sub(last) < 10*time.Minute {
		lost = a.Now()
	}
	if err := a.sessions.Begin(ctx, lost); err != nil {
		return err
	}
	if a.unhandled, err = newUnhandled(a.registry, a.Now); err != nil {
		return err
	}
	o := conversation.Options{
		Ring: a.ring, Sessions: a.sessions, Store: a.store, Book: book, Words: words,
		Now: a.Now, Log: a.Log, HelpNumber: a.HelpNumber, Regions: a.HelpRegions, Channel: func(name string) conversation.Channel { return carriers[name] }, Example: a.Example, Point: a.Point,
		Own:   func(n message.Number) bool { return a.OwnNumbers[n] },
		Erase: a.erase, Erased: a.memory.erasedAt,
		Altered: func(channel string) { a.unhandled.altered.WithLabelValues(channel).Inc() },
	}
	if a.journal != nil {
		o.Spool = a.journal
		o.Elsewhere = func(ctx context.Context) (bool, error) { return a.store.SpooledElsewhere(ctx, a.node) }
	}
	a.conversation, a.turns = conversation.New(o), newTurns(a.journal.many)
	if err := a.conversation.Start(ctx); err != nil {
		return err
	}
	a.onStop(func(ctx context.Context) error {
		a.conversation.Stop()
		return a.store.StopNode(ctx, a.nodeNow())
	})
	a.pulse(ctx)
	a.startSpool()
	go a.beat()
	a.onStop(func(context.Context) error { close(a.quit); <-a.beating; return nil })
	return nil
}

// beat writes signs of life and reads the programme again now and then.
func (a *App) beat() {
	defer close(a.beating)
	tick := time.NewTicker(beatEvery)
	defer tick.Stop()
	for n := 0; ; n++ {
		select {
		case <-a.quit:
			return
		case <-tick.C:
		}
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		if a.journal == nil { // else it is asked each second (recordAnswers)
			if err := a.hearClock(ctx); err != nil {
				a.Log.Warn("PostgreSQL's clock could not be asked", "error", store.Class(err))
			}
		}
		a.Beat(ctx)
		a.pulse(ctx)
		if n%4 == 3 {
			if err := a.conversation.Refresh(ctx); err != nil {
				a.Log.Warn("the programme could not be read again", "error", store.Class(err))
			}
		}
		cancel()
	}
}

func (a *App) onStop(f func(context.Context) error) { a.stops = append(a.stops, f) }

// Stop ends in the reverse order of starting: no new request, those under way
// finished, jobs finished, drafts written, connections closed. It returns within
// the context's deadline.
func (a *App) Stop(ctx context.Context) error {
	select {
	case <-a.draining:
	default:
		close(a.draining)
	}
	if a.listener != nil && a.web == nil {
		_ = a.listener.Close()
	}
	var errs []error
	for i := len(a.stops) - 1; i >= 0; i-- {
		if err := a.stops[i](ctx); err != nil {
			errs = append(errs, err)
		}
	}
	a.stops = nil
	return errors.Join(errs...)
}

// URL gives the address that the gateway answers on.
func (a *App) URL() string {
	if a.listener == nil {
		return ""
	}
	return "http://" + a.listener.Addr().String()
}

// Store gives the record, for the demo's loader and tests.
func (a *App) Store() *store.Store { return a.store }

// Sessions gives the live sessions, for tests.
func (a *App) Sessions() *session.Store { return a.sessions }

// Conversation gives the conversation, for refreshing it and tests.
func (a *App) Conversation() *conversation.Conversation { return a.conversation }

// Desk makes what the console and the command line work with.
func (a *App) Desk() *casework.Desk {
	return casework.New(casework.Options{Store: a.store, Ring: a.ring, Now: a.Now, Random: Random, Phones: a.phones()})
}

func (a *App) newConsole() (*console.Console, error) {
	return console.New(console.Options{
		Desk: a.Desk(), Now: a.Now, Random: Random, SecureCookies: a.SecureCookies, Banner: a.Banner,
		Flows: a.Flows, Locales: locales.Files, Log: a.Log, Channels: a.channelHealth, RegionName: a.conversation.PlaceName,
	})
}

func (a *App) channelHealth(ctx context.Context) ([]console.Channel, error) {
	rows, err := a.store.ChannelHealth(ctx, a.Now().Add(-24*time.Hour))
	if err != nil {
		return nil, err
	}
	seen := map[string]store.Health{}
	for _, r := range rows {
		seen[r.Channel] = r
	}
	out := make([]console.Channel, 0, len(a.Channels))
	for _, c := range a.Channels {
		h := seen[c.Name]
		if h.LastAt.Unix() == 0 { // nothing was heard
			h.LastAt = time.Time{}
		}
		out = append(out, console.Channel{
			Name: c.Name, Adapter: c.Adapter.Name(), LastAt: h.LastAt, Received: h.Received, Unreadable: h.Unreadable,
			Waiting: h.Waiting, Failed: h.Failed, Altered: h.Altered, Unhandled: h.Unhandled,
		})
	}
	return out, nil
}
