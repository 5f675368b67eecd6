package gateway

import (
	"sync"
	"testing"
	"time"

	"lafia/gateway/message"
)

// clock is a time that a test moves.
type clock struct {
	mu sync.Mutex
	at time.Time
}

func (c *clock) now() time.Time { c.mu.Lock(); defer c.mu.Unlock(); return c.at }

func (c *clock) move(d time.Duration) { c.mu.Lock(); defer c.mu.Unlock(); c.at = c.at.Add(d) }

func TestARequestWaitsForASlotAMomentAndNoLonger(t *testing.T) {
	c := &clock{at: time.Unix(1e9, 0)}
	a := newAdmission(1, c.now)
	if !a.enter(false) {
		t.Fatal("the first is refused")
	}
	begun := time.Now()
	if a.enter(true) {
		t.Error("there is room for two in one slot")
	}
	// Far above patience: the test's own machine may be busy.
	if took := time.Since(begun); took < patience || took > 2*time.Second {
		t.Errorf("it was refused after %v, want %v", took, patience)
	}
	in := make(chan bool)
	go func() { in <- a.enter(true) }()
	for a.waiting.Load() == 0 {
		time.Sleep(time.Millisecond)
	}
	a.leave()
	if !<-in {
		t.Error("one that waited is refused though the slot is free")
	}
	a.leave()
	if a.waiting.Load() != 0 || len(a.slots) != 0 {
		t.Errorf("%d wait and %d are inside when all are gone", a.waiting.Load(), len(a.slots))
	}
}

func TestWhileTheQueueStandsDialsAreRefusedAtOnceAndConversationsGoOn(t *testing.T) {
	c := &clock{at: time.Unix(1e9, 0)}
	a := newAdmission(1, c.now)
	a.enter(false)
	c.move(standing + time.Millisecond)
	if a.enter(true) {
		t.Error("who dials is let in")
	}
	in := make(chan bool)
	go func() {
		got := false
		for range 100 { // one that waits too short on a busy machine tries again
			if got = a.enter(false); got {
				break
			}
		}
		in <- got
	}()
	for a.waiting.Load() == 0 {
		time.Sleep(time.Millisecond)
	}
	a.leave()
	if !<-in {
		t.Error("who is in the midst of a conversation is refused though the slot is free")
	}
	a.leave()
	if !a.enter(true) { // the load is gone
		t.Error("who dials is refused though the slot is free")
	}
}

func TestTheQueueIsBounded(t *testing.T) {
	a := newAdmission(1, (&clock{at: time.Unix(1e9, 0)}).now)
	a.enter(false)
	a.waiting.Store(waitingPerSlot)
	begun := time.Now()
	if a.enter(false) || time.Since(begun) >= patience {
		t.Error("one more than may wait was not refused at once")
	}
	if n := a.waiting.Load(); n != waitingPerSlot {
		t.Errorf("%d wait", n)
	}
}

func TestADialIsKnownByItsForm(t *testing.T) {
	ussd := func(in message.Inbound) message.Parsed {
		in.Medium = message.USSD
		return message.Parsed{Events: []message.Event{{Inbound: &in}}}
	}
	for _, c := range []struct {
		parsed message.Parsed
		want   bool
	}{
		{ussd(message.Inbound{Cumulative: true}), true},
		{ussd(message.Inbound{Cumulative: true, Text: "1*2"}), false},
		{ussd(message.Inbound{Start: true, Text: "*384#"}), true},
		{ussd(message.Inbound{}), false},
		{message.Parsed{Events: []message.Event{{Inbound: &message.Inbound{Medium: message.SMS, Cumulative: true}}}}, false},
		{message.Parsed{Events: []message.Event{{Receipt: &message.Receipt{}}}}, false},
		{message.Parsed{}, false},
	} {
		if got := dials(c.parsed); got != c.want {
			t.Errorf("%+v dials = %v", c.parsed, got)
		}
	}
}
