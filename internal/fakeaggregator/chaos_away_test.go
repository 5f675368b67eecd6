package fakeaggregator_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"lafia/internal/app"
	"lafia/internal/fakeaggregator"
	"lafia/internal/servers/serverstest"
	"lafia/internal/session"
	"lafia/internal/spool"
	"lafia/internal/store"
)

// during gives the answers that were asked for and came while something was away.
func (l *lab) during(window string) (answers []fakeaggregator.Line) {
	l.t.Helper()
	lines := l.lines()
	for _, w := range lines {
		if w.Kind != fakeaggregator.KindWindow || w.Window != window {
			continue
		}
		for _, v := range lines {
			if (v.Kind == fakeaggregator.KindHop || v.Kind == fakeaggregator.KindSMS) && !v.NoWay && v.At > w.At && v.At+v.Took < w.At+w.Took {
				answers = append(answers, v)
			}
		}
	}
	return answers
}

// goesOn wants references and taken messages while something is away, and nobody
// who waits longer than a hop may.
func (l *lab) goesOn(window string) {
	l.t.Helper()
	references, messages, slowest := 0, 0, time.Duration(0)
	for _, v := range l.during(window) {
		switch {
		case v.Acked && v.Kind == fakeaggregator.KindHop:
			references++
		case v.Acked:
			messages++
		}
		slowest = max(slowest, v.Took)
	}
	l.t.Logf("while %s was away: %d references, %d messages taken, the slowest answer after %v", window, references, messages, slowest)
	if references == 0 || messages == 0 {
		l.t.Errorf("while %s was away callers got %d references, and %d messages were taken", window, references, messages)
	}
	if slowest > 8*time.Second {
		l.t.Errorf("while %s was away a caller waited %v", window, slowest)
	}
}

// C5: `pg_ctl stop -m immediate`, 15 s away.
func TestPostgreSQLStoppedAtOnceAndAwayForAWhile(t *testing.T) {
	away := 6 * time.Second
	if chaos() {
		away = 15 * time.Second
	}
	db := newPostgres(t, found(t))
	must(t, fill(db.url()))
	l := labOn(t, db.url(), "duplicate=0.05", "africastalking", "external")
	l.redis = redisOf(t)
	g := l.serve()
	end := l.plays(busy(away + 6*time.Second))
	time.Sleep(2 * time.Second)
	l.ledger.During("postgres", func() {
		db.signal(syscall.SIGQUIT, 0)
		time.Sleep(away)
		db.again()
	})
	// While callers go on, each one's next message waits behind those of hers that lie
	// in the spool.
	took := l.emptied(30*time.Second, g)
	end()
	l.await(10 * time.Second)
	l.emptied(10*time.Second, g)
	r := l.holds()
	l.goesOn("postgres")
	l.losesAMark(r)
	t.Logf("drained %v after PostgreSQL was back", took)
}

// losesAMark wants that something went through a spool, and that the checker sees it
// when one of what came out has no mark, as if its commit had been rolled back.
func (l *lab) losesAMark(r *fakeaggregator.Report) {
	l.t.Helper()
	if r.Spools.Spooled == 0 {
		l.t.Fatal("nothing was spooled")
	}
	lines := l.lines()
	record, err := fakeaggregator.ReadRecord(l.t.Context(), l.record, l.keys, lines)
	must(l.t, err)
	i := slices.IndexFunc(record.Spools, func(s store.VerifiedSpool) bool { return len(s.Drained) > 0 })
	s := &record.Spools[i]
	s.Drained = slices.Delete(slices.Clone(s.Drained), len(s.Drained)/2, len(s.Drained)/2+1)
	r = fakeaggregator.Verify(lines, fakeaggregator.VerifyOptions{World: l.world, Keys: l.keys, Record: record})
	if !slices.ContainsFunc(r.Violations, func(v fakeaggregator.Violation) bool { return v.Invariant == "I13" }) {
		l.t.Errorf("a record that left the spool without a commit is not seen: %v", r.Violations)
	}
}

