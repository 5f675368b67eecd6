package message_test

import (
	"strings"
	"testing"
	"unicode/utf8"

	"lafia/gateway/message"
	"lafia/internal/gsm"
)

func TestTheAlphabetIsTheOneThatWeSendIn(t *testing.T) {
	for c := range 256 {
		for _, b := range [][]byte{{byte(c)}, {gsm.Escape, byte(c)}, {'a', byte(c), 'b'}, {gsm.Escape, gsm.Escape, byte(c)}} {
			got, ok := message.DecodeGSM(b)
			want, _ := gsm.Decode(b)
			if got != want || ok != (c < 0x80) {
				t.Errorf("% x is read as %q (%v), not %q", b, got, ok, want)
			}
		}
	}
	for r := rune(0); r < 0x3000; r++ {
		if got, want := message.IsGSM(string(r)), gsm.Has(r); got != want {
			t.Errorf("%q in the alphabet: %v, not %v", r, got, want)
		}
	}
}

func TestUTF16IsReadInEitherOrderWholeOrCut(t *testing.T) {
	for in, want := range map[string]string{
		"":                   "",
		"\x00a\x02\x5b":      "aɛ",
		"\xfe\xff\x00a":      "a",
		"\xff\xfea\x00":      "a",
		"\x00a\x00":          "a\uFFFD",
		"\x00a\x00\x00\x00b": "ab",
		"\xd8\x3d\xde\x42":   "🙂",
		"\xd8\x3d":           "\uFFFD",
		"\xde\x42\xd8\x3d":   "\uFFFD\uFFFD",
		"\x00a\xfe\xff":      "a\uFEFF",
	} {
		if got := message.DecodeUTF16BE([]byte(in)); got != want {
			t.Errorf("%q is read as %q, not %q", in, got, want)
		}
	}
	for _, s := range []string{"", "été ɛɔɲŋ", "🙂"} {
		if got := message.DecodeUTF16BE(message.EncodeUTF16BE(s)); got != s {
			t.Errorf("%q comes back as %q", s, got)
		}
	}
}

func TestACharacterSetIsKnownByEachOfItsNames(t *testing.T) {
	for name, c := range map[string]struct{ in, want string }{
		"UTF-8": {"\uFEFFété\x00", "été"}, "utf8": {"\xe9t\xe9", "été"},
		"UTF-16BE": {"\x00\xe9", "é"}, `"UTF-16BE"`: {"\x00\xe9", "é"}, "utf-16le": {"\xe9\x00", "é"},
		"WINDOWS-1252": {"\x80\xe9\x00", "€é"}, "ISO-8859-1": {"l\x92\xe9", "l’é"}, "iso-8859-15": {"\xa4", "€"},
		"GSM": {"\x05t\x05\x1be", "été€"},
	} {
		if got, ok := message.DecodeCharset([]byte(c.in), name); got != c.want || !ok {
			t.Errorf("%s: got %q (%v), want %q", name, got, ok, c.want)
		}
	}
	if text, ok := message.DecodeCharset([]byte("a"), "KOI8-R"); ok || text != "" {
		t.Errorf("an unknown set is read as %q", text)
	}
}

func FuzzDecodeCharset(f *testing.F) {
	for _, name := range []string{"UTF-8", "UTF-16BE", "WINDOWS-1252", "GSM"} {
		f.Add([]byte("\x00\xd8\x1b"), name)
	}
	f.Fuzz(func(t *testing.T, b []byte, name string) {
		if text, _ := message.DecodeCharset(b, name); !utf8.ValidString(text) || strings.Contains(text, "\x00") {
			t.Errorf("%q in %s gives %q", b, name, text)
		}
	})
}
