package servers

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
)

// redisMemory bounds the sessions: at 2 KB each, more than a hundred thousand callers at a time. Beyond it Redis refuses
// writes rather than drop a session somebody is in.
const redisMemory = "256mb"

func redisSocket(sockets string) string { return filepath.Join(sockets, "redis.sock") }

func newRedis(p *place, bins binaries, o Options) *child {
	folder := filepath.Join(p.base, "redis")
	socket := redisSocket(p.sockets)
	c := &child{
		name: "redis", folder: folder, logPath: filepath.Join(p.data, "redis.log"), log: o.Log,
		// It keeps nothing, and takes up to 0.1 s to see a SIGTERM.
		leave: syscall.SIGKILL, hurry: syscall.SIGKILL,
	}
	c.clear = func() error { return endOrphans(folder, syscall.SIGKILL) } // it keeps nothing
	c.command = func() *exec.Cmd {
		cmd := exec.Command(bins.redis,
			"--port", "0", "--unixsocket", socket, "--unixsocketperm", "700",
			"--dir", folder, "--pidfile", filepath.Join(folder, "redis.pid"), "--set-proc-title", "no",
			"--save", "", "--appendonly", "no", // sessions are sealed and never on a disk
			"--maxmemory", redisMemory, "--maxmemory-policy", "noeviction",
			"--daemonize", "no", "--loglevel", "warning")
		p.dress(cmd)
		return cmd
	}
	c.answers = func(ctx context.Context) error { return pingRedis(ctx, socket) }
	return c.init()
}

func pingRedis(ctx context.Context, socket string) error {
	conn, err := new(net.Dialer).DialContext(ctx, "unix", socket)
	if err != nil {
		return err
	}
	defer conn.Close()
	if deadline, ok := ctx.Deadline(); ok {
		if err := conn.SetDeadline(deadline); err != nil {
			return err
		}
	}
	if _, err := conn.Write([]byte("PING\r\n")); err != nil {
		return err
	}
	line, err := bufio.NewReader(conn).ReadString('\n')
	if err != nil {
		return err
	}
	if !strings.HasPrefix(line, "+PONG") {
		return fmt.Errorf("it answered %q to a PING", strings.TrimSpace(line))
	}
	return nil
}
