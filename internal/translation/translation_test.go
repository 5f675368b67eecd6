package translation

import (
	"bytes"
	"encoding/csv"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/xuri/excelize/v2"

	"lafia/flows"
	"lafia/internal/flow"
	"lafia/internal/gsm"
	"lafia/internal/locale"
	"lafia/locales"
)

func ours(t testing.TB) (*flow.Book, *locale.Catalog) {
	t.Helper()
	book, err := flow.Load(flows.Files)
	if err != nil {
		t.Fatal(err)
	}
	c, err := locale.Load(locales.Files)
	if err != nil {
		t.Fatal(err)
	}
	return book, c
}

// sheet is a language's sheet as a translator has it on screen.
type sheet struct {
	t     *testing.T
	cells [][]string
}

func export(t *testing.T, tag string) *sheet {
	t.Helper()
	book, c := ours(t)
	s := &sheet{t: t, cells: [][]string{columns}}
	for _, r := range Rows(c, book, tag) {
		s.cells = append(s.cells, r.cells())
	}
	return s
}

// write puts a text into the column of a key, and gives the cell's name.
func (s *sheet) write(key, column, text string) string {
	s.t.Helper()
	col := slices.Index(columns, column)
	for row, cells := range s.cells {
		if cells[0] == key {
			s.cells[row] = slices.Clone(cells)
			s.cells[row][col] = text
			return cellName(col, row)
		}
	}
	s.t.Fatalf("the sheet has no %s", key)
	return ""
}

func (s *sheet) csv() []byte {
	s.t.Helper()
	var b bytes.Buffer
	out := csv.NewWriter(&b)
	for _, cells := range s.cells {
		guarded := slices.Clone(cells)
		for i := range guarded {
			guarded[i] = guard(guarded[i])
		}
		if err := out.Write(guarded); err != nil {
			s.t.Fatal(err)
		}
	}
	out.Flush()
	return b.Bytes()
}

func (s *sheet) xlsx(change func(f *excelize.File, name string)) []byte {
	s.t.Helper()
	f := excelize.NewFile()
	name := f.GetSheetName(0)
	for row, cells := range s.cells {
		for col, text := range cells {
			if err := f.SetCellStr(name, cellName(col, row), text); err != nil {
				s.t.Fatal(err)
			}
		}
	}
	if change != nil {
		change(f, name)
	}
	var b bytes.Buffer
	if err := f.Write(&b); err != nil {
		s.t.Fatal(err)
	}
	return b.Bytes()
}

func take(t *testing.T, tag string, data []byte) (Taken, error) {
	t.Helper()
	return takeFrom(t, locales.Files, tag, data)
}

func takeFrom(t *testing.T, fsys fs.FS, tag string, data []byte) (Taken, error) {
	t.Helper()
	book, _ := ours(t)
	table, err := Read(bytes.NewReader(data))
	if err != nil {
		return Taken{}, err
	}
	return Import(fsys, book, tag, table)
}

func TestASheetThatNobodyChangedChangesNothing(t *testing.T) {
	book, c := ours(t)
	for _, tag := range c.Tags() {
		rows := Rows(c, book, tag)
		if len(rows) != len(c.Keys()) {
			t.Errorf("%s has %d rows for %d messages", tag, len(rows), len(c.Keys()))
		}
		var asCSV, asXLSX bytes.Buffer
		if err := WriteCSV(&asCSV, rows); err != nil {
			t.Fatal(err)
		}
		if err := WriteXLSX(&asXLSX, tag, rows); err != nil {
			t.Fatal(err)
		}
		before, err := locales.Files.ReadFile(tag + ".toml")
		if err != nil {
			t.Fatal(err)
		}
		for format, data := range map[string][]byte{"csv": asCSV.Bytes(), "xlsx": asXLSX.Bytes()} {
			taken, err := take(t, tag, data)
			if err != nil || string(taken.Data) != string(before) || len(taken.New)+len(taken.Changed)+len(taken.Removed) > 0 {
				t.Errorf("%s by %s: %+v, %v", tag, format, taken, err)
			}
		}
	}
}

