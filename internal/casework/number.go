package casework

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"unicode/utf8"

	"lafia/internal/audit"
	"lafia/internal/programme"
	"lafia/internal/staff"
	"lafia/internal/store"
)

// Why a number is not shown.
var (
	ErrNoReason   = errors.New("a number is shown for a reason, in writing")
	ErrNoNumber   = errors.New("the number is kept no longer")
	ErrNumberShut = errors.New("the number does not open: it was altered, or its key is missing")
)

// Number is the number of somebody who wants to be called, in E.164. It does not
// print.
type Number struct {
	e164 string
	// Message is what the number stands behind.
	Message programme.Reference
}

const numberMask = "[number]"

// String gives a mask.
func (Number) String() string { return numberMask }

// GoString gives a mask.
func (Number) GoString() string { return numberMask }

// Format gives the mask for every verb.
func (Number) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(numberMask)) }

// LogValue gives a mask.
func (Number) LogValue() slog.Value { return slog.StringValue(numberMask) }

// MarshalText gives a mask.
func (Number) MarshalText() ([]byte, error) { return []byte(numberMask), nil }

// Reveal gives the number itself, for the one page that shows it.
func (n Number) Reveal() string { return n.e164 }

// Callback says whether the person behind a message can be called.
type Callback int

// Callbacks.
const (
	NotAsked   Callback = iota // she neither asked to be called nor agreed to be answered
	CanCall                    // she did, and her number is kept
	NumberGone                 // she did, and her number is kept no longer
)

// callback tells whether a message's number may be asked for: only where she
// asked to be called or agreed to be answered, and only within the number's
// time. L3 has no number here: it lies in the sealed body (design.md, decision 7).
func (d *Desk) callback(ctx context.Context, scope staff.Scope, row store.SealedSubmission) (Callback, store.SealedNumber, error) {
	if !scope.Words || row.Level != programme.L1 && row.Level != programme.L2 {
		return NotAsked, store.SealedNumber{}, nil
	}
	n, err := d.store.NumberOf(ctx, scope, row.ID)
	if err != nil {
		return NotAsked, n, err
	}
	kept := n.Sealed != nil && n.KeepUntil.After(d.now())
	switch wants := row.Answers["call"] == "yes" || n.Agreed; {
	case !wants:
		return NotAsked, store.SealedNumber{}, nil
	case !kept:
		return NumberGone, store.SealedNumber{}, nil
	}
	return CanCall, n, nil
}

// Asking is staff's wish to call somebody back.
type Asking struct {
	ID     string // of her message
	Reason string
}

// Number shows the number behind a message, and writes into the message's
// history who asked, when and why; never the number. Each showing is an event:
// without it nothing is shown. Where nobody asked to be called there is nothing
// to find.
func (d *Desk) Number(ctx context.Context, who staff.Account, a Asking) (Number, error) {
	if !who.Role.May("message.number") {
		return Number{}, ErrNotFound
	}
	row, err := d.store.SubmissionByID(ctx, who.Scope(), a.ID)
	if err != nil {
		return Number{}, err
	}
	can, sealed, err := d.callback(ctx, who.Scope(), row)
	switch {
	case err != nil:
		return Number{}, err
	case can == NotAsked:
		return Number{}, fmt.Errorf("nobody asked to be called: %w", ErrNotFound)
	case can == NumberGone:
		return Number{}, ErrNoNumber
	}
	reason := cleanNote(a.Reason)
	switch {
	case reason == "":
		return Number{}, ErrNoReason
	case utf8.RuneCountInString(reason) > NoteMost:
		return Number{}, ErrNoteLong
	}
	// Opened before it is written that it was, shown only after.
	plain, err := d.ring.Open(sealed.Sealed, "number/"+string(sealed.Contact))
	if err != nil {
		return Number{}, ErrNumberShut
	}
	err = d.store.ShowNumber(ctx, who.Scope(), store.Showing{
		ID: row.ID, StaffID: who.ID, SealedReason: d.ring.Seal([]byte(reason), "note/"+row.ID),
	}, d.now(), d.act(who.ID, audit.MessageNumber, row.ID, reason))
	if errors.Is(err, ErrNotFound) { // let go this very moment
		return Number{}, ErrNoNumber
	}
	if err != nil {
		return Number{}, err
	}
	return Number{string(plain), row.Reference}, nil
}
