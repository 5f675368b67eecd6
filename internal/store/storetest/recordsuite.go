package storetest

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"testing"
	"time"

	"lafia/internal/conversation"
	"lafia/internal/programme"
	"lafia/internal/store"
)

// Row is a submission as it lies in a record.
type Row struct {
	ID        string
	Contact   []byte
	Answers   map[string]string
	Altered   bool
	Partial   bool
	Confirmed bool
	Corrects  string
	Words     bool // it has some
}

// Subject is a record that RecordSuite is run on: what a conversation needs, and
// what only a test does.
type Subject struct {
	conversation.Record
	PutGroup  func(ctx context.Context, g programme.Group, contact, pinHash []byte) error
	PutAnswer func(ctx context.Context, submissionID string, sealed []byte) error
	Rows      func(ctx context.Context) ([]Row, error) // oldest first
	Unhandled func(ctx context.Context) ([]string, error)
	Outbound  func(ctx context.Context) ([]store.Outbound, error) // oldest first
	// Unreadable counts the requests that could not be read.
	Unreadable func(ctx context.Context) (int, error)
}

// SubjectOf makes a subject of the record in PostgreSQL.
func SubjectOf(s *store.Store) Subject {
	return Subject{
		Record: s,
		PutGroup: func(ctx context.Context, g programme.Group, contact, pinHash []byte) error {
			return s.PutGroup(ctx, g, contact, pinHash, false)
		},
		PutAnswer: func(ctx context.Context, submissionID string, sealed []byte) error {
			_, err := s.Pool().Exec(ctx, `insert into answer (submission_id, at, sealed) values ($1, now(), $2)`, submissionID, sealed)
			return err
		},
		Rows: func(ctx context.Context) ([]Row, error) {
			rows, err := s.Pool().Query(ctx, `
select id::text, contact, answers, altered, partial, confirmed, coalesce(corrects::text, ''), sealed is not null from submission order by n`)
			if err != nil {
				return nil, err
			}
			defer rows.Close()
			var out []Row
			for rows.Next() {
				var r Row
				var answers []byte
				if err := rows.Scan(&r.ID, &r.Contact, &answers, &r.Altered, &r.Partial, &r.Confirmed, &r.Corrects, &r.Words); err != nil {
					return nil, err
				}
				if err := json.Unmarshal(answers, &r.Answers); err != nil {
					return nil, err
				}
				out = append(out, r)
			}
			return out, rows.Err()
		},
		Unhandled: func(ctx context.Context) ([]string, error) { return Unhandled(ctx, s) },
		Outbound:  func(ctx context.Context) ([]store.Outbound, error) { return Outbound(ctx, s) },
		Unreadable: func(ctx context.Context) (n int, err error) {
			err = s.Pool().QueryRow(ctx, `select count(*) from unreadable`).Scan(&n)
			return n, err
		},
	}
}

// suite is one behaviour at work.
type suite struct {
	*testing.T
	Subject
	ctx context.Context
}

var start = time.Date(2026, 11, 24, 9, 0, 0, 0, time.UTC)

func who(n byte) []byte         { return bytes.Repeat([]byte{n}, 32) }
func key(name string) []byte    { return append([]byte(name), make([]byte, 32-len(name))...) }
func id(n int) string           { return fmt.Sprintf("00000000-0000-4000-8000-%012d", n) }
func after(m int) time.Time     { return start.Add(time.Duration(m) * time.Minute) }
func clock() time.Time          { return start }
func sealed(text string) []byte { return []byte(text) }

func (s *suite) must(err error) {
	s.Helper()
	if err != nil {
		s.Fatal(err)
	}
}

func (s *suite) is(what string, got, want any) {
	s.Helper()
	if !reflect.DeepEqual(got, want) {
		s.Fatalf("%s: got %v, want %v", what, got, want)
	}
}

// run is an ordinary run of contact 1.
func run(n int, content string) store.Run {
	return store.Run{
		RunKey: key(fmt.Sprint("run", n)), HopKey: key(fmt.Sprint("hop", n)), ContentHMAC: key(content), Contact: who(1), DraftVersion: 5, Sealed: sealed("words"),
		Submission: programme.Submission{
			ID: id(n), Kind: programme.Feedback, Level: programme.L1, Reference: programme.Reference(fmt.Sprintf("%08d", n)), Channel: "a", Medium: "ussd",
			Language: "fr", Answers: map[string]string{"type": "Q"}, Confirmed: true, ReceivedAt: start,
		},
	}
}

func (s *suite) capture(r store.Run) store.Captured {
	s.Helper()
	c, err := s.Capture(s.ctx, r)
	s.must(err)
	return c
}

func (s *suite) rows() []Row {
	s.Helper()
	rows, err := s.Rows(s.ctx)
	s.must(err)
	return rows
}

