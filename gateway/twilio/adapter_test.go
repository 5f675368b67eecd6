package twilio_test

import (
	"crypto/hmac"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"flag"
	"hash"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pelletier/go-toml/v2"

	"lafia/gateway/gatewaytest"
	"lafia/gateway/message"
	"lafia/gateway/twilio"
)

var update = flag.Bool("update", false, "write the golden files")

const accountSID = "AC0123456789abcdef0123456789abcdef"

func settings() map[string]string {
	return map[string]string{"account_sid": accountSID, "auth_token": "token", "from": "+12028831111", "status_callback": "https://lafia.example/webhooks/twilio/status?token=dev"}
}

func account() message.Account {
	return message.Account{Settings: settings(), Signatures: []message.Secret{message.NewSecret("right")}}
}

// sign signs with the standard library's reading of a form, as one of Twilio's
// own libraries would: it shares no code with the adapter.
func sign(r *message.Request) {
	s := r.URL.String()
	if form, _ := url.ParseQuery(string(r.Body)); r.Method == http.MethodPost {
		names := make([]string, 0, len(form))
		for name := range form {
			names = append(names, name)
		}
		slices.Sort(names)
		for _, name := range names {
			s += name + form.Get(name)
		}
	}
	algorithm := func() hash.Hash { return sha1.New() }
	if strings.HasSuffix(r.Header.Get("X-Twilio-Webhooks-Signature-Settings"), "HMAC_SHA256") {
		algorithm = sha256.New
	}
	mac := hmac.New(algorithm, []byte("right"))
	mac.Write([]byte(s))
	r.Header.Set("X-Twilio-Signature", base64.StdEncoding.EncodeToString(mac.Sum(nil)))
}

func options() gatewaytest.Options {
	return gatewaytest.Options{Account: account(), Sign: sign, StatusField: "MessageStatus", Update: *update}
}

func TestTheSuitePasses(t *testing.T) {
	gatewaytest.Run(t, twilio.New(), "testdata", options())
}

func FuzzParse(f *testing.F) {
	gatewaytest.Fuzz(f, twilio.New(), "testdata", options())
}

// parse reads a form as it came to address, with whatever signature.
func parse(kind message.Kind, address, body, signature string, a message.Account) message.Parsed {
	u, err := url.Parse(address)
	if err != nil {
		panic(err)
	}
	r := message.Request{Method: http.MethodPost, URL: u, Header: http.Header{}, Body: []byte(body)}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("X-Twilio-Signature", signature)
	return twilio.New().Parse(kind, r, a, time.Time{})
}

// signed reads a form that is signed for the address that it came to.
func signed(kind message.Kind, address, body string) message.Parsed {
	u, err := url.Parse(address)
	if err != nil {
		panic(err)
	}
	r := message.Request{Method: http.MethodPost, URL: u, Header: http.Header{"Content-Type": {"application/x-www-form-urlencoded"}}, Body: []byte(body)}
	sign(&r)
	return twilio.New().Parse(kind, r, account(), time.Time{})
}

// The vector of Twilio's documentation, and those of twilio-go
// client/request_validator_test.go (2f0eb52a).
const (
	vectorURL  = "https://mycompany.com/myapp.php?foo=1&bar=2"
	vectorBody = "Digits=1234&CallSid=CA1234567890ABCDE&To=%2B18005551212&Caller=%2B14158675309&From=%2B14158675309"
	vectorJSON = `{"property": "value", "boolean": true}`
	vectorHash = "0a1ff7634d9ab3b95db5c9a2dfe9416e41502b283a80c7cf19632632f96e6620"
)

func keys(secrets ...string) message.Account {
	var a message.Account
	for _, s := range secrets {
		a.Signatures = append(a.Signatures, message.NewSecret(s))
	}
	return a
}

