package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"lafia/flows"
	"lafia/internal/flow"
	"lafia/internal/locale"
	"lafia/internal/translation"
	"lafia/locales"
)

// localesCmd is `lafia locales`.
type localesCmd struct {
	Check  localesCheckCmd  `cmd:"" help:"Say what is missing, unsigned or wrong in the words of every language."`
	Export localesExportCmd `cmd:"" help:"Write a language as one sheet for its translator."`
	Import localesImportCmd `cmd:"" help:"Take a translator's sheet back into the language's file."`
}

// wordsIn is where locale files are: in a folder, or in this program.
func wordsIn(dir string) fs.FS {
	if dir == "" {
		return locales.Files
	}
	return os.DirFS(dir)
}

// localesCheckCmd is `lafia locales check`.
type localesCheckCmd struct {
	Dir  string `placeholder:"DIR" help:"The folder of locale files (default: those in this program)."`
	JSON bool   `help:"For programs: every list in full."`
}

// Run reports, and fails when something must not reach a phone.
func (c *localesCheckCmd) Run(ctx *cliContext) error {
	book, err := flow.Load(flows.Files)
	if err != nil {
		return err
	}
	files := wordsIn(c.Dir)
	if c.Dir != "" {
		files = withLists{files}
	}
	report, err := translation.Check(files, book)
	if err != nil {
		return err
	}
	if c.JSON {
		err = printJSON(ctx.Stdout, report)
	} else {
		err = printReport(ctx.Stdout, report)
	}
	if err == nil && !report.OK {
		err = fmt.Errorf("%d problems", len(report.Problems))
	}
	return err
}

// withLists takes lists of words that a folder does not have from this program.
type withLists struct{ fs.FS }

// ReadFile implements fs.ReadFileFS.
func (w withLists) ReadFile(name string) ([]byte, error) {
	data, err := fs.ReadFile(w.FS, name)
	if errors.Is(err, fs.ErrNotExist) && strings.HasPrefix(name, "words/") {
		return locales.Files.ReadFile(name)
	}
	return data, err
}

func printReport(w io.Writer, r translation.Report) error {
	var b bytes.Buffer
	for _, l := range r.Languages {
		goal := ""
		if l.Goal > 0 {
			goal = fmt.Sprintf(", at least %d %% wanted", l.Goal)
		}
		offered := ""
		if !l.Offered {
			offered = ", not offered"
		}
		fmt.Fprintf(&b, "%s %s: %d own of %d (%d %%%s), %d fall back, %d draft%s\n", l.Tag, l.Name, l.Own, l.Total, l.Percent, goal, l.Fallback, l.Draft, offered)
		switch {
		case l.Draft == l.Own && l.Draft > 0:
			b.WriteString("  draft: every one of its own; no native speaker has signed any\n")
		default:
			wrapped(&b, "draft", l.DraftKeys)
		}
		if l.Fallback == 0 {
			b.WriteString("  own: every message\n")
		} else {
			wrapped(&b, "own", l.OwnKeys)
		}
		wrapped(&b, "fall back", l.FallbackKeys)
		wrapped(&b, "screens of two local languages", l.Mixed)
		var words []string
		for _, u := range l.Unattested {
			word := u.Word
			if u.Stem != "" {
				word += " (" + u.Stem + "?)"
			}
			words = append(words, word+" in "+strings.Join(u.Keys, " "))
		}
		if l.Listed {
			fmt.Fprintf(&b, "  words that nobody attests: %d\n", len(words))
			for _, word := range words {
				fmt.Fprintf(&b, "    %s\n", word)
			}
		}
	}
	for _, p := range r.Problems {
		fmt.Fprintf(&b, "wrong: %v\n", p)
	}
	_, err := w.Write(b.Bytes())
	return err
}

// wrapped writes a list in lines that a terminal holds.
func wrapped(b *bytes.Buffer, title string, list []string) {
	if len(list) == 0 {
		return
	}
	fmt.Fprintf(b, "  %s:", title)
	width := len(title) + 3
	for _, item := range list {
		if width+1+len(item) > 110 {
			b.WriteString("\n   ")
			width = 3
		}
		b.WriteString(" " + item)
		width += 1 + len(item)
	}
	b.WriteByte('\n')
}

