package simulator

import (
	"encoding/hex"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strings"

	"lafia/gateway/message"
)

// jasmin speaks for Jasmin: its HTTP client connector and its /send. Fields and
// answers follow jasmin/routing/throwers.py and
// jasmin/protocols/http/endpoints/send.py of jookies/jasmin.
type jasmin struct{ noUSSD }

func (jasmin) sms(hook string, m outgoing) message.HTTPRequest {
	coding, content := "0", []byte(nil)
	if inUCS2(m.text) {
		coding, content = "8", toUCS2(m.text)
	} else {
		for _, r := range m.text {
			b, _ := septet(r)
			content = append(content, b...)
		}
	}
	return postForm(hook, url.Values{
		"id":               {uuid(m.id)},
		"from":             {strings.TrimPrefix(m.from.Reveal(), "+")},
		"to":               {m.to},
		"origin-connector": {"simulator"},
		"priority":         {"0"},
		"coding":           {coding},
		"validity":         {"none"},
		"content":          {string(content)},
		"binary":           {hex.EncodeToString(content)},
	})
}

// What Jasmin takes: its parameters, others being refused, and its numbers.
var (
	jasminParameters = map[string]bool{
		"username": true, "password": true, "to": true, "from": true, "coding": true, "content": true, "hex-content": true, "priority": true,
		"sdt": true, "validity-period": true, "dlr": true, "dlr-url": true, "dlr-level": true, "dlr-method": true, "tags": true, "custom_tlvs": true,
	}
	jasminReceiver = regexp.MustCompile(`^\+?\d+$`)
)

func (jasmin) take(r message.HTTPRequest, random func(int) []byte) taken {
	refuse := func(status int, format string, args ...any) taken {
		return taken{status: status, body: fmt.Appendf(nil, "Error \""+format+"\"", args...)}
	}
	form, err := url.ParseQuery(string(r.Body))
	if err != nil || r.Method != http.MethodPost {
		return refuse(http.StatusBadRequest, "Mandatory argument [username] is not found.")
	}
	for name := range form {
		if !jasminParameters[name] {
			return refuse(http.StatusBadRequest, "Argument [%s] is unknown.", name)
		}
	}
	text := form.Get("content")
	if form.Has("hex-content") {
		b, err := hex.DecodeString(form.Get("hex-content"))
		if err != nil || form.Get("coding") != "8" {
			return refuse(http.StatusBadRequest, "Invalid hex-content data")
		}
		text = fromUCS2(b)
	}
	to := message.ParseNumber(form.Get("to"))
	switch {
	case form.Get("username") == "" || form.Get("password") == "":
		return refuse(http.StatusBadRequest, "Mandatory argument [password] is not found.")
	case len(form.Get("password")) > 16:
		return refuse(http.StatusBadRequest, "Argument [password] has an invalid value.")
	case !jasminReceiver.MatchString(form.Get("to")) || !to.IsPhone():
		return refuse(http.StatusBadRequest, "Argument [to] has an invalid value.")
	case form.Has("content") == form.Has("hex-content"):
		return refuse(http.StatusBadRequest, "content and hex-content cannot be used both in same request.")
	}
	return taken{
		messages: []incoming{{From: form.Get("from"), To: to, Text: strings.ToValidUTF8(text, "\uFFFD")}},
		status:   http.StatusOK,
		body:     fmt.Appendf(nil, "Success %q", uuid(random(16))),
	}
}
