package main

import (
	"errors"
	"fmt"
	"log/slog"
	"time"

	"lafia/internal/app"
	"lafia/internal/audit"
)

// auditCmd is `lafia audit`.
type auditCmd struct {
	Verify auditVerifyCmd `cmd:"" help:"Check that no entry of the audit was altered, dropped, swapped or cut off."`
	Head   auditHeadCmd   `cmd:"" help:"Print where the audit ends, to be written on paper."`
}

// auditVerifyCmd is `lafia audit verify`.
type auditVerifyCmd struct {
	site
	Key  string `placeholder:"FILE" help:"The audit's first key; by default audit.key of the site's key folder."`
	Head string `placeholder:"HEAD" help:"A head that was written down before, as 214:9f2c-11aa-03bd-77e0-51c2: it must be in the chain."`
	JSON bool   `help:"For programs."`
}

// auditReport is what it prints for programs.
type auditReport struct {
	Holds   bool       `json:"holds"`
	Entries int64      `json:"entries"` // that hold, from the first on
	From    *time.Time `json:"from"`
	To      *time.Time `json:"to"`
	Head    string     `json:"head"`
	Bad     *audit.Bad `json:"bad"` // the first that does not hold
}

// Run fails with the first entry that is not as it was written.
func (c *auditVerifyCmd) Run(ctx *cliContext) error {
	site, err := c.site.site()
	if err != nil {
		return err
	}
	var paper *audit.Head
	if c.Head != "" {
		h, err := audit.ParseHead(c.Head)
		if err != nil {
			return wrongUse("--head: %w", err)
		}
		paper = &h
	}
	chain, done, err := app.Audit(ctx.Ctx, site, ctx.log(slog.LevelError))
	if err != nil {
		return err
	}
	defer done()
	if c.Key != "" {
		chain.KeyFile = c.Key
	}
	r, err := chain.Verify(ctx.Ctx, paper)
	if errors.Is(err, audit.ErrOtherKey) {
		return &exitError{status: 1, err: fmt.Errorf("%s: %w", chain.KeyFile, err)}
	}
	if err != nil {
		return err
	}
	if err := c.print(ctx, r); err != nil {
		return err
	}
	if r.Bad != nil {
		return &exitError{status: 1, err: r.Bad}
	}
	return nil
}

func (c *auditVerifyCmd) print(ctx *cliContext, r audit.Report) error {
	if c.JSON {
		out := auditReport{Holds: r.Bad == nil, Entries: r.Entries, Head: r.Head.String(), Bad: r.Bad}
		if r.Entries > 0 {
			out.From, out.To = &r.From, &r.To
		}
		return printJSON(ctx.Stdout, out)
	}
	span := ""
	if r.Entries > 0 {
		span = fmt.Sprintf(", from %s to %s UTC", r.From.Format(time.DateTime), r.To.Format(time.DateTime))
	}
	fmt.Fprintf(ctx.Stdout, "%d entries hold%s\n", r.Entries, span)
	if r.Bad == nil {
		fmt.Fprintf(ctx.Stdout, "head %s\n", r.Head)
	}
	return nil
}

// auditHeadCmd is `lafia audit head`.
type auditHeadCmd struct {
	site
	JSON bool `help:"For programs."`
}

// Run needs no key: it checks nothing.
func (c *auditHeadCmd) Run(ctx *cliContext) error {
	site, err := c.site.site()
	if err != nil {
		return err
	}
	chain, done, err := app.Audit(ctx.Ctx, site, ctx.log(slog.LevelError))
	if err != nil {
		return err
	}
	defer done()
	head, err := chain.Head(ctx.Ctx)
	if err != nil {
		return err
	}
	if c.JSON {
		return printJSON(ctx.Stdout, map[string]string{"head": head.String()})
	}
	fmt.Fprintln(ctx.Stdout, head)
	return nil
}
