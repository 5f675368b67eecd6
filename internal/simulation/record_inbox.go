package simulation

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"lafia/internal/job"
	"lafia/internal/programme"
	"lafia/internal/store"
)

// Receive makes an SMS durable together with the job that handles it.
func (r *Record) Receive(_ context.Context, m store.Received) (altered bool, err error) {
	defer r.lock()()
	if !r.identifyMessage(&m) {
		return false, nil
	}
	if m.Number != nil {
		r.putNumber(m.Contact, m.Number, m.NumberUntil)
	}
	r.waits(m.Inbound, m.HandleAt)
	return m.Altered, nil
}

// sameMoment is how far two words on when one message was sent may differ.
const sameMoment = 2 * time.Minute

// identifyMessage settles under which identity a message goes into the record,
// and whether it is new there.
func (r *Record) identifyMessage(m *store.Received) bool {
	said := micro(m.SentAt)
	if m.Beside != nil {
		beside := r.identity[string(m.Beside)]
		if beside != nil {
			beside.seen++
		}
		fresh, i := r.identify(m.Key, m.ID, m.ContentHMAC)
		if fresh {
			i.said = said
		}
		return fresh && (beside == nil || r.flaws.NoIdentity)
	}
	epoch := store.Identity{Key: m.Key, ID: m.ID}
	for n := 0; ; n++ {
		fresh, first := r.identify(epoch.Key, epoch.ID, m.ContentHMAC)
		if fresh {
			first.said = said
		}
		same := bytes.Equal(first.content, m.ContentHMAC) && (first.said.IsZero() || said.IsZero() || said.Sub(first.said).Abs() <= sameMoment)
		if fresh || same || n == len(m.Epochs) {
			m.ID, m.Altered = epoch.ID, n > 0
			return fresh
		}
		epoch = m.Epochs[n]
	}
}

// waits puts a message into the inbox, with the job that handles it.
func (r *Record) waits(m store.Inbound, handleAt time.Time) {
	if m.Sealed == nil {
		m.Sealed = []byte{}
	}
	w := &waiting{Inbound: m, n: r.row()}
	w.said, w.late = programme.Said(m.SentAt, m.ReceivedAt)
	w.SentAt, w.ReceivedAt, w.said = micro(m.SentAt), micro(m.ReceivedAt), micro(w.said)
	r.inbound = append(r.inbound, w)
	r.jobs = append(r.jobs, Job{m.ID, handleAt})
}

// LatestSent gives the number of the latest message to a contact on a channel
// that was queued before a moment; 0: there is none.
func (r *Record) LatestSent(_ context.Context, contact []byte, channel string, before time.Time) (n int64, err error) {
	defer r.lock()()
	for _, o := range r.outbound {
		if bytes.Equal(o.Contact, contact) && o.Channel == channel && !o.QueuedAt.After(micro(before)) {
			n = max(n, o.n)
		}
	}
	return n, nil
}

// ReceivePart makes one part of a long message durable; the part that completes
// its message joins it.
func (r *Record) ReceivePart(_ context.Context, p store.ReceivedPart) (altered bool, err error) {
	defer r.lock()()
	if !r.identifyMessage(&p.Received) {
		return false, nil
	}
	at := micro(p.ReceivedAt)
	for _, s := range r.sets {
		q := s.parts[p.Index]
		if bytes.Equal(s.key, p.Set) && s.total == p.Total && q != nil && bytes.Equal(q.content, p.ContentHMAC) &&
			(s.closed.IsZero() || p.Nameless && q.received.After(at.Add(-p.RepeatWithin))) {
			return false, nil // a repeat
		}
	}
	if p.Number != nil {
		r.putNumber(p.Contact, p.Number, p.NumberUntil)
	}
	s := r.openSet(p)
	s.parts[p.Index] = &part{content: bytes.Clone(p.ContentHMAC), sealed: bytes.Clone(p.Sealed), altered: p.Altered, sent: micro(p.SentAt), received: at}
	if len(s.parts) == s.total {
		r.closeSet(s, at, p.HandleAt)
	}
	return p.Altered, nil
}

func (q *part) at() time.Time {
	if q.sent.IsZero() {
		return q.received
	}
	return q.sent
}

