package store

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"lafia/internal/programme"
)

// PutPlaces loads the gazetteer, replacing names of codes that are there.
func (s *Store) PutPlaces(ctx context.Context, gazetteer string, places []programme.Place) error {
	b := &pgx.Batch{}
	for _, p := range places {
		b.Queue(`
insert into place (pcode, level, name, parent, gazetteer) values ($1, $2, $3, $4, $5)
on conflict (pcode) do update set name = excluded.name, parent = excluded.parent, gazetteer = excluded.gazetteer`,
			p.PCode, p.Level, p.Name, p.Parent, gazetteer)
	}
	if err := s.pool.SendBatch(ctx, b).Close(); err != nil {
		return fmt.Errorf("loading places: %w", err)
	}
	return nil
}

// Places lists every place.
func (s *Store) Places(ctx context.Context) ([]programme.Place, error) {
	rows, err := s.pool.Query(ctx, `select pcode, level::int, name, parent from place order by level, name`)
	if err != nil {
		return nil, fmt.Errorf("reading places: %w", err)
	}
	out, err := pgx.CollectRows(rows, pgx.RowToStructByPos[programme.Place])
	if err != nil {
		return nil, fmt.Errorf("reading places: %w", err)
	}
	return out, nil
}

// PutProjects loads projects, replacing what stands under their codes.
func (s *Store) PutProjects(ctx context.Context, projects []programme.Project, synthetic bool) error {
	b := &pgx.Batch{}
	for _, p := range projects {
		b.Queue(`
insert into project (code, dial, name, kind, place, region, phase, synthetic) values ($1, $2, $3, $4, $5, $6, $7, $8)
on conflict (code) do update set name = excluded.name, kind = excluded.kind, place = excluded.place, region = excluded.region, phase = excluded.phase`,
			p.Code, p.Dial, p.Name, p.Kind, p.Place, p.Region, p.Phase, synthetic)
	}
	if err := s.pool.SendBatch(ctx, b).Close(); err != nil {
		return fmt.Errorf("loading projects: %w", err)
	}
	return nil
}

// Projects lists every project.
func (s *Store) Projects(ctx context.Context) ([]programme.Project, error) {
	rows, err := s.pool.Query(ctx, `select code, dial, name, kind, place, region, phase::int from project order by phase, code`)
	if err != nil {
		return nil, fmt.Errorf("reading projects: %w", err)
	}
	out, err := pgx.CollectRows(rows, pgx.RowToStructByPos[programme.Project])
	if err != nil {
		return nil, fmt.Errorf("reading projects: %w", err)
	}
	return out, nil
}

// PutGroup stores a group and the contact that leads it.
func (s *Store) PutGroup(ctx context.Context, g programme.Group, contact, pinHash []byte, synthetic bool) error {
	return s.inTx(ctx, "storing a group and its leader", func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, `
insert into grp (code, name, project, place, region, synthetic) values ($1, $2, $3, $4, $5, $6)
on conflict (code) do update set name = excluded.name`, g.Code, g.Name, g.Project, g.Place, g.Region, synthetic); err != nil {
			return err
		}
		_, err := tx.Exec(ctx, `
insert into leader (contact, grp, pin_hash, synthetic) values ($1, $2, $3, $4)
on conflict (contact, grp) do update set pin_hash = excluded.pin_hash, failures = 0`, contact, g.Code, pinHash, synthetic)
		return err
	})
}

// CountSubmissions counts the rows of L1 and L2, for the demo's loader and tests.
func (s *Store) CountSubmissions(ctx context.Context, syntheticOnly bool) (int, error) {
	var n int
	err := s.pool.QueryRow(ctx, `select count(*) from submission where synthetic or not $1`, syntheticOnly).Scan(&n)
	if err != nil {
		return 0, fmt.Errorf("counting submissions: %w", err)
	}
	return n, nil
}
