package app

import (
	"context"
	"fmt"

	"lafia/gateway/message"
	"lafia/internal/casework"
	"lafia/internal/outbox"
)

// sending tells the desk of the ways out: which channels send, what that costs, and
// what many messages take. nil before the outbox has started.
func (a *App) sending() *casework.Sending {
	if a.outbox == nil {
		return nil
	}
	s := &casework.Sending{
		Channels: map[string]bool{}, Prices: a.Sending.Prices, Estimate: a.estimate,
		Budget: casework.Budget{Month: a.Sending.Budget.Month, Warn: a.Sending.Budget.Warn},
	}
	for _, c := range a.Channels {
		if _, sends := c.Adapter.(message.Sender); sends {
			s.Channels[c.Name] = a.Sending.Ways[c.Name].Receipts
		}
	}
	return s
}

// estimate opens numbers for the moment in which their operators are looked up.
func (a *App) estimate(ctx context.Context, all []casework.Recipient) (casework.Estimate, error) {
	to := make([]outbox.Recipient, 0, len(all))
	for _, r := range all {
		n, err := a.conversation.OpenNumber(r.Contact, r.Number)
		if err != nil {
			return casework.Estimate{}, fmt.Errorf("opening a number to estimate: %w", err)
		}
		to = append(to, outbox.Recipient{Channel: r.Channel, Number: n, Text: r.Text})
	}
	e, err := a.outbox.Estimate(ctx, to)
	return casework.Estimate(e), err
}
