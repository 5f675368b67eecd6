package casework

import (
	"context"
	"maps"
	"slices"
	"time"

	"lafia/internal/staff"
	"lafia/internal/store"
)

// Sending is what the desk is told of the ways out.
type Sending struct {
	// Channels are those that send, and whether each reports deliveries.
	Channels map[string]bool
	// Prices are FCFA a segment, under "CHANNEL/OPERATOR", "CHANNEL" or "OPERATOR".
	Prices map[string]float64
	Budget Budget
	// Estimate tells what sending to many takes, as things stand.
	Estimate func(ctx context.Context, to []Recipient) (Estimate, error)
}

// Budget is what a month may cost.
type Budget struct {
	Month float64 // FCFA; 0: no bound
	Warn  float64 // the share of it that is warned at, 0 to 1
}

// Recipient is somebody whom words are to be sent to.
type Recipient struct {
	Channel string
	Contact []byte
	Number  []byte // sealed
	Text    string
}

// Estimate is what sending to many takes.
type Estimate struct {
	Messages int
	Segments int
	Cost     float64       // FCFA, of the segments whose price is known
	Unpriced int           // segments whose price is not known
	Takes    time.Duration // at the channels' rates, without the quiet hours
	Ends     time.Time     // with the quiet hours, if nothing else were sent
	Left     float64       // of the month's budget before it, FCFA; only with Bounded
	Bounded  bool          // there is a budget
	Fits     bool          // it is within the budget, or there is none
}

// Delivery is what became of messages to one operator by one channel.
type Delivery struct {
	store.Delivery
	Reports bool // the channel reports deliveries
}

// Spent is what this month's messages to one operator by one channel cost.
type Spent = store.Spend

// Price is what a segment costs.
type Price struct {
	For  string // as the config writes it
	FCFA float64
}

// SendingReport is how sending goes, of the whole programme: nothing in it tells of
// a place or a person.
type SendingReport struct {
	Deliveries []Delivery
	Spent      []Spent
	Sum        float64 // of Spent, FCFA
	Budget
	Prices []Price // by name
}

// Spends tells how the budget stands: "" without one or well within, else "warn" or
// "stop".
func (r SendingReport) Spends() string {
	switch {
	case r.Month <= 0 || r.Sum < r.Month*r.Warn:
		return ""
	case r.Sum < r.Month:
		return "warn"
	}
	return "stop"
}

// Sending tells what became of the messages queued within a time, and of the month's
// money.
func (d *Desk) Sending(ctx context.Context, who staff.Account, within time.Duration) (SendingReport, error) {
	var r SendingReport
	if !who.Role.May("sending") {
		return r, ErrNotFound
	}
	rows, err := d.store.Deliveries(ctx, d.now().Add(-within))
	if err != nil {
		return r, err
	}
	way := d.sending()
	for _, row := range rows {
		r.Deliveries = append(r.Deliveries, Delivery{row, way.Channels[row.Channel]})
	}
	if r.Spent, err = d.store.Spending(ctx, d.now()); err != nil {
		return r, err
	}
	for _, s := range r.Spent {
		r.Sum += s.Cost
	}
	r.Budget = way.Budget
	for _, name := range slices.Sorted(maps.Keys(way.Prices)) {
		r.Prices = append(r.Prices, Price{name, way.Prices[name]})
	}
	return r, nil
}

// sending gives the ways out; none where nothing is sent.
func (d *Desk) sending() Sending {
	if d.phones == nil || d.phones.Sending == nil {
		return Sending{}
	}
	return *d.phones.Sending
}

// Node is a gateway that reminders and broadcasts wait for.
type Node = store.Node

// Waited lists the gateways that something lies in, or that nobody has heard of
// lately, for who sees the health of channels.
func (d *Desk) Waited(ctx context.Context, who staff.Account) ([]Node, error) {
	if !who.Role.May("channels") {
		return nil, nil
	}
	return d.store.SilentNodes(ctx, d.now())
}
