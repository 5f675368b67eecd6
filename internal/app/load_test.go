package app_test

import (
	"fmt"
	"net/http"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"lafia/gateway/message"
	"lafia/internal/programme"
)

// TestTwoThousandAtOnceStayTwoThousandPeople posts from 2,000 phones at once,
// each with words of its own: nobody's become another's, nobody is lost. Who is
// told that all lines are taken comes again, each time a little later, as an
// aggregator and a caller do.
func TestTwoThousandAtOnceStayTwoThousandPeople(t *testing.T) {
	t.Parallel()
	const people = 2000
	w := newWorld(t)
	a := w.start(t)
	number := func(i int) string { return fmt.Sprintf("+223800%05d", i) }
	words := func(i int) string { return fmt.Sprintf("la case numero %d a besoin d'eau", i) }
	begin := make(chan struct{})
	var wg sync.WaitGroup
	busy := make([]int, people)
	for i := range people {
		p := newPhone(t, number(i), a.URL())
		p.newSession("")
		send := p.hop
		if i%2 == 0 {
			send = p.sms(words(i))
		}
		wg.Go(func() {
			<-begin
			for range 100 {
				r := send(a.URL())
				switch s, err := screenOf(r); {
				case r.err == nil && i%2 == 0 && r.status == http.StatusOK:
					return
				case r.err == nil && i%2 == 1 && err == nil && !s.end:
					if !strings.Contains(s.text, "2 Bamanankan") {
						t.Errorf("the first screen of phone %d:\n%s", i, s.text)
					}
					return
				}
				busy[i]++
				time.Sleep(200 * time.Millisecond * time.Duration(min(busy[i], 10)))
			}
			t.Errorf("phone %d was not served in 100 tries", i)
		})
	}
	began := time.Now()
	close(begin)
	wg.Wait()
	again := 0
	for _, n := range busy {
		again += n
	}
	t.Logf("%d posts in %v, %d of them came again", people, time.Since(began), again)

	count := func(query string) (n int) {
		t.Helper()
		must(t, w.record.Pool().QueryRow(t.Context(), query).Scan(&n))
		return n
	}
	await(t, 90*time.Second, "every message to be handled and every contact written", func() bool {
		return count(`select count(*) from inbound where handled_at is null`) == 0 && count(`select count(*) from contact`) >= people &&
			count(`select count(*) from outbound where state = 'queued' or state = 'sending'`) == 0
	})
	for query, want := range map[string]int{
		`select count(*) from contact`:                                       people,
		`select count(*) from inbound`:                                       people / 2,
		`select count(distinct contact) from inbound`:                        people / 2,
		`select count(distinct contact) from number`:                         people / 2,
		`select count(*) from submission where not synthetic`:                people / 2,
		`select count(distinct contact) from submission where not synthetic`: people / 2,
		`select count(*) from outbound where state = 'sent'`:                 people / 2,
	} {
		if got := count(query); got != want {
			t.Errorf("%s: %d, want %d", query, got, want)
		}
	}
	rows, err := w.record.Pool().Query(t.Context(), `select id::text, contact, sealed, reference from submission where not synthetic`)
	must(t, err)
	whose := map[string]string{}
	reference := map[string]string{}
	for rows.Next() {
		var id, ref string
		var contact, sealed []byte
		must(t, rows.Scan(&id, &contact, &sealed, &ref))
		text, err := w.ring.Open(sealed, "submission/"+id)
		must(t, err)
		whose[string(contact)], reference[string(contact)] = string(text), programme.Reference(ref).String()
	}
	must(t, rows.Err())
	for i := 0; i < people; i += 2 {
		contact := string(w.ring.Pseudonym(number(i)).Bytes())
		if whose[contact] != words(i) {
			t.Errorf("phone %d wrote %q, hers is %q", i, words(i), whose[contact])
		}
		if i%50 == 0 {
			if got := inbox(t, a.URL(), number(i)); len(got) != 1 || !strings.Contains(got[0], reference[contact]) {
				t.Errorf("phone %d got %q, her reference is %s", i, got, reference[contact])
			}
		}
	}
}

