package bench

import (
	"fmt"
	"net/url"
	"slices"
	"strconv"
)

// languages is how many the first screen offers.
const languages = 3

// newEvery says how many conversations there are for one of a caller who never
// called before: she chooses her language first, and the record is asked for her.
const newEvery = 4

// words are what callers write. None of them is about a danger: such words make
// a message confidential, and its row is in another table.
var words = []string{
	"Merci pour les barattes, le travail avance bien",
	"Quand commence la deuxieme partie?",
	"La reunion etait tres utile pour les deux quartiers",
	"Il manque une cle pour la porte du magasin",
	"Nous voulons plus de bidons avant la saison",
	"9", // nothing to say
}

// caller is one phone: what it dialled, and what it will press.
type caller struct {
	n       int
	dials   int
	knows   bool     // she chose her language in an earlier conversation
	asked   bool     // she was asked, as once a phone, whether she may be answered
	placed  bool     // she named a place, which is the first of the list from then on
	inputs  []string // of the conversation under way
	pressed int      // of these
	dialled bool
	text    string // cumulative, as Africa's Talking sends it
	tells   bool   // of a project; else of a tension
	begun   bool   // she hung up in the midst of a feedback
}

// walk is what callers do.
type walk int

const (
	whole    walk = iota // all of a feedback or of a tension, to the last screen
	ordinary             // hops that make nothing durable (see wander)
	bareWalk             // the keys of whole, to a handler that holds no conversation
)

// wander begins a walk that makes nothing durable: up to the screen of a feedback
// whose answer would be. There she hangs up; the next time she is asked whether to
// go on, and starts again.
func (c *caller) wander(conversation int) {
	c.dial(conversation &^ 1) // of a project
	keys := 5                 // what, which project, and three answers
	switch {
	case !c.knows: // her language
		keys++
	case c.begun:
		c.inputs = slices.Insert(c.inputs, 0, "2")
		keys++
	}
	c.inputs = c.inputs[:keys]
	c.knows, c.begun = true, true
}

// dial begins a conversation: the whole of a feedback or of a tension, in turn.
// Every answer is drawn from the number of the conversation, so that two runs
// press the same keys.
func (c *caller) dial(conversation int) {
	pick := func(step, n int) string { return strconv.Itoa((conversation/2*7+step*5+c.n*3)%n + 1) }
	c.dials++
	c.pressed, c.dialled, c.text, c.inputs = 0, false, "", c.inputs[:0]
	if !c.knows {
		c.inputs = append(c.inputs, pick(0, languages))
	}
	c.tells = conversation%2 == 0
	words := words[(conversation/2+c.n)%len(words)]
	if c.tells {
		c.inputs = append(c.inputs, "1", "101", pick(1, 6), pick(2, 5), pick(3, 3))
		if !c.asked {
			c.inputs = append(c.inputs, pick(4, 2))
		}
		c.inputs = append(c.inputs, words)
		return
	}
	kind := pick(1, 8)
	c.inputs = append(c.inputs, "2", kind)
	if conversation%6 == 1 {
		c.inputs = append(c.inputs, "99") // the list of places has a second page
	}
	if c.placed {
		c.inputs = append(c.inputs, "1")
	} else {
		c.inputs = append(c.inputs, pick(2, 5), "1") // a cercle, a commune
	}
	c.inputs = append(c.inputs, pick(3, 5), pick(4, 6), pick(5, 3), pick(6, 3))
	if kind < "5" || kind > "7" { // what is for the peace team alone is not asked about again
		c.inputs = append(c.inputs, pick(7, 2))
	}
	c.inputs = append(c.inputs, words)
}

// done notes what is remembered of a caller who came to the end.
func (c *caller) done() {
	c.knows = true
	if c.tells {
		c.asked = true
	} else {
		c.placed = true
	}
}

// press takes the next step: the first is the dialling itself. It reports
// whether the conversation ends with it.
func (c *caller) press() (last bool) {
	if !c.dialled {
		c.dialled = true
		return false
	}
	if c.text != "" {
		c.text += "*"
	}
	c.text += c.inputs[c.pressed]
	c.pressed++
	return c.pressed == len(c.inputs)
}

// before tells how many steps there are up to the end, the dialling counted.
func (c *caller) before() int {
	n := len(c.inputs) - c.pressed
	if !c.dialled {
		n++
	}
	return n
}

// body is the hop as Africa's Talking posts it.
func (c *caller) body(to []byte) []byte {
	to = append(to, "sessionId=ATUid_bench"...)
	to = strconv.AppendInt(to, int64(c.n), 10)
	to = append(to, '_')
	to = strconv.AppendInt(to, int64(c.dials), 10)
	to = append(to, "&serviceCode=%2A384%23&networkCode=61002&phoneNumber=%2B223"...)
	to = fmt.Appendf(to, "%08d", 99_000_000+c.n)
	to = append(to, "&text="...)
	return append(to, url.QueryEscape(c.text)...)
}

// expect reports whether a reply is what this step of a walk gets: the last one
// ends and carries a reference, every other goes on.
func expect(reply []byte, last bool) bool {
	if len(reply) < 8 {
		return false
	}
	if !last {
		return string(reply[:4]) == "CON "
	}
	return string(reply[:4]) == "END " && hasReference(reply)
}

// hasReference looks for 4827-1936.
func hasReference(b []byte) bool {
	digits := 0
	for i, c := range b {
		switch {
		case c >= '0' && c <= '9':
			digits++
			if digits == 8 && i >= 8 {
				return true
			}
		case c == '-' && digits == 4:
		default:
			digits = 0
		}
	}
	return false
}
