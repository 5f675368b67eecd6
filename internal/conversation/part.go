package conversation

import (
	"context"
	"strings"
	"time"

	"lafia/gateway/message"
	"lafia/internal/store"
)

// partsLife is how long the parts of a long message are waited for: an Android
// phone that was away delivers its queue within a day in nine cases of ten, and
// words should not wait longer for their rest.
const partsLife = 24 * time.Hour

// missingPart stands where a part never came. It is GSM-7 but for its dots,
// which staff read and no phone is sent.
const missingPart = "[…]"

// isPart reports whether a message is a part of a longer one. A part of one, or
// one whose numbers cannot be, is a message by itself: it is not lost. A part
// number is one octet (3GPP TS 23.040, 9.2.3.24.1).
func isPart(in message.Inbound) bool {
	p := in.Part
	return p != nil && !in.Call && p.Total > 1 && p.Total <= 255 && p.Index >= 1 && p.Index <= p.Total
}

func (c *Conversation) part(channel string, in message.Inbound, m store.Received) store.ReceivedPart {
	set := c.Ring.ID("parts", []byte(channel), m.Contact, []byte(in.Part.Ref))
	return store.ReceivedPart{
		Received: m, Set: set[:], Index: in.Part.Index, Total: in.Part.Total,
		Nameless: in.Identity == "" && in.ExternalID == "" && in.SentAt.IsZero(), RepeatWithin: partsLife,
	}
}

// openParts opens the parts of a joined message and puts their words together.
func (c *Conversation) openParts(ctx context.Context, parts [][]byte) (envelope, error) {
	var b strings.Builder
	missing := false
	for _, p := range parts {
		if p == nil {
			if !missing { // two in a row are one gap
				b.WriteString(missingPart)
			}
			missing = true
			continue
		}
		missing = false
		e, err := c.openEnvelope(ctx, p)
		if err != nil {
			return envelope{}, err
		}
		b.WriteString(e.Text)
	}
	return envelope{Text: b.String()}, nil
}

// CloseParts handles long messages as they are whose parts did not all come
// within partsLife, and tells how many those were.
func (c *Conversation) CloseParts(ctx context.Context) (int, error) {
	now := c.Now()
	return c.Store.CloseStaleParts(ctx, now.Add(-partsLife), now)
}
