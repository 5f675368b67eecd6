package external_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"lafia/gateway/external"
	"lafia/gateway/message"
)

func request(method, path, contentType, body string) message.Request {
	u, err := url.ParseRequestURI("https://lafia.example/webhooks/x/" + path)
	if err != nil {
		panic(err)
	}
	return message.Request{Method: method, URL: u, Header: http.Header{"Content-Type": {contentType}}, Body: []byte(body)}
}

// parse reads one JSON body with settings "name=value" beside the defaults.
func parse(kind message.Kind, body string, pairs ...string) message.Parsed {
	return external.New().Parse(kind, request("POST", string(kind), "application/json", body), account(pairs...), now)
}

func account(pairs ...string) message.Account {
	a := message.Account{Settings: map[string]string{}}
	for _, p := range pairs {
		name, value, _ := strings.Cut(p, "=")
		a.Settings[name] = value
	}
	return a
}

func TestAFieldIsFoundWhereItsSettingSays(t *testing.T) {
	for _, c := range []struct{ setting, body, want string }{
		{"text", `{"text":"a"}`, "a"},
		{"payload.text", `{"payload":{"text":"a"}}`, "a"},
		{"payload.text", `{"payload.text":"a"}`, "a"},
		{"m.payload.text", `{"m":{"payload.text":"a"}}`, "a"},
		{"list.1.text", `{"list":[{},{"text":"a"}]}`, "a"},
		{"list.1", `{"list":["x","a"]}`, "a"},
		{"one|two", `{"two":"a"}`, "a"},
		{"one|two", `{"one":"","two":"a"}`, "a"},
		{"one|two", `{"one":null,"two":7}`, "7"},
		{"one|two", `{"one":"","two":null}`, ""},
		{"=a", `{}`, "a"},
		{"query:t", `{}`, "in the query"},
		{"header:X-Text", `{}`, "in a header"},
		{"path:1", `{}`, "s ms"},
		{"text", `{"text":true}`, "true"},
	} {
		r := request("POST", "sms/s%20ms?t=in+the+query", "application/json", `{"from":"70000001",`+strings.TrimPrefix(c.body, "{"))
		if c.body == "{}" {
			r.Body = []byte(`{"from":"70000001"}`)
		}
		r.Header.Set("X-Text", "in a header")
		p := external.New().Parse(message.KindSMS, r, account("sms_text="+c.setting), now)
		if len(p.Events) != 1 || p.Events[0].Inbound.Text != c.want {
			t.Errorf("%s in %s: %+v", c.setting, c.body, p)
		}
	}
	for setting, want := range map[string]string{"text": "text is missing", "list.7.text": "list.7.text is missing", "path:9": "path:9 is missing", "a|b": "a or b is missing"} {
		if p := parse(message.KindSMS, `{"from":"70000001","list":[],"text":{}}`, "sms_text="+setting); p.Unreadable != want {
			t.Errorf("%s: %q, want %q", setting, p.Unreadable, want)
		}
	}
}

func TestTimesAreReadInTheFormatOfTheSettings(t *testing.T) {
	want := time.Date(2026, 1, 2, 8, 4, 5, 0, time.UTC)
	for _, c := range []struct {
		format, zone, value string
		none                bool
	}{
		{"rfc3339", "", `"2026-01-02T08:04:05Z"`, false},
		{"rfc3339", "", `"2026-01-02T09:04:05.000+01:00"`, false},
		{"rfc3339", "", `"2026-01-02T09:04:05 01:00"`, false},
		{"rfc3339", "", `"2026-01-02 08:04:05"`, false},
		{"rfc3339", "+01:00", `"2026-01-02 09:04:05"`, false},
		{"unix", "", `1767341045`, false},
		{"unix", "", `"1767341045.000"`, false},
		{"unix-ms", "", `1767341045000`, false},
		{"02/01/2006 15:04:05", "-02:00", `"02/01/2026 06:04:05"`, false},
		{"20060102150405", "", `"20260102080405"`, false},
		{"rfc3339", "", `"yesterday"`, true},
		{"unix", "", `-1`, true},
		{"unix", "", `1e14`, true},
		{"unix-ms", "", `"NaN"`, true},
		{"unix", "", `"Inf"`, true},
	} {
		settings := []string{"time_format=" + c.format}
		if c.zone != "" {
			settings = append(settings, "time_zone="+c.zone)
		}
		p := parse(message.KindSMS, `{"from":"70000001","text":"a","sent_at":`+c.value+`}`, settings...)
		if len(p.Events) != 1 || p.Events[0].Inbound.SentAt.IsZero() != c.none || !c.none && !p.Events[0].Inbound.SentAt.Equal(want) {
			t.Errorf("%s %s %s: %+v", c.format, c.zone, c.value, p)
		}
	}
}

