package orange_test

import (
	"encoding/json"
	"errors"
	"flag"
	"net/http"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"
	"unicode/utf16"

	"github.com/pelletier/go-toml/v2"

	"lafia/gateway/gatewaytest"
	"lafia/gateway/message"
	"lafia/gateway/orange"
)

var update = flag.Bool("update", false, "write the golden files")

func settings() map[string]string {
	return map[string]string{"client_id": "id", "client_secret": "secret", "sender_address": "tel:+2230000"}
}

func account() message.Account {
	return message.Account{Settings: settings(), Token: message.NewSecret("token")}
}

func options() gatewaytest.Options {
	return gatewaytest.Options{Account: account(), StatusField: "deliveryStatus", Update: *update}
}

func TestTheSuitePasses(t *testing.T) {
	gatewaytest.Run(t, orange.New(), "testdata", options())
}

func FuzzParse(f *testing.F) {
	gatewaytest.Fuzz(f, orange.New(), "testdata", options())
}

func post(kind message.Kind, body string) message.Parsed {
	r := message.Request{Method: http.MethodPost, URL: &url.URL{Path: "/"}, Header: http.Header{}, Body: []byte(body)}
	return orange.New().Parse(kind, r, message.Account{}, time.Time{})
}

func TestAMissingFieldIsNamed(t *testing.T) {
	in := func(fields string) string {
		return `{"inboundSMSMessageNotification":{"inboundSMSMessage":{` + fields + `}}}`
	}
	out := func(fields string) string { return `{"deliveryInfoNotification":{` + fields + `}}` }
	for _, c := range []struct {
		kind       message.Kind
		body, want string
	}{
		{message.KindSMS, in(`"destinationAddress":"1","message":"a"`), "senderAddress is missing"},
		{message.KindSMS, in(`"senderAddress":"tel:+()","destinationAddress":"1","message":"a"`), "senderAddress is no number"},
		{message.KindSMS, in(`"senderAddress":"tel:+22370000001","message":"a"`), "destinationAddress is missing"},
		{message.KindSMS, in(`"senderAddress":"tel:+22370000001","destinationAddress":"1"`), "message is missing"},
		{message.KindSMS, in(`"senderAddress":"tel:+22370000001","destinationAddress":"1","message":null`), "message is missing"},
		{message.KindSMS, in(`"senderAddress":"tel:+22370000001","destinationAddress":"1","message":"a","messageId":"` + strings.Repeat("x", 201) + `"`), "messageId is longer than 200 bytes"},
		{message.KindStatus, out(`"callbackData":"","deliveryInfo":{"deliveryStatus":"DeliveredToTerminal"}`), "callbackData is missing"},
		{message.KindStatus, out(`"callbackData":"x","deliveryInfo":{}`), "deliveryStatus is missing"},
		{message.KindStatus, out(``), "there is neither inboundSMSMessageNotification nor deliveryInfoNotification"},
		{message.KindStatus, "{}", "there is neither inboundSMSMessageNotification nor deliveryInfoNotification"},
		{message.KindStatus, `{"deliveryInfoNotification":"x"}`, "the body is JSON of another shape"},
		{message.KindStatus, "", "the body is empty"},
		{message.KindStatus, "a=b", "the body is no JSON"},
		{message.KindUSSD, "{}", "there is no webhook of this kind"},
		{message.KindCall, "{}", "there is no webhook of this kind"},
	} {
		if p := post(c.kind, c.body); p.Unreadable != c.want || len(p.Events) != 0 {
			t.Errorf("%s %s: %q, want %q", c.kind, c.body, p.Unreadable, c.want)
		}
	}
}

func TestJSONIsReadInEveryCharacterSet(t *testing.T) {
	body := `{"inboundSMSMessageNotification":{"inboundSMSMessage":{"senderAddress":"tel:+22370000001","destinationAddress":"1","message":"kɔnɔ 😀 l’eau"}}}`
	sets := map[string]string{"UTF-8": body, "UTF-8 with a mark": "\uFEFF" + body, "NUL in it": "\x00\x00" + strings.ReplaceAll(body, ",", ",\x00")}
	for _, mark := range []string{"", "\uFEFF"} {
		var big, little []byte
		for _, u := range utf16.Encode([]rune(mark + body)) {
			big, little = append(big, byte(u>>8), byte(u)), append(little, byte(u), byte(u>>8))
		}
		sets["UTF-16BE "+mark], sets["UTF-16LE "+mark] = string(big), string(little)
	}
	for name, b := range sets {
		p := post(message.KindSMS, b)
		if len(p.Events) != 1 || p.Events[0].Inbound.Text != "kɔnɔ 😀 l’eau" {
			t.Errorf("%s: %+v", name, p)
		}
	}
}

