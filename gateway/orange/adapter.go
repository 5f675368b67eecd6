// Package orange speaks to Orange's SMS API for Africa and the Middle East: SMS
// both ways and delivery receipts, in the shapes of GSMA's OneAPI.
//
// What it reads and writes is described in README.md beside it. The sources are
// developer.orange.com/apis/sms/getting-started and sms-bf, the transport test of
// praekelt's orange_sdp, and public callbacks that say what they got; where they
// differ, both are read.
package orange

import (
	"net/http"
	"strings"
	"time"

	"lafia/gateway/message"
)

// Adapter is the adapter of Orange. It holds nothing.
type Adapter struct{}

var (
	_ message.TokenSender    = (*Adapter)(nil)
	_ message.SettingChecker = (*Adapter)(nil)
)

// New gives the adapter.
func New() *Adapter { return &Adapter{} }

// Name is "orange".
func (*Adapter) Name() string { return "orange" }

// Parse reads an SMS or delivery receipts. Orange signs nothing that its pages
// tell of, so nothing is refused here: the channel's token is the check.
//
// Which of the two it is stands in the body, so both are read on both addresses:
// they are given to Orange by e-mail, and get mixed up.
func (*Adapter) Parse(kind message.Kind, r message.Request, _ message.Account, _ time.Time) message.Parsed {
	if kind != message.KindSMS && kind != message.KindStatus {
		return message.Parsed{Unreadable: "there is no webhook of this kind"}
	}
	var n notification
	if reason := readJSON(r, &n); reason != "" {
		return message.Parsed{Unreadable: reason}
	}
	var p message.Parsed
	note := func(reason string) {
		if p.Unreadable == "" {
			p.Unreadable = reason
		}
	}
	for _, m := range n.Inbound.Messages {
		if in, reason := m.read(); reason != "" {
			note(reason)
		} else {
			p.Events = append(p.Events, message.Event{Inbound: in})
		}
	}
	for _, d := range n.Delivery.Infos {
		if receipt, reason := d.read(n.Delivery.CallbackData); reason != "" {
			note(reason)
		} else {
			p.Events = append(p.Events, message.Event{Receipt: receipt})
		}
	}
	if len(p.Events) == 0 {
		note("there is neither inboundSMSMessageNotification nor deliveryInfoNotification")
	}
	return p
}

// notification is either of the two that Orange posts.
type notification struct {
	Inbound struct {
		Messages list[inbound] `json:"inboundSMSMessage"`
	} `json:"inboundSMSMessageNotification"`
	Delivery struct {
		// CallbackData is the id of the message: the uuid at the end of the
		// send answer's resourceURL (two public handlers read it so).
		CallbackData text           `json:"callbackData"`
		Infos        list[delivery] `json:"deliveryInfo"`
	} `json:"deliveryInfoNotification"`
}

type inbound struct {
	SenderAddress      text `json:"senderAddress"`
	DestinationAddress text `json:"destinationAddress"`
	Message            text `json:"message"`
	MessageID          text `json:"messageId"` // absent in the shape of 2012
	DateTime           text `json:"dateTime"`
}

func (m inbound) read() (*message.Inbound, string) {
	f := message.Fields{Form: form(map[string]text{
		"senderAddress": m.SenderAddress, "destinationAddress": m.DestinationAddress,
		"message": m.Message, "messageId": m.MessageID, "dateTime": m.DateTime,
	})}
	in := &message.Inbound{
		Medium:     message.SMS,
		From:       f.Number("senderAddress"),
		To:         strings.TrimPrefix(f.Needed("destinationAddress"), "tel:"),
		Text:       m.Message.value,
		ExternalID: f.Short("messageId"),
		SentAt:     readTime(f.Short("dateTime")),
	}
	if !m.Message.given { // an empty text was sent empty
		f.Fail("message is missing")
	}
	return in, f.Reason
}

type delivery struct {
	Address        text `json:"address"`
	DeliveryStatus text `json:"deliveryStatus"`
}

func (d delivery) read(id text) (*message.Receipt, string) {
	f := message.Fields{Form: form(map[string]text{
		"callbackData": id, "address": d.Address, "deliveryStatus": d.DeliveryStatus,
	})}
	given := f.Needed("deliveryStatus")
	r := &message.Receipt{
		ExternalID: f.Needed("callbackData"),
		To:         message.ParseNumber(f.Short("address")),
		Status:     statusOf(given),
	}
	if r.Status == message.StatusFailed || r.Status == message.StatusUnknown {
		r.Reason = message.Word(given)
	}
	return r, f.Reason
}

// statusOf maps OneAPI's words. DeliveredToTerminal and DeliveryImpossible are in
// Orange's samples, the others are OneAPI's list. What a receipt is worth depends
// on the network of the receiver, as Orange's page warns.
func statusOf(given string) message.Status {
	switch strings.ToLower(given) {
	case "messagewaiting":
		return message.StatusQueued
	case "deliveredtonetwork":
		return message.StatusSent
	case "deliveredtoterminal":
		return message.StatusDelivered
	case "deliveryimpossible":
		return message.StatusFailed
	}
	return message.StatusUnknown // DeliveryUncertain, DeliveryNotificationNotSupported, and new ones
}

// Reply stands in for a screen: Orange's SMS API has no USSD.
func (*Adapter) Reply(r message.Reply) message.Response { return message.ReplyWithoutUSSD(r) }

// Ack is 200 and an empty body.
func (*Adapter) Ack(message.Kind) message.Response { return message.Response{Status: http.StatusOK} }
