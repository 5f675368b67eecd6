package programme

import (
	"slices"
	"strconv"
	"strings"
)

// A first level is given to a text by what it speaks of. Words are put into
// concepts (a child, a blow, an agent, money), and a rule names the concepts that
// make a text L3 or L2 when they come together. The aim is uneven on purpose:
// whatever may be L3 goes to the focal points first and is lowered by a person,
// never the reverse (context.md 2.4), while the ordinary disputes that the project
// team works with (land, wells, cattle, prices) stay where they are read at once.
//
// The French words are general knowledge, checked on sample messages. Those of
// Bambara and Songhay are attested singly (locales/words); which of them tell of
// violence when they stand together is our guess, and no speaker has checked it.
// No name of a people stands here.

// LooksConfidential reports whether a text may be about what only protection
// focal points should read: X1 to X7, T09, T17, T18, T21 and T22 of the taxonomy.
func LooksConfidential(text string) bool { return FirstLevel(text) == L3 }

// FirstLevel gives the level that a text of free words begins with.
func FirstLevel(text string) Level {
	said := conceptsOf(text)
	switch {
	case matches(confidential, said):
		return L3
	case matches(forPeaceTeam, said):
		return L2
	}
	return L1
}

// concept is a set of things that a text may speak of.
type concept uint64

const (
	grave    concept = 1 << iota // L3 by itself
	weaker                       // women, girls, children, the old: who is hurt
	child                        // children and pupils
	somebody                     // any other person
	agent                        // staff, volunteers and members of committees
	power                        // chiefs, mayors, imams, teachers: can press others
	us                           // the project, its team, "you"
	blow                         // blows and wounds
	threat                       // threats, insults, force
	kill
	animal
	money
	goods
	take   // eat, steal, divert, cut off
	ask    // ask for, pay, give in return
	place  // a list, a card, a ration: what one gets in return
	forces // soldiers, police, militias
	weapon
	seize // lead away, arrest, disappear
	whereUnknown
	leave
	night
	came // came, entered, passed, unnamed
	preach
	ban
	life // what is forbidden: going out, music, school
	barrier
	tax
	husband
	harm // what is told of a husband or at home
	neglect
	wed
	intimate
	lure
	refuse
	origin
	home
	harvest // fishing, fields, water: makes barriers, gear and force ordinary
	thanks
	theft
	road
	chief
	faith
	politics
	displaced
	rumour
	groups
	fear
	attack
	burn
	unnamed
	death
	one // a single person near to the sender: seldom in an ordinary message
	fund
	gone
	must
	object
	device
	found
	dying
	wish
	absent
	toldOf // a blow that falls on the one who writes, or on her
)

// rule holds when all of its concepts are there and none of the others.
type rule struct{ all, none concept }

