package servers

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestAFolderThatHoldsSomebodyElsesServersIsLeftAlone(t *testing.T) {
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "redis"), 0o755); err != nil {
		t.Fatal(err)
	}
	if _, err := Start(t.Context(), Options{Dir: dir}); err == nil || !strings.Contains(err.Error(), "did not make") {
		t.Fatalf("err = %v", err)
	}
	info, err := os.Stat(filepath.Join(dir, "redis"))
	if err != nil || info.Mode().Perm() != 0o755 {
		t.Fatalf("it was touched: %v, %v", info, err)
	}
	if entries, _ := os.ReadDir(dir); len(entries) != 1 {
		t.Fatalf("%d entries", len(entries))
	}
}

func TestAFolderWithOtherThingsInItMayBeUsed(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "out.log"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if err := foreign(dir); err != nil {
		t.Fatal(err)
	}
}
