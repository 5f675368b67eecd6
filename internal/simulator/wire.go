package simulator

import (
	"net/url"
	"time"

	"lafia/gateway/message"
)

// wire is what one aggregator says and hears: the requests that it makes of
// Lafia, and its answers to those that Lafia makes of it. It is pure, like an
// adapter, and the adapter's mirror: it shares no code with it, so that a
// mistake in one shows in the other.
//
// To add an aggregator: a file with its wire, and its line in wires.
type wire interface {
	// session draws the id of a new USSD session.
	session(random func(n int) []byte) string
	// hop makes the request for the latest input of a USSD session.
	hop(hook string, h hop) message.HTTPRequest
	// screen reads the answer to a hop.
	screen(status int, body []byte) screen
	// end makes the request that tells of a session that the caller or the
	// network ended. It is not ok when the aggregator tells nothing.
	end(hook string, e end) (r message.HTTPRequest, ok bool)
	// sms makes the request that hands over an SMS of a person.
	sms(hook string, m outgoing) message.HTTPRequest
	// take reads a request to send SMS, and makes the answer to it.
	take(r message.HTTPRequest, random func(n int) []byte) taken
}

// wires is the table of aggregators, by the names of their adapters.
var wires = map[string]wire{
	"africastalking": africastalking{},
	"androidsms":     androidsms{},
	"orange":         orange{},
	"infobip":        infobip{},
	"twilio":         twilio{},
	"hubtel":         hubtel{},
	"external":       external{},
	"kannel":         kannel{},
	"jasmin":         jasmin{},
	"vonage":         vonage{},
	"mtarget":        mtarget{},
	"lafricamobile":  lafricamobile{},
}

// hop is one request of a USSD session.
type hop struct {
	session string
	service string // the code without what was dialled behind it
	from    message.Number
	inputs  []string // every input so far, what was dialled behind the code first
	first   bool     // nothing was typed yet, but perhaps dialled
}

// screen is what an aggregator makes of the answer to a hop.
type screen struct {
	text string
	kind string // the aggregator's own word for going on or ending; empty when the answer says neither
	live bool   // the session goes on
}

// end is the end of a USSD session.
type end struct {
	hop
	at   time.Time
	took time.Duration
	hops int
	last []byte // Lafia's last answer, as it came
}

// outgoing is an SMS on its way from a phone to Lafia.
type outgoing struct {
	id   []byte // 16 bytes, for the aggregator to write as its id
	from message.Number
	to   string
	text string
	at   time.Time
}

// incoming is an SMS that Lafia sent to a phone.
type incoming struct {
	From string
	To   message.Number
	Text string
}

// taken is what became of a request to send.
type taken struct {
	messages []incoming
	status   int
	body     []byte
}

// hook is the URL of one of a channel's webhooks.
func (s *Simulator) hook(c Channel, kind message.Kind) string {
	return s.BaseURL() + "/webhooks/" + url.PathEscape(c.Name) + "/" + string(kind) + "?token=" + url.QueryEscape(c.Token.Reveal())
}