var confidential = []rule{
	{all: grave},
	{all: weaker | blow, none: thanks},
	{all: weaker | threat},
	{all: child | neglect, none: thanks},
	{all: child | wed},
	{all: weaker | intimate},
	{all: agent | intimate},
	{all: us | intimate},
	{all: power | intimate},
	{all: lure | place},
	{all: lure | night},
	{all: lure | weaker},
	{all: agent | blow},
	{all: agent | threat},
	{all: power | blow},
	{all: us | blow},
	{all: us | threat, none: animal},
	{all: us | attack},
	{all: us | kill},
	{all: agent | take},
	{all: power | take | money},
	{all: power | take | goods},
	{all: take | money | place},
	{all: agent | ask | money},
	{all: agent | ask | place},
	{all: power | ask | money, none: tax},
	{all: ask | money | place},
	{all: kill | somebody, none: animal},
	{all: kill | weaker, none: animal},
	{all: kill | night, none: animal},
	{all: forces | blow}, {all: forces | threat}, {all: forces | seize}, {all: forces | came}, {all: forces | ban},
	{all: forces | kill}, {all: forces | take}, {all: forces | burn}, {all: forces | fear}, {all: forces | ask | money},
	{all: seize | somebody}, {all: seize | weaker},
	{all: leave | whereUnknown},
	{all: seize | whereUnknown},
	{all: leave | unnamed | somebody},
	{all: came | night | unnamed},
	{all: came | preach | unnamed},
	{all: preach | night | unnamed},
	{all: unnamed | seize | night},
	{all: ban | life, none: harvest},
	{all: unnamed | ban, none: harvest},
	{all: unnamed | threat | night},
	{all: barrier | ask, none: harvest},
	{all: barrier | money, none: harvest},
	{all: barrier | tax, none: harvest},
	{all: barrier | unnamed, none: harvest},
	{all: tax | unnamed}, {all: tax | threat}, {all: tax | road}, {all: tax | barrier},
	{all: husband | blow}, {all: husband | threat}, {all: husband | harm}, {all: husband | ban}, {all: husband | refuse},
	{all: husband | take | money},
	{all: home | attack}, {all: home | burn},
	{all: origin | refuse}, {all: origin | threat}, {all: origin | blow}, {all: origin | ban}, {all: origin | life}, {all: origin | leave},
	{all: weapon},
	{all: agent, none: thanks | wish | absent},
	{all: one, none: thanks | wish | absent | animal | harvest},
	{all: toldOf},
	{all: fund | gone, none: wish},
	{all: power | must}, {all: unnamed | must}, {all: unnamed | take | somebody, none: animal}, {all: unnamed | take | weaker, none: animal},
	{all: unnamed | ask | money}, {all: unnamed | weaker | preach},
	{all: barrier | take, none: harvest},
	{all: unnamed | take | goods},
	{all: death | place},
	{all: device, none: harvest | wish},
	{all: object | found, none: harvest | thanks},
	{all: dying, none: animal | harvest},
	{all: us | burn},
	{all: child | unnamed, none: harvest},
	{all: origin, none: animal | harvest},
	{all: unnamed | burn | home},
}

var forPeaceTeam = []rule{
	{all: theft}, {all: road | take}, {all: road | fear}, {all: road | money | take}, {all: attack},
	{all: chief}, {all: faith}, {all: politics}, {all: displaced}, {all: rumour}, {all: groups}, {all: kill}, {all: burn},
	{all: death | somebody}, {all: forces}, {all: origin}, {all: fear | life}, {all: unnamed | came}, {all: leave | somebody | fear},
}

func matches(rules []rule, said concept) bool {
	for _, r := range rules {
		if said&r.all == r.all && said&r.none == 0 {
			return true
		}
	}
	return false
}

// stem is a word, or the beginning of the words that bend from it, as it sounds.
type stem struct {
	text  string
	whole bool
	means concept
}

// vocabulary is what conceptsOf looks in: exact words, folded; stems and
// phrases by sound, under their first two letters.
type vocabulary struct {
	exact   map[string]concept
	stems   map[string][]stem
	phrases map[string][]stem
}

var spoken = newVocabulary()

func newVocabulary() vocabulary {
	v := vocabulary{exact: map[string]concept{}, stems: map[string][]stem{}, phrases: map[string][]stem{}}
	for means, list := range exactWords {
		for _, w := range strings.Fields(list) {
			v.exact[w] |= means
		}
	}
	for means, list := range stemWords {
		for _, w := range strings.Fields(list) {
			s, begins := strings.CutSuffix(w, "*")
			k := sound(s)
			v.stems[head(k)] = append(v.stems[head(k)], stem{text: k, whole: !begins, means: means})
		}
	}
	for means, list := range phraseWords {
		for _, p := range strings.Split(list, ",") {
			var words []string
			for _, w := range strings.Fields(p) {
				words = append(words, sound(shortened(w)))
			}
			k := strings.Join(words, " ")
			k, begins := strings.CutSuffix(k, "*")
			v.phrases[head(k)] = append(v.phrases[head(k)], stem{text: k, whole: !begins, means: means})
		}
	}
	return v
}

