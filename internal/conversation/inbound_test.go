package conversation_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"lafia/gateway/message"
	"lafia/internal/programme"
)

// nameless is a message of a channel that gives it neither an id nor a time.
func nameless(text string) message.Inbound {
	return message.Inbound{Medium: message.SMS, From: message.ParseNumber(anna), Text: text}
}

// received counts the messages that were kept, handled or not.
func (b *bench) received() int {
	b.t.Helper()
	return query[int](b, `select count(*) from inbound`)
}

func TestTheSameWordsWithoutIDAndTimeAreARepeatUntilWeAnswered(t *testing.T) {
	b := newBench(t)
	b.receive(nameless("1"))
	b.receive(nameless("1")) // at once
	b.pass(5 * time.Minute)
	b.receive(nameless("1")) // in the stretch of time behind it
	for range 4 {            // a chain of repeats stays one message
		b.pass(5 * time.Minute)
		b.receive(nameless("1"))
	}
	if n := b.received(); n != 1 {
		t.Fatalf("%d messages of one and its repeats", n)
	}
	b.receive(nameless("2"))
	if n := b.received(); n != 2 {
		t.Fatalf("other words are a repeat: %d messages", n)
	}
	b.handleAll()
	b.pass(time.Second)
	b.receive(nameless("1")) // her answer to our reply
	if n := b.received(); n != 3 {
		t.Fatalf("an answer was taken for a repeat: %d messages", n)
	}
	b.receive(nameless("1"))
	b.pass(11 * time.Minute)
	b.receive(nameless("1")) // long after any retry
	if n := b.received(); n != 4 {
		t.Fatalf("%d messages, want 4", n)
	}
}

func TestAMenuIsWalkedByTheSameAnswerWithoutIDs(t *testing.T) {
	b := newBench(t)
	for _, text := range []string{"menu", "1", "1", "107", "1", "1", "1"} {
		b.receive(nameless(text))
		b.receive(nameless(text))
		b.handleAll()
		b.pass(3 * time.Second)
	}
	if n, replies := b.received(), b.handleAll(); n != 7 || len(replies) != 7 {
		t.Fatalf("7 answers are %d messages and got %d replies: %q", n, len(replies), replies)
	}
}

func TestWithATimeTheWordsAndTheTimeTellARepeat(t *testing.T) {
	b := newBench(t)
	at := func(d time.Duration) message.Inbound {
		in := nameless("oui")
		in.SentAt = b.now.Add(-time.Minute + d)
		return in
	}
	first, second := at(0), at(time.Second)
	b.receive(first)
	b.receive(second)
	b.pass(20 * time.Minute)
	b.receive(first)
	b.receive(second)
	if n := b.received(); n != 2 {
		t.Fatalf("%d messages, want 2", n)
	}
}

func TestWithoutIDAndTimeTheSpoolAnswersAsTheRecordDoes(t *testing.T) {
	s := newSpooling(t)
	s.receive(nameless("1"))
	s.handleAll()
	s.pass(10 * time.Second)
	s.gate.set("refused")
	s.receive(nameless("1")) // an answer
	s.receive(nameless("1")) // its repeat
	records := s.spool.Pending()
	if records != 2 {
		t.Fatalf("%d records in the spool", records)
	}
	s.pass(2 * time.Minute)
	s.gate.set("")
	s.drain(records)
	s.handleAll()
	if n := s.received(); n != 2 {
		t.Fatalf("%d messages, want 2", n)
	}
}

