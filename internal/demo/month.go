package demo

import (
	"math/rand/v2"
	"slices"
	"sort"
	"strconv"
	"time"

	"lafia/internal/programme"
)

// month is how far back the messages reach.
const month = 30 * 24 * time.Hour

// channel is that of every demo message.
const channel = "africastalking"

// seed makes the month the same at every load.
const seed = 4827_1936

// How many messages of each kind a month has.
const (
	feedbacks = 90
	tensions  = 30
	opens     = 12
)

// message is a synthetic submission with what staff did with it.
type message struct {
	programme.Submission
	phone string
	moves []programme.Event // Staff is a user name
}

// weight is a value and its share, in hundredths.
type weight struct {
	value string
	share float64
}

// Shares as AMSS's reports and the literature suggest them (context.md 7). Types
// of tensions are summed up into the groups that a phone shows.
var (
	feedbackTypes    = []weight{{"P", 28}, {"Q", 20}, {"S", 18}, {"M", 18}, {"I", 9}, {"R", 7}}
	feedbackRatings  = []weight{{"1", 5}, {"2", 10}, {"3", 25}, {"4", 35}, {"5", 25}}
	feedbackCohesion = []weight{{"divides", 14}, {"neither", 28}, {"together", 58}}
	tensionGroups    = []weight{{"G1", 21}, {"G2", 9}, {"G3", 10}, {"G4", 3}, {"G5", 30}, {"G6", 10}, {"G7", 14}, {"G8", 3}}
	tensionPhases    = []weight{{"P1", 25}, {"P2", 40}, {"P3", 17}, {"P4", 13}, {"P5", 3}, {"P0", 2}}
	tensionWhen      = []weight{{"U1", 25}, {"U2", 45}, {"U3", 30}}
	tensionRegions   = []weight{{"ML06", 76}, {"ML05", 16}, {"ML04", 8}}
	media            = []weight{{"ussd", 66}, {"sms", 34}}
	equipment        = []weight{{"1", 66}, {"2", 20}, {"3", 7}, {"5", 7}}
	problems         = []weight{{"0", 38}, {"1", 16}, {"2", 12}, {"3", 12}, {"4", 6}, {"5", 4}, {"6", 4}, {"7", 4}, {"8", 4}}
)

// moods order types of feedback from who is unhappy to who is glad: ratings
// follow them, with some noise.
var moods = map[string]float64{"P": 0, "R": 1, "I": 1, "Q": 2, "S": 2, "M": 4}

// peaceOnly are the groups of tensions that the flow gives to the peace team.
var peaceOnly = []string{"G5", "G6", "G7"}

// maker makes a month.
type maker struct {
	data
	r       *rand.Rand
	now     time.Time
	callers map[string][]string // by region: who calls about one calls about it again
	used    map[string]bool     // texts: nobody says the same twice
	out     []message
}

// makeMonth makes the messages of the month before now, oldest first.
func makeMonth(d data, now time.Time) []message {
	m := &maker{data: d, now: now.UTC(), r: rand.New(rand.NewPCG(seed, 1)), used: map[string]bool{}, callers: map[string][]string{}}
	for i, region := range quota(80, tensionRegions) {
		m.callers[region] = append(m.callers[region], caller(4000+7*i))
	}
	m.tension()
	m.open()
	m.feedback()
	m.progress()
	sort.SliceStable(m.out, func(i, j int) bool { return m.out[i].ReceivedAt.Before(m.out[j].ReceivedAt) })
	for i := range m.out {
		m.handle(&m.out[i])
	}
	return m.out
}

// makeConfidential makes wishes to be called back, oldest first. None says what
// about.
func makeConfidential(now time.Time) []programme.ConfidentialBody {
	m := &maker{now: now.UTC(), r: rand.New(rand.NewPCG(seed, 2))}
	var out []programme.ConfidentialBody
	for i, when := range []string{"morning", "evening", "noon", "morning"} {
		out = append(out, programme.ConfidentialBody{
			Source: "menu", Channel: channel, Medium: "ussd", Language: []string{"fr", "ses", "fr", "bm"}[i], Kind: programme.Confidential,
			Answers: map[string]string{"when": when}, Number: caller(6000 + 11*i), ReceivedAt: m.moment(),
		})
	}
	slices.SortFunc(out, func(a, b programme.ConfidentialBody) int { return a.ReceivedAt.Compare(b.ReceivedAt) })
	return out
}

// caller gives a number that cannot ring.
func caller(n int) string { return "+22300000000"[:12-len(strconv.Itoa(n))] + strconv.Itoa(n) }

