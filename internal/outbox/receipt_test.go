package outbox_test

import (
	"context"
	"io"
	"sync"
	"testing"

	"lafia/gateway/africastalking"
	"lafia/gateway/message"
	"lafia/internal/store"
)

func part(n byte) []byte { return append(make([]byte, 31), n) }

func TestAReceiptByOurIDFindsItsMessageBeforeTheSendHasReturned(t *testing.T) {
	f := &far{status: 201, body: taken, wrote: true}
	d := newDesk(t, f)
	f.during = func() { d.receipt(store.Receipt{OurID: d.id, State: "delivered"}) }
	d.send()
	d.is("delivered")
	// The aggregator's id is known all the same.
	d.receipt(store.Receipt{ExternalID: []byte("at/ATXid_1"), State: "sent"})
	d.is("delivered")
	var waiting int
	if err := d.store.Pool().QueryRow(context.Background(), `select count(*) from receipt`).Scan(&waiting); err != nil || waiting != 0 {
		t.Fatalf("%d receipts wait (%v)", waiting, err)
	}
}

func TestAReceiptByOurIDSettlesASendWhoseAnswerWasLost(t *testing.T) {
	d := newDesk(t, &far{err: io.ErrUnexpectedEOF, wrote: true})
	d.send()
	d.is("ambiguous")
	d.receipt(store.Receipt{OurID: d.id, State: "unknown"})
	d.is("ambiguous")
	d.receipt(store.Receipt{OurID: d.id, State: "delivered"})
	d.is("delivered")
}

func TestOurIDCountsOnItsOwnChannelAlone(t *testing.T) {
	d := newDesk(t, &far{status: 201, body: taken, wrote: true})
	d.send()
	d.receipt(store.Receipt{Channel: "other", OurID: d.id, State: "failed"})
	d.is("sent")
	d.receipt(store.Receipt{Channel: "at", OurID: "00000000-0000-8000-8000-000000000099", ExternalID: []byte("at/ATXid_1"), State: "delivered"})
	d.is("delivered") // an id that is not ours: the aggregator's own decides
}

func TestAnUnknownStateSaysNothing(t *testing.T) {
	f := &far{status: 201, body: taken, wrote: true}
	d := newDesk(t, f)
	d.receipt(store.Receipt{OurID: d.id, State: "unknown"})
	d.is("queued")
	f.during = func() { d.receipt(store.Receipt{OurID: d.id, State: "unknown"}) }
	d.send()
	d.is("sent")
}

func TestALongMessageIsDeliveredWhenAllItsPartsAre(t *testing.T) {
	three := func(n byte, state string) store.Receipt {
		return store.Receipt{OurID: "00000000-0000-8000-8000-000000000001", State: state, Part: part(n), Parts: 3}
	}
	for name, c := range map[string]struct {
		before, after []store.Receipt
		want          string
	}{
		"in order":                       {nil, []store.Receipt{three(1, "delivered"), three(2, "delivered"), three(3, "delivered")}, "delivered"},
		"in any order":                   {nil, []store.Receipt{three(3, "delivered"), three(1, "delivered"), three(2, "delivered")}, "delivered"},
		"before the send returned":       {[]store.Receipt{three(3, "delivered"), three(1, "delivered"), three(2, "delivered")}, nil, "delivered"},
		"half before, half after":        {[]store.Receipt{three(3, "delivered")}, []store.Receipt{three(1, "delivered"), three(2, "delivered")}, "delivered"},
		"one is still away":              {nil, []store.Receipt{three(1, "delivered"), three(2, "delivered")}, "sent"},
		"one twice is not two":           {nil, []store.Receipt{three(1, "delivered"), three(1, "delivered"), three(1, "delivered")}, "sent"},
		"a part goes forward only":       {nil, []store.Receipt{three(1, "delivered"), three(1, "sent"), three(2, "delivered"), three(3, "delivered")}, "delivered"},
		"one failed":                     {nil, []store.Receipt{three(1, "delivered"), three(2, "failed"), three(3, "delivered")}, "failed"},
		"one expired":                    {nil, []store.Receipt{three(2, "expired"), three(3, "sent")}, "expired"},
		"one failed and came after all":  {nil, []store.Receipt{three(2, "failed"), three(1, "delivered"), three(2, "delivered"), three(3, "delivered")}, "delivered"},
		"by the aggregator's id, before": {[]store.Receipt{{ExternalID: []byte("at/ATXid_1"), State: "delivered", Part: part(1), Parts: 2}, {ExternalID: []byte("at/ATXid_1"), State: "delivered", Part: part(2), Parts: 2}}, nil, "delivered"},
		"the whole at once":              {nil, []store.Receipt{{OurID: three(1, "").OurID, State: "delivered"}}, "delivered"},
		"parts told apart from states":   {nil, []store.Receipt{{OurID: three(1, "").OurID, State: "sent", Parts: 2}, {OurID: three(1, "").OurID, State: "delivered", Part: part(9)}}, "sent"},
	} {
		t.Run(name, func(t *testing.T) {
			f := &far{status: 201, body: taken, wrote: true}
			d := newDesk(t, f)
			f.during = func() {
				for _, r := range c.before {
					d.receipt(r)
				}
			}
			d.send()
			for _, r := range c.after {
				d.receipt(r)
			}
			d.is(c.want)
		})
	}
}

// counting is Africa's Talking with a word on the number of parts.
type counting struct{ *africastalking.Adapter }

func (c counting) Outcome(status int, body []byte, err error, wrote bool) message.Outcome {
	o := c.Adapter.Outcome(status, body, err, wrote)
	o.Parts = 2
	return o
}

func TestPartsWithoutANumberAreThoseOfTheAnswerElseOfTheText(t *testing.T) {
	f := &far{status: 201, body: taken, wrote: true}
	d := newDesk(t, f)
	ch := d.box.Channels["at"]
	ch.Sender = counting{africastalking.New()}
	d.box.Channels["at"] = ch
	f.during = func() { d.receipt(store.Receipt{OurID: d.id, State: "delivered", Part: part(1)}) }
	d.send()
	d.is("sent") // two parts were made, one is there
	d.receipt(store.Receipt{OurID: d.id, State: "delivered", Part: part(2)})
	d.is("delivered")

	d = newDesk(t, &far{status: 201, body: taken, wrote: true}) // "Merci" makes one segment
	d.send()
	d.receipt(store.Receipt{OurID: d.id, State: "delivered", Part: part(1)})
	d.is("delivered")
}

func TestAReceiptThatComesWhileTheSendReturnsIsNotLost(t *testing.T) {
	for range 8 {
		f := &far{status: 201, body: taken, wrote: true}
		d := newDesk(t, f)
		var wg sync.WaitGroup
		f.during = func() {
			wg.Go(func() { d.receipt(store.Receipt{ExternalID: []byte("at/ATXid_1"), State: "delivered"}) })
		}
		d.send()
		wg.Wait()
		d.is("delivered")
		d.store.Close()
	}
}

func TestWhyAnAttemptFailedIsKept(t *testing.T) {
	d := newDesk(t, &far{status: 400, wrote: true})
	d.send()
	p, err := d.store.Progress(context.Background(), d.id)
	if err != nil || p.State != "failed" || p.Attempts != 1 || p.Verdict != "rejected" || p.Reason != "HTTP 400" {
		t.Fatalf("%+v %v", p, err)
	}
}
