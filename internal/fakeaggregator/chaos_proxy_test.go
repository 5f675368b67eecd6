package fakeaggregator_test

import (
	"bytes"
	"encoding/binary"
	"io"
	"math/rand/v2"
	"net"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// proxy is the network between a gateway and a server: it stalls, one way or both,
// cuts, half-closes and refuses. What is stalled comes late, as over TCP.
type proxy struct {
	listener net.Listener
	// commits tells of each statement that commits whether its answer is taken away;
	// nil: none is. For PostgreSQL alone.
	commits   func() bool
	swallowed atomic.Int32

	mu      sync.Mutex
	network string
	address string
	closed  bool // refuses
	gates   [2]chan struct{}
	links   map[*link]bool
	under   sync.WaitGroup
}

type direction int

// Directions of a proxy.
const (
	up   direction = iota // from the gateway to the server
	down                  // from the server to the gateway
)

type link struct {
	client, server net.Conn
	swallow        atomic.Int32 // 1: the next answer is dropped and the connection cut; 2: nothing comes any more
}

func newProxy(t *testing.T, network, address string) *proxy {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	p := &proxy{listener: l, network: network, address: address, links: map[*link]bool{}}
	p.under.Go(p.accept)
	t.Cleanup(func() {
		_ = l.Close()
		p.heal()
		p.cut()
		p.under.Wait()
	})
	return p
}

func (p *proxy) addr() string { return p.listener.Addr().String() }

func (p *proxy) accept() {
	for {
		c, err := p.listener.Accept()
		if err != nil {
			return
		}
		p.mu.Lock()
		closed, network, address := p.closed, p.network, p.address
		p.mu.Unlock()
		if closed {
			reset(c)
			continue
		}
		p.under.Go(func() {
			s, err := net.DialTimeout(network, address, 2*time.Second)
			if err != nil {
				reset(c)
				return
			}
			k := &link{client: c, server: s}
			p.mu.Lock()
			p.links[k] = true
			p.mu.Unlock()
			p.under.Go(func() { p.pump(k, down) })
			p.pump(k, up)
		})
	}
}

// pump carries one direction until one end closes.
func (p *proxy) pump(k *link, d direction) {
	from, to := k.client, k.server
	if d == down {
		from, to = k.server, k.client
	}
	var seen statements
	b := make([]byte, 32<<10)
	for {
		n, err := from.Read(b)
		if n > 0 {
			p.pass(d)
			switch k.swallow.Load() {
			case swallowAndCut:
				if d == down {
					p.end(k)
					return
				}
			case swallowAndStall:
				if d == down {
					continue
				}
			}
			if d == up && p.commits != nil && seen.commit(b[:n]) && p.commits() {
				p.swallowed.Add(1)
				k.swallow.Store(1 + rand.Int32N(2))
			}
			if _, err := to.Write(b[:n]); err != nil {
				p.end(k)
				return
			}
		}
		if err == io.EOF {
			p.pass(d)
			if c, ok := to.(interface{ CloseWrite() error }); ok {
				_ = c.CloseWrite()
			}
			if d == up || k.swallow.Load() != 0 { // a client that goes wants nothing more
				p.end(k)
			}
			return
		}
		if err != nil {
			p.end(k)
			return
		}
	}
}

// What becomes of the answer to a commit.
const (
	swallowAndCut   = 1
	swallowAndStall = 2
)

// pass waits while a direction is stalled.
func (p *proxy) pass(d direction) {
	for {
		p.mu.Lock()
		gate := p.gates[d]
		p.mu.Unlock()
		if gate == nil {
			return
		}
		<-gate
	}
}

func (p *proxy) end(k *link) {
	_, _ = k.client.Close(), k.server.Close()
	p.mu.Lock()
	delete(p.links, k)
	p.mu.Unlock()
}

// stall lets nothing pass in these directions until heal.
func (p *proxy) stall(ds ...direction) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, d := range ds {
		if p.gates[d] == nil {
			p.gates[d] = make(chan struct{})
		}
	}
}

// heal lets everything pass again.
func (p *proxy) heal() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.closed = false
	for d, gate := range p.gates {
		if gate != nil {
			close(gate)
		}
		p.gates[d] = nil
	}
}

// refuse takes no new connection until heal, and cuts those that there are.
func (p *proxy) refuse() {
	p.mu.Lock()
	p.closed = true
	p.mu.Unlock()
	p.cut()
}

// cut ends every connection, as a firewall that forgot them does.
func (p *proxy) cut() {
	for _, k := range p.all() {
		reset(k.client)
		reset(k.server)
	}
}

// halfClose ends what comes from the server, and keeps the other half.
func (p *proxy) halfClose() {
	for _, k := range p.all() {
		if c, ok := k.client.(interface{ CloseWrite() error }); ok {
			_ = c.CloseWrite()
		}
	}
}

func (p *proxy) all() (out []*link) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for k := range p.links {
		out = append(out, k)
	}
	return out
}

// lead makes new connections go somewhere else.
func (p *proxy) lead(network, address string) {
	p.mu.Lock()
	p.network, p.address = network, address
	p.mu.Unlock()
	p.cut()
}

func reset(c net.Conn) {
	if tcp, ok := c.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0)
	}
	_ = c.Close()
}

// statements reads what a client says to PostgreSQL, and finds what commits: COMMIT,
// and a prepared statement that writes by itself.
type statements struct {
	started bool
	rest    []byte
	writing []string // names of prepared statements that write
}

func (s *statements) commit(b []byte) (commits bool) {
	s.rest = append(s.rest, b...)
	if !s.started {
		if len(s.rest) < 4 {
			return false
		}
		n := int(binary.BigEndian.Uint32(s.rest))
		if len(s.rest) < n {
			return false
		}
		s.started, s.rest = true, s.rest[n:]
	}
	for len(s.rest) >= 5 {
		n := int(binary.BigEndian.Uint32(s.rest[1:5]))
		if n < 4 || len(s.rest) < 1+n {
			break
		}
		kind, body := s.rest[0], s.rest[5:1+n]
		first, rest, _ := bytes.Cut(body, []byte{0})
		switch kind {
		case 'Q':
			commits = commits || strings.EqualFold(string(first), "commit")
		case 'P':
			text, _, _ := bytes.Cut(rest, []byte{0})
			if writes(strings.ToLower(string(text))) {
				s.writing = append(s.writing, string(first))
			}
		case 'B':
			name, _, _ := bytes.Cut(rest, []byte{0})
			commits = commits || slices.Contains(s.writing, string(name))
		}
		s.rest = s.rest[1+n:]
	}
	s.rest = slices.Clone(s.rest)
	return commits
}

func writes(statement string) bool {
	return strings.Contains(statement, "insert into submission (") || strings.Contains(statement, "insert into inbound")
}
