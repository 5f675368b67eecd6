package screen

import (
	"strings"
	"testing"
	"unicode/utf8"

	"lafia/internal/flow"
)

// The splitter by itself: whatever is said and offered, whatever limit a channel
// has, pages fit, turn round, and keep every option whole or its key in front.
func FuzzPagesOfAnyText(f *testing.F) {
	f.Add("Quel lieu?", "Tombouctou", uint8(20), uint8(160), uint8(0))
	f.Add(strings.Repeat("mot ", 100), "", uint8(0), uint8(182), uint8(1))
	f.Add(strings.Repeat("x", 500), strings.Repeat("y", 200), uint8(3), uint8(60), uint8(2))
	f.Add("25 000 F CFA et 4827-1936", "ɛɔŋɲ 😀", uint8(12), uint8(100), uint8(3))
	f.Add("\n\n \n", "\r\n", uint8(5), uint8(150), uint8(4))
	f.Add("€€€[]{}~^|\\", "€", uint8(99), uint8(0), uint8(0))
	words := catalog(f).Words("fr")
	f.Fuzz(func(t *testing.T, say, option string, options, septets, kind uint8) {
		s := flow.Screen{
			Say: []flow.Line{{Text: say}}, Back: kind&8 != 0, Menu: kind&16 != 0,
			Input: []flow.Input{flow.InputNone, flow.InputChoice, flow.InputText, flow.InputPlace, flow.InputNumber}[kind%5],
		}
		for i := range int(options) % 40 {
			s.Options = append(s.Options, choices(make([]string, i+1)...)[i])
			s.Options[i].Say = flow.Line{Text: option}
		}
		lim := USSD().Within(int(septets))
		if septets > 0 && septets < 40 {
			lim = USSD() // no channel carries less
		}
		shown := Layout(s, words, lim)
		checkPages(t, shown, lim)
		if shown.Cut != (shown.Cut && s.Input == flow.InputNumber) || s.Input == flow.InputNumber && len(shown.Pages) != 1 {
			t.Errorf("a number screen has %d pages, cut %v", len(shown.Pages), shown.Cut)
		}
		seen := map[string]bool{}
		at := shown
		for range shown.Pages {
			if !utf8.ValidString(at.Text()) {
				t.Errorf("a page is no text: %q", at.Text())
			}
			seen[at.Text()] = true
			m := at.Resolve("99")
			if m.Kind != Page {
				break
			}
			at = m.Shown
		}
		if s.Input != flow.InputNumber && len(s.Options) < 99 && len(shown.Pages) > 1 && at.Page != 0 {
			t.Errorf("after %d pages 99 leads to page %d", len(shown.Pages), at.Page+1)
		}
		for _, o := range s.Options {
			if m := shown.Resolve(o.Key); s.Input != flow.InputNumber && (m.Kind != Choice || m.Value != o.Value) {
				t.Errorf("%s is %+v", o.Key, m)
			}
		}
	})
}

func FuzzAnyInputMeansOneThing(f *testing.F) {
	for _, in := range []string{"", "1", "0", "00", "99", "000", "1.", "2)", " 3 ", "٣", "oui", "\x00", "\xff", "999999999999999999", "1*2"} {
		f.Add(in, uint8(1), true)
	}
	f.Fuzz(func(t *testing.T, in string, kind uint8, back bool) {
		input := []flow.Input{flow.InputNone, flow.InputChoice, flow.InputText, flow.InputPlace, flow.InputNumber}[kind%5]
		s := Shown{Pages: []string{"a", "b"}, Input: input, Back: back, Menu: back, Options: []Option{{Key: "1", Value: "x"}, {Key: "2", Value: "y"}}}
		m := s.Resolve(in)
		switch m.Kind {
		case Back, Menu:
			if !back {
				t.Errorf("%q leads back where no way back is", in)
			}
		case Choice:
			if m.Value != "x" && m.Value != "y" {
				t.Errorf("%q chooses %+v", in, m)
			}
		case Text:
			if m.Text == "" || input == flow.InputChoice || input == flow.InputNone {
				t.Errorf("%q is the text %q on %q", in, m.Text, input)
			}
		case Page, Wrong:
		default:
			t.Errorf("%q is %q", in, m.Kind)
		}
	})
}
