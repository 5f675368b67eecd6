package external

import (
	"encoding/base64"
	"encoding/json"
	"encoding/xml"
	"errors"
	"io"
	"maps"
	"net/http"
	"net/textproto"
	"slices"
	"strconv"
	"strings"

	"lafia/gateway/message"
)

// sendSpec is how a message is sent, and what an answer means.
type sendSpec struct {
	url, body                 template
	method, kind              string
	place                     place
	headers                   []header
	basic                     string // Authorization, already encoded
	from                      string
	own                       map[string]string
	accepted, retry, rejected statuses
	success, again            condition
	id, reason                field
}

type header struct {
	name  string
	value template
}

// names are what a request to send may hold, beside the channel's own settings.
var names = []string{"to", "to_digits", "from", "text", "id"}

func (c *compiler) sending() {
	s := sendSpec{from: c.value("from"), own: map[string]string{}}
	for _, name := range c.own {
		s.own[name] = c.settings[name]
	}
	s.method = c.choice("send_method", "POST", "GET", "PUT")
	switch c.choice("send_format", "json", "form", "xml", "text", "none") {
	case "json":
		s.kind = "application/json"
	case "form":
		s.kind = "application/x-www-form-urlencoded"
	case "xml":
		s.kind = "text/xml; charset=utf-8"
	case "text":
		s.kind = "text/plain; charset=utf-8"
	}
	if s.kind != "" {
		s.body = c.template("send_body", names...)
	}
	s.place = placeOf(message.MediaType(s.kind))
	if v := c.value("send_type"); v != "" {
		if s.kind = v; strings.ContainsFunc(v, isControl) {
			c.bad("send_type", "holds a line break or control character")
		}
	}
	s.url = c.template("send_url", names...)
	c.headers(&s)
	if user, password := c.value("send_user"), c.value("send_password"); user != "" || password != "" {
		switch {
		case user == "":
			c.bad("send_user", "is missing beside send_password")
		case strings.ContainsFunc(user, func(r rune) bool { return r == ':' || isControl(r) }):
			c.bad("send_user", "holds a colon, line break or control character")
		case strings.ContainsFunc(password, isControl):
			c.bad("send_password", "holds a line break or control character")
		}
		s.basic = "Basic " + base64.StdEncoding.EncodeToString([]byte(user+":"+password))
	}
	s.accepted, s.retry, s.rejected = c.statuses("send_accepted"), c.statuses("send_retry"), c.statuses("send_rejected")
	s.success = c.parseCondition("send_success", c.value("send_success"), true)
	s.again = c.parseCondition("send_retry_when", c.value("send_retry_when"), true)
	s.id = c.parseField("send_id", c.value("send_id"), true)
	s.reason = c.parseField("send_reason", c.value("send_reason"), true)
	if s.again != nil && s.success == nil {
		c.bad("send_retry_when", "stands for nothing without send_success")
	}
	c.try(s)
	for _, name := range c.own {
		if !c.used[name] {
			c.bad(message.Word(name), "is read by nothing: mend its name, or use it as {%s}", message.Word(name))
		}
	}
	c.out.send = s
}

// headers reads "Name: value" lines.
func (c *compiler) headers(s *sendSpec) {
	for line := range strings.SplitSeq(c.value("send_headers"), "\n") {
		if line = strings.TrimSpace(line); line == "" {
			continue
		}
		name, value, ok := strings.Cut(line, ":")
		if !ok || !token(name) {
			c.bad("send_headers", `has a line that is no "Name: value"`)
			return
		}
		s.headers = append(s.headers, header{
			textproto.CanonicalMIMEHeaderKey(name), c.templateOf("send_headers", strings.TrimSpace(value), names...),
		})
	}
}

// token reports whether a header may be called so (RFC 9110 5.6.2).
func token(s string) bool {
	return s != "" && !strings.ContainsFunc(s, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && !strings.ContainsRune("!#$%&'*+-.^_`|~", r)
	})
}

// try builds a request with odd values, so that a template that cannot be filled
// in is found before the first message.
func (c *compiler) try(s sendSpec) {
	values := s.values(message.Outbound{ID: "id", Text: "a \"b\" <c> & d\n", To: message.ParseNumber("+22370000001")})
	if len(s.url) == 0 {
		return // this channel cannot send
	}
	if !message.IsEndpoint(s.url.render(placeURL, values)) {
		c.bad("send_url", "is no http or https address")
	}
	if !s.url.has("text") && !s.body.has("text") {
		c.bad("send_body", "has no {text}, and send_url neither")
	}
	if !s.mentions("to") && !s.mentions("to_digits") {
		c.bad("send_body", "has no {to} or {to_digits}, and send_url neither")
	}
	body := s.body.render(s.place, values)
	switch {
	case s.place == placeJSON && !json.Valid([]byte(body)):
		c.bad("send_body", "is no JSON once its placeholders are filled in; text stands between quotes, as \"{text}\"")
	case s.place == placeXML && !wellFormed(body):
		c.bad("send_body", "is no XML once its placeholders are filled in")
	}
	for _, h := range s.headers {
		if strings.ContainsFunc(h.value.render(placePlain, s.own), isControl) {
			c.bad("send_headers", "has a line with a control character: does a setting end in a line break?")
		}
	}
}

