package main

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"lafia/flows"
	"lafia/internal/flow"
	"lafia/internal/locale"
	"lafia/internal/rehearsal"
	"lafia/locales"
)

// flowsCmd is `lafia flows`.
type flowsCmd struct {
	Check flowsCheckCmd `cmd:"" help:"Refuse what a caller should not meet, and measure every screen in every language."`
	Graph flowsGraphCmd `cmd:"" help:"Draw a flow with its words."`
	Test  flowsTestCmd  `cmd:"" help:"Play every transcript: each screen as told, and what is stored."`
}

// sources are the files that are read instead of the program's own.
type sources struct {
	Dir     string `placeholder:"DIR" help:"A folder of flow files instead of the program's own: a whole book, main.toml too."`
	Locales string `placeholder:"DIR" help:"A folder of locale files instead of the program's own."`
}

func (s *sources) flows() (fs.FS, error) {
	if s.Dir == "" {
		return flows.Files, nil
	}
	return folder("--dir", s.Dir)
}

func (s *sources) words() (*locale.Catalog, error) {
	if s.Locales == "" {
		return locale.Load(locales.Files)
	}
	files, err := folder("--locales", s.Locales)
	if err != nil {
		return nil, err
	}
	return locale.Load(files)
}

func folder(flag, dir string) (fs.FS, error) {
	if info, err := os.Stat(dir); err != nil || !info.IsDir() {
		return nil, wrongUse("%s %s: there is no such folder", flag, dir)
	}
	return os.DirFS(dir), nil
}

// flowsCheckCmd is `lafia flows check`.
type flowsCheckCmd struct {
	sources
	Notes bool `default:"true" negatable:"" help:"List what is worth knowing too (--no-notes: only what must be mended)."`
	Price int  `default:"10" placeholder:"F" help:"What a segment of an SMS costs, in F CFA (${default}, the ceiling in Mali)."`
	JSON  bool `help:"For programs."`
}

// Run lists every problem on a line, then the notes, then a row for each flow and
// language. It exits 1 when there is a problem.
func (c *flowsCheckCmd) Run(ctx *cliContext) error {
	files, err := c.flows()
	if err != nil {
		return err
	}
	words, err := c.words()
	if err != nil {
		return err
	}
	book, problems, err := flow.Check(files)
	if err != nil {
		return err
	}
	report := rehearsal.Report{Problems: []flow.Problem{}, Notes: []flow.Problem{}, Rows: []rehearsal.Row{}}
	if book != nil {
		world, err := rehearsal.NewWorld(words, time.Now().UTC())
		if err != nil {
			return err
		}
		if report, err = rehearsal.Check(book, words, world, c.Price); err != nil {
			return err
		}
	}
	report.Problems = append(problems, report.Problems...)
	if report.Problems == nil {
		report.Problems = []flow.Problem{}
	}
	if c.JSON {
		if err := printJSON(ctx.Stdout, report); err != nil {
			return err
		}
	} else {
		c.print(ctx, report)
	}
	switch n := len(report.Problems); n {
	case 0:
		return nil
	case 1:
		return errors.New("1 thing must be mended in the flows")
	default:
		return fmt.Errorf("%d things must be mended in the flows", n)
	}
}

func (c *flowsCheckCmd) print(ctx *cliContext, r rehearsal.Report) {
	for _, p := range r.Problems {
		fmt.Fprintln(ctx.Stdout, p)
	}
	for _, p := range r.Notes {
		if c.Notes {
			fmt.Fprintln(ctx.Stdout, "note:", p)
		}
	}
	if len(r.Rows) == 0 {
		return
	}
	w := tabwriter.NewWriter(ctx.Stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "flow\tlanguage\tscreens\tanswers\tlongest\tat\tpages\tSMS segments\treplies\tcost, ours + hers")
	for _, row := range r.Rows {
		segments, replies, cost := "-", "-", "-"
		if row.Segments > 0 {
			segments, replies, cost = fmt.Sprint(row.Segments), fmt.Sprint(row.Replies), fmt.Sprintf("%d + %d F CFA", row.Cost, row.Hers)
		}
		fmt.Fprintf(w, "%s\t%s\t%d\t%d\t%d %s\t%s\t%d\t%s\t%s\t%s\n", row.Flow, row.Language, row.Screens, row.Answers, row.Longest, row.Encoding, row.At, row.Pages, segments, replies, cost)
	}
	w.Flush()
}

// flowsGraphCmd is `lafia flows graph`.
type flowsGraphCmd struct {
	Flow string `arg:"" help:"The flow to draw."`
	sources
	Format string `default:"mermaid" enum:"mermaid,svg,dot" help:"mermaid, svg or dot (${default})."`
	Locale string `default:"fr" placeholder:"L" help:"The language of its words (${default})."`
	JSON   bool   `help:"For programs: the picture as a string of a JSON object."`
}

// Run draws one flow on standard output.
func (c *flowsGraphCmd) Run(ctx *cliContext) error {
	files, err := c.flows()
	if err != nil {
		return err
	}
	catalog, err := c.words()
	if err != nil {
		return err
	}
	if !slices.Contains(catalog.Tags(), c.Locale) {
		return wrongUse("there is no language %q; there are: %s", c.Locale, strings.Join(catalog.Tags(), ", "))
	}
	book, err := flow.Load(files)
	if err != nil {
		return err
	}
	g, ok := book.Graph(c.Flow)
	if !ok {
		return wrongUse("there is no flow %q; there are: %s", c.Flow, strings.Join(slices.Sorted(maps.Keys(book.Flows)), ", "))
	}
	say := rehearsal.Say(catalog, c.Locale)
	picture := g.Mermaid
	switch c.Format {
	case "svg":
		picture = g.SVG
	case "dot":
		picture = g.DOT
	}
	if c.JSON {
		return printJSON(ctx.Stdout, map[string]string{"flow": c.Flow, "locale": c.Locale, "format": c.Format, "picture": picture(say)})
	}
	_, err = fmt.Fprint(ctx.Stdout, picture(say))
	return err
}
