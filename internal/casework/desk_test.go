package casework

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"lafia/internal/programme"
	"lafia/internal/servers/serverstest"
	"lafia/internal/staff"
	"lafia/internal/store"
	"lafia/internal/vault"
)

func TestMain(m *testing.M) { serverstest.Main(m) }

// bench is a desk on a database of its own.
type bench struct {
	*Desk
	pool    *pgxpool.Pool
	now     time.Time
	private *vault.PrivateKey
	ring    *vault.Ring
	serial  int
}

func random(n int) []byte {
	b := make([]byte, n)
	_, _ = rand.Read(b)
	return b
}

func migrate(url string) error {
	s, err := store.Open(context.Background(), url, store.Options{})
	if err != nil {
		return err
	}
	defer s.Close()
	return s.Migrate(context.Background())
}

func newBench(t *testing.T) *bench {
	t.Helper()
	s, err := store.Open(t.Context(), serverstest.PostgresFrom(t, "migrated", migrate), store.Options{MaxConns: 4})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	dir := filepath.Join(t.TempDir(), "keys")
	if err := vault.Create(dir); err != nil {
		t.Fatal(err)
	}
	private, err := vault.NewConfidentialPair(dir)
	if err != nil {
		t.Fatal(err)
	}
	ring, err := vault.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	b := &bench{pool: s.Pool(), now: time.Date(2026, 11, 24, 9, 0, 0, 0, time.UTC), private: private, ring: ring}
	b.Desk = New(Options{Store: s, Ring: ring, Now: func() time.Time { return b.now }, Random: random})
	return b
}

func (b *bench) exec(t *testing.T, sql string, args ...any) {
	t.Helper()
	if _, err := b.pool.Exec(t.Context(), sql, args...); err != nil {
		t.Fatal(err)
	}
}

// submit stores a submission as a capture would, and gives its id.
func (b *bench) submit(t *testing.T, s programme.Submission) string {
	t.Helper()
	b.serial++
	id := fmt.Sprintf("00000000-0000-8000-8000-%012d", b.serial)
	if s.Level == "" {
		s.Level = programme.L1
	}
	if s.Kind == "" {
		s.Kind = programme.Feedback
	}
	if s.Status == "" {
		s.Status = programme.New
	}
	var sealed []byte
	if s.Text != "" {
		sealed = b.ring.Seal([]byte(s.Text), "submission/"+id)
	}
	answers, err := json.Marshal(s.Answers)
	if err != nil || s.Answers == nil {
		answers = []byte("{}")
	}
	b.exec(t, `insert into submission (id, kind, level, status, reference, contact, channel, medium, language, project, region, answers, sealed, synthetic, received_at)
		values ($1::text::uuid, $2, $3, $4, '48271936', $5, 'demo', 'ussd', 'fr', $6, $7, $8, $9, $10, $11)`,
		id, string(s.Kind), string(s.Level), string(s.Status), make([]byte, 32), s.Project, s.Region, answers, sealed, s.Synthetic, b.now)
	return id
}

func (b *bench) account(t *testing.T, role staff.Role, regions ...string) staff.Account {
	t.Helper()
	n := NewAccount{Username: string(role) + fmt.Sprint(len(regions)), Name: "Demo " + string(role), Role: role, Regions: regions, Password: "un mot de passe long"}
	if role == staff.Protection {
		n.Confidential = b.private
	}
	a, err := b.AddAccount(t.Context(), "cli:test", n)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func count(t *testing.T, b *bench, sql string) int {
	t.Helper()
	var n int
	if err := b.pool.QueryRow(t.Context(), sql).Scan(&n); err != nil && err != pgx.ErrNoRows {
		t.Fatal(err)
	}
	return n
}
