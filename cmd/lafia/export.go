package main

import (
	"log/slog"
	"path/filepath"

	"lafia/internal/app"
	"lafia/internal/casework"
	"lafia/internal/export"
)

// exportCmd is `lafia export`.
type exportCmd struct {
	Format   string `required:"" enum:"jsonl" help:"jsonl."`
	Data     string `placeholder:"DIR" xor:"from" help:"A dev instance, running or stopped: all of L1 and L2, with words."`
	Config   string `placeholder:"FILE" xor:"from" help:"The config file of a gateway."`
	As       string `placeholder:"USER" help:"With --config: whose role and regions decide what is written."`
	Reason   string `placeholder:"TEXT" help:"With --config: why."`
	WithText bool   `help:"With --config: her words too, where the role may read them."`
}

// Run writes to standard output.
func (c *exportCmd) Run(ctx *cliContext) error {
	log := ctx.log(slog.LevelError)
	if c.Config != "" {
		if c.As == "" || c.Reason == "" {
			return wrongUse("--config needs --as USER and --reason TEXT: an export is somebody's, for something")
		}
		desk, id, scope, done, err := app.ExportAs(ctx.Ctx, c.Config, c.As, log)
		if err != nil {
			return err
		}
		defer done()
		return export.JSONL(ctx.Stdout, desk.Export(ctx.Ctx, scope, casework.Exporting{As: id, Reason: c.Reason, WithText: c.WithText}))
	}
	if c.Data == "" {
		return wrongUse("name what to export: --data DIR or --config FILE")
	}
	if c.As != "" || c.Reason != "" || c.WithText {
		return wrongUse("--as, --reason and --with-text go with --config: --data is a dev instance, exported as its demo administrator")
	}
	dir, err := filepath.Abs(c.Data)
	if err != nil {
		return wrongUse("--data %s: %w", c.Data, err)
	}
	desk, scope, done, err := app.ExportDev(ctx.Ctx, dir, log)
	if err != nil {
		return err
	}
	defer done()
	return export.JSONL(ctx.Stdout, desk.Export(ctx.Ctx, scope, casework.Exporting{WithText: true}))
}
