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

	"lafia/flows"
	"lafia/internal/audit"
	"lafia/internal/conversation"
	"lafia/internal/flow"
	"lafia/internal/servers"
	"lafia/internal/spool"
	"lafia/internal/store"
	"lafia/internal/vault"
)

// Site is what a command about spools works on: a config file, or the data folder
// of a dev instance. One is set.
type Site struct {
	Config, Data string
}

// SpoolDir gives the folder of the site's spool.
func (s Site) SpoolDir() (string, error) {
	if s.Data != "" {
		return filepath.Join(s.Data, "spool"), nil
	}
	c, err := ReadConfig(s.Config)
	if err != nil {
		return "", err
	}
	return c.Spool.Dir, nil
}

// open opens the site's record and keys. A dev instance must run.
func (s Site) open(ctx context.Context) (*store.Store, *vault.Ring, error) {
	if s.Config != "" {
		c, st, err := openRecord(ctx, s.Config)
		if err != nil {
			return nil, nil, err
		}
		ring, err := openKeys(ctx, st, c.Keys.Dir)
		if err != nil {
			st.Close()
			return nil, nil, err
		}
		return st, ring, nil
	}
	addr, running, err := servers.Running(s.Data)
	switch {
	case err != nil:
		return nil, nil, err
	case !running:
		return nil, nil, fmt.Errorf("no dev instance runs on %s: start it with `lafia dev --data %s`", s.Data, s.Data)
	}
	st, err := store.Open(ctx, addr.PostgresURL, store.Options{MaxConns: 4})
	if err != nil {
		return nil, nil, err
	}
	ring, err := openKeys(ctx, st, devKeys(s.Data))
	if err != nil {
		st.Close()
		return nil, nil, err
	}
	return st, ring, nil
}

// SpoolState is what a spool's folder holds.
type SpoolState struct {
	Dir  string
	Node string // "" where nothing was ever written
	spool.State
}

// SpoolStatus looks into a spool's folder, also of a gateway that runs, and
// changes nothing.
func SpoolStatus(dir string) (SpoolState, error) {
	state, err := spool.Status(dir)
	if err != nil {
		return SpoolState{}, err
	}
	out := SpoolState{Dir: dir, Node: state.Node, State: state}
	if id, err := readNode(dir); err == nil {
		out.Node = id
	}
	return out, nil
}

// waitsTooLong is how long a record may wait before somebody should look
// (reliability.md F21).
const waitsTooLong = time.Minute

// Wrong says in words what an operator should look at; "" for nothing.
func (s SpoolState) Wrong(now time.Time) string {
	switch {
	case s.Quarantined > 0:
		return fmt.Sprintf("%d records are in quarantine", s.Quarantined)
	case s.Damaged > 0:
		return fmt.Sprintf("%d stretches are damaged", s.Damaged)
	case s.Pending > 0 && now.Sub(s.Since) > waitsTooLong:
		return fmt.Sprintf("%d records wait since %s", s.Pending, s.Since.UTC().Format(time.DateTime))
	}
	return ""
}

// Adopted is what became of a dead gateway's spool.
type Adopted struct {
	Node        string `json:"node"`
	Delivered   int    `json:"delivered"`   // now in the record
	Torn        int    `json:"torn"`        // tails cut, of records that were never acknowledged
	Quarantined int    `json:"quarantined"` // what could not be read or delivered
	Folder      string `json:"folder"`      // the folder's name now; "" when an earlier call renamed it
}

