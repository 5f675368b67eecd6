package translation

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"github.com/xuri/excelize/v2"
	"golang.org/x/text/unicode/norm"

	"lafia/internal/flow"
	"lafia/internal/gsm"
	"lafia/internal/locale"
)

// Refusal is a cell that cannot be taken, and why.
type Refusal struct {
	Cell    string `json:"cell"`
	Key     string `json:"key"`
	Problem string `json:"problem"`
}

// Error implements error.
func (r Refusal) Error() string {
	if r.Key == "" {
		return r.Cell + ": " + r.Problem
	}
	return r.Cell + ": " + r.Key + ": " + r.Problem
}

// Refused are all the cells of a sheet that cannot be taken. One is enough for
// nothing to be written.
type Refused []Refusal

// Error implements error.
func (r Refused) Error() string {
	lines := make([]string, len(r))
	for i, one := range r {
		lines[i] = one.Error()
	}
	return strings.Join(lines, "\n")
}

// Taken is what a sheet changes: the new text of the language's file, and which
// messages are new, changed, left out, or draft again since their text is not
// the one that was signed.
type Taken struct {
	File    string   `json:"file"`
	Data    []byte   `json:"-"`
	New     []string `json:"new"`
	Changed []string `json:"changed"`
	Removed []string `json:"removed"`
	Redraft []string `json:"redraft"`
}

// change is a message that a sheet changes, and where it stands.
type change struct {
	key       string
	text      string // the cell of its text
	review    string
	message   *locale.Message // nil: left out
	signedOld bool
}

// Import reads a sheet into the locale file of a language in fsys. What is wrong
// comes back as Refused, all of it, with the cells named; nothing is written
// either way. A message without a row stays as it is; one whose translation is
// empty is left out, and its fallback stands there.
func Import(fsys fs.FS, book *flow.Book, tag string, t *Table) (Taken, error) {
	taken := Taken{File: tag + ".toml", New: []string{}, Changed: []string{}, Removed: []string{}, Redraft: []string{}}
	c, err := locale.Load(fsys)
	if err != nil {
		return taken, err
	}
	if !slices.Contains(c.Tags(), tag) {
		return taken, fmt.Errorf("there is no language %q; there are: %s", tag, strings.Join(c.Tags(), ", "))
	}
	changes, refused := t.changes(c, tag)
	if len(refused) > 0 {
		return taken, refused
	}
	messages := map[string]*locale.Message{}
	for _, ch := range changes {
		messages[ch.key] = ch.message
		_, had := c.Message(tag, ch.key)
		switch {
		case ch.message == nil:
			taken.Removed = append(taken.Removed, ch.key)
		case had:
			taken.Changed = append(taken.Changed, ch.key)
		default:
			taken.New = append(taken.New, ch.key)
		}
		if ch.signedOld {
			taken.Redraft = append(taken.Redraft, ch.key)
		}
	}
	before, err := fs.ReadFile(fsys, taken.File)
	if err != nil {
		return taken, err
	}
	if taken.Data, err = locale.Edit(before, c.Order(), messages); err != nil {
		return taken, fmt.Errorf("%s: %w", taken.File, err)
	}
	after, err := locale.LoadWith(fsys, taken.File, taken.Data)
	if err != nil {
		return taken, err
	}
	if refused := tooLong(after, book, tag, changes); len(refused) > 0 {
		return taken, refused
	}
	return taken, nil
}

