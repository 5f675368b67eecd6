package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"strings"

	"lafia/internal/app"
	"lafia/internal/casework"
	"lafia/internal/staff"
	"lafia/internal/vault"
)

// keysCmd is `lafia keys`.
type keysCmd struct {
	Init keysInitCmd `cmd:"" help:"Make the keys once, in an empty folder."`
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
