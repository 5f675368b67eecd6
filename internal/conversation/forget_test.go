package conversation_test

import (
	"context"
	"errors"
	"testing"

	"lafia/gateway/message"
	"lafia/internal/conversation"
	"lafia/internal/session"
)

// stumbles fails some saves, or tells so of saves that were done.
type stumbles struct {
	conversation.Sessions
	fails int
	done  bool
}

func (s *stumbles) Save(ctx context.Context, k session.Key, expected uint64, v session.Saved) (bool, error) {
	if s.fails == 0 {
		return s.Sessions.Save(ctx, k, expected, v)
	}
	if s.fails--; s.done {
		if _, err := s.Sessions.Save(ctx, k, expected, v); err != nil {
			return false, err
		}
	}
	return false, errors.New("the connection was reset")
}

// finishes is a feedback whose last hop is saved by what stumbles.
func (b *bench) finishes(s *stumbles) (*phone, message.Reply) {
	b.t.Helper()
	p := b.phone(anna)
	p.dial("")
	p.walk("1", "1", "107", "3", "2", "1", "2")
	b.c.Sessions = s
	last := p.press("la baratte fuit")
	if !last.End {
		b.t.Fatalf("it does not end:\n%s", last.Text)
	}
	return p, last
}

// Behind a session that Redis did not take, a copy of an old key would begin another
// one, and the next copy press a key there (simulation, seeds 51138 and 72484).
func TestLateCopiesOfACallWhoseEndRedisTookAtTheSecondTryGetItsLastScreen(t *testing.T) {
	for name, done := range map[string]bool{"not done": false, "done, and not told": true} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t)
			p, last := b.finishes(&stumbles{b.sess, 1, done})
			for _, text := range []string{"1*1*107", "1*1*107*3*2*1", "1", p.text} {
				p.text = text
				if got := p.send(b.c); got != last {
					t.Errorf("a copy of %q got\n%s", text, got.Text)
				}
			}
			if all := b.submissions(); len(all) != 1 {
				t.Errorf("%d are kept", len(all))
			}
		})
	}
}

// Where Redis takes nothing at all her session of before the run is dropped, and the
// run is not offered again.
func TestARunWhoseEndRedisNeverTakesIsNotOfferedAgain(t *testing.T) {
	b := newBench(t)
	p, _ := b.finishes(&stumbles{b.sess, 2, false})
	b.written()
	b.has(p.dial("").Text, "1 Avis sur un projet")
	if all := b.submissions(); len(all) != 1 {
		t.Errorf("%d are kept", len(all))
	}
}

// Redis forgot her calls, and late copies of an earlier one begin it anew: what she
// pressed then must not be read as a yes to going on, and as answers (simulation, seed
// 88673).
func TestKeysOfALateCopyAreNoYesToGoingOn(t *testing.T) {
	b := newBench(t)
	p := b.phone(anna)
	p.dial("")
	p.walk("1", "1", "107", "3", "2")
	b.written()
	b.flush()
	late := b.phone(anna)
	late.session, late.text = "an earlier call", ""
	const ask = "Vous aviez commence"
	b.has(late.send(b.c).Text, ask)
	late.text = "1*1"
	b.has(late.send(b.c).Text, ask)
	b.has(late.press("1").Text, "rapproche") // one key is hers: she goes on where she was
}
