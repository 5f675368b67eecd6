package message_test

import (
	"strings"
	"testing"
	"unicode/utf8"

	"lafia/gateway/message"
)

func TestTextIsRepairedOnlyWhereThatIsCertain(t *testing.T) {
	for name, c := range map[string]struct{ in, want string }{
		"ASCII":                            {"oui", "oui"},
		"UTF-8":                            {"l’école à Gao, ɛɔɲŋ", "l’école à Gao, ɛɔɲŋ"},
		"NUL":                              {"a\x00b\x00", "ab"},
		"Latin-1":                          {"\xe9t\xe9", "été"},
		"Latin-1 with a last capital":      {"R\xc9SUM\xc9", "RÉSUMÉ"},
		"Windows-1252":                     {"l\x92eau: 5 \x80", "l’eau: 5 €"},
		"UTF-8 with damage":                {"é\xffa\xc3(", "é\uFFFDa\uFFFD("},
		"a cut of two bytes":               {"ferm\xc3", "ferm\uFFFD"},
		"a cut of three bytes":             {"fermé l\xe2\x80", "fermé l\uFFFD"},
		"a cut of four bytes":              {"ok \xf0\x9f\x98", "ok \uFFFD"},
		"encoded twice":                    {"franÃ§ais Ã\u00a0 lâ€™eau", "français à l’eau"},
		"encoded twice through Latin-1":    {"\u00c3\u0089cole", "École"},
		"Bambara encoded twice":            {"kÉ”nÉ”", "kɔnɔ"},
		"a lone É before a quote":          {"CAFÉ”", "CAFÉ”"},
		"capitals in quotes":               {"“CAFÉ”", "“CAFÉ”"},
		"twice, with something once":       {"franÃ§ais é", "franÃ§ais é"},
		"twice, but of another script":     {"Ð¿Ñ€Ð¸Ð²ÐµÑ‚", "Ð¿Ñ€Ð¸Ð²ÐµÑ‚"},
		"a character outside Windows-1252": {"Ã© ɛ", "Ã© ɛ"},
	} {
		if got := message.RepairText(c.in); got != c.want {
			t.Errorf("%s: got %q, want %q", name, got, c.want)
		}
	}
}

func FuzzRepairText(f *testing.F) {
	for _, s := range []string{"é", "\xe9", "Ã©", "\x00", "\xf0\x9f", "\u0080Â"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got := message.RepairText(s)
		if !utf8.ValidString(got) || strings.Contains(got, "\x00") {
			t.Errorf("%q gives %q", s, got)
		}
	})
}

func TestAFormIsReadWithTolerance(t *testing.T) {
	for name, c := range map[string]struct {
		in   string
		want message.Form
	}{
		"escapes":                     {"a=%2B1+2&b=%c3%a9", message.Form{"a": "+1 2", "b": "é"}},
		"a percent sign for itself":   {"a=50%&b=5%x%4", message.Form{"a": "50%", "b": "5%x%4"}},
		"a semicolon is text":         {"a=1;b=2", message.Form{"a": "1;b=2"}},
		"the first of two counts":     {"a=1&a=2", message.Form{"a": "1"}},
		"no value and no name":        {"a&=x&&b=", message.Form{"a": "", "b": ""}},
		"an equals sign in the value": {"a=b=c", message.Form{"a": "b=c"}},
		"a byte order mark":           {"\uFEFFa=1", message.Form{"a": "1"}},
	} {
		got := message.ParseForm(c.in)
		if len(got) != len(c.want) {
			t.Errorf("%s: got %v", name, got)
		}
		for k, v := range c.want {
			if got[k] != v || !got.Has(k) {
				t.Errorf("%s: %s is %q, want %q", name, k, got[k], v)
			}
		}
	}
}
