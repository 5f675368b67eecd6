package conversation

import (
	"context"
	"errors"
	"time"

	"lafia/internal/flow"
	"lafia/internal/programme"
	"lafia/internal/store"
)

const (
	// consentLife is how long a number is kept with consent after it was last used
	// (context.md 5.4).
	consentLife = 365 * 24 * time.Hour
	// askAgainAfter is when a tension is asked about once more (context.md 2.3).
	askAgainAfter = 14 * 24 * time.Hour
	// eraseAfter is how long EFFACER by SMS waits: whoever holds the phone for a
	// moment must not be able to destroy what she said (reliability.md T4).
	eraseAfter = 7 * 24 * time.Hour
)

// wish is one yes or no of this hop.
type wish struct {
	purpose string
	given   bool
}

// called is a wish of this hop to be called back.
type called struct{ flow, state string }

// consents notes a yes or no to be made durable with this hop.
func (t *trip) consents(purpose string, given bool) {
	t.wishes = append(t.wishes, wish{purpose, given})
	if purpose == "answer" {
		t.contact.Answer, t.fresh = "no", true
		if given {
			t.contact.Answer = "yes"
		}
	}
}

// sealedNumber seals the number of the caller for the vault; nil where the hop
// came without one (an SMS that was handled later keeps its own).
func (t *trip) sealedNumber() []byte {
	if !t.who.number.IsPhone() {
		return nil
	}
	return t.c.Ring.Seal([]byte(t.who.number.Reveal()), numberBound(t.who.key.Contact[:]))
}

// keepWishes makes what she agreed to, what she asked for and how she wants to be
// forgotten durable, before anything else of the hop.
func (t *trip) keepWishes(ctx context.Context) error {
	if len(t.wishes) > 0 {
		list := make([]store.Wish, 0, len(t.wishes))
		for _, w := range t.wishes {
			s := store.Wish{
				Contact: t.who.key.Contact[:], Purpose: w.purpose, Given: w.given, At: t.who.when(), Medium: t.who.key.Medium,
				Words: t.live.Book + "/" + t.live.Language,
			}
			if w.given {
				s.Number, s.NumberUntil = t.sealedNumber(), t.who.now.Add(consentLife)
			}
			list = append(list, s)
		}
		if _, err := t.keep(ctx, "wishes", deed{Wishes: list}); err != nil {
			return err
		}
	}
	t.keepLeft(ctx)
	for _, call := range t.calls {
		if err := t.askCall(ctx, call); err != nil {
			return err
		}
	}
	if t.erase == "" {
		return nil
	}
	t.erased = t.erase == "now"
	_, err := t.keep(ctx, "erasure", deed{Erasure: &erasure{Contact: t.who.key.Contact[:], How: t.erase, At: t.who.now}})
	return err
}

// keepLeft keeps a run that was left as far as it goes. She who dials is not kept
// waiting for it, nor refused.
func (t *trip) keepLeft(ctx context.Context) {
	if t.left == nil {
		return
	}
	r, err := t.c.unfinishedRun(ctx, t.who.key, t.left, t.loaded.Version, t.who.now)
	if err == nil && r != nil {
		_, err = t.keep(ctx, "left", deed{Run: r})
	}
	if err != nil {
		t.c.Log.Warn("a run that was left could not be kept in part", "error", store.Class(err))
	}
}

// askCall keeps her wish to be called back as an open message of its own, with
// where she was and what she had answered there; her run goes on.
func (t *trip) askCall(ctx context.Context, call called) error {
	run := t.c.Ring.ID("run", t.who.hop[:], []byte("call")).UUID()
	p := programme.Submission{
		ID: run, Kind: programme.Open, Level: programme.L1, Status: programme.New, Reference: t.c.reference(run),
		Channel: t.who.key.Channel, Medium: t.who.key.Medium, Language: t.live.Language,
		Answers:   map[string]string{callAnswer: "yes", "at": call.flow + "/" + call.state},
		Confirmed: true, SentAt: t.who.in.SentAt, ReceivedAt: t.who.now,
	}
	t.placeCall(ctx, &p)
	identity, hop := t.c.Ring.ID("run-identity", []byte(run)), t.c.Ring.ID("hop", t.who.hop[:], []byte("call"))
	content := t.c.Ring.ID("content", []byte(call.flow+"/"+call.state))
	r := store.Run{
		RunKey: identity[:], HopKey: hop[:], ContentHMAC: content[:], Submission: p, Contact: t.who.key.Contact[:],
		DraftVersion: t.loaded.Version, // her draft goes on
		Also:         &store.Also{Language: t.live.Language, Number: t.sealedNumber(), NumberUntil: t.who.now.Add(consentLife)},
	}
	_, err := t.keep(ctx, "call", deed{Run: &r})
	return err
}

// placeCall puts a call-back where the people answer who know of it: the project
// or the place that she has named already, or her group's.
func (t *trip) placeCall(ctx context.Context, p *programme.Submission) {
	a := t.live.Cursor.Answers
	if pr, ok := t.c.programme.Load().Project(a["project"]); ok {
		p.Project, p.Place, p.Region = pr.Code, pr.Place, pr.Region
		return
	}
	if place := a["place"]; place != "" {
		p.Place, p.Region = place, programme.Region(place)
		return
	}
	if group := a["group"]; group != "" {
		leads, err := t.leaders(ctx)
		if err != nil {
			return // where it belongs is a help, not a condition
		}
		for _, l := range leads {
			if l.Group == group {
				p.Group, p.Project, p.Place, p.Region = l.Group, l.Project, l.Place, l.Region
			}
		}
	}
}

// also gives what a run leaves beside its row, nil for nothing.
func (t *trip) also(p programme.Submission) *store.Also {
	a := store.Also{}
	if t.fresh && t.live.Language != "" {
		a.Language = t.live.Language // it may not be in the record yet
	}
	if p.Kind == programme.Tension && p.Place != "" {
		a.LastPlace = p.Place
		t.contact.LastPlace, t.fresh = p.Place, true
	}
	if p.Kind == programme.Tension && p.Answers["again"] == "yes" {
		a.AskAgain = p.ReceivedAt.Add(askAgainAfter)
	}
	if p.Answers[callAnswer] == "yes" {
		a.Number, a.NumberUntil = t.sealedNumber(), p.ReceivedAt.Add(consentLife)
	}
	if a.Language == "" && a.LastPlace == "" && a.AskAgain.IsZero() && a.NumberUntil.IsZero() {
		return nil
	}
	return &a
}

// consent answers whether she has said yes or no to a purpose.
func (t *trip) consent(ctx context.Context, purpose string) (flow.Fact, error) {
	if purpose == "answer" {
		return flow.Fact{OK: t.contact.Answer != "", Args: map[string]string{"given": t.contact.Answer}}, nil
	}
	var given, known bool
	err := t.ask(ctx, func(ctx context.Context) (err error) {
		given, known, err = t.c.Store.Wished(ctx, t.who.key.Contact[:], purpose)
		return err
	})
	if err != nil && !errors.Is(err, errAway) { // away: she is asked, perhaps again
		return flow.Fact{}, err
	}
	f := flow.Fact{OK: known, Args: map[string]string{"given": "no"}}
	if given {
		f.Args["given"] = "yes"
	}
	return f, nil
}
