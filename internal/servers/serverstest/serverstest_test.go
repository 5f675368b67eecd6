package serverstest_test

import (
	"context"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/redis/go-redis/v9"

	"lafia/internal/servers/serverstest"
)

func TestMain(m *testing.M) { serverstest.Main(m) }

func TestEachTestHasAnEmptyDatabaseOfItsOwn(t *testing.T) {
	for range 2 {
		t.Run("", func(t *testing.T) {
			conn := connect(t, serverstest.Postgres(t))
			if _, err := conn.Exec(t.Context(), "CREATE TABLE alone (x int)"); err != nil {
				t.Fatal(err)
			}
		})
	}
}

func TestPostgresFromCopiesWhatWasPreparedOnce(t *testing.T) {
	prepared := 0
	prepare := func(url string) error {
		prepared++
		conn, err := pgx.Connect(context.Background(), url)
		if err != nil {
			return err
		}
		if _, err := conn.Exec(context.Background(), "CREATE TABLE t (x int); INSERT INTO t VALUES (7)"); err != nil {
			return err
		}
		return conn.Close(context.Background())
	}
	for range 2 {
		t.Run("", func(t *testing.T) {
			conn := connect(t, serverstest.PostgresFrom(t, "seven", prepare))
			var rows int
			if err := conn.QueryRow(t.Context(), "SELECT count(*) FROM t").Scan(&rows); err != nil || rows != 1 {
				t.Fatalf("rows = %d, %v, want 1", rows, err)
			}
			if _, err := conn.Exec(t.Context(), "INSERT INTO t VALUES (8)"); err != nil {
				t.Fatal(err)
			}
		})
	}
	if prepared != 1 {
		t.Errorf("prepared %d times, want once", prepared)
	}
}

func TestEachTestHasARedisOfItsOwn(t *testing.T) {
	for range 2 {
		t.Run("", func(t *testing.T) {
			client := redis.NewClient(&redis.Options{Network: "unix", Addr: serverstest.Redis(t), DisableIdentity: true})
			defer client.Close()
			if n, err := client.Incr(t.Context(), "n").Result(); err != nil || n != 1 {
				t.Fatalf("n = %d, %v, want 1", n, err)
			}
		})
	}
}

func BenchmarkDatabase(b *testing.B) {
	for b.Loop() {
		b.StopTimer()
		b.StartTimer()
		serverstest.Postgres(b)
	}
}

func connect(t *testing.T, url string) *pgx.Conn {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close(context.Background()) })
	return conn
}
