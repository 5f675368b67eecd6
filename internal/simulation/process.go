package simulation

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"lafia/gateway/message"
	"lafia/internal/conversation"
	"lafia/internal/session"
	"lafia/internal/spool"
	"lafia/internal/store"
)

// gateway is a node: its disk outlives its processes.
type gateway struct {
	w       *world
	n       int
	journal *Journal
	lives   int
	p       *process
}

// process is one life of a gateway.
type process struct {
	g     *gateway
	w     *world
	life  int
	c     *conversation.Conversation
	dead  bool
	ready bool
}

func (p *process) String() string { return fmt.Sprintf("gateway %d.%d", p.g.n, p.life) }

// boot starts a process, and starts it again until its servers answer.
func (g *gateway) boot(first bool) {
	g.lives++
	p := &process{g: g, w: g.w, life: g.lives}
	g.p = p
	g.w.begin(0, func() {
		for !p.dead {
			if p.start(first) == nil {
				p.run()
				return
			}
			g.w.sleep(time.Second)
		}
	})
}

func (p *process) start(first bool) error {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	var lost time.Time
	if !first { // a gateway was alive a moment ago: sessions may have been under way
		lost = p.w.Now()
	}
	s := &sessions{p}
	if err := s.Begin(ctx, lost); err != nil {
		return err
	}
	c := conversation.New(conversation.Options{
		Ring: p.w.Ring, Sessions: s, Store: &record{p}, Spool: &journal{p}, Book: p.w.Book, Words: p.w.Words, Now: p.w.Now,
		Log: slog.New(slog.DiscardHandler), Example: "107", HelpNumber: func(string) string { return "80333" }, Point: p.point,
	})
	if err := c.Start(ctx); err != nil {
		return err
	}
	p.c, p.ready = c, true
	p.w.note(p.String(), "is ready")
	return nil
}

// run is the loop that drains the spool and asks whether the record is back.
func (p *process) run() {
	for {
		every := time.Second
		if p.g.journal.Pending() > 0 && !p.c.Away() {
			every = 250 * time.Millisecond
		}
		p.w.sleep(every)
		if p.dead {
			return
		}
		if p.g.journal.Pending() == 0 && !p.c.Away() {
			continue
		}
		ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
		err := p.call(ctx, postgres, "beat", func() error { return nil })
		cancel()
		p.c.Heard(err)
		if err == nil {
			p.drain()
		}
	}
}

func (p *process) drain() {
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	_ = p.g.journal.Drain(ctx, func(ctx context.Context, r spool.Record) error {
		ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
		defer cancel()
		err := p.c.Drained(ctx, r)
		if errors.Is(err, conversation.ErrAway) {
			stop()
		}
		if errors.Is(err, spool.ErrBad) {
			p.w.violate("a record of the spool can never be delivered: %v", err)
		}
		return err
	})
}

// crash ends the process where it stands: whatever runs in it ends at its next
// call, and another life begins a little later.
func (p *process) crash(where string) {
	if p.dead {
		return
	}
	p.w.note(p.String(), "dies at %s", where)
	p.dead = true
	p.w.locked(func() { p.w.crashes++ })
	p.g.journal.Crash()
	p.w.begin(p.w.between(500*time.Millisecond, 5*time.Second), func() {
		if p.c != nil {
			p.c.Stop() // its goroutine; what it would write meets a dead process
		}
		if !p.w.stop {
			p.g.boot(false)
		}
	})
}

// shutDown is an orderly stop.
func (g *gateway) shutDown() {
	if g.p.ready && !g.p.dead {
		g.p.c.Stop()
	}
	g.p.dead = true
}

// await waits until a process of the gateway is ready.
func (g *gateway) await() {
	for g.p == nil || !g.p.ready || g.p.dead {
		g.w.sleep(time.Second)
	}
}

// point is a point of a hop at which the process may end.
func (p *process) point(name string) {
	if p.dead {
		end()
	}
	if p.w.chance(p.w.weather.crash / 2) {
		p.crash(name)
		end()
	}
}

// call is one call of the process to a server: it may take its time, fail before
// or behind its effect, or be the last of the process.
func (p *process) call(ctx context.Context, server, name string, effect func() error) error {
	if p.dead {
		end()
	}
	w, f := p.w, p.w.fate(server)
	if f.crashBefore {
		p.crash("before " + name)
		end()
	}
	if err := w.pause(ctx, f.there); err != nil {
		if f.arrives && w.weather.spell(server, p.g.n, w.Now()) == nil {
			_ = p.effect(name, "was given up, and arrives", effect)
		}
		return err
	}
	if p.dead {
		if f.arrives {
			_ = p.effect(name, "arrives of a dead process", effect)
		}
		end()
	}
	if s := w.weather.spell(server, p.g.n, w.Now()); s != nil {
		return p.away(ctx, name, s)
	}
	if f.before != nil {
		w.note(p.String(), "%s fails: %v", name, f.before)
		return f.before
	}
	err := p.effect(name, "", effect)
	if f.crashAfter {
		p.crash("behind " + name)
		end()
	}
	if gone := w.pause(ctx, f.back); gone != nil {
		w.note(p.String(), "%s was done, and nobody waits for it", name)
		return gone
	}
	if p.dead {
		end()
	}
	if err == nil && f.after != nil {
		w.note(p.String(), "%s was done, and is told to have failed: %v", name, f.after)
		return f.after
	}
	return err
}

