package conversation

import (
	"crypto/hmac"
	"fmt"
	"time"

	"lafia/internal/flow"
	"lafia/internal/screen"
	"lafia/internal/session"
	"lafia/internal/store"
	"lafia/internal/vault"
)

// live is a session: where the caller stands and what is on her screen. It is
// what Redis and drafts hold, packed (pack.go) and sealed.
type live struct {
	ID       string // of the aggregator's session, derived
	Book     string
	Language string
	Cursor   flow.Cursor
	Shown    screen.Shown
	Run      string // of the flow she is in
	// Used tells how much of the cumulative text was taken: its length, and a MAC
	// of it in place of the text, which may hold a PIN.
	Used    int
	UsedMAC []byte
	// Last is the latest hop and the very reply that it got; Earlier the keys of
	// hops before, shortened; Past the sessions before this one.
	Last    answered
	Earlier [][]byte
	Past    []string
	// Ahead is what was dialled ahead by someone whose language isn't known yet.
	Ahead []string
	// Unfinished is the run of an earlier session that may be taken up again.
	Unfinished *unfinished
	At         time.Time
	Done       bool    // its last screen was shown
	Said       bool    // an ordinary run was finished in it
	Asked      bool    // what could have been a repeat was asked once more
	Sequence   int     // the latest hop's, where the aggregator counts them
	Lost       bool    // it began anew in the middle of a call that Redis lost
	Aside      []aside // sessions that she may be in, the latest first
	Arrived    bool    // what she is asked whether to go on with was finished meanwhile
}

type answered struct {
	Key  []byte
	Text string
	End  bool
}

type unfinished struct {
	Cursor flow.Cursor
	Run    string
	Book   string
	Until  time.Time
}

// remembered is a contact as Redis caches it.
type remembered struct {
	Language  string
	SeenAt    time.Time
	LastPlace string
	Answer    string // "yes" or "no" to being answered; "": never asked
}

func rememberedOf(c store.Contact) remembered {
	return remembered{Language: c.Language, SeenAt: c.SeenAt, LastPlace: c.LastPlace, Answer: c.Answer}
}

// Bounds of a session's lists: an aggregator repeats the hops of the last
// minutes, not those of long ago.
const (
	maxEarlier = 24
	maxPast    = 4
)

func (l *live) isRepeat(key vault.ID) bool { return hmac.Equal(l.Last.Key, key[:]) }

func (l *live) isEarlier(key vault.ID) bool {
	for _, e := range l.Earlier {
		if hmac.Equal(e, key[:8]) {
			return true
		}
	}
	return false
}

func (l *live) isPast(id string) bool {
	for _, p := range l.Past {
		if p == id {
			return true
		}
	}
	return false
}

// reply gives the page on her screen.
func (l *live) reply() answered {
	return answered{Text: l.Shown.Text(), End: l.Shown.Ends()}
}

// close notes that a hop was taken and what it was answered.
func (l *live) close(key vault.ID, now time.Time) {
	if len(l.Last.Key) >= 8 {
		l.Earlier = append(l.Earlier, l.Last.Key[:8])
		if n := len(l.Earlier); n > maxEarlier {
			l.Earlier = l.Earlier[n-maxEarlier:]
		}
	}
	l.Last = l.reply()
	l.Last.Key = key[:]
	l.At = now
	l.Done = l.Last.End
}

// use notes how much of the cumulative text was taken.
func (c *Conversation) use(l *live, text string) {
	mac := c.Ring.ID("used", []byte(l.ID), []byte(text))
	l.Used, l.UsedMAC = len(text), mac[:16]
}

// unused gives what the cumulative text holds beyond what was taken; false when
// it does not continue it.
func (c *Conversation) unused(l *live, text string) (string, bool) {
	if len(text) < l.Used || l.UsedMAC == nil {
		return text, l.UsedMAC == nil
	}
	mac := c.Ring.ID("used", []byte(l.ID), []byte(text[:l.Used]))
	if !hmac.Equal(mac[:16], l.UsedMAC) {
		return "", false
	}
	rest := text[l.Used:]
	switch {
	case l.Used == 0, rest == "":
		return rest, true
	case rest[0] != '*':
		return "", false
	}
	return rest[1:], true
}

func bound(k session.Key) []byte {
	return []byte("session/" + string(k.Contact[:]) + "/" + k.Channel + "/" + k.Medium)
}

func (c *Conversation) openLive(k session.Key, sealed []byte) (*live, error) {
	if sealed == nil {
		return nil, nil
	}
	plain, err := c.Ring.OpenSession(sealed, bound(k))
	if err != nil {
		return nil, fmt.Errorf("opening a session: %w", err)
	}
	l, err := unpackLive(plain)
	if err != nil {
		return nil, fmt.Errorf("reading a session: %w", err)
	}
	return l, nil
}

func contactBound(k session.Key) []byte { return append([]byte("contact/"), k.Contact[:]...) }

func (c *Conversation) openContact(k session.Key, sealed []byte) (remembered, bool) {
	if sealed == nil {
		return remembered{}, false
	}
	plain, err := c.Ring.OpenSession(sealed, contactBound(k))
	if err != nil {
		return remembered{}, false
	}
	r, err := unpackRemembered(plain)
	return r, err == nil
}
