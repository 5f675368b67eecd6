package conversation

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"lafia/internal/programme"
	"lafia/internal/spool"
	"lafia/internal/store"
)

// Spool keeps what was acknowledged while the record is away.
type Spool interface {
	// Append returns nil once a record is fsynced.
	Append(ctx context.Context, r spool.Record) error
	// PendingFor says whether something of a contact's waits: what comes next from
	// her must wait behind it.
	PendingFor(contact []byte) bool
}

// deed is one thing that is made durable: in the record, or in the spool until
// the record takes it. One field is set. Its ids were settled when it came in, so
// that committing it again changes nothing, and what it says is sealed.
type deed struct {
	Run     *store.Run    `json:",omitempty"`
	Wishes  []store.Wish  `json:",omitempty"`
	Erasure *erasure      `json:",omitempty"`
	Confirm *confirmation `json:",omitempty"`
	Message *arrival      `json:",omitempty"`
	Receipt *delivery     `json:",omitempty"`

	Unreadable *store.Unreadable `json:",omitempty"`
}

// erasure is how a contact wants to be forgotten: "now", "later" or "keep".
type erasure struct {
	Contact []byte
	How     string
	At      time.Time
}

// confirmation is a leader's yes to her report by SMS.
type confirmation struct {
	Contact []byte
	ID      string
	At      time.Time
}

// delivery is an aggregator's word on a message of ours.
type delivery struct {
	Receipt store.Receipt
	At      time.Time
}

const (
	// readWithin is how long a hop waits for what it asks the record: beside two
	// tries to commit it fits into what an aggregator waits.
	readWithin = 2 * time.Second
	// messageWithin is one try to store an SMS: two and the spool fit into the 5 s
	// that its aggregator waits.
	messageWithin = 1800 * time.Millisecond
	// spoolWithin is how long an fsync is waited for. It is no part of the deadline
	// of before, which may be used up by a record that hangs.
	spoolWithin = 1500 * time.Millisecond
)

// errAway says that the record is away, and that the question needs it.
var errAway = errors.New("the record is away")

// isAway reports whether an error means that the record did not take something
// and that it was not the thing's own fault: it goes to the spool. Of unknown
// outcome is away too.
func isAway(err error) bool {
	if err == nil || store.IsNotFound(err) || errors.Is(err, spool.ErrBad) {
		return false
	}
	switch class := store.Class(err); {
	case class == "postgres-25006": // a standby that is not the primary yet (F13)
		return true
	case strings.HasPrefix(class, "postgres-58"), strings.HasPrefix(class, "postgres-XX"): // its disk (F16)
		return true
	}
	return store.IsUnknown(err)
}

// Heard notes how asking the record went, from wherever it was asked: what else
// is asked then waits for it no more, or again.
func (c *Conversation) Heard(err error) {
	if !isAway(err) {
		err = nil // it answered
	}
	c.breaker.Report(err, c.Now())
}

// Away reports whether hops do without the record: it let three wait in vain.
// Whoever drains the spool asks it each second, so that no caller has to.
func (c *Conversation) Away() bool { return c.Spool != nil && c.breaker.Open() }

// ask asks the record within a hop. Once it was away nothing more of the hop asks
// it. By SMS a job waits and comes again.
func (t *trip) ask(ctx context.Context, f func(context.Context) error) error {
	if t.c.Spool == nil || !t.ussd() {
		return f(ctx)
	}
	if t.away = t.away || t.c.breaker.Open(); t.away {
		return errAway
	}
	ctx, cancel := context.WithTimeout(ctx, readWithin)
	defer cancel()
	err := f(ctx)
	t.c.Heard(err)
	if !isAway(err) {
		return err
	}
	t.away = true
	return fmt.Errorf("%w: %w", errAway, err)
}

// keep makes a deed of a hop durable: in the record, or else in the spool. By SMS
// there is no else: the job comes again.
func (t *trip) keep(ctx context.Context, what string, d deed) (store.Captured, error) {
	if !t.ussd() {
		return t.c.commitTwice(ctx, d, t.c.Commit)
	}
	id := t.c.Ring.ID("spooled", t.who.hop[:], []byte(what))
	return t.c.keep(ctx, spool.Record{Contact: t.who.key.Contact[:], ID: id.UUID(), At: t.who.now}, d, t.c.Commit, &t.away)
}