// localesExportCmd is `lafia locales export`.
type localesExportCmd struct {
	Locale string `required:"" placeholder:"L" help:"The language: bm, ses, …"`
	Format string `required:"" enum:"csv,xlsx" help:"csv or xlsx."`
	Out    string `placeholder:"FILE" help:"Write there instead of to standard output."`
	Dir    string `placeholder:"DIR" help:"The folder of locale files (default: those in this program)."`
	JSON   bool   `help:"For programs: with --out, say what was written."`
}

// Run writes the sheet.
func (c *localesExportCmd) Run(ctx *cliContext) error {
	words, err := locale.Load(wordsIn(c.Dir))
	if err != nil {
		return err
	}
	if !slices.Contains(words.Tags(), c.Locale) {
		return wrongUse("there is no language %q; there are: %s", c.Locale, strings.Join(words.Tags(), ", "))
	}
	book, err := flow.Load(flows.Files)
	if err != nil {
		return err
	}
	rows := translation.Rows(words, book, c.Locale)
	var b bytes.Buffer
	if c.Format == "csv" {
		err = translation.WriteCSV(&b, rows)
	} else {
		err = translation.WriteXLSX(&b, c.Locale, rows)
	}
	if err != nil {
		return fmt.Errorf("writing the sheet: %w", err)
	}
	if c.Out == "" {
		_, err = ctx.Stdout.Write(b.Bytes())
		return err
	}
	if err := replaceFile(c.Out, b.Bytes()); err != nil {
		return fmt.Errorf("writing the sheet: %w", err)
	}
	if c.JSON {
		return printJSON(ctx.Stdout, struct {
			File string `json:"file"`
			Rows int    `json:"rows"`
		}{c.Out, len(rows)})
	}
	return nil
}

// localesImportCmd is `lafia locales import`.
type localesImportCmd struct {
	Locale string `required:"" placeholder:"L" help:"The language: bm, ses, …"`
	File   string `arg:"" placeholder:"FILE" help:"The sheet, CSV or XLSX."`
	Dir    string `default:"locales" placeholder:"DIR" help:"The folder of locale files that is written to (default: ${default})."`
	JSON   bool   `help:"For programs."`
}

// Run takes the sheet, or names every cell that it cannot take and writes nothing.
func (c *localesImportCmd) Run(ctx *cliContext) error {
	if _, err := os.Stat(filepath.Join(c.Dir, c.Locale+".toml")); err != nil || c.Locale != filepath.Base(c.Locale) {
		return wrongUse("there is no file of the language %q in %s", c.Locale, c.Dir)
	}
	in, err := os.Open(c.File)
	if err != nil {
		return wrongUse("the sheet cannot be read: %w", err)
	}
	defer in.Close()
	table, err := translation.Read(in)
	if err != nil {
		return fmt.Errorf("%s: %w", c.File, err)
	}
	book, err := flow.Load(flows.Files)
	if err != nil {
		return err
	}
	taken, err := translation.Import(os.DirFS(c.Dir), book, c.Locale, table)
	if refused, ok := translation.IsRefused(err); ok {
		if c.JSON {
			if err := printJSON(ctx.Stdout, map[string]any{"ok": false, "refused": refused}); err != nil {
				return err
			}
		}
		return fmt.Errorf("%s: nothing was written: %d cells are refused\n%w", c.File, len(refused), refused)
	}
	if err != nil {
		return err
	}
	path := filepath.Join(c.Dir, taken.File)
	if len(taken.New)+len(taken.Changed)+len(taken.Removed) > 0 {
		if err := replaceFile(path, taken.Data); err != nil {
			return fmt.Errorf("writing the words: %w", err)
		}
	}
	if c.JSON {
		return printJSON(ctx.Stdout, struct {
			OK bool `json:"ok"`
			translation.Taken
		}{true, taken})
	}
	_, err = fmt.Fprintf(ctx.Stdout, "%s: %d new, %d changed, %d left out\n", path, len(taken.New), len(taken.Changed), len(taken.Removed))
	if err == nil && len(taken.Redraft) > 0 {
		_, err = fmt.Fprintf(ctx.Stdout, "draft again, since the words are not those that were signed: %s\n", strings.Join(taken.Redraft, " "))
	}
	return err
}

// replaceFile writes a file whole or not at all.
func replaceFile(path string, data []byte) error {
	f, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".*")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	_, err = f.Write(data)
	err = errors.Join(err, f.Chmod(0o644), f.Sync(), f.Close())
	if err != nil {
		return err
	}
	return os.Rename(f.Name(), path)
}
