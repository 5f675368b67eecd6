package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"lafia/flows"
	"lafia/internal/app"
	"lafia/internal/demo"
	"lafia/internal/fakeaggregator"
	"lafia/internal/flow"
	"lafia/internal/locale"
	"lafia/internal/servers"
	"lafia/internal/staff"
	"lafia/internal/store"
	"lafia/internal/vault"
	"lafia/locales"
)

// fakeaggregatorCmd is `lafia fakeaggregator`.
type fakeaggregatorCmd struct {
	URL    []string `name:"url" placeholder:"URL" help:"The gateway, as http://127.0.0.1:8080; twice for two gateways on one database. With --data, the dev instance's by default."`
	Data   string   `placeholder:"DIR" xor:"from" help:"A dev instance: its channels, leaders and database."`
	Config string   `placeholder:"FILE" xor:"from" help:"The config file of a gateway: its synthetic channels and its database."`

	Callers     int           `default:"100" help:"How many phones (${default})."`
	Runs        int           `default:"1" help:"How many messages each means to send (${default})."`
	For         time.Duration `default:"30s" help:"After which nobody begins anything new (${default})."`
	Hops        int64         `default:"0" help:"After so many hops too; 0: no bound."`
	Connections int           `default:"64" help:"How many requests are under way at a time (${default})."`
	Seed        uint64        `default:"1" help:"Who does what, and which faults happen (${default})."`
	Faults      string        `placeholder:"NAME=SHARE,…" help:"What goes wrong, and how often: duplicate, both, reorder, delay, drop, hangup, twice, session, encoding; of sends: throttle, error, silent, late; of receipts: early, again, backwards."`
	Channel     []string      `placeholder:"NAME" help:"The channels to play on; by default every synthetic one whose wire is known."`
	FarEnd      string        `name:"far-end" placeholder:"ADDRESS" help:"Take the gateway's sends on this host:port, at /send/CHANNEL: the channels' send address must point there."`

	Ledger string   `required:"" placeholder:"FILE" help:"What happened, a JSON line each: written, or with --verify read."`
	Verify bool     `help:"Play nothing: compare the ledger with the database."`
	Log    []string `placeholder:"FILE" help:"With --verify: logs of gateways, in which no number and no word may be."`
	JSON   bool     `help:"For programs."`
}

// Run plays, or verifies. It exits 1 when something was violated.
func (c *fakeaggregatorCmd) Run(ctx *cliContext) error {
	faults, err := fakeaggregator.ParseFaults(c.Faults)
	switch {
	case err != nil:
		return wrongUse("--faults: %w", err)
	case c.Data == "" && c.Config == "":
		return wrongUse("name what is played against: --data DIR of a dev instance, or --config FILE")
	case slices.ContainsFunc(c.URL, func(s string) bool {
		u, err := url.Parse(s)
		return err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == ""
	}):
		return wrongUse("--url: a gateway's address, as http://127.0.0.1:8080")
	case c.Callers < 1 || c.Runs < 1 || c.Connections < 1 || c.For < 0 || c.Hops < 0:
		return wrongUse("callers, runs and connections are 1 at least, and no bound is below 0")
	case c.Config != "" && len(c.URL) == 0 && !c.Verify:
		return wrongUse("--config needs the --url of the gateway")
	case len(c.Log) > 0 && !c.Verify:
		return wrongUse("--log goes with --verify")
	}
	t, err := c.target(ctx)
	if err != nil {
		return err
	}
	defer t.done()
	if c.Verify {
		return c.verify(ctx, t)
	}
	return c.play(ctx, t, faults)
}

// target is what is played against.
type target struct {
	urls     []string
	channels []fakeaggregator.Channel
	leaders  []fakeaggregator.Leader
	staff    *fakeaggregator.Staff // who reads and answers; nil: nobody
	store    *store.Store
	keys     fakeaggregator.Keys
	example  string
	help     string
	done     func()
}

func (c *fakeaggregatorCmd) target(ctx *cliContext) (t *target, err error) {
	if c.Config != "" {
		t, err = c.configTarget(ctx)
	} else {
		t, err = c.devTarget(ctx)
	}
	if err != nil {
		return nil, err
	}
	if len(c.URL) > 0 {
		t.urls = c.URL
	}
	return t, c.choose(t)
}

