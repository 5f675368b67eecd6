package app

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"maps"
	"slices"
	"time"

	"lafia/gateway"
	"lafia/gateway/message"
	"lafia/internal/casework"
	"lafia/internal/config"
	"lafia/internal/conversation"
	"lafia/internal/gsm"
	"lafia/internal/outbox"
	"lafia/internal/session"
	"lafia/internal/simulator"
	"lafia/internal/staff"
	"lafia/internal/store"
	"lafia/internal/vault"
)

// ReadConfig reads a config file against the adapters that there are.
func ReadConfig(path string) (*config.Config, error) {
	var names []string
	for _, a := range gateway.Adapters() {
		names = append(names, a.Name())
	}
	return config.Read(path, names)
}

// Serve runs the gateway of a config file until ctx ends. ready is called when
// it answers; it may be nil.
func Serve(ctx context.Context, path string, log func(slog.Level) *slog.Logger, ready func(url string)) error {
	c, err := ReadConfig(path)
	if err != nil {
		return err
	}
	a := New(serveOptions(c, log(c.Log.Level)))
	if err := a.Start(ctx); err != nil {
		var w *unusable
		if errors.As(err, &w) {
			return fmt.Errorf("%s:%d: %s.%s: %w (%s)", path, config.Line(path, w.section, w.key), w.section, w.key, err, w.do)
		}
		var u *unreachable
		if errors.As(err, &u) {
			return fmt.Errorf("%s:%d: %s.url: %w (start that server, or mend its address; `lafia doctor` tells more)",
				path, config.Line(path, u.section, "url"), u.section, err)
		}
		return err
	}
	if ready != nil {
		ready(a.URL())
	}
	<-ctx.Done()
	stop, cancel := context.WithTimeout(context.Background(), time.Duration(c.Drain)+10*time.Second)
	defer cancel()
	return a.Stop(stop)
}

func serveOptions(c *config.Config, log *slog.Logger) Options {
	o := Options{
		PostgresURL: c.Postgres.URL.Reveal(), Postgres: store.Options{MaxConns: c.Postgres.MaxConns}, Redis: redisOptions(c),
		KeysDir: c.Keys.Dir, Spool: SpoolOptions{Dir: c.Spool.Dir, MaxBytes: c.Spool.MaxMiB << 20}, Listen: c.Listen, AdminListen: c.AdminListen, TrustedProxies: c.TrustedProxies,
		Migrate: c.Postgres.Migrate, SecureCookies: c.Console.SecureCookies, HelpNumber: c.Help.For, Example: "LAF1",
		Drain: time.Duration(c.Drain), Log: log, OwnNumbers: map[message.Number]bool{},
		HelpRegions: slices.Sorted(maps.Keys(c.Help.Regions)), Screens: map[string]conversation.Channel{},
		Sending: Sending{Ways: map[string]Way{}, Operators: c.Operators, Prices: c.Price, Budget: outbox.Budget{Month: c.Budget.Month, Warn: c.Budget.Warn}},
	}
	for _, ch := range c.Channels {
		adapter, _ := gateway.AdapterNamed(ch.Adapter) // Read has checked the name
		account := ch.Account()
		o.Channels = append(o.Channels, gateway.Channel{
			Name: ch.Name, Adapter: message.AdapterFor(adapter, account), Account: account, Tokens: ch.Tokens, Networks: ch.Networks,
			Synthetic: ch.Synthetic, ServiceCode: ch.ServiceCode, From: ch.From,
		})
		o.Screens[ch.Name] = conversation.Channel{USSDSeptets: ch.USSDLimit, Unfolded: !ch.Fold, Languages: ch.Languages}
		o.Sending.Ways[ch.Name] = Way{Rate: ch.RatePerSecond, Fallback: ch.Fallback, Receipts: ch.Receipts}
		for _, n := range ch.OwnNumbers {
			o.OwnNumbers[n] = true
		}
	}
	if c.Simulator.Enabled {
		o.Simulator = serveSimulator(c, log)
		o.Banner = true
	}
	return o
}

