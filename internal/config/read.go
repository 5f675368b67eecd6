package config

import (
	"fmt"
	"log/slog"
	"maps"
	"net"
	"net/netip"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"lafia/gateway/message"
)

// config reads and checks every section.
func (r *reader) config(root *table, known []string) *Config {
	c := Default()
	root.server(&c)
	if t := root.sub("postgres"); t != nil {
		t.postgres(&c.Postgres)
	}
	if t := root.sub("redis"); t != nil {
		t.redis(&c.Redis)
	}
	if t := root.sub("keys"); t != nil {
		if t.text("dir", &c.Keys.Dir, `"keys"`) && c.Keys.Dir == "" {
			t.bad("dir", `write the folder, as "keys"`, "is empty")
		}
		t.end()
	}
	c.Keys.Dir = r.path(c.Keys.Dir)
	if t := root.sub("spool"); t != nil {
		if t.text("dir", &c.Spool.Dir, `"/var/lib/lafia/spool"`) && c.Spool.Dir == "" {
			t.bad("dir", `write the folder, as "/var/lib/lafia/spool"`, "is empty")
		}
		if n, ok := t.whole("max_mib", 1, 1<<20); ok {
			c.Spool.MaxMiB = n
		}
		t.end()
	}
	c.Spool.Dir = r.path(c.Spool.Dir)
	if t := root.sub("help"); t != nil {
		t.help(&c.Help)
	}
	if t := root.sub("console"); t != nil {
		t.flag("secure_cookies", &c.Console.SecureCookies)
		t.end()
	}
	simulator := root.sub("simulator")
	if simulator != nil {
		simulator.flag("enabled", &c.Simulator.Enabled)
		simulator.end()
	}
	if t := root.sub("log"); t != nil {
		t.log(&c.Log)
	}
	if t := root.sub("budget"); t != nil {
		t.amount("month", 0, 1e9, &c.Budget.Month)
		t.amount("warn", 0.01, 1, &c.Budget.Warn)
		t.end()
	}
	if t := root.sub("operators"); t != nil {
		t.operators(&c)
	}
	first := map[string]int{} // the line of each name
	channels := root.subs("channel")
	for _, t := range channels {
		c.Channels = append(c.Channels, t.channel(known, first))
	}
	for i, t := range channels {
		if f := c.Channels[i].Fallback; f != "" {
			if _, there := first[f]; !there || f == c.Channels[i].Name {
				t.bad("fallback", "write the name of another channel", "%s is no other channel", quoted(f))
			}
		}
	}
	if t := root.sub("price"); t != nil {
		t.prices(&c, first)
	}
	root.end()
	if c.Simulator.Enabled && !slices.ContainsFunc(c.Channels, func(ch Channel) bool { return ch.Synthetic }) {
		simulator.bad("enabled", "give it a channel of its own, with synthetic = true", "no channel is synthetic, and the simulator uses no other")
	}
	return &c
}

// server reads the keys above the first section.
func (t *table) server(c *Config) {
	const example = `"127.0.0.1:8080"`
	listens := t.text("listen", &c.Listen, example) && t.address("listen", c.Listen, example)
	if t.text("admin_listen", &c.AdminListen, `"127.0.0.1:9090"`) && t.address("admin_listen", c.AdminListen, `"127.0.0.1:9090"`) {
		host, _, _ := net.SplitHostPort(c.AdminListen)
		ip, err := netip.ParseAddr(host)
		if host != "localhost" && (err != nil || !ip.IsLoopback()) {
			t.bad("admin_listen", `write a loopback address, as "127.0.0.1:9090"`, "%s can be reached from outside", quoted(c.AdminListen))
		} else if samePort(c.Listen, c.AdminListen) {
			t.bad("admin_listen", "give each its own port", "has the port of listen")
		}
	} else if listens && samePort(c.Listen, c.AdminListen) {
		t.bad("listen", "give each its own port", "has the port of admin_listen, %s", c.AdminListen)
	}
	t.networks("trusted_proxies", &c.TrustedProxies)
	var drain string
	if t.text("drain", &drain, `"10s"`) {
		const do = `write 1s to 5m, as "10s"`
		if err := c.Drain.UnmarshalText([]byte(drain)); err != nil {
			t.bad("drain", do, "%s", err)
		} else if d := time.Duration(c.Drain); d < time.Second || d > 5*time.Minute {
			t.bad("drain", do, "%s is out of range", quoted(drain))
		}
	}
	if t.text("public_url", &c.PublicURL, `"https://lafia.example.org"`) && c.PublicURL != "" {
		u, err := url.Parse(c.PublicURL)
		if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" || u.User != nil ||
			u.Path != "" && u.Path != "/" || u.RawQuery != "" || u.Fragment != "" {
			// Not shown: it may have a password or a token in it.
			t.bad("public_url", `write scheme and host alone, as "https://lafia.example.org"`, "is no address of a server")
		}
		c.PublicURL = strings.TrimSuffix(c.PublicURL, "/")
	}
}

