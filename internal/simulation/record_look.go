package simulation

import (
	"bytes"
	"context"
	"slices"

	"lafia/internal/programme"
	"lafia/internal/store"
)

// PutProgramme gives the record its projects and places.
func (r *Record) PutProgramme(places []programme.Place, projects []programme.Project) {
	defer r.lock()()
	r.places, r.projects = places, projects
}

// PutGroup stores a group and the contact that leads it.
func (r *Record) PutGroup(_ context.Context, g programme.Group, contact, pinHash []byte) error {
	defer r.lock()()
	r.groups[g.Code] = g
	if l := r.leader(contact, g.Code); l != nil {
		l.pin, l.failures = pinHash, 0
		return nil
	}
	r.leaders = append(r.leaders, &leader{contact: contact, group: g.Code, pin: pinHash})
	return nil
}

// PutAnswer stores an answer of staff.
func (r *Record) PutAnswer(_ context.Context, submissionID string, sealed []byte) error {
	defer r.lock()()
	r.answers = append(r.answers, answer{submissionID, sealed})
	return nil
}

// Submissions lists what was said, the oldest first.
func (r *Record) Submissions() []Submission {
	defer r.lock()()
	out := make([]Submission, 0, len(r.submissions))
	for _, s := range r.submissions {
		out = append(out, *s)
	}
	return out
}

// Confidentials lists what lies with the focal points.
func (r *Record) Confidentials() []Confidential {
	defer r.lock()()
	out := make([]Confidential, 0, len(r.confidential))
	for _, c := range r.confidential {
		out = append(out, *c)
	}
	return out
}

// Outbound lists what is to be sent to a contact, nil for all, the oldest first.
func (r *Record) Outbound(contact []byte) []Outgoing {
	defer r.lock()()
	var out []Outgoing
	for _, o := range r.outbound {
		if contact == nil || bytes.Equal(o.Contact, contact) {
			out = append(out, *o)
		}
	}
	return out
}

// Unhandled lists the messages that wait, in order.
func (r *Record) Unhandled() []store.Inbound {
	defer r.lock()()
	var out []store.Inbound
	for _, m := range r.inbound {
		if m.handled.IsZero() {
			out = append(out, m.Inbound)
		}
	}
	return out
}

// TakeJobs gives the jobs that were inserted since the last time.
func (r *Record) TakeJobs() []Job {
	defer r.lock()()
	out := r.jobs
	r.jobs = nil
	return out
}

// Received reports whether a message with this content is in the record.
func (r *Record) Received(content []byte) bool {
	defer r.lock()()
	for _, i := range r.identity {
		if bytes.Equal(i.content, content) {
			return true
		}
	}
	return false
}

// draftVersions gives the version of every draft.
func (r *Record) draftVersions() map[draftKey]int64 {
	defer r.lock()()
	out := make(map[draftKey]int64, len(r.drafts))
	for k, d := range r.drafts {
		out[k] = d.version
	}
	return out
}

// has reports whether a contact has something under a reference.
func (r *Record) has(contact []byte, ref programme.Reference) bool {
	_, err := r.StatusByReference(context.Background(), contact, ref)
	return err == nil
}

// doubled gives an id that two messages to send have, or that two answer.
func (r *Record) doubled() string {
	defer r.lock()()
	var seen []string
	for _, o := range r.outbound {
		for _, id := range []string{o.ID, o.InboundID} {
			if id != "" && slices.Contains(seen, id) {
				return id
			}
			seen = append(seen, id)
		}
	}
	return ""
}
