package conversation

import (
	"context"
	"encoding/json"
	"fmt"

	"lafia/gateway/message"
	"lafia/internal/flow"
	"lafia/internal/programme"
	"lafia/internal/screen"
	"lafia/internal/session"
	"lafia/internal/store"
)

// finished is a run on its way into the record.
type finished struct {
	sub    programme.Submission
	body   *programme.ConfidentialBody // L3 only
	screen flow.Screen                 // its last screen, to be laid out again should the reference change
}

// notSaved says that a run could not be made durable: the caller is told so in
// her language, and nothing of the session moves.
type notSaved struct {
	language string
	cause    error
}

func (e *notSaved) Error() string { return "not saved: " + e.cause.Error() }
func (e *notSaved) Unwrap() error { return e.cause }

// finish settles what a run says and lays its last screen out. The reference is
// derived, so this comes before the commit.
func (t *trip) finish(ctx context.Context, sub *flow.Submission, s flow.Screen) error {
	p := programme.Submission{
		ID: t.live.Run, Kind: programme.Kind(sub.Kind), Level: programme.Level(sub.Level), Status: programme.New,
		Reference: t.c.reference(t.live.Run), Channel: t.who.key.Channel, Medium: t.who.key.Medium, Language: t.live.Language,
		Answers: sub.Answers, Text: sub.Text, Confirmed: true, SentAt: t.who.in.SentAt, ReceivedAt: t.who.now,
	}
	if err := t.locate(ctx, &p); err != nil {
		return err
	}
	if p.Kind == programme.Progress {
		leftover(&p)
		s = t.c.reportReply(t.who.key, p.Answers, s)
	}
	f := &finished{screen: s}
	p.Level = t.protect(p.Level, p.Text)
	if p.Level == programme.L3 {
		f.body = t.confide(p, "menu")
		if p.Kind != programme.Confidential {
			f.body.Source = "words"
		} else {
			f.body.Number = t.who.number.Reveal()
		}
	}
	f.sub = p
	t.finished = f
	t.live.Said = p.Level == programme.L1
	t.live.Shown = t.c.layoutEnd(t.live.Language, t.who.key, s, p.Reference)
	return nil
}

// protect raises a level where the words may be for the focal points alone.
func (t *trip) protect(level programme.Level, text string) programme.Level {
	switch {
	case !programme.LooksConfidential(text):
		return level
	case t.c.Ring.HasConfidential():
		return programme.L3
	}
	return programme.Higher(level, programme.L2)
}

func (t *trip) confide(p programme.Submission, source string) *programme.ConfidentialBody {
	return &programme.ConfidentialBody{
		Source: source, Channel: p.Channel, Medium: p.Medium, Language: p.Language, Kind: p.Kind,
		Answers: p.Answers, Text: p.Text, ReceivedAt: p.ReceivedAt,
	}
}

// locate puts project, place, region and group of a submission into their
// columns, which scopes and filters read.
func (t *trip) locate(ctx context.Context, p *programme.Submission) error {
	if code := p.Answers["project"]; code != "" {
		if pr, ok := t.c.programme.Load().Project(code); ok {
			p.Project, p.Place, p.Region = pr.Code, pr.Place, pr.Region
		}
		delete(p.Answers, "project")
	}
	if place, ok := p.Answers["place"]; ok {
		if place != "" {
			p.Place, p.Region = place, programme.Region(place)
		}
		delete(p.Answers, "place")
	}
	if p.Kind == programme.Progress {
		leads, err := t.leaders(ctx)
		if err != nil {
			return err
		}
		for _, l := range leads {
			if l.Group == p.Answers["group"] {
				p.Group, p.Region, p.Place, p.Project = l.Group, l.Region, l.Place, l.Project
			}
		}
		delete(p.Answers, "group")
		r, err := t.report(ctx, p.Group, p.Answers["month"])
		switch {
		case err == nil && r.First != p.ID:
			t.corrects = r.First
		case err != nil && !store.IsNotFound(err):
			return err
		}
		// The SMS has no PIN: the report waits for USSD or staff to confirm it.
		p.Confirmed = t.who.key.Medium != string(message.SMS)
	}
	return nil
}

// layout lays a screen out in a language, as the caller's channel carries it.
func (c *Conversation) layout(s flow.Screen, language string, k session.Key) screen.Shown {
	o := c.Channel(k.Channel)
	words, limits := c.Words.Words(language), screen.For(k.Medium)
	if o.Unfolded {
		words = words.Unfolded()
	}
	if k.Medium == string(message.USSD) {
		limits = limits.Within(o.USSDSeptets)
	}
	return screen.Layout(s, words, limits)
}

