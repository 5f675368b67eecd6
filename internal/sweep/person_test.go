package sweep_test

import (
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"

	"lafia/internal/programme"
	"lafia/internal/sweep"
)

// client is the aggregator's: a connection a request, so that nothing is sent
// twice behind our back.
var client = &http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: 20 * time.Second}

// run is one play of a script.
type run struct {
	*lane
	script script
	point  sweep.Point
	mode   sweep.Mode
	number string
	words  string // hers alone
	faults int    // failures that she met

	// What she knows at the end.
	session   string
	text      string
	dials     int
	finishing map[string]bool // sessions in which she sent her last input
	acked     []string        // references that she was given
	told      bool            // she was told that what she said has arrived
	hopped    time.Time       // when she sent her last input
	note      string          // of the script, for its check
	wrong     []string
}

func (r *run) wrongf(format string, args ...any) {
	r.wrong = append(r.wrong, fmt.Sprintf(format, args...))
}

// failed is called when a request failed: whoever watches over the gateway starts
// it again where it died.
func (r *run) failed() { r.faults++; r.revive() }

// repair ends the fault. Who tries again does so more than a second later: by then
// the pool looks whether a connection lives before it gives it out.
func (r *run) repair() {
	_, c := r.gateway()
	c.Repair()
	r.revive()
	if r.mode == sweep.On && r.point.Kind == sweep.Postgres {
		a, _ := r.gateway()
		a.Store().Pool().Reset()
	}
}

// screen is what a phone shows.
type screen struct {
	text string
	end  bool
}

// hop sends the session as it stands, and once more when there was no answer.
func (r *run) hop() (screen, bool) {
	r.hopped = r.now()
	form := url.Values{"sessionId": {r.session}, "serviceCode": {serviceCode}, "phoneNumber": {r.number}, "networkCode": {"99999"}, "text": {r.text}}
	for range 2 {
		a := r.post(client, channel, "ussd", form)
		if s, ok := screenOf(a); ok {
			return s, true
		}
		r.failed()
	}
	return screen{}, false
}

func screenOf(a answer) (screen, bool) {
	if !a.ok() {
		return screen{}, false
	}
	if text, ok := strings.CutPrefix(a.body, "CON "); ok {
		return screen{text: text}, true
	}
	text, ok := strings.CutPrefix(a.body, "END ")
	return screen{text, true}, ok
}

func (r *run) dial() (screen, bool) {
	r.serial++
	r.dials++
	r.session, r.text = fmt.Sprintf("ATUid_%d_%d", r.n, r.serial), ""
	return r.hop()
}

func (r *run) press(input string) (screen, bool) {
	if r.text != "" {
		r.text += "*"
	}
	r.text += input
	return r.hop()
}

// key is what she presses on a screen that holds some words. last is the input
// that finishes her run; a screen without a press says that all is done.
type key struct {
	on, press string
	last      bool
}

var referenceForm = regexp.MustCompile(`\b\d{4}-\d{4}\b`)

const (
	receivedHint = "Message bien recu."
	notSaved     = "Pas enregistre."
	busy         = "Le service est occupe."
)

// call is a call by USSD as people make it: a request that fails is repeated by
// the aggregator, a session that breaks off is dialled again, and who is told that
// her message is there has done. The fault is repaired before the third dial.
// thanks is on the last screen. stop, if any, is where she hangs up.
func (r *run) call(keys []key, thanks, stop string) {
	r.t.Helper()
	if r.finishing == nil {
		r.finishing = map[string]bool{}
	}
	for try := range 6 {
		if try >= 2 {
			r.repair()
		}
		if r.callOnce(keys, thanks, stop) {
			return
		}
	}
	r.wrongf("she has called six times and is not done")
}

func (r *run) callOnce(keys []key, thanks, stop string) (done bool) {
	s, ok := r.dial()
	for range 60 {
		switch {
		case !ok:
			return false
		case s.end && strings.Contains(s.text, thanks):
			if ref := referenceForm.FindString(s.text); ref != "" {
				r.acked = append(r.acked, ref)
			}
			r.told = true
			return true
		case s.end && (strings.HasPrefix(s.text, notSaved) || strings.HasPrefix(s.text, busy)):
			r.faults++
			return false
		case s.end:
			r.wrongf("the session ends with %q", s.text)
			return false
		case stop != "" && strings.Contains(s.text, stop):
			return true
		case len(r.finishing) > 0 && strings.Contains(s.text, receivedHint):
			r.told = true
			return true
		}
		k, found := keyFor(keys, s.text)
		if !found {
			r.wrongf("no key for the screen %q", s.text)
			return true
		}
		if k.press == "" {
			r.told = true
			return true
		}
		if k.last {
			r.finishing[r.session] = true
		}
		s, ok = r.press(k.press)
	}
	r.wrongf("a call of 60 screens")
	return true
}

