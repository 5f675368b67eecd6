package servers_test

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/redis/go-redis/v9"

	"lafia/internal/servers"
	"lafia/internal/servers/serverstest"
)

// asInstance makes the test binary the lafia that a test kills.
const asInstance = "LAFIA_TEST_INSTANCE_ON"

func TestMain(m *testing.M) {
	if dir := os.Getenv(asInstance); dir != "" {
		runInstance(dir)
	}
	serverstest.Main(m)
}

func TestTheSecondStartFindsTheData(t *testing.T) {
	dir := serverstest.Dir(t)
	s := start(t, servers.Options{Dir: dir, Durable: true})
	keepRow(t, s.PostgresURL())
	setKey(t, s.RedisSocket())

	if a, running, err := servers.Running(dir); err != nil || !running || a.PostgresURL != s.PostgresURL() || a.RedisSocket != s.RedisSocket() {
		t.Errorf("Running = %+v, %v, %v", a, running, err)
	}
	began := time.Now()
	if err := s.Stop(); err != nil {
		t.Fatal(err)
	}
	if took := time.Since(began); took > 5*time.Second {
		t.Errorf("stopping took %v", took)
	}
	if err := s.Stop(); err != nil {
		t.Errorf("the second Stop: %v", err)
	}
	if postgres, redis := s.PIDs(); postgres != 0 || redis != 0 {
		t.Errorf("after Stop, PIDs = %d, %d", postgres, redis)
	}
	if _, running, err := servers.Running(dir); err != nil || running {
		t.Errorf("after Stop, Running = %v, %v", running, err)
	}

	s = start(t, servers.Options{Dir: dir, Durable: true})
	wantRow(t, s.PostgresURL())
}

func TestTheServersAreClosedToOthersAndDurableAsAsked(t *testing.T) {
	s := serverstest.Start(t)
	info, err := os.Stat(filepath.Dir(s.RedisSocket()))
	if err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("the sockets' folder: %v, %v", info.Mode(), err)
	}
	conn := connect(t, s.PostgresURL())
	for setting, want := range map[string]string{
		"listen_addresses": "", "fsync": "off", "log_min_messages": "log", "server_encoding": "UTF8", "max_connections": "200",
	} {
		var got string
		if err := conn.QueryRow(t.Context(), "SELECT current_setting($1)", setting).Scan(&got); err != nil || got != want {
			t.Errorf("%s = %q, %v, want %q", setting, got, err, want)
		}
	}
	client := dial(t, s.RedisSocket())
	for setting, want := range map[string]string{
		"port": "0", "save": "", "appendonly": "no", "maxmemory-policy": "noeviction", "maxmemory": "268435456",
	} {
		got, err := client.ConfigGet(t.Context(), setting).Result()
		if err != nil || got[setting] != want {
			t.Errorf("redis: %s = %q, %v, want %q", setting, got[setting], err, want)
		}
	}

	durable := start(t, servers.Options{Dir: serverstest.Dir(t), Durable: true, NoRedis: true})
	conn = connect(t, durable.PostgresURL())
	for _, setting := range []string{"fsync", "full_page_writes", "synchronous_commit"} {
		var got string
		if err := conn.QueryRow(t.Context(), "SELECT current_setting($1)", setting).Scan(&got); err != nil || got != "on" {
			t.Errorf("durable: %s = %q, %v", setting, got, err)
		}
	}
}

