package jasmin_test

import (
	"encoding/hex"
	"flag"
	"net/http"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/pelletier/go-toml/v2"

	"lafia/gateway/gatewaytest"
	"lafia/gateway/jasmin"
	"lafia/gateway/message"
)

var update = flag.Bool("update", false, "write the golden files")

func settings() map[string]string {
	return map[string]string{
		"username": "lafia", "password": "p&w", "from": "36000",
		"status_url": "https://lafia.example/webhooks/jasmin/status?token=t",
	}
}

func options() gatewaytest.Options {
	return gatewaytest.Options{Account: message.Account{Settings: settings()}, StatusField: "message_status", Update: *update}
}

func TestTheSuitePasses(t *testing.T) {
	gatewaytest.Run(t, jasmin.New(), "testdata", options())
}

func FuzzParse(f *testing.F) {
	gatewaytest.Fuzz(f, jasmin.New(), "testdata", options())
}

func post(kind message.Kind, body string, coding0 string) message.Parsed {
	r := message.Request{Method: http.MethodPost, URL: &url.URL{RawQuery: "our_id=ours"}, Header: http.Header{}, Body: []byte(body)}
	return jasmin.New().Parse(kind, r, message.Account{Settings: map[string]string{"coding0": coding0}}, time.Time{})
}

func TestTheAcknowledgementIsTheWordThatJasminWaitsFor(t *testing.T) {
	for _, kind := range []message.Kind{message.KindSMS, message.KindStatus} {
		if r := jasmin.New().Ack(kind); r.Status != 200 || string(r.Body) != "ACK/Jasmin" {
			t.Errorf("%s: %d %q", kind, r.Status, r.Body)
		}
	}
}

func TestBytesAreReadInTheirCoding(t *testing.T) {
	for _, c := range []struct{ coding, coding0, bytes, want string }{
		{"0", "", "\x05\x00\x1b\x65", "é@€"},
		{"", "", "\x05", "é"},
		{"0", "ISO-8859-1", "\xe9@", "é@"},
		{"0", "UTF-8", "\xc3\xa9", "é"},
		{"0", "", "\xe9t\xe9", "été"}, // no septets: Latin-1
		{"0", "", "\xc3\xa9", "é"},    // no septets: UTF-8
		{"1", "", "oui @", "oui @"},
		{"3", "", "\xe9\x00", "é"},
		{"8", "", "\x02\x5b\xd8\x3d\xde\x42", "ɛ🙂"},
		{"8", "", "\x02\x5b\x00", "ɛ\uFFFD"},
	} {
		p := post(message.KindSMS, "id=1&from=22370000001&to=36000&coding="+c.coding+"&binary="+hex.EncodeToString([]byte(c.bytes)), c.coding0)
		if len(p.Events) != 1 || p.Events[0].Inbound.Text != c.want {
			t.Errorf("coding %q (%s) of %q: %s %+v, want %q", c.coding, c.coding0, c.bytes, p.Unreadable, p.Events, c.want)
		}
	}
}

func TestBinaryIsReadAndContentOnlyWhereThereIsNone(t *testing.T) {
	for body, want := range map[string]string{"content=%3F&binary=00": "@", "content=%00": "@", "content=a&binary=": "a", "content=": "", "binary=": ""} {
		p := post(message.KindSMS, "id=1&from=22370000001&to=36000&"+body, "")
		if len(p.Events) != 1 || p.Events[0].Inbound.Text != want {
			t.Errorf("%s: %q %+v, want %q", body, p.Unreadable, p.Events, want)
		}
	}
}

func TestWhatIsMissingIsNamed(t *testing.T) {
	for _, c := range []struct {
		kind            message.Kind
		body, set, want string
	}{
		{message.KindSMS, "to=36000&binary=61&id=1", "", "from is missing"},
		{message.KindSMS, "from=22370000001&binary=61&id=1", "", "to is missing"},
		{message.KindSMS, "from=22370000001&to=36000&id=1", "", "binary is missing"},
		{message.KindSMS, "from=22370000001&to=36000&id=1&binary=6", "", "binary is not hexadecimal"},
		{message.KindSMS, "from=22370000001&to=36000&id=1&binary=61&coding=4", "", "the coding 4 is not one of 0, 1, 3, 8"},
		{message.KindSMS, "from=22370000001&to=36000&id=1&binary=61", "X", "the setting coding0 names a character set that is not known"},
		{message.KindStatus, "id=1&dlvrd=1", "", "message_status is missing"},
		{message.KindStatus, "message_status=DELIVRD", "", "id is missing"},
		{message.KindUSSD, "", "", "there is no webhook of this kind"},
	} {
		if p := post(c.kind, c.body, c.set); p.Unreadable != c.want || len(p.Events) != 0 {
			t.Errorf("%s: %q, want %q", c.body, p.Unreadable, c.want)
		}
	}
}

