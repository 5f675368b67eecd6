package kannel

import (
	"encoding/hex"
	"fmt"
	"mime"
	"strconv"
	"strings"
	"time"

	"lafia/gateway/message"
)

// fromQuery reads the parameters of a get-url as our README names them. text is
// %b, whose bytes are in the character set of %C: ParseForm undoes the escapes
// and leaves the bytes as they are.
func fromQuery(f *message.Fields) *message.Inbound {
	in := &message.Inbound{
		Medium:     message.SMS,
		From:       f.Number("from"),
		To:         f.Needed("to"),
		ExternalID: f.Short("id"),
		SentAt:     readTime(f.Short("ts")),
	}
	if !f.Has("text") { // an empty text was sent empty
		f.Fail("text is missing")
	}
	in.Text = decode(f, []byte(f.Form["text"]), f.Short("coding"), f.Short("charset"))
	in.Part = part(f.Short("udh"), in.To)
	return in
}

// fromBody reads a post-url: the body is the message itself, all else is in
// headers (gw/smsbox.c). There is no header for the message's id; where the
// address of the post-url holds id=%I it is read from there.
func fromBody(f *message.Fields, r message.Request) *message.Inbound {
	given := r.Header.Get("Content-Type")
	kind, params, _ := mime.ParseMediaType(given)
	switch {
	case r.Header.Get("X-Kannel-From") == "":
		f.Fail("the header X-Kannel-From is missing: a POST has to come from a post-url")
		return nil
	case kind == "text/xml" || kind == "application/xml":
		f.Fail("the body is XML: use get-url or post-url, not post-xml")
		return nil
	}
	headers := &message.Fields{Form: message.Form{}}
	for _, name := range []string{"From", "To", "Time", "Coding", "UDH"} {
		headers.Form["X-Kannel-"+name] = r.Header.Get("X-Kannel-" + name)
	}
	in := &message.Inbound{
		Medium:     message.SMS,
		From:       headers.Number("X-Kannel-From"),
		To:         headers.Needed("X-Kannel-To"),
		ExternalID: f.Short("id"),
		SentAt:     readTime(headers.Short("X-Kannel-Time")),
	}
	if kind == "application/octet-stream" {
		params = map[string]string{"charset": "8-BIT"}
	}
	in.Text = decode(headers, []byte(strings.TrimPrefix(string(r.Body), "\uFEFF")), headers.Short("X-Kannel-Coding"), params["charset"])
	in.Part = part(headers.Short("X-Kannel-UDH"), in.To)
	f.Fail(headers.Reason)
	return in
}

// decode reads the bytes of a message. The character set is law where it is
// said; where it is not, that of the coding is: 0 seven-bit, which Kannel hands
// over in UTF-8, 1 eight-bit, 2 UCS-2 (user guide, "charset" of sms-service).
func decode(f *message.Fields, b []byte, coding, charset string) string {
	if charset == "" || strings.HasPrefix(charset, "%") { // a code that this Kannel doesn't know stays as it is
		switch coding {
		case "1":
			charset = "8-BIT"
		case "2":
			charset = "UTF-16BE"
		default:
			charset = "UTF-8"
		}
	}
	if strings.EqualFold(charset, "8-BIT") || strings.EqualFold(charset, "BINARY") {
		for _, c := range b {
			if c < ' ' && c != '\n' && c != '\r' && c != '\t' {
				f.Fail("the message is binary (8-BIT), not text")
				return ""
			}
		}
		return message.RepairText(string(b))
	}
	text, ok := message.DecodeCharset(b, charset)
	if !ok {
		f.Fail("the charset " + message.Word(charset) + " is not known")
	}
	return text
}

// part reads the header of one part of a long message (TS 23.040 9.2.3.24.1 and
// .8), which is there only when bearerbox doesn't join parts
// (sms-combine-concatenated-mo = false). nil: the message is whole.
func part(udh, to string) *message.Part {
	b, err := hex.DecodeString(udh)
	if err != nil || len(b) == 0 {
		return nil
	}
	for b = b[1:]; len(b) >= 2 && len(b) >= 2+int(b[1]); b = b[2+int(b[1]):] {
		element, data := b[0], b[2:2+int(b[1])]
		wide := element == 0x08 && len(data) == 4
		if !wide && (element != 0x00 || len(data) != 3) {
			continue
		}
		p := &message.Part{
			Ref:   fmt.Sprintf("%s/%x", to, data[:len(data)-2]),
			Index: int(data[len(data)-1]), Total: int(data[len(data)-2]),
		}
		if p.Total > 1 && p.Index >= 1 && p.Index <= p.Total {
			return p
		}
	}
	return nil
}

// readTime reads %T, Unix seconds, or %t and X-Kannel-Time, both UTC. What is no
// time is no reason to lose a message: it gives the zero time.
func readTime(s string) time.Time {
	if n, err := strconv.ParseInt(s, 10, 64); err == nil && n > 0 && n < 1<<33 {
		return time.Unix(n, 0).UTC()
	}
	t, _ := time.Parse(time.DateTime, s)
	return t.UTC()
}