func keyFor(keys []key, text string) (key, bool) {
	for _, k := range append(keys, common...) {
		if strings.Contains(text, k.on) {
			return k, true
		}
	}
	return key{}, false
}

var common = []key{
	{on: "Vous aviez commence.", press: "1"},
	{on: "Langue / Kan / Senni:", press: "1"},
}

// repeats sends her last request once more, now that all is well: what she is
// told must be the same.
func (r *run) repeats() {
	if len(r.acked) == 0 {
		return
	}
	s, ok := r.hop()
	if ref := referenceForm.FindString(s.text); !ok || ref != r.acked[len(r.acked)-1] {
		r.wrongf("she was given the reference %s, and a repeat of her last input shows %q", r.acked[len(r.acked)-1], s.text)
	}
}

// writes sends an SMS, which the aggregator repeats until it is taken. The fault is
// repaired before the fourth try.
func (r *run) writes(text string) {
	r.t.Helper()
	r.serial++
	r.hands(channel, url.Values{
		"from": {r.number}, "to": {shortCode}, "text": {text}, "id": {fmt.Sprintf("at-%d-%d", r.n, r.serial)},
		"date": {r.now().UTC().Format(time.DateTime)}, "networkCode": {"99999"},
	})
}

// hands hands a message over until it is taken.
func (r *run) hands(channel string, form url.Values) {
	r.t.Helper()
	for try := range 8 {
		if try >= 3 {
			r.repair()
		}
		if r.post(client, channel, "sms", form).ok() {
			r.told = true
			return
		}
		r.failed()
	}
	r.wrongf("an SMS was not taken in eight tries")
}

// settled repairs what failed and waits until nothing is on its way any more: the
// spool is empty, each message is handled, each one to her sent or given up. What
// only waits for its time is given it, in the tables.
func (r *run) settled() {
	r.t.Helper()
	contact := r.ring.Pseudonym(r.number).Bytes()
	begun, repaired := time.Now(), false
	for n := 0; ; n++ {
		a, c := r.gateway()
		if c.Hit() && !repaired {
			r.repair()
			repaired = true
			continue
		}
		// What was taken before the spool was emptied is in the record; a receipt that is
		// taken meanwhile may be in the spool again.
		sent, quiet := r.far.sent()
		left := a.EmptySpool(r.t.Context())
		var waits string
		must(r.t, r.record.Pool().QueryRow(r.t.Context(), `select concat_ws(' ',
			(select count(*) || ' unhandled' from inbound where handled_at is null having count(*) > 0),
			(select count(*) || ' to send' from outbound where contact = $1 and state in ('queued', 'sending') having count(*) > 0),
			(select count(*) || ' jobs' from river_job where kind in ('handle_inbound', 'send_outbound') and state in ('available', 'retryable', 'scheduled') having count(*) > 0))`,
			contact).Scan(&waits))
		if now, _ := r.far.sent(); waits == "" && left == 0 && quiet && now == sent {
			return
		}
		took := time.Since(begun)
		if took > settledWithin {
			r.wrongf("after %v there are still: %s, %d spooled; jobs: %s", took.Truncate(time.Second), waits, left, r.jobs())
			r.exec(`update inbound set handled_at = now() where handled_at is null`) // the next run is not to wait for it
			return
		}
		if n%10 == 9 {
			r.hurry()
		}
		if left > 0 && took > 300*time.Millisecond || took > 2*time.Second && n%100 == 0 {
			r.pass(25 * time.Second)
		}
		// Nobody has it in hand any more who could still end it.
		if took > 700*time.Millisecond && n%20 == 19 && r.far.idle() {
			r.exec(`update attempt set started_at = started_at - interval '1 minute' where verdict = 'started'`)
			r.exec(`update outbound set due_at = due_at - interval '1 minute' where state in ('queued', 'sending')`)
			// As River rescues the jobs of a gateway that is gone, after 3 minutes.
			r.exec(`update river_job set state = 'available', scheduled_at = now() where kind in ('handle_inbound', 'send_outbound')
				and state = 'running' and attempted_at < now() - interval '700 milliseconds'`)
			a.Sweep(r.t.Context())
		}
		time.Sleep(5 * time.Millisecond)
	}
}

// settledWithin is how long that may take, with other lanes and other packages on the same cores.
const settledWithin = 20 * time.Second

