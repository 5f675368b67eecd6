package config_test

import (
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"lafia/gateway/message"
	"lafia/internal/config"
)

var known = []string{"africastalking", "orange"}

// write puts content into config.toml in a folder of its own.
func write(t testing.TB, content string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "config.toml")
	put(t, path, content)
	return path
}

func put(t testing.TB, path, content string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}

// servers is what every valid file needs.
const servers = `
[postgres]
url = "postgres://lafia:pg-password@db/lafia"
[redis]
url = "redis://:redis-password@cache"
`

// oneChannel is a valid file's end, on which cases build.
const oneChannel = servers + `
[[channel]]
name = "at"
adapter = "africastalking"
tokens = ["0123456789abcdef"]
`

func TestAFileWithOnlyWhatIsRequiredHasTheDefaults(t *testing.T) {
	path := write(t, oneChannel)
	got, err := config.Read(path, known)
	if err != nil {
		t.Fatal(err)
	}
	want := config.Default()
	want.Postgres.URL = message.NewSecret("postgres://lafia:pg-password@db/lafia")
	want.Redis.URL = message.NewSecret("redis://:redis-password@cache")
	want.Keys.Dir = filepath.Join(filepath.Dir(path), "keys")
	ch := config.DefaultChannel()
	ch.Name, ch.Adapter, ch.Tokens = "at", "africastalking", []message.Secret{message.NewSecret("0123456789abcdef")}
	want.Channels = []config.Channel{ch}
	if d := diff(*got, want); d != "" {
		t.Error(d)
	}
}

// diff compares with secrets and numbers opened.
func diff(got, want config.Config) string {
	return cmp.Diff(want, got,
		cmp.Transformer("open", message.Secret.Reveal),
		cmp.Transformer("number", message.Number.Reveal),
		cmp.Comparer(func(a, b netip.Prefix) bool { return a == b }))
}

func TestEveryKeyArrivesInItsField(t *testing.T) {
	path := write(t, `
listen = "0.0.0.0:80"
admin_listen = "[::1]:81"
trusted_proxies = ["10.0.0.0/8", "192.0.2.7", "::ffff:192.0.2.8"]
drain = "1m30s"
public_url = "https://lafia.example.org/"
help.number = "80333"
help.regions = { ML06 = "+223 20 00 00 00", ML07 = "*123#" }
simulator.enabled = true
log.level = "warn"
budget = { month = 250000, warn = 0.5 }
price = { first = 25, "first/orange" = 17.5 }
operators = { orange = ["+2237"] }
keys = { dir = "/etc/lafia/keys" }
spool = { dir = "spool", max_mib = 1 }
[console]
secure_cookies = false
[postgres]
url = "host=/run/postgresql user=lafia dbname=lafia"
migrate = false
max_conns = 8
[redis]
url = "unix:///run/redis.sock?db=3"
max_conns = 9
[[channel]]
name = "first"
adapter = "orange"
tokens = ["env:LAFIA_TEST_TOKEN", "file:token"]
signatures = ["inline"]
networks = ["2001:db8::/32"]
service_code = "*384*42#"
from = "LAFIA"
synthetic = true
rate_per_second = 0.5
fallback = "second"
receipts = false
own_numbers = ["36000", "+223 20 00 00 00"]
[channel.account]
username = "lafia"
api_key = "file:key"
[[channel]]
name = "second"
adapter = "africastalking"
tokens = ["0123456789abcdef"]
rate_per_second = 30
`)
	dir := filepath.Dir(path)
	put(t, filepath.Join(dir, "token"), "token-of-a-file-1\n")
	put(t, filepath.Join(dir, "key"), "a key with = and spaces\r\n")
	t.Setenv("LAFIA_TEST_TOKEN", "token-of-an-environment")
	got, err := config.Read(path, known)
	if err != nil {
		t.Fatal(err)
	}
	secret := message.NewSecret
	want := config.Config{
		Listen: "0.0.0.0:80", AdminListen: "[::1]:81",
		TrustedProxies: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("192.0.2.7/32"), netip.MustParsePrefix("192.0.2.8/32")},
		Drain:          config.Duration(90 * time.Second), PublicURL: "https://lafia.example.org",
		Postgres:  config.Postgres{URL: secret("host=/run/postgresql user=lafia dbname=lafia"), MaxConns: 8},
		Redis:     config.Redis{URL: secret("unix:///run/redis.sock?db=3"), MaxConns: 9},
		Keys:      config.Keys{Dir: "/etc/lafia/keys"},
		Spool:     config.Spool{Dir: filepath.Join(filepath.Dir(path), "spool"), MaxMiB: 1},
		Help:      config.Help{Number: "80333", Regions: map[string]string{"ML06": "+223 20 00 00 00", "ML07": "*123#"}},
		Simulator: config.Simulator{Enabled: true},
		Log:       config.Log{Level: slog.LevelWarn},
		Budget:    config.Budget{Month: 250_000, Warn: 0.5},
		Price:     map[string]float64{"first": 25, "first/orange": 17.5}, Operators: map[string][]string{"orange": {"+2237"}},
		Channels: []config.Channel{{
			Name: "first", Adapter: "orange", Tokens: []message.Secret{secret("token-of-an-environment"), secret("token-of-a-file-1")},
			Signatures: []message.Secret{secret("inline")}, Networks: []netip.Prefix{netip.MustParsePrefix("2001:db8::/32")},
			ServiceCode: "*384*42#", From: "LAFIA", Synthetic: true, RatePerSecond: 0.5, Fallback: "second", USSDLimit: 160, Fold: true,
			OwnNumbers: []message.Number{message.ParseNumber("36000"), message.ParseNumber("+22320000000")},
			Settings:   map[string]message.Secret{"username": secret("lafia"), "api_key": secret("a key with = and spaces")},
		}, {
			Name: "second", Adapter: "africastalking", Tokens: []message.Secret{secret("0123456789abcdef")}, RatePerSecond: 30, Receipts: true, USSDLimit: 160, Fold: true,
		}},
	}
	if d := diff(*got, want); d != "" {
		t.Error(d)
	}
	account := got.Channels[0].Account()
	if account.Settings["api_key"] != "a key with = and spaces" || len(account.Signatures) != 1 {
		t.Error("the adapter's account is not what the file says")
	}
}

