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

// keepPartial makes a partial submission of a draft that says enough.
func (c *Conversation) keepPartial(ctx context.Context, d store.OldDraft) (bool, error) {
	k := session.Key{Contact: vault.Pseudonym(d.Contact), Channel: d.Channel, Medium: d.Medium}
	l, err := c.openLive(k, d.Sealed)
	if err != nil || l == nil {
		c.Log.Error("an old draft does not open; it is deleted", "channel", d.Channel)
		return false, nil
	}
	r, err := c.unfinishedRun(ctx, k, l, uint64(d.Version), d.ChangedAt)
	if err != nil || r == nil {
		return false, err
	}
	_, err = c.Store.Capture(ctx, *r)
	return err == nil, err
}

// unfinishedRun makes a partial submission of a session's unfinished run; nil when
// it does not say enough. Its run id is the run's, so that one that was finished
// after all is met, not doubled: it makes the row whole. A correction that was begun
// and left is none: the report stands.
func (c *Conversation) unfinishedRun(ctx context.Context, k session.Key, l *live, version uint64, at time.Time) (*store.Run, error) {
	cursor, run := l.Cursor, l.Run
	if u := l.Unfinished; u != nil && !cursor.InFlow() {
		cursor, run = u.Cursor, u.Run
	}
	sub := c.book(ctx, l.Book).Unfinished(cursor)
	if sub == nil || run == "" {
		return nil, nil
	}
	was := *l
	was.Run = run
	t := &trip{c: c, who: caller{key: k, now: at}, live: &was, loaded: session.Loaded{Version: version}}
	t.who.hop = c.Ring.ID("hop", []byte("expired"), []byte(run))
	p := programme.Submission{
		ID: run, Kind: programme.Kind(sub.Kind), Level: programme.Level(sub.Level), Status: programme.New, Reference: c.reference(run),
		Channel: k.Channel, Medium: k.Medium, Language: l.Language, Answers: sub.Answers, Text: sub.Text,
		Confirmed: true, Partial: true, ReceivedAt: at,
	}
	if err := t.locate(ctx, &p); err != nil {
		return nil, err
	}
	if t.corrects != "" && !cursor.Line {
		return nil, nil
	}
	t.finished = &finished{sub: p}
	if t.finished.sub.Level = t.protect(p.Level, p.Text); t.finished.sub.Level == programme.L3 {
		t.finished.body = t.confide(t.finished.sub, "words")
	}
	r, err := t.run()
	if err != nil {
		return nil, err
	}
	return &r, nil
}
