package fakeaggregator_test

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"lafia/internal/fakeaggregator"
)

// peak is the most memory that a process has had, in MiB.
func (d *daemon) peak() int {
	d.t.Helper()
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", d.pid()))
	must(d.t, err)
	m := regexp.MustCompile(`VmHWM:\s+(\d+) kB`).FindSubmatch(b)
	if m == nil {
		d.t.Fatal("the system does not tell how much memory a process has had")
	}
	n, err := strconv.Atoi(string(m[1]))
	must(d.t, err)
	return n >> 10
}

// p99 is that of the hops that began between two moments.
func (l *lab) p99(from, to time.Time) (p99 time.Duration, n int) {
	l.t.Helper()
	var took []time.Duration
	for _, v := range l.lines() {
		if v.Kind == fakeaggregator.KindHop && !v.NoWay && v.Wall.After(from) && v.Wall.Before(to) {
			took = append(took, v.Took)
		}
	}
	if len(took) == 0 {
		return 0, 0
	}
	slices.Sort(took)
	return took[len(took)*99/100], len(took)
}

// C13: 500 slow clients, requests that are too large, and gzip bombs. Others are
// served as before, in little memory.
func TestOthersAreServedBesideSlowClientsAndBombs(t *testing.T) {
	quiet, loud := 4*time.Second, 8*time.Second
	if chaos() {
		quiet, loud = 8*time.Second, 25*time.Second
	}
	l := newLab(t, "", "africastalking", "external")
	g := l.serve()
	o := busy(quiet + loud)
	o.Connections = 4
	end := l.plays(o)
	time.Sleep(time.Second)
	calm := time.Now()
	time.Sleep(quiet - time.Second)
	attack := time.Now()
	quit := make(chan struct{})
	var wg sync.WaitGroup
	slow := l.slow(g, 500, quit, &wg)
	large, bombs := l.large(g, quit, &wg)
	time.Sleep(loud - time.Second)
	over := time.Now()
	close(quit)
	wg.Wait()
	end()
	memory := g.peak()
	l.holds()
	before, n := l.p99(calm, attack)
	during, m := l.p99(attack.Add(500*time.Millisecond), over)
	t.Logf("%d slow clients were held, %d too large requests and %d bombs refused; p99 of %d hops before %v, of %d hops meanwhile %v; at most %d MiB",
		slow.Load(), large.Load(), bombs.Load(), n, before, m, during, memory)
	if slow.Load() < 400 || large.Load() == 0 || bombs.Load() == 0 {
		t.Error("the attack did not happen")
	}
	if memory > 256 {
		t.Errorf("%d MiB of memory", memory)
	}
	if n < 100 || m < 100 {
		t.Fatalf("hardly anybody called: %d and %d hops", n, m)
	}
	// On a machine that others use too a p99 is that of its hiccups: below 100 ms it
	// says nothing.
	if during > 2*before && during > 100*time.Millisecond {
		t.Errorf("others' p99 went from %v to %v", before, during)
	}
}

// slow opens connections that say a byte of their header each half second, again
// where they are closed.
func (l *lab) slow(g *served, n int, quit chan struct{}, wg *sync.WaitGroup) *atomic.Int32 {
	var held atomic.Int32
	address := strings.TrimPrefix(g.url, "http://")
	for range n {
		wg.Go(func() {
			counted := false
			for {
				c, err := net.DialTimeout("tcp", address, 2*time.Second)
				if err == nil && !counted {
					counted = true
					held.Add(1)
				}
				header := "POST /webhooks/africastalking/ussd HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n"
				for i := 0; err == nil; i = (i + 1) % len(header) {
					if _, err = c.Write([]byte{header[i]}); err != nil {
						break
					}
					select {
					case <-quit:
						_ = c.Close()
						return
					case <-time.After(500 * time.Millisecond):
					}
				}
				if c != nil {
					_ = c.Close()
				}
				select {
				case <-quit:
					return
				case <-time.After(200 * time.Millisecond):
				}
			}
		})
	}
	return &held
}