func redisOptions(c *config.Config) session.Options {
	r := c.Redis.Server()
	return session.Options{
		Network: r.Network, Addr: r.Addr, TLS: r.TLS, Username: r.Username, Password: r.Password.Reveal(), DB: r.DB, PoolSize: c.Redis.MaxConns,
	}
}

// serveSimulator gives the page with telephones for synthetic channels alone.
// What the gateway sends on them still goes to the network that their account
// names: only `dev` replaces it.
func serveSimulator(c *config.Config, log *slog.Logger) *simulator.Simulator {
	o := simulator.Options{
		BaseURL: func() string { return localURL("http://" + c.Listen) }, Now: time.Now, Random: Random, Log: log,
		Measure: func(text, _ string) (string, int, int) {
			e, units, segments := gsm.Measure(text)
			return string(e), units, segments
		},
		Phones: []simulator.Phone{{Number: message.ParseNumber("+22300000001"), Label: "Téléphone d’essai"}},
	}
	for _, ch := range c.Channels {
		if ch.Synthetic {
			o.Channels = append(o.Channels, simulator.Channel{
				Name: ch.Name, Adapter: ch.Adapter, Token: ch.Tokens[0], ServiceCode: ch.ServiceCode, ShortCode: ch.From,
			})
		}
	}
	return simulator.New(o)
}

// openRecord opens what a config file names for a command.
func openRecord(ctx context.Context, path string) (*config.Config, *store.Store, error) {
	c, err := ReadConfig(path)
	if err != nil {
		return nil, nil, err
	}
	s, err := store.Open(ctx, c.Postgres.URL.Reveal(), store.Options{MaxConns: 4})
	if err != nil {
		return nil, nil, err
	}
	return c, s, nil
}

// Migrate brings the database of a config file to this program's tables.
func Migrate(ctx context.Context, path string) error {
	_, s, err := openRecord(ctx, path)
	if err != nil {
		return err
	}
	defer s.Close()
	return s.Migrate(ctx)
}

func openDesk(ctx context.Context, path string) (*config.Config, *casework.Desk, *store.Store, error) {
	c, s, err := openRecord(ctx, path)
	if err != nil {
		return nil, nil, nil, err
	}
	ring, err := openKeys(ctx, s, c.Keys.Dir)
	if err != nil {
		s.Close()
		return nil, nil, nil, err
	}
	return c, casework.New(casework.Options{Store: s, Ring: ring, Now: time.Now, Random: Random}), s, nil
}

// Desk opens the desk of a site for a command, with the account that it acts by: it may
// what an administrator may, under the name of who runs it. Call done when they are no
// longer needed.
func (s Site) Desk(ctx context.Context, log *slog.Logger) (desk *casework.Desk, who staff.Account, done func(), err error) {
	who = staff.Account{ID: commandActor(), Role: staff.Administrator}
	if s.Data != "" {
		desk, _, done, err = ExportDev(ctx, s.Data, log)
		return desk, who, done, err
	}
	_, desk, record, err := openDesk(ctx, s.Config)
	if err != nil {
		return nil, who, nil, err
	}
	return desk, who, record.Close, nil
}

// ExportAs gives the desk, the id of an account and her scope, for an export that is
// hers: the audit says who took it by the command line, and as whom. Call done when it
// is no longer needed.
func ExportAs(ctx context.Context, path, user string, _ *slog.Logger) (*casework.Desk, string, staff.Scope, func(), error) {
	_, desk, s, err := openDesk(ctx, path)
	if err != nil {
		return nil, "", staff.Scope{}, nil, err
	}
	a, err := s.StaffByUsername(ctx, user)
	if err != nil || !a.Active {
		s.Close()
		if err != nil && !store.IsNotFound(err) {
			return nil, "", staff.Scope{}, nil, err
		}
		return nil, "", staff.Scope{}, nil, fmt.Errorf("there is no active account %q", user)
	}
	return desk, a.ID, a.Scope().By(commandActor()), s.Close, nil
}