func TestARegionWithoutAHelpNumberHasTheGeneralOne(t *testing.T) {
	h := config.Help{Number: "80333", Regions: map[string]string{"ML06": "36111"}}
	for region, want := range map[string]string{"ML06": "36111", "ML07": "80333", "": "80333"} {
		if got := h.For(region); got != want {
			t.Errorf("%q gets %q, want %q", region, got, want)
		}
	}
}

func TestARedisAddressIsReadIntoItsParts(t *testing.T) {
	for url, want := range map[string]config.RedisServer{
		"redis://cache":                  {Network: "tcp", Addr: "cache:6379"},
		"redis://u:p%40ss@cache:7000/2":  {Network: "tcp", Addr: "cache:7000", Username: "u", Password: message.NewSecret("p@ss"), DB: 2},
		"rediss://:pass@[2001:db8::1]/0": {Network: "tcp", Addr: "[2001:db8::1]:6379", TLS: true, Password: message.NewSecret("pass")},
		"unix:///run/redis.sock":         {Network: "unix", Addr: "/run/redis.sock"},
		"unix://:pass@/redis.sock?db=1":  {Network: "unix", Addr: "/redis.sock", Password: message.NewSecret("pass"), DB: 1},
	} {
		got := config.Redis{URL: message.NewSecret(url)}.Server()
		if d := cmp.Diff(want, got, cmp.Transformer("open", message.Secret.Reveal)); d != "" {
			t.Errorf("%s: %s", url, d)
		}
	}
}

func TestNothingOfAConfigurationPrintsASecret(t *testing.T) {
	path := write(t, oneChannel+`signatures = ["signature-secret"]
own_numbers = ["+22370000001"]
account.api_key = "key-secret"
`)
	c, err := config.Read(path, known)
	if err != nil {
		t.Fatal(err)
	}
	var log strings.Builder
	slog.New(slog.NewTextHandler(&log, nil)).Info("read", "config", *c, "redis", c.Redis.Server(), "drain", c.Drain)
	for _, printed := range []string{fmt.Sprintf("%v", *c), fmt.Sprintf("%+v", *c), fmt.Sprintf("%#v", *c), fmt.Sprintf("%v", c.Redis.Server()), log.String()} {
		for _, secret := range []string{"pg-password", "redis-password", "0123456789abcdef", "signature-secret", "key-secret", "22370000001"} {
			if strings.Contains(printed, secret) {
				t.Errorf("%q shows %q", printed, secret)
			}
		}
	}
}

