package config

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// Error is one thing that is wrong with a configuration.
type Error struct {
	File string // as Read was given it
	Line int    // from 1; 0 when it is about the whole file
	Key  string // "channel.tokens"; "" when it is about none
	What string // what is wrong; never a secret's content
	Do   string // what to do about it
}

// Error is one line: config.toml:12: channel.tokens: what (what to do).
func (e Error) Error() string {
	var b strings.Builder
	b.WriteString(e.File)
	if e.Line > 0 {
		fmt.Fprintf(&b, ":%d", e.Line)
	}
	b.WriteString(": ")
	if e.Key != "" {
		b.WriteString(e.Key + ": ")
	}
	b.WriteString(e.What)
	if e.Do != "" {
		b.WriteString(" (" + e.Do + ")")
	}
	return b.String()
}

// Errors are all that is wrong, in the order of the file, one line each.
type Errors []Error

// Error is one line for each.
func (e Errors) Error() string {
	lines := make([]string, len(e))
	for i := range e {
		lines[i] = e[i].Error()
	}
	return strings.Join(lines, "\n")
}

// Unwrap gives each, for errors.As.
func (e Errors) Unwrap() []error {
	each := make([]error, len(e))
	for i := range e {
		each[i] = e[i]
	}
	return each
}

// reader collects what is wrong while a file is read.
type reader struct {
	file     string
	dir      string // that relative paths start from
	problems Errors
}

// bad notes a problem; what is formatted with args, which must not be secrets.
func (r *reader) bad(line int, key, do, what string, args ...any) {
	r.problems = append(r.problems, Error{File: r.file, Line: line, Key: key, What: fmt.Sprintf(what, args...), Do: do})
}

// errors gives the problems in the order of the file.
func (r *reader) errors() error {
	slices.SortStableFunc(r.problems, func(a, b Error) int { return cmp.Compare(a.Line, b.Line) })
	return r.problems
}