func TestAnIDThatComesAgainWithSomethingElseIsKeptAndMarked(t *testing.T) {
	b := newBench(t)
	altered := map[string]int{}
	b.c.Altered = func(channel string) { altered[channel]++ }
	when := b.now.Add(-10 * time.Minute)
	send := func(text string, sent time.Time) {
		t.Helper()
		b.receive(message.Inbound{Medium: message.SMS, From: message.ParseNumber(anna), ExternalID: "7", Text: text, SentAt: sent})
	}
	const pump, mill = "la pompe du village fuit", "le moulin est en panne"
	for _, c := range []struct {
		name string
		text string
		sent time.Time
		want int
	}{
		{"the first", pump, when, 1},
		{"a repeat", pump, when, 1},
		{"a repeat whose time is read a little otherwise", pump, when.Add(90 * time.Second), 1},
		{"a repeat that does not say when", pump, time.Time{}, 1},
		{"other words", mill, when, 2},
		{"their repeat", mill, when, 2},
		{"the same words at another time", pump, when.Add(5 * time.Minute), 3},
		{"their repeat", pump, when.Add(5 * time.Minute), 3},
		{"a late repeat of the first", pump, when, 3},
	} {
		send(c.text, c.sent)
		if n := b.received(); n != c.want {
			t.Fatalf("%s: %d messages, want %d", c.name, n, c.want)
		}
	}
	for n := range 20 { // more often than any phone is swapped
		send(pump, when.Add(-time.Duration(n+1)*10*time.Minute))
		send(pump, when.Add(-time.Duration(n+1)*10*time.Minute))
	}
	if n := b.received(); n != 23 {
		t.Fatalf("%d messages, want 23", n)
	}
	b.handleAll()
	marked := 0
	for _, s := range b.submissions() {
		if s.Altered {
			marked++
		}
	}
	if n := query[int](b, `select count(*) from inbound where altered`); n != 22 || marked != 22 || altered["at"] != 22 {
		t.Errorf("marked are %d messages and %d submissions, and %d were counted", n, marked, altered["at"])
	}
}

func TestAPartWhoseIDComesAgainMarksItsMessage(t *testing.T) {
	b := newBench(t)
	other := []string{"notre puits est a sec ", "depuis la saison ", "passee et encore"}
	for i := range long {
		b.receive(partOf("7", i+1, long))
	}
	for i := range other {
		b.receive(partOf("7", i+1, other)) // ids that began again
	}
	b.kept(strings.Join(long, ""), strings.Join(other, ""))
	if all := b.submissions(); all[0].Altered || !all[1].Altered {
		t.Errorf("marked: %v and %v", all[0].Altered, all[1].Altered)
	}
}

const day = 24 * time.Hour

// lateBy is a message that was sent some time ago and comes only now.
func lateBy(id string, by time.Duration, now time.Time, number, text string) message.Inbound {
	return message.Inbound{Medium: message.SMS, From: message.ParseNumber(number), ExternalID: id, Text: text, SentAt: now.Add(-by)}
}

func TestABacklogIsHandledInTheOrderItWasSentAndGetsOneReply(t *testing.T) {
	b := newBench(t)
	texts := []string{"le moulin est en panne", "la pompe fuit aussi", "personne ne vient nous voir", "merci, le moulin tourne encore"}
	for _, i := range []int{2, 0, 3, 1} { // as a network may bring them
		b.receive(lateBy(fmt.Sprint(i), 10*day-time.Duration(i)*time.Hour, b.now, anna, texts[i]))
		b.receive(lateBy(fmt.Sprint(i), 10*day-time.Duration(i)*time.Hour, b.now, anna, texts[i]))
	}
	b.receive(message.Inbound{Medium: message.SMS, From: message.ParseNumber("+22370000009"), ExternalID: "x", Text: "bonjour et merci à vous"})
	replies := b.handleAll()
	if len(replies) != 2 {
		t.Fatalf("a backlog of one and a message of another got %d replies: %q", len(replies), replies)
	}
	all := b.submissions()
	if len(all) != 5 {
		t.Fatalf("%d messages are kept, want 5", len(all))
	}
	for i, text := range texts {
		p := all[i]
		if p.Text != text {
			t.Errorf("the message in place %d says %q, want %q", i, p.Text, text)
		}
		if want := b.now.Add(-10*day + time.Duration(i)*time.Hour); !p.SentAt.Equal(want) || !p.ReceivedAt.Equal(b.now) {
			t.Errorf("%q was sent %v and received %v", text, p.SentAt, p.ReceivedAt)
		}
	}
	if n := query[int](b, `select count(*) from inbound where late`); n != 4 {
		t.Errorf("%d messages are late", n)
	}
}

