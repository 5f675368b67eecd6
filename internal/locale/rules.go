package locale

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode"

	"lafia/internal/gsm"
)

// Banned are words that no message says, each with why: any message can be
// shown in an SMS, a phone that keeps it may be searched, and a menu may be
// overheard (context.md 5.2 and 5.3; languages.md 0 and 8). A word stands for
// itself, and for what is built on it when it ends in *.
var Banned = []struct {
	Why, Words string
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
	{"names a place", "Bamako Gao Kayes Kidal Koulikoro Ménaka Mopti Ségou Sikasso Taoudénit Tombouctou Douentza Bandiagara Nioro Dioïla Bougouni Koutiala"},
}

// fives are words for money counted in fives: dɔrɔmɛ is five francs to one and
// a franc to another, so alone it decides nothing (languages.md 4).
const fives = "dɔrɔmɛ* tama"

// foldWord is how words are compared: in lower case (È is folded to E, è stays), as a phone would show them.
func foldWord(word string) string { return strings.ToLower(gsm.Fold(strings.ToLower(word), nil)) }

// said gives the words of a text as a phone shows them, placeholders left out.
func said(text string) []string {
	return strings.FieldsFunc(foldWord(placeholder.ReplaceAllString(text, " 0 ")), func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) })
}

// says reports the first word of text that is in list.
func says(text, list string) (string, bool) {
	for _, word := range said(text) {
		for entry := range strings.FieldsSeq(list) {
			stem, open := strings.CutSuffix(foldWord(entry), "*")
			if word == stem || open && strings.HasPrefix(word, stem) {
				return word, true
			}
		}
	}
	return "", false
}

var (
	// francs finds the franc: an F that stands alone (to Go's \b an ɔ is no letter).
	francs = regexp.MustCompile(`(?:^|[^\pL])(F(?: CFA)?)(?:$|[^\pL])`)
	// letterAnswer finds a capital offered as an answer: "O: oui", "O/N", "A = ayyo".
	letterAnswer = regexp.MustCompile(`(?:^|[\s(])\p{Lu}(?:/\p{Lu}(?:[\s)?.:]|$)|\s?[:=)]\s?\S)`)
	digitRuns    = regexp.MustCompile(`\d+`)
)

// Unsafe says which rules a text breaks beside the French that it translates:
//
//   - a word of Banned;
//   - one letter as an answer: yes is A in Songhai, no is a in Bambara (languages.md 0.3);
//   - money that is not said in F CFA, as often as in French; a word that counts in fives needs F CFA beside it;
//   - a number that is gained, lost or changed: digits carry the menu (languages.md 0.2).
func Unsafe(source, text string) (problems []string) {
	for _, b := range Banned {
		if word, found := says(text, b.Words); found {
			problems = append(problems, fmt.Sprintf("says %q, which %s", word, b.Why))
		}
	}
	if word, found := says(text, fives); found && !strings.Contains(text, "F CFA") {
		problems = append(problems, fmt.Sprintf("says %q, which counts money in fives, and no F CFA", word))
	}
	for _, found := range francs.FindAllStringSubmatch(text, -1) {
		if found[1] != "F CFA" {
			problems = append(problems, fmt.Sprintf("says only %q: money is said in F CFA", found[1]))
		}
	}
	if want, got := strings.Count(source, "F CFA"), strings.Count(text, "F CFA"); got < want {
		problems = append(problems, fmt.Sprintf("says F CFA %d times, the French %d times: every amount says it", got, want))
	}
	bare := placeholder.ReplaceAllString(text, " 00 ")
	if letters := strings.Map(lettersOnly, bare); len([]rune(letters)) == 1 && !strings.ContainsAny(text, "0123456789{") || letterAnswer.MatchString(bare) {
		problems = append(problems, "offers one letter as an answer: digits carry the menu")
	}
	want, got := numbersOf(source), numbersOf(text)
	if !slices.Equal(sorted(want), sorted(got)) {
		problems = append(problems, fmt.Sprintf("the numbers are %v, in French %v", got, want))
	} else if key := leadingKey.FindString(source); key != "" && !strings.HasPrefix(text, key) {
		problems = append(problems, fmt.Sprintf("begins without the key %s", strings.TrimSpace(key)))
	}
	return problems
}

// leadingKey is the key that a line of navigation begins with ("00 Menu").
var leadingKey = regexp.MustCompile(`^\d+ `)

func lettersOnly(r rune) rune {
	if unicode.IsLetter(r) {
		return r
	}
	return -1
}

func numbersOf(text string) []string {
	return digitRuns.FindAllString(placeholder.ReplaceAllString(text, " "), -1)
}

func sorted(list []string) []string {
	list = slices.Clone(list)
	slices.Sort(list)
	return list
}
