package external

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"lafia/gateway/message"
)

// standard are all settings, in the order of README.md, with what each is when
// it is left out: together they are Lafia's own JSON. A setting that is there
// but empty is empty: the aggregator has no such field.
var standard = []struct{ name, value string }{
	{"time_format", "rfc3339"}, // rfc3339, unix, unix-ms or a layout
	{"time_zone", "+00:00"},    // of times that name none

	{"sms_format", "json"}, // json, form or query
	{"sms_when", ""},       // what tells an SMS from a receipt that came to the same address
	{"sms_items", ""},      // path of the array of a batch
	{"sms_id", "id"}, {"sms_from", "from"}, {"sms_to", "to"}, {"sms_text", "text"}, {"sms_at", "sent_at"},
	{"sms_part_ref", ""}, {"sms_part_index", ""}, {"sms_part_total", ""},

	{"status_format", "json"}, {"status_when", ""}, {"status_items", ""},
	{"status_id", "id"}, {"status_our_id", "our_id"}, {"status_to", "to"}, {"status_word", "status"},
	{"status_reason", "reason"}, {"status_at", "at"},
	{"status_map", "queued=queued,sent=sent,delivered=delivered,failed=failed,expired=expired"},

	{"ussd_format", "json"},
	{"ussd_session", "session"}, {"ussd_from", "from"}, {"ussd_to", "code"}, {"ussd_text", "input"}, {"ussd_sequence", "sequence"},
	{"ussd_input", "single"},     // single: the latest input; cumulative: all of them
	{"ussd_separator", "*"},      // between cumulative inputs
	{"ussd_start", "type=start"}, // what tells the first request of a session of single inputs
	{"ussd_end", "type=end"},     // what tells that the session is over
	{"ussd_completed", "completed=true"},
	{"ussd_reply", `{"text":"{text}","end":{end}}`},
	{"ussd_reply_end", ""}, // empty: as ussd_reply
	{"ussd_reply_type", "application/json"},

	{"call_format", "json"}, {"call_when", ""}, {"call_items", ""},
	{"call_id", "id"}, {"call_from", "from"}, {"call_to", "to"}, {"call_at", "at"},

	{"ack_status", "200"}, {"ack_type", ""}, {"ack_body", ""},
	{"sms_ack_status", ""}, {"sms_ack_type", ""}, {"sms_ack_body", ""},
	{"status_ack_status", ""}, {"status_ack_type", ""}, {"status_ack_body", ""},
	{"ussd_ack_status", ""}, {"ussd_ack_type", ""}, {"ussd_ack_body", ""},
	{"call_ack_status", ""}, {"call_ack_type", ""}, {"call_ack_body", ""},

	{"signature_algorithm", ""}, // hmac-sha1, hmac-sha256 or hmac-sha512; empty: signing is optional
	{"signature_header", "X-Signature"},
	{"signature_encoding", "hex"}, // hex or base64
	{"signature_prefix", ""},
	{"signature_over", "body"}, // body, body+timestamp or timestamp+body
	{"signature_separator", ""},
	{"signature_timestamp", "X-Timestamp"},
	{"signature_window", "300"}, // seconds

	{"from", ""},
	{"send_url", ""}, {"send_method", "POST"},
	{"send_format", "json"}, // json, form, xml, text or none
	{"send_type", ""},       // empty: that of send_format
	{"send_headers", ""},    // a line each
	{"send_user", ""}, {"send_password", ""},
	{"send_body", `{"id":"{id}","from":"{from}","to":"{to}","text":"{text}"}`},
	{"send_accepted", "2xx"}, {"send_retry", ""}, {"send_rejected", ""},
	{"send_success", ""}, {"send_retry_when", ""}, {"send_id", "id"}, {"send_reason", ""},
}

// spec is what a channel's settings mean. Settings that are wrong leave their
// reason and a zero value.
type spec struct {
	problems  []problem
	signature signature
	clock     clock
	sms       smsSpec
	status    statusSpec
	ussd      ussdSpec
	call      callSpec
	acks      map[message.Kind]ack
	send      sendSpec
}

// problem is what is wrong with a setting: in one line that names it.
type problem struct {
	section string // the first word of its name: what it breaks
	line    string
}

// ack is an acknowledgement.
type ack struct {
	status     int
	kind, body string
}

// compiler reads settings into a spec.
type compiler struct {
	settings map[string]string
	own      []string // settings that are none of standard: placeholders of their own
	used     map[string]bool
	out      *spec
}

