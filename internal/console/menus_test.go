package console

import (
	"encoding/xml"
	"errors"
	"fmt"
	"html"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/fstest"

	"lafia/flows"
	"lafia/internal/flow"
	"lafia/internal/locale"
	"lafia/internal/rehearsal"
	"lafia/internal/staff"
	"lafia/internal/translation"
	"lafia/locales"
)

func TestEveryMenuHasAPageAndThePictureOfTheCommandLineInEveryLanguage(t *testing.T) {
	s := newSite(t)
	c := s.as(t, staff.Translator)
	book, err := flow.Load(flows.Files)
	if err != nil {
		t.Fatal(err)
	}
	words, err := locale.Load(locales.Files)
	if err != nil {
		t.Fatal(err)
	}
	world, err := rehearsal.NewWorld(words, s.now)
	if err != nil {
		t.Fatal(err)
	}
	report, err := rehearsal.Check(book, words, world, rehearsal.DefaultPrice)
	if err != nil || len(report.Rows) < 12 {
		t.Fatalf("%d rows, %v", len(report.Rows), err)
	}
	_, list := c.get(t, "/console/menus")
	for _, m := range report.Rows {
		path := "/console/menus/" + m.Flow + "/" + m.Language
		if !strings.Contains(list, `href="`+path+`"`) {
			t.Errorf("the list has no link to %s", path)
		}
		res, body := c.get(t, path)
		if res.StatusCode != http.StatusOK || !strings.Contains(body, `<img src="`+path+`/picture.svg"`) {
			t.Fatalf("%s: %d", path, res.StatusCode)
		}
		for _, tag := range words.Tags() {
			if !strings.Contains(body, `href="/console/menus/`+m.Flow+"/"+tag+`"`) {
				t.Errorf("%s has no link to %s", path, tag)
			}
		}
		if !strings.Contains(body, fmt.Sprintf(`<dd class="num">%d</dd>`, m.Longest)) || !strings.Contains(body, html.EscapeString(m.At)) {
			t.Errorf("%s does not tell its longest screen", path)
		}
		res, picture := c.get(t, path+"/picture.svg")
		g, _ := book.Graph(m.Flow)
		if res.Header.Get("Content-Type") != "image/svg+xml" || picture != g.SVG(rehearsal.Say(words, m.Language)) {
			t.Errorf("%s is another picture", path)
		}
		if !strings.Contains(res.Header.Get("Content-Security-Policy"), "script-src 'none'") || strings.Contains(picture, "style=") {
			t.Errorf("%s: a picture whose look our policy forbids", path)
		}
		for d := xml.NewDecoder(strings.NewReader(picture)); ; {
			if _, err := d.Token(); errors.Is(err, io.EOF) {
				break
			} else if err != nil {
				t.Fatalf("%s is no XML: %v", path, err)
			}
		}
	}
	for _, path := range []string{"/console/menus/nothing/fr", "/console/menus/main/xx", "/console/menus/main/xx/picture.svg", "/console/menus/main"} {
		if res, _ := c.get(t, path); res.StatusCode != http.StatusNotFound {
			t.Errorf("%s: %d", path, res.StatusCode)
		}
	}
}

func TestLanguagesTellTheNumbersOfTheCommandLineAndNoDraftIsReviewed(t *testing.T) {
	read := func(files fstest.MapFS) string {
		s := newSite(t, func(o *Options) { o.Locales = files })
		_, body := s.as(t, staff.Coordinator).get(t, "/console/languages")
		return body
	}
	files := fstest.MapFS{}
	for _, name := range []string{"fr.toml", "bm.toml", "ses.toml", "khq.toml"} {
		b, err := locales.Files.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		files[name] = &fstest.MapFile{Data: b}
	}
	lists, err := locales.Files.ReadDir("words")
	if err != nil {
		t.Fatal(err)
	}
	for _, l := range lists {
		b, err := locales.Files.ReadFile("words/" + l.Name())
		if err != nil {
			t.Fatal(err)
		}
		files["words/"+l.Name()] = &fstest.MapFile{Data: b}
	}
	tell := func(body string) {
		t.Helper()
		book, err := flow.Load(flows.Files)
		if err != nil {
			t.Fatal(err)
		}
		report, err := translation.Check(files, book)
		if err != nil {
			t.Fatal(err)
		}
		for _, l := range report.Languages {
			_, row, _ := strings.Cut(body, `<h2 lang="`+l.Tag+`">`)
			row, _, _ = strings.Cut(row, `<h2 lang=`)
			for label, n := range map[string]int{"relues par un locuteur": l.Own - l.Draft, "brouillons à relire": l.Draft, "phrases d’une autre langue": l.Fallback, "mots non attestés": len(l.Unattested)} {
				if label == "mots non attestés" && !l.Listed {
					continue
				}
				if !strings.Contains(row, fmt.Sprintf(`<dt>%s</dt><dd class="num">%d</dd>`, label, n)) {
					t.Errorf("%s: not %d %s", l.Tag, n, label)
				}
			}
			if !strings.Contains(row, fmt.Sprintf("%d sur %d phrases", l.Own, l.Total)) || strings.Contains(row, "Pas proposée") == l.Offered || strings.Contains(row, "Aucune phrase n’a encore été relue.") != (l.Own == l.Draft) {
				t.Errorf("%s is told wrong", l.Tag)
			}
		}
	}
	tell(read(files))
	signed := strings.Replace(string(files["bm.toml"].Data), `review = "draft"`, `review = "Demo Reviewer, 2026-11-01"`, 1)
	if signed == string(files["bm.toml"].Data) {
		t.Fatal("nothing was a draft")
	}
	files["bm.toml"] = &fstest.MapFile{Data: []byte(signed)}
	tell(read(files))
}
