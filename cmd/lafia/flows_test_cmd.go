package main

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"lafia/internal/flow"
	"lafia/internal/locale"
	"lafia/internal/rehearsal"
)

// flowsTestCmd is `lafia flows test`.
type flowsTestCmd struct {
	sources
	Update bool `help:"Write the generated transcripts again, in DIR/transcripts (default: ./flows). Those by hand are never touched."`
	JSON   bool `help:"For programs."`
}

// Run plays every transcript of the flows, and tells each that is not so, with its
// file and line. It exits 1 when there is one.
func (c *flowsTestCmd) Run(ctx *cliContext) error {
	if err := c.toUpdate(); err != nil {
		return err
	}
	files, err := c.flows()
	if err != nil {
		return err
	}
	words, err := c.words()
	if err != nil {
		return err
	}
	book, err := flow.Load(files)
	if err != nil {
		return err
	}
	world, err := rehearsal.NewWorld(words, time.Now().UTC())
	if err != nil {
		return err
	}
	if c.Update {
		if err := c.update(book, words, world); err != nil {
			return err
		}
	}
	out, err := rehearsal.Test(book, words, world, files)
	if err != nil {
		return err
	}
	for i, f := range out.Failures {
		out.Failures[i].File = filepath.Join(c.folder(), f.File)
	}
	if c.JSON {
		if err := printJSON(ctx.Stdout, out); err != nil {
			return err
		}
	} else {
		for _, f := range out.Failures {
			fmt.Fprintln(ctx.Stdout, f)
		}
		fmt.Fprintf(ctx.Stdout, "%d conversations by hand, %d generated, %d screens\n", out.ByHand, out.Generated, out.Screens)
	}
	switch n := len(out.Failures); n {
	case 0:
		return nil
	case 1:
		return errors.New("1 thing is not as the transcripts tell")
	default:
		return fmt.Errorf("%d things are not as the transcripts tell", n)
	}
}

// folder is where the files stand that failures name.
func (c *flowsTestCmd) folder() string {
	if c.Dir == "" {
		return "flows"
	}
	return c.Dir
}

// toUpdate settles what is written to: the folder that is given, or that of a
// clone. A transcript is what a change is held against, so nothing that runs by
// itself writes one.
func (c *flowsTestCmd) toUpdate() error {
	switch {
	case !c.Update:
		return nil
	case os.Getenv("CI") != "":
		return wrongUse("--update is not for CI: run it where somebody reads what changes")
	case c.Dir != "":
		return nil
	}
	if _, err := os.Stat(filepath.Join("flows", flow.Main+".toml")); err != nil {
		return wrongUse("--update writes beside flow files: --dir DIR says where they are")
	}
	c.Dir = "flows"
	if _, err := os.Stat("locales"); err == nil && c.Locales == "" {
		c.Locales = "locales"
	}
	return nil
}

// update writes the generated transcripts, and removes those of flows that are gone.
func (c *flowsTestCmd) update(book *flow.Book, words *locale.Catalog, world *rehearsal.World) error {
	all, err := rehearsal.Generate(book, words, world)
	if err != nil {
		return err
	}
	dir := filepath.Join(c.Dir, rehearsal.Generated)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("making the folder of generated transcripts: %w", err)
	}
	old, err := os.ReadDir(dir)
	if err != nil {
		return fmt.Errorf("looking for old transcripts: %w", err)
	}
	for _, f := range old {
		if _, now := all[f.Name()]; now || !strings.HasSuffix(f.Name(), ".transcript") {
			continue
		}
		if err := os.Remove(filepath.Join(dir, f.Name())); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("removing an old transcript: %w", err)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(all)) {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(all[name]), 0o644); err != nil {
			return fmt.Errorf("writing transcript %s: %w", name, err)
		}
	}
	return nil
}
