// Package screen turns what a flow wants shown into what a phone shows: words
// of her language folded into the 7-bit alphabet, pages that fit, and the keys
// on them; and it says what a keypress on such a screen means.
package screen

import (
	"strings"
	"unicode"

	"lafia/internal/flow"
	"lafia/internal/gsm"
	"lafia/internal/locale"
)

// Limits is what one page may hold: septets, or UCS-2 units once a character
// outside the 7-bit alphabet stays in it.
type Limits struct {
	Septets, UCS2 int
}

// Within gives the limits of a channel that carries so many septets on a USSD
// page, 182 at the most; 0 leaves them as they are.
func (lim Limits) Within(septets int) Limits {
	if septets <= 0 {
		return lim
	}
	septets = min(septets, gsm.USSDSeptets)
	return Limits{Septets: septets, UCS2: (septets*7 + 15) / 16}
}

// USSD is the page that every network and aggregator carries. The standard
// allows 182 septets and 80 units (see gsm); some gateways cut at 160 and 70.
func USSD() Limits { return Limits{gsm.USSDSafeSeptets, gsm.USSDSafeUnits} }

// SMS is two joined segments.
func SMS() Limits { return Limits{2 * gsm.SMSPartSeptets, 2 * gsm.SMSPartUnits} }

// For gives the limits of a medium: "sms", and for all else USSD's, which are
// the narrower.
func For(medium string) Limits {
	if medium == "sms" {
		return SMS()
	}
	return USSD()
}

// The keys of navigation (design.md, decision 10).
const (
	keyBack       = "0"
	keyMenu       = "00"
	keyNext       = "99"
	keyNumberBack = "00"
	keyNumberMenu = "000"
)

// Shown is a screen as a phone got it. It is kept in the session between two
// hops: what was on her screen decides what a key means.
type Shown struct {
	Pages   []string   `json:"p"`
	Page    int        `json:"n,omitempty"` // the page she sees, from 0
	Options []Option   `json:"o,omitempty"`
	Input   flow.Input `json:"i,omitempty"`
	Back    bool       `json:"b,omitempty"` // the back key is offered
	Menu    bool       `json:"m,omitempty"` // the menu key is offered
	// Cut says that the text of a number screen was too long for its one page,
	// so a mistake of whoever wrote the words.
	Cut bool `json:"-"`
}

// Option is one thing that can be chosen on the screen.
type Option struct {
	Key   string `json:"k"`
	Value string `json:"v"`
	Level string `json:"l,omitempty"`
}

// Text is the page she sees.
func (s Shown) Text() string {
	if s.Page < 0 || s.Page >= len(s.Pages) {
		return ""
	}
	return s.Pages[s.Page]
}

// Ends reports whether the session may be closed behind this page: the
// conversation ends with this screen and no page is left to turn to.
func (s Shown) Ends() bool {
	return s.Input == flow.InputNone && s.Page >= len(s.Pages)-1
}

// Kind says what an input on a screen means.
type Kind string

// What an input can mean.
const (
	Page   Kind = "page"   // Shown is the screen on its next page
	Back   Kind = "back"   // to the question before
	Menu   Kind = "menu"   // to the main menu
	Choice Kind = "choice" // Value, Key and Level are the option's
	Text   Kind = "text"   // Text is what was typed
	Wrong  Kind = "wrong"  // no key of this screen
)

// Move is what an input on a screen means.
type Move struct {
	Kind  Kind
	Shown Shown  // Page
	Value string // Choice
	Key   string // Choice
	Level string // Choice
	Text  string // Text
}

