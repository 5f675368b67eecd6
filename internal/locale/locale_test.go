package locale

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"lafia/internal/gsm"
	"lafia/locales"
)

const french = `[locale]
tag = "fr"
name = "Français"
offer = 1

[messages]
"key.back" = { other = "0 Retour", review = "draft" }
"menu.title" = { other = "Choisissez:", review = "A. Traoré, 2026-11-20" }
"hint.number" = { other = "De {{.min}} à {{ .max }}.", review = "draft" }
"list.found" = { one = "{{.count}} groupe à {{.place}}", other = "{{.count}} groupes à {{.place}}", review = "draft" }
`

const gao = `[locale]
tag = "ses"
name = "Songhay"
fallback = ["fr"]
offer = 2

[messages]
"key.back" = { other = "0 Yee banda", review = "draft", sources = "F" }
"menu.title" = { other = "Šenni suuba:", review = "draft" }
`

const timbuktu = `[locale]
tag = "khq"
name = "Koyra Chiini"
fallback = ["ses"]
base = "ses"

[fold]
"ǝ" = "e"

[messages]
"hint.number" = { other = "{{.max}} ǝ {{.min}}", review = "draft" }
`

func files(texts ...string) fstest.MapFS {
	fsys := fstest.MapFS{}
	for _, text := range texts {
		_, tag, _ := strings.Cut(text, `tag = "`)
		tag, _, _ = strings.Cut(tag, `"`)
		fsys[tag+".toml"] = &fstest.MapFile{Data: []byte(text)}
	}
	return fsys
}