func TestEveryRowSaysHowItsWorstCaseFitsAPage(t *testing.T) {
	book, c := ours(t)
	for _, tag := range c.Tags() {
		for _, r := range Rows(c, book, tag) {
			septets, ok := gsm.Septets(r.Preview)
			if !ok || septets != r.Septets || r.Left != 160-septets || r.Left < 0 {
				t.Errorf("%s %s: %q is %d septets (%v), and the sheet says %d and %d left", tag, r.Key, r.Preview, septets, ok, r.Septets, r.Left)
			}
			if strings.Contains(r.Preview, "{{") {
				t.Errorf("%s %s: a placeholder is left in %q", tag, r.Key, r.Preview)
			}
		}
	}
	for _, r := range Rows(c, book, "bm") {
		switch r.Key {
		case "done.thanks":
			if r.Preview != "I ni ce, i ka cikan sòròla.\nI ka nimòrò: 4827-1936" || r.Screen != r.Preview {
				t.Errorf("got %+v", r)
			}
		case "progress.pending":
			if !strings.HasPrefix(r.Preview, "òkutòburu: tòndenw 9999") && !strings.HasPrefix(r.Preview, "sètanburu: tòndenw 9999") {
				t.Errorf("not the longest month: %q", r.Preview)
			}
		case "menu.title":
			if !strings.Contains(r.Screen, "Sugandi:\n1 Hakilina porozè kan\n") || strings.Contains(r.Screen, "Fili don") {
				t.Errorf("the screen is %q", r.Screen)
			}
		}
	}
}

func TestEveryScreenOfOursFitsWithItsLongestValues(t *testing.T) {
	book, c := ours(t)
	for _, tag := range c.Tags() {
		screens := Screens(book, c, tag)
		if len(screens) < 30 {
			t.Errorf("%s: only %d screens", tag, len(screens))
		}
		for _, s := range screens {
			if problem := s.TooLong(); problem != "" {
				t.Errorf("%s: %s", tag, problem)
			}
		}
	}
}

func TestAChangedSheetComesBackByCSVAndXLSX(t *testing.T) {
	s := export(t, "ses")
	s.write("feedback.type.r", colTranslation, "Borey ga har")
	s.write("feedback.type.r", colSources, "W har")
	s.write("menu.title", colTranslation, "Suuba woo:")
	s.write("menu.title", colReview, "A. Maiga, 2027-01-12")
	s.write("resume.restart", colTranslation, "")
	for format, data := range map[string][]byte{"csv": s.csv(), "xlsx": s.xlsx(nil), "semicolons": bytes.ReplaceAll(semicolons(t, s), []byte("\n"), []byte("\r\n"))} {
		taken, err := take(t, "ses", data)
		if err != nil {
			t.Fatalf("%s: %v", format, err)
		}
		if got := fmt.Sprint(taken.New, taken.Changed, taken.Removed); got != "[feedback.type.r] [menu.title] [resume.restart]" {
			t.Errorf("%s: %s", format, got)
		}
		before, _ := locales.Files.ReadFile("ses.toml")
		had := strings.Split(string(before), "\n")
		var added []string
		for line := range strings.SplitSeq(string(taken.Data), "\n") {
			if !slices.Contains(had, line) {
				added = append(added, line)
			}
		}
		want := []string{
			`"menu.title"        = { other = "Suuba woo:", review = "A. Maiga, 2027-01-12", sources = "F" }`,
			`"feedback.type.r" = { other = "Borey ga har", review = "draft", sources = "W har" }`,
		}
		if !slices.Equal(added, want) {
			t.Errorf("%s wrote %q", format, added)
		}
		if !strings.HasPrefix(string(taken.Data), "# Songhay of Gao") {
			t.Errorf("%s: the comments are gone", format)
		}
	}
}

