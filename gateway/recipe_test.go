package gateway_test

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// recipe is what CONTRIBUTING.md says of a new adapter.
func recipe(t *testing.T) string {
	t.Helper()
	b, err := os.ReadFile("../CONTRIBUTING.md")
	if err != nil {
		t.Fatal(err)
	}
	_, text, ok := strings.Cut(string(b), "## Add an aggregator\n")
	if !ok {
		t.Fatal("CONTRIBUTING.md has no recipe for an aggregator")
	}
	text, _, _ = strings.Cut(text, "\n## ")
	return text
}

// commands are the lines of the recipe to type that begin with a word.
func commands(t *testing.T, text, word, name string) []string {
	t.Helper()
	found := regexp.MustCompile(`(?m)^ {7}(`+word+` .*)$`).FindAllStringSubmatch(text, -1)
	if len(found) == 0 {
		t.Fatalf("the recipe has no command %s", word)
	}
	var out []string
	for _, f := range found {
		out = append(out, strings.ReplaceAll(f[1], "NAME", name))
	}
	return out
}

// TestTheRecipeOfANewAdapterTakesOneFolderAndOneLine does what CONTRIBUTING.md
// says beside the repository: the copy and the line are laid over it, so that
// nothing of it changes and nothing else is compiled anew.
func TestTheRecipeOfANewAdapterTakesOneFolderAndOneLine(t *testing.T) {
	t.Parallel()
	const name = "sahelsms"
	text := recipe(t)
	root, err := filepath.Abs("..")
	check(t, err)
	dir := t.TempDir()
	at := func(path string) string { return filepath.Join(dir, filepath.FromSlash(path)) }

	// 1. The folder.
	check(t, os.CopyFS(at("gateway/gatewaytest/skeleton"), os.DirFS("gatewaytest/skeleton")))
	for _, word := range []string{"cp", "sed"} {
		for _, command := range commands(t, text, word, name) {
			run(t, dir, "", "sh", "-c", command)
		}
	}

	// 2. The line, and its import.
	table, err := os.ReadFile("adapters.go")
	check(t, err)
	for _, c := range []struct{ after, line string }{
		{"import (\n", "\t\"lafia/gateway/" + name + "\"\n"},
		{"return []message.Adapter{\n", "\t\t" + name + ".New(),\n"},
	} {
		if bytes.Count(table, []byte(c.after)) != 1 {
			t.Fatalf("adapters.go has no single %q", c.after)
		}
		table = bytes.Replace(table, []byte(c.after), []byte(c.after+c.line), 1)
	}
	check(t, os.WriteFile(at("gateway/adapters.go"), table, 0o600))

	over := map[string]string{filepath.Join(root, "gateway", "adapters.go"): at("gateway/adapters.go")}
	sources, err := filepath.Glob(at("gateway/" + name + "/*.go"))
	check(t, err)
	for _, source := range sources {
		over[filepath.Join(root, "gateway", name, filepath.Base(source))] = source
	}
	overlay, err := json.Marshal(map[string]any{"Replace": over})
	check(t, err)
	check(t, os.WriteFile(at("overlay.json"), overlay, 0o600))
	build := func(command ...string) {
		t.Helper()
		run(t, root, "", "go", append(command[:1:1], append([]string{"-overlay", at("overlay.json")}, command[1:]...)...)...)
	}

	// What the recipe says then passes: the adapter's tests, and those of the gateway
	// with every adapter in the table, of which here the new one has samples.
	// vet wants a folder that is there, and looks at the skeleton where it is.
	build("test", "-vet=off", "-c", "-o", at("adapter.test"), "lafia/gateway/"+name)
	if out := run(t, at("gateway/"+name), "", at("adapter.test"), "-test.v"); !strings.Contains(out, "--- PASS: TestTheSuitePasses/sending_obeys_the_contract") {
		t.Errorf("the suite did not run:\n%s", out)
	}
	build("test", "-vet=off", "-c", "-o", at("gateway.test"), "lafia/gateway")
	wire := "TestEverySampleOfEveryAdapterArrivesOverASlowWireAsItIs"
	if out := run(t, at("gateway"), "", at("gateway.test"), "-test.v", "-test.run", wire); !strings.Contains(out, "--- PASS: "+wire+"/"+name) {
		t.Errorf("its samples did not come over the wire:\n%s", out)
	}
	build("build", "-o", at("lafia"), "lafia/cmd/lafia")
	for _, command := range commands(t, text, "echo", name) {
		request, parse, ok := strings.Cut(command, " | go run ./cmd/lafia ")
		if !ok {
			t.Fatalf("the recipe's %q does not run lafia", command)
		}
		request = strings.Trim(strings.TrimPrefix(request, "echo "), "'")
		const want = `{"valid":true,"reason":"","messages":[{"from":"+22370000001","to":"36000","text":"Bonjour","external_id":"1",`
		if out := run(t, dir, request+"\n", at("lafia"), strings.Fields(parse)...); !strings.HasPrefix(out, want) {
			t.Errorf("%s\ngives\n%s", command, out)
		}
	}
	if out := run(t, dir, `{"body":"from=70000001"}`, at("lafia"), "webhook", "parse", "--adapter", name, "--kind", "sms"); !strings.Contains(out, `"reason":"text is missing"`) {
		t.Errorf("a request that cannot be read gives %s", out)
	}
	t.Run("and the examples of docs/aggregators.md print what stands there", func(t *testing.T) { examples(t, dir) })
}

// examples types what docs/aggregators.md shows of `lafia webhook parse`. lafia is
// in dir.
func examples(t *testing.T, dir string) {
	text, err := os.ReadFile("../docs/aggregators.md")
	check(t, err)
	shown := regexp.MustCompile(`(?m)^ {4}\$ (.* \| )lafia (webhook parse .*)\n {4}(.*)$`).FindAllSubmatch(text, -1)
	if len(shown) == 0 {
		t.Fatal("there are none")
	}
	for _, e := range shown {
		if out := run(t, dir, "", "sh", "-c", string(e[1])+"./lafia "+string(e[2])); out != string(e[3])+"\n" {
			t.Errorf("%s\nprints\n%s", e[0], out)
		}
	}
}

// check ends the test where something went wrong.
func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// run runs a program without the network, and gives what it printed.
func run(t *testing.T, dir, stdin, program string, args ...string) string {
	t.Helper()
	c := exec.CommandContext(t.Context(), program, args...)
	c.Dir, c.Stdin, c.Env = dir, strings.NewReader(stdin), append(os.Environ(), "GOPROXY=off")
	var stderr bytes.Buffer
	c.Stderr = &stderr
	out, err := c.Output()
	if err != nil {
		t.Fatalf("%s %s: %v\n%s%s", program, strings.Join(args, " "), err, out, stderr.String())
	}
	return string(out)
}
