package simulator

import (
	"crypto/hmac"
	"crypto/sha1" // what Twilio signs with
	"encoding/base64"
	"encoding/hex"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"lafia/gateway/message"
)

// twilio speaks for Twilio: names, answers and the signature follow twilio.com/docs
// (messaging webhooks, usage/webhooks/webhooks-security, the Message resource). It
// signs with the token of the webhook's address, which is the signature secret of
// channels in `dev`.
type twilio struct{ noUSSD }

func (twilio) sms(hook string, m outgoing) message.HTTPRequest {
	sid := "SM" + hex.EncodeToString(m.id)
	form := url.Values{
		"ToCountry": {""}, "ToState": {""}, "ToCity": {""}, "ToZip": {""},
		"FromCountry": {"ML"}, "FromState": {""}, "FromCity": {""}, "FromZip": {""},
		"MessageSid": {sid}, "SmsSid": {sid}, "SmsMessageSid": {sid},
		"SmsStatus": {"received"}, "NumMedia": {"0"}, "NumSegments": {strconv.Itoa(1 + utf8.RuneCountInString(m.text)/161)},
		"From": {m.from.Reveal()}, "To": {m.to}, "Body": {m.text},
		"ApiVersion": {"2010-04-01"},
	}
	r := postForm(hook, form)
	names := make([]string, 0, len(form))
	for name := range form {
		names = append(names, name)
	}
	slices.Sort(names)
	signed := hook
	for _, name := range names {
		signed += name + form.Get(name)
	}
	key := ""
	if u, err := url.Parse(hook); err == nil {
		key = u.Query().Get("token")
	}
	mac := hmac.New(sha1.New, []byte(key))
	mac.Write([]byte(signed))
	r.Header.Set("X-Twilio-Signature", base64.StdEncoding.EncodeToString(mac.Sum(nil)))
	return r
}

func (twilio) take(r message.HTTPRequest, random func(int) []byte) taken {
	q := http.Request{Header: r.Header}
	user, password, _ := q.BasicAuth()
	u, err := url.Parse(r.URL)
	if user == "" || password == "" {
		return twilioFault(http.StatusUnauthorized, 20003, "Authenticate")
	}
	account, whole := "", false
	if err == nil {
		account, whole = strings.CutSuffix(strings.TrimPrefix(u.Path, "/2010-04-01/Accounts/"), "/Messages.json")
	}
	if !whole || account == "" || strings.Contains(account, "/") || r.Method != http.MethodPost {
		return twilioFault(http.StatusNotFound, 20404, "The requested resource was not found")
	}
	form, err := url.ParseQuery(string(r.Body))
	number := message.ParseNumber(form.Get("To"))
	switch {
	case err != nil || form.Get("To") == "":
		return twilioFault(http.StatusBadRequest, 21604, "A 'To' phone number is required.")
	case form.Get("From") == "" && form.Get("MessagingServiceSid") == "":
		return twilioFault(http.StatusBadRequest, 21603, "A 'From' phone number is required.")
	case form.Get("Body") == "":
		return twilioFault(http.StatusBadRequest, 21602, "Message body is required.")
	case utf8.RuneCountInString(form.Get("Body")) > 1600:
		return twilioFault(http.StatusBadRequest, 21617, "The concatenated message body exceeds the 1600 character limit.")
	case !strings.HasPrefix(form.Get("To"), "+") || !number.IsPhone():
		return twilioFault(http.StatusBadRequest, 21211, "The 'To' number is not a valid phone number.")
	}
	t := answerJSON(http.StatusCreated, map[string]any{
		"sid": "SM" + hex.EncodeToString(random(16)), "account_sid": account, "api_version": "2010-04-01",
		"to": form.Get("To"), "from": form.Get("From"), "body": form.Get("Body"), "status": "queued", "direction": "outbound-api",
		"num_segments": strconv.Itoa(1 + utf8.RuneCountInString(form.Get("Body"))/161), "num_media": "0",
		"date_created": time.Time{}.Format(time.RFC1123Z), "error_code": nil, "error_message": nil, "price": nil,
	})
	t.messages = []incoming{{From: form.Get("From"), To: number, Text: form.Get("Body")}}
	return t
}

func twilioFault(status, code int, words string) taken {
	return answerJSON(status, map[string]any{
		"code": code, "message": words, "more_info": "https://www.twilio.com/docs/errors/" + strconv.Itoa(code), "status": status,
	})
}
