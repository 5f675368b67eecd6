package conversation_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"lafia/gateway/message"
	"lafia/internal/programme"
	"lafia/internal/store"
)

func TestAMissedCallIsAWishToBeCalledBackAndIsNotAnswered(t *testing.T) {
	b := newBench(t)
	call := message.Inbound{Medium: message.SMS, From: message.ParseNumber(anna), ExternalID: "c1", Call: true}
	b.receive(call)
	b.receive(call)
	if replies := b.handleAll(); len(replies) != 0 {
		t.Fatalf("replies %q", replies)
	}
	s := b.submissions()
	if len(s) != 1 || s[0].Kind != programme.Open || s[0].Answers["call"] != "yes" || s[0].Text != "" || s[0].Level != programme.L1 {
		t.Fatalf("kept %+v", s)
	}
	if _, err := b.store.Number(context.Background(), b.ring.Pseudonym(anna).Bytes()); err != nil {
		t.Fatalf("nobody could call back: %v", err)
	}
	// Calls without an id are told apart by five minutes, or up to ten, and an empty SMS is a call as well, which is answered.
	call.ExternalID = ""
	b.receive(call)
	b.receive(call)
	b.receive(message.Inbound{Medium: message.SMS, From: message.ParseNumber(anna)})
	b.pass(10 * time.Minute)
	b.receive(call)
	if replies := b.handleAll(); len(replies) != 1 || len(b.submissions()) != 4 {
		t.Fatalf("%d calls, replies %q", len(b.submissions()), replies)
	}
}

func TestAMissedCallInTheMiddleOfAMenuChangesNothing(t *testing.T) {
	b := newBench(t)
	for i, text := range []string{"menu", "1", "1", "107"} {
		b.sms(anna, fmt.Sprint(i), text)
	}
	b.receive(message.Inbound{Medium: message.SMS, From: message.ParseNumber(anna), ExternalID: "c", Call: true})
	b.sms(anna, "5", "3")
	replies := b.handleAll()
	if len(replies) != 5 || !strings.Contains(replies[4], "Tres mauvais") {
		t.Fatalf("replies %q", replies)
	}
}

func TestTextsThatOnlyAskToBeCalledAreWishesToBeCalledBack(t *testing.T) {
	for text, want := range map[string]bool{
		"Peux-tu me rappeler au numero suivant 70000009":               true,
		"Peux-tu me rappeler au numéro suivant: +223 70 00 00 09":      true,
		"Peux-tu recharger mon compte":                                 true,
		"Rappellez moi s'il vous plait au numero suivant XX XX XX XX":  true,
		"Rappellez moi s’il vous plaît au numéro suivant 70 00 00 09.": true,
		"rappelle-moi":                       true,
		"Rappelez-moi svp":                   true,
		"bip":                                true,
		"rappelle moi pour le moulin":        false,
		"Peux-tu me rappeler le prix du mil": false,
		"le bip ne marche pas":               false,
	} {
		b := newBench(t)
		b.sms(anna, "m", text)
		replies := b.handleAll()
		s := b.submissions()
		if len(s) != 1 || (s[0].Answers["call"] == "yes") != want || s[0].Text != text {
			t.Fatalf("%q: kept %+v", text, s)
		}
		if len(replies) != 1 { // she wrote: she gets what every open message gets
			t.Fatalf("%q: replies %q", text, replies)
		}
	}
}

func TestAnOperatorsServiceIsNotAnsweredAndTheCallerBehindItIsTheOneToCall(t *testing.T) {
	b := newBench(t)
	for _, from := range []string{"7400", "Orange"} {
		b.receive(message.Inbound{Medium: message.SMS, From: message.ParseNumber(from), Text: "Peux-tu me rappeler au numero suivant 70000009", ExternalID: from})
	}
	b.receive(message.Inbound{Medium: message.SMS, From: message.ParseNumber("7400"), Text: "Peux-tu recharger mon compte", ExternalID: "x"})
	if replies := b.handleAll(); len(replies) != 0 {
		t.Fatalf("replies %q", replies)
	}
	s := b.submissions()
	if len(s) != 3 {
		t.Fatalf("kept %+v", s)
	}
	for _, v := range s {
		if v.Answers["call"] != "yes" || v.Text == "" {
			t.Fatalf("kept %+v", v)
		}
	}
	if _, err := b.store.Number(context.Background(), b.ring.Pseudonym("+22370000009").Bytes()); err != nil {
		t.Fatalf("nobody could call back: %v", err)
	}
	if _, err := b.store.Number(context.Background(), b.ring.Pseudonym("7400").Bytes()); !store.IsNotFound(err) {
		t.Fatal("a service's number is kept")
	}
}
