// Package demo is a programme to try Lafia with: projects, groups, leaders, staff
// and a month of messages, all made up and all marked synthetic. `lafia dev`
// loads it once into an empty database. It has no clock and no chance of its
// own: the same moment and the same keys give the same programme.
package demo

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"lafia/internal/programme"
	"lafia/internal/staff"
	"lafia/internal/store"
	"lafia/internal/vault"
)

// Options of Load. All are needed.
type Options struct {
	KeysDir string
	Ring    *vault.Ring
	Now     time.Time
	Random  func(n int) []byte // for salts, from a cryptographic source, safe for concurrent use
	// Password gives the password of a demo account, of at least
	// staff.PasswordLeast characters. The confidential private key is wrapped by
	// the focal point's, and is nowhere else: keep drawn passwords (0600, beside
	// the data) before Load, and give the same ones at every start. It is never
	// called twice at once.
	Password func(user string) string
}

// Programme is the demo as somebody needs to know it who tries it. As JSON it is
// what dev.json says of it.
type Programme struct {
	Logins   []Login   `json:"logins"`
	Leaders  []Leader  `json:"leaders"`
	Projects []Project `json:"projects"`

	// Ring is the ring to go on with: the one given, or, when the confidential
	// pair was made just now, one that has it.
	Ring *vault.Ring `json:"-"`
	// Loaded says that the database was empty and is filled now.
	Loaded bool `json:"-"`
	// Locked says that the focal point's password no longer opens the confidential
	// key: Password gives others than those that the demo was loaded with.
	Locked bool `json:"-"`
}

// Login is a demo account. It shows its password as JSON only.
type Login struct {
	User     string     `json:"user"`
	Password string     `json:"password"`
	Role     staff.Role `json:"role"`
}

// String gives the name alone.
func (l Login) String() string { return "login " + l.User }

// GoString gives the name alone.
func (l Login) GoString() string { return l.String() }

// LogValue gives the name alone.
func (l Login) LogValue() slog.Value { return slog.StringValue(l.String()) }

// Leader is a leader of a demo group. She shows her phone and PIN as JSON only.
type Leader struct {
	Phone string `json:"phone"`
	Group string `json:"group"`
	PIN   string `json:"pin"`
}

// String gives the group alone.
func (l Leader) String() string { return "leader of " + l.Group }

// GoString gives the group alone.
func (l Leader) GoString() string { return l.String() }

// LogValue gives the group alone.
func (l Leader) LogValue() slog.Value { return slog.StringValue(l.String()) }

// Project is a demo project. Dial is its digits alone, without a service code.
type Project struct {
	Code string `json:"code"`
	Dial string `json:"dial"`
	Name string `json:"name"`
}

// team lists the demo accounts. Passwords aren't here.
var team = []staff.Account{
	{Username: "viewer", Name: "Lecture (demo)", Role: staff.Viewer, Regions: []string{"ML06", "ML05", "ML04"}},
	{Username: "officer", Name: "Equipe projets (demo)", Role: staff.Officer, Regions: []string{"ML06", "ML05", "ML04"}},
	{Username: "officer-mopti", Name: "Equipe projets Mopti (demo)", Role: staff.Officer, Regions: []string{"ML05"}},
	{Username: "peace", Name: "Equipe paix (demo)", Role: staff.Peace, Regions: []string{"ML06", "ML05", "ML04"}},
	{Username: "protection", Name: "Point focal protection (demo)", Role: staff.Protection},
	{Username: "coordinator", Name: "Coordination (demo)", Role: staff.Coordinator},
	{Username: "translator", Name: "Traduction (demo)", Role: staff.Translator},
	{Username: "administrator", Name: "Administration (demo)", Role: staff.Administrator},
}

// Users lists the names of the demo accounts, so that passwords can be drawn and
// kept before Load uses them.
func Users() []string {
	names := make([]string, len(team))
	for i, a := range team {
		names[i] = a.Username
	}
	return names
}