func (p *process) away(ctx context.Context, name string, s *spell) error {
	p.w.note(p.String(), "%s: %s is away", name, s.server)
	if s.server == disk {
		return spool.ErrFull
	}
	if !s.hangs {
		return errRefused
	}
	if err := p.w.pause(ctx, 15*time.Second); err != nil {
		return err
	}
	if p.dead {
		end()
	}
	return errConnection
}

func (p *process) effect(name, how string, f func() error) error {
	err := f()
	told := "ok"
	if err != nil {
		told = err.Error()
	}
	p.w.note(p.String(), "%s %s: %s", name, how, told)
	p.w.jobs()
	return err
}

// hopWithin and receiveWithin are what the gateway gives a hop and an SMS.
const (
	hopWithin     = 8 * time.Second
	receiveWithin = 5 * time.Second
)

// hop answers one request; ok is false when the process died of it.
func (p *process) hop(channel string, in message.Inbound) (r message.Reply, err error, ok bool) {
	ok = apart(func() {
		ctx, cancel := context.WithTimeout(context.Background(), hopWithin)
		defer cancel()
		r, err = p.c.Hop(ctx, channel, in)
	})
	return r, err, ok && !p.dead
}

func (p *process) receive(channel string, in message.Inbound) (err error, ok bool) {
	ok = apart(func() {
		ctx, cancel := context.WithTimeout(context.Background(), receiveWithin)
		defer cancel()
		err = p.c.Receive(ctx, channel, in)
	})
	return err, ok && !p.dead
}

func (p *process) handle(inboundID string) (err error, ok bool) {
	ok = apart(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
		defer cancel()
		err = p.c.Handle(ctx, inboundID)
	})
	return err, ok && !p.dead
}

// sessions are the sessions as a process reaches them.
type sessions struct{ p *process }

func (s *sessions) Load(ctx context.Context, k session.Key) (l session.Loaded, err error) {
	err = s.p.call(ctx, redis, "load", func() (err error) { l, err = s.p.w.sessions.Load(ctx, k); return err })
	return l, err
}

func (s *sessions) Save(ctx context.Context, k session.Key, expected uint64, v session.Saved) (ok bool, err error) {
	w := s.p.w
	err = s.p.call(ctx, redis, "save", func() (err error) {
		before := w.sessions.version(k)
		if ok, err = w.sessions.Save(ctx, k, expected, v); ok && v.Version <= before {
			w.violate("I6: version %d of a session was replaced by %d", before, v.Version)
		}
		w.note(s.p.String(), "version %d of %d: %v", v.Version, before, ok)
		return err
	})
	return ok && err == nil, err
}

func (s *sessions) Drop(ctx context.Context, k session.Key, version uint64) error {
	return s.p.call(ctx, redis, "drop", func() error { return s.p.w.sessions.Drop(ctx, k, version) })
}

func (s *sessions) Begin(ctx context.Context, lost time.Time) error {
	return s.p.call(ctx, redis, "begin", func() error { return s.p.w.sessions.Begin(ctx, lost) })
}

// journal is the spool as a process reaches it.
type journal struct{ p *process }

func (j *journal) Append(ctx context.Context, r spool.Record) error {
	return j.p.call(ctx, disk, "append", func() error { return j.p.g.journal.Append(ctx, r) })
}

func (j *journal) PendingFor(contact []byte) bool { return j.p.g.journal.PendingFor(contact) }

// hold is a hold on a contact as a process has it.
type hold struct {
	p *process
	h *Hand
}

func (h *hold) Next(ctx context.Context) (m store.Inbound, err error) {
	err = h.p.call(ctx, postgres, "next", func() (err error) { m, err = h.h.Next(ctx); return err })
	return m, err
}

func (h *hold) Handled(ctx context.Context, id string, a store.Answer, now time.Time) error {
	return h.p.call(ctx, postgres, "handled", func() error { return h.h.Handled(ctx, id, a, now) })
}

// Release is the end of a connection: it comes also of a process that died.
func (h *hold) Release() { h.h.Release() }