// address checks that a value is host:port.
func (t *table) address(name, value, example string) bool {
	_, port, err := net.SplitHostPort(value)
	if err == nil {
		_, err = strconv.ParseUint(port, 10, 16)
	}
	if err != nil {
		t.bad(name, "write host:port, as "+example, "%s is no address to listen on", quoted(value))
	}
	return err == nil
}

// samePort reports whether two addresses have one port, which is not 0, any.
func samePort(a, b string) bool {
	_, p, err := net.SplitHostPort(a)
	_, q, err2 := net.SplitHostPort(b)
	return err == nil && err2 == nil && p == q && p != "0"
}

// networks reads a list of networks and single addresses into *to.
func (t *table) networks(name string, to *[]netip.Prefix) {
	list, ok := t.texts(name, `["10.0.0.0/8"]`)
	if !ok {
		return
	}
	all := make([]netip.Prefix, 0, len(list))
	for _, s := range list {
		if ip, err := netip.ParseAddr(s); err == nil && ip.Zone() == "" {
			ip = ip.Unmap()
			all = append(all, netip.PrefixFrom(ip, ip.BitLen()))
			continue
		}
		p, err := netip.ParsePrefix(s)
		switch {
		case err != nil || p.Addr().Is4In6():
			t.bad(name, `write addresses or networks, as ["192.0.2.7", "10.0.0.0/8"]`, "%s is no network", quoted(s))
		case p != p.Masked():
			t.bad(name, "write "+p.Masked().String()+", or the address without its /", "%s is an address inside a network", quoted(s))
		default:
			all = append(all, p)
		}
	}
	*to = all
}

// postgres reads [postgres].
func (t *table) postgres(p *Postgres) {
	const example = `"postgres://lafia@localhost/lafia"`
	switch {
	case !t.has("url"):
		t.get("url")
		t.missing("url", "write "+example+", or file: or env:")
	default:
		if s, ok := t.secret("url", example); ok {
			// pgx' own words are not told: they quote the address.
			if _, err := pgconn.ParseConfig(s.Reveal()); err != nil || strings.TrimSpace(s.Reveal()) == "" {
				t.bad("url", `write postgres://USER:PASSWORD@HOST:5432/DATABASE, or host=… user=… dbname=…`, "is no address of a PostgreSQL database")
			}
			p.URL = s
		}
	}
	t.flag("migrate", &p.Migrate)
	if n, ok := t.whole("max_conns", 2, 200); ok {
		p.MaxConns = int32(n)
	}
	t.end()
}

// redis reads [redis].
func (t *table) redis(c *Redis) {
	const example = `"redis://localhost:6379/0"`
	switch {
	case !t.has("url"):
		t.get("url")
		t.missing("url", "write "+example+", or file: or env:")
	default:
		if s, ok := t.secret("url", example); ok {
			if _, ok := readRedisURL(s.Reveal()); !ok {
				t.bad("url", "write redis://USER:PASSWORD@HOST:6379/0, rediss:// for TLS, or unix:///path/to/redis.sock", "is no address of a Redis server")
			}
			c.URL = s
		}
	}
	if n, ok := t.whole("max_conns", 1, 1000); ok {
		c.MaxConns = int(n)
	}
	t.end()
}

// help reads [help].
func (t *table) help(h *Help) {
	const do = `write it as callers dial it, as "36111" or "+223 20 00 00 00"`
	if t.text("number", &h.Number, `"36111"`) && h.Number != "" && !dialled.MatchString(h.Number) {
		t.bad("number", do, "%s cannot be dialled", quoted(h.Number))
	}
	regions := t.sub("regions")
	t.end()
	if regions == nil {
		return
	}
	for _, code := range slices.Sorted(maps.Keys(regions.values)) {
		var number string
		switch {
		case !regions.text(code, &number, `"36111"`):
		case !regionCode.MatchString(code):
			regions.bad(code, "write the code of a region, as ML06", "is no code of a region")
		case !dialled.MatchString(number):
			regions.bad(code, do, "%s cannot be dialled", quoted(number))
		default:
			if h.Regions == nil {
				h.Regions = map[string]string{}
			}
			h.Regions[code] = number
		}
	}
}