// Load fills a database that has no project yet, all of it or nothing, and
// describes the demo. Where projects are it changes no data, but for one thing:
// a demo account whose password is not the given one gets that (its sessions
// end). Accounts of the same names that are not the demo's are left alone, and
// left out of the description.
//
// Without a confidential pair in the key folder Load makes one; so it does when
// there is one that no account can open and nothing was ever sealed to, which is
// what a start that was killed halfway leaves behind.
func Load(ctx context.Context, s *store.Store, o Options) (*Programme, error) {
	d, err := readData()
	if err != nil {
		return nil, err
	}
	l := &loader{Options: o, store: s, data: d, hasher: staff.NewHasher(o.Random)}
	p := &Programme{Leaders: d.leaders, Ring: o.Ring}
	for _, r := range d.projects {
		p.Projects = append(p.Projects, Project{Code: r.Code, Dial: r.Dial, Name: r.Name})
	}
	projects, err := s.Projects(ctx)
	if err != nil {
		return nil, err
	}
	if len(projects) == 0 {
		if p.Loaded, err = l.load(ctx); err != nil {
			return nil, err
		}
		p.Ring = l.Ring
	}
	if p.Logins, p.Locked, err = l.logins(ctx, p.Loaded); err != nil {
		return nil, err
	}
	return p, nil
}

type loader struct {
	Options
	store  *store.Store
	data   data
	hasher *staff.Hasher
}

// load makes the whole programme and stores it.
func (l *loader) load(ctx context.Context) (bool, error) {
	private, err := l.pair(ctx)
	if err != nil {
		return false, err
	}
	accounts, err := l.accounts(ctx, private)
	if err != nil {
		return false, err
	}
	d := store.Demo{Gazetteer: Gazetteer, Places: l.data.places, Projects: l.data.projects, Groups: l.data.groups, Staff: accounts}
	for _, r := range l.data.leaders {
		d.Leaders = append(d.Leaders, store.DemoLeader{Contact: l.contact(r.Phone), Group: r.Group, PINHash: l.Ring.PINHash(r.Group, r.PIN)})
	}
	for i, m := range makeMonth(l.data, l.Now) {
		l.seal(&d, i, m)
	}
	if l.Ring.HasConfidential() {
		for i, c := range makeConfidential(l.Now) {
			if err := l.sealConfidential(&d, i, c); err != nil {
				return false, err
			}
		}
	}
	return l.store.LoadDemo(ctx, d)
}

// pair makes the confidential pair where there is none, and gives its private
// half; nil where there is one. It looks into the folder, since an earlier try
// may have made one that the given ring does not know. A load that fails leaves
// the pair: its commit may have happened, and else the next load replaces it.
func (l *loader) pair(ctx context.Context) (*vault.PrivateKey, error) {
	ring, err := vault.Open(l.KeysDir)
	if err != nil {
		return nil, err
	}
	l.Ring = ring
	if ring.HasConfidential() {
		orphan, err := l.orphan(ctx)
		if err != nil || !orphan {
			return nil, err
		}
		if err := vault.RemoveConfidentialPublic(l.KeysDir); err != nil {
			return nil, fmt.Errorf("removing a confidential public key that nobody can use: %w", err)
		}
	}
	private, err := vault.NewConfidentialPair(l.KeysDir)
	if err != nil {
		return nil, err
	}
	if l.Ring, err = vault.Open(l.KeysDir); err != nil {
		return nil, err
	}
	return private, nil
}

// orphan reports whether the pair that is there opens nothing for nobody.
func (l *loader) orphan(ctx context.Context) (bool, error) {
	rows, err := l.store.HasConfidentialRows(ctx)
	if err != nil || rows {
		return false, err
	}
	accounts, err := l.store.ListStaff(ctx)
	if err != nil {
		return false, err
	}
	for _, a := range accounts {
		if len(a.Confidential) > 0 {
			return false, nil
		}
	}
	return true, nil
}

// accounts makes the team with its passwords. private may be nil.
func (l *loader) accounts(ctx context.Context, private *vault.PrivateKey) ([]staff.Account, error) {
	list, passwords := make([]staff.Account, len(team)), make([]string, len(team))
	for i, name := range Users() { // one after the other: it may draw them
		passwords[i] = l.Password(name)
	}
	err := each(len(team), func(i int) error {
		a, password := team[i], passwords[i]
		if err := staff.CheckPassword(password); err != nil {
			return fmt.Errorf("the demo account %s: %w", a.Username, err)
		}
		hash, err := l.hasher.Hash(ctx, password)
		if err != nil {
			return err
		}
		a.ID, a.PasswordHash, a.Language, a.Active, a.Synthetic, a.CreatedAt = l.staffID(a.Username), staff.Hash(hash), "fr", true, true, l.Now.Add(-month)
		if a.Role == staff.Protection && private != nil {
			a.Confidential = private.Wrap(password)
		}
		list[i] = a
		return nil
	})
	return list, err
}

