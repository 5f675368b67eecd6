package bench

import (
	"os"
	"path/filepath"
	"testing"
)

func TestWeightsAreReadFromEitherVersionOfCgroups(t *testing.T) {
	dir := t.TempDir()
	for name, file := range map[string]string{"gateway": "cpu.weight", "postgres": "cpu.shares"} {
		if err := os.Mkdir(filepath.Join(dir, name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name, file), []byte("300\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if got, want := weights(dir), "gateway 300, PostgreSQL 300, Redis ?"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if got := weights(""); got != "" {
		t.Errorf("without cgroups got %q", got)
	}
}
