package vonage_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"flag"
	"net/http"
	"net/url"
	"os"
	"sort"
	"strings"
	"testing"
	"time"

	"github.com/pelletier/go-toml/v2"

	"lafia/gateway/gatewaytest"
	"lafia/gateway/message"
	"lafia/gateway/vonage"
)

var update = flag.Bool("update", false, "write the golden files")

// now is the timestamp of the samples.
var now = time.Unix(1790000000, 0)

func settings() map[string]string {
	return map[string]string{"api_key": "k", "api_secret": "s", "from": "Lafia", "signature_algorithm": "sha256"}
}

func account(secrets ...string) message.Account {
	a := message.Account{Settings: settings()}
	for _, s := range secrets {
		a.Signatures = append(a.Signatures, message.NewSecret(s))
	}
	return a
}

func options() gatewaytest.Options {
	return gatewaytest.Options{Account: account("right"), Now: now, Sign: sign, SignedInBody: true, Window: 5 * time.Minute, StatusField: "status", Update: *update}
}

// sign signs as Vonage does, with SHA-256, in whatever carries the fields.
func sign(r *message.Request) {
	isJSON := strings.HasPrefix(r.Header.Get("Content-Type"), "application/json")
	switch {
	case r.Method == http.MethodGet:
		r.URL.RawQuery = signForm(r.URL.RawQuery)
	case !isJSON:
		r.Body = []byte(signForm(string(r.Body)))
	default:
		var object map[string]any
		if json.Unmarshal(r.Body, &object) != nil || object == nil {
			return
		}
		form := message.Form{}
		for name, v := range object {
			if s, ok := v.(string); ok {
				form[name] = s
			} else if v != nil {
				raw, _ := json.Marshal(v)
				form[name] = string(raw)
			}
		}
		object["sig"] = signature(form)
		r.Body, _ = json.Marshal(object)
	}
}

func signForm(form string) string {
	var kept []string
	for pair := range strings.SplitSeq(form, "&") {
		if !strings.HasPrefix(pair, "sig=") {
			kept = append(kept, pair)
		}
	}
	form = strings.Join(kept, "&")
	return form + "&sig=" + signature(message.ParseForm(form))
}

func signature(form message.Form) string {
	var names []string
	for name := range form {
		if name != "sig" && name != "token" {
			names = append(names, name)
		}
	}
	sort.Strings(names)
	mac := hmac.New(sha256.New, []byte("right"))
	for _, name := range names {
		mac.Write([]byte("&" + under(name) + "=" + under(form[name])))
	}
	return hex.EncodeToString(mac.Sum(nil))
}

func under(s string) string { return strings.ReplaceAll(strings.ReplaceAll(s, "&", "_"), "=", "_") }

func TestTheSuitePasses(t *testing.T) {
	gatewaytest.Run(t, vonage.New(), "testdata", options())
}

func FuzzParse(f *testing.F) {
	gatewaytest.Fuzz(f, vonage.New(), "testdata", options())
}

func get(kind message.Kind, query string, a message.Account, at time.Time) message.Parsed {
	r := message.Request{Method: http.MethodGet, URL: &url.URL{RawQuery: query}, Header: http.Header{}}
	return vonage.New().Parse(kind, r, a, at)
}

