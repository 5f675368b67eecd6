package main

import (
	"log/slog"
	"os"
	"runtime/debug"

	"github.com/KimMachineGun/automemlimit/memlimit"
)

const (
	// garbage is how much may pile up before it is collected, in percent of what is in
	// use: 20 MB are in use in a gateway, and each collection slows hops down for 30 ms,
	// twice a second at Go's own 100 (docs/performance.md). With more, 500 slow clients and
	// bodies that are too large bring it beyond 256 MiB (C13 of docs/reliability.md).
	garbage = 700
	// leastMemory is what a gateway gets where there is as much: what is in use, and
	// some to pile up.
	leastMemory = 64 << 20
)

// useMemory makes a gateway collect garbage seldom while there is memory, and often
// when there is not: it takes a quarter of what the machine, or its control group, has.
// What GOGC and GOMEMLIMIT say stands.
func useMemory(log *slog.Logger) {
	if os.Getenv("GOGC") != "" || os.Getenv("GOMEMLIMIT") != "" {
		return
	}
	have, err := memlimit.ApplyFallback(memlimit.FromCgroup, memlimit.FromSystem)()
	if err != nil {
		log.Warn("nobody says how much memory there is; garbage is collected as often as Go does", "error", err)
		return
	}
	debug.SetMemoryLimit(int64(share(have)))
	debug.SetGCPercent(garbage)
}

// share is how much of the memory a gateway takes before it collects more often: a
// quarter, since PostgreSQL and Redis may be on the same machine; never all of it.
func share(have uint64) uint64 { return min(max(have/4, leastMemory), have/4*3) }
