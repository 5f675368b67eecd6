package app_test

import (
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"lafia/internal/servers/serverstest"
)

// refused runs `lafia dev` where something is in its way, and wants one line that
// says what, and the exit status 1.
func refused(t *testing.T, env []string, says []string, args ...string) {
	t.Helper()
	p := spawn(t, env, program(t), append([]string{"dev"}, args...)...)
	if status := p.exit(60 * time.Second); status != 1 {
		t.Errorf("exit status %d, want 1", status)
	}
	if p.out.String() != "" {
		t.Errorf("on standard output: %q", p.out)
	}
	said := p.errors.String()
	if strings.Count(said, "\n") != 1 || !strings.HasPrefix(said, "lafia: ") {
		t.Errorf("want one line, got\n%s", said)
	}
	for _, s := range says {
		if !strings.Contains(said, s) {
			t.Errorf("the line lacks %q: %s", s, said)
		}
	}
}

func TestAPortThatIsTakenIsNamed(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	defer l.Close()
	dir := filepath.Join(serverstest.Dir(t), "data")
	addr := l.Addr().String()
	refused(t, nil, []string{addr, "taken", "--listen"}, "--data", dir, "--listen", addr)
	if _, err := os.Stat(dir); err == nil {
		t.Error("the data folder was made all the same")
	}
}

func TestAMissingServerIsNamed(t *testing.T) {
	t.Parallel()
	empty := t.TempDir()
	refused(t, []string{"LAFIA_PG_BIN=" + empty}, []string{"PostgreSQL", "LAFIA_PG_BIN=" + empty, "install"},
		"--data", filepath.Join(serverstest.Dir(t), "data"), "--listen", "127.0.0.1:0")
}

// works starts an instance, has a screen of it, and ends it.
func works(t *testing.T, dir string, args ...string) {
	t.Helper()
	i := dev(t, dir, args...)
	if s := newPhone(t, canary(1), i.URL).dial(""); !strings.Contains(s.text, "2 Bamanankan") {
		t.Errorf("the first screen:\n%s", s.text)
	}
	res, err := caller.Get(i.URL + "/readyz")
	must(t, err)
	_ = res.Body.Close()
	if res.StatusCode != http.StatusOK {
		t.Errorf("readyz says HTTP %d", res.StatusCode)
	}
	i.end()
	if _, err := os.Stat(filepath.Join(dir, "dev.json")); err == nil {
		t.Error("dev.json is there though nothing runs")
	}
}

// TestADataFolderThatAnotherHoldsIsNamed starts a second instance beside a
// first, whose path is too long for a socket, and which it must not disturb.
func TestADataFolderThatAnotherHoldsIsNamed(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(serverstest.Dir(t), strings.Repeat("un-dossier-au-nom-tres-long/", 6), "data")
	i := dev(t, dir, "--no-demo")
	refused(t, nil, []string{dir, fmt.Sprint(i.cmd.Process.Pid), "--data"}, "--data", dir, "--listen", "127.0.0.1:0")
	if s := newPhone(t, canary(1), i.URL).dial(""); !strings.Contains(s.text, "2 Bamanankan") {
		t.Errorf("the first screen:\n%s", s.text)
	}
	i.end()
	works(t, dir, "--no-demo") // on what the first one left
}

// TestAFolderThatOnlyItsOwnerMayEnterWorks is a clone in /root: PostgreSQL, which
// refuses to run as root, could not walk into it.
func TestAFolderThatOnlyItsOwnerMayEnterWorks(t *testing.T) {
	t.Parallel()
	closed := filepath.Join(serverstest.Dir(t), "clone")
	must(t, os.Mkdir(closed, 0o700))
	must(t, os.Chmod(closed, 0o700))
	works(t, filepath.Join(closed, ".lafia"), "--no-demo")
	var s syscall.Stat_t
	must(t, syscall.Stat(closed, &s))
	if s.Mode&0o777 != 0o700 {
		t.Errorf("the folder was opened to others: mode %o", s.Mode&0o777)
	}
	works(t, filepath.Join(closed, ".lafia"), "--no-demo") // and its data are found again
}
