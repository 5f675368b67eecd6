package config

import (
	"os"
	"path/filepath"
	"testing"
)

func TestTheLineOfAKeyIsFoundInItsSection(t *testing.T) {
	path := filepath.Join(t.TempDir(), "c.toml")
	text := "listen = \"x\"\n[redis]\nurl = \"a\"\n[postgres] # record\nmax_conns = 2\nurl = \"b\"\n"
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	for key, want := range map[[2]string]int{{"postgres", "url"}: 6, {"redis", "url"}: 3, {"redis", "none"}: 2, {"none", "url"}: 1} {
		if got := Line(path, key[0], key[1]); got != want {
			t.Errorf("%v: line %d, want %d", key, got, want)
		}
	}
	if Line(path+"x", "a", "b") != 1 {
		t.Error("a file that is not there")
	}
}
