// Package mtarget speaks to MTarget: SMS both ways, in parts where they are long,
// and delivery reports.
//
// Sources: nyaruka/courier handlers/mtarget (0771067, and its tests at 0eac8cc),
// developers.mtarget.fr (api-sms, api-pulling, api-campaign).
package mtarget

import (
	"net/http"
	"strconv"
	"strings"
	"time"

	"lafia/gateway/message"
)

// Adapter is the adapter of MTarget. It holds nothing.
type Adapter struct{}

// New gives the adapter.
func New() *Adapter { return &Adapter{} }

// Name is "mtarget".
func (*Adapter) Name() string { return "mtarget" }

// inbound is the Status that marks a message; all others are those of reports
// (developers.mtarget.fr/api-pulling).
const inbound = "5"

// Parse reads a message, a part of one, or a delivery report. MTarget may send
// both to one address: Status tells them apart on either. It signs nothing, so
// nothing is refused here: the channel's token and networks are the check.
func (*Adapter) Parse(kind message.Kind, r message.Request, _ message.Account, _ time.Time) message.Parsed {
	form, reason := message.ReadForm(r, http.MethodPost)
	f := &message.Fields{Form: form, Reason: reason}
	var e message.Event
	status := strings.TrimSpace(f.Form["Status"])
	switch {
	case reason != "":
	case kind != message.KindSMS && kind != message.KindStatus:
		f.Fail("there is no webhook of this kind")
	case status == inbound, status == "" && (kind == message.KindSMS || f.Has("Content")):
		e.Inbound = sms(f)
	case kind == message.KindSMS && f.Has("Content") && !f.Has("StatusText"):
		e.Inbound = sms(f) // a Status that nobody knows is no reason to lose a message
	default:
		e.Receipt = receipt(f)
	}
	return f.Parsed(e)
}

// sms reads a message or a part of one.
func sms(f *message.Fields) *message.Inbound {
	in := &message.Inbound{
		Medium:     message.SMS,
		From:       f.Number("Msisdn"),
		To:         f.Short("ServiceId"), // not documented for messages, and absent from the tests of courier
		Text:       f.Text("Content"),
		ExternalID: f.Short("MsgId"), // may be absent
	}
	if !f.Has("Content") {
		f.Fail("Content is missing")
	}
	if stop := f.Short("Keyword"); in.Text == "" && strings.EqualFold(stop, "stop") {
		in.Text = stop // MTarget has seen an opt-out; whoever reads the text has to see it too
	}
	p := message.Part{Ref: f.Short("msglong.id"), Index: f.Count("msglong.msgref"), Total: f.Count("msglong.msgcount")}
	if p.Ref != "" && p.Total > 1 && p.Index >= 1 && p.Index <= p.Total {
		in.Part = &p
		if in.ExternalID == "" {
			// Two parts may say the same, and nothing says when.
			in.Identity = "msglong/" + p.Ref + "/" + strconv.Itoa(p.Total) + "/" + strconv.Itoa(p.Index)
		}
	}
	return in
}

// receipt reads a delivery report. remoteid is our own id, as Request gave it,
// should it come back.
func receipt(f *message.Fields) *message.Receipt {
	status := f.Needed("Status")
	r := &message.Receipt{
		ExternalID: f.Needed("MsgId"),
		OurID:      f.Short("RemoteId"),
		To:         message.ParseNumber(f.Short("Msisdn")),
		Status:     statusOf(status),
	}
	if r.Status == message.StatusFailed || r.Status == message.StatusUnknown {
		r.Reason = message.Word(strings.TrimSpace(status + " " + f.Text("StatusText")))
	}
	return r
}

// statusOf maps the numbers of reports (courier, which counts 0 and 1 as wired).
func statusOf(status string) message.Status {
	switch status {
	case "0", "1":
		return message.StatusQueued
	case "2":
		return message.StatusSent
	case "3":
		return message.StatusDelivered
	case "4", "6":
		return message.StatusFailed
	}
	return message.StatusUnknown
}

// Ack is 200 without a body, also for what means nothing to us: whether MTarget
// tries again is not known.
func (*Adapter) Ack(message.Kind) message.Response {
	return message.Response{Status: http.StatusOK, ContentType: "text/plain; charset=utf-8"}
}

// Reply has no use, since MTarget has no USSD: it is the text.
func (*Adapter) Reply(r message.Reply) message.Response { return message.ReplyWithoutUSSD(r) }
