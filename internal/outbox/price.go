package outbox

import (
	"context"
	"time"

	"lafia/gateway/message"
	"lafia/internal/gsm"
)

// Prices are FCFA a segment, under "CHANNEL/OPERATOR", "CHANNEL" or "OPERATOR":
// the first of these that is there counts.
type Prices map[string]float64

// Cost is what a message costs, in FCFA, and whether its price is known.
func (p Prices) Cost(channel, operator string, segments int) (float64, bool) {
	for _, key := range []string{channel + "/" + operator, channel, operator} {
		if price, ok := p[key]; ok && key != "" {
			return price * float64(segments), true
		}
	}
	return 0, false
}

// Budget is what a month may cost.
type Budget struct {
	Month float64 // FCFA; 0: no bound
	Warn  float64 // the share of it that is warned at, 0 to 1
}

// stops reports whether something more may not be spent.
func (b Budget) stops(spent, cost float64) bool { return b.Month > 0 && spent+cost > b.Month }

// warns reports whether the budget will soon be spent.
func (b Budget) warns(spent float64) bool { return b.Month > 0 && spent >= b.Month*b.Warn }

// Recipient is somebody whom a message is to be sent to, and its words.
type Recipient struct {
	Channel string
	Number  message.Number
	Text    string
}

// Estimate is what sending to many takes.
type Estimate struct {
	Messages int
	Segments int
	Cost     float64       // FCFA, of the segments whose price is known
	Unpriced int           // segments whose price is not known
	Takes    time.Duration // at the channels' rates, without the quiet hours
	Ends     time.Time     // with the quiet hours, if it began now and nothing else were sent
	Left     float64       // of the month's budget before it, FCFA; only with Bounded
	Bounded  bool          // there is a budget
	Fits     bool          // it is within the budget, or there is none
}

// Estimate tells what sending to many would cost and how long it would take, as the
// rates, prices and the month's spending stand.
func (o *Outbox) Estimate(ctx context.Context, to []Recipient) (Estimate, error) {
	e := Estimate{Messages: len(to), Fits: true}
	byChannel, measured := map[string]int{}, map[string]int{}
	for _, r := range to {
		each, ok := measured[r.Text] // many get the same words
		if !ok {
			_, _, each = gsm.Measure(r.Text)
			measured[r.Text] = each
		}
		e.Segments += each
		byChannel[r.Channel] += each
		cost, known := o.Prices.Cost(r.Channel, o.Operator(r.Number), each)
		e.Cost += cost
		if !known {
			e.Unpriced += each
		}
	}
	for name, segments := range byChannel { // channels send side by side: the slowest counts
		if rate := o.Channels[name].Rate; rate > 0 {
			e.Takes = max(e.Takes, time.Duration(float64(segments)/rate*float64(time.Second)))
		}
	}
	e.Ends = endOf(o.Now(), e.Takes)
	if o.Budget.Month > 0 {
		spent, err := o.spent(ctx)
		if err != nil {
			return e, err
		}
		e.Bounded, e.Left = true, max(0, o.Budget.Month-spent)
		e.Fits = e.Cost <= e.Left
	}
	return e, nil
}

// endOf is when work that rests in quiet hours is done.
func endOf(at time.Time, work time.Duration) time.Time {
	for {
		if until := quietUntil(at); !until.IsZero() {
			at = until
		}
		evening := time.Date(at.Year(), at.Month(), at.Day(), quietFrom, 0, 0, 0, time.UTC)
		left := evening.Sub(at)
		if work <= left {
			return at.Add(work)
		}
		work, at = work-left, evening
	}
}

// spent is what this month cost so far, in FCFA.
func (o *Outbox) spent(ctx context.Context) (float64, error) {
	rows, err := o.Store.Spending(ctx, o.Now())
	if err != nil {
		return 0, err
	}
	sum := 0.0
	for _, r := range rows {
		sum += r.Cost
	}
	return sum, nil
}
