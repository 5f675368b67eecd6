package storetest_test

import (
	"context"
	"testing"

	"lafia/internal/servers/serverstest"
	"lafia/internal/store"
	"lafia/internal/store/storetest"
)

func TestMain(m *testing.M) { serverstest.Main(m) }

func TestTheRecordInPostgreSQL(t *testing.T) {
	storetest.RecordSuite(t, func(t *testing.T) storetest.Subject {
		url := serverstest.PostgresFrom(t, "recordsuite", func(url string) error {
			s, err := store.Open(context.Background(), url, store.Options{MaxConns: 2})
			if err != nil {
				return err
			}
			defer s.Close()
			return s.Migrate(context.Background())
		})
		s, err := store.Open(t.Context(), url, store.Options{MaxConns: 8})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(s.Close)
		return storetest.SubjectOf(s)
	})
}
