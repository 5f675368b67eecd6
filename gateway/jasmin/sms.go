package jasmin

import (
	"encoding/hex"
	"strings"

	"lafia/gateway/message"
)

// sms reads a message that Jasmin throws. "binary" holds the bytes as the SMSC
// gave them, in hex; "content" holds the same bytes and is read only where a
// Jasmin before 0.9 sends no binary.
func sms(f *message.Fields, coding0 string) *message.Inbound {
	in := &message.Inbound{
		Medium:     message.SMS,
		From:       f.Number("from"),
		To:         f.Needed("to"),
		ExternalID: f.Short("id"), // may be absent: number and text tell a repeat then
	}
	b := []byte(f.Form["content"])
	switch {
	case f.Form["binary"] != "":
		var err error
		if b, err = hex.DecodeString(strings.TrimSpace(f.Form["binary"])); err != nil {
			f.Fail("binary is not hexadecimal")
		}
	case !f.Has("content") && !f.Has("binary"):
		f.Fail("binary is missing")
	}
	in.Text = decode(f, b, f.Short("coding"), coding0)
	return in
}

// decode reads the bytes of a message in the data coding that the SMSC named
// (SMPP 3.4 5.2.19). 0 is the SMSC's own default, which is GSM 03.38 with one
// septet a byte unless the setting coding0 says otherwise.
func decode(f *message.Fields, b []byte, coding, coding0 string) string {
	switch coding {
	case "", "0":
		if coding0 != "" {
			text, ok := message.DecodeCharset(b, coding0)
			if !ok {
				f.Fail("the setting coding0 names a character set that is not known")
			}
			return text
		}
		// A byte with its eighth bit set is in no septet: this SMSC means
		// Latin-1, or UTF-8, by its default, and the setting is to be made.
		text, ok := message.DecodeGSM(b)
		if !ok {
			text = message.RepairText(string(b))
		}
		return text
	case "1": // ASCII; some SMSCs put more into it
		return message.RepairText(string(b))
	case "3":
		text, _ := message.DecodeCharset(b, "ISO-8859-1")
		return text
	case "8":
		return message.DecodeUTF16BE(b)
	}
	f.Fail("the coding " + message.Word(coding) + " is not one of 0, 1, 3, 8")
	return ""
}
