package outbox

import (
	"context"
	"time"
)

// sweepMost bounds one look for each kind: the next one comes in seconds.
const sweepMost = 500

// startNet is how far ahead a gateway that starts looks: what its predecessor was
// killed over need not wait for its time.
const startNet = 15 * time.Second

// Sweep is the net below the job queue: messages whose job died get another one,
// whatever is over becomes final, sent messages without a receipt become unknown.
// start is set for a gateway's first sweep. It measures the queue on its way.
func (o *Outbox) Sweep(ctx context.Context, start bool) error {
	now := o.Now()
	due := now
	if start {
		due = now.Add(startNet)
	}
	n, err := o.Store.Requeue(ctx, due, now, sweepMost)
	if err != nil {
		return err
	}
	if n > 0 {
		o.Log.Info("messages to send get a new job", "messages", n)
	}
	if _, err := o.Store.Silent(ctx, now, sweepMost); err != nil {
		return err
	}
	queued, err := o.Store.QueuedByClass(ctx)
	if err != nil {
		return err
	}
	o.Metrics.queued(queued, now)
	return nil
}

// Account measures what became of the last day's messages, and what the month has
// cost. It warns once a month of a budget that is nearly spent. One at a time may
// do it.
func (o *Outbox) Account(ctx context.Context) error {
	all, err := o.Store.Deliveries(ctx, o.Now().Add(-24*time.Hour))
	if err != nil {
		return err
	}
	o.Metrics.delivered(all)
	if o.Budget.Month <= 0 {
		return nil
	}
	spent, err := o.spent(ctx)
	if err != nil {
		return err
	}
	o.Metrics.spent(spent / o.Budget.Month)
	now := o.Now().UTC()
	month := time.Date(now.Year(), now.Month(), 1, 0, 0, 0, 0, time.UTC)
	if o.Budget.warns(spent) && o.warned != month {
		o.warned = month
		o.Log.Warn("the month's budget is nearly spent", "spent", int(spent), "budget", int(o.Budget.Month))
	}
	return nil
}