// Resolve says what an input means on this screen.
//
// Keys are digits, in whatever digits her phone writes them, and may have a
// space around or a point or bracket behind ("1." "1)"). Letters choose
// nothing: yes is A in Songhai and no is a in Bambara (languages.md 0.3).
//
//	choice  an option's key, or navigation; all else is wrong
//	place   the same, and a text with a letter is a text
//	text    the same, and all else that isn't empty is a text
//	number  00 back, 000 menu if offered; all else that isn't empty is a text
//	none    only pages to turn
func (s Shown) Resolve(input string) Move {
	text := strings.TrimSpace(input)
	key := asKey(text)
	if s.Input == flow.InputNumber {
		switch {
		case text == "":
		case key == keyNumberBack:
			if s.Back {
				return Move{Kind: Back}
			}
		case key == keyNumberMenu:
			if s.Menu {
				return Move{Kind: Menu}
			}
		default:
			return Move{Kind: Text, Text: asciiDigits(text)}
		}
		return Move{Kind: Wrong}
	}
	for _, o := range s.Options {
		if o.Key == key {
			return Move{Kind: Choice, Value: o.Value, Key: o.Key, Level: o.Level}
		}
	}
	switch {
	case text == "":
		return Move{Kind: Wrong}
	case key == keyBack:
		if s.Back {
			return Move{Kind: Back}
		}
		return Move{Kind: Wrong}
	case key == keyMenu:
		if s.Menu {
			return Move{Kind: Menu}
		}
		return Move{Kind: Wrong}
	case key == keyNext:
		if len(s.Pages) > 1 {
			s.Page = (s.Page + 1) % len(s.Pages)
			return Move{Kind: Page, Shown: s}
		}
		return Move{Kind: Wrong}
	case s.Input == flow.InputText:
		return Move{Kind: Text, Text: text}
	case s.Input == flow.InputPlace && strings.ContainsFunc(text, unicode.IsLetter):
		return Move{Kind: Text, Text: text}
	}
	return Move{Kind: Wrong}
}

// asKey reads a text as a key, "" when it is none.
func asKey(text string) string {
	text = strings.TrimRight(strings.TrimSpace(text), ".)")
	text = strings.TrimSpace(text)
	if text == "" || len(text) > 16 {
		return ""
	}
	text = asciiDigits(text)
	for i := 0; i < len(text); i++ {
		if text[i] < '0' || text[i] > '9' {
			return ""
		}
	}
	return text
}

// asciiDigits writes Arabic-Indic, N'Ko, full-width and every other decimal
// digit of Unicode as 0 to 9.
func asciiDigits(text string) string {
	return strings.Map(func(r rune) rune {
		if r < 0x80 || !unicode.IsDigit(r) {
			return r
		}
		// The digits of a script are ten code points in order (Unicode, 4.6,
		// Nd), so the value is the distance to the digit that has none before.
		zero := r
		for unicode.IsDigit(zero-1) && r-zero < 9 {
			zero--
		}
		return '0' + (r - zero)
	}, text)
}

// Layout lays a screen out in the words of a language: the hint, what the
// screen says, its options one a line, and a line of keys. See Shown.
func Layout(s flow.Screen, w *locale.Words, lim Limits) Shown {
	shown := Shown{Input: s.Input, Back: s.Back, Menu: s.Menu}
	if len(s.Options) > 0 {
		shown.Options = make([]Option, len(s.Options))
		for i, o := range s.Options {
			shown.Options[i] = Option{o.Key, o.Value, o.Level}
		}
	}
	if w.Mixes() {
		w = w.Whole(keysOf(s))
	}
	l := newLayout(s, w, lim)
	if s.Input == flow.InputNumber {
		shown.Pages, shown.Cut = l.onePage()
	} else {
		shown.Pages = l.pages()
	}
	return shown
}

// keysOf lists the words that a screen needs, its keys included.
func keysOf(s flow.Screen) []string {
	var out []string
	add := func(l flow.Line) {
		if l.Key != "" {
			out = append(out, l.Key)
		}
		for _, key := range l.Keys {
			out = append(out, key)
		}
	}
	add(s.Hint)
	for _, l := range s.Say {
		add(l)
	}
	for _, o := range s.Options {
		add(o.Say)
	}
	back, menu := "key.back", "key.menu"
	if s.Input == flow.InputNumber {
		back, menu = "key.number.back", "key.number.menu"
	}
	if s.Back && !s.End() {
		out = append(out, back)
	}
	if s.Menu && !s.End() {
		out = append(out, menu)
	}
	return out
}