// keep makes a deed durable. What comes from a contact of whom something lies in
// the spool goes there too, or it would overtake. away is set, and heeded, for
// what follows.
func (c *Conversation) keep(ctx context.Context, r spool.Record, d deed, within time.Duration, away *bool) (store.Captured, error) {
	if c.Spool == nil {
		return c.commitTwice(ctx, d, within)
	}
	if !*away && !c.breaker.Open() && !c.Spool.PendingFor(r.Contact) {
		done, err := c.commitTwice(ctx, d, within)
		if !isAway(err) {
			return done, err
		}
		*away = true
	}
	var err error
	if r.Body, err = encode(d); err != nil {
		return store.Captured{}, err
	}
	r.Kind = deedKind
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), spoolWithin)
	defer cancel()
	if err := c.Spool.Append(ctx, r); err != nil {
		return store.Captured{}, err
	}
	c.Point("spooled")
	done := store.Captured{Fresh: true}
	if d.Run != nil {
		done.RunID, done.ContentHMAC = d.Run.Submission.ID, d.Run.ContentHMAC
	}
	return done, nil
}

// commitTwice commits a deed, once more when the outcome is not known: its ids are
// the same.
func (c *Conversation) commitTwice(ctx context.Context, d deed, within time.Duration) (store.Captured, error) {
	done, err := c.commitOnce(ctx, d, within)
	if store.IsUnknown(err) && !errors.Is(err, spool.ErrBad) && ctx.Err() == nil && !c.Away() {
		c.Log.Warn("a commit's outcome is not known; it is tried once more with the same id", "error", store.Class(err))
		done, err = c.commitOnce(ctx, d, within)
	}
	return done, err
}

func (c *Conversation) commitOnce(ctx context.Context, d deed, within time.Duration) (store.Captured, error) {
	ctx, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	done, err := c.commitDeed(ctx, d, false)
	c.Heard(err)
	return done, err
}

// commitDeed commits a deed. told says that its reference was given already.
func (c *Conversation) commitDeed(ctx context.Context, d deed, told bool) (store.Captured, error) {
	switch {
	case d.Run != nil:
		return c.capture(ctx, *d.Run, told)
	case d.Wishes != nil:
		return store.Captured{}, c.Store.PutWishes(ctx, d.Wishes...)
	case d.Erasure != nil:
		return store.Captured{}, c.forget(ctx, *d.Erasure)
	case d.Confirm != nil:
		return store.Captured{}, c.Store.Confirm(ctx, d.Confirm.Contact, d.Confirm.ID, d.Confirm.At)
	case d.Message != nil:
		return store.Captured{}, c.storeMessage(ctx, *d.Message)
	case d.Receipt != nil:
		return store.Captured{}, c.Store.Receipt(ctx, d.Receipt.Receipt, d.Receipt.At)
	case d.Unreadable != nil:
		return store.Captured{}, c.Store.KeepUnreadable(ctx, *d.Unreadable)
	}
	return store.Captured{}, fmt.Errorf("%w: it says nothing", spool.ErrBad)
}

func (c *Conversation) forget(ctx context.Context, e erasure) error {
	switch e.How {
	case "now":
		return c.erase(ctx, e.Contact, e.At)
	case "later":
		return c.Store.AskErasure(ctx, e.Contact, e.At, e.At.Add(eraseAfter))
	case "keep":
		return c.Store.KeepContact(ctx, e.Contact)
	}
	return fmt.Errorf("%w: an erasure that nobody can mean", spool.ErrBad)
}

