package servers

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"
)

// oldestPostgres is what Debian 12 has, and the oldest that is tested; .tools/setup.sh says the same.
const oldestPostgres = 15

// binaries are the programs that were found, by absolute path.
type binaries struct {
	pgDir     string // the folder of postgres and initdb
	pgVersion string // "15.14"
	pgMajor   int
	redis     string // redis-server or valkey-server
}

func (b binaries) pg(name string) string { return filepath.Join(b.pgDir, name) }

// findBinaries looks for what is asked for. A data folder made by one major version of PostgreSQL can only be read by that
// version: wantMajor is its number, 0 when any will do.
func findBinaries(wantMajor int, wantPostgres, wantRedis bool) (binaries, error) {
	var b binaries
	var missing []string
	var packages []string

	if wantPostgres {
		older := ""
		for _, dir := range postgresFolders() {
			version, major, ok := postgresVersion(dir)
			if !ok {
				continue
			}
			if major < oldestPostgres || wantMajor != 0 && major != wantMajor {
				older = cmp.Or(older, version+" in "+dir)
				continue
			}
			b.pgDir, b.pgVersion, b.pgMajor = dir, version, major
			break
		}
		if b.pgDir == "" {
			what := fmt.Sprintf("a PostgreSQL server (postgres and initdb, version %d or later)", oldestPostgres)
			if wantMajor != 0 {
				what = fmt.Sprintf("PostgreSQL %d, which made this data folder", wantMajor)
			}
			if dir := os.Getenv("LAFIA_PG_BIN"); dir != "" {
				what += ", looked for in LAFIA_PG_BIN=" + dir
			}
			if older != "" {
				what += ", found is " + older
			}
			missing, packages = append(missing, what), append(packages, "postgresql")
		}
	}

	if wantRedis {
		for _, name := range []string{"redis-server", "valkey-server"} {
			if path, err := exec.LookPath(name); err == nil {
				if path, err = filepath.Abs(path); err == nil {
					b.redis = path
					break
				}
			}
		}
		if b.redis == "" {
			missing, packages = append(missing, "redis-server or valkey-server, looked for on PATH"), append(packages, "redis")
		}
	}

	if len(missing) > 0 {
		return b, fmt.Errorf("not found: %s; %s", strings.Join(missing, "; "), installLine(packages))
	}
	return b, nil
}

// postgresFolders are the folders that may hold a PostgreSQL server, the preferred one first. The distributions keep it off
// PATH. LAFIA_PG_BIN is a decision: when it is set, nothing else is tried.
func postgresFolders() []string {
	if dir := os.Getenv("LAFIA_PG_BIN"); dir != "" {
		return []string{dir}
	}
	var dirs []string
	for dir := range strings.SplitSeq(os.Getenv("PATH"), string(os.PathListSeparator)) {
		if filepath.IsAbs(dir) {
			dirs = append(dirs, dir)
		}
	}
	if path, err := exec.LookPath("pg_config"); err == nil {
		if out, err := exec.Command(path, "--bindir").Output(); err == nil {
			dirs = append(dirs, strings.TrimSpace(string(out)))
		}
	}
	for _, pattern := range []string{
		"/usr/lib/postgresql/*/bin",                          // Debian, Ubuntu
		"/usr/pgsql-*/bin",                                   // PostgreSQL's own RPMs
		"/usr/libexec/postgresql*",                           // Alpine
		"/opt/homebrew/opt/postgresql*/bin",                  // Homebrew: Apple silicon,
		"/usr/local/opt/postgresql*/bin",                     // Intel,
		"/home/linuxbrew/.linuxbrew/opt/postgresql*/bin",     // Linux
		"/Applications/Postgres.app/Contents/Versions/*/bin", // Postgres.app
	} {
		found, _ := filepath.Glob(pattern) // its only error is a bad pattern
		slices.SortFunc(found, func(a, b string) int { return cmp.Compare(folderNumber(b), folderNumber(a)) })
		dirs = append(dirs, found...)
	}
	return dirs
}

var number = regexp.MustCompile(`\d+`)

// folderNumber is the version in a folder's path, so that 17 comes before 9.
func folderNumber(dir string) int {
	n, _ := strconv.Atoi(number.FindString(dir)) // none: 0, the last
	return n
}

// "postgres (PostgreSQL) 15.14 (Debian 15.14-0+deb12u1)", "… 18beta1"
var versionLine = regexp.MustCompile(`^postgres \(PostgreSQL\) ((\d+)\S*)`)

func postgresVersion(dir string) (version string, major int, ok bool) {
	for _, name := range []string{"initdb", "postgres"} {
		info, err := os.Stat(filepath.Join(dir, name))
		if err != nil || info.IsDir() || info.Mode()&0o111 == 0 {
			return "", 0, false
		}
	}
	out, err := exec.Command(filepath.Join(dir, "postgres"), "--version").Output()
	if err != nil {
		return "", 0, false
	}
	m := versionLine.FindSubmatch(out)
	if m == nil {
		return "", 0, false
	}
	major, err = strconv.Atoi(string(m[2]))
	return string(m[1]), major, err == nil
}

// installers are the package managers known, with what they call the things; .tools/setup.sh knows the same.
var installers = []struct {
	program, line     string
	postgresql, redis string
}{
	{"apt-get", "apt-get install -y --no-install-recommends", "postgresql", "redis-server"},
	{"dnf", "dnf install -y", "postgresql-server", "valkey"},
	{"apk", "apk add", "postgresql17", "valkey"},
	{"pacman", "pacman -S --needed", "postgresql", "valkey"},
	{"brew", "brew install", "postgresql@17", "redis"},
}

// installLine is the one command that installs the packages on this system.
func installLine(packages []string) string {
	for _, in := range installers {
		if !onSystem(in.program) {
			continue
		}
		line := in.line
		for _, p := range packages {
			if p == "postgresql" {
				line += " " + in.postgresql
			} else {
				line += " " + in.redis
			}
		}
		if os.Getuid() != 0 && in.program != "brew" {
			line = "sudo " + line
		}
		return "install with: " + line
	}
	return "install " + strings.Join(packages, " and ") + " (no package manager known to lafia is here, on " + runtime.GOOS + ")"
}

// onSystem looks beside PATH too: that of a service is often empty, and the message should still be right.
func onSystem(program string) bool {
	if _, err := exec.LookPath(program); err == nil || errors.Is(err, exec.ErrDot) {
		return true
	}
	for _, dir := range []string{"/usr/bin", "/sbin", "/usr/local/bin", "/opt/homebrew/bin"} {
		if _, err := os.Stat(filepath.Join(dir, program)); err == nil {
			return true
		}
	}
	return false
}
