// Package house holds the rules of the house as tests: who may import whom, and
// why not; where time and chance may enter; where SQL stands; who may look at a
// number. It has no code of its own.
package house_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"sort"
	"strconv"
	"strings"
	"testing"
)

type file struct {
	path    string // from the root, with slashes
	pkg     string // its folder
	imports []string
	ast     *ast.File
	text    string
	test    bool
}

func root(t *testing.T) string {
	t.Helper()
	dir, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

func files(t *testing.T) []file {
	t.Helper()
	dir := root(t)
	var out []file
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name := d.Name()
		if d.IsDir() && path != dir && (strings.HasPrefix(name, ".") || strings.HasPrefix(name, "_") || name == "testdata" || name == "bin") {
			return fs.SkipDir
		}
		if d.IsDir() || !strings.HasSuffix(name, ".go") {
			return nil
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		a, err := parser.ParseFile(token.NewFileSet(), path, text, parser.ParseComments)
		if err != nil {
			return err
		}
		rel, _ := filepath.Rel(dir, path)
		rel = filepath.ToSlash(rel)
		f := file{path: rel, pkg: filepath.ToSlash(filepath.Dir(rel)), ast: a, text: string(text), test: strings.HasSuffix(name, "_test.go")}
		for _, im := range a.Imports {
			p, _ := strconv.Unquote(im.Path.Value)
			f.imports = append(f.imports, p)
		}
		out = append(out, f)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(out) < 50 {
		t.Fatalf("only %d files were found: the walk is broken", len(out))
	}
	return out
}

// ours gives the rooms that a room may know, and why it may know no other.
// Tests may know more: what they know is not shipped.
var ours = map[string]struct {
	may []string
	why string
}{
	"gateway/message":    {nil, "a wire contract that knew a room could not be run by an integrator alone"},
	"internal/flow":      {nil, "a step is pure, so that a conversation is a list of inputs"},
	"internal/gsm":       {nil, "the alphabet of telephones knows no programme"},
	"internal/programme": {nil, "nouns may be known by all, so they know nobody"},
	"internal/sms":       {[]string{"internal/programme"}, "reading a text is pure: what becomes of it is the conversation's to say"},
	"internal/directory": {[]string{"internal/flow", "internal/programme", "internal/sms"}, "what a programme is made of is looked up in memory, by the gateway and by a rehearsal alike"},
	"internal/vault":     {nil, "who holds the keys has no other reason to change"},
	"internal/audit":     {nil, "the chain is checked by whoever has its first key, without the program that wrote it"},
	"internal/job":       {nil, "arguments of jobs are ids, which need no room"},
	"internal/locale":    {[]string{"internal/gsm"}, "words know alphabets, and no screen"},
	"internal/screen":    {[]string{"internal/flow", "internal/locale", "internal/gsm"}, "a screen is words on keys, whoever asks"},
	"internal/session":   {nil, "sessions are opaque: a store that knew flows would be tempted to change them"},
	"internal/staff":     {[]string{"internal/programme"}, "who may see what is decided apart from how it is shown"},
	"internal/spool":     {nil, "a journal that knew what its records mean could not take one while the record is away"},
	"internal/store":     {[]string{"internal/programme", "internal/staff", "internal/job", "internal/audit"}, "the record has no rule of its own"},
	"internal/outbox":    {[]string{"gateway/message", "internal/gsm", "internal/store", "internal/job"}, "sending knows no conversation; what a class is promised stands with its jobs"},
	"internal/export":    {[]string{"internal/programme"}, "an export opens nothing itself"},
	"internal/casework":  {[]string{"internal/programme", "internal/staff", "internal/store", "internal/vault", "internal/audit"}, "a verb of staff knows no page"},
	"internal/console": {[]string{"internal/casework", "internal/staff", "internal/programme", "internal/locale", "internal/export", "internal/audit",
		"internal/flow", "internal/rehearsal", "internal/translation"}, // the menus and their words, which hold nothing of anyone's
		"a page that reached the record could pass by the scope of its reader"},
	"internal/simulator": {[]string{"gateway/message"}, "it stands for the network, which knows nothing of us"},
	"internal/fakeaggregator": {[]string{"internal/flow", "internal/screen", "internal/locale", "internal/programme", "internal/store", "internal/vault", "internal/job", "internal/audit"},
		"it judges what adapters and conversations do, so it shares no code with them"},
	"internal/config": {[]string{"gateway/message"}, "a room that read the config file could not be given options"},
	"internal/conversation": {[]string{"gateway/message", "internal/flow", "internal/screen", "internal/locale", "internal/session", "internal/store", "internal/spool", "internal/vault", "internal/job", "internal/programme", "internal/sms", "internal/directory"},
		"it alone knows sessions, record and flow at once, and no page, adapter or web"},
	"internal/translation": {[]string{"internal/flow", "internal/screen", "internal/locale", "internal/gsm"}, "a translator's sheet is words on screens, and knows no record"},
	"internal/rehearsal": {[]string{"internal/flow", "internal/screen", "internal/locale", "internal/gsm", "internal/programme", "internal/demo", "internal/directory"},
		"it walks flows, and stores nothing"},
	"internal/simulation": {[]string{"gateway/message", "internal/conversation", "internal/directory", "internal/flow", "internal/job", "internal/locale", "internal/programme", "internal/session", "internal/spool", "internal/store", "internal/vault"},
		"it stands where servers stand, for conversations alone: whatever is above them is tried with real ones"},
	"internal/session/sessionsuite": {[]string{"internal/session"}, "what holds for one kind of sessions holds for every kind"},
	"internal/demo":                 {[]string{"gateway/message", "internal/store", "internal/programme", "internal/vault", "internal/staff", "internal/flow"}, "it fills the record, and runs nothing"},
}

func TestRoomsKnowOnlyWhomTheyMay(t *testing.T) {
	seen := map[string]bool{}
	for _, f := range files(t) {
		seen[f.pkg] = true
		if f.test {
			continue
		}
		for _, im := range f.imports {
			to, mine := strings.CutPrefix(im, "lafia/")
			if !mine {
				continue
			}
			if to == "internal/app" && f.pkg != "cmd/lafia" && f.pkg != "internal/bench" {
				t.Errorf("%s imports app: it wires the others, and nothing may know it", f.path)
			}
			if to == "internal/config" && f.pkg != "internal/app" {
				t.Errorf("%s imports config: only app reads it, the others are given options", f.path)
			}
			if strings.HasPrefix(f.pkg, "gateway/") && f.pkg != "gateway/message" && f.pkg != "gateway/gatewaytest" && to != "gateway/message" {
				t.Errorf("%s imports %s: an adapter knows the contract alone, so that it can be run, fuzzed and replayed by itself", f.path, to)
			}
			rule, ruled := ours[f.pkg]
			if ruled && !contains(rule.may, to) {
				t.Errorf("%s imports %s: %s", f.path, to, rule.why)
			}
		}
	}
	for room := range ours {
		if !seen[room] {
			t.Errorf("the rule for %s holds nothing: the room is gone or was renamed", room)
		}
	}
}

func contains(list []string, s string) bool {
	for _, v := range list {
		if v == s {
			return true
		}
	}
	return false
}

// where time and chance may enter (design.md, decision 12).
var clocks = []string{"internal/app", "internal/servers", "internal/bench", "internal/fakeaggregator", "cmd/lafia", "gateway", "internal/browsertest"}

func TestTimeAndChanceEnterAtTheEdgeAlone(t *testing.T) {
	call := regexp.MustCompile(`\b(time\.(Now|Since|Until)|rand\.(Read|Int\w*|Float\w*|N|Text)|uuid\.New\w*)\b`)
	for _, f := range files(t) {
		if f.test || contains(clocks, f.pkg) || strings.HasSuffix(f.pkg, "test") {
			continue
		}
		for i, line := range strings.Split(f.text, "\n") {
			m := call.FindString(line)
			switch {
			case m == "" || strings.HasPrefix(strings.TrimSpace(line), "//"):
			case f.pkg == "internal/vault" && m == "rand.Read": // keys and nonces
			case f.pkg == "internal/demo" && strings.HasPrefix(m, "rand."): // a seeded month
			default:
				t.Errorf("%s:%d: %s: the core is given the time and its chance", f.path, i+1, m)
			}
		}
	}
}

func TestSQLStandsInTheStoreAlone(t *testing.T) {
	sql := regexp.MustCompile("(?i)[\"`](\\s*)(select |insert into |update \\w+ set |delete from |create table )")
	for _, f := range files(t) {
		if f.test || strings.HasPrefix(f.pkg, "internal/store") || f.pkg == "internal/servers" || strings.HasPrefix(f.pkg, "internal/servers/") || f.pkg == "internal/bench" {
			continue
		}
		if m := sql.FindString(f.text); m != "" {
			t.Errorf("%s holds SQL (%q): it belongs to internal/store, whose readers take a scope", f.path, m)
		}
	}
}

// revealers may look at a number, a token or a secret in the clear, each for one
// reason.
var revealers = map[string]string{
	"gateway/message":       "the types themselves",
	"gateway":               "tokens are compared",
	"gateway/gatewaytest":   "samples are compared with what was read",
	"cmd/lafia":             "`lafia webhook parse` shows an integrator her own requests",
	"internal/conversation": "a number becomes a pseudonym, is sealed, and is nowhere else",
	"internal/simulator":    "it plays the telephones",
	"internal/config":       "secrets are read from where they are kept",
	"internal/app":          "addresses of servers are handed over",
	"internal/console":      "one page shows a number to who gave a reason in writing",
	"internal/demo":         "the numbers of the demo, which cannot ring",
}

func TestEveryoneWhoLooksAtANumberIsOnTheList(t *testing.T) {
	for _, f := range files(t) {
		if f.test || !strings.Contains(f.text, ".Reveal()") || adapter(f.pkg) {
			continue // an adapter writes the receiver of an SMS into its request
		}
		if revealers[f.pkg] == "" {
			t.Errorf("%s reveals a number or a secret, and is not on the list", f.path)
		}
	}
}

func adapter(pkg string) bool {
	return strings.HasPrefix(pkg, "gateway/") && pkg != "gateway/message" && pkg != "gateway/gatewaytest"
}

func TestEveryPackageSaysWhatItIsFor(t *testing.T) {
	docs := map[string]bool{}
	for _, f := range files(t) {
		if f.test && f.pkg != "internal/house" {
			continue
		}
		docs[f.pkg] = docs[f.pkg] || f.ast.Doc != nil
	}
	for pkg, has := range docs {
		if !has {
			t.Errorf("%s has no package comment", pkg)
		}
	}
}

func TestExportedThingsSayWhatTheyAre(t *testing.T) {
	for _, f := range files(t) {
		if f.test || strings.HasSuffix(f.path, "_templ.go") {
			continue
		}
		for _, d := range f.ast.Decls {
			switch d := d.(type) {
			case *ast.FuncDecl:
				if d.Name.IsExported() && d.Doc == nil && exportedReceiver(d) {
					t.Errorf("%s: %s has no comment", f.path, d.Name.Name)
				}
			case *ast.GenDecl:
				for _, s := range d.Specs {
					if ts, ok := s.(*ast.TypeSpec); ok && ts.Name.IsExported() && d.Doc == nil && ts.Doc == nil {
						t.Errorf("%s: %s has no comment", f.path, ts.Name.Name)
					}
				}
			}
		}
	}
}

func exportedReceiver(d *ast.FuncDecl) bool {
	if d.Recv == nil || len(d.Recv.List) == 0 {
		return true
	}
	t := d.Recv.List[0].Type
	if s, ok := t.(*ast.StarExpr); ok {
		t = s.X
	}
	id, ok := t.(*ast.Ident)
	return ok && id.IsExported()
}

func TestNoFileWorksAtInit(t *testing.T) {
	for _, f := range files(t) {
		for _, d := range f.ast.Decls {
			if fd, ok := d.(*ast.FuncDecl); ok && fd.Recv == nil && fd.Name.Name == "init" {
				t.Errorf("%s has an init function: nothing works before it is started", f.path)
			}
		}
	}
}

func TestEveryFolderOfGoIsTested(t *testing.T) {
	has, tested := map[string]bool{}, map[string]bool{}
	for _, f := range files(t) {
		has[f.pkg] = true
		tested[f.pkg] = tested[f.pkg] || f.test
	}
	var out []string
	for pkg := range has {
		// Embedding folders and helpers of tests are tested where they are used.
		if !tested[pkg] && pkg != "flows" && pkg != "internal/job" && !strings.HasSuffix(pkg, "test") {
			out = append(out, pkg)
		}
	}
	sort.Strings(out)
	for _, pkg := range out {
		t.Errorf("%s has no test", pkg)
	}
}

func TestNothingReadsBesideTheProject(t *testing.T) {
	for _, f := range files(t) {
		if f.pkg == "internal/house" {
			continue
		}
		if strings.Contains(f.text, "../shared") || strings.Contains(f.text, "/work/") {
			t.Errorf("%s names a path outside the project: a user's clone has none", f.path)
		}
	}
}