func TestTheLogQuotesNoValue(t *testing.T) {
	dir := serverstest.Dir(t)
	s := start(t, servers.Options{Dir: dir, NoRedis: true})
	conn := connect(t, s.PostgresURL())
	const number = "22370000001"
	for _, statement := range []string{
		"CREATE TABLE n (x text UNIQUE)", "INSERT INTO n VALUES ('" + number + "')",
		"INSERT INTO n VALUES ('" + number + "')", // duplicate: the value is in DETAIL
		"SELECT 'no " + number + "'::int",         // the value is in the message itself
		"DO $$ BEGIN RAISE WARNING '" + number + "'; RAISE EXCEPTION '" + number + "'; END $$",
	} {
		_, _ = conn.Exec(t.Context(), statement) // some fail, as they should
	}
	var none int
	if err := conn.QueryRow(t.Context(), "SELECT 1/(x::bigint-"+number+") FROM n WHERE x = $1", number).Scan(&none); err == nil {
		t.Error("a division by zero succeeded")
	}
	if err := s.Stop(); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(filepath.Join(dir, "postgres.log"))
	if err != nil || len(text) == 0 {
		t.Fatalf("the log: %d bytes, %v", len(text), err)
	}
	if strings.Contains(string(text), number) {
		t.Errorf("the log holds the number:\n%s", text)
	}
}

func TestEverythingKilledLosesNothing(t *testing.T) {
	dir := serverstest.Dir(t)
	in := startInstance(t, dir)
	wantRow(t, in.PostgresURL)
	for _, pid := range append(childrenOf(in.Postgres), in.Postgres, in.Redis, in.process.Pid) {
		kill(t, pid)
	}
	in.wait()

	s := start(t, servers.Options{Dir: dir, Durable: true})
	wantRow(t, s.PostgresURL())
	setKey(t, s.RedisSocket())
}

func TestTheServersOfAKilledLafiaEndAndTheNextStartRecovers(t *testing.T) {
	dir := serverstest.Dir(t)
	in := startInstance(t, dir)
	kill(t, in.process.Pid)
	in.wait()

	s := start(t, servers.Options{Dir: dir, Durable: true}) // at once: they may still be ending
	wantRow(t, s.PostgresURL())
	if postgres, redis := s.PIDs(); postgres == in.Postgres || redis == in.Redis {
		t.Error("a server of the killed lafia was taken over")
	}
	for _, pid := range []int{in.Postgres, in.Redis} {
		// One that nobody waited for has ended all the same.
		if at, err := os.Readlink(fmt.Sprintf("/proc/%d/cwd", pid)); err == nil {
			t.Errorf("process %d of the killed lafia still runs, in %s", pid, at)
		}
	}
}

func TestOrphansAreEnded(t *testing.T) {
	dir := serverstest.Dir(t)
	s := start(t, servers.Options{Dir: dir})
	keepRow(t, s.PostgresURL())
	url := s.PostgresURL()
	postgres, redis := s.PIDs()
	var orphans []*exec.Cmd
	for _, pid := range []int{postgres, redis} {
		orphans = append(orphans, sameCommand(t, pid, filepath.Join(dir, "redis")))
	}
	if err := s.Stop(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{}, len(orphans))
	for _, cmd := range orphans { // as if their lafia had been killed where nothing ends a child with its parent
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		go func() { _ = cmd.Wait(); ended <- struct{}{} }()
	}
	waitFor(t, "the orphan to answer", func() bool {
		conn, err := pgx.Connect(t.Context(), url)
		if err == nil {
			_ = conn.Close(t.Context())
		}
		return err == nil
	})

	s = start(t, servers.Options{Dir: dir})
	wantRow(t, s.PostgresURL())
	setKey(t, s.RedisSocket())
	for range orphans {
		<-ended
	}
}

func TestAPidFileOfAKilledServerMayNameAnotherProcess(t *testing.T) {
	dir := serverstest.Dir(t)
	in := startInstance(t, dir)
	stranger := sameUser(t, filepath.Join(dir, "redis"), "sleep", "60")
	if err := stranger.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = stranger.Process.Kill(); _ = stranger.Wait() }()
	for _, pid := range append(childrenOf(in.Postgres), in.Postgres, in.Redis, in.process.Pid) {
		kill(t, pid)
	}
	in.wait()
	for _, path := range []string{filepath.Join(dir, "pg", "postmaster.pid"), filepath.Join(dir, "run", ".s.PGSQL.5432.lock")} {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		other := strings.Replace(string(text), strconv.Itoa(in.Postgres), strconv.Itoa(stranger.Process.Pid), 1)
		if err := os.WriteFile(path, []byte(other), 0o600); err != nil {
			t.Fatal(err)
		}
	}

	s := start(t, servers.Options{Dir: dir, Durable: true})
	wantRow(t, s.PostgresURL())
	if err := syscall.Kill(stranger.Process.Pid, 0); err != nil {
		t.Errorf("the other process: %v", err)
	}
}