// compile never fails: what is wrong is in problems.
func compile(settings map[string]string) *spec {
	c := &compiler{settings: settings, used: map[string]bool{}, out: &spec{acks: map[message.Kind]ack{}}}
	known := map[string]bool{}
	for _, s := range standard {
		known[s.name] = true
	}
	for _, name := range slices.Sorted(maps.Keys(settings)) {
		if !known[name] {
			c.own = append(c.own, name)
		}
	}
	c.times()
	c.kinds()
	c.replies()
	c.acks()
	c.signature()
	c.sending()
	return c.out
}

// value is a setting, or what it is when it is left out.
func (c *compiler) value(name string) string {
	if v, ok := c.settings[name]; ok {
		return v
	}
	for _, s := range standard {
		if s.name == name {
			return s.value
		}
	}
	return ""
}

func (c *compiler) bad(name, format string, args ...any) {
	section, rest, _ := strings.Cut(name, "_")
	switch {
	case strings.HasPrefix(rest, "ack_"):
		section = "ack"
	case slices.Contains(c.own, name):
		section = "" // what nothing reads breaks nothing
	}
	c.out.problems = append(c.out.problems, problem{section, "the setting " + message.Word(name) + " " + fmt.Sprintf(format, args...)})
}

// problem is the first thing that is wrong with the settings of a section.
func (s *spec) problem(sections ...string) string {
	for _, p := range s.problems {
		if slices.Contains(sections, p.section) {
			return p.line
		}
	}
	return ""
}

// choice is a setting that is one of a few words.
func (c *compiler) choice(name string, words ...string) string {
	v := c.value(name)
	if !slices.Contains(words, v) {
		c.bad(name, "is none of %s", strings.Join(words, ", "))
	}
	return v
}

func (c *compiler) times() {
	c.out.clock.format = c.value("time_format")
	switch f := c.out.clock.format; f {
	case "rfc3339", "unix", "unix-ms":
	default:
		if !strings.Contains(f, "06") || !strings.Contains(f, "04") {
			c.bad("time_format", `is none of rfc3339, unix, unix-ms, and no layout: write how the aggregator would write 2 January 2006, 15:04:05, as "02/01/2006 15:04:05"`)
		}
	}
	zone, err := time.Parse("-07:00", c.value("time_zone"))
	if err != nil {
		c.bad("time_zone", `is no distance from UTC, as "+01:00"`)
		return
	}
	_, offset := zone.Zone()
	c.out.clock.zone = time.FixedZone("", offset)
}

func (c *compiler) kinds() {
	s := c.out
	s.sms = smsSpec{
		kind: c.kind("sms"),
		id:   c.field("sms_id"), from: c.needed("sms_from"), to: c.field("sms_to"), text: c.needed("sms_text"), at: c.field("sms_at"),
		ref: c.field("sms_part_ref"), index: c.field("sms_part_index"), total: c.field("sms_part_total"),
	}
	if (s.sms.ref == nil) != (s.sms.index == nil) || (s.sms.ref == nil) != (s.sms.total == nil) {
		c.bad("sms_part_ref", "stands for nothing without sms_part_index and sms_part_total, nor they without it")
	}
	s.status = statusSpec{
		kind: c.kind("status"),
		id:   c.field("status_id"), ours: c.field("status_our_id"), to: c.field("status_to"), word: c.needed("status_word"),
		reason: c.field("status_reason"), at: c.field("status_at"), states: c.states("status_map"),
	}
	if s.status.id == nil && s.status.ours == nil {
		c.bad("status_id", "and status_our_id are empty: a receipt has to name its message")
	}
	s.call = callSpec{kind: c.kind("call"), id: c.field("call_id"), from: c.needed("call_from"), to: c.field("call_to"), at: c.field("call_at")}
	s.ussd = ussdSpec{
		kind:    kindSpec{format: c.choice("ussd_format", "json", "form", "query")},
		session: c.needed("ussd_session"), from: c.needed("ussd_from"), to: c.field("ussd_to"), text: c.needed("ussd_text"),
		sequence: c.field("ussd_sequence"), cumulative: c.choice("ussd_input", "single", "cumulative") == "cumulative",
		separator: c.value("ussd_separator"), start: c.condition("ussd_start"), end: c.condition("ussd_end"), completed: c.condition("ussd_completed"),
	}
	switch {
	case s.ussd.cumulative && s.ussd.separator == "":
		c.bad("ussd_separator", "is empty: write what stands between inputs")
	case !s.ussd.cumulative && s.ussd.start == nil:
		c.bad("ussd_start", `is empty: write what tells the first request of a session, as "type=start"`)
	}
}

func (c *compiler) kind(name string) kindSpec {
	k := kindSpec{format: c.choice(name+"_format", "json", "form", "query"), when: c.condition(name + "_when"), items: c.value(name + "_items")}
	if k.items != "" && k.format != "json" {
		c.bad(name+"_items", "is for json alone: a form or query holds one message")
	}
	return k
}

