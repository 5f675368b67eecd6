package fakeaggregator

import (
	"encoding/base64"
	"encoding/hex"
	"strings"
	"testing"
	"time"
)

func TestANonceIsFoundInTextAndNowhereElse(t *testing.T) {
	a, b := nonceOf(1764374400, 3, 1), nonceOf(1764374400, 4, 1)
	if a == b || len(a) != nonceLength || len(b) != nonceLength {
		t.Fatalf("nonces %q and %q", a, b)
	}
	if got := noncesIn("x" + a + ", puis " + b + "."); len(got) != 2 || got[0] != a || got[1] != b {
		t.Errorf("found %v", got)
	}
	for _, text := range []string{"", "qzx", noncePrefix + "aeiouaeiouae", a[:nonceLength-1], strings.ToUpper(a)} {
		if got := noncesIn(text); len(got) != 0 {
			t.Errorf("%q: found %v", text, got)
		}
	}
}

func TestWhatMustBeNowhereIsFoundInEveryEncoding(t *testing.T) {
	const number = "+22391234567"
	nonce := nonceOf(7, 1, 0)
	s := newSearch([]Line{
		{Kind: KindCaller, Caller: 0, Number: number, Role: Feedback},
		{Kind: KindCaller, Caller: 1, Number: "+22397654321", Role: Grave},
		{Kind: KindRun, Caller: 1, Nonce: nonce, Flow: string(Grave)},
	})
	utf16 := func(text string) (out []byte) {
		for i := range len(text) {
			out = append(out, 0, text[i])
		}
		return out
	}
	for name, row := range map[string]string{
		"raw":              "(1," + number + ",x)",
		"without the plus": "(22391234567)",
		"national":         "(1,91234567)",
		"spaced":           "le 91 23 45 67",
		"00":               "0022391234567",
		"base64":           base64.StdEncoding.EncodeToString([]byte("a" + number)),
		"base64 further":   base64.StdEncoding.EncodeToString([]byte("ab" + number + "c")),
		"hex as text":      "h" + hex.EncodeToString([]byte(number)),
		"bytes":            `("\\x` + hex.EncodeToString([]byte("x"+number+"x")) + `")`,
		"UTF-16":           `(\x` + hex.EncodeToString(utf16(number)) + `)`,
		"words":            `{"text": "` + nonce + `"}`,
		"words as bytes":   `(\x` + hex.EncodeToString([]byte(nonce)) + `)`,
		"words in base64":  base64.StdEncoding.EncodeToString([]byte("xy" + nonce)),
	} {
		if len(s.in("t", row)) == 0 {
			t.Errorf("%s: not found in %q", name, row)
		}
	}
	for name, row := range map[string]string{
		"nothing": "", "another number": "(+22391234568)",
		"part of an id": "0a91234567-b123-4000-8000-000000000000", "part of a longer number": "(912345678)",
		"random bytes": `(\x` + strings.Repeat("91234567", 3) + `)`,
	} {
		if got := s.in("t", row); len(got) != 0 {
			t.Errorf("%s: found %v in %q", name, got, row)
		}
	}
}

func TestALedgerIsReadAsItWasWritten(t *testing.T) {
	var b strings.Builder
	l := NewLedger(&b)
	l.During("redis", func() { time.Sleep(time.Millisecond) })
	l.write(Line{Kind: KindHop, Caller: 3, Screen: "CON <é>\n1 Oui", Ref: "4827-1936", Acked: true})
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	lines, err := ReadLedger(strings.NewReader(b.String() + `{"kind":"hop","at":`))
	if err != nil || len(lines) != 3 {
		t.Fatalf("%d lines, %v: a last line that was cut is left out", len(lines), err)
	}
	if !Ended(lines) || Ended(lines[:2]) {
		t.Error("where a ledger ends is not seen")
	}
	if w := lines[0]; w.Kind != KindWindow || w.Window != "redis" || w.Took < time.Millisecond {
		t.Errorf("the window is %+v", w)
	}
	if h := lines[1]; h.Screen != "CON <é>\n1 Oui" || h.Ref != "4827-1936" || !h.Acked || h.Caller != 3 || h.Wall.IsZero() {
		t.Errorf("the hop is %+v", h)
	}
	for _, bad := range []string{"", "no ledger\n{}\n"} {
		if _, err := ReadLedger(strings.NewReader(bad)); err == nil {
			t.Errorf("%q is read as a ledger", bad)
		}
	}
}

func TestFaultsAreReadAsTheyAreWritten(t *testing.T) {
	f, err := ParseFaults(" duplicate=0.2, drop=1,,late=0.25")
	if err != nil || f.Duplicate != 0.2 || f.Drop != 1 || f.Late != 0.25 || f.String() != "duplicate=0.2,drop=1,late=0.25" {
		t.Errorf("read %v, %v", f, err)
	}
	f, err = ParseFaults("drop=1,both=1,error=0.5,early=1")
	if err != nil || strings.Join(f.Idle(1, false), " ") != "both error early" || len(f.Idle(2, true)) != 0 {
		t.Errorf("these do nothing: %v, %v", f.Idle(1, false), err)
	}
	if _, err := ParseFaults("drop=nan"); err == nil {
		t.Error("nan is how often something happens")
	}
	if f, err := ParseFaults(""); err != nil || f.String() != "none" {
		t.Errorf("read %v, %v", f, err)
	}
	for _, bad := range []string{"x=1", "drop", "drop=2", "drop=-1", "drop=x", "error=0.7,silent=0.7"} {
		if _, err := ParseFaults(bad); err == nil {
			t.Errorf("%q is read", bad)
		}
	}
}