func TestAServerThatDiesIsStartedAgain(t *testing.T) {
	s := serverstest.Start(t)
	keepRow(t, s.PostgresURL())
	postgres, redis := s.PIDs()
	kill(t, postgres)
	kill(t, redis)
	waitFor(t, "new servers", func() bool {
		p, r := s.PIDs()
		return p != 0 && p != postgres && r != 0 && r != redis
	})
	waitFor(t, "an answer", func() bool {
		conn, err := pgx.Connect(t.Context(), s.PostgresURL())
		if err != nil {
			return false
		}
		defer conn.Close(context.Background())
		return dial(t, s.RedisSocket()).Ping(t.Context()).Err() == nil
	})
	wantRow(t, s.PostgresURL())
}

func TestASecondInstanceIsRefused(t *testing.T) {
	dir := serverstest.Dir(t)
	s := start(t, servers.Options{Dir: dir})
	keepRow(t, s.PostgresURL())
	_, err := servers.Start(t.Context(), servers.Options{Dir: dir})
	wantOneLine(t, err, "another lafia holds "+dir, strconv.Itoa(os.Getpid()), "--data")
	wantRow(t, s.PostgresURL())
}

func TestAPathTooLongForASocketOrNotPlain(t *testing.T) {
	for _, name := range []string{strings.Repeat("long", 35), "a, b 'c' é"} {
		t.Run(name, func(t *testing.T) {
			dir := filepath.Join(serverstest.Dir(t), name)
			s := start(t, servers.Options{Dir: dir})
			keepRow(t, s.PostgresURL())
			setKey(t, s.RedisSocket())
			sockets := filepath.Dir(s.RedisSocket())
			if !strings.HasPrefix(sockets, "/tmp/lafia-") || len(sockets) > 40 {
				t.Errorf("the sockets are in %s", sockets)
			}
			if _, err := os.Stat(filepath.Join(dir, "pg", "PG_VERSION")); err != nil {
				t.Error(err)
			}
			if err := s.Stop(); err != nil {
				t.Fatal(err)
			}
			if _, err := os.Stat(sockets); !errors.Is(err, os.ErrNotExist) {
				t.Errorf("the sockets' folder stays: %v", err)
			}
			s = start(t, servers.Options{Dir: dir})
			wantRow(t, s.PostgresURL())
		})
	}
}

func TestAFolderThatOnlyRootMayEnter(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("only root runs the servers as another user")
	}
	dir := filepath.Join(t.TempDir(), "data") // its parent is 0700
	s := start(t, servers.Options{Dir: dir})
	keepRow(t, s.PostgresURL())
	var remembered struct{ Data string }
	text, err := os.ReadFile(filepath.Join(dir, "servers.json"))
	if err == nil {
		err = json.Unmarshal(text, &remembered)
	}
	if err != nil || !strings.HasPrefix(remembered.Data, "/tmp/lafia-0/") {
		t.Fatalf("servers.json: %s, %v", text, err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(remembered.Data) }) // else the next such start removes it
	if err := s.Stop(); err != nil {
		t.Fatal(err)
	}
	s = start(t, servers.Options{Dir: dir})
	wantRow(t, s.PostgresURL())
	if err := s.Stop(); err != nil {
		t.Fatal(err)
	}

	// A database that went away is not silently begun anew.
	if err := os.RemoveAll(remembered.Data); err != nil {
		t.Fatal(err)
	}
	_, err = servers.Start(t.Context(), servers.Options{Dir: dir})
	wantOneLine(t, err, "is gone", remembered.Data, "servers.json")
}

