package app

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"lafia/internal/casework"
	"lafia/internal/store"
	"lafia/internal/vault"
)

// RestoreState is how it stands with a restore.
type RestoreState struct {
	Held bool
	store.Restore
	List   string // the file of who was erased; "": there is none here
	Listed int    // who is on it
	Again  int    // of those, whom the record does not know to be erased
	Bad    int    // lines of it that cannot be read
}

// RestoreStatus tells whether a backup was restored that nobody has confirmed, and what
// it would need. It changes nothing.
func RestoreStatus(ctx context.Context, site Site) (RestoreState, error) {
	var out RestoreState
	dir, err := site.SpoolDir()
	if err != nil {
		return out, err
	}
	st, ring, err := site.open(ctx)
	if err != nil {
		return out, err
	}
	defer st.Close()
	listed, err := st.Erasures(ctx)
	if err != nil {
		return out, err
	}
	path := filepath.Join(dir, erasedFile)
	list, bad, err := readErased(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
	case err != nil:
		return out, err
	default:
		forgotten, unfinished, _ := forgottenErasures(merged(list), listed)
		out.List, out.Listed, out.Again, out.Bad = path, len(merged(list)), len(forgotten)+len(unfinished), bad
	}
	out.Restore, err = commandDesk(st, ring).Restored(ctx)
	if errors.Is(err, casework.ErrNotFound) {
		return out, nil
	}
	out.Held = err == nil
	return out, err
}

// merged gives each contact of a list once.
func merged(list []store.Erased) []store.Erased {
	m := memory{list: map[[32]byte]store.Erased{}}
	for _, e := range list {
		learn(m.list, e)
	}
	return m.all()
}

// RestoreConfirmed is what became of a restore that a person has confirmed.
type RestoreConfirmed struct {
	Held bool // false: nothing waited for it
	store.Restore
	Again int // people who were erased again by it
}

// ErrNoList is in the error of confirming a restore of which no gateway remembers the
// record of before, without a list of who was erased.
var ErrNoList = errors.New("no gateway here remembers the record of before, so nobody knows who was erased since the backup")

// Confirming is a person's word on a restore.
type Confirming struct {
	Reason string
	Erased []string // more lists of who was erased
	NoList bool     // there is none any more
}

// ConfirmRestore erases again who is on the lists, and lets sends go on.
func ConfirmRestore(ctx context.Context, site Site, c Confirming, log *slog.Logger) (RestoreConfirmed, error) {
	var out RestoreConfirmed
	dir, err := site.SpoolDir()
	if err != nil {
		return out, err
	}
	var more []store.Erased
	for _, path := range c.Erased {
		list, bad, err := readErased(path)
		if err != nil {
			return out, err
		}
		if bad > 0 {
			return out, fmt.Errorf("%d lines of %s cannot be read: take another gateway's list, or remove those lines if there is none", bad, path)
		}
		more = append(more, list...)
	}
	st, ring, err := site.open(ctx)
	if err != nil {
		return out, err
	}
	defer st.Close()
	if err := checkKeys(ctx, st, ring); err != nil {
		return out, err
	}
	open, err := st.OpenRestore(ctx)
	held := err == nil
	if err != nil && !store.IsNotFound(err) {
		return out, err
	}
	if held && open.Known == 0 && len(c.Erased) == 0 && !c.NoList {
		return out, ErrNoList
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return out, fmt.Errorf("making the folder for the list of who was erased: %w", err)
	}
	if err := addErased(dir, more); err != nil {
		return out, err
	}
	list, _, err := readErased(filepath.Join(dir, erasedFile))
	if err != nil {
		return out, err
	}
	if out.Again, err = eraseListed(ctx, st, ring, site, merged(list), log); err != nil {
		return out, err
	}
	if !held {
		return out, nil
	}
	out.Restore, err = commandDesk(st, ring).ConfirmRestore(ctx, commandAccount(), c.Reason)
	if errors.Is(err, casework.ErrNotFound) {
		return out, nil // somebody else has just done it
	}
	out.Held = err == nil
	return out, err
}

// eraseListed erases again who is on a list and in the record as if she had not been.
func eraseListed(ctx context.Context, st *store.Store, ring *vault.Ring, site Site, list []store.Erased, log *slog.Logger) (int, error) {
	listed, err := st.Erasures(ctx)
	if err != nil {
		return 0, err
	}
	forgotten, unfinished, _ := forgottenErasures(list, listed)
	again := append(forgotten, unfinished...)
	since := map[string]time.Time{}
	for _, e := range again {
		if err := eraseAgain(ctx, st, e, time.Now()); err != nil {
			return 0, err
		}
		since[string(e.Contact)] = e.At
		if err := forgetSessions(ctx, site, vault.Pseudonym(e.Contact)); err != nil {
			log.Warn("live sessions of one who was erased could not be dropped: empty Redis before gateways start")
		}
	}
	if len(again) > 0 {
		_, err = dropUnread(ctx, st, ring, func(contact []byte, received time.Time) bool {
			at, erased := since[string(contact)]
			return erased && !received.After(at)
		})
	}
	return len(again), err
}

// restoreChecks looks whether a restore waits for a person, and whether who was erased
// would be known behind one.
func restoreChecks(ctx context.Context, s *store.Store, dir string) []Check {
	list := Check{What: "list of who was erased, in " + dir, OK: true}
	switch known, bad, err := readErased(filepath.Join(dir, erasedFile)); {
	case errors.Is(err, fs.ErrNotExist):
		list.Note = "it is not there: until a gateway has started with this folder, a backup that is restored brings back who was erased since"
	case err != nil:
		list.OK, list.Do = false, err.Error()
	case bad > 0:
		list.OK, list.Do = false, fmt.Sprintf("%d of its lines cannot be read: a gateway that runs writes them anew from the record once the file is moved away", bad)
	default:
		list.What = fmt.Sprintf("list of who was erased, in %s: %d people", dir, len(merged(known)))
	}
	held := Check{What: "messages are sent", OK: true}
	switch l, err := s.Life(ctx); {
	case err != nil:
		held.OK, held.Do = false, err.Error()
	case !l.Held.IsZero():
		held.OK, held.Do = false, fmt.Sprintf("a backup was restored, as was noticed on %s UTC, and nothing is sent: `lafia restore status` tells more, `lafia restore confirm` lets sends go on", l.Held.UTC().Format(time.DateTime))
	}
	return []Check{list, held}
}
