package app

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"time"

	"lafia/gateway"
	"lafia/gateway/message"
	"lafia/internal/casework"
	"lafia/internal/conversation"
	"lafia/internal/demo"
	"lafia/internal/gsm"
	"lafia/internal/servers"
	"lafia/internal/session"
	"lafia/internal/simulator"
	"lafia/internal/staff"
	"lafia/internal/store"
	"lafia/internal/vault"
)

// DevOptions are what `lafia dev` runs with.
type DevOptions struct {
	Dir    string // data folder; made when missing
	Listen string // host:port
	NoDemo bool
	Out    io.Writer // where the addresses are printed
	Log    *slog.Logger
	Now    func() time.Time
	// Point is called where tests kill the process. May be nil.
	Point func(name string)
}

// The codes of the dev instance: synthetic, dialled nowhere.
const (
	devServiceCode = "*384#"
	devShortCode   = "36000"
	devHelpNumber  = "80333" // context.md 2.4: to be called and checked before real use
)

// devSpool bounds the spool of a dev instance.
const devSpool = 256 << 20

// A dev instance stops within 5 s of Ctrl-C: requests under way have drainDev,
// all of it stopWithin, and the servers take a tenth of a second.
const (
	drainDev   = 1500 * time.Millisecond
	stopWithin = 4 * time.Second
)

// devFile is DATA/dev.json: what scripts need of a running dev instance.
type devFile struct {
	URL         string         `json:"url"`
	Channels    []string       `json:"channels"` // names: POST {url}/webhooks/{name}/ussd|sms|status
	Token       string         `json:"token"`
	ServiceCode string         `json:"service_code"`
	ShortCode   string         `json:"short_code"`
	Logins      []demo.Login   `json:"logins"`
	Leaders     []demo.Leader  `json:"leaders"`
	Projects    []demo.Project `json:"projects"`
}

// Dev runs a whole Lafia with servers of its own until ctx ends: PostgreSQL and
// Redis as children, the demo programme, the simulator.
func Dev(ctx context.Context, o DevOptions) (err error) {
	if o.Now == nil {
		o.Now = time.Now
	}
	d, err := startDev(ctx, o)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, d.stop()) }()
	if err := d.announce(); err != nil {
		return err
	}
	<-ctx.Done()
	return nil
}

type dev struct {
	DevOptions
	servers *servers.Servers
	app     *App
	secrets devSecrets
	demo    *demo.Programme
	// received is what simulated phones had before this start.
	received []simulator.Received
}

// startDev takes the port first, so that a taken one costs nothing, then the
// servers, which lock the data folder.
func startDev(ctx context.Context, o DevOptions) (_ *dev, err error) {
	if l, err := listen(o.Listen); err != nil {
		return nil, err
	} else {
		_ = l.Close()
	}
	d := &dev{DevOptions: o}
	defer func() {
		if err != nil {
			err = errors.Join(err, d.stop())
		}
	}()
	if d.servers, err = servers.Start(ctx, servers.Options{Dir: o.Dir, Durable: true, Log: o.Log}); err != nil {
		return nil, err
	}
	_ = os.Remove(d.path("dev.json")) // not ready yet
	if d.secrets, err = readSecrets(d.path("demo.json"), loopback(o.Listen)); err != nil {
		return nil, err
	}
	if err = d.prepare(ctx); err != nil {
		return nil, err
	}
	sim := d.simulator()
	sim.Remember(d.received)
	d.app = New(Options{
		PostgresURL: d.servers.PostgresURL(), Redis: session.Options{Network: "unix", Addr: d.servers.RedisSocket()},
		KeysDir: d.path("keys"), Spool: SpoolOptions{Dir: d.path("spool"), MaxBytes: devSpool}, Listen: o.Listen, Channels: d.channels(), Transport: sim, Simulator: sim,
		Banner: true, Example: d.example(), HelpNumber: func(string) string { return devHelpNumber },
		Drain: drainDev, Now: o.Now, Log: o.Log, Point: o.Point,
	})
	return d, d.app.Start(ctx)
}

// rememberMost bounds what simulated phones are given back at a start.
const rememberMost = 2000

