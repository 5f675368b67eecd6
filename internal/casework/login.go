package casework

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"lafia/internal/audit"
	"lafia/internal/staff"
	"lafia/internal/store"
)

// ErrCredentials is the one answer to an unknown name, a wrong password and a
// closed account.
var ErrCredentials = errors.New("the name or the password is wrong")

// Entry is a login: who, in which session. Token is set by Login alone.
type Entry struct {
	staff.Account
	Session staff.Session
	Token   string
}

// usernameMost is the longest name an account can have.
const usernameMost = 40

// Login opens a session for who knows the password. address is where the
// request came from. An unknown name takes the same path and the same time as a
// known one.
func (d *Desk) Login(ctx context.Context, username, password, address string) (Entry, error) {
	username = strings.ToLower(strings.TrimSpace(username))
	if len(username) > usernameMost || !staff.ValidUsername(username) {
		username = "?" // no account's name; tries at it are slowed like any other
	}
	key := throttleKey(username, address)
	wait, err := d.throttle.reserve(key, d.now())
	if err != nil {
		return Entry{}, err
	}
	if err := sleep(ctx, wait); err != nil {
		return Entry{}, err
	}
	account, err := d.store.StaffByUsername(ctx, username)
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return Entry{}, err
	}
	hash := string(account.PasswordHash)
	if !account.Active {
		hash = ""
	}
	right, err := d.hasher.Verify(ctx, password, hash)
	if err != nil {
		return Entry{}, fmt.Errorf("checking a password: %w", err)
	}
	if !right {
		if err := d.store.Audit(ctx, d.act(audit.Guest, audit.LoginRefused, account.ID)); err != nil {
			return Entry{}, err
		}
		return Entry{}, ErrCredentials
	}
	d.throttle.clear(key)
	session, token := staff.NewSession(account.ID, d.now(), d.random)
	if err := d.store.OpenSession(ctx, session, d.now(), d.act(account.ID, audit.Login, account.ID)); err != nil {
		return Entry{}, err
	}
	return Entry{Account: account, Session: session, Token: token}, nil
}