func TestTheDocumentedSignaturesAreRight(t *testing.T) {
	for _, c := range []struct{ what, address, signature string }{
		{"the documented one", vectorURL, "RSOYDt4T1cUTdK1PDd93/VVr8B8="},
		{"a port that was not signed", "https://mycompany.com:1234/myapp.php?foo=1&bar=2", "RSOYDt4T1cUTdK1PDd93/VVr8B8="},
		{"the usual port that was signed", vectorURL, "kvajT1Ptam85bY51eRf/AJRuM3w="},
		{"http", "http://mycompany.com/myapp.php?foo=1&bar=2", "0ZXoZLH/DfblKGATFgpif+LLRf4="},
		{"http with a port that was signed", "http://mycompany.com:1234/myapp.php?foo=1&bar=2", "Zmvh+3yNM1Phv2jhDCwEM3q5ebU="},
		{"https that a proxy ended", "http://mycompany.com/myapp.php?foo=1&bar=2", "RSOYDt4T1cUTdK1PDd93/VVr8B8="},
		{"a query in the other order", "https://mycompany.com/myapp.php?bar=2&foo=1", "RSOYDt4T1cUTdK1PDd93/VVr8B8="},
		{"a fragment, which is neither sent nor signed", vectorURL + "#rc=5&rp=all", "RSOYDt4T1cUTdK1PDd93/VVr8B8="},
	} {
		if p := parse(message.KindSMS, c.address, vectorBody, c.signature, keys("12345")); p.Refused != "" {
			t.Errorf("%s: %s", c.what, p.Refused)
		}
		for _, wrong := range []struct{ address, body, signature string }{
			{strings.Replace(c.address, "foo=1", "foo=2", 1), vectorBody, c.signature},
			{strings.Replace(c.address, "myapp", "myApp", 1), vectorBody, c.signature},
			{strings.Replace(c.address, "mycompany", "theircompany", 1), vectorBody, c.signature},
			{c.address, vectorBody + "&New=1", c.signature},
			{c.address, strings.Replace(vectorBody, "1234", "1235", 1), c.signature},
			{c.address, vectorBody, strings.ToLower(c.signature)},
			{c.address, vectorBody, c.signature + "="},
			{c.address, vectorBody, ""},
		} {
			if p := parse(message.KindSMS, wrong.address, wrong.body, wrong.signature, keys("12345")); p.Refused == "" {
				t.Errorf("%s: taken with %+v", c.what, wrong)
			}
		}
	}
}

func TestTwoKeysLiveAtATimeAndAnEmptyOneMatchesNothing(t *testing.T) {
	const right = "RSOYDt4T1cUTdK1PDd93/VVr8B8="
	mac := hmac.New(sha1.New, nil) // what an empty key would sign
	mac.Write([]byte(vectorURL + "CallSidCA1234567890ABCDECaller+14158675309Digits1234From+14158675309To+18005551212"))
	empty := base64.StdEncoding.EncodeToString(mac.Sum(nil))
	for _, c := range []struct {
		account   message.Account
		signature string
		taken     bool
	}{
		{keys("12345"), right, true}, {keys("new", "12345"), right, true}, {keys("12345", "new"), right, true},
		{keys("new"), right, false}, {keys(), right, false}, {keys(""), right, false}, {keys(""), empty, false}, {keys("", "12345"), right, true},
	} {
		if p := parse(message.KindSMS, vectorURL, vectorBody, c.signature, c.account); (p.Refused == "") != c.taken {
			t.Errorf("%d keys: %q", len(c.account.Signatures), p.Refused)
		}
	}
}

func TestABodyThatIsNoFormIsSignedByItsHash(t *testing.T) {
	for _, c := range []struct{ what, address, body, signature, want string }{
		{"the library's own", vectorURL + "&bodySHA256=" + vectorHash, vectorJSON, "a9nBmqA0ju/hNViExpshrM61xv4=", ""},
		{"without other parameters", "https://mycompany.com/myapp.php?bodySHA256=" + vectorHash, vectorJSON, "y77kIzt2vzLz71DgmJGsen2scGs=", ""},
		{"another body", vectorURL + "&bodySHA256=" + vectorHash, vectorJSON + " ", "a9nBmqA0ju/hNViExpshrM61xv4=", "bodySHA256 is not that of the body"},
	} {
		u, err := url.Parse(c.address)
		if err != nil {
			t.Fatal(err)
		}
		sum := sha256.Sum256([]byte(vectorJSON))
		if hex.EncodeToString(sum[:]) != vectorHash {
			t.Fatal("the vector's body was changed")
		}
		r := message.Request{Method: "POST", URL: u, Header: http.Header{"Content-Type": {"application/json"}, "X-Twilio-Signature": {c.signature}}, Body: []byte(c.body)}
		p := twilio.New().Parse(message.KindSMS, r, keys("12345"), time.Time{})
		if p.Refused != c.want || c.want == "" && p.Unreadable != "Content-Type is application/json, not application/x-www-form-urlencoded" {
			t.Errorf("%s: %+v", c.what, p)
		}
	}
	// Without the hash nothing says what the body was.
	mac := hmac.New(sha1.New, []byte("12345"))
	mac.Write([]byte(vectorURL))
	u, _ := url.Parse(vectorURL)
	r := message.Request{Method: "POST", URL: u, Header: http.Header{"Content-Type": {"text/plain"}, "X-Twilio-Signature": {base64.StdEncoding.EncodeToString(mac.Sum(nil))}}, Body: []byte("x")}
	if p := twilio.New().Parse(message.KindSMS, r, keys("12345"), time.Time{}); p.Refused == "" {
		t.Error("a body that nothing vouches for is taken")
	}
}

