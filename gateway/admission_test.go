package gateway

import (
	"testing"
	"time"

	"lafia/gateway/message"
)

func newTestAdmission(l Limit) *admission {
	l.Crowded = Room{l.InWork, l.Waiting}
	return newAdmissions(Limits{USSD: l}, time.Now)[message.KindUSSD]
}

// counts gives how many are in work and how many wait.
func (a *admission) counts() (inWork, waiting int) {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.inWork, len(a.queue)
}

// waits blocks until n wait.
func (a *admission) waits(n int) {
	for {
		if _, waiting := a.counts(); waiting == n {
			return
		}
		time.Sleep(time.Millisecond)
	}
}

func TestARequestWaitsForASlotAndNoLongerThanItsPatience(t *testing.T) {
	const patience = 50 * time.Millisecond
	a := newTestAdmission(Limit{InWork: 1, Waiting: 1, Patience: patience})
	if !a.enter(false) {
		t.Fatal("the first is refused")
	}
	begun := time.Now()
	if a.enter(false) {
		t.Error("there is room for two in one slot")
	}
	if took := time.Since(begun); took < patience {
		t.Errorf("it was refused after %v, want %v", took, patience)
	}
	a.limit.Patience = time.Minute // the test's own machine may be busy
	in := make(chan bool)
	go func() { in <- a.enter(false) }()
	a.waits(1)
	a.leave(a.now())
	if !<-in {
		t.Error("one that waited is refused though the slot is free")
	}
	a.leave(a.now())
	if inWork, waiting := a.counts(); waiting != 0 || inWork != 0 {
		t.Errorf("%d wait and %d are inside when all are gone", waiting, inWork)
	}
}

func TestWhoWaitsIsServedInOrder(t *testing.T) {
	a := newTestAdmission(Limit{InWork: 1, Waiting: 3, Patience: time.Minute})
	a.enter(false)
	served := make(chan int)
	for i := range 3 {
		go func() {
			a.enter(false)
			served <- i
		}()
		a.waits(i + 1)
	}
	for want := range 3 {
		a.leave(a.now())
		if got := <-served; got != want {
			t.Errorf("the one that came as number %d was served as number %d", got, want)
		}
	}
}

func TestOneMoreThanMayWaitIsRefusedAtOnceAndDialsHaveHalfOfTheRoom(t *testing.T) {
	a := newTestAdmission(Limit{InWork: 1, Waiting: 4, Patience: time.Minute})
	a.enter(false)
	in := make(chan bool)
	for n, dials := range []bool{true, true, false, false} {
		if n >= 2 && a.enter(true) {
			t.Error("who dials is let into the other half of the room")
		}
		go func() { in <- a.enter(dials) }()
		a.waits(n + 1)
	}
	if a.enter(false) {
		t.Error("one more than may wait is let in")
	}
	if _, n := a.counts(); n != 4 {
		t.Errorf("%d wait, want 4", n)
	}
	for range 4 {
		a.leave(a.now())
		if !<-in {
			t.Error("one that waited is refused")
		}
	}
}

func TestAQueueThatStandsIsKeptShortUntilEveryoneFindsASlot(t *testing.T) {
	burst, crowded := Room{2, 8}, Room{1, 2}
	at := time.Unix(1e9, 0)
	a := &admission{limit: Limit{InWork: burst.InWork, Waiting: burst.Waiting, Crowded: crowded}, now: func() time.Time { return at }}
	a.inWork = burst.InWork
	for n, step := range []struct {
		after time.Duration
		want  Room
	}{
		{0, burst}, {standing / 4, burst}, {standing / 4, burst}, {standing / 4, burst}, {standing / 4, burst}, // a burst
		{time.Millisecond, burst}, {time.Millisecond, crowded}, {calm, crowded}, // somebody waits at all times
		{calm + time.Millisecond, burst}, {calm, burst}, // nobody did for a while
	} {
		at = at.Add(step.after)
		if got := a.room(at); got != step.want {
			t.Errorf("step %d: there is room for %+v, want %+v", n, got, step.want)
		}
		a.queue = nil
		if admitted, _ := a.join(false); admitted == nil {
			t.Errorf("step %d: there was a slot", n)
		}
	}
}

