package simulator

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"lafia/gateway/message"
)

// sendRequest is a send as Africa's Talking documents it.
func sendRequest(pairs ...string) message.HTTPRequest {
	r := postForm("https://api.africastalking.com/version1/messaging", values(pairs...))
	r.Header.Set("Apikey", "key")
	r.Header.Set("Accept", "application/json")
	return r
}

func TestAnSMSIsTheFormThatAfricasTalkingPosts(t *testing.T) {
	l := newLab(t)
	l.do("/simulator/sms", "phone", her, "text", "AVIS LAF1\r\nÇa va & ɛ")
	r := l.last()
	if r.path != "/webhooks/africastalking/sms" || r.token != "d&v" {
		t.Errorf("request: %+v", r)
	}
	id := r.form.Get("id")
	if !regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`).MatchString(id) {
		t.Errorf("id %q", id)
	}
	want := values("from", her, "to", "36000", "text", "AVIS LAF1\nÇa va & ɛ", "id", id, "date", "2026-11-24 10:00:00", "networkCode", "99999")
	if diff := cmp.Diff(want, r.form); diff != "" {
		t.Error(diff)
	}
	l.do("/simulator/sms", "phone", her, "channel", "other", "text", "deux")
	if r := l.last(); r.path != "/webhooks/other/sms" || r.form.Get("to") != "36001" || r.form.Get("id") == id {
		t.Errorf("second: %+v", r)
	}
}

func TestAnEmptyOrOverlongSMSIsNotSent(t *testing.T) {
	l := newLab(t)
	l.do("/simulator/sms", "phone", her, "text", " \n")
	l.do("/simulator/sms", "phone", her, "text", strings.Repeat("x", maxSMS+1))
	l.do("/simulator/sms", "phone", her, "channel", "strange", "text", "x")
	if n := len(l.got()); n != 0 {
		t.Errorf("%d requests", n)
	}
}

func TestASendReachesThePhoneAndIsAnsweredAsSuccess(t *testing.T) {
	l := newLab(t)
	status, body, err, wrote := l.Do(context.Background(), "africastalking",
		sendRequest("username", "sandbox", "to", her, "message", "Merci. Référence 4827-1936", "from", "36000"))
	if status != 201 || err != nil || !wrote {
		t.Fatal(status, err, wrote)
	}
	var answer struct {
		SMSMessageData struct {
			Message    string
			Recipients []struct {
				StatusCode                      int
				Number, Status, Cost, MessageID string
			}
		}
	}
	if err := json.Unmarshal(body, &answer); err != nil {
		t.Fatal(err)
	}
	data := answer.SMSMessageData
	if len(data.Recipients) != 1 || data.Message != "Sent to 1/1 Total Cost: XOF 0.0000" {
		t.Fatalf("%s", body)
	}
	r := data.Recipients[0]
	if r.StatusCode != 101 || r.Number != her || r.Status != "Success" || !regexp.MustCompile(`^ATXid_[0-9a-f]{32}$`).MatchString(r.MessageID) {
		t.Errorf("%s", body)
	}
	for _, field := range []string{`"SMSMessageData"`, `"Message"`, `"Recipients"`, `"statusCode"`, `"number"`, `"status"`, `"cost"`, `"messageId"`} {
		if !strings.Contains(string(body), field) {
			t.Errorf("no %s in %s", field, body)
		}
	}

	var messages []map[string]string
	res := l.get("/simulator/messages?phone=" + her) // its plus arrives as a space
	if err := json.NewDecoder(res.Body).Decode(&messages); err != nil {
		t.Fatal(err)
	}
	want := []map[string]string{{"text": "Merci. Référence 4827-1936", "sent_at": messages[0]["sent_at"]}}
	if diff := cmp.Diff(want, messages); diff != "" {
		t.Error(diff)
	}
	if _, err := time.Parse(time.RFC3339, messages[0]["sent_at"]); err != nil {
		t.Error(err)
	}
}

func TestMessagesAreThoseReceivedOldestFirst(t *testing.T) {
	l := newLab(t)
	l.do("/simulator/sms", "phone", her, "text", "hers")
	for _, text := range []string{"un", "deux"} {
		l.Do(context.Background(), "other", sendRequest("username", "u", "to", her+", "+his, "message", text))
	}
	for query, want := range map[string]string{
		"phone=%2B22370000001":  "un deux",
		"phone=22370000001":     "un deux",
		"phone=0022370000002":   "un deux",
		"phone=%2B223700000003": "",
	} {
		body := read(t, l.get("/simulator/messages?"+query))
		var texts []string
		for _, m := range regexp.MustCompile(`"text":"([^"]*)"`).FindAllStringSubmatch(body, -1) {
			texts = append(texts, m[1])
		}
		if strings.Join(texts, " ") != want {
			t.Errorf("%s: %s", query, body)
		}
		if want == "" && body != "[]" {
			t.Errorf("%s: %s, not an empty list", query, body)
		}
	}
	if res := l.get("/simulator/messages"); res.StatusCode != 400 {
		t.Errorf("without a phone: %d", res.StatusCode)
	}
}