func (s *suite) remember(n byte, hop string, now time.Time) store.Remembered {
	s.Helper()
	r, err := s.Remember(s.ctx, who(n), "a", "ussd", key(hop), now)
	s.must(err)
	return r
}

func trace(n byte, version uint64, language, text string, at time.Time) store.Trace {
	t := store.Trace{Contact: who(n), Channel: "a", Medium: "ussd", Language: language, Version: version, At: at, ExpiresAt: at.Add(15 * time.Minute)}
	if text != "" {
		t.Sealed = sealed(text)
	}
	return t
}

func (s *suite) behind(traces ...store.Trace) {
	s.Helper()
	s.must(s.WriteBehind(s.ctx, traces))
}

// sms is a message of a contact, with an identity for each time that its id comes
// again for another one.
func sms(n byte, name, content string, sent, received time.Time) store.Received {
	num := 0
	for _, c := range name {
		num = num*31 + int(c)
	}
	r := store.Received{
		Inbound: store.Inbound{ID: id(1000 + num), Contact: who(n), Channel: "a", Sealed: sealed(content), Answerable: true, SentAt: sent, ReceivedAt: received},
		Key:     key("m" + name), ContentHMAC: key(content),
	}
	for e := range 2 {
		r.Epochs = append(r.Epochs, store.Identity{Key: key(fmt.Sprint("m", name, "/", e)), ID: id(100_000_000 + 1000*num + e)})
	}
	return r
}

func (s *suite) receive(m store.Received) (altered bool) {
	s.Helper()
	altered, err := s.Receive(s.ctx, m)
	s.must(err)
	return altered
}

func (s *suite) unhandled() int {
	s.Helper()
	ids, err := s.Unhandled(s.ctx)
	s.must(err)
	return len(ids)
}

// handled takes all messages of the contact of one, and gives their words.
func (s *suite) handled(inboundID string) (words []string) {
	s.Helper()
	s.must(s.EachWaiting(s.ctx, inboundID, clock, func(_ context.Context, m store.Inbound) (store.Answer, error) {
		text := string(m.Sealed)
		for _, p := range m.Parts {
			text += string(p) + "|"
		}
		words = append(words, text)
		return store.Answer{}, nil
	}))
	return words
}

// RecordSuite holds a record to what a conversation relies on. open gives an
// empty one.
func RecordSuite(t *testing.T, open func(t *testing.T) Subject) {
	for _, b := range behaviours {
		t.Run(b.name, func(t *testing.T) {
			b.holds(&suite{T: t, Subject: open(t), ctx: t.Context()})
		})
	}
}

var errHandler = errors.New("handling failed")

