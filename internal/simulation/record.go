package simulation

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"lafia/internal/job"
	"lafia/internal/programme"
	"lafia/internal/store"
)

// Flaws are mistakes that the parts in memory can be given, to see that the
// simulation finds each of them.
type Flaws struct {
	NoIdentity      bool // the same run, hop or message again is a new one
	NoCompareAndSet bool // a session is saved over whatever is there
	OldDrafts       bool // an older draft replaces a newer one
	EarlyAck        bool // the spool says yes before anything is on its disk
	TwoHands        bool // two workers take one contact's messages at once
}

// Record is the record in memory, under the rules of the tables in
// store/migrations. Its methods are those of conversation.Record.
type Record struct {
	flaws Flaws

	mu           sync.Mutex
	n            int64 // the last row's number
	identity     map[string]*identity
	submissions  []*Submission
	confidential []*Confidential
	contacts     map[string]*contact
	numbers      map[string]*number
	drafts       map[draftKey]*draft
	wishes       map[wishKey]store.Wish
	wishEvents   map[string]int // by contact
	erasures     map[string]*erasure
	leaders      []*leader
	groups       map[string]programme.Group
	projects     []programme.Project
	places       []programme.Place
	books        map[string]map[string]string
	inbound      []*waiting
	sets         []*partSet
	outbound     []*Outgoing
	inboxKeys    map[string][]byte
	followups    []*followup
	answers      []answer
	receipts     []store.Receipt
	alive        map[string]time.Time
	unreadable   map[string]bool // by id
	confirmed    int             // events of reports that were confirmed
	jobs         []Job
	hands        map[string]*Hand
	handsTaken   int64
}

type identity struct {
	run     string
	content []byte
	said    time.Time
	seen    int
}

// Submission is a row of what was said.
type Submission struct {
	N int64
	programme.Submission
	Contact  []byte
	Sealed   []byte
	Altered  bool
	Corrects string
}

// Confidential is a row for the focal points.
type Confidential struct {
	ID         string
	Contact    []byte
	Reference  programme.Reference
	Sealed     []byte
	ReceivedAt time.Time
}

type contact struct {
	language, lastPlace string
	seen                time.Time
}

type number struct {
	sealed  []byte
	consent bool
	until   time.Time
}

type draftKey struct{ contact, channel, medium string }

type draft struct {
	version int64
	run     string
	sealed  []byte
	changed time.Time
	expires time.Time
}

type wishKey struct{ contact, purpose string }

type erasure struct{ asked, due, done time.Time }

type leader struct {
	contact   []byte
	group     string
	pin       []byte
	failures  int
	failedHop []byte
}

type waiting struct {
	store.Inbound
	n       int64
	said    time.Time // when it was sent, where that can be believed
	late    bool
	handled time.Time
}

// Job is a job that handles a message, and when; zero: at once.
type Job struct {
	InboundID string
	At        time.Time
}

// Outgoing is a message to send.
type Outgoing struct {
	store.Outbound
	InboundID  string
	ExternalID []byte
	n          int64
}

type partSet struct {
	id         string
	key        []byte
	contact    []byte
	channel    string
	total      int
	answerable bool
	opened     time.Time
	closed     time.Time
	parts      map[int]*part
}

type part struct {
	content, sealed []byte
	altered         bool
	sent, received  time.Time
}

type followup struct {
	submission string
	contact    []byte
	channel    string
	due        time.Time
	sent       time.Time
	said       string
	saidAt     time.Time
}

type answer struct {
	submission string
	sealed     []byte
}

// NewRecord gives an empty record.
func NewRecord(f Flaws) *Record {
	return &Record{
		flaws: f, identity: map[string]*identity{}, contacts: map[string]*contact{}, numbers: map[string]*number{},
		drafts: map[draftKey]*draft{}, wishes: map[wishKey]store.Wish{}, wishEvents: map[string]int{}, erasures: map[string]*erasure{},
		groups: map[string]programme.Group{}, books: map[string]map[string]string{}, inboxKeys: map[string][]byte{},
		alive: map[string]time.Time{}, unreadable: map[string]bool{}, hands: map[string]*Hand{},
	}
}

