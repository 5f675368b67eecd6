package job

import "time"

// Class is what a kind of message to send is promised. The figures are issue 5's;
// where two say nothing of each other, the one that spares a caller won.
type Class struct {
	// Priority is the queue's: 1 goes first, 4 last.
	Priority int
	// GiveUp is how long after it was queued a message still makes sense. Later it
	// is expired, and not sent.
	GiveUp time.Duration
	// Tries is how many attempts may have reached the aggregator: 1 is at most
	// once, more is at least once, for what may be read twice and must be read.
	Tries int
	// Ahead is how far into the future a message may take its turn at a channel
	// whose rate is short. Who may take one further ahead goes first.
	Ahead time.Duration
	// Purpose is the wish of the receiver that allows it; "": none is needed.
	Purpose string
	// Waits: not in quiet hours, and not while a stop may lie in a spool or in a
	// message of the receiver that is not handled yet.
	Waits bool
	// Switched: not into a commune that was closed.
	Switched bool
	// Budgeted: not once the month's budget is spent.
	Budgeted bool
	// Fallback: it may go by another channel when its own surely did not take it.
	Fallback bool
	// Bulk: it comes by the thousand, and has workers of its own.
	Bulk bool
}

// classes of messages. A reply answers somebody who has just written, so nothing
// stops it but a number that is no longer there. An alert calls a person on duty:
// it holds no words, and may come twice. A test tries a channel, so it goes by no
// other.
var classes = map[string]Class{
	"reply":     {Priority: 1, GiveUp: 24 * time.Hour, Tries: 1, Ahead: 5 * time.Second, Fallback: true},
	"alert":     {Priority: 1, GiveUp: 2 * time.Hour, Tries: 3, Ahead: 5 * time.Second, Fallback: true},
	"receipt":   {Priority: 2, GiveUp: 24 * time.Hour, Tries: 1, Ahead: 2 * time.Second, Switched: true, Budgeted: true, Fallback: true},
	"test":      {Priority: 2, GiveUp: time.Hour, Tries: 1, Ahead: 2 * time.Second},
	"reminder":  {Priority: 3, GiveUp: 12 * time.Hour, Tries: 1, Ahead: bulkAhead, Purpose: "reminder", Waits: true, Switched: true, Budgeted: true, Fallback: true, Bulk: true},
	"broadcast": {Priority: 4, GiveUp: 24 * time.Hour, Tries: 1, Ahead: bulkAhead, Purpose: "broadcast", Waits: true, Switched: true, Budgeted: true, Fallback: true, Bulk: true},
}

// bulkAhead keeps a channel busy between two commits, and is over before anybody
// who waits for a reply notices.
const bulkAhead = 250 * time.Millisecond

// ClassNamed gives a class by its name in the record.
func ClassNamed(name string) (Class, bool) {
	c, ok := classes[name]
	return c, ok
}

// ClassNames lists the classes, what goes first first.
func ClassNames() []string {
	return []string{"reply", "alert", "receipt", "test", "reminder", "broadcast"}
}

// Queue is where the jobs that send a class are.
func (c Class) Queue() string {
	if c.Bulk {
		return QueueBulk
	}
	return QueueOutbound
}

// netAfter is how long a job has to take up what is urgent before the sweep does.
const netAfter = 15 * time.Second

// Due is when a message that waits until a moment is looked for, should its job
// have died: at once where somebody waits for it. What comes by the thousand is
// left to the queue's own rescue until its time is over.
func (c Class) Due(queued, until time.Time) time.Time {
	giveUp := queued.Add(c.GiveUp)
	if due := until.Add(netAfter); !c.Bulk && due.Before(giveUp) {
		return due
	}
	return giveUp
}