// remember reads what the simulated phones had received before: a phone keeps its
// messages when the gateway starts anew. It comes before the gateway starts, which
// sends what waits.
func (d *dev) remember(ctx context.Context, s *store.Store, ring *vault.Ring) error {
	sent, err := s.SentLately(ctx, rememberMost)
	if err != nil {
		return err
	}
	for _, m := range sent {
		number, err := conversation.OpenNumber(ring, m.Contact, m.Number)
		if err != nil {
			continue // of a demo that was loaded with other keys
		}
		text, err := conversation.OpenReply(ring, m.ID, m.Sealed)
		if err != nil {
			continue
		}
		d.received = append(d.received, simulator.Received{Channel: m.Channel, To: number, Text: text, At: m.At})
	}
	return nil
}

func (d *dev) path(name string) string { return filepath.Join(d.Dir, name) }

// prepare makes the keys once, migrates, and loads the demo programme.
func (d *dev) prepare(ctx context.Context) error {
	keys := d.path("keys")
	if err := vault.Create(keys); err != nil {
		return err
	}
	s, err := store.Open(ctx, d.servers.PostgresURL(), store.Options{MaxConns: 4})
	if err != nil {
		return err
	}
	defer s.Close()
	if err := s.Migrate(ctx); err != nil {
		return err
	}
	ring, err := openKeys(ctx, s, keys)
	if err != nil {
		return err
	}
	if err := d.remember(ctx, s, ring); err != nil {
		return err
	}
	if d.NoDemo {
		d.demo = &demo.Programme{}
		return nil
	}
	// Drawn and kept before they are used: the focal point's wraps a key.
	for _, user := range demo.Users() {
		d.secrets.password(user)
	}
	if err := d.secrets.save(d.path("demo.json")); err != nil {
		return err
	}
	d.demo, err = demo.Load(ctx, s, demo.Options{KeysDir: keys, Ring: ring, Now: d.Now(), Random: Random, Password: d.secrets.password})
	if err != nil {
		return fmt.Errorf("loading the demo programme: %w", err)
	}
	return nil
}

func (d *dev) channels() []gateway.Channel { return DevChannels(message.NewSecret(d.secrets.Token)) }

// DevChannels are the channels of `lafia dev`: one an adapter, of the adapter's
// name. Its token is also its signature secret.
func DevChannels(token message.Secret) []gateway.Channel {
	var out []gateway.Channel
	for _, a := range gateway.Adapters() {
		out = append(out, gateway.Channel{
			Name: a.Name(), Adapter: a,
			Account: message.Account{Settings: devSettings(a.Name()), Signatures: []message.Secret{token}},
			Tokens:  []message.Secret{token}, Synthetic: true, ServiceCode: devServiceCode, From: devShortCode,
		})
	}
	return out
}

// devSettings are what an adapter needs to build its requests; the simulator
// stands where they point.
func devSettings(adapter string) map[string]string {
	s := map[string]map[string]string{
		"africastalking": {"username": "dev", "api_key": "dev"},
		"androidsms":     {"endpoint": "http://127.0.0.1:1/3rdparty/v1", "username": "dev", "password": "dev"},
		"orange":         {"client_id": "dev", "client_secret": "dev", "sender_address": "2230000"},
		"infobip":        {"base_url": "https://dev.api.infobip.com", "api_key": "dev"},
		"twilio":         {"account_sid": "AC00000000000000000000000000000000", "auth_token": "dev"},
		"kannel":         {"endpoint": "http://127.0.0.1:1/cgi-bin/sendsms", "username": "dev", "password": "dev"},
		"jasmin":         {"endpoint": "http://127.0.0.1:1/send", "username": "dev", "password": "dev"},
		"vonage":         {"api_key": "dev", "api_secret": "dev"},
		"mtarget":        {"username": "dev", "password": "dev"},
		"external":       {"send_url": "https://external.invalid/send"},
		"lafricamobile":  {"accountid": "dev", "password": "dev", "sender": "Lafia"},
	}[adapter]
	if s == nil {
		s = map[string]string{}
	}
	return s
}

func (d *dev) example() string {
	if len(d.demo.Projects) > 0 {
		return d.demo.Projects[0].Dial
	}
	return "107"
}

