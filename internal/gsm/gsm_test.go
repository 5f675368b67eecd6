package gsm

import (
	"slices"
	"strings"
	"testing"
	"unicode/utf16"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

func TestEveryCodeOfTheAlphabetIsWrittenAndReadBackAlike(t *testing.T) {
	for c := range 128 {
		if c == Escape {
			continue
		}
		s, ok := Decode([]byte{byte(c)})
		if !ok || utf8.RuneCountInString(s) != 1 {
			t.Fatalf("code %#x reads as %q, %v", c, s, ok)
		}
		if b, ok := Encode(s); !ok || !slices.Equal(b, []byte{byte(c)}) {
			t.Errorf("%q of code %#x is written %x, %v", s, c, b, ok)
		}
	}
	// TS 23.038 6.2.1.1, the extension table.
	for s, c := range map[string]byte{"\f": 0x0A, "^": 0x14, "{": 0x28, "}": 0x29, "\\": 0x2F, "[": 0x3C, "~": 0x3D, "]": 0x3E, "|": 0x40, "€": 0x65} {
		b, ok := Encode(s)
		if !ok || !slices.Equal(b, []byte{Escape, c}) {
			t.Errorf("%q is written %x, %v, not 1b%02x", s, b, ok, c)
		}
		if back, ok := Decode(b); !ok || back != s {
			t.Errorf("%x reads as %q, %v, not %q", b, back, ok, s)
		}
	}
}

func TestTheTablesAgreeAboutEveryCharacter(t *testing.T) {
	count := 0
	for r := range rune(0x11000) {
		if code(r) == none {
			continue
		}
		count++
		b, ok := Encode(string(r))
		if !ok {
			t.Fatalf("%q has a code and is not written", r)
		}
		if s, ok := Decode(b); !ok || s != string(r) {
			t.Errorf("%q is written %x and read %q", r, b, s)
		}
	}
	if count != 127+10 {
		t.Errorf("the alphabet has %d characters, not 127 and 10 more", count)
	}
}

func TestDecodeReadsWhatTheStandardLeavesOpen(t *testing.T) {
	for _, c := range []struct {
		bytes []byte
		want  string
		ok    bool
	}{
		{[]byte{0x1B, 0x1B}, " ", true},
		{[]byte{0x1B, 0x41}, "A", true}, // not in the extension table: the default alphabet's
		{[]byte{0x41, 0x1B}, "A", false},
		{[]byte{0x80, 0x41}, "\uFFFDA", false},
		{[]byte{0x1B, 0xFF}, "\uFFFD", false},
		{nil, "", true},
	} {
		if s, ok := Decode(c.bytes); s != c.want || ok != c.ok {
			t.Errorf("%x reads as %q, %v; want %q, %v", c.bytes, s, ok, c.want, c.ok)
		}
	}
}

func TestMeasureCountsAsTheNetworkDoes(t *testing.T) {
	a := strings.Repeat
	for _, c := range []struct {
		name     string
		text     string
		encoding Encoding
		units    int
		segments int
	}{
		{"nothing", "", GSM7, 0, 1},
		{"160 septets", a("a", 160), GSM7, 160, 1},
		{"161 septets", a("a", 161), GSM7, 161, 2},
		{"306 septets", a("a", 306), GSM7, 306, 2},
		{"307 septets", a("a", 307), GSM7, 307, 3},
		{"459 septets", a("é", 459), GSM7, 459, 3},
		{"the euro counts twice", a("€", 80), GSM7, 160, 1},
		{"81 euros", a("€", 81), GSM7, 162, 2},
		{"an escape is not torn at 153", a("a", 152) + "€" + a("a", 152), GSM7, 306, 3},
		{"an escape that just fits", a("a", 151) + "€" + a("a", 153), GSM7, 306, 2},
		{"70 units", a("ɛ", 70), UCS2, 70, 1},
		{"71 units", a("ɛ", 71), UCS2, 71, 2},
		{"134 units", a("ɛ", 134), UCS2, 134, 2},
		{"135 units", a("ɛ", 135), UCS2, 135, 3},
		{"one letter turns all", a("a", 100) + "ŋ", UCS2, 101, 2},
		{"35 emoji", a("😀", 35), UCS2, 70, 1},
		{"a surrogate pair is not torn at 67", a("😀", 67), UCS2, 134, 3},
		{"a surrogate pair that just fits", "ɛ" + a("😀", 66) + "ɛ", UCS2, 134, 2},
		{"not UTF-8", "\xff", UCS2, 1, 1},
	} {
		encoding, units, segments := Measure(c.text)
		if encoding != c.encoding || units != c.units || segments != c.segments {
			t.Errorf("%s: %s %d in %d, want %s %d in %d", c.name, encoding, units, segments, c.encoding, c.units, c.segments)
		}
	}
}

// The examples of languages.md 2, and the table there.
func TestFoldWritesTheUsualSpelling(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{"Mɔgɔw ka gɛlɛya bɛ ɲɔgɔn cɛ", "Mògòw ka gèlèya bè nyògòn cè"},
		{"Šenni suuba", "Senni suuba"},
		{"Votre message a bien été reçu. Réf. 4827-1936", "Votre message a bien été recu. Réf. 4827-1936"},
		{"hiŋka kaŋ jaŋgu ŋunuŋunu", "hinka kang jangu ngunungunu"},
		{"Žanwiye porože žuweŋ", "Janwiye poroze juweng"},
		{"hõo ẽ ã", "hoo e a"},
		{"Ɛ Ɔ È Ò Ê À Â Ç Ù É Ñ", "E O E O E A A Ç U É Ñ"},
		{"Ɲɔgɔn ƝƆGƆN Ŋ UŊ", "Nyògòn NYOGON Ng UNG"},
		{"ŠENNI Šab ŠAB ša še", "SENNI Shab SHAB sha se"},
		{"œuvre Œuvre ŒUVRE", "oeuvre Oeuvre OEUVRE"},
		{"l’eau ‘x’ “y” « z » …", `l'eau 'x' "y" "z" ...`},
		{"a – b — c", "a - b - c"},
		{"25\u202f000\u00a0F\u00a0CFA", "25 000 F CFA"},
		{"août, forêt, maïs, Noël, île, hôpital", "aout, foret, mais, Noel, ile, hopital"},
		{"déjà où é è à ù ü ñ", "déjà où é è à ù ü ñ"},
		{"e\u0301cole", "école"},         // composed first
		{"سلام ߒߞߏ 😀 ĥ", "سلام ߒߞߏ 😀 ĥ"}, // never deleted
		{"plain", "plain"},
	} {
		if got := Fold(c.text, nil); got != c.want {
			t.Errorf("%q is folded to %q, want %q", c.text, got, c.want)
		}
	}
}