// jobs tells how the jobs stand that are not over.
func (r *run) jobs() (states string) {
	r.t.Helper()
	must(r.t, r.record.Pool().QueryRow(r.t.Context(), `
select coalesce(string_agg(n, ', '), 'none') from (
	select format('%s %s %s, attempt %s, due in %s', count(*), kind, state, max(attempt), date_trunc('second', max(scheduled_at) - now())) n
	from river_job where kind in ('handle_inbound', 'send_outbound') and finalized_at is null group by kind, state) j`).Scan(&states))
	return states
}

// unheld checks that nobody took the record for a restored backup; else no later run
// would send anything.
func (r *run) unheld() {
	r.t.Helper()
	if n := r.count(`select count(*) from restore where confirmed_at is null`); n != 0 {
		r.wrongf("the record is taken for a backup's")
		r.exec(`update restore set confirmed_at = now()`)
	}
}

// hurry lets the jobs that wait for their time have it.
func (r *run) hurry() {
	r.t.Helper()
	r.exec(`update river_job set state = 'available', scheduled_at = now() where kind in ('handle_inbound', 'send_outbound')
		and (state in ('retryable', 'scheduled') or state = 'available' and scheduled_at > now())`)
}

// kept checks what the record has of what she said: all that was acknowledged,
// each once, as she said it, and nothing else.
func (r *run) kept(want programme.Submission) {
	r.t.Helper()
	whole, partial := 0, 0
	refs := map[string]int{}
	for _, s := range r.submissions(r.number) {
		r.rows++
		if s.Partial {
			partial++
			continue
		}
		whole++
		refs[s.Reference.String()]++
		want := want
		if want.Channel == "" {
			want.Channel = channel
		}
		if s.Kind != want.Kind || s.Level != want.Level || s.Channel != want.Channel || s.Medium != want.Medium || s.Language != want.Language ||
			s.Project != want.Project || s.Place != want.Place || s.Group != want.Group || s.Text != want.Text || s.Altered || s.Synthetic ||
			!s.Confirmed || !maps.Equal(s.Answers, want.Answers) {
			r.wrongf("kept\n%+v\nwant\n%+v", s, want)
		}
	}
	for _, ref := range r.acked {
		if refs[ref] != 1 {
			r.wrongf("the reference %s was given, and %d rows have it", ref, refs[ref])
		}
	}
	switch most := max(1, len(r.finishing)); {
	case whole < 1:
		r.wrongf("nothing is kept, and she was told %v %v", r.told, r.acked)
	case whole > most:
		r.wrongf("%d rows of what she finished in %d calls", whole, most)
	case len(r.acked) == 1 && len(r.finishing) == 1 && whole != 1:
		r.wrongf("%d rows of one call", whole)
	}
	if partial >= max(1, r.dials) {
		r.wrongf("%d partial rows of %d calls", partial, r.dials)
	}
	if n := len(r.confidential(r.number)); n != 0 {
		r.wrongf("%d confidential rows", n)
	}
}

// answeredBySMS checks what went to her by SMS: a text that holds each of some
// words, once, and its delivery known; or at most once, and marked.
func (r *run) answeredBySMS(holds ...string) {
	r.t.Helper()
	got := r.far.to(r.number)
	states := r.strings(`select state from outbound where contact = $1`, r.ring.Pseudonym(r.number).Bytes())
	for _, text := range got {
		if !slices.ContainsFunc(holds, func(h string) bool { return strings.Contains(text, h) }) {
			r.wrongf("she got %q, which holds none of %q", text, holds)
		}
	}
	for _, h := range holds {
		n := 0
		for _, text := range got {
			if strings.Contains(text, h) {
				n++
			}
		}
		if n > 1 {
			r.wrongf("she got %q %d times", h, n)
		}
	}
	if len(states) != len(holds) {
		r.wrongf("%d messages to her, want %d: %q", len(states), len(holds), states)
		return
	}
	// Where nobody can know whether it was sent, it is marked and never sent again.
	unsure := r.mode == sweep.Killed || r.mode == sweep.On && r.point.Kind == sweep.Postgres || strings.HasPrefix(r.point.Func, "outbox.") || strings.HasPrefix(r.point.For, "outbox.")
	delivered, ambiguous := 0, 0
	for _, s := range states {
		switch s {
		case "delivered":
			delivered++
		case "ambiguous":
			ambiguous++
		}
	}
	if delivered+ambiguous != len(states) || ambiguous > 1 || ambiguous == 1 && !unsure || len(got) < delivered || len(got) > len(states) {
		r.wrongf("her messages are %q, and %d came", states, len(got))
	}
}
