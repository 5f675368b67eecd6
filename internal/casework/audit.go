package casework

import (
	"context"

	"lafia/internal/audit"
	"lafia/internal/staff"
)

// act is an entry of the audit for what somebody does. Its details are in it as a
// fingerprint: what is typed about a message belongs into that message's history,
// which can be erased, and the audit can't.
func (d *Desk) act(actor string, what audit.Act, object string, details ...string) audit.Draft {
	e := audit.Entry{Actor: actor, Act: what, Object: object}
	if len(details) > 0 {
		parts := make([][]byte, len(details))
		for i, v := range details {
			parts[i] = []byte(v)
		}
		e.Details = d.ring.ID("audit", parts...).Bytes()
	}
	return d.chain.Draft(e)
}

// read writes that a reader is about to see something. Where that fails she does
// not see it.
func (d *Desk) read(ctx context.Context, scope staff.Scope, what audit.Act, object string, count int) error {
	a := d.act(scope.Reader, what, object)
	a.Count = count
	return d.store.Audit(ctx, a)
}

// reasonBound binds sealed reasons to their use.
const reasonBound = "audit/reason"
