package app

import (
	"context"
	"fmt"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"lafia/internal/store"
)

// A backup that is put in the place of the record knows nothing of what came behind it:
// who was erased, and what was sent. A gateway finds out by what it remembers (memory.go):
// each of its signs of life raises a count in the record, and a record whose count is
// lower than a gateway has seen committed is an older one. Then nothing is sent, by any
// gateway, until a person has confirmed it (reliability.md F30); the attempt to send
// reads the count itself, so that none slips through before the next sign of life. What
// people say is taken in as ever.

// openMemory reads what this gateway remembers, and compares the record with it, before
// anything is sent or shown.
func (a *App) openMemory(ctx context.Context) error {
	var err error
	if a.memory, err = openMemory(a.Spool.Dir); err != nil {
		return &unusable{section: "spool", key: "dir", cause: err, do: "the gateway keeps there who was erased, for the day on which a backup is restored"}
	}
	if err := a.registry.Register(prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "lafia_restore_held", Help: "1 while nothing is sent because a backup was restored and nobody has confirmed it.",
	}, func() float64 {
		if a.memory.isHeld() {
			return 1
		}
		return 0
	})); err != nil {
		return fmt.Errorf("registering metrics: %w", err)
	}
	life, err := a.store.Life(ctx)
	if err != nil {
		return err
	}
	strange := false
	if a.memory.dir != "" && !a.memory.remembers() {
		if strange, err = a.store.Stranger(ctx, a.node, a.Now().Add(-strangeAfter)); err != nil {
			return err
		}
	}
	return a.compare(ctx, life, strange)
}

// strangeAfter is how long the gateways of a record may have been silent before one that
// has never been seen there takes it for a backup on a new machine.
const strangeAfter = time.Minute

func (m *memory) isHeld() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.held
}

