package external

import (
	"net/http"
	"strconv"
	"strings"
	"time"

	"lafia/gateway/message"
)

// kindSpec is what settings say of one kind of request.
type kindSpec struct {
	format string // json, form or query
	when   condition
	items  string
}

type smsSpec struct {
	kind                   kindSpec
	id, from, to, text, at field
	ref, index, total      field
}

type statusSpec struct {
	kind                           kindSpec
	id, ours, to, word, reason, at field
	states                         map[string]message.Status
}

type callSpec struct {
	kind             kindSpec
	id, from, to, at field
}

type ussdSpec struct {
	kind                              kindSpec
	session, from, to, text, sequence field
	cumulative                        bool
	separator                         string
	start, end, completed             condition
	reply, replyEnd                   template
	replyType                         string
	place                             place
}

// read reads a request that came to the address of a kind. One address may get
// several kinds, which sms_when, status_when and call_when tell apart; the end
// of a session is known on the address of receipts too.
func (s *spec) read(kind message.Kind, r message.Request) message.Parsed {
	if e := r.Header.Get("Content-Encoding"); e != "" && !strings.EqualFold(e, "identity") {
		return message.Parsed{Unreadable: "the body is encoded: Content-Encoding is " + message.Word(e)}
	}
	switch kind {
	case message.KindUSSD, message.KindSMS, message.KindStatus, message.KindCall:
	default:
		return message.Parsed{Unreadable: "there is no webhook of this kind"}
	}
	if problem := s.problem(string(kind), "time"); problem != "" {
		return message.Parsed{Unreadable: problem}
	}
	if kind == message.KindUSSD {
		in, reason := open(s.ussd.kind, "ussd", r)
		if reason != "" {
			return message.Parsed{Unreadable: reason}
		}
		return s.hop(in)
	}
	if kind == message.KindStatus && s.ussd.end != nil && s.problem("ussd") == "" {
		if in, reason := open(s.ussd.kind, "ussd", r); reason == "" && s.ussd.end.holds(in) {
			if session, ok := in.value(s.ussd.session); ok && session != "" {
				return s.hop(in)
			}
		}
	}
	first := s.kindOf(kind)
	in, reason := open(first, string(kind), r)
	if reason != "" {
		return message.Parsed{Unreadable: reason}
	}
	var all message.Parsed
	batch := items(in, first.items)
	if len(batch) == 0 {
		all.Unreadable = message.Word(first.items) + " is empty"
	}
	for _, one := range batch {
		p := s.one(kind, one, r)
		all.Events = append(all.Events, p.Events...)
		if all.Unreadable == "" {
			all.Unreadable = p.Unreadable
		}
	}
	return all
}

// one reads one message: as what its address says, or as what it is.
func (s *spec) one(kind message.Kind, in source, r message.Request) message.Parsed {
	own := s.kindOf(kind)
	if own.when == nil || own.when.holds(in) {
		return s.as(kind, in)
	}
	for _, other := range []message.Kind{message.KindSMS, message.KindStatus, message.KindCall} {
		k := s.kindOf(other)
		if other == kind || k.when == nil || s.problem(string(other)) != "" {
			continue
		}
		with := in
		if k.format != own.format {
			var reason string
			if with, reason = open(k, string(other), r); reason != "" {
				continue
			}
		}
		if k.when.holds(with) {
			return s.as(other, with)
		}
	}
	return message.Parsed{Unreadable: "this is not what the setting " + string(kind) + "_when describes, and nothing else"}
}

func (s *spec) kindOf(kind message.Kind) kindSpec {
	switch kind {
	case message.KindSMS:
		return s.sms.kind
	case message.KindStatus:
		return s.status.kind
	}
	return s.call.kind
}

func (s *spec) as(kind message.Kind, in source) message.Parsed {
	f := reader{source: in, clock: s.clock}
	var e message.Event
	switch kind {
	case message.KindSMS:
		e.Inbound = s.sms.read(&f)
	case message.KindStatus:
		e.Receipt = s.status.read(&f)
	default:
		e.Inbound = s.call.read(&f)
	}
	return f.parsed(e)
}

