package casework

import (
	"context"
	"strings"

	"github.com/google/uuid"

	"lafia/internal/audit"
	"lafia/internal/programme"
	"lafia/internal/staff"
)

// AuditPage is how many entries of the audit a page holds.
const AuditPage = 50

// Audited is an entry of the audit as its reader gets it.
type Audited struct {
	audit.Entry
	Who       string              // name of the account, or of who ran a command; "": nobody was signed in
	Command   bool                // it came by the command line
	Reference programme.Reference // of the message that it is about; "": of none, or of none in her scope
	About     string              // name of the account or commune that it is about; "": of none
	Why       string              // the reason of a command; "": none, or it does not open
}

// Audit lists who did what, newest first, behind the entry of a number; 0 asks for the
// newest. older asks for the page behind; 0: there is none. That it was read is an
// entry of its own.
func (d *Desk) Audit(ctx context.Context, who staff.Account, before int64) (list []Audited, older int64, err error) {
	if !who.Role.May("audit") {
		return nil, 0, ErrNotFound
	}
	entries, err := d.store.AuditBefore(ctx, before, AuditPage+1)
	if err != nil {
		return nil, 0, err
	}
	if len(entries) > AuditPage {
		entries = entries[:AuditPage]
		older = entries[AuditPage-1].Seq
	}
	names, err := d.names(ctx)
	if err != nil {
		return nil, 0, err
	}
	var ids []string
	for _, e := range entries {
		if uuid.Validate(e.Object) == nil {
			ids = append(ids, e.Object)
		}
	}
	references, err := d.store.ReferencesOf(ctx, who.Scope(), ids)
	if err != nil {
		return nil, 0, err
	}
	for _, e := range entries {
		a := Audited{Entry: e, Who: names[e.Actor], Reference: references[e.Object]}
		if user, ok := strings.CutPrefix(e.Actor, audit.CommandLine("")); ok {
			a.Who, a.Command = user, true
		}
		if e.Object != e.Actor {
			a.About = names[e.Object]
		}
		if e.Act == audit.CommuneClose || e.Act == audit.CommuneOpen {
			if a.About, err = d.communeName(ctx, e.Object); err != nil {
				return nil, 0, err
			}
		}
		if reason, err := d.ring.Open(e.Reason, reasonBound); err == nil {
			a.Why = string(reason)
		}
		list = append(list, a)
	}
	return list, older, d.read(ctx, who.Scope(), audit.AuditRead, "", len(list))
}

// names gives the name of each account by its id.
func (d *Desk) names(ctx context.Context) (map[string]string, error) {
	team, err := d.store.ListStaff(ctx)
	if err != nil {
		return nil, err
	}
	of := map[string]string{}
	for _, a := range team {
		of[a.ID] = a.Name
	}
	return of, nil
}

// communeName gives a commune's name with its P-code, since others have that name too.
func (d *Desk) communeName(ctx context.Context, pcode string) (string, error) {
	name, err := d.store.PlaceName(ctx, pcode)
	if name == "" {
		return pcode, err
	}
	return name + " (" + pcode + ")", nil
}
