package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	mathrand "math/rand/v2"
	"strings"
	"time"

	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"

	"lafia/gateway/message"
	"lafia/internal/conversation"
	"lafia/internal/job"
	"lafia/internal/outbox"
	"lafia/internal/store"
)

// inboundWorker takes a contact's messages in order.
type inboundWorker struct {
	river.WorkerDefaults[job.HandleInbound]
	handle func(ctx context.Context, inboundID string) error
	log    *slog.Logger
}

func (w *inboundWorker) Work(ctx context.Context, j *river.Job[job.HandleInbound]) error {
	err := w.handle(ctx, j.Args.InboundID)
	if errors.Is(err, conversation.ErrBusy) {
		return river.JobSnooze(100 * time.Millisecond)
	}
	return classed(w.log, "handling a message", err)
}

// outboundWorker makes attempts to send.
type outboundWorker struct {
	river.WorkerDefaults[job.SendOutbound]
	outbox *outbox.Outbox
	log    *slog.Logger
}

func (w *outboundWorker) Work(ctx context.Context, j *river.Job[job.SendOutbound]) error {
	err := w.outbox.Send(ctx, j.Args.OutboundID)
	var again outbox.Again
	if errors.As(err, &again) {
		return river.JobSnooze(again.After)
	}
	return classed(w.log, "sending a message", err)
}

// purgeWorker deletes what has outlived its time.
type purgeWorker struct {
	river.WorkerDefaults[job.Purge]
	store *store.Store
	now   func() time.Time
	log   *slog.Logger
}

func (w *purgeWorker) Work(ctx context.Context, _ *river.Job[job.Purge]) error {
	return classed(w.log, "deleting what has outlived its time", w.store.Purge(ctx, w.now()))
}

// partsWorker handles long messages whose parts did not all come.
type partsWorker struct {
	river.WorkerDefaults[job.CloseParts]
	conversation *conversation.Conversation
	log          *slog.Logger
}

func (w *partsWorker) Work(ctx context.Context, _ *river.Job[job.CloseParts]) error {
	n, err := w.conversation.CloseParts(ctx)
	if n > 0 {
		w.log.Warn("long messages are handled without parts that never came", "messages", n)
	}
	return classed(w.log, "closing incomplete messages", err)
}

// classed lets an error into the queue by its class alone: River stores errors,
// and a database's error can quote values.
func classed(log *slog.Logger, doing string, err error) error {
	if err == nil {
		return nil
	}
	log.Warn("a job comes again", "doing", doing, "error", store.Class(err))
	return fmt.Errorf("%s: %s", doing, store.Class(err))
}

// Sending is how messages go out. Zero values mean what their fields say.
type Sending struct {
	Ways      map[string]Way      // by channel
	Operators map[string][]string // the first digits of each operator's numbers, "+2237"
	Prices    outbox.Prices
	Budget    outbox.Budget
}

// Way is a channel as a way out.
type Way struct {
	Rate     float64 // segments a second, of all gateways together; 0: no bound
	Fallback string  // the channel that takes what this one surely did not send; "": none
	Receipts bool    // it reports deliveries
}

// operatorBy tells the operator of a number by the longest of the first digits
// that fit it; "": none does.
func operatorBy(digits map[string][]string) func(message.Number) string {
	return func(n message.Number) string {
		found, longest := "", 0
		for operator, all := range digits {
			for _, d := range all {
				if len(d) > longest && strings.HasPrefix(n.Reveal(), d) {
					found, longest = operator, len(d)
				}
			}
		}
		return found
	}
}

// startJobs starts the workers. River looks for work every 20 ms to 200 ms, since
// its defaults keep a reply waiting up to 0.8 s (performance.md 5), and rescues
// stuck jobs after 3 minutes instead of an hour.
func (a *App) startJobs(ctx context.Context) error {
	metrics, err := outbox.NewMetrics(a.registry)
	if err != nil {
		return err
	}
	transport := a.Transport
	if transport == nil {
		transport = outbox.NewHTTP()
	}
	channels := map[string]outbox.Channel{}
	for _, c := range a.Channels {
		s, _ := c.Adapter.(message.Sender)
		way := a.Sending.Ways[c.Name]
		channels[c.Name] = outbox.Channel{Sender: s, Account: c.Account, From: c.From, Rate: way.Rate, Fallback: way.Fallback, Receipts: way.Receipts}
	}
	a.outbox = outbox.New(outbox.Options{
		Store: a.store, Opener: a.conversation, Channels: channels, Transport: transport, Now: a.Now, Chance: mathrand.Float64, Log: a.Log,
		Operator: operatorBy(a.Sending.Operators), Prices: a.Sending.Prices, Budget: a.Sending.Budget, Holder: a.holder(), Metrics: metrics,
		Remembered: a.memory.beat,
	})
	workers := river.NewWorkers()
	river.AddWorker(workers, &inboundWorker{handle: a.handle, log: a.Log})
	river.AddWorker(workers, &outboundWorker{outbox: a.outbox, log: a.Log})
	river.AddWorker(workers, &purgeWorker{store: a.store, now: a.Now, log: a.Log})
	river.AddWorker(workers, &partsWorker{conversation: a.conversation, log: a.Log})
	parts := river.NewPeriodicJob(river.PeriodicInterval(10*time.Minute), func() (river.JobArgs, *river.InsertOpts) {
		return job.CloseParts{}, &river.InsertOpts{Queue: job.QueueUpkeep, UniqueOpts: river.UniqueOpts{ByPeriod: 10 * time.Minute}}
	}, &river.PeriodicJobOpts{RunOnStart: true})
	purge := river.NewPeriodicJob(river.PeriodicInterval(time.Hour), func() (river.JobArgs, *river.InsertOpts) {
		return job.Purge{}, &river.InsertOpts{Queue: job.QueueUpkeep, UniqueOpts: river.UniqueOpts{ByPeriod: time.Hour}}
	}, &river.PeriodicJobOpts{RunOnStart: true})
	a.jobs, err = river.NewClient(riverpgxv5.New(a.store.Pool()), &river.Config{
		Queues: map[string]river.QueueConfig{
			job.QueueInbound:  {MaxWorkers: 8},
			job.QueueOutbound: {MaxWorkers: 16},
			job.QueueBulk:     {MaxWorkers: 8},
			job.QueueUpkeep:   {MaxWorkers: 1},
		},
		Workers: workers, PeriodicJobs: []*river.PeriodicJob{purge, parts},
		FetchCooldown: 20 * time.Millisecond, FetchPollInterval: 200 * time.Millisecond,
		JobTimeout: 45 * time.Second, RescueStuckJobsAfter: 3 * time.Minute,
		Logger: slog.New(slog.DiscardHandler), // River's lines would repeat ours
	})
	if err != nil {
		return fmt.Errorf("preparing the job queue: %w", err)
	}
	if err := a.jobs.Start(context.WithoutCancel(ctx)); err != nil {
		return fmt.Errorf("starting the job queue: %w", err)
	}
	a.onStop(func(ctx context.Context) error {
		if err := a.jobs.Stop(ctx); err == nil {
			return nil
		}
		return a.jobs.StopAndCancel(context.WithoutCancel(ctx))
	})
	a.startSweep()
	a.startCare()
	return nil
}
