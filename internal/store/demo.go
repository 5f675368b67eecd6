package store

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"lafia/internal/programme"
	"lafia/internal/staff"
)

// Demo is a whole demo programme. Every row of it is stored as synthetic.
type Demo struct {
	Gazetteer    string
	Places       []programme.Place
	Projects     []programme.Project
	Groups       []programme.Group
	Leaders      []DemoLeader
	Staff        []staff.Account
	Submissions  []DemoSubmission // in the order of their arrival
	Events       []DemoEvent      // in their order
	Confidential []DemoConfidential
}

// DemoLeader is a leader of one group of a demo programme.
type DemoLeader struct {
	Contact []byte
	Group   string
	PINHash []byte
}

// DemoSubmission is a submission of a demo programme. Text is ignored: the words
// are in Sealed.
type DemoSubmission struct {
	programme.Submission
	Contact []byte
	Sealed  []byte
}

// DemoEvent is a move of a demo programme's submission.
type DemoEvent struct {
	SubmissionID string
	StaffID      string
	At           time.Time
	From, To     programme.Status
	Sealed       []byte
}

// DemoConfidential is an L3 row of a demo programme.
type DemoConfidential struct {
	ID         string
	Contact    []byte
	Reference  programme.Reference
	Sealed     []byte
	ReceivedAt time.Time
}

// LoadDemo stores a demo programme as a whole or not at all, and only where no
// project is: loaded is false where one was. Accounts whose name is taken are
// left as they are.
func (s *Store) LoadDemo(ctx context.Context, d Demo) (loaded bool, err error) {
	err = s.inTx(ctx, "loading the demo programme", func(tx pgx.Tx) error {
		// Two at once: the second waits, and finds what the first stored.
		if _, err := tx.Exec(ctx, `lock table project in share row exclusive mode`); err != nil {
			return err
		}
		var there bool
		if err := tx.QueryRow(ctx, `select exists (select from project)`).Scan(&there); err != nil || there {
			return err
		}
		b := &pgx.Batch{}
		for _, a := range d.Staff {
			regions := a.Regions
			if regions == nil {
				regions = []string{}
			}
			b.Queue(addStaff+` on conflict (username) do nothing`,
				a.ID, a.Username, a.Name, string(a.Role), regions, string(a.PasswordHash), a.Confidential, a.Language, a.Active, true, a.CreatedAt)
		}
		b.Queue(`delete from place`) // of a gazetteer without a project, which nothing refers to
		if err := tx.SendBatch(ctx, b).Close(); err != nil {
			return err
		}
		for _, t := range d.tables() {
			if _, err := tx.CopyFrom(ctx, pgx.Identifier{t.name}, t.columns, pgx.CopyFromSlice(t.n, t.row)); err != nil {
				return fmt.Errorf("table %s: %w", t.name, err)
			}
		}
		loaded = true
		return nil
	})
	return loaded, err
}

// demoTable is what is copied into one table.
type demoTable struct {
	name    string
	columns []string
	n       int
	row     func(i int) ([]any, error)
}

func (d Demo) tables() []demoTable {
	return []demoTable{
		{"place", []string{"pcode", "level", "name", "parent", "gazetteer"}, len(d.Places), func(i int) ([]any, error) {
			p := d.Places[i]
			return []any{p.PCode, p.Level, p.Name, p.Parent, d.Gazetteer}, nil
		}},
		{"project", []string{"code", "dial", "name", "kind", "place", "region", "phase", "synthetic"}, len(d.Projects), func(i int) ([]any, error) {
			p := d.Projects[i]
			return []any{p.Code, p.Dial, p.Name, p.Kind, p.Place, p.Region, p.Phase, true}, nil
		}},
		{"grp", []string{"code", "name", "project", "place", "region", "synthetic"}, len(d.Groups), func(i int) ([]any, error) {
			g := d.Groups[i]
			return []any{g.Code, g.Name, g.Project, g.Place, g.Region, true}, nil
		}},
		{"leader", []string{"contact", "grp", "pin_hash", "synthetic"}, len(d.Leaders), func(i int) ([]any, error) {
			l := d.Leaders[i]
			return []any{l.Contact, l.Group, l.PINHash, true}, nil
		}},
		{
			"submission",
			[]string{
				"id", "kind", "level", "status", "reference", "contact", "channel", "medium", "language", "project", "place", "region", "grp",
				"answers", "sealed", "confirmed", "synthetic", "sent_at", "received_at",
			},
			len(d.Submissions), func(i int) ([]any, error) {
				s := d.Submissions[i]
				id, err := uuid.Parse(s.ID)
				answers := s.Answers
				if answers == nil {
					answers = map[string]string{}
				}
				return []any{
					id, string(s.Kind), string(s.Level), string(s.Status), string(s.Reference), s.Contact, s.Channel, s.Medium, s.Language, s.Project, s.Place, s.Region, s.Group,
					answers, s.Sealed, s.Confirmed, true, orNull(s.SentAt), s.ReceivedAt,
				}, err
			},
		},
		{"submission_event", []string{"submission_id", "at", "staff_id", "from_status", "to_status", "sealed_note"}, len(d.Events), func(i int) ([]any, error) {
			e := d.Events[i]
			id, err := uuid.Parse(e.SubmissionID)
			if err != nil {
				return nil, err
			}
			by, err := uuid.Parse(e.StaffID)
			return []any{id, e.At, by, string(e.From), string(e.To), e.Sealed}, err
		}},
		{"confidential", []string{"id", "contact", "reference", "sealed", "received_at"}, len(d.Confidential), func(i int) ([]any, error) {
			c := d.Confidential[i]
			id, err := uuid.Parse(c.ID)
			return []any{id, c.Contact, string(c.Reference), c.Sealed, c.ReceivedAt}, err
		}},
	}
}

// SetDemoPassword gives a demo account a new password hash and ends its
// sessions. The confidential key that the account holds stays as it is wrapped.
func (s *Store) SetDemoPassword(ctx context.Context, id string, hash staff.Hash) error {
	return s.inTx(ctx, "storing a demo account's password", func(tx pgx.Tx) error {
		tag, err := tx.Exec(ctx, `update staff set password_hash = $2 where id = $1::text::uuid and synthetic`, id, string(hash))
		if err != nil {
			return err
		}
		if tag.RowsAffected() == 0 {
			return ErrNotFound
		}
		_, err = tx.Exec(ctx, `delete from staff_session where staff_id = $1::text::uuid`, id)
		return err
	})
}

// HasConfidentialRows reports whether anything was ever sealed to the
// confidential pair, for the demo's loader: a pair that nothing was sealed to
// may be replaced.
func (s *Store) HasConfidentialRows(ctx context.Context) (bool, error) {
	var there bool
	if err := s.pool.QueryRow(ctx, `select exists (select from confidential)`).Scan(&there); err != nil {
		return false, fmt.Errorf("looking for confidential rows: %w", err)
	}
	return there, nil
}
