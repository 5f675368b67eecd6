package console

import (
	"slices"

	"lafia/internal/casework"
)

// reply is what was sent in answer to a message, and how far it came.
type reply struct {
	when, stamp string
	delivery    string
	alarm       bool   // it may not have arrived
	changed     string // when it came so far; empty: at once
	text, lang  string
}

// lost are the deliveries that somebody should know of.
var lost = []string{"failed", "expired", "unknown", "ambiguous"}

func isLost(delivery string) bool { return slices.Contains(lost, delivery) }

func replies(p page, r casework.Record) []reply {
	var list []reply
	for _, y := range r.Replies {
		one := reply{
			when: p.moment(y.QueuedAt), stamp: stamp(y.QueuedAt), delivery: p.T("reply." + y.Delivery), alarm: isLost(y.Delivery),
			text: y.Text, lang: r.Language,
		}
		if changed := p.moment(y.ChangedAt); changed != one.when {
			one.changed = changed
		}
		list = append(list, one)
	}
	return list
}
