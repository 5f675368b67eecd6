package conversation

import (
	"context"
	"encoding/hex"
	"fmt"
	"strings"
	"time"

	"lafia/gateway/message"
	"lafia/internal/spool"
	"lafia/internal/store"
	"lafia/internal/vault"
)

// Receipt moves a sent message's state forward: the message that the receipt
// names by our own id, else by the aggregator's.
func (c *Conversation) Receipt(ctx context.Context, channel string, r message.Receipt) error {
	out := store.Receipt{Channel: channel, OurID: ourID(r.OurID), State: string(r.Status), Parts: max(r.Parts, 0)}
	if r.ExternalID != "" {
		out.ExternalID = c.ExternalID(channel, r.ExternalID)
	}
	if out.OurID == "" && out.ExternalID == nil {
		return nil
	}
	switch {
	case r.PartID != "":
		id := c.Ring.ID("sent-part", []byte("id"), []byte(r.PartID))
		out.Part = id[:]
	case r.Part > 0:
		id := c.Ring.ID("sent-part", []byte("number"), fmt.Append(nil, r.Part))
		out.Part = id[:]
	}
	message := c.Ring.ID("receipt", []byte(channel), []byte(out.OurID), out.ExternalID)
	id := c.Ring.ID("spooled", message[:], []byte(out.State), out.Part)
	now, away := c.Now(), false
	_, err := c.keep(ctx, spool.Record{Contact: message[:], ID: id.UUID(), At: now}, deed{Receipt: &delivery{out, now}}, messageWithin, &away)
	return err
}

// ourID reads an id that we gave a message, as an aggregator brings it back: in
// any case, with or without its dashes. "" is none of ours.
func ourID(s string) string {
	digits := strings.ToLower(strings.ReplaceAll(strings.TrimSpace(s), "-", ""))
	if b, err := hex.DecodeString(digits); err != nil || len(b) != 16 {
		return ""
	}
	return digits[:8] + "-" + digits[8:12] + "-" + digits[12:16] + "-" + digits[16:20] + "-" + digits[20:]
}

// NewOutgoing seals a message that answers no other, for Store.QueueOutbound.
// seed is chance, or what makes a repeat the same message; the number is kept
// until a moment.
func NewOutgoing(r *vault.Ring, channel, class string, to message.Number, text string, seed []byte, until time.Time) store.Outgoing {
	who := r.Pseudonym(to.Reveal())
	id := r.ID("outgoing", []byte(channel), who.Bytes(), seed).UUID()
	return store.Outgoing{
		ID: id, Contact: who.Bytes(), Channel: channel, Class: class,
		Sealed: r.Seal([]byte(text), "outbound/"+id),
		Number: r.Seal([]byte(to.Reveal()), numberBound(who.Bytes())), NumberUntil: until,
	}
}
