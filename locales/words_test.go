package locales_test

import (
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode"

	"lafia/internal/gsm"
	"lafia/internal/locale"
	"lafia/locales"
)

// A phone that keeps an SMS may be searched, and a menu may be overheard. Any
// message can be shown in an SMS, so these words are in none, in any language
// (context.md 5.2 and 5.3; languages.md 0 and 8). A word stands for itself and
// what is built on it when it ends in *.
var banned = []struct {
	why   string
	words string
}{
	{"names what must not be found on a searched phone", "plainte* conflit* tension* paix arme armes armé* police* gendarm* militaire* VBG viol viols violence* guerre* attaque* terroris* djihad* jihad* milice*"},
	{"the same in Bambara", "kɛlɛ* lafiya lafia hɛrɛ marifa* polisi* sɔrɔdasi* makasi*"},
	{"the same in Songhay", "baani alaafiya wangu* alfitina* malfa* soojay*"},
	{"names an organisation or a donor", "ONG* AMSS HCR UNHCR ONU MINUSMA OCHA PAM PNUD UNICEF OIM CICR ICRC USAID UE GIZ AFD USA"},
	{"names a people: never, not even as an example", "peul* peulh* touareg* tamasheq* maure* arabe* dogon* bozo* bambara* songhaï soninké* bella fula* burudamɛ* suraka* bɛla* boso* kaadɔ* tubabu* surgu* laarab* gaabibi*"},
	{"also means slave, or says enemy", "jɔn jugu juguw juguya*"},
	{"accuses somebody: what is lost is lost", "nson* zay zayey voleur*"},
	{"is today in Bambara and yesterday in Songhay", "bi"},
	{"is a religious formula", "barika Ala Alla Irkoy Yerkoy Dieu inshallah"},
	{"counts money in fives: say F CFA", "dɔrɔmɛ* tama"},
	{"names a place", "Bamako Gao Kayes Kidal Koulikoro Ménaka Mopti Ségou Sikasso Taoudénit Tombouctou Douentza Bandiagara Nioro Dioïla Bougouni Koutiala"},
}

// fold is how words are compared: as a phone would show them, in lower case.
func fold(word string) string { return strings.ToLower(gsm.Fold(word, nil)) }

func wordsOf(text string) []string {
	return strings.FieldsFunc(fold(text), func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) })
}

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

func TestNoMessageSaysAWordThatEndangersWhoCarriesThePhone(t *testing.T) {
	each(t, func(tag, key, text string) {
		for _, said := range wordsOf(text) {
			for _, b := range banned {
				for _, word := range strings.Fields(b.words) {
					stem, open := strings.CutSuffix(fold(word), "*")
					if said == stem || open && strings.HasPrefix(said, stem) {
						t.Errorf("%s %s says %q: %s: %q", tag, key, said, b.why, text)
					}
				}
			}
		}
	})
}

// money finds the franc: an F that stands alone (to Go's \b an ɔ is no letter).
var money = regexp.MustCompile(`(?:^|[^\pL])(F(?: CFA)?)(?:$|[^\pL])`)

func TestMoneyIsAlwaysSaidInFCFA(t *testing.T) {
	each(t, func(tag, key, text string) {
		for _, found := range money.FindAllStringSubmatch(text, -1) {
			if found[1] != "F CFA" {
				t.Errorf("%s %s says only %q: %q", tag, key, found[1], text)
			}
		}
	})
}

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
