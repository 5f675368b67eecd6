package simulator

import (
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"unicode/utf8"

	"lafia/gateway/message"
)

const (
	// screenWidth is how many characters a line of the drawn phone holds, as on
	// phones with a screen of 128 points. The style sheet says the same.
	screenWidth = 20
	// maxSuggested is how many phones and codes are suggested: more would be
	// unreadable, and weigh on the page.
	maxSuggested = 40
	// maxThreadShown is how many SMS of a phone are on the page, for its weight.
	maxThreadShown = 20
)

// What a USSD screen may hold so that every network shows it.
const (
	ussdSeptets = 160
	ussdUnits   = 70
)

// view is what the page's address says.
type view struct {
	lang   string
	phones []message.Number
}

func (v view) has(n message.Number) bool {
	for _, p := range v.phones {
		if p == n {
			return true
		}
	}
	return false
}

// url is the address of the view under a path.
func (v view) url(path string) string {
	q := url.Values{}
	if v.lang != "" {
		q.Set("lang", v.lang)
	}
	for _, n := range v.phones {
		q.Add("phone", n.Reveal())
	}
	if len(q) == 0 {
		return path
	}
	return path + "?" + q.Encode()
}

func (v view) in(lang string) view { return view{lang, v.phones} }

func (v view) with(n message.Number) view {
	return view{v.lang, append(v.phones[:len(v.phones):len(v.phones)], n)}
}

func (v view) without(n message.Number) view {
	w := view{lang: v.lang}
	for _, p := range v.phones {
		if p != n {
			w.phones = append(w.phones, p)
		}
	}
	return w
}

// pageView is the page.
type pageView struct {
	view
	Words      words
	Assets     assets
	Phones     []phoneView
	Suggested  []suggestion
	NextNumber string
	CanAdd     bool
}

// suggestion is a phone that can be added to the page.
type suggestion struct {
	Number, Label, URL string
	Here               bool
}

// phoneView is one phone of the page.
type phoneView struct {
	view
	Words    words
	Slot     int
	Number   string
	Label    string // whose phone it is, where it is a suggested one
	Version  string
	Typed    string
	Dialable string // what the green key dials with nothing typed
	Live     bool
	CanAgain bool
	Shown    shown
	Again    *againView
	Note     string
	SMSNote  string
	Thread   []textView
	Older    int // texts that are not shown

	Channels, SMSChannels []choice
	Codes                 []code
	ShortCode             string
}

// id is the id of an element of this phone.
func (v phoneView) id(name string) string {
	id := "phone-" + strconv.Itoa(v.Slot)
	if name != "" {
		id += "-" + name
	}
	return id
}

// placeholder is what the green key would dial.
func (v phoneView) placeholder() string {
	if v.Live {
		return ""
	}
	return v.Dialable
}

// keypad is the keys of a phone, as ITU-T E.161 lays them out.
var keypad = []struct{ Name, Letters string }{
	{"1", ""}, {"2", "abc"}, {"3", "def"},
	{"4", "ghi"}, {"5", "jkl"}, {"6", "mno"},
	{"7", "pqrs"}, {"8", "tuv"}, {"9", "wxyz"},
	{"*", ""}, {"0", "+"}, {"#", ""},
}

// choice is a channel that can be chosen.
type choice struct {
	Name, Code string
	Chosen     bool
}

// code is something to dial.
type code struct{ Dial, Name string }

// shown is what stands on a phone, as programs get it.
type shown struct {
	Phone     string   `json:"phone"`
	SessionID string   `json:"session_id,omitempty"`
	Live      bool     `json:"live"`
	Kind      string   `json:"kind"` // the aggregator's word, as CON or END; empty: neither came
	Screen    string   `json:"screen"`
	Measure   *measure `json:"measure,omitempty"`
	Lines     int      `json:"lines"` // as the drawn phone wraps them
	Status    int      `json:"status"`
	LatencyMS int64    `json:"latency_ms"`
	Identical *bool    `json:"identical,omitempty"` // whether the answer to "again" was, byte for byte
	Note      string   `json:"note,omitempty"`
	Error     string   `json:"error,omitempty"` // timeout, unreachable, unreadable
}

// measure is how much a text takes.
type measure struct {
	Encoding string `json:"encoding"`
	Units    int    `json:"units"`
	Segments int    `json:"segments"`
	Limit    int    `json:"limit,omitempty"` // of a USSD screen
	Said     string `json:"said,omitempty"`  // the same in words
}

// againView is what came of sending a request once more.
type againView struct {
	Identical bool
	Said      string
	Body      string // when it differs
}

// textView is one SMS of a thread.
type textView struct {
	Mine                     bool
	Body, Said, At, Measured string
	Failed                   string
}

// measure counts a text, or gives nil where nothing counts.
func (s *Simulator) measure(t string, m message.Medium) *measure {
	if s.Measure == nil {
		return nil
	}
	out := &measure{}
	out.Encoding, out.Units, out.Segments = s.Measure(t, string(m))
	if m == message.USSD {
		out.Limit = ussdSeptets
		if out.Encoding == "ucs2" {
			out.Limit = ussdUnits
		}
	}
	return out
}

// pageView fills the page. An address without phones shows the first suggested one.
func (s *Simulator) pageView(v view) pageView {
	if len(v.phones) == 0 {
		first := message.ParseNumber("+22370000001")
		if len(s.Phones) > 0 {
			first = s.Phones[0].Number
		}
		v.phones = []message.Number{first}
	}
	p := pageView{view: v, Words: wordsOf(v.lang), Assets: s.assets, CanAdd: len(v.phones) < maxShown}
	for i, n := range v.phones {
		p.Phones = append(p.Phones, s.phoneView(v, n, i))
	}
	for i, sug := range s.Phones {
		if i == maxSuggested {
			break
		}
		p.Suggested = append(p.Suggested, suggestion{
			Number: sug.Number.Reveal(), Label: sug.Label, URL: v.with(sug.Number).url("/simulator"), Here: v.has(sug.Number),
		})
	}
	if last, err := strconv.ParseInt(strings.TrimPrefix(v.phones[len(v.phones)-1].Reveal(), "+"), 10, 64); err == nil {
		p.NextNumber = "+" + strconv.FormatInt(last+1, 10)
	}
	return p
}

