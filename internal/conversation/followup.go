package conversation

import (
	"context"
	"strings"
	"time"

	"lafia/internal/flow"
	"lafia/internal/sms"
	"lafia/internal/store"
)

// followupLife is how long an answer to a follow-up is waited for.
const followupLife = 14 * 24 * time.Hour

// followupMost bounds the follow-ups of one round.
const followupMost = 200

// AskAgain sends the follow-ups that are due: once each, to who agreed, about
// what is ordinary and not closed. It gives how many.
func (c *Conversation) AskAgain(ctx context.Context) (int, error) {
	due, err := c.Store.DueFollowups(ctx, c.Now(), followupMost)
	if err != nil {
		return 0, err
	}
	for _, f := range due {
		id := c.Ring.ID("outbound", []byte("followup"), []byte(f.SubmissionID)).UUID()
		text := c.Words.Words(f.Language).Folded("sms.again", nil)
		o := store.Outgoing{
			ID: id, Contact: f.Contact, Channel: f.Channel, Class: "reminder", Purpose: "followup",
			Sealed: c.Ring.Seal([]byte(text), "outbound/"+id),
		}
		if err := c.Store.QueueOutbound(ctx, o, c.Now()); err != nil {
			return 0, err
		}
		if err := c.Store.FollowupSent(ctx, f.SubmissionID, c.Now()); err != nil {
			return 0, err
		}
	}
	return len(due), nil
}

var followupWords = map[string]string{"1": "better", "2": "same", "3": "worse"}

// followup takes a message as the answer to a follow-up that she was sent, if one
// waits.
func (t *trip) followup(ctx context.Context, m sms.Message) (bool, error) {
	said := followupWords[strings.Trim(t.who.in.Text, " .)")]
	if m.Kind == sms.Yes {
		said = "better"
	}
	if said == "" {
		return false, nil
	}
	ok, err := t.c.Store.AnswerFollowup(ctx, t.who.key.Contact[:], said, t.who.when().Add(-followupLife), t.who.when())
	if ok {
		t.note = flow.Line{Key: "help.bye"}
	}
	return ok, err
}

// followed takes a digit, where something is asked, as her answer to a follow-up
// that came since; done is false when none did.
func (t *trip) followed(ctx context.Context, _ sms.Message) (done bool, err error) {
	said := followupWords[strings.Trim(t.who.in.Text, " .)")]
	if said == "" {
		return false, nil
	}
	ok, err := t.c.Store.AnswerFollowup(ctx, t.who.key.Contact[:], said, t.live.At, t.who.when())
	if ok {
		t.note = flow.Line{Key: "help.bye"}
	}
	return ok, err
}
