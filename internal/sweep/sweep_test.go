package sweep_test

import (
	"flag"
	"fmt"
	"os"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"lafia/internal/servers/serverstest"
	"lafia/internal/sweep"
)

func TestMain(m *testing.M) {
	flag.Parse()
	_ = flag.Set("test.parallel", fmt.Sprint(max(lanes, runtime.GOMAXPROCS(0)))) // lanes wait more than they work
	serverstest.Main(m,
		// fasthttp keeps its clock for good, and a pool of workers for up to 10 s after it stopped.
		goleak.IgnoreAnyFunction("github.com/valyala/fasthttp.updateServerDate.func1"),
		goleak.IgnoreAnyFunction("github.com/valyala/fasthttp.(*workerPool).Start.func2"),
	)
}

// lanes is how many runs there are at a time: they wait more than they work.
const lanes = 4

// words begin all that is said.
const words = "la charrette bleue"

// play plays a script once, with a point of it that fails in a mode; the zero
// Point: none does.
func (l *lane) play(s script, p sweep.Point, m sweep.Mode) (*run, []sweep.Point, bool) {
	l.serial++
	r := &run{
		lane: l, script: s, point: p, mode: m, number: fmt.Sprintf("+2237%d00%04d", l.n, l.serial),
		words: fmt.Sprintf("%s %d-%d est dans la boue", words, l.n, l.serial),
	}
	if s.before != nil {
		s.before(r)
		r.settled()
	}
	_, c := l.gateway()
	c.Begin(p, m, s.awaits...)
	s.play(r)
	_, c = l.gateway()
	hit := c.Hit()
	points := c.End()
	r.repair()
	r.settled()
	s.check(r)
	r.unheld()
	return r, points, hit
}

// fault is a point of a script that fails in a mode.
type fault struct {
	script script
	point  sweep.Point
	mode   sweep.Mode
}

// tally counts what was done.
type tally struct {
	mu       sync.Mutex
	runs     map[sweep.Kind]map[sweep.Mode]int
	missed   []fault
	hit      map[string]bool // points that failed at least once
	noticed  int             // runs in which she met a failure
	kills    int
	failures int
}

// chaos reports whether `make chaos` runs.
func chaos() bool { return os.Getenv("LAFIA_CHAOS") != "" }

// alikeMost is in how many scripts a point is played in CI, each time in another mode.
const alikeMost = 2

// faults are those to play: in CI each point in one mode in two scripts, the modes
// spread over the points of each kind; with chaos each point in each mode. LAFIA_ONLY plays those
// whose names hold it, in each mode.
func faults(found map[string][]sweep.Point) (list []fault) {
	n, alike := map[sweep.Kind]int{}, map[sweep.Point]int{}
	only := os.Getenv("LAFIA_ONLY")
	for _, s := range scripts {
		for _, p := range found[s.name] {
			if alike[p]++; alike[p] > alikeMost && only == "" && !chaos() {
				continue
			}
			for i, m := range sweep.Modes {
				if only != "" && !strings.Contains(s.name+" "+p.String()+" "+string(m), only) {
					continue
				} else if only != "" || chaos() || i == n[p.Kind]%len(sweep.Modes) {
					list = append(list, fault{s, p, m})
				}
			}
			n[p.Kind]++
		}
	}
	return list
}

// TestEveryIOPointMayFail is C3: whatever a gateway asks of its disk, its servers
// and its aggregators fails, once or from then on, or loses its answer, or the
// gateway is killed over it; and what was acknowledged is there once, as it was
// said, and nothing else is.
func TestEveryIOPointMayFail(t *testing.T) {
	began := time.Now()
	site := newSite(t)
	found := map[string][]sweep.Point{}
	first := newLane(t, site, 0)
	for pass := range 2 { // the first one warms up what is asked for once
		for _, s := range scripts {
			r, points, _ := first.play(s, sweep.Point{}, "")
			for _, w := range r.wrong {
				t.Errorf("%s, where nothing fails: %s", s.name, w)
			}
			if pass == 1 {
				found[s.name] = points
			}
		}
	}
	if t.Failed() {
		t.FailNow()
	}
	all := faults(found)
	kinds := map[sweep.Kind]int{}
	for _, s := range scripts {
		for _, p := range found[s.name] {
			kinds[p.Kind]++
		}
	}
	t.Logf("%d scripts have %v points; %d runs", len(scripts), kinds, len(all))
	// Those of a script lie apart: so no lane has all the slow ones.
	queue := make(chan fault, len(all))
	for i := range lanes * 8 {
		for j := i; j < len(all); j += lanes * 8 {
			queue <- all[j]
		}
	}
	close(queue)
	sum := &tally{runs: map[sweep.Kind]map[sweep.Mode]int{}, hit: map[string]bool{}}
	t.Run("lanes", func(t *testing.T) {
		for n := range lanes {
			t.Run(fmt.Sprint(n), func(t *testing.T) {
				t.Parallel()
				l := newLane(t, site, n+1)
				for _, s := range scripts {
					l.play(s, sweep.Point{}, "")
				}
				for f := range queue {
					sum.play(l, f)
				}
				l.finished()
			})
		}
	})
	for _, k := range sweep.Kinds {
		t.Logf("%-9s %v", k, sum.runs[k])
	}
	t.Logf("%d runs in %v: %d whose caller met a failure, %d gateways killed, %d points missed, %d runs wrong",
		len(all), time.Since(began).Truncate(time.Second), sum.noticed, sum.kills, len(sum.missed), sum.failures)
	if os.Getenv("LAFIA_ONLY") == "" {
		for _, w := range uncovered(running(t), sum.hit) {
			t.Error(w)
		}
	}
	for _, f := range sum.missed {
		t.Logf("missed: %s: %s, %s", f.script.name, f.point, f.mode)
	}
}

func (sum *tally) play(l *lane, f fault) {
	began := time.Now()
	r, _, hit := l.play(f.script, f.point, f.mode)
	sum.mu.Lock()
	defer sum.mu.Unlock()
	if sum.runs[f.point.Kind] == nil {
		sum.runs[f.point.Kind] = map[sweep.Mode]int{}
	}
	if hit {
		sum.runs[f.point.Kind][f.mode]++
		sum.hit[f.point.Func] = true
	} else {
		sum.missed = append(sum.missed, f)
	}
	if r.faults > 0 {
		sum.noticed++
	}
	if hit && f.mode == sweep.Killed {
		sum.kills++
	}
	if len(r.wrong) > 0 {
		sum.failures++
		l.t.Errorf("%s: %s, %s (met: %v, %v):\n  %s", f.script.name, f.point, f.mode, hit, time.Since(began).Truncate(time.Millisecond), strings.Join(r.wrong, "\n  "))
	}
}

// finished checks what the runs of a lane leave behind together.
func (l *lane) finished() {
	l.t.Helper()
	if n := l.count(`select count(*) from submission where not synthetic`); n != l.rows {
		l.t.Errorf("%d rows, and the runs have %d", n, l.rows)
	}
	for number, n := range l.unreadOf() {
		if most := l.unreadable[number]; n > most {
			l.t.Errorf("%d unreadable requests of one caller who handed over %d", n, most)
		}
	}
	a, _ := l.gateway()
	if n := a.Store(); n == nil {
		l.t.Error("no store")
	}
	l.leaks()
}