func TestOneAddressMayGetSeveralKinds(t *testing.T) {
	settings := []string{"sms_when=type=mo|type=sms", "status_when=type=dlr", "call_when=!type"}
	for body, want := range map[string]string{
		`{"type":"mo","from":"70000001","text":"a"}`:         "sms",
		`{"type":"SMS","from":"70000001","text":"a"}`:        "sms",
		`{"type":"dlr","id":"1","status":"delivered"}`:       "status",
		`{"from":"70000001"}`:                                "call",
		`{"type":"promo","from":"70000001","text":"a"}`:      "",
		`{"type":"end","session":"s","from":"+22370000001"}`: "",
	} {
		for _, kind := range []message.Kind{message.KindSMS, message.KindStatus} {
			p, got := parse(kind, body, settings...), ""
			for _, e := range p.Events {
				switch {
				case e.Receipt != nil:
					got = "status"
				case e.Inbound != nil && e.Inbound.Call:
					got = "call"
				case e.Inbound != nil:
					got = "sms"
				}
			}
			if got != want || want == "" && kind == message.KindSMS && p.Unreadable != "this is not what the setting sms_when describes, and nothing else" {
				t.Errorf("%s at %s is %q, want %q: %s", body, kind, got, want, p.Unreadable)
			}
		}
	}
	if p := parse(message.KindStatus, `{"type":"end","session":"s","from":"+22370000001"}`, settings...); len(p.Events) != 1 || p.Events[0].End == nil {
		t.Errorf("the end of a session on the status address: %+v", p)
	}
}

func TestUSSDOfHubtelsFamilyIsSettingsAlone(t *testing.T) {
	settings := []string{
		"ussd_session=SessionId", "ussd_from=Mobile", "ussd_to=ServiceCode", "ussd_text=Message", "ussd_sequence=Sequence",
		"ussd_start=Type=Initiation", "ussd_end=Type=Release|Type=Timeout", "ussd_completed=Type=Release",
		`ussd_reply={"Type":"Response","Message":"{text}","SessionId":"{session}"}`, `ussd_reply_end={"Type":"Release","Message":"{text}","SessionId":"{session}"}`,
	}
	for _, c := range []struct {
		body string
		want message.Inbound
	}{
		{`{"Mobile":"233200585542","SessionId":"s","ServiceCode":"713","Type":"Initiation","Message":"*713#"}`, message.Inbound{To: "713", Start: true}},
		{`{"Mobile":"233200585542","SessionId":"s","ServiceCode":"*713#","Type":"initiation","Message":"*713*5*2#"}`, message.Inbound{To: "*713#", Start: true, Text: "5*2"}},
		{`{"Mobile":"233200585542","SessionId":"s","ServiceCode":"713","Type":"Initiation","Message":"5*2"}`, message.Inbound{To: "713", Start: true, Text: "5*2"}},
		{`{"Mobile":"233200585542","SessionId":"s","Type":"Initiation","Message":"*713*5#"}`, message.Inbound{Start: true}},
		{`{"Mobile":"233200585542","SessionId":"s","ServiceCode":"713","Type":"Initiation"}`, message.Inbound{To: "713", Start: true}},
		{`{"Mobile":"233200585542","SessionId":"s","ServiceCode":"713","Type":"Response","Message":"*713#","Sequence":2}`, message.Inbound{To: "713", Text: "*713#", Sequence: 2}},
		{`{"Mobile":"233200585542","SessionId":"s","ServiceCode":"713","Type":"Response","Message":"a*b","Sequence":-1}`, message.Inbound{To: "713", Text: "a*b"}},
	} {
		p := parse(message.KindUSSD, c.body, settings...)
		c.want.Medium, c.want.From, c.want.SessionID = message.USSD, message.ParseNumber("+233200585542"), "s"
		if len(p.Events) != 1 || p.Events[0].Inbound == nil || *p.Events[0].Inbound != c.want {
			t.Errorf("%s: %+v", c.body, p)
		}
	}
	for kind, completed := range map[string]bool{"Release": true, "Timeout": false} {
		p := parse(message.KindUSSD, `{"Mobile":"233200585542","SessionId":"s","Type":"`+kind+`"}`, settings...)
		if len(p.Events) != 1 || p.Events[0].End == nil || p.Events[0].End.Completed != completed {
			t.Errorf("%s: %+v", kind, p)
		}
	}
	x := external.New().For(account(settings...))
	if r := x.Reply(message.Reply{SessionID: "s\"1", Text: "Dites \"oui\"\n1 <Suite> & é"}); string(r.Body) != `{"Type":"Response","Message":"Dites \"oui\"\n1 <Suite> & é","SessionId":"s\"1"}` {
		t.Errorf("%s", r.Body)
	}
	if r := x.Reply(message.Reply{SessionID: "s", Text: "Merci", End: true}); string(r.Body) != `{"Type":"Release","Message":"Merci","SessionId":"s"}` {
		t.Errorf("%s", r.Body)
	}
}

