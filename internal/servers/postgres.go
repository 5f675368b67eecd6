package servers

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

const (
	roleName       = "lafia"
	databaseName   = "lafia"
	postgresPort   = "5432" // no port is opened; it is part of the socket's name
	postgresSocket = ".s.PGSQL." + postgresPort
)

// postgresSettings are those of every private server; the rest is PostgreSQL's own.
var postgresSettings = []string{
	"port=" + postgresPort,
	"listen_addresses=", // no TCP
	"unix_socket_permissions=0700",
	"max_connections=200",
	"shared_buffers=64MB",
	"max_wal_size=4GB", // no checkpoint in the midst of a burst or a benchmark
	"jit=off",          // short queries: compiling costs more than it saves
	// Parallel plans keep their data in /dev/shm, of which a container may have 64 MB; and no query here is that large.
	"max_parallel_workers_per_gather=0",
	"max_parallel_maintenance_workers=0",
	"timezone=UTC",
	"log_timezone=UTC",
	// The log holds no value of any query. An error's own message may quote one (invalid input syntax for …: "…"), so errors,
	// which their client gets anyway, are not written at all: `log` ranks above `error` and below `fatal`.
	"logging_collector=off",
	"log_min_messages=log",
	"log_min_error_statement=panic",
	"log_error_verbosity=terse", // no DETAIL, no CONTEXT
	"log_statement=none",
	"log_min_duration_statement=-1",
	"log_parameter_max_length=0",
	"log_parameter_max_length_on_error=0",
	"log_checkpoints=off",
}

func newPostgres(p *place, bins binaries, o Options) *child {
	folder := filepath.Join(p.base, "pg")
	c := &child{
		name: "postgres", folder: folder, logPath: filepath.Join(p.data, "postgres.log"), log: o.Log,
		leave: syscall.SIGINT,  // "fast": ends the sessions, and writes a checkpoint
		hurry: syscall.SIGQUIT, // "immediate": the next start recovers
	}
	c.clear = func() error { return clearPostgres(folder, p.sockets) }
	c.command = func() *exec.Cmd {
		args := []string{"-D", folder, "-k", p.sockets}
		for _, setting := range postgresSettings {
			args = append(args, "-c", setting)
		}
		orphaned := syscall.SIGINT
		if !o.Durable {
			// synchronous_commit stays: without it a kill of PostgreSQL loses what it had acknowledged, and tests kill it.
			args = append(args, "-c", "fsync=off", "-c", "full_page_writes=off",
				"-c", "max_wal_size=256MB") // the disk may be memory
			orphaned = syscall.SIGQUIT
		}
		cmd := exec.Command(bins.pg("postgres"), args...)
		p.dress(cmd)
		dieWithParent(cmd.SysProcAttr, orphaned)
		return cmd
	}
	c.answers = func(ctx context.Context) error {
		conn, err := pgx.Connect(ctx, postgresURL(p.sockets, "postgres"))
		if pgErr, ok := errors.AsType[*pgconn.PgError](err); ok && pgErr.Code == "57P03" { // cannot_connect_now
			return errRecovering
		}
		if err != nil {
			return err
		}
		return conn.Close(ctx)
	}
	return c.init()
}

// clearPostgres makes way in a cluster whose server was killed. PostgreSQL does most of it: it takes over a postmaster.pid
// whose process is gone. But it refuses when children of the old server still run, or when that number belongs to another
// process by now.
func clearPostgres(folder, sockets string) error {
	if err := endOrphans(folder, syscall.SIGINT); err != nil {
		return err
	}
	for _, path := range []string{
		filepath.Join(folder, "postmaster.pid"),
		filepath.Join(sockets, postgresSocket+".lock"),
	} {
		text, err := os.ReadFile(path)
		if err != nil {
			continue // none, most of the time
		}
		first, _, _ := strings.Cut(string(text), "\n")
		pid, err := strconv.Atoi(strings.TrimSpace(first))
		if err == nil && pid > 0 && errors.Is(syscall.Kill(pid, 0), syscall.ESRCH) {
			continue // PostgreSQL sees that itself, and frees the old one's shared memory
		}
		if err := os.Remove(path); err != nil {
			return fmt.Errorf("cannot remove what a killed server left: %w", err)
		}
	}
	return nil
}

