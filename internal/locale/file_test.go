package locale

import (
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"lafia/locales"
)

const tasawaq = `[locale]
tag = "taq"
name = "Tamasheq"
fallback = ["fr"]
base = "ses"

[messages]
"menu.title" = { other = "X:", review = "draft" }
"list.found" = { other = "{{.count}} x {{.place}}", review = "draft" }
`

// CLDR has no plural rule for taq, so go-i18n takes its messages only under
// another language's tag (languages.md 0.1).
func TestALanguageThatCLDRDoesNotKnowIsLoadedByItsBase(t *testing.T) {
	if _, err := Load(files(french, gao, strings.Replace(tasawaq, "base = \"ses\"\n", "", 1))); err == nil || !strings.Contains(err.Error(), "taq") {
		t.Fatalf("without a base: %v", err)
	}
	c := load(t, french, gao, tasawaq)
	w := c.Words("taq")
	for key, want := range map[string]string{"menu.title": "X:", "key.back": "0 Retour"} { // the base lends its rule, not its words
		if got := w.Text(key, nil); got != want {
			t.Errorf("%s is %q, want %q", key, got, want)
		}
	}
	for _, count := range []string{"0", "1", "2"} {
		if got := w.Text("list.found", map[string]string{"count": count, "place": "Y"}); got != count+" x Y" {
			t.Errorf("%s: %q", count, got)
		}
	}
	if w.Tag() != "taq" || c.From("taq", "menu.title") != "taq" || c.From("taq", "key.back") != "fr" {
		t.Error("it is not known by its own tag")
	}
}

func TestUnsafeSaysWhichRuleATextBreaks(t *testing.T) {
	for _, test := range []struct{ source, text, want string }{
		{"Entre les gens", "Gɛlɛya mɔgɔw ni ɲɔgɔn cɛ", ""},
		{"Entre les gens", "Kɛlɛ", "searched phone|Bambara"},
		{"Entre les gens", "KÈLÈ bɛ yen", "Bambara"}, // as the phone shows it
		{"Avant", "Bi", "is today in Bambara and yesterday in Songhay"},
		{"Avant", "A bilala", ""},
		{"Oui", "A", "one letter"},
		{"Oui ou non", "A: awɔ, N: ayi", "one letter"},
		{"Oui ou non", "A/N?", "one letter"},
		{"{{.a}}: {{.b}}.", "{{.a}}: {{.b}}.", ""},
		{"{{.group}}: bon", "{{.group}}: A ka ɲi", ""},
		{"Epargne, en F CFA:", "Warimara, F CFA:", ""},
		{"Epargne, en F CFA:", "Warimara:", "F CFA 0 times, the French 1"},
		{"Epargne, en F CFA:", "Warimara, F:", `only "F"`},
		{"Epargne, en F CFA:", "Warimara, dɔrɔmɛ:", "counts money in fives"},
		{"{{.EPA}} F CFA", "{{.EPA}} F CFA, dɔrɔmɛ {{.fives}}", ""}, // beside F CFA it may stand
		{"Rien a dire: 1", "Foyi tɛ yen: 2", "the numbers are [2], in French [1]"},
		{"Rien a dire: 1", "Foyi tɛ yen", "the numbers are [], in French [1]"},
		{"00 Menu", "Menu 00", "without the key 00"},
		{"00 Menu", "00 Menu", ""},
		{"Oui, {{.n1}}", "Awɔ, {{.n1}}", ""}, // the digit of a placeholder is none
	} {
		got := strings.Join(Unsafe(test.source, test.text), "; ")
		ok := got == ""
		if test.want != "" {
			ok = slices.ContainsFunc(strings.Split(test.want, "|"), func(want string) bool { return strings.Contains(got, want) })
		}
		if !ok {
			t.Errorf("%q for %q: got %q, want %q", test.text, test.source, got, test.want)
		}
	}
}

func TestEditChangesMessagesInTheirPlaceAndNothingElse(t *testing.T) {
	const before = `# who wrote it
[locale]
tag = "bm"

[messages]
# keys
"key.back"   = { other = "0 \"Kɔsegin\"", review = "draft", sources = "B # no comment" } # heed }
"menu.title" = { other = "Sugandi:", review = "draft" }

# months
"month.1" = { other = "zanwuye", review = "draft" }
[fold]
"ǝ" = "e"
`
	order := []string{"menu.first", "key.back", "key.next", "key.menu", "menu.title", "month.1", "month.2"}
	after, err := Edit([]byte(before), order, map[string]*Message{
		"menu.first": {Other: "a\nb", Review: Draft},
		"key.back":   {Other: `0 \ "x"`, Review: "A. B, 2027-01-01"},
		"key.menu":   {Other: "00", Review: Draft},
		"key.next":   {Other: "99", Review: Draft, Sources: "C"},
		"menu.title": nil,
		"month.2":    {Other: "{{.count}}", One: "1", Review: Draft},
	})
	if err != nil {
		t.Fatal(err)
	}
	const want = `# who wrote it
[locale]
tag = "bm"

[messages]
"menu.first" = { other = "a\nb", review = "draft" }
# keys
"key.back"   = { other = "0 \\ \"x\"", review = "A. B, 2027-01-01" } # heed }
"key.next" = { other = "99", review = "draft", sources = "C" }
"key.menu" = { other = "00", review = "draft" }

# months
"month.1" = { other = "zanwuye", review = "draft" }
"month.2" = { one = "1", other = "{{.count}}", review = "draft" }
[fold]
"ǝ" = "e"
`
	if string(after) != want {
		t.Errorf("got\n%s\nwant\n%s", after, want)
	}
}

