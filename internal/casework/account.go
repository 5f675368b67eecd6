package casework

import (
	"context"
	"errors"
	"fmt"

	"github.com/google/uuid"

	"lafia/internal/audit"
	"lafia/internal/staff"
	"lafia/internal/vault"
)

// ErrUsername is returned for a name that no account can have.
var ErrUsername = errors.New("a username has 2 to 40 lower case letters, digits, dots, dashes or underscores, a letter first")

// NewAccount is what it takes to add somebody.
type NewAccount struct {
	Username  string
	Name      string
	Role      staff.Role
	Regions   []string
	Password  string
	Language  string // fr when empty
	Synthetic bool
	// Confidential is wrapped by the password, for a focal point. May be nil.
	Confidential *vault.PrivateKey
}

// AddAccount adds somebody to the team. It is for the command line, whose actor by
// is, and for demonstrations: no page adds accounts.
func (d *Desk) AddAccount(ctx context.Context, by string, n NewAccount) (staff.Account, error) {
	if !staff.ValidUsername(n.Username) {
		return staff.Account{}, ErrUsername
	}
	if _, ok := staff.ParseRole(string(n.Role)); !ok {
		return staff.Account{}, fmt.Errorf("role %q is none of %v", n.Role, staff.Roles)
	}
	if err := staff.CheckPassword(n.Password); err != nil {
		return staff.Account{}, err
	}
	id, err := uuid.FromBytes(d.random(16))
	if err != nil {
		return staff.Account{}, fmt.Errorf("making an account's id: %w", err)
	}
	id[6], id[8] = id[6]&0x0f|0x40, id[8]&0x3f|0x80 // version 4, RFC 9562
	hash, err := d.hasher.Hash(ctx, n.Password)
	if err != nil {
		return staff.Account{}, err
	}
	a := staff.Account{
		ID: id.String(), Username: n.Username, Name: n.Name, Role: n.Role, Regions: n.Regions, PasswordHash: staff.Hash(hash),
		Language: n.Language, Active: true, Synthetic: n.Synthetic, CreatedAt: d.now(),
	}
	if a.Language == "" {
		a.Language = "fr"
	}
	if n.Confidential != nil {
		a.Confidential = n.Confidential.Wrap(n.Password)
	}
	if err := d.store.AddStaff(ctx, a, d.act(by, audit.AccountAdd, a.ID, append([]string{a.Username, string(a.Role)}, a.Regions...)...)); err != nil {
		return staff.Account{}, err
	}
	return a, nil
}

// Accounts lists the team for who may see it, without what opens anything.
func (d *Desk) Accounts(ctx context.Context, who staff.Account) ([]staff.Account, error) {
	if !who.Role.May("accounts") {
		return nil, ErrNotFound
	}
	list, err := d.store.ListStaff(ctx)
	if err != nil {
		return nil, err
	}
	for i := range list {
		list[i].PasswordHash, list[i].Confidential = "", nil
	}
	return list, d.read(ctx, who.Scope(), audit.AccountsList, "", len(list))
}

// SetLanguage keeps the language somebody reads the console in.
func (d *Desk) SetLanguage(ctx context.Context, who staff.Account, language string) error {
	return d.store.SetStaffLanguage(ctx, who.ID, language)
}
