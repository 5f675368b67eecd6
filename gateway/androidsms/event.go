package androidsms

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"strconv"
	"strings"
	"time"

	"lafia/gateway/message"
)

// envelope is what every event comes in. Its "id" is new for every emission,
// also for the known second emission of one message (issues 288, 301, 310, 372),
// so it tells nothing that we need.
type envelope struct {
	Event   text            `json:"event"`
	Payload json.RawMessage `json:"payload"`
}

// payload holds the fields of all events but the phone's own.
type payload struct {
	MessageID  text   `json:"messageId"`
	Message    given  `json:"message"`
	Data       given  `json:"data"`      // base64
	Sender     text   `json:"sender"`    // null for what we sent with a SIM whose number the phone does not know
	Recipient  text   `json:"recipient"` // null for what we received on such a SIM
	Phone      text   `json:"phoneNumber"`
	Parts      number `json:"partsCount"` // -1: the phone does not know
	Reason     text   `json:"reason"`
	ReceivedAt text   `json:"receivedAt"`
	SentAt     text   `json:"sentAt"`
	Delivered  text   `json:"deliveredAt"`
	FailedAt   text   `json:"failedAt"`
	Cancelled  text   `json:"cancelledAt"`
}

// read reads an event (WebHookEvent.kt has the list of them).
func read(body []byte) message.Parsed {
	var e envelope
	if err := json.Unmarshal(bytes.TrimPrefix(body, []byte("\uFEFF")), &e); err != nil {
		return message.Parsed{Unreadable: "the body is no JSON object"}
	}
	switch {
	case e.Event == "":
		return message.Parsed{Unreadable: "event is missing"}
	case e.Event == "system:ping", e.Event == "app:started":
		return message.Parsed{Alive: true}
	case strings.HasPrefix(string(e.Event), "mms:"):
		return message.Parsed{Unreadable: "an MMS, which is not read: register SMS events alone"}
	case strings.HasPrefix(string(e.Event), "sms:batch:"):
		return batch(strings.Replace(string(e.Event), ":batch", "", 1), e.Payload)
	}
	return one(string(e.Event), e.Payload)
}

// batch reads several messages of one kind (BatchEventPayload.kt): what the app
// sends when it exports its inbox in one request.
func batch(event string, raw json.RawMessage) (all message.Parsed) {
	var b struct {
		Messages []json.RawMessage `json:"messages"`
	}
	if err := json.Unmarshal(raw, &b); err != nil || b.Messages == nil {
		return message.Parsed{Unreadable: "payload.messages is missing"}
	}
	for _, raw := range b.Messages {
		p := one(event, raw)
		all.Events = append(all.Events, p.Events...)
		if all.Unreadable == "" {
			all.Unreadable = p.Unreadable
		}
	}
	return all
}

func one(event string, raw json.RawMessage) message.Parsed {
	var p payload
	if err := json.Unmarshal(raw, &p); err != nil || bytes.Equal(bytes.TrimSpace(raw), []byte("null")) {
		return message.Parsed{Unreadable: "payload is missing"}
	}
	if reason := p.tooLong(); reason != "" {
		return message.Parsed{Unreadable: reason}
	}
	var (
		m      message.Event
		reason string
	)
	switch event {
	case "sms:received":
		m.Inbound, reason = p.inbound(p.Message, "message")
	case "sms:data-received":
		m.Inbound, reason = p.inbound(p.Data.decoded(), "data")
	case "sms:sent":
		m.Receipt, reason = p.receipt(message.StatusSent, p.SentAt)
	case "sms:delivered":
		m.Receipt, reason = p.receipt(message.StatusDelivered, p.Delivered)
	case "sms:failed":
		m.Receipt, reason = p.receipt(message.StatusFailed, p.FailedAt)
	case "sms:cancelled":
		m.Receipt, reason = p.receipt(message.StatusFailed, p.Cancelled)
	default:
		if p.Message.ok || p.Data.ok || p.ReceivedAt != "" {
			return message.Parsed{Unreadable: "the event " + message.Word(event) + " is not known"}
		}
		m.Receipt, reason = p.receipt(message.StatusUnknown, "")
	}
	if reason != "" {
		return message.Parsed{Unreadable: reason}
	}
	if r := m.Receipt; r != nil && r.Reason == "" && event != "sms:failed" && (r.Status == message.StatusFailed || r.Status == message.StatusUnknown) {
		r.Reason = message.Word(event)
	}
	return message.Parsed{Events: []message.Event{m}}
}

func (p *payload) tooLong() string {
	for _, f := range []struct {
		name  string
		value text
	}{{"messageId", p.MessageID}, {"sender", p.Sender}, {"recipient", p.Recipient}, {"phoneNumber", p.Phone}, {"receivedAt", p.ReceivedAt}, {"deliveredAt", p.Delivered}} {
		if len(f.value) > message.MaxField {
			return "payload." + f.name + " is longer than " + strconv.Itoa(message.MaxField) + " bytes"
		}
	}
	return ""
}

