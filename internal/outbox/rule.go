package outbox

import (
	"time"

	"lafia/gateway/message"
	"lafia/internal/store"
)

// decide is every rule on whether a message is sent, now or ever.
func (o *Outbox) decide(f store.Facts, l letter, purpose string, held bool, now time.Time) store.Decision {
	c := l.class
	if f.First != "" {
		// Nobody has just written: it goes because staff pressed a button.
		c.Waits, c.Switched, c.Budgeted = true, true, true
	}
	giveUp := f.QueuedAt.Add(c.GiveUp)
	end := func(state, why string) store.Decision { return store.Decision{State: state, Reason: why} }
	wait := func(until time.Time, why string) store.Decision {
		if until.After(giveUp) {
			until = giveUp
		}
		return store.Decision{Until: until, DueAt: c.Due(f.QueuedAt, until), Reason: why}
	}
	over := !now.Before(giveUp)
	switch f.State {
	case "queued":
	case "sending":
		lost := f.StartedAt.Add(lostAfter)
		switch {
		case now.Before(lost): // another worker has it
			return store.Decision{Until: lost, DueAt: lost, Reason: "an attempt is under way"}
		case f.Tries >= c.Tries || over:
			return end("ambiguous", "an attempt never told its end")
		}
	default:
		return store.Decision{}
	}
	switch {
	case l.channel != f.Channel: // it fell back while it was being opened
		return wait(now, "it goes by another channel")
	case over && f.State == "queued":
		return end("expired", "its time is over")
	case f.First == "sent" || f.First == "delivered":
		return end("failed", FirstWent)
	case f.Restored: // who was erased since may not be erased again yet
		return wait(now.Add(heldAgain), "a backup was restored, and nobody has confirmed it")
	case l.bad != "":
		return end("failed", l.bad)
	case !allowed(purpose, f):
		return end("failed", "its receiver did not agree to it")
	case c.Switched && f.Closed:
		return end("failed", "the commune is closed")
	}
	if until := quietUntil(now); c.Waits && !until.IsZero() {
		return wait(until, "quiet hours")
	}
	if c.Waits && (held || f.Held) {
		return wait(now.Add(heldAgain), "a stop may lie in a spool")
	}
	if c.Waits && f.Unheard {
		return wait(now.Add(unheardAgain), "a message of its receiver waits: it may be a stop")
	}
	cost, _ := o.Prices.Cost(l.channel, l.operator, l.segments)
	if c.Budgeted && o.Budget.stops(f.Spent, cost) {
		return wait(now.Add(budgetAgain), "the month's budget is spent")
	}
	p := &store.Pass{Operator: l.operator, Segments: l.segments, Cost: cost, Ahead: c.Ahead, DueAt: now.Add(lostAfter)}
	if rate := o.Channels[l.channel].Rate; rate > 0 {
		p.Takes = time.Duration(float64(l.segments) / rate * float64(time.Second))
	}
	return store.Decision{Begin: p, DueAt: c.Due(f.QueuedAt, now.Add(c.Ahead))}
}

const (
	heldAgain    = 30 * time.Second // a spool drains in seconds once its server is back
	unheardAgain = 15 * time.Second // what came late is waited with for 10 s
	budgetAgain  = 15 * time.Minute // a person has to raise it
)

// FirstWent is why a message is not sent that was to go in the place of another.
const FirstWent = "the first one went after all"

// allowed reports whether the receiver's wishes let a message go. What she has
// said last counts. Without a word of hers nothing goes that needs one, but
// reminders to the leaders of groups, who report each month. What goes in another's
// place and needs none is stopped by a no to being answered.
func allowed(purpose string, f store.Facts) bool {
	switch {
	case f.Wish != nil && (purpose != "" || f.First != ""):
		return *f.Wish
	case purpose == "":
		return true
	}
	return purpose == "reminder" && f.Leader
}

// Quiet hours in Mali, whose clocks show UTC all year (tz database, Africa/Bamako).
const (
	quietFrom = 21
	quietTo   = 7
)

// quietUntil gives the end of the quiet hours that a moment is in; zero: it is in
// none.
func quietUntil(now time.Time) time.Time {
	now = now.UTC()
	day := time.Date(now.Year(), now.Month(), now.Day(), quietTo, 0, 0, 0, time.UTC)
	switch {
	case now.Hour() < quietTo:
		return day
	case now.Hour() >= quietFrom:
		return day.AddDate(0, 0, 1)
	}
	return time.Time{}
}

// fallbackAfter is how often a channel has surely not sent a message before
// another takes it.
const fallbackAfter = 3

// outcome is what an attempt's verdict makes of the message, and when it is to be
// tried again, if ever.
func (o *Outbox) outcome(m store.Outbound, l letter, a *store.Attempt, out message.Outcome, now time.Time) (store.AttemptEnd, *Again) {
	e := store.AttemptEnd{N: a.N, Verdict: string(out.Verdict), Reason: out.Reason, Parts: out.Parts, Segments: l.segments}
	if out.ExternalID != "" {
		e.ExternalID = o.Opener.ExternalID(m.Channel, out.ExternalID)
	}
	again := func(after time.Duration) *Again {
		e.State, e.DueAt = "queued", l.class.Due(m.QueuedAt, now.Add(after))
		return &Again{After: after, Reason: out.Reason}
	}
	other := ""
	if l.class.Fallback && !m.Fallen && o.Channels[o.Channels[m.Channel].Fallback].Sender != nil {
		other = o.Channels[m.Channel].Fallback
	}
	switch out.Verdict {
	case message.Sent:
		e.State = "sent"
		if o.Channels[m.Channel].Receipts {
			e.DueAt = now.Add(receiptAfter)
		}
	case message.Rejected:
		e.State, e.Free = "failed", true
		if other != "" {
			e.Channel = other
			return e, again(0)
		}
	case message.Retry:
		e.Free = true
		if other != "" && a.Refusals+1 >= fallbackAfter {
			e.Channel = other
			return e, again(0)
		}
		return e, again(backoff(a.Refusals, o.Chance()))
	default:
		e.State = "ambiguous"
		if a.Tries+1 < l.class.Tries {
			return e, again(backoff(a.Tries, o.Chance()))
		}
	}
	return e, nil
}

// Back-off doubles from 5 s to 10 min. The later half of each is by chance, so
// that what failed together does not come back together.
const (
	backoffLeast = 5 * time.Second
	backoffMost  = 10 * time.Minute
)

// backoff is how long to wait after one more failure than there were before.
func backoff(before int, chance float64) time.Duration {
	d := min(backoffMost, backoffLeast<<min(before, 10))
	return d/2 + time.Duration(chance*float64(d/2))
}
