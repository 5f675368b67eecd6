// Package sweep finds the I/O points of a gateway and lets each of them fail. It
// stands between a gateway and its disk, its Redis, its PostgreSQL and its
// aggregators, gives a number to whatever is asked of them, and knows it by the
// function of ours that asks (reliability.md 3, "Every I/O point"). What is played
// on the gateway meanwhile, and what must hold afterwards, is in its tests.
package sweep

import (
	"fmt"
	"net"
	"regexp"
	"runtime"
	"strings"
	"sync"
	"syscall"
)

// Kind is whom an I/O point asks.
type Kind string

// The kinds.
const (
	Disk     Kind = "disk"
	Redis    Kind = "redis"
	Postgres Kind = "postgres"
	HTTP     Kind = "http"
)

// Kinds are all of them.
var Kinds = []Kind{Disk, Redis, Postgres, HTTP}

// Mode is how a point fails.
type Mode string

// The modes.
const (
	Once   Mode = "error once"         // nothing was done
	On     Mode = "error from then on" // of that kind, until Repair
	Killed Mode = "killed"             // nothing of the gateway has an effect from here on
	Lost   Mode = "answer lost"        // it was done, and whoever asked hears an error
)

// Modes are all of them.
var Modes = []Mode{Once, On, Killed, Lost}

// Point is one call of I/O.
type Point struct {
	Kind Kind
	What string // "begin", "select", "evalsha", "fsync" …
	Func string // the function of ours that makes it: store.(*Store).Capture
	For  string // the function of another of our rooms that wants it; "": none
	Nth  int    // which of its like, from 1
}

// String names a point.
func (p Point) String() string {
	s := fmt.Sprintf("%s %s #%d in %s", p.Kind, p.What, p.Nth, p.Func)
	if p.For != "" {
		s += " for " + p.For
	}
	return s
}

// fault is what becomes of a call.
type fault int

const (
	none fault = iota
	fail       // it is not made
	lose       // it is made, and its answer is lost
)

// Counter numbers the I/O points of one gateway. All its methods may be called by
// any number of goroutines.
type Counter struct {
	// ByClock are the functions at the bottom of goroutines that do what they do
	// when their time has come: how often that is during a play is chance, so they
	// make no points.
	ByClock map[string]bool

	mu     sync.Mutex
	on     bool
	wanted map[string]bool // of ByClock, what a play waits for
	like   map[Point]int   // by point without its number
	points []Point
	target Point
	mode   Mode
	hit    bool
	away   map[Kind]bool
	dead   bool
	opened map[closer]bool
}

// closer is what a killed process lets go.
type closer interface{ Close() error }

// NewCounter makes a counter for a gateway that is to be started.
func NewCounter(byClock ...string) *Counter {
	c := &Counter{ByClock: map[string]bool{}, like: map[Point]int{}, away: map[Kind]bool{}, opened: map[closer]bool{}}
	for _, name := range byClock {
		c.ByClock[name] = true
	}
	return c
}

// Begin counts from 1 again, and lets one point fail in a mode; the zero Point
// lets none. wanted are functions of ByClock that make points nevertheless.
func (c *Counter) Begin(target Point, mode Mode, wanted ...string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.on, c.target, c.mode, c.hit = true, target, mode, false
	c.like, c.points, c.wanted = map[Point]int{}, nil, map[string]bool{}
	for _, name := range wanted {
		c.wanted[name] = true
	}
}

// End stops counting, and gives the points that were met.
func (c *Counter) End() []Point {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.on, c.target = false, Point{}
	return c.points
}

// Hit reports whether the target was met.
func (c *Counter) Hit() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.hit
}

// Dead reports whether the gateway was killed.
func (c *Counter) Dead() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.dead
}

// Away lets all of a kind fail until Repair.
func (c *Counter) Away(k Kind) {
	c.mu.Lock()
	c.away[k] = true
	c.mu.Unlock()
	if k == Postgres {
		c.cut()
	}
}

// Back ends Away for a kind.
func (c *Counter) Back(k Kind) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.away, k)
}