func TestOnlyAPostThatIsNotCompressedIsRead(t *testing.T) {
	for want, r := range map[string]message.Request{
		"the method is GET, not POST":                       {Method: "GET", Header: http.Header{}},
		"the body is encoded: Content-Encoding is gzip":     {Method: "POST", Header: http.Header{"Content-Encoding": {"gzip"}}},
		"the method is , not POST":                          {},
		"the body is encoded: Content-Encoding is br, gzip": {Method: "POST", Header: http.Header{"Content-Encoding": {"br, gzip"}}},
	} {
		r.URL = &url.URL{}
		if p := orange.New().Parse(message.KindSMS, r, message.Account{}, time.Time{}); p.Unreadable != want {
			t.Errorf("%q, want %q", p.Unreadable, want)
		}
	}
}

func TestEveryWordOfAReceiptHasItsState(t *testing.T) {
	for word, want := range map[string]message.Status{
		"DeliveredToTerminal": message.StatusDelivered, "deliveredtoterminal": message.StatusDelivered,
		"DeliveredToNetwork": message.StatusSent, "DeliveryImpossible": message.StatusFailed, "MessageWaiting": message.StatusQueued,
		"DeliveryUncertain": message.StatusUnknown, "DeliveryNotificationNotSupported": message.StatusUnknown, "Teleported": message.StatusUnknown,
	} {
		p := post(message.KindStatus, `{"deliveryInfoNotification":{"callbackData":"x","deliveryInfo":{"deliveryStatus":"`+word+`"}}}`)
		if len(p.Events) != 1 || p.Events[0].Receipt.Status != want {
			t.Errorf("%s is not %s", word, want)
		}
	}
}

func TestASendHasItsSenderInThePathAndInTheBody(t *testing.T) {
	for sender, path := range map[string]string{
		"tel:+2230000": "tel%3A%2B2230000", "+2230000": "tel%3A%2B2230000", "2230000": "tel%3A%2B2230000",
		"00223 70 00 00 09": "tel%3A%2B22370000009",
	} {
		a := account()
		a.Settings["sender_address"], a.Settings["sender_name"] = sender, "LAFIA"
		r, err := orange.New().Request(message.Outbound{To: message.ParseNumber("+22370000001"), Text: "été & <b>", From: "36000"}, a)
		if err != nil {
			t.Fatal(err)
		}
		if want := "https://api.orange.com/smsmessaging/v1/outbound/" + path + "/requests"; r.URL != want || r.Method != "POST" {
			t.Errorf("%s %s, want %s", r.Method, r.URL, want)
		}
		if u, err := url.Parse(r.URL); err != nil || u.String() != r.URL {
			t.Errorf("a client would change %s to %s", r.URL, u)
		}
		if r.Header.Get("Authorization") != "Bearer token" || r.Header.Get("Content-Type") != "application/json" {
			t.Errorf("%v", r.Header)
		}
		var body map[string]map[string]any
		if err := json.Unmarshal(r.Body, &body); err != nil {
			t.Fatal(err)
		}
		in := body["outboundSMSMessageRequest"]
		plain, _ := url.PathUnescape(path)
		if in["senderAddress"] != plain || in["address"] != "tel:+22370000001" || in["senderName"] != "LAFIA" ||
			in["outboundSMSTextMessage"].(map[string]any)["message"] != "été & <b>" {
			t.Errorf("%s", r.Body)
		}
	}
}

func TestAChannelsNameIsTheSenderNameAndItsNumberIsNot(t *testing.T) {
	for _, c := range []struct{ from, setting, want string }{
		{"LAFIA", "", `"senderName":"LAFIA"`}, {"LAFIA", "OTHER", `"senderName":"LAFIA"`},
		{"36000", "OTHER", `"senderName":"OTHER"`}, {"36000", "", ""}, {"", "", ""},
	} {
		a := account()
		a.Settings["sender_name"] = c.setting
		r, err := orange.New().Request(message.Outbound{To: message.ParseNumber("+22370000001"), Text: "a", From: c.from}, a)
		if err != nil || c.want != "" && !strings.Contains(string(r.Body), c.want) || c.want == "" && strings.Contains(string(r.Body), "senderName") {
			t.Errorf("%+v: %s %v", c, r.Body, err)
		}
	}
}

