package fakeaggregator

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"regexp"
	"strings"
	"time"
	"unicode/utf16"

	"lafia/internal/programme"
	"lafia/internal/store"
	"lafia/internal/vault"
)

// Record is what the database holds of a play, opened, as it was at one moment.
type Record struct {
	At           time.Time
	Rows         []Row
	Confidential []Confided
	Identities   []store.VerifiedIdentity
	Inbound      []store.VerifiedInbound
	Outbound     []Sending
	Wishes       []store.VerifiedWish
	Nodes        []store.VerifiedNode
	Spools       []store.VerifiedSpool
	Audit        Audited
	// Opened is what stands in sealed columns besides, of the callers that were erased
	// alone.
	Opened []Opened
	// Plain is what stands in the clear that must not.
	Plain []Plain
}

// Row is a submission with its words in the clear.
type Row struct {
	store.VerifiedRow
	Words  string
	Closed bool // the words do not open
}

// Confided is a confidential row, opened where the key is given.
type Confided struct {
	store.VerifiedConfidential
	Body *programme.ConfidentialBody // nil: not opened
}

// Sending is a message to send with its words.
type Sending struct {
	store.VerifiedOutbound
	Words string
}

// Plain is a finding: what, and in which table.
type Plain struct {
	Caller int
	What   string // "words" or "number"
	Where  string
}

// Keys open what the record holds.
type Keys struct {
	Ring *vault.Ring
	// Confidential opens L3 bodies. nil: they are counted, not read.
	Confidential *vault.PrivateKey
}

// ReadRecord reads what a ledger's play left in the database. It writes nothing.
func ReadRecord(ctx context.Context, s *store.Store, k Keys, ledger []Line) (*Record, error) {
	since := ledger[0].Wall
	for _, l := range ledger {
		if l.Wall.Before(since) {
			since = l.Wall
		}
	}
	// A moment before: the database's rows bear the gateway's clock.
	since = since.Add(-time.Second)
	r := &Record{At: time.Now()}
	rows, err := s.VerifySubmissions(ctx, since)
	if err != nil {
		return nil, err
	}
	for _, v := range rows {
		row := Row{VerifiedRow: v}
		if v.Sealed != nil {
			b, err := k.Ring.Open(v.Sealed, "submission/"+v.ID)
			row.Words, row.Closed = string(b), err != nil
		}
		r.Rows = append(r.Rows, row)
	}
	confidential, err := s.VerifyConfidential(ctx, since)
	if err != nil {
		return nil, err
	}
	for _, v := range confidential {
		c := Confided{VerifiedConfidential: v}
		if k.Confidential != nil {
			if b, err := k.Confidential.Open(v.Sealed); err == nil {
				c.Body = &programme.ConfidentialBody{}
				if json.Unmarshal(b, c.Body) != nil {
					c.Body = nil
				}
			}
		}
		r.Confidential = append(r.Confidential, c)
	}
	outbound, err := s.VerifyOutbound(ctx, since)
	if err != nil {
		return nil, err
	}
	for _, v := range outbound {
		b, _ := k.Ring.Open(v.Sealed, "outbound/"+v.ID) // what does not open has no words to compare
		r.Outbound = append(r.Outbound, Sending{v, string(b)})
	}
	if r.Identities, err = s.VerifyIdentities(ctx, since); err != nil {
		return nil, err
	}
	if r.Inbound, err = s.VerifyInbound(ctx, since); err != nil {
		return nil, err
	}
	if r.Wishes, err = s.VerifyWishes(ctx, since); err != nil {
		return nil, err
	}
	if r.Nodes, err = s.VerifyNodes(ctx, since); err != nil {
		return nil, err
	}
	if r.Spools, err = s.VerifySpools(ctx, since); err != nil {
		return nil, err
	}
	if r.Audit, err = readAudit(ctx, s, k); err != nil {
		return nil, err
	}
	if r.Opened, err = readOpened(ctx, s, k, ledger); err != nil {
		return nil, err
	}
	search := newSearch(ledger)
	err = s.VerifyText(ctx, func(table, text string) { r.Plain = append(r.Plain, search.in(table, text)...) })
	return r, err
}

// Settled reports whether nothing of the play is under way any more.
func (r *Record) Settled() bool {
	for _, m := range r.Inbound {
		if m.HandledAt == nil {
			return false
		}
	}
	for _, o := range r.Outbound {
		if o.State == "sending" {
			return false
		}
	}
	return true
}