// choose keeps the channels that were asked for; one that is not synthetic is
// refused by name.
func (c *fakeaggregatorCmd) choose(t *target) error {
	var kept []fakeaggregator.Channel
	for _, ch := range t.channels {
		asked := slices.Contains(c.Channel, ch.Name)
		switch {
		case asked && !ch.Synthetic:
			return wrongUse("channel %s is not synthetic: what is played on it would stand among what people say", ch.Name)
		case asked && ch.Wire == "":
			return wrongUse("channel %s: no wire is known for its adapter; there are: %v", ch.Name, fakeaggregator.Wires())
		case asked, len(c.Channel) == 0 && ch.Synthetic && ch.Wire != "":
			kept = append(kept, ch)
		}
	}
	for _, name := range c.Channel {
		if !slices.ContainsFunc(kept, func(ch fakeaggregator.Channel) bool { return ch.Name == name }) {
			return wrongUse("there is no channel %q", name)
		}
	}
	if len(kept) == 0 && !c.Verify {
		return wrongUse("no channel is synthetic and of an adapter that can be played; there are: %v", fakeaggregator.Wires())
	}
	t.channels = kept
	return nil
}

// wireOf gives the wire for an adapter, "" for none.
func wireOf(adapter string) string {
	if slices.Contains(fakeaggregator.Wires(), adapter) {
		return adapter
	}
	return ""
}

func (c *fakeaggregatorCmd) configTarget(ctx *cliContext) (*target, error) {
	cfg, err := app.ReadConfig(c.Config)
	if err != nil {
		return nil, err
	}
	t := &target{example: "LAF1", help: cfg.Help.For("")}
	for _, ch := range cfg.Channels {
		wire := wireOf(ch.Adapter)
		if wire == "external" && len(ch.Settings) > 1 { // all but where sends go: a wire of its own
			wire = ""
		}
		t.channels = append(t.channels, fakeaggregator.Channel{
			Name: ch.Name, Wire: wire, Token: ch.Tokens[0].Reveal(), Service: ch.ServiceCode, Short: ch.From, Synthetic: ch.Synthetic,
		})
	}
	if t.store, err = store.Open(ctx.Ctx, cfg.Postgres.URL.Reveal(), store.Options{MaxConns: 4}); err != nil {
		return nil, err
	}
	t.done = t.store.Close
	if t.keys.Ring, err = vault.Open(cfg.Keys.Dir); err != nil {
		t.done()
		return nil, err
	}
	return t, nil
}

// devTarget opens a dev instance: a running one to play against, either to
// verify. Every channel of `lafia dev` is synthetic.
func (c *fakeaggregatorCmd) devTarget(ctx *cliContext) (_ *target, err error) {
	dir, err := filepath.Abs(c.Data)
	if err != nil {
		return nil, wrongUse("--data %s: %w", c.Data, err)
	}
	if _, err := os.Stat(filepath.Join(dir, "keys")); err != nil {
		return nil, fmt.Errorf("%s holds no dev instance: run `lafia dev --data %s` once", dir, dir)
	}
	t := &target{done: func() {}}
	defer func() {
		if err != nil {
			t.done()
		}
	}()
	addresses, running, err := servers.Running(dir)
	if err != nil {
		return nil, err
	}
	url := addresses.PostgresURL
	switch {
	case !running && !c.Verify:
		return nil, fmt.Errorf("no lafia runs on %s: start `lafia dev --data %s`", dir, dir)
	case !running:
		s, err := servers.Start(ctx.Ctx, servers.Options{Dir: dir, Durable: true, Log: ctx.log(slog.LevelError), NoRedis: true})
		if err != nil {
			return nil, err
		}
		url, t.done = s.PostgresURL(), func() { _ = s.Stop() }
	}
	if t.store, err = store.Open(ctx.Ctx, url, store.Options{MaxConns: 4}); err != nil {
		return nil, err
	}
	stop := t.done
	t.done = func() { t.store.Close(); stop() }
	if t.keys.Ring, err = vault.Open(filepath.Join(dir, "keys")); err != nil {
		return nil, err
	}
	return t, t.readDev(ctx.Ctx, dir)
}

