package simulation

import (
	"bytes"
	"context"
	"errors"
	"sync"

	"lafia/internal/spool"
)

// Journal is a spool in memory: what its disk holds outlives the process, the
// rest does not.
type Journal struct {
	flaws Flaws

	mu    sync.Mutex
	disk  []*spooled
	lost  []*spooled // acknowledged before they were on the disk: a flaw
	marks []*spooled // delivered, and not yet marked so on the disk
}

type spooled struct {
	spool.Record
	done bool
}

// NewJournal gives an empty one.
func NewJournal(f Flaws) *Journal { return &Journal{flaws: f} }

// Append keeps a record. The same record that still waits is that one.
func (j *Journal) Append(_ context.Context, r spool.Record) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	for _, e := range j.disk {
		if !e.done && r.ID != "" && e.ID == r.ID && e.Kind == r.Kind && bytes.Equal(e.Contact, r.Contact) && e.At.Equal(r.At) && bytes.Equal(e.Body, r.Body) {
			return nil
		}
	}
	if j.flaws.EarlyAck {
		j.lost = append(j.lost, &spooled{Record: r})
		return nil
	}
	j.disk = append(j.disk, &spooled{Record: r})
	return nil
}

// sync writes what was acknowledged too early; nothing else waits for it.
func (j *Journal) sync() {
	j.disk, j.lost = append(j.disk, j.lost...), nil
}

// PendingFor says whether anything of a contact's waits.
func (j *Journal) PendingFor(contact []byte) bool {
	j.mu.Lock()
	defer j.mu.Unlock()
	for _, list := range [][]*spooled{j.disk, j.lost} {
		for _, e := range list {
			if !e.done && bytes.Equal(e.Contact, contact) {
				return true
			}
		}
	}
	return false
}

// Pending gives how many records wait.
func (j *Journal) Pending() int { return len(j.waiting()) }

func (j *Journal) waiting() []*spooled {
	j.mu.Lock()
	defer j.mu.Unlock()
	var out []*spooled
	for _, e := range j.disk {
		if !e.done {
			out = append(out, e)
		}
	}
	return out
}

// durable gives what a crash would leave to be delivered.
func (j *Journal) durable() []spool.Record {
	var out []spool.Record
	for _, e := range j.waiting() {
		out = append(out, e.Record)
	}
	return out
}

// Drain delivers what waits, in order; an error holds back the rest of a contact's.
func (j *Journal) Drain(ctx context.Context, deliver func(context.Context, spool.Record) error) error {
	j.mu.Lock()
	j.sync()
	j.mu.Unlock()
	held := map[string]bool{}
	var first error
	for _, e := range j.waiting() {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if held[string(e.Contact)] {
			continue
		}
		err := deliver(ctx, e.Record)
		switch {
		case err == nil:
		case errors.Is(err, spool.ErrBad):
			// set aside, and told of by whoever delivers
		default:
			held[string(e.Contact)] = true
			if first == nil {
				first = err
			}
			continue
		}
		j.mu.Lock()
		e.done = true
		j.marks = append(j.marks, e)
		j.mu.Unlock()
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	j.marks = nil
	return first
}

// Crash is the end of the process: what was delivered and not marked so comes
// again, what was not on the disk is gone.
func (j *Journal) Crash() {
	j.mu.Lock()
	defer j.mu.Unlock()
	for _, e := range j.marks {
		e.done = false
	}
	j.marks, j.lost = nil, nil
}
