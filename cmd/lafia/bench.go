package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"text/tabwriter"
	"time"

	"lafia/flows"
	"lafia/gateway"
	"lafia/gateway/message"
	"lafia/internal/app"
	"lafia/internal/bench"
	"lafia/internal/flow"
	"lafia/internal/locale"
	"lafia/internal/session"
	"lafia/locales"
)

// benchCmd is `lafia bench`.
type benchCmd struct {
	Hops     benchHopsCmd     `cmd:"" default:"withargs" help:"The whole trip of a keypress, beside a handler that keeps nothing (what lafia bench alone measures)."`
	Capture  benchCaptureCmd  `cmd:"" help:"Only the keypress that finishes a conversation, beside pgbench with the same statements."`
	Overload benchOverloadCmd `cmd:"" help:"Three times as many callers as the gateway can carry: who is let in, who is told so, and how soon all is well after it."`
	Step     benchStepCmd     `cmd:"" help:"The pure step from one screen to the next, and its layout."`
}

// benchStepCmd is `lafia bench step`.
type benchStepCmd struct {
	Often int  `default:"20000" help:"Steps in each of nine rounds (${default})."`
	JSON  bool `help:"Print the figures for programs."`
}

// Run measures.
func (c *benchStepCmd) Run(ctx *cliContext) error {
	if c.Often < 10 {
		return wrongUse("bench step: --often is 10 at least")
	}
	book, err := flow.Load(flows.Files)
	if err != nil {
		return err
	}
	words, err := locale.Load(locales.Files)
	if err != nil {
		return err
	}
	steps, err := bench.Steps(book, words, c.Often, time.Now)
	if err != nil {
		return err
	}
	if c.JSON {
		return printJSON(ctx.Stdout, steps)
	}
	w := tabwriter.NewWriter(ctx.Stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "step\tlanguage\tlines\tns, median\tns, best\tallocations\tbytes")
	for _, s := range steps {
		fmt.Fprintf(w, "%s\t%s\t%d\t%.0f\t%.0f\t%.1f\t%.0f\n", s.Screen, s.Language, s.Lines, s.NanosMedian, s.NanosBest, s.Allocations, s.Bytes)
	}
	return w.Flush()
}

// benchHopsCmd is `lafia bench hops`.
type benchHopsCmd struct {
	Rounds      int     `default:"6" help:"How many rounds; the first is dropped (${default})."`
	Seconds     float64 `default:"12" help:"How long a round takes (${default})."`
	Rate        float64 `placeholder:"HOPS" help:"Constant arrivals a second; by default half of what the gateway does at saturation."`
	Connections int     `default:"64" help:"Connections at saturation (${default})."`
	Callers     int     `default:"4000" help:"Callers in conversation at a time (${default})."`
	Dir         string  `placeholder:"DIR" help:"Where the data are while it runs; the system's temporary folder by default. A folder in memory would hide what fsync costs."`
	JSON        string  `placeholder:"FILE" help:"Write the figures to a file too, for programs (- is standard output, instead of the table)."`

	Child   string `hidden:"" help:"Run as a part of a measurement."`
	Profile string `hidden:"" placeholder:"FILE" help:"Write the gateway's CPU profile."`
}

// Run measures. It exits 1 when an answer was wrong or a row is missing.
func (c *benchHopsCmd) Run(ctx *cliContext) error {
	if c.Child != "" {
		if bench.Child(c.Child) != bench.ChildGenerator {
			useMemory(ctx.log(slog.LevelWarn))
		}
		return bench.RunChild(ctx.Ctx, bench.Child(c.Child), ctx.Stdin, ctx.Stdout, benchGateway(ctx))
	}
	if c.Rounds < 1 || c.Seconds <= 0 || c.Rate < 0 || c.Connections < 1 || c.Callers < 1 {
		return wrongUse("bench: rounds, seconds, connections and callers are 1 at least, and a rate is no less than 0")
	}
	r, err := bench.Run(ctx.Ctx, bench.Options{
		Rounds: c.Rounds, Round: time.Duration(c.Seconds * float64(time.Second)), Rate: c.Rate, Connections: c.Connections,
		Callers: c.Callers, Dir: c.Dir, Profile: c.Profile, Progress: ctx.Stderr, Log: ctx.log(slog.LevelWarn),
	})
	if err != nil {
		return err
	}
	return ctx.report(r, c.JSON)
}

// benchReport is what a measurement gives.
type benchReport interface {
	Print(io.Writer)
	Holds() bool
}

// report tells what was measured, and whether it was also right.
func (c *cliContext) report(r benchReport, file string) error {
	if file == "-" {
		if err := printJSON(c.Stdout, r); err != nil {
			return err
		}
	} else {
		r.Print(c.Stdout)
		if file != "" {
			b, err := json.MarshalIndent(r, "", "  ")
			if err != nil {
				return err
			}
			if err := os.WriteFile(file, append(b, '\n'), 0o644); err != nil {
				return fmt.Errorf("writing the figures: %w", err)
			}
		}
	}
	if !r.Holds() {
		return &exitError{status: 1, err: errors.New("what was measured does not hold: see errors and rows")}
	}
	return nil
}

