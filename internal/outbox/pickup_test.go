package outbox_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"testing"
	"time"

	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"

	"lafia/gateway/message"
	"lafia/internal/job"
	"lafia/internal/outbox"
	"lafia/internal/store"
)

// worker sends as a gateway's does.
type worker struct {
	river.WorkerDefaults[job.SendOutbound]
	box *outbox.Outbox
}

func (w *worker) Work(ctx context.Context, j *river.Job[job.SendOutbound]) error {
	err := w.box.Send(ctx, j.Args.OutboundID)
	var again outbox.Again
	if errors.As(err, &again) {
		return river.JobSnooze(again.After)
	}
	return err
}

// TestAReplyIsPickedUpAtOnceWhenNothingElseIsToDo measures the time from the commit
// of a message to its request, through the job queue as a gateway runs it. The
// limit of the test allows for a busy machine; -v tells what was measured.
func TestAReplyIsPickedUpAtOnceWhenNothingElseIsToDo(t *testing.T) {
	d := newDesk(t, sending())
	d.exec(`delete from outbound`)
	asked := make(chan time.Time, 1)
	box := outbox.New(outbox.Options{
		Store: d.store, Opener: opener{}, Log: slog.New(slog.DiscardHandler), Chance: func() float64 { return 0 }, Now: time.Now,
		Transport: transport(func(context.Context, string, message.HTTPRequest) (int, []byte, error, bool) {
			asked <- time.Now()
			return 200, nil, nil, true
		}),
		Channels: map[string]outbox.Channel{"at": {Sender: wire{url: "http://far.example"}, Rate: 100}},
	})
	workers := river.NewWorkers()
	river.AddWorker(workers, &worker{box: box})
	jobs, err := river.NewClient(riverpgxv5.New(d.store.Pool()), &river.Config{
		Queues:  map[string]river.QueueConfig{job.QueueOutbound: {MaxWorkers: 16}, job.QueueBulk: {MaxWorkers: 8}},
		Workers: workers, FetchCooldown: 20 * time.Millisecond, FetchPollInterval: 200 * time.Millisecond, Logger: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := jobs.Start(context.Background()); err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := jobs.Stop(context.Background()); err != nil {
			t.Error(err)
		}
	}()
	for _, pause := range []time.Duration{40 * time.Millisecond, 150 * time.Millisecond} {
		var all []time.Duration
		for i := range 40 {
			o := store.Outgoing{ID: fmt.Sprintf("00000000-0000-8000-%04x-%012d", 0x8000+pause.Milliseconds(), i), Contact: make([]byte, 32), Channel: "at", Class: "reply", Sealed: []byte("Merci")}
			if err := d.store.QueueOutbound(context.Background(), o, time.Now()); err != nil {
				t.Fatal(err)
			}
			committed := time.Now()
			select {
			case at := <-asked:
				all = append(all, at.Sub(committed))
			case <-time.After(10 * time.Second):
				t.Fatal("it is not picked up")
			}
			time.Sleep(pause)
		}
		slices.Sort(all)
		t.Logf("one every %v: p50 %v, p95 %v, max %v", pause, all[20], all[37], all[39])
		if all[37] > time.Second {
			t.Errorf("p95 is %v", all[37])
		}
	}
}
