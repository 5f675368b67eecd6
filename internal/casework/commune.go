package casework

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"lafia/internal/audit"
	"lafia/internal/programme"
	"lafia/internal/staff"
	"lafia/internal/store"
)

// Why a commune is neither closed nor opened.
var (
	ErrNoCommune  = errors.New("no commune has this P-code or name")
	ErrNotCommune = errors.New("it is a cercle or a region: communes alone are closed, one by one")
)

// Commune is a commune, with what tells it from another one of its name.
type Commune struct {
	PCode  string
	Name   string
	Cercle string
}

// WhichError lists the communes that may have been meant. Nothing is done until one is
// chosen by its P-code.
type WhichError struct {
	Typed    string
	Communes []Commune
}

// Error says how many may have been meant.
func (e *WhichError) Error() string {
	return fmt.Sprintf("%q may be %d communes", e.Typed, len(e.Communes))
}

// Switching is the wish to close or open a commune.
type Switching struct {
	Commune string // its P-code or its name
	Reason  string // of a command; it is sealed. "": none is given
}

// Closing is a commune that is closed.
type Closing struct {
	Commune
	At  time.Time
	Who string // name of the account, or of who ran a command; "": nobody wrote it
	// Command tells that a command closed it.
	Command bool
}

// CloseCommune closes a commune to what the programme sends by itself: announcements,
// reminders and follow-ups, receipts, and what is sent again (job.Class.Switched). It is
// for who makes announcements, in her regions. already means that it was closed, which
// is no act.
func (d *Desk) CloseCommune(ctx context.Context, who staff.Account, s Switching) (c Commune, already bool, err error) {
	if !who.Role.May("broadcast") {
		return c, false, ErrNotFound
	}
	if c, err = d.commune(ctx, who.Scope(), s.Commune); err != nil {
		return c, false, err
	}
	fresh, err := d.store.PutClosing(ctx, c.PCode, d.now(), d.switching(who, audit.CommuneClose, c, s.Reason))
	return c, err == nil && !fresh, err
}

// OpenCommune opens a commune again. What was not sent meanwhile stays unsent. already
// means that it was open, which is no act.
func (d *Desk) OpenCommune(ctx context.Context, who staff.Account, s Switching) (c Commune, already bool, err error) {
	if !who.Role.May("broadcast") {
		return c, false, ErrNotFound
	}
	closed, err := d.store.Closings(ctx, who.Scope())
	if err != nil {
		return c, false, err
	}
	// Also one that the gazetteer does not have any more.
	if i := slices.IndexFunc(closed, func(k store.Closing) bool { return strings.EqualFold(k.PCode, strings.TrimSpace(s.Commune)) }); i >= 0 {
		c = Commune{closed[i].PCode, closed[i].Name, closed[i].Cercle}
	} else if c, err = d.commune(ctx, who.Scope(), s.Commune); err != nil {
		return c, false, err
	}
	fresh, err := d.store.DropClosing(ctx, c.PCode, d.switching(who, audit.CommuneOpen, c, s.Reason))
	return c, err == nil && !fresh, err
}

func (d *Desk) switching(who staff.Account, what audit.Act, c Commune, reason string) audit.Draft {
	a := d.act(who.ID, what, c.PCode)
	if reason = cleanNote(reason); reason != "" {
		a.Reason = d.ring.Seal([]byte(reason), reasonBound)
	}
	return a
}

// ClosedCommunes lists the closed communes of the account's regions, by name.
func (d *Desk) ClosedCommunes(ctx context.Context, who staff.Account) ([]Closing, error) {
	if !who.Role.May("broadcasts") {
		return nil, ErrNotFound
	}
	rows, err := d.store.Closings(ctx, who.Scope())
	if err != nil {
		return nil, err
	}
	list := make([]Closing, 0, len(rows))
	for _, r := range rows {
		k := Closing{Commune: Commune{r.PCode, r.Name, r.Cercle}, At: r.At, Who: r.Staff}
		if user, ok := strings.CutPrefix(r.Actor, audit.CommandLine("")); ok {
			k.Who, k.Command = user, true
		}
		list = append(list, k)
	}
	return list, nil
}

// commune finds the commune that somebody typed, among those of a scope's regions.
func (d *Desk) commune(ctx context.Context, scope staff.Scope, typed string) (Commune, error) {
	places, err := d.store.Places(ctx)
	if err != nil {
		return Commune{}, err
	}
	return findCommune(places, scope.Regions, typed)
}

const (
	// nearLeast is how many letters of a name are enough to be asked which one is meant.
	nearLeast = 3
	// nearMost bounds the communes to choose from.
	nearMost = 20
)

// findCommune takes a P-code or a whole name, in any case and with or without accents. A
// name that several have, or that is only the beginning of some, is asked about: closing
// the wrong commune leaves the right one open.
func findCommune(places []programme.Place, regions []string, typed string) (Commune, error) {
	typed = strings.TrimSpace(typed)
	name := programme.MatchKey(typed)
	if name == "" {
		return Commune{}, ErrNoCommune
	}
	names := map[string]string{}
	for _, p := range places {
		names[p.PCode] = p.Name
	}
	var whole, begun []Commune
	above := false
	for _, p := range places {
		if len(regions) > 0 && !slices.Contains(regions, programme.Region(p.PCode)) {
			continue
		}
		c := Commune{p.PCode, p.Name, names[p.Parent]}
		key, code := programme.MatchKey(p.Name), strings.EqualFold(p.PCode, typed)
		switch {
		case p.Level != 3:
			above = above || code || key == name
		case code:
			return c, nil
		case key == name:
			whole = append(whole, c)
		case len(name) >= nearLeast && strings.HasPrefix(key, name):
			begun = append(begun, c)
		}
	}
	switch {
	case len(whole) == 1:
		return whole[0], nil
	case len(whole) > 1:
		return Commune{}, &WhichError{typed, whole}
	case above:
		return Commune{}, ErrNotCommune
	case len(begun) > 0:
		return Commune{}, &WhichError{typed, begun[:min(nearMost, len(begun))]}
	}
	return Commune{}, ErrNoCommune
}
