package sweep

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path"
	"slices"
	"sort"
	"strconv"
	"strings"
)

// Call is a call of I/O as it stands in the source.
type Call struct {
	Func string // as Point.Func
	What string // the call: s.pool.QueryRow
	At   string // file:line
}

// Calls gives the I/O calls of all rooms that one room runs with, itself included,
// by function. tree is the module's folder. It reads syntax alone: a call is told
// by the name of its method, and by what its receiver is called where the name
// says too little.
func Calls(tree fs.FS, from string) ([]Call, error) {
	var out []Call
	seen := map[string]bool{}
	rooms := []string{from}
	for len(rooms) > 0 {
		dir := rooms[0]
		rooms = rooms[1:]
		if seen[dir] {
			continue
		}
		seen[dir] = true
		names, err := fs.Glob(tree, path.Join(dir, "*.go"))
		if err != nil {
			return nil, err
		}
		for _, name := range names {
			if strings.HasSuffix(name, "_test.go") || strings.HasSuffix(name, "_templ.go") {
				continue
			}
			text, err := fs.ReadFile(tree, name)
			if err != nil {
				return nil, fmt.Errorf("reading the source: %w", err)
			}
			calls, imports, err := callsOf(name, text)
			if err != nil {
				return nil, err
			}
			out = append(out, calls...)
			for _, im := range imports {
				if to, ours := strings.CutPrefix(im, module); ours {
					rooms = append(rooms, to)
				}
			}
		}
	}
	sort.SliceStable(out, func(i, j int) bool { return out[i].Func < out[j].Func })
	return out, nil
}

// callsOf reads one file.
func callsOf(name string, text []byte) (calls []Call, imports []string, err error) {
	set := token.NewFileSet()
	file, err := parser.ParseFile(set, name, text, parser.SkipObjectResolution)
	if err != nil {
		return nil, nil, fmt.Errorf("reading the source: %w", err)
	}
	for _, im := range file.Imports {
		p, _ := strconv.Unquote(im.Path.Value) // the parser has read it
		imports = append(imports, p)
	}
	r := reader{room: strings.TrimPrefix(path.Dir(name), "internal/")}
	r.postgres = r.room == "store" || slices.ContainsFunc(imports, func(im string) bool {
		return strings.HasPrefix(im, "github.com/jackc/pgx") || strings.HasPrefix(im, "github.com/riverqueue/")
	})
	for _, d := range file.Decls {
		f, ok := d.(*ast.FuncDecl)
		if !ok || f.Body == nil {
			continue
		}
		fn := r.room + "." + f.Name.Name
		if f.Recv != nil && len(f.Recv.List) > 0 {
			fn = r.room + "." + receiver(f.Recv.List[0].Type) + "." + f.Name.Name
		}
		ast.Inspect(f.Body, func(n ast.Node) bool {
			c, ok := n.(*ast.CallExpr)
			if !ok {
				return true
			}
			if sel, ok := c.Fun.(*ast.SelectorExpr); ok && r.isIO(sel, c.Args) {
				at := set.Position(c.Pos())
				calls = append(calls, Call{Func: fn, What: chain(sel), At: fmt.Sprintf("%s:%d", at.Filename, at.Line)})
			}
			return true
		})
	}
	return calls, imports, nil
}

func receiver(t ast.Expr) string {
	switch t := t.(type) {
	case *ast.StarExpr:
		return "(*" + receiver(t.X) + ")"
	case *ast.Ident:
		return t.Name
	case *ast.IndexExpr:
		return receiver(t.X)
	}
	return "?"
}

// chain writes a.b.c.
func chain(e ast.Expr) string {
	switch e := e.(type) {
	case *ast.Ident:
		return e.Name
	case *ast.SelectorExpr:
		return chain(e.X) + "." + e.Sel.Name
	case *ast.CallExpr:
		return chain(e.Fun) + "()"
	}
	return "?"
}

// last gives what a receiver is called.
func last(e ast.Expr) string {
	c := chain(e)
	return c[strings.LastIndexByte(c, '.')+1:]
}

type reader struct {
	room     string
	postgres bool // the file may ask PostgreSQL
}

var (
	// askPostgres are methods of pgx' pools, connections and transactions, of River's
	// client, and of what migrates.
	askPostgres = words("Query QueryRow Exec SendBatch CopyFrom Begin BeginTx BeginFunc Commit Rollback Ping Acquire Prepare " +
		"Insert InsertTx InsertMany InsertManyTx InsertFast InsertManyFast InsertManyFastTx HasPending Up Migrate Listen WaitForNotification")
	// startJobs are what River's client does at a start and a stop.
	startJobs = words("Start Stop StopAndCancel")
	// askDisk are functions of package os.
	askDisk = words("Open OpenFile OpenRoot Create CreateTemp ReadFile WriteFile ReadDir Mkdir MkdirAll MkdirTemp Rename Remove RemoveAll " +
		"Stat Lstat Truncate Chmod Chown Link Symlink CopyFS DirFS")
	// askFile are methods of an open file, by what files are called in the spool.
	askFile  = words("Write Sync Close Read ReadAt WriteAt Truncate Seek")
	files    = words("f w out file lock")
	askHTTP  = words("Do RoundTrip Get Head Post PostForm")
	askNet   = words("Dial DialTimeout DialContext")
	notRedis = words("AddHook Close Options PoolStats")
)

func words(s string) []string { return strings.Fields(s) }

// isIO tells whether a call is one of I/O.
func (r reader) isIO(sel *ast.SelectorExpr, args []ast.Expr) bool {
	name, on := sel.Sel.Name, last(sel.X)
	switch {
	case on == "os" && slices.Contains(askDisk, name), on == "syscall" && name == "Flock", on == "filepath" && name == "WalkDir":
		return true
	case slices.Contains(askNet, name):
		return true
	case slices.Contains(askHTTP, name) && (strings.HasSuffix(strings.ToLower(on), "client") || on == "http" || on == "next"):
		return true
	case on == "jobs" && slices.Contains(startJobs, name):
		return true
	case r.postgres && slices.Contains(askPostgres, name):
		return true
	case r.room == "session" && on == "rdb" && !slices.Contains(notRedis, name):
		return true
	case r.room == "session" && slices.ContainsFunc(args, func(a ast.Expr) bool { return last(a) == "rdb" }):
		return true
	case r.room == "spool" && on == "disk":
		return true
	case r.room == "spool" && slices.Contains(files, on) && slices.Contains(askFile, name):
		return true
	}
	return false
}