// openSet gives the open set that lacks a part and whose parts came nearest to it.
func (r *Record) openSet(p store.ReceivedPart) *partSet {
	at := micro(p.SentAt)
	if at.IsZero() {
		at = micro(p.ReceivedAt)
	}
	var fit []*partSet
	for _, s := range r.sets {
		if bytes.Equal(s.key, p.Set) && s.total == p.Total && s.closed.IsZero() && s.parts[p.Index] == nil {
			fit = append(fit, s)
		}
	}
	if len(fit) > 0 {
		return slices.MinFunc(fit, func(a, b *partSet) int {
			return cmp.Or(cmp.Compare(a.distance(at), b.distance(at)), a.opened.Compare(b.opened), cmp.Compare(a.id, b.id))
		})
	}
	s := &partSet{id: p.ID, key: p.Set, contact: p.Contact, channel: p.Channel, total: p.Total, answerable: p.Answerable, opened: micro(p.ReceivedAt), parts: map[int]*part{}}
	r.sets = append(r.sets, s)
	return s
}

func (s *partSet) distance(at time.Time) time.Duration {
	least := time.Duration(1<<63 - 1)
	for _, q := range s.parts {
		least = min(least, q.at().Sub(at).Abs())
	}
	return least
}

func (r *Record) closeSet(s *partSet, now, handleAt time.Time) {
	s.closed = now
	m := store.Inbound{ID: s.id, Contact: s.contact, Channel: s.channel, Sealed: []byte{}, Parts: make([][]byte, s.total), Answerable: s.answerable}
	for i, q := range s.parts {
		m.Parts[i-1] = q.sealed
		q.sealed = []byte{}
		m.Altered = m.Altered || q.altered
		if !q.sent.IsZero() && (m.SentAt.IsZero() || q.sent.Before(m.SentAt)) {
			m.SentAt = q.sent
		}
		m.ReceivedAt = later(m.ReceivedAt, q.received)
	}
	m.Partial = len(s.parts) < s.total
	r.waits(m, handleAt)
}

// CloseStaleParts makes messages of the sets that never became whole; one that
// only repeats a message that was joined makes none.
func (r *Record) CloseStaleParts(_ context.Context, before, now time.Time) (int, error) {
	defer r.lock()()
	closed := 0
	for _, s := range slices.Clone(r.sets) {
		switch {
		case !s.closed.IsZero() || !s.opened.Before(before):
		case slices.ContainsFunc(r.sets, func(o *partSet) bool { return o.holds(s) }):
			s.closed = micro(now)
		default:
			closed++
			r.closeSet(s, micro(now), time.Time{})
		}
	}
	return closed, nil
}

// holds reports whether a set that was joined has every part of another.
func (s *partSet) holds(other *partSet) bool {
	if s.closed.IsZero() || s.total != other.total || !bytes.Equal(s.key, other.key) {
		return false
	}
	for i, p := range other.parts {
		if q := s.parts[i]; q == nil || !bytes.Equal(q.content, p.content) {
			return false
		}
	}
	return true
}

// Hand is a worker's hold on one contact.
type Hand struct {
	record  *Record
	n       int64
	Contact []byte
}

// Take takes the contact of an inbound message in hand, or gives store.ErrBusy.
func (r *Record) Take(_ context.Context, inboundID string) (*Hand, error) {
	defer r.lock()()
	i := slices.IndexFunc(r.inbound, func(m *waiting) bool { return m.ID == inboundID })
	if i < 0 {
		return nil, fmt.Errorf("looking for a message: %w", store.ErrNotFound)
	}
	who := r.inbound[i].Contact
	if r.hands[string(who)] != nil && !r.flaws.TwoHands {
		return nil, store.ErrBusy
	}
	r.handsTaken++
	h := &Hand{record: r, n: r.handsTaken, Contact: who}
	r.hands[string(who)] = h
	return h, nil
}

// DropHands ends every hold, as a server that restarts does: whoever had one
// meets an error at the next use.
func (r *Record) DropHands() {
	defer r.lock()()
	clear(r.hands)
}

// Release lets the contact go.
func (h *Hand) Release() {
	defer h.record.lock()()
	if h.record.hands[string(h.Contact)] == h {
		delete(h.record.hands, string(h.Contact))
	}
}

func (h *Hand) holds() bool { return h.record.hands[string(h.Contact)] == h || h.record.flaws.TwoHands }

