package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"lafia/gateway/message"
	"lafia/internal/app"
)

// channelCmd is `lafia channel`.
type channelCmd struct {
	Test     channelTestCmd     `cmd:"" help:"Have the running gateway send one SMS, and wait for its receipt."`
	Register channelRegisterCmd `cmd:"" help:"Tell the aggregator of a channel where the webhooks are."`
}

// channelTestCmd is `lafia channel test`.
type channelTestCmd struct {
	Name   string        `arg:"" help:"The channel, as [[channel]] names it."`
	Config string        `xor:"where" required:"" placeholder:"FILE" help:"The config file of the running gateway."`
	Data   string        `xor:"where" required:"" placeholder:"DIR" help:"The folder of a running dev instance, instead."`
	To     string        `placeholder:"+223…" help:"The phone to send to. Required with --config; with --data the simulator's."`
	Wait   time.Duration `default:"2m" help:"How long to wait for the receipt (${default})."`
	JSON   bool          `help:"For programs: one JSON object a line."`
}

// Help is what --help says after the options.
func (channelTestCmd) Help() string {
	return `The message is queued in the database, and the gateway that runs on it sends it: with its account, its
transport and its rate, as it sends every other. So what this shows is what callers get. The text says
that it is a test, and nothing of the programme.

Each state is printed with its time: queued, sending, sent, and delivered once the receipt is there.
The exit status is 0 when it was delivered, and 1 when it was refused, when nobody can say whether it
was sent, and when no receipt came. A dev instance's simulator need not send receipts: there, sent is
success.`
}

// simulated is the phone that a dev instance's simulator shows first.
const simulated = "+22300000001"

// Run follows the message until a final state.
func (c *channelTestCmd) Run(ctx *cliContext) error {
	switch {
	case c.To == "" && c.Data == "":
		return wrongUse("--to is missing: name a phone that you can look at")
	case c.To == "":
		c.To = simulated
	case c.Wait <= 0:
		return wrongUse("--wait must be longer than nothing")
	}
	to := message.ParseNumber(c.To)
	if !to.IsPhone() {
		return wrongUse("--to must be a phone's number with its country code, as +22370000001")
	}
	began := time.Now()
	err := app.TestChannel(ctx.Ctx, app.ChannelTest{
		Config: c.Config, Data: c.Data, Channel: c.Name, To: to, Wait: c.Wait,
		Step: func(s app.ChannelStep) {
			if c.JSON {
				_ = json.NewEncoder(ctx.Stdout).Encode(s)
				return
			}
			line := fmt.Sprintf("%s  %6.1f s  %s", s.At.Format(time.TimeOnly), s.At.Sub(began).Seconds(), s.State)
			if s.Reason != "" {
				line += ": " + s.Reason
			}
			fmt.Fprintln(ctx.Stdout, line)
		},
	})
	return asUse(err)
}

// channelRegisterCmd is `lafia channel register`.
type channelRegisterCmd struct {
	Name   string `arg:"" help:"The channel, as [[channel]] names it."`
	Config string `required:"" placeholder:"FILE" help:"The config file. Its public_url is the address that is told."`
	JSON   bool   `help:"For programs."`
}

// Run prints a line for each request made, and fails when one was not accepted.
func (c *channelRegisterCmd) Run(ctx *cliContext) error {
	done, err := app.RegisterChannel(ctx.Ctx, c.Config, c.Name, nil)
	if err != nil {
		return asUse(err)
	}
	failed := 0
	for _, r := range done {
		if !r.OK {
			failed++
		}
		switch {
		case c.JSON:
		case r.OK:
			fmt.Fprintf(ctx.Stdout, "ok    %s: HTTP %d\n", r.Request, r.Status)
		default:
			fmt.Fprintf(ctx.Stdout, "fail  %s: %s\n", r.Request, r.Problem)
		}
	}
	if c.JSON {
		if err := json.NewEncoder(ctx.Stdout).Encode(done); err != nil {
			return err
		}
	}
	if failed > 0 {
		return &exitError{status: 1, err: fmt.Errorf("%d of %d webhooks could not be registered", failed, len(done))}
	}
	return nil
}

// asUse gives wrong use its exit status.
func asUse(err error) error {
	if errors.Is(err, app.ErrUse) {
		return &exitError{status: 2, err: err}
	}
	return err
}