// conceptsOf gives all that a text speaks of.
func conceptsOf(text string) concept {
	var said concept
	words := strings.Fields(MatchKey(apostrophes.Replace(text)))
	var line strings.Builder
	for i, w := range words {
		w = shortened(w)
		k := sound(w)
		line.WriteByte(' ')
		line.WriteString(k)
		m := spoken.word(w, k)
		if i > 0 && (words[i-1] == "se" || words[i-1] == "s") {
			m &^= blow | threat | take | seize // "les femmes se battent" is a quarrel
		}
		if w == "mine" && !slices.Contains([]string{"une", "la", "de", "sur", "mines", "des"}, before(words, i)) {
			m = 0 // minɛ, to seize, and minɛn, a tool, in Bambara
		}
		switch {
		case w == "ils" && strings.HasSuffix(before(words, i), "nt"):
			m = 0 // "peuvent ils": a question, and nobody unnamed
		case amountOf(words, i):
			m |= money
		case w == "ans" && ageOfAChild(words, i):
			m |= grave
		}
		if m&(blow|intimate) != 0 && i > 0 && slices.Contains([]string{"m", "me", "ma", "la", "lui", "nous"}, words[i-1]) {
			m |= toldOf
		}
		said |= m
	}
	line.WriteByte(' ')
	return said | spoken.inLine(line.String())
}

// amountOf reports whether a word is a sum: three digits or more that are no year,
// or any with francs after them.
func amountOf(words []string, i int) bool {
	w := words[i]
	if strings.Trim(w, "0123456789") != "" {
		return false
	}
	if i+1 < len(words) && slices.Contains([]string{"f", "fcfa", "cfa", "franc", "francs"}, words[i+1]) {
		return true
	}
	return len(w) >= 3 && !(len(w) == 4 && (w[:2] == "20" || w[:2] == "19"))
}

// ageOfAChild reports whether "ans" tells an age below eighteen: "de 9 ans", "a 13
// ans". How long something lasted is told with other words before it.
func ageOfAChild(words []string, i int) bool {
	if i < 2 || words[i-2] != "de" && words[i-2] != "a" {
		return false
	}
	n, err := strconv.Atoi(words[i-1])
	return err == nil && n >= 5 && n < 18
}

func before(words []string, i int) string {
	if i == 0 {
		return ""
	}
	return words[i-1]
}

// apostrophes part words where elision joins them.
var apostrophes = strings.NewReplacer("'", " ", "’", " ", "‘", " ", "`", " ")

// head gives the two letters that stems and phrases stand under.
func head(k string) string { return k[:min(2, len(k))] }

func (v vocabulary) word(w, k string) concept {
	if m, ok := v.exact[w]; ok {
		return m
	}
	m := v.stem(k)
	if m == 0 && len(k) >= 6 && strings.IndexByte("ldmnsjtk", k[0]) >= 0 && strings.IndexByte("aeiou", k[1]) >= 0 {
		m = v.stem(k[1:]) // an elision without its apostrophe: "darmes"
	}
	return m
}

func (v vocabulary) stem(k string) concept {
	var m concept
	for _, s := range v.stems[head(k)] {
		switch {
		case s.whole && k == s.text, !s.whole && strings.HasPrefix(k, s.text):
			m |= s.means
		case m == 0 && len(s.text) >= 6 && slipped(k, s):
			m |= s.means
		}
	}
	return m
}

// slipped reports whether a word begins as a stem does, but for one letter
// written for another or two that changed places.
func slipped(k string, s stem) bool {
	n := len(s.text)
	if len(k) < n || s.whole && len(k) != n {
		return false
	}
	i := 0
	for i < n && k[i] == s.text[i] {
		i++
	}
	switch {
	case i >= n-1: // a last letter that differs is another word, more often than a slip
		return false
	case k[i+1:n] == s.text[i+1:]:
		return len(s.text) >= 7
	}
	return i+2 <= n && k[i] == s.text[i+1] && k[i+1] == s.text[i] && k[i+2:n] == s.text[i+2:]
}

