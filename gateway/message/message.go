// Package message holds what crosses the border between an aggregator and
// Lafia: requests and responses as bytes, the events read from them, and the
// contract of an adapter. It imports nothing of ours and does no I/O.
package message

import (
	"net/http"
	"net/netip"
	"net/url"
	"time"
)

// Kind says which of a channel's webhooks a request came to.
type Kind string

// The webhooks of a channel: /webhooks/{channel}/{kind}, with whatever path an
// aggregator appends to it (Infobip: …/ussd/session/{id}/start).
const (
	KindUSSD   Kind = "ussd"
	KindSMS    Kind = "sms"
	KindStatus Kind = "status"
	KindCall   Kind = "call" // missed calls, where a channel reports them
)

// Medium is how a person and Lafia talk.
type Medium string

// The media that conversations run over.
const (
	USSD Medium = "ussd"
	SMS  Medium = "sms"
)

// Request is one HTTP request of an aggregator, owned by us: nothing in it
// points into a buffer that the HTTP server will use again.
type Request struct {
	Method string
	URL    *url.URL // as received; Host as the aggregator called it
	Header http.Header
	Body   []byte // raw, not decompressed, at most 64 KiB
	Remote netip.Addr
}

// Response is what the aggregator gets back. A zero Status means 200.
type Response struct {
	Status      int
	ContentType string
	Header      http.Header
	Body        []byte
}

// Inbound is one message or one USSD hop from a person.
type Inbound struct {
	Medium Medium
	From   Number
	To     string // the number or code written to, as it came
	Text   string // valid UTF-8, no NUL; for USSD see Cumulative

	ExternalID string // the aggregator's id of the message; empty means it has none
	SessionID  string // USSD only
	// Identity is what a repeat is known by where ExternalID alone is not enough
	// (an Android phone's ids are hashes that may meet). Empty: ExternalID.
	Identity string
	// Part is set when this is one part of a long message: parts are joined when
	// all are there, and after 24 h handled as they are.
	Part *Part
	// Call is set for a missed call or an operator's "call me" event of a channel
	// that reports them; Text is empty then.
	Call bool

	// Cumulative is set when Text holds every input of the session so far,
	// joined with "*" (Africa's Talking). Otherwise Text is the latest input.
	Cumulative bool
	// Start is set by single-input aggregators on the first request of a
	// session. A cumulative first request is known by its empty Text.
	Start bool
	// Sequence orders single inputs where the aggregator counts them; 0: it does not.
	Sequence int

	SentAt time.Time // zero when the aggregator does not say
}

// Part says which part of a long message a part is.
type Part struct {
	Ref   string // the same for all parts of one message of one sender
	Index int    // from 1
	Total int
}

// SessionEnd tells that the network or the caller ended a USSD session.
type SessionEnd struct {
	From      Number
	SessionID string
	Completed bool // false: hung up or timed out
}

// Status is a delivery state. States move forward only:
// queued < sent < delivered, failed, expired; unknown never overwrites a known one.
type Status string

// Delivery states that every adapter maps its aggregator's words to.
const (
	StatusQueued    Status = "queued"
	StatusSent      Status = "sent"
	StatusDelivered Status = "delivered"
	StatusFailed    Status = "failed"
	StatusExpired   Status = "expired"
	StatusUnknown   Status = "unknown"
)

// Receipt reports what became of a message that we sent.
type Receipt struct {
	ExternalID string // the aggregator's id, as its send answer gave it
	OurID      string // our own id where the aggregator carries it back, else empty
	To         Number
	Status     Status
	Reason     string // the aggregator's word for a failure, never shown to a caller
	At         time.Time
	// Part and Parts are set where receipts come for each part of a long message:
	// it is delivered when all are. Zero: the receipt is for the whole message.
	// Parts alone tells how many there are, as the aggregator counts them.
	Part, Parts int
	// PartID stands for Part where receipts come for each part and do not number
	// them: what tells the receipt of one part from that of another, and is the
	// same in a repeat (Vonage: the part's own id). Without Parts, the parts are
	// those that the send's answer told of, else those that the text makes.
	PartID string
}

// Event is exactly one of its fields.
type Event struct {
	Inbound *Inbound
	Receipt *Receipt
	End     *SessionEnd
}

// Parsed is the outcome of reading one request.
type Parsed struct {
	Events []Event
	// Refused is not empty when the request is not authentic: the caller gets
	// 401 with an empty body. The reason is for operators, in one line.
	Refused string
	// Alive is set when the request only says that the far end is there (a phone's
	// heartbeat). It is noted and answered with success.
	Alive bool
	// Unreadable is not empty when the request is authentic but could not be
	// read, wholly or in part: it is kept raw, counted, and answered with success.
	Unreadable string
}

// Reply is a USSD screen on its way to the caller.
type Reply struct {
	SessionID string
	From      Number
	To        string // the code that was dialled, as the request had it
	Text      string // laid out: pages, keys and folding are done
	End       bool   // the session ends with this screen
}

// Outbound is one SMS to send.
type Outbound struct {
	ID   string // ours, at most 36 characters, the same on every attempt
	From string // sender: short code or name; empty means the channel's default
	To   Number
	Text string
}

