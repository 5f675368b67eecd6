package app_test

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf16"
)

// canaryWords are in every text that the tests write on a phone: nothing that
// is kept or printed may hold them in the clear.
const canaryWords = "zibeline orpiment"

// needle is one way in which a secret could be written somewhere (reliability.md
// I11).
type needle struct {
	how   string
	bytes []byte
}

// encodings lists the ways in which a text could be written.
func encodings(text string) (list []needle) {
	add := func(how string, b []byte) {
		for _, n := range list {
			if bytes.Equal(n.bytes, b) {
				return
			}
		}
		list = append(list, needle{how, b})
	}
	raw := []byte(text)
	add("raw", raw)
	for _, alphabet := range []struct {
		how string
		*base64.Encoding
	}{{"base64", base64.RawStdEncoding}, {"base64url", base64.RawURLEncoding}} {
		for shift := range 3 {
			// Characters that bits of a neighbour are in are left out.
			whole := alphabet.EncodeToString(append(make([]byte, shift), raw...))
			add(fmt.Sprintf("%s, shifted by %d", alphabet.how, shift), []byte(whole[(shift*8+5)/6:(shift+len(raw))*8/6]))
		}
	}
	add("hex", []byte(hex.EncodeToString(raw)))
	add("HEX", []byte(strings.ToUpper(hex.EncodeToString(raw))))
	add("UTF-16LE", utf16Bytes(text, false))
	add("UTF-16BE", utf16Bytes(text, true))
	add("URL-encoded", []byte(url.QueryEscape(text)))
	add("URL-encoded path", []byte(url.PathEscape(text)))
	quoted, _ := json.Marshal(text) // a string: it cannot fail
	add("JSON", quoted[1:len(quoted)-1])
	return list
}

// numberNeedles lists the ways in which numbers with a common beginning could be
// written. digits is that beginning, of the 8 digits that a number has in Mali.
func numberNeedles(digits string) []needle {
	list := encodings(digits)
	for _, form := range []string{"+223" + digits, "00223" + digits, spaced(digits), "+223 " + spaced(digits)} {
		for _, n := range encodings(form) {
			n.how = fmt.Sprintf("as %.3s…, %s", form, n.how)
			list = append(list, n)
		}
	}
	return list
}

// spaced writes digits in pairs.
func spaced(digits string) string {
	var b strings.Builder
	for i, r := range digits {
		if i > 0 && i%2 == 0 {
			b.WriteByte(' ')
		}
		b.WriteRune(r)
	}
	return b.String()
}

// haystack is everything in which secrets are looked for, piece by piece.
type haystack struct {
	needles []needle
	pieces  int
	bytes   int64
	found   []string
}

// piece looks into one thing.
func (h *haystack) piece(name string, b []byte) {
	h.pieces++
	h.bytes += int64(len(b))
	b = withoutEmptyPages(b)
	for _, n := range h.needles {
		if i := bytes.Index(b, n.bytes); i >= 0 {
			h.found = append(h.found, fmt.Sprintf("%s holds a secret (%s): …%q…", name, n.how, b[max(0, i-40):min(len(b), i+len(n.bytes)+40)]))
		}
	}
}

// withoutEmptyPages leaves out what PostgreSQL has only reserved.
func withoutEmptyPages(b []byte) []byte {
	const page = 8192
	if len(b) < 64*page {
		return b
	}
	var zero [page]byte
	out := make([]byte, 0, len(b))
	for len(b) > 0 {
		n := min(page, len(b))
		if !bytes.Equal(b[:n], zero[:n]) {
			out = append(out, b[:n]...)
		}
		b = b[n:]
	}
	return out
}

// folder looks into every file below a folder, and at their names.
func (h *haystack) folder(t *testing.T, dir string) {
	t.Helper()
	must(t, filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			if os.IsNotExist(err) { // PostgreSQL works meanwhile
				return nil
			}
			return err
		}
		h.piece("the name of "+path, []byte(d.Name()))
		if !d.Type().IsRegular() {
			return nil
		}
		b, err := os.ReadFile(path)
		if err != nil {
			if os.IsNotExist(err) {
				return nil
			}
			return err
		}
		h.piece(path, b)
		return nil
	}))
}

// TestASecretIsFoundInEveryEncoding plants secrets, so that the search that
// finds nothing elsewhere is known to find.
func TestASecretIsFoundInEveryEncoding(t *testing.T) {
	t.Parallel()
	const digits = "76918423"
	words := "été à la kɔlɔn"
	planted := map[string]string{
		"raw": words, "hex": hex.EncodeToString([]byte("x" + words)), "HEX": strings.ToUpper(hex.EncodeToString([]byte(words))),
		"URL-encoded":        "text=" + url.QueryEscape("un "+words+" deux") + "&id=1",
		"URL-encoded path":   url.PathEscape(words),
		"base64":             base64.StdEncoding.EncodeToString([]byte(words + "!")),
		"base64, one before": base64.StdEncoding.EncodeToString([]byte("x" + words + "!")),
		"base64, two before": base64.StdEncoding.EncodeToString([]byte("xy" + words)),
		"base64url":          base64.URLEncoding.EncodeToString([]byte("xy" + words + "z")),
		"UTF-16LE":           string(utf16Bytes(words, false)), "UTF-16BE": string(utf16Bytes("ab"+words, true)),
	}
	for how, text := range planted {
		h := &haystack{needles: encodings(words)}
		h.piece(how, []byte("before "+text+" behind"))
		if len(h.found) == 0 {
			t.Errorf("words in %s were not found", how)
		}
	}
	for _, form := range []string{digits, "+223" + digits, "00223" + digits, "76 91 84 23", "+223 76 91 84 23", "%2B223" + digits} {
		for how, text := range map[string]string{
			"raw": form, "hex": hex.EncodeToString([]byte(form)), "HEX": strings.ToUpper(hex.EncodeToString([]byte(form))),
			"base64": base64.StdEncoding.EncodeToString([]byte(form)), "base64, one before": base64.StdEncoding.EncodeToString([]byte("n" + form)),
			"base64, two before": base64.StdEncoding.EncodeToString([]byte("nn" + form + "n")), "URL-encoded": url.QueryEscape(form),
			"UTF-16LE": string(utf16Bytes(form, false)), "UTF-16BE": string(utf16Bytes(form, true)),
		} {
			h := &haystack{needles: numberNeedles(digits)}
			h.piece(how, []byte(text))
			if len(h.found) == 0 {
				t.Errorf("the number %q in %s was not found", form, how)
			}
		}
	}
	// In a large file, on the last page of many empty ones, and in a folder's names.
	dir := t.TempDir()
	big := make([]byte, 3<<20)
	copy(big[len(big)-5000:], words)
	must(t, os.WriteFile(filepath.Join(dir, "big"), big, 0o600))
	must(t, os.Mkdir(filepath.Join(dir, digits), 0o700))
	h := &haystack{needles: append(encodings(words), numberNeedles(digits)...)}
	h.folder(t, dir)
	if len(h.found) < 2 {
		t.Errorf("found only %q", h.found)
	}
	clean := &haystack{needles: h.needles}
	clean.piece("clean", bytes.Repeat([]byte("rien a trouver ici, 70 00 00 01 "), 10_000))
	if len(clean.found) > 0 {
		t.Errorf("found %q where nothing is", clean.found)
	}
}

func utf16Bytes(s string, big bool) (b []byte) {
	for _, u := range utf16.Encode([]rune(s)) {
		if big {
			b = binary.BigEndian.AppendUint16(b, u)
		} else {
			b = binary.LittleEndian.AppendUint16(b, u)
		}
	}
	return b
}
