package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"
	"time"

	"lafia/internal/flow"
	"lafia/internal/rehearsal"
)

// simulateCmd is `lafia simulate`.
type simulateCmd struct {
	sources
	Locale string `placeholder:"L" help:"The caller's language; without it she is asked, as a new caller is."`
	Medium string `default:"ussd" enum:"ussd,sms" help:"ussd or sms (${default})."`
	Flow   string `placeholder:"NAME" help:"The flow to enter; without it the menu is first."`
	JSON   bool   `help:"For programs: one JSON object a screen, and one for the submission."`
}

// Run shows a screen, takes a line from standard input, and so on to the end of
// the conversation or of the input.
func (c *simulateCmd) Run(ctx *cliContext) error {
	walk, err := c.walk()
	if err != nil {
		return err
	}
	if !c.JSON {
		fmt.Fprintf(ctx.Stderr, "a rehearsal: project LAF1 (101), your code %s, your groups and PINs: %s; Ctrl-D hangs up\n", rehearsal.Given, rehearsal.PINs())
	}
	page, err := walk.Begin()
	if err != nil {
		return wrongUse("%w", err)
	}
	lines := bufio.NewScanner(ctx.Stdin)
	lines.Buffer(make([]byte, 0, 4096), maxText)
	for {
		if err := c.show(ctx.Stdout, page); err != nil {
			return err
		}
		if page.Ends {
			break
		}
		if !c.JSON {
			fmt.Fprint(ctx.Stdout, "> ")
		}
		if !lines.Scan() {
			break
		}
		typed := strings.TrimSuffix(lines.Text(), "\r")
		if !c.JSON && !isTerminal(ctx.Stdin) { // what a terminal shows by itself
			fmt.Fprintln(ctx.Stdout, typed)
		}
		if page, err = walk.Input(typed); err != nil {
			return err
		}
	}
	if err := lines.Err(); err != nil {
		if errors.Is(err, bufio.ErrTooLong) {
			return wrongUse("a line is longer than %d bytes", maxText)
		}
		return fmt.Errorf("reading what is typed: %w", err)
	}
	return c.end(ctx.Stdout, walk, page)
}

func (c *simulateCmd) walk() (*rehearsal.Walk, error) {
	files, err := c.flows()
	if err != nil {
		return nil, err
	}
	words, err := c.words()
	if err != nil {
		return nil, err
	}
	if c.Locale != "" && !slices.Contains(words.Tags(), c.Locale) {
		return nil, wrongUse("there is no language %q; there are: %s", c.Locale, strings.Join(words.Tags(), ", "))
	}
	book, err := flow.Load(files)
	if err != nil {
		return nil, err
	}
	if c.Flow != "" && book.Flows[c.Flow] == nil {
		return nil, wrongUse("there is no flow %q; there are: %s", c.Flow, strings.Join(slices.Sorted(maps.Keys(book.Flows)), ", "))
	}
	world, err := rehearsal.NewWorld(words, time.Now().UTC())
	if err != nil {
		return nil, err
	}
	return &rehearsal.Walk{Book: book, Words: words, World: world, Medium: c.Medium, Language: c.Locale, Flow: c.Flow}, nil
}

func (c *simulateCmd) show(w io.Writer, p rehearsal.Page) error {
	if c.JSON {
		return printJSON(w, p)
	}
	pages := ""
	if p.Pages > 1 {
		pages = fmt.Sprintf(" page %d/%d", p.Page, p.Pages)
	}
	_, err := fmt.Fprintf(w, "%s\n[%s %s %d/%d%s]\n", p.Text, p.Language, p.Medium, p.Units, p.Limit, pages)
	return err
}

func (c *simulateCmd) end(w io.Writer, walk *rehearsal.Walk, last rehearsal.Page) error {
	s := walk.Submission
	switch {
	case c.JSON:
		return printJSON(w, map[string]any{"submission": s})
	case s == nil && !last.Ends:
		_, err := fmt.Fprintln(w, "\n= hung up: nothing was submitted")
		return err
	case s == nil:
		_, err := fmt.Fprintln(w, "= nothing was submitted")
		return err
	}
	var b strings.Builder
	fmt.Fprintf(&b, "= submission {kind=%s level=%s reference=%s", s.Kind, s.Level, s.Reference)
	for _, k := range slices.Sorted(maps.Keys(s.Answers)) {
		fmt.Fprintf(&b, " %s=%s", k, s.Answers[k])
	}
	if s.Text != "" {
		fmt.Fprintf(&b, " text=%q", s.Text)
	}
	_, err := fmt.Fprintln(w, b.String()+"}")
	return err
}

func isTerminal(r io.Reader) bool {
	f, ok := r.(*os.File)
	if !ok {
		return false
	}
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}
