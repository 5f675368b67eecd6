package fakeaggregator

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"sync"
	"time"
)

// LineKind says what a line of the ledger is about.
type LineKind string

// Kinds of lines.
const (
	KindPlan    LineKind = "plan"
	KindCaller  LineKind = "caller"  // who she is; her number stands here alone
	KindRun     LineKind = "run"     // what she means to say
	KindHop     LineKind = "hop"     // one request of a USSD session, and its answer
	KindSMS     LineKind = "sms"     // one request that hands over an SMS, and its answer
	KindReply   LineKind = "reply"   // an SMS that reached her
	KindSend    LineKind = "send"    // a request to send that reached the far end, and its answer
	KindReceipt LineKind = "receipt" // a delivery report, and its answer
	KindWindow  LineKind = "window"  // from At for Took something was away
	KindEnd     LineKind = "end"     // the last line: the play was not cut off
	KindErased  LineKind = "erased"  // from then on nothing that she said before is anywhere
	KindStaff   LineKind = "staff"   // an act of somebody of the team, in the console
)

// Line is one line of the ledger. It holds what a caller said in the clear, all
// of it made up, so its file is for its owner alone.
type Line struct {
	Kind   LineKind      `json:"kind"`
	At     time.Duration `json:"at"`   // since the ledger began, by the monotonic clock
	Wall   time.Time     `json:"wall"` // the same by the wall clock
	Took   time.Duration `json:"took,omitempty"`
	Caller int           `json:"caller"` // -1: none

	Number  string   `json:"number,omitempty"` // caller; to whom, of a send to nobody we know
	Role    Role     `json:"role,omitempty"`
	Leads   []Leader `json:"leads,omitempty"`
	Channel string   `json:"channel,omitempty"`
	Wire    string   `json:"wire,omitempty"` // caller: of her channel

	Run   int    `json:"run,omitempty"`
	Flow  string `json:"flow,omitempty"`
	Nonce string `json:"nonce,omitempty"`
	Text  string `json:"text,omitempty"` // run, sms, reply, send: the words

	Session string `json:"session,omitempty"`
	N       int    `json:"n,omitempty"`     // of the hop in its session; 0 is the dial
	Input   string `json:"input,omitempty"` // a PIN stands as pin or badpin
	PIN     string `json:"pin,omitempty"`   // "right" or "wrong"
	Tail    string `json:"tail,omitempty"`  // dial: what came behind the code
	Gateway int    `json:"gateway,omitempty"`
	Copy    Copy   `json:"copy,omitempty"`
	Lost    bool   `json:"lost,omitempty"` // the answer came, and the caller never got it
	Status  int    `json:"status,omitempty"`
	Body    string `json:"body,omitempty"`
	Screen  string `json:"screen,omitempty"` // as the phone shows it
	End     bool   `json:"end,omitempty"`
	Error   string `json:"error,omitempty"` // there was no answer: timeout, cut, unreachable; refused: it reached nobody
	Ref     string `json:"ref,omitempty"`
	Acked   bool   `json:"acked,omitempty"`
	Own     string `json:"own,omitempty"`     // the aggregator's id of a message
	Client  string `json:"client,omitempty"`  // send: the id that the gateway gave it
	Answer  string `json:"answer,omitempty"`  // send: ok, throttle, error, silent, late
	Taken   bool   `json:"taken,omitempty"`   // send: the message went out, whatever was answered
	State   string `json:"state,omitempty"`   // receipt
	Stop    bool   `json:"stop,omitempty"`    // sms: it is a STOP
	SentAt  string `json:"sent_at,omitempty"` // sms: as posted
	Window  string `json:"window,omitempty"`  // redis, postgres, gateway; durable: nothing could be made durable
	NoWay   bool   `json:"no_way,omitempty"`  // the caller met a screen that no replay gives
	Example string `json:"example,omitempty"` // plan: the project code shown in hints
	Help    string `json:"help,omitempty"`    // plan: the help number
	Hearing string `json:"hearing,omitempty"` // run: how it ended for her: acked, told, gave up
	Act     string `json:"act,omitempty"`     // staff: as the audit names it
	Actor   string `json:"actor,omitempty"`   // staff: the account's id
	Object  string `json:"object,omitempty"`  // staff: the id of what it is about
}

// Copy says why a request is there once more.
type Copy string