func semicolons(t *testing.T, s *sheet) []byte {
	t.Helper()
	var b bytes.Buffer
	b.WriteString("\uFEFF") // as spreadsheets begin their CSV
	out := csv.NewWriter(&b)
	out.Comma = ';'
	if err := out.WriteAll(s.cells); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestImportRefusesAndNamesTheCell(t *testing.T) {
	long := strings.Repeat("koy jine ", 18)
	for _, test := range []struct {
		name, key, column, text string
		want                    string
	}{
		{"a lost placeholder", "done.thanks", colTranslation, "Foo nda goy", "placeholders are [], in fr.toml [reference]"},
		{"a placeholder of another name", "hint.number", colTranslation, "{{.least}}-{{.max}}", "placeholders are [least max]"},
		{"a placeholder that is torn", "hint.number", colTranslation, "{{.min}-{{.max}}", "braces are only for placeholders"},
		{"another key of navigation", "key.menu", colTranslation, "0 Šintin", "the numbers are [0], in French [00]"},
		{"a key behind its word", "key.menu", colTranslation, "Šintin 00", "begins without the key 00"},
		{"another number to press", "feedback.words", colTranslation, "Baffoo: 2", "the numbers are [2], in French [9]"},
		{"an unknown key", "menu.title", colKey, "menu.titel", "there is no such message"},
		{"a key that is gone", "menu.title", colKey, "", "the key is gone"},
		{"a key twice", "menu.title", colKey, "menu.feedback", ""},
		{"another French", "menu.title", colSource, "Choisir:", "the sheet is of another version"},
		{"a text longer than a page", "error.notsaved", colTranslation, strings.TrimSpace(long), "is too long: 161 of 160"},
		{"a number screen longer than its page", "progress.rec", colTranslation, strings.TrimSpace(long[:130]) + " F CFA:", "a screen that asks a number has one"},
		{"a letter outside the alphabet", "menu.title", colTranslation, "Suuba 😀", "outside the alphabet of phones"},
		{"a word that endangers", "menu.tension", colTranslation, "Wangu", `says "wangu"`},
		{"one letter as an answer", "answer.yes", colTranslation, "A", "one letter"},
		{"money that isn't F CFA", "progress.rec", colTranslation, "Nooru:", "F CFA 0 times"},
		{"a review without a date", "menu.title", colReview, "A. Maiga", "review is"},
	} {
		s := export(t, "ses")
		cell := s.write(test.key, test.column, test.text)
		if test.name == "a key twice" {
			test.want = "another version" // the French beside it is the other's
		}
		if test.column == colKey {
			cell = "" // named below: the row, in the column that is wrong
		}
		for format, data := range map[string][]byte{"csv": s.csv(), "xlsx": s.xlsx(nil)} {
			_, err := take(t, "ses", data)
			refused, ok := IsRefused(err)
			if !ok || len(refused) == 0 || !strings.Contains(err.Error(), test.want) {
				t.Errorf("%s by %s: %v", test.name, format, err)
				continue
			}
			if cell != "" && refused[0].Cell != cell {
				t.Errorf("%s by %s: %s is named, not %s", test.name, format, refused[0].Cell, cell)
			}
		}
	}
	s := export(t, "ses")
	if cell := s.write("menu.title", colTranslation, "1"); cell != "C3" {
		t.Errorf("the cell of the second message's translation is called %s", cell)
	}
}

func TestAScreenThatGrewTooLongIsRefusedInTheCellThatMadeItSo(t *testing.T) {
	s := export(t, "ses")
	cell := ""
	for i, key := range []string{"tension.phase.unease", "tension.phase.words", "tension.phase.threats", "tension.phase.blows"} {
		text := strings.TrimSpace(strings.Repeat("borey ", 16+i))
		if c := s.write(key, colTranslation, text); key == "tension.phase.blows" {
			cell = c
		}
	}
	_, err := take(t, "ses", s.csv())
	refused, ok := IsRefused(err)
	if !ok || len(refused) != 1 || refused[0].Cell != cell || !strings.Contains(refused[0].Problem, "tension.phase needs ") {
		t.Errorf("want %s, got %v", cell, err)
	}
}

func TestAllThatIsWrongIsSaidAtOnce(t *testing.T) {
	s := export(t, "bm")
	first := s.write("hint.number", colTranslation, "Jate digi.")
	second := s.write("key.back", colTranslation, "1 Kɔsegin")
	_, err := take(t, "bm", s.csv())
	if err == nil || !strings.Contains(err.Error(), first+": hint.number: ") || !strings.Contains(err.Error(), second+": key.back: ") {
		t.Errorf("got %v", err)
	}
}

func TestAFormulaIsNoTranslation(t *testing.T) {
	s := export(t, "bm")
	_, err := take(t, "bm", s.xlsx(func(f *excelize.File, name string) {
		if err := f.SetCellFormula(name, "C3", `=CONCAT("Sugan","di:")`); err != nil {
			t.Fatal(err)
		}
	}))
	if err == nil || !strings.Contains(err.Error(), "C3: menu.title: a formula") {
		t.Errorf("got %v", err)
	}
	for _, text := range []string{"", "a", "=1+1", "+223", "-x", "@a", "'", "'=1", "''=1", "'n don", "\tx", "0 Kɔsegin"} {
		guarded := guard(text)
		if unguard(guarded) != text || begins(guarded) {
			t.Errorf("%q is guarded as %q and comes back as %q", text, guarded, unguard(guarded))
		}
	}
}

func TestANewTextUnderAnOldSignatureIsADraftAgain(t *testing.T) {
	fsys := fstest.MapFS{}
	for _, tag := range []string{"fr", "bm", "ses", "khq"} {
		data, err := locales.Files.ReadFile(tag + ".toml")
		if err != nil {
			t.Fatal(err)
		}
		fsys[tag+".toml"] = &fstest.MapFile{Data: data}
	}
	s := export(t, "bm")
	s.write("menu.title", colReview, "A. Traoré, 2027-01-12")
	taken, err := takeFrom(t, fsys, "bm", s.csv())
	if err != nil || len(taken.Changed) != 1 {
		t.Fatalf("%+v, %v", taken, err)
	}
	fsys["bm.toml"] = &fstest.MapFile{Data: taken.Data}
	s.write("menu.title", colTranslation, "A sugandi:")
	taken, err = takeFrom(t, fsys, "bm", s.csv())
	if err != nil || !slices.Equal(taken.Redraft, []string{"menu.title"}) || !strings.Contains(string(taken.Data), `{ other = "A sugandi:", review = "draft"`) {
		t.Errorf("%v, %v", taken.Redraft, err)
	}
	s.write("menu.title", colReview, "B. Diarra, 2027-02-01")
	taken, err = takeFrom(t, fsys, "bm", s.csv())
	if err != nil || len(taken.Redraft) > 0 || !strings.Contains(string(taken.Data), "B. Diarra, 2027-02-01") {
		t.Errorf("%v, %v", taken.Redraft, err)
	}
}

func TestAFileThatIsNoSheetIsRefused(t *testing.T) {
	for name, test := range map[string]struct {
		data []byte
		want string
	}{
		"nothing":          {nil, "empty"},
		"Latin-1":          {[]byte("key,translation\nmenu.title,\xe9\n"), "not UTF-8"},
		"other titles":     {[]byte("clef,traduction\n"), "no column"},
		"a broken zip":     {[]byte("PK\x03\x04 and no more"), "XLSX"},
		"a broken quote":   {[]byte("key,translation\n\"a,b\n"), "CSV"},
		"a column twice":   {[]byte("key,translation,key\n"), "two columns"},
		"more than it may": {bytes.Repeat([]byte("a"), MaxSheet+1), "larger than"},
	} {
		if _, err := Read(bytes.NewReader(test.data)); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestMessagesThatHaveASingularHaveARowForIt(t *testing.T) {
	fsys := fstest.MapFS{
		"fr.toml": {Data: []byte("[locale]\ntag = \"fr\"\nname = \"F\"\n[messages]\n\"a.b\" = { one = \"{{.count}} groupe\", other = \"{{.count}} groupes\", review = \"draft\" }\n")},
		"bm.toml": {Data: []byte("[locale]\ntag = \"bm\"\nname = \"B\"\n[messages]\n")},
	}
	c, err := locale.Load(fsys)
	if err != nil {
		t.Fatal(err)
	}
	book, _ := ours(t)
	rows := Rows(c, book, "fr")
	if len(rows) != 2 || rows[1].Key != "a.b (one)" || rows[1].Translation != "{{.count}} groupe" {
		t.Fatalf("got %+v", rows)
	}
	taken, err := takeFrom(t, fsys, "fr", []byte("key,translation\na.b (one),{{.count}} tout seul\n"))
	if err != nil || !strings.Contains(string(taken.Data), `{ one = "{{.count}} tout seul", other = "{{.count}} groupes"`) {
		t.Errorf("%s, %v", taken.Data, err)
	}
	taken, err = takeFrom(t, fsys, "bm", []byte("key,translation\na.b,jɛkulu {{.count}}\n"))
	if err != nil || !strings.Contains(string(taken.Data), `"a.b" = { other = "jɛkulu {{.count}}", review = "draft" }`) {
		t.Errorf("%s, %v", taken.Data, err)
	}
}

func TestTheReportCountsAndListsEveryLanguage(t *testing.T) {
	book, c := ours(t)
	r, err := Check(locales.Files, book)
	if err != nil || !r.OK {
		t.Fatalf("%v, %v", r.Problems, err)
	}
	for i, tag := range c.Tags() {
		l := r.Languages[i]
		if l.Tag != tag || l.Own+l.Fallback != l.Total || len(l.OwnKeys) != l.Own || len(l.FallbackKeys) != l.Fallback || len(l.DraftKeys) != l.Draft {
			t.Errorf("%s: %d own, %d fallback, %d draft of %d", l.Tag, l.Own, l.Fallback, l.Draft, l.Total)
		}
		if l.Draft != l.Own {
			t.Errorf("%s: somebody is said to have signed", tag)
		}
		if l.Percent < Goals[tag] {
			t.Errorf("%s is at %d %%", tag, l.Percent)
		}
		if l.Listed != (tag != "fr") {
			t.Errorf("%s has a list of attested words: %v", tag, l.Listed)
		}
		if len(l.Mixed) > 0 { // Timbuktu's says a screen wholly or not at all
			t.Errorf("%s has words of two local languages on %q", tag, l.Mixed)
		}
		if tag == "khq" && (len(l.Unattested) > 0 || l.Offered) {
			t.Errorf("khq: %+v", l)
		}
	}
}

func TestScreensThatMixTwoLocalLanguagesAreNamed(t *testing.T) {
	book, _ := ours(t)
	fsys := fstest.MapFS{}
	for _, name := range []string{"fr.toml", "ses.toml", "khq.toml"} {
		data, err := locales.Files.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		fsys[name] = &fstest.MapFile{Data: bytes.Replace(data, []byte("whole    = true "), []byte("whole    = false"), 1)}
	}
	r, err := Check(fsys, book)
	if err != nil {
		t.Fatal(err)
	}
	for _, l := range r.Languages {
		if mixed := slices.Contains(l.Mixed, "main.menu"); mixed != (l.Tag == "khq") {
			t.Errorf("%s: %q", l.Tag, l.Mixed)
		}
	}
}

func TestTheReportSaysWhatIsWrongAndWhere(t *testing.T) {
	french := "[locale]\ntag = \"fr\"\nname = \"F\"\n[messages]\n\"a.b\" = { other = \"Epargne {{.n}} F CFA\", review = \"draft\" }\n\"a.c\" = { other = \"Oui\", review = \"draft\" }\n"
	for name, test := range map[string]struct{ bm, want string }{
		"a lost placeholder": {`"a.b" = { other = "F CFA", review = "draft" }`, "bm.toml:5: a.b: placeholders"},
		"a banned word":      {`"a.c" = { other = "Kɛlɛ", review = "draft" }`, "bm.toml:5: a.c: says"},
		"one letter":         {`"a.c" = { other = "A", review = "draft" }`, "bm.toml:5: a.c: offers one letter"},
		"fives":              {`"a.b" = { other = "dɔrɔmɛ {{.n}}", review = "draft" }`, "bm.toml:5: a.b: says"},
		"too little of it":   {"", "bm.toml: only 0 % of the messages are in B, and 85 % are to be"},
	} {
		fsys := fstest.MapFS{"fr.toml": {Data: []byte(french)}, "bm.toml": {Data: []byte("[locale]\ntag = \"bm\"\nname = \"B\"\n[messages]\n" + test.bm + "\n")}}
		r, err := Check(fsys, &flow.Book{})
		if err != nil || r.OK || len(r.Problems) == 0 {
			t.Errorf("%s: %+v, %v", name, r, err)
			continue
		}
		if !slices.ContainsFunc(r.Problems, func(p *locale.Error) bool { return strings.Contains(p.Error(), test.want) }) {
			t.Errorf("%s: %v", name, r.Problems)
		}
	}
}

func FuzzASheetNeverMakesAFileThatDoesNotLoad(f *testing.F) {
	book, _ := ours(f)
	f.Add([]byte("key,translation\nmenu.title,Sugandi\n"))
	f.Add([]byte("key,translation,review\nmenu.title,\"a\"\"\\\n}\",\"A, 2027-01-01\"\n"))
	f.Add([]byte("key;translation\r\nkey.back;0 x\r\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		table, err := Read(bytes.NewReader(data))
		if err != nil {
			return
		}
		taken, err := Import(locales.Files, book, "bm", table)
		if err != nil {
			if _, ok := IsRefused(err); !ok {
				t.Fatalf("not a refusal: %v", err)
			}
			return
		}
		if _, err := locale.LoadWith(locales.Files, "bm.toml", taken.Data); err != nil {
			t.Fatal(err)
		}
	})
}
