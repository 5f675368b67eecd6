package conversation

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"time"

	"lafia/gateway/message"
	"lafia/internal/programme"
	"lafia/internal/spool"
	"lafia/internal/store"
	"lafia/internal/vault"
)

// numberLife is how long a number is kept for answering: the life of an SMS
// conversation on a network that can be away for days.
const numberLife = 14 * 24 * time.Hour

// Receive makes an SMS or a missed call durable, with the job that handles it; or
// spools it, and then it is handled when the record is back. An error means that
// nothing is stored and the aggregator should try again.
func (c *Conversation) Receive(ctx context.Context, channel string, in message.Inbound) error {
	in = c.behindService(in)
	now := c.Now()
	who := c.Ring.Pseudonym(in.From.Reveal())
	content := c.Ring.ID("content", []byte(in.Text))
	identity, nameless := identityOf(in, now)
	key := c.Ring.ID("message", []byte(channel), who.Bytes(), identity)
	m := store.Received{
		Inbound: store.Inbound{
			ID: key.UUID(), Contact: who.Bytes(), Channel: channel, SentAt: in.SentAt, ReceivedAt: now,
			Answerable: in.From.IsPhone() && !in.Call && !c.Own(in.From),
		},
		Key:         key[:],
		ContentHMAC: content[:],
	}
	if in.From.IsPhone() {
		m.Number = c.Ring.Seal([]byte(in.From.Reveal()), numberBound(who.Bytes()))
		m.NumberUntil = now.Add(numberLife)
	}
	a := arrival{Received: m, Nameless: nameless, Call: in.Call}
	if isPart(in) {
		p := c.part(channel, in, m)
		a.Part, a.Received = &p, store.Received{Inbound: store.Inbound{ID: m.ID}}
	}
	body, err := json.Marshal(envelope{Text: in.Text, Call: in.Call})
	if err != nil {
		return fmt.Errorf("writing a message: %w", err)
	}
	a.Words = c.Ring.Seal(body, a.bound())
	away := false
	_, err = c.keep(ctx, spool.Record{Contact: who.Bytes(), ID: m.ID, At: now}, deed{Message: &a}, messageWithin, &away)
	return err
}

// arrival is a message on its way. Its words are sealed under the office key
// until they are under the key of a day, which the record has.
type arrival struct {
	Received store.Received      // of a part, its id alone
	Part     *store.ReceivedPart // of a long message, instead
	Words    []byte
	Nameless bool `json:",omitempty"` // only its words and the time it came in tell it from others
	Call     bool `json:",omitempty"`
}

func (a arrival) bound() string { return "arrival/" + a.Received.ID }

// storeMessage puts a message into the record, under the key of the day on which
// it gets there.
func (c *Conversation) storeMessage(ctx context.Context, a arrival) error {
	body, err := c.Ring.Open(a.Words, a.bound())
	if err != nil {
		return fmt.Errorf("%w: its words do not open", spool.ErrBad)
	}
	day, box, err := c.inbox.today(ctx, c, c.Now())
	if err != nil {
		return err
	}
	// Not bound to the row: which row it becomes is decided by the transaction.
	sealed := append([]byte(day), box.Seal(body, "inbound/"+day)...)
	m := &a.Received
	if a.Part != nil {
		part := *a.Part
		a.Part, m = &part, &part.Received
	}
	m.Sealed = sealed
	if err := c.identify(ctx, m, a); err != nil {
		return err
	}
	if _, late := programme.Said(m.SentAt, m.ReceivedAt); late {
		m.HandleAt = c.Now().Add(lateWait)
	}
	altered := false
	if a.Part != nil {
		altered, err = c.Store.ReceivePart(ctx, *a.Part)
	} else {
		altered, err = c.Store.Receive(ctx, *m)
	}
	if altered {
		c.Altered(m.Channel)
	}
	return err
}

// lateWait is how long a late message is waited with for the others of its
// backlog, so that they are handled in the order in which they were sent and get
// one reply.
const lateWait = 10 * time.Second

// maxEpochs bounds how many messages of one sender may bear the same id one after
// the other and still be told from their repeats whatever the order that those
// come in. Ids begin again when a gateway phone is swapped: once a year or two.
const maxEpochs = 6

// repeatStretch is how long the same words of one sender are a repeat, where
// nothing else tells: at least this long, and less than twice.
const repeatStretch = 5 * time.Minute