func TestInACrowdFewerAreInWorkUntilItIsOver(t *testing.T) {
	at := time.Unix(1e9, 0)
	a := &admission{limit: Limit{InWork: 3, Waiting: 9, Crowded: Room{1, 9}, Patience: time.Minute}, now: func() time.Time { return at }}
	for range 3 {
		a.enter(false)
	}
	in := make(chan bool)
	for n := range 4 {
		go func() { in <- a.enter(false) }()
		a.waits(n + 1)
		if n < 3 {
			at = at.Add(calm)
		}
	}
	a.leave(a.now())
	a.leave(a.now())
	if inWork, waiting := a.counts(); inWork != 1 || waiting != 4 {
		t.Fatalf("%d in work and %d waiting in a crowd", inWork, waiting)
	}
	a.leave(a.now())
	<-in
	at = at.Add(2 * calm)
	a.leave(a.now())
	for range 3 {
		<-in
	}
	if inWork, waiting := a.counts(); inWork != 3 || waiting != 0 {
		t.Errorf("%d in work and %d waiting behind it", inWork, waiting)
	}
}

func TestFewerAreInWorkWhereOthersWaitAndEvenTheQuickestTakesLong(t *testing.T) {
	const quick, slow = time.Millisecond, 20 * time.Millisecond
	limit := Limit{InWork: 64, Waiting: 256, Crowded: Room{32, 16}, Sluggish: 5 * time.Millisecond}
	patient := limit
	patient.Sluggish = 0
	steady := func(int) int { return 20 }
	for _, c := range []struct {
		name    string
		limit   Limit
		crowded bool
		done    func(while int) int
		took    []time.Duration // the quickest of each while
		want    []Room          // behind each while
	}{
		{"in a burst", limit, false, steady, []time.Duration{slow, slow, quick}, []Room{{48, 256}, {36, 256}, {38, 256}}},
		{"in a crowd", limit, true, steady, []time.Duration{slow, slow, slow, slow, slow, slow, slow, slow, slow, slow, slow}, []Room{{32, 16}, {32, 16}, {27, 13}, {20, 10}, {15, 7}, {11, 5}, {8, 4}, {6, 4}, {4, 4}, {4, 4}, {4, 4}}},
		{"and they are quick again", limit, true, steady, []time.Duration{slow, slow, slow, quick, quick, quick, quick}, []Room{{32, 16}, {32, 16}, {27, 13}, {29, 14}, {31, 15}, {32, 16}, {32, 16}}},
		{"they may take long", patient, true, steady, []time.Duration{slow, slow, slow}, []Room{{32, 16}, {32, 16}, {32, 16}}},
		{"one of them is quick", limit, true, steady, []time.Duration{quick, quick}, []Room{{32, 16}, {32, 16}}},
		{"fewer are done for it", limit, false, func(n int) int { return []int{20, 20, 15, 20, 15}[n] }, []time.Duration{slow, slow, slow, slow, slow}, []Room{{48, 256}, {36, 256}, {50, 256}, {37, 256}, {51, 256}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			at := time.Unix(1e9, 0)
			a := &admission{limit: c.limit, now: func() time.Time { return at }, inWork: 100}
			for n, took := range c.took {
				at = at.Add(while)
				a.last, a.since = at, at // somebody found no slot
				if c.crowded {
					a.since = at.Add(-2 * standing)
				}
				a.from = at // not settled yet
				for range c.done(n) - 1 {
					a.leave(at.Add(-slow))
				}
				a.from = at.Add(-while)
				a.leave(at.Add(-took))
				if got := a.room(at); got != c.want[n] {
					t.Errorf("behind %d: %+v, want %+v", n+1, got, c.want[n])
				}
			}
			at = at.Add(2 * calm)
			a.leave(at)
			if got, want := a.room(at), (Room{64, 256}); got != want {
				t.Errorf("when it is over: %+v, want %+v", got, want)
			}
		})
	}
}

func TestEachKindHasItsOwnRoomAndMissedCallsThatOfSMS(t *testing.T) {
	one := Limit{InWork: 1}
	rooms := newAdmissions(Limits{USSD: one, SMS: one, Status: one}, time.Now)
	for _, kind := range []message.Kind{message.KindUSSD, message.KindSMS, message.KindStatus} {
		if !rooms[kind].enter(false) {
			t.Errorf("%s is refused because of the others", kind)
		}
	}
	if rooms[message.KindCall].enter(false) {
		t.Error("a missed call has a room of its own")
	}
	for kind, a := range newAdmissions(Limits{}, time.Now) {
		if l := a.limit; l.InWork <= 0 || l.Waiting <= 0 || l.Crowded.InWork <= 0 || l.Crowded.InWork > l.InWork || l.Crowded.Waiting <= 0 || l.Crowded.Waiting > l.Waiting || l.Patience <= 0 {
			t.Errorf("%s: %+v by default", kind, l)
		}
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
