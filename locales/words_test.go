package locales_test

import (
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode"

	"lafia/internal/locale"
	"lafia/locales"
)

func catalog(t *testing.T) *locale.Catalog {
	t.Helper()
	c, err := locale.Load(locales.Files)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func each(t *testing.T, check func(tag, key, text string)) {
	c := catalog(t)
	for _, tag := range c.Tags() {
		for _, key := range c.Keys() {
			args := map[string]string{} // what fills a message is for who fills it to check
			for _, name := range c.Placeholders(key) {
				args[name] = "0"
			}
			check(tag, key, c.Words(tag).Text(key, args))
		}
	}
}

// The rules are locale.Unsafe's: words that endanger who carries the phone, one
// letter as an answer, money that is not said in F CFA, numbers that changed.
func TestNoMessageBreaksARuleThatKeepsACallerSafe(t *testing.T) {
	c := catalog(t)
	for _, tag := range c.Tags() {
		for _, key := range c.Keys() {
			if m, own := c.Message(tag, key); own {
				for _, problem := range c.Wrong(key, m) {
					t.Errorf("%s %s %s: %q", tag, key, problem, m.Other)
				}
			}
		}
	}
}

// No sentence of Timbuktu's is attested; a single word has no word order that a
// screen could mix with Gao's (languages.md 0.6 and 0.7).
func TestTimbuktusSonghayIsSingleAttestedWordsAndOfferedToNobody(t *testing.T) {
	c := catalog(t)
	words, err := locale.LoadAttested(locales.Files, "khq")
	if err != nil || words == nil {
		t.Fatal("no list of words", err)
	}
	own := 0
	for _, key := range c.Keys() {
		m, has := c.Message("khq", key)
		if !has {
			continue
		}
		own++
		if strings.ContainsAny(m.Other, " \n") {
			t.Errorf("%s is more than a word: %q", key, m.Other)
		}
		if missing := words.Missing(m.Other); len(missing) > 0 {
			t.Errorf("%s: nobody attests %q", key, missing)
		}
		if m.Review != locale.Draft {
			t.Errorf("%s is said to be reviewed", key)
		}
	}
	if own < 10 {
		t.Errorf("only %d messages are its own", own)
	}
	for key, want := range map[string]string{"answer.no": "Kala", "menu.title": "Suuba:", "tension.type.fishing": "Peche"} {
		if got := c.Words("khq").Text(key, nil); got != want {
			t.Errorf("%s is %q, want %q", key, got, want)
		}
	}
	for _, l := range c.Offered() {
		if l.Tag == "khq" {
			t.Error("it is offered")
		}
	}
}

// The lists may be shipped as words with their credit, never with a meaning
// (languages.md 11).
func TestListsOfWordsHoldWordsAndTheirSourcesOnly(t *testing.T) {
	notice, err := locales.Files.ReadFile("words/NOTICE")
	if err != nil {
		t.Fatal(err)
	}
	line := regexp.MustCompile(`^[\pL\pM'’-]+ ([A-Z]+)$`)
	for _, tag := range []string{"bm", "ses", "khq"} {
		data, err := locales.Files.ReadFile("words/" + tag + ".txt")
		if err != nil {
			t.Fatal(err)
		}
		for i, text := range strings.Split(strings.TrimSpace(string(data)), "\n") {
			found := line.FindStringSubmatch(text)
			if found == nil && !strings.HasPrefix(text, "#") {
				t.Errorf("%s.txt:%d: %q", tag, i+1, text)
			}
			if found != nil {
				for _, source := range found[1] {
					if !strings.Contains(string(notice), "\n"+string(source)+"  ") {
						t.Errorf("%s.txt:%d: NOTICE does not credit %c", tag, i+1, source)
					}
				}
			}
		}
	}
}

// money finds the franc: an F that stands alone (to Go's \b an ɔ is no letter).
var money = regexp.MustCompile(`(?:^|[^\pL])(F(?: CFA)?)(?:$|[^\pL])`)

// Amounts never go out by SMS.
func TestAMessageMadeForSMSNamesNoAmount(t *testing.T) {
	c := catalog(t)
	for _, key := range c.Keys() {
		if !strings.HasSuffix(key, ".sms") && !strings.HasPrefix(key, "sms.") {
			continue
		}
		for _, amount := range []string{"EPA", "REC"} {
			if slices.Contains(c.Placeholders(key), amount) {
				t.Errorf("%s shows {{.%s}}", key, amount)
			}
		}
	}
	each(t, func(tag, key, text string) {
		if (strings.HasSuffix(key, ".sms") || strings.HasPrefix(key, "sms.")) && money.MatchString(text) {
			t.Errorf("%s %s speaks of money: %q", tag, key, text)
		}
	})
}

// The keys of navigation are what design.md, decision 10, says, in every language.
func TestTheKeyLinesNameTheKeysThatWork(t *testing.T) {
	c := catalog(t)
	for _, tag := range c.Tags() {
		for key, digits := range map[string]string{
			"key.back": "0 ", "key.menu": "00 ", "key.next": "99 ", "key.number.back": "00 ", "key.number.menu": "000 ",
		} {
			if text := c.Words(tag).Text(key, nil); !strings.HasPrefix(text, digits) {
				t.Errorf("%s %s is %q", tag, key, text)
			}
		}
	}
}

func TestMessagesArePrintable(t *testing.T) {
	each(t, func(tag, key, text string) {
		for _, r := range text {
			if r != '\n' && !unicode.IsPrint(r) {
				t.Errorf("%s %s holds %q", tag, key, r)
			}
		}
		if strings.Contains(text, "  ") || strings.Contains(text, "\n\n") {
			t.Errorf("%s %s has a gap: %q", tag, key, text)
		}
	})
}

func TestTheLanguagesOfferedAreFrenchBambaraAndSonghay(t *testing.T) {
	var names []string
	for _, l := range catalog(t).Offered() {
		names = append(names, l.Tag+" "+l.Name)
	}
	if got := strings.Join(names, ", "); got != "fr Français, bm Bamanankan, ses Songhay" {
		t.Errorf("offered are %s", got)
	}
}
