// Package config reads config.toml, what `lafia serve` and its sisters are run
// with. It is strict: a key that does not exist, a value that cannot be meant, a
// secret that is not there are errors, and every one of them is told at once,
// with its file, line and key. Each room has its section; only app reads them.
//
// config.example.toml, at the root of the repository, explains every key.
package config

import (
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"time"

	"lafia/gateway/message"
)

// Config is a whole configuration, checked. Its secrets do not print. The toml
// tags are the keys, the comments on the fields their defaults.
type Config struct {
	// Listen is the address that webhooks, console and API are served on.
	// "127.0.0.1:8080": a reverse proxy with TLS stands before it.
	Listen string `toml:"listen"`
	// AdminListen is the address of /metrics: loopback only. "127.0.0.1:9090".
	AdminListen string `toml:"admin_listen"`
	// TrustedProxies are the peers whose X-Forwarded-For is believed. None.
	TrustedProxies []netip.Prefix `toml:"trusted_proxies"`
	// Drain is how long a stop may take: 1 s to 5 min. 10 s.
	Drain Duration `toml:"drain"`
	// PublicURL is how the outside calls this gateway, "https://lafia.example.org",
	// without a slash at its end. "": not known.
	PublicURL string `toml:"public_url"`

	Postgres  Postgres  `toml:"postgres"`
	Redis     Redis     `toml:"redis"`
	Keys      Keys      `toml:"keys"`
	Spool     Spool     `toml:"spool"`
	Help      Help      `toml:"help"`
	Console   Console   `toml:"console"`
	Simulator Simulator `toml:"simulator"`
	Log       Log       `toml:"log"`
	Budget    Budget    `toml:"budget"`
	// Price is FCFA a segment by "CHANNEL/OPERATOR", "CHANNEL" or "OPERATOR": the
	// first of these that is there counts. None: sending costs nothing.
	Price map[string]float64 `toml:"price"`
	// Operators are the first digits of each operator's numbers. Mali's three.
	Operators map[string][]string `toml:"operators"`
	// Channels are the ways in, in the order of the file. None.
	Channels []Channel `toml:"channel"`
}

// Postgres is the record's database.
type Postgres struct {
	// URL is a connection string, as a URL or as key=value pairs. Required.
	URL message.Secret `toml:"url"`
	// Migrate runs pending migrations at the start; without it a database with
	// pending migrations is refused. true.
	Migrate bool `toml:"migrate"`
	// MaxConns bounds the pool: 2 to 200. 24.
	MaxConns int32 `toml:"max_conns"`
}

// Redis is the server of live sessions.
type Redis struct {
	// URL is redis://, rediss:// (with TLS) or unix://. Required. Server gives
	// its parts.
	URL message.Secret `toml:"url"`
	// MaxConns bounds the pool: 1 to 1000. 32.
	MaxConns int `toml:"max_conns"`
}

// Keys are the keys that the record is sealed with.
type Keys struct {
	// Dir is their folder, absolute once read. "keys", beside the file.
	Dir string `toml:"dir"`
}

// Spool is the journal on this machine's disk for when PostgreSQL is away.
type Spool struct {
	// Dir is its folder, absolute once read, of this gateway alone.
	// "/var/lib/lafia/spool".
	Dir string `toml:"dir"`
	// MaxMiB bounds what lies in it: 1 to 1048576. 1024.
	MaxMiB int64 `toml:"max_mib"`
}

// Help is whom a caller in need can call.
type Help struct {
	// Number is the number for every region without its own. "": none.
	Number string `toml:"number"`
	// Regions are numbers by region code, "ML06". None.
	Regions map[string]string `toml:"regions"`
}

// For is the help number of a region, which may be unknown (""); "" when there is
// none at all.
func (h Help) For(region string) string {
	if n := h.Regions[region]; n != "" {
		return n
	}
	if h.Number == "" && len(h.Regions) > 0 { // a caller's region isn't known: any number is better than none
		return h.Regions[slices.Min(slices.Collect(maps.Keys(h.Regions)))]
	}
	return h.Number
}

// Console is where staff work.
type Console struct {
	// SecureCookies lets browsers send the cookies over TLS only. true.
	SecureCookies bool `toml:"secure_cookies"`
}

// Simulator is the page with telephones.
type Simulator struct {
	// Enabled serves it, for the channels with synthetic = true alone. false.
	Enabled bool `toml:"enabled"`
}

// Log is what goes to standard error.
type Log struct {
	// Level is the least that is logged: debug, info, warn or error. info.
	Level slog.Level `toml:"level"`
}

// Budget is what sending may cost in a month.
type Budget struct {
	// Month is FCFA: 0 to 1e9. What is not a reply or an alert stops when it is
	// spent. 0: no bound.
	Month float64 `toml:"month"`
	// Warn is the share of it that is warned at: above 0, up to 1. 0.8.
	Warn float64 `toml:"warn"`
}

