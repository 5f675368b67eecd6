// Package external speaks to an aggregator that is described in config.toml
// instead of in Go: names of fields, acknowledgements, states, the shape of
// USSD, the signature and the request that sends stand in [channel.account]. So
// a new aggregator needs no new Lafia.
//
// Without settings it speaks a small JSON of Lafia's own, which README.md
// describes beside all settings.
package external

import (
	"maps"
	"net/http"
	"time"

	"lafia/gateway/message"
)

// Adapter is the adapter of an aggregator that settings describe. It never
// changes.
type Adapter struct {
	settings map[string]string
	spec     *spec // what settings mean
}

var (
	_ message.Sender         = (*Adapter)(nil)
	_ message.SettingChecker = (*Adapter)(nil)
)

// New gives the adapter of a channel without settings.
func New() *Adapter { return &Adapter{spec: compile(nil)} }

// For gives the adapter of a channel with these settings. Its replies,
// acknowledgements and outcomes are those of the settings; the contract hands
// them no account.
func (*Adapter) For(a message.Account) message.Adapter {
	settings := maps.Clone(a.Settings)
	return &Adapter{settings: settings, spec: compile(settings)}
}

// of is what an account's settings mean.
func (x *Adapter) of(a message.Account) *spec {
	if maps.Equal(a.Settings, x.settings) {
		return x.spec
	}
	return compile(a.Settings)
}

// Name is "external".
func (*Adapter) Name() string { return "external" }

// Parse reads one request, the signature first. A channel whose settings say
// nothing of a signature takes unsigned requests; one whose settings of it are
// wrong takes none.
func (x *Adapter) Parse(kind message.Kind, r message.Request, a message.Account, now time.Time) message.Parsed {
	s := x.of(a)
	if reason := s.signature.refusal(r, a.Signatures, now); reason != "" {
		return message.Parsed{Refused: reason}
	}
	return s.read(kind, r)
}

// Reply renders a screen from the template ussd_reply, or ussd_reply_end for the
// last one.
func (x *Adapter) Reply(r message.Reply) message.Response {
	u := x.spec.ussd
	t, end := u.reply, "false"
	if r.End {
		t, end = u.replyEnd, "true"
	}
	body := t.render(u.place, map[string]string{
		"text": r.Text, "session": r.SessionID, "to": r.To, "end": end,
		"from": r.From.Reveal(), "from_digits": digits(r.From.Reveal()),
	})
	return message.Response{Status: http.StatusOK, ContentType: u.replyType, Body: []byte(body)}
}

// Ack answers as the settings ack_… have it, or those of its kind.
func (x *Adapter) Ack(kind message.Kind) message.Response {
	if a, ok := x.spec.acks[kind]; ok {
		return message.Response{Status: a.status, ContentType: a.kind, Body: []byte(a.body)}
	}
	return message.Response{Status: http.StatusOK}
}
