package infobip

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"

	"lafia/gateway/message"
)

// readJSON reads the body into v, or tells why it could not. The content type is
// not looked at: what is no JSON shows by itself.
func readJSON(r message.Request, v any) (reason string) {
	if e := r.Header.Get("Content-Encoding"); e != "" && !strings.EqualFold(e, "identity") {
		return "the body is encoded: Content-Encoding is " + word(e)
	}
	body := utf8Of(r.Body)
	switch {
	case len(bytes.TrimSpace(body)) == 0:
		return "the body is empty"
	case !json.Valid(body):
		return "the body is no JSON"
	case json.Unmarshal(body, v) != nil:
		return "the body is JSON of another shape"
	}
	return ""
}

// utf8Of makes JSON in whatever character set UTF-8: UTF-16 of either order, with
// or without its mark, and bytes that are no UTF-8 as message.RepairText reads
// them. JSON begins with a character of ASCII, so that a NUL among the first two
// bytes tells of UTF-16 (RFC 4627, 3).
func utf8Of(b []byte) []byte {
	var order binary.ByteOrder
	if len(b) >= 2 {
		switch {
		case b[0] == 0xFE && b[1] == 0xFF, b[0] == 0 && b[1] != 0:
			order = binary.BigEndian
		case b[0] == 0xFF && b[1] == 0xFE, b[0] != 0 && b[1] == 0:
			order = binary.LittleEndian
		}
	}
	if order != nil {
		units := make([]uint16, len(b)/2)
		for i := range units {
			units[i] = order.Uint16(b[2*i:])
		}
		b = []byte(string(utf16.Decode(units)))
	}
	b = bytes.ReplaceAll(bytes.TrimPrefix(b, []byte("\uFEFF")), []byte{0}, nil)
	if !utf8.Valid(b) {
		b = []byte(message.RepairText(string(b)))
	}
	return b
}

// text is a JSON value read as repaired text, whether it came as a string, a
// number or a truth. null is as if it were not there; so is what holds others.
type text struct {
	value string
	given bool
}

// UnmarshalJSON never fails.
func (t *text) UnmarshalJSON(b []byte) error {
	switch b[0] {
	case 'n', '{', '[':
		*t = text{}
	case '"':
		var s string
		_ = json.Unmarshal(b, &s) // b is a JSON string: it was scanned before
		*t = text{message.RepairText(s), true}
	default:
		*t = text{string(b), true}
	}
	return nil
}

// maxField bounds ids, numbers and codes. The longest that occurs is a UUID;
// PostgreSQL indexes no more than about 2,700 bytes.
const maxField = 200

// fields reads fields and keeps the first reason why it could not.
type fields struct{ reason string }

func (f *fields) fail(reason string) {
	if f.reason == "" {
		f.reason = reason
	}
}

// short reads a field that is no text; "" when it is not there.
func (f *fields) short(name string, t text) string {
	v := strings.TrimSpace(t.value)
	if len(v) > maxField {
		f.fail(name + " is longer than " + strconv.Itoa(maxField) + " bytes")
		return ""
	}
	return v
}

// needed reads such a field that has to be there.
func (f *fields) needed(name string, t text) string {
	v := f.short(name, t)
	if v == "" {
		f.fail(name + " is missing")
	}
	return v
}

func (f *fields) number(name string, t text) message.Number {
	n := message.ParseNumber(f.needed(name, t))
	if n.IsZero() {
		f.fail(name + " is no number")
	}
	return n
}

// readTime reads a time whose offset has no colon ("2016-10-06T09:28:39.220+0000"),
// or has one; without an offset it is UTC. What is no time is no reason to lose a
// message: it gives the zero time.
func readTime(s string) time.Time {
	for _, layout := range []string{"2006-01-02T15:04:05Z0700", time.RFC3339, "2006-01-02T15:04:05", time.DateTime} {
		if t, err := time.Parse(layout, s); err == nil {
			return t.UTC()
		}
	}
	return time.Time{}
}

// word makes the aggregator's word fit for a log line: one line of at most 80
// characters, without the digits of a number where there are six or more.
func word(s string) string {
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
	for _, r := range message.RepairText(s) {
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