func TestACumulativeChainIsRepairedInputByInput(t *testing.T) {
	settings := account("ussd_format=form", "ussd_input=cumulative", "ussd_text=text", "ussd_separator=#")
	before := ""
	for _, raw := range []string{"", "1", "1%23", "1%23%C9t%E9", "1%23%C9t%E9%23%C3%A9"} {
		r := request("POST", "ussd", "application/x-www-form-urlencoded", "session=s&from=70000001&code=*1%23&text="+raw)
		p := external.New().Parse(message.KindUSSD, r, settings, now)
		if len(p.Events) != 1 || !p.Events[0].Inbound.Cumulative || !strings.HasPrefix(p.Events[0].Inbound.Text, before) {
			t.Fatalf("%q: %+v", raw, p)
		}
		before = p.Events[0].Inbound.Text
	}
	if before != "1*Été*é" {
		t.Errorf("got %q", before)
	}
}

func TestAPartThatIsNoneIsTakenForTheWhole(t *testing.T) {
	settings := []string{"sms_part_ref=ref", "sms_part_index=n", "sms_part_total=of"}
	for fields, want := range map[string]message.Part{
		`"ref":"r","n":2,"of":3`:   {Ref: "r", Index: 2, Total: 3},
		`"ref":"r","n":4,"of":3`:   {},
		`"ref":"r","n":0,"of":3`:   {},
		`"ref":"r","n":1,"of":1`:   {},
		`"ref":"r","n":1,"of":256`: {},
		`"n":1,"of":2`:             {},
		`"ref":"r"`:                {},
	} {
		p := parse(message.KindSMS, `{"from":"70000001","text":"a",`+fields+`}`, settings...)
		if len(p.Events) != 1 {
			t.Fatalf("%+v", p)
		}
		if got := p.Events[0].Inbound.Part; (got == nil) != (want == message.Part{}) || got != nil && *got != want {
			t.Errorf("%s: %+v", fields, got)
		}
	}
}

func TestARequestInAnotherShapeIsNotTakenApart(t *testing.T) {
	for want, r := range map[string]message.Request{
		"Content-Type is application/json, but the setting sms_format is form": request("POST", "sms", "application/json", "{}"),
		"the method is DELETE, not POST":                                       request("DELETE", "sms", "", ""),
	} {
		if p := external.New().Parse(message.KindSMS, r, account("sms_format=form"), now); p.Unreadable != want {
			t.Errorf("got %q, want %q", p.Unreadable, want)
		}
	}
	r := request("POST", "sms", "application/json", "{}")
	r.Header.Set("Content-Encoding", "gzip")
	if p := external.New().Parse(message.KindSMS, r, account(), now); p.Unreadable != "the body is encoded: Content-Encoding is gzip" {
		t.Errorf("%+v", p)
	}
	for body, want := range map[string]string{`{"results":[]}`: "results is empty", `{"results":7}`: "from is missing", `{}{}`: "the body is no JSON, but the setting sms_format is json"} {
		if p := parse(message.KindSMS, body, "sms_items=results"); p.Unreadable != want {
			t.Errorf("%s: %q, want %q", body, p.Unreadable, want)
		}
	}
}

func TestAnAcknowledgementIsThatOfItsKindOrOfAll(t *testing.T) {
	x := external.New().For(account("ack_body=OK", "ack_type=text/plain", "status_ack_status=204", "status_ack_body=", "sms_ack_body=ACK/sms"))
	for kind, want := range map[message.Kind]string{message.KindSMS: "200 text/plain ACK/sms", message.KindStatus: "204 text/plain OK", message.KindUSSD: "200 text/plain OK", message.KindCall: "200 text/plain OK"} {
		r := x.Ack(kind)
		if got := http.StatusText(r.Status); strings.TrimSpace(strings.Join([]string{map[string]string{"OK": "200", "No Content": "204"}[got], r.ContentType, string(r.Body)}, " ")) != want {
			t.Errorf("%s: %+v", kind, r)
		}
	}
	if r := external.New().Ack(message.KindSMS); r.Status != 200 || len(r.Body) != 0 {
		t.Errorf("without settings: %+v", r)
	}
}