// identify gives a message all the identities that it may be known by. It needs
// the record only for one without id and time, and says the same of it whenever
// it is asked: what we sent her before it came does not change.
func (c *Conversation) identify(ctx context.Context, m *store.Received, a arrival) error {
	if !a.Nameless {
		epoch := func(parts ...[]byte) {
			id := c.Ring.ID("message-epoch", parts...)
			m.Epochs = append(m.Epochs, store.Identity{Key: id[:], ID: id.UUID()})
		}
		for n := range byte(maxEpochs) {
			epoch(m.Key, []byte{n})
		}
		epoch(m.Key, m.ContentHMAC, []byte(m.SentAt.UTC().Format(time.RFC3339Nano)))
		return nil
	}
	// What we said to her since then makes the same words another answer: she may
	// answer "1" twice. A missed call answers nothing.
	var latest int64
	if !a.Call {
		var err error
		if latest, err = c.Store.LatestSent(ctx, m.Contact, m.Channel, m.ReceivedAt); err != nil {
			return err
		}
	}
	stretch := m.ReceivedAt.UnixNano() / int64(repeatStretch)
	key := func(n int64) vault.ID {
		return c.Ring.ID("message-stretch", m.Key, strconv.AppendInt(nil, latest, 10), strconv.AppendInt(nil, n, 10))
	}
	is, beside := key(stretch), key(stretch-1)
	m.Lock = int64(binary.BigEndian.Uint64(m.Key))
	m.Key, m.ID, m.Beside = is[:], is.UUID(), beside[:]
	return nil
}

// identityOf is what a repeat of a message is known by: what the adapter says,
// else the aggregator's id, else its text and when it was sent. Where nobody says
// that either, it is nameless, and known by its text for a while. An empty id is
// never the same as another.
func identityOf(in message.Inbound, now time.Time) (id []byte, nameless bool) {
	switch {
	case in.Identity != "":
		return []byte(in.Identity), false
	case in.ExternalID != "":
		return []byte(in.ExternalID), false
	}
	text := in.Text + "\x00"
	switch p := in.Part; {
	case isPart(in):
		at := in.SentAt
		if at.IsZero() {
			at = now.Truncate(time.Minute) // its place in its message tells a repeat (store.ReceivePart)
		}
		text += at.UTC().Format(time.RFC3339Nano) + fmt.Sprintf("\x00part\x00%d\x00%d\x00%s", p.Index, p.Total, p.Ref)
	case in.SentAt.IsZero():
		nameless = true
	default:
		text += in.SentAt.UTC().Format(time.RFC3339Nano)
	}
	if in.Call {
		text += "\x00call"
	}
	return []byte(text), nameless
}

type envelope struct {
	Text string `json:"t"`
	Call bool   `json:"c,omitempty"`
}

func numberBound(contact []byte) string { return "number/" + string(contact) }

// OpenNumber opens a sealed number, for sending.
func (c *Conversation) OpenNumber(contact, sealed []byte) (message.Number, error) {
	return OpenNumber(c.Ring, contact, sealed)
}

// OpenNumber opens a sealed number of a contact.
func OpenNumber(ring *vault.Ring, contact, sealed []byte) (message.Number, error) {
	b, err := ring.Open(sealed, numberBound(contact))
	if err != nil {
		return message.Number{}, err
	}
	return message.ParseNumber(string(b)), nil
}

// OpenReply opens the text of a message to send.
func (c *Conversation) OpenReply(id string, sealed []byte) (string, error) {
	return OpenReply(c.Ring, id, sealed)
}

// OpenReply opens the sealed text of the message of an id.
func OpenReply(ring *vault.Ring, id string, sealed []byte) (string, error) {
	b, err := ring.Open(sealed, "outbound/"+id)
	return string(b), err
}

// ErrBusy says that another worker has the contact in hand: try again soon.
var ErrBusy = store.ErrBusy

// Handle takes the unhandled messages of the contact who sent one, in order,
// and queues the replies.
func (c *Conversation) Handle(ctx context.Context, inboundID string) error {
	return c.Store.EachWaiting(ctx, inboundID, c.Now, func(ctx context.Context, m store.Inbound) (store.Answer, error) {
		a := store.Answer{ID: c.Ring.ID("outbound", []byte(m.ID)).UUID(), Channel: m.Channel, Class: "reply"}
		text, err := c.handle(ctx, m)
		if err == nil && text != "" && m.Answerable && !m.More {
			a.Sealed = c.Ring.Seal([]byte(text), "outbound/"+a.ID)
		}
		return a, err
	})
}