func TestWhatASendLacksIsNamed(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*message.Account)
		want   string
	}{
		"no sender":           {func(a *message.Account) { delete(a.Settings, "sender_address") }, "the setting sender_address is missing"},
		"a sender of letters": {func(a *message.Account) { a.Settings["sender_address"] = "LAFIA" }, "the setting sender_address is no number of 4 to 15 digits"},
		"no token":            {func(a *message.Account) { a.Token = message.Secret{} }, "there is no token of Orange: the settings client_id and client_secret get one"},
		"a bad endpoint":      {func(a *message.Account) { a.Settings["endpoint"] = "ftp://x" }, "the setting endpoint is no http or https address"},
	} {
		a := account()
		c.change(&a)
		if _, err := orange.New().Request(message.Outbound{To: message.ParseNumber("+22370000001"), Text: "a"}, a); err == nil || err.Error() != c.want {
			t.Errorf("%s: %v, want %s", name, err, c.want)
		}
	}
}

func TestATokenIsAskedForWithTheClientsSecret(t *testing.T) {
	r, err := orange.New().TokenRequest(message.Account{Settings: settings()})
	if err != nil {
		t.Fatal(err)
	}
	if r.Method != "POST" || r.URL != "https://api.orange.com/oauth/v3/token" || string(r.Body) != "grant_type=client_credentials" ||
		r.Header.Get("Authorization") != "Basic aWQ6c2VjcmV0" || r.Header.Get("Content-Type") != "application/x-www-form-urlencoded" {
		t.Errorf("%+v", r)
	}
	for name, want := range map[string]string{"client_id": "the setting client_id is missing", "client_secret": "the setting client_secret is missing"} {
		s := settings()
		delete(s, name)
		if _, err := orange.New().TokenRequest(message.Account{Settings: s}); err == nil || err.Error() != want {
			t.Errorf("%v, want %s", err, want)
		}
	}
}

func TestATokensLifeIsReadAsAStringOrANumber(t *testing.T) {
	for body, want := range map[string]time.Duration{
		`{"token_type":"Bearer","access_token":"t","expires_in":"3600"}`: time.Hour, // developer.orange.com/apis/sms-bf/getting-started
		`{"token_type":"bearer","access_token":"t","expires_in":7200}`:   2 * time.Hour,
		`{"access_token":"t","expires_in":"7776000"}`:                    90 * 24 * time.Hour,
		`{"access_token":"t"}`:                                            time.Hour,
		`{"access_token":"t","expires_in":"soon"}`:                        time.Hour,
		`{"access_token":"t","expires_in":"-1"}`:                          time.Hour,
		`{"access_token":"t","expires_in":"1e300"}`:                       time.Hour,
		"\uFEFF" + `{"access_token":"t","expires_in":"60","unknown":[1]}`: time.Minute,
	} {
		token, life, err := orange.New().ReadToken(200, []byte(body))
		if err != nil || token.Reveal() != "t" || life != want {
			t.Errorf("%s: %s, %v, want %s", body, life, err, want)
		}
	}
}

func TestWhatIsNoTokenIsSaidWithoutAQuote(t *testing.T) {
	for _, c := range []struct {
		status     int
		body, want string
	}{
		{401, `{"error":"invalid_client"}`, "client_id or client_secret is wrong (HTTP 401)"},
		{400, `{"error":"invalid_client"}`, "client_id or client_secret is wrong (HTTP 400)"},
		{500, "secret", "Orange gives no token (HTTP 500)"},
		{200, "secret", "is no JSON"},
		{200, `{"secret":1}`, "has no access_token"},
		{200, `{"access_token":"secret\r\nX: y"}`, "has no access_token"},
		{200, `{"access_token":"secret","token_type":"mac"}`, "of another type than Bearer"},
	} {
		token, _, err := orange.New().ReadToken(c.status, []byte(c.body))
		if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "secret\r") || !token.IsZero() {
			t.Errorf("%d %s: %v", c.status, c.body, err)
		}
	}
}

