package vonage

import (
	"bytes"
	"encoding/json"
	"net/http"

	"lafia/gateway/message"
)

// parameters reads the fields of a request as its account's setting carries
// them: in the query of a GET, in a form, or in a JSON object of strings. A POST
// without a body is taken for one that has them in its query. The values are the
// bytes that were signed.
func parameters(r message.Request) (message.Form, string) {
	kind := message.MediaType(r.Header.Get("Content-Type"))
	body := bytes.TrimSpace(bytes.TrimPrefix(r.Body, []byte("\uFEFF")))
	if r.Method == http.MethodPost && (kind == "application/json" || kind == "" && len(body) > 0 && body[0] == '{') {
		form, ok := fromJSON(body)
		if !ok {
			return message.Form{"": ""}, "the body is no JSON object"
		}
		return form, ""
	}
	form, reason := message.ReadForm(r, http.MethodPost, http.MethodGet)
	switch {
	case reason != "":
		return message.Form{"": ""}, reason
	case r.Method == http.MethodPost && len(body) == 0:
		form = message.ParseForm(r.URL.RawQuery)
	}
	return form, ""
}

// maxFields bounds what is read of an object: the longest message has about 15.
const maxFields = 256

// fromJSON reads an object. Values are strings with Vonage, even numbers and
// booleans; others are taken as they are written.
func fromJSON(body []byte) (message.Form, bool) {
	var object map[string]json.RawMessage
	if err := json.Unmarshal(body, &object); err != nil || object == nil || len(object) > maxFields {
		return nil, false
	}
	form := make(message.Form, len(object))
	for name, raw := range object {
		var s string
		switch {
		case string(raw) == "null":
			continue
		case raw[0] == '"':
			if err := json.Unmarshal(raw, &s); err != nil {
				return nil, false
			}
		default:
			s = string(raw)
		}
		form[name] = s
	}
	return form, true
}