// AdoptSpool delivers the spool of a dead gateway to the record, and notes that
// nothing of it is left, so that broadcasts go on. It works beside running
// gateways. Interrupted, or with the record away, it can be called again: what
// was taken lies beside the folder, in DIR.taking.
func AdoptSpool(ctx context.Context, site Site, dir string, log *slog.Logger) (Adopted, error) {
	st, ring, err := site.open(ctx)
	if err != nil {
		return Adopted{}, err
	}
	defer st.Close()
	if err := checkKeys(ctx, st, ring); err != nil {
		return Adopted{}, err
	}
	dir = filepath.Clean(dir)
	taking := dir + ".taking"
	var out Adopted
	if out.Node, err = readNode(dir); err != nil {
		if out.Node, err = readNode(taking); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return Adopted{}, err
		}
	}
	if _, err := spool.Status(dir); err != nil {
		if _, again := os.Stat(taking); !errors.Is(err, fs.ErrNotExist) || again != nil {
			return Adopted{}, err
		}
	}
	key := ring.ID("spool-key")
	s, err := spool.Open(spool.Options{Dir: taking, Node: out.Node, Key: key.Bytes(), Now: time.Now, Log: log})
	if err != nil {
		return Adopted{}, err
	}
	defer func() { _ = s.Close(context.WithoutCancel(ctx)) }()
	if out.Node != "" {
		if err := keepNode(taking, out.Node); err != nil {
			return Adopted{}, err
		}
	}
	var count *store.SpoolCount
	switch a, err := s.Adopt(ctx, dir); {
	case err == nil:
		if a.Count != nil {
			c := store.SpoolCount(*a.Count)
			count = &c
		}
		out.Torn, out.Quarantined, out.Folder = a.Torn, a.Quarantined, a.To
	case !errors.Is(err, fs.ErrNotExist):
		if s.Pending() == 0 {
			_ = os.RemoveAll(taking) // nothing was taken
		}
		return Adopted{}, err
	}
	// Before anything is delivered: what fails half-way is called again, and is an act
	// of its own.
	if err := st.Audit(ctx, commandAct(ring, audit.SpoolAdopt, out.Node, "", s.Pending())); err != nil {
		return out, err
	}
	if out.Delivered, err = deliverAll(ctx, s, st, ring, log); err != nil {
		return out, fmt.Errorf("delivering what was taken, %d records are left in %s: %w", s.Pending(), taking, err)
	}
	out.Quarantined += s.Quarantined()
	if count != nil {
		count.Quarantined = append(count.Quarantined, s.Count().Quarantined...)
	}
	if s.Quarantined() == 0 {
		if err := os.RemoveAll(taking); err != nil {
			return out, fmt.Errorf("removing an empty spool: %w", err)
		}
	}
	if out.Node == "" {
		return out, nil
	}
	return out, st.StopNode(ctx, store.Node{ID: out.Node, BeatAt: time.Now(), Spool: count})
}

// deliverAll empties a spool into the record, without a gateway.
func deliverAll(ctx context.Context, s *spool.Spool, st *store.Store, ring *vault.Ring, log *slog.Logger) (int, error) {
	book, err := flow.Load(flows.Files)
	if err != nil {
		return 0, fmt.Errorf("reading the flows: %w", err)
	}
	c := conversation.New(conversation.Options{Ring: ring, Store: st, Book: book, Now: time.Now, Log: log})
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	n, err := s.Drain(ctx, func(ctx context.Context, r spool.Record) error {
		err := deliverMarked(ctx, c, st, r)
		if errors.Is(err, conversation.ErrAway) {
			stop(err)
		}
		return err
	})
	if cause := context.Cause(ctx); cause != nil {
		err = cause
	}
	return n, err
}

// ForgetNode takes a dead gateway off the list of those that reminders and
// broadcasts wait for. What lies in its spool, perhaps a stop, is not waited for
// any more; the audit keeps the reason.
func ForgetNode(ctx context.Context, site Site, node, reason string, log *slog.Logger) error {
	st, ring, err := site.open(ctx)
	if err != nil {
		return err
	}
	defer st.Close()
	switch err := st.ForgetNode(ctx, node, time.Now(), commandAct(ring, audit.SpoolForget, node, reason, 0)); {
	case store.IsNotFound(err):
		return fmt.Errorf("there is no gateway %s: `lafia doctor` lists those that are waited for", node)
	case errors.Is(err, store.ErrAlive):
		return fmt.Errorf("the gateway %s gave a sign of life within the last minute: stop it first", node)
	case err != nil:
		return err
	}
	log.Warn("a gateway was forgotten", "node", node)
	return nil
}