func load(t testing.TB, texts ...string) *Catalog {
	t.Helper()
	c, err := Load(files(texts...))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestAMessageComesFromTheFirstLanguageOfTheChainThatHasIt(t *testing.T) {
	c := load(t, french, gao, timbuktu)
	for _, test := range []struct {
		tag, key string
		args     map[string]string
		text     string
		folded   string
	}{
		{"fr", "key.back", nil, "0 Retour", "0 Retour"},
		{"ses", "menu.title", nil, "Šenni suuba:", "Senni suuba:"},
		{"ses", "hint.number", map[string]string{"min": "1", "max": "5"}, "De 1 à 5.", "De 1 à 5."},
		{"khq", "hint.number", map[string]string{"min": "1", "max": "5"}, "5 ǝ 1", "5 e 1"},
		{"khq", "key.back", nil, "0 Yee banda", "0 Yee banda"}, // ses, not fr
		{"khq", "list.found", map[string]string{"count": "1", "place": "X"}, "1 groupe à X", "1 groupe à X"},
		{"en", "key.back", nil, "0 Retour", "0 Retour"},
		{"", "key.back", nil, "0 Retour", "0 Retour"},
		{"fr", "no.such", nil, "[no.such]", "[no.such]"},
	} {
		w := c.Words(test.tag)
		if got := w.Text(test.key, test.args); got != test.text {
			t.Errorf("%s %s says %q, want %q", test.tag, test.key, got, test.text)
		}
		if got := w.Folded(test.key, test.args); got != test.folded {
			t.Errorf("%s %s is folded to %q, want %q", test.tag, test.key, got, test.folded)
		}
	}
	if tag := c.Words("en").Tag(); tag != "fr" {
		t.Errorf("an unknown tag has the words of %q", tag)
	}
}

func TestNoWordsAtAllStillSaySomething(t *testing.T) {
	var c *Catalog
	w := c.Words("fr")
	if got := w.Text("key.back", nil) + w.Folded("x.y", nil) + w.Fold("ɛ") + w.Tag() + w.Name(); got != "[key.back][x.y]èfr" {
		t.Errorf("got %q", got)
	}
}

func TestTheNumberChoosesTheFormByTheLanguagesOwnRule(t *testing.T) {
	c := load(t, french, gao)
	for count, want := range map[string]string{
		"0": "0 groupe à X", "1": "1 groupe à X", "2": "2 groupes à X", "": " groupes à X", "many": "many groupes à X",
	} { // French counts nothing as one (CLDR)
		if got := c.Words("ses").Text("list.found", map[string]string{"count": count, "place": "X"}); got != want {
			t.Errorf("%q: got %q, want %q", count, got, want)
		}
	}
}

func TestAMissingArgumentLeavesItsPlaceEmpty(t *testing.T) {
	c := load(t, french)
	if got := c.Words("fr").Text("hint.number", map[string]string{"min": "1"}); got != "De 1 à ." {
		t.Errorf("got %q", got)
	}
	if got := c.Words("fr").Text("hint.number", nil); got != "De  à ." {
		t.Errorf("got %q", got)
	}
	if got := c.Placeholders("hint.number"); !slices.Equal(got, []string{"max", "min"}) {
		t.Errorf("placeholders are %v", got)
	}
}

func TestTheLanguagesOfferedComeInTheirPlaces(t *testing.T) {
	c := load(t, french, gao, timbuktu)
	if got := fmt.Sprint(c.Offered()); got != "[{fr Français} {ses Songhay}]" {
		t.Errorf("got %s", got)
	}
	if got := fmt.Sprint(c.Tags()); got != "[fr khq ses]" {
		t.Errorf("got %s", got)
	}
}

func TestCoverageListsWhatIsOwnBorrowedAndUnsigned(t *testing.T) {
	c := load(t, french, gao)
	var b strings.Builder
	for _, v := range c.Coverage() {
		fmt.Fprintf(&b, "%s %d%% of %d own=%v fallback=%v draft=%v\n", v.Tag, v.Percent(), v.Total, v.Own, v.Fallback, v.Draft)
	}
	want := `fr 100% of 4 own=[hint.number key.back list.found menu.title] fallback=[] draft=[hint.number key.back list.found]
ses 50% of 4 own=[key.back menu.title] fallback=[hint.number list.found] draft=[key.back menu.title]
`
	if b.String() != want {
		t.Errorf("got\n%swant\n%s", b.String(), want)
	}
}

func TestLoadRefusesAndSaysWhere(t *testing.T) {
	with := func(text, old, replacement string) string {
		if !strings.Contains(text, old) {
			t.Fatalf("no %q", old)
		}
		return strings.Replace(text, old, replacement, 1)
	}
	for _, test := range []struct {
		name  string
		texts []string
		want  string // a part of the error
	}{
		{"an unknown field", []string{with(french, `review = "draft" }`, `review = "draft", colour = "red" }`)}, "fr.toml:7: key.back.colour: unknown field"},
		{"an unknown table", []string{french + "\n[extra]\nx = 1\n"}, "fr.toml:12: extra: unknown field"},
		{"a key twice", []string{french + `"key.back" = { other = "0", review = "draft" }`}, "fr.toml:11: key.back: "},
		{"a message that is a string", []string{french + `"key.next" = "99"`}, "fr.toml:11: messages.key.next: "},
		{"no review", []string{french + `"key.next" = { other = "99" }`}, `fr.toml:11: key.next: review is "draft" or`},
		{"a review without a date", []string{french + `"key.next" = { other = "99", review = "A. Traoré" }`}, "key.next: review is"},
		{"a review on no day", []string{french + `"key.next" = { other = "99", review = "A. Traoré, 2026-13-01" }`}, "key.next: review: 2026-13-01 is no date"},
		{"nothing said", []string{french + `"key.next" = { other = " ", review = "draft" }`}, "key.next: other is empty"},
		{"a key without a room", []string{french + `"back" = { other = "x", review = "draft" }`}, "fr.toml:11: back: a key"},
		{"a function", []string{french + `"key.next" = { other = "{{printf .x}}", review = "draft" }`}, "key.next: \"{{printf .x}}\": braces"},
		{"braces left open", []string{french + `"key.next" = { other = "{{.x", review = "draft" }`}, "key.next: \"{{.x\": braces"},
		{"a singular without a count", []string{french + `"key.next" = { one = "a", other = "b", review = "draft" }`}, "key.next: a message with a singular"},
		{"forms that differ", []string{french + `"key.next" = { one = "a", other = "{{.count}}", review = "draft" }`}, "key.next: one and other"},
		{"other placeholders", []string{french, gao + `"hint.number" = { other = "{{.min}}", review = "draft" }`}, "ses.toml:10: hint.number: placeholders are [min], in fr.toml [max min]"},
		{"a message the source lacks", []string{french, gao + `"key.next" = { other = "99", review = "draft" }`}, "ses.toml:10: key.next: fr.toml has no such message"},
		{"a fallback that isn't there", []string{french, with(gao, `["fr"]`, `["bm"]`)}, `ses.toml:4: locale.fallback: there is no language "bm"`},
		{"a fallback on itself", []string{french, with(gao, `["fr"]`, `["ses"]`)}, `ses.toml:4: locale.fallback: "ses" is there twice`},
		{"a place taken", []string{french, with(gao, "offer = 2", "offer = 1")}, "ses.toml:5: locale.offer: \"fr\" has the place 1"},
		{"no plural rule", []string{french, gao, with(timbuktu, "base = \"ses\"\n", "")}, "khq.toml:2: locale.tag: no plural rule registered for khq"},
		{"no tag", []string{with(french, `"fr"`, `"français"`)}, "fr.toml:2: locale.tag: "},
		{"no name", []string{with(french, `"Français"`, `""`)}, "fr.toml:3: locale.name: "},
		{"a folding that loses a letter", []string{french, with(gao, "[messages]", "[fold]\n\"ǝ\" = \"\"\n[messages]")}, "ses.toml:7: fold: 'ǝ' would be deleted"},
		{"a folding of two letters", []string{french, with(gao, "[messages]", "[fold]\n\"ny\" = \"n\"\n[messages]")}, "ses.toml:8: fold.ny: only one"},
		{"no source", []string{gao}, `no locale file for "fr"`},
		{"no TOML", []string{french + "\n}"}, "fr.toml:12: "},
	} {
		fsys := files(test.texts...)
		if test.name == "no tag" {
			fsys = fstest.MapFS{"fr.toml": &fstest.MapFile{Data: []byte(test.texts[0])}}
		}
		_, err := Load(fsys)
		if err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: the error is\n%v\nwant\n%s", test.name, err, test.want)
			continue
		}
		if test.name == "no source" {
			continue
		}
		if where, ok := errors.AsType[*Error](err); !ok || where.Line == 0 || where.Key == "" && test.name != "no TOML" {
			t.Errorf("%s: no file, line and key in %#v", test.name, where)
		}
	}
}

