package main

import (
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode/utf8"

	"lafia/internal/locale"
	"lafia/internal/screen"
	"lafia/locales"
)

// textCmd is `lafia text`.
type textCmd struct {
	Measure textMeasureCmd `cmd:"" help:"Say how a text from standard input fits a phone."`
}

// textMeasureCmd is `lafia text measure` (design.md 4).
type textMeasureCmd struct {
	Locale string `required:"" placeholder:"L" help:"The language whose folding applies: fr, bm, ses."`
	Medium string `required:"" enum:"ussd,sms" help:"ussd or sms."`
	Fold   bool   `default:"true" negatable:"" help:"Fold to the 7-bit alphabet first, as replies are (--fold=false: measure as it is)."`
	JSON   bool   `help:"For programs; the output is JSON in any case."`
}

type measured struct {
	Encoding string `json:"encoding"`
	Units    int    `json:"units"`
	Segments int    `json:"segments"`
	Pages    int    `json:"pages"`
	Folded   string `json:"folded"`
}

// maxText bounds what is measured: more than any phone takes.
const maxText = 1 << 20

// Run measures standard input, less one final newline.
func (c *textMeasureCmd) Run(ctx *cliContext) error {
	words, err := locale.Load(locales.Files)
	if err != nil {
		return err
	}
	if !slices.Contains(words.Tags(), c.Locale) {
		return wrongUse("there is no language %q; there are: %s", c.Locale, strings.Join(words.Tags(), ", "))
	}
	b, err := io.ReadAll(io.LimitReader(ctx.Stdin, maxText+1))
	if err != nil {
		return fmt.Errorf("reading the text: %w", err)
	}
	switch {
	case len(b) > maxText:
		return wrongUse("the text is longer than %d bytes", maxText)
	case !utf8.Valid(b):
		return wrongUse("the text is not UTF-8")
	}
	text := strings.TrimSuffix(strings.TrimSuffix(string(b), "\n"), "\r")
	var m measured
	m.Encoding, m.Units, m.Segments, m.Pages, m.Folded = screen.Measure(text, words.Words(c.Locale), c.Medium, c.Fold)
	return printJSON(ctx.Stdout, m)
}

func printJSON(w io.Writer, v any) error {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	return e.Encode(v)
}