// AddUser adds an account. A focal point gets the confidential private key,
// wrapped by her password: from the pair made now when there is none, else from
// the focal point named with her password.
func AddUser(ctx context.Context, path string, n casework.NewAccount, from, fromPassword string) error {
	c, desk, s, err := openDesk(ctx, path)
	if err != nil {
		return err
	}
	defer s.Close()
	made := false
	if n.Role == staff.Protection {
		var key *vault.PrivateKey
		switch ring, err := vault.Open(c.Keys.Dir); {
		case err != nil:
			return err
		case !ring.HasConfidential():
			if key, err = vault.NewConfidentialPair(c.Keys.Dir); err != nil {
				return err
			}
			made = true
		case from == "":
			return errors.New("there is a confidential key pair already: name a focal point who has it with --from, and give her password too")
		default:
			a, err := s.StaffByUsername(ctx, from)
			if err != nil {
				return fmt.Errorf("there is no account %q", from)
			}
			if key, err = vault.UnwrapPrivateKey(a.Confidential, fromPassword); err != nil {
				return err
			}
		}
		n.Confidential = key
	}
	if _, err := desk.AddAccount(ctx, commandActor(), n); err != nil {
		if made {
			_ = vault.RemoveConfidentialPublic(c.Keys.Dir)
		}
		return err
	}
	return nil
}

// ChannelOf gives the adapter and the account of a channel in a config file.
func ChannelOf(path, name string) (message.Adapter, message.Account, error) {
	c, err := ReadConfig(path)
	if err != nil {
		return nil, message.Account{}, err
	}
	for _, ch := range c.Channels {
		if ch.Name == name {
			account := ch.Account()
			a, _ := gateway.AdapterNamed(ch.Adapter) // Read has checked the name
			return message.AdapterFor(a, account), account, nil
		}
	}
	return nil, message.Account{}, fmt.Errorf("%s has no channel %q", path, name)
}

// Check is one line of the doctor.
type Check struct {
	What string `json:"what"`
	OK   bool   `json:"ok"`
	Do   string `json:"do,omitempty"` // what to do when it isn't
	// Note is what cannot be checked from here and Lafia relies on; OK is true then.
	Note string `json:"note,omitempty"`
}