func TestADataFolderIsNotLeftBehindWhenItsParentCloses(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("only root runs the servers as another user")
	}
	parent := filepath.Join(serverstest.Dir(t), "parent")
	dir := filepath.Join(parent, "data")
	s := start(t, servers.Options{Dir: dir})
	keepRow(t, s.PostgresURL())
	if err := s.Stop(); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(parent, 0o700); err != nil {
		t.Fatal(err)
	}
	_, err := servers.Start(t.Context(), servers.Options{Dir: dir})
	wantOneLine(t, err, "chmod o+x "+parent)
	if err := os.Chmod(parent, 0o711); err != nil {
		t.Fatal(err)
	}
	s = start(t, servers.Options{Dir: dir})
	wantRow(t, s.PostgresURL())
}

func TestWhatIsMissingIsSaidInOneLine(t *testing.T) {
	empty := t.TempDir()
	t.Setenv("LAFIA_PG_BIN", empty)
	t.Setenv("PATH", "")
	_, err := servers.Start(t.Context(), servers.Options{Dir: serverstest.Dir(t)})
	wantOneLine(t, err, "PostgreSQL server", "LAFIA_PG_BIN="+empty, "redis-server or valkey-server", "install")

	_, err = servers.Start(t.Context(), servers.Options{})
	wantOneLine(t, err, "no data folder")
}

func TestAnInterruptedFirstStartDoesNotHarmTheNext(t *testing.T) {
	dir := serverstest.Dir(t)
	ctx, cancel := context.WithTimeout(t.Context(), 150*time.Millisecond) // in the midst of initdb
	defer cancel()
	_, err := servers.Start(ctx, servers.Options{Dir: dir, Durable: true})
	wantOneLine(t, err, "initdb was interrupted")
	if _, err := os.Stat(filepath.Join(dir, "pg")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("pg: %v", err)
	}
	s := start(t, servers.Options{Dir: dir, Durable: true})
	keepRow(t, s.PostgresURL())
}

func TestAServerThatCannotStartSaysWhy(t *testing.T) {
	dir := serverstest.Dir(t)
	if err := start(t, servers.Options{Dir: dir}).Stop(); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(filepath.Join(dir, "pg", "global", "pg_control")); err != nil {
		t.Fatal(err)
	}
	_, err := servers.Start(t.Context(), servers.Options{Dir: dir})
	wantOneLine(t, err, "postgres did not start", "pg_control", filepath.Join(dir, "postgres.log"))
}

// ---- a lafia in another process --------------------------------------------------------------------------------------

// instance is what runInstance says of itself.
type instance struct {
	PostgresURL     string
	Postgres, Redis int
	process         *os.Process
	wait            func()
}

func runInstance(dir string) {
	s, err := servers.Start(context.Background(), servers.Options{Dir: dir, Durable: true})
	if err == nil {
		err = insertRow(context.Background(), s.PostgresURL())
	}
	if err == nil {
		in := instance{PostgresURL: s.PostgresURL()}
		in.Postgres, in.Redis = s.PIDs()
		err = json.NewEncoder(os.Stdout).Encode(in)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	_, _ = io.Copy(io.Discard, os.Stdin) // until it is killed, or the test is gone
	os.Exit(0)
}

func startInstance(t *testing.T, dir string) instance {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), asInstance+"="+dir)
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var i instance
	line, err := bufio.NewReader(out).ReadBytes('\n')
	if err == nil {
		err = json.Unmarshal(line, &i)
	}
	if err != nil {
		t.Fatalf("the instance said %q: %v", line, err)
	}
	i.process = cmd.Process
	i.wait = func() { _ = cmd.Wait(); _ = in.Close() }
	return i
}

