package main

import (
	"encoding/json"
	"fmt"
	"log/slog"

	"lafia/internal/app"
)

// serveCmd is `lafia serve`.
type serveCmd struct {
	Config string `required:"" placeholder:"FILE" help:"The config file; config.example.toml explains every key."`
}

// Run runs until SIGINT or SIGTERM, then drains.
func (c *serveCmd) Run(ctx *cliContext) error {
	useMemory(ctx.log(slog.LevelWarn))
	return app.Serve(ctx.Ctx, c.Config, func(l slog.Level) *slog.Logger {
		return slog.New(slog.NewJSONHandler(ctx.Stderr, &slog.HandlerOptions{Level: l}))
	}, func(url string) { fmt.Fprintln(ctx.Stderr, "lafia answers on", url) })
}

// migrateCmd is `lafia migrate`.
type migrateCmd struct {
	Config string `required:"" placeholder:"FILE" help:"The config file."`
}

// Run migrates once; running it again changes nothing.
func (c *migrateCmd) Run(ctx *cliContext) error {
	if err := app.Migrate(ctx.Ctx, c.Config); err != nil {
		return err
	}
	fmt.Fprintln(ctx.Stdout, "the database has this program's tables")
	return nil
}

// doctorCmd is `lafia doctor`.
type doctorCmd struct {
	Config string `required:"" placeholder:"FILE" help:"The config file."`
	JSON   bool   `help:"For programs."`
}

// Run prints a line for each thing checked, and fails when one does not hold. A
// note is for the operator's eyes: what to look after at the aggregator.
func (c *doctorCmd) Run(ctx *cliContext) error {
	checks, err := app.Doctor(ctx.Ctx, c.Config)
	if err != nil {
		return err
	}
	failed, checked := 0, 0
	for _, k := range checks {
		if k.Note == "" {
			checked++
		}
		if !k.OK {
			failed++
		}
	}
	if c.JSON {
		if err := json.NewEncoder(ctx.Stdout).Encode(checks); err != nil {
			return err
		}
	} else {
		for _, k := range checks {
			switch {
			case !k.OK:
				fmt.Fprintf(ctx.Stdout, "fail  %s: %s\n", k.What, k.Do)
			case k.Note != "":
				fmt.Fprintf(ctx.Stdout, "note  %s: %s\n", k.What, k.Note)
			default:
				fmt.Fprintf(ctx.Stdout, "ok    %s\n", k.What)
			}
		}
	}
	if failed > 0 {
		return &exitError{status: 1, err: fmt.Errorf("%d of %d checks do not hold", failed, checked)}
	}
	return nil
}
