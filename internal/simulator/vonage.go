package simulator

import (
	"crypto/md5"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"lafia/gateway/message"
)

// vonage speaks for Vonage's SMS API. Fields and answers follow
// developer.vonage.com (messaging/sms, api/sms).
type vonage struct{ noUSSD }

func (vonage) sms(hook string, m outgoing) message.HTTPRequest {
	form := url.Values{
		"msisdn":            {strings.TrimPrefix(m.from.Reveal(), "+")},
		"to":                {m.to},
		"messageId":         {strings.ToUpper(hex.EncodeToString(m.id[len(m.id)-8:]))},
		"text":              {m.text},
		"type":              {"text"},
		"keyword":           {strings.ToUpper(strings.SplitN(m.text+" ", " ", 2)[0])},
		"api-key":           {"simulator"},
		"message-timestamp": {m.at.UTC().Format("2006-01-02 15:04:05")},
		"timestamp":         {strconv.FormatInt(m.at.Unix(), 10)},
		"nonce":             {uuid(m.id)},
	}
	if inUCS2(m.text) {
		form.Set("type", "unicode")
	}
	// Signed by MD5 hash, an account's default. The secret is the channel's
	// token: in `dev` both are the same.
	var secret string
	if u, err := url.Parse(hook); err == nil {
		secret = u.Query().Get("token")
	}
	form.Set("sig", vonageSignature(form, secret))
	return postForm(hook, form)
}

// vonageSignature is MD5 over the sorted fields and the secret (signing-messages).
func vonageSignature(form url.Values, secret string) string {
	names := make([]string, 0, len(form))
	for name := range form {
		names = append(names, name)
	}
	slices.Sort(names)
	var s strings.Builder
	for _, name := range names {
		s.WriteByte('&')
		s.WriteString(name)
		s.WriteByte('=')
		for _, r := range form.Get(name) {
			if r == '&' || r == '=' {
				r = '_'
			}
			s.WriteRune(r)
		}
	}
	s.WriteString(secret)
	sum := md5.Sum([]byte(s.String()))
	return hex.EncodeToString(sum[:])
}

func (vonage) take(r message.HTTPRequest, random func(int) []byte) taken {
	type sent struct {
		To        string `json:"to,omitempty"`
		MessageID string `json:"message-id,omitempty"`
		Status    string `json:"status"`
		ErrorText string `json:"error-text,omitempty"`
		ClientRef string `json:"client-ref,omitempty"`
	}
	answer := func(s sent) taken {
		body, _ := json.Marshal(map[string]any{"message-count": "1", "messages": []sent{s}}) // strings: it cannot fail
		return taken{status: http.StatusOK, body: body}
	}
	form, err := url.ParseQuery(string(r.Body))
	if err != nil || r.Method != http.MethodPost {
		return answer(sent{Status: "2", ErrorText: "Missing api_key"})
	}
	for _, name := range []string{"api_key", "api_secret", "from", "to", "text"} {
		if form.Get(name) == "" {
			return answer(sent{Status: "2", ErrorText: "Missing " + name})
		}
	}
	to := message.ParseNumber(form.Get("to"))
	text := form.Get("text")
	switch {
	case strings.HasPrefix(form.Get("to"), "+") || !to.IsPhone():
		return answer(sent{Status: "3", ErrorText: "Invalid to"})
	case form.Get("type") != "unicode" && inUCS2(text):
		text = strings.Map(func(r rune) rune { // the letters that get lost
			if _, ok := septet(r); !ok {
				return '?'
			}
			return r
		}, text)
	}
	t := answer(sent{To: form.Get("to"), MessageID: strings.ToUpper(hex.EncodeToString(random(8))), Status: "0", ClientRef: form.Get("client-ref")})
	t.messages = []incoming{{From: form.Get("from"), To: to, Text: text}}
	return t
}
