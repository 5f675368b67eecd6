package translation

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/xuri/excelize/v2"
)

// MaxSheet is the size of a file that Read takes: a sheet of ours is well under 1 MiB.
const MaxSheet = 8 << 20

// maxUnzipped bounds what a workbook may unfold to, so that a small file cannot fill the memory.
const maxUnzipped = 64 << 20

// Table is a sheet as it was read: its cells, row by row, the first of them the
// titles of the columns.
type Table struct {
	cells    [][]string
	formulas map[string]bool // cells that hold one
	at       map[string]int  // columns by title
}

// Read reads a sheet, CSV (separated by commas, semicolons or tabs) or XLSX,
// which its first bytes tell. Columns are known by their titles and may have
// changed places.
func Read(in io.Reader) (*Table, error) {
	data, err := io.ReadAll(io.LimitReader(in, MaxSheet+1))
	if err != nil {
		return nil, err
	}
	if len(data) > MaxSheet {
		return nil, fmt.Errorf("the sheet is larger than %d MiB", MaxSheet>>20)
	}
	t := &Table{formulas: map[string]bool{}, at: map[string]int{}}
	if bytes.HasPrefix(data, []byte("PK\x03\x04")) {
		err = t.readXLSX(data)
	} else {
		err = t.readCSV(data)
	}
	if err != nil {
		return nil, err
	}
	if len(t.cells) == 0 {
		return nil, errors.New("the sheet is empty")
	}
	for i, title := range t.cells[0] {
		title = strings.ToLower(strings.TrimSpace(title))
		if _, twice := t.at[title]; twice && slices.Contains(columns, title) {
			return nil, fmt.Errorf("%s: there are two columns %q", cellName(i, 0), title)
		}
		t.at[title] = i
	}
	for _, needed := range []string{colKey, colTranslation} {
		if _, has := t.at[needed]; !has {
			return nil, fmt.Errorf("the first row has no column %q: the titles stay as they were exported (%s)", needed, strings.Join(columns, ", "))
		}
	}
	return t, nil
}

func (t *Table) readCSV(data []byte) error {
	data = bytes.TrimPrefix(data, []byte("\uFEFF"))
	if !utf8.Valid(data) {
		return errors.New("the sheet is not UTF-8: save it as \"CSV UTF-8\", or as XLSX")
	}
	first, _, _ := bytes.Cut(data, []byte("\n"))
	in := csv.NewReader(bytes.NewReader(data))
	in.FieldsPerRecord = -1
	for _, comma := range ";\t" { // what spreadsheets write where the comma is for decimals
		if bytes.ContainsRune(first, comma) && !bytes.ContainsRune(first, ',') {
			in.Comma = comma
		}
	}
	records, err := in.ReadAll()
	if err != nil {
		return fmt.Errorf("reading CSV: %w", err)
	}
	for _, record := range records {
		for i := range record {
			record[i] = unguard(record[i])
		}
	}
	t.cells = records
	return nil
}

func (t *Table) readXLSX(data []byte) (err error) {
	f, err := excelize.OpenReader(bytes.NewReader(data), excelize.Options{UnzipSizeLimit: maxUnzipped, UnzipXMLSizeLimit: maxUnzipped, RawCellValue: true})
	if err != nil {
		return fmt.Errorf("reading XLSX: %w", err)
	}
	defer func() {
		if e := f.Close(); err == nil {
			err = e
		}
	}()
	sheet := f.GetSheetName(0)
	if t.cells, err = f.GetRows(sheet); err != nil {
		return fmt.Errorf("reading XLSX: %w", err)
	}
	for row, cells := range t.cells {
		for col := range cells {
			name := cellName(col, row)
			formula, err := f.GetCellFormula(sheet, name)
			if err != nil {
				return fmt.Errorf("reading XLSX: %s: %w", name, err)
			}
			if formula != "" {
				t.formulas[name] = true
			}
		}
	}
	return nil
}

// cell gives the text of a column in a row, in Unix lines and without the space
// around it, and its name. A column that is not there is empty.
func (t *Table) cell(column string, row int) (text, name string, has bool) {
	i, has := t.at[column]
	if !has {
		return "", fmt.Sprint("row ", row+1), false
	}
	if i < len(t.cells[row]) {
		text = t.cells[row][i]
	}
	text = strings.NewReplacer("\r\n", "\n", "\r", "\n", "_x000D_\n", "\n").Replace(text)
	return strings.TrimSpace(text), cellName(i, row), true
}

// cellName is how a spreadsheet calls a cell: C14. Both count from 0.
func cellName(col, row int) string {
	name, err := excelize.CoordinatesToCellName(col+1, row+1)
	if err != nil {
		return fmt.Sprint("row ", row+1)
	}
	return name
}
