package servers

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"time"
)

// A server that dies is started again, at once and then ever more slowly while it keeps dying.
const (
	restartAfter      = 100 * time.Millisecond
	restartAfterMost  = 5 * time.Second
	steadyAfter       = 10 * time.Second
	largestKeptLog    = 1 << 20 // bytes; a log larger than this is begun anew at the next start
	askAgainAfter     = 5 * time.Millisecond
	answerOnceWithin  = time.Second
	orphansLeaveAfter = 2 * time.Second
)

// errRecovering is the answer of a server that is not ready yet but works at it.
var errRecovering = errors.New("it is recovering")

// child is one server process, and those that follow it when it dies.
type child struct {
	name    string
	folder  string           // the server's working folder: whatever runs there is ours
	logPath string           // what it prints
	command func() *exec.Cmd // a fresh one each time
	clear   func() error     // removes what a killed predecessor left
	answers func(context.Context) error
	leave   syscall.Signal // an orderly stop
	hurry   syscall.Signal // a harsher one
	log     *slog.Logger

	stopping chan struct{} // closed by end
	gone     chan struct{} // closed when no process will follow

	mu       sync.Mutex
	pid      int
	keep     bool  // start it again when it dies: from its first answer on
	logFrom  int64 // where in the log the present process began
	lastWord error // why it is gone
}

func (c *child) init() *child {
	c.stopping, c.gone = make(chan struct{}), make(chan struct{})
	return c
}

// supervise runs the server until end. The system ties a child's death to the thread that started it, not to the process: so
// this goroutine keeps its thread as long as the server lives.
func (c *child) supervise() {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	defer close(c.gone)
	delay := restartAfter
	for {
		steady := time.NewTimer(steadyAfter)
		err := c.runOnce()
		if !steady.Stop() {
			delay = restartAfter
		}
		c.mu.Lock()
		c.pid, c.lastWord = 0, err
		keep := c.keep
		c.mu.Unlock()
		select {
		case <-c.stopping:
			return
		default:
		}
		if !keep {
			return
		}
		c.log.Warn("a server died and is started again", "server", c.name, "how", fmt.Sprint(err), "in", delay)
		select {
		case <-c.stopping:
			return
		case <-time.After(delay):
		}
		delay = min(2*delay, restartAfterMost)
	}
}

// runOnce starts the process and returns when it has ended.
func (c *child) runOnce() error {
	if err := c.clear(); err != nil {
		return err
	}
	out, from, err := openLog(c.logPath)
	if err != nil {
		return err
	}
	defer out.Close()
	cmd := c.command()
	cmd.Stdout, cmd.Stderr = out, out

	c.mu.Lock()
	select {
	case <-c.stopping:
		c.mu.Unlock()
		return nil
	default:
	}
	err = cmd.Start()
	if err == nil {
		c.pid, c.logFrom = cmd.Process.Pid, from
	}
	c.mu.Unlock()
	if err != nil {
		return fmt.Errorf("cannot run %s: %w", cmd.Path, err)
	}
	if err := cmd.Wait(); err != nil {
		return err
	}
	return errors.New("it ended by itself")
}

