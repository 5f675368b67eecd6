package main

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"time"

	"lafia/gateway/message"
	"lafia/internal/app"
	"lafia/internal/casework"
)

// personCmd is `lafia person`.
type personCmd struct {
	Show  personShowCmd  `cmd:"" help:"Tell what is held about the person behind a number. The number comes on standard input."`
	Erase personEraseCmd `cmd:"" help:"Erase the person behind a number, at once. The number comes on standard input."`
}

// personAsked is what both are told.
type personAsked struct {
	site
	Reason string `placeholder:"TEXT" help:"Why. The audit keeps it, sealed, and it is never erased: no number and no name belong into it. Required."`
	JSON   bool   `help:"For programs."`
}

// numberMost bounds what is read of standard input: a number with spaces in it.
const numberMost = 64

// ask reads the number from standard input: an argument would be in the shell's history
// and in the list of processes.
func (c *personAsked) ask(ctx *cliContext) (app.Site, app.PersonAsked, error) {
	var p app.PersonAsked
	at, err := c.site.site()
	if err != nil {
		return at, p, err
	}
	if p.Reason = strings.TrimSpace(c.Reason); p.Reason == "" {
		return at, p, wrongUse("say why with --reason TEXT: the audit keeps it")
	}
	b, err := io.ReadAll(io.LimitReader(ctx.Stdin, numberMost+1))
	if err != nil {
		return at, p, fmt.Errorf("reading the number: %w", err)
	}
	if p.Number = message.ParseNumber(string(b)); len(b) > numberMost || !p.Number.IsPhone() {
		return at, p, wrongUse("standard input holds no phone number: give one alone, as 70 00 00 00 or +22370000000")
	}
	return at, p, nil
}

// personShowCmd is `lafia person show`.
type personShowCmd struct {
	personAsked
	WithText bool `help:"Her words, and the answers to them, too."`
}

// personFile is what it prints for programs.
type personFile struct {
	Held     bool            `json:"held"` // anything
	Language string          `json:"language"`
	Since    *time.Time      `json:"since"`
	Seen     *time.Time      `json:"seen"`
	Place    string          `json:"place"` // P-code of the place that she named last
	Number   *personNumber   `json:"number"`
	Wishes   []personWish    `json:"wishes"`
	Said     int             `json:"wishes_ever_said"`
	Messages []personMessage `json:"messages"`
	Received int             `json:"sms_received"`
	Waiting  int             `json:"sms_waiting"`
	Parts    int             `json:"sms_parts"`
	Sent     map[string]int  `json:"sms_sent"` // by state
	Drafts   int             `json:"drafts"`
	Asked    int             `json:"follow_ups"`
	Leads    []string        `json:"leads"` // groups
	Erasing  *time.Time      `json:"erasure_due"`
	ErasedAt *time.Time      `json:"erased_at"`
}

type personNumber struct {
	Agreed    bool      `json:"agreed"`
	KeptUntil time.Time `json:"kept_until"`
}

type personWish struct {
	Purpose string    `json:"purpose"`
	Given   bool      `json:"given"`
	At      time.Time `json:"at"`
	Medium  string    `json:"medium"`
}

type personMessage struct {
	Reference  string    `json:"reference"`
	Kind       string    `json:"kind"`
	Level      string    `json:"level"`
	Status     string    `json:"status"`
	Medium     string    `json:"medium"`
	Channel    string    `json:"channel"`
	Project    string    `json:"project"`
	Place      string    `json:"place"`
	ReceivedAt time.Time `json:"received_at"`
	Answers    int       `json:"answers"`
	Text       string    `json:"text,omitempty"`
	Answered   []string  `json:"answered,omitempty"`
	Shut       bool      `json:"shut,omitempty"` // the words do not open
}

func orNil(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	t = t.UTC()
	return &t
}