// C6: of three answers to a commit one is swallowed; half of the connections are
// cut then, on the others nothing comes any more.
func TestAThirdOfTheAnswersToCommitsIsSwallowed(t *testing.T) {
	db := newPostgres(t, found(t))
	must(t, fill(db.url()))
	l := labOn(t, db.url(), "duplicate=0.05,drop=0.02", "africastalking", "external")
	l.redis = redisOf(t)
	var on atomic.Bool
	wire := newProxy(t, "tcp", fmt.Sprintf("127.0.0.1:%d", db.port))
	wire.commits = func() bool { return on.Load() && rand.IntN(10) < 3 }
	g := l.serve(func(s *site) { s.postgres = through(db.url(), db.port, wire) })
	end := l.plays(busy(12 * time.Second))
	time.Sleep(time.Second)
	l.ledger.During("answers of postgres", func() {
		on.Store(true)
		time.Sleep(9 * time.Second)
		on.Store(false)
	})
	end()
	l.emptied(20*time.Second, g)
	l.holds()
	l.goesOn("answers of postgres")
	unknown := strings.Count(l.log.String(), "outcome is not known")
	t.Logf("%d answers were swallowed, %d outcomes were not known", wire.swallowed.Load(), unknown)
	if wire.swallowed.Load() < 20 || unknown == 0 {
		t.Errorf("%d answers were swallowed, and %d outcomes were not known", wire.swallowed.Load(), unknown)
	}
}

// through makes an address lead through a proxy.
func through(url string, port int, p *proxy) string {
	return strings.Replace(url, fmt.Sprintf("127.0.0.1:%d", port), p.addr(), 1)
}

func redisOf(t *testing.T) string {
	t.Helper()
	_, address := newRedis(t, found(t))
	return address
}

// badDisk is a disk whose writing can fail.
type badDisk struct {
	spool.Disk
	fails *atomic.Bool
}

type badFile struct {
	spool.File
	fails *atomic.Bool
}

func (d badDisk) Create(name string) (spool.File, error) {
	f, err := d.Disk.Create(name)
	return badFile{f, d.fails}, err
}

func (f badFile) Sync() error {
	if f.fails.Load() {
		return errors.New("input/output error (made up)")
	}
	return f.File.Sync()
}

// C8: PostgreSQL is away, and then the spool's disk fails too: nothing is promised
// (I16). The spool holds one MiB at the most.
func TestNothingIsPromisedWhileNothingCanBeMadeDurable(t *testing.T) {
	db := newPostgres(t, found(t))
	must(t, fill(db.url()))
	l := labOn(t, db.url(), "duplicate=0.05", "africastalking", "external")
	l.redis = redisOf(t)
	var fails atomic.Bool
	l.start(func(o *app.Options) {
		o.Redis = session.Options{Network: "tcp", Addr: l.redis}
		o.Spool = app.SpoolOptions{Dir: filepath.Join(t.TempDir(), "spool"), MaxBytes: 1 << 20, FS: badDisk{fails: &fails}}
	})
	end := l.plays(busy(12 * time.Second))
	time.Sleep(2 * time.Second)
	l.ledger.During("postgres", func() {
		db.kill()
		time.Sleep(2 * time.Second)
		fails.Store(true)
		l.ledger.During("durable", func() { time.Sleep(3 * time.Second) })
		fails.Store(false)
		time.Sleep(time.Second)
		db.again()
	})
	end()
	l.await(10 * time.Second)
	for began := time.Now(); !strings.Contains(get(l.gateways[0]+"/readyz"), `"spooled":0`); time.Sleep(20 * time.Millisecond) {
		if time.Since(began) > 20*time.Second {
			t.Fatal("the spool was not drained: ", get(l.gateways[0]+"/readyz"))
		}
	}
	r := l.holds()
	l.losesAMark(r)
	told := 0
	for _, v := range l.during("durable") {
		// Whether what is taken may be taken is I16's, which knows copies.
		if v.Kind == fakeaggregator.KindSMS && v.Status != 503 && !v.Acked {
			t.Errorf("an SMS got HTTP %d", v.Status)
		}
		told++
	}
	if told == 0 || r.Checked["I16"] == 0 {
		t.Error("nobody asked while nothing could be made durable")
	}
}