// readDev takes what dev.json says of a running instance, its coordinator, who reads
// and answers when callers are done, and the focal point's key, which its password
// opens.
func (t *target) readDev(ctx context.Context, dir string) error {
	b, err := os.ReadFile(filepath.Join(dir, "dev.json"))
	if errors.Is(err, os.ErrNotExist) { // not running
		return nil
	}
	if err != nil {
		return err
	}
	var f struct {
		URL         string         `json:"url"`
		Channels    []string       `json:"channels"`
		Token       string         `json:"token"`
		ServiceCode string         `json:"service_code"`
		ShortCode   string         `json:"short_code"`
		Logins      []demo.Login   `json:"logins"`
		Leaders     []demo.Leader  `json:"leaders"`
		Projects    []demo.Project `json:"projects"`
	}
	if err := json.Unmarshal(b, &f); err != nil {
		return fmt.Errorf("reading dev.json: %w", err)
	}
	t.urls = []string{f.URL}
	for _, name := range f.Channels {
		t.channels = append(t.channels, fakeaggregator.Channel{
			Name: name, Wire: wireOf(name), Token: f.Token, Service: f.ServiceCode, Short: f.ShortCode, Synthetic: true,
		})
	}
	if t.example, t.help, err = t.hints(ctx, f.Projects); err != nil {
		return err
	}
	for _, l := range f.Leaders {
		contact := t.keys.Ring.Pseudonym(l.Phone).Bytes()
		// A leader who has called before is left out: what she said then is in no ledger.
		if known, err := t.store.VerifyKnown(ctx, contact); err != nil {
			return err
		} else if known {
			continue
		}
		leads, err := t.store.Leads(ctx, contact)
		if err != nil {
			return err
		}
		lead := fakeaggregator.Leader{Number: l.Phone, Group: l.Group, PIN: l.PIN}
		for _, v := range leads {
			if v.Group == l.Group {
				lead.Name = v.Name
			}
		}
		waits, err := t.store.Unconfirmed(ctx, contact, l.Group, time.Now())
		if err == nil {
			lead.Pending = waits.Answers
		} else if !store.IsNotFound(err) {
			return err
		}
		t.leaders = append(t.leaders, lead)
	}
	for _, l := range f.Logins {
		if l.Role != staff.Protection && l.Role != staff.Coordinator {
			continue
		}
		a, err := t.store.StaffByUsername(ctx, l.User)
		if err != nil {
			return err
		}
		if l.Role == staff.Coordinator {
			t.staff = &fakeaggregator.Staff{Account: a.ID, User: l.User, Password: l.Password}
			continue
		}
		t.keys.Confidential, _ = vault.UnwrapPrivateKey(a.Confidential, l.Password) // without it L3 is counted, not read
	}
	return nil
}

// devHelp is the help number of a dev instance (internal/app).
const devHelp = "80333"

// hints gives what a dev instance shows in hints: the code of its first project.
func (t *target) hints(ctx context.Context, shown []demo.Project) (example, help string, err error) {
	projects, err := t.store.Projects(ctx)
	if err != nil {
		return "", "", err
	}
	example = "107"
	for _, p := range projects {
		if len(shown) > 0 && p.Code == shown[0].Code {
			example = p.Dial
		}
	}
	return example, devHelp, nil
}

func (t *target) world(ctx context.Context) (*fakeaggregator.World, error) {
	words, err := locale.Load(locales.Files)
	if err != nil {
		return nil, err
	}
	book, err := flow.Load(flows.Files)
	if err != nil {
		return nil, err
	}
	projects, err := t.store.Projects(ctx)
	if err != nil {
		return nil, err
	}
	places, err := t.store.Places(ctx)
	if err != nil {
		return nil, err
	}
	if len(projects) == 0 {
		return nil, errors.New("the programme has no project: callers would have nothing to speak of")
	}
	return fakeaggregator.NewWorld(fakeaggregator.WorldOptions{
		Book: book, Words: words, Projects: projects, Places: places, Example: t.example, Help: t.help, Callback: t.keys.Ring.HasConfidential(),
	}), nil
}

