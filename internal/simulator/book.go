package simulator

import (
	"container/list"
	"sync"
	"time"

	"lafia/gateway/message"
)

// The limits of what is kept. A load test may write to any number of phones,
// and the simulator lives in the process that is being tested: it must stay
// small beside it. The longest unused phones go first.
const (
	maxThread = 200      // messages of a phone: more than anyone scrolls through
	maxPhones = 10_000   // phones: at some 1 kB each that is 10 MB
	maxBytes  = 32 << 20 // text on all phones together: 200,000 SMS of 160 characters
)

// book holds the phones, and when each was last used.
type book struct {
	mu     sync.Mutex // guards all below, and what phones say it guards
	phones map[message.Number]*list.Element
	used   *list.List // of *phone, the latest used in front
	bytes  int        // of all threads
}

// phone is one simulated phone.
type phone struct {
	number message.Number

	// turn is held for the length of a USSD request: a phone does one thing at
	// a time, however often its keys are tapped. It is taken before book.mu.
	turn sync.Mutex

	// Guarded by book.mu.
	channel    string // the one last dialled
	smsChannel string // the one last written to
	typed      string // in the input box, where the browser has no script
	dialled    string // the last code, for the green key
	call       *call  // the latest USSD session, live or over
	note       note   // what the phone says in place of a screen
	smsNote    note
	thread     []*text
	bytes      int // of the thread
	version    int // grows with each change
}

// text is one SMS of a phone's thread.
type text struct {
	mine bool   // the person wrote it
	peer string // who it is from or to
	body string
	at   time.Time

	// Of mine only: whether the webhook call is over, and its status (0: no answer).
	answered bool
	status   int
}

func newBook() *book {
	return &book{phones: map[message.Number]*list.Element{}, used: list.New()}
}

// phone finds a phone, or takes a new one.
func (b *book) phone(n message.Number) *phone {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.use(n)
}

// look finds a phone that was used before. It takes no new one, so that asking
// for what isn't there costs no memory.
func (b *book) look(n message.Number) (*phone, bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	e, ok := b.phones[n]
	if !ok {
		return nil, false
	}
	return e.Value.(*phone), true
}

// use is phone, with the lock held.
func (b *book) use(n message.Number) *phone {
	if e, ok := b.phones[n]; ok {
		b.used.MoveToFront(e)
		return e.Value.(*phone)
	}
	p := &phone{number: n}
	b.phones[n] = b.used.PushFront(p)
	b.trim()
	return p
}

// receive puts an SMS of Lafia's on its phone.
func (b *book) receive(m incoming, now time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.add(m.To, &text{peer: m.From, body: m.Text, at: now})
}

// add puts a text on a phone, with the lock held.
func (b *book) add(n message.Number, t *text) {
	p := b.use(n)
	p.thread = append(p.thread, t)
	p.bytes += len(t.body)
	b.bytes += len(t.body)
	if len(p.thread) > maxThread {
		gone := len(p.thread[0].body)
		p.thread[0] = nil // let go of it before the slice moves on
		p.thread = p.thread[1:]
		p.bytes -= gone
		b.bytes -= gone
	}
	p.version++
	b.trim()
}

// trim lets go of the longest unused phones, but never of the latest.
func (b *book) trim() {
	for b.used.Len() > 1 && (b.used.Len() > maxPhones || b.bytes > maxBytes) {
		e := b.used.Back()
		p := b.used.Remove(e).(*phone)
		delete(b.phones, p.number)
		b.bytes -= p.bytes
		p.thread, p.bytes = nil, 0
	}
}

// received lists what Lafia sent to a phone, oldest first.
func (b *book) received(n message.Number) []text {
	p, ok := b.look(n)
	if !ok {
		return nil
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	var texts []text
	for _, t := range p.thread {
		if !t.mine {
			texts = append(texts, *t)
		}
	}
	return texts
}
