package screen

import (
	"lafia/internal/flow"
	"lafia/internal/gsm"
	"lafia/internal/locale"
)

// Measure says what a text costs on its way to a phone, folded by the
// language's table first if fold is set.
//
// encoding is "gsm7" or "ucs2", units its septets or its UTF-16 code units;
// folded is the text that was measured.
//
// Both other numbers are given for either medium, so that a translator sees
// what a text would cost on the other one. segments are those of an SMS
// (gsm.Measure). pages are those of the medium, at USSD's 160 septets or 70
// units and SMS's two segments, laid out as a screen that says this and asks
// nothing: where there are several, each but the last ends with the key that
// turns it, and takes room for it. An empty text is one segment and one page.
func Measure(text string, w *locale.Words, medium string, fold bool) (encoding string, units, segments, pages int, folded string) {
	folded = text
	if fold {
		folded = w.Fold(text)
	}
	e, units, segments := gsm.Measure(folded)
	l := newLayout(flow.Screen{}, w, For(medium))
	l.add(folded, false)
	return string(e), units, segments, len(l.pages()), folded
}