func TestBehindAProxyTheAddressIsThatOfPublicURL(t *testing.T) {
	body := "MessageSid=SM1&From=%2B22370000001&To=36000&Body=a"
	for _, c := range []struct {
		public, called, came string
		taken                bool
	}{
		{"https://lafia.example.org", "https://lafia.example.org/webhooks/twilio/sms?token=t", "http://10.0.0.7:8080/webhooks/twilio/sms?token=t", true},
		{"https://lafia.example.org/", "https://lafia.example.org:443/webhooks/twilio/sms?token=t", "http://localhost/webhooks/twilio/sms?token=t", true},
		{"https://example.org/lafia", "https://example.org/lafia/webhooks/twilio/sms", "http://localhost/webhooks/twilio/sms", true},
		{"https://user:pass@lafia.example.org", "https://user:pass@lafia.example.org/webhooks/twilio/sms", "http://localhost/webhooks/twilio/sms", true},
		{"https://lafia.example.org:8443", "https://lafia.example.org:8443/webhooks/twilio/sms", "http://localhost/webhooks/twilio/sms", true},
		{"https://lafia.example.org", "http://evil.example/webhooks/twilio/sms", "http://evil.example/webhooks/twilio/sms", false},
		{"", "https://lafia.example.org/webhooks/twilio/sms", "http://lafia.example.org/webhooks/twilio/sms", true},
		{"", "https://[2001:db8::1]/webhooks/twilio/sms", "https://[2001:db8::1]:8443/webhooks/twilio/sms", true},
		{"", "http://lafia.example.org/webhooks/twilio/sms", "https://lafia.example.org/webhooks/twilio/sms", false},
	} {
		u, err := url.Parse(c.called)
		if err != nil {
			t.Fatal(err)
		}
		r := message.Request{Method: "POST", URL: u, Header: http.Header{}, Body: []byte(body)}
		sign(&r)
		a := account()
		a.Settings["public_url"] = c.public
		if p := parse(message.KindSMS, c.came, body, r.Header.Get("X-Twilio-Signature"), a); (p.Refused == "") != c.taken {
			t.Errorf("%+v: %q", c, p.Refused)
		}
	}
}

func TestAReasonNamesTheAddressAndNoSecret(t *testing.T) {
	for want, public := range map[string]string{
		"X-Twilio-Signature is wrong: another auth token, or Twilio called another address than https://lafia.example/webhooks/twilio/sms": "",
		"X-Twilio-Signature is wrong: another auth token, or Twilio called another address than public_url and /webhooks/twilio/sms":       "https://x",
	} {
		a := account()
		a.Settings["public_url"] = public
		if p := parse(message.KindSMS, "https://lafia.example/webhooks/twilio/sms?token=secret", "a=b", "x", a); p.Refused != want {
			t.Errorf("%q", p.Refused)
		}
	}
	u, _ := url.Parse("https://lafia.example/")
	r := message.Request{Method: "POST", URL: u, Header: http.Header{"X-Twilio-Signature": {"x"}, "X-Twilio-Webhooks-Signature-Settings": {"key=SK1,algorithm=HMAC_MD5"}}}
	if p := twilio.New().Parse(message.KindSMS, r, account(), time.Time{}); !strings.Contains(p.Refused, "neither HMAC_SHA1 nor HMAC_SHA256") {
		t.Errorf("%q", p.Refused)
	}
}

