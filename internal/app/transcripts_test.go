package app_test

import (
	"context"
	"fmt"
	"io/fs"
	"log/slog"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"lafia/flows"
	"lafia/gateway/message"
	"lafia/internal/conversation"
	"lafia/internal/demo"
	"lafia/internal/flow"
	"lafia/internal/locale"
	"lafia/internal/programme"
	"lafia/internal/rehearsal"
	"lafia/internal/servers/serverstest"
	"lafia/internal/session"
	"lafia/internal/staff"
	"lafia/internal/store"
	"lafia/internal/store/storetest"
	"lafia/internal/vault"
	"lafia/locales"
)

// Each transcript that was written by hand is played on real servers, each input
// twice: what the phone shows is what the transcript tells, and so is what is
// stored. Scenes that need staff or an earlier month are left to the rehearsal.
func TestTheGatewayDoesWhatTheTranscriptsByHandTell(t *testing.T) {
	t.Parallel()
	names, err := fs.Glob(flows.Files, "*.transcript")
	must(t, err)
	if len(names) < 40 {
		t.Fatalf("only %d transcripts", len(names))
	}
	shared := newStage(t)
	played := 0
	for _, name := range names {
		data, err := fs.ReadFile(flows.Files, name)
		must(t, err)
		all, err := rehearsal.ParseTranscripts(name, data)
		must(t, err)
		for _, one := range all {
			if !stageable(one) {
				continue
			}
			s := shared
			if one.Scene.Leader != "none" { // a month has one report
				s = newStage(t)
			}
			played++
			s.set(one.Scene, played)
			s.play(one)
		}
	}
	if played < 150 {
		t.Errorf("only %d conversations were played", played)
	}
}

// stageable reports whether a real gateway can be brought to a scene by what a
// caller does.
func stageable(one *rehearsal.Transcript) bool {
	s := one.Scene
	return s.Caller != "back" && s.Reported == "" && !s.Waiting && !s.Locked && !s.Answer && !s.Erasing && s.Callback
}

// stage is a gateway's conversation with a rehearsal's programme.
type stage struct {
	t      *testing.T
	c      *conversation.Conversation
	record *store.Store
	ring   *vault.Ring
	now    time.Time

	number  string
	dials   int
	session string
	text    string
	told    int // messages sent so far
}

func newStage(t *testing.T) *stage {
	t.Helper()
	ctx := t.Context()
	url := serverstest.PostgresFrom(t, "transcripts", func(url string) error {
		s, err := store.Open(context.Background(), url, store.Options{MaxConns: 2})
		if err != nil {
			return err
		}
		defer s.Close()
		if err := s.Migrate(context.Background()); err != nil {
			return err
		}
		places, err := demo.Places()
		if err != nil {
			return err
		}
		return s.PutPlaces(context.Background(), "test", places)
	})
	st := &stage{t: t}
	keys := filepath.Join(t.TempDir(), "keys")
	must(t, vault.Create(keys))
	_, err := vault.NewConfidentialPair(keys)
	must(t, err)
	st.ring, err = vault.Open(keys)
	must(t, err)
	st.record, err = store.Open(ctx, url, store.Options{MaxConns: 2})
	must(t, err)
	t.Cleanup(st.record.Close)
	sessions, err := session.Open(ctx, session.Options{Network: "unix", Addr: serverstest.Redis(t)})
	must(t, err)
	t.Cleanup(func() { _ = sessions.Close() })
	must(t, sessions.Begin(ctx, time.Time{}))
	book, err := flow.Load(flows.Files)
	must(t, err)
	words, err := locale.Load(locales.Files)
	must(t, err)
	projects, _, number, regions := rehearsal.Scene{}.Programme()
	must(t, st.record.PutProjects(ctx, projects, false))
	st.c = conversation.New(conversation.Options{
		Ring: st.ring, Sessions: sessions, Store: st.record, Book: book, Words: words, Now: func() time.Time { return st.now },
		Log: slog.New(slog.DiscardHandler), Example: projects[0].Dial, HelpNumber: func(string) string { return number }, Regions: regions,
	})
	must(t, st.c.Start(ctx))
	t.Cleanup(st.c.Stop)
	return st
}

