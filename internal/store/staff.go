package store

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"lafia/internal/audit"
	"lafia/internal/staff"
)

const staffColumns = `id::text, username, name, role, regions, password_hash, confidential, language, active, synthetic, created_at`

func scanStaff(row pgx.CollectableRow) (staff.Account, error) {
	var a staff.Account
	err := row.Scan(&a.ID, &a.Username, &a.Name, &a.Role, &a.Regions, &a.PasswordHash, &a.Confidential, &a.Language, &a.Active, &a.Synthetic, &a.CreatedAt)
	return a, err
}

const addStaff = `
insert into staff (id, username, name, role, regions, password_hash, confidential, language, active, synthetic, created_at)
values ($1::text::uuid, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)`

// AddStaff stores a new account. A username that is taken is an error.
func (s *Store) AddStaff(ctx context.Context, a staff.Account, act audit.Draft) error {
	regions := a.Regions
	if regions == nil {
		regions = []string{}
	}
	return s.inTx(ctx, "adding an account", func(tx pgx.Tx) error {
		_, err := tx.Exec(ctx, addStaff, a.ID, a.Username, a.Name, string(a.Role), regions, string(a.PasswordHash), a.Confidential, a.Language, a.Active, a.Synthetic, a.CreatedAt)
		if err != nil {
			return err
		}
		return audited(ctx, tx, act)
	})
}

// StaffByUsername finds an account by its name, active or not.
func (s *Store) StaffByUsername(ctx context.Context, username string) (staff.Account, error) {
	return s.oneStaff(ctx, `select `+staffColumns+` from staff where username = $1`, username)
}

// StaffByID finds an account, active or not.
func (s *Store) StaffByID(ctx context.Context, id string) (staff.Account, error) {
	return s.oneStaff(ctx, `select `+staffColumns+` from staff where id = $1::text::uuid`, id)
}

func (s *Store) oneStaff(ctx context.Context, query, arg string) (staff.Account, error) {
	rows, err := s.pool.Query(ctx, query, arg)
	if err != nil {
		return staff.Account{}, fmt.Errorf("finding an account: %w", err)
	}
	a, err := pgx.CollectExactlyOneRow(rows, scanStaff)
	if err != nil {
		return staff.Account{}, fmt.Errorf("finding an account: %w", notFound(err))
	}
	return a, nil
}

// staffMost bounds the list of accounts: a programme has some dozens.
const staffMost = 500

// ListStaff lists accounts by role and name.
func (s *Store) ListStaff(ctx context.Context) ([]staff.Account, error) {
	rows, err := s.pool.Query(ctx, `select `+staffColumns+` from staff order by active desc, role, name, username limit $1`, staffMost)
	if err != nil {
		return nil, fmt.Errorf("listing accounts: %w", err)
	}
	list, err := pgx.CollectRows(rows, scanStaff)
	if err != nil {
		return nil, fmt.Errorf("listing accounts: %w", err)
	}
	return list, nil
}

// SetStaffLanguage keeps the language that an account reads the console in.
func (s *Store) SetStaffLanguage(ctx context.Context, id, language string) error {
	if _, err := s.pool.Exec(ctx, `update staff set language = $2 where id = $1::text::uuid`, id, language); err != nil {
		return fmt.Errorf("keeping an account's language: %w", err)
	}
	return nil
}

const openSession = `
insert into staff_session (token_hash, staff_id, csrf, created_at, seen_at, expires_at)
values ($1, $2::text::uuid, $3, $4, $5, $6)`

// OpenSession stores a new login, and clears what is past its time.
func (s *Store) OpenSession(ctx context.Context, e staff.Session, now time.Time, act audit.Draft) error {
	return s.inTx(ctx, "opening a session", func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, `delete from staff_session where expires_at < $1`, now); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, openSession, e.TokenHash, e.StaffID, e.CSRF, e.CreatedAt, e.SeenAt, e.ExpiresAt); err != nil {
			return err
		}
		return audited(ctx, tx, act)
	})
}

// SessionOf finds a session and its account by the token's hash. Whether it is
// still alive is the caller's to judge.
func (s *Store) SessionOf(ctx context.Context, tokenHash []byte) (staff.Session, staff.Account, error) {
	const query = `
select e.token_hash, e.staff_id::text, e.csrf, e.created_at, e.seen_at, e.expires_at,
       a.id::text, a.username, a.name, a.role, a.regions, a.password_hash, a.confidential, a.language, a.active, a.synthetic, a.created_at
from staff_session e join staff a on a.id = e.staff_id where e.token_hash = $1`
	var e staff.Session
	var a staff.Account
	err := s.pool.QueryRow(ctx, query, tokenHash).Scan(&e.TokenHash, &e.StaffID, &e.CSRF, &e.CreatedAt, &e.SeenAt, &e.ExpiresAt,
		&a.ID, &a.Username, &a.Name, &a.Role, &a.Regions, &a.PasswordHash, &a.Confidential, &a.Language, &a.Active, &a.Synthetic, &a.CreatedAt)
	if err != nil {
		return e, a, fmt.Errorf("finding a session: %w", notFound(err))
	}
	return e, a, nil
}

// TouchSession writes when a session was last used.
func (s *Store) TouchSession(ctx context.Context, tokenHash []byte, now time.Time) error {
	if _, err := s.pool.Exec(ctx, `update staff_session set seen_at = $2 where token_hash = $1 and seen_at < $2`, tokenHash, now); err != nil {
		return fmt.Errorf("touching a session: %w", err)
	}
	return nil
}

// CloseSession ends a login; act is by whose it was. One that has ended already is
// no act.
func (s *Store) CloseSession(ctx context.Context, tokenHash []byte, act audit.Draft) error {
	return s.inTx(ctx, "closing a session", func(tx pgx.Tx) error {
		err := tx.QueryRow(ctx, `delete from staff_session where token_hash = $1 returning staff_id::text`, tokenHash).Scan(&act.Actor)
		switch {
		case errors.Is(err, pgx.ErrNoRows):
			return nil
		case err != nil:
			return err
		}
		act.Object = act.Actor
		return audited(ctx, tx, act)
	})
}
