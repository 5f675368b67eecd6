package simulation

import (
	"context"
	"time"

	"lafia/internal/programme"
	"lafia/internal/store"
)

// record is the record as a process reaches it.
type record struct{ p *process }

// get is a call that gives something.
func get[T any](ctx context.Context, r *record, name string, f func(*Record) (T, error)) (out T, err error) {
	err = r.p.call(ctx, postgres, name, func() (err error) { out, err = f(r.p.w.record); return err })
	if err != nil {
		var none T
		return none, err
	}
	return out, nil
}

func (r *record) do(ctx context.Context, name string, f func(*Record) error) error {
	return r.p.call(ctx, postgres, name, func() error { return f(r.p.w.record) })
}

func (r *record) Capture(ctx context.Context, run store.Run) (store.Captured, error) {
	return get(ctx, r, "capture", func(m *Record) (store.Captured, error) {
		c, err := m.Capture(ctx, run)
		r.p.w.note(r.p.String(), "captured %s as %s, fresh %v, altered %v, partial %v", run.Submission.Kind, run.Submission.Reference, c.Fresh, run.Altered, run.Submission.Partial)
		return c, err
	})
}

func (r *record) Confirm(ctx context.Context, contact []byte, id string, now time.Time) error {
	return r.do(ctx, "confirm", func(m *Record) error { return m.Confirm(ctx, contact, id, now) })
}

func (r *record) PutWishes(ctx context.Context, wishes ...store.Wish) error {
	return r.do(ctx, "wishes", func(m *Record) error { return m.PutWishes(ctx, wishes...) })
}

func (r *record) AskErasure(ctx context.Context, contact []byte, asked, due time.Time) error {
	return r.do(ctx, "ask erasure", func(m *Record) error { return m.AskErasure(ctx, contact, asked, due) })
}

func (r *record) KeepContact(ctx context.Context, contact []byte) error {
	return r.do(ctx, "keep contact", func(m *Record) error { return m.KeepContact(ctx, contact) })
}

func (r *record) Erase(ctx context.Context, contact []byte, now time.Time) error {
	return r.do(ctx, "erase", func(m *Record) error { return m.Erase(ctx, contact, now) })
}

func (r *record) Remember(ctx context.Context, contact []byte, channel, medium string, hopKey []byte, now time.Time) (store.Remembered, error) {
	return get(ctx, r, "remember", func(m *Record) (store.Remembered, error) {
		return m.Remember(ctx, contact, channel, medium, hopKey, now)
	})
}

func (r *record) WriteBehind(ctx context.Context, traces []store.Trace) error {
	return r.do(ctx, "write behind", func(m *Record) error {
		before := m.draftVersions()
		err := m.WriteBehind(ctx, traces)
		for k, v := range m.draftVersions() {
			if v < before[k] {
				r.p.w.violate("I6: version %d of a draft was replaced by %d", before[k], v)
			}
		}
		return err
	})
}

func (r *record) Leads(ctx context.Context, contact []byte) ([]store.Leader, error) {
	return get(ctx, r, "leads", func(m *Record) ([]store.Leader, error) { return m.Leads(ctx, contact) })
}

func (r *record) PINFailed(ctx context.Context, contact []byte, group string, hopKey []byte) (int, error) {
	return get(ctx, r, "pin failed", func(m *Record) (int, error) { return m.PINFailed(ctx, contact, group, hopKey) })
}

func (r *record) PINPassed(ctx context.Context, contact []byte, group string) error {
	return r.do(ctx, "pin passed", func(m *Record) error { return m.PINPassed(ctx, contact, group) })
}

func (r *record) Unconfirmed(ctx context.Context, contact []byte, group string, now time.Time) (programme.Submission, error) {
	return get(ctx, r, "unconfirmed", func(m *Record) (programme.Submission, error) { return m.Unconfirmed(ctx, contact, group, now) })
}

func (r *record) ReportOf(ctx context.Context, group, month string) (store.Report, error) {
	return get(ctx, r, "report of", func(m *Record) (store.Report, error) { return m.ReportOf(ctx, group, month) })
}

func (r *record) StatusByReference(ctx context.Context, contact []byte, ref programme.Reference) (programme.Status, error) {
	return get(ctx, r, "status", func(m *Record) (programme.Status, error) { return m.StatusByReference(ctx, contact, ref) })
}

func (r *record) AnswerTo(ctx context.Context, contact []byte, ref programme.Reference) (id string, sealed []byte, err error) {
	err = r.do(ctx, "answer to", func(m *Record) (err error) { id, sealed, err = m.AnswerTo(ctx, contact, ref); return err })
	return id, sealed, err
}

func (r *record) Wished(ctx context.Context, contact []byte, purpose string) (given, known bool, err error) {
	err = r.do(ctx, "wished", func(m *Record) (err error) { given, known, err = m.Wished(ctx, contact, purpose); return err })
	return given, known, err
}

func (r *record) Erasing(ctx context.Context, contact []byte) (bool, error) {
	return get(ctx, r, "erasing", func(m *Record) (bool, error) { return m.Erasing(ctx, contact) })
}

func (r *record) Receive(ctx context.Context, in store.Received) (bool, error) {
	return get(ctx, r, "receive", func(m *Record) (bool, error) { return m.Receive(ctx, in) })
}

