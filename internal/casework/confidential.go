package casework

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"lafia/internal/audit"
	"lafia/internal/programme"
	"lafia/internal/staff"
	"lafia/internal/vault"
)

// ConfidentialMost is how many L3 messages one opening shows, the newest.
const ConfidentialMost = 50

// ErrNoConfidentialKey is returned for a focal point whose account holds no
// wrapped key.
var ErrNoConfidentialKey = errors.New("this account holds no confidential key")

// Confidential is one L3 message, opened for one response.
type Confidential struct {
	Reference  programme.Reference
	ReceivedAt time.Time
	Opened     bool // false: its body does not open
	Body       programme.ConfidentialBody
}

// HasConfidentialKey reports whether somebody can open L3 at all.
func HasConfidentialKey(who staff.Account) bool {
	return who.Role.May("confidential.open") && len(who.Confidential) > 0
}

// Confidential opens the newest L3 messages for a focal point who gives her
// password again. Neither the key nor a word of them is kept: every opening
// asks anew. ErrCredentials is for a wrong password.
func (d *Desk) Confidential(ctx context.Context, who staff.Account, password, address string) ([]Confidential, error) {
	if !who.Role.May("confidential.open") {
		return nil, ErrNotFound
	}
	if len(who.Confidential) == 0 {
		return nil, ErrNoConfidentialKey
	}
	if len(password) > 4*staff.PasswordMost {
		return nil, ErrCredentials
	}
	key := "confidential\x00" + throttleKey(who.Username, address)
	wait, err := d.throttle.reserve(key, d.now())
	if err != nil {
		return nil, err
	}
	if err := sleep(ctx, wait); err != nil {
		return nil, err
	}
	private, err := d.unwrapKey(ctx, who.Confidential, password)
	if errors.Is(err, ErrCredentials) {
		if err := d.read(ctx, who.Scope(), audit.ConfidentialRefused, "", 0); err != nil {
			return nil, err
		}
	}
	if err != nil {
		return nil, err
	}
	d.throttle.clear(key)
	rows, err := d.store.ConfidentialNewest(ctx, who.Scope(), ConfidentialMost)
	if err != nil {
		return nil, err
	}
	// Neither which they are nor how many: of L3 nothing is counted anywhere.
	if err := d.read(ctx, who.Scope(), audit.ConfidentialOpen, "", 0); err != nil {
		return nil, err
	}
	list := make([]Confidential, 0, len(rows))
	for _, r := range rows {
		c := Confidential{Reference: r.Reference, ReceivedAt: r.ReceivedAt}
		if p, err := private.Open(r.Sealed); err == nil && json.Unmarshal(p, &c.Body) == nil {
			c.Opened = true
		} else {
			c.Body = programme.ConfidentialBody{}
		}
		list = append(list, c)
	}
	return list, nil
}

func (d *Desk) unwrapKey(ctx context.Context, wrapped []byte, password string) (*vault.PrivateKey, error) {
	select {
	case d.unwrap <- struct{}{}:
	case <-ctx.Done():
		return nil, fmt.Errorf("waiting to open the confidential key: %w", ctx.Err())
	}
	defer func() { <-d.unwrap }()
	private, err := vault.UnwrapPrivateKey(wrapped, password)
	if err != nil {
		return nil, ErrCredentials
	}
	return private, nil
}