func (c *fakeaggregatorCmd) play(ctx *cliContext, t *target, faults fakeaggregator.Faults) (err error) {
	world, err := t.world(ctx.Ctx)
	if err != nil {
		return err
	}
	if idle := faults.Idle(len(t.urls), c.FarEnd != ""); len(idle) > 0 {
		fmt.Fprintf(ctx.Stderr, "these faults do nothing here: %s (both needs two --url, those of sends and receipts --far-end)\n", strings.Join(idle, ", "))
	}
	f, err := os.OpenFile(c.Ledger, os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return wrongUse("--ledger: %w", err)
	}
	defer f.Close()
	ledger := fakeaggregator.NewLedger(f)
	o := fakeaggregator.Options{
		Gateways: t.urls, Channels: t.channels, World: world, Ledger: ledger, Salt: uint64(time.Now().Unix()), Seed: c.Seed,
		Callers: c.Callers, Runs: c.Runs, For: c.For, Hops: c.Hops, Connections: c.Connections, Faults: faults, Leaders: t.leaders,
	}
	if len(o.Leaders) > c.Callers {
		o.Leaders = o.Leaders[:c.Callers]
	}
	if c.FarEnd != "" {
		e, err := fakeaggregator.NewFarEnd(c.FarEnd, ledger, faults, t.channels, c.Seed, func() []string { return t.urls })
		if err != nil {
			return wrongUse("--far-end: %w", err)
		}
		defer e.Close()
		o.FarEnd = e
	}
	if err := f.Truncate(0); err != nil {
		return wrongUse("--ledger: %w", err)
	}
	played := fakeaggregator.Run(ctx.Ctx, o)
	if t.staff != nil && played == nil {
		// Apart from what the same account does in a play before and in one behind.
		time.Sleep(fakeaggregator.AuditApart)
		played = fakeaggregator.PlayStaff(ctx.Ctx, t.urls[0], *t.staff, ledger)
		time.Sleep(fakeaggregator.AuditApart)
	}
	if err := errors.Join(played, ledger.Close(), f.Sync()); err != nil {
		return err
	}
	lines, err := c.lines()
	if err != nil {
		return err
	}
	s := fakeaggregator.Summarise(lines, world)
	if c.JSON {
		err = printJSON(ctx.Stdout, s)
	} else {
		s.Print(ctx.Stdout)
	}
	if err == nil && s.Requests > 0 && len(s.Statuses) == 0 {
		err = fmt.Errorf("no request was answered: does a gateway run at %s?", strings.Join(t.urls, " and "))
	}
	return err
}

func (c *fakeaggregatorCmd) lines() ([]fakeaggregator.Line, error) {
	f, err := os.Open(c.Ledger)
	if err != nil {
		return nil, wrongUse("--ledger: %w", err)
	}
	defer f.Close()
	return fakeaggregator.ReadLedger(f)
}

// settleWithin is how long messages may still be under way before it is held
// against the gateway (I14).
const settleWithin = time.Minute

func (c *fakeaggregatorCmd) verify(ctx *cliContext, t *target) error {
	lines, err := c.lines()
	if err != nil {
		return err
	}
	if !fakeaggregator.Ended(lines) {
		return wrongUse("%s has no end: its play was cut off or still runs, and what was asked last is in no line", c.Ledger)
	}
	for _, l := range lines {
		if l.Kind == fakeaggregator.KindPlan {
			t.example, t.help = l.Example, l.Help
		}
	}
	world, err := t.world(ctx.Ctx)
	if err != nil {
		return err
	}
	o := fakeaggregator.VerifyOptions{World: world, Keys: t.keys}
	for _, name := range c.Log {
		b, err := os.ReadFile(name)
		if err != nil {
			return wrongUse("--log: %w", err)
		}
		o.Logs = append(o.Logs, string(b))
	}
	for end := time.Now().Add(settleWithin); ; {
		if o.Record, err = fakeaggregator.ReadRecord(ctx.Ctx, t.store, t.keys, lines); err != nil {
			return err
		}
		if o.Record.Settled() || time.Now().After(end) {
			break
		}
		select {
		case <-ctx.Ctx.Done():
			return ctx.Ctx.Err()
		case <-time.After(500 * time.Millisecond):
		}
	}
	r := fakeaggregator.Verify(lines, o)
	if err := c.print(ctx.Stdout, r); err != nil {
		return err
	}
	if !r.Holds() {
		return &exitError{status: 1, err: fmt.Errorf("%d violations", len(r.Violations))}
	}
	return nil
}

func (c *fakeaggregatorCmd) print(w io.Writer, r *fakeaggregator.Report) error {
	if c.JSON {
		return printJSON(w, r)
	}
	r.Print(w)
	return nil
}