// quota shares n out by weight, to the nearest whole, in the order of the weights.
func quota(n int, weights []weight) []string {
	type share struct {
		i, n int
		rest float64
	}
	var total float64
	for _, w := range weights {
		total += w.share
	}
	shares, left := make([]share, len(weights)), n
	for i, w := range weights {
		exact := w.share * float64(n) / total
		shares[i] = share{i: i, n: int(exact), rest: exact - float64(int(exact))}
		left -= shares[i].n
	}
	sort.SliceStable(shares, func(i, j int) bool { return shares[i].rest > shares[j].rest })
	for i := range left {
		shares[i].n++
	}
	sort.Slice(shares, func(i, j int) bool { return shares[i].i < shares[j].i })
	var out []string
	for _, s := range shares {
		for range s.n {
			out = append(out, weights[s.i].value)
		}
	}
	return out
}

// shuffled is quota in no order.
func (m *maker) shuffled(n int, weights []weight) []string {
	out := quota(n, weights)
	m.r.Shuffle(n, func(i, j int) { out[i], out[j] = out[j], out[i] })
	return out
}

func pick[T any](m *maker, list []T) T { return list[m.r.IntN(len(list))] }

// moment gives one of the month's, when people are awake.
func (m *maker) moment() time.Time {
	for {
		t := m.now.Add(-10*time.Minute - time.Duration(m.r.Int64N(int64(month-time.Hour)))).Truncate(time.Second)
		if awake(t) {
			return t
		}
	}
}

// awake reports whether people phone at this hour. Mali keeps UTC all year.
func awake(t time.Time) bool { return t.Hour() >= 6 && t.Hour() < 22 }

// add puts a message into the month.
func (m *maker) add(s programme.Submission) {
	region := s.Region
	if region == "" { // of an open message nobody knows it
		region = "ML06"
	}
	m.addFrom(s, pick(m, m.callers[region]))
}

// addFrom is add for a caller who is known.
func (m *maker) addFrom(s programme.Submission, phone string) {
	s.Channel, s.Synthetic = channel, true
	if s.ReceivedAt.IsZero() {
		s.ReceivedAt = m.moment()
	}
	if s.Medium == "sms" {
		s.SentAt = s.ReceivedAt.Add(-time.Duration(2+m.r.IntN(40)) * time.Second)
	}
	if s.Language == "" {
		s.Language = m.language(s.Region)
	}
	m.out = append(m.out, message{Submission: s, phone: phone})
}

// language gives one that is spoken in the region.
func (m *maker) language(region string) string {
	fr, ses := 72, 22
	if region != "ML06" {
		fr, ses = 68, 4
	}
	switch n := m.r.IntN(100); {
	case n < fr:
		return "fr"
	case n < fr+ses:
		return "ses"
	}
	return "bm"
}

// say gives a text that nobody used yet and that fits, or none.
func (m *maker) say(fits func(text) bool) (text, bool) {
	var list []text
	for _, t := range m.texts {
		if !m.used[t.text] && fits(t) {
			list = append(list, t)
		}
	}
	if len(list) == 0 {
		return text{}, false
	}
	t := pick(m, list)
	m.used[t.text] = true
	return t, true
}

// tension makes the reports of local tensions. Their texts decide the phase and
// often the place, so those with words come first.
func (m *maker) tension() {
	type open struct{ group, phase string }
	var rest []open
	phases := map[string]int{}
	for _, p := range quota(tensions, tensionPhases) {
		phases[p]++
	}
	var said []text
	for _, g := range m.shuffled(tensions, tensionGroups) {
		t, ok := m.say(func(t text) bool { return t.kind == programme.Tension && t.code == g && phases[t.phase] > 0 })
		if !ok {
			rest = append(rest, open{group: g})
			continue
		}
		phases[t.phase]--
		said = append(said, t)
	}
	var left []string
	for _, w := range tensionPhases {
		for range phases[w.value] {
			left = append(left, w.value)
		}
	}
	m.r.Shuffle(len(left), func(i, j int) { left[i], left[j] = left[j], left[i] })
	for i, o := range rest {
		said = append(said, text{code: o.group, phase: left[i]})
	}
	when, regions, medium := m.shuffled(tensions, tensionWhen), m.shuffled(tensions, tensionRegions), m.shuffled(tensions, media)
	for i, t := range said {
		place := t.about
		if place == "" {
			place = pick(m, m.communes(regions[i]))
		}
		level := programme.L1
		if slices.Contains(peaceOnly, t.code) {
			level = programme.L2
		}
		m.add(programme.Submission{
			Kind: programme.Tension, Level: level, Medium: medium[i], Language: t.language, Place: place, Region: programme.Region(place),
			Answers: map[string]string{"type": t.code, "phase": t.phase, "when": when[i]}, Text: t.text, Confirmed: true,
		})
	}
}

// communes lists those of a region in whose cercles projects are.
func (m *maker) communes(region string) []string {
	cercles := map[string]bool{}
	for _, p := range m.projects {
		cercles[p.Place[:6]] = p.Region == region
	}
	var out []string
	for _, p := range m.places {
		if p.Level == 3 && cercles[p.Parent] {
			out = append(out, p.PCode)
		}
	}
	return out
}

