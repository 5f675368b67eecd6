package simulator

import (
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"lafia/gateway/message"
)

// kannel speaks for a Kannel whose sms-service is written as
// gateway/kannel/README.md has it. Escapes and answers follow gw/urltrans.c and
// gw/smsbox.c of pruiz/kannel.
type kannel struct{ noUSSD }

func (kannel) sms(hook string, m outgoing) message.HTTPRequest {
	q := url.Values{
		"id":      {uuid(m.id)},
		"from":    {m.from.Reveal()},
		"to":      {m.to},
		"text":    {m.text},
		"coding":  {"0"},
		"charset": {"UTF-8"},
		"ts":      {strconv.FormatInt(m.at.Unix(), 10)},
		"smsc":    {"simulator"},
	}
	if inUCS2(m.text) {
		q.Set("text", string(toUCS2(m.text)))
		q.Set("coding", "2")
		q.Set("charset", "UTF-16BE")
	}
	return getQuery(hook, q)
}

func (kannel) take(r message.HTTPRequest, _ func(int) []byte) taken {
	u, err := url.Parse(r.URL)
	if err != nil || r.Method != http.MethodGet || !strings.HasSuffix(u.Path, "/sendsms") {
		return taken{status: http.StatusNotFound, body: []byte("Unknown request.")}
	}
	q := u.Query()
	to := message.ParseNumber(q.Get("to"))
	switch {
	case q.Get("username") == "" || q.Get("password") == "":
		return taken{status: http.StatusForbidden, body: []byte("Authorization failed for sendsms")}
	case !to.IsPhone():
		return taken{status: http.StatusBadRequest, body: []byte("Missing receiver number, rejected")}
	case q.Get("charset") != "":
		return taken{status: http.StatusBadRequest, body: []byte("Charset conversion failed, rejected")} // a build without iconv
	}
	text := q.Get("text")
	if q.Get("coding") == "2" {
		text = fromUCS2([]byte(text))
	}
	return taken{
		messages: []incoming{{From: q.Get("from"), To: to, Text: strings.ToValidUTF8(text, "\uFFFD")}},
		status:   http.StatusAccepted,
		body:     []byte("0: Accepted for delivery"),
	}
}
