package androidsms_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"flag"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/pelletier/go-toml/v2"

	"lafia/gateway/androidsms"
	"lafia/gateway/gatewaytest"
	"lafia/gateway/message"
)

var update = flag.Bool("update", false, "write the golden files")

// now is the suite's.
var now = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

func options() gatewaytest.Options {
	return gatewaytest.Options{
		Account: message.Account{
			Settings:   map[string]string{"endpoint": "http://192.168.1.20:8080", "username": "sms", "password": "p"},
			Signatures: []message.Secret{message.NewSecret("Xy3kT9aB")},
		},
		Sign:        func(r *message.Request) { sign(r, "Xy3kT9aB", now) },
		Window:      5 * time.Minute,
		StatusField: "event",
		Update:      *update,
	}
}

// sign signs as the app does.
func sign(r *message.Request, key string, at time.Time) {
	stamp := strconv.FormatInt(at.Unix(), 10)
	mac := hmac.New(sha256.New, []byte(key))
	mac.Write(append(slices.Clip(r.Body), stamp...))
	r.Header.Set("X-Timestamp", stamp)
	r.Header.Set("X-Signature", hex.EncodeToString(mac.Sum(nil)))
}

// signed is the adapter of channels that have a signature, which the suite is
// about; one without is TestAChannelWithoutASignatureAcceptsOnItsTokenAndIsTold.
type signed struct{ *androidsms.Adapter }

func (s signed) Parse(kind message.Kind, r message.Request, a message.Account, now time.Time) message.Parsed {
	if len(a.Signatures) == 0 {
		return message.Parsed{Refused: "this channel has no signature"}
	}
	return s.Adapter.Parse(kind, r, a, now)
}

func TestTheSuitePasses(t *testing.T) {
	gatewaytest.Run(t, signed{androidsms.New()}, "testdata", options())
}

func FuzzParse(f *testing.F) {
	gatewaytest.Fuzz(f, androidsms.New(), "testdata", options())
}

func post(body string) message.Request {
	return message.Request{
		Method: http.MethodPost, URL: &url.URL{Path: "/webhooks/androidsms/sms"}, Header: http.Header{}, Body: []byte(body),
	}
}

func parse(t *testing.T, body string) message.Event {
	t.Helper()
	p := androidsms.New().Parse(message.KindSMS, post(body), message.Account{}, now)
	if len(p.Events) != 1 {
		t.Fatalf("%s: %+v", body, p)
	}
	return p.Events[0]
}

