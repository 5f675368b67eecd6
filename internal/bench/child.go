package bench

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"os/exec"
	"runtime"
	"runtime/pprof"
	"time"
)

// Child names a part of the measurement that runs in a process of its own.
type Child string

// The children: what is measured, what it is measured by, and who measures.
const (
	ChildGateway   Child = "gateway"
	ChildBare      Child = "bare"
	ChildGenerator Child = "generator"
)

// childSpec is the first line that a child reads.
type childSpec struct {
	PostgresURL string `json:"postgres_url,omitempty"`
	RedisSocket string `json:"redis_socket,omitempty"`
	KeysDir     string `json:"keys_dir,omitempty"`
	ValueSize   int    `json:"value_size,omitempty"`
	Profile     string `json:"profile,omitempty"` // where the CPU profile of its life goes
	Cores       []int  `json:"cores,omitempty"`   // those that it is kept to; none: those of its parent
}

// started is the first line that a child writes.
type started struct {
	URL string `json:"url"`
}

// Gateway starts the gateway that is measured and gives its address and what
// stops it. The channel Channel takes Token.
type Gateway func(ctx context.Context, g GatewaySpec) (url string, stop func() error, err error)

// GatewaySpec is what the gateway under measurement runs on.
type GatewaySpec struct {
	PostgresURL, RedisSocket, KeysDir string
	Channel, Token                    string
}

// The channel that is measured: cumulative text, as most USSD in the region has.
const (
	channel = "africastalking"
	token   = "bench"
)

// RunChild runs as one of the children until standard input ends, which it does
// when the parent is gone, however that went.
func RunChild(ctx context.Context, which Child, in io.Reader, out io.Writer, gateway Gateway) error {
	r := bufio.NewReader(in)
	commands := json.NewDecoder(r)
	var s childSpec
	if err := commands.Decode(&s); err != nil {
		return fmt.Errorf("reading what to do: %w", err)
	}
	if s.Profile != "" {
		f, err := os.Create(s.Profile)
		if err != nil {
			return err
		}
		defer f.Close()
		if err := pprof.StartCPUProfile(f); err != nil {
			return err
		}
		defer pprof.StopCPUProfile()
	}
	if len(s.Cores) > 0 {
		if err := pin(s.Cores); err != nil {
			return err
		}
		runtime.GOMAXPROCS(len(s.Cores))
	}
	var first started
	switch which {
	case ChildGateway:
		url, stop, err := gateway(ctx, GatewaySpec{PostgresURL: s.PostgresURL, RedisSocket: s.RedisSocket, KeysDir: s.KeysDir, Channel: channel, Token: token})
		if err != nil {
			return err
		}
		defer func() { _ = stop() }()
		first.URL = url
	case ChildBare:
		url, stop, err := serveBare(ctx, s)
		if err != nil {
			return err
		}
		defer stop()
		first.URL = url
	case ChildGenerator:
		return generate(ctx, commands, json.NewEncoder(out))
	default:
		return fmt.Errorf("there is no child %q", which)
	}
	if err := json.NewEncoder(out).Encode(first); err != nil {
		return err
	}
	_, _ = io.Copy(io.Discard, r)
	return nil
}

// command is a line to the generator; each is answered by one line.
type command struct {
	Do     string `json:"do"`     // target, warm, closed, open, approach, finish, count
	Target string `json:"target"` // the name of a target
	Walk   walk   `json:"walk,omitempty"`
	First  int    `json:"first,omitempty"` // the number of its first caller

	URL         string  `json:"url,omitempty"`
	Path        string  `json:"path,omitempty"`
	Busy        string  `json:"busy,omitempty"` // what who finds no room reads
	Over        bool    `json:"over,omitempty"` // many will find none
	Callers     int     `json:"callers,omitempty"`
	Connections int     `json:"connections,omitempty"`
	Seconds     float64 `json:"seconds,omitempty"`
	Rate        float64 `json:"rate,omitempty"`
}

