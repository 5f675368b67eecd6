package main

import (
	"fmt"

	"lafia/internal/app"
)

// programmeCmd is `lafia programme`.
type programmeCmd struct {
	Load programmeLoadCmd `cmd:"" help:"Load places, projects, groups and leaders from CSV files."`
}

// programmeLoadCmd is `lafia programme load`.
type programmeLoadCmd struct {
	Config   string `required:"" placeholder:"FILE" help:"The config file."`
	Places   string `placeholder:"FILE" help:"pcode,level,name,parent; or the word mali for the gazetteer inside (COD-AB 2021)."`
	Projects string `placeholder:"FILE" help:"code,name,kind,place,commune,phase."`
	Groups   string `placeholder:"FILE" help:"code,name,project,place,phone,pin: a row a leader. Destroy the file afterwards."`
	JSON     bool   `help:"For programs."`
}

// Run loads, and says what to print on paper.
func (c *programmeLoadCmd) Run(ctx *cliContext) error {
	if c.Places == "" && c.Projects == "" && c.Groups == "" {
		return wrongUse("name what to load: --places, --projects, --groups")
	}
	n, err := app.LoadProgramme(ctx.Ctx, c.Config, app.Programme{Places: c.Places, Projects: c.Projects, Groups: c.Groups})
	if err != nil {
		return err
	}
	if c.JSON {
		return printJSON(ctx.Stdout, n)
	}
	fmt.Fprintf(ctx.Stdout, "loaded %d places, %d projects, %d leaders; a running gateway knows them within a minute\n", n.Places, n.Projects, n.Groups)
	return nil
}
