package gatewaytest_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"flag"
	"testing"
	"time"

	"lafia/gateway/gatewaytest"
	"lafia/gateway/message"
)

var update = flag.Bool("update", false, "write the golden files")

// made is an aggregator of nobody's that signs JSON, so that the suite's checks
// of signatures and JSON run too.
type made struct{}

func (made) Name() string { return "made" }

func sign(secret string, body []byte) string {
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write(body)
	return hex.EncodeToString(mac.Sum(nil))
}

func (made) Parse(kind message.Kind, r message.Request, a message.Account, _ time.Time) message.Parsed {
	ok := false
	for _, s := range a.Signatures {
		ok = ok || !s.IsZero() && hmac.Equal([]byte(r.Header.Get("X-Signature")), []byte(sign(s.Reveal(), r.Body)))
	}
	if !ok {
		return message.Parsed{Refused: "X-Signature is wrong"}
	}
	var in struct {
		From, To, Text, ID string
		Payload            struct{ State string }
	}
	if err := json.Unmarshal(r.Body, &in); err != nil {
		return message.Parsed{Unreadable: "no JSON"}
	}
	from, id := message.ParseNumber(message.RepairText(in.From)), message.RepairText(in.ID)
	switch {
	case id == "":
		return message.Parsed{Unreadable: "id is missing"}
	case kind == message.KindStatus:
		status := message.StatusUnknown
		if in.Payload.State == "delivered" {
			status = message.StatusDelivered
		}
		return message.Parsed{Events: []message.Event{{Receipt: &message.Receipt{ExternalID: id, Status: status}}}}
	case from.IsZero():
		return message.Parsed{Unreadable: "from is missing"}
	}
	return message.Parsed{Events: []message.Event{{Inbound: &message.Inbound{
		Medium: message.SMS, From: from, To: message.RepairText(in.To), Text: message.RepairText(in.Text), ExternalID: id,
	}}}}
}

func (made) Reply(r message.Reply) message.Response {
	b, _ := json.Marshal(r)
	return message.Response{ContentType: "application/json", Body: b}
}

func (made) Ack(message.Kind) message.Response { return message.Response{Status: 204} }

func TestTheSuitePassesWhereRequestsAreSignedJSON(t *testing.T) {
	gatewaytest.Run(t, made{}, "testdata", gatewaytest.Options{
		Account:     message.Account{Signatures: []message.Secret{message.NewSecret("right")}},
		Sign:        func(r *message.Request) { r.Header.Set("X-Signature", sign("right", r.Body)) },
		StatusField: "state",
		Update:      *update,
	})
}