// badFiles are files and all that is told about them, without the folder.
var badFiles = []struct{ name, content, want string }{
	{"an empty file", "", `
config.toml:1: postgres.url: is missing (write "postgres://lafia@localhost/lafia", or file: or env:)
config.toml:1: redis.url: is missing (write "redis://localhost:6379/0", or file: or env:)`},
	{"no TOML", servers + "listen = 127.0.0.1:8080\n", `
config.toml:6: this is not TOML: expected newline but got U+002E '.' (texts need quotes, a key stands once; see config.example.toml)`},
	{"a text without its end", "listen = \"127\n" + servers, `
config.toml:1: this is not TOML: basic strings cannot have new lines (texts need quotes, a key stands once; see config.example.toml)`},
	{"a key twice", "drain = \"9s\"\ndrain = \"10s\"" + servers, `
config.toml:2: drain: this is not TOML: key drain is already defined (texts need quotes, a key stands once; see config.example.toml)`},
	{"unknown keys", "lissten = \"127.0.0.1:1\"\ncolour = 1" + servers + "[consol]\n", `
config.toml:1: lissten: there is no such key (did you mean listen?)
config.toml:2: colour: there is no such key (there are: listen, admin_listen, trusted_proxies, drain, public_url, postgres, redis, keys, spool, help, console, simulator, log, budget, operators, channel, price)
config.toml:7: consol: there is no such key (did you mean console?)`},
	{"an unknown key of a channel", oneChannel + "token = \"x\"\n\"a\\nb\" = 1\n", `
config.toml:11: channel.token: there is no such key (did you mean tokens?)
config.toml:12: channel."a\nb": there is no such key (there are: name, adapter, tokens, signatures, networks, service_code, from, synthetic, rate_per_second, fallback, receipts, ussd_limit, fold, languages, own_numbers, account)`},
	{"wrong types", `
listen = 8080
trusted_proxies = "10.0.0.1"
drain = 10
console = true
log.level = ["info"]
[postgres]
url = 1
migrate = "yes"
max_conns = "24"
[redis]
url = "redis://cache"
max_conns = 1.5
[[simulator]]
enabled = true
`, `
config.toml:2: listen: is a number (write a text in quotes, as "127.0.0.1:8080")
config.toml:3: trusted_proxies: is a text (write a list of texts, as ["10.0.0.0/8"])
config.toml:4: drain: is a number (write a text in quotes, as "10s")
config.toml:5: console: is true or false (write a table, as [console])
config.toml:6: log.level: is a list (write a text in quotes, as "info")
config.toml:8: postgres.url: is a number (write a text in quotes, as "postgres://lafia@localhost/lafia")
config.toml:9: postgres.migrate: is a text (write true or false, without quotes)
config.toml:10: postgres.max_conns: is a text (write a whole number from 2 to 200)
config.toml:13: redis.max_conns: is a number (write a whole number from 1 to 1000)
config.toml:14: simulator: is a list (write a table, as [simulator])`},
	{"prices and a budget that cannot be meant", oneChannel + "fallback = \"at\"\n[budget]\nmonth = -1\nwarn = 80\n[price]\nat = \"25\"\nto = 25\n\"at/o\" = 5\n[operators]\norange = [\"7\"]\n", `
config.toml:11: channel.fallback: "at" is no other channel (write the name of another channel)
config.toml:13: budget.month: -1 is out of range (write a number from 0 to 1000000000)
config.toml:14: budget.warn: 80 is out of range (write a number from 0.01 to 1)
config.toml:16: price.at: is a text (write a number from 0 to 10000)
config.toml:17: price.to: "to" is no channel or operator (write "CHANNEL/OPERATOR", "CHANNEL" or "OPERATOR")
config.toml:18: price."at/o": "at/o" is no channel or operator (write "CHANNEL/OPERATOR", "CHANNEL" or "OPERATOR")
config.toml:20: operators.orange: not all of it is how a number begins (write first digits with country code and plus, as ["+2237"])`},
	{"a channel with single brackets", servers + "[channel]\nname = \"at\"\n", `
config.toml:6: channel: is a table (write it with double brackets, as [[channel]])`},
	{"channels in a list of texts", "channel = [\"at\"]" + servers, `
config.toml:1: channel: entry 1 is a text (write it with double brackets, as [[channel]])`},
	{"an address without a port", "listen = \"localhost\"" + servers, `
config.toml:1: listen: "localhost" is no address to listen on (write host:port, as "127.0.0.1:8080")`},
	{"debugging for everybody", "admin_listen = \":9090\"" + servers, `
config.toml:1: admin_listen: ":9090" can be reached from outside (write a loopback address, as "127.0.0.1:9090")`},
	{"two listeners on one port", "listen = \"0.0.0.0:80\"\nadmin_listen = \"127.0.0.1:80\"" + servers, `
config.toml:2: admin_listen: has the port of listen (give each its own port)`},
	{"a listener on the other's default", "listen = \"0.0.0.0:9090\"" + servers, `
config.toml:1: listen: has the port of admin_listen, 127.0.0.1:9090 (give each its own port)`},
	{"networks that are none", "trusted_proxies = [\"proxy\", \"10.0.0.1/8\"]" + servers, `
config.toml:1: trusted_proxies: "proxy" is no network (write addresses or networks, as ["192.0.2.7", "10.0.0.0/8"])
config.toml:1: trusted_proxies: "10.0.0.1/8" is an address inside a network (write 10.0.0.0/8, or the address without its /)`},
	{"a drain without a unit", "drain = \"10\"" + servers, `
config.toml:1: drain: "10" is no duration (write 1s to 5m, as "10s")`},
	{"a drain of an hour", "drain = \"1h\"" + servers, `
config.toml:1: drain: "1h" is out of range (write 1s to 5m, as "10s")`},
	{"a public address with a path", "public_url = \"https://example.org/lafia?token=secret\"" + servers, `
config.toml:1: public_url: is no address of a server (write scheme and host alone, as "https://lafia.example.org")`},
	{"server addresses that are none", `
[postgres]
url = "mysql://root:hunter2@db"
max_conns = 0
[redis]
url = "cache:hunter2"
max_conns = 5000
`, `
config.toml:3: postgres.url: is no address of a PostgreSQL database (write postgres://USER:PASSWORD@HOST:5432/DATABASE, or host=… user=… dbname=…)
config.toml:4: postgres.max_conns: 0 is out of range (write a whole number from 2 to 200)
config.toml:6: redis.url: is no address of a Redis server (write redis://USER:PASSWORD@HOST:6379/0, rediss:// for TLS, or unix:///path/to/redis.sock)
config.toml:7: redis.max_conns: 5000 is out of range (write a whole number from 1 to 1000)`},
	{"secrets that are not there", `
[postgres]
url = "file:secrets/pg"
[redis]
url = "env:LAFIA_NOT_SET"
[[channel]]
name = "at"
adapter = "orange"
tokens = ["file:", "file:empty", "file:."]
account.api_key = "file:key"
`, `
config.toml:3: postgres.url: the file DIR/secrets/pg cannot be read: no such file or directory (put the secret there, readable to lafia alone)
config.toml:5: redis.url: the environment variable LAFIA_NOT_SET is not set or empty (set it where lafia is started)
config.toml:9: channel.tokens: file: has no path (write file:/run/secrets/NAME)
config.toml:9: channel.tokens: the file DIR/empty is empty (put the secret there)
config.toml:9: channel.tokens: the file DIR cannot be read: it is not a regular file (put the secret there, readable to lafia alone)
config.toml:10: channel.account.api_key: the file DIR/key cannot be read: no such file or directory (put the secret there, readable to lafia alone)`},
	{"no folder for the keys", servers + "[keys]\ndir = \"\"\n", `
config.toml:7: keys.dir: is empty (write the folder, as "keys")`},
	{"no folder for the spool, and no room", servers + "[spool]\ndir = \"\"\nmax_mib = 0\n", `
config.toml:7: spool.dir: is empty (write the folder, as "/var/lib/lafia/spool")
config.toml:8: spool.max_mib: 0 is out of range (write a whole number from 1 to 1048576)`},
	{"help that cannot be called", servers + "[help]\nnumber = \"call us\"\n[help.regions]\nGao = \"36111\"\nML06 = \"\"\nML07 = 36111\n", `
config.toml:7: help.number: "call us" cannot be dialled (write it as callers dial it, as "36111" or "+223 20 00 00 00")
config.toml:9: help.regions.Gao: is no code of a region (write the code of a region, as ML06)
config.toml:10: help.regions.ML06: "" cannot be dialled (write it as callers dial it, as "36111" or "+223 20 00 00 00")
config.toml:11: help.regions.ML07: is a number (write a text in quotes, as "36111")`},
	{"a level that is none", servers + "[log]\nlevel = \"INFO\"\n", `
config.toml:7: log.level: "INFO" is no level (write debug, info, warn or error)`},
	{"a simulator without a channel of its own", oneChannel + "[simulator]\nenabled = true\n", `
config.toml:12: simulator.enabled: no channel is synthetic, and the simulator uses no other (give it a channel of its own, with synthetic = true)`},
	{"a channel with nothing", servers + "[[channel]]\n", `
config.toml:6: channel.name: is missing (write the name in its address, as "orange-ml")
config.toml:6: channel.adapter: is missing (there are: africastalking, orange)
config.toml:6: channel.tokens: is missing (draw one: openssl rand -hex 16)`},
	{"a second channel with the first one's name", oneChannel + "[[channel]]\nname = \"at\"\nadapter = \"smtp\"\ntokens = []\n", `
config.toml:12: channel.name: "at" is the name of the channel in line 8 too (give each channel its own)
config.toml:13: channel.adapter: there is no adapter "smtp" (there are: africastalking, orange)
config.toml:14: channel.tokens: is empty, and nobody could post (draw one: openssl rand -hex 16)`},
	{"a channel with nothing right", servers + `[[channel]]
name = "Orange ML"
adapter = "orange"
tokens = ["short", "sixteen chars & a space"]
signatures = ["a", "b", "c"]
networks = ["everywhere"]
service_code = "384"
from = "A name that is too long"
synthetic = 1
rate_per_second = 0
own_numbers = ["", 36000]
[channel.account]
username = 1
`, `
config.toml:7: channel.name: "Orange ML" cannot be a channel's name (write 1 to 32 lower case letters, digits and dashes, as "orange-ml")
config.toml:9: channel.tokens: token 1 has 5 characters, and needs 16 at least (draw one: openssl rand -hex 16)
config.toml:9: channel.tokens: token 2 has characters that cannot stand in an address; letters, digits and . _ ~ - can (draw one: openssl rand -hex 16)
config.toml:10: channel.signatures: has 3 secrets, and at most two are live (keep the new one and the one it replaces)
config.toml:11: channel.networks: "everywhere" is no network (write addresses or networks, as ["192.0.2.7", "10.0.0.0/8"])
config.toml:12: channel.service_code: "384" cannot be dialled (write it as it is dialled, as "*384*42#")
config.toml:13: channel.from: "A name that is too long" cannot send an SMS (write a short code, a number, or a name of 2 to 11 letters and digits, as "36000" or "LAFIA")
config.toml:14: channel.synthetic: is a number (write true or false, without quotes)
config.toml:15: channel.rate_per_second: 0 is out of range (write a number above 0 and up to 1000)
config.toml:16: channel.own_numbers: entry 2 is a number (write a list of texts, as ["36000"])
config.toml:18: channel.account.username: is a number (write a text in quotes, as "lafia")`},
	{"tokens that are no rotation", servers + `[[channel]]
name = "a"
adapter = "orange"
tokens = ["0123456789abcdef", "0123456789abcdef"]
[[channel]]
name = "b"
adapter = "orange"
tokens = ["0123456789abcdef", "1123456789abcdef", "2123456789abcdef"]
rate_per_second = nan
signatures = [""]
own_numbers = ["+"]
`, `
config.toml:9: channel.tokens: has the same token twice (keep one of them)
config.toml:13: channel.tokens: has 3 tokens, and at most two are live (keep the new one and the one it replaces)
config.toml:14: channel.rate_per_second: NaN is out of range (write a number above 0 and up to 1000)
config.toml:15: channel.signatures: an empty secret signs nothing (leave the key out where nothing is signed)
config.toml:16: channel.own_numbers: "+" is no number (write numbers, short codes or senders, as ["36000", "+22320000000"])`},
	{"keys in tables inside a line", `redis = { url = "redis://cache", max_conns = 0 }
postgres = { url = "postgres://db/lafia",
  colour = 1 }
channel = [
  { name = "at", adapter = "orange", tokens = ["0123456789abcdef"], sinthetic = true },
]
`, `
config.toml:1: redis.max_conns: 0 is out of range (write a whole number from 1 to 1000)
config.toml:3: postgres.colour: there is no such key (there are: url, migrate, max_conns)
config.toml:5: channel.sinthetic: there is no such key (did you mean synthetic?)`},
	{"what does not print", "listen = \"a\\nb\\u202E\"" + servers, `
config.toml:1: listen: "a\nb\u202e" is no address to listen on (write host:port, as "127.0.0.1:8080")`},
}

