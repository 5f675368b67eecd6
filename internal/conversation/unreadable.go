package conversation

import (
	"context"
	"strconv"

	"lafia/gateway/message"
	"lafia/internal/spool"
	"lafia/internal/store"
)

// Unreadable makes an authentic request that could not be read durable, sealed; or
// spools it. An error means that it is not kept and the aggregator should try again.
//
// Its id is settled here, so that a second try to commit it and a second draining
// meet its row. It holds the moment that it came in: the same bytes at another one
// are kept beside it, since nobody can say of what was not read whether it is a
// repeat or was said twice.
func (c *Conversation) Unreadable(ctx context.Context, channel string, kind message.Kind, raw []byte, reason string) error {
	now, away := c.Now(), false
	u := c.unread(store.Unreadable{Channel: channel, Kind: string(kind), Reason: reason, ReceivedAt: now}, raw, strconv.AppendInt(nil, now.UnixNano(), 10))
	// Whose it is was not read: those of a channel keep their order.
	of := c.Ring.ID("unreadable-of", []byte(channel))
	_, err := c.keep(ctx, spool.Record{Contact: of[:], ID: u.ID, At: now}, deed{Unreadable: &u}, messageWithin, &away)
	return err
}

// unread seals what could not be read. occasion tells it from the same bytes at
// another one.
func (c *Conversation) unread(u store.Unreadable, raw, occasion []byte) store.Unreadable {
	u.ID = c.Ring.ID("unreadable", []byte(u.Channel), []byte(u.Kind), raw, occasion).UUID()
	u.Sealed = c.Ring.Seal(raw, "unreadable/"+u.Channel)
	return u
}