// phoneView fills one phone. Looking at a phone does not make it one that was used.
func (s *Simulator) phoneView(v view, n message.Number, slot int) phoneView {
	w := wordsOf(v.lang)
	out := phoneView{view: v, Words: w, Slot: slot, Number: n.Reveal(), Version: "0"}
	for _, sug := range s.Phones {
		if sug.Number == n {
			out.Label = sug.Label
		}
	}
	p, used := s.phones.look(n)
	if !used {
		p = &phone{number: n}
	}
	s.phones.mu.Lock()
	defer s.phones.mu.Unlock()
	out.Version = strconv.Itoa(p.version)
	out.Typed = p.typed
	out.Shown = s.shown(p)
	out.Live = out.Shown.Live
	if c := p.call; c != nil {
		out.CanAgain = true
		out.Again = w.again(c)
	}
	out.Dialable = p.dialled
	if out.Dialable == "" {
		out.Dialable = s.defaultCode(p.channel)
	}
	out.Note, out.SMSNote = w.note(p.note, out.Dialable), w.smsNote(p.smsNote)
	out.Older = max(len(p.thread)-maxThreadShown, 0)
	for _, t := range p.thread[out.Older:] {
		out.Thread = append(out.Thread, s.textView(w, t))
	}
	s.choices(&out, p)
	return out
}

// shown is what stands on a phone, with the lock held.
func (s *Simulator) shown(p *phone) shown {
	out := shown{Phone: p.number.Reveal(), Note: string(p.note)}
	c := p.call
	if c == nil {
		return out
	}
	out.SessionID, out.Live, out.Kind, out.Screen = c.session, c.live, c.screen.kind, c.screen.text
	out.Status, out.LatencyMS = c.answer.status, c.answer.took.Milliseconds()
	switch {
	case c.answer.failure != answered:
		out.Error = string(c.answer.failure)
	case c.screen.kind == "":
		out.Error = "unreadable"
	default:
		out.Measure = s.measure(c.screen.text, message.USSD)
		out.Lines = lines(c.screen.text, screenWidth)
	}
	if c.again != nil {
		out.Identical = &c.again.identical
	}
	return out
}

func (s *Simulator) textView(w words, t *text) textView {
	v := textView{Mine: t.mine, Body: t.body, At: t.at.UTC().Format("15:04:05"), Said: fmt.Sprintf(w.Received, t.peer)}
	if t.mine {
		v.Said = fmt.Sprintf(w.Sent, t.peer)
	}
	if m := s.measure(t.body, message.SMS); m != nil {
		v.Measured = w.measure(m)
	}
	if t.answered && t.status/100 != 2 {
		v.Failed = fmt.Sprintf(w.NotTaken, t.status)
	}
	return v
}

// choices fills what a phone can dial and write to.
func (s *Simulator) choices(out *phoneView, p *phone) {
	for _, c := range s.channels {
		if c.ServiceCode != "" {
			out.Channels = append(out.Channels, choice{c.Name, c.ServiceCode, c.Name == p.channel})
		}
		if c.ShortCode != "" {
			out.SMSChannels = append(out.SMSChannels, choice{c.Name, c.ShortCode, c.Name == p.smsChannel})
		}
	}
	if c, ok := s.smsChannel(p.smsChannel); ok {
		out.ShortCode = c.ShortCode
	}
	if service := s.defaultCode(p.channel); service != "" {
		out.Codes = append(out.Codes, code{service, out.Words.MainMenu})
	}
	for i, pr := range s.Projects {
		if i == maxSuggested {
			break
		}
		out.Codes = append(out.Codes, code{pr.Dial, pr.Code + " " + pr.Name})
	}
}

// lines counts the lines of a text as the drawn phone wraps them: at spaces,
// and inside a word only when it is longer than a line.
func lines(t string, width int) int {
	n := 0
	for line := range strings.SplitSeq(t, "\n") {
		n++
		at := 0
		for word := range strings.SplitSeq(line, " ") {
			size := utf8.RuneCountInString(word)
			if at > 0 && at+1+size > width {
				n, at = n+1, 0
			}
			if at > 0 {
				at++
			}
			for at += size; at > width; at -= width {
				n++
			}
		}
	}
	return n
}

// piece is a part of a screen's text.
type piece struct {
	text  string
	whole bool // a browser would break it where phones don't
}

// pieces takes a text apart so that browsers break its lines as phones do, and
// as lines counts them: 4827-1936 stays whole.
func pieces(t string) (all []piece) {
	for t != "" {
		end := strings.IndexAny(t, " \n")
		if end < 0 {
			end = len(t)
		}
		if word := t[:end]; strings.ContainsAny(word, "-/?!|") && utf8.RuneCountInString(word) <= screenWidth {
			all = append(all, piece{word, true})
		} else if word != "" {
			all = add(all, word)
		}
		if end < len(t) {
			all, end = add(all, t[end:end+1]), end+1
		}
		t = t[end:]
	}
	return all
}

// add puts plain text behind the pieces.
func add(all []piece, t string) []piece {
	if n := len(all); n > 0 && !all[n-1].whole {
		all[n-1].text += t
		return all
	}
	return append(all, piece{t, false})
}
