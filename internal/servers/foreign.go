package servers

import (
	"fmt"
	"os"
	"path/filepath"
)

// foreign refuses a folder that has one of ours by name and was not made by us:
// --data /etc must not give /etc/redis to the servers' user. A folder of ours
// has its lock file from the first moment on.
func foreign(dir string) error {
	if info, err := os.Lstat(filepath.Join(dir, "lock")); err == nil && info.Mode().IsRegular() {
		return nil
	}
	for _, name := range []string{"pg", "redis", "run"} {
		if _, err := os.Lstat(filepath.Join(dir, name)); err == nil {
			return fmt.Errorf("%s holds a %q that Lafia did not make: name a folder of its own with --data", dir, name)
		}
	}
	return nil
}