// changes compares the sheet with what stands.
func (t *Table) changes(c *locale.Catalog, tag string) (changes []change, refused Refused) {
	refuse := func(cell, key, format string, args ...any) {
		refused = append(refused, Refusal{cell, key, fmt.Sprintf(format, args...)})
	}
	type form struct {
		text, cell string
		there      bool
	}
	type rows struct {
		one, other                  form
		review, reviewCell, sources string
		hasReview, hasSources       bool
	}
	found := map[string]*rows{}
	var order []string
	for row := 1; row < len(t.cells); row++ {
		named, keyCell, _ := t.cell(colKey, row)
		text, textCell, _ := t.cell(colTranslation, row)
		if named == "" {
			if text != "" {
				refuse(keyCell, "", "the key is gone")
			}
			continue
		}
		formula := false
		for _, column := range []string{colKey, colTranslation, colReview, colSources} {
			if _, cell, has := t.cell(column, row); has && t.formulas[cell] {
				refuse(cell, named, "a formula: write the text itself")
				formula = true
			}
		}
		if formula {
			continue
		}
		key, singular := strings.CutSuffix(named, oneMark)
		if !c.Has(key) {
			refuse(keyCell, named, "there is no such message: keys stay as they were exported")
			continue
		}
		original, _ := c.Message(locale.Source, key)
		want := original.Other
		if singular {
			want = original.One
		}
		if source, cell, has := t.cell(colSource, row); has && tag != locale.Source && c.Words(tag).Fold(source) != c.Words(tag).Fold(want) {
			refuse(cell, named, "the French is %q: the sheet is of another version, export it again", want)
			continue
		}
		r := found[key]
		if r == nil {
			r = &rows{}
			found[key] = r
			order = append(order, key)
		}
		f := &r.other
		if singular {
			f = &r.one
		}
		if f.there {
			refuse(keyCell, named, "is there twice")
			continue
		}
		*f = form{norm.NFC.String(text), textCell, true}
		if !singular {
			r.review, r.reviewCell, r.hasReview = t.cell(colReview, row)
			r.sources, _, r.hasSources = t.cell(colSources, row)
		}
	}
	for _, key := range order {
		r := found[key]
		old, had := c.Message(tag, key)
		if !r.other.there {
			r.other.text = old.Other
			r.other.cell = r.one.cell
		}
		if !r.one.there {
			r.one.text = old.One
		}
		ch := change{key: key, text: r.other.cell, review: r.reviewCell}
		if r.other.text == "" {
			switch {
			case r.one.text != "" && r.one.there:
				refuse(r.one.cell, key, "a singular needs the other form too")
			case tag == locale.Source:
				refuse(ch.text, key, "the source language says every message")
			case had:
				changes = append(changes, ch)
			}
			continue
		}
		m := locale.Message{Other: r.other.text, One: r.one.text, Review: old.Review, Sources: old.Sources}
		if r.hasReview {
			m.Review = r.review
		}
		if m.Review == "" {
			m.Review = locale.Draft
		}
		if r.hasSources {
			m.Sources = norm.NFC.String(r.sources)
		}
		// Who signed, signed the words that stood there.
		if m.Review == old.Review && old.Review != locale.Draft && (m.Other != old.Other || m.One != old.One) {
			m.Review, ch.signedOld = locale.Draft, true
		}
		if m == old {
			continue
		}
		ch.message = &m
		if problems := c.Wrong(key, m); len(problems) > 0 {
			for _, problem := range problems {
				cell := ch.text
				if strings.HasPrefix(problem, "review") && ch.review != "" {
					cell = ch.review
				}
				refuse(cell, key, "%s", problem)
			}
			continue
		}
		for _, f := range []form{r.other, r.one} {
			if f.text == "" {
				continue
			}
			folded, units, left, gsm7 := measure(c, tag, key, f.text)
			switch {
			case !gsm7:
				refuse(f.cell, key, "%q stays outside the alphabet of phones, and would leave a page 70 characters", outside(folded))
			case left < 0:
				refuse(f.cell, key, "is too long: %d of %d characters", units, units+left)
			}
		}
		changes = append(changes, ch)
	}
	refused.sort()
	return changes, refused
}

// sort puts refusals in the order of the sheet.
func (r Refused) sort() {
	slices.SortStableFunc(r, func(a, b Refusal) int {
		colA, rowA, _ := excelize.CellNameToCoordinates(a.Cell)
		colB, rowB, _ := excelize.CellNameToCoordinates(b.Cell)
		return cmp.Or(cmp.Compare(rowA, rowB), cmp.Compare(colA, colB))
	})
}

// outside gives the letters of a folded text that the 7-bit alphabet lacks.
func outside(folded string) string {
	return strings.Map(func(r rune) rune {
		if gsm.Has(r) {
			return -1
		}
		return r
	}, folded)
}

// tooLong refuses screens that the changes made too long: in the cell of the
// longest message among those of the screen that changed.
func tooLong(c *locale.Catalog, book *flow.Book, tag string, changes []change) (refused Refused) {
	at := map[string]change{}
	for _, ch := range changes {
		at[ch.key] = ch
	}
	for _, s := range Screens(book, c, tag) {
		problem := s.TooLong()
		if problem == "" {
			continue
		}
		worst, most := change{}, 0
		for _, key := range s.Keys {
			ch, changed := at[key]
			if _, units, _, _ := measure(c, tag, key, ""); changed && units > most {
				worst, most = ch, units
			}
		}
		if most > 0 && !slices.ContainsFunc(refused, func(r Refusal) bool { return r.Cell == worst.text && r.Problem == problem }) {
			refused = append(refused, Refusal{worst.text, worst.key, problem})
		}
	}
	refused.sort()
	return refused
}

// IsRefused reports whether an error says which cells were refused.
func IsRefused(err error) (Refused, bool) { return errors.AsType[Refused](err) }