func TestEveryStateHasItsMeaning(t *testing.T) {
	for word, want := range map[string]message.Status{
		"ESME_ROK": message.StatusSent, "ACCEPTD": message.StatusSent, "ENROUTE": message.StatusSent, "delivrd": message.StatusDelivered,
		"UNDELIV": message.StatusFailed, "REJECTD": message.StatusFailed, "DELETED": message.StatusFailed, "ESME_RTHROTTLED": message.StatusFailed,
		"EXPIRED": message.StatusExpired, "UNKNOWN": message.StatusUnknown, "SKIPPED": message.StatusUnknown,
	} {
		p := post(message.KindStatus, "id=1&err=1&dlvrd=1&message_status="+word, "")
		if len(p.Events) != 1 || p.Events[0].Receipt.Status != want || p.Events[0].Receipt.OurID != "ours" || p.Events[0].Receipt.ExternalID != "1" {
			t.Errorf("%s is not %s", word, want)
		}
	}
}

func TestASendIsAFormInTheCodingOfItsText(t *testing.T) {
	m := message.Outbound{ID: "0190a1b2-0000-7000-8000-000000000001", To: message.ParseNumber("+22370000001"), Text: "été + 50 % €"}
	r, err := jasmin.New().Request(m, message.Account{Settings: settings()})
	if err != nil {
		t.Fatal(err)
	}
	form, err := url.ParseQuery(string(r.Body))
	want := url.Values{
		"username": {"lafia"}, "password": {"p&w"}, "from": {"36000"}, "to": {"22370000001"}, "content": {"été + 50 % €"}, "coding": {"0"},
		"dlr": {"yes"}, "dlr-level": {"3"}, "dlr-method": {"POST"},
		"dlr-url": {"https://lafia.example/webhooks/jasmin/status?token=t&our_id=0190a1b2-0000-7000-8000-000000000001"},
	}
	if err != nil || form.Encode() != want.Encode() || r.URL != "http://127.0.0.1:1401/send" || r.Method != "POST" {
		t.Errorf("got %v, want %v", form, want)
	}
	m.Text = "ɛ 🙂"
	r, _ = jasmin.New().Request(m, message.Account{Settings: map[string]string{"username": "u", "password": "p", "endpoint": "https://jasmin.example/send"}})
	form, _ = url.ParseQuery(string(r.Body))
	b, _ := hex.DecodeString(form.Get("hex-content"))
	if form.Get("coding") != "8" || message.DecodeUTF16BE(b) != m.Text || form.Has("content") || form.Get("dlr") != "no" || form.Has("dlr-url") || form.Has("from") || r.URL != "https://jasmin.example/send" {
		t.Errorf("%v", form)
	}
}

func TestASettingThatCannotBeIsNamed(t *testing.T) {
	m := message.Outbound{To: message.ParseNumber("+22370000001"), Text: "a"}
	for name, c := range map[string]struct{ key, value, err, line string }{
		"right":             {"from", "36000", "", ""},
		"no user":           {"username", "", "the setting username is missing", "username"},
		"no password":       {"password", "", "the setting password is missing", "password"},
		"a long password":   {"password", strings.Repeat("x", 17), "the setting password is longer than the 16 characters that Jasmin takes", "16 characters"},
		"sixteen are fine":  {"password", strings.Repeat("x", 16), "", ""},
		"no address":        {"endpoint", "jasmin:1401", "the setting endpoint is no http or https address", "endpoint"},
		"no receipts":       {"status_url", "", "", "no receipts come"},
		"receipts refused":  {"status_url", "https://lafia.example/webhooks/jasmin/status", "", "no ?token="},
		"receipts nowhere":  {"status_url", "lafia", "", "status_url is no http"},
		"an unknown coding": {"coding0", "X", "", "coding0"},
		"a known coding":    {"coding0", "ISO-8859-1", "", ""},
	} {
		s := settings()
		s[c.key] = c.value
		a := message.Account{Settings: s}
		if _, err := jasmin.New().Request(m, a); (err == nil) != (c.err == "") || err != nil && err.Error() != c.err {
			t.Errorf("%s: %v", name, err)
		}
		lines := strings.Join(jasmin.New().CheckSettings(a), "\n")
		if (lines == "") != (c.line == "") || !strings.Contains(lines, c.line) {
			t.Errorf("%s: %q, want %q", name, lines, c.line)
		}
	}
	if !strings.Contains(strings.Join(jasmin.New().Advice(), "\n"), "max_retries") {
		t.Error("no advice on max_retries")
	}
}

func TestTheSampleHoldsTheSettingsOfASend(t *testing.T) {
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
	if err := toml.Unmarshal(b, &sample); err != nil || len(sample.Channel) != 1 || sample.Channel[0].Adapter != "jasmin" {
		t.Fatalf("%v %v", err, sample)
	}
	a := message.Account{Settings: sample.Channel[0].Account}
	if lines := jasmin.New().CheckSettings(a); len(lines) != 0 {
		t.Error(lines)
	}
	if _, err := jasmin.New().Request(message.Outbound{To: message.ParseNumber("+22370000001"), Text: "a"}, a); err != nil {
		t.Error(err)
	}
}