// logins describes the accounts, and gives those of an earlier start the
// passwords of this one.
func (l *loader) logins(ctx context.Context, fresh bool) (logins []Login, locked bool, err error) {
	stored, err := l.store.ListStaff(ctx)
	if err != nil {
		return nil, false, err
	}
	byName := map[string]staff.Account{}
	for _, a := range stored {
		byName[a.Username] = a
	}
	var mine []staff.Account
	for _, t := range team {
		if a, ok := byName[t.Username]; ok && a.Synthetic {
			mine = append(mine, a)
			logins = append(logins, Login{User: a.Username, Password: l.Password(a.Username), Role: a.Role})
		}
	}
	if fresh {
		return logins, false, nil
	}
	opens := make([]bool, len(mine))
	err = each(len(mine), func(i int) error {
		var err error
		opens[i], err = l.setPassword(ctx, mine[i], logins[i].Password)
		return err
	})
	for i := range mine {
		locked = locked || !opens[i]
	}
	return logins, locked, err
}

// setPassword makes the given password an account's, and reports whether it
// opens the confidential key that the account holds, if it holds one. That key
// stays as it is wrapped: only the password that it was wrapped by could wrap it
// anew.
func (l *loader) setPassword(ctx context.Context, a staff.Account, password string) (opens bool, err error) {
	opens = true
	if len(a.Confidential) > 0 {
		_, err := vault.UnwrapPrivateKey(a.Confidential, password)
		opens = err == nil
	}
	same, err := l.hasher.Verify(ctx, password, string(a.PasswordHash))
	if err != nil || same {
		return opens, err
	}
	if err := staff.CheckPassword(password); err != nil {
		return opens, fmt.Errorf("the demo account %s: %w", a.Username, err)
	}
	hash, err := l.hasher.Hash(ctx, password)
	if err != nil {
		return opens, err
	}
	return opens, l.store.SetDemoPassword(ctx, a.ID, staff.Hash(hash))
}

func (l *loader) contact(phone string) []byte { return l.Ring.Pseudonym(phone).Bytes() }

func (l *loader) staffID(user string) string {
	return l.Ring.ID("demo-staff", []byte(user)).UUID()
}

// reference is derived as every reference is.
func (l *loader) reference(id string) programme.Reference {
	return programme.ReferenceOf(l.Ring.ID("reference", []byte(id)).Bytes())
}

func (l *loader) id(label string, i int) string {
	return l.Ring.ID(label, []byte{byte(i >> 8), byte(i)}).UUID()
}

// seal adds a message and its history to what will be stored.
func (l *loader) seal(d *store.Demo, i int, m message) {
	sub := m.Submission
	sub.ID = l.id("demo", i)
	sub.Reference = l.reference(sub.ID)
	row := store.DemoSubmission{Submission: sub, Contact: l.contact(m.phone)}
	if sub.Text != "" {
		row.Sealed = l.Ring.Seal([]byte(sub.Text), "submission/"+sub.ID)
	}
	row.Text = ""
	d.Submissions = append(d.Submissions, row)
	for _, v := range m.moves {
		e := store.DemoEvent{SubmissionID: sub.ID, StaffID: l.staffID(v.Staff), At: v.At, From: v.From, To: v.To}
		if v.Note != "" {
			e.Sealed = l.Ring.Seal([]byte(v.Note), "note/"+sub.ID)
		}
		d.Events = append(d.Events, e)
	}
}

func (l *loader) sealConfidential(d *store.Demo, i int, body programme.ConfidentialBody) error {
	plain, err := json.Marshal(body)
	if err != nil {
		return fmt.Errorf("writing a confidential body: %w", err)
	}
	sealed, err := l.Ring.SealConfidential(plain)
	if err != nil {
		return err
	}
	id := l.id("demo-confidential", i)
	d.Confidential = append(d.Confidential, store.DemoConfidential{
		ID: id, Contact: l.contact(body.Number), Reference: l.reference(id), Sealed: sealed, ReceivedAt: body.ReceivedAt,
	})
	return nil
}

// each runs f for 0 to n-1 at once and gives what failed. n is the size of the
// team; the hasher bounds what that costs.
func each(n int, f func(i int) error) error {
	errs := make([]error, n)
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() { errs[i] = f(i) })
	}
	wg.Wait()
	return errors.Join(errs...)
}
