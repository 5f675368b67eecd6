//go:build !linux

package servers

import (
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

// dieWithParent cannot be had here: the next start ends what a killed lafia left, by its pid files.
func dieWithParent(*syscall.SysProcAttr, syscall.Signal) {}

// livingIn is the id of the server process whose pid file lies in folder, if its command line names that folder: the number
// alone may be another process's by now.
func livingIn(folder string) []int {
	for _, name := range []string{"postmaster.pid", "redis.pid"} {
		text, err := os.ReadFile(filepath.Join(folder, name))
		if err != nil {
			continue
		}
		first, _, _ := strings.Cut(string(text), "\n")
		pid, err := strconv.Atoi(strings.TrimSpace(first))
		if err != nil || pid <= 1 {
			continue
		}
		line, err := exec.Command("ps", "-ww", "-o", "command=", "-p", strconv.Itoa(pid)).Output()
		if err == nil && strings.Contains(string(line), folder) {
			return []int{pid}
		}
	}
	return nil
}

// freeIn would be the room in a file system in memory; such are not looked for here.
func freeIn(string) uint64 { return 0 }
