package message

import (
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"unicode"
)

// MaxField bounds ids, numbers and codes, which are no text: the longest that
// occurs is a URL-safe id of about 100 characters, and PostgreSQL indexes no
// more than about 2,700 bytes.
const MaxField = 200

// Fields reads the fields of one request and keeps the first reason why it
// could not, for Parsed.Unreadable.
type Fields struct {
	Form
	Reason string
}

// Fail keeps a reason, unless there is an earlier one.
func (f *Fields) Fail(reason string) {
	if f.Reason == "" {
		f.Reason = reason
	}
}

// Short reads a field that is no text; "" when it is not there.
func (f *Fields) Short(name string) string {
	v := strings.TrimSpace(f.Text(name))
	if len(v) > MaxField {
		f.Fail(name + " is longer than " + strconv.Itoa(MaxField) + " bytes")
		return ""
	}
	return v
}

// Needed reads such a field that has to be there.
func (f *Fields) Needed(name string) string {
	v := f.Short(name)
	if v == "" {
		f.Fail(name + " is missing")
	}
	return v
}

// Number reads a sender, which has to be there.
func (f *Fields) Number(name string) Number {
	n := ParseNumber(f.Needed(name))
	if n.IsZero() {
		f.Fail(name + " is no number")
	}
	return n
}

// Count reads a small number that is not negative; 0 when there is none.
func (f *Fields) Count(name string) int {
	n, err := strconv.Atoi(f.Short(name))
	if err != nil || n < 0 {
		return 0
	}
	return n
}

// Parsed is the one event that was read, or why none was.
func (f *Fields) Parsed(e Event) Parsed {
	if f.Reason != "" {
		return Parsed{Unreadable: f.Reason}
	}
	return Parsed{Events: []Event{e}}
}

// ReadForm reads the query of a GET or the form that a POST carries, whichever
// of the methods the aggregator uses. The reason is not empty when the request
// is neither; a POST without a content type is taken for a form.
func ReadForm(r Request, methods ...string) (f Form, reason string) {
	if !slices.Contains(methods, r.Method) {
		return nil, "the method is " + Word(r.Method) + ", not " + strings.Join(methods, " or ")
	}
	if r.Method == http.MethodGet {
		return ParseForm(r.URL.RawQuery), ""
	}
	if e := r.Header.Get("Content-Encoding"); e != "" && !strings.EqualFold(e, "identity") {
		return nil, "the body is encoded: Content-Encoding is " + Word(e)
	}
	if kind := MediaType(r.Header.Get("Content-Type")); kind != "" && kind != "application/x-www-form-urlencoded" {
		return nil, "Content-Type is " + Word(kind) + ", not application/x-www-form-urlencoded"
	}
	return ParseForm(string(r.Body)), ""
}

// MediaType is what stands before the parameters of a content type, in lower
// case, even where these are broken.
func MediaType(given string) string {
	kind, _, err := mime.ParseMediaType(given)
	if err != nil {
		kind, _, _ = strings.Cut(given, ";")
		kind = strings.ToLower(strings.TrimSpace(kind))
	}
	return kind
}

// Word makes an aggregator's word fit for a log line: one line of at most 80
// characters, with "#" for six digits or more in a row, which could be a number.
func Word(s string) string {
	var b strings.Builder
	digits := ""
	flush := func() {
		if len(digits) >= 6 {
			digits = "#"
		}
		b.WriteString(digits)
		digits = ""
	}
	runes := 0
	for _, r := range RepairText(s) {
		if runes++; runes > 80 {
			break
		}
		if r >= '0' && r <= '9' {
			digits += string(r)
			continue
		}
		flush()
		if !unicode.IsPrint(r) {
			r = ' '
		}
		b.WriteRune(r)
	}
	flush()
	return strings.TrimSpace(b.String())
}

// IsEndpoint reports whether s is an address that requests can be sent to.
func IsEndpoint(s string) bool {
	u, err := url.Parse(s)
	return err == nil && u.Host != "" && (u.Scheme == "https" || u.Scheme == "http")
}

// TransportOutcome judges an attempt by what is the same at every aggregator. It
// is not decided when a 2xx came, whose body the adapter reads.
//
//   - No answer: not sent when the request had not been written, else ambiguous.
//   - 429 throttles; 401 and 403 are wrong credentials, 3xx is somebody else's
//     answer: surely not sent, and nothing is wrong with the message.
//   - Other 4xx are final. 5xx is ambiguous: it may stand for a lost answer.
func TransportOutcome(status int, err error, wrote bool) (o Outcome, decided bool) {
	switch {
	case err != nil && wrote:
		return Outcome{Verdict: Ambiguous, Reason: "no answer"}, true
	case err != nil:
		return Outcome{Verdict: Retry, Reason: "not connected"}, true
	case status >= 200 && status <= 299:
		return Outcome{}, false
	}
	o = Outcome{Verdict: Rejected, Reason: "HTTP " + strconv.Itoa(status)}
	switch {
	case status >= 500 || status < 200:
		o.Verdict = Ambiguous
	case status < 400, status == http.StatusTooManyRequests, status == http.StatusUnauthorized, status == http.StatusForbidden:
		o.Verdict = Retry
	}
	return o, true
}

// ReplyWithoutUSSD stands in for a screen at an aggregator that has no USSD,
// whose adapter reads no hop: the text as it is.
func ReplyWithoutUSSD(r Reply) Response {
	end := "false"
	if r.End {
		end = "true"
	}
	return Response{
		Status: http.StatusOK, ContentType: "text/plain; charset=utf-8", Body: []byte(r.Text),
		Header: http.Header{"Lafia-End": {end}},
	}
}
