package conversation_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"lafia/gateway/message"
	"lafia/internal/conversation"
	"lafia/internal/programme"
	"lafia/internal/store/storetest"
)

// a long message in three parts, none of which says anything by itself.
var long = []string{"le moulin de notre village est gate depuis lundi et personne ", "ne vient le reparer, les femmes doivent marcher ", "jusqu'au marche pour faire moudre le mil"}

func partOf(ref string, index int, texts []string) message.Inbound {
	return message.Inbound{
		Medium: message.SMS, From: message.ParseNumber(anna), Text: texts[index-1],
		ExternalID: fmt.Sprintf("%s/%d", ref, index), Part: &message.Part{Ref: ref, Index: index, Total: len(texts)},
	}
}

func (b *bench) receive(in message.Inbound) {
	b.t.Helper()
	must(b.t, b.c.Receive(context.Background(), "at", in))
}

// texts handles what waits and gives the words of all that was kept, oldest first.
func (b *bench) texts() []string {
	b.t.Helper()
	b.handleAll()
	var out []string
	for _, s := range b.submissions() {
		out = append(out, s.Text)
	}
	return out
}

func (b *bench) kept(want ...string) {
	b.t.Helper()
	if got := b.texts(); fmt.Sprintf("%q", got) != fmt.Sprintf("%q", want) {
		b.t.Fatalf("kept %q, want %q", got, want)
	}
}

func TestPartsInAnyOrderAreOneMessageOnceAllAreThere(t *testing.T) {
	for _, order := range [][]int{{1, 2, 3}, {3, 2, 1}, {2, 3, 1}, {1, 1, 3, 3, 2, 2, 1}} {
		b := newBench(t)
		whole := false
		seen := map[int]bool{}
		for _, i := range order {
			if !whole {
				b.kept()
			}
			b.receive(partOf("7", i, long))
			seen[i] = true
			whole = len(seen) == 3
		}
		b.kept(strings.Join(long, ""))
		s := b.submissions()[0]
		if s.Partial || s.Kind != programme.Open {
			t.Fatalf("kept %+v", s)
		}
		if replies := b.handleAll(); len(replies) != 1 {
			t.Fatalf("%d replies", len(replies))
		}
	}
}

func TestPartsOfTwoMessagesMixedAreTwoMessages(t *testing.T) {
	b := newBench(t)
	other := []string{"notre puits est a sec ", "depuis la saison passee"}
	b.receive(partOf("7", 1, long))
	b.receive(partOf("8", 2, other))
	b.receive(partOf("7", 3, long))
	b.receive(partOf("8", 1, other))
	b.receive(partOf("7", 2, long))
	b.kept(strings.Join(other, ""), strings.Join(long, ""))
}

func TestAReferenceUsedAgainIsAnotherMessage(t *testing.T) {
	other := []string{"notre puits est a sec ", "depuis la saison ", "passee et encore"}
	later := func(i int) message.Inbound {
		in := partOf("7", i, other)
		in.ExternalID = "other/" + in.ExternalID
		return in
	}
	t.Run("after the first is whole", func(t *testing.T) {
		b := newBench(t)
		for i := range long {
			b.receive(partOf("7", i+1, long))
		}
		for i := range other {
			b.receive(later(i + 1))
		}
		b.receive(partOf("7", 2, long)) // a late repeat of the first
		b.kept(strings.Join(long, ""), strings.Join(other, ""))
	})
	t.Run("while the first lacks a part", func(t *testing.T) {
		b := newBench(t)
		b.receive(partOf("7", 1, long))
		b.receive(partOf("7", 2, long))
		b.pass(3 * time.Hour)
		for i := range other {
			b.receive(later(i + 1))
		}
		b.kept(strings.Join(other, ""))
		b.receive(partOf("7", 3, long))
		b.kept(strings.Join(other, ""), strings.Join(long, ""))
	})
	t.Run("with the same words", func(t *testing.T) {
		b := newBench(t)
		for i := range long {
			b.receive(partOf("7", i+1, long))
		}
		for i := range long {
			in := partOf("7", i+1, long)
			in.ExternalID = "again/" + in.ExternalID
			b.receive(in)
		}
		b.kept(strings.Join(long, ""), strings.Join(long, ""))
	})
}

func TestPartsWithoutAnIDAreKnownByTheirPlaceAndWords(t *testing.T) {
	b := newBench(t)
	same := []string{"toujours pareil ici, ", "toujours pareil ici, ", "et ca suffit maintenant"}
	send := func(i int) {
		in := partOf("7", i, same)
		in.ExternalID = ""
		b.receive(in)
	}
	for _, i := range []int{1, 2, 1, 3} {
		send(i)
		b.pass(2 * time.Minute)
	}
	send(2) // repeated after the message was whole, in another minute
	b.kept(strings.Join(same, ""))
	b.pass(25 * time.Hour)
	n, err := b.c.CloseParts(context.Background())
	if must(t, err); n != 0 {
		t.Fatalf("%d messages were opened by repeats", n)
	}
}

