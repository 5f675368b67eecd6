package casework

import (
	"context"
	"errors"

	"lafia/internal/staff"
	"lafia/internal/store"
)

// ErrNoSession is returned for a token that leads to no living session.
var ErrNoSession = errors.New("not signed in")

// Session finds who a cookie's token belongs to. A closed account has no
// session, whatever its cookie.
func (d *Desk) Session(ctx context.Context, token string) (Entry, error) {
	hash, ok := staff.TokenHash(token)
	if !ok {
		return Entry{}, ErrNoSession
	}
	session, account, err := d.store.SessionOf(ctx, hash)
	if errors.Is(err, store.ErrNotFound) {
		return Entry{}, ErrNoSession
	}
	if err != nil {
		return Entry{}, err
	}
	now := d.now()
	if !account.Active || !session.Alive(now) {
		return Entry{}, ErrNoSession
	}
	if session.Stale(now) {
		if err := d.store.TouchSession(ctx, hash, now); err != nil {
			return Entry{}, err
		}
	}
	return Entry{Account: account, Session: session}, nil
}
