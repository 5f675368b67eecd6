package simulation

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
)

// weather is what goes wrong in one seed: probabilities for each call, and spells
// in which a server is away.
type weather struct {
	slow    float64 // a call takes a while
	hangs   float64 // a call takes longer than anyone waits
	before  float64 // a call fails, and did nothing
	after   float64 // a call did what it should, and its caller is told that it failed
	crash   float64 // the process ends at a call
	redis   float64 // a call of the sessions fails, done or not
	disk    float64 // an append fails
	rescued float64 // a job is done by two at once
	lost    float64 // a reply does not arrive
	twice   float64 // a request comes twice
	late    float64 // the second one comes late
	hangUp  float64 // she hangs up at a screen
	spells  []spell
	flushes int  // how often Redis forgets everything
	lags    bool // Redis fails over to a replica that lags
}

// calm reports whether nothing but the network goes wrong.
func (k weather) calm() bool {
	return k.hangs+k.before+k.after+k.crash+k.redis+k.disk == 0 && len(k.spells) == 0 && k.flushes == 0 && !k.lags
}

// spell is a time in which a server is away.
type spell struct {
	server   string
	gateway  int // that does not reach it; -1: none does
	from, to time.Time
	hangs    bool // nothing comes back; else the connection is refused
	restart  bool // connections of before are gone
}

func (s *spell) during(at time.Time) bool { return !at.Before(s.from) && at.Before(s.to) }

// forgot is a moment in which Redis forgot everything.
type forgot struct {
	at   time.Time
	away bool // PostgreSQL was away for somebody
}

const (
	postgres = "postgres"
	redis    = "redis"
	disk     = "disk"
)

// lasts is how long the spells may come.
const lasts = 100 * time.Second

func newWeather(w *world) weather {
	sometimes := func(p float64) float64 {
		if w.chance(0.35) {
			return p
		}
		return 0
	}
	k := weather{twice: 0.15, late: 0.1, lost: 0.04, hangUp: 0.03, rescued: 0.2}
	k.slow, k.hangs = sometimes(0.05), sometimes(0.01)
	k.before, k.after = sometimes(0.03), sometimes(0.04)
	k.crash, k.redis, k.disk = sometimes(0.012), sometimes(0.03), sometimes(0.1)
	if w.chance(0.3) {
		k.twice, k.late = 0.6, 0.5
	}
	for range w.pick(3) {
		k.spells = append(k.spells, newSpell(w, postgres))
	}
	if w.chance(0.25) {
		k.spells = append(k.spells, newSpell(w, redis))
	}
	if w.chance(0.25) {
		k.spells = append(k.spells, newSpell(w, disk))
	}
	if w.chance(0.3) {
		k.flushes = 1 + w.pick(2)
	}
	k.lags = w.chance(0.15)
	return k
}

func newSpell(w *world, server string) spell {
	from := w.began.Add(w.between(0, lasts))
	s := spell{server: server, gateway: w.pick(3) - 1, from: from, to: from.Add(w.between(time.Second, 40*time.Second)), hangs: w.chance(0.4)}
	if server == redis {
		s.to = from.Add(w.between(time.Second, 12*time.Second))
	}
	s.restart = server == postgres && s.gateway < 0
	return s
}

// begin lets happen what comes at its own moment.
func (k weather) begin(w *world) {
	for _, s := range k.spells {
		if s.restart {
			w.spawn(func() {
				w.sleep(s.from.Sub(w.Now()))
				w.note("weather", "PostgreSQL goes away")
				w.record.DropHands()
			})
		}
	}
	for range k.flushes {
		w.spawn(func() {
			w.sleep(w.between(time.Second, lasts))
			w.note("weather", "Redis forgets everything")
			w.forgot = append(w.forgot, forgot{w.Now(), slices.ContainsFunc(k.spells, func(s spell) bool { return s.server == postgres && s.during(w.Now()) })})
			w.sessions.Flush()
		})
	}
	if k.lags {
		w.spawn(func() {
			w.sleep(w.between(time.Second, lasts))
			behind := w.sessions.copied()
			w.sleep(w.between(10*time.Millisecond, 2*time.Second))
			w.note("weather", "Redis fails over to a replica that lags")
			w.sessions.failOver(behind)
		})
	}
}

func (k weather) spell(server string, gateway int, now time.Time) *spell {
	for i := range k.spells {
		s := &k.spells[i]
		if s.server == server && (s.gateway < 0 || s.gateway == gateway) && s.during(now) {
			return s
		}
	}
	return nil
}

// fate is what becomes of one call.
type fate struct {
	there, back   time.Duration // how long it takes each way
	before, after error
	crashBefore   bool
	crashAfter    bool
	arrives       bool // it arrives though its caller stopped waiting, or died
}

// fates that PostgreSQL tells of: nothing was done, or nobody knows.
var (
	errConnection = errors.New("the connection was reset")
	errRefused    = errors.New("the connection was refused")
	errDisk       = errors.New("the disk failed")
)

func (w *world) fate(server string) fate {
	k := w.weather
	f := fate{there: w.between(0, 2*time.Millisecond), back: w.between(0, 2*time.Millisecond), arrives: w.chance(0.5)}
	// A slow Redis stays below what tells a single input from its repeat: behind that
	// the two look alike (reliability.md 2.1).
	slow := 1500 * time.Millisecond
	if server == redis {
		slow = 100 * time.Millisecond
	}
	if w.chance(k.slow) {
		f.there = w.between(0, slow)
	}
	if w.chance(k.slow) {
		f.back = w.between(0, slow)
	}
	if w.chance(k.hangs) {
		if w.chance(0.5) {
			f.there = 20 * time.Second
		} else {
			f.back = 20 * time.Second
		}
	}
	f.crashBefore, f.crashAfter = w.chance(k.crash/2), w.chance(k.crash/2)
	switch server {
	case postgres:
		if w.chance(k.before) {
			f.before = []error{errConnection, &pgconn.PgError{Code: "40001"}, &pgconn.PgError{Code: "57P01"}, &pgconn.PgError{Code: "25006"}, &pgconn.PgError{Code: "53100"}}[w.pick(5)]
		}
		if w.chance(k.after) {
			f.after = []error{errConnection, &pgconn.PgError{Code: "57P01"}, context.DeadlineExceeded}[w.pick(3)]
		}
	case redis:
		if w.chance(k.redis / 2) {
			f.before = errConnection
		}
		if w.chance(k.redis / 2) {
			f.after = errConnection
		}
	case disk:
		if w.chance(k.disk / 2) {
			f.before = errDisk
		}
		if w.chance(k.disk / 2) {
			f.after = errDisk
		}
	}
	return f
}
