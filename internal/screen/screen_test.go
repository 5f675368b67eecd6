package screen

import (
	"cmp"
	"encoding/json"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"unicode"

	"lafia/flows"
	"lafia/internal/flow"
	"lafia/internal/gsm"
	"lafia/internal/locale"
	"lafia/locales"
)

var update = flag.Bool("update", false, "write the golden files anew")

func catalog(t testing.TB) *locale.Catalog {
	t.Helper()
	c, err := locale.Load(locales.Files)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func words(text string) flow.Line { return flow.Line{Text: text} }

func choices(texts ...string) (options []flow.Option) {
	for i, text := range texts {
		options = append(options, flow.Option{Key: fmt.Sprint(i + 1), Value: "v" + fmt.Sprint(i+1), Say: words(text)})
	}
	return options
}

// checkPages holds every page against the limits by the plainest count there is.
func checkPages(t *testing.T, s Shown, lim Limits) {
	t.Helper()
	if len(s.Pages) == 0 {
		t.Error("no page")
	}
	for i, page := range s.Pages {
		encoding, units, segments := gsm.Measure(page)
		most := lim.Septets
		if encoding == gsm.UCS2 {
			most = lim.UCS2
		}
		if units > most || lim == SMS() && segments > 2 || lim == USSD() && segments > 1 {
			t.Errorf("page %d of %d is %d %s units in %d segments: %q", i+1, len(s.Pages), units, encoding, segments, page)
		}
		if page == "" && len(s.Pages) > 1 {
			t.Errorf("page %d of %d is empty", i+1, len(s.Pages))
		}
	}
}

func TestAScreenThatFitsIsOnePageWithItsKeysBelow(t *testing.T) {
	w := catalog(t).Words("fr")
	s := flow.Screen{
		Hint: flow.Line{Key: "hint.key"}, Say: []flow.Line{{Key: "menu.title"}},
		Options: choices("Une question", "Une « idée »"), Input: flow.InputChoice, Back: true, Menu: true,
	}
	want := "Tapez un numero de la liste.\nChoisissez:\n1 Une question\n2 Une \"idée\"\n0 Retour 00 Menu"
	shown := Layout(s, w, USSD())
	if len(shown.Pages) != 1 || shown.Text() != want {
		t.Errorf("got %q, want %q", shown.Pages, want)
	}
	if again := Layout(s, w, SMS()); again.Text() != want {
		t.Errorf("by SMS: %q", again.Text())
	}
	s.Back, s.Menu = false, false
	if got := Layout(s, w, USSD()).Text(); strings.Contains(got, "Retour") || strings.HasSuffix(got, "\n") {
		t.Errorf("keys that aren't offered are shown: %q", got)
	}
	s.Input, s.Back, s.Menu = flow.InputNone, true, true
	if got := Layout(s, w, USSD()).Text(); strings.Contains(got, "Retour") {
		t.Errorf("an ending shows keys: %q", got)
	}
}

func TestWordsThatAreParametersAreInHerLanguage(t *testing.T) {
	line := flow.Line{Key: "number.sure", Args: map[string]string{"n": "31"}, Keys: map[string]string{"what": "progress.reu.short"}}
	for tag, want := range map[string]string{
		"fr": "Reunions 31: c'est juste?",
		"bm": "Nyògònyew 31: tinyè don wa?",
	} {
		if got := Layout(flow.Screen{Say: []flow.Line{line}}, catalog(t).Words(tag), SMS()).Text(); got != want {
			t.Errorf("%s: %q", tag, got)
		}
	}
}

func TestOptionsKeepTheirKeysOnEveryPageAndMoveAsAWhole(t *testing.T) {
	w := catalog(t).Words("fr")
	var texts []string
	for i := range 14 {
		texts = append(texts, fmt.Sprintf("Commune de Sokolo %02d", i+1))
	}
	s := Layout(flow.Screen{Say: []flow.Line{words("Quel lieu?")}, Options: choices(texts...), Input: flow.InputPlace, Back: true, Menu: true}, w, USSD())
	checkPages(t, s, USSD())
	if len(s.Pages) < 3 {
		t.Fatalf("only %d pages", len(s.Pages))
	}
	all := strings.Join(s.Pages, "\n")
	for i, text := range texts {
		if n := strings.Count(all, fmt.Sprintf("%d %s\n", i+1, text)); n != 1 {
			t.Errorf("option %d is there %d times", i+1, n)
		}
	}
	for i, page := range s.Pages {
		last := i == len(s.Pages)-1
		if strings.Contains(page, "Quel lieu?") != (i == 0) {
			t.Errorf("page %d: the question is on the first page only: %q", i+1, page)
		}
		if strings.HasSuffix(page, "\n0 Retour 00 Menu 99 Suite") == last || strings.HasSuffix(page, "\n0 Retour 00 Menu") != last {
			t.Errorf("page %d ends with the wrong keys: %q", i+1, page)
		}
	}
	// What was on another page can be chosen on this one.
	if m := s.Resolve("14"); m.Kind != Choice || m.Value != "v14" || m.Key != "14" {
		t.Errorf("14 is %+v", m)
	}
}

func TestLongProseIsBrokenBetweenWordsAndNoNumberIsTorn(t *testing.T) {
	w := catalog(t).Words("fr")
	numbers := []string{"4827-1936", "25 000 F CFA", "+223 76 12 34 56", "*384*1*42#", "1 250 000 F"}
	for shift := range 60 {
		text := strings.Repeat("mot ", 20) + strings.Repeat("x", shift)
		for range 6 {
			text += " " + strings.Join(numbers, " puis ")
		}
		s := Layout(flow.Screen{Say: []flow.Line{words(text)}, Input: flow.InputText, Back: true}, w, USSD())
		checkPages(t, s, USSD())
		got := map[string]int{}
		var back []string
		for _, page := range s.Pages {
			body := page[:strings.LastIndex(page, "\n")]
			back = append(back, body)
			for _, n := range numbers {
				got[n] += strings.Count(body, strings.TrimSuffix(n, " CFA"))
			}
		}
		if joined := strings.Join(back, " "); joined != text {
			t.Fatalf("the pages say %q, not %q", joined, text)
		}
		for _, n := range numbers {
			if got[n] != 6 {
				t.Fatalf("shift %d: %q is whole %d times of 6 in %q", shift, n, got[n], s.Pages)
			}
		}
	}
}

func TestANumberScreenIsOnePageAndSaysItsKeys(t *testing.T) {
	w := catalog(t).Words("fr")
	s := flow.Screen{Hint: words(strings.Repeat("trop petit ", 12)), Say: []flow.Line{words("Nombre de membres:")}, Input: flow.InputNumber, Back: true, Menu: true}
	shown := Layout(s, w, USSD())
	if len(shown.Pages) != 1 || !strings.HasSuffix(shown.Text(), "Nombre de membres:\n00 Retour 000 Menu") || !shown.Cut {
		t.Errorf("got %q, cut %v", shown.Pages, shown.Cut)
	}
	if !strings.HasPrefix(shown.Text(), "trop petit") {
		t.Errorf("nothing is left of the hint: %q", shown.Text())
	}
	s.Say = []flow.Line{words(strings.Repeat("membres ", 40))}
	shown = Layout(s, w, USSD())
	checkPages(t, shown, USSD())
	if len(shown.Pages) != 1 || !strings.HasSuffix(shown.Text(), "membres\n00 Retour 000 Menu") || !shown.Cut {
		t.Errorf("got %q, cut %v", shown.Pages, shown.Cut)
	}
	s.Hint = flow.Line{}
	s.Say = []flow.Line{words("Nombre:")}
	if shown = Layout(s, w, USSD()); shown.Cut {
		t.Error("what fits is said to be cut")
	}
}

func TestALongEndingIsTurnedToItsEndBeforeTheSessionCloses(t *testing.T) {
	w := catalog(t).Words("fr")
	s := Layout(flow.Screen{Say: []flow.Line{words(strings.Repeat("reponse ", 30))}}, w, USSD())
	if len(s.Pages) != 2 || !strings.HasSuffix(s.Pages[0], "\n99 Suite") || strings.Contains(s.Pages[1], "Suite") {
		t.Fatalf("got %q", s.Pages)
	}
	if s.Ends() {
		t.Error("the session is closed with a page unread")
	}
	m := s.Resolve("99")
	if m.Kind != Page || !m.Shown.Ends() || m.Shown.Text() != s.Pages[1] {
		t.Errorf("99 is %+v", m)
	}
	if one := Layout(flow.Screen{Say: []flow.Line{words("Merci")}}, w, USSD()); !one.Ends() {
		t.Error("a short ending doesn't end")
	}
}

func TestLettersOutsideTheAlphabetMakeThePageUCS2(t *testing.T) {
	w := catalog(t).Words("bm")
	s := Layout(flow.Screen{Say: []flow.Line{words(strings.Repeat("مرحبا بكم ", 12))}, Input: flow.InputText, Back: true, Menu: true}, w, USSD())
	checkPages(t, s, USSD())
	if len(s.Pages) < 3 || !strings.Contains(s.Pages[0], "0 Kòsegin") {
		t.Errorf("got %q", s.Pages)
	}
}

func TestWhatIsShownAsOneCharacterStaysOne(t *testing.T) {
	w := catalog(t).Words("fr")
	family := "👨\u200d👩\u200d👧\u200d👦"
	s := Layout(flow.Screen{Say: []flow.Line{words(strings.Repeat(family, 30))}, Input: flow.InputText}, w, USSD())
	checkPages(t, s, USSD())
	for _, page := range s.Pages {
		body, _, _ := strings.Cut(page, "\n")
		if strings.ReplaceAll(body, family, "") != "" {
			t.Errorf("a family is torn: %q", page)
		}
	}
}

func TestResolveSaysWhatAKeyMeansOnHerScreen(t *testing.T) {
	shown := func(input flow.Input, pages int, offered bool) Shown {
		s := Shown{Input: input, Back: offered, Menu: offered}
		for range pages {
			s.Pages = append(s.Pages, "x")
		}
		if input != flow.InputNumber && input != flow.InputText {
			s.Options = []Option{{"1", "Q", ""}, {"2", "S", "L2"}, {"9", "X", "L3"}, {"12", "Z", ""}}
		}
		return s
	}
	choice, text, place, number, none := flow.InputChoice, flow.InputText, flow.InputPlace, flow.InputNumber, flow.InputNone
	for _, c := range []struct {
		input   flow.Input
		pages   int
		offered bool
		typed   string
		want    Move
	}{
		{choice, 1, true, "1", Move{Kind: Choice, Value: "Q", Key: "1"}},
		{choice, 1, true, " 2 ", Move{Kind: Choice, Value: "S", Key: "2", Level: "L2"}},
		{choice, 1, true, "1.", Move{Kind: Choice, Value: "Q", Key: "1"}},
		{choice, 1, true, "1)", Move{Kind: Choice, Value: "Q", Key: "1"}},
		{choice, 1, true, "１２", Move{Kind: Choice, Value: "Z", Key: "12"}}, // full width
		{choice, 1, true, "٢", Move{Kind: Choice, Value: "S", Key: "2", Level: "L2"}},
		{choice, 1, true, "۹", Move{Kind: Choice, Value: "X", Key: "9", Level: "L3"}},
		{choice, 1, true, "߁", Move{Kind: Choice, Value: "Q", Key: "1"}}, // N'Ko
		{choice, 1, true, "0", Move{Kind: Back}},
		{choice, 1, true, "٠", Move{Kind: Back}},
		{choice, 1, true, "00", Move{Kind: Menu}},
		{choice, 1, true, "000", Move{Kind: Wrong}},
		{choice, 1, true, "99", Move{Kind: Wrong}}, // there is no next page
		{choice, 1, true, "3", Move{Kind: Wrong}},
		{choice, 1, true, "01", Move{Kind: Wrong}},
		{choice, 1, true, "-1", Move{Kind: Wrong}},
		{choice, 1, true, "1 2", Move{Kind: Wrong}},
		{choice, 1, true, "a", Move{Kind: Wrong}}, // never a letter
		{choice, 1, true, "Q", Move{Kind: Wrong}}, // nor a value
		{choice, 1, true, "oui", Move{Kind: Wrong}},
		{choice, 1, true, "", Move{Kind: Wrong}},
		{choice, 1, true, ".", Move{Kind: Wrong}},
		{choice, 1, false, "0", Move{Kind: Wrong}},
		{choice, 1, false, "00", Move{Kind: Wrong}},

		{place, 1, true, "1", Move{Kind: Choice, Value: "Q", Key: "1"}},
		{place, 1, true, " Sokolo ", Move{Kind: Text, Text: "Sokolo"}},
		{place, 1, true, "Sokolo 2", Move{Kind: Text, Text: "Sokolo 2"}},
		{place, 1, true, "77", Move{Kind: Wrong}},
		{place, 1, true, "?", Move{Kind: Wrong}},
		{place, 1, true, "0", Move{Kind: Back}},
		{place, 1, true, "00", Move{Kind: Menu}},

		{text, 1, true, "  l'eau manque ", Move{Kind: Text, Text: "l'eau manque"}},
		{text, 1, true, "1", Move{Kind: Text, Text: "1"}},
		{text, 1, true, "٣ jours", Move{Kind: Text, Text: "٣ jours"}}, // her words as she wrote them
		{text, 1, true, "0", Move{Kind: Back}},
		{text, 1, true, "00", Move{Kind: Menu}},
		{text, 1, false, "0", Move{Kind: Wrong}},
		{text, 1, false, "00", Move{Kind: Wrong}},
		{text, 1, true, "99", Move{Kind: Wrong}},
		{text, 1, true, " \n ", Move{Kind: Wrong}},

		{number, 1, true, "0", Move{Kind: Text, Text: "0"}},
		{number, 1, true, "99", Move{Kind: Text, Text: "99"}},
		{number, 1, true, "00", Move{Kind: Back}},
		{number, 1, true, "000", Move{Kind: Menu}},
		{number, 1, true, "0000", Move{Kind: Text, Text: "0000"}}, // a PIN may be
		{number, 1, true, "25 000 F", Move{Kind: Text, Text: "25 000 F"}},
		{number, 1, true, "٢٥", Move{Kind: Text, Text: "25"}},
		{number, 1, true, "", Move{Kind: Wrong}},
		{number, 1, false, "00", Move{Kind: Wrong}},
		{number, 1, false, "000", Move{Kind: Wrong}},

		{none, 1, false, "1", Move{Kind: Choice, Value: "Q", Key: "1"}},
		{none, 1, false, "0", Move{Kind: Wrong}},
		{none, 1, false, "bonjour", Move{Kind: Wrong}},
	} {
		if got := shown(c.input, c.pages, c.offered).Resolve(c.typed); !reflect.DeepEqual(got, c.want) {
			t.Errorf("%q on a %s screen (offered %v) is %+v, want %+v", c.typed, c.input, c.offered, got, c.want)
		}
	}
}

func TestNinetyNineTurnsThePagesRound(t *testing.T) {
	for _, input := range []flow.Input{flow.InputChoice, flow.InputText, flow.InputPlace} {
		s := Shown{Pages: []string{"a", "b", "c"}, Input: input}
		var seen []string
		for range 4 {
			seen = append(seen, s.Text())
			m := s.Resolve("99")
			if m.Kind != Page {
				t.Fatalf("%s: 99 is %s", input, m.Kind)
			}
			s = m.Shown
		}
		if !slices.Equal(seen, []string{"a", "b", "c", "a"}) {
			t.Errorf("%s: she saw %v", input, seen)
		}
	}
}

func TestShownIsTheSameAfterItWasStored(t *testing.T) {
	c := catalog(t)
	for _, s := range everyScreen(t, c) {
		for _, tag := range c.Tags() {
			shown := Layout(s.screen, c.Words(tag), USSD())
			shown.Cut = false
			b, err := json.Marshal(shown)
			if err != nil {
				t.Fatal(err)
			}
			var back Shown
			if err := json.Unmarshal(b, &back); err != nil || !reflect.DeepEqual(back, shown) {
				t.Errorf("%s: %+v came back as %+v, %v", s.name, shown, back, err)
			}
		}
	}
}

type named struct {
	name   string
	screen flow.Screen
}

// everyScreen makes a screen of each state of our flows, with parameters as
// long as they come.
func everyScreen(t testing.TB, c *locale.Catalog) (screens []named) {
	t.Helper()
	book, err := flow.Load(flows.Files)
	if err != nil {
		t.Fatal(err)
	}
	arguments := map[string]string{
		"project": "Appui aux femmes de Ségou", "example": "42", "min": "3", "max": "300", "month": "septembre",
		"MEM": "125", "REU": "12", "EPA": "1250000", "REC": "2250000", "reference": "4827-1936", "status": "en cours", "number": "+223 20 00 00 00",
		"answer": "Le moulin sera repare lundi, merci d'avoir dit le souci.",
	}
	line := func(key string) flow.Line {
		l := flow.Line{Key: key}
		for _, name := range c.Placeholders(key) {
			if l.Args == nil {
				l.Args = map[string]string{}
			}
			l.Args[name] = cmp.Or(arguments[name], name)
		}
		return l
	}
	var names []string
	for name := range book.Flows {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		f := book.Flows[name]
		var states []string
		for state := range f.States {
			states = append(states, state)
		}
		slices.Sort(states)
		for _, id := range states {
			state := f.States[id]
			if state.Ask == "" {
				continue
			}
			s := flow.Screen{Say: []flow.Line{line(state.Ask)}, Input: flow.InputChoice, Back: name != flow.Main, Menu: name != flow.Main}
			for i, o := range state.Options {
				key := o.Key
				if key == "" {
					key = fmt.Sprint(i + 1)
				}
				s.Options = append(s.Options, flow.Option{Key: key, Value: o.Value, Say: line(o.Say), Level: o.Level})
			}
			switch state.Kind {
			case flow.KindLanguage:
				for i, l := range c.Offered() {
					s.Options = append(s.Options, flow.Option{Key: fmt.Sprint(i + 1), Value: l.Tag, Say: words(l.Name)})
				}
			case flow.KindText, flow.KindProject:
				s.Input = flow.InputText
			case flow.KindPlace:
				s.Input, s.Options = flow.InputPlace, choices("Bamako", "Gao", "Kayes", "Kidal", "Koulikoro", "Ménaka", "Mopti", "Ségou", "Sikasso", "Taoudénit", "Tombouctou")
			case flow.KindNumber, flow.KindMoney, flow.KindPIN, flow.KindReference:
				s.Input = flow.InputNumber
			case flow.KindSay, flow.KindEnd, flow.KindSubmit:
				s.Input, s.Back, s.Menu = flow.InputNone, false, false
			case flow.KindYesNo:
				if len(s.Options) == 0 {
					s.Options = []flow.Option{{Key: "1", Value: "yes", Say: line("answer.yes")}, {Key: "2", Value: "no", Say: line("answer.no")}}
				}
			case flow.KindConfirm:
				if len(s.Options) == 0 {
					s.Options = []flow.Option{{Key: "1", Value: "yes", Say: line("answer.yes")}, {Key: "2", Value: "no", Say: line("answer.no")}}
				}
				s.Say = append(s.Say, understood(f)...)
			}
			screens = append(screens, named{name + "." + id, s})
			if state.Simple != "" {
				simple := s
				simple.Hint, simple.Say = line("hint.key.again"), []flow.Line{line(state.Simple)}
				screens = append(screens, named{name + "." + id + " after two wrong keys", simple})
			}
			if s.Input == flow.InputNumber {
				s.Hint = line("hint.number")
				screens = append(screens, named{name + "." + id + " after a wrong number", s})
			}
			if state.AskSMS != "" {
				s.Hint, s.Say = flow.Line{}, []flow.Line{line(state.AskSMS)}
				screens = append(screens, named{name + "." + id + " by SMS", s})
			}
		}
	}
	return screens
}

// understood is what a confirm says after every answer of a group that churns butter.
func understood(f *flow.Flow) (lines []flow.Line) {
	for _, value := range []struct{ save, text, key string }{
		{"MEM", "125", ""}, {"REU", "12", ""}, {"EPA", "1 250 000", ""}, {"REC", "2 250 000", ""}, {"LAI", "2 000", ""}, {"BEU", "99,5", ""},
		{"EQU", "", "progress.equ.lost"}, {"PB", "", "progress.pb.material"},
	} {
		s := f.States[value.save]
		if s == nil {
			continue
		}
		l := flow.Line{Key: "confirm.item", Args: map[string]string{"value": value.text}, Keys: map[string]string{"what": s.Short}}
		switch {
		case value.key != "":
			l.Args, l.Keys["value"] = nil, value.key
		case s.Kind == flow.KindMoney:
			l.Key, l.Args["value5"] = "confirm.money", "450 000"
		}
		lines = append(lines, l)
	}
	return lines
}

// The golden files are how every screen of ours looks, for whoever changes words.
func TestEveryScreenLooksAsItDid(t *testing.T) {
	c := catalog(t)
	for _, tag := range c.Tags() {
		var b strings.Builder
		for _, s := range everyScreen(t, c) {
			lim := USSD()
			if strings.HasSuffix(s.name, "by SMS") {
				lim = SMS()
			}
			shown := Layout(s.screen, c.Words(tag), lim)
			checkPages(t, shown, lim)
			if shown.Cut {
				t.Errorf("%s %s: the words of a number screen are too long for its page", tag, s.name)
			}
			for i, page := range shown.Pages {
				_, units, _ := gsm.Measure(page)
				fmt.Fprintf(&b, "== %s, page %d of %d, %d of %d\n%s\n", s.name, i+1, len(shown.Pages), units, lim.Septets, page)
			}
		}
		golden := filepath.Join("testdata", tag+".golden")
		if *update {
			if err := os.WriteFile(golden, []byte(b.String()), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(golden)
		if err != nil {
			t.Fatal(err)
		}
		if string(want) != b.String() {
			t.Errorf("%s differs: look at it with go test ./internal/screen -update and git diff", golden)
		}
	}
}

func FuzzNoPageIsEverLongerThanItsLimit(f *testing.F) {
	c := catalog(f)
	for seed := range uint64(40) {
		f.Add(seed, "", "")
	}
	f.Add(uint64(1), strings.Repeat("1 ", 200), "4827-1936")
	f.Add(uint64(2), strings.Repeat("é€", 200), strings.Repeat("ɲ", 200))
	f.Add(uint64(3), "\xff\xfe\x00\r\n\t", strings.Repeat("👩🏿‍🌾", 60))
	f.Add(uint64(4), strings.Repeat("a\u0301", 200), strings.Repeat("\u0301", 200))
	f.Fuzz(func(t *testing.T, seed uint64, prose, option string) {
		r := rand.New(rand.NewPCG(seed, 1))
		random := func() string {
			alphabets := []string{"abc é", "ɛɔɲŋšž mɔgɔ", "0123456789 -", "€[]^ab ", "😀👨\u200d👩🇲🇱\u0301 ", "سلام ", "\n ab", "漢字", "\u00a0\u202f«»…"}
			var b strings.Builder
			for range r.IntN(4) {
				runes := []rune(alphabets[r.IntN(len(alphabets))])
				for range r.IntN(120) {
					b.WriteRune(runes[r.IntN(len(runes))])
				}
			}
			return b.String()
		}
		line := func() flow.Line {
			if r.IntN(3) == 0 {
				return flow.Line{Key: "feedback.type", Args: map[string]string{"project": random()}}
			}
			return words(random())
		}
		s := flow.Screen{
			Input: []flow.Input{"", flow.InputChoice, flow.InputText, flow.InputPlace, flow.InputNumber}[r.IntN(5)],
			Back:  r.IntN(2) == 0, Menu: r.IntN(2) == 0, Hint: line(), Say: []flow.Line{line(), words(prose)},
		}
		for i := range r.IntN(12) {
			text := option
			if r.IntN(2) == 0 {
				text = random()
			}
			s.Options = append(s.Options, flow.Option{Key: fmt.Sprint(i + 1), Value: "v", Say: words(text)})
		}
		tags := append(c.Tags(), "en")
		w := c.Words(tags[r.IntN(len(tags))])
		for _, lim := range []Limits{USSD(), SMS(), {gsm.USSDSeptets, gsm.USSDUnits}, {40, 30}} {
			shown := Layout(s, w, lim)
			checkPages(t, shown, lim)
			if s.Input == flow.InputNumber && len(shown.Pages) != 1 {
				t.Errorf("a number screen has %d pages", len(shown.Pages))
			}
			if s.Input != flow.InputNumber && lim == USSD() {
				// Nothing is lost: the letters of the pages are those of the screen, in order, and the keys.
				whole := letters(strings.Join(Layout(s, w, Limits{1 << 20, 1 << 20}).Pages, ""))
				var all strings.Builder
				for i, page := range shown.Pages {
					if i < len(shown.Pages)-1 {
						page = page[:strings.LastIndex(page, "\n")+1]
					}
					all.WriteString(letters(page))
				}
				if all.String() != whole {
					t.Errorf("the pages say %q, the screen %q", all.String(), whole)
				}
			}
		}
	})
}

func letters(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsSpace(r) {
			return -1
		}
		return r
	}, s)
}

func TestMeasureIsWhatATranslatorAsksFor(t *testing.T) {
	c := catalog(t)
	for _, test := range []struct {
		text, tag, medium string
		fold              bool
		want              string
	}{
		{"Mɔgɔw ka gɛlɛya bɛ ɲɔgɔn cɛ", "bm", "ussd", true, "gsm7 28 1 1 Mògòw ka gèlèya bè nyògòn cè"},
		{"Mɔgɔw ka gɛlɛya bɛ ɲɔgɔn cɛ", "bm", "sms", false, "ucs2 27 1 1 Mɔgɔw ka gɛlɛya bɛ ɲɔgɔn cɛ"},
		{"Votre message a bien été reçu. Réf. 4827-1936", "fr", "sms", true, "gsm7 45 1 1 Votre message a bien été recu. Réf. 4827-1936"},
		{strings.Repeat("a", 160), "fr", "ussd", true, "gsm7 160 1 1 " + strings.Repeat("a", 160)},
		{strings.Repeat("a", 161), "fr", "ussd", true, "gsm7 161 2 2 " + strings.Repeat("a", 161)},
		{strings.Repeat("a", 161), "fr", "sms", true, "gsm7 161 2 1 " + strings.Repeat("a", 161)},
		{strings.Repeat("a", 307), "fr", "sms", true, "gsm7 307 3 2 " + strings.Repeat("a", 307)},
		{"😀", "ses", "ussd", true, "ucs2 2 1 1 😀"},
		{"a\tb", "fr", "ussd", true, "ucs2 3 1 1 a\tb"},
		{"", "fr", "ussd", true, "gsm7 0 1 1 "},
	} {
		encoding, units, segments, pages, folded := Measure(test.text, c.Words(test.tag), test.medium, test.fold)
		if got := fmt.Sprint(encoding, " ", units, " ", segments, " ", pages, " ", folded); got != test.want {
			t.Errorf("%q is %s, want %s", test.text, got, test.want)
		}
	}
}

func BenchmarkLayoutOfTheMainMenu(b *testing.B) {
	c := catalog(b)
	var menu flow.Screen
	for _, s := range everyScreen(b, c) {
		if s.name == "main.menu" {
			menu = s.screen
		}
	}
	for _, tag := range c.Tags() {
		b.Run(tag, func(b *testing.B) {
			w := c.Words(tag)
			b.ReportAllocs()
			for b.Loop() {
				Layout(menu, w, USSD())
			}
		})
	}
}