func TestLoadReportsEveryMistakeAtOnce(t *testing.T) {
	_, err := Load(files(french, gao+`"a.b" = { other = "x", review = "draft" }
"c.d" = { other = "x", review = "draft" }`))
	if err == nil || strings.Count(err.Error(), "no such message") != 2 {
		t.Errorf("got %v", err)
	}
}

// Nothing on a caller's screen may turn it to 70 characters.
func TestEveryMessageOfOursIsFoldedIntoTheAlphabet(t *testing.T) {
	c, err := Load(locales.Files)
	if err != nil {
		t.Fatal(err)
	}
	for _, tag := range c.Tags() {
		w := c.Words(tag)
		for _, key := range c.Keys() {
			args := map[string]string{}
			for _, name := range c.Placeholders(key) {
				args[name] = "1"
			}
			folded := w.Folded(key, args)
			if _, ok := gsm.Septets(folded); !ok {
				t.Errorf("%s %s: %q is outside the 7-bit alphabet", tag, key, folded)
			}
			if again := w.Fold(folded); again != folded {
				t.Errorf("%s %s: %q is folded again to %q", tag, key, folded, again)
			}
			if folded != w.Fold(w.Text(key, args)) {
				t.Errorf("%s %s: Folded and Fold disagree", tag, key)
			}
		}
	}
}

func TestWordsAreReadByManyAtOnce(t *testing.T) {
	c := load(t, french, gao)
	done := make(chan bool)
	for range 4 {
		go func() {
			for i := range 200 {
				c.Words("ses").Text("list.found", map[string]string{"count": fmt.Sprint(i), "place": "X"})
				c.Words("fr").Folded("hint.number", map[string]string{"min": "1"})
			}
			done <- true
		}()
	}
	for range 4 {
		<-done
	}
}

func BenchmarkText(b *testing.B) {
	c, err := Load(locales.Files)
	if err != nil {
		b.Fatal(err)
	}
	w := c.Words("bm")
	menu := []string{"menu.title", "menu.feedback", "menu.tension", "menu.progress", "menu.reference", "menu.language", "menu.confidential"}
	b.Run("plain", func(b *testing.B) {
		for b.Loop() {
			w.Text("menu.tension", nil)
		}
	})
	b.Run("arguments", func(b *testing.B) {
		args := map[string]string{"min": "3", "max": "300"}
		for b.Loop() {
			w.Text("hint.number", args)
		}
	})
	b.Run("plural", func(b *testing.B) {
		w := load(b, french).Words("fr")
		args := map[string]string{"count": "3", "place": "X"}
		for b.Loop() {
			w.Text("list.found", args)
		}
	})
	b.Run("menu", func(b *testing.B) {
		for b.Loop() {
			for _, key := range menu {
				w.Folded(key, nil)
			}
		}
	})
}