// TestAShutdownUnderLoadKeepsAllThatWasAcknowledged asks a gateway process to end
// while 50 captures are under way, and holds these up so that they are.
func TestAShutdownUnderLoadKeepsAllThatWasAcknowledged(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	const drain = 6 * time.Second
	g, url := w.gatewayProcess(t, spec{Drain: drain, Sends: t.TempDir() + "/sends"})
	const captures = 50
	walks, phones, requests := make([]walk, captures), make([]*phone, captures), make([]func(string) answer, captures)
	for i := range captures {
		if i%2 == 0 {
			walks[i] = newWalk(t, programme.Feedback, languages[i%3], message.USSD, canary(i))
			phones[i] = newPhone(t, walks[i].number, url)
			walks[i].almost(t, phones[i])
			requests[i] = phones[i].hop
			continue
		}
		walks[i] = newWalk(t, programme.Open, "fr", message.SMS, canary(i))
		walks[i].text = fmt.Sprintf("%s le silo numero %d est plein", canaryWords, i)
		phones[i] = newPhone(t, walks[i].number, url)
		requests[i] = phones[i].sms(walks[i].text)
	}
	// Every capture writes its identity first.
	hold, err := w.record.Pool().Begin(t.Context())
	must(t, err)
	_, err = hold.Exec(t.Context(), `lock table identity in share mode`)
	must(t, err)
	answers := make([]answer, captures)
	var wg sync.WaitGroup
	for i := range captures {
		wg.Go(func() { answers[i] = requests[i](url) })
	}
	await(t, 10*time.Second, "captures to wait for the table", func() bool {
		var n int
		must(t, w.record.Pool().QueryRow(t.Context(), `select count(*) from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database()`).Scan(&n))
		return n >= 20 // the gateway's connections
	})
	began := time.Now()
	must(t, g.cmd.Process.Signal(syscall.SIGTERM))
	time.Sleep(400 * time.Millisecond)
	must(t, hold.Rollback(t.Context()))
	wg.Wait()
	if status := g.exit(drain + 6*time.Second); status != 0 {
		t.Errorf("the gateway ended with %d:\n%s", status, g.errors)
	}
	if took := time.Since(began); took > drain+time.Second {
		t.Errorf("it took %v to end", took)
	}
	acknowledged := 0
	for i, a := range answers {
		switch {
		case a.err != nil || a.status != http.StatusOK:
			continue
		case i%2 == 0:
			last, err := screenOf(a)
			if err != nil || !last.end || reference(last) == "" {
				continue // she was told that nothing is kept
			}
			walks[i].check(t, w.record, w.ring, reference(last))
		default:
			var n int
			must(t, w.record.Pool().QueryRow(t.Context(), `select count(*) from inbound where contact = $1`, w.ring.Pseudonym(walks[i].number).Bytes()).Scan(&n))
			if n != 1 {
				t.Errorf("an acknowledged SMS is there %d times", n)
			}
		}
		acknowledged++
	}
	t.Logf("%d of %d were acknowledged; the gateway ended after %v", acknowledged, captures, time.Since(began))
	if acknowledged < captures {
		t.Errorf("%d of %d captures under way were not brought to their end", captures-acknowledged, captures)
	}
	// What was taken and not handled yet is handled by the next one.
	_, url = w.gatewayProcess(t, spec{Sends: t.TempDir() + "/sends"})
	await(t, 30*time.Second, "every message to be handled", func() bool {
		waiting, err := w.record.Waiting(t.Context())
		must(t, err)
		return waiting == 0
	})
	for i, walk := range walks {
		if list, _ := kept(t, w.record, w.ring, walk.number); len(list) > 1 || len(list) == 0 && answers[i].err == nil {
			t.Errorf("%d rows of capture %d", len(list), i)
		}
	}
}