// Account is what a channel's configuration gives an adapter: endpoints and
// secrets. Values are per adapter and documented in its sample.toml.
type Account struct {
	Settings map[string]string
	// Signatures are the secrets that inbound signatures are checked with, at
	// most two at a time, so that a secret can be changed without a gap.
	// Adapters without signatures ignore them.
	Signatures []Secret
	// Token is the bearer token that the outbox got through TokenSender; empty
	// for adapters that need none.
	Token Secret
}

// Verdict is what an attempt to send amounts to.
type Verdict string

// The verdicts of an attempt.
const (
	Sent      Verdict = "sent"      // the aggregator took it
	Rejected  Verdict = "rejected"  // final: it will never go out
	Retry     Verdict = "retry"     // surely not sent; trying again is safe
	Ambiguous Verdict = "ambiguous" // it may have been sent
)

// Outcome is a verdict with the aggregator's id and reason, where it gave them.
type Outcome struct {
	Verdict    Verdict
	ExternalID string
	Reason     string
	// Parts is how many parts the aggregator made of the message, where it says so.
	Parts int
}

// HTTPRequest is a request for the outbox to make. Adapters build it, they
// never make it.
type HTTPRequest struct {
	Method string
	URL    string
	Header http.Header
	Body   []byte
}

// Adapter turns one aggregator's wire format into events and back.
//
// Every method is pure: no I/O, no clock, no chance, no goroutine, no state. A
// method may be called twice with the same arguments, from any goroutine, and
// gives the same answer. So production, fuzzing, the conformance suite and
// `lafia webhook parse` run the same functions.
type Adapter interface {
	// Name is the adapter's name in configuration: lower case, no spaces.
	Name() string

	// Parse reads one request. now judges replay windows. It never panics and
	// never returns text that is not valid UTF-8. Strings in the result do not
	// alias the request.
	Parse(kind Kind, r Request, a Account, now time.Time) Parsed

	// Reply renders a USSD screen as the aggregator wants it.
	Reply(r Reply) Response

	// Ack answers an SMS, a status report or the end of a session that we hold
	// durably (or that we will never accept differently later).
	Ack(kind Kind) Response
}

// Sender is an Adapter that can send SMS.
type Sender interface {
	Adapter

	// Request builds the HTTP request that sends m. An error means that the
	// message can never be sent as it is (a missing setting, a bad number); the
	// error names the setting and holds no number and no text.
	Request(m Outbound, a Account) (HTTPRequest, error)

	// Outcome judges the answer. err is the transport's error, nil when an
	// answer came; wrote tells whether the request's bytes had been written
	// when err happened.
	Outcome(status int, body []byte, err error, wrote bool) Outcome
}

// TokenSender is a Sender whose aggregator wants a token fetched first (OAuth
// 2.0 client credentials). The outbox fetches it, keeps it for its life less a
// minute, puts it into Account.Token, and fetches once more when an attempt is
// answered 401.
type TokenSender interface {
	Sender

	// TokenRequest builds the request for a token. An error names the setting
	// that is missing. A request without a URL says that this account needs no
	// token.
	TokenRequest(a Account) (HTTPRequest, error)

	// ReadToken reads the answer. An error says what was wrong and quotes nothing.
	ReadToken(status int, body []byte) (token Secret, life time.Duration, err error)
}

// SettingChecker is an Adapter that can tell what is wrong or missing in a
// channel's settings, and what must be set at the aggregator itself, for
// `lafia doctor`.
type SettingChecker interface {
	// CheckSettings gives one line for each thing to mend: what, and what to do.
	CheckSettings(a Account) []string

	// Advice gives one line for each setting at the aggregator that Lafia relies
	// on and cannot see from here.
	Advice() []string
}

// Beater is an Adapter whose far end says by itself, again and again, that it is
// there (Parsed.Alive). `lafia doctor` fails a channel that was silent longer.
type Beater interface {
	// Silence is how long a far end that works may be silent.
	Silence() time.Duration
}

// Registrar is an Adapter whose aggregator is told the addresses of webhooks by
// requests, one for each kind of event, instead of by hand. `lafia channel
// register` makes them, in order.
type Registrar interface {
	// Registrations builds the requests. address is that of the channel's
	// webhooks as the outside calls it, "https://lafia.example.org/webhooks/NAME":
	// an adapter appends "/sms?token=" and the token. None at all says that a
	// setting is missing: SettingChecker says which. Registering again what is
	// registered must do no harm.
	Registrations(a Account, address, token string) []HTTPRequest
}

// Configured is an Adapter whose wire format is data: what it writes and how it
// judges answers depends on a channel's settings, which Reply, Ack and Outcome
// are not given.
type Configured interface {
	Adapter

	// For gives the adapter of one channel. Faulty settings are CheckSettings' to
	// tell; what can't be read is as if it were not set.
	For(a Account) Adapter
}

// AdapterFor gives the adapter that a channel with this account uses.
func AdapterFor(a Adapter, account Account) Adapter {
	if c, ok := a.(Configured); ok {
		return c.For(account)
	}
	return a
}