// set brings the programme to a scene, in which a new phone calls.
func (s *stage) set(scene rehearsal.Scene, n int) {
	s.t.Helper()
	s.now = scene.Today
	s.number, s.dials = fmt.Sprintf("+2237%07d", n), 0
	projects, groups, _, _ := scene.Programme()
	if len(groups) == 0 {
		return
	}
	must(s.t, s.record.PutProjects(s.t.Context(), projects, false))
	for _, g := range groups {
		i := slices.IndexFunc(projects, func(p programme.Project) bool { return p.Code == g.Project })
		must(s.t, s.record.PutGroup(s.t.Context(), programme.Group{Code: g.Code, Name: g.Name, Project: g.Project, Place: projects[i].Place, Region: projects[i].Region},
			s.ring.Pseudonym(s.number).Bytes(), s.ring.PINHash(g.Code, g.PIN), false))
	}
}

// hop presses a key, or sends a text, twice, and gives what the phone shows.
func (s *stage) hop(medium, input string) string {
	s.t.Helper()
	s.now = s.now.Add(3 * time.Second)
	if medium == "sms" {
		return s.send(input)
	}
	if s.session == "" {
		s.dials++
		s.session, s.text = fmt.Sprintf("%s-%d", s.number, s.dials), input
	} else {
		s.text = strings.TrimPrefix(s.text+"*"+input, "*")
	}
	in := message.Inbound{Medium: message.USSD, From: message.ParseNumber(s.number), SessionID: s.session, Text: s.text, Cumulative: true}
	first, err := s.c.Hop(s.t.Context(), "at", in)
	must(s.t, err)
	second, err := s.c.Hop(s.t.Context(), "at", in)
	must(s.t, err)
	if first != second {
		s.t.Fatalf("the second time %q shows\n%s\nand not\n%s", s.text, second.Text, first.Text)
	}
	return first.Text
}

func (s *stage) send(input string) string {
	s.t.Helper()
	ctx := s.t.Context()
	s.dials++
	in := message.Inbound{Medium: message.SMS, From: message.ParseNumber(s.number), ExternalID: fmt.Sprintf("%s-%d", s.number, s.dials), Text: input}
	must(s.t, s.c.Receive(ctx, "at", in))
	must(s.t, s.c.Receive(ctx, "at", in))
	ids, err := storetest.Unhandled(ctx, s.record)
	must(s.t, err)
	for _, id := range ids {
		must(s.t, s.c.Handle(ctx, id))
		must(s.t, s.c.Handle(ctx, id))
	}
	out, err := storetest.Outbound(ctx, s.record)
	must(s.t, err)
	if len(out) != s.told+1 {
		s.t.Fatalf("%q is answered by %d messages", input, len(out)-s.told)
	}
	s.told = len(out)
	last := out[len(out)-1]
	text, err := s.c.OpenReply(last.ID, last.Sealed)
	must(s.t, err)
	return text
}

// doorTo is what enters a flow from the menu.
func doorTo(t *testing.T, name string) string {
	book, err := flow.Load(flows.Files)
	must(t, err)
	for _, o := range book.Flows[flow.Main].States["menu"].Options {
		if o.Flow == name {
			return o.Key
		}
	}
	t.Fatalf("the menu has no flow %s", name)
	return ""
}

// play compares a conversation, from its first screen to what is stored.
func (s *stage) play(one *rehearsal.Transcript) {
	s.t.Helper()
	where := fmt.Sprintf("%s %s %s: %s", one.Flow, one.Language, one.Medium, one.Title)
	begin := ""
	if one.Medium == "sms" {
		begin = "menu"
	}
	s.session = ""
	shows := s.hop(one.Medium, begin)
	if one.Scene.Caller != "new" {
		shows = s.hop(one.Medium, languageKey(one.Language))
		for purpose, given := range one.Scene.Consents {
			s.consent(one.Medium, purpose, given)
			s.session = ""
			shows = s.hop(one.Medium, begin)
		}
	}
	if one.Flow != flow.Main {
		shows = s.hop(one.Medium, doorTo(s.t, one.Flow))
	}
	reference := ""
	if one.Flow == "reference" {
		reference = s.submitted(one.Medium)
		s.session = ""
		s.hop(one.Medium, begin)
		shows = s.hop(one.Medium, doorTo(s.t, one.Flow))
	}
	before, beforeL3 := len(s.submissions()), s.confidential()
	for i, turn := range one.Turns {
		if i > 0 {
			input := turn.Input
			if input == rehearsal.Given.String() || input == strings.ReplaceAll(rehearsal.Given.String(), "-", "") {
				input = reference
			}
			shows = s.hop(one.Medium, input)
		}
		if got := hidden(shows); got != turn.Text {
			s.t.Errorf("%s: after %q the gateway shows\n%s\nand the transcript tells\n%s", where, turn.Input, got, turn.Text)
			return
		}
	}
	s.stored(one, where, s.submissions()[before:], s.confidential()-beforeL3)
}

