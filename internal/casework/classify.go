package casework

import (
	"context"
	"errors"
	"slices"
	"strings"

	"lafia/internal/audit"
	"lafia/internal/programme"
	"lafia/internal/staff"
	"lafia/internal/store"
)

// Why a classification is refused.
var (
	ErrUnknownCode = errors.New("the programme has no such type or reason")
	// ErrRaiseFirst: what such a type stands for is nothing for the project team.
	ErrRaiseFirst = errors.New("this type is set on messages of the peace team alone")
)

// Classification is what staff said that a message is about.
type Classification = store.Classification

// Classifying sets the exact type of a tension, or the reasons of a feedback.
type Classifying struct {
	ID    string
	Codes []string // T01 to T99: one at most; A to J: any; none: what was set is taken back
}

// classOf names what staff set on a kind of message; "": nothing.
func classOf(k programme.Kind) string {
	switch k {
	case programme.Tension:
		return store.ClassType
	case programme.Feedback:
		return store.ClassReason
	}
	return ""
}

// Classify sets what a message is about; the latest stands. already means that
// the very same stood before.
func (d *Desk) Classify(ctx context.Context, who staff.Account, c Classifying) (already bool, err error) {
	if !who.Role.May("message.classify") {
		return false, ErrNotFound
	}
	row, err := d.store.SubmissionByID(ctx, who.Scope(), c.ID)
	if err != nil {
		return false, err
	}
	kind := classOf(row.Kind)
	if kind == "" {
		return false, ErrUnknownCode
	}
	codes := slices.Clone(c.Codes)
	slices.Sort(codes)
	codes = slices.Compact(codes)
	if err := mayBe(kind, row.Level, codes); err != nil {
		return false, err
	}
	id := strings.ToLower(c.ID)
	fresh, err := d.store.PutClassification(ctx, who.Scope(), store.Classification{
		SubmissionID: id, Kind: kind, Codes: codes, StaffID: who.ID, At: d.now(),
	}, d.act(who.ID, audit.MessageClassify, id, append([]string{kind}, codes...)...))
	return err == nil && !fresh, err
}

func mayBe(kind string, level programme.Level, codes []string) error {
	if kind == store.ClassType && len(codes) > 1 {
		return ErrUnknownCode
	}
	for _, code := range codes {
		if kind == store.ClassReason {
			if _, ok := programme.ReasonOf(code); !ok {
				return ErrUnknownCode
			}
			continue
		}
		t, ok := programme.TensionTypeOf(code)
		switch {
		case !ok:
			return ErrUnknownCode
		case t.Level == programme.L3 && level == programme.L1:
			return ErrRaiseFirst
		}
	}
	return nil
}

// TypesFor lists the types that staff may set on a tension of a level.
func TypesFor(level programme.Level) []programme.TensionType {
	return slices.DeleteFunc(slices.Clone(programme.TensionTypes), func(t programme.TensionType) bool {
		return t.Level == programme.L3 && level == programme.L1
	})
}
