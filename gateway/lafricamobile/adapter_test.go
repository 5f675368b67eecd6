package lafricamobile_test

import (
	"encoding/json"
	"flag"
	"net/http"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/pelletier/go-toml/v2"

	"lafia/gateway/gatewaytest"
	"lafia/gateway/lafricamobile"
	"lafia/gateway/message"
)

var update = flag.Bool("update", false, "write the golden files")

func settings() map[string]string {
	return map[string]string{
		"accountid": "LAFIA_01", "password": `p"<&w`, "sender": "Lafia",
		"status_url": "https://lafia.example/webhooks/lafricamobile/status?token=t",
	}
}

func options() gatewaytest.Options {
	return gatewaytest.Options{Account: message.Account{Settings: settings()}, StatusField: "status", Update: *update}
}

func TestTheSuitePasses(t *testing.T) {
	gatewaytest.Run(t, lafricamobile.New(), "testdata", options())
}

func FuzzParse(f *testing.F) {
	gatewaytest.Fuzz(f, lafricamobile.New(), "testdata", options())
}

func get(kind message.Kind, query string, settings map[string]string) message.Parsed {
	r := message.Request{Method: http.MethodGet, URL: &url.URL{RawQuery: query}, Header: http.Header{}}
	return lafricamobile.New().Parse(kind, r, message.Account{Settings: settings}, time.Time{})
}

func TestEveryStateHasItsMeaningByNameAndByNumber(t *testing.T) {
	for word, want := range map[string]message.Status{
		"SENT": message.StatusSent, "4": message.StatusSent, "RECEIVED": message.StatusDelivered, "6": message.StatusDelivered, "received": message.StatusDelivered,
		"ERROR_EXPIRED": message.StatusExpired, "12": message.StatusExpired,
		"ERROR": message.StatusFailed, "2": message.StatusFailed, "ERROR_NPAI": message.StatusFailed, "11": message.StatusFailed,
		"ERROR_INVOP": message.StatusFailed, "13": message.StatusFailed, "ERROR_NETWORK": message.StatusFailed, "14": message.StatusFailed,
		"ERROR_CREDIT": message.StatusFailed, "15": message.StatusFailed, "ERROR_UNKNOWN": message.StatusFailed, "16": message.StatusFailed,
		"5": message.StatusUnknown, "ERROR_NEW": message.StatusUnknown,
	} {
		p := get(message.KindStatus, "push_id=1&ret_id=ours&to=%2B22370000001&status="+word, nil)
		if len(p.Events) != 1 {
			t.Fatal(p.Unreadable)
		}
		if r := p.Events[0].Receipt; r.Status != want || r.OurID != "ours" || r.ExternalID != "ours" || r.To.Reveal() != "+22370000001" {
			t.Errorf("%s: %+v, want %s", word, r, want)
		}
	}
}

func TestAReceiptHoldsNothingOfTheMessage(t *testing.T) {
	p := get(message.KindStatus, "push_id=1&ret_id=ours&status=2&text=PROTECTION", nil)
	if b, _ := json.Marshal(p); strings.Contains(string(b), "PROTECTION") {
		t.Errorf("%s", b)
	}
}

func TestTheContractNamesTheFieldsOfAMessage(t *testing.T) {
	names := map[string]string{"mo_from": "msisdn", "mo_to": "short", "mo_text": "sms", "mo_id": "mo_id"}
	p := get(message.KindSMS, "msisdn=22370000001&short=36000&sms=%C3%A7a+va&mo_id=7", names)
	if len(p.Events) != 1 {
		t.Fatal(p.Unreadable)
	}
	if in := p.Events[0].Inbound; in.From.Reveal() != "+22370000001" || in.To != "36000" || in.Text != "ça va" || in.ExternalID != "7" {
		t.Errorf("%+v", in)
	}
	if p := get(message.KindSMS, "from=22370000001&text=a", names); p.Unreadable != "msisdn is missing" {
		t.Error(p.Unreadable)
	}
}

func TestWhatIsMissingIsNamed(t *testing.T) {
	for _, c := range []struct {
		kind        message.Kind
		query, want string
	}{
		{message.KindSMS, "text=a", "from is missing"},
		{message.KindSMS, "from=22370000001", "text is missing"},
		{message.KindStatus, "ret_id=1", "status is missing"},
		{message.KindStatus, "status=4", "ret_id and push_id are missing"},
		{message.KindUSSD, "", "there is no webhook of this kind"},
	} {
		if p := get(c.kind, c.query, nil); p.Unreadable != c.want || len(p.Events) != 0 {
			t.Errorf("%s: %q, want %q", c.query, p.Unreadable, c.want)
		}
	}
}