// The vectors of Vonage/vonage-node-sdk packages/sms/__tests__/__dataSets__/signature.ts (4b9aab7).
func TestEachOfTheFiveAlgorithmsIsThatOfVonage(t *testing.T) {
	const query = "message-timestamp=2013-11-21+15%3A27%3A30&messageId=020000001B0FE827&msisdn=14843472194&text=Test+again&timestamp=1385047698&to=13239877404&type=text"
	at := time.Unix(1385047698, 0)
	for name, sig := range map[string]string{
		"md5hash": "d2e7b1dc968737c5998ad624e02f90b7",
		"md5":     "DDEBD46008C2D4E93CCE578A332A52D5",
		"sha1":    "27D0D05C2876C7CB1720DBCDBA4D492E1E55C09A",
		"sha256":  "DDB8397C2B90AAC7F3882D306475C9A5058C92322EEF43C92B298B6E0FC0D330",
		"sha512":  "E0D3C650F8C9D1A5C174D10DDDBFB003E561F59B265616208B0487C5D819481CD3C311D59CF6165ECD1139622D5BA3A256C0D763AC4A9AD9144B5A426B94FE82",
	} {
		for _, written := range []string{name, strings.ToUpper(name), name + "hmac", strings.Replace(name, "md5hash", "md5-hash", 1), "hmac-" + name, "HMAC_" + name} {
			if strings.HasPrefix(name, "md5hash") && strings.Contains(strings.ToLower(written), "hmac") {
				continue
			}
			a := account("my_secret_key_for_testing")
			a.Settings["signature_algorithm"] = written
			for _, s := range []string{sig, strings.ToLower(sig), strings.ToUpper(sig)} {
				if p := get(message.KindSMS, query+"&sig="+s, a, at); p.Refused != "" || len(p.Events) != 1 {
					t.Errorf("%s: %q", written, p.Refused)
				}
			}
			if p := get(message.KindSMS, query+"&sig="+sig[2:]+"00", a, at); !strings.HasPrefix(p.Refused, "sig is wrong") {
				t.Errorf("%s: %q", written, p.Refused)
			}
		}
		other := account("my_secret_key_for_testing")
		other.Settings["signature_algorithm"] = map[bool]string{true: "sha256", false: "sha1"}[name == "sha1"]
		if p := get(message.KindSMS, query+"&sig="+sig, other, at); p.Refused == "" {
			t.Errorf("a signature of %s passes for another algorithm", name)
		}
	}
	a := account("my_secret_key_for_testing")
	delete(a.Settings, "signature_algorithm")
	if p := get(message.KindSMS, query+"&sig=d2e7b1dc968737c5998ad624e02f90b7", a, at); p.Refused != "" {
		t.Errorf("MD5 hash is not the default: %q", p.Refused)
	}
}

func TestWhyARequestIsRefusedIsSaidInALine(t *testing.T) {
	const query = "msisdn=22370000001&to=36000&messageId=1&text=a&type=text&timestamp=1790000000"
	unsigned := message.Account{Settings: map[string]string{}}
	unknown := account("right")
	unknown.Settings["signature_algorithm"] = "crc32"
	broken := account("right")
	broken.Settings["timestamp_window"] = "a day"
	for name, c := range map[string]struct {
		query string
		a     message.Account
		want  string
	}{
		"right":                        {signForm(query), account("right"), ""},
		"the new secret of two":        {signForm(query), account("old", "right"), ""},
		"our token beside it":          {signForm(query) + "&token=t", account("right"), ""},
		"our token signed too":         {"token=t&" + query + "&sig=" + signature(message.ParseForm(strings.ReplaceAll("xoken=t&"+query, "xoken", "token"))), account("right"), ""},
		"blank fields not signed":      {signForm(query) + "&keyword=", account("right"), ""},
		"no signature":                 {query, account("right"), "sig is missing"},
		"no hexadecimal":               {query + "&sig=zz", account("right"), "sig is not hexadecimal"},
		"another secret":               {signForm(query), account("wrong"), "sig is wrong"},
		"a field more":                 {signForm(query) + "&concat=true", account("right"), "sig is wrong"},
		"one field posing as two":      {strings.Replace(signForm(query), "text=a&", "text%3Da%26type=text&xtype=", 1), account("right"), "sig is wrong"},
		"no secret for a signature":    {signForm(query), unsigned, "sig cannot be checked"},
		"an unknown algorithm":         {signForm(query), unknown, "the setting signature_algorithm is not one of"},
		"a window that is none":        {signForm(query), broken, "the setting timestamp_window is no duration"},
		"an account that doesn't sign": {query, unsigned, ""},
		"no timestamp":                 {signForm("msisdn=22370000001&to=36000&messageId=1&text=a"), account("right"), "timestamp is missing"},
	} {
		if p := get(message.KindSMS, c.query, c.a, now); (p.Refused == "") != (c.want == "") || !strings.HasPrefix(p.Refused, c.want) {
			t.Errorf("%s: %q, want %q", name, p.Refused, c.want)
		}
	}
	r := message.Request{Method: http.MethodPost, URL: &url.URL{}, Header: http.Header{"Content-Type": {"application/json"}}, Body: []byte("{")}
	if p := vonage.New().Parse(message.KindSMS, r, account("right"), now); p.Refused != "the body is no JSON object" {
		t.Error(p.Refused)
	}
	if p := vonage.New().Parse(message.KindSMS, r, unsigned, now); p.Unreadable != "the body is no JSON object" {
		t.Error(p.Unreadable)
	}
}

func TestASignedRequestIsGoodForAWhile(t *testing.T) {
	query := signForm("msisdn=22370000001&to=36000&messageId=1&text=a&type=text&timestamp=1790000000")
	for _, c := range []struct {
		after   time.Duration
		setting string
		want    bool
	}{
		{0, "", true}, {5 * time.Minute, "", true}, {301 * time.Second, "", false}, {-5 * time.Minute, "", true}, {-301 * time.Second, "", false},
		{24 * time.Hour, "25h", true}, {26 * time.Hour, "25h", false}, {-301 * time.Second, "25h", false},
	} {
		a := account("right")
		a.Settings["timestamp_window"] = c.setting
		if p := get(message.KindSMS, query, a, time.Unix(1790000000, 0).Add(c.after)); (p.Refused == "") != c.want {
			t.Errorf("%s later, window %q: %q", c.after, c.setting, p.Refused)
		}
	}
}

