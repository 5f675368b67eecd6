package conversation

import (
	"fmt"
	"time"

	"lafia/gateway/message"
	"lafia/internal/vault"
)

// repeatWithin is how soon after its reply the same single input is a retry and
// not a second press (reliability.md 2.1): an aggregator without sequence sends
// the same bytes for both.
const repeatWithin = 1200 * time.Millisecond

// uncounted reports whether a hop is a single input without a sequence.
func (who caller) uncounted() bool {
	return !who.in.Cumulative && !who.in.Start && who.in.Sequence == 0
}

// hopOf identifies a single input without a sequence by the session's version and
// the input. The same input once more, soon after the reply, is the hop before.
func (c *Conversation) hopOf(who caller, version uint64, l *live) vault.ID {
	if l != nil && version > 0 && l.ID == who.session && who.now.Sub(l.At) < repeatWithin {
		if before := c.inputKey(who, version-1); l.isRepeat(before) {
			return before
		}
	}
	return c.inputKey(who, version)
}

// doubleWithin is how late an aggregator's repeat can come (aggregators.md 1.3).
const doubleWithin = 15 * time.Second

// mayDouble reports whether a single input without a sequence is the same as the
// one before and came soon enough behind it to be its late repeat. Such a one makes
// nothing durable: she is shown what is asked once more (reliability.md 2.1).
func (c *Conversation) mayDouble(who caller, version uint64, l *live) bool {
	in := who.in
	if in.Medium != message.USSD || in.Cumulative || in.Start || in.Sequence > 0 || l == nil || version == 0 || l.ID != who.session || l.Asked {
		return false
	}
	return who.now.Sub(l.At) < doubleWithin && l.isRepeat(c.inputKey(who, version-1))
}

// inputKey identifies a single input by the session's version that it met.
func (c *Conversation) inputKey(who caller, version uint64) vault.ID {
	return c.Ring.ID("hop", []byte(who.key.Channel), who.key.Contact[:], []byte(who.in.SessionID), []byte("input"), []byte(fmt.Sprint(version)), []byte(who.in.Text))
}

// hopKey identifies a hop (design.md, decision 1): by the cumulative text up to
// it, by its sequence, or by its input.
func (c *Conversation) hopKey(channel string, who vault.Pseudonym, in message.Inbound, text string) vault.ID {
	kind := "input"
	switch {
	case in.Cumulative:
		kind = "text"
	case in.Sequence > 0:
		kind, text = "sequence", fmt.Sprint(in.Sequence)
	case in.Start:
		kind = "start"
	}
	return c.Ring.ID("hop", []byte(channel), who.Bytes(), []byte(in.SessionID), []byte(kind), []byte(text))
}
