package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os/signal"
	"runtime/debug"
	"syscall"

	"github.com/alecthomas/kong"
)

// cliContext is what a subcommand is run with.
type cliContext struct {
	Stdin          io.Reader
	Stdout, Stderr io.Writer
	Ctx            context.Context
}

// log writes lines for operators to standard error: no numbers, no texts.
func (c *cliContext) log(level slog.Level) *slog.Logger {
	return slog.New(slog.NewTextHandler(c.Stderr, &slog.HandlerOptions{Level: level}))
}

// commands is the command line, one file a subcommand.
type commands struct {
	Dev       devCmd       `cmd:"" help:"Run everything on this machine: servers, demo, phone simulator, console."`
	Serve     serveCmd     `cmd:"" help:"Run the gateway against the servers that a config file names."`
	Migrate   migrateCmd   `cmd:"" help:"Bring the database to this program's tables."`
	Doctor    doctorCmd    `cmd:"" help:"Check a config file and all that it names."`
	Keys      keysCmd      `cmd:"" help:"Make the keys that protect numbers and words."`
	User      userCmd      `cmd:"" help:"Add people of the team."`
	Spool     spoolCmd     `cmd:"" help:"Look after what waits on the disk while PostgreSQL is away."`
	Programme programmeCmd `cmd:"" help:"Load the programme: places, projects, groups."`
	Commune   communeCmd   `cmd:"" help:"Close a commune to what the programme sends, and open it again."`
	Export    exportCmd    `cmd:"" help:"Write submissions, one a line."`
	Person    personCmd    `cmd:"" help:"Tell what is held about one person, and erase her."`
	Restore   restoreCmd   `cmd:"" help:"Look after what is held when a backup was restored."`
	Audit     auditCmd     `cmd:"" help:"Check the audit: who read and did what."`
	Locales   localesCmd   `cmd:"" help:"Check the words; write them as a sheet and take it back."`
	Text      textCmd      `cmd:"" help:"Measure texts for a phone."`
	Flows     flowsCmd     `cmd:"" help:"Check the menus, draw them, and play their transcripts."`
	Simulate  simulateCmd  `cmd:"" help:"Walk the menus in the terminal, without a server."`
	Channel   channelCmd   `cmd:"" help:"Try a channel, and tell its aggregator where the webhooks are."`
	Webhook   webhookCmd   `cmd:"" help:"Find out what a webhook's requests mean."`
	Bench     benchCmd     `cmd:"" help:"Measure hops beside a bare handler, in one run."`
	Version   versionCmd   `cmd:"" help:"Print the version."`

	Fakeaggregator fakeaggregatorCmd `cmd:"" help:"Play callers and an aggregator with faults against a gateway; check what came of it."`
}

// exitError carries an exit status: 1 when what a command checks does not hold,
// 2 on wrong use.
type exitError struct {
	status int
	err    error
}

func (e *exitError) Error() string { return e.err.Error() }
func (e *exitError) Unwrap() error { return e.err }

func wrongUse(format string, args ...any) error {
	return &exitError{status: 2, err: fmt.Errorf(format, args...)}
}

func run(args []string, stdin io.Reader, stdout, stderr io.Writer) (status int) {
	var c commands
	exited := -1
	parser, err := kong.New(&c, kong.Name("lafia"), kong.Writers(stdout, stderr),
		kong.Description("Community feedback by USSD and SMS."), kong.UsageOnError(),
		kong.Exit(func(code int) { exited = code; panic(exitPanic{}) }))
	if err != nil {
		fmt.Fprintln(stderr, "lafia:", err)
		return 1
	}
	defer func() { // kong exits after --help by its Exit function
		if r := recover(); r != nil {
			if _, ok := r.(exitPanic); !ok {
				panic(r)
			}
			status = exited
		}
	}()
	k, err := parser.Parse(args)
	if err != nil {
		fmt.Fprintln(stderr, "lafia:", err)
		fmt.Fprintln(stderr, "hint: lafia --help")
		return 2
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	err = k.Run(&cliContext{Stdin: stdin, Stdout: stdout, Stderr: stderr, Ctx: ctx})
	if err == nil {
		return 0
	}
	fmt.Fprintln(stderr, "lafia:", err)
	var e *exitError
	if errors.As(err, &e) {
		return e.status
	}
	return 1
}

type exitPanic struct{}

// versionCmd is `lafia version`.
type versionCmd struct {
	JSON bool `help:"For programs."`
}

// Run prints the version: the module's, and the commit where the build knew it.
func (c *versionCmd) Run(ctx *cliContext) error {
	v := versionOf()
	if c.JSON {
		return printJSON(ctx.Stdout, v)
	}
	fmt.Fprintf(ctx.Stdout, "lafia %s (%s)\n", v.Version, v.Go)
	return nil
}

type versionInfo struct {
	Version string `json:"version"`
	Commit  string `json:"commit"`
	Go      string `json:"go"`
}

// version is set by the Makefile from git, where there is one.
var version = ""

func versionOf() versionInfo {
	v := versionInfo{Version: "devel", Go: "unknown"}
	if b, ok := debug.ReadBuildInfo(); ok {
		v.Go = b.GoVersion
		for _, s := range b.Settings {
			if s.Key == "vcs.revision" {
				v.Commit = s.Value
			}
		}
	}
	if version != "" {
		v.Version = version
	}
	return v
}