func TestParametersAreSortedByByteAndRepeatedOnesAsTwiliosLibrariesDo(t *testing.T) {
	u := "https://lafia.example/webhooks/twilio/sms"
	mac := hmac.New(sha1.New, []byte("right"))
	// Upper case sorts before lower case; a name that comes twice stands before
	// each of its values, sorted, equal ones once.
	mac.Write([]byte(u + "BodyaFrom+22370000001MessageSidSM1To36000Z1a2bxby"))
	signature := base64.StdEncoding.EncodeToString(mac.Sum(nil))
	p := parse(message.KindSMS, u, "b=y&a=2&Z=1&b=x&b=y&To=36000&From=%2B22370000001&MessageSid=SM1&Body=a", signature, account())
	if p.Refused != "" || len(p.Events) != 1 {
		t.Errorf("%+v", p)
	}
}

func TestAMissingFieldIsNamed(t *testing.T) {
	for _, c := range []struct {
		kind       message.Kind
		body, want string
	}{
		{message.KindSMS, "To=36000&Body=a&MessageSid=SM1", "From is missing"},
		{message.KindSMS, "From=%28%29&To=36000&Body=a&MessageSid=SM1", "From is no number"},
		{message.KindSMS, "From=%2B22370000001&Body=a&MessageSid=SM1", "To is missing"},
		{message.KindSMS, "From=%2B22370000001&To=36000&Body=a", "MessageSid is missing"},
		{message.KindSMS, "From=%2B22370000001&To=36000&MessageSid=SM1", "Body is missing"},
		{message.KindSMS, "From=%2B22370000001&To=36000&MessageSid=SM1&NumMedia=0", "Body is missing"},
		{message.KindSMS, "From=%2B22370000001&To=36000&Body=a&MessageSid=" + strings.Repeat("x", 201), "MessageSid is longer than 200 bytes"},
		{message.KindStatus, "MessageSid=SM1", "SmsStatus is missing"},
		{message.KindStatus, "MessageStatus=sent", "MessageSid is missing"},
		{message.KindUSSD, "MessageStatus=sent", "there is no webhook of this kind"},
	} {
		if p := signed(c.kind, "https://lafia.example/x", c.body); p.Unreadable != c.want || len(p.Events) != 0 {
			t.Errorf("%s %q: %+v, want %q", c.kind, c.body, p, c.want)
		}
	}
}

func TestAMessageOfAnotherAccountIsRefused(t *testing.T) {
	body := "From=%2B22370000001&To=36000&Body=a&MessageSid=SM1&AccountSid="
	for sid, want := range map[string]string{accountSID: "", "ACffffffffffffffffffffffffffffffff": "AccountSid is not the account_sid of the settings"} {
		if p := signed(message.KindSMS, "https://lafia.example/x", body+sid); p.Refused != want {
			t.Errorf("%s: %+v", sid, p)
		}
	}
}

func TestEveryStateHasItsMeaning(t *testing.T) {
	for word, want := range map[string]message.Status{
		"accepted": message.StatusQueued, "scheduled": message.StatusQueued, "queued": message.StatusQueued, "sending": message.StatusQueued,
		"sent": message.StatusSent, "delivered": message.StatusDelivered, "read": message.StatusDelivered, "Delivered": message.StatusDelivered,
		"undelivered": message.StatusFailed, "failed": message.StatusFailed, "canceled": message.StatusFailed, "teleported": message.StatusUnknown, "": message.StatusUnknown,
	} {
		p := signed(message.KindStatus, "https://lafia.example/webhooks/twilio/status?id=our-id&token=t", "MessageSid=SM1&MessageStatus="+word)
		if len(p.Events) != 1 || p.Events[0].Receipt.Status != want || p.Events[0].Receipt.OurID != "our-id" || p.Events[0].Receipt.ExternalID != "SM1" {
			t.Errorf("%s is not %s: %+v", word, want, p)
		}
	}
	if p := signed(message.KindStatus, "https://lafia.example/", "SmsSid=SM1&SmsStatus=sent"); len(p.Events) != 1 || p.Events[0].Receipt.Status != message.StatusSent {
		t.Errorf("the older names are not read: %+v", p)
	}
}

