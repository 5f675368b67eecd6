package outbox

import (
	"context"
	"errors"
	"net/http"
	"sync"
	"time"

	"lafia/gateway/message"
)

// tokenMargin is how long before its end a token is no longer used: a request
// may be on its way for tens of seconds, and clocks differ.
const tokenMargin = time.Minute

// tokenTimeout bounds the fetching of a token, so that the send behind it still
// has its time.
const tokenTimeout = 8 * time.Second

// tokens holds the bearer tokens of a gateway's channels, in memory alone.
type tokens struct {
	mu    sync.Mutex
	boxes map[string]*tokenBox
}

// tokenBox is one channel's token. Whoever has taken turn may look and fetch, so
// that many sends at once fetch one token.
type tokenBox struct {
	turn  chan struct{}
	token message.Secret
	until time.Time
}

func newTokens() *tokens { return &tokens{boxes: map[string]*tokenBox{}} }

func (t *tokens) box(channel string) *tokenBox {
	t.mu.Lock()
	defer t.mu.Unlock()
	b := t.boxes[channel]
	if b == nil {
		b = &tokenBox{turn: make(chan struct{}, 1)}
		t.boxes[channel] = b
	}
	return b
}

// errNoToken says that a token could not be had for now: the message is surely
// not sent. Its text is for the log: it quotes nothing.
type errNoToken struct{ why string }

func (e errNoToken) Error() string { return "no token: " + e.why }

// token gives the channel's token, fetching it when there is none, when it is
// at its end, or when it is the refused one.
func (o *Outbox) token(ctx context.Context, channel string, s message.TokenSender, a message.Account, refused message.Secret) (message.Secret, error) {
	b := o.tokens.box(channel)
	select {
	case b.turn <- struct{}{}:
		defer func() { <-b.turn }()
	case <-ctx.Done():
		return message.Secret{}, errNoToken{"waited in vain for another send that fetches it"}
	}
	// A refused token may have been replaced while this send waited its turn.
	if !b.token.IsZero() && o.Now().Before(b.until) && b.token != refused {
		return b.token, nil
	}
	b.token, b.until = message.Secret{}, time.Time{}
	req, err := s.TokenRequest(a)
	if err != nil {
		return message.Secret{}, err // a setting: it would be missing the next time too
	}
	if req.URL == "" {
		return message.Secret{}, nil // this account needs none
	}
	ctx, cancel := context.WithTimeout(ctx, tokenTimeout)
	defer cancel()
	status, body, err, _ := o.Transport.Do(ctx, channel, req)
	if err != nil {
		return message.Secret{}, errNoToken{"no answer"} // the error's text holds the address
	}
	token, life, err := s.ReadToken(status, body)
	switch {
	case err != nil:
		return message.Secret{}, errNoToken{err.Error()}
	case token.IsZero():
		return message.Secret{}, errNoToken{"the answer holds none"}
	}
	// One that lives a minute or less serves the send that it was fetched for.
	b.token, b.until = token, o.Now().Add(life-tokenMargin)
	return token, nil
}

// exchange builds and makes the request of one attempt. Where a token is needed
// a 401 says that the aggregator took nothing: the token is fetched once more and
// the request made once more.
func (o *Outbox) exchange(ctx context.Context, ch Channel, name string, m message.Outbound) message.Outcome {
	account := ch.Account
	ts, needs := ch.Sender.(message.TokenSender)
	var refused message.Secret
	for again := false; ; again = true {
		if needs {
			var err error
			if account.Token, err = o.token(ctx, name, ts, ch.Account, refused); err != nil {
				var none errNoToken
				if errors.As(err, &none) {
					return message.Outcome{Verdict: message.Retry, Reason: err.Error()}
				}
				return message.Outcome{Verdict: message.Rejected, Reason: err.Error()}
			}
		}
		req, err := ch.Sender.Request(m, account)
		if err != nil {
			return message.Outcome{Verdict: message.Rejected, Reason: err.Error()}
		}
		status, body, err, wrote := o.call(ctx, name, req)
		if needs && err == nil && status == http.StatusUnauthorized && !account.Token.IsZero() && !again {
			refused = account.Token
			continue
		}
		return ch.Sender.Outcome(status, body, err, wrote)
	}
}

func (o *Outbox) call(ctx context.Context, channel string, r message.HTTPRequest) (status int, body []byte, err error, wrote bool) {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	return o.Transport.Do(ctx, channel, r)
}
