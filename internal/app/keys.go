package app

import (
	"context"

	"lafia/internal/store"
	"lafia/internal/vault"
)

// openKeys reads a key folder for a command, which seals under the office key that
// the gateways of the record seal under.
func openKeys(ctx context.Context, s *store.Store, dir string) (*vault.Ring, error) {
	ring, err := vault.Open(dir)
	if err != nil {
		return nil, err
	}
	if _, err := learnOfficeKey(ctx, s, ring); err != nil {
		return nil, err
	}
	return ring, nil
}

// learnOfficeKey lets a ring seal under the office key that the record says, and
// reports whether that is another one than before. A newer key that lies in the
// folder does not seal: another gateway may not have it yet.
func learnOfficeKey(ctx context.Context, s *store.Store, ring *vault.Ring) (changed bool, err error) {
	n, check, err := s.OfficeKey(ctx)
	if err != nil || n == 0 {
		return false, err
	}
	before := ring.Sealing()
	if err := ring.SealUnder(n, check); err != nil {
		return false, err
	}
	return n != before, nil
}

// Beat gives a sign of life, with the office keys that lie in the folder now, and
// learns which of them to seal under; for tests, a gateway does so by itself.
func (a *App) Beat(ctx context.Context) {
	if err := a.ring.Reread(); err != nil {
		a.Log.Warn("the key folder could not be read again", "error", err.Error())
	}
	if err := a.store.BeatNode(ctx, a.nodeNow()); err != nil {
		a.Log.Warn("no sign of life could be written", "error", store.Class(err))
		return
	}
	switch changed, err := learnOfficeKey(ctx, a.store, a.ring); {
	case err != nil:
		a.Log.Error("the office key in use could not be taken", "error", err.Error())
	case changed:
		a.Log.Info("another office key is in use", "key", vault.OfficeName(a.ring.Sealing()))
		// A rotation waits to be told so.
		if err := a.store.BeatNode(ctx, a.nodeNow()); err != nil {
			a.Log.Warn("no sign of life could be written", "error", store.Class(err))
		}
	}
}