func TestASignatureIsJudgedByBodyAndClock(t *testing.T) {
	secrets := func(s ...string) (out []message.Secret) {
		for _, v := range s {
			out = append(out, message.NewSecret(v))
		}
		return out
	}
	for name, c := range map[string]struct {
		change  func(*message.Request)
		secrets []message.Secret
		want    string
	}{
		"right":                       {nil, secrets("key"), ""},
		"right in capitals":           {func(r *message.Request) { r.Header.Set("X-Signature", strings.ToUpper(r.Header.Get("X-Signature"))) }, secrets("key"), ""},
		"the second of two secrets":   {nil, secrets("new", "key"), ""},
		"the first of two secrets":    {nil, secrets("key", "new"), ""},
		"five minutes old":            {func(r *message.Request) { sign(r, "key", now.Add(-5*time.Minute)) }, secrets("key"), ""},
		"five minutes ahead":          {func(r *message.Request) { sign(r, "key", now.Add(5*time.Minute)) }, secrets("key"), ""},
		"fourteen minutes old":        {func(r *message.Request) { sign(r, "key", now.Add(-14*time.Minute)) }, secrets("key"), "timestamp is 14 minutes old: is the phone's clock right?"},
		"seven minutes ahead":         {func(r *message.Request) { sign(r, "key", now.Add(7*time.Minute)) }, secrets("key"), "timestamp is 7 minutes ahead: is the phone's clock right?"},
		"three hours old":             {func(r *message.Request) { sign(r, "key", now.Add(-3*time.Hour)) }, secrets("key"), "timestamp is 3 hours old: is the phone's clock right?"},
		"a clock that lost its power": {func(r *message.Request) { sign(r, "key", time.Unix(0, 0)) }, secrets("key"), "timestamp is 20454 days old: is the phone's clock right?"},
		"another secret":              {nil, secrets("other"), "signature does not match: is the app's signing key this channel's?"},
		"an empty secret":             {func(r *message.Request) { sign(r, "", now) }, secrets(""), "signature does not match: is the app's signing key this channel's?"},
		"another body":                {func(r *message.Request) { r.Body = append(r.Body, ' ') }, secrets("key"), "signature does not match: is the app's signing key this channel's?"},
		"another timestamp": {func(r *message.Request) { r.Header.Set("X-Timestamp", strconv.FormatInt(now.Unix()+1, 10)) }, secrets("key"),
			"signature does not match: is the app's signing key this channel's?"},
		"no signature": {func(r *message.Request) { r.Header.Del("X-Signature") }, secrets("key"), "X-Signature is missing: this is not the app, or a proxy took it away"},
		"no timestamp": {func(r *message.Request) { r.Header.Del("X-Timestamp") }, secrets("key"), "X-Timestamp is missing: this is not the app, or a proxy took it away"},
		"no hex":       {func(r *message.Request) { r.Header.Set("X-Signature", "forged") }, secrets("key"), "X-Signature is no hex"},
		"a timestamp that was moved into the body": {func(r *message.Request) {
			mac := hmac.New(sha256.New, []byte("key"))
			mac.Write(append(slices.Clip(r.Body), "12"...))
			r.Body = append(slices.Clip(r.Body), '1')
			r.Header.Set("X-Timestamp", "2")
			r.Header.Set("X-Signature", hex.EncodeToString(mac.Sum(nil)))
		}, secrets("key"), "timestamp is 20453 days old: is the phone's clock right?"},
	} {
		r := post(`{"event":"system:ping","payload":{}}`)
		sign(&r, "key", now)
		if c.change != nil {
			c.change(&r)
		}
		p := androidsms.New().Parse(message.KindStatus, r, message.Account{Signatures: c.secrets}, now)
		if p.Refused != c.want || p.Alive != (c.want == "") {
			t.Errorf("%s: refused %q, want %q", name, p.Refused, c.want)
		}
	}
}

func TestAChannelWithoutASignatureAcceptsOnItsTokenAndIsTold(t *testing.T) {
	p := androidsms.New().Parse(message.KindSMS, post(`{"event":"system:ping"}`), message.Account{}, now)
	if p.Refused != "" || !p.Alive {
		t.Errorf("%+v", p)
	}
	a := message.Account{Settings: map[string]string{"username": "u", "password": "p"}}
	if lines := androidsms.New().CheckSettings(a); len(lines) != 1 || !strings.HasPrefix(lines[0], "signatures is missing") {
		t.Errorf("got %q", lines)
	}
}

func TestAPhoneThatLivesIsNotedAndNothingElse(t *testing.T) {
	for _, body := range []string{`{"event":"system:ping","payload":{"health":{}}}`, `{"event":"app:started","payload":{"simCards":[]}}`, `{"event":"system:ping"}`} {
		for _, kind := range []message.Kind{message.KindSMS, message.KindStatus} {
			p := androidsms.New().Parse(kind, post(body), message.Account{}, now)
			if !p.Alive || len(p.Events) != 0 || p.Unreadable != "" {
				t.Errorf("%s: %+v", body, p)
			}
		}
	}
}

func TestOneMessageInTwoEnvelopesIsOneAndTwoMessagesWithOneIDAreTwo(t *testing.T) {
	body := func(envelope, sender, at string) string {
		return `{"event":"sms:received","id":"` + envelope + `","payload":{"messageId":"5f","message":"oui","sender":"` + sender + `","receivedAt":"` + at + `"}}`
	}
	first := parse(t, body("a", "+22370000001", "2026-01-01T08:00:00.000Z")).Inbound
	for name, c := range map[string]struct {
		body string
		same bool
	}{
		"another envelope":            {body("b", "+22370000001", "2026-01-01T08:00:00.000Z"), true},
		"another zone, same moment":   {body("b", "+22370000001", "2026-01-01T09:00:00.000+01:00"), true},
		"another way to write number": {body("b", "0022370000001", "2026-01-01T08:00:00.000Z"), true},
		"another sender":              {body("a", "+22370000002", "2026-01-01T08:00:00.000Z"), false},
		"a second later":              {body("a", "+22370000001", "2026-01-01T08:00:01.000Z"), false},
	} {
		got := parse(t, c.body).Inbound
		if got.ExternalID != "5f" || (got.Identity == first.Identity) != c.same {
			t.Errorf("%s: %q beside %q", name, got.Identity, first.Identity)
		}
	}
	if strings.Contains(first.Identity, "70000001") {
		t.Error("the identity holds a number")
	}
}