// Channel is one way in: an account at an aggregator, or a phone of ours.
type Channel struct {
	// Name is the part of its address, /webhooks/NAME/…: lower case letters,
	// digits and dashes. Required.
	Name string `toml:"name"`
	// Adapter is whose wire format it speaks. Required.
	Adapter string `toml:"adapter"`
	// Tokens are what a webhook must show: one, or two while one replaces the
	// other, at least 16 characters each. Required.
	Tokens []message.Secret `toml:"tokens"`
	// Signatures are the secrets that signatures are checked with, at most two.
	// None.
	Signatures []message.Secret `toml:"signatures"`
	// Networks are the peers that may post. None: any.
	Networks []netip.Prefix `toml:"networks"`
	// ServiceCode is what callers dial, "*384*42#". "": no USSD.
	ServiceCode string `toml:"service_code"`
	// From is the sender of its SMS: a short code, a number or a name. "": the
	// aggregator's own.
	From string `toml:"from"`
	// Synthetic marks traffic of simulators and load tests. false.
	Synthetic bool `toml:"synthetic"`
	// RatePerSecond is how many segments all gateways together send in a second at
	// most: above 0, up to 1000. 10.
	RatePerSecond float64 `toml:"rate_per_second"`
	// Fallback is the channel that takes what this one surely did not send. "": none.
	Fallback string `toml:"fallback"`
	// USSDLimit is how many septets a USSD page may hold: 160 to 182. 160.
	USSDLimit int `toml:"ussd_limit"`
	// Fold writes ɛ as è, ç as c and so on, so that one message stays one. true.
	Fold bool `toml:"fold"`
	// Languages are those offered to its callers, in their order. None: fr, bm, ses.
	Languages []string `toml:"languages"`
	// Receipts says that deliveries are reported: a message without a report for 10
	// minutes is unknown. true.
	Receipts bool `toml:"receipts"`
	// OwnNumbers are those that write in our name: what comes from them gets no
	// reply. None.
	OwnNumbers []message.Number `toml:"own_numbers"`
	// Settings are the adapter's own, in [channel.account]; its sample.toml
	// explains them. None.
	Settings map[string]message.Secret `toml:"account"`
}

// Account is what the adapter is handed with every call.
func (c Channel) Account() message.Account {
	a := message.Account{Settings: make(map[string]string, len(c.Settings)), Signatures: slices.Clone(c.Signatures)}
	for name, value := range c.Settings {
		a.Settings[name] = value.Reveal()
	}
	return a
}

// Default is the configuration of an empty file: not complete, since what is
// required has no default.
func Default() Config {
	return Config{
		Listen:      "127.0.0.1:8080",
		AdminListen: "127.0.0.1:9090",
		Drain:       Duration(10 * time.Second),
		Postgres:    Postgres{Migrate: true, MaxConns: 24},
		Redis:       Redis{MaxConns: 32},
		Keys:        Keys{Dir: "keys"},
		Spool:       Spool{Dir: "/var/lib/lafia/spool", MaxMiB: 1024},
		Console:     Console{SecureCookies: true},
		Log:         Log{Level: slog.LevelInfo},
		Budget:      Budget{Warn: 0.8},
		// By SNISI's table of Mali; 50 to 53 is thought to be Telecel's. Numbers are
		// carried from one operator to another: this tells prices, not routes.
		Operators: map[string][]string{
			"orange":  {"+2234", "+2237", "+2238", "+22390", "+22391"},
			"moov":    {"+2232", "+2236", "+22398", "+22399"},
			"telecel": {"+2235"},
		},
	}
}

// DefaultChannel is a [[channel]] without keys: not complete, as Default.
func DefaultChannel() Channel {
	return Channel{RatePerSecond: 10, Receipts: true, USSDLimit: 160, Fold: true}
}

// maxFile bounds the file: a thousand channels fit.
const maxFile = 1 << 20

// Read reads a file. known are the names of the adapters there are. An error
// that is about the file's content is Errors.
//
// Paths in the file, those of secrets too, are relative to its folder.
func Read(path string, known []string) (*Config, error) {
	data, err := readBounded(path, maxFile)
	if err != nil {
		return nil, Errors{{File: path, What: "cannot be read: " + reason(err), Do: "give the right path with --config"}}
	}
	return parse(path, data, known)
}

// parse reads data as the content of the file at path.
func parse(path string, data []byte, known []string) (*Config, error) {
	r := &reader{file: path, dir: filepath.Dir(path)}
	root, ok := r.document(data)
	if !ok {
		return nil, r.errors()
	}
	c := r.config(root, known)
	if len(r.problems) > 0 {
		return nil, r.errors()
	}
	return c, nil
}

// readBounded reads a regular file of at most max bytes: a pipe would block and
// a device need not end.
func readBounded(path string, max int64) ([]byte, error) {
	info, err := os.Stat(path)
	switch {
	case err != nil:
		return nil, err
	case !info.Mode().IsRegular():
		return nil, errors.New("it is not a regular file")
	case info.Size() > max:
		return nil, fmt.Errorf("it is larger than %d bytes", max)
	}
	return os.ReadFile(path)
}

// reason is an error without the path that its operation was about.
func reason(err error) string {
	var p *os.PathError
	if errors.As(err, &p) {
		err = p.Err
	}
	return err.Error()
}