func TestAWrongFileIsToldInOneLineAProblemWithFileLineAndKey(t *testing.T) {
	for _, c := range badFiles {
		t.Run(c.name, func(t *testing.T) {
			path := write(t, c.content)
			dir := filepath.Dir(path)
			put(t, filepath.Join(dir, "empty"), "\n")
			_, err := config.Read(path, known)
			if err == nil {
				t.Fatal("it is accepted")
			}
			got := strings.ReplaceAll(err.Error(), path, "config.toml")
			got = strings.ReplaceAll(got, dir, "DIR")
			if d := cmp.Diff(strings.TrimPrefix(c.want, "\n"), got); d != "" {
				t.Error(d)
			}
			var one config.Error
			if !errors.As(err, &one) || one.File != path || one.Line == 0 {
				t.Errorf("the error is no config.Error with its place: %#v", one)
			}
		})
	}
}

func TestAnErrorDoesNotShowASecretThatIsWrong(t *testing.T) {
	const secret = "hunter2-hunter2"
	for _, content := range []string{
		"[postgres]\nurl = \"postgres://lafia:" + secret + "@db:port/x\"\n",
		"[postgres]\nurl = \"host=db password=" + secret + " sslmode=never\"\n",
		"[postgres]\nurl = " + secret + "\n",
		"[postgres]\nurl = \"" + secret + "\n",
		"[redis]\nurl = \"redis://:" + secret + "@cache/x\"\n",
		"[redis]\nurl = [\"" + secret + "\"]\n",
		"[[channel]]\ntokens = [\"" + secret + "\", 1]\nsignatures = \"" + secret + "\"\n",
		"[[channel]]\ntokens = [\"file:secret\"]\naccount = \"" + secret + "\"\n",
		"public_url = \"https://u:" + secret + "@example.org\"\n",
	} {
		path := write(t, content)
		put(t, filepath.Join(filepath.Dir(path), "secret"), secret)
		_, err := config.Read(path, known)
		if err == nil || strings.Contains(err.Error(), "hunter") {
			t.Errorf("%q gives %v", content, err)
		}
	}
}