// stored compares what came into the record.
func (s *stage) stored(one *rehearsal.Transcript, where string, got []programme.Submission, confidential int) {
	s.t.Helper()
	calls := 0
	for _, turn := range one.Turns {
		if slices.Contains(turn.Does, "callback") {
			calls++
		}
	}
	got = slices.DeleteFunc(got, func(p programme.Submission) bool {
		call := p.Kind == programme.Open && p.Answers["at"] != ""
		if call {
			calls--
		}
		return call
	})
	if calls != 0 {
		s.t.Errorf("%s: %d call-backs more are told than are in the record", where, calls)
	}
	does := one.Turns[len(one.Turns)-1].Does
	want := does[len(does)-1]
	isL3 := strings.HasPrefix(want, "submission ") && strings.Contains(want, " level=L3 ")
	if isL3 != (confidential == 1) || !isL3 && confidential != 0 {
		s.t.Errorf("%s: %d messages are for the protection focal points", where, confidential)
	}
	if !strings.HasPrefix(want, "submission ") || isL3 {
		if len(got) != 0 {
			s.t.Errorf("%s: %d submissions are in the record, which the project's and the peace team see", where, len(got))
		}
		return
	}
	if len(got) != 1 {
		s.t.Errorf("%s: %d submissions are in the record", where, len(got))
		return
	}
	p := got[0]
	answers := maps.Clone(p.Answers)
	if answers == nil {
		answers = map[string]string{}
	}
	switch p.Kind {
	case programme.Feedback:
		answers["project"] = p.Project
	case programme.Tension:
		answers["place"] = p.Place
	case programme.Progress:
		answers["group"] = p.Group
	}
	if line := rehearsal.SubmissionLine(string(p.Kind), string(p.Level), answers, p.Text); line != want {
		s.t.Errorf("%s: in the record is\n%s\nand the transcript tells\n%s", where, line, want)
	}
}

func languageKey(tag string) string {
	return map[string]string{"fr": "1", "bm": "2", "ses": "3"}[tag]
}

// consent answers, in her choices, what she may be asked.
func (s *stage) consent(medium, purpose, given string) {
	s.t.Helper()
	if purpose != "answer" {
		s.t.Fatalf("no scene has a consent to %s", purpose)
	}
	s.hop(medium, doorTo(s.t, "choices"))
	s.hop(medium, "1")
	s.hop(medium, map[string]string{"yes": "1", "no": "2"}[given])
}

// submitted says something first, and gives its reference.
func (s *stage) submitted(medium string) string {
	s.t.Helper()
	s.hop(medium, "000")
	s.hop(medium, doorTo(s.t, "feedback"))
	for _, input := range []string{"101", "4", "5", "1", "1"} {
		s.hop(medium, input)
	}
	last := s.hop(medium, "9")
	for _, w := range strings.FieldsFunc(last, func(r rune) bool { return r == ' ' || r == '\n' || r == '.' }) {
		if ref, ok := programme.ParseReference(w); ok && len(w) == 9 {
			return ref.String()
		}
	}
	s.t.Fatalf("no reference in %q", last)
	return ""
}

func (s *stage) submissions() []programme.Submission {
	s.t.Helper()
	rows, err := s.record.SubmissionsAfter(s.t.Context(), staff.ScopeOf(staff.Administrator, nil), 0, 1000)
	must(s.t, err)
	var out []programme.Submission
	for _, r := range rows {
		p := r.Submission
		if r.Sealed != nil {
			text, err := s.ring.Open(r.Sealed, "submission/"+r.ID)
			must(s.t, err)
			p.Text = string(text)
		}
		out = append(out, p)
	}
	return out
}

// confidential counts what only the protection focal points may read.
func (s *stage) confidential() int {
	s.t.Helper()
	rows, err := s.record.ConfidentialNewest(s.t.Context(), staff.ScopeOf(staff.Protection, nil), 1000)
	must(s.t, err)
	return len(rows)
}

// hidden writes each reference as transcripts do.
func hidden(text string) string {
	for _, w := range strings.FieldsFunc(text, func(r rune) bool { return strings.ContainsRune(" \n.:", r) }) {
		if _, ok := programme.ParseReference(w); ok && len(w) == 9 && w[4] == '-' {
			text = strings.ReplaceAll(text, w, rehearsal.Given.String())
		}
	}
	return text
}