func TestOnlyWhatIsSurelyBase64IsUnpacked(t *testing.T) {
	long := strings.Repeat("abcdefghijkl", 4) // 48 bytes, 64 characters
	packed := base64.StdEncoding.EncodeToString([]byte(long))
	for in, want := range map[string]string{
		packed:                            long,
		packed[:56]:                       packed[:56], // short
		packed[:63] + " ":                 packed[:63] + " ",
		packed + "A":                      packed + "A",
		strings.Repeat("/", 64):           strings.Repeat("/", 64), // not ASCII
		strings.Repeat("a", 59) + "é==":   strings.Repeat("a", 59) + "é==",
		strings.Repeat("OUI", 20) + "!!!": strings.Repeat("OUI", 20) + "!!!",
	} {
		p := signed(message.KindSMS, "https://lafia.example/", url.Values{"From": {"+22370000001"}, "To": {"1"}, "MessageSid": {"SM1"}, "Body": {in}}.Encode())
		if len(p.Events) != 1 || p.Events[0].Inbound.Text != want {
			t.Errorf("%q: %+v", in, p)
		}
	}
}

func TestAMessageIsAnsweredWithAnEmptyDocumentAndACallbackWithNone(t *testing.T) {
	a := twilio.New()
	if r := a.Ack(message.KindSMS); r.Status != 200 || !strings.HasPrefix(r.ContentType, "text/xml") || string(r.Body) != `<?xml version="1.0" encoding="UTF-8"?><Response/>` {
		t.Errorf("%+v %s", r, r.Body)
	}
	if r := a.Ack(message.KindStatus); r.Status != 204 || len(r.Body) != 0 {
		t.Errorf("%+v", r)
	}
}

func outbound() message.Outbound {
	return message.Outbound{ID: "0190a1b2-0000-7000-8000-000000000001", To: message.ParseNumber("+22370000001"), Text: "été + 50 %"}
}

func TestASendIsAFormWithOurIDInTheCallback(t *testing.T) {
	a := account()
	a.Settings["status_callback"] = "https://lafia.example.org/webhooks/twilio/status?token=t%2B"
	r, err := twilio.New().Request(outbound(), a)
	if err != nil {
		t.Fatal(err)
	}
	form, err := url.ParseQuery(string(r.Body))
	if err != nil {
		t.Fatal(err)
	}
	want := url.Values{
		"To": {"+22370000001"}, "From": {"+12028831111"}, "Body": {"été + 50 %"},
		"StatusCallback": {"https://lafia.example.org/webhooks/twilio/status?id=0190a1b2-0000-7000-8000-000000000001&token=t%2B"},
	}
	if form.Encode() != want.Encode() {
		t.Errorf("got %v\nwant %v", form, want)
	}
	q := http.Request{Header: r.Header}
	if user, password, _ := q.BasicAuth(); r.Method != "POST" || r.URL != "https://api.twilio.com/2010-04-01/Accounts/"+accountSID+"/Messages.json" || user != accountSID || password != "token" {
		t.Errorf("%s %s %v", r.Method, r.URL, r.Header)
	}
	a = message.Account{Settings: map[string]string{"account_sid": accountSID, "api_key_sid": "SK1", "api_key_secret": "s", "messaging_service_sid": "MG1", "from": "36000", "endpoint": "http://127.0.0.1:1/"}}
	if r, err = twilio.New().Request(outbound(), a); err != nil {
		t.Fatal(err)
	}
	q = http.Request{Header: r.Header}
	form, _ = url.ParseQuery(string(r.Body))
	if user, password, _ := q.BasicAuth(); user != "SK1" || password != "s" || form.Get("MessagingServiceSid") != "MG1" || form.Has("From") || form.Has("StatusCallback") || !strings.HasPrefix(r.URL, "http://127.0.0.1:1/2010-04-01/") {
		t.Errorf("%s %v", r.URL, form)
	}
}