func TestAFileThatIsNotThereIsToldByItsPath(t *testing.T) {
	dir := t.TempDir()
	missing := filepath.Join(dir, "config.toml")
	for path, what := range map[string]string{missing: "no such file or directory", dir: "it is not a regular file"} {
		_, err := config.Read(path, known)
		want := path + ": cannot be read: " + what + " (give the right path with --config)"
		if err == nil || err.Error() != want {
			t.Errorf("got %v, want %s", err, want)
		}
	}
	big := filepath.Join(dir, "big.toml")
	put(t, big, strings.Repeat("#\n", 1<<20))
	if _, err := config.Read(big, known); err == nil || !strings.Contains(err.Error(), "larger than 1048576 bytes") {
		t.Errorf("a file of 2 MiB gives %v", err)
	}
}

func TestAFileFromWindowsIsRead(t *testing.T) {
	path := write(t, "\uFEFF"+strings.ReplaceAll(oneChannel+"colour = 1\n", "\n", "\r\n"))
	_, err := config.Read(path, known)
	if err == nil || !strings.Contains(err.Error(), ":11: channel.colour: there is no such key") {
		t.Errorf("got %v", err)
	}
}

// FuzzRead: whatever the bytes, Read does not panic, and an error of the content
// is one line a problem, each with its file and line.
func FuzzRead(f *testing.F) {
	for _, c := range badFiles {
		f.Add([]byte(c.content))
	}
	if example, err := fs.ReadFile(os.DirFS("../.."), "config.example.toml"); err == nil {
		f.Add(example)
	}
	f.Fuzz(func(t *testing.T, content []byte) {
		path := write(t, string(content))
		c, err := config.Read(path, known)
		if err == nil {
			for _, ch := range c.Channels {
				ch.Account()
			}
			if c.Redis.Server().Network == "" {
				t.Error("a Redis address was accepted and cannot be read")
			}
			return
		}
		var all config.Errors
		if !errors.As(err, &all) || len(all) == 0 {
			t.Fatalf("no config.Errors: %v", err)
		}
		for _, e := range all {
			if line := e.Error(); e.Line < 1 && len(content) <= 1<<20 || strings.ContainsAny(line, "\n\r") || !strings.HasPrefix(line, path+":") {
				t.Errorf("%q is not one line with a place", line)
			}
		}
	})
}