// large posts bodies of 1 MiB, and 64 KiB that unpack to 60 MiB, ten times a second
// each; one of ten shows the token. None may be taken.
func (l *lab) large(g *served, quit chan struct{}, wg *sync.WaitGroup) (large, bombs *atomic.Int32) {
	large, bombs = &atomic.Int32{}, &atomic.Int32{}
	var packed bytes.Buffer
	w := gzip.NewWriter(&packed)
	zeros := make([]byte, 1<<20)
	for range 60 {
		_, _ = w.Write(zeros)
	}
	_ = w.Close()
	hook := g.url + "/webhooks/africastalking/sms?token="
	for _, kind := range []struct {
		body    []byte
		packed  bool
		refused *atomic.Int32
	}{{bytes.Repeat([]byte("text=a"), 1<<20/6), false, large}, {packed.Bytes(), true, bombs}} {
		wg.Go(func() {
			for n := 0; ; n++ {
				select {
				case <-quit:
					return
				case <-time.After(100 * time.Millisecond):
				}
				token := "of somebody else"
				if n%10 == 0 {
					token = l.channels[0].Token
				}
				r, err := http.NewRequest(http.MethodPost, hook+url.QueryEscape(token), bytes.NewReader(kind.body))
				if err != nil {
					l.t.Error(err)
					return
				}
				r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
				if kind.packed {
					r.Header.Set("Content-Encoding", "gzip")
				}
				res, err := plain.Do(r)
				if err != nil { // cut while it is still being said
					kind.refused.Add(1)
					continue
				}
				_, _ = io.Copy(io.Discard, res.Body)
				_ = res.Body.Close()
				if res.StatusCode/100 != 5 {
					kind.refused.Add(1)
					continue
				}
				l.t.Errorf("a request that is too large got HTTP %d", res.StatusCode)
			}
		})
	}
	return large, bombs
}

// C25: a gateway with a limit on its memory, once with room and once without: where
// the system kills it, it is started again.
func TestAGatewayWithALimitOnItsMemory(t *testing.T) {
	onlyChaos(t)
	for _, limit := range []int{96, 40} {
		t.Run(fmt.Sprintf("%d MiB", limit), func(t *testing.T) {
			group := memoryGroup(t, limit)
			l := newLab(t, "duplicate=0.05", "africastalking", "external")
			program := program(t)
			g := l.serve()
			g.kill()
			g.command = func() *exec.Cmd {
				cmd := exec.Command("/bin/sh", "-c", `echo $$ > "$1" && exec "$2" serve --config "$3"`, "sh", filepath.Join(group, "cgroup.procs"), program, g.config)
				cmd.Env = append(os.Environ(), fmt.Sprintf("GOMEMLIMIT=%dMiB", limit*3/4))
				return cmd
			}
			kills := 0
			g.launch()
			g.awaitOr(30*time.Second, func() { kills++; g.launch() })
			const long = 20 * time.Second
			o := busy(long)
			o.Connections = 48
			end := l.plays(o)
			for began := time.Now(); time.Since(began) < long; time.Sleep(20 * time.Millisecond) {
				select {
				case <-g.gone:
					l.ledger.During("gateway", func() {
						kills++
						g.launch()
						g.awaitOr(30*time.Second, func() { kills++; g.launch() })
					})
				default:
				}
			}
			end()
			select {
			case <-g.gone:
				g.launch()
				g.awaitOr(30*time.Second, func() { kills++; g.launch() })
			default:
			}
			memory := g.peak()
			r := l.holds()
			t.Logf("killed %d times; at most %d MiB; %d hops, %d acknowledged", kills, memory, r.Summary.Hops, r.Summary.Acked)
			if limit > 64 && kills > 0 {
				t.Errorf("killed %d times with %d MiB", kills, limit)
			}
		})
	}
}

// awaitOr is await for a process that may end meanwhile: again starts it then.
func (d *daemon) awaitOr(within time.Duration, again func()) {
	d.t.Helper()
	for end := time.Now().Add(within); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		select {
		case <-d.gone:
			again()
			continue
		default:
		}
		if d.answers(d.t.Context()) == nil {
			return
		}
	}
	d.t.Fatalf("%s does not answer within %v\n%s", d.name, within, tail(d.out))
}

// memoryGroup makes a group of processes whose memory has a limit.
func memoryGroup(t *testing.T, mib int) string {
	t.Helper()
	name := fmt.Sprintf("lafia-chaos-%d", os.Getpid())
	for _, kind := range []struct{ root, limit string }{
		{"/sys/fs/cgroup/memory", "memory.limit_in_bytes"}, // version 1
		{"/sys/fs/cgroup", "memory.max"},
	} {
		dir := filepath.Join(kind.root, name)
		if err := os.Mkdir(dir, 0o755); err != nil {
			continue
		}
		t.Cleanup(func() {
			for range 100 { // until its last process is gone
				if os.Remove(dir) == nil {
					return
				}
				time.Sleep(20 * time.Millisecond)
			}
		})
		if os.WriteFile(filepath.Join(dir, kind.limit), []byte(strconv.Itoa(mib<<20)), 0o600) == nil {
			return dir
		}
	}
	t.Skip("there is no group of processes here whose memory could be limited: it needs root and the memory controller of control groups")
	return ""
}