func TestWhatASendLacksIsNamed(t *testing.T) {
	for want, change := range map[string]func(map[string]string, *message.Outbound){
		"the setting account_sid is missing":                                   func(s map[string]string, _ *message.Outbound) { delete(s, "account_sid") },
		"the setting auth_token is missing, or api_key_sid and api_key_secret": func(s map[string]string, _ *message.Outbound) { delete(s, "auth_token") },
		"the setting from is missing, or messaging_service_sid":                func(s map[string]string, _ *message.Outbound) { delete(s, "from") },
		"the setting status_callback is no http or https address":              func(s map[string]string, _ *message.Outbound) { s["status_callback"] = "lafia" },
		"the setting endpoint is no http or https address":                     func(s map[string]string, _ *message.Outbound) { s["endpoint"] = "ftp://x" },
		"the message has more than 1600 characters":                            func(_ map[string]string, m *message.Outbound) { m.Text = strings.Repeat("é", 1601) },
	} {
		a, m := account(), outbound()
		change(a.Settings, &m)
		if _, err := twilio.New().Request(m, a); err == nil || err.Error() != want {
			t.Errorf("%v, want %s", err, want)
		}
	}
}

func TestEveryAnswerToASendHasItsVerdict(t *testing.T) {
	for _, c := range []struct {
		status     int
		body       string
		want       message.Verdict
		id, reason string
	}{
		{201, `{"sid":"SM1","status":"queued"}`, message.Sent, "SM1", ""},
		{201, `{"sid":"SM1","status":"undelivered","error_code":"30005"}`, message.Rejected, "", "undelivered 30005 unknown number"},
		{200, `{"status":"queued"}`, message.Ambiguous, "", "the answer could not be read"},
		{400, `{"code":21211}`, message.Rejected, "", "HTTP 400 21211 no mobile number"},
		{400, `{"code":20429}`, message.Retry, "", "HTTP 400 20429 too many requests"},
		{400, `{"code":"21611"}`, message.Retry, "", "HTTP 400 21611 the sender's queue is full"},
		{400, `{"code":12345}`, message.Rejected, "", "HTTP 400 12345"},
		{404, `<html>`, message.Rejected, "", "HTTP 404"},
		{503, `{"code":20503}`, message.Ambiguous, "", "HTTP 503 20503"},
	} {
		if o := twilio.New().Outcome(c.status, []byte(c.body), nil, true); o.Verdict != c.want || o.ExternalID != c.id || o.Reason != c.reason {
			t.Errorf("%d %s: %+v", c.status, c.body, o)
		}
	}
}

func TestTheSampleHoldsEverySettingAndNothingIsLeftToMend(t *testing.T) {
	b, err := os.ReadFile("sample.toml")
	if err != nil {
		t.Fatal(err)
	}
	var sample struct {
		Channel []struct {
			Adapter    string
			Signatures []message.Secret
			Account    map[string]string
		}
	}
	if err := toml.Unmarshal(b, &sample); err != nil || len(sample.Channel) != 1 || sample.Channel[0].Adapter != "twilio" {
		t.Fatalf("%v %v", err, sample)
	}
	for name := range sample.Channel[0].Account {
		switch name {
		case "account_sid", "auth_token", "api_key_sid", "api_key_secret", "from", "messaging_service_sid", "status_callback", "public_url", "endpoint":
		default:
			t.Errorf("the sample has a setting %s that nothing reads", name)
		}
	}
	a := message.Account{Settings: sample.Channel[0].Account, Signatures: sample.Channel[0].Signatures}
	m := outbound()
	m.From = "+12028831111"
	if _, err := twilio.New().Request(m, a); err != nil {
		t.Error(err)
	}
	if mend := twilio.New().CheckSettings(a); len(mend) != 0 {
		t.Errorf("%q", mend)
	}
}

func TestWhatIsToMendIsSaidOneByOne(t *testing.T) {
	if mend := twilio.New().CheckSettings(message.Account{}); len(mend) != 4 {
		t.Errorf("%q", mend)
	}
	a := account()
	a.Settings["public_url"], a.Settings["status_callback"], a.Settings["endpoint"], a.Settings["api_key_sid"] = "lafia.example", "https://x/?a=1&b=2", "x", "SK1"
	if mend := twilio.New().CheckSettings(a); len(mend) != 4 {
		t.Errorf("%q", mend)
	}
	if len(twilio.New().Advice()) == 0 {
		t.Error("there is no advice")
	}
}