// result answers a command.
type result struct {
	Closed *closedRound `json:"closed,omitempty"`
	Open   *openRound   `json:"open,omitempty"`
	Finish *finishRound `json:"finish,omitempty"`
	// Hops, Finished and Failed are since the beginning.
	Hops       int64  `json:"hops"`
	Finished   int64  `json:"finished"`
	Failed     int64  `json:"failed"`
	Refused    int64  `json:"refused"` // there was no room for them, and they were told so
	FirstError string `json:"first_error,omitempty"`
}

func generate(ctx context.Context, commands *json.Decoder, out *json.Encoder) error {
	targets := map[string]*target{}
	for {
		var c command
		if err := commands.Decode(&c); err != nil {
			if errors.Is(err, io.EOF) {
				return nil
			}
			return err
		}
		if c.Do == "target" {
			u, err := url.Parse(c.URL)
			if err != nil {
				return err
			}
			t := newTarget(u.Host, c.Path, c.Walk, c.Callers)
			t.first, t.busy, t.over = c.First, c.Busy, c.Over
			targets[c.Target] = t
		}
		t := targets[c.Target]
		if t == nil {
			return fmt.Errorf("there is no target %q", c.Target)
		}
		var r result
		d := time.Duration(c.Seconds * float64(time.Second))
		switch c.Do {
		case "warm":
			t.warm(ctx, c.Connections)
		case "closed":
			v := t.closed(ctx, c.Connections, d)
			r.Closed = &v
		case "open":
			v := t.open(ctx, c.Rate, d)
			r.Open = &v
		case "approach":
			t.approach(ctx, c.Connections, c.Callers)
		case "finish":
			v := t.finish(ctx, c.Connections)
			r.Finish = &v
		}
		r.Hops, r.Finished, r.Failed, r.Refused = t.hops.Load(), t.finished.Load(), t.failed.Load(), t.shed.Load()
		if e := t.firstError.Load(); e != nil {
			r.FirstError = *e
		}
		if err := out.Encode(r); err != nil {
			return err
		}
	}
}

// process is a child as the parent holds it.
type process struct {
	cmd *exec.Cmd
	in  io.WriteCloser
	enc *json.Encoder
	dec *json.Decoder
	log *os.File

	stopped bool
}

// startChild starts this very binary again as one of the children. What it logs
// goes to a file.
func startChild(ctx context.Context, which Child, logPath string, s childSpec) (*process, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	log, err := os.OpenFile(logPath, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600)
	if err != nil {
		return nil, err
	}
	p := &process{cmd: exec.CommandContext(ctx, self, "bench", "--child", string(which)), log: log}
	p.cmd.Stderr = log
	if p.in, err = p.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := p.cmd.Start(); err != nil {
		return nil, err
	}
	p.enc, p.dec = json.NewEncoder(p.in), json.NewDecoder(out)
	if err := p.enc.Encode(s); err != nil {
		return nil, p.failed(which, err)
	}
	return p, nil
}

// url waits for a serving child to answer.
func (p *process) url(which Child) (string, error) {
	var s started
	if err := p.dec.Decode(&s); err != nil {
		return "", p.failed(which, err)
	}
	return s.URL, nil
}

func (p *process) do(c command) (result, error) {
	var r result
	if err := p.enc.Encode(c); err != nil {
		return r, p.failed(ChildGenerator, err)
	}
	if err := p.dec.Decode(&r); err != nil {
		return r, p.failed(ChildGenerator, err)
	}
	return r, nil
}

// failed tells why a child went, with the end of what it wrote.
func (p *process) failed(which Child, err error) error {
	_ = p.stop()
	b, _ := os.ReadFile(p.log.Name())
	if len(b) > 2000 {
		b = b[len(b)-2000:]
	}
	return fmt.Errorf("the %s of the measurement ended: %w\n%s", which, err, b)
}

// stop ends a child in order: its standard input ends.
func (p *process) stop() error {
	if p.stopped {
		return nil
	}
	p.stopped = true
	defer p.log.Close()
	_ = p.in.Close()
	stuck := time.AfterFunc(10*time.Second, func() { _ = p.cmd.Process.Kill() })
	defer stuck.Stop()
	return p.cmd.Wait()
}
