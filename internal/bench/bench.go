// Package bench measures Lafia: whole USSD conversations by a generator in a
// process of its own, and hops that make nothing durable, at saturation and at
// constant arrivals, in turn with a bare handler that makes the same two Redis
// trips and nothing else. What it measures and why so is in docs/performance.md.
package bench

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"lafia/internal/demo"
	"lafia/internal/locale"
	"lafia/internal/servers"
	"lafia/internal/store"
	"lafia/internal/vault"
	"lafia/locales"
)

// Options of Run. Zero values mean the default beside them.
type Options struct {
	Rounds      int           // 6: the first is dropped
	Round       time.Duration // 18 s: a third saturated, two thirds at constant arrivals; of each a third whole conversations, ordinary hops, the bare handler
	Rate        float64       // half of what the gateway did at saturation in the first round, with whole conversations
	Connections int           // 64
	Callers     int           // 4,000 in conversation at a time
	Dir         string        // where the data folder is made: a new one in the system's temporary folder
	Shared      bool          // overload: the generator has no cores for itself
	Groups      string        // overload: a folder of cgroups, one for each service; "": every process has an equal turn
	Profile     string        // hidden: where the gateway's CPU profile goes
	Progress    io.Writer     // nil is silence
	Log         *slog.Logger
}

// goal is what performance.md asks for (G3), and of the latency of ordinary hops
// beside the bare handler's at the same rate.
const (
	goal    = 0.6
	goalP99 = 2.0
)

// targetOrdinary is the gateway again, with the callers who make nothing durable.
const targetOrdinary = "ordinary"

// ordinaryFirst is the number of their first: two walks of one caller would meet in
// her session.
const ordinaryFirst = 500_000

// warmConnections are as many as the gateway has in work at a time at most, so that
// nobody is refused before anything is measured.
const warmConnections = 32

func (o *Options) defaults() {
	if o.Rounds == 0 {
		o.Rounds = 6
	}
	if o.Round == 0 {
		o.Round = 18 * time.Second
	}
	if o.Connections == 0 {
		o.Connections = 64
	}
	if o.Callers == 0 {
		o.Callers = 4000
	}
	if o.Progress == nil {
		o.Progress = io.Discard
	}
}

// Run measures.
func Run(ctx context.Context, o Options) (report *Report, err error) {
	o.defaults()
	err = within(ctx, o, func(r *run) error {
		if err := r.start(ctx); err != nil {
			return err
		}
		report, err = r.measure(ctx)
		return err
	})
	return report, err
}

// within runs a measurement in a folder of its own, and leaves nothing of it.
func within(ctx context.Context, o Options, measure func(*run) error) (err error) {
	defer func() {
		if ctx.Err() != nil { // what the children say of their end is of no interest then
			err = errors.New("the measurement was interrupted")
		}
	}()
	dir, err := os.MkdirTemp(o.Dir, "lafia-bench-")
	if err != nil {
		return fmt.Errorf("making a folder for the data: %w", err)
	}
	defer os.RemoveAll(dir)
	// Servers that root starts run as somebody else, who must walk through it.
	if err := os.Chmod(dir, 0o711); err != nil {
		return fmt.Errorf("opening the folder for the data: %w", err)
	}
	r := &run{Options: o, dir: dir}
	defer func() { err = errors.Join(err, r.stop()) }()
	return measure(r)
}

type run struct {
	Options
	dir       string
	servers   *servers.Servers
	store     *store.Store
	rdb       *redis.Client
	gateway   *process
	bare      *process
	generator *process
	before    int64 // submissions of the demo
	apart     []int // cores that the generator has for itself
	report    Report
}

func (r *run) say(format string, args ...any) { fmt.Fprintf(r.Progress, format+"\n", args...) }

// startServers brings the servers up, with the programme in them.
func (r *run) startServers(ctx context.Context) (keys string, err error) {
	r.report.Machine.Load = load()
	r.say("starting PostgreSQL and Redis, loading the demo")
	if r.servers, err = servers.Start(ctx, servers.Options{Dir: filepath.Join(r.dir, "data"), Durable: true, Log: r.Log}); err != nil {
		return "", err
	}
	keys = filepath.Join(r.dir, "keys")
	if err := r.load(ctx, keys); err != nil {
		return "", err
	}
	r.rdb = redis.NewClient(&redis.Options{Network: "unix", Addr: r.servers.RedisSocket(), DisableIdentity: true})
	return keys, r.describe(ctx)
}