func (d *dev) simulator() *simulator.Simulator {
	o := simulator.Options{
		BaseURL: func() string { return localURL(d.app.URL()) }, Now: d.Now, Random: Random, Log: d.Log,
		Measure: func(text, _ string) (string, int, int) {
			e, units, segments := gsm.Measure(text)
			return string(e), units, segments
		},
	}
	for _, c := range d.channels() {
		o.Channels = append(o.Channels, simulator.Channel{
			Name: c.Name, Adapter: c.Adapter.Name(), Token: message.NewSecret(d.secrets.Token), ServiceCode: c.ServiceCode, ShortCode: c.From,
		})
	}
	o.Phones = append(o.Phones, simulator.Phone{Number: message.ParseNumber("+22300000001"), Label: "Téléphone d’essai"})
	for _, l := range d.demo.Leaders {
		o.Phones = append(o.Phones, simulator.Phone{Number: message.ParseNumber(l.Phone), Label: "Responsable du groupe " + l.Group + ", PIN " + l.PIN})
	}
	for _, p := range d.dialCodes() {
		o.Projects = append(o.Projects, simulator.Project{Code: p.Code, Name: p.Name, Dial: p.Dial})
	}
	return simulator.New(o)
}

// dialCodes gives the projects with what a person dials for each.
func (d *dev) dialCodes() []demo.Project {
	out := make([]demo.Project, len(d.demo.Projects))
	for i, p := range d.demo.Projects {
		p.Dial = strings.TrimSuffix(devServiceCode, "#") + "*1*" + p.Dial + "#" // 1 is feedback in the main menu
		out[i] = p
	}
	return out
}

// announce writes dev.json and prints the addresses: from here on it is ready.
func (d *dev) announce() error {
	url := localURL(d.app.URL())
	f := devFile{
		URL: url, Channels: []string{}, Token: d.secrets.Token, ServiceCode: devServiceCode, ShortCode: devShortCode,
		Logins: d.demo.Logins, Leaders: d.demo.Leaders, Projects: d.dialCodes(),
	}
	for _, c := range d.channels() {
		f.Channels = append(f.Channels, c.Name)
	}
	f.fill()
	b, err := json.MarshalIndent(f, "", "  ")
	if err != nil {
		return fmt.Errorf("writing dev.json: %w", err)
	}
	if err := writeFile(d.path("dev.json"), append(b, '\n')); err != nil {
		return err
	}
	p := func(format string, args ...any) { fmt.Fprintf(d.Out, format+"\n", args...) }
	p("Lafia runs on this machine. Ctrl-C stops it; the data stay in %s", d.Dir)
	p("")
	p("  phone simulator   %s/simulator", url)
	p("  staff console     %s/console", url)
	p("  webhooks          %s/webhooks/{channel}/ussd|sms|status?token=%s", url, d.secrets.Token)
	p("  for scripts       %s", d.path("dev.json"))
	if len(f.Logins) > 0 {
		p("")
		p("  demo logins, one a role:")
		for _, l := range f.Logins {
			p("    %-14s %-18s %s", l.User, l.Password, l.Role)
		}
	}
	p("")
	p("All of it is synthetic: nothing is sent to anyone.")
	return nil
}

// fill makes empty lists of missing ones: scripts count on lists.
func (f *devFile) fill() {
	if f.Logins == nil {
		f.Logins = []demo.Login{}
	}
	if f.Leaders == nil {
		f.Leaders = []demo.Leader{}
	}
	if f.Projects == nil {
		f.Projects = []demo.Project{}
	}
}

func (d *dev) stop() error {
	var errs []error
	if d.app != nil {
		ctx, cancel := context.WithTimeout(context.Background(), stopWithin)
		errs = append(errs, d.app.Stop(ctx))
		cancel()
	}
	if d.servers != nil {
		_ = os.Remove(d.path("dev.json"))
		errs = append(errs, d.servers.Stop())
	}
	return errors.Join(errs...)
}

// devSecrets are drawn once for a data folder: the focal point's password wraps
// a key there, so it must not change.
type devSecrets struct {
	Token     string            `json:"token"`
	Passwords map[string]string `json:"passwords"`
}