// Next gives the contact's unhandled message that was said first, or store.ErrNotFound.
func (h *Hand) Next(context.Context) (store.Inbound, error) {
	defer h.record.lock()()
	if !h.holds() {
		return store.Inbound{}, fmt.Errorf("taking the next message: %w", errSession)
	}
	var first *waiting
	late := 0
	for _, m := range h.record.inbound { // in order of n
		if !bytes.Equal(m.Contact, h.Contact) || !m.handled.IsZero() {
			continue
		}
		if first == nil || m.at().Before(first.at()) {
			first = m
		}
		if m.late && m.Answerable {
			late++
		}
	}
	if first == nil {
		return store.Inbound{}, fmt.Errorf("taking the next message: %w", store.ErrNotFound)
	}
	if first.late && first.Answerable {
		late-- // itself
	}
	m := first.Inbound
	m.More = first.late && late > 0
	return m, nil
}

// at is when a message was said, as far as is known.
func (m *waiting) at() time.Time {
	if m.said.IsZero() {
		return m.ReceivedAt
	}
	return m.said
}

// repliesADay is how many replies a contact gets within 24 hours.
const repliesADay = 60

// Handled marks a message as handled, empties it, and queues its reply.
func (h *Hand) Handled(_ context.Context, inboundID string, a store.Answer, now time.Time) error {
	r := h.record
	defer r.lock()()
	if !h.holds() {
		return fmt.Errorf("marking a message as handled: %w", errSession)
	}
	if _, ok := job.ClassNamed(a.Class); a.Sealed != nil && !ok {
		return fmt.Errorf("marking a message as handled: there is no class %q", a.Class)
	}
	now = micro(now)
	for _, m := range r.inbound {
		if m.ID == inboundID && m.handled.IsZero() {
			m.handled, m.Sealed, m.Parts = now, []byte{}, nil
		}
	}
	if a.Sealed == nil {
		return nil
	}
	lately := 0
	for _, o := range r.outbound {
		if bytes.Equal(o.Contact, h.Contact) && o.InboundID != "" && o.QueuedAt.After(now.Add(-24*time.Hour)) {
			lately++
		}
	}
	if lately < repliesADay {
		r.queue(&Outgoing{InboundID: inboundID, Outbound: store.Outbound{ID: a.ID, Contact: h.Contact, Channel: a.Channel, Class: a.Class, Sealed: a.Sealed, QueuedAt: now}})
	}
	return nil
}

// hand is what one worker does with one contact: store.Hand, or one that fails.
type hand interface {
	Next(context.Context) (store.Inbound, error)
	Handled(context.Context, string, store.Answer, time.Time) error
	Release()
}

// EachWaiting gives a contact's unhandled messages one by one, in order.
func (r *Record) EachWaiting(ctx context.Context, inboundID string, now func() time.Time, handle func(context.Context, store.Inbound) (store.Answer, error)) error {
	return eachWaiting(ctx, func() (hand, error) { return r.Take(ctx, inboundID) }, now, handle)
}

func eachWaiting(ctx context.Context, take func() (hand, error), now func() time.Time, handle func(context.Context, store.Inbound) (store.Answer, error)) error {
	h, err := take()
	if store.IsNotFound(err) {
		return nil
	}
	if err != nil {
		return err
	}
	defer h.Release()
	for tries := 0; ; tries++ {
		m, err := h.Next(ctx)
		if store.IsNotFound(err) {
			return nil
		}
		if err != nil {
			return err
		}
		a, err := handle(ctx, m)
		if errors.Is(err, store.ErrAgain) && tries < store.MostTries {
			continue
		}
		tries = -1
		if err != nil {
			return err
		}
		if err := h.Handled(ctx, m.ID, a, now()); err != nil {
			return err
		}
	}
}

// PutInboxKey stores the key of a day unless one is there, and gives the one that
// counts.
func (r *Record) PutInboxKey(_ context.Context, day string, wrapped []byte) ([]byte, error) {
	defer r.lock()()
	if r.inboxKeys[day] == nil {
		r.inboxKeys[day] = bytes.Clone(wrapped)
	}
	return r.inboxKeys[day], nil
}

// InboxKey gives the stored key of a day.
func (r *Record) InboxKey(_ context.Context, day string) ([]byte, error) {
	defer r.lock()()
	if b := r.inboxKeys[day]; b != nil {
		return b, nil
	}
	return nil, fmt.Errorf("reading the inbox key of %s: %w", day, store.ErrNotFound)
}