func (s sendSpec) mentions(name string) bool { return s.url.has(name) || s.body.has(name) }

func wellFormed(body string) bool {
	d := xml.NewDecoder(strings.NewReader(body))
	for n := 0; ; n++ {
		if _, err := d.Token(); err != nil {
			return errors.Is(err, io.EOF) && n > 0
		}
	}
}

func (s sendSpec) values(m message.Outbound) map[string]string {
	v := maps.Clone(s.own)
	from := m.From
	if from == "" {
		from = s.from
	}
	maps.Copy(v, map[string]string{"to": m.To.Reveal(), "to_digits": digits(m.To.Reveal()), "from": from, "text": m.Text, "id": m.ID})
	return v
}

// Request builds the request of the settings send_….
func (x *Adapter) Request(m message.Outbound, a message.Account) (message.HTTPRequest, error) {
	all := x.of(a)
	s := all.send
	switch problem := all.problem("send"); {
	case len(s.url) == 0:
		return message.HTTPRequest{}, errors.New("the setting send_url is missing")
	case problem != "":
		return message.HTTPRequest{}, errors.New(problem)
	case !m.To.IsPhone():
		return message.HTTPRequest{}, errors.New("the receiver is no number with a country code")
	case m.Text == "":
		return message.HTTPRequest{}, errors.New("the message is empty")
	}
	values := s.values(m)
	r := message.HTTPRequest{Method: s.method, URL: s.url.render(placeURL, values), Header: http.Header{}}
	for _, h := range s.headers {
		v := h.value.render(placePlain, values)
		if strings.ContainsFunc(v, isControl) {
			return message.HTTPRequest{}, errors.New("the setting send_headers puts a line break into a header")
		}
		r.Header.Add(h.name, v)
	}
	if s.basic != "" {
		r.Header.Set("Authorization", s.basic)
	}
	if s.kind != "" {
		r.Header.Set("Content-Type", s.kind)
		r.Body = []byte(s.body.render(s.place, values))
	}
	return r, nil
}

// Outcome judges an answer: by its status where send_retry and send_rejected
// name it, by its body where send_accepted does, and else as everywhere
// (message.TransportOutcome).
func (x *Adapter) Outcome(status int, body []byte, err error, wrote bool) message.Outcome {
	s := x.spec.send
	o, decided := message.TransportOutcome(status, err, wrote)
	reason := "HTTP " + strconv.Itoa(status)
	switch {
	case err != nil:
	case s.retry.has(status):
		return message.Outcome{Verdict: message.Retry, Reason: reason}
	case s.rejected.has(status):
		return message.Outcome{Verdict: message.Rejected, Reason: reason}
	case s.accepted.has(status):
		return s.judge(body)
	case !decided: // a success that is none of those that mean one
		return message.Outcome{Verdict: message.Ambiguous, Reason: reason}
	}
	return o
}

// judge reads the body of an answer whose status is one of send_accepted.
//
//   - With send_success: what it describes was sent; what send_retry_when
//     describes was not, and may be tried again; all else that says something is
//     final. An answer that says nothing of it is ambiguous.
//   - Without: what has the id that send_id names was sent. Without that name
//     too, the status says it all.
func (s sendSpec) judge(body []byte) message.Outcome {
	in := source{body: body}
	if root, ok := readJSON(body); ok {
		in.root = root
	} else if text := strings.TrimSpace(string(body)); strings.Contains(text, "=") && !strings.ContainsAny(text, "<{") {
		in.form = message.ParseForm(text)
	}
	raw, _ := in.value(s.id)
	id := strings.TrimSpace(message.RepairText(raw))
	if len(id) > message.MaxField || strings.EqualFold(id, "null") || strings.EqualFold(id, "none") {
		id = ""
	}
	unread := message.Outcome{Verdict: message.Ambiguous, Reason: "the answer could not be read"}
	switch {
	case s.success == nil && s.id != nil && id == "":
		return unread
	case s.success == nil, s.success.holds(in):
		return message.Outcome{Verdict: message.Sent, ExternalID: id}
	case !s.success.speaks(in):
		return unread
	}
	o := message.Outcome{Verdict: message.Rejected}
	if s.again != nil && s.again.holds(in) {
		o.Verdict = message.Retry
	}
	reason, _ := in.value(s.reason)
	if o.Reason = message.Word(reason); o.Reason == "" {
		o.Reason = "the answer says no"
	}
	return o
}

// statuses are HTTP statuses: single ones, and classes such as 2xx.
type statuses []string

// statuses reads "200,202,4xx".
func (c *compiler) statuses(name string) statuses {
	var all statuses
	for one := range strings.SplitSeq(c.value(name), ",") {
		if one = strings.ToLower(strings.TrimSpace(one)); one == "" {
			continue
		}
		if len(one) != 3 || one[0] < '1' || one[0] > '5' || one[1:] != "xx" && digits(one) != one {
			c.bad(name, `is no list of HTTP statuses, as "200,202,4xx"`)
			return nil
		}
		all = append(all, one)
	}
	return all
}

func (s statuses) has(status int) bool {
	code := strconv.Itoa(status)
	return len(code) == 3 && (slices.Contains(s, code) || slices.Contains(s, code[:1]+"xx"))
}
