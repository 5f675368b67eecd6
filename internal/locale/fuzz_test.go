package locale_test

import (
	"testing"
	"testing/fstest"
	"unicode/utf8"

	"lafia/internal/locale"
	"lafia/locales"
)

// Whatever a locale file says, reading it does not panic, and what is accepted
// says every message.
func FuzzALocaleFile(f *testing.F) {
	french, err := locales.Files.ReadFile("fr.toml")
	if err != nil {
		f.Fatal(err)
	}
	ours := map[string]string{}
	for _, name := range []string{"fr.toml", "bm.toml", "ses.toml", "khq.toml"} {
		b, err := locales.Files.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		ours[name] = string(b)
		f.Add(string(b))
	}
	for _, s := range []string{
		"", "[locale]\n", "[locale]\ntag = \"ff\"\nname = \"Pulaar\"\nfallback = [\"fr\"]\n", "[locale]\ntag = \"ff\"\nfallback = [\"ff\"]\n[messages]\n",
		"[locale]\ntag = \"ff\"\nname = \"Pulaar\"\nfallback = [\"fr\"]\n[messages]\n\"menu.title\" = { other = \"{{.a}} {{\", review = \"draft\" }\n",
		"[locale]\ntag = \"ff\"\nname = \"Pulaar\"\nfallback = [\"fr\"]\n[messages]\n\"menu.title\" = { one = \"a\", other = \"b\", review = \"draft\" }\n",
		"[locale]\ntag = \"ff\"\nname = \"Pulaar\"\nfallback = [\"fr\"]\n[fold]\n\"ɓ\" = \"b\"\n\"b\" = \"ɓ\"\n[messages]\n\"menu.title\" = { other = \"ɓ\", review = \"draft\" }\n",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		c, err := locale.Load(fstest.MapFS{"fr.toml": {Data: french}, "xx.toml": {Data: []byte(text)}})
		if err != nil {
			if err.Error() == "" {
				t.Error("it is refused without a word")
			}
			return
		}
		for _, tag := range append(c.Tags(), "xx", "", "fr-ML") {
			w := c.Words(tag)
			for _, key := range []string{"menu.title", "done.thanks", "progress.sms", "no such key", "hint.number"} {
				said := w.Folded(key, map[string]string{"reference": "4827-1936", "min": "3", "max": "300", "MEM": "\xff"})
				if utf8.ValidString(text) && said == "" && key == "menu.title" && tag == "fr" {
					t.Errorf("%s says nothing for %s", tag, key)
				}
			}
			w.Fold(text)
		}
	})
}
