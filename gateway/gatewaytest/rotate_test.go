package gatewaytest_test

import (
	"context"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"lafia/gateway"
	"lafia/gateway/message"
)

// nobody is a Handler that takes everything and counts messages.
type nobody struct{ messages int }

func (*nobody) Hop(context.Context, string, message.Inbound) (message.Reply, error) {
	return message.Reply{Text: "x"}, nil
}
func (n *nobody) Receive(context.Context, string, message.Inbound) error               { n.messages++; return nil }
func (*nobody) Receipt(context.Context, string, message.Receipt) error                 { return nil }
func (*nobody) End(context.Context, string, message.SessionEnd) error                  { return nil }
func (*nobody) Alive(context.Context, string) error                                    { return nil }
func (*nobody) Unreadable(context.Context, string, message.Kind, []byte, string) error { return nil }

func secrets(s ...string) (out []message.Secret) {
	for _, v := range s {
		out = append(out, message.NewSecret(v))
	}
	return out
}

func TestTokensAndSignaturesChangeWithoutAGap(t *testing.T) {
	const body = `{"results":[{"from":"+22370000001","to":"36000","text":"un","id":"1"}]}`
	for _, step := range []struct {
		what               string
		tokens, signatures []message.Secret
		old, new, mixed    bool // whether what the old and the new secrets sent comes through
	}{
		{"before", secrets("old-token"), secrets("old"), true, false, false},
		{"while both live", secrets("old-token", "new-token"), secrets("old", "new"), true, true, true},
		{"the other way round", secrets("new-token", "old-token"), secrets("new", "old"), true, true, true},
		{"after", secrets("new-token"), secrets("new"), false, true, false},
		{"with an empty one beside it", secrets("new-token", ""), secrets("", "new"), false, true, false},
	} {
		h := &nobody{}
		app := gateway.NewApp(gateway.AppOptions{})
		gateway.New(gateway.Options{
			Channels: []gateway.Channel{{Name: "m", Adapter: made{}, Account: message.Account{Signatures: step.signatures}, Tokens: step.tokens}},
			Handler:  h, Now: func() time.Time { return start },
		}).Mount(app)
		for _, c := range []struct {
			token, signature string
			through          bool
		}{
			{"old-token", "old", step.old}, {"new-token", "new", step.new}, {"new-token", "old", step.mixed}, {"old-token", "new", step.mixed},
			{"old-token", "", false}, {"new-token", "", false}, {"", "new", false}, {"new-token", "other", false},
		} {
			q := httptest.NewRequest("POST", "/webhooks/m/sms?token="+c.token, strings.NewReader(body))
			q.Header.Set("Content-Type", "application/json")
			r := message.Request{URL: q.URL, Header: q.Header, Body: []byte(body)}
			signed(&r, c.signature, start)
			before := h.messages
			res, err := app.Test(q, -1)
			if err != nil {
				t.Fatal(err)
			}
			res.Body.Close()
			through := res.StatusCode == 204 && h.messages == before+1
			if through != c.through || !through && (res.StatusCode != 401 || h.messages != before) {
				t.Errorf("%s, token %q, signed with %q: %d, %d messages", step.what, c.token, c.signature, res.StatusCode, h.messages-before)
			}
		}
	}
}
