package app_test

import (
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"lafia/gateway/message"
	"lafia/internal/app"
	"lafia/internal/programme"
	"lafia/internal/store"
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
			await(t, 20*time.Second, "every reply to be sent", func() bool {
				out, err := storetest.Outbound(t.Context(), w.record)
				must(t, err)
				return !slices.ContainsFunc(out, func(o store.Outbound) bool { return o.State != "sent" })
			})
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

// TestAGatewayThatSleepsOverAHopWakesWithoutHarm holds one gateway between
// reading a session and saving it, at every hop of a walk, while the same hop and
// the next one go to another gateway.
func TestAGatewayThatSleepsOverAHopWakesWithoutHarm(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	var asleep atomic.Pointer[chan struct{}]
	slept := make(chan struct{}, 1)
	sleepy := w.start(t, func(o *app.Options) {
		o.Point = func(name string) {
			if c := asleep.Swap(nil); name == "loaded" && c != nil {
				slept <- struct{}{}
				<-*c
			}
		}
	})
	awake := w.start(t)
	for hop := range 9 {
		walk := newWalk(t, programme.Feedback, languages[hop%3], message.USSD, canary(hop))
		p := newPhone(t, walk.number, awake.URL())
		late := make(chan answer, 1)
		var wake chan struct{}
		n := 0
		s := p.dial("")
		for ; !walk.finished(s); n++ {
			p.typed(walk.reply(t, ussd{p}, s))
			if n == hop {
				wake = make(chan struct{})
				asleep.Store(&wake)
				copied := *p
				go func() { late <- copied.hop(sleepy.URL()) }()
				<-slept
			}
			s = p.show()
			if n == hop+1 || n == hop && s.end {
				close(wake)
				if a := <-late; a.err != nil || a.status != 200 {
					t.Fatalf("the late hop got HTTP %d, %v", a.status, a.err)
				} else if got, err := screenOf(a); err != nil || got != s {
					t.Errorf("the late hop got\n%s\nthe current screen is\n%s", got.text, s.text)
				}
			}
			if n > 40 {
				t.Fatalf("no end: %s", s.text)
			}
		}
		walk.check(t, w.record, w.ring, reference(s))
		if hop >= n {
			break // the walk has no such hop
		}
	}
}

// TestOnTwoGatewaysWithoutMemoryARunIsStillOne empties Redis before every hop,
// and sends each hop to two gateways at once: both begin at the draft, and both
// come to the same run.
func TestOnTwoGatewaysWithoutMemoryARunIsStillOne(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	first, second := w.start(t), w.start(t)
	rdb := redis.NewClient(&redis.Options{Network: "unix", Addr: w.redis, DisableIdentity: true})
	t.Cleanup(func() { _ = rdb.Close() })
	const callers = 12
	walks, phones, screens := make([]walk, callers), make([]*phone, callers), make([]screen, callers)
	for i := range callers {
		walks[i] = newWalk(t, []programme.Kind{programme.Feedback, programme.Tension}[i%2], languages[i%3], message.USSD, canary(i))
		phones[i] = newPhone(t, walks[i].number, first.URL(), second.URL())
		screens[i] = phones[i].dial("")
		screens[i] = phones[i].press(walks[i].reply(t, ussd{phones[i]}, screens[i]))
		phones[i].deliver = toTwoGateways
	}
	time.Sleep(2100 * time.Millisecond) // the drafts are in the record: at the menu
	for range 20 {                      // longer than any conversation
		must(t, rdb.FlushAll(t.Context()).Err())
		var wg sync.WaitGroup
		for i, walk := range walks {
			if walk.finished(screens[i]) {
				continue
			}
			p := phones[i]
			p.typed(walk.reply(t, ussd{p}, screens[i]))
			wg.Go(func() {
				a, err := p.deliver(p.hop, p.gateways)
				if err != nil {
					t.Errorf("hop %q: %v", p.text, err)
				}
				if screens[i], err = screenOf(a); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		if t.Failed() {
			return
		}
	}
	for i, walk := range walks {
		walk.check(t, w.record, w.ring, reference(screens[i]))
	}
}