func TestASendIsJSONThatNamesOurIdTwice(t *testing.T) {
	m := message.Outbound{ID: "0190a1b2-0000-7000-8000-000000000001", From: "36000", To: message.ParseNumber("+22370000001"), Text: "ɛ \"é\" <&>"}
	r, err := lafricamobile.New().Request(m, message.Account{Settings: settings()})
	if err != nil {
		t.Fatal(err)
	}
	var got map[string]any
	if err := json.Unmarshal(r.Body, &got); err != nil {
		t.Fatal(err)
	}
	want := map[string]any{
		"accountid": "LAFIA_01", "password": `p"<&w`, "sender": "Lafia", "ret_id": m.ID, "priority": "2", "text": m.Text,
		"ret_url": "https://lafia.example/webhooks/lafricamobile/status?token=t", "to": []any{map[string]any{m.ID: "+22370000001"}},
	}
	g, _ := json.Marshal(got)
	w, _ := json.Marshal(want)
	if string(g) != string(w) || r.URL != "https://lamsms.lafricamobile.com/api" || r.Method != "POST" || r.Header.Get("Content-Type") != "application/json" {
		t.Errorf("got %s, want %s", g, w)
	}
	m.From = "Paix"
	r, _ = lafricamobile.New().Request(m, message.Account{Settings: settings()})
	if !strings.Contains(string(r.Body), `"sender":"Paix"`) {
		t.Errorf("%s", r.Body)
	}
}

func TestEveryAnswerOfASendHasItsVerdict(t *testing.T) {
	for body, want := range map[string]message.Outcome{
		"12345666":                            {Verdict: message.Sent, ExternalID: "12345666"},
		" 7\r\n":                              {Verdict: message.Sent, ExternalID: "7"},
		"6a3cf950c7c60":                       {Verdict: message.Sent, ExternalID: "6a3cf950c7c60"},
		"0":                                   {Verdict: message.Ambiguous, Reason: "the answer could not be read"},
		"bad":                                 {Verdict: message.Ambiguous, Reason: "the answer could not be read"},
		"-1":                                  {Verdict: message.Rejected, Reason: "-1"},
		"OK":                                  {Verdict: message.Ambiguous, Reason: "the answer could not be read"},
		"Bad password":                        {Verdict: message.Retry, Reason: "Bad password"},
		"Invalid sender":                      {Verdict: message.Rejected, Reason: "Invalid sender"},
		`{"push_id":"9"}`:                     {Verdict: message.Sent, ExternalID: "9"},
		`{"error":"invalid number","id":"9"}`: {Verdict: message.Rejected, Reason: `{"error":"invalid number","id":"9"}`},
		`{"success":false,"message":"Crédit: credit 0"}`: {Verdict: message.Retry, Reason: `{"success":false,"message":"Crédit: credit 0"}`},
	} {
		if got := lafricamobile.New().Outcome(200, []byte(body), nil, true); got != want {
			t.Errorf("%q: %+v, want %+v", body, got, want)
		}
	}
}

func TestASettingThatCannotBeIsNamed(t *testing.T) {
	m := message.Outbound{ID: "1", To: message.ParseNumber("+22370000001"), Text: "a"}
	for name, c := range map[string]struct{ key, value, err, line string }{
		"right":            {"sender", "Lafia Paix1", "", ""},
		"no account":       {"accountid", "", "the setting accountid is missing", "accountid"},
		"no password":      {"password", "", "the setting password is missing", "password"},
		"no sender":        {"sender", "", "the setting sender is missing: LAM wants a declared name", "sender"},
		"a short code":     {"sender", "36000", "the setting sender begins with a digit or is longer than 11 characters", "sender"},
		"a long sender":    {"sender", "Lafia Paix 12", "the setting sender begins with a digit or is longer than 11 characters", "sender"},
		"no address":       {"endpoint", "x", "the setting endpoint is no http or https address", "endpoint"},
		"no TLS":           {"endpoint", "http://lamsms.example/api", "", "no TLS"},
		"no receipts":      {"status_url", "", "", "no receipts come"},
		"receipts nowhere": {"status_url", "x", "", "status_url is no http"},
		"receipts refused": {"status_url", "https://lafia.example/x", "", "no ?token="},
	} {
		s := settings()
		s[c.key] = c.value
		a := message.Account{Settings: s}
		if _, err := lafricamobile.New().Request(m, a); (err == nil) != (c.err == "") || err != nil && err.Error() != c.err {
			t.Errorf("%s: %v", name, err)
		}
		lines := strings.Join(lafricamobile.New().CheckSettings(a), "\n")
		if (lines == "") != (c.line == "") || !strings.Contains(lines, c.line) {
			t.Errorf("%s: %q, want %q", name, lines, c.line)
		}
	}
	if len(lafricamobile.New().Advice()) == 0 {
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
			Adapter string
			Account map[string]string
		}
	}
	if err := toml.Unmarshal(b, &sample); err != nil || len(sample.Channel) != 1 || sample.Channel[0].Adapter != "lafricamobile" {
		t.Fatalf("%v %v", err, sample)
	}
	a := message.Account{Settings: sample.Channel[0].Account}
	if lines := lafricamobile.New().CheckSettings(a); len(lines) != 0 {
		t.Error(lines)
	}
	if _, err := lafricamobile.New().Request(message.Outbound{ID: "1", To: message.ParseNumber("+22370000001"), Text: "a"}, a); err != nil {
		t.Error(err)
	}
}