// micro is a moment as PostgreSQL keeps it.
func micro(t time.Time) time.Time {
	if t.IsZero() {
		return t
	}
	return t.Round(time.Microsecond)
}

func refused(code, message string) error { return &pgconn.PgError{Code: code, Message: message} }

func (r *Record) lock() func() { r.mu.Lock(); return r.mu.Unlock }

func (r *Record) row() int64 { r.n++; return r.n }

// identify notes an identity, or counts one more sight of it.
func (r *Record) identify(key []byte, run string, content []byte) (fresh bool, first *identity) {
	if i := r.identity[string(key)]; i != nil && !r.flaws.NoIdentity {
		i.seen++
		return false, i
	}
	i := &identity{run: run, content: bytes.Clone(content), seen: 1}
	r.identity[string(key)] = i
	return true, i
}

func (r *Record) submission(id string) *Submission {
	for _, s := range r.submissions {
		if s.ID == id {
			return s
		}
	}
	return nil
}

// Capture commits a finished run, as store.Capture does.
func (r *Record) Capture(_ context.Context, run store.Run) (store.Captured, error) {
	defer r.lock()()
	sub := run.Submission
	l3 := sub.Level == programme.L3
	if _, known := r.identity[string(run.RunKey)]; !known {
		if err := r.refuses(sub, l3); err != nil {
			return store.Captured{}, fmt.Errorf("committing a run: %w", err)
		}
	}
	fresh, id := r.identify(run.RunKey, sub.ID, run.ContentHMAC)
	if run.Completes && !sub.Partial && !l3 && !fresh {
		r.complete(run, id)
	}
	r.identify(run.HopKey, id.run, id.content)
	if d := r.drafts[draftKey{string(run.Contact), sub.Channel, sub.Medium}]; d != nil {
		d.sealed, d.run, d.version = nil, "", max(d.version, int64(run.DraftVersion))
	}
	switch {
	case fresh && l3:
		r.confidential = append(r.confidential, &Confidential{ID: sub.ID, Contact: run.Contact, Reference: sub.Reference, Sealed: run.Sealed, ReceivedAt: micro(sub.ReceivedAt)})
	case fresh:
		s := &Submission{N: r.row(), Submission: sub, Contact: run.Contact, Sealed: run.Sealed, Altered: run.Altered, Corrects: run.Corrects}
		s.Answers, s.Status, s.ReceivedAt, s.SentAt = maps.Clone(sub.Answers), programme.New, micro(sub.ReceivedAt), micro(sub.SentAt)
		r.submissions = append(r.submissions, s)
	}
	if run.Also != nil {
		r.also(run)
	}
	return store.Captured{Fresh: fresh, RunID: id.run, ContentHMAC: bytes.Clone(id.content)}, nil
}

// complete makes a row whole that was kept in part.
func (r *Record) complete(run store.Run, id *identity) {
	sub := run.Submission
	s := r.submission(sub.ID)
	if s == nil || !s.Partial || s.Level != sub.Level || s.Kind != sub.Kind || !bytes.Equal(s.Contact, run.Contact) {
		return
	}
	status := s.Status
	s.Submission, s.Sealed, s.Altered, s.Corrects = sub, run.Sealed, s.Altered || run.Altered, run.Corrects
	s.Answers, s.Status, s.ReceivedAt, s.SentAt = maps.Clone(sub.Answers), status, micro(sub.ReceivedAt), micro(sub.SentAt)
	id.content = bytes.Clone(run.ContentHMAC)
}

func (r *Record) refuses(sub programme.Submission, l3 bool) error {
	kinds := []programme.Kind{programme.Feedback, programme.Tension, programme.Progress, programme.Open}
	switch {
	case l3 && slices.ContainsFunc(r.confidential, func(c *Confidential) bool { return c.ID == sub.ID }),
		!l3 && r.submission(sub.ID) != nil && !r.flaws.NoIdentity:
		return refused("23505", "the row is there")
	case !l3 && (!slices.Contains(kinds, sub.Kind) || sub.Level != programme.L1 && sub.Level != programme.L2):
		return refused("23514", "a check does not hold")
	}
	return nil
}

