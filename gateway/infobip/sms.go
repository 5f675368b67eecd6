package infobip

import (
	"encoding/json"
	"strconv"
	"strings"

	"lafia/gateway/message"
)

// parseBatch reads "results", each by itself: one that cannot be read costs no
// other (courier drops the batch). Whether a result is a report stands in it, so
// that both are read on both addresses.
func parseBatch(kind message.Kind, r message.Request) message.Parsed {
	var batch struct {
		Results []json.RawMessage `json:"results"`
	}
	if reason := readJSON(r, &batch); reason != "" {
		return message.Parsed{Unreadable: reason}
	}
	var p message.Parsed
	note := func(reason string) {
		if p.Unreadable == "" {
			p.Unreadable = reason
		}
	}
	for i, raw := range batch.Results {
		e, reason := readResult(kind, raw)
		if reason == "" {
			p.Events = append(p.Events, e)
		} else if len(batch.Results) > 1 {
			note("result " + strconv.Itoa(i+1) + " of " + strconv.Itoa(len(batch.Results)) + ": " + reason)
		} else {
			note(reason)
		}
	}
	if batch.Results == nil {
		note("results is missing")
	}
	return p
}

// result is an inbound SMS (MO_JSON_2) or a delivery report.
type result struct {
	MessageID  text      `json:"messageId"`
	From       text      `json:"from"`
	To         text      `json:"to"`
	Text       text      `json:"text"`
	Message    []segment `json:"message"` // the multimedia shape: then there is no text
	ReceivedAt text      `json:"receivedAt"`

	Status *code `json:"status"`
	Error  code  `json:"error"`
	SentAt text  `json:"sentAt"`
	DoneAt text  `json:"doneAt"`
}

type segment struct {
	ContentType text `json:"contentType"`
	Value       text `json:"value"`
}

type code struct {
	GroupID   text `json:"groupId"`
	GroupName text `json:"groupName"`
	Name      text `json:"name"`
}

func (m result) fields() *message.Fields {
	return &message.Fields{Form: form(map[string]text{
		"messageId": m.MessageID, "from": m.From, "to": m.To,
		"receivedAt": m.ReceivedAt, "sentAt": m.SentAt, "doneAt": m.DoneAt,
	})}
}

func readResult(kind message.Kind, raw json.RawMessage) (message.Event, string) {
	var m result
	if json.Unmarshal(raw, &m) != nil {
		return message.Event{}, "it is JSON of another shape"
	}
	switch {
	case m.Status != nil:
		r, reason := m.receipt()
		return message.Event{Receipt: r}, reason
	case kind == message.KindStatus && m.body() == nil:
		return message.Event{}, "status is missing"
	}
	in, reason := m.inbound()
	return message.Event{Inbound: in}, reason
}

func (m result) inbound() (*message.Inbound, string) {
	f := m.fields()
	in := &message.Inbound{
		Medium:     message.SMS,
		From:       f.Number("from"),
		To:         f.Needed("to"),
		ExternalID: f.Short("messageId"), // may be absent: number, text and time tell a repeat then
		SentAt:     readTime(f.Short("receivedAt")),
	}
	if body := m.body(); body != nil { // an empty text was sent empty
		in.Text = *body
	} else {
		f.Fail("text is missing")
	}
	return in, f.Reason
}

// body is the whole text, not cleanText, which lacks the keyword: it may be what
// tells our words apart. nil: there is none.
func (m result) body() *string {
	if m.Text.given {
		return &m.Text.value
	}
	var lines []string
	for _, s := range m.Message {
		if s.Value.given && strings.HasPrefix(strings.ToLower(s.ContentType.value), "text/") {
			lines = append(lines, s.Value.value)
		}
	}
	if lines == nil {
		return nil
	}
	body := strings.Join(lines, "\n")
	return &body
}

// receipt reads a report. messageId is ours, as Request gave it.
func (m result) receipt() (*message.Receipt, string) {
	f := m.fields()
	id := f.Needed("messageId")
	if m.Status.GroupName.value == "" && m.Status.GroupID.value == "" {
		f.Fail("status.groupName is missing")
	}
	r := &message.Receipt{
		ExternalID: id,
		OurID:      id,
		To:         message.ParseNumber(f.Short("to")),
		Status:     statusOf(*m.Status),
		At:         readTime(f.Short("doneAt")),
	}
	if r.At.IsZero() {
		r.At = readTime(f.Short("sentAt"))
	}
	switch r.Status {
	case message.StatusFailed, message.StatusExpired, message.StatusUnknown:
		r.Reason = m.why()
	}
	return r, f.Reason
}

// why is the name of what went wrong: the error's, else the status's.
func (m result) why() string {
	for _, name := range []text{m.Error.Name, m.Status.Name, m.Status.GroupName, m.Status.GroupID} {
		if name.value != "" && name.value != "NO_ERROR" {
			return message.Word(name.value)
		}
	}
	return ""
}

// statusOf maps the group of a status by its name, or by its number where it has
// no name (names: courier; numbers and names: infobip.com message-status-codes).
// Two names mean less than their group: DELIVERED_TO_OPERATOR is not on the
// handset yet (message-status-codes: "intermediate"), and of the pending ones,
// PENDING_ENROUTE and PENDING_WAITING_DELIVERY have left Infobip. courier takes
// EXPIRED for sent; here it is what it says.
func statusOf(c code) message.Status {
	group := strings.ToUpper(strings.TrimSpace(c.GroupName.value))
	if group == "" {
		group = strings.TrimSpace(c.GroupID.value)
	}
	name := strings.ToUpper(c.Name.value)
	switch group {
	case "PENDING", "1":
		if name == "PENDING_ENROUTE" || name == "PENDING_WAITING_DELIVERY" {
			return message.StatusSent
		}
		return message.StatusQueued
	case "UNDELIVERABLE", "2", "REJECTED", "5":
		return message.StatusFailed
	case "DELIVERED", "3":
		if name == "DELIVERED_TO_OPERATOR" {
			return message.StatusSent
		}
		return message.StatusDelivered
	case "EXPIRED", "4":
		return message.StatusExpired
	}
	return message.StatusUnknown
}