// compare brings the record and what this gateway remembers together: an older record
// holds what is sent, and forgets again who was erased since.
func (a *App) compare(ctx context.Context, life store.Life, older bool) error {
	m := a.memory
	m.mu.Lock()
	known, at, synced := m.known, m.at, m.synced
	m.held = !life.Held.IsZero()
	m.mu.Unlock()
	older = older || life.Beat < known
	if !older && synced.Erasures == life.Erasures && synced.LastErasure.Equal(life.LastErasure) && synced.Beat > 0 {
		return nil
	}
	// The list first: whoever is on it was asked for in the record before (erase).
	if err := m.reread(); err != nil {
		return err
	}
	list := m.all()
	listed, err := a.store.Erasures(ctx)
	if err != nil {
		return err
	}
	forgotten, unfinished, unknown := forgottenErasures(list, listed)
	if older = older || unknown && life.Beat <= known; older {
		n := store.Noticed{Node: a.node, Known: known, KnownAt: at, At: a.Now()}
		if at.IsZero() {
			n.KnownAt = n.At
		}
		if err := a.store.NoticeRestore(ctx, n); err != nil {
			return err
		}
		m.mu.Lock()
		m.held = true
		m.mu.Unlock()
		if life.Held.IsZero() {
			a.Log.Error("the record is older than this gateway remembers: a backup was restored. Nothing is sent until `lafia restore confirm`", "remembered", known, "found", life.Beat)
		}
	}
	for _, e := range append(forgotten, unfinished...) {
		if err := eraseAgain(ctx, a.store, e, a.Now()); err != nil {
			return err
		}
		if err := a.sessions.Forget(ctx, [32]byte(e.Contact)); err != nil {
			a.Log.Warn("live sessions of one who was erased could not be dropped") // with Redis away there are none to be taken up
		}
	}
	if len(forgotten) > 0 {
		a.Log.Warn("who was erased is erased again", "people", len(forgotten))
	}
	if len(forgotten) > 0 {
		if err := a.eraseUnread(ctx); err != nil {
			return err
		}
	}
	for _, e := range listed {
		if !e.At.IsZero() {
			if err := m.put(e); err != nil {
				return err
			}
		}
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.synced = life; m.synced.Beat == 0 {
		m.synced.Beat = 1
	}
	return nil
}

// forgottenErasures compares a list with the record's. Those that the record does not
// know, or knows an earlier one of, were forgotten; unfinished are those that it knows to be
// asked for. unknown tells that one of the list was never asked for there.
func forgottenErasures(list, listed []store.Erased) (forgotten, unfinished []store.Erased, unknown bool) {
	known := map[string]store.Erased{}
	for _, e := range listed {
		known[string(e.Contact)] = e
	}
	for _, e := range list {
		switch was, asked := known[string(e.Contact)]; {
		case asked && !was.At.Before(e.At):
		case asked && was.At.IsZero():
			unfinished = append(unfinished, e)
		default:
			forgotten, unknown = append(forgotten, e), unknown || !asked
		}
	}
	return forgotten, unfinished, unknown
}

// eraseAgain erases what a contact said before she was erased.
func eraseAgain(ctx context.Context, s *store.Store, e store.Erased, now time.Time) error {
	_, err := s.EraseAll(ctx, store.Erasure{Contact: e.Contact, At: e.At, Whole: e.Whole, Stopped: e.Stopped, Before: true}, now, nil)
	return err
}

// pulse gives the sign of life that the record's age is known by.
func (a *App) pulse(ctx context.Context) {
	a.memory.beats.Lock()
	defer a.memory.beats.Unlock()
	ask, cancel := context.WithTimeout(ctx, pulseWithin)
	defer cancel()
	beat, err := a.store.Beat(ask)
	if err != nil {
		a.Log.Warn("no sign of life could be counted", "error", store.Class(err))
		return
	}
	older, err := a.memory.saw(beat, a.Now())
	if err != nil {
		a.Log.Warn("how old the record is could not be remembered: look at the spool's disk", "error", err)
	}
	life, err := a.store.Life(ask)
	if err == nil {
		err = a.compare(ctx, life, older)
	}
	if err != nil {
		a.Log.Warn("who was erased could not be compared with the record", "error", store.Class(err))
	}
}

// pulseWithin is how long the record may take to count a sign of life.
const pulseWithin = 2 * time.Second

// watch looks whether the record is an older one by now.
func (a *App) watch(ctx context.Context) {
	before := a.memory.beat()
	ask, cancel := context.WithTimeout(ctx, pulseWithin)
	defer cancel()
	life, err := a.store.Life(ask)
	if err == nil && life.Beat < before {
		a.pulse(ctx)
	}
}

// erase erases a contact: first it is asked for, then it is on the list, and then it is
// done. A crash between two of these finishes it later.
func (a *App) erase(ctx context.Context, contact []byte, now time.Time) error {
	now = now.UTC().Truncate(time.Microsecond)
	if err := a.store.AskErasure(ctx, contact, now, now); err != nil {
		return err
	}
	e, _, err := a.store.ErasureOf(ctx, contact)
	if err != nil {
		return err
	}
	return a.forget(ctx, e, now)
}

// eraseDue erases a contact whose day has come, unless that was done since it was looked
// for: by her phone, or by another gateway.
func (a *App) eraseDue(ctx context.Context, contact []byte, now time.Time) error {
	e, asked, err := a.store.ErasureOf(ctx, contact)
	if err != nil || !asked || !e.At.IsZero() {
		return err
	}
	return a.forget(ctx, e, now.UTC().Truncate(time.Microsecond))
}

func (a *App) forget(ctx context.Context, e store.Erased, now time.Time) error {
	e.At = now
	if err := a.memory.put(e); err != nil {
		return err
	}
	return a.store.Erase(ctx, e.Contact, now)
}

// eraseLate erases what came in behind an erasure and is from before it.
func (a *App) eraseLate(ctx context.Context) error {
	late, err := a.store.LeftOfErased(ctx, careMost)
	if err != nil {
		return err
	}
	for _, e := range late {
		e.Whole = false // she may have been made a leader since
		if err := eraseAgain(ctx, a.store, e, a.Now()); err != nil {
			return err
		}
	}
	return nil
}
