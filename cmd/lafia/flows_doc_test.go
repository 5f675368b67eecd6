package main

import (
	"os"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"
)

func TestTheExampleOfTheAuthorsPageIsTheOneThatRuns(t *testing.T) {
	archive, err := txtar.ParseFile("testdata/flows_test.txtar")
	if err != nil {
		t.Fatal(err)
	}
	page, err := os.ReadFile("../../docs/flows.md")
	if err != nil {
		t.Fatal(err)
	}
	shown := map[string]bool{"flows/water.toml": false, "words.toml": false, "flows/water.fr.ussd.transcript": false}
	for _, f := range archive.Files {
		if _, ok := shown[f.Name]; !ok {
			continue
		}
		shown[f.Name] = true
		first, _, _ := strings.Cut(string(f.Data), "\n\n# ") // of a transcript, the first conversation
		var block strings.Builder
		for _, line := range strings.Split(strings.TrimSpace(first), "\n") {
			block.WriteString(strings.TrimRight("    "+line, " ") + "\n")
		}
		if !strings.Contains(string(page), block.String()) {
			t.Errorf("docs/flows.md does not show %s as it is tested:\n%s", f.Name, block.String())
		}
	}
	for name, there := range shown {
		if !there {
			t.Errorf("the test has no %s", name)
		}
	}
}
