package fakeaggregator_test

import (
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"lafia/internal/servers/serverstest"
	"lafia/internal/store"
)

// twins are a primary with a synchronous standby. Gateways reach the primary by an
// address that moves to the standby when that is promoted, as a virtual address or
// a pooler does; the standby reaches the primary by a wire of its own.
type twins struct {
	t                *testing.T
	programs         programs
	primary, standby *postgres
	address, wire    *proxy
}

func newTwins(t *testing.T) *twins {
	t.Helper()
	p := &twins{t: t, programs: found(t)}
	p.primary = newPostgres(t, p.programs, "wal_sender_timeout=5s")
	must(t, fill(p.primary.url()))
	p.address = newProxy(t, "tcp", fmt.Sprintf("127.0.0.1:%d", p.primary.port))
	p.follow()
	return p
}

// url is the address that gateways have.
func (p *twins) url() string {
	return "postgres://lafia@" + p.address.addr() + "/lafia?sslmode=disable"
}

// follow makes a standby of the primary, and waits until commits wait for it.
func (p *twins) follow() {
	p.t.Helper()
	p.wire = newProxy(p.t, "tcp", fmt.Sprintf("127.0.0.1:%d", p.primary.port))
	s := clusterIn(p.t, p.programs, filepath.Join(theirs(p.t, filepath.Join(serverstest.Dir(p.t), "pg")), "data"), "wal_sender_timeout=5s", "wal_receiver_timeout=5s")
	from := fmt.Sprintf("host=127.0.0.1 port=%d user=lafia", p.primary.port)
	s.run("pg_basebackup", "-d", from, "-D", s.dir, "-R", "-X", "stream", "--checkpoint=fast", "--no-sync")
	host, port := split(p.wire.addr())
	s.settings = append(s.settings, fmt.Sprintf("primary_conninfo=host=%s port=%s user=lafia application_name=standby", host, port))
	s.start()
	p.primary.exec("postgres", "alter system set synchronous_standby_names = 'standby'")
	p.primary.exec("postgres", "select pg_reload_conf()")
	for end := time.Now().Add(20 * time.Second); p.primary.ask(`select count(*) from pg_stat_replication where sync_state = 'sync'`) == 0; time.Sleep(50 * time.Millisecond) {
		if time.Now().After(end) {
			p.t.Fatal("the standby does not follow")
		}
	}
	p.standby = s
}

func split(address string) (host, port string) {
	for i := len(address) - 1; i >= 0; i-- {
		if address[i] == ':' {
			return address[:i], address[i+1:]
		}
	}
	return address, ""
}

// promote makes the standby the primary. The other one must be dead.
func (p *twins) promote() {
	p.t.Helper()
	p.standby.exec("postgres", "select pg_promote(true, 30)")
	p.primary, p.standby = p.standby, nil
	p.address.lead("tcp", fmt.Sprintf("127.0.0.1:%d", p.primary.port))
}

// reads makes the lab look into another database.
func (l *lab) reads(url string) {
	l.t.Helper()
	record, err := store.Open(l.t.Context(), url, store.Options{MaxConns: 4})
	must(l.t, err)
	l.t.Cleanup(record.Close)
	l.record = record
}

// C20: the primary is killed under load, and its synchronous standby promoted; five
// times.
func TestASynchronousStandbyIsPromotedUnderLoad(t *testing.T) {
	onlyChaos(t)
	p := newTwins(t)
	l := labOn(t, p.url(), "duplicate=0.05,drop=0.02", "africastalking", "external")
	l.redis = redisOf(t)
	g := l.serve()
	const times = 5
	end := l.plays(busy(times * 8 * time.Second))
	var took []time.Duration
	for n := range times {
		time.Sleep(3 * time.Second)
		l.ledger.During("postgres", func() {
			began := time.Now()
			p.primary.kill()
			time.Sleep(500 * time.Millisecond) // until somebody notices
			p.promote()
			l.reached(g)
			took = append(took, time.Since(began))
		})
		if n+1 < times {
			p.follow()
		}
	}
	end()
	l.reads(p.primary.url())
	l.emptied(20*time.Second, g)
	l.holds()
	l.goesOn("postgres")
	t.Logf("%d times promoted; from the kill until the gateway had a record again: %v", times, took)
}

// C21: the standby hears nothing, commits wait for it, and what they wrote can be
// seen on the primary alone. Then the primary is lost, and the standby promoted,
// which never had them (fact 4).
func TestCommitsThatWaitForAStandbyAreNotLostWithThePrimary(t *testing.T) {
	onlyChaos(t)
	p := newTwins(t)
	l := labOn(t, p.url(), "duplicate=0.1,drop=0.05", "africastalking", "external")
	l.redis = redisOf(t)
	g := l.serve()
	const apart = 10 * time.Second
	end := l.plays(busy(apart + 10*time.Second))
	time.Sleep(3 * time.Second)
	waited, alone := 0, 0
	l.ledger.During("postgres", func() {
		p.wire.stall(down)
		for began := time.Now(); time.Since(began) < apart; time.Sleep(200 * time.Millisecond) {
			waited = max(waited, p.primary.ask(`select count(*) from pg_stat_activity where wait_event = 'SyncRep'`))
		}
		const rows = `select (select count(*) from submission) + (select count(*) from inbound)`
		there := p.primary.ask(rows)
		p.wire.refuse() // what was on its way never comes
		p.primary.kill()
		alone = there - p.standby.ask(rows)
		p.promote()
		l.reached(g)
	})
	end()
	l.reads(p.primary.url())
	l.emptied(20*time.Second, g)
	l.holds()
	l.goesOn("postgres")
	t.Logf("%d commits waited at a time; %d rows could be seen on the primary, and died with it", waited, alone)
	if waited == 0 || alone == 0 {
		t.Error("no commit waited, or nothing was lost with the primary: the scenario did not happen")
	}
}
