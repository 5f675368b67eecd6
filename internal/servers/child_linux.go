package servers

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

// dieWithParent has the kernel send a signal to the child when the thread that started it ends, as it does when this process
// is killed.
func dieWithParent(attr *syscall.SysProcAttr, signal syscall.Signal) { attr.Pdeathsig = signal }

// livingIn is the ids of the server processes that work in folder: PostgreSQL and all of its children do in the cluster's,
// Redis in its own. This is surer than a pid file, whose number may be another process's by now.
func livingIn(folder string) []int {
	links, _ := filepath.Glob("/proc/[0-9]*/cwd") // its only error is a bad pattern
	var pids []int
	for _, link := range links {
		if at, err := os.Readlink(link); err != nil || at != folder {
			continue // gone by now, or not ours to see
		}
		dir := filepath.Dir(link)
		exe, err := os.Readlink(filepath.Join(dir, "exe"))
		if err != nil {
			continue
		}
		// Debian's redis-server is a link to redis-check-rdb.
		name := filepath.Base(exe)
		if !strings.HasPrefix(name, "postgres") && !strings.HasPrefix(name, "redis-") && !strings.HasPrefix(name, "valkey-") {
			continue // a shell, say
		}
		if pid, err := strconv.Atoi(filepath.Base(dir)); err == nil {
			pids = append(pids, pid)
		}
	}
	return pids
}

// freeIn is how many bytes a file system in memory still takes, 0 when dir is none.
func freeIn(dir string) uint64 {
	var s syscall.Statfs_t
	if err := syscall.Statfs(dir, &s); err != nil || s.Type != tmpfsMagic {
		return 0
	}
	return s.Bavail * uint64(s.Bsize)
}

// tmpfsMagic is TMPFS_MAGIC of linux/magic.h.
const tmpfsMagic = 0x01021994