// Doctor checks a config file and all that it names.
func Doctor(ctx context.Context, path string) ([]Check, error) {
	c, err := ReadConfig(path)
	if err != nil {
		return nil, err
	}
	var out []Check
	add := func(what string, err error, do string) bool {
		k := Check{What: what, OK: err == nil}
		if err != nil {
			k.Do = err.Error()
			if do != "" {
				k.Do += ": " + do
			}
		}
		out = append(out, k)
		return err == nil
	}
	ring, err := vault.Open(c.Keys.Dir)
	if add("keys in "+c.Keys.Dir, err, "") && !ring.HasConfidential() {
		add("confidential key pair", errors.New("there is none, so the confidential item only gives the help number"),
			"add a protection focal point with `lafia user add`")
	}
	if c.Help.Number == "" && len(c.Help.Regions) == 0 {
		add("help number", errors.New("none is set"), "set help.number to one that was called and checked")
	}
	out = append(out, spoolCheck(c.Spool.Dir))
	ctx, cancel := context.WithTimeout(ctx, 15*time.Second)
	defer cancel()
	here := machineClock()
	var alive map[string]time.Time // nil: not known
	s, err := store.Open(ctx, c.Postgres.URL.Reveal(), store.Options{MaxConns: 2})
	if add("PostgreSQL", err, "check postgres.url and that the server runs") {
		defer s.Close()
		pending, err := s.Pending(ctx)
		if err == nil && pending {
			err = errors.New("migrations wait")
		}
		if add("tables", err, "run `lafia migrate`") {
			if ring != nil {
				add("keys are those of the database", checkKeys(ctx, s, ring), "")
				add("gateways seal under the office key in use", sealCheck(ctx, s, ring, here.Now()), "look into its log: the key must be in its key folder; then `lafia keys rotate --finish`")
				out = append(out, auditCheck(ctx, s, ring))
			}
			out = append(out, restoreChecks(ctx, s, c.Spool.Dir)...)
			if alive, err = s.ChannelsAlive(ctx); err != nil {
				add("signs of life of channels", err, "")
			}
			add("the clocks agree", clockCheck(ctx, s, here), "set the one that is wrong (timedatectl shows whether it is synchronised); until then gateways go by PostgreSQL's")
			add("messages are handled", handled(ctx, s, here.Now()), "look into the log of a gateway, and whether one runs")
			silent, err := s.SilentNodes(ctx, here.Now())
			if add("signs of life of gateways", err, "") {
				for _, n := range silent {
					add("gateway "+n.ID, waitedFor(n, here.Now()), "start it again, or `lafia spool adopt` its folder; if its disk is lost, `lafia spool forget "+n.ID+"`")
				}
			}
		}
	}
	r, err := session.Open(ctx, redisOptions(c))
	if add("Redis", err, "check redis.url and that the server runs") {
		defer r.Close()
		policy, err := r.Policy(ctx)
		if err == nil && policy != "noeviction" {
			err = fmt.Errorf("its maxmemory-policy is %s, which can drop a conversation that somebody is in", policy)
		}
		add("Redis keeps sessions", err, "set maxmemory-policy noeviction")
	}
	if len(c.Channels) == 0 {
		add("channels", errors.New("none is configured"), "add a [[channel]]")
	}
	for _, ch := range c.Channels {
		var wrong []string
		if len(ch.Networks) == 1 && ch.Networks[0].Bits() == 0 {
			wrong = append(wrong, "networks allows everyone: leave it out, or list the aggregator's")
		}
		adapter, _ := gateway.AdapterNamed(ch.Adapter) // Read has checked the name
		checker, checks := adapter.(message.SettingChecker)
		if checks {
			wrong = append(wrong, checker.CheckSettings(ch.Account())...)
		}
		for _, line := range wrong {
			add("channel "+ch.Name, errors.New(line), "")
		}
		if len(wrong) == 0 {
			add("channel "+ch.Name, nil, "")
		}
		if checks {
			for _, line := range checker.Advice() {
				out = append(out, Check{What: "channel " + ch.Name, OK: true, Note: line})
			}
		}
		at, heard := alive[ch.Name]
		if b, ok := adapter.(message.Beater); alive != nil && (heard || ok) {
			silence := maxSilence
			if ok {
				silence = b.Silence()
			}
			add("channel "+ch.Name+" is alive", silent(at, here.Now(), silence), "look whether the phone is on, charged and in the network, and its app runs")
		}
	}
	return out, nil
}

// spoolCheck looks into the spool's folder. One that is not there yet is made by
// the gateway's first start.
func spoolCheck(dir string) Check {
	k := Check{What: "spool in " + dir, OK: true}
	s, err := SpoolStatus(dir)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		k.Note = "it is not there yet: the first start makes it"
	case err != nil:
		k.OK, k.Do = false, err.Error()
	default:
		if wrong := s.Wrong(time.Now()); wrong != "" {
			k.OK, k.Do = false, wrong+": `lafia spool status` tells more"
		}
	}
	return k
}

// waitedFor tells why reminders and broadcasts wait for a gateway.
func waitedFor(n store.Node, now time.Time) error {
	if n.Spooled > 0 {
		return fmt.Errorf("%d records lie in its spool, and its last sign of life was %s ago: reminders and broadcasts wait for them", n.Spooled, now.Sub(n.BeatAt).Truncate(time.Second))
	}
	return fmt.Errorf("its last sign of life was %s ago, and nobody knows what lies in its spool: reminders and broadcasts wait", now.Sub(n.BeatAt).Truncate(time.Second))
}

// maxSilence is how long a far end that ever gave a sign of life may be silent
// where its adapter does not say: no heartbeat of ours is rarer.
const maxSilence = 15 * time.Minute

// silent tells since when a far end is silent, nil while it is not.
func silent(at, now time.Time, most time.Duration) error {
	switch {
	case at.IsZero():
		return errors.New("it never gave a sign of life")
	case now.Sub(at) > most:
		return fmt.Errorf("its last sign of life was %s ago", now.Sub(at).Truncate(time.Minute))
	}
	return nil
}