func TestEveryAnswerToASendHasItsVerdict(t *testing.T) {
	a := orange.New()
	fault := func(kind, code string) string {
		return `{"requestError":{"` + kind + `":{"messageId":"` + code + `","text":"x"}}}`
	}
	for _, c := range []struct {
		status int
		body   string
		want   message.Verdict
		reason string
	}{
		{201, `{"outboundSMSMessageRequest":{"resourceURL":"https://x/requests/u1"}}`, message.Sent, ""},
		{201, `{"outboundSMSMessageRequest":{}}`, message.Sent, ""},
		{200, fault("serviceException", "SVC0004"), message.Rejected, "SVC0004 x"},
		{200, `{}`, message.Ambiguous, "the answer could not be read"},
		{400, fault("serviceException", "SVC0001"), message.Retry, "HTTP 400 SVC0001 x"},
		{400, fault("serviceException", "SVC0002"), message.Rejected, "HTTP 400 SVC0002 x"},
		{400, fault("policyException", "POL1102"), message.Retry, "HTTP 400 POL1102 x"},
		{400, fault("policyException", "POL0001"), message.Rejected, "HTTP 400 POL0001 x"},
		{403, fault("policyException", "POL0001"), message.Retry, "HTTP 403 POL0001 x"},
		{401, `{"code":42,"message":"Expired credentials"}`, message.Retry, "HTTP 401 42 Expired credentials"},
		{302, "", message.Retry, "HTTP 302"},
		{404, "", message.Rejected, "HTTP 404"},
		{503, fault("serviceException", "SVC0001"), message.Ambiguous, "HTTP 503 SVC0001 x"},
	} {
		if o := a.Outcome(c.status, []byte(c.body), nil, true); o.Verdict != c.want || o.Reason != c.reason {
			t.Errorf("%d %s: %+v, want %s %q", c.status, c.body, o, c.want, c.reason)
		}
	}
	for resource, want := range map[string]string{
		"https://x/requests/u1": "u1", "https://x/requests/u1/": "u1", "https://x/requests": "", "u1": "",
		"https://x/requests/" + strings.Repeat("u", 300): "",
	} {
		if o := a.Outcome(201, []byte(`{"outboundSMSMessageRequest":{"resourceURL":"`+resource+`"}}`), nil, true); o.ExternalID != want {
			t.Errorf("%s: id %q", resource, o.ExternalID)
		}
	}
	if o := a.Outcome(0, nil, errors.New("x"), false); o.Verdict != message.Retry {
		t.Errorf("%+v", o)
	}
}

func TestTheSampleHoldsEverySettingAndNothingIsLeftToMend(t *testing.T) {
	b, err := os.ReadFile("sample.toml")
	if err != nil {
		t.Fatal(err)
	}
	var sample struct {
		Channel []struct {
			Adapter string
			Account map[string]string
		}
	}
	if err := toml.Unmarshal(b, &sample); err != nil || len(sample.Channel) != 1 || sample.Channel[0].Adapter != "orange" {
		t.Fatalf("%v %v", err, sample)
	}
	for name := range sample.Channel[0].Account {
		switch name {
		case "client_id", "client_secret", "sender_address", "sender_name", "endpoint", "token_endpoint":
		default:
			t.Errorf("the sample has a setting %s that nothing reads", name)
		}
	}
	a := message.Account{Settings: sample.Channel[0].Account, Token: message.NewSecret("t")}
	if _, err := orange.New().Request(message.Outbound{To: message.ParseNumber("+22370000001"), Text: "a"}, a); err != nil {
		t.Error(err)
	}
	if mend := orange.New().CheckSettings(a); len(mend) != 0 {
		t.Errorf("%q", mend)
	}
}

func TestWhatIsToMendIsSaidOneByOne(t *testing.T) {
	if mend := orange.New().CheckSettings(message.Account{}); len(mend) != 3 {
		t.Errorf("%q", mend)
	}
	s := settings()
	s["sender_name"], s["endpoint"], s["token_endpoint"] = "twelve chars", "x", "http://orange.example/token"
	if mend := orange.New().CheckSettings(message.Account{Settings: s}); len(mend) != 3 {
		t.Errorf("%q", mend)
	}
	if len(orange.New().Advice()) == 0 {
		t.Error("there is no advice")
	}
}