// clusterMajor is the version of PostgreSQL that made the cluster in pg, 0 when there is none.
func clusterMajor(pg string) int {
	text, err := os.ReadFile(filepath.Join(pg, "PG_VERSION"))
	if err != nil {
		return 0
	}
	major, _ := strconv.Atoi(strings.TrimSpace(string(text))) // PostgreSQL says what is wrong with such a cluster
	return major
}

// makeCluster makes base/pg when there is none. It is made beside and renamed: an interruption leaves nothing half made.
func (p *place) makeCluster(ctx context.Context, bins binaries, durable bool, log *slog.Logger) error {
	pg := filepath.Join(p.base, "pg")
	if clusterMajor(pg) != 0 {
		return p.reaches(pg)
	}
	if _, err := os.Lstat(pg); err == nil {
		return fmt.Errorf("%s is there and holds no PostgreSQL data: move it away", pg)
	}
	half := pg + ".new"
	if err := endOrphans(half, syscall.SIGKILL); err != nil {
		return err
	}
	if err := os.RemoveAll(half); err != nil {
		return fmt.Errorf("cannot remove what an interrupted start left: %w", err)
	}
	if durable {
		log.Info("making a database", "folder", pg, "postgresql", bins.pgVersion)
		if err := p.initdb(ctx, bins, half, true); err != nil {
			return err
		}
	} else if err := p.copyTemplate(ctx, bins, half); err != nil {
		return err
	}
	if err := os.Rename(half, pg); err != nil {
		return fmt.Errorf("cannot put the new database in its place: %w", err)
	}
	if durable {
		return syncFolder(p.base)
	}
	return nil
}

// initdbFlags decide what every new cluster is.
func initdbFlags() []string {
	locale := "C.UTF-8"
	if runtime.GOOS == "darwin" {
		locale = "C" // it has no C.UTF-8; text is sorted by us
	}
	// Trust: the folder of the sockets is the lock.
	return []string{"-U", roleName, "-A", "trust", "--encoding=UTF8", "--locale=" + locale, "--no-instructions"}
}

// initdb makes a cluster in dir, which must not be there.
func (p *place) initdb(ctx context.Context, bins binaries, dir string, durable bool) error {
	if err := p.makeFolder(dir); err != nil {
		return err
	}
	args := append([]string{"-D", dir}, initdbFlags()...)
	if !durable {
		args = append(args, "--no-sync")
	}
	return p.runTool(ctx, bins.pg("initdb"), args...)
}

// runTool runs a short program as the servers' user.
func (p *place) runTool(ctx context.Context, path string, args ...string) error {
	runtime.LockOSThread() // dieWithParent means the thread
	defer runtime.UnlockOSThread()
	var out bytes.Buffer
	cmd := exec.CommandContext(ctx, path, args...)
	p.dress(cmd)
	cmd.Stdout, cmd.Stderr = &out, &out
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) } // its own children too
	if err := cmd.Run(); err != nil {
		if ctx.Err() != nil {
			return fmt.Errorf("%s was interrupted: %w", filepath.Base(path), ctx.Err())
		}
		return fmt.Errorf("%s failed: %w: %s", path, err, strings.Join(strings.Fields(lastLines(out.String(), 3)), " "))
	}
	return nil
}

func lastLines(text string, n int) string {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	return strings.Join(lines[max(0, len(lines)-n):], "\n")
}

// ensureDatabase makes the database lafia when it is missing.
func ensureDatabase(ctx context.Context, sockets string) error {
	conn, err := pgx.Connect(ctx, postgresURL(sockets, databaseName))
	if err == nil {
		return conn.Close(ctx)
	}
	if pgErr, ok := errors.AsType[*pgconn.PgError](err); !ok || pgErr.Code != "3D000" { // invalid_catalog_name: no such database
		return fmt.Errorf("cannot open the database %s: %w", databaseName, err)
	}
	if conn, err = pgx.Connect(ctx, postgresURL(sockets, "postgres")); err != nil {
		return fmt.Errorf("cannot make the database %s: %w", databaseName, err)
	}
	_, err = conn.Exec(ctx, "CREATE DATABASE "+databaseName)
	if err = errors.Join(err, conn.Close(ctx)); err != nil {
		return fmt.Errorf("cannot make the database %s: %w", databaseName, err)
	}
	return nil
}