// Take goes on where the counter of the gateway before left off: the servers that
// are away stay so.
func (c *Counter) Take(before *Counter) {
	before.mu.Lock()
	defer before.mu.Unlock()
	c.mu.Lock()
	defer c.mu.Unlock()
	c.on, c.target, c.mode, c.hit, c.wanted = before.on, before.target, before.mode, before.hit, before.wanted
	c.like, c.points, c.away = before.like, before.points, before.away
	before.on, before.like, before.points, before.away = false, map[Point]int{}, nil, map[Kind]bool{}
}

// Repair ends what goes on failing. A killed gateway stays killed.
func (c *Counter) Repair() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.away, c.target = map[Kind]bool{}, Point{}
}

// Kill is the end of the gateway's process as all others see it: whatever it had
// open is closed, and whatever it asks of anyone fails.
func (c *Counter) Kill() {
	c.mu.Lock()
	c.dead = true
	c.mu.Unlock()
	c.cut()
}

// cut closes connections and locks.
func (c *Counter) cut() {
	c.mu.Lock()
	var list []closer
	for o := range c.opened {
		if _, conn := o.(net.Conn); c.dead || conn {
			list = append(list, o)
			delete(c.opened, o)
		}
	}
	c.mu.Unlock()
	for _, o := range list {
		_ = o.Close()
	}
}

func (c *Counter) open(o closer) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.opened[o] = true
}

func (c *Counter) close(o closer) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.opened, o)
}

// gone reports whether nothing of a kind is done now, whoever asks.
func (c *Counter) gone(k Kind) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.dead || c.away[k]
}

// at is called by each seam before a call is made, on the goroutine that makes it.
func (c *Counter) at(k Kind, what string) fault {
	m := whoAsks()
	c.mu.Lock()
	if c.dead || c.away[k] {
		c.mu.Unlock()
		return fail
	}
	if m.fn == "" || !c.on || c.ByClock[m.root] && !c.wanted[m.root] {
		c.mu.Unlock()
		return none
	}
	p := Point{Kind: k, What: what, Func: m.fn, For: m.forWhom}
	c.like[p]++
	p.Nth = c.like[p]
	c.points = append(c.points, p)
	if c.hit || p != c.target {
		c.mu.Unlock()
		return none
	}
	c.hit = true
	mode := c.mode
	c.mu.Unlock()
	switch mode {
	case Lost:
		return lose
	case On:
		c.Away(k)
	case Killed:
		c.Kill()
	}
	return fail
}

// maker is who asks for I/O.
type maker struct{ fn, forWhom, root string }

const module = "lafia/"

// inner ends the name of a function that is written within another.
var inner = regexp.MustCompile(`(\.func\d+|\.gowrap\d+|\.deferwrap\d+|-range\d+|\.\d+|\[\.\.\.\])+(\.func\d+|\.\d+)*$`)

// whoAsks reads the stack.
func whoAsks() maker {
	var m maker
	pcs := make([]uintptr, 192)
	frames := runtime.CallersFrames(pcs[:runtime.Callers(3, pcs)])
	for {
		f, more := frames.Next()
		if name, ours := strings.CutPrefix(f.Function, module); ours && !strings.HasPrefix(name, "internal/sweep") {
			name = inner.ReplaceAllString(strings.TrimPrefix(name, "internal/"), "")
			switch {
			case m.fn == "":
				m.fn = name
			case m.forWhom == "" && room(name) != room(m.fn):
				m.forWhom = name
			}
			m.root = name
		}
		if !more {
			return m
		}
	}
}

// room is the package of a function's name.
func room(name string) string {
	slash := strings.LastIndexByte(name, '/') + 1
	dot := strings.IndexByte(name[slash:], '.')
	if dot < 0 {
		return name
	}
	return name[:slash+dot]
}

// errGone is what a call meets whose server is gone, or whose answer was lost.
func errGone(op string) error { return &net.OpError{Op: op, Net: "sweep", Err: syscall.ECONNRESET} }
