package app

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"log/slog"
	"os/user"
	"time"

	"lafia/internal/audit"
	"lafia/internal/store"
	"lafia/internal/vault"
)

// commandActor is who runs a command, as the system knows her.
func commandActor() string {
	u, err := user.Current()
	if err != nil {
		return audit.CommandLine("unknown")
	}
	return audit.CommandLine(u.Username)
}

// commandAct is an entry of the audit for what a command does.
func commandAct(ring *vault.Ring, what audit.Act, object, reason string, count int) audit.Draft {
	e := audit.Entry{Actor: commandActor(), Act: what, Object: object, Count: count}
	if reason != "" {
		e.Reason = ring.Seal([]byte(reason), "audit/reason")
	}
	return audit.NewChain(ring, time.Now).Draft(e)
}

// Audit opens the audit of a site, also of a dev instance that is stopped. Call done
// when it is no longer needed.
func Audit(ctx context.Context, site Site, log *slog.Logger) (_ *AuditChain, done func(), err error) {
	var st *store.Store
	var ring *vault.Ring
	a := &AuditChain{}
	if site.Data != "" {
		a.KeyFile = vault.AuditKeyFile(devKeys(site.Data))
		st, ring, done, err = openDev(ctx, site.Data, log)
	} else {
		c, s, oerr := openRecord(ctx, site.Config)
		if oerr != nil {
			return nil, nil, oerr
		}
		a.KeyFile = vault.AuditKeyFile(c.Keys.Dir)
		st, done = s, s.Close
		if ring, err = vault.Open(c.Keys.Dir); err != nil {
			done()
		}
	}
	if err != nil {
		return nil, nil, err
	}
	a.store, a.ring = st, ring
	return a, done, nil
}

// AuditChain is the audit of a site.
type AuditChain struct {
	KeyFile string // of the first key, where it lies if nobody took it away
	store   *store.Store
	ring    *vault.Ring
}

// Verify checks the whole chain by the key of KeyFile. paper is a head that was
// written down; nil: none.
func (a *AuditChain) Verify(ctx context.Context, paper *audit.Head) (r audit.Report, err error) {
	first, err := vault.ReadAuditKey(a.KeyFile)
	if errors.Is(err, fs.ErrNotExist) {
		return r, fmt.Errorf("there is no %s: give the audit's first key with --key, from where it is kept", a.KeyFile)
	}
	if err != nil {
		return r, fmt.Errorf("reading the audit's first key: %w", err)
	}
	err = a.store.ReadAudit(ctx, func(entries iter.Seq2[audit.Entry, error], end audit.Kept, sealed []byte) (err error) {
		end.Next, _ = a.ring.OpenAudit(sealed, end.Seq) // one that does not open is not the right one
		r, err = audit.Verify(first, entries, end, paper)
		return err
	})
	return r, err
}

// Head gives the end of the chain as the database keeps it, unchecked.
func (a *AuditChain) Head(ctx context.Context) (audit.Head, error) {
	end, err := a.store.AuditEnd(ctx)
	if err != nil {
		return audit.Head{}, err
	}
	if end.Start == nil {
		return audit.Head{}, errors.New("the audit has no entry yet")
	}
	return audit.Head{Seq: end.Seq, MAC: end.MAC}, nil
}

// auditCheck looks whether the audit can be written, and whether its first key lies
// where it proves nothing.
func auditCheck(ctx context.Context, s *store.Store, ring *vault.Ring) Check {
	k := Check{What: "audit", OK: true}
	end, err := s.AuditEnd(ctx)
	switch here := ring.AuditFirst() != nil; {
	case err != nil:
		k.OK, k.Do = false, err.Error()
	case end.Start == nil && !here:
		k.OK, k.Do = false, "it has not begun and there is no audit.key, so nobody can sign in: `lafia keys init` adds it"
	case end.Start != nil && here:
		k.Note = "audit.key lies in the key folder: move it to another machine, or whoever takes this one can write the audit anew"
	}
	return k
}