// What values look like.
var (
	// regionCode: an ISO country and two digits, as OCHA's place codes begin
	// (programme.Region).
	regionCode = regexp.MustCompile(`^[A-Z]{2}[0-9]{2}$`)
	// dialled: digits with spaces between; "*" and "#" for codes.
	dialled = regexp.MustCompile(`^\+?[0-9*#](?: ?[0-9*#]){1,23}$`)
	// serviceCode: 3GPP TS 22.090 leaves more, but operators give out these.
	serviceCode = regexp.MustCompile(`^\*[0-9]{1,10}(?:\*[0-9]{1,10})*#$`)
	// firstDigits of numbers, in the form of message.Number.
	firstDigits = regexp.MustCompile(`^\+[0-9]{1,15}$`)
	// channelName becomes a part of a URL and a label of metrics.
	channelName = regexp.MustCompile(`^[a-z0-9](?:[a-z0-9-]{0,30}[a-z0-9])?$`)
	// sender: a number, or a name of at most 11 characters (3GPP TS 23.040
	// 9.1.2.5: 7 bits each in 10 octets).
	sender = regexp.MustCompile(`^(?:\+?[0-9]{3,15}|[A-Za-z0-9][A-Za-z0-9 ._-]{1,10})$`)
	// tokenForm can stand in a query as it is.
	tokenForm = regexp.MustCompile(`^[A-Za-z0-9._~-]*$`)
)

// log reads [log].
func (t *table) log(l *Log) {
	levels := map[string]slog.Level{"debug": slog.LevelDebug, "info": slog.LevelInfo, "warn": slog.LevelWarn, "error": slog.LevelError}
	var s string
	if t.text("level", &s, `"info"`) {
		level, ok := levels[s]
		if !ok {
			t.bad("level", "write debug, info, warn or error", "%s is no level", quoted(s))
		}
		l.Level = level
	}
	t.end()
}

// tokenLeast is how long a token is: 16 characters of a machine's choice cannot
// be guessed over a network.
const tokenLeast = 16

// channel reads one [[channel]]. first has the line of each name so far.
func (t *table) channel(known []string, first map[string]int) Channel {
	c := DefaultChannel()
	if t.text("name", &c.Name, `"orange-ml"`) {
		line, twice := first[c.Name]
		switch {
		case !channelName.MatchString(c.Name):
			t.bad("name", `write 1 to 32 lower case letters, digits and dashes, as "orange-ml"`, "%s cannot be a channel's name", quoted(c.Name))
		case twice:
			t.bad("name", "give each channel its own", "%s is the name of the channel in line %d too", quoted(c.Name), line)
		default:
			first[c.Name] = t.line("name")
		}
	} else if !t.has("name") {
		t.missing("name", `write the name in its address, as "orange-ml"`)
	}
	have := "there are: " + strings.Join(known, ", ")
	if t.text("adapter", &c.Adapter, `"africastalking"`) {
		if !slices.Contains(known, c.Adapter) {
			t.bad("adapter", have, "there is no adapter %s", quoted(c.Adapter))
		}
	} else if !t.has("adapter") {
		t.missing("adapter", have)
	}
	c.Tokens = t.tokens()
	if list, ok := t.secrets("signatures", `["file:signature"]`); ok {
		switch {
		case len(list) > 2:
			t.bad("signatures", "keep the new one and the one it replaces", "has %d secrets, and at most two are live", len(list))
		case slices.ContainsFunc(list, message.Secret.IsZero):
			t.bad("signatures", "leave the key out where nothing is signed", "an empty secret signs nothing")
		}
		c.Signatures = list
	}
	t.networks("networks", &c.Networks)
	if t.text("service_code", &c.ServiceCode, `"*384*42#"`) && c.ServiceCode != "" && !serviceCode.MatchString(c.ServiceCode) {
		t.bad("service_code", `write it as it is dialled, as "*384*42#"`, "%s cannot be dialled", quoted(c.ServiceCode))
	}
	if t.text("from", &c.From, `"36000"`) && c.From != "" && !sender.MatchString(c.From) {
		t.bad("from", `write a short code, a number, or a name of 2 to 11 letters and digits, as "36000" or "LAFIA"`, "%s cannot send an SMS", quoted(c.From))
	}
	t.flag("synthetic", &c.Synthetic)
	t.rate(&c.RatePerSecond)
	t.text("fallback", &c.Fallback, `"orange-ml"`) // that it is there is checked when all are read
	t.flag("receipts", &c.Receipts)
	if n, ok := t.whole("ussd_limit", 160, 182); ok {
		c.USSDLimit = int(n)
	}
	t.flag("fold", &c.Fold)
	if list, ok := t.texts("languages", `["fr", "khq"]`); ok {
		c.Languages = list // that there are such languages is checked where the words are read
	}
	if list, ok := t.texts("own_numbers", `["36000"]`); ok {
		for _, s := range list {
			n := message.ParseNumber(s)
			if n.IsZero() || len(s) > 32 {
				t.bad("own_numbers", `write numbers, short codes or senders, as ["36000", "+22320000000"]`, "%s is no number", quoted(s))
				continue
			}
			c.OwnNumbers = append(c.OwnNumbers, n)
		}
	}
	if account := t.sub("account"); account != nil {
		for _, name := range slices.Sorted(maps.Keys(account.values)) {
			if s, ok := account.secret(name, `"lafia"`); ok {
				if c.Settings == nil {
					c.Settings = map[string]message.Secret{}
				}
				c.Settings[name] = s
			}
		}
	}
	t.end()
	return c
}

