package bench

import (
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"
)

// stalling answers at once, but for one pause in which nobody is answered.
type stalling struct {
	mu    sync.Mutex
	from  time.Time
	pause time.Duration
}

func (s *stalling) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	b, _ := io.ReadAll(r.Body)
	s.mu.Lock()
	if s.pause > 0 && time.Now().After(s.from) {
		time.Sleep(s.pause)
		s.pause = 0
	}
	s.mu.Unlock()
	if !strings.Contains(string(b), "&phoneNumber=%2B22399") {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	_, _ = io.WriteString(w, "CON a screen")
}

// TestArrivalsThatAStallHoldsUpAreMeasuredFromWhenTheyWereDue is the whole point
// of an open loop: a generator that waited for replies would send one hop into
// the stall and call the rest fast.
func TestArrivalsThatAStallHoldsUpAreMeasuredFromWhenTheyWereDue(t *testing.T) {
	h := &stalling{from: time.Now().Add(200 * time.Millisecond), pause: 300 * time.Millisecond}
	server := httptest.NewServer(h)
	defer server.Close()
	target := newTarget(strings.TrimPrefix(server.URL, "http://"), "/", bareWalk, 10)
	r := target.open(t.Context(), 200, time.Second)
	if r.Errors > 0 {
		t.Fatalf("%d errors, the first: %s", r.Errors, *target.firstError.Load())
	}
	if r.Sent != 200 || r.All.Count != 200 {
		t.Errorf("%d hops were sent and %d measured, want 200", r.Sent, r.All.Count)
	}
	// 300 ms of 1 s fall into the stall: 30 % of the hops waited, evenly up to 300 ms.
	if r.All.Max < 250 || r.All.P99 < 200 {
		t.Errorf("the longest took %.0f ms, p99 %.0f ms: the stall was left out", r.All.Max, r.All.P99)
	}
}

// TestCallersWalkToTheEnd plays conversations against a server that ends each
// where the caller presses her last key.
func TestCallersWalkToTheEnd(t *testing.T) {
	for conversation := range 50 {
		for _, knows := range []bool{true, false} {
			c := &caller{n: conversation, knows: knows}
			c.dial(conversation)
			hops := 0
			for last := false; !last; hops++ {
				last = c.press()
			}
			if want := len(c.inputs) + 1; hops != want || strings.Count(c.text, "*")+1 != len(c.inputs) {
				t.Errorf("conversation %d took %d hops up to %q, want %d", conversation, hops, c.text, want)
			}
		}
	}
}

// TestWandererStopsBeforeWhatWouldBeDurable: a yes or no to being answered is
// durable at once, and it is asked after the third answer.
func TestWandererStopsBeforeWhatWouldBeDurable(t *testing.T) {
	c := &caller{n: 3}
	var texts []string
	for conversation := range 2 {
		c.wander(conversation)
		for last := false; !last; {
			last = c.press()
		}
		texts = append(texts, c.text)
	}
	for n, begins := range []string{"[123]", "2"} { // a language; start again
		if want := regexp.MustCompile("^" + begins + `\*1\*101\*[1-6]\*[1-5]\*[1-3]$`); !want.MatchString(texts[n]) {
			t.Errorf("walk %d is %q", n, texts[n])
		}
	}
}

func TestReplyIsWhatTheStepExpects(t *testing.T) {
	for reply, want := range map[string][2]bool{
		"CON Ecrivez votre message.":                           {true, false},
		"END Merci, message bien recu.\nVotre code: 8350-7943": {false, true},
		"END Pas enregistre. Rappelez plus tard, merci.":       {false, false},
		"END Merci 8350-794":                                   {false, false},
		"":                                                     {false, false},
	} {
		if got := [2]bool{expect([]byte(reply), false), expect([]byte(reply), true)}; got != want {
			t.Errorf("%q: goes on, finished = %v, want %v", reply, got, want)
		}
	}
}

