package main

import (
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"strings"
	"time"

	"lafia/internal/app"
)

// spoolCmd is `lafia spool`.
type spoolCmd struct {
	Status spoolStatusCmd `cmd:"" help:"Tell what waits in a gateway's spool for PostgreSQL."`
	Adopt  spoolAdoptCmd  `cmd:"" help:"Deliver the spool of a dead gateway from its disk."`
	Forget spoolForgetCmd `cmd:"" help:"No longer wait for a dead gateway whose spool is lost."`
}

// site names what the command works on.
type site struct {
	Config string `placeholder:"FILE" xor:"site" help:"The config file of a gateway."`
	Data   string `placeholder:"DIR" xor:"site" help:"The data folder of a dev instance."`
}

func (s site) site() (app.Site, error) {
	if s.Config == "" && s.Data == "" {
		return app.Site{}, wrongUse("name the site: --config FILE, or --data DIR of a dev instance")
	}
	if s.Data == "" {
		return app.Site{Config: s.Config}, nil
	}
	dir, err := filepath.Abs(s.Data)
	if err != nil {
		return app.Site{}, wrongUse("--data %s: %w", s.Data, err)
	}
	return app.Site{Data: dir}, nil
}

// spoolStatusCmd is `lafia spool status`.
type spoolStatusCmd struct {
	site
	JSON bool `help:"For programs."`
}

// spoolStatus is what it prints for programs.
type spoolStatus struct {
	Dir         string         `json:"dir"`
	Node        string         `json:"node"`
	Pending     int            `json:"pending"`
	Since       *time.Time     `json:"since"` // of the oldest segment with one of them
	Segments    int            `json:"segments"`
	Bytes       int64          `json:"bytes"`
	Torn        int            `json:"torn"`
	Damaged     int            `json:"damaged"`
	Quarantined int            `json:"quarantined"`
	Reasons     map[string]int `json:"reasons"`
}

// Run fails when something is damaged or has waited for a minute.
func (c *spoolStatusCmd) Run(ctx *cliContext) error {
	site, err := c.site.site()
	if err != nil {
		return err
	}
	dir, err := site.SpoolDir()
	if err != nil {
		return err
	}
	s, err := app.SpoolStatus(dir)
	if err != nil {
		return err
	}
	if c.JSON {
		out := spoolStatus{s.Dir, s.Node, s.Pending, nil, s.Segments, s.Bytes, s.Torn, s.Damaged, s.Quarantined, s.Reasons}
		if !s.Since.IsZero() {
			out.Since = &s.Since
		}
		if err := printJSON(ctx.Stdout, out); err != nil {
			return err
		}
	} else {
		fmt.Fprintf(ctx.Stdout, "%s: %d records wait, %d bytes, %d in quarantine\n", s.Dir, s.Pending, s.Bytes, s.Quarantined)
		for why, n := range s.Reasons {
			fmt.Fprintf(ctx.Stdout, "quarantine: %d: %s\n", n, why)
		}
		if s.Node != "" {
			fmt.Fprintf(ctx.Stdout, "node %s\n", s.Node)
		}
	}
	if wrong := s.Wrong(time.Now()); wrong != "" {
		return &exitError{status: 1, err: errors.New(wrong)}
	}
	return nil
}

// spoolAdoptCmd is `lafia spool adopt`.
type spoolAdoptCmd struct {
	Dir string `arg:"" placeholder:"DIR" help:"The dead gateway's spool folder. It is renamed to DIR.adopted."`
	site
	JSON bool `help:"For programs."`
}

// Run fails when something could not be read or delivered.
func (c *spoolAdoptCmd) Run(ctx *cliContext) error {
	site, err := c.site.site()
	if err != nil {
		return err
	}
	a, err := app.AdoptSpool(ctx.Ctx, site, c.Dir, ctx.log(slog.LevelWarn))
	if err != nil {
		return err
	}
	if c.JSON {
		if err := printJSON(ctx.Stdout, a); err != nil {
			return err
		}
	} else {
		fmt.Fprintf(ctx.Stdout, "%d records of node %s are delivered\n", a.Delivered, a.Node)
	}
	if a.Quarantined > 0 {
		return &exitError{status: 1, err: fmt.Errorf("%d records could not be read or delivered: they are in the quarantine of %s.adopted or %s.taking", a.Quarantined, c.Dir, c.Dir)}
	}
	return nil
}

// spoolForgetCmd is `lafia spool forget`.
type spoolForgetCmd struct {
	Node string `arg:"" placeholder:"NODE" help:"The gateway's id, as lafia doctor tells it."`
	site
	Reason string `placeholder:"TEXT" help:"Why its spool cannot be delivered. Required: a stop may have been in it."`
	JSON   bool   `help:"For programs."`
}

// Run takes the gateway off the list.
func (c *spoolForgetCmd) Run(ctx *cliContext) error {
	if strings.TrimSpace(c.Reason) == "" {
		return wrongUse("say with --reason TEXT why its spool cannot be delivered: a stop may have been in it")
	}
	site, err := c.site.site()
	if err != nil {
		return err
	}
	if err := app.ForgetNode(ctx.Ctx, site, c.Node, c.Reason, ctx.log(slog.LevelWarn)); err != nil {
		return err
	}
	if c.JSON {
		return printJSON(ctx.Stdout, map[string]string{"forgotten": c.Node})
	}
	fmt.Fprintf(ctx.Stdout, "%s is forgotten: reminders and broadcasts no longer wait for it\n", c.Node)
	return nil
}
