package bench

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
)

// statement is one that was sent to PostgreSQL, with its arguments.
type statement struct {
	sql  string
	args []any
}

// recorder notes every statement of a connection: what pgbench plays is what
// the program sends, and cannot drift from it.
type recorder struct{ sent []statement }

func (r *recorder) TraceQueryStart(ctx context.Context, _ *pgx.Conn, d pgx.TraceQueryStartData) context.Context {
	r.sent = append(r.sent, statement{d.SQL, d.Args})
	return ctx
}

func (r *recorder) TraceQueryEnd(context.Context, *pgx.Conn, pgx.TraceQueryEndData) {}

func (r *recorder) TraceBatchStart(ctx context.Context, _ *pgx.Conn, _ pgx.TraceBatchStartData) context.Context {
	return ctx
}

func (r *recorder) TraceBatchQuery(_ context.Context, _ *pgx.Conn, d pgx.TraceBatchQueryData) {
	r.sent = append(r.sent, statement{d.SQL, d.Args})
}

func (r *recorder) TraceBatchEnd(context.Context, *pgx.Conn, pgx.TraceBatchEndData) {}

// script is a transaction as pgbench plays it.
type script struct {
	text    string
	weight  int
	defines []string // -D name=value: values that stay the same
}

var parameter = regexp.MustCompile(`\$(\d+)`)

// newScript writes statements as a script of pgbench. An argument among drawn is
// written as the SQL beside it, by its text; all others stay as they were sent.
// One that is drawn costs PostgreSQL a hash of a number more than ours costs it,
// since pgbench draws nothing but numbers.
func newScript(sent []statement, drawn map[string]string, weight int) (script, error) {
	var b strings.Builder
	s := script{weight: weight}
	names := map[string]string{} // of values, so that each is defined once
	fmt.Fprintf(&b, "\\set run random(1, 9000000000000000000)\n\\set hop random(1, 9000000000000000000)\n\\set who random(1, %d)\n", pgbenchContacts)
	if len(sent) > 1 {
		b.WriteString("\\startpipeline\n") // as a pgx.Batch: one trip, one transaction
	}
	for _, st := range sent {
		var bad error
		sql := parameter.ReplaceAllStringFunc(st.sql, func(p string) string {
			n, _ := strconv.Atoi(p[1:])
			if n < 1 || n > len(st.args) {
				bad = fmt.Errorf("the statement has no argument %s", p)
				return p
			}
			v, null, err := text(st.args[n-1])
			if err != nil {
				bad = err
				return p
			}
			switch expression, ok := drawn[v]; {
			case null:
				return "null"
			case ok:
				return expression
			case v == "":
				return "''" // -D takes no empty value
			}
			if names[v] == "" {
				names[v] = fmt.Sprintf("v%d", len(names)+1)
			}
			return ":" + names[v]
		})
		if bad != nil {
			return s, fmt.Errorf("writing a script for pgbench: %w", bad)
		}
		b.WriteString(strings.TrimSpace(sql) + ";\n")
	}
	if len(sent) > 1 {
		b.WriteString("\\endpipeline\n")
	}
	s.text = b.String()
	for _, v := range slices.Sorted(maps.Keys(names)) {
		s.defines = append(s.defines, names[v]+"="+v)
	}
	return s, nil
}

// text gives an argument as PostgreSQL reads it.
func text(v any) (s string, null bool, err error) {
	switch v := v.(type) {
	case nil:
		return "", true, nil
	case *time.Time:
		return "", v == nil, nil
	case *string:
		if v == nil {
			return "", true, nil
		}
		return *v, false, nil
	case []byte:
		if v == nil {
			return "", true, nil
		}
		if len(v) > 0 && v[0] == '{' { // the answers
			return string(v), false, nil
		}
		return fmt.Sprintf(`\x%x`, v), false, nil
	case time.Time:
		return v.UTC().Format("2006-01-02 15:04:05.999999Z07:00"), false, nil
	}
	return fmt.Sprint(v), false, nil
}