// start brings the servers and the children up, and callers into conversations.
func (r *run) start(ctx context.Context) (err error) {
	busy, err := busyText()
	if err != nil {
		return err
	}
	keys, err := r.startServers(ctx)
	if err != nil {
		return err
	}
	spec, url, err := r.startGateway(ctx, keys)
	if err != nil {
		return err
	}
	r.say("bringing %d callers into conversations, and as many who make nothing durable", r.Callers)
	if err := r.warm(command{Target: string(ChildGateway), URL: url, Path: ussdPath, Busy: busy}); err != nil {
		return err
	}
	if err := r.warm(command{Target: targetOrdinary, URL: url, Path: ussdPath, Busy: busy, Walk: ordinary, First: ordinaryFirst}); err != nil {
		return err
	}
	if spec.ValueSize, err = r.sessionBytes(ctx); err != nil {
		return err
	}
	spec.Profile = ""
	r.report.Settings.SessionBytes = spec.ValueSize
	if r.bare, err = startChild(ctx, ChildBare, filepath.Join(r.dir, "bare.log"), spec); err != nil {
		return err
	}
	if url, err = r.bare.url(ChildBare); err != nil {
		return err
	}
	return r.warm(command{Target: string(ChildBare), URL: url, Path: barePath, Walk: bareWalk})
}

// ussdPath is where the gateway takes hops.
const ussdPath = "/webhooks/" + channel + "/ussd?token=" + token

// startGateway starts the gateway and the generator.
func (r *run) startGateway(ctx context.Context, keys string) (spec childSpec, url string, err error) {
	spec = childSpec{PostgresURL: r.servers.PostgresURL(), RedisSocket: r.servers.RedisSocket(), KeysDir: keys, Profile: r.Profile}
	if r.gateway, err = startChild(ctx, ChildGateway, filepath.Join(r.dir, "gateway.log"), spec); err != nil {
		return spec, "", err
	}
	if r.generator, err = startChild(ctx, ChildGenerator, filepath.Join(r.dir, "generator.log"), childSpec{Cores: r.apart}); err != nil {
		return spec, "", err
	}
	url, err = r.gateway.url(ChildGateway)
	return spec, url, err
}

// busyText is what a caller reads for whom there is no room.
func busyText() (string, error) {
	words, err := locale.Load(locales.Files)
	if err != nil {
		return "", err
	}
	return words.Words("").Folded("error.busy", nil), nil
}

// load makes the keys, the tables and the demo programme.
func (r *run) load(ctx context.Context, keys string) (err error) {
	if err := vault.Create(keys); err != nil {
		return err
	}
	if r.store, err = store.Open(ctx, r.servers.PostgresURL(), store.Options{MaxConns: 2}); err != nil {
		return err
	}
	if err := r.store.Migrate(ctx); err != nil {
		return err
	}
	ring, err := vault.Open(keys)
	if err != nil {
		return err
	}
	if _, err := demo.Load(ctx, r.store, demo.Options{
		KeysDir: keys, Ring: ring, Now: time.Now(), Random: random,
		Password: func(string) string { return hex.EncodeToString(random(16)) },
	}); err != nil {
		return fmt.Errorf("loading the demo programme: %w", err)
	}
	r.before, err = r.count(ctx, "submission")
	return err
}

func (r *run) count(ctx context.Context, table string) (n int64, err error) {
	err = r.store.Pool().QueryRow(ctx, "select count(*) from "+table).Scan(&n)
	if err != nil {
		return 0, fmt.Errorf("counting rows: %w", err)
	}
	return n, nil
}

// warm brings the callers of a target into conversations.
func (r *run) warm(target command) error {
	target.Do, target.Callers = "target", r.Callers
	if _, err := r.generator.do(target); err != nil {
		return err
	}
	res, err := r.generator.do(command{Do: "warm", Target: target.Target, Connections: min(r.Connections, warmConnections)})
	if err == nil && res.Failed > 0 {
		err = fmt.Errorf("the %s does not answer as it should, in %d of %d hops; the first: %s", target.Target, res.Failed, res.Hops, res.FirstError)
	}
	if err == nil && res.Refused > 0 {
		r.say("while callers were brought into conversations %d of %d hops were refused: the machine is busy", res.Refused, res.Hops)
	}
	return err
}