func (c *Conversation) layoutEnd(language string, k session.Key, s flow.Screen, ref programme.Reference) screen.Shown {
	say := make([]flow.Line, len(s.Say))
	for i, l := range s.Say {
		args := map[string]string{"reference": ref.String()}
		for k, v := range l.Args {
			args[k] = v
		}
		l.Args = args
		say[i] = l
	}
	s.Say = say
	return c.layout(s, language, k)
}

// endScreen is the last screen of a run that was committed before, when all else
// about it is gone.
func (c *Conversation) endScreen(l *live, k session.Key, r store.Remembered) screen.Shown {
	key := "done.thanks"
	if k.Medium == string(message.SMS) {
		key = "sms.ack"
	}
	if r.HopConfidential && k.Medium == string(message.USSD) {
		key = "confidential.done"
	}
	last := c.reportReply(k, r.HopReport, flow.Screen{Say: []flow.Line{{Key: key}}})
	return c.layoutEnd(l.Language, k, last, c.reference(r.HopRun))
}

// commit makes what a hop says durable before anything else moves: in the record,
// or in the spool. An outcome that isn't known is settled by committing the same
// once more, with the same ids, and then by the spool.
func (t *trip) commit(ctx context.Context) error {
	if err := t.keepWishes(ctx); err != nil {
		return &notSaved{language: t.live.Language, cause: err}
	}
	if t.confirms != "" {
		d := deed{Confirm: &confirmation{Contact: t.who.key.Contact[:], ID: t.confirms, At: t.who.now}}
		if _, err := t.keep(ctx, "confirmation", d); err != nil {
			return &notSaved{language: t.live.Language, cause: err}
		}
	}
	if t.finished != nil {
		if err := t.keepRun(ctx); err != nil {
			return &notSaved{language: t.live.Language, cause: err}
		}
	}
	if t.durable() {
		t.c.Point("committed")
	}
	return nil
}

// durable reports whether the commit kept something that would be there twice, were
// she asked for it again.
func (t *trip) durable() bool { return t.finished != nil || len(t.calls) > 0 }

// keepRun makes the finished run durable, and shows the reference that it got.
func (t *trip) keepRun(ctx context.Context) error {
	r, err := t.run()
	if err != nil {
		return err
	}
	captured, err := t.keep(ctx, "run", deed{Run: &r})
	if err != nil {
		return err
	}
	if captured.RunID != t.live.Run {
		t.live.Run = captured.RunID
		t.live.Shown = t.c.layoutEnd(t.live.Language, t.who.key, t.finished.screen, t.c.reference(captured.RunID))
		last := t.live.reply()
		last.Key = t.live.Last.Key
		t.live.Last = last
	}
	return nil
}

func (t *trip) content() []byte {
	p := t.finished.sub
	said := []any{p.Kind, p.Project, p.Place, p.Group, p.Answers, p.Text}
	if p.Partial { // the whole of it is another content, even where nothing was left to say
		said = append(said, "partial")
	}
	b, _ := json.Marshal(said) // strings and maps of strings: it can't fail
	id := t.c.Ring.ID("content", b)
	return id[:]
}

// run seals the finished run as it goes into the record. Of a confidential one
// nothing is beside its sealed body but what tells its sender of it.
func (t *trip) run() (store.Run, error) {
	p := t.finished.sub
	identity := t.c.Ring.ID("run-identity", []byte(p.ID))
	r := store.Run{
		RunKey: identity[:], HopKey: t.who.hop[:], ContentHMAC: t.content(), Submission: p,
		Contact: t.who.key.Contact[:], DraftVersion: t.loaded.Version + 1,
		Corrects: t.corrects, Altered: t.who.altered, Also: t.also(p),
	}
	if f := t.c.book(context.Background(), t.live.Book).Flows[t.live.Cursor.Flow]; f != nil {
		r.Completes = len(f.Partial) > 0 && !p.Partial
	}
	if t.open {
		r.DraftVersion = t.loaded.Version // her draft goes on
	}
	switch {
	case t.finished.body != nil:
		plain, err := json.Marshal(t.finished.body)
		if err != nil {
			return r, fmt.Errorf("writing a confidential body: %w", err)
		}
		if r.Sealed, err = t.c.Ring.SealConfidential(plain); err != nil {
			return r, err
		}
		r.Submission = programme.Submission{ID: p.ID, Level: p.Level, Reference: p.Reference, Channel: p.Channel, Medium: p.Medium, ReceivedAt: p.ReceivedAt}
	case p.Text != "":
		r.Sealed = t.c.Ring.Seal([]byte(p.Text), "submission/"+p.ID)
	}
	r.Submission.Text = ""
	return r, nil
}
