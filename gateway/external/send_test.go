package external_test

import (
	"encoding/json"
	"encoding/xml"
	"net/http"
	"net/url"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"lafia/gateway/external"
	"lafia/gateway/message"
)

const odd = "été \"ɛ\" <&> 50 % + 1\n2\\3 {to}"

func outbound() message.Outbound {
	return message.Outbound{ID: "id-1", From: "36 & 0", To: message.ParseNumber("+22370000001"), Text: odd}
}

func send(t *testing.T, pairs ...string) message.HTTPRequest {
	t.Helper()
	r, err := external.New().Request(outbound(), account(pairs...))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestAValueIsEscapedAsItsPlaceAsksFor(t *testing.T) {
	r := send(t, "send_url=https://x.example/a/{id}/{to}?text={text}&u={user}", "user=a b&c", "send_format=none", "send_method=GET")
	u, err := url.Parse(r.URL)
	if err != nil || r.Method != "GET" || r.Body != nil || r.Header.Get("Content-Type") != "" {
		t.Fatalf("%v %+v", err, r)
	}
	if q := u.Query(); q.Get("text") != odd || q.Get("u") != "a b&c" || u.Path != "/a/id-1/+22370000001" {
		t.Errorf("%s %v", u.Path, q)
	}

	r = send(t, "send_url=https://x.example/")
	var got map[string]string
	if err := json.Unmarshal(r.Body, &got); err != nil || got["text"] != odd || got["to"] != "+22370000001" || got["id"] != "id-1" || got["from"] != "36 & 0" {
		t.Errorf("%v %s", err, r.Body)
	}
	if r.Method != "POST" || r.Header.Get("Content-Type") != "application/json" {
		t.Errorf("%s %v", r.Method, r.Header)
	}

	r = send(t, "send_url=https://x.example/", "send_format=form", "send_body=a={text}&to={to_digits}&k={key}", "key=&=")
	form, err := url.ParseQuery(string(r.Body))
	if err != nil || form.Get("a") != odd || form.Get("to") != "22370000001" || form.Get("k") != "&=" {
		t.Errorf("%v %s", err, r.Body)
	}

	r = send(t, "send_url=https://x.example/", "send_format=xml", `send_body=<m to="{to}" from="{from}">{text}</m>`, "send_type=application/xml")
	var m struct {
		To   string `xml:"to,attr"`
		From string `xml:"from,attr"`
		Text string `xml:",chardata"`
	}
	if err := xml.Unmarshal(r.Body, &m); err != nil || m.Text != odd || m.From != "36 & 0" || m.To != "+22370000001" || r.Header.Get("Content-Type") != "application/xml" {
		t.Errorf("%v %+v %s", err, m, r.Body)
	}

	r = send(t, "send_url=https://x.example/{to}", "send_format=text", "send_body={text}")
	if string(r.Body) != odd {
		t.Errorf("%s", r.Body)
	}
}

func TestHeadersAndAPasswordAreSettings(t *testing.T) {
	r := send(t, "send_url=https://x.example/", "send_user=u", "send_password=p:w", "key=k", "send_headers=\r\nX-Key: Token {key}\r\nx-id:{id}\n\nX-Empty:\n")
	user, password, ok := (&http.Request{Header: r.Header}).BasicAuth()
	if !ok || user != "u" || password != "p:w" || r.Header.Get("X-Key") != "Token k" || r.Header.Get("X-Id") != "id-1" || len(r.Header["X-Empty"]) != 1 {
		t.Errorf("%v", r.Header)
	}
	m := outbound()
	m.From = ""
	r, err := external.New().Request(m, account("send_url=https://x.example/", "from=LAFIA"))
	if err != nil || !strings.Contains(string(r.Body), `"from":"LAFIA"`) {
		t.Errorf("%v %s", err, r.Body)
	}
	_, err = external.New().Request(outbound(), account("send_url=https://x.example/", "send_headers=X-Text: {text}"))
	if err == nil || err.Error() != "the setting send_headers puts a line break into a header" {
		t.Errorf("a text of two lines in a header: %v", err)
	}
}

func TestABadSettingIsNamedInOneLine(t *testing.T) {
	for _, c := range []struct{ setting, want string }{
		{"time_format=whenever", "the setting time_format is none of rfc3339, unix, unix-ms, and no layout"},
		{"time_zone=Africa/Bamako", `the setting time_zone is no distance from UTC, as "+01:00"`},
		{"sms_format=jsn", "the setting sms_format is none of json, form, query"},
		{"sms_from=", "the setting sms_from is empty: write the name of the aggregator's field"},
		{"sms_text=a||b", "the setting sms_text has a | with no field beside it"},
		{"sms_id=path:x", "the setting sms_id counts segments of the path from the end, as path:1"},
		{"sms_part_ref=ref", "the setting sms_part_ref stands for nothing without sms_part_index and sms_part_total"},
		{"sms_when==x", `the setting sms_when is no condition, as "type=start"`},
		{"status_map=DELIVRD=arrived", "the setting status_map gives DELIVRD a state that is none of queued, sent, delivered, failed, expired, unknown"},
		{"status_map=", `the setting status_map is empty`},
		{"ussd_input=both", "the setting ussd_input is none of single, cumulative"},
		{"ussd_start=", "the setting ussd_start is empty: write what tells the first request of a session"},
		{"ussd_reply={\"text\":{text}}", "the setting ussd_reply is no JSON once its placeholders are filled in"},
		{"ussd_reply={\"text\":\"\"}", "the setting ussd_reply has no {text}: callers would see no screen"},
		{"ussd_reply_end={\"text\":\"{txt}\"}", "the setting ussd_reply_end has no {text}"},
		{"ussd_reply_type=", `the setting ussd_reply_type is no content type`},
		{"ack_status=302", "the setting ack_status is no status of success, 200 to 299"},
		{"sms_ack_type=a\nb", "the setting sms_ack_type holds a line break or control character"},
		{"signature_encoding=base32", "the setting signature_encoding is none of hex, base64"},
		{"signature_header=", "the setting signature_header is empty: write the name of the header"},
		{"send_url=ftp://x.example/{text}", "the setting send_url is no http or https address"},
		{"send_method=DELETE", "the setting send_method is none of POST, GET, PUT"},
		{"send_format=yaml", "the setting send_format is none of json, form, xml, text, none"},
		{"send_body={\"text\":{text},\"to\":\"{to}\"}", "the setting send_body is no JSON once its placeholders are filled in"},
		{"send_body={\"text\":\"{text}\"}", "the setting send_body has no {to} or {to_digits}, and send_url neither"},
		{"send_body={\"to\":\"{to}\"}", "the setting send_body has no {text}, and send_url neither"},
		{"send_body={\"text\":\"{text}\",\"to\":\"{tow}\"}", "the setting send_body has {tow}, which is neither a placeholder nor a setting"},
		{"send_headers=Bearer", `the setting send_headers has a line that is no "Name: value"`},
		{"send_headers=X y: z", `the setting send_headers has a line that is no "Name: value"`},
		{"send_password=p", "the setting send_user is missing beside send_password"},
		{"send_user=a:b", "the setting send_user holds a colon, line break or control character"},
		{"send_accepted=ok", `the setting send_accepted is no list of HTTP statuses, as "200,202,4xx"`},
		{"send_retry=2000", `the setting send_retry is no list of HTTP statuses, as "200,202,4xx"`},
		{"send_id=regex:(", "the setting send_id holds no regular expression (RE2)"},
		{"send_retry_when=code=1", "the setting send_retry_when stands for nothing without send_success"},
		{"send_type=a\nb", "the setting send_type holds a line break or control character"},
		{"sms_frm=x", "the setting sms_frm is read by nothing: mend its name, or use it as {sms_frm}"},
	} {
		a := account("send_url=https://x.example/", c.setting)
		lines := external.New().CheckSettings(a)
		if !slices.ContainsFunc(lines, func(l string) bool { return strings.HasPrefix(l, c.want) }) {
			t.Errorf("%q: %q", c.setting, lines)
		}
		name, value, _ := strings.Cut(c.setting, "=")
		for _, l := range lines {
			if strings.ContainsAny(l, "\r\n") || len(value) > 12 && strings.Contains(l, value) {
				t.Errorf("%q: a line is one and quotes no value: %q", c.setting, l)
			}
		}
		_, err := external.New().Request(outbound(), a)
		if strings.HasPrefix(name, "send_") && (err == nil || !slices.ContainsFunc(lines, func(l string) bool { return l == err.Error() })) {
			t.Errorf("%q: sending gives %v", c.setting, err)
		}
		if !strings.HasPrefix(name, "send_") && err != nil {
			t.Errorf("%q keeps from sending: %v", c.setting, err)
		}
		p := external.New().Parse(message.KindSMS, request("POST", "sms", "application/json", ping), a, now)
		broken := (strings.HasPrefix(name, "sms_") && name != "sms_frm" && name != "sms_ack_type") || strings.HasPrefix(name, "time_")
		if (p.Unreadable != "") != broken || broken && !strings.HasPrefix(p.Unreadable, "the setting "+name) {
			t.Errorf("%q: a message is unreadable because of %q", c.setting, p.Unreadable)
		}
	}
	if lines := external.New().CheckSettings(message.Account{}); len(lines) != 1 || !strings.HasPrefix(lines[0], "the setting send_url is missing") {
		t.Errorf("without settings: %q", lines)
	}
}

func TestAnAnswerIsJudgedAsTheSettingsSay(t *testing.T) {
	for _, c := range []struct {
		settings, body string
		want           message.Outcome
	}{
		{"", `{"id":"x"}`, message.Outcome{Verdict: message.Sent, ExternalID: "x"}},
		{"", `{"id":12345678901234567890}`, message.Outcome{Verdict: message.Sent, ExternalID: "12345678901234567890"}},
		{"", `{"id":"None"}`, message.Outcome{Verdict: message.Ambiguous, Reason: "the answer could not be read"}},
		{"send_id=", ``, message.Outcome{Verdict: message.Sent}},
		{"send_id=message_id", `status=0&message_id=x%201`, message.Outcome{Verdict: message.Sent, ExternalID: "x 1"}},
		{"send_id=regex:id: ([0-9]+)", "OK\nid: 77\n", message.Outcome{Verdict: message.Sent, ExternalID: "77"}},
		{"send_id=regex:[0-9]+", "OK 77", message.Outcome{Verdict: message.Sent, ExternalID: "77"}},
		{"send_success=ok=true", `{"ok":true}`, message.Outcome{Verdict: message.Sent}},
		{"send_success=ok!=false", `{"ok":"yes","id":1}`, message.Outcome{Verdict: message.Sent, ExternalID: "1"}},
		{"send_success=!error", `{"id":1}`, message.Outcome{Verdict: message.Sent, ExternalID: "1"}},
		{"send_success=!error;send_reason=error", `{"error":"no credit for 22370000001","id":1}`, message.Outcome{Verdict: message.Rejected, Reason: "no credit for #"}},
		{"send_success=code=0;send_retry_when=code=7|code=8;send_reason=why", `{"code":8,"why":"busy"}`, message.Outcome{Verdict: message.Retry, Reason: "busy"}},
		{"send_success=code=0;send_retry_when=code=7", `{"code":9}`, message.Outcome{Verdict: message.Rejected, Reason: "the answer says no"}},
		{"send_success=code=0", `<html>`, message.Outcome{Verdict: message.Ambiguous, Reason: "the answer could not be read"}},
		{"send_success=regex:^(OK|Accepted);send_retry_when=regex:^Busy", "Busy now", message.Outcome{Verdict: message.Retry, Reason: "the answer says no"}},
	} {
		a := account(append(strings.FieldsFunc(c.settings, func(r rune) bool { return r == ';' }), "send_url=https://x.example/")...)
		x := external.New().For(a).(message.Sender)
		if got := x.Outcome(200, []byte(c.body), nil, true); got != c.want {
			t.Errorf("%s: %q: got %+v, want %+v", c.settings, c.body, got, c.want)
		}
	}
}

func TestEverySettingIsInTheManualAndNoOther(t *testing.T) {
	manual, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	source, err := os.ReadFile("settings.go")
	if err != nil {
		t.Fatal(err)
	}
	list, _, _ := strings.Cut(string(source), "// spec is what")
	var settings []string
	for _, m := range regexp.MustCompile(`\{"([a-z_]+)", `).FindAllStringSubmatch(list, -1) {
		settings = append(settings, m[1])
	}
	if len(settings) < 70 {
		t.Fatalf("only %d settings were found", len(settings))
	}
	var told []string
	for _, m := range regexp.MustCompile("(?m)^\\| (`[^|]*) \\|").FindAllStringSubmatch(string(manual), -1) {
		for _, n := range regexp.MustCompile("`([a-z_]+)`").FindAllStringSubmatch(m[1], -1) {
			told = append(told, n[1])
		}
	}
	for _, s := range settings {
		if !slices.Contains(told, s) {
			t.Errorf("README.md does not say what %s is", s)
		}
	}
	for _, s := range told {
		if !slices.Contains(settings, s) {
			t.Errorf("README.md tells of a setting %s that there is not", s)
		}
	}
}

func TestTheSampleIsWhole(t *testing.T) {
	if lines := external.New().CheckSettings(message.Account{Settings: settingsOf(t, "sample.toml"), Signatures: []message.Secret{message.NewSecret("k")}}); len(lines) != 0 {
		t.Errorf("%q", lines)
	}
}
