package translation

import (
	"encoding/csv"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/xuri/excelize/v2"

	"lafia/internal/flow"
	"lafia/internal/locale"
)

// The columns of a sheet, in their order. A translator writes in translation,
// review and sources; the others are for reading, and taken back unchanged.
const (
	colKey         = "key"
	colSource      = "source"
	colTranslation = "translation"
	colReview      = "review"
	colPreview     = "preview"
	colSeptets     = "septets"
	colLeft        = "left"
	colSources     = "sources"
	colScreen      = "screen"
)

var columns = []string{colKey, colSource, colTranslation, colReview, colPreview, colSeptets, colLeft, colSources, colScreen}

// oneMark follows the key of a row that holds a singular.
const oneMark = " (one)"

// Row is a message on the sheet. Preview, Septets and Left are of its worst
// case, with the longest values in it: what a phone gets, its size, and what it
// leaves of the 160 septets of a page (of 70 units, when a letter stays outside
// the 7-bit alphabet). Where nothing is translated they are those of what the
// phone shows in its place.
type Row struct {
	Key, Source, Translation, Review string
	Preview                          string
	Septets, Left                    int
	Sources                          string
	Screen                           string // what a question looks like with its options and keys, page by page
}

// Rows makes the sheet of a language, in the order of the French file.
func Rows(c *locale.Catalog, book *flow.Book, tag string) []Row {
	screens := map[string]string{}
	for _, s := range Screens(book, c, tag) {
		if _, has := screens[s.Keys[0]]; !has {
			screens[s.Keys[0]] = strings.Join(s.Shown.Pages, "\n--- 99 ---\n")
		}
	}
	var rows []Row
	for _, key := range c.Order() {
		source, _ := c.Message(locale.Source, key)
		own, _ := c.Message(tag, key)
		row := func(key, source, text string) {
			r := Row{Key: key, Source: source, Translation: text, Review: own.Review, Sources: own.Sources}
			message := strings.TrimSuffix(key, oneMark)
			r.Preview, r.Septets, r.Left, _ = measure(c, tag, message, text)
			if key == message {
				r.Screen = screens[key]
			}
			rows = append(rows, r)
		}
		row(key, source.Other, own.Other)
		if source.One != "" || own.One != "" {
			row(key+oneMark, source.One, own.One)
		}
	}
	return rows
}

func (r Row) cells() []string {
	return []string{r.Key, r.Source, r.Translation, r.Review, r.Preview, strconv.Itoa(r.Septets), strconv.Itoa(r.Left), r.Sources, r.Screen}
}

// WriteCSV writes a sheet as RFC 4180 has it, in UTF-8. What a spreadsheet would
// take for a formula has an apostrophe before it (OWASP, "CSV Injection"), which
// Read takes off again.
func WriteCSV(w io.Writer, rows []Row) error {
	out := csv.NewWriter(w)
	if err := out.Write(columns); err != nil {
		return err
	}
	for _, r := range rows {
		cells := r.cells()
		for i := range cells {
			cells[i] = guard(cells[i])
		}
		if err := out.Write(cells); err != nil {
			return err
		}
	}
	out.Flush()
	return out.Error()
}

const formulaStarts = "=+-@\t\r"

// guard puts an apostrophe before what begins like a formula, or like a text
// that was guarded; unguard takes it off.
func guard(text string) string {
	if begins(strings.TrimLeft(text, "'")) {
		return "'" + text
	}
	return text
}

func unguard(text string) string {
	if bare, ok := strings.CutPrefix(text, "'"); ok && begins(strings.TrimLeft(bare, "'")) {
		return bare
	}
	return text
}

func begins(text string) bool {
	return text != "" && strings.IndexByte(formulaStarts, text[0]) >= 0
}

// WriteXLSX writes a sheet as a workbook. Every cell but the numbers is text, so
// none is a formula.
func WriteXLSX(w io.Writer, tag string, rows []Row) (err error) {
	f := excelize.NewFile()
	defer func() {
		if e := f.Close(); err == nil {
			err = e
		}
	}()
	if err := f.SetSheetName(f.GetSheetName(0), tag); err != nil {
		return err
	}
	wrap, err := f.NewStyle(&excelize.Style{Alignment: &excelize.Alignment{WrapText: true, Vertical: "top"}, NumFmt: 49}) // 49: text
	if err != nil {
		return err
	}
	head, err := f.NewStyle(&excelize.Style{Font: &excelize.Font{Bold: true}})
	if err != nil {
		return err
	}
	out, err := f.NewStreamWriter(tag)
	if err != nil {
		return err
	}
	for i, width := range []float64{26, 40, 40, 22, 40, 8, 8, 30, 44} {
		if err := out.SetColWidth(i+1, i+1, width); err != nil {
			return err
		}
	}
	if err := out.SetPanes(&excelize.Panes{Freeze: true, YSplit: 1, TopLeftCell: "A2", ActivePane: "bottomLeft"}); err != nil {
		return err
	}
	titles := make([]any, len(columns))
	for i, name := range columns {
		titles[i] = excelize.Cell{StyleID: head, Value: name}
	}
	if err := out.SetRow("A1", titles); err != nil {
		return err
	}
	for i, r := range rows {
		var cells []any
		for _, text := range r.cells() {
			cells = append(cells, excelize.Cell{StyleID: wrap, Value: text})
		}
		cells[5], cells[6] = excelize.Cell{Value: r.Septets}, excelize.Cell{Value: r.Left}
		if err := out.SetRow(fmt.Sprintf("A%d", i+2), cells); err != nil {
			return err
		}
	}
	if err := out.Flush(); err != nil {
		return err
	}
	return f.Write(w)
}
