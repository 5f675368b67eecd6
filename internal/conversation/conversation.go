// Package conversation walks a caller through a flow: it is the only room that
// knows sessions, the record and flows at once. hop.go reads as the trip of a
// keypress in the design; receive.go as the trip of an SMS.
package conversation

import (
	"context"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"lafia/gateway/message"
	"lafia/internal/directory"
	"lafia/internal/flow"
	"lafia/internal/locale"
	"lafia/internal/programme"
	"lafia/internal/session"
	"lafia/internal/spool"
	"lafia/internal/store"
	"lafia/internal/vault"
)

// Sessions is what a conversation needs of live sessions.
type Sessions interface {
	Load(ctx context.Context, k session.Key) (session.Loaded, error)
	Save(ctx context.Context, k session.Key, expected uint64, v session.Saved) (bool, error)
	Drop(ctx context.Context, k session.Key, version uint64) error
	Begin(ctx context.Context, lost time.Time) error
}

// Options are the parts of a conversation. All are needed unless said.
type Options struct {
	Ring     *vault.Ring
	Sessions Sessions
	Store    Record
	Book     *flow.Book
	Words    *locale.Catalog
	Now      func() time.Time
	Log      *slog.Logger
	// HelpNumber gives the help number for a region ("" when none is known).
	HelpNumber func(region string) string
	// Regions are the regions that a help number is known for, besides the common one.
	Regions []string
	// Channel gives how a channel carries screens. May be nil.
	Channel func(name string) Channel
	// Own reports whether a number writes in our name: it gets no reply. May be nil.
	Own func(message.Number) bool
	// Spool takes what is to be acknowledged while the record is away. nil: nothing
	// is acknowledged then.
	Spool Spool
	// Elsewhere reports whether another gateway's spool may hold something that the
	// record does not know yet. nil: there is no other gateway.
	Elsewhere func(ctx context.Context) (bool, error)
	// Example is a project code shown in hints.
	Example string
	// Commit is how long one try to commit may take; 0 means 2.5 s. Two tries fit
	// into what an aggregator waits.
	Commit time.Duration
	// Erased tells when a contact was erased: what of hers comes out of the spool from
	// before is kept without her. May be nil.
	Erased func(contact []byte) (time.Time, bool)
	// Erase erases a contact now. nil: in the record alone.
	Erase func(ctx context.Context, contact []byte, at time.Time) error
	// Altered is told of each message that is kept although its id was another
	// message's before. May be nil.
	Altered func(channel string)
	// Point is called at the points of a hop where tests kill the process. May be nil.
	Point func(name string)
}

// Channel is how one channel carries screens, where that is not as usual.
type Channel struct {
	USSDSeptets int      // of a page; 0: the 160 that every network carries
	Unfolded    bool     // letters go out as they are written
	Languages   []string // offered to callers; nil: those that the locale files offer
	Dial        string   // the USSD code, for SMS that tell to dial it
}

// Conversation walks callers through flows.
type Conversation struct {
	Options
	programme atomic.Pointer[directory.Directory] // read by hops without a trip to the record
	books     sync.Map                            // hash → *flow.Book: those that sessions under way began with
	drafts    *behind
	overdue   overdue
	inbox     *inboxKeys
	breaker   *spool.Breaker // of the record, for hops
}

// New makes a conversation. Call Start before the first hop.
func New(o Options) *Conversation {
	if o.Commit == 0 {
		o.Commit = 2500 * time.Millisecond
	}
	if o.Point == nil {
		o.Point = func(string) {}
	}
	if o.Altered == nil {
		o.Altered = func(string) {}
	}
	if o.Own == nil {
		o.Own = func(message.Number) bool { return false }
	}
	if o.Channel == nil {
		o.Channel = func(string) Channel { return Channel{} }
	}
	if o.HelpNumber == nil {
		o.HelpNumber = func(string) string { return "" }
	}
	c := &Conversation{Options: o, inbox: newInboxKeys(), breaker: &spool.Breaker{}}
	c.books.Store(o.Book.Hash, o.Book)
	c.drafts = newBehind(o.Store, o.Log, o.Ring.SealSession)
	return c
}

// Start reads the programme into memory, keeps the book, and starts writing
// drafts behind.
func (c *Conversation) Start(ctx context.Context) error {
	if err := c.Refresh(ctx); err != nil {
		return err
	}
	if err := c.Store.KeepBook(ctx, c.Book.Hash, c.Book.Content(), c.Now()); err != nil {
		return err
	}
	c.drafts.start()
	return nil
}

// Stop writes what is still to be written behind.
func (c *Conversation) Stop() { c.drafts.stop() }

// Refresh reads the programme's projects and places again.
func (c *Conversation) Refresh(ctx context.Context) error {
	projects, err := c.Store.Projects(ctx)
	if err != nil {
		return err
	}
	places, err := c.Store.Places(ctx)
	if err != nil {
		return err
	}
	c.programme.Store(directory.New(projects, places))
	return nil
}

// book gives the book that a session began with: from memory, else from the
// record, else today's.
func (c *Conversation) book(ctx context.Context, hash string) *flow.Book {
	if b, ok := c.books.Load(hash); ok {
		return b.(*flow.Book)
	}
	if c.Away() {
		return c.Book
	}
	ctx, cancel := context.WithTimeout(ctx, readWithin)
	defer cancel()
	content, err := c.Store.Book(ctx, hash)
	c.Heard(err)
	if err != nil {
		c.Log.Warn("a session's flow book is gone; it goes on with today's", "error", store.Class(err))
		return c.Book
	}
	b, err := flow.Parse(content)
	if err != nil {
		c.Log.Warn("a session's flow book does not parse; it goes on with today's")
		return c.Book
	}
	c.books.Store(hash, b)
	return b
}

// reference gives the reference of a run: derived, so it needs no commit.
func (c *Conversation) reference(runID string) programme.Reference {
	id := c.Ring.ID("reference", []byte(runID))
	return programme.ReferenceOf(id[:])
}
