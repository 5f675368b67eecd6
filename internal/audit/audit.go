// Package audit is the chain of what staff did with people's words and numbers:
// its entries, how each is bound to the one before, and how the chain is checked.
// It stores nothing: internal/store writes an entry in the transaction of its act.
//
// Entry n is bound by an HMAC under a key of its own over the entry and the HMAC
// of the one before. The key of entry n+1 is made of that of n by a function that
// has no way back, and that of n is not kept, as the sealing of systemd's journal
// does it: whoever takes all keys of today can write the end of the chain, and
// nothing before it. docs/security.md says against whom that helps.
package audit

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Act is what was done. The list below is all there are.
type Act string

// Acts. What is read in one list or one page is one act.
const (
	Login               Act = "login"
	LoginRefused        Act = "login.refused"
	Logout              Act = "logout"
	MessagesList        Act = "messages.list"
	MessageOpen         Act = "message.open"
	MessageMove         Act = "message.move"
	MessageAnswer       Act = "message.answer"
	MessageClassify     Act = "message.classify"
	MessageRaise        Act = "message.raise"
	MessageConfirm      Act = "message.confirm"
	MessageNumber       Act = "message.number"
	MessageDecide       Act = "message.decide" // of an SMS in doubt: again, or left
	BroadcastMake       Act = "broadcast.make"
	BroadcastStop       Act = "broadcast.stop"
	CommuneClose        Act = "commune.close"
	CommuneOpen         Act = "commune.open"
	ConfidentialOpen    Act = "confidential.open"
	ConfidentialRefused Act = "confidential.refused"
	AccountsList        Act = "accounts.list"
	AccountAdd          Act = "account.add"
	AuditRead           Act = "audit.read"
	Export              Act = "export"
	ProgrammeLoad       Act = "programme.load"
	SpoolAdopt          Act = "spool.adopt"
	SpoolForget         Act = "spool.forget"
	KeysRotate          Act = "keys.rotate" // the office key that was taken into use, or under which the rest was rewrapped
)

// Acts on one person's wish and behind a backup.
const (
	PersonShow     Act = "person.show"
	PersonErase    Act = "person.erase"
	RestoreConfirm Act = "restore.confirm" // that what was restored may send again
)

// Acts lists every act.
var Acts = []Act{
	Login, LoginRefused, Logout, MessagesList, MessageOpen, MessageMove, MessageAnswer, MessageClassify, MessageRaise, MessageConfirm,
	MessageNumber, MessageDecide, BroadcastMake, BroadcastStop, CommuneClose, CommuneOpen, ConfidentialOpen, ConfidentialRefused, AccountsList, AccountAdd, AuditRead, Export, ProgrammeLoad, SpoolAdopt, SpoolForget, KeysRotate,
	PersonShow, PersonErase, RestoreConfirm,
}

// Guest is the actor where nobody is signed in: of a login that was refused.
const Guest = "guest"

// commandLine stands before the name of who ran a command.
const commandLine = "cli:"

// CommandLine gives the actor of a command, by the name that the system knows who
// runs it by.
func CommandLine(user string) string { return commandLine + user }

// Entry is one act. It holds ids, never a number or a text: its reason is sealed,
// and of its details there is a fingerprint.
type Entry struct {
	Seq     int64     // from 1, without a gap
	At      time.Time // the database's, to 5 s
	Actor   string    // an account's id, Guest, or who ran a command
	Act     Act
	Object  string // id of a message, an account or a gateway, P-code of a commune; "": none
	Count   int    // of rows in a list or a load; 0 of L3, which is counted nowhere
	Reason  []byte // sealed; nil: none was asked for here
	Details []byte // a keyed fingerprint; nil: none
	MAC     []byte
}

// KeySize is the size of keys and of HMACs, in bytes.
const KeySize = sha256.Size

// State is where a chain ends, with the key of its next entry. It does not print.
type State struct {
	Seq int64 // of the last entry; 0: there is none
	MAC []byte
	key []byte
}

// String gives a mask.
func (State) String() string { return "[audit]" }

// GoString gives a mask.
func (State) GoString() string { return "[audit]" }

// Start gives the state before the first entry.
func Start(first []byte) State {
	return State{MAC: sum(first, "start"), key: sum(first, "next")}
}

// Next gives an entry its place in the chain, and the state behind it. What is
// finer than a microsecond is cut off the entry's time: the database keeps no more.
func (s State) Next(e Entry) (Entry, State) {
	e.Seq, e.At = s.Seq+1, e.At.UTC().Truncate(time.Microsecond)
	e.MAC = sum(s.key, "entry", s.MAC, e.canonical())
	return e, State{Seq: e.Seq, MAC: e.MAC, key: sum(s.key, "next")}
}

// canonical writes an entry in the one way that is bound. Each part stands behind
// its length.
func (e Entry) canonical() []byte {
	var b []byte
	number := func(n int64) { b = binary.BigEndian.AppendUint64(b, uint64(n)) }
	part := func(p []byte) { number(int64(len(p))); b = append(b, p...) }
	number(e.Seq)
	number(e.At.UnixMicro())
	part([]byte(e.Actor))
	part([]byte(e.Act))
	part([]byte(e.Object))
	number(int64(e.Count))
	part(e.Reason)
	part(e.Details)
	return b
}

func sum(key []byte, label string, parts ...[]byte) []byte {
	h := hmac.New(sha256.New, key)
	h.Write([]byte("lafia/audit/" + label))
	for _, p := range parts {
		h.Write([]byte{0})
		h.Write(p)
	}
	return h.Sum(nil)
}

// Head names the end of a chain so that it can be written on paper, as
// 214:9f2c-11aa-03bd-77e0-51c2: the last entry, and 80 bits of its HMAC.
type Head struct {
	Seq int64
	MAC []byte // at least headSize bytes
}

const headSize = 10

// String gives what is printed.
func (h Head) String() string {
	d := hex.EncodeToString(h.MAC[:headSize])
	var parts []string
	for ; d != ""; d = d[4:] {
		parts = append(parts, d[:4])
	}
	return strconv.FormatInt(h.Seq, 10) + ":" + strings.Join(parts, "-")
}

// ParseHead reads what String printed, as somebody types it from paper.
func ParseHead(s string) (Head, error) {
	seq, mac, ok := strings.Cut(strings.TrimSpace(s), ":")
	n, err := strconv.ParseInt(seq, 10, 64)
	b, herr := hex.DecodeString(strings.NewReplacer("-", "", " ", "").Replace(strings.ToLower(mac)))
	if !ok || err != nil || n < 0 || herr != nil || len(b) != headSize {
		return Head{}, fmt.Errorf("%q is no head of the audit: it looks like 214:9f2c-11aa-03bd-77e0-51c2", s)
	}
	return Head{n, b}, nil
}

// is reports whether this is the head behind an entry with that HMAC.
func (h Head) is(mac []byte) bool {
	return len(mac) >= headSize && hmac.Equal(h.MAC[:headSize], mac[:headSize])
}