// open reads a request in the format of a kind.
func open(k kindSpec, kind string, r message.Request) (in source, reason string) {
	in = source{url: r.URL, header: r.Header}
	switch {
	case k.format == "query", k.format == "form" && r.Method == http.MethodGet:
		in.form = message.ParseForm(r.URL.RawQuery)
	case r.Method != http.MethodPost && r.Method != http.MethodPut:
		return in, "the method is " + message.Word(r.Method) + ", not POST"
	case k.format == "form":
		if given := message.MediaType(r.Header.Get("Content-Type")); given != "" && given != "application/x-www-form-urlencoded" {
			return in, "Content-Type is " + message.Word(given) + ", but the setting " + kind + "_format is form"
		}
		in.form = message.ParseForm(string(r.Body))
	default:
		root, ok := readJSON(r.Body)
		if !ok {
			return in, "the body is no JSON, but the setting " + kind + "_format is json"
		}
		in.root = root
	}
	return in, ""
}

// items are the messages of a batch, or the request itself where it holds no
// array at the path: it says then what is missing.
func items(in source, path string) []source {
	list, ok := look(in.root, path).([]any)
	if path == "" || !ok {
		return []source{in}
	}
	all := make([]source, 0, len(list))
	for _, item := range list {
		one := in
		if one.item = item; item == nil {
			one.item = map[string]any{}
		}
		all = append(all, one)
	}
	return all
}

// reader reads fields and keeps the first reason why it could not.
type reader struct {
	source
	clock  clock
	reason string
}

func (r *reader) fail(reason string) {
	if r.reason == "" {
		r.reason = reason
	}
}

func (r *reader) parsed(e message.Event) message.Parsed {
	if r.reason != "" {
		return message.Parsed{Unreadable: r.reason}
	}
	return message.Parsed{Events: []message.Event{e}}
}

// short reads a field that is no text; "" when it is not there.
func (r *reader) short(f field) string {
	raw, _ := r.value(f)
	v := strings.TrimSpace(message.RepairText(raw))
	if len(v) > message.MaxField {
		r.fail(f.String() + " is longer than " + strconv.Itoa(message.MaxField) + " bytes")
		return ""
	}
	return v
}

// must reads such a field that has to be there.
func (r *reader) must(f field) string {
	v := r.short(f)
	if v == "" {
		r.fail(f.String() + " is missing")
	}
	return v
}

func (r *reader) number(f field) message.Number {
	n := message.ParseNumber(r.must(f))
	if n.IsZero() {
		r.fail(f.String() + " is no number")
	}
	return n
}

func (r *reader) time(f field) time.Time { return r.clock.read(r.short(f)) }

// text reads a text, which may be empty but has to be there.
func (r *reader) text(f field) string {
	raw, ok := r.value(f)
	if !ok {
		r.fail(f.String() + " is missing")
	}
	return message.RepairText(raw)
}

func (s smsSpec) read(r *reader) *message.Inbound {
	in := &message.Inbound{
		Medium: message.SMS, From: r.number(s.from), To: r.short(s.to), Text: r.text(s.text), ExternalID: r.short(s.id), SentAt: r.time(s.at),
	}
	index, _ := strconv.Atoi(r.short(s.index))
	total, _ := strconv.Atoi(r.short(s.total))
	// A part that cannot be one of them is taken for the whole.
	if ref := r.short(s.ref); ref != "" && total > 1 && total < 256 && index >= 1 && index <= total {
		in.Part = &message.Part{Ref: ref, Index: index, Total: total}
	}
	return in
}

func (s statusSpec) read(r *reader) *message.Receipt {
	word := r.must(s.word)
	out := &message.Receipt{
		ExternalID: r.short(s.id), OurID: r.short(s.ours), To: message.ParseNumber(r.short(s.to)),
		Status: message.StatusUnknown, Reason: message.Word(r.short(s.reason)), At: r.time(s.at),
	}
	if out.ExternalID == "" && out.OurID == "" {
		r.fail(append(append(field{}, s.id...), s.ours...).String() + " is missing")
	}
	if known, ok := s.states[strings.ToLower(word)]; ok {
		out.Status = known
	}
	switch out.Status {
	case message.StatusFailed, message.StatusExpired, message.StatusUnknown:
		if out.Reason == "" {
			out.Reason = message.Word(word)
		}
	default:
		out.Reason = "" // aggregators give words for what went well too
	}
	return out
}