func (r *Record) also(run store.Run) {
	a, sub := run.Also, run.Submission
	if a.Language != "" || a.LastPlace != "" {
		c := r.seen(run.Contact, a.Language, sub.ReceivedAt)
		c.lastPlace = cmp.Or(a.LastPlace, c.lastPlace)
	}
	if !a.NumberUntil.IsZero() {
		r.consent(run.Contact, a.Number, a.NumberUntil)
	}
	known := slices.ContainsFunc(r.followups, func(f *followup) bool { return f.submission == sub.ID })
	if !a.AskAgain.IsZero() && sub.Level == programme.L1 && !known && r.submission(sub.ID) != nil {
		r.followups = append(r.followups, &followup{submission: sub.ID, contact: run.Contact, channel: sub.Channel, due: micro(a.AskAgain)})
	}
}

// seen notes that a contact was seen; a language of "" is left as it is.
func (r *Record) seen(id []byte, language string, at time.Time) *contact {
	c := r.contacts[string(id)]
	if c == nil {
		c = &contact{}
		r.contacts[string(id)] = c
	}
	c.language = cmp.Or(language, c.language)
	if at = micro(at); at.After(c.seen) {
		c.seen = at
	}
	return c
}

func (r *Record) consent(contact, sealed []byte, until time.Time) {
	n := r.numbers[string(contact)]
	switch {
	case n == nil && sealed == nil:
		return
	case n == nil:
		n = &number{sealed: sealed, until: micro(until)}
		r.numbers[string(contact)] = n
	}
	n.consent = true
	n.until = later(n.until, micro(until))
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

func (r *Record) putNumber(contact, sealed []byte, until time.Time) {
	if n := r.numbers[string(contact)]; n != nil {
		n.until = later(n.until, micro(until))
		return
	}
	r.numbers[string(contact)] = &number{sealed: sealed, until: micro(until)}
}

// Confirm marks a report as confirmed by her who sent it.
func (r *Record) Confirm(_ context.Context, contact []byte, id string, _ time.Time) error {
	defer r.lock()()
	if s := r.submission(id); s != nil && bytes.Equal(s.Contact, contact) && s.Kind == programme.Progress && !s.Confirmed {
		s.Confirmed = true
		r.confirmed++
	}
	return nil
}

// PutWishes keeps what a contact said; an older word never replaces a newer one.
func (r *Record) PutWishes(_ context.Context, wishes ...store.Wish) error {
	defer r.lock()()
	for _, w := range wishes {
		k := wishKey{string(w.Contact), w.Purpose}
		w.At = micro(w.At)
		was, there := r.wishes[k]
		if !there || was.Given != w.Given {
			r.wishEvents[string(w.Contact)]++
		}
		if !there || !was.At.After(w.At) {
			r.wishes[k] = w
		}
		switch n := r.numbers[string(w.Contact)]; {
		case w.Given:
			r.consent(w.Contact, w.Number, w.NumberUntil)
		case w.Purpose == "answer" && n != nil:
			n.consent = false
			if end := w.At.Add(14 * 24 * time.Hour); end.Before(n.until) {
				n.until = end
			}
		}
	}
	return nil
}

// AskErasure notes that a contact asks to be erased; an earlier day stands.
func (r *Record) AskErasure(_ context.Context, contact []byte, asked, due time.Time) error {
	defer r.lock()()
	e := r.erasures[string(contact)]
	if e == nil {
		r.erasures[string(contact)] = &erasure{asked: micro(asked), due: micro(due)}
		return nil
	}
	if !e.done.IsZero() && !e.done.Before(micro(asked)) {
		return nil
	}
	if due = micro(due); !e.done.IsZero() || due.Before(e.due) {
		e.due = due
	}
	e.asked, e.done = micro(asked), time.Time{}
	return nil
}

// KeepContact calls an erasure off that is for a later day.
func (r *Record) KeepContact(_ context.Context, contact []byte) error {
	defer r.lock()()
	if e := r.erasures[string(contact)]; e != nil && e.done.IsZero() && e.due.After(e.asked) {
		delete(r.erasures, string(contact))
	}
	return nil
}

// Erasing reports whether a contact has asked to be erased and is not yet.
func (r *Record) Erasing(_ context.Context, contact []byte) (bool, error) {
	defer r.lock()()
	e := r.erasures[string(contact)]
	return e != nil && e.done.IsZero(), nil
}

// Erase takes a contact out of the record; what she said stays as codes.
func (r *Record) Erase(_ context.Context, contact []byte, now time.Time) error {
	defer r.lock()()
	who := string(contact)
	delete(r.numbers, who)
	delete(r.contacts, who)
	delete(r.wishEvents, who)
	for k, d := range r.drafts {
		if k.contact == who {
			d.sealed, d.run = nil, ""
		}
	}
	maps.DeleteFunc(r.wishes, func(k wishKey, _ store.Wish) bool { return k.contact == who })
	r.followups = slices.DeleteFunc(r.followups, func(f *followup) bool { return string(f.contact) == who })
	r.answers = slices.DeleteFunc(r.answers, func(a answer) bool {
		s := r.submission(a.submission)
		return s != nil && string(s.Contact) == who
	})
	for _, m := range r.inbound {
		if string(m.Contact) == who && !m.handled.IsZero() {
			m.Sealed, m.Parts = []byte{}, nil
		}
	}
	for _, o := range r.outbound {
		if string(o.Contact) == who && o.State != "queued" && o.State != "sending" {
			o.Sealed = []byte{}
		}
	}
	for _, s := range r.submissions {
		if string(s.Contact) == who {
			s.Contact, s.Sealed = make([]byte, 32), nil
		}
	}
	e := r.erasures[who]
	if e == nil {
		e = &erasure{asked: micro(now), due: micro(now)}
		r.erasures[who] = e
	}
	e.done = micro(now)
	return nil
}

// Remember reads a caller's contact, her live draft, and the run that this hop
// finished.
func (r *Record) Remember(_ context.Context, who []byte, channel, medium string, hopKey []byte, now time.Time) (store.Remembered, error) {
	defer r.lock()()
	var out store.Remembered
	if c := r.contacts[string(who)]; c != nil {
		out.Known, out.Contact = true, store.Contact{Language: c.language, SeenAt: c.seen, LastPlace: c.lastPlace}
	}
	if w, ok := r.wishes[wishKey{string(who), "answer"}]; ok {
		out.Contact.Answer, out.Contact.AnswerAt = "no", w.At
		if w.Given {
			out.Contact.Answer = "yes"
		}
	}
	if d := r.drafts[draftKey{string(who), channel, medium}]; d != nil && (d.sealed == nil || d.expires.After(now) && (d.run == "" || r.submission(d.run) == nil)) {
		out.Draft = store.Draft{Version: uint64(d.version), Sealed: bytes.Clone(d.sealed)}
	}
	if i := r.identity[string(hopKey)]; i != nil {
		out.HopRun, out.HopRunSet = i.run, true
		out.HopConfidential = slices.ContainsFunc(r.confidential, func(c *Confidential) bool { return c.ID == i.run })
		if run := r.submission(i.run); run != nil && run.Kind == programme.Progress {
			out.HopReport = maps.Clone(run.Answers)
		}
	}
	return out, nil
}

// WriteBehind stores traces; a draft never replaces a newer one.
func (r *Record) WriteBehind(_ context.Context, traces []store.Trace) error {
	defer r.lock()()
	traces = slices.Clone(traces)
	slices.SortStableFunc(traces, func(a, b store.Trace) int { return bytes.Compare(a.Contact, b.Contact) })
	r.traceContacts(traces)
	for _, t := range traces {
		if t.Sealed == nil && !t.Ended {
			continue
		}
		k := draftKey{string(t.Contact), t.Channel, t.Medium}
		if d := r.drafts[k]; d != nil && d.version >= int64(t.Version) && !r.flaws.OldDrafts {
			continue
		}
		r.drafts[k] = &draft{version: int64(t.Version), run: t.RunID, sealed: bytes.Clone(t.Sealed), changed: micro(t.At), expires: micro(t.ExpiresAt)}
	}
	return nil
}

// traceContacts notes each contact of a batch once, unless she was seen within a
// minute and speaks what she spoke.
func (r *Record) traceContacts(traces []store.Trace) {
	type sight struct {
		id       []byte
		language string
		at       time.Time
	}
	var sights []*sight
	for _, t := range traces {
		if n := len(sights); n == 0 || !bytes.Equal(sights[n-1].id, t.Contact) {
			sights = append(sights, &sight{t.Contact, t.Language, t.At})
			continue
		}
		s := sights[len(sights)-1]
		if t.Language != "" && (s.language == "" || !t.At.Before(s.at)) {
			s.language = t.Language
		}
		s.at = later(s.at, t.At)
	}
	for _, s := range sights {
		c := r.contacts[string(s.id)]
		if c != nil && (s.language == "" || s.language == c.language) && c.seen.After(micro(s.at).Add(-time.Minute)) {
			continue
		}
		r.seen(s.id, s.language, s.at)
	}
}

// Leads lists the groups that a contact leads.
func (r *Record) Leads(_ context.Context, who []byte) ([]store.Leader, error) {
	defer r.lock()()
	var out []store.Leader
	for _, l := range r.leaders {
		if !bytes.Equal(l.contact, who) {
			continue
		}
		g := r.groups[l.group]
		out = append(out, store.Leader{Group: l.group, Name: g.Name, Region: g.Region, Project: g.Project, Place: g.Place, PINHash: l.pin, Failures: l.failures})
		for _, p := range r.projects {
			if p.Code == g.Project {
				out[len(out)-1].Activity = p.Kind
			}
		}
	}
	slices.SortFunc(out, func(a, b store.Leader) int { return cmp.Compare(a.Group, b.Group) })
	return out, nil
}

func (r *Record) leader(who []byte, group string) *leader {
	for _, l := range r.leaders {
		if l.group == group && bytes.Equal(l.contact, who) {
			return l
		}
	}
	return nil
}

// PINFailed counts a wrong PIN, once a hop.
func (r *Record) PINFailed(_ context.Context, who []byte, group string, hopKey []byte) (int, error) {
	defer r.lock()()
	l := r.leader(who, group)
	if l == nil {
		return 0, fmt.Errorf("counting a wrong PIN: %w", store.ErrNotFound)
	}
	if !bytes.Equal(l.failedHop, hopKey) {
		l.failures++
	}
	l.failedHop = bytes.Clone(hopKey)
	return l.failures, nil
}

// PINPassed forgets the wrong tries.
func (r *Record) PINPassed(_ context.Context, who []byte, group string) error {
	defer r.lock()()
	if l := r.leader(who, group); l != nil && l.failures > 0 {
		l.failures, l.failedHop = 0, nil
	}
	return nil
}

// Unconfirmed gives a leader's newest report by SMS that waits for her PIN.
func (r *Record) Unconfirmed(_ context.Context, who []byte, group string, now time.Time) (programme.Submission, error) {
	defer r.lock()()
	for _, s := range slices.Backward(r.submissions) {
		if bytes.Equal(s.Contact, who) && s.Group == group && s.Kind == programme.Progress && !s.Confirmed && s.ReceivedAt.After(now.AddDate(0, 0, -40)) {
			return programme.Submission{Kind: programme.Progress, Group: group, ID: s.ID, Answers: maps.Clone(s.Answers)}, nil
		}
	}
	return programme.Submission{}, fmt.Errorf("looking for a report to confirm: %w", store.ErrNotFound)
}

// ReportOf gives the report of a group's month, as it was corrected last.
func (r *Record) ReportOf(_ context.Context, group, month string) (store.Report, error) {
	defer r.lock()()
	for _, s := range slices.Backward(r.submissions) {
		if s.Kind != programme.Progress || s.Group != group || s.Answers["month"] != month {
			continue
		}
		out := store.Report{First: s.ID, ReceivedAt: s.ReceivedAt, Answers: maps.Clone(s.Answers)}
		if s.Corrects != "" {
			out.First = s.Corrects
			if first := r.submission(s.Corrects); first != nil {
				out.ReceivedAt = first.ReceivedAt
			}
		}
		return out, nil
	}
	return store.Report{}, fmt.Errorf("looking for a report: %w", store.ErrNotFound)
}

// StatusByReference gives the status of what a contact said.
func (r *Record) StatusByReference(_ context.Context, who []byte, ref programme.Reference) (programme.Status, error) {
	defer r.lock()()
	for _, s := range r.submissions {
		if bytes.Equal(s.Contact, who) && s.Reference == ref {
			return s.Status, nil
		}
	}
	for _, c := range r.confidential {
		if bytes.Equal(c.Contact, who) && c.Reference == ref {
			return programme.New, nil
		}
	}
	return "", fmt.Errorf("looking up a reference: %w", store.ErrNotFound)
}

// AnswerTo gives the latest answer of staff to what a contact said.
func (r *Record) AnswerTo(_ context.Context, who []byte, ref programme.Reference) (string, []byte, error) {
	defer r.lock()()
	for _, a := range slices.Backward(r.answers) {
		if s := r.submission(a.submission); s != nil && bytes.Equal(s.Contact, who) && s.Reference == ref {
			return s.ID, a.sealed, nil
		}
	}
	return "", nil, fmt.Errorf("looking for an answer: %w", store.ErrNotFound)
}

// Wished gives what a contact last said to a purpose.
func (r *Record) Wished(_ context.Context, who []byte, purpose string) (given, known bool, err error) {
	defer r.lock()()
	w, ok := r.wishes[wishKey{string(who), purpose}]
	return w.Given, ok, nil
}

// OldDrafts lists drafts whose life ended before a moment, the oldest first.
func (r *Record) OldDrafts(_ context.Context, before time.Time, most int) ([]store.OldDraft, error) {
	defer r.lock()()
	type old struct {
		store.OldDraft
		expires time.Time
	}
	var all []old
	for k, d := range r.drafts {
		if d.sealed != nil && d.expires.Before(before) {
			all = append(all, old{store.OldDraft{Contact: []byte(k.contact), Channel: k.channel, Medium: k.medium, Version: d.version, RunID: d.run,
				Sealed: bytes.Clone(d.sealed), ChangedAt: d.changed}, d.expires})
		}
	}
	slices.SortFunc(all, func(a, b old) int {
		return cmp.Or(a.expires.Compare(b.expires), bytes.Compare(a.Contact, b.Contact), cmp.Compare(a.Channel+a.Medium, b.Channel+b.Medium))
	})
	var out []store.OldDraft
	for _, o := range all[:min(most, len(all))] {
		out = append(out, o.OldDraft)
	}
	return out, nil
}

// DropDraft empties a draft that nobody took up meanwhile.
func (r *Record) DropDraft(_ context.Context, o store.OldDraft) error {
	defer r.lock()()
	if d := r.drafts[draftKey{string(o.Contact), o.Channel, o.Medium}]; d != nil && d.version == o.Version {
		d.sealed, d.run = nil, ""
	}
	return nil
}

// DueFollowups lists what is to be asked again now.
func (r *Record) DueFollowups(_ context.Context, now time.Time, most int) ([]store.Followup, error) {
	defer r.lock()()
	due := slices.Clone(r.followups)
	slices.SortStableFunc(due, func(a, b *followup) int { return a.due.Compare(b.due) })
	var out []store.Followup
	for _, f := range due {
		s := r.submission(f.submission)
		if len(out) < most && f.sent.IsZero() && !f.due.After(now) && s != nil && s.Level == programme.L1 && s.Status != programme.Closed &&
			r.wishes[wishKey{string(f.contact), "followup"}].Given {
			out = append(out, store.Followup{SubmissionID: f.submission, Contact: f.contact, Channel: f.channel, Language: s.Language})
		}
	}
	return out, nil
}

// FollowupSent notes that a follow-up went out.
func (r *Record) FollowupSent(_ context.Context, submissionID string, now time.Time) error {
	defer r.lock()()
	for _, f := range r.followups {
		if f.submission == submissionID && f.sent.IsZero() {
			f.sent = micro(now)
		}
	}
	return nil
}

// AnswerFollowup keeps what a contact says to the follow-up that she was sent.
func (r *Record) AnswerFollowup(_ context.Context, who []byte, said string, since, now time.Time) (bool, error) {
	defer r.lock()()
	now = micro(now)
	var latest *followup
	for _, f := range r.followups {
		if bytes.Equal(f.contact, who) && f.sent.After(since) && !f.sent.After(now) && (f.said == "" || f.saidAt.Equal(now)) && (latest == nil || f.sent.After(latest.sent)) {
			latest = f
		}
	}
	if latest == nil {
		return false, nil
	}
	latest.said, latest.saidAt = said, now
	return true, nil
}

// QueueOutbound queues a message that answers no other.
func (r *Record) QueueOutbound(_ context.Context, o store.Outgoing, now time.Time) error {
	defer r.lock()()
	if _, ok := job.ClassNamed(o.Class); !ok {
		return fmt.Errorf("queueing messages: there is no class %q", o.Class)
	}
	if o.Number != nil {
		r.putNumber(o.Contact, o.Number, o.NumberUntil)
	}
	r.queue(&Outgoing{Outbound: store.Outbound{ID: o.ID, Contact: o.Contact, Channel: o.Channel, Class: o.Class, Purpose: o.Purpose, Sealed: o.Sealed, QueuedAt: micro(now)}})
	return nil
}

func (r *Record) queue(o *Outgoing) {
	if slices.ContainsFunc(r.outbound, func(was *Outgoing) bool {
		return was.ID == o.ID || o.InboundID != "" && was.InboundID == o.InboundID
	}) && !r.flaws.NoIdentity {
		return
	}
	o.n, o.State = r.row(), "queued"
	r.outbound = append(r.outbound, o)
}

// Projects lists every project.
func (r *Record) Projects(context.Context) ([]programme.Project, error) {
	defer r.lock()()
	return slices.Clone(r.projects), nil
}

// Places lists every place.
func (r *Record) Places(context.Context) ([]programme.Place, error) {
	defer r.lock()()
	return slices.Clone(r.places), nil
}

// KeepBook stores a flow book by its hash.
func (r *Record) KeepBook(_ context.Context, hash string, content map[string]string, _ time.Time) error {
	defer r.lock()()
	if r.books[hash] == nil {
		r.books[hash] = maps.Clone(content)
	}
	return nil
}

// Book gives the files of a flow book.
func (r *Record) Book(_ context.Context, hash string) (map[string]string, error) {
	defer r.lock()()
	if b := r.books[hash]; b != nil {
		return maps.Clone(b), nil
	}
	return nil, fmt.Errorf("reading a flow book: %w", store.ErrNotFound)
}

// forward is the order of delivery states.
var forward = []string{"queued", "sending", "ambiguous", "sent", "unknown", "failed", "expired", "delivered"}

// Receipt moves a message's delivery state forward. Receipts for parts are kept
// as they are: no conversation depends on them.
func (r *Record) Receipt(_ context.Context, receipt store.Receipt, _ time.Time) error {
	defer r.lock()()
	for _, o := range r.outbound {
		ours := receipt.OurID != "" && o.ID == receipt.OurID && o.Channel == receipt.Channel
		if !ours && (receipt.ExternalID == nil || !bytes.Equal(o.ExternalID, receipt.ExternalID)) {
			continue
		}
		if receipt.State != "unknown" && slices.Index(forward, o.State) < slices.Index(forward, receipt.State) {
			o.State = receipt.State
		}
		return nil
	}
	if receipt.ExternalID != nil {
		r.receipts = append(r.receipts, receipt)
	}
	return nil
}

// ChannelAlive notes when a channel's far end said that it is there.
func (r *Record) ChannelAlive(_ context.Context, channel string, at time.Time) error {
	defer r.lock()()
	r.alive[channel] = later(r.alive[channel], micro(at))
	return nil
}

// KeepUnreadable keeps a request that could not be read, once by its id.
func (r *Record) KeepUnreadable(_ context.Context, u store.Unreadable) error {
	defer r.lock()()
	r.unreadable[u.ID] = true
	return nil
}

// Unreadable counts the requests that could not be read.
func (r *Record) Unreadable() int {
	defer r.lock()()
	return len(r.unreadable)
}

// errSession is what a hand meets whose connection is gone.
var errSession = errors.New("the connection is closed")