var behaviours = []struct {
	name  string
	holds func(s *suite)
}{
	{"a run is kept once", func(s *suite) {
		first := s.capture(run(1, "a"))
		again := s.capture(run(1, "a"))
		s.is("the first time", first, store.Captured{Fresh: true, RunID: id(1), ContentHMAC: key("a")})
		s.is("again", again, store.Captured{RunID: id(1), ContentHMAC: key("a")})
		s.is("rows", len(s.rows()), 1)
	}},
	{"the same run with other content is told what the first was, and is no row", func(s *suite) {
		s.capture(run(1, "a"))
		other := run(1, "b")
		other.Submission.ID = id(2)
		s.is("other content", s.capture(other), store.Captured{RunID: id(1), ContentHMAC: key("a")})
		s.is("rows", len(s.rows()), 1)
	}},
	{"a run that was left in part becomes whole, once", func(s *suite) {
		part := run(1, "part")
		part.Submission.Partial = true
		s.capture(part)
		whole := run(1, "whole")
		whole.HopKey, whole.Submission.Answers, whole.Sealed, whole.Completes = key("last"), map[string]string{"type": "S"}, sealed("all"), true
		s.is("whole", s.capture(whole), store.Captured{RunID: id(1), ContentHMAC: key("whole")})
		s.is("again", s.capture(whole), store.Captured{RunID: id(1), ContentHMAC: key("whole")})
		s.is("left once more", s.capture(part), store.Captured{RunID: id(1), ContentHMAC: key("whole")})
		rows := s.rows()
		s.is("rows", len(rows), 1)
		s.is("its answers", rows[0].Answers, map[string]string{"type": "S"})
		s.is("in part", rows[0].Partial, false)
		s.is("the hop that finished it", s.remember(1, "last", start).HopRun, id(1))
	}},
	{"a whole run of the same name changes nothing of one that is whole", func(s *suite) {
		s.capture(run(1, "a"))
		other := run(1, "b")
		other.Completes, other.Submission.Answers = true, map[string]string{"type": "S"}
		s.is("other content", s.capture(other), store.Captured{RunID: id(1), ContentHMAC: key("a")})
		s.is("its answers", s.rows()[0].Answers, map[string]string{"type": "Q"})
	}},
	{"an id that is taken is refused under another identity", func(s *suite) {
		s.capture(run(1, "a"))
		other := run(2, "b")
		other.Submission.ID = id(1)
		_, err := s.Capture(s.ctx, other)
		s.is("error", store.Class(err), "postgres-23505")
		other.Submission.ID = id(2)
		s.is("nothing of it stayed", s.capture(other).Fresh, true)
	}},
	{"a kind that nobody knows is refused", func(s *suite) {
		r := run(1, "a")
		r.Submission.Kind = "rumour"
		_, err := s.Capture(s.ctx, r)
		s.is("error", store.Class(err), "postgres-23514")
	}},
	{"a hop that finished a run is known by it", func(s *suite) {
		s.capture(run(1, "a"))
		r := s.remember(1, "hop1", start)
		s.is("run of the hop", []any{r.HopRun, r.HopRunSet}, []any{id(1), true})
		s.is("ordinary", r.HopConfidential, false)
		s.is("its answers, which are no report's", r.HopReport, map[string]string(nil))
		s.is("another hop", s.remember(1, "hop2", start).HopRunSet, false)
		report := run(2, "b")
		report.Submission.Kind, report.Submission.Answers = programme.Progress, map[string]string{"MEM": "24", "month": "2026-09"}
		s.capture(report)
		s.is("a report's figures", s.remember(2, "hop2", start).HopReport, report.Submission.Answers)
	}},
	{"a run ends its draft, and no older one comes back", func(s *suite) {
		s.behind(trace(1, 3, "fr", "three", start))
		s.is("before", s.remember(1, "x", start).Draft, store.Draft{Version: 3, Sealed: sealed("three")})
		s.capture(run(1, "a"))
		s.behind(trace(1, 4, "fr", "four", start), trace(2, 1, "fr", "hers", start))
		s.is("after", s.remember(1, "x", start).Draft, store.Draft{Version: 5})
		s.behind(trace(1, 6, "fr", "six", start))
		s.is("a new one", s.remember(1, "x", start).Draft, store.Draft{Version: 6, Sealed: sealed("six")})
	}},
	{"a draft is replaced by a newer one alone", func(s *suite) {
		s.behind(trace(1, 3, "fr", "three", start))
		s.behind(trace(1, 3, "fr", "also three", start))
		s.behind(trace(1, 2, "fr", "two", start))
		s.is("draft", s.remember(1, "x", start).Draft, store.Draft{Version: 3, Sealed: sealed("three")})
		s.behind(trace(1, 4, "fr", "", start)) // no draft, and none ended
		s.is("nothing new", s.remember(1, "x", start).Draft.Version, uint64(3))
		ended := trace(1, 5, "fr", "", start)
		ended.Ended = true
		s.behind(ended)
		s.is("ended", s.remember(1, "x", start).Draft, store.Draft{Version: 5})
	}},
	{"a draft is offered while it lives, and not once its run is kept", func(s *suite) {
		d := trace(1, 3, "fr", "three", start)
		d.RunID = id(1)
		s.behind(d)
		s.is("its last moment", s.remember(1, "x", after(15).Add(-time.Microsecond)).Draft.Version, uint64(3))
		s.is("over", s.remember(1, "x", after(15)).Draft, store.Draft{})
		elsewhere := run(1, "a")
		elsewhere.Submission.Channel = "b"
		s.capture(elsewhere)
		s.is("kept by another channel", s.remember(1, "x", start).Draft, store.Draft{})
	}},
	{"old drafts are listed oldest first, and dropped unless they went on", func(s *suite) {
		s.behind(trace(2, 7, "fr", "two", after(1)), trace(1, 3, "fr", "one", start), trace(3, 1, "fr", "young", after(60)))
		old, err := s.OldDrafts(s.ctx, after(30), 10)
		s.must(err)
		s.is("old ones", len(old), 2)
		s.is("the first", []any{old[0].Contact, old[0].Version, old[0].RunID, old[0].Sealed}, []any{who(1), int64(3), "", sealed("one")})
		some, err := s.OldDrafts(s.ctx, after(30), 1)
		s.must(err)
		s.is("at most one", len(some), 1)
		s.behind(trace(1, 4, "fr", "went on", start))
		s.must(s.DropDraft(s.ctx, old[0]))
		s.must(s.DropDraft(s.ctx, old[1]))
		old, err = s.OldDrafts(s.ctx, after(30), 10)
		s.must(err)
		s.is("left", []any{len(old), old[0].Version}, []any{1, int64(4)})
	}},
	{"a contact's language is kept until another is chosen", func(s *suite) {
		s.is("nobody knows her", s.remember(1, "x", start).Known, false)
		s.behind(trace(1, 1, "bm", "", start))
		s.behind(trace(1, 2, "", "", after(5)))
		r := s.remember(1, "x", start)
		s.is("contact", []any{r.Known, r.Contact.Language, r.Contact.SeenAt.Equal(after(5))}, []any{true, "bm", true})
		s.behind(trace(1, 3, "", "", after(5).Add(30*time.Second)))
		s.is("within a minute nothing is written", s.remember(1, "x", start).Contact.SeenAt.Equal(after(5)), true)
		s.behind(trace(1, 4, "fr", "", after(5).Add(40*time.Second)))
		s.is("but a new language is", s.remember(1, "x", start).Contact.Language, "fr")
		s.behind(trace(1, 5, "bm", "", after(1)))
		s.is("seen never goes back", s.remember(1, "x", start).Contact.SeenAt.Equal(after(5).Add(40*time.Second)), true)
	}},
	{"what a run leaves beside its row is kept with it", func(s *suite) {
		r := run(1, "a")
		r.Also = &store.Also{Language: "ses", LastPlace: "ML060504", AskAgain: after(10), NumberUntil: after(99), Number: sealed("number")}
		s.capture(r)
		s.is("contact", s.remember(1, "x", start).Contact, store.Contact{Language: "ses", LastPlace: "ML060504", SeenAt: s.remember(1, "x", start).Contact.SeenAt})
		due, err := s.DueFollowups(s.ctx, after(10), 5)
		s.must(err)
		s.is("without her consent nothing is due", len(due), 0)
		s.must(s.PutWishes(s.ctx, store.Wish{Contact: who(1), Purpose: "followup", Given: true, At: start, Medium: "ussd"}))
		due, err = s.DueFollowups(s.ctx, after(10), 5)
		s.must(err)
		s.is("due", due, []store.Followup{{SubmissionID: id(1), Contact: who(1), Channel: "a", Language: "fr"}})
		due, err = s.DueFollowups(s.ctx, after(9), 5)
		s.must(err)
		s.is("not yet", len(due), 0)
	}},
	{"a follow-up is sent once and answered once", func(s *suite) {
		r := run(1, "a")
		r.Also = &store.Also{AskAgain: after(1)}
		s.capture(r)
		answer := func(said string, since, now time.Time) bool {
			ok, err := s.AnswerFollowup(s.ctx, who(1), said, since, now)
			s.must(err)
			return ok
		}
		s.is("nothing was sent", answer("better", start, after(9)), false)
		s.must(s.FollowupSent(s.ctx, id(1), after(2)))
		s.must(s.FollowupSent(s.ctx, id(1), after(7)))
		s.is("sent before", answer("better", after(2), after(9)), false)
		s.is("said before it was sent", answer("better", start, after(1)), false)
		s.is("answered", answer("better", start, after(9)), true)
		s.is("the same again", answer("better", start, after(9)), true)
		s.is("another one", answer("worse", start, after(10)), false)
	}},
	{"what is confidential is in no list, and new for ever", func(s *suite) {
		r := run(1, "a")
		r.Submission = programme.Submission{ID: id(1), Level: programme.L3, Reference: "00000001", Channel: "a", Medium: "ussd", ReceivedAt: start}
		s.is("kept", s.capture(r).Fresh, true)
		s.is("once", s.capture(r).Fresh, false)
		s.is("rows", len(s.rows()), 0)
		s.is("its hop", s.remember(1, "hop1", start).HopConfidential, true)
		st, err := s.StatusByReference(s.ctx, who(1), "00000001")
		s.must(err)
		s.is("status", st, programme.New)
	}},
	{"a reference opens nothing without its phone", func(s *suite) {
		s.capture(run(1, "a"))
		_, err := s.StatusByReference(s.ctx, who(2), "00000001")
		s.is("another phone", store.IsNotFound(err), true)
		_, _, err = s.AnswerTo(s.ctx, who(1), "00000001")
		s.is("no answer yet", store.IsNotFound(err), true)
		s.must(s.PutAnswer(s.ctx, id(1), sealed("first")))
		s.must(s.PutAnswer(s.ctx, id(1), sealed("second")))
		sub, words, err := s.AnswerTo(s.ctx, who(1), "00000001")
		s.must(err)
		s.is("the latest", []any{sub, words}, []any{id(1), sealed("second")})
		_, _, err = s.AnswerTo(s.ctx, who(2), "00000001")
		s.is("to another phone", store.IsNotFound(err), true)
	}},
	{"an older word never replaces a newer one", func(s *suite) {
		wished := func() []bool {
			given, known, err := s.Wished(s.ctx, who(1), "broadcast")
			s.must(err)
			return []bool{given, known}
		}
		say := func(given bool, at time.Time) {
			s.must(s.PutWishes(s.ctx, store.Wish{Contact: who(1), Purpose: "broadcast", Given: given, At: at, Medium: "sms"}))
		}
		s.is("nothing said", wished(), []bool{false, false})
		say(true, after(5))
		say(false, after(4))
		s.is("older", wished(), []bool{true, true})
		say(false, after(5))
		s.is("at the same moment the later one stands", wished(), []bool{false, true})
		s.must(s.PutWishes(s.ctx, store.Wish{Contact: who(1), Purpose: "answer", Given: true, At: start, Medium: "ussd", Number: sealed("number"), NumberUntil: after(9)}))
		s.is("answer", s.remember(1, "x", start).Contact.Answer, "yes")
	}},
	{"an erasure for a later day can be called off", func(s *suite) {
		erasing := func() bool {
			is, err := s.Erasing(s.ctx, who(1))
			s.must(err)
			return is
		}
		s.must(s.AskErasure(s.ctx, who(1), start, after(9)))
		s.is("asked", erasing(), true)
		s.must(s.KeepContact(s.ctx, who(1)))
		s.is("called off", erasing(), false)
		s.must(s.AskErasure(s.ctx, who(1), start, start))
		s.must(s.KeepContact(s.ctx, who(1)))
		s.is("one for at once is under way", erasing(), true)
		s.capture(run(1, "a"))
		s.behind(trace(1, 9, "fr", "nine", start))
		s.must(s.PutWishes(s.ctx, store.Wish{Contact: who(1), Purpose: "broadcast", Given: true, At: start, Medium: "sms"}))
		s.must(s.Erase(s.ctx, who(1), after(1)))
		s.is("done", erasing(), false)
		r := s.remember(1, "hop1", start)
		s.is("contact and draft", []any{r.Known, r.Draft}, []any{false, store.Draft{Version: 9}})
		s.is("the row leads to nobody", []any{s.rows()[0].Contact, s.rows()[0].Words}, []any{make([]byte, 32), false})
		_, known, err := s.Wished(s.ctx, who(1), "broadcast")
		s.must(err)
		s.is("wishes", known, false)
		s.must(s.KeepContact(s.ctx, who(1)))
		s.must(s.AskErasure(s.ctx, who(1), start, start))
		s.is("what she asked before was done", erasing(), false)
		s.must(s.AskErasure(s.ctx, who(1), after(2), after(3)))
		s.is("asked again", erasing(), true)
	}},
	{"a wrong PIN counts once a hop", func(s *suite) {
		fail := func(hop string) int {
			n, err := s.PINFailed(s.ctx, who(1), "G1", key(hop))
			s.must(err)
			return n
		}
		s.must(s.PutGroup(s.ctx, programme.Group{Code: "G1", Name: "Group", Place: "P", Region: "R"}, who(1), sealed("hash")))
		s.is("counts", []int{fail("a"), fail("a"), fail("b"), fail("a")}, []int{1, 1, 2, 3})
		leads, err := s.Leads(s.ctx, who(1))
		s.must(err)
		s.is("leader", leads, []store.Leader{{Group: "G1", Name: "Group", Region: "R", Place: "P", PINHash: sealed("hash"), Failures: 3}})
		s.must(s.PINPassed(s.ctx, who(1), "G1"))
		s.is("forgotten", fail("a"), 1)
		_, err = s.PINFailed(s.ctx, who(2), "G1", key("a"))
		s.is("no leader", store.IsNotFound(err), true)
		none, err := s.Leads(s.ctx, who(2))
		s.must(err)
		s.is("leads nothing", len(none), 0)
	}},
	{"a report by SMS waits for her who sent it", func(s *suite) {
		r := run(1, "a")
		r.Submission.Kind, r.Submission.Group, r.Submission.Confirmed, r.Submission.Answers = programme.Progress, "G1", false, map[string]string{"month": "2026-10", "MEM": "24"}
		s.capture(r)
		waits := func(n byte, now time.Time) bool {
			p, err := s.Unconfirmed(s.ctx, who(n), "G1", now)
			if err == nil {
				s.is("report", []any{p.ID, p.Answers["MEM"]}, []any{id(1), "24"})
			} else if !store.IsNotFound(err) {
				s.Fatal(err)
			}
			return err == nil
		}
		s.is("hers, another's, too old", []bool{waits(1, start), waits(2, start), waits(1, start.AddDate(0, 0, 40))}, []bool{true, false, false})
		s.must(s.Confirm(s.ctx, who(2), id(1), start))
		s.is("another confirms nothing", waits(1, start), true)
		s.must(s.Confirm(s.ctx, who(1), id(1), start))
		s.must(s.Confirm(s.ctx, who(1), id(1), start))
		s.is("confirmed", []any{waits(1, start), s.rows()[0].Confirmed}, []any{false, true})
	}},
	{"a month's report is the latest, and is named by the first", func(s *suite) {
		_, err := s.ReportOf(s.ctx, "G1", "2026-10")
		s.is("none", store.IsNotFound(err), true)
		for n, mem := range []string{"24", "25", "26"} {
			r := run(n+1, mem)
			r.Submission.Kind, r.Submission.Group, r.Submission.Answers = programme.Progress, "G1", map[string]string{"month": "2026-10", "MEM": mem}
			r.Submission.ReceivedAt = after(n)
			if n > 0 {
				r.Corrects = id(1)
			}
			s.capture(r)
		}
		r, err := s.ReportOf(s.ctx, "G1", "2026-10")
		s.must(err)
		s.is("report", []any{r.First, r.ReceivedAt.Equal(start), r.Answers["MEM"]}, []any{id(1), true, "26"})
		_, err = s.ReportOf(s.ctx, "G1", "2026-09")
		s.is("another month", store.IsNotFound(err), true)
	}},
	{"a message is kept once", func(s *suite) {
		m := sms(1, "one", "hello", after(0), after(0))
		s.is("the first time, again, and with its moment a minute off",
			[]bool{s.receive(m), s.receive(m), s.receive(sms(1, "one", "hello", after(1), after(1)))}, []bool{false, false, false})
		s.is("waiting", s.unhandled(), 1)
	}},
	{"the same id with other words, or from another moment, is a message of its own", func(s *suite) {
		s.receive(sms(1, "one", "hello", start, start))
		s.is("other words", s.receive(sms(1, "one", "other", start, after(1))), true)
		s.is("again", s.receive(sms(1, "one", "other", start, after(2))), false)
		s.is("another moment", s.receive(sms(1, "one", "hello", after(60), after(60))), true)
		s.is("beyond the identities there are", s.receive(sms(1, "one", "fourth", after(90), after(90))), false)
		s.is("waiting", s.unhandled(), 3)
	}},
	{"without an id the same words are a repeat in this stretch of time or the one before", func(s *suite) {
		at := func(stretch int) store.Received {
			m := sms(1, fmt.Sprint("s", stretch), "hello", time.Time{}, after(5*stretch))
			m.Epochs, m.Beside, m.Lock = nil, key(fmt.Sprint("ms", stretch-1)), 7
			return m
		}
		for _, stretch := range []int{1, 1, 2, 3, 5} { // 3 is beside 2, which was a repeat; 5 is beside nothing
			s.receive(at(stretch))
		}
		s.is("waiting", s.unhandled(), 2)
	}},
	{"messages are handled in the order in which they were sent", func(s *suite) {
		for _, m := range []store.Received{sms(1, "b", "second", after(2), after(3)), sms(1, "a", "first", after(1), after(4)), sms(1, "c", "third", time.Time{}, after(5)), sms(2, "d", "another's", after(0), after(6))} {
			s.receive(m)
		}
		s.is("handled", s.handled(sms(1, "c", "", start, start).ID), []string{"first", "second", "third"})
		s.is("waiting", s.unhandled(), 1)
		s.is("again", len(s.handled(sms(1, "c", "", start, start).ID)), 0)
	}},
	{"a message that is not there has been handled", func(s *suite) {
		s.is("handled", len(s.handled(id(77))), 0)
	}},
	{"one contact is in one hand", func(s *suite) {
		m, other := sms(1, "a", "hello", start, start), sms(2, "b", "hello", start, start)
		s.receive(m)
		s.receive(other)
		n := 0
		s.must(s.EachWaiting(s.ctx, m.ID, clock, func(ctx context.Context, _ store.Inbound) (store.Answer, error) {
			n++
			err := s.EachWaiting(ctx, m.ID, clock, func(context.Context, store.Inbound) (store.Answer, error) {
				s.Error("a second worker got in")
				return store.Answer{}, nil
			})
			s.is("busy", errors.Is(err, store.ErrBusy), true)
			s.is("another contact", len(s.handled(other.ID)), 1)
			return store.Answer{}, nil
		}))
		s.is("handled", n, 1)
		s.receive(sms(1, "c", "later", start, start))
		s.is("let go", len(s.handled(m.ID)), 1)
	}},
	{"what could not be handled waits on, and its hand is let go", func(s *suite) {
		m := sms(1, "a", "hello", start, start)
		s.receive(m)
		err := s.EachWaiting(s.ctx, m.ID, clock, func(context.Context, store.Inbound) (store.Answer, error) { return store.Answer{}, errHandler })
		s.is("error", errors.Is(err, errHandler), true)
		s.is("then", s.handled(m.ID), []string{"hello"})
	}},
	{"what had changed when it was to be saved is given again, as it stands then", func(s *suite) {
		first, second := sms(1, "a", "first", start, start), sms(1, "b", "second", after(1), after(1))
		s.receive(first)
		s.receive(second)
		var given []string
		again := map[string]int{"first": 2, "second": store.MostTries}
		handle := func(_ context.Context, m store.Inbound) (store.Answer, error) {
			given = append(given, string(m.Sealed))
			if again[string(m.Sealed)]--; again[string(m.Sealed)] >= 0 {
				return store.Answer{}, fmt.Errorf("saving: %w", store.ErrAgain)
			}
			return store.Answer{}, nil
		}
		s.must(s.EachWaiting(s.ctx, first.ID, clock, handle))
		s.is("given", given, append([]string{"first", "first", "first"}, slices.Repeat([]string{"second"}, store.MostTries+1)...))
		third := sms(1, "c", "third", after(2), after(2))
		s.receive(third)
		given, again["third"] = nil, store.MostTries+1
		err := s.EachWaiting(s.ctx, third.ID, clock, handle)
		s.is("it ends", []any{errors.Is(err, store.ErrAgain), len(given), s.unhandled()}, []any{true, store.MostTries + 1, 1})
	}},
	{"a message has one reply", func(s *suite) {
		m := sms(1, "a", "hello", start, start)
		s.receive(m)
		reply := func(context.Context, store.Inbound) (store.Answer, error) {
			return store.Answer{ID: id(5), Channel: "a", Class: "reply", Sealed: sealed("yes")}, nil
		}
		s.must(s.EachWaiting(s.ctx, m.ID, clock, reply))
		s.receive(sms(1, "b", "again", start, start))
		s.must(s.EachWaiting(s.ctx, m.ID, clock, reply)) // a second message that would have the same one
		out, err := s.Outbound(s.ctx)
		s.must(err)
		s.is("queued", []any{len(out), out[0].ID, out[0].State, s.unhandled()}, []any{1, id(5), "queued", 0})
	}},
	{"a late message knows of the others of its backlog", func(s *suite) {
		s.receive(sms(1, "a", "first", start, start.Add(20*time.Hour)))
		s.receive(sms(1, "b", "second", after(1), start.Add(20*time.Hour)))
		s.receive(sms(1, "c", "today", start.Add(20*time.Hour), start.Add(20*time.Hour)))
		var more []bool
		s.must(s.EachWaiting(s.ctx, sms(1, "a", "", start, start).ID, clock, func(_ context.Context, m store.Inbound) (store.Answer, error) {
			more = append(more, m.More)
			return store.Answer{}, nil
		}))
		s.is("more", more, []bool{true, false, false})
	}},
	{"parts are joined in whatever order, once", func(s *suite) {
		p := func(index int, text string, at time.Time) store.ReceivedPart {
			return store.ReceivedPart{Received: sms(1, fmt.Sprint("p", index, text), text, at, at), Set: key("set"), Index: index, Total: 2, RepeatWithin: time.Hour}
		}
		for _, part := range []store.ReceivedPart{p(2, "two", after(1)), p(2, "two", after(2)), p(1, "one", start)} {
			_, err := s.ReceivePart(s.ctx, part)
			s.must(err)
		}
		s.is("handled", s.handled(p(2, "two", start).ID), []string{"one|two|"})
		for _, part := range []store.ReceivedPart{p(1, "ONE", after(30)), p(2, "TWO", after(31))} { // the reference comes again
			_, err := s.ReceivePart(s.ctx, part)
			s.must(err)
		}
		s.is("another one", s.handled(p(1, "ONE", start).ID), []string{"ONE|TWO|"})
	}},
	{"what never became whole is handled as it is", func(s *suite) {
		part := store.ReceivedPart{Received: sms(1, "p", "one", start, start), Set: key("set"), Index: 1, Total: 3}
		_, err := s.ReceivePart(s.ctx, part)
		s.must(err)
		stale := func(before time.Time) int {
			n, err := s.CloseStaleParts(s.ctx, before, after(60))
			s.must(err)
			return n
		}
		s.is("closed", []int{stale(start), stale(after(1)), stale(after(1))}, []int{0, 1, 0})
		partial := false
		s.must(s.EachWaiting(s.ctx, part.ID, clock, func(_ context.Context, m store.Inbound) (store.Answer, error) {
			partial = m.Partial && len(m.Parts) == 3 && m.Parts[1] == nil
			return store.Answer{}, nil
		}))
		s.is("partial", partial, true)
	}},
	{"a part that only repeats a joined message makes none", func(s *suite) {
		p := func(name string, index int, text string) store.ReceivedPart {
			return store.ReceivedPart{Received: sms(1, name, text, start, start), Set: key("set"), Index: index, Total: 2}
		}
		for _, part := range []store.ReceivedPart{p("a", 1, "one"), p("b", 2, "two"), p("c", 1, "one")} {
			_, err := s.ReceivePart(s.ctx, part)
			s.must(err)
		}
		n, err := s.CloseStaleParts(s.ctx, after(1), after(60))
		s.must(err)
		s.is("closed, waiting", []int{n, s.unhandled()}, []int{0, 1})
	}},
	{"the key of a day is the first that was made", func(s *suite) {
		_, err := s.InboxKey(s.ctx, "2026-11-24")
		s.is("none", store.IsNotFound(err), true)
		first, err := s.PutInboxKey(s.ctx, "2026-11-24", sealed("one"))
		s.must(err)
		second, err := s.PutInboxKey(s.ctx, "2026-11-24", sealed("two"))
		s.must(err)
		s.is("keys", [][]byte{first, second}, [][]byte{sealed("one"), sealed("one")})
	}},
	{"a message to send is queued once, under a class that there is", func(s *suite) {
		o := store.Outgoing{ID: id(1), Contact: who(1), Channel: "a", Class: "reminder", Purpose: "followup", Sealed: sealed("again")}
		s.must(s.QueueOutbound(s.ctx, o, after(1)))
		s.must(s.QueueOutbound(s.ctx, o, after(2)))
		o.ID, o.Class = id(2), "whisper"
		s.is("no class", s.QueueOutbound(s.ctx, o, start) != nil, true)
		out, err := s.Outbound(s.ctx)
		s.must(err)
		s.is("queued", len(out), 1)
		n, err := s.LatestSent(s.ctx, who(1), "a", after(1))
		s.must(err)
		none, err := s.LatestSent(s.ctx, who(1), "a", start)
		s.must(err)
		elsewhere, err := s.LatestSent(s.ctx, who(1), "b", after(1))
		s.must(err)
		s.is("the latest, before it, elsewhere", []bool{n > 0, none > 0, elsewhere > 0}, []bool{true, false, false})
	}},
	{"a receipt moves a message forward alone", func(s *suite) {
		s.must(s.QueueOutbound(s.ctx, store.Outgoing{ID: id(1), Contact: who(1), Channel: "a", Class: "reply", Sealed: sealed("yes")}, start))
		for _, state := range []string{"delivered", "sent", "unknown"} {
			s.must(s.Receipt(s.ctx, store.Receipt{Channel: "a", OurID: id(1), State: state}, start))
		}
		s.must(s.Receipt(s.ctx, store.Receipt{Channel: "b", OurID: id(1), State: "failed"}, start))
		s.must(s.Receipt(s.ctx, store.Receipt{Channel: "a", ExternalID: key("x"), State: "failed"}, start))
		out, err := s.Outbound(s.ctx)
		s.must(err)
		s.is("state", out[0].State, "delivered")
	}},
	{"a book is kept by its hash", func(s *suite) {
		_, err := s.Book(s.ctx, "h")
		s.is("none", store.IsNotFound(err), true)
		s.must(s.KeepBook(s.ctx, "h", map[string]string{"main": "x"}, start))
		s.must(s.KeepBook(s.ctx, "h", map[string]string{"main": "x"}, after(1)))
		b, err := s.Book(s.ctx, "h")
		s.must(err)
		s.is("book", b, map[string]string{"main": "x"})
	}},
	{"marks are taken", func(s *suite) {
		s.must(s.ChannelAlive(s.ctx, "a", start))
		s.must(s.ChannelAlive(s.ctx, "a", start.Add(-time.Hour)))
	}},
	{"a request that could not be read is kept once by its id", func(s *suite) {
		for _, n := range []int{1, 2, 1} {
			s.must(s.KeepUnreadable(s.ctx, store.Unreadable{ID: id(n), Channel: "a", Kind: "sms", Reason: "why", Sealed: sealed("raw"), ReceivedAt: start}))
		}
		n, err := s.Unreadable(s.ctx)
		s.must(err)
		s.is("kept", n, 2)
	}},
	{"many that finish one run at once finish it once", func(s *suite) {
		fresh := make(chan bool, 8)
		for range cap(fresh) {
			go func() {
				c, err := s.Capture(s.ctx, run(1, "a"))
				fresh <- err == nil && c.Fresh
			}()
		}
		var got []bool
		for range cap(fresh) {
			got = append(got, <-fresh)
		}
		got = slices.DeleteFunc(got, func(f bool) bool { return !f })
		s.is("fresh, rows", []int{len(got), len(s.rows())}, []int{1, 1})
	}},
}