// Bounds of what is looked for in every encoding: each form of each is compared
// with every row.
const (
	maxCanaries = 8  // numbers
	maxSecrets  = 16 // confidential words
)

// search finds nonces in the clear, and canaries in any encoding.
type search struct {
	owners  map[string]int
	needles []needle
}

type needle struct {
	caller int
	what   string
	forms  [][]byte
}

func newSearch(ledger []Line) *search {
	s := &search{owners: map[string]int{}}
	numbers, secrets := 0, 0
	erased := erasedCallers(ledger)
	for _, l := range ledger {
		switch {
		case l.Kind == KindCaller && !erased[l.Caller].IsZero():
			s.needles = append(s.needles, needle{l.Caller, "number", numberForms(l.Number)})
		case l.Kind == KindCaller && (l.Role == Confidential || l.Role == Grave || l.Role == Feedback) && numbers < maxCanaries:
			numbers++
			s.needles = append(s.needles, needle{l.Caller, "number", numberForms(l.Number)})
		case l.Kind == KindRun && l.Nonce != "":
			if _, known := s.owners[l.Nonce]; !known && l.Flow == string(Grave) && secrets < maxSecrets {
				secrets++
				s.needles = append(s.needles, needle{l.Caller, "words", encodings(l.Nonce)})
			}
			s.owners[l.Nonce] = l.Caller
		}
	}
	return s
}

// national is how long a number is without the code of Mali.
const national = 8

// numberForms are the ways to write a number; its last digits stand in all that
// begin with a country code.
func numberForms(number string) [][]byte {
	if len(number) < national {
		return nil
	}
	n := number[len(number)-national:]
	spaced := n[:2] + " " + n[2:4] + " " + n[4:6] + " " + n[6:]
	return append(encodings(number), append(encodings(n), []byte(spaced), []byte(strings.TrimPrefix(number, "+")))...)
}

// encodings are the forms that a text may be hidden in: raw, hexadecimal,
// base64 at each of its three places, and UTF-16.
func encodings(text string) [][]byte {
	out := [][]byte{[]byte(text), []byte(hex.EncodeToString([]byte(text))), []byte(strings.ToUpper(hex.EncodeToString([]byte(text))))}
	for shift := range 3 {
		e := base64.RawStdEncoding.EncodeToString(append(make([]byte, shift), text...))
		// What the bytes before and behind take part in is left out.
		from, to := []int{0, 2, 3}[shift], len(e)
		if (len(text)+shift)%3 != 0 {
			to--
		}
		out = append(out, []byte(e[from:to]))
	}
	var le, be []byte
	for _, u := range utf16.Encode([]rune(text)) {
		le, be = append(le, byte(u), byte(u>>8)), append(be, byte(u>>8), byte(u))
	}
	return append(out, le, be)
}

var bytea = regexp.MustCompile(`\\\\x[0-9a-f]+|\\x[0-9a-f]+`)

// in looks through one row as PostgreSQL writes it; what it writes in hexadecimal
// is read as bytes.
func (s *search) in(table, text string) (out []Plain) {
	blobs := bytea.FindAllString(text, -1)
	places := [][]byte{[]byte(bytea.ReplaceAllString(text, ""))}
	for _, b := range blobs {
		if raw, err := hex.DecodeString(strings.TrimLeft(b, `\x`)); err == nil {
			places = append(places, raw)
		}
	}
	for _, place := range places {
		for _, n := range noncesIn(string(place)) {
			if owner, ours := s.owners[n]; ours {
				out = append(out, Plain{owner, "words", table})
			}
		}
		for _, n := range s.needles {
			for _, form := range n.forms {
				if found(place, form) {
					out = append(out, Plain{n.caller, n.what, table})
					break
				}
			}
		}
	}
	return out
}

// found looks for a form; the digits of a number without its country code must not
// be a part of something longer, as of an id.
func found(place, form []byte) bool {
	digits := len(form) <= national && len(bytes.Trim(form, "0123456789")) == 0
	for from := 0; ; {
		i := bytes.Index(place[from:], form)
		if i < 0 {
			return false
		}
		i += from
		if !digits || !(i > 0 && isHex(place[i-1])) && !(i+len(form) < len(place) && isHex(place[i+len(form)])) {
			return true
		}
		from = i + 1
	}
}

func isHex(c byte) bool { return c >= '0' && c <= '9' || c >= 'a' && c <= 'f' || c == '-' }