func (r *record) ReceivePart(ctx context.Context, in store.ReceivedPart) (bool, error) {
	return get(ctx, r, "receive part", func(m *Record) (bool, error) { return m.ReceivePart(ctx, in) })
}

func (r *record) LatestSent(ctx context.Context, contact []byte, channel string, before time.Time) (int64, error) {
	return get(ctx, r, "latest sent", func(m *Record) (int64, error) { return m.LatestSent(ctx, contact, channel, before) })
}

func (r *record) CloseStaleParts(ctx context.Context, before, now time.Time) (int, error) {
	return get(ctx, r, "close parts", func(m *Record) (int, error) { return m.CloseStaleParts(ctx, before, now) })
}

// EachWaiting lets every step of a handling have its own fate, and sees that no
// contact is in two hands.
func (r *record) EachWaiting(ctx context.Context, inboundID string, now func() time.Time, handle func(context.Context, store.Inbound) (store.Answer, error)) error {
	w := r.p.w
	take := func() (hand, error) {
		var h *Hand
		held := false
		defer func() { // a hold that its worker never heard of ends with its connection
			if h != nil && !held {
				h.Release()
			}
		}()
		err := r.do(ctx, "take", func(m *Record) (err error) {
			h, err = m.Take(ctx, inboundID)
			return err
		})
		if err != nil {
			return nil, err
		}
		held = true
		return &hold{r.p, h}, nil
	}
	return eachWaiting(ctx, take, now, func(ctx context.Context, m store.Inbound) (store.Answer, error) {
		who := string(m.Contact)
		w.locked(func() { w.inHand[who]++ })
		defer w.locked(func() { w.inHand[who]-- })
		if w.inHand[who] > 1 && !w.handsDropped() {
			w.violate("I8: two workers have one contact in hand")
		}
		return handle(ctx, m)
	})
}

func (r *record) PutInboxKey(ctx context.Context, day string, wrapped []byte) ([]byte, error) {
	return get(ctx, r, "put inbox key", func(m *Record) ([]byte, error) { return m.PutInboxKey(ctx, day, wrapped) })
}

func (r *record) InboxKey(ctx context.Context, day string) ([]byte, error) {
	return get(ctx, r, "inbox key", func(m *Record) ([]byte, error) { return m.InboxKey(ctx, day) })
}

func (r *record) OldDrafts(ctx context.Context, before time.Time, most int) ([]store.OldDraft, error) {
	return get(ctx, r, "old drafts", func(m *Record) ([]store.OldDraft, error) { return m.OldDrafts(ctx, before, most) })
}

func (r *record) DropDraft(ctx context.Context, d store.OldDraft) error {
	return r.do(ctx, "drop draft", func(m *Record) error { return m.DropDraft(ctx, d) })
}

func (r *record) DueFollowups(ctx context.Context, now time.Time, most int) ([]store.Followup, error) {
	return get(ctx, r, "due followups", func(m *Record) ([]store.Followup, error) { return m.DueFollowups(ctx, now, most) })
}

func (r *record) FollowupSent(ctx context.Context, id string, now time.Time) error {
	return r.do(ctx, "followup sent", func(m *Record) error { return m.FollowupSent(ctx, id, now) })
}

func (r *record) AnswerFollowup(ctx context.Context, contact []byte, said string, since, now time.Time) (bool, error) {
	return get(ctx, r, "answer followup", func(m *Record) (bool, error) { return m.AnswerFollowup(ctx, contact, said, since, now) })
}

func (r *record) QueueOutbound(ctx context.Context, o store.Outgoing, now time.Time) error {
	return r.do(ctx, "queue outbound", func(m *Record) error { return m.QueueOutbound(ctx, o, now) })
}

func (r *record) Projects(ctx context.Context) ([]programme.Project, error) {
	return get(ctx, r, "projects", func(m *Record) ([]programme.Project, error) { return m.Projects(ctx) })
}

func (r *record) Places(ctx context.Context) ([]programme.Place, error) {
	return get(ctx, r, "places", func(m *Record) ([]programme.Place, error) { return m.Places(ctx) })
}

func (r *record) KeepBook(ctx context.Context, hash string, content map[string]string, now time.Time) error {
	return r.do(ctx, "keep book", func(m *Record) error { return m.KeepBook(ctx, hash, content, now) })
}

func (r *record) Book(ctx context.Context, hash string) (map[string]string, error) {
	return get(ctx, r, "book", func(m *Record) (map[string]string, error) { return m.Book(ctx, hash) })
}

func (r *record) Receipt(ctx context.Context, receipt store.Receipt, now time.Time) error {
	return r.do(ctx, "receipt", func(m *Record) error { return m.Receipt(ctx, receipt, now) })
}

func (r *record) ChannelAlive(ctx context.Context, channel string, now time.Time) error {
	return r.do(ctx, "channel alive", func(m *Record) error { return m.ChannelAlive(ctx, channel, now) })
}

func (r *record) KeepUnreadable(ctx context.Context, u store.Unreadable) error {
	return r.do(ctx, "keep unreadable", func(m *Record) error { return m.KeepUnreadable(ctx, u) })
}

// handsDropped reports whether PostgreSQL was restarted within the last minute:
// its locks are gone then, and whoever had one learns it at his next word.
func (w *world) handsDropped() bool {
	for _, s := range w.weather.spells {
		if since := w.Now().Sub(s.from); s.restart && since >= 0 && since < time.Minute {
			return true
		}
	}
	return false
}
