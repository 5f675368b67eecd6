package casework

import (
	"context"

	"lafia/internal/audit"
	"lafia/internal/staff"
)

// Logout ends the session of a token. A token of no session is no error: it is
// out already.
func (d *Desk) Logout(ctx context.Context, token string) error {
	hash, ok := staff.TokenHash(token)
	if !ok {
		return nil
	}
	return d.store.CloseSession(ctx, hash, d.act("", audit.Logout, ""))
}
