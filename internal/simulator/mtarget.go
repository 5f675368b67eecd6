package simulator

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"

	"lafia/gateway/message"
)

// mtarget speaks for MTarget. Fields and answers follow nyaruka/courier
// handlers/mtarget and developers.mtarget.fr/api-sms.
type mtarget struct{ noUSSD }

func (mtarget) sms(hook string, m outgoing) message.HTTPRequest {
	r := postForm(hook, url.Values{"Content": {m.text}, "Keyword": {"Default"}, "MsgId": {uuid(m.id)}, "Status": {"5"}})
	// The plus is not escaped.
	r.Body = append(r.Body, "&Msisdn="+m.from.Reveal()...)
	return r
}

func (mtarget) take(r message.HTTPRequest, random func(int) []byte) taken {
	type result struct {
		MSISDN   string `json:"msisdn"`
		SMSCount string `json:"smscount"`
		Code     string `json:"code"`
		Reason   string `json:"reason"`
		Ticket   string `json:"ticket"`
	}
	answer := func(one result) taken {
		body, _ := json.Marshal(map[string]any{"results": []result{one}}) // strings: it cannot fail
		return taken{status: http.StatusOK, body: body}
	}
	u, err := url.Parse(r.URL)
	if err != nil || r.Method != http.MethodPost {
		return taken{status: http.StatusNotFound}
	}
	q := u.Query()
	to := message.ParseNumber(q.Get("msisdn"))
	switch {
	case q.Get("username") == "" || q.Get("password") == "":
		return answer(result{"null", "0", "-12", "invalid credential", "null"})
	case !strings.HasPrefix(q.Get("msisdn"), "+") || !to.IsPhone() || q.Get("msg") == "":
		return answer(result{q.Get("msisdn"), "0", "3", "FAILED", "null"})
	}
	text := q.Get("msg")
	if q.Get("allowunicode") != "true" {
		text = strings.Map(func(r rune) rune {
			if _, ok := septet(r); !ok {
				return -1
			}
			return r
		}, text)
	}
	t := answer(result{q.Get("msisdn"), "1", "0", "ACCEPTED", uuid(random(16))})
	t.messages = []incoming{{From: q.Get("sender"), To: to, Text: text}}
	return t
}