func TestAReceiptIsOfTheWholeMessageOrOfOnePart(t *testing.T) {
	at := time.Date(2026, 1, 1, 8, 0, 9, 25e7, time.UTC)
	for body, want := range map[string]message.Receipt{
		`{"event":"sms:sent","payload":{"messageId":"x","partsCount":3}}`:  {Status: message.StatusSent, Parts: 3},
		`{"event":"sms:sent","payload":{"messageId":"x","partsCount":-1}}`: {Status: message.StatusSent},
		`{"event":"sms:delivered","payload":{"messageId":"x","deliveredAt":"2026-01-01T09:00:09.250+01:00"}}`: {
			Status: message.StatusDelivered, PartID: "2026-01-01T08:00:09.25Z", At: at},
		`{"event":"sms:delivered","payload":{"messageId":"x","deliveredAt":"2026-01-01T08:00:09.250Z","partsCount":2}}`: {
			Status: message.StatusDelivered, PartID: "2026-01-01T08:00:09.25Z", At: at, Parts: 2},
		`{"event":"sms:delivered","payload":{"messageId":"x","deliveredAt":"soon","partsCount":99999999999}}`: {
			Status: message.StatusDelivered, PartID: "soon"},
		`{"event":"sms:delivered","payload":{"messageId":"x","partsCount":-1}}`:          {Status: message.StatusDelivered},
		`{"event":"sms:failed","payload":{"messageId":"x","reason":"RESULT_CANCELLED"}}`: {Status: message.StatusFailed, Reason: "RESULT_CANCELLED"},
		`{"event":"sms:cancelled","payload":{"messageId":"x"}}`:                          {Status: message.StatusFailed, Reason: "sms:cancelled"},
		`{"event":"sms:bounced","payload":{"messageId":"x"}}`:                            {Status: message.StatusUnknown, Reason: "sms:bounced"},
	} {
		want.ExternalID, want.OurID = "x", "x"
		if got := *parse(t, body).Receipt; got != want {
			t.Errorf("%s: got %+v, want %+v", body, got, want)
		}
	}
}

func TestWhatCannotBeReadIsNamed(t *testing.T) {
	long := strings.Repeat("x", 201)
	for body, want := range map[string]string{
		``:                         "the body is no JSON object",
		`[]`:                       "the body is no JSON object",
		`{}`:                       "event is missing",
		`{"event":7.5e1}`:          "payload is missing",
		`{"event":"sms:received"}`: "payload is missing",
		`{"event":"sms:received","payload":null}`:                                                    "payload is missing",
		`{"event":"sms:received","payload":[]}`:                                                      "payload is missing",
		`{"event":"sms:received","payload":{}}`:                                                      "payload.sender is missing",
		`{"event":"sms:received","payload":{"messageId":"1","message":"a"}}`:                         "payload.sender is missing",
		`{"event":"sms:received","payload":{"messageId":"1","sender":"+22370000001"}}`:               "payload.message is missing or cannot be read",
		`{"event":"sms:received","payload":{"messageId":"1","sender":"+22370000001","message":{}}}`:  "payload.message is missing or cannot be read",
		`{"event":"sms:received","payload":{"messageId":"` + long + `","sender":"1","message":"a"}}`: "payload.messageId is longer than 200 bytes",
		`{"event":"sms:sent","payload":{"recipient":"+22370000001"}}`:                                "payload.messageId is missing",
		`{"event":"sms:batch:received","payload":{}}`:                                                "payload.messages is missing",
		`{"event":"mms:downloaded","payload":{}}`:                                                    "an MMS, which is not read: register SMS events alone",
		`{"event":"sms:whispered","payload":{"message":"a"}}`:                                        "the event sms:whispered is not known",
	} {
		p := androidsms.New().Parse(message.KindSMS, post(body), message.Account{}, now)
		if p.Unreadable != want || len(p.Events) != 0 {
			t.Errorf("%s: %q, want %q", body, p.Unreadable, want)
		}
	}
	for want, change := range map[string]func(*message.Request){
		"the method is GET, not POST":                                                  func(r *message.Request) { r.Method = "GET" },
		"the body is encoded: Content-Encoding is br":                                  func(r *message.Request) { r.Header.Set("Content-Encoding", "br") },
		"a phone's events belong to the sms address: there is no webhook of this kind": nil,
	} {
		r, kind := post(`{"event":"system:ping"}`), message.KindSMS
		if change != nil {
			change(&r)
		} else {
			kind = message.KindUSSD
		}
		if p := androidsms.New().Parse(kind, r, message.Account{}, now); p.Unreadable != want {
			t.Errorf("got %q, want %q", p.Unreadable, want)
		}
	}
}

