package casework

import (
	"context"

	"lafia/internal/audit"
	"lafia/internal/programme"
	"lafia/internal/staff"
	"lafia/internal/store"
)

// PageSize is how many messages a page of the log holds: with its words, a page
// stays under 60 kB (context.md 6: links are slow and dear).
const PageSize = 25

// Filter narrows the log. A zero field asks for nothing.
type Filter = store.SubmissionFilter

// Page is a page of the log, newest first.
type Page struct {
	Messages []Message
	Next     string // ask with this for the page after; empty: there is none
	New      int    // in the whole scope, whatever the filter: nobody has read them yet
	Projects []programme.Project
}

// List gives the page of the log after the message with this id; no id asks for
// the first. A page is one entry of the audit.
func (d *Desk) List(ctx context.Context, scope staff.Scope, f Filter, after string) (Page, error) {
	var p Page
	rows, err := d.store.SubmissionsBefore(ctx, scope, f, after, PageSize+1)
	if err != nil {
		return p, err
	}
	if len(rows) > PageSize {
		rows = rows[:PageSize]
		p.Next = rows[PageSize-1].ID
	}
	for _, r := range rows {
		p.Messages = append(p.Messages, d.message(scope, r))
	}
	if p.New, err = d.store.CountNew(ctx, scope); err != nil {
		return p, err
	}
	if p.Projects, err = d.store.ProjectsOf(ctx, scope); err != nil {
		return p, err
	}
	if err := d.read(ctx, scope, audit.MessagesList, "", len(p.Messages)); err != nil {
		return Page{}, err
	}
	return p, nil
}