// open makes messages of L1 that fit no flow: they came as an SMS of its own.
func (m *maker) open() {
	for i := range opens {
		kind := []programme.Kind{programme.Tension, programme.Feedback}[i%2]
		t, ok := m.say(func(t text) bool { return t.kind == kind && !slices.Contains(peaceOnly, t.code) && t.about == "" })
		if !ok {
			t, _ = m.say(func(t text) bool { return t.kind == programme.Feedback })
		}
		m.add(programme.Submission{
			Kind: programme.Open, Level: programme.L1, Medium: "sms", Language: t.language, Answers: map[string]string{}, Text: t.text, Confirmed: true,
		})
	}
}

// feedback makes what people think of projects.
func (m *maker) feedback() {
	types := m.shuffled(feedbacks, feedbackTypes)
	// Who is gladder rates higher, and says oftener that it brings people together.
	ranked := func(noise float64, weights []weight) []string {
		order, score := make([]int, feedbacks), make([]float64, feedbacks)
		for i := range order {
			order[i], score[i] = i, moods[types[i]]+noise*m.r.Float64()
		}
		sort.SliceStable(order, func(a, b int) bool { return score[order[a]] < score[order[b]] })
		out := make([]string, feedbacks)
		for rank, v := range quota(feedbacks, weights) {
			out[order[rank]] = v
		}
		return out
	}
	ratings, cohesion, medium := ranked(2.5, feedbackRatings), ranked(4, feedbackCohesion), m.shuffled(feedbacks, media)
	var weighted []programme.Project // phase 1 began earlier and is known better
	for _, p := range m.projects {
		for range 6 - 3*p.Phase {
			weighted = append(weighted, p)
		}
		if p.Phase != 1 {
			weighted = append(weighted, p, p)
		}
	}
	for i, code := range types {
		p := pick(m, weighted)
		t, ok := m.say(func(t text) bool { return t.kind == programme.Feedback && t.code == code })
		if ok && t.about != "" {
			var about []programme.Project
			for _, q := range m.projects {
				if q.Code == t.about || q.Kind == t.about {
					about = append(about, q)
				}
			}
			p = pick(m, about)
		}
		m.add(programme.Submission{
			Kind: programme.Feedback, Level: programme.L1, Medium: medium[i], Language: t.language, Project: p.Code, Place: p.Place, Region: p.Region,
			Answers: map[string]string{"type": code, "rating": ratings[i], "cohesion": cohesion[i]}, Text: t.text, Confirmed: true,
		})
	}
}

// progress makes the groups' reports: all but one for the month before the last.
// The last month is left to who tries the demo: a second report would be a
// correction.
func (m *maker) progress() {
	of := time.Date(m.now.Year(), m.now.Month()-2, 1, 0, 0, 0, 0, time.UTC)
	lost := len(m.groups)/2 + 1 // the group whose equipment was taken
	for i, g := range m.groups {
		if i != len(m.groups)-1 {
			m.report(g, of, 16+m.r.IntN(18), i == lost)
		}
	}
}

func (m *maker) report(g programme.Group, of time.Time, members int, lost bool) {
	at, ok := m.reportable(of)
	if !ok {
		return
	}
	var phones []string
	for _, l := range m.leaders {
		if l.Group == g.Code {
			phones = append(phones, l.Phone)
		}
	}
	meetings := 3 + m.r.IntN(3)
	level, equ := programme.L1, pick(m, m.shuffled(100, equipment))
	if lost {
		level, equ = programme.L2, "4"
	}
	medium := "ussd"
	if m.r.IntN(4) == 0 {
		medium = "sms"
	}
	m.addFrom(programme.Submission{
		Kind: programme.Progress, Level: level, Medium: medium, Project: g.Project, Place: g.Place, Region: g.Region, Group: g.Code,
		Answers: map[string]string{
			"month": of.Format("2006-01"), "MEM": strconv.Itoa(members), "REU": strconv.Itoa(meetings),
			"EPA": strconv.Itoa(members * meetings * (50 * (2 + m.r.IntN(4)))), "REC": strconv.Itoa(500 * (30 + m.r.IntN(90))),
			"EQU": equ, "PB": pick(m, m.shuffled(100, problems)),
		},
		Confirmed:  medium == "ussd", // an SMS has no PIN
		ReceivedAt: at,
	}, pick(m, phones))
}

// reportable gives a moment when a report of that month could be sent: until the
// 10th for the month before only, later also for two months before, or, at the
// end of a month, for itself.
func (m *maker) reportable(of time.Time) (time.Time, bool) {
	for range 2000 {
		t := m.moment()
		months := (t.Year()-of.Year())*12 + int(t.Month()) - int(of.Month())
		if months == 1 || months == 2 && t.Day() > 10 || months == 0 && t.Day() >= 25 {
			return t, true
		}
	}
	return time.Time{}, false
}