func TestASendThatAfricasTalkingWouldRefuseIsRefused(t *testing.T) {
	l := newLab(t)
	keyless := sendRequest("username", "u", "to", her, "message", "x")
	keyless.Header.Del("apiKey")
	for name, c := range map[string]struct {
		r      message.HTTPRequest
		status int
		body   string
	}{
		"no key":     {keyless, 401, "authentication"},
		"no user":    {sendRequest("to", her, "message", "x"), 400, "username"},
		"no text":    {sendRequest("username", "u", "to", her), 400, "message"},
		"a GET":      {message.HTTPRequest{Method: http.MethodGet, Header: http.Header{"Apikey": {"k"}}}, 400, "form"},
		"bad number": {sendRequest("username", "u", "to", "70000001", "message", "x"), 201, `"statusCode":403,"number":"70000001","status":"InvalidPhoneNumber"`},
	} {
		status, body, err, wrote := l.Do(context.Background(), "africastalking", c.r)
		if status != c.status || !strings.Contains(string(body), c.body) || err != nil || !wrote {
			t.Errorf("%s: %d %s %v", name, status, body, err)
		}
	}
	if got := l.phones.received(message.ParseNumber(her)); len(got) != 0 {
		t.Errorf("she received %v", got)
	}
}

func TestAChannelThatNobodyAnswersForIsSurelyNotSent(t *testing.T) {
	l := newLab(t)
	for _, channel := range []string{"strange", "unknown"} {
		if _, _, err, wrote := l.Do(context.Background(), channel, sendRequest()); err == nil || wrote {
			t.Errorf("%s: %v %v", channel, err, wrote)
		}
	}
	gone, cancel := context.WithCancel(context.Background())
	cancel()
	if _, _, err, wrote := l.Do(gone, "africastalking", sendRequest()); err == nil || wrote {
		t.Error("a cancelled send went out")
	}
}

func TestAPhoneKeepsItsLatestMessagesOnly(t *testing.T) {
	b := newBook()
	n := message.ParseNumber(her)
	for i := range maxThread + 5 {
		b.receive(incoming{To: n, Text: fmt.Sprint(i)}, time.Time{})
	}
	got := b.received(n)
	if len(got) != maxThread || got[0].body != "5" {
		t.Errorf("%d messages from %q on", len(got), got[0].body)
	}
}

func TestTheLongestUnusedPhonesAreForgottenFirst(t *testing.T) {
	b := newBook()
	number := func(i int) message.Number { return message.ParseNumber(fmt.Sprintf("+2237%07d", i)) }
	for i := range maxPhones {
		b.receive(incoming{To: number(i), Text: "x"}, time.Time{})
	}
	b.phone(number(0))
	b.receive(incoming{To: number(maxPhones), Text: "x"}, time.Time{})
	if len(b.received(number(0))) != 1 || len(b.received(number(1))) != 0 || len(b.received(number(maxPhones))) != 1 {
		t.Error("the wrong phone was forgotten")
	}
	if b.used.Len() != maxPhones || len(b.phones) != maxPhones || b.bytes != maxPhones {
		t.Errorf("%d phones, %d bytes", b.used.Len(), b.bytes)
	}
}

func TestTheTextOfAllPhonesTogetherHasALimit(t *testing.T) {
	b := newBook()
	long := strings.Repeat("x", 1<<20)
	for i := range 40 {
		b.receive(incoming{To: message.ParseNumber(fmt.Sprintf("+2237%07d", i)), Text: long}, time.Time{})
	}
	if b.bytes > maxBytes || b.used.Len() != maxBytes>>20 {
		t.Errorf("%d bytes on %d phones", b.bytes, b.used.Len())
	}
}