// readSecrets gives the token "dev" on loopback, and a drawn one elsewhere:
// others on the network could otherwise post as the aggregator.
func readSecrets(path string, local bool) (devSecrets, error) {
	s := devSecrets{Passwords: map[string]string{}}
	b, err := os.ReadFile(path)
	if err == nil {
		err = json.Unmarshal(b, &s)
	}
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return s, fmt.Errorf("reading the demo's passwords in %s: %w", path, err)
	}
	if s.Passwords == nil {
		s.Passwords = map[string]string{}
	}
	switch {
	case local:
		s.Token = "dev"
	case s.Token == "" || s.Token == "dev":
		s.Token = fmt.Sprintf("%x", Random(16))
	}
	return s, nil
}

func (s devSecrets) password(user string) string {
	if s.Passwords[user] == "" {
		s.Passwords[user] = readable(Random(16))
	}
	return s.Passwords[user]
}

// readable writes chance so that it can be typed: 16 of 16 letters without
// look-alikes, 4 bits each, in groups of four.
func readable(b []byte) string {
	const letters = "abcdefghjkmnprst"
	var out strings.Builder
	for i := range 16 {
		if i > 0 && i%4 == 0 {
			out.WriteByte('-')
		}
		out.WriteByte(letters[b[i]%16])
	}
	return out.String()
}

func (s devSecrets) save(path string) error {
	b, err := json.MarshalIndent(s, "", "  ")
	if err != nil {
		return fmt.Errorf("writing the demo's passwords: %w", err)
	}
	return writeFile(path, append(b, '\n'))
}

// writeFile replaces a file whole, readable by its owner alone.
func writeFile(path string, b []byte) error {
	tmp := path + ".new"
	if err := os.WriteFile(tmp, b, 0o600); err != nil {
		return fmt.Errorf("writing %s: %w", path, err)
	}
	if err := os.Rename(tmp, path); err != nil {
		return fmt.Errorf("writing %s: %w", path, err)
	}
	return nil
}

func loopback(listen string) bool {
	host, _, err := net.SplitHostPort(listen)
	if err != nil {
		return false
	}
	if host == "localhost" {
		return true
	}
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.IsLoopback()
}

// localURL gives an address that a browser on this machine can open.
func localURL(url string) string {
	for _, any := range []string{"//0.0.0.0:", "//[::]:"} {
		url = strings.Replace(url, any, "//127.0.0.1:", 1)
	}
	return url
}

func devKeys(dir string) string { return filepath.Join(dir, "keys") }

// ExportDev gives the desk of a dev instance and the scope of its demo
// administrator, on the running servers or on ones started for the while. Call
// done when it is no longer needed.
func ExportDev(ctx context.Context, dir string, log *slog.Logger) (_ *casework.Desk, _ staff.Scope, done func(), err error) {
	st, ring, done, err := openDev(ctx, dir, log)
	if err != nil {
		return nil, staff.Scope{}, nil, err
	}
	desk := casework.New(casework.Options{Store: st, Ring: ring, Now: time.Now, Random: Random})
	return desk, staff.ScopeOf(staff.Administrator, nil).By(commandActor()), done, nil
}

// openDev opens the record and the keys of a dev instance, on the running servers
// or on ones started for the while.
func openDev(ctx context.Context, dir string, log *slog.Logger) (_ *store.Store, _ *vault.Ring, done func(), err error) {
	if _, err := os.Stat(devKeys(dir)); err != nil {
		return nil, nil, nil, fmt.Errorf("%s holds no dev instance: run `lafia dev --data %s` once", dir, dir)
	}
	done = func() {}
	addr, running, err := servers.Running(dir)
	if err != nil {
		return nil, nil, nil, err
	}
	url := addr.PostgresURL
	if !running {
		s, err := servers.Start(ctx, servers.Options{Dir: dir, Durable: true, Log: log, NoRedis: true})
		if err != nil {
			return nil, nil, nil, err
		}
		url, done = s.PostgresURL(), func() { _ = s.Stop() }
	}
	defer func() {
		if err != nil {
			done()
		}
	}()
	st, err := store.Open(ctx, url, store.Options{MaxConns: 4})
	if err != nil {
		return nil, nil, nil, err
	}
	ring, err := openKeys(ctx, st, devKeys(dir))
	if err != nil {
		st.Close()
		return nil, nil, nil, err
	}
	stop := done
	return st, ring, func() { st.Close(); stop() }, nil
}
