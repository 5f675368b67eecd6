package sessionsuite_test

import (
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"lafia/internal/servers/serverstest"
	"lafia/internal/session"
	"lafia/internal/session/sessionsuite"
)

func TestMain(m *testing.M) { serverstest.Main(m) }

func TestTheSessionsInRedis(t *testing.T) {
	addr := serverstest.Redis(t)
	sessionsuite.Run(t, func(t *testing.T) sessionsuite.Subject {
		s, err := session.Open(t.Context(), session.Options{Network: "unix", Addr: addr})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = s.Close() })
		flush := func() {
			r := redis.NewClient(&redis.Options{Network: "unix", Addr: addr})
			defer r.Close()
			if err := r.FlushAll(t.Context()).Err(); err != nil {
				t.Fatal(err)
			}
		}
		flush()
		return sessionsuite.Subject{Sessions: s, Flush: flush, Pass: time.Sleep}
	})
}