func TestACallWithoutFieldsIsTheConsoleTryingTheAddress(t *testing.T) {
	for _, query := range []string{"", "token=t"} {
		if p := get(message.KindSMS, query, account("right"), now); p.Refused != "" || p.Unreadable != "" || len(p.Events) != 0 {
			t.Errorf("%q: %+v", query, p)
		}
	}
}

func TestWhatIsMissingIsNamed(t *testing.T) {
	unsigned := message.Account{Settings: map[string]string{}}
	for _, c := range []struct {
		kind        message.Kind
		query, want string
	}{
		{message.KindSMS, "to=36000&messageId=1&text=a", "msisdn is missing"},
		{message.KindSMS, "msisdn=22370000001&messageId=1&text=a", "to is missing"},
		{message.KindSMS, "msisdn=22370000001&to=36000&messageId=1", "text is missing"},
		{message.KindSMS, "msisdn=22370000001&to=36000&messageId=1&type=binary&data=00", "the message is binary, not text"},
		{message.KindStatus, "messageId=1", "status is missing"},
		{message.KindStatus, "status=delivered", "messageId is missing"},
		{message.KindUSSD, "a=b", "there is no webhook of this kind"},
	} {
		if p := get(c.kind, c.query, unsigned, now); p.Unreadable != c.want || len(p.Events) != 0 {
			t.Errorf("%s: %q, want %q", c.query, p.Unreadable, c.want)
		}
	}
}

func TestAPartIsOneOnlyWhenItSaysWhich(t *testing.T) {
	unsigned := message.Account{Settings: map[string]string{}}
	for query, want := range map[string]message.Part{
		"concat=true&concat-ref=08B5&concat-total=3&concat-part=2":  {Ref: "36000/08B5", Index: 2, Total: 3},
		"concat=false&concat-ref=08B5&concat-total=3&concat-part=2": {},
		"concat=true&concat-ref=08B5&concat-total=1&concat-part=1":  {},
		"concat=true&concat-ref=08B5&concat-total=3&concat-part=4":  {},
		"concat=true&concat-ref=08B5&concat-total=3&concat-part=0":  {},
		"concat=true&concat-total=3&concat-part=2":                  {},
	} {
		p := get(message.KindSMS, "msisdn=22370000001&to=36000&messageId=1&text=a&"+query, unsigned, now)
		if len(p.Events) != 1 {
			t.Fatal(p.Unreadable)
		}
		got := message.Part{}
		if p.Events[0].Inbound.Part != nil {
			got = *p.Events[0].Inbound.Part
		}
		if got != want {
			t.Errorf("%s: %+v, want %+v", query, got, want)
		}
	}
}

func TestEveryStateHasItsMeaning(t *testing.T) {
	for word, want := range map[string]message.Status{
		"accepted": message.StatusSent, "buffered": message.StatusSent, "Delivered": message.StatusDelivered,
		"expired": message.StatusExpired, "failed": message.StatusFailed, "rejected": message.StatusFailed,
		"unknown": message.StatusUnknown, "beamed": message.StatusUnknown,
	} {
		p := get(message.KindStatus, "messageId=1&client-ref=ours&msisdn=22370000001&status="+word, message.Account{}, now)
		if len(p.Events) != 1 {
			t.Fatal(p.Unreadable)
		}
		if r := p.Events[0].Receipt; r.Status != want || r.OurID != "ours" || r.ExternalID != "1" || r.PartID != "1" || r.To.Reveal() != "+22370000001" {
			t.Errorf("%s: %+v, want %s", word, r, want)
		}
	}
}

