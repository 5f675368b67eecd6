package simulation

import (
	"context"
	"sync"
	"testing"
	"time"

	"lafia/internal/session/sessionsuite"
	"lafia/internal/store"
	"lafia/internal/store/storetest"
)

func TestTheRecordInMemory(t *testing.T) {
	storetest.RecordSuite(t, func(*testing.T) storetest.Subject {
		r := NewRecord(Flaws{})
		return storetest.Subject{
			Record: r, PutGroup: r.PutGroup, PutAnswer: r.PutAnswer,
			Rows: func(context.Context) (out []storetest.Row, err error) {
				for _, s := range r.Submissions() {
					out = append(out, storetest.Row{ID: s.ID, Contact: s.Contact, Answers: s.Answers, Altered: s.Altered, Partial: s.Partial,
						Confirmed: s.Confirmed, Corrects: s.Corrects, Words: s.Sealed != nil})
				}
				return out, nil
			},
			Unhandled: func(context.Context) (out []string, err error) {
				for _, m := range r.Unhandled() {
					out = append(out, m.ID)
				}
				return out, nil
			},
			Outbound: func(context.Context) (out []store.Outbound, err error) {
				for _, o := range r.Outbound(nil) {
					out = append(out, o.Outbound)
				}
				return out, nil
			},
			Unreadable: func(context.Context) (int, error) { return r.Unreadable(), nil },
		}
	})
}

func TestTheSessionsInMemory(t *testing.T) {
	sessionsuite.Run(t, func(*testing.T) sessionsuite.Subject {
		var mu sync.Mutex
		now := day
		s := NewSessions(func() time.Time { mu.Lock(); defer mu.Unlock(); return now }, Flaws{})
		return sessionsuite.Subject{Sessions: s, Flush: s.Flush, Pass: func(d time.Duration) { mu.Lock(); defer mu.Unlock(); now = now.Add(d) }}
	})
}
