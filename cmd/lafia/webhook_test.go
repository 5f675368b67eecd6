package main

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"lafia/gateway/africastalking"
	"lafia/gateway/message"
)

func parsed(t *testing.T, kind message.Kind, in string) []string {
	t.Helper()
	var out bytes.Buffer
	now := func() time.Time { return time.Unix(1790000000, 0) }
	if err := parseWebhooks(strings.NewReader(in), &out, africastalking.New(), message.Account{}, kind, now); err != nil {
		t.Fatal(err)
	}
	return strings.Split(strings.TrimSuffix(out.String(), "\n"), "\n")
}

func TestEachLineOfRequestsGetsItsLineInOrder(t *testing.T) {
	in := `{"method":"POST","url":"https://x/webhooks/at/sms?token=t","headers":{"Content-Type":"application/x-www-form-urlencoded"},"body":"from=%2B22370000001&to=36000&text=a+%3C+b&id=1&date=2017-05-03+06%3A04%3A45","at":1790000000,"unknown":[1]}
no json
{"method":"POST","url":"/","body_base64":"ZnJvbT03MDAwMDAwMiZ0bz0xJnRleHQ96SZpZD0y"}

{"body":"from=1"}
{"body":"from=70000001&to=1&text=a&id=1","headers":{"content-type":["application/json"]}}
[]
{"body_base64":"***"}
{"url":"http://[::1"}
{"at":"soon"}
{"body":"from=70000003&to=1&text=last&id=3","headers":null}`
	want := []string{
		`{"valid":true,"reason":"","messages":[{"from":"+22370000001","to":"36000","text":"a < b","external_id":"1","session_id":"","status":"","sent_at":"2017-05-03T06:04:45Z"}]}`,
		`{"valid":false,"reason":"line 2: invalid character 'o' in literal null (expecting 'u')","messages":[]}`,
		`{"valid":true,"reason":"","messages":[{"from":"+22370000002","to":"1","text":"é","external_id":"2","session_id":"","status":"","sent_at":""}]}`,
		`{"valid":false,"reason":"line 4: empty, not a JSON object","messages":[]}`,
		`{"valid":false,"reason":"to is missing","messages":[]}`,
		`{"valid":false,"reason":"Content-Type is application/json, not application/x-www-form-urlencoded","messages":[]}`,
		`{"valid":false,"reason":"line 7: `,
		`{"valid":false,"reason":"line 8: body_base64: `,
		`{"valid":false,"reason":"line 9: url: `,
		`{"valid":false,"reason":"line 10: `,
		`{"valid":true,"reason":"","messages":[{"from":"+22370000003","to":"1","text":"last","external_id":"3","session_id":"","status":"","sent_at":""}]}`,
	}
	got := parsed(t, message.KindSMS, in)
	if len(got) != len(want) {
		t.Fatalf("%d lines, want %d:\n%s", len(got), len(want), strings.Join(got, "\n"))
	}
	for i := range want {
		if !strings.HasPrefix(got[i], want[i]) || !json.Valid([]byte(got[i])) {
			t.Errorf("line %d: got\n%s\nwant\n%s", i+1, got[i], want[i])
		}
	}
}

func TestReportsHopsAndEndsAreShownEachInItsWay(t *testing.T) {
	for _, c := range []struct {
		kind       message.Kind
		body, want string
	}{
		{message.KindStatus, "id=ATXid_1&status=Failed&phoneNumber=%2B22370000001", `{"valid":true,"reason":"","messages":[{"from":"","to":"+22370000001","text":"","external_id":"ATXid_1","session_id":"","status":"failed","sent_at":""}]}`},
		{message.KindUSSD, "sessionId=s&phoneNumber=%2B22370000001&serviceCode=*1%23&text=1*2", `{"valid":true,"reason":"","messages":[{"from":"+22370000001","to":"*1#","text":"1*2","external_id":"","session_id":"s","status":"","sent_at":""}]}`},
		{message.KindUSSD, "sessionId=s&phoneNumber=%2B22370000001&status=Incomplete&hopsCount=2", `{"valid":true,"reason":"","messages":[]}`},
		{message.KindUSSD, strings.Repeat("a", 64<<10+1), `{"valid":false,"reason":"the body is larger than 64 KiB: the webhook answers 413","messages":[]}`},
	} {
		if got := parsed(t, c.kind, `{"body":"`+c.body+`"}`+"\n"); len(got) != 1 || got[0] != c.want {
			t.Errorf("got\n%s\nwant\n%s", got, c.want)
		}
	}
}

func TestALineMayBeAMebibyteLongAndALongerOneIsSkipped(t *testing.T) {
	const begin, finish = `{"body":"from=70000001&to=1&text=a&id=1","x":"`, `"}`
	fits := begin + strings.Repeat("x", 1<<20-len(begin)-len(finish)) + finish
	got := parsed(t, message.KindSMS, fits+"\n"+begin+strings.Repeat("x", 1<<20-len(begin)-len(finish)+1)+finish+"\n"+strings.Repeat("y", 5<<20)+"\n"+`{"body":"from=70000001&to=1&text=b&id=1"}`)
	if len(got) != 4 || !strings.HasPrefix(got[0], `{"valid":true`) ||
		got[1] != `{"valid":false,"reason":"line 2: longer than 1 MiB","messages":[]}` ||
		got[2] != `{"valid":false,"reason":"line 3: longer than 1 MiB","messages":[]}` ||
		!strings.Contains(got[3], `"text":"b"`) {
		t.Errorf("got %.300s", got)
	}
}

func TestNoInputGivesNoOutput(t *testing.T) {
	if got := parsed(t, message.KindSMS, ""); len(got) != 1 || got[0] != "" {
		t.Errorf("got %q", got)
	}
}
