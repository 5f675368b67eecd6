package bench

import (
	"fmt"
	"os"
	"strconv"
	"strings"
)

// ticksPerSecond is USER_HZ: 100 on every Linux that Go runs on (proc(5)).
const ticksPerSecond = 100

// cpuSeconds gives the processor time of a process since it began, and of its
// living children when family is set. 0 where there is no /proc.
func cpuSeconds(pid int, family bool) float64 {
	total := ticks(pid, family)
	if family {
		for _, c := range childrenOf(pid) {
			total += ticks(c, false)
		}
	}
	return float64(total) / ticksPerSecond
}

// ticks reads utime and stime, and those of ended children.
func ticks(pid int, ended bool) int64 {
	f := stat(pid)
	if len(f) < 15 {
		return 0
	}
	var total int64
	last := 13
	if ended {
		last = 15
	}
	for _, s := range f[11:last] {
		n, _ := strconv.ParseInt(s, 10, 64)
		total += n
	}
	return total
}

// stat gives the fields of /proc/PID/stat behind the name, which may hold spaces.
func stat(pid int) []string {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return nil
	}
	_, rest, _ := strings.Cut(string(b), ") ")
	return strings.Fields(rest)
}

func childrenOf(pid int) []int {
	var out []int
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return nil
	}
	for _, e := range entries {
		n, err := strconv.Atoi(e.Name())
		if err != nil {
			continue
		}
		if f := stat(n); len(f) > 1 && f[1] == strconv.Itoa(pid) {
			out = append(out, n)
		}
	}
	return out
}

// busySeconds gives the processor time that all processes took together, and
// what a hypervisor took away. Interrupts are nobody's and left out.
func busySeconds() float64 {
	b, err := os.ReadFile("/proc/stat")
	if err != nil {
		return 0
	}
	line, _, _ := strings.Cut(string(b), "\n")
	f := strings.Fields(line) // cpu user nice system idle iowait irq softirq steal
	if len(f) < 9 {
		return 0
	}
	var total int64
	for _, i := range []int{1, 2, 3, 8} {
		n, _ := strconv.ParseInt(f[i], 10, 64)
		total += n
	}
	return float64(total) / ticksPerSecond
}

func load() string {
	b, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		return ""
	}
	f := strings.Fields(string(b))
	return strings.Join(f[:min(3, len(f))], " ")
}
