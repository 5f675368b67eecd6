package main

import (
	"log/slog"
	"path/filepath"

	"lafia/internal/app"
)

// devCmd is `lafia dev`.
type devCmd struct {
	Data   string `default:"./.lafia" placeholder:"DIR" help:"Where data, keys and dev.json are kept (${default})."`
	Listen string `default:"127.0.0.1:8080" placeholder:"ADDR" help:"Where to answer (${default}). Not loopback: tokens and passwords are drawn."`
	NoDemo bool   `help:"Start with an empty programme."`
	Log    string `default:"warn" enum:"debug,info,warn,error" help:"What to log to standard error (${default})."`
}

// Run runs until Ctrl-C.
func (c *devCmd) Run(ctx *cliContext) error {
	dir, err := filepath.Abs(c.Data)
	if err != nil {
		return wrongUse("--data %s: %w", c.Data, err)
	}
	var level slog.Level
	if err := level.UnmarshalText([]byte(c.Log)); err != nil {
		return wrongUse("--log: %w", err)
	}
	useMemory(ctx.log(level))
	return app.Dev(ctx.Ctx, app.DevOptions{Dir: dir, Listen: c.Listen, NoDemo: c.NoDemo, Out: ctx.Stdout, Log: ctx.log(level)})
}
