package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"lafia/internal/app"
	"lafia/internal/casework"
	"lafia/internal/staff"
	"lafia/internal/vault"
)

// keysCmd is `lafia keys`.
type keysCmd struct {
	Init   keysInitCmd   `cmd:"" help:"Make the keys once, in an empty folder."`
	Rotate keysRotateCmd `cmd:"" help:"Make the next office key, and rewrap all words, notes and numbers under it while gateways run. The capture key is not rotated: pseudonyms and references hang on it, and could not be made anew for people whose number is not kept. Neither is the confidential pair: its private half opens with a focal point's password only."`
}

// keysInitCmd is `lafia keys init`.
type keysInitCmd struct {
	Dir string `required:"" placeholder:"DIR" help:"Where to; never in the database's folder."`
}

// Run makes the keys, and refuses where some are: what they sealed opens with
// no others. The audit's first key alone is made later, where the others are older
// than the audit.
func (c *keysInitCmd) Run(ctx *cliContext) error {
	if _, err := vault.Open(c.Dir); err == nil {
		made, err := vault.CreateAudit(c.Dir)
		if err != nil {
			return err
		}
		if made {
			fmt.Fprintf(ctx.Stdout, "%s was not there and is made, for an audit that has not begun; the other keys are left as they are\n", vault.AuditKeyFile(c.Dir))
			return nil
		}
		return &exitError{status: 1, err: fmt.Errorf("%s holds keys already; they are left as they are", c.Dir)}
	} else if !errors.Is(err, vault.ErrNoKeys) {
		return err
	}
	if err := vault.Create(c.Dir); err != nil {
		return err
	}
	fmt.Fprintf(ctx.Stdout, "keys are in %s: copy them now to a place apart from the database's backups; without them nothing opens\n", c.Dir)
	fmt.Fprintf(ctx.Stdout, "%s is for whoever checks the audit: once somebody has signed in, move it to another machine (docs/operators.md)\n", vault.AuditKeyFile(c.Dir))
	return nil
}

// keysRotateCmd is `lafia keys rotate`.
type keysRotateCmd struct {
	site
	Reason string `placeholder:"TEXT" help:"Why. The audit keeps it, sealed."`
	Finish bool   `help:"Make no new key: rewrap what is left under earlier ones, as what came out of a spool behind a rotation."`
	JSON   bool   `help:"For programs."`
}

// Run fails when a gateway lacks the key, and when another run has something to do.
func (c *keysRotateCmd) Run(ctx *cliContext) error {
	if strings.TrimSpace(c.Reason) == "" {
		return wrongUse("say with --reason TEXT why the keys are rotated")
	}
	site, err := c.site.site()
	if err != nil {
		return err
	}
	say := func(text string) { fmt.Fprintln(ctx.Stdout, text) }
	if c.JSON {
		say = nil
	}
	r, failed := app.RotateKeys(ctx.Ctx, site, app.Rotating{Reason: c.Reason, Finish: c.Finish, Say: say})
	if r.Key == "" { // it did not begin
		return failed
	}
	if c.JSON {
		if err := printJSON(ctx.Stdout, r); err != nil {
			return err
		}
	} else {
		printRotation(ctx.Stdout, r)
	}
	switch {
	case failed != nil:
		return &exitError{status: 1, err: failed}
	case r.Again():
		return &exitError{status: 1, err: errors.New("something is left, or lies in a spool: run this again with --finish")}
	}
	return nil
}

func printRotation(out io.Writer, r app.Rotation) {
	for _, kind := range slices.Sorted(maps.Keys(r.Rewrapped)) {
		fmt.Fprintf(out, "rewrapped: %d %s\n", r.Rewrapped[kind], kind)
	}
	if len(r.Rewrapped) == 0 {
		fmt.Fprintln(out, "rewrapped: nothing")
	}
	for _, l := range r.Left {
		fmt.Fprintf(out, "left under %s.key: %d %s: %s\n", l.Key, l.Count, l.Kind, l.Why)
	}
	if r.Spooled > 0 {
		fmt.Fprintf(out, "in spools: %d records, which may be under an earlier key\n", r.Spooled)
	}
	for _, key := range r.Idle {
		fmt.Fprintf(out, "%s.key: nothing needs it but reasons of the audit and backups of before; leave it in the key folder\n", key)
	}
	fmt.Fprintf(out, "%s.key is in use: %s\n", r.Key, r.File)
}

// userCmd is `lafia user`.
type userCmd struct {
	Add userAddCmd `cmd:"" help:"Add an account of the console; passwords come by standard input."`
}

// userAddCmd is `lafia user add`.
type userAddCmd struct {
	Config   string   `required:"" placeholder:"FILE" help:"The config file."`
	Username string   `arg:"" help:"Lower case letters, digits, dots and dashes."`
	Name     string   `required:"" help:"As colleagues know her."`
	Role     string   `required:"" enum:"viewer,officer,peace,protection,coordinator,translator,administrator" help:"viewer, officer, peace, protection, coordinator, translator or administrator."`
	Region   []string `help:"Region codes such as ML06; none: every region."`
	From     string   `placeholder:"USER" help:"For a second focal point: one who has the confidential key. Her password is the second line of standard input."`
}

// Run reads the new account's password from the first line of standard input.
func (c *userAddCmd) Run(ctx *cliContext) error {
	in := bufio.NewReader(ctx.Stdin)
	password, err := line(in)
	if err != nil {
		return wrongUse("give the new account's password as the first line of standard input")
	}
	from := ""
	if c.From != "" {
		if from, err = line(in); err != nil {
			return wrongUse("give the password of %s as the second line of standard input", c.From)
		}
	}
	role, _ := staff.ParseRole(c.Role)
	n := casework.NewAccount{Username: c.Username, Name: c.Name, Role: role, Regions: c.Region, Password: password}
	if err := app.AddUser(ctx.Ctx, c.Config, n, c.From, from); err != nil {
		return err
	}
	fmt.Fprintf(ctx.Stdout, "%s is added as %s\n", c.Username, c.Role)
	return nil
}

func line(r *bufio.Reader) (string, error) {
	s, err := r.ReadString('\n')
	s = strings.TrimRight(s, "\r\n")
	if s == "" {
		if err == nil {
			err = io.ErrUnexpectedEOF
		}
		return "", err
	}
	return s, nil
}