// sessionBytes is the mean size of the sessions that the gateway holds.
func (r *run) sessionBytes(ctx context.Context) (int, error) {
	keys, _, err := r.rdb.Scan(ctx, 0, "s:*", 2000).Result()
	if err != nil {
		return 0, fmt.Errorf("looking at sessions: %w", err)
	}
	if len(keys) == 0 {
		return 0, errors.New("the gateway holds no session")
	}
	var total int64
	for _, k := range keys {
		n, err := r.rdb.StrLen(ctx, k).Result()
		if err != nil {
			return 0, fmt.Errorf("looking at sessions: %w", err)
		}
		total += n
	}
	return int(total) / len(keys), nil
}

// measure goes through the rounds.
func (r *run) measure(ctx context.Context) (*Report, error) {
	saturated, constant := r.Round.Seconds()/9, r.Round.Seconds()*2/9
	rate := r.Rate
	for n := range r.Rounds {
		round := Round{Kept: n > 0 || r.Rounds == 1}
		var err error
		closed := func(target string) (v closedRound) {
			var res result
			c := r.cpu(target, func() int64 {
				if err == nil {
					res, err = r.generator.do(command{Do: "closed", Target: target, Connections: r.Connections, Seconds: saturated})
				}
				if err == nil {
					v = *res.Closed
				}
				return v.Hops
			})
			v.CPU = c
			return v
		}
		open := func(target string) (v openRound) {
			var res result
			c := r.cpu(target, func() int64 {
				if err == nil {
					res, err = r.generator.do(command{Do: "open", Target: target, Rate: rate, Seconds: constant})
				}
				if err == nil {
					v = *res.Open
				}
				return int64(v.Sent)
			})
			v.CPU, v.Windows = c, nil
			return v
		}
		// The bare handler stands between the two, so that it is next to each.
		c, o := &round.Closed, &round.Open
		c.Gateway, c.Bare, c.Ordinary = closed(string(ChildGateway)), closed(string(ChildBare)), closed(targetOrdinary)
		if rate == 0 { // two digits are enough
			step := math.Pow(10, math.Floor(math.Log10(max(c.Gateway.HopsPerSecond/2, 1)))-1)
			rate = max(1, math.Round(c.Gateway.HopsPerSecond/2/step)*step)
		}
		o.Gateway, o.Bare, o.Ordinary = open(string(ChildGateway)), open(string(ChildBare)), open(targetOrdinary)
		if err != nil {
			return nil, err
		}
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		c.Ratio = c.Gateway.HopsPerSecond / max(c.Bare.HopsPerSecond, 1)
		c.OrdinaryRatio = c.Ordinary.HopsPerSecond / max(c.Bare.HopsPerSecond, 1)
		round.Load, round.Others = load(), others(round)
		r.report.Rounds = append(r.report.Rounds, round)
		r.say("round %d of %d: saturated %.0f hops/s, ordinary %.0f, bare %.0f, ratios %.2f and %.2f; at %.0f hops/s p99 %.1f, %.1f and %.1f ms; others %.0f %%, load %s", n+1, r.Rounds,
			c.Gateway.HopsPerSecond, c.Ordinary.HopsPerSecond, c.Bare.HopsPerSecond, c.Ratio, c.OrdinaryRatio,
			rate, o.Gateway.All.P99, o.Ordinary.All.P99, o.Bare.All.P99, round.Others*100, round.Load)
	}
	s := &r.report.Settings
	s.Rounds, s.Seconds, s.Connections, s.Callers, s.Rate = r.Rounds, r.Round.Seconds(), r.Connections, r.Callers, rate
	r.report.Goal, r.report.GoalP99 = goal, goalP99
	if err := r.check(ctx); err != nil {
		return nil, err
	}
	r.report.settle()
	return &r.report, nil
}