func fileOf(p casework.PersonFile) personFile {
	f := personFile{
		Held: p.Holds(), Language: p.Language, Since: orNil(p.Since), Seen: orNil(p.Seen), Place: p.Place, Said: p.Said, Received: p.Received,
		Waiting: p.Waiting, Parts: p.Parts, Sent: p.Sent, Drafts: p.Drafts, Asked: p.Asked, Leads: p.Leads,
		Erasing: orNil(p.Erasing), ErasedAt: orNil(p.ErasedAt), Wishes: []personWish{}, Messages: []personMessage{},
	}
	if p.Number {
		f.Number = &personNumber{p.Agreed, p.KeptUntil.UTC()}
	}
	for _, w := range p.Wishes {
		f.Wishes = append(f.Wishes, personWish{w.Purpose, w.Given, w.At.UTC(), w.Medium})
	}
	for _, m := range p.Messages {
		said := p.Words[m.ID]
		f.Messages = append(f.Messages, personMessage{
			Reference: m.Reference.String(), Kind: string(m.Kind), Level: string(m.Level), Status: string(m.Status), Medium: m.Medium, Channel: m.Channel,
			Project: m.Project, Place: m.Place, ReceivedAt: m.ReceivedAt.UTC(), Answers: len(m.Answers),
			Text: said.Text, Answered: said.Answers, Shut: said.State == casework.TextShut,
		})
	}
	return f
}

// Run shows it.
func (c *personShowCmd) Run(ctx *cliContext) error {
	at, p, err := c.ask(ctx)
	if err != nil {
		return err
	}
	p.WithText = c.WithText
	file, err := app.ShowPerson(ctx.Ctx, at, p)
	if err != nil {
		return err
	}
	f := fileOf(file)
	if c.JSON {
		return printJSON(ctx.Stdout, f)
	}
	out := func(format string, args ...any) { fmt.Fprintf(ctx.Stdout, format+"\n", args...) }
	if !f.Held {
		out("nothing is held about this number")
	}
	if f.Since != nil {
		out("seen since %s, last on %s; language %q; last place %q", day(*f.Since), day(*f.Seen), f.Language, f.Place)
	}
	if n := f.Number; n != nil {
		out("the number is in the vault until %s, with consent: %s", day(n.KeptUntil), yesNo(n.Agreed))
	} else if f.Held {
		out("the number is not in the vault")
	}
	for _, w := range f.Wishes {
		out("%s: %s, said on %s by %s", w.Purpose, yesNo(w.Given), day(w.At), w.Medium)
	}
	for _, m := range f.Messages {
		out("%s  %s  %s %s  %s  by %s, %d answers", m.Reference, day(m.ReceivedAt), m.Kind, m.Level, m.Status, m.Medium, m.Answers)
		switch {
		case m.Shut:
			out("    the words do not open")
		case m.Text != "":
			out("    %q", m.Text)
		}
		for _, a := range m.Answered {
			out("    answered: %q", a)
		}
	}
	for _, v := range []struct {
		n    int
		what string
	}{
		{f.Said, "wishes were ever said"}, {f.Received, "SMS came in"}, {f.Waiting, "of them wait to be handled"}, {f.Parts, "parts of long SMS"},
		{f.Drafts, "unfinished calls"}, {f.Asked, "times to ask again"},
	} {
		if v.n > 0 {
			out("%d %s", v.n, v.what)
		}
	}
	for _, state := range slices.Sorted(maps.Keys(f.Sent)) {
		out("%d SMS to her: %s", f.Sent[state], state)
	}
	if len(f.Leads) > 0 {
		out("leads %s", strings.Join(f.Leads, ", "))
	}
	if f.Erasing != nil {
		out("asked to be erased, due on %s", day(*f.Erasing))
	}
	if f.ErasedAt != nil {
		out("was erased on %s", day(*f.ErasedAt))
	}
	return nil
}

func day(t time.Time) string { return t.UTC().Format("2006-01-02") }

func yesNo(v bool) string {
	if v {
		return "yes"
	}
	return "no"
}

// personEraseCmd is `lafia person erase`.
type personEraseCmd struct{ personAsked }