// pgbench is the program, beside the server whose version it has.
type pgbench struct {
	path        string
	dir         string // where scripts are written
	socket      string
	port        string
	user, datab string
}

// findPgbench looks for pgbench beside the running server's own binaries.
func findPgbench(postmaster int) (string, error) {
	server, err := os.Readlink(fmt.Sprintf("/proc/%d/exe", postmaster))
	if err == nil {
		if path := filepath.Join(filepath.Dir(server), "pgbench"); executable(path) {
			return path, nil
		}
	}
	if path, err := exec.LookPath("pgbench"); err == nil {
		return path, nil
	}
	return "", errors.New("there is no pgbench beside PostgreSQL's programs, nor on PATH: it is what captures are compared with. Debian and Ubuntu have it in postgresql-contrib or postgresql, Alpine and Fedora in postgresql-contrib")
}

func executable(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular() && info.Mode()&0o111 != 0
}

var (
	progressLine = regexp.MustCompile(`(?m)^progress: ([0-9.]+) s, ([0-9.]+) tps`)
	failedLine   = regexp.MustCompile(`(?m)^number of failed transactions: (\d+)`)
)

// pgbenchWarm is what is left out at the beginning: its connections are new, and
// each reads the catalogue and plans its statements once. Ours are old.
const pgbenchWarm = 2 * time.Second

// play runs scripts by their weights and gives transactions a second, once warm.
func (p *pgbench) play(ctx context.Context, scripts []script, clients int, d time.Duration) (float64, error) {
	args := []string{"-n", "-M", "prepared", "-P", "1", "-h", p.socket, "-p", p.port, "-U", p.user, "-c", strconv.Itoa(clients), "-j", "2",
		"-T", strconv.Itoa(max(1, int(d.Seconds()+0.5)) + int(pgbenchWarm.Seconds()))}
	for i, s := range scripts {
		file := filepath.Join(p.dir, fmt.Sprintf("script%d.sql", i))
		// Each script has its own names, so that they share one command line.
		body := s.text
		for _, define := range s.defines {
			name, value, _ := strings.Cut(define, "=")
			own := fmt.Sprintf("s%d%s", i, name)
			body = regexp.MustCompile(`:`+name+`\b`).ReplaceAllString(body, ":"+own)
			args = append(args, "-D", own+"="+value)
		}
		if err := os.WriteFile(file, []byte(body), 0o644); err != nil {
			return 0, fmt.Errorf("writing a script for pgbench: %w", err)
		}
		args = append(args, "-f", fmt.Sprintf("%s@%d", file, s.weight))
	}
	cmd := exec.CommandContext(ctx, p.path, append(args, p.datab)...)
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := cmd.Run(); err != nil {
		return 0, fmt.Errorf("running pgbench: %w\n%.1500s", err, errs.String())
	}
	if m := failedLine.FindSubmatch(out.Bytes()); m != nil && string(m[1]) != "0" {
		return 0, fmt.Errorf("pgbench failed in %s transactions: %.1500s", m[1], errs.String())
	}
	return warmRate(errs.Bytes())
}

// warmRate is the mean of the progress that was reported after pgbenchWarm.
func warmRate(progress []byte) (float64, error) {
	var made, before, since float64
	for _, m := range progressLine.FindAllSubmatch(progress, -1) {
		at, err := strconv.ParseFloat(string(m[1]), 64)
		if err != nil {
			return 0, fmt.Errorf("reading pgbench's progress: %w", err)
		}
		rate, err := strconv.ParseFloat(string(m[2]), 64)
		if err != nil {
			return 0, fmt.Errorf("reading pgbench's progress: %w", err)
		}
		if at > pgbenchWarm.Seconds()+0.5 {
			made += rate * (at - before)
			since += at - before
		}
		before = at
	}
	if since == 0 {
		return 0, fmt.Errorf("pgbench does not say how many transactions it made:\n%.1500s", progress)
	}
	return made / since, nil
}
