package hubtel

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"lafia/gateway/message"
)

// readJSON reads the body into v, or tells why it could not. The content type is
// not looked at: what is no JSON shows by itself.
func readJSON(r message.Request, v any) (reason string) {
	if e := r.Header.Get("Content-Encoding"); e != "" && !strings.EqualFold(e, "identity") {
		return "the body is encoded: Content-Encoding is " + message.Word(e)
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

// form gives those of the values that were there, by name.
func form(values map[string]text) message.Form {
	f := message.Form{}
	for name, t := range values {
		if t.given {
			f[name] = t.value
		}
	}
	return f
}
