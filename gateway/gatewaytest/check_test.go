package gatewaytest

import (
	"testing"
	"time"

	"lafia/gateway/message"
)

// catcher notes that a check failed.
type catcher struct {
	testing.TB
	failed bool
}

func (c *catcher) Helper()               {}
func (c *catcher) Errorf(string, ...any) { c.failed = true }

func TestWhatBreaksTheContractIsFound(t *testing.T) {
	from := message.ParseNumber("+22370000001")
	in := func(change func(*message.Inbound)) message.Parsed {
		v := message.Inbound{Medium: message.SMS, From: from, Text: "a", ExternalID: "1"}
		change(&v)
		return message.Parsed{Events: []message.Event{{Inbound: &v}}}
	}
	report := func(change func(*message.Receipt)) message.Parsed {
		v := message.Receipt{ExternalID: "1", Status: message.StatusSent}
		change(&v)
		return message.Parsed{Events: []message.Event{{Receipt: &v}}}
	}
	part := func(index, total int) message.Parsed {
		return in(func(v *message.Inbound) { v.Part = &message.Part{Ref: "r", Index: index, Total: total} })
	}
	for what, c := range map[string]struct {
		p    message.Parsed
		kind message.Kind
		ok   bool
	}{
		"a message":                     {in(func(*message.Inbound) {}), message.KindSMS, true},
		"a message without a sender":    {in(func(v *message.Inbound) { v.From = message.Number{} }), message.KindSMS, false},
		"a local time":                  {in(func(v *message.Inbound) { v.SentAt = time.Unix(1, 0).In(time.FixedZone("x", 60)) }), message.KindSMS, false},
		"broken text":                   {in(func(v *message.Inbound) { v.Text = "\xff" }), message.KindSMS, false},
		"a broken identity":             {in(func(v *message.Inbound) { v.Identity = "\x00" }), message.KindSMS, false},
		"a part":                        {part(2, 3), message.KindSMS, true},
		"part 0":                        {part(0, 3), message.KindSMS, false},
		"a part behind the last":        {part(4, 3), message.KindSMS, false},
		"a part of one":                 {part(1, 1), message.KindSMS, false},
		"a part of 256":                 {part(1, 256), message.KindSMS, false},
		"a call":                        {in(func(v *message.Inbound) { v.Call, v.Text = true, "" }), message.KindCall, true},
		"a call with text":              {in(func(v *message.Inbound) { v.Call = true }), message.KindCall, false},
		"a text on the webhook of call": {in(func(*message.Inbound) {}), message.KindCall, false},
		"a report":                      {report(func(*message.Receipt) {}), message.KindStatus, true},
		"a report of nothing":           {report(func(v *message.Receipt) { v.ExternalID = "" }), message.KindStatus, false},
		"a report of a part":            {report(func(v *message.Receipt) { v.Part, v.Parts = 2, 2 }), message.KindStatus, true},
		"a report of part 3 of 2":       {report(func(v *message.Receipt) { v.Part, v.Parts = 3, 2 }), message.KindStatus, false},
		"a part twice named":            {report(func(v *message.Receipt) { v.Part, v.PartID = 1, "x" }), message.KindStatus, false},
		"a word for a state":            {report(func(v *message.Receipt) { v.Status = "gone" }), message.KindStatus, false},
		"a reason with a number":        {report(func(v *message.Receipt) { v.Reason = "to 22370000001" }), message.KindStatus, false},
		"a sign of life":                {message.Parsed{Alive: true}, message.KindSMS, true},
		"a sign of life with more":      {message.Parsed{Alive: true, Unreadable: "x"}, message.KindSMS, false},
		"nothing":                       {message.Parsed{}, message.KindSMS, true},
		"an empty event":                {message.Parsed{Events: []message.Event{{}}}, message.KindSMS, false},
		"two lines of a reason":         {message.Parsed{Unreadable: "a\nb"}, message.KindSMS, false},
		"refused where nothing signs":   {message.Parsed{Refused: "x"}, message.KindSMS, false},
	} {
		k := &catcher{TB: t}
		checkParsed(k, what, c.kind, c.p, Options{})
		if k.failed == c.ok {
			t.Errorf("%s: found fault with: %v", what, k.failed)
		}
	}
	for what, c := range map[string]struct {
		o  message.Outcome
		ok bool
	}{
		"sent":                         {message.Outcome{Verdict: message.Sent, ExternalID: "1", Parts: 2}, true},
		"no verdict":                   {message.Outcome{}, false},
		"tried again, with an id":      {message.Outcome{Verdict: message.Retry, ExternalID: "1"}, false},
		"a reason with a number":       {message.Outcome{Verdict: message.Rejected, Reason: "22370000001"}, false},
		"a reason of two lines":        {message.Outcome{Verdict: message.Rejected, Reason: "a\nb"}, false},
		"more parts than there can be": {message.Outcome{Verdict: message.Sent, Parts: 300}, false},
	} {
		k := &catcher{TB: t}
		checkOutcome(k, what, c.o)
		if k.failed == c.ok {
			t.Errorf("%s: found fault with: %v", what, k.failed)
		}
	}
}

func TestWhereARequestHasItsFields(t *testing.T) {
	for _, c := range []struct {
		head, body string
		want       carries
	}{
		{"GET /webhooks/x/sms?a=1 HTTP/1.1\n", "", carriesQuery},
		{"POST /webhooks/x/sms HTTP/1.1\nContent-Type: application/x-www-form-urlencoded\n", "a=1", carriesForm},
		{"POST /webhooks/x/sms HTTP/1.1\n", "a=1", carriesForm},
		{"POST /webhooks/x/sms HTTP/1.1\nContent-Type: application/json\n", "{}", carriesJSON},
		{"POST /webhooks/x/sms?a=1 HTTP/1.1\nContent-Type: text/plain; charset=UTF-8\n", "mots", carriesQuery},
		{"PUT /webhooks/x/ussd/session/1/end HTTP/1.1\nContent-Type: application/json\n", `{"a":1}`, carriesJSON},
	} {
		s, err := readSample([]byte("# source: made\n" + c.head + "\n" + c.body + "\n"))
		if err != nil {
			t.Fatal(err)
		}
		if got := carrier(s.request); got != c.want {
			t.Errorf("%q: %s, want %s", c.head, got, c.want)
		}
	}
	for _, bad := range []string{"POST /webhooks/x/sms HTTP/1.1\n\n", "# source: x\nPOST /sms HTTP/1.1\n\n", "# source: x\nPOST\n\n"} {
		if _, err := readSample([]byte(bad)); err == nil {
			t.Errorf("%q is read as a sample", bad)
		}
	}
}