func TestALanguagesTableGoesBeforeTheCommonOne(t *testing.T) {
	table := Table{'ɓ': "b", 'ɲ': "ñ"}
	if err := table.Check(); err != nil {
		t.Fatal(err)
	}
	if got := Fold("ɓiɲɛ", table); got != "biñè" {
		t.Errorf("got %q", got)
	}
	for _, bad := range []Table{{'a': "b"}, {'ɓ': ""}, {'ɓ': "ɗ"}, {'ɓ': "é", 'é': "e"}, {'\u212B': "A"}} {
		if bad.Check() == nil {
			t.Errorf("%v is accepted", bad)
		}
	}
}

func TestTheLettersOfFrenchBambaraAndSonghaiAreAllFoldedIntoTheAlphabet(t *testing.T) {
	// languages.md 1 and 2; dictionaries' tones are not ordinary writing.
	const letters = "abcdefghijklmnopqrstuvwxyz0123456789ɛɔɲŋšžãẽõàâçéèêëîïôùûüÿœæ’‘“”«»…–— \u00a0\u202f.,;:!?'\"()+-*#/%&@"
	for _, r := range letters + strings.ToUpper(letters) {
		folded := Fold(string(r), nil)
		if _, ok := Septets(folded); !ok {
			t.Errorf("%q is folded to %q, which is outside", r, folded)
		}
	}
}

func TestFoldOfPlainTextDoesNotAllocate(t *testing.T) {
	text := "1 Avis sur un projet\n2 Probleme entre les gens"
	if n := testing.AllocsPerRun(100, func() { Fold(text, nil) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func FuzzFoldAndMeasure(f *testing.F) {
	for _, s := range []string{"", "Šenni « suuba »", "ŋ\u0301g", "a\u0302\u0302", "\xff\xfeɛ", "😀€[ɲ", " »« ", "ɛ\u0301"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		folded := Fold(s, nil)
		if again := Fold(folded, nil); again != folded {
			t.Errorf("%q folds to %q, then to %q", s, folded, again)
		}
		if utf8.ValidString(s) {
			kept := func(s string) (n int) { // letters, whatever they are written with
				for _, r := range norm.NFC.String(s) {
					if single(r) == "" && !strings.ContainsRune("«ɲœŋšžƝŒŊŠŽ ", r) && code(r) == none {
						n++
					}
				}
				return n
			}
			if was, is := kept(s), kept(folded); is > was {
				t.Errorf("%q has %d characters that can't be folded, %q has %d", s, was, folded, is)
			}
			if units := len(utf16.Encode([]rune(s))); Units(s) != units {
				t.Errorf("%q has %d units, not %d", s, units, Units(s))
			}
		}
		encoding, units, segments := Measure(s)
		b, ok := Encode(s)
		if ok != (encoding == GSM7) || ok && len(b) != units {
			t.Errorf("%q: %s %d, but written in %d bytes, %v", s, encoding, units, len(b), ok)
		}
		if back, fine := Decode(b); ok && (back != s || !fine) {
			t.Errorf("%q comes back as %q", s, back)
		}
		part, single := SMSPartSeptets, SMSSeptets
		if encoding == UCS2 {
			part, single = SMSPartUnits, SMSUnits
		}
		switch least := (units + part - 1) / part; {
		case units <= single && segments != 1:
			t.Errorf("%q: %d units in %d segments", s, units, segments)
		case units > single && (segments < least || segments > least+1+units/part/part):
			t.Errorf("%q: %d units in %d segments, at least %d", s, units, segments, least)
		}
	})
}

func BenchmarkFold(b *testing.B) {
	b.Run("plain", func(b *testing.B) {
		for b.Loop() {
			Fold("1 Avis sur un projet\n2 Probleme entre les gens", nil)
		}
	})
	b.Run("bambara", func(b *testing.B) {
		for b.Loop() {
			Fold("Mɔgɔw ka gɛlɛya bɛ ɲɔgɔn cɛ", nil)
		}
	})
}