func TestASendIsAFormInTheTypeOfItsText(t *testing.T) {
	m := message.Outbound{ID: "0190a1b2-0000-7000-8000-000000000001", To: message.ParseNumber("+22370000001"), Text: "été + 50 % €"}
	r, err := vonage.New().Request(m, account())
	if err != nil {
		t.Fatal(err)
	}
	form, err := url.ParseQuery(string(r.Body))
	want := url.Values{
		"api_key": {"k"}, "api_secret": {"s"}, "from": {"Lafia"}, "to": {"22370000001"}, "text": {"été + 50 % €"}, "type": {"text"},
		"status-report-req": {"1"}, "client-ref": {"0190a1b2-0000-7000-8000-000000000001"},
	}
	if err != nil || form.Encode() != want.Encode() || r.URL != "https://rest.nexmo.com/sms/json" || r.Method != "POST" {
		t.Errorf("got %v, want %v", form, want)
	}
	a := account()
	a.Settings["status_url"], a.Settings["endpoint"] = "https://lafia.example/webhooks/vonage/status?token=t", "http://127.0.0.1:1/x"
	m.Text, m.From = "ɛ", "+22320000000"
	r, _ = vonage.New().Request(m, a)
	form, _ = url.ParseQuery(string(r.Body))
	if form.Get("type") != "unicode" || form.Get("text") != "ɛ" || form.Get("callback") != a.Settings["status_url"] || form.Get("from") != "22320000000" || r.URL != "http://127.0.0.1:1/x" {
		t.Errorf("%v", form)
	}
}

func TestEveryCodeOfASendHasItsVerdict(t *testing.T) {
	for code, want := range map[string]message.Verdict{
		`"0"`: message.Sent, `0`: message.Sent, `"1"`: message.Retry, `1`: message.Retry, `"5"`: message.Retry, `"4"`: message.Retry, `"9"`: message.Retry,
		`"14"`: message.Retry, `"2"`: message.Rejected, `"6"`: message.Rejected, `"15"`: message.Rejected, `"29"`: message.Rejected, `"33"`: message.Rejected,
		`"77"`: message.Ambiguous, `null`: message.Ambiguous, `{}`: message.Ambiguous,
	} {
		o := vonage.New().Outcome(200, []byte(`{"messages":[{"status":`+code+`,"message-id":"1"}]}`), nil, true)
		if o.Verdict != want || (o.ExternalID == "1") != (want == message.Sent) {
			t.Errorf("%s: %+v, want %s", code, o, want)
		}
	}
}

func TestASettingThatCannotBeIsNamed(t *testing.T) {
	m := message.Outbound{To: message.ParseNumber("+22370000001"), Text: "a"}
	for name, c := range map[string]struct{ key, value, err, line string }{
		"right":           {"endpoint", "", "", ""},
		"no key":          {"api_key", "", "the setting api_key is missing", "api_key"},
		"no secret":       {"api_secret", "", "the setting api_secret is missing", "api_secret"},
		"no sender":       {"from", "", "the setting from is missing: Vonage has no default sender", ""},
		"no address":      {"endpoint", "x", "the setting endpoint is no http or https address", "endpoint"},
		"an algorithm":    {"signature_algorithm", "x", "", "signature_algorithm"},
		"a window":        {"timestamp_window", "x", "", "timestamp_window"},
		"receipts":        {"status_url", "x", "", "status_url"},
		"receipts denied": {"status_url", "https://lafia.example/x", "", "no ?token="},
	} {
		a := account("right")
		a.Settings[c.key] = c.value
		if _, err := vonage.New().Request(m, a); (err == nil) != (c.err == "") || err != nil && err.Error() != c.err {
			t.Errorf("%s: %v", name, err)
		}
		lines := strings.Join(vonage.New().CheckSettings(a), "\n")
		if (lines == "") != (c.line == "") || !strings.Contains(lines, c.line) {
			t.Errorf("%s: %q, want %q", name, lines, c.line)
		}
	}
	if lines := vonage.New().CheckSettings(account()); len(lines) != 1 || !strings.Contains(lines[0], "no signatures") {
		t.Errorf("%q", lines)
	}
	if len(vonage.New().Advice()) == 0 {
		t.Error("no advice")
	}
}

func TestTheSampleHoldsTheSettingsOfASend(t *testing.T) {
	b, err := os.ReadFile("sample.toml")
	if err != nil {
		t.Fatal(err)
	}
	var sample struct {
		Channel []struct {
			Adapter    string
			From       string
			Signatures []string
			Account    map[string]string
		}
	}
	if err := toml.Unmarshal(b, &sample); err != nil || len(sample.Channel) != 1 || sample.Channel[0].Adapter != "vonage" {
		t.Fatalf("%v %v", err, sample)
	}
	c := sample.Channel[0]
	a := message.Account{Settings: c.Account, Signatures: []message.Secret{message.NewSecret(c.Signatures[0])}}
	if lines := vonage.New().CheckSettings(a); len(lines) != 0 {
		t.Error(lines)
	}
	if _, err := vonage.New().Request(message.Outbound{From: c.From, To: message.ParseNumber("+22370000001"), Text: "a"}, a); err != nil {
		t.Error(err)
	}
}