// states reads "DELIVRD=delivered,UNDELIV=failed".
func (c *compiler) states(name string) map[string]message.Status {
	states := map[string]message.Status{}
	for pair := range strings.SplitSeq(c.value(name), ",") {
		if pair = strings.TrimSpace(pair); pair == "" {
			continue
		}
		word, state, _ := strings.Cut(pair, "=")
		switch s := message.Status(strings.TrimSpace(state)); s {
		case message.StatusQueued, message.StatusSent, message.StatusDelivered, message.StatusFailed, message.StatusExpired, message.StatusUnknown:
			states[strings.ToLower(strings.TrimSpace(word))] = s
		default:
			c.bad(name, "gives %s a state that is none of queued, sent, delivered, failed, expired, unknown", message.Word(word))
		}
	}
	if len(states) == 0 {
		c.bad(name, `is empty: write the aggregator's words, as "DELIVRD=delivered,UNDELIV=failed"`)
	}
	return states
}

func (c *compiler) replies() {
	u := &c.out.ussd
	u.replyType = c.value("ussd_reply_type")
	u.place = placeOf(message.MediaType(u.replyType))
	if u.replyType == "" || strings.ContainsFunc(u.replyType, isControl) {
		c.bad("ussd_reply_type", `is no content type, as "text/plain; charset=utf-8"`)
	}
	names := []string{"text", "session", "from", "from_digits", "to", "end"}
	u.reply = c.template("ussd_reply", names...)
	u.replyEnd = u.reply
	if c.value("ussd_reply_end") != "" {
		u.replyEnd = c.template("ussd_reply_end", names...)
	}
	for i, t := range []template{u.reply, u.replyEnd} {
		name := []string{"ussd_reply", "ussd_reply_end"}[i]
		if name == "ussd_reply_end" && c.value(name) == "" {
			break
		}
		values := map[string]string{"text": "a \"b\"\n", "session": "s", "from": "+1", "from_digits": "1", "to": "*1#", "end": "true"}
		switch {
		case !t.has("text"):
			c.bad(name, "has no {text}: callers would see no screen")
		case u.place == placeJSON && !json.Valid([]byte(t.render(u.place, values))):
			c.bad(name, "is no JSON once its placeholders are filled in; text stands between quotes, as \"{text}\"")
		}
	}
}

func (c *compiler) acks() {
	for _, kind := range []message.Kind{message.KindSMS, message.KindStatus, message.KindUSSD, message.KindCall} {
		var a ack
		pick := func(what string) (name, value string) {
			if name = string(kind) + "_ack_" + what; c.value(name) == "" {
				name = "ack_" + what
			}
			return name, c.value(name)
		}
		name, v := pick("status")
		var err error
		if a.status, err = strconv.Atoi(v); err != nil || a.status < 200 || a.status > 299 {
			c.bad(name, "is no status of success, 200 to 299")
			a.status = 200
		}
		if name, a.kind = pick("type"); strings.ContainsFunc(a.kind, isControl) {
			c.bad(name, "holds a line break or control character")
			a.kind = ""
		}
		_, a.body = pick("body")
		c.out.acks[kind] = a
	}
}

// CheckSettings gives one line for each thing to mend.
func (x *Adapter) CheckSettings(a message.Account) []string {
	s := x.of(a)
	var lines []string
	for _, p := range s.problems {
		if !slices.Contains(lines, p.line) {
			lines = append(lines, p.line)
		}
	}
	slices.Sort(lines)
	if a.Settings["send_url"] == "" {
		lines = append(lines, "the setting send_url is missing: this channel receives, and cannot send")
	}
	switch {
	case s.signature.required && len(a.Signatures) == 0:
		lines = append(lines, "signatures is missing: signature_algorithm asks for a signature, so everything is refused")
	case !s.signature.required && len(a.Signatures) > 0:
		lines = append(lines, "the setting signature_algorithm is missing: requests without a signature are accepted on their token")
	}
	return lines
}

// Advice gives what an aggregator that nobody described has to be asked.
func (*Adapter) Advice() []string {
	return []string{
		"ask the aggregator how long it waits for an answer, and how often it repeats a request that failed: a minute's outage loses what it does not repeat",
		"ask the aggregator for the addresses that it posts from, and set networks, unless it signs",
	}
}

func isControl(r rune) bool { return r < ' ' || r == 0x7F }

// digits are the digits of a number.
func digits(s string) string {
	return strings.Map(func(r rune) rune {
		if r < '0' || r > '9' {
			return -1
		}
		return r
	}, s)
}