func (c *child) currentPID() int {
	if c == nil {
		return 0
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.pid
}

// awaitAnswer returns when the server answers; when it cannot, with what it said last.
func (c *child) awaitAnswer(ctx context.Context) error {
	silence := time.NewTimer(answerWithin)
	defer silence.Stop()
	for {
		err := errors.New("it does not run yet")
		if c.currentPID() != 0 { // before that, an orphan might answer
			one, cancelOne := context.WithTimeout(ctx, answerOnceWithin)
			err = c.answers(one)
			cancelOne()
		}
		if err == nil {
			c.mu.Lock()
			c.keep = true
			c.mu.Unlock()
			select {
			case <-c.gone: // between its answer and the line above
			default:
				return nil
			}
		}
		if errors.Is(err, errRecovering) {
			silence.Reset(answerWithin)
		}
		select {
		case <-c.gone:
			c.mu.Lock()
			defer c.mu.Unlock()
			return fmt.Errorf("%s did not start: %w%s", c.name, c.lastWord, lastWords(c.logPath, c.logFrom))
		case <-ctx.Done():
			return fmt.Errorf("the start of %s was interrupted: %w", c.name, ctx.Err())
		case <-silence.C:
			return fmt.Errorf("%s did not answer within %v: %s; see %s", c.name, answerWithin, oneLine(err), c.logPath)
		case <-time.After(askAgainAfter):
		}
	}
}

// end stops the server: in order, then by force.
func (c *child) end() error {
	c.mu.Lock()
	close(c.stopping)
	c.signal(c.leave)
	c.mu.Unlock()
	if c.goneWithin(leaveWithin) {
		return nil
	}
	for _, harsher := range []syscall.Signal{c.hurry, syscall.SIGKILL} {
		c.mu.Lock()
		c.signal(harsher)
		c.mu.Unlock()
		if c.goneWithin(hurryWithin) {
			break
		}
	}
	for _, pid := range livingIn(c.folder) { // what a killed one left behind
		_ = syscall.Kill(pid, syscall.SIGKILL)
	}
	return fmt.Errorf("%s did not stop within %v and was killed; its next start recovers", c.name, leaveWithin)
}

// signal needs mu. An error means that the process is gone, which is what is wanted.
func (c *child) signal(s syscall.Signal) {
	if c.pid != 0 {
		_ = syscall.Kill(c.pid, s)
	}
}

func (c *child) goneWithin(d time.Duration) bool {
	select {
	case <-c.gone:
		return true
	case <-time.After(d):
		return false
	}
}

// endOrphans ends what still runs in a server's folder though its lafia is gone, and returns when nothing does. The lock on
// the data folder says that it belongs to nobody.
func endOrphans(folder string, leave syscall.Signal) error {
	pids := livingIn(folder)
	if len(pids) == 0 {
		return nil
	}
	for _, pid := range pids {
		_ = syscall.Kill(pid, leave)
	}
	const step = 20 * time.Millisecond
	for waited := time.Duration(0); waited < 2*orphansLeaveAfter; waited += step {
		time.Sleep(step)
		if pids = livingIn(folder); len(pids) == 0 {
			return nil
		}
		if waited >= orphansLeaveAfter {
			for _, pid := range pids {
				_ = syscall.Kill(pid, syscall.SIGKILL)
			}
		}
	}
	return fmt.Errorf("the processes %v of an earlier lafia still run in %s and could not be ended: end them by hand", pids, folder)
}

func openLog(path string) (f *os.File, from int64, err error) {
	flags := os.O_WRONLY | os.O_CREATE | os.O_APPEND
	if info, err := os.Stat(path); err == nil && info.Size() > largestKeptLog {
		flags |= os.O_TRUNC
	}
	f, err = os.OpenFile(path, flags, 0o600)
	if err != nil {
		return nil, 0, fmt.Errorf("cannot write a server's log: %w", err)
	}
	info, err := f.Stat()
	if err != nil {
		f.Close()
		return nil, 0, err
	}
	return f, info.Size(), nil
}

// lastWords is what a server that did not start said last, the fatal line if there is one.
func lastWords(path string, from int64) string {
	text, err := os.ReadFile(path)
	if err != nil || int64(len(text)) <= from {
		return ""
	}
	last := ""
	for line := range strings.Lines(string(text[from:])) {
		line = strings.TrimSpace(line)
		if line != "" && (strings.Contains(line, "FATAL") || !strings.Contains(last, "FATAL")) {
			last = line
		}
	}
	return fmt.Sprintf(": %s (see %s)", last, path)
}

func oneLine(err error) string {
	if err == nil {
		return "it just answered"
	}
	return strings.Join(strings.Fields(err.Error()), " ")
}