// benchCaptureCmd is `lafia bench capture`.
type benchCaptureCmd struct {
	Rounds      int     `default:"6" help:"How many rounds; the first is dropped (${default})."`
	Seconds     float64 `default:"4" help:"How long pgbench plays the same statements in a round; the one-row INSERT half of it, three times (${default})."`
	Connections int     `default:"64" help:"Callers at a time, and clients of pgbench (${default})."`
	Callers     int     `default:"5000" help:"Callers walked to their last screen in a round (${default})."`
	Dir         string  `placeholder:"DIR" help:"Where the data are while it runs; the system's temporary folder by default. A folder in memory would hide what fsync costs."`
	JSON        string  `placeholder:"FILE" help:"Write the figures to a file too, for programs (- is standard output, instead of the table)."`

	Profile string `hidden:"" placeholder:"FILE" help:"Write the gateway's CPU profile."`
}

// Run measures. It exits 1 when an answer was wrong or a row is missing.
func (c *benchCaptureCmd) Run(ctx *cliContext) error {
	if c.Rounds < 1 || c.Seconds < 2 || c.Connections < 1 || c.Callers < 1 {
		return wrongUse("bench capture: rounds, connections and callers are 1 at least, and seconds 2")
	}
	r, err := bench.Captures(ctx.Ctx, bench.Options{
		Rounds: c.Rounds, Round: time.Duration(c.Seconds * float64(time.Second)), Connections: c.Connections,
		Callers: c.Callers, Dir: c.Dir, Profile: c.Profile, Progress: ctx.Stderr, Log: ctx.log(slog.LevelWarn),
	})
	if err != nil {
		return err
	}
	return ctx.report(r, c.JSON)
}

// benchOverloadCmd is `lafia bench overload`.
type benchOverloadCmd struct {
	Rounds  int     `default:"3" help:"How many rounds (${default})."`
	Seconds float64 `default:"20" help:"How long there are too many callers (${default})."`
	Callers int     `default:"4000" help:"Callers in conversation at a time (${default})."`
	Shared  bool    `help:"Let the generator share the gateway's cores; else it has one of two, or a quarter of more, for itself."`
	Cgroups string  `placeholder:"DIR" help:"A folder of cgroups named gateway, postgres and redis, which share the processor as services of systemd do (docs/performance.md); else every process has an equal turn."`
	Dir     string  `placeholder:"DIR" help:"Where the data are while it runs; the system's temporary folder by default."`
	JSON    string  `placeholder:"FILE" help:"Write the figures to a file too, for programs (- is standard output, instead of the table)."`

	Profile string `hidden:"" placeholder:"FILE" help:"Write the gateway's CPU profile."`
}

// Run measures. It exits 1 when an answer was wrong or a row is missing.
func (c *benchOverloadCmd) Run(ctx *cliContext) error {
	if c.Rounds < 1 || c.Seconds <= 0 || c.Callers < 1 {
		return wrongUse("bench overload: rounds, seconds and callers are 1 at least")
	}
	r, err := bench.Overload(ctx.Ctx, bench.Options{
		Rounds: c.Rounds, Round: time.Duration(c.Seconds * float64(time.Second)), Callers: c.Callers, Shared: c.Shared, Groups: c.Cgroups, Dir: c.Dir, Profile: c.Profile,
		Progress: ctx.Stderr, Log: ctx.log(slog.LevelWarn),
	})
	if err != nil {
		return err
	}
	return ctx.report(r, c.JSON)
}

// benchGateway starts the gateway as `serve` would: metrics on a second
// listener, a line in the log for each hop, the defaults for all else.
func benchGateway(ctx *cliContext) bench.Gateway {
	return func(c context.Context, g bench.GatewaySpec) (string, func() error, error) {
		adapter, ok := gateway.AdapterNamed(g.Channel)
		if !ok {
			return "", nil, fmt.Errorf("there is no adapter %q", g.Channel)
		}
		a := app.New(app.Options{
			PostgresURL: g.PostgresURL, Redis: session.Options{Network: "unix", Addr: g.RedisSocket}, KeysDir: g.KeysDir,
			Listen: "127.0.0.1:0", AdminListen: "127.0.0.1:0",
			Channels: []gateway.Channel{{Name: g.Channel, Adapter: adapter, Tokens: []message.Secret{message.NewSecret(g.Token)}, Synthetic: true, ServiceCode: "*384#"}},
			Example:  "101", HelpNumber: func(string) string { return "" },
			Log: slog.New(slog.NewJSONHandler(ctx.Stderr, &slog.HandlerOptions{Level: slog.LevelInfo})),
		})
		if err := a.Start(c); err != nil {
			return "", nil, err
		}
		stop := func() error {
			// The time-out of a stop counts from the stop.
			c, cancel := context.WithTimeout(context.WithoutCancel(c), 8*time.Second)
			defer cancel()
			return a.Stop(c)
		}
		return a.URL(), stop, nil
	}
}
