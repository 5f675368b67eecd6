package fakeaggregator_test

import (
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"lafia/internal/fakeaggregator"
	"lafia/internal/servers/serverstest"
)

// The scenarios of docs/reliability.md, each ending in Verify. C numbers are
// those of its table.

func TestCallersWhoAreTreatedWellViolateNothing(t *testing.T) {
	l := newLab(t, "")
	l.start()
	l.play(fakeaggregator.Options{Callers: 80})
	r := l.holds()
	if r.Summary.Finished < 60 {
		t.Errorf("only %d finished: %v", r.Summary.Finished, r.Summary.Runs)
	}
}

// C1: 20 % duplicated, reordered, delayed; 5,000 hops.
func TestAFifthDuplicatedReorderedDelayed(t *testing.T) {
	l := newLab(t, "duplicate=0.2,reorder=0.2,delay=0.2,drop=0.05,hangup=0.03,twice=0.2,session=0.03,encoding=0.3")
	l.start()
	l.play(fakeaggregator.Options{Callers: 400, Runs: 3, Hops: 5000})
	r := l.holds()
	if r.Summary.Hops < 3000 {
		t.Errorf("only %d hops", r.Summary.Hops)
	}
}

// C7: each hop to two gateways at once.
func TestEachHopToTwoGatewaysAtOnce(t *testing.T) {
	l := newLab(t, "both=1", "africastalking", "external")
	l.start()
	l.start()
	l.play(fakeaggregator.Options{Callers: 120})
	l.holds()
}

// C4: Redis emptied three times, and killed once.
func TestRedisEmptiedAndKilled(t *testing.T) {
	pair := serverstest.Start(t)
	must(t, fill(pair.PostgresURL()))
	l := labOn(t, pair.PostgresURL(), "duplicate=0.05,drop=0.02", "africastalking", "external")
	l.redis = pair.RedisSocket()
	l.start()
	rdb := redis.NewClient(&redis.Options{Network: "unix", Addr: l.redis, DisableIdentity: true})
	t.Cleanup(func() { _ = rdb.Close() })
	done := make(chan struct{})
	go func() {
		defer close(done)
		l.play(fakeaggregator.Options{Callers: 150, Runs: 20, For: 9 * time.Second, Connections: 24})
	}()
	for range 3 {
		time.Sleep(2 * time.Second)
		l.ledger.During("redis", func() { must(t, rdb.FlushAll(t.Context()).Err()) })
	}
	l.ledger.During("redis", func() {
		_, pid := pair.PIDs()
		must(t, syscall.Kill(pid, syscall.SIGKILL))
		for rdb.Ping(t.Context()).Err() != nil || func() bool { _, now := pair.PIDs(); return now == pid }() {
			time.Sleep(10 * time.Millisecond)
		}
	})
	<-done
	r := l.holds()
	if r.Summary.Finished < 100 {
		t.Errorf("only %d finished: %v", r.Summary.Finished, r.Summary.Runs)
	}
}

// C9: the provider loses answers, fails, throttles, and reports first.
func TestAProviderThatLosesAnswers(t *testing.T) {
	l := newLab(t, "throttle=0.05,error=0.1,silent=0.1,late=0.1,early=0.3,again=0.2,backwards=0.2,duplicate=0.1", "africastalking", "external")
	l.start()
	l.play(fakeaggregator.Options{Callers: 120, Mix: []fakeaggregator.Share{
		{Role: fakeaggregator.Converse, Weight: 4}, {Role: fakeaggregator.Open, Weight: 5}, {Role: fakeaggregator.Stop, Weight: 2}, {Role: fakeaggregator.Grave, Weight: 1},
	}})
	r := l.holds()
	for _, how := range []string{"error", "silent", "late", "ok"} {
		if r.Summary.Sends[how] == 0 {
			t.Errorf("no send was answered by %s: %v", how, r.Summary.Sends)
		}
	}
}