// capture commits a run. One that meets its id with other content becomes a
// message of its own, marked, and is never dropped. One that was left, and was
// finished before that became known, is there as a whole.
func (c *Conversation) capture(ctx context.Context, r store.Run, told bool) (store.Captured, error) {
	done, err := c.Store.Capture(ctx, r)
	if err == nil && !done.Fresh && r.Completes && !bytes.Equal(done.ContentHMAC, r.ContentHMAC) {
		// What it was left with was committed at the same moment: it is seen only now.
		done, err = c.Store.Capture(ctx, r)
	}
	if err != nil || done.Fresh || r.Submission.Partial || bytes.Equal(done.ContentHMAC, r.ContentHMAC) {
		return done, err
	}
	if r, err = c.altered(r, told); err != nil {
		return store.Captured{}, err
	}
	return c.Store.Capture(ctx, r)
}

// altered gives a run its own id beside the one of the same name. A reference that
// was told already stays: it need not be unique (design.md, decision 6).
func (c *Conversation) altered(r store.Run, told bool) (store.Run, error) {
	before := r.Submission.ID
	id := c.Ring.ID("altered", []byte(before), r.ContentHMAC).UUID()
	identity := c.Ring.ID("run-identity", []byte(id))
	r.RunKey, r.Submission.ID, r.Altered = identity[:], id, true
	if !told {
		r.Submission.Reference = c.reference(id)
	}
	if r.Submission.Level != programme.L3 && r.Sealed != nil {
		words, err := c.Ring.Open(r.Sealed, "submission/"+before)
		if err != nil {
			return r, fmt.Errorf("%w: its words do not open", spool.ErrBad)
		}
		r.Sealed = c.Ring.Seal(words, "submission/"+id)
	}
	return r, nil
}

// Drained commits one record of the spool with the very ids that it was spooled
// with, so that a second time changes nothing. An error that wraps spool.ErrBad
// is about the record: it can never be committed. After any other error it is
// tried again; isAway tells whether the others are worth trying.
func (c *Conversation) Drained(ctx context.Context, r spool.Record) error {
	d, err := decode(r)
	if err != nil {
		return err
	}
	if c.since(r) {
		err = c.commitErased(ctx, d)
	} else {
		_, err = c.commitDeed(ctx, d, true)
	}
	switch class := store.Class(err); {
	case strings.HasPrefix(class, "postgres-22"), strings.HasPrefix(class, "postgres-23"):
		// What the record refuses now it refuses for ever. Its words could quote a value.
		return fmt.Errorf("%w: the record refuses it (%s)", spool.ErrBad, class)
	case isAway(err):
		return fmt.Errorf("%w: %w", ErrAway, err)
	}
	return err
}

// ErrAway is in the error of Drained when the record is away: the others need not
// be tried.
var ErrAway = errAway

const (
	// deedKind is the kind of every record: what it is does not show in its length.
	deedKind = "deed"
	// deedVersion is the first byte of a body. Whoever changes the form takes the
	// next number, and reads this one as long as a spool may hold it.
	deedVersion = 1
	// bodyStep is what bodies are padded to a multiple of: an ordinary run, a
	// confidential one, a message and a stop have the same length (reliability.md
	// T26). A run's words of some 700 letters and a confidential body of 512 bytes
	// are the longest that fit into one.
	bodyStep = 2048
)

func encode(d deed) ([]byte, error) {
	body, err := json.Marshal(d)
	if err != nil {
		return nil, fmt.Errorf("writing a record for the spool: %w", err)
	}
	size := (1 + len(body) + bodyStep - 1) / bodyStep * bodyStep
	out := append(make([]byte, 0, size), deedVersion)
	out = append(out, body...)
	return append(out, bytes.Repeat([]byte{' '}, size-len(out))...), nil
}

func decode(r spool.Record) (d deed, err error) {
	switch {
	case r.Kind != deedKind:
		return d, fmt.Errorf("%w: its kind is not known", spool.ErrBad)
	case len(r.Body) == 0 || r.Body[0] != deedVersion:
		return d, fmt.Errorf("%w: another version of this program wrote it", spool.ErrBad)
	}
	if json.Unmarshal(r.Body[1:], &d) != nil { // its own words could quote
		return d, fmt.Errorf("%w: it does not parse", spool.ErrBad)
	}
	return d, nil
}