// personErased is what it prints for programs.
type personErased struct {
	Erased  map[string]int `json:"erased"`       // what there was, by name; empty: nothing
	Before  *time.Time     `json:"erased_first"` // when she was erased before
	TookMS  int64          `json:"took_ms"`
	Cleared bool           `json:"cleared"` // PostgreSQL made room of what was deleted
	Stays   []string       `json:"stays"`
	Exports []personExport `json:"exports"`
}

type personExport struct {
	At time.Time `json:"at"`
	By string    `json:"by"`
}

// Run erases her, and says what stays.
func (c *personEraseCmd) Run(ctx *cliContext) error {
	at, p, err := c.ask(ctx)
	if err != nil {
		return err
	}
	e, err := app.ErasePerson(ctx.Ctx, at, p, ctx.log(slog.LevelError))
	if err != nil {
		return err
	}
	out := personErased{Erased: e.Gone, Before: orNil(e.Before), TookMS: e.Took.Milliseconds(), Cleared: e.NotVacuum == nil, Stays: stays(e), Exports: []personExport{}}
	if e.Unread > 0 {
		out.Erased["unreadable requests"] = e.Unread
	}
	for _, x := range e.Exports {
		out.Exports = append(out.Exports, personExport{x.At.UTC(), x.By})
	}
	if c.JSON {
		err = printJSON(ctx.Stdout, out)
	} else {
		printErased(ctx, out)
	}
	if err == nil && e.NoSessions != nil {
		err = &exitError{status: 1, err: errors.New("she is erased, but Redis does not answer: a call that is under way may go on where it was; run this again when Redis answers")}
	}
	return err
}

func printErased(ctx *cliContext, e personErased) {
	out := func(format string, args ...any) { fmt.Fprintf(ctx.Stdout, format+"\n", args...) }
	switch {
	case len(e.Erased) == 0 && e.Before == nil:
		out("nothing was held about this number")
	case len(e.Erased) == 0:
		out("nothing more was held about this number: it was erased on %s", day(*e.Before))
	default:
		out("erased in %d ms:", e.TookMS)
		for _, name := range slices.Sorted(maps.Keys(e.Erased)) {
			out("  %d %s", e.Erased[name], name)
		}
	}
	out("what stays:")
	for _, s := range e.Stays {
		out("  %s", s)
	}
	if len(e.Exports) > 0 {
		out("exports that may hold her words, from before: ask for them back")
		for _, x := range e.Exports {
			out("  %s by %s", x.At.Format(time.DateTime), x.By)
		}
	}
}

// stays says what an erasure leaves, and why.
func stays(e app.PersonErased) []string {
	list := []string{
		"of each message its codes, place, dates and reference, for the counts: they lead to no phone",
		"a keyed mark that she was erased, here and in each gateway's list, so that a backup does not bring her back",
		"what lies with the protection focal points, if anything: it is theirs alone to end",
		"backups and PostgreSQL's archived log, until they expire",
		"the audit: who of the team did what, without her number and words",
	}
	if e.Stopped {
		list = append(list, "that she wants no news and no reminders")
	}
	if e.Gone["groups that she led"] > 0 {
		list = append(list, "the reports of the groups that she led, without her; they have no leader now: name another one in the programme's file and load it, or she is back with the next load")
	}
	if e.NotVacuum != nil {
		list = append(list, "deleted rows, sealed, in the database's files: PostgreSQL could not clear them at once (a backup may be running), and does so by itself")
	} else {
		list = append(list, "sealed bytes in free room of the database's files, until it is written over")
	}
	if e.Spooled > 0 {
		list = append(list, fmt.Sprintf("%d records in the spools of gateways: what of hers is among them is erased when it comes in", e.Spooled))
	}
	if e.Quarantine > 0 {
		list = append(list, fmt.Sprintf("%d records in this spool's quarantine, which nobody could read: look there", e.Quarantine))
	}
	return list
}