func TestASendIsJSONWithOurIDAndThePhonesPassword(t *testing.T) {
	a := message.Account{Settings: map[string]string{"endpoint": "http://192.168.1.20:8080/", "username": "sms", "password": "p:w", "sim": "2"}}
	m := message.Outbound{ID: "id-1", From: "36000", To: message.ParseNumber("+22370000001"), Text: "été <&> \"ɛ\""}
	r, err := androidsms.New().Request(m, a)
	if err != nil {
		t.Fatal(err)
	}
	user, password, _ := (&http.Request{Header: r.Header}).BasicAuth()
	if r.Method != "POST" || r.URL != "http://192.168.1.20:8080/messages" || user != "sms" || password != "p:w" || r.Header.Get("Content-Type") != "application/json" {
		t.Errorf("%s %s %v", r.Method, r.URL, r.Header)
	}
	want := `{"id":"id-1","textMessage":{"text":"été <&> \"ɛ\""},"phoneNumbers":["+22370000001"],"simNumber":2,"ttl":86400,"withDeliveryReport":true}`
	if string(r.Body) != want {
		t.Errorf("got %s", r.Body)
	}
	a.Settings = map[string]string{"username": "u", "password": "p"}
	r, err = androidsms.New().Request(m, a)
	if err != nil || r.URL != "https://api.sms-gate.app/3rdparty/v1/messages" || strings.Contains(string(r.Body), "simNumber") {
		t.Errorf("%v %s %s", err, r.URL, r.Body)
	}
}

func TestABadSettingIsNamed(t *testing.T) {
	m := message.Outbound{ID: "1", To: message.ParseNumber("+22370000001"), Text: "a"}
	for _, c := range []struct{ name, value, want string }{
		{"endpoint", "ftp://x", "the setting endpoint is no http or https address"},
		{"endpoint", "https://x/?a=b", "the setting endpoint is no http or https address"},
		{"username", "", "the setting username is missing"},
		{"username", "a:b", "the setting username holds a colon, line break or control character"},
		{"password", "", "the setting password is missing"},
		{"password", "a\nb", "the setting password holds a line break or control character"},
		{"sim", "4", "the setting sim is not 1, 2 or 3"},
		{"sim", "one", "the setting sim is not 1, 2 or 3"},
	} {
		a := message.Account{Settings: map[string]string{"username": "u", "password": "p"}, Signatures: []message.Secret{message.NewSecret("k")}}
		if lines := androidsms.New().CheckSettings(a); len(lines) != 0 {
			t.Fatalf("good settings: %q", lines)
		}
		a.Settings[c.name] = c.value
		if _, err := androidsms.New().Request(m, a); err == nil || err.Error() != c.want {
			t.Errorf("%s = %q: %v", c.name, c.value, err)
		}
		if lines := androidsms.New().CheckSettings(a); len(lines) != 1 || !strings.HasPrefix(lines[0], c.want) {
			t.Errorf("%s = %q: %q", c.name, c.value, lines)
		}
		if all := androidsms.New().Registrations(a, "https://lafia.example/webhooks/a", "t"); all != nil {
			t.Errorf("%s = %q: registered", c.name, c.value)
		}
	}
	for endpoint, safe := range map[string]bool{
		"http://192.168.1.20:8080": true, "http://phone.local:8080": true, "http://phone:8080": true, "https://sms.example.org/api": true,
		"http://sms.example.org": false, "http://198.51.100.7:8080": false,
	} {
		a := message.Account{Settings: map[string]string{"username": "u", "password": "p", "endpoint": endpoint}, Signatures: []message.Secret{message.NewSecret("k")}}
		if lines := androidsms.New().CheckSettings(a); (len(lines) == 0) != safe {
			t.Errorf("%s: %q", endpoint, lines)
		}
	}
	a := message.Account{Settings: map[string]string{"username": "u", "password": "p", "simm": "1"}, Signatures: []message.Secret{message.NewSecret("k")}}
	if lines := androidsms.New().CheckSettings(a); len(lines) != 1 || !strings.Contains(lines[0], "simm") {
		t.Errorf("%q", lines)
	}
}

