package conversation

import (
	"context"
	"time"

	"lafia/internal/programme"
	"lafia/internal/session"
	"lafia/internal/store"
	"lafia/internal/vault"
)

const (
	// expireAfter is how long after a draft's life ended it is looked at: a hop that
	// took it up in its last second has been written by then.
	expireAfter = time.Minute
	// expireMost bounds the drafts of one round.
	expireMost = 500
)

// Expire ends the drafts whose life is over: one that says enough becomes a
// partial submission, marked so, and any other is deleted. It gives how many
// became submissions.
func (c *Conversation) Expire(ctx context.Context) (int, error) {
	old, err := c.Store.OldDrafts(ctx, c.Now().Add(-expireAfter), expireMost)
	if err != nil {
		return 0, err
	}
	kept := 0
	for _, d := range old {
		ok, err := c.keepPartial(ctx, d)
		if err != nil {
			return kept, err
		}
		if ok {
			kept++
			continue // its capture has ended the draft
		}
		if err := c.Store.DropDraft(ctx, d); err != nil {
			return kept, err
		}
	}
	return kept, nil
}

// keepPartial makes a partial submission of a draft that says enough. Its run id
// is the draft's, so that a run that was finished after all is met, not doubled.
func (c *Conversation) keepPartial(ctx context.Context, d store.OldDraft) (bool, error) {
	who := caller{now: c.Now(), key: session.Key{Contact: vault.Pseudonym(d.Contact), Channel: d.Channel, Medium: d.Medium}}
	l, err := c.openLive(who.key, d.Sealed)
	if err != nil || l == nil {
		c.Log.Error("an old draft does not open; it is deleted", "channel", d.Channel)
		return false, nil
	}
	cursor, run := l.Cursor, l.Run
	if u := l.Unfinished; u != nil && !cursor.InFlow() {
		cursor, run = u.Cursor, u.Run
	}
	sub := c.book(ctx, l.Book).Unfinished(cursor)
	if sub == nil || run == "" {
		return false, nil
	}
	who.hop = c.Ring.ID("hop", []byte("expired"), []byte(run))
	t := &trip{c: c, who: who, live: l, loaded: session.Loaded{Version: uint64(d.Version)}}
	t.live.Run = run
	p := programme.Submission{
		ID: run, Kind: programme.Kind(sub.Kind), Level: programme.Level(sub.Level), Status: programme.New, Reference: c.reference(run),
		Channel: d.Channel, Medium: d.Medium, Language: l.Language, Answers: sub.Answers, Text: sub.Text,
		Confirmed: true, Partial: true, ReceivedAt: d.ChangedAt,
	}
	if err := t.locate(ctx, &p); err != nil {
		return false, err
	}
	if p.Level = t.protect(p.Level, p.Text); p.Level == programme.L3 {
		t.finished = &finished{sub: p, body: t.confide(p, "words")}
	} else {
		t.finished = &finished{sub: p}
	}
	r, err := t.run()
	if err != nil {
		return false, err
	}
	_, err = c.Store.Capture(ctx, r)
	return err == nil, err
}
