package casework

import (
	"context"
	"time"

	"lafia/internal/audit"
	"lafia/internal/staff"
	"lafia/internal/store"
)

// Held gives of when the backup is that was restored, while nothing is sent because of
// it; zero: things are sent.
func (d *Desk) Held(ctx context.Context) (time.Time, error) {
	l, err := d.store.Life(ctx)
	return l.Backup, err
}

// Restored gives what is known of a restore that waits for a person; ErrNotFound: none
// does.
func (d *Desk) Restored(ctx context.Context) (store.Restore, error) {
	return d.store.OpenRestore(ctx)
}

// ConfirmRestore lets sends go on behind a restore, for who may do all. Who was erased
// since the backup must have been erased again. It gives what was in doubt.
func (d *Desk) ConfirmRestore(ctx context.Context, who staff.Account, reason string) (store.Restore, error) {
	if who.Role != staff.Administrator {
		return store.Restore{}, ErrNotFound
	}
	act := d.act(who.ID, audit.RestoreConfirm, "")
	act.Reason = d.ring.Seal([]byte(cleanNote(reason)), reasonBound)
	return d.store.ConfirmRestore(ctx, store.RestoreConfirmation{Actor: who.ID, At: d.now(), Act: act})
}
