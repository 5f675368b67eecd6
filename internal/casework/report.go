package casework

import (
	"context"
	"maps"
	"slices"
	"strings"

	"lafia/internal/programme"
	"lafia/internal/staff"
)

// Kept beside a number that was far from the usual: that she said it is right, and
// what she had said first.
const (
	sure  = "_sure"
	first = "_first"
)

// Doubt gives what was asked about an answer that was far from the usual: whether
// she said that it is right, and what she had said before.
func Doubt(answers map[string]string, name string) (isSure bool, before string) {
	return answers[name+sure] != "", answers[name+first]
}

// IsDoubt reports whether a name of an answer tells of another's doubt alone.
func IsDoubt(name string) bool {
	return strings.HasSuffix(name, sure) || strings.HasSuffix(name, first)
}

// Version is one version of a report.
type Version struct {
	Message
	Changes []Change // from the version before; none of the first
}

// Change is an answer that a correction changed. Empty: there was none.
type Change struct{ Name, From, To string }

// versions lists the versions of a report, newest first; none where it was never
// corrected.
func (d *Desk) versions(ctx context.Context, scope staff.Scope, m Message) ([]Version, error) {
	if m.Kind != programme.Progress {
		return nil, nil
	}
	id := m.Corrects
	if id == "" {
		id = m.ID
	}
	rows, err := d.store.VersionsOf(ctx, scope, id)
	if err != nil || len(rows) < 2 {
		return nil, err
	}
	list := make([]Version, len(rows))
	for i, r := range rows {
		list[i].Message = d.message(scope, r)
		list[i].Text = "" // its words are on its own page
	}
	for i := range list[:len(list)-1] {
		list[i].Changes = changes(list[i+1].Answers, list[i].Answers)
	}
	return list, nil
}

func changes(from, to map[string]string) []Change {
	names := map[string]bool{}
	for _, m := range []map[string]string{from, to} {
		for name := range m {
			names[name] = !IsDoubt(name)
		}
	}
	var list []Change
	for _, name := range slices.Sorted(maps.Keys(names)) {
		if names[name] && from[name] != to[name] {
			list = append(list, Change{name, from[name], to[name]})
		}
	}
	return list
}