func (v vocabulary) inLine(line string) concept {
	var m concept
	for at := 0; at+1 < len(line); {
		rest := line[at+1:]
		if rest == "" {
			break
		}
		for _, p := range v.phrases[head(rest)] {
			if strings.HasPrefix(rest, p.text) && (!p.whole || rest[len(p.text)] == ' ') {
				m |= p.means
			}
		}
		next := strings.IndexByte(rest, ' ')
		if next < 0 {
			break
		}
		at += 1 + next
	}
	return m
}

// shortened gives the word that a common short form of SMS French stands for.
func shortened(w string) string {
	if full, ok := shortForms[w]; ok {
		return full
	}
	return w
}

var shortForms = map[string]string{
	"pr": "pour", "ds": "dans", "ns": "nous", "vs": "vous", "pa": "pas", "ke": "que", "ki": "qui", "qd": "quand", "kan": "quand", "tt": "tout",
	"fme": "femme", "fmes": "femmes", "fam": "femme", "fames": "femmes", "fem": "femme", "famme": "femme", "fems": "femmes", "fiy": "fille", "fiye": "fille",
	"enf": "enfant", "enfan": "enfant", "enfans": "enfants", "anfan": "enfant", "anfant": "enfant", "gendarm": "gendarme", "hom": "homme", "hme": "homme", "hmes": "hommes", "om": "homme", "oms": "hommes",
	"arjan": "argent", "larjan": "argent", "largent": "argent", "mnt": "maintenant", "sa": "ca", "mr": "monsieur", "nui": "nuit", "nwi": "nuit", "nuï": "nuit", "tuer": "tuer", "tou": "tout", "moa": "moi", "mwa": "moi",
	"peu": "peu", "veu": "veux", "vien": "viens", "mamzel": "fille", "gosse": "enfant",
}

// sound gives a folded word as it sounds, so that "menasse" meets "menace" and
// "arselement" meets "harcelement".
func sound(w string) string {
	var b []byte
	at := func(i int) byte {
		if i < len(w) {
			return w[i]
		}
		return 0
	}
	put := func(c byte) {
		if n := len(b); n == 0 || b[n-1] != c || c >= '0' && c <= '9' {
			b = append(b, c)
		}
	}
	for i := 0; i < len(w); i++ {
		c, next := w[i], at(i+1)
		switch {
		case c == 'p' && next == 'h':
			put('f')
			i++
		case (c == 'c' || c == 's') && next == 'h':
			put('x')
			i++
		case c == 'q':
			put('k')
			if next == 'u' {
				i++
			}
		case c == 'c' && strings.IndexByte("eiy", next) >= 0 && next != 0:
			put('s')
		case c == 'c':
			put('k')
		case c == 'd' && next == 'j':
			put('j')
			i++
		case c == 'g' && (next == 'e' || next == 'i' || next == 'y'):
			put('j')
			if next == 'e' && (at(i+2) == 'a' || at(i+2) == 'o') {
				i++
			}
		case c == 'x':
			put('k')
			put('s')
		case c == 'h':
			if i == 0 && len(w) == 1 {
				put('h')
			}
		case c == 'y':
			put('i')
		case c == 'z':
			put('s')
		case (c == 'e' || c == 'a') && (next == 'n' || next == 'm') && consonant(at(i+2), next):
			put('a')
			put('n')
			i++
		default:
			put(c)
		}
	}
	return string(b)
}

func consonant(c, nasal byte) bool {
	return c >= 'a' && c <= 'z' && c != nasal && strings.IndexByte("aeiouy", c) < 0
}