func TestAPartThatAnSMSCDeliversTwiceUnderTwoIDsIsOne(t *testing.T) {
	b := newBench(t)
	again := func(i int) {
		in := partOf("7", i, long)
		in.ExternalID = "again/" + in.ExternalID
		b.receive(in)
	}
	b.receive(partOf("7", 1, long))
	again(1)
	b.receive(partOf("7", 2, long))
	b.receive(partOf("7", 3, long))
	again(3) // the message is whole: this could be the beginning of another one
	b.kept(strings.Join(long, ""))
	b.pass(25 * time.Hour)
	n, err := b.c.CloseParts(context.Background())
	if must(t, err); n != 0 {
		t.Errorf("%d messages were made of a repeat", n)
	}
	b.kept(strings.Join(long, ""))
}

func TestWhatIsIncompleteAfterADayIsHandledAsItIsAndMarked(t *testing.T) {
	b := newBench(t)
	five := []string{"un deux trois ", "quatre cinq ", "six sept ", "huit neuf ", "dix onze douze"}
	for _, i := range []int{4, 1} {
		b.receive(partOf("7", i, five))
	}
	b.pass(23 * time.Hour)
	n, err := b.c.CloseParts(context.Background())
	if must(t, err); n != 0 {
		t.Fatal("it was not waited for")
	}
	b.kept()
	b.pass(2 * time.Hour)
	for range 2 {
		_, err = b.c.CloseParts(context.Background())
		must(t, err)
	}
	const marked = "un deux trois […]huit neuf […]"
	b.kept(marked)
	if s := b.submissions()[0]; !s.Partial {
		t.Fatalf("it is not marked: %+v", s)
	}
	b.receive(partOf("7", 4, five)) // a repeat of what was handled
	b.receive(partOf("7", 5, five)) // the rest comes too late: it is not lost
	b.kept(marked)
	b.pass(25 * time.Hour)
	_, err = b.c.CloseParts(context.Background())
	must(t, err)
	b.kept(marked, "[…]dix onze douze")
}

func TestPartsThatComeToTwoGatewaysAtOnceAreOneMessage(t *testing.T) {
	b := newBench(t)
	gateways := []*conversation.Conversation{b.c, b.start(nil)}
	const messages = 6
	var wg sync.WaitGroup
	for m := range messages {
		for i := range long {
			for g := range gateways {
				wg.Go(func() {
					in := partOf(fmt.Sprint(m), i+1, long)
					if err := gateways[g].Receive(context.Background(), "at", in); err != nil {
						t.Error(err)
					}
				})
			}
		}
	}
	wg.Wait()
	got := b.texts()
	for _, text := range got {
		if text != strings.Join(long, "") {
			t.Fatalf("kept %q", text)
		}
	}
	if len(got) != messages {
		t.Fatalf("%d messages, want %d", len(got), messages)
	}
}

func TestAPartThatCannotBeOneIsAMessageByItself(t *testing.T) {
	b := newBench(t)
	for i, p := range []message.Part{{Ref: "1", Index: 1, Total: 1}, {Ref: "2", Index: 3, Total: 2}, {Ref: "3", Index: 0, Total: 2}, {Ref: "4", Index: 1, Total: 300}} {
		b.receive(message.Inbound{Medium: message.SMS, From: message.ParseNumber(anna), ExternalID: fmt.Sprint(i), Text: fmt.Sprintf("des mots a moi %d", i), Part: &p})
	}
	if got := b.texts(); len(got) != 4 {
		t.Fatalf("kept %q", got)
	}
}

func TestWaitingPartsAreReadableNowhere(t *testing.T) {
	b := newBench(t)
	b.receive(partOf("reference-of-hers", 1, []string{"canari jaune du puits", "x"}))
	look := func() {
		t.Helper()
		dump, err := storetest.Dump(context.Background(), b.store)
		must(t, err)
		for _, needle := range []string{"70000001", "canari", "reference-of-hers"} {
			if strings.Contains(dump, needle) {
				t.Errorf("%q is in the database", needle)
			}
		}
	}
	look()
	b.receive(partOf("reference-of-hers", 2, []string{"canari jaune du puits", " canari"}))
	b.texts()
	look()
}

func TestARepeatIsKnownByTheIdentityThatTheAdapterGives(t *testing.T) {
	b := newBench(t)
	at := func(id, identity, text string) message.Inbound {
		return message.Inbound{Medium: message.SMS, From: message.ParseNumber(anna), ExternalID: id, Identity: identity, Text: text}
	}
	b.receive(at("a1b2", "a1b2/9:00", "le moulin est gate depuis lundi"))
	b.receive(at("a1b2", "a1b2/9:00", "le moulin est gate depuis lundi"))
	b.receive(at("a1b2", "a1b2/9:05", "le moulin est gate depuis lundi")) // two ids that meet
	b.kept("le moulin est gate depuis lundi", "le moulin est gate depuis lundi")
}