func TestALateMessageIsNoAnswerToWhatIsAskedToday(t *testing.T) {
	b := village(t)
	b.has(b.talk(anna, "menu", "1"), "4 Mon code de suivi")
	b.receive(lateBy("late", 3*day, b.time(), anna, "1"))
	b.handleAll()
	if p := b.last(); p.Kind != programme.Open || p.Text != "1" {
		t.Errorf("what she sent three days ago is %+v", p)
	}
	b.has(b.tell(anna, "4"), "code") // she is still at the menu
}

func TestALateMenuIsWalkedAsItWasSentAndShownOnce(t *testing.T) {
	b := newBench(t)
	for i, text := range []string{"menu", "1", "1", "107"} {
		b.receive(lateBy(fmt.Sprint(i), 10*day-time.Duration(i)*time.Minute, b.now, anna, text))
	}
	replies := b.handleAll()
	if len(replies) != 1 {
		t.Fatalf("%d replies: %q", len(replies), replies)
	}
	reply := b.tell(anna, "3")
	if reply == "" || reply == replies[0] {
		t.Errorf("the walk stands still at\n%s", reply)
	}
}

func TestALateReportIsOfTheMonthInWhichItWasSent(t *testing.T) {
	b := early(t) // 5 December
	in := lateBy("r", 10*day, b.time(), second, "RAP PRA1 MEM 24 REU 4 EPA 24000 PRE 3 REM 2 REC 15000 FEM 20 JEU 6")
	in.SentAt = time.Date(2026, 11, 8, 10, 0, 0, 0, time.UTC)
	b.receive(in)
	replies := b.handleAll()
	p := b.last()
	if p.Kind != programme.Progress || p.Answers["month"] != "2026-10" {
		t.Fatalf("kept %+v after %q", p, replies)
	}
}

func TestAWildTimeIsKeptAsSaidAndUsedForNothing(t *testing.T) {
	b := newBench(t)
	words := func(i int) string { return fmt.Sprintf("notre puits est a sec numero %c", 'a'+i) }
	wild := []time.Time{b.now.Add(2 * time.Hour), b.now.Add(-61 * day), time.Unix(0, 0).UTC(), time.Date(2126, 1, 1, 0, 0, 0, 0, time.UTC)}
	for i, at := range wild {
		b.receive(message.Inbound{Medium: message.SMS, From: message.ParseNumber(anna), ExternalID: fmt.Sprint(i), Text: words(i), SentAt: at})
		b.pass(time.Second)
	}
	if replies := b.handleAll(); len(replies) != len(wild) {
		t.Errorf("%d replies", len(replies))
	}
	for i, p := range b.submissions() {
		if p.Text != words(i) || !p.SentAt.Equal(wild[i]) {
			t.Errorf("in place %d is %q, sent %v", i, p.Text, p.SentAt)
		}
	}
	if n := query[int](b, `select count(*) from inbound where late or said_at is not null`); n != 0 {
		t.Errorf("%d of them are believed", n)
	}
}

func TestALateStopDoesNotUndoALaterStart(t *testing.T) {
	b := village(t)
	b.tell(anna, "STOP")
	b.tell(anna, "START")
	if got := b.wished(anna, "broadcast"); got != "yes" {
		t.Fatalf("after START: %q", got)
	}
	b.receive(lateBy("s", 3*day, b.time(), anna, "STOP"))
	must(t, handleLatest(b))
	if got := b.wished(anna, "broadcast"); got != "yes" {
		t.Errorf("a STOP of three days ago undid the START of today: %q", got)
	}
	b.pass(time.Minute)
	b.receive(lateBy("t", 30*time.Second, b.time(), anna, "STOP"))
	must(t, handleLatest(b))
	if got := b.wished(anna, "broadcast"); got != "no" {
		t.Errorf("after STOP: %q", got)
	}
}

func handleLatest(b *bench) error {
	return b.c.Handle(context.Background(), query[string](b, `select id::text from inbound where handled_at is null order by n desc limit 1`))
}