// inbound reads a message from a person. Parts of a long one were joined by the
// phone. Apps before February 2026 send only phoneNumber (the vendor's blog,
// 2026-02-17).
func (p *payload) inbound(body given, field string) (*message.Inbound, string) {
	from := either(p.Sender, p.Phone)
	switch {
	case from.IsZero():
		return nil, "payload.sender is missing"
	case !body.ok:
		return nil, "payload." + field + " is missing or cannot be read"
	}
	in := &message.Inbound{
		Medium: message.SMS, From: from, To: string(p.Recipient), Text: string(body.text),
		ExternalID: string(p.MessageID), SentAt: readTime(p.ReceivedAt),
	}
	if in.ExternalID != "" { // else number, text and time tell a repeat
		in.Identity = identity(in.ExternalID, from, p.ReceivedAt, in.SentAt)
	}
	return in, ""
}

// identity is what a repeat of a message is known by: its id, its sender and the
// moment it was received. messageId is a hash of 32 bits over number, time, SIM
// and text (InboxMessage.hashCode): one meeting is likely among 100,000. It is
// hashed here because it holds a number, and identities are no place for one.
func identity(id string, from message.Number, given text, at time.Time) string {
	when := string(given)
	if !at.IsZero() {
		when = at.Format(time.RFC3339Nano)
	}
	sum := sha256.Sum256([]byte(id + "\x00" + from.Reveal() + "\x00" + when))
	return id + "-" + hex.EncodeToString(sum[:12])
}

// receipt reads what became of a message of ours: its id is the one that we
// gave. sms:sent comes once, when all parts are sent, and says how many there
// are; sms:delivered comes once for each part, with nothing but its time to tell
// one part from another; sms:failed comes once and may follow either (the
// vendor's table of multipart messages in docs/features/webhooks.md).
func (p *payload) receipt(status message.Status, at text) (*message.Receipt, string) {
	if p.MessageID == "" {
		return nil, "payload.messageId is missing"
	}
	r := &message.Receipt{
		ExternalID: string(p.MessageID), OurID: string(p.MessageID),
		To: either(p.Recipient, p.Phone), Status: status, Reason: message.Word(string(p.Reason)), At: readTime(at),
	}
	if p.Parts > 0 && p.Parts < maxParts {
		r.Parts = int(p.Parts)
	}
	if status == message.StatusDelivered {
		if r.PartID = string(at); !r.At.IsZero() {
			r.PartID = r.At.Format(time.RFC3339Nano)
		}
	}
	return r, ""
}

// maxParts is more than any SMS has: a part's number is one byte (3GPP TS 23.040
// 9.2.3.24.1).
const maxParts = 256

// either is the first of two numbers that is there.
func either(first, second text) message.Number {
	if n := message.ParseNumber(string(first)); !n.IsZero() {
		return n
	}
	return message.ParseNumber(string(second))
}

// readTime reads a moment with its zone, the phone's own; what is none is no
// reason to lose a message. Old phones compute the zone wrong west of Greenwich
// (GsonBuilder.kt); Mali's is Z.
func readTime(s text) time.Time {
	for _, layout := range []string{time.RFC3339, "2006-01-02T15:04:05Z0700"} {
		if t, err := time.Parse(layout, strings.TrimSpace(string(s))); err == nil {
			return t.UTC()
		}
	}
	return time.Time{}
}

// text is a field that should be a string: a number is taken as it is written,
// all else as if it were not there.
type text string

// UnmarshalJSON never fails: one odd field costs itself and not the message.
func (t *text) UnmarshalJSON(b []byte) error {
	*t = ""
	if len(b) == 0 {
		return nil
	}
	switch c := b[0]; {
	case c == '"':
		var s string
		if err := json.Unmarshal(b, &s); err == nil {
			*t = text(message.RepairText(s))
		}
	case c == '-', c >= '0' && c <= '9':
		*t = text(b)
	}
	return nil
}

// given is a text that may be empty, but has to be there.
type given struct {
	text text
	ok   bool
}

// UnmarshalJSON never fails.
func (g *given) UnmarshalJSON(b []byte) error {
	*g = given{}
	_ = g.text.UnmarshalJSON(b)
	g.ok = g.text != "" || bytes.Equal(b, []byte(`""`))
	return nil
}

// decoded is the text of a data SMS.
func (g given) decoded() given {
	b, err := base64.StdEncoding.DecodeString(string(g.text))
	if err != nil {
		return given{}
	}
	return given{text(message.RepairText(string(b))), g.ok}
}

// number is a field that should be a number; what is none is 0.
type number int64

// UnmarshalJSON never fails.
func (n *number) UnmarshalJSON(b []byte) error {
	v, err := strconv.ParseInt(strings.Trim(string(b), `"`), 10, 32)
	if err != nil {
		v = 0
	}
	*n = number(v)
	return nil
}
