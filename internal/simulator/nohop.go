package simulator

import (
	"encoding/hex"
	"net/http"
	"net/url"
	"unicode/utf16"

	"lafia/gateway/message"
)

// noUSSD is what an aggregator without USSD makes of a dialled code: the call
// goes nowhere, and nobody is told of its end.
type noUSSD struct{}

func (noUSSD) session(random func(int) []byte) string { return hex.EncodeToString(random(16)) }

func (noUSSD) hop(hook string, _ hop) message.HTTPRequest {
	return message.HTTPRequest{Method: http.MethodGet, URL: hook, Header: http.Header{}}
}

func (noUSSD) screen(int, []byte) screen { return screen{} }

func (noUSSD) end(string, end) (message.HTTPRequest, bool) { return message.HTTPRequest{}, false }

// getQuery is a GET with parameters behind those of the address.
func getQuery(to string, q url.Values) message.HTTPRequest {
	return message.HTTPRequest{Method: http.MethodGet, URL: to + "&" + q.Encode(), Header: http.Header{}}
}

// inUCS2 reports whether a phone has to write a text in UCS-2. Roughly: what is
// beyond Latin-1 or a letter that the 7-bit alphabet lacks.
func inUCS2(text string) bool {
	for _, r := range text {
		if _, ok := septet(r); !ok {
			return true
		}
	}
	return false
}

// septet is a character in the 7-bit alphabet, as far as phones of Mali write
// it: ASCII, its letters of French, and the euro sign (3GPP TS 23.038 6.2.1).
func septet(r rune) ([]byte, bool) {
	const accents = "@£$¥èéùìòÇ\nØø\rÅå"
	code := byte(0)
	for _, a := range accents {
		if a == r {
			return []byte{code}, true
		}
		code++
	}
	switch {
	case r == 'à':
		return []byte{0x7F}, true
	case r == 'É':
		return []byte{0x1F}, true
	case r == '_':
		return []byte{0x11}, true
	case r == '€':
		return []byte{0x1B, 0x65}, true
	case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= ' ' && r <= '?':
		return []byte{byte(r)}, true
	}
	return nil, false
}

// toUCS2 and fromUCS2 are UTF-16 in network order.
func toUCS2(text string) (b []byte) {
	for _, u := range utf16.Encode([]rune(text)) {
		b = append(b, byte(u>>8), byte(u))
	}
	return b
}

func fromUCS2(b []byte) string {
	var units []uint16
	for i := 0; i+1 < len(b); i += 2 {
		units = append(units, uint16(b[i])<<8|uint16(b[i+1]))
	}
	return string(utf16.Decode(units))
}