// tokens reads a channel's tokens.
func (t *table) tokens() []message.Secret {
	const draw = "draw one: openssl rand -hex 16"
	list, ok := t.secrets("tokens", `["file:token"]`)
	switch {
	case !t.has("tokens"):
		t.missing("tokens", draw)
	case !ok:
	case len(list) == 0:
		t.bad("tokens", draw, "is empty, and nobody could post")
	case len(list) > 2:
		t.bad("tokens", "keep the new one and the one it replaces", "has %d tokens, and at most two are live", len(list))
	case len(list) == 2 && list[0] == list[1]:
		t.bad("tokens", "keep one of them", "has the same token twice")
	default:
		for i, s := range list {
			switch n := len(s.Reveal()); {
			case n < tokenLeast:
				t.bad("tokens", draw, "token %d has %d characters, and needs %d at least", i+1, n, tokenLeast)
			case !tokenForm.MatchString(s.Reveal()):
				t.bad("tokens", draw, "token %d has characters that cannot stand in an address; letters, digits and . _ ~ - can", i+1)
			}
		}
	}
	return list
}

// rate reads a channel's rate into *to.
func (t *table) rate(to *float64) {
	const name, want = "rate_per_second", "a number above 0 and up to 1000"
	n, ok := t.number(name, want)
	switch {
	case !ok:
	case !(n > 0 && n <= 1000):
		t.bad(name, "write "+want, "%v is out of range", n)
	default:
		*to = n
	}
}

// amount reads a number from least to most into *to.
func (t *table) amount(name string, least, most float64, to *float64) {
	want := fmt.Sprintf("a number from %v to %.0f", least, most)
	n, ok := t.number(name, want)
	switch {
	case !ok:
	case !(n >= least && n <= most):
		t.bad(name, "write "+want, "%v is out of range", n)
	default:
		*to = n
	}
}

// number reads a number, whole or not.
func (t *table) number(name, want string) (float64, bool) {
	v, ok := t.get(name)
	if !ok {
		return 0, false
	}
	switch v := v.(type) {
	case int64:
		return float64(v), true
	case float64:
		return v, true
	}
	t.wrong(name, want, v)
	return 0, false
}

// operators reads [operators], which stands for the whole table of Mali's.
func (t *table) operators(c *Config) {
	if len(t.values) == 0 {
		return
	}
	c.Operators = map[string][]string{}
	for _, name := range slices.Sorted(maps.Keys(t.values)) {
		list, ok := t.texts(name, `["+2237"]`)
		switch {
		case !ok:
		case !channelName.MatchString(name):
			t.bad(name, `write 1 to 32 lower case letters, digits and dashes, as orange`, "%s cannot be an operator's name", quoted(name))
		case slices.ContainsFunc(list, func(s string) bool { return !firstDigits.MatchString(s) }):
			t.bad(name, `write first digits with country code and plus, as ["+2237"]`, "not all of it is how a number begins")
		default:
			c.Operators[name] = list
		}
	}
}

// prices reads [price]; channels has the names of all channels.
func (t *table) prices(c *Config, channels map[string]int) {
	for _, key := range slices.Sorted(maps.Keys(t.values)) {
		channel, operator, both := strings.Cut(key, "/")
		_, isChannel := channels[channel]
		_, isOperator := c.Operators[operator]
		if !both {
			_, isOperator = c.Operators[channel]
		}
		var price float64
		t.amount(key, 0, 10_000, &price)
		if both && !(isChannel && isOperator) || !both && !isChannel && !isOperator {
			t.bad(key, `write "CHANNEL/OPERATOR", "CHANNEL" or "OPERATOR"`, "%s is no channel or operator", quoted(key))
			continue
		}
		if c.Price == nil {
			c.Price = map[string]float64{}
		}
		c.Price[key] = price
	}
}
