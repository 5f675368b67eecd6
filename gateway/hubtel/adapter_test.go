package hubtel_test

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
	"lafia/gateway/hubtel"
	"lafia/gateway/message"
)

var update = flag.Bool("update", false, "write the golden files")

func options() gatewaytest.Options { return gatewaytest.Options{Update: *update} }

func TestTheSuitePasses(t *testing.T) {
	gatewaytest.Run(t, hubtel.New(), "testdata", options())
}

func FuzzParse(f *testing.F) {
	gatewaytest.Fuzz(f, hubtel.New(), "testdata", options())
}

func post(kind message.Kind, body string) message.Parsed {
	r := message.Request{Method: http.MethodPost, URL: &url.URL{Path: "/"}, Header: http.Header{}, Body: []byte(body)}
	return hubtel.New().Parse(kind, r, message.Account{}, time.Time{})
}

func TestHubtelSendsNothing(t *testing.T) {
	var a message.Adapter = hubtel.New()
	if _, sends := a.(message.Sender); sends {
		t.Error("the adapter sends, and nothing documents how")
	}
}

func TestEveryTypeIsReadInAnyCase(t *testing.T) {
	for given, want := range map[string]string{
		"Initiation": "start", "initiation": "start", "INITIATION": "start",
		"Response": "hop", "response": "hop", "Release": "end", "release": "end", "Timeout": "end", "TimeOut": "end",
	} {
		p := post(message.KindUSSD, `{"Type":"`+given+`","Mobile":"22370000001","SessionId":"s","Message":"1"}`)
		if len(p.Events) != 1 || p.Unreadable != "" {
			t.Fatalf("%s: %+v", given, p)
		}
		got := "end"
		if in := p.Events[0].Inbound; in != nil && in.Start {
			got = "start"
		} else if in != nil {
			got = "hop"
		}
		if got != want || got == "end" && p.Events[0].End.Completed {
			t.Errorf("%s is read as %s", given, got)
		}
	}
}

func TestATypeNobodyKnowsIsAnEndAndIsKept(t *testing.T) {
	p := post(message.KindUSSD, `{"Type":"Teleport","Mobile":"22370000001","SessionId":"s"}`)
	if len(p.Events) != 1 || p.Events[0].End == nil || p.Unreadable != "Type is Teleport, not Initiation, Response, Release or Timeout" {
		t.Errorf("%+v", p)
	}
}

func TestASequenceIsANumberHoweverItIsWritten(t *testing.T) {
	for given, want := range map[string]int{"3": 3, `"3"`: 3, "null": 0, `""`: 0, "-1": 0, "3.5": 0, `"x"`: 0, "{}": 0, "true": 0} {
		p := post(message.KindUSSD, `{"Type":"Response","Mobile":"22370000001","SessionId":"s","Message":"1","Sequence":`+given+`}`)
		if len(p.Events) != 1 || p.Events[0].Inbound.Sequence != want {
			t.Errorf("%s: %+v", given, p)
		}
	}
}

func TestWhatIsMissingIsNamed(t *testing.T) {
	for body, want := range map[string]string{
		`{"Mobile":"22370000001","SessionId":"s","Message":"1"}`:                           "Type is missing",
		`{"Type":"Response","SessionId":"s","Message":"1"}`:                                "Mobile is missing",
		`{"Type":"Response","Mobile":"()","SessionId":"s","Message":"1"}`:                  "Mobile is no number",
		`{"Type":"Response","Mobile":"22370000001","Message":"1"}`:                         "SessionId is missing",
		`{"Type":"Response","Mobile":"22370000001","SessionId":"s"}`:                       "Message is missing",
		`{"Type":"Response","Mobile":"22370000001","SessionId":"s","Message":null}`:        "Message is missing",
		`{"Type":"Timeout","Mobile":"22370000001"}`:                                        "SessionId is missing",
		`{"Type":"Teleport","Mobile":"22370000001"}`:                                       "SessionId is missing",
		`{"Type":"Response","SessionId":"` + strings.Repeat("x", 201) + `","Message":"1"}`: "Mobile is missing",
		`[]`:          "the body is JSON of another shape",
		`Mobile=2237`: "the body is no JSON",
		``:            "the body is empty",
	} {
		if p := post(message.KindUSSD, body); p.Unreadable != want || len(p.Events) != 0 {
			t.Errorf("%s: %+v, want %q", body, p, want)
		}
	}
	if p := post(message.KindUSSD, `{"Type":"Initiation","Mobile":"22370000001","SessionId":"s"}`); len(p.Events) != 1 || p.Unreadable != "" {
		t.Errorf("an initiation without words: %+v", p) // the app and the web begin so
	}
	if p := post(message.KindStatus, `{}`); p.Unreadable != "there is no webhook of this kind" {
		t.Errorf("%+v", p)
	}
	r := message.Request{Method: http.MethodGet, URL: &url.URL{}, Header: http.Header{}}
	if p := hubtel.New().Parse(message.KindUSSD, r, message.Account{}, time.Time{}); p.Unreadable != "the method is GET, not POST" {
		t.Errorf("%+v", p)
	}
}

func TestAScreenHoldsWhatBothShapesWant(t *testing.T) {
	a := hubtel.New()
	for _, c := range []struct {
		got  message.Response
		want string
	}{
		{a.Reply(message.Reply{SessionID: "s", Text: "Projet <1>\n1 Été & eau"}), `{"SessionId":"s","Type":"Response","Message":"Projet <1>\n1 Été & eau","Label":"Projet <1>","DataType":"input","FieldType":"text"}`},
		{a.Reply(message.Reply{SessionID: "s", Text: "Merci", End: true}), `{"SessionId":"s","Type":"Release","Message":"Merci","Label":"Merci","DataType":"display","FieldType":"text"}`},
		{a.Reply(message.Reply{Text: "Erreur", End: true}), `{"Type":"Release","Message":"Erreur","Label":"Erreur","DataType":"display","FieldType":"text"}`},
		{a.Ack(message.KindUSSD), `{"Type":"Release","Message":"","Label":"","DataType":"display","FieldType":"text"}`},
	} {
		if string(c.got.Body) != c.want || c.got.Status != 200 || !strings.HasPrefix(c.got.ContentType, "application/json") || !json.Valid(c.got.Body) {
			t.Errorf("%d %s %s, want %s", c.got.Status, c.got.ContentType, c.got.Body, c.want)
		}
	}
}

func TestTheSampleIsThatOfAChannelWithoutAnAccount(t *testing.T) {
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
	if err := toml.Unmarshal(b, &sample); err != nil || len(sample.Channel) != 1 || sample.Channel[0].Adapter != "hubtel" ||
		sample.Channel[0].Account != nil || sample.Channel[0].Signatures != nil {
		t.Fatalf("%v %v", err, sample)
	}
}