// handle gives the reply to one message, "" for none.
func (c *Conversation) handle(ctx context.Context, m store.Inbound) (string, error) {
	words, err := c.openInbound(ctx, m)
	if err != nil {
		return "", err
	}
	var who caller
	copy(who.key.Contact[:], m.Contact)
	who.key.Channel, who.key.Medium = m.Channel, string(message.SMS)
	who.session = "sms"
	who.hop = c.Ring.ID("hop", []byte(m.Channel), m.Contact, []byte("message"), []byte(m.ID))
	who.in = message.Inbound{Medium: message.SMS, Text: words.Text, Call: words.Call, SentAt: m.SentAt}
	who.now, who.altered = m.ReceivedAt, m.Altered
	who.said, who.late = programme.Said(m.SentAt, m.ReceivedAt)
	a, err := c.text(ctx, who, m.Partial)
	switch {
	case errors.Is(err, errMoved):
		return "", fmt.Errorf("%w: %w", store.ErrAgain, err)
	case err != nil:
		return "", err
	case words.Call:
		return "", nil // a missed call costs nothing, and so does its answer
	}
	return a.Text, nil
}

// inboxKeys holds the keys of the days that messages are sealed under.
type inboxKeys struct {
	mu   sync.Mutex
	keys map[string]vault.InboxKey
}

func newInboxKeys() *inboxKeys { return &inboxKeys{keys: map[string]vault.InboxKey{}} }

func (k *inboxKeys) today(ctx context.Context, c *Conversation, now time.Time) (string, vault.InboxKey, error) {
	day := now.UTC().Format(time.DateOnly)
	k.mu.Lock()
	box, ok := k.keys[day]
	k.mu.Unlock()
	if ok {
		return day, box, nil
	}
	// Nobody waits for another's question to a record that may hang; that two make
	// the key of a day at once does no harm.
	_, wrapped := c.Ring.NewInboxKey(day)
	wrapped, err := c.Store.PutInboxKey(ctx, day, wrapped)
	if err != nil {
		return "", vault.InboxKey{}, err
	}
	if box, err = c.Ring.UnwrapInboxKey(wrapped, day); err != nil {
		return "", vault.InboxKey{}, err
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	clear(k.keys) // a gateway holds the key of one day, and those it opens old messages with
	k.keys[day] = box
	return day, box, nil
}

func (k *inboxKeys) of(ctx context.Context, c *Conversation, day string) (vault.InboxKey, error) {
	k.mu.Lock()
	box, ok := k.keys[day]
	k.mu.Unlock()
	if ok {
		return box, nil
	}
	wrapped, err := c.Store.InboxKey(ctx, day)
	if err != nil {
		return vault.InboxKey{}, err
	}
	if box, err = c.Ring.UnwrapInboxKey(wrapped, day); err != nil {
		return vault.InboxKey{}, err
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	k.keys[day] = box
	return box, nil
}

func (c *Conversation) openInbound(ctx context.Context, m store.Inbound) (envelope, error) {
	if m.Parts != nil {
		return c.openParts(ctx, m.Parts)
	}
	return c.openEnvelope(ctx, m.Sealed)
}

func (c *Conversation) openEnvelope(ctx context.Context, sealed []byte) (e envelope, err error) {
	if len(sealed) < len(time.DateOnly) {
		return e, errors.New("a message is empty that was not handled")
	}
	day := string(sealed[:len(time.DateOnly)])
	box, err := c.inbox.of(ctx, c, day)
	if err != nil {
		return e, err
	}
	plain, err := box.Open(sealed[len(time.DateOnly):], "inbound/"+day)
	if err != nil {
		return e, err
	}
	if err := json.Unmarshal(plain, &e); err != nil {
		return e, fmt.Errorf("reading a message: %w", err)
	}
	return e, nil
}

// ExternalID gives what an aggregator's id of a sent message is known by.
func (c *Conversation) ExternalID(channel, id string) []byte {
	v := c.Ring.ID("external", []byte(channel), []byte(id))
	return v[:]
}

// Alive notes that a channel's far end says that it is there.
func (c *Conversation) Alive(ctx context.Context, channel string) error {
	return c.Store.ChannelAlive(ctx, channel, c.Now())
}

// End notes that a USSD session ended. The draft stands until its life ends.
func (c *Conversation) End(context.Context, string, message.SessionEnd) error { return nil }
