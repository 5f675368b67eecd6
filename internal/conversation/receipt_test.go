package conversation_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"lafia/gateway/message"
	"lafia/internal/conversation"
	"lafia/internal/store"
)

func TestAReceiptFindsItsMessageByOurIDHoweverItIsWritten(t *testing.T) {
	b := newBench(t)
	ctx := context.Background()
	queue := func(seed string) string {
		t.Helper()
		o := conversation.NewOutgoing(b.ring, "at", "test", message.ParseNumber(anna), "Message d'essai", []byte(seed), b.time().Add(time.Hour))
		must(t, b.store.QueueOutbound(ctx, o, b.time()))
		must(t, b.store.QueueOutbound(ctx, o, b.time())) // the same seed is the same message
		return o.ID
	}
	is := func(id, want string) {
		t.Helper()
		p, err := b.store.Progress(ctx, id)
		if must(t, err); p.State != want {
			t.Fatalf("state %s, want %s", p.State, want)
		}
	}
	report := func(channel string, r message.Receipt) {
		t.Helper()
		must(t, b.c.Receipt(ctx, channel, r))
	}
	for i, write := range []func(string) string{
		func(s string) string { return s }, strings.ToUpper, func(s string) string { return strings.ReplaceAll(s, "-", "") }, func(s string) string { return " " + s + " " },
	} {
		id := queue(string(rune('a' + i)))
		report("other", message.Receipt{OurID: write(id), Status: message.StatusFailed})
		is(id, "queued")
		report("at", message.Receipt{OurID: write(id), Status: message.StatusSent})
		is(id, "sent")
	}
	id := queue("parts")
	report("at", message.Receipt{OurID: id, Status: message.StatusSent, Parts: 2})
	report("at", message.Receipt{OurID: id, Status: message.StatusDelivered, PartID: "2026-11-24T09:00:01Z"})
	report("at", message.Receipt{OurID: id, Status: message.StatusDelivered, PartID: "2026-11-24T09:00:01Z"})
	is(id, "sent")
	report("at", message.Receipt{OurID: id, Status: message.StatusDelivered, PartID: "2026-11-24T09:00:02Z"})
	is(id, "delivered")
	for _, r := range []message.Receipt{{Status: message.StatusSent}, {OurID: "no id of ours", Status: message.StatusSent}, {OurID: strings.Repeat("f", 32), Status: message.StatusSent}} {
		report("at", r) // names nothing: no error, or the aggregator would repeat it for ever
	}
	opened, err := b.store.Outbound(ctx, id)
	must(t, err)
	to, err := b.c.OpenNumber(opened.Contact, opened.Number)
	must(t, err)
	text, err := b.c.OpenReply(id, opened.Sealed)
	if must(t, err); to.Reveal() != anna || text != "Message d'essai" {
		t.Fatal("a queued message does not open")
	}
	if _, err := b.store.Progress(ctx, "00000000-0000-8000-8000-000000000001"); !store.IsNotFound(err) {
		t.Fatal(err)
	}
}