func TestReportHoldsOnlyWithARowForEachAcknowledgement(t *testing.T) {
	for _, c := range []struct {
		report Report
		want   bool
	}{
		{Report{Finished: 3, Rows: 3}, true},
		{Report{Finished: 3, Rows: 2}, false},
		{Report{Finished: 3, Rows: 4}, false},
		{Report{Finished: 3, Rows: 3, Errors: 1}, false},
		{Report{}, false},
	} {
		if got := c.report.Holds(); got != c.want {
			t.Errorf("%+v holds = %v", c.report, got)
		}
	}
}

// newEnding is a server that ends a conversation with a reference at its words,
// whose last key is the longest or a 9.
func newEnding(t *testing.T) (addr string) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		text := r.PostFormValue("text")
		last := text[strings.LastIndex(text, "*")+1:]
		if len(last) > 3 || last == "9" {
			_, _ = io.WriteString(w, "END Merci 8350-7943")
			return
		}
		_, _ = io.WriteString(w, "CON a screen")
	}))
	t.Cleanup(server.Close)
	return strings.TrimPrefix(server.URL, "http://")
}

func TestWhoFindsNoRoomIsNeitherRightNorWrong(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "END occupe") }))
	defer server.Close()
	target := newTarget(strings.TrimPrefix(server.URL, "http://"), "/", whole, 10)
	target.busy, target.over = "occupe", true
	r := target.open(t.Context(), 100, 200*time.Millisecond)
	if r.Errors != 0 || r.Shed.Count != 20 || r.Admitted.Count != 0 {
		t.Errorf("%d errors, %d refused, %d let in; want 0, 20, 0", r.Errors, r.Shed.Count, r.Admitted.Count)
	}
	if n := len(target.waiting) + target.inside; n == 0 {
		t.Error("who only dialled is not heard of again")
	}
}

func TestAllIsWellFromTheFirstWholeSecondThatIs(t *testing.T) {
	well, refusing, late := Window{0, 39}, Window{3, 5}, Window{0, 41}
	for _, c := range []struct {
		windows []Window
		want    float64
		later   int64
	}{
		{[]Window{well, well, well, well}, 0, 0},
		{[]Window{refusing, well, well, well, well}, 0.25, 0},
		{[]Window{well, well, late, well, well, well, well, refusing}, 0.75, 3},
		{[]Window{well, late, well, late, well}, 1.25, 0}, // never
	} {
		got := recovery(c.windows, 40)
		if got != c.want {
			t.Errorf("%v: %v, want %v", c.windows, got, c.want)
		}
		if n := refusedLater(c.windows, got); n != c.later {
			t.Errorf("%v: %d are refused later, want %d", c.windows, n, c.later)
		}
	}
}

func TestAQuarterOfASecondMayBeAsBadAsTheWorstWasBefore(t *testing.T) {
	for _, c := range []struct {
		p99     float64
		windows []Window
		want    float64
	}{
		{20, []Window{{0, 30}, {0, 25}}, 40},
		{20, []Window{{0, 30}, {0, 55}}, 55},
		{1, []Window{{0, 2}}, 10},
	} {
		if got := usual(openRound{All: Latency{P99: c.p99}, Windows: c.windows}); got != c.want {
			t.Errorf("%v %v: %v ms, want %v", c.p99, c.windows, got, c.want)
		}
	}
}

func TestTheFirstSecondIsCountedApart(t *testing.T) {
	m := newMeasured()
	for _, due := range []time.Duration{0, 999 * time.Millisecond, time.Second} {
		m.add(due, 0, 100*time.Millisecond, false, right)
		m.add(due, 0, time.Millisecond, false, shed)
	}
	r := m.round()
	if r.Admitted.Count != 3 || r.Shed.Count != 3 || r.StandingAdmitted.Count != 1 || r.StandingShed.Count != 1 {
		t.Errorf("%d and %d in all, %d and %d after the first second; want 3, 3, 1, 1", r.Admitted.Count, r.Shed.Count, r.StandingAdmitted.Count, r.StandingShed.Count)
	}
}