// Reasons.
const (
	First     Copy = ""
	Duplicate Copy = "duplicate" // beside the first or right after it
	Both      Copy = "both"      // at another gateway at the same time
	Retry     Copy = "retry"     // the answer to the one before was lost
	Late      Copy = "late"      // after a later one
)

// Ledger writes lines as they happen and keeps none: its memory is one buffer.
// It may be used by many at once.
type Ledger struct {
	mu    sync.Mutex
	w     *bufio.Writer
	enc   *json.Encoder
	began time.Time
	wrote time.Time // when the buffer was written last
	err   error
}

// flushEvery is how old a line may get in the buffer while others come.
const flushEvery = time.Second

// NewLedger writes to w. Close it before w.
func NewLedger(w io.Writer) *Ledger {
	b := bufio.NewWriterSize(w, 64<<10)
	enc := json.NewEncoder(b)
	enc.SetEscapeHTML(false)
	return &Ledger{w: b, enc: enc, began: time.Now()}
}

// write notes a line. What is measured has its times already.
func (l *Ledger) write(v Line) {
	if v.Wall.IsZero() {
		v = l.begun(v)
	}
	v.Wall = v.Wall.UTC().Round(0)
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.err == nil {
		l.err = l.enc.Encode(v)
	}
	if now := time.Now(); l.err == nil && now.Sub(l.wrote) > flushEvery {
		l.wrote, l.err = now, l.w.Flush()
	}
}

// begun gives a line its moment.
func (l *Ledger) begun(v Line) Line {
	now := time.Now()
	v.Wall, v.At = now, now.Sub(l.began)
	return v
}

// since gives how long a line has taken.
func (l *Ledger) since(v Line) time.Duration { return time.Since(l.began) - v.At }

// During notes that something was away while f ran: "redis", "postgres",
// "gateway" or, when nothing could be made durable, "durable".
func (l *Ledger) During(what string, f func()) {
	v := l.begun(Line{Kind: KindWindow, Caller: -1, Window: what})
	f()
	v.Took = l.since(v)
	l.write(v)
}

// Restored notes that a backup, whose taking began at a moment since the ledger began,
// stands in the place of the record.
func (l *Ledger) Restored(began time.Duration) {
	v := l.begun(Line{Kind: KindWindow, Caller: -1, Window: "restore"})
	v.At, v.Took, v.Wall = began, v.At-began, v.Wall.Add(began-v.At)
	l.write(v)
}

// Erasing notes that a caller was erased by f: what she had said when that began.
func (l *Ledger) Erasing(caller int, f func()) {
	v := l.begun(Line{Kind: KindErased, Caller: caller})
	f()
	v.Took = l.since(v)
	l.write(v)
}

// Since gives how long ago the ledger began.
func (l *Ledger) Since() time.Duration { return time.Since(l.began) }

// Err gives what went wrong with the writing.
func (l *Ledger) Err() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.err != nil {
		return fmt.Errorf("writing the ledger: %w", l.err)
	}
	return nil
}

// Close writes what is in the buffer, and an end.
func (l *Ledger) Close() error {
	l.write(Line{Kind: KindEnd, Caller: -1})
	l.mu.Lock()
	if err := l.w.Flush(); l.err == nil {
		l.err = err
	}
	l.mu.Unlock()
	return l.Err()
}

// maxLine bounds a line of a ledger: a screen, an SMS of ten parts, and names.
const maxLine = 256 << 10

// ReadLedger reads a whole ledger. A last line that was cut is left out.
func ReadLedger(r io.Reader) ([]Line, error) {
	s := bufio.NewScanner(r)
	s.Buffer(make([]byte, 0, 64<<10), maxLine)
	var out []Line
	var bad error
	for n := 1; s.Scan(); n++ {
		if bad != nil {
			return nil, bad
		}
		var v Line
		if err := json.Unmarshal(s.Bytes(), &v); err != nil {
			bad = fmt.Errorf("line %d of the ledger is no line of a ledger: %w", n, err)
			continue
		}
		out = append(out, v)
	}
	if err := s.Err(); err != nil {
		return nil, fmt.Errorf("reading the ledger: %w", err)
	}
	if len(out) == 0 && bad != nil {
		return nil, bad
	}
	if len(out) == 0 {
		return nil, fmt.Errorf("the ledger is empty")
	}
	return out, nil
}

// Ended reports whether a ledger is whole: a play that was cut off left the latest
// of what it asked in no line.
func Ended(ledger []Line) bool {
	return len(ledger) > 0 && ledger[len(ledger)-1].Kind == KindEnd
}
