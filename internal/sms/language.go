package sms

import (
	"strings"

	"lafia/internal/programme"
)

// GuessLanguage guesses the language of a text from its small words: "fr", "bm",
// "ses", "khq", or "other" for a few words of Fulfulde and Tamasheq, which are
// heard but not offered; "" where nothing tells. It is sure only of three words
// or more with two that tell, and no other language near. A guess may order a
// menu, and never locks it; what a person chose is kept (languages.md 9).
//
// Words that two languages share are in no list, as the same page advises.
func GuessLanguage(text string) (tag string, sure bool) {
	if len(text) > maxText {
		return "", false
	}
	words := strings.Fields(programme.MatchKey(spaced.Replace(text)))
	score := map[string]int{}
	telling := map[string]int{}
	for _, w := range words {
		for _, tag := range tells[w] {
			score[tag] += 2
			telling[tag]++
		}
		if tag := ending(w); tag != "" && len(tells[w]) == 0 {
			score[tag]++
		}
	}
	best, second := "", 0
	for _, t := range []string{"fr", "bm", "ses", "khq", "other"} {
		switch {
		case score[t] > score[best]:
			if best != "" {
				second = max(second, score[best])
			}
			best = t
		default:
			second = max(second, score[t])
		}
	}
	if best == "" {
		return "", false
	}
	return best, len(words) >= 3 && telling[best] >= 2 && score[best] >= 2*second+1
}

// ending gives the language that the form of a word points to: -tion and the like
// are French.
func ending(w string) string {
	for _, e := range []string{"tion", "ment", "eur", "eux", "aient", "ance", "ique", "ais"} {
		if len(w) > len(e)+2 && strings.HasSuffix(w, e) {
			return "fr"
		}
	}
	return ""
}

// tells are the words that tell a language, folded: those of languages.md 9, the
// words of locales/words that are frequent there, and the small words of French
// with their SMS spelling.
var tells = tellTable()

func tellTable() map[string][]string {
	out := map[string][]string{}
	for tag, list := range map[string]string{
		"fr": `le les des du un une et est sont ont pas nous vous ils elle elles mon nos notre votre leur leurs dans pour avec sur qui que quoi quand comment pourquoi mais ou chez au aux cette ces tres trop plus on je tu il ai avons
			etre avoir fait faire dit veut veux peut faut svp stp merci bonjour pr ds ke ki kel pck bcp tjrs vs qd c ete aussi encore depuis hier aujourd demain femmes projet eau l d j qu sans entre tout tous toute notre mauvais bon`,
		"bm": `ye ko be min aw don fe bee nin nka minnu te bora kera an ani mogo mogow muso musow dugu wari kan kosebe tinye tien wa sini kunu foro misi misiw kolon baara nyi man sogoma tile jekulu jumen bana sabali deme cogo yoro sisan ka
			fen dennin den denw kele kelen fila saba naani porozew folo kera tun soro nogon nyogon cewu a na`,
		"ses":   `nda ga kang war woo kul goo foo wala boro borey foofo nooru koyra konday boori haya haya sohon ngu ngey yer ir ay nongu senday alhabar suuba hantum naagu kalaa ciya faaba zankey almaari subbaahi`,
		"khq":   `wor yer ije jaari jangu jongu hinja har jow cow merje kaati alaasar hun guna jiiroo yerkoy`,
		"other": `min njidi kosam mi jaraama jarama useko on ngonga yidi hannde wadde tanemert takat issalan eey alaa ma idawan aman tamasheq nagge na'i nagge`,
	} {
		for _, w := range strings.Fields(list) {
			if !shared[w] {
				dup := false
				for _, t := range out[w] {
					dup = dup || t == tag
				}
				if !dup {
					out[w] = append(out[w], tag)
				}
			}
		}
	}
	for w, tags := range out {
		if len(tags) > 1 {
			delete(out, w)
		}
	}
	return out
}

// shared words belong to two languages or more, and so tell nothing
// (languages.md 9).
var shared = set(`a ka ma na ni i n ne se si da de do to tun u wa ban bara bila kuma laada mana waati ce la sa son ta te mi on an kan l d min`)