// sameCommand is the command line that a process was started with, as the same user, and not dying with us.
func sameCommand(t *testing.T, pid int, owned string) *exec.Cmd {
	t.Helper()
	exe, err := os.Readlink(fmt.Sprintf("/proc/%d/exe", pid))
	if err != nil {
		t.Fatal(err)
	}
	line, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
	if err != nil {
		t.Fatal(err)
	}
	args := strings.Split(strings.TrimSuffix(string(line), "\x00"), "\x00")
	cmd := sameUser(t, owned, exe, args[1:]...)
	cmd.Args[0] = args[0] // Debian's redis-server does by its name
	return cmd
}

// sameUser is a command that runs as the user who owns a folder.
func sameUser(t *testing.T, owned, name string, args ...string) *exec.Cmd {
	t.Helper()
	info, err := os.Stat(owned)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(name, args...)
	cmd.Dir = "/"
	cmd.Env = []string{"PATH=/usr/bin:/bin", "LC_ALL=C"}
	if stat := info.Sys().(*syscall.Stat_t); int(stat.Uid) != os.Getuid() {
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: stat.Uid, Gid: stat.Gid}}
	}
	return cmd
}

func childrenOf(pid int) []int {
	var pids []int
	text, _ := os.ReadFile(fmt.Sprintf("/proc/%d/task/%d/children", pid, pid)) // none: no children
	for field := range strings.FieldsSeq(string(text)) {
		if n, err := strconv.Atoi(field); err == nil {
			pids = append(pids, n)
		}
	}
	return pids
}

func kill(t *testing.T, pid int) {
	t.Helper()
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil && !errors.Is(err, syscall.ESRCH) {
		t.Fatalf("kill %d: %v", pid, err)
	}
}

// ---- small things ----------------------------------------------------------------------------------------------------

func start(t *testing.T, o servers.Options) *servers.Servers {
	t.Helper()
	s, err := servers.Start(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Stop(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func connect(t *testing.T, url string) *pgx.Conn {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close(context.Background()) })
	return conn
}

func insertRow(ctx context.Context, url string) error {
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		return err
	}
	_, err = conn.Exec(ctx, "CREATE TABLE kept (word text); INSERT INTO kept VALUES ('tɔɔrɔ')")
	return errors.Join(err, conn.Close(ctx))
}

func keepRow(t *testing.T, url string) {
	t.Helper()
	if err := insertRow(t.Context(), url); err != nil {
		t.Fatal(err)
	}
}

func wantRow(t *testing.T, url string) {
	t.Helper()
	var word string
	conn := connect(t, url)
	if err := conn.QueryRow(t.Context(), "SELECT word FROM kept").Scan(&word); err != nil || word != "tɔɔrɔ" {
		t.Fatalf("the row: %q, %v", word, err)
	}
	if err := conn.Close(t.Context()); err != nil {
		t.Error(err)
	}
}

func dial(t *testing.T, socket string) *redis.Client {
	t.Helper()
	client := redis.NewClient(&redis.Options{Network: "unix", Addr: socket, DisableIdentity: true})
	t.Cleanup(func() { _ = client.Close() })
	return client
}

func setKey(t *testing.T, socket string) {
	t.Helper()
	if err := dial(t, socket).Set(t.Context(), "k", "v", 0).Err(); err != nil {
		t.Fatal(err)
	}
}

func waitFor(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for range 1000 {
		if holds() {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Fatalf("waited 10 s for %s", what)
}

func wantOneLine(t *testing.T, err error, parts ...string) {
	t.Helper()
	if err == nil {
		t.Fatalf("no error; want one with %q", parts)
	}
	t.Log(err)
	if strings.Contains(err.Error(), "\n") {
		t.Errorf("more than one line: %q", err)
	}
	for _, part := range parts {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("%q does not say %q", err, part)
		}
	}
}