func TestEveryAnswerHasItsVerdict(t *testing.T) {
	for status, want := range map[int]message.Verdict{
		302: message.Retry, 400: message.Rejected, 401: message.Retry, 403: message.Retry, 404: message.Retry, 409: message.Sent,
		413: message.Rejected, 429: message.Retry, 500: message.Ambiguous, 502: message.Ambiguous,
	} {
		if o := androidsms.New().Outcome(status, []byte(`{"message":"x"}`), nil, true); o.Verdict != want {
			t.Errorf("%d: %s, want %s", status, o.Verdict, want)
		}
	}
	for state, want := range map[string]message.Verdict{
		"Pending": message.Sent, "Processed": message.Sent, "Sent": message.Sent, "Delivered": message.Sent,
		"Failed": message.Rejected, "Cancelled": message.Rejected, "Teleported": message.Sent,
	} {
		if o := androidsms.New().Outcome(202, []byte(`{"id":"1","state":"`+state+`"}`), nil, true); o.Verdict != want {
			t.Errorf("%s: %s, want %s", state, o.Verdict, want)
		}
	}
}

func TestRegisteringIsOneRequestAnEventAndTwiceIsOnce(t *testing.T) {
	a := options().Account
	first := androidsms.New().Registrations(a, "https://lafia.example/webhooks/phone/", "a b")
	again := androidsms.New().Registrations(a, "https://lafia.example/webhooks/phone", "new")
	ids := map[string]bool{}
	var events []string
	for i, r := range first {
		var one, two struct{ ID, URL, Event string }
		if json.Unmarshal(r.Body, &one) != nil || json.Unmarshal(again[i].Body, &two) != nil {
			t.Fatalf("%s", r.Body)
		}
		if r.Method != "POST" || r.URL != "http://192.168.1.20:8080/webhooks" || one.URL != "https://lafia.example/webhooks/phone/sms?token=a+b" ||
			r.Header.Get("Authorization") != "Basic "+base64.StdEncoding.EncodeToString([]byte("sms:p")) {
			t.Errorf("%s %s %s", r.Method, r.URL, r.Body)
		}
		if one.ID != two.ID || one.ID == "" || len(one.ID) > 36 || ids[one.ID] {
			t.Errorf("ids %q and %q", one.ID, two.ID)
		}
		ids[one.ID] = true
		events = append(events, one.Event)
	}
	if want := []string{"sms:received", "sms:sent", "sms:delivered", "sms:failed", "system:ping"}; !slices.Equal(events, want) {
		t.Errorf("got %q", events)
	}
}

func TestTheSampleHoldsTheSettingsOfAChannel(t *testing.T) {
	b, err := os.ReadFile("sample.toml")
	if err != nil {
		t.Fatal(err)
	}
	var sample struct {
		Channel []struct {
			Adapter    string
			Signatures []string
			Account    map[string]string
		}
	}
	if err := toml.Unmarshal(b, &sample); err != nil || len(sample.Channel) != 1 || sample.Channel[0].Adapter != "androidsms" {
		t.Fatalf("%v %v", err, sample)
	}
	c := sample.Channel[0]
	a := message.Account{Settings: c.Account, Signatures: []message.Secret{message.NewSecret(c.Signatures[0])}}
	if lines := androidsms.New().CheckSettings(a); len(lines) != 0 {
		t.Errorf("%q", lines)
	}
}
