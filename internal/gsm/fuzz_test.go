package gsm

import (
	"bytes"
	"testing"
)

// What comes over the air is bytes: none may be read as something that is then
// written otherwise.
func FuzzDecodeAndEncode(f *testing.F) {
	for _, b := range [][]byte{nil, {0}, {0x1B}, {0x1B, 0x65}, {0x1B, 0x1B, 0x65}, {0x41, 0x1B}, {0x7F, 0x80, 0xFF}, {0x1B, 0x41}, []byte("Merci, message bien recu")} {
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		text, fine := Decode(b)
		again, ok := Encode(text)
		if fine && !ok {
			t.Fatalf("%x reads as %q, which can't be written", b, text)
		}
		if !ok {
			return
		}
		back, fineToo := Decode(again)
		if !fineToo || back != text {
			t.Errorf("%x reads as %q, which is written %x and read as %q", b, text, again, back)
		}
		if once, _ := Encode(back); !bytes.Equal(once, again) {
			t.Errorf("%q is written %x, then %x", text, again, once)
		}
		if encoding, units, _ := Measure(text); encoding != GSM7 || units != len(again) {
			t.Errorf("%q is %d %s units and %d bytes", text, units, encoding, len(again))
		}
	})
}
