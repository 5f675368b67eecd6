package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"lafia/internal/audit"
	"lafia/internal/casework"
	"lafia/internal/staff"
)

// communeCmd is `lafia commune`.
type communeCmd struct {
	Close communeCloseCmd `cmd:"" help:"Send nothing of the programme into a commune any more: no announcement, reminder, follow-up or receipt, and nothing again that was in doubt. Replies and answers to what people write still go."`
	Open  communeOpenCmd  `cmd:"" help:"Open a commune again. What was not sent meanwhile stays unsent."`
	List  communeListCmd  `cmd:"" help:"List the communes that are closed."`
}

// communeSwitch is what closing and opening are told.
type communeSwitch struct {
	Commune string `arg:"" name:"commune" placeholder:"PCODE|NAME" help:"Its P-code, as ML060504, or its name."`
	site
	Reason string `placeholder:"TEXT" help:"Why. The audit keeps it, sealed."`
	JSON   bool   `help:"For programs."`
}

// switched is what closing and opening print for programs.
type switched struct {
	PCode   string `json:"pcode"`
	Name    string `json:"name"`
	Cercle  string `json:"cercle"`
	Closed  bool   `json:"closed"`  // how it is now
	Changed bool   `json:"changed"` // false: it was so before
}

type switching func(*casework.Desk, context.Context, staff.Account, casework.Switching) (casework.Commune, bool, error)

func (c *communeSwitch) run(ctx *cliContext, do switching, closed bool, done, before string) error {
	desk, who, end, err := c.desk(ctx)
	if err != nil {
		return err
	}
	defer end()
	k, already, err := do(desk, ctx.Ctx, who, casework.Switching{Commune: c.Commune, Reason: c.Reason})
	var which *casework.WhichError
	switch {
	case errors.As(err, &which):
		return wrongUse("%s", whichOf(which))
	case errors.Is(err, casework.ErrNoCommune), errors.Is(err, casework.ErrNotCommune):
		return wrongUse("%s: %w", c.Commune, err)
	case err != nil:
		return err
	}
	if c.JSON {
		return printJSON(ctx.Stdout, switched{k.PCode, k.Name, k.Cercle, closed, !already})
	}
	if already {
		done = before
	}
	fmt.Fprintf(ctx.Stdout, "%s %s\n", communeName(k), done)
	return nil
}

// whichOf asks for a P-code.
func whichOf(e *casework.WhichError) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s: give the P-code of the one that is meant:", e.Typed)
	for _, c := range e.Communes {
		b.WriteString("\n  " + communeName(c))
	}
	return b.String()
}

func communeName(c casework.Commune) string {
	s := strings.TrimSpace(c.PCode + " " + c.Name)
	if c.Cercle != "" {
		s += " (cercle of " + c.Cercle + ")"
	}
	return s
}

// communeCloseCmd is `lafia commune close`.
type communeCloseCmd struct{ communeSwitch }

// Run closes it.
func (c *communeCloseCmd) Run(ctx *cliContext) error {
	return c.run(ctx, (*casework.Desk).CloseCommune, true, "is closed: no announcement, reminder, follow-up or receipt is sent there any more", "was closed already")
}

// communeOpenCmd is `lafia commune open`.
type communeOpenCmd struct{ communeSwitch }

// Run opens it.
func (c *communeOpenCmd) Run(ctx *cliContext) error {
	return c.run(ctx, (*casework.Desk).OpenCommune, false, "is open again; what was not sent meanwhile stays unsent", "was not closed")
}

// communeListCmd is `lafia commune list`.
type communeListCmd struct {
	site
	JSON bool `help:"For programs."`
}

// closedCommune is one commune that it prints for programs.
type closedCommune struct {
	PCode  string    `json:"pcode"`
	Name   string    `json:"name"`
	Cercle string    `json:"cercle"`
	Since  time.Time `json:"since"`
	By     string    `json:"by"` // an account's name, or cli: and who ran a command; "": nobody wrote it
}

// Run lists them by name.
func (c *communeListCmd) Run(ctx *cliContext) error {
	desk, who, end, err := c.desk(ctx)
	if err != nil {
		return err
	}
	defer end()
	list, err := desk.ClosedCommunes(ctx.Ctx, who)
	if err != nil {
		return err
	}
	out := []closedCommune{}
	for _, k := range list {
		by := k.Who
		if k.Command {
			by = audit.CommandLine(k.Who)
		}
		out = append(out, closedCommune{k.PCode, k.Name, k.Cercle, k.At.UTC(), by})
	}
	if c.JSON {
		return printJSON(ctx.Stdout, out)
	}
	if len(out) == 0 {
		fmt.Fprintln(ctx.Stdout, "no commune is closed")
	}
	for i, k := range out {
		by := ""
		if k.By != "" {
			by = " by " + k.By
		}
		fmt.Fprintf(ctx.Stdout, "%s: closed since %s UTC%s\n", communeName(list[i].Commune), k.Since.Format(time.DateTime), by)
	}
	return nil
}

// desk opens the desk of the site named.
func (s site) desk(ctx *cliContext) (*casework.Desk, staff.Account, func(), error) {
	at, err := s.site()
	if err != nil {
		return nil, staff.Account{}, nil, err
	}
	return at.Desk(ctx.Ctx, ctx.log(slog.LevelError))
}
