package bench

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
)

// groups moves the gateway, PostgreSQL and Redis into the cgroups gateway, postgres and
// redis of a folder, which share the processor by their weights, as services of systemd
// do. Without them each process of PostgreSQL has as many turns as the whole gateway. What
// these start from then on is in their group too.
func (r *run) groups(dir string) error {
	postgres, redis := r.servers.PIDs()
	for _, g := range []struct {
		name string
		pids []int
	}{
		{"gateway", []int{r.gateway.cmd.Process.Pid}},
		{"postgres", append([]int{postgres}, childrenOf(postgres)...)},
		{"redis", []int{redis}},
	} {
		// Of the same name in both versions of cgroups (cgroups(7)); it takes one at a time.
		file := filepath.Join(dir, g.name, "cgroup.procs")
		for i, pid := range g.pids {
			f, err := os.OpenFile(file, os.O_WRONLY, 0)
			if err != nil {
				return fmt.Errorf("moving into the cgroup of the %s: %w (docs/performance.md says how to make it)", g.name, err)
			}
			_, err = f.WriteString(strconv.Itoa(pid))
			f.Close()
			if err != nil && i == 0 { // others may have ended since they were listed
				return fmt.Errorf("moving process %d into %s: %w", pid, file, err)
			}
		}
	}
	return nil
}

// weights reads what shares of the processor the three groups have; "" where there are none.
func weights(dir string) string {
	if dir == "" {
		return ""
	}
	read := func(name string) string {
		for _, file := range []string{"cpu.weight", "cpu.shares"} {
			if b, err := os.ReadFile(filepath.Join(dir, name, file)); err == nil {
				return string(b[:max(len(b)-1, 0)])
			}
		}
		return "?"
	}
	return fmt.Sprintf("gateway %s, PostgreSQL %s, Redis %s", read("gateway"), read("postgres"), read("redis"))
}