func TestEditRefusesAFileThatItDoesNotUnderstand(t *testing.T) {
	for _, before := range []string{
		"[messages.\"key.back\"]\nother = \"0\"\nreview = \"draft\"\n",
		"[locale]\ntag = \"bm\"\n",
		"messages = { \"key.back\" = { other = \"0\" } }\n",
		"[messages\n",
	} {
		if after, err := Edit([]byte(before), []string{"key.back"}, map[string]*Message{"key.back": {Other: "1", Review: Draft}}); err == nil {
			t.Errorf("%q became %q", before, after)
		}
	}
}

func FuzzWhatEditWritesIsReadBack(f *testing.F) {
	f.Add("a", "b", "c")
	f.Add("\"\\\n\t\x00\x7f", "{{.x}} ɛ 😀 } #", "\u2028")
	f.Fuzz(func(t *testing.T, other, one, sources string) {
		const before = "# x\n[messages]\n\"a.b\" = { other = \"0\", review = \"draft\" } # y\n\"c.d\" = { other = \"1\", review = \"draft\" }"
		m := Message{Other: strings.ToValidUTF8(other, "?"), One: strings.ToValidUTF8(one, "?"), Review: Draft, Sources: strings.ToValidUTF8(sources, "?")}
		// Edit reads back what it wrote and compares; an error would say that it differs.
		after, err := Edit([]byte(before), []string{"a.b", "c.d", "e.f"}, map[string]*Message{"a.b": &m, "e.f": &m})
		if err != nil {
			t.Fatal(err)
		}
		if !strings.HasPrefix(string(after), "# x\n") || !strings.Contains(string(after), " # y\n") {
			t.Errorf("a comment is gone: %q", after)
		}
	})
}

func TestAttestedWordsAreComparedWithoutTonesAndCase(t *testing.T) {
	fsys := fstest.MapFS{"words/bm.txt": &fstest.MapFile{Data: []byte("# x\nmɔgɔ B\na B\nšenni F\ntɔnden B\nkalo D\n")}}
	words, err := LoadAttested(fsys, "bm")
	if err != nil {
		t.Fatal(err)
	}
	got := words.Missing("Mɔ̀gɔ́ y'a Šenni, {{.month}} KALO’ 12 F CFA: tɔndenw tɔndenw Matière")
	if want := []string{"tɔndenw", "matière"}; !slices.Equal(got, want) {
		t.Errorf("missing are %q, want %q", got, want)
	}
	if got := words.Stem("bm", "tɔndenw"); got != "tɔnden" {
		t.Errorf("the stem is %q", got)
	}
	if got := words.Missing("senni"); len(got) != 1 { // š is a letter, its caron no tone
		t.Errorf("senni is taken for šenni: %q", got)
	}
	if none, err := LoadAttested(fsys, "xx"); none != nil || err != nil {
		t.Errorf("a language without a list has %v, %v", none, err)
	}
	fsys["words/ses.txt"] = &fstest.MapFile{Data: []byte("labu\n")}
	if _, err := LoadAttested(fsys, "ses"); err == nil {
		t.Error("a word without a source is taken")
	}
}

func TestTheSourcesOrderIsThatOfItsFile(t *testing.T) {
	c := load(t, french, gao)
	if got := strings.Join(c.Order(), " "); got != "key.back menu.title hint.number list.found" {
		t.Errorf("got %s", got)
	}
}

func TestEditOfNothingLeavesOurFilesAsTheyAre(t *testing.T) {
	c, err := Load(locales.Files)
	if err != nil {
		t.Fatal(err)
	}
	for _, tag := range c.Tags() {
		data, err := locales.Files.ReadFile(tag + ".toml")
		if err != nil {
			t.Fatal(err)
		}
		same := map[string]*Message{}
		for _, key := range c.Keys() {
			if m, own := c.Message(tag, key); own {
				same[key] = &m
			}
		}
		after, err := Edit(data, c.Order(), same)
		if err != nil || string(after) != string(data) {
			t.Errorf("%s changed: %v", tag, err)
		}
	}
}