func (s callSpec) read(r *reader) *message.Inbound {
	return &message.Inbound{
		Medium: message.SMS, Call: true, From: r.number(s.from), To: r.short(s.to), ExternalID: r.short(s.id), SentAt: r.time(s.at),
	}
}

// hop reads a request of a USSD session, or its end.
func (s *spec) hop(in source) message.Parsed {
	u, r := s.ussd, reader{source: in, clock: s.clock}
	if u.end != nil && u.end.holds(in) {
		return r.parsed(message.Event{End: &message.SessionEnd{
			From: message.ParseNumber(r.short(u.from)), SessionID: r.must(u.session), Completed: u.completed != nil && u.completed.holds(in),
		}})
	}
	hop := &message.Inbound{
		Medium: message.USSD, From: r.number(u.from), To: r.short(u.to), SessionID: r.must(u.session), Cumulative: u.cumulative,
	}
	raw, there := r.value(u.text)
	hop.Start = !u.cumulative && u.start != nil && u.start.holds(in)
	switch {
	case u.cumulative:
		// Input by input, so that the chain of one hop begins the chain of the next.
		inputs := strings.Split(raw, u.separator)
		for i := range inputs {
			inputs[i] = message.RepairText(inputs[i])
		}
		hop.Text = strings.Join(inputs, "*")
	case hop.Start:
		hop.Text = ahead(strings.TrimSpace(message.RepairText(raw)), hop.To)
	default:
		hop.Text = message.RepairText(raw)
	}
	if !there && !hop.Start {
		r.fail(u.text.String() + " is missing")
	}
	if n, err := strconv.Atoi(r.short(u.sequence)); err == nil && n > 0 && !u.cumulative {
		hop.Sequence = n
	}
	return r.parsed(message.Event{Inbound: hop})
}

// ahead is what was dialled behind the service code on the first request, with
// "*" between inputs: aggregators send the whole code (*713*5#), what stands
// behind it (5), or nothing.
func ahead(dialled, code string) string {
	whole := strings.HasPrefix(dialled, "*") || strings.HasPrefix(dialled, "#")
	code, tail := strings.Trim(code, "*#"), strings.Trim(dialled, "*#")
	switch {
	case tail == code:
		return ""
	case code != "" && strings.HasPrefix(tail, code+"*"):
		return tail[len(code)+1:]
	case whole:
		return "" // a code that is not ours to take apart
	}
	return tail
}

// clock reads times.
type clock struct {
	format string
	zone   *time.Location
}

// read reads a time in the format of the settings, and beside rfc3339 its usual
// variants. What is no time is no reason to lose a message: it is the zero time.
func (c clock) read(s string) time.Time {
	if s == "" || c.zone == nil {
		return time.Time{}
	}
	layouts := []string{c.format}
	switch c.format {
	case "unix", "unix-ms":
		n, err := strconv.ParseFloat(s, 64)
		if err != nil || !(n >= 0 && n <= 1e15) { // NaN is neither
			return time.Time{}
		}
		if c.format == "unix" {
			n *= 1000
		}
		if n > 253402300799999 { // the year 9999, where RFC 3339 ends
			return time.Time{}
		}
		return time.UnixMilli(int64(n)).UTC()
	case "rfc3339":
		layouts = []string{time.RFC3339, "2006-01-02T15:04:05Z0700", "2006-01-02T15:04:05", time.DateTime}
	}
	// In a form, the "+" of a zone that was not escaped is a space.
	if zone := len(s) - len(" 02:00"); zone > len(time.DateOnly) && s[zone] == ' ' && s[zone+3] == ':' {
		s = s[:zone] + "+" + s[zone+1:]
	}
	for _, layout := range layouts {
		if t, err := time.ParseInLocation(layout, s, c.zone); err == nil {
			if t = t.UTC(); t.Year() >= 1 && t.Year() <= 9999 {
				return t
			}
		}
	}
	return time.Time{}
}