// C12: 64 connections, thousands of posts, nonces.
func TestThousandsAtOnceStayThemselves(t *testing.T) {
	l := newLab(t, "duplicate=0.05")
	l.start()
	o, posts := fakeaggregator.Options{Callers: 600, Connections: 64}, 4000
	if chaos() {
		o.Runs, posts = 5, 20_000
	}
	l.play(o)
	r := l.holds()
	if r.Summary.Requests < posts {
		t.Errorf("only %d posts", r.Summary.Requests)
	}
}

// hop makes a hop of one caller on africastalking, whose text is the whole one.
func (l *lab) hop(session, text string) string {
	l.t.Helper()
	resp, err := http.PostForm(l.gateways[0]+"/webhooks/africastalking/ussd?token=dev", url.Values{
		"sessionId": {session}, "serviceCode": {"*384#"}, "phoneNumber": {"+22399000001"}, "text": {text},
	})
	must(l.t, err)
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	must(l.t, err)
	return string(b)
}

// A dial of a session that she gave up, and that comes behind the dial of her next
// one, must not take that one's place (reliability.md F6).
func TestALateDialTakesNobodysPlace(t *testing.T) {
	l := newLab(t, "", "africastalking")
	l.start()
	first := l.hop("second", "")
	l.hop("first", "") // given up before, and late
	if menu := l.hop("second", "1"); menu == first {
		t.Errorf("she chose her language, and is asked for it again:\n%s", menu)
	}
}

// Nor must it where she was in a third one before these two. It happens when a
// gateway wakes up and finds both dials in its sockets (C24).
func TestALateDialTakesNobodysPlaceBehindACallThatWasBegun(t *testing.T) {
	l := newLab(t, "", "africastalking")
	l.start()
	l.hop("first", "")
	l.hop("first", "1")
	l.hop("first", "1*1")
	resume := l.hop("third", "")
	l.hop("second", "") // given up before, and late
	if next := l.hop("third", "1"); next == resume {
		t.Errorf("she wants to go on, and is asked for it again:\n%s", next)
	}
}

// What she writes holds the sign between inputs. Behind a session that was lost it
// may be several that are late, so it is asked for once more, and then taken.
func TestWordsWithAnAsteriskAreTakenBehindALostSession(t *testing.T) {
	l := newLab(t, "", "africastalking")
	l.start()
	rdb := redis.NewClient(&redis.Options{Network: "unix", Addr: l.redis, DisableIdentity: true})
	t.Cleanup(func() { _ = rdb.Close() })
	l.hop("first", "")
	l.hop("first", "1")
	must(t, rdb.FlushAll(t.Context()).Err())
	text := "1*101"
	if menu := l.hop("second", text); !strings.Contains(menu, "perdue") {
		t.Fatalf("no apology:\n%s", menu)
	}
	for _, input := range []string{"1", "101", "3", "2", "1", "2"} {
		text += "*" + input
		l.hop("second", text)
	}
	text += "*il manque *2* bidons"
	if again := l.hop("second", text); !strings.HasPrefix(again, "CON") {
		t.Errorf("what may be late is taken at once:\n%s", again)
	}
	if last := l.hop("second", text+"*il manque *2* bidons"); !strings.HasPrefix(last, "END") {
		t.Errorf("her words are not taken:\n%s", last)
	}
}

func TestAChannelThatIsNotSyntheticIsRefused(t *testing.T) {
	l := newLab(t, "")
	l.channels[0].Synthetic = false
	err := fakeaggregator.Run(t.Context(), fakeaggregator.Options{
		Gateways: []string{"http://127.0.0.1:1"}, Channels: l.channels, World: l.world, Ledger: l.ledger, Callers: 1,
	})
	if err == nil || !slices.Contains([]string{`channel "africastalking" is not synthetic: what is played on it would stand among what people say`}, fmt.Sprint(err)) {
		t.Errorf("got %v", err)
	}
}
