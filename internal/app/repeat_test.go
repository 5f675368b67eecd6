package app_test

import (
	"fmt"
	"testing"
	"time"

	"lafia/gateway/message"
	"lafia/internal/programme"
	"lafia/internal/store/storetest"
)

// TestEveryRequestRepeatedMakesOneOfEverything plays all conversations again,
// delivered as aggregators deliver on a bad day.
func TestEveryRequestRepeatedMakesOneOfEverything(t *testing.T) {
	t.Parallel()
	for _, how := range []struct {
		name     string
		delivery delivery
	}{
		{"twice in a row", twice},
		{"twice at once", twiceAtOnce},
		{"at once to two gateways", toTwoGateways},
	} {
		t.Run(how.name, func(t *testing.T) {
			w := newWorld(t)
			first, second := w.start(t), w.start(t)
			leaders := apart(w.programme.Leaders)
			n := 0
			t.Run("walks", func(t *testing.T) {
				for _, medium := range []message.Medium{message.USSD, message.SMS} {
					for _, language := range languages {
						for _, kind := range []programme.Kind{programme.Feedback, programme.Tension, programme.Progress} {
							walk := newWalk(t, kind, language, medium, canary(n))
							if kind == programme.Progress {
								l := leaders[n/3]
								walk.number = l.Phone
								walk = walk.lead(l.Group, l.PIN)
							}
							n++
							t.Run(fmt.Sprintf("%s %s %s", kind, language, medium), func(t *testing.T) {
								t.Parallel()
								p := newPhone(t, walk.number, first.URL(), second.URL())
								p.deliver = how.delivery
								ref := reference(walk.play(t, p.on(medium), nil))
								walk.check(t, w.record, w.ring, ref)
								if medium == message.SMS {
									return
								}
								// The last hop once more, an earlier one, and the first: nothing moves.
								last := p.show()
								for _, text := range []string{walk.project, ""} {
									late := *p
									late.text = text
									if again := late.show(); again != last {
										t.Errorf("a late hop got\n%s\nthe last screen is\n%s", again.text, last.text)
									}
								}
								walk.check(t, w.record, w.ring, ref)
							})
						}
					}
				}
			})
			await(t, 10*time.Second, "every message to be handled", func() bool {
				waiting, err := w.record.Waiting(t.Context())
				must(t, err)
				return waiting == 0
			})
			out, err := storetest.Outbound(t.Context(), w.record)
			must(t, err)
			for _, o := range out {
				if o.State != "sent" {
					t.Errorf("a reply is %s", o.State)
				}
			}
			total, err := w.record.CountSubmissions(t.Context(), false)
			must(t, err)
			examples, err := w.record.CountSubmissions(t.Context(), true)
			must(t, err)
			if total-examples != n {
				t.Errorf("%d submissions of %d walks", total-examples, n)
			}
		})
	}
}