// C26: partitions between a gateway and what it needs, both ways and one way,
// connections that are cut, half-closed and refused.
func TestPartitionsBothWaysAndOneWay(t *testing.T) {
	onlyChaos(t)
	const (
		apart    = 6 * time.Second
		together = 3 * time.Second
	)
	p := found(t)
	db := newPostgres(t, p)
	must(t, fill(db.url()))
	l := labOn(t, db.url(), "duplicate=0.05", "africastalking", "external")
	_, address := newRedis(t, p)
	wires := []struct {
		name string
		*proxy
	}{
		{"postgres", newProxy(t, "tcp", fmt.Sprintf("127.0.0.1:%d", db.port))},
		{"redis", newProxy(t, "tcp", address)},
		{"far end", newProxy(t, "tcp", l.farAddress())},
	}
	l.redis, l.before = wires[1].addr(), wires[2].proxy
	g := l.serve(func(s *site) { s.postgres = through(db.url(), db.port, wires[0].proxy) })
	faults := []struct {
		name string
		make func(*proxy)
	}{
		{"both ways", func(p *proxy) { p.stall(up, down) }}, {"one way, to the server", func(p *proxy) { p.stall(up) }},
		{"one way, from the server", func(p *proxy) { p.stall(down) }}, {"cut", func(p *proxy) { p.cut() }},
		{"half-closed", func(p *proxy) { p.halfClose() }}, {"refused", func(p *proxy) { p.refuse() }},
		{"both ways, and cut", func(p *proxy) { p.stall(up, down); time.Sleep(apart / 2); p.cut() }},
	}
	end := l.plays(busy(time.Duration(len(wires)*len(faults)) * (apart + together)))
	for _, w := range wires {
		for _, f := range faults {
			time.Sleep(together)
			l.ledger.During(w.name, func() {
				f.make(w.proxy)
				time.Sleep(apart)
				w.heal()
			})
		}
	}
	end()
	l.emptied(20*time.Second, g)
	r := l.holds()
	l.goesOn("postgres")
	t.Logf("%d partitions, %d hops", len(wires)*len(faults), r.Summary.Hops)
}

// C28: PostgreSQL's disk is full: that of its WAL, which ends it, and that of its
// tables.
func TestTheDiskOfPostgreSQLIsFull(t *testing.T) {
	onlyChaos(t)
	if os.Getuid() != 0 {
		t.Skip("only root can mount a small disk")
	}
	for _, disk := range []string{"WAL", "tables"} {
		t.Run(disk, func(t *testing.T) {
			p := found(t)
			small := filepath.Join(t.TempDir(), "small")
			must(t, os.Mkdir(small, 0o755))
			if err := syscall.Mount("lafia-chaos", small, "tmpfs", 0, "size=160m,mode=0755"); err != nil {
				t.Skip("a small disk cannot be mounted here: ", err)
			}
			t.Cleanup(func() { _ = syscall.Unmount(small, syscall.MNT_DETACH) })
			for dir := small; dir != "/"; dir = filepath.Dir(dir) { // the servers' user walks through it
				_ = os.Chmod(dir, 0o755)
			}
			c := clusterIn(t, p, theirs(t, filepath.Join(small, "pg")), "max_wal_size=32MB", "min_wal_size=4MB", "wal_recycle=off")
			flags := []string{"-U", "lafia", "-A", "trust", "--encoding=UTF8", "--locale=C.UTF-8", "--no-instructions", "--no-sync", "--wal-segsize=1"}
			if disk == "WAL" {
				wal := filepath.Join(small, "wal")
				c.dir = filepath.Join(theirs(t, filepath.Join(serverstest.Dir(t), "pg")), "data")
				flags = append(flags, "--waldir", theirs(t, wal))
			} else {
				c.dir = filepath.Join(c.dir, "data")
				flags = append(flags, "--waldir", filepath.Join(theirs(t, filepath.Join(serverstest.Dir(t), "pg")), "wal"))
			}
			c.run("initdb", append([]string{"-D", c.dir}, flags...)...)
			c.start()
			c.exec("postgres", "create database lafia")
			must(t, fill(c.url()))
			l := labOn(t, c.url(), "duplicate=0.05", "africastalking", "external")
			l.redis = redisOf(t)
			g := l.serve()
			end := l.plays(busy(16 * time.Second))
			time.Sleep(2 * time.Second)
			ended := false
			l.ledger.During("postgres", func() {
				filler := filepath.Join(small, "filler")
				must(t, fillUp(filler))
				for range 8 {
					time.Sleep(time.Second)
					_ = topUp(filler)
				}
				must(t, os.Remove(filler))
				select {
				case <-c.gone:
					ended = true
					c.again()
				default:
				}
			})
			end()
			l.await(10 * time.Second)
			l.emptied(20*time.Second, g)
			r := l.holds()
			t.Logf("PostgreSQL ended: %v; %d acknowledged, %d in the spool at most", ended, r.Summary.Acked, strings.Count(l.log.String(), "spool"))
			l.goesOn("postgres")
		})
	}
}

// fillUp writes a file until its disk is full.
func fillUp(path string) error {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	defer f.Close()
	return topUpFile(f)
}

// topUp takes what was freed meanwhile.
func topUp(path string) error {
	f, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	defer f.Close()
	return topUpFile(f)
}

func topUpFile(f *os.File) error {
	b := make([]byte, 4096)
	for {
		if _, err := f.Write(b); errors.Is(err, syscall.ENOSPC) {
			return nil
		} else if err != nil {
			return err
		}
	}
}