// check counts what must agree: every acknowledged conversation has its row.
func (r *run) check(ctx context.Context) error {
	for _, target := range []string{string(ChildGateway), targetOrdinary, string(ChildBare)} {
		res, err := r.generator.do(command{Do: "count", Target: target})
		if err != nil {
			return err
		}
		r.report.Hops += res.Hops
		r.report.Errors += res.Failed
		r.report.Refused += res.Refused
		if r.report.Error == "" {
			r.report.Error = res.FirstError
		}
		if target == string(ChildGateway) {
			r.report.Finished = res.Finished
		}
	}
	rows, err := r.count(ctx, "submission")
	if err != nil {
		return err
	}
	r.report.Rows = rows - r.before
	r.report.Drafts, err = r.count(ctx, "draft where sealed is not null")
	return err
}

// cpu gives the processor time of a measurement, by whom.
func (r *run) cpu(target string, measured func() (hops int64)) *CPU {
	handler := r.gateway
	if target == string(ChildBare) {
		handler = r.bare
	}
	now := func() CPU {
		postgres, redis := r.servers.PIDs()
		return CPU{
			Handler: cpuSeconds(handler.cmd.Process.Pid, false), Redis: cpuSeconds(redis, false),
			Postgres: cpuSeconds(postgres, true), Generator: cpuSeconds(r.generator.cmd.Process.Pid, false),
		}
	}
	begun := time.Now()
	busy, a := busySeconds(), now()
	hops := measured()
	b := now()
	busy = busySeconds() - busy
	capacity := time.Since(begun).Seconds() * float64(runtime.NumCPU())
	if b.Handler == 0 || hops == 0 {
		return nil
	}
	each := func(a, b float64) float64 { return (b - a) * 1e6 / float64(hops) }
	return &CPU{
		Handler: each(a.Handler, b.Handler), Redis: each(a.Redis, b.Redis),
		Postgres: each(a.Postgres, b.Postgres), Generator: each(a.Generator, b.Generator),
		Others: min(max((busy-(b.total()-a.total()))/capacity, 0), 1),
	}
}

// others is the mean of a round, long measurements counting as such.
func others(r Round) float64 {
	var share, weight float64
	add := func(c *CPU, w float64) {
		if c != nil {
			share, weight = share+c.Others*w, weight+w
		}
	}
	add(r.Closed.Gateway.CPU, 1)
	add(r.Closed.Bare.CPU, 1)
	add(r.Closed.Ordinary.CPU, 1)
	add(r.Open.Gateway.CPU, 2)
	add(r.Open.Ordinary.CPU, 2)
	add(r.Open.Bare.CPU, 2)
	return share / max(weight, 1)
}

// describe says on what it is measured.
func (r *run) describe(ctx context.Context) error {
	m := &r.report.Machine
	m.Cores, m.System, m.Go = runtime.GOMAXPROCS(0), runtime.GOOS+"/"+runtime.GOARCH, runtime.Version()
	if b, err := os.ReadFile("/proc/cpuinfo"); err == nil {
		_, rest, _ := strings.Cut(string(b), "model name")
		_, rest, _ = strings.Cut(rest, ": ")
		m.Model, _, _ = strings.Cut(rest, "\n")
	}
	for name, into := range map[string]*string{"server_version": &m.Postgres, "fsync": &m.Fsync, "synchronous_commit": &m.Commit} {
		if err := r.store.Pool().QueryRow(ctx, "select current_setting($1)", name).Scan(into); err != nil {
			return fmt.Errorf("asking PostgreSQL for its settings: %w", err)
		}
	}
	m.Postgres, _, _ = strings.Cut(m.Postgres, " ")
	info, err := r.rdb.Info(ctx, "server").Result()
	if err != nil {
		return fmt.Errorf("asking Redis for its version: %w", err)
	}
	for line := range strings.Lines(info) {
		if v, ok := strings.CutPrefix(line, "redis_version:"); ok {
			m.Redis = strings.TrimSpace(v)
		}
	}
	return nil
}

func (r *run) stop() error {
	var errs []error
	for _, p := range []*process{r.generator, r.bare, r.gateway} {
		if p != nil {
			errs = append(errs, p.stop())
		}
	}
	if r.rdb != nil {
		_ = r.rdb.Close()
	}
	if r.store != nil {
		r.store.Close()
	}
	if r.servers != nil {
		errs = append(errs, r.servers.Stop())
	}
	return errors.Join(errs...)
}
